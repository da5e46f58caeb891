// offer.c -- sightings become rows, each version of a path once; batches and their
// members.
// SPDX-License-Identifier: MIT
#include "store/inside.h"
#include "store/once.h"

#include <assert.h>
#include <string.h>
#include <sys/random.h>

struct known {
    int64_t id;
    int64_t state;
    int64_t priority;
    int64_t wanted;
    bool is_other_tier;  // described, and not as the one that is due
};

static bool has_tier(const struct store_item *i)
{
    return i->tier && *i->tier;
}

// The very version, or else one of the same path that still waits and has no description
// that belongs to its older version.
static int find(struct writer *w, const struct store_item *i, struct known *k,
                bool *is_same)
{
    struct sql q = sql_begin(
        &w->db, "SELECT id, state, priority, wanted, ?4 AND outcome IN (1, 2, 3)"
                " AND tier_asked <> ifnull((SELECT id FROM word WHERE text = ?5), 0)"
                " FROM job WHERE path IN (?1, address_mark(?1)) AND size = ?2"
                " AND mtime = ?3");
    memset(k, 0, sizeof(*k));
    *is_same = false;
    sql_text(&q, i->path);
    sql_int(&q, i->size_bytes);
    sql_int(&q, i->mtime_ns);
    sql_int(&q, i->is_tier_due && has_tier(i));
    sql_text(&q, i->tier);
    if (sql_row(&q)) {
        k->id = sql_get_int(&q);
        k->state = sql_get_int(&q);
        k->priority = sql_get_int(&q);
        k->wanted = sql_get_int(&q);
        k->is_other_tier = k->state == STORE_ENDED && sql_get_int(&q);
        *is_same = true;
    }
    int rc = sql_end(&q);
    if (rc || *is_same) {
        return rc;
    }
    q = sql_begin(&w->db, "SELECT id, priority FROM job WHERE path = ? AND +state = 0"
                          " AND +result IS NULL LIMIT 1");
    sql_text(&q, i->path);
    if (sql_row(&q)) {
        k->id = sql_get_int(&q);
        k->priority = sql_get_int(&q);
    }
    return sql_end(&q);
}

static int insert(struct writer *w, struct store_item *i, int64_t root, int64_t screen,
                  int64_t now_ms)
{
    int64_t cid = 0;
    struct sql q = sql_begin(
        &w->db,
        "INSERT OR FAIL INTO job(cid, path, size, mtime, is_url, root,"
        " priority, queued_at, seen_at, taken_at, app, window,"
        " screen, url, own_tier, at_ms, room)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10,"
        " ?11, ?12, ?13, ?14, CASE WHEN ?9 > 0 THEN ?9 ELSE ?8 END, zeroblob(24))");
    if (getrandom(&cid, sizeof(cid), GRND_NONBLOCK) != sizeof(cid)) {
        sqlite3_randomness(sizeof(cid), &cid);
    }
    sql_int(&q, cid);
    sql_text(&q, i->path);
    sql_int(&q, i->size_bytes);
    sql_int(&q, i->mtime_ns);
    sql_int(&q, i->is_url);
    sql_int(&q, root);
    sql_int(&q, i->priority);
    sql_int(&q, now_ms);
    sql_int(&q, i->meta.taken_at_ms);
    sql_text(&q, i->meta.app);
    sql_text(&q, i->meta.window);
    sql_int(&q, screen);
    sql_text(&q, i->meta.url);
    sql_text(&q, i->tier);
    int rc = sql_run(&q);
    i->id = sqlite3_last_insert_rowid(w->db.h);
    i->is_new = true;
    return rc;
}

