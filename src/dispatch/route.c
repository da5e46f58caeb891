// route.c -- finds one backend, loads its model, and judges its failures.
// SPDX-License-Identifier: MIT
#include "dispatch/route.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

enum {
    WRONG_RETRY_MS = 60000,   // someone must act; look again now and then
    QUOTA_RETRY_MS = 900000,  // nobody tops up an account by the minute
    BAD_ANSWERS_MAX = 16,     // in a row: the model, not the pictures
    BAD_ANSWERS_PAUSE_MS = 60000,
    OCR_FAILURES_MAX = 3,  // in a row: the helper, not the pictures
    BATCHING_LIMIT = 8,    // servers that batch continuously but tell no slots
};

#define LATENCY_WEIGHT 0.2

const char *route_state_name(enum route_state s)
{
    static const char *const names[] = {
        [ROUTE_UNKNOWN] = "unknown",     [ROUTE_PROBING] = "unknown",
        [ROUTE_FOUND] = "standby",       [ROUTE_LOADING] = "loading",
        [ROUTE_READY] = "ready",         [ROUTE_AWAY] = "away",
        [ROUTE_WRONG] = "misconfigured", [ROUTE_STANDBY] = "standby",
        [ROUTE_RESTING] = "idle",        [ROUTE_UNLOADING] = "unloading",
    };
    return names[s];
}

void route_init(struct route *r, struct dispatch *d, struct backend *b, const char *name,
                const char *url, const struct dispatch_config *c)
{
    static const struct guard_terms no_terms;
    *r = (struct route){
        .dispatch = d,
        .backend = b,
        .name = name,
        .url = url,
        .terms = &no_terms,
        .breaker_config = c->breaker,
        .retry_pct = c->retry_pct,
        .configured_limit = c->concurrency,
        .life_config = c->life,
        .limit = b && c->concurrency > 0 ? c->concurrency : 1,
    };
    concur_config_default(&r->concur_config);
    concur_init(&r->concur, &r->concur_config);
}

void route_move(struct route *r, enum route_state to, int code, const char *reason,
                int64_t now_ms)
{
    bool is_quiet = !r->backend || to == ROUTE_PROBING || to == ROUTE_UNKNOWN ||
                    to == ROUTE_FOUND || to == ROUTE_STANDBY ||
                    (r->is_guess && code == E_NET && !r->was_ready);
    bool is_same = to == r->state || (r->was_probed && r->code == code && code != 0);
    bool is_news = !is_quiet && !is_same;
    r->code = code;
    if (reason != r->reason) {
        snprintf(r->reason, sizeof(r->reason), "%.*s", (int)sizeof(r->reason) - 1,
                 reason ? reason : "");
    }
    if (to != r->state) {
        r->since_ms = now_ms;
    }
    r->state = to;
    if (is_news && (to == ROUTE_AWAY || to == ROUTE_WRONG)) {
        log_warn("dispatch", "backend=%s state=%s class=%s %s", r->name,
                 route_state_name(to), err_name(code), r->reason);
    } else if (is_news) {
        log_info("dispatch", "backend=%s state=%s model=%s limit=%d", r->name,
                 route_state_name(to), r->backend ? backend_facts(r->backend)->model : "",
                 r->limit);
    }
    dispatch_route_changed(r->dispatch);
}

// ---- room

bool route_is_adaptive(const struct route *r)
{
    return r->backend && r->configured_limit == 0;
}

// The first guess: the server's word, else what its kind stands: local servers queue
// without bound, so one.
static int first_limit(const struct backend_facts *f)
{
    if (f->slots > 0) {
        return f->slots;
    }
    return f->kind == BACKEND_VLLM || f->kind == BACKEND_SGLANG ? BATCHING_LIMIT : 1;
}

