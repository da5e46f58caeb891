// roster.c -- what the routes say together: which one serves, is there room, why not.
//
// Choice: within the first group of priority that is awake the lowest (in flight + 1) / limit,
// ties by latency (measured p99 23 s at 95 % load against 238 s for least outstanding).  The
// stand-in is taken only when no model is there or about to be.
// SPDX-License-Identifier: MIT
#include "base/log.h"
#include "dispatch/dispatch_inside.h"

#include <stdio.h>
#include <string.h>

static double load_of(const struct route *r)
{
    return (double)(r->in_flight + 1) / route_room(r);
}

bool roster_is_better(const struct route *r, const struct route *best)
{
    if (best && r->terms->priority != best->terms->priority) {
        return r->terms->priority < best->terms->priority;
    }
    if (!best || load_of(r) < load_of(best)) {
        return true;
    }
    return load_of(r) <= load_of(best) && r->latency_ms < best->latency_ms;
}

// ---- what the routes say together

bool roster_has_model(const struct route *r)
{
    return r->backend && (route_is_taken(r) || r->state == ROUTE_FOUND);
}

bool dispatch_has_model(const struct dispatch *d)
{
    for (int i = 0; i < d->n_routes; i++) {
        if (roster_has_model(&d->routes[i])) {
            return true;
        }
    }
    return false;
}

bool dispatch_has_looked(const struct dispatch *d)
{
    for (int i = 0; i < d->n_routes; i++) {
        const struct route *r = &d->routes[i];
        bool is_open = r->is_sight_pending && d->looks_closely;
        if (r->backend && ((!r->was_probed && r->state != ROUTE_STANDBY) || is_open)) {
            return false;
        }
    }
    return true;
}

bool dispatch_never_ready(const struct dispatch *d)
{
    for (int i = 0; i < d->n_routes; i++) {
        const struct route *r = &d->routes[i];
        if (!r->backend) {
            continue;  // the stand-in
        }
        if (r->was_ready || route_is_taken(r)) {
            return false;
        }
    }
    return dispatch_has_looked(d);
}

// Monotonic ms; INT64_MAX = it will not serve.
int64_t roster_stand_in_due_ms(const struct dispatch *d)
{
    switch (d->stand_in_mode) {
    case STAND_IN_NEVER: return INT64_MAX;
    case STAND_IN_AT_START: return d->had_model ? INT64_MAX : 0;
    case STAND_IN_OUTAGE:
        return d->had_model ? d->model_lost_ms + d->config.stand_in_after_ms : 0;
    case STAND_IN_AT_ONCE: return 0;
    }
    return INT64_MAX;
}

bool dispatch_uses_stand_in(const struct dispatch *d)
{
    return d->stand_in && d->stand_in->state == ROUTE_READY && !dispatch_has_model(d) &&
           dispatch_has_looked(d) && dispatch_now_ms(d) >= roster_stand_in_due_ms(d);
}

bool roster_is_usable(const struct dispatch *d, const struct route *r)
{
    return r->backend ? r->state == ROUTE_READY
                      : r->state == ROUTE_READY && dispatch_uses_stand_in(d);
}

bool roster_is_awake(const struct dispatch *d, const struct route *r)
{
    return roster_is_usable(d, r) && !route_is_held(r, dispatch_now_ms(d)) &&
           r->breaker.state == BREAKER_CLOSED;
}

static bool takes_turns(const struct route *a, const struct route *b)
{
    return a->backend && b->backend && strcmp(a->url, b->url) == 0 &&
           strcmp(backend_facts(a->backend)->model, backend_facts(b->backend)->model) !=
               0;
}

bool roster_must_rest(const struct dispatch *d, const struct route *r)
{
    for (int i = 0; i < d->n_routes; i++) {
        const struct route *s = &d->routes[i];
        bool is_sibling = s != r && takes_turns(s, r);
        bool is_in_use =
            s->in_flight > 0 || (s->sent_ms > r->sent_ms && roster_is_awake(d, s));
        if (is_sibling && is_in_use) {
            return true;
        }
    }
    return false;
}

// Of the groups that are awake, the one that serves; INT32_MAX = none is.
static int serving_group(const struct dispatch *d)
{
    int group = INT32_MAX;
    for (int i = 0; i < d->n_routes; i++) {
        const struct route *r = &d->routes[i];
        if (roster_is_awake(d, r) && r->terms->priority < group) {
            group = r->terms->priority;
        }
    }
    return group;
}

// A hold is over soon, but for a budget that is used up.
static int room_of(const struct dispatch *d, const struct route *r)
{
    bool may_serve = roster_is_usable(d, r) || r->state == ROUTE_RESTING;
    bool is_off = !may_serve || route_is_spent(r) || roster_must_rest(d, r);
    return is_off ? 0 : r->breaker.state != BREAKER_CLOSED ? 1 : route_room(r);
}

