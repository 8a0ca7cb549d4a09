/* Many threads use, close, duplicate and replace the same few handles. Every call answers, no
 * descriptor is closed twice or left open, and all names are free in the end. */
#include "check.h"
#include <dirent.h>
#include <pthread.h>

#define HANDLES 16
#define THREADS 32

static HANDLE volatile handles[HANDLES];
static volatile int stop;

static unsigned int next(unsigned int *state) {
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

static void replace(unsigned int at, HANDLE with) {
    if (IS_HANDLE(with))
        CloseHandle((HANDLE)__sync_lock_test_and_set(&handles[at % HANDLES], with));
}

static void overlapped_read(HANDLE handle, char *buffer, DWORD wait) {
    OVERLAPPED overlapped;
    DWORD done;
    memset(&overlapped, 0, sizeof(overlapped));
    if (!ReadFile(handle, buffer, 64, &done, &overlapped) && GetLastError() == ERROR_IO_PENDING) {
        GetOverlappedResultEx(handle, &overlapped, &done, wait, FALSE);
        CancelIoEx(handle, &overlapped);
        CancelIo(handle);
        WAIT_UNTIL(HasOverlappedIoCompleted(&overlapped));
    }
}

static void act(unsigned int *state) {
    unsigned int at = next(state) % HANDLES, what = next(state) % 12, some = next(state);
    HANDLE handle = handles[at], several[4], copy;
    SECURITY_ATTRIBUTES attributes;
    char name[40], buffer[64];
    DWORD done;
    memset(buffer, 'x', sizeof(buffer));
    attributes.nLength = sizeof(attributes);
    attributes.lpSecurityDescriptor = NULL;
    attributes.bInheritHandle = some % 2;
    sprintf(name, SLOT("race%u"), some % HANDLES);
    switch (what) {
    case 0:
        CloseHandle(handle);
        break;
    case 1:
        replace(at, CreateMailslotA(name, 0, some % 3, &attributes));
        break;
    case 2:
        replace(at, CreateFileA(name, GENERIC_WRITE, 0, &attributes, OPEN_EXISTING, 0, NULL));
        break;
    case 3:
        replace(at, CreateEventA(NULL, some % 2, FALSE, NULL));
        break;
    case 4:
        ReadFile(handle, buffer, sizeof(buffer), &done, NULL);
        break;
    case 5:
        WriteFile(handle, buffer, some % 64, &done, NULL);
        break;
    case 6:
        GetMailslotInfo(handle, NULL, NULL, NULL, NULL);
        SetMailslotInfo(handle, some % 3);
        break;
    case 7:
        WaitForSingleObject(handle, some % 3);
        break;
    case 8:
        for (done = 0; done < 4; done++)
            several[done] = handles[next(state) % HANDLES];
        WaitForMultipleObjects(4, several, some % 2, some % 3);
        break;
    case 9:
        if (DuplicateHandle(GetCurrentProcess(), handle, GetCurrentProcess(), &copy, 0, some % 2,
                            DUPLICATE_SAME_ACCESS))
            replace(next(state), copy);
        break;
    case 10:
        overlapped_read(handle, buffer, some % 3);
        break;
    default:
        SetEvent(handle);
        SetHandleInformation(handle, HANDLE_FLAG_INHERIT, some % 2);
        CancelIoEx(handle, NULL);
    }
}

static void *run(void *number) {
    unsigned int state = (unsigned int)(size_t)number * 7919U + 1;
    while (!stop)
        act(&state);
    return NULL;
}

static int descriptors(void) {
    DIR *list = opendir("/proc/self/fd");
    int count = 0;
    CHECK(list != NULL);
    while (readdir(list) != NULL)
        count++;
    CHECK(closedir(list) == 0);
    return count;
}

int main(int argc, char **argv) {
    int before = descriptors();
    pthread_t threads[THREADS];
    char name[40];
    size_t at;
    for (at = 0; at < HANDLES; at++)
        handles[at] = CreateEventA(NULL, TRUE, FALSE, NULL);
    for (at = 0; at < THREADS; at++)
        CHECK(pthread_create(&threads[at], NULL, run, (void *)at) == 0);
    Sleep(argc > 1 ? (DWORD)atoi(argv[1]) : 3000);
    stop = 1;
    for (at = 0; at < THREADS; at++)
        CHECK(pthread_join(threads[at], NULL) == 0);
    for (at = 0; at < HANDLES; at++)
        CloseHandle(handles[at]);
    for (at = 0; at < HANDLES; at++) {
        sprintf(name, SLOT("race%u"), (unsigned int)at);
        CHECK(CloseHandle(make(name, 0, 0)));
    }
    CHECK_EQ(descriptors(), before);
    return 0;
}
