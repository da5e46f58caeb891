// gate.h -- the privacy gate: what the rules and the policy say about one job.
// SPDX-License-Identifier: MIT
#ifndef VLMD_GATE_H
#define VLMD_GATE_H

#include "job.h"

#include <stdbool.h>
#include <stddef.h>

// All: why gets a reason that names the rule, never a text of the picture's, when true (for
// gate_may_send: when false), else "".

// Before the file is opened, by what is known without.
bool gate_is_denied(const struct job *j, char *why, size_t size);
// With the file's own metadata.
bool gate_is_excluded(const struct job *j, char *why, size_t size);
// Before every send, for each destination anew; as ask.may_send.
bool gate_may_send(struct ask *a, bool is_remote, char *why, size_t size);

#endif
