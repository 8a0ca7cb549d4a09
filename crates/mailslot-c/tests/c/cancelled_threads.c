/* pthread_cancel while a thread is in a call: it takes effect after the call, and harms nobody. */
#include "check.h"
#include <pthread.h>

static HANDLE slot, event;
static volatile int begun;

static void *call(void *which) {
    OVERLAPPED overlapped;
    char buffer[8];
    DWORD done;
    begun = 1;
    switch ((int)(size_t)which) {
    case 0:
        ReadFile(slot, buffer, sizeof(buffer), &done, NULL);
        break;
    case 1:
        WaitForSingleObject(slot, INFINITE);
        break;
    case 2:
        WaitForSingleObject(event, INFINITE);
        break;
    case 3:
        memset(&overlapped, 0, sizeof(overlapped));
        ReadFile(slot, buffer, sizeof(buffer), &done, &overlapped);
        GetOverlappedResult(slot, &overlapped, &done, TRUE);
        break;
    default:
        Sleep(100);
    }
    pthread_testcancel();
    return NULL;
}

int main(void) {
    size_t which;
    for (which = 0; which < 5; which++) {
        pthread_t thread;
        void *result = NULL;
        slot = make(SLOT("cancelled"), 0, MAILSLOT_WAIT_FOREVER);
        event = CreateEventA(NULL, TRUE, FALSE, NULL);
        begun = 0;
        CHECK(pthread_create(&thread, NULL, call, (void *)which) == 0);
        WAIT_UNTIL(begun);
        Sleep(20);
        CHECK(pthread_cancel(thread) == 0);
        CHECK(CloseHandle(slot));
        CHECK(CloseHandle(event));
        CHECK(pthread_join(thread, &result) == 0);
        CHECK(result == PTHREAD_CANCELED);
        CHECK(CloseHandle(make(SLOT("cancelled"), 0, 0)));
    }
    return 0;
}
