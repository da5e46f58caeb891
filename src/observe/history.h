// history.h -- what this process did, on its way into the database's series.
//
// Collects a minute's events and writes them when the minute is over, or at once when there is
// nothing else to do and a minute has passed since the last time: a single picture leaves no
// timer behind.  A minute without any writes nothing.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_HISTORY_H
#define VLMD_HISTORY_H

#include "io/timer.h"
#include "store/series.h"

struct job;

struct history {
    struct store *store;  // borrowed
    struct loop *loop;    // borrowed
    int64_t keep_ms[STORE_SPANS];
    struct timer timer;
    struct store_point point;  // of the minute under way; at_ms 0 = nothing yet
    struct histogram latency;
    bool is_under_way;
    int64_t written_ms;  // monotonic, last time; 0 = never
    struct store_series_add add;
    bool is_closing;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

void history_open(struct history *h, struct loop *l, struct store *s,
                  const int64_t keep_ms[STORE_SPANS]);
void history_asked(struct history *h, const struct job *j, int err);
void history_saved(struct history *h, const struct job *j);
// Writes what there is; before the store is closed.
void history_close(struct history *h, void (*on_closed)(void *arg), void *arg);

#endif
