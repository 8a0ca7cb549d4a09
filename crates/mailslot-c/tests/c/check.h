/* What all test programs share. A failed check says where, and ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <mailslot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOT(name) "\\\\.\\mailslot\\" name
#define UNTOUCHED 0xDEADU

static void fail(const char *file, int line, const char *what, DWORD a, DWORD b) {
    fprintf(stderr, "%s:%d: failed: %s (%u, %u; last error %u)\n", file, line, what, a, b,
            GetLastError());
    exit(1);
}

#define CHECK(condition)                                     \
    do {                                                     \
        if (!(condition))                                    \
            fail(__FILE__, __LINE__, #condition, 0, 0);      \
    } while (0)

#define CHECK_EQ(a, b)                                                     \
    do {                                                                   \
        DWORD left = (DWORD)(a), right = (DWORD)(b);                       \
        if (left != right)                                                 \
            fail(__FILE__, __LINE__, #a " == " #b, left, right);           \
    } while (0)

/* The call fails, with this error. */
#define CHECK_FAILS(call, error)                                           \
    do {                                                                   \
        DWORD found;                                                       \
        SetLastError(UNTOUCHED);                                           \
        if (call)                                                          \
            fail(__FILE__, __LINE__, "no error: " #call, 0, error);        \
        found = GetLastError();                                            \
        if (found != (error))                                              \
            fail(__FILE__, __LINE__, "another error: " #call, found, error); \
    } while (0)

/* The call succeeds, and leaves the last error alone. */
#define CHECK_WORKS(call)                                                  \
    do {                                                                   \
        SetLastError(UNTOUCHED);                                           \
        if (!(call))                                                       \
            fail(__FILE__, __LINE__, #call, 0, 0);                         \
        CHECK_EQ(GetLastError(), UNTOUCHED);                               \
    } while (0)

#define IS_HANDLE(handle) ((handle) != INVALID_HANDLE_VALUE && (handle) != NULL)

/* Waits until the condition holds. A program that waits for ever is ended by who started it. */
#define WAIT_UNTIL(condition) \
    while (!(condition))      \
    Sleep(1)

static __attribute__((unused)) HANDLE make(const char *name, DWORD max, DWORD timeout) {
    HANDLE slot = CreateMailslotA(name, max, timeout, NULL);
    CHECK(IS_HANDLE(slot));
    return slot;
}

static __attribute__((unused)) HANDLE dial(const char *name) {
    HANDLE file = CreateFileA(name, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                              OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    CHECK(IS_HANDLE(file));
    return file;
}

static __attribute__((unused)) void put(HANDLE file, const char *text) {
    DWORD written = UNTOUCHED, size = (DWORD)strlen(text);
    CHECK_WORKS(WriteFile(file, text, size, &written, NULL));
    CHECK_EQ(written, size);
}

/* The next record is this text. */
static __attribute__((unused)) void expect(HANDLE slot, const char *text) {
    char buffer[256];
    DWORD read = UNTOUCHED, size = (DWORD)strlen(text);
    CHECK_WORKS(ReadFile(slot, buffer, sizeof(buffer), &read, NULL));
    CHECK_EQ(read, size);
    CHECK(memcmp(buffer, text, size) == 0);
}

static __attribute__((unused)) DWORD waiting(HANDLE slot) {
    DWORD count = UNTOUCHED;
    CHECK(GetMailslotInfo(slot, NULL, NULL, &count, NULL));
    return count;
}

static __attribute__((unused)) DWORD next_size(HANDLE slot) {
    DWORD next = UNTOUCHED;
    CHECK(GetMailslotInfo(slot, NULL, &next, NULL, NULL));
    return next;
}

#endif
