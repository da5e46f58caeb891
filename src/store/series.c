// series.c -- see series.h.
// SPDX-License-Identifier: MIT
#include "store/series.h"

#include "base/mem.h"
#include "store/inside.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_SPREAD_BYTES = 8192 };

int64_t store_span_began_ms(enum store_span span, int64_t at_ms)
{
    time_t at = (time_t)(at_ms / 1000);
    struct tm tm;
    switch (span) {
    case STORE_MINUTE: return (int64_t)(at - at % 60) * 1000;
    case STORE_HOUR: return (int64_t)(at - at % 3600) * 1000;
    case STORE_DAY:
    case STORE_SPANS: break;
    }
    if (!localtime_r(&at, &tm)) {
        return (int64_t)(at - at % 86400) * 1000;
    }
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return (int64_t)mktime(&tm) * 1000;
}

// ---- add

static int count_queued(struct writer *w, int64_t *out)
{
    struct sql q = sql_begin(&w->db, "SELECT ifnull(sum(n), 0) FROM tally"
                                     " WHERE batch = 0 AND key >= 0 AND key & 3 = 0");
    return sql_one(&q, 0, out);
}

// What cannot be read any more counts as nothing.
static int merge_spread(struct writer *w, enum store_span span, int64_t at_ms,
                        const struct histogram *more, struct buf *out)
{
    struct histogram *h = mem_new(struct histogram);
    struct sql q =
        sql_begin(&w->db, "SELECT latency FROM series WHERE span = ? AND at_ms = ?");
    sql_int(&q, span);
    sql_int(&q, at_ms);
    if (sql_row(&q)) {
        size_t len;
        const uint8_t *data = sql_get_bytes(&q, &len);
        int ignored = data ? histogram_unpack(h, data, len) : 0;
        (void)ignored;
    }
    int rc = sql_end(&q);
    histogram_merge(h, more);
    rc = rc ? rc : histogram_pack(h, out);
    free(h);
    return rc;
}

static void bind_point(struct sql *q, const struct store_point *p)
{
    for (int i = STORE_ANSWERED; i <= STORE_FAILED; i++) {
        sql_int(q, p->by_outcome[i]);
    }
    sql_int(q, p->requests);
    sql_int(q, p->request_errors);
    sql_int(q, p->prompt_tokens);
    sql_int(q, p->completion_tokens);
    sql_int(q, p->bytes_sent);
    sql_int(q, p->cost_micros);
    sql_int(q, p->rss_bytes);
    sql_int(q, p->queued);
}

#define ADD(column)  " " column " = " column " + excluded." column ","
#define MOST(column) " " column " = max(" column ", excluded." column "),"

static int add_span(struct writer *w, const struct store_series_add *r,
                    enum store_span span)
{
    int64_t at_ms = store_span_began_ms(span, r->point.at_ms);
    struct buf spread;
    buf_init(&spread, MAX_SPREAD_BYTES);
    int rc = merge_spread(w, span, at_ms, &r->latency, &spread);
    if (!rc) {
        struct sql q = sql_begin(
            &w->db,
            "INSERT INTO series VALUES"
            " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET" ADD("answered") ADD("cached") ADD("duplicate")
                ADD("blocked") ADD("skipped") ADD("failed") ADD("requests")
                    ADD("request_errors") ADD("prompt_tokens") ADD("completion_tokens")
                        ADD("bytes_sent") ADD("cost_micros") MOST("rss_bytes")
                            MOST("queued") " latency = excluded.latency");
        sql_int(&q, span);
        sql_int(&q, at_ms);
        bind_point(&q, &r->point);
        sql_blob(&q, spread.data, spread.len);
        rc = sql_run(&q);
    }
    buf_fini(&spread);
    return rc;
}

static int remove_old(struct writer *w, const struct store_series_add *r,
                      enum store_span span)
{
    struct sql q = sql_begin(&w->db, "DELETE FROM series WHERE span = ? AND at_ms < ?");
    sql_int(&q, span);
    sql_int(&q, r->point.at_ms - r->keep_ms[span]);
    return sql_run(&q);
}

static int add(struct writer *w, void *request)
{
    struct store_series_add *r = request;
    int rc = count_queued(w, &r->point.queued);
    for (int span = STORE_MINUTE; !rc && span < STORE_SPANS; span++) {
        rc = add_span(w, r, (enum store_span)span);
        rc = rc ? rc : remove_old(w, r, (enum store_span)span);
    }
    return rc;
}

static void add_run(struct pool_work *work, void *thread)
{
    struct store_series_add *r = container_of(work, struct store_series_add, work);
    writer_do(thread, WRITE_FINISHES, &r->err, add, r);
}

