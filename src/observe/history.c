// history.c -- see history.h.
// SPDX-License-Identifier: MIT
#include "observe/history.h"

#include "base/log.h"
#include "base/machine.h"
#include "spine/pipeline.h"

#include <string.h>

enum { MINUTE_MS = 60000, AGAIN_MS = 10000 };

static void on_minute_over(struct timer *t);

void history_open(struct history *h, struct loop *l, struct store *s,
                  const int64_t keep_ms[STORE_SPANS])
{
    memset(h, 0, sizeof(*h));
    h->loop = l;
    h->store = s;
    memcpy(h->keep_ms, keep_ms, sizeof(h->keep_ms));
    timer_open(&h->timer, l);
}

static void flush(struct history *h);
static void close_timer(struct history *h);

static void on_added(struct store_series_add *r, int err)
{
    struct history *h = container_of(r, struct history, add);
    h->is_under_way = false;
    if (err) {
        log_warn("history", "class=%s a minute is lost: %s", err_name(err), r->err.msg);
    }
    if (h->is_closing) {
        flush(h);
        close_timer(h);
    }
}

static void flush(struct history *h)
{
    timer_stop(&h->timer);
    if (h->point.at_ms == 0 || h->is_under_way) {
        return;
    }
    struct machine machine;
    machine_read(NULL, &machine);
    h->point.rss_bytes = machine.rss;
    h->add.point = h->point;
    memcpy(&h->add.latency, &h->latency, sizeof(h->latency));
    memcpy(h->add.keep_ms, h->keep_ms, sizeof(h->keep_ms));
    memset(&h->point, 0, sizeof(h->point));
    histogram_clear(&h->latency);
    h->is_under_way = true;
    h->written_ms = loop_now_ms(h->loop);
    store_series_add(h->store, &h->add, on_added);
}

// The last minute is still being written, by a disk that takes its time.
static void on_minute_over(struct timer *t)
{
    struct history *h = container_of(t, struct history, timer);
    flush(h);
    if (h->point.at_ms) {
        timer_start(t, AGAIN_MS, on_minute_over);
    }
}

static struct store_point *point_of_now(struct history *h)
{
    if (h->point.at_ms == 0) {
        h->point.at_ms = loop_wall_ms();
        timer_start(&h->timer, MINUTE_MS - h->point.at_ms % MINUTE_MS, on_minute_over);
    }
    return &h->point;
}

static int64_t told(int64_t n)
{
    return n > 0 ? n : 0;
}

void history_asked(struct history *h, const struct job *j, int err)
{
    const struct ask *a = &j->ask;
    struct store_point *p = point_of_now(h);
    p->requests++;
    p->request_errors += err != 0;
    p->prompt_tokens += told(a->prompt_tokens);
    p->completion_tokens += told(a->completion_tokens);
    p->bytes_sent += a->bytes_sent;
    p->cost_micros += (int64_t)(a->cost * 1e6 + 0.5);
    if (err == 0 && a->request_ms >= 0) {
        histogram_add(&h->latency, a->request_ms * 1000);
    }
}

void history_saved(struct history *h, const struct job *j)
{
    point_of_now(h)->by_outcome[j->outcome]++;
    bool is_last = j->pipeline->jobs.total <= 1;
    int64_t since_ms = loop_now_ms(h->loop) - h->written_ms;
    if (is_last && (h->written_ms == 0 || since_ms >= MINUTE_MS)) {
        flush(h);
    }
}

// ---- the end

static void on_timer_closed(struct timer *t)
{
    struct history *h = container_of(t, struct history, timer);
    h->on_closed(h->closed_arg);
}

static void close_timer(struct history *h)
{
    if (!h->is_under_way) {
        timer_close(&h->timer, on_timer_closed);
    }
}

void history_close(struct history *h, void (*on_closed)(void *arg), void *arg)
{
    h->is_closing = true;
    h->on_closed = on_closed;
    h->closed_arg = arg;
    flush(h);
    close_timer(h);
}
