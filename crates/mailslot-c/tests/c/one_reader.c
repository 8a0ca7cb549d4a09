/* One thread reads a slot without pause, and so needs no lock, until others come to it in every way
 * there is: each record is still read once. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#define RECORDS 2000
#define END 0xFFFFFFFFU

static HANDLE slot;
static volatile DWORD begun;
static volatile int count_of[RECORDS], ended, ready, interruptions;
/* Every so many records the writer waits for another signal. */
static volatile int step = RECORDS;

static int take(HANDLE from) {
    DWORD number = 0, read = 0;
    if (!ReadFile(from, &number, sizeof(number), &read, NULL))
        return -1;
    CHECK_EQ(read, sizeof(number));
    if (number == END) {
        ended = 1;
        return 0;
    }
    CHECK(number < RECORDS);
    __sync_add_and_fetch(&count_of[number], 1);
    __sync_add_and_fetch(&begun, 1);
    return 1;
}

static void *read_all(void *unused) {
    int taken;
    while (!ended)
        if ((taken = take(slot)) < 0)
            CHECK(GetLastError() == ERROR_SEM_TIMEOUT || GetLastError() == ERROR_OPERATION_ABORTED);
    return unused;
}

static void *write_all(void *unused) {
    HANDLE file = dial(SLOT("one"));
    DWORD number, written;
    for (number = 0; number < RECORDS; number++) {
        CHECK(WriteFile(file, &number, sizeof(number), &written, NULL));
        while (interruptions < (int)number / step)
            sched_yield();
    }
    number = END;
    CHECK(WriteFile(file, &number, sizeof(number), &written, NULL));
    CHECK(CloseHandle(file));
    return unused;
}

static void read_overlapped(void) {
    OVERLAPPED overlapped;
    DWORD number = END, done = 0;
    memset(&overlapped, 0, sizeof(overlapped));
    if (!ReadFile(slot, &number, sizeof(number), NULL, &overlapped) &&
        GetLastError() == ERROR_IO_PENDING && ended)
        CancelIo(slot);
    if (!GetOverlappedResult(slot, &overlapped, &done, TRUE))
        return;
    CHECK_EQ(done, sizeof(number));
    if (number == END)
        ended = 1;
    else
        __sync_add_and_fetch(&count_of[number], 1);
}

static void intrude(unsigned int how) {
    HANDLE copy;
    switch (how) {
    case 0:
        while (!ended)
            take(slot);
        break;
    case 1:
        while (!ended)
            CHECK(GetMailslotInfo(slot, NULL, NULL, NULL, NULL));
        break;
    case 2:
        while (!ended)
            WaitForSingleObject(slot, 1);
        break;
    case 3:
        CHECK(SetMailslotInfo(slot, 2));
        break;
    case 4:
        CHECK(DuplicateHandle(GetCurrentProcess(), slot, GetCurrentProcess(), &copy, 0, FALSE,
                              DUPLICATE_SAME_ACCESS));
        take(copy);
        CHECK(CloseHandle(copy));
        break;
    case 5:
        while (!ended)
            CancelIoEx(slot, NULL);
        break;
    default:
        while (!ended)
            read_overlapped();
    }
}

static void each_was_read_once(pthread_t reader, pthread_t writer) {
    DWORD number;
    CHECK(pthread_join(writer, NULL) == 0);
    CHECK(pthread_join(reader, NULL) == 0);
    for (number = 0; number < RECORDS; number++) {
        CHECK_EQ(count_of[number], 1);
        count_of[number] = 0;
    }
    CHECK(CloseHandle(slot));
}

static void others_come(unsigned int round) {
    pthread_t reader, writer;
    DWORD after = round * 37 % RECORDS / 2;
    begun = 0;
    ended = 0;
    slot = make(SLOT("one"), 0, 1);
    CHECK(pthread_create(&writer, NULL, write_all, NULL) == 0);
    CHECK(pthread_create(&reader, NULL, read_all, NULL) == 0);
    while (begun < after && !ended)
        sched_yield();
    intrude(round % 7);
    each_was_read_once(reader, writer);
}

/* A handler that reads where it interrupted a read gets an error, not the same record again. */
static void interrupt(int number) {
    int taken = take(slot);
    (void)number;
    interruptions++;
    CHECK(taken >= 0 || GetLastError() == ERROR_GEN_FAILURE || GetLastError() == ERROR_SEM_TIMEOUT);
}

/* The errors of the handler are not the reader's. Reading in a handler works only
 * amid such reads as these: not amid the first one, nor at the thread's end. */
static void *read_undisturbed(void *unused) {
    sigset_t all;
    sigfillset(&all);
    take(slot);
    ready = 1;
    while (!ended)
        take(slot);
    CHECK(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
    return unused;
}

static void signals_come(void) {
    pthread_t reader, writer;
    ended = ready = interruptions = 0;
    step = 20;
    CHECK(signal(SIGUSR1, interrupt) != SIG_ERR);
    slot = make(SLOT("one"), 0, 1);
    CHECK(pthread_create(&writer, NULL, write_all, NULL) == 0);
    CHECK(pthread_create(&reader, NULL, read_undisturbed, NULL) == 0);
    while (!ready)
        sched_yield();
    while (!ended) {
        int before = interruptions;
        CHECK(pthread_kill(reader, SIGUSR1) == 0);
        while (interruptions == before && !ended)
            sched_yield();
    }
    each_was_read_once(reader, writer);
}

int main(int argc, char **argv) {
    unsigned int round, rounds = argc > 1 ? (unsigned int)atoi(argv[1]) : 70;
    for (round = 0; round < rounds; round++)
        others_come(round);
    for (round = 0; round < rounds / 10; round++)
        signals_come();
    CHECK(interruptions >= (RECORDS - 1) / 20);
    return 0;
}