int dispatch_capacity(const struct dispatch *d)
{
    int n = 0;
    int group = serving_group(d);
    for (int i = 0; i < d->n_routes; i++) {
        const struct route *r = &d->routes[i];
        n += r->terms->priority <= group ? room_of(d, r) : 0;
    }
    return n;
}

// The route whose state tells most about the pause.
static const struct route *spokesman(const struct dispatch *d)
{
    const struct route *best = NULL;
    for (int i = 0; i < d->n_routes; i++) {
        const struct route *r = &d->routes[i];
        if (!r->backend || r->state == ROUTE_STANDBY) {
            continue;
        }
        bool says_more = r->state == ROUTE_WRONG || route_is_spent(r) ||
                         (best && best->state == ROUTE_FOUND);
        if (!best || (says_more && best->state != ROUTE_WRONG)) {
            best = r;
        }
    }
    return best || !d->stand_in || d->stand_in->state != ROUTE_WRONG ? best : d->stand_in;
}

static bool is_limited(const struct dispatch *d, const struct route *r)
{
    return r->state == ROUTE_READY && route_is_held(r, dispatch_now_ms(d));
}

static const char *state_word(const struct dispatch *d, const struct route *r)
{
    return is_limited(d, r) ? "limited" : route_state_name(r->state);
}

static bool has_lower_group(const struct dispatch *d, const struct route *r);
static bool has_sibling(const struct dispatch *d, const struct route *r);

static const char *reason_of(const struct dispatch *d, const struct route *r)
{
    if (r->state == ROUTE_FOUND && d->is_serving && !d->config.is_search) {
        return has_sibling(d, r)       ? "another model of its server is in use"
               : has_lower_group(d, r) ? "an earlier group serves"
                                       : r->reason;
    }
    return is_limited(d, r) ? r->hold_reason : r->state == ROUTE_READY ? "" : r->reason;
}

static void describe_pause(const struct dispatch *d, char *out, size_t size)
{
    const struct route *r = spokesman(d);
    if (dispatch_capacity(d) > 0) {
        out[0] = 0;
    } else if (!r || !dispatch_has_looked(d) || r->state == ROUTE_FOUND) {
        snprintf(out, size, "looking for a backend");
    } else if (d->config.is_search && r->code == E_NET) {
        bool can_ocr = !d->stand_in || d->stand_in->state != ROUTE_WRONG;
        snprintf(out, size, "no VLM server answers on the usual local ports%s%.200s",
                 can_ocr ? "" : ", and OCR can not stand in: ",
                 can_ocr ? "" : d->stand_in->reason);
    } else {
        snprintf(out, size, "%s is %s: %.200s", r->name, state_word(d, r),
                 reason_of(d, r));
    }
}

const char *dispatch_paused_because(const struct dispatch *d)
{
    return d->paused;
}

bool dispatch_allows_remote(const struct dispatch *d)
{
    return d->config.allow_remote;
}

// A lower group serves, is about to, or was not looked for yet: no model is loaded for this
// one, though one that is loaded is welcome.
static bool has_lower_group(const struct dispatch *d, const struct route *r)
{
    for (int i = 0; i < d->n_routes; i++) {
        const struct route *o = &d->routes[i];
        bool may_serve = o->state == ROUTE_FOUND || route_is_taken(o) || !o->was_probed;
        bool is_lower = o->backend && o->terms->priority < r->terms->priority;
        if (is_lower && may_serve && !route_is_held(o, dispatch_now_ms(d))) {
            return true;
        }
    }
    return false;
}

// Another model of its server serves, is about to, or was not looked for yet: loading this one
// would push that one out, or be pushed out by it.
static bool has_sibling(const struct dispatch *d, const struct route *r)
{
    for (int i = 0; i < d->n_routes; i++) {
        const struct route *s = &d->routes[i];
        bool is_first = s != r && s->backend &&
                        s->terms->priority <= r->terms->priority &&
                        strcmp(s->url, r->url) == 0;
        bool may_serve = s->in_flight > 0 ||
                         (route_is_taken(s) && !route_is_held(s, dispatch_now_ms(d)));
        if (is_first && (!s->was_probed || (may_serve && takes_turns(s, r)))) {
            return true;
        }
    }
    return false;
}

// A found backend is taken; of several guesses the first whose model is resident, else the
// first.
static struct route *best_found(struct dispatch *d)
{
    struct route *best = NULL;
    for (int i = 0; i < d->n_routes; i++) {
        struct route *r = &d->routes[i];
        if (r->state != ROUTE_FOUND) {
            continue;
        }
        bool is_loaded = backend_facts(r->backend)->is_loaded;
        bool is_needed = is_loaded || (!has_lower_group(d, r) && !has_sibling(d, r));
        if (!d->config.is_search && !is_needed) {
            continue;
        }
        if (!best || (is_loaded && !backend_facts(best->backend)->is_loaded)) {
            best = r;
        }
    }
    return best;
}

