// helper.h -- the parts of vlmd-ocr: the process (helper.c), a page (helper_page.c), a part
// of it through Tesseract (helper_view.c), what is read twice (helper_again.c).
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
    struct buf words;   // struct wire_word, one after the other
    uint32_t page_len;  // bytes of text that are the page; second readings follow
    uint32_t mean_confidence;
};

// What Tesseract is told about a part of a page.
enum view_kind { VIEW_PAGE, VIEW_BLOCK, VIEW_LINE };

// A part of the page, and how many times larger it is shown.
struct view {
    int left, top, width, height;  // px of the page, inside it
    int scale;
    enum view_kind kind;
};

// Reads a page into text, words and mean_confidence; may change luma.  On
// WIRE_NO_LANGUAGE the text is the list of the missing ones.
enum wire_status helper_page(struct helper *h, const struct wire_page *p, uint8_t *luma);
// Appends what stands in the view to text and words.
enum wire_status helper_read(struct helper *h, const struct wire_page *p,
                             const uint8_t *luma, const struct view *v);
// Appends second readings.  luma: flattened.
void helper_again(struct helper *h, const struct wire_page *p, const uint8_t *luma);
void helper_fini(struct helper *h);

#endif
