// cli_logs.c -- vlmd logs: the story of one picture, from the database and the log.
//
// Lines of all sources are gathered, put in order, and printed; what a log holds is text from
// outside like every other.
// SPDX-License-Identifier: MIT
#include "base/json.h"
#include "base/mem.h"
#include "cli.h"
#include "face/timefmt.h"
#include "out.h"
#include "record.h"
#include "vlmd_privacy.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINES = 20000, LINE_BYTES = 5000, CID_DIGITS = 16 };

struct line {
    int64_t at_ms;
    int order;           // as they were found
    const char *source;  // constant
    char *text;          // owned
};

struct telling {
    struct cli *c;
    bool is_done;
    int err;
    char message[400];
    bool is_found;
    int64_t id;
    int64_t queued_at_ms;
    char cid[40];
    struct line *lines;  // owned
    int n, cap;
};

static void add(struct telling *t, int64_t at_ms, const char *source, const char *fmt,
                ...) __attribute__((format(printf, 4, 5)));

static void add(struct telling *t, int64_t at_ms, const char *source, const char *fmt,
                ...)
{
    char text[LINE_BYTES];
    va_list ap;
    if (t->n == MAX_LINES || at_ms <= 0) {
        return;
    }
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (t->n == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 32;
        struct line *more = mem_zero(sizeof(*more) * (size_t)t->cap);
        if (t->n) {
            memcpy(more, t->lines, sizeof(*more) * (size_t)t->n);
        }
        free(t->lines);
        t->lines = more;
    }
    t->lines[t->n] = (struct line){at_ms, t->n, source, mem_dup(text)};
    t->n++;
}

static void on_end(void *arg, int err, const char *message)
{
    struct telling *t = arg;
    t->is_done = true;
    t->err = err;
    snprintf(t->message, sizeof(t->message), "%s", message ? message : "");
}

// ---- the row

static bool on_item(void *arg, const struct vlmd_item *it)
{
    struct telling *t = arg;
    t->is_found = true;
    t->id = it->id;
    t->queued_at_ms = it->queued_at_ms;
    snprintf(t->cid, sizeof(t->cid), "%s", it->correlation_id);
    add(t, it->taken_at_ms, "picture", "taken%s%s", *it->app ? " in " : "", it->app);
    add(t, it->queued_at_ms, "job", "queued as #%" PRId64 ", cid=%s: %s", it->id,
        it->correlation_id, it->path);
    add(t, it->ended_at_ms, "job", "ended: %s%s%s%s%s", it->outcome,
        *it->error_class ? " class=" : "", it->error_class, *it->reason ? ": " : "",
        it->reason);
    if (it->has_description) {
        add(t, it->described_at_ms, "job",
            "described by %s of %s: prepared in %" PRId64 " ms, asked for %" PRId64
            " ms, first byte after %" PRId64 " ms",
            it->model, it->backend, it->prepare_ms, it->request_ms, it->first_byte_ms);
    }
    return false;
}

static void on_attempt(void *arg, const struct vlmd_attempt *a)
{
    add(arg, a->at_ms, "request", "%s, model %s, %" PRId64 " ms: %s%s%s%s%s", a->backend,
        a->model, a->request_ms, *a->error_class ? a->error_class : "answered",
        *a->message ? ": " : "", a->message, *a->remedy ? "; then: " : "", a->remedy);
}

static bool on_audit(void *arg, const struct vlmd_audit_row *r)
{
    struct telling *t = arg;
    if (r->job == t->id || strcmp(r->correlation_id, t->cid) == 0) {
        add(t, r->at_ms, "privacy", "%s at %s%s%s%s%s%s%s", r->verdict, r->stage,
            *r->categories ? ", found " : "", r->categories, *r->rules ? ", by " : "",
            r->rules, *r->destination ? ", to " : "", r->destination);
    }
    return true;
}

// ---- the log

static bool is_about(const struct telling *t, const char *line)
{
    char job[48];
    const char *at;
    snprintf(job, sizeof(job), "job=%" PRId64, t->id);
    for (at = strstr(line, job); at; at = strstr(at + 1, job)) {
        bool is_whole = at[strlen(job)] < '0' || at[strlen(job)] > '9';
        if (is_whole && (at == line || at[-1] == ' ' || at[-1] == '"')) {
            return true;
        }
    }
    return strstr(line, t->cid) != NULL;
}

