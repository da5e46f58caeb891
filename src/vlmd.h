// vlmd.h -- the public interface: describes screenshots with a vision-language model.
//
// One opaque handle.  Plain structs.  No global state but the log sink, so several handles
// live in one process; none of them shares memory with another.  The library installs no
// signal handlers, never exits, never writes to stdout or stderr, never changes the working
// directory or the locale.
//
// Threads: every function belongs to the thread that calls vlmd_run or vlmd_step, except
// vlmd_post and vlmd_stop, which any thread may call (vlmd_stop also a signal handler).
// Callbacks run on that same thread, never from inside the call that names them.  What a
// callback is given is borrowed during the callback.  Strings in structs are never NULL
// when the library fills them; NULL means "not given" when the caller does.
// SPDX-License-Identifier: MIT
#ifndef VLMD_H
#define VLMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VLMD_API __attribute__((visibility("default")))

#define VLMD_VERSION_MAJOR 0
#define VLMD_VERSION_MINOR 1
#define VLMD_VERSION_PATCH 0

typedef struct vlmd vlmd;

// 0 or one of these.  More exact words stand in the message; the class of a failed job is a
// word of its own (struct vlmd_item.error_class).
enum vlmd_code {
    VLMD_OK = 0,
    VLMD_ERR_USAGE = -12,
    VLMD_ERR_CONFIG = -13,
    VLMD_ERR_STORE = -14,
    VLMD_ERR_NOT_FOUND = -4,
    VLMD_ERR_ACCESS = -5,
    VLMD_ERR_NOMEM = -2,
    VLMD_ERR_CANCELED = -1,
    VLMD_ERR_DEADLINE = -17,
    VLMD_ERR_REUSED = -20,
    VLMD_ERR_NO_BACKEND = -30
};

// "what: where: why (what to do)".
struct vlmd_error {
    int code;
    char message[512];
};

VLMD_API const char *vlmd_version(void);  // "0.1.0"

// ---- opening and closing

// A client reads and changes the database: search, show, jobs, export, status.  A worker
// does that and also describes pictures: it needs backends, an image pool, a loop that runs.
enum vlmd_role { VLMD_CLIENT, VLMD_WORKER };

enum vlmd_log_level { VLMD_LOG_ERROR, VLMD_LOG_WARN, VLMD_LOG_INFO, VLMD_LOG_DEBUG };

// The same keys as in the configuration file; origin is shown by `config show`.
struct vlmd_setting {
    const char *key;
    const char *value;
    const char *origin;  // "--backend", "host program"
};

// Any thread; must not call the library.
typedef void vlmd_log_fn(void *arg, enum vlmd_log_level level, int64_t at_ms,
                         const char *module, const char *message);

// One step of opening, told when it is done; after one that failed nothing comes.
struct vlmd_start_step {
    const char *name;    // "config", "store", "privacy", "image", "backends"
    const char *result;  // "ok", "warn", "fail"
    const char *words;
    double took_ms;
};
typedef void vlmd_start_fn(void *arg, const struct vlmd_start_step *step);

struct vlmd_options {
    enum vlmd_role role;
    const char *config_file;  // NULL = the usual place if there is one, "" = none
    const char *config_text;  // instead of a file: what would stand in it, or NULL
    const struct vlmd_setting *settings;
    int n_settings;
    bool ignore_environment;  // do not read VLMD_* variables
    vlmd_log_fn *on_log;      // the process has one; the last handle opened with one sets it
    void *log_arg;
    vlmd_start_fn *on_start;  // may be NULL; called from inside vlmd_open
    void *start_arg;
};

// The file of `log.file` was moved away: the next line begins it anew.  It is also noticed
// within a second.  Any thread, and safe in a signal handler.
VLMD_API void vlmd_log_reopen(void);

// Errors: VLMD_ERR_CONFIG, VLMD_ERR_STORE, VLMD_ERR_ACCESS, VLMD_ERR_NOMEM.  On error *out is
// NULL and nothing was started.
VLMD_API int vlmd_open(const struct vlmd_options *options, vlmd **out,
                       struct vlmd_error *error);
