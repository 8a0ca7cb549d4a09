/* What tchar.h and strsafe.h have for text of either kind. Not edited for Linux. */
#include "stdafx.h"
#include "targetver.h"
#include <windows.h>
#include <tchar.h>
#include <strsafe.h>
#include <stdio.h>
int _tmain(int argc, TCHAR **argv) {
    TCHAR sz[100], up[20], *p, *end;
    size_t cch;
    DWORD cb;
    HANDLE h, s;
    TCHAR c = _T('x');
    int n;
    ULARGE_INTEGER u;
    LARGE_INTEGER li;
    StringCchPrintfEx(sz, 100, &p, &cch, STRSAFE_FILL_BEHIND_NULL, _T("%s"), _T("abc"));
    StringCchCatEx(sz, 100, _T("def"), &p, &cch, 0);
    StringCchCopyEx(up, 20, sz, NULL, NULL, 0);
    StringCchGets(up, 20);
    _putts(up);
    _tcsupr(up);
    _putts(up);
    _tcslwr(up);
    _putts(up);
    _tcsrev(up);
    _putts(up);
    _tcsncat(sz, _T("ghi"), 2);
    _putts(sz);
    _putts(_tcspbrk(sz, _T("e")));
    p = _tcstok(sz, _T("e"));
    while (p) {
        _tprintf(_T("<%s>"), p);
        p = _tcstok(NULL, _T("e"));
    }
    _tprintf(_T("\n"));
    n = 12;
    _tprintf(_T("%d %d %d\n"), n, _tcsnlen(_T("abc"), 2), (int)_tcstoul(_T("ff"), &end, 16));
    _tprintf(_T("%d %d %c %c %d\n"), _istdigit(_T('5')) != 0, _istalpha(_T('5')) != 0, _totupper(c),
             _totlower(_T('Y')), _istspace(_T(' ')) != 0);
    _puttchar(_T('z'));
    _puttchar(_T('\n'));
    _fputtc(_T('q'), stdout);
    _fputts(_T("\n"), stdout);
    _sntprintf_s(sz, 100, _TRUNCATE, _T("%s|%d"), _T("s"), 1);
    _putts(sz);
    _stprintf(sz, _T("%c%C"), _T('a'), 'b');
    _putts(sz);
    _itot(77, sz, 10);
    _putts(sz);
    _tcsncpy_s(sz, 100, _T("abcdef"), 3);
    _putts(sz);
    _tcscpy(sz, _T("home"));
    _putts(sz);
    CharUpper(sz);
    _putts(sz);
    CharLower(sz);
    _putts(sz);
    u.QuadPart = 5;
    li.QuadPart = -1;
    _tprintf(_T("%I64u %I64d %lu\n"), u.QuadPart, li.QuadPart, u.LowPart);
    if (argc > 1 && (!_tcscmp(argv[1], _T("/s")) || !lstrcmpi(argv[1], _T("-S"))))
        _tprintf(_T("server mode\n"));
    s = CreateMailslot(_T("\\\\.\\mailslot\\tch"), 0, 0, 0);
    h = CreateFile(_T("\\\\.\\mailslot\\tch"), GENERIC_WRITE, FILE_SHARE_READ, 0, OPEN_EXISTING, 0,
                   0);
    WriteFile(h, sz, (_tcslen(sz) + 1) * sizeof(TCHAR), &cb, 0);
    ReadFile(s, up, sizeof up, &cb, 0);
    _putts(up);
    CloseHandle(h);
    CloseHandle(s);

    return 0;
}
