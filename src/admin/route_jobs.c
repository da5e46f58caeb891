// route_jobs.c -- one job, whole; cancelling, trying again, forgetting.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"
#include "events.h"

#include "base/mem.h"
#include "vlmd_privacy.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WAIT_S = 120 };

// ---- one, whole

// item -> the original's path, if it is a duplicate -> item once more with the words -> its
// history.
struct showing {
    struct waiter waiter;
    struct exchange *x;
    bool waits, is_found, is_ended;
    int64_t duplicate_of;
    struct buf original;  // path
};

static void free_showing(void *state)
{
    struct showing *s = state;
    events_wait_stop(&s->waiter);
    buf_fini(&s->original);
    free(s);
}

static void fail(struct exchange *x, int err, const char *message)
{
    reply_failed(x, err, message);
    exchange_drop(x);
}

static void on_attempt(void *arg, const struct vlmd_attempt *a)
{
    struct exchange *x = arg;
    face_attempt(&x->w, a);
}

static void on_history_end(void *arg, int err, const char *message)
{
    struct exchange *x = arg;
    if (err) {
        fail(x, err, message);
        return;
    }
    json_array_end(&x->w);
    json_object_end(&x->w);
    reply_json(x, 200);
    exchange_drop(x);
}

static bool write_detail(void *arg, const struct vlmd_item *it)
{
    struct exchange *x = arg;
    struct showing *s = x->state;
    struct buf why = {.max_bytes = ADMIN_BODY_MAX};
    int rc = face_why(it, buf_str(&s->original), loop_wall_ms(), &why);
    s->is_found = true;
    s->duplicate_of = it->duplicate_of;
    s->is_ended = strcmp(it->state, "ended") == 0;
    reply_begin(x);
    json_object(&x->w, NULL);
    face_item(&x->w, it);
    json_str(&x->w, "why", rc ? "" : buf_str(&why));
    json_str(&x->w, "duplicate_path", s->original.len ? buf_str(&s->original) : NULL);
    json_array(&x->w, "history");
    buf_fini(&why);
    return false;
}

static void ask_history(struct exchange *x)
{
    exchange_asked(x, vlmd_history(x->admin->v, x->id, on_attempt, on_history_end, x));
}

static void on_written(void *arg, int err, const char *message)
{
    struct exchange *x = arg;
    if (err) {
        fail(x, err, message);
    } else {
        ask_history(x);
    }
}

static bool take_original(void *arg, const struct vlmd_item *it)
{
    struct showing *s = ((struct exchange *)arg)->state;
    buf_clear(&s->original);
    return buf_add_str(&s->original, it->path) != 0;
}

static void on_original(void *arg, int err, const char *message)
{
    struct exchange *x = arg;
    const struct vlmd_query q = {.id = x->id, .limit = 1};
    int rc = err ? err : vlmd_search(x->admin->v, &q, write_detail, on_written, x);
    if (rc) {
        fail(x, rc, message);
    }
}

static void show(struct exchange *x);

static void on_shown(void *arg, int err, const char *message)
{
    struct exchange *x = arg;
    struct showing *s = x->state;
    const struct vlmd_query q = {.id = s->duplicate_of, .limit = 1};
    if (err) {
        fail(x, err, message);
    } else if (!s->is_found && vlmd_id_now(x->admin->v, x->id) != x->id) {
        show(x);  // it went into another one meanwhile
    } else if (!s->is_found) {
        reply_error(x, 404, NULL, "there is no picture #%" PRId64, x->id);
        exchange_drop(x);
    } else if (s->waits && !s->is_ended) {
        s->waits = false;  // on_waited goes on
    } else if (s->duplicate_of) {
        int rc = vlmd_search(x->admin->v, &q, take_original, on_original, x);
        if (rc) {
            fail(x, rc, "");
        }
    } else {
        ask_history(x);
    }
}

static void show(struct exchange *x)
{
    x->id = vlmd_id_now(x->admin->v, x->id);
    const struct vlmd_query q = {.id = x->id, .limit = 1};
    exchange_asked(x, vlmd_search(x->admin->v, &q, write_detail, on_shown, x));
}

// It has ended, or the patience has; while the first look is still under way that one goes
// on by itself.
static void on_waited(struct waiter *w, const struct vlmd_item *item)
{
    struct showing *s = container_of(w, struct showing, waiter);
    (void)item;
    if (s->waits) {
        s->waits = false;
    } else {
        exchange_run(s->x, show);  // not of the job that it waited for
    }
}

static void on_gone(struct exchange *x)
{
    struct showing *s = x->state;
    bool is_resting = list_is_linked(&s->waiter.node) && !s->waits;
    events_wait_stop(&s->waiter);
    s->waits = false;  // a look that is under way goes on to its end
    if (is_resting) {
        exchange_drop(x);
    }
}

void route_job(struct exchange *x)
{
    int64_t wait_s;
    if (!param_int(x, "wait", 0, MAX_WAIT_S, 0, &wait_s)) {
        return;
    }
    struct showing *s = mem_new(struct showing);
    s->x = x;
    s->waits = wait_s > 0;
    s->waiter.on_ended = on_waited;
    buf_init(&s->original, 64 << 10);
    x->state = s;
    x->free_state = free_showing;
    x->on_gone = on_gone;
    exchange_hold(x);
    if (s->waits) {
        events_wait(x->admin->events, &s->waiter, x->id, wait_s * 1000);
    }
    show(x);
}

// ---- changes

