/* The last error, its texts, and memory. */
#include "check.h"
#include <pthread.h>

static void *other_thread(void *nothing) {
    CHECK_EQ(GetLastError(), 0);
    SetLastError(5);
    CHECK_EQ(GetLastError(), 5);
    return nothing;
}

static void texts(void) {
    char text[300], *allocated = NULL;
    DWORD length;
    const DWORD system = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS;
    const DWORD language = MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT);
    DWORD_PTR inserts[3];

    CHECK_WORKS((length = FormatMessageA(system, NULL, 2, language, text, sizeof(text), NULL)) > 0);
    CHECK(strcmp(text, "The system cannot find the file specified.\r\n") == 0);
    CHECK_EQ(length, strlen(text));
    CHECK(FormatMessageA(system | FORMAT_MESSAGE_MAX_WIDTH_MASK, NULL, 5, 0, text, sizeof(text),
                         NULL));
    CHECK(strcmp(text, "Access is denied. ") == 0);
    length = FormatMessageA(system | FORMAT_MESSAGE_ALLOCATE_BUFFER, NULL, 121, language,
                            (LPSTR)&allocated, 0, NULL);
    CHECK(allocated != NULL && length == strlen(allocated) && strstr(allocated, "semaphore"));
    CHECK(GlobalSize(allocated) > length);
    CHECK_WORKS(LocalFree(allocated) == NULL);
    CHECK_FAILS(LocalFree(allocated) == NULL, ERROR_INVALID_HANDLE);

    CHECK_FAILS(FormatMessageA(system, NULL, 54321, 0, text, sizeof(text), NULL),
                ERROR_MR_MID_NOT_FOUND);
    CHECK_FAILS(FormatMessageA(system, NULL, 2, 0, text, 10, NULL), ERROR_INSUFFICIENT_BUFFER);
    CHECK_FAILS(FormatMessageA(system, NULL, 2, 0, NULL, 10, NULL), ERROR_INVALID_PARAMETER);
    CHECK_FAILS(FormatMessageA(0, NULL, 2, 0, text, sizeof(text), NULL), ERROR_INVALID_PARAMETER);

    inserts[0] = (DWORD_PTR) "record";
    inserts[1] = 42;
    inserts[2] = (DWORD_PTR) "slot";
    CHECK(FormatMessageA(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ARGUMENT_ARRAY,
                         "%1 %2!u! of %3: 100%%%n%0never", 0, 0, text, sizeof(text), inserts));
    CHECK(strcmp(text, "record 42 of slot: 100%\r\n") == 0);
    CHECK(FormatMessageA(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_IGNORE_INSERTS, "as %1 is", 0,
                         0, text, sizeof(text), NULL));
    CHECK(strcmp(text, "as %1 is") == 0);
    CHECK_FAILS(FormatMessageA(FORMAT_MESSAGE_FROM_STRING, NULL, 0, 0, text, sizeof(text), NULL),
                ERROR_INVALID_PARAMETER);
}

/* The whole story, which Windows doesn't tell. */
static void at_length(void) {
    char text[400];
    DWORD length;
    CHECK(CreateFileA(SLOT("nobody"), GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL) ==
          INVALID_HANDLE_VALUE);
    length = MailslotLastErrorText(text, sizeof(text));
    CHECK_EQ(length, strlen(text));
    CHECK(strstr(text, SLOT("nobody")) != NULL);
    CHECK_EQ(MailslotLastErrorText(text, 5), length);
    CHECK_EQ(strlen(text), 4);
    CHECK_EQ(MailslotLastErrorText(NULL, 0), length);
    /* It belongs to that number only. */
    SetLastError(ERROR_ACCESS_DENIED);
    CHECK(MailslotLastErrorText(text, sizeof(text)) > 0);
    CHECK(strcmp(text, "Access is denied.") == 0);
    SetLastError(54321);
    CHECK(MailslotLastErrorText(text, sizeof(text)) > 0);
    CHECK(strstr(text, "54321") != NULL);
}

static void memory(void) {
    unsigned char *bytes;
    int at;
    CHECK_WORKS((bytes = (unsigned char *)GlobalAlloc(GPTR, 100)) != NULL);
    for (at = 0; at < 100; at++)
        CHECK_EQ(bytes[at], 0);
    CHECK_EQ(GlobalSize(bytes), 100);
    CHECK(GlobalLock(bytes) == bytes && GlobalUnlock(bytes));
    bytes[99] = 7;
    bytes = (unsigned char *)GlobalReAlloc(bytes, 10000, GMEM_ZEROINIT);
    CHECK(bytes != NULL && bytes[99] == 7 && bytes[100] == 0 && bytes[9999] == 0);
    CHECK_WORKS(GlobalFree(bytes) == NULL);
    CHECK_FAILS(GlobalFree(bytes) == NULL, ERROR_INVALID_HANDLE);
    CHECK((bytes = (unsigned char *)LocalAlloc(LMEM_FIXED, 0)) != NULL);
    CHECK_EQ(LocalSize(bytes), 0);
    CHECK(LocalFree(bytes) == NULL);
    CHECK_FAILS(GlobalAlloc(GMEM_FIXED, (size_t)-1 / 2) != NULL, ERROR_NOT_ENOUGH_MEMORY);
}

int main(void) {
    pthread_t thread;
    SetLastError(77);
    CHECK(pthread_create(&thread, NULL, other_thread, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_EQ(GetLastError(), 77);
    CHECK(strcmp(MailslotVersion(), MAILSLOT_VERSION) == 0);
    texts();
    at_length();
    memory();
    return 0;
}
