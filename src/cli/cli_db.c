// cli_db.c -- vlmd db: what the database does and how large it is.
//
// Sizes are read here; how long statements took is what the workers on the database say of
// themselves, as this process has asked nothing yet.
// SPDX-License-Identifier: MIT
#include "cli.h"
#include "face/face.h"
#include "face/timefmt.h"
#include "out.h"
#include "record.h"
#include "table.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct showing {
    struct cli *c;
    bool is_done;
    int err;
    char message[400];
};

static void end(struct showing *k, int err, const char *message)
{
    k->is_done = true;
    k->err = err;
    snprintf(k->message, sizeof(k->message), "%s", message ? message : "");
}

static int wait_for(struct showing *k, int rc)
{
    if (rc) {
        return cli_failed("db stats", rc, "it was not accepted");
    }
    rc = cli_wait(k->c, &k->is_done);
    return rc == 0 && k->err ? cli_failed("db stats", k->err, k->message) : rc;
}

// ---- for people

static void print_file(const struct vlmd_database_stats *s)
{
    char path[1200], size[32], log[32], page[32], pages[32], unused[32];
    text_safe(s->path, path, sizeof(path));
    bytes_text(s->file_bytes, size, sizeof(size));
    bytes_text(s->wal_bytes, log, sizeof(log));
    bytes_text(s->page_bytes, page, sizeof(page));
    count_text(s->pages, pages, sizeof(pages));
    count_text(s->free_pages, unused, sizeof(unused));
    out_printf("%-12s %s\n", "database", path);
    out_printf("%-12s %s, write-ahead log %s\n", "size", size, log);
    out_printf("%-12s %s of %s, %s unused\n\n", "pages", pages, page, unused);
}

static void print_tables(const struct vlmd_database_stats *s)
{
    static const char *const heads[] = {"NAME", "INDEX OF", "ROWS", "SIZE"};
    struct table t;
    table_init(&t, heads, 4);
    for (int i = 0; i < s->n_tables; i++) {
        const struct vlmd_table *one = &s->tables[i];
        char rows[40] = "", size[32] = "";
        if (one->rows >= 0) {
            count_text(one->rows, rows, sizeof(rows));
        }
        if (one->bytes >= 0) {
            bytes_text(one->bytes, size, sizeof(size));
        }
        table_row(&t, (const char *const[]){one->name, one->index_of, rows, size});
    }
    table_print(&t, term_out() ? term_columns(1) : 0, term_colour());
    table_fini(&t);
    if (s->are_rows_estimated) {
        out_text("Rows are estimates.\n");
    }
}

static double number(const struct cJSON *o, const char *key)
{
    const struct cJSON *n = json_get(o, key);
    return cJSON_IsNumber(n) ? n->valuedouble : 0;
}

// What another process wrote of itself: read with care.
static void print_worker(const struct vlmd_worker *w)
{
    struct cJSON *json = json_parse(w->json, strlen(w->json));
    const struct cJSON *d = json_get(json, "database");
    char n[32];
    if (d) {
        count_text(json_get_int(d, "statements", 0), n, sizeof(n));
        out_printf("\nprocess %" PRId64 ": %s statements, %" PRId64 " slow, %" PRId64
                   " failed\n",
                   w->pid, n, json_get_int(d, "slow", 0), json_get_int(d, "failed", 0));
        out_printf("  took        p50 %.2f ms, p95 %.2f ms, p99 %.2f ms\n",
                   number(d, "p50_ms"), number(d, "p95_ms"), number(d, "p99_ms"));
        out_printf("  waited      reads p95 %.2f ms, writes p95 %.2f ms\n",
                   number(d, "read_wait_p95_ms"), number(d, "write_wait_p95_ms"));
        out_printf("  checkpoints %" PRId64 "\n", json_get_int(d, "checkpoints", 0));
    }
    json_free(json);
}

static void on_status(void *arg, int err, const struct vlmd_status *s,
                      const char *message)
{
    struct showing *k = arg;
    for (int i = 0; err == 0 && i < s->n_workers; i++) {
        print_worker(&s->workers[i]);
    }
    if (err == 0 && s->n_workers == 0) {
        out_text("\nNo worker runs, so there are no times of statements.\n");
    }
    end(k, err, message);
}

// ---- JSON

static void print_json(const struct vlmd_database_stats *s)
{
    struct buf out = {.max_bytes = RECORD_MAX};
    struct json_writer w;
    json_init(&w, &out);
    face_database(&w, s);
    if (w.rc == 0) {
        out_bytes(out.data, out.len);
        out_text("\n");
    }
    buf_fini(&out);
}

static void on_stats(void *arg, int err, const struct vlmd_database_stats *s,
                     const char *message)
{
    struct showing *k = arg;
    if (err == 0 && cli_has(k->c, OPT_JSON)) {
        print_json(s);
    } else if (err == 0) {
        print_file(s);
        print_tables(s);
    }
    end(k, err, message);
}

// ---- running

static int show_stats(struct cli *c)
{
    struct showing k = {.c = c};
    int rc = wait_for(&k, vlmd_database_stats(c->v, true, on_stats, &k));
    if (rc == 0 && !cli_has(c, OPT_JSON)) {
        k.is_done = false;
        rc = wait_for(&k, vlmd_status(c->v, false, on_status, &k));
    }
    return rc;
}

int cli_run_db(struct cli *c)
{
    if (c->n_args != 1 || strcmp(c->args[0], "stats") != 0) {
        return cli_usage(c, c->n_args ? "\"%s\" is not \"stats\"" : "say what: stats",
                         c->n_args ? c->args[c->n_args - 1] : "");
    }
    int rc = cli_open(c, VLMD_CLIENT);
    if (rc) {
        return rc;
    }
    rc = show_stats(c);
    out_flush();
    cli_close(c);
    return rc;
}
