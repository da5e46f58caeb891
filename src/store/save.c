// save.c -- leased -> ended: the row, its result, its history and its place in the search
// index, in one transaction.
//
// A description belongs to a result row that several jobs may show.  One of them holds it
// (answered or cached); duplicates name their holder in duplicate_of and always show its
// result.  Whoever takes a holder's result away hands the duplicates on first
// (copies_hand_on), so that there is never one that shows nothing.
// SPDX-License-Identifier: MIT
#include "store/save.h"

#include "store/audit.h"
#include "store/doc.h"
#include "store/look.h"
#include "store/scrub.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

// ---- parts that change.c uses too

int copies_hand_on(struct writer *w, int64_t holder)
{
    int64_t next;
    struct sql q = sql_begin(&w->db, "SELECT ifnull(min(id), 0) FROM job"
                                     " INDEXED BY job_copy WHERE duplicate_of = ?");
    sql_int(&q, holder);
    int rc = sql_one(&q, 0, &next);
    if (rc || !next) {
        return rc;
    }
    q = sql_begin(&w->db,
                  "UPDATE job SET duplicate_of = NULL, has_doc = 1,"
                  " outcome = CASE outcome WHEN 3 THEN 1 ELSE outcome END,"
                  " prior = CASE prior WHEN 3 THEN 1 ELSE prior END WHERE id = ?");
    sql_int(&q, next);
    rc = sql_run(&q);
    q = sql_begin(&w->db, "UPDATE job SET duplicate_of = ?2 WHERE duplicate_of = ?1");
    sql_int(&q, holder);
    sql_int(&q, next);
    rc = rc ? rc : sql_run(&q);
    return rc ? rc : doc_add(w, next);
}

static int keep_attempt(struct writer *w, int64_t job, const struct store_attempt *a)
{
    int64_t backend, model, last;
    int rc = writer_word(w, a->backend, &backend);
    rc = rc ? rc : writer_word(w, a->model, &model);
    if (rc) {
        return rc;
    }
    struct sql q =
        sql_begin(&w->db, "SELECT ifnull(max(n), 0) FROM attempt WHERE job = ?");
    sql_int(&q, job);
    rc = sql_one(&q, 0, &last);
    q = sql_begin(&w->db, "INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    const int64_t values[] = {job,   last + 1, a->at_ms,     backend,
                              model, a->code,  a->request_ms};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        sql_int(&q, values[i]);
    }
    sql_text(&q, a->words);
    sql_text(&q, a->remedy ? a->remedy : "");
    return rc ? rc : sql_run(&q);
}

int attempts_keep(struct writer *w, int64_t job, const struct store_attempt *a, int n)
{
    int rc = 0;
    for (int i = n > STORE_MAX_ATTEMPTS ? n - STORE_MAX_ATTEMPTS : 0; !rc && i < n; i++) {
        rc = keep_attempt(w, job, &a[i]);
    }
    return rc;
}

// ---- the row as it is

struct saved_row {
    int64_t size, mtime, is_url, result, prior, has_doc, is_degraded, root, is_member;
    int64_t screen;    // word; as read from the file if that is known, else as offered
    bool is_meta_new;  // r->meta says something that the row does not
    bool has_title;    // a window or an url
    bool has_content;
    uint8_t content[STORE_HASH_BYTES];
};

static bool keeps_titles(const struct store_save *r)
{
    return r->outcome != STORE_BLOCKED && !r->is_redacted;
}

static bool differs(const char *known, const char *read)
{
    return read && *read && strcmp(known, read) != 0;
}

