// budget.c -- how much may be spent in a day and in a month: requests, tokens, money.
// SPDX-License-Identifier: MIT
#include "guard/guard.h"

#include <stdio.h>
#include <time.h>

const char *budget_span_name(enum budget_span s)
{
    switch (s) {
    case BUDGET_DAY: return "day";
    case BUDGET_MONTH: return "month";
    case BUDGET_SPANS: break;
    }
    return "";
}

// mktime knows which days have 23 hours, and that a 13th month is January.
void budget_calendar_at(int64_t wall_ms, struct budget_calendar *out)
{
    time_t now = (time_t)(wall_ms / 1000);
    struct tm today = {0};
    localtime_r(&now, &today);
    struct tm day = {.tm_year = today.tm_year,
                     .tm_mon = today.tm_mon,
                     .tm_mday = today.tm_mday + 1,
                     .tm_isdst = -1};
    struct tm month = {.tm_year = today.tm_year,
                       .tm_mon = today.tm_mon + 1,
                       .tm_mday = 1,
                       .tm_isdst = -1};
    out->until_ms[BUDGET_DAY] = (int64_t)mktime(&day) * 1000;
    out->until_ms[BUDGET_MONTH] = (int64_t)mktime(&month) * 1000;
}

void budget_turn(struct budget *b, const struct budget_calendar *c, int64_t wall_ms)
{
    for (int i = 0; i < BUDGET_SPANS; i++) {
        if (b->until_ms[i] <= wall_ms) {
            b->spent[i] = (struct budget_spent){0};
            b->until_ms[i] = c->until_ms[i];
        }
    }
}

double budget_price(const struct budget_prices *p, int64_t prompt_tokens,
                    int64_t completion_tokens)
{
    double in = prompt_tokens > 0 ? (double)prompt_tokens : 0;
    double out = completion_tokens > 0 ? (double)completion_tokens : 0;
    return (in * p->input + out * p->output) / 1e6;
}

void budget_began(struct budget *b)
{
    for (int i = 0; i < BUDGET_SPANS; i++) {
        b->spent[i].requests++;
    }
}

void budget_ended(struct budget *b, int64_t prompt_tokens, int64_t completion_tokens,
                  double money)
{
    for (int i = 0; i < BUDGET_SPANS; i++) {
        struct budget_spent *s = &b->spent[i];
        s->tokens += prompt_tokens > 0 ? prompt_tokens : 0;
        s->tokens += completion_tokens > 0 ? completion_tokens : 0;
        s->money += money;
    }
}

void budget_recall(struct budget *b, enum budget_span span, const struct budget_spent *s)
{
    b->spent[span].requests += s->requests;
    b->spent[span].tokens += s->tokens;
    b->spent[span].money += s->money;
}

static bool is_spent(const struct budget_spent *s, const struct budget_limits *l,
                     enum budget_span span, char *words, size_t size)
{
    const char *name = budget_span_name(span);
    if (l->requests > 0 && s->requests >= l->requests) {
        snprintf(words, size, "the budget of %lld requests a %s is used up",
                 (long long)l->requests, name);
        return true;
    }
    if (l->tokens > 0 && s->tokens >= l->tokens) {
        snprintf(words, size, "the budget of %lld tokens a %s is used up",
                 (long long)l->tokens, name);
        return true;
    }
    if (l->money > 0 && s->money >= l->money) {
        snprintf(words, size, "the budget of %.2f a %s is used up", l->money, name);
        return true;
    }
    return false;
}

// The month's end comes after the day's: what holds longer is told.
int64_t budget_blocks_until_ms(const struct budget *b, const struct budget_config *c,
                               char *words, size_t size)
{
    for (int i = BUDGET_SPANS - 1; i >= 0; i--) {
        if (is_spent(&b->spent[i], &c->limits[i], (enum budget_span)i, words, size)) {
            return b->until_ms[i];
        }
    }
    return 0;
}

static double larger_share(double most, double part, double whole)
{
    double pct = whole > 0 ? part * 100 / whole : 0;
    return pct > most ? pct : most;
}

double budget_used_pct(const struct budget *b, const struct budget_config *c)
{
    double most = 0;
    for (int i = 0; i < BUDGET_SPANS; i++) {
        const struct budget_spent *s = &b->spent[i];
        const struct budget_limits *l = &c->limits[i];
        most = larger_share(most, (double)s->requests, (double)l->requests);
        most = larger_share(most, (double)s->tokens, (double)l->tokens);
        most = larger_share(most, s->money, l->money);
    }
    return most;
}
