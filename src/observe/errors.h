// errors.h -- what went wrong in this process, wherever in the spine it was decided.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ERRORS_H
#define VLMD_ERRORS_H

#include "app.h"
#include "base/err_ring.h"
#include "vlmd_health.h"

// An on_error of the spine's parts: arg is the struct app.  Says once when a spike begins.
void errors_note(void *arg, const struct err_note *note);
double errors_per_min(const struct app *a);  // of all kinds, in the last minute
// How many kinds have a spike now.
int errors_spikes(const struct app *a);

#endif
