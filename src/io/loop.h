// loop.h -- the event loop, its two clocks, for whom it works, and counted closing.
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
    const char *asker;  // see loop_ask_as
};

enum { LOOP_ASKER = 66 };  // bytes of a correlation id and its NUL

MUST_USE int loop_init(struct loop *l);
// Every handle must be closed and its close callback done.  Returns 0, or E_BUSY when some
// handle is still there (a bug of the caller).
MUST_USE int loop_fini(struct loop *l);
int64_t loop_now_ms(const struct loop *l);  // monotonic, cached at the loop's last turn
int64_t loop_wall_ms(void);                 // unix time

// What is begun from now on is begun for the job or request with this correlation id; NULL:
// for nobody.  The works of pools carry it with them, and their done is called with it again,
// so that what a request begins in its callbacks is its own too.  Returns the one before, to
// be set again by whoever called; borrowed until then.
const char *loop_ask_as(struct loop *l, const char *correlation_id);

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
