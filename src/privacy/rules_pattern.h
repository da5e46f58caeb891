// rules_pattern.h -- patterns of all kinds, compiled by PCRE2, matched within limits.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_RULES_PATTERN_H
#define VLMD_PRIVACY_RULES_PATTERN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum rule_answer { RULE_NO, RULE_YES, RULE_DOUBT };

// The limits, and memory for one match at a time.
struct rule_matcher;
struct rule_pattern;

// Errors: E_NOMEM.
MUST_USE int rule_matcher_open(struct rule_matcher **out);
void rule_matcher_close(struct rule_matcher *m);

// Part, glob or regular expression, as rules.h says.  has_slashes: /.../ is text.
// Errors: E_CONFIG with words that name the pattern; E_NOMEM.
MUST_USE int rule_pattern_open(struct rule_pattern **out, const struct rule_matcher *m,
                               const char *text, bool has_slashes, struct err *e);
// A regular expression of our own, compiled at its first match (RULE_DOUBT without memory).
// Owns: regex is borrowed for life.
struct rule_pattern *rule_pattern_new(const char *regex);
void rule_pattern_close(struct rule_pattern *p);
// text: as rule_text made it.
// Thread: one match at a time per matcher.
enum rule_answer rule_pattern_match(struct rule_pattern *p, const struct rule_matcher *m,
                                    const char *text, size_t len);

#endif
