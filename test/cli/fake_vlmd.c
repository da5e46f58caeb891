// fake_vlmd.c -- vlmd.h played from a script, so that every output of the command line is
// tested without the real library.
//
// FAKE_VLMD names a JSON file: items, status, stats, events, checks, models, errors.
// FAKE_VLMD_LOG names a file that gets one line per call with what was asked.  One thing
// happens per vlmd_step.  Without a batch event a worker goes on until it is stopped.
// SPDX-License-Identifier: MIT
#include "admin/admin.h"
#include "base/json.h"
#include "vlmd.h"
#include "vlmd_figures.h"
#include "vlmd_health.h"
#include "vlmd_loop.h"
#include "vlmd_privacy.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_TASKS = 64 };

struct task {
    void (*run)(struct vlmd *v, struct task *t);
    const char *text;  // of the query
    int64_t id;
    vlmd_item_fn *on_item;
    vlmd_end_fn *on_end;
    vlmd_attempt_fn *on_attempt;
    vlmd_change_fn *on_change;
    vlmd_done_fn *on_done;
    vlmd_status_fn *on_status;
    vlmd_series_fn *on_series;
    vlmd_database_fn *on_database;
    vlmd_check_fn *on_check;
    vlmd_model_fn *on_model;
    bool is_probe;
    vlmd_usage_fn *on_usage;
    vlmd_forget_fn *on_forget;
    vlmd_audit_fn *on_row;
    vlmd_audit_totals_fn *on_totals;
    vlmd_audit_check_fn *on_audit_check;
    bool is_trial;
    void *arg;
};

struct vlmd {
    enum vlmd_role role;
    struct cJSON *script;
    int pipe[2];
    struct task tasks[MAX_TASKS];
    int first, n;
    vlmd_event_fn *on_event;
    void *event_arg;
    int next_event;
    bool is_working, is_batch, is_ended;
    _Atomic int stop;  // 0, 1 drain, 2 now
    int result;
    int statuses;
};

struct vlmd_subscription {
    struct vlmd *v;
};

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *fmt, ...)
{
    const char *path = getenv("FAKE_VLMD_LOG");
    FILE *f = path ? fopen(path, "ae") : NULL;
    va_list ap;
    if (!f) {
        return;
    }
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    fputc('\n', f);
    fclose(f);
}

static struct cJSON *load(void)
{
    const char *path = getenv("FAKE_VLMD");
    FILE *f = path ? fopen(path, "re") : NULL;
    static char text[4 << 20];
    size_t n = f ? fread(text, 1, sizeof(text), f) : 0;
    if (f) {
        fclose(f);
    }
    struct cJSON *root = n ? json_parse(text, n) : cJSON_CreateObject();
    if (!root) {
        fprintf(stderr, "fake: %s is not JSON\n", path);
        abort();
    }
    return root;
}

static const char *str(const struct cJSON *o, const char *key)
{
    const char *s = json_get_str(o, key);
    return s ? s : "";
}

static double number(const struct cJSON *o, const char *key)
{
    const struct cJSON *n = json_get(o, key);
    return cJSON_IsNumber(n) ? n->valuedouble : 0;
}

static void poke(struct vlmd *v)
{
    ssize_t n = write(v->pipe[1], "x", 1);
    (void)n;
}

// ---- opening

const char *vlmd_version(void)
{
    return "1.2.3";
}

static void note_options(const char *what, const struct vlmd_options *o)
{
    char text[1024];
    int n = snprintf(text, sizeof(text), "%s %s config=%s", what,
                     o->role == VLMD_WORKER ? "worker" : "client",
                     o->config_file ? o->config_file : "usual");
    for (int i = 0; i < o->n_settings; i++) {
        n += snprintf(text + n, sizeof(text) - (size_t)n, " %s=%s(%s)",
                      o->settings[i].key, o->settings[i].value, o->settings[i].origin);
    }
    note("%s", text);
}

int vlmd_open(const struct vlmd_options *options, vlmd **out, struct vlmd_error *error)
{
    struct cJSON *script = load();
    const struct cJSON *open_error = json_get(script, "open");
    *out = NULL;
    note_options("open", options);
    if (open_error) {
        error->code = (int)number(open_error, "code");
        snprintf(error->message, sizeof(error->message), "%s",
                 str(open_error, "message"));
        json_free(script);
        return error->code;
    }
    struct vlmd *v = calloc(1, sizeof(*v));
    v->role = options->role;
    v->script = script;
    if (pipe2(v->pipe, O_CLOEXEC | O_NONBLOCK)) {
        abort();
    }
    if (json_get_bool(script, "logs", false) && options->on_log) {
        options->on_log(options->log_arg, VLMD_LOG_WARN, 1700000000123, "fake",
                        "a log line with \"quotes\"");
    }
    *out = v;
    return 0;
}

void vlmd_close(vlmd *v)
{
    if (v) {
        note("close");
        close(v->pipe[0]);
        close(v->pipe[1]);
        json_free(v->script);
        free(v);
    }
}

// ---- running

