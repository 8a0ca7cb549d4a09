/* No descriptors, no memory: error numbers, and all is well afterwards. */
#include "check.h"
#include <sys/resource.h>

static void limit(int which, rlim_t to) {
    struct rlimit limits;
    CHECK(getrlimit(which, &limits) == 0);
    limits.rlim_cur = to;
    CHECK(setrlimit(which, &limits) == 0);
}

static HANDLE numbered(const char *kind, int number, BOOL inherit) {
    SECURITY_ATTRIBUTES attributes;
    char name[60];
    attributes.nLength = sizeof(attributes);
    attributes.lpSecurityDescriptor = NULL;
    attributes.bInheritHandle = inherit;
    sprintf(name, SLOT("%s%d"), kind, number);
    return CreateMailslotA(name, 0, 0, &attributes);
}

static void no_descriptors(HANDLE slot) {
    HANDLE slots[60], files[60];
    OVERLAPPED overlapped;
    int made, opened;
    char buffer[8];
    DWORD done;
    limit(RLIMIT_NOFILE, 40);
    for (made = 0; made < 60; made++) {
        SetLastError(UNTOUCHED);
        slots[made] = numbered("many", made, made % 2);
        if (!IS_HANDLE(slots[made]))
            break;
    }
    CHECK(made < 60);
    CHECK_EQ(GetLastError(), ERROR_TOO_MANY_OPEN_FILES);
    for (opened = 0; opened < 60; opened++) {
        SetLastError(UNTOUCHED);
        files[opened] =
            CreateFileA(SLOT("scarce"), GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
        if (!IS_HANDLE(files[opened]))
            break;
    }
    CHECK(opened < 60);
    CHECK_EQ(GetLastError(), ERROR_TOO_MANY_OPEN_FILES);
    /* Nothing to wait with. */
    CHECK_FAILS(WaitForSingleObject(slot, 5) != WAIT_FAILED, ERROR_TOO_MANY_OPEN_FILES);
    CHECK_FAILS(ReadFile(slot, buffer, sizeof(buffer), &done, NULL), ERROR_SEM_TIMEOUT);
    memset(&overlapped, 0, sizeof(overlapped));
    CHECK_FAILS(ReadFile(slot, buffer, sizeof(buffer), NULL, &overlapped), ERROR_IO_PENDING);
    CHECK_FAILS(GetOverlappedResult(slot, &overlapped, &done, TRUE), ERROR_TOO_MANY_OPEN_FILES);
    CHECK_WORKS(CancelIo(slot));
    while (opened > 0)
        CHECK(CloseHandle(files[--opened]));
    while (made > 0)
        CHECK(CloseHandle(slots[--made]));
}

/* Uses the slot, whatever works of it. */
static void use(void) {
    HANDLE slot = numbered("memory", 0, FALSE), file = INVALID_HANDLE_VALUE;
    HANDLE event = CreateEventA(NULL, TRUE, TRUE, "an event with a name");
    char text[100];
    DWORD done;
    if (IS_HANDLE(slot))
        file = CreateFileA(SLOT("memory0"), GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    WriteFile(file, "one", 3, &done, NULL);
    WriteFile(file, "two", 3, &done, NULL);
    ReadFile(slot, text, sizeof(text), &done, NULL);
    WaitForSingleObject(event, 0);
    GetMailslotInfo(slot, NULL, NULL, &done, NULL);
    GlobalFree(GlobalAlloc(GPTR, 100000));
    MailslotLastErrorText(text, sizeof(text));
    if (IS_HANDLE(event))
        CHECK(CloseHandle(event));
    if (IS_HANDLE(file))
        CHECK(CloseHandle(file));
    if (IS_HANDLE(slot))
        CHECK(CloseHandle(slot));
}

static void no_memory(HANDLE slot, HANDLE file) {
    static void *taken[40000];
    size_t size, count = 0;
    int round;
    DWORD done;
    limit(RLIMIT_AS, 64 << 20);
    /* There is no room for a ring. */
    put(file, "on the socket");
    CHECK_FAILS(WriteFile(file, "x", 1, &done, NULL), ERROR_NOT_ENOUGH_MEMORY);
    for (size = 64 * 1024; size >= 32; size /= 2)
        while (count < 40000 && (taken[count] = malloc(size)) != NULL)
            count++;
    for (round = 0; round < 50; round++)
        use();
    CHECK_FAILS(IS_HANDLE(numbered("memory", 1, FALSE)), ERROR_NOT_ENOUGH_MEMORY);
    while (count > 0)
        free(taken[--count]);
    limit(RLIMIT_AS, RLIM_INFINITY);
    /* What was accepted before is still there; the reader looks again after a moment. */
    CHECK_WORKS(SetMailslotInfo(slot, MAILSLOT_WAIT_FOREVER));
    expect(slot, "on the socket");
    put(file, "again");
    put(file, "and again");
    expect(slot, "again");
    expect(slot, "and again");
    use();
}

int main(void) {
    HANDLE slot = make(SLOT("scarce"), 0, 10), file;
    no_descriptors(slot);
    file = dial(SLOT("scarce"));
    no_memory(slot, file);
    CHECK_EQ(WaitForSingleObject(slot, 1), WAIT_TIMEOUT);
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
    return 0;
}
