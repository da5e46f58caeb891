// inflate_table.h -- decoding tables of deflate's codes.
//
// An entry: bit 15 something else than a literal, length or offset: the end (bit 16), a
// table for longer codes (bit 14), or no code at all (neither); bit 13 a literal.  Upper
// half: an offset's base, or the first slot of the longer table; a length's base less 3 in
// its lower byte, a literal in its upper one.  Bits 8 to 11: bits of the code (of the longer
// table's index).  Bits 0 to 5: bits of code and extra bits together; 6 and 7 are 0.
//
// A length may stand for a literal in front of it, too: bit 12, and the literal where
// literals are; the code is both codes.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_INFLATE_TABLE_H
#define VLMD_IMAGE_INFLATE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LITERAL_BITS = 11,
    OFFSET_BITS = 8,
    PRECODE_BITS = 7,
    MAX_LITERALS = 288,
    MAX_OFFSETS = 32,
    PRECODES = 19,
    LITERAL_SLOTS = 2048 + 1024,
    OFFSET_SLOTS = 256 + 512,
    ENTRY_EXCEPTION = 1 << 15,
    ENTRY_LONGER = 1 << 14,
    ENTRY_LITERAL = 1 << 13,
    ENTRY_LEADER = 1 << 12,  // the literal in front
    ENTRY_STOP = 1 << 16,
    LEAST_LENGTH = 3,
};

struct inflate_tables {
    uint32_t literals[LITERAL_SLOTS];
    uint32_t offsets[OFFSET_SLOTS];
};

// Of a literal, or in front of a length.
static inline uint8_t entry_literal(uint32_t entry)
{
    return (uint8_t)(entry >> 24);
}

static inline uint32_t entry_length(uint32_t entry)
{
    return LEAST_LENGTH + (entry >> 16 & 0xff);
}

enum inflate_code { CODE_LITERALS, CODE_OFFSETS, CODE_PRECODE };

// lens: bits of each symbol's code, 0 = unused.  False: the codes are not complete (one
// single offset may be), or too many are long.
bool inflate_table_build(uint32_t *table, enum inflate_code kind, const uint8_t *lens,
                         int n);
// Literals and short matches take turns without order in noise, which no branch predictor
// follows: of a photograph's time that was one half.  Where both codes fit into the main
// table's bits, their entry becomes one.  Does so where lens promise that it is worth it.
bool inflate_table_join(uint32_t *literals, const uint8_t *lens, int n);
// The codes of blocks without codes of their own.
bool inflate_table_fixed(struct inflate_tables *t);

#endif