// A number that the user gave stays.  A server that came back is given half of what it was,
// unless it says its slots.
static void set_room(struct route *r, int64_t now_ms)
{
    if (!route_is_adaptive(r)) {
        return;
    }
    const struct backend_facts *f = backend_facts(r->backend);
    bool is_known = strcmp(r->concur_model, f->model) == 0 && f->slots == 0;
    r->concur_config.start = first_limit(f);
    r->concur_config.slots = f->slots;
    if (is_known) {
        concur_resume(&r->concur, &r->concur_config);
    } else {
        concur_restart(&r->concur, &r->concur_config);
        snprintf(r->concur_model, sizeof(r->concur_model), "%s", f->model);
        r->kept_limit = 0;
        dispatch_limit_wanted(r->dispatch, r);
    }
    route_backlog_anew(r, now_ms);
    r->limit = r->concur.limit;
}

// Half: the server may have less to give than last time, and doubling is quick.
void route_recall(struct route *r, const char *model, int limit)
{
    bool is_searching = route_is_adaptive(r) && strcmp(r->concur_model, model) == 0 &&
                        concur_learned(&r->concur) == 0;
    if (is_searching && limit / 2 > r->concur.limit) {
        r->concur_config.start = limit / 2;
        r->kept_limit = limit;
        concur_restart(&r->concur, &r->concur_config);
        r->limit = r->concur.limit;
        log_debug("dispatch", "backend=%s limit=%d remembered=%d", r->name, r->limit,
                  limit);
    }
}

// Only what holds is worth it, and only when it is another number.
static void keep_limit(struct route *r)
{
    int found = concur_learned(&r->concur), change = found - r->kept_limit;
    bool is_news = change > r->kept_limit / 8 || change < -r->kept_limit / 8;
    if (r->concur.phase == CONCUR_CRUISE && found > 0 && is_news) {
        r->kept_limit = found;
        dispatch_limit_found(r->dispatch, r, found);
    }
}

unsigned route_began(struct route *r, int64_t now_ms)
{
    if (!route_is_adaptive(r)) {
        return 0;
    }
    unsigned mark = concur_began(&r->concur, now_ms);
    r->limit = r->concur.limit;
    return mark;
}

// Unusable answers are the picture's fault, unless nothing else comes any more.
static bool is_bad_answer(int err)
{
    return err == E_EMPTY || err == E_UNFINISHED || err == E_REPETITION ||
           err == E_SCHEMA || err == E_REFUSAL || err == E_IMAGE_DROPPED;
}

// A refused connection is none: the route is AWAY then, and begins anew with half.
static enum concur_outcome outcome_of(int err)
{
    if (err == 0 || is_bad_answer(err)) {
        return CONCUR_OK;
    }
    bool is_late =
        err == E_FIRST_BYTE || err == E_STALL || err == E_TOTAL || err == E_DEADLINE;
    return err == E_RATE || err == E_OVERLOAD || is_late ? CONCUR_OVERLOAD
                                                         : CONCUR_NOTHING;
}

void route_follow_limit(struct route *r)
{
    if (r->limit != r->concur.limit) {
        r->limit = r->concur.limit;
        log_debug("dispatch", "backend=%s limit=%d phase=%s", r->name, r->limit,
                  concur_phase_name(r->concur.phase));
    }
}

void route_measure(struct route *r, unsigned mark, int err, int64_t request_ms,
                   int64_t tokens, int64_t now_ms)
{
    if (!route_is_adaptive(r)) {
        return;
    }
    struct concur_end e = {mark, outcome_of(err), request_ms, tokens};
    concur_ended(&r->concur, &r->concur_config, &e, now_ms);
    route_follow_limit(r);
    keep_limit(r);
}

// ---- finding and loading

// It is there: a pause that has not run out yet is over, one ask will tell the rest.
static void end_pause(struct route *r)
{
    breaker_allow(&r->breaker, INT64_MAX);
    breaker_abandon(&r->breaker);
}

// A pause that the server asked for is left to it.
void route_configure(struct route *r, const struct dispatch_config *c, int keep_alive_s,
                     int64_t now_ms)
{
    bool was_adaptive = route_is_adaptive(r);
    r->breaker_config = c->breaker;
    r->retry_pct = c->retry_pct;
    r->life_config = c->life;
    r->life_config.ttl_ms = (int64_t)keep_alive_s * 1000;
    r->configured_limit = c->concurrency;
    if (r->backend && c->concurrency > 0) {
        r->limit = c->concurrency;
    } else if (!was_adaptive && route_is_taken(r)) {
        set_room(r, now_ms);
    }
    if (r->holds == 0) {
        route_pace_anew(r, now_ms);
    }
}