static void read_columns(struct sql *q, const struct store_save *r, int64_t screen,
                         struct saved_row *o)
{
    const struct store_meta *m = &r->meta;
    o->size = sql_get_int(q);
    o->mtime = sql_get_int(q);
    o->is_url = sql_get_int(q);
    o->result = sql_get_int(q);
    o->prior = sql_get_int(q);
    o->has_doc = sql_get_int(q);
    o->is_degraded = sql_get_int(q);
    o->root = sql_get_int(q);
    o->is_member = sql_get_int(q);
    o->screen = sql_get_int(q);
    o->has_content = sql_get_blob(q, o->content, sizeof(o->content));
    o->is_meta_new = differs(sql_get_text(q), m->app);
    const char *window = sql_get_text(q), *url = sql_get_text(q);
    o->is_meta_new |= differs(window, m->window);
    o->is_meta_new |= differs(url, m->url);
    o->has_title = *window || *url;
    o->is_meta_new |= m->taken_at_ms && m->taken_at_ms != sql_get_int(q);
    o->is_meta_new |= screen && screen != o->screen;
    o->screen = screen ? screen : o->screen;
}

static int read_row(struct writer *w, const struct store_save *r, struct saved_row *o,
                    bool *is_ours)
{
    int64_t screen;
    int rc = writer_word(w, r->meta.screen, &screen);
    if (rc) {
        return rc;
    }
    struct sql q =
        sql_begin(&w->db, "SELECT size, mtime, is_url, result, prior, has_doc,"
                          " is_degraded, root, is_member, screen, content, app,"
                          " window, url, taken_at FROM job WHERE id = ?"
                          " AND state = 1 AND owner = ? AND ? IN (0, claims)");
    sql_int(&q, r->id);
    sql_int(&q, w->owner);
    sql_int(&q, r->claims);
    *is_ours = sql_row(&q);
    if (*is_ours) {
        read_columns(&q, r, screen, o);
    }
    return sql_end(&q);
}

static bool has_moved(const struct store_save *r, const struct saved_row *o)
{
    return r->has_image && !o->is_url &&
           (r->size_bytes != o->size || r->mtime_ns != o->mtime);
}

// Another row that has the version that was read; 0 = none.
static int find_version(struct writer *w, const struct store_save *r, int64_t *other)
{
    struct sql q = sql_begin(&w->db, "SELECT id FROM job WHERE path IN"
                                     " (SELECT path FROM job WHERE id = ?1 UNION ALL"
                                     " SELECT address_mark(path) FROM job WHERE id = ?1)"
                                     " AND size = ?2 AND mtime = ?3 AND id <> ?1");
    sql_int(&q, r->id);
    sql_int(&q, r->size_bytes);
    sql_int(&q, r->mtime_ns);
    return sql_one(&q, 0, other);
}

// ---- ways to end

// Without a description: a failure, a rule, a file that is gone.  A description from
// before stays, and so does all that it belongs to; only the reason is new.
static int end_without(struct writer *w, const struct store_save *r,
                       enum store_outcome outcome, const char *reason)
{
    struct sql q = sql_begin(
        &w->db,
        "UPDATE OR FAIL job SET state = 2, owner = 0, lease_until = 0, asking = NULL,"
        " asking_at = 0, is_redo = 0, prior = 0, attempts = attempts + ?3,"
        " outcome = CASE prior WHEN 0 THEN ?2 ELSE prior END,"
        " code = ?4, reason = ?5, ended_at = ?6 WHERE id = ?1");
    sql_int(&q, r->id);
    sql_int(&q, outcome);
    sql_int(&q, r->n_attempts);
    sql_int(&q, r->code);
    sql_text(&q, reason);
    sql_int(&q, loop_wall_ms());
    return sql_run(&q);
}

#define FACTS                                                                            \
    " content = ?2, sent_hash = ?3, width = ?4, height = ?5, sent_width = ?6,"           \
    " sent_height = ?7, sent_bytes = ?8, ocr_text = ?9, queued_ms = ?10,"                \
    " prepare_ms = ?11, request_ms = ?12, first_byte_ms = ?13, verdict = ?14,"           \
    " masks = ?15, room = NULL"

