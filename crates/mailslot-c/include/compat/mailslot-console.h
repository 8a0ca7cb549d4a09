/* mailslot-console.h - the console of Windows, on Linux a terminal. Part of windows.h.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#include "windows.h"

#ifndef MAILSLOT_COMPAT_CONSOLE_H
#define MAILSLOT_COMPAT_CONSOLE_H

#ifdef __cplusplus
extern "C" {
#endif

#define STD_INPUT_HANDLE ((DWORD)-10)
#define STD_OUTPUT_HANDLE ((DWORD)-11)
#define STD_ERROR_HANDLE ((DWORD)-12)
HANDLE WINAPI GetStdHandle(DWORD nStdHandle) MAILSLOT_SYMBOL(GetStdHandle);

#define CTRL_C_EVENT 0
#define CTRL_BREAK_EVENT 1
#define CTRL_CLOSE_EVENT 2
#define CTRL_LOGOFF_EVENT 5
#define CTRL_SHUTDOWN_EVENT 6
typedef BOOL(WINAPI *PHANDLER_ROUTINE)(DWORD CtrlType);
/* As on Windows, a thread calls the handlers: the only one that the library ever starts. */
BOOL WINAPI SetConsoleCtrlHandler(PHANDLER_ROUTINE HandlerRoutine, BOOL Add)
    MAILSLOT_SYMBOL(SetConsoleCtrlHandler);
BOOL WINAPI GenerateConsoleCtrlEvent(DWORD dwCtrlEvent, DWORD dwProcessGroupId)
    MAILSLOT_SYMBOL(GenerateConsoleCtrlEvent);

typedef struct _COORD {
    SHORT X;
    SHORT Y;
} COORD, *PCOORD;

typedef struct _SMALL_RECT {
    SHORT Left;
    SHORT Top;
    SHORT Right;
    SHORT Bottom;
} SMALL_RECT;

typedef struct _CONSOLE_SCREEN_BUFFER_INFO {
    COORD dwSize;
    COORD dwCursorPosition;
    WORD wAttributes;
    SMALL_RECT srWindow;
    COORD dwMaximumWindowSize;
} CONSOLE_SCREEN_BUFFER_INFO, *PCONSOLE_SCREEN_BUFFER_INFO;

#define FOREGROUND_BLUE 0x0001
#define FOREGROUND_GREEN 0x0002
#define FOREGROUND_RED 0x0004
#define FOREGROUND_INTENSITY 0x0008
#define BACKGROUND_BLUE 0x0010
#define BACKGROUND_GREEN 0x0020
#define BACKGROUND_RED 0x0040
#define BACKGROUND_INTENSITY 0x0080

#define ENABLE_PROCESSED_INPUT 0x0001U
#define ENABLE_LINE_INPUT 0x0002U
#define ENABLE_ECHO_INPUT 0x0004U

/* Colours and places, where standard output is a terminal. */

MAILSLOT_STATIC BOOL SetConsoleTextAttribute(HANDLE hConsoleOutput, WORD wAttributes) {
    int shift, color[2];
    (void)hConsoleOutput;
    /* Windows counts blue, green, red, and terminals the other way round. */
    for (shift = 0; shift < 2; shift++) {
        int bits = wAttributes >> 4 * shift;
        color[shift] = ((bits & 1) << 2 | (bits & 2) | (bits & 4) >> 2) + ((bits & 8) ? 60 : 0);
    }
    if (isatty(1)) {
        printf("\033[%d;%dm", 30 + color[0], 40 + color[1]);
        fflush(stdout);
    }
    return TRUE;
}

MAILSLOT_STATIC BOOL SetConsoleCursorPosition(HANDLE hConsoleOutput, COORD dwCursorPosition) {
    (void)hConsoleOutput;
    if (isatty(1)) {
        printf("\033[%d;%dH", dwCursorPosition.Y + 1, dwCursorPosition.X + 1);
        fflush(stdout);
    }
    return TRUE;
}

MAILSLOT_STATIC BOOL GetConsoleScreenBufferInfo(HANDLE hConsoleOutput,
                                                PCONSOLE_SCREEN_BUFFER_INFO lpInfo) {
    CONSOLE_SCREEN_BUFFER_INFO info = {{80, 25}, {0, 0}, 7, {0, 0, 79, 24}, {80, 25}};
    (void)hConsoleOutput;
    *lpInfo = info;
    return TRUE;
}

MAILSLOT_STATIC BOOL FillConsoleOutputCharacterA(HANDLE hConsoleOutput, CHAR cCharacter,
                                                 DWORD nLength, COORD dwWriteCoord,
                                                 LPDWORD lpWritten) {
    (void)hConsoleOutput;
    (void)cCharacter;
    if (isatty(1) && dwWriteCoord.X == 0 && dwWriteCoord.Y == 0)
        fputs("\033[2J", stdout);
    *lpWritten = nLength;
    return TRUE;
}

