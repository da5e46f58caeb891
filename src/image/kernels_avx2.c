// kernels_avx2.c -- the inner loops in 256-bit vectors; see kernels_sse41.c.
//
// Instructions work on two halves of 128 bits.  Where results are packed, each half is
// loaded from where its results belong.
// SPDX-License-Identifier: MIT
#include "image/kernels_simd.h"

#if VLMD_HAS_X86_KERNELS

#include <immintrin.h>
#include <string.h>

#define SIMD   __attribute__((target("avx2")))
#define ALWAYS inline __attribute__((always_inline))

static inline SIMD __m256i load(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

static inline SIMD __m256i load_halves(const uint8_t *lo, const uint8_t *hi)
{
    const __m128i a = _mm_loadu_si128((const __m128i *)lo);
    const __m128i b = _mm_loadu_si128((const __m128i *)hi);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1);
}

static inline SIMD void store(void *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)p, v);
}

static inline SIMD __m256i both(const int8_t at[16])
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)at));
}

// ---- colour

// Loads of RGB reach four bytes further than the pixels that are used; those of a row's end
// begin four bytes before them instead: skip.
static inline int skip_at_end(int step)
{
    return step == 3 ? 4 : 0;
}

static SIMD __m256i picker(int step, int skip, const int8_t pick[4])
{
    int8_t at[16];
    for (int i = 0; i < 16; i++) {
        const int8_t byte = pick[i % 4];
        at[i] = (int8_t)(byte < 0 ? -1 : skip + i / 4 * step + byte);
    }
    return both(at);
}

struct luma_plan {
    __m256i pick_rg, pick_b, rg, b, half;
    int step, skip;
};

static inline SIMD struct luma_plan luma_plan(int step, int skip)
{
    return (struct luma_plan){
        .pick_rg = picker(step, skip, (int8_t[4]){0, -1, 1, -1}),
        .pick_b = picker(step, skip, (int8_t[4]){2, -1, -1, -1}),
        .rg = _mm256_set1_epi32(LUMA_G << 16 | LUMA_R),
        .b = _mm256_set1_epi32(LUMA_B),
        .half = _mm256_set1_epi32(1 << 14),
        .step = step,
        .skip = skip,
    };
}

// Pixels x to x + 3, and those 16 further.
static inline SIMD __m256i luma8(const uint8_t *px, int x, const struct luma_plan *p)
{
    const uint8_t *from = px + x * p->step - p->skip;
    const __m256i v = load_halves(from, from + 16 * p->step);
    const __m256i rg = _mm256_madd_epi16(_mm256_shuffle_epi8(v, p->pick_rg), p->rg);
    const __m256i b = _mm256_madd_epi16(_mm256_shuffle_epi8(v, p->pick_b), p->b);
    return _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(rg, b), p->half), 15);
}

static ALWAYS SIMD void luma32(const uint8_t *px, int x, const struct luma_plan *p,
                               uint8_t *out)
{
    const __m256i a = _mm256_packus_epi32(luma8(px, x, p), luma8(px, x + 4, p));
    const __m256i b = _mm256_packus_epi32(luma8(px, x + 8, p), luma8(px, x + 12, p));
    store(out + x, _mm256_packus_epi16(a, b));
}

// The last pixels are done with some of those before them once more.
static SIMD void luma(const uint8_t *px, int n, int step, uint8_t *out)
{
    const struct luma_plan p = luma_plan(step, 0);
    int x = 0;
    for (; x + 34 <= n; x += 32) {
        luma32(px, x, &p, out);
    }
    if (x > 0) {
        const struct luma_plan last = luma_plan(step, skip_at_end(step));
        if (n - x > 32) {
            luma32(px, x, &last, out);
        }
        luma32(px, n - 32, &last, out);
    } else {
        kernels_sse41.luma(px, n, step, out);
    }
}

static SIMD __m256i pair_picker(int step, int skip)
{
    int8_t at[16];
    for (int i = 0; i < 16; i++) {
        const int pixel = i / 8 * 2 + i % 2, colour = i % 8 / 2;
        at[i] = (int8_t)(colour == 3 ? -1 : skip + pixel * step + colour);
    }
    return both(at);
}

