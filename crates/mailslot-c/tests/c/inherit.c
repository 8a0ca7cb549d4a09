/* Handles in other processes: forked, started with exec, and handed over through a socket. */
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *program;

static void await(pid_t child) {
    int status = -1;
    CHECK(child > 0);
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail(__FILE__, __LINE__, "the child failed", (DWORD)status, 0);
}

/* Starts this program again with handles as numbers in its arguments, as programs for Windows do. */
static pid_t start(const char *role, HANDLE one, HANDLE two) {
    char first[24], second[24];
    pid_t child;
    sprintf(first, "%u", (DWORD)(size_t)one);
    sprintf(second, "%u", (DWORD)(size_t)two);
    child = fork();
    if (child == 0) {
        execl(program, program, role, first, second, (char *)NULL);
        _exit(99);
    }
    return child;
}

static HANDLE argument(const char *text) {
    return (HANDLE)(size_t)strtoul(text, NULL, 10);
}

static SECURITY_ATTRIBUTES inheritable(void) {
    SECURITY_ATTRIBUTES attributes;
    attributes.nLength = sizeof(attributes);
    attributes.lpSecurityDescriptor = NULL;
    attributes.bInheritHandle = TRUE;
    return attributes;
}

static void forked(void) {
    SECURITY_ATTRIBUTES attributes = inheritable();
    HANDLE slot = CreateMailslotA(SLOT("fork"), 0, MAILSLOT_WAIT_FOREVER, &attributes);
    HANDLE own = make(SLOT("own"), 0, MAILSLOT_WAIT_FOREVER), file = dial(SLOT("fork"));
    HANDLE back = dial(SLOT("own"));
    char buffer[8];
    DWORD done;
    pid_t child;
    CHECK(IS_HANDLE(slot));
    put(file, "to parent");
    expect(slot, "to parent");
    put(back, "to parent");
    expect(own, "to parent");
    child = fork();
    if (child == 0) {
        /* A read handle works in the child if it is inheritable, write handles always. */
        CHECK_FAILS(ReadFile(own, buffer, 8, &done, NULL), ERROR_INVALID_HANDLE);
        CHECK_EQ(WaitForSingleObject(slot, 1), WAIT_TIMEOUT);
        put(back, "from child");
        expect(slot, "to child");
        put(file, "for anybody");
        /* At exit too, the child's copies must not end the parent's slots. */
        exit(0);
    }
    expect(own, "from child");
    put(file, "to child");
    await(child);
    expect(slot, "for anybody");
    put(file, "alive");
    expect(slot, "alive");
    CHECK_FAILS(IS_HANDLE(CreateMailslotA(SLOT("own"), 0, 0, NULL)), ERROR_ALREADY_EXISTS);
    put(back, "alive");
    expect(own, "alive");
    CHECK(CloseHandle(back));
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(own));
    CHECK(CloseHandle(slot));
}

static volatile int busy = 1;
static HANDLE amid;

static void *keep_busy(void *file) {
    char buffer[8];
    DWORD done;
    while (busy) {
        HANDLE event = CreateEventA(NULL, TRUE, FALSE, NULL);
        CHECK(WriteFile((HANDLE)file, "x", 1, &done, NULL));
        CHECK(ReadFile(amid, buffer, sizeof(buffer), &done, NULL));
        GlobalFree(GlobalAlloc(GPTR, 10));
        CHECK(CloseHandle(event));
    }
    return NULL;
}

/* Forking while other threads are at work: the child can work too. */
static void forked_amid_work(void) {
    HANDLE back = make(SLOT("own"), 0, 0), file, own;
    pthread_t threads[2];
    pid_t child;
    int at;
    amid = make(SLOT("amid"), 0, 0);
    file = dial(SLOT("amid"));
    own = dial(SLOT("own"));
    put(own, "first");
    for (at = 0; at < 2; at++)
        CHECK(pthread_create(&threads[at], NULL, keep_busy, file) == 0);
    for (at = 0; at < 20; at++) {
        child = fork();
        if (child == 0) {
            HANDLE mine = dial(SLOT("own"));
            put(mine, "child");
            put(own, "child");
            CHECK(CloseHandle(mine));
            GlobalFree(GlobalAlloc(GPTR, 10));
            CHECK_EQ(WaitForSingleObject(CreateEventA(NULL, TRUE, FALSE, NULL), 1), WAIT_TIMEOUT);
            /* The memory of the threads that stayed behind is nobody's here: no case for a tool
             * that looks for leaks. */
            execl(program, program, "nothing", (char *)NULL);
            _exit(99);
        }
        await(child);
    }
    busy = 0;
    for (at = 0; at < 2; at++)
        CHECK(pthread_join(threads[at], NULL) == 0);
    CHECK_EQ(waiting(back), 41);
    CHECK(CloseHandle(own));
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(back));
    CHECK(CloseHandle(amid));
}

