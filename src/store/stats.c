// stats.c -- what the connections did (in memory), and how large things are (in the file).
// SPDX-License-Identifier: MIT
#include "store/stats.h"

#include "store/inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// Up to this size rows are counted one by one; beyond it they are what `PRAGMA optimize`
// found last.
#define COUNTED_BYTES (64ll << 20)

enum { SIZES_DEADLINE_MS = 10000 };

// ---- the file

static int64_t size_of(const char *path, const char *suffix)
{
    struct stat st;
    char name[4096 + 8];
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    return stat(name, &st) ? 0 : st.st_size;
}

static int pragma(struct db *d, const char *literal, int64_t *out)
{
    struct sql q = sql_begin(d, literal);
    return sql_one(&q, 0, out);
}

static int read_file(struct db *d, struct store_stats *r)
{
    int rc = pragma(d, "PRAGMA page_size", &r->page_bytes);
    rc = rc ? rc : pragma(d, "PRAGMA page_count", &r->pages);
    return rc ? rc : pragma(d, "PRAGMA freelist_count", &r->free_pages);
}

// ---- tables and indexes

// What belongs to the search index has no rows that mean anything.
static int read_names(struct db *d, struct store_stats *r)
{
    struct sql q =
        sql_begin(d, "SELECT name, CASE type WHEN 'index' THEN tbl_name ELSE ''"
                     " END FROM sqlite_schema WHERE type IN ('table', 'index')"
                     " AND rootpage > 0 ORDER BY name LIMIT ?");
    sql_int(&q, STORE_MAX_TABLES);
    while (sql_row(&q)) {
        struct store_table *t = &r->tables[r->n_tables++];
        *t = (struct store_table){.rows = -1, .bytes = -1};
        snprintf(t->name, sizeof(t->name), "%s", sql_get_text(&q));
        snprintf(t->table, sizeof(t->table), "%s", sql_get_text(&q));
    }
    return sql_end(&q);
}

static struct store_table *find(struct store_stats *r, const char *name)
{
    for (int i = 0; i < r->n_tables; i++) {
        if (strcmp(r->tables[i].name, name) == 0) {
            return &r->tables[i];
        }
    }
    return NULL;
}

static int count_rows(struct db *d, struct store_table *t)
{
    char text[128];
    snprintf(text, sizeof(text), "SELECT count(*) FROM \"%.63s\"", t->name);
    struct sql q = sql_begin_once(d, text);
    return sql_one(&q, 0, &t->rows);
}

static int count_all(struct db *d, struct store_stats *r)
{
    int rc = 0;
    for (int i = 0; !rc && i < r->n_tables; i++) {
        if (!r->tables[i].table[0]) {
            rc = count_rows(d, &r->tables[i]);
        }
    }
    return rc;
}

static int estimate_all(struct db *d, struct store_stats *r)
{
    struct sql q = sql_begin_once(d, "SELECT tbl, max(CAST(stat AS INTEGER))"
                                     " FROM sqlite_stat1 GROUP BY tbl");
    r->are_rows_estimated = true;
    while (sql_row(&q)) {
        struct store_table *t = find(r, sql_get_text(&q));
        if (t) {
            t->rows = sql_get_int(&q);
        }
    }
    // Without the table nothing was estimated yet.
    int rc = sql_end(&q);
    return rc == E_DEADLINE ? rc : 0;
}

// SQLite may have been built without this table: then nothing is measured.
static int measure_all(struct db *d, struct store_stats *r)
{
    struct sql q =
        sql_begin_once(d, "SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE");
    while (sql_row(&q)) {
        struct store_table *t = find(r, sql_get_text(&q));
        if (t) {
            t->bytes = sql_get_int(&q);
        }
    }
    int rc = sql_end(&q);
    return rc == E_DEADLINE ? rc : 0;
}

static int by_size(const void *a, const void *b)
{
    const struct store_table *x = a, *y = b;
    int64_t more = (y->bytes > x->bytes) - (y->bytes < x->bytes);
    return more ? (int)more : strcmp(x->name, y->name);
}

// The correlation ids of the jobs that statements were about.
static int read_cids(struct db *d, struct store_stats *r)
{
    int rc = 0;
    for (int i = 0; !rc && i < r->n_slow; i++) {
        struct store_slow *s = &r->slow[i];
        if (!s->job || s->cid[0]) {
            continue;
        }
        struct sql q = sql_begin(d, "SELECT cid FROM job WHERE id = ?");
        sql_int(&q, s->job);
        if (sql_row(&q)) {
            snprintf(s->cid, sizeof(s->cid), "%016" PRIx64, (uint64_t)sql_get_int(&q));
        }
        rc = sql_end(&q);
    }
    return rc;
}

