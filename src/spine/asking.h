// asking.h -- the states WAITING, RECORDING and ASKING.  Private to the pipeline.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ASKING_H
#define VLMD_ASKING_H

#include "spine/job.h"

// WAITING: goes on to ASKING, or stays until pipeline_pump tries again.
void asking_try(struct job *j);
void asking_record(struct job *j);  // RECORDING

#endif
