// cli_top.c -- vlmd top: the workers on a database as they are now, drawn again and again.
//
// A worker says how it is every other second while it does something; it is data from another
// process and read with care.
// SPDX-License-Identifier: MIT
#include "base/json.h"
#include "cli.h"
#include "face/timefmt.h"
#include "out.h"
#include "table.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct watching {
    struct cli *c;
    bool is_done;
    int err;
    char message[400];
};

static const char *text_of(const struct cJSON *object, const char *key)
{
    const char *s = json_get_str(object, key);
    return s ? s : "";
}

static double number_of(const struct cJSON *object, const char *key)
{
    const struct cJSON *n = json_get(object, key);
    return cJSON_IsNumber(n) ? n->valuedouble : 0;
}

// ---- one worker

static void print_head(const struct vlmd_worker *k, const struct cJSON *json)
{
    char span[64], rss[32], sent[32];
    time_span(time_wall_ms() - k->started_at_ms, span, sizeof(span));
    bytes_text(json_get_int(json, "rss_bytes", 0), rss, sizeof(rss));
    bytes_text(json_get_int(json, "bytes_sent", 0), sent, sizeof(sent));
    out_printf("\nworker %" PRId64
               " for %s: %.2f pictures/s, %s, %.0f %% of a core, loop "
               "%" PRId64 " ms, %s sent\n",
               k->pid, span, number_of(json, "images_per_s"), rss,
               number_of(json, "cpu_pct"), json_get_int(json, "lag_p99_ms", 0), sent);
}

static void print_stages(const struct cJSON *json)
{
    static const char *const stages[][2] = {
        {"preparing", "preparing"},
        {"waiting", "waiting"},
        {"asking", "asking"},
        {"saving", "saving"},
        {"backing_off", "trying again later"},
    };
    char paused[400];
    out_printf("  %-10s", "jobs");
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        out_printf("%s%" PRId64 " %s", i ? ", " : " ",
                   json_get_int(json, stages[i][0], 0), stages[i][1]);
    }
    out_text("\n");
    text_safe(text_of(json, "paused_because"), paused, sizeof(paused));
    if (*paused) {
        out_printf("  %-10s %s\n", "paused", paused);
    }
    out_printf("  %-10s %.1f a minute, %" PRId64 " kinds more than usual; %" PRId64
               " alerts on\n",
               "errors", number_of(json, "errors_per_min"),
               json_get_int(json, "error_spikes", 0),
               json_get_int(json, "alerts_firing", 0));
}

static void add_backend(struct table *t, const struct cJSON *b)
{
    char flight[48], latency[32], answered[32], failed[32];
    snprintf(flight, sizeof(flight), "%" PRId64 "/%" PRId64,
             json_get_int(b, "in_flight", 0), json_get_int(b, "limit", 0));
    snprintf(latency, sizeof(latency), "%.0f ms", number_of(b, "latency_ms"));
    count_text(json_get_int(b, "answered", 0), answered, sizeof(answered));
    count_text(json_get_int(b, "failed", 0), failed, sizeof(failed));
    const char *cells[] = {
        text_of(b, "name"),  text_of(b, "state"), flight, latency, answered, failed,
        text_of(b, "model"), text_of(b, "reason")};
    table_row(t, cells);
}

static void print_backends(const struct cJSON *json)
{
    static const char *const heads[] = {"backend",  "state",  "in flight", "takes",
                                        "answered", "failed", "model",     ""};
    const struct cJSON *backends = json_get(json, "backends");
    struct table t;
    table_init(&t, heads, 8);
    for (int i = 2; i < 6; i++) {
        t.is_right[i] = true;
    }
    for (const struct cJSON *b = cJSON_IsArray(backends) ? backends->child : NULL; b;
         b = b->next) {
        add_backend(&t, b);
    }
    if (t.n_rows) {
        table_print(&t, term_out() ? term_columns(STDOUT_FILENO) : 0, term_colour());
    }
    table_fini(&t);
}

static void print_worker(const struct vlmd_worker *k)
{
    struct cJSON *json = json_parse(k->json, strlen(k->json));
    print_head(k, json);
    print_stages(json);
    print_backends(json);
    json_free(json);
}

// ---- all

static void print_queue(const struct vlmd_status *s)
{
    char at[64], queued[32], described[32], failed[32], span[64] = "";
    time_local(time_wall_ms(), at, sizeof(at));
    count_text(s->queued, queued, sizeof(queued));
    count_text(s->answered + s->cached + s->duplicate, described, sizeof(described));
    count_text(s->failed, failed, sizeof(failed));
    if (s->queued && s->oldest_queued_ms) {
        time_span(time_wall_ms() - s->oldest_queued_ms, span, sizeof(span));
    }
    out_printf("%s  %s queued%s%s, %" PRId64 " running, %s described, %s failed\n", at,
               queued, *span ? ", the oldest for " : "", span, s->leased, described,
               failed);
}

static void on_status(void *arg, int err, const struct vlmd_status *s,
                      const char *message)
{
    struct watching *k = arg;
    k->is_done = true;
    k->err = err;
    snprintf(k->message, sizeof(k->message), "%s", message ? message : "");
    if (err || !s) {
        return;
    }
    if (term_out()) {
        out_text("\x1b[H\x1b[J");
    }
    print_queue(s);
    for (int i = 0; i < s->n_workers; i++) {
        print_worker(&s->workers[i]);
    }
    if (s->n_workers == 0) {
        out_text("\nno worker runs (start one: vlmd watch)\n");
    }
}

static int draw(struct watching *k)
{
    k->is_done = false;
    int err = vlmd_status(k->c->v, false, on_status, k);
    int rc =
        err ? cli_failed("top", err, "it was not accepted") : cli_wait(k->c, &k->is_done);
    if (rc == 0 && k->err) {
        rc = cli_failed("top", k->err, k->message);
    }
    out_flush();
    return rc;
}

int cli_run_top(struct cli *c)
{
    struct watching k = {.c = c};
    int64_t every_ms = 0;
    int rc = cli_interval(c, &every_ms);
    if (rc == 0 && c->n_args) {
        rc = cli_usage(c, "takes no operands");
    }
    rc = rc ? rc : cli_open(c, VLMD_CLIENT);
    if (rc) {
        return rc;
    }
    rc = draw(&k);
    while (rc == 0 && term_out() && !cli_signals() && out_error() == 0) {
        int64_t next_ms = time_mono_ms() + every_ms;
        while (time_mono_ms() < next_ms && !cli_signals()) {
            cli_pause(c, next_ms - time_mono_ms());
        }
        rc = cli_signals() ? 0 : draw(&k);
    }
    cli_close(c);
    // Ctrl-C is how it ends.
    return rc == CLI_INTERRUPTED ? CLI_DONE : rc;
}
