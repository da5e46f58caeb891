// rules_text.h -- titles and names from anywhere, made fit to be compared.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_RULES_TEXT_H
#define VLMD_PRIVACY_RULES_TEXT_H

#include <stdbool.h>
#include <stddef.h>

// Longer than any path (PATH_MAX) and any title a window manager keeps.
enum { RULE_TEXT_MAX = 8192 };

// Copies text to out as valid UTF-8: control characters and blanks of all kinds become one
// blank each, characters that nobody sees (zero width, direction marks, soft hyphens) are
// left out, invalid bytes become '?'.  Reads no further than it can write.
// false: the text went on.
bool rule_text(const char *text, char *out, size_t size);

#endif
