// cli_privacy.c -- vlmd privacy: one function per verb, in the table at the end.
// SPDX-License-Identifier: MIT
#include "base/json.h"
#include "cli.h"
#include "cli_examine.h"
#include "face/face.h"
#include "face/timefmt.h"
#include "out.h"
#include "record.h"
#include "table.h"
#include "vlmd_privacy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ROWS_LIMIT = 50 };

struct asking {
    struct cli *c;
    bool is_done;
    int err;
    char message[400];
};

static void note_end(struct asking *a, int err, const char *message)
{
    a->is_done = true;
    a->err = err;
    snprintf(a->message, sizeof(a->message), "%s", message ? message : "");
}

// err: of the call itself.
static int finish(struct asking *a, int err)
{
    if (err) {
        return cli_failed("privacy", err, "it was not accepted");
    }
    int rc = cli_wait(a->c, &a->is_done);
    return rc || !a->err ? rc : cli_failed("privacy", a->err, a->message);
}

static void print_table(struct table *t)
{
    table_print(t, term_out() ? term_columns(STDOUT_FILENO) : 0, term_colour());
}

static void number(int64_t n, char *out, size_t size)
{
    count_text(n, out, size);
    if (n == 0) {
        snprintf(out, size, "-");
    }
}

static void amount(int64_t bytes, char *out, size_t size)
{
    bytes_text(bytes, out, size);
    if (bytes == 0) {
        snprintf(out, size, "-");
    }
}

static void print_json(struct json_writer *w)
{
    if (w->rc == 0) {
        out_bytes(w->out->data, w->out->len);
        out_text("\n");
    }
}

// ---- report: totals

static const struct {
    enum vlmd_audit_by by;
    const char *head;
    const char *nameless;
} kinds[] = {{VLMD_BY_VERDICT, "verdict", "(none)"},
             {VLMD_BY_CATEGORY, "found", "(none)"},
             {VLMD_BY_APP, "app", "(not known)"},
             {VLMD_BY_DESTINATION, "sent to", "(nowhere)"}};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void totals_json(const struct vlmd_audit_totals *t)
{
    struct json_writer w;
    struct buf out = {.max_bytes = RECORD_MAX};
    json_init(&w, &out);
    face_audit_totals(&w, t);
    print_json(&w);
    buf_fini(&out);
}

static void totals_kind(const struct vlmd_audit_totals *t, int kind)
{
    const char *const heads[] = {"rows",   "findings", "blocked",
                                 "masked", "sent",     kinds[kind].head};
    struct table table;
    table_init(&table, heads, 6);
    for (int i = 0; i < 5; i++) {
        table.is_right[i] = true;
    }
    for (int i = 0; i < t->n_totals; i++) {
        const struct vlmd_audit_total *x = &t->totals[i];
        if (x->by != kinds[kind].by) {
            continue;
        }
        char text[5][32];
        const char *name = *x->name ? x->name : kinds[kind].nameless;
        number(x->rows, text[0], sizeof(text[0]));
        number(x->findings, text[1], sizeof(text[1]));
        number(x->blocked, text[2], sizeof(text[2]));
        number(x->masked, text[3], sizeof(text[3]));
        amount(x->bytes_sent, text[4], sizeof(text[4]));
        const char *cells[] = {text[0], text[1], text[2], text[3], text[4], name};
        table_row(&table, cells);
    }
    if (table.n_rows) {
        out_text("\n");
        print_table(&table);
    }
    table_fini(&table);
}

static void totals_text(const struct vlmd_audit_totals *t)
{
    char rows[32], sent[32], first[64], last[64];
    count_text(t->rows, rows, sizeof(rows));
    bytes_text(t->bytes_sent, sent, sizeof(sent));
    time_local(t->first_ms, first, sizeof(first));
    time_local(t->last_ms, last, sizeof(last));
    out_printf("%s row%s from %s until %s, %s sent\n", rows, t->rows == 1 ? "" : "s",
               first, last, sent);
    for (int i = 0; i < KINDS; i++) {
        totals_kind(t, i);
    }
}

static void on_totals(void *arg, int err, const struct vlmd_audit_totals *t,
                      const char *message)
{
    struct asking *a = arg;
    note_end(a, err, message);
    if (err) {
        return;
    }
    if (cli_has(a->c, OPT_JSON)) {
        totals_json(t);
    } else if (t->rows == 0) {
        say("vlmd: nothing was decided or sent in that time");
    } else {
        totals_text(t);
    }
}