// Guesses that are not needed are not asked again until the one that served goes away.
static void stand_by(struct dispatch *d, bool is_needless)
{
    for (int i = 0; i < d->n_routes; i++) {
        struct route *r = &d->routes[i];
        bool is_idle =
            r->state == ROUTE_FOUND || r->state == ROUTE_AWAY || r->state == ROUTE_WRONG;
        if (!r->backend || r->has_call || r->in_flight > 0) {
            continue;
        }
        if (is_needless && is_idle) {
            r->was_ready = false;
            route_move(r, ROUTE_STANDBY, 0, "another backend was found",
                       dispatch_now_ms(d));
        } else if (!is_needless && r->state == ROUTE_STANDBY) {
            route_move(r, ROUTE_UNKNOWN, 0, "", dispatch_now_ms(d));
        }
    }
}

static bool has_taken(const struct dispatch *d)
{
    for (int i = 0; i < d->n_routes; i++) {
        const struct route *r = &d->routes[i];
        if (r->backend && route_is_taken(r)) {
            return true;
        }
    }
    return false;
}

static void look_closely(struct dispatch *d)
{
    for (int i = 0; i < d->n_routes && d->looks_closely; i++) {
        if (d->routes[i].state == ROUTE_FOUND) {
            route_sight_begin(&d->routes[i], dispatch_now_ms(d));
        }
    }
}

void dispatch_look_closely(struct dispatch *d)
{
    d->looks_closely = true;
    roster_settle(d);
}

static void take_found(struct dispatch *d)
{
    struct route *r;
    if (!d->is_serving) {
        look_closely(d);
        return;
    }
    if (!d->config.is_search) {
        while ((r = best_found(d))) {
            route_model_take(r, dispatch_now_ms(d));
        }
        return;
    }
    bool is_served = has_taken(d);
    if (!is_served && dispatch_has_looked(d) && (r = best_found(d))) {
        route_model_take(r, dispatch_now_ms(d));
        is_served = true;
    }
    if (dispatch_has_looked(d)) {
        stand_by(d, is_served);
    }
}

void roster_want(struct dispatch *d, struct route *r)
{
    if (d->is_serving && r->state == ROUTE_FOUND) {
        route_model_take(r, dispatch_now_ms(d));
    }
}

static int n_ready_models(const struct dispatch *d)
{
    int n = 0;
    for (int i = 0; i < d->n_routes; i++) {
        n += d->routes[i].backend && d->routes[i].state == ROUTE_READY;
    }
    return n;
}

static void note_model(struct dispatch *d)
{
    bool has = dispatch_has_model(d);
    int ready = n_ready_models(d);
    bool is_news = ready > 0 && d->ready_models == 0;
    d->ready_models = ready;
    if (d->had_model && !has && d->model_lost_ms == 0) {
        d->model_lost_ms = dispatch_now_ms(d);
    }
    if (has) {
        d->had_model = true;
        d->model_lost_ms = 0;
        d->said_stand_in = false;
    }
    if (is_news && d->events.on_model_ready) {
        d->events.on_model_ready(d->events.arg);
    }
}

static void note_stand_in(struct dispatch *d)
{
    if (d->said_stand_in || !dispatch_uses_stand_in(d) || d->config.n_backends == 0) {
        return;
    }
    d->said_stand_in = true;
    char words[256];
    snprintf(words, sizeof(words),
             "no vision model can be asked (%s); describing by OCR until one appears",
             d->config.is_search ? "no VLM server answers on the usual local ports"
                                 : "see `vlmd status`");
    log_warn("dispatch", "%s", words);
    if (d->events.on_notice) {
        d->events.on_notice(d->events.arg, words);
    }
}

void roster_refresh(struct dispatch *d)
{
    char paused[sizeof(d->paused)];
    describe_pause(d, paused, sizeof(paused));
    note_stand_in(d);
    bool is_news = strcmp(paused, d->paused) != 0;
    memcpy(d->paused, paused, sizeof(paused));
    if (is_news && d->events.on_state) {
        d->events.on_state(d->events.arg);
    }
    if (!paused[0] && d->events.on_capacity) {
        d->events.on_capacity(d->events.arg);
    }
}

void roster_settle(struct dispatch *d)
{
    if (d->is_closing) {
        return;
    }
    if (d->is_settling) {
        return;  // a move made by take_found below
    }
    d->is_settling = true;
    take_found(d);
    d->is_settling = false;
    note_model(d);
    roster_refresh(d);
}

// ---- telling

static const struct route *most_likely(const struct dispatch *d)
{
    const struct route *best = NULL;
    for (int i = 0; i < d->n_routes; i++) {
        const struct route *r = &d->routes[i];
        if (roster_has_model(r) && roster_is_better(r, best)) {
            best = r;
        }
    }
    return best;
}

