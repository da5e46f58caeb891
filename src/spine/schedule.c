// schedule.c -- offers, claims, lease renewal, and the before-sleep list.
// SPDX-License-Identifier: MIT
#include "spine/schedule_inside.h"

#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_CLAIM = 64,
    MAX_AHEAD = 64,        // some 100 KB each
    MAX_READING = 8,       // on their way to OCR, with the whole picture in grey
    BATCH_POLL_MS = 1000,  // members that other processes hold
    RENEWALS_PER_LEASE = 3,
};

// ---- a database that refuses (a full disk, a lock held too long): told once

static void tell_error(const struct schedule *s, int err)
{
    const struct pipeline_events *e = &s->pipeline->events;
    const struct err_note note = {.code = err, .stage = "queue", .words = s->trouble};
    if (e->on_error) {
        e->on_error(e->arg, &note);
    }
}

void schedule_note_refusal(struct schedule *s, bool *is_refused, int err,
                           const char *words)
{
    *is_refused = true;
    if (s->trouble[0]) {
        log_debug("schedule", "class=%s %s", err_name(err), words);
        return;
    }
    snprintf(s->trouble, sizeof(s->trouble), "the database refuses: %.280s",
             words[0] ? words : err_words(err));
    log_error("schedule", "class=%s %s", err_name(err), s->trouble);
    tell_error(s, err);
    s->events.on_trouble(s->events.arg);
}

void schedule_note_consent(struct schedule *s, bool *is_refused)
{
    *is_refused = false;
    if (s->trouble[0] && !s->refuses_offers && !s->refuses_claims) {
        s->trouble[0] = 0;
        log_info("schedule", "the database takes work again");
        s->events.on_trouble(s->events.arg);
    }
}

// ---- claims

// Jobs that want, or will want, a backend's room.
static int n_upstream(const struct schedule *s)
{
    const struct job_lists *l = &s->pipeline->jobs;
    return l->total - l->count[JOB_SAVING] - l->count[JOB_RELEASING];
}

// When many slots come free at once, as many pictures should be ready.
static int ahead_of(const struct schedule *s, int capacity)
{
    int ahead = capacity < MAX_AHEAD ? capacity : MAX_AHEAD;
    return ahead > s->config.prepare_ahead ? ahead : s->config.prepare_ahead;
}

// With OCR for all, one helper is slower than everything before it.
static int room_to_read(const struct schedule *s)
{
    int n = 0;
    for (int state = JOB_CLAIMED; state <= JOB_SCREENING; state++) {
        n += s->pipeline->jobs.count[state];
    }
    return s->pipeline->config.reads_text_always ? MAX_READING - n : MAX_CLAIM;
}

static int room(const struct schedule *s)
{
    int capacity = dispatch_capacity(s->dispatch);
    if (capacity == 0 || s->pipeline->trouble[0]) {
        return 0;
    }
    bool is_slow = s->ease == YIELD_SLOW;
    int ahead = is_slow ? 0 : ahead_of(s, capacity);
    int more = (is_slow ? 1 : capacity) + ahead - n_upstream(s);
    int fits = SCHEDULE_MAX_JOBS - s->pipeline->jobs.total;
    more = more < fits ? more : fits;
    fits = room_to_read(s);
    more = more < fits ? more : fits;
    return more < MAX_CLAIM ? more : MAX_CLAIM;
}

static int64_t monotonic_of(const struct schedule *s, int64_t wall_ms)
{
    int64_t wait = wall_ms - loop_wall_ms();
    return loop_now_ms(s->loop) + (wait > 0 ? wait : 0);
}

static void look_later(struct schedule *s, int64_t next_at_ms)
{
    int64_t now = loop_now_ms(s->loop);
    s->look_at_ms = now + (s->batch ? BATCH_POLL_MS : s->config.poll_ms);
    if (next_at_ms) {
        int64_t due = monotonic_of(s, next_at_ms);
        s->look_at_ms = due < s->look_at_ms ? due : s->look_at_ms;
    }
}