// Runs until vlmd_stop has taken effect (or nothing is left to do: all pending calls of a
// client are answered, the batch of a worker has ended).
VLMD_API int vlmd_run(vlmd *v);
// To drive it from another loop: when vlmd_fd is readable or vlmd_timeout_ms has passed
// (0 = at once, -1 = no deadline; ask anew before each wait), call vlmd_step, which never
// blocks.  Returns false from vlmd_step when
// vlmd_run would have returned.
VLMD_API int vlmd_fd(vlmd *v);
VLMD_API int vlmd_timeout_ms(vlmd *v);
VLMD_API bool vlmd_step(vlmd *v);
// Calls fn(arg) on the loop's thread.  Any thread.  Errors: VLMD_ERR_CANCELED once closing.
VLMD_API int vlmd_post(vlmd *v, void (*fn)(void *arg), void *arg);

enum vlmd_stop_how {
    VLMD_STOP_DRAIN,  // take no new work, finish what is being asked
    VLMD_STOP_NOW     // cancel what is being asked; it stays queued
};
// Any thread, and safe in a signal handler, until vlmd_close is called.  DRAIN may be followed
// by NOW.
VLMD_API void vlmd_stop(vlmd *v, enum vlmd_stop_how how);
// Stops if need be, runs the loop until everything is closed, frees.  NULL is allowed.
VLMD_API void vlmd_close(vlmd *v);

// ---- giving it work

// Watches dir and what is below it, describes what is there and what comes.  NULL = the
// folders of the configuration, else the usual screenshot folder (first that exists).  chosen
// (may be NULL) gets the absolute path.
VLMD_API int vlmd_watch(vlmd *v, const char *dir, char *chosen, size_t chosen_size,
                        struct vlmd_error *error);

// Describes what is queued, and what is submitted, until vlmd_stop; watches nothing.
VLMD_API int vlmd_work(vlmd *v);

// Describes a set: folders, files, glob patterns, http(s) URLs, "@FILE" and "-" (one path,
// URL or JSON object per line: path or url, app, window, screen, page_url, taken_at, tier).
// vlmd_run returns when every member has ended.  The same inputs from the same folder are
// the same batch: opening it again continues it.  One per handle, which then takes no other
// work.
VLMD_API int vlmd_batch(vlmd *v, const char *const *inputs, int n_inputs,
                        struct vlmd_error *error);

// Two hashes: of what the one who asks calls it, and of what he asks.  A key that came with
// another body is VLMD_ERR_REUSED.
struct vlmd_once {
    unsigned char key[32], body[32];
};
struct vlmd_input {
    const char *path;  // absolute, or NULL
    const char *url;   // http(s), or NULL
    const void *bytes;  // the file itself, or NULL; borrowed: until fn
    size_t n_bytes;
    const char *app;
    const char *window;
    const char *screen;
    const char *page_url;
    int64_t taken_at_ms;
    bool is_interactive;  // somebody waits: goes before everything else
    // quick, standard, deep; NULL, "" = as the process that describes it is configured.  It
    // replaces the tier of a picture that waits; one that was described as another is
    // described anew.
    const char *tier;
    const char *traceparent;  // W3C trace context that its spans belong to, or NULL
    // The path comes from elsewhere: it has to lead into a watched folder or one of
    // admin.submit_dirs, links included.
    bool is_confined;
    // May come twice and is meant once: the same key within a day is the same job, also after
    // a crash.  NULL = none.
    const struct vlmd_once *once;
};
// id: of the job, new or known.  Called once, before the job ends.  Bytes are kept in a
// private folder beside the database until the job has ended.  Errors: VLMD_ERR_USAGE: there
// is no such tier.
typedef void vlmd_submit_fn(void *arg, int err, int64_t id, bool is_new,
                            const char *message);
VLMD_API int vlmd_submit(vlmd *v, const struct vlmd_input *in, vlmd_submit_fn *fn, void *arg);

// ---- what is known of a picture

