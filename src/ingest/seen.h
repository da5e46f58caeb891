// seen.h -- a bounded memory of what was already reported.
//
// Two generations: when the young one is full it becomes the old one, and the old one is
// forgotten; a hit in the old one moves to the young.  So it holds between MAX and 2 * MAX
// of the most recent keys, 8 bytes each.
// SPDX-License-Identifier: MIT
#ifndef VLMD_INGEST_SEEN_H
#define VLMD_INGEST_SEEN_H

#include "base/beneath.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEEN_MAX = 1 << 18 };

struct seen_table {
    uint64_t *keys;  // owned; 0 = free
    size_t cap;      // a power of two, or 0
    size_t n;
};

// Zero-initialised is a valid empty set.
struct seen {
    struct seen_table young;
    struct seen_table old;
    size_t max;  // 0 = SEEN_MAX
};

bool seen_has(struct seen *s, uint64_t key);
void seen_add(struct seen *s, uint64_t key);
void seen_fini(struct seen *s);

// The contents of a file; the same contents with the same rights (what was refused once is
// looked at again after a chmod); a text, such as a path.
uint64_t seen_key_version(const struct file_version *v);
uint64_t seen_key_problem(const struct file_version *v);
uint64_t seen_key_text(const char *a, const char *b);
// A version under one path; both keys from above.
uint64_t seen_key_at(uint64_t version, uint64_t path);

#endif
