// share.h -- one answer for all who ask the same at the same time.
//
// The first who asks runs the handler; who comes while it runs is answered with the same
// bytes, under headers of his own.  Routes say whether theirs may be shared, and whether
// they are kept for a moment (route.fresh_ms).  Nothing is shared across a change that a
// client may know of: a request that changed something, or for what is under way also an
// event that was told.
//
// What many asked in one turn is asked ahead of the next one: before anything is read, so
// that all who ask it then are answered as they are read.  That answer is kept for a tenth
// of a second, but not past an answer or event that tells somebody what may be newer.
// Private to admin/.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ADMIN_SHARE_H
#define VLMD_ADMIN_SHARE_H

#include "admin_inside.h"

enum { SHARE_NEVER = 0, SHARE_RUNNING = 1 };  // of route.fresh_ms; more: kept so many ms

// false: x runs the handler itself.  true: it is answered, now or with another's answer.
bool share_ask(struct exchange *x);
// Somebody wants what x makes.
bool share_is_wanted(const struct exchange *x);
// The next of those who wait for x's answer, taken off; NULL = none is left.
struct exchange *share_next(struct exchange *x);
// x is answered with body, and may be remembered.
void share_made(struct exchange *x, int status, const char *type,
                struct httpd_body *body);
// x waits for nobody's answer any more, and makes none that others could wait for.
void share_leave(struct exchange *x);
// Asks what many asked in the last turn: an exchange to be run, and dropped by the caller;
// NULL = there is nothing.  Its answer is for who asks the same until share_end_turn, or as
// long as it is kept.
struct exchange *share_ahead(struct admin *a);
void share_end_turn(struct admin *a);
// Of an exchange that is asked ahead.
const char *share_param(const struct exchange *x, const char *name);
void share_free_all(struct admin *a);

#endif
