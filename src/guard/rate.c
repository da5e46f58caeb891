// rate.c -- how many requests and tokens a minute, by the user's word and the server's.
//
// Counted by the second in a window that slides: a bucket that refills would let twice the
// number through in the minute after a pause.  A request is charged with what such requests
// cost on average, and corrected when it ends.
// SPDX-License-Identifier: MIT
#include "guard/guard.h"

enum { TOLD_MAX_MS = 60000 };

static const double mean_weight = 0.2;

// Drops the seconds that are over.
static void slide(struct rate *r, int64_t now_ms)
{
    int64_t now = now_ms / 1000, steps = now - r->second;
    if (steps < 0) {
        return;
    }
    for (int64_t i = 0; i < steps && i < RATE_SECONDS; i++) {
        int k = (int)((r->second + 1 + i) % RATE_SECONDS);
        r->n_requests -= r->requests[k];
        r->n_tokens -= r->tokens[k];
        r->requests[k] = r->tokens[k] = 0;
    }
    r->second = now;
}

// Until so many of the oldest seconds are over that what is left is at most `room`.
static int64_t wait_for(const struct rate *r, const int64_t *by_second, int64_t sum,
                        int64_t room, int64_t now_ms)
{
    int64_t oldest = r->second - RATE_SECONDS + 1;
    if (sum <= room) {
        return 0;
    }
    for (int64_t s = oldest; s <= r->second; s++) {
        sum -= by_second[((s % RATE_SECONDS) + RATE_SECONDS) % RATE_SECONDS];
        if (sum <= room) {
            return (s + RATE_SECONDS) * 1000 - now_ms;
        }
    }
    return RATE_SECONDS * 1000;
}

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t rate_wait_ms(struct rate *r, const struct rate_config *c, int64_t now_ms)
{
    int64_t wait = 0;
    slide(r, now_ms);
    if (c->requests_per_min > 0) {
        wait = wait_for(r, r->requests, r->n_requests, c->requests_per_min - 1, now_ms);
    }
    if (c->tokens_per_min > 0) {
        // One that is larger than the whole limit goes when nothing else is counted.
        int64_t room = c->tokens_per_min - (int64_t)r->mean_tokens;
        int64_t ms = wait_for(r, r->tokens, r->n_tokens, room > 0 ? room : 0, now_ms);
        wait = longer(wait, ms);
    }
    if (r->left_until_ms > now_ms && r->left <= 0) {
        wait = longer(wait, r->left_until_ms - now_ms);
    }
    return wait;
}

static void add_tokens(struct rate *r, int64_t n)
{
    r->tokens[r->second % RATE_SECONDS] += n;
    r->n_tokens += n;
}

int64_t rate_began(struct rate *r, int64_t now_ms)
{
    int64_t expected = (int64_t)r->mean_tokens;
    slide(r, now_ms);
    r->requests[r->second % RATE_SECONDS]++;
    r->n_requests++;
    add_tokens(r, expected);
    r->left--;
    return expected;
}

void rate_ended(struct rate *r, int64_t expected, int64_t tokens, int64_t now_ms)
{
    if (tokens < 0) {
        return;
    }
    slide(r, now_ms);
    add_tokens(r, tokens - expected);
    double sample = (double)tokens;
    r->mean_tokens = r->mean_tokens > 0
                         ? r->mean_tokens + mean_weight * (sample - r->mean_tokens)
                         : sample;
}

void rate_hear(struct rate *r, const struct rate_told *t, int in_flight, int64_t now_ms)
{
    if (t->remaining < 0 || t->reset_ms <= 0) {
        return;
    }
    r->left = t->remaining - in_flight;
    r->left_until_ms = now_ms + (t->reset_ms < TOLD_MAX_MS ? t->reset_ms : TOLD_MAX_MS);
}
