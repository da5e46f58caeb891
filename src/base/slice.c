// slice.c -- see slice.h.
//
// With the usual slice a thread that wakes waits until the one that runs has had its own,
// which is found at a clock tick: two milliseconds in the middle with 250 of them a second,
// for each thread on the way of an answer.
// Source: Linux, Documentation/scheduler/sched-eevdf.rst.
// SPDX-License-Identifier: MIT
#include "base/slice.h"

#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SHORT_NS = 100000, RESET_ON_FORK = 1 };  // the shortest there is: 0.1 ms

// As the kernel has it; the C library has neither it nor the calls.
struct sched_settings {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns;  // of an ordinary thread: its slice
    uint64_t deadline_ns, period_ns;
};

void slice_make_short(void)
{
    struct sched_settings s = {.size = sizeof(s)};
    if (syscall(SYS_sched_getattr, 0, &s, sizeof(s), 0) != 0 || s.policy != SCHED_OTHER) {
        return;  // who chose another policy knows why
    }
    s.flags |= RESET_ON_FORK;
    s.runtime_ns = SHORT_NS;
    (void)syscall(SYS_sched_setattr, 0, &s, 0);
}
