// guard.h -- pure policies of asking: when to try again, when to leave a backend alone.
//
// (state, input, now) -> decision.  No loop, no clock, no allocation.
// SPDX-License-Identifier: MIT
#ifndef VLMD_GUARD_GUARD_H
#define VLMD_GUARD_GUARD_H

#include "guard/backlog.h"
#include "guard/budget.h"
#include "guard/concur.h"
#include "guard/fallback.h"
#include "guard/patience.h"
#include "guard/rate.h"
#include "guard/retry_budget.h"
#include "guard/tier.h"

#include <stdbool.h>
#include <stdint.h>

// What the user allows of one backend.
struct guard_terms {
    int priority;  // lower ones are asked first, higher ones while they have no room
    struct rate_config rate;
    struct budget_config budget;
};

// ---- retry

struct retry_config {
    int max_attempts;  // requests per job in all, default 4
    int64_t base_ms;   // default 500
    int64_t cap_ms;    // default 60000
    int budget_pct;    // of a backend's requests that may be repetitions, default 20
};

void retry_config_default(struct retry_config *c);
// Full jitter: uniform in [0, min(cap, base * 2^(attempt-1))], never below the server's
// Retry-After.  attempt counts from 1 (the one that just failed); random is uniform 32 bit.
// Source: M. Brooker, Exponential Backoff And Jitter, 2015.
int64_t retry_delay_ms(const struct retry_config *c, int attempt, int64_t retry_after_ms,
                       uint32_t random);
bool retry_may_again(const struct retry_config *c, int attempts_made);

// ---- breaker

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

// Opens after so many failures in a row, or when so large a share of the last requests
// failed: some good answers between do not make a backend well.
struct breaker_config {
    int failures;       // in a row that open it, default 3
    int64_t open_ms;    // first pause, doubled each time the probe fails; default 1000
    int64_t cap_ms;     // default 60000, or 5000 for a local backend
    int ratio_pct;      // of the last requests that failed; default 50, 0 = not looked at
    int ratio_least;    // requests before the share means anything, default 5
    int64_t window_ms;  // older ones are forgotten; default 30000
};

enum { BREAKER_WINDOW = 20 };  // last requests that the share is of

struct breaker {
    enum breaker_state state;
    int failures;      // in a row
    int opens;         // in a row without success
    int64_t until_ms;  // OPEN: monotonic time of the next probe
    bool has_probe;    // HALF_OPEN: the one probe is under way
    // the last requests, a ring
    int64_t ended_ms[BREAKER_WINDOW];
    bool has_failed[BREAKER_WINDOW];
    int n_ended, next;
};

// "usual" (the defaults above); "3/60s" and "5/60s": so many failures in a row, a pause that
// stays a minute, no share.
enum breaker_preset { BREAKER_USUAL, BREAKER_3_60, BREAKER_5_60 };

void breaker_config_default(struct breaker_config *c);
void breaker_config_preset(struct breaker_config *c, enum breaker_preset preset);
// May a request go now?  In OPEN past until_ms it turns HALF_OPEN and lets exactly one go.
bool breaker_allow(struct breaker *b, int64_t now_ms);
void breaker_success(struct breaker *b, int64_t now_ms);
// The request that was let go ended without telling anything about the backend (it was
// canceled): in HALF_OPEN the next one may be the probe.
void breaker_abandon(struct breaker *b);
// random: uniform 32 bit, for +-20 % jitter of the pause.
void breaker_failure(struct breaker *b, const struct breaker_config *c, int64_t now_ms,
                     uint32_t random);
// Opens at once (connection refused, server says it is down) for at least min_ms.
void breaker_trip(struct breaker *b, const struct breaker_config *c, int64_t now_ms,
                  int64_t min_ms, uint32_t random);
const char *breaker_state_name(enum breaker_state s);  // "closed", "open", "half-open"

#endif
