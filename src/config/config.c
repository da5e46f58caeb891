// config.c -- loads the configuration: defaults, file, environment, settings, in this order.
//
// Each source becomes entries (config_private.h); applying them is one loop over the key
// table (config_keys.c).  Loading goes on after a problem, so that all are reported at once.
// SPDX-License-Identifier: MIT
#include "config/config_private.h"

#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

// Everything a config points to; freed with it.
struct strings {
    void **items;
    size_t n;
    size_t cap;
};

static void *keep(struct config *c, void *item)
{
    struct strings *s = c->strings;
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        void **items = realloc(s->items, s->cap * sizeof(*items));
        if (!items) {
            abort();
        }
        s->items = items;
    }
    s->items[s->n++] = item;
    return item;
}

char *config_keep(struct config *c, const char *s)
{
    return keep(c, mem_dup(s));
}

char *config_keepf(struct config *c, const char *fmt, ...)
{
    char *s = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&s, fmt, ap);
    va_end(ap);
    return keep(c, n < 0 ? mem_dup("") : s);
}

// ---- problems

static void report(struct config_loader *l, bool is_error, const char *where,
                   const char *fmt, va_list ap)
{
    char words[1024];
    vsnprintf(words, sizeof(words), fmt, ap);
    l->n_errors += is_error;
    if (l->on_problem) {
        l->on_problem(l->arg, is_error, where, words);
    }
}

void config_error(struct config_loader *l, const char *where, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report(l, true, where, fmt, ap);
    va_end(ap);
}

void config_warn(struct config_loader *l, const char *where, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report(l, false, where, fmt, ap);
    va_end(ap);
}

// ---- entries

struct config_entry *config_add_entry(struct config_loader *l, enum config_layer layer)
{
    if (l->n_entries == CONFIG_MAX_ENTRIES) {
        config_error(l, l->c->file ? l->c->file : "settings",
                     "there are over %d values; what follows is not read",
                     CONFIG_MAX_ENTRIES);
        return NULL;
    }
    struct config_entry *e = &l->entries[l->n_entries++];
    *e = (struct config_entry){.layer = layer, .index = -1};
    return e;
}

void config_split_path(struct config_loader *l, struct config_entry *e, const char *path)
{
    const char *bracket = strchr(path, '[');
    const char *sub = bracket ? strstr(bracket, "].") : NULL;
    size_t len = bracket ? (size_t)(bracket - path) : strlen(path);
    e->key = config_keepf(l->c, "%.*s", (int)len, path);
    e->index = bracket ? atoi(bracket + 1) : -1;
    e->sub = config_keep(l->c, sub ? sub + 2 : "");
    int k = config_find(e->key);
    if (k >= 0) {
        e->key = config_keep(l->c, config_keys[k].name);
    }
}

static bool is_list_type(enum config_type type)
{
    return type == CONFIG_PATHS || type == CONFIG_TEXTS || type == CONFIG_HOURS ||
           type == CONFIG_URLS || type == CONFIG_RULES || type == CONFIG_BACKENDS;
}

static void add_plain(struct config_loader *l, enum config_layer layer, const char *key,
                      const char *value, size_t len, const char *origin)
{
    struct config_entry *e = config_add_entry(l, layer);
    if (e) {
        e->key = config_keep(l->c, key);
        e->sub = config_keep(l->c, "");
        e->value = config_keepf(l->c, "%.*s", (int)len, value);
        e->where = config_keep(l->c, origin);
        e->origin = e->where;
    }
}

// ---- the file

static int read_fd(struct config_loader *l, int fd, struct buf *text)
{
    struct stat st;
    char chunk[16384];
    if (fstat(fd, &st)) {
        return errno;
    }
    if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode)) {
        return S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
    }
    l->is_file_open_to_others = S_ISREG(st.st_mode) && (st.st_mode & (S_IRGRP | S_IROTH));
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n <= 0) {
            return n < 0 ? errno : 0;
        }
        if (buf_add(text, chunk, (size_t)n)) {
            return EFBIG;
        }
    }
}

static void read_file(struct config_loader *l, const char *path, bool must_exist)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (must_exist || errno != ENOENT) {
            config_error(l, path, "%s", strerror(errno));
        }
        return;
    }
    struct buf text = {.max_bytes = CONFIG_MAX_FILE};
    int rc = read_fd(l, fd, &text);
    close(fd);
    l->c->file = config_keep(l->c, path);
    const char *slash = strrchr(path, '/');
    l->file_dir = slash ? config_keepf(l->c, "%.*s", (int)(slash - path), path)
                        : config_keep(l->c, ".");
    if (rc == EFBIG) {
        config_error(l, path, "is over 1 MiB long, which is no configuration");
    } else if (rc) {
        config_error(l, path, "%s", strerror(rc));
    } else {
        config_read_yaml(l, path, buf_str(&text), text.len);
    }
    buf_fini(&text);
}