// Four sums over 2 x 2 pixels, r g b 0 each; the last two of what is apart bytes further.
static inline SIMD __m256i sums4(const uint8_t *px, const uint8_t *below, int apart,
                                 __m256i pick)
{
    const __m256i ones = _mm256_set1_epi8(1);
    const __m256i a = _mm256_shuffle_epi8(load_halves(px, px + apart), pick);
    const __m256i b = _mm256_shuffle_epi8(load_halves(below, below + apart), pick);
    return _mm256_add_epi16(_mm256_maddubs_epi16(a, ones), _mm256_maddubs_epi16(b, ones));
}

struct chroma_plan {
    __m256i pick, cb, cr, bias, split;
    int step, skip;
};

static inline SIMD struct chroma_plan chroma_plan(int step, int skip)
{
    return (struct chroma_plan){
        .pick = pair_picker(step, skip),
        .cb = _mm256_set1_epi64x((int64_t)CB_B << 32 | (uint32_t)CB_G << 16 |
                                 (uint16_t)CB_R),
        .cr = _mm256_set1_epi64x((int64_t)(uint16_t)CR_B << 32 | (uint32_t)CR_G << 16 |
                                 (uint16_t)CR_R),
        .bias = _mm256_set1_epi32((128 << 17) + (1 << 16)),
        .split = both((int8_t[16]){0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15}),
        .step = step,
        .skip = skip,
    };
}

// b b r r | b b r r of the i-th four pixels, and of the four that are 16 further.
static inline SIMD __m256i chroma4(const uint8_t *px, const uint8_t *below, int i,
                                   const struct chroma_plan *p)
{
    const int at = 4 * i * p->step - p->skip;
    const __m256i v = sums4(px + at, below + at, 16 * p->step, p->pick);
    const __m256i sums =
        _mm256_hadd_epi32(_mm256_madd_epi16(v, p->cb), _mm256_madd_epi16(v, p->cr));
    return _mm256_srai_epi32(_mm256_add_epi32(sums, p->bias), 17);
}

static ALWAYS SIMD void chroma32(const uint8_t *px, const uint8_t *below, int x,
                                 const struct chroma_plan *p, uint8_t *cb, uint8_t *cr)
{
    const uint8_t *a = px + x * p->step, *b = below + x * p->step;
    const __m256i lo = _mm256_packs_epi32(chroma4(a, b, 0, p), chroma4(a, b, 1, p));
    const __m256i hi = _mm256_packs_epi32(chroma4(a, b, 2, p), chroma4(a, b, 3, p));
    const __m256i v = _mm256_shuffle_epi8(_mm256_packus_epi16(lo, hi), p->split);
    const __m256i sorted = _mm256_permute4x64_epi64(v, 0xd8);
    _mm_storeu_si128((__m128i *)(cb + x / 2), _mm256_castsi256_si128(sorted));
    _mm_storeu_si128((__m128i *)(cr + x / 2), _mm256_extracti128_si256(sorted, 1));
}

static SIMD void chroma(const uint8_t *px, const uint8_t *below, int n, int step,
                        uint8_t *cb, uint8_t *cr)
{
    const struct chroma_plan p = chroma_plan(step, 0);
    int x = 0;
    for (; x + 34 <= n; x += 32) {
        chroma32(px, below, x, &p, cb, cr);
    }
    if (x > 0 && n % 2 == 0) {
        const struct chroma_plan last = chroma_plan(step, skip_at_end(step));
        chroma32(px, below, n - 32, &last, cb, cr);
    } else {
        kernels_sse41.chroma(px + x * step, below + x * step, n - x, step, cb + x / 2,
                             cr + x / 2);
    }
}

static SIMD void boxes(const uint8_t *px, const uint8_t *below, int n, int step,
                       uint8_t *rgbx)
{
    const __m256i two = _mm256_set1_epi16(2), pick = pair_picker(step, 0);
    const int four = 4 * step;
    int x = 0;
    for (; x + 18 <= n; x += 16) {
        const uint8_t *a = px + x * step, *b = below + x * step;
        const __m256i lo = _mm256_add_epi16(sums4(a, b, 2 * four, pick), two);
        const __m256i hi =
            _mm256_add_epi16(sums4(a + four, b + four, 2 * four, pick), two);
        store(rgbx + 2 * x,
              _mm256_packus_epi16(_mm256_srli_epi16(lo, 2), _mm256_srli_epi16(hi, 2)));
    }
    kernels_sse41.boxes(px + x * step, below + x * step, n - x, step, rgbx + 2 * x);
}

