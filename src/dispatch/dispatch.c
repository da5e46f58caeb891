// dispatch.c -- chooses among the routes and passes the gate.
//
// How an ask goes there and comes back is in dispatch_send.c, which routes there are and what
// they say together in roster.c, the life of one in route.c.
// SPDX-License-Identifier: MIT
#include "dispatch/dispatch.h"

#include "base/log.h"
#include "base/mem.h"
#include "dispatch/dispatch_inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t dispatch_now_ms(const struct dispatch *d)
{
    return loop_now_ms(d->loop);
}

bool dispatch_has_ocr(const struct dispatch *d, struct err *why)
{
    return ocr_is_available(d->ocr, why);
}

// xorshift64*: jitter needs no more.  Source: S. Vigna, 2014.
uint32_t dispatch_random(struct dispatch *d)
{
    uint64_t x = d->random_state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    d->random_state = x;
    return (uint32_t)((x * 0x2545f4914f6cdd1dull) >> 32);
}

static int add_backend(struct dispatch *d, int i)
{
    const struct backend_config *c = &d->config.backends[i];
    struct backend *b;
    int rc = backend_new(&b, d->loop, d->http, c);
    if (rc) {
        return rc;
    }
    struct route *r = &d->routes[d->n_routes++];
    route_init(r, d, b, c->name, c->url, &d->config);
    r->life_config.ttl_ms = (int64_t)c->keep_alive_s * 1000;
    r->is_guess = d->config.is_search;
    r->terms = d->config.terms ? &d->config.terms[i] : r->terms;
    return 0;
}

static void add_stand_in(struct dispatch *d)
{
    struct route *r = &d->routes[d->n_routes++];
    route_init(r, d, NULL, "ocr", "ocr", &d->config);
    d->stand_in = r;
}

static void free_routes(struct dispatch *d)
{
    for (int i = 0; i < d->n_routes; i++) {
        backend_free(d->routes[i].backend);
    }
    free(d);
}

int dispatch_open(struct dispatch **out, struct loop *l, struct http *h, struct ocr *ocr,
                  const struct dispatch_config *c, const struct dispatch_events *events)
{
    struct dispatch *d = mem_new(struct dispatch);
    d->loop = l;
    d->http = h;
    d->ocr = ocr;
    d->config = *c;
    d->events = *events;
    d->random_state = (uint64_t)loop_wall_ms() * 2654435761u ^ (uintptr_t)d ^ 1;
    for (int i = 0; i < c->n_backends && d->n_routes < MAX_ROUTES - 1; i++) {
        int rc = add_backend(d, i);
        if (rc) {
            free_routes(d);
            return rc;
        }
    }
    if (ocr) {
        add_stand_in(d);
    }
    d->retries_at_ms = INT64_MAX;
    list_init(&d->watched);
    d->share_pct = 100;
    snprintf(d->paused, sizeof(d->paused), "looking for a backend");
    *out = d;
    return 0;
}

void dispatch_configure(struct dispatch *d, const struct dispatch_config *c)
{
    int64_t now = dispatch_now_ms(d);
    d->config = *c;
    for (int i = 0; i < d->n_routes && d->routes[i].backend; i++) {
        backend_set_keep_alive(d->routes[i].backend, c->backends[i].keep_alive_s);
        route_configure(&d->routes[i], c, c->backends[i].keep_alive_s, now);
    }
    roster_settle(d);
}

void dispatch_serve(struct dispatch *d, enum dispatch_stand_in stand_in)
{
    d->is_serving = true;
    d->stand_in_mode = stand_in;
    roster_settle(d);
}

void dispatch_route_changed(struct dispatch *d)
{
    roster_settle(d);
}

// A repetition that was refused for its number is offered again.
static int64_t tick_retries(struct dispatch *d, int64_t now_ms)
{
    if (d->retries_at_ms > now_ms) {
        return d->retries_at_ms;
    }
    d->retries_at_ms = INT64_MAX;
    roster_refresh(d);
    return d->retries_at_ms;
}

int64_t dispatch_tick(struct dispatch *d, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (int i = 0; i < d->n_routes && !d->is_closing; i++) {
        struct route *r = &d->routes[i];
        bool was_held = r->hold_until_ms > 0;
        int64_t at = route_tick(r, now_ms);
        next = at < next ? at : next;
        if (was_held && !route_is_held(r, now_ms)) {
            roster_refresh(d);
        }
    }
    int64_t retries_ms = tick_retries(d, now_ms);
    next = retries_ms < next ? retries_ms : next;
    int64_t late_ms = d->is_closing ? INT64_MAX : hedge_tick(d, now_ms);
    next = late_ms < next ? late_ms : next;
    if (d->stand_in && d->model_lost_ms > 0 && !d->said_stand_in) {
        int64_t due = roster_stand_in_due_ms(d);
        if (due <= now_ms) {
            roster_refresh(d);
        } else if (due < next) {
            next = due;
        }
    }
    return next;
}

