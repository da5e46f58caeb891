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
    int64_t audit_keep_ms;
    int64_t owner;
    char owner_name[OWNER_BYTES];
    // Of the group that is under way.
    struct writer_op {
        struct err *err;  // borrowed, like request: until the group's end
        int (*apply)(struct writer *w, void *request);
        void *request;
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
    bool must_reopen;
    bool wants_upkeep;    // after the commit: statistics, checkpoint
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
    atomic_llong commits;  // read by tests
};

// Sums in tally beside the counts of jobs.
enum writer_sum {
    SUM_PROMPT_TOKENS = -1,
    SUM_COMPLETION_TOKENS = -2,
    // > 0: documents were removed; < 0: their remains are being merged out
    SUM_TO_MERGE = -3,
};

MUST_USE int writer_open(struct writer *w, struct err *e);
void writer_close(struct writer *w);
int writer_begin(void *writer);  // struct pool_config.batch_begin
int writer_end(void *writer);    // struct pool_config.batch_end
// Runs apply(w, request) as part of the group; e gets what went wrong.  apply may be called
// again, after a rollback: it sets all of the request's out fields each time.
void writer_do(struct writer *w, enum write_kind kind, struct err *e,
               int (*apply)(struct writer *w, void *request), void *request);

// The number of a word; makes it.  "" and NULL are 0.
MUST_USE int writer_word(struct writer *w, const char *text, int64_t *id);
// Adds n to a sum of the whole.
MUST_USE int writer_add(struct writer *w, enum writer_sum sum, int64_t n);
// Tokens (negative = not known) for the sums of the whole, kept until the group's end,
// and of the batches job is a member of (0 = of none).
MUST_USE int writer_spend(struct writer *w, int64_t job, int64_t prompt,
                          int64_t completion);

#endif
