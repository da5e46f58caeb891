// waker.h -- how other threads wake the loop: a counter in the kernel that it watches.
//
// Not uv_async_t.  Whoever sends is often put aside in the middle of it, for the very loop
// that its write has woken; libuv before 1.45 then spins until the sender has come back,
// which on a busy machine costs milliseconds.  Here the loop never waits for a sender.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IO_WAKER_H
#define VLMD_IO_WAKER_H

#include "io/loop.h"

#include <stdatomic.h>

struct waker {
    uv_poll_t poll;
    int fd;  // owned; eventfd(2)
    atomic_bool is_sent;
    void (*on_wake)(struct waker *w);
    void (*on_closed)(struct waker *w);
};

// on_wake: once or more after each waker_send, and what was written before it is seen there.
// Errors: as of eventfd(2) and epoll_ctl(2), E_NOMEM among them; the loop holds nothing then.
MUST_USE int waker_open(struct waker *w, struct loop *l,
                        void (*on_wake)(struct waker *w));
// Thread: any, and a signal handler, until waker_close.
void waker_send(struct waker *w);
void waker_close(struct waker *w, void (*on_closed)(struct waker *w));

#endif
