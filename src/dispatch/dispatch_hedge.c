// dispatch_hedge.c -- somebody waits and the answer is late: another backend is asked as well.
//
//   sent --(longer than 95 of 100 took there)--> hedged --first answer--> the other cancelled
//
// Only for asks that somebody waits for, once each, to a backend with room that the privacy
// gate lets this picture go to, and for at most 2 % of all requests.  The second request
// borrows what the first does, so that the owner hears of the end when both are over.
// Source: J. Dean, L. A. Barroso, The Tail at Scale, 2013.
// SPDX-License-Identifier: MIT
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/dispatch_inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PCT = 2, LEAST_TIMES = 20 };

struct hedge {
    struct ask ask;
    struct ask *of;
    bool has_won;
    bool is_cancelled;
};

// ---- how long requests take there

void hedge_note_time(struct route *r, int64_t ms)
{
    struct route_times *t = &r->times;
    t->ms[t->next] = ms < INT32_MAX ? (int32_t)ms : INT32_MAX;
    t->next = (t->next + 1) % ROUTE_TIMES;
    t->n += t->n < ROUTE_TIMES;
}

static int by_size(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

// -1 = not known yet.
static int64_t late_after_ms(const struct route *r)
{
    int32_t sorted[ROUTE_TIMES];
    int n = r->times.n;
    if (n < LEAST_TIMES) {
        return -1;
    }
    memcpy(sorted, r->times.ms, sizeof(sorted[0]) * (size_t)n);
    qsort(sorted, (size_t)n, sizeof(sorted[0]), by_size);
    return sorted[n * 95 / 100];
}

// ---- watching

void hedge_watch(struct dispatch *d, struct ask *a, int64_t now_ms)
{
    struct route *r = a->route;
    int64_t late_ms = r->backend && a->is_interactive ? late_after_ms(r) : -1;
    d->n_sent++;
    a->hedge = NULL;
    a->is_parked = false;
    a->is_watched = late_ms >= 0;
    if (a->is_watched) {
        a->late_at_ms = now_ms + late_ms;
        list_push_back(&d->watched, &a->watch_node);
    }
}

static void unwatch(struct ask *a)
{
    if (a->is_watched) {
        list_remove(&a->watch_node);
        a->is_watched = false;
    }
}

// ---- the end of either

static void cancel_second(struct hedge *h)
{
    if (!h->is_cancelled) {
        h->is_cancelled = true;
        dispatch_cancel(h->ask.dispatch, &h->ask);
    }
}

static void free_hedge(struct ask *a)
{
    struct hedge *h = a->hedge;
    answer_fini(&h->ask.answer);
    free(h);
    a->hedge = NULL;
}

// Both were sent the picture, whoever answered: what o came to counts besides.
static void note_other(struct ask *a, const struct ask *o)
{
    snprintf(a->also_backend, sizeof(a->also_backend), "%s", o->backend);
    snprintf(a->also_model, sizeof(a->also_model), "%s", o->model);
    a->also_remote = o->is_remote;
    a->also_bytes_sent = o->bytes_sent;
    a->also_prompt_tokens = o->prompt_tokens;
    a->also_completion_tokens = o->completion_tokens;
    a->also_cost = o->cost;
}

// What the second one brought becomes what this ask brought.
static void take_over(struct ask *a)
{
    struct ask *b = &((struct hedge *)a->hedge)->ask;
    note_other(a, a);
    snprintf(a->backend, sizeof(a->backend), "%s", b->backend);
    snprintf(a->model, sizeof(a->model), "%s", b->model);
    snprintf(a->prompt, sizeof(a->prompt), "%s", b->prompt);
    snprintf(a->params, sizeof(a->params), "%s", b->params);
    snprintf(a->finish_reason, sizeof(a->finish_reason), "%s", b->finish_reason);
    answer_fini(&a->answer);
    a->answer = b->answer;
    b->answer = (struct answer){0};
    a->is_remote = b->is_remote;
    a->prompt_tokens = b->prompt_tokens;
    a->completion_tokens = b->completion_tokens;
    a->bytes_sent = b->bytes_sent;
    a->connect_ms = b->connect_ms;
    a->first_byte_ms = b->first_byte_ms;
    a->request_ms = b->request_ms;
    a->cost_nano = b->cost_nano;
    a->cost = b->cost;
    a->err.code = 0;
    a->err.msg[0] = 0;
}

bool hedge_first_ended(struct ask *a, int *err)
{
    struct hedge *h = a->hedge;
    unwatch(a);
    if (!h) {
        return true;
    }
    if (!h->has_won) {
        a->is_parked = true;
        a->parked_err = *err;
        if (*err == 0 || *err == E_CANCELED) {
            cancel_second(h);
        }
        return false;
    }
    if (*err != 0) {
        take_over(a);
        *err = 0;
    } else {
        note_other(a, &h->ask);
    }
    free_hedge(a);
    return true;
}

static void on_second(struct ask *b, int err)
{
    struct hedge *h = container_of(b, struct hedge, ask);
    struct ask *a = h->of;
    struct dispatch *d = b->dispatch;
    log_debug("dispatch", "cid=%s backend=%s hedge=%s", a->cid ? a->cid : "", b->backend,
              err ? err_name(err) : "won");
    if (!a->is_parked && err == 0) {
        h->has_won = true;
        dispatch_cancel(d, a);
        return;
    }
    note_other(a, b);
    if (!a->is_parked) {
        free_hedge(a);
        return;
    }
    int end = a->parked_err;
    if (end != 0 && end != E_CANCELED && err == 0) {
        take_over(a);
        end = 0;
    }
    a->is_parked = false;
    free_hedge(a);
    a->done(a, end);
}

// ---- asking a second one

static struct route *other_for(struct dispatch *d, struct ask *a, enum ask_pass *pass,
                               int64_t now_ms)
{
    struct route *best = NULL;
    for (int i = 0; i < d->n_routes; i++) {
        struct route *r = &d->routes[i];
        bool has_room = r != a->route && r->backend && roster_is_awake(d, r) &&
                        route_is_open(r, now_ms) && !roster_must_rest(d, r);
        if (!has_room || !roster_is_better(r, best)) {
            continue;
        }
        char why[200];
        bool is_remote = backend_facts(r->backend)->is_remote;
        enum ask_pass p = a->may_send(a, r->name, is_remote, why, sizeof(why));
        if (p == ASK_ALLOWED || p == ASK_ALLOWED_SAFELY) {
            best = r;
            *pass = p;
        }
    }
    return best;
}

static void ask_second(struct dispatch *d, struct ask *a, struct route *r,
                       enum ask_pass pass)
{
    struct hedge *h = mem_new(struct hedge);
    h->of = a;
    h->ask = (struct ask){
        .jpeg = a->jpeg,
        .jpeg_len = a->jpeg_len,
        .width = a->width,
        .height = a->height,
        .app = a->app,
        .window = a->window,
        .cid = a->cid,
        .seed = a->seed + 1,
        .tier = a->tier,
        .tier_rule = a->tier_rule,
        .max_tokens = a->max_tokens,
        .deadline_ms = a->deadline_ms,
        .cap_doublings = a->cap_doublings,
        .no_schema = a->no_schema,
        .no_thinking = a->no_thinking,
        .done = on_second,
    };
    a->hedge = h;
    d->n_hedged++;
    dispatch_send(d, r, &h->ask, pass);
}

int64_t hedge_tick(struct dispatch *d, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    struct list *node, *tmp;
    list_each(node, tmp, &d->watched)
    {
        struct ask *a = container_of(node, struct ask, watch_node);
        if (a->late_at_ms > now_ms) {
            next = a->late_at_ms < next ? a->late_at_ms : next;
            continue;
        }
        unwatch(a);
        enum ask_pass pass = ASK_REFUSED;
        bool is_within = (d->n_hedged + 1) * 100 <= d->n_sent * MAX_PCT;
        struct route *r = is_within ? other_for(d, a, &pass, now_ms) : NULL;
        if (r) {
            ask_second(d, a, r, pass);
        }
    }
    return next;
}

void hedge_cancel(struct ask *a)
{
    struct hedge *h = a->hedge;
    if (h && !h->has_won) {
        cancel_second(h);
    }
}
