// vp8_neon.c -- what VP8's coefficients add to its samples, in NEON vectors.
//
// Sixteen bits are enough for coefficients of at most VP8_MOST_COEFF.
// SPDX-License-Identifier: MIT
#include "image/kernels_simd.h"

#if VLMD_HAS_NEON_KERNELS

#include <arm_neon.h>
#include <string.h>

// The instruction doubles the product, so its high half is twice what is wanted, and a
// bit of it more.
static inline int16x4_t times_cos(int16x4_t v)
{
    return vsra_n_s16(v, vqdmulh_n_s16(v, VP8_COS), 1);
}

// Here the factor is halved instead.
static inline int16x4_t times_sin(int16x4_t v)
{
    _Static_assert(VP8_SIN % 2 == 0, "half of it is exact");
    return vqdmulh_n_s16(v, VP8_SIN / 2);
}

// Four lanes of each; see kernels_scalar.c.
static inline void transform(int16x4_t v[4])
{
    const int16x4_t a = vadd_s16(v[0], v[2]), b = vsub_s16(v[0], v[2]);
    const int16x4_t c = vsub_s16(times_sin(v[1]), times_cos(v[3]));
    const int16x4_t d = vadd_s16(times_cos(v[1]), times_sin(v[3]));
    v[0] = vadd_s16(a, d);
    v[1] = vadd_s16(b, c);
    v[2] = vsub_s16(b, c);
    v[3] = vsub_s16(a, d);
}

// Twice the first two are riffled with the last two.
static inline void turn(int16x4_t v[4])
{
    for (int round = 0; round < 2; round++) {
        const int16x4_t a = vzip1_s16(v[0], v[2]), b = vzip2_s16(v[0], v[2]);
        const int16x4_t c = vzip1_s16(v[1], v[3]), d = vzip2_s16(v[1], v[3]);
        v[0] = a;
        v[1] = b;
        v[2] = c;
        v[3] = d;
    }
}

// Four samples of a row and four of the next.
static inline uint8x8_t load_rows(const uint8_t *at, int stride)
{
    uint32_t v[2];
    memcpy(&v[0], at, sizeof(v[0]));
    memcpy(&v[1], at + stride, sizeof(v[1]));
    return vreinterpret_u8_u32(vset_lane_u32(v[1], vdup_n_u32(v[0]), 1));
}

static inline void store_rows(uint8_t *at, int stride, uint8x8_t samples)
{
    const uint32x2_t v = vreinterpret_u32_u8(samples);
    const uint32_t upper = vget_lane_u32(v, 0), lower = vget_lane_u32(v, 1);
    memcpy(at, &upper, sizeof(upper));
    memcpy(at + stride, &lower, sizeof(lower));
}

void neon_add_block(const int16_t coeffs[16], uint8_t *at, int stride)
{
    int16x4_t v[4];
    for (int i = 0; i < 4; i++) {
        v[i] = vld1_s16(coeffs + 4 * i);
    }
    transform(v);
    turn(v);
    v[0] = vadd_s16(v[0], vdup_n_s16(4));
    transform(v);
    turn(v);
    for (int y = 0; y < 4; y += 2) {
        uint8_t *row = at + y * stride;
        const int16x8_t samples = vreinterpretq_s16_u16(vmovl_u8(load_rows(row, stride)));
        const int16x8_t sum = vsraq_n_s16(samples, vcombine_s16(v[y], v[y + 1]), 3);
        store_rows(row, stride, vqmovun_s16(sum));
    }
}

void neon_add_mean(int coeff, uint8_t *at, int stride)
{
    const int v = (coeff + 4) >> 3;
    const uint8x8_t up = vdup_n_u8((uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v));
    const uint8x8_t down = vdup_n_u8((uint8_t)(v > 0 ? 0 : v < -255 ? 255 : -v));
    for (int y = 0; y < 4; y += 2) {
        uint8_t *row = at + y * stride;
        store_rows(row, stride, vqsub_u8(vqadd_u8(load_rows(row, stride), up), down));
    }
}

#endif
