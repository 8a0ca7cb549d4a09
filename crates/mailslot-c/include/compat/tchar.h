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

#define _istdigit(one) ((one) >= '0' && (one) <= '9')
#define _istalpha(one) ((unsigned int)(one) < 128 && isalpha((int)(one)))
#define _istalnum(one) ((unsigned int)(one) < 128 && isalnum((int)(one)))
#define _istspace(one) ((unsigned int)(one) < 128 && isspace((int)(one)))
#define _istupper(one) ((unsigned int)(one) < 128 && isupper((int)(one)))
#define _istlower(one) ((unsigned int)(one) < 128 && islower((int)(one)))
#define _totupper(one) ((TCHAR)((unsigned int)(one) < 128 ? toupper((int)(one)) : (int)(one)))
#define _totlower(one) ((TCHAR)((unsigned int)(one) < 128 ? tolower((int)(one)) : (int)(one)))
#define _tcscmpi _tcsicmp
#define _tcsclen _tcslen
#define _tcsinc(text) ((text) + 1)

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
#define _tcsncat wcsncat
#define _tcstok mailslot_wcstok
#define _tcsnlen mailslot_wcsnlen
#define _tcspbrk wcspbrk
#define _tcsupr _wcsupr
#define _tcslwr _wcslwr
#define _tcsrev _wcsrev
#define _tcstok_s mailslot_wcstok_s
#define _tcsncpy_s wcsncpy_s
#define _tcsncat_s wcsncat_s
#define _tcstoul(text, end, base) ((unsigned long)mailslot_wcstol((text), (end), (base)))
#define _sntprintf_s _snwprintf_s
#define _vstprintf wvsprintfW
#define _vstprintf_s mailslot_vsnprint_w
#define _itot _itow
#define _itot_s _itow_s
#define _ltot _ltow
#define _ultot _ultow
#define _puttchar mailslot_putwchar
#define _puttc mailslot_putwc
#define _fputtc mailslot_putwc
#define _getts mailslot_getws
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
#define _tcsncat strncat
#define _tcstok strtok
#define _tcsnlen mailslot_strnlen
#define _stscanf sscanf
#define _stscanf_s sscanf_s
#define _tscanf_s scanf_s
#define _tsystem system
#define _tgetenv getenv
#define _tcspbrk strpbrk
#define _tcsupr _strupr
#define _tcslwr _strlwr
#define _tcsrev _strrev
#define _tcstok_s mailslot_strtok_s
#define _tcsncpy_s strncpy_s
#define _tcsncat_s strncat_s
#define _tcstoul strtoul
#define _sntprintf_s _snprintf_s
#define _vstprintf wvsprintfA
#define _vstprintf_s mailslot_vsnprint_a
#define _itot _itoa
#define _itot_s _itoa_s
#define _ltot _ltoa
#define _ultot _ultoa
#define _puttchar putchar
#define _puttc putc
#define _fputtc fputc
#define _getts gets
#endif

#endif
