// audit.h -- rows are added to the chain, and the oldest ones removed when their time is up.
// Private to store/.
// Thread: writer.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_AUDIT_H
#define VLMD_STORE_AUDIT_H

#include "store/store.h"
#include "store/writer.h"

// Of the request's rows; those without a job are about job.
MUST_USE int audit_keep(struct writer *w, int64_t job, const struct store_audit_row *rows,
                        int n);
// One row; out (may be NULL) gets what was written, with borrowed texts of row.
MUST_USE int audit_add(struct writer *w, const struct store_audit_row *row,
                       struct store_audit_row *out);
// At the group's end: where the chain ends now.
MUST_USE int audit_flush(struct writer *w);
// Retention: *has_more when there is more to remove.
MUST_USE int audit_prune(struct writer *w, bool *has_more);

#endif
