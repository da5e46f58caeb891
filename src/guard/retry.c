// retry.c -- how long to wait before the same work is tried again, and how often.
//
// Full jitter spreads the attempts of many jobs that failed at the same moment over the
// whole pause, so that they do not come back as one wave.
// Source: M. Brooker, Exponential Backoff And Jitter, 2015.
// SPDX-License-Identifier: MIT
#include "guard/guard.h"

void retry_config_default(struct retry_config *c)
{
    *c = (struct retry_config){
        .max_attempts = 4, .base_ms = 500, .cap_ms = 60000, .budget_pct = 20};
}

// min(cap, base * 2^(attempt - 1)), without overflow.
static int64_t ceiling_ms(const struct retry_config *c, int attempt)
{
    int64_t ms = c->base_ms;
    for (int i = 1; i < attempt && ms < c->cap_ms; i++) {
        ms = ms > c->cap_ms / 2 ? c->cap_ms : ms * 2;
    }
    ms = ms < c->cap_ms ? ms : c->cap_ms;
    return ms < 0 ? 0 : ms < INT32_MAX ? ms : INT32_MAX;
}

int64_t retry_delay_ms(const struct retry_config *c, int attempt, int64_t retry_after_ms,
                       uint32_t random)
{
    uint64_t choices = (uint64_t)ceiling_ms(c, attempt) + 1;
    int64_t ms = (int64_t)(choices * random >> 32);
    return ms > retry_after_ms ? ms : retry_after_ms;
}

bool retry_may_again(const struct retry_config *c, int attempts_made)
{
    return attempts_made < c->max_attempts;
}
