// patience.h -- how long the first byte of an answer is waited for: what was configured, or a
// good deal more than it has taken lately.
//
// Slow local models need minutes, so that is what is waited for at first; a server that
// answers in seconds and then hangs is noticed sooner.
// Pure, like all of guard/.  Included by guard.h.
// SPDX-License-Identifier: MIT
#ifndef VLMD_GUARD_PATIENCE_H
#define VLMD_GUARD_PATIENCE_H

#include <stdint.h>

enum { PATIENCE_RING = 64 };

// Of the last answers; zero at first.
struct patience {
    int32_t ms[PATIENCE_RING];
    int n, next;
};

void patience_note(struct patience *p, int64_t first_byte_ms);
// It ran out, or the server is another one: nothing is known.
void patience_forget(struct patience *p);
// Never more than configured_ms.
int64_t patience_ms(const struct patience *p, int64_t configured_ms);

#endif
