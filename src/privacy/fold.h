// fold.h -- text made comparable without regard to case.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_FOLD_H
#define VLMD_PRIVACY_FOLD_H

#include <stdbool.h>
#include <stddef.h>

// Copies text to out with capital letters made small: Latin, Greek, Cyrillic and Armenian,
// whatever the host's locale is.  A folded text is never longer than the original.
// false: it does not fit into size bytes.
bool fold_case(const char *text, char *out, size_t size);
// The same for the character at s, of at most len bytes, into out (4 bytes, not terminated).
// Its length; an invalid byte counts as a character.
size_t fold_char(const char *s, size_t len, char *out);

#endif
