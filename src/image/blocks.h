// blocks.h -- 8 x 8 pixels and their quantised frequencies, for the JPEG encoder.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_BLOCKS_H
#define VLMD_IMAGE_BLOCKS_H

#include <stdint.h>

enum { BLOCK_SIDE = 8, BLOCK_SIZE = 64, BLOCK_NEAR = 16 };

// Divides frequency k (8 times what is coded, as the transform leaves it) by 8 * step and
// rounds: ((|f| + half) * reciprocal >> 16) * scale >> 16.
struct quantiser {
    uint16_t half[BLOCK_SIZE];
    uint16_t reciprocal[BLOCK_SIZE];
    uint16_t scale[BLOCK_SIZE];
};

// Two blocks, row by row in turn: a row of the one, then that of the other.
struct block_pair {
    int16_t values[BLOCK_SIDE][2][BLOCK_SIDE];
    uint64_t used[2];  // bit i: the i-th value in zigzag order is not 0
    // In zigzag order, where used: a value between -BLOCK_NEAR and BLOCK_NEAR, and
    // BLOCK_NEAR; 0 for others.  Not of the first one.
    uint8_t near[2][BLOCK_SIZE];
};

// Where the i-th value in zigzag order stands in a block.
extern const uint8_t block_zigzag[BLOCK_SIZE];

// steps: 1 to 255 each, row by row.
void quantiser_init(struct quantiser *q, const uint8_t steps[BLOCK_SIZE]);
// Of the pixels at column x in eight rows each.
void blocks_scalar(const uint8_t *const left[BLOCK_SIDE],
                   const uint8_t *const right[BLOCK_SIDE], int x,
                   const struct quantiser *q, struct block_pair *out);

#endif
