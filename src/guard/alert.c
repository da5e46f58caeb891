// alert.c -- the table of rules, and the life of one alert.
// SPDX-License-Identifier: MIT
#include "guard/alert.h"

#define SECOND_MS INT64_C(1000)

static const struct rule {
    const char *name, *unit, *words;
    enum alert_severity severity;
    double threshold;
    int64_t for_ms;
} rules[ALERT_RULES] = {
#define X(rule, name, severity, threshold, seconds, unit, words)                         \
    [rule] = {name, unit, words, severity, threshold, (seconds)*SECOND_MS},
    ALERT_TABLE(X)
#undef X
};

const char *alert_name(enum alert_rule r)
{
    return rules[r].name;
}

const char *alert_words(enum alert_rule r)
{
    return rules[r].words;
}

const char *alert_unit(enum alert_rule r)
{
    return rules[r].unit;
}

enum alert_severity alert_severity(enum alert_rule r)
{
    return rules[r].severity;
}

const char *alert_severity_name(enum alert_severity s)
{
    return s == ALERT_CRITICAL ? "critical" : "warning";
}

void alert_config_default(struct alert_config *c)
{
    *c = (struct alert_config){.cooldown_ms = 15 * 60 * SECOND_MS};
    for (int r = 0; r < ALERT_RULES; r++) {
        c->threshold[r] = rules[r].threshold;
        c->for_ms[r] = rules[r].for_ms;
    }
}

static bool is_beyond(enum alert_rule r, double value, double threshold)
{
    return r == ALERT_DISK ? value < threshold : value >= threshold;
}

static enum alert_news judge_beyond(struct alert_state *s, int64_t for_ms, int64_t now_ms)
{
    s->within_ms = 0;
    if (s->phase == ALERT_FIRING) {
        return ALERT_NOTHING;
    }
    if (s->phase == ALERT_QUIET) {
        s->phase = ALERT_PENDING;
        s->since_ms = now_ms;
    }
    if (now_ms - s->since_ms < for_ms || now_ms < s->quiet_until_ms) {
        return ALERT_NOTHING;
    }
    s->phase = ALERT_FIRING;
    return ALERT_FIRED;
}

static enum alert_news judge_within(struct alert_state *s, int64_t cooldown_ms,
                                    int64_t now_ms)
{
    if (s->phase != ALERT_FIRING) {
        s->phase = ALERT_QUIET;
        return ALERT_NOTHING;
    }
    if (s->within_ms == 0) {
        s->within_ms = now_ms;
    }
    if (now_ms - s->within_ms < ALERT_RECOVER_MS) {
        return ALERT_NOTHING;
    }
    s->phase = ALERT_QUIET;
    s->within_ms = 0;
    s->quiet_until_ms = now_ms + cooldown_ms;
    return ALERT_RECOVERED;
}

enum alert_news alert_judge(struct alerts *a, const struct alert_config *c,
                            const struct alert_sample *s, enum alert_rule r,
                            int64_t now_ms)
{
    struct alert_state *state = &a->rules[r];
    if (c->threshold[r] <= 0) {
        bool was_on = state->phase == ALERT_FIRING;
        *state = (struct alert_state){0};  // it was switched off
        return was_on ? ALERT_RECOVERED : ALERT_NOTHING;
    }
    if (!s->is_known[r]) {
        return ALERT_NOTHING;
    }
    state->value = s->value[r];
    return is_beyond(r, s->value[r], c->threshold[r])
               ? judge_beyond(state, c->for_ms[r], now_ms)
               : judge_within(state, c->cooldown_ms, now_ms);
}

bool alert_is_open(const struct alerts *a)
{
    for (int r = 0; r < ALERT_RULES; r++) {
        if (a->rules[r].phase != ALERT_QUIET) {
            return true;
        }
    }
    return false;
}

bool alert_error_pct(int64_t requests, int64_t failed, double *pct)
{
    if (requests < ALERT_LEAST_REQUESTS) {
        return false;
    }
    *pct = (double)failed * 100 / (double)requests;
    return true;
}