static struct task *add(struct vlmd *v, void (*run)(struct vlmd *v, struct task *t),
                        void *arg)
{
    if (v->n == MAX_TASKS) {
        abort();
    }
    struct task *t = &v->tasks[(v->first + v->n++) % MAX_TASKS];
    *t = (struct task){.run = run, .arg = arg};
    poke(v);
    return t;
}

int vlmd_run(vlmd *v)
{
    return v->result;
}

int vlmd_fd(vlmd *v)
{
    return v->pipe[0];
}

int vlmd_timeout_ms(vlmd *v)
{
    (void)v;
    return -1;
}

static void fill_item(const struct cJSON *o, struct vlmd_item *it);

static bool emit_next(struct vlmd *v)
{
    static const char *const types[] = {"job",     "problem", "notice", "paused",
                                        "resumed", "scanned", "batch"};
    const struct cJSON *events = json_get(v->script, "events");
    const struct cJSON *o = cJSON_GetArrayItem(events, v->next_event);
    if (!o || !v->on_event || v->stop) {
        return false;
    }
    struct vlmd_item item;
    struct vlmd_event e = {.at_ms = 1700000000000,
                           .path = str(o, "path"),
                           .error_class = str(o, "class"),
                           .words = str(o, "words"),
                           .n = (int64_t)number(o, "n")};
    for (int i = 0; i < 7; i++) {
        if (strcmp(types[i], str(o, "type")) == 0) {
            e.type = (enum vlmd_event_type)i;
        }
    }
    if (e.type == VLMD_EVENT_JOB) {
        fill_item(o, &item);
        e.item = &item;
    }
    v->next_event++;
    v->is_ended = v->is_ended || e.type == VLMD_EVENT_BATCH;
    v->on_event(v->event_arg, &e);
    return true;
}

static bool goes_on(struct vlmd *v)
{
    bool hangs = json_get_bool(v->script, "drain_hangs", false);
    bool waits = json_get_bool(v->script, "search_hangs", false) && !v->stop;
    if (v->n || waits) {
        return true;
    }
    if (v->role == VLMD_CLIENT || !v->is_working || v->is_ended) {
        return false;
    }
    if (json_get(v->script, "result") && v->is_batch) {
        v->result = (int)number(v->script, "result");
        return false;
    }
    return v->stop == 0 || (v->stop == 1 && hangs);
}

bool vlmd_step(vlmd *v)
{
    char drop[64];
    while (read(v->pipe[0], drop, sizeof(drop)) > 0) {
    }
    if (v->n && !(v->role == VLMD_CLIENT && v->stop)) {
        struct task t = v->tasks[v->first];
        v->first = (v->first + 1) % MAX_TASKS;
        v->n--;
        t.run(v, &t);
    } else if (v->is_working) {
        emit_next(v);
    }
    bool has_events = v->is_working && !v->stop &&
                      cJSON_GetArrayItem(json_get(v->script, "events"), v->next_event);
    if (v->n || has_events) {
        poke(v);
    }
    if (v->role == VLMD_CLIENT && v->stop) {
        return false;
    }
    return goes_on(v) || has_events;
}

bool vlmd_turn(vlmd *v, int64_t max_ms)
{
    struct pollfd p = {.fd = v->pipe[0], .events = POLLIN};
    poll(&p, 1, (int)max_ms);
    return vlmd_step(v);
}

void vlmd_wake(vlmd *v)
{
    poke(v);
}

int vlmd_post(vlmd *v, void (*fn)(void *arg), void *arg)
{
    (void)v;
    fn(arg);
    return 0;
}

void vlmd_stop(vlmd *v, enum vlmd_stop_how how)
{
    v->stop = 1 + (int)how;
    poke(v);
}

// ---- work

int vlmd_work(vlmd *v)
{
    (void)v;
    return 0;
}

// No page is served beside the scripted library.
int admin_open(struct admin **out, vlmd *v, void (*tell)(void *arg, const char *words),
               void *arg, struct err *e)
{
    (void)v;
    (void)tell;
    (void)arg;
    (void)e;
    *out = NULL;
    return 0;
}

const char *admin_url(const struct admin *a)
{
    (void)a;
    return "";
}

void admin_close(struct admin *a)
{
    (void)a;
}

int vlmd_watch(vlmd *v, const char *dir, char *chosen, size_t chosen_size,
               struct vlmd_error *error)
{
    const struct cJSON *e = json_get(v->script, "watch_error");
    note("watch %s", dir ? dir : "-");
    if (e) {
        error->code = (int)number(e, "code");
        snprintf(error->message, sizeof(error->message), "%s", str(e, "message"));
        return error->code;
    }
    snprintf(chosen, chosen_size, "%s", dir ? dir : "/home/me/Pictures/Screenshots");
    v->is_working = true;
    poke(v);
    return 0;
}

int vlmd_batch(vlmd *v, const char *const *inputs, int n_inputs, struct vlmd_error *error)
{
    const struct cJSON *e = json_get(v->script, "batch_error");
    for (int i = 0; i < n_inputs; i++) {
        note("batch %s", inputs[i]);
    }
    if (e) {
        error->code = (int)number(e, "code");
        snprintf(error->message, sizeof(error->message), "%s", str(e, "message"));
        return error->code;
    }
    v->is_working = v->is_batch = true;
    poke(v);
    return 0;
}

