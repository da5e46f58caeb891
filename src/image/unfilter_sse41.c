// unfilter_sse41.c -- PNG filters in 128-bit vectors.
//
// Average and Paeth depend on the pixel to the left, so their time is the length of that
// chain.  Average is one subtraction and one average per pixel when everything is kept
// complemented: ~(x + (a + b) / 2) == avg(~a, ~b) - x, with avg rounding up as the
// instruction does.  Paeth has the short chain of the scalar one.  Where a run of
// residuals is zero and left equals upper left, the prediction is the pixel above, and
// that stays so: text on plain ground is mostly that, and becomes a copy.
// Source: F. Giesen's notes on the Paeth predictor.
// SPDX-License-Identifier: MIT
#include "image/kernels_simd.h"

#if VLMD_HAS_X86_KERNELS

#include <immintrin.h>
#include <string.h>

#define SIMD   __attribute__((target("sse4.1")))
#define ALWAYS inline __attribute__((always_inline))

static ALWAYS SIMD __m128i load(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

static ALWAYS SIMD void store(void *p, __m128i v)
{
    _mm_storeu_si128((__m128i *)p, v);
}

static ALWAYS SIMD __m128i load4_wide(const uint8_t *p)
{
    return _mm_cvtepu8_epi16(_mm_loadu_si32(p));
}

static ALWAYS SIMD __m128i load8_wide(const uint8_t *p)
{
    return _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)p));
}

static ALWAYS SIMD size_t up_part(const uint8_t *in, const uint8_t *up, size_t n,
                                  uint8_t *out)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        store(out + i, _mm_add_epi8(load(in + i), load(up + i)));
    }
    return i;
}

// Four pixels at a time: sums within the vector, then the last pixel before it on all.
static ALWAYS SIMD size_t sub_part(const uint8_t *in, size_t n, int step, uint8_t *out)
{
    const __m128i last = step == 3 ? _mm_setr_epi8(9, 10, 11, 9, 10, 11, 9, 10, 11, 9, 10,
                                                   11, -1, -1, -1, -1)
                                   : _mm_setr_epi8(12, 13, 14, 15, 12, 13, 14, 15, 12, 13,
                                                   14, 15, 12, 13, 14, 15);
    __m128i left = _mm_setzero_si128();
    size_t i = 0;
    for (; i + 16 <= n; i += 4 * (size_t)step) {
        __m128i v = load(in + i);
        v = _mm_add_epi8(v, step == 3 ? _mm_slli_si128(v, 3) : _mm_slli_si128(v, 4));
        v = _mm_add_epi8(v, step == 3 ? _mm_slli_si128(v, 6) : _mm_slli_si128(v, 8));
        v = _mm_add_epi8(v, left);
        left = _mm_shuffle_epi8(v, last);
        store(out + i, v);
    }
    return i;
}

static ALWAYS SIMD __m128i shift(__m128i v, int step)
{
    return step == 3 ? _mm_srli_si128(v, 3) : _mm_srli_si128(v, 4);
}

// Four pixels at a time, too: one after the other, but loaded and stored together.
static ALWAYS SIMD size_t average_part(const uint8_t *in, const uint8_t *up, size_t n,
                                       int step, uint8_t *out)
{
    const __m128i ones = _mm_set1_epi8(-1);
    const __m128i pack =
        step == 3 ? _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1)
                  : _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m128i left = ones;
    size_t i = 0;
    for (; i + 16 <= n; i += 4 * (size_t)step) {
        __m128i above = _mm_xor_si128(load(up + i), ones), x = load(in + i), v[4];
        for (int k = 0; k < 4; k++) {
            v[k] = left = _mm_sub_epi8(_mm_avg_epu8(left, above), x);
            above = shift(above, step);
            x = shift(x, step);
        }
        const __m128i lo = _mm_unpacklo_epi32(v[0], v[1]);
        const __m128i hi = _mm_unpacklo_epi32(v[2], v[3]);
        const __m128i all = _mm_shuffle_epi8(_mm_unpacklo_epi64(lo, hi), pack);
        store(out + i, _mm_xor_si128(all, ones));
    }
    return i;
}

// left and corner (upper left) in sixteen-bit lanes; the lanes of no pixel hold rubbish.
struct paeth {
    __m128i left;
    __m128i corner;
};

