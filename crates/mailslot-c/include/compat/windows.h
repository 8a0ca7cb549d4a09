/* windows.h - what console programs that use mailslots take from Win32, on Linux.
 *
 * Beside the mailslot interface itself: threads, strings, conversions, clocks and some C library
 * functions that Microsoft's compilers have.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef MAILSLOT_COMPAT_WINDOWS_H
#define MAILSLOT_COMPAT_WINDOWS_H

/* Microsoft has one switch for its headers and one for its C library; programs may set either. */
#if defined(_UNICODE) && !defined(UNICODE)
#define UNICODE
#endif

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

/* Not in angle brackets: programs have files of this name too. */
#include "../mailslot.h"

/* Words of Microsoft's compilers. */

#ifndef __cdecl
#define __cdecl
#endif
#ifndef _cdecl
#define _cdecl
#endif
#ifndef __stdcall
#define __stdcall
#endif
#ifndef __fastcall
#define __fastcall
#endif
#ifndef __forceinline
#define __forceinline static __inline__
#endif
#ifndef __declspec
#define __declspec(attribute)
#endif
#ifndef __int64
#define __int8 char
#define __int16 short
#define __int32 int
#define __int64 long long
#endif
#define FAR
#define NEAR
#define PASCAL
#define IN
#define OUT
#define OPTIONAL
#define _In_
#define _In_opt_
#define _In_z_
#define _Out_
#define _Out_opt_
#define _Inout_
#define _Inout_opt_
#define _In_reads_(size)
#define _In_reads_bytes_(size)
#define _Out_writes_(size)
#define _Out_writes_bytes_(size)

#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define ARRAYSIZE(array) (sizeof(array) / sizeof((array)[0]))
#define _countof(array) ARRAYSIZE(array)

#if !defined(__cplusplus) && !defined(NOMINMAX)
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#endif
#ifndef max
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif
#endif

/* Static functions that a program need not use. */
#define MAILSLOT_STATIC static __attribute__((__unused__))

