// unfilter_neon.c -- PNG filters in NEON vectors.
//
// The same chains as in unfilter_sse41.c, which says why; average needs no complements, as
// halving here rounds down.
// SPDX-License-Identifier: MIT
#include "image/kernels_simd.h"

#if VLMD_HAS_NEON_KERNELS

#include <arm_neon.h>
#include <string.h>

#define ALWAYS inline __attribute__((always_inline))

static ALWAYS size_t up_part(const uint8_t *in, const uint8_t *up, size_t n, uint8_t *out)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        vst1q_u8(out + i, vaddq_u8(vld1q_u8(in + i), vld1q_u8(up + i)));
    }
    return i;
}

// v, one or two pixels later.
static ALWAYS uint8x16_t later(uint8x16_t v, int step, int pixels)
{
    const uint8x16_t zero = vdupq_n_u8(0);
    return pixels == 1 ? step == 3 ? vextq_u8(zero, v, 13) : vextq_u8(zero, v, 12)
           : step == 3 ? vextq_u8(zero, v, 10)
                       : vextq_u8(zero, v, 8);
}

// Four pixels at a time: sums within the vector, then the last pixel before it on all.
static ALWAYS size_t sub_part(const uint8_t *in, size_t n, int step, uint8_t *out)
{
    static const uint8_t last_of[2][16] = {
        {9, 10, 11, 9, 10, 11, 9, 10, 11, 9, 10, 11, 255, 255, 255, 255},
        {12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15}};
    const uint8x16_t last = vld1q_u8(last_of[step - 3]);
    uint8x16_t left = vdupq_n_u8(0);
    size_t i = 0;
    for (; i + 16 <= n; i += 4 * (size_t)step) {
        uint8x16_t v = vld1q_u8(in + i);
        v = vaddq_u8(v, later(v, step, 1));
        v = vaddq_u8(v, later(v, step, 2));
        v = vaddq_u8(v, left);
        left = vqtbl1q_u8(v, last);
        vst1q_u8(out + i, v);
    }
    return i;
}

static ALWAYS uint8x16_t next_pixel(uint8x16_t v, int step)
{
    return step == 3 ? vextq_u8(v, v, 3) : vextq_u8(v, v, 4);
}

static ALWAYS uint8x16_t first_words(const uint8x16_t v[4])
{
    const uint32x4_t lo =
        vzip1q_u32(vreinterpretq_u32_u8(v[0]), vreinterpretq_u32_u8(v[1]));
    const uint32x4_t hi =
        vzip1q_u32(vreinterpretq_u32_u8(v[2]), vreinterpretq_u32_u8(v[3]));
    return vreinterpretq_u8_u64(
        vzip1q_u64(vreinterpretq_u64_u32(lo), vreinterpretq_u64_u32(hi)));
}

// Four pixels at a time, too: one after the other, but loaded and stored together.
static ALWAYS size_t average_part(const uint8_t *in, const uint8_t *up, size_t n,
                                  int step, uint8_t *out)
{
    static const uint8_t three_of_four[16] = {0,  1,  2,  4,  5,   6,   8,   9,
                                              10, 12, 13, 14, 255, 255, 255, 255};
    const uint8x16_t pack = vld1q_u8(three_of_four);
    uint8x16_t left = vdupq_n_u8(0);
    size_t i = 0;
    for (; i + 16 <= n; i += 4 * (size_t)step) {
        uint8x16_t above = vld1q_u8(up + i), x = vld1q_u8(in + i), v[4];
        for (int k = 0; k < 4; k++) {
            v[k] = left = vaddq_u8(vhaddq_u8(left, above), x);
            above = next_pixel(above, step);
            x = next_pixel(x, step);
        }
        const uint8x16_t all = first_words(v);
        vst1q_u8(out + i, step == 3 ? vqtbl1q_u8(all, pack) : all);
    }
    return i;
}

