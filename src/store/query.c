// query.c -- search and lists: ids in order first, then a full row for each.
//
// A question has its own connection, one snapshot, a deadline, and a bound on the memory
// of its answer.  Pages continue after the last id, so page 1000 costs what page 1 costs.
// SPDX-License-Identifier: MIT
#include "store/filter.h"
#include "store/rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_MAX = 1000 };

// \x02 and \x03 can not occur in what is shown, so a face may use any mark it likes.
#define SNIPPET "snippet(search, -1, char(2), char(3), '...', 24)"

static const char *order_of(const struct filter *f, enum store_order order)
{
    switch (order) {
    case STORE_NEWEST: return "DESC";
    case STORE_OLDEST: return "ASC";
    case STORE_TAKEN: return "DESC";
    case STORE_RANK: return f->has_match ? "RANK" : "DESC";
    }
    return "DESC";
}

// rank is only sorted inside the index when it alone is asked for.
static int make_text(const struct filter *f, enum store_order order, struct buf *out)
{
    const char *direction = order_of(f, order);
    bool is_rank = strcmp(direction, "RANK") == 0;
    return buf_printf(out, "SELECT %s, %s FROM %s WHERE %s ORDER BY %s%s %s LIMIT ?",
                      f->id, f->has_match ? SNIPPET : "''", buf_str(&f->from),
                      buf_str(&f->where), order == STORE_TAKEN ? "j.at_ms DESC, " : "",
                      is_rank ? "search.rank" : f->id, is_rank ? "" : direction);
}

static int continue_after(struct filter *f, const struct store_query *r)
{
    char text[64];
    if (!r->after_id || r->order == STORE_RANK) {
        return 0;
    }
    if (r->order == STORE_TAKEN) {
        int rc = filter_and(f, "j.at_ms <= ?", r->after_at_ms);
        rc = rc ? rc : filter_and(f, "(j.at_ms < ?", r->after_at_ms);
        snprintf(text, sizeof(text), "%s < ?)", f->id);
        return rc ? rc : filter_or(f, text, r->after_id);
    }
    snprintf(text, sizeof(text), "%s %s ?", f->id, r->order == STORE_OLDEST ? ">" : "<");
    return filter_and(f, text, r->after_id);
}

// Rows may be gone between two of them only in another snapshot, so is_there is a
// formality.
static int read_rows(struct db *d, struct sql *q, struct store_query *r,
                     struct buf *block)
{
    int rc = 0;
    while (!rc && !r->has_more && sql_row(q)) {
        bool is_there;
        int64_t id = sql_get_int(q);
        if (r->n == r->limit) {
            r->has_more = true;
            break;
        }
        rc = row_read(d, id, sql_get_text(q), block, &r->rows[r->n], &is_there);
        if (rc == E_TOOBIG && r->n) {
            r->has_more = true;
            return 0;
        }
        r->n += !rc && is_there;
    }
    return rc;
}

static int run_filter(struct db *d, struct store_query *r, struct filter *f,
                      struct buf *block)
{
    struct buf text;
    buf_init(&text, 64 << 10);
    int rc = continue_after(f, r);
    rc = rc ? rc : make_text(f, r->order, &text);
    if (!rc) {
        struct sql q = sql_begin_again(d, buf_str(&text));
        filter_bind(f, &q);
        sql_int(&q, r->limit + 1);
        rc = read_rows(d, &q, r, block);
        int rc2 = sql_end(&q);
        rc = rc2 ? rc2 : rc;
    }
    buf_fini(&text);
    return rc;
}

static int answer(struct reader *reader, struct store_query *r)
{
    struct filter f;
    struct buf block;
    buf_init(&block, ROWS_BYTES_MAX);
    r->rows = calloc((size_t)r->limit, sizeof(r->rows[0]));
    if (!r->rows) {
        return E_NOMEM;
    }
    int rc = filter_build(&f, &reader->db, &r->filter, r->order, &r->err);
    rc = rc ? rc : run_filter(&reader->db, r, &f, &block);
    filter_fini(&f);
    rows_fix(r->rows, r->n, &block);
    r->block = (char *)block.data;
    return rc;
}

static void query_run(struct pool_work *work, void *thread)
{
    struct store_query *r = container_of(work, struct store_query, work);
    struct reader *reader = thread;
    if (read_begin(reader, work, reader->store->config.read_deadline_ms, &r->err)) {
        return;
    }
    read_end(reader, answer(reader, r), &r->err);
}

