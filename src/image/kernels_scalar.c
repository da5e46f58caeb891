// kernels_scalar.c -- the inner loops in plain C: the meaning of all other sets, what they
// end their rows with, and what machines without vectors run.
// Source: PNG specification, chapter 9 (filters); F. Giesen's notes on a Paeth predictor
// with a short dependency chain; JFIF 1.02.
// SPDX-License-Identifier: MIT
#include "image/kernels.h"

#include <string.h>

enum { BLOCK = 128 };  // columns whose sums stay in L1

// ---- colour

static void luma(const uint8_t *restrict px, int n, int step, uint8_t *restrict out)
{
    for (int x = 0; x < n; x++, px += step) {
        out[x] =
            (uint8_t)((LUMA_R * px[0] + LUMA_G * px[1] + LUMA_B * px[2] + (1 << 14)) >>
                      15);
    }
}

// Of the pixels at x and x + 1 in both rows.
static void sum_box(const uint8_t *px, const uint8_t *below, int n, int step, int x,
                    int sums[3])
{
    const int here = x * step, next = (x + 1 < n ? x + 1 : x) * step;
    for (int c = 0; c < 3; c++) {
        sums[c] = px[here + c] + px[next + c] + below[here + c] + below[next + c];
    }
}

// A sum of four pixels times Q15, moved to the middle.
static uint8_t chroma_byte(int sum)
{
    const int v = (sum + (128 << 17) + (1 << 16)) >> 17;
    return (uint8_t)(v > 255 ? 255 : v);
}

static void chroma(const uint8_t *px, const uint8_t *below, int n, int step,
                   uint8_t *restrict cb, uint8_t *restrict cr)
{
    for (int x = 0; x < n; x += 2) {
        int v[3];
        sum_box(px, below, n, step, x, v);
        cb[x / 2] = chroma_byte(CB_R * v[0] + CB_G * v[1] + CB_B * v[2]);
        cr[x / 2] = chroma_byte(CR_R * v[0] + CR_G * v[1] + CR_B * v[2]);
    }
}

static void boxes(const uint8_t *px, const uint8_t *below, int n, int step,
                  uint8_t *restrict rgbx)
{
    for (int x = 0; x < n; x += 2, rgbx += 4) {
        int v[3];
        sum_box(px, below, n, step, x, v);
        for (int c = 0; c < 3; c++) {
            rgbx[c] = (uint8_t)((v[c] + 2) >> 2);
        }
        rgbx[3] = 0;
    }
}

static bool is_opaque(const uint8_t *rgba, int n)
{
    uint8_t all = 255;
    for (int x = 0; x < n; x++) {
        all &= rgba[4 * x + 3];
    }
    return all == 255;
}

// ---- filter

// Bytes are centred, so that they fill sixteen signed bits, and only the high half of
// each product is kept.  Each product is rounded down, half a unit on average, which the
// start value makes good; what is left is noise 80 dB below the picture.
static void columns_short(const uint8_t *const *rows, const int16_t *weights, int count,
                          int from, int n, int16_t *restrict out)
{
    const int16_t start = (int16_t)((128 << RESIZE_LINE_BITS) + count / 2);
    for (int x = from; x < n; x++) {
        out[x] = start;
    }
    for (int k = 0; k < count; k++) {
        const uint8_t *restrict row = rows[k];
        const int w = weights[k];
        for (int x = from; x < n; x++) {
            const int16_t v = (int16_t)((row[x] - 128) * 256);
            out[x] = (int16_t)(out[x] + ((v * w) >> 16));
        }
    }
}

// Many weights are small ones, whose products all lose alike; they are summed in full.
void kernels_long_columns(const uint8_t *const *rows, const int16_t *weights, int count,
                          int from, int n, int16_t *out)
{
    const int shift = 8;
    int32_t sum[BLOCK];
    for (int x0 = from; x0 < n; x0 += BLOCK) {
        const int m = n - x0 < BLOCK ? n - x0 : BLOCK;
        for (int x = 0; x < m; x++) {
            sum[x] = (128 << (RESIZE_LINE_BITS + shift)) + (1 << (shift - 1));
        }
        for (int k = 0; k < count; k++) {
            const uint8_t *restrict row = rows[k] + x0;
            for (int x = 0; x < m; x++) {
                sum[x] += (row[x] - 128) * weights[k];
            }
        }
        for (int x = 0; x < m; x++) {
            out[x0 + x] = (int16_t)(sum[x] >> shift);
        }
    }
}

static void columns(const uint8_t *const *rows, const int16_t *weights, int count,
                    int from, int n, int16_t *out)
{
    if (count > MOST_SHORT) {
        kernels_long_columns(rows, weights, count, from, n, out);
    } else {
        columns_short(rows, weights, count, from, n, out);
    }
}