static void read_files(struct config_loader *l)
{
    char path[CONFIG_MAX_PATH];
    const char *given = l->options ? l->options->config_file : NULL;
    const char *text = l->options ? l->options->config_text : NULL;
    if (text) {
        l->file_dir = config_keep(l->c, "/");
        config_read_yaml(l, "configuration", text, strlen(text));
    } else if (given && *given) {
        read_file(l, given, true);
    } else if (!given && *config_path(path, sizeof(path))) {
        read_file(l, path, false);
    }
}

// ---- environment and settings

static void variable_name(const char *key, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "VLMD_%s", key);
    for (size_t i = 5; i < n && i < size; i++) {
        out[i] = key[i - 5] == '.' ? '_' : (char)toupper((unsigned char)key[i - 5]);
    }
}

static void add_variable(struct config_loader *l, const char *key, enum config_type type,
                         const char *name, const char *value)
{
    if (!is_list_type(type)) {
        add_plain(l, LAYER_ENVIRONMENT, key, value, strlen(value), name);
        return;
    }
    while (*value) {
        size_t len = strcspn(value, ",");
        if (len) {
            add_plain(l, LAYER_ENVIRONMENT, key, value, len, name);
        }
        value += len + (value[len] == ',');
    }
}

static void read_variable(struct config_loader *l, const char *text)
{
    char name[128];
    size_t len = strcspn(text, "=");
    if (len >= sizeof(name)) {
        return;
    }
    snprintf(name, sizeof(name), "%.*s", (int)len, text);
    const char *value = text + len + (text[len] == '=');
    for (int i = 0; i < n_config_keys; i++) {
        char expected[128];
        variable_name(config_keys[i].name, expected, sizeof(expected));
        bool is_alias =
            config_keys[i].type == CONFIG_BACKENDS && strcmp(name, "VLMD_BACKEND") == 0;
        if (strcmp(name, expected) == 0 || is_alias) {
            add_variable(l, config_keys[i].name, config_keys[i].type, name, value);
            return;
        }
    }
    config_warn(l, name, "is no variable that vlmd knows");
}

static void read_environment(struct config_loader *l)
{
    for (char **p = environ; p && *p; p++) {
        if (strncmp(*p, "VLMD_", 5) == 0) {
            read_variable(l, *p);
        }
    }
}

static void read_settings(struct config_loader *l)
{
    for (int i = 0; l->options && i < l->options->n_settings; i++) {
        const struct vlmd_setting *s = &l->options->settings[i];
        int k = config_find(s->key);
        add_plain(l, LAYER_SETTING, k < 0 ? s->key : config_keys[k].name, s->value,
                  strlen(s->value), s->origin ? s->origin : "setting");
    }
}

// ---- applying

static void unknown_key(struct config_loader *l, const struct config_entry *e)
{
    char whole[300];
    snprintf(whole, sizeof(whole), "%s%s%s", e->key, *e->sub ? "[]." : "", e->sub);
    const char *dot = strchr(e->key, '.');
    char *parent = config_keepf(l->c, "%.*s", dot ? (int)(dot - e->key) : 0, e->key);
    if (config_is_section(e->key)) {
        if (!e->is_null) {
            config_error(l, e->where,
                         "%s: is a section; its keys stand indented below it", e->key);
        }
        return;
    }
    int k = config_find(parent);
    if (k >= 0 && !config_is_section(parent)) {
        config_error(l, e->where, "%s: takes a %s, not a section", parent,
                     is_list_type(config_keys[k].type) ? "list" : "value");
        return;
    }
    const char *nearest = config_nearest(e->key);
    config_error(l, e->where, "%s: is no key%s%s%s", whole,
                 nearest ? "; did you mean " : "", nearest ? nearest : "",
                 nearest ? "?" : "");
}

// Every user of the machine can read it.  A program that embeds vlmd names its own origin.
static bool is_on_command_line(const struct config_entry *e)
{
    return e->layer == LAYER_SETTING && strncmp(e->origin, "--", 2) == 0;
}

