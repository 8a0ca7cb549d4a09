/* Wrong handles and null pointers: error numbers, no crash. */
#define _GNU_SOURCE
#include "check.h"
#include <sys/mman.h>

/* Every function that takes a handle refuses this one. */
static void refuse(HANDLE handle) {
    char buffer[8];
    DWORD done;
    HANDLE copy;
    OVERLAPPED overlapped;
    FILETIME time;
    memset(&overlapped, 0, sizeof(overlapped));
    CHECK_FAILS(ReadFile(handle, buffer, 8, &done, NULL), ERROR_INVALID_HANDLE);
    CHECK_FAILS(ReadFile(handle, NULL, 0, NULL, NULL), ERROR_INVALID_HANDLE);
    CHECK_FAILS(ReadFile(handle, buffer, 8, &done, &overlapped), ERROR_INVALID_HANDLE);
    CHECK_EQ(done, 0);
    CHECK_FAILS(WriteFile(handle, buffer, 8, &done, NULL), ERROR_INVALID_HANDLE);
    CHECK_EQ(done, 0);
    CHECK_FAILS(WriteFile(handle, buffer, 8, NULL, &overlapped), ERROR_INVALID_HANDLE);
    CHECK_FAILS(GetMailslotInfo(handle, &done, &done, &done, &done), ERROR_INVALID_HANDLE);
    CHECK_FAILS(SetMailslotInfo(handle, 0), ERROR_INVALID_HANDLE);
    CHECK_FAILS(GetOverlappedResult(handle, &overlapped, &done, TRUE), ERROR_INVALID_HANDLE);
    CHECK_FAILS(CancelIo(handle), ERROR_INVALID_HANDLE);
    CHECK_FAILS(CancelIoEx(handle, NULL), ERROR_INVALID_HANDLE);
    CHECK_FAILS(SetEvent(handle), ERROR_INVALID_HANDLE);
    CHECK_FAILS(ResetEvent(handle), ERROR_INVALID_HANDLE);
    CHECK_FAILS(WaitForSingleObject(handle, 0) != WAIT_FAILED, ERROR_INVALID_HANDLE);
    CHECK_FAILS(WaitForMultipleObjects(1, &handle, TRUE, 0) != WAIT_FAILED, ERROR_INVALID_HANDLE);
    CHECK_FAILS(GetHandleInformation(handle, &done), ERROR_INVALID_HANDLE);
    CHECK_FAILS(SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0), ERROR_INVALID_HANDLE);
    CHECK_FAILS(GetFileTime(handle, &time, NULL, NULL), ERROR_INVALID_HANDLE);
    CHECK_FAILS(SetFileTime(handle, &time, NULL, NULL), ERROR_INVALID_HANDLE);
    CHECK_FAILS(FlushFileBuffers(handle), ERROR_INVALID_HANDLE);
    CHECK_FAILS(MailslotHandleToFd(handle) != -1, ERROR_INVALID_HANDLE);
    CHECK_FAILS(MailslotSendHandle(0, handle), ERROR_INVALID_HANDLE);
    CHECK_FAILS(CancelSynchronousIo(handle), ERROR_INVALID_HANDLE);
    CHECK_FAILS(DuplicateHandle(GetCurrentProcess(), handle, GetCurrentProcess(), &copy, 0, FALSE,
                                0),
                ERROR_INVALID_HANDLE);
    CHECK_FAILS(CloseHandle(handle), ERROR_INVALID_HANDLE);
}

/* Cheaper: for many. */
static void glance(size_t number) {
    HANDLE handle = (HANDLE)number;
    DWORD done;
    CHECK_FAILS(ReadFile(handle, &done, sizeof(done), &done, NULL), ERROR_INVALID_HANDLE);
    CHECK_FAILS(WriteFile(handle, &done, sizeof(done), &done, NULL), ERROR_INVALID_HANDLE);
    CHECK_FAILS(CloseHandle(handle), ERROR_INVALID_HANDLE);
}

