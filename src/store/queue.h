// queue.h -- the way in and through the queue: offers, batches, claims, leases.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_QUEUE_H
#define VLMD_STORE_QUEUE_H

#include "store/common.h"

// ---- in: a sighting becomes a queued job, once

// Hashes of a request that may come twice: of its name, and of all of it.
struct store_once {
    uint8_t key[32], body[32];
};

struct store_item {
    // in
    const char *root;  // folder the path must stay below, or NULL
    const char *path;  // absolute, or the URL
    bool is_url;
    int64_t size_bytes;
    int64_t mtime_ns;
    enum store_priority priority;
    struct store_meta meta;
    const struct store_once *once;  // borrowed; NULL = none.  Errors: E_REUSED
    const char *tier;  // as which it is to be described; NULL, "": as its claimer does
    bool is_tier_due;  // one that was described as another tier is described anew
    // out
    int64_t id;  // of the row, new or old
    // A row was made, a queued older version of the path replaced, or one queued again that
    // waited for its address or was described as another tier.
    bool is_new;
    bool is_ended;  // known and done already
};

// Unique key (path, size_bytes, mtime_ns): offering again makes no second row.  A path whose
// older version is still queued (not leased) gets that row's version moved instead of a
// second row.  A higher priority than the queued row's raises it; a tier replaces its tier.
// One that is leased goes on as it was asked for.
struct store_offer {
    struct store_item *items;  // at most STORE_MAX_OFFER; borrowed until done
    int n;
    int64_t batch;  // 0 = none; also makes the items members of this batch
    int n_new;      // out
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_offer *r, int err);
};
void store_offer(struct store *s, struct store_offer *r,
                 void (*done)(struct store_offer *r, int err));

// A batch is a set of jobs asked for by one command line; the same key is the same batch.
struct store_batch {
    const char *key;  // in: e.g. hash of the arguments
    int64_t id;       // out
    bool is_old;      // out: was there before
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_batch *r, int err);
};
void store_batch_open(struct store *s, struct store_batch *r,
                      void (*done)(struct store_batch *r, int err));

// ---- claim, renew, release

// Strings live in one block owned by the store_job; free with store_job_fini.
struct store_job {
    int64_t id;
    char cid[20];      // correlation id, hex
    const char *root;  // or NULL
    const char *path;  // absolute, or the URL
    bool is_url;
    int64_t size_bytes;
    int64_t mtime_ns;
    struct store_meta meta;
    enum store_priority priority;
    const char *tier;  // it was offered with; "" = none
    int attempts;      // requests made to backends so far
    int claims;        // leases so far, this one included
    bool is_degraded;  // has a stand-in description that should be replaced
    bool is_redo;      // asked for again by a person: no cache, no duplicate
    // It was blocked, and window and url were erased for that: rules on them can not be
    // judged any more unless the file says them again.
    bool is_meta_erased;
    int64_t queued_at_ms;
    char *block;  // owned
};
void store_job_fini(struct store_job *j);

// One conditional UPDATE ... RETURNING: a row goes to exactly one claimer.  Order: priority,
// then newest first; every eighth claim takes the longest waiting instead.  A row whose
// claims exceed max_claims ends as failed ("internal": it took its process down N times).
struct store_claim {
    // in
    int max;                // 1 to 64
    int64_t batch;          // only members of this batch; 0 = any
    bool with_degraded;     // also rows that already have a stand-in description
    bool only_interactive;  // only what a person waits for; not with batch
    // out
    struct store_job *jobs;  // owned: store_claim_fini, or take them one by one
    int n;
    // Unix: when the next row that now waits becomes due, of a batch no later than that;
    // 0 = none waits.
    int64_t next_at_ms;
    int64_t paused_until_ms;  // see pause.h; 0 = not paused, else nothing is given
    bool has_held_back;  // others would be there but for the pause, or only_interactive
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_claim *r, int err);
};
void store_claim(struct store *s, struct store_claim *r,
                 void (*done)(struct store_claim *r, int err));
void store_claim_fini(struct store_claim *r);

// Extends this process's leases on all of ids.  lost[i] is set where the lease is gone.
struct store_renew {
    const int64_t *ids;  // borrowed until done
    bool *lost;          // n entries, caller's
    int n;
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_renew *r, int err);
};
void store_renew(struct store *s, struct store_renew *r,
                 void (*done)(struct store_renew *r, int err));

// One request to a backend, for the history of a job.
struct store_attempt {
    int64_t at_ms;  // unix
    const char *backend;
    const char *model;
    int code;  // 0 or E_*
    const char *words;
    const char *remedy;  // what was changed for the next one; "" or NULL = nothing
    int64_t request_ms;
};
enum { STORE_MAX_ATTEMPTS = 8 };  // kept per save or release; older ones of a job stay

// leased -> queued.  A row that is no longer this owner's is left alone (lost is set).
struct store_release {
    // in
    int64_t id;
    int claims;            // of the store_job: which of its leases; 0 = not checked
    int64_t run_at_ms;     // unix; not claimed before; 0 = at once; at most a day ahead
    bool counts_as_claim;  // false: an outage or a stop, the claim is forgotten
    int code;              // why, 0 = stopped
    const char *words;
    const struct store_attempt *attempts;
    int n_attempts;
    const struct store_audit_row *audit;  // written whether the lease is lost or not
    int n_audit;
    // out
    bool lost;
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_release *r, int err);
};
void store_release(struct store *s, struct store_release *r,
                   void (*done)(struct store_release *r, int err));

#endif
