// record.h -- one picture as JSON, CSV, a text file, and in words.
// SPDX-License-Identifier: MIT
#ifndef VLMD_CLI_RECORD_H
#define VLMD_CLI_RECORD_H

#include "base/buf.h"
#include "base/json.h"
#include "vlmd.h"

enum { RECORD_MAX = 64 << 20 };  // of one record, in bytes

// The members of one object, without the braces, so that a caller may add to it.
void record_members(struct json_writer *w, const struct vlmd_item *it);
// One JSON object and a line feed.
MUST_USE int record_json(const struct vlmd_item *it, struct buf *out);

const char *record_csv_header(void);
MUST_USE int record_csv(const struct vlmd_item *it, struct buf *out);
MUST_USE int record_txt(const struct vlmd_item *it, struct buf *out);

// Summary and details as one text.
MUST_USE int record_description(const struct vlmd_item *it, struct buf *out);
// When it was taken, else when it was queued.
int64_t record_time(const struct vlmd_item *it);
// "described", "waiting", "failed", ...
const char *record_state(const struct vlmd_item *it);
// How many areas of the picture were painted over before it was sent.
int record_masks(const struct vlmd_item *it);
// "12 similar until 14:32": those that inherit its description; "" = none.
void record_similar(const struct vlmd_item *it, char *out, size_t size);
// Why the picture is (not) described, in sentences.  original: path of duplicate_of or "".
MUST_USE int record_why(const struct vlmd_item *it, const char *original, int64_t now_ms,
                        struct buf *out);

#endif
