// inflate_table.h -- decoding tables of deflate's codes.
//
// An entry: bit 31 a literal; bit 15 something else than a literal, length or offset: the
// end (bit 13), a table for longer codes (bit 14), or no code at all (neither).  Upper
// half: value, base, or the first slot of the longer table.  Bits 8 to 11: bits of the
// code (of the longer table's index).  Bits 0 to 5: bits of code and extra bits together.
//
// A length may stand for a literal in front of it, too: bit 12, the literal's lower bits
// in 25 to 30, its upper two in 13 and 14; the code is both codes.
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
    ENTRY_STOP = 1 << 13,
    ENTRY_LEADER = 1 << 12,  // the literal in front
    MOST_LENGTH = 511,       // in the bits of a length's base
};
#define ENTRY_LITERAL 0x80000000u

struct inflate_tables {
    uint32_t literals[LITERAL_SLOTS];
    uint32_t offsets[OFFSET_SLOTS];
};

static inline uint32_t entry_with_leader(uint32_t length, uint32_t literal)
{
    return length | ENTRY_LEADER | (literal & 0x3f) << 25 | (literal & 0xc0) << 7;
}

static inline uint8_t entry_leader(uint32_t entry)
{
    return (uint8_t)((entry >> 25 & 0x3f) | (entry >> 7 & 0xc0));
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
