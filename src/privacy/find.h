// find.h -- pieces of a text that should not leave, and where they stand in it.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_FIND_H
#define VLMD_PRIVACY_FIND_H

#include "privacy/category.h"

#include <stdbool.h>
#include <stdint.h>

struct privacy_finding {
    enum privacy_category category;
    uint32_t offset, len;  // bytes in the text
    int weight;
};

struct privacy_findings {
    struct privacy_finding *items;
    int n;
    int cap;
    bool is_cut;  // there were more than fit
};

#endif
