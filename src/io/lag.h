// lag.h -- how long the loop was busy at a time: what an event may have to wait.
//
// A turn is measured from poll to poll, less what poll waited; it costs two looks at the clock
// and no wake-up.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IO_LAG_H
#define VLMD_IO_LAG_H

#include "io/loop.h"

#include <stdbool.h>

enum { LAG_BUCKETS = 12 };

struct lag {
    int64_t turns[LAG_BUCKETS];  // that took at most lag_bound_ms(i); the last: longer
    int64_t n;
    double sum_ms, max_ms;
    // Each turn, if set after lag_open.
    void (*on_turn)(void *arg, int64_t busy_us);
    void *turn_arg;
    // For who steps the loop by himself: is anything there that poll will hand over?
    bool looks_ahead;      // set it to have that looked at, each turn
    bool has_arrived;      // at the last turn
    uv_prepare_t prepare;  // private from here on
    uint64_t began_ns;     // 0 = not seen yet
    uint64_t idle_ns;
    void (*on_closed)(void *arg);
    void *arg;
};

void lag_open(struct lag *g, struct loop *l);
// The loop was not run for a while: its host did something else.
void lag_resume(struct lag *g);
void lag_close(struct lag *g, void (*on_closed)(void *arg), void *arg);
void lag_note(struct lag *g, double ms);  // what open does with every turn
// Upper bound of a bucket in ms; INT64_MAX for the last.
int64_t lag_bound_ms(int bucket);
// A bound that the share pct of all turns kept; 0 = there was none.
int64_t lag_percentile_ms(const struct lag *g, double pct);

#endif
