// kernels_neon.c -- the inner loops in NEON vectors, which every 64-bit ARM has.
//
// Interleaved loads take pixels apart, so that no shuffles are needed.  Rows end with the
// scalar set.  PNG, JPEG and VP8 have files of their own.
// SPDX-License-Identifier: MIT
#include "image/kernels_simd.h"

#if VLMD_HAS_NEON_KERNELS

#include <arm_neon.h>
#include <string.h>

// ---- colour

static inline uint32x4_t weigh(uint16x4_t r, uint16x4_t g, uint16x4_t b)
{
    uint32x4_t sum = vmull_n_u16(r, LUMA_R);
    sum = vmlal_n_u16(sum, g, LUMA_G);
    return vmlal_n_u16(sum, b, LUMA_B);
}

static inline uint8x8_t luma8(uint8x8_t r, uint8x8_t g, uint8x8_t b)
{
    const uint16x8_t wr = vmovl_u8(r), wg = vmovl_u8(g), wb = vmovl_u8(b);
    const uint32x4_t lo = weigh(vget_low_u16(wr), vget_low_u16(wg), vget_low_u16(wb));
    const uint32x4_t hi = weigh(vget_high_u16(wr), vget_high_u16(wg), vget_high_u16(wb));
    // Rounding shifts: by 15 in all.
    return vmovn_u16(vcombine_u16(vrshrn_n_u32(lo, 15), vrshrn_n_u32(hi, 15)));
}

static inline uint8x16x3_t load16(const uint8_t *px, int step)
{
    if (step == 3) {
        return vld3q_u8(px);
    }
    const uint8x16x4_t v = vld4q_u8(px);
    return (uint8x16x3_t){{v.val[0], v.val[1], v.val[2]}};
}

static void luma(const uint8_t *px, int n, int step, uint8_t *out)
{
    int x = 0;
    for (; x + 16 <= n; x += 16) {
        const uint8x16x3_t v = load16(px + x * step, step);
        const uint8x8_t lo =
            luma8(vget_low_u8(v.val[0]), vget_low_u8(v.val[1]), vget_low_u8(v.val[2]));
        const uint8x8_t hi =
            luma8(vget_high_u8(v.val[0]), vget_high_u8(v.val[1]), vget_high_u8(v.val[2]));
        vst1q_u8(out + x, vcombine_u8(lo, hi));
    }
    kernels_scalar.luma(px + x * step, n - x, step, out + x);
}

// Of eight times 2 x 2 pixels, R, G and B apart.
static inline uint16x8x3_t sums8(const uint8_t *px, const uint8_t *below, int step)
{
    const uint8x16x3_t a = load16(px, step), b = load16(below, step);
    return (uint16x8x3_t){{vpadalq_u8(vpaddlq_u8(a.val[0]), b.val[0]),
                           vpadalq_u8(vpaddlq_u8(a.val[1]), b.val[1]),
                           vpadalq_u8(vpaddlq_u8(a.val[2]), b.val[2])}};
}

static inline int16x4_t mix(int16x4_t r, int16x4_t g, int16x4_t b, int wr, int wg, int wb)
{
    int32x4_t sum = vdupq_n_s32((128 << 17) + (1 << 16));
    sum = vmlal_n_s16(sum, r, (int16_t)wr);
    sum = vmlal_n_s16(sum, g, (int16_t)wg);
    sum = vmlal_n_s16(sum, b, (int16_t)wb);
    return vmovn_s32(vshrq_n_s32(sum, 17));
}

static inline uint8x8_t mix8(const int16x8_t v[3], int wr, int wg, int wb)
{
    const int16x4_t lo =
        mix(vget_low_s16(v[0]), vget_low_s16(v[1]), vget_low_s16(v[2]), wr, wg, wb);
    const int16x4_t hi =
        mix(vget_high_s16(v[0]), vget_high_s16(v[1]), vget_high_s16(v[2]), wr, wg, wb);
    return vqmovun_s16(vcombine_s16(lo, hi));
}

static void chroma(const uint8_t *px, const uint8_t *below, int n, int step, uint8_t *cb,
                   uint8_t *cr)
{
    int x = 0;
    for (; x + 16 <= n; x += 16) {
        const uint16x8x3_t u = sums8(px + x * step, below + x * step, step);
        const int16x8_t v[3] = {vreinterpretq_s16_u16(u.val[0]),
                                vreinterpretq_s16_u16(u.val[1]),
                                vreinterpretq_s16_u16(u.val[2])};
        vst1_u8(cb + x / 2, mix8(v, CB_R, CB_G, CB_B));
        vst1_u8(cr + x / 2, mix8(v, CR_R, CR_G, CR_B));
    }
    kernels_scalar.chroma(px + x * step, below + x * step, n - x, step, cb + x / 2,
                          cr + x / 2);
}

