/* serverslot.c - creates a mailslot and prints what arrives.
 *
 *     cc serverslot.c -o serverslot $(pkg-config --cflags --libs mailslot)
 *     ./serverslot [name]
 *
 * A record that says "stop" ends it. Write to it with clientslot, or from a shell:
 *
 *     mailslot write 'examples/slot' hello
 */
#include <mailslot.h>
#include <stdio.h>
#include <string.h>

/* Says what failed, and why. */
static int failed(const char *what) {
    char *text = NULL;
    DWORD error = GetLastError();
    FormatMessage(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM |
                      FORMAT_MESSAGE_IGNORE_INSERTS,
                  NULL, error, MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT), (LPTSTR)&text, 0, NULL);
    fprintf(stderr, "%s failed with error %u: %s", what, error, text != NULL ? text : "\n");
    LocalFree(text);
    return 1;
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "\\\\.\\mailslot\\examples\\slot";
    HANDLE slot;
    DWORD next, waiting, read;
    char *record;
    BOOL stop = FALSE;

    slot = CreateMailslot(name, 0, MAILSLOT_WAIT_FOREVER, NULL);
    if (slot == INVALID_HANDLE_VALUE)
        return failed("CreateMailslot");
    printf("Reading from %s\n", name);
    fflush(stdout);

    while (!stop) {
        /* No need to poll: the handle can be waited for. */
        if (WaitForSingleObject(slot, INFINITE) != WAIT_OBJECT_0)
            return failed("WaitForSingleObject");
        if (!GetMailslotInfo(slot, NULL, &next, &waiting, NULL))
            return failed("GetMailslotInfo");
        while (next != MAILSLOT_NO_MESSAGE) {
            /* Room for the record and an end. */
            record = (char *)GlobalAlloc(GPTR, (SIZE_T)next + 1);
            if (record == NULL)
                return failed("GlobalAlloc");
            if (!ReadFile(slot, record, next, &read, NULL))
                return failed("ReadFile");
            printf("%u bytes, %u more records waiting: %s\n", read, waiting - 1, record);
            fflush(stdout);
            stop = stop || strcmp(record, "stop") == 0;
            GlobalFree(record);
            if (!GetMailslotInfo(slot, NULL, &next, &waiting, NULL))
                return failed("GetMailslotInfo");
        }
    }
    CloseHandle(slot);
    return 0;
}
