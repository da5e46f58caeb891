// app.c -- the table of parts, and the wires between them.
//
// Opened top to bottom, closed bottom to top, each waiting for the previous.  A stop first
// drains: input ends, nothing more is claimed, what is being asked is finished (or, after
// the grace period or a second stop, cancelled), what waits goes back to the queue.
// SPDX-License-Identifier: MIT
#include "app.h"

#include "api/item.h"
#include "base/log.h"
#include "base/mem.h"
#include "door.h"
#include "govern.h"
#include "intake.h"
#include "learned.h"
#include "observe/alerts.h"
#include "observe/errors.h"
#include "observe/meters.h"
#include "observe/monitor.h"
#include "observe/spent.h"
#include "observe/status.h"
#include "observe/trace.h"
#include "organs.h"
#include "servers.h"
#include "settings.h"
#include "start.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void next_part_closed(void *arg);

// ---- the door from other threads, and what is told through it

static int open_door(struct app *a, struct err *e)
{
    (void)e;
    event_init(&a->events);
    a->errors = mem_new(struct err_ring);
    int rc = door_open(a);
    if (rc) {
        event_fini(&a->events);
        free(a->errors);
    }
    return rc;
}

static void on_door_closed(void *arg)
{
    struct app *a = arg;
    event_fini(&a->events);
    free(a->errors);
    next_part_closed(a);
}

static void close_door(struct app *a)
{
    door_close(a, on_door_closed);
}

// ---- telling

static void tell_pause(struct app *a)
{
    const char *why = schedule_paused_because(a->schedule);
    bool is_paused = why[0] != 0;
    if (is_paused == a->was_paused) {
        return;
    }
    a->was_paused = is_paused;
    event_say(&a->events, is_paused ? VLMD_EVENT_PAUSED : VLMD_EVENT_RESUMED, NULL, NULL,
              why, 0);
}

static void maybe_batch_ended(struct app *a)
{
    if (a->is_batch_ending && a->tells_under_way == 0) {
        a->is_batch_ending = false;
        event_say(&a->events, VLMD_EVENT_BATCH, NULL, NULL, NULL, a->problems);
        app_stop(a, VLMD_STOP_DRAIN);
    }
}

struct tell {
    struct app *app;
    struct store_query query;
    int64_t was;  // see on_ended of pipeline.h
};

static void on_told(struct store_query *q, int err)
{
    struct tell *t = container_of(q, struct tell, query);
    struct app *a = t->app;
    if (err == 0 && q->n == 1) {
        struct item_text text;
        struct vlmd_item item;
        item_from_row(&a->gate, &q->rows[0], &text, &item);
        struct vlmd_event what = {
            .type = VLMD_EVENT_JOB,
            .at_ms = loop_wall_ms(),
            .item = &item,
            .path = item.path,
            .error_class = item.error_class,
            .words = item.reason,
            .n = t->was == item.id ? 0 : t->was,
        };
        event_emit(&a->events, &what);
        item_text_fini(&text);
    }
    store_query_fini(q);
    free(t);
    a->tells_under_way--;
    maybe_batch_ended(a);
}

static void on_ended(void *arg, int64_t id, int64_t was, enum store_outcome outcome)
{
    struct app *a = arg;
    spool_note_ended(a, was, outcome);
    if (was != id) {
        merged_note(&a->merged, was, id);
    }
    status_count(a);
    alerts_wake(a, true);
    status_publish(a);
    if (!event_is_heard(&a->events)) {
        return;
    }
    struct tell *t = mem_new(struct tell);
    t->app = a;
    t->was = was;
    t->query.filter.id = id;
    t->query.limit = 1;
    a->tells_under_way++;
    store_query(a->store, &t->query, on_told);
}

// ---- wires: dispatch, pipeline, schedule

static void on_room(void *arg)
{
    struct app *a = arg;
    if (a->pipeline.jobs.total == 0) {
        schedule_wake(a->schedule);
    }
}

static void on_capacity(void *arg)
{
    struct app *a = arg;
    if (a->schedule) {
        pipeline_pump(&a->pipeline);
    }
}

