// turns.c -- see turns.h.
// SPDX-License-Identifier: MIT
#include "turns.h"

// Processor time that is paid off in so long.
static int64_t paid_in(const struct turns_config *c, int64_t us)
{
    return us * c->share_pct * c->processors / 100;
}

int64_t turns_wait_us(struct turns *t, const struct turns_config *c, int64_t spent_us,
                      int64_t now_us)
{
    const int64_t most = paid_in(c, c->max_wait_us);
    // Long ago is as good as for ever, and does not overflow.
    const int64_t day_us = INT64_C(86400000000);
    int64_t passed = t->at_us && now_us - t->at_us < day_us ? now_us - t->at_us : day_us;
    t->owed_us -= paid_in(c, passed > 0 ? passed : 0);
    t->owed_us = t->owed_us > -c->ahead_us ? t->owed_us : -c->ahead_us;
    t->owed_us += spent_us;
    t->owed_us = t->owed_us < most ? t->owed_us : most;
    t->at_us = now_us;
    if (c->share_pct >= 100 || t->owed_us <= 0) {
        return 0;
    }
    int64_t wait = t->owed_us * 100 / ((int64_t)c->share_pct * c->processors);
    return wait < c->max_wait_us ? wait : c->max_wait_us;
}

enum {
    FORGOTTEN_IN = 384,  // turns: a quarter of a minute
    LOOKED_BACK = 16     // turns: half a second
};

// Half of what is worse is taken over, and all is forgotten slowly: turns that are late one
// time in fifty or more are kept in mind, those that are so one time in a hundred may be.
// Who asked is as far back in this turn as in the last one, so it is what this one took
// more than that one that is waited for.
int64_t turns_pace_us(struct turns_pace *p, int64_t late_us, int64_t took_us,
                      bool is_busy)
{
    p->busy += ((is_busy ? TURNS_ALL : 0) - p->busy) / LOOKED_BACK;
    int64_t excess = late_us > 0 ? late_us : 0;
    excess += took_us > p->took_us ? took_us - p->took_us : 0;
    p->took_us = took_us;
    int64_t worse = excess - p->excess_us;
    p->excess_us += worse > 0 ? worse / 2 : -p->excess_us / FORGOTTEN_IN;
    if (p->busy < TURNS_ALL / 2) {
        return p->spare_us;
    }
    int64_t us = p->within_us - p->excess_us;
    us = us < p->most_us ? us : p->most_us;
    return us > p->least_us ? us : p->least_us;
}
