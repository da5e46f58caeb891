// claim.c -- leases: taken in order, renewed, given back.
//
//   queued --claim--> leased --save--> ended
//     ^                  |
//     '-- release, or the lease ran out, or its owner died
//
// A lease is this owner's number in the row.  Whoever writes to a leased row names the
// owner (and, if it likes, which claim), and finds out that the lease is gone by changing
// no row.
// SPDX-License-Identifier: MIT
#include "store/inside.h"

#include "base/log.h"
#include "store/audit.h"
#include "store/pause.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Nothing is told to wait longer.  A later time can only come from a clock that was
// wrong.
#define WAIT_MAX_MS (24ll * 3600 * 1000)

// Between the two clocks.
#define JUMP_MS 5000

enum { CLAIM_MAX = 64, OLDEST_EVERY = 8, SCAN_MAX = 1000, OWNERS_MAX = 64 };

#define GIVE_BACK                                                                        \
    "UPDATE OR FAIL job SET state = 0, owner = 0, lease_until = 0, asking = NULL,"       \
    " asking_at = 0"

// ---- leases that nobody holds any more

static int collect_expired(struct writer *w, int64_t now_ms, int64_t *n)
{
    struct sql q = sql_begin(&w->db, GIVE_BACK " WHERE state = 1 AND lease_until <= ?");
    sql_int(&q, now_ms);
    int rc = sql_run(&q);
    *n = rc ? 0 : sql_changes(&w->db);
    q = sql_begin(&w->db, GIVE_BACK " WHERE state = 1 AND lease_until > ?");
    sql_int(&q, now_ms + WAIT_MAX_MS + w->lease_ms);
    rc = rc ? rc : sql_run(&q);
    *n += rc ? 0 : sql_changes(&w->db);
    return rc;
}

static int find_dead(struct writer *w, int64_t *ids, int *n)
{
    struct sql q =
        sql_begin(&w->db, "SELECT id, name FROM owner WHERE id <> ? ORDER BY id");
    sql_int(&q, w->owner);
    *n = 0;
    while (*n < OWNERS_MAX && sql_row(&q)) {
        int64_t id = sql_get_int(&q);
        if (owner_is_dead(sql_get_text(&q))) {
            ids[(*n)++] = id;
        }
    }
    return sql_end(&q);
}

static int collect_owner(struct writer *w, int64_t owner, int64_t *n)
{
    struct sql q = sql_begin(&w->db, GIVE_BACK " WHERE state = 1 AND owner = ?");
    sql_int(&q, owner);
    int rc = sql_run(&q);
    *n += rc ? 0 : sql_changes(&w->db);
    q = sql_begin(&w->db, "DELETE FROM owner WHERE id = ?");
    sql_int(&q, owner);
    return rc ? rc : sql_run(&q);
}

// After a suspend, or when the clock was set, every lease looks as if it had run out or
// would never do so, while its owner may be well and asking: they all begin anew.
static int follow_clock(struct writer *w, int64_t now_ms)
{
    int64_t monotonic_ms = clock_ms();
    int64_t jump_ms =
        (now_ms - w->carried.wall_ms) - (monotonic_ms - w->carried.monotonic_ms);
    bool is_jump = w->carried.wall_ms && (jump_ms > JUMP_MS || jump_ms < -JUMP_MS);
    if (!is_jump) {
        w->carried.wall_ms = now_ms;
        w->carried.monotonic_ms = monotonic_ms;
        return 0;
    }
    log_info("store", "path=%s ms=%lld the clock jumped, leases begin anew", w->path,
             (long long)jump_ms);
    struct sql q = sql_begin(&w->db, "UPDATE job SET lease_until = ? WHERE state = 1");
    sql_int(&q, now_ms + w->lease_ms);
    int rc = sql_run(&q);
    w->carried.wall_ms = rc ? w->carried.wall_ms : now_ms;
    w->carried.monotonic_ms = rc ? w->carried.monotonic_ms : monotonic_ms;
    return rc;
}

