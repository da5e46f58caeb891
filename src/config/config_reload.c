// config_reload.c -- what of a configuration that was read anew is taken over.
//
// The key table says which keys need a restart; the rest is copied here, value by value, with
// what follows from it.  Strings stay until the configuration is freed: whoever borrowed one
// may go on reading it.  settings.c then tells the parts that keep copies of their own.
// SPDX-License-Identifier: MIT
#include "config/config_private.h"

#include <string.h>

struct adoption {
    struct config *c;
    struct config *fresh;
    bool has_same_backends;   // by name and URL
    bool has_other_defaults;  // a key that backends inherit needs a restart
    vlmd_change_of_key_fn *fn;
    void *arg;
};

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

// ---- backends: the list needs a restart, their terms do not

static bool same_places(const struct config *a, const struct config *b)
{
    bool is_same =
        a->n_backends == b->n_backends && a->has_ocr_backend == b->has_ocr_backend;
    for (int i = 0; is_same && i < a->n_backends; i++) {
        is_same = same_text(a->backends[i].url, b->backends[i].url) &&
                  same_text(a->backends[i].name, b->backends[i].name);
    }
    return is_same;
}

static bool same_backend(const struct backend_config *a, const struct backend_config *b)
{
    return a->kind == b->kind && same_text(a->service, b->service) &&
           same_text(a->model, b->model) && same_text(a->api_key, b->api_key) &&
           same_text(a->vision, b->vision) && a->num_ctx == b->num_ctx &&
           a->max_tokens == b->max_tokens && a->temperature == b->temperature &&
           a->is_streamed == b->is_streamed &&
           memcmp(&a->timeouts, &b->timeouts, sizeof(a->timeouts)) == 0;
}

static bool same_backends(const struct adoption *d)
{
    bool is_same = d->has_same_backends;
    for (int i = 0; is_same && !d->has_other_defaults && i < d->c->n_backends; i++) {
        is_same = same_backend(&d->c->backends[i], &d->fresh->backends[i]);
    }
    return is_same;
}

static void take_terms(struct adoption *d)
{
    for (int i = 0; d->has_same_backends && i < d->c->n_backends; i++) {
        d->c->terms_of[i] = d->fresh->terms_of[i];
        d->c->backends[i].keep_alive_s = d->fresh->backends[i].keep_alive_s;
    }
}

// ---- values

static const char *keep_text(struct config *c, const char *s)
{
    return s ? config_keep(c, s) : NULL;
}

static void take_texts(struct config *c, const char **to, const char *const *from)
{
    int n = 0;
    for (; from[n]; n++) {
        to[n] = config_keep(c, from[n]);
    }
    to[n] = NULL;
}

// The lists are made with room for all members (config.c), and are only const for others.
static void take_rules(struct config *c, struct privacy_list *to,
                       const struct privacy_list *from)
{
    struct privacy_pattern *items = (struct privacy_pattern *)to->items;
    for (int i = 0; i < from->n; i++) {
        items[i] =
            (struct privacy_pattern){.text = config_keep(c, from->items[i].text),
                                     .where = keep_text(c, from->items[i].where),
                                     .origin = keep_text(c, from->items[i].origin)};
    }
    to->n = from->n;
}

static void take_value(struct adoption *d, const struct config_key *k)
{
    char *to = (char *)d->c + k->offset;
    const char *from = (const char *)d->fresh + k->offset;
    switch (k->type) {
    case CONFIG_INT:
    case CONFIG_SECONDS: memcpy(to, from, sizeof(int)); return;
    case CONFIG_COUNT:
    case CONFIG_BYTES:
    case CONFIG_MS: memcpy(to, from, sizeof(int64_t)); return;
    case CONFIG_NUMBER: memcpy(to, from, sizeof(double)); return;
    case CONFIG_BOOL: memcpy(to, from, sizeof(bool)); return;
    case CONFIG_CHOICE:
    case CONFIG_KIND: memcpy(to, from, sizeof(int)); return;
    case CONFIG_TEXT:
    case CONFIG_PATH:
    case CONFIG_WORD:
    case CONFIG_SECRET:
    case CONFIG_SECRET_FILE:
    case CONFIG_SECRET_ENV:
    case CONFIG_SECRET_COMMAND:
        *(const char **)(void *)to = keep_text(d->c, *(char *const *)(const void *)from);
        return;
    case CONFIG_PATHS:
    case CONFIG_URLS:
    case CONFIG_TEXTS:
    case CONFIG_HOURS:
        take_texts(d->c, (const char **)(void *)to,
                   (const char *const *)(const void *)from);
        return;
    case CONFIG_RULES:
        take_rules(d->c, (struct privacy_list *)(void *)to,
                   (const struct privacy_list *)(const void *)from);
        return;
    case CONFIG_BACKENDS: return;
    }
}

