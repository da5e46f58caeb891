// audit_verify.c -- is the chain whole?
//
// Every hash is computed anew from its row and the one before, from the first row that is
// kept to the last, and the last must be the one that the head names.  Of the rows before
// the first one a prune row in the chain must say that they were removed.
//
// In parts, each with a state of the database of its own, so that a million rows hold
// nobody up and pin no log.  Rows that come while it goes on are looked at too; when others
// are pruned meanwhile it begins anew.
// SPDX-License-Identifier: MIT
#include "store/audit_chain.h"
#include "store/audit_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART_ROWS = 4096, PART_MS = 60000 };

// Between two parts.
struct audit_walk {
    struct audit_chain chain;
    uint8_t before[STORE_CHAIN_BYTES];  // of the last sound row
    bool has_before;
    bool has_begun;
    int64_t next;                     // seq
    int64_t first;                    // of the head when it began
    int64_t last;                     // of the head now
    uint8_t head[STORE_CHAIN_BYTES];  // of the head now
    int64_t pruned_until;             // as prune rows say
    uint8_t expected[STORE_CHAIN_BYTES];
};

static const char *const names[] = {"sound", "altered", "removed",
                                    "cut",   "added",   "unknown"};

const char *store_audit_fault_name(enum store_audit_fault f)
{
    return f >= STORE_AUDIT_SOUND && f <= STORE_AUDIT_UNKNOWN ? names[f] : "";
}

