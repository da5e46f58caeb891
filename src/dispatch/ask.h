// ask.h -- one picture to be described by whichever backend dispatch chooses.
//
// Plain data between the pipeline, which owns it, and dispatch, which fills it.  Knows no
// job, so that the spine's parts stay apart.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ASK_H
#define VLMD_ASK_H

#include "backend/backend.h"
#include "base/list.h"
#include "ocr/ocr.h"

#include <stdbool.h>
#include <stdint.h>

// What the gate says of one destination.
enum ask_pass {
    ASK_REFUSED,
    ASK_AFTER_RECORD,  // once the audit knows
    ASK_ALLOWED,
    ASK_ALLOWED_SAFELY  // with the prompt that quotes nothing
};

// What an ask would most likely be made with.
struct ask_expected {
    char model[192], prompt[48], params[128];
};

struct ask {
    // in; borrowed until done
    const uint8_t *jpeg;
    size_t jpeg_len;
    int width, height;
    const uint8_t *luma;  // full-size grey for the OCR stand-in, or NULL
    int luma_width, luma_height;
    const uint8_t *luma_key;  // see ocr_req.key, or NULL
    const char *app, *window;
    const char *cid;
    char traceparent[56];  // sent with it; "" = none
    unsigned seed;
    const char *tier;       // "" = the quickest, which adds nothing to the prompt
    const char *tier_rule;  // see struct tier
    int max_tokens;         // of the tier; less than the backend's has no effect
    int64_t deadline_ms;    // of the tier; 0 = only the backend's own
    const char *avoid;  // a backend that just failed with it: rather another; "" = none
    int cap_doublings;  // how often the backend's limit of an answer is doubled
    bool no_schema;
    bool no_thinking;     // whatever may keep the model from it is said
    bool needs_model;     // the stand-in will not do (it described this already)
    bool is_interactive;  // somebody waits: a late one is asked elsewhere as well
    bool is_retry;        // a backend has failed with it: see guard/retry_budget.h
    // The answer's texts as they come, see backend_ask.on_words; NULL = nobody listens.
    void (*on_words)(struct ask *a, const char *field, const char *text, size_t len);
    // The privacy gate: may this picture go there?  why gets a reason when not.
    enum ask_pass (*may_send)(struct ask *a, const char *backend, bool is_remote,
                              char *why, size_t why_size);
    // out; valid in done, and wants_record after E_BUSY
    bool wants_record;  // the audit has to know first that it goes to backend
    bool is_remote;     // it went to another machine
    struct err err;
    int64_t retry_after_ms;
    bool is_backend_sick;  // the failure is the backend's, not this picture's
    bool is_degraded;      // the stand-in described it
    char backend[96];
    char model[192];
    char prompt[48];
    char params[128];
    struct answer answer;  // owned by the caller on success
    char finish_reason[24];
    int64_t prompt_tokens, completion_tokens, bytes_sent;
    int64_t connect_ms, first_byte_ms, request_ms;  // -1 = did not get that far
    int64_t cost_nano;  // billionths of a dollar; -1 = not told
    double cost;        // as the service told, else by the prices; 0 = neither
    // A second backend that it was sent to and that did not answer, or too late; "" = none.
    char also_backend[96], also_model[192];
    bool also_remote;
    int64_t also_bytes_sent;
    int64_t also_prompt_tokens, also_completion_tokens;  // -1 = not told
    double also_cost;
    void (*done)(struct ask *a, int err);  // private from here on
    struct dispatch *dispatch;
    struct list watch_node;
    bool is_watched, is_parked;
    int parked_err;
    int64_t late_at_ms;
    void *hedge;
    void *route;
    unsigned concur_mark;
    int64_t rate_tokens;                    // it was charged with
    int64_t rate_remaining, rate_reset_ms;  // the server's words; -1 = not told
    union {
        struct backend_ask vlm;
        struct ocr_req ocr;
    } u;
    struct prompt prompt_text;
};

#endif