MAILSLOT_STATIC BOOL FillConsoleOutputAttribute(HANDLE hConsoleOutput, WORD wAttribute,
                                                DWORD nLength, COORD dwWriteCoord,
                                                LPDWORD lpWritten) {
    (void)hConsoleOutput;
    (void)wAttribute;
    (void)dwWriteCoord;
    *lpWritten = nLength;
    return TRUE;
}

MAILSLOT_STATIC BOOL WriteConsoleA(HANDLE hConsoleOutput, const VOID *lpBuffer, DWORD nChars,
                                   LPDWORD lpWritten, LPVOID lpReserved) {
    (void)lpReserved;
    return WriteFile(hConsoleOutput, lpBuffer, nChars, lpWritten, NULL);
}

MAILSLOT_STATIC BOOL WriteConsoleW(HANDLE hConsoleOutput, const VOID *lpBuffer, DWORD nChars,
                                   LPDWORD lpWritten, LPVOID lpReserved) {
    int room = nChars > 0 ? WideCharToMultiByte(CP_UTF8, 0, (LPCWSTR)lpBuffer, (int)nChars, NULL, 0,
                                                NULL, NULL)
                          : 0;
    char *bytes = (char *)malloc((size_t)room + 1);
    BOOL done = bytes != NULL;
    (void)lpReserved;
    if (done && room > 0)
        done = WideCharToMultiByte(CP_UTF8, 0, (LPCWSTR)lpBuffer, (int)nChars, bytes, room, NULL,
                                   NULL) == room &&
               WriteFile(hConsoleOutput, bytes, (DWORD)room, NULL, NULL);
    free(bytes);
    if (lpWritten != NULL)
        *lpWritten = done ? nChars : 0;
    return done;
}

MAILSLOT_STATIC BOOL ReadConsoleA(HANDLE hConsoleInput, LPVOID lpBuffer, DWORD nChars,
                                  LPDWORD lpRead, LPVOID lpControl) {
    (void)lpControl;
    return ReadFile(hConsoleInput, lpBuffer, nChars, lpRead, NULL);
}

MAILSLOT_STATIC BOOL GetConsoleMode(HANDLE hConsole, LPDWORD lpMode) {
    (void)hConsole;
    *lpMode = ENABLE_PROCESSED_INPUT | ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT;
    return isatty(0);
}

MAILSLOT_STATIC BOOL SetConsoleMode(HANDLE hConsole, DWORD dwMode) {
    (void)hConsole;
    (void)dwMode;
    return TRUE;
}

MAILSLOT_STATIC BOOL SetConsoleTitleA(LPCSTR lpConsoleTitle) {
    (void)lpConsoleTitle;
    return TRUE;
}

MAILSLOT_STATIC BOOL SetConsoleTitleW(LPCWSTR lpConsoleTitle) {
    (void)lpConsoleTitle;
    return TRUE;
}

MAILSLOT_STATIC BOOL SetConsoleOutputCP(UINT wCodePageID) {
    (void)wCodePageID;
    return TRUE;
}

MAILSLOT_STATIC BOOL SetConsoleCP(UINT wCodePageID) {
    (void)wCodePageID;
    return TRUE;
}

MAILSLOT_STATIC UINT GetConsoleOutputCP(VOID) {
    return CP_UTF8;
}

MAILSLOT_STATIC BOOL AllocConsole(VOID) {
    return TRUE;
}

MAILSLOT_STATIC BOOL FreeConsole(VOID) {
    return TRUE;
}

MAILSLOT_STATIC BOOL MessageBeep(UINT uType) {
    (void)uType;
    if (isatty(1)) {
        fputc('\a', stdout);
        fflush(stdout);
    }
    return TRUE;
}

MAILSLOT_STATIC BOOL Beep(DWORD dwFreq, DWORD dwDuration) {
    (void)dwFreq;
    MessageBeep(0);
    Sleep(dwDuration);
    return TRUE;
}

/* What a debugger would show is said on standard error. */

MAILSLOT_STATIC VOID OutputDebugStringA(LPCSTR lpOutputString) {
    fprintf(stderr, "%s", lpOutputString);
}

MAILSLOT_STATIC VOID OutputDebugStringW(LPCWSTR lpOutputString) {
    fprintf(stderr, "%ls", lpOutputString);
}

#ifdef UNICODE
#define SetConsoleTitle SetConsoleTitleW
#define WriteConsole WriteConsoleW
#define OutputDebugString OutputDebugStringW
#else
#define SetConsoleTitle SetConsoleTitleA
#define WriteConsole WriteConsoleA
#define ReadConsole ReadConsoleA
#define OutputDebugString OutputDebugStringA
#endif
#define FillConsoleOutputCharacter FillConsoleOutputCharacterA

#ifdef __cplusplus
}
#endif

#endif
