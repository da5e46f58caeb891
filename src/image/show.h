// show.h -- what is sent, as people's programs like it.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_SHOW_H
#define VLMD_IMAGE_SHOW_H

#include "base/buf.h"

// Decodes a JPEG of ours and writes the same pixels as PNG; replaces *png, which the caller
// owns.
// Errors: E_NOMEM; E_CORRUPT: it is no JPEG.
MUST_USE int show_as_png(const struct buf *jpeg, struct buf *png, struct err *e);

#endif
