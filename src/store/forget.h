// forget.h -- what there is to do yet after items were removed.
// Private to store/.
// Thread: writer.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_FORGET_H
#define VLMD_STORE_FORGET_H

#include "store/writer.h"

// One row for all items that were removed since the last one, if there are any.
MUST_USE int forget_record(struct writer *w);
// One step: the names of folders that nothing is in any more.
MUST_USE int forget_folders(struct writer *w, bool *has_more);

#endif
