// pack.h -- the raw answer kept beside its parsed fields, in a tenth of the space.
// Private to store/.
// Thread: any.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_PACK_H
#define VLMD_STORE_PACK_H

#include "base/buf.h"
#include "store/store.h"

// *raw_len is 0 when out holds r->raw as it is, else the length of r->raw.  out is the
// caller's in any case: buf_fini.
MUST_USE int pack_raw(const struct store_result *r, struct buf *out, int64_t *raw_len);
// r holds the parsed fields that were given to pack_raw.  Appends the text to out.
// Errors: E_STORE when the bytes are not what was packed.
MUST_USE int unpack_raw(const struct store_result *r, const void *packed, size_t len,
                        int64_t raw_len, struct buf *out);

#endif