static void integers(void) {
    HANDLE slot = make(SLOT("wrong"), 0, 0), file = dial(SLOT("wrong"));
    size_t number, bit, other, random = 88172645463325252U, end = 70000;
    refuse(NULL);
    refuse(INVALID_HANDLE_VALUE);
    refuse((HANDLE)1);
    refuse((HANDLE)(size_t)0xDEADBEEF);
    refuse((HANDLE)"a string");
    refuse((HANDLE)&slot);
    refuse((HANDLE)((size_t)slot + ((size_t)1 << 20)));
    for (number = 0; number < end; number++)
        glance(number);
    for (bit = 0; bit < sizeof(size_t) * 8; bit++) {
        for (other = 0; other < bit; other++) {
            number = ((size_t)1 << bit) | ((size_t)1 << other);
            if ((HANDLE)(number & ~(size_t)3) != slot && (HANDLE)(number & ~(size_t)3) != file)
                glance(number);
        }
    }
    for (bit = 0; bit < 20000; bit++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        glance(random);
        /* Handles that look as if a parent had left them. */
        glance((random & 0x7fffffff) | (size_t)1 << 19);
    }
    /* The true ones came through it unharmed. */
    put(file, "still here");
    expect(slot, "still here");
    /* As on Windows, the lowest two bits don't count. */
    put((HANDLE)((size_t)file + 1), "odd");
    expect((HANDLE)((size_t)slot + 3), "odd");
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
    refuse(file);
    refuse(slot);
}

/* A handle that was closed stays wrong, though others have come since. */
static void closed(void) {
    HANDLE old = make(SLOT("wrong"), 0, 0), others[200];
    int at, round;
    CHECK(CloseHandle(old));
    for (round = 0; round < 5; round++) {
        for (at = 0; at < 200; at++) {
            others[at] = CreateEventA(NULL, TRUE, FALSE, NULL);
            CHECK(others[at] != old);
        }
        refuse(old);
        for (at = 0; at < 200; at++)
            CHECK(CloseHandle(others[at]));
        refuse(others[0]);
    }
}

/* A handle of another kind. */
static void kinds(void) {
    HANDLE event = CreateEventA(NULL, TRUE, FALSE, NULL), slot = make(SLOT("wrong"), 0, 0);
    DWORD done;
    CHECK_FAILS(ReadFile(event, &done, 4, &done, NULL), ERROR_INVALID_HANDLE);
    CHECK_FAILS(WriteFile(event, &done, 4, &done, NULL), ERROR_INVALID_HANDLE);
    CHECK_FAILS(GetMailslotInfo(event, NULL, NULL, NULL, NULL), ERROR_INVALID_HANDLE);
    CHECK_FAILS(SetMailslotInfo(event, 0), ERROR_INVALID_HANDLE);
    CHECK_FAILS(SetEvent(slot), ERROR_INVALID_HANDLE);
    CHECK_FAILS(CancelIo(event), ERROR_INVALID_HANDLE);
    CHECK_FAILS(MailslotHandleToFd(event) != -1, ERROR_INVALID_HANDLE);
    /* Not created inheritable. */
    CHECK_FAILS(MailslotHandleToFd(slot) != -1, ERROR_NOT_SUPPORTED);
    CHECK_FAILS(IS_HANDLE(MailslotHandleFromFd(-1)) && TRUE, ERROR_INVALID_HANDLE);
    CHECK_FAILS(IS_HANDLE(MailslotHandleFromFd(2)) && TRUE, ERROR_INVALID_HANDLE);
    CHECK_FAILS(IS_HANDLE(MailslotHandleFromFd(9999)) && TRUE, ERROR_INVALID_HANDLE);
    CHECK_FAILS(IS_HANDLE(MailslotReceiveHandle(-1)) && TRUE, ERROR_INVALID_HANDLE);
    CHECK(CloseHandle(slot));
    CHECK(CloseHandle(event));
}

static void null_pointers(void) {
    HANDLE slot = make(SLOT("wrong"), 0, 0), file = dial(SLOT("wrong"));
    OVERLAPPED overlapped;
    DWORD done;
    CHECK_FAILS(ReadFile(slot, NULL, 10, &done, NULL), ERROR_NOACCESS);
    CHECK_FAILS(WriteFile(file, NULL, 10, &done, NULL), ERROR_NOACCESS);
    CHECK_WORKS(WriteFile(file, NULL, 0, &done, NULL));
    CHECK_WORKS(ReadFile(slot, NULL, 0, NULL, NULL));
    memset(&overlapped, 0, sizeof(overlapped));
    CHECK_FAILS(ReadFile(slot, NULL, 10, &done, &overlapped), ERROR_NOACCESS);
    CHECK_FAILS(GetOverlappedResult(slot, NULL, &done, TRUE), ERROR_INVALID_PARAMETER);
    CHECK_FAILS(HasOverlappedIoCompleted(NULL), ERROR_INVALID_PARAMETER);
    CHECK_FAILS(GetHandleInformation(slot, NULL), ERROR_NOACCESS);
    CHECK_WORKS(GetFileTime(slot, NULL, NULL, NULL));
    /* An OVERLAPPED of which somebody claims that it is pending. */
    overlapped.Internal = STATUS_PENDING;
    CHECK_FAILS(GetOverlappedResult(slot, &overlapped, &done, TRUE), ERROR_IO_INCOMPLETE);
    CHECK_FAILS(GetOverlappedResult(file, &overlapped, &done, TRUE), ERROR_IO_INCOMPLETE);
    CHECK_WORKS(GlobalFree(NULL) == NULL);
    CHECK_FAILS(GlobalFree((HGLOBAL)&done) == NULL, ERROR_INVALID_HANDLE);
    CHECK_FAILS(GlobalSize((HGLOBAL)&done) != 0, ERROR_INVALID_HANDLE);
    CHECK_FAILS(GlobalLock((HGLOBAL)&done) != NULL, ERROR_INVALID_HANDLE);
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
}

