/* When slots end, who reads what, and who may write. */
#include "check.h"
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static void closing(void) {
    HANDLE slot = make(SLOT("life"), 0, 0), again, file = dial(SLOT("life")), fresh;
    DWORD done = UNTOUCHED;
    int at;
    put(file, "never read");
    CHECK_WORKS(CloseHandle(slot));
    /* The name is free at once, and the records are gone. */
    again = make(SLOT("life"), 0, 0);
    CHECK_EQ(waiting(again), 0);
    /* The client stays dead, though a slot has the name. (SIGPIPE would end this program.) */
    CHECK_FAILS(WriteFile(file, "x", 1, &done, NULL), ERROR_FILE_NOT_FOUND);
    CHECK_EQ(done, 0);
    CHECK_FAILS(WriteFile(file, "x", 1, &done, NULL), ERROR_FILE_NOT_FOUND);
    CHECK_EQ(waiting(again), 0);
    fresh = dial(SLOT("life"));
    put(fresh, "fresh");
    expect(again, "fresh");
    CHECK_FAILS(WriteFile(file, "x", 1, &done, NULL), ERROR_FILE_NOT_FOUND);
    /* Also amid many writes. */
    for (at = 0; at < 1000; at++)
        put(fresh, "more");
    CHECK(CloseHandle(again));
    CHECK_FAILS(WriteFile(fresh, "x", 1, &done, NULL), ERROR_FILE_NOT_FOUND);
    CHECK(CloseHandle(fresh));
    CHECK(CloseHandle(file));
}

