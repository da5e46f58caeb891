// trace.c -- see trace.h.
//
//   saved -> spans (JSON) -> [64 KiB, or 5 s after the first] -> sender -> collector
// SPDX-License-Identifier: MIT
#include "observe/trace.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "organs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SPANS_BYTES = 512 << 10, CLOSE_LOOK_MS = 20, CLOSE_LOOKS = 100 };

// ---- ids

// Source: G. Fowler, L. C. Noll, P. Vo, FNV-1a, with a final mix.
static uint64_t hash(uint64_t h, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    h ^= h >> 32;
    return h ? h : 1;
}

static void put_id(uint8_t *out, uint64_t id)
{
    for (int i = 0; i < 8; i++) {
        out[i] = (uint8_t)(id >> (56 - 8 * i));
    }
}

enum { SPAN_JOB, SPAN_STAGE = 1000, SPAN_REQUEST = 2000 };

// One id per correlation id, time it was queued, lease and number, whoever computes it: leases
// are counted anew when a picture is described again.
static void span_id(const struct job *j, int number, uint8_t out[8])
{
    const int64_t parts[] = {j->row.queued_at_ms, j->row.claims, number};
    uint64_t h = hash(UINT64_C(0xcbf29ce484222325), j->row.cid, strlen(j->row.cid));
    put_id(out, hash(h, parts, sizeof(parts)));
}

static const struct trace_parent *find_parent(const struct trace *t, int64_t job)
{
    for (int i = 0; t->parents && i < TRACE_PARENTS; i++) {
        if (t->parents[i].job == job) {
            return &t->parents[i];
        }
    }
    return NULL;
}

static void trace_id(const struct trace *t, const struct job *j, uint8_t out[16])
{
    const struct trace_parent *p = find_parent(t, j->row.id);
    if (p) {
        memcpy(out, p->parent.trace, 16);
        return;
    }
    uint64_t h = hash(UINT64_C(0x84222325cbf29ce4), j->row.cid, strlen(j->row.cid));
    put_id(out, h);
    put_id(out + 8, hash(h, "vlmd", 4));
}

bool trace_note_parent(struct app *a, int64_t job, const char *traceparent)
{
    struct trace *t = a->trace;
    struct trace_parent p = {.job = job};
    if (!t || !traceparent_parse(traceparent, &p.parent)) {
        return false;
    }
    if (!t->parents) {
        t->parents = mem_zero(sizeof(*t->parents) * TRACE_PARENTS);
    }
    t->parents[t->next_parent] = p;
    t->next_parent = (t->next_parent + 1) % TRACE_PARENTS;
    return true;
}

void trace_on_ask(void *app, struct job *j)
{
    struct app *a = app;
    struct traceparent out = {.is_sampled = true};
    j->ask.traceparent[0] = 0;
    if (a->trace && (a->trace->exports || find_parent(a->trace, j->row.id))) {
        trace_id(a->trace, j, out.trace);
        span_id(j, SPAN_REQUEST + j->asks, out.span);
        traceparent_format(&out, j->ask.traceparent);
    }
}

// ---- spans as JSON

struct span {
    const char *name;
    uint8_t trace[16], id[8], parent[8];
    bool has_parent;
    int64_t from_ms, until_ms;            // unix
    int kind;                             // of OTLP: 1 inside, 3 a client's request
    int code;                             // 0 = well
    const struct job *job;                // attributes of a picture
    const struct store_attempt *attempt;  // attributes of a request
};

static void write_nano(struct json_writer *w, const char *key, int64_t ms)
{
    char text[32];
    snprintf(text, sizeof(text), "%" PRId64 "000000", ms > 0 ? ms : 0);
    json_str(w, key, ms > 0 ? text : "0");
}

static void write_id(struct json_writer *w, const char *key, const uint8_t *id, int n)
{
    char text[33];
    traceparent_hex(id, n, text);
    json_str(w, key, text);
}

static void attribute(struct json_writer *w, const char *key, const char *value)
{
    json_object(w, NULL);
    json_str(w, "key", key);
    json_object(w, "value");
    json_str(w, "stringValue", value);
    json_object_end(w);
    json_object_end(w);
}