static void to_hex(const uint8_t *bytes, char *out)
{
    for (int i = 0; i < STORE_CHAIN_BYTES; i++) {
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool from_hex(const char *hex, uint8_t *out)
{
    for (int i = 0; i < STORE_CHAIN_BYTES; i++) {
        int high = digit(hex[2 * i]);
        int low = high < 0 ? -1 : digit(hex[2 * i + 1]);
        if (low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return hex[2 * STORE_CHAIN_BYTES] == 0;
}

// ---- the rows

static bool is_broken(struct store_audit_verify *r, enum store_audit_fault fault,
                      int64_t seq)
{
    r->fault = fault;
    r->bad_seq = seq;
    return true;
}

static void find_expected(struct store_audit_verify *r, const uint8_t *hash, int64_t seq)
{
    const struct audit_walk *w = r->walk;
    if (r->expected && memcmp(hash, w->expected, sizeof(w->expected)) == 0) {
        r->expected_seq = seq;
        r->has_expected = true;
    }
}

static void note_prune(struct store_audit_verify *r, const struct store_audit_row *row)
{
    if (strcmp(row->verdict, "prune") == 0 && row->until_seq > r->walk->pruned_until) {
        r->walk->pruned_until = row->until_seq;
        r->pruned_until_ms = row->until_ms;
    }
}

// The first one that is kept can only be compared with what it says itself.
static bool begins_badly(struct store_audit_verify *r, const struct store_audit_row *row,
                         const uint8_t *before)
{
    static const uint8_t zeros[STORE_CHAIN_BYTES];
    struct audit_walk *w = r->walk;
    if (row->seq == 1 && memcmp(before, zeros, sizeof(zeros)) != 0) {
        return is_broken(r, STORE_AUDIT_ALTERED, row->seq);
    }
    memcpy(w->before, before, sizeof(w->before));
    w->has_before = true;
    find_expected(r, before, row->seq - 1);
    return false;
}

// *bad: what is wrong stands in r.
static int check_row(struct store_audit_verify *r, const struct store_audit_row *row,
                     const uint8_t *before, bool *bad)
{
    struct audit_walk *w = r->walk;
    uint8_t hash[STORE_CHAIN_BYTES];
    if (row->seq != w->next) {
        *bad = is_broken(r, STORE_AUDIT_REMOVED, row->seq);
        return 0;
    }
    if (!w->has_before && begins_badly(r, row, before)) {
        *bad = true;
        return 0;
    }
    int rc = audit_chain_hash(&w->chain, row, w->before, hash);
    if (rc) {
        return rc;
    }
    if (memcmp(before, w->before, sizeof(hash)) != 0 ||
        memcmp(hash, row->hash, sizeof(hash)) != 0) {
        *bad = is_broken(r, STORE_AUDIT_ALTERED, row->seq);
        return 0;
    }
    memcpy(w->before, hash, sizeof(hash));
    w->next++;
    r->rows++;
    note_prune(r, row);
    find_expected(r, hash, row->seq);
    return 0;
}

static int check_part(struct db *d, struct store_audit_verify *r, bool *bad)
{
    struct store_audit_row row;
    uint8_t before[STORE_CHAIN_BYTES];
    int rc = 0, n = 0;
    struct sql q = sql_begin(d, "SELECT " AUDIT_COLUMNS ", before FROM audit"
                                " WHERE seq >= ? ORDER BY seq LIMIT ?");
    sql_int(&q, r->walk->next);
    sql_int(&q, PART_ROWS);
    while (!rc && !*bad && sql_row(&q)) {
        audit_read(&q, &row);
        sql_get_blob(&q, before, sizeof(before));
        if (row.seq > r->walk->last) {
            bool is_next = row.seq == r->walk->next;
            *bad =
                is_broken(r, is_next ? STORE_AUDIT_ADDED : STORE_AUDIT_REMOVED, row.seq);
        } else {
            rc = check_row(r, &row, before, bad);
        }
        n++;
    }
    int end = sql_end(&q);
    r->has_more = n == PART_ROWS && !*bad;
    return rc ? rc : end;
}

// ---- its ends

// *is_moved: other rows are the first now.
static int read_head(struct db *d, struct store_audit_verify *r, bool *is_moved)
{
    struct audit_walk *w = r->walk;
    struct sql q = sql_begin(d, "SELECT first, first + count - 1, hash FROM audit_head"
                                " WHERE id = 1");
    int64_t first = 1;
    w->last = 0;
    if (sql_row(&q)) {
        first = sql_get_int(&q);
        w->last = sql_get_int(&q);
        sql_get_blob(&q, w->head, sizeof(w->head));
    }
    *is_moved = !w->has_begun || first != w->first;
    w->first = first;
    w->has_begun = true;
    return sql_end(&q);
}

static void begin(struct store_audit_verify *r)
{
    static const uint8_t zeros[STORE_CHAIN_BYTES];
    struct audit_walk *w = r->walk;
    w->next = r->first_seq = w->first;
    w->has_before = false;
    w->pruned_until = 0;
    r->rows = r->expected_seq = r->pruned_until_ms = 0;
    r->has_expected = false;
    if (w->first == 1) {
        find_expected(r, zeros, 0);
    }
}

static void check_ends(struct store_audit_verify *r)
{
    static const uint8_t zeros[STORE_CHAIN_BYTES];
    struct audit_walk *w = r->walk;
    const uint8_t *last = w->has_before ? w->before : zeros;
    if (w->next <= w->last) {
        is_broken(r, STORE_AUDIT_CUT, w->next);
    } else if (memcmp(last, w->head, sizeof(w->head)) != 0) {
        is_broken(r, STORE_AUDIT_CUT, w->next);
    } else if (w->pruned_until != w->first - 1) {
        is_broken(r, STORE_AUDIT_REMOVED, w->first);
    } else if (r->expected && !r->has_expected) {
        r->fault = STORE_AUDIT_UNKNOWN;
    }
}

static int verify_part(struct db *d, struct store_audit_verify *r)
{
    bool bad = false, is_moved;
    int rc = read_head(d, r, &is_moved);
    if (rc) {
        return rc;
    }
    if (is_moved) {
        begin(r);
    }
    rc = check_part(d, r, &bad);
    if (rc || bad || r->has_more) {
        return rc;
    }
    r->last_seq = r->walk->last;
    r->pruned = r->walk->first - 1;
    to_hex(r->walk->head, r->head);
    check_ends(r);
    return 0;
}

// ---- the request

static void verify_run(struct pool_work *work, void *thread)
{
    struct store_audit_verify *r = container_of(work, struct store_audit_verify, work);
    struct reader *reader = thread;
    r->has_more = false;
    if (r->err.code || read_begin(reader, work, PART_MS, &r->err)) {
        return;
    }
    read_end(reader, verify_part(&reader->db, r), &r->err);
}

static void finish(struct store_audit_verify *r, int err)
{
    if (r->walk) {
        audit_chain_fini(&r->walk->chain);
    }
    free(r->walk);
    r->walk = NULL;
    r->done(r, err);
}

static void verify_done(struct pool_work *work, int err)
{
    struct store_audit_verify *r = container_of(work, struct store_audit_verify, work);
    err = read_result(r->owner, &r->err, err);
    if (!err && r->has_more && !r->owner->is_closing) {
        read_submit(r->owner, &r->work, verify_run, verify_done);
        return;
    }
    if (!err && r->has_more) {
        err = err_set(&r->err, E_CANCELED, "%s: stopped after %lld rows", r->owner->path,
                      (long long)r->rows);
    }
    finish(r, err);
}

void store_audit_verify(struct store *s, struct store_audit_verify *r,
                        void (*done)(struct store_audit_verify *r, int err))
{
    const char *expected = r->expected;
    *r = (struct store_audit_verify){.expected = expected, .owner = s, .done = done};
    r->walk = calloc(1, sizeof(*r->walk));
    if (!r->walk || audit_chain_init(&r->walk->chain)) {
        err_set(&r->err, E_NOMEM, "%s: %s", s->path, err_words(E_NOMEM));
    } else if (expected && !from_hex(expected, r->walk->expected)) {
        err_set(&r->err, E_USAGE, "a hash has %d hexadecimal digits",
                2 * STORE_CHAIN_BYTES);
    }
    read_submit(s, &r->work, verify_run, verify_done);
}
