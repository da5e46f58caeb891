// vp8_sse41.c -- what VP8's coefficients add to its samples, in 128-bit vectors.
//
// Sixteen bits are enough for coefficients of at most VP8_MOST_COEFF.
// SPDX-License-Identifier: MIT
#include "image/kernels_simd.h"

#if VLMD_HAS_X86_KERNELS

#include <immintrin.h>
#include <string.h>

#define SIMD __attribute__((target("sse4.1")))

static inline SIMD __m128i times_cos(__m128i v)
{
    return _mm_add_epi16(v, _mm_mulhi_epi16(v, _mm_set1_epi16(VP8_COS)));
}

// The factor does not fit into sixteen bits: v is added once more.
static inline SIMD __m128i times_sin(__m128i v)
{
    const __m128i factor = _mm_set1_epi16((short)(VP8_SIN - 65536));
    return _mm_add_epi16(v, _mm_mulhi_epi16(v, factor));
}

// Four lanes of each; see kernels_scalar.c.
static inline SIMD void transform(__m128i v[4])
{
    const __m128i a = _mm_add_epi16(v[0], v[2]), b = _mm_sub_epi16(v[0], v[2]);
    const __m128i c = _mm_sub_epi16(times_sin(v[1]), times_cos(v[3]));
    const __m128i d = _mm_add_epi16(times_cos(v[1]), times_sin(v[3]));
    v[0] = _mm_add_epi16(a, d);
    v[1] = _mm_add_epi16(b, c);
    v[2] = _mm_sub_epi16(b, c);
    v[3] = _mm_sub_epi16(a, d);
}

static inline SIMD void transpose(__m128i v[4])
{
    const __m128i low = _mm_unpacklo_epi16(v[0], v[1]);
    const __m128i high = _mm_unpacklo_epi16(v[2], v[3]);
    v[0] = _mm_unpacklo_epi32(low, high);
    v[1] = _mm_srli_si128(v[0], 8);
    v[2] = _mm_unpackhi_epi32(low, high);
    v[3] = _mm_srli_si128(v[2], 8);
}

static inline SIMD __m128i load4(const uint8_t *at)
{
    int v;
    memcpy(&v, at, sizeof(v));
    return _mm_cvtsi32_si128(v);
}

static inline SIMD void store4(uint8_t *at, __m128i v)
{
    const int four = _mm_cvtsi128_si32(v);
    memcpy(at, &four, sizeof(four));
}

SIMD void sse41_add_block(const int16_t coeffs[16], uint8_t *at, int stride)
{
    __m128i v[4];
    for (int i = 0; i < 4; i++) {
        v[i] = _mm_loadl_epi64((const __m128i *)(coeffs + 4 * i));
    }
    transform(v);
    transpose(v);
    v[0] = _mm_add_epi16(v[0], _mm_set1_epi16(4));
    transform(v);
    transpose(v);
    for (int y = 0; y < 4; y++) {
        uint8_t *row = at + y * stride;
        const __m128i samples = _mm_cvtepu8_epi16(load4(row));
        const __m128i sum = _mm_add_epi16(samples, _mm_srai_epi16(v[y], 3));
        store4(row, _mm_packus_epi16(sum, sum));
    }
}

SIMD void sse41_add_mean(int coeff, uint8_t *at, int stride)
{
    const int v = (coeff + 4) >> 3;
    const __m128i up = _mm_set1_epi8((char)(v < 0 ? 0 : v > 255 ? 255 : v));
    const __m128i down = _mm_set1_epi8((char)(v > 0 ? 0 : v < -255 ? 255 : -v));
    for (int y = 0; y < 4; y++) {
        uint8_t *row = at + y * stride;
        store4(row, _mm_subs_epu8(_mm_adds_epu8(load4(row), up), down));
    }
}

#endif
