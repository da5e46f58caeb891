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
    const double width = r->is_halved ? r->full.width / 2.0 : r->full.width;
    const double height = r->is_halved ? r->full.height / 2.0 : r->full.height;
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
        int rc = i < 2 ? resize_init(&r->plane[i], d->arena, &p)
                       : resize_init_like(&r->plane[2], d->arena, &r->plane[1], s->p[2]);
        if (!rc) {
            rc = resize_stream(&r->plane[i], d->arena, 1);
        }
        if (rc) {
            return rc;
        }
    }
    return 0;
}

static int open_two(uint8_t *two[2], int width, struct arena *arena)
{
    two[0] = arena_get_array(arena, (size_t)width, 4);
    two[1] = arena_get_array(arena, (size_t)width, 4);
    return two[0] && two[1] ? 0 : E_NOMEM;
}

int rows_open(struct rows *r, const struct decode *d)
{
    const struct head *h = d->head;
    *r = (struct rows){
        .kernels = d->kernels ? d->kernels : kernels_best(),
        .full = {.width = h->width, .height = h->height},
        .half = {.width = (h->width + 1) / 2, .height = (h->height + 1) / 2},
        .luma = d->luma,
        .mask = &d->mask};
    r->is_halved = h->width >= HALVE_FROM_RATIO * d->small.width &&
                   h->height >= HALVE_FROM_RATIO * d->small.height;
    int rc = open_two(r->kept, r->full.width, d->arena);
    if (!rc && r->is_halved) {
        rc = open_two(r->boxes, r->half.width, d->arena);
    }
    return rc ? rc : open_planes(r, d);
}

// c * a + 255 * (255 - a), divided by 255 and rounded.
static inline uint8_t on_white(int c, int a)
{
    const int v = c * a + 255 * (255 - a) + 128;
    return (uint8_t)((v + (v >> 8)) >> 8);
}

// out may be rgba.
static void flatten(const uint8_t *rgba, int n, uint8_t *out)
{
    for (int x = 0; x < n; x++) {
        const int a = rgba[4 * x + 3];
        out[4 * x] = on_white(rgba[4 * x], a);
        out[4 * x + 1] = on_white(rgba[4 * x + 1], a);
        out[4 * x + 2] = on_white(rgba[4 * x + 2], a);
        out[4 * x + 3] = 255;
    }
}

// The row that px makes a pair with: the one above, or px when it is a last one without
// another.  NULL: px is the first one of a pair.
static const uint8_t *first_of_pair(const struct rows_level *l, const uint8_t *px)
{
    if (l->y & 1) {
        return l->above;
    }
    return l->y + 1 == l->height ? px : NULL;
}

// Both rows of a pair, and the two above it, look alike.
static bool is_pair_alike(const struct rows_level *l)
{
    return l->y & 1 && l->n_alike >= 3;
}

static void begin_row(struct rows_level *l, bool is_alike)
{
    l->n_alike = is_alike ? l->n_alike + 1 : 0;
}

static void end_row(struct rows_level *l, const uint8_t *px)
{
    l->above = px;
    l->y++;
}

static void convert_luma(struct rows *r, const struct rows_level *l, const uint8_t *px,
                         int step)
{
    if (l->n_alike > 0) {
        resize_repeat(&r->plane[0]);
    } else {
        r->kernels->luma(px, l->width, step, resize_row(&r->plane[0]));
        resize_push(&r->plane[0]);
    }
}

static void convert_chroma(struct rows *r, const struct rows_level *l, const uint8_t *px,
                           int step)
{
    const uint8_t *above = first_of_pair(l, px);
    if (is_pair_alike(l)) {
        resize_repeat(&r->plane[1]);
        resize_repeat(&r->plane[2]);
    } else if (above) {
        r->kernels->chroma(above, px, l->width, step, resize_row(&r->plane[1]),
                           resize_row(&r->plane[2]));
        resize_push(&r->plane[1]);
        resize_push(&r->plane[2]);
    }
}

static void convert_row(struct rows *r, struct rows_level *l, const uint8_t *px, int step,
                        bool is_alike)
{
    begin_row(l, is_alike);
    convert_luma(r, l, px, step);
    convert_chroma(r, l, px, step);
    end_row(l, px);
}

static void halve_row(struct rows *r, const uint8_t *px, int step, bool is_alike)
{
    struct rows_level *l = &r->full, *half = &r->half;
    const uint8_t *above = first_of_pair(l, px);
    begin_row(l, is_alike);
    if (is_pair_alike(l)) {
        convert_row(r, half, half->above, 4, true);
    } else if (above) {
        uint8_t *boxes = half->above == r->boxes[0] ? r->boxes[1] : r->boxes[0];
        r->kernels->boxes(above, px, l->width, step, boxes);
        convert_row(r, half, boxes, 4, false);
    }
    end_row(l, px);
}

void rows_put(struct rows *r, const uint8_t *row, int channels)
{
    struct rows_level *l = &r->full;
    uint8_t *kept = r->kept[l->y & 1];
    const uint8_t *px = row;
    // Masks paint other rows the same.
    const bool is_alike = row == r->before && r->mask->n == 0;
    r->before = row;
    if (r->mask->n > 0 && mask_has_row(r->mask, l->y)) {
        memcpy(kept, row, (size_t)l->width * (size_t)channels);
        mask_paint_row(r->mask, l->y, kept, channels);
        px = kept;
    }
    if (channels == 4 && !r->kernels->is_opaque(px, l->width)) {
        flatten(px, l->width, kept);
        px = kept;
    }
    if (r->luma) {
        r->kernels->luma(px, l->width, channels,
                         r->luma + (size_t)l->y * (size_t)l->width);
    }
    if (r->is_halved) {
        halve_row(r, px, channels, is_alike);
    } else {
        convert_row(r, l, px, channels, is_alike);
    }
}