// Of api_key, api_key_file and api_key_env the last source's counts; two in one source
// contradict each other.
static bool forget_other_secrets(struct config_loader *l, const struct config_key *k,
                                 const struct config_entry *e)
{
    for (int i = 0; i < n_config_keys; i++) {
        struct config_value *v = &l->c->values[i];
        bool is_same = config_is_secret(&config_keys[i]) && &config_keys[i] != k &&
                       config_keys[i].offset == k->offset;
        if (!is_same || v->layer == LAYER_DEFAULT) {
            continue;
        }
        if (v->layer == e->layer) {
            config_error(l, e->where, "%s: the key is set already at %s", k->name,
                         v->origin);
            return false;
        }
        *v = (struct config_value){.def = v->def, .origin = config_keep(l->c, "default")};
    }
    return true;
}

static void apply(struct config_loader *l, const struct config_entry *e)
{
    int i = config_find(e->key);
    if (i < 0) {
        unknown_key(l, e);
        return;
    }
    const struct config_key *k = &config_keys[i];
    struct config_value *v = &l->c->values[i];
    bool is_list = is_list_type(k->type);
    if ((e->index >= 0 && !is_list) || (*e->sub && k->type != CONFIG_BACKENDS)) {
        config_error(l, e->where, "%s: takes %s", k->name,
                     is_list ? "a list of plain values" : "one value, not a list");
        return;
    }
    if (e->is_null && !e->is_empty_list && k->type != CONFIG_BACKENDS) {
        config_warn(l, e->where, "%s: has no value; the default is kept", k->name);
        return;
    }
    if (config_is_secret(k) && !*e->value) {
        return;
    }
    if (k->type == CONFIG_SECRET && is_on_command_line(e)) {
        config_error(l, e->where,
                     "%s: other users can read it on a command line; it belongs into the "
                     "configuration, a file of its own, or a VLMD_* variable",
                     k->name);
        return;
    }
    if (config_is_secret(k) && !forget_other_secrets(l, k, e)) {
        return;
    }
    if (config_set(l, k, (char *)l->c + k->offset, e)) {
        v->layer = e->layer;
        v->origin = e->origin;
        if (config_is_secret(k)) {
            v->text = *e->value && k->type == CONFIG_SECRET
                          ? config_keep(l->c, "(hidden)")
                          : e->value;
        }
    }
}

static enum config_layer layer_of(const struct config *c, const char *name)
{
    for (int i = 0; i < n_config_keys; i++) {
        if (strcmp(config_keys[i].name, name) == 0) {
            return c->values[i].layer;
        }
    }
    return LAYER_DEFAULT;
}

static void derive(struct config_loader *l)
{
    struct config *c = l->c;
    config_set_backends(l);
    config_set_rules(l);
    c->has_own_px = c->target_px != 0;
    c->has_own_tier = layer_of(c, "tier") == LAYER_SETTING;
    config_check_addresses(l);
    if (c->target_px == 0) {
        c->target_px = c->tiers[c->tier].target_px;
    } else if (c->target_px < 64) {
        config_error(l, "image.target_px", "image.target_px: is 0 or at least 64");
    }
    if (c->has_ocr_backend && c->ocr_when == CONFIG_OCR_NEVER) {
        config_warn(l, "ocr.when", "is never, but ocr is named as a backend: it is used");
        c->ocr_when = CONFIG_OCR_FALLBACK;
    }
    config_set_guards(l);
    if (!c->store.path || !*c->store.path) {
        config_error(l, "db",
                     "there is no home folder to keep the database in; name it with "
                     "--db FILE");
    }
}

// ---- defaults and texts

static const struct privacy_pattern *new_list(struct config *c)
{
    return keep(c, mem_zero(CONFIG_MAX_LIST * sizeof(struct privacy_pattern)));
}

static void organ_defaults(struct config *c)
{
    char path[CONFIG_MAX_PATH];
    backend_config_default(&c->backend);
    store_config_default(&c->store);
    image_config_default(&c->image);
    ingest_config_default(&c->ingest);
    ocr_config_default(&c->ocr);
    retry_config_default(&c->retry);
    alert_config_default(&c->alerts);
    breaker_config_default(&c->breaker);
    life_config_default(&c->life);
    yield_config_default(&c->yield);
    pressure_config_default(&c->pressure);
    c->store.path = config_keep(c, config_default_db(path, sizeof(path)));
    privacy_policy_default(&c->privacy.policy);
    for (int f = 0; f < PRIVACY_FIELDS; f++) {
        c->privacy.rules.deny[f].items = new_list(c);
        c->privacy.rules.allow[f].items = new_list(c);
    }
}

