// forget.c -- removes everything known about items, and every trace of it in the files.
//
//   remove, some items at a time ----> record: one audit row ----> clear, in steps:
//   (their number is kept in the       with the number              index, free pages, log
//   same transaction)                                               -----> done
//
// A description is made of one picture, and what it says is known of that picture: it goes
// with it, and others that show it (the same picture under another name, or one that is
// alike) are queued to be described on their own.  This is where it differs from dropping,
// which hands the description on.
//
// Whatever was done stays done when the process dies.  The number is then in the database
// for the next process to record, and so is what is left to clear away.
// SPDX-License-Identifier: MIT
#include "store/forget.h"

#include "store/audit.h"
#include "store/doc.h"
#include "store/filter.h"
#include "store/inside.h"
#include "store/scrub.h"

#include <string.h>

// As long as a step takes, nobody else writes.
enum { STEP_ITEMS = 64, COUNT_ITEMS = 1024, SCAN_ITEMS = 50000, LOG_TRIES = 10 };

// ---- one item

struct item {
    int64_t id, result, folder;
    bool has_doc, has_content;
    uint8_t content[STORE_HASH_BYTES];
};

static int read_item(struct writer *w, struct item *i)
{
    struct sql q =
        sql_begin(&w->db, "SELECT result, root, has_doc, content FROM job WHERE id = ?");
    sql_int(&q, i->id);
    if (sql_row(&q)) {
        i->result = sql_get_int(&q);
        i->folder = sql_get_int(&q);
        i->has_doc = sql_get_int(&q) != 0;
        i->has_content = sql_get_blob(&q, i->content, sizeof(i->content));
    }
    return sql_end(&q);
}

static int leave_index(struct writer *w, int64_t job)
{
    int rc = doc_remove(w, job);
    return rc ? rc : scrub_note_document(w);
}

// Described by another picture's description no longer, as if it had never been.  One that
// is leased just now stays so: its own answer is under way.  One whose address was removed
// waits until that is offered again.
static int undescribe(struct writer *w, int64_t job, bool has_doc)
{
    int rc = has_doc ? leave_index(w, job) : 0;
    struct sql q = sql_begin(&w->db, "DELETE FROM frame WHERE job = ?");
    sql_int(&q, job);
    rc = rc ? rc : sql_run(&q);
    q = sql_begin(
        &w->db,
        "UPDATE job SET state = CASE WHEN state = 2 AND label = '' THEN 0 ELSE state END,"
        " outcome = CASE label WHEN '' THEN 0 ELSE 5 END, wanted = label <> '',"
        " prior = 0, run_at = 0, queued_at = ?2,"
        " claims = CASE state WHEN 2 THEN 0 ELSE claims END, code = 0, reason ="
        " CASE label WHEN '' THEN '' ELSE 'its description went with another picture' "
        "END,"
        " ended_at = CASE label WHEN '' THEN 0 ELSE ?2 END, result = NULL,"
        " duplicate_of = NULL, has_doc = 0,"
        " is_degraded = 0, content = NULL, sent_hash = NULL, sent_width = 0,"
        " sent_height = 0, sent_bytes = 0, near_blocks = -1, near_diff = -1,"
        " ocr_text = '', verdict = '', masks = '' WHERE id = ?1");
    sql_int(&q, job);
    sql_int(&q, loop_wall_ms());
    return rc ? rc : sql_run(&q);
}

// The next of those that show the result, other than the one to be forgotten.
static int next_sharer(struct writer *w, int64_t result, int64_t besides, int64_t *job,
                       bool *has_doc)
{
    struct sql q = sql_begin(&w->db, "SELECT id, has_doc FROM job INDEXED BY job_result"
                                     " WHERE result = ? AND id <> ? LIMIT 1");
    sql_int(&q, result);
    sql_int(&q, besides);
    *job = 0;
    if (sql_row(&q)) {
        *job = sql_get_int(&q);
        *has_doc = sql_get_int(&q) != 0;
    }
    return sql_end(&q);
}

// Those that are meant too are removed in their turn.
static int count_requeued(struct writer *w, struct store_forget *r, int64_t job)
{
    struct store_filter f = r->filter;
    int64_t found;
    int n = 0;
    f.id = job;
    int rc = r->filter.id ? 0 : filter_ids(&w->db, &f, NULL, 0, &found, 1, &n, &r->err);
    r->step_requeued += !rc && n == 0;
    return rc;
}

static int forget_result(struct writer *w, struct store_forget *r, const struct item *i,
                         int64_t result)
{
    int64_t job;
    bool has_doc = false;
    int rc = next_sharer(w, result, i->id, &job, &has_doc);
    while (!rc && job) {
        rc = undescribe(w, job, has_doc);
        rc = rc ? rc : count_requeued(w, r, job);
        rc = rc ? rc : next_sharer(w, result, i->id, &job, &has_doc);
    }
    struct sql q = sql_begin(&w->db, "DELETE FROM result WHERE id = ?");
    sql_int(&q, result);
    return rc ? rc : sql_run(&q);
}

