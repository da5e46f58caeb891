// answers.h -- what an answer is kept as, and who has it already.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_ANSWERS_H
#define VLMD_STORE_ANSWERS_H

#include "store/common.h"

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

#endif
