// rules.h -- what may be looked at by a model at all, from what is known about a picture.
//
// Rules are lists of patterns, one list for each thing that is known: program, window title,
// path, address of the page, screen, time.  What a deny list names is sent nowhere.  Where an
// allow list is given, only what it names is sent; with several allow lists a picture has to
// be named in each of them.  Deny wins.  In doubt (a text that is too long to judge, a
// pattern that took too long) a deny rule applies and an allow rule does not.
//
// A pattern is one of
//   KeePass            a part of the text
//   *.bank.example/*   with * or ?: the whole text
//   re:^vault( |$)     a regular expression (PCRE2), anywhere in the text
//   /^vault( |$)/      the same, but not in lists of paths and addresses, where / is text
//   mon-fri 09:00-17:00    in lists of hours
// Letters are compared without case in every alphabet.  Control characters count as blanks,
// characters that nobody sees are left out, on both sides.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_RULES_H
#define VLMD_PRIVACY_RULES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

// X(field, name in the keys, what it is)
#define PRIVACY_FIELD_TABLE(X)                                                           \
    X(PRIVACY_APP, "apps", "program")                                                    \
    X(PRIVACY_WINDOW, "windows", "window title")                                         \
    X(PRIVACY_PATH, "paths", "path")                                                     \
    X(PRIVACY_URL, "urls", "address of the page")                                        \
    X(PRIVACY_SCREEN, "screens", "screen")                                               \
    X(PRIVACY_HOURS, "hours", "time")

enum privacy_field {
#define X(field, name, words) field,
    PRIVACY_FIELD_TABLE(X)
#undef X
        PRIVACY_FIELDS
};

const char *privacy_field_name(enum privacy_field f);   // "apps"
const char *privacy_field_words(enum privacy_field f);  // "program"

// One member of a list, and where somebody wrote it.  Borrowed: during privacy_rules_open.
struct privacy_pattern {
    const char *text;
    const char *where;   // for messages: "/home/me/.config/vlmd/vlmd.yaml:12"
    const char *origin;  // for people: "vlmd.yaml:12", "VLMD_PRIVACY_EXCLUDE_APPS"
};

struct privacy_list {
    const struct privacy_pattern *items;  // borrowed: as long as the configuration
    int n;
};

struct privacy_rules_config {
    struct privacy_list deny[PRIVACY_FIELDS];   // privacy.exclude_apps, ...
    struct privacy_list allow[PRIVACY_FIELDS];  // privacy.allow_apps, ...
    bool only_allowed;                          // nothing is sent without an allow list
    bool need_metadata;  // block what has neither program nor window title
    bool has_defaults;   // the built-in deny rules
};

// What is known about a picture; NULL or "" = not known.  Borrowed.
struct privacy_subject {
    const char *app;
    const char *window;
    const char *path;  // of the picture, or its URL
    const char *url;   // of the page on the screen
    const char *screen;
    bool has_minute;
    int minute_of_week;  // local time it was taken at; 0 = Monday 00:00
    unsigned cut;        // 1u << field: this text was cut before it came here
};

// Never holds a text of the subject.
struct privacy_reason {
    char rule[160];  // "privacy.exclude_apps: KeePass*", "built in: password managers"
    char why[240];   // the same in a sentence
};

struct privacy_rules;

typedef void privacy_problem_fn(void *arg, const char *where, const char *words);

// Compiles; all strings are copied.  on_problem is called for every pattern that is none.
// Errors: E_CONFIG after on_problem; E_NOMEM.
MUST_USE int privacy_rules_open(struct privacy_rules **out,
                                const struct privacy_rules_config *c,
                                privacy_problem_fn *on_problem, void *arg);
void privacy_rules_close(struct privacy_rules *r);

// Does a deny list name it?  For what is known before the file was opened: what is not known
// yet decides nothing.  why is filled in when true.
// Thread: one at a time per struct privacy_rules, as with all below.
bool privacy_is_denied(const struct privacy_rules *r, const struct privacy_subject *s,
                       struct privacy_reason *why);
// The whole decision: deny lists, need_metadata, allow lists.
bool privacy_is_excluded(const struct privacy_rules *r, const struct privacy_subject *s,
                         struct privacy_reason *why);

// One rule that applies, for people.
struct privacy_rule {
    const char *list;     // "privacy.exclude_apps", "built in"
    const char *pattern;  // as it was written, or "password managers"
    const char *origin;   // "vlmd.yaml:12", "built in"
    const char *words;    // built in: what it covers; else ""
    enum privacy_field field;
    bool is_allow;
    bool is_match;  // it names the subject
    bool is_doubt;  // whether it does could not be told
};

typedef void privacy_rule_fn(void *arg, const struct privacy_rule *rule);

// Calls fn for every rule in the order in which they are asked; s: which of them name this
// picture, or NULL.
void privacy_rules_each(const struct privacy_rules *r, const struct privacy_subject *s,
                        privacy_rule_fn *fn, void *arg);

#endif
