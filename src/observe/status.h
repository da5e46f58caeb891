// status.h -- what this process is doing, for its own host and for other processes.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STATUS_H
#define VLMD_STATUS_H

#include "app.h"

void status_snapshot(struct app *a, struct vlmd_stats *out);
// Writes a snapshot into the database, at most every other second, so that `vlmd status` of
// another process can show it.  Cheap to call often.
void status_publish(struct app *a);
// Counts an ended job for the moving average.
void status_count(struct app *a);

#endif