// What another model took says nothing: it would be late at once, or never.
static void forget_times(struct route *r)
{
    const char *model = r->backend ? backend_facts(r->backend)->model : "";
    if (strcmp(r->timed_model, model) != 0) {
        snprintf(r->timed_model, sizeof(r->timed_model), "%s", model);
        r->times = (struct route_times){0};
        r->latency_ms = 0;
    }
}

void route_become_ready(struct route *r, int64_t now_ms)
{
    forget_times(r);
    end_pause(r);
    r->was_ready = true;
    route_pace_anew(r, now_ms);
    patience_forget(&r->patience);
    set_room(r, now_ms);
    route_move(r, ROUTE_READY, 0, "", now_ms);
}

static void leave_model(struct route *r, int64_t now_ms)
{
    if (r->backend) {
        route_model_gone(r, now_ms);
    }
}

static void become_away(struct route *r, int code, const char *words, int64_t now_ms)
{
    r->next_probe_ms = r->breaker.until_ms;
    leave_model(r, now_ms);
    route_move(r, ROUTE_AWAY, code, words, now_ms);
}

static void become_wrong(struct route *r, int code, const char *words, int64_t wait_ms,
                         int64_t now_ms)
{
    int64_t least_ms = code == E_QUOTA ? QUOTA_RETRY_MS : WRONG_RETRY_MS;
    r->next_probe_ms = now_ms + (wait_ms > least_ms ? wait_ms : least_ms);
    leave_model(r, now_ms);
    route_move(r, ROUTE_WRONG, code, words, now_ms);
}

static bool is_misconfigured(int code)
{
    return code == E_AUTH || code == E_QUOTA || code == E_MODEL_MISSING ||
           code == E_NO_VISION || code == E_GARBAGE || code == E_BAD_REQUEST;
}

void route_give_up(struct route *r, int err, const char *words, int64_t wait_ms,
                   int64_t now_ms)
{
    int64_t told_ms = r->call.retry_after_ms;
    int64_t least_ms = wait_ms > told_ms ? wait_ms : told_ms;
    bool is_silent_guess = r->is_guess && err == E_NET && !r->was_ready;
    if (r->code != err && !is_silent_guess) {
        dispatch_route_failed(r->dispatch, r, err, words);
    }
    if (is_misconfigured(err)) {
        become_wrong(r, err, words, least_ms, now_ms);
        return;
    }
    breaker_trip(&r->breaker, &r->breaker_config, now_ms, least_ms,
                 dispatch_random(r->dispatch));
    become_away(r, err, words, now_ms);
}

// No picture may go to another machine unless the user said so; then it is not even loaded.
static bool is_allowed(const struct route *r)
{
    return !backend_facts(r->backend)->is_remote || dispatch_allows_remote(r->dispatch);
}

static void on_probed(struct backend_call *c, int err)
{
    struct route *r = container_of(c, struct route, call);
    int64_t now = dispatch_now_ms(r->dispatch);
    r->has_call = false;
    r->was_probed |= err != E_CANCELED;
    if (err == E_CANCELED) {
        dispatch_route_call_ended(r->dispatch);
        return;
    }
    r->needs_probe = err == E_LOADING;  // its facts can be had only when it is up
    if (err && err != E_LOADING) {
        route_give_up(r, err, c->err.msg[0] ? c->err.msg : err_words(err), 0, now);
    } else if (!is_allowed(r)) {
        become_wrong(r, E_REMOTE, err_words(E_REMOTE), 0, now);
    } else {
        end_pause(r);
        dispatch_tell_facts(r->dispatch, r);
        route_move(r, ROUTE_FOUND, 0, "", now);
    }
    dispatch_route_call_ended(r->dispatch);
}

void route_start_probe(struct route *r, int64_t now_ms)
{
    r->has_call = true;
    memset(&r->call, 0, sizeof(r->call));
    breaker_allow(&r->breaker, now_ms);  // an open one: this look is its trial
    route_move(r, ROUTE_PROBING, r->code, r->reason, now_ms);
    backend_probe(r->backend, &r->call, on_probed);
}

