// pool.h -- own worker threads with one queue; a pool of one thread is a serial queue.
//
// Not libuv's global pool: that one is shared with every file operation of the host and
// sized by its environment.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IO_POOL_H
#define VLMD_IO_POOL_H

#include "base/list.h"
#include "io/loop.h"

#include <stdbool.h>

struct pool;

// Embedded in the caller's request; zero-initialise, set run and done, submit.
struct pool_work {
    // Pool thread.  thread is what pool_hooks.thread_open returned.
    void (*run)(struct pool_work *w, void *thread);
    // Loop thread, exactly once for each accepted submit, never from inside submit or
    // cancel.  err: 0 = run was called; E_CANCELED = it was not; else what batch_end
    // returned for the batch this work was part of.
    void (*done)(struct pool_work *w, int err);
    struct list node;  // private from here on
    struct pool *pool;
    int err;
    int state;
    int64_t queued_us;
    char asker[LOOP_ASKER];  // whose it is, see loop_ask_as; "" = nobody's
};

struct pool_config {
    const char *name;  // of the threads, at most 15 bytes; borrowed: during open
    int threads;       // at least 1
    int nice;          // of the threads, over the process's own: who waits is let before
    bool is_keen;      // somebody waits for each work: it begins at once (base/slice.h)
    void *arg;         // for the hooks below; each may be NULL
    void *(*thread_open)(void *arg);  // in the new thread, before any work
    void (*thread_close)(void *arg, void *thread);
    void (*thread_rest)(void *thread);      // see pool_rest
    void (*work_begins)(void *thread, const struct pool_work *w);  // before its run
    void (*waited)(void *arg, int64_t us);  // pool thread: how long a work was queued
    // Group commit: a thread takes up to batch_max queued works at once, calls batch_begin,
    // each run in order, batch_end; the works' done come only after that.  0 or 1 = off.
    int batch_max;
    int (*batch_begin)(void *thread);  // an error skips the runs and fails the batch
    int (*batch_end)(void *thread);
};

// Errors: E_NOMEM.
MUST_USE int pool_open(struct pool **out, struct loop *l, const struct pool_config *c);
void pool_submit(struct pool *p, struct pool_work *w);
// Not begun yet: done comes with E_CANCELED.  Begun: runs to its end, done comes with 0.
void pool_cancel(struct pool *p, struct pool_work *w);
// Each thread calls thread_rest once, as soon as it finds no work.
void pool_rest(struct pool *p);
// Takes no more work, finishes what is queued, joins the threads, then calls on_closed and
// the pool is gone.  The caller must not touch p after on_closed.
void pool_close(struct pool *p, void (*on_closed)(void *arg), void *arg);
int pool_queued(const struct pool *p);   // not yet begun
int pool_running(const struct pool *p);  // begun, done not yet called

#endif