// ---- report: rows

struct listing {
    struct asking asking;
    struct table table;
};

static void row_json(const struct vlmd_audit_row *r)
{
    struct json_writer w;
    struct buf out = {.max_bytes = RECORD_MAX};
    json_init(&w, &out);
    face_audit_row(&w, r);
    print_json(&w);
    buf_fini(&out);
}

// What of the row says most: the rest stands in --json.
static void row_about(const struct vlmd_audit_row *r, char *out, size_t size)
{
    char until[64];
    if (strcmp(r->verdict, "prune") == 0) {
        time_local(r->until_ms, until, sizeof(until));
        snprintf(out, size, "%" PRId64 " rows until %s", r->n, until);
    } else if (strcmp(r->verdict, "forget") == 0) {
        snprintf(out, size, "%" PRId64 " picture%s", r->n, r->n == 1 ? "" : "s");
    } else {
        snprintf(out, size, "%s%s%s%s%s", r->categories,
                 *r->categories && *r->rules ? "  " : "", *r->rules ? "[" : "", r->rules,
                 *r->rules ? "]" : "");
    }
}

static bool on_row(void *arg, const struct vlmd_audit_row *r)
{
    struct listing *l = arg;
    if (cli_has(l->asking.c, OPT_JSON)) {
        row_json(r);
        return out_error() == 0;
    }
    char seq[32], at[64], job[32] = "", app[160], to[160], sent[32], about[1000];
    snprintf(seq, sizeof(seq), "%" PRId64, r->seq);
    time_local(r->at_ms, at, sizeof(at));
    if (r->job) {
        snprintf(job, sizeof(job), "%" PRId64, r->job);
    }
    text_clip(r->app, 20, app, sizeof(app));
    text_clip(r->destination, 24, to, sizeof(to));
    amount(r->bytes_sent, sent, sizeof(sent));
    row_about(r, about, sizeof(about));
    const char *cells[] = {seq, at, job, r->verdict, r->stage, app, to, sent, about};
    table_row(&l->table, cells);
    return true;
}

static void on_rows_end(void *arg, int err, const char *message)
{
    struct listing *l = arg;
    note_end(&l->asking, err, message);
}

static int report_rows(struct cli *c, struct vlmd_audit_query *q)
{
    static const char *const heads[] = {"row", "time",    "job",  "verdict", "stage",
                                        "app", "sent to", "sent", "found"};
    struct listing l = {.asking.c = c};
    if (!cli_has(c, OPT_LIMIT)) {
        q->limit = ROWS_LIMIT;
    }
    table_init(&l.table, heads, 9);
    l.table.is_right[0] = l.table.is_right[2] = l.table.is_right[7] = true;
    int rc = finish(&l.asking, vlmd_audit(c->v, q, on_row, on_rows_end, &l));
    if (rc == 0 && !cli_has(c, OPT_JSON)) {
        if (l.table.n_rows) {
            print_table(&l.table);
        } else if (!cli_has(c, OPT_QUIET)) {
            say("vlmd: nothing was decided or sent in that time");
        }
        if (l.table.n_rows == q->limit && !cli_has(c, OPT_LIMIT) &&
            !cli_has(c, OPT_QUIET)) {
            say("vlmd: the first %d are shown (--limit 0 shows all)", ROWS_LIMIT);
        }
    }
    table_fini(&l.table);
    return rc;
}

// A flag that does nothing would be taken for one that does.
static int refuse_flags(const struct cli *c, const enum cli_opt *flags, int n,
                        const char *why)
{
    for (int i = 0; i < n; i++) {
        if (cli_has(c, flags[i])) {
            return cli_usage(c, "--%s goes %s", cli_options[flags[i]].name, why);
        }
    }
    return 0;
}

static int check_report(const struct cli *c, const struct vlmd_query *times)
{
    static const enum cli_opt of_verify[] = {OPT_EXPECT};
    static const enum cli_opt of_rows[] = {OPT_LIMIT, OPT_ORDER};
    int rc = refuse_flags(c, of_verify, 1, "with verify");
    if (rc == 0 && !cli_has(c, OPT_ROWS)) {
        rc = refuse_flags(c, of_rows, 2, "with --rows");
    }
    if (rc == 0 && times->order == VLMD_BEST) {
        rc = cli_usage(c, "rows go by time: --order newest or oldest");
    }
    return rc;
}