/* Pointers that can't lead anywhere, and records that are longer than their memory. */
static void wild_pointers(void) {
    static const size_t wild[] = {1, 4096, 0x7fff, (size_t)-1, (size_t)-8, 0xDEADBEEFDEADBEEFU,
                                  0x4141414141414141U, (size_t)1 << 63};
    HANDLE slot = make(SLOT("wrong"), 0, 0), file = dial(SLOT("wrong"));
    const DWORD page = 4096, many = 4096 * 4096;
    OVERLAPPED overlapped;
    char *memory, buffer[16];
    DWORD done, at;
    memset(&overlapped, 0, sizeof(overlapped));
    put(file, "record");
    for (at = 0; at < sizeof(wild) / sizeof(wild[0]); at++) {
        void *where = (void *)wild[at];
        done = UNTOUCHED;
        CHECK_FAILS(WriteFile(file, where, 16, &done, NULL), ERROR_NOACCESS);
        CHECK_EQ(done, 0);
        CHECK_FAILS(WriteFile(file, where, 16, NULL, &overlapped), ERROR_NOACCESS);
        done = UNTOUCHED;
        CHECK_FAILS(ReadFile(slot, where, 16, &done, NULL), ERROR_NOACCESS);
        CHECK_EQ(done, 0);
        CHECK_FAILS(ReadFile(slot, where, 16, NULL, &overlapped), ERROR_NOACCESS);
        CHECK_WORKS(WriteFile(file, where, 0, &done, NULL));
        CHECK_EQ(next_size(slot), 6);
        expect(slot, "record");
        expect(slot, "");
        put(file, "record");
    }
    memory = mmap(NULL, many, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED && munmap(memory + many / 2, many / 2) == 0);
    done = UNTOUCHED;
    CHECK_FAILS(WriteFile(file, memory, many, &done, NULL), ERROR_NOACCESS);
    CHECK_EQ(done, 0);
    CHECK_FAILS(WriteFile(file, memory + many / 2 - page, many / 2, &done, NULL), ERROR_NOACCESS);
    CHECK_EQ(waiting(slot), 1);
    /* To its last byte it is there. */
    CHECK_WORKS(WriteFile(file, memory + 1, many / 2 - 1, &done, NULL));
    CHECK_EQ(done, many / 2 - 1);
    expect(slot, "record");
    CHECK_WORKS(ReadFile(slot, memory, many / 2, &done, NULL));
    CHECK_EQ(done, many / 2 - 1);
    CHECK_FAILS(ReadFile(slot, buffer, sizeof(buffer), &done, NULL), ERROR_SEM_TIMEOUT);
    CHECK(munmap(memory, many / 2) == 0);
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
}

/* More handles than there can be. */
static void too_many(void) {
    static HANDLE all[70000];
    size_t count = 0;
    SetLastError(0);
    while ((all[count] = CreateEventA(NULL, TRUE, FALSE, NULL)) != NULL)
        count++;
    CHECK_EQ(GetLastError(), ERROR_TOO_MANY_OPEN_FILES);
    CHECK(count > 60000);
    CHECK_FAILS(IS_HANDLE(CreateMailslotA(SLOT("wrong"), 0, 0, NULL)), ERROR_TOO_MANY_OPEN_FILES);
    while (count > 0)
        CHECK(CloseHandle(all[--count]));
    /* That slot isn't there either. */
    CHECK(CloseHandle(make(SLOT("wrong"), 0, 0)));
}

int main(void) {
    integers();
    closed();
    kinds();
    null_pointers();
    wild_pointers();
    too_many();
    return 0;
}
