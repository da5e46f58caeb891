// rules_builtin.h -- deny rules that are there from the start (privacy.defaults).
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_RULES_BUILTIN_H
#define VLMD_PRIVACY_RULES_BUILTIN_H

#include "privacy/rules.h"

struct rule_builtin {
    enum privacy_field field;
    const char *name;         // "password managers"
    const char *words;        // what it covers, for people
    const char *regex;        // as `re:`
    bool decides_from_start;  // what a cut text lacks makes no difference
};

extern const struct rule_builtin rule_builtins[];
extern const int n_rule_builtins;

#endif
