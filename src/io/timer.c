// timer.c -- a thin cover over uv_timer_t, so that organs need not know libuv.
// SPDX-License-Identifier: MIT
#include "io/timer.h"

#include "base/list.h"

static void on_uv_due(uv_timer_t *uv)
{
    struct timer *t = container_of(uv, struct timer, uv);
    t->on_due(t);
}

static void on_uv_closed(uv_handle_t *handle)
{
    struct timer *t = container_of(handle, struct timer, uv);
    t->on_closed(t);
}

void timer_open(struct timer *t, struct loop *l)
{
    uv_timer_init(&l->uv, &t->uv);
}

// A wait counts from now, not from when the loop last looked at the clock.  Never 0:
// libuv 1.44 runs timers of 0 without polling between.
void timer_start(struct timer *t, int64_t ms, void (*on_due)(struct timer *t))
{
    t->on_due = on_due;
    uv_update_time(t->uv.loop);
    uv_timer_start(&t->uv, on_uv_due, ms > 1 ? (uint64_t)ms : 1, 0);
}

void timer_stop(struct timer *t)
{
    uv_timer_stop(&t->uv);
}

bool timer_is_started(const struct timer *t)
{
    return uv_is_active((const uv_handle_t *)&t->uv);
}

void timer_close(struct timer *t, void (*on_closed)(struct timer *t))
{
    t->on_closed = on_closed;
    uv_close((uv_handle_t *)&t->uv, on_uv_closed);
}
