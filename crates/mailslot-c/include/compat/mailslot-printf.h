/* mailslot-printf.h - the printf of Windows, on Linux. Part of windows.h.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#include "windows.h"

#ifndef MAILSLOT_COMPAT_PRINTF_H
#define MAILSLOT_COMPAT_PRINTF_H

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

MAILSLOT_STATIC int mailslot_vprint_a(const char *format, va_list ap) {
    return mailslot_vfprint_a(stdout, format, ap);
}

MAILSLOT_STATIC int mailslot_vprint_w(const wchar_t *format, va_list ap) {
    return mailslot_vfprint_w(stdout, format, ap);
}

MAILSLOT_STATIC int mailslot_vsprint_a(char *to, const char *format, va_list ap) {
    return mailslot_vformat_a(to, MAILSLOT_NO_LIMIT, format, ap);
}

MAILSLOT_STATIC int mailslot_vsnprint_a(char *to, size_t room, const char *format, va_list ap) {
    int length = mailslot_vformat_a(to, room, format, ap);
    return MAILSLOT_FITTING(length, room);
}

MAILSLOT_STATIC int mailslot_vsnprint_w(wchar_t *to, size_t room, const wchar_t *format,
                                        va_list ap) {
    int length = mailslot_vformat_w(to, room, format, ap);
    return MAILSLOT_FITTING(length, room);
}

/* With a room and, beside it, the most to write. */

MAILSLOT_STATIC int mailslot_snprint_most_a(char *to, size_t room, size_t most, const char *format,
                                            ...) {
    int length;
    if (most < room)
        room = most + 1;
    MAILSLOT_PASS(length, mailslot_vformat_a(to, room, format, ap), format);
    return MAILSLOT_FITTING(length, room);
}

MAILSLOT_STATIC int mailslot_snprint_most_w(wchar_t *to, size_t room, size_t most,
                                            const wchar_t *format, ...) {
    int length;
    if (most < room)
        room = most + 1;
    MAILSLOT_PASS(length, mailslot_vformat_w(to, room, format, ap), format);
    return MAILSLOT_FITTING(length, room);
}

#define wvsprintfA(to, format, ap) mailslot_vformat_a((to), MAILSLOT_NO_LIMIT, (format), (ap))
#define wvsprintfW(to, format, ap) mailslot_vformat_w((to), MAILSLOT_NO_LIMIT, (format), (ap))
#define sprintf_s mailslot_snprint_a
#define printf_s mailslot_print_a
#define fprintf_s mailslot_fprint_a
#define vsprintf_s mailslot_vsnprint_a
#define _vsnprintf mailslot_vsnprint_a
#define vswprintf_s mailslot_vsnprint_w
#define _vsnwprintf mailslot_vsnprint_w
#define _snprintf_s mailslot_snprint_most_a
#define _snwprintf_s mailslot_snprint_most_w
#define _snprintf mailslot_snprint_a
#define swprintf_s mailslot_snprint_w
#define _snwprintf mailslot_snprint_w
#define wprintf_s mailslot_print_w
#define fwprintf_s mailslot_fprint_w

/* The standard names too: those of Linux take %lu for 64 bits and %I64d for something else, and
 * their wprintf turns the stream to wide text for good, where printf then prints nothing. */
#undef printf
#undef fprintf
#undef sprintf
#undef vprintf
#undef vfprintf
#undef vsprintf
#undef wprintf
#undef fwprintf
#undef swprintf
#undef vwprintf
#undef vfwprintf
#ifdef __cplusplus
}
namespace std {
using ::mailslot_fprint_a;
using ::mailslot_fprint_w;
using ::mailslot_print_a;
using ::mailslot_print_w;
using ::mailslot_snprint_w;
using ::mailslot_vfprint_a;
using ::mailslot_vfprint_w;
using ::mailslot_vprint_a;
using ::mailslot_vprint_w;
using ::mailslot_vsprint_a;
using ::wsprintfA;
}
extern "C" {
#endif
#define printf mailslot_print_a
#define fprintf mailslot_fprint_a
#define sprintf wsprintfA
#define vprintf mailslot_vprint_a
#define vfprintf mailslot_vfprint_a
#define vsprintf mailslot_vsprint_a
#define wprintf mailslot_print_w
#define fwprintf mailslot_fprint_w
#define swprintf mailslot_snprint_w
#define vwprintf mailslot_vprint_w
#define vfwprintf mailslot_vfprint_w

#ifdef __cplusplus
}
#endif

#endif