// What stands in no key of its own.  The rules before are kept until the next time.
static void take_derived(struct adoption *d)
{
    struct config *c = d->c;
    c->has_own_px = d->fresh->has_own_px;
    take_terms(d);
    privacy_rules_close(c->rules_before);
    c->rules_before = c->rules;
    c->rules = d->fresh->rules;
    d->fresh->rules = NULL;
}

// ---- what changed

// A secret's text says nothing about it.  Of the keys that lead to one, the one that was used
// counts.
static bool has_changed(const struct adoption *d, int i)
{
    const struct config_key *k = &config_keys[i];
    const struct config_value *a = &d->c->values[i], *b = &d->fresh->values[i];
    if (k->type == CONFIG_BACKENDS) {
        return !same_backends(d) || !same_text(a->text, b->text);
    }
    if (!config_is_secret(k)) {
        return !same_text(a->text, b->text);
    }
    const char *const *before = (const char *const *)(void *)((char *)d->c + k->offset);
    const char *const *after =
        (const char *const *)(void *)((char *)d->fresh + k->offset);
    bool is_used = a->layer != LAYER_DEFAULT || b->layer != LAYER_DEFAULT;
    return is_used && (!same_text(*before, *after) || !same_text(a->text, b->text));
}

static bool is_inherited(const struct config_key *k)
{
    return strcmp(k->name, "model") == 0 || strncmp(k->name, "backend.", 8) == 0;
}

static bool is_term(const struct config_key *k)
{
    return k->offset >= offsetof(struct config, terms) &&
           k->offset < offsetof(struct config, terms) + sizeof(struct guard_terms);
}

static bool can_take(const struct adoption *d, const struct config_key *k)
{
    bool is_of_list = is_term(k) || strcmp(k->name, "backend.keep_alive") == 0;
    return !k->needs_restart && (d->has_same_backends || !is_of_list);
}

static void note_text(struct config *c, const struct config *fresh, int i)
{
    c->values[i].text = config_keep(c, fresh->values[i].text);
    c->values[i].origin = config_keep(c, fresh->values[i].origin);
    c->values[i].layer = fresh->values[i].layer;
}

// All are compared before any is taken: several keys may lead to one value.
void config_adopt(struct config *c, struct config *fresh, vlmd_change_of_key_fn *fn,
                  void *arg)
{
    struct adoption d = {.c = c, .fresh = fresh, .fn = fn, .arg = arg};
    bool changed[CONFIG_MAX_KEYS] = {false};
    d.has_same_backends = same_places(c, fresh);
    for (int i = 0; i < n_config_keys; i++) {
        const struct config_key *k = &config_keys[i];
        changed[i] = k->type != CONFIG_BACKENDS && has_changed(&d, i);
        d.has_other_defaults |= changed[i] && k->needs_restart && is_inherited(k);
    }
    changed[config_find("backends")] = has_changed(&d, config_find("backends"));
    for (int i = 0; i < n_config_keys; i++) {
        const struct config_key *k = &config_keys[i];
        bool is_taken = can_take(&d, k);
        if (!changed[i]) {
            continue;
        }
        if (fn) {
            fn(arg, k->name, c->values[i].text, fresh->values[i].text, is_taken);
        }
        if (is_taken) {
            take_value(&d, k);
            note_text(c, fresh, i);
        }
    }
    take_derived(&d);
}
