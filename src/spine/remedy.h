// remedy.h -- what is changed before a picture is asked about again, for each way to fail.
//
// Private to the pipeline.  Pure: changes the job, starts nothing.
// SPDX-License-Identifier: MIT
#ifndef VLMD_SPINE_REMEDY_H
#define VLMD_SPINE_REMEDY_H

#include "spine/job.h"

enum remedy {
    REMEDY_NONE,     // nothing is left to be changed
    REMEDY_ASK,      // the next request differs, or has another seed at least
    REMEDY_PREPARE,  // the picture has to be prepared again before it
};

// The ask failed with err, which is not the backend's fault; j->tries counts it already.
// What is changed stands in the history of j.
enum remedy remedy_take(struct job *j, int err);
// The same after a crash of the model: it may do with a smaller picture.
enum remedy remedy_take_crash(struct job *j);
// A smaller tier begins with what the first began with.
void remedy_forget(struct job *j);

#endif
