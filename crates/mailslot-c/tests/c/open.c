/* Opening to write: the second table of the reference. */
#include "check.h"

static HANDLE opened(const char *name, DWORD access, DWORD share, DWORD disposition) {
    return CreateFileA(name, access, share, NULL, disposition, FILE_ATTRIBUTE_NORMAL, NULL);
}

static BOOL opens(const char *name, DWORD access, DWORD share, DWORD disposition) {
    HANDLE file = opened(name, access, share, disposition);
    if (file == INVALID_HANDLE_VALUE)
        return FALSE;
    CHECK(CloseHandle(file));
    return TRUE;
}

int main(void) {
    const char *name = SLOT("open\\here");
    char buffer[8];
    DWORD disposition, done;
    HANDLE slot, file, second;

    for (disposition = CREATE_NEW; disposition <= TRUNCATE_EXISTING; disposition++)
        CHECK_FAILS(opens(name, GENERIC_WRITE, FILE_SHARE_READ, disposition),
                    ERROR_FILE_NOT_FOUND);

    slot = make(name, 0, 0);
    for (disposition = CREATE_NEW; disposition <= TRUNCATE_EXISTING; disposition++)
        CHECK_WORKS(opens(name, GENERIC_WRITE, FILE_SHARE_READ, disposition));
    CHECK_FAILS(opens(name, GENERIC_WRITE, FILE_SHARE_READ, 0), ERROR_INVALID_PARAMETER);
    CHECK_FAILS(opens(name, GENERIC_WRITE, FILE_SHARE_READ, 6), ERROR_INVALID_PARAMETER);

    /* Sharing doesn't matter. */
    file = opened(name, GENERIC_WRITE, 0, OPEN_EXISTING);
    CHECK(IS_HANDLE(file));
    second = opened(name, GENERIC_WRITE, FILE_SHARE_READ, OPEN_EXISTING);
    CHECK(IS_HANDLE(second));
    put(file, "one");
    put(second, "two");
    expect(slot, "one");
    expect(slot, "two");
    CHECK(CloseHandle(second));
    CHECK(CloseHandle(file));

    /* Access. A read of a client fails with 5, of a readable one with 87. */
    file = opened(name, GENERIC_WRITE, FILE_SHARE_READ, OPEN_EXISTING);
    CHECK_FAILS(ReadFile(file, buffer, 8, &done, NULL), ERROR_ACCESS_DENIED);
    CHECK_EQ(done, 0);
    CHECK(CloseHandle(file));
    file = opened(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, OPEN_EXISTING);
    CHECK_FAILS(ReadFile(file, buffer, 8, &done, NULL), ERROR_INVALID_PARAMETER);
    put(file, "both");
    expect(slot, "both");
    CHECK(CloseHandle(file));
    file = opened(name, GENERIC_READ, FILE_SHARE_READ, OPEN_EXISTING);
    CHECK(IS_HANDLE(file));
    CHECK_FAILS(ReadFile(file, buffer, 8, &done, NULL), ERROR_INVALID_PARAMETER);
    CHECK_FAILS(WriteFile(file, "x", 1, &done, NULL), ERROR_ACCESS_DENIED);
    CHECK_EQ(done, 0);
    CHECK(CloseHandle(file));
    file = opened(name, 0, FILE_SHARE_READ, OPEN_EXISTING);
    CHECK(IS_HANDLE(file));
    CHECK_FAILS(ReadFile(file, buffer, 8, &done, NULL), ERROR_ACCESS_DENIED);
    CHECK_FAILS(WriteFile(file, "x", 1, &done, NULL), ERROR_ACCESS_DENIED);
    CHECK(CloseHandle(file));
    file = opened(name, GENERIC_ALL, FILE_SHARE_READ, OPEN_EXISTING);
    put(file, "all");
    expect(slot, "all");
    CHECK(CloseHandle(file));

    /* Names that open nothing. */
    CHECK_FAILS(opens(NULL, GENERIC_WRITE, 0, OPEN_EXISTING), ERROR_PATH_NOT_FOUND);
    CHECK_FAILS(opens("", GENERIC_WRITE, 0, OPEN_EXISTING), ERROR_PATH_NOT_FOUND);
    CHECK_FAILS(opens("\\\\.\\mailslot\\", GENERIC_WRITE, 0, OPEN_EXISTING), ERROR_INVALID_NAME);
    CHECK_FAILS(opens("some.txt", GENERIC_WRITE, 0, CREATE_ALWAYS), ERROR_NOT_SUPPORTED);
    CHECK_FAILS(opens("C:\\some.txt", GENERIC_WRITE, 0, CREATE_ALWAYS), ERROR_NOT_SUPPORTED);
    CHECK_FAILS(opens("\\\\.\\pipe\\x", GENERIC_WRITE, 0, OPEN_EXISTING), ERROR_NOT_SUPPORTED);
    CHECK_FAILS(opens("/etc/passwd", GENERIC_WRITE, 0, OPEN_EXISTING), ERROR_NOT_SUPPORTED);

    /* Remote mailslots, while no gateway runs: as on Windows where they are off. */
    CHECK_FAILS(opens("\\\\JOE\\mailslot\\x", GENERIC_WRITE, 0, OPEN_EXISTING),
                ERROR_REMOTE_MAILSLOTS_DEPRECATED);
    CHECK_FAILS(opens("\\\\*\\mailslot\\x", GENERIC_WRITE, 0, OPEN_EXISTING),
                ERROR_REMOTE_MAILSLOTS_DEPRECATED);

    CHECK(CloseHandle(slot));
    return 0;
}
