/* Calls before main, in handlers of signals, when a thread ends, and at exit. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/time.h>

static HANDLE slot, file;

static void use(void) {
    HANDLE event = CreateEventA(NULL, TRUE, TRUE, NULL);
    char buffer[16];
    DWORD done;
    CHECK(WriteFile(file, "use", 3, &done, NULL));
    CHECK(ReadFile(slot, buffer, sizeof(buffer), &done, NULL));
    CHECK_EQ(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
    CHECK(CloseHandle(event));
}

__attribute__((constructor)) static void before_main(void) {
    slot = make(SLOT("odd"), 0, 0);
    file = dial(SLOT("odd"));
    use();
}

/* The slot may have been closed. */
__attribute__((destructor)) static void after_main(void) {
    char byte;
    DWORD done;
    WriteFile(file, "x", 1, &done, NULL);
    ReadFile(slot, &byte, 1, &done, NULL);
    CloseHandle(file);
    CloseHandle(slot);
    CHECK(CloseHandle(make(SLOT("odd"), 0, 0)));
}

static pthread_key_t key;

static void at_end(void *nothing) {
    (void)nothing;
    use();
}

static void *thread(void *something) {
    CHECK(pthread_setspecific(key, something) == 0);
    use();
    return NULL;
}

static volatile int signals;

/* Amid a write with the same handle, it fails rather than waits for itself. */
static void handle(int signal) {
    DWORD done;
    (void)signal;
    if (!WriteFile(file, "sig", 3, &done, NULL) && GetLastError() != ERROR_GEN_FAILURE)
        abort();
    signals++;
}

static void in_signals(void) {
    struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    struct sigaction action;
    char buffer[16];
    DWORD done;
    int at;
    memset(&action, 0, sizeof(action));
    action.sa_handler = handle;
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    for (at = 0; at < 20000 || signals < 100; at++) {
        if (!WriteFile(file, "main", 4, &done, NULL))
            fail(__FILE__, __LINE__, "a write failed", 0, 0);
        while (ReadFile(slot, buffer, sizeof(buffer), &done, NULL))
            CHECK(done == 4 ? memcmp(buffer, "main", 4) == 0
                            : done == 3 && memcmp(buffer, "sig", 3) == 0);
    }
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    while (ReadFile(slot, buffer, sizeof(buffer), &done, NULL))
        ;
}

static volatile int begun, returned;

static void *first_call(void *unused) {
    DWORD done;
    begun = 1;
    CHECK(WriteFile(file, "main", 4, &done, NULL));
    returned = 1;
    return unused;
}

/* Signals that come while a thread's first call makes it known to the library. */
static void in_first_calls(void) {
    char buffer[16];
    DWORD done;
    int round, sent, before = signals;
    for (round = 0; round < 500 || signals < before + 100; round++) {
        pthread_t caller;
        begun = returned = 0;
        CHECK(pthread_create(&caller, NULL, first_call, NULL) == 0);
        while (!begun)
            sched_yield();
        /* Without end, they could keep the thread from ever going on. */
        for (sent = 0; sent < 20 && !returned; sent++)
            CHECK(pthread_kill(caller, SIGALRM) == 0);
        CHECK(pthread_join(caller, NULL) == 0);
        while (ReadFile(slot, buffer, sizeof(buffer), &done, NULL))
            ;
    }
}

int main(void) {
    pthread_t other;
    in_signals();
    CHECK(pthread_key_create(&key, at_end) == 0);
    CHECK(pthread_create(&other, NULL, thread, &key) == 0);
    CHECK(pthread_join(other, NULL) == 0);
    /* A handle that several threads have written with takes another way. */
    in_signals();
    in_first_calls();
    CHECK(atexit(use) == 0);
    return 0;
}
