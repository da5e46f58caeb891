// locate.h -- where the helper program is.
// SPDX-License-Identifier: MIT
#ifndef VLMD_OCR_LOCATE_H
#define VLMD_OCR_LOCATE_H

#include "base/err.h"

#include <stddef.h>

// helper: the configured program, or NULL: then the folder of the running program, then
// the installed one.  out is a path that may be executed.  Errors: E_OCR, with words.
MUST_USE int locate_helper(const char *helper, char *out, size_t size, struct err *e);

#endif
