// trail.h -- the audit: what was decided and sent, in a chain of hashes.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_TRAIL_H
#define VLMD_STORE_TRAIL_H

#include "store/common.h"

// Durable at done: what may be sent only when that is written down.
struct store_audit_append {
    struct store_audit_row row;  // in; out: seq, at_ms, hash
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_audit_append *r, int err);
};
void store_audit_append(struct store *s, struct store_audit_append *r,
                        void (*done)(struct store_audit_append *r, int err));

// By time.
struct store_audit_list {
    // in
    int64_t since_ms, until_ms;  // 0 = no bound; until is not part of it
    bool is_oldest_first;
    int limit;                    // 1 to 1000
    int64_t after_ms, after_seq;  // continue: at_ms and seq of the last row; 0 = begin
    // out
    struct store_audit_row *rows;
    int n;
    bool has_more;
    char *block;  // owned, strings of the rows
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_audit_list *r, int err);
};
void store_audit_list(struct store *s, struct store_audit_list *r,
                      void (*done)(struct store_audit_list *r, int err));
void store_audit_list_fini(struct store_audit_list *r);

enum store_audit_by {
    STORE_BY_VERDICT,
    STORE_BY_CATEGORY,
    STORE_BY_APP,
    STORE_BY_DESTINATION,
    STORE_BYS
};

struct store_audit_total {
    enum store_audit_by by;
    const char *name;  // "" = rows without one (not for categories)
    int64_t rows;
    int64_t findings;         // sum of the counts of this category, or of all
    int64_t blocked, masked;  // of rows: those with that verdict
    int64_t bytes_sent;
};

// Read in parts, so it has no deadline and holds nobody up.
struct store_audit_totals {
    // in
    int64_t since_ms, until_ms;  // as in a list
    // out
    struct store_audit_total *totals;  // owned; by kind, most rows first
    int n;
    int64_t rows, bytes_sent;
    int64_t first_ms, last_ms;  // of the rows; 0 = none
    struct audit_sums *sums;    // private from here on
    int64_t after_ms, after_seq;
    bool has_more;
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_audit_totals *r, int err);
};
void store_audit_totals(struct store *s, struct store_audit_totals *r,
                        void (*done)(struct store_audit_totals *r, int err));
void store_audit_totals_fini(struct store_audit_totals *r);

enum store_audit_fault {
    STORE_AUDIT_SOUND,
    STORE_AUDIT_ALTERED,  // a row is not what it was when it was written
    STORE_AUDIT_REMOVED,  // rows are missing before bad_seq
    STORE_AUDIT_CUT,      // rows are missing at the end, from bad_seq on
    STORE_AUDIT_ADDED,    // a row was put in beside the chain
    STORE_AUDIT_UNKNOWN,  // the chain is sound, but the expected hash is not in it
};
const char *store_audit_fault_name(enum store_audit_fault f);  // "sound", "altered", ...

// Computes every hash anew, in parts: no deadline, memory for one row.  Whoever can write
// the file can also compute a whole new chain; only a hash that was noted elsewhere finds
// that: expected must be the hash of some row, as head was when it was noted.
struct store_audit_verify {
    // in
    const char *expected;  // in hex; NULL = none.  Borrowed until done
    // out
    enum store_audit_fault fault;
    int64_t bad_seq;  // 0 = sound
    int64_t rows;     // sound ones
    int64_t first_seq, last_seq;
    int64_t pruned;           // rows that retention removed before first_seq, ever
    int64_t pruned_until_ms;  // when the last of these was written; 0 = none
    // expected was found: the hash of this row, which may be the last one that was pruned,
    // or 0, for what was noted before the first one was written.
    bool has_expected;
    int64_t expected_seq;
    char head[2 * STORE_CHAIN_BYTES + 1];  // the last row's, in hex, to be noted
    struct audit_walk *walk;               // private from here on
    bool has_more;
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_audit_verify *r, int err);
};
void store_audit_verify(struct store *s, struct store_audit_verify *r,
                        void (*done)(struct store_audit_verify *r, int err));

#endif
