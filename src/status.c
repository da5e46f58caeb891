// status.c -- snapshots of a worker, and the counts of the database.
// SPDX-License-Identifier: MIT
#include "status.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "call.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PUBLISH_EVERY_MS = 2000, MAX_STATUS_BYTES = 64 * 1024 };

#define RATE_WINDOW_MS 60000.0

// ---- images per second: an exponentially decaying count

static double decayed(const struct app_rate *r, int64_t now_ms)
{
    return r->weight * exp(-(double)(now_ms - r->at_ms) / RATE_WINDOW_MS);
}

void status_count(struct app *a)
{
    struct app_rate *r = &a->rate;
    int64_t now = loop_now_ms(&a->loop);
    if (r->since_ms == 0) {
        r->since_ms = now;
    }
    r->weight = decayed(r, now) + 1;
    r->at_ms = now;
}

// In the first minute the window is as long as the time that has passed.
static double images_per_s(const struct app *a)
{
    const struct app_rate *r = &a->rate;
    int64_t now = loop_now_ms(&a->loop);
    double age = (double)(now - r->since_ms);
    if (r->since_ms == 0 || age < 1000) {
        return 0;
    }
    double window = RATE_WINDOW_MS * (1 - exp(-age / RATE_WINDOW_MS));
    return decayed(r, now) / window * 1000;
}

// ---- snapshot

static void count_states(const struct app *a, struct vlmd_stats *out)
{
    const int *n = a->pipeline.jobs.count;
    out->claimed = a->pipeline.jobs.total;
    out->preparing = n[JOB_CLAIMED] + n[JOB_FETCHING] + n[JOB_INSPECTING] +
                     n[JOB_PREPARING] + n[JOB_COMPARING] + n[JOB_RECOGNISING];
    out->waiting = n[JOB_WAITING];
    out->asking = n[JOB_ASKING];
    out->saving = n[JOB_SAVING];
    out->backing_off = n[JOB_BACKOFF];
}

static void count_totals(const struct app *a, struct vlmd_stats *out)
{
    const struct pipeline_totals *t = &a->pipeline.totals;
    out->answered = t->by_outcome[STORE_ANSWERED];
    out->cached = t->by_outcome[STORE_CACHED];
    out->duplicate = t->by_outcome[STORE_DUPLICATE];
    out->blocked = t->by_outcome[STORE_BLOCKED];
    out->skipped = t->by_outcome[STORE_SKIPPED];
    out->failed = t->by_outcome[STORE_FAILED];
    out->requests = t->requests;
    out->prompt_tokens = t->prompt_tokens;
    out->completion_tokens = t->completion_tokens;
    out->bytes_sent = t->bytes_sent;
}

void status_snapshot(struct app *a, struct vlmd_stats *out)
{
    *out = (struct vlmd_stats){.paused_because = ""};
    if (a->role != VLMD_WORKER) {
        return;
    }
    out->paused_because = schedule_paused_because(a->schedule);
    out->is_paused = out->paused_because[0] != 0;
    count_states(a, out);
    count_totals(a, out);
    out->images_per_s = images_per_s(a);
    if (a->watcher) {
        struct watcher_stats w;
        watcher_stats(a->watcher, &w);
        out->folders = w.folders;
        out->polled_folders = w.polled_folders;
        out->settling = w.settling;
    }
    out->n_backends = dispatch_status(a->dispatch, out->backends, VLMD_MAX_BACKENDS);
}

void vlmd_stats(vlmd *v, struct vlmd_stats *out)
{
    status_snapshot(&v->app, out);
}

// ---- publishing

static void write_backend(struct json_writer *w, const struct vlmd_backend_status *b)
{
    json_object(w, NULL);
    json_str(w, "name", b->name);
    json_str(w, "url", b->url);
    json_str(w, "kind", b->kind);
    json_str(w, "state", b->state);
    json_str(w, "reason", b->reason);
    json_str(w, "model", b->model);
    json_bool(w, "is_remote", b->is_remote);
    json_int(w, "in_flight", b->in_flight);
    json_int(w, "limit", b->limit);
    json_int(w, "answered", b->answered);
    json_int(w, "failed", b->failed);
    json_int(w, "next_probe_at_ms", b->next_probe_at_ms);
    json_double(w, "latency_ms", b->latency_ms);
    json_object_end(w);
}

static void write_snapshot(struct json_writer *w, const struct vlmd_stats *s)
{
    json_object(w, NULL);
    json_bool(w, "is_paused", s->is_paused);
    json_str(w, "paused_because", s->paused_because);
    json_int(w, "claimed", s->claimed);
    json_int(w, "preparing", s->preparing);
    json_int(w, "waiting", s->waiting);
    json_int(w, "asking", s->asking);
    json_int(w, "saving", s->saving);
    json_int(w, "backing_off", s->backing_off);
    json_int(w, "answered", s->answered);
    json_int(w, "cached", s->cached);
    json_int(w, "duplicate", s->duplicate);
    json_int(w, "blocked", s->blocked);
    json_int(w, "skipped", s->skipped);
    json_int(w, "failed", s->failed);
    json_int(w, "requests", s->requests);
    json_int(w, "prompt_tokens", s->prompt_tokens);
    json_int(w, "completion_tokens", s->completion_tokens);
    json_int(w, "bytes_sent", s->bytes_sent);
    json_double(w, "images_per_s", s->images_per_s);
    json_int(w, "folders", s->folders);
    json_int(w, "polled_folders", s->polled_folders);
    json_int(w, "settling", s->settling);
    json_array(w, "backends");
    for (int i = 0; i < s->n_backends; i++) {
        write_backend(w, &s->backends[i]);
    }
    json_array_end(w);
    json_object_end(w);
}

