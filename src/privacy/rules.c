// rules.c -- which rule applies to a picture.
//
// One list of compiled rules in the order in which they are asked: deny lists, built-in deny
// rules, allow lists.  Each text of a subject is prepared once, when the first rule asks.
// SPDX-License-Identifier: MIT
#include "privacy/rules.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "privacy/rules_builtin.h"
#include "privacy/rules_hours.h"
#include "privacy/rules_pattern.h"
#include "privacy/rules_text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rule {
    enum privacy_field field;
    bool is_allow;
    const struct rule_builtin *builtin;  // or NULL
    char *text;                          // owned; as it was written; NULL: built in
    char *origin;                        // owned; NULL: built in
    struct rule_pattern *pattern;        // owned; NULL: hours
    struct rule_hours hours;
};

struct privacy_rules {
    bool only_allowed;
    bool need_metadata;
    bool has_allow[PRIVACY_FIELDS];
    struct rule_matcher *matcher;  // owned
    int n;
    struct rule rules[];
};

static const struct {
    const char *name;
    const char *words;
    const char *deny_list;
    const char *allow_list;
} fields[] = {
#define X(field, name, words)                                                            \
    {name, words, "privacy.exclude_" name, "privacy.allow_" name},
    PRIVACY_FIELD_TABLE(X)
#undef X
};

const char *privacy_field_name(enum privacy_field f)
{
    assert(f < PRIVACY_FIELDS);
    return fields[f].name;
}

const char *privacy_field_words(enum privacy_field f)
{
    assert(f < PRIVACY_FIELDS);
    return fields[f].words;
}

static const char *list_name(const struct rule *r)
{
    if (r->builtin) {
        return "built in";
    }
    return r->is_allow ? fields[r->field].allow_list : fields[r->field].deny_list;
}

// ---- opening

struct opening {
    struct privacy_rules *r;
    privacy_problem_fn *on_problem;
    void *arg;
    int n_problems;
};

static void report(struct opening *o, const struct rule *rule, const char *where,
                   const char *words)
{
    char whole[700];
    snprintf(whole, sizeof(whole), "%s: %s", list_name(rule), words);
    o->n_problems++;
    if (o->on_problem) {
        o->on_problem(o->arg, where, whole);
    }
}

static int open_hours(struct rule *rule, const char *text, struct err *e)
{
    char shown[64];
    if (rule_hours_parse(text, &rule->hours)) {
        return 0;
    }
    utf8_clean(text, strlen(text), shown, sizeof(shown));
    return err_set(e, E_CONFIG,
                   "\"%s\" is no time of the week such as \"mon-fri 09:00-17:00\", "
                   "\"sat,sun\" or \"22:00-06:00\"",
                   shown);
}

// A pattern that is none is reported and left out; the whole fails in the end.
static int add_rule(struct opening *o, enum privacy_field field, bool is_allow,
                    const struct privacy_pattern *p)
{
    struct rule *rule = &o->r->rules[o->r->n];
    struct err e = {0};
    *rule = (struct rule){.field = field, .is_allow = is_allow};
    int rc = field == PRIVACY_HOURS
                 ? open_hours(rule, p->text, &e)
                 : rule_pattern_open(&rule->pattern, o->r->matcher, p->text,
                                     field == PRIVACY_PATH || field == PRIVACY_URL, &e);
    if (rc == E_CONFIG) {
        report(o, rule, p->where, e.msg);
        return 0;
    }
    if (rc == 0) {
        rule->text = mem_dup(p->text);
        rule->origin = mem_dup(p->origin ? p->origin : "");
        o->r->has_allow[field] |= is_allow;
        o->r->n++;
    }
    return rc;
}

static int add_lists(struct opening *o, const struct privacy_list *lists, bool is_allow)
{
    int rc = 0;
    for (int f = 0; f < PRIVACY_FIELDS; f++) {
        for (int i = 0; i < lists[f].n && rc == 0; i++) {
            rc = add_rule(o, (enum privacy_field)f, is_allow, &lists[f].items[i]);
        }
    }
    return rc;
}

static void add_builtins(struct privacy_rules *r)
{
    for (int i = 0; i < n_rule_builtins; i++) {
        const struct rule_builtin *b = &rule_builtins[i];
        r->rules[r->n++] = (struct rule){
            .field = b->field, .builtin = b, .pattern = rule_pattern_new(b->regex)};
    }
}

