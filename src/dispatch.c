// dispatch.c -- chooses among the routes, passes the gate, sends, and hands back what came.
//
// Which routes there are and what they say together is in roster.c, the life of one in
// route.c.
// SPDX-License-Identifier: MIT
#include "dispatch.h"

#include "base/log.h"
#include "base/mem.h"
#include "dispatch_inside.h"
#include "standin.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RAISED_TOKENS = 4096 };

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

static int add_backend(struct dispatch *d, const struct backend_config *c)
{
    struct backend *b;
    int rc = backend_new(&b, d->loop, d->http, c);
    if (rc) {
        return rc;
    }
    struct route *r = &d->routes[d->n_routes++];
    route_init(r, d, b, c->name, c->url, &d->config);
    r->is_guess = d->config.is_search;
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
        int rc = add_backend(d, &c->backends[i]);
        if (rc) {
            free_routes(d);
            return rc;
        }
    }
    if (ocr) {
        add_stand_in(d);
    }
    snprintf(d->paused, sizeof(d->paused), "looking for a backend");
    *out = d;
    return 0;
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

int64_t dispatch_tick(struct dispatch *d, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (int i = 0; i < d->n_routes && !d->is_closing; i++) {
        struct route *r = &d->routes[i];
        bool was_held = r->hold_until_ms > 0 && r->hold_until_ms <= now_ms;
        if (was_held) {
            r->hold_until_ms = 0;
            roster_refresh(d);
        }
        int64_t at = route_tick(r, now_ms);
        next = at < next ? at : next;
    }
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

static bool is_remote(const struct route *r)
{
    return r->backend && backend_facts(r->backend)->is_remote;
}

// NULL: none can take it now, or the gate refused all (*refused, words in a->err).
static struct route *choose(struct dispatch *d, struct ask *a, enum ask_pass *pass,
                            int *refused)
{
    struct route *best = NULL;
    bool is_any_allowed = false;
    int64_t now = dispatch_now_ms(d);
    *refused = 0;
    for (int i = 0; i < d->n_routes; i++) {
        struct route *r = &d->routes[i];
        if (!roster_is_usable(d, r) || (!r->backend && a->needs_model)) {
            continue;
        }
        char why[200];
        enum ask_pass p = a->may_send(a, r->name, is_remote(r), why, sizeof(why));
        if (p == ASK_REFUSED) {
            *refused = err_set(&a->err, E_REMOTE, "%s: %s", r->name, why);
            continue;
        }
        is_any_allowed = true;
        if (route_is_open(r, now) && roster_is_better(r, best)) {
            best = r;
            *pass = p;
        }
    }
    if (is_any_allowed) {
        *refused = 0;
    }
    return best;
}

static void account(struct ask *a)
{
    struct route *r = a->route;
    struct rate_told told = {a->rate_remaining, a->rate_reset_ms};
    bool is_told = a->prompt_tokens >= 0 && a->completion_tokens >= 0;
    if (r->backend) {
        route_account(r, a->rate_tokens,
                      is_told ? a->prompt_tokens + a->completion_tokens : -1, &told,
                      dispatch_now_ms(r->dispatch));
    }
}

static void finish(struct ask *a, int err)
{
    struct route *r = a->route;
    struct dispatch *d = r->dispatch;
    r->in_flight--;
    account(a);
    route_measure(r, a->concur_mark, err, a->request_ms, a->completion_tokens,
                  dispatch_now_ms(d));
    a->is_backend_sick = route_learn(r, err, a->err.msg, a->retry_after_ms, a->request_ms,
                                     dispatch_now_ms(d));
    a->route = NULL;
    void (*done)(struct ask *, int) = a->done;
    bool is_open = !d->is_closing;
    done(a, err);
    if (is_open) {
        roster_refresh(d);
    }
}

static void on_answered(struct backend_ask *b, int err)
{
    struct ask *a = container_of(b, struct ask, u.vlm);
    a->retry_after_ms = b->call.retry_after_ms;
    a->prompt_tokens = b->prompt_tokens;
    a->completion_tokens = b->completion_tokens;
    a->first_byte_ms = b->first_byte_ms;
    a->request_ms = b->request_ms;
    a->bytes_sent = b->bytes_sent;
    a->rate_remaining = b->rate_remaining;
    a->rate_reset_ms = b->rate_reset_ms;
    snprintf(a->finish_reason, sizeof(a->finish_reason), "%s", b->finish_reason);
    if (err) {
        err_set(&a->err, err, "%s",
                b->call.err.msg[0] ? b->call.err.msg : err_words(err));
    } else {
        a->answer = b->answer;
        b->answer = (struct answer){0};
    }
    backend_ask_fini(b);
    finish(a, err);
}

// Never below what the user has set.
static int cap_of(const struct route *r, const struct ask *a)
{
    int cap = backend_config(r->backend)->max_tokens;
    for (int i = 0; i < a->cap_doublings && cap < MAX_RAISED_TOKENS; i++) {
        cap = cap > MAX_RAISED_TOKENS / 2 ? MAX_RAISED_TOKENS : cap * 2;
    }
    return cap;
}

static void ask_vlm(struct dispatch *d, struct route *r, struct ask *a, bool is_safe)
{
    const struct backend_facts *f = backend_facts(r->backend);
    struct backend_ask *b = &a->u.vlm;
    if (is_safe) {
        prompt_pick_safe(d->config.prompts, a->app, a->window, &a->prompt_text);
    } else {
        prompt_pick(d->config.prompts, a->app, a->window, &a->prompt_text);
    }
    snprintf(a->model, sizeof(a->model), "%s", f->model);
    snprintf(a->prompt, sizeof(a->prompt), "%s", a->prompt_text.version);
    backend_params(r->backend, a->params, sizeof(a->params));
    memset(b, 0, sizeof(*b));
    b->jpeg = a->jpeg;
    b->jpeg_len = a->jpeg_len;
    b->width = a->width;
    b->height = a->height;
    b->prompt = &a->prompt_text;
    b->cid = a->cid;
    b->seed = a->seed;
    b->max_tokens = cap_of(r, a);
    b->no_schema = a->no_schema;
    backend_ask(r->backend, b, on_answered);
}

static void on_recognised(struct ocr_req *o, int err)
{
    struct ask *a = container_of(o, struct ask, u.ocr);
    a->request_ms = o->elapsed_ms;
    a->retry_after_ms = -1;
    if (err) {
        err_set(&a->err, err, "%s", o->err.msg[0] ? o->err.msg : err_words(err));
    } else {
        standin_compose(a->app, a->window, buf_str(&o->text), &a->answer);
        a->is_degraded = true;
        snprintf(a->finish_reason, sizeof(a->finish_reason), "ocr");
    }
    ocr_req_fini(o);
    finish(a, err);
}

static void ask_ocr(struct dispatch *d, struct ask *a)
{
    struct ocr_req *o = &a->u.ocr;
    snprintf(a->model, sizeof(a->model), "tesseract");
    snprintf(a->prompt, sizeof(a->prompt), "ocr/1");
    a->params[0] = 0;
    memset(o, 0, sizeof(*o));
    o->key = a->luma_key;
    o->luma = a->luma;
    o->width = a->luma_width;
    o->height = a->luma_height;
    ocr_read(d->ocr, o, on_recognised);
}

static void forget_last(struct ask *a)
{
    answer_fini(&a->answer);
    memset(&a->err, 0, sizeof(a->err));
    a->retry_after_ms = -1;
    a->is_backend_sick = false;
    a->is_degraded = false;
    a->wants_record = false;
    a->finish_reason[0] = 0;
    a->prompt_tokens = a->completion_tokens = -1;
    a->first_byte_ms = a->request_ms = -1;
    a->bytes_sent = 0;
    a->rate_remaining = a->rate_reset_ms = -1;
}

int dispatch_try(struct dispatch *d, struct ask *a, void (*done)(struct ask *a, int err))
{
    forget_last(a);
    int refused = 0;
    enum ask_pass pass = ASK_REFUSED;
    struct route *r = d->is_closing ? NULL : choose(d, a, &pass, &refused);
    if (r && pass == ASK_AFTER_RECORD) {
        snprintf(a->backend, sizeof(a->backend), "%s", r->name);
        a->wants_record = true;
        return E_BUSY;
    }
    if (!r) {
        return d->is_closing || !refused ? E_BUSY : refused;
    }
    if (!r->backend && !a->luma) {
        return E_USAGE;  // the caller must prepare it: see dispatch_uses_stand_in
    }
    if (r->backend && !breaker_allow(&r->breaker, dispatch_now_ms(d))) {
        return E_BUSY;
    }
    a->done = done;
    a->route = r;
    r->in_flight++;
    a->concur_mark = route_began(r, dispatch_now_ms(d));
    a->rate_tokens = r->backend ? route_charge(r, dispatch_now_ms(d)) : 0;
    snprintf(a->backend, sizeof(a->backend), "%s", r->name);
    a->is_remote = is_remote(r);
    if (r->backend) {
        ask_vlm(d, r, a, pass == ASK_ALLOWED_SAFELY);
    } else {
        ask_ocr(d, a);
    }
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

void dispatch_cancel(struct dispatch *d, struct ask *a)
{
    struct route *r = a->route;
    if (!r) {
        return;
    }
    if (r->backend) {
        backend_ask_cancel(r->backend, &a->u.vlm);
    } else {
        ocr_cancel(d->ocr, &a->u.ocr);
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
        if (d->routes[i].has_call) {
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
    }
    maybe_closed(d);
}
