/* The library loaded while the program runs, by threads side by side, and let go of while handles
 * are open and threads that have used it live on. Linked with nothing but the C library. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 8
#define ROUNDS 20

#define CHECK(condition)                                                             \
    do {                                                                             \
        if (!(condition)) {                                                          \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);  \
            exit(1);                                                                 \
        }                                                                            \
    } while (0)

typedef void *(*create_mailslot)(const char *, unsigned, unsigned, void *);
typedef void *(*create_file)(const char *, unsigned, unsigned, void *, unsigned, unsigned, void *);
typedef int (*transfer)(void *, void *, unsigned, unsigned *, void *);
typedef int (*close_handle)(void *);
typedef unsigned (*get_last_error)(void);

static void *symbol(void *library, const char *name) {
    void *found = dlsym(library, name);
    CHECK(found != NULL);
    return found;
}

#define GET(library, type, name) ((type)symbol(library, "mailslot_" name))

struct left {
    void *slot, *file;
    transfer read;
    close_handle close;
};

/* What a thread leaves open is used after it, and after the last dlclose. */
static void *use(void *number) {
    struct left *left = NULL;
    int round;
    for (round = 0; round < ROUNDS; round++) {
        void *library = dlopen("libmailslot.so.0", round % 2 ? RTLD_NOW : RTLD_LAZY);
        char name[64], buffer[8];
        unsigned done = 0;
        if (library == NULL)
            fprintf(stderr, "%s\n", dlerror());
        CHECK(library != NULL);
        if (left != NULL) {
            CHECK(left->close(left->file) && left->close(left->slot));
            free(left);
        }
        left = malloc(sizeof(*left));
        CHECK(left != NULL);
        sprintf(name, "\\\\.\\mailslot\\loaded%d", (int)(size_t)number);
        left->slot = GET(library, create_mailslot, "CreateMailslotA")(name, 0, 0, NULL);
        CHECK(left->slot != (void *)-1);
        left->file = GET(library, create_file, "CreateFileA")(name, 1U << 30, 1, NULL, 3, 0, NULL);
        CHECK(left->file != (void *)-1);
        CHECK(GET(library, transfer, "WriteFile")(left->file, "one", 3, &done, NULL));
        CHECK(GET(library, transfer, "WriteFile")(left->file, "two", 3, &done, NULL) && done == 3);
        left->read = GET(library, transfer, "ReadFile");
        left->close = GET(library, close_handle, "CloseHandle");
        CHECK(!left->close(NULL) && GET(library, get_last_error, "GetLastError")() == 6);
        CHECK(left->read(left->slot, buffer, sizeof(buffer), &done, NULL));
        CHECK(done == 3 && memcmp(buffer, "one", 3) == 0);
        CHECK(dlclose(library) == 0);
    }
    return left;
}

int main(void) {
    pthread_t threads[THREADS];
    size_t at;
    for (at = 0; at < THREADS; at++)
        CHECK(pthread_create(&threads[at], NULL, use, (void *)at) == 0);
    for (at = 0; at < THREADS; at++) {
        void *result;
        struct left *left;
        char buffer[8];
        unsigned done = 0;
        CHECK(pthread_join(threads[at], &result) == 0);
        left = result;
        CHECK(left->read(left->slot, buffer, sizeof(buffer), &done, NULL));
        CHECK(done == 3 && memcmp(buffer, "two", 3) == 0);
        CHECK(left->close(left->slot) && left->close(left->file));
        free(left);
    }
    return 0;
}
