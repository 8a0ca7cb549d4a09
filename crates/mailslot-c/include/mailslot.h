/* mailslot.h - Windows mailslots for Linux.
 *
 * The names, types and constants are those of Win32. What each function does here, and where that
 * differs from Windows, is in docs/porting-from-windows.md. Programs that include <windows.h>
 * compile unedited with the headers beside this one: pkg-config --cflags --libs mailslot-windows.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
/* (Programs have files of this name too, and guards like MAILSLOT_H.) */
#ifndef LIBMAILSLOT_MAILSLOT_H
#define LIBMAILSLOT_MAILSLOT_H

#include <stddef.h>

#define MAILSLOT_VERSION_MAJOR 0
#define MAILSLOT_VERSION_MINOR 1
#define MAILSLOT_VERSION_PATCH 0
#define MAILSLOT_VERSION "0.1.0"

/* In the library, all names begin with mailslot_, so that they don't collide with those of other
 * libraries. Functions with wide text exist for both widths of wchar_t (see -fshort-wchar). */
#if defined(__SIZEOF_WCHAR_T__) && __SIZEOF_WCHAR_T__ == 2
#define MAILSLOT_WIDTH "16"
#else
#define MAILSLOT_WIDTH "32"
#endif
#define MAILSLOT_SYMBOL(name) __asm__("mailslot_" #name)
#define MAILSLOT_SYMBOL_WIDE(name) __asm__("mailslot_" #name MAILSLOT_WIDTH)

