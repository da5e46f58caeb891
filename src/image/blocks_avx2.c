// blocks_avx2.c -- two blocks at a time, one in each half of the 256-bit vectors.
//
// A vector holds a row of both blocks, or after a turn a column of both; so all eight
// rows, then all eight columns are transformed at once.  See blocks.c for the arithmetic.
// SPDX-License-Identifier: MIT
#include "image/kernels_simd.h"

#if VLMD_HAS_X86_KERNELS

#include "image/transform.h"

#include <immintrin.h>

#define SIMD   __attribute__((target("avx2")))
#define ALWAYS inline __attribute__((always_inline))

// Row or column i becomes element i of all others, in both halves: three times the first
// four are riffled with the last four.
static ALWAYS SIMD void turn(__m256i v[8])
{
    for (int round = 0; round < 3; round++) {
        __m256i a[8];
        for (int i = 0; i < 4; i++) {
            a[2 * i] = _mm256_unpacklo_epi16(v[i], v[i + 4]);
            a[2 * i + 1] = _mm256_unpackhi_epi16(v[i], v[i + 4]);
        }
        for (int i = 0; i < 8; i++) {
            v[i] = a[i];
        }
    }
}

// Sixteen sums of 32 bits; lo and hi as the unpacking instructions make them.
struct wide {
    __m256i lo, hi;
};

static ALWAYS SIMD struct wide pairs_of(__m256i a, __m256i b)
{
    return (struct wide){_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)};
}

// a * of_a + b * of_b
static ALWAYS SIMD struct wide products(struct wide pairs, int of_a, int of_b)
{
    const __m256i factors =
        _mm256_set1_epi32((int)((uint32_t)of_b << 16 | (uint16_t)of_a));
    return (struct wide){_mm256_madd_epi16(pairs.lo, factors),
                         _mm256_madd_epi16(pairs.hi, factors)};
}

static ALWAYS SIMD struct wide add(struct wide a, struct wide b)
{
    return (struct wide){_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)};
}

static ALWAYS SIMD __m256i shifted(struct wide a, int shift)
{
    return _mm256_packs_epi32(_mm256_srai_epi32(a.lo, shift),
                              _mm256_srai_epi32(a.hi, shift));
}

static ALWAYS SIMD __m256i plain(__m256i v, bool is_last)
{
    if (is_last) {
        const __m256i round = _mm256_set1_epi16(1 << (KEPT_BITS - 1));
        return _mm256_srai_epi16(_mm256_add_epi16(v, round), KEPT_BITS);
    }
    return _mm256_slli_epi16(v, KEPT_BITS);
}

static ALWAYS SIMD void transform(__m256i v[8], bool is_last)
{
    const int shift = is_last ? FACTOR_BITS + KEPT_BITS : FACTOR_BITS - KEPT_BITS;
    const __m256i half_lane = _mm256_set1_epi32(1 << (shift - 1));
    const struct wide half = {half_lane, half_lane};
    __m256i sum[4], diff[4];
    for (int i = 0; i < 4; i++) {
        sum[i] = _mm256_add_epi16(v[i], v[7 - i]);
        diff[i] = _mm256_sub_epi16(v[i], v[7 - i]);
    }
    const __m256i a = _mm256_add_epi16(sum[0], sum[3]);
    const __m256i c = _mm256_add_epi16(sum[1], sum[2]);
    const struct wide bd =
        pairs_of(_mm256_sub_epi16(sum[0], sum[3]), _mm256_sub_epi16(sum[1], sum[2]));
    v[0] = plain(_mm256_add_epi16(a, c), is_last);
    v[4] = plain(_mm256_sub_epi16(a, c), is_last);
    v[2] = shifted(add(products(bd, F2_B, F2_D), half), shift);
    v[6] = shifted(add(products(bd, F6_B, F6_D), half), shift);
    const struct wide ef =
        pairs_of(_mm256_add_epi16(diff[3], diff[1]), _mm256_add_epi16(diff[2], diff[0]));
    const struct wide g = add(products(ef, FG_E, FG_F), half);
    const struct wide h = add(products(ef, FH_E, FH_F), half);
    const struct wide outer = pairs_of(diff[3], diff[0]);
    const struct wide inner = pairs_of(diff[2], diff[1]);
    v[7] = shifted(add(products(outer, F7_3, F7_0), g), shift);
    v[1] = shifted(add(products(outer, F1_3, F1_0), h), shift);
    v[5] = shifted(add(products(inner, F5_2, F5_1), h), shift);
    v[3] = shifted(add(products(inner, F3_2, F3_1), g), shift);
}

static ALWAYS SIMD __m256i both(const void *p)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p));
}

static ALWAYS SIMD __m256i quantised(__m256i f, const struct quantiser *q, int row)
{
    const __m256i size = _mm256_add_epi16(_mm256_abs_epi16(f), both(q->half + 8 * row));
    const __m256i part = _mm256_mulhi_epu16(size, both(q->reciprocal + 8 * row));
    return _mm256_sign_epi16(_mm256_mulhi_epu16(part, both(q->scale + 8 * row)), f);
}