int vlmd_submit(vlmd *v, const struct vlmd_input *in, vlmd_submit_fn *fn, void *arg)
{
    (void)v;
    (void)in;
    (void)fn;
    (void)arg;
    return VLMD_ERR_USAGE;
}

// ---- questions

static void fill_texts(const struct cJSON *o, struct vlmd_item *it)
{
    it->path = str(o, "path");
    it->hash = str(o, "hash");
    it->sent_hash = str(o, "sent_hash");
    it->correlation_id = str(o, "cid");
    it->state = *str(o, "state") ? str(o, "state") : "ended";
    it->outcome = str(o, "outcome");
    it->reason = str(o, "reason");
    it->error_class = str(o, "class");
    it->error_todo = str(o, "todo");
    it->app = str(o, "app");
    it->window = str(o, "window");
    it->screen = str(o, "screen");
    it->page_url = str(o, "page_url");
    it->summary = str(o, "summary");
    it->activity = str(o, "activity");
    it->seen_app = str(o, "seen_app");
    it->details = str(o, "details");
    it->text = str(o, "text");
    it->raw = str(o, "raw");
    it->tags = str(o, "tags");
    it->ocr_text = str(o, "ocr_text");
    it->backend = str(o, "backend");
    it->model = str(o, "model");
    it->prompt = str(o, "prompt");
    it->tier = str(o, "tier");
    it->tier_asked = str(o, "tier_asked");
    it->fallback = str(o, "fallback");
    it->fallback_class = str(o, "fallback_class");
    it->finish_reason = str(o, "finish_reason");
    it->verdict = str(o, "verdict");
    it->masks = str(o, "masks");
    it->snippet = str(o, "snippet");
}

static void fill_item(const struct cJSON *o, struct vlmd_item *it)
{
    // JSON can not hold every path: hex bytes stand in.
    static char raw_path[256];
    *it =
        (struct vlmd_item){.prompt_tokens = json_get_int(o, "prompt_tokens", -1),
                           .completion_tokens = json_get_int(o, "completion_tokens", -1)};
    fill_texts(o, it);
    const char *hex = str(o, "path_hex");
    if (*hex) {
        size_t n = strlen(hex) / 2;
        for (size_t i = 0; i < n; i++) {
            unsigned byte = 0;
            sscanf(hex + 2 * i, "%2x", &byte);
            raw_path[i] = (char)byte;
        }
        raw_path[n] = 0;
        it->path = raw_path;
    }
    it->id = json_get_int(o, "id", 1);
    it->is_url = json_get_bool(o, "is_url", false);
    it->has_description = json_get_bool(o, "described", *it->summary != 0);
    it->is_degraded = json_get_bool(o, "degraded", false);
    it->taken_at_ms = json_get_int(o, "taken_at", 0);
    it->queued_at_ms = json_get_int(o, "queued_at", 0);
    it->described_at_ms = json_get_int(o, "described_at", 0);
    it->next_try_at_ms = json_get_int(o, "next_try_at", 0);
    it->file_bytes = json_get_int(o, "file_bytes", 0);
    it->width = (int)json_get_int(o, "width", 0);
    it->height = (int)json_get_int(o, "height", 0);
    it->sent_width = (int)json_get_int(o, "sent_width", 0);
    it->sent_height = (int)json_get_int(o, "sent_height", 0);
    it->sent_bytes = json_get_int(o, "sent_bytes", 0);
    it->attempts = (int)json_get_int(o, "attempts", 0);
    it->duplicate_of = json_get_int(o, "duplicate_of", 0);
    it->duplicate_blocks = (int)json_get_int(o, "duplicate_blocks", -1);
    it->duplicate_max_diff = (int)json_get_int(o, "duplicate_max_diff", -1);
    it->duplicates = (int)json_get_int(o, "duplicates", 0);
    it->duplicates_from_ms = json_get_int(o, "duplicates_from", 0);
    it->duplicates_until_ms = json_get_int(o, "duplicates_until", 0);
    it->queued_ms = json_get_int(o, "queued_ms", 0);
    it->prepare_ms = json_get_int(o, "prepare_ms", 0);
    it->request_ms = json_get_int(o, "request_ms", 0);
}

static void run_search(struct vlmd *v, struct task *t)
{
    const struct cJSON *o;
    const struct cJSON *end = json_get(v->script, "search_end");
    cJSON_ArrayForEach(o, json_get(v->script, "items"))
    {
        struct vlmd_item it;
        fill_item(o, &it);
        if ((t->id == 0 || t->id == it.id) && !t->on_item(t->arg, &it)) {
            break;
        }
    }
    t->on_end(t->arg, (int)number(end, "err"), str(end, "message"));
}

