// change.h -- what a person changes: tried again, done anew, dropped.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_CHANGE_H
#define VLMD_STORE_CHANGE_H

#include "store/common.h"
#include "store/questions.h"

enum store_action {
    STORE_RETRY,    // failed -> queued, attempts start anew
    STORE_REDO,     // any ended -> queued; the old result stays until a new one is there
    STORE_DROP,     // ended or queued -> row, index and unshared result removed
    STORE_UPGRADE,  // ended with a stand-in description -> queued (waits for a model)
};

struct store_change {
    enum store_action action;
    struct store_filter
        filter;        // DROP, RETRY, REDO refuse an empty filter (E_USAGE) unless
    bool all;          //   all is set
    const char *tier;  // RETRY, REDO: as which they are described; NULL, "": as before
    int64_t n;         // out: rows changed
    // Of these, not dropped: their addresses were removed, and filter.path is not it.  They
    // are queued when it is offered again.
    int64_t n_wanted;
    int64_t after_id, next_id;  // private from here on
    int step, step_wanted;
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_change *r, int err);
};
void store_change(struct store *s, struct store_change *r,
                  void (*done)(struct store_change *r, int err));

// Removes everything known about items: rows (also leased ones), results, history, frames,
// words of the search index.  Others that show a description made from one of them, or one of
// the same bytes, are queued again.  In steps, each of them whole; audit rows stay, and one more says how many
// went (by the process that is there next, if this one dies before it).
//
// Not done before nothing of it is left in the database, its index or the write-ahead log,
// which takes as long as writing a good part of the index anew.
struct store_forget {
    // in
    struct store_filter filter;  // only id, path, app, since_ms, until_ms; else E_USAGE
    bool is_trial;               // only counts
    // out
    int64_t n;           // items
    int64_t n_requeued;  // other items whose description went with them
    // false: another process still reads an old state of the database, and the write-ahead
    // log with it; that is cleared by upkeep, or at the latest when the last one closes.
    bool is_clean;
    int64_t after_id, next_id;  // private from here on
    int64_t step_requeued, number;
    int step, tries;
    bool has_more, tries_log;
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_forget *r, int err);
};
void store_forget(struct store *s, struct store_forget *r,
                  void (*done)(struct store_forget *r, int err));

#endif