// What is known of the picture itself, ?1 to ?15.  Nothing of what was read on a blocked one
// is.
static void bind_facts(struct sql *q, const struct store_save *r)
{
    sql_int(q, r->id);
    sql_blob(q, r->has_image ? r->content : NULL, sizeof(r->content));
    sql_blob(q, r->sent_bytes ? r->sent_hash : NULL, sizeof(r->sent_hash));
    const int64_t sizes[] = {r->width, r->height, r->sent_width, r->sent_height,
                             r->sent_bytes};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        sql_int(q, sizes[i]);
    }
    sql_text(q, r->outcome == STORE_BLOCKED ? "" : r->ocr_text);
    sql_int(q, r->queued_ms);
    sql_int(q, r->prepare_ms);
    sql_int(q, r->request_ms);
    sql_int(q, r->first_byte_ms);
    sql_text(q, r->verdict);
    sql_text(q, r->masks);
}

// For rows that have no older description.
static int write_facts(struct writer *w, const struct store_save *r)
{
    struct sql q = sql_begin(&w->db, "UPDATE job SET" FACTS " WHERE id = ?1");
    bind_facts(&q, r);
    return sql_run(&q);
}

static int move_version(struct writer *w, const struct store_save *r, int64_t id)
{
    struct sql q = sql_begin(&w->db, "UPDATE job SET size = ?, mtime = ? WHERE id = ?");
    sql_int(&q, r->size_bytes);
    sql_int(&q, r->mtime_ns);
    sql_int(&q, id);
    return sql_run(&q);
}

// What is to be kept of window and url, which were offered before anybody looked: nothing
// of a blocked picture, the redacted ones of one that is not.  That they were there, and are
// not, is kept: rules that asked for them can not be asked again.
static int write_titles(struct writer *w, const struct store_save *r,
                        const struct saved_row *o)
{
    bool is_blocked = r->outcome == STORE_BLOCKED;
    if (keeps_titles(r) || (is_blocked && !o->has_title)) {
        return 0;
    }
    struct sql q = sql_begin(&w->db, "UPDATE job SET window = ?2, url = ?3,"
                                     " is_erased = ?4 WHERE id = ?1");
    sql_int(&q, r->id);
    sql_text(&q, is_blocked ? "" : r->meta.window);
    sql_text(&q, is_blocked ? "" : r->meta.url);
    sql_int(&q, is_blocked);
    int rc = sql_run(&q);
    return rc ? rc : scrub_note(w);
}

static int write_meta(struct writer *w, const struct store_save *r,
                      const struct saved_row *o)
{
    const struct store_meta *m = &r->meta;
    struct sql q = sql_begin(
        &w->db, "UPDATE job SET taken_at = CASE WHEN ?2 THEN ?2 ELSE taken_at END,"
                " at_ms = CASE WHEN ?2 > 0 THEN ?2 ELSE at_ms END,"
                " app = CASE WHEN ?3 <> '' THEN ?3 ELSE app END,"
                " window = CASE WHEN ?4 <> '' THEN ?4 ELSE window END,"
                " screen = CASE WHEN ?5 THEN ?5 ELSE screen END,"
                " url = CASE WHEN ?6 <> '' THEN ?6 ELSE url END WHERE id = ?1");
    sql_int(&q, r->id);
    sql_int(&q, m->taken_at_ms);
    sql_text(&q, m->app);
    sql_text(&q, keeps_titles(r) ? m->window : "");
    sql_int(&q, o->screen);
    sql_text(&q, keeps_titles(r) ? m->url : "");
    return sql_run(&q);
}

// Columns that stand in indexes are written only when they change: SQLite would take the
// entry out and put it in again.
static int write_changes(struct writer *w, const struct store_save *r,
                         const struct saved_row *o)
{
    int rc = has_moved(r, o) ? move_version(w, r, r->id) : 0;
    rc = rc || !o->is_meta_new ? rc : write_meta(w, r, o);
    return rc ? rc : write_titles(w, r, o);
}

// A job that had duplicates under its old content gives them to one another.
static int part_from_copies(struct writer *w, const struct store_save *r,
                            const struct saved_row *o)
{
    bool is_same = r->has_image && o->has_content &&
                   memcmp(o->content, r->content, sizeof(o->content)) == 0;
    return is_same ? 0 : copies_hand_on(w, r->id);
}

