/* mailslot-crt.h - the C library that Microsoft's compilers come with, as far as console programs
 * use it beyond the standard: its printf, its _s functions, wide text on the terminal, wmain.
 *
 * Wide text goes to the terminal as UTF-8, and through the same stream as printf's.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#include "windows.h"

#ifndef MAILSLOT_COMPAT_CRT_H
#define MAILSLOT_COMPAT_CRT_H

/* These undo macros like those of the headers below, so they come first. */
#ifdef __cplusplus
#include <cctype>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <cwchar>
#endif
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "mailslot-printf.h"

#ifdef __cplusplus
extern "C" {
#endif

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

MAILSLOT_STATIC int mailslot_putwc(wchar_t one, FILE *file) {
    wchar_t text[2] = {0, 0};
    text[0] = one;
    return mailslot_fputws(text, file) < 0 ? EOF : (int)one;
}

MAILSLOT_STATIC int mailslot_putwchar(wchar_t one) {
    return mailslot_putwc(one, stdout);
}

MAILSLOT_STATIC wchar_t *mailslot_getws(wchar_t *to) {
    return _getws_s(to, 4096);
}

#undef fputws
#undef fgetws
#define fputws mailslot_fputws
#define fgetws mailslot_fgetws
#define _putws mailslot_putws

#ifdef __cplusplus
}
#endif

#include "mailslot-strings.h"
#include "mailslot-wide.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Times. */

typedef time_t __time64_t;

/* The strict dialects of C hide these. */
struct tm *mailslot_localtime(const time_t *time, struct tm *to) __asm__("localtime_r");
struct tm *mailslot_gmtime(const time_t *time, struct tm *to) __asm__("gmtime_r");

MAILSLOT_STATIC errno_t localtime_s(struct tm *to, const time_t *time) {
    return mailslot_localtime(time, to) != NULL ? 0 : 22;
}

MAILSLOT_STATIC errno_t gmtime_s(struct tm *to, const time_t *time) {
    return mailslot_gmtime(time, to) != NULL ? 0 : 22;
}

MAILSLOT_STATIC errno_t asctime_s(char *to, size_t room, const struct tm *time) {
    return strftime(to, room, "%a %b %d %H:%M:%S %Y\n", time) > 0 ? 0 : 34;
}

MAILSLOT_STATIC errno_t ctime_s(char *to, size_t room, const time_t *time) {
    struct tm split;
    return localtime_s(&split, time) != 0 ? 22 : asctime_s(to, room, &split);
}

MAILSLOT_STATIC errno_t mailslot_time_text(char *to, size_t room, const char *format) {
    time_t now = time(NULL);
    struct tm split;
    return localtime_s(&split, &now) == 0 && strftime(to, room, format, &split) > 0 ? 0 : 34;
}

MAILSLOT_STATIC char *_strdate(char *to) {
    return mailslot_time_text(to, 9, "%m/%d/%y") == 0 ? to : NULL;
}

MAILSLOT_STATIC char *_strtime(char *to) {
    return mailslot_time_text(to, 9, "%H:%M:%S") == 0 ? to : NULL;
}

#define _time64 time
#define _localtime64_s localtime_s
#define _strdate_s(to, room) mailslot_time_text((to), (room), "%m/%d/%y")
#define _strtime_s(to, room) mailslot_time_text((to), (room), "%H:%M:%S")

/* scanf_s: a room follows the address of text. The format tells where. */