struct vlmd_item {
    int64_t id;
    const char *correlation_id;
    const char *path;          // or the URL; with placeholders for secrets in it
    bool is_url;
    bool is_address_removed;   // path is all that is left: the whole one held secrets
    bool is_wanted;            // described anew once that one is offered again
    const char *hash;          // XXH3-128 of the file, hex; "" = not read yet
    const char *sent_hash;     // of what was sent; "" = nothing was
    const char *state;         // queued, leased, ended
    const char *outcome;       // answered, cached, duplicate, blocked, skipped, failed; ""
    const char *reason;        // why blocked, skipped, failed, or waiting
    const char *error_class;   // e.g. "corrupt", "timeout_stall"; ""
    const char *error_todo;    // what a person can do about it
    const char *app;
    const char *window;
    const char *screen;
    const char *page_url;
    int64_t taken_at_ms;       // 0 = not known
    int64_t at_ms;             // taken_at, else first seen
    int64_t queued_at_ms;
    int64_t ended_at_ms;       // 0 = not ended
    int64_t next_try_at_ms;    // queued: 0 = as soon as possible
    int64_t file_bytes;
    int width, height;         // 0 = not known
    int sent_width, sent_height;
    int64_t sent_bytes;
    const char *verdict;       // of the privacy gate: allow, safe, mask, block; "" = none yet
    const char *masks;         // painted over, px of the picture: "x,y,w,h;..."; "" = nothing
    int attempts;              // requests to backends
    int64_t duplicate_of;      // id, or 0
    int duplicate_blocks;      // only alike: how many of 128 x 72 blocks differ; else -1
    int duplicate_max_diff;    //   and how much the most different one does, of 255
    int duplicates;            // how many inherit from this one
    int64_t duplicates_from_ms, duplicates_until_ms;  // first and last of these; 0 = none
    int64_t queued_ms, prepare_ms, request_ms, first_byte_ms;
    // the description, own or inherited
    bool has_description;
    bool is_degraded;          // by OCR only; asked again when a model is there
    const char *summary, *activity, *seen_app, *details, *text, *raw;
    const char *tags;          // JSON array
    const char *ocr_text;
    const char *backend, *model, *prompt, *tier, *finish_reason;
    const char *tier_asked;    // quick, standard, deep; tier is what was used, or "ocr",
                               //   "metadata"
    const char *fallback;      // "" = none; backend, tier, ocr, metadata
    const char *fallback_class;  // why: an error class; "" = none
    int64_t prompt_tokens, completion_tokens;  // -1 = not told
    int64_t described_at_ms;
    const char *snippet;       // of a search: \x02 before and \x03 after each hit
};

// What is asked and changed from now on, and from its callbacks, is for the request with this
// correlation id (at most 65 bytes count): what is slow of it in the database, or fails there,
// is listed under it.  NULL = for none.  Borrowed until the next call.  Thread: the loop's.
VLMD_API void vlmd_ask_as(vlmd *v, const char *correlation_id);

// VLMD_TAKEN: by at_ms, the newest first; the others by id.
enum vlmd_order { VLMD_NEWEST, VLMD_OLDEST, VLMD_BEST, VLMD_TAKEN };

// NULL, 0 and false fields do not filter.
struct vlmd_query {
    const char *text;      // words; "phrases"; -without; the last word also as a beginning
    const char *app;
    const char *tag;
    const char *path;      // a file, a folder, or a glob
    bool is_path_exact;    // it is the whole address of one picture
    int64_t id;
    int64_t since_ms, until_ms;
    const char *state;     // one of vlmd_item.state
    const char *outcome;   // one of vlmd_item.outcome
    const char *error_class;
    const char *correlation_id;
    bool only_degraded;
    enum vlmd_order order;
    int64_t limit;  // 0 = all
    // Go on after this one in the order (not VLMD_BEST): what came meanwhile does not matter.
    int64_t after_id, after_at_ms;
};

