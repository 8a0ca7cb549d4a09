/* Threads and what they need: windows.h beyond mailslots. */
#include "check.h"
#include <process.h>
#include <windows.h>

static CRITICAL_SECTION section;
static LONG counter, interlocked;

static DWORD WINAPI count(LPVOID rounds) {
    int at;
    for (at = 0; at < (int)(size_t)rounds; at++) {
        EnterCriticalSection(&section);
        EnterCriticalSection(&section);
        counter++;
        LeaveCriticalSection(&section);
        LeaveCriticalSection(&section);
        InterlockedIncrement(&interlocked);
    }
    return 7;
}

static DWORD WINAPI leave(LPVOID code) {
    ExitThread((DWORD)(size_t)code);
}

static DWORD WINAPI wait_for(LPVOID event) {
    return WaitForSingleObject((HANDLE)event, INFINITE);
}

static unsigned int __stdcall begin_ex(void *argument) {
    *(volatile int *)argument = 1;
    return 3;
}

static void __cdecl begin(void *argument) {
    *(volatile int *)argument = 2;
}

static void threads(void) {
    HANDLE all[4], event;
    DWORD ids[4], code = UNTOUCHED, at;
    volatile int seen = 0;
    InitializeCriticalSection(&section);
    for (at = 0; at < 4; at++) {
        all[at] = CreateThread(NULL, 0, count, (LPVOID)2000, 0, &ids[at]);
        CHECK(all[at] != NULL);
        CHECK_EQ(GetThreadId(all[at]), ids[at]);
        CHECK(at == 0 || ids[at] != ids[at - 1]);
        CHECK(ids[at] != GetCurrentThreadId());
    }
    CHECK_EQ(WaitForMultipleObjects(4, all, TRUE, INFINITE), WAIT_OBJECT_0);
    CHECK_EQ(counter, 8000);
    CHECK_EQ(interlocked, 8000);
    for (at = 0; at < 4; at++) {
        CHECK_WORKS(GetExitCodeThread(all[at], &code));
        CHECK_EQ(code, 7);
        CHECK_EQ(WaitForSingleObject(all[at], 0), WAIT_OBJECT_0);
        CHECK(CloseHandle(all[at]));
    }
    CHECK(TryEnterCriticalSection(&section));
    LeaveCriticalSection(&section);
    DeleteCriticalSection(&section);

    all[0] = CreateThread(NULL, 0, leave, (LPVOID)42, 0, NULL);
    CHECK_EQ(WaitForSingleObject(all[0], INFINITE), WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(all[0], &code));
    CHECK_EQ(code, 42);
    CHECK(CloseHandle(all[0]));

    event = CreateEventA(NULL, TRUE, FALSE, NULL);
    all[0] = CreateThread(NULL, 64 * 1024, wait_for, event, CREATE_SUSPENDED, NULL);
    CHECK_EQ(WaitForSingleObject(all[0], 10), WAIT_TIMEOUT);
    CHECK(GetExitCodeThread(all[0], &code));
    CHECK_EQ(code, STILL_ACTIVE);
    CHECK_EQ(ResumeThread(all[0]), 1);
    CHECK_EQ(ResumeThread(all[0]), 0);
    CHECK(SetEvent(event));
    CHECK_EQ(WaitForSingleObject(all[0], INFINITE), WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(all[0], &code));
    CHECK_EQ(code, WAIT_OBJECT_0);
    CHECK(CloseHandle(all[0]));
    /* A thread that nobody waits for. */
    all[0] = CreateThread(NULL, 0, wait_for, event, 0, NULL);
    CHECK(CloseHandle(all[0]));

    all[0] = (HANDLE)_beginthreadex(NULL, 0, begin_ex, (void *)&seen, 0, NULL);
    CHECK_EQ(WaitForSingleObject(all[0], INFINITE), WAIT_OBJECT_0);
    CHECK_EQ(seen, 1);
    CHECK(CloseHandle(all[0]));
    CHECK(_beginthread(begin, 0, (void *)&seen) != (UINT_PTR)-1);
    WAIT_UNTIL(seen == 2);

    CHECK_FAILS(CreateThread(NULL, 0, NULL, NULL, 0, NULL) != NULL, ERROR_INVALID_PARAMETER);
    CHECK_FAILS(GetExitCodeThread(event, &code), ERROR_INVALID_HANDLE);
    CHECK(GetExitCodeThread(GetCurrentThread(), &code));
    CHECK_EQ(code, STILL_ACTIVE);
    CHECK_EQ(WaitForSingleObject(GetCurrentThread(), 0), WAIT_TIMEOUT);
    CHECK_WORKS(CloseHandle(GetCurrentThread()));
    CHECK(CloseHandle(event));
}

