/* GetMailslotInfo, SetMailslotInfo, and how long reads wait. */
#include "check.h"
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

static void values(DWORD max, DWORD timeout) {
    HANDLE slot = make(SLOT("info"), max, timeout), file;
    DWORD max_found = 1, next = 1, count = 1, timeout_found = 1;
    CHECK_WORKS(GetMailslotInfo(slot, &max_found, &next, &count, &timeout_found));
    CHECK_EQ(max_found, max);
    CHECK_EQ(next, MAILSLOT_NO_MESSAGE);
    CHECK_EQ(count, 0);
    CHECK_EQ(timeout_found, timeout);
    CHECK_WORKS(GetMailslotInfo(slot, NULL, NULL, NULL, NULL));

    /* A client sees the slot's values. */
    file = dial(SLOT("INFO"));
    put(file, "1234");
    CHECK_WORKS(GetMailslotInfo(file, &max_found, &next, &count, &timeout_found));
    CHECK_EQ(max_found, max);
    CHECK_EQ(next, 4);
    CHECK_EQ(count, 1);
    CHECK_EQ(timeout_found, timeout);
    CHECK_WORKS(GetMailslotInfo(file, NULL, NULL, NULL, NULL));
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
}

static void times(void) {
    HANDLE slot = make(SLOT("info"), 0, 200), file = dial(SLOT("info"));
    char buffer[8];
    DWORD done = UNTOUCHED, start = GetTickCount(), timeout;

    CHECK_FAILS(ReadFile(slot, buffer, sizeof(buffer), &done, NULL), ERROR_SEM_TIMEOUT);
    CHECK(GetTickCount() - start >= 199);
    CHECK_EQ(done, 0);

    CHECK_WORKS(SetMailslotInfo(slot, 0));
    CHECK(GetMailslotInfo(slot, NULL, NULL, NULL, &timeout));
    CHECK_EQ(timeout, 0);
    CHECK_FAILS(ReadFile(slot, buffer, sizeof(buffer), &done, NULL), ERROR_SEM_TIMEOUT);

    CHECK_WORKS(SetMailslotInfo(slot, MAILSLOT_WAIT_FOREVER));
    CHECK(GetMailslotInfo(slot, NULL, NULL, NULL, &timeout));
    CHECK_EQ(timeout, MAILSLOT_WAIT_FOREVER);
    put(file, "there");
    expect(slot, "there");

    CHECK_FAILS(SetMailslotInfo(file, 0), ERROR_ACCESS_DENIED);
    CHECK_FAILS(SetMailslotInfo(INVALID_HANDLE_VALUE, 0), ERROR_INVALID_HANDLE);
    CHECK_FAILS(GetMailslotInfo(INVALID_HANDLE_VALUE, NULL, NULL, NULL, NULL),
                ERROR_INVALID_HANDLE);
    CHECK_FAILS(GetMailslotInfo(NULL, NULL, NULL, NULL, NULL), ERROR_INVALID_HANDLE);
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
    CHECK_FAILS(GetMailslotInfo(slot, NULL, NULL, NULL, NULL), ERROR_INVALID_HANDLE);
}

static volatile DWORD reading_error, reading_time;
static volatile long reader;

static void *read_once(void *slot) {
    char buffer[8];
    DWORD start = GetTickCount(), done;
    reader = syscall(SYS_gettid);
    reading_error =
        ReadFile((HANDLE)slot, buffer, sizeof(buffer), &done, NULL) ? 0 : GetLastError();
    reading_time = GetTickCount() - start;
    return NULL;
}

/* Whether a thread sleeps, or has ended. */
static int asleep(long thread) {
    char path[64], text[256];
    FILE *file;
    size_t size = 0;
    sprintf(path, "/proc/self/task/%ld/stat", thread);
    file = fopen(path, "r");
    if (file != NULL) {
        size = fread(text, 1, sizeof(text) - 1, file);
        fclose(file);
    }
    text[size] = 0;
    return size == 0 || strstr(text, ") S ") != NULL;
}

static pthread_t begin(HANDLE slot) {
    pthread_t thread;
    reader = 0;
    CHECK(pthread_create(&thread, NULL, read_once, slot) == 0);
    WAIT_UNTIL(reader != 0 && asleep(reader));
    return thread;
}

/* A read that waits keeps its own time-out, and the slot can be looked at meanwhile. */
static void while_a_read_waits(void) {
    HANDLE slot = make(SLOT("info"), 0, 300), file = dial(SLOT("info"));
    OVERLAPPED overlapped;
    pthread_t thread;
    char buffer[8];
    DWORD done, count, timeout, start;

    thread = begin(slot);
    CHECK_WORKS(SetMailslotInfo(slot, MAILSLOT_WAIT_FOREVER));
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_EQ(reading_error, ERROR_SEM_TIMEOUT);
    CHECK(reading_time >= 299);

    /* The other way round: for ever stays for ever. */
    thread = begin(slot);
    CHECK_WORKS(GetMailslotInfo(slot, NULL, NULL, &count, &timeout));
    CHECK_EQ(count, 0);
    CHECK_EQ(timeout, MAILSLOT_WAIT_FOREVER);
    CHECK_WORKS(SetMailslotInfo(slot, 1));
    Sleep(50);
    put(file, "late");
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_EQ(reading_error, 0);

    /* With an OVERLAPPED too. */
    memset(&overlapped, 0, sizeof(overlapped));
    CHECK_WORKS(SetMailslotInfo(slot, 100));
    start = GetTickCount();
    CHECK_FAILS(ReadFile(slot, buffer, sizeof(buffer), NULL, &overlapped), ERROR_IO_PENDING);
    CHECK_WORKS(SetMailslotInfo(slot, MAILSLOT_WAIT_FOREVER));
    CHECK_FAILS(GetOverlappedResult(slot, &overlapped, &done, TRUE), ERROR_SEM_TIMEOUT);
    CHECK(GetTickCount() - start >= 99);
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
}

static void file_times(void) {
    HANDLE slot = make(SLOT("info"), 0, 0), file = dial(SLOT("info"));
    FILETIME created, accessed, written, later;
    CHECK_WORKS(GetFileTime(slot, &created, &accessed, &written));
    CHECK(created.dwHighDateTime > 0x01D00000U);
    later = created;
    later.dwLowDateTime += 10;
    CHECK_WORKS(SetFileTime(slot, NULL, &later, NULL));
    CHECK_WORKS(GetFileTime(slot, NULL, &accessed, NULL));
    CHECK_EQ(accessed.dwLowDateTime, later.dwLowDateTime);
    CHECK_WORKS(GetFileTime(slot, &written, NULL, NULL));
    CHECK_EQ(written.dwLowDateTime, created.dwLowDateTime);
    CHECK_FAILS(GetFileTime(file, &created, NULL, NULL), ERROR_ACCESS_DENIED);
    CHECK_EQ(GetFileType(slot), FILE_TYPE_UNKNOWN);
    CHECK_WORKS(FlushFileBuffers(file));
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
}

int main(void) {
    values(0, 0);
    values(0xFFFFFFFFU, 0xFFFFFFFFU);
    values(1000, 12345);
    times();
    while_a_read_waits();
    file_times();
    return 0;
}
