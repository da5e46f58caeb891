// patience.c -- see patience.h.
// SPDX-License-Identifier: MIT
#include "guard/guard.h"

enum {
    LEAST_KNOWN = 20,  // answers, before they say anything
    TIMES = 4,         // the slowest of them: twice as many at once, on a larger picture
    FLOOR_MS = 60000,  // whatever was seen: other users come and go
};

void patience_note(struct patience *p, int64_t first_byte_ms)
{
    if (first_byte_ms < 0) {
        return;
    }
    p->ms[p->next] = first_byte_ms < INT32_MAX ? (int32_t)first_byte_ms : INT32_MAX;
    p->next = (p->next + 1) % PATIENCE_RING;
    p->n += p->n < PATIENCE_RING;
}

void patience_forget(struct patience *p)
{
    *p = (struct patience){0};
}

int64_t patience_ms(const struct patience *p, int64_t configured_ms)
{
    int64_t most = 0;
    for (int i = 0; i < p->n; i++) {
        most = p->ms[i] > most ? p->ms[i] : most;
    }
    int64_t wait = most * TIMES > FLOOR_MS ? most * TIMES : FLOOR_MS;
    return p->n >= LEAST_KNOWN && wait < configured_ms ? wait : configured_ms;
}
