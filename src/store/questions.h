// questions.h -- questions: rows, counts, history, search.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_QUESTIONS_H
#define VLMD_STORE_QUESTIONS_H

#include "store/common.h"

// Everything known of one job.  Strings are never NULL.
struct store_row {
    int64_t id;
    const char *cid, *path, *root;
    bool is_url;
    bool is_address_removed;  // path has placeholders (store_config.redact)
    bool is_wanted;           // it is queued again when its address is offered again
    enum store_state state;
    enum store_outcome outcome;
    int code;
    const char *reason;
    const char *lease_owner;
    int64_t lease_until_ms, run_at_ms;
    bool has_content;
    uint8_t content[STORE_HASH_BYTES];
    uint8_t sent_hash[STORE_HASH_BYTES];
    const char *app, *window, *screen, *page_url;
    int64_t taken_at_ms, queued_at_ms, ended_at_ms, size_bytes, mtime_ns;
    int64_t at_ms;  // taken_at, else first seen
    int width, height, sent_width, sent_height;
    int64_t sent_bytes;
    int attempts;
    int64_t duplicate_of;
    int near_blocks, near_diff;  // of a duplicate that is not the same bytes; else -1
    int n_duplicates;            // jobs that inherit from this one
    int64_t first_duplicate_ms, last_duplicate_ms;  // taken_at, else first seen; 0 = none
    int64_t queued_ms, prepare_ms, request_ms, first_byte_ms;
    // of the result, own or inherited; "" / -1 when there is none
    bool has_result, is_degraded;
    const char *backend, *model, *prompt, *tier, *summary, *activity, *seen_app, *details;
    const char *tags, *text, *raw, *finish_reason, *ocr_text;
    const char *params;                 // canonical text of what else shaped the answer
    const char *tier_asked, *fallback;  // as saved
    int fallback_code;
    const char *verdict, *masks;  // as saved
    int64_t prompt_tokens, completion_tokens, created_at_ms;
    const char *snippet;  // search: hit with \x02 before and \x03 after each match
};

// STORE_TAKEN: by at_ms, the newest first.
enum store_order { STORE_NEWEST, STORE_OLDEST, STORE_RANK, STORE_TAKEN };

// Zero or NULL fields do not filter.
struct store_filter {
    const char *text;  // search words; see store_query
    const char *app;   // equal, case ignored
    const char *tag;
    // Equal, or below it when it is a folder, or a glob.  A removed address is found by its
    // whole text, or by what it is told as.
    const char *path;
    bool is_path_exact;  // neither a folder nor a glob
    int64_t id;
    uint64_t cid;                // correlation id
    int64_t since_ms, until_ms;  // taken_at, else queued_at
    unsigned states;             // bit per enum store_state
    unsigned outcomes;           // bit per enum store_outcome
    int code;                    // failure class
    int64_t batch;
    bool only_degraded;
};

// text is what a person types: words (all must match; the last one also as a prefix while
// it has few hits as it stands), begin*, "quoted phrases", -word excludes.  Never an FTS5
// syntax error.
struct store_query {
    // in
    struct store_filter filter;
    enum store_order order;
    int limit;         // rows per request, 1 to 1000
    int64_t after_id;  // continue: rows after this id in the order (not for STORE_RANK)
    int64_t after_at_ms;  // STORE_TAKEN: at_ms of that row
    // out
    struct store_row *rows;
    int n;
    bool has_more;
    char *block;  // owned, strings of the rows
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_query *r, int err);
};
void store_query(struct store *s, struct store_query *r,
                 void (*done)(struct store_query *r, int err));
void store_query_fini(struct store_query *r);

// The requests that were made for one job, oldest first.
struct store_history {
    int64_t id;
    struct store_attempt *attempts;
    int n;
    char *block;
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_history *r, int err);
};
void store_history(struct store *s, struct store_history *r,
                   void (*done)(struct store_history *r, int err));
void store_history_fini(struct store_history *r);

struct store_counts {
    int64_t batch;  // in; 0 = all
    // out
    int64_t total, queued, due, leased, ended;
    int64_t by_outcome[STORE_FAILED + 1];
    int64_t degraded;          // described by a stand-in
    int64_t oldest_queued_ms;  // unix; 0 = none
    int64_t day_total;         // taken in the last 24 h
    int64_t day_described;     //   of these answered, cached or duplicate
    int64_t database_bytes;    // with WAL
    int64_t prompt_tokens, completion_tokens;
    int64_t paused_until_ms;  // see pause.h; 0 = not paused
    struct {
        int code;
        int64_t n;
    } failures[16];  // most frequent first; code 0 ends
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_counts *r, int err);
};
void store_count(struct store *s, struct store_counts *r,
                 void (*done)(struct store_counts *r, int err));

#endif
