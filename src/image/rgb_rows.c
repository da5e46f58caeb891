// rgb_rows.c -- RGB rows from PNG and lossless WebP become small full-range YUV planes.
//
// Each row is converted while it is hot in the cache and goes straight into the three
// resizers; a picture of any size needs only a few rows of memory.  From four times the
// wanted size on, 2x2 boxes are averaged first: a quarter less time at 4K for hardly
// visible loss.
// Source: JFIF 1.02 (BT.601, full range); chroma sits in the middle of its four pixels.
// SPDX-License-Identifier: MIT
#include "image/pixels.h"

#include <string.h>

enum { HALVE_FROM_RATIO = 4 };

static int open_planes(struct rows *r, const struct decode *d)
{
    const double width = r->is_halved ? r->width / 2.0 : r->width;
    const double height = r->is_halved ? r->height / 2.0 : r->height;
    const struct planes *s = &d->small;
    for (int i = 0; i < 3; i++) {
        const double div = i ? 2 : 1;
        // Chroma planes of an odd number of converted rows end half a sample later than
        // the picture does; the resizer is told lengths, not counts.
        const struct resize_plane p = {
            .src_width = width / div,
            .src_height = height / div,
            .dst_width = s->width / div,
            .dst_height = s->height / div,
            .out = s->p[i],
            .out_stride = s->stride[i],
        };
        int rc = resize_init(&r->plane[i], d->arena, &p);
        if (!rc) {
            rc = resize_stream(&r->plane[i], d->arena);
        }
        if (rc) {
            return rc;
        }
    }
    return 0;
}

int rows_open(struct rows *r, const struct decode *d)
{
    const struct head *h = d->head;
    *r = (struct rows){.width = h->width, .height = h->height, .luma = d->luma};
    r->is_halved = h->width >= HALVE_FROM_RATIO * d->small.width &&
                   h->height >= HALVE_FROM_RATIO * d->small.height;
    r->half_width = r->is_halved ? (h->width + 1) / 2 : h->width;
    r->half_height = r->is_halved ? (h->height + 1) / 2 : h->height;
    const size_t width = (size_t)h->width;
    const size_t half = (size_t)r->half_width;
    r->flat = arena_get_array(d->arena, width, 3);
    r->boxes = arena_get_array(d->arena, half, 3 * sizeof(*r->boxes));
    r->box_row = arena_get_array(d->arena, half, 3);
    r->pairs = arena_get_array(d->arena, (half + 1) / 2, 3 * sizeof(*r->pairs));
    if (!r->flat || !r->boxes || !r->box_row || !r->pairs) {
        return E_NOMEM;
    }
    return open_planes(r, d);
}

// c * a + 255 * (255 - a), divided by 255 and rounded.
static inline uint8_t on_white(int c, int a)
{
    const int v = c * a + 255 * (255 - a) + 128;
    return (uint8_t)((v + (v >> 8)) >> 8);
}

static void flatten(const uint8_t *restrict rgba, int n, uint8_t *restrict out)
{
    for (int x = 0; x < n; x++) {
        const int a = rgba[4 * x + 3];
        out[3 * x] = on_white(rgba[4 * x], a);
        out[3 * x + 1] = on_white(rgba[4 * x + 1], a);
        out[3 * x + 2] = on_white(rgba[4 * x + 2], a);
    }
}