static SIMD bool is_opaque(const uint8_t *rgba, int n)
{
    const __m256i alpha = _mm256_set1_epi32((int)0xff000000);
    __m256i all = alpha;
    int x = 0;
    for (; x + 8 <= n; x += 8) {
        all = _mm256_and_si256(all, load(rgba + 4 * x));
    }
    return _mm256_testc_si256(all, alpha) &&
           kernels_scalar.is_opaque(rgba + 4 * x, n - x);
}

// ---- filter

static inline SIMD void add_row(__m256i sum[4], const uint8_t *row, int16_t weight)
{
    const __m256i zero = _mm256_setzero_si256(), flip = _mm256_set1_epi8((char)0x80);
    const __m256i w = _mm256_set1_epi16(weight);
    for (int i = 0; i < 2; i++) {
        const __m256i v = _mm256_xor_si256(load(row + 32 * i), flip);
        const __m256i lo = _mm256_mulhi_epi16(_mm256_unpacklo_epi8(zero, v), w);
        const __m256i hi = _mm256_mulhi_epi16(_mm256_unpackhi_epi8(zero, v), w);
        sum[2 * i] = _mm256_add_epi16(sum[2 * i], lo);
        sum[2 * i + 1] = _mm256_add_epi16(sum[2 * i + 1], hi);
    }
}

static SIMD void columns(const uint8_t *const *rows, const int16_t *weights, int count,
                         int from, int n, int16_t *out)
{
    if (count > MOST_SHORT) {
        kernels_long_columns(rows, weights, count, from, n, out);
        return;
    }
    const __m256i start =
        _mm256_set1_epi16((int16_t)((128 << RESIZE_LINE_BITS) + count / 2));
    int x = from;
    for (; x + 64 <= n; x += 64) {
        __m256i sum[4] = {start, start, start, start};
        for (int k = 0; k < count; k++) {
            add_row(sum, rows[k] + x, weights[k]);
        }
        for (int i = 0; i < 2; i++) {
            const __m256i lo = sum[2 * i], hi = sum[2 * i + 1];
            store(out + x + 32 * i, _mm256_permute2x128_si256(lo, hi, 0x20));
            store(out + x + 32 * i + 16, _mm256_permute2x128_si256(lo, hi, 0x31));
        }
    }
    kernels_sse41.columns(rows, weights, count, x, n, out);
}

