// doc.h -- a job's document in the search index, and the result its text comes from.
// Private to store/.
// Thread: writer.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_DOC_H
#define VLMD_STORE_DOC_H

#include "store/store.h"
#include "store/writer.h"

// Puts the job into the index, at the end of the group; job.has_doc is the caller's.
MUST_USE int doc_add(struct writer *w, int64_t job);
// Takes the job out of the index.  Must come before anything its document is made of
// changes: the index finds the words to remove by reading them once more.
MUST_USE int doc_remove(struct writer *w, int64_t job);
MUST_USE int doc_flush(struct writer *w);

// Keeps an answer; one for the same content, model, prompt and parameters is replaced,
// and the documents of all jobs that show it follow.  content: NULL = not known.
MUST_USE int result_keep(struct writer *w, const uint8_t *content,
                         const struct store_result *r, int64_t now_ms, int64_t *id);
// Removes it if no job shows it any more.
MUST_USE int result_drop_unused(struct writer *w, int64_t id);

#endif
