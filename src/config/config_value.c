// config_value.c -- sets any key from a text, with the reason when the text will not do.
// SPDX-License-Identifier: MIT
#include "config/config_private.h"
#include "privacy/rules_hours.h"

#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MIN_KEY_CHARS = 16, MAX_KEY_FILE = 4096 };

static bool refuse(struct config_loader *l, const struct config_key *k,
                   const struct config_entry *e, const char *why)
{
    char range[256];
    char shown[64];
    config_range(k, range, sizeof(range));
    utf8_clean(e->value, strlen(e->value), shown, sizeof(shown));
    const char *sub = *e->sub ? e->sub : k->name;
    config_error(l, e->where, "%s: \"%s\" %s%s%s", sub, shown, why, *range ? ": " : "",
                 range);
    return false;
}

static const char *form_words(enum config_type type)
{
    switch (type) {
    case CONFIG_BYTES: return "is not a size such as 64MiB or 10MB";
    case CONFIG_MS:
    case CONFIG_SECONDS: return "is not a duration such as 250ms, 10s or 5m";
    case CONFIG_NUMBER: return "is not a number";
    case CONFIG_INT:
    case CONFIG_COUNT:
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
    case CONFIG_BACKENDS: break;
    }
    return "is not a whole number";
}

static bool parse_any(enum config_type type, const char *s, int64_t *n)
{
    if (type == CONFIG_BYTES) {
        return config_parse_bytes(s, n);
    }
    if (type != CONFIG_MS && type != CONFIG_SECONDS) {
        return config_parse_int(s, n);
    }
    if (!config_parse_duration(s, n)) {
        return false;
    }
    if (type == CONFIG_SECONDS) {
        *n = (*n + 999) / 1000;
    }
    return true;
}

static void warn_odd(struct config_loader *l, const struct config_key *k,
                     const struct config_entry *e, int64_t n)
{
    char text[32];
    if (k->warn_min && n < k->warn_min) {
        config_format_bound(k->type, k->warn_min, text, sizeof(text));
        config_warn(l, e->where, "%s: %s is short; slow models need %s or more", k->name,
                    e->value, text);
    } else if (k->warn_max && n > k->warn_max) {
        config_format_bound(k->type, k->warn_max, text, sizeof(text));
        config_warn(l, e->where, "%s: %s is long; trouble is noticed that late (over %s)",
                    k->name, e->value, text);
    }
}

static bool set_number(struct config_loader *l, const struct config_key *k, char *at,
                       const struct config_entry *e)
{
    int64_t n;
    if (!parse_any(k->type, e->value, &n)) {
        return refuse(l, k, e, form_words(k->type));
    }
    if (n < k->min || n > k->max) {
        return refuse(l, k, e, "is out of range");
    }
    warn_odd(l, k, e, n);
    if (k->type == CONFIG_INT || k->type == CONFIG_SECONDS) {
        *(int *)(void *)at = (int)n;
    } else {
        *(int64_t *)(void *)at = n;
    }
    return true;
}

static bool set_double(struct config_loader *l, const struct config_key *k, char *at,
                       const struct config_entry *e)
{
    double n;
    if (!config_parse_number(e->value, &n)) {
        return refuse(l, k, e, form_words(k->type));
    }
    if (n < (double)k->min || n > (double)k->max) {
        return refuse(l, k, e, "is out of range");
    }
    *(double *)(void *)at = n;
    return true;
}

static int choice_index(const char *choices, const char *word)
{
    int i = 0;
    for (const char *p = choices; p; i++) {
        size_t len = strcspn(p, "|");
        if (strlen(word) == len && strncasecmp(p, word, len) == 0) {
            return i;
        }
        p = p[len] ? p + len + 1 : NULL;
    }
    return -1;
}

static bool set_choice(struct config_loader *l, const struct config_key *k, char *at,
                       const struct config_entry *e)
{
    int i = k->type == CONFIG_KIND ? backend_kind_by_name(e->value)
                                   : choice_index(k->choices, e->value);
    if (i < 0) {
        return refuse(l, k, e, "is none of");
    }
    if (k->type == CONFIG_WORD) {
        size_t len;
        const char *word = config_choice_at(k->choices, i, &len);
        *(char **)(void *)at = config_keepf(l->c, "%.*s", (int)len, word);
    } else {
        *(int *)(void *)at = i;
    }
    return true;
}

static bool is_text_ok(struct config_loader *l, const struct config_key *k,
                       const struct config_entry *e, bool may_have_lines)
{
    size_t len = strlen(e->value);
    if ((int64_t)len < k->min) {
        return refuse(l, k, e, "may not be empty");
    }
    if ((int64_t)len > k->max) {
        config_error(l, e->where,
                     "%s: is %zu bytes long, at most %" PRId64 " are allowed", k->name,
                     len, k->max);
        return false;
    }
    for (const unsigned char *p = (const unsigned char *)e->value; *p; p++) {
        bool is_line = *p == '\n' || *p == '\t';
        if ((*p < 0x20 && !(may_have_lines && is_line)) || *p == 0x7f) {
            return refuse(l, k, e, "has control characters in it");
        }
    }
    return true;
}