int lease_collect(struct writer *w, int64_t now_ms, bool looks_for_dead)
{
    int64_t n = 0, dead[OWNERS_MAX];
    int n_dead = 0;
    int rc = follow_clock(w, now_ms);
    rc = rc ? rc : collect_expired(w, now_ms, &n);
    if (!rc && looks_for_dead) {
        rc = find_dead(w, dead, &n_dead);
    }
    for (int i = 0; !rc && i < n_dead; i++) {
        rc = collect_owner(w, dead[i], &n);
    }
    if (n) {
        log_info("store", "path=%s n=%lld leases of processes that are gone came back",
                 w->path, (long long)n);
    }
    return rc;
}

// ---- claim

#define CLAIM_SET                                                                        \
    "UPDATE OR FAIL job SET state = 1, owner = ?1, lease_until = ?2, claims = claims + " \
    "1 WHERE "                                                                           \
    "id IN "

#define CLAIM_RETURNING                                                                  \
    " RETURNING id, cid, path, is_url, size, mtime, priority, attempts, claims,"         \
    " is_degraded, is_redo, is_erased, queued_at, taken_at, newest_ms, app, window, "    \
    "url,"                                                                               \
    " " ADDRESS_ROOT ", (SELECT text FROM word WHERE id = screen), own_tier"

#define IS_READY        " state = 0 AND run_at = 0"
#define READY(degraded) IS_READY " AND is_degraded = " degraded
#define NEWEST_FIRST    " ORDER BY priority DESC, newest_ms DESC, id DESC"
#define OLDEST_FIRST    " ORDER BY queued_at, id"

// ?3 = how many, ?4 = batch, ?5 = as far into the queue as one looks for its members: the
// rows come from the index one by one, and no more of them than are needed.
#define ANY(index, degraded, order)                                                      \
    "SELECT id, priority, newest_ms, queued_at FROM job INDEXED BY " index               \
    " WHERE" READY(degraded) order
#define MEMBER_NEAR(index, degraded, order)                                              \
    "SELECT * FROM (" ANY(                                                               \
        index, degraded,                                                                 \
        order) " LIMIT ?5)"                                                              \
               " WHERE EXISTS (SELECT 1 FROM member WHERE batch = ?4 AND job = id)"      \
               " LIMIT ?3"
#define MEMBER_FAR(which)                                                                \
    "SELECT id, priority, newest_ms, queued_at FROM member INDEXED BY member_open"       \
    " CROSS JOIN job ON id = job WHERE batch = ?4 AND is_open = 1 AND" which " LIMIT ?3"

#define TAKE(source, order)                                                              \
    CLAIM_SET "(SELECT id FROM (" source ")" order " LIMIT ?3)" CLAIM_RETURNING
#define BOTH(one, two) "SELECT * FROM (" one ") UNION ALL SELECT * FROM (" two ")"

#define INTERACTIVE(degraded)                                                            \
    "SELECT id, priority, newest_ms, queued_at FROM job INDEXED BY job_ready"            \
    " WHERE" READY(degraded) " AND priority = 3" NEWEST_FIRST " LIMIT ?3"

enum source { FROM_ANY, FROM_NEAR, FROM_FAR, FROM_PERSON, SOURCES };

// [source][with stand-ins][oldest first].  "Far" takes open members of the batch in the
// order in which they came, when none of them is among the next of the whole queue.
static const char *const claims[SOURCES][2][2] = {
    {{TAKE(ANY("job_ready", "0", NEWEST_FIRST " LIMIT ?3"), NEWEST_FIRST),
      TAKE(ANY("job_aged", "0", OLDEST_FIRST " LIMIT ?3"), OLDEST_FIRST)},
     {TAKE(BOTH(ANY("job_ready", "0", NEWEST_FIRST " LIMIT ?3"),
                ANY("job_ready", "1", NEWEST_FIRST " LIMIT ?3")),
           NEWEST_FIRST),
      TAKE(BOTH(ANY("job_aged", "0", OLDEST_FIRST " LIMIT ?3"),
                ANY("job_aged", "1", OLDEST_FIRST " LIMIT ?3")),
           OLDEST_FIRST)}},
    {{TAKE(MEMBER_NEAR("job_ready", "0", NEWEST_FIRST), NEWEST_FIRST),
      TAKE(MEMBER_NEAR("job_aged", "0", OLDEST_FIRST), OLDEST_FIRST)},
     {TAKE(BOTH(MEMBER_NEAR("job_ready", "0", NEWEST_FIRST),
                MEMBER_NEAR("job_ready", "1", NEWEST_FIRST)),
           NEWEST_FIRST),
      TAKE(BOTH(MEMBER_NEAR("job_aged", "0", OLDEST_FIRST),
                MEMBER_NEAR("job_aged", "1", OLDEST_FIRST)),
           OLDEST_FIRST)}},
    {{TAKE(MEMBER_FAR(READY("0")), NEWEST_FIRST),
      TAKE(MEMBER_FAR(READY("0")), OLDEST_FIRST)},
     {TAKE(MEMBER_FAR(IS_READY), NEWEST_FIRST),
      TAKE(MEMBER_FAR(IS_READY), OLDEST_FIRST)}},
    {{TAKE(INTERACTIVE("0"), NEWEST_FIRST), TAKE(INTERACTIVE("0"), OLDEST_FIRST)},
     {TAKE(INTERACTIVE("0"), NEWEST_FIRST), TAKE(INTERACTIVE("0"), OLDEST_FIRST)}},
};

