// route_backlog.c -- what a server says of its own queue, asked while that is worth knowing.
//
//   READY, as many in flight as the limit allows --> backend_feedback_ask --> on_told
//        ^                                                                      |
//        '-- 5 s, longer when it does not answer -- guard/backlog.h: a bound <--'
//
// Nothing is asked while the limit is not what holds the client back, nor of a server that
// said it has nothing to tell.  An answer that does not come is no failure of the server: asks
// have their own words about that.
// SPDX-License-Identifier: MIT
#include "base/log.h"
#include "dispatch/route.h"

#include <string.h>

enum {
    VAIN_MS = 5000,  // doubled each time
    MOST_MS = 60000,
    FAILURES_MAX = 3,  // in a row: what it said before holds no longer
    STALE_MS = 30000,
};

static const struct backend_feedback nothing = {-1, -1, -1, -1};

void route_backlog_anew(struct route *r, int64_t now_ms)
{
    r->backlog = (struct backlog){0};
    r->is_mute = false;
    r->vain_looks = 0;
    r->next_look_ms = now_ms + BACKLOG_FIRST_MS;
    r->told = nothing;
    r->told_ms = 0;
}

static bool is_fresh(const struct route *r, int64_t now_ms)
{
    return r->told_ms > 0 && now_ms - r->told_ms < STALE_MS;
}

struct backend_feedback route_backlog_told(const struct route *r, int64_t now_ms)
{
    return is_fresh(r, now_ms) ? r->told : nothing;
}

static void bind_limit(struct route *r, const struct backend_feedback *f)
{
    const struct backlog_told told = {f->running, f->waiting, f->kv_share};
    int bound = backlog_hear(&r->backlog, &told, r->in_flight, r->limit);
    log_debug("dispatch", "backend=%s running=%d waiting=%d kv=%.2f bound=%d", r->name,
              f->running, f->waiting, f->kv_share, bound);
    concur_bind(&r->concur, &r->concur_config, bound);
    route_follow_limit(r);
}

// What was heard before a long silence says nothing about now.
static void hear(struct route *r, const struct backend_feedback *f, int64_t now_ms)
{
    if (!is_fresh(r, now_ms)) {
        r->backlog = (struct backlog){0};
    }
    r->vain_looks = 0;
    r->told = *f;
    r->told_ms = now_ms;
    bind_limit(r, f);
    r->next_look_ms = now_ms + backlog_wait_ms(&r->backlog);
}

static void hear_nothing(struct route *r, int err, int64_t now_ms)
{
    int64_t wait_ms = (int64_t)VAIN_MS << (r->vain_looks < 4 ? r->vain_looks : 4);
    r->next_look_ms = now_ms + (wait_ms < MOST_MS ? wait_ms : MOST_MS);
    r->is_mute = err == E_UNSUPPORTED;
    if (r->is_mute || ++r->vain_looks >= FAILURES_MAX) {
        r->told_ms = 0;
        bind_limit(r, &nothing);
    }
}

static void on_told(struct backend_call *c, int err)
{
    struct route *r = container_of(c, struct route, look);
    int64_t now = dispatch_now_ms(r->dispatch);
    r->has_look = false;
    bool is_of_use = err != E_CANCELED && r->state == ROUTE_READY;
    if (is_of_use && err == 0) {
        hear(r, &c->feedback, now);
    } else if (is_of_use) {
        hear_nothing(r, err, now);
    }
    dispatch_route_call_ended(r->dispatch);
}

// One may be missing: the next is sent only after the end of another.
static bool is_wanted(const struct route *r)
{
    return route_is_adaptive(r) && backend_facts(r->backend)->has_feedback &&
           !r->is_mute && !r->has_look && r->in_flight > 0 &&
           r->in_flight >= r->limit - (r->limit > 2);
}

int64_t route_backlog_tick(struct route *r, int64_t now_ms)
{
    if (!is_wanted(r)) {
        return INT64_MAX;
    }
    if (r->next_look_ms > now_ms) {
        return r->next_look_ms;
    }
    r->has_look = true;
    memset(&r->look, 0, sizeof(r->look));
    backend_feedback_ask(r->backend, &r->look, on_told);
    return INT64_MAX;
}