// ---- one ask

// One route as this ask sees it.
struct candidate {
    struct route *route;
    enum ask_pass pass;
};

static enum ask_pass pass_gate(struct ask *a, const struct route *r, int *refused)
{
    char why[200];
    enum ask_pass p = a->may_send(a, r->name, dispatch_is_remote(r), why, sizeof(why));
    if (p == ASK_REFUSED) {
        *refused = err_set(&a->err, E_REMOTE, "%s: %s", r->name, why);
    }
    return p;
}

// A backend of a later group is there, whose model is not loaded: it may have to be.
static bool has_other_way(struct dispatch *d, struct ask *a)
{
    for (int i = 0; i < d->n_routes; i++) {
        struct route *r = &d->routes[i];
        int refused = 0;
        bool is_coming = r->state == ROUTE_FOUND || r->state == ROUTE_LOADING ||
                         r->state == ROUTE_UNLOADING;
        bool may_go = r->backend && !d->config.is_search && is_coming;
        if (may_go && pass_gate(a, r, &refused) != ASK_REFUSED) {
            roster_want(d, r);
            return true;
        }
    }
    return false;
}

// Those that the gate lets it go to.  None: *refused, words in a->err.
static int candidates(struct dispatch *d, struct ask *a, struct candidate *out,
                      int *refused)
{
    int n = 0;
    *refused = 0;
    for (int i = 0; i < d->n_routes; i++) {
        struct route *r = &d->routes[i];
        bool may_serve = roster_is_usable(d, r) || r->state == ROUTE_RESTING;
        if (!may_serve || (!r->backend && a->needs_model)) {
            continue;
        }
        enum ask_pass p = pass_gate(a, r, refused);
        if (p != ASK_REFUSED) {
            out[n++] = (struct candidate){r, p};
        }
    }
    bool is_refused = *refused && n == 0 && !has_other_way(d, a);
    *refused = is_refused ? *refused : 0;
    return n;
}

static bool may_repeat(struct dispatch *d, const struct ask *a, struct route *r,
                       int64_t now_ms)
{
    if (!a->is_retry || !r->backend) {
        return true;
    }
    int64_t at_ms = route_retry_at_ms(r, now_ms);
    if (at_ms > now_ms && at_ms < d->retries_at_ms) {
        d->retries_at_ms = at_ms;
    }
    return at_ms <= now_ms;
}

// The one to load: of the first group, unless another model of its server is in use.  A group
// behind the one that is awake has nothing to do, however busy that is.
static void wake(struct dispatch *d, const struct candidate *all, int n, int group,
                 const struct route *best, int64_t now_ms)
{
    struct route *r = NULL;
    for (int i = 0; i < n; i++) {
        struct route *o = all[i].route;
        bool rests = o->state == ROUTE_RESTING && o->terms->priority <= group &&
                     !roster_must_rest(d, o);
        r = rests && (!r || o->terms->priority < r->terms->priority) ? o : r;
    }
    if (r && (!best || r->terms->priority < best->terms->priority)) {
        route_model_want(r, now_ms);
    }
}

static bool is_avoided(const struct ask *a, const struct route *r)
{
    return a->avoid && strcmp(a->avoid, r->name) == 0;
}

// NULL: none can take it now.  A group of a higher number is asked only while none of a lower
// one is awake.
//
// Where a backend has just failed with this picture another one may do better.
static struct candidate choose(struct dispatch *d, struct ask *a,
                               const struct candidate *all, int n)
{
    struct candidate best = {0};
    int64_t now = dispatch_now_ms(d);
    int group = INT32_MAX, n_awake = 0;
    for (int i = 0; i < n; i++) {
        const struct route *r = all[i].route;
        n_awake += roster_is_awake(d, r) && !is_avoided(a, r);
        bool is_lower =
            roster_is_awake(d, r) && !is_avoided(a, r) && r->terms->priority < group;
        group = is_lower ? r->terms->priority : group;
    }
    for (int i = 0; i < n; i++) {
        struct route *r = all[i].route;
        bool is_open = r->terms->priority <= group && route_is_open(r, now) &&
                       !roster_must_rest(d, r) && !(n_awake > 0 && is_avoided(a, r));
        if (is_open && roster_is_better(r, best.route) && may_repeat(d, a, r, now)) {
            best = all[i];
        }
    }
    wake(d, all, n, group, best.route, now);
    return best;
}

