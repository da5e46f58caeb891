// retry_budget.h -- how large a part of what a backend is sent may be repetitions.
//
// When a backend fails often, trying again by itself becomes most of its work.  Over the last
// ten seconds at most a share of its requests may be repetitions, and one a second besides,
// so that a quiet backend is not kept from them.
// Included by guard.h.
// Source: gRPC A6 and Finagle's RetryBudget (20 % over a sliding 10 s, and a minimum).
// SPDX-License-Identifier: MIT
#ifndef VLMD_GUARD_RETRY_BUDGET_H
#define VLMD_GUARD_RETRY_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum { RETRY_BUDGET_SECONDS = 10 };

struct retry_budget {
    int first
        [RETRY_BUDGET_SECONDS];  // by second, a ring: requests that are no repetition
    int again[RETRY_BUDGET_SECONDS];  // and those that are
    int64_t second;                   // the newest one
    int n_first, n_again;             // sums
};

// Milliseconds until a repetition may be sent; 0 = now.  pct: of all requests, 100 = no limit.
int64_t retry_budget_wait_ms(struct retry_budget *b, int pct, int64_t now_ms);
// A request is sent.
void retry_budget_began(struct retry_budget *b, bool is_retry, int64_t now_ms);

#endif
