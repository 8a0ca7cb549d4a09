/* mailslot-crt.h - the C library that Microsoft's compilers come with, as far as console programs
 * use it beyond the standard: its printf, its _s functions, wide text on the terminal, wmain.
 *
 * Wide text goes to the terminal as UTF-8, and through the same stream as printf's.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef MAILSLOT_COMPAT_CRT_H
#define MAILSLOT_COMPAT_CRT_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "windows.h"

#ifdef __cplusplus
extern "C" {
#endif

/* printf. The library reads the format and tells which arguments to fetch. */

typedef union mailslot_argument {
    LONGLONG integer;
    double real;
    const void *pointer;
} mailslot_argument;

#define MAILSLOT_ARGUMENTS 64

int MailslotScanA(const char *format, unsigned char *kinds, int room)
    MAILSLOT_SYMBOL(MailslotScanA);
int MailslotScanW(const wchar_t *format, unsigned char *kinds, int room)
    MAILSLOT_SYMBOL_WIDE(MailslotScanW);
int MailslotFormatA(char *to, size_t room, const char *format, const mailslot_argument *arguments,
                    int count) MAILSLOT_SYMBOL_WIDE(MailslotFormatA);
int MailslotFormatW(wchar_t *to, size_t room, const wchar_t *format,
                    const mailslot_argument *arguments, int count)
    MAILSLOT_SYMBOL_WIDE(MailslotFormatW);
int MailslotPrintA(FILE *file, const char *format, const mailslot_argument *arguments, int count)
    MAILSLOT_SYMBOL_WIDE(MailslotPrintA);
int MailslotPrintW(FILE *file, const wchar_t *format, const mailslot_argument *arguments,
                   int count) MAILSLOT_SYMBOL_WIDE(MailslotPrintW);

/* A macro, because a va_list can't be passed on and used again in the same way everywhere. */
#define MAILSLOT_FETCH(ap, kinds, arguments, count)                                                \
    do {                                                                                           \
        int fetched;                                                                               \
        for (fetched = 0; fetched < (count); fetched++) {                                          \
            switch ((kinds)[fetched]) {                                                            \
            case 'l':                                                                              \
                (arguments)[fetched].integer = va_arg(ap, long);                                   \
                break;                                                                             \
            case 'q':                                                                              \
                (arguments)[fetched].integer = va_arg(ap, LONGLONG);                               \
                break;                                                                             \
            case 'z':                                                                              \
                (arguments)[fetched].integer = (LONGLONG)va_arg(ap, size_t);                       \
                break;                                                                             \
            case 'd':                                                                              \
                (arguments)[fetched].real = va_arg(ap, double);                                    \
                break;                                                                             \
            case 'D':                                                                              \
                (arguments)[fetched].real = (double)va_arg(ap, long double);                       \
                break;                                                                             \
            case 'p':                                                                              \
                (arguments)[fetched].pointer = va_arg(ap, void *);                                 \
                break;                                                                             \
            default:                                                                               \
                (arguments)[fetched].integer = va_arg(ap, int);                                    \
            }                                                                                      \
        }                                                                                          \
    } while (0)

MAILSLOT_STATIC int mailslot_vformat_a(char *to, size_t room, const char *format, va_list ap) {
    unsigned char kinds[MAILSLOT_ARGUMENTS];
    mailslot_argument arguments[MAILSLOT_ARGUMENTS];
    int count = MailslotScanA(format, kinds, MAILSLOT_ARGUMENTS);
    MAILSLOT_FETCH(ap, kinds, arguments, count);
    return MailslotFormatA(to, room, format, arguments, count);
}

MAILSLOT_STATIC int mailslot_vformat_w(wchar_t *to, size_t room, const wchar_t *format,
                                       va_list ap) {
    unsigned char kinds[MAILSLOT_ARGUMENTS];
    mailslot_argument arguments[MAILSLOT_ARGUMENTS];
    int count = MailslotScanW(format, kinds, MAILSLOT_ARGUMENTS);
    MAILSLOT_FETCH(ap, kinds, arguments, count);
    return MailslotFormatW(to, room, format, arguments, count);
}

