/* tchar.h - text that is char or wchar_t, on Linux.
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef MAILSLOT_COMPAT_TCHAR_H
#define MAILSLOT_COMPAT_TCHAR_H

/* Here the two switches are one: there is one TCHAR. */
#if defined(UNICODE) && !defined(_UNICODE)
#define _UNICODE
#endif

#include "windows.h"

#define _T(quoted) MAILSLOT_TEXT(quoted)
#define _TEXT(quoted) MAILSLOT_TEXT(quoted)
#define __T(quoted) MAILSLOT_TEXT(quoted)

typedef TCHAR _TCHAR;
typedef TCHAR _TSCHAR;
#ifdef _UNICODE
typedef wint_t _TINT;
#else
typedef int _TINT;
#endif

#ifdef _UNICODE
#define _tmain wmain
#define _tprintf mailslot_print_w
#define _tprintf_s mailslot_print_w
#define _ftprintf mailslot_fprint_w
#define _ftprintf_s mailslot_fprint_w
#define _stprintf wsprintfW
#define _stprintf_s mailslot_snprint_w
#define _sntprintf mailslot_snprint_w
#define _vtprintf(format, ap) mailslot_vfprint_w(stdout, (format), (ap))
#define _vftprintf mailslot_vfprint_w
#define _vsntprintf mailslot_vformat_w
#define _fputts mailslot_fputws
#define _putts mailslot_putws
#define _fgetts mailslot_fgetws
#define _getts_s _getws_s
#define _tfopen _wfopen
#define _tscanf wscanf
#define _tcslen wcslen
#define _tcscpy wcscpy
#define _tcsncpy wcsncpy
#define _tcscat wcscat
#define _tcscpy_s wcscpy_s
#define _tcscat_s wcscat_s
#define _tcscmp wcscmp
#define _tcsncmp wcsncmp
#define _tcsicmp lstrcmpiW
#define _tcschr wcschr
#define _tcsrchr wcsrchr
#define _tcsstr wcsstr
#define _tcsdup _wcsdup
#define _tcstol mailslot_wcstol
#define _tstoi _wtoi
#define _ttoi _wtoi
#define _ttol _wtol
#else
#define _tmain MAILSLOT_MAIN
#define _tprintf mailslot_print_a
#define _tprintf_s mailslot_print_a
#define _ftprintf mailslot_fprint_a
#define _ftprintf_s mailslot_fprint_a
#define _stprintf wsprintfA
#define _stprintf_s mailslot_snprint_a
#define _sntprintf mailslot_snprint_a
#define _vtprintf(format, ap) mailslot_vfprint_a(stdout, (format), (ap))
#define _vftprintf mailslot_vfprint_a
#define _vsntprintf mailslot_vformat_a
#define _fputts fputs
#define _putts puts
#define _fgetts fgets
#define _getts_s gets_s
#define _tfopen fopen
#define _tscanf scanf
#define _tcslen strlen
#define _tcscpy strcpy
#define _tcsncpy strncpy
#define _tcscat strcat
#define _tcscpy_s strcpy_s
#define _tcscat_s strcat_s
#define _tcscmp strcmp
#define _tcsncmp strncmp
#define _tcsicmp lstrcmpiA
#define _tcschr strchr
#define _tcsrchr strrchr
#define _tcsstr strstr
#define _tcsdup _strdup
#define _tcstol strtol
#define _tstoi atoi
#define _ttoi atoi
#define _ttol atol
#endif

#endif