bool dispatch_expect(const struct dispatch *d, const struct ask *a,
                     struct ask_expected *out)
{
    const struct route *best = most_likely(d);
    if (!best) {
        return false;
    }
    struct prompt p;
    prompt_pick(d->config.prompts, a->app, a->window, &p);
    dispatch_add_tier(&p, a->tier, a->tier_rule);
    snprintf(out->model, sizeof(out->model), "%s", backend_facts(best->backend)->model);
    snprintf(out->prompt, sizeof(out->prompt), "%s", p.version);
    backend_params(best->backend, out->params, sizeof(out->params));
    return true;
}

static void tell_model(const struct dispatch *d, const struct route *r,
                       struct vlmd_backend_status *out)
{
    const struct route_model_totals *m = &r->model;
    int64_t due = r->backend ? route_model_due_ms(r) : INT64_MAX;
    int64_t left = due - dispatch_now_ms(d);
    out->model_state = r->backend ? life_state_name(r->life.state) : "";
    out->unloads_at_ms = due == INT64_MAX ? 0 : loop_wall_ms() + (left > 0 ? left : 0);
    out->loads = m->loads;
    out->load_failures = m->load_failures;
    out->load_ms = m->load_ms;
    out->verifies = m->verifies;
    out->verify_failures = m->verify_failures;
    out->verify_ms = m->verify_ms;
    out->unloads = m->unloads;
}

static void tell_backlog(const struct dispatch *d, const struct route *r,
                         struct vlmd_backend_status *out)
{
    struct backend_feedback f = route_backlog_told(r, dispatch_now_ms(d));
    out->server_running = f.running;
    out->server_waiting = f.waiting;
    out->server_kv_pct = f.kv_share < 0 ? -1 : f.kv_share * 100;
}

static void tell(const struct dispatch *d, const struct route *r,
                 struct vlmd_backend_status *out)
{
    int64_t wait = r->next_probe_ms - dispatch_now_ms(d);
    bool is_waiting = r->state == ROUTE_AWAY || r->state == ROUTE_WRONG;
    if (is_limited(d, r)) {
        wait = r->hold_until_ms - dispatch_now_ms(d);
        is_waiting = true;
    }
    bool is_idle_stand_in =
        !r->backend && r->state != ROUTE_WRONG && !dispatch_uses_stand_in(d);
    const struct backend_facts *f = r->backend ? backend_facts(r->backend) : NULL;
    *out = (struct vlmd_backend_status){
        .name = r->name,
        .url = r->url,
        .kind = !f                        ? "ocr"
                : f->kind == BACKEND_AUTO ? ""
                                          : backend_kind_name(f->kind),
        .state = is_idle_stand_in ? "standby" : state_word(d, r),
        .reason = reason_of(d, r),
        .model = f ? f->model : "tesseract",
        .is_remote = f && f->is_remote,
        .in_flight = r->in_flight,
        .limit = r->limit,
        .answered = r->answered,
        .failed = r->failed,
        .priority = r->terms->priority,
        .next_probe_at_ms = is_waiting ? loop_wall_ms() + (wait > 0 ? wait : 0) : 0,
        .latency_ms = r->latency_ms,
        .breaker = breaker_state_name(r->breaker.state),
        .minute_requests = r->rate.n_requests,
        .minute_tokens = r->rate.n_tokens,
        .minute_requests_limit = r->terms->rate.requests_per_min,
        .minute_tokens_limit = r->terms->rate.tokens_per_min,
    };
    tell_model(d, r, out);
    tell_backlog(d, r, out);
}

bool dispatch_grid(const struct dispatch *d, int long_px, struct backend_grid *out)
{
    const struct route *best = most_likely(d);
    return best && backend_grid(backend_facts(best->backend), long_px,
                                backend_config(best->backend)->max_tokens, out);
}

int dispatch_status(const struct dispatch *d, struct vlmd_backend_status *out, int max)
{
    int n = d->n_routes < max ? d->n_routes : max;
    for (int i = 0; i < n; i++) {
        tell(d, &d->routes[i], &out[i]);
    }
    return n;
}

double dispatch_budget_pct(const struct dispatch *d)
{
    double most = 0;
    for (int i = 0; i < d->n_routes; i++) {
        const struct route *r = &d->routes[i];
        double pct = r->terms ? budget_used_pct(&r->budget, &r->terms->budget) : 0;
        most = pct > most ? pct : most;
    }
    return most;
}

const struct backend_facts *dispatch_facts(const struct dispatch *d, int i)
{
    const struct route *r = i < d->n_routes ? &d->routes[i] : NULL;
    return r && r->backend && r->was_probed ? backend_facts(r->backend) : NULL;
}
