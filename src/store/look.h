// look.h -- the described pictures that new ones of the same source are compared with.
// Private to store/.
// Thread: writer.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_LOOK_H
#define VLMD_STORE_LOOK_H

#include "store/inside.h"

// After the row of r has ended with a description.  root and screen are words; was_described:
// the job may have a frame of an older version.
MUST_USE int look_keep(struct writer *w, const struct store_save *r, int64_t root,
                       int64_t screen, bool was_described);
// Fills r->frames.
MUST_USE int look_find(struct writer *w, struct store_similar *r);

#endif
