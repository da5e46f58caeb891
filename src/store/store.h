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
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_STORE_H
#define VLMD_STORE_STORE_H

#include "base/buf.h"
#include "io/loop.h"
#include "io/pool.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

enum { STORE_HASH_BYTES = 16, STORE_THUMB_BYTES = 128 * 72, STORE_MAX_OFFER = 256 };
enum { STORE_CHAIN_BYTES = 32 };  // of a hash in the audit's chain

enum store_state { STORE_QUEUED, STORE_LEASED, STORE_ENDED };

// Set once, when a job ends.
enum store_outcome {
    STORE_NONE,
    STORE_ANSWERED,   // has its own result
    STORE_CACHED,     // same content, model, prompt and parameters had a result already
    STORE_DUPLICATE,  // inherits the description of duplicate_of
    STORE_BLOCKED,    // a privacy rule
    STORE_SKIPPED,    // nothing to describe: deleted, a tracker's thumbnail, superseded
    STORE_FAILED,     // in the failure list with err_code
};

// Claimed in this order; an aged job is never starved by newer ones (see store_claim).
enum store_priority { STORE_BACKFILL, STORE_BATCH, STORE_LIVE, STORE_INTERACTIVE };

const char *store_state_name(enum store_state s);      // "queued", "leased", "ended"
const char *store_outcome_name(enum store_outcome o);  // "answered", ...
int store_outcome_by_name(const char *name);           // or -1

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

// What is known of a picture from outside it.  "" or 0 = not known.
struct store_meta {
    const char *app;
    const char *window;
    const char *screen;
    const char *url;  // of the page on the screen
    int64_t taken_at_ms;
};

// One decision about a picture, or what was done with what is known.  It never holds text
// of the screen, a path or a window's title.  Strings: NULL = ""; longer ones than
// STORE_AUDIT_TEXT bytes are cut.
//
// Totals add up bytes_sent over all rows: of the rows about one sending only one has it.
enum { STORE_AUDIT_TEXT = 1023 };
struct store_audit_row {
    int64_t at_ms;  // unix; 0 = now
    int64_t job;    // 0 = none (in a save or a release: the one it is of)
    const char *cid;
    uint8_t content[STORE_HASH_BYTES];    // of the picture; zeros = not known
    uint8_t sent_hash[STORE_HASH_BYTES];  // of what was sent; zeros = nothing
    // "allow", "safe", "mask", "block", "redact", "forget", "prune", "rules" (others hold now)
    const char *verdict;
    const char *stage;    // "meta", "text", "send", "answer", ...; "" = of no picture
    const char *categories;   // what was found, with counts: "card=2 email=1"
    const char *rules;        // names of the rules that applied
    const char *app;          // name of the program
    const char *destination;  // backend and where that is: "lab remote"; "" = none
    int64_t bytes_sent;
    int64_t n;          // forget: items; prune: rows
    int64_t until_seq;  // prune: the last row that was removed
    int64_t until_ms;   // prune: when that one was written
    // Only read:
    int64_t seq;  // from 1, without gaps
    uint8_t hash[STORE_CHAIN_BYTES];
};

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
    struct store_job
        *jobs;  // owned by the caller: store_claim_fini, or take them one by one
    int n;
    int64_t
        next_at_ms;  // unix: when the next row that now waits becomes due; 0 = none waits
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

// ---- duplicates and the cache

// A described picture of the same source (screen and folder), to compare with.
struct store_frame {
    int64_t job;
    int width, height;  // of the picture
    uint8_t thumb[STORE_THUMB_BYTES];
};
// Kept per source: the last so many, by the time they were described.
enum { STORE_KEPT_FRAMES = 64, STORE_MAX_FRAMES = 4, STORE_NEAR_BITS = 8 };

struct store_similar {
    // in
    int64_t id;  // the job that asks
    uint8_t content[STORE_HASH_BYTES];
    bool wants_frames;
    uint64_t look;        // those whose look differs in few bits may be alike
    const char *screen;   // as read from the file; "" = as offered
    const char *app;      // frames of another one are left out; "" = not known
    int64_t taken_at_ms;  // 0 = as offered
    const char *model;    // "" = any model will do (first description)
    const char *prompt;   // prompt version
    const char *params;
    const char *tier;  // only what was asked for as this; NULL, "" = any
    int64_t since_ms;  // unix; older descriptions do not count
    // out
    int64_t
        duplicate_of;  // ended job with the same content and a full description; 0 none
    int64_t in_progress;  // another leased job that asked about this content first; 0
    int64_t result;       // cached result for (content, model, prompt, params); 0 none
    // With a full description: the nearest in time before and after, then by look.
    struct store_frame *frames;  // owned by the caller after done: free()
    int n_frames;
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_similar *r, int err);
};
// Also writes content into the job's row, so that equal pictures that are under way at the
// same time find each other (goes through the writer for that reason).
void store_similar(struct store *s, struct store_similar *r,
                   void (*done)(struct store_similar *r, int err));

// ---- keep

