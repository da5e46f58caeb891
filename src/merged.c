// merged.c -- see merged.h.
// SPDX-License-Identifier: MIT
#include "merged.h"

void merged_note(struct merged *m, int64_t was, int64_t now)
{
    const unsigned i = m->n++ % MERGED_KEPT;
    m->kept[i].was = was;
    m->kept[i].now = now;
}

int64_t merged_now(const struct merged *m, int64_t id)
{
    for (int i = 0; i < MERGED_KEPT; i++) {
        if (m->kept[i].was == id) {
            return m->kept[i].now;
        }
    }
    return id;
}
