/* ackslot.c - a mailslot goes one way. For answers, both sides have one: each is server and client.
 *
 *     cc ackslot.c -o ackslot $(pkg-config --cflags --libs mailslot)
 *     ./ackslot desk                        takes notes, acknowledges each, until one says "stop"
 *     ./ackslot visitor1 desk hello stop    sends notes to the desk, waits for each acknowledgement
 *
 * A note says who it is from and has a number; the acknowledgement says the number. Notes that are
 * not acknowledged within a second are sent again; the receiver knows by the number what it has had.
 */
#include <mailslot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE 'n'
#define ACKNOWLEDGEMENT 'a'
#define ATTEMPTS 5

/* What travels: all fields have a fixed size. */
struct message {
    DWORD number;
    char kind;
    char from[64];
    char text[187];
};

static void die(const char *what) {
    char why[512];
    MailslotLastErrorText(why, sizeof(why));
    fprintf(stderr, "%s: error %u: %s\n", what, GetLastError(), why);
    exit(1);
}

static HANDLE open_own(const char *who, DWORD timeout) {
    char name[128];
    HANDLE slot;
    sprintf(name, "\\\\.\\mailslot\\examples\\ack\\%.64s", who);
    slot = CreateMailslot(name, sizeof(struct message), timeout, NULL);
    if (slot == INVALID_HANDLE_VALUE)
        die(name);
    return slot;
}

/* FALSE if nobody is there. */
static BOOL send_to(const char *who, const struct message *message) {
    char name[128];
    DWORD written;
    BOOL sent;
    HANDLE file;
    sprintf(name, "\\\\.\\mailslot\\examples\\ack\\%.64s", who);
    file = CreateFile(name, GENERIC_WRITE, FILE_SHARE_READ, NULL, OPEN_EXISTING,
                      FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return FALSE;
    sent = WriteFile(file, message, sizeof(*message), &written, NULL);
    CloseHandle(file);
    return sent;
}

static void fill(struct message *message, char kind, DWORD number, const char *from,
                 const char *text) {
    memset(message, 0, sizeof(*message));
    message->kind = kind;
    message->number = number;
    strncpy(message->from, from, sizeof(message->from) - 1);
    strncpy(message->text, text, sizeof(message->text) - 1);
}

/* Reads one message. False if none came in time, or something else did. */
static BOOL receive(HANDLE slot, struct message *message) {
    DWORD read;
    if (!ReadFile(slot, message, sizeof(*message), &read, NULL)) {
        if (GetLastError() == ERROR_SEM_TIMEOUT)
            return FALSE;
        die("ReadFile");
    }
    /* Anybody may write here: take nothing for granted. */
    if (read != sizeof(*message))
        return FALSE;
    message->from[sizeof(message->from) - 1] = 0;
    message->text[sizeof(message->text) - 1] = 0;
    return TRUE;
}

static void desk(const char *me) {
    HANDLE slot = open_own(me, MAILSLOT_WAIT_FOREVER);
    struct message note, answer;
    char last_from[64] = "";
    DWORD last_number = 0;
    printf("%s is open\n", me);
    fflush(stdout);
    do {
        if (!receive(slot, &note) || note.kind != NOTE)
            continue;
        if (note.number != last_number || strcmp(note.from, last_from) != 0) {
            printf("note %u from %s: %s\n", note.number, note.from, note.text);
            fflush(stdout);
        }
        last_number = note.number;
        strcpy(last_from, note.from);
        fill(&answer, ACKNOWLEDGEMENT, note.number, me, "");
        /* Whoever has gone in the meantime needs no answer. */
        send_to(note.from, &answer);
    } while (strcmp(note.text, "stop") != 0);
    CloseHandle(slot);
}

static void visitor(const char *me, const char *other, int count, char **texts) {
    HANDLE slot = open_own(me, 1000);
    struct message note, answer;
    int at, attempt;
    for (at = 0; at < count; at++) {
        fill(&note, NOTE, (DWORD)at + 1, me, texts[at]);
        memset(&answer, 0, sizeof(answer));
        for (attempt = 0; attempt < ATTEMPTS; attempt++) {
            if (!send_to(other, &note))
                die(other);
            if (receive(slot, &answer) && answer.kind == ACKNOWLEDGEMENT &&
                answer.number == note.number)
                break;
        }
        if (attempt == ATTEMPTS) {
            fprintf(stderr, "note %u was not acknowledged\n", note.number);
            exit(1);
        }
        printf("note %u was acknowledged by %s\n", note.number, answer.from);
    }
    CloseHandle(slot);
}

int main(int argc, char **argv) {
    if (argc == 2) {
        desk(argv[1]);
    } else if (argc > 3) {
        visitor(argv[1], argv[2], argc - 3, argv + 3);
    } else {
        fprintf(stderr, "usage: %s OWN-NAME [OTHER-NAME NOTE...]\n", argv[0]);
        return 2;
    }
    return 0;
}
