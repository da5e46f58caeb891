// rate.h -- how many requests and tokens a minute, by the user's word and the server's.
//
// The user's limits hold for every 60 seconds, wherever they begin.  What the server says is
// left holds until the time it says, or a minute: its words may be about a day.
// Included by guard.h.
// SPDX-License-Identifier: MIT
#ifndef VLMD_GUARD_RATE_H
#define VLMD_GUARD_RATE_H

#include <stdint.h>

// 60 whole seconds before the one under way.
enum { RATE_SECONDS = 61 };

struct rate_config {
    int requests_per_min;  // 0 = no limit; 5 suits a small box that others use too
    int tokens_per_min;    // prompt and completion; 0 = no limit
};

struct rate {
    int64_t requests[RATE_SECONDS], tokens[RATE_SECONDS];  // by second, a ring
    int64_t second;                                        // the newest one
    int64_t n_requests, n_tokens;                          // sums
    double mean_tokens;                                    // of a request; 0 = not known
    int64_t left;                                          // told by the server
    int64_t left_until_ms;                                 // monotonic; 0 = not told
};

// What an answer's headers say.
struct rate_told {
    int64_t remaining;  // requests; -1 = not told
    int64_t reset_ms;   // from now
};

// Milliseconds until the next request may be sent; 0 = now.
int64_t rate_wait_ms(struct rate *r, const struct rate_config *c, int64_t now_ms);
// A request is sent; returns the tokens it is expected to cost, for rate_ended.
int64_t rate_began(struct rate *r, int64_t now_ms);
// tokens: what it did cost, -1 = not told (the expectation stands).
void rate_ended(struct rate *r, int64_t expected, int64_t tokens, int64_t now_ms);
// in_flight: of ours, which the server may not have counted yet.
void rate_hear(struct rate *r, const struct rate_told *t, int in_flight, int64_t now_ms);

#endif