// Both forms begin, or nearly so, with a time in ISO 8601.
static int64_t time_of(const char *line)
{
    const char *at = strncmp(line, "{\"time\":\"", 9) == 0 ? line + 9 : line;
    char stamp[32];
    int64_t ms = 0;
    snprintf(stamp, sizeof(stamp), "%.24s", at);
    return time_parse(stamp, time_wall_ms(), false, &ms) ? ms : 0;
}

static void read_log(struct telling *t, const char *path)
{
    char line[LINE_BYTES];
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = 0;
        if (is_about(t, line)) {
            add(t, time_of(line), "log", "%s", line);
        }
    }
    if (f) {
        fclose(f);
    }
}

// The one before it was moved away, too.
static void read_logs(struct telling *t)
{
    char before[PATH_MAX + 8];
    const char *path = cli_log_file();
    if (*path) {
        snprintf(before, sizeof(before), "%s.1", path);
        read_log(t, before);
        read_log(t, path);
    }
}

// ---- printing

static int by_time(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    return x->at_ms != y->at_ms ? (x->at_ms < y->at_ms ? -1 : 1) : x->order - y->order;
}

static void print_json(const struct line *l)
{
    struct buf out = {.max_bytes = RECORD_MAX};
    struct json_writer w;
    char at[64];
    time_iso(l->at_ms, at, sizeof(at));
    json_init(&w, &out);
    json_object(&w, NULL);
    json_str(&w, "at", at);
    json_str(&w, "source", l->source);
    json_str(&w, "words", l->text);
    json_object_end(&w);
    if (w.rc == 0) {
        out_bytes(out.data, out.len);
        out_text("\n");
    }
    buf_fini(&out);
}

static void print(const struct telling *t)
{
    char at[64], safe[LINE_BYTES];
    if (t->n) {
        qsort(t->lines, (size_t)t->n, sizeof(t->lines[0]), by_time);
    }
    for (int i = 0; i < t->n; i++) {
        const struct line *l = &t->lines[i];
        if (cli_has(t->c, OPT_JSON)) {
            print_json(l);
            continue;
        }
        time_iso(l->at_ms, at, sizeof(at));
        text_safe(l->text, safe, sizeof(safe));
        out_printf("%s  %-8s %s\n", at, l->source, safe);
    }
}

// ---- asking

static int wait_for(struct telling *t, int err)
{
    int rc = err ? cli_failed("logs", err, "it was not accepted")
                 : cli_wait(t->c, &t->is_done);
    return rc || !t->err ? rc : cli_failed("logs", t->err, t->message);
}

static bool is_cid(const char *arg)
{
    return strlen(arg) == CID_DIGITS &&
           strspn(arg, "0123456789abcdefABCDEF") == CID_DIGITS;
}

static int gather(struct telling *t, const struct vlmd_query *q)
{
    int rc = wait_for(t, vlmd_search(t->c->v, q, on_item, on_end, t));
    if (rc || !t->is_found) {
        return rc;
    }
    t->is_done = false;
    rc = wait_for(t, vlmd_history(t->c->v, t->id, on_attempt, on_end, t));
    const struct vlmd_audit_query audit = {.since_ms = t->queued_at_ms,
                                           .order = VLMD_OLDEST};
    t->is_done = false;
    rc = rc ? rc : wait_for(t, vlmd_audit(t->c->v, &audit, on_audit, on_end, t));
    if (rc == 0) {
        read_logs(t);
    }
    return rc;
}

int cli_run_logs(struct cli *c)
{
    struct telling t = {.c = c};
    struct vlmd_query q = {.order = VLMD_NEWEST, .limit = 1};
    char path[PATH_MAX];
    int rc = 0;
    if (c->n_args != 1) {
        return cli_usage(c, "name one picture by its ID, correlation id or path");
    }
    if (is_cid(c->args[0])) {
        q.correlation_id = c->args[0];
    } else {
        rc = cli_target(c, c->args[0], &q, path, sizeof(path));
    }
    rc = rc ? rc : cli_open(c, VLMD_CLIENT);
    if (rc) {
        return rc;
    }
    rc = gather(&t, &q);
    if (rc == 0 && t.is_found) {
        print(&t);
    } else if (rc == 0) {
        char safe[PATH_MAX];
        text_safe(c->args[0], safe, sizeof(safe));
        say("vlmd: %s: is not known to vlmd", safe);
        rc = CLI_SOME_FAILED;
    }
    for (int i = 0; i < t.n; i++) {
        free(t.lines[i].text);
    }
    free(t.lines);
    cli_close(c);
    return rc;
}
