/* Remote names, with the gateway of tests/remote.rs. */
#include "check.h"

static MAILSLOT_OUTCOME outcomes[4];

/* Opens, writes confirmed, closes. The number of computers, or 0 on an error. */
static BOOL confirmed(const char *name, const char *text, DWORD room, DWORD *computers) {
    HANDLE file = dial(name);
    BOOL done;
    DWORD error;
    memset(outcomes, 0xff, sizeof(outcomes));
    done = MailslotWriteConfirmed(file, text, (DWORD)strlen(text), 2000, outcomes, room, computers);
    error = GetLastError();
    CHECK(CloseHandle(file));
    SetLastError(error);
    return done;
}

static void is(int index, const char *computer, DWORD error) {
    CHECK_EQ(outcomes[index].dwError, error);
    CHECK(strcmp(outcomes[index].szComputer, computer) == 0);
}

int main(void) {
    HANDLE slot, file;
    DWORD count = UNTOUCHED, written = UNTOUCHED;
    char text[400];
    int i;

    /* A computer that nobody knows: the open succeeds, the write fails, as on Windows. */
    file = dial("\\\\NOBODY\\mailslot\\x");
    for (i = 0; i < 3; i++) {
        CHECK_FAILS(WriteFile(file, "x", 1, &written, NULL), ERROR_BAD_NETPATH);
        CHECK_EQ(written, 0);
    }
    CHECK(MailslotLastErrorText(text, sizeof(text)) > 0);
    CHECK(strstr(text, "computer not found") != NULL);
    CHECK(CloseHandle(file));

    file = dial("\\\\JOE\\mailslot\\x");
    for (i = 0; i < 100; i++)
        put(file, "to JOE");
    CHECK_FAILS(ReadFile(file, text, 8, &count, NULL), ERROR_ACCESS_DENIED);
    /* Plain and confirmed writes of one handle. */
    CHECK_WORKS(MailslotWriteConfirmed(file, "x", 1, INFINITE, NULL, 0, NULL));
    CHECK_WORKS(MailslotWriteConfirmed(file, NULL, 0, INFINITE, NULL, 0, &count));
    CHECK_EQ(count, 1);
    put(file, "to JOE");
    CHECK_FAILS(MailslotWriteConfirmed(file, NULL, 1, 0, NULL, 0, NULL), ERROR_NOACCESS);
    CHECK(CloseHandle(file));
    CHECK_FAILS(MailslotWriteConfirmed(file, "x", 1, 0, NULL, 0, NULL), ERROR_INVALID_HANDLE);

    CHECK_WORKS(confirmed("\\\\JOE\\mailslot\\x", "x", 4, &count));
    CHECK_EQ(count, 1);
    is(0, "JOE", ERROR_SUCCESS);
    CHECK_EQ(outcomes[1].dwError, 0xFFFFFFFFU);

    CHECK_FAILS(confirmed("\\\\OFFICE\\mailslot\\x", "x", 4, &count), ERROR_FILE_NOT_FOUND);
    CHECK_EQ(count, 3);
    is(0, "ANN", ERROR_SUCCESS);
    is(1, "EMMA", ERROR_FILE_NOT_FOUND);
    is(2, "JOE", ERROR_NOT_ENOUGH_QUOTA);
    CHECK_EQ(outcomes[3].dwError, 0xFFFFFFFFU);
    CHECK_FAILS(confirmed("\\\\OFFICE\\mailslot\\x", "x", 1, &count), ERROR_FILE_NOT_FOUND);
    CHECK_EQ(count, 3);
    is(0, "ANN", ERROR_SUCCESS);
    CHECK_EQ(outcomes[1].dwError, 0xFFFFFFFFU);

    /* Silence is no success, and neither is that nobody is there. */
    CHECK_FAILS(confirmed("\\\\SILENT\\mailslot\\x", "x", 4, &count), ERROR_TIMEOUT);
    CHECK_EQ(count, 0);
    CHECK_FAILS(confirmed("\\\\AWAY\\mailslot\\x", "x", 4, &count), ERROR_TIMEOUT);
    is(0, "AWAY", ERROR_TIMEOUT);
    CHECK_FAILS(confirmed("\\\\NOWHERE\\mailslot\\x", "x", 4, &count), ERROR_BAD_NETPATH);
    CHECK_FAILS(confirmed("\\\\NOBODY\\mailslot\\x", "x", 4, &count), ERROR_BAD_NETPATH);
    CHECK_EQ(count, 0);

    /* No limit of 424 bytes, neither for a computer nor for all. */
    {
        static char record[100000];
        static const char *const names[] = {"\\\\JOE\\mailslot\\x", "\\\\*\\mailslot\\x"};
        for (i = 0; i < 2; i++) {
            file = dial(names[i]);
            CHECK_WORKS(WriteFile(file, record, 425, &written, NULL));
            CHECK_WORKS(WriteFile(file, record, sizeof(record), &written, NULL));
            CHECK_EQ(written, sizeof(record));
            CHECK(CloseHandle(file));
        }
    }

    /* A slot of this computer, by each of its names. */
    slot = make(SLOT("here"), 100, 0);
    CHECK_WORKS(confirmed(SLOT("here"), "one", 4, &count));
    is(0, "HERE", ERROR_SUCCESS);
    CHECK_WORKS(confirmed("\\\\here\\mailslot\\HERE", "two", 4, &count));
    file = dial("\\\\localhost\\mailslot\\here");
    put(file, "three");
    expect(slot, "one");
    expect(slot, "two");
    expect(slot, "three");
    memset(text, 'x', sizeof(text));
    CHECK_FAILS(MailslotWriteConfirmed(file, text, 101, 0, outcomes, 4, NULL),
                ERROR_INVALID_PARAMETER);
    is(0, "HERE", ERROR_INVALID_PARAMETER);
    CHECK_FAILS(MailslotWriteConfirmed(slot, "x", 1, 0, NULL, 0, NULL), ERROR_ACCESS_DENIED);
    CHECK(CloseHandle(slot));
    CHECK_FAILS(MailslotWriteConfirmed(file, "x", 1, 0, outcomes, 4, NULL), ERROR_FILE_NOT_FOUND);
    CHECK(CloseHandle(file));
    return 0;
}