static DWORD WINAPI take_and_end(LPVOID mutex) {
    return WaitForSingleObject((HANDLE)mutex, INFINITE);
}

static DWORD WINAPI try_to_take(LPVOID mutex) {
    DWORD answer = WaitForSingleObject((HANDLE)mutex, 20);
    CHECK_FAILS(ReleaseMutex((HANDLE)mutex), ERROR_NOT_OWNER);
    return answer;
}

static DWORD in_thread(LPTHREAD_START_ROUTINE routine, LPVOID argument) {
    HANDLE thread = CreateThread(NULL, 0, routine, argument, 0, NULL);
    DWORD code;
    CHECK_EQ(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(thread, &code) && CloseHandle(thread));
    return code;
}

static void mutexes(void) {
    HANDLE mutex = CreateMutexA(NULL, TRUE, "a mutex"), again, both[2];
    CHECK(IS_HANDLE(mutex));
    CHECK_EQ(in_thread(try_to_take, mutex), WAIT_TIMEOUT);
    /* Its owner can take it again, and must give it back as often. */
    CHECK_EQ(WaitForSingleObject(mutex, 0), WAIT_OBJECT_0);
    CHECK_WORKS(ReleaseMutex(mutex));
    CHECK_EQ(in_thread(try_to_take, mutex), WAIT_TIMEOUT);
    CHECK_WORKS(ReleaseMutex(mutex));
    CHECK_FAILS(ReleaseMutex(mutex), ERROR_NOT_OWNER);
    /* A thread ended without giving it back. */
    CHECK_EQ(in_thread(take_and_end, mutex), WAIT_OBJECT_0);
    both[0] = CreateEventA(NULL, TRUE, FALSE, NULL);
    both[1] = mutex;
    CHECK_EQ(WaitForMultipleObjects(2, both, FALSE, INFINITE), WAIT_ABANDONED_0 + 1);
    CHECK_EQ(WaitForSingleObject(mutex, 0), WAIT_OBJECT_0);
    CHECK_WORKS(ReleaseMutex(mutex) && ReleaseMutex(mutex));

    SetLastError(0);
    again = CreateMutexA(NULL, TRUE, "a mutex");
    CHECK_EQ(GetLastError(), ERROR_ALREADY_EXISTS);
    /* It is not owned by that. */
    CHECK_FAILS(ReleaseMutex(again), ERROR_NOT_OWNER);
    CHECK_FAILS(CreateEventA(NULL, TRUE, FALSE, "a mutex") != NULL, ERROR_INVALID_HANDLE);
    CHECK_FAILS(SetEvent(mutex), ERROR_INVALID_HANDLE);
    CHECK_FAILS(ReleaseMutex(both[0]), ERROR_INVALID_HANDLE);
    CHECK(CloseHandle(again));
    CHECK(CloseHandle(both[0]));
    CHECK(CloseHandle(mutex));
}

