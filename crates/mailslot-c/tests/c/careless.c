/* Programs that end without closing anything. */
#include "check.h"
#include <pthread.h>
#include <unistd.h>

static void *read_for_ever(void *slot) {
    char buffer[8];
    DWORD done;
    ReadFile((HANDLE)slot, buffer, sizeof(buffer), &done, NULL);
    puts("a read ended");
    _exit(1);
}

int main(int argc, char **argv) {
    HANDLE slot = make(SLOT("careless"), 0, MAILSLOT_WAIT_FOREVER), file = dial(SLOT("careless"));
    pthread_t thread;
    (void)argc;
    put(file, "never read");
    if (strcmp(argv[1], "exit") == 0)
        exit(3);
    if (strcmp(argv[1], "reading") == 0) {
        expect(slot, "never read");
        CHECK(pthread_create(&thread, NULL, read_for_ever, slot) == 0);
        Sleep(20);
    }
    return 3;
}
