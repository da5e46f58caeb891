// rows.h -- everything known of one job, read from the tables.
// Private to store/.
// Thread: reader.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_ROWS_H
#define VLMD_STORE_ROWS_H

#include "store/inside.h"

enum { ROWS_BYTES_MAX = 64 << 20 };

// Strings go into block, which moves while it grows: until rows_fix the row's string
// pointers are offsets.  E_TOOBIG: there is no room for this row in the block.
// *is_there: false when the job is gone.
MUST_USE int row_read(struct db *d, int64_t id, const char *snippet, struct buf *block,
                      struct store_row *row, bool *is_there);
void rows_fix(struct store_row *rows, int n, const struct buf *block);

#endif
