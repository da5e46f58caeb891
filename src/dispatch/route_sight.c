// route_sight.c -- before a model is taken: does it see?  Where no list says so it is looked up
// what was found earlier, else the model is shown a coloured square.
//
//   FOUND --> LOADING: events.on_sight_wanted --> dispatch_recall_sight --> backend_look
//               '-- sees: FOUND again, and taken    '-- does not: WRONG, in words
//
// So no picture of a user's ever goes to a model that can not see it.
// SPDX-License-Identifier: MIT
#include "dispatch/dispatch_inside.h"

#include <stdio.h>
#include <string.h>

// false: nobody remembers anything.
static bool want(const struct route *r)
{
    const struct dispatch_events *e = &r->dispatch->events;
    if (e->on_sight_wanted) {
        e->on_sight_wanted(e->arg, r->url, backend_facts(r->backend));
    }
    return e->on_sight_wanted != NULL;
}

static void tell(const struct route *r, bool sees)
{
    const struct dispatch_events *e = &r->dispatch->events;
    struct backend_facts f = *backend_facts(r->backend);
    f.has_vision = sees;
    f.is_vision_sure = true;
    f.at_ms = loop_wall_ms();
    if (e->on_sight_found) {
        e->on_sight_found(e->arg, r->url, &f);
    }
    if (e->on_facts) {
        e->on_facts(e->arg, r->url, &f);
    }
}

static void on_looked(struct backend_call *c, int err)
{
    struct route *r = container_of(c, struct route, call);
    int64_t now = dispatch_now_ms(r->dispatch);
    r->has_call = false;
    r->is_sight_pending = false;
    if (err != E_CANCELED && (err == 0 || err == E_NO_VISION)) {
        tell(r, err == 0);
    }
    if (err == 0) {
        route_move(r, ROUTE_FOUND, 0, "", now);
    } else if (err != E_CANCELED) {
        route_give_up(r, err, c->err.msg[0] ? c->err.msg : err_words(err), 0, now);
    }
    dispatch_route_call_ended(r->dispatch);
}

static void look(struct route *r)
{
    r->has_call = true;
    memset(&r->call, 0, sizeof(r->call));
    backend_look(r->backend, &r->call, on_looked);
}

bool route_sight_begin(struct route *r, int64_t now_ms)
{
    const struct backend_facts *f = backend_facts(r->backend);
    if (f->is_vision_sure || r->needs_probe || r->has_call || r->is_sight_pending) {
        return r->is_sight_pending;
    }
    bool is_new = strcmp(r->sight_model, f->model) != 0;
    r->is_sight_pending = true;
    snprintf(r->sight_model, sizeof(r->sight_model), "%s", f->model);
    route_move(r, ROUTE_LOADING, E_LOADING, "finding out whether the model sees", now_ms);
    if (!is_new || r->dispatch->looks_closely || !want(r)) {
        look(r);
    }
    return true;
}

void route_sight_recalled(struct route *r, const char *model, const char *version,
                          enum dispatch_sight known)
{
    if (known != DISPATCH_SIGHT_UNKNOWN) {
        backend_recall_sight(r->backend, model, version, known == DISPATCH_SIGHT_SEES);
    }
    if (r->is_sight_pending && !r->has_call && r->state == ROUTE_LOADING) {
        look(r);
    }
}

// ---- dispatch

void dispatch_recall_sight(struct dispatch *d, const char *url, const char *model,
                           const char *version, enum dispatch_sight known)
{
    for (int i = 0; i < d->n_routes; i++) {
        struct route *r = &d->routes[i];
        if (r->backend && strcmp(r->url, url) == 0 &&
            strcmp(r->sight_model, model) == 0) {
            route_sight_recalled(r, model, version, known);
        }
    }
}
