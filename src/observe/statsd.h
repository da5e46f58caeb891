// statsd.h -- figures sent to a StatsD server while there are some; off by default.
//
// A part of the monitor.  A round reads what /metrics would show and sends what changed; the
// next one is due only after something was done, so that rest costs nothing.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STATSD_H
#define VLMD_STATSD_H

#include "base/statsd_text.h"
#include "io/timer.h"
#include "io/udp.h"
#include "observe/monitor.h"

// 256 packets are more than a registry of a busy worker fills; what is left is sent after a
// pause, in which the server reads them.
enum { STATSD_ROUND_PACKETS = 256, STATSD_PAUSE_MS = 50 };

struct statsd {
    struct app *app;
    int64_t packets, lost;         // rounds that were cut short by an error
    struct udp udp;                // private from here on
    struct statsd_memory *memory;  // owned; NULL = off
    struct timer timer;
    struct monitor_look look;
    struct store_counts counts;
    bool is_reading, is_closing, has_worked, is_failing;
    struct closer closer;
    void (*on_closed)(void *arg);
    void *arg;
};

void statsd_open(struct statsd *s, struct app *a);
void statsd_close(struct statsd *s, void (*on_closed)(void *arg), void *arg);
// Something was done: cheap.
void statsd_wake(struct statsd *s);

#endif
