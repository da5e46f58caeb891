// privacy.c -- the rules on application, window, path and destination.
//
// Every doubt blocks: a text too long to compare, a pattern fnmatch cannot use.
// SPDX-License-Identifier: MIT
#include "privacy/privacy.h"

#include "privacy/fold.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

// Longer than any path (PATH_MAX) and any title a window manager keeps.
enum { MAX_TEXT = 8192, MAX_PATTERN = 1024 };

static bool is_given(const char *s)
{
    return s && *s;
}

// Both folded.  What fnmatch refuses to answer counts as a match.
static bool matches(const char *pattern, const char *text)
{
    if (!strpbrk(pattern, "*?")) {
        return strstr(text, pattern) != NULL;
    }
    return fnmatch(pattern, text, 0) != FNM_NOMATCH;
}

// The first pattern that matches text, or NULL.
static const char *find_match(const char *const *patterns, const char *text)
{
    char folded[MAX_TEXT];
    if (!patterns || !is_given(text)) {
        return NULL;
    }
    bool fits = fold_case(text, folded, sizeof(folded));
    for (; *patterns; patterns++) {
        char pattern[MAX_PATTERN];
        if (!**patterns) {
            continue;
        }
        if (!fits || !fold_case(*patterns, pattern, sizeof(pattern)) ||
            matches(pattern, folded)) {
            return *patterns;
        }
    }
    return NULL;
}

static enum privacy_verdict block(char *why, size_t why_size, const char *rule,
                                  const char *pattern)
{
    snprintf(why, why_size, "excluded by %s: %s", rule, pattern);
    return PRIVACY_BLOCK;
}

enum privacy_verdict privacy_check_meta(const struct privacy_config *c,
                                        const struct privacy_subject *s, char *why,
                                        size_t why_size)
{
    const struct {
        const char *rule;
        const char *const *patterns;
        const char *text;
    } rules[] = {
        {"privacy.exclude_apps", c->exclude_apps, s->app},
        {"privacy.exclude_windows", c->exclude_windows, s->window},
        {"privacy.exclude_paths", c->exclude_paths, s->path},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const char *hit = find_match(rules[i].patterns, rules[i].text);
        if (hit) {
            return block(why, why_size, rules[i].rule, hit);
        }
    }
    if (c->need_metadata && !is_given(s->app) && !is_given(s->window)) {
        return block(why, why_size, "privacy.need_metadata",
                     "neither application nor window is known");
    }
    snprintf(why, why_size, "%s", "");
    return PRIVACY_ALLOW;
}

enum privacy_verdict privacy_check_destination(const struct privacy_config *c,
                                               bool is_remote, char *why, size_t why_size)
{
    if (is_remote && !c->allow_remote) {
        return block(why, why_size, "privacy.allow_remote",
                     "sending to another machine is not allowed");
    }
    snprintf(why, why_size, "%s", "");
    return PRIVACY_ALLOW;
}
