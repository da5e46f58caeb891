// fallback.c -- what is tried when a picture fails for good.
// SPDX-License-Identifier: MIT
#include "base/err.h"
#include "guard/guard.h"

const char *fallback_name(enum fallback_step s)
{
    switch (s) {
    case FALLBACK_NONE: return "";
    case FALLBACK_BACKEND: return "backend";
    case FALLBACK_TIER: return "tier";
    case FALLBACK_OCR: return "ocr";
    case FALLBACK_METADATA: return "metadata";
    }
    return "";
}

// A smaller picture and a shorter answer are less work for the model; what it can not decode
// or refuses stays so.
static bool is_less_any_good(int code)
{
    return code != E_BAD_IMAGE && code != E_BAD_REQUEST && code != E_REFUSAL;
}

enum fallback_step fallback_next(const struct fallback_state *s, int code)
{
    bool was_looked_at = s->step < FALLBACK_OCR;
    if (err_class(code) == ERR_BUG) {
        return FALLBACK_NONE;
    }
    if (s->reach >= FALLBACK_REACH_TIER && was_looked_at && s->tier > 0 &&
        is_less_any_good(code)) {
        return FALLBACK_TIER;
    }
    if (s->was_degraded) {
        return FALLBACK_NONE;  // what it has is as good
    }
    if (s->reach >= FALLBACK_REACH_OCR && was_looked_at && s->can_ocr) {
        return FALLBACK_OCR;
    }
    if (s->reach >= FALLBACK_REACH_METADATA && s->step < FALLBACK_METADATA &&
        s->has_metadata) {
        return FALLBACK_METADATA;
    }
    return FALLBACK_NONE;
}
