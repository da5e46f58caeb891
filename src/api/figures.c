// figures.c -- the public interface's history, and what the database's profiler knows.
// SPDX-License-Identifier: MIT
#include "api/call.h"
#include "base/mem.h"
#include "store/series.h"
#include "store/stats.h"
#include "vlmd_figures.h"

#include <stdlib.h>

static double ms(int64_t us)
{
    return (double)us / 1000;
}

// ---- history

struct series_call {
    struct vlmd *v;
    struct store_series_read read;
    vlmd_series_fn *fn;
    void *arg;
};

static struct vlmd_point point_of(const struct store_point *p)
{
    return (struct vlmd_point){
        .at_ms = p->at_ms,
        .answered = p->by_outcome[STORE_ANSWERED],
        .cached = p->by_outcome[STORE_CACHED],
        .duplicate = p->by_outcome[STORE_DUPLICATE],
        .blocked = p->by_outcome[STORE_BLOCKED],
        .skipped = p->by_outcome[STORE_SKIPPED],
        .failed = p->by_outcome[STORE_FAILED],
        .requests = p->requests,
        .request_errors = p->request_errors,
        .prompt_tokens = p->prompt_tokens,
        .completion_tokens = p->completion_tokens,
        .bytes_sent = p->bytes_sent,
        .cost = (double)p->cost_micros / 1e6,
        .rss_bytes = p->rss_bytes,
        .queued = p->queued,
        .answers = p->answers,
        .p50_ms = ms(p->p50_us),
        .p95_ms = ms(p->p95_us),
    };
}

static void on_series(struct store_series_read *r, int err)
{
    struct series_call *c = container_of(r, struct series_call, read);
    struct vlmd *v = c->v;
    struct vlmd_point *points = mem_zero(sizeof(*points) * (size_t)(r->n + 1));
    for (int i = 0; i < r->n; i++) {
        points[i] = point_of(&r->points[i]);
    }
    const struct vlmd_series s = {
        .points = points, .n_points = r->n, .total = point_of(&r->total)};
    c->fn(c->arg, err, &s, call_words(&r->err, err));
    free(points);
    free(r->points);
    free(c);
    call_end(v);
}

int vlmd_series(vlmd *v, enum vlmd_span span, int64_t since_ms, int64_t until_ms,
                vlmd_series_fn *fn, void *arg)
{
    static const enum store_span spans[] = {[VLMD_MINUTES] = STORE_MINUTE,
                                            [VLMD_HOURS] = STORE_HOUR,
                                            [VLMD_DAYS] = STORE_DAY};
    int rc = call_check(v);
    if (rc) {
        return rc;
    }
    if (span < VLMD_MINUTES || span > VLMD_DAYS) {
        return E_USAGE;
    }
    struct series_call *c = mem_new(struct series_call);
    *c = (struct series_call){.v = v, .fn = fn, .arg = arg};
    c->read.span = spans[span];
    c->read.since_ms = since_ms;
    c->read.until_ms = until_ms;
    call_begin(v);
    store_series_read(v->app.store, &c->read, on_series);
    return 0;
}

// ---- the database

struct stats_call {
    struct vlmd *v;
    struct store_stats stats;
    vlmd_database_fn *fn;
    void *arg;
};

static struct vlmd_pool_load pool_of(const struct store_pool_stats *p)
{
    return (struct vlmd_pool_load){
        .threads = p->threads,
        .queued = p->queued,
        .running = p->running,
        .n = p->n,
        .wait_p50_ms = ms(p->wait_p50_us),
        .wait_p95_ms = ms(p->wait_p95_us),
        .wait_p99_ms = ms(p->wait_p99_us),
        .wait_max_ms = ms(p->wait_max_us),
    };
}

static void tell_kinds(const struct store_stats *r, struct vlmd_database_stats *out)
{
    _Static_assert((int)STORE_STATEMENT_KINDS == (int)VLMD_STATEMENT_KINDS, "as many");
    for (int i = 0; i < STORE_STATEMENT_KINDS; i++) {
        const struct store_kind_stats *k = &r->kinds[i];
        out->kinds[i] = (struct vlmd_statement_kind){
            .name = store_statement_kind_name((enum store_statement_kind)i),
            .n = k->n,
            .failed = k->failed,
            .slow = k->slow,
            .total_ms = ms(k->total_us),
            .max_ms = ms(k->max_us),
            .p50_ms = ms(k->p50_us),
            .p90_ms = ms(k->p90_us),
            .p95_ms = ms(k->p95_us),
            .p99_ms = ms(k->p99_us),
        };
    }
}

// What the lists in a vlmd_database_stats point to.
struct stats_lists {
    struct vlmd_statement top[STORE_MAX_TOP];
    struct vlmd_slow_statement slow[STORE_MAX_SLOW];
    struct vlmd_table tables[STORE_MAX_TABLES];
};

static void tell_lists(const struct store_stats *r, struct stats_lists *l)
{
    for (int i = 0; i < r->n_top; i++) {
        const struct store_top *t = &r->top[i];
        l->top[i] = (struct vlmd_statement){t->sql, t->n, ms(t->total_us), ms(t->max_us)};
    }
    for (int i = 0; i < r->n_slow; i++) {
        const struct store_slow *s = &r->slow[i];
        l->slow[i] = (struct vlmd_slow_statement){
            s->at_ms, s->sql, ms(s->took_us), s->words, s->thread, s->job, s->cid};
    }
    for (int i = 0; i < r->n_tables; i++) {
        const struct store_table *t = &r->tables[i];
        l->tables[i] = (struct vlmd_table){t->name, t->table, t->rows, t->bytes};
    }
}

static void on_stats(struct store_stats *r, int err)
{
    struct stats_call *c = container_of(r, struct stats_call, stats);
    struct vlmd *v = c->v;
    struct stats_lists *lists = mem_new(struct stats_lists);
    struct vlmd_database_stats out = {
        .path = store_path(v->app.store),
        .since_ms = r->since_ms,
        .slow_ms = r->slow_ms,
        .top = lists->top,
        .n_top = r->n_top,
        .slow = lists->slow,
        .n_slow = r->n_slow,
        .n_slow_ever = r->n_slow_ever,
        .read = pool_of(&r->read),
        .write = pool_of(&r->write),
        .commits = r->commits,
        .checkpoints = r->checkpoints,
        .checkpoint_ms = ms(r->checkpoint_us),
        .file_bytes = r->file_bytes,
        .wal_bytes = r->wal_bytes,
        .page_bytes = r->page_bytes,
        .pages = r->pages,
        .free_pages = r->free_pages,
        .are_rows_estimated = r->are_rows_estimated,
        .tables = lists->tables,
        .n_tables = r->n_tables,
    };
    tell_kinds(r, &out);
    tell_lists(r, lists);
    c->fn(c->arg, err, &out, call_words(&r->err, err));
    store_stats_fini(r);
    free(lists);
    free(c);
    call_end(v);
}

int vlmd_database_stats(vlmd *v, bool wants_sizes, vlmd_database_fn *fn, void *arg)
{
    int rc = call_check(v);
    if (rc) {
        return rc;
    }
    struct stats_call *c = mem_new(struct stats_call);
    *c = (struct stats_call){.v = v, .fn = fn, .arg = arg};
    c->stats.wants_sizes = wants_sizes;
    call_begin(v);
    store_stats(v->app.store, &c->stats, on_stats);
    return 0;
}

void vlmd_database_reset_stats(vlmd *v)
{
    store_stats_reset(v->app.store);
}
