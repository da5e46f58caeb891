// govern.h -- the governor's word, carried out: schedule, dispatch, caches.
// SPDX-License-Identifier: MIT
#ifndef VLMD_GOVERN_H
#define VLMD_GOVERN_H

#include "app.h"

MUST_USE int govern_open(struct app *a, struct err *e);
void govern_close(struct app *a, void (*on_closed)(void *arg), void *arg);
// For schedule_events.
int64_t govern_tick(void *arg, int64_t now_ms, bool has_work);
bool govern_may_begin(void *arg);
// What of it people are shown.
void govern_tell(const struct app *a, struct vlmd_stats *out);

#endif
