// lag.c -- a look at the clock before each poll, and a histogram.
//
// libuv runs what became readable inside of its poll, so a look after it would come too late;
// how long poll slept is libuv's own figure.
// SPDX-License-Identifier: MIT
#include "io/lag.h"

#include "base/list.h"

#include <poll.h>

static const int64_t bounds_ms[LAG_BUCKETS] = {1,   2,   5,   10,   20,   50,
                                               100, 200, 500, 1000, 5000, INT64_MAX};

void lag_note(struct lag *g, double ms)
{
    int i = 0;
    while (i < LAG_BUCKETS - 1 && ms > (double)bounds_ms[i]) {
        i++;
    }
    g->turns[i]++;
    g->n++;
    g->sum_ms += ms;
    g->max_ms = ms > g->max_ms ? ms : g->max_ms;
}

void lag_resume(struct lag *g)
{
    g->began_ns = uv_hrtime();
    g->idle_ns = uv_metrics_idle_time(g->prepare.loop);
}

static bool has_arrived(const uv_loop_t *l)
{
    struct pollfd fd = {.fd = uv_backend_fd(l), .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

static void on_sleep(uv_prepare_t *p)
{
    struct lag *g = container_of(p, struct lag, prepare);
    g->has_arrived = g->looks_ahead && has_arrived(p->loop);
    const uint64_t began_ns = g->began_ns, idle_ns = g->idle_ns;
    lag_resume(g);
    const uint64_t passed_ns = g->began_ns - began_ns, waited_ns = g->idle_ns - idle_ns;
    if (began_ns == 0 || passed_ns <= waited_ns) {
        return;
    }
    lag_note(g, (double)(passed_ns - waited_ns) / 1e6);
    if (g->on_turn) {
        g->on_turn(g->turn_arg, (int64_t)((passed_ns - waited_ns) / 1000));
    }
}

void lag_open(struct lag *g, struct loop *l)
{
    *g = (struct lag){0};
    uv_loop_configure(&l->uv, UV_METRICS_IDLE_TIME);
    uv_prepare_init(&l->uv, &g->prepare);
    uv_prepare_start(&g->prepare, on_sleep);
    uv_unref((uv_handle_t *)&g->prepare);
}

static void on_prepare_closed(uv_handle_t *h)
{
    struct lag *g = container_of((uv_prepare_t *)h, struct lag, prepare);
    g->on_closed(g->arg);
}

void lag_close(struct lag *g, void (*on_closed)(void *arg), void *arg)
{
    g->on_closed = on_closed;
    g->arg = arg;
    uv_close((uv_handle_t *)&g->prepare, on_prepare_closed);
}

int64_t lag_bound_ms(int bucket)
{
    return bounds_ms[bucket];
}

int64_t lag_percentile_ms(const struct lag *g, double pct)
{
    double want = (double)g->n * pct / 100, seen = 0;
    for (int i = 0; i < LAG_BUCKETS && g->n; i++) {
        seen += (double)g->turns[i];
        if (seen >= want) {
            return bounds_ms[i];
        }
    }
    return 0;
}
