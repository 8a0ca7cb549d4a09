/* Threads, an overlapped read, and Ctrl+C that ends it all. Not edited for Linux. */
#define _WIN32_WINNT 0x0501
#define WIN32_LEAN_AND_MEAN
#include <Windows.h>
#include <stdio.h>
#include <tchar.h>
#include <process.h>
#define BUFSIZE 512
HANDLE g_hSlot, g_hStop;
CRITICAL_SECTION g_cs;
volatile LONG g_count = 0;
BOOL WINAPI CtrlHandler(DWORD fdwCtrlType) {
    switch (fdwCtrlType) {
    case CTRL_C_EVENT:
    case CTRL_BREAK_EVENT:
    case CTRL_CLOSE_EVENT:
    case CTRL_LOGOFF_EVENT:
    case CTRL_SHUTDOWN_EVENT:
        _tprintf(TEXT("Ctrl event %lu\n"), fdwCtrlType);
        SetEvent(g_hStop);
        return TRUE;
    default:
        return FALSE;
    }
}
unsigned __stdcall Writer(void *p) {
    TCHAR msg[64];
    DWORD cb;
    int i;
    HANDLE h;
    h = CreateFile(TEXT("\\\\.\\mailslot\\ctrl"), GENERIC_WRITE, FILE_SHARE_READ, NULL,
                   OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    for (i = 0; i < 5; i++) {
        _stprintf_s(msg, _countof(msg), TEXT("thread %d msg %d"), (int)(INT_PTR)p, i);
        EnterCriticalSection(&g_cs);
        WriteFile(h, msg, (lstrlen(msg) + 1) * sizeof(TCHAR), &cb, NULL);
        LeaveCriticalSection(&g_cs);
        InterlockedIncrement(&g_count);
    }
    CloseHandle(h);
    _endthreadex(0);
    return 0;
}
int _tmain(int argc, _TCHAR *argv[]) {
    HANDLE hThreads[3], hWait[2];
    OVERLAPPED ol;
    TCHAR buf[BUFSIZE];
    DWORD cb, dwWait;
    int i, n = 0;
    SYSTEMTIME st;
    unsigned id;
    SECURITY_ATTRIBUTES sa;
    PSECURITY_DESCRIPTOR pSD;
    SetConsoleTitle(_T("Ctrl sample"));
    if (!SetConsoleCtrlHandler((PHANDLER_ROUTINE)CtrlHandler, TRUE)) {
        _tprintf(_T("no handler\n"));
        return 1;
    }
    pSD = (PSECURITY_DESCRIPTOR)LocalAlloc(LPTR, SECURITY_DESCRIPTOR_MIN_LENGTH);
    if (!InitializeSecurityDescriptor(pSD, SECURITY_DESCRIPTOR_REVISION))
        return 2;
    if (!SetSecurityDescriptorDacl(pSD, TRUE, (PACL)NULL, FALSE))
        return 3;
    sa.nLength = sizeof(sa);
    sa.lpSecurityDescriptor = pSD;
    sa.bInheritHandle = TRUE;
    InitializeCriticalSection(&g_cs);
    g_hStop = CreateEvent(NULL, TRUE, FALSE, NULL);
    g_hSlot = CreateMailslot(TEXT("\\\\.\\mailslot\\ctrl"), BUFSIZE * sizeof(TCHAR),
                             MAILSLOT_WAIT_FOREVER, &sa);
    if (g_hSlot == INVALID_HANDLE_VALUE) {
        _tprintf(TEXT("CreateMailslot failed (%d)\n"), GetLastError());
        return 4;
    }
    for (i = 0; i < 3; i++)
        hThreads[i] = (HANDLE)_beginthreadex(NULL, 0, &Writer, (void *)(INT_PTR)i, 0, &id);
    ZeroMemory(&ol, sizeof(ol));
    ol.hEvent = CreateEvent(NULL, FALSE, FALSE, NULL);
    hWait[0] = g_hStop;
    hWait[1] = ol.hEvent;
    for (;;) {
        if (!ReadFile(g_hSlot, buf, sizeof(buf), &cb, &ol)) {
            if (GetLastError() != ERROR_IO_PENDING) {
                _tprintf(TEXT("ReadFile %d\n"), GetLastError());
                break;
            }
        }
        dwWait = WaitForMultipleObjects(2, hWait, FALSE, INFINITE);
        if (dwWait == WAIT_OBJECT_0) {
            CancelIo(g_hSlot);
            break;
        }
        if (!GetOverlappedResult(g_hSlot, &ol, &cb, FALSE))
            break;
        GetLocalTime(&st);
        if (st.wHour > 23)
            break;
        if (++n == 15)
            GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0);
    }
    WaitForMultipleObjects(3, hThreads, TRUE, INFINITE);
    for (i = 0; i < 3; i++)
        CloseHandle(hThreads[i]);
    DeleteCriticalSection(&g_cs);
    LocalFree(pSD);
    CloseHandle(g_hSlot);
    _tprintf(TEXT("count %ld\n"), g_count);
    return 0;
}
