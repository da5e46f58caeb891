// cli_jobs.c -- vlmd jobs: list, retry, redo, drop.
// SPDX-License-Identifier: MIT
#include "cli.h"
#include "face/face.h"
#include "face/timefmt.h"
#include "out.h"
#include "record.h"
#include "table.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LIST_LIMIT = 50 };

static const char *const heads[] = {"id", "state", "taken", "app", "class", "path"};

struct listing {
    struct cli *c;
    struct table table;
    bool is_done;
    int err;
    char message[400];
};

static void on_end(void *arg, int err, const char *message)
{
    struct listing *l = arg;
    l->is_done = true;
    l->err = err;
    snprintf(l->message, sizeof(l->message), "%s", message ? message : "");
}

static bool on_item(void *arg, const struct vlmd_item *it)
{
    struct listing *l = arg;
    if (cli_has(l->c, OPT_JSON)) {
        struct buf line = {.max_bytes = RECORD_MAX};
        if (record_json(it, &line) == 0) {
            out_bytes(line.data, line.len);
        }
        buf_fini(&line);
        return out_error() == 0;
    }
    char id[32], at[64], app[160];
    snprintf(id, sizeof(id), "%" PRId64, it->id);
    time_local(face_taken_ms(it), at, sizeof(at));
    text_clip(*it->app ? it->app : it->seen_app, 20, app, sizeof(app));
    const char *cells[] = {id, record_state(it), at, app, it->error_class, it->path};
    table_row(&l->table, cells);
    return true;
}

static int finish(struct listing *l, const struct vlmd_query *q)
{
    struct cli *c = l->c;
    if (cli_has(c, OPT_JSON)) {
        return 0;
    }
    if (l->table.n_rows == 0) {
        if (!cli_has(c, OPT_QUIET)) {
            say("vlmd: no jobs");
        }
        return 0;
    }
    table_print(&l->table, term_out() ? term_columns(STDOUT_FILENO) : 0, term_colour());
    if (q->limit == l->table.n_rows && !cli_has(c, OPT_LIMIT) && !cli_has(c, OPT_QUIET)) {
        say("vlmd: the first %d are shown (--limit 0 shows all)", LIST_LIMIT);
    }
    return 0;
}

static int list(struct cli *c, struct vlmd_query *q)
{
    struct listing l = {.c = c};
    if (!cli_has(c, OPT_LIMIT)) {
        q->limit = LIST_LIMIT;
    }
    table_init(&l.table, heads, 6);
    l.table.is_right[0] = true;
    int err = vlmd_search(c->v, q, on_item, on_end, &l);
    int rc =
        err ? cli_failed("jobs", err, "it was not accepted") : cli_wait(c, &l.is_done);
    if (rc == 0 && l.err) {
        rc = cli_failed("jobs", l.err, l.message);
    }
    rc = rc ? rc : finish(&l, q);
    table_fini(&l.table);
    return rc;
}

// ---- changing

struct changing {
    bool is_done;
    int err;
    int64_t n;
    char message[400];
};

static void on_changed(void *arg, int err, int64_t n, const char *message)
{
    struct changing *k = arg;
    k->is_done = true;
    k->err = err;
    k->n += n;
    snprintf(k->message, sizeof(k->message), "%s", message ? message : "");
}

static int change_one(struct cli *c, enum vlmd_action action, const struct vlmd_query *q,
                      struct changing *k)
{
    k->is_done = false;
    int err = vlmd_change(c->v, action, q, cli_has(c, OPT_ALL), on_changed, k);
    if (err) {
        return cli_failed("jobs", err, "it was not accepted");
    }
    int rc = cli_wait(c, &k->is_done);
    if (!rc && !k->err && k->message[0] && !cli_has(c, OPT_QUIET)) {
        say("vlmd: jobs: %s", k->message);
    }
    return rc || !k->err ? rc : cli_failed("jobs", k->err, k->message);
}

static void tell_changed(const struct cli *c, const char *verb, int64_t n)
{
    static const struct {
        const char *verb;
        const char *words;
    } done[] = {{"retry", "queued once more"},
                {"redo", "queued to be described anew"},
                {"drop", "forgotten (files were not touched)"}};
    char count[32];
    count_text(n, count, sizeof(count));
    for (size_t i = 0; i < sizeof(done) / sizeof(done[0]); i++) {
        if (strcmp(done[i].verb, verb) != 0) {
            continue;
        }
        if (cli_has(c, OPT_JSON)) {
            out_printf("{\"action\":\"%s\",\"changed\":%" PRId64 "}\n", verb, n);
        } else if (!cli_has(c, OPT_QUIET)) {
            out_printf("%s job%s %s\n", count, n == 1 ? "" : "s", done[i].words);
        }
    }
}

static int change(struct cli *c, enum vlmd_action action, struct vlmd_query *q)
{
    struct changing k = {0};
    int rc = 0;
    if (c->n_args == 1) {
        rc = change_one(c, action, q, &k);
    }
    for (int i = 1; i < c->n_args && rc == 0; i++) {
        char path[PATH_MAX];
        struct vlmd_query one = *q;
        rc = cli_target(c, c->args[i], &one, path, sizeof(path));
        rc = rc ? rc : change_one(c, action, &one, &k);
    }
    if (rc == 0 || k.n) {
        tell_changed(c, c->args[0], k.n);
    }
    return rc;
}

// A filter that a change does not know would be ignored, and too much changed.
static int check_change(const struct cli *c, const struct vlmd_query *q)
{
    if (cli_has(c, OPT_LIMIT) || cli_has(c, OPT_ORDER)) {
        return cli_usage(c, "--limit and --order go with list only");
    }
    if (c->n_args == 1 && !cli_has_filter(q) && !cli_has(c, OPT_ALL)) {
        return cli_usage(c,
                         "say which: an ID, a path, a filter such as --class corrupt, or "
                         "--all");
    }
    int rc = 0;
    for (int i = 1; i < c->n_args && rc == 0; i++) {
        char path[PATH_MAX];
        struct vlmd_query one = *q;
        rc = cli_target(c, c->args[i], &one, path, sizeof(path));
    }
    return rc;
}

int cli_run_jobs(struct cli *c)
{
    struct vlmd_query q;
    const char *verb = c->args[0];
    bool is_list = strcmp(verb, "list") == 0;
    int rc = cli_filter(c, &q);
    if (rc == 0 && is_list && c->n_args > 1) {
        rc = cli_usage(c, "list takes filters, no operands (see `vlmd show`)");
    }
    if (rc == 0 && !is_list) {
        rc = check_change(c, &q);
    }
    rc = rc ? rc : cli_open(c, VLMD_CLIENT);
    if (rc) {
        return rc;
    }
    if (is_list) {
        rc = list(c, &q);
    } else {
        enum vlmd_action action = strcmp(verb, "retry") == 0  ? VLMD_RETRY
                                  : strcmp(verb, "redo") == 0 ? VLMD_REDO
                                                              : VLMD_DROP;
        rc = change(c, action, &q);
    }
    cli_close(c);
    return rc;
}
