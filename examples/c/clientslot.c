/* clientslot.c - writes each of its arguments to the mailslot of serverslot, as one record.
 *
 *     cc clientslot.c -o clientslot $(pkg-config --cflags --libs mailslot)
 *     ./clientslot hello world stop
 */
#include <mailslot.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    const char *name = "\\\\.\\mailslot\\examples\\slot";
    HANDLE file;
    DWORD written, length;
    char why[512];
    int at;

    file = CreateFile(name, GENERIC_WRITE, FILE_SHARE_READ, NULL, OPEN_EXISTING,
                      FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        /* Beside the number, the library can tell the whole story. */
        MailslotLastErrorText(why, sizeof(why));
        fprintf(stderr, "Error %u: %s\n", GetLastError(), why);
        return 1;
    }
    for (at = 1; at < argc; at++) {
        length = (DWORD)strlen(argv[at]);
        if (!WriteFile(file, argv[at], length, &written, NULL)) {
            MailslotLastErrorText(why, sizeof(why));
            fprintf(stderr, "Error %u: %s\n", GetLastError(), why);
            return 1;
        }
        printf("Wrote %u bytes.\n", written);
    }
    CloseHandle(file);
    return 0;
}
