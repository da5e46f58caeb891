// config_private.h -- what the parts of the configuration share: key table, entries, values.
//
// Every source (file, environment, settings) becomes a row of struct config_entry; one
// function sets any key of any type from an entry, with the table as its only knowledge.
// SPDX-License-Identifier: MIT
#ifndef VLMD_CONFIG_PRIVATE_H
#define VLMD_CONFIG_PRIVATE_H

#include "base/buf.h"
#include "config/config.h"

enum config_type {
    CONFIG_TEXT,
    CONFIG_PATH,  // "~/" is the home folder; relative to the file that names it
    CONFIG_SECRET,
    CONFIG_SECRET_FILE,     // the secret stands in this file
    CONFIG_SECRET_ENV,      // the secret stands in this environment variable
    CONFIG_SECRET_COMMAND,  // this command says the secret
    CONFIG_INT,             // int
    CONFIG_COUNT,           // int64_t
    CONFIG_NUMBER,          // double
    CONFIG_BYTES,           // int64_t
    CONFIG_MS,              // int64_t, written as a duration
    CONFIG_SECONDS,         // int, written as a duration
    CONFIG_BOOL,
    CONFIG_CHOICE,   // an enum, in the order of choices
    CONFIG_KIND,     // enum backend_kind
    CONFIG_WORD,     // text, one of choices
    CONFIG_PATHS,    // array of CONFIG_MAX_LIST + 1 inside the struct
    CONFIG_URLS,     // likewise, each http:// or https://
    CONFIG_TEXTS,    // the same
    CONFIG_HOURS,    // the same, each like "mon-fri 09:00-17:00"
    CONFIG_RULES,    // struct privacy_list
    CONFIG_BACKENDS  // config_backends.c
};

struct config_key {
    const char *name;
    enum config_type type;
    size_t offset;     // into struct config
    const char *def;   // NULL = what the part's own *_config_default says
    int64_t min, max;  // of numbers, in the target's unit; texts: longest in bytes
    int64_t warn_min, warn_max;  // outside it is allowed but odd; 0 = not checked
    const char *choices;         // "quick|standard|deep"
    bool needs_restart;
    const char *help;
};

extern const struct config_key config_keys[];
extern const int n_config_keys;

// Index of the key or -1.  An alias ("backend") finds what it stands for.
int config_find(const char *name);
// Is name the first part of keys ("image")?
bool config_is_section(const char *name);
// The known key that looks most like name, or NULL when nothing does.
const char *config_nearest(const char *name);

// ---- sources

enum config_layer { LAYER_DEFAULT, LAYER_FILE, LAYER_ENVIRONMENT, LAYER_SETTING };

// "backends[2].url" has key "backends", index 2, sub "url".
struct config_entry {
    enum config_layer layer;
    char *key;  // owned by the config's strings, as the rest
    char *sub;  // "" = none
    char *value;
    char *where;   // for messages: "/home/me/vlmd.yaml:12", "VLMD_MODEL", "--model"
    char *origin;  // for `config show`: "vlmd.yaml:12", ...
    int index;     // -1 = not in a list
    bool is_null;  // nothing after the colon
    bool is_empty_list;
    bool is_map;  // has sub (or is an empty map)
};

struct config_value {
    char *text;
    char *def;
    char *origin;
    enum config_layer layer;
    int count;  // members of a list so far
};

enum {
    CONFIG_MAX_KEYS = 512,
    CONFIG_MAX_FILE = 1 << 20,
    CONFIG_MAX_ENTRIES = 1000,
    CONFIG_MAX_SCALAR = 64 << 10,
    CONFIG_MAX_PATH = 4096
};

// Both are strings of the configuration.
struct config_said {
    const char *command;
    const char *key;
};

struct config_loader {
    struct config *c;
    const struct config *running;  // of a process at work; NULL: it is starting
    const struct vlmd_options *options;
    vlmd_problem_fn *on_problem;
    void *arg;
    int n_errors;
    bool is_file_open_to_others;
    char *file_dir;  // relative paths in the file start here
    int n_entries;
    struct config_entry entries[CONFIG_MAX_ENTRIES];
};

// Copies into the config's strings.
char *config_keep(struct config *c, const char *s);
char *config_keepf(struct config *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void config_error(struct config_loader *l, const char *where, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void config_warn(struct config_loader *l, const char *where, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
// NULL (and an error, once) when there are too many.
struct config_entry *config_add_entry(struct config_loader *l, enum config_layer layer);
// Splits a flat path into key, index and sub.
void config_split_path(struct config_loader *l, struct config_entry *e, const char *path);

// Adds the entries of a YAML text; name is shown in messages.
void config_read_yaml(struct config_loader *l, const char *name, const char *text,
                      size_t len);

// ---- values

// The first line that a shell command prints.  NULL, or why there is none.
const char *config_run_command(const char *command, char *out, size_t size);

bool config_parse_int(const char *s, int64_t *out);
bool config_parse_number(const char *s, double *out);
bool config_parse_bytes(const char *s, int64_t *out);
bool config_parse_duration(const char *s, int64_t *ms);
bool config_parse_bool(const char *s, bool *out);
void config_format_bytes(int64_t n, char *out, size_t size);
void config_format_duration(int64_t ms, char *out, size_t size);

// A number of the given type as text.
void config_format_bound(enum config_type type, int64_t n, char *out, size_t size);
// Member index of "a|b|c"; "" and 0 beyond the last.
const char *config_choice_at(const char *choices, int index, size_t *len);
// Words for the range of a key: "1-100", "quick|standard|deep", "".
void config_range(const struct config_key *k, char *out, size_t size);
const char *config_type_name(const struct config_key *k);
// The key's value in c as text.
MUST_USE int config_format(const struct config_key *k, const struct config *c,
                           struct buf *out);
// Sets the value at *at (in the config, or in one backend) from an entry; problems go to the
// loader.
bool config_set(struct config_loader *l, const struct config_key *k, char *at,
                const struct config_entry *e);
// "~/" and paths relative to the file, or else to where the process is, made absolute.
char *config_expand(struct config_loader *l, const struct config_entry *e);

// ---- places

// The home folder, or NULL.
const char *config_home(char *out, size_t size);
const char *config_default_db(char *out, size_t size);  // "" without a home

// ---- privacy (config_privacy.c)

// Adds one member to a list of rules.
bool config_add_rule(struct config_loader *l, struct privacy_list *list,
                     const struct config_entry *e);
// Compiles c->rules, and checks what the privacy keys say together.
void config_set_rules(struct config_loader *l);

// ---- guards (config_guards.c)

// Fills in the breaker's preset, and checks what the keys say together.
void config_set_guards(struct config_loader *l);

// ---- addresses that vlmd calls by itself (config_alerts.c)

void config_check_addresses(struct config_loader *l);

// ---- backends

bool config_is_secret(const struct config_key *k);
// Fills c->backends from the last layer that names some.
void config_set_backends(struct config_loader *l);
// Checks and normalises a backend's URL: no trailing slash, no /v1, http:// if only
// host:port.  false with words.
bool config_url(const char *text, char *out, size_t size, char *words, size_t words_size);

#endif
