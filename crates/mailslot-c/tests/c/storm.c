/* Every call under a storm of signals: none ends early, none fails for it. */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#define EACH 1000

static volatile int signals;

static void count(int signal) {
    (void)signal;
    signals++;
}

static void *write_each(void *nothing) {
    DWORD number, done;
    for (number = 0; number < EACH; number++) {
        HANDLE file = dial(SLOT("storm"));
        CHECK(WriteFile(file, &number, sizeof(number), &done, NULL));
        CHECK(WriteFile(file, &number, sizeof(number), &done, NULL));
        CHECK(CloseHandle(file));
    }
    return nothing;
}

int main(void) {
    struct itimerval often = {{0, 200}, {0, 200}};
    HANDLE slot = make(SLOT("storm"), 0, 50), event = CreateEventA(NULL, FALSE, FALSE, NULL);
    OVERLAPPED overlapped;
    pthread_t threads[2];
    DWORD number, done, at, start;
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = count;
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);

    start = GetTickCount();
    CHECK_FAILS(ReadFile(slot, &number, sizeof(number), &done, NULL), ERROR_SEM_TIMEOUT);
    CHECK(GetTickCount() - start >= 49);
    start = GetTickCount();
    CHECK_EQ(WaitForSingleObject(event, 50), WAIT_TIMEOUT);
    CHECK(GetTickCount() - start >= 49);
    start = GetTickCount();
    Sleep(50);
    CHECK(GetTickCount() - start >= 49);

    CHECK(SetMailslotInfo(slot, MAILSLOT_WAIT_FOREVER));
    for (at = 0; at < 2; at++)
        CHECK(pthread_create(&threads[at], NULL, write_each, NULL) == 0);
    for (at = 0; at < 2 * EACH; at++) {
        CHECK(ReadFile(slot, &number, sizeof(number), &done, NULL));
        CHECK_EQ(done, sizeof(number));
    }
    for (at = 0; at < 2 * EACH; at++) {
        memset(&overlapped, 0, sizeof(overlapped));
        overlapped.hEvent = event;
        if (!ReadFile(slot, &number, sizeof(number), NULL, &overlapped)) {
            CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
            CHECK_EQ(WaitForSingleObject(event, INFINITE), WAIT_OBJECT_0);
        }
        CHECK(GetOverlappedResult(slot, &overlapped, &done, TRUE));
        CHECK_EQ(done, sizeof(number));
    }
    for (at = 0; at < 2; at++)
        CHECK(pthread_join(threads[at], NULL) == 0);
    CHECK(signals > 0);
    CHECK(CloseHandle(event));
    CHECK(CloseHandle(slot));
    return 0;
}
