// fv_batch.h -- one decoding loop that all running requests share, token by token.
//
// A seat joins for a number of steps.  A step gives each seat one token and takes longer the
// more seats there are, so that a server's throughput grows with its load, as it does where
// requests are batched continuously:
//
//     step + per * seats + prefill * new seats + thrash * (seats beyond kv)
//
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef FV_BATCH_H
#define FV_BATCH_H

#include <uv.h>

#include "fv_options.h"
#include "fv_stats.h"

// Zeroed: in no batch.
struct seat {
    struct seat *prev, *next;
    int left;  // steps
    void (*on_done)(struct seat *s);
};

struct batch {
    const struct options *opt;  // borrowed: for life
    struct stats *stats;        // borrowed: for life
    uv_timer_t timer;
    struct seat seats, done;  // heads of rings
    int seats_n, fresh_n;     // fresh: to be prefilled in the next step
    double step_end_ms;
    bool is_ending;  // on_step_end goes on by itself
};

void batch_open(struct batch *b, uv_loop_t *loop, const struct options *opt,
                struct stats *stats);
void batch_close(struct batch *b);
// on_done comes after so many steps, at least one; from there it may join again.  is_fresh:
// the request has just got its slot.
void batch_join(struct batch *b, struct seat *s, int steps, bool is_fresh);
// Does nothing to one that is in no batch.
void batch_leave(struct batch *b, struct seat *s);

#endif