static void write_attributes(struct json_writer *w, const struct span *s)
{
    char id[32];
    json_array(w, "attributes");
    if (s->job) {
        snprintf(id, sizeof(id), "%lld", (long long)s->job->row.id);
        attribute(w, "vlmd.job", id);
        attribute(w, "vlmd.correlation_id", s->job->row.cid);
        attribute(w, "vlmd.outcome", store_outcome_name(s->job->outcome));
    }
    if (s->attempt) {
        attribute(w, "vlmd.backend", s->attempt->backend);
        attribute(w, "gen_ai.request.model", s->attempt->model);
    }
    if (s->code) {
        attribute(w, "error.type", err_name(s->code));
    }
    json_array_end(w);
}

static void write_span(struct json_writer *w, const struct span *s)
{
    json_object(w, NULL);
    write_id(w, "traceId", s->trace, 16);
    write_id(w, "spanId", s->id, 8);
    if (s->has_parent) {
        write_id(w, "parentSpanId", s->parent, 8);
    }
    json_str(w, "name", s->name);
    json_int(w, "kind", s->kind);
    write_nano(w, "startTimeUnixNano", s->from_ms);
    write_nano(w, "endTimeUnixNano", s->until_ms);
    write_attributes(w, s);
    json_object(w, "status");
    json_int(w, "code", s->code ? 2 : 1);
    json_object_end(w);
    json_object_end(w);
}

static void add_span(struct trace *t, const struct span *s)
{
    struct json_writer w;
    struct buf one;
    buf_init(&one, 16 << 10);
    json_init(&w, &one);
    write_span(&w, s);
    int rc = w.rc ? w.rc : t->spans.len ? buf_add_str(&t->spans, ",") : 0;
    rc = rc ? rc : buf_add(&t->spans, one.data, one.len);
    t->spans_made++;
    t->spans_dropped += rc != 0;
    buf_fini(&one);
}

// ---- a picture

// Stages by the states they are; what was visited several times is one span, the last.
static const struct {
    enum job_state state;
    const char *name;
} stages[] = {
    {JOB_FETCHING, "fetch"},        {JOB_INSPECTING, "inspect"},
    {JOB_PREPARING, "prepare"},     {JOB_COMPARING, "compare"},
    {JOB_RECOGNISING, "recognise"}, {JOB_SCREENING, "screen"},
    {JOB_WAITING, "wait"},          {JOB_RECORDING, "record"},
};

static void add_stages(struct trace *t, const struct job *j, const struct span *root,
                       int64_t ahead_ms)
{
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        int64_t at_ms = j->entered_ms[stages[i].state];
        struct span s = {.name = stages[i].name, .kind = 1, .has_parent = true};
        if (!at_ms) {
            continue;
        }
        memcpy(s.trace, root->trace, sizeof(s.trace));
        memcpy(s.parent, root->id, sizeof(s.parent));
        span_id(j, SPAN_STAGE + (int)i, s.id);
        s.from_ms = at_ms + ahead_ms;
        s.until_ms = s.from_ms + j->spent_ms[stages[i].state];
        s.until_ms = s.until_ms < root->until_ms ? s.until_ms : root->until_ms;
        add_span(t, &s);
    }
}

static void add_requests(struct trace *t, const struct job *j, const struct span *root)
{
    for (int i = 0; i < j->n_attempts; i++) {
        const struct store_attempt *a = &j->attempts[i];
        int64_t took_ms = a->request_ms > 0 ? a->request_ms : 0;
        struct span s = {.name = "request",
                         .kind = 3,
                         .has_parent = true,
                         .from_ms = a->at_ms - took_ms,
                         .until_ms = a->at_ms,
                         .code = a->code,
                         .attempt = a};
        memcpy(s.trace, root->trace, sizeof(s.trace));
        memcpy(s.parent, root->id, sizeof(s.parent));
        span_id(j, SPAN_REQUEST + j->asks - j->n_attempts + i, s.id);
        add_span(t, &s);
    }
}

