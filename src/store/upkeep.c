// upkeep.c -- what the store does by itself: leases of the dead, statistics, remains.
//
// One look at the leases when the earliest one may have ended, everything else once an
// hour. Work in large amounts (what dropped rows leave behind, old audit rows) goes in
// small steps, each a request among others, so that nobody waits for it.
// SPDX-License-Identifier: MIT
#include "store/inside.h"

#include "base/log.h"
#include "store/audit.h"
#include "store/forget.h"
#include "store/schema.h"
#include "store/scrub.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define HOUR_MS      (3600ll * 1000)
#define OWNER_MAX_MS (30ll * 24 * HOUR_MS)
#define CHECK_MS     (120ll * 1000)

enum { SOON_MS = 20, SHORTEST_MS = 1000, DIRTY_MS = 3000 };

// ---- this process in the table of owners

static int enter(struct writer *w)
{
    int64_t now_ms = loop_wall_ms();
    struct sql q = sql_begin(&w->db, "INSERT INTO owner(name, started_at, seen_at)"
                                     " VALUES (?1, ?2, ?2) ON CONFLICT DO UPDATE"
                                     " SET seen_at = ?2 RETURNING id");
    sql_text(&q, w->owner_name);
    sql_int(&q, now_ms);
    if (sql_row(&q)) {
        w->owner = sql_get_int(&q);
    }
    int rc = sql_run(&q);
    rc = rc ? rc : lease_collect(w, now_ms, true);
    rc = rc ? rc : forget_record(w);
    rc = rc ? rc : audit_flush(w);
    return rc ? rc : scrub_look(w);
}

// In a transaction of its own, outside of any group.
static int alone(struct writer *w, int (*what)(struct writer *w))
{
    w->audit.is_known = w->audit.is_dirty = false;
    int rc = db_exec(&w->db, "BEGIN IMMEDIATE");
    rc = rc ? rc : what(w);
    rc = rc ? rc : db_exec(&w->db, "COMMIT");
    if (rc && !sqlite3_get_autocommit(w->db.h)) {
        sqlite3_exec(w->db.h, "ROLLBACK", NULL, NULL, NULL);
    }
    return rc;
}

int upkeep_enter(struct writer *w, struct err *e)
{
    int rc = alone(w, enter);
    return rc ? err_set(e, rc, "%s: %s", w->path, w->db.words) : 0;
}

static int leave(struct writer *w)
{
    bool ignored = false;
    struct sql q =
        sql_begin(&w->db, "UPDATE job SET state = 0, owner = 0, lease_until = 0,"
                          " asking = NULL, asking_at = 0, claims = claims - 1"
                          " WHERE state = 1 AND owner = ?");
    sql_int(&q, w->owner);
    int rc = sql_run(&q);
    q = sql_begin(&w->db, "DELETE FROM owner WHERE id = ?");
    sql_int(&q, w->owner);
    rc = rc ? rc : sql_run(&q);
    rc = rc ? rc : audit_prune(w, &ignored);
    return rc ? rc : audit_flush(w);
}

// Nobody can end these leases any more, as the next process has another name.
void upkeep_leave(struct writer *w)
{
    if (!w->db.h) {
        return;
    }
    if (alone(w, leave)) {
        log_warn("store", "path=%s leases stay until they run out: %s", w->path,
                 w->db.words);
    }
    sqlite3_exec(w->db.h, "PRAGMA analysis_limit=400; PRAGMA optimize", NULL, NULL, NULL);
    scrub_at_end(w);
    writer_checkpoint(w, SQLITE_CHECKPOINT_TRUNCATE);
}

// ---- steps

static int pragma_int(struct writer *w, const char *literal, int64_t *out)
{
    struct sql q = sql_begin(&w->db, literal);
    return sql_one(&q, 0, out);
}

static int forget_owners(struct writer *w)
{
    struct sql q = sql_begin(&w->db, "DELETE FROM owner WHERE seen_at < ? AND id <> ?"
                                     " AND NOT EXISTS (SELECT 1 FROM job INDEXED BY"
                                     " job_lease WHERE state = 1 AND owner = owner.id)");
    sql_int(&q, loop_wall_ms() - OWNER_MAX_MS);
    sql_int(&q, w->owner);
    return sql_run(&q);
}

static int apply_upkeep(struct writer *w, void *request)
{
    struct upkeep *u = request;
    enum scrub_left left = SCRUB_NOTHING;
    int rc = lease_collect(w, loop_wall_ms(), true);
    rc = rc ? rc : forget_folders(w, &u->has_more);
    bool has_more = false;
    rc = rc ? rc : address_sweep(w, &has_more);
    u->has_more |= has_more;
    rc = rc ? rc : scrub_step(w, false, &left);
    u->has_more |= left == SCRUB_WORK;
    u->looks_again = left == SCRUB_LOG;
    u->is_pruning |= u->is_full;
    if (!rc && u->is_pruning) {
        u->is_pruning = false;
        rc = audit_prune(w, &u->is_pruning);
        u->has_more |= u->is_pruning;
    }
    if (!rc && u->is_full) {
        rc = forget_owners(w);
        rc = rc ? rc : forget_record(w);
        w->wants_upkeep = true;
    }
    return rc ? rc
              : pragma_int(w,
                           "SELECT ifnull(min(lease_until), 0) FROM job"
                           " INDEXED BY job_lease WHERE state = 1",
                           &u->lease_until_ms);
}

