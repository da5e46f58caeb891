// cli_forget.c -- vlmd forget: counts, asks, removes, says what was done.
// SPDX-License-Identifier: MIT
#include "cli.h"
#include "face/timefmt.h"
#include "out.h"
#include "vlmd_privacy.h"

#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct forgetting {
    bool is_done;
    int err;
    struct vlmd_forgotten sum;
    char message[400];
};

static void on_forgotten(void *arg, int err, const struct vlmd_forgotten *f,
                         const char *message)
{
    struct forgetting *k = arg;
    k->is_done = true;
    k->err = err;
    k->sum.items += f->items;
    k->sum.requeued += f->requeued;
    k->sum.is_clean &= f->is_clean;
    snprintf(k->message, sizeof(k->message), "%s", message ? message : "");
}

static int forget_one(struct cli *c, const struct vlmd_query *q, bool is_trial,
                      struct forgetting *k)
{
    k->is_done = false;
    int err = vlmd_forget(c->v, q, is_trial, on_forgotten, k);
    if (err) {
        return cli_failed("forget", err, "it was not accepted");
    }
    int rc = cli_wait(c, &k->is_done);
    return rc || !k->err ? rc : cli_failed("forget", k->err, k->message);
}

// Of each operand, or of the filters alone.
static int forget_all(struct cli *c, const struct vlmd_query *q, bool is_trial,
                      struct forgetting *k)
{
    *k = (struct forgetting){.sum.is_clean = true};
    int rc = c->n_args ? 0 : forget_one(c, q, is_trial, k);
    for (int i = 0; i < c->n_args && rc == 0; i++) {
        char path[PATH_MAX];
        struct vlmd_query one = *q;
        rc = cli_target(c, c->args[i], &one, path, sizeof(path));
        rc = rc ? rc : forget_one(c, &one, is_trial, k);
    }
    return rc;
}

// ---- asking

static void pictures(int64_t n, char *out, size_t size)
{
    char count[32];
    count_text(n, count, sizeof(count));
    snprintf(out, size, "%s picture%s", count, n == 1 ? "" : "s");
}

static bool is_yes(char *answer)
{
    answer[strcspn(answer, "\n")] = 0;
    return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
}

// A signal wakes the library, so one that comes just before the wait is not missed.
static int wait_for_line(struct cli *c)
{
    while (!cli_signals()) {
        struct pollfd p[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                             {.fd = vlmd_fd(c->v), .events = POLLIN}};
        poll(p, 2, vlmd_timeout_ms(c->v));
        if (p[0].revents) {
            return 0;
        }
        vlmd_step(c->v);
    }
    return CLI_INTERRUPTED;
}

// 0: go on; else an exit code.
static int confirm(struct cli *c, int64_t n)
{
    char what[64], answer[64];
    pictures(n, what, sizeof(what));
    fprintf(stderr, "Forget everything about %s? [y/N] ", what);
    fflush(stderr);
    if (wait_for_line(c)) {
        fputc('\n', stderr);
        return CLI_INTERRUPTED;
    }
    if (!fgets(answer, sizeof(answer), stdin)) {
        answer[0] = 0;
        fputc('\n', stderr);
    }
    if (!is_yes(answer)) {
        say("vlmd: nothing was forgotten");
        return CLI_SOME_FAILED;
    }
    return 0;
}

// ---- telling

static void tell_trial(const struct cli *c, const struct vlmd_forgotten *f)
{
    char what[64];
    pictures(f->items, what, sizeof(what));
    if (cli_has(c, OPT_JSON)) {
        out_printf("{\"would_forget\":%" PRId64 "}\n", f->items);
    } else {
        out_printf("%s would be forgotten\n", what);
    }
}

static void tell_done(const struct cli *c, const struct vlmd_forgotten *f)
{
    char what[64];
    pictures(f->items, what, sizeof(what));
    if (cli_has(c, OPT_JSON)) {
        out_printf("{\"forgotten\":%" PRId64 ",\"requeued\":%" PRId64 ",\"clean\":%s}\n",
                   f->items, f->requeued, f->is_clean ? "true" : "false");
        return;
    }
    if (!cli_has(c, OPT_QUIET)) {
        out_printf("%s forgotten (files were not touched)\n", what);
    }
    if (f->requeued && !cli_has(c, OPT_QUIET)) {
        pictures(f->requeued, what, sizeof(what));
        out_printf("%s with a description made from one of them: described anew\n", what);
    }
    if (!f->is_clean) {
        say("vlmd: another process still reads an old state of the database: the last "
            "traces go when it is done");
    }
}

static int forget(struct cli *c, const struct vlmd_query *q)
{
    struct forgetting k;
    bool must_ask = !cli_has(c, OPT_YES);
    int rc = 0;
    if (must_ask || cli_has(c, OPT_DRY_RUN)) {
        rc = forget_all(c, q, true, &k);
    }
    if (rc == 0 && cli_has(c, OPT_DRY_RUN)) {
        tell_trial(c, &k.sum);
        return 0;
    }
    if (rc == 0 && must_ask && k.sum.items) {
        rc = confirm(c, k.sum.items);
    }
    if (rc) {
        return rc;
    }
    // Also when nothing is there: it clears away what one that was killed left.
    rc = forget_all(c, q, false, &k);
    if (rc == 0 || k.sum.items) {
        tell_done(c, &k.sum);
    }
    return rc;
}

static int check(const struct cli *c, const struct vlmd_query *q)
{
    if (c->n_args == 0 && !cli_has_filter(q)) {
        return cli_usage(c, "say which: an ID, a path, --app, --since or --until");
    }
    bool can_ask = isatty(STDIN_FILENO) && term_err();
    if (!cli_has(c, OPT_YES) && !cli_has(c, OPT_DRY_RUN) && !can_ask) {
        return cli_usage(c, "there is no terminal to ask on: say --yes");
    }
    int rc = 0;
    for (int i = 0; i < c->n_args && rc == 0; i++) {
        char path[PATH_MAX];
        struct vlmd_query one = *q;
        rc = cli_target(c, c->args[i], &one, path, sizeof(path));
    }
    return rc;
}

int cli_run_forget(struct cli *c)
{
    struct vlmd_query q;
    int rc = cli_filter(c, &q);
    rc = rc ? rc : check(c, &q);
    rc = rc ? rc : cli_open(c, VLMD_CLIENT);
    if (rc) {
        return rc;
    }
    rc = forget(c, &q);
    cli_close(c);
    return rc;
}
