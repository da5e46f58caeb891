// cost.h -- what a picture should cost a model in tokens, and whether it did.  Pure.
// Private to backend/.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BACKEND_COST_H
#define VLMD_BACKEND_COST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Tokens of a picture of that size; 0 = the family is not known, or cuts pictures in tiles.
// Source: PROTOCOLS.md 9.1.
int64_t cost_of_picture(const char *model, int width, int height);

enum cost_verdict {
    COST_UNKNOWN,
    COST_AS_EXPECTED,
    COST_SHRUNK,   // under 0.6 of it, whatever the words cost: the server made it smaller
    COST_ENLARGED  // over 1.6 of it
};
// expected: of the picture, 0 = not known.  least, most: what the words may have cost.
enum cost_verdict cost_judge(int64_t expected, int64_t prompt_tokens, int64_t least,
                             int64_t most);

// The same three times in a row is worth a word, once.
struct cost_watch {
    enum cost_verdict last;
    int in_a_row;
    int said;  // bits of cost_verdict
};
// Is it to be said now?
bool cost_note(struct cost_watch *w, enum cost_verdict v);

#endif
