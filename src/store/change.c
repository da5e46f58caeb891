// change.c -- retry, redo, drop and upgrade: what a person does with many rows at once.
//
// In steps of some hundred rows, each a request among others: describing goes on
// meanwhile, and a step that fails undoes only itself.
// SPDX-License-Identifier: MIT
#include "store/doc.h"
#include "store/filter.h"
#include "store/inside.h"
#include "store/save.h"
#include "store/scrub.h"

#include <assert.h>
#include <string.h>

enum { STEP_ROWS = 256 };

int change_requeue(struct writer *w, int64_t id, enum store_action action)
{
    struct sql q = sql_begin(
        &w->db, "UPDATE job SET state = 0, run_at = 0, claims = 0, queued_at = ?2,"
                " prior = CASE WHEN result IS NULL THEN 0 ELSE outcome END, outcome = 0,"
                " attempts = CASE WHEN ?3 THEN 0 ELSE attempts END,"
                " code = 0, reason = '', is_redo = ?4 WHERE id = ?1");
    sql_int(&q, id);
    sql_int(&q, loop_wall_ms());
    sql_int(&q, action == STORE_RETRY);
    sql_int(&q, action == STORE_REDO);
    return sql_run(&q);
}

static int set_tier(struct writer *w, int64_t id, const char *tier)
{
    struct sql q = sql_begin(&w->db, "UPDATE job SET own_tier = ?2 WHERE id = ?1");
    sql_int(&q, id);
    sql_text(&q, tier);
    return sql_run(&q);
}

// A removed address is there again when a person names it; else its row waits for it.
static int again(struct writer *w, struct store_change *r, int64_t id)
{
    bool is_restored = false;
    const char *path = r->filter.path ? r->filter.path : "";
    int rc = r->tier && *r->tier ? set_tier(w, id, r->tier) : 0;
    rc = rc ? rc : address_restore(w, id, path, &is_restored);
    if (rc || is_restored) {
        return rc ? rc : change_requeue(w, id, r->action);
    }
    struct sql q =
        sql_begin(&w->db, "UPDATE job SET wanted = ?2 WHERE id = ?1 AND label <> ''");
    sql_int(&q, id);
    sql_int(&q, (int64_t)r->action + 1);
    rc = sql_run(&q);
    if (!rc && sql_changes(&w->db)) {
        r->step_wanted++;
        return 0;
    }
    return rc ? rc : change_requeue(w, id, r->action);
}

// Results of the dropped picture that no other job shows.
static int drop_results(struct writer *w, int64_t result, const uint8_t *content)
{
    int rc = result ? result_drop_unused(w, result) : 0;
    if (rc || !content) {
        return rc;
    }
    struct sql q = sql_begin(&w->db, "DELETE FROM result WHERE content = ? AND NOT EXISTS"
                                     " (SELECT 1 FROM job WHERE job.result = result.id)");
    sql_blob(&q, content, STORE_HASH_BYTES);
    return sql_run(&q);
}

static int drop(struct writer *w, int64_t id)
{
    uint8_t content[STORE_HASH_BYTES];
    int64_t result = 0, has_doc = 0;
    bool has_content = false;
    struct sql q =
        sql_begin(&w->db, "SELECT result, has_doc, content FROM job WHERE id = ?");
    sql_int(&q, id);
    if (sql_row(&q)) {
        result = sql_get_int(&q);
        has_doc = sql_get_int(&q);
        has_content = sql_get_blob(&q, content, sizeof(content));
    }
    int rc = sql_end(&q);
    rc = rc || !has_doc ? rc : doc_remove(w, id);
    rc = rc || !has_doc ? rc : copies_hand_on(w, id);
    rc = rc || !has_doc ? rc : scrub_note_document(w);
    q = sql_begin(&w->db, "DELETE FROM job WHERE id = ?");
    sql_int(&q, id);
    rc = rc ? rc : sql_run(&q);
    return rc ? rc : drop_results(w, result, has_content ? content : NULL);
}

static const char *condition_of(enum store_action action)
{
    switch (action) {
    case STORE_RETRY: return "j.state = 2 AND j.outcome = 6";
    case STORE_REDO: return "j.state = 2";
    case STORE_DROP: return "j.state <> 1";
    case STORE_UPGRADE: return "j.state = 2 AND j.is_degraded = 1 AND j.wanted = 0";
    }
    return "0";
}

static int apply_change(struct writer *w, void *request)
{
    struct store_change *r = request;
    int64_t ids[STEP_ROWS];
    int n = 0;
    r->step_wanted = 0;
    int rc = filter_ids(&w->db, &r->filter, condition_of(r->action), r->after_id, ids,
                        STEP_ROWS, &n, &r->err);
    for (int i = 0; !rc && i < n; i++) {
        rc = r->action == STORE_DROP ? drop(w, ids[i]) : again(w, r, ids[i]);
    }
    if (!rc && n && r->action == STORE_DROP) {
        rc = scrub_note(w);
    }
    r->step = n;
    r->next_id = n ? ids[n - 1] : r->after_id;
    return rc;
}

static void change_run(struct pool_work *work, void *thread)
{
    struct store_change *r = container_of(work, struct store_change, work);
    enum write_kind kind = r->action == STORE_DROP ? WRITE_FREES : WRITE_GROWS;
    if (r->err.code) {
        return;
    }
    writer_do(thread, kind, &r->err, apply_change, r);
}

static void change_done(struct pool_work *work, int err)
{
    struct store_change *r = container_of(work, struct store_change, work);
    err = write_result(r->owner, &r->err, err);
    r->n += err ? 0 : r->step;
    r->n_wanted += err ? 0 : r->step_wanted;
    r->after_id = r->next_id;
    if (!err && r->step == STEP_ROWS && !r->owner->is_closing) {
        write_submit(r->owner, &r->work, change_run, change_done);
        return;
    }
    if (!err && r->step == STEP_ROWS) {
        err = err_set(&r->err, E_CANCELED, "%s: stopped after %lld rows", r->owner->path,
                      (long long)r->n);
    }
    if (r->action == STORE_DROP && r->n) {
        upkeep_note_drop(r->owner);
    }
    r->done(r, err);
}

void store_change(struct store *s, struct store_change *r,
                  void (*done)(struct store_change *r, int err))
{
    r->n = r->n_wanted = 0;
    r->after_id = 0;
    r->step = r->step_wanted = 0;
    r->err.code = 0;
    r->owner = s;
    r->done = done;
    if (r->action != STORE_UPGRADE && !r->all && filter_is_empty(&r->filter)) {
        err_set(&r->err, E_USAGE,
                "nothing says which rows are meant (name some, or say all)");
    }
    write_submit(s, &r->work, change_run, change_done);
}
