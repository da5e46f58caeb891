// keep.h -- saving and releasing, the end of a job in memory.
//
// Private to the pipeline, which calls each of these once the job is in the state of that
// name; the job is gone some time after.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_KEEP_H
#define VLMD_KEEP_H

#include "spine/pipeline.h"

void keep_save(struct job *j);
// For one that the store refused, when job.wake_ms has come.
void keep_save_again(struct job *j);
void keep_release(struct job *j);

#endif
