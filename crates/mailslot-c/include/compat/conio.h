/* conio.h - single keys from the terminal, on Linux.
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef MAILSLOT_COMPAT_CONIO_H
#define MAILSLOT_COMPAT_CONIO_H

#include "windows.h"

#ifdef __cplusplus
extern "C" {
#endif

int MailslotGetKey(int echo) MAILSLOT_SYMBOL(MailslotGetKey);
int MailslotKeyWaits(void) MAILSLOT_SYMBOL(MailslotKeyWaits);

/* What was printed before must be seen before a key is waited for. */

MAILSLOT_STATIC int _getch(void) {
    fflush(stdout);
    return MailslotGetKey(0);
}

MAILSLOT_STATIC int _getche(void) {
    fflush(stdout);
    return MailslotGetKey(1);
}

MAILSLOT_STATIC int _kbhit(void) {
    fflush(stdout);
    return MailslotKeyWaits();
}

MAILSLOT_STATIC int _putch(int character) {
    return fputc(character, stdout);
}

MAILSLOT_STATIC int _cputs(const char *text) {
    return fputs(text, stdout) < 0 ? -1 : 0;
}

#ifdef __cplusplus
}
#endif

#define getch _getch
#define getche _getche
#define kbhit _kbhit
#define putch _putch
#define cputs _cputs
#define _cprintf mailslot_print_a
#define cprintf mailslot_print_a
#define _gettch _getch
#define _gettche _getche

#endif
