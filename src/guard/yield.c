// yield.c -- see yield.h.
// SPDX-License-Identifier: MIT
#include "guard/yield.h"

#include <stdio.h>
#include <string.h>

void yield_config_default(struct yield_config *c)
{
    *c = (struct yield_config){
        .rule = {[YIELD_BATTERY] = YIELD_SLOW,
                 [YIELD_PROGRAM] = YIELD_PAUSE,  // empty list: never
                 [YIELD_HOURS] = YIELD_PAUSE},   // none named: always inside
        .cpu_pct = 50,
        .gpu_pct = 50,
        .hold_ms = 30000,
    };
}

bool yield_is_on(const struct yield_config *c)
{
    for (int i = 0; i < YIELD_CASES; i++) {
        if (c->rule[i] != YIELD_NOT) {
            return true;
        }
    }
    return false;
}

static bool is_case(enum yield_case k, const struct yield_config *c,
                    const struct yield_sample *s)
{
    switch (k) {
    case YIELD_BATTERY: return s->on_battery == 1;
    case YIELD_CPU: return s->cpu_pct >= c->cpu_pct;
    case YIELD_GPU: return s->gpu_pct >= c->gpu_pct;
    case YIELD_PROGRAM: return s->program && s->program[0];
    case YIELD_HOURS: return s->is_outside;
    case YIELD_CASES: break;
    }
    return false;
}

// Plugging in, or the beginning of the hours, is no gap.
static bool holds_on(enum yield_case k)
{
    return k == YIELD_CPU || k == YIELD_GPU || k == YIELD_PROGRAM;
}

static void note(struct yield *y, enum yield_case k, const struct yield_sample *s)
{
    switch (k) {
    case YIELD_BATTERY: y->value = s->battery_pct; return;
    case YIELD_CPU: y->value = s->cpu_pct; return;
    case YIELD_GPU: y->value = s->gpu_pct; return;
    case YIELD_PROGRAM:
        snprintf(y->program, sizeof(y->program), "%s", s->program);
        return;
    case YIELD_HOURS: y->opens_at_ms = s->opens_at_ms; return;
    case YIELD_CASES: return;
    }
}

// The strictest rule speaks; of equal ones the first.
enum yield_mode yield_judge(struct yield *y, const struct yield_config *c,
                            const struct yield_sample *s, int64_t now_ms)
{
    enum yield_mode mode = YIELD_NOT;
    for (int i = 0; i < YIELD_CASES; i++) {
        enum yield_case k = (enum yield_case)i;
        bool is_now = c->rule[k] != YIELD_NOT && is_case(k, c, s);
        if (is_now) {
            y->seen_ms[k] = now_ms;
        }
        bool was_just =
            holds_on(k) && y->seen_ms[k] > 0 && now_ms - y->seen_ms[k] < c->hold_ms;
        if ((is_now || was_just) && c->rule[k] > mode) {
            mode = c->rule[k];
            y->why = k;
            if (is_now) {
                note(y, k, s);
            }
        }
    }
    y->mode = mode;
    return mode;
}

void yield_words(const struct yield *y, char *out, size_t size)
{
    out[0] = 0;
    if (y->mode == YIELD_NOT) {
        return;
    }
    switch (y->why) {
    case YIELD_BATTERY:
        if (y->value >= 0) {
            snprintf(out, size, "on battery (%d %%)", y->value);
        } else {
            snprintf(out, size, "on battery");
        }
        return;
    case YIELD_CPU:
        snprintf(out, size, "other programs use %d %% of the CPU", y->value);
        return;
    case YIELD_GPU:
        snprintf(out, size, "other programs use %d %% of the GPU", y->value);
        return;
    case YIELD_PROGRAM: snprintf(out, size, "%s is running", y->program); return;
    case YIELD_HOURS: snprintf(out, size, "outside of yield.hours"); return;
    case YIELD_CASES: return;
    }
}

const char *yield_mode_name(enum yield_mode m)
{
    switch (m) {
    case YIELD_NOT: return "off";
    case YIELD_SLOW: return "slow";
    case YIELD_PAUSE: return "pause";
    }
    return "";
}
