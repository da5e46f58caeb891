// route_pace.c -- when a backend may be sent the next request: rates, budgets, its own wishes.
//
// All three end in one hold with a reason; a route that is held is READY but not asked, and
// another one serves meanwhile.
// SPDX-License-Identifier: MIT
#include "dispatch/route.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

enum {
    OVERLOAD_BASE_MS = 1000,  // doubled per refusal in a row
    OVERLOAD_CAP_MS = 60000,
    BUDGET_LOOK_MS = 60000,  // the wall clock may be set, or the machine may sleep
};

bool route_is_held(const struct route *r, int64_t now_ms)
{
    return r->hold_until_ms > now_ms;
}

static void release(struct route *r)
{
    r->hold_until_ms = 0;
    r->hold_reason[0] = 0;
}

static void hold_until(struct route *r, int64_t until_ms, const char *why)
{
    if (until_ms > r->hold_until_ms) {
        log_debug("dispatch", "backend=%s state=limited %s", r->name, why);
        r->hold_until_ms = until_ms;
        snprintf(r->hold_reason, sizeof(r->hold_reason), "%s", why);
    }
}

// ---- rates and budgets

static void pace_rate(struct route *r, int64_t now_ms)
{
    const struct rate_config *c = &r->terms->rate;
    int64_t wait_ms = rate_wait_ms(&r->rate, c, now_ms);
    if (wait_ms > 0) {
        char why[160] = "the server says that nothing is left for now";
        if (c->requests_per_min > 0 || c->tokens_per_min > 0) {
            snprintf(why, sizeof(why), "the limit a minute is reached (rate.%s)",
                     c->requests_per_min > 0 ? "requests" : "tokens");
        }
        hold_until(r, now_ms + wait_ms, why);
    }
}

static void turn_budget(struct route *r)
{
    int64_t wall_ms = loop_wall_ms();
    struct budget_calendar calendar;
    if (r->budget.until_ms[BUDGET_DAY] <= wall_ms) {
        budget_calendar_at(wall_ms, &calendar);
        budget_turn(&r->budget, &calendar, wall_ms);
    }
}

// Unix time in, monotonic out, a minute at most: both clocks differ after a sleep.
static void pace_budget(struct route *r, int64_t now_ms)
{
    int64_t wall_ms = loop_wall_ms();
    char why[160];
    turn_budget(r);
    int64_t until_ms =
        budget_blocks_until_ms(&r->budget, &r->terms->budget, why, sizeof(why));
    bool is_news = (until_ms > 0) != (r->budget_until_ms > 0);
    r->budget_until_ms = until_ms;
    int64_t left_ms = until_ms - wall_ms;
    if (left_ms > 0) {
        left_ms = left_ms < BUDGET_LOOK_MS ? left_ms : BUDGET_LOOK_MS;
        hold_until(r, now_ms + left_ms, why);
    }
    if (is_news) {
        log_info("dispatch", "backend=%s %s", r->name,
                 until_ms > 0 ? why : "the budget begins anew");
        dispatch_route_changed(r->dispatch);
    }
}

bool route_is_spent(const struct route *r)
{
    return r->budget_until_ms > 0;
}

static void pace(struct route *r, int64_t now_ms)
{
    pace_rate(r, now_ms);
    pace_budget(r, now_ms);
}

int64_t route_charge(struct route *r, bool is_retry, int64_t now_ms)
{
    int64_t charged = rate_began(&r->rate, now_ms);
    retry_budget_began(&r->retries, is_retry, now_ms);
    turn_budget(r);
    budget_began(&r->budget);
    r->sent_ms = now_ms;
    pace(r, now_ms);
    return charged;
}

void route_account(struct route *r, const struct route_cost *cost, int64_t now_ms)
{
    bool is_told = cost->prompt_tokens >= 0 && cost->completion_tokens >= 0;
    rate_ended(&r->rate, cost->charged,
               is_told ? cost->prompt_tokens + cost->completion_tokens : -1, now_ms);
    rate_hear(&r->rate, &cost->told, r->in_flight, now_ms);
    turn_budget(r);
    budget_ended(&r->budget, cost->prompt_tokens, cost->completion_tokens, cost->money);
    pace(r, now_ms);
}

void route_recall_spent(struct route *r, enum budget_span span,
                        const struct budget_spent *s, int64_t now_ms)
{
    turn_budget(r);
    budget_recall(&r->budget, span, s);
    pace_budget(r, now_ms);
}

void route_pace_anew(struct route *r, int64_t now_ms)
{
    release(r);
    if (r->backend) {
        pace(r, now_ms);
    }
}

int64_t route_pace_tick(struct route *r, int64_t now_ms)
{
    bool is_over = r->hold_until_ms > 0 && r->hold_until_ms <= now_ms;
    if (is_over) {
        r->hold_until_ms = 0;
        pace(r, now_ms);
    }
    if (!route_is_held(r, now_ms)) {
        release(r);
    }
    return route_is_held(r, now_ms) ? r->hold_until_ms : INT64_MAX;
}

// ---- the server's wish

static int64_t back_off_ms(const struct route *r, int doublings)
{
    int64_t most = OVERLOAD_BASE_MS << (doublings < 6 ? doublings : 6);
    most = most < OVERLOAD_CAP_MS ? most : OVERLOAD_CAP_MS;
    return most / 2 + (int64_t)(dispatch_random(r->dispatch) % (uint32_t)(most / 2 + 1));
}

// Of many that were refused at the same time, all but the first tell nothing new.  "Again at
// once" (a 0, a date that is over) is believed once: a server that goes on refusing would be
// asked as fast as it can refuse.  Then it is asked about once a second.
void route_hold(struct route *r, int err, const char *words, int64_t retry_after_ms,
                int64_t now_ms)
{
    bool is_meant = retry_after_ms >= (r->holds > 0 ? OVERLOAD_BASE_MS : 0);
    if (!is_meant && route_is_held(r, now_ms)) {
        return;
    }
    int64_t wait =
        is_meant ? retry_after_ms : back_off_ms(r, retry_after_ms < 0 ? r->holds : 0);
    char why[160];
    snprintf(why, sizeof(why), "%.159s", words && words[0] ? words : err_words(err));
    r->holds++;
    hold_until(r, now_ms + wait, why);
    dispatch_route_changed(r->dispatch);
}

// ---- repetitions

// An idle backend is not overrun by one: what fails for ever must come to its end as well.
int64_t route_retry_at_ms(struct route *r, int64_t now_ms)
{
    if (r->in_flight == 0) {
        return now_ms;
    }
    return now_ms + retry_budget_wait_ms(&r->retries, r->retry_pct, now_ms);
}