static void send_batch(struct trace *t);

static void on_due(struct timer *timer)
{
    send_batch(container_of(timer, struct trace, timer));
}

void trace_saved(struct app *a, const struct job *j)
{
    struct trace *t = a->trace;
    if (!t || !t->exports) {
        return;
    }
    const struct trace_parent *p = find_parent(t, j->row.id);
    int64_t now_ms = loop_wall_ms(), ahead_ms = now_ms - loop_now_ms(&a->loop);
    struct span root = {.name = "describe",
                        .kind = 1,
                        .has_parent = p != NULL,
                        .from_ms = j->entered_ms[JOB_CLAIMED] + ahead_ms,
                        .until_ms = now_ms,
                        .code = j->outcome == STORE_FAILED ? j->code : 0,
                        .job = j};
    bool was_empty = t->spans.len == 0;
    trace_id(t, j, root.trace);
    span_id(j, SPAN_JOB, root.id);
    if (p) {
        memcpy(root.parent, p->parent.span, sizeof(root.parent));
    }
    add_span(t, &root);
    add_stages(t, j, &root, ahead_ms);
    add_requests(t, j, &root);
    if (t->spans.len >= TRACE_BATCH_BYTES) {
        send_batch(t);
    } else if (was_empty) {
        timer_start(&t->timer, TRACE_BATCH_MS, on_due);
    }
}

// ---- sending

static void send_batch(struct trace *t)
{
    struct buf body;
    if (t->spans.len == 0) {
        return;
    }
    timer_stop(&t->timer);
    buf_init(&body, MAX_SPANS_BYTES + 1024);
    int rc =
        buf_printf(&body,
                   "{\"resourceSpans\":[{\"resource\":{\"attributes\":["
                   "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"vlmd\"}},"
                   "{\"key\":\"service.version\",\"value\":{\"stringValue\":\"%s\"}}]},"
                   "\"scopeSpans\":[{\"scope\":{\"name\":\"vlmd\"},\"spans\":[%s]}]}]}",
                   vlmd_version(), buf_str(&t->spans));
    if (rc == 0) {
        webhook_post(&t->sender, buf_str(&body));
    }
    buf_fini(&body);
    buf_fini(&t->spans);
}

// ---- the part

void trace_open(struct app *a)
{
    struct trace *t = mem_new(struct trace);
    const char *url = a->config->trace_otlp_url;
    t->app = a;
    t->exports = url && *url;
    buf_init(&t->spans, MAX_SPANS_BYTES);
    timer_open(&t->timer, &a->loop);
    closer_hold(&t->closer);
    webhook_open(&t->sender, &a->loop, a->http, url, &a->config->retry, organs_random, a);
    t->sender.what = "spans";
    closer_hold(&t->closer);
    a->trace = t;
}

static void on_all_closed(struct closer *c)
{
    struct trace *t = container_of(c, struct trace, closer);
    void (*on_closed)(void *arg) = t->on_closed;
    void *arg = t->arg;
    t->app->trace = NULL;
    buf_fini(&t->spans);
    free(t->parents);
    free(t);
    on_closed(arg);
}

static void on_sender_closed(void *arg)
{
    struct trace *t = arg;
    closer_drop(&t->closer);
}

static void on_timer_closed(struct timer *timer)
{
    closer_drop(&container_of(timer, struct trace, timer)->closer);
}

static void wait_for_last(struct timer *timer)
{
    struct trace *t = container_of(timer, struct trace, timer);
    if (webhook_is_busy(&t->sender) && t->waits++ < CLOSE_LOOKS) {
        timer_start(timer, CLOSE_LOOK_MS, wait_for_last);
        return;
    }
    webhook_close(&t->sender, on_sender_closed, t);
    timer_close(timer, on_timer_closed);
}

void trace_close(struct app *a, void (*on_closed)(void *arg), void *arg)
{
    struct trace *t = a->trace;
    t->on_closed = on_closed;
    t->arg = arg;
    t->closer.on_closed = on_all_closed;
    send_batch(t);
    wait_for_last(&t->timer);
}