struct ending {
    enum store_outcome outcome;
    int64_t result;
    int64_t duplicate_of;
};

static int write_ending(struct writer *w, const struct store_save *r,
                        const struct ending *e)
{
    int64_t tier;
    int rc = writer_word(w, r->tier ? r->tier : "", &tier);
    if (rc) {
        return rc;
    }
    struct sql q = sql_begin(
        &w->db, "UPDATE OR FAIL job SET" FACTS ", state = 2, owner = 0, lease_until = 0,"
                " asking = NULL, asking_at = 0, is_redo = 0, prior = 0,"
                " attempts = attempts + ?16, outcome = ?17, code = ?18, reason = ?19,"
                " ended_at = ?20, result = ?21, duplicate_of = ?22, has_doc = ?23,"
                " tier_asked = ?24, fallback = ?25, fallback_code = ?26,"
                " is_degraded = (SELECT is_degraded FROM result WHERE id = ?21)"
                " WHERE id = ?1");
    bind_facts(&q, r);
    sql_int(&q, r->n_attempts);
    sql_int(&q, e->outcome);
    sql_int(&q, r->code);
    sql_text(&q, r->reason);
    sql_int(&q, loop_wall_ms());
    sql_int(&q, e->result);
    if (e->duplicate_of) {
        sql_int(&q, e->duplicate_of);
    } else {
        sql_null(&q);
    }
    sql_int(&q, e->duplicate_of == 0);
    sql_int(&q, tier);
    sql_text(&q, r->fallback);
    sql_int(&q, r->fallback_code);
    return sql_run(&q);
}

static int copies_follow(struct writer *w, int64_t holder, const struct ending *e)
{
    struct sql q = sql_begin(
        &w->db, e->duplicate_of
                    ? "UPDATE job SET result = ?2, duplicate_of = ?3, is_degraded ="
                      " (SELECT is_degraded FROM result WHERE id = ?2)"
                      " WHERE duplicate_of = ?1"
                    : "UPDATE job SET result = ?2, is_degraded ="
                      " (SELECT is_degraded FROM result WHERE id = ?2)"
                      " WHERE duplicate_of = ?1");
    sql_int(&q, holder);
    sql_int(&q, e->result);
    if (e->duplicate_of) {
        sql_int(&q, e->duplicate_of);
    }
    return sql_run(&q);
}

// With a description, e->result: the old document leaves the index before anything
// changes.
static int end_with(struct writer *w, const struct store_save *r,
                    const struct saved_row *o, const struct ending *e)
{
    int rc = o->result ? part_from_copies(w, r, o) : 0;
    rc = rc ? rc : write_changes(w, r, o);
    rc = rc ? rc : write_ending(w, r, e);
    if (!rc && o->result) {
        rc = copies_follow(w, r->id, e);
    }
    if (!rc && o->result && o->is_degraded && o->result != e->result) {
        rc = result_drop_unused(w, o->result);
    }
    return rc || e->duplicate_of ? rc : doc_add(w, r->id);
}

static int leave_index(struct writer *w, const struct store_save *r, struct saved_row *o)
{
    if (!o->has_doc) {
        return 0;
    }
    o->has_doc = 0;
    int rc = doc_remove(w, r->id);
    rc = rc || !r->is_redacted ? rc : scrub_note_document(w);
    struct sql q = sql_begin(&w->db, "UPDATE job SET has_doc = 0 WHERE id = ?");
    sql_int(&q, r->id);
    return rc ? rc : sql_run(&q);
}

static int save_answer(struct writer *w, struct store_save *r, struct saved_row *o)
{
    struct ending e = {.outcome = STORE_ANSWERED};
    int rc = leave_index(w, r, o);
    rc = rc ? rc
            : result_keep(w, r->has_image ? r->content : NULL, r->result, loop_wall_ms(),
                          &e.result);
    rc = rc ? rc : end_with(w, r, o, &e);
    return rc ? rc : look_keep(w, r, o->root, o->screen, o->result != 0);
}

