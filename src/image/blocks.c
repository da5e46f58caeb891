// blocks.c -- pixels become quantised frequencies: the meaning of all sets, in plain C.
//
// All is done in whole numbers, so that any two programs that follow this get the same
// bytes, and libjpeg is one of them.
// Source: C. Loeffler, A. Ligtenberg, G. Moschytz, "Practical fast 1-D DCT algorithms with
// 11 multiplications", ICASSP 1989, figure 1, with the scaling of libjpeg's islow: 13 bits
// of fraction in the factors, 2 bits kept between rows and columns.
// SPDX-License-Identifier: MIT
#include "image/blocks.h"

#include "image/transform.h"

#include <stdlib.h>

const uint8_t block_zigzag[BLOCK_SIZE] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

// With 2^s <= d < 2^(s + 1), the reciprocal of d is 2^(16 + s) / d, rounded up; that is
// exact for all numbers below 2^15.
static void set_step(struct quantiser *q, int k, unsigned step)
{
    const unsigned d = step * 8;
    unsigned s = 3;
    while (d >> (s + 1)) {
        s++;
    }
    if (d == 1u << s) {
        s--;  // the reciprocal would not fit
    }
    q->half[k] = (uint16_t)(d / 2);
    q->reciprocal[k] = (uint16_t)(((1u << (16 + s)) + d - 1) / d);
    q->scale[k] = (uint16_t)(1u << (16 - s));
}

void quantiser_init(struct quantiser *q, const uint8_t steps[BLOCK_SIZE])
{
    for (int k = 0; k < BLOCK_SIZE; k++) {
        set_step(q, k, steps[k]);
    }
}

// Eight values, at apart from each other; rows first, whose results keep KEPT_BITS more.
static void transform(int32_t *v, int at, bool is_last)
{
    int32_t sum[4], diff[4];
    for (int i = 0; i < 4; i++) {
        sum[i] = v[i * at] + v[(7 - i) * at];
        diff[i] = v[i * at] - v[(7 - i) * at];
    }
    const int32_t a = sum[0] + sum[3], b = sum[0] - sum[3];
    const int32_t c = sum[1] + sum[2], d = sum[1] - sum[2];
    const int shift = is_last ? FACTOR_BITS + KEPT_BITS : FACTOR_BITS - KEPT_BITS;
    const int32_t half = 1 << (shift - 1), round = 1 << (KEPT_BITS - 1);
    v[0] = is_last ? (a + c + round) >> KEPT_BITS : (a + c) * (1 << KEPT_BITS);
    v[4 * at] = is_last ? (a - c + round) >> KEPT_BITS : (a - c) * (1 << KEPT_BITS);
    v[2 * at] = (b * F2_B + d * F2_D + half) >> shift;
    v[6 * at] = (b * F6_B + d * F6_D + half) >> shift;
    const int32_t e = diff[3] + diff[1], f = diff[2] + diff[0];
    const int32_t g = e * FG_E + f * FG_F + half, h = e * FH_E + f * FH_F + half;
    v[7 * at] = (diff[3] * F7_3 + diff[0] * F7_0 + g) >> shift;
    v[1 * at] = (diff[3] * F1_3 + diff[0] * F1_0 + h) >> shift;
    v[5 * at] = (diff[2] * F5_2 + diff[1] * F5_1 + h) >> shift;
    v[3 * at] = (diff[2] * F3_2 + diff[1] * F3_1 + g) >> shift;
}

static int16_t quantised(int32_t f, const struct quantiser *q, int k)
{
    const uint32_t v = (uint32_t)abs(f) + q->half[k];
    const int32_t size = (int32_t)((v * q->reciprocal[k] >> 16) * q->scale[k] >> 16);
    return (int16_t)(f < 0 ? -size : size);
}

static void one_block(const uint8_t *const rows[BLOCK_SIDE], int x,
                      const struct quantiser *q, struct block_pair *out, int which)
{
    int32_t v[BLOCK_SIZE];
    for (int k = 0; k < BLOCK_SIZE; k++) {
        v[k] = rows[k / 8][x + k % 8] - 128;
    }
    for (int i = 0; i < BLOCK_SIDE; i++) {
        transform(v + i * BLOCK_SIDE, 1, false);
    }
    for (int i = 0; i < BLOCK_SIDE; i++) {
        transform(v + i, BLOCK_SIDE, true);
    }
    out->used[which] = 0;
    for (int i = 0; i < BLOCK_SIZE; i++) {
        const int k = block_zigzag[i];
        const int16_t value = quantised(v[k], q, k);
        out->values[k / 8][which][k % 8] = value;
        out->used[which] |= (uint64_t)(value != 0) << i;
        out->near[which][i] = (uint8_t)(abs(value) < BLOCK_NEAR ? value + BLOCK_NEAR : 0);
    }
}

void blocks_scalar(const uint8_t *const left[BLOCK_SIDE],
                   const uint8_t *const right[BLOCK_SIDE], int x,
                   const struct quantiser *q, struct block_pair *out)
{
    one_block(left, x, q, out, 0);
    one_block(right, x, q, out, 1);
}
