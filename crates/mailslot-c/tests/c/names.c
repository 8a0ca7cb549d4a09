/* Names, and creating slots: the first table of the reference. */
#include "check.h"

static HANDLE create(const char *name) {
    return CreateMailslotA(name, 0, 0, NULL);
}

static BOOL creates(const char *name) {
    HANDLE slot = create(name);
    if (slot == INVALID_HANDLE_VALUE)
        return FALSE;
    CHECK(CloseHandle(slot));
    return TRUE;
}

/* Both names are one slot. */
static void same(const char *created, const char *opened) {
    HANDLE slot = make(created, 0, 0), file = dial(opened);
    put(file, "x");
    expect(slot, "x");
    CHECK_FAILS(creates(opened), ERROR_ALREADY_EXISTS);
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
}

static char *long_name(int length) {
    static char name[70000];
    strcpy(name, SLOT(""));
    memset(name + strlen(name), 'n', (size_t)length);
    name[strlen(SLOT("")) + (size_t)length] = 0;
    return name;
}

int main(void) {
    HANDLE slot, above;

    slot = make(SLOT("taken"), 0, 0);
    CHECK_FAILS(creates(SLOT("taken")), ERROR_ALREADY_EXISTS);
    CHECK_FAILS(creates(SLOT("TAKEN")), ERROR_ALREADY_EXISTS);
    CHECK_FAILS(creates("\\\\.\\MailSlot\\Taken"), ERROR_ALREADY_EXISTS);
    CHECK(CloseHandle(slot));
    CHECK_WORKS(creates(SLOT("taken")));

    CHECK_FAILS(creates("blah"), ERROR_INVALID_NAME);
    CHECK_FAILS(creates(NULL), ERROR_PATH_NOT_FOUND);
    CHECK_FAILS(creates(""), ERROR_PATH_NOT_FOUND);
    CHECK_FAILS(creates("\\\\.\\mailslot\\"), ERROR_INVALID_NAME);
    CHECK_FAILS(creates("\\\\.\\mailslot"), ERROR_INVALID_NAME);
    CHECK_FAILS(creates("\\\\host\\mailslot\\x"), ERROR_PATH_NOT_FOUND);
    CHECK_FAILS(creates("\\\\*\\mailslot\\x"), ERROR_PATH_NOT_FOUND);
    CHECK_FAILS(creates("C:\\mailslot\\x"), ERROR_INVALID_NAME);
    CHECK_FAILS(creates("/tmp/x"), ERROR_INVALID_NAME);
    CHECK_FAILS(creates("\\\\.\\pipe\\x"), ERROR_INVALID_NAME);
    CHECK_FAILS(creates("\\\\.\\mailslot\\a\nb"), ERROR_INVALID_NAME);
    CHECK_FAILS(creates("\\\\.\\mailslot\\..\\x"), ERROR_INVALID_NAME);
    /* Not UTF-8. */
    CHECK_FAILS(creates("\\\\.\\mailslot\\\xff\xfe"), ERROR_INVALID_NAME);

    /* Pseudo-directories, which may be slots too. */
    slot = make(SLOT("a\\b\\c"), 0, 0);
    above = make(SLOT("a"), 0, 0);
    CHECK(CloseHandle(above));
    CHECK(CloseHandle(slot));

    CHECK_WORKS(creates(SLOT("with:colon")));
    CHECK_WORKS(creates(SLOT("S\xc3\xbc\xc3\x9f")));
    same(SLOT("S\xc3\x9cS"), SLOT("s\xc3\xbcs"));
    same("//./mailslot/dir/slash", SLOT("dir\\slash"));
    same("\\\\?\\mailslot\\question", SLOT("question"));
    same(SLOT("dots..."), SLOT("dots"));
    same(SLOT("up\\..\\down"), SLOT("down"));

    /* The limit: 255 characters after \mailslot\. */
    CHECK_WORKS(creates(long_name(255)));
    CHECK_FAILS(creates(long_name(256)), ERROR_FILENAME_EXCED_RANGE);
    CHECK_FAILS(creates(long_name(69000)), ERROR_FILENAME_EXCED_RANGE);
    CHECK_FAILS(IS_HANDLE(CreateFileA(long_name(256), GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0,
                                      NULL)) &&
                    TRUE,
                ERROR_FILENAME_EXCED_RANGE);
    return 0;
}
