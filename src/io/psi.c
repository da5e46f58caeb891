// psi.c -- see psi.h.  The trigger lives as long as the descriptor it was written to.
// SPDX-License-Identifier: MIT
#include "io/psi.h"

#include "base/err.h"
#include "base/list.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char trigger[] = "some 200000 2000000";

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct psi *p = container_of(poll, struct psi, poll);
    if (status == 0 && (events & UV_PRIORITIZED)) {
        p->on_stall(p);
    } else {
        uv_poll_stop(poll);  // the control group is gone: it would be told for ever
    }
}

// libuv refuses what can not be polled; such a handle was never one.
static int watch(struct psi *p, struct loop *l)
{
    if (write(p->fd, trigger, sizeof(trigger)) != (ssize_t)sizeof(trigger) ||
        uv_poll_init(&l->uv, &p->poll, p->fd) != 0) {
        return E_UNSUPPORTED;
    }
    int rc = uv_poll_start(&p->poll, UV_PRIORITIZED, on_poll);
    assert(rc == 0);
    (void)rc;
    uv_unref((uv_handle_t *)&p->poll);
    return 0;
}

int psi_open(struct psi *p, struct loop *l, const char *path,
             void (*on_stall)(struct psi *p))
{
    *p = (struct psi){.on_stall = on_stall};
    p->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (p->fd < 0) {
        return E_UNSUPPORTED;
    }
    int rc = watch(p, l);
    if (rc) {
        close(p->fd);
        p->fd = -1;
    }
    return rc;
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct psi *p = container_of((uv_poll_t *)handle, struct psi, poll);
    close(p->fd);
    p->fd = -1;
    p->on_closed(p);
}

void psi_close(struct psi *p, void (*on_closed)(struct psi *p))
{
    assert(p->fd >= 0);
    p->on_closed = on_closed;
    uv_poll_stop(&p->poll);
    uv_close((uv_handle_t *)&p->poll, on_poll_closed);
}
