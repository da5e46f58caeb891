// unescape.h -- an address as people read it.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_UNESCAPE_H
#define VLMD_PRIVACY_UNESCAPE_H

#include "base/buf.h"

#include <stdbool.h>

// out becomes text with "%41" and, behind a question mark, "+" replaced by what they stand for,
// again and again as addresses stand in addresses.  It is valid UTF-8 without control
// characters.  false: nothing stood for anything else, or out is too small; out is empty then.
// Thread: any.
// Source: RFC 3986, 2.1; WHATWG URL, application/x-www-form-urlencoded.
bool privacy_unescape(const char *text, struct buf *out);

#endif
