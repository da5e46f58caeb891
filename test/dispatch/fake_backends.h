// fake_backends.h -- the backend and OCR organs as dispatch sees them, ended on demand, with
// a clock that stands still.  Linked instead of the real ones.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_FAKE_BACKENDS_H
#define VLMD_TEST_FAKE_BACKENDS_H

#include "dispatch/dispatch.h"

enum { FB_MAX = 8 };

// What backend i (in the order of backend_new) does and has seen.
struct fake_backend {
    struct backend_facts facts;
    struct backend_call *probe, *load, *verify, *unload, *look, *feedback;
    int looks;
    int feedbacks;
    int recalled;  // 0 = nothing, 1 = sees, -1 = does not
    struct backend_ask *asks[64];
    int n_asks;
    int probes, loads, verifies, unloads, asked;
    int cancels, pauses;
    bool holds_verify;      // fb_end_load leaves the look that follows to the test
    int64_t expires_at_ms;  // told by verify; 0 = not told
};

extern struct fake_backend fb[FB_MAX];
extern int fb_n;
extern int64_t fb_now_ms;
extern int fb_latency_per_ask;    // ms for each ask in flight; 0 = 50 however many
extern struct rate_told fb_told;  // in each answer's headers
extern int fb_max_tokens;         // configured
extern bool fb_has_no_helper;
extern struct ocr_req *fb_page;  // being recognised

void fb_reset(void);
void fb_end_probe(int i, int err);
// A load that went well is verified at once, unless holds_verify.
void fb_end_load(int i, int err);
void fb_end_verify(int i, int err, enum backend_residence r);
void fb_end_unload(int i, int err);
void fb_end_look(int i, int err);
// What is not told is -1.
void fb_end_feedback(int i, int err, int running, int waiting, double kv_share);
void fb_end_ask(int i, int err);  // the oldest
void fb_end_ask_with(int i, int err, int64_t retry_after_ms);
void fb_end_page(int err);

#endif
