// cost.c -- expected tokens against reported ones: a server that shrinks pictures is noticed.
//
// Small text is unreadable then, and nothing else tells: the answers stay fluent.
// SPDX-License-Identifier: MIT
#include "backend/cost.h"

#include "backend/backend.h"

#include <math.h>
#include <string.h>
#include <strings.h>

enum { GEMMA3_TOKENS = 256, GEMMA4_BUDGET = 280, GEMMA4_PX = 48, IN_A_ROW = 3 };

static int64_t cells(int px, int patch)
{
    int64_t n = ((int64_t)px + patch / 2) / patch;
    return n > 0 ? n : 1;
}

// Fills its budget whatever the size: f = sqrt(budget * 48^2 / area), sides rounded down.
static int64_t gemma4_tokens(int width, int height)
{
    double f =
        sqrt((double)GEMMA4_BUDGET * GEMMA4_PX * GEMMA4_PX / ((double)width * height));
    return (int64_t)(width * f / GEMMA4_PX) * (int64_t)(height * f / GEMMA4_PX);
}

int64_t cost_of_picture(const char *model, int width, int height)
{
    int patch = backend_patch_px(model);
    if (width < 1 || height < 1) {
        return 0;
    }
    if (strcasestr(model, "gemma3") || strcasestr(model, "gemma-3")) {
        return GEMMA3_TOKENS;
    }
    if (patch == GEMMA4_PX) {
        return gemma4_tokens(width, height);
    }
    if (patch == 0) {
        return 0;
    }
    int64_t rows = cells(height, patch);
    bool has_breaks = strcasestr(model, "pixtral") || strcasestr(model, "mistral") ||
                      strcasestr(model, "ministral");
    return cells(width, patch) * rows + (has_breaks ? rows : 0);
}

enum cost_verdict cost_judge(int64_t expected, int64_t prompt_tokens, int64_t least,
                             int64_t most)
{
    if (expected < 1 || prompt_tokens < 1) {
        return COST_UNKNOWN;
    }
    if ((prompt_tokens - least) * 10 < expected * 6) {
        return COST_SHRUNK;
    }
    return (prompt_tokens - most) * 10 > expected * 16 ? COST_ENLARGED : COST_AS_EXPECTED;
}

bool cost_note(struct cost_watch *w, enum cost_verdict v)
{
    if (v == COST_UNKNOWN) {
        return false;
    }
    w->in_a_row = v == w->last ? w->in_a_row + 1 : 1;
    w->last = v;
    bool is_odd = v == COST_SHRUNK || v == COST_ENLARGED;
    if (!is_odd || w->in_a_row < IN_A_ROW || (w->said & 1 << v)) {
        return false;
    }
    w->said |= 1 << v;
    return true;
}
