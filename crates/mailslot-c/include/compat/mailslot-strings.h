/* mailslot-strings.h - strings as Microsoft's C library has them, on Linux. Part of windows.h.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#include "windows.h"

#ifndef MAILSLOT_COMPAT_STRINGS_H
#define MAILSLOT_COMPAT_STRINGS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Copies that know the room. Where the text doesn't fit, the target is empty and the answer an
 * errno, as with Microsoft's when its handler returns. */

typedef int errno_t;

#define MAILSLOT_COPY(name, type, from_end)                          \
    MAILSLOT_STATIC errno_t name(type *to, size_t room, const type *from) { \
        size_t at = 0, start = 0;                                    \
        if (to == NULL || room == 0)                                 \
            return 22;                                               \
        while (from_end && start < room && to[start] != 0)           \
            start++;                                                 \
        while (from != NULL && start + at < room) {                  \
            to[start + at] = from[at];                               \
            if (from[at++] == 0)                                     \
                return 0;                                            \
        }                                                            \
        to[0] = 0;                                                   \
        return from == NULL ? 22 : 34;                               \
    }

MAILSLOT_COPY(mailslot_strcpy_s, char, 0)
MAILSLOT_COPY(mailslot_strcat_s, char, 1)
MAILSLOT_COPY(mailslot_wcscpy_s, wchar_t, 0)
MAILSLOT_COPY(mailslot_wcscat_s, wchar_t, 1)

/* At most so many; _TRUNCATE, the largest number, stands for as many as fit. */
#define MAILSLOT_COPY_MOST(name, type, from_end)                                               \
    MAILSLOT_STATIC errno_t name(type *to, size_t room, const type *from, size_t most) {       \
        size_t at = 0, start = 0;                                                              \
        if (to == NULL || room == 0)                                                           \
            return 22;                                                                         \
        while (from_end && start < room && to[start] != 0)                                     \
            start++;                                                                           \
        while (from != NULL && start + at < room && at < most && from[at] != 0) {              \
            to[start + at] = from[at];                                                         \
            at++;                                                                              \
        }                                                                                      \
        if (from != NULL && start + at < room) {                                               \
            to[start + at] = 0;                                                                \
            return 0;                                                                          \
        }                                                                                      \
        to[from != NULL && most == (size_t)-1 ? room - 1 : 0] = 0;                             \
        return from == NULL ? 22 : most == (size_t)-1 ? 80 : 34;                               \
    }

MAILSLOT_COPY_MOST(mailslot_strncpy_s, char, 0)
MAILSLOT_COPY_MOST(mailslot_strncat_s, char, 1)
MAILSLOT_COPY_MOST(mailslot_wcsncpy_s, wchar_t, 0)
MAILSLOT_COPY_MOST(mailslot_wcsncat_s, wchar_t, 1)

MAILSLOT_STATIC errno_t memcpy_s(void *to, size_t room, const void *from, size_t size) {
    if (size > 0 && (to == NULL || from == NULL || size > room))
        return 22;
    if (size > 0)
        memcpy(to, from, size);
    return 0;
}

MAILSLOT_STATIC errno_t fopen_s(FILE **file, const char *name, const char *mode) {
    *file = fopen(name, mode);
    return *file != NULL ? 0 : 2;
}

MAILSLOT_STATIC int _strnicmp(const char *a, const char *b, size_t most) {
    for (; most > 0; most--, a++, b++) {
        int x = tolower((unsigned char)*a), y = tolower((unsigned char)*b);
        if (x != y || x == 0)
            return x - y;
    }
    return 0;
}

MAILSLOT_STATIC char *mailslot_strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = (char *)malloc(size);
    return copy != NULL ? (char *)memcpy(copy, text, size) : NULL;
}

#define _TRUNCATE ((size_t)-1)
#define _stricmp lstrcmpiA
#define stricmp lstrcmpiA
#define _wcsicmp lstrcmpiW
#define strnicmp _strnicmp
#define _strdup mailslot_strdup

