/* Reads that wait, and how other threads end them. */
#include "check.h"
#include <pthread.h>

static HANDLE slot;
static volatile DWORD result;
static HANDLE reader_thread;

/* Reads once and tells how that ended. */
static void *read_once(void *nothing) {
    char buffer[16];
    DWORD done;
    HANDLE me = NULL;
    CHECK(DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &me, 0,
                          FALSE, DUPLICATE_SAME_ACCESS));
    reader_thread = me;
    SetLastError(UNTOUCHED);
    result = ReadFile(slot, buffer, sizeof(buffer), &done, NULL) ? 0 : GetLastError();
    return nothing;
}

static pthread_t begin(void) {
    pthread_t thread;
    reader_thread = NULL;
    result = UNTOUCHED;
    CHECK(pthread_create(&thread, NULL, read_once, NULL) == 0);
    WAIT_UNTIL(*(HANDLE volatile *)&reader_thread != NULL);
    return thread;
}

static DWORD end(pthread_t thread) {
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(CloseHandle(reader_thread));
    return result;
}

static void closed_meanwhile(DWORD pause) {
    pthread_t thread;
    slot = make(SLOT("cancel"), 0, MAILSLOT_WAIT_FOREVER);
    thread = begin();
    Sleep(pause);
    CHECK_WORKS(CloseHandle(slot));
    /* When it returns, the name is free. */
    CHECK(CloseHandle(make(SLOT("cancel"), 0, 0)));
    CHECK_EQ(end(thread), ERROR_INVALID_HANDLE);
}

static void cancelled(void) {
    pthread_t thread, other;
    HANDLE first;
    slot = make(SLOT("cancel"), 0, MAILSLOT_WAIT_FOREVER);
    thread = begin();
    WAIT_UNTIL(CancelSynchronousIo(reader_thread));
    CHECK_EQ(end(thread), ERROR_OPERATION_ABORTED);

    thread = begin();
    WAIT_UNTIL(CancelIoEx(slot, NULL));
    CHECK_EQ(end(thread), ERROR_OPERATION_ABORTED);

    /* One of two. */
    thread = begin();
    first = reader_thread;
    WAIT_UNTIL(WaitForSingleObject(first, 0) == WAIT_TIMEOUT);
    other = begin();
    WAIT_UNTIL(CancelSynchronousIo(reader_thread));
    CHECK_EQ(end(other), ERROR_OPERATION_ABORTED);
    CHECK_EQ(result, ERROR_OPERATION_ABORTED);
    result = UNTOUCHED;
    CHECK_EQ(WaitForSingleObject(first, 20), WAIT_TIMEOUT);
    reader_thread = first;
    WAIT_UNTIL(CancelSynchronousIo(first));
    CHECK_EQ(end(thread), ERROR_OPERATION_ABORTED);

    CHECK_FAILS(CancelSynchronousIo(GetCurrentThread()), ERROR_NOT_FOUND);
    CHECK_FAILS(CancelSynchronousIo(slot), ERROR_INVALID_HANDLE);
    CHECK_FAILS(CancelIoEx(slot, NULL), ERROR_NOT_FOUND);
    CHECK(CloseHandle(slot));
}

static volatile int stop;
static HANDLE volatile current;

/* Reads and writes whatever handle is the current one, which others close. */
static void *abuse(void *nothing) {
    char buffer[16];
    DWORD done, error;
    while (!stop) {
        if (!ReadFile(current, buffer, sizeof(buffer), &done, NULL)) {
            error = GetLastError();
            CHECK(error == ERROR_INVALID_HANDLE || error == ERROR_SEM_TIMEOUT ||
                  error == ERROR_ACCESS_DENIED);
        }
        if (!WriteFile(current, "x", 1, &done, NULL)) {
            error = GetLastError();
            CHECK(error == ERROR_INVALID_HANDLE || error == ERROR_ACCESS_DENIED ||
                  error == ERROR_FILE_NOT_FOUND);
        }
        GetMailslotInfo(current, NULL, NULL, NULL, NULL);
    }
    return nothing;
}

static void races(int rounds) {
    pthread_t threads[3];
    HANDLE server, file;
    int at;
    for (at = 0; at < 3; at++)
        CHECK(pthread_create(&threads[at], NULL, abuse, NULL) == 0);
    for (at = 0; at < rounds; at++) {
        server = make(SLOT("race"), 0, at % 2 ? 1 : MAILSLOT_WAIT_FOREVER);
        current = server;
        file = dial(SLOT("race"));
        if (at % 3 == 0)
            Sleep(1);
        current = file;
        Sleep((DWORD)(at % 2));
        CHECK(CloseHandle(file));
        current = server;
        CHECK(CloseHandle(server));
    }
    stop = 1;
    for (at = 0; at < 3; at++)
        CHECK(pthread_join(threads[at], NULL) == 0);
}

int main(int argc, char **argv) {
    DWORD pause;
    for (pause = 0; pause < 5; pause++)
        closed_meanwhile(pause);
    cancelled();
    races(argc > 1 ? atoi(argv[1]) : 60);
    return 0;
}
