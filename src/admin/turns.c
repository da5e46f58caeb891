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