MAILSLOT_STATIC int mailslot_vscan_s(FILE *file, const char *from, const char *format, va_list ap) {
    char own[1024];
    void *to[16];
    char room[24];
    size_t at = 0, length;
    int count = 0;
    memset(to, 0, sizeof(to));
    while (*format != 0 && at + 32 < sizeof(own)) {
        int skip, text, has_width = 0;
        own[at++] = *format;
        if (*format++ != '%')
            continue;
        if (*format == '%') {
            own[at++] = *format++;
            continue;
        }
        skip = *format == '*';
        if (skip)
            own[at++] = *format++;
        while (*format >= '0' && *format <= '9' && at + 32 < sizeof(own)) {
            own[at++] = *format++;
            has_width = 1;
        }
        length = at;
        /* I64 is ll, and a long has 32 bits. */
        if (strncmp(format, "I64", 3) == 0) {
            format += 3;
            own[at++] = 'l';
            own[at++] = 'l';
        } else if (strncmp(format, "ll", 2) == 0) {
            format += 2;
            own[at++] = 'l';
            own[at++] = 'l';
        } else if (*format == 'l') {
            format++;
            if (strchr("efgaEFGA", *format) != NULL)
                own[at++] = 'l';
        }
        while (*format == 'h')
            own[at++] = *format++;
        text = *format == 's' || *format == 'c' || *format == '[';
        if (!skip && (count == 16 || *format == 0))
            break;
        if (!skip)
            to[count++] = va_arg(ap, void *);
        if (text && !skip) {
            unsigned int most = va_arg(ap, unsigned int);
            if (*format != 'c' && !has_width && most > 0) {
                sprintf(room, "%u", most - 1);
                at = length;
                memcpy(own + at, room, strlen(room));
                at += strlen(room);
            }
        }
        if (*format == '[') {
            do
                own[at++] = *format++;
            while (*format != 0 && at + 32 < sizeof(own) &&
                   (*format != ']' || format[-1] == '[' || (format[-1] == '^' && format[-2] == '[')));
        }
        if (*format != 0)
            own[at++] = *format++;
    }
    own[at] = 0;
#define MAILSLOT_TO                                                                            \
    to[0], to[1], to[2], to[3], to[4], to[5], to[6], to[7], to[8], to[9], to[10], to[11], to[12], \
        to[13], to[14], to[15]
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return from != NULL ? sscanf(from, own, MAILSLOT_TO) : fscanf(file, own, MAILSLOT_TO);
#pragma GCC diagnostic pop
}

MAILSLOT_STATIC int scanf_s(const char *format, ...) {
    int count;
    MAILSLOT_PASS(count, mailslot_vscan_s(stdin, NULL, format, ap), format);
    return count;
}

MAILSLOT_STATIC int fscanf_s(FILE *file, const char *format, ...) {
    int count;
    MAILSLOT_PASS(count, mailslot_vscan_s(file, NULL, format, ap), format);
    return count;
}

MAILSLOT_STATIC int sscanf_s(const char *text, const char *format, ...) {
    int count;
    MAILSLOT_PASS(count, mailslot_vscan_s(NULL, text, format, ap), format);
    return count;
}

/* What programs ask the command interpreter of Windows for. */

int MailslotGetKey(int echo) MAILSLOT_SYMBOL(MailslotGetKey);

MAILSLOT_STATIC int mailslot_system(const char *command) {
    if (command != NULL && lstrcmpiA(command, "pause") == 0) {
        fputs("Press any key to continue . . . ", stdout);
        fflush(stdout);
        MailslotGetKey(0);
        fputs("\n", stdout);
        return 0;
    }
    fflush(stdout);
    if (command != NULL && lstrcmpiA(command, "cls") == 0) {
        if (isatty(1))
            fputs("\033[H\033[2J", stdout);
        return 0;
    }
    return system(command);
}

#ifdef __cplusplus
}
namespace std {
using ::mailslot_system;
}
extern "C" {
#endif
#define system mailslot_system
#define _sleep Sleep
#define _unlink unlink
#define _access access
#define _getcwd getcwd
#define _isatty isatty
#define _fileno fileno
#define _flushall() fflush(NULL)

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
template <size_t N>
inline errno_t mailslot_strncpy_s(char (&to)[N], const char *from, size_t most) {
    return mailslot_strncpy_s(to, N, from, most);
}
template <size_t N> inline char *gets_s(char (&to)[N]) {
    return gets_s(to, N);
}
template <size_t N> inline wchar_t *_getws_s(wchar_t (&to)[N]) {
    return _getws_s(to, N);
}
#if __cplusplus >= 201103L
template <size_t N, class... T>
inline int mailslot_snprint_a(char (&to)[N], const char *format, T... arguments) {
    return mailslot_snprint_a(to, N, format, arguments...);
}
template <size_t N, class... T>
inline int mailslot_snprint_w(wchar_t (&to)[N], const wchar_t *format, T... arguments) {
    return mailslot_snprint_w(to, N, format, arguments...);
}
#endif
#else
#define MAILSLOT_IS_VOID(type) __builtin_types_compatible_p(type, void)
#define MAILSLOT_EXTERN_C
#endif

#define strcpy_s mailslot_strcpy_s
#define strcat_s mailslot_strcat_s
#define strncpy_s mailslot_strncpy_s
#define strncat_s mailslot_strncat_s
#define wcsncpy_s mailslot_wcsncpy_s
#define wcsncat_s mailslot_wcsncat_s
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
