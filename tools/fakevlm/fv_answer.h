// fv_answer.h -- what the model says: made of the picture, always the same.
// SPDX-License-Identifier: MIT
#ifndef FV_ANSWER_H
#define FV_ANSWER_H

#include "fv_call.h"

// Fills c->answer from the pictures, the schema, the limits and the fault.
void answer_make(struct call *c);

// Length of a piece (a "token": one word with the blanks before it) that begins at `at`.
size_t answer_piece(const struct text *t, size_t at);

#endif