static void note_query(const char *what, const struct vlmd_query *q)
{
    note(
        "%s text=%s app=%s tag=%s path=%s id=%" PRId64 " since=%" PRId64 " until=%" PRId64
        " state=%s outcome=%s class=%s degraded=%d order=%d limit=%" PRId64,
        what, q->text ? q->text : "-", q->app ? q->app : "-", q->tag ? q->tag : "-",
        q->path ? q->path : "-", q->id, q->since_ms, q->until_ms,
        q->state ? q->state : "-", q->outcome ? q->outcome : "-",
        q->error_class ? q->error_class : "-", q->only_degraded, (int)q->order, q->limit);
}

static int refusal(const struct vlmd *v, const char *key)
{
    return (int)number(v->script, key);
}

int vlmd_search(vlmd *v, const struct vlmd_query *q, vlmd_item_fn *on_item,
                vlmd_end_fn *on_end, void *arg)
{
    note_query("search", q);
    int rc = refusal(v, "search_refused");
    if (rc) {
        return rc;
    }
    struct task *t = add(v, run_search, arg);
    t->id = q->id;
    t->on_item = on_item;
    t->on_end = on_end;
    if (json_get_bool(v->script, "search_hangs", false)) {
        v->n--;
    }
    return 0;
}

static void run_history(struct vlmd *v, struct task *t)
{
    const struct cJSON *o;
    cJSON_ArrayForEach(o, json_get(v->script, "history"))
    {
        const struct vlmd_attempt a = {.at_ms = json_get_int(o, "at", 0),
                                       .backend = str(o, "backend"),
                                       .model = str(o, "model"),
                                       .error_class = str(o, "class"),
                                       .message = str(o, "message"),
                                       .remedy = str(o, "remedy"),
                                       .request_ms = json_get_int(o, "request_ms", 0)};
        t->on_attempt(t->arg, &a);
    }
    t->on_end(t->arg, 0, "");
}

int vlmd_history(vlmd *v, int64_t id, vlmd_attempt_fn *on_attempt, vlmd_end_fn *on_end,
                 void *arg)
{
    note("history %" PRId64, id);
    struct task *t = add(v, run_history, arg);
    t->on_attempt = on_attempt;
    t->on_end = on_end;
    return 0;
}

static void run_change(struct vlmd *v, struct task *t)
{
    const struct cJSON *o = json_get(v->script, "change");
    t->on_change(t->arg, (int)number(o, "err"), json_get_int(o, "n", 0),
                 str(o, "message"));
}

int vlmd_change(vlmd *v, enum vlmd_action action, const struct vlmd_query *q, bool all,
                vlmd_change_fn *fn, void *arg)
{
    static const char *const names[] = {"retry", "redo", "drop"};
    char what[40];
    snprintf(what, sizeof(what), "%s%s", names[action], all ? " all" : "");
    note_query(what, q);
    add(v, run_change, arg)->on_change = fn;
    return 0;
}

// ---- forgetting and the audit

static void run_forget(struct vlmd *v, struct task *t)
{
    const struct cJSON *o = json_get(v->script, "forget");
    const struct vlmd_forgotten f = {
        .items = json_get_int(o, "items", 0),
        .requeued = t->is_trial ? 0 : json_get_int(o, "requeued", 0),
        .is_clean = !t->is_trial && json_get_bool(o, "clean", true)};
    t->on_forget(t->arg, (int)number(o, "err"), &f, str(o, "message"));
}

int vlmd_forget(vlmd *v, const struct vlmd_query *q, bool is_trial, vlmd_forget_fn *fn,
                void *arg)
{
    note_query(is_trial ? "forget trial" : "forget", q);
    struct task *t = add(v, run_forget, arg);
    t->on_forget = fn;
    t->is_trial = is_trial;
    return 0;
}

static void note_audit(const char *what, const struct vlmd_audit_query *q)
{
    note("%s since=%" PRId64 " until=%" PRId64 " order=%d limit=%" PRId64, what,
         q->since_ms, q->until_ms, (int)q->order, q->limit);
}

static void run_audit(struct vlmd *v, struct task *t)
{
    const struct cJSON *o;
    const struct cJSON *end = json_get(v->script, "audit_end");
    cJSON_ArrayForEach(o, json_get(v->script, "audit"))
    {
        const struct vlmd_audit_row r = {.seq = json_get_int(o, "seq", 1),
                                         .at_ms = json_get_int(o, "at", 0),
                                         .job = json_get_int(o, "job", 0),
                                         .correlation_id = str(o, "cid"),
                                         .hash = str(o, "hash"),
                                         .sent_hash = str(o, "sent_hash"),
                                         .verdict = str(o, "verdict"),
                                         .stage = str(o, "stage"),
                                         .categories = str(o, "categories"),
                                         .rules = str(o, "rules"),
                                         .app = str(o, "app"),
                                         .destination = str(o, "destination"),
                                         .bytes_sent = json_get_int(o, "bytes", 0),
                                         .n = json_get_int(o, "n", 0),
                                         .until_ms = json_get_int(o, "until", 0),
                                         .chain = str(o, "chain")};
        if (!t->on_row(t->arg, &r)) {
            break;
        }
    }
    t->on_end(t->arg, (int)number(end, "err"), str(end, "message"));
}

