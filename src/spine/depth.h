// depth.h -- how closely a job's picture is looked at: the tier it was offered with, else the
// configured one, and what follows of it.
//
// Private to the pipeline.
// SPDX-License-Identifier: MIT
#ifndef VLMD_DEPTH_H
#define VLMD_DEPTH_H

#include "spine/job.h"

// The tier that is asked for, and the size that it has.
void depth_begin(struct job *j);
// The tier in use: what the model is told besides, how long its answer may be and may take.
void depth_fill_ask(struct job *j);
// What j would most likely be asked with; false: not known.
MUST_USE bool depth_expect(struct job *j, struct ask_expected *out);
// The tier that a description which j inherits has to be of; "" = any will do.
const char *depth_of_inherited(const struct job *j);
// Of two pictures that show the same: will the answer for other do for j?
bool depth_is_enough(const struct job *j, const struct job *other);

#endif