static bool set_text(struct config_loader *l, const struct config_key *k, char *at,
                     const struct config_entry *e)
{
    if (!is_text_ok(l, k, e, k->max > 4096)) {
        return false;
    }
    if (!utf8_is_valid(e->value, strlen(e->value))) {
        return refuse(l, k, e, "is not UTF-8");
    }
    *(const char **)(void *)at = config_keep(l->c, e->value);
    return true;
}

// Where the process is now: a program around us may go elsewhere later.
static char *from_here(struct config_loader *l, const char *path)
{
    char here[CONFIG_MAX_PATH];
    if (!path[0] || path[0] == '/' || !getcwd(here, sizeof(here))) {
        return config_keep(l->c, path);
    }
    return config_keepf(l->c, "%s/%s", here[1] ? here : "", path);
}

char *config_expand(struct config_loader *l, const struct config_entry *e)
{
    const char *s = e->value;
    const char *home = getenv("HOME");
    if (s[0] == '~' && (s[1] == '/' || s[1] == 0) && home) {
        return config_keepf(l->c, "%s%s", home, s + 1);
    }
    if (s[0] && s[0] != '/' && e->layer == LAYER_FILE && l->file_dir) {
        return from_here(l, config_keepf(l->c, "%s/%s", l->file_dir, s));
    }
    return from_here(l, s);
}

// NULL becomes empty: an organ's default for a path may be either.
static bool set_path(struct config_loader *l, const struct config_key *k, char *at,
                     const struct config_entry *e)
{
    if (!is_text_ok(l, k, e, false)) {
        return false;
    }
    *(const char **)(void *)at = *e->value ? config_expand(l, e) : NULL;
    return true;
}

// A client never sends the key: for it a missing one is only worth a warning.
static bool secret_missing(struct config_loader *l, const struct config_entry *e,
                           const char *what, const char *why)
{
    bool is_worker = l->options && l->options->role == VLMD_WORKER;
    (is_worker ? config_error : config_warn)(l, e->where, "%s: %s", what, why);
    return !is_worker;
}

static bool keep_secret(struct config_loader *l, const struct config_key *k, char *at,
                        const struct config_entry *e, const char *secret)
{
    for (const char *p = secret; *p; p++) {
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f) {
            config_error(l, e->where, "%s: a key has no blanks or control characters",
                         k->name);
            return false;
        }
    }
    if (*secret && strlen(secret) < MIN_KEY_CHARS) {
        config_warn(l, e->where, "%s: a key of under %d characters is easy to guess",
                    k->name, MIN_KEY_CHARS);
    }
    *(const char **)(void *)at = config_keep(l->c, secret);
    return true;
}

static ssize_t read_small(const char *path, char *out, size_t size, struct stat *st)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return -1;
    }
    ssize_t n = -1;
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode)) {
        n = read(fd, out, size);
    } else {
        errno = EINVAL;
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return n;
}

static bool set_secret_file(struct config_loader *l, const struct config_key *k, char *at,
                            const struct config_entry *e)
{
    char secret[MAX_KEY_FILE + 1];
    struct stat st;
    if (!is_text_ok(l, k, e, false)) {
        return false;
    }
    const char *path = config_expand(l, e);
    ssize_t n = read_small(path, secret, sizeof(secret), &st);
    if (n < 0) {
        return secret_missing(l, e, path, strerror(errno));
    }
    if (n > MAX_KEY_FILE) {
        config_error(l, e->where, "%s: %s holds over %d bytes, which is no key", k->name,
                     path, MAX_KEY_FILE);
        return false;
    }
    secret[n] = 0;
    secret[strcspn(secret, "\r\n")] = 0;
    if (st.st_mode & (S_IRGRP | S_IROTH)) {
        config_warn(l, e->where, "%s: others may read %s (chmod 600 it)", k->name, path);
    }
    return keep_secret(l, k, at, e, secret);
}

static const char *said_by(const struct config *c, const char *command)
{
    for (int i = 0; i < c->n_said; i++) {
        if (strcmp(c->said[i].command, command) == 0) {
            return c->said[i].key;
        }
    }
    return NULL;
}

static void note_said(struct config *c, const char *command, const char *key)
{
    if (c->n_said < CONFIG_MAX_SAID) {
        c->said[c->n_said++] = (struct config_said){config_keep(c, command), key};
    }
}

