// scrub.h -- what was removed leaves the files too: the index, free pages, the log.
// Private to store/.
// Thread: writer.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_SCRUB_H
#define VLMD_STORE_SCRUB_H

#include "store/writer.h"

// A document left the search index: its words are to be merged out.
MUST_USE int scrub_note_document(struct writer *w);
// Something was removed or overwritten that must not be found in the files any more.
MUST_USE int scrub_note(struct writer *w);

// What there still is to clear away.
enum scrub_left {
    SCRUB_NOTHING,
    SCRUB_WORK,  // another step at once
    SCRUB_LOG    // the log is emptied after this group's commit: one more step to see
};
// One small step.  all: also few free pages, and removed words that are no secret.
MUST_USE int scrub_step(struct writer *w, bool all, enum scrub_left *left);
// The number of what was noted last, and whether that has left the files.
MUST_USE int scrub_last(struct writer *w, int64_t *number);
MUST_USE int scrub_has_left(struct writer *w, int64_t number, bool *has_left);
// After a commit: empties the write-ahead log if the last step asked for it.
void scrub_after_commit(struct writer *w);
// Before the connection closes, outside of a group; gives up after a while.
void scrub_at_end(struct writer *w);
// When the store opens: is there something left by a process that was killed?
MUST_USE int scrub_look(struct writer *w);

#endif
