// loop.c -- one uv loop, two clocks, and the counter that says "everything is closed".
// SPDX-License-Identifier: MIT
#include "io/loop.h"

#include <assert.h>
#include <time.h>

int loop_init(struct loop *l)
{
    l->asker = NULL;
    return err_from_errno(-uv_loop_init(&l->uv));
}

int loop_fini(struct loop *l)
{
    return uv_loop_close(&l->uv) == 0 ? 0 : E_BUSY;
}

int64_t loop_now_ms(const struct loop *l)
{
    return (int64_t)uv_now(&l->uv);
}

int64_t loop_wall_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

const char *loop_ask_as(struct loop *l, const char *correlation_id)
{
    const char *before = l->asker;
    l->asker = correlation_id;
    return before;
}

void closer_hold(struct closer *c)
{
    assert(c->holds >= 0);
    c->holds++;
}

void closer_drop(struct closer *c)
{
    assert(c->holds > 0);
    if (--c->holds == 0 && c->on_closed) {
        c->on_closed(c);
    }
}