static void duplicates(void) {
    HANDLE slot = make(SLOT("life"), 0, 0), copy = NULL, file = dial(SLOT("life")), moved = NULL;
    HANDLE me = GetCurrentProcess();
    CHECK_WORKS(DuplicateHandle(me, slot, me, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    CHECK(copy != slot);
    put(file, "1");
    put(file, "2");
    put(file, "3");
    expect(slot, "1");
    expect(copy, "2");
    CHECK_WORKS(CloseHandle(slot));
    /* The slot lives on in the other. */
    expect(copy, "3");
    put(file, "4");
    expect(copy, "4");
    CHECK_FAILS(IS_HANDLE(CreateMailslotA(SLOT("life"), 0, 0, NULL)), ERROR_ALREADY_EXISTS);

    CHECK_WORKS(DuplicateHandle(me, copy, me, &moved, 0, FALSE,
                                DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
    CHECK_FAILS(CloseHandle(copy), ERROR_INVALID_HANDLE);
    put(file, "5");
    expect(moved, "5");

    /* Clients too. */
    CHECK_WORKS(DuplicateHandle(me, file, me, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    CHECK(CloseHandle(file));
    put(copy, "6");
    expect(moved, "6");

    CHECK_FAILS(DuplicateHandle(me, (HANDLE)0x123456, me, &slot, 0, FALSE, 2),
                ERROR_INVALID_HANDLE);
    CHECK_FAILS(DuplicateHandle((HANDLE)4, moved, me, &slot, 0, FALSE, 2), ERROR_INVALID_HANDLE);
    CHECK_FAILS(DuplicateHandle(me, moved, me, NULL, 0, FALSE, 2), ERROR_INVALID_PARAMETER);
    CHECK_WORKS(DuplicateHandle(me, copy, me, NULL, 0, FALSE, DUPLICATE_CLOSE_SOURCE));
    CHECK(CloseHandle(moved));
    CHECK_FAILS(IS_HANDLE(CreateFileA(SLOT("life"), GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0,
                                      NULL)),
                ERROR_FILE_NOT_FOUND);
}

/* A protected handle: CloseHandle fails, and what it leads to goes on. */
static void guarded(HANDLE handle, BOOL inherited) {
    const DWORD protect = HANDLE_FLAG_PROTECT_FROM_CLOSE;
    const DWORD inherit = inherited ? HANDLE_FLAG_INHERIT : 0;
    HANDLE me = GetCurrentProcess(), copy = NULL;
    DWORD flags = UNTOUCHED;
    CHECK_WORKS(SetHandleInformation(handle, protect, protect));
    CHECK_WORKS(GetHandleInformation(handle, &flags));
    CHECK_EQ(flags, inherit | protect);
    CHECK_FAILS(CloseHandle(handle), ERROR_INVALID_HANDLE);
    CHECK_FAILS(CloseHandle(handle), ERROR_INVALID_HANDLE);
    /* This flag alone is not meant. */
    CHECK_WORKS(SetHandleInformation(handle, HANDLE_FLAG_INHERIT, inherit));
    CHECK_FAILS(CloseHandle(handle), ERROR_INVALID_HANDLE);
    /* A duplicate isn't protected, and its source stays. */
    CHECK_WORKS(DuplicateHandle(me, handle, me, &copy, 0, FALSE,
                                DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
    CHECK_WORKS(GetHandleInformation(copy, &flags));
    CHECK_EQ(flags, 0);
    CHECK_WORKS(CloseHandle(copy));
    CHECK_WORKS(GetHandleInformation(handle, &flags));
    CHECK_EQ(flags, inherit | protect);
}

static void unguarded(HANDLE handle) {
    CHECK_WORKS(SetHandleInformation(handle, HANDLE_FLAG_PROTECT_FROM_CLOSE, 0));
    CHECK_WORKS(CloseHandle(handle));
    CHECK_FAILS(SetHandleInformation(handle, HANDLE_FLAG_PROTECT_FROM_CLOSE, 0),
                ERROR_INVALID_HANDLE);
}

static void protected_handles(BOOL inherited) {
    SECURITY_ATTRIBUTES attributes = {sizeof(SECURITY_ATTRIBUTES), NULL, FALSE};
    HANDLE slot, file, event = CreateEventA(NULL, TRUE, FALSE, NULL);
    attributes.bInheritHandle = inherited;
    slot = CreateMailslotA(SLOT("guarded"), 0, 0, &attributes);
    CHECK(IS_HANDLE(slot));
    file = CreateFileA(SLOT("guarded"), GENERIC_WRITE, 0, &attributes, OPEN_EXISTING, 0, NULL);
    CHECK(IS_HANDLE(file));
    guarded(slot, inherited);
    guarded(file, inherited);
    guarded(event, FALSE);
    put(file, "still there");
    expect(slot, "still there");
    unguarded(file);
    unguarded(slot);
    unguarded(event);
    /* The next one in the same place is not protected. */
    slot = make(SLOT("guarded"), 0, 0);
    CHECK_FAILS(SetHandleInformation(slot, 4, 4), ERROR_INVALID_PARAMETER);
    CHECK(CloseHandle(slot));
}

#define READERS 3
#define WRITERS 3
#define EACH 3000

static unsigned char seen[WRITERS * EACH];

static void *read_all(void *slot) {
    DWORD number, done;
    while (ReadFile((HANDLE)slot, &number, sizeof(number), &done, NULL)) {
        if (number == 0xFFFFFFFFU)
            return NULL;
        CHECK(number < WRITERS * EACH);
        CHECK_EQ(__sync_fetch_and_add(&seen[number], 1), 0);
    }
    fail(__FILE__, __LINE__, "a read failed", 0, 0);
    return NULL;
}

static void *write_each(void *first) {
    HANDLE file = dial(SLOT("crowd"));
    DWORD number = (DWORD)(size_t)first, end = number + EACH, done;
    for (; number < end; number++)
        CHECK(WriteFile(file, &number, sizeof(number), &done, NULL));
    CHECK(CloseHandle(file));
    return NULL;
}

/* Several threads on one handle, several writers: each record exactly once. */
static void crowd(void) {
    HANDLE slot = make(SLOT("crowd"), 0, MAILSLOT_WAIT_FOREVER), file = dial(SLOT("crowd"));
    pthread_t readers[READERS], writers[WRITERS];
    DWORD stop = 0xFFFFFFFFU, done;
    size_t at;
    for (at = 0; at < READERS; at++)
        CHECK(pthread_create(&readers[at], NULL, read_all, slot) == 0);
    for (at = 0; at < WRITERS; at++)
        CHECK(pthread_create(&writers[at], NULL, write_each, (void *)(at * EACH)) == 0);
    for (at = 0; at < WRITERS; at++)
        CHECK(pthread_join(writers[at], NULL) == 0);
    for (at = 0; at < READERS; at++)
        CHECK(WriteFile(file, &stop, sizeof(stop), &done, NULL));
    for (at = 0; at < READERS; at++)
        CHECK(pthread_join(readers[at], NULL) == 0);
    for (at = 0; at < WRITERS * EACH; at++)
        CHECK_EQ(seen[at], 1);
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
}

static void *write_shared(void *file) {
    DWORD number, done;
    for (number = 0; number < EACH; number++)
        CHECK(WriteFile((HANDLE)file, &number, sizeof(number), &done, NULL));
    return NULL;
}

/* Several threads on one write handle. */
static void shared_writer(void) {
    HANDLE slot = make(SLOT("shared"), 0, 0), file = dial(SLOT("shared"));
    pthread_t writers[WRITERS];
    DWORD number, done;
    size_t at;
    memset(seen, 0, sizeof(seen));
    for (at = 0; at < WRITERS; at++)
        CHECK(pthread_create(&writers[at], NULL, write_shared, file) == 0);
    write_shared(file);
    for (at = 0; at < WRITERS; at++)
        CHECK(pthread_join(writers[at], NULL) == 0);
    CHECK_EQ(waiting(slot), (WRITERS + 1) * EACH);
    while (ReadFile(slot, &number, sizeof(number), &done, NULL))
        seen[number]++;
    CHECK_EQ(GetLastError(), ERROR_SEM_TIMEOUT);
    for (at = 0; at < EACH; at++)
        CHECK_EQ(seen[at], WRITERS + 1);
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
}

/* A NULL DACL opens the slot to everyone, the default doesn't. Only root can try that. */
static void access_rights(void) {
    SECURITY_DESCRIPTOR descriptor;
    SECURITY_ATTRIBUTES attributes;
    HANDLE open_slot, closed_slot;
    pid_t child;
    int status = -1;

    CHECK_FAILS(InitializeSecurityDescriptor(&descriptor, 2), ERROR_UNKNOWN_REVISION);
    CHECK_FAILS(InitializeSecurityDescriptor(NULL, SECURITY_DESCRIPTOR_REVISION), ERROR_NOACCESS);
    CHECK_WORKS(InitializeSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION));
    attributes.nLength = sizeof(attributes);
    attributes.lpSecurityDescriptor = &descriptor;
    attributes.bInheritHandle = FALSE;
    /* No DACL is not a NULL DACL. */
    closed_slot = CreateMailslotA(SLOT("closed"), 0, 0, &attributes);
    CHECK(IS_HANDLE(closed_slot));
    CHECK_WORKS(SetSecurityDescriptorDacl(&descriptor, TRUE, NULL, FALSE));
    open_slot = CreateMailslotA(SLOT("open"), 0, 0, &attributes);
    CHECK(IS_HANDLE(open_slot));
    CHECK_WORKS(SetSecurityDescriptorDacl(&descriptor, TRUE, (PACL)&attributes, FALSE));
    CHECK_FAILS(IS_HANDLE(CreateMailslotA(SLOT("acl"), 0, 0, &attributes)), ERROR_INVALID_ACL);
    descriptor.Revision = 7;
    CHECK_FAILS(IS_HANDLE(CreateMailslotA(SLOT("rev"), 0, 0, &attributes)),
                ERROR_INVALID_SECURITY_DESCR);
    CHECK_FAILS(SetSecurityDescriptorDacl(&descriptor, TRUE, NULL, FALSE), ERROR_UNKNOWN_REVISION);

    if (geteuid() == 0) {
        child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            HANDLE file;
            CHECK(setgid(65534) == 0 && setuid(65534) == 0);
            file = CreateFileA(SLOT("open"), GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
            CHECK(IS_HANDLE(file));
            put(file, "from nobody");
            CHECK_FAILS(IS_HANDLE(CreateFileA(SLOT("closed"), GENERIC_WRITE, 0, NULL,
                                              OPEN_EXISTING, 0, NULL)),
                        ERROR_ACCESS_DENIED);
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        expect(open_slot, "from nobody");
    } else {
        puts("not root: access by another user was not tried");
    }
    CHECK(CloseHandle(open_slot));
    CHECK(CloseHandle(closed_slot));
}

int main(void) {
    closing();
    duplicates();
    crowd();
    shared_writer();
    access_rights();
    protected_handles(FALSE);
    protected_handles(TRUE);
    /* The end of the process ends this one too. */
    guarded(make(SLOT("left"), 0, 0), FALSE);
    return 0;
}
