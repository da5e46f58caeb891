// cli_export.c -- vlmd export: JSON lines, CSV, or files beside or apart from the pictures.
// SPDX-License-Identifier: MIT
#include "cli.h"
#include "file.h"
#include "out.h"
#include "record.h"
#include "sidecar.h"
#include "face/timefmt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct exporting {
    struct cli *c;
    bool is_csv;
    bool is_done;
    int err;
    char message[400];
    int file_error;
    int64_t n;
    bool has_file;
    struct file file;
    struct buf line;
    struct sidecars *sidecars;
};

static void on_end(void *arg, int err, const char *message)
{
    struct exporting *x = arg;
    x->is_done = true;
    x->err = err;
    snprintf(x->message, sizeof(x->message), "%s", message ? message : "");
}

static void put(struct exporting *x, const void *data, size_t len)
{
    if (!x->has_file) {
        out_bytes(data, len);
        x->file_error = out_error();
    } else if (x->file_error == 0) {
        x->file_error = file_add(&x->file, data, len);
    }
}

static bool on_item(void *arg, const struct vlmd_item *it)
{
    struct exporting *x = arg;
    if (x->sidecars) {
        sidecar_write(x->sidecars, it);
        return true;
    }
    buf_clear(&x->line);
    int rc = x->is_csv ? record_csv(it, &x->line) : record_json(it, &x->line);
    if (rc) {
        say("vlmd: export: #%lld is too large and left out", (long long)it->id);
        return true;
    }
    put(x, x->line.data, x->line.len);
    x->n++;
    return x->file_error == 0;
}

static int ask(struct exporting *x, const struct vlmd_query *q)
{
    struct cli *c = x->c;
    int err = vlmd_search(c->v, q, on_item, on_end, x);
    int rc =
        err ? cli_failed("export", err, "it was not accepted") : cli_wait(c, &x->is_done);
    return rc || !x->err || x->file_error ? rc : cli_failed("export", x->err, x->message);
}

// ---- jsonl and csv

static int begin_file(struct exporting *x)
{
    const char *path = x->c->values[OPT_OUTPUT];
    if (!path || strcmp(path, "-") == 0) {
        return 0;
    }
    int rc = file_begin(&x->file, path);
    if (rc) {
        char safe[600];
        text_safe(path, safe, sizeof(safe));
        say("vlmd: export: %s: %s (name another file with -o)", safe, strerror(rc));
        return CLI_USAGE;
    }
    x->has_file = true;
    return 0;
}

static int end_file(struct exporting *x, int rc)
{
    if (!x->has_file) {
        return rc;
    }
    // Half a file is worse than none: an error keeps what was there before.
    int err = file_end(&x->file,
                       x->file_error ? x->file_error
                       : rc          ? ECANCELED
                                     : 0,
                       FILE_REPLACE);
    char safe[600], n[32];
    text_safe(x->file.path, safe, sizeof(safe));
    if (err && !rc) {
        say("vlmd: export: %s: %s (nothing was replaced)", safe, strerror(err));
        return CLI_SOME_FAILED;
    }
    if (!rc && !cli_has(x->c, OPT_QUIET)) {
        count_text(x->n, n, sizeof(n));
        say("vlmd: %s pictures written to %s", n, safe);
    }
    return rc;
}

static int export_rows(struct exporting *x, const struct vlmd_query *q)
{
    int rc = begin_file(x);
    if (rc) {
        return rc;
    }
    x->line.max_bytes = RECORD_MAX;
    if (x->is_csv) {
        put(x, record_csv_header(), strlen(record_csv_header()));
    }
    rc = ask(x, q);
    buf_fini(&x->line);
    return end_file(x, rc);
}

// ---- sidecars

static int export_sidecars(struct exporting *x, struct vlmd_query *q)
{
    struct cli *c = x->c;
    struct sidecars s = {.dir = c->values[OPT_DIR], .is_quiet = cli_has(c, OPT_QUIET)};
    const char *format = c->values[OPT_FORMAT];
    s.has_txt = !format || strcmp(format, "json") != 0;
    s.has_json = !format || strcmp(format, "txt") != 0;
    x->sidecars = &s;
    // Of two versions of a file the newer is written last.
    q->order = VLMD_OLDEST;
    int rc = ask(x, q);
    if (rc == 0 || s.written) {
        sidecar_report(&s, cli_has(c, OPT_JSON));
    }
    return rc ? rc : s.refused || s.failed ? CLI_SOME_FAILED : CLI_DONE;
}

static int check_options(const struct cli *c, bool is_sidecar)
{
    bool has_place = cli_has(c, OPT_DIR) || cli_has(c, OPT_BESIDE);
    if (c->n_args > 1) {
        return cli_usage(c, "\"%s\" is too much", c->args[1]);
    }
    if (!is_sidecar && (has_place || cli_has(c, OPT_FORMAT))) {
        return cli_usage(c, "--dir, --beside and --format go with sidecar only");
    }
    if (!is_sidecar) {
        return 0;
    }
    if (cli_has(c, OPT_OUTPUT) || cli_has(c, OPT_ORDER)) {
        return cli_usage(c, "--output and --order do not go with sidecar");
    }
    if (cli_has(c, OPT_DIR) == cli_has(c, OPT_BESIDE)) {
        return cli_usage(c, "say where: --dir DIR, or --beside the pictures");
    }
    return 0;
}

int cli_run_export(struct cli *c)
{
    struct exporting x = {.c = c, .is_csv = strcmp(c->args[0], "csv") == 0};
    bool is_sidecar = strcmp(c->args[0], "sidecar") == 0;
    struct vlmd_query q;
    int rc = check_options(c, is_sidecar);
    rc = rc ? rc : cli_filter(c, &q);
    rc = rc ? rc : cli_open(c, VLMD_CLIENT);
    if (rc) {
        return rc;
    }
    rc = is_sidecar ? export_sidecars(&x, &q) : export_rows(&x, &q);
    cli_close(c);
    return rc;
}