MAILSLOT_STATIC int mailslot_vfprint_a(FILE *file, const char *format, va_list ap) {
    unsigned char kinds[MAILSLOT_ARGUMENTS];
    mailslot_argument arguments[MAILSLOT_ARGUMENTS];
    int count = MailslotScanA(format, kinds, MAILSLOT_ARGUMENTS);
    MAILSLOT_FETCH(ap, kinds, arguments, count);
    return MailslotPrintA(file, format, arguments, count);
}

MAILSLOT_STATIC int mailslot_vfprint_w(FILE *file, const wchar_t *format, va_list ap) {
    unsigned char kinds[MAILSLOT_ARGUMENTS];
    mailslot_argument arguments[MAILSLOT_ARGUMENTS];
    int count = MailslotScanW(format, kinds, MAILSLOT_ARGUMENTS);
    MAILSLOT_FETCH(ap, kinds, arguments, count);
    return MailslotPrintW(file, format, arguments, count);
}

/* The result of a format that had to fit: -1 if it didn't. */
#define MAILSLOT_FITTING(length, room) \
    ((length) >= 0 && (size_t)(length) < (size_t)(room) ? (length) : -1)

#define MAILSLOT_PASS(result, call, last) \
    do {                                  \
        va_list ap;                       \
        va_start(ap, last);               \
        result = call;                    \
        va_end(ap);                       \
    } while (0)

#define MAILSLOT_NO_LIMIT ((size_t)0x7fffffff)

MAILSLOT_STATIC int mailslot_print_a(const char *format, ...) {
    int length;
    MAILSLOT_PASS(length, mailslot_vfprint_a(stdout, format, ap), format);
    return length;
}

MAILSLOT_STATIC int mailslot_print_w(const wchar_t *format, ...) {
    int length;
    MAILSLOT_PASS(length, mailslot_vfprint_w(stdout, format, ap), format);
    return length;
}

MAILSLOT_STATIC int mailslot_fprint_a(FILE *file, const char *format, ...) {
    int length;
    MAILSLOT_PASS(length, mailslot_vfprint_a(file, format, ap), format);
    return length;
}

MAILSLOT_STATIC int mailslot_fprint_w(FILE *file, const wchar_t *format, ...) {
    int length;
    MAILSLOT_PASS(length, mailslot_vfprint_w(file, format, ap), format);
    return length;
}

MAILSLOT_STATIC int wsprintfA(LPSTR to, LPCSTR format, ...) {
    int length;
    MAILSLOT_PASS(length, mailslot_vformat_a(to, MAILSLOT_NO_LIMIT, format, ap), format);
    return length;
}

MAILSLOT_STATIC int wsprintfW(LPWSTR to, LPCWSTR format, ...) {
    int length;
    MAILSLOT_PASS(length, mailslot_vformat_w(to, MAILSLOT_NO_LIMIT, format, ap), format);
    return length;
}

MAILSLOT_STATIC int mailslot_snprint_a(char *to, size_t room, const char *format, ...) {
    int length;
    MAILSLOT_PASS(length, mailslot_vformat_a(to, room, format, ap), format);
    return MAILSLOT_FITTING(length, room);
}

MAILSLOT_STATIC int mailslot_snprint_w(wchar_t *to, size_t room, const wchar_t *format, ...) {
    int length;
    MAILSLOT_PASS(length, mailslot_vformat_w(to, room, format, ap), format);
    return MAILSLOT_FITTING(length, room);
}