#ifdef __cplusplus
extern "C" {
#endif

/* Types. DWORD and LONG have 32 bits: print them with %u and %d. */

#ifndef WINAPI
#define WINAPI
#endif
#ifndef CALLBACK
#define CALLBACK
#endif
#ifndef APIENTRY
#define APIENTRY WINAPI
#endif
#ifndef CONST
#define CONST const
#endif
#ifndef VOID
#define VOID void
#endif
#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

typedef int BOOL, *PBOOL, *LPBOOL;
typedef unsigned char BYTE, *PBYTE, *LPBYTE;
typedef unsigned char UCHAR, *PUCHAR;
typedef unsigned char BOOLEAN;
typedef unsigned short WORD, *PWORD, *LPWORD;
typedef short SHORT;
typedef unsigned short USHORT;
typedef int INT, *PINT, *LPINT;
typedef unsigned int UINT, *PUINT;
typedef int LONG, *PLONG, *LPLONG;
typedef unsigned int ULONG, *PULONG;
typedef unsigned int DWORD, *PDWORD, *LPDWORD;
typedef float FLOAT;
typedef int INT32;
typedef unsigned int UINT32;
#if defined(__GNUC__) && defined(__cplusplus)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wlong-long"
#endif
__extension__ typedef long long LONGLONG, INT64;
__extension__ typedef unsigned long long ULONGLONG, DWORDLONG, DWORD64, UINT64;
#if defined(__GNUC__) && defined(__cplusplus)
#pragma GCC diagnostic pop
#endif
typedef ptrdiff_t INT_PTR, LONG_PTR, SSIZE_T;
typedef size_t UINT_PTR, ULONG_PTR, DWORD_PTR, SIZE_T;

typedef void *PVOID, *LPVOID;
typedef const void *LPCVOID;
typedef void *HANDLE, **PHANDLE, **LPHANDLE;
typedef HANDLE HGLOBAL, HLOCAL;

typedef char CHAR, *PCHAR, *LPCH, *PSTR, *LPSTR;
typedef const char *PCSTR, *LPCSTR, *LPCCH;
typedef wchar_t WCHAR, *PWCHAR, *PWSTR, *LPWSTR;
typedef const wchar_t *PCWSTR, *LPCWSTR;

#ifdef UNICODE
typedef WCHAR TCHAR, *PTCHAR;
typedef LPWSTR PTSTR, LPTSTR;
typedef LPCWSTR PCTSTR, LPCTSTR;
#define MAILSLOT_TEXT(quoted) L##quoted
#else
typedef CHAR TCHAR, *PTCHAR;
typedef LPSTR PTSTR, LPTSTR;
typedef LPCSTR PCTSTR, LPCTSTR;
#define MAILSLOT_TEXT(quoted) quoted
#endif
#ifndef TEXT
#define TEXT(quoted) MAILSLOT_TEXT(quoted)
#endif

typedef struct _FILETIME {
    DWORD dwLowDateTime;
    DWORD dwHighDateTime;
} FILETIME, *PFILETIME, *LPFILETIME;

typedef union _LARGE_INTEGER {
    __extension__ struct {
        DWORD LowPart;
        LONG HighPart;
    };
    struct {
        DWORD LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef struct _OVERLAPPED {
    ULONG_PTR Internal;
    ULONG_PTR InternalHigh;
    __extension__ union {
        __extension__ struct {
            DWORD Offset;
            DWORD OffsetHigh;
        };
        UINT64 Position;
    };
    HANDLE hEvent;
} OVERLAPPED, *POVERLAPPED, *LPOVERLAPPED;

typedef void *PSECURITY_DESCRIPTOR, *PSID;
typedef struct _ACL *PACL;

typedef struct _SECURITY_DESCRIPTOR {
    BYTE Revision;
    BYTE Sbz1;
    WORD Control;
    PSID Owner;
    PSID Group;
    PACL Sacl;
    PACL Dacl;
} SECURITY_DESCRIPTOR;

typedef struct _SECURITY_ATTRIBUTES {
    DWORD nLength;
    LPVOID lpSecurityDescriptor;
    BOOL bInheritHandle;
} SECURITY_ATTRIBUTES, *PSECURITY_ATTRIBUTES, *LPSECURITY_ATTRIBUTES;

typedef VOID(WINAPI *LPOVERLAPPED_COMPLETION_ROUTINE)(DWORD dwErrorCode,
                                                      DWORD dwNumberOfBytesTransfered,
                                                      LPOVERLAPPED lpOverlapped);

/* Constants. */

#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)
#define MAX_PATH 260

#define MAILSLOT_NO_MESSAGE ((DWORD)-1)
#define MAILSLOT_WAIT_FOREVER ((DWORD)-1)
#define INFINITE 0xFFFFFFFFU

#define GENERIC_READ 0x80000000U
#define GENERIC_WRITE 0x40000000U
#define GENERIC_EXECUTE 0x20000000U
#define GENERIC_ALL 0x10000000U
#define MAXIMUM_ALLOWED 0x02000000U
#define FILE_READ_DATA 0x0001U
#define FILE_WRITE_DATA 0x0002U
#define FILE_APPEND_DATA 0x0004U

#define FILE_SHARE_READ 0x00000001U
#define FILE_SHARE_WRITE 0x00000002U
#define FILE_SHARE_DELETE 0x00000004U

#define CREATE_NEW 1U
#define CREATE_ALWAYS 2U
#define OPEN_EXISTING 3U
#define OPEN_ALWAYS 4U
#define TRUNCATE_EXISTING 5U

#define FILE_ATTRIBUTE_READONLY 0x00000001U
#define FILE_ATTRIBUTE_HIDDEN 0x00000002U
#define FILE_ATTRIBUTE_NORMAL 0x00000080U
#define FILE_FLAG_WRITE_THROUGH 0x80000000U
#define FILE_FLAG_OVERLAPPED 0x40000000U
#define FILE_FLAG_NO_BUFFERING 0x20000000U
#define SECURITY_SQOS_PRESENT 0x00100000U
#define SECURITY_ANONYMOUS 0x00000000U
#define SECURITY_IDENTIFICATION 0x00010000U
#define SECURITY_IMPERSONATION 0x00020000U

#define FILE_TYPE_UNKNOWN 0x0000U
#define FILE_TYPE_DISK 0x0001U
#define FILE_TYPE_CHAR 0x0002U
#define FILE_TYPE_PIPE 0x0003U

#define HANDLE_FLAG_INHERIT 0x00000001U
#define HANDLE_FLAG_PROTECT_FROM_CLOSE 0x00000002U
#define DUPLICATE_CLOSE_SOURCE 0x00000001U
#define DUPLICATE_SAME_ACCESS 0x00000002U

#define SECURITY_DESCRIPTOR_REVISION 1U

#define WAIT_OBJECT_0 0U
#define WAIT_ABANDONED 0x00000080U
#define WAIT_ABANDONED_0 0x00000080U
#define WAIT_IO_COMPLETION 0x000000C0U
#define WAIT_TIMEOUT 258U
#define WAIT_FAILED 0xFFFFFFFFU
#define MAXIMUM_WAIT_OBJECTS 64
#define STATUS_PENDING 0x00000103U

#define EVENT_MODIFY_STATE 0x0002U
#define EVENT_ALL_ACCESS 0x001F0003U
#define SYNCHRONIZE 0x00100000U

#define GMEM_FIXED 0x0000U
#define GMEM_MOVEABLE 0x0002U
#define GMEM_ZEROINIT 0x0040U
#define GPTR (GMEM_FIXED | GMEM_ZEROINIT)
#define GHND (GMEM_MOVEABLE | GMEM_ZEROINIT)
#define LMEM_FIXED 0x0000U
#define LMEM_MOVEABLE 0x0002U
#define LMEM_ZEROINIT 0x0040U
#define LPTR (LMEM_FIXED | LMEM_ZEROINIT)
#define LHND (LMEM_MOVEABLE | LMEM_ZEROINIT)

#define FORMAT_MESSAGE_ALLOCATE_BUFFER 0x00000100U
#define FORMAT_MESSAGE_IGNORE_INSERTS 0x00000200U
#define FORMAT_MESSAGE_FROM_STRING 0x00000400U
#define FORMAT_MESSAGE_FROM_HMODULE 0x00000800U
#define FORMAT_MESSAGE_FROM_SYSTEM 0x00001000U
#define FORMAT_MESSAGE_ARGUMENT_ARRAY 0x00002000U
#define FORMAT_MESSAGE_MAX_WIDTH_MASK 0x000000FFU

#define LANG_NEUTRAL 0x00
#define LANG_ENGLISH 0x09
#define SUBLANG_NEUTRAL 0x00
#define SUBLANG_DEFAULT 0x01
#define SUBLANG_SYS_DEFAULT 0x02
#define SUBLANG_ENGLISH_US 0x01
#define MAKELANGID(primary, sub) ((((WORD)(sub)) << 10) | (WORD)(primary))

/* Error numbers. */

#define NO_ERROR 0U
#define ERROR_SUCCESS 0U
#define ERROR_INVALID_FUNCTION 1U
#define ERROR_FILE_NOT_FOUND 2U
#define ERROR_PATH_NOT_FOUND 3U
#define ERROR_TOO_MANY_OPEN_FILES 4U
#define ERROR_ACCESS_DENIED 5U
#define ERROR_INVALID_HANDLE 6U
#define ERROR_NOT_ENOUGH_MEMORY 8U
#define ERROR_INVALID_DATA 13U
#define ERROR_OUTOFMEMORY 14U
#define ERROR_NOT_READY 21U
#define ERROR_BAD_LENGTH 24U
#define ERROR_WRITE_FAULT 29U
#define ERROR_READ_FAULT 30U
#define ERROR_GEN_FAILURE 31U
#define ERROR_SHARING_VIOLATION 32U
#define ERROR_HANDLE_EOF 38U
#define ERROR_NOT_SUPPORTED 50U
#define ERROR_REM_NOT_LIST 51U
#define ERROR_BAD_NETPATH 53U
#define ERROR_NETWORK_BUSY 54U
#define ERROR_UNEXP_NET_ERR 59U
#define ERROR_NETNAME_DELETED 64U
#define ERROR_NETWORK_ACCESS_DENIED 65U
#define ERROR_BAD_NET_NAME 67U
#define ERROR_FILE_EXISTS 80U
#define ERROR_INVALID_PARAMETER 87U
#define ERROR_BROKEN_PIPE 109U
#define ERROR_BUFFER_OVERFLOW 111U
#define ERROR_DISK_FULL 112U
#define ERROR_CALL_NOT_IMPLEMENTED 120U
#define ERROR_SEM_TIMEOUT 121U
#define ERROR_INSUFFICIENT_BUFFER 122U
#define ERROR_INVALID_NAME 123U
#define ERROR_MOD_NOT_FOUND 126U
#define ERROR_BAD_PATHNAME 161U
#define ERROR_BUSY 170U
#define ERROR_ALREADY_EXISTS 183U
#define ERROR_ENVVAR_NOT_FOUND 203U
#define ERROR_FILENAME_EXCED_RANGE 206U
#define ERROR_BAD_PIPE 230U
#define ERROR_PIPE_BUSY 231U
#define ERROR_NO_DATA 232U
#define ERROR_PIPE_NOT_CONNECTED 233U
#define ERROR_MORE_DATA 234U
#define ERROR_NOT_OWNER 288U
#define ERROR_TOO_MANY_POSTS 298U
#define ERROR_MR_MID_NOT_FOUND 317U
#define ERROR_OPERATION_ABORTED 995U
#define ERROR_IO_INCOMPLETE 996U
#define ERROR_IO_PENDING 997U
#define ERROR_NOACCESS 998U
#define ERROR_INVALID_FLAGS 1004U
#define ERROR_NO_UNICODE_TRANSLATION 1113U
#define ERROR_NOT_FOUND 1168U
#define ERROR_NO_NETWORK 1222U
#define ERROR_CANCELLED 1223U
#define ERROR_NETWORK_UNREACHABLE 1231U
#define ERROR_HOST_UNREACHABLE 1232U
#define ERROR_UNKNOWN_REVISION 1305U
#define ERROR_LOGON_FAILURE 1326U
#define ERROR_INVALID_ACL 1336U
#define ERROR_INVALID_SID 1337U
#define ERROR_INVALID_SECURITY_DESCR 1338U
#define ERROR_NO_SUCH_DOMAIN 1355U
#define ERROR_NO_SYSTEM_RESOURCES 1450U
#define ERROR_TIMEOUT 1460U
#define ERROR_INVALID_USER_BUFFER 1784U
#define ERROR_NOT_ENOUGH_QUOTA 1816U
#define ERROR_REMOTE_MAILSLOTS_DEPRECATED 3025U

/* Mailslots. */

HANDLE WINAPI CreateMailslotA(LPCSTR lpName, DWORD nMaxMessageSize, DWORD lReadTimeout,
                              LPSECURITY_ATTRIBUTES lpSecurityAttributes)
    MAILSLOT_SYMBOL(CreateMailslotA);
HANDLE WINAPI CreateMailslotW(LPCWSTR lpName, DWORD nMaxMessageSize, DWORD lReadTimeout,
                              LPSECURITY_ATTRIBUTES lpSecurityAttributes)
    MAILSLOT_SYMBOL_WIDE(CreateMailslotW);
BOOL WINAPI GetMailslotInfo(HANDLE hMailslot, LPDWORD lpMaxMessageSize, LPDWORD lpNextSize,
                            LPDWORD lpMessageCount, LPDWORD lpReadTimeout)
    MAILSLOT_SYMBOL(GetMailslotInfo);
BOOL WINAPI SetMailslotInfo(HANDLE hMailslot, DWORD lReadTimeout) MAILSLOT_SYMBOL(SetMailslotInfo);

/* Files, which here are mailslots. */

HANDLE WINAPI CreateFileA(LPCSTR lpFileName, DWORD dwDesiredAccess, DWORD dwShareMode,
                          LPSECURITY_ATTRIBUTES lpSecurityAttributes, DWORD dwCreationDisposition,
                          DWORD dwFlagsAndAttributes, HANDLE hTemplateFile)
    MAILSLOT_SYMBOL(CreateFileA);
HANDLE WINAPI CreateFileW(LPCWSTR lpFileName, DWORD dwDesiredAccess, DWORD dwShareMode,
                          LPSECURITY_ATTRIBUTES lpSecurityAttributes, DWORD dwCreationDisposition,
                          DWORD dwFlagsAndAttributes, HANDLE hTemplateFile)
    MAILSLOT_SYMBOL_WIDE(CreateFileW);
BOOL WINAPI ReadFile(HANDLE hFile, LPVOID lpBuffer, DWORD nNumberOfBytesToRead,
                     LPDWORD lpNumberOfBytesRead, LPOVERLAPPED lpOverlapped)
    MAILSLOT_SYMBOL(ReadFile);
BOOL WINAPI WriteFile(HANDLE hFile, LPCVOID lpBuffer, DWORD nNumberOfBytesToWrite,
                      LPDWORD lpNumberOfBytesWritten, LPOVERLAPPED lpOverlapped)
    MAILSLOT_SYMBOL(WriteFile);
BOOL WINAPI ReadFileEx(HANDLE hFile, LPVOID lpBuffer, DWORD nNumberOfBytesToRead,
                       LPOVERLAPPED lpOverlapped,
                       LPOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine)
    MAILSLOT_SYMBOL(ReadFileEx);
BOOL WINAPI WriteFileEx(HANDLE hFile, LPCVOID lpBuffer, DWORD nNumberOfBytesToWrite,
                        LPOVERLAPPED lpOverlapped,
                        LPOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine)
    MAILSLOT_SYMBOL(WriteFileEx);
BOOL WINAPI FlushFileBuffers(HANDLE hFile) MAILSLOT_SYMBOL(FlushFileBuffers);
DWORD WINAPI GetFileType(HANDLE hFile) MAILSLOT_SYMBOL(GetFileType);
BOOL WINAPI GetFileTime(HANDLE hFile, LPFILETIME lpCreationTime, LPFILETIME lpLastAccessTime,
                        LPFILETIME lpLastWriteTime) MAILSLOT_SYMBOL(GetFileTime);
BOOL WINAPI SetFileTime(HANDLE hFile, const FILETIME *lpCreationTime,
                        const FILETIME *lpLastAccessTime, const FILETIME *lpLastWriteTime)
    MAILSLOT_SYMBOL(SetFileTime);

/* Overlapped reads. */

BOOL WINAPI GetOverlappedResult(HANDLE hFile, LPOVERLAPPED lpOverlapped,
                                LPDWORD lpNumberOfBytesTransferred, BOOL bWait)
    MAILSLOT_SYMBOL(GetOverlappedResult);
BOOL WINAPI GetOverlappedResultEx(HANDLE hFile, LPOVERLAPPED lpOverlapped,
                                  LPDWORD lpNumberOfBytesTransferred, DWORD dwMilliseconds,
                                  BOOL bAlertable) MAILSLOT_SYMBOL(GetOverlappedResultEx);
BOOL HasOverlappedIoCompleted(const OVERLAPPED *lpOverlapped)
    MAILSLOT_SYMBOL(HasOverlappedIoCompleted);
BOOL WINAPI CancelIo(HANDLE hFile) MAILSLOT_SYMBOL(CancelIo);
BOOL WINAPI CancelIoEx(HANDLE hFile, LPOVERLAPPED lpOverlapped) MAILSLOT_SYMBOL(CancelIoEx);
BOOL WINAPI CancelSynchronousIo(HANDLE hThread) MAILSLOT_SYMBOL(CancelSynchronousIo);

/* Handles. */

BOOL WINAPI CloseHandle(HANDLE hObject) MAILSLOT_SYMBOL(CloseHandle);
BOOL WINAPI DuplicateHandle(HANDLE hSourceProcessHandle, HANDLE hSourceHandle,
                            HANDLE hTargetProcessHandle, LPHANDLE lpTargetHandle,
                            DWORD dwDesiredAccess, BOOL bInheritHandle, DWORD dwOptions)
    MAILSLOT_SYMBOL(DuplicateHandle);
BOOL WINAPI GetHandleInformation(HANDLE hObject, LPDWORD lpdwFlags)
    MAILSLOT_SYMBOL(GetHandleInformation);
BOOL WINAPI SetHandleInformation(HANDLE hObject, DWORD dwMask, DWORD dwFlags)
    MAILSLOT_SYMBOL(SetHandleInformation);
HANDLE WINAPI GetCurrentProcess(VOID) MAILSLOT_SYMBOL(GetCurrentProcess);
DWORD WINAPI GetCurrentProcessId(VOID) MAILSLOT_SYMBOL(GetCurrentProcessId);
HANDLE WINAPI GetCurrentThread(VOID) MAILSLOT_SYMBOL(GetCurrentThread);
DWORD WINAPI GetCurrentThreadId(VOID) MAILSLOT_SYMBOL(GetCurrentThreadId);

BOOL WINAPI InitializeSecurityDescriptor(PSECURITY_DESCRIPTOR pSecurityDescriptor,
                                         DWORD dwRevision)
    MAILSLOT_SYMBOL(InitializeSecurityDescriptor);
BOOL WINAPI SetSecurityDescriptorDacl(PSECURITY_DESCRIPTOR pSecurityDescriptor, BOOL bDaclPresent,
                                      PACL pDacl, BOOL bDaclDefaulted)
    MAILSLOT_SYMBOL(SetSecurityDescriptorDacl);

/* Waiting. */

DWORD WINAPI WaitForSingleObject(HANDLE hHandle, DWORD dwMilliseconds)
    MAILSLOT_SYMBOL(WaitForSingleObject);
DWORD WINAPI WaitForSingleObjectEx(HANDLE hHandle, DWORD dwMilliseconds, BOOL bAlertable)
    MAILSLOT_SYMBOL(WaitForSingleObjectEx);
DWORD WINAPI WaitForMultipleObjects(DWORD nCount, const HANDLE *lpHandles, BOOL bWaitAll,
                                    DWORD dwMilliseconds) MAILSLOT_SYMBOL(WaitForMultipleObjects);
DWORD WINAPI WaitForMultipleObjectsEx(DWORD nCount, const HANDLE *lpHandles, BOOL bWaitAll,
                                      DWORD dwMilliseconds, BOOL bAlertable)
    MAILSLOT_SYMBOL(WaitForMultipleObjectsEx);
HANDLE WINAPI CreateEventA(LPSECURITY_ATTRIBUTES lpEventAttributes, BOOL bManualReset,
                           BOOL bInitialState, LPCSTR lpName) MAILSLOT_SYMBOL(CreateEventA);
HANDLE WINAPI CreateEventW(LPSECURITY_ATTRIBUTES lpEventAttributes, BOOL bManualReset,
                           BOOL bInitialState, LPCWSTR lpName) MAILSLOT_SYMBOL_WIDE(CreateEventW);
HANDLE WINAPI OpenEventA(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCSTR lpName)
    MAILSLOT_SYMBOL(OpenEventA);
HANDLE WINAPI OpenEventW(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCWSTR lpName)
    MAILSLOT_SYMBOL_WIDE(OpenEventW);
BOOL WINAPI SetEvent(HANDLE hEvent) MAILSLOT_SYMBOL(SetEvent);
BOOL WINAPI ResetEvent(HANDLE hEvent) MAILSLOT_SYMBOL(ResetEvent);
VOID WINAPI Sleep(DWORD dwMilliseconds) MAILSLOT_SYMBOL(Sleep);
DWORD WINAPI SleepEx(DWORD dwMilliseconds, BOOL bAlertable) MAILSLOT_SYMBOL(SleepEx);
DWORD WINAPI GetTickCount(VOID) MAILSLOT_SYMBOL(GetTickCount);
ULONGLONG WINAPI GetTickCount64(VOID) MAILSLOT_SYMBOL(GetTickCount64);

/* Errors. */

DWORD WINAPI GetLastError(VOID) MAILSLOT_SYMBOL(GetLastError);
VOID WINAPI SetLastError(DWORD dwErrCode) MAILSLOT_SYMBOL(SetLastError);
/* Arguments: NULL, or with FORMAT_MESSAGE_ARGUMENT_ARRAY an array of DWORD_PTR. */
DWORD WINAPI FormatMessageA(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId,
                            DWORD dwLanguageId, LPSTR lpBuffer, DWORD nSize, void *Arguments)
    MAILSLOT_SYMBOL(FormatMessageA);
DWORD WINAPI FormatMessageW(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId,
                            DWORD dwLanguageId, LPWSTR lpBuffer, DWORD nSize, void *Arguments)
    MAILSLOT_SYMBOL_WIDE(FormatMessageW);

/* Memory. */

HGLOBAL WINAPI GlobalAlloc(UINT uFlags, SIZE_T dwBytes) MAILSLOT_SYMBOL(GlobalAlloc);
HGLOBAL WINAPI GlobalReAlloc(HGLOBAL hMem, SIZE_T dwBytes, UINT uFlags)
    MAILSLOT_SYMBOL(GlobalReAlloc);
HGLOBAL WINAPI GlobalFree(HGLOBAL hMem) MAILSLOT_SYMBOL(GlobalFree);
SIZE_T WINAPI GlobalSize(HGLOBAL hMem) MAILSLOT_SYMBOL(GlobalSize);
LPVOID WINAPI GlobalLock(HGLOBAL hMem) MAILSLOT_SYMBOL(GlobalLock);
BOOL WINAPI GlobalUnlock(HGLOBAL hMem) MAILSLOT_SYMBOL(GlobalUnlock);
HLOCAL WINAPI LocalAlloc(UINT uFlags, SIZE_T uBytes) MAILSLOT_SYMBOL(GlobalAlloc);
HLOCAL WINAPI LocalReAlloc(HLOCAL hMem, SIZE_T uBytes, UINT uFlags)
    MAILSLOT_SYMBOL(GlobalReAlloc);
HLOCAL WINAPI LocalFree(HLOCAL hMem) MAILSLOT_SYMBOL(GlobalFree);
SIZE_T WINAPI LocalSize(HLOCAL hMem) MAILSLOT_SYMBOL(GlobalSize);
LPVOID WINAPI LocalLock(HLOCAL hMem) MAILSLOT_SYMBOL(GlobalLock);
BOOL WINAPI LocalUnlock(HLOCAL hMem) MAILSLOT_SYMBOL(GlobalUnlock);

#ifdef UNICODE
#define CreateMailslot CreateMailslotW
#define CreateFile CreateFileW
#define CreateEvent CreateEventW
#define OpenEvent OpenEventW
#define FormatMessage FormatMessageW
#else
#define CreateMailslot CreateMailslotA
#define CreateFile CreateFileA
#define CreateEvent CreateEventA
#define OpenEvent OpenEventA
#define FormatMessage FormatMessageA
#endif

/* Not in Win32. */

/* The version of the library that is in use, as text. */
const char *MailslotVersion(void) MAILSLOT_SYMBOL(MailslotVersion);

/* What went wrong in this thread, at length: on which slot, why, and what to do. Fills the buffer
 * (cut to fit, always ended) and returns the length of the whole text in bytes, in UTF-8. */
DWORD MailslotLastErrorText(LPSTR lpBuffer, DWORD nSize) MAILSLOT_SYMBOL(MailslotLastErrorText);

/* How many bytes of unread records may wait, for each write handle, in the slots that this process
 * creates from now on: 1 to 64 GiB, 1 GiB by default. */
BOOL MailslotSetQuota(ULONGLONG ullBytes) MAILSLOT_SYMBOL(MailslotSetQuota);

/* What became of a confirmed record on one computer: ERROR_SUCCESS (accepted: it is queued in the
 * slot there), ERROR_FILE_NOT_FOUND (no such slot there), ERROR_NOT_ENOUGH_QUOTA (full),
 * ERROR_ACCESS_DENIED, ERROR_INVALID_PARAMETER (larger than the slot there takes), ERROR_TIMEOUT
 * (nothing was heard from there in time: it may have arrived or not). The name is in UTF-8. */
typedef struct _MAILSLOT_OUTCOME {
    DWORD dwError;
    CHAR szComputer[256];
} MAILSLOT_OUTCOME, *PMAILSLOT_OUTCOME;

/* Writes one record and waits, at most dwMilliseconds (or INFINITE), for what becomes of it on each
 * computer that the name means which CreateFile was given. TRUE if every one accepted it, and one
 * at least. Otherwise FALSE, and GetLastError says why: ERROR_TIMEOUT if not all outcomes were
 * known in time; else the error of the first computer that did not accept it; or what WriteFile
 * can fail with, and then nothing is known of any computer.
 *
 * Fills lpOutcomes, sorted by computer, with at most nOutcomes of them; lpComputers gets the number
 * of all, which may be more. Both may be NULL. Retries on the network never make two of a record.
 * The function uses a connection of its own: between it and WriteFile on the same handle records
 * keep their order if one call has returned before the other begins. */
BOOL MailslotWriteConfirmed(HANDLE hMailslot, LPCVOID lpBuffer, DWORD nBytes, DWORD dwMilliseconds,
                            PMAILSLOT_OUTCOME lpOutcomes, DWORD nOutcomes, LPDWORD lpComputers)
    MAILSLOT_SYMBOL(MailslotWriteConfirmed);

/* Gives the read handle of a slot that was created with bInheritHandle to another process, over a
 * connected Unix socket (any type). Both may read then: each record goes to one of them. */
BOOL MailslotSendHandle(int iSocket, HANDLE hMailslot) MAILSLOT_SYMBOL(MailslotSendHandle);

/* Takes it there: the new handle, or INVALID_HANDLE_VALUE. Waits if the socket does. */
HANDLE MailslotReceiveHandle(int iSocket) MAILSLOT_SYMBOL(MailslotReceiveHandle);

/* The same in two steps, for programs that send or keep descriptors their own way: a descriptor
 * that is the handle (close it when done with it), or -1; and a handle of such a descriptor, which
 * stays the caller's. */
int MailslotHandleToFd(HANDLE hMailslot) MAILSLOT_SYMBOL(MailslotHandleToFd);
HANDLE MailslotHandleFromFd(int iFd) MAILSLOT_SYMBOL(MailslotHandleFromFd);

#ifdef __cplusplus
}
#endif

#endif
