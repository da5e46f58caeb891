// waker.c -- see waker.h.
// SPDX-License-Identifier: MIT
#include "io/waker.h"

#include "base/list.h"

#include <assert.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

// Told before it is forgotten, a sender's wake would be lost; forgotten before it is told, at
// worst one comes too many.
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct waker *w = container_of(poll, struct waker, poll);
    eventfd_t count;
    (void)status;
    (void)events;
    (void)!eventfd_read(w->fd, &count);
    atomic_store(&w->is_sent, false);
    w->on_wake(w);
}

static int watch(struct waker *w, struct loop *l)
{
    int rc = uv_poll_init(&l->uv, &w->poll, w->fd);
    if (rc) {
        return err_from_errno(-rc);
    }
    rc = uv_poll_start(&w->poll, UV_READABLE, on_poll);
    assert(rc == 0);
    return 0;
}

int waker_open(struct waker *w, struct loop *l, void (*on_wake)(struct waker *w))
{
    *w = (struct waker){.on_wake = on_wake};
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->fd < 0) {
        return err_from_errno(errno);
    }
    int rc = watch(w, l);
    if (rc) {
        close(w->fd);
        w->fd = -1;
    }
    return rc;
}

void waker_send(struct waker *w)
{
    int before = errno;  // of whom a signal handler interrupts
    if (!atomic_exchange(&w->is_sent, true)) {
        (void)!eventfd_write(w->fd, 1);
    }
    errno = before;
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct waker *w = container_of((uv_poll_t *)handle, struct waker, poll);
    close(w->fd);
    w->fd = -1;
    w->on_closed(w);
}

void waker_close(struct waker *w, void (*on_closed)(struct waker *w))
{
    assert(w->fd >= 0);
    w->on_closed = on_closed;
    uv_poll_stop(&w->poll);
    uv_close((uv_handle_t *)&w->poll, on_poll_closed);
}
