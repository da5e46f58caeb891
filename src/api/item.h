// item.h -- what the store knows, in the words of the public interface.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ITEM_H
#define VLMD_ITEM_H

#include "base/buf.h"
#include "spine/gate.h"
#include "store/store.h"
#include "vlmd.h"

// Text that an item's strings point to.  item_text_fini.
struct item_text {
    struct buf name;  // with placeholders
    char hash[2 * STORE_HASH_BYTES + 1];
    char sent_hash[2 * STORE_HASH_BYTES + 1];
};

// out borrows from row and text.
//
// The name of an item is its path or its URL.  Either may hold a secret: a URL what proves to a
// server who asks, a file's name what somebody wrote there.  What is told of them (events,
// exports, status, search) has placeholders in these places, and when the item has ended
// nothing else is left of them (store_config.redact).  Until then the row keeps them whole:
// they are what is fetched or opened, also after a restart.  They are never sent to a backend.
void item_from_row(const struct gate_config *c, const struct store_row *row,
                   struct item_text *text, struct vlmd_item *out);
void item_text_fini(struct item_text *text);
// The address with placeholders, or itself when there is nothing to hide; in memory of out.
const char *item_address(const struct gate_config *c, const char *address,
                         struct buf *out);
// Public query -> the store's filter.  Errors: E_USAGE with words (unknown state, outcome or
// class).
MUST_USE int item_filter(const struct vlmd_query *q, struct store_filter *out,
                         struct err *e);
// The key of a batch: the same inputs from the same folder give the same key.
void item_batch_key(const char *const *inputs, int n, char *out, size_t size);

#endif
