// In the manner of a tutorial of 2004: server and client in one, with a thread. Not edited for
// Linux.
#include "stdafx.h"
#include <conio.h>
#include <iostream>
#include <process.h>
#include <windows.h>

using namespace std;

void ErrorExit(LPTSTR lpszFunction) {
    LPVOID lpMsgBuf;
    DWORD dw = GetLastError();
    FormatMessage(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM, NULL, dw,
                  MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT), (LPTSTR)&lpMsgBuf, 0, NULL);
    cout << lpszFunction << " failed: " << (char *)lpMsgBuf;
    LocalFree(lpMsgBuf);
    ExitProcess(dw);
}

DWORD WINAPI Client(LPVOID lpParam) {
    const char *name = (const char *)lpParam;
    HANDLE hFile = CreateFile(name, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, 0,
                              OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, 0);
    if (hFile == INVALID_HANDLE_VALUE)
        ErrorExit((LPTSTR) "CreateFile");
    for (int i = 1; i <= 3; i++) {
        char msg[32];
        wsprintf(msg, "message %d", i);
        // Some leave both pointers out.
        if (!WriteFile(hFile, msg, lstrlen(msg) + 1, NULL, NULL))
            ErrorExit((LPTSTR) "WriteFile");
    }
    CloseHandle(hFile);
    ExitThread(0);
}

int main(int argc, char *argv[]) {
    char *name = (char *)"\\\\.\\mailslot\\tutorial";
    SECURITY_ATTRIBUTES sa;
    sa.nLength = sizeof(SECURITY_ATTRIBUTES);
    sa.lpSecurityDescriptor = NULL;
    sa.bInheritHandle = TRUE;
    HANDLE hSlot = CreateMailslot(name, 0, MAILSLOT_WAIT_FOREVER, &sa);
    if (hSlot == INVALID_HANDLE_VALUE)
        ErrorExit((LPTSTR) "CreateMailslot");

    DWORD threadId;
    HANDLE hThread = CreateThread(NULL, 0, Client, name, 0, &threadId);
    for (int count = 0; count < 3; count++) {
        DWORD size, read;
        while (GetMailslotInfo(hSlot, NULL, &size, NULL, NULL) && size == MAILSLOT_NO_MESSAGE)
            Sleep(1);
        LPSTR buffer = (LPSTR)GlobalAlloc(GMEM_FIXED, size);
        if (!ReadFile(hSlot, buffer, size, &read, NULL))
            ErrorExit((LPTSTR) "ReadFile");
        cout << "got " << buffer << endl;
        GlobalFree((HGLOBAL)buffer);
    }
    WaitForSingleObject(hThread, INFINITE);
    CloseHandle(hThread);
    CloseHandle(hSlot);
    // Nobody is there any more: error 2 in words.
    hSlot = CreateFile(name, GENERIC_WRITE, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (hSlot == INVALID_HANDLE_VALUE)
        ErrorExit((LPTSTR) "CreateFile");
    getch();
    return 0;
}