static void drop_alpha(const uint8_t *restrict rgba, int n, uint8_t *restrict out)
{
    for (int x = 0; x < n; x++) {
        out[3 * x] = rgba[4 * x];
        out[3 * x + 1] = rgba[4 * x + 1];
        out[3 * x + 2] = rgba[4 * x + 2];
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

static void to_luma(const uint8_t *restrict rgb, int n, uint8_t *restrict out)
{
    for (int x = 0; x < n; x++) {
        const int r = rgb[3 * x], g = rgb[3 * x + 1], b = rgb[3 * x + 2];
        out[x] = (uint8_t)((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
    }
}

// out[i] = pixel 2i + pixel 2i + 1, per colour; the last pixel of an odd row twice.
static void add_neighbours(const uint8_t *restrict rgb, int n, uint16_t *restrict out)
{
    for (int x = 0; x < n / 2; x++) {
        for (int c = 0; c < 3; c++) {
            out[3 * x + c] = (uint16_t)(rgb[6 * x + c] + rgb[6 * x + 3 + c]);
        }
    }
    if (n & 1) {
        for (int c = 0; c < 3; c++) {
            out[3 * (n / 2) + c] = (uint16_t)(2 * rgb[3 * (n - 1) + c]);
        }
    }
}

static uint8_t chroma_byte(int sum)
{
    // sum is of four pixels, hence two bits more.
    const int v = (sum + (128 << 18) + (1 << 17)) >> 18;
    return (uint8_t)(v > 255 ? 255 : v);
}

static void to_chroma(const uint16_t *restrict sums, int n, uint8_t *restrict u,
                      uint8_t *restrict v)
{
    for (int x = 0; x < n; x++) {
        const int r = sums[3 * x], g = sums[3 * x + 1], b = sums[3 * x + 2];
        u[x] = chroma_byte(-11059 * r - 21709 * g + 32768 * b);
        v[x] = chroma_byte(32768 * r - 27439 * g - 5329 * b);
    }
}

// Adds this row's pairs to those of the row above, or doubles them when there is none.
static void finish_pairs(uint16_t *restrict pairs, const uint8_t *restrict rgb, int n,
                         bool is_second)
{
    if (!is_second) {
        add_neighbours(rgb, n, pairs);
        for (int i = 0; i < 3 * ((n + 1) / 2); i++) {
            pairs[i] = (uint16_t)(2 * pairs[i]);
        }
        return;
    }
    for (int x = 0; x < n / 2; x++) {
        for (int c = 0; c < 3; c++) {
            pairs[3 * x + c] =
                (uint16_t)(pairs[3 * x + c] + rgb[6 * x + c] + rgb[6 * x + 3 + c]);
        }
    }
    if (n & 1) {
        for (int c = 0; c < 3; c++) {
            const int i = 3 * (n / 2) + c;
            pairs[i] = (uint16_t)(pairs[i] + 2 * rgb[3 * (n - 1) + c]);
        }
    }
}

static void convert_row(struct rows *r, const uint8_t *rgb)
{
    const int y = r->half_y++;
    to_luma(rgb, r->half_width, resize_row(&r->plane[0]));
    resize_push(&r->plane[0]);
    const bool is_second = y & 1;
    if (!is_second && y + 1 < r->half_height) {
        add_neighbours(rgb, r->half_width, r->pairs);
        return;
    }
    finish_pairs(r->pairs, rgb, r->half_width, is_second);
    to_chroma(r->pairs, (r->half_width + 1) / 2, resize_row(&r->plane[1]),
              resize_row(&r->plane[2]));
    resize_push(&r->plane[1]);
    resize_push(&r->plane[2]);
}

static void halve_row(struct rows *r, const uint8_t *rgb)
{
    const bool is_second = r->y & 1;
    if (!is_second && r->y + 1 < r->height) {
        add_neighbours(rgb, r->width, r->boxes);
        return;
    }
    finish_pairs(r->boxes, rgb, r->width, is_second);
    for (int i = 0; i < 3 * r->half_width; i++) {
        r->box_row[i] = (uint8_t)((r->boxes[i] + 2) >> 2);
    }
    convert_row(r, r->box_row);
}

void rows_put(struct rows *r, const uint8_t *row, int channels)
{
    const uint8_t *rgb = row;
    if (channels == 4) {
        if (is_opaque(row, r->width)) {
            drop_alpha(row, r->width, r->flat);
        } else {
            flatten(row, r->width, r->flat);
        }
        rgb = r->flat;
    }
    if (r->luma) {
        to_luma(rgb, r->width, r->luma + (size_t)r->y * (size_t)r->width);
    }
    if (r->is_halved) {
        halve_row(r, rgb);
    } else {
        convert_row(r, rgb);
    }
    r->y++;
}