int privacy_rules_open(struct privacy_rules **out, const struct privacy_rules_config *c,
                       privacy_problem_fn *on_problem, void *arg)
{
    size_t n = (size_t)n_rule_builtins;
    for (int f = 0; f < PRIVACY_FIELDS; f++) {
        n += (size_t)c->deny[f].n + (size_t)c->allow[f].n;
    }
    *out = NULL;
    struct privacy_rules *r = calloc(1, sizeof(*r) + n * sizeof(r->rules[0]));
    if (!r) {
        return E_NOMEM;
    }
    r->only_allowed = c->only_allowed;
    r->need_metadata = c->need_metadata;
    struct opening o = {.r = r, .on_problem = on_problem, .arg = arg};
    int rc = rule_matcher_open(&r->matcher);
    rc = rc ? rc : add_lists(&o, c->deny, false);
    if (rc == 0 && c->has_defaults) {
        add_builtins(r);
    }
    rc = rc ? rc : add_lists(&o, c->allow, true);
    rc = rc == 0 && o.n_problems ? E_CONFIG : rc;
    if (rc) {
        privacy_rules_close(r);
        return rc;
    }
    *out = r;
    return 0;
}

void privacy_rules_close(struct privacy_rules *r)
{
    if (!r) {
        return;
    }
    for (int i = 0; i < r->n; i++) {
        rule_pattern_close(r->rules[i].pattern);
        free(r->rules[i].text);
        free(r->rules[i].origin);
    }
    rule_matcher_close(r->matcher);
    free(r);
}

// ---- one subject

// Its texts, each prepared when it is asked for.
struct seen {
    const struct privacy_subject *s;
    struct seen_text {
        bool is_ready;
        bool is_cut;
        size_t len;  // 0 = not known
        char text[RULE_TEXT_MAX];
    } texts[PRIVACY_HOURS];
};

static void see(struct seen *seen, const struct privacy_subject *s)
{
    seen->s = s;
    for (int f = 0; f < PRIVACY_HOURS; f++) {
        seen->texts[f].is_ready = false;
    }
}

static const char *given_text(const struct privacy_subject *s, enum privacy_field f)
{
    switch (f) {
    case PRIVACY_APP: return s->app;
    case PRIVACY_WINDOW: return s->window;
    case PRIVACY_PATH: return s->path;
    case PRIVACY_URL: return s->url;
    case PRIVACY_SCREEN: return s->screen;
    case PRIVACY_HOURS:
    case PRIVACY_FIELDS: break;
    }
    return NULL;
}

static const struct seen_text *text_of(struct seen *seen, enum privacy_field f)
{
    struct seen_text *t = &seen->texts[f];
    if (!t->is_ready) {
        const char *text = given_text(seen->s, f);
        bool fits = rule_text(text ? text : "", t->text, sizeof(t->text));
        t->is_cut = !fits || seen->s->cut & 1u << f;
        t->len = strlen(t->text);
        t->is_ready = true;
    }
    return t;
}

static bool is_known(struct seen *seen, enum privacy_field f)
{
    const char *text = text_of(seen, f)->text;
    return text[strspn(text, " ")] != 0;
}

static enum rule_answer ask_hours(const struct rule *rule,
                                  const struct privacy_subject *s)
{
    if (!s->has_minute) {
        return RULE_DOUBT;
    }
    return rule_hours_match(&rule->hours, s->minute_of_week) ? RULE_YES : RULE_NO;
}

// What is missing at the end of a cut text might match, or keep a rule from matching.
static enum rule_answer ask(const struct privacy_rules *r, const struct rule *rule,
                            struct seen *seen)
{
    if (rule->field == PRIVACY_HOURS) {
        return ask_hours(rule, seen->s);
    }
    const struct seen_text *t = text_of(seen, rule->field);
    if (t->len == 0 && !t->is_cut) {
        return RULE_NO;
    }
    enum rule_answer a = rule_pattern_match(rule->pattern, r->matcher, t->text, t->len);
    bool is_open = t->is_cut && !(rule->builtin && rule->builtin->decides_from_start);
    return is_open && (rule->is_allow || a != RULE_YES) ? RULE_DOUBT : a;
}

