// event.c -- a list that survives changes while it is being walked.
// SPDX-License-Identifier: MIT
#include "spine/event.h"

#include "base/mem.h"
#include "io/loop.h"

#include <assert.h>
#include <stdlib.h>

void event_init(struct events *e)
{
    *e = (struct events){0};
    list_init(&e->subscribers);
}

static void forget(struct vlmd_subscription *s)
{
    list_remove(&s->node);
    free(s);
}

void event_fini(struct events *e)
{
    assert(e->depth == 0);
    struct list *node, *tmp;
    list_each(node, tmp, &e->subscribers)
    {
        forget(container_of(node, struct vlmd_subscription, node));
    }
}

struct vlmd_subscription *event_subscribe(struct events *e, vlmd_event_fn *fn, void *arg)
{
    struct vlmd_subscription *s = mem_new(struct vlmd_subscription);
    *s = (struct vlmd_subscription){.events = e, .fn = fn, .arg = arg};
    list_push_front(&e->subscribers, &s->node);
    return s;
}

void event_unsubscribe(struct vlmd_subscription *s)
{
    if (!s) {
        return;
    }
    if (s->events->depth > 0) {
        s->fn = NULL;
        s->events->has_dead = true;
    } else {
        forget(s);
    }
}

bool event_is_heard(const struct events *e)
{
    return !list_is_empty(&e->subscribers);
}

static void sweep(struct events *e)
{
    struct list *node, *tmp;
    list_each(node, tmp, &e->subscribers)
    {
        struct vlmd_subscription *s = container_of(node, struct vlmd_subscription, node);
        if (!s->fn) {
            forget(s);
        }
    }
    e->has_dead = false;
}

// New subscribers go to the front, so a walk towards the end never meets them.
void event_emit(struct events *e, const struct vlmd_event *what)
{
    e->depth++;
    for (struct list *node = e->subscribers.next; node != &e->subscribers;
         node = node->next) {
        struct vlmd_subscription *s = container_of(node, struct vlmd_subscription, node);
        if (s->fn) {
            s->fn(s->arg, what);
        }
    }
    e->depth--;
    if (e->depth == 0 && e->has_dead) {
        sweep(e);
    }
}

void event_say(struct events *e, enum vlmd_event_type type, const char *path,
               const char *error_class, const char *words, int64_t n)
{
    struct vlmd_event what = {
        .type = type,
        .at_ms = loop_wall_ms(),
        .path = path ? path : "",
        .error_class = error_class ? error_class : "",
        .words = words ? words : "",
        .n = n,
    };
    event_emit(e, &what);
}
