// door.h -- how other threads reach the loop (app_post and app_stop of app.h stand there, too),
// and the timers of a stop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_DOOR_H
#define VLMD_DOOR_H

#include "app.h"

// Errors: E_NOMEM.
MUST_USE int door_open(struct app *a);
// Nothing is taken any more.  What was posted still runs, while everything is there that it
// may use.
void door_lock(struct app *a);
// closed(a) comes when the loop has let go of the handles.
void door_close(struct app *a, void (*closed)(void *arg));

#endif
