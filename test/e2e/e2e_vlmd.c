// e2e_vlmd.c -- vlmd, its JSON, and the fake backend of a test.
// SPDX-License-Identifier: MIT
#include "e2e_vlmd.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ARGS = 60 };

struct proc *vlmd_start_with(struct place *p, const struct spawn *how,
                             const char *const *args)
{
    const char *argv[MAX_ARGS + 2] = {VLMD_BINARY};
    int n = 1;
    for (; *args; args++) {
        assert_true(n < MAX_ARGS);
        argv[n++] = *args;
    }
    return proc_start(p, argv, how);
}

struct proc *vlmd_run_with(struct place *p, const struct spawn *how, int exit_code,
                           const char *const *args)
{
    struct proc *run = vlmd_start_with(p, how, args);
    proc_expect(run, exit_code);
    return run;
}

// ---- JSON

void rows_parse(struct rows *r, const char *lines)
{
    int cap = 0;
    *r = (struct rows){0};
    for (const char *at = lines; *at;) {
        const char *end = NULL;
        if (r->n == cap) {
            cap = cap * 2 + 64;
            r->items = realloc(r->items, (size_t)cap * sizeof(r->items[0]));
            assert_non_null(r->items);
        }
        r->items[r->n] = cJSON_ParseWithOpts(at, &end, 0);
        if (!cJSON_IsObject(r->items[r->n]) || *end != '\n') {
            fail_msg("no JSON object on a line of its own: %.200s", at);
        }
        r->n++;
        at = end + 1;
    }
}

void rows_export(struct place *p, struct rows *r)
{
    struct proc *run = VLMD_EXPECT(p, 0, "export", "jsonl");
    rows_parse(r, run->out.text);
    proc_free(p, run);
}

void rows_free(struct rows *r)
{
    for (int i = 0; i < r->n; i++) {
        cJSON_Delete(r->items[i]);
    }
    free(r->items);
    *r = (struct rows){0};
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

const cJSON *rows_find(const struct rows *r, const char *path_end)
{
    for (int i = 0; i < r->n; i++) {
        if (ends_with(text_of(r->items[i], "path"), path_end)) {
            return r->items[i];
        }
    }
    return NULL;
}

const char *text_of(const cJSON *row, const char *key)
{
    const cJSON *value = json_at(row, key);
    if (!cJSON_IsString(value) && !cJSON_IsNull(value)) {
        fail_msg("%s is neither text nor null", key);
    }
    return cJSON_IsString(value) ? value->valuestring : "";
}

int rows_count(const struct rows *r, const char *key, const char *value)
{
    int n = 0;
    for (int i = 0; i < r->n; i++) {
        n += strcmp(text_of(r->items[i], key), value) == 0;
    }
    return n;
}

cJSON *json_of(const struct proc *p)
{
    const char *end = NULL;
    cJSON *json = cJSON_ParseWithOpts(p->out.text, &end, 0);
    if (!json || strspn(end, " \n") != strlen(end)) {
        fail_msg("not one JSON value: %.300s", p->out.text);
    }
    return json;
}

void assert_row_is_whole(const cJSON *row)
{
    static const char *const keys[] = {
        "path",      "hash",       "outcome",     "reason",        "description",
        "fields",    "app",        "window",      "taken_at",      "width",
        "height",    "sent_width", "sent_height", "sent_bytes",    "model",
        "backend",   "degraded",   "attempts",    "prompt_tokens", "completion_tokens",
        "queued_ms", "prepare_ms", "request_ms",  "error",         "duplicate_of",
        "created_at"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (!cJSON_GetObjectItemCaseSensitive(row, keys[i])) {
            fail_msg("a row of export jsonl has no %s", keys[i]);
        }
    }
}

// ---- the backend

static void start(struct fake *f, const char *listen)
{
    char flags[800];
    snprintf(flags, sizeof(flags), "%s %s --log %s", listen, f->flags, f->log);
    backend_start(&f->b, flags);
    snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d", f->b.port);
}

void fake_start(struct place *p, struct fake *f, const char *flags)
{
    static int number;
    *f = (struct fake){.place = p};
    snprintf(f->flags, sizeof(f->flags), "%s", flags);
    snprintf(f->log, sizeof(f->log), "%s", place_path(p, "fakevlm-%d.log", ++number));
    start(f, "");
}

void fake_kill(struct fake *f)
{
    assert_int_equal(kill(f->b.pid, SIGKILL), 0);
    assert_int_equal(waitpid(f->b.pid, NULL, 0), f->b.pid);
    close(f->b.out_fd);
}

void fake_again(struct fake *f)
{
    char listen[64];
    snprintf(listen, sizeof(listen), "--listen 127.0.0.1:%d", f->b.port);
    start(f, listen);
}

void fake_stop(struct fake *f)
{
    backend_stop(&f->b);
}

static int int_at(const cJSON *stats, const char *path)
{
    return (int)number_at(stats, path);
}

void fake_totals(const struct fake *f, struct totals *t)
{
    struct reply r;
    ask(&f->b, "GET", "/__fake/stats", NULL, &r);
    cJSON *stats = cJSON_Parse(r.body);
    assert_non_null(stats);
    *t = (struct totals){
        .images = int_at(stats, "totals.images"),
        .asked = int_at(stats, "totals.asked"),
        .answered = int_at(stats, "totals.answered"),
        .asked_twice = int_at(stats, "totals.asked_twice"),
        .answered_twice = int_at(stats, "totals.answered_twice"),
        .never_answered = int_at(stats, "totals.never_answered"),
        .requests = int_at(stats, "requests"),
        .chat_requests = int_at(stats, "chat_requests"),
        .connections = int_at(stats, "connections"),
        .max_concurrency = int_at(stats, "max_concurrency"),
        .running = int_at(stats, "running"),
        .waiting = int_at(stats, "waiting"),
    };
    cJSON_Delete(stats);
    reply_free(&r);
}

void fake_await_asked(const struct fake *f, int at_least)
{
    int64_t until = now_ms() + E2E_PATIENCE_MS;
    struct totals t;
    do {
        place_read(f->place);
        fake_totals(f, &t);
        if (t.asked >= at_least) {
            return;
        }
    } while (now_ms() < until);
    fail_msg("only %d pictures were asked, not %d", t.asked, at_least);
}

void fake_await_quiet(const struct fake *f)
{
    int64_t until = now_ms() + E2E_PATIENCE_MS;
    struct totals t;
    do {
        place_read(f->place);
        fake_totals(f, &t);
        if (t.running == 0 && t.waiting == 0) {
            return;
        }
    } while (now_ms() < until);
    fail_msg("still %d running, %d waiting", t.running, t.waiting);
}

void fake_control(const struct fake *f, const char *json)
{
    control(&f->b, "/__fake/config", json);
}
