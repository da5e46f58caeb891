// dispatch_inside.h -- the state that the dispatch files (asks) and roster.c (routes) share.
// Private to these and the route files.
// SPDX-License-Identifier: MIT
#ifndef VLMD_DISPATCH_INSIDE_H
#define VLMD_DISPATCH_INSIDE_H

#include "dispatch/route.h"

enum { MAX_ROUTES = VLMD_MAX_BACKENDS };

struct dispatch {
    struct loop *loop;
    struct http *http;
    struct ocr *ocr;
    struct dispatch_config config;
    struct dispatch_events events;
    int share_pct;  // of each limit that may be used
    struct route routes[MAX_ROUTES];
    int n_routes;
    struct route *stand_in;  // one of routes, or NULL
    enum dispatch_stand_in stand_in_mode;
    bool is_serving;
    bool looks_closely;  // at what models see, without serving
    bool said_stand_in;
    bool had_model;
    int ready_models;
    int64_t model_lost_ms;  // monotonic; since when no model is there
    int64_t
        retries_at_ms;    // monotonic; when a refused repetition may go, INT64_MAX = none
    struct list watched;  // struct ask: somebody waits for them
    int64_t n_sent, n_hedged;  // asks; second ones among them
    char paused[320];
    uint64_t random_state;
    bool is_settling;
    bool is_closing;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

// ---- dispatch_send.c

bool dispatch_is_remote(const struct route *r);
// What a tier adds to a prompt.
void dispatch_add_tier(struct prompt *p, const char *tier, const char *rule);
// Clears what an earlier attempt came to.
void dispatch_forget_last(struct ask *a);
// Sends a there; the gate has been asked.
void dispatch_send(struct dispatch *d, struct route *r, struct ask *a,
                   enum ask_pass pass);

// ---- dispatch_hedge.c

// An ask was sent: it may have to be asked elsewhere as well.
void hedge_watch(struct dispatch *d, struct ask *a, int64_t now_ms);
// Its request ended with *err.  false: the owner hears of it later, when the second one has
// ended too.
bool hedge_first_ended(struct ask *a, int *err);
void hedge_note_time(struct route *r, int64_t ms);
// Asks for what is late; returns when the next is.
int64_t hedge_tick(struct dispatch *d, int64_t now_ms);
void hedge_cancel(struct ask *a);

// ---- roster.c

// Is the model of this backend resident, being loaded, or found?
bool roster_has_model(const struct route *r);
// Would this route get an ask, were there room?
bool roster_is_usable(const struct dispatch *d, const struct route *r);
// Usable, and neither held nor on trial: its group serves.
bool roster_is_awake(const struct dispatch *d, const struct route *r);
// Another model of the same server is in use: the two would take turns in its memory.
bool roster_must_rest(const struct dispatch *d, const struct route *r);
// Is r a better place for the next ask than best (may be NULL)?
bool roster_is_better(const struct route *r, const struct route *best);
// An ask can go nowhere else: its model is loaded, whatever its group.
void roster_want(struct dispatch *d, struct route *r);
// Draws the conclusions from a change of any route: takes what was found, tells a pause.
void roster_settle(struct dispatch *d);
// Only tells: a route has room again, a hold is over.
void roster_refresh(struct dispatch *d);
// When the stand-in begins to serve: monotonic ms, INT64_MAX = it will not.
int64_t roster_stand_in_due_ms(const struct dispatch *d);

#endif
