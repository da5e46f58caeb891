// admission.c -- see admission.h.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"
#include "share.h"

#include "base/clock.h"

#include <assert.h>
#include <sched.h>

enum { AHEAD_US = 20000, MAX_WAIT_US = 35000 };

static int count_processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 0 ? n : 1;
}

void admission_open(struct admin *a)
{
    struct admission *d = &a->admission;
    d->config = (struct turns_config){.processors = count_processors(),
                                      .ahead_us = AHEAD_US,
                                      .max_wait_us = MAX_WAIT_US};
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

// How long from now, in ms; 0 = it is its turn.  What the last turn took is part of what the
// first of the next one waits.
static int64_t wait_ms(struct admin *a, int64_t took_us)
{
    struct admission *d = &a->admission;
    struct httpd_stats http;
    struct vlmd_load load;
    vlmd_load(a->v, &load);
    httpd_stats(a->http, &http);
    int64_t all_us = http.spent_us + load.questions_us + d->own_us;
    int64_t spent_us = all_us - d->charged_us;
    d->charged_us = all_us;
    d->config.max_wait_us =
        took_us < MAX_WAIT_US / 2 ? MAX_WAIT_US - took_us : MAX_WAIT_US / 2;
    d->config.share_pct = load.is_describing ? a->config->share_pct : 100;
    return (turns_wait_us(&d->turns, &d->config, spent_us, clock_us()) + 999) / 1000;
}

static void on_turn(struct timer *t);

// Those who ask until the next turn need not even be read before.
static void put_off(struct admin *a, int64_t took_us)
{
    int64_t ms = wait_ms(a, took_us);
    if (ms) {
        timer_start(&a->admission.timer, ms, on_turn);
        httpd_rest(a->http);
    }
}

static void on_turn(struct timer *t)
{
    struct admission *d = container_of(t, struct admission, timer);
    struct admin *a = container_of(d, struct admin, admission);
    int64_t began_us = clock_thread_us(), turn_us = clock_us();
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
    if (d->n_begun) {
        put_off(a, clock_us() - turn_us);
    }
}

void admission_enter(struct exchange *x)
{
    struct admission *d = &x->admin->admission;
    if (!d->is_turn && !timer_is_started(&d->timer)) {
        put_off(x->admin, 0);
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
