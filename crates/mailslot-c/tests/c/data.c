/* Records: the first half of the third table. */
#include "check.h"

static void boundaries(void) {
    HANDLE slot = make(SLOT("data"), 0, 0), one = dial(SLOT("data")), two = dial(SLOT("data"));
    char buffer[16];
    DWORD done;

    put(one, "a");
    put(two, "bc");
    put(two, "");
    CHECK_EQ(waiting(slot), 3);
    CHECK_EQ(next_size(slot), 1);
    expect(slot, "a");
    CHECK_EQ(next_size(slot), 2);
    expect(slot, "bc");
    /* A record without bytes is a record. */
    CHECK_EQ(next_size(slot), 0);
    CHECK_EQ(waiting(slot), 1);
    done = UNTOUCHED;
    CHECK_WORKS(ReadFile(slot, buffer, sizeof(buffer), &done, NULL));
    CHECK_EQ(done, 0);
    CHECK_EQ(next_size(slot), MAILSLOT_NO_MESSAGE);
    CHECK_EQ(waiting(slot), 0);
    done = UNTOUCHED;
    CHECK_FAILS(ReadFile(slot, buffer, sizeof(buffer), &done, NULL), ERROR_SEM_TIMEOUT);
    CHECK_EQ(done, 0);

    /* A buffer that is too small: the record stays. */
    put(one, "0123456789");
    CHECK_FAILS(ReadFile(slot, buffer, 9, &done, NULL), ERROR_INSUFFICIENT_BUFFER);
    CHECK_EQ(done, 0);
    CHECK_EQ(waiting(slot), 1);
    CHECK_EQ(next_size(slot), 10);

    /* A read of nothing: 122 if a record waits, 121 if not, nothing of an empty record. */
    CHECK_FAILS(ReadFile(slot, buffer, 0, &done, NULL), ERROR_INSUFFICIENT_BUFFER);
    expect(slot, "0123456789");
    CHECK_FAILS(ReadFile(slot, buffer, 0, &done, NULL), ERROR_SEM_TIMEOUT);
    CHECK_FAILS(ReadFile(slot, NULL, 0, &done, NULL), ERROR_SEM_TIMEOUT);
    put(one, "");
    CHECK_WORKS(ReadFile(slot, NULL, 0, &done, NULL));
    CHECK_EQ(done, 0);

    /* Exactly the room. */
    put(one, "0123456789");
    CHECK_WORKS(ReadFile(slot, buffer, 10, &done, NULL));
    CHECK_EQ(done, 10);

    /* Samples leave the count away, with an OVERLAPPED or without. */
    CHECK_WORKS(WriteFile(one, "n", 1, NULL, NULL));
    CHECK_WORKS(ReadFile(slot, buffer, sizeof(buffer), NULL, NULL));
    CHECK(buffer[0] == 'n');

    CHECK_FAILS(WriteFile(slot, "x", 1, &done, NULL), ERROR_ACCESS_DENIED);
    CHECK_EQ(done, 0);
    CHECK(CloseHandle(two));
    CHECK(CloseHandle(one));
    CHECK(CloseHandle(slot));
}

static void limits(void) {
    const DWORD large = 20 * 1000 * 1000;
    HANDLE slot = make(SLOT("limit"), 5, 0), file = dial(SLOT("limit"));
    char *bytes = malloc(large), *back = malloc(large);
    DWORD done = UNTOUCHED, at;

    put(file, "12345");
    CHECK_FAILS(WriteFile(file, "123456", 6, &done, NULL), ERROR_INVALID_PARAMETER);
    CHECK_EQ(done, 0);
    put(file, "");
    expect(slot, "12345");
    expect(slot, "");
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));

    /* No limit. */
    slot = make(SLOT("limit"), 0, 0);
    file = dial(SLOT("limit"));
    for (at = 0; at < large; at++)
        bytes[at] = (char)(at * 2654435761U >> 24);
    CHECK_WORKS(WriteFile(file, bytes, large, &done, NULL));
    CHECK_EQ(done, large);
    CHECK_EQ(next_size(slot), large);
    CHECK_WORKS(ReadFile(slot, back, large, &done, NULL));
    CHECK_EQ(done, large);
    CHECK(memcmp(bytes, back, large) == 0);
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));

    /* A quota of our own choice. */
    CHECK_FAILS(MailslotSetQuota(0), ERROR_INVALID_PARAMETER);
    CHECK_WORKS(MailslotSetQuota(100000));
    slot = make(SLOT("limit"), 0, 0);
    file = dial(SLOT("limit"));
    CHECK_WORKS(WriteFile(file, bytes, 90000, &done, NULL));
    CHECK_FAILS(WriteFile(file, bytes, 90000, &done, NULL), ERROR_NOT_ENOUGH_QUOTA);
    CHECK_FAILS(WriteFile(file, bytes, 100001, &done, NULL), ERROR_INVALID_PARAMETER);
    CHECK_EQ(waiting(slot), 1);
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
    CHECK_WORKS(MailslotSetQuota(1 << 30));
    free(back);
    free(bytes);
}

/* Nobody reads, and no write waits. */
static void deep_queue(void) {
    const DWORD deep = 20000;
    HANDLE slot = make(SLOT("deep"), 0, 0), files[3];
    DWORD at, number, done, last[3] = {0, 0, 0};
    for (at = 0; at < 3; at++)
        files[at] = dial(SLOT("deep"));
    for (at = 0; at < deep; at++) {
        number = at * 4 + at % 3;
        CHECK(WriteFile(files[at % 3], &number, sizeof(number), &done, NULL));
    }
    CHECK_EQ(waiting(slot), deep);
    for (at = 0; at < deep; at++) {
        CHECK(ReadFile(slot, &number, sizeof(number), &done, NULL));
        /* In the order of the writes, and so in that of each writer. */
        CHECK_EQ(number / 4, at);
        CHECK(number / 4 >= last[number % 4]);
        last[number % 4] = number / 4;
    }
    CHECK_EQ(waiting(slot), 0);
    for (at = 0; at < 3; at++)
        CHECK(CloseHandle(files[at]));
    CHECK(CloseHandle(slot));
}

int main(void) {
    boundaries();
    limits();
    deep_queue();
    return 0;
}
