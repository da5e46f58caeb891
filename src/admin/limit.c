// limit.c -- see limit.h.
// SPDX-License-Identifier: MIT
#include "limit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct limit_bucket *find(const struct limit *l, const char *name)
{
    for (int i = 0; i < LIMIT_NAMES; i++) {
        const struct limit_bucket *b = &l->buckets[i];
        if (b->at_ms && strncmp(b->name, name, LIMIT_NAME - 1) == 0) {
            return b;
        }
    }
    return NULL;
}

static struct limit_bucket *take_over(struct limit *l, const char *name, int64_t now_ms)
{
    struct limit_bucket *oldest = &l->buckets[0];
    for (int i = 1; i < LIMIT_NAMES; i++) {
        if (l->buckets[i].at_ms < oldest->at_ms) {
            oldest = &l->buckets[i];
        }
    }
    snprintf(oldest->name, sizeof(oldest->name), "%s", name);
    oldest->tokens = l->per_min;
    oldest->at_ms = now_ms;
    return oldest;
}

static double tokens_at(const struct limit *l, const struct limit_bucket *b,
                        int64_t now_ms)
{
    double more = (double)(now_ms - b->at_ms) * l->per_min / 60000;
    double all = b->tokens + (more > 0 ? more : 0);
    return all < l->per_min ? all : l->per_min;
}

static struct limit_state describe(const struct limit *l, double tokens, bool is_allowed)
{
    double per_ms = l->per_min / 60000.0;
    return (struct limit_state){
        .is_allowed = is_allowed,
        .limit = l->per_min,
        .remaining = (int)floor(tokens),
        .retry_ms = tokens >= 1 ? 0 : (int64_t)ceil((1 - tokens) / per_ms),
        .reset_ms = (int64_t)ceil((l->per_min - tokens) / per_ms),
    };
}

struct limit_state limit_take(struct limit *l, const char *name, int64_t now_ms)
{
    if (!l->per_min) {
        return (struct limit_state){.is_allowed = true};
    }
    struct limit_bucket *b = (struct limit_bucket *)find(l, name);
    b = b ? b : take_over(l, name, now_ms);
    b->tokens = tokens_at(l, b, now_ms);
    b->at_ms = now_ms;
    bool is_allowed = b->tokens >= 1;
    b->tokens -= is_allowed;
    return describe(l, b->tokens, is_allowed);
}

struct limit_state limit_look(const struct limit *l, const char *name, int64_t now_ms)
{
    if (!l->per_min) {
        return (struct limit_state){.is_allowed = true};
    }
    const struct limit_bucket *b = find(l, name);
    double tokens = b ? tokens_at(l, b, now_ms) : l->per_min;
    return describe(l, tokens, tokens >= 1);
}
