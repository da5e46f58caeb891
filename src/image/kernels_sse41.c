// kernels_sse41.c -- the inner loops in 128-bit vectors.
//
// Compiled into every x86-64 build by function attributes; kernels.c asks the processor
// before it uses them.  Rows end with the scalar set.
// SPDX-License-Identifier: MIT
#include "image/kernels_simd.h"

#if VLMD_HAS_X86_KERNELS

#include <immintrin.h>

#define SIMD __attribute__((target("sse4.1")))

static inline SIMD __m128i load(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

static inline SIMD void store(void *p, __m128i v)
{
    _mm_storeu_si128((__m128i *)p, v);
}

// ---- colour

// Bytes of four pixels, step apart, at the places that pick says; -1 is zero.
static SIMD __m128i picker(int step, const int8_t pick[4])
{
    int8_t at[16];
    for (int i = 0; i < 16; i++) {
        const int8_t byte = pick[i % 4];
        at[i] = (int8_t)(byte < 0 ? -1 : i / 4 * step + byte);
    }
    return load(at);
}

struct luma_plan {
    __m128i pick_rg, pick_b, rg, b, half;
};

static inline SIMD __m128i luma4(const uint8_t *px, const struct luma_plan *p)
{
    const __m128i v = load(px);
    const __m128i rg = _mm_madd_epi16(_mm_shuffle_epi8(v, p->pick_rg), p->rg);
    const __m128i b = _mm_madd_epi16(_mm_shuffle_epi8(v, p->pick_b), p->b);
    return _mm_srli_epi32(_mm_add_epi32(_mm_add_epi32(rg, b), p->half), 15);
}

static SIMD void luma(const uint8_t *px, int n, int step, uint8_t *out)
{
    const struct luma_plan p = {
        .pick_rg = picker(step, (int8_t[4]){0, -1, 1, -1}),
        .pick_b = picker(step, (int8_t[4]){2, -1, -1, -1}),
        .rg = _mm_set1_epi32(LUMA_G << 16 | LUMA_R),
        .b = _mm_set1_epi32(LUMA_B),
        .half = _mm_set1_epi32(1 << 14),
    };
    int x = 0;
    // Loads of RGB reach four bytes further than the pixels that are used.
    for (; x + 18 <= n; x += 16) {
        const uint8_t *from = px + x * step;
        const __m128i a = _mm_packus_epi32(luma4(from, &p), luma4(from + 4 * step, &p));
        const __m128i b =
            _mm_packus_epi32(luma4(from + 8 * step, &p), luma4(from + 12 * step, &p));
        store(out + x, _mm_packus_epi16(a, b));
    }
    kernels_scalar.luma(px + x * step, n - x, step, out + x);
}

// r r g g b b - - of two pairs.
static SIMD __m128i pair_picker(int step)
{
    int8_t at[16];
    for (int i = 0; i < 16; i++) {
        const int pixel = i / 8 * 2 + i % 2, colour = i % 8 / 2;
        at[i] = (int8_t)(colour == 3 ? -1 : pixel * step + colour);
    }
    return load(at);
}

// Two sums over 2 x 2 pixels: r g b 0, r g b 0.
static inline SIMD __m128i sums2(const uint8_t *px, const uint8_t *below, __m128i pick)
{
    const __m128i ones = _mm_set1_epi8(1);
    const __m128i a = _mm_maddubs_epi16(_mm_shuffle_epi8(load(px), pick), ones);
    const __m128i b = _mm_maddubs_epi16(_mm_shuffle_epi8(load(below), pick), ones);
    return _mm_add_epi16(a, b);
}

struct chroma_plan {
    __m128i pick, cb, cr, bias;
};

// Of four pixels of each row: b b r r
static inline SIMD __m128i chroma2(const uint8_t *px, const uint8_t *below,
                                   const struct chroma_plan *p)
{
    const __m128i v = sums2(px, below, p->pick);
    const __m128i sums =
        _mm_hadd_epi32(_mm_madd_epi16(v, p->cb), _mm_madd_epi16(v, p->cr));
    return _mm_srai_epi32(_mm_add_epi32(sums, p->bias), 17);
}

static SIMD void chroma(const uint8_t *px, const uint8_t *below, int n, int step,
                        uint8_t *cb, uint8_t *cr)
{
    const struct chroma_plan p = {
        .pick = pair_picker(step),
        .cb = _mm_setr_epi16(CB_R, CB_G, CB_B, 0, CB_R, CB_G, CB_B, 0),
        .cr = _mm_setr_epi16(CR_R, CR_G, CR_B, 0, CR_R, CR_G, CR_B, 0),
        .bias = _mm_set1_epi32((128 << 17) + (1 << 16)),
    };
    const __m128i split =
        _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
    const int four = 4 * step;
    int x = 0;
    for (; x + 18 <= n; x += 16) {
        const uint8_t *a = px + x * step, *b = below + x * step;
        const __m128i lo =
            _mm_packs_epi32(chroma2(a, b, &p), chroma2(a + four, b + four, &p));
        const __m128i hi = _mm_packs_epi32(chroma2(a + 2 * four, b + 2 * four, &p),
                                           chroma2(a + 3 * four, b + 3 * four, &p));
        const __m128i both = _mm_shuffle_epi8(_mm_packus_epi16(lo, hi), split);
        _mm_storel_epi64((__m128i *)(cb + x / 2), both);
        _mm_storeh_pd((double *)(cr + x / 2), _mm_castsi128_pd(both));
    }
    kernels_scalar.chroma(px + x * step, below + x * step, n - x, step, cb + x / 2,
                          cr + x / 2);
}

static SIMD void boxes(const uint8_t *px, const uint8_t *below, int n, int step,
                       uint8_t *rgbx)
{
    const __m128i two = _mm_set1_epi16(2), pick = pair_picker(step);
    const int four = 4 * step;
    int x = 0;
    for (; x + 10 <= n; x += 8) {
        const uint8_t *a = px + x * step, *b = below + x * step;
        const __m128i lo = _mm_add_epi16(sums2(a, b, pick), two);
        const __m128i hi = _mm_add_epi16(sums2(a + four, b + four, pick), two);
        store(rgbx + 2 * x,
              _mm_packus_epi16(_mm_srli_epi16(lo, 2), _mm_srli_epi16(hi, 2)));
    }
    kernels_scalar.boxes(px + x * step, below + x * step, n - x, step, rgbx + 2 * x);
}

static SIMD bool is_opaque(const uint8_t *rgba, int n)
{
    const __m128i alpha = _mm_set1_epi32((int)0xff000000);
    __m128i all = alpha;
    int x = 0;
    for (; x + 4 <= n; x += 4) {
        all = _mm_and_si128(all, load(rgba + 4 * x));
    }
    return _mm_testc_si128(all, alpha) && kernels_scalar.is_opaque(rgba + 4 * x, n - x);
}

// ---- filter

static SIMD void columns(const uint8_t *const *rows, const int16_t *weights, int count,
                         int from, int n, int16_t *out)
{
    if (count > MOST_SHORT) {
        kernels_long_columns(rows, weights, count, from, n, out);
        return;
    }
    const __m128i zero = _mm_setzero_si128(), flip = _mm_set1_epi8((char)0x80);
    const __m128i start =
        _mm_set1_epi16((int16_t)((128 << RESIZE_LINE_BITS) + count / 2));
    int x = from;
    for (; x + 32 <= n; x += 32) {
        __m128i s0 = start, s1 = start, s2 = start, s3 = start;
        for (int k = 0; k < count; k++) {
            const __m128i w = _mm_set1_epi16(weights[k]);
            const __m128i a = _mm_xor_si128(load(rows[k] + x), flip);
            const __m128i b = _mm_xor_si128(load(rows[k] + x + 16), flip);
            s0 = _mm_add_epi16(s0, _mm_mulhi_epi16(_mm_unpacklo_epi8(zero, a), w));
            s1 = _mm_add_epi16(s1, _mm_mulhi_epi16(_mm_unpackhi_epi8(zero, a), w));
            s2 = _mm_add_epi16(s2, _mm_mulhi_epi16(_mm_unpacklo_epi8(zero, b), w));
            s3 = _mm_add_epi16(s3, _mm_mulhi_epi16(_mm_unpackhi_epi8(zero, b), w));
        }
        store(out + x, s0);
        store(out + x + 8, s1);
        store(out + x + 16, s2);
        store(out + x + 24, s3);
    }
    kernels_scalar.columns(rows, weights, count, x, n, out);
}

static inline SIMD __m128i dot(const int16_t *v, const int16_t *w, int taps)
{
    __m128i sum = _mm_madd_epi16(load(v), load(w));
    for (int k = 8; k < taps; k += 8) {
        sum = _mm_add_epi32(sum, _mm_madd_epi16(load(v + k), load(w + k)));
    }
    return sum;
}

static inline SIMD void line_of(const struct resize_axis *x, const int16_t *in,
                                uint8_t *out, int taps)
{
    const int shift = RESIZE_WEIGHT_BITS + RESIZE_LINE_BITS;
    const __m128i bias = _mm_set1_epi32(x->bias);
    int i = 0;
    for (; i + 4 <= x->dst_n; i += 4) {
        const int16_t *w = x->weights + (size_t)i * (size_t)taps;
        const int *first = x->first + i;
        const __m128i a = dot(in + first[0], w, taps);
        const __m128i b = dot(in + first[1], w + taps, taps);
        const __m128i c = dot(in + first[2], w + 2 * taps, taps);
        const __m128i d = dot(in + first[3], w + 3 * taps, taps);
        __m128i sum = _mm_hadd_epi32(_mm_hadd_epi32(a, b), _mm_hadd_epi32(c, d));
        sum = _mm_srai_epi32(_mm_add_epi32(sum, bias), shift);
        sum = _mm_packus_epi16(_mm_packs_epi32(sum, sum), sum);
        _mm_storeu_si32(out + i, sum);
    }
    kernels_scalar_line(x, in, i, out);
}

static SIMD void lines(const struct resize_axis *x, const struct resize_lines *l,
                       uint8_t *out, int out_stride)
{
    for (int k = 0; k < l->n; k++, out += out_stride) {
        const int16_t *in = l->v + (ptrdiff_t)k * l->stride;
        switch (x->taps) {
        case 8: line_of(x, in, out, 8); break;
        case 16: line_of(x, in, out, 16); break;
        case 24: line_of(x, in, out, 24); break;
        default: line_of(x, in, out, x->taps);
        }
    }
}

const struct kernels kernels_sse41 = {
    .name = "sse4.1",
    .luma = luma,
    .chroma = chroma,
    .boxes = boxes,
    .is_opaque = is_opaque,
    .columns = columns,
    .lines = lines,
    .unfilter = sse41_unfilter,
    .add_block = sse41_add_block,
    .add_mean = sse41_add_mean,
};

#endif
