// job.h -- one picture on its way through this process, while it holds the row's lease.
//
//   CLAIMED -> FETCHING -> INSPECTING -> PREPARING -> COMPARING -> RECOGNISING -> SCREENING
//   SCREENING -> WAITING
//   WAITING -> ASKING -> SAVING -> GONE
//
//   FETCHING only for URLs; RECOGNISING where the gate has to know the text, or with
//   `ocr.when: always`; SCREENING is what the gate makes of a text.
//   INSPECTING -> SCREENING -> PREPARING   a text stands beside the picture, or in its title
//   ASKING -> BACKOFF -> WAITING        the same again later
//   COMPARING -> BACKOFF -> COMPARING   an equal picture is being asked right now
//   INSPECTING, PREPARING -> BACKOFF -> INSPECTING   the file was not complete yet
//   ASKING, WAITING -> PREPARING        smaller, or with the grey picture for OCR
//   SCREENING -> PREPARING              with what was found painted over
//   WAITING -> RECORDING -> WAITING     what goes to another machine is written down first
//   any early end (blocked, bad picture, duplicate) goes straight to SAVING
//   any but SAVING, GONE -> RELEASING -> GONE   stop, cancel, lease lost
//
// job_move is the only writer of the state.
// SPDX-License-Identifier: MIT
#ifndef VLMD_JOB_H
#define VLMD_JOB_H

#include "base/list.h"
#include "dispatch/ask.h"
#include "guard/guard.h"
#include "image/image.h"
#include "ingest/ingest.h"
#include "io/http.h"
#include "spine/gate.h"
#include "spine/gate_work.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

#define JOB_STATE_TABLE(X)                                                               \
    X(JOB_CLAIMED, "claimed")                                                            \
    X(JOB_FETCHING, "fetching")                                                          \
    X(JOB_INSPECTING, "inspecting")                                                      \
    X(JOB_PREPARING, "preparing")                                                        \
    X(JOB_COMPARING, "comparing")                                                        \
    X(JOB_RECOGNISING, "recognising")                                                    \
    X(JOB_SCREENING, "screening")                                                        \
    X(JOB_WAITING, "waiting")                                                            \
    X(JOB_RECORDING, "recording")                                                        \
    X(JOB_ASKING, "asking")                                                              \
    X(JOB_BACKOFF, "backoff")                                                            \
    X(JOB_SAVING, "saving")                                                              \
    X(JOB_RELEASING, "releasing")                                                        \
    X(JOB_GONE, "gone")

enum job_state {
#define X(state, name) state,
    JOB_STATE_TABLE(X)
#undef X
        JOB_STATES
};

const char *job_state_name(enum job_state s);
bool job_may_move(enum job_state from, enum job_state to);

// The jobs of one process, a counted list per state.
struct job_lists {
    struct list head[JOB_STATES];
    int count[JOB_STATES];
    int total;  // not GONE
};

void job_lists_init(struct job_lists *l);

struct telling;

struct job {
    struct list node;  // in job_lists.head[state]
    enum job_state state;
    enum job_state resume;  // where BACKOFF leads
    int64_t
        entered_ms[JOB_STATES];  // monotonic, last time each state was entered; 0 = never
    int64_t spent_ms[JOB_STATES];  // in each state, over all visits that are over
    int64_t privacy_us;            // judging and cleaning
    int64_t wake_ms;               // BACKOFF ends
    struct pipeline *pipeline;     // borrowed: longer than the job

    struct store_job row;  // owned
    bool is_stopping;      // leave at the next chance
    bool has_lost_lease;

    // what has been learned
    struct buf fetched;           // owned; bytes of a URL
    struct file_version version;  // of the file, when its metadata was read
    struct ingest_meta meta;
    struct image_req image;  // out.jpeg owned until SAVING
    bool has_image;
    bool wants_luma;
    struct gate gate;
    uint8_t *plain_thumb;  // owned; of the picture without masks, once there are some
    bool has_content;
    uint8_t content[IMAGE_HASH_BYTES];  // that compared, and the gate's text, are about
    bool has_own_tier;                  // see depth.h
    enum tier_depth tier_asked;
    enum tier_depth tier;         // in use
    enum fallback_step fallback;  // how far down the chain
    int fallback_code;            // why
    char avoid[96];               // the backend that failed with it last; "" = none
    int target_px;
    int target_tokens;  // 0 = target_px counts
    int input_tries;    // times the file was not complete or not reachable
    int tries;          // failures that count, of this lease
    int strikes;        // failures that were the backend's
    bool is_late;       // missed its tier's deadline once
    int cap_doublings;  // answers were cut
    bool no_schema;
    bool no_thinking;
    int crashes;     // of a model that had it
    int bad_images;  // times a backend could not decode it
    bool as_png;     // it is sent as that
    bool compared;
    int asks;       // begun, of this lease
    bool was_sent;  // its picture left for a model, answered or not
    int64_t duplicate_of, cached_result;
    bool is_near_duplicate;
    struct image_change change;  // from duplicate_of, for a near-duplicate
    struct buf ocr_text;         // owned
    struct store_attempt attempts[STORE_MAX_ATTEMPTS];
    struct job_attempt_text {
        char backend[96], model[192], words[256], remedy[96];
    } attempt_text[STORE_MAX_ATTEMPTS];
    int n_attempts;

    // how it ends
    enum store_outcome outcome;
    int code;
    char reason[512];

    // the one request that may be under way
    struct ask_expected expected;  // while it is compared
    union {
        struct http_req http;
        struct meta_req meta;
        struct store_similar similar;
        struct ocr_req ocr;
        struct gate_screening screening;
        struct gate_cleaning cleaning;
        struct store_audit_append audit;
    } req;
    struct ask ask;     // owned parts of out live until GONE
    int ask_err;        // how it ended
    struct telling *telling;  // owned; while an answer comes that somebody listens to
    bool has_answer;
    struct store_result result;
    struct store_save save;
    struct store_release release;
    struct store_audit_row *audit;  // owned; of save or release
    char *masks;                    // owned; of save
    bool is_meta_clean;             // something in title or address was replaced
};

// Moves j, in the lists and on its clock, and writes one debug line.  Asserts the table.
void job_move(struct job_lists *l, struct job *j, enum job_state to, int64_t now_ms);
// Takes ownership of row's block.  The new job is in CLAIMED.
struct job *job_new(struct job_lists *l, struct store_job *row, int64_t now_ms);
// Only in GONE.
void job_free(struct job *j);

#endif
