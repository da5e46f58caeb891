// soak_clock.c -- clocks of a machine that has slept, loaded before the C library.
//
// While a machine sleeps CLOCK_MONOTONIC stands still; the wall clock and CLOCK_BOOTTIME go
// on.  To a program that looks like a jump of those two.  How far they are ahead stands in
// the file that SOAK_CLOCK names: milliseconds, as an int64_t, read anew each time.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead_ms;  // mapped: another process writes it

__attribute__((constructor)) static void map_file(void)
{
    const char *path = getenv("SOAK_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        void *p = mmap(NULL, sizeof(*ahead_ms), PROT_READ, MAP_SHARED, fd, 0);
        ahead_ms = p == MAP_FAILED ? NULL : p;
        close(fd);
    }
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    bool goes_on =
        id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_BOOTTIME;
    int rc = (int)syscall(SYS_clock_gettime, id, t);
    if (rc == 0 && goes_on && ahead_ms) {
        int64_t ms = *ahead_ms;
        t->tv_sec += ms / 1000;
        t->tv_nsec += ms % 1000 * 1000000;
        if (t->tv_nsec >= 1000000000) {
            t->tv_sec++;
            t->tv_nsec -= 1000000000;
        }
    }
    return rc;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    int rc = clock_gettime(CLOCK_REALTIME, &now);
    t->tv_sec = now.tv_sec;
    t->tv_usec = now.tv_nsec / 1000;
    return rc;
}

time_t time(time_t *out)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}
