// fv_batch.c -- one decoding loop that all running requests share, token by token.
//
// Steps follow one another by their computed ends, not by when the timer came: a loop that
// is late makes up for it, and fractions of a millisecond are not lost.
// SPDX-License-Identifier: MIT
#include "fv_batch.h"

#include <assert.h>
#include <stddef.h>

#define LATE_MAX_MS 50  // what is made up for, at most

static void ring_init(struct seat *head)
{
    head->prev = head->next = head;
}

static void ring_add(struct seat *head, struct seat *s)
{
    s->prev = head->prev;
    s->next = head;
    head->prev->next = s;
    head->prev = s;
}

static void ring_remove(struct seat *s)
{
    s->prev->next = s->next;
    s->next->prev = s->prev;
    s->prev = s->next = NULL;
}

static double step_ms(const struct batch *b)
{
    const struct batching *p = &b->opt->batching;
    int beyond = p->kv > 0 && b->seats_n > p->kv ? b->seats_n - p->kv : 0;
    return p->step_ms + p->per_ms * b->seats_n + p->prefill_ms * b->fresh_n +
           p->thrash_ms * beyond;
}

static void on_step_end(uv_timer_t *timer);

static void begin_step(struct batch *b)
{
    double now_ms = (double)uv_now(b->timer.loop);
    if (b->step_end_ms < now_ms - LATE_MAX_MS)
        b->step_end_ms = now_ms;
    b->step_end_ms += step_ms(b);
    b->fresh_n = 0;
    double wait_ms = b->step_end_ms - now_ms;
    uv_timer_start(&b->timer, on_step_end, wait_ms > 0 ? (uint64_t)(wait_ms + 0.5) : 0,
                   0);
}

// One whose time has come may close others, so each is taken off by itself.
static void on_step_end(uv_timer_t *timer)
{
    struct batch *b = timer->data;
    for (struct seat *s = b->seats.next, *next; s != &b->seats; s = next) {
        next = s->next;
        if (--s->left > 0)
            continue;
        ring_remove(s);
        ring_add(&b->done, s);
    }
    b->stats->steps++;
    b->is_ending = true;
    while (b->done.next != &b->done) {
        struct seat *s = b->done.next;
        ring_remove(s);
        b->seats_n--;
        s->on_done(s);
    }
    b->is_ending = false;
    if (b->seats_n > 0)
        begin_step(b);
}

void batch_open(struct batch *b, uv_loop_t *loop, const struct options *opt,
                struct stats *stats)
{
    *b = (struct batch){.opt = opt, .stats = stats};
    ring_init(&b->seats);
    ring_init(&b->done);
    uv_timer_init(loop, &b->timer);
    b->timer.data = b;
}

void batch_close(struct batch *b)
{
    uv_close((uv_handle_t *)&b->timer, NULL);
}

void batch_join(struct batch *b, struct seat *s, int steps, bool is_fresh)
{
    assert(!s->next && s->on_done);
    bool is_stepping = uv_is_active((uv_handle_t *)&b->timer);
    s->left = (steps > 1 ? steps : 1) + is_stepping;  // admitted when this step ends
    ring_add(&b->seats, s);
    b->seats_n++;
    b->fresh_n += is_fresh;
    if (!is_stepping && !b->is_ending)
        begin_step(b);
}

void batch_leave(struct batch *b, struct seat *s)
{
    if (!s->next)
        return;
    ring_remove(s);
    b->seats_n--;
    if (b->seats_n == 0 && !uv_is_closing((uv_handle_t *)&b->timer))
        uv_timer_stop(&b->timer);
}
