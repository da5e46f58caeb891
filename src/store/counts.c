// counts.c -- how far things are.  Sums of a table that triggers keep, and three short
// index ranges: as fast with a million rows as with ten.
// SPDX-License-Identifier: MIT
#include "store/inside.h"
#include "store/pause.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DAY_MS (24ll * 3600 * 1000)

// The other way round of job.tally in schema.c.
struct tally_key {
    int state, outcome, code;
    bool is_degraded;
};

static struct tally_key split(int64_t key)
{
    return (struct tally_key){
        .state = (int)(key & 3),
        .outcome = (int)(key >> 2 & 7),
        .is_degraded = (key >> 5 & 1) != 0,
        .code = -(int)(key >> 6),
    };
}

static void add_failure(struct store_counts *r, int code, int64_t n)
{
    int most = (int)(sizeof(r->failures) / sizeof(r->failures[0]));
    for (int i = 0; code && i < most; i++) {
        if (r->failures[i].code == code || !r->failures[i].code) {
            r->failures[i].code = code;
            r->failures[i].n += n;
            return;
        }
    }
}

static void add_jobs(struct store_counts *r, int64_t key, int64_t n)
{
    struct tally_key k = split(key);
    r->total += n;
    r->degraded += k.is_degraded ? n : 0;
    switch ((enum store_state)k.state) {
    case STORE_QUEUED: r->queued += n; return;
    case STORE_LEASED: r->leased += n; return;
    case STORE_ENDED: break;
    }
    r->ended += n;
    if (k.outcome <= STORE_FAILED) {
        r->by_outcome[k.outcome] += n;
    }
    if (k.outcome == STORE_FAILED) {
        add_failure(r, k.code, n);
    }
}

// Most frequent first, so that a 17th class pushes out none that matters.
static int read_tally(struct db *d, struct store_counts *r)
{
    struct sql q = sql_begin(d, "SELECT key, n FROM tally WHERE batch = ? AND n > 0"
                                " ORDER BY n DESC");
    sql_int(&q, r->batch);
    while (sql_row(&q)) {
        int64_t key = sql_get_int(&q), n = sql_get_int(&q);
        if (key >= 0) {
            add_jobs(r, key, n);
        } else if (key == SUM_PROMPT_TOKENS) {
            r->prompt_tokens = n;
        } else if (key == SUM_COMPLETION_TOKENS) {
            r->completion_tokens = n;
        }
    }
    return sql_end(&q);
}

static int by_count(const void *a, const void *b)
{
    const struct {
        int code;
        int64_t n;
    } *x = a, *y = b;
    return x->n == y->n ? 0 : x->n < y->n ? 1 : -1;
}

// ?1 is the time, ?2 the batch.
static int read_waiting(struct db *d, struct store_counts *r, int64_t now_ms)
{
    struct sql q = sql_begin(
        d, r->batch
               ? "SELECT count(*) FILTER (WHERE run_at > ?1), min(queued_at) FROM member"
                 " CROSS JOIN job ON id = job WHERE batch = ?2 AND is_open = 1"
                 " AND state = 0"
               : "SELECT (SELECT count(*) FROM job INDEXED BY job_aged WHERE state = 0"
                 " AND is_degraded IN (0, 1) AND run_at > ?1),"
                 " (SELECT min(at) FROM (SELECT min(queued_at) AS at FROM job"
                 "  INDEXED BY job_aged WHERE state = 0 AND is_degraded = 0"
                 "  AND run_at = 0 UNION ALL SELECT min(queued_at) FROM job"
                 "  INDEXED BY job_aged WHERE state = 0 AND is_degraded = 1"
                 "  AND run_at = 0 UNION ALL SELECT min(queued_at) FROM job"
                 "  INDEXED BY job_aged WHERE state = 0 AND is_degraded IN (0, 1)"
                 "  AND run_at > 0))");
    sql_int(&q, now_ms);
    if (r->batch) {
        sql_int(&q, r->batch);
    }
    if (sql_row(&q)) {
        r->due = r->queued - sql_get_int(&q);
        r->oldest_queued_ms = sql_get_int(&q);
    }
    return sql_end(&q);
}

static int read_day(struct db *d, struct store_counts *r, int64_t now_ms)
{
    struct sql q = sql_begin(
        d, r->batch ? "SELECT count(*), count(*) FILTER (WHERE outcome BETWEEN 1 AND 3)"
                      " FROM job INDEXED BY job_at WHERE at_ms >= ?1 AND EXISTS (SELECT 1"
                      " FROM member WHERE batch = ?2 AND job = id)"
                    : "SELECT count(*), count(*) FILTER (WHERE outcome BETWEEN 1 AND 3)"
                      " FROM job INDEXED BY job_at WHERE at_ms >= ?1");
    sql_int(&q, now_ms - DAY_MS);
    if (r->batch) {
        sql_int(&q, r->batch);
    }
    if (sql_row(&q)) {
        r->day_total = sql_get_int(&q);
        r->day_described = sql_get_int(&q);
    }
    return sql_end(&q);
}

static int64_t file_bytes(const char *path, const char *suffix)
{
    struct stat st;
    char name[4200];
    snprintf(name, sizeof(name), "%.4095s%s", path, suffix);
    return stat(name, &st) ? 0 : st.st_size;
}

static void count_run(struct pool_work *work, void *thread)
{
    struct store_counts *r = container_of(work, struct store_counts, work);
    struct reader *reader = thread;
    int64_t now_ms = loop_wall_ms();
    if (read_begin(reader, work, reader->store->config.read_deadline_ms, &r->err)) {
        return;
    }
    int rc = read_tally(&reader->db, r);
    qsort(r->failures, sizeof(r->failures) / sizeof(r->failures[0]),
          sizeof(r->failures[0]), by_count);
    rc = rc ? rc : read_waiting(&reader->db, r, now_ms);
    rc = rc ? rc : read_day(&reader->db, r, now_ms);
    rc = rc ? rc : pause_find(&reader->db, now_ms, &r->paused_until_ms);
    r->database_bytes =
        file_bytes(reader->store->path, "") + file_bytes(reader->store->path, "-wal");
    read_end(reader, rc, &r->err);
}

static void count_done(struct pool_work *work, int err)
{
    struct store_counts *r = container_of(work, struct store_counts, work);
    r->done(r, read_result(r->owner, &r->err, err));
}

void store_count(struct store *s, struct store_counts *r,
                 void (*done)(struct store_counts *r, int err))
{
    int64_t batch = r->batch;
    memset(r, 0, sizeof(*r));
    r->batch = batch;
    r->owner = s;
    r->done = done;
    read_submit(s, &r->work, count_run, count_done);
}