static void reply_changed(struct exchange *x, int64_t n, const char *message)
{
    reply_begin(x);
    json_object(&x->w, NULL);
    json_int(&x->w, "n", n);
    json_str(&x->w, "message", message && *message ? message : NULL);
    json_object_end(&x->w);
    reply_json(x, 200);
}

static void on_changed(void *arg, int err, int64_t n, const char *message)
{
    struct exchange *x = arg;
    if (err) {
        reply_failed(x, err, message);
    } else {
        reply_changed(x, n, message);
    }
    exchange_drop(x);
}

static void change(struct exchange *x, enum vlmd_action action,
                   const struct vlmd_query *q, bool all, vlmd_change_fn *fn)
{
    exchange_hold(x);
    int rc = vlmd_change(x->admin->v, action, q, all, fn, x);
    if (rc) {
        fn(x, rc, 0, "");
    }
}

static bool note_state(void *arg, const struct vlmd_item *it)
{
    struct exchange *x = arg;
    x->state = mem_dup(it->state);
    x->free_state = free;
    return false;
}

// Nothing was changed: because there is no such job, or because of its state.
static void on_looked(void *arg, int err, const char *message)
{
    struct exchange *x = arg;
    if (err) {
        reply_failed(x, err, message);
    } else if (!x->state) {
        reply_error(x, 404, NULL, "there is no picture #%" PRId64, x->id);
    } else if (strcmp(x->route->method, "DELETE") == 0) {
        reply_error(x, 409, NULL, "%s",
                    strcmp(x->state, "leased") == 0 ? "it is being described"
                                                    : "it has ended already");
    } else {
        reply_changed(x, 0, NULL);
    }
    exchange_drop(x);
}

static void on_one_changed(void *arg, int err, int64_t n, const char *message)
{
    struct exchange *x = arg;
    const struct vlmd_query q = {.id = x->id, .limit = 1};
    if (err || n) {
        on_changed(x, err, n, message);
        return;
    }
    exchange_asked(x, vlmd_search(x->admin->v, &q, note_state, on_looked, x));
}

void route_job_cancel(struct exchange *x)
{
    const struct vlmd_query q = {.id = x->id, .state = "queued"};
    change(x, VLMD_DROP, &q, false, on_one_changed);
}

void route_job_retry(struct exchange *x)
{
    const struct vlmd_query q = {.id = x->id};
    change(x, VLMD_RETRY, &q, false, on_one_changed);
}

void route_job_redo(struct exchange *x)
{
    const struct vlmd_query q = {.id = x->id};
    change(x, VLMD_REDO, &q, false, on_one_changed);
}

// ---- many

static bool is_empty(const struct vlmd_query *q)
{
    return !q->text && !q->app && !q->tag && !q->path && !q->state && !q->outcome &&
           !q->error_class && !q->since_ms && !q->until_ms && !q->only_degraded;
}

static void change_many(struct exchange *x, enum vlmd_action action)
{
    struct cJSON *o = NULL;
    struct vlmd_query q;
    bool all;
    if (!body_object(x, "q app tag path since until state outcome class degraded all",
                     &o)) {
        return;
    }
    if (body_query(x, o, &q) && body_bool(x, o, "all", &all)) {
        if (is_empty(&q) && !all) {
            reply_error(x, 400, "all", "name a filter, or say \"all\": true");
        } else {
            change(x, action, &q, all, on_changed);
        }
    }
    json_free(o);
}

void route_jobs_retry(struct exchange *x)
{
    change_many(x, VLMD_RETRY);
}

void route_jobs_redo(struct exchange *x)
{
    change_many(x, VLMD_REDO);
}

// ---- forgetting

static void reply_forgotten(struct exchange *x, int err, const struct vlmd_forgotten *f,
                            const char *message, bool is_trial)
{
    if (err) {
        reply_failed(x, err, message);
    } else {
        reply_begin(x);
        json_object(&x->w, NULL);
        json_int(&x->w, "items", f->items);
        json_int(&x->w, "requeued", f->requeued);
        json_bool(&x->w, "is_clean", f->is_clean);
        json_bool(&x->w, "dry_run", is_trial);
        json_object_end(&x->w);
        reply_json(x, 200);
    }
    exchange_drop(x);
}

static void on_forgotten(void *arg, int err, const struct vlmd_forgotten *f,
                         const char *message)
{
    reply_forgotten(arg, err, f, message, false);
}

static void on_tried(void *arg, int err, const struct vlmd_forgotten *f,
                     const char *message)
{
    reply_forgotten(arg, err, f, message, true);
}

static void forget(struct exchange *x, const struct vlmd_query *q, bool is_trial)
{
    vlmd_forget_fn *fn = is_trial ? on_tried : on_forgotten;
    exchange_hold(x);
    exchange_asked(x, vlmd_forget(x->admin->v, q, is_trial, fn, x));
}

void route_job_forget(struct exchange *x)
{
    const struct vlmd_query q = {.id = x->id};
    forget(x, &q, false);
}

void route_forget(struct exchange *x)
{
    struct cJSON *o = NULL;
    struct vlmd_query q;
    bool is_trial;
    if (!body_object(x, "id path app since until dry_run", &o)) {
        return;
    }
    if (body_query(x, o, &q) && body_bool(x, o, "dry_run", &is_trial)) {
        q.id = json_get_int(o, "id", 0);
        if (json_get(o, "id") && q.id <= 0) {
            reply_error(x, 400, "id", "id is a number from 1");
        } else if (is_empty(&q) && !q.id) {
            reply_error(x, 400, NULL, "name id, path, app, since or until");
        } else {
            forget(x, &q, is_trial);
        }
    }
    json_free(o);
}
