// fv_fake.h -- the whole fake backend: one struct, its parts and its clock.
// SPDX-License-Identifier: MIT
#ifndef FV_FAKE_H
#define FV_FAKE_H

#include <stdio.h>

#include <uv.h>

#include "fv_batch.h"
#include "fv_faults.h"
#include "fv_http.h"
#include "fv_options.h"
#include "fv_queue.h"
#include "fv_stats.h"

struct dialect;

struct fake {
    uv_loop_t *loop;     // borrowed: for life
    struct options opt;  // /__fake/config changes some of it
    const struct dialect *dialect;
    struct faults faults;
    struct stats stats;
    struct queue queue;
    struct batch batch;
    struct server server;
    uv_timer_t tick;
    FILE *log;              // owned; NULL: none
    int64_t clock_skew_ms;  // /__fake/config advance_ms adds to it
    uint64_t calls_n;
};

// The fake's own clock: models load and expire by it, and it can be moved on.
int64_t fake_now_ms(const struct fake *f);
// False while a kind that listens only with its model loaded still loads.
bool fake_is_ready(const struct fake *f);
int64_t fake_wall_ms(const struct fake *f);

// Does what is due in the queue and arms the timer for the rest.  To be called after
// every change of the queue.
void fake_tick(struct fake *f);

// Open after fake_open; done when the loop has nothing left after fake_close.
int fake_open(struct fake *f, uv_loop_t *loop, const struct options *opt);
void fake_close(struct fake *f);
// Frees what is left once the loop is empty.
void fake_fini(struct fake *f);

#endif
