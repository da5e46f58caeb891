// boxes.h -- where in the picture the findings of its text stand, to be painted over.  Pure.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_BOXES_H
#define VLMD_PRIVACY_BOXES_H

#include "base/err.h"
#include "privacy/find.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A word of the text, and its place in px of the picture that was read.
struct privacy_word {
    int left, top, width, height;
    uint32_t offset, len;  // bytes in the text
};

// A picture as text recognition saw it.  Borrowed.
struct privacy_page {
    int width, height;  // px
    // Words with blanks, lines with "\n", paragraphs with "\n\n" between.
    const char *text;
    size_t text_len;
    size_t plain_len;  // of text; what follows are parts of the page, read once more
    const struct privacy_word *words;  // in the order of the text
    int n_words;
};

// Are the words in order, and all inside the text?  Nothing else of them can be relied on.
bool privacy_page_is_sound(const struct privacy_page *p);

struct privacy_box {
    int x, y, width, height;  // px, inside the picture
};

enum { PRIVACY_MAX_BOXES = 512 };

struct privacy_boxes {
    struct privacy_box items[PRIVACY_MAX_BOXES];
    int n;
};

// The boxes of all findings whose category is in masked (1u << category): of every line that
// a finding is on, from its first word to its last, with a margin of a quarter of the line's
// height.
//
// What goes on where the finding ends is covered as well: a key or token that fills its line
// up to the edge, on that line and in the words of the lines below that go on with it; a
// private key with all lines to its END, or to the end of its paragraph.
//
// Too many boxes become one per line, too many lines the whole picture.
// Errors: E_NOT_FOUND, a finding has no words (nobody knows where it is: do not send);
// E_NOMEM.  Then out is empty.
MUST_USE int privacy_boxes_make(const struct privacy_page *page,
                                const struct privacy_findings *findings, unsigned masked,
                                struct privacy_boxes *out);

#endif
