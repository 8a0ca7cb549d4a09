// In the manner of samples that open their slot to all users of the computer by a text that says
// so, and look at it whenever Enter is typed. Not edited for Linux.
#include <stdio.h>
#include <windows.h>
#include <sddl.h>

static HANDLE OpenBox(PCWSTR pszText) {
    SECURITY_ATTRIBUTES sa = {sizeof(sa)};
    HANDLE hBox = INVALID_HANDLE_VALUE;
    if (ConvertStringSecurityDescriptorToSecurityDescriptorW(pszText, SDDL_REVISION_1,
                                                             &sa.lpSecurityDescriptor, NULL)) {
        hBox = CreateMailslotW(L"\\\\.\\mailslot\\box", 0, MAILSLOT_WAIT_FOREVER, &sa);
        LocalFree(sa.lpSecurityDescriptor);
    }
    if (hBox == INVALID_HANDLE_VALUE)
        wprintf(L"OpenBox: 0x%08lx\n", GetLastError());
    return hBox;
}

int wmain(int argc, wchar_t *argv[]) {
    wchar_t szLine[32], *pszNote;
    DWORD cbNext, cNotes, cbRead;
    OpenBox(L"D:(D;;GA;;;WD)");
    OpenBox(L"nonsense");
    HANDLE hBox = OpenBox(L"D:P(A;;GRGW;;;AU)(A;;GA;;;BA)(A;;GA;;;SY)");
    HANDLE hPen = CreateFileW(L"\\\\.\\mailslot\\box", GENERIC_WRITE, FILE_SHARE_READ, NULL,
                              OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    while (_getws_s(szLine) && wcscmp(szLine, L"quit") != 0) {
        WriteFile(hPen, szLine, (DWORD)(wcslen(szLine) + 1) * sizeof(*szLine), &cbRead, NULL);
        GetMailslotInfo(hBox, NULL, &cbNext, &cNotes, NULL);
        pszNote = new wchar_t[cbNext / sizeof(*pszNote)];
        ReadFile(hBox, pszNote, cbNext, &cbRead, NULL);
        wprintf(L"%lu: %s (%S)\n", cNotes, pszNote, "noted");
        delete[] pszNote;
    }
    CloseHandle(hPen);
    CloseHandle(hBox);
    return 0;
}