static const char *doubt_words(const struct rule *rule, struct seen *seen)
{
    if (rule->field == PRIVACY_HOURS) {
        return " (when it was taken is not known)";
    }
    return text_of(seen, rule->field)->is_cut ? " (the text is too long to tell)"
                                              : " (it takes too long to tell)";
}

static void tell(struct privacy_reason *why, const struct rule *rule, const char *doubt)
{
    char shown[96];
    const char *name = rule->builtin ? rule->builtin->name : rule->text;
    utf8_clean(name, strlen(name), shown, sizeof(shown));
    snprintf(why->rule, sizeof(why->rule), "%s: %s", list_name(rule), shown);
    snprintf(why->why, sizeof(why->why), "excluded by %s%s", why->rule, doubt);
}

static bool tell_plain(struct privacy_reason *why, const char *rule, const char *words)
{
    snprintf(why->rule, sizeof(why->rule), "%s", rule);
    snprintf(why->why, sizeof(why->why), "excluded by %s: %s", rule, words);
    return true;
}

// counts_unknown: a time that is not known is a doubt.
static bool find_denial(const struct privacy_rules *r, struct seen *seen,
                        bool counts_unknown, struct privacy_reason *why)
{
    *why = (struct privacy_reason){.rule = ""};
    for (int i = 0; i < r->n; i++) {
        const struct rule *rule = &r->rules[i];
        bool is_open = rule->field == PRIVACY_HOURS && !seen->s->has_minute;
        if (rule->is_allow || (is_open && !counts_unknown)) {
            continue;
        }
        enum rule_answer a = ask(r, rule, seen);
        if (a != RULE_NO) {
            tell(why, rule, a == RULE_DOUBT ? doubt_words(rule, seen) : "");
            return true;
        }
    }
    return false;
}

static bool is_allowed_by(const struct privacy_rules *r, enum privacy_field f,
                          struct seen *seen)
{
    for (int i = 0; i < r->n; i++) {
        const struct rule *rule = &r->rules[i];
        if (rule->is_allow && rule->field == f && ask(r, rule, seen) == RULE_YES) {
            return true;
        }
    }
    return false;
}

static bool is_not_allowed(const struct privacy_rules *r, struct seen *seen,
                           struct privacy_reason *why)
{
    bool has_any = false;
    for (int f = 0; f < PRIVACY_FIELDS; f++) {
        has_any |= r->has_allow[f];
        if (r->has_allow[f] && !is_allowed_by(r, (enum privacy_field)f, seen)) {
            return tell_plain(why, fields[f].allow_list, "nothing in it names this");
        }
    }
    return r->only_allowed && !has_any &&
           tell_plain(why, "privacy.only_allowed", "no list says what is allowed");
}

// ---- public

bool privacy_is_denied(const struct privacy_rules *r, const struct privacy_subject *s,
                       struct privacy_reason *why)
{
    struct seen seen;
    see(&seen, s);
    return find_denial(r, &seen, false, why);
}

bool privacy_is_excluded(const struct privacy_rules *r, const struct privacy_subject *s,
                         struct privacy_reason *why)
{
    struct seen seen;
    see(&seen, s);
    if (find_denial(r, &seen, true, why)) {
        return true;
    }
    if (r->need_metadata && !is_known(&seen, PRIVACY_APP) &&
        !is_known(&seen, PRIVACY_WINDOW)) {
        return tell_plain(why, "privacy.need_metadata",
                          "neither application nor window is known");
    }
    return is_not_allowed(r, &seen, why);
}

void privacy_rules_each(const struct privacy_rules *r, const struct privacy_subject *s,
                        privacy_rule_fn *fn, void *arg)
{
    struct seen seen;
    see(&seen, s);
    for (int i = 0; i < r->n; i++) {
        const struct rule *rule = &r->rules[i];
        const struct rule_builtin *b = rule->builtin;
        enum rule_answer a = s ? ask(r, rule, &seen) : RULE_NO;
        const struct privacy_rule view = {
            .list = list_name(rule),
            .pattern = b ? b->name : rule->text,
            .origin = b ? "built in" : rule->origin,
            .words = b ? b->words : "",
            .field = rule->field,
            .is_allow = rule->is_allow,
            .is_match = a == RULE_YES,
            .is_doubt = a == RULE_DOUBT,
        };
        fn(arg, &view);
    }
}
