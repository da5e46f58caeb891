// tier.h -- how closely a picture is looked at.
//
// Included by guard.h.
// SPDX-License-Identifier: MIT
#ifndef VLMD_GUARD_TIER_H
#define VLMD_GUARD_TIER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum tier_depth { TIER_QUICK, TIER_STANDARD, TIER_DEEP, TIERS };

struct tier {
    int target_px;        // long side of what is sent
    int max_tokens;       // of an answer; less than the backend's has no effect
    int64_t target_ms;    // no request should take longer: breaches are counted
    int64_t deadline_ms;  // one that takes longer is given up; 0 = none
    const char *rule;     // said to the model besides; "" = none; borrowed
};

// All of them, with a NULL at the end.
static inline const char *const *tier_names(void)
{
    static const char *const names[TIERS + 1] = {"quick", "standard", "deep"};
    return names;
}

static inline const char *tier_name(enum tier_depth t)
{
    return tier_names()[t];
}

// False: there is no such tier, and *out stays as it is.
static inline bool tier_by_name(const char *name, enum tier_depth *out)
{
    for (int i = 0; i < TIERS; i++) {
        if (strcmp(name, tier_name((enum tier_depth)i)) == 0) {
            *out = (enum tier_depth)i;
            return true;
        }
    }
    return false;
}

#endif