static int read_job(struct sql *q, struct store_job *j, int64_t *newest_ms)
{
    memset(j, 0, sizeof(*j));
    j->id = sql_get_int(q);
    snprintf(j->cid, sizeof(j->cid), "%016llx", (unsigned long long)sql_get_int(q));
    j->path = sql_get_text(q);
    j->is_url = sql_get_int(q) != 0;
    j->size_bytes = sql_get_int(q);
    j->mtime_ns = sql_get_int(q);
    j->priority = (enum store_priority)sql_get_int(q);
    j->attempts = (int)sql_get_int(q);
    j->claims = (int)sql_get_int(q);
    j->is_degraded = sql_get_int(q) != 0;
    j->is_redo = sql_get_int(q) != 0;
    j->is_meta_erased = sql_get_int(q) != 0;
    j->queued_at_ms = sql_get_int(q);
    j->meta.taken_at_ms = sql_get_int(q);
    *newest_ms = sql_get_int(q);
    j->meta.app = sql_get_text(q);
    j->meta.window = sql_get_text(q);
    j->meta.url = sql_get_text(q);
    j->root = sql_get_text(q);
    j->root = *j->root ? j->root : NULL;
    j->meta.screen = sql_get_text(q);
    j->tier = sql_get_text(q);
    const char **fields[] = {&j->path,     &j->root,        &j->meta.app, &j->meta.window,
                             &j->meta.url, &j->meta.screen, &j->tier};
    return strings_copy(fields, 7, &j->block);
}

struct claimed {
    struct store_job job;
    int64_t newest_ms;
};

static int take_from(struct writer *w, const struct store_claim *r, enum source from,
                     bool is_oldest, int max, struct claimed *out, int *n)
{
    struct sql q = sql_begin(&w->db, claims[from][r->with_degraded][is_oldest]);
    int most = *n + max;
    sql_int(&q, w->owner);
    sql_int(&q, loop_wall_ms() + w->lease_ms);
    sql_int(&q, max);
    if (from == FROM_NEAR || from == FROM_FAR) {
        sql_int(&q, r->batch);
    }
    if (from == FROM_NEAR) {
        sql_int(&q, SCAN_MAX);
    }
    while (*n < most && sql_row(&q)) {
        int rc = read_job(&q, &out[*n].job, &out[*n].newest_ms);
        if (rc) {
            int ignored = sql_end(&q);
            return ignored ? ignored : rc;
        }
        (*n)++;
    }
    return sql_run(&q);
}

// More rows are ready than one looks at for members.
#define BEYOND(which)                                                                    \
    "(SELECT 1 FROM job INDEXED BY job_ready WHERE" which " LIMIT 1 OFFSET ?1)"
#define IS_DEEP                                                                          \
    "SELECT ifnull(" BEYOND(READY("0")) ", ?2 AND ifnull(" BEYOND(READY("1")) ", 0))"

static int is_deep(struct writer *w, const struct store_claim *r, bool *out)
{
    int64_t n = 0;
    struct sql q = sql_begin(&w->db, IS_DEEP);
    sql_int(&q, SCAN_MAX);
    sql_int(&q, r->with_degraded);
    int rc = sql_one(&q, 0, &n);
    *out = n != 0;
    return rc;
}

