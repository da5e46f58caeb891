// scrub.c -- what was removed leaves the files too: the index, free pages, the log.
//
// Deleting is not enough.  Where a text may still stand, and what takes it away:
//   the cell it stood in         secure_delete: zeros
//   old copies within a page     blank.c, on the page's way into the file
//   words in the search index    merged out, in steps (an FTS5 table keeps words of removed
//                                documents until their segments are merged)
//   free pages                   secure_delete: zeros; and given back to the disk
//   the write-ahead log          emptied, last, when all of that is in the database
//
// The database itself says that there is something to clear away (SUM_DIRTY over
// SUM_CLEAN), so whoever is killed half way leaves it to the next process.
// SPDX-License-Identifier: MIT
#include "store/scrub.h"

#include "base/log.h"
#include "store/inside.h"

enum { STEP_PAGES = 500, LOG_BUSY_MS = 200, END_MAX_MS = 3000 };

// ---- notes

int scrub_note_document(struct writer *w)
{
    w->owes_scrub = true;
    struct sql q =
        sql_begin(&w->db, "INSERT INTO tally VALUES (0, -3, 1) ON CONFLICT DO UPDATE"
                          " SET n = CASE WHEN n < 0 THEN -2 ELSE 1 END");
    return sql_run(&q);
}

int scrub_note(struct writer *w)
{
    atomic_store(&w->is_dirty, true);
    w->owes_scrub = true;
    return writer_add(w, SUM_DIRTY, 1);
}

static int sum(struct writer *w, enum writer_sum which, int64_t *n)
{
    struct sql q = sql_begin(&w->db, "SELECT n FROM tally WHERE batch = 0 AND key = ?");
    sql_int(&q, which);
    return sql_one(&q, 0, n);
}

static int set_sum(struct writer *w, enum writer_sum which, int64_t n)
{
    struct sql q = sql_begin(&w->db, "INSERT INTO tally VALUES (0, ?, ?)"
                                     " ON CONFLICT DO UPDATE SET n = excluded.n");
    sql_int(&q, which);
    sql_int(&q, n);
    return sql_run(&q);
}

int scrub_look(struct writer *w)
{
    int64_t dirty, clean = 0, to_merge = 0, unswept = 0;
    int rc = sum(w, SUM_DIRTY, &dirty);
    rc = rc ? rc : sum(w, SUM_CLEAN, &clean);
    rc = rc ? rc : sum(w, SUM_TO_MERGE, &to_merge);
    rc = rc ? rc : sum(w, SUM_UNSWEPT, &unswept);
    if (!rc && (dirty > clean || to_merge || unswept)) {
        atomic_store(&w->is_dirty, true);
    }
    return rc;
}

// ---- steps

// What the index consists of now.  Each segment has at least one row in search_idx, as long
// as it is there.
static int note_segments(struct writer *w)
{
    struct sql q = sql_begin(&w->db, "DELETE FROM tally WHERE batch = ?");
    sql_int(&q, TALLY_SEGMENTS);
    int rc = sql_run(&q);
    q = sql_begin(&w->db,
                  "INSERT INTO tally SELECT DISTINCT ?, segid, 0 FROM search_idx");
    sql_int(&q, TALLY_SEGMENTS);
    return rc ? rc : sql_run(&q);
}

// They all go at once, when they are merged.  New ones may get their numbers, but not all of
// these between two steps that merge small ones away too.
static int are_segments_gone(struct writer *w, bool *are_gone)
{
    int64_t gone, all;
    struct sql q = sql_begin(&w->db, "SELECT count(*) FROM tally WHERE batch = ?"
                                     " AND key NOT IN (SELECT segid FROM search_idx"
                                     " WHERE segid = tally.key)");
    sql_int(&q, TALLY_SEGMENTS);
    int rc = sql_one(&q, 0, &gone);
    q = sql_begin(&w->db, "SELECT count(*) FROM tally WHERE batch = ?");
    sql_int(&q, TALLY_SEGMENTS);
    rc = rc ? rc : sql_one(&q, 0, &all);
    *are_gone = !rc && (gone || all < 2);
    return rc;
}

static int merge_some(struct writer *w, int pages, bool *is_idle)
{
    int before = sqlite3_total_changes(w->db.h);
    struct sql q =
        sql_begin(&w->db, "INSERT INTO search(search, rank) VALUES ('merge', ?)");
    sql_int(&q, pages);
    int rc = sql_run(&q);
    *is_idle = sqlite3_total_changes(w->db.h) - before < 2;
    return rc;
}

