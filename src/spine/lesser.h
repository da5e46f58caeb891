// lesser.h -- what becomes of a picture that fails for good: a lesser description.
//
// Which is next says guard/fallback.h; here it is done.
// Private to the pipeline.
// SPDX-License-Identifier: MIT
#ifndef VLMD_LESSER_H
#define VLMD_LESSER_H

#include "spine/job.h"

// Goes on with the next step of the chain; false: there is none, and the job has failed.
bool lesser_try(struct job *j, int code);
// The picture is there for text recognition.
void lesser_prepared(struct job *j);
// Its text is there, or err.
void lesser_read(struct job *j, int err);

// What was done instead of what was asked for, and why (E_*; 0 = nothing was).
enum fallback_step lesser_used(const struct job *j);
int lesser_reason(const struct job *j);
// "quick", ..., or "ocr", "metadata": what the description was made with.
const char *lesser_tier(const struct job *j);

#endif
