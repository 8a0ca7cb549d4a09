/* In the manner of the samples that Windows programmers learn from: polls, counts, allocates, passes
 * an OVERLAPPED with a named event and takes the read for done. Not edited for Linux. */
#include <stdio.h>
#include <strsafe.h>
#include <tchar.h>
#include <windows.h>

HANDLE hSlot;
LPTSTR Slot = TEXT("\\\\.\\mailslot\\sample_mailslot");
int Stopped = 0;

BOOL ReadSlot() {
    DWORD cbMessage = 0, cMessage = 0, cbRead = 0, cAll;
    BOOL fResult;
    LPTSTR lpszBuffer;
    TCHAR achID[80];
    HANDLE hEvent;
    OVERLAPPED ov;

    hEvent = CreateEvent(NULL, FALSE, FALSE, TEXT("ExampleSlot"));
    if (NULL == hEvent)
        return FALSE;
    ov.Offset = 0;
    ov.OffsetHigh = 0;
    ov.hEvent = hEvent;

    fResult = GetMailslotInfo(hSlot, (LPDWORD)NULL, &cbMessage, &cMessage, (LPDWORD)NULL);
    if (!fResult) {
        printf("GetMailslotInfo failed with %d.\n", GetLastError());
        return FALSE;
    }
    if (cbMessage == MAILSLOT_NO_MESSAGE) {
        CloseHandle(hEvent);
        return TRUE;
    }
    cAll = cMessage;
    while (cMessage != 0) {
        StringCchPrintf((LPTSTR)achID, 80, TEXT("Message #%d of %d\n"), cAll - cMessage + 1, cAll);
        lpszBuffer = (LPTSTR)GlobalAlloc(GPTR, lstrlen((LPTSTR)achID) * sizeof(TCHAR) + cbMessage);
        if (NULL == lpszBuffer)
            return FALSE;
        lpszBuffer[0] = '\0';
        fResult = ReadFile(hSlot, lpszBuffer, cbMessage, &cbRead, &ov);
        if (!fResult) {
            printf("ReadFile failed with %d.\n", GetLastError());
            GlobalFree((HGLOBAL)lpszBuffer);
            return FALSE;
        }
        if (lstrcmp(lpszBuffer, TEXT("stop")) == 0)
            Stopped = 1;
        StringCbCat(lpszBuffer, lstrlen((LPTSTR)achID) * sizeof(TCHAR) + cbMessage, (LPTSTR)achID);
        _tprintf(TEXT("Contents of the mailslot: %s\n"), lpszBuffer);
        GlobalFree((HGLOBAL)lpszBuffer);
        fResult = GetMailslotInfo(hSlot, (LPDWORD)NULL, &cbMessage, &cMessage, (LPDWORD)NULL);
        if (!fResult) {
            printf("GetMailslotInfo (%d)\n", GetLastError());
            return FALSE;
        }
    }
    CloseHandle(hEvent);
    return TRUE;
}

void _tmain(int argc, TCHAR *argv[]) {
    hSlot = CreateMailslot(Slot, 0, MAILSLOT_WAIT_FOREVER, (LPSECURITY_ATTRIBUTES)NULL);
    if (hSlot == INVALID_HANDLE_VALUE) {
        printf("CreateMailslot failed with %d\n", GetLastError());
        return;
    }
    _tprintf(TEXT("Slot created.\n"));
    fflush(stdout);
    while (!Stopped) {
        if (!ReadSlot())
            return;
        Sleep(10);
    }
    CloseHandle(hSlot);
}