static bool has_no_backend(const struct app *a)
{
    return a->is_batch && a->is_working && a->stop_seen == 0 &&
           dispatch_never_ready(a->dispatch) && !dispatch_uses_stand_in(a->dispatch);
}

static void on_no_backend(uv_timer_t *t)
{
    struct app *a = t->data;
    if (has_no_backend(a)) {
        a->result = E_NET;
        app_stop(a, VLMD_STOP_NOW);
    }
}

// A batch does not wait for ever for a backend that was never there; one that goes away
// later is waited for.
static void watch_for_backend(struct app *a)
{
    if (has_no_backend(a) && !uv_is_active((uv_handle_t *)&a->patience)) {
        uv_timer_start(&a->patience, on_no_backend, (uint64_t)a->config->backend_wait_ms,
                       0);
    }
}

static void on_state(void *arg)
{
    struct app *a = arg;
    if (a->schedule) {
        schedule_wake(a->schedule);
        tell_pause(a);
        status_publish(a);
        alerts_wake(a, false);
        watch_for_backend(a);
    }
}

static void on_model_ready(void *arg)
{
    struct app *a = arg;
    if (a->schedule) {
        schedule_upgrade(a->schedule);
        schedule_wake(a->schedule);
    }
}

static void on_notice(void *arg, const char *words)
{
    struct app *a = arg;
    event_say(&a->events, VLMD_EVENT_NOTICE, NULL, NULL, words, 0);
}

static void on_batch_ended(void *arg)
{
    struct app *a = arg;
    a->is_batch_ending = true;
    maybe_batch_ended(a);
}

static void on_drained(void *arg)
{
    struct app *a = arg;
    uv_timer_stop(&a->grace);
    uv_timer_stop(&a->patience);
    a->is_finished = true;
}

void app_wake(struct app *a)
{
    if (a->schedule) {
        schedule_wake(a->schedule);
    }
}

void app_work(struct app *a)
{
    if (a->is_working) {
        return;
    }
    a->is_working = true;
    a->pipeline.config.fallback = servers_fallback(a);
    spent_recall(a);
    dispatch_serve(a->dispatch, servers_stand_in(a));
    schedule_start(a->schedule);
    watch_for_backend(a);
    spool_sweep(a);
}

// ---- the parts

static int open_meters(struct app *a, struct err *e)
{
    (void)e;
    meters_open(a);
    return 0;
}

static void close_meters(struct app *a)
{
    meters_close(a);
    next_part_closed(a);
}

static int open_store(struct app *a, struct err *e)
{
    int rc = store_open(&a->store, &a->loop, &a->config->store, e);
    bill_init(&a->bill, a->store);
    if (rc == 0) {
        spool_init(a);
    }
    return rc;
}

static void close_store(struct app *a)
{
    store_close(a->store, next_part_closed, a);
}

static int open_history(struct app *a, struct err *e)
{
    (void)e;
    history_open(&a->history, &a->loop, a->store, a->config->history_keep_ms);
    return 0;
}

static void close_history(struct app *a)
{
    history_close(&a->history, next_part_closed, a);
}

static int open_gate(struct app *a, struct err *e)
{
    a->gate.rules = a->config->rules;
    a->gate.policy = &a->config->privacy.policy;
    a->gate.kept_back = &a->kept_back;
    atomic_store(&a->kept_back, gate_kept_back(a->gate.policy));
    int rc = privacy_finder_open(&a->finder, e);
    a->gate.finder = a->finder;
    a->config->store.redact = gate_redact_address;
    a->config->store.redact_arg = &a->gate;
    return rc;
}

static void close_gate(struct app *a)
{
    privacy_finder_free(a->finder);
    next_part_closed(a);
}

static int open_reader(struct app *a, struct err *e)
{
    (void)e;
    struct pool_config c = {.name = "vlmd-meta", .threads = 1};
    return pool_open(&a->reader, &a->loop, &c);
}

static void close_reader(struct app *a)
{
    pool_close(a->reader, next_part_closed, a);
}

