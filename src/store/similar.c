// similar.c -- is this content described already, or being described right now?
//
// Each job that asks is given a number among those under way with the same content; a job
// waits only for ones with a lower number.  So of several equal pictures exactly one is
// sent, and two of them never wait for each other.
// SPDX-License-Identifier: MIT
#include "store/look.h"

#include <stdlib.h>

static int note_asking(struct writer *w, const struct store_similar *r, int64_t *number)
{
    struct sql q = sql_begin(
        &w->db, "UPDATE job SET asking_at = CASE WHEN asking = ?1 THEN asking_at ELSE"
                " 1 + (SELECT ifnull(max(asking_at), 0) FROM job WHERE asking = ?1) END,"
                " asking = ?1 WHERE id = ?2 AND state = 1 AND owner = ?3"
                " RETURNING asking_at");
    sql_blob(&q, r->content, sizeof(r->content));
    sql_int(&q, r->id);
    sql_int(&q, w->owner);
    *number = sql_row(&q) ? sql_get_int(&q) : INT64_MAX;
    return sql_run(&q);
}

static int find_described(struct writer *w, struct store_similar *r)
{
    struct sql q =
        sql_begin(&w->db, "SELECT j.id FROM result r CROSS JOIN job j ON j.result = r.id"
                          " WHERE r.content = ? AND r.is_degraded = 0 AND j.id <> ?"
                          " AND j.duplicate_of IS NULL AND r.created_at >= ?"
                          " AND (?4 = '' OR j.tier_asked ="
                          " (SELECT id FROM word WHERE text = ?4))"
                          " LIMIT 1");
    sql_blob(&q, r->content, sizeof(r->content));
    sql_int(&q, r->id);
    sql_int(&q, r->since_ms);
    sql_text(&q, r->tier);
    return sql_one(&q, 0, &r->duplicate_of);
}

// Of one that is under way as its owner does only the owner knows the tier: it is waited for.
static int find_asked(struct writer *w, struct store_similar *r, int64_t number)
{
    struct sql q =
        sql_begin(&w->db, "SELECT id FROM job INDEXED BY job_asking"
                          " WHERE asking = ? AND id <> ? AND asking_at < ?"
                          " AND state = 1 AND (?4 = '' OR own_tier IN ('', ?4))"
                          " ORDER BY asking_at LIMIT 1");
    sql_blob(&q, r->content, sizeof(r->content));
    sql_int(&q, r->id);
    sql_int(&q, number);
    sql_text(&q, r->tier);
    return sql_one(&q, 0, &r->in_progress);
}

// Without a model any full description of the tier will do; the prompt tells tiers apart.
static int find_result(struct writer *w, struct store_similar *r)
{
    bool is_any = !r->model || !*r->model;
    struct sql q = sql_begin(
        &w->db, is_any ? "SELECT id FROM result WHERE content = ? AND created_at >= ?"
                         " AND is_degraded = 0 AND (?3 = ''"
                         " OR tier = (SELECT id FROM word WHERE text = ?3))"
                         " ORDER BY created_at DESC LIMIT 1"
                       : "SELECT id FROM result WHERE content = ? AND created_at >= ?"
                         " AND model = (SELECT id FROM word WHERE text = ?)"
                         " AND prompt = (SELECT id FROM word WHERE text = ?)"
                         " AND params = ifnull((SELECT id FROM word WHERE text = ?), 0)");
    sql_blob(&q, r->content, sizeof(r->content));
    sql_int(&q, r->since_ms);
    if (is_any) {
        sql_text(&q, r->tier);
    } else {
        sql_text(&q, r->model);
        sql_text(&q, r->prompt);
        sql_text(&q, r->params);
    }
    return sql_one(&q, 0, &r->result);
}

static int apply_similar(struct writer *w, void *request)
{
    struct store_similar *r = request;
    w->db.job = r->id;
    int64_t number;
    r->n_frames = 0;
    int rc = note_asking(w, r, &number);
    rc = rc ? rc : find_described(w, r);
    rc = rc ? rc : find_asked(w, r, number);
    rc = rc ? rc : find_result(w, r);
    bool is_settled = r->duplicate_of || r->result || r->in_progress;
    return rc || is_settled || !r->wants_frames ? rc : look_find(w, r);
}

static void similar_run(struct pool_work *work, void *thread)
{
    struct store_similar *r = container_of(work, struct store_similar, work);
    writer_do(thread, WRITE_FINISHES, &r->err, apply_similar, r);
}

static void similar_done(struct pool_work *work, int err)
{
    struct store_similar *r = container_of(work, struct store_similar, work);
    err = write_result(r->owner, &r->err, err);
    if (err) {
        free(r->frames);
        r->frames = NULL;
        r->n_frames = 0;
    }
    r->done(r, err);
}

void store_similar(struct store *s, struct store_similar *r,
                   void (*done)(struct store_similar *r, int err))
{
    r->duplicate_of = r->in_progress = r->result = 0;
    r->frames = NULL;
    r->n_frames = 0;
    r->err.code = 0;
    r->owner = s;
    r->done = done;
    write_submit(s, &r->work, similar_run, similar_done);
}