void kernels_scalar_line(const struct resize_axis *x, const int16_t *in, int from,
                         uint8_t *out)
{
    const int shift = RESIZE_WEIGHT_BITS + RESIZE_LINE_BITS;
    for (int i = from; i < x->dst_n; i++) {
        const int16_t *v = in + x->first[i];
        const int16_t *w = x->weights + (size_t)i * (size_t)x->taps;
        int32_t sum = x->bias;
        for (int k = 0; k < x->taps; k++) {
            sum += v[k] * w[k];
        }
        sum >>= shift;
        out[i] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
}

static void lines(const struct resize_axis *x, const struct resize_lines *l, uint8_t *out,
                  int out_stride)
{
    for (int k = 0; k < l->n; k++) {
        kernels_scalar_line(x, l->v + (ptrdiff_t)k * l->stride, 0,
                            out + (ptrdiff_t)k * out_stride);
    }
}

// ---- PNG

// The neighbour nearest to a + b - c, ties to a, then b.  Comparing 3c - a - b with both
// neighbours gives the same answer as the three distances of the specification.
static inline uint8_t paeth(int a, int b, int c)
{
    const int lo = a < b ? a : b;
    const int hi = a < b ? b : a;
    const int t = 3 * c - a - b;
    const int low_or_mid = t > lo ? c : hi;
    return (uint8_t)(hi > t ? low_or_mid : lo);
}

static void unfilter_up(const uint8_t *in, const uint8_t *up, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = (uint8_t)(in[i] + up[i]);
    }
}

static void unfilter_sub(const uint8_t *in, size_t n, size_t step, uint8_t *out)
{
    memcpy(out, in, step);
    for (size_t i = step; i < n; i++) {
        out[i] = (uint8_t)(in[i] + out[i - step]);
    }
}

static void unfilter_average(const uint8_t *in, const uint8_t *up, size_t n, size_t step,
                             uint8_t *out)
{
    for (size_t i = 0; i < n; i++) {
        const int left = i >= step ? out[i - step] : 0;
        out[i] = (uint8_t)(in[i] + (left + up[i]) / 2);
    }
}

static void unfilter_paeth(const uint8_t *in, const uint8_t *up, size_t n, size_t step,
                           uint8_t *out)
{
    unfilter_up(in, up, step, out);
    for (size_t i = step; i < n; i++) {
        out[i] = (uint8_t)(in[i] + paeth(out[i - step], up[i], up[i - step]));
    }
}

static void unfilter(int filter, const uint8_t *in, const uint8_t *up, size_t n,
                     size_t step, uint8_t *out)
{
    switch (filter) {
    case 1: unfilter_sub(in, n, step, out); break;
    case 2: unfilter_up(in, up, n, out); break;
    case 3: unfilter_average(in, up, n, step, out); break;
    case 4: unfilter_paeth(in, up, n, step, out); break;
    default: memcpy(out, in, n);
    }
}

void kernels_unfilter_rest(int filter, const uint8_t *in, const uint8_t *up, size_t i,
                           size_t n, size_t step, uint8_t *out)
{
    for (; i < n; i++) {
        const int a = i >= step ? out[i - step] : 0, b = up[i];
        const int c = i >= step ? up[i - step] : 0;
        const int guess = filter == 1   ? a
                          : filter == 2 ? b
                          : filter == 3 ? (a + b) / 2
                                        : paeth(a, b, c);
        out[i] = (uint8_t)(in[i] + guess);
    }
}

// ---- VP8

static int times_cos(int v)
{
    return v + (v * VP8_COS >> 16);
}

static int times_sin(int v)
{
    return v * VP8_SIN >> 16;
}

// Four values, step apart.
static void transform(const int *in, int step, int out[4])
{
    const int a = in[0] + in[2 * step], b = in[0] - in[2 * step];
    const int c = times_sin(in[step]) - times_cos(in[3 * step]);
    const int d = times_cos(in[step]) + times_sin(in[3 * step]);
    out[0] = a + d;
    out[1] = b + c;
    out[2] = b - c;
    out[3] = a - d;
}

static uint8_t add_clamped(int a, int b)
{
    return (uint8_t)(a + b < 0 ? 0 : a + b > 255 ? 255 : a + b);
}

void kernels_scalar_add_block(const int16_t coeffs[16], uint8_t *at, int stride)
{
    int in[16], columns_done[4][4];
    for (int i = 0; i < 16; i++) {
        in[i] = coeffs[i];
    }
    for (int x = 0; x < 4; x++) {
        transform(in + x, 4, columns_done[x]);
    }
    for (int y = 0; y < 4; y++) {
        int row[4];
        columns_done[0][y] += 4;
        transform(&columns_done[0][y], 4, row);
        for (int x = 0; x < 4; x++) {
            at[y * stride + x] = add_clamped(at[y * stride + x], row[x] >> 3);
        }
    }
}

void kernels_scalar_add_mean(int coeff, uint8_t *at, int stride)
{
    const int v = (coeff + 4) >> 3;
    for (int y = 0; y < 4; y++) {
        for (int x = 0; x < 4; x++) {
            at[y * stride + x] = add_clamped(at[y * stride + x], v);
        }
    }
}

const struct kernels kernels_scalar = {
    .name = "scalar",
    .luma = luma,
    .chroma = chroma,
    .boxes = boxes,
    .is_opaque = is_opaque,
    .columns = columns,
    .lines = lines,
    .unfilter = unfilter,
    .blocks = blocks_scalar,
    .add_block = kernels_scalar_add_block,
    .add_mean = kernels_scalar_add_mean,
};
