// fake_organs.h -- organs that do nothing until the test says so, and a clock that stands
// still.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_FAKE_ORGANS_H
#define VLMD_TEST_FAKE_ORGANS_H

#include "spine/pipeline.h"

enum fake_call {
    FAKE_NOTHING,
    FAKE_FETCH,
    FAKE_INSPECT,
    FAKE_PREPARE,
    FAKE_COMPARE,
    FAKE_RECOGNISE,
    FAKE_WORK,
    FAKE_RECORD,
    FAKE_ASK,
    FAKE_SAVE,
    FAKE_RELEASE,
    FAKE_CALLS
};

// What is under way for one job (the tests mostly have one).
struct fake_pending {
    enum fake_call what;
    void *req;
    void (*done)(void *req, int err);  // cast back when it is called
    bool is_cancelled;
};

enum { FAKE_MAX_PENDING = 64, FAKE_MAX_ENDED = 256, FAKE_MAX_AUDIT = 8 };

struct fake {
    struct pipeline p;
    struct privacy_rules *rules;  // none, until fake_rules
    struct privacy_policy policy;
    struct privacy_finder *finder;
    const char *page_text;  // what recognise finds, on one line; NULL = nothing
    int page_left;          // px from the picture's left edge to that line
    bool is_remote;         // the one backend there is
    const char *answer;     // of ask; NULL = "what is seen"
    uint8_t content;        // first byte of the picture's hash; 0 = 0xab
    int64_t now_ms;
    int64_t wall_ms;
    bool uses_stand_in;
    bool expects;
    const char *expected_model;  // NULL = "model"
    int ask_rc;                  // what ask() returns; 0 takes it
    bool tells_room;             // ask() tells of room before it returns
    bool has_only_stand_in;      // ask() refuses what needs a model
    int fetch_rc;
    bool makes_luma;
    bool holds_work;  // else what workers have to do is done after each call that ends
    struct fake_pending pending[FAKE_MAX_PENDING];
    int n_pending;
    int calls[FAKE_CALLS];
    const char *acts_for;  // whom what is begun now is begun for
    char called_for[FAKE_CALLS][24];
    int cancels, pauses;
    // what the last calls were given
    struct store_save last_save;
    char last_reason[512];
    char last_summary[64];
    struct store_release last_release;
    int last_target_px;
    int last_patches;
    int last_patch_px;
    int grid_patch_px;  // of the model, 0 = not known
    bool last_keeps_small;
    bool last_want_luma;
    int last_cap_doublings;
    bool last_no_schema, last_no_thinking, last_as_png;
    unsigned last_seed;
    enum ask_pass last_may_send_local, last_may_send_remote, last_pass;
    int last_n_masks;
    struct store_audit_row last_record;
    char last_record_to[128];
    char audit[FAKE_MAX_AUDIT][400];  // of the last save or release
    int n_audit;
    char last_masks[256], last_window[256], last_ocr_text[256];
    // events
    int rooms;
    int troubles;
    int64_t ended_id[FAKE_MAX_ENDED], ended_was[FAKE_MAX_ENDED];
    enum store_outcome ended[FAKE_MAX_ENDED];
    int n_ended;
};

void fake_init(struct fake *f);
void fake_again(struct fake *f, const struct pipeline_config *c);  // other configuration
void fake_config(struct fake *f, struct pipeline_config *out);
// Goes on with these rules.
void fake_rules(struct fake *f, const struct privacy_rules_config *c);
// A claimed row of a fresh file (or URL) enters the pipeline; returns its id.
int64_t fake_add(struct fake *f, const char *path);
int64_t fake_add_row(struct fake *f, const struct store_job *row);
// What the only job (or the first with something under way) waits for.
enum fake_call fake_waits_for(const struct fake *f);
// Ends the oldest call under way of this kind with err; fails the test when there is none.
void fake_end(struct fake *f, enum fake_call what, int err);
// The request of the oldest call under way of this kind.
void *fake_req(struct fake *f, enum fake_call what);
int fake_pending_of(const struct fake *f, enum fake_call what);
enum job_state fake_state(struct fake *f);  // of the only job; JOB_GONE when none is left
struct job *fake_job(struct fake *f);
// Drives the only job on, all going well, until it waits for what (not ended yet).
void fake_run_to(struct fake *f, enum fake_call what);
// Whatever the workers have to do.
void fake_do_work(struct fake *f);
void fake_pass_ms(struct fake *f, int64_t ms);  // time passes and the pipeline ticks
// Nothing is left in memory or under way.
void fake_fini(struct fake *f);

#endif