int vlmd_audit(vlmd *v, const struct vlmd_audit_query *q, vlmd_audit_fn *on_row,
               vlmd_end_fn *on_end, void *arg)
{
    note_audit("audit", q);
    struct task *t = add(v, run_audit, arg);
    t->on_row = on_row;
    t->on_end = on_end;
    return 0;
}

static void run_audit_totals(struct vlmd *v, struct task *t)
{
    static struct vlmd_audit_total totals[16];
    const struct cJSON *o = json_get(v->script, "totals"), *i;
    struct vlmd_audit_totals out = {.totals = totals,
                                    .rows = json_get_int(o, "rows", 0),
                                    .bytes_sent = json_get_int(o, "bytes", 0),
                                    .first_ms = json_get_int(o, "first", 0),
                                    .last_ms = json_get_int(o, "last", 0)};
    cJSON_ArrayForEach(i, json_get(o, "list"))
    {
        totals[out.n_totals++] =
            (struct vlmd_audit_total){.by = (enum vlmd_audit_by)json_get_int(i, "by", 0),
                                      .name = str(i, "name"),
                                      .rows = json_get_int(i, "rows", 0),
                                      .findings = json_get_int(i, "findings", 0),
                                      .blocked = json_get_int(i, "blocked", 0),
                                      .masked = json_get_int(i, "masked", 0),
                                      .bytes_sent = json_get_int(i, "bytes", 0)};
    }
    int err = (int)number(o, "err");
    t->on_totals(t->arg, err, err ? NULL : &out, str(o, "message"));
}

int vlmd_audit_totals(vlmd *v, const struct vlmd_audit_query *q, vlmd_audit_totals_fn *fn,
                      void *arg)
{
    note_audit("totals", q);
    add(v, run_audit_totals, arg)->on_totals = fn;
    return 0;
}

static void run_audit_verify(struct vlmd *v, struct task *t)
{
    const struct cJSON *o = json_get(v->script, "verify");
    const struct vlmd_audit_check c = {
        .fault = *str(o, "fault") ? str(o, "fault") : "sound",
        .words = str(o, "words"),
        .bad_seq = json_get_int(o, "bad", 0),
        .rows = json_get_int(o, "rows", 0),
        .first_seq = json_get_int(o, "first", 1),
        .last_seq = json_get_int(o, "last", 0),
        .pruned = json_get_int(o, "pruned", 0),
        .pruned_until_ms = json_get_int(o, "pruned_until", 0),
        .head = str(o, "head"),
        .has_expected = json_get(o, "expected") != NULL,
        .expected_seq = json_get_int(o, "expected", 0)};
    int err = (int)number(o, "err");
    t->on_audit_check(t->arg, err, err ? NULL : &c, str(o, "message"));
}

int vlmd_audit_verify(vlmd *v, const char *expected, vlmd_audit_check_fn *fn, void *arg)
{
    note("verify %s", expected ? expected : "-");
    add(v, run_audit_verify, arg)->on_audit_check = fn;
    return 0;
}

// ---- status

static void fill_counts(const struct cJSON *o, struct vlmd_status *s)
{
    s->total = json_get_int(o, "total", 0);
    s->queued = json_get_int(o, "queued", 0);
    s->due = json_get_int(o, "due", 0);
    s->leased = json_get_int(o, "leased", 0);
    s->ended = json_get_int(o, "ended", 0);
    s->answered = json_get_int(o, "answered", 0);
    s->cached = json_get_int(o, "cached", 0);
    s->duplicate = json_get_int(o, "duplicate", 0);
    s->blocked = json_get_int(o, "blocked", 0);
    s->skipped = json_get_int(o, "skipped", 0);
    s->failed = json_get_int(o, "failed", 0);
    s->degraded = json_get_int(o, "degraded", 0);
    s->oldest_queued_ms = json_get_int(o, "oldest_queued", 0);
    s->day_total = json_get_int(o, "day_total", 0);
    s->day_described = json_get_int(o, "day_described", 0);
    s->database_bytes = json_get_int(o, "database_bytes", 0);
    s->prompt_tokens = json_get_int(o, "prompt_tokens", 0);
    s->completion_tokens = json_get_int(o, "completion_tokens", 0);
    s->is_input_read = json_get_bool(o, "is_input_read", false);
    s->database = str(o, "database");
}

static void run_status(struct vlmd *v, struct task *t)
{
    const struct cJSON *o = json_get(v->script, "status");
    static struct vlmd_failures failures[8];
    static struct vlmd_worker workers[4];
    struct vlmd_status s = {.failures = failures, .workers = workers};
    const struct cJSON *f;
    // A list of them: one after the other, the last again and again.
    if (cJSON_IsArray(o)) {
        int last = cJSON_GetArraySize(o) - 1;
        o = cJSON_GetArrayItem(o, v->statuses < last ? v->statuses : last);
        v->statuses++;
    }
    fill_counts(o, &s);
    cJSON_ArrayForEach(f, json_get(o, "failures"))
    {
        failures[s.n_failures++] = (struct vlmd_failures){.error_class = str(f, "class"),
                                                          .words = str(f, "words"),
                                                          .todo = str(f, "todo"),
                                                          .n = json_get_int(f, "n", 0)};
    }
    cJSON_ArrayForEach(f, json_get(o, "workers"))
    {
        workers[s.n_workers++] =
            (struct vlmd_worker){.pid = json_get_int(f, "pid", 0),
                                 .started_at_ms = json_get_int(f, "started_at", 0),
                                 .updated_at_ms = json_get_int(f, "updated_at", 0),
                                 .json = str(f, "json")};
    }
    int err = (int)number(o, "err");
    t->on_status(t->arg, err, err ? NULL : &s, str(o, "message"));
}

