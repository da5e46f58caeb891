// events.h -- what happens, told to who listens: server-sent events, and waiting for a job.
//
// The last events are kept, so that a client that was cut off misses nothing.  Private to
// admin/.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ADMIN_EVENTS_H
#define VLMD_ADMIN_EVENTS_H

#include "admin_inside.h"

struct events_hub *events_open(struct admin *a);
// No client may be left (httpd_close).
void events_close(struct events_hub *h, void (*on_closed)(void *arg), void *arg);
int events_clients(const struct events_hub *h);
void route_events(struct exchange *x);

// Something that waits for the end of a job.  Lives in its owner.
struct waiter {
    struct list node;
    int64_t id;
    int64_t deadline_ms;  // monotonic
    // item NULL: the time is over.  Not called again.
    void (*on_ended)(struct waiter *w, const struct vlmd_item *item);
};
void events_wait(struct events_hub *h, struct waiter *w, int64_t id, int64_t ms);
void events_wait_stop(struct waiter *w);  // harmless when it has ended

#endif