static void semaphores(void) {
    HANDLE semaphore = CreateSemaphoreA(NULL, 2, 3, NULL);
    LONG before = -1;
    CHECK(IS_HANDLE(semaphore));
    CHECK_EQ(WaitForSingleObject(semaphore, 0), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject(semaphore, 0), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject(semaphore, 5), WAIT_TIMEOUT);
    CHECK_WORKS(ReleaseSemaphore(semaphore, 2, &before));
    CHECK_EQ(before, 0);
    CHECK_FAILS(ReleaseSemaphore(semaphore, 2, &before), ERROR_TOO_MANY_POSTS);
    CHECK_WORKS(ReleaseSemaphore(semaphore, 1, NULL));
    CHECK_FAILS(ReleaseSemaphore(semaphore, 0, NULL), ERROR_INVALID_PARAMETER);
    CHECK_EQ(WaitForSingleObject(semaphore, 0), WAIT_OBJECT_0);
    CHECK_FAILS(CreateSemaphoreA(NULL, 2, 1, NULL) != NULL, ERROR_INVALID_PARAMETER);
    CHECK_FAILS(CreateSemaphoreA(NULL, 0, 0, NULL) != NULL, ERROR_INVALID_PARAMETER);
    CHECK_FAILS(ReleaseSemaphore(INVALID_HANDLE_VALUE, 1, NULL), ERROR_INVALID_HANDLE);
    CHECK(CloseHandle(semaphore));
}

static void clocks(void) {
    LARGE_INTEGER before, after, frequency;
    SYSTEMTIME time;
    FILETIME file_time;
    DWORD start = GetTickCount();
    ULONGLONG start64 = GetTickCount64();
    CHECK(QueryPerformanceFrequency(&frequency) && frequency.QuadPart > 0);
    CHECK(QueryPerformanceCounter(&before));
    Sleep(15);
    CHECK(QueryPerformanceCounter(&after));
    CHECK((after.QuadPart - before.QuadPart) * 1000 / frequency.QuadPart >= 14);
    CHECK(GetTickCount() - start >= 14);
    CHECK(GetTickCount64() - start64 >= 14);
    GetLocalTime(&time);
    CHECK(time.wYear >= 2025 && time.wMonth >= 1 && time.wMonth <= 12 && time.wDayOfWeek < 7);
    GetSystemTime(&time);
    CHECK(time.wHour < 24 && time.wMilliseconds < 1000);
    GetSystemTimeAsFileTime(&file_time);
    CHECK(file_time.dwHighDateTime > 0x01D00000U);
    Sleep(0);
    {
        /* The 29th of February 2024, a Thursday. */
        SYSTEMTIME day = {2024, 2, 0, 29, 12, 34, 56, 789};
        CHECK_WORKS(SystemTimeToFileTime(&day, &file_time));
        CHECK_WORKS(FileTimeToSystemTime(&file_time, &time));
        CHECK(time.wDayOfWeek == 4 && time.wDay == 29 && time.wMonth == 2 && time.wYear == 2024);
        CHECK(time.wHour == 12 && time.wMinute == 34 && time.wMilliseconds == 789);
        day.wMonth = 6;
        day.wDay = 31;
        CHECK_FAILS(SystemTimeToFileTime(&day, &file_time), ERROR_INVALID_PARAMETER);
        CHECK_WORKS(FileTimeToLocalFileTime(&file_time, &file_time));
    }
}

static void names(void) {
    char text[256];
    DWORD size = sizeof(text), full;
    CHECK_WORKS(GetComputerNameA(text, &size));
    CHECK_EQ(size, strlen(text));
    CHECK(size > 0);
    full = size;
    size = 1;
    CHECK_FAILS(GetComputerNameA(text, &size), ERROR_BUFFER_OVERFLOW);
    CHECK_EQ(size, full + 1);
    size = sizeof(text);
    CHECK_WORKS(GetUserNameA(text, &size));
    CHECK_EQ(size, strlen(text) + 1);
    CHECK_EQ(GetCurrentProcessId(), (DWORD)_getpid());
}

int main(void) {
    threads();
    mutexes();
    semaphores();
    clocks();
    names();
    return 0;
}
