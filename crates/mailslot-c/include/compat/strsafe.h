/* strsafe.h - strings that know their room, on Linux.
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef MAILSLOT_COMPAT_STRSAFE_H
#define MAILSLOT_COMPAT_STRSAFE_H

#include "windows.h"

#define STRSAFE_MAX_CCH 2147483647
#define STRSAFE_E_INSUFFICIENT_BUFFER ((HRESULT)0x8007007AU)
#define STRSAFE_E_INVALID_PARAMETER ((HRESULT)0x80070057U)
#define STRSAFE_E_END_OF_FILE ((HRESULT)0x80070026U)
#define STRSAFE_IGNORE_NULLS 0x00000100U
#define STRSAFE_FILL_BEHIND_NULL 0x00000200U
#define STRSAFE_FILL_ON_FAILURE 0x00000400U
#define STRSAFE_NULL_ON_FAILURE 0x00000800U
#define STRSAFE_NO_TRUNCATION 0x00001000U

/* Each function for char and wchar_t, with the room in characters and in bytes. */
#define MAILSLOT_STRSAFE(suffix, type, vformat)                                                    \
    MAILSLOT_STATIC HRESULT StringCchLength##suffix(const type *text, size_t room,                 \
                                                    size_t *length) {                              \
        size_t at = 0;                                                                             \
        while (text != NULL && at < room && text[at] != 0)                                         \
            at++;                                                                                  \
        if (length != NULL)                                                                        \
            *length = text != NULL && at < room ? at : 0;                                          \
        return text != NULL && at < room ? S_OK : STRSAFE_E_INVALID_PARAMETER;                     \
    }                                                                                              \
    MAILSLOT_STATIC HRESULT StringCchCopyN##suffix(type *to, size_t room, const type *from,        \
                                                   size_t most) {                                  \
        size_t at = 0;                                                                             \
        if (to == NULL || from == NULL || room == 0 || room > STRSAFE_MAX_CCH)                     \
            return STRSAFE_E_INVALID_PARAMETER;                                                    \
        while (at < room - 1 && at < most && from[at] != 0) {                                      \
            to[at] = from[at];                                                                     \
            at++;                                                                                  \
        }                                                                                          \
        to[at] = 0;                                                                                \
        return at == most || from[at] == 0 ? S_OK : STRSAFE_E_INSUFFICIENT_BUFFER;                 \
    }                                                                                              \
    MAILSLOT_STATIC HRESULT StringCchCatN##suffix(type *to, size_t room, const type *from,         \
                                                  size_t most) {                                   \
        size_t length;                                                                             \
        if (FAILED(StringCchLength##suffix(to, room, &length)))                                    \
            return STRSAFE_E_INVALID_PARAMETER;                                                    \
        return StringCchCopyN##suffix(to + length, room - length, from, most);                     \
    }                                                                                              \
    MAILSLOT_STATIC HRESULT StringCchCopy##suffix(type *to, size_t room, const type *from) {       \
        return StringCchCopyN##suffix(to, room, from, (size_t)-1);                                 \
    }                                                                                              \
    MAILSLOT_STATIC HRESULT StringCchCat##suffix(type *to, size_t room, const type *from) {        \
        return StringCchCatN##suffix(to, room, from, (size_t)-1);                                  \
    }                                                                                              \
    MAILSLOT_STATIC HRESULT StringCchVPrintf##suffix(type *to, size_t room, const type *format,    \
                                                     va_list ap) {                                 \
        int length;                                                                                \
        if (to == NULL || format == NULL || room == 0 || room > STRSAFE_MAX_CCH)                   \
            return STRSAFE_E_INVALID_PARAMETER;                                                    \
        length = vformat(to, room, format, ap);                                                    \
        if (length < 0)                                                                            \
            return STRSAFE_E_INVALID_PARAMETER;                                                    \
        return (size_t)length < room ? S_OK : STRSAFE_E_INSUFFICIENT_BUFFER;                       \
    }                                                                                              \
    MAILSLOT_STATIC HRESULT StringCchPrintf##suffix(type *to, size_t room, const type *format,     \
                                                    ...) {                                         \
        HRESULT result;                                                                            \
        MAILSLOT_PASS(result, StringCchVPrintf##suffix(to, room, format, ap), format);             \
        return result;                                                                             \
    }                                                                                              \
    /* With what is left, and flags that only say what becomes of the rest of the room. */           \
    MAILSLOT_STATIC HRESULT mailslot_rest##suffix(HRESULT result, type *to, size_t room,           \
                                                  type **end, size_t *left) {                      \
        size_t length = 0;                                                                         \
        StringCchLength##suffix(to, room, &length);                                                \
        if (end != NULL)                                                                           \
            *end = to + length;                                                                    \
        if (left != NULL)                                                                          \
            *left = room - length;                                                                 \
        return result;                                                                             \
    }                                                                                              \
    MAILSLOT_STATIC HRESULT StringCchCopyEx##suffix(type *to, size_t room, const type *from,       \
                                                    type **end, size_t *left, DWORD flags) {       \
        (void)flags;                                                                               \
        return mailslot_rest##suffix(StringCchCopy##suffix(to, room, from), to, room, end, left);  \
    }                                                                                              \
    MAILSLOT_STATIC HRESULT StringCchCatEx##suffix(type *to, size_t room, const type *from,        \
                                                   type **end, size_t *left, DWORD flags) {        \
        (void)flags;                                                                               \
        return mailslot_rest##suffix(StringCchCat##suffix(to, room, from), to, room, end, left);   \
    }                                                                                              \
    MAILSLOT_STATIC HRESULT StringCchPrintfEx##suffix(type *to, size_t room, type **end,           \
                                                      size_t *left, DWORD flags,                   \
                                                      const type *format, ...) {                   \
        HRESULT result;                                                                            \
        (void)flags;                                                                               \
        MAILSLOT_PASS(result, StringCchVPrintf##suffix(to, room, format, ap), format);             \
        return mailslot_rest##suffix(result, to, room, end, left);                                 \
    }                                                                                              \
    MAILSLOT_STATIC HRESULT StringCbLength##suffix(const type *text, size_t room,                  \
                                                   size_t *length) {                               \
        HRESULT result = StringCchLength##suffix(text, room / sizeof(type), length);               \
        if (length != NULL)                                                                        \
            *length *= sizeof(type);                                                               \
        return result;                                                                             \
    }                                                                                              \
    MAILSLOT_STATIC HRESULT StringCbCopy##suffix(type *to, size_t room, const type *from) {        \
        return StringCchCopy##suffix(to, room / sizeof(type), from);                               \
    }                                                                                              \
    MAILSLOT_STATIC HRESULT StringCbCat##suffix(type *to, size_t room, const type *from) {         \
        return StringCchCat##suffix(to, room / sizeof(type), from);                                \
    }                                                                                              \
    MAILSLOT_STATIC HRESULT StringCbCopyN##suffix(type *to, size_t room, const type *from,         \
                                                  size_t most) {                                   \
        return StringCchCopyN##suffix(to, room / sizeof(type), from, most / sizeof(type));         \
    }                                                                                              \
    MAILSLOT_STATIC HRESULT StringCbCatN##suffix(type *to, size_t room, const type *from,          \
                                                 size_t most) {                                    \
        return StringCchCatN##suffix(to, room / sizeof(type), from, most / sizeof(type));          \
    }                                                                                              \
    MAILSLOT_STATIC HRESULT StringCbVPrintf##suffix(type *to, size_t room, const type *format,     \
                                                    va_list ap) {                                  \
        return StringCchVPrintf##suffix(to, room / sizeof(type), format, ap);                      \
    }                                                                                              \
    MAILSLOT_STATIC HRESULT StringCbPrintf##suffix(type *to, size_t room, const type *format,      \
                                                   ...) {                                          \
        HRESULT result;                                                                            \
        MAILSLOT_PASS(result, StringCbVPrintf##suffix(to, room, format, ap), format);              \
        return result;                                                                             \
    }

#ifdef __cplusplus
extern "C" {
#endif

MAILSLOT_STRSAFE(A, char, mailslot_vformat_a)
MAILSLOT_STRSAFE(W, wchar_t, mailslot_vformat_w)

MAILSLOT_STATIC HRESULT StringCchGetsA(char *to, size_t room) {
    return gets_s(to, room) != NULL ? S_OK : STRSAFE_E_END_OF_FILE;
}

MAILSLOT_STATIC HRESULT StringCchGetsW(wchar_t *to, size_t room) {
    return _getws_s(to, room) != NULL ? S_OK : STRSAFE_E_END_OF_FILE;
}

#ifdef __cplusplus
}
#endif

#ifdef UNICODE
#define StringCchLength StringCchLengthW
#define StringCchCopy StringCchCopyW
#define StringCchCopyN StringCchCopyNW
#define StringCchCat StringCchCatW
#define StringCchCatN StringCchCatNW
#define StringCchPrintf StringCchPrintfW
#define StringCchVPrintf StringCchVPrintfW
#define StringCchCopyEx StringCchCopyExW
#define StringCchCatEx StringCchCatExW
#define StringCchPrintfEx StringCchPrintfExW
#define StringCchGets StringCchGetsW
#define StringCbLength StringCbLengthW
#define StringCbCopy StringCbCopyW
#define StringCbCopyN StringCbCopyNW
#define StringCbCat StringCbCatW
#define StringCbCatN StringCbCatNW
#define StringCbPrintf StringCbPrintfW
#define StringCbVPrintf StringCbVPrintfW
#else
#define StringCchLength StringCchLengthA
#define StringCchCopy StringCchCopyA
#define StringCchCopyN StringCchCopyNA
#define StringCchCat StringCchCatA
#define StringCchCatN StringCchCatNA
#define StringCchPrintf StringCchPrintfA
#define StringCchVPrintf StringCchVPrintfA
#define StringCchCopyEx StringCchCopyExA
#define StringCchCatEx StringCchCatExA
#define StringCchPrintfEx StringCchPrintfExA
#define StringCchGets StringCchGetsA
#define StringCbLength StringCbLengthA
#define StringCbCopy StringCbCopyA
#define StringCbCopyN StringCbCopyNA
#define StringCbCat StringCbCatA
#define StringCbCatN StringCbCatNA
#define StringCbPrintf StringCbPrintfA
#define StringCbVPrintf StringCbVPrintfA
#endif

#endif