static void on_published(struct store_publish *r, int err)
{
    struct app *a = container_of(r, struct app, publish);
    if (err) {
        log_debug("status", "publish class=%s %s", err_name(err), r->err.msg);
    }
    buf_fini(&a->published);
    a->is_publishing = false;
}

static void on_beat(uv_timer_t *t)
{
    status_publish(t->data);
}

// The last of several changes must not be lost: it is published when the time has come.
static bool waits(struct app *a)
{
    int64_t since = loop_now_ms(&a->loop) - a->published_ms;
    bool is_soon = a->is_publishing || (a->published_ms && since < PUBLISH_EVERY_MS);
    if (is_soon && !uv_is_active((uv_handle_t *)&a->beat)) {
        int64_t wait =
            since < PUBLISH_EVERY_MS ? PUBLISH_EVERY_MS - since : PUBLISH_EVERY_MS;
        uv_timer_start(&a->beat, on_beat, (uint64_t)wait, 0);
    }
    return is_soon;
}

void status_publish(struct app *a)
{
    int64_t now = loop_now_ms(&a->loop);
    if (a->is_finished || !a->is_working || waits(a)) {
        return;
    }
    struct vlmd_stats s;
    struct json_writer w;
    status_snapshot(a, &s);
    buf_init(&a->published, MAX_STATUS_BYTES);
    json_init(&w, &a->published);
    write_snapshot(&w, &s);
    if (w.rc) {
        buf_fini(&a->published);
        return;
    }
    a->is_publishing = true;
    a->published_ms = now;
    a->publish = (struct store_publish){.status = buf_str(&a->published)};
    store_publish(a->store, &a->publish, on_published);
}

// ---- counts of the database

struct status {
    struct vlmd *v;
    struct store_counts counts;
    struct store_workers workers;
    int counts_err;
    vlmd_status_fn *fn;
    void *arg;
};

static int list_failures(const struct store_counts *c, struct vlmd_failures *out)
{
    int n = 0;
    for (size_t i = 0; i < sizeof(c->failures) / sizeof(c->failures[0]); i++) {
        int code = c->failures[i].code;
        if (code == 0) {
            break;
        }
        out[n++] = (struct vlmd_failures){
            .error_class = err_name(code),
            .words = err_words(code),
            .todo = err_todo(code),
            .n = c->failures[i].n,
        };
    }
    return n;
}

static struct vlmd_worker *list_workers(const struct status *s)
{
    const char *own = store_owner(s->v->app.store);
    struct vlmd_worker *out =
        mem_zero(sizeof(*out) * (size_t)(s->workers.n > 0 ? s->workers.n : 1));
    for (int i = 0; i < s->workers.n; i++) {
        const struct store_worker *w = &s->workers.workers[i];
        out[i] = (struct vlmd_worker){
            .pid = w->pid,
            .started_at_ms = w->started_at_ms,
            .updated_at_ms = w->seen_at_ms,
            .is_this = strcmp(w->owner, own) == 0,
            .json = w->status,
        };
    }
    return out;
}

static void answer_status(struct status *s)
{
    const struct store_counts *c = &s->counts;
    struct vlmd_failures failures[16];
    struct vlmd_worker *workers = list_workers(s);
    struct vlmd_status out = {
        .total = c->total,
        .queued = c->queued,
        .due = c->due,
        .leased = c->leased,
        .ended = c->ended,
        .answered = c->by_outcome[STORE_ANSWERED],
        .cached = c->by_outcome[STORE_CACHED],
        .duplicate = c->by_outcome[STORE_DUPLICATE],
        .blocked = c->by_outcome[STORE_BLOCKED],
        .skipped = c->by_outcome[STORE_SKIPPED],
        .failed = c->by_outcome[STORE_FAILED],
        .degraded = c->degraded,
        .oldest_queued_ms = c->oldest_queued_ms,
        .day_total = c->day_total,
        .day_described = c->day_described,
        .database_bytes = c->database_bytes,
        .prompt_tokens = c->prompt_tokens,
        .completion_tokens = c->completion_tokens,
        .failures = failures,
        .n_failures = list_failures(c, failures),
        .workers = workers,
        .n_workers = s->workers.n,
        .is_input_read = s->v->app.is_input_read,
        .database = store_path(s->v->app.store),
    };
    s->fn(s->arg, 0, &out, "");
    free(workers);
}

static void on_workers(struct store_workers *r, int err)
{
    struct status *s = container_of(r, struct status, workers);
    struct vlmd *v = s->v;
    int rc = s->counts_err ? s->counts_err : err;
    if (rc == 0) {
        answer_status(s);
    } else {
        s->fn(s->arg, rc, NULL,
              call_words(s->counts_err ? &s->counts.err : &s->workers.err, rc));
    }
    store_workers_fini(r);
    free(s);
    call_end(v);
}

static void on_status_counts(struct store_counts *r, int err)
{
    struct status *s = container_of(r, struct status, counts);
    s->counts_err = err;
    store_workers(s->v->app.store, &s->workers, on_workers);
}

int vlmd_status(vlmd *v, bool batch, vlmd_status_fn *fn, void *arg)
{
    struct status *s = mem_new(struct status);
    *s = (struct status){.v = v, .fn = fn, .arg = arg};
    s->counts.batch = batch ? v->app.batch.id : 0;
    call_begin(v);
    store_count(v->app.store, &s->counts, on_status_counts);
    return 0;
}