// Return false to stop.
typedef bool vlmd_item_fn(void *arg, const struct vlmd_item *item);
// err 0 = all rows came; VLMD_ERR_DEADLINE = the question was too much work; VLMD_ERR_USAGE =
// a state, outcome or class that there is not.
typedef void vlmd_end_fn(void *arg, int err, const char *message);
VLMD_API int vlmd_search(vlmd *v, const struct vlmd_query *q, vlmd_item_fn *on_item,
                         vlmd_end_fn *on_end, void *arg);

// How many pictures there are, by day or by program.
enum vlmd_facets_by { VLMD_FACETS_DAYS, VLMD_FACETS_APPS };
struct vlmd_facet {
    const char *name;           // "2026-11-21" (local), or the program; "" = not known
    int64_t from_ms, until_ms;  // of the day
    int64_t n, described, failed;
    int64_t last_at_ms;
};
typedef void vlmd_facets_fn(void *arg, int err, const struct vlmd_facet *facets, int n,
                            const char *message);
// The newest days, or the programs with most; q->limit: how many, at most 4000; its order
// does not count.
VLMD_API int vlmd_facets(vlmd *v, enum vlmd_facets_by by, const struct vlmd_query *q,
                         vlmd_facets_fn *fn, void *arg);

// A picture to look at.
struct vlmd_picture {
    const void *bytes;
    size_t len;
    const char *type;  // "image/jpeg"
    const char *hash;  // of the file, as in vlmd_item
};
typedef void vlmd_picture_fn(void *arg, int err, const struct vlmd_picture *p,
                             const char *message);
// size_px 0: the file itself; else a JPEG that is at most so long (4096).  Only what was
// described is shown: err is a class of `vlmd status` when the file is gone (not_found) or
// another one now (incomplete).  Workers only.
VLMD_API int vlmd_picture(vlmd *v, int64_t id, int size_px, vlmd_picture_fn *fn, void *arg);

struct vlmd_attempt {
    int64_t at_ms;
    const char *backend, *model;
    const char *error_class;  // "" = answered
    const char *message;
    const char *remedy;       // what was changed for the next one; "" = nothing
    int64_t request_ms;
};
typedef void vlmd_attempt_fn(void *arg, const struct vlmd_attempt *attempt);
VLMD_API int vlmd_history(vlmd *v, int64_t id, vlmd_attempt_fn *on_attempt,
                          vlmd_end_fn *on_end, void *arg);

enum vlmd_action {
    VLMD_RETRY,  // failed ones once more
    VLMD_REDO,   // described ones anew; the old description stays until the new one is there
    VLMD_DROP    // forget them; files are never touched
};
// Tried again as the setting `tier` of this handle says, if it has one (vlmd_options), else as
// they were asked for.  message of a success: "", or what some of them still wait for.
typedef void vlmd_change_fn(void *arg, int err, int64_t n, const char *message);
// all must be set for a query without any filter.
VLMD_API int vlmd_change(vlmd *v, enum vlmd_action action, const struct vlmd_query *q,
                         bool all, vlmd_change_fn *fn, void *arg);

// ---- what is going on

struct vlmd_backend_status {
    const char *name, *url;
    const char *kind;     // "ollama", ..., "ocr"; "" = not known yet
    const char *state;    // "ready", "limited", "loading", "away", "misconfigured", "unknown",
                          //   "standby", "unloading", "idle" (loaded when it is wanted)
    const char *reason;   // words when not ready
    const char *model;
    bool is_remote;
    int in_flight, limit;
    int64_t answered, failed;      // requests by this process
    int64_t next_probe_at_ms;      // unix, or when a limit ends; 0 = none planned
    double latency_ms;             // moving average; 0 = none yet
    int priority;                  // group; the lowest that is awake serves
    // Of its model, by this process.
    const char *model_state;       // "absent", "loading", "ready", "busy", "unloading",
                                   // "failed"; "" = of no model (ocr)
    int64_t unloads_at_ms;         // unix; when it goes if nothing comes, 0 = not planned
    int64_t loads, load_failures, load_ms;        // attempts, failed, time in all
    int64_t verifies, verify_failures, verify_ms;
    int64_t unloads;
    const char *breaker;           // "closed", "open" (left alone for now), "half-open"
    int64_t minute_requests, minute_tokens;              // of the last 60 s
    int64_t minute_requests_limit, minute_tokens_limit;  // 0 = none
    // As the server itself says, of all its users' requests; -1 = it does not (any more).
    int server_running, server_waiting;
    double server_kv_pct;          // of its memory for contexts that is taken
};
enum { VLMD_MAX_BACKENDS = 16 };