static void on_claimed(struct store_claim *r, int err)
{
    struct schedule *s = container_of(r, struct schedule, claim);
    s->requests--;
    s->is_claiming = false;
    if (!err) {
        schedule_note_consent(s, &s->refuses_claims);
        schedule_note_pause(s, r->paused_until_ms);
    }
    if (err) {
        schedule_note_refusal(s, &s->refuses_claims, err, r->err.msg);
        s->may_have_work = false;
        s->look_at_ms = loop_now_ms(s->loop) + SCHEDULE_AGAIN_MS;
    } else if (r->n < r->max) {
        s->may_have_work = false;
        look_later(s, r->next_at_ms);
    }
    s->has_held_back = !err && r->has_held_back;
    if (s->has_held_back && s->pause_until_ms) {
        s->look_at_ms = schedule_ask_again_ms(s);
    }
    for (int i = 0; i < r->n; i++) {
        pipeline_add(s->pipeline, &r->jobs[i]);
    }
    store_claim_fini(r);
}

static void claim(struct schedule *s, int64_t now_ms)
{
    if (s->look_at_ms <= now_ms) {
        s->may_have_work = true;
    }
    bool is_held = s->ease == YIELD_PAUSE ||
                   (s->events.may_begin && !s->events.may_begin(s->events.arg));
    int n = is_held ? 0 : room(s);
    bool is_off =
        !s->is_started || s->is_stopping || s->is_claiming || s->has_batch_ended;
    if (is_off || !s->may_have_work || n <= 0) {
        return;
    }
    s->claim = (struct store_claim){
        .max = n,
        .batch = s->batch,
        .with_degraded = dispatch_has_model(s->dispatch),
        .only_interactive = s->ease == YIELD_SLOW && !s->batch,
    };
    s->is_claiming = true;
    s->requests++;
    store_claim(s->store, &s->claim, on_claimed);
}

void schedule_wake(struct schedule *s)
{
    s->may_have_work = true;
    s->batch_check_ms = 0;
}

// ---- leases

static void on_renewed(struct store_renew *r, int err)
{
    struct schedule *s = container_of(r, struct schedule, renew);
    s->requests--;
    s->is_renewing = false;
    if (err) {
        log_warn("schedule", "renew class=%s %s", err_name(err), r->err.msg);
        s->renew_at_ms = loop_now_ms(s->loop) + SCHEDULE_AGAIN_MS;
        return;
    }
    for (int i = 0; i < r->n; i++) {
        if (r->lost[i]) {
            pipeline_lose(s->pipeline, r->ids[i]);
        }
    }
}

static void renew_later(struct schedule *s, int64_t now_ms, int64_t wall_ms)
{
    int64_t every = s->config.lease_ms / RENEWALS_PER_LEASE;
    s->renew_at_ms = now_ms + every;
    s->renew_wall_ms = wall_ms + every;
}

// Leases run on the wall clock, which goes on while the machine sleeps.
static void renew(struct schedule *s, int64_t now_ms)
{
    int64_t wall_ms = loop_wall_ms();
    if (s->pipeline->jobs.total == 0) {
        renew_later(s, now_ms, wall_ms);
        return;
    }
    if (s->is_renewing || (now_ms < s->renew_at_ms && wall_ms < s->renew_wall_ms)) {
        return;
    }
    renew_later(s, now_ms, wall_ms);
    memset(s->renew_lost, 0, sizeof(s->renew_lost));
    s->renew = (struct store_renew){
        .ids = s->renew_ids,
        .lost = s->renew_lost,
        .n = pipeline_ids(s->pipeline, s->renew_ids, SCHEDULE_MAX_JOBS),
    };
    s->is_renewing = true;
    s->requests++;
    store_renew(s->store, &s->renew, on_renewed);
}

// ---- stand-ins are asked again

static void on_upgraded(struct store_change *r, int err)
{
    struct schedule *s = container_of(r, struct schedule, upgrade);
    s->requests--;
    s->is_upgrading = false;
    if (err) {
        log_warn("schedule", "upgrade class=%s %s", err_name(err), r->err.msg);
        s->wants_upgrade = true;
        s->upgrade_at_ms = loop_now_ms(s->loop) + SCHEDULE_AGAIN_MS;
    } else if (r->n > r->n_wanted) {
        log_info("schedule", "described by OCR so far, asked again: %lld",
                 (long long)(r->n - r->n_wanted));
    }
    s->may_have_work = true;
}

