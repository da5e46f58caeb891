// codes.h -- quantised blocks become the Huffman codes of a baseline JPEG's scan.
// Source: ITU-T T.81, F.1.2 (what is coded), annex K.3 (the codes).
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_CODES_H
#define VLMD_IMAGE_CODES_H

#include "image/blocks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CODES_MOST = 2047,     // of a value, or of the difference of first ones
    CODES_MCU_BLOCKS = 6,  // four of luma, one of each chroma plane
    // What codes_mcu writes at most: 11 bits and 11 more for the first value of a block, 16
    // and 10 for each other; the last store may reach further.
    CODES_MCU_BYTES = CODES_MCU_BLOCKS * (22 + 63 * 26) / 8 + 16,
};

// Zero-initialised at the start of a scan.
struct codes {
    uint64_t bits;  // the lowest n_bits, up to 7, are still to be written
    unsigned n_bits;
    int last[3];  // first values of the blocks before, per plane
};

// The tables of the scan as a JPEG names them, for its head: how many codes there are of
// each length from 1 to 16, then their symbols.
struct codes_table {
    uint8_t id;  // 0x10: of all values but the first; 1: of chroma
    uint8_t counts[16];
    const uint8_t *symbols;
    int n_symbols;
};
extern const struct codes_table codes_tables[4];

// What codes_mcu looks up, from the tables.
struct codes_plan {
    // By size of the value, and 16 times the run of zeros before it: the code, moved left by
    // as many bits as follow it, and in the lowest five bits the length of both.
    uint32_t first[2][12];
    uint32_t other[2][256];
    // By run of zeros and a near value, as struct block_pair has them: the code with its
    // bits moved left by eight, and their number; 0: see other.
    uint32_t near[2][BLOCK_SIZE][2 * BLOCK_NEAR];
    uint16_t values[2 * CODES_MOST + 1];  // size << 12 | the bits, of -CODES_MOST on
    bool has_bmi2;
};
void codes_plan_init(struct codes_plan *p);

// Pairs: upper luma, lower luma, chroma.  Returns the end of what was written from out on;
// 0xff is not escaped yet.
uint8_t *codes_mcu(struct codes *c, const struct codes_plan *p,
                   const struct block_pair pairs[3], uint8_t *out);
// The last bits, filled up with ones.
uint8_t *codes_end(struct codes *c, uint8_t *out);
// Copies n bytes with a zero behind each 0xff; writes up to 2 * n + 8.
uint8_t *codes_escape(const uint8_t *in, size_t n, uint8_t *out);

#endif
