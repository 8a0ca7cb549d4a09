// In the manner of Visual C++ 6: old headers, gets, system("pause"). Not edited for Linux.
#include "stdafx.h"
#include <windows.h>
#include <iostream.h>
#include <conio.h>
#include <string.h>
#include <stdlib.h>
#pragma comment(lib, "kernel32.lib")
#pragma warning(disable : 4996)
void PrintError(char *fn) {
    LPVOID lpMsgBuf;
    FormatMessage(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM |
                      FORMAT_MESSAGE_IGNORE_INSERTS,
                  NULL, GetLastError(), MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT),
                  (LPTSTR)&lpMsgBuf, 0, NULL);
    cout << fn << ": " << (LPCTSTR)lpMsgBuf << endl;
    LocalFree(lpMsgBuf);
}
int main(int argc, char *argv[]) {
    HANDLE hSlot;
    DWORD cbRead, msgSize, msgCount;
    char szSlot[MAX_PATH];
    char buf[424];
    char szComputer[MAX_COMPUTERNAME_LENGTH + 1];
    DWORD cch = sizeof(szComputer);
    GetComputerName(szComputer, &cch);
    wsprintf(szSlot, "\\\\.\\mailslot\\%s\\old", szComputer);
    hSlot = CreateMailslot(szSlot, 424, 1000, NULL);
    if (hSlot == INVALID_HANDLE_VALUE) {
        PrintError("CreateMailslot");
        return 1;
    }
    HANDLE hFile =
        CreateFile(szSlot, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                   (LPSECURITY_ATTRIBUTES)NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, (HANDLE)NULL);
    if (hFile == INVALID_HANDLE_VALUE)
        PrintError("CreateFile");
    printf("Type: ");
    gets(buf);
    WriteFile(hFile, buf, lstrlen(buf) + 1, &cbRead, NULL);
    GetMailslotInfo(hSlot, (LPDWORD)NULL, &msgSize, &msgCount, (LPDWORD)NULL);
    printf("%lu messages, next %lu, neg %ld, big %I64d wide %S\n", msgCount, msgSize, (LONG)-1,
           (__int64)5000000000, L"wide");
    char *p = (char *)GlobalAlloc(GPTR, msgSize);
    if (!ReadFile(hSlot, p, msgSize, &cbRead, NULL))
        PrintError("ReadFile");
    cout << "Got: " << p << endl;
    GlobalFree(p);
    if (!ReadFile(hSlot, buf, sizeof(buf), &cbRead, NULL))
        PrintError("ReadFile");
    strupr(buf);
    CloseHandle(hFile);
    CloseHandle(hSlot);
    system("pause");
    return 0;
}
