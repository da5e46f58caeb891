// learn.h -- the states from CLAIMED to RECOGNISING.  Private to the pipeline.
//
// Each is called once the job is in the state of that name; the last two when it has been
// SCREENING.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_LEARN_H
#define VLMD_LEARN_H

#include "spine/job.h"

void learn_begin(struct job *j);          // CLAIMED
void learn_fetch(struct job *j);          // FETCHING
void learn_inspect(struct job *j);        // INSPECTING
void learn_prepare(struct job *j);        // PREPARING
void learn_compare(struct job *j);        // COMPARING
void learn_recognise(struct job *j);      // RECOGNISING
void learn_read(struct job *j, int err);  // what stands on it is known; err: OCR's
// What stands for the grey picture of j, for ocr_req.key; or NULL.
const uint8_t *learn_luma_key(const struct job *j);

#endif
