// utf8.h -- text from outside made safe to keep and show.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_UTF8_H
#define VLMD_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool utf8_is_valid(const char *s, size_t len);
// Length of the valid character at s (1 to 4), or 0.
size_t utf8_char(const char *s, size_t len);
// Copies s to out (size bytes, always terminated), at most size - 1 bytes, cut between
// characters; invalid bytes become '?', control characters a blank.
void utf8_clean(const char *s, size_t len, char *out, size_t size);
// Terminal columns of a valid string (wide characters count two).
int utf8_columns(const char *s);

#endif
