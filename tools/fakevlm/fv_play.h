// fv_play.h -- writes a chat's answer as a script, with its fault.
// SPDX-License-Identifier: MIT
#ifndef FV_PLAY_H
#define FV_PLAY_H

#include "fv_call.h"

// Faults that need no slot.  True: the call has its answer.
bool play_early_fault(struct call *c);

// A 200 with the failure as its only event.
void play_failure(struct call *c, const struct failure *f);

// Makes the answer, writes the script and plays it.  The call holds a slot.
void play_answer(struct call *c);

#endif
