// telling.h -- a job's answer told while it comes.  Private to the pipeline.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TELLING_H
#define VLMD_TELLING_H

#include "spine/pipeline.h"

// Before the job is asked about: the answer is told when somebody listens.
void telling_begin(struct job *j);
// The request has ended, with an answer or without.  then is called once nothing of it is
// left, at once or when a worker is done with it; until then the job stays where it is.
void telling_end(struct job *j, bool is_answer, void (*then)(struct job *j));
// The request is over, and the job stays until the last look is.
bool telling_waits(const struct job *j);

#endif