#define wvsprintfA(to, format, ap) mailslot_vformat_a((to), MAILSLOT_NO_LIMIT, (format), (ap))
#define wvsprintfW(to, format, ap) mailslot_vformat_w((to), MAILSLOT_NO_LIMIT, (format), (ap))
#define sprintf_s mailslot_snprint_a
#define printf_s mailslot_print_a
#define fprintf_s mailslot_fprint_a
#define _snprintf mailslot_snprint_a
#define swprintf_s mailslot_snprint_w
#define _snwprintf mailslot_snprint_w
#define wprintf_s mailslot_print_w
#define fwprintf_s mailslot_fprint_w
/* Those of Linux would turn the stream to wide text for good, where printf then prints nothing. */
#undef wprintf
#undef fwprintf
#undef swprintf
#define wprintf mailslot_print_w
#define fwprintf mailslot_fprint_w
#define swprintf mailslot_snprint_w

/* What a program would show in a box is said on standard error. */

MAILSLOT_STATIC int MessageBoxA(HWND owner, LPCSTR text, LPCSTR title, UINT type) {
    (void)owner;
    (void)type;
    mailslot_fprint_a(stderr, "%s: %s\n", title != NULL ? title : "Error", text);
    return IDOK;
}

MAILSLOT_STATIC int MessageBoxW(HWND owner, LPCWSTR text, LPCWSTR title, UINT type) {
    (void)owner;
    (void)type;
    mailslot_fprint_a(stderr, "%ls: %ls\n", title != NULL ? title : L"Error", text);
    return IDOK;
}

/* Wide text to and from streams. */

MAILSLOT_STATIC int mailslot_fputws(const wchar_t *text, FILE *file) {
    mailslot_argument argument;
    static const wchar_t format[] = {'%', 'l', 's', 0};
    argument.pointer = text;
    return MailslotPrintW(file, format, &argument, 1);
}

MAILSLOT_STATIC int mailslot_putws(const wchar_t *text) {
    return mailslot_fputws(text, stdout) < 0 || fputc('\n', stdout) == EOF ? EOF : 0;
}

MAILSLOT_STATIC wchar_t *mailslot_fgetws(wchar_t *to, int room, FILE *file) {
    char *line = room > 0 ? (char *)malloc((size_t)room) : NULL;
    wchar_t *result = NULL;
    if (line != NULL && fgets(line, room, file) != NULL &&
        MultiByteToWideChar(CP_UTF8, 0, line, -1, to, room) > 0)
        result = to;
    free(line);
    return result;
}

MAILSLOT_STATIC char *gets_s(char *to, size_t room) {
    char *line = fgets(to, (int)room, stdin);
    if (line != NULL)
        line[strcspn(line, "\r\n")] = 0;
    return line;
}

MAILSLOT_STATIC wchar_t *_getws_s(wchar_t *to, size_t room) {
    wchar_t *line = mailslot_fgetws(to, (int)room, stdin);
    wchar_t *end;
    for (end = line; line != NULL && *end != 0 && *end != '\r' && *end != '\n'; end++)
        ;
    if (line != NULL)
        *end = 0;
    return line;
}

MAILSLOT_STATIC FILE *_wfopen(const wchar_t *name, const wchar_t *mode) {
    char name_a[4 * MAX_PATH], mode_a[16];
    if (WideCharToMultiByte(CP_UTF8, 0, name, -1, name_a, (int)sizeof(name_a), NULL, NULL) <= 0 ||
        WideCharToMultiByte(CP_UTF8, 0, mode, -1, mode_a, (int)sizeof(mode_a), NULL, NULL) <= 0)
        return NULL;
    return fopen(name_a, mode_a);
}

#undef fputws
#undef fgetws
#define fputws mailslot_fputws
#define fgetws mailslot_fgetws
#define _putws mailslot_putws

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