// What was not known before is filled in: the same file may be seen by a watcher first
// and then be handed over by a program that knows the application.
static int fill_in(struct writer *w, const struct store_item *i, int64_t screen,
                   int64_t id)
{
    const struct store_meta *m = &i->meta;
    struct sql q = sql_begin(
        &w->db, "UPDATE job SET priority = max(priority, ?2),"
                " taken_at = CASE WHEN ?3 THEN ?3 ELSE taken_at END,"
                " at_ms = CASE WHEN ?3 > 0 THEN ?3 ELSE at_ms END,"
                " app = CASE WHEN has_doc = 0 AND ?4 <> '' THEN ?4 ELSE app END,"
                " window = CASE WHEN has_doc = 0 AND ?5 <> '' THEN ?5 ELSE window END,"
                " screen = CASE WHEN ?6 THEN ?6 ELSE screen END,"
                " url = CASE WHEN ?7 <> '' THEN ?7 ELSE url END,"
                " is_erased = CASE WHEN ?5 <> '' THEN 0 ELSE is_erased END,"
                " own_tier = CASE WHEN ?8 <> '' THEN ?8 ELSE own_tier END"
                " WHERE id = ?1 AND state = 0");
    sql_int(&q, id);
    sql_int(&q, i->priority);
    sql_int(&q, m->taken_at_ms);
    sql_text(&q, m->app);
    sql_text(&q, m->window);
    sql_int(&q, screen);
    sql_text(&q, m->url);
    sql_text(&q, i->tier);
    return sql_run(&q);
}

// A new version is a new chance: what the old one did to its claimers does not count.
static int move_version(struct writer *w, const struct store_item *i, int64_t id)
{
    struct sql q = sql_begin(&w->db, "UPDATE job SET size = ?, mtime = ?, run_at = 0,"
                                     " claims = 0, attempts = 0, code = 0, reason = ''"
                                     " WHERE id = ?");
    sql_int(&q, i->size_bytes);
    sql_int(&q, i->mtime_ns);
    sql_int(&q, id);
    return sql_run(&q);
}

static bool knows_more(const struct store_item *i, const struct known *k)
{
    const struct store_meta *m = &i->meta;
    return (int64_t)i->priority > k->priority || m->taken_at_ms || (m->app && *m->app) ||
           (m->window && *m->window) || (m->screen && *m->screen) ||
           (m->url && *m->url) || has_tier(i);
}

static int join(struct writer *w, int64_t batch, int64_t job)
{
    struct sql q = sql_begin(&w->db, "INSERT INTO member(batch, job, is_open)"
                                     " SELECT ?1, id, state < 2 FROM job WHERE id = ?2"
                                     " ON CONFLICT DO NOTHING");
    sql_int(&q, batch);
    sql_int(&q, job);
    int rc = sql_run(&q);
    if (rc || !sql_changes(&w->db)) {
        return rc;
    }
    q = sql_begin(&w->db, "UPDATE job SET is_member = 1 WHERE id = ? AND is_member = 0");
    sql_int(&q, job);
    return sql_run(&q);
}

// Somebody asked for it again when its address was gone: here it is.
static int give_wanted(struct writer *w, struct store_item *i, struct known *k)
{
    bool is_restored;
    int rc = address_restore(w, k->id, i->path, &is_restored);
    if (rc || !is_restored) {
        return rc;
    }
    const enum store_action action = (enum store_action)(k->wanted - 1);
    k->state = STORE_QUEUED;
    i->is_new = true;
    return change_requeue(w, k->id, action);
}

// Its description stays until the new one is there.
static int describe_anew(struct writer *w, struct store_item *i, struct known *k)
{
    bool ignored;
    int rc = address_restore(w, k->id, i->path, &ignored);
    k->state = STORE_QUEUED;
    i->is_new = true;
    return rc ? rc : change_requeue(w, k->id, STORE_REDO);
}