static void add_done(struct pool_work *work, int err)
{
    struct store_series_add *r = container_of(work, struct store_series_add, work);
    r->done(r, write_result(r->owner, &r->err, err));
}

void store_series_add(struct store *s, struct store_series_add *r,
                      void (*done)(struct store_series_add *r, int err))
{
    r->err = (struct err){0};
    r->owner = s;
    r->done = done;
    write_submit(s, &r->work, add_run, add_done);
}

// ---- read

static void read_point(struct sql *q, struct store_point *p)
{
    *p = (struct store_point){.at_ms = sql_get_int(q)};
    for (int i = STORE_ANSWERED; i <= STORE_FAILED; i++) {
        p->by_outcome[i] = sql_get_int(q);
    }
    p->requests = sql_get_int(q);
    p->request_errors = sql_get_int(q);
    p->prompt_tokens = sql_get_int(q);
    p->completion_tokens = sql_get_int(q);
    p->bytes_sent = sql_get_int(q);
    p->cost_micros = sql_get_int(q);
    p->rss_bytes = sql_get_int(q);
    p->queued = sql_get_int(q);
}

static void tell_spread(const struct histogram *h, struct store_point *p)
{
    p->answers = (int64_t)histogram_count(h);
    p->p50_us = histogram_percentile(h, 50);
    p->p95_us = histogram_percentile(h, 95);
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void sum(struct store_point *to, const struct store_point *p)
{
    to->at_ms = to->at_ms && to->at_ms < p->at_ms ? to->at_ms : p->at_ms;
    for (int i = STORE_ANSWERED; i <= STORE_FAILED; i++) {
        to->by_outcome[i] += p->by_outcome[i];
    }
    to->requests += p->requests;
    to->request_errors += p->request_errors;
    to->prompt_tokens += p->prompt_tokens;
    to->completion_tokens += p->completion_tokens;
    to->bytes_sent += p->bytes_sent;
    to->cost_micros += p->cost_micros;
    to->rss_bytes = most(to->rss_bytes, p->rss_bytes);
    to->queued = most(to->queued, p->queued);
}

static void read_row(struct sql *q, struct store_series_read *r, struct histogram *one,
                     struct histogram *all)
{
    struct store_point *p = &r->points[r->n++];
    size_t len;
    read_point(q, p);
    const uint8_t *data = sql_get_bytes(q, &len);
    histogram_clear(one);
    if (data && histogram_unpack(one, data, len) == 0) {
        tell_spread(one, p);
        histogram_merge(all, one);
    }
    sum(&r->total, p);
}

static struct sql question(struct db *d, const struct store_series_read *r)
{
    struct sql q = sql_begin(
        d, "SELECT * FROM (SELECT at_ms, answered, cached, duplicate, blocked, skipped,"
           " failed, requests, request_errors, prompt_tokens, completion_tokens,"
           " bytes_sent, cost_micros, rss_bytes, queued, latency FROM series"
           " WHERE span = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms DESC LIMIT ?)"
           " ORDER BY at_ms");
    sql_int(&q, r->span);
    sql_int(&q, r->since_ms);
    sql_int(&q, r->until_ms ? r->until_ms : INT64_MAX);
    sql_int(&q, STORE_MAX_POINTS);
    return q;
}

static int read_rows(struct db *d, struct store_series_read *r)
{
    struct histogram *both = calloc(2, sizeof(*both));
    r->points = calloc(STORE_MAX_POINTS, sizeof(*r->points));
    if (!both || !r->points) {
        free(both);
        return E_NOMEM;
    }
    struct sql q = question(d, r);
    while (sql_row(&q)) {
        read_row(&q, r, &both[0], &both[1]);
    }
    tell_spread(&both[1], &r->total);
    free(both);
    return sql_end(&q);
}

static void read_run(struct pool_work *work, void *thread)
{
    struct store_series_read *r = container_of(work, struct store_series_read, work);
    struct reader *reader = thread;
    if (read_begin(reader, work, reader->store->config.read_deadline_ms, &r->err)) {
        return;
    }
    read_end(reader, read_rows(&reader->db, r), &r->err);
}

static void read_done(struct pool_work *work, int err)
{
    struct store_series_read *r = container_of(work, struct store_series_read, work);
    err = read_result(r->owner, &r->err, err);
    if (err) {
        free(r->points);
        r->points = NULL;
        r->n = 0;
    }
    r->done(r, err);
}

void store_series_read(struct store *s, struct store_series_read *r,
                       void (*done)(struct store_series_read *r, int err))
{
    r->points = NULL;
    r->n = 0;
    r->total = (struct store_point){0};
    r->err = (struct err){0};
    r->owner = s;
    r->done = done;
    read_submit(s, &r->work, read_run, read_done);
}
