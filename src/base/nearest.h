// nearest.h -- how much two words differ, for "did you mean".
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_NEAREST_H
#define VLMD_BASE_NEAREST_H

#include <stddef.h>

enum { NEAREST_MAX_BYTES = 63 };

// Insertions, deletions and replacements that make b of a (Levenshtein);
// NEAREST_MAX_BYTES when a word is longer than that.
int nearest_distance(const char *a, const char *b);
// The largest distance at which a word of this length is still worth proposing, plus one.
int nearest_limit(size_t len);

#endif