static bool may_upgrade(const struct schedule *s)
{
    return s->wants_upgrade && !s->is_upgrading && s->is_started && !s->is_stopping;
}

static void upgrade(struct schedule *s, int64_t now_ms)
{
    if (!may_upgrade(s) || s->upgrade_at_ms > now_ms) {
        return;
    }
    s->wants_upgrade = false;
    s->is_upgrading = true;
    s->requests++;
    s->upgrade = (struct store_change){
        .action = STORE_UPGRADE,
        .filter = {.only_degraded = true, .batch = s->batch},
        .all = true,
    };
    store_change(s->store, &s->upgrade, on_upgraded);
}

void schedule_upgrade(struct schedule *s)
{
    s->wants_upgrade = true;
}

// ---- the end of a batch

static bool is_quiet(const struct schedule *s)
{
    return s->n_offers == 0 && s->pipeline->jobs.total == 0 && !s->is_claiming &&
           !s->wants_upgrade && !s->is_upgrading;
}

static void on_counted(struct store_counts *r, int err)
{
    struct schedule *s = container_of(r, struct schedule, counts);
    s->requests--;
    s->is_counting = false;
    bool is_ended = !err && r->queued == 0 && r->leased == 0 && is_quiet(s);
    if (is_ended && !s->has_batch_ended && !s->is_stopping) {
        s->has_batch_ended = true;
        s->events.on_batch_ended(s->events.arg);
    }
}

static void check_batch(struct schedule *s, int64_t now_ms)
{
    if (!s->batch || !s->is_input_ended || s->has_batch_ended || s->is_counting ||
        !is_quiet(s) || s->is_stopping || s->batch_check_ms > now_ms) {
        return;
    }
    s->batch_check_ms = now_ms + BATCH_POLL_MS;
    s->is_counting = true;
    s->requests++;
    s->counts = (struct store_counts){.batch = s->batch};
    store_count(s->store, &s->counts, on_counted);
}

void schedule_set_batch(struct schedule *s, int64_t batch)
{
    s->batch = batch;
}

void schedule_input_ended(struct schedule *s)
{
    s->is_input_ended = true;
    s->may_have_work = true;
}

// ---- pauses

const char *schedule_paused_because(const struct schedule *s)
{
    if (s->pipeline->trouble[0]) {
        return s->pipeline->trouble;
    }
    if (s->trouble[0]) {
        return s->trouble;
    }
    const char *held = schedule_held_because(s);
    return *held ? held : dispatch_paused_because(s->dispatch);
}

// A long outage: other processes may have a backend, and this one can sleep.
static int64_t shed(struct schedule *s, int64_t now_ms)
{
    if (dispatch_capacity(s->dispatch) > 0) {
        s->paused_since_ms = 0;
        if (dispatch_uses_stand_in(s->dispatch)) {
            pipeline_shed_upgrades(s->pipeline);  // they would hold the room of new ones
        }
        return INT64_MAX;
    }
    if (s->paused_since_ms == 0) {
        s->paused_since_ms = now_ms;
    }
    if (s->pipeline->jobs.count[JOB_WAITING] == 0) {
        return INT64_MAX;
    }
    int64_t due = s->paused_since_ms + s->config.shed_after_ms;
    if (due > now_ms) {
        return due;
    }
    pipeline_shed(s->pipeline);
    s->may_have_work = true;
    return INT64_MAX;
}

// ---- the before-sleep list

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t own_deadline(const struct schedule *s)
{
    int64_t next = INT64_MAX;
    if (s->pipeline->jobs.total > 0 && !s->is_renewing) {
        next = least(next, s->renew_at_ms);
    }
    if (!list_is_empty(&s->offers) && !s->is_offering) {
        next = least(next, s->offer_at_ms);
    }
    if (may_upgrade(s)) {
        next = least(next, s->upgrade_at_ms);
    }
    bool looks = s->is_started && !s->is_stopping && !s->is_claiming &&
                 !s->may_have_work && !s->has_batch_ended && room(s) > 0 &&
                 s->ease != YIELD_PAUSE;
    if (looks) {
        next = least(next, s->look_at_ms);
    }
    bool counts = s->batch && s->is_input_ended && !s->has_batch_ended && is_quiet(s) &&
                  !s->is_counting && !s->is_stopping;
    if (counts) {
        next = least(next, s->batch_check_ms);
    }
    return next;
}

