// helper.h -- the two halves of vlmd-ocr: the process (helper.c), Tesseract (helper_page.c).
// SPDX-License-Identifier: MIT
#ifndef VLMD_OCR_HELPER_H
#define VLMD_OCR_HELPER_H

#include "base/buf.h"
#include "ocr/wire.h"

struct TessBaseAPI;

// Zero-initialise.  Lives as long as the process, which is how Tesseract's caches end.
struct helper {
    struct TessBaseAPI *tess;            // NULL = not loaded
    char language[WIRE_LANGUAGE_BYTES];  // that tess was loaded with
    struct buf text;
    struct buf words;  // struct wire_word, one after the other
    uint32_t mean_confidence;
};

// Reads a page into text, words and mean_confidence; may change luma.  On
// WIRE_NO_LANGUAGE the text is the list of the missing ones.
enum wire_status helper_page(struct helper *h, const struct wire_page *p, uint8_t *luma);
void helper_fini(struct helper *h);

#endif
