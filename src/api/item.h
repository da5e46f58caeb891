// item.h -- what the store knows, in the words of the public interface.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ITEM_H
#define VLMD_ITEM_H

#include "base/buf.h"
#include "privacy/find.h"
#include "store/store.h"
#include "vlmd.h"

// Text that an item's strings point to.  item_text_fini.
struct item_text {
    struct buf name;  // of a URL with secrets in it
    char hash[2 * STORE_HASH_BYTES + 1];
    char sent_hash[2 * STORE_HASH_BYTES + 1];
};

// out borrows from row and text.
//
// The name of an item is its path or its URL.  A file's path is told as it is: it is how people
// find the file, and whoever may ask us may list the folder.  A URL may hold what proves to a
// server who asks (a key, a signature, a password), so what is told of it (events, exports,
// status, search) has placeholders in these places; the row keeps the URL whole, for it is
// what is fetched, also after a restart, and what tells one picture from another.  Neither
// is sent to a backend or logged.
void item_from_row(const struct privacy_finder *f, const struct store_row *row,
                   struct item_text *text, struct vlmd_item *out);
void item_text_fini(struct item_text *text);
// The URL with placeholders, or url itself when there is nothing to hide; in memory of out.
const char *item_url(const struct privacy_finder *f, const char *url, struct buf *out);
// Public query -> the store's filter.  Errors: E_USAGE with words (unknown state, outcome or
// class).
MUST_USE int item_filter(const struct vlmd_query *q, struct store_filter *out,
                         struct err *e);
// The key of a batch: the same inputs from the same folder give the same key.
void item_batch_key(const char *const *inputs, int n, char *out, size_t size);

#endif
