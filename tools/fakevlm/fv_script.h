// fv_script.h -- an HTTP answer as bytes with waits between them, and how it ends.
//
// Faults edit what is written here; the connection only plays it.
// SPDX-License-Identifier: MIT
#ifndef FV_SCRIPT_H
#define FV_SCRIPT_H

#include "fv_text.h"

enum ending {
    ENDING_KEEP,   // the connection serves the next request
    ENDING_CLOSE,  // orderly close
    ENDING_RESET,  // RST
    ENDING_STALL,  // nothing more until the client goes
};

struct step {
    int64_t wait_ms;  // before these bytes
    int wait_steps;   // then so many steps of the batch
    size_t end;       // offset behind them in bytes
};

// Zeroed: empty.  Owns: bytes, steps.
struct script {
    struct text bytes;
    struct step *steps;
    size_t steps_n, steps_cap;
    size_t played_n, sent;
    int64_t drip_ms;  // drip_bytes at a time, so many ms apart; 0: no
    size_t drip_bytes;
    bool is_prefilled;  // its first step of the batch was taken
    bool is_chunked;
    enum ending ending;
};

// Adds one step of raw bytes.
void script_raw(struct script *s, int64_t wait_ms, const void *bytes, size_t len);
// Adds one step of the body, as a chunk when the script is chunked.
void script_body(struct script *s, int64_t wait_ms, const void *bytes, size_t len);
// Adds what ends a chunked body.
void script_last_chunk(struct script *s);
// The waits so far are steps of the batch, not ms; first_ms stays before them all.
void script_pace(struct script *s, int64_t first_ms);
void script_clear(struct script *s);

#endif
