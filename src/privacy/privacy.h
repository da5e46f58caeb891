// privacy.h -- what configuration says about what may leave, and how the parts work together.
//
// All of it is pure: decisions on texts and numbers, nothing is opened or sent.
//   rules.h     from what is known about a picture: may it be looked at at all?  Asked before
//               the file is opened, when its metadata is known, and again before every send
//   find.h      what stands in a text that should not leave
//   verdict.h   from that, for one destination: allow, ask safely, mask, block
//   boxes.h     where in the picture it stands
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_PRIVACY_H
#define VLMD_PRIVACY_PRIVACY_H

#include "privacy/rules.h"
#include "privacy/verdict.h"

struct privacy_config {
    struct privacy_rules_config rules;
    struct privacy_policy policy;
};

#endif
