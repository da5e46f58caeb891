// admission.c -- see admission.h.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"
#include "share.h"

#include "base/clock.h"

#include <assert.h>
#include <sched.h>

enum {
    SAVED_US = 20000,
    // Of those who ask without end, 99 of 100 are to be answered in 50 ms; what their own
    // sending and reading takes is not seen from here.
    WITHIN_US = 46000,
    MOST_US = ADMISSION_MOST_MS * 1000,
    LEAST_US = 35000,
    SPARE_US = 25000,
    AHEAD_MS = 4  // that what is asked ahead of a turn has before it
};

static int count_processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 0 ? n : 1;
}

void admission_open(struct admin *a)
{
    struct admission *d = &a->admission;
    d->config =
        (struct turns_config){.processors = count_processors(), .ahead_us = SAVED_US};
    d->pace = (struct turns_pace){.most_us = MOST_US,
                                  .least_us = LEAST_US,
                                  .spare_us = SPARE_US,
                                  .within_us = WITHIN_US,
                                  .excess_us = WITHIN_US - MOST_US,
                                  .busy = TURNS_ALL};
    list_init(&d->waiting);
    timer_open(&d->timer, vlmd_loop(a->v));
}

static void begin(struct exchange *x)
{
    x->admin->admission.n_begun++;
    if (!share_ask(x)) {
        exchange_run(x, x->route->run);
    }
}

// How long from now, in ms; 0 = it is its turn.
static int64_t wait_ms(struct admin *a, int64_t most_us)
{
    struct admission *d = &a->admission;
    struct httpd_stats http;
    struct vlmd_load load;
    vlmd_load(a->v, &load);
    httpd_stats(a->http, &http);
    int64_t all_us = http.spent_us + load.questions_us + d->own_us;
    int64_t spent_us = all_us - d->charged_us;
    d->charged_us = all_us;
    d->config.max_wait_us = most_us;
    d->config.share_pct = load.is_describing ? a->config->share_pct : 100;
    return (turns_wait_us(&d->turns, &d->config, spent_us, clock_us()) + 999) / 1000;
}

static void on_ahead(struct timer *t);

// Those who ask until the next turn need not even be read before.
static void put_off(struct admin *a, int64_t most_us)
{
    struct admission *d = &a->admission;
    int64_t ms = wait_ms(a, most_us);
    if (ms) {
        d->due_us = clock_us() + ms * 1000;
        timer_start(&d->timer, ms > AHEAD_MS ? ms - AHEAD_MS : 1, on_ahead);
        httpd_rest(a->http);
    }
}

static bool is_busy(struct admin *a)
{
    struct vlmd_load load;
    vlmd_load(a->v, &load);
    return load.n_working >= a->admission.config.processors;
}

// What this turn took is part of what the first of the next one waits.
static void put_off_next(struct admin *a)
{
    struct admission *d = &a->admission;
    int64_t took_us = clock_us() - d->began_us;
    int64_t late_us = d->began_us - d->due_us;
    int64_t apart_us = turns_pace_us(&d->pace, late_us, took_us, is_busy(a));
    put_off(a, took_us < apart_us / 2 ? apart_us - took_us : apart_us / 2);
}

static void run_turn(struct admin *a)
{
    struct admission *d = &a->admission;
    int64_t began_us = clock_thread_us();
    struct list now = {0}, *node;
    d->n_begun = 0;
    list_init(&now);
    list_splice_back(&now, &d->waiting);
    while ((node = list_pop_front(&now))) {
        begin(container_of(node, struct exchange, turn_node));
    }
    d->own_us += clock_thread_us() - began_us;
    d->is_turn = true;
    httpd_go_on(a->http);
    d->is_turn = false;
    share_end_turn(a);
    if (d->n_begun) {
        put_off_next(a);
    }
}

// What was asked ahead and is not there yet took longer than it is good for: who asks the
// same now waits for it like others.
static void on_turn(struct timer *t)
{
    struct admission *d = container_of(t, struct admission, timer);
    struct admin *a = container_of(d, struct admin, admission);
    d->began_us = clock_us();
    d->is_ahead = false;
    if (!a->is_closing) {  // there is nothing left to read from
        run_turn(a);
    }
}

static void on_ahead(struct timer *t)
{
    struct admission *d = container_of(t, struct admission, timer);
    struct admin *a = container_of(d, struct admin, admission);
    if (a->is_closing) {
        return;
    }
    int64_t ms = (d->due_us - clock_us() + 999) / 1000;
    timer_start(t, ms > 1 ? ms : 1, on_turn);
    struct exchange *x = share_ahead(a);
    if (x) {
        d->is_ahead = true;
        exchange_run(x, x->route->run);
        exchange_drop(x);
    }
}

void admission_enter(struct exchange *x)
{
    struct admission *d = &x->admin->admission;
    if (!d->is_turn && !timer_is_started(&d->timer)) {
        put_off(x->admin, LEAST_US);
    }
    if (timer_is_started(&d->timer)) {
        list_push_back(&d->waiting, &x->turn_node);
    } else {
        begin(x);
    }
}

void admission_leave(struct exchange *x)
{
    list_remove(&x->turn_node);
}

void admission_close(struct admin *a, void (*on_closed)(struct timer *t))
{
    assert(list_is_empty(&a->admission.waiting));
    timer_close(&a->admission.timer, on_closed);
}
