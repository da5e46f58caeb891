// backlog.h -- what a server says about its own queue, as a bound of what it is given at once.
//
// The limit that was found by trying (concur.h) is the client's view; some servers tell theirs:
// how many requests of all their users run, how many wait, how full the memory for contexts is.
// What waits there could wait here as well, where it can still go elsewhere.
// Pure, like all of guard/.  Included by guard.h.
// SPDX-License-Identifier: MIT
#ifndef VLMD_GUARD_BACKLOG_H
#define VLMD_GUARD_BACKLOG_H

#include <stdint.h>

// All users of the server together; -1 = not told.
struct backlog_told {
    int running;
    int waiting;
    double kv_share;  // of the memory for contexts, 0 to 1
};

struct backlog {
    int bound;  // of the requests in flight; 0 = none
    int looks;  // in a row that found a queue, or the memory full
};

// Takes what was told in; in_flight and limit are the client's own now.  Returns the bound,
// 0 = none.  All -1: nothing is known any more.
int backlog_hear(struct backlog *b, const struct backlog_told *t, int in_flight,
                 int limit);

// From becoming ready to the first question.
enum { BACKLOG_FIRST_MS = 1000 };
// Until the next: sooner after a first look that found a queue, so that it is soon known
// whether it stays.
int64_t backlog_wait_ms(const struct backlog *b);

#endif
