// loop.h -- the event loop, its two clocks, and counted closing.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IO_LOOP_H
#define VLMD_IO_LOOP_H

#include "base/err.h"

#include <stdint.h>
#include <uv.h>

// Thread: everything in io/ belongs to the thread that runs the loop unless a comment says
// otherwise.
struct loop {
    uv_loop_t uv;
};

MUST_USE int loop_init(struct loop *l);
// Every handle must be closed and its close callback done.  Returns 0, or E_BUSY when some
// handle is still there (a bug of the caller).
MUST_USE int loop_fini(struct loop *l);
int64_t loop_now_ms(const struct loop *l);  // monotonic, cached at the loop's last turn
int64_t loop_wall_ms(void);                 // unix time

// An owner's open handles and accepted requests.  Each uv_*_init and each accepted request
// holds; each close callback and each done drops; the drop that reaches zero calls
// on_closed, as its last statement.
struct closer {
    int holds;
    void (*on_closed)(struct closer *c);
};

void closer_hold(struct closer *c);
void closer_drop(struct closer *c);

#endif