// Eight vectors of eight: element k of vector i becomes element i of vector k.
static inline SIMD void turn8(__m256i v[8])
{
    __m256i a[8], b[8];
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm256_unpacklo_epi32(v[2 * i], v[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_epi32(v[2 * i], v[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        const __m256i *half = a + 4 * i;
        b[4 * i] = _mm256_unpacklo_epi64(half[0], half[2]);
        b[4 * i + 1] = _mm256_unpackhi_epi64(half[0], half[2]);
        b[4 * i + 2] = _mm256_unpacklo_epi64(half[1], half[3]);
        b[4 * i + 3] = _mm256_unpackhi_epi64(half[1], half[3]);
    }
    for (int i = 0; i < 4; i++) {
        v[i] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x20);
        v[i + 4] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x31);
    }
}

// Columns 2k and 2k + 1 of all lines become vector k.
static SIMD void turn_lines(const struct resize_lines *l)
{
    for (int x = 0; x < l->stride; x += 16) {
        __m256i v[RESIZE_LINES];
        for (int i = 0; i < RESIZE_LINES; i++) {
            const int from = i < l->n ? i : 0;
            v[i] = load(l->v + (ptrdiff_t)from * l->stride + x);
        }
        turn8(v);
        for (int i = 0; i < RESIZE_LINES; i++) {
            store(l->scratch + (ptrdiff_t)x * RESIZE_LINES + 16 * i, v[i]);
        }
    }
}

// One output of all lines; its inputs begin at v.
static ALWAYS SIMD __m256i output_of(const int16_t *v, const int16_t *weights, int pairs,
                                     __m256i bias)
{
    __m256i sum = bias;
    for (int k = 0; k < pairs; k++) {
        int32_t pair;
        memcpy(&pair, weights + 2 * k, sizeof(pair));
        const __m256i product =
            _mm256_madd_epi16(load(v + 16 * k), _mm256_set1_epi32(pair));
        sum = _mm256_add_epi32(sum, product);
    }
    return _mm256_srai_epi32(sum, RESIZE_WEIGHT_BITS + RESIZE_LINE_BITS);
}

// Four outputs of all lines -> four bytes of each, lines 0 to 3 and 4 to 7.
static inline SIMD __m256i bytes_of(const __m256i v[4])
{
    const __m256i split =
        both((int8_t[16]){0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15});
    const __m256i a = _mm256_packs_epi32(v[0], v[1]), b = _mm256_packs_epi32(v[2], v[3]);
    return _mm256_shuffle_epi8(_mm256_packus_epi16(a, b), split);
}

// Outputs i to i + 7, or to the last one, of all lines.
static ALWAYS SIMD void outputs_of(const struct resize_axis *x, const int16_t *turned,
                                   int i, int n, int pairs, uint64_t to[RESIZE_LINES])
{
    const unsigned *first = (const unsigned *)x->first + i;
    const int16_t *w = x->weights + (ptrdiff_t)i * x->taps;
    const __m256i bias = _mm256_set1_epi32(x->bias);
    __m256i v[8];
    for (int k = 0; k < 8; k++) {
        const int at = k < n ? k : n - 1;
        v[k] = output_of(turned + (size_t)first[at] * RESIZE_LINES,
                         w + (ptrdiff_t)at * x->taps, pairs, bias);
    }
    const __m256i a = bytes_of(v), b = bytes_of(v + 4);
    const __m256i lo = _mm256_unpacklo_epi32(a, b), hi = _mm256_unpackhi_epi32(a, b);
    store(to, _mm256_permute2x128_si256(lo, hi, 0x20));
    store(to + 4, _mm256_permute2x128_si256(lo, hi, 0x31));
}

static ALWAYS SIMD void lines_of(const struct resize_axis *x,
                                 const struct resize_lines *l, uint8_t *out,
                                 int out_stride, int pairs)
{
    uint64_t bytes[RESIZE_LINES];
    int i = 0;
    turn_lines(l);
    for (; i + 8 <= x->dst_n; i += 8) {
        outputs_of(x, l->scratch, i, 8, pairs, bytes);
        for (int k = 0; k < l->n; k++) {
            memcpy(out + (ptrdiff_t)k * out_stride + i, &bytes[k], sizeof(bytes[k]));
        }
    }
    if (i < x->dst_n) {
        const int n = x->dst_n - i;
        outputs_of(x, l->scratch, i, n, pairs, bytes);
        for (int k = 0; k < l->n; k++) {
            memcpy(out + (ptrdiff_t)k * out_stride + i, &bytes[k], (size_t)n);
        }
    }
}

// The numbers of pairs that common screens come to are worth loops of their own.
static SIMD void lines(const struct resize_axis *x, const struct resize_lines *l,
                       uint8_t *out, int out_stride)
{
    const int pairs = (x->max_count + 1) / 2;
    switch (pairs) {
    case 5: lines_of(x, l, out, out_stride, 5); break;
    case 6: lines_of(x, l, out, out_stride, 6); break;
    case 7: lines_of(x, l, out, out_stride, 7); break;
    case 8: lines_of(x, l, out, out_stride, 8); break;
    case 11: lines_of(x, l, out, out_stride, 11); break;
    default: lines_of(x, l, out, out_stride, pairs);
    }
}

// ---- PNG

// Two rows in three are of this filter, and nothing in it depends on the pixel before.
static SIMD void unfilter(int filter, const uint8_t *in, const uint8_t *up, size_t n,
                          size_t step, uint8_t *out)
{
    size_t i = 0;
    for (; filter == 2 && i + 32 <= n; i += 32) {
        store(out + i, _mm256_add_epi8(load(in + i), load(up + i)));
    }
    avx_unfilter(filter, in + i, up + i, n - i, step, out + i);
}

const struct kernels kernels_avx2 = {
    .name = "avx2",
    .luma = luma,
    .chroma = chroma,
    .boxes = boxes,
    .is_opaque = is_opaque,
    .columns = columns,
    .lines = lines,
    .unfilter = unfilter,
    .blocks = blocks_avx2,
    .add_block = sse41_add_block,
    .add_mean = sse41_add_mean,
};

#endif
