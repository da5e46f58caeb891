// unread.h -- where on a page something is written that no word was read of.
// SPDX-License-Identifier: MIT
#ifndef VLMD_OCR_UNREAD_H
#define VLMD_OCR_UNREAD_H

#include "base/err.h"
#include "ocr/wire.h"

#include <stdint.h>

struct unread_part {
    int left, top, width, height;  // px, inside the page
};

// Parts that have the size of a line of text or of some lines, from the top down, at most
// max of them.  luma: width * height, dark on white (flatten.h).
// Errors: E_NOMEM.
MUST_USE int unread_find(const uint8_t *luma, int width, int height,
                         const struct wire_word *words, size_t n_words,
                         struct unread_part *parts, int max, int *n);

#endif