static int open_images(struct app *a, struct err *e)
{
    (void)e;
    int rc = payload_open(&a->payloads, (int64_t)a->config->payload_mb << 20,
                          a->config->payload_items);
    struct image_config images = a->config->image;
    images.scratch_dir =
        a->spool.parent;  // the database's folder: on a disk, and private
    rc = rc ? rc : image_open(&a->images, &a->loop, &images);
    if (rc) {
        payload_close(&a->payloads);
    } else {
        pictures_open(&a->pictures);
    }
    return rc;
}

static void close_images(struct app *a)
{
    payload_close(&a->payloads);
    pictures_close(&a->pictures);
    image_close(a->images, next_part_closed, a);
}

static int open_http(struct app *a, struct err *e)
{
    (void)e;
    struct http_config c = {0};
    return http_open(&a->http, &a->loop, &c);
}

static void close_http(struct app *a)
{
    http_close(a->http, next_part_closed, a);
}

static int open_trace(struct app *a, struct err *e)
{
    (void)e;
    trace_open(a);
    return 0;
}

static void close_trace(struct app *a)
{
    trace_close(a, next_part_closed, a);
}

static int open_ocr(struct app *a, struct err *e)
{
    (void)e;
    return ocr_open(&a->ocr, &a->loop, &a->config->ocr);
}

static void close_ocr(struct app *a)
{
    ocr_close(a->ocr, next_part_closed, a);
}

static int open_dispatch(struct app *a, struct err *e)
{
    const struct config *c = a->config;
    bool may_stand_in = c->has_ocr_backend || c->ocr_when != CONFIG_OCR_NEVER;
    struct dispatch_config d;
    settings_dispatch(a, &d);
    struct dispatch_events events = {
        .arg = a,
        .on_capacity = on_capacity,
        .on_state = on_state,
        .on_model_ready = on_model_ready,
        .on_notice = on_notice,
        .on_loaded = meters_on_loaded,
        .on_verified = meters_on_verified,
        .on_limit_wanted = learned_recall,
        .on_limit_found = learned_keep,
        .on_error = errors_note,
        .on_sight_wanted = learned_recall_sight,
        .on_sight_found = learned_keep_sight,
        .on_facts = learned_keep_facts,
    };
    int rc = dispatch_open(&a->dispatch, &a->loop, a->http, may_stand_in ? a->ocr : NULL,
                           &d, &events);
    return rc ? err_set(e, rc, "backends: %s", err_words(rc)) : 0;
}

static void close_dispatch(struct app *a)
{
    dispatch_close(a->dispatch, next_part_closed, a);
}

static void init_pipeline(struct app *a)
{
    struct pipeline_organs organs;
    organs_bind(a, &organs);
    struct pipeline_config c;
    settings_pipeline(a, &c);
    struct pipeline_events events = {
        .arg = a,
        .on_ended = on_ended,
        .on_ask = trace_on_ask,
        .on_asked = meters_on_asked,
        .on_saved = meters_on_saved,
        .on_room = on_room,
        .on_trouble = on_state,
        .on_error = errors_note,
    };
    pipeline_init(&a->pipeline, &organs, &c, &events);
}

static int open_schedule(struct app *a, struct err *e)
{
    (void)e;
    init_pipeline(a);
    struct schedule_config c;
    settings_schedule(a, &c);
    struct schedule_events events = {
        .arg = a,
        .on_batch_ended = on_batch_ended,
        .on_drained = on_drained,
        .on_pressure = intake_on_pressure,
        .on_trouble = on_state,
        .on_tick = govern_tick,
        .may_begin = govern_may_begin,
    };
    return schedule_open(&a->schedule, &a->loop, a->store, &a->pipeline, a->dispatch, &c,
                         &events);
}

static void close_governor(struct app *a)
{
    govern_close(a, next_part_closed, a);
}

static void close_schedule(struct app *a)
{
    struct schedule *s = a->schedule;
    a->schedule = NULL;
    schedule_close(s, next_part_closed, a);
}