static int take_some(struct writer *w, const struct store_claim *r, bool is_oldest,
                     int max, struct claimed *out, int *n)
{
    if (max <= 0) {
        return 0;
    }
    if (!r->batch) {
        return take_from(w, r, r->only_interactive ? FROM_PERSON : FROM_ANY, is_oldest,
                         max, out, n);
    }
    int before = *n;
    int rc = take_from(w, r, FROM_NEAR, is_oldest, max, out, n);
    bool goes_on = false;
    if (!rc && *n == before) {
        rc = is_deep(w, r, &goes_on);
    }
    return rc || !goes_on ? rc : take_from(w, r, FROM_FAR, is_oldest, max, out, n);
}

// This one took its process down too often: it goes to the failure list, or, when it has
// a description from before, back to that one.
static int fail(struct writer *w, const struct store_job *j)
{
    char reason[80];
    snprintf(reason, sizeof(reason), "it took its process down %d times", j->claims - 1);
    struct sql q = sql_begin(
        &w->db,
        "UPDATE job SET state = 2, outcome = CASE prior WHEN 0 THEN 6 ELSE prior END,"
        " prior = 0, is_redo = 0, owner = 0, lease_until = 0, code = ?2, reason = ?3,"
        " ended_at = ?4 WHERE id = ?1");
    sql_int(&q, j->id);
    sql_int(&q, E_BUG);
    sql_text(&q, reason);
    sql_int(&q, loop_wall_ms());
    log_warn("store", "job=%lld cid=%s failed: %s", (long long)j->id, j->cid, reason);
    return sql_run(&q);
}

static int drop_poisoned(struct writer *w, struct claimed *c, int *n)
{
    int kept = 0, rc = 0;
    for (int i = 0; i < *n; i++) {
        if (c[i].job.claims <= w->max_claims || rc) {
            c[kept++] = c[i];
            continue;
        }
        rc = fail(w, &c[i].job);
        rc = rc ? rc : address_end(w, c[i].job.id);
        store_job_fini(&c[i].job);
    }
    *n = kept;
    return rc;
}

// How many of the next n claims are due to the longest waiting ones.
static int oldest_share(struct writer *w, int n)
{
    unsigned before = w->carried.claimed / OLDEST_EVERY;
    w->carried.claimed += (unsigned)n;
    return (int)(w->carried.claimed / OLDEST_EVERY - before);
}

static int by_order(const void *a, const void *b)
{
    const struct claimed *x = a, *y = b;
    if (x->job.priority != y->job.priority) {
        return x->job.priority < y->job.priority ? 1 : -1;
    }
    if (x->newest_ms != y->newest_ms) {
        return x->newest_ms < y->newest_ms ? 1 : -1;
    }
    return x->job.id < y->job.id ? 1 : -1;
}

// Rows whose time has come join the ready ones.
static int wake_due(struct writer *w, int64_t now_ms)
{
    static const char *const texts[] = {
        "UPDATE job SET run_at = 0 WHERE id IN (SELECT id FROM job INDEXED BY job_aged"
        " WHERE state = 0 AND is_degraded IN (0, 1) AND run_at > 0 AND run_at <= ?)",
        "UPDATE job SET run_at = 0 WHERE id IN (SELECT id FROM job INDEXED BY job_aged"
        " WHERE state = 0 AND is_degraded IN (0, 1) AND run_at > ?)",
    };
    struct sql q = sql_begin(&w->db, texts[0]);
    sql_int(&q, now_ms);
    int rc = sql_run(&q);
    q = sql_begin(&w->db, texts[1]);
    sql_int(&q, now_ms + WAIT_MAX_MS);
    return rc ? rc : sql_run(&q);
}

#define WAITING(degraded)                                                                \
    " FROM job INDEXED BY job_aged WHERE ?1 >= " degraded                                \
    " AND state = 0 AND is_degraded = " degraded " AND run_at > 0"