/* In the child of `started`. */
static int reader(HANDLE slot, HANDLE file) {
    DWORD flags, max;
    expect(slot, "to child");
    CHECK(GetMailslotInfo(slot, &max, NULL, NULL, NULL));
    CHECK_EQ(max, 500);
    CHECK_WORKS(GetHandleInformation(slot, &flags));
    CHECK_EQ(flags, HANDLE_FLAG_INHERIT);
    put(file, "from child");
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(slot));
    CHECK_FAILS(CloseHandle(slot), ERROR_INVALID_HANDLE);
    return 0;
}

static void started(void) {
    SECURITY_ATTRIBUTES attributes = inheritable();
    HANDLE slot = CreateMailslotA(SLOT("exec"), 500, MAILSLOT_WAIT_FOREVER, &attributes);
    HANDLE back = make(SLOT("back"), 0, MAILSLOT_WAIT_FOREVER), file, file_back;
    DWORD flags = UNTOUCHED;
    CHECK(IS_HANDLE(slot));
    file_back = CreateFileA(SLOT("back"), GENERIC_WRITE, 0, &attributes, OPEN_EXISTING, 0, NULL);
    CHECK(IS_HANDLE(file_back));
    file = dial(SLOT("exec"));

    CHECK_WORKS(GetHandleInformation(slot, &flags));
    CHECK_EQ(flags, HANDLE_FLAG_INHERIT);
    CHECK_WORKS(GetHandleInformation(file, &flags));
    CHECK_EQ(flags, 0);

    put(file, "to child");
    await(start("reader", slot, file_back));
    expect(back, "from child");
    /* The child has closed its own. */
    put(file, "to parent");
    expect(slot, "to parent");

    /* While a child has the slot, it lives. */
    put(file, "to child");
    {
        pid_t child = start("reader-on-signal", slot, file_back);
        CHECK(CloseHandle(slot));
        CHECK_FAILS(ReadFile(slot, &flags, 4, NULL, NULL), ERROR_INVALID_HANDLE);
        put(file, "go");
        await(child);
    }
    expect(back, "from child");
    CHECK(CloseHandle(make(SLOT("exec"), 0, 0)));

    /* Without the flag, the child has nothing. */
    slot = CreateMailslotA(SLOT("exec"), 0, 0, &attributes);
    CHECK_WORKS(SetHandleInformation(slot, HANDLE_FLAG_INHERIT, 0));
    CHECK_WORKS(GetHandleInformation(slot, &flags));
    CHECK_EQ(flags, 0);
    await(start("stranger", slot, back));
    CHECK_WORKS(SetHandleInformation(slot, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
    await(start("acquaintance", slot, NULL));
    /* It must be made inheritable. */
    CHECK_WORKS(SetHandleInformation(back, HANDLE_FLAG_INHERIT, 0));
    CHECK_FAILS(SetHandleInformation(back, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT),
                ERROR_NOT_SUPPORTED);
    CHECK(CloseHandle(slot));
    CHECK(CloseHandle(file));
    CHECK(CloseHandle(file_back));
    CHECK(CloseHandle(back));
}

/* In a child to which the parent has sent a handle. */
static int receiver(int channel) {
    HANDLE slot = MailslotReceiveHandle(channel);
    if (!IS_HANDLE(slot)) {
        char text[200];
        MailslotLastErrorText(text, sizeof(text));
        puts(text);
    }
    CHECK(IS_HANDLE(slot));
    expect(slot, "handed over");
    CHECK(write(channel, "y", 1) == 1);
    expect(slot, "after the creator");
    CHECK(CloseHandle(slot));
    return 0;
}

static void handed_over(int type) {
    SECURITY_ATTRIBUTES attributes = inheritable();
    HANDLE slot = CreateMailslotA(SLOT("hand"), 0, MAILSLOT_WAIT_FOREVER, &attributes), copy;
    HANDLE file = dial(SLOT("hand"));
    char number[12], byte;
    int channel[2], fd;
    pid_t child;
    CHECK(IS_HANDLE(slot));
    CHECK(socketpair(AF_UNIX, type, 0, channel) == 0);
    child = fork();
    if (child == 0) {
        CHECK(close(channel[0]) == 0);
        sprintf(number, "%d", channel[1]);
        /* Of the inherited handles, this child shall know nothing. */
        CHECK(SetHandleInformation(slot, HANDLE_FLAG_INHERIT, 0));
        execl(program, program, "receiver", number, (char *)NULL);
        _exit(99);
    }
    CHECK(close(channel[1]) == 0);
    put(file, "handed over");
    CHECK_WORKS(MailslotSendHandle(channel[0], slot));
    CHECK(read(channel[0], &byte, 1) == 1);
    CHECK(CloseHandle(slot));
    put(file, "after the creator");
    await(child);
    CHECK(CloseHandle(make(SLOT("hand"), 0, 0)));
    CHECK_FAILS(WriteFile(file, "x", 1, NULL, NULL), ERROR_FILE_NOT_FOUND);
    CHECK(CloseHandle(file));

    /* The two steps. */
    slot = CreateMailslotA(SLOT("hand"), 0, 0, &attributes);
    file = dial(SLOT("hand"));
    CHECK_WORKS((fd = MailslotHandleToFd(slot)) >= 0);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    copy = MailslotHandleFromFd(fd);
    CHECK(IS_HANDLE(copy));
    CHECK(close(fd) == 0);
    CHECK(CloseHandle(slot));
    put(file, "by the copy");
    expect(copy, "by the copy");
    /* What came over a socket can be given on, and inherited. */
    CHECK_WORKS(DuplicateHandle(GetCurrentProcess(), copy, GetCurrentProcess(), &slot, 0, TRUE,
                                DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
    await(start("acquaintance", slot, NULL));
    CHECK(CloseHandle(slot));
    CHECK(CloseHandle(file));

    /* Nobody at the other end; and something else came. */
    slot = CreateMailslotA(SLOT("hand"), 0, 0, &attributes);
    CHECK_FAILS(MailslotSendHandle(channel[0], slot), ERROR_BROKEN_PIPE);
    CHECK(close(channel[0]) == 0);
    CHECK_FAILS(MailslotSendHandle(channel[0], slot), ERROR_INVALID_HANDLE);
    CHECK(socketpair(AF_UNIX, type, 0, channel) == 0);
    CHECK(write(channel[0], "rubbish!", 8) == 8);
    CHECK_FAILS(IS_HANDLE(MailslotReceiveHandle(channel[1])) && TRUE, ERROR_INVALID_HANDLE);
    CHECK(close(channel[0]) == 0);
    CHECK_FAILS(IS_HANDLE(MailslotReceiveHandle(channel[1])) && TRUE, ERROR_BROKEN_PIPE);
    CHECK(close(channel[1]) == 0);
    CHECK(CloseHandle(slot));
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 1) {
        forked();
        forked_amid_work();
        started();
        handed_over(SOCK_STREAM);
        handed_over(SOCK_SEQPACKET);
        return 0;
    }
    if (strcmp(argv[1], "reader") == 0)
        return reader(argument(argv[2]), argument(argv[3]));
    if (strcmp(argv[1], "reader-on-signal") == 0) {
        /* After the parent has closed its handle: the records are still there. */
        HANDLE slot = argument(argv[2]);
        CHECK_EQ(WaitForSingleObject(slot, INFINITE), WAIT_OBJECT_0);
        WAIT_UNTIL(waiting(slot) == 2);
        return reader(slot, argument(argv[3]));
    }
    if (strcmp(argv[1], "stranger") == 0) {
        DWORD done;
        CHECK_FAILS(ReadFile(argument(argv[2]), &done, 4, &done, NULL), ERROR_INVALID_HANDLE);
        CHECK_FAILS(ReadFile(argument(argv[3]), &done, 4, &done, NULL), ERROR_INVALID_HANDLE);
        return 0;
    }
    if (strcmp(argv[1], "acquaintance") == 0)
        return GetMailslotInfo(argument(argv[2]), NULL, NULL, NULL, NULL) ? 0 : 1;
    if (strcmp(argv[1], "nothing") == 0)
        return 0;
    if (strcmp(argv[1], "receiver") == 0)
        return receiver(atoi(argv[2]));
    return 98;
}
