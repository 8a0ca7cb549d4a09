/* mailslot-wide.h - wide text in memory and in C++'s streams, on Linux. Part of windows.h.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#include "windows.h"

#ifndef MAILSLOT_COMPAT_WIDE_H
#define MAILSLOT_COMPAT_WIDE_H

#ifdef __cplusplus
extern "C" {
#endif

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

MAILSLOT_STATIC wchar_t *mailslot_wcsncat(wchar_t *to, const wchar_t *from, size_t most) {
    wchar_t *end = to + mailslot_wcslen(to);
    while (most-- > 0 && *from != 0)
        *end++ = *from++;
    *end = 0;
    return to;
}

MAILSLOT_STATIC wchar_t *mailslot_wcspbrk(const wchar_t *text, const wchar_t *set) {
    for (; *text != 0; text++)
        if (mailslot_wcschr(set, *text) != NULL)
            return (wchar_t *)text;
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
#define wcsncat mailslot_wcsncat
#define wcspbrk mailslot_wcspbrk
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

#ifdef __cplusplus
}
#endif

#if defined(__cplusplus) && !(defined(__SIZEOF_WCHAR_T__) && __SIZEOF_WCHAR_T__ == 2)
#include <iostream>
#include <streambuf>

/* wcout and its like the way of wprintf: as UTF-8, and through the same streams as printf. (With
 * 16-bit wchar_t, the C++ library has no wide streams that work.) */

class mailslot_wide_output : public std::wstreambuf {
    FILE *file;

  public:
    explicit mailslot_wide_output(FILE *file) : file(file) {}

  protected:
    virtual int_type overflow(int_type one) {
        wchar_t text[2] = {traits_type::to_char_type(one), 0};
        if (traits_type::eq_int_type(one, traits_type::eof()))
            return traits_type::not_eof(one);
        return mailslot_fputws(text, file) < 0 ? traits_type::eof() : one;
    }

    virtual std::streamsize xsputn(const wchar_t *text, std::streamsize length) {
        mailslot_argument arguments[2];
        arguments[0].integer = length;
        arguments[1].pointer = text;
        return MailslotPrintW(file, L"%.*ls", arguments, 2) < 0 ? 0 : length;
    }

    virtual int sync() {
        return fflush(file);
    }
};

class mailslot_wide_input : public std::wstreambuf {
    wchar_t next;

  protected:
    virtual int_type underflow() {
        char bytes[5];
        wchar_t text[5];
        int length = 1, one;
        std::wcout.flush();
        one = getc(stdin);
        if (one == EOF)
            return traits_type::eof();
        bytes[0] = (char)one;
        for (one = (one & 0xf8) == 0xf0 ? 4 : (one & 0xf0) == 0xe0 ? 3 : (one & 0xe0) == 0xc0 ? 2 : 1;
             length < one; length++)
            bytes[length] = (char)getc(stdin);
        next = MultiByteToWideChar(CP_UTF8, 0, bytes, length, text, 5) > 0 ? text[0] : L'?';
        setg(&next, &next, &next + 1);
        return traits_type::to_int_type(next);
    }
};

static struct mailslot_wide_streams {
    mailslot_wide_streams() {
        std::ios_base::Init first;
        if (dynamic_cast<mailslot_wide_output *>(std::wcout.rdbuf()) != NULL)
            return;
        std::wcout.rdbuf(new mailslot_wide_output(stdout));
        std::wcerr.rdbuf(new mailslot_wide_output(stderr));
        std::wclog.rdbuf(new mailslot_wide_output(stderr));
        std::wcin.rdbuf(new mailslot_wide_input);
    }
} mailslot_wide_streams_are_set __attribute__((__unused__));
#endif

#endif
