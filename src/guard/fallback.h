// fallback.h -- what is tried when a picture fails for good: a smaller tier, text
// recognition, what is known without looking.
//
// Another backend comes before any of these: a repetition goes there.
// Included by guard.h.
// SPDX-License-Identifier: MIT
#ifndef VLMD_GUARD_FALLBACK_H
#define VLMD_GUARD_FALLBACK_H

#include <stdbool.h>

enum fallback_step {
    FALLBACK_NONE,
    FALLBACK_BACKEND,   // another one answered than was asked first
    FALLBACK_TIER,      // a smaller one
    FALLBACK_OCR,       // words that can be read
    FALLBACK_METADATA,  // program and title
};

// How far the chain may go.
enum fallback_reach {
    FALLBACK_REACH_OFF,
    FALLBACK_REACH_TIER,
    FALLBACK_REACH_OCR,
    FALLBACK_REACH_METADATA,
};

struct fallback_state {
    enum fallback_reach reach;
    enum fallback_step step;  // taken so far
    int tier;                 // in use; 0 = the smallest
    bool can_ocr;             // the helper can be started
    bool has_metadata;        // program or title are known
    bool was_degraded;        // it has OCR's words or less from before
};

// The next step after a failure with code, FALLBACK_NONE = it has failed.
enum fallback_step fallback_next(const struct fallback_state *s, int code);
const char *fallback_name(enum fallback_step s);  // "", "backend", "tier", ...

#endif
