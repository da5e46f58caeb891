// facets.c -- rows of a filter, counted.
//
// Days are walked from the newest along the index of times, which also holds the outcome:
// without other conditions no row is touched.
// SPDX-License-Identifier: MIT
#include "store/facets.h"

#include "store/filter.h"
#include "store/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FACETS_MAX = 4000, NAMES_MAX = 4 << 20, TEXT_MAX = 64 << 10 };

// ---- days

static void find_day(int64_t at_ms, struct store_facet *out)
{
    time_t s = (time_t)(at_ms / 1000);
    struct tm tm;
    localtime_r(&s, &tm);
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    out->from_ms = (int64_t)mktime(&tm) * 1000;
    tm.tm_mday++;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    out->until_ms = (int64_t)mktime(&tm) * 1000;
}

static bool is_described(int64_t outcome)
{
    return outcome == STORE_ANSWERED || outcome == STORE_CACHED ||
           outcome == STORE_DUPLICATE;
}

// Rows come newest first.
static void count_days(struct sql *q, struct store_facets *r)
{
    struct store_facet *day = NULL;
    while (sql_row(q)) {
        int64_t at_ms = sql_get_int(q), outcome = sql_get_int(q);
        if (!day || at_ms < day->from_ms) {
            if (r->n == r->limit) {
                break;
            }
            day = &r->facets[r->n++];
            find_day(at_ms, day);
            day->last_ms = at_ms;
        }
        day->n++;
        day->described += is_described(outcome);
        day->failed += outcome == STORE_FAILED;
    }
}

// ---- programs

static int count_apps(struct sql *q, struct store_facets *r, struct buf *names)
{
    int rc = 0;
    while (rc == 0 && r->n < r->limit && sql_row(q)) {
        struct store_facet *f = &r->facets[r->n];
        const char *name = sql_get_text(q);
        uintptr_t at = names->len;
        rc = buf_add(names, name, strlen(name) + 1);
        f->name = (const char *)at;  // until the block stands still
        f->n = sql_get_int(q);
        f->described = sql_get_int(q);
        f->failed = sql_get_int(q);
        f->last_ms = sql_get_int(q);
        r->n += rc == 0;
    }
    for (int i = 0; i < r->n; i++) {
        r->facets[i].name = (const char *)names->data + (uintptr_t)r->facets[i].name;
    }
    return rc;
}

// ---- both

static int make_text(const struct store_facets *r, const struct filter *f,
                     struct buf *out)
{
    if (r->by == STORE_FACETS_DAYS) {
        return buf_printf(out,
                          "SELECT j.at_ms, j.outcome FROM %s WHERE %s"
                          " ORDER BY j.at_ms DESC",
                          buf_str(&f->from), buf_str(&f->where));
    }
    return buf_printf(out,
                      "SELECT j.app, count(*), sum(j.outcome IN (%d, %d, %d)),"
                      " sum(j.outcome = %d), max(j.at_ms) FROM %s WHERE %s"
                      " GROUP BY j.app COLLATE NOCASE ORDER BY 2 DESC, 1 LIMIT %d",
                      STORE_ANSWERED, STORE_CACHED, STORE_DUPLICATE, STORE_FAILED,
                      buf_str(&f->from), buf_str(&f->where), r->limit);
}

static int answer(struct db *d, struct store_facets *r)
{
    struct filter f;
    struct buf text, names;
    buf_init(&text, TEXT_MAX);
    buf_init(&names, NAMES_MAX);
    r->facets = calloc((size_t)r->limit, sizeof(r->facets[0]));
    if (!r->facets) {
        return E_NOMEM;
    }
    enum store_order order = r->by == STORE_FACETS_DAYS ? STORE_TAKEN : STORE_NEWEST;
    int rc = filter_build(&f, d, &r->filter, order, &r->err);
    rc = rc ? rc : make_text(r, &f, &text);
    if (rc == 0) {
        struct sql q = sql_begin_once(d, buf_str(&text));
        filter_bind(&f, &q);
        if (r->by == STORE_FACETS_DAYS) {
            count_days(&q, r);
        } else {
            rc = count_apps(&q, r, &names);
        }
        int rc2 = sql_end(&q);
        rc = rc2 ? rc2 : rc;
    }
    filter_fini(&f);
    buf_fini(&text);
    r->block = (char *)names.data;
    return rc;
}

static void facets_run(struct pool_work *work, void *thread)
{
    struct store_facets *r = container_of(work, struct store_facets, work);
    struct reader *reader = thread;
    if (read_begin(reader, work, reader->store->config.read_deadline_ms, &r->err)) {
        return;
    }
    read_end(reader, answer(&reader->db, r), &r->err);
}

static void facets_done(struct pool_work *work, int err)
{
    struct store_facets *r = container_of(work, struct store_facets, work);
    err = read_result(r->owner, &r->err, err);
    if (err) {
        store_facets_fini(r);
    }
    r->done(r, err);
}

void store_facets(struct store *s, struct store_facets *r,
                  void (*done)(struct store_facets *r, int err))
{
    assert(r->limit >= 1 && r->limit <= FACETS_MAX);
    r->facets = NULL;
    r->block = NULL;
    r->n = 0;
    r->err.code = 0;
    r->owner = s;
    r->done = done;
    read_submit(s, &r->work, facets_run, facets_done);
}

void store_facets_fini(struct store_facets *r)
{
    free(r->facets);
    free(r->block);
    r->facets = NULL;
    r->block = NULL;
    r->n = 0;
}