// Its only purpose is to end the sleep.
static void on_timer(uv_timer_t *handle)
{
    (void)handle;
}

static void arm(struct schedule *s, int64_t next_ms, int64_t now_ms)
{
    if (next_ms == INT64_MAX) {
        uv_timer_stop(&s->timer);
        return;
    }
    int64_t wait = next_ms > now_ms ? next_ms - now_ms : 0;
    uv_timer_start(&s->timer, on_timer, (uint64_t)wait, 0);
}

// True when it came to that just now: whoever runs the loop waits for it and must not sleep.
static bool has_just_drained(struct schedule *s)
{
    bool is_empty = s->pipeline->jobs.total == 0 && s->requests == 0;
    if (!s->is_stopping || !is_empty || s->has_drained) {
        return false;
    }
    s->has_drained = true;
    s->events.on_drained(s->events.arg);
    return true;
}

static int64_t tick_others(struct schedule *s, int64_t now_ms)
{
    bool has_work = s->is_started && !s->is_stopping && !s->has_batch_ended &&
                    (s->may_have_work || s->has_held_back || s->pipeline->jobs.total > 0);
    return s->events.on_tick ? s->events.on_tick(s->events.arg, now_ms, has_work)
                             : INT64_MAX;
}

void schedule_before_sleep(struct schedule *s)
{
    int64_t now = loop_now_ms(s->loop);
    renew(s, now);  // before anything that collects leases that seem to have run out
    dispatch_note_waiting(s->dispatch, n_upstream(s));
    int64_t others = tick_others(s, now);
    int64_t next = pipeline_tick(s->pipeline, now);  // what it sends may be late one day
    next = least(next, others);
    next = least(next, dispatch_tick(s->dispatch, now));
    next = least(next, store_tick(s->store, now));
    next = least(next, shed(s, now));
    upgrade(s, now);
    schedule_send_offers(s, now);
    claim(s, now);
    check_batch(s, now);
    next = least(next, own_deadline(s));
    arm(s, has_just_drained(s) ? now : next, now);
}

static void on_prepare(uv_prepare_t *handle)
{
    schedule_before_sleep(container_of(handle, struct schedule, prepare));
}

// ---- opening, stopping, closing

int schedule_open(struct schedule **out, struct loop *l, struct store *store,
                  struct pipeline *p, struct dispatch *d, const struct schedule_config *c,
                  const struct schedule_events *e)
{
    struct schedule *s = mem_new(struct schedule);
    s->loop = l;
    s->store = store;
    s->pipeline = p;
    s->dispatch = d;
    s->config = *c;
    s->events = *e;
    list_init(&s->offers);
    uv_prepare_init(&l->uv, &s->prepare);
    closer_hold(&s->closer);
    uv_timer_init(&l->uv, &s->timer);
    closer_hold(&s->closer);
    uv_prepare_start(&s->prepare, on_prepare);
    *out = s;
    return 0;
}

void schedule_start(struct schedule *s)
{
    s->is_started = true;
    s->may_have_work = true;
}

void schedule_stop(struct schedule *s, bool now)
{
    s->is_stopping = true;
    pipeline_stop(s->pipeline, now);
    uv_timer_start(&s->timer, on_timer, 0, 0);  // so that it is seen before the sleep
}

static void on_all_closed(struct closer *c)
{
    struct schedule *s = container_of(c, struct schedule, closer);
    void (*on_closed)(void *) = s->on_closed;
    void *arg = s->closed_arg;
    struct list *node, *tmp;
    list_each(node, tmp, &s->offers)
    {
        list_remove(node);
        schedule_free_offers(container_of(node, struct offers, node));
    }
    free(s);
    on_closed(arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct schedule *s = handle->data;
    closer_drop(&s->closer);
}

void schedule_close(struct schedule *s, void (*on_closed)(void *arg), void *arg)
{
    assert(s->requests == 0);
    s->on_closed = on_closed;
    s->closed_arg = arg;
    s->closer.on_closed = on_all_closed;
    s->prepare.data = s;
    s->timer.data = s;
    uv_close((uv_handle_t *)&s->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&s->timer, on_handle_closed);
}
