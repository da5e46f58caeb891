// breaker.c -- leaves a failing backend alone, and tries it again with one request.
//
//     CLOSED --failures, or trip-----------> OPEN --until_ms--> HALF_OPEN --success--> CLOSED
//        ^                                    ^                    |
//        '--a late success--------------------+----failed probe----'  (pause doubled)
//
// Requests that were sent before it opened may still end afterwards: their failures tell
// nothing new and do not lengthen the pause; their success closes it.
// SPDX-License-Identifier: MIT
#include "guard/guard.h"

void breaker_config_default(struct breaker_config *c)
{
    *c = (struct breaker_config){.failures = 3,
                                 .open_ms = 1000,
                                 .cap_ms = 60000,
                                 .ratio_pct = 50,
                                 .ratio_least = 5,
                                 .window_ms = 30000};
}

void breaker_config_preset(struct breaker_config *c, enum breaker_preset preset)
{
    breaker_config_default(c);
    switch (preset) {
    case BREAKER_USUAL: return;
    case BREAKER_3_60: c->failures = 3; break;
    case BREAKER_5_60: c->failures = 5; break;
    }
    c->open_ms = c->cap_ms = 60000;
    c->ratio_pct = 0;
}

// open_ms * 2^(opens - 1), capped, then 20 % up or down.
static int64_t pause_ms(const struct breaker_config *c, int opens, uint32_t random)
{
    int64_t ms = c->open_ms;
    for (int i = 1; i < opens && ms < c->cap_ms; i++) {
        ms = ms > c->cap_ms / 2 ? c->cap_ms : ms * 2;
    }
    ms = ms < c->cap_ms ? ms : c->cap_ms;
    ms = ms < INT32_MAX ? ms : INT32_MAX;
    uint64_t width = (uint64_t)ms * 2 / 5 + 1;
    return ms - ms / 5 + (int64_t)(width * random >> 32);
}

static void open_until(struct breaker *b, int64_t until_ms)
{
    b->state = BREAKER_OPEN;
    b->has_probe = false;
    b->until_ms = until_ms;
}

bool breaker_allow(struct breaker *b, int64_t now_ms)
{
    switch (b->state) {
    case BREAKER_CLOSED: return true;
    case BREAKER_OPEN:
        if (now_ms < b->until_ms) {
            return false;
        }
        b->state = BREAKER_HALF_OPEN;
        b->has_probe = true;
        return true;
    case BREAKER_HALF_OPEN: {
        bool is_first = !b->has_probe;
        b->has_probe = true;
        return is_first;
    }
    }
    return false;
}

static void note(struct breaker *b, bool has_failed, int64_t now_ms)
{
    b->ended_ms[b->next] = now_ms;
    b->has_failed[b->next] = has_failed;
    b->next = (b->next + 1) % BREAKER_WINDOW;
    b->n_ended += b->n_ended < BREAKER_WINDOW;
}

// Of a backend that was left alone the past tells nothing any more.
void breaker_success(struct breaker *b, int64_t now_ms)
{
    if (b->state != BREAKER_CLOSED) {
        *b = (struct breaker){.state = BREAKER_CLOSED};
    }
    b->failures = b->opens = 0;
    note(b, false, now_ms);
}

static bool is_ratio_bad(const struct breaker *b, const struct breaker_config *c,
                         int64_t now_ms)
{
    int n = 0, failed = 0;
    for (int i = 0; i < b->n_ended; i++) {
        bool is_recent = now_ms - b->ended_ms[i] < c->window_ms;
        n += is_recent;
        failed += is_recent && b->has_failed[i];
    }
    return c->ratio_pct > 0 && n >= c->ratio_least && failed * 100 >= n * c->ratio_pct;
}

void breaker_abandon(struct breaker *b)
{
    b->has_probe = false;
}

void breaker_failure(struct breaker *b, const struct breaker_config *c, int64_t now_ms,
                     uint32_t random)
{
    b->failures += b->failures < INT32_MAX;
    note(b, true, now_ms);
    bool is_much = b->failures >= c->failures || is_ratio_bad(b, c, now_ms);
    bool is_due =
        b->state == BREAKER_HALF_OPEN || (b->state == BREAKER_CLOSED && is_much);
    if (is_due) {
        b->opens += b->opens < INT32_MAX;
        open_until(b, now_ms + pause_ms(c, b->opens, random));
    }
}

void breaker_trip(struct breaker *b, const struct breaker_config *c, int64_t now_ms,
                  int64_t min_ms, uint32_t random)
{
    int64_t until_ms = now_ms + min_ms;
    b->failures += b->failures < INT32_MAX;
    if (b->state == BREAKER_OPEN) {
        b->until_ms = b->until_ms > until_ms ? b->until_ms : until_ms;
        return;
    }
    b->opens += b->opens < INT32_MAX;
    int64_t usual_ms = now_ms + pause_ms(c, b->opens, random);
    open_until(b, usual_ms > until_ms ? usual_ms : until_ms);
}

const char *breaker_state_name(enum breaker_state s)
{
    switch (s) {
    case BREAKER_CLOSED: return "closed";
    case BREAKER_OPEN: return "open";
    case BREAKER_HALF_OPEN: return "half-open";
    }
    return "unknown";
}