// The one it shows, and those of other models for the same picture.
static int forget_results(struct writer *w, struct store_forget *r, const struct item *i)
{
    int64_t result = i->result;
    int rc = result ? forget_result(w, r, i, result) : 0;
    while (!rc && i->has_content) {
        struct sql q =
            sql_begin(&w->db, "SELECT id FROM result WHERE content = ? LIMIT 1");
        sql_blob(&q, i->content, sizeof(i->content));
        rc = sql_one(&q, 0, &result);
        if (rc || !result) {
            break;
        }
        rc = forget_result(w, r, i, result);
    }
    return rc;
}

static int note_folder(struct writer *w, int64_t folder)
{
    struct sql q = sql_begin(&w->db, "INSERT INTO tally SELECT ?1, ?2, 0 WHERE ?2 > 0"
                                     " ON CONFLICT DO NOTHING");
    sql_int(&q, TALLY_FOLDERS);
    sql_int(&q, folder);
    return sql_run(&q);
}

// Its history, its place in batches and its frame go by a trigger.
static int forget_item(struct writer *w, struct store_forget *r, int64_t id)
{
    struct item i = {.id = id};
    int rc = read_item(w, &i);
    rc = rc ? rc : note_folder(w, i.folder);
    rc = rc || !i.has_doc ? rc : leave_index(w, id);
    rc = rc ? rc : forget_results(w, r, &i);
    struct sql q = sql_begin(&w->db, "DELETE FROM job WHERE id = ?");
    sql_int(&q, id);
    return rc ? rc : sql_run(&q);
}

// ---- the audit

int forget_record(struct writer *w)
{
    int64_t n;
    struct sql q = sql_begin(&w->db, "SELECT n FROM tally WHERE batch = 0 AND key = ?");
    sql_int(&q, SUM_FORGOTTEN);
    int rc = sql_one(&q, 0, &n);
    if (rc || !n) {
        return rc;
    }
    const struct store_audit_row row = {.verdict = "forget", .n = n};
    rc = writer_add(w, SUM_FORGOTTEN, -n);
    return rc ? rc : audit_add(w, &row, NULL);
}

// ---- remove

static int apply_remove(struct writer *w, void *request)
{
    struct store_forget *r = request;
    int64_t ids[COUNT_ITEMS];
    int n = 0, most = r->is_trial ? COUNT_ITEMS : STEP_ITEMS;
    r->step_requeued = 0;
    int rc = filter_ids(&w->db, &r->filter, NULL, r->after_id, ids, most, &n, &r->err);
    for (int i = 0; !rc && !r->is_trial && i < n; i++) {
        rc = forget_item(w, r, ids[i]);
    }
    if (!rc && !r->is_trial && n) {
        rc = writer_add(w, SUM_FORGOTTEN, n);
        rc = rc ? rc : scrub_note(w);
    }
    r->step = n;
    r->next_id = n ? ids[n - 1] : r->after_id;
    r->has_more = n == most;
    return rc;
}

static void remove_run(struct pool_work *work, void *thread)
{
    struct store_forget *r = container_of(work, struct store_forget, work);
    if (!r->err.code) {
        writer_do(thread, WRITE_FREES, &r->err, apply_remove, r);
    }
}

// ---- folders

static int next_folder(struct writer *w, int64_t *folder, int64_t *scanned_id)
{
    struct sql q = sql_begin(&w->db, "SELECT key, n FROM tally WHERE batch = ? LIMIT 1");
    sql_int(&q, TALLY_FOLDERS);
    *folder = 0;
    if (sql_row(&q)) {
        *folder = sql_get_int(&q);
        *scanned_id = sql_get_int(&q);
    }
    return sql_end(&q);
}

// Has an item it among the next ones?
static int find_user(struct writer *w, int64_t folder, int64_t after_id, bool *is_used,
                     bool *is_end)
{
    int64_t user, last;
    struct sql q = sql_begin(&w->db, "SELECT id FROM job WHERE id > ? AND id <= ?"
                                     " AND root = ? LIMIT 1");
    sql_int(&q, after_id);
    sql_int(&q, after_id + SCAN_ITEMS);
    sql_int(&q, folder);
    int rc = sql_one(&q, 0, &user);
    q = sql_begin(&w->db, "SELECT ifnull(max(id), 0) FROM job");
    rc = rc ? rc : sql_one(&q, 0, &last);
    *is_used = !rc && user;
    *is_end = !rc && after_id + SCAN_ITEMS >= last;
    return rc;
}

