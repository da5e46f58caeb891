// config_reload.c -- what of a configuration that was read anew can be taken over.
//
// Organs copy their settings when they are opened; only what is looked at each time can
// change under way: plain numbers of keys that need no restart, and the log's levels.
// SPDX-License-Identifier: MIT
#include "config/config_private.h"

#include <string.h>

// Bytes of a plain number in struct config; 0 = it is none.
static size_t size_of(enum config_type type)
{
    switch (type) {
    case CONFIG_INT:
    case CONFIG_SECONDS: return sizeof(int);
    case CONFIG_COUNT:
    case CONFIG_BYTES:
    case CONFIG_MS: return sizeof(int64_t);
    case CONFIG_NUMBER: return sizeof(double);
    case CONFIG_TEXT:
    case CONFIG_PATH:
    case CONFIG_SECRET:
    case CONFIG_SECRET_FILE:
    case CONFIG_SECRET_ENV:
    case CONFIG_SECRET_COMMAND:
    case CONFIG_BOOL:
    case CONFIG_CHOICE:
    case CONFIG_KIND:
    case CONFIG_WORD:
    case CONFIG_PATHS:
    case CONFIG_URLS:
    case CONFIG_TEXTS:
    case CONFIG_HOURS:
    case CONFIG_RULES:
    case CONFIG_BACKENDS: return 0;
    }
    return 0;
}

static bool take(struct config *c, const struct config *fresh, const struct config_key *k)
{
    size_t n = k->needs_restart ? 0 : size_of(k->type);
    if (n) {
        memcpy((char *)c + k->offset, (const char *)fresh + k->offset, n);
        return true;
    }
    if (strcmp(k->name, "log.level") == 0) {
        c->log_level = config_keep(c, fresh->log_level);
        return true;
    }
    return false;
}

void config_adopt(struct config *c, const struct config *fresh, vlmd_change_of_key_fn *fn,
                  void *arg)
{
    for (int i = 0; i < n_config_keys; i++) {
        const struct config_key *k = &config_keys[i];
        const char *before = c->values[i].text, *after = fresh->values[i].text;
        if (strcmp(before, after) == 0) {
            continue;
        }
        bool is_applied = take(c, fresh, k);
        if (is_applied) {
            c->values[i].text = config_keep(c, after);
            c->values[i].origin = config_keep(c, fresh->values[i].origin);
        }
        if (fn) {
            fn(arg, k->name, before, after, is_applied);
        }
    }
}
