// psi.h -- the kernel says when tasks begin to wait for memory, so that nobody has to look.
//
// Linux with pressure stall information only; elsewhere opening fails and one has to look.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IO_PSI_H
#define VLMD_IO_PSI_H

#include "io/loop.h"

struct psi {
    uv_poll_t poll;
    int fd;  // -1: not open
    void (*on_stall)(struct psi *p);
    void (*on_closed)(struct psi *p);
};

// on_stall comes when some task waited 200 ms within 2 s, at most once in 2 s.  path: of a
// file such as /proc/pressure/memory.  Errors: E_UNSUPPORTED (the kernel does not do this, or
// not for this user); nothing needs closing then.
// Source: systemd's MemoryPressureThresholdSec=; users without privileges may only have
// windows of 2 s and its multiples (Linux 6.5).
MUST_USE int psi_open(struct psi *p, struct loop *l, const char *path,
                      void (*on_stall)(struct psi *p));
// An open one; its memory may go only in on_closed.
void psi_close(struct psi *p, void (*on_closed)(struct psi *p));

#endif
