/* The functions with wide text, and those that are one or the other. Compiled with wchar_t of 32
 * and of 16 bits, with UNICODE and without. */
#include "check.h"

#define WIDE(name) L"\\\\.\\mailslot\\" name

static int same(const wchar_t *a, const wchar_t *b) {
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

int main(void) {
    HANDLE slot, file, event;
    wchar_t text[200], *allocated = NULL;
    static wchar_t unpaired[] = L"\\\\.\\mailslot\\x?";
    DWORD length;
    size_t at;

    CHECK_WORKS((slot = CreateMailslotW(WIDE(L"wide\\Gr\x00fc\x00df"), 0, 0, NULL)) !=
                INVALID_HANDLE_VALUE);
    /* The same name in bytes, in other letter case. */
    file = dial(SLOT("WIDE\\GR\xc3\x9c\xc3\x9f"));
    put(file, "bytes");
    expect(slot, "bytes");
    CHECK_FAILS(IS_HANDLE(CreateMailslotW(WIDE(L"Wide\\gr\x00fc\x00df"), 0, 0, NULL)),
                ERROR_ALREADY_EXISTS);
    CHECK(CloseHandle(file));
    file = CreateFileW(WIDE(L"wide\\gr\x00fc\x00df"), GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0,
                       NULL);
    CHECK(IS_HANDLE(file));
    put(file, "wide");
    expect(slot, "wide");
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));

    /* Beyond 16 bits: one wchar_t or two. */
    CHECK_WORKS((slot = CreateMailslotW(L"\\\\.\\mailslot\\\U0001F4EC", 0, 0, NULL)) !=
                INVALID_HANDLE_VALUE);
    CHECK(CloseHandle(dial(SLOT("\xf0\x9f\x93\xac"))));
    CHECK(CloseHandle(slot));
    /* Half of a pair is no text. */
    for (at = 0; unpaired[at] != '?'; at++)
        ;
    unpaired[at] = (wchar_t)0xD800;
    CHECK_FAILS(IS_HANDLE(CreateMailslotW(unpaired, 0, 0, NULL)), ERROR_INVALID_NAME);
    CHECK_FAILS(IS_HANDLE(CreateMailslotW(NULL, 0, 0, NULL)), ERROR_PATH_NOT_FOUND);
    CHECK_FAILS(IS_HANDLE(CreateMailslotW(L"", 0, 0, NULL)), ERROR_PATH_NOT_FOUND);
    CHECK_FAILS(IS_HANDLE(CreateMailslotW(L"blah", 0, 0, NULL)), ERROR_INVALID_NAME);
    CHECK_FAILS(IS_HANDLE(CreateFileW(WIDE(L"none"), GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0,
                                      NULL)),
                ERROR_FILE_NOT_FOUND);

    CHECK((event = CreateEventW(NULL, TRUE, TRUE, L"event")) != NULL);
    CHECK_WORKS((file = OpenEventA(EVENT_ALL_ACCESS, FALSE, "event")) != NULL);
    CHECK_EQ(WaitForSingleObject(file, 0), WAIT_OBJECT_0);
    CHECK(CloseHandle(file));
    CHECK_WORKS((file = OpenEventW(EVENT_ALL_ACCESS, FALSE, L"event")) != NULL);
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(event));

    length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM, NULL, 5, 0, text, 200, NULL);
    CHECK(same(text, L"Access is denied.\r\n"));
    CHECK_EQ(length, 19);
    length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER, NULL, 6, 0,
                            (LPWSTR)&allocated, 0, NULL);
    CHECK(same(allocated, L"The handle is invalid.\r\n"));
    CHECK(LocalFree(allocated) == NULL);

    /* Either one. */
    slot = CreateMailslot(TEXT("\\\\.\\mailslot\\either"), 0, 0, NULL);
    CHECK(IS_HANDLE(slot));
    file = CreateFile(TEXT("\\\\.\\mailslot\\either"), GENERIC_WRITE, FILE_SHARE_READ, NULL,
                      OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    put(file, "either");
    expect(slot, "either");
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
#ifdef UNICODE
    CHECK_EQ(sizeof(TCHAR), sizeof(wchar_t));
#else
    CHECK_EQ(sizeof(TCHAR), 1);
#endif
    return 0;
}
