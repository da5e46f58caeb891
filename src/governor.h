// governor.h -- how much of the machine vlmd may take now, and why not more.
//
// Looks at memory, power, processors and programs (io/host.h) while there is work, judges by
// the rules of guard/pressure.h and guard/yield.h, and tells when the outcome changes.  With
// nothing to do and no memory pressure it does not wake up.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_GOVERNOR_H
#define VLMD_GOVERNOR_H

#include "guard/pressure.h"
#include "guard/yield.h"
#include "io/host.h"

struct governor;

struct governor_config {
    struct pressure_config pressure;
    struct yield_config yield;
    const char *const *programs;  // that yield.program is about; NULL-ended, borrowed
    const char *const *hours;     // in which work is done; none = always; borrowed
    const char *proc, *sys;       // "/proc", "/sys"; borrowed
};

// What is known about the work at a tick.
struct governor_work {
    bool has_work;     // something to do, or to be done once it is allowed again
    int asked_here;    // requests that models of this machine may be working on
    bool holds_model;  // one of ours is in this machine's memory
};

struct governor_state {
    enum yield_mode mode;
    int concurrency_pct;  // of each backend's limit, at least one
    int cache_pct;
    bool unloads_idle;
    char why[200];     // "" = as fast as it can
    int64_t until_ms;  // unix; 0 = not known
    enum pressure_level pressure;
    int64_t pressure_raised;
    int used_pct;  // of memory
    int64_t rss_bytes, most_rss_bytes;
    double some_pct;  // -1 = not known
};

struct governor_events {
    void *arg;
    // Mode, shares or words changed.
    void (*on_change)(void *arg, const struct governor_state *s);
    // A look ended: what waited for governor_is_known may go on.
    void (*on_look)(void *arg);
};

MUST_USE int governor_open(struct governor **out, struct loop *l,
                           const struct governor_config *c,
                           const struct governor_events *e);
// Starts a look when one is due; returns when the next is, INT64_MAX = none.
int64_t governor_tick(struct governor *g, const struct governor_work *w, int64_t now_ms);
// Is what it says fresh enough to begin something new?
bool governor_is_known(const struct governor *g, int64_t now_ms);
// From now on; proc and sys stay as they are.  Looks as soon as there is work.
void governor_configure(struct governor *g, const struct governor_config *c);
const struct governor_state *governor_state(const struct governor *g);
void governor_close(struct governor *g, void (*on_closed)(void *arg), void *arg);

#endif