static int read_tables(struct db *d, struct store_stats *r)
{
    r->tables = calloc(STORE_MAX_TABLES, sizeof(*r->tables));
    if (!r->tables) {
        return E_NOMEM;
    }
    int rc = read_names(d, r);
    bool is_small = r->page_bytes * r->pages <= COUNTED_BYTES;
    rc = rc ? rc : is_small ? count_all(d, r) : estimate_all(d, r);
    if (!rc && r->wants_sizes) {
        rc = measure_all(d, r);
    }
    qsort(r->tables, (size_t)r->n_tables, sizeof(*r->tables), by_size);
    return rc;
}

// ---- the request

static void tell_pool(const struct store_pool *p, const struct pool *pool, int threads,
                      struct store_pool_stats *out)
{
    *out = (struct store_pool_stats){
        .threads = threads,
        .queued = pool ? pool_queued(pool) : 0,
        .running = pool ? pool_running(pool) : 0,
        .n = (int64_t)histogram_count(&p->waited),
        .wait_p50_us = histogram_percentile(&p->waited, 50),
        .wait_p95_us = histogram_percentile(&p->waited, 95),
        .wait_p99_us = histogram_percentile(&p->waited, 99),
        .wait_max_us = histogram_percentile(&p->waited, 100),
    };
}

static void tell_pools(struct store *s, struct store_pool_stats *read,
                       struct store_pool_stats *write)
{
    tell_pool(&s->read_load, s->reader_pool, s->config.readers, read);
    tell_pool(&s->write_load, s->writer_pool, s->writer_pool != NULL, write);
}

static int read_all(struct reader *reader, struct store_stats *r)
{
    int rc = statements_tell(&reader->store->statements, r);
    rc = rc ? rc : read_file(&reader->db, r);
    rc = rc ? rc : read_tables(&reader->db, r);
    return rc ? rc : read_cids(&reader->db, r);
}

static void stats_run(struct pool_work *work, void *thread)
{
    struct store_stats *r = container_of(work, struct store_stats, work);
    struct reader *reader = thread;
    int64_t deadline_ms =
        r->wants_sizes ? SIZES_DEADLINE_MS : reader->store->config.read_deadline_ms;
    if (read_begin(reader, work, deadline_ms, &r->err)) {
        return;
    }
    read_end(reader, read_all(reader, r), &r->err);
}

static void stats_done(struct pool_work *work, int err)
{
    struct store_stats *r = container_of(work, struct store_stats, work);
    struct store *s = r->owner;
    err = read_result(s, &r->err, err);
    if (err) {
        store_stats_fini(r);
    }
    tell_pools(s, &r->read, &r->write);
    r->commits = atomic_load(&s->writer.commits);
    r->checkpoints = atomic_load(&s->writer.checkpoints);
    r->checkpoint_us = atomic_load(&s->writer.checkpoint_us);
    r->file_bytes = size_of(s->path, "");
    r->wal_bytes = size_of(s->path, "-wal");
    r->done(r, err);
}

void store_stats(struct store *s, struct store_stats *r,
                 void (*done)(struct store_stats *r, int err))
{
    *r = (struct store_stats){.wants_sizes = r->wants_sizes, .owner = s, .done = done};
    read_submit(s, &r->work, stats_run, stats_done);
}

void store_stats_fini(struct store_stats *r)
{
    free(r->top);
    free(r->slow);
    free(r->tables);
    r->top = NULL;
    r->slow = NULL;
    r->tables = NULL;
    r->n_top = r->n_slow = r->n_tables = 0;
}

void store_stats_reset(struct store *s)
{
    statements_reset(&s->statements);
    histogram_clear(&s->read_load.waited);
    histogram_clear(&s->write_load.waited);
    atomic_store(&s->writer.commits, 0);
    atomic_store(&s->writer.checkpoints, 0);
    atomic_store(&s->writer.checkpoint_us, 0);
}

void store_load(struct store *s, struct store_load *out)
{
    *out = (struct store_load){.wal_bytes = size_of(s->path, "-wal"),
                               .checkpoints = atomic_load(&s->writer.checkpoints)};
    statements_sum(&s->statements, out);
    tell_pools(s, &out->read, &out->write);
}

int64_t store_read_us(const struct store *s)
{
    return atomic_load(&s->read_us);
}

const struct histogram *store_statement_times(const struct store *s,
                                              enum store_statement_kind k)
{
    return &s->statements.kinds[k].took;
}

const struct histogram *store_read_waits(const struct store *s)
{
    return &s->read_load.waited;
}

const struct histogram *store_write_waits(const struct store *s)
{
    return &s->write_load.waited;
}
