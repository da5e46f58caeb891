// audit.c -- rows are added to the chain, and the oldest ones removed when their time is up.
//
//      seq: 1 ..... first-1 | first ............ last
//           pruned, gone    | each holds the hash of the one before
//                             audit_head: first, count, hash of the last one
//
// The head is read anew in every transaction, since other processes add rows too, and
// written once at its end.  Without it nobody could see that rows are missing at the end.
//
// Pruning is decided in one step: a row says which ones go, and the head moves past them.
// Only then are they removed, some at a time; verification knows no rows before the head.
// SPDX-License-Identifier: MIT
#include "store/audit.h"

#include "base/utf8.h"
#include "store/inside.h"

#include <assert.h>
#include <string.h>

// A day at least between two prune rows.  Rows of one decision, and of one removal.
#define PRUNE_EVERY_MS (24ll * 3600 * 1000)

enum { PRUNE_MOST = 50000, REMOVE_ROWS = 1000 };

// ---- the head

static int read_head(struct writer *w)
{
    struct writer_audit *a = &w->audit;
    if (a->is_known) {
        return 0;
    }
    a->first = 1;
    a->last = 0;
    memset(a->hash, 0, sizeof(a->hash));
    struct sql q = sql_begin(&w->db, "SELECT first, first + count - 1, hash"
                                     " FROM audit_head WHERE id = 1");
    if (sql_row(&q)) {
        a->first = sql_get_int(&q);
        a->last = sql_get_int(&q);
        sql_get_blob(&q, a->hash, sizeof(a->hash));
    }
    int rc = sql_end(&q);
    // Somebody put rows in beside the chain: that is for verification to tell, and must not
    // keep new ones out.
    int64_t last;
    q = sql_begin(&w->db, "SELECT ifnull(max(seq), 0) FROM audit");
    rc = rc ? rc : sql_one(&q, 0, &last);
    if (!rc) {
        a->last = last > a->last ? last : a->last;
        a->is_known = true;
    }
    return rc;
}

int audit_flush(struct writer *w)
{
    struct writer_audit *a = &w->audit;
    if (!a->is_dirty) {
        return 0;
    }
    struct sql q =
        sql_begin(&w->db, "INSERT OR REPLACE INTO audit_head VALUES (1, ?, ?, ?)");
    sql_int(&q, a->first);
    sql_int(&q, a->last - a->first + 1);
    sql_blob(&q, a->hash, sizeof(a->hash));
    a->is_dirty = false;
    return sql_run(&q);
}

// ---- one row more

// Texts of a row, cut to what is kept.
struct texts {
    char text[7][STORE_AUDIT_TEXT + 1];
};

static const char *fit(const char *text, char *room)
{
    size_t len = text ? strlen(text) : 0;
    if (len <= STORE_AUDIT_TEXT && utf8_is_valid(text ? text : "", len)) {
        return text ? text : "";
    }
    utf8_clean(text, len, room, STORE_AUDIT_TEXT + 1);
    return room;
}

static void fit_all(struct store_audit_row *r, struct texts *t)
{
    const char **fields[] = {&r->cid,   &r->verdict, &r->stage,      &r->categories,
                             &r->rules, &r->app,     &r->destination};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        *fields[i] = fit(*fields[i], t->text[i]);
    }
}

static void bind_hash(struct sql *q, const uint8_t *hash)
{
    static const uint8_t none[STORE_HASH_BYTES];
    bool is_known = memcmp(hash, none, STORE_HASH_BYTES) != 0;
    sql_blob(q, is_known ? hash : NULL, is_known ? STORE_HASH_BYTES : 0);
}