MAILSLOT_STATIC errno_t mailslot_strncpy_s(char *to, size_t room, const char *from, size_t most) {
    size_t length = 0;
    if (to == NULL || room == 0 || from == NULL)
        return 22;
    while (length < most && from[length] != 0)
        length++;
    if (length >= room) {
        /* _TRUNCATE is the largest number. */
        if (most != (size_t)-1) {
            to[0] = 0;
            return 34;
        }
        length = room - 1;
    }
    memcpy(to, from, length);
    to[length] = 0;
    return 0;
}

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
#define strtok_s strtok_r
#define scanf_s scanf
#define sscanf_s sscanf

MAILSLOT_STATIC char *_itoa(int value, char *to, int radix) {
    char digits[34];
    char *digit = digits + sizeof(digits);
    unsigned int rest = radix == 10 && value < 0 ? 0U - (unsigned int)value : (unsigned int)value;
    *--digit = 0;
    do {
        *--digit = "0123456789abcdefghijklmnopqrstuvwxyz"[rest % (unsigned int)radix];
        rest /= (unsigned int)radix;
    } while (rest != 0);
    if (radix == 10 && value < 0)
        *--digit = '-';
    return strcpy(to, digit);
}

#define itoa _itoa

/* With 16-bit wchar_t, the functions of Linux for wide text are of no use. */

#if defined(__SIZEOF_WCHAR_T__) && __SIZEOF_WCHAR_T__ == 2
MAILSLOT_STATIC size_t mailslot_wcslen(const wchar_t *text) {
    size_t length = 0;
    while (text[length] != 0)
        length++;
    return length;
}

MAILSLOT_STATIC wchar_t *mailslot_wcsncpy(wchar_t *to, const wchar_t *from, size_t room) {
    size_t at;
    for (at = 0; at < room; at++)
        to[at] = at > 0 && to[at - 1] == 0 ? 0 : from[at];
    return to;
}

MAILSLOT_STATIC int mailslot_wcsncmp(const wchar_t *a, const wchar_t *b, size_t most) {
    for (; most > 0; most--, a++, b++)
        if (*a != *b || *a == 0)
            return (int)*a - (int)*b;
    return 0;
}

MAILSLOT_STATIC wchar_t *mailslot_wcschr(const wchar_t *text, wchar_t what) {
    for (;; text++) {
        if (*text == what)
            return (wchar_t *)text;
        if (*text == 0)
            return NULL;
    }
}

MAILSLOT_STATIC wchar_t *mailslot_wcsrchr(const wchar_t *text, wchar_t what) {
    size_t at = mailslot_wcslen(text) + 1;
    while (at-- > 0)
        if (text[at] == what)
            return (wchar_t *)text + at;
    return NULL;
}

MAILSLOT_STATIC wchar_t *mailslot_wcsstr(const wchar_t *text, const wchar_t *what) {
    size_t length = mailslot_wcslen(what);
    for (;; text++) {
        if (mailslot_wcsncmp(text, what, length) == 0)
            return (wchar_t *)text;
        if (*text == 0)
            return NULL;
    }
}

#define wcslen mailslot_wcslen
#define wcscpy lstrcpyW
#define wcsncpy mailslot_wcsncpy
#define wcscat lstrcatW
#define wcscmp(a, b) mailslot_wcsncmp((a), (b), (size_t)-1)
#define wcsncmp mailslot_wcsncmp
#define wcschr mailslot_wcschr
#define wcsrchr mailslot_wcsrchr
#define wcsstr mailslot_wcsstr
#endif

MAILSLOT_STATIC long mailslot_wcstol(const wchar_t *text, wchar_t **end, int base) {
    char narrow[128];
    char *narrow_end;
    size_t length;
    long value;
    for (length = 0; length < sizeof(narrow) - 1 && text[length] > 0 && text[length] < 128; length++)
        narrow[length] = (char)text[length];
    narrow[length] = 0;
    value = strtol(narrow, &narrow_end, base);
    if (end != NULL)
        *end = (wchar_t *)text + (narrow_end - narrow);
    return value;
}