// left and corner (upper left) in sixteen-bit lanes; the lane of no pixel holds rubbish.
struct paeth {
    int16x4_t left;
    int16x4_t corner;
};

// Four bytes can be read at p.
static ALWAYS int16x4_t load4_wide(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return vreinterpret_s16_u16(
        vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(v)))));
}

static ALWAYS void store4(uint8_t *p, int16x4_t v)
{
    const uint8x8_t bytes = vmovn_u16(vreinterpretq_u16_s16(vcombine_s16(v, v)));
    const uint32_t word = vget_lane_u32(vreinterpret_u32_u8(bytes), 0);
    memcpy(p, &word, sizeof(word));
}

// Of the low bytes; the high ones stay 0.
static ALWAYS int16x4_t add_bytes(int16x4_t a, int16x4_t b)
{
    return vreinterpret_s16_u8(vadd_u8(vreinterpret_u8_s16(a), vreinterpret_u8_s16(b)));
}

// Each guess is added to the residual before it is known which one it will be: one step
// less in the chain from left to left.
static ALWAYS void paeth_pixel(struct paeth *p, const uint8_t *in, const uint8_t *up,
                               uint8_t *out)
{
    const int16x4_t above = load4_wide(up), x = load4_wide(in), c = p->corner;
    const int16x4_t lo = vmin_s16(p->left, above), hi = vmax_s16(p->left, above);
    const int16x4_t c3 = vadd_s16(c, vadd_s16(c, c));
    const int16x4_t t = vsub_s16(vsub_s16(c3, above), p->left);
    const int16x4_t inner = vbsl_s16(vcgt_s16(hi, t), add_bytes(c, x), add_bytes(lo, x));
    p->left = vbsl_s16(vcgt_s16(t, lo), inner, add_bytes(hi, x));
    p->corner = above;
    store4(out, p->left);
}

// run: 16 or 24.
static ALWAYS bool is_zero_run(const uint8_t *p, size_t run)
{
    uint8x16_t v = vld1q_u8(p);
    v = run == 24 ? vorrq_u8(v, vld1q_u8(p + 8)) : v;
    return vmaxvq_u32(vreinterpretq_u32_u8(v)) == 0;
}

// Where a run of residuals is zero and left equals upper left, it is a copy of what is
// above.  Runs are tried at two lengths: most are long, but few begin where the long ones
// do.
static ALWAYS size_t paeth_part(const uint8_t *in, const uint8_t *up, size_t n,
                                size_t step, uint8_t *out)
{
    const size_t full = step == 3 ? 48 : 32, half = full / 2;
    const uint64_t pixel = step == 3 ? 0xffffffffffff : UINT64_MAX;
    struct paeth p = {vdup_n_s16(0), vdup_n_s16(0)};
    size_t i = 0;
    // The last pixel of a run of RGB is loaded and stored with a byte of the next one.
    while (i + full < n) {
        const uint64_t differs =
            vget_lane_u64(vreinterpret_u64_s16(veor_s16(p.left, p.corner)), 0);
        if ((differs & pixel) == 0 && is_zero_run(in + i, half)) {
            const size_t run = is_zero_run(in + i + half, half) ? full : half;
            memcpy(out + i, up + i, half);
            if (run == full) {
                memcpy(out + i + half, up + i + half, half);
            }
            i += run;
            p.left = p.corner = load4_wide(up + i - step);
            continue;
        }
        for (size_t end = i + half; i < end; i += step) {
            paeth_pixel(&p, in + i, up + i, out + i);
        }
    }
    return i;
}

static ALWAYS size_t vector_part(int filter, const uint8_t *in, const uint8_t *up,
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

void neon_unfilter(int filter, const uint8_t *in, const uint8_t *up, size_t n,
                   size_t step, uint8_t *out)
{
    const size_t i = step == 3 ? vector_part(filter, in, up, n, 3, out)
                               : vector_part(filter, in, up, n, 4, out);
    kernels_unfilter_rest(filter, in, up, i, n, step, out);
}

#endif
