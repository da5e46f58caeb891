// pixels.c -- operations on small planes: memory, range, orientation, thumb.
//
// Colour management is left out on purpose: ICC profiles and gamma chunks are ignored.
// Screens tag their captures with their own profile; the shift against sRGB is a few
// per cent of saturation, which no model's answer hangs on, while profiles are compressed
// data from outside and a colour engine a large dependency.
// SPDX-License-Identifier: MIT
#include "image/pixels.h"

#include "image/kernels.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int planes_get(struct planes *p, int width, int height, struct arena *arena)
{
    assert(width > 0 && height > 0);
    *p = (struct planes){.width = width, .height = height};
    for (int i = 0; i < 3; i++) {
        const int w = i ? (width + 1) / 2 : width;
        const int h = i ? (height + 1) / 2 : height;
        p->stride[i] = (w + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
        p->p[i] = arena_get_array(arena, (size_t)p->stride[i], (size_t)h);
        if (!p->p[i]) {
            return E_NOMEM;
        }
    }
    return 0;
}

static void fill_grey(struct planes *p, int i)
{
    memset(p->p[i], 128, (size_t)p->stride[i] * (size_t)((p->height + 1) / 2));
}

// From video range, which the filter changes on its way.
// Source: BT.601: 219 steps of luma from 16, 224 of chroma around 128.
static const struct resize_range from_video[2] = {
    {255.0 / 219, -16 * 255.0 / 219},
    {255.0 / 224, 128 - 128 * 255.0 / 224},
};

int plane_shrink_init(struct resize *r, int i, const struct planes *small,
                      const struct planes *full, int sub_x, int sub_y,
                      const struct kernels *kernels, struct arena *arena)
{
    const struct resize_plane p = {
        .kernels = kernels ? kernels : kernels_best(),
        .src_width = i ? (double)full->width / sub_x : full->width,
        .src_height = i ? (double)full->height / sub_y : full->height,
        .dst_width = i ? small->width / 2.0 : small->width,
        .dst_height = i ? small->height / 2.0 : small->height,
        .range = full->is_video_range ? &from_video[i > 0] : NULL,
        .out = small->p[i],
        .out_stride = small->stride[i],
    };
    return resize_init(r, arena, &p);
}

int planes_shrink(struct planes *small, const struct planes *full, int sub_x, int sub_y,
                  const struct kernels *kernels, struct arena *arena)
{
    for (int i = 0; i < 3; i++) {
        if (!full->p[i]) {
            fill_grey(small, i);
            continue;
        }
        struct resize r;
        int rc = plane_shrink_init(&r, i, small, full, sub_x, sub_y, kernels, arena);
        if (rc) {
            return rc;
        }
        resize_whole(&r, full->p[i], full->stride[i]);
    }
    return 0;
}

static uint8_t clamp_byte(int v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static void luma_table(uint8_t table[256])
{
    for (int i = 0; i < 256; i++) {
        table[i] = i <= 16 ? 0 : clamp_byte(((i - 16) * 255 + 109) / 219);
    }
}

static void map_plane(uint8_t *p, int stride, int width, int height,
                      const uint8_t table[256])
{
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            p[x] = table[p[x]];
        }
        p += stride;
    }
}

void luma_copy_full_range(uint8_t *out, const uint8_t *in, int stride, int width,
                          int height)
{
    uint8_t table[256];
    luma_table(table);
    luma_copy(out, in, stride, width, height);
    map_plane(out, width, width, height, table);
}

void luma_copy(uint8_t *out, const uint8_t *in, int stride, int width, int height)
{
    for (int y = 0; y < height; y++) {
        memcpy(out + (size_t)y * (size_t)width, in + (size_t)y * (size_t)stride,
               (size_t)width);
    }
}

struct turn orientation_turn(int orientation)
{
    static const struct turn turns[9] = {
        [1] = {false, false, false}, [2] = {true, false, false},
        [3] = {true, true, false},   [4] = {false, true, false},
        [5] = {false, false, true},  [6] = {false, true, true},
        [7] = {true, true, true},    [8] = {true, false, true},
    };
    assert(orientation >= 1 && orientation <= 8);
    return turns[orientation];
}

void plane_turn(uint8_t *out, int out_stride, const uint8_t *in, int stride, int width,
                int height, int orientation)
{
    const struct turn t = orientation_turn(orientation);
    // From an output pixel to its right and its lower neighbour.
    const ptrdiff_t across = t.from_right ? -1 : 1;
    const ptrdiff_t down = t.from_bottom ? -(ptrdiff_t)stride : stride;
    const uint8_t *from = in + (t.from_right ? width - 1 : 0) +
                          (t.from_bottom ? (ptrdiff_t)(height - 1) * stride : 0);
    const int out_width = t.swaps ? height : width;
    const int out_height = t.swaps ? width : height;
    const ptrdiff_t step_x = t.swaps ? down : across;
    const ptrdiff_t step_y = t.swaps ? across : down;
    for (int y = 0; y < out_height; y++) {
        uint8_t *to = out + (ptrdiff_t)y * out_stride;
        for (int x = 0; x < out_width; x++) {
            to[x] = from[y * step_y + x * step_x];
        }
    }
}

