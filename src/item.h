// item.h -- what the store knows, in the words of the public interface.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ITEM_H
#define VLMD_ITEM_H

#include "store/store.h"
#include "vlmd.h"

// Text that an item's strings point to.
struct item_text {
    char hash[2 * STORE_HASH_BYTES + 1];
    char sent_hash[2 * STORE_HASH_BYTES + 1];
};

// out borrows from row and text.
void item_from_row(const struct store_row *row, struct item_text *text,
                   struct vlmd_item *out);
// Public query -> the store's filter.  Errors: E_USAGE with words (unknown state, outcome or
// class).
MUST_USE int item_filter(const struct vlmd_query *q, struct store_filter *out,
                         struct err *e);
// The key of a batch: the same inputs from the same folder give the same key.
void item_batch_key(const char *const *inputs, int n, char *out, size_t size);

#endif