static void close_monitor(struct app *a)
{
    monitor_close(a, next_part_closed, a);
}

static int open_input(struct app *a, struct err *e)
{
    (void)a;
    (void)e;
    return 0;  // watcher and manifest are opened when they are asked for
}

static void close_input(struct app *a)
{
    a->is_input_part_closing = true;
    if (!a->inputs_closing) {
        intake_end(a);
    }
}

void app_inputs_closed(struct app *a)
{
    if (a->is_input_part_closing) {
        next_part_closed(a);
    }
}

static const struct part {
    const char *name;
    bool is_client;  // a client needs it too
    int (*open)(struct app *a, struct err *e);
    void (*close)(struct app *a);
} parts[] = {
    {"door", true, open_door, close_door},
    {"meters", true, open_meters, close_meters},
    {"gate", true, open_gate, close_gate},
    {"store", true, open_store, close_store},
    {"history", false, open_history, close_history},
    {"reader", false, open_reader, close_reader},
    {"images", false, open_images, close_images},
    {"http", false, open_http, close_http},
    {"monitor", false, monitor_open, close_monitor},
    {"trace", false, open_trace, close_trace},
    {"ocr", false, open_ocr, close_ocr},
    {"governor", false, govern_open, close_governor},
    {"dispatch", false, open_dispatch, close_dispatch},
    {"schedule", false, open_schedule, close_schedule},
    {"input", false, open_input, close_input},
};

enum { N_PARTS = sizeof(parts) / sizeof(parts[0]) };

static void close_part(struct app *a)
{
    while (a->closing >= 0) {
        const struct part *p = &parts[a->closing];
        if (p->is_client || a->role == VLMD_WORKER) {
            p->close(a);
            return;
        }
        a->closing--;
    }
    a->is_closed = true;
}

static void next_part_closed(void *arg)
{
    struct app *a = arg;
    a->closing--;
    close_part(a);
}

static void stop_work(struct app *a)
{
    bool has_schedule = a->schedule != NULL;
    if (!has_schedule) {
        return;
    }
    app_stop(a, VLMD_STOP_NOW);
    while (!a->is_finished || a->tells_under_way > 0 || a->learned_under_way > 0 ||
           a->is_publishing || a->bill.is_under_way) {
        uv_run(&a->loop.uv, UV_RUN_ONCE);
    }
}

void app_close(struct app *a)
{
    if (a->n_opened > 0) {
        door_lock(a);
    }
    stop_work(a);
    a->closing = a->n_opened - 1;
    close_part(a);
    uv_run(&a->loop.uv, UV_RUN_DEFAULT);
    assert(a->is_closed);
    int rc = loop_fini(&a->loop);
    assert(rc == 0);
    (void)rc;
    for (int i = 0; i < a->n_batch_inputs; i++) {
        free((char *)a->batch_inputs[i]);
    }
    free(a->batch_inputs);
    for (int i = 0; i < a->n_watched; i++) {
        free(a->watched[i]);
    }
    spool_fini(a);
}

int app_open(struct app *a, struct config *config, const struct vlmd_options *o,
             struct err *e)
{
    *a = (struct app){.role = o->role, .config = config, .closing = -1};
    a->random_state = (uint64_t)loop_wall_ms() * 0x9e3779b97f4a7c15ull | 1;
    int rc = loop_init(&a->loop);
    if (rc) {
        return err_set(e, rc, "the event loop can not be made: %s", err_words(rc));
    }
    for (; a->n_opened < N_PARTS; a->n_opened++) {
        const struct part *p = &parts[a->n_opened];
        if (!p->is_client && o->role == VLMD_CLIENT) {
            continue;
        }
        uint64_t began_ns = uv_hrtime();
        rc = p->open(a, e);
        if (rc && !e->msg[0]) {
            err_set(e, rc, "%s: %s", p->name, err_words(rc));
        }
        start_part(a, o, p->name, rc, began_ns, e->msg);
        if (rc) {
            app_close(a);
            return rc;
        }
    }
    return 0;
}
