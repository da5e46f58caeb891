// clock.h -- the monotonic clock and the thread's, in microseconds, for measuring only.
//
// Decisions take the loop's time as an argument (loop_now_ms); this is for how long
// something took.
// Thread: any.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_CLOCK_H
#define VLMD_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

// Processor time of the calling thread.
static inline int64_t clock_thread_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

#endif
