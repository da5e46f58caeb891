// usage.c -- sums per backend and day; see usage.h.
// SPDX-License-Identifier: MIT
#include "store/usage.h"

#include "store/inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int store_usage_day(int64_t at_ms)
{
    time_t at = (time_t)(at_ms / 1000);
    struct tm tm;
    if (!localtime_r(&at, &tm)) {
        return 0;
    }
    return (tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday;
}

// ---- add

static int add_row(struct writer *w, const struct store_usage *u)
{
    struct sql q = sql_begin(
        &w->db, "INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
                " SET requests = requests + excluded.requests,"
                " failed = failed + excluded.failed,"
                " prompt_tokens = prompt_tokens + excluded.prompt_tokens,"
                " completion_tokens = completion_tokens + excluded.completion_tokens,"
                " bytes_sent = bytes_sent + excluded.bytes_sent,"
                " cost_micros = cost_micros + excluded.cost_micros");
    sql_int(&q, u->day);
    sql_text(&q, u->backend);
    sql_int(&q, u->requests);
    sql_int(&q, u->failed);
    sql_int(&q, u->prompt_tokens);
    sql_int(&q, u->completion_tokens);
    sql_int(&q, u->bytes_sent);
    sql_int(&q, u->cost_micros);
    return sql_run(&q);
}

static int add(struct writer *w, void *request)
{
    struct store_usage_add *r = request;
    int rc = 0;
    for (int i = 0; !rc && i < r->n; i++) {
        rc = add_row(w, &r->rows[i]);
    }
    return rc;
}

static void add_run(struct pool_work *work, void *thread)
{
    struct store_usage_add *r = container_of(work, struct store_usage_add, work);
    writer_do(thread, WRITE_FINISHES, &r->err, add, r);
}

static void add_done(struct pool_work *work, int err)
{
    struct store_usage_add *r = container_of(work, struct store_usage_add, work);
    r->done(r, write_result(r->owner, &r->err, err));
}

void store_usage_add(struct store *s, struct store_usage_add *r,
                     void (*done)(struct store_usage_add *r, int err))
{
    assert(r->n >= 0 && r->n <= STORE_MAX_USAGE);
    r->err = (struct err){0};
    r->owner = s;
    r->done = done;
    write_submit(s, &r->work, add_run, add_done);
}

// ---- read

static void read_row(struct sql *q, struct store_usage *u)
{
    u->day = (int)sql_get_int(q);
    snprintf(u->backend, sizeof(u->backend), "%s", sql_get_text(q));
    u->requests = sql_get_int(q);
    u->failed = sql_get_int(q);
    u->prompt_tokens = sql_get_int(q);
    u->completion_tokens = sql_get_int(q);
    u->bytes_sent = sql_get_int(q);
    u->cost_micros = sql_get_int(q);
}

static struct sql question(struct db *d, const struct store_usage_read *r)
{
    struct sql q = sql_begin(
        d,
        "SELECT day, backend, requests, failed, prompt_tokens, completion_tokens,"
        " bytes_sent, cost_micros FROM (SELECT * FROM usage WHERE day BETWEEN ?1 AND ?2"
        " AND (?3 = '' OR backend = ?3) ORDER BY day DESC, backend LIMIT ?4)"
        " ORDER BY day, backend");
    sql_int(&q, r->since_day);
    sql_int(&q, r->until_day ? r->until_day : INT32_MAX);
    sql_text(&q, r->backend);
    sql_int(&q, STORE_MAX_USAGE_ROWS);
    return q;
}

static int read_rows(struct db *d, struct store_usage_read *r)
{
    int room = 0, rc = 0;
    struct sql q = question(d, r);
    while (!rc && sql_row(&q)) {
        if (r->n == room) {
            room = room ? 2 * room : 64;
            struct store_usage *more = realloc(r->rows, (size_t)room * sizeof(*more));
            rc = more ? 0 : E_NOMEM;
            r->rows = more ? more : r->rows;
        }
        if (!rc) {
            read_row(&q, &r->rows[r->n++]);
        }
    }
    int end = sql_end(&q);
    return rc ? rc : end;
}

static void read_run(struct pool_work *work, void *thread)
{
    struct store_usage_read *r = container_of(work, struct store_usage_read, work);
    struct reader *reader = thread;
    if (read_begin(reader, work, reader->store->config.read_deadline_ms, &r->err)) {
        return;
    }
    read_end(reader, read_rows(&reader->db, r), &r->err);
}

static void read_done(struct pool_work *work, int err)
{
    struct store_usage_read *r = container_of(work, struct store_usage_read, work);
    err = read_result(r->owner, &r->err, err);
    if (err) {
        free(r->rows);
        r->rows = NULL;
        r->n = 0;
    }
    r->done(r, err);
}

void store_usage_read(struct store *s, struct store_usage_read *r,
                      void (*done)(struct store_usage_read *r, int err))
{
    r->rows = NULL;
    r->n = 0;
    r->err = (struct err){0};
    r->owner = s;
    r->done = done;
    read_submit(s, &r->work, read_run, read_done);
}
