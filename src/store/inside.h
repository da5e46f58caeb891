// inside.h -- what the parts of the store share: the store, its readers, small helpers.
// Private to store/.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_INSIDE_H
#define VLMD_STORE_INSIDE_H

#include "store/statements.h"
#include "store/store.h"
#include "store/writer.h"

#include <stdatomic.h>

enum { STORE_MAX_READERS = 16 };

// Runs of the pending work, the look at leases, and maintenance; loop thread.
struct upkeep {
    struct pool_work work;
    struct err err;
    bool is_under_way;
    bool is_full;            // in: also what comes once an hour
    int64_t due_ms;          // monotonic
    int64_t full_due_ms;     // monotonic
    int64_t lease_until_ms;  // out: unix, of the earliest lease; 0 = none
    bool is_pruning;         // in, out: the audit's old rows
    bool has_more;           // out: come back soon
    bool looks_again;        // out: come back to see whether the log was emptied
};

struct reader {
    struct db db;
    struct address_key key;
    struct store *store;
    int64_t deadline_ms;  // monotonic, of what runs now
    int64_t began_us;     // its thread's processor time then
    // The loop asks for a stop by naming the work; the reader stops if that is what it
    // runs.
    _Atomic(struct pool_work *) running;
    _Atomic(struct pool_work *) unwanted;
};

// How long works waited for a thread.
struct store_pool {
    struct histogram waited;  // us
};

struct store {
    struct loop *loop;
    struct store_config config;
    char *path;  // owned
    char name[OWNER_BYTES];
    struct pool *writer_pool;  // NULL when read only
    struct pool *reader_pool;
    struct writer writer;  // writer thread
    struct reader readers[STORE_MAX_READERS];
    atomic_int readers_taken;
    struct statements statements;
    struct store_pool read_load, write_load;
    atomic_llong read_us;  // processor time of all readers
    struct upkeep upkeep;
    bool is_closing;
    void (*on_closed)(void *arg);  // NULL: open failed half way
    void *closed_arg;
};

// Sends w to the writer (or, when there is none, where write_result says E_STORE).
void write_submit(struct store *s, struct pool_work *w,
                  void (*run)(struct pool_work *w, void *thread),
                  void (*done)(struct pool_work *w, int err));
// What done gets: err of the work, or what stands in e, with words in e in any case.
int write_result(const struct store *s, struct err *e, int err);

void read_submit(struct store *s, struct pool_work *w,
                 void (*run)(struct pool_work *w, void *thread),
                 void (*done)(struct pool_work *w, int err));
// Around every read: one snapshot, the deadline, and the words for what went wrong.
MUST_USE int read_begin(struct reader *r, struct pool_work *w, int64_t deadline_ms,
                        struct err *e);
void read_end(struct reader *r, int rc, struct err *e);
int read_result(const struct store *s, struct err *e, int err);

int64_t clock_ms(void);  // monotonic, any thread

// Gives leases back whose time is over or whose owner is dead.  Writer thread.
MUST_USE int lease_collect(struct writer *w, int64_t now_ms, bool looks_for_dead);
// The lease of this owner was taken at now_ms: the next look is due when it may end.
void upkeep_note_lease(struct store *s);
void upkeep_note_drop(struct store *s);  // there are remains to clear away
MUST_USE int upkeep_enter(struct writer *w, struct err *e);  // writes the owner's row
void upkeep_leave(struct writer *w);  // gives leases back; before the connection closes

// An ended row is queued again, as a person asked.
MUST_USE int change_requeue(struct writer *w, int64_t job, enum store_action action);

// Keeps the last of the requests that were made for a job.
MUST_USE int attempts_keep(struct writer *w, int64_t job, const struct store_attempt *a,
                           int n);

// Replaces n strings by copies in one block; NULL strings stay NULL.
MUST_USE int strings_copy(const char **const *fields, int n, char **block);

#endif
