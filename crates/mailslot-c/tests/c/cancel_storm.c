/* pthread_cancel of threads that write and read without pause: they end between two calls, and no
 * record is torn, lost or read twice; handle and slot work on. */
#include "check.h"
#include <pthread.h>
#include <sched.h>

static HANDLE slot, file;
static volatile DWORD wrote, got;

static void *write_on(void *unused) {
    DWORD written;
    for (;;) {
        DWORD number = wrote;
        if (WriteFile(file, &number, sizeof(number), &written, NULL))
            wrote = number + 1;
        else
            CHECK_EQ(GetLastError(), ERROR_NOT_ENOUGH_QUOTA);
        pthread_testcancel();
    }
    return unused;
}

static void *read_on(void *unused) {
    DWORD number, read;
    for (;;) {
        if (ReadFile(slot, &number, sizeof(number), &read, NULL)) {
            CHECK_EQ(number, got);
            got = number + 1;
        }
        pthread_testcancel();
    }
    return unused;
}

/* Each record through a handle of its own: the reader lets go of descriptors all the time. */
static void *write_anew(void *unused) {
    for (;;) {
        DWORD number = wrote, written;
        HANDLE other = dial(SLOT("storm"));
        CHECK(WriteFile(other, &number, sizeof(number), &written, NULL));
        wrote = number + 1;
        CHECK(CloseHandle(other));
        while (wrote > got + 1000)
            Sleep(1);
        pthread_testcancel();
    }
    return unused;
}

/* One thread that has a slot for itself, and writes to it so that each read lets go of a writer. */
static void *read_own(void *unused) {
    DWORD number = 7, done;
    slot = make(SLOT("storm own"), 0, 1);
    for (;;) {
        file = dial(SLOT("storm own"));
        CHECK(WriteFile(file, &number, sizeof(number), &done, NULL));
        CHECK(CloseHandle(file));
        CHECK(ReadFile(slot, &number, sizeof(number), &done, NULL));
        CHECK_EQ(number, 7);
        got++;
        pthread_testcancel();
    }
    return unused;
}

static void end(pthread_t thread) {
    void *result = NULL;
    CHECK(pthread_cancel(thread) == 0);
    CHECK(pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED);
}

static void cancel(void *(*body)(void *), unsigned int pause, volatile DWORD *count) {
    pthread_t thread;
    DWORD before = *count;
    CHECK(pthread_create(&thread, NULL, body, NULL) == 0);
    while (*count == before)
        sched_yield();
    while (pause-- > 0)
        __asm__ volatile("");
    end(thread);
}

int main(int argc, char **argv) {
    unsigned int round, rounds = argc > 1 ? (unsigned int)atoi(argv[1]) : 300;
    pthread_t other;
    slot = make(SLOT("storm"), 0, 1);
    file = dial(SLOT("storm"));
    CHECK(pthread_create(&other, NULL, read_on, NULL) == 0);
    for (round = 0; round < rounds; round++)
        cancel(write_on, round % 500 * 20, &wrote);
    WAIT_UNTIL(got == wrote);
    end(other);
    CHECK(pthread_create(&other, NULL, write_anew, NULL) == 0);
    for (round = 0; round < rounds; round++)
        cancel(read_on, round % 1000 * 10, &got);
    end(other);
    while (got < wrote) {
        DWORD number, read;
        CHECK(ReadFile(slot, &number, sizeof(number), &read, NULL));
        CHECK_EQ(number, got);
        got++;
    }
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
    for (round = 0; round < rounds; round++) {
        cancel(read_own, round % 500 * 20, &got);
        CHECK(CloseHandle(slot));
    }
    return 0;
}