static int report(struct cli *c)
{
    struct vlmd_query times;
    int rc = cli_filter(c, &times);
    rc = rc ? rc : check_report(c, &times);
    rc = rc ? rc : cli_open(c, VLMD_CLIENT);
    if (rc) {
        return rc;
    }
    struct vlmd_audit_query q = {.since_ms = times.since_ms,
                                 .until_ms = times.until_ms,
                                 .order = times.order,
                                 .limit = times.limit};
    if (cli_has(c, OPT_ROWS)) {
        rc = report_rows(c, &q);
    } else {
        struct asking a = {.c = c};
        rc = finish(&a, vlmd_audit_totals(c->v, &q, on_totals, &a));
    }
    cli_close(c);
    return rc;
}

// ---- verify

struct verifying {
    struct asking asking;
    bool is_sound;
};

static void check_json(const struct vlmd_audit_check *k)
{
    struct json_writer w;
    struct buf out = {.max_bytes = RECORD_MAX};
    json_init(&w, &out);
    face_audit_check(&w, k);
    print_json(&w);
    buf_fini(&out);
}

static void check_text(const struct cli *c, const struct vlmd_audit_check *k)
{
    char rows[32], until[64];
    count_text(k->rows, rows, sizeof(rows));
    out_printf("rows    %s sound", rows);
    if (k->rows) {
        out_printf(", %" PRId64 " to %" PRId64, k->first_seq, k->first_seq + k->rows - 1);
    }
    out_text("\n");
    if (k->pruned) {
        count_text(k->pruned, rows, sizeof(rows));
        time_local(k->pruned_until_ms, until, sizeof(until));
        out_printf("pruned  %s older ones, until %s, when their time was up\n", rows,
                   until);
    }
    if (k->has_expected) {
        out_printf("noted   the expected hash is that of row %" PRId64 "\n",
                   k->expected_seq);
    }
    if (*k->head) {
        out_printf("head    %s\n", k->head);
    }
    if (strcmp(k->fault, "sound") != 0) {
        return;
    }
    out_printf("\n%s\n", k->words);
    if (!cli_has(c, OPT_EXPECT)) {
        out_text("Note the head in another place: vlmd privacy verify --expect HASH\n");
    }
}

static void on_checked(void *arg, int err, const struct vlmd_audit_check *k,
                       const char *message)
{
    struct verifying *v = arg;
    const struct cli *c = v->asking.c;
    note_end(&v->asking, err, message);
    if (err) {
        return;
    }
    v->is_sound = strcmp(k->fault, "sound") == 0;
    if (cli_has(c, OPT_JSON)) {
        check_json(k);
    } else if (!cli_has(c, OPT_QUIET)) {
        check_text(c, k);
    }
    if (!v->is_sound) {
        say("vlmd: privacy: %s: %s", k->fault, k->words);
    }
}

static int verify(struct cli *c)
{
    static const enum cli_opt of_report[] = {OPT_SINCE, OPT_UNTIL, OPT_ROWS, OPT_LIMIT,
                                             OPT_ORDER};
    struct verifying v = {.asking.c = c};
    int rc = refuse_flags(c, of_report, 5, "with report");
    rc = rc ? rc : cli_open(c, VLMD_CLIENT);
    if (rc) {
        return rc;
    }
    int err = vlmd_audit_verify(c->v, c->values[OPT_EXPECT], on_checked, &v);
    rc = finish(&v.asking, err);
    cli_close(c);
    return rc || v.is_sound ? rc : CLI_SOME_FAILED;
}

// ---- the verbs

static const struct {
    const char *name;
    int (*run)(struct cli *c);
    int operands;  // at most
} verbs[] = {{"test", cli_privacy_test, 1},
             {"preview", cli_privacy_preview, 1},
             {"rules", cli_privacy_rules, 0},
             {"report", report, 0},
             {"verify", verify, 0}};

int cli_run_privacy(struct cli *c)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        const bool is_it = strcmp(verbs[i].name, c->args[0]) == 0;
        if (is_it && c->n_args > 1 + verbs[i].operands) {
            return cli_usage(c, "%s takes %s", c->args[0],
                             verbs[i].operands ? "one picture" : "no operands");
        }
        if (is_it) {
            return verbs[i].run(c);
        }
    }
    return CLI_USAGE;
}
