// save.h -- what becomes of duplicates when the job they inherit from changes.
// Private to store/.
// Thread: writer.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_SAVE_H
#define VLMD_STORE_SAVE_H

#include "store/inside.h"

// The oldest duplicate of holder takes its place, with the result they all show now.
MUST_USE int copies_hand_on(struct writer *w, int64_t holder);

#endif