int vlmd_status(vlmd *v, bool batch, vlmd_status_fn *fn, void *arg)
{
    note("status%s", batch ? " batch" : "");
    add(v, run_status, arg)->on_status = fn;
    return refusal(v, "status_refused");
}

void vlmd_stats(vlmd *v, struct vlmd_stats *out)
{
    const struct cJSON *o = json_get(v->script, "stats");
    const struct cJSON *b;
    *out = (struct vlmd_stats){.paused_because = str(o, "paused_because"),
                               .is_paused = *str(o, "paused_because") != 0,
                               .images_per_s = number(o, "images_per_s")};
    cJSON_ArrayForEach(b, json_get(o, "backends"))
    {
        out->backends[out->n_backends++] =
            (struct vlmd_backend_status){.name = str(b, "name"),
                                         .url = str(b, "url"),
                                         .kind = str(b, "kind"),
                                         .state = str(b, "state"),
                                         .reason = str(b, "reason"),
                                         .model = str(b, "model")};
    }
}

vlmd_subscription *vlmd_subscribe(vlmd *v, vlmd_event_fn *fn, void *arg)
{
    struct vlmd_subscription *s = calloc(1, sizeof(*s));
    s->v = v;
    v->on_event = fn;
    v->event_arg = arg;
    return s;
}

void vlmd_unsubscribe(vlmd_subscription *s)
{
    if (s) {
        s->v->on_event = NULL;
    }
    free(s);
}

// ---- checks

// Only totals: what is shown is made of them.
static void run_series(struct vlmd *v, struct task *t)
{
    const struct cJSON *o = json_get(json_get(v->script, "series"), t->text);
    const struct vlmd_series s = {.total = {.at_ms = json_get_int(o, "at", 0),
                                            .answered = json_get_int(o, "answered", 0),
                                            .failed = json_get_int(o, "failed", 0),
                                            .answers = json_get_int(o, "answers", 0),
                                            .p50_ms = number(o, "p50"),
                                            .p95_ms = number(o, "p95"),
                                            .prompt_tokens = json_get_int(o, "tokens", 0),
                                            .cost = number(o, "cost")}};
    t->on_series(t->arg, (int)number(o, "err"), &s, str(o, "message"));
}

int vlmd_series(vlmd *v, enum vlmd_span span, int64_t since_ms, int64_t until_ms,
                vlmd_series_fn *fn, void *arg)
{
    static const char *const names[] = {"minutes", "hours", "days"};
    (void)since_ms;
    (void)until_ms;
    struct task *t = add(v, run_series, arg);
    t->text = names[span];
    t->on_series = fn;
    return 0;
}

static void run_database(struct vlmd *v, struct task *t)
{
    const struct cJSON *o = json_get(v->script, "database"), *f;
    static struct vlmd_table tables[8];
    struct vlmd_database_stats s = {.path = str(o, "path"),
                                    .file_bytes = json_get_int(o, "bytes", 0),
                                    .wal_bytes = json_get_int(o, "wal", 0),
                                    .page_bytes = 8192,
                                    .pages = json_get_int(o, "pages", 0),
                                    .are_rows_estimated =
                                        json_get_bool(o, "rough", false),
                                    .tables = tables};
    for (int i = 0; i < VLMD_STATEMENT_KINDS; i++) {
        s.kinds[i].name = "select";
    }
    cJSON_ArrayForEach(f, json_get(o, "tables"))
    {
        tables[s.n_tables++] = (struct vlmd_table){.name = str(f, "name"),
                                                   .index_of = str(f, "of"),
                                                   .rows = json_get_int(f, "rows", -1),
                                                   .bytes = json_get_int(f, "bytes", -1)};
    }
    int err = (int)number(o, "err");
    t->on_database(t->arg, err, err ? NULL : &s, str(o, "message"));
}

int vlmd_database_stats(vlmd *v, bool wants_sizes, vlmd_database_fn *fn, void *arg)
{
    note("database%s", wants_sizes ? " with sizes" : "");
    add(v, run_database, arg)->on_database = fn;
    return 0;
}

static void run_doctor(struct vlmd *v, struct task *t)
{
    const struct cJSON *o;
    cJSON_ArrayForEach(o, json_get(v->script, "checks"))
    {
        const char *result = str(o, "result");
        const struct vlmd_check c = {.name = str(o, "name"),
                                     .result = *result == 'o'   ? VLMD_CHECK_OK
                                               : *result == 'w' ? VLMD_CHECK_WARN
                                                                : VLMD_CHECK_FAIL,
                                     .words = str(o, "words"),
                                     .todo = str(o, "todo")};
        t->on_check(t->arg, &c);
    }
    t->on_end(t->arg, 0, "");
}

