/* Events, and waiting for several things. */
#include "check.h"
#include <pthread.h>

static void events(void) {
    HANDLE manual = CreateEventA(NULL, TRUE, FALSE, NULL);
    HANDLE automatic = CreateEventA(NULL, FALSE, TRUE, NULL);
    HANDLE both[2], named, again;
    both[0] = manual;
    both[1] = automatic;
    CHECK(IS_HANDLE(manual) && IS_HANDLE(automatic));
    CHECK_EQ(WaitForSingleObject(manual, 0), WAIT_TIMEOUT);
    CHECK_WORKS(SetEvent(manual));
    CHECK_EQ(WaitForSingleObject(manual, INFINITE), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject(manual, 0), WAIT_OBJECT_0);
    CHECK_WORKS(ResetEvent(manual));
    CHECK_EQ(WaitForSingleObject(manual, 5), WAIT_TIMEOUT);
    /* A wait takes the signal of the other kind. */
    CHECK_EQ(WaitForSingleObject(automatic, 0), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject(automatic, 0), WAIT_TIMEOUT);

    CHECK_WORKS(SetEvent(automatic));
    CHECK_EQ(WaitForMultipleObjects(2, both, TRUE, 5), WAIT_TIMEOUT);
    CHECK_EQ(WaitForMultipleObjects(2, both, FALSE, 5), WAIT_OBJECT_0 + 1);
    CHECK_EQ(WaitForMultipleObjects(2, both, FALSE, 0), WAIT_TIMEOUT);
    CHECK_WORKS(SetEvent(manual) && SetEvent(automatic));
    /* The first one counts, and only it is taken. */
    CHECK_EQ(WaitForMultipleObjects(2, both, FALSE, 0), WAIT_OBJECT_0);
    CHECK_EQ(WaitForMultipleObjects(2, both, TRUE, 0), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject(automatic, 0), WAIT_TIMEOUT);

    /* Names: within the process. */
    CHECK_FAILS(OpenEventA(EVENT_ALL_ACCESS, FALSE, "named") != NULL, ERROR_FILE_NOT_FOUND);
    CHECK_WORKS((named = CreateEventA(NULL, TRUE, FALSE, "named")) != NULL);
    SetLastError(0);
    again = CreateEventA(NULL, TRUE, FALSE, "named");
    CHECK(again != NULL && again != named);
    CHECK_EQ(GetLastError(), ERROR_ALREADY_EXISTS);
    CHECK_WORKS(SetEvent(again));
    CHECK_EQ(WaitForSingleObject(named, 0), WAIT_OBJECT_0);
    CHECK(CloseHandle(again));
    CHECK_WORKS((again = OpenEventA(EVENT_ALL_ACCESS, FALSE, "named")) != NULL);
    CHECK(CloseHandle(again));
    CHECK(CloseHandle(named));
    CHECK_FAILS(OpenEventA(EVENT_ALL_ACCESS, FALSE, "named") != NULL, ERROR_FILE_NOT_FOUND);
    CHECK(CloseHandle(manual));
    CHECK(CloseHandle(automatic));
}

/* A read handle is signaled while a record waits. */
static void records(void) {
    HANDLE slot = make(SLOT("wait"), 0, MAILSLOT_WAIT_FOREVER), file = dial(SLOT("wait"));
    HANDLE other = make(SLOT("wait2"), 0, 0), event = CreateEventA(NULL, FALSE, FALSE, NULL);
    HANDLE all[3];
    DWORD start;
    all[0] = slot;
    all[1] = other;
    all[2] = event;
    CHECK_EQ(WaitForSingleObject(slot, 0), WAIT_TIMEOUT);
    start = GetTickCount();
    CHECK_EQ(WaitForSingleObject(slot, 60), WAIT_TIMEOUT);
    CHECK(GetTickCount() - start >= 59);
    put(file, "record");
    CHECK_EQ(WaitForSingleObject(slot, 0), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject(slot, INFINITE), WAIT_OBJECT_0);
    CHECK_EQ(WaitForMultipleObjects(3, all, FALSE, INFINITE), WAIT_OBJECT_0);
    CHECK_EQ(WaitForMultipleObjects(3, all, TRUE, 20), WAIT_TIMEOUT);
    expect(slot, "record");
    CHECK_EQ(WaitForSingleObject(slot, 0), WAIT_TIMEOUT);
    CHECK_EQ(WaitForMultipleObjects(3, all, FALSE, 10), WAIT_TIMEOUT);
    CHECK(SetEvent(event));
    CHECK_EQ(WaitForMultipleObjects(3, all, FALSE, INFINITE), WAIT_OBJECT_0 + 2);
    /* A write handle is always ready. */
    CHECK_EQ(WaitForSingleObject(file, INFINITE), WAIT_OBJECT_0);
    CHECK(CloseHandle(event));
    CHECK(CloseHandle(other));
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
}

