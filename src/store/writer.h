// writer.h -- the one connection that writes: group commit.
//
//   begin --> do, do, do --> end: search index, COMMIT
//              |      | disk full, I/O error
//              |      '--> all requests of the group fail, nothing of them is kept
//              | this request alone is at fault
//              '--> ROLLBACK, and the others are done once more without it
//
// Private to store/.
// Thread: writer, except where a comment says otherwise.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_WRITER_H
#define VLMD_STORE_WRITER_H

#include "io/loop.h"
#include "store/address.h"
#include "store/audit_chain.h"
#include "store/owner.h"
#include "store/sql.h"

#include <stdatomic.h>

enum { WRITER_GROUP = 256, WRITER_WORDS = 64, WRITER_FRAMES = 8 };

// Under the disk reserve new work stops first; what was paid for may use half of the
// reserve; what gives space or leases back is always tried.
enum write_kind { WRITE_GROWS, WRITE_FINISHES, WRITE_FREES };

struct writer {
    struct db db;
    // Written in open, then constant.
    const char *path;  // borrowed: as long as the store
    int64_t min_free_bytes;
    int64_t lease_ms;
    int max_claims;
    _Atomic int64_t audit_keep_ms;  // any thread
    bool (*redact)(void *arg, const char *address, struct buf *out);  // or NULL
    void *redact_arg;
    struct address_key key;
    int64_t owner;
    char owner_name[OWNER_BYTES];
    // Of the group that is under way.
    struct writer_op {
        struct err *err;  // borrowed, like request: until the group's end
        int (*apply)(struct writer *w, void *request);
        void *request;
        const char *asker;  // see db.asker
        bool is_out;
    } ops[WRITER_GROUP];
    int n_ops;
    int broken;  // E_* all of the group fails with
    char broken_words[320];
    int64_t free_bytes;
    int64_t *docs;  // owned; jobs to put into the search index at the group's end
    size_t n_docs, cap_docs;
    size_t n_indexed;                          // of these, already there
    int64_t prompt_tokens, completion_tokens;  // to be added at the group's end
    struct {
        char *text;  // owned
        int64_t id;
    } words[WRITER_WORDS];
    int64_t data_version;  // changes when another process has written
    bool must_reopen;
    bool wants_upkeep;    // after the commit: statistics, checkpoint
    int64_t empty_for;    // after the commit: empty the log, for this number of SUM_DIRTY
    int64_t emptied_for;  // that was done for this one
    atomic_bool is_dirty;  // something is to be cleared away; taken by the loop
    bool owes_scrub;       // something is, since this process removed it
    struct writer_audit {  // the end of the audit's chain
        struct audit_chain chain;
        int64_t first, last;              // seq
        uint8_t hash[STORE_CHAIN_BYTES];  // of the last
        bool is_known;                    // read in this transaction
        bool is_dirty;                    // to be written at the group's end
    } audit;
    // Across groups; as before the group when it is rolled back.
    struct carried {
        unsigned claimed;               // counts claims, for every eighth
        int64_t wall_ms, monotonic_ms;  // when leases were last looked at
    } carried, carried_before;
    atomic_llong commits;  // like the next ones, read by stats.c
    atomic_llong checkpoints, checkpoint_us;
};

// Sums in tally beside the counts of jobs.
enum writer_sum {
    SUM_PROMPT_TOKENS = -1,
    SUM_COMPLETION_TOKENS = -2,
    // 1: documents were removed; -1: their words are being merged out; -2: that, and more
    // documents were removed since that began
    SUM_TO_MERGE = -3,
    // What is dirty is numbered; numbers up to SUM_CLEAN have left the files.
    SUM_DIRTY = -4,
    SUM_CLEAN = -5,
    SUM_FORGOTTEN = -6,  // items, not yet in the audit
    SUM_UNSWEPT =
        -7,  // addresses of rows from this one on are to be looked at; 0 = of none
};
// In place of a batch in tally (-1 is none).
enum {
    TALLY_FOLDERS = -2,  // key: a folder's word, perhaps unused; n: items searched for it
    TALLY_SEGMENTS = -3  // key: segment of the index that is being merged
};

MUST_USE int writer_open(struct writer *w, struct err *e);
void writer_close(struct writer *w);
// Other processes may hold the lock: as long as usual.
void writer_wait_for_others(struct writer *w);
int writer_begin(void *writer);  // struct pool_config.batch_begin
int writer_end(void *writer);    // struct pool_config.batch_end
// Runs apply(w, request) as part of the group; e gets what went wrong.  apply may be called
// again, after a rollback: it sets all of the request's out fields each time.
void writer_do(struct writer *w, enum write_kind kind, struct err *e,
               int (*apply)(struct writer *w, void *request), void *request);

// Moves what can be moved from the log into the file; mode and result are SQLite's.
int writer_checkpoint(struct writer *w, int mode);
// The number of a word; makes it.  "" and NULL are 0.
MUST_USE int writer_word(struct writer *w, const char *text, int64_t *id);
// A word is gone: what is remembered of them is dropped.
void writer_forget_words(struct writer *w);
// Adds n to a sum of the whole.
MUST_USE int writer_add(struct writer *w, enum writer_sum sum, int64_t n);
// Tokens (negative = not known) for the sums of the whole, kept until the group's end,
// and of the batches job is a member of (0 = of none).
MUST_USE int writer_spend(struct writer *w, int64_t job, int64_t prompt,
                          int64_t completion);

#endif