// What the privacy gate found, by category.
struct vlmd_category_stats {
    const char *category;   // "card"
    int64_t pictures;       // that it stood on, or in their title or address
    int64_t replaced;       // in what was kept: a model had quoted it, or OCR read it
};
enum { VLMD_MAX_CATEGORIES = 32 };

struct vlmd_cache_stats {
    int64_t hits, misses;
    double hit_rate;       // of all lookups, 0 to 1
    int64_t items, bytes;  // now; 0 for what is in the database: see vlmd_status
    int64_t max_items, max_bytes;  // now: less while memory is short
    int64_t evictions;
};

// Threads with a queue of their own.
enum { VLMD_MAX_POOLS = 4 };
struct vlmd_pool_state {
    const char *name;        // "image", "read", "write"
    int threads, queued, running;  // works, now
    double wait_p95_ms;      // for a thread, of 100 works 95; -1 = not measured
};

// A pause that only a person ends.
#define VLMD_UNTIL_RESUMED INT64_MAX

// How long a stage of a picture's way took, over all that passed it: p95_ms = 95 of 100 took
// at most so long.
struct vlmd_latency {
    const char *stage;  // "queued", "read", "decode", ..., "request", "save"
    int64_t n;
    double p50_ms, p90_ms, p95_ms, p99_ms;
};
enum { VLMD_MAX_LATENCIES = 24 };

// What the connections to the database did since the process began.
struct vlmd_database_load {
    int64_t statements, slow, failed;
    double p50_ms, p95_ms, p99_ms;  // a statement
    double read_wait_p95_ms, write_wait_p95_ms;  // for a thread
    int64_t wal_bytes, checkpoints;
};

// How long requests took that were made with a tier.
struct vlmd_tier_stats {
    const char *tier;              // quick, standard, deep
    int64_t target_ms;
    int64_t answered, breached;    // breached: took longer than the target
};
enum { VLMD_TIERS = 3 };

// Of this process; a snapshot.
struct vlmd_stats {
    bool is_paused;
    const char *paused_because;    // "" when not
    int claimed, preparing, waiting, asking, saving, backing_off;  // jobs in memory now
    int64_t answered, cached, duplicate, blocked, skipped, failed; // ended by this process
    int64_t requests, prompt_tokens, completion_tokens, bytes_sent;
    double images_per_s;           // moving average of the last minute
    int64_t rss_bytes;             // of this process
    double cpu_pct;                // of one core, over the last seconds
    int64_t lag_p99_ms;            // the loop was busy at most so long at a time, of 100 times 99
    double errors_per_min;         // of all kinds, in the last minute
    int error_spikes, alerts_firing;
    int folders, polled_folders;
    int64_t settling;              // files waiting to be complete
    int n_backends;
    struct vlmd_backend_status backends[VLMD_MAX_BACKENDS];
    int64_t masked;                // pictures with something painted over
    int n_categories;              // of which anything was found
    struct vlmd_category_stats categories[VLMD_MAX_CATEGORIES];
    struct vlmd_database_load database;
    int n_latencies;               // stages that anything passed
    struct vlmd_latency latencies[VLMD_MAX_LATENCIES];
    struct vlmd_tier_stats tiers[VLMD_TIERS];
    int64_t by_other_backend, by_smaller_tier, by_ocr, by_metadata;  // described as fallback
    struct vlmd_cache_stats payload_cache;  // pictures made ready, in memory
    struct vlmd_cache_stats result_cache;   // descriptions, in the database
    int n_pools;
    struct vlmd_pool_state pools[VLMD_MAX_POOLS];
    // How much of the machine is taken.
    const char *pace;              // "normal", "slow" (one at a time, only what a person
                                   // waits for), "pause"
    const char *pace_because;      // "" when normal
    int64_t paused_until_ms;       // unix; 0 = not known, VLMD_UNTIL_RESUMED
    const char *memory_pressure;   // "normal", "warning", "critical"
    int64_t pressure_raised;       // times it rose
    int memory_used_pct;           // of the machine or the control group, the fuller one
    double memory_stall_pct;       // of the last 10 s that somebody waited; -1 = not known
    int64_t most_rss_bytes, rss_budget_bytes;
};
VLMD_API void vlmd_stats(vlmd *v, struct vlmd_stats *out);