/* Upper and lower case of ASCII, in place; backwards; the next part between delimiters. */
#define MAILSLOT_IN_PLACE(type, upper, lower, reverse, token, length)                          \
    MAILSLOT_STATIC type *upper(type *text) {                                                  \
        size_t at;                                                                             \
        for (at = 0; text != NULL && text[at] != 0; at++)                                      \
            if (text[at] >= 'a' && text[at] <= 'z')                                            \
                text[at] = (type)(text[at] - 'a' + 'A');                                       \
        return text;                                                                           \
    }                                                                                          \
    MAILSLOT_STATIC type *lower(type *text) {                                                  \
        size_t at;                                                                             \
        for (at = 0; text != NULL && text[at] != 0; at++)                                      \
            if (text[at] >= 'A' && text[at] <= 'Z')                                            \
                text[at] = (type)(text[at] - 'A' + 'a');                                       \
        return text;                                                                           \
    }                                                                                          \
    MAILSLOT_STATIC type *reverse(type *text) {                                                \
        size_t begin = 0, end = (size_t)length(text);                                          \
        for (; begin + 1 < end; begin++, end--) {                                              \
            type kept = text[begin];                                                           \
            text[begin] = text[end - 1];                                                       \
            text[end - 1] = kept;                                                              \
        }                                                                                      \
        return text;                                                                           \
    }                                                                                          \
    MAILSLOT_STATIC int token##_is(type one, const type *set) {                                \
        while (*set != 0 && *set != one)                                                       \
            set++;                                                                             \
        return *set != 0;                                                                      \
    }                                                                                          \
    MAILSLOT_STATIC type *token(type *text, const type *delimiters, type **rest) {             \
        type *found = text != NULL ? text : *rest;                                             \
        while (found != NULL && *found != 0 && token##_is(*found, delimiters))                 \
            found++;                                                                           \
        if (found == NULL || *found == 0) {                                                    \
            *rest = found;                                                                     \
            return NULL;                                                                       \
        }                                                                                      \
        for (*rest = found; **rest != 0; (*rest)++)                                            \
            if (token##_is(**rest, delimiters)) {                                              \
                *(*rest)++ = 0;                                                                \
                break;                                                                         \
            }                                                                                  \
        return found;                                                                          \
    }

MAILSLOT_IN_PLACE(char, _strupr, _strlwr, _strrev, mailslot_strtok_s, lstrlenA)
MAILSLOT_IN_PLACE(wchar_t, _wcsupr, _wcslwr, _wcsrev, mailslot_wcstok_s, lstrlenW)

/* As Microsoft's has it, and others had it: with the rest in a place of its own. */
MAILSLOT_STATIC wchar_t *mailslot_wcstok(wchar_t *text, const wchar_t *delimiters) {
    static wchar_t *rest;
    return mailslot_wcstok_s(text, delimiters, &rest);
}

MAILSLOT_STATIC size_t mailslot_strnlen(const char *text, size_t most) {
    size_t length = 0;
    while (length < most && text[length] != 0)
        length++;
    return length;
}

MAILSLOT_STATIC size_t mailslot_wcsnlen(const wchar_t *text, size_t most) {
    size_t length = 0;
    while (length < most && text[length] != 0)
        length++;
    return length;
}

/* Digits. */
#define MAILSLOT_DIGITS(name, type)                                                            \
    MAILSLOT_STATIC type *name(ULONGLONG value, int negative, type *to, int radix) {           \
        char digits[66];                                                                       \
        char *digit = digits + sizeof(digits);                                                 \
        type *next = to;                                                                       \
        *--digit = 0;                                                                          \
        do {                                                                                   \
            *--digit = "0123456789abcdefghijklmnopqrstuvwxyz"[value % (unsigned int)radix];    \
            value /= (unsigned int)radix;                                                      \
        } while (value != 0);                                                                  \
        if (negative)                                                                          \
            *--digit = '-';                                                                    \
        while ((*next++ = (type)*digit++) != 0)                                                \
            ;                                                                                  \
        return to;                                                                             \
    }

MAILSLOT_DIGITS(mailslot_digits_a, char)
MAILSLOT_DIGITS(mailslot_digits_w, wchar_t)

/* Only in base 10 is there a minus sign. */
#define MAILSLOT_SIGNED(name, digits, type, from, same)                                        \
    MAILSLOT_STATIC type *name(from value, type *to, int radix) {                              \
        int negative = radix == 10 && value < 0;                                               \
        return digits(negative ? 0 - (ULONGLONG)value : (same)value, negative, to, radix);     \
    }

MAILSLOT_SIGNED(_itoa, mailslot_digits_a, char, int, unsigned int)
MAILSLOT_SIGNED(_itow, mailslot_digits_w, wchar_t, int, unsigned int)
MAILSLOT_SIGNED(_i64toa, mailslot_digits_a, char, LONGLONG, ULONGLONG)
MAILSLOT_SIGNED(_i64tow, mailslot_digits_w, wchar_t, LONGLONG, ULONGLONG)

#define _ltoa(value, to, radix) _itoa((int)(value), (to), (radix))
#define _ltow(value, to, radix) _itow((int)(value), (to), (radix))
#define _ultoa(value, to, radix) mailslot_digits_a((DWORD)(value), 0, (to), (radix))
#define _ultow(value, to, radix) mailslot_digits_w((DWORD)(value), 0, (to), (radix))
#define _ui64toa(value, to, radix) mailslot_digits_a((value), 0, (to), (radix))

MAILSLOT_STATIC errno_t _itoa_s(int value, char *to, size_t room, int radix) {
    char digits[66];
    return mailslot_strcpy_s(to, room, _itoa(value, digits, radix));
}

MAILSLOT_STATIC errno_t _itow_s(int value, wchar_t *to, size_t room, int radix) {
    wchar_t digits[66];
    return mailslot_wcscpy_s(to, room, _itow(value, digits, radix));
}

/* C89 hides it. */
LONGLONG mailslot_strtoll(const char *text, char **end, int base) __asm__("strtoll");

MAILSLOT_STATIC LONGLONG _atoi64(const char *text) {
    return mailslot_strtoll(text, NULL, 10);
}

#define _ltoa_s(value, to, room, radix) _itoa_s((int)(value), (to), (room), (radix))
#define itoa _itoa
#define ltoa _ltoa
#define strupr _strupr
#define strlwr _strlwr
#define strrev _strrev
#define wcsupr _wcsupr
#define wcslwr _wcslwr
#define strcmpi lstrcmpiA
#define _strcmpi lstrcmpiA
#define strtok_s mailslot_strtok_s
#define wcstok_s mailslot_wcstok_s
#define strnlen_s mailslot_strnlen
#define wcsnlen_s mailslot_wcsnlen

MAILSLOT_STATIC errno_t _strupr_s(char *text, size_t room) {
    (void)room;
    return _strupr(text) == NULL ? 22 : 0;
}

MAILSLOT_STATIC errno_t _strlwr_s(char *text, size_t room) {
    (void)room;
    return _strlwr(text) == NULL ? 22 : 0;
}

MAILSLOT_STATIC char *mailslot_gets(char *to) {
    return gets_s(to, 0x7fffffff);
}

/* It has gone from C, and is in many a program still. */
#undef gets
#define gets mailslot_gets

#ifdef __cplusplus
}
#endif

#endif
