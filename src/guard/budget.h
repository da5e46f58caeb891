// budget.h -- how much may be spent in a day and in a month: requests, tokens, money.
//
// A limit that is reached holds until the day, or the month, is over.  Days begin at midnight
// where the user is: the caller says when the one under way began and ends.
// Included by guard.h.
// SPDX-License-Identifier: MIT
#ifndef VLMD_GUARD_BUDGET_H
#define VLMD_GUARD_BUDGET_H

#include <stddef.h>
#include <stdint.h>

struct budget_spent {
    int64_t requests;
    int64_t tokens;  // prompt and completion
    double money;    // in the currency of the prices
};

struct budget_limits {
    int64_t requests;  // 0 = no limit, like the next ones
    int64_t tokens;
    double money;
};

struct budget_prices {
    double input, output;  // for a million tokens; 0 = nothing
};

enum budget_span { BUDGET_DAY, BUDGET_MONTH, BUDGET_SPANS };

struct budget_config {
    struct budget_limits limits[BUDGET_SPANS];
    struct budget_prices prices;
};

struct budget {
    struct budget_spent spent[BUDGET_SPANS];  // in the span under way
    int64_t until_ms[BUDGET_SPANS];           // unix; when it ends; 0 = never begun
};

// When the spans under way end.
struct budget_calendar {
    int64_t until_ms[BUDGET_SPANS];  // unix
};

// In the user's time zone.
void budget_calendar_at(int64_t wall_ms, struct budget_calendar *out);
// Begins the spans anew that are over at wall_ms.
void budget_turn(struct budget *b, const struct budget_calendar *c, int64_t wall_ms);
// A request is sent: counted at once, so that many at a time stay within the limit.
void budget_began(struct budget *b);
// It ended; tokens of -1 = not told.
void budget_ended(struct budget *b, int64_t prompt_tokens, int64_t completion_tokens,
                  double money);
// What was spent before this run, in the span under way.
void budget_recall(struct budget *b, enum budget_span span, const struct budget_spent *s);
// Until when nothing more may be sent (unix ms), 0 = something may; words say why.
int64_t budget_blocks_until_ms(const struct budget *b, const struct budget_config *c,
                               char *words, size_t size);
// The largest used share of any limit, in %; 0 without limits.
double budget_used_pct(const struct budget *b, const struct budget_config *c);
double budget_price(const struct budget_prices *p, int64_t prompt_tokens,
                    int64_t completion_tokens);
const char *budget_span_name(enum budget_span s);  // "day", "month"

#endif