struct store_result {
    const char *backend;  // name
    const char *model;
    const char *prompt;  // version, e.g. "ide/1"
    const char *params;  // canonical text of what else shaped the answer
    bool is_degraded;    // stand-in (OCR): asked again when a model is there
    const char *tier;
    const char *summary;
    const char *activity;
    const char *app;  // what the model saw
    const char *details;
    const char *tags;  // JSON array of strings
    const char *text;  // readable text on the screen
    const char *raw;   // the answer as it came
    const char *finish_reason;
    int64_t prompt_tokens;      // -1 = not told
    int64_t completion_tokens;  // -1 = not told
};

// leased -> ended, with everything that is known, in one transaction; fenced by owner.
struct store_save {
    // in
    int64_t id;
    int claims;  // of the store_job: which of its leases; 0 = not checked
    enum store_outcome outcome;
    int code;            // E_* for failed; 0
    const char *reason;  // words: why blocked, skipped, failed; "" otherwise
    // As read from the file; overrides what was offered.  Blocked: the row's window and url
    // are erased instead (a description from before stays with them).
    struct store_meta meta;
    // window and url of meta have placeholders for what may not be kept: they replace the
    // row's even when they are "", and what the row said before leaves no trace in the files.
    bool is_redacted;
    const char *verdict;  // "allow", "safe", "mask", "block"; NULL = ""
    const char *masks;    // painted over, px of the picture: "x,y,w,h;..."; NULL = ""
    bool has_image;       // the fields up to thumb are known
    uint8_t content[STORE_HASH_BYTES];
    uint8_t sent_hash[STORE_HASH_BYTES];
    uint8_t thumb[STORE_THUMB_BYTES];
    int64_t size_bytes;  // of the version that was read
    int64_t mtime_ns;
    int width, height, sent_width, sent_height;
    int64_t sent_bytes;
    bool is_frame;         // answered: later pictures of its source are compared with it
    uint64_t look;         // for is_frame
    int64_t duplicate_of;  // for duplicate
    bool is_near;          // duplicate: not the same bytes, but alike
    int near_blocks, near_diff;         // how different, for a person
    int64_t cached_result;              // for cached
    const struct store_result *result;  // for answered
    const char *tier;                   // asked for; NULL = ""
    const char *fallback;  // what was used instead: "backend", "tier", "ocr", "metadata"
    int fallback_code;     // why: E_*; 0 with no fallback
    const char *ocr_text;  // found by OCR, searchable; or NULL
    int64_t queued_ms, prepare_ms, request_ms, first_byte_ms;
    const struct store_attempt *attempts;
    int n_attempts;
    const struct store_audit_row *audit;  // written whether the lease is lost or not
    int n_audit;
    // out
    bool lost;  // the lease was gone: the row is as it was; or duplicate_of or
                //   cached_result were dropped meanwhile: it is queued again
    int64_t
        merged_into;  // duplicate of the same path: the older row of that path now has
                      //   this version, and the row of id is gone; 0 = no
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_save *r, int err);
};
void store_save(struct store *s, struct store_save *r,
                void (*done)(struct store_save *r, int err));

// ---- questions

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

// ---- what a person changes

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

// ---- audit: what was decided and sent, in a chain of hashes

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

// ---- the processes that work on this database

// What this process wants others to know of it, kept in its row until it closes.
struct store_publish {
    const char *status;  // in: JSON, at most 64 KiB
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_publish *r, int err);
};
void store_publish(struct store *s, struct store_publish *r,
                   void (*done)(struct store_publish *r, int err));

struct store_worker {
    const char *owner;  // as store_owner() of that process
    int64_t pid;        // 0 = of another machine
    int64_t started_at_ms, seen_at_ms;
    const char *status;  // "" = published nothing
};

// Those that are alive, as far as this machine can tell.
struct store_workers {
    struct store_worker *workers;  // out
    int n;
    char *block;  // owned
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_workers *r, int err);
};
void store_workers(struct store *s, struct store_workers *r,
                   void (*done)(struct store_workers *r, int err));
void store_workers_fini(struct store_workers *r);

// ---- what was learned

// A small text that outlives the process, by a key of the caller's.
struct store_profile {
    char key[768];    // in
    char value[320];  // in of keep, out of find: "" = nothing is known
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_profile *r, int err);
};
void store_profile_keep(struct store *s, struct store_profile *r,
                        void (*done)(struct store_profile *r, int err));
void store_profile_find(struct store *s, struct store_profile *r,
                        void (*done)(struct store_profile *r, int err));

// All of them whose key begins so, the newest first, STORE_MOST_PROFILES at most.
enum { STORE_MOST_PROFILES = 64 };
struct store_profiles {
    char prefix[640];                            // in
    struct store_profile_row {
        char key[768], value[320];
    } *rows;  // out; owned by the caller: free()
    int n;
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_profiles *r, int err);
};
void store_profiles(struct store *s, struct store_profiles *r,
                    void (*done)(struct store_profiles *r, int err));

// Maintenance, when its time has come: expired leases return, PRAGMA optimize, WAL
// checkpoint.  Returns the next deadline (monotonic ms).
int64_t store_tick(struct store *s, int64_t now_ms);

// Checks for doctor: integrity (quick_check), schema version, write permission, free space.
struct store_check {
    bool is_ok;
    char words[256];
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_check *r, int err);
};
void store_check(struct store *s, struct store_check *r,
                 void (*done)(struct store_check *r, int err));

// Not begun yet: done with E_CANCELED.  A running read is interrupted.  work: the request's.
void store_cancel(struct store *s, struct pool_work *work);

#endif