static void query_done(struct pool_work *work, int err)
{
    struct store_query *r = container_of(work, struct store_query, work);
    err = read_result(r->owner, &r->err, err);
    if (err) {
        store_query_fini(r);
    }
    r->done(r, err);
}

void store_query(struct store *s, struct store_query *r,
                 void (*done)(struct store_query *r, int err))
{
    assert(r->limit >= 1 && r->limit <= LIMIT_MAX);
    r->rows = NULL;
    r->block = NULL;
    r->n = 0;
    r->has_more = false;
    r->err.code = 0;
    r->owner = s;
    r->done = done;
    read_submit(s, &r->work, query_run, query_done);
}

void store_query_fini(struct store_query *r)
{
    free(r->rows);
    free(r->block);
    r->rows = NULL;
    r->block = NULL;
    r->n = 0;
}

// ---- history

static int count_attempts(struct db *d, int64_t job, int64_t *n)
{
    struct sql q = sql_begin(d, "SELECT count(*) FROM attempt WHERE job = ?");
    sql_int(&q, job);
    return sql_one(&q, 0, n);
}

static int keep(struct buf *block, const char **field, const char *text)
{
    *field = (const char *)(uintptr_t)block->len;
    return buf_add(block, text, strlen(text) + 1);
}

static int read_attempts(struct db *d, struct store_history *r, int64_t most,
                         struct buf *block)
{
    struct sql q = sql_begin(d, "SELECT at_ms, code, request_ms, words, remedy,"
                                " (SELECT text FROM word WHERE id = backend),"
                                " (SELECT text FROM word WHERE id = model)"
                                " FROM attempt WHERE job = ? ORDER BY n");
    int rc = 0;
    sql_int(&q, r->id);
    while (!rc && r->n < most && sql_row(&q)) {
        struct store_attempt *a = &r->attempts[r->n];
        a->at_ms = sql_get_int(&q);
        a->code = (int)sql_get_int(&q);
        a->request_ms = sql_get_int(&q);
        rc = keep(block, &a->words, sql_get_text(&q));
        rc = rc ? rc : keep(block, &a->remedy, sql_get_text(&q));
        rc = rc ? rc : keep(block, &a->backend, sql_get_text(&q));
        rc = rc ? rc : keep(block, &a->model, sql_get_text(&q));
        r->n += !rc;
    }
    int rc2 = sql_end(&q);
    for (int i = 0; i < r->n; i++) {
        struct store_attempt *a = &r->attempts[i];
        a->words = (const char *)block->data + (uintptr_t)a->words;
        a->remedy = (const char *)block->data + (uintptr_t)a->remedy;
        a->backend = (const char *)block->data + (uintptr_t)a->backend;
        a->model = (const char *)block->data + (uintptr_t)a->model;
    }
    return rc2 ? rc2 : rc;
}

static void history_run(struct pool_work *work, void *thread)
{
    struct store_history *r = container_of(work, struct store_history, work);
    struct reader *reader = thread;
    struct buf block;
    int64_t n;
    if (read_begin(reader, work, reader->store->config.read_deadline_ms, &r->err)) {
        return;
    }
    buf_init(&block, ROWS_BYTES_MAX);
    int rc = count_attempts(&reader->db, r->id, &n);
    if (!rc && n) {
        r->attempts = calloc((size_t)n, sizeof(r->attempts[0]));
        rc = r->attempts ? read_attempts(&reader->db, r, n, &block) : E_NOMEM;
    }
    r->block = (char *)block.data;
    read_end(reader, rc, &r->err);
}

static void history_done(struct pool_work *work, int err)
{
    struct store_history *r = container_of(work, struct store_history, work);
    err = read_result(r->owner, &r->err, err);
    if (err) {
        store_history_fini(r);
    }
    r->done(r, err);
}

void store_history(struct store *s, struct store_history *r,
                   void (*done)(struct store_history *r, int err))
{
    r->attempts = NULL;
    r->n = 0;
    r->block = NULL;
    r->err.code = 0;
    r->owner = s;
    r->done = done;
    read_submit(s, &r->work, history_run, history_done);
}

void store_history_fini(struct store_history *r)
{
    free(r->attempts);
    free(r->block);
    r->attempts = NULL;
    r->block = NULL;
    r->n = 0;
}