int planes_turn(struct planes *p, int orientation, struct arena *arena)
{
    const bool swaps = orientation_swaps_sides(orientation);
    struct planes out;
    int rc = planes_get(&out, swaps ? p->height : p->width, swaps ? p->width : p->height,
                        arena);
    if (rc) {
        return rc;
    }
    for (int i = 0; i < 3; i++) {
        const int w = i ? (p->width + 1) / 2 : p->width;
        const int h = i ? (p->height + 1) / 2 : p->height;
        plane_turn(out.p[i], out.stride[i], p->p[i], p->stride[i], w, h, orientation);
    }
    *p = out;
    return 0;
}

// Block i of n over a side; at least one sample, also when the side is shorter than n.
struct block {
    int from, to;
};

static struct block block_at(int i, int n, int side)
{
    const int from = (int)((int64_t)i * side / n),
              to = (int)((int64_t)(i + 1) * side / n);
    return (struct block){from, to > from ? to : from + 1};
}

enum {
    COLUMNS = 1024,   // whose sums stay in L1; more than the widest block has
    MOST_ROWS = 256,  // whose sums fit sixteen bits
};

// Whole rows, as memory likes to be read, and three of them for each time the sums are
// loaded and stored.
static void add_rows(const uint8_t *restrict from, ptrdiff_t stride, int rows, int n,
                     uint16_t *restrict sums)
{
    for (; rows >= 3; rows -= 3, from += 3 * stride) {
        const uint8_t *b = from + stride, *c = b + stride;
        for (int x = 0; x < n; x++) {
            sums[x] = (uint16_t)(sums[x] + from[x] + b[x] + c[x]);
        }
    }
    for (; rows > 0; rows--, from += stride) {
        for (int x = 0; x < n; x++) {
            sums[x] = (uint16_t)(sums[x] + from[x]);
        }
    }
}

// Six columns, which are one block of 768, at a time: there are too few for vectors.
static uint32_t sum_of(const uint16_t *values, int n)
{
    uint32_t sum = 0;
    for (; n >= 6; n -= 6, values += 6) {
        sum += (uint32_t)(values[0] + values[1] + values[2] + values[3] + values[4] +
                          values[5]);
    }
    for (int i = 0; i < n; i++) {
        sum += values[i];
    }
    return sum;
}

// Of blocks side by side, as many at a time as fit into the sums of columns.  At most
// MOST_ROWS rows.
static void sum_blocks(const struct planes *p, const struct block *x, int y0, int y1,
                       uint32_t totals[IMAGE_THUMB_W])
{
    uint16_t sums[COLUMNS];
    const ptrdiff_t stride = p->stride[0];
    const uint8_t *row = p->p[0] + y0 * stride;
    int from = 0, to = 0;
    for (int b = 0; b < IMAGE_THUMB_W; b++) {
        if (x[b].to > to) {
            from = x[b].from;
            to = p->width - from < COLUMNS ? p->width : from + COLUMNS;
            memset(sums, 0, (size_t)(to - from) * sizeof(*sums));
            add_rows(row + from, stride, y1 - y0, to - from, sums);
        }
        totals[b] += sum_of(sums + (x[b].from - from), x[b].to - x[b].from);
    }
}

// sum / area is sum * inverse >> 32, exactly: at most by 2^-32 of the sum too much, which is
// less than one part of the area as long as 256 * area * area < 2^32.  0: it is not.
static uint32_t inverse_of(uint32_t area)
{
    return area > 1 && area <= 4096 ? UINT32_MAX / area + 1 : 0;
}

static void thumb_row(const struct planes *p, const struct block *x, struct block y,
                      uint8_t *out)
{
    uint32_t totals[IMAGE_THUMB_W] = {0};
    for (int from = y.from; from < y.to; from += MOST_ROWS) {
        sum_blocks(p, x, from, y.to - from < MOST_ROWS ? y.to : from + MOST_ROWS, totals);
    }
    uint32_t area = 0, inverse = 0;
    for (int b = 0; b < IMAGE_THUMB_W; b++) {
        const uint32_t own = (uint32_t)(x[b].to - x[b].from) * (uint32_t)(y.to - y.from);
        if (own != area) {
            area = own;
            inverse = inverse_of(area);
        }
        const uint32_t sum = totals[b] + area / 2;
        out[b] = (uint8_t)(inverse ? (uint64_t)sum * inverse >> 32 : sum / area);
    }
}

void planes_thumb(const struct planes *p, uint8_t *out)
{
    struct block x[IMAGE_THUMB_W];
    for (int b = 0; b < IMAGE_THUMB_W; b++) {
        x[b] = block_at(b, IMAGE_THUMB_W, p->width);
    }
    for (int b = 0; b < IMAGE_THUMB_H; b++) {
        thumb_row(p, x, block_at(b, IMAGE_THUMB_H, p->height),
                  out + (size_t)b * IMAGE_THUMB_W);
    }
}