// at[i][k]: sixteen bytes in zigzag order, from 16 * i on; those that stand in rows 2k and
// 2k + 1 say where in them, the others are -1.
static const int8_t zigzag_at[4][4][16] = {
    {{0, 1, 8, -1, 9, 2, 3, 10, -1, -1, -1, -1, -1, 11, 4, 5},
     {-1, -1, -1, 0, -1, -1, -1, -1, 1, 8, -1, 9, 2, -1, -1, -1},
     {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}},
    {{12, -1, -1, -1, -1, -1, -1, -1, -1, -1, 13, 6, 7, 14, -1, -1},
     {-1, 3, 10, -1, -1, -1, -1, -1, 11, 4, -1, -1, -1, -1, 5, 12},
     {-1, -1, -1, 1, 8, -1, 9, 2, -1, -1, -1, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}},
    {{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 15, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, -1, -1, -1, 13, 6, -1, 7, 14, -1, -1, -1},
     {3, 10, -1, -1, -1, -1, 11, 4, -1, -1, -1, -1, -1, 5, 12, -1},
     {-1, -1, 1, 8, 9, 2, -1, -1, -1, -1, -1, -1, -1, -1, -1, 3}},
    {{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
     {-1, -1, -1, 13, 6, -1, 7, 14, -1, -1, -1, -1, 15, -1, -1, -1},
     {10, 11, 4, -1, -1, -1, -1, -1, 5, 12, 13, 6, -1, 7, 14, 15}},
};

// values: as many bytes, cut off at what fits them.
static ALWAYS SIMD __m256i near_of(__m256i values)
{
    const __m256i v = _mm256_adds_epi8(values, _mm256_set1_epi8(BLOCK_NEAR));
    const __m256i most = _mm256_set1_epi8(2 * BLOCK_NEAR - 1);
    return _mm256_and_si256(v, _mm256_cmpeq_epi8(_mm256_min_epu8(v, most), v));
}

// rows: two quantised ones each, a byte per value, which is 0 if and only if the value is.
static ALWAYS SIMD void find_used(const __m256i rows[4], struct block_pair *out)
{
    uint64_t used[2] = {0, 0};
    for (int i = 0; i < 4; i++) {
        __m256i part = _mm256_setzero_si256();
        for (int k = i == 3; k < 4 - (i == 0); k++) {
            const __m256i at = both(zigzag_at[i][k]);
            part = _mm256_or_si256(part, _mm256_shuffle_epi8(rows[k], at));
        }
        const __m256i near = near_of(part);
        _mm_storeu_si128((__m128i *)(out->near[0] + 16 * i),
                         _mm256_castsi256_si128(near));
        _mm_storeu_si128((__m128i *)(out->near[1] + 16 * i),
                         _mm256_extracti128_si256(near, 1));
        const __m256i is_zero = _mm256_cmpeq_epi8(part, _mm256_setzero_si256());
        const uint32_t bits = ~(uint32_t)_mm256_movemask_epi8(is_zero);
        used[0] |= (uint64_t)(bits & 0xffff) << (16 * i);
        used[1] |= (uint64_t)(bits >> 16) << (16 * i);
    }
    out->used[0] = used[0];
    out->used[1] = used[1];
}

// Of both blocks all pixels are alike: a third of the blocks of a page.
static ALWAYS SIMD bool are_plain(const __m256i v[8])
{
    const __m256i first = _mm256_shuffle_epi8(v[0], _mm256_set1_epi16(0x0100));
    __m256i differs = _mm256_xor_si256(v[0], first);
    for (int i = 1; i < BLOCK_SIDE; i++) {
        differs = _mm256_or_si256(differs, _mm256_xor_si256(v[i], first));
    }
    return _mm256_testz_si256(differs, differs);
}

// The one value of a block is the sum of its pixels.
static SIMD void put_plain(__m256i pixels, const struct quantiser *q,
                           struct block_pair *out)
{
    const __m256i v = quantised(
        _mm256_slli_epi16(_mm256_sub_epi16(pixels, _mm256_set1_epi16(128)), 6), q, 0);
    _mm256_storeu_si256((__m256i *)out->values[0], v);
    out->used[0] = out->values[0][0][0] != 0;
    out->used[1] = out->values[0][1][0] != 0;
}

SIMD void blocks_avx2(const uint8_t *const left[BLOCK_SIDE],
                      const uint8_t *const right[BLOCK_SIDE], int x,
                      const struct quantiser *q, struct block_pair *out)
{
    // 128 less for each pixel, in the sums of rows.
    const __m256i middle = _mm256_set1_epi16(128 * BLOCK_SIDE << KEPT_BITS);
    __m256i v[BLOCK_SIDE], rows[4];
    for (int i = 0; i < BLOCK_SIDE; i++) {
        const __m128i a = _mm_loadl_epi64((const __m128i *)(left[i] + x));
        const __m128i b = _mm_loadl_epi64((const __m128i *)(right[i] + x));
        v[i] = _mm256_cvtepu8_epi16(_mm_unpacklo_epi64(a, b));
    }
    if (are_plain(v)) {
        put_plain(v[0], q, out);
        return;
    }
    turn(v);
    transform(v, false);
    v[0] = _mm256_sub_epi16(v[0], middle);
    turn(v);
    transform(v, true);
    for (int i = 0; i < BLOCK_SIDE; i++) {
        v[i] = quantised(v[i], q, i);
        _mm256_storeu_si256((__m256i *)out->values[i], v[i]);
    }
    for (int i = 0; i < 4; i++) {
        rows[i] = _mm256_packs_epi16(v[2 * i], v[2 * i + 1]);
    }
    find_used(rows, out);
}

#endif
