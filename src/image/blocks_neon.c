// blocks_neon.c -- one block after the other, a row or a column in each vector.
//
// See blocks.c for the arithmetic.  Narrowing shifts round as it does, and one look-up in
// all 64 values puts them into zigzag order.
// SPDX-License-Identifier: MIT
#include "image/kernels_simd.h"

#if VLMD_HAS_NEON_KERNELS

#include "image/transform.h"

#include <arm_neon.h>
#include <stdlib.h>

#define ALWAYS inline __attribute__((always_inline))

// Row or column i becomes element i of all others: three times the first four are riffled
// with the last four.
static ALWAYS void turn(int16x8_t v[8])
{
    for (int round = 0; round < 3; round++) {
        int16x8_t a[8];
        for (int i = 0; i < 4; i++) {
            a[2 * i] = vzip1q_s16(v[i], v[i + 4]);
            a[2 * i + 1] = vzip2q_s16(v[i], v[i + 4]);
        }
        for (int i = 0; i < 8; i++) {
            v[i] = a[i];
        }
    }
}

struct wide {
    int32x4_t lo, hi;
};

// a * of_a + b * of_b
static ALWAYS struct wide products(int16x8_t a, int of_a, int16x8_t b, int of_b)
{
    const int32x4_t lo = vmull_n_s16(vget_low_s16(a), (int16_t)of_a);
    const int32x4_t hi = vmull_high_n_s16(a, (int16_t)of_a);
    return (struct wide){vmlal_n_s16(lo, vget_low_s16(b), (int16_t)of_b),
                         vmlal_high_n_s16(hi, b, (int16_t)of_b)};
}

static ALWAYS struct wide add(struct wide a, struct wide b)
{
    return (struct wide){vaddq_s32(a.lo, b.lo), vaddq_s32(a.hi, b.hi)};
}

static ALWAYS int16x8_t shifted(struct wide a, bool is_last)
{
    enum { FIRST = FACTOR_BITS - KEPT_BITS, LAST = FACTOR_BITS + KEPT_BITS };
    return is_last ? vcombine_s16(vrshrn_n_s32(a.lo, LAST), vrshrn_n_s32(a.hi, LAST))
                   : vcombine_s16(vrshrn_n_s32(a.lo, FIRST), vrshrn_n_s32(a.hi, FIRST));
}

static ALWAYS int16x8_t plain(int16x8_t v, bool is_last)
{
    return is_last ? vrshrq_n_s16(v, KEPT_BITS) : vshlq_n_s16(v, KEPT_BITS);
}

static ALWAYS void transform(int16x8_t v[8], bool is_last)
{
    int16x8_t sum[4], diff[4];
    for (int i = 0; i < 4; i++) {
        sum[i] = vaddq_s16(v[i], v[7 - i]);
        diff[i] = vsubq_s16(v[i], v[7 - i]);
    }
    const int16x8_t a = vaddq_s16(sum[0], sum[3]), b = vsubq_s16(sum[0], sum[3]);
    const int16x8_t c = vaddq_s16(sum[1], sum[2]), d = vsubq_s16(sum[1], sum[2]);
    v[0] = plain(vaddq_s16(a, c), is_last);
    v[4] = plain(vsubq_s16(a, c), is_last);
    v[2] = shifted(products(b, F2_B, d, F2_D), is_last);
    v[6] = shifted(products(b, F6_B, d, F6_D), is_last);
    const int16x8_t e = vaddq_s16(diff[3], diff[1]), f = vaddq_s16(diff[2], diff[0]);
    const struct wide g = products(e, FG_E, f, FG_F), h = products(e, FH_E, f, FH_F);
    v[7] = shifted(add(products(diff[3], F7_3, diff[0], F7_0), g), is_last);
    v[1] = shifted(add(products(diff[3], F1_3, diff[0], F1_0), h), is_last);
    v[5] = shifted(add(products(diff[2], F5_2, diff[1], F5_1), h), is_last);
    v[3] = shifted(add(products(diff[2], F3_2, diff[1], F3_1), g), is_last);
}

static ALWAYS uint16x8_t high_halves(uint16x8_t a, uint16x8_t b)
{
    const uint32x4_t lo = vmull_u16(vget_low_u16(a), vget_low_u16(b));
    const uint32x4_t hi = vmull_high_u16(a, b);
    return vuzp2q_u16(vreinterpretq_u16_u32(lo), vreinterpretq_u16_u32(hi));
}

