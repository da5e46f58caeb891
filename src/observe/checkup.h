// checkup.h -- asks everything that vlmd depends on how it is, all at once.
//
// A checkup is one thing that is asked; it is told when it has answered or its time is over,
// whatever the others do.  The memory goes when nothing is under way any more.
// Private to checkup.c, checkups.c and checkup_tracker.c; doctor.c and alerts.c start rounds.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_CHECKUP_H
#define VLMD_CHECKUP_H

#include "app.h"
#include "base/machine.h"
#include "io/timer.h"
#include "vlmd_health.h"

enum health_state { HEALTH_HEALTHY, HEALTH_DEGRADED, HEALTH_UNHEALTHY, HEALTH_DISABLED };

const char *health_state_name(enum health_state s);

struct health_round;

// Of one that was found; written by the pool.
struct checkup_tracker {
    const char *base;  // in checkup.path; NULL = none
    int64_t age_s;     // of its last sign of life
    bool is_stopped;   // on purpose
};

struct checkup {
    struct health_round *round;
    const char *kind;
    const char *url;  // backend, url: whom
    char name[300];
    enum health_state state;
    char words[400];
    const char *todo;
    double response_ms;  // -1 = nothing was asked
    bool is_told;
    bool is_hidden;  // a guess that nobody answers: not worth a line
    // the one request under way
    struct backend *backend;  // owned; a backend's, for this checkup alone
    struct backend_config backend_config;
    struct backend_call call;
    struct http_req http;
    struct store_profile profile;
    struct pool_work work;
    struct machine_disk disk;
    struct checkup_tracker tracker;
    char path[4096];
    int err;  // of path
};

enum { HEALTH_MAX_CHECKUPS = 2 * CONFIG_MAX_LIST + VLMD_MAX_BACKENDS + 8 };

struct health_round {
    struct app *app;
    struct pool *pool;  // for folders and disks, which may hang
    struct timer timer;
    int64_t timeout_ms;
    uint64_t began_ns;
    struct checkup *checkups;  // owned, room for HEALTH_MAX_CHECKUPS
    int n;
    int untold;
    int holds;  // requests, pool and timer under way
    void (*told)(struct health_round *r);
    void (*ended)(struct health_round *r);  // nothing is under way; may be NULL
    void *arg;
    bool was_told;
};

// Starts a round.  told: every checkup has its state, valid during the call; ended (may be
// NULL): the round goes with it.  Neither comes from inside.  Errors: E_NOMEM.
MUST_USE int health_start(struct app *a, void (*told)(struct health_round *r),
                          void (*ended)(struct health_round *r), void *arg);
enum health_state health_worst(const struct health_round *r);

// ---- checkup.c for checkups.c

// A new checkup that is asked; the caller starts its request and lets it end with
// checkup_tell.  NULL: no room.
struct checkup *checkup_add(struct health_round *r, const char *kind, const char *fmt,
                            ...) __attribute__((format(printf, 3, 4)));
// The first call counts, later ones (after its time was over) only let go of it.
void checkup_tell(struct checkup *c, enum health_state state, const char *todo,
                  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void checkup_hold(struct checkup *c);  // a request is accepted
void checkup_drop(struct checkup *c);  // its done came; the checkup may be gone

// ---- checkups.c

void health_add_all(struct health_round *r);
// The folders that are watched, else those that would be; false: there are none.
bool health_each_folder(struct health_round *r,
                        void (*fn)(void *arg, const char *dir, bool is_lost), void *arg);

// ---- checkup_tracker.c

void health_add_tracker(struct health_round *r);

#endif
