// monitor.h -- watches the process itself: readings of the machine, how busy the loop is.
//
// Thread: loop; readings are made in the reader pool, for files may make one wait.
// SPDX-License-Identifier: MIT
#ifndef VLMD_MONITOR_H
#define VLMD_MONITOR_H

#include "app.h"
#include "base/machine.h"
#include "io/lag.h"
#include "vlmd_health.h"

struct alerter;
struct statsd;

struct monitor {
    struct app *app;
    struct lag lag;
    struct machine base;       // of the reading before: processor shares are differences
    struct alerter *alerter;   // owned
    struct statsd *statsd;     // owned
    int64_t used_ms;           // monotonic; when usage was measured
    int64_t used_cpu_ms, rss;  //   and what it was
    double cpu_pct;
    int64_t base_ms;       // monotonic
    struct closer closer;  // of the measuring, the alerts and readings under way
    void (*on_closed)(void *arg);
    void *arg;
};

// One reading, embedded in whoever wants it.
struct monitor_look {
    // out
    struct machine machine;
    struct machine_disk disk;  // where the database is
    int disk_err;
    double process_cpu_pct;  // of one core, since the reading before (at least a second)
    double cpu_pct;          // of the machine
    struct pool_work work;   // private from here on
    struct app *app;
    void (*done)(struct monitor_look *l, int err);
};
// Errors in done: E_CANCELED.
void monitor_look(struct app *a, struct monitor_look *l,
                  void (*done)(struct monitor_look *l, int err));

// Cheap, measured at most once a second: fills the fields of out that are about the process.
void monitor_usage(struct app *a, struct vlmd_stats *out);

// A figure changed that others may want to hear of.  Cheap.
void monitor_changed(struct app *a);

// A part of the application (app.c).
int monitor_open(struct app *a, struct err *e);
void monitor_close(struct app *a, void (*on_closed)(void *arg), void *arg);

#endif
