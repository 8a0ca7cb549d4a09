/* Text the way of Microsoft's C library. Compiled with UNICODE and without, with wchar_t of 32 and
 * of 16 bits, as C and as C++. It prints what the tests compare. */
#include <conio.h>
#include <strsafe.h>
#include <tchar.h>
#include <windows.h>

#define CHECK(condition)                                              \
    do {                                                              \
        if (!(condition)) {                                           \
            fprintf(stderr, "%d: failed: %s\n", __LINE__, #condition); \
            exit(1);                                                  \
        }                                                             \
    } while (0)

static void formats(void) {
    TCHAR text[200];
    WCHAR wide[60];
    DWORD number = 4000000000U;
    HANDLE handle = (HANDLE)0x1234;
    __int64 large = -5000000000;

    /* A DWORD is a long here, %s is text of the kind that the format is, %S of the other. */
    _stprintf(text, TEXT("%lu %ld %d %x %#X %05d|%-6d|%+d"), number, (LONG)-7, -8, 255, 255, 42, 42,
              42);
    CHECK(_tcscmp(text, TEXT("4000000000 -7 -8 ff 0XFF 00042|42    |+42")) == 0);
    _stprintf(text, TEXT("%s|%10s|%-5s|%.2s|%c|%%"), TEXT("text"), TEXT("right"), TEXT("ab"),
              TEXT("cut"), TEXT('c'));
    CHECK(_tcscmp(text, TEXT("text|     right|ab   |cu|c|%")) == 0);
    _stprintf(text, TEXT("%I64d %lld %I64u %hd %hhu"), large, large, (ULONGLONG)large, 65537, 257);
    CHECK(_tcscmp(text,
                  TEXT("-5000000000 -5000000000 18446744068709551616 1 1")) == 0);
    _stprintf(text, TEXT("%.3f %g %8.2e %*d %.*f"), 3.14159, 0.5, 12345.678, 5, 7, 1, 2.25);
    CHECK(_tcscmp(text, TEXT("3.142 0.5 1.23e+04     7 2.2")) == 0);
    _stprintf(text, TEXT("%hs %ls %S %s"), "narrow", L"wide",
#ifdef UNICODE
              "other",
#else
              L"other",
#endif
              (LPTSTR)NULL);
    CHECK(_tcscmp(text, TEXT("narrow wide other (null)")) == 0);
    _stprintf(text, TEXT("%p"), handle);
    CHECK(_tcslen(text) == 2 * sizeof(void *));
    CHECK(_tcsstr(text, TEXT("1234")) != NULL);
    /* More arguments than registers. */
    _stprintf(text, TEXT("%lu %lu %lu %lu %lu %lu %lu %lu %s"), number, number, number, number,
              number, number, number, number, TEXT("end"));
    CHECK(_tcsstr(text, TEXT("4000000000 end")) != NULL && _tcslen(text) == 91);
    /* Not a format. */
    _stprintf(text, TEXT("%y 5%"));
    CHECK(_tcscmp(text, TEXT("%y 5%")) == 0);
    wsprintfW(wide, L"%s-%S", L"wide", "narrow");
    CHECK(lstrcmpW(wide, L"wide-narrow") == 0);
}

static void safe_strings(void) {
    TCHAR text[10];
    size_t length = 1;
    CHECK(StringCchPrintf(text, 10, TEXT("%d-%s"), 12, TEXT("abc")) == S_OK);
    CHECK(_tcscmp(text, TEXT("12-abc")) == 0);
    CHECK(StringCchPrintf(text, 10, TEXT("%s"), TEXT("0123456789")) ==
          STRSAFE_E_INSUFFICIENT_BUFFER);
    CHECK(_tcscmp(text, TEXT("012345678")) == 0);
    CHECK(StringCchPrintf(text, 0, TEXT("x")) == STRSAFE_E_INVALID_PARAMETER);
    CHECK(StringCbPrintf(text, sizeof(text), TEXT("%s"), TEXT("012345678")) == S_OK);
    CHECK(StringCchCopy(text, 10, TEXT("copy")) == S_OK);
    CHECK(StringCchCat(text, 10, TEXT("cat")) == S_OK);
    CHECK(StringCchLength(text, 10, &length) == S_OK && length == 7);
    CHECK(StringCbCat(text, sizeof(text), TEXT("long")) == STRSAFE_E_INSUFFICIENT_BUFFER);
    CHECK(_tcscmp(text, TEXT("copycatlo")) == 0);
    CHECK(StringCbLength(text, sizeof(text), &length) == S_OK && length == 9 * sizeof(TCHAR));
    CHECK(StringCchLength(text, 5, &length) == STRSAFE_E_INVALID_PARAMETER && length == 0);
    CHECK(StringCbCopy(text, sizeof(text), TEXT("end")) == S_OK);
    CHECK(FAILED(StringCchCopy(text, 2, TEXT("end"))) && SUCCEEDED(S_OK));

    CHECK(_tcscpy_s(text, 10, TEXT("copy")) == 0);
    CHECK(_tcscat_s(text, 10, TEXT("cat")) == 0 && _tcslen(text) == 7);
    CHECK(_tcscat_s(text, 10, TEXT("long")) != 0 && text[0] == 0);
    CHECK(_stprintf_s(text, 10, TEXT("%d"), 12345) == 5);
    CHECK(_tstoi(text) == 12345);
}

static void strings(void) {
    TCHAR text[40];
    char narrow[40];
    WCHAR wide[40];
    int length;
    CHECK(lstrlen(TEXT("four")) == 4 && lstrlen(NULL) == 0);
    CHECK(lstrcpy(text, TEXT("ab")) == text && lstrcat(text, TEXT("cd")) == text);
    CHECK(lstrcmp(text, TEXT("abcd")) == 0 && lstrcmp(text, TEXT("abce")) < 0);
    CHECK(lstrcmpi(text, TEXT("ABCD")) == 0 && _tcsicmp(text, TEXT("ABCE")) < 0);
    CHECK(lstrcpyn(text, TEXT("longer"), 4) == text && lstrlen(text) == 3);
    CHECK(_tcschr(text, TEXT('n')) == text + 2 && _tcsrchr(text, TEXT('z')) == NULL);
    CHECK(_tcsncmp(text, TEXT("loX"), 2) == 0);

    /* All code pages are UTF-8. */
    length = MultiByteToWideChar(CP_ACP, 0, "Gr\xc3\xbc\xc3\x9f", -1, NULL, 0);
    CHECK(length == 5);
    CHECK(MultiByteToWideChar(CP_UTF8, 0, "Gr\xc3\xbc\xc3\x9f", -1, wide, 40) == 5);
    CHECK(wide[2] == 0xfc && wide[4] == 0);
    CHECK(WideCharToMultiByte(CP_ACP, 0, wide, -1, narrow, 40, NULL, NULL) == 7);
    CHECK(strcmp(narrow, "Gr\xc3\xbc\xc3\x9f") == 0);
    CHECK(WideCharToMultiByte(CP_ACP, 0, wide, 2, narrow, 40, NULL, NULL) == 2);
    CHECK(MultiByteToWideChar(CP_UTF8, 0, "abc", -1, wide, 3) == 0);
    CHECK(GetLastError() == ERROR_INSUFFICIENT_BUFFER);
    CHECK(MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, "\xff", -1, wide, 40) == 0);
    CHECK(GetLastError() == ERROR_NO_UNICODE_TRANSLATION);
    CHECK(MultiByteToWideChar(CP_UTF8, 0, NULL, -1, wide, 40) == 0);
    CHECK(GetLastError() == ERROR_INVALID_PARAMETER);
    /* One wchar_t or two. */
    CHECK(MultiByteToWideChar(CP_UTF8, 0, "\xf0\x9f\x93\xac", 4, wide, 40) ==
          (sizeof(wchar_t) == 2 ? 2 : 1));

    CHECK(_stricmp("ABC", "abc") == 0 && _strnicmp("ABX", "aby", 2) == 0);
    CHECK(strcmp(_itoa(-255, narrow, 10), "-255") == 0 && strcmp(_itoa(255, narrow, 16), "ff") == 0);
    CHECK(sprintf_s(narrow, 4, "%d", 12345) < 0 && strcmp(narrow, "123") == 0);
    CHECK(_countof(wide) == 40 && LOWORD(0x12345678) == 0x5678 && HIWORD(0x12345678) == 0x1234);
    ZeroMemory(wide, sizeof(wide));
    CHECK(wide[0] == 0 && MAKELONG(1, 2) == 0x20001);
}

int _tmain(int argc, TCHAR *argv[]) {
    formats();
    safe_strings();
    strings();
    CHECK(argc == 3 && _tcscmp(argv[1], TEXT("one")) == 0 && argv[3] == NULL);
    /* Narrow and wide output mix. */
    printf("printf, ");
    _tprintf(TEXT("_tprintf %s %d, "), argv[2], 2);
    wprintf(L"wprintf %s, ", L"Gr\x00fc\x00df"
                             L"e");
    _putts(TEXT("_putts"));
    while (!_kbhit())
        Sleep(1);
    printf("%d", _getch());
    printf(" %d", _getch());
    printf(" %d\n", _getch());
    return 5;
}
