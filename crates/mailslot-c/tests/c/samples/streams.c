/* Standard handles, colours, a mutex that tells whether the program runs already. Not edited for
 * Linux. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int main(void) {
    HANDLE hOut = GetStdHandle(STD_OUTPUT_HANDLE), hIn = GetStdHandle(STD_INPUT_HANDLE), hSlot,
           hMutex;
    DWORD cb, cch;
    char line[128], path[MAX_PATH], user[UNLEN + 1];
    COORD pos = {0, 0};
    CONSOLE_SCREEN_BUFFER_INFO info;
    const char *msg = "hello via WriteFile\n";
    hMutex = CreateMutex(NULL, FALSE, "OnlyOne");
    if (GetLastError() == ERROR_ALREADY_EXISTS) {
        puts("already running");
        return 1;
    }
    WaitForSingleObject(hMutex, INFINITE);
    ReleaseMutex(hMutex);
    SetConsoleTextAttribute(hOut, FOREGROUND_RED | FOREGROUND_INTENSITY);
    WriteFile(hOut, msg, strlen(msg), &cb, NULL);
    WriteConsole(hOut, "console\n", 8, &cb, NULL);
    if (GetConsoleScreenBufferInfo(hOut, &info))
        SetConsoleCursorPosition(hOut, pos);
    ReadFile(hIn, line, sizeof(line), &cb, NULL);
    line[cb] = 0;
    printf("read %lu bytes: %s", cb, line);
    GetModuleFileName(NULL, path, MAX_PATH);
    printf("module %s cmd %s\n", path[0] ? "ok" : "no", GetCommandLine() ? "ok" : "no");
    cch = UNLEN + 1;
    GetUserName(user, &cch);
    printf("pid ok %d user %d\n", GetCurrentProcessId() > 0, lstrlen(user) > 0);
    srand((unsigned)time(NULL));
    Beep(750, 1);
    MessageBeep(MB_ICONEXCLAMATION);
    hSlot = CreateMailslot("\\\\.\\mailslot\\std", 0, 0, NULL);
    if (hSlot == INVALID_HANDLE_VALUE)
        ExitProcess(GetLastError());
    CloseHandle(hSlot);
    CloseHandle(hMutex);
    ExitProcess(0);
}
