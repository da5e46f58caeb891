// schedule_offer.c -- what was seen, on its way into the database.
//
// Sightings are gathered in buffers and offered one buffer at a time; the input is held back
// when too many wait.
// SPDX-License-Identifier: MIT
#include "base/mem.h"
#include "spine/schedule_inside.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_OFFERS = 64,      // buffers of STORE_MAX_OFFER sightings
    PRESSURE_OFFERS = 4,  // from here on input that can wait should
};

void schedule_free_offers(struct offers *o)
{
    for (int i = 0; i < o->req.n; i++) {
        struct store_item *it = &o->items[i];
        free((char *)it->root);
        free((char *)it->path);
        free((char *)it->meta.app);
        free((char *)it->meta.window);
        free((char *)it->meta.screen);
        free((char *)it->meta.url);
    }
    free(o);
}

static struct offers *offers_with_room(struct schedule *s)
{
    if (!list_is_empty(&s->offers)) {
        struct offers *last = container_of(s->offers.prev, struct offers, node);
        bool is_sent = s->is_offering && s->offers.next == &last->node;
        if (!is_sent && last->req.n < STORE_MAX_OFFER) {
            return last;
        }
    }
    if (s->n_offers >= MAX_OFFERS) {
        return NULL;
    }
    struct offers *o = mem_new(struct offers);
    o->sched = s;
    o->req.items = o->items;
    o->req.batch = s->batch;
    list_push_back(&s->offers, &o->node);
    s->n_offers++;
    return o;
}

static char *full_path(const struct sighting *seen)
{
    if (seen->url) {
        return mem_dup(seen->url);
    }
    if (!seen->root) {
        return mem_dup(seen->path);
    }
    size_t n = strlen(seen->root), m = strlen(seen->path);
    while (n > 1 && seen->root[n - 1] == '/') {
        n--;
    }
    char *path = mem_zero(n + m + 2);
    memcpy(path, seen->root, n);
    path[n] = '/';
    memcpy(path + n + 1, seen->path, m);
    return path;
}

static void press(struct schedule *s)
{
    bool is_full = s->n_offers >= PRESSURE_OFFERS;
    if (is_full != s->is_pressed) {
        s->is_pressed = is_full;
        s->events.on_pressure(s->events.arg, is_full);
    }
}

bool schedule_offer(struct schedule *s, const struct sighting *seen,
                    enum store_priority priority)
{
    struct offers *o = s->is_stopping ? NULL : offers_with_room(s);
    if (!o) {
        return false;
    }
    struct store_item *it = &o->items[o->req.n++];
    *it = (struct store_item){
        .root = mem_dup(seen->root),
        .path = full_path(seen),
        .is_url = seen->url != NULL,
        .size_bytes = seen->size_bytes,
        .mtime_ns = seen->mtime_ns,
        .priority = priority,
        .tier = seen->tier ? seen->tier
                : s->batch ? s->config.batch_tier
                           : NULL,
        .meta =
            {
                .app = mem_dup(seen->meta.app),
                .window = mem_dup(seen->meta.window),
                .screen = mem_dup(seen->meta.screen),
                .url = mem_dup(seen->meta.url),
                .taken_at_ms = seen->meta.taken_at_ms,
            },
    };
    press(s);
    return true;
}

static void on_offered(struct store_offer *r, int err)
{
    struct offers *o = container_of(r, struct offers, req);
    struct schedule *s = o->sched;
    s->requests--;
    s->is_offering = false;
    if (err && !s->is_stopping) {
        schedule_note_refusal(s, &s->refuses_offers, err, r->err.msg);
        s->offer_at_ms = loop_now_ms(s->loop) + SCHEDULE_AGAIN_MS;
        return;
    }
    if (!err) {
        schedule_note_consent(s, &s->refuses_offers);
    }
    s->may_have_work |= r->n_new > 0 || s->batch;
    list_remove(&o->node);
    s->n_offers--;
    schedule_free_offers(o);
    press(s);
}

void schedule_send_offers(struct schedule *s, int64_t now_ms)
{
    if (s->is_offering || list_is_empty(&s->offers) || s->offer_at_ms > now_ms) {
        return;
    }
    struct offers *o = list_first(&s->offers, struct offers, node);
    s->is_offering = true;
    s->requests++;
    store_offer(s->store, &o->req, on_offered);
}
