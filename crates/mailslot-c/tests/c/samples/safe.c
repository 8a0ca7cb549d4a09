/* The functions of Microsoft's C library that end in _s, and numbers as text. Not edited for
 * Linux. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <time.h>
int main() {
    char name[32], word[16], c;
    int n;
    __time64_t t;
    struct tm tmv;
    char when[64];
    errno_t err;
    FILE *f;
    DWORD cb;
    HANDLE s, h;
    char *ctx, *tok;
    char big[20];
    printf("name and number: ");
    scanf_s("%s %d %c", name, (unsigned)_countof(name), &n, &c, 1);
    sscanf_s("alpha 42", "%15s %d", word, (unsigned)sizeof(word), &n);
    printf("%s %s %d %c\n", name, word, n, c);
    _time64(&t);
    err = _localtime64_s(&tmv, &t);
    if (err)
        return 1;
    strftime(when, sizeof(when), "%Y", &tmv);
    {
        time_t t2 = time(NULL);
        struct tm l;
        localtime_s(&l, &t2);
        asctime_s(when, sizeof(when), &l);
        ctime_s(when, sizeof(when), &t2);
    }
    err = fopen_s(&f, "/dev/null", "w");
    if (err != 0)
        return 2;
    fclose(f);
    strcpy_s(big, sizeof(big), "a,b;c");
    tok = strtok_s(big, ",;", &ctx);
    while (tok) {
        printf("[%s]", tok);
        tok = strtok_s(NULL, ",;", &ctx);
    }
    printf("\n");
    _snprintf_s(big, sizeof(big), _TRUNCATE, "%s-%d", "trunc", 5);
    puts(big);
    _itoa_s(255, big, sizeof(big), 16);
    puts(big);
    _strupr_s(big, sizeof(big));
    puts(big);
    strncat_s(big, sizeof(big), "xyz", 2);
    puts(big);
    _ultoa(4000000000UL, big, 10);
    puts(big);
    _i64toa(5000000000LL, big, 10);
    puts(big);
    printf("%lld\n", _atoi64("5000000001"));
    s = CreateMailslotA("\\\\.\\mailslot\\scanf", 0, 0, 0);
    h = CreateFileA("\\\\.\\mailslot\\scanf", GENERIC_WRITE, FILE_SHARE_READ, 0, OPEN_EXISTING, 0,
                    0);
    WriteFile(h, name, (DWORD)strlen(name) + 1, &cb, NULL);
    ReadFile(s, big, sizeof big, &cb, NULL);
    printf("%u %s\n", cb, big);
    _sleep(1);
    CloseHandle(h);
    CloseHandle(s);
    fflush(stdin);
    rewind(stdin);
    return 0;
}
