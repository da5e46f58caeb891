// once.h -- requests that may come twice and are meant once.
//
// A key is written in the transaction that makes its job, so there is no moment at which a
// crash leaves one without the other.  Private to store/.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_ONCE_H
#define VLMD_STORE_ONCE_H

#include "store/store.h"
#include "store/writer.h"

// Has i->once been here in the last day, and is its job still there?  Then i gets its job.
// Errors: E_REUSED (with another body).
MUST_USE int once_find(struct writer *w, struct store_item *i, int64_t now_ms,
                       bool *is_known);
// i->once made i->id.  Keys that are over are dropped.
MUST_USE int once_keep(struct writer *w, const struct store_item *i, int64_t now_ms);

#endif
