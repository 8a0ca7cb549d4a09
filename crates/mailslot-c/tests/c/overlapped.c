/* Reads with an OVERLAPPED. */
#include "check.h"
#include <dirent.h>
#include <pthread.h>

/* How many threads this process has. */
static int threads_here(void) {
    DIR *tasks = opendir("/proc/self/task");
    int count = -2;
    CHECK(tasks != NULL);
    while (readdir(tasks) != NULL)
        count++;
    CHECK(closedir(tasks) == 0);
    return count;
}

static OVERLAPPED fresh(HANDLE event) {
    OVERLAPPED overlapped;
    memset(&overlapped, 0, sizeof(overlapped));
    overlapped.hEvent = event;
    return overlapped;
}

/* Waits on the handle: the row of the reference. */
static void on_the_handle(void) {
    HANDLE slot = make(SLOT("over"), 0, MAILSLOT_WAIT_FOREVER), file = dial(SLOT("over"));
    OVERLAPPED overlapped = fresh(NULL);
    char buffer[16];
    DWORD done = UNTOUCHED;
    CHECK_FAILS(ReadFile(slot, buffer, sizeof(buffer), &done, &overlapped), ERROR_IO_PENDING);
    CHECK_EQ(done, 0);
    CHECK_EQ(WaitForSingleObject(slot, 0), WAIT_TIMEOUT);
    CHECK_EQ(WaitForSingleObject(slot, 20), WAIT_TIMEOUT);
    CHECK(!HasOverlappedIoCompleted(&overlapped));
    CHECK_EQ(overlapped.Internal, STATUS_PENDING);
    /* Nobody but this thread completes it. */
    CHECK_EQ(threads_here(), 1);
    CHECK_FAILS(GetOverlappedResult(slot, &overlapped, &done, FALSE), ERROR_IO_INCOMPLETE);
    put(file, "late");
    CHECK_EQ(WaitForSingleObject(slot, INFINITE), WAIT_OBJECT_0);
    CHECK(HasOverlappedIoCompleted(&overlapped));
    CHECK_WORKS(GetOverlappedResult(slot, &overlapped, &done, FALSE));
    CHECK_EQ(done, 4);
    CHECK(memcmp(buffer, "late", 4) == 0);
    CHECK_EQ(waiting(slot), 0);
    /* The handle stays signaled until the next read begins. */
    CHECK_EQ(WaitForSingleObject(slot, 0), WAIT_OBJECT_0);
    CHECK_FAILS(ReadFile(slot, buffer, sizeof(buffer), &done, &overlapped), ERROR_IO_PENDING);
    CHECK_EQ(WaitForSingleObject(slot, 0), WAIT_TIMEOUT);
    CHECK_WORKS(CancelIo(slot));
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
}

