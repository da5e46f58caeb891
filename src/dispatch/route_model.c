// route_model.c -- the model of one backend: does what its life (guard/life.h) asks for.
//
//   event --> life_next --> LOAD, VERIFY, UNLOAD --> backend --> on_... --> event
//                   '--> follow: the route's state is made to agree
//
// The one caller of life_next, so that a model is loaded, verified and unloaded in one place.
// Suspension points: on_loaded, on_verified, on_unloaded; a look that finds a load of
// somebody else's is repeated by route_model_tick.
// SPDX-License-Identifier: MIT
#include "base/log.h"
#include "dispatch/route.h"

#include <stdio.h>
#include <string.h>

enum { LOOK_AGAIN_MS = 2000 };

static void happen(struct route *r, enum life_event event, int64_t now_ms);

// ---- the route's state follows

// Not of what was probed: a server may be told to sleep, or its timer be switched off.
static struct life_server server_of(const struct route *r)
{
    const struct backend_facts *f = backend_facts(r->backend);
    return (struct life_server){
        .can_unload = f->unload != BACKEND_UNLOAD_NEVER && !r->cannot_unload,
        .has_ttl = r->has_server_ttl,
        .is_local = !f->is_remote,
    };
}

// READY: first, as what hears of the move may send at once.
static void follow(struct route *r, int64_t now_ms)
{
    const char *why = life_reason_words(r->life.reason);
    switch (r->life.state) {
    case LIFE_ABSENT: route_move(r, ROUTE_RESTING, 0, why, now_ms); return;
    case LIFE_LOADING:
        route_move(r, ROUTE_LOADING, E_LOADING, "the model is being loaded", now_ms);
        return;
    case LIFE_READY:
    case LIFE_BUSY:
        route_become_ready(r, now_ms);
        if (r->wish.is_load) {
            route_model_told(r, 0, "");
        }
        return;
    case LIFE_UNLOADING: route_move(r, ROUTE_UNLOADING, 0, why, now_ms); return;
    case LIFE_FAILED: return;  // whoever saw it fail says how
    }
}

// ---- deeds

static struct backend_call *begin_call(struct route *r, int64_t now_ms)
{
    r->has_call = true;
    r->call_began_ms = now_ms;
    memset(&r->call, 0, sizeof(r->call));
    return &r->call;
}

// What is known of the model no longer interests when it was stopped.
static bool has_been_stopped(struct route *r, int err)
{
    r->has_call = false;
    if (err == E_CANCELED) {
        route_model_told(r, err, err_words(err));
        dispatch_route_call_ended(r->dispatch);
    }
    return err == E_CANCELED;
}

static void fail(struct route *r, enum life_event event, int err, const char *words,
                 int64_t now_ms)
{
    int64_t wait_ms = life_load_wait_ms(&r->life, err == E_MODEL_CRASH);
    happen(r, event, now_ms);
    route_give_up(r, err, words, wait_ms, now_ms);
    route_model_told(r, err, words);
    dispatch_route_call_ended(r->dispatch);
}

static const char *words_of(const struct backend_call *c, int err)
{
    return c->err.msg[0] ? c->err.msg : err_words(err);
}

// A server that was loading when it was probed tells its facts only now.
static void on_loaded(struct backend_call *c, int err)
{
    struct route *r = container_of(c, struct route, call);
    int64_t now = dispatch_now_ms(r->dispatch);
    if (has_been_stopped(r, err)) {
        return;
    }
    r->model.load_ms += now - r->call_began_ms;
    dispatch_loaded(r->dispatch, r, err, now - r->call_began_ms);
    if (err) {
        r->model.load_failures++;
        fail(r, LIFE_LOAD_FAILED, err, words_of(c, err), now);
        return;
    }
    dispatch_tell_facts(r->dispatch, r);
    if (r->needs_probe) {
        r->life.is_loaded = r->life.is_ours = true;
        route_start_probe(r, now);
    } else {
        happen(r, LIFE_LOADED, now);
    }
    dispatch_route_call_ended(r->dispatch);
}

static void load(struct route *r, int64_t now_ms)
{
    r->model.loads++;
    backend_load(r->backend, begin_call(r, now_ms), on_loaded);
}

// Somebody else's load is waited for as long as one of ours might take.
static void look_again(struct route *r, int64_t now_ms)
{
    int64_t most_ms = backend_config(r->backend)->timeouts.load_ms;
    if (now_ms - r->life.since_ms < most_ms) {
        r->look_at_ms = now_ms + LOOK_AGAIN_MS;
        dispatch_route_changed(r->dispatch);
    } else {
        fail(r, LIFE_LOAD_FAILED, E_LOADING, err_words(E_LOADING), now_ms);
    }
}

