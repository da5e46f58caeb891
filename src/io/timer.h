// timer.h -- one timer, for the few organs that wait for more than an answer.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IO_TIMER_H
#define VLMD_IO_TIMER_H

#include "io/loop.h"

#include <stdbool.h>

// Lives inside its owner, whose memory may go only in on_closed.
struct timer {
    uv_timer_t uv;  // private, like the rest
    void (*on_due)(struct timer *t);
    void (*on_closed)(struct timer *t);
};

void timer_open(struct timer *t, struct loop *l);
// on_due comes once, in ms (at least 1) from now; an earlier start is forgotten.
void timer_start(struct timer *t, int64_t ms, void (*on_due)(struct timer *t));
void timer_stop(struct timer *t);
bool timer_is_started(const struct timer *t);
void timer_close(struct timer *t, void (*on_closed)(struct timer *t));

#endif