// The answer was paid for: it stays, for the row that has this version to find.
static int save_superseded(struct writer *w, struct store_save *r,
                           const struct saved_row *o, int64_t other)
{
    char reason[80];
    int64_t result;
    snprintf(reason, sizeof(reason), "superseded by job %lld", (long long)other);
    int rc = o->result ? 0 : write_titles(w, r, o);
    if (!rc && r->outcome == STORE_ANSWERED && r->has_image) {
        rc = result_keep(w, r->content, r->result, loop_wall_ms(), &result);
    }
    return rc ? rc : end_without(w, r, STORE_SKIPPED, reason);
}

// ---- inherited descriptions

static int requeue(struct writer *w, struct store_save *r)
{
    struct sql q =
        sql_begin(&w->db, "UPDATE job SET state = 0, owner = 0, lease_until = 0,"
                          " asking = NULL, asking_at = 0, claims = claims - 1,"
                          " run_at = 0 WHERE id = ?");
    sql_int(&q, r->id);
    r->lost = true;
    return sql_run(&q);
}

static int save_cached(struct writer *w, struct store_save *r, struct saved_row *o)
{
    struct ending e = {.outcome = STORE_CACHED};
    struct sql q = sql_begin(&w->db, "SELECT id FROM result WHERE id = ?");
    sql_int(&q, r->cached_result);
    int rc = sql_one(&q, 0, &e.result);
    if (rc || !e.result) {
        return rc ? rc : requeue(w, r);
    }
    rc = leave_index(w, r, o);
    return rc ? rc : end_with(w, r, o, &e);
}

// The holder behind id, which may itself have become a duplicate meanwhile.
static int find_holder(struct writer *w, const struct store_save *r, struct ending *e)
{
    struct sql q = sql_begin(&w->db, "SELECT h.id, h.result FROM job j JOIN job h"
                                     " ON h.id = ifnull(j.duplicate_of, j.id)"
                                     " WHERE j.id = ? AND h.id <> ?"
                                     " AND h.result IS NOT NULL");
    sql_int(&q, r->duplicate_of);
    sql_int(&q, r->id);
    if (sql_row(&q)) {
        e->duplicate_of = sql_get_int(&q);
        e->result = sql_get_int(&q);
    }
    return sql_end(&q);
}

// An ended row of the same path and content: the file was only touched.
static int find_older(struct writer *w, const struct store_save *r, int64_t *older)
{
    struct sql q = sql_begin(&w->db, "SELECT id FROM job WHERE path IN"
                                     " (SELECT path FROM job WHERE id = ?1 UNION ALL"
                                     " SELECT address_mark(path) FROM job WHERE id = ?1)"
                                     " AND id <> ?1"
                                     " AND +state = 2 AND +content = ?2"
                                     " AND +result IS NOT NULL ORDER BY id DESC LIMIT 1");
    sql_int(&q, r->id);
    sql_blob(&q, r->content, sizeof(r->content));
    return sql_one(&q, 0, older);
}

static int write_difference(struct writer *w, const struct store_save *r)
{
    struct sql q = sql_begin(
        &w->db, "UPDATE job SET near_blocks = ?2, near_diff = ?3 WHERE id = ?1");
    sql_int(&q, r->id);
    sql_int(&q, r->is_near ? r->near_blocks : -1);
    sql_int(&q, r->is_near ? r->near_diff : -1);
    return sql_run(&q);
}