// ?1 = with stand-ins, ?2 = batch, ?3 = as far as one looks for its members.  When none of
// them is among so many, theirs is no earlier than the next one's.
#define IS_MEMBER "EXISTS (SELECT 1 FROM member WHERE batch = ?2 AND job = id)"
#define FIRST_MEMBER(from)                                                               \
    "SELECT * FROM (SELECT at FROM (SELECT id, run_at AS at" from                        \
    " ORDER BY run_at LIMIT ?3) WHERE " IS_MEMBER " LIMIT 1)"
#define FIRST_BEYOND(from)                                                               \
    "SELECT * FROM (SELECT run_at" from " ORDER BY run_at LIMIT 1 OFFSET ?3)"
#define NEXT_OF_BATCH(from) FIRST_MEMBER(from) " UNION ALL " FIRST_BEYOND(from)
#define NEXT_OF_ALL(from)   "SELECT min(run_at) AS at" from
#define EARLIEST(next)                                                                   \
    "SELECT ifnull(min(at), 0) FROM (" next(WAITING("0")) " UNION ALL " next(            \
        WAITING("1")) ")"

static int find_next_at(struct writer *w, struct store_claim *r)
{
    static const char *const texts[] = {EARLIEST(NEXT_OF_ALL), EARLIEST(NEXT_OF_BATCH)};
    struct sql q = sql_begin(&w->db, texts[r->batch != 0]);
    sql_int(&q, r->with_degraded);
    if (r->batch) {
        sql_int(&q, r->batch);
        sql_int(&q, SCAN_MAX);
    }
    return sql_one(&q, 0, &r->next_at_ms);
}

// Poisoned rows make room for others; each round ends at least one, so it comes to an
// end.
static int take_all(struct writer *w, const struct store_claim *r, struct claimed *c,
                    int *n)
{
    int rc = 0;
    for (bool again = true; !rc && again;) {
        int want = r->max - *n, had = *n;
        int oldest = oldest_share(w, want);
        rc = take_some(w, r, true, oldest, c, n);
        rc = rc ? rc : take_some(w, r, false, want - (*n - had), c, n);
        int got = *n;
        w->carried.claimed -= (unsigned)(want - (got - had));
        rc = rc ? rc : drop_poisoned(w, c, n);
        again = *n < got;
    }
    return rc;
}

static int find_held_back(struct writer *w, struct store_claim *r)
{
    int64_t n = 0;
    if (r->paused_until_ms == 0 && !r->only_interactive) {
        return 0;
    }
    struct sql q = sql_begin(&w->db, "SELECT EXISTS (SELECT 1 FROM job INDEXED BY"
                                     " job_ready WHERE" READY("0") ")");
    int rc = sql_one(&q, 0, &n);
    r->has_held_back = n != 0;
    return rc;
}

static int apply_claim(struct writer *w, void *request)
{
    struct store_claim *r = request;
    struct claimed c[CLAIM_MAX];
    int64_t now_ms = loop_wall_ms();
    int n = 0;
    store_claim_fini(r);
    int rc = lease_collect(w, now_ms, false);
    rc = rc ? rc : wake_due(w, now_ms);
    rc = rc ? rc : pause_find(&w->db, now_ms, &r->paused_until_ms);
    rc = rc || r->paused_until_ms ? rc : take_all(w, r, c, &n);
    rc = rc ? rc : find_next_at(w, r);
    rc = rc ? rc : find_held_back(w, r);
    r->jobs = rc || !n ? NULL : calloc((size_t)n, sizeof(r->jobs[0]));
    if (!rc && n && !r->jobs) {
        rc = E_NOMEM;
    }
    if (rc) {
        for (int i = 0; i < n; i++) {
            store_job_fini(&c[i].job);
        }
        return rc;
    }
    qsort(c, (size_t)n, sizeof(c[0]), by_order);
    for (int i = 0; i < n; i++) {
        r->jobs[i] = c[i].job;
    }
    r->n = n;
    return 0;
}

static void claim_run(struct pool_work *work, void *thread)
{
    struct store_claim *r = container_of(work, struct store_claim, work);
    writer_do(thread, WRITE_GROWS, &r->err, apply_claim, r);
}

static void claim_done(struct pool_work *work, int err)
{
    struct store_claim *r = container_of(work, struct store_claim, work);
    err = write_result(r->owner, &r->err, err);
    if (err) {
        store_claim_fini(r);
    } else if (r->n) {
        upkeep_note_lease(r->owner);
    }
    r->done(r, err);
}

