// enlarge.h -- a picture at twice its size, for a reader that likes large letters.
// SPDX-License-Identifier: MIT
#ifndef VLMD_OCR_ENLARGE_H
#define VLMD_OCR_ENLARGE_H

#include <stdint.h>

// Linear between the middles of the pixels.  out has room for 2 * width * 2 * height bytes.
void enlarge_twice(const uint8_t *in, int width, int height, uint8_t *out);

#endif