// This row goes first, as there can not be two with one version; its batches follow it.
static int merge_into(struct writer *w, struct store_save *r, int64_t older)
{
    struct sql q = sql_begin(&w->db, "INSERT INTO member(batch, job, is_open)"
                                     " SELECT batch, ?2, 0 FROM member WHERE job = ?1"
                                     " ON CONFLICT DO NOTHING");
    sql_int(&q, r->id);
    sql_int(&q, older);
    int rc = sql_run(&q);
    q = sql_begin(&w->db, "UPDATE job SET is_member = 1 WHERE id = ?1 AND is_member = 0"
                          " AND EXISTS (SELECT 1 FROM member WHERE job = ?1)");
    sql_int(&q, older);
    rc = rc ? rc : sql_run(&q);
    q = sql_begin(&w->db, "DELETE FROM job WHERE id = ?");
    sql_int(&q, r->id);
    rc = rc ? rc : sql_run(&q);
    rc = rc ? rc : move_version(w, r, older);
    rc = rc || keeps_titles(r) ? rc : scrub_note(w);
    r->merged_into = rc ? 0 : older;
    return rc;
}

static int save_duplicate(struct writer *w, struct store_save *r, struct saved_row *o)
{
    struct ending e = {.outcome = STORE_DUPLICATE};
    int64_t older = 0;
    int rc = find_holder(w, r, &e);
    if (!rc && r->has_image && !o->is_url && !o->result) {
        rc = find_older(w, r, &older);
    }
    if (rc || older) {
        return rc ? rc : merge_into(w, r, older);
    }
    if (!e.duplicate_of) {
        return requeue(w, r);
    }
    rc = leave_index(w, r, o);
    rc = rc ? rc : write_difference(w, r);
    return rc ? rc : end_with(w, r, o, &e);
}

// ---- the request

static int save_outcome(struct writer *w, struct store_save *r, struct saved_row *o)
{
    int rc = 0;
    switch (r->outcome) {
    case STORE_ANSWERED: return save_answer(w, r, o);
    case STORE_CACHED: return save_cached(w, r, o);
    case STORE_DUPLICATE: return save_duplicate(w, r, o);
    case STORE_BLOCKED:
    case STORE_SKIPPED:
    case STORE_FAILED:
        rc = o->result ? 0 : write_changes(w, r, o);
        rc = rc || o->result ? rc : write_facts(w, r);
        return rc ? rc : end_without(w, r, r->outcome, r->reason);
    case STORE_NONE: break;
    }
    return E_USAGE;
}

// What was sent was sent, whoever has the row now.
static int apply_save(struct writer *w, void *request)
{
    struct store_save *r = request;
    w->db.job = r->id;
    struct saved_row o = {0};
    int64_t other = 0;
    bool is_ours;
    r->lost = false;
    r->merged_into = 0;
    int rc = audit_keep(w, r->id, r->audit, r->n_audit);
    rc = rc ? rc : read_row(w, r, &o, &is_ours);
    if (rc || !is_ours) {
        r->lost = !rc;
        return rc;
    }
    if (r->outcome == STORE_ANSWERED) {
        rc = writer_spend(w, o.is_member ? r->id : 0, r->result->prompt_tokens,
                          r->result->completion_tokens);
    }
    if (!rc && has_moved(r, &o)) {
        rc = find_version(w, r, &other);
    }
    if (!rc) {
        rc = other ? save_superseded(w, r, &o, other) : save_outcome(w, r, &o);
        rc = rc ? rc : address_end(w, r->merged_into ? r->merged_into : r->id);
    }
    return rc || r->lost || r->merged_into
               ? rc
               : attempts_keep(w, r->id, r->attempts, r->n_attempts);
}

static void save_run(struct pool_work *work, void *thread)
{
    struct store_save *r = container_of(work, struct store_save, work);
    writer_do(thread, WRITE_FINISHES, &r->err, apply_save, r);
}

static void save_done(struct pool_work *work, int err)
{
    struct store_save *r = container_of(work, struct store_save, work);
    r->done(r, write_result(r->owner, &r->err, err));
}

void store_save(struct store *s, struct store_save *r,
                void (*done)(struct store_save *r, int err))
{
    assert(r->outcome > STORE_NONE && r->outcome <= STORE_FAILED);
    assert(r->outcome != STORE_ANSWERED || r->result);
    r->err.code = 0;
    r->owner = s;
    r->done = done;
    write_submit(s, &r->work, save_run, save_done);
}