static int take(struct writer *w, struct store_item *i, int64_t batch, int64_t now_ms)
{
    struct known k;
    bool is_same;
    i->id = 0;
    i->is_new = i->is_ended = false;
    int64_t root = 0, screen;
    int rc = find(w, i, &k, &is_same);
    rc = rc ? rc : writer_word(w, i->meta.screen, &screen);
    if (!rc && !k.id) {
        rc = address_root(w, i->root, &root);
        rc = rc ? rc : insert(w, i, root, screen, now_ms);
    } else if (!rc) {
        i->id = k.id;
        i->is_new = !is_same;
        rc = k.wanted ? give_wanted(w, i, &k) : 0;
        if (!rc && k.is_other_tier && k.state == STORE_ENDED) {
            rc = describe_anew(w, i, &k);
        }
        i->is_ended = k.state == STORE_ENDED;
        rc = rc || is_same ? rc : move_version(w, i, k.id);
        if (!rc && k.state == STORE_QUEUED && knows_more(i, &k)) {
            rc = fill_in(w, i, screen, k.id);
        }
    }
    return rc || !batch ? rc : join(w, batch, i->id);
}

static int take_once(struct writer *w, struct store_item *i, int64_t batch,
                     int64_t now_ms)
{
    bool is_known = false;
    i->is_new = i->is_ended = false;
    int rc = once_find(w, i, now_ms, &is_known);
    if (rc || is_known) {
        return rc;
    }
    rc = take(w, i, batch, now_ms);
    return rc ? rc : once_keep(w, i, now_ms);
}

static int apply_offer(struct writer *w, void *request)
{
    struct store_offer *r = request;
    int64_t now_ms = loop_wall_ms();
    int rc = 0;
    r->n_new = 0;
    for (int i = 0; !rc && i < r->n; i++) {
        struct store_item *it = &r->items[i];
        rc =
            it->once ? take_once(w, it, r->batch, now_ms) : take(w, it, r->batch, now_ms);
        r->n_new += r->items[i].is_new;
    }
    return rc;
}

static void offer_run(struct pool_work *work, void *thread)
{
    struct store_offer *r = container_of(work, struct store_offer, work);
    writer_do(thread, WRITE_GROWS, &r->err, apply_offer, r);
}

static void offer_done(struct pool_work *work, int err)
{
    struct store_offer *r = container_of(work, struct store_offer, work);
    r->done(r, write_result(r->owner, &r->err, err));
}

void store_offer(struct store *s, struct store_offer *r,
                 void (*done)(struct store_offer *r, int err))
{
    assert(r->n >= 0 && r->n <= STORE_MAX_OFFER);
    for (int i = 0; i < r->n; i++) {
        assert(r->items[i].path && *r->items[i].path);
    }
    r->err.code = 0;
    r->owner = s;
    r->done = done;
    write_submit(s, &r->work, offer_run, offer_done);
}

// ---- batches

// The key is made of paths and URLs: it is kept as they are, so that nobody can try them out.
// Older databases have it plain.
static int apply_batch(struct writer *w, void *request)
{
    struct store_batch *r = request;
    struct sql q = sql_begin(&w->db, "SELECT id FROM batch"
                                     " WHERE key IN (?1, address_mark(?1))");
    sql_text(&q, r->key);
    int rc = sql_one(&q, 0, &r->id);
    r->is_old = r->id != 0;
    if (rc || r->is_old) {
        return rc;
    }
    q = sql_begin(&w->db, "INSERT INTO batch(key, made_at)"
                          " VALUES (address_mark(?), ?)");
    sql_text(&q, r->key);
    sql_int(&q, loop_wall_ms());
    rc = sql_run(&q);
    r->id = sqlite3_last_insert_rowid(w->db.h);
    return rc;
}

static void batch_run(struct pool_work *work, void *thread)
{
    struct store_batch *r = container_of(work, struct store_batch, work);
    writer_do(thread, WRITE_GROWS, &r->err, apply_batch, r);
}

static void batch_done(struct pool_work *work, int err)
{
    struct store_batch *r = container_of(work, struct store_batch, work);
    r->done(r, write_result(r->owner, &r->err, err));
}

void store_batch_open(struct store *s, struct store_batch *r,
                      void (*done)(struct store_batch *r, int err))
{
    assert(r->key && *r->key);
    r->err.code = 0;
    r->owner = s;
    r->done = done;
    write_submit(s, &r->work, batch_run, batch_done);
}
