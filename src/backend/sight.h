// sight.h -- a tiny picture of one colour, drawn here, to find out whether a model sees.
//
// Never a picture of the user's: this is asked before the first of those is sent.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BACKEND_SIGHT_H
#define VLMD_BACKEND_SIGHT_H

#include "base/buf.h"

#include <stdint.h>

enum { SIGHT_SIDE_PX = 112 };  // a multiple of all usual grids' patches but the coarsest

// Colours that no guess hits first.
struct sight_colour {
    const char *name, *other_name;  // as models say it; in lower case
    unsigned char red, green, blue;
};

extern const struct sight_colour sight_colour;
extern const char sight_question[];

// A PNG of that colour.  Errors: E_NOMEM, E_TOOBIG.
MUST_USE int sight_draw(struct buf *out);

// What an answer to sight_question proves.  tokens: of the prompt with the picture,
// text_tokens: of the same words without it; < 1 = not told.  Pure.
enum sight_proof { SIGHT_SEEN, SIGHT_BLIND, SIGHT_UNCLEAR };
enum sight_proof sight_judge(const char *answer, int64_t tokens, int64_t text_tokens);

#endif