#ifdef __cplusplus
extern "C" {
#endif

/* Types and their parts. */

typedef HANDLE HINSTANCE, HMODULE, HWND, HKEY;
typedef int HFILE;
typedef WORD ATOM, LANGID;
typedef DWORD COLORREF, LCID, ULONG32, DWORD32, *PDWORD32;
typedef signed char INT8;
typedef unsigned char UINT8;
typedef short INT16;
typedef unsigned short UINT16;
typedef LONG LONG32;
typedef LONGLONG LONG64, *PLONGLONG;
typedef ULONGLONG ULONG64, *PULONGLONG;
typedef double DOUBLE;
typedef TCHAR TBYTE, *PTBYTE;
typedef const void *PCVOID;
typedef int(WINAPI *FARPROC)(void);
typedef UINT_PTR WPARAM;
typedef LONG_PTR LPARAM, LRESULT;
typedef LONG HRESULT;

typedef union _ULARGE_INTEGER {
    __extension__ struct {
        DWORD LowPart;
        DWORD HighPart;
    };
    struct {
        DWORD LowPart;
        DWORD HighPart;
    } u;
    ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

#define SECURITY_DESCRIPTOR_MIN_LENGTH ((UINT)sizeof(SECURITY_DESCRIPTOR))

#define S_OK ((HRESULT)0)
#define S_FALSE ((HRESULT)1)
#define E_FAIL ((HRESULT)0x80004005U)
#define E_INVALIDARG ((HRESULT)0x80070057U)
#define E_OUTOFMEMORY ((HRESULT)0x8007000EU)
#define SUCCEEDED(hr) ((HRESULT)(hr) >= 0)
#define FAILED(hr) ((HRESULT)(hr) < 0)
#define HRESULT_FROM_WIN32(code) \
    ((HRESULT)((code) == 0 ? 0U : (((DWORD)(code) & 0xFFFFU) | 0x80070000U)))

#define MAKEWORD(low, high) ((WORD)(((BYTE)(low)) | ((WORD)((BYTE)(high))) << 8))
#define MAKELONG(low, high) ((LONG)(((WORD)(low)) | ((DWORD)((WORD)(high))) << 16))
#define LOWORD(value) ((WORD)((DWORD_PTR)(value) & 0xffff))
#define HIWORD(value) ((WORD)(((DWORD_PTR)(value) >> 16) & 0xffff))
#define LOBYTE(value) ((BYTE)((DWORD_PTR)(value) & 0xff))
#define HIBYTE(value) ((BYTE)(((DWORD_PTR)(value) >> 8) & 0xff))

/* Memory. */

#define MoveMemory(to, from, size) memmove((to), (from), (size))
#define CopyMemory(to, from, size) memcpy((to), (from), (size))
#define FillMemory(to, size, byte) memset((to), (byte), (size))
#define ZeroMemory(to, size) memset((to), 0, (size))
#define SecureZeroMemory(to, size) memset((to), 0, (size))
#define RtlZeroMemory ZeroMemory
#define RtlCopyMemory CopyMemory
#define RtlMoveMemory MoveMemory
#define RtlFillMemory FillMemory
#define RtlEqualMemory(one, other, size) (memcmp((one), (other), (size)) == 0)

#define HEAP_ZERO_MEMORY 0x00000008U
HANDLE WINAPI GetProcessHeap(VOID) MAILSLOT_SYMBOL(GetProcessHeap);
LPVOID WINAPI HeapAlloc(HANDLE hHeap, DWORD dwFlags, SIZE_T dwBytes) MAILSLOT_SYMBOL(HeapAlloc);
LPVOID WINAPI HeapReAlloc(HANDLE hHeap, DWORD dwFlags, LPVOID lpMem, SIZE_T dwBytes)
    MAILSLOT_SYMBOL(HeapReAlloc);
BOOL WINAPI HeapFree(HANDLE hHeap, DWORD dwFlags, LPVOID lpMem) MAILSLOT_SYMBOL(HeapFree);
SIZE_T WINAPI HeapSize(HANDLE hHeap, DWORD dwFlags, LPCVOID lpMem) MAILSLOT_SYMBOL(HeapSize);

/* Threads. */

typedef DWORD(WINAPI *PTHREAD_START_ROUTINE)(LPVOID lpThreadParameter);
typedef PTHREAD_START_ROUTINE LPTHREAD_START_ROUTINE;

#define CREATE_SUSPENDED 0x00000004U
#define STILL_ACTIVE 259U

HANDLE WINAPI CreateThread(LPSECURITY_ATTRIBUTES lpThreadAttributes, SIZE_T dwStackSize,
                           LPTHREAD_START_ROUTINE lpStartAddress, LPVOID lpParameter,
                           DWORD dwCreationFlags, LPDWORD lpThreadId)
    MAILSLOT_SYMBOL(CreateThread);
DWORD WINAPI ResumeThread(HANDLE hThread) MAILSLOT_SYMBOL(ResumeThread);
VOID WINAPI ExitThread(DWORD dwExitCode) MAILSLOT_SYMBOL(ExitThread)
    __attribute__((__noreturn__));
VOID WINAPI ExitProcess(UINT uExitCode) MAILSLOT_SYMBOL(ExitProcess)
    __attribute__((__noreturn__));
BOOL WINAPI TerminateProcess(HANDLE hProcess, UINT uExitCode) MAILSLOT_SYMBOL(TerminateProcess);
BOOL WINAPI GetExitCodeThread(HANDLE hThread, LPDWORD lpExitCode)
    MAILSLOT_SYMBOL(GetExitCodeThread);
DWORD WINAPI GetThreadId(HANDLE hThread) MAILSLOT_SYMBOL(GetThreadId);

/* Priorities are left to the system. */

#define THREAD_PRIORITY_LOWEST (-2)
#define THREAD_PRIORITY_BELOW_NORMAL (-1)
#define THREAD_PRIORITY_NORMAL 0
#define THREAD_PRIORITY_ABOVE_NORMAL 1
#define THREAD_PRIORITY_HIGHEST 2
#define THREAD_PRIORITY_TIME_CRITICAL 15

MAILSLOT_STATIC BOOL SetThreadPriority(HANDLE hThread, int nPriority) {
    (void)hThread;
    (void)nPriority;
    return TRUE;
}

MAILSLOT_STATIC int GetThreadPriority(HANDLE hThread) {
    (void)hThread;
    return THREAD_PRIORITY_NORMAL;
}

MAILSLOT_STATIC BOOL SwitchToThread(VOID) {
    Sleep(0);
    return TRUE;
}

#define MUTEX_ALL_ACCESS 0x001F0001U
#define SEMAPHORE_ALL_ACCESS 0x001F0003U
#define STANDARD_RIGHTS_REQUIRED 0x000F0000U
HANDLE WINAPI CreateMutexA(LPSECURITY_ATTRIBUTES lpMutexAttributes, BOOL bInitialOwner,
                           LPCSTR lpName) MAILSLOT_SYMBOL(CreateMutexA);
HANDLE WINAPI CreateMutexW(LPSECURITY_ATTRIBUTES lpMutexAttributes, BOOL bInitialOwner,
                           LPCWSTR lpName) MAILSLOT_SYMBOL_WIDE(CreateMutexW);
HANDLE WINAPI OpenMutexA(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCSTR lpName)
    MAILSLOT_SYMBOL(OpenMutexA);
HANDLE WINAPI OpenMutexW(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCWSTR lpName)
    MAILSLOT_SYMBOL_WIDE(OpenMutexW);
BOOL WINAPI ReleaseMutex(HANDLE hMutex) MAILSLOT_SYMBOL(ReleaseMutex);
HANDLE WINAPI CreateSemaphoreA(LPSECURITY_ATTRIBUTES lpSemaphoreAttributes, LONG lInitialCount,
                               LONG lMaximumCount, LPCSTR lpName)
    MAILSLOT_SYMBOL(CreateSemaphoreA);
HANDLE WINAPI CreateSemaphoreW(LPSECURITY_ATTRIBUTES lpSemaphoreAttributes, LONG lInitialCount,
                               LONG lMaximumCount, LPCWSTR lpName)
    MAILSLOT_SYMBOL_WIDE(CreateSemaphoreW);
BOOL WINAPI ReleaseSemaphore(HANDLE hSemaphore, LONG lReleaseCount, LPLONG lpPreviousCount)
    MAILSLOT_SYMBOL(ReleaseSemaphore);

typedef struct _RTL_CRITICAL_SECTION {
    PVOID DebugInfo;
    LONG LockCount;
    LONG RecursionCount;
    HANDLE OwningThread;
    HANDLE LockSemaphore;
    ULONG_PTR SpinCount;
} CRITICAL_SECTION, *PCRITICAL_SECTION, *LPCRITICAL_SECTION;

VOID WINAPI InitializeCriticalSection(LPCRITICAL_SECTION lpCriticalSection)
    MAILSLOT_SYMBOL(InitializeCriticalSection);
BOOL WINAPI InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION lpCriticalSection,
                                                  DWORD dwSpinCount)
    MAILSLOT_SYMBOL(InitializeCriticalSectionAndSpinCount);
VOID WINAPI EnterCriticalSection(LPCRITICAL_SECTION lpCriticalSection)
    MAILSLOT_SYMBOL(EnterCriticalSection);
BOOL WINAPI TryEnterCriticalSection(LPCRITICAL_SECTION lpCriticalSection)
    MAILSLOT_SYMBOL(TryEnterCriticalSection);
VOID WINAPI LeaveCriticalSection(LPCRITICAL_SECTION lpCriticalSection)
    MAILSLOT_SYMBOL(LeaveCriticalSection);
VOID WINAPI DeleteCriticalSection(LPCRITICAL_SECTION lpCriticalSection)
    MAILSLOT_SYMBOL(DeleteCriticalSection);

MAILSLOT_STATIC LONG InterlockedIncrement(LONG volatile *Addend) {
    return __sync_add_and_fetch(Addend, 1);
}

MAILSLOT_STATIC LONG InterlockedDecrement(LONG volatile *Addend) {
    return __sync_sub_and_fetch(Addend, 1);
}

MAILSLOT_STATIC LONG InterlockedExchangeAdd(LONG volatile *Addend, LONG Value) {
    return __sync_fetch_and_add(Addend, Value);
}

MAILSLOT_STATIC LONG InterlockedCompareExchange(LONG volatile *Destination, LONG Exchange,
                                                LONG Comperand) {
    return __sync_val_compare_and_swap(Destination, Comperand, Exchange);
}

MAILSLOT_STATIC LONG InterlockedExchange(LONG volatile *Target, LONG Value) {
    LONG before;
    do {
        before = *Target;
    } while (!__sync_bool_compare_and_swap(Target, before, Value));
    return before;
}

/* Clocks. */

typedef struct _SYSTEMTIME {
    WORD wYear;
    WORD wMonth;
    WORD wDayOfWeek;
    WORD wDay;
    WORD wHour;
    WORD wMinute;
    WORD wSecond;
    WORD wMilliseconds;
} SYSTEMTIME, *PSYSTEMTIME, *LPSYSTEMTIME;

VOID WINAPI GetLocalTime(LPSYSTEMTIME lpSystemTime) MAILSLOT_SYMBOL(GetLocalTime);
VOID WINAPI GetSystemTime(LPSYSTEMTIME lpSystemTime) MAILSLOT_SYMBOL(GetSystemTime);
VOID WINAPI GetSystemTimeAsFileTime(LPFILETIME lpSystemTimeAsFileTime)
    MAILSLOT_SYMBOL(GetSystemTimeAsFileTime);
BOOL WINAPI FileTimeToSystemTime(const FILETIME *lpFileTime, LPSYSTEMTIME lpSystemTime)
    MAILSLOT_SYMBOL(FileTimeToSystemTime);
BOOL WINAPI SystemTimeToFileTime(const SYSTEMTIME *lpSystemTime, LPFILETIME lpFileTime)
    MAILSLOT_SYMBOL(SystemTimeToFileTime);
BOOL WINAPI FileTimeToLocalFileTime(const FILETIME *lpFileTime, LPFILETIME lpLocalFileTime)
    MAILSLOT_SYMBOL(FileTimeToLocalFileTime);
BOOL WINAPI QueryPerformanceCounter(LARGE_INTEGER *lpPerformanceCount)
    MAILSLOT_SYMBOL(QueryPerformanceCounter);
BOOL WINAPI QueryPerformanceFrequency(LARGE_INTEGER *lpFrequency)
    MAILSLOT_SYMBOL(QueryPerformanceFrequency);

/* Strings. All code pages are UTF-8. */

#define CP_ACP 0U
#define CP_OEMCP 1U
#define CP_THREAD_ACP 3U
#define CP_UTF7 65000U
#define CP_UTF8 65001U
#define MB_PRECOMPOSED 0x00000001U
#define MB_ERR_INVALID_CHARS 0x00000008U
#define WC_ERR_INVALID_CHARS 0x00000080U
#define WC_NO_BEST_FIT_CHARS 0x00000400U

int WINAPI MultiByteToWideChar(UINT CodePage, DWORD dwFlags, LPCSTR lpMultiByteStr,
                               int cbMultiByte, LPWSTR lpWideCharStr, int cchWideChar)
    MAILSLOT_SYMBOL_WIDE(MultiByteToWideChar);
int WINAPI WideCharToMultiByte(UINT CodePage, DWORD dwFlags, LPCWSTR lpWideCharStr,
                               int cchWideChar, LPSTR lpMultiByteStr, int cbMultiByte,
                               LPCSTR lpDefaultChar, LPBOOL lpUsedDefaultChar)
    MAILSLOT_SYMBOL_WIDE(WideCharToMultiByte);

int WINAPI lstrlenA(LPCSTR lpString) MAILSLOT_SYMBOL(lstrlenA);
int WINAPI lstrlenW(LPCWSTR lpString) MAILSLOT_SYMBOL_WIDE(lstrlenW);
LPSTR WINAPI lstrcpyA(LPSTR lpString1, LPCSTR lpString2) MAILSLOT_SYMBOL(lstrcpyA);
LPWSTR WINAPI lstrcpyW(LPWSTR lpString1, LPCWSTR lpString2) MAILSLOT_SYMBOL_WIDE(lstrcpyW);
LPSTR WINAPI lstrcpynA(LPSTR lpString1, LPCSTR lpString2, int iMaxLength)
    MAILSLOT_SYMBOL(lstrcpynA);
LPWSTR WINAPI lstrcpynW(LPWSTR lpString1, LPCWSTR lpString2, int iMaxLength)
    MAILSLOT_SYMBOL_WIDE(lstrcpynW);
LPSTR WINAPI lstrcatA(LPSTR lpString1, LPCSTR lpString2) MAILSLOT_SYMBOL(lstrcatA);
LPWSTR WINAPI lstrcatW(LPWSTR lpString1, LPCWSTR lpString2) MAILSLOT_SYMBOL_WIDE(lstrcatW);
int WINAPI lstrcmpA(LPCSTR lpString1, LPCSTR lpString2) MAILSLOT_SYMBOL(lstrcmpA);
int WINAPI lstrcmpW(LPCWSTR lpString1, LPCWSTR lpString2) MAILSLOT_SYMBOL_WIDE(lstrcmpW);
int WINAPI lstrcmpiA(LPCSTR lpString1, LPCSTR lpString2) MAILSLOT_SYMBOL(lstrcmpiA);
int WINAPI lstrcmpiW(LPCWSTR lpString1, LPCWSTR lpString2) MAILSLOT_SYMBOL_WIDE(lstrcmpiW);

LPSTR WINAPI GetCommandLineA(VOID) MAILSLOT_SYMBOL(GetCommandLineA);
LPWSTR WINAPI GetCommandLineW(VOID) MAILSLOT_SYMBOL_WIDE(GetCommandLineW);
DWORD WINAPI GetModuleFileNameA(HMODULE hModule, LPSTR lpFilename, DWORD nSize)
    MAILSLOT_SYMBOL(GetModuleFileNameA);
DWORD WINAPI GetModuleFileNameW(HMODULE hModule, LPWSTR lpFilename, DWORD nSize)
    MAILSLOT_SYMBOL_WIDE(GetModuleFileNameW);
HMODULE WINAPI GetModuleHandleA(LPCSTR lpModuleName) MAILSLOT_SYMBOL(GetModuleHandleA);
HMODULE WINAPI GetModuleHandleW(LPCWSTR lpModuleName) MAILSLOT_SYMBOL_WIDE(GetModuleHandleW);
DWORD WINAPI GetEnvironmentVariableA(LPCSTR lpName, LPSTR lpBuffer, DWORD nSize)
    MAILSLOT_SYMBOL(GetEnvironmentVariableA);
DWORD WINAPI GetEnvironmentVariableW(LPCWSTR lpName, LPWSTR lpBuffer, DWORD nSize)
    MAILSLOT_SYMBOL_WIDE(GetEnvironmentVariableW);

/* The version that programs want to see: Windows 8, before which they would have to be told what
 * they were made for. */

typedef struct _OSVERSIONINFOA {
    DWORD dwOSVersionInfoSize;
    DWORD dwMajorVersion;
    DWORD dwMinorVersion;
    DWORD dwBuildNumber;
    DWORD dwPlatformId;
    TCHAR szCSDVersion[128];
} OSVERSIONINFO, *LPOSVERSIONINFO;

#define VER_PLATFORM_WIN32s 0
#define VER_PLATFORM_WIN32_WINDOWS 1
#define VER_PLATFORM_WIN32_NT 2

MAILSLOT_STATIC BOOL GetVersionEx(LPOSVERSIONINFO lpVersionInformation) {
    lpVersionInformation->dwMajorVersion = 6;
    lpVersionInformation->dwMinorVersion = 2;
    lpVersionInformation->dwBuildNumber = 9200;
    lpVersionInformation->dwPlatformId = VER_PLATFORM_WIN32_NT;
    lpVersionInformation->szCSDVersion[0] = 0;
    return TRUE;
}

MAILSLOT_STATIC DWORD GetVersion(VOID) {
    return 0x23F00206U;
}

#define MAX_COMPUTERNAME_LENGTH 15
#define UNLEN 256
BOOL WINAPI GetComputerNameA(LPSTR lpBuffer, LPDWORD nSize) MAILSLOT_SYMBOL(GetComputerNameA);
BOOL WINAPI GetComputerNameW(LPWSTR lpBuffer, LPDWORD nSize)
    MAILSLOT_SYMBOL_WIDE(GetComputerNameW);
BOOL WINAPI GetUserNameA(LPSTR lpBuffer, LPDWORD pcbBuffer) MAILSLOT_SYMBOL(GetUserNameA);
BOOL WINAPI GetUserNameW(LPWSTR lpBuffer, LPDWORD pcbBuffer) MAILSLOT_SYMBOL_WIDE(GetUserNameW);

#ifdef UNICODE
#define lstrlen lstrlenW
#define lstrcpy lstrcpyW
#define lstrcpyn lstrcpynW
#define lstrcat lstrcatW
#define lstrcmp lstrcmpW
#define lstrcmpi lstrcmpiW
#define GetComputerName GetComputerNameW
#define GetUserName GetUserNameW
#define GetCommandLine GetCommandLineW
#define GetModuleFileName GetModuleFileNameW
#define GetModuleHandle GetModuleHandleW
#define GetEnvironmentVariable GetEnvironmentVariableW
#define CreateMutex CreateMutexW
#define OpenMutex OpenMutexW
#define CreateSemaphore CreateSemaphoreW
#define CharUpper _wcsupr
#define CharLower _wcslwr
#else
#define lstrlen lstrlenA
#define lstrcpy lstrcpyA
#define lstrcpyn lstrcpynA
#define lstrcat lstrcatA
#define lstrcmp lstrcmpA
#define lstrcmpi lstrcmpiA
#define GetComputerName GetComputerNameA
#define GetUserName GetUserNameA
#define GetCommandLine GetCommandLineA
#define GetModuleFileName GetModuleFileNameA
#define GetModuleHandle GetModuleHandleA
#define GetEnvironmentVariable GetEnvironmentVariableA
#define CreateMutex CreateMutexA
#define OpenMutex OpenMutexA
#define CreateSemaphore CreateSemaphoreA
#define CharUpper _strupr
#define CharLower _strlwr
#endif

/* Boxes. */

#define MB_OK 0x00000000U
#define MB_OKCANCEL 0x00000001U
#define MB_YESNO 0x00000004U
#define MB_ICONERROR 0x00000010U
#define MB_ICONWARNING 0x00000030U
#define MB_ICONINFORMATION 0x00000040U
#define MB_ICONSTOP MB_ICONERROR
#define MB_ICONHAND MB_ICONERROR
#define MB_ICONEXCLAMATION MB_ICONWARNING
#define MB_ICONQUESTION 0x00000020U
#define MB_ICONASTERISK MB_ICONINFORMATION
#define MB_SYSTEMMODAL 0x00001000U
#define MB_TASKMODAL 0x00002000U
#define IDOK 1
#define IDCANCEL 2
#define IDYES 6
#define IDNO 7
#ifdef UNICODE
#define MessageBox MessageBoxW
#else
#define MessageBox MessageBoxA
#endif

#ifdef __cplusplus
}
#endif

#include "mailslot-crt.h"
#include "mailslot-console.h"

#endif