struct vlmd_failures {
    const char *error_class;
    const char *words;
    const char *todo;
    int64_t n;
};
struct vlmd_worker {   // another or this process that works on the same database
    int64_t pid;
    int64_t started_at_ms, updated_at_ms;
    bool is_this;
    const char *json;  // its vlmd_stats, as JSON
};
// Of the database; with batch set only the members of this handle's batch.
struct vlmd_status {
    int64_t total, queued, due, leased, ended;
    int64_t answered, cached, duplicate, blocked, skipped, failed, degraded;
    int64_t oldest_queued_ms;
    int64_t day_total, day_described;
    int64_t database_bytes;
    int64_t prompt_tokens, completion_tokens;
    const struct vlmd_failures *failures;
    int n_failures;
    const struct vlmd_worker *workers;
    int n_workers;
    bool is_input_read;  // batch: all inputs were read, so total is final
    int64_t paused_until_ms;  // unix; 0 = nobody paused it, VLMD_UNTIL_RESUMED
    const char *database;
};
typedef void vlmd_status_fn(void *arg, int err, const struct vlmd_status *s,
                            const char *message);
VLMD_API int vlmd_status(vlmd *v, bool batch, vlmd_status_fn *fn, void *arg);

typedef void vlmd_done_fn(void *arg, int err, const char *message);
// Nothing new is begun until then, by any process on this database, whether it runs now or is
// started later; what is being asked is finished.  until_ms: unix, or VLMD_UNTIL_RESUMED.
// A worker with something to do notices within 2 s, another with its next look, or its next
// picture.  Errors: VLMD_ERR_USAGE (a time that has passed).
VLMD_API int vlmd_pause(vlmd *v, int64_t until_ms, vlmd_done_fn *fn, void *arg);
VLMD_API int vlmd_resume(vlmd *v, vlmd_done_fn *fn, void *arg);

enum vlmd_event_type {
    VLMD_EVENT_JOB,      // item ended; item is set.  n: the id it was given as, if its file
                         //   was only touched and it is an older item now; else 0
    VLMD_EVENT_PROBLEM,  // an input could not be taken; path and words
    VLMD_EVENT_NOTICE,   // something to know once (a folder is polled, OCR stands in)
    VLMD_EVENT_PAUSED,   // words = why
    VLMD_EVENT_RESUMED,
    VLMD_EVENT_SCANNED,  // the first scan of a watched folder ended; path, n files
    VLMD_EVENT_BATCH,    // the batch has ended
    VLMD_EVENT_ALERT     // error_class = the rule's name, words; n 1 = it fires, 0 = it is over
};
struct vlmd_event {
    enum vlmd_event_type type;
    int64_t at_ms;
    const struct vlmd_item *item;
    const char *path;
    const char *error_class;
    const char *words;
    int64_t n;
};
typedef void vlmd_event_fn(void *arg, const struct vlmd_event *e);
typedef struct vlmd_subscription vlmd_subscription;
// May be called, like vlmd_unsubscribe, from inside a callback.
VLMD_API vlmd_subscription *vlmd_subscribe(vlmd *v, vlmd_event_fn *fn, void *arg);
VLMD_API void vlmd_unsubscribe(vlmd_subscription *s);

// ---- checking