static HANDLE slot_there, slot_back;

static void *answer(void *nothing) {
    HANDLE back = dial(SLOT("back"));
    int at;
    for (at = 0; at < 200; at++) {
        CHECK_EQ(WaitForSingleObject(slot_there, INFINITE), WAIT_OBJECT_0);
        expect(slot_there, "ping");
        put(back, "pong");
    }
    CHECK(CloseHandle(back));
    return nothing;
}

/* Each side waits for the other. */
static void by_turns(void) {
    pthread_t thread;
    HANDLE there;
    int at;
    slot_there = make(SLOT("there"), 0, 0);
    slot_back = make(SLOT("back"), 0, 0);
    there = dial(SLOT("there"));
    CHECK(pthread_create(&thread, NULL, answer, NULL) == 0);
    for (at = 0; at < 200; at++) {
        put(there, "ping");
        CHECK_EQ(WaitForSingleObject(slot_back, INFINITE), WAIT_OBJECT_0);
        expect(slot_back, "pong");
    }
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(CloseHandle(there));
    CHECK(CloseHandle(slot_there));
    CHECK(CloseHandle(slot_back));
}

static void *set_later(void *event) {
    Sleep(20);
    CHECK(SetEvent((HANDLE)event));
    return NULL;
}

static void *close_later(void *handle) {
    Sleep(20);
    CHECK(CloseHandle((HANDLE)handle));
    return NULL;
}

static void other_threads(void) {
    HANDLE event = CreateEventA(NULL, FALSE, FALSE, NULL), slot = make(SLOT("wait"), 0, 0);
    HANDLE both[2];
    pthread_t thread;
    both[0] = slot;
    both[1] = event;
    CHECK(pthread_create(&thread, NULL, set_later, event) == 0);
    CHECK_EQ(WaitForMultipleObjects(2, both, FALSE, INFINITE), WAIT_OBJECT_0 + 1);
    CHECK(pthread_join(thread, NULL) == 0);
    /* What is waited for is closed: the wait fails instead of lasting for ever. */
    CHECK(pthread_create(&thread, NULL, close_later, slot) == 0);
    SetLastError(UNTOUCHED);
    CHECK_EQ(WaitForMultipleObjects(2, both, FALSE, INFINITE), WAIT_FAILED);
    CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(pthread_create(&thread, NULL, close_later, event) == 0);
    CHECK_EQ(WaitForSingleObject(event, INFINITE), WAIT_FAILED);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void wrong(void) {
    HANDLE many[65];
    int at;
    for (at = 0; at < 65; at++)
        many[at] = CreateEventA(NULL, TRUE, at == 63, NULL);
    CHECK_EQ(WaitForMultipleObjects(64, many, FALSE, INFINITE), WAIT_OBJECT_0 + 63);
    SetLastError(UNTOUCHED);
    CHECK_EQ(WaitForMultipleObjects(65, many, FALSE, 0), WAIT_FAILED);
    CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
    CHECK_EQ(WaitForMultipleObjects(0, many, FALSE, 0), WAIT_FAILED);
    CHECK_EQ(WaitForMultipleObjects(2, NULL, FALSE, 0), WAIT_FAILED);
    CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
    CHECK_EQ(WaitForSingleObject(INVALID_HANDLE_VALUE, 0), WAIT_FAILED);
    CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
    CHECK(CloseHandle(many[64]));
    CHECK_EQ(WaitForSingleObject(many[64], 0), WAIT_FAILED);
    for (at = 0; at < 64; at++)
        CHECK(CloseHandle(many[at]));
}

int main(void) {
    events();
    records();
    by_turns();
    other_threads();
    wrong();
    return 0;
}
