// intake.h -- folders and lists of an app: their sightings go to the schedule.
// SPDX-License-Identifier: MIT
#ifndef VLMD_INTAKE_H
#define VLMD_INTAKE_H

#include "app.h"

// Watching and listing end; then app_inputs_closed (at once when there was neither).
void intake_end(struct app *a);
// For the schedule: its buffer of offers is full, or has room again.
void intake_on_pressure(void *arg, bool is_full);

#endif
