// event.h -- fan-out of what happened to whoever listens.
//
// Subscribers may subscribe and unsubscribe, themselves or others, while an event is being
// told; one that was taken off is not called any more.
// SPDX-License-Identifier: MIT
#ifndef VLMD_EVENT_H
#define VLMD_EVENT_H

#include "base/list.h"
#include "vlmd.h"

struct events {
    struct list subscribers;
    int depth;      // of emits under way
    bool has_dead;  // some were taken off meanwhile
};

struct vlmd_subscription {
    struct list node;
    struct events *events;
    vlmd_event_fn *fn;  // NULL = taken off, freed after the emit
    void *arg;
};

void event_init(struct events *e);
void event_fini(struct events *e);  // frees what is still subscribed
struct vlmd_subscription *event_subscribe(struct events *e, vlmd_event_fn *fn, void *arg);
void event_unsubscribe(struct vlmd_subscription *s);
bool event_is_heard(const struct events *e);
void event_emit(struct events *e, const struct vlmd_event *what);
// Short forms; strings may be NULL.
void event_say(struct events *e, enum vlmd_event_type type, const char *path,
               const char *error_class, const char *words, int64_t n);

#endif
