// encode.h -- the two ways from planes to JPEG, which give the same bytes.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_ENCODE_H
#define VLMD_IMAGE_ENCODE_H

#include "image/blocks.h"
#include "image/picture.h"

struct kernels;

// Rows of planes are padded to whole blocks.  Both replace *out, which the caller owns.
// Errors: E_NOMEM.
MUST_USE int encode_planes(const struct planes *in, int quality,
                           const struct kernels *kernels, struct arena *arena,
                           struct buf *out);
MUST_USE int encode_planes_lib(const struct planes *in, int quality, struct arena *arena,
                               struct buf *out);

// What each frequency of luma and chroma is divided by, row by row.
void encode_steps(int quality, uint8_t steps[2][BLOCK_SIZE]);
// Row y of plane i; the last one stands for those below it.
uint8_t *encode_row(const struct planes *p, int i, int y);

#endif