// Words of removed documents stand in the segments that there are now; when these are merged
// into one, the words are gone.  A negative number begins to merge all there is; it would
// begin anew each time, since new documents make new segments, so a positive one goes on.
static int merge_step(struct writer *w, bool *has_more)
{
    int64_t state;
    bool is_idle, is_merged = false;
    int rc = sum(w, SUM_TO_MERGE, &state);
    *has_more = !rc && state != 0;
    if (!*has_more) {
        return rc;
    }
    if (state > 0) {
        rc = note_segments(w);
        state = -1;
        rc = rc ? rc : merge_some(w, -STEP_PAGES, &is_idle);
    } else {
        rc = merge_some(w, STEP_PAGES, &is_merged);
    }
    if (!rc && !is_merged) {
        rc = are_segments_gone(w, &is_merged);
    }
    // Others were removed meanwhile: from the beginning.
    int64_t next = state < -1 ? 1 : 0;
    return rc ? rc : set_sum(w, SUM_TO_MERGE, is_merged ? next : state);
}

// has_more: over what this step takes.  Others make pages free all the time.
static int vacuum_step(struct writer *w, int64_t most_left, bool *has_more)
{
    int64_t unused;
    struct sql q = sql_begin(&w->db, "PRAGMA freelist_count");
    int rc = sql_one(&q, 0, &unused);
    *has_more = !rc && unused > most_left + STEP_PAGES;
    if (rc || unused <= most_left) {
        return rc;
    }
    q = sql_begin(&w->db, "PRAGMA incremental_vacuum(500)");
    return sql_run(&q);
}

int scrub_last(struct writer *w, int64_t *number)
{
    return sum(w, SUM_DIRTY, number);
}

int scrub_has_left(struct writer *w, int64_t number, bool *has_left)
{
    int64_t clean;
    int rc = sum(w, SUM_CLEAN, &clean);
    *has_left = !rc && clean >= number;
    return rc;
}

// What an emptied log has proved is written down; what is dirty since then is next.
static int log_step(struct writer *w, enum scrub_left *left)
{
    int64_t dirty, clean = 0;
    int rc = sum(w, SUM_DIRTY, &dirty);
    rc = rc ? rc : sum(w, SUM_CLEAN, &clean);
    if (!rc && w->emptied_for > clean) {
        clean = w->emptied_for;
        rc = set_sum(w, SUM_CLEAN, clean);
    }
    if (!rc && dirty > clean) {
        w->empty_for = dirty;
        *left = SCRUB_LOG;
    }
    return rc;
}

// In this order: a log is emptied in vain while there is more to come.
int scrub_step(struct writer *w, bool all, enum scrub_left *left)
{
    bool has_more = false;
    *left = SCRUB_NOTHING;
    int rc = merge_step(w, &has_more);
    if (!rc && !has_more) {
        rc = vacuum_step(w, all ? 0 : 2 * STEP_PAGES, &has_more);
    }
    if (has_more) {
        *left = SCRUB_WORK;
    }
    return rc || has_more ? rc : log_step(w, left);
}

// Everybody who reads an old state must be done with it; most are at once.
static bool empty_log(struct writer *w)
{
    sqlite3_busy_timeout(w->db.h, LOG_BUSY_MS);
    int rc = writer_checkpoint(w, SQLITE_CHECKPOINT_TRUNCATE);
    writer_wait_for_others(w);
    if (rc != SQLITE_OK) {
        log_debug("store", "path=%s the log is still in use", w->path);
    }
    return rc == SQLITE_OK;
}

void scrub_after_commit(struct writer *w)
{
    if (w->empty_for && empty_log(w)) {
        w->emptied_for = w->empty_for;
    }
    w->empty_for = 0;
}

// What others left is not for a process that only asked something to wait for.
void scrub_at_end(struct writer *w)
{
    int64_t until_ms = clock_ms() + END_MAX_MS;
    enum scrub_left left = w->owes_scrub ? SCRUB_WORK : SCRUB_NOTHING;
    while (left != SCRUB_NOTHING && clock_ms() < until_ms) {
        int rc = db_exec(&w->db, "BEGIN IMMEDIATE");
        rc = rc ? rc : scrub_step(w, false, &left);
        rc = rc ? rc : db_exec(&w->db, "COMMIT");
        if (rc) {
            sqlite3_exec(w->db.h, "ROLLBACK", NULL, NULL, NULL);
            log_warn("store", "path=%s remains stay until next time: %s", w->path,
                     w->db.words);
            return;
        }
        scrub_after_commit(w);
    }
}
