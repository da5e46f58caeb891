// config_guards.c -- what the keys of retry, breaker and budget say together.
// SPDX-License-Identifier: MIT
#include "config/config_private.h"

#include <string.h>

static bool is_set(const struct config_loader *l, const char *name)
{
    return l->c->values[config_find(name)].layer != LAYER_DEFAULT;
}

// A key that the user gave goes before the preset.
static void set_preset(struct config_loader *l)
{
    struct breaker_config *b = &l->c->breaker, preset;
    breaker_config_preset(&preset, l->c->breaker_preset);
    b->failures = is_set(l, "breaker.failures") ? b->failures : preset.failures;
    b->open_ms = is_set(l, "breaker.open") ? b->open_ms : preset.open_ms;
    b->cap_ms = is_set(l, "breaker.cap") ? b->cap_ms : preset.cap_ms;
    b->ratio_pct = is_set(l, "breaker.ratio") ? b->ratio_pct : preset.ratio_pct;
}

// Money can only be counted when it is known what something costs.
static void check_money(struct config_loader *l, const struct guard_terms *t,
                        const char *name)
{
    const struct budget_config *b = &t->budget;
    bool has_limit = b->limits[BUDGET_DAY].money > 0 || b->limits[BUDGET_MONTH].money > 0;
    if (has_limit && b->prices.input <= 0 && b->prices.output <= 0) {
        config_error(l, "budget.money_per_day",
                     "budget.money: %s has no prices to count with (set "
                     "budget.price_input and budget.price_output)",
                     name);
    }
}

void config_set_guards(struct config_loader *l)
{
    struct config *c = l->c;
    set_preset(l);
    if (c->retry.cap_ms < c->retry.base_ms) {
        config_error(l, "retry.cap", "retry.cap: is shorter than retry.base");
    }
    if (c->breaker.cap_ms < c->breaker.open_ms) {
        config_error(l, "breaker.cap", "breaker.cap: is shorter than breaker.open");
    }
    for (int i = 0; i < c->n_backends; i++) {
        check_money(l, &c->terms_of[i], c->backends[i].name);
    }
    if (c->n_backends == 0) {
        check_money(l, &c->terms, "a backend that is found");
    }
}
