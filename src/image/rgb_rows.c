// rgb_rows.c -- RGB rows from PNG and lossless WebP become small full-range YUV planes.
//
// Each row is converted while it is hot in the cache and goes straight into the three
// resizers; a picture of any size needs only a few rows of memory.  From four times the
// wanted size on, 2x2 boxes are averaged first: a quarter less time at 4K for hardly
// visible loss.
// Source: JFIF 1.02 (BT.601, full range); chroma sits in the middle of its four pixels.
// SPDX-License-Identifier: MIT
#include "image/pixels.h"

#include "image/kernels.h"

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
            .kernels = r->kernels,
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
    *r = (struct rows){.kernels = d->kernels ? d->kernels : kernels_best(),
                       .width = h->width,
                       .height = h->height,
                       .luma = d->luma,
                       .mask = &d->mask};
    r->is_halved = h->width >= HALVE_FROM_RATIO * d->small.width &&
                   h->height >= HALVE_FROM_RATIO * d->small.height;
    r->half_width = r->is_halved ? (h->width + 1) / 2 : h->width;
    r->half_height = r->is_halved ? (h->height + 1) / 2 : h->height;
    const size_t width = (size_t)h->width;
    const size_t half = (size_t)r->half_width;
    r->flat = arena_get_array(d->arena, width, 3);
    r->boxes = arena_get_array(d->arena, half, SUM_WORDS * sizeof(*r->boxes));
    r->box_row = arena_get_array(d->arena, half, 4);
    r->pairs = arena_get_array(d->arena, (half + 1) / 2, SUM_WORDS * sizeof(*r->pairs));
    if (d->mask.n > 0) {
        r->painted = arena_get_array(d->arena, width, 4);
    }
    if (!r->flat || !r->boxes || !r->box_row || !r->pairs ||
        (d->mask.n > 0 && !r->painted)) {
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

static void convert_row(struct rows *r, const uint8_t *px, int step)
{
    const struct kernels *k = r->kernels;
    const int y = r->half_y++;
    k->luma(px, r->half_width, step, resize_row(&r->plane[0]));
    resize_push(&r->plane[0]);
    const bool is_second = y & 1;
    k->pairs(px, r->half_width, step, is_second, r->pairs);
    if (!is_second) {
        if (y + 1 < r->half_height) {
            return;
        }
        k->pairs(px, r->half_width, step, true, r->pairs);  // the last row twice
    }
    k->chroma(r->pairs, (r->half_width + 1) / 2, resize_row(&r->plane[1]),
              resize_row(&r->plane[2]));
    resize_push(&r->plane[1]);
    resize_push(&r->plane[2]);
}

static void halve_row(struct rows *r, const uint8_t *px, int step)
{
    const struct kernels *k = r->kernels;
    const bool is_second = r->y & 1;
    k->pairs(px, r->width, step, is_second, r->boxes);
    if (!is_second) {
        if (r->y + 1 < r->height) {
            return;
        }
        k->pairs(px, r->width, step, true, r->boxes);
    }
    k->boxes(r->boxes, r->half_width, r->box_row);
    convert_row(r, r->box_row, 4);
}

static const uint8_t *paint(struct rows *r, const uint8_t *row, int channels)
{
    if (!r->painted || !mask_has_row(r->mask, r->y)) {
        return row;
    }
    memcpy(r->painted, row, (size_t)r->width * (size_t)channels);
    mask_paint_row(r->mask, r->y, r->painted, channels);
    return r->painted;
}

void rows_put(struct rows *r, const uint8_t *row, int channels)
{
    row = paint(r, row, channels);
    const uint8_t *px = row;
    int step = channels;
    if (channels == 4 && !r->kernels->is_opaque(row, r->width)) {
        flatten(row, r->width, r->flat);
        px = r->flat;
        step = 3;
    }
    if (r->luma) {
        r->kernels->luma(px, r->width, step, r->luma + (size_t)r->y * (size_t)r->width);
    }
    if (r->is_halved) {
        halve_row(r, px, step);
    } else {
        convert_row(r, px, step);
    }
    r->y++;
}