// Each guess is added to the residual before it is known which one it will be: one step
// less in the chain from left to left.  Eight bytes can be read at in and up.
static ALWAYS SIMD void paeth_pixel(struct paeth *p, const uint8_t *in, const uint8_t *up,
                                    uint8_t *out)
{
    const __m128i above = load8_wide(up), x = load8_wide(in), c = p->corner;
    const __m128i lo = _mm_min_epi16(p->left, above);
    const __m128i hi = _mm_max_epi16(p->left, above);
    const __m128i c3 = _mm_add_epi16(c, _mm_add_epi16(c, c));
    const __m128i t = _mm_sub_epi16(_mm_sub_epi16(c3, above), p->left);
    const __m128i inner =
        _mm_blendv_epi8(_mm_add_epi8(lo, x), _mm_add_epi8(c, x), _mm_cmpgt_epi16(hi, t));
    p->left = _mm_blendv_epi8(_mm_add_epi8(hi, x), inner, _mm_cmpgt_epi16(t, lo));
    p->corner = above;
    _mm_storeu_si32(out, _mm_packus_epi16(p->left, p->left));
}

static ALWAYS SIMD __m128i load8(const uint8_t *p)
{
    return _mm_loadl_epi64((const __m128i *)p);
}

// run: 16 or 24.
static ALWAYS SIMD bool is_zero_run(const uint8_t *p, size_t run)
{
    __m128i v = load(p);
    v = run == 24 ? _mm_or_si128(v, load8(p + 16)) : v;
    return _mm_testz_si128(v, v);
}

static ALWAYS SIMD void copy_run(const uint8_t *from, size_t run, uint8_t *to)
{
    store(to, load(from));
    if (run == 24) {
        _mm_storel_epi64((__m128i *)(to + 16), load8(from + 16));
    }
}

// Runs are tried at two lengths: most are long, but few begin where the long ones do.
static ALWAYS SIMD size_t paeth_part(const uint8_t *in, const uint8_t *up, size_t n,
                                     size_t step, uint8_t *out)
{
    const size_t full = step == 3 ? 48 : 32, half = full / 2;
    const __m128i pixel = _mm_set_epi16(0, 0, 0, 0, step == 3 ? 0 : -1, -1, -1, -1);
    struct paeth p = {_mm_setzero_si128(), _mm_setzero_si128()};
    size_t i = 0;
    // The last pixel of a run of RGB is loaded and stored with a byte of the next one.
    while (i + full < n) {
        const __m128i differs = _mm_xor_si128(p.left, p.corner);
        if (_mm_testz_si128(differs, pixel) && is_zero_run(in + i, half)) {
            const bool is_full = is_zero_run(in + i + half, half);
            copy_run(up + i, half, out + i);
            if (is_full) {
                copy_run(up + i + half, half, out + i + half);
            }
            i += is_full ? full : half;
            p.left = p.corner = load4_wide(up + i - step);
            continue;
        }
        for (size_t end = i + half; i < end; i += step) {
            paeth_pixel(&p, in + i, up + i, out + i);
        }
    }
    return i;
}

static ALWAYS SIMD size_t vector_part(int filter, const uint8_t *in, const uint8_t *up,
                                      size_t n, size_t step, uint8_t *out)
{
    switch (filter) {
    case 1: return sub_part(in, n, (int)step, out);
    case 2: return up_part(in, up, n, out);
    case 3: return average_part(in, up, n, (int)step, out);
    case 4: return paeth_part(in, up, n, step, out);
    default: memcpy(out, in, n); return n;
    }
}

static ALWAYS SIMD void unfilter(int filter, const uint8_t *in, const uint8_t *up,
                                 size_t n, size_t step, uint8_t *out)
{
    const size_t i = step == 3 ? vector_part(filter, in, up, n, 3, out)
                               : vector_part(filter, in, up, n, 4, out);
    kernels_unfilter_rest(filter, in, up, i, n, step, out);
}

SIMD void sse41_unfilter(int filter, const uint8_t *in, const uint8_t *up, size_t n,
                         size_t step, uint8_t *out)
{
    unfilter(filter, in, up, n, step, out);
}

// The same in instructions that name a third register for their result: fewer moves.
__attribute__((target("avx"))) void avx_unfilter(int filter, const uint8_t *in,
                                                 const uint8_t *up, size_t n, size_t step,
                                                 uint8_t *out)
{
    unfilter(filter, in, up, n, step, out);
}

#endif
