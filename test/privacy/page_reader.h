// page_reader.h -- a picture through the real image organ and the real Tesseract.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_PAGE_READER_H
#define VLMD_TEST_PAGE_READER_H

#include "image/image.h"
#include "ocr/ocr.h"

struct page_reader {
    struct loop loop;
    struct ocr *ocr;
};

// What stands in a picture.
struct page_reading {
    struct ocr_req req;
    bool is_done;
    int rc;
};

void reader_open(struct page_reader *r);
void reader_close(struct page_reader *r);
// Waits; fails the test unless the helper reads it.  reading_fini after it.
void reader_read(struct page_reader *r, const uint8_t *luma, int width, int height,
                 struct page_reading *out);
// The same of a file's bytes, at their full size.
void reader_read_file(struct page_reader *r, const uint8_t *bytes, size_t len,
                      struct page_reading *out);
void reading_fini(struct page_reading *g);

#endif
