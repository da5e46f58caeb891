// record.h -- one picture as a line of JSON, as CSV, a text file, and in words.
// SPDX-License-Identifier: MIT
#ifndef VLMD_CLI_RECORD_H
#define VLMD_CLI_RECORD_H

#include "base/buf.h"
#include "base/json.h"
#include "vlmd.h"

enum { RECORD_MAX = 64 << 20 };  // of one record, in bytes

// One JSON object and a line feed.
MUST_USE int record_json(const struct vlmd_item *it, struct buf *out);

const char *record_csv_header(void);
MUST_USE int record_csv(const struct vlmd_item *it, struct buf *out);
MUST_USE int record_txt(const struct vlmd_item *it, struct buf *out);

// "described", "waiting", "failed", ...
const char *record_state(const struct vlmd_item *it);
// How many areas of the picture were painted over before it was sent.
int record_masks(const struct vlmd_item *it);
// "12 similar until 14:32": those that inherit its description; "" = none.
void record_similar(const struct vlmd_item *it, char *out, size_t size);

#endif