void store_claim(struct store *s, struct store_claim *r,
                 void (*done)(struct store_claim *r, int err))
{
    assert(r->max >= 1 && r->max <= CLAIM_MAX);
    r->jobs = NULL;
    r->n = 0;
    r->next_at_ms = 0;
    r->paused_until_ms = 0;
    r->has_held_back = false;
    r->err.code = 0;
    r->owner = s;
    r->done = done;
    write_submit(s, &r->work, claim_run, claim_done);
}

void store_job_fini(struct store_job *j)
{
    free(j->block);
    memset(j, 0, sizeof(*j));
}

void store_claim_fini(struct store_claim *r)
{
    for (int i = 0; i < r->n; i++) {
        store_job_fini(&r->jobs[i]);
    }
    free(r->jobs);
    r->jobs = NULL;
    r->n = 0;
}

// ---- renew

static int apply_renew(struct writer *w, void *request)
{
    struct store_renew *r = request;
    int64_t until_ms = loop_wall_ms() + w->lease_ms;
    int rc = 0;
    for (int i = 0; !rc && i < r->n; i++) {
        struct sql q = sql_begin(&w->db, "UPDATE job SET lease_until = ?1 WHERE id = ?2"
                                         " AND state = 1 AND owner = ?3");
        sql_int(&q, until_ms);
        sql_int(&q, r->ids[i]);
        sql_int(&q, w->owner);
        rc = sql_run(&q);
        r->lost[i] = !rc && sql_changes(&w->db) == 0;
    }
    return rc;
}

static void renew_run(struct pool_work *work, void *thread)
{
    struct store_renew *r = container_of(work, struct store_renew, work);
    writer_do(thread, WRITE_FREES, &r->err, apply_renew, r);
}

static void renew_done(struct pool_work *work, int err)
{
    struct store_renew *r = container_of(work, struct store_renew, work);
    r->done(r, write_result(r->owner, &r->err, err));
}

void store_renew(struct store *s, struct store_renew *r,
                 void (*done)(struct store_renew *r, int err))
{
    r->err.code = 0;
    r->owner = s;
    r->done = done;
    write_submit(s, &r->work, renew_run, renew_done);
}

// ---- release

static int apply_release(struct writer *w, void *request)
{
    struct store_release *r = request;
    w->db.job = r->id;
    int64_t latest_ms = loop_wall_ms() + WAIT_MAX_MS;
    struct sql q =
        sql_begin(&w->db, GIVE_BACK ", run_at = ?1, claims = claims - ?2,"
                                    " attempts = attempts + ?3, code = ?4,"
                                    " reason = ?5"
                                    " WHERE id = ?6 AND state = 1 AND owner = ?7"
                                    " AND ?8 IN (0, claims)");
    sql_int(&q, r->run_at_ms < latest_ms ? r->run_at_ms : latest_ms);
    sql_int(&q, !r->counts_as_claim);
    sql_int(&q, r->n_attempts);
    sql_int(&q, r->code);
    sql_text(&q, r->words);
    sql_int(&q, r->id);
    sql_int(&q, w->owner);
    sql_int(&q, r->claims);
    int rc = sql_run(&q);
    r->lost = !rc && sql_changes(&w->db) == 0;
    rc = rc ? rc : audit_keep(w, r->id, r->audit, r->n_audit);
    return rc || r->lost ? rc : attempts_keep(w, r->id, r->attempts, r->n_attempts);
}

static void release_run(struct pool_work *work, void *thread)
{
    struct store_release *r = container_of(work, struct store_release, work);
    writer_do(thread, WRITE_FREES, &r->err, apply_release, r);
}

static void release_done(struct pool_work *work, int err)
{
    struct store_release *r = container_of(work, struct store_release, work);
    r->done(r, write_result(r->owner, &r->err, err));
}

void store_release(struct store *s, struct store_release *r,
                   void (*done)(struct store_release *r, int err))
{
    r->lost = false;
    r->err.code = 0;
    r->owner = s;
    r->done = done;
    write_submit(s, &r->work, release_run, release_done);
}
