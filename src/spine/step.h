// step.h -- moving a job on.  Private to the pipeline.
//
// pipeline.c has the one function that runs a job until it waits for something; the files of
// the states use these to get there.  Each is the last thing its caller does with the job.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STEP_H
#define VLMD_STEP_H

#include "spine/pipeline.h"

static inline int64_t step_now_ms(const struct job *j)
{
    return j->pipeline->organs.now_ms(j->pipeline->organs.ctx);
}

static inline int64_t step_wall_ms(const struct job *j)
{
    return j->pipeline->organs.wall_ms(j->pipeline->organs.ctx);
}

// Without running it.
void step_move(struct job *j, enum job_state to);
void step_go(struct job *j, enum job_state to);
void step_end(struct job *j, enum store_outcome outcome, int code, const char *reason);
void step_back_off(struct job *j, enum job_state resume, int64_t delay_ms);
// Stop, or the lease is gone: every callback but those of a finished answer asks first.
// true: it is leaving.
bool step_leaves(struct job *j);

#endif