MAILSLOT_STATIC wchar_t *_wcsdup(const wchar_t *text) {
    size_t size = ((size_t)lstrlenW(text) + 1) * sizeof(wchar_t);
    wchar_t *copy = (wchar_t *)malloc(size);
    return copy != NULL ? (wchar_t *)memcpy(copy, text, size) : NULL;
}

#define _wtoi(text) ((int)mailslot_wcstol((text), NULL, 10))
#define _wtol(text) mailslot_wcstol((text), NULL, 10)

/* A program with _tmain or wmain gets the main that Linux wants, which calls it. What stands before
 * the name, its type, becomes that of a declaration that only keeps it. */

wchar_t **MailslotWideArguments(int count, char **arguments)
    MAILSLOT_SYMBOL_WIDE(MailslotWideArguments);
int mailslot_real_main(int count, char **arguments) __asm__("main");
int mailslot_call_main(int count, char **arguments) __asm__("mailslot_main_of_program");
int mailslot_call_wmain(int count, wchar_t **arguments) __asm__("mailslot_wmain_of_program");

#ifdef UNICODE
#define wsprintf wsprintfW
#define wvsprintf wvsprintfW
#else
#define wsprintf wsprintfA
#define wvsprintf wvsprintfA
#endif

#ifdef __cplusplus
}

template <class T> struct mailslot_is_void {
    enum { value = 0 };
};
template <> struct mailslot_is_void<void> {
    enum { value = 1 };
};
#define MAILSLOT_IS_VOID(type) (mailslot_is_void<type>::value)
#define MAILSLOT_EXTERN_C extern "C"

/* Without the room, where the compiler knows it. */
template <size_t N> inline errno_t mailslot_strcpy_s(char (&to)[N], const char *from) {
    return mailslot_strcpy_s(to, N, from);
}
template <size_t N> inline errno_t mailslot_strcat_s(char (&to)[N], const char *from) {
    return mailslot_strcat_s(to, N, from);
}
template <size_t N> inline errno_t mailslot_wcscpy_s(wchar_t (&to)[N], const wchar_t *from) {
    return mailslot_wcscpy_s(to, N, from);
}
template <size_t N> inline errno_t mailslot_wcscat_s(wchar_t (&to)[N], const wchar_t *from) {
    return mailslot_wcscat_s(to, N, from);
}
#else
#define MAILSLOT_IS_VOID(type) __builtin_types_compatible_p(type, void)
#define MAILSLOT_EXTERN_C
#endif

#define strcpy_s mailslot_strcpy_s
#define strcat_s mailslot_strcat_s
#define strncpy_s mailslot_strncpy_s
#define wcscpy_s mailslot_wcscpy_s
#define wcscat_s mailslot_wcscat_s

#define MAILSLOT_MAIN                                                                          \
    mailslot_main_type(void);                                                                  \
    int mailslot_real_main(int count, char **arguments) {                                      \
        int result = mailslot_call_main(count, arguments);                                     \
        return MAILSLOT_IS_VOID(__typeof__(mailslot_main_type())) ? 0 : result;                \
    }                                                                                          \
    MAILSLOT_EXTERN_C __typeof__(mailslot_main_type()) mailslot_main_of_program

#define wmain                                                                                  \
    mailslot_wmain_type(void);                                                                 \
    int mailslot_real_main(int count, char **arguments) {                                      \
        wchar_t **wide = MailslotWideArguments(count, arguments);                              \
        int result = mailslot_call_wmain(count, wide);                                         \
        return MAILSLOT_IS_VOID(__typeof__(mailslot_wmain_type())) ? 0 : result;               \
    }                                                                                          \
    MAILSLOT_EXTERN_C __typeof__(mailslot_wmain_type()) mailslot_wmain_of_program

/* Microsoft's C++ takes `void main`, others don't: with -DMAILSLOT_VOID_MAIN they do too. */
#ifdef MAILSLOT_VOID_MAIN
#define main MAILSLOT_MAIN
#endif

#endif