static void upkeep_run(struct pool_work *work, void *thread)
{
    struct upkeep *u = container_of(work, struct upkeep, work);
    writer_do(thread, WRITE_FREES, &u->err, apply_upkeep, u);
}

static void upkeep_done(struct pool_work *work, int err)
{
    struct upkeep *u = container_of(work, struct upkeep, work);
    struct store *s = container_of(u, struct store, upkeep);
    int64_t now_ms = loop_now_ms(s->loop);
    u->is_under_way = false;
    if (err || u->err.code) {
        log_warn("store", "path=%s upkeep: %s", s->path, u->err.msg);
        u->due_ms = now_ms + HOUR_MS / 60;
        return;
    }
    if (u->is_full) {
        u->full_due_ms = now_ms + HOUR_MS;
    }
    u->due_ms = u->full_due_ms;
    if (u->lease_until_ms) {
        int64_t wait_ms = u->lease_until_ms - loop_wall_ms() + 1;
        wait_ms = wait_ms < SHORTEST_MS ? SHORTEST_MS : wait_ms;
        u->due_ms = now_ms + wait_ms < u->due_ms ? now_ms + wait_ms : u->due_ms;
    }
    if (u->has_more || u->looks_again) {
        int64_t soon_ms = now_ms + (u->has_more ? SOON_MS : SHORTEST_MS);
        u->due_ms = soon_ms < u->due_ms ? soon_ms : u->due_ms;
    }
}

void upkeep_note_lease(struct store *s)
{
    int64_t due_ms = loop_now_ms(s->loop) + s->config.lease_ms + 1;
    s->upkeep.due_ms = due_ms < s->upkeep.due_ms ? due_ms : s->upkeep.due_ms;
}

void upkeep_note_drop(struct store *s)
{
    s->upkeep.due_ms = loop_now_ms(s->loop);
}

int64_t store_tick(struct store *s, int64_t now_ms)
{
    struct upkeep *u = &s->upkeep;
    if (s->config.is_read_only || s->is_closing) {
        return now_ms + HOUR_MS;
    }
    if (u->due_ms == INT64_MIN) {
        u->due_ms = u->full_due_ms = now_ms + HOUR_MS;
    }
    if (atomic_exchange(&s->writer.is_dirty, false) && u->due_ms > now_ms + DIRTY_MS) {
        u->due_ms = now_ms + DIRTY_MS;
    }
    if (!u->is_under_way && now_ms >= u->due_ms) {
        u->is_under_way = true;
        u->is_full = now_ms >= u->full_due_ms;
        u->err.code = 0;
        write_submit(s, &u->work, upkeep_run, upkeep_done);
    }
    // Its done comes through the loop, and whoever ticks asks again after every turn.
    return u->is_under_way ? now_ms + HOUR_MS : u->due_ms;
}

// ---- check

static int check_pages(struct reader *reader, struct store_check *r)
{
    struct sql q = sql_begin(&reader->db, "PRAGMA quick_check(3)");
    char said[160] = "";
    if (sql_row(&q)) {
        snprintf(said, sizeof(said), "%s", sql_get_text(&q));
    }
    int rc = sql_run(&q);
    r->is_ok = !rc && strcmp(said, "ok") == 0;
    if (!r->is_ok) {
        snprintf(r->words, sizeof(r->words),
                 "the file is damaged: %.150s (stop vlmd, keep a copy, restore a backup)",
                 rc ? reader->db.words : said);
    }
    return rc == E_DEADLINE ? rc : 0;
}

static void check_rights(struct reader *reader, struct store_check *r)
{
    const struct store *s = reader->store;
    char folder[4096];
    struct statvfs fs;
    snprintf(folder, sizeof(folder), "%s", s->path);
    char *slash = strrchr(folder, '/');
    snprintf(slash ? slash + 1 : folder, 2, "%s", slash ? "" : ".");
    long long free_mib = 0;
    if (statvfs(folder, &fs) == 0) {
        free_mib = (long long)((uint64_t)fs.f_bavail * fs.f_frsize >> 20);
    }
    if (faccessat(AT_FDCWD, s->path, W_OK, AT_EACCESS) ||
        faccessat(AT_FDCWD, folder, W_OK, AT_EACCESS)) {
        r->is_ok = false;
        snprintf(r->words, sizeof(r->words), "%.180s may not be written", s->path);
    } else if (free_mib < s->config.min_free_bytes >> 20) {
        r->is_ok = false;
        snprintf(r->words, sizeof(r->words), "the disk is almost full: %lld MiB left",
                 free_mib);
    } else {
        snprintf(r->words, sizeof(r->words),
                 "version %d, pages and indexes are sound,"
                 " %lld MiB free",
                 schema_version, free_mib);
    }
}

static void check_run(struct pool_work *work, void *thread)
{
    struct store_check *r = container_of(work, struct store_check, work);
    struct reader *reader = thread;
    if (read_begin(reader, work, CHECK_MS, &r->err)) {
        return;
    }
    int rc = check_pages(reader, r);
    if (r->is_ok) {
        check_rights(reader, r);
    }
    read_end(reader, rc, &r->err);
}

static void check_done(struct pool_work *work, int err)
{
    struct store_check *r = container_of(work, struct store_check, work);
    r->done(r, read_result(r->owner, &r->err, err));
}

void store_check(struct store *s, struct store_check *r,
                 void (*done)(struct store_check *r, int err))
{
    r->is_ok = false;
    r->words[0] = 0;
    r->err.code = 0;
    r->owner = s;
    r->done = done;
    read_submit(s, &r->work, check_run, check_done);
}