static int insert(struct writer *w, const struct store_audit_row *r)
{
    struct sql q = sql_begin(
        &w->db,
        "INSERT OR FAIL INTO audit(seq, at_ms, job, cid, content, sent_hash, verdict,"
        " stage, categories, rules, app, destination, bytes_sent, n, until_seq, until_ms,"
        " before, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sql_int(&q, r->seq);
    sql_int(&q, r->at_ms);
    sql_int(&q, r->job);
    sql_text(&q, r->cid);
    bind_hash(&q, r->content);
    bind_hash(&q, r->sent_hash);
    sql_text(&q, r->verdict);
    sql_text(&q, r->stage);
    sql_text(&q, r->categories);
    sql_text(&q, r->rules);
    sql_text(&q, r->app);
    sql_text(&q, r->destination);
    sql_int(&q, r->bytes_sent);
    sql_int(&q, r->n);
    sql_int(&q, r->until_seq);
    sql_int(&q, r->until_ms);
    sql_blob(&q, w->audit.hash, sizeof(w->audit.hash));
    sql_blob(&q, r->hash, sizeof(r->hash));
    return sql_run(&q);
}

int audit_add(struct writer *w, const struct store_audit_row *row,
              struct store_audit_row *out)
{
    struct store_audit_row r = *row;
    struct texts texts;
    int rc = read_head(w);
    fit_all(&r, &texts);
    r.at_ms = r.at_ms ? r.at_ms : loop_wall_ms();
    r.seq = w->audit.last + 1;
    rc = rc ? rc : audit_chain_hash(&w->audit.chain, &r, w->audit.hash, r.hash);
    rc = rc ? rc : insert(w, &r);
    if (rc) {
        return rc;
    }
    w->audit.last = r.seq;
    w->audit.is_dirty = true;
    memcpy(w->audit.hash, r.hash, sizeof(w->audit.hash));
    if (out) {
        out->seq = r.seq;
        out->at_ms = r.at_ms;
        memcpy(out->hash, r.hash, sizeof(out->hash));
    }
    return 0;
}

int audit_keep(struct writer *w, int64_t job, const struct store_audit_row *rows, int n)
{
    int rc = 0;
    for (int i = 0; !rc && i < n; i++) {
        struct store_audit_row r = rows[i];
        r.job = r.job ? r.job : job;
        rc = audit_add(w, &r, NULL);
    }
    return rc;
}

// ---- retention

struct old_rows {
    int64_t last;  // of them; 0 = none
    int64_t last_ms;
};

// From the first on, up to the first one that is young enough: when the clock was wrong once
// more is kept, never less.
static int find_old(struct writer *w, int64_t before_ms, struct old_rows *o)
{
    struct sql q = sql_begin(&w->db, "SELECT seq, at_ms FROM audit WHERE seq >= ?"
                                     " ORDER BY seq LIMIT ?");
    sql_int(&q, w->audit.first);
    sql_int(&q, PRUNE_MOST);
    while (sql_row(&q)) {
        int64_t seq = sql_get_int(&q), at_ms = sql_get_int(&q);
        if (at_ms >= before_ms) {
            break;
        }
        o->last = seq;
        o->last_ms = at_ms;
    }
    return sql_end(&q);
}

static int oldest_ms(struct writer *w, int64_t *at_ms)
{
    struct sql q = sql_begin(&w->db, "SELECT at_ms FROM audit WHERE seq = ?");
    sql_int(&q, w->audit.first);
    return sql_one(&q, INT64_MAX, at_ms);
}

static int decide(struct writer *w)
{
    struct old_rows old = {0};
    int64_t keep_ms = w->audit_keep_ms;  // may change meanwhile
    int64_t before_ms = loop_wall_ms() - keep_ms, at_ms;
    int rc = keep_ms > 0 ? oldest_ms(w, &at_ms) : 0;
    if (rc || keep_ms <= 0 || at_ms >= before_ms - PRUNE_EVERY_MS) {
        return rc;
    }
    rc = find_old(w, before_ms, &old);
    if (rc || !old.last) {
        return rc;
    }
    const struct store_audit_row row = {
        .verdict = "prune",
        .n = old.last - w->audit.first + 1,
        .until_seq = old.last,
        .until_ms = old.last_ms,
    };
    rc = audit_add(w, &row, NULL);
    w->audit.first = old.last + 1;
    // The trigger looks at the head.
    return rc ? rc : audit_flush(w);
}

static int remove_pruned(struct writer *w, bool *has_more)
{
    struct sql q = sql_begin(&w->db, "DELETE FROM audit WHERE seq IN (SELECT seq"
                                     " FROM audit WHERE seq < ? ORDER BY seq LIMIT ?)");
    sql_int(&q, w->audit.first);
    sql_int(&q, REMOVE_ROWS);
    int rc = sql_run(&q);
    *has_more |= !rc && sql_changes(&w->db) == REMOVE_ROWS;
    return rc;
}

int audit_prune(struct writer *w, bool *has_more)
{
    int rc = read_head(w);
    rc = rc ? rc : decide(w);
    return rc ? rc : remove_pruned(w, has_more);
}

// ---- the request

static int apply_append(struct writer *w, void *request)
{
    struct store_audit_append *r = request;
    return audit_add(w, &r->row, &r->row);
}

static void append_run(struct pool_work *work, void *thread)
{
    struct store_audit_append *r = container_of(work, struct store_audit_append, work);
    writer_do(thread, WRITE_GROWS, &r->err, apply_append, r);
}

static void append_done(struct pool_work *work, int err)
{
    struct store_audit_append *r = container_of(work, struct store_audit_append, work);
    r->done(r, write_result(r->owner, &r->err, err));
}

void store_audit_append(struct store *s, struct store_audit_append *r,
                        void (*done)(struct store_audit_append *r, int err))
{
    assert(r->row.verdict && *r->row.verdict);
    r->err.code = 0;
    r->owner = s;
    r->done = done;
    write_submit(s, &r->work, append_run, append_done);
}
