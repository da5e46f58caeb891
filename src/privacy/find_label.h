// find_label.h -- the table of phrases behind find_label.c.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_FIND_LABEL_H
#define VLMD_PRIVACY_FIND_LABEL_H

#include "privacy/find_scan.h"

struct find_phrases {
    enum label label;
    const char *words;  // separated by '|'
};

extern const struct find_phrases find_phrases[];
extern const int find_phrases_count;

#endif
