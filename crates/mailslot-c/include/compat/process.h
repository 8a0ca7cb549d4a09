/* process.h - threads the way Microsoft's C library makes them, on Linux.
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef MAILSLOT_COMPAT_PROCESS_H
#define MAILSLOT_COMPAT_PROCESS_H

#include "windows.h"

#ifdef __cplusplus
extern "C" {
#endif

MAILSLOT_STATIC UINT_PTR _beginthreadex(void *security, unsigned int stack,
                                                  unsigned int(__stdcall *start)(void *),
                                                  void *argument, unsigned int flags,
                                                  unsigned int *id) {
    return (UINT_PTR)CreateThread((LPSECURITY_ATTRIBUTES)security, stack, start,
                                            argument, flags, id);
}

struct mailslot_begin {
    void(__cdecl *start)(void *);
    void *argument;
};

MAILSLOT_STATIC DWORD mailslot_run(LPVOID parameter) {
    struct mailslot_begin begin = *(struct mailslot_begin *)parameter;
    free(parameter);
    begin.start(begin.argument);
    return 0;
}

/* The handle closes itself on Windows when the thread ends; so it must not be closed. */
MAILSLOT_STATIC UINT_PTR _beginthread(void(__cdecl *start)(void *), unsigned int stack,
                                                void *argument) {
    struct mailslot_begin *begin = (struct mailslot_begin *)malloc(sizeof(*begin));
    HANDLE thread;
    if (begin == NULL)
        return (UINT_PTR)-1;
    begin->start = start;
    begin->argument = argument;
    thread = CreateThread(NULL, stack, mailslot_run, begin, 0, NULL);
    if (thread == NULL) {
        free(begin);
        return (UINT_PTR)-1;
    }
    return (UINT_PTR)thread;
}

#ifdef __cplusplus
}
#endif

#define _endthreadex(code) ExitThread(code)
#define _endthread() ExitThread(0)
#define _getpid() ((int)GetCurrentProcessId())

#endif
