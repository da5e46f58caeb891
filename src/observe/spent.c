// spent.c -- what earlier runs have spent in the day and the month, told to the budgets.
// SPDX-License-Identifier: MIT
#include "observe/spent.h"

#include "base/log.h"
#include "base/mem.h"
#include "store/usage.h"

#include <stdlib.h>

struct spent {
    struct app *app;
    int today;
    struct store_usage_read read;
};

static bool has_budget(const struct config *c)
{
    for (int i = -1; i < c->n_backends; i++) {
        const struct guard_terms *t = i < 0 ? &c->terms : &c->terms_of[i];
        for (int span = 0; span < BUDGET_SPANS; span++) {
            const struct budget_limits *l = &t->budget.limits[span];
            if (l->requests > 0 || l->tokens > 0 || l->money > 0) {
                return true;
            }
        }
    }
    return false;
}

static void tell(struct app *a, const struct store_usage *u, bool is_today)
{
    const struct budget_spent spent = {
        .requests = u->requests,
        .tokens = u->prompt_tokens + u->completion_tokens,
        .money = (double)u->cost_micros / 1e6,
    };
    dispatch_recall_spent(a->dispatch, u->backend, BUDGET_MONTH, &spent);
    if (is_today) {
        dispatch_recall_spent(a->dispatch, u->backend, BUDGET_DAY, &spent);
    }
}

static void on_read(struct store_usage_read *r, int err)
{
    struct spent *s = container_of(r, struct spent, read);
    struct app *a = s->app;
    if (err) {
        log_warn("spent", "class=%s what was spent before is not known: %s",
                 err_name(err), r->err.msg);
    }
    for (int i = 0; i < r->n && a->schedule; i++) {
        tell(a, &r->rows[i], r->rows[i].day == s->today);
    }
    a->learned_under_way--;
    free(r->rows);
    free(s);
}

void spent_recall(struct app *a)
{
    if (!has_budget(a->config)) {
        return;
    }
    struct spent *s = mem_new(struct spent);
    s->app = a;
    s->today = store_usage_day(loop_wall_ms());
    s->read.since_day = s->today / 100 * 100 + 1;  // of the month
    s->read.until_day = s->today;
    a->learned_under_way++;
    store_usage_read(a->store, &s->read, on_read);
}
