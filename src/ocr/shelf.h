// shelf.h -- the last pages that were read, so that an equal picture is not read again.
//
// A picture is read for the privacy gate, again when OCR describes it, and again after a
// retry; reading costs a second of CPU.  In memory only, least recently used goes first.
// SPDX-License-Identifier: MIT
#ifndef VLMD_OCR_SHELF_H
#define VLMD_OCR_SHELF_H

#include "ocr/ocr.h"

enum { SHELF_PAGES = 32, SHELF_BYTES = 4 << 20 };

struct shelf_page;

struct shelf {
    struct list pages;  // struct shelf_page, the last used first
    int n;
    size_t bytes;
};

void shelf_init(struct shelf *s);
void shelf_fini(struct shelf *s);
// Fills text and words of r when a page with its key and size is there.
bool shelf_find(struct shelf *s, struct ocr_req *r);
// Copies what was read.  Does nothing without a key, or when there is no memory.
void shelf_keep(struct shelf *s, const struct ocr_req *r);

#endif
