// lag.c -- a prepare and a check handle around the loop's sleep, and a histogram.
// SPDX-License-Identifier: MIT
#include "io/lag.h"

#include "base/list.h"

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

static void on_sleep(uv_prepare_t *p)
{
    struct lag *g = container_of(p, struct lag, prepare);
    if (g->woke_ns) {
        lag_note(g, (double)(uv_hrtime() - g->woke_ns) / 1e6);
        g->woke_ns = 0;
    }
}

static void on_wake(uv_check_t *c)
{
    container_of(c, struct lag, check)->woke_ns = uv_hrtime();
}

void lag_open(struct lag *g, struct loop *l)
{
    *g = (struct lag){0};
    uv_prepare_init(&l->uv, &g->prepare);
    closer_hold(&g->closer);
    uv_check_init(&l->uv, &g->check);
    closer_hold(&g->closer);
    uv_prepare_start(&g->prepare, on_sleep);
    uv_check_start(&g->check, on_wake);
    uv_unref((uv_handle_t *)&g->prepare);
    uv_unref((uv_handle_t *)&g->check);
}

static void on_all_closed(struct closer *c)
{
    struct lag *g = container_of(c, struct lag, closer);
    g->on_closed(g->arg);
}

static void on_prepare_closed(uv_handle_t *h)
{
    closer_drop(&container_of((uv_prepare_t *)h, struct lag, prepare)->closer);
}

static void on_check_closed(uv_handle_t *h)
{
    closer_drop(&container_of((uv_check_t *)h, struct lag, check)->closer);
}

void lag_close(struct lag *g, void (*on_closed)(void *arg), void *arg)
{
    g->on_closed = on_closed;
    g->arg = arg;
    g->closer.on_closed = on_all_closed;
    uv_close((uv_handle_t *)&g->prepare, on_prepare_closed);
    uv_close((uv_handle_t *)&g->check, on_check_closed);
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
