// enlarge.h -- a picture at several times its size, for a reader that likes large letters.
// SPDX-License-Identifier: MIT
#ifndef VLMD_OCR_ENLARGE_H
#define VLMD_OCR_ENLARGE_H

#include <stdint.h>

// Linear between the middles of the pixels.  stride: bytes from a row of in to the next;
// times: 1 to 4.  out has room for times * width * times * height bytes.
void enlarge(const uint8_t *in, int stride, int width, int height, int times,
             uint8_t *out);

#endif