int vlmd_doctor(vlmd *v, vlmd_check_fn *on_check, vlmd_end_fn *on_end, void *arg)
{
    struct task *t = add(v, run_doctor, arg);
    t->on_check = on_check;
    t->on_end = on_end;
    return v->role == VLMD_WORKER ? 0 : VLMD_ERR_USAGE;
}

static void run_models(struct vlmd *v, struct task *t)
{
    const struct cJSON *o;
    cJSON_ArrayForEach(o, json_get(v->script, "models"))
    {
        const struct vlmd_model m = {.backend = str(o, "backend"),
                                     .url = str(o, "url"),
                                     .kind = str(o, "kind"),
                                     .model = str(o, "model"),
                                     .has_vision = json_get_bool(o, "vision", false),
                                     .is_loaded = json_get_bool(o, "loaded", false),
                                     .is_chosen = json_get_bool(o, "chosen", false),
                                     .error = str(o, "error"),
                                     .is_vision_sure = json_get(o, "vision") != NULL,
                                     .version = str(o, "version"),
                                     .formats = str(o, "formats"),
                                     .unload = str(o, "unload"),
                                     .thinking = str(o, "thinking"),
                                     .known_at_ms = json_get_int(o, "known_at", 0),
                                     .n_ctx = (int)json_get_int(o, "n_ctx", 0)};
        t->on_model(t->arg, &m);
    }
    t->on_end(t->arg, 0, "");
}

int vlmd_models(vlmd *v, vlmd_model_fn *on_model, vlmd_end_fn *on_end, void *arg)
{
    struct task *t = add(v, run_models, arg);
    t->on_model = on_model;
    t->on_end = on_end;
    return v->role == VLMD_WORKER ? 0 : VLMD_ERR_USAGE;
}

int vlmd_models_probe(vlmd *v, vlmd_model_fn *on_model, vlmd_end_fn *on_end, void *arg)
{
    struct task *t = add(v, run_models, arg);
    t->on_model = on_model;
    t->on_end = on_end;
    t->is_probe = true;
    return v->role == VLMD_WORKER ? 0 : VLMD_ERR_USAGE;
}

static void run_usage(struct vlmd *v, struct task *t)
{
    const struct cJSON *o;
    cJSON_ArrayForEach(o, json_get(v->script, "usage"))
    {
        const struct vlmd_usage u = {
            .day = (int)number(o, "day"),
            .backend = str(o, "backend"),
            .requests = (int64_t)number(o, "requests"),
            .failed = (int64_t)number(o, "failed"),
            .prompt_tokens = (int64_t)number(o, "in"),
            .completion_tokens = (int64_t)number(o, "out"),
            .bytes_sent = (int64_t)number(o, "bytes"),
            .cost = number(o, "cost"),
        };
        t->on_usage(t->arg, &u);
    }
    t->on_end(t->arg, 0, "");
}

int vlmd_usage(vlmd *v, int since_day, int until_day, vlmd_usage_fn *on_usage,
               vlmd_end_fn *on_end, void *arg)
{
    note("usage %d %d", since_day, until_day);
    struct task *t = add(v, run_usage, arg);
    t->on_usage = on_usage;
    t->on_end = on_end;
    return 0;
}

// ---- wishes

static void run_wish(struct vlmd *v, struct task *t)
{
    const struct cJSON *o = json_get(v->script, "wish");
    t->on_done(t->arg, (int)number(o, "err"), str(o, "message"));
}

static int wish(struct vlmd *v, const char *what, vlmd_done_fn *fn, void *arg)
{
    note("%s", what);
    add(v, run_wish, arg)->on_done = fn;
    return 0;
}

int vlmd_pause(vlmd *v, int64_t until_ms, vlmd_done_fn *fn, void *arg)
{
    char what[64];
    int64_t span = until_ms - (int64_t)time(NULL) * 1000;
    snprintf(what, sizeof(what), "pause %lld minutes",
             until_ms == VLMD_UNTIL_RESUMED ? -1ll : (long long)(span + 30000) / 60000);
    return wish(v, what, fn, arg);
}

int vlmd_resume(vlmd *v, vlmd_done_fn *fn, void *arg)
{
    return wish(v, "resume", fn, arg);
}

int vlmd_model_load(vlmd *v, const char *backend, vlmd_done_fn *fn, void *arg)
{
    int rc = wish(v, backend ? "load one" : "load", fn, arg);
    return v->role == VLMD_WORKER ? rc : VLMD_ERR_USAGE;
}

int vlmd_model_unload(vlmd *v, const char *backend, vlmd_done_fn *fn, void *arg)
{
    int rc = wish(v, backend ? "unload one" : "unload", fn, arg);
    return v->role == VLMD_WORKER ? rc : VLMD_ERR_USAGE;
}

// ---- configuration