// Defaults of the table go the same way as any value: they are checked as well.
static void table_defaults(struct config_loader *l)
{
    for (int i = 0; i < n_config_keys; i++) {
        const struct config_key *k = &config_keys[i];
        l->c->values[i].origin = config_keep(l->c, "default");
        if (k->def && *k->def && !config_is_secret(k)) {
            struct config_entry e = {.layer = LAYER_DEFAULT,
                                     .key = config_keep(l->c, k->name),
                                     .sub = config_keep(l->c, ""),
                                     .value = config_keep(l->c, k->def),
                                     .where = config_keep(l->c, "default"),
                                     .index = -1};
            config_set(l, k, (char *)l->c + k->offset, &e);
        }
    }
}

static char *backends_text(struct config *c)
{
    struct buf out = {.max_bytes = CONFIG_MAX_FILE};
    int rc = 0;
    for (int i = 0; i < c->n_backends && rc == 0; i++) {
        rc = buf_printf(&out, "%s%s", i ? ", " : "", c->backends[i].url);
    }
    if (rc == 0 && c->has_ocr_backend) {
        rc = buf_printf(&out, "%socr", c->n_backends ? ", " : "");
    }
    char *text = config_keep(c, rc ? "" : buf_str(&out));
    buf_fini(&out);
    return text;
}

static char *value_text(struct config *c, const struct config_key *k)
{
    if (k->type == CONFIG_BACKENDS) {
        return backends_text(c);
    }
    struct buf out = {.max_bytes = CONFIG_MAX_FILE};
    char *text = config_keep(c, config_format(k, c, &out) ? "" : buf_str(&out));
    buf_fini(&out);
    return text;
}

static void write_texts(struct config *c, bool is_default)
{
    for (int i = 0; i < n_config_keys; i++) {
        struct config_value *v = &c->values[i];
        if (is_default) {
            v->def = value_text(c, &config_keys[i]);
        } else if (!config_is_secret(&config_keys[i])) {
            v->text = value_text(c, &config_keys[i]);
        } else if (!v->text) {
            v->text = config_keep(c, "");
        }
    }
}

// ---- public

int config_load(struct config **out, const struct vlmd_options *options,
                vlmd_problem_fn *on_problem, void *arg)
{
    return config_load_again(out, NULL, options, on_problem, arg);
}

int config_load_again(struct config **out, const struct config *running,
                      const struct vlmd_options *options, vlmd_problem_fn *on_problem,
                      void *arg)
{
    struct config_loader *l = mem_new(struct config_loader);
    struct config *c = mem_new(struct config);
    c->strings = mem_new(struct strings);
    c->values = keep(c, mem_zero((size_t)n_config_keys * sizeof(*c->values)));
    c->said = keep(c, mem_zero(CONFIG_MAX_SAID * sizeof(*c->said)));
    *l = (struct config_loader){.c = c,
                                .running = running,
                                .options = options,
                                .on_problem = on_problem,
                                .arg = arg};
    organ_defaults(c);
    table_defaults(l);
    write_texts(c, true);
    read_files(l);
    if (!options || !options->ignore_environment) {
        read_environment(l);
    }
    read_settings(l);
    for (int i = 0; i < l->n_entries; i++) {
        apply(l, &l->entries[i]);
    }
    derive(l);
    write_texts(c, false);
    bool failed = l->n_errors > 0;
    free(l);
    if (failed) {
        config_free(c);
        c = NULL;
    }
    *out = c;
    return failed ? E_CONFIG : 0;
}

void config_free(struct config *c)
{
    if (!c) {
        return;
    }
    privacy_rules_close(c->rules);
    privacy_rules_close(c->rules_before);
    struct strings *s = c->strings;
    for (size_t i = 0; s && i < s->n; i++) {
        free(s->items[i]);
    }
    if (s) {
        free(s->items);
    }
    free(s);
    free(c);
}

void config_each(const struct config *c, vlmd_key_fn *fn, void *arg)
{
    for (int i = 0; i < n_config_keys; i++) {
        const struct config_key *k = &config_keys[i];
        char range[256];
        config_range(k, range, sizeof(range));
        struct vlmd_key key = {
            .key = k->name,
            .value = c->values[i].text,
            .origin = c->values[i].origin,
            .def = c->values[i].def,
            .type = config_type_name(k),
            .range = range,
            .help = k->help,
            .is_reloadable = !k->needs_restart,
        };
        fn(arg, &key);
    }
}
