// config_privacy.c -- the rules of the privacy gate: compiled once, while it is known where
// each was written.
// SPDX-License-Identifier: MIT
#include "config/config_private.h"

#include <assert.h>

// The lists are made with room for all members (config.c), and are only const for others.
bool config_add_rule(struct config_loader *l, struct privacy_list *list,
                     const struct config_entry *e)
{
    struct privacy_pattern *items = (struct privacy_pattern *)list->items;
    assert(list->n < CONFIG_MAX_LIST);
    items[list->n++] = (struct privacy_pattern){
        .text = config_keep(l->c, e->value), .where = e->where, .origin = e->origin};
    return true;
}

static void on_bad_rule(void *arg, const char *where, const char *words)
{
    config_error(arg, where, "%s", words);
}

// Where a key was set, for a message on keys that do not go together.
static const char *origin_of(const struct config_loader *l, const char *key)
{
    return l->c->values[config_find(key)].origin;
}

static bool has_any(const struct privacy_list *lists)
{
    for (int f = 0; f < PRIVACY_FIELDS; f++) {
        if (lists[f].n) {
            return true;
        }
    }
    return false;
}

static void check_thresholds(struct config_loader *l, const struct privacy_column *c,
                             const char *key)
{
    bool is_odd = (c->mask_from && c->safe_from > c->mask_from) ||
                  (c->block_from && c->mask_from > c->block_from);
    if (is_odd) {
        config_warn(l, origin_of(l, key),
                    "%s: thresholds go up from safe over mask to block; the stricter one "
                    "comes first here",
                    key);
    }
}

void config_set_rules(struct config_loader *l)
{
    const struct privacy_config *p = &l->c->privacy;
    int rc = privacy_rules_open(&l->c->rules, &p->rules, on_bad_rule, l);
    if (rc && rc != E_CONFIG) {
        config_error(l, "privacy", "%s", err_words(rc));
    }
    if (p->rules.only_allowed && !has_any(p->rules.allow)) {
        config_warn(
            l, origin_of(l, "privacy.only_allowed"),
            "privacy.only_allowed: nothing is sent, as no privacy.allow_* list says "
            "what is allowed");
    }
    if (p->policy.allow_remote && p->policy.read_text == PRIVACY_READ_NEVER &&
        !p->policy.remote_without_ocr) {
        config_warn(
            l, origin_of(l, "privacy.read_text"),
            "privacy.read_text: is never, so that nothing is sent to other machines "
            "as long as privacy.remote_without_ocr is no");
    }
    check_thresholds(l, &p->policy.local, "privacy.mask_from");
    check_thresholds(l, &p->policy.remote, "privacy.remote_mask_from");
}
