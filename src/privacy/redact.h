// redact.h -- a text without its secrets: each becomes "[card]", "[password]", ...
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_REDACT_H
#define VLMD_PRIVACY_REDACT_H

#include "base/buf.h"
#include "privacy/find.h"

// Bit of a category in a set of them.
static inline uint32_t privacy_bit(enum privacy_category c)
{
    return UINT32_C(1) << c;
}

enum { PRIVACY_ALL = (1 << PRIVACY_CATEGORIES) - 1 };

// Replaces out by text with every finding of the categories replaced; adds to counts how many
// of each.  UTF-8 stays UTF-8.  What is redacted once is not changed by redacting it again.
// Thread: any.
// Errors: E_NOMEM, E_TOOBIG (out->max_bytes), E_BLOCKED (new findings after every look; only a
//         text made for it does that); then out is empty, for half a redacted text is none.
MUST_USE int privacy_redact(const struct privacy_finder *f, const char *text,
                            uint32_t categories, struct buf *out,
                            int counts[PRIVACY_CATEGORIES]);

#endif