// The stand-in is there as long as its helper can be started.
static void look_for_helper(struct route *r, int64_t now_ms)
{
    struct err why = {0};
    if (dispatch_has_ocr(r->dispatch, &why)) {
        route_become_ready(r, now_ms);
    } else {
        become_wrong(r, E_OCR, why.msg, 0, now_ms);
    }
}

static int64_t wait_of(const struct route *r)
{
    bool waits = r->state == ROUTE_AWAY || r->state == ROUTE_WRONG;
    return waits ? r->next_probe_ms : INT64_MAX;
}

static void look(struct route *r, int64_t now_ms)
{
    if (r->backend) {
        route_start_probe(r, now_ms);
    } else {
        look_for_helper(r, now_ms);
    }
}

int64_t route_tick(struct route *r, int64_t now_ms)
{
    switch (r->state) {
    case ROUTE_UNKNOWN: look(r, now_ms); return wait_of(r);
    case ROUTE_AWAY:
    case ROUTE_WRONG:
        if (r->next_probe_ms <= now_ms && !r->has_call) {
            look(r, now_ms);
            return wait_of(r);
        }
        return r->next_probe_ms;
    case ROUTE_READY: {
        int64_t due = r->backend ? route_model_tick(r, now_ms) : INT64_MAX;
        int64_t held = route_pace_tick(r, now_ms);
        int64_t look = route_backlog_tick(r, now_ms);
        due = held < due ? held : due;
        return look < due ? look : due;
    }
    case ROUTE_LOADING: return route_model_tick(r, now_ms);
    case ROUTE_PROBING:
    case ROUTE_FOUND:
    case ROUTE_UNLOADING:
    case ROUTE_RESTING:
    case ROUTE_STANDBY: return INT64_MAX;
    }
    return INT64_MAX;
}

bool route_is_taken(const struct route *r)
{
    return r->state == ROUTE_READY || r->state == ROUTE_LOADING ||
           r->state == ROUTE_UNLOADING || r->state == ROUTE_RESTING;
}

int route_room(const struct route *r)
{
    int n = r->limit * dispatch_share_pct(r->dispatch) / 100;
    return n > 0 ? n : 1;
}

bool route_is_open(const struct route *r, int64_t now_ms)
{
    bool is_probing = r->breaker.state == BREAKER_HALF_OPEN && r->breaker.has_probe;
    return r->state == ROUTE_READY && r->in_flight < route_room(r) &&
           !route_is_held(r, now_ms) && !is_probing;
}

static bool is_breakage(int err)
{
    return err == E_NET_CUT || err == E_FIRST_BYTE || err == E_STALL || err == E_TOTAL ||
           err == E_SERVER || err == E_GARBAGE || err == E_MODEL_CRASH;
}

static bool learn_breakage(struct route *r, int err, const char *words, int64_t now_ms)
{
    if (r->breaker.state == BREAKER_OPEN) {
        return true;  // sent before the outage was noticed
    }
    bool was_half_open = r->breaker.state == BREAKER_HALF_OPEN;
    breaker_failure(&r->breaker, &r->breaker_config, now_ms,
                    dispatch_random(r->dispatch));
    if (r->breaker.state != BREAKER_OPEN) {
        return was_half_open;
    }
    if (r->state == ROUTE_READY) {
        become_away(r, err, words, now_ms);
    }
    return true;
}

static bool learn_absence(struct route *r, const char *words, int64_t now_ms)
{
    if (r->breaker.state != BREAKER_OPEN) {
        breaker_trip(&r->breaker, &r->breaker_config, now_ms, 0,
                     dispatch_random(r->dispatch));
    }
    if (r->state == ROUTE_READY) {
        become_away(r, E_NET, words, now_ms);
    }
    return true;
}

