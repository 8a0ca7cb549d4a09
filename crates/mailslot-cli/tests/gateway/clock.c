/* To be loaded before the C library: a clock that is CLOCK_OFFSET seconds wrong. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*right)(clockid_t, struct timespec *);
    if (!right)
        right = dlsym(RTLD_NEXT, "clock_gettime");
    int result = right(clock, time);
    const char *offset = getenv("CLOCK_OFFSET");
    if (result == 0 && clock == CLOCK_REALTIME && offset)
        time->tv_sec += atol(offset);
    return result;
}
