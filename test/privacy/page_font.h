// page_font.h -- the fonts of rendered pages.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_PAGE_FONT_H
#define VLMD_TEST_PAGE_FONT_H

#include "page.h"

#include <cairo.h>
#include <stdbool.h>

enum { PAGE_CHROME_FONT = 0 };  // of title bars

// From the table; loaded at first use.  Borrowed until page_end.
cairo_font_face_t *page_font_face(int font);
bool page_font_is_mono(int font);
// One of those with letters of one width, or of the others.
int page_font_pick(bool is_mono, uint32_t any);
void page_font_end(void);

#endif
