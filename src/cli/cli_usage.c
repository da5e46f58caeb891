// cli_usage.c -- vlmd usage: what the backends were asked for and what it cost, by day.
// SPDX-License-Identifier: MIT
#include "base/json.h"
#include "cli.h"
#include "face/timefmt.h"
#include "out.h"
#include "record.h"
#include "table.h"
#include "vlmd_figures.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const heads[] = {"day",       "backend",    "requests", "failed",
                                    "tokens in", "tokens out", "sent",     "cost"};
enum { COLUMNS = sizeof(heads) / sizeof(heads[0]) };

struct telling {
    struct cli *c;
    struct table table;
    struct vlmd_usage sum;
    int n;
    bool is_done;
    int err;
    char message[400];
};

static void day_text(int day, char *out, size_t size)
{
    snprintf(out, size, "%04d-%02d-%02d", day / 10000, day / 100 % 100, day % 100);
}

static void add_row(struct table *t, const char *day, const struct vlmd_usage *u)
{
    char n[5][32], cost[32] = "";
    count_text(u->requests, n[0], sizeof(n[0]));
    count_text(u->failed, n[1], sizeof(n[1]));
    count_text(u->prompt_tokens, n[2], sizeof(n[2]));
    count_text(u->completion_tokens, n[3], sizeof(n[3]));
    snprintf(n[4], sizeof(n[4]), "%.1f MB", (double)u->bytes_sent / 1e6);
    if (u->cost > 0) {
        snprintf(cost, sizeof(cost), "%.4f", u->cost);
    }
    const char *cells[COLUMNS] = {day, u->backend, n[0], n[1], n[2], n[3], n[4], cost};
    table_row(t, cells);
}

static void print_json(const char *day, const struct vlmd_usage *u)
{
    struct buf out = {.max_bytes = RECORD_MAX};
    struct json_writer w;
    json_init(&w, &out);
    json_object(&w, NULL);
    json_str(&w, "day", day);
    json_str(&w, "backend", u->backend);
    json_int(&w, "requests", u->requests);
    json_int(&w, "failed", u->failed);
    json_int(&w, "prompt_tokens", u->prompt_tokens);
    json_int(&w, "completion_tokens", u->completion_tokens);
    json_int(&w, "bytes_sent", u->bytes_sent);
    json_double(&w, "cost", u->cost);
    json_object_end(&w);
    if (w.rc == 0) {
        out_bytes(out.data, out.len);
        out_text("\n");
    }
    buf_fini(&out);
}

static void on_usage(void *arg, const struct vlmd_usage *u)
{
    struct telling *t = arg;
    char day[16];
    day_text(u->day, day, sizeof(day));
    t->n++;
    if (cli_has(t->c, OPT_JSON)) {
        print_json(day, u);
        return;
    }
    add_row(&t->table, day, u);
    t->sum.requests += u->requests;
    t->sum.failed += u->failed;
    t->sum.prompt_tokens += u->prompt_tokens;
    t->sum.completion_tokens += u->completion_tokens;
    t->sum.bytes_sent += u->bytes_sent;
    t->sum.cost += u->cost;
}

static void on_end(void *arg, int err, const char *message)
{
    struct telling *t = arg;
    t->is_done = true;
    t->err = err;
    snprintf(t->message, sizeof(t->message), "%s", message ? message : "");
}

static void print_table(struct telling *t)
{
    if (t->n == 0) {
        say("vlmd: no backend was asked in this time");
        return;
    }
    if (t->n > 1) {
        add_row(&t->table, "all", &t->sum);
    }
    table_print(&t->table, term_out() ? term_columns(STDOUT_FILENO) : 0, term_colour());
}

// The calendar's day, in local time, as the sums are kept.
static int day_of(int64_t at_ms)
{
    time_t at = (time_t)(at_ms / 1000);
    struct tm day;
    if (at_ms <= 0 || !localtime_r(&at, &day)) {
        return 0;
    }
    return (day.tm_year + 1900) * 10000 + (day.tm_mon + 1) * 100 + day.tm_mday;
}

static int tell(struct telling *t, const struct vlmd_query *q)
{
    struct cli *c = t->c;
    int err =
        vlmd_usage(c->v, day_of(q->since_ms), day_of(q->until_ms), on_usage, on_end, t);
    int rc =
        err ? cli_failed("usage", err, "it was not accepted") : cli_wait(c, &t->is_done);
    if (rc == 0 && t->err) {
        rc = cli_failed("usage", t->err, t->message);
    }
    if (rc == 0 && !cli_has(c, OPT_JSON)) {
        print_table(t);
    }
    out_flush();
    return rc;
}

int cli_run_usage(struct cli *c)
{
    struct telling t = {.c = c, .sum = {.backend = ""}};
    struct vlmd_query q;
    if (c->n_args > 0) {
        return cli_usage(c, "\"%s\" is too much", c->args[0]);
    }
    int rc = cli_filter(c, &q);
    rc = rc ? rc : cli_open(c, VLMD_CLIENT);
    if (rc) {
        return rc;
    }
    table_init(&t.table, heads, COLUMNS);
    for (int i = 2; i < COLUMNS; i++) {
        t.table.is_right[i] = true;
    }
    rc = tell(&t, &q);
    table_fini(&t.table);
    cli_close(c);
    return rc;
}
