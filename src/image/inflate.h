// inflate.h -- decompresses a zlib stream into a sliding window, a piece at a time.
//
// For PNG rows: memory does not depend on the picture, and what is decompressed is used
// while it is in the cache.  The input is whole, in parts that lie anywhere in memory.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_INFLATE_H
#define VLMD_IMAGE_INFLATE_H

#include "image/arena.h"
#include "image/picture.h"

enum { INFLATE_FAST_IN = 32 };  // bytes that one round of the fast loop may load

enum inflate_state { INFLATE_HEAD, INFLATE_STORED, INFLATE_CODED, INFLATE_END };

struct inflate {
    // input
    const uint8_t *in;  // borrowed: the part that is read
    const uint8_t *in_end;
    // Moves in and in_end to the next part; false: there is none.
    bool (*on_part_end)(struct inflate *z);
    void *arg;      // of on_part_end
    uint64_t bits;  // the next ones, lowest first
    unsigned n_bits;
    // see inflate_bits.h
    uint8_t bridge[2 * INFLATE_FAST_IN];
    ptrdiff_t n_tail;      // bytes of it that are of the part before ahead
    const uint8_t *ahead;  // borrowed: the part the bridge leads to; NULL: none
    const uint8_t *ahead_end;
    bool has_no_more;  // parts
    // output
    uint8_t *window;  // borrowed: of the arena
    uint8_t *stop;    // where a stretch ends, more or less
    uint8_t *out;     // next byte to write
    uint8_t *taken;   // next byte that the caller has not taken
    uint32_t sum;     // Adler-32 of all output
    // block
    enum inflate_state state;
    bool is_last;
    size_t stored_left;
    bool is_joined;                 // see inflate_table_join
    struct inflate_tables *tables;  // borrowed: of the arena
};

// What inflate_open takes of the arena.
size_t inflate_bytes(size_t piece);
// piece: the most bytes that inflate_more is asked for.  The caller has set in, in_end,
// on_part_end and arg, and leaves z where it is from then on.
// Errors: E_NOMEM; E_FORMAT: no zlib stream.
MUST_USE int inflate_open(struct inflate *z, struct arena *arena, size_t piece);
// Decompresses until at least piece bytes are between taken and out, or the stream ends:
// state is INFLATE_END then, and its checksum was right.
// Errors: E_FORMAT: anything that is wrong with the stream.
MUST_USE int inflate_more(struct inflate *z, size_t piece);

#endif