static bool learn_bad_answer(struct route *r, int err, const char *words, int64_t now_ms)
{
    breaker_success(&r->breaker, now_ms);
    r->failed++;
    if (++r->bad_answers < BAD_ANSWERS_MAX) {
        return false;
    }
    breaker_trip(&r->breaker, &r->breaker_config, now_ms, BAD_ANSWERS_PAUSE_MS,
                 dispatch_random(r->dispatch));
    char reason[256];
    snprintf(reason, sizeof(reason), "%d answers in a row were of no use: %s",
             r->bad_answers, words);
    become_away(r, err, reason, now_ms);
    return true;
}

// A page may be too much for the helper; when every page is, it is the helper (its data are
// missing, say), and the pictures wait.
static bool learn_ocr_failure(struct route *r, const char *words, int64_t now_ms)
{
    if (++r->bad_answers < OCR_FAILURES_MAX) {
        return false;
    }
    if (r->state == ROUTE_READY) {
        become_wrong(r, E_OCR, words, 0, now_ms);
    }
    return true;
}

// A server that loads by itself says "loaded" at once and goes on refusing: once is enough,
// then it is left alone like one that is away.
static void learn_loading(struct route *r, const char *words, int64_t retry_after_ms,
                          int64_t now_ms)
{
    if (r->state != ROUTE_READY || r->has_call) {
        return;
    }
    if (r->vain_loads++ == 0) {
        route_model_dropped(r, now_ms);
        return;
    }
    breaker_trip(&r->breaker, &r->breaker_config, now_ms, retry_after_ms,
                 dispatch_random(r->dispatch));
    become_away(r, E_LOADING, words, now_ms);
}

// A server that loads its model by itself may do so for any request, and loses the half of
// it when it is left: what other requests took says nothing about that one.
int64_t route_first_byte_ms(const struct route *r)
{
    int64_t configured = backend_config(r->backend)->timeouts.first_byte_ms;
    bool loads_by_itself = backend_facts(r->backend)->unload == BACKEND_UNLOAD_NOW;
    return loads_by_itself ? configured : patience_ms(&r->patience, configured);
}

static void learn_success(struct route *r, int64_t request_ms, int64_t now_ms)
{
    breaker_success(&r->breaker, now_ms);
    r->answered++;
    r->holds = 0;
    r->vain_loads = 0;
    r->bad_answers = 0;
    double sample = (double)request_ms;
    r->latency_ms = r->latency_ms > 0
                        ? r->latency_ms + LATENCY_WEIGHT * (sample - r->latency_ms)
                        : sample;
}

bool route_learn(struct route *r, int err, const char *words, int64_t retry_after_ms,
                 int64_t request_ms, int64_t now_ms)
{
    if (err == 0) {
        learn_success(r, request_ms, now_ms);
        return false;
    }
    if (err == E_FIRST_BYTE) {
        patience_forget(&r->patience);  // it may just be slower than it was
    }
    if (err == E_CANCELED) {
        breaker_abandon(&r->breaker);
        return false;
    }
    if (is_bad_answer(err)) {
        return learn_bad_answer(r, err, words, now_ms);
    }
    r->failed++;
    if (err == E_DEADLINE) {  // of the user's making: slow is not broken
        breaker_abandon(&r->breaker);
        return false;
    }
    if (err == E_OCR) {
        return learn_ocr_failure(r, words, now_ms);
    }
    if (err == E_NET) {
        return learn_absence(r, words, now_ms);
    }
    if (is_breakage(err)) {
        return learn_breakage(r, err, words, now_ms);
    }
    if (err == E_LOADING) {
        learn_loading(r, words, retry_after_ms, now_ms);
        return true;
    }
    breaker_success(&r->breaker, now_ms);  // it is there and talks
    if (err == E_RATE || err == E_OVERLOAD) {
        route_hold(r, err, words, retry_after_ms, now_ms);
        return true;
    }
    if (is_misconfigured(err) && err != E_BAD_REQUEST && r->state == ROUTE_READY) {
        become_wrong(r, err, words, retry_after_ms, now_ms);
        return true;
    }
    return false;
}

void route_stop(struct route *r)
{
    if (r->has_call) {
        backend_cancel(r->backend, &r->call);
    }
    if (r->has_look) {
        backend_cancel(r->backend, &r->look);
    }
}