enum vlmd_check_result { VLMD_CHECK_OK, VLMD_CHECK_WARN, VLMD_CHECK_FAIL };
struct vlmd_check {
    const char *name;  // "database", "backend http://...", ...
    enum vlmd_check_result result;
    const char *words;
    const char *todo;  // "" when ok
};
typedef void vlmd_check_fn(void *arg, const struct vlmd_check *c);
VLMD_API int vlmd_doctor(vlmd *v, vlmd_check_fn *on_check, vlmd_end_fn *on_end, void *arg);

struct vlmd_model {
    const char *backend;  // name
    const char *url;
    const char *kind;
    const char *model;    // "" = the backend did not answer: error
    bool has_vision, is_loaded, is_chosen;
    const char *error;
    bool is_vision_sure;  // else has_vision goes by the name
    // Of the chosen one, and of others as far as it was found out; "" and 0 = not told.
    const char *version, *formats;  // of the server; of pictures: "jpeg,png"
    int64_t max_image_px;           // largest picture
    int slots, n_ctx, patch_px;     // requests at once; context of each; a token's square
    const char *unload, *thinking;  // "never", "now", "sleep"; field against reasoning
    int64_t known_at_ms;            // unix, when that was found out; 0 = it was not
    bool is_kept;  // found out in an earlier run: the backend does not answer now
};
typedef void vlmd_model_fn(void *arg, const struct vlmd_model *m);
VLMD_API int vlmd_models(vlmd *v, vlmd_model_fn *on_model, vlmd_end_fn *on_end, void *arg);
// The same; models that may be blind are shown a tiny coloured square, which may load them.
VLMD_API int vlmd_models_probe(vlmd *v, vlmd_model_fn *on_model, vlmd_end_fn *on_end,
                               void *arg);

// Makes the model resident and leaves it so: it goes after its time to live, not when the
// handle is closed.  backend: name or URL; NULL = the one that serves.  A load that is under
// way already is waited for.  A worker's handle.
VLMD_API int vlmd_model_load(vlmd *v, const char *backend, vlmd_done_fn *fn, void *arg);
// Gives its memory back.  NULL = all backends.  Refused while pictures wait for it.
VLMD_API int vlmd_model_unload(vlmd *v, const char *backend, vlmd_done_fn *fn, void *arg);

// ---- configuration

struct vlmd_key {
    const char *key;
    const char *value;    // "" = empty
    const char *origin;   // "default", "vlmd.yaml:12", "VLMD_MODEL", "--model"
    const char *def;      // default as text
    const char *type;     // "text", "integer", "bytes", "duration", "yes/no", "list", ...
    const char *range;    // "1-100", "quick|standard|deep", ""
    const char *help;
    bool is_reloadable;
};
typedef void vlmd_key_fn(void *arg, const struct vlmd_key *key);
typedef void vlmd_problem_fn(void *arg, bool is_error, const char *where, const char *words);
// Loads the configuration as vlmd_open would; every problem, and if on_key every key.
// Errors: VLMD_ERR_CONFIG when at least one problem is an error.
VLMD_API int vlmd_config_check(const struct vlmd_options *options, vlmd_key_fn *on_key,
                               vlmd_problem_fn *on_problem, void *arg);
// Every key with the value that v has.
VLMD_API void vlmd_config_each(vlmd *v, vlmd_key_fn *fn, void *arg);
// A key whose value is another one now; is_applied: it counts from now on, else after a
// restart.
typedef void vlmd_change_of_key_fn(void *arg, const char *key, const char *before,
                                   const char *after, bool is_applied);
// Reads the configuration again, as v was opened with it; secrets are not compared.  In a
// thread; the callbacks (each may be NULL) come later, on_end last: VLMD_ERR_CONFIG = nothing
// was taken, on_problem was told why.
VLMD_API int vlmd_config_reload(vlmd *v, vlmd_change_of_key_fn *on_change,
                                vlmd_problem_fn *on_problem, vlmd_end_fn *on_end,
                                void *arg);
// A commented sample file, as one string; free with free().  NULL = out of memory.
VLMD_API char *vlmd_config_sample(void);
// Where the configuration file is expected; returns out.
VLMD_API const char *vlmd_config_path(char *out, size_t size);

#ifdef __cplusplus
}
#endif

#endif