static int tell_problems(const struct cJSON *script, vlmd_problem_fn *fn, void *arg)
{
    const struct cJSON *o;
    int errors = 0;
    cJSON_ArrayForEach(o, json_get(script, "problems"))
    {
        bool is_error = json_get_bool(o, "error", false);
        errors += is_error;
        if (fn) {
            fn(arg, is_error, str(o, "where"), str(o, "words"));
        }
    }
    return errors;
}

int vlmd_config_check(const struct vlmd_options *options, vlmd_key_fn *on_key,
                      vlmd_problem_fn *on_problem, void *arg)
{
    struct cJSON *script = load();
    const struct cJSON *o;
    note_options("check", options);
    int errors = tell_problems(script, on_problem, arg);
    cJSON_ArrayForEach(o, json_get(script, errors ? "none" : "keys"))
    {
        const struct vlmd_key k = {.key = str(o, "key"),
                                   .value = str(o, "value"),
                                   .origin =
                                       *str(o, "origin") ? str(o, "origin") : "default",
                                   .def = str(o, "def"),
                                   .type = "text",
                                   .range = "",
                                   .help = "helps"};
        if (on_key) {
            on_key(arg, &k);
        }
    }
    json_free(script);
    return errors ? VLMD_ERR_CONFIG : 0;
}

char *vlmd_config_sample(void)
{
    return strdup("# sample\n#db: x\n");
}

const char *vlmd_config_path(char *out, size_t size)
{
    const char *home = getenv("HOME");
    snprintf(out, size, "%s%s", home ? home : "", home ? "/.config/vlmd/vlmd.yaml" : "");
    return out;
}

// ---- privacy: dry run

int vlmd_examine(vlmd *v, const struct vlmd_examine_input *in, vlmd_examine_fn *fn,
                 void *arg)
{
    static const struct vlmd_found found[] = {{"card", "payment card number", 1, 0},
                                              {"email", "e-mail address", 0, 2}};
    static const struct vlmd_box masks[] = {{10, 20, 300, 40}};
    struct vlmd_examination x = {
        .app = in->app ? in->app : "",
        .window = in->window ? in->window : "",
        .rule = "",
        .reason = "",
        .is_text_known = true,
        .text_problem = "",
        .found = found,
        .n_found = 2,
        .local = {"mask", "1 card"},
        .remote = {"block", "excluded by privacy.allow_remote"},
        .width = in->path ? 1920 : 0,
        .height = in->path ? 1080 : 0,
        .masks = masks,
        .n_masks = 1,
        .sent_width = 768,
        .sent_height = 432,
        .jpeg = "JPEG",
        .jpeg_bytes = 4,
        .png = in->wants_png ? "PNG" : NULL,
        .png_bytes = in->wants_png ? 3 : 0,
        .clean = in->text ? "pay with [card]" : "",
    };
    (void)v;
    if (in->app && strcmp(in->app, "KeePassXC") == 0) {
        x.rule = "built in: password managers";
        x.reason = "excluded by built in: password managers";
    }
    if (in->path && strstr(in->path, "broken")) {
        fn(arg, VLMD_ERR_NOT_FOUND, NULL, "it is broken");
        return 0;
    }
    fn(arg, 0, &x, "");
    return 0;
}

void vlmd_rules(vlmd *v, const struct vlmd_examine_input *in, vlmd_rule_fn *fn, void *arg)
{
    static const struct vlmd_rule rules[] = {
        {"privacy.exclude_apps", "Signal", "vlmd.yaml:12", "", "program", false, false},
        {"built in", "password managers", "built in", "KeePass, 1Password", "program",
         false, false},
    };
    (void)v;
    (void)in;
    for (int i = 0; i < 2; i++) {
        fn(arg, &rules[i]);
    }
}

void vlmd_log_reopen(void)
{
}

int vlmd_config_reload(vlmd *v, vlmd_change_of_key_fn *on_change,
                       vlmd_problem_fn *on_problem, vlmd_end_fn *on_end, void *arg)
{
    (void)v;
    (void)on_change;
    (void)on_problem;
    (void)on_end;
    (void)arg;
    return 0;
}

// ---- of the HTTP interface, which no command here asks

int vlmd_errors(vlmd *v, const struct vlmd_error_query *q, vlmd_error_row_fn *fn,
                void *arg)
{
    (void)v;
    (void)q;
    (void)fn;
    (void)arg;
    return VLMD_ERR_USAGE;
}

void vlmd_error_kinds(vlmd *v, vlmd_error_kind_fn *fn, void *arg)
{
    (void)v;
    (void)fn;
    (void)arg;
}

void vlmd_alerts(vlmd *v, vlmd_alert_fn *fn, void *arg)
{
    (void)v;
    (void)fn;
    (void)arg;
}

int vlmd_diagnostics(vlmd *v, vlmd_diagnostics_fn *fn, void *arg)
{
    (void)v;
    (void)fn;
    (void)arg;
    return VLMD_ERR_USAGE;
}

int vlmd_health(vlmd *v, vlmd_health_fn *fn, void *arg)
{
    (void)v;
    (void)fn;
    (void)arg;
    return VLMD_ERR_USAGE;
}
