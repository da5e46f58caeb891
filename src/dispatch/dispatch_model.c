// dispatch_model.c -- what is wanted of the models as such: not an answer, but their room.
// SPDX-License-Identifier: MIT
#include "dispatch/dispatch_inside.h"

#include <string.h>

void dispatch_note_waiting(struct dispatch *d, int n)
{
    for (int i = 0; i < d->n_routes; i++) {
        d->routes[i].life.n_waiting = n;
    }
}

static bool is_here(const struct route *r)
{
    return r->backend && !backend_facts(r->backend)->is_remote;
}

int dispatch_asking_here(const struct dispatch *d)
{
    int n = 0;
    for (int i = 0; i < d->n_routes; i++) {
        n += is_here(&d->routes[i]) ? d->routes[i].in_flight : 0;
    }
    return n;
}

bool dispatch_holds_model(const struct dispatch *d)
{
    for (int i = 0; i < d->n_routes; i++) {
        const struct life *l = &d->routes[i].life;
        bool is_there = l->state == LIFE_READY || l->state == LIFE_BUSY;
        if (is_here(&d->routes[i]) && l->is_ours && is_there) {
            return true;
        }
    }
    return false;
}

void dispatch_ease(struct dispatch *d, int share_pct)
{
    if (d->share_pct != share_pct) {
        d->share_pct = share_pct;
        roster_refresh(d);
    }
}

int dispatch_share_pct(const struct dispatch *d)
{
    return d->share_pct;
}

void dispatch_press(struct dispatch *d)
{
    for (int i = 0; i < d->n_routes; i++) {
        route_model_press(&d->routes[i], dispatch_now_ms(d));
    }
}

// Nobody named: one that serves, else one that was found.
static struct route *find(struct dispatch *d, const char *name)
{
    struct route *found = NULL;
    for (int i = 0; i < d->n_routes; i++) {
        struct route *r = &d->routes[i];
        if (!r->backend) {
            continue;
        }
        if (name && (strcmp(r->name, name) == 0 || strcmp(r->url, name) == 0)) {
            return r;
        }
        bool is_better = !found || (route_is_taken(r) && !route_is_taken(found)) ||
                         (r->state == ROUTE_FOUND && found->code != 0);
        found = !name && is_better ? r : found;
    }
    return found;
}

static int no_such(struct err *e, const char *name)
{
    return err_set(e, E_NOT_FOUND, "%s: no such backend (see `vlmd models`)",
                   name ? name : "a backend");
}

int dispatch_load(struct dispatch *d, const char *name,
                  void (*done)(void *arg, int err, const char *words), void *arg,
                  struct err *e)
{
    const struct route_wish wish = {.done = done, .arg = arg, .is_load = true};
    struct route *r = find(d, name);
    return r ? route_model_load(r, &wish, e) : no_such(e, name);
}

int dispatch_unload(struct dispatch *d, const char *name,
                    void (*done)(void *arg, int err, const char *words), void *arg,
                    struct err *e)
{
    const struct route_wish wish = {.done = done, .arg = arg};
    struct route *r = find(d, name);
    return r ? route_model_unload(r, &wish, e) : no_such(e, name);
}