static void on_an_event(void) {
    HANDLE slot = make(SLOT("over"), 0, MAILSLOT_WAIT_FOREVER), file = dial(SLOT("over"));
    HANDLE event = CreateEvent(NULL, TRUE, TRUE, NULL);
    OVERLAPPED overlapped = fresh(event);
    char buffer[16];
    DWORD done = UNTOUCHED;
    /* Beginning the read resets the event. */
    CHECK_FAILS(ReadFile(slot, buffer, sizeof(buffer), NULL, &overlapped), ERROR_IO_PENDING);
    CHECK_EQ(WaitForSingleObject(event, 10), WAIT_TIMEOUT);
    put(file, "event");
    CHECK_EQ(WaitForSingleObject(event, INFINITE), WAIT_OBJECT_0);
    CHECK_WORKS(GetOverlappedResult(slot, &overlapped, &done, TRUE));
    CHECK_EQ(done, 5);

    /* A record that waits is read at once, and the event set. */
    CHECK_WORKS(ResetEvent(event));
    put(file, "here");
    done = UNTOUCHED;
    CHECK_WORKS(ReadFile(slot, buffer, sizeof(buffer), &done, &overlapped));
    CHECK_EQ(done, 4);
    CHECK_EQ(overlapped.Internal, 0);
    CHECK_EQ(overlapped.InternalHigh, 4);
    CHECK_EQ(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
    CHECK_WORKS(GetOverlappedResult(slot, &overlapped, &done, FALSE));

    /* Too small a buffer, at once and later. */
    put(file, "far too long");
    CHECK_FAILS(ReadFile(slot, buffer, 4, &done, &overlapped), ERROR_INSUFFICIENT_BUFFER);
    expect(slot, "far too long");
    CHECK_FAILS(ReadFile(slot, buffer, 4, &done, &overlapped), ERROR_IO_PENDING);
    put(file, "far too long");
    CHECK_EQ(WaitForSingleObject(event, INFINITE), WAIT_OBJECT_0);
    CHECK_FAILS(GetOverlappedResult(slot, &overlapped, &done, FALSE), ERROR_INSUFFICIENT_BUFFER);
    CHECK_EQ(done, 0);
    expect(slot, "far too long");

    /* An OVERLAPPED with rubbish for an event. */
    overlapped.hEvent = (HANDLE)0x12345678;
    CHECK_FAILS(ReadFile(slot, buffer, 4, &done, &overlapped), ERROR_INVALID_HANDLE);
    overlapped.hEvent = slot;
    CHECK_FAILS(ReadFile(slot, buffer, 4, &done, &overlapped), ERROR_INVALID_HANDLE);
    CHECK(CloseHandle(event));
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
}

/* Samples pass an OVERLAPPED, zeroed or with an event, and take the read for done. */
static void synchronous_minded(void) {
    HANDLE slot = make(SLOT("over"), 0, MAILSLOT_WAIT_FOREVER), file = dial(SLOT("over"));
    OVERLAPPED overlapped = fresh(NULL);
    char buffer[16];
    DWORD next, count, done;
    put(file, "one");
    put(file, "two");
    for (;;) {
        CHECK(GetMailslotInfo(slot, NULL, &next, &count, NULL));
        if (next == MAILSLOT_NO_MESSAGE)
            break;
        done = UNTOUCHED;
        CHECK_WORKS(ReadFile(slot, buffer, next, &done, &overlapped));
        CHECK_EQ(done, 3);
    }
    /* Writes with an OVERLAPPED are done when they return. */
    CHECK_WORKS(WriteFile(file, "three", 5, &done, &overlapped));
    CHECK_EQ(done, 5);
    CHECK_EQ(overlapped.InternalHigh, 5);
    CHECK_WORKS(GetOverlappedResult(file, &overlapped, &done, TRUE));
    CHECK_EQ(done, 5);
    expect(slot, "three");
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
}

static void time_outs(void) {
    HANDLE slot = make(SLOT("over"), 0, 50);
    OVERLAPPED overlapped = fresh(NULL);
    char buffer[16];
    DWORD done;
    CHECK_FAILS(ReadFile(slot, buffer, 16, NULL, &overlapped), ERROR_IO_PENDING);
    CHECK_EQ(WaitForSingleObject(slot, INFINITE), WAIT_OBJECT_0);
    CHECK_FAILS(GetOverlappedResult(slot, &overlapped, &done, TRUE), ERROR_SEM_TIMEOUT);
    CHECK_FAILS(ReadFile(slot, buffer, 16, NULL, &overlapped), ERROR_IO_PENDING);
    CHECK_FAILS(GetOverlappedResult(slot, &overlapped, &done, TRUE), ERROR_SEM_TIMEOUT);
    CHECK_FAILS(ReadFile(slot, buffer, 16, NULL, &overlapped), ERROR_IO_PENDING);
    WAIT_UNTIL(HasOverlappedIoCompleted(&overlapped));
    CHECK_FAILS(GetOverlappedResultEx(slot, &overlapped, &done, 0, FALSE), ERROR_SEM_TIMEOUT);

    CHECK(SetMailslotInfo(slot, 0));
    CHECK_FAILS(ReadFile(slot, buffer, 16, NULL, &overlapped), ERROR_SEM_TIMEOUT);

    CHECK(SetMailslotInfo(slot, MAILSLOT_WAIT_FOREVER));
    CHECK_FAILS(ReadFile(slot, buffer, 16, NULL, &overlapped), ERROR_IO_PENDING);
    CHECK_FAILS(GetOverlappedResultEx(slot, &overlapped, &done, 10, FALSE), WAIT_TIMEOUT);
    CHECK_FAILS(GetOverlappedResultEx(slot, &overlapped, &done, 0, FALSE), ERROR_IO_INCOMPLETE);
    CHECK(CloseHandle(slot));
    /* Its end was the read's end too. */
    CHECK(HasOverlappedIoCompleted(&overlapped));
}

static void cancelling(void) {
    HANDLE slot = make(SLOT("over"), 0, MAILSLOT_WAIT_FOREVER), file = dial(SLOT("over"));
    HANDLE events[2];
    OVERLAPPED first, second;
    char one[16], two[16];
    DWORD done;
    events[0] = CreateEvent(NULL, FALSE, FALSE, NULL);
    events[1] = CreateEvent(NULL, FALSE, FALSE, NULL);
    first = fresh(events[0]);
    second = fresh(events[1]);

    CHECK_FAILS(CancelIoEx(slot, NULL), ERROR_NOT_FOUND);
    CHECK_WORKS(CancelIo(slot));
    CHECK_FAILS(CancelIoEx(file, NULL), ERROR_NOT_FOUND);
    CHECK_WORKS(CancelIo(file));

    CHECK_FAILS(ReadFile(slot, one, 16, NULL, &first), ERROR_IO_PENDING);
    CHECK_FAILS(ReadFile(slot, two, 16, NULL, &second), ERROR_IO_PENDING);
    CHECK_WORKS(CancelIoEx(slot, &first));
    CHECK_EQ(WaitForMultipleObjects(2, events, FALSE, INFINITE), WAIT_OBJECT_0);
    CHECK_FAILS(GetOverlappedResult(slot, &first, &done, TRUE), ERROR_OPERATION_ABORTED);
    CHECK_FAILS(CancelIoEx(slot, &first), ERROR_NOT_FOUND);
    put(file, "for the second");
    CHECK_EQ(WaitForMultipleObjects(2, events, FALSE, INFINITE), WAIT_OBJECT_0 + 1);
    CHECK_WORKS(GetOverlappedResult(slot, &second, &done, FALSE));
    CHECK_EQ(done, 14);
    CHECK(memcmp(two, "for the second", 14) == 0);

    /* Reads are served in the order in which they were begun; without OVERLAPPED too. */
    CHECK_FAILS(ReadFile(slot, one, 16, NULL, &first), ERROR_IO_PENDING);
    CHECK_FAILS(ReadFile(slot, two, 16, NULL, &second), ERROR_IO_PENDING);
    put(file, "a");
    put(file, "b");
    put(file, "c");
    expect(slot, "c");
    CHECK(one[0] == 'a' && two[0] == 'b');
    CHECK_EQ(WaitForMultipleObjects(2, events, TRUE, 0), WAIT_OBJECT_0);

    CHECK_FAILS(ReadFile(slot, one, 16, NULL, &first), ERROR_IO_PENDING);
    CHECK_FAILS(ReadFile(slot, two, 16, NULL, &second), ERROR_IO_PENDING);
    CHECK_WORKS(CancelIoEx(slot, NULL));
    CHECK_EQ(WaitForMultipleObjects(2, events, TRUE, 0), WAIT_OBJECT_0);
    CHECK_FAILS(GetOverlappedResult(slot, &second, &done, TRUE), ERROR_OPERATION_ABORTED);

    /* Closing cancels too. */
    CHECK_FAILS(ReadFile(slot, one, 16, NULL, &first), ERROR_IO_PENDING);
    CHECK(CloseHandle(slot));
    CHECK_EQ(WaitForSingleObject(events[0], 0), WAIT_OBJECT_0);
    CHECK(first.Internal == 0xC0000120U);
    CHECK(CloseHandle(events[0]));
    CHECK(CloseHandle(events[1]));
    CHECK(CloseHandle(file));
}

static DWORD routine_code, routine_bytes, routine_calls;
static LPOVERLAPPED routine_overlapped;

static VOID CALLBACK routine(DWORD code, DWORD bytes, LPOVERLAPPED overlapped) {
    routine_code = code;
    routine_bytes = bytes;
    routine_overlapped = overlapped;
    routine_calls++;
}

static void completion_routines(void) {
    HANDLE slot = make(SLOT("over"), 0, MAILSLOT_WAIT_FOREVER), file = dial(SLOT("over"));
    HANDLE never = CreateEvent(NULL, TRUE, FALSE, NULL);
    OVERLAPPED overlapped = fresh(NULL), written = fresh(NULL);
    char buffer[16];
    CHECK_WORKS(ReadFileEx(slot, buffer, 16, &overlapped, routine));
    CHECK_EQ(SleepEx(0, TRUE), 0);
    CHECK_EQ(routine_calls, 0);
    put(file, "routine");
    /* Only in an alertable wait. */
    CHECK_EQ(WaitForSingleObject(never, 1), WAIT_TIMEOUT);
    CHECK_EQ(routine_calls, 0);
    CHECK_EQ(WaitForSingleObjectEx(never, INFINITE, TRUE), WAIT_IO_COMPLETION);
    CHECK_EQ(routine_calls, 1);
    CHECK_EQ(routine_code, 0);
    CHECK_EQ(routine_bytes, 7);
    CHECK(routine_overlapped == &overlapped);
    CHECK(memcmp(buffer, "routine", 7) == 0);

    CHECK_WORKS(WriteFileEx(file, "x", 1, &written, routine));
    CHECK_EQ(SleepEx(INFINITE, TRUE), WAIT_IO_COMPLETION);
    CHECK_EQ(routine_calls, 2);
    CHECK_EQ(routine_bytes, 1);
    /* A record that waits: the routine is called all the same. */
    CHECK_WORKS(ReadFileEx(slot, buffer, 16, &overlapped, routine));
    CHECK_EQ(WaitForMultipleObjectsEx(1, &never, TRUE, INFINITE, TRUE), WAIT_IO_COMPLETION);
    CHECK_EQ(routine_calls, 3);
    CHECK_WORKS(ReadFileEx(slot, buffer, 16, &overlapped, routine));
    CHECK_WORKS(CancelIo(slot));
    CHECK_EQ(SleepEx(INFINITE, TRUE), WAIT_IO_COMPLETION);
    CHECK_EQ(routine_code, ERROR_OPERATION_ABORTED);
    CHECK_FAILS(ReadFileEx(slot, buffer, 16, NULL, routine), ERROR_INVALID_PARAMETER);
    CHECK_FAILS(ReadFileEx(slot, buffer, 16, &overlapped, NULL), ERROR_INVALID_PARAMETER);
    CHECK_FAILS(WriteFileEx(slot, buffer, 1, &overlapped, routine), ERROR_ACCESS_DENIED);
    CHECK_FAILS(ReadFileEx(file, buffer, 1, &overlapped, routine), ERROR_ACCESS_DENIED);
    CHECK(CloseHandle(never));
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
}

static OVERLAPPED of_thread;
static char of_thread_buffer[16];

static void *begin_and_leave(void *slot) {
    CHECK_FAILS(ReadFile((HANDLE)slot, of_thread_buffer, 16, NULL, &of_thread), ERROR_IO_PENDING);
    return NULL;
}

static void *wait_for_it(void *event) {
    CHECK_EQ(WaitForSingleObject((HANDLE)event, INFINITE), WAIT_OBJECT_0);
    return NULL;
}

static void threads(void) {
    HANDLE slot = make(SLOT("over"), 0, MAILSLOT_WAIT_FOREVER), file = dial(SLOT("over"));
    HANDLE event = CreateEvent(NULL, TRUE, FALSE, NULL);
    OVERLAPPED overlapped = fresh(event);
    char buffer[16];
    pthread_t thread;
    DWORD done;
    /* A thread's pending reads end with it. */
    CHECK(pthread_create(&thread, NULL, begin_and_leave, slot) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(HasOverlappedIoCompleted(&of_thread));
    CHECK_FAILS(GetOverlappedResult(slot, &of_thread, &done, FALSE), ERROR_OPERATION_ABORTED);
    /* One thread waits for the event before another begins the read that sets it. */
    CHECK(pthread_create(&thread, NULL, wait_for_it, event) == 0);
    Sleep(20);
    CHECK_FAILS(ReadFile(slot, buffer, 16, NULL, &overlapped), ERROR_IO_PENDING);
    put(file, "wake");
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_WORKS(GetOverlappedResult(slot, &overlapped, &done, FALSE));
    CHECK_EQ(done, 4);
    CHECK(CloseHandle(event));
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
}

static HANDLE crowded, in_line;
static volatile DWORD in_line_error;

static void *stand_in_line(void *nothing) {
    HANDLE me = NULL;
    char buffer[16];
    DWORD done;
    CHECK(DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &me, 0,
                          FALSE, DUPLICATE_SAME_ACCESS));
    in_line = me;
    in_line_error = ReadFile(crowded, buffer, sizeof(buffer), &done, NULL) ? 0 : GetLastError();
    return nothing;
}

/* A read behind a pending one is cancelled when its record has come: then it has the record, or the
 * slot still has. */
static void cancelled_in_line(void) {
    int round;
    for (round = 0; round < 50; round++) {
        HANDLE slot = make(SLOT("over"), 0, MAILSLOT_WAIT_FOREVER), file = dial(SLOT("over"));
        OVERLAPPED overlapped = fresh(NULL);
        char buffer[16];
        pthread_t thread;
        DWORD done;
        crowded = slot;
        in_line = NULL;
        CHECK_FAILS(ReadFile(slot, buffer, 16, NULL, &overlapped), ERROR_IO_PENDING);
        CHECK(pthread_create(&thread, NULL, stand_in_line, NULL) == 0);
        WAIT_UNTIL(*(HANDLE volatile *)&in_line != NULL);
        Sleep((DWORD)(round % 3));
        put(file, "first");
        put(file, "second");
        CancelSynchronousIo(in_line);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK(CloseHandle(in_line));
        CHECK_WORKS(GetOverlappedResult(slot, &overlapped, &done, TRUE));
        CHECK_EQ(done, 5);
        CHECK(in_line_error == 0 || in_line_error == ERROR_OPERATION_ABORTED);
        CHECK_EQ(waiting(slot), in_line_error == 0 ? 0 : 1);
        CHECK(CloseHandle(file));
        CHECK(CloseHandle(slot));
    }
}

int main(void) {
    on_the_handle();
    on_an_event();
    synchronous_minded();
    time_outs();
    cancelling();
    completion_routines();
    threads();
    cancelled_in_line();
    return 0;
}
