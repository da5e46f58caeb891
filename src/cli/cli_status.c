// cli_status.c -- vlmd status: the database's figures, and what the workers on it say.
//
// Workers write their state into the database as JSON; it is data from another process and
// read with care.
// SPDX-License-Identifier: MIT
#include "cli.h"
#include "face/face.h"
#include "face/timefmt.h"
#include "out.h"
#include "past.h"
#include "record.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct showing {
    struct cli *c;
    bool is_done;
    int err;
    char message[400];
    char last[500];  // line that was printed, for --watch without a terminal
    struct past past;
};

// ---- for people

static void row(const char *name, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void row(const char *name, const char *fmt, ...)
{
    char text[1200], safe[1200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    text_safe(text, safe, sizeof(safe));
    out_printf("%-12s %s\n", name, safe);
}

static void row_count(const char *name, int64_t n, const char *more)
{
    char text[32];
    count_text(n, text, sizeof(text));
    row(name, "%s%s%s%s", text, *more ? " (" : "", more, *more ? ")" : "");
}

static void print_queue(const struct vlmd_status *s)
{
    char more[200] = "", span[64], due[32];
    if (s->queued && s->oldest_queued_ms) {
        count_text(s->due, due, sizeof(due));
        time_span(time_wall_ms() - s->oldest_queued_ms, span, sizeof(span));
        snprintf(more, sizeof(more), "%s due; the oldest waits %s", due, span);
    }
    row_count("total", s->total, "");
    row_count("queued", s->queued, more);
    row_count("running", s->leased, "");
}

static void print_done(const struct vlmd_status *s)
{
    char more[300] = "", a[32], c[32], d[32], o[32];
    count_text(s->answered, a, sizeof(a));
    count_text(s->cached, c, sizeof(c));
    count_text(s->duplicate, d, sizeof(d));
    count_text(s->degraded, o, sizeof(o));
    snprintf(more, sizeof(more), "%s own, %s from the cache, %s duplicates%s%s%s", a, c,
             d, s->degraded ? "; " : "", s->degraded ? o : "",
             s->degraded ? " by text recognition only" : "");
    row_count("described", s->answered + s->cached + s->duplicate, more);
    row_count("skipped", s->skipped, "");
    row_count("blocked", s->blocked, s->blocked ? "by privacy rules" : "");
    row_count("failed", s->failed, "");
    for (int i = 0; i < s->n_failures; i++) {
        const struct vlmd_failures *f = &s->failures[i];
        row("", "%" PRId64 " %s: %s (%s)", f->n, f->error_class, f->words, f->todo);
    }
}

static void print_rest(const struct vlmd_status *s)
{
    char in[32], out[32], size[32];
    if (s->day_total) {
        row("last 24 h", "%" PRId64 " of %" PRId64 " described (%d%%)", s->day_described,
            s->day_total, (int)(s->day_described * 100 / s->day_total));
    } else {
        row("last 24 h", "no pictures");
    }
    count_text(s->prompt_tokens, in, sizeof(in));
    count_text(s->completion_tokens, out, sizeof(out));
    row("tokens", "%s in, %s out", in, out);
    bytes_text(s->database_bytes, size, sizeof(size));
    row("database", "%s (%s)", s->database, size);
    if (s->paused_until_ms == VLMD_UNTIL_RESUMED) {
        row("paused", "by you; `vlmd resume` ends it");
    } else if (s->paused_until_ms) {
        time_local(s->paused_until_ms, size, sizeof(size));
        row("paused", "by you until %s; `vlmd resume` ends it", size);
    }
}

static const char *text_of(const struct cJSON *object, const char *key)
{
    const char *s = json_get_str(object, key);
    return s ? s : "";
}

// Backends without a name of their own are called by their address.
static bool is_name_in(const char *url, const char *name)
{
    const char *host = strstr(url, "://");
    return strcmp(host ? host + 3 : url, name) == 0;
}

static void print_backend(const struct cJSON *b)
{
    const char *reason = text_of(b, "reason");
    const char *model = text_of(b, "model");
    const char *name = text_of(b, "name"), *url = text_of(b, "url");
    bool is_same = is_name_in(url, name);
    row("", "%s%s%s: %s%s%s%s%s, %d/%d in flight", name, is_same ? "" : " ",
        is_same ? "" : url, text_of(b, "state"), *model ? ", " : "", model,
        *reason ? ": " : "", reason, (int)json_get_int(b, "in_flight", 0),
        (int)json_get_int(b, "limit", 0));
    int64_t unloads_ms = json_get_int(b, "unloads_at_ms", 0) - time_wall_ms();
    if (unloads_ms > 0) {
        char span[64];
        time_span(unloads_ms, span, sizeof(span));
        row("", "  its model is unloaded in %s if nothing comes", span);
    }
}

// When a pause ends by itself, why it is slow, and how much memory there is when it is short.
static void print_pace(const struct cJSON *json, bool is_paused)
{
    int64_t until_ms = json_get_int(json, "paused_until_ms", 0);
    const char *pressure = text_of(json, "memory_pressure");
    char at[64], size[32];
    if (is_paused && until_ms > 0) {
        time_local(until_ms, at, sizeof(at));
        row("", "until %s", at);
    }
    const struct cJSON *cache = json_get(json, "payload_cache");
    if (json_get_int(cache, "hits", 0) > 0) {
        bytes_text(json_get_int(cache, "bytes", 0), size, sizeof(size));
        row("", "made ready before: %" PRId64 " pictures; %" PRId64 " kept, %s",
            json_get_int(cache, "hits", 0), json_get_int(cache, "items", 0), size);
    }
    if (strcmp(text_of(json, "pace"), "slow") == 0) {
        row("", "slow: %s", text_of(json, "pace_because"));
    }
    if (*pressure && strcmp(pressure, "normal") != 0) {
        bytes_text(json_get_int(json, "rss_bytes", 0), size, sizeof(size));
        row("", "memory: %s, %d %% in use, %s of it here", pressure,
            (int)json_get_int(json, "memory_used_pct", 0), size);
    }
}

// ", 82 MB, 14 % processor, 3 alerts on"; "" when the worker does not say.
static const char *usage_of(const struct cJSON *json, char *out, size_t size)
{
    char bytes[32];
    int64_t rss = json_get_int(json, "rss_bytes", 0);
    int64_t firing = json_get_int(json, "alerts_firing", 0);
    out[0] = 0;
    if (rss > 0) {
        bytes_text(rss, bytes, sizeof(bytes));
        size_t n = (size_t)snprintf(out, size, ", %s, %" PRId64 " %% processor", bytes,
                                    json_get_int(json, "cpu_pct", 0));
        if (firing > 0 && n < size) {
            snprintf(out + n, size - n, ", %" PRId64 " alert%s on", firing,
                     firing == 1 ? "" : "s");
        }
    }
    return out;
}

static void print_tier(const struct cJSON *t)
{
    int64_t answered = json_get_int(t, "answered", 0);
    if (answered > 0) {
        row("", "tier %s: %" PRId64 " of %" PRId64 " took longer than %.1f s",
            text_of(t, "tier"), json_get_int(t, "breached", 0), answered,
            (double)json_get_int(t, "target_ms", 0) / 1000);
    }
}

static void print_worker(const struct vlmd_worker *w)
{
    char span[64], name[40], usage[160];
    struct cJSON *json = json_parse(w->json, strlen(w->json));
    const struct cJSON *rate = json_get(json, "images_per_s");
    const char *paused = text_of(json, "paused_because");
    time_span(time_wall_ms() - w->started_at_ms, span, sizeof(span));
    snprintf(name, sizeof(name), "worker");
    row(name, "process %" PRId64 " for %s, %.1f pictures/s%s", w->pid, span,
        cJSON_IsNumber(rate) ? rate->valuedouble : 0.0,
        usage_of(json, usage, sizeof(usage)));
    if (*paused) {
        row("", "paused: %s", paused);
    }
    print_pace(json, *paused != 0);
    const struct cJSON *backends = json_get(json, "backends");
    for (const struct cJSON *b = cJSON_IsArray(backends) ? backends->child : NULL; b;
         b = b->next) {
        print_backend(b);
    }
    const struct cJSON *tiers = json_get(json, "tiers");
    for (const struct cJSON *t = cJSON_IsArray(tiers) ? tiers->child : NULL; t;
         t = t->next) {
        print_tier(t);
    }
    json_free(json);
}

static void print_text(const struct vlmd_status *s, const struct past *past)
{
    print_queue(s);
    print_done(s);
    print_rest(s);
    past_print(past);
    for (int i = 0; i < s->n_workers; i++) {
        print_worker(&s->workers[i]);
    }
    if (s->n_workers == 0) {
        row("worker", "none runs (start one: vlmd watch)");
    }
}

// One line that says all that changes; for a log or a pipe.
static void print_line(struct showing *k, const struct vlmd_status *s)
{
    char line[500], at[64], reason[300];
    int64_t described = s->answered + s->cached + s->duplicate;
    struct cJSON *json =
        s->n_workers ? json_parse(s->workers[0].json, strlen(s->workers[0].json)) : NULL;
    const char *paused = text_of(json, "paused_because");
    text_safe(paused, reason, sizeof(reason));
    snprintf(line, sizeof(line),
             "%" PRId64 " queued, %" PRId64 " running, %" PRId64 " described, %" PRId64
             " failed, %d worker%s%s%s",
             s->queued, s->leased, described, s->failed, s->n_workers,
             s->n_workers == 1 ? "" : "s", *reason ? ", paused: " : "", reason);
    json_free(json);
    if (strcmp(line, k->last) != 0) {
        memcpy(k->last, line, sizeof(line));
        time_local(time_wall_ms(), at, sizeof(at));
        out_printf("%s  %s\n", at, line);
    }
}

// ---- JSON

static void print_json(const struct vlmd_status *s, const struct past *past)
{
    struct buf out = {.max_bytes = RECORD_MAX};
    struct json_writer w;
    json_init(&w, &out);
    json_object(&w, NULL);
    face_status_members(&w, s);
    past_json(&w, past);
    json_object_end(&w);
    if (w.rc == 0) {
        out_bytes(out.data, out.len);
        out_text("\n");
    }
    buf_fini(&out);
}

// ---- running

static void on_status(void *arg, int err, const struct vlmd_status *s,
                      const char *message)
{
    struct showing *k = arg;
    k->is_done = true;
    k->err = err;
    snprintf(k->message, sizeof(k->message), "%s", message ? message : "");
    if (err || !s) {
        return;
    }
    if (cli_has(k->c, OPT_JSON)) {
        print_json(s, &k->past);
        return;
    }
    if (cli_has(k->c, OPT_WATCH) && !term_out()) {
        print_line(k, s);
        return;
    }
    if (cli_has(k->c, OPT_WATCH)) {
        out_text("\x1b[H\x1b[J");
    }
    print_text(s, &k->past);
}

static int once(struct showing *k)
{
    k->is_done = false;
    int past = past_read(k->c, &k->past);
    if (past) {
        return past;
    }
    int err = vlmd_status(k->c->v, false, on_status, k);
    if (err) {
        return cli_failed("status", err, "it was not accepted");
    }
    int rc = cli_wait(k->c, &k->is_done);
    if (rc == 0 && k->err) {
        rc = cli_failed("status", k->err, k->message);
    }
    out_flush();
    return rc;
}

int cli_run_status(struct cli *c)
{
    struct showing k = {.c = c};
    int64_t every_ms = 0;
    int rc = cli_interval(c, &every_ms);
    if (rc == 0 && c->n_args) {
        rc = cli_usage(c, "takes no operands");
    }
    rc = rc ? rc : cli_open(c, VLMD_CLIENT);
    if (rc) {
        return rc;
    }
    rc = once(&k);
    while (rc == 0 && cli_has(c, OPT_WATCH) && !cli_signals() && out_error() == 0) {
        int64_t next_ms = time_mono_ms() + every_ms;
        while (time_mono_ms() < next_ms && !cli_signals()) {
            cli_pause(c, next_ms - time_mono_ms());
        }
        rc = cli_signals() ? 0 : once(&k);
    }
    // Ctrl-C is how a watch ends.
    rc = cli_has(c, OPT_WATCH) && rc == CLI_INTERRUPTED ? CLI_DONE : rc;
    cli_close(c);
    return rc;
}
