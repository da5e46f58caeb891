// settle.h -- when is a file that is being written ready to be taken.  Pure policy.
// SPDX-License-Identifier: MIT
#ifndef VLMD_INGEST_SETTLE_H
#define VLMD_INGEST_SETTLE_H

#include "base/beneath.h"
#include "ingest/ingest.h"

// What a look at a file found.
struct look {
    int code;                     // of ingest_complete, or of opening
    struct file_version version;  // zero when nothing could be seen
    bool has_tracker;             // a tracker's metadata is in it
};

// What is known about a file that waits.
struct settle {
    bool is_renamed;        // came under its name complete
    bool is_closed;         // a writer closed it
    bool is_scanned;        // found by a scan: nothing is known about a writer
    bool is_polled;         // ... where the clocks of two machines may differ
    bool is_tracker;        // a tracker's name: may be written twice
    bool was_seen;          // last is filled
    int64_t changed_at_ms;  // monotonic: last event or change that was seen
    int64_t step_ms;        // until the next look
    struct file_version last;
};

enum settle_verdict { SETTLE_TAKE, SETTLE_WAIT, SETTLE_PROBLEM, SETTLE_FORGET };

// An event for the file arrived: what was quiet is so no longer.
void settle_touch(struct settle *s, int64_t now_ms);
// After a look.  *again_ms: with SETTLE_WAIT, when to look next (monotonic).
enum settle_verdict settle_judge(struct settle *s, const struct look *k,
                                 const struct ingest_config *c, int64_t now_ms,
                                 int64_t wall_ms, int64_t *again_ms);

#endif
