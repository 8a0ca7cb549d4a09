/* A header before the data, the error of a call in a box, the version of Windows. Not edited for
 * Linux. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <strsafe.h>
typedef struct _MSG_HDR {
    DWORD dwId;
    DWORD cbData;
    SYSTEMTIME st;
    CHAR szFrom[MAX_COMPUTERNAME_LENGTH + 1];
} MSG_HDR, *PMSG_HDR;
VOID ShowError(LPCTSTR lpszFunction) {
    LPVOID lpMsgBuf;
    LPVOID lpDisplayBuf;
    DWORD dw = GetLastError();
    FormatMessage(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM |
                      FORMAT_MESSAGE_IGNORE_INSERTS,
                  NULL, dw, MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT), (LPTSTR)&lpMsgBuf, 0, NULL);
    lpDisplayBuf = (LPVOID)LocalAlloc(
        LMEM_ZEROINIT,
        (lstrlen((LPCTSTR)lpMsgBuf) + lstrlen((LPCTSTR)lpszFunction) + 40) * sizeof(TCHAR));
    StringCchPrintf((LPTSTR)lpDisplayBuf, LocalSize(lpDisplayBuf) / sizeof(TCHAR),
                    TEXT("%s failed with error %d: %s"), lpszFunction, dw, lpMsgBuf);
    MessageBox(NULL, (LPCTSTR)lpDisplayBuf, TEXT("Error"), MB_OK | MB_ICONSTOP);
    LocalFree(lpMsgBuf);
    LocalFree(lpDisplayBuf);
}
int __cdecl main(int argc, char **argv) {
    MSG_HDR hdr = {0};
    TCHAR szReply[MAX_PATH];
    BYTE *pb;
    DWORD cb, cbNext, cMsg, dwTimeout, cbMax;
    HANDLE hReply, hClient;
    DWORD cch = MAX_COMPUTERNAME_LENGTH + 1;
    OSVERSIONINFO osvi;
    LPTSTR psz;
    UNREFERENCED_PARAMETER(argc);
    UNREFERENCED_PARAMETER(argv);
    ZeroMemory(&osvi, sizeof(osvi));
    osvi.dwOSVersionInfoSize = sizeof(OSVERSIONINFO);
    GetVersionEx(&osvi);
    if (osvi.dwPlatformId != VER_PLATFORM_WIN32_NT)
        return 9;
    GetComputerNameA(hdr.szFrom, &cch);
    GetSystemTime(&hdr.st);
    hdr.dwId = GetTickCount();
    StringCchPrintf(szReply, ARRAYSIZE(szReply), TEXT("\\\\.\\mailslot\\reply\\%08X"),
                    GetCurrentProcessId());
    hReply = CreateMailslot(szReply, sizeof(MSG_HDR) + 64, MAILSLOT_WAIT_FOREVER, NULL);
    if (INVALID_HANDLE_VALUE == hReply) {
        ShowError(TEXT("CreateMailslot"));
        ExitProcess(1);
    }
    hClient = CreateFile(szReply, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                         OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL | FILE_FLAG_WRITE_THROUGH, NULL);
    hdr.cbData = 5;
    pb = (BYTE *)HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof(hdr) + 5);
    CopyMemory(pb, &hdr, sizeof(hdr));
    CopyMemory(pb + sizeof(hdr), "data", 5);
    if (!WriteFile(hClient, pb, sizeof(hdr) + 5, &cb, NULL) || cb != sizeof(hdr) + 5)
        ShowError(TEXT("WriteFile"));
    if (!GetMailslotInfo(hReply, &cbMax, &cbNext, &cMsg, &dwTimeout))
        ShowError(TEXT("GetMailslotInfo"));
    printf("max %lu next %lu count %lu timeout %lX\n", cbMax, cbNext, cMsg, dwTimeout);
    FillMemory(pb, cbNext, 0xCC);
    ReadFile(hReply, pb, cbNext, &cb, NULL);
    printf("%s %u %d\n", (char *)pb + sizeof(hdr), ((PMSG_HDR)pb)->cbData,
           RtlEqualMemory(pb, &hdr, sizeof(hdr)));
    HeapFree(GetProcessHeap(), 0, pb);
    CloseHandle(hClient);
    CloseHandle(hReply);
    hClient = CreateFile(szReply, GENERIC_WRITE, FILE_SHARE_READ, NULL, OPEN_EXISTING,
                         FILE_ATTRIBUTE_NORMAL, NULL);
    if (INVALID_HANDLE_VALUE == hClient)
        ShowError(TEXT("CreateFile"));
    switch (GetLastError()) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_BAD_NETPATH:
    case ERROR_BAD_NET_NAME:
    case ERROR_NETNAME_DELETED:
    case ERROR_NO_SUCH_DOMAIN:
    case ERROR_LOGON_FAILURE:
    case ERROR_NETWORK_UNREACHABLE:
    case ERROR_UNEXP_NET_ERR:
    case ERROR_BAD_LENGTH:
    case ERROR_WRITE_FAULT:
    case ERROR_READ_FAULT:
    case ERROR_INVALID_USER_BUFFER:
    case ERROR_INVALID_DATA:
    case ERROR_NO_SYSTEM_RESOURCES:
        break;
    }
    return 0;
}
