// audit_read.h -- an audit row from a query.
// Private to store/.
// Thread: reader.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_AUDIT_READ_H
#define VLMD_STORE_AUDIT_READ_H

#include "store/inside.h"

#define AUDIT_COLUMNS                                                                    \
    "seq, at_ms, job, cid, content, sent_hash, verdict, stage, categories, rules, app,"  \
    " destination, bytes_sent, n, until_seq, until_ms, hash"

// AUDIT_COLUMNS of the row q stands on.  Texts are borrowed until its next row.
void audit_read(struct sql *q, struct store_audit_row *out);
// Rows from here on are there; those before were pruned, but may not be removed yet.
MUST_USE int audit_read_first(struct db *d, int64_t *seq);

#endif