static void take_residence(struct route *r, const struct backend_call *c, int64_t now_ms)
{
    r->has_server_ttl = c->expires_at_ms > 0 && c->expires_at_ms != INT64_MAX;
    switch (c->residence) {
    case BACKEND_RESIDENT:
        happen(r, LIFE_VERIFIED, now_ms);
        dispatch_route_call_ended(r->dispatch);
        return;
    case BACKEND_LOADING: look_again(r, now_ms); return;
    case BACKEND_ABSENT:
    case BACKEND_ASLEEP: break;
    }
    if (r->life.is_loaded) {
        r->model.verify_failures++;
        fail(r, LIFE_MISSING, E_MODEL_CRASH,
             "the load was confirmed, but the model is not there", now_ms);
        return;
    }
    happen(r, LIFE_MISSING, now_ms);
    dispatch_route_call_ended(r->dispatch);
}

static void on_verified(struct backend_call *c, int err)
{
    struct route *r = container_of(c, struct route, call);
    int64_t now = dispatch_now_ms(r->dispatch);
    if (has_been_stopped(r, err)) {
        return;
    }
    r->model.verify_ms += now - r->call_began_ms;
    dispatch_verified(r->dispatch, r, err, now - r->call_began_ms);
    if (err) {
        r->model.verify_failures++;
        fail(r, LIFE_LOAD_FAILED, err, words_of(c, err), now);
        return;
    }
    take_residence(r, c, now);
}

// Where a service keeps its models is its own affair, and a question to it may cost money.
static bool is_service(const struct route *r)
{
    const struct backend_facts *f = backend_facts(r->backend);
    return f->kind == BACKEND_OPENAI && f->is_remote;
}

static void verify(struct route *r, int64_t now_ms)
{
    if (is_service(r)) {
        happen(r, LIFE_VERIFIED, now_ms);
        return;
    }
    r->model.verifies++;
    r->look_at_ms = 0;
    backend_verify(r->backend, begin_call(r, now_ms), on_verified);
}

static void on_unloaded(struct backend_call *c, int err)
{
    struct route *r = container_of(c, struct route, call);
    int64_t now = dispatch_now_ms(r->dispatch);
    if (has_been_stopped(r, err)) {
        return;
    }
    r->cannot_unload |= err == E_UNSUPPORTED;
    r->model.unloads += err == 0;
    if (err) {
        log_warn("dispatch", "backend=%s model=%s was not unloaded: class=%s %s", r->name,
                 backend_facts(r->backend)->model, err_name(err), words_of(c, err));
    }
    happen(r, err ? LIFE_UNLOAD_FAILED : LIFE_UNLOADED, now);
    route_model_told(r, err, err ? words_of(c, err) : "");
    dispatch_route_call_ended(r->dispatch);
}

static void unload(struct route *r, int64_t now_ms)
{
    backend_unload(r->backend, begin_call(r, now_ms), on_unloaded);
}

// ---- events

static void happen(struct route *r, enum life_event event, int64_t now_ms)
{
    struct life *l = &r->life;
    const struct life_server s = server_of(r);
    struct life_config c = r->life_config;
    c.preloads = c.preloads || r->needs_probe || r->wish.done;
    enum life_state before = l->state;
    enum life_deed deed = life_next(l, &c, &s, event, now_ms);
    switch (deed) {
    case LIFE_NOTHING: break;
    case LIFE_LOAD: load(r, now_ms); break;
    case LIFE_VERIFY: verify(r, now_ms); break;
    case LIFE_UNLOAD: unload(r, now_ms); break;
    }
    bool is_within = before != l->state &&
                     (before == LIFE_READY || before == LIFE_BUSY) &&
                     (l->state == LIFE_READY || l->state == LIFE_BUSY);
    if (before != l->state && !is_within) {
        follow(r, now_ms);
    }
}

// ---- what others want

void route_model_take(struct route *r, int64_t now_ms)
{
    if (route_sight_begin(r, now_ms)) {
        return;
    }
    bool is_loaded = backend_facts(r->backend)->is_loaded;
    if (r->life.state == LIFE_LOADING && r->life.is_loaded) {
        r->needs_probe = false;  // this probe was the look after the load
        struct backend_call seen = {.residence =
                                        is_loaded ? BACKEND_RESIDENT : BACKEND_ABSENT,
                                    .expires_at_ms = -1};
        take_residence(r, &seen, now_ms);
        return;
    }
    happen(r, is_loaded && !r->needs_probe ? LIFE_TAKEN_RESIDENT : LIFE_TAKEN_ABSENT,
           now_ms);
    if (r->state == ROUTE_FOUND) {
        follow(r, now_ms);  // nothing to do: it rests
    }
}

void route_model_want(struct route *r, int64_t now_ms)
{
    happen(r, LIFE_WANTED, now_ms);
}

