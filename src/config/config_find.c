// config_find.c -- finding a key by its name, or the one that was meant.
// SPDX-License-Identifier: MIT
#include "base/nearest.h"
#include "config/config_private.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *alias;
    const char *key;
} aliases[] = {{"backend", "backends"}};

int config_find(const char *name)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        if (strcmp(aliases[i].alias, name) == 0) {
            name = aliases[i].key;
        }
    }
    for (int i = 0; i < n_config_keys; i++) {
        if (strcmp(config_keys[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

bool config_is_section(const char *name)
{
    size_t n = strlen(name);
    for (int i = 0; i < n_config_keys; i++) {
        const char *key = config_keys[i].name;
        if (strncmp(key, name, n) == 0 && key[n] == '.') {
            return true;
        }
    }
    return false;
}

// People write the last part only ("max_pixels"), or in another section.
static const char *same_last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *last = dot ? dot + 1 : name;
    for (int i = 0; i < n_config_keys; i++) {
        const char *key = strrchr(config_keys[i].name, '.');
        if (key && strcasecmp(key + 1, last) == 0) {
            return config_keys[i].name;
        }
    }
    return NULL;
}

// The key at the smallest distance below limit.  by_last: only last parts are compared.
static const char *closest(const char *name, int limit, bool by_last)
{
    const char *best = NULL;
    for (int i = 0; i < n_config_keys; i++) {
        const char *key = config_keys[i].name;
        const char *dot = by_last ? strrchr(key, '.') : NULL;
        int d = nearest_distance(name, dot ? dot + 1 : key);
        if (d < limit) {
            limit = d;
            best = key;
        }
    }
    return best;
}

const char *config_nearest(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > NEAREST_MAX_BYTES) {
        return NULL;
    }
    int limit = nearest_limit(len);
    const char *best = closest(name, 3, false);
    best = best ? best : same_last_part(name);
    best = best ? best : closest(name, limit, true);
    return best ? best : closest(name, limit, false);
}
