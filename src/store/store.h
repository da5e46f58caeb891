// store.h -- the durable queue, the results and the search index.  The only SQL.
//
// The row is the queue: a job is queued, leased (until a time, by an owner) or ended with an
// outcome, and nothing else is the truth.  Every write goes through one writer thread that
// commits in groups; readers have their own connections and a deadline.
//
// All requests follow one contract: zero-initialise, fill *in*, call, wait for done on the
// loop thread (never from inside the call); *in* strings are borrowed until done; *out* is
// valid from done until store_*_fini, or for requests without one until they are freed.
// Every done may get E_STORE (words in err), E_FULL, E_DEADLINE, E_CANCELED.
//
// queue.h: in and through the queue; answers.h: kept, and who has one; questions.h: rows,
// counts, searches; change.h: what a person changes; trail.h: the audit; peers.h: processes.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_STORE_H
#define VLMD_STORE_STORE_H

#include "store/answers.h"
#include "store/change.h"
#include "store/common.h"
#include "store/peers.h"
#include "store/questions.h"
#include "store/queue.h"
#include "store/trail.h"

struct store_config {
    const char *path;   // of the database; folders are made (0700), the file is 0600
    bool is_read_only;  // no writer thread; every write request is E_STORE
    int readers;        // threads, default 2
    int64_t read_deadline_ms;  // default 2000
    int64_t lease_ms;          // default 120000
    int max_claims;  // leases a job may lose by crashes before it fails; default 20
    int64_t min_free_bytes;  // below this on the disk writes are E_FULL; default 32 MiB
    int64_t audit_keep_ms;   // older audit rows are removed; 0 = none ever is
    int64_t slow_ms;  // a statement that takes longer is kept for stats; default 100
    // May the path or URL of a job that has ended not be kept?  Then out holds it with
    // placeholders: this is what it is told as from now on, and a keyed hash of the address
    // all that is left of it (so that it is known when it is offered again).  NULL: all may.
    // Until the job has ended the address is what is opened or fetched, and stays.
    // Thread: the store's writer.
    bool (*redact)(void *arg, const char *address, struct buf *out);
    void *redact_arg;
};

void store_config_default(struct store_config *c);
// Opens or creates, migrates forward, gives back the leases of dead processes of this
// machine and of expired ones.  Blocks (before the loop runs).  Errors in words: newer
// schema than this program, not a vlmd database, network file system, no permission,
// corrupt.
MUST_USE int store_open(struct store **out, struct loop *l, const struct store_config *c,
                        struct err *e);
// Finishes what was accepted, checkpoints, closes.
void store_close(struct store *s, void (*on_closed)(void *arg), void *arg);
const char *store_owner(const struct store *s);  // this process's lease owner name
const char *store_path(const struct store *s);
// audit_keep_ms and slow_ms of c hold from now on; the rest needs another store_open.
void store_configure(struct store *s, const struct store_config *c);

#endif
