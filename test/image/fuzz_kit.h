// fuzz_kit.h -- what the fuzz targets of the picture path share.
//
// Their input begins with FUZZ_PARAMS bytes that choose what is asked for: size, luma,
// boxes.  The rest is the file.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_FUZZ_KIT_H
#define VLMD_TEST_FUZZ_KIT_H

#include "image/image.h"

enum {
    FUZZ_BOXES = 3,
    // Target, flags (1 luma, 2 no encoding, 4 free for the target, 8 and 16 how many
    // boxes), two free for the target, and per box x, y (signed), width, height in units
    // of four pixels.
    FUZZ_PARAMS = 4 + 4 * FUZZ_BOXES,
};

struct fuzz_params {
    int target_px;
    bool want_luma;
    bool skip_encode;
    bool flag;
    int extra[2];  // 0 to 255
    struct image_box boxes[FUZZ_BOXES];
    int n_boxes;
};

// b: FUZZ_PARAMS bytes.
struct fuzz_params fuzz_params_get(const uint8_t *b);
// Prepares bytes and aborts where something does not hold that must: an error that fits a
// broken file and has words, or a picture of the right size, black below the boxes and
// without a trace of what was in the working memory before.
void fuzz_prepare(const uint8_t *bytes, size_t len, const struct fuzz_params *p);
// A copy of exactly that length, so that the sanitizer sees what is read behind it.
uint8_t *fuzz_copy(const uint8_t *bytes, size_t len);
void fuzz_must(bool holds, const char *what);

#endif
