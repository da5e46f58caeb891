// rules_kit.h -- rules from a few words.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_RULES_KIT_H
#define VLMD_TEST_RULES_KIT_H

#include "privacy/rules.h"

enum { RULES_KIT_MAX = 64 };

struct rules_kit {
    struct privacy_rules_config config;
    struct privacy_pattern items[2][PRIVACY_FIELDS][RULES_KIT_MAX];
    char said[4096];  // problems, one per line: "where: words"
    int problems;
    struct privacy_rules *rules;
};

void rules_kit_deny(struct rules_kit *k, enum privacy_field f, const char *text);
void rules_kit_allow(struct rules_kit *k, enum privacy_field f, const char *text);
int rules_kit_open(struct rules_kit *k);  // what privacy_rules_open says
void rules_kit_close(struct rules_kit *k);
// Fails the test unless the subject is excluded by this rule ("" = not excluded).
void rules_kit_expect(const struct rules_kit *k, const struct privacy_subject *s,
                      const char *rule);

#endif