static ALWAYS int16x8_t quantised(int16x8_t f, const struct quantiser *q, int row)
{
    const uint16x8_t size =
        vaddq_u16(vreinterpretq_u16_s16(vabsq_s16(f)), vld1q_u16(q->half + 8 * row));
    const uint16x8_t part = high_halves(size, vld1q_u16(q->reciprocal + 8 * row));
    const int16x8_t v =
        vreinterpretq_s16_u16(high_halves(part, vld1q_u16(q->scale + 8 * row)));
    const int16x8_t sign = vshrq_n_s16(f, 15);
    return vsubq_s16(veorq_s16(v, sign), sign);
}

// values: as many bytes, cut off at what fits them.
static ALWAYS uint8x16_t near_of(uint8x16_t values)
{
    const int8x16_t v = vqaddq_s8(vreinterpretq_s8_u8(values), vdupq_n_s8(BLOCK_NEAR));
    const uint8x16_t near = vreinterpretq_u8_s8(v);
    return vandq_u8(near, vcltq_u8(near, vdupq_n_u8(2 * BLOCK_NEAR)));
}

// rows: a byte per value, which is 0 if and only if the value is.
static ALWAYS uint64_t find_used(uint8x16x4_t rows, uint8_t near[BLOCK_SIZE])
{
    const uint8x16_t bits = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));
    uint8x16_t v[4];
    for (int i = 0; i < 4; i++) {
        const uint8x16_t sorted = vqtbl4q_u8(rows, vld1q_u8(block_zigzag + 16 * i));
        vst1q_u8(near + 16 * i, near_of(sorted));
        v[i] = vandq_u8(vtstq_u8(sorted, sorted), bits);
    }
    // Eight neighbours are added: of each its own bit.
    const uint8x16_t sums = vpaddq_u8(vpaddq_u8(v[0], v[1]), vpaddq_u8(v[2], v[3]));
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sums, sums)), 0);
}

// All pixels are alike: a third of the blocks of a page.
static ALWAYS bool is_plain(const uint8x8_t px[BLOCK_SIDE])
{
    const uint8x8_t first = vdup_lane_u8(px[0], 0);
    uint8x8_t differs = veor_u8(px[0], first);
    for (int i = 1; i < BLOCK_SIDE; i++) {
        differs = vorr_u8(differs, veor_u8(px[i], first));
    }
    return vget_lane_u64(vreinterpret_u64_u8(differs), 0) == 0;
}

// The one value of a block is the sum of its pixels.
static void put_plain(int pixel, const struct quantiser *q, struct block_pair *out,
                      int which)
{
    const int16x8_t v = quantised(vdupq_n_s16((int16_t)((pixel - 128) * 64)), q, 0);
    out->values[0][which][0] = vgetq_lane_s16(v, 0);
    out->used[which] = out->values[0][which][0] != 0;
}

static ALWAYS void one_block(const uint8_t *const from[BLOCK_SIDE], int x,
                             const struct quantiser *q, struct block_pair *out, int which)
{
    uint8x8_t px[BLOCK_SIDE];
    int16x8_t v[BLOCK_SIDE];
    uint8x16x4_t rows;
    for (int i = 0; i < BLOCK_SIDE; i++) {
        px[i] = vld1_u8(from[i] + x);
    }
    if (is_plain(px)) {
        put_plain(vget_lane_u8(px[0], 0), q, out, which);
        return;
    }
    for (int i = 0; i < BLOCK_SIDE; i++) {
        v[i] = vreinterpretq_s16_u16(vsubl_u8(px[i], vdup_n_u8(128)));
    }
    turn(v);
    transform(v, false);
    turn(v);
    transform(v, true);
    for (int i = 0; i < BLOCK_SIDE; i++) {
        v[i] = quantised(v[i], q, i);
        vst1q_s16(out->values[i][which], v[i]);
    }
    for (int i = 0; i < 4; i++) {
        rows.val[i] = vreinterpretq_u8_s8(
            vcombine_s8(vqmovn_s16(v[2 * i]), vqmovn_s16(v[2 * i + 1])));
    }
    out->used[which] = find_used(rows, out->near[which]);
}

void neon_blocks(const uint8_t *const left[BLOCK_SIDE],
                 const uint8_t *const right[BLOCK_SIDE], int x, const struct quantiser *q,
                 struct block_pair *out)
{
    one_block(left, x, q, out, 0);
    one_block(right, x, q, out, 1);
}

#endif
