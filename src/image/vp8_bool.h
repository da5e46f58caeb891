// vp8_bool.h -- the arithmetic decoder of VP8: one yes or no at a time, each with its own
// probability.
//
// What follows on one answer waits for it, so that the length of this chain is the time a
// lossy WebP takes.  Everything stands at the upper end of 64 bits, where a multiplication
// puts the split, and a comparison and a count of zeros need nothing cut off; the range is
// kept less one, with ones below, so that shifting keeps it so.  The struct is small enough
// to be copied into registers by who reads much (vp8_tokens.c).
// Source: RFC 6386, 7.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_VP8_BOOL_H
#define VLMD_IMAGE_VP8_BOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VP8_INLINE static inline __attribute__((always_inline))

// Who reads much is compiled twice on x86: with these a shift by a variable and a count of
// zeros are one instruction each, and both are in the chain.
#if defined(__x86_64__)
#define VP8_BMI2 __attribute__((target("bmi,bmi2,lzcnt")))
static inline bool vp8_has_bmi2(void)
{
    // A processor with AVX2 can count, too.
    return __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("avx2");
}
#else
static inline bool vp8_has_bmi2(void)
{
    return false;
}
#endif

struct vp8_bool {
    uint64_t value;  // the next bits, less what was decided; eight of them are compared
    uint64_t
        range;  // the upper byte is the range less one, 127 to 254, the next one ones
    int room;   // bits that may be shifted out; never negative before a read
    const uint8_t *in;  // borrowed: as long as the file
    const uint8_t *end;
    int n_missing;  // bytes read behind the end, as zeros
};

#define VP8_ONE  ((uint64_t)1 << 56)
#define VP8_REST (VP8_ONE - 1)

enum {
    VP8_ROOM = 48,  // after vp8_fill: for seven reads, as each takes at most seven bits
};

VP8_INLINE struct vp8_bool vp8_bool_of(const uint8_t *in, size_t n)
{
    return (struct vp8_bool){
        .range = 254 * VP8_ONE | VP8_REST, .room = -8, .in = in, .end = in + n};
}

VP8_INLINE void vp8_fill_last(struct vp8_bool *b)
{
    while (b->room < VP8_ROOM) {
        const bool is_there = b->in < b->end;
        b->value |= (uint64_t)(is_there ? *b->in : 0) << (VP8_ROOM - b->room);
        b->in += is_there;
        b->n_missing += !is_there;
        b->room += 8;
    }
}

// There is room for VP8_ROOM bits afterwards.  Whole bytes are counted; what comes along of
// the next one will be there once more, and is the same.
VP8_INLINE void vp8_fill(struct vp8_bool *b)
{
    if (__builtin_expect(b->end - b->in < 8, 0)) {
        vp8_fill_last(b);
        return;
    }
    uint64_t word;
    memcpy(&word, b->in, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    b->value |= word >> (b->room + 8);
    const int bytes = (VP8_ROOM + 7 - b->room) >> 3;
    b->in += bytes;
    b->room += 8 * bytes;
}

// For one read where much is not needed.
VP8_INLINE void vp8_fill_for_one(struct vp8_bool *b)
{
    if (__builtin_expect(b->room < 0, 0)) {
        vp8_fill(b);
    }
}

// Has anything been decided by bits that the partition does not have?  Also true where only
// the last read might have been: an encoder leaves some bits more than it needs.
VP8_INLINE bool vp8_bool_is_past(const struct vp8_bool *b)
{
    return b->n_missing > 0 && 8 * (int64_t)b->n_missing > b->room;
}

// prob / 256 is how likely a 0 is.  There must be room.
VP8_INLINE bool vp8_read(struct vp8_bool *b, uint64_t prob)
{
    const uint64_t product = (b->range >> 56) * (prob << 48);
    const uint64_t split = product | VP8_REST;
    const bool bit = b->value > split;
    int shift;
    if (bit) {
        shift = __builtin_clzll(b->range - product);
        b->value += ~split;
        b->range = (b->range - VP8_ONE - product) | VP8_REST;
    } else {
        shift = __builtin_clzll(product + VP8_ONE);
        b->range = split;
    }
    b->range <<= shift;
    b->value <<= shift;
    b->room -= shift;
    return bit;
}

// The same without a branch: for numbers, which no branch can foretell.
VP8_INLINE int vp8_read_digit(struct vp8_bool *b, uint64_t prob)
{
    const uint64_t product = (b->range >> 56) * (prob << 48);
    const uint64_t split = product | VP8_REST;
    const uint64_t upper = (b->range - VP8_ONE - product) | VP8_REST;
    const uint64_t mask = -(uint64_t)(b->value > split);
    const uint64_t range = split ^ ((split ^ upper) & mask);
    const int shift = __builtin_clzll(range + 1);
    b->value = (b->value + (~split & mask)) << shift;
    b->range = range << shift;
    b->room -= shift;
    return (int)(mask & 1);
}

// For what is as likely as not: v or -v.  Only after another read, when the range is
// at most 253: exactly one bit is shifted out then.
VP8_INLINE int vp8_read_sign(struct vp8_bool *b, int v)
{
    const uint64_t split = b->range >> 1 | VP8_REST;
    const uint64_t mask = -(uint64_t)(b->value > split);  // all ones: negative
    b->value = (b->value + (~split & mask)) << 1;
    b->range = (b->range + (mask << 56)) | VP8_ONE;
    b->room--;
    return (int)(((unsigned)v ^ (unsigned)mask) - (unsigned)mask);
}

// ---- for the header, where time does not matter

VP8_INLINE bool vp8_flag_of(struct vp8_bool *b, uint32_t prob)
{
    vp8_fill(b);
    return vp8_read(b, prob);
}

VP8_INLINE bool vp8_flag(struct vp8_bool *b)
{
    return vp8_flag_of(b, 128);
}

VP8_INLINE int vp8_number(struct vp8_bool *b, int bits)
{
    int v = 0;
    while (bits-- > 0) {
        v = v << 1 | vp8_flag(b);
    }
    return v;
}

// Magnitude, then sign, when there is one at all.
VP8_INLINE int vp8_optional(struct vp8_bool *b, int bits)
{
    if (!vp8_flag(b)) {
        return 0;
    }
    const int v = vp8_number(b, bits);
    return vp8_flag(b) ? -v : v;
}

#endif
