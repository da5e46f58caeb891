// inflate_bits.h -- the input of inflate.c: parts of bytes, and the bits in them.
//
// While enough bytes are left the bit buffer is filled by one load.  Chromium cuts its PNGs
// every 4096 bytes, so the end of a part must cost little: there the last bytes of one and
// the first ones of the next are laid side by side on a bridge, and are read from it.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_INFLATE_BITS_H
#define VLMD_IMAGE_INFLATE_BITS_H

#include "image/inflate.h"

#include <string.h>

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

// False: there is none.
static inline bool inflate_next_part(struct inflate *z)
{
    if (!z->ahead) {
        return !z->has_no_more && z->on_part_end(z);
    }
    // What the bridge holds of it was read.
    z->in = z->ahead + (z->in - z->bridge - z->n_tail);
    z->in_end = z->ahead_end;
    z->ahead = NULL;
    return true;
}

// Less than INFLATE_FAST_IN bytes are left of a part: makes them more.  False: there are no
// more.
static inline bool inflate_cross(struct inflate *z)
{
    if (z->ahead) {
        return inflate_next_part(z);
    }
    if (z->has_no_more) {
        return false;
    }
    const size_t n_tail = (size_t)(z->in_end - z->in);
    memmove(z->bridge, z->in, n_tail);
    if (z->on_part_end(z)) {
        const size_t n = (size_t)(z->in_end - z->in);
        const size_t n_head = n < INFLATE_FAST_IN ? n : INFLATE_FAST_IN;
        memcpy(z->bridge + n_tail, z->in, n_head);
        z->ahead = n_head < n ? z->in : NULL;
        z->ahead_end = z->in_end;
        z->in_end = z->bridge + n_tail + n_head;
    } else {
        z->has_no_more = true;
        z->in_end = z->bridge + n_tail;
    }
    z->n_tail = (ptrdiff_t)n_tail;
    z->in = z->bridge;
    return !z->has_no_more;
}

static inline bool next_byte(struct inflate *z, uint8_t *byte)
{
    while (z->in == z->in_end) {
        if (!inflate_next_part(z)) {
            return false;
        }
    }
    *byte = *z->in++;
    return true;
}

// As many whole bytes as fit, or as there are.  Above n_bits there may be bits already;
// they are those of the bytes that come next.
static inline void fill_slowly(struct inflate *z)
{
    uint8_t byte;
    if (z->in_end - z->in >= (ptrdiff_t)sizeof(uint64_t)) {
        z->bits |= load64(z->in) << z->n_bits;
        z->in += (63 - z->n_bits) >> 3;
        z->n_bits |= 56;
        return;
    }
    while (z->n_bits <= 55 && next_byte(z, &byte)) {
        z->bits |= (uint64_t)byte << z->n_bits;
        z->n_bits += 8;
    }
}

static inline bool drop(struct inflate *z, unsigned n)
{
    if (n > z->n_bits) {
        return false;
    }
    z->bits >>= n;
    z->n_bits -= n;
    return true;
}

static inline bool take(struct inflate *z, unsigned n, uint32_t *out)
{
    if (z->n_bits < n) {
        fill_slowly(z);
    }
    *out = (uint32_t)(z->bits & ((1u << n) - 1));
    return drop(z, n);
}

#endif