static int note_scanned(struct writer *w, int64_t folder, int64_t scanned_id)
{
    struct sql q =
        sql_begin(&w->db, "UPDATE tally SET n = ? WHERE batch = ? AND key = ?");
    sql_int(&q, scanned_id);
    sql_int(&q, TALLY_FOLDERS);
    sql_int(&q, folder);
    return sql_run(&q);
}

static int end_folder(struct writer *w, int64_t folder, bool is_used)
{
    struct sql q = sql_begin(&w->db, "DELETE FROM tally WHERE batch = ? AND key = ?");
    sql_int(&q, TALLY_FOLDERS);
    sql_int(&q, folder);
    int rc = sql_run(&q);
    if (rc || is_used) {
        return rc;
    }
    writer_forget_words(w);
    q = sql_begin(&w->db, "DELETE FROM word WHERE id = ?");
    sql_int(&q, folder);
    rc = sql_run(&q);
    return rc ? rc : scrub_note(w);
}

// The name of a watched folder goes with the last item in it.  No index leads there; but the
// folder of an item never changes and new items come at the end, so it may be looked for in
// parts.
int forget_folders(struct writer *w, bool *has_more)
{
    int64_t folder, scanned_id = 0;
    bool is_used, is_end;
    int rc = next_folder(w, &folder, &scanned_id);
    *has_more = !rc && folder;
    if (!*has_more) {
        return rc;
    }
    rc = find_user(w, folder, scanned_id, &is_used, &is_end);
    if (rc || (!is_used && !is_end)) {
        return rc ? rc : note_scanned(w, folder, scanned_id + SCAN_ITEMS);
    }
    return end_folder(w, folder, is_used);
}

// ---- clear away

// Also when nothing was found: what an earlier one left is to be gone as well.
static int apply_clear(struct writer *w, void *request)
{
    struct store_forget *r = request;
    enum scrub_left left = SCRUB_WORK;
    bool has_folder = false;
    int rc = forget_record(w);
    rc = rc || r->number ? rc : scrub_last(w, &r->number);
    rc = rc ? rc : forget_folders(w, &has_folder);
    rc = rc || has_folder ? rc : scrub_step(w, true, &left);
    r->tries_log = !rc && left == SCRUB_LOG;
    return rc || has_folder ? rc : scrub_has_left(w, r->number, &r->is_clean);
}

static void clear_run(struct pool_work *work, void *thread)
{
    struct store_forget *r = container_of(work, struct store_forget, work);
    writer_do(thread, WRITE_FREES, &r->err, apply_clear, r);
}

static void clear_done(struct pool_work *work, int err)
{
    struct store_forget *r = container_of(work, struct store_forget, work);
    err = write_result(r->owner, &r->err, err);
    r->tries += r->tries_log;
    r->is_clean &= !err;
    if (err || r->is_clean || r->tries == LOG_TRIES || r->owner->is_closing) {
        r->done(r, err);
        return;
    }
    write_submit(r->owner, &r->work, clear_run, clear_done);
}

static void remove_done(struct pool_work *work, int err)
{
    struct store_forget *r = container_of(work, struct store_forget, work);
    err = write_result(r->owner, &r->err, err);
    r->n += err ? 0 : r->step;
    r->n_requeued += err ? 0 : r->step_requeued;
    r->after_id = r->next_id;
    if (!err && r->owner->is_closing) {
        err = err_set(&r->err, E_CANCELED, "%s: stopped after %lld items", r->owner->path,
                      (long long)r->n);
    }
    if (err || (r->is_trial && !r->has_more)) {
        r->done(r, err);
    } else if (r->has_more) {
        write_submit(r->owner, &r->work, remove_run, remove_done);
    } else {
        write_submit(r->owner, &r->work, clear_run, clear_done);
    }
}

// ---- the request

// Words, outcomes and the like are about a description: they would find one picture and not
// the others that show the same.
static int check_filter(const struct store_filter *f, struct err *e)
{
    struct store_filter rest = *f;
    rest.id = rest.since_ms = rest.until_ms = 0;
    rest.path = rest.app = NULL;
    if (!filter_is_empty(&rest)) {
        return err_set(e, E_USAGE,
                       "only an id, a path, an application and times say what "
                       "is to be forgotten");
    }
    if (filter_is_empty(f)) {
        return err_set(e, E_USAGE, "nothing says what is to be forgotten");
    }
    return 0;
}

void store_forget(struct store *s, struct store_forget *r,
                  void (*done)(struct store_forget *r, int err))
{
    r->n = r->n_requeued = r->after_id = r->next_id = 0;
    r->step_requeued = r->number = 0;
    r->step = r->tries = 0;
    r->is_clean = r->has_more = r->tries_log = false;
    r->err.code = 0;
    r->owner = s;
    r->done = done;
    check_filter(&r->filter, &r->err);
    write_submit(s, &r->work, remove_run, remove_done);
}