static void boxes(const uint8_t *px, const uint8_t *below, int n, int step, uint8_t *rgbx)
{
    int x = 0;
    for (; x + 16 <= n; x += 16) {
        const uint16x8x3_t u = sums8(px + x * step, below + x * step, step);
        const uint8x8x4_t v = {{vrshrn_n_u16(u.val[0], 2), vrshrn_n_u16(u.val[1], 2),
                                vrshrn_n_u16(u.val[2], 2), vdup_n_u8(0)}};
        vst4_u8(rgbx + 2 * x, v);
    }
    kernels_scalar.boxes(px + x * step, below + x * step, n - x, step, rgbx + 2 * x);
}

static bool is_opaque(const uint8_t *rgba, int n)
{
    uint8x16_t all = vdupq_n_u8(255);
    int x = 0;
    for (; x + 16 <= n; x += 16) {
        all = vandq_u8(all, vld4q_u8(rgba + 4 * x).val[3]);
    }
    return vminvq_u8(all) == 255 && kernels_scalar.is_opaque(rgba + 4 * x, n - x);
}

// ---- filter

// The high half of v * 256 * w: the instruction doubles, so 128 is enough.  Sums may wrap.
static inline uint16x8_t add_product(uint16x8_t sum, int8x8_t v, int16_t w)
{
    const int16x8_t product = vqdmulhq_n_s16(vshll_n_s8(v, 7), w);
    return vaddq_u16(sum, vreinterpretq_u16_s16(product));
}

static void columns(const uint8_t *const *rows, const int16_t *weights, int count,
                    int from, int n, int16_t *out)
{
    if (count > MOST_SHORT) {
        kernels_long_columns(rows, weights, count, from, n, out);
        return;
    }
    const uint16x8_t start =
        vdupq_n_u16((uint16_t)((128 << RESIZE_LINE_BITS) + count / 2));
    int x = from;
    for (; x + 16 <= n; x += 16) {
        uint16x8_t lo = start, hi = start;
        for (int k = 0; k < count; k++) {
            const uint8x16_t u = veorq_u8(vld1q_u8(rows[k] + x), vdupq_n_u8(0x80));
            const int8x16_t v = vreinterpretq_s8_u8(u);
            lo = add_product(lo, vget_low_s8(v), weights[k]);
            hi = add_product(hi, vget_high_s8(v), weights[k]);
        }
        vst1q_s16(out + x, vreinterpretq_s16_u16(lo));
        vst1q_s16(out + x + 8, vreinterpretq_s16_u16(hi));
    }
    kernels_scalar.columns(rows, weights, count, x, n, out);
}

static inline int32x4_t dot(const int16_t *v, const int16_t *w, int taps)
{
    int32x4_t sum = vdupq_n_s32(0);
    for (int k = 0; k < taps; k += 8) {
        const int16x8_t a = vld1q_s16(v + k), b = vld1q_s16(w + k);
        sum = vmlal_s16(sum, vget_low_s16(a), vget_low_s16(b));
        sum = vmlal_high_s16(sum, a, b);
    }
    return sum;
}

static inline void line_of(const struct resize_axis *x, const int16_t *in, uint8_t *out,
                           int taps)
{
    const int32x4_t bias = vdupq_n_s32(x->bias);
    int i = 0;
    for (; i + 4 <= x->dst_n; i += 4) {
        const int16_t *w = x->weights + (size_t)i * (size_t)taps;
        const int *first = x->first + i;
        const int32x4_t a = dot(in + first[0], w, taps);
        const int32x4_t b = dot(in + first[1], w + taps, taps);
        const int32x4_t c = dot(in + first[2], w + 2 * taps, taps);
        const int32x4_t d = dot(in + first[3], w + 3 * taps, taps);
        int32x4_t sum = vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
        sum = vshrq_n_s32(vaddq_s32(sum, bias), RESIZE_WEIGHT_BITS + RESIZE_LINE_BITS);
        const int16x4_t half = vqmovn_s32(sum);
        const uint8x8_t bytes = vqmovun_s16(vcombine_s16(half, half));
        const uint32_t word = vget_lane_u32(vreinterpret_u32_u8(bytes), 0);
        memcpy(out + i, &word, sizeof(word));
    }
    kernels_scalar_line(x, in, i, out);
}

static void lines(const struct resize_axis *x, const struct resize_lines *l, uint8_t *out,
                  int out_stride)
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

const struct kernels kernels_neon = {
    .name = "neon",
    .luma = luma,
    .chroma = chroma,
    .boxes = boxes,
    .is_opaque = is_opaque,
    .columns = columns,
    .lines = lines,
    .unfilter = neon_unfilter,
    .blocks = neon_blocks,
    .add_block = neon_add_block,
    .add_mean = neon_add_mean,
};

#endif