void route_model_began(struct route *r, int64_t now_ms)
{
    r->life.ttl_ms = 0;  // no longer only a person's wish
    happen(r, LIFE_BEGAN, now_ms);
}

void route_model_ended(struct route *r, int64_t now_ms)
{
    happen(r, LIFE_ENDED, now_ms);
}

void route_model_dropped(struct route *r, int64_t now_ms)
{
    happen(r, LIFE_DROPPED, now_ms);
}

// The route says itself where it goes.
void route_model_gone(struct route *r, int64_t now_ms)
{
    const struct life_server s = server_of(r);
    enum life_deed deed =
        life_next(&r->life, &r->life_config, &s, LIFE_SERVER_GONE, now_ms);
    (void)deed;  // none
    r->look_at_ms = 0;
}

void route_model_press(struct route *r, int64_t now_ms)
{
    if (r->backend && r->state == ROUTE_READY && !r->has_call) {
        happen(r, LIFE_SHORT_OF_MEMORY, now_ms);
    }
}

void route_model_exit(struct route *r, int64_t now_ms)
{
    if (r->backend && r->state == ROUTE_READY && !r->is_kept) {
        happen(r, LIFE_EXIT, now_ms);
    }
}

int64_t route_model_tick(struct route *r, int64_t now_ms)
{
    const struct life_server s = server_of(r);
    if (r->state == ROUTE_LOADING && r->look_at_ms > 0 && !r->has_call) {
        if (r->look_at_ms > now_ms) {
            return r->look_at_ms;
        }
        verify(r, now_ms);
        return INT64_MAX;
    }
    if (r->state != ROUTE_READY || r->has_call) {
        return INT64_MAX;
    }
    int64_t due = life_due_ms(&r->life, &r->life_config, &s);
    if (due <= now_ms) {
        happen(r, LIFE_TICK, now_ms);
        return INT64_MAX;
    }
    return due;
}

int64_t route_model_due_ms(const struct route *r)
{
    const struct life_server s = server_of(r);
    return r->state == ROUTE_READY ? life_due_ms(&r->life, &r->life_config, &s)
                                   : INT64_MAX;
}

// ---- a person's wish

void route_model_told(struct route *r, int err, const char *words)
{
    struct route_wish w = r->wish;
    r->wish = (struct route_wish){0};
    if (w.done) {
        w.done(w.arg, err, words);
    }
}

static int refuse(struct err *e, const struct route *r, int code, const char *words)
{
    return err_set(e, code, "%s: %s", r->name, words);
}

static bool is_reachable(const struct route *r)
{
    return r->state == ROUTE_FOUND || r->state == ROUTE_STANDBY ||
           r->state == ROUTE_READY || r->state == ROUTE_RESTING ||
           r->state == ROUTE_LOADING || r->state == ROUTE_UNLOADING;
}

int route_model_load(struct route *r, const struct route_wish *wish, struct err *e)
{
    int64_t now = dispatch_now_ms(r->dispatch);
    if (!is_reachable(r)) {
        return refuse(e, r, r->code ? r->code : E_NET, r->reason);
    }
    if (r->wish.done) {
        return refuse(e, r, E_BUSY, "it is being loaded or unloaded already");
    }
    bool is_found = r->state == ROUTE_FOUND || r->state == ROUTE_STANDBY;
    bool is_there = is_found && backend_facts(r->backend)->is_loaded && !r->needs_probe;
    r->is_kept = true;
    if (r->state == ROUTE_READY || is_there) {
        return 1;
    }
    r->wish = *wish;
    r->life.ttl_ms = life_temporary_ttl_ms();
    if (is_found) {
        route_model_take(r, now);
    } else {
        route_model_want(r, now);
    }
    return 0;
}

int route_model_unload(struct route *r, const struct route_wish *wish, struct err *e)
{
    int64_t now = dispatch_now_ms(r->dispatch);
    if (!is_reachable(r)) {
        return refuse(e, r, r->code ? r->code : E_NET, r->reason);
    }
    if (!server_of(r).can_unload) {
        return refuse(e, r, E_UNSUPPORTED, "this server unloads only by itself");
    }
    bool is_loaded = backend_facts(r->backend)->is_loaded;
    if (r->state == ROUTE_RESTING || (r->state == ROUTE_FOUND && !is_loaded)) {
        return 1;
    }
    if (r->wish.done || r->has_call) {
        return refuse(e, r, E_BUSY, "it is being loaded or unloaded already");
    }
    if (r->state == ROUTE_FOUND || r->state == ROUTE_STANDBY) {
        happen(r, LIFE_TAKEN_RESIDENT, now);
    }
    if (!life_may_let_go(&r->life)) {
        return refuse(e, r, E_BUSY, "pictures are waiting for it: `vlmd pause` first");
    }
    r->wish = *wish;
    r->is_kept = false;
    happen(r, LIFE_LET_GO, now);
    return 0;
}
