// retry_budget.c -- how large a part of what a backend is sent may be repetitions.
// SPDX-License-Identifier: MIT
#include "guard/guard.h"

#include <string.h>

enum { LEAST_PER_SECOND = 1 };

// Drops the seconds that are over.  A clock that went back is waited for.
static void slide(struct retry_budget *b, int64_t now_ms)
{
    int64_t now = now_ms / 1000, steps = now - b->second;
    if (steps >= RETRY_BUDGET_SECONDS) {
        *b = (struct retry_budget){.second = now};
        return;
    }
    for (int64_t s = b->second + 1; s <= now; s++) {
        int k = (int)(s % RETRY_BUDGET_SECONDS);
        b->n_first -= b->first[k];
        b->n_again -= b->again[k];
        b->first[k] = b->again[k] = 0;
    }
    b->second = now > b->second ? now : b->second;
}

static bool has_room(const struct retry_budget *b, int pct)
{
    // The repetition that is asked for counts as well.
    int64_t all = (int64_t)b->n_first + b->n_again + 1;
    int64_t most = all * pct / 100 + LEAST_PER_SECOND * RETRY_BUDGET_SECONDS;
    return b->n_again < most;
}

int64_t retry_budget_wait_ms(struct retry_budget *b, int pct, int64_t now_ms)
{
    slide(b, now_ms);
    if (pct >= 100 || has_room(b, pct)) {
        return 0;
    }
    return (b->second + 1) * 1000 - now_ms;  // then a second is over: look again
}

void retry_budget_began(struct retry_budget *b, bool is_retry, int64_t now_ms)
{
    slide(b, now_ms);
    int k = (int)(b->second % RETRY_BUDGET_SECONDS);
    int *by_second = is_retry ? b->again : b->first;
    by_second[k]++;
    if (is_retry) {
        b->n_again++;
    } else {
        b->n_first++;
    }
}
