// pipeline.h -- drives jobs through the organs.  Every transition is here.
//
// The organs stand behind a table of functions, so that every transition can be tested with
// fake organs and fake time.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PIPELINE_H
#define VLMD_PIPELINE_H

#include "base/err_ring.h"
#include "guard/guard.h"
#include "privacy/privacy.h"
#include "spine/job.h"
#include "spine/payload.h"

// Each start function follows the contract of the organ behind it: done exactly once, later,
// on the loop thread.  A cancel makes done come soon, with E_CANCELED or the result.
struct pipeline_organs {
    void *ctx;
    int64_t (*now_ms)(void *ctx);   // monotonic
    int64_t (*wall_ms)(void *ctx);  // unix
    uint32_t (*random)(void *ctx);
    // What is begun from now on is begun for this correlation id; returns the one before.
    const char *(*act_for)(void *ctx, const char *cid);
    int (*fetch)(void *ctx, struct http_req *r, void (*done)(struct http_req *, int));
    void (*fetch_cancel)(void *ctx, struct http_req *r);
    void (*inspect)(void *ctx, struct meta_req *r, void (*done)(struct meta_req *, int));
    void (*inspect_cancel)(void *ctx, struct meta_req *r);
    void (*prepare)(void *ctx, struct image_req *r,
                    void (*done)(struct image_req *, int));
    void (*prepare_cancel)(void *ctx, struct image_req *r);
    void (*compare)(void *ctx, struct store_similar *r,
                    void (*done)(struct store_similar *, int));
    void (*compare_cancel)(void *ctx, struct store_similar *r);
    void (*recognise)(void *ctx, struct ocr_req *r, void (*done)(struct ocr_req *, int));
    void (*recognise_cancel)(void *ctx, struct ocr_req *r);
    int (*ask)(void *ctx, struct ask *a, void (*done)(struct ask *, int));
    void (*ask_cancel)(void *ctx, struct ask *a);
    void (*ask_pause)(void *ctx, struct ask *a, bool is_paused);
    bool (*uses_stand_in)(void *ctx);
    // Of a app, window, tier and tier_rule are set.
    bool (*expect)(void *ctx, const struct ask *a, struct ask_expected *out);
    // The size that suits the model; false: not known.  May be NULL.
    bool (*grid)(void *ctx, int long_px, struct backend_grid *out);
    // Has w->run called in a worker thread.
    void (*work)(void *ctx, struct gate_work *w,
                 void (*done)(struct gate_work *w, int err));
    void (*work_cancel)(void *ctx, struct gate_work *w);
    void (*record)(void *ctx, struct store_audit_append *r,
                   void (*done)(struct store_audit_append *, int));
    void (*save)(void *ctx, struct store_save *r, void (*done)(struct store_save *, int));
    void (*release)(void *ctx, struct store_release *r,
                    void (*done)(struct store_release *, int));
};

struct pipeline_config {
    int target_px;      // of tier, or the user's own
    bool has_own_px;    // the user's own: for every tier
    int target_tokens;  // instead of target_px when not 0: whole patches of the model
    int patch_px;       // 0 = as the model's name tells
    struct tier tiers[TIERS];
    enum tier_depth tier;          // of pictures that were offered without one
    enum fallback_reach fallback;  // how far when that fails for good
    bool can_ocr;                  // fallback: there is text recognition
    bool fits_grid;  // target_px is turned into patches of the model where they are known
    bool reads_text_always;      // OCR text for the index of every picture
    enum image_near duplicates;  // of watched folders: which changes need no new answer
    int64_t max_file_bytes;      // of a fetched picture
    int64_t result_ttl_ms;       // older descriptions are made anew; 0 = none is too old
    struct payloads *payloads;   // borrowed: as long as the pipeline; NULL = none is kept
    struct retry_config retry;
    struct gate_config gate;
};

struct pipeline_events {
    void *arg;
    // The job is durable in its outcome, as id; was is the number it had, another one when
    // its row was only a touched file's and went into the older.  Called before its memory
    // goes.
    void (*on_ended)(void *arg, int64_t id, int64_t was, enum store_outcome outcome);
    // A picture is offered to the backends; may set ask.traceparent.  May be NULL.
    void (*on_ask)(void *arg, struct job *j);
    // For counting; each may be NULL.  An ask ended with err, and was not canceled; the job is
    // durable, and all that was measured is still in it.
    void (*on_asked)(void *arg, const struct job *j, int err);
    void (*on_saved)(void *arg, const struct job *j);
    // A job left: there is room for another, or nothing is left.
    void (*on_room)(void *arg);
    // Results can not be saved, or can be again: see trouble.
    void (*on_trouble)(void *arg);
    // A request failed, a picture failed for good, a result could not be saved.  May be NULL.
    void (*on_error)(void *arg, const struct err_note *note);
    // The answer of a job as it comes, redacted as what is kept, and so is its address; text
    // is whole characters, "" once when a request begins.  false: enough for now, see
    // pipeline_resume_answer.  NULL = nobody listens.
    bool (*on_words)(void *arg, const struct job *j, const char *address,
                     const char *field, const char *text);
};

struct pipeline_totals {
    int64_t by_outcome[STORE_FAILED + 1];  // ended by this process
    int64_t failed_requests;  // of requests; not those that were only put off
    int64_t requests, prompt_tokens, completion_tokens, bytes_sent;
    int64_t tier_answered[TIERS], tier_breached[TIERS];  // requests over their target
    int64_t fallbacks[FALLBACK_METADATA + 1];            // ended that way
    int64_t result_hits, result_misses;                  // described before, or not
    int64_t masked;                       // pictures that something was painted over on
    int64_t found[PRIVACY_CATEGORIES];    // pictures that it stood on
    int64_t cleaned[PRIVACY_CATEGORIES];  // replaced in what is kept
};

struct pipeline {
    struct job_lists jobs;
    struct pipeline_organs organs;
    struct pipeline_config config;
    struct pipeline_events events;
    struct pipeline_totals totals;
    bool is_stopping;
    bool is_trying;      // some job, just now; the others come after it
    bool has_more_room;  // that was heard meanwhile
    char trouble[256];  // why results can not be saved now; "" = they can
};

void pipeline_init(struct pipeline *p, const struct pipeline_organs *o,
                   const struct pipeline_config *c, const struct pipeline_events *e);
// Takes the claimed row (its block moves into the job).
void pipeline_add(struct pipeline *p, struct store_job *row);
// Offers the waiting jobs to the backends again; from inside an ask: after it.
void pipeline_pump(struct pipeline *p);
// Ends back-offs that are due.  Returns the next deadline, INT64_MAX = none.
int64_t pipeline_tick(struct pipeline *p, int64_t now_ms);
// Gives every job back that is not being asked or saved.  now: cancels asks as well.
void pipeline_stop(struct pipeline *p, bool now);
// What was learned of the pictures may not hold any more (other privacy rules): gives back
// all that is neither being asked nor saved.  What is being asked is asked nobody else.
void pipeline_begin_anew(struct pipeline *p);
// Gives back what waits for a backend (a long outage); the rest goes on.
void pipeline_shed(struct pipeline *p);
// Gives back what has OCR's words already and waits for a model; the rest goes on.
void pipeline_shed_upgrades(struct pipeline *p);
// Goes on with an answer after on_words said it is enough.
void pipeline_resume_answer(struct pipeline *p, int64_t id);
// The lease of this job is gone: another process has it.
void pipeline_lose(struct pipeline *p, int64_t id);
// Ids of all jobs that hold a lease; returns how many (at most max).
int pipeline_ids(const struct pipeline *p, int64_t *ids, int max);

#endif