// A client never sends the key, so the password manager is not bothered for it; a process at
// work has no time to wait for one.  A key from a new command needs a restart anyway.
static bool set_secret_command(struct config_loader *l, const struct config_key *k,
                               char *at, const struct config_entry *e)
{
    char secret[MAX_KEY_FILE + 1];
    bool is_worker = l->options && l->options->role == VLMD_WORKER;
    if (!is_text_ok(l, k, e, false) || !is_worker) {
        return !is_worker;
    }
    if (l->running) {
        const char *key = said_by(l->running, e->value);
        *(const char **)(void *)at = config_keep(l->c, key ? key : "(not asked yet)");
        return true;
    }
    const char *why = config_run_command(e->value, secret, sizeof(secret));
    bool is_kept =
        why ? secret_missing(l, e, k->name, why) : keep_secret(l, k, at, e, secret);
    if (!why && is_kept) {
        note_said(l->c, e->value, *(const char **)(void *)at);
    }
    explicit_bzero(secret, sizeof(secret));
    return is_kept;
}

static bool set_secret(struct config_loader *l, const struct config_key *k, char *at,
                       const struct config_entry *e)
{
    if (k->type == CONFIG_SECRET_FILE) {
        return set_secret_file(l, k, at, e);
    }
    if (k->type == CONFIG_SECRET_COMMAND) {
        return set_secret_command(l, k, at, e);
    }
    if (k->type == CONFIG_SECRET) {
        if (e->layer == LAYER_FILE && *e->value && l->is_file_open_to_others) {
            config_warn(l, e->where, "%s: others may read this file (chmod 600 it)",
                        k->name);
        }
        return is_text_ok(l, k, e, false) && keep_secret(l, k, at, e, e->value);
    }
    if (!is_text_ok(l, k, e, false)) {
        return false;
    }
    const char *secret = getenv(e->value);
    if (!secret) {
        return secret_missing(l, e, e->value, "this variable is not set");
    }
    return keep_secret(l, k, at, e, secret);
}

static void empty_list(struct config_value *v, const struct config_key *k, char *at)
{
    v->count = 0;
    if (k->type == CONFIG_RULES) {
        ((struct privacy_list *)(void *)at)->n = 0;
    } else {
        *(const char **)(void *)at = NULL;
    }
}

static bool set_member(struct config_loader *l, const struct config_key *k, char *at,
                       const struct config_entry *e)
{
    struct config_value *v = &l->c->values[k - config_keys];
    if (v->layer != e->layer) {
        empty_list(v, k, at);
    }
    if (e->is_empty_list) {
        return true;
    }
    struct config_key one = {.name = k->name, .type = CONFIG_TEXT, .min = 1, .max = 4095};
    if (v->count >= CONFIG_MAX_LIST) {
        config_error(l, e->where, "%s: has over %d members", k->name, CONFIG_MAX_LIST);
        return false;
    }
    if (!is_text_ok(l, &one, e, false)) {
        return false;
    }
    v->count++;
    if (k->type == CONFIG_RULES) {
        return config_add_rule(l, (struct privacy_list *)(void *)at, e);
    }
    struct rule_hours hours;
    if (k->type == CONFIG_HOURS && !rule_hours_parse(e->value, &hours)) {
        config_error(l, e->where,
                     "%s: \"%s\" is not a time of the week such as mon-fri 09:00-17:00, "
                     "sat,sun or 22:00-06:00",
                     k->name, e->value);
        return false;
    }
    const char **list = (const char **)(void *)at;
    list[v->count - 1] =
        k->type == CONFIG_PATHS ? config_expand(l, e) : config_keep(l->c, e->value);
    list[v->count] = NULL;
    return true;
}

bool config_set(struct config_loader *l, const struct config_key *k, char *at,
                const struct config_entry *e)
{
    switch (k->type) {
    case CONFIG_TEXT: return set_text(l, k, at, e);
    case CONFIG_PATH: return set_path(l, k, at, e);
    case CONFIG_SECRET:
    case CONFIG_SECRET_FILE:
    case CONFIG_SECRET_ENV:
    case CONFIG_SECRET_COMMAND: return set_secret(l, k, at, e);
    case CONFIG_INT:
    case CONFIG_COUNT:
    case CONFIG_BYTES:
    case CONFIG_MS:
    case CONFIG_SECONDS: return set_number(l, k, at, e);
    case CONFIG_NUMBER: return set_double(l, k, at, e);
    case CONFIG_BOOL:
        return config_parse_bool(e->value, (bool *)at) || refuse(l, k, e, "is none of");
    case CONFIG_CHOICE:
    case CONFIG_KIND:
    case CONFIG_WORD: return set_choice(l, k, at, e);
    case CONFIG_PATHS:
    case CONFIG_URLS:
    case CONFIG_TEXTS:
    case CONFIG_HOURS:
    case CONFIG_RULES: return set_member(l, k, at, e);
    case CONFIG_BACKENDS: return true;
    }
    return false;
}