int dispatch_try(struct dispatch *d, struct ask *a, void (*done)(struct ask *a, int err))
{
    struct candidate all[MAX_ROUTES];
    int refused = 0;
    dispatch_forget_last(a);
    int n = d->is_closing ? 0 : candidates(d, a, all, &refused);
    struct candidate to = choose(d, a, all, n);
    struct route *r = to.route;
    if (!r) {
        return refused ? refused : E_BUSY;
    }
    if (to.pass == ASK_AFTER_RECORD) {
        snprintf(a->backend, sizeof(a->backend), "%s", r->name);
        a->wants_record = true;
        return E_BUSY;
    }
    if (!r->backend && !a->luma) {
        return E_USAGE;  // the caller must prepare it: see dispatch_uses_stand_in
    }
    if (r->backend && !breaker_allow(&r->breaker, dispatch_now_ms(d))) {
        return E_BUSY;
    }
    a->done = done;
    dispatch_send(d, r, a, to.pass);
    hedge_watch(d, a, dispatch_now_ms(d));
    return 0;
}

void dispatch_recall(struct dispatch *d, const char *url, const char *model, int limit)
{
    for (int i = 0; i < d->n_routes; i++) {
        if (strcmp(d->routes[i].url, url) == 0) {
            route_recall(&d->routes[i], model, limit);
        }
    }
    roster_refresh(d);
}

void dispatch_recall_spent(struct dispatch *d, const char *backend, enum budget_span span,
                           const struct budget_spent *spent)
{
    for (int i = 0; i < d->n_routes; i++) {
        struct route *r = &d->routes[i];
        if (r->backend && strcmp(r->name, backend) == 0) {
            route_recall_spent(r, span, spent, dispatch_now_ms(d));
        }
    }
}

void dispatch_limit_wanted(struct dispatch *d, const struct route *r)
{
    if (d->events.on_limit_wanted) {
        d->events.on_limit_wanted(d->events.arg, r->url, r->concur_model);
    }
}

void dispatch_limit_found(struct dispatch *d, const struct route *r, int limit)
{
    if (d->events.on_limit_found) {
        d->events.on_limit_found(d->events.arg, r->url, r->concur_model, limit);
    }
}

void dispatch_tell_facts(struct dispatch *d, const struct route *r)
{
    const struct backend_facts *f = backend_facts(r->backend);
    if (d->events.on_facts && f->model[0]) {
        d->events.on_facts(d->events.arg, r->url, f);
    }
}

void dispatch_route_failed(struct dispatch *d, const struct route *r, int code,
                           const char *words)
{
    const struct err_note note = {
        .code = code, .stage = "backend", .backend = r->name, .words = words};
    if (d->events.on_error) {
        d->events.on_error(d->events.arg, &note);
    }
}

void dispatch_loaded(struct dispatch *d, const struct route *r, int err, int64_t took_ms)
{
    if (d->events.on_loaded) {
        d->events.on_loaded(d->events.arg, r->name, backend_facts(r->backend)->model, err,
                            took_ms);
    }
}

void dispatch_verified(struct dispatch *d, const struct route *r, int err,
                       int64_t took_ms)
{
    if (d->events.on_verified) {
        d->events.on_verified(d->events.arg, r->name, backend_facts(r->backend)->model,
                              err, took_ms);
    }
}

void dispatch_cancel(struct dispatch *d, struct ask *a)
{
    struct route *r = a->route;
    hedge_cancel(a);
    if (!r) {
        return;
    }
    if (r->backend) {
        backend_ask_cancel(r->backend, &a->u.vlm);
    } else {
        ocr_cancel(d->ocr, &a->u.ocr);
    }
}

void dispatch_pause_answer(struct dispatch *d, struct ask *a, bool is_paused)
{
    struct route *r = a->route;
    (void)d;
    if (r && r->backend) {
        backend_ask_pause(r->backend, &a->u.vlm, is_paused);
    }
}

void ask_fini(struct ask *a)
{
    answer_fini(&a->answer);
}

// ---- closing

static void maybe_closed(struct dispatch *d)
{
    for (int i = 0; i < d->n_routes; i++) {
        if (d->routes[i].has_call || d->routes[i].has_look) {
            return;
        }
        assert(d->routes[i].in_flight == 0);
    }
    void (*on_closed)(void *) = d->on_closed;
    void *arg = d->closed_arg;
    free_routes(d);
    on_closed(arg);
}

void dispatch_route_call_ended(struct dispatch *d)
{
    if (d->is_closing) {
        maybe_closed(d);
    }
}

void dispatch_close(struct dispatch *d, void (*on_closed)(void *arg), void *arg)
{
    d->is_closing = true;
    d->on_closed = on_closed;
    d->closed_arg = arg;
    for (int i = 0; i < d->n_routes; i++) {
        route_stop(&d->routes[i]);
        route_model_exit(&d->routes[i], dispatch_now_ms(d));
    }
    maybe_closed(d);
}
