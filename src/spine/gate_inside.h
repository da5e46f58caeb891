// gate_inside.h -- what the files of the gate share.
// SPDX-License-Identifier: MIT
#ifndef VLMD_GATE_INSIDE_H
#define VLMD_GATE_INSIDE_H

#include "spine/gate.h"

// A text that fills its field was cut, but for a character of up to four bytes.
bool gate_is_cut(const char *text, size_t size);
// What the rules are asked about; borrows from the gate.
void gate_fill_subject(const struct gate *g, struct privacy_subject *s);
// A new note with what was found so far.  Borrowed: until the next one.
struct gate_note *gate_note(struct gate *g, const char *stage, enum privacy_action a,
                            int64_t wall_ms);

#endif
