// vp8_shrink.c -- a lossy WebP's rows on their way into the resamplers.
//
// Macroblocks are decoded right into the rows that the resamplers keep, so that no plane of
// the whole picture exists: what is decoded is shrunk while it is in the cache.
// SPDX-License-Identifier: MIT
#include "image/vp8.h"

#include "image/picture.h"
#include "image/pixels.h"

enum { SUB = 2 };  // luma samples per chroma sample

struct stream {
    struct decode *d;
    struct vp8 v;
    struct planes full;  // size and range; there is no memory of it
    struct resize plane[3];
};

static int rows_of(int i)
{
    return i ? VP8_MB / SUB : VP8_MB;
}

static int open_planes(struct stream *s)
{
    for (int i = 0; i < 3; i++) {
        int rc = plane_shrink_init(&s->plane[i], i, &s->d->small, &s->full, SUB, SUB,
                                   s->v.kernels, s->d->arena);
        if (!rc) {
            rc = resize_stream(&s->plane[i], s->d->arena, rows_of(i));
        }
        if (rc) {
            return rc;
        }
    }
    return 0;
}

static int open_stream(struct stream *s, struct decode *d)
{
    const struct head *h = d->head;
    s->d = d;
    s->full =
        (struct planes){.width = h->width, .height = h->height, .is_video_range = true};
    int rc = vp8_open(&s->v, d->bytes, h->file_len, d->arena,
                      d->kernels ? d->kernels : kernels_best());
    if (!rc && (s->v.head.width != h->width || s->v.head.height != h->height)) {
        rc = E_FORMAT;
    }
    return rc ? rc : open_planes(s);
}

static void find_rows(struct stream *s, struct vp8_rows *out)
{
    for (int k = 0; k < rows_of(0); k++) {
        out->luma[k] = resize_row_ahead(&s->plane[0], k);
    }
    for (int k = 0; k < rows_of(1); k++) {
        out->cb[k] = resize_row_ahead(&s->plane[1], k);
        out->cr[k] = resize_row_ahead(&s->plane[2], k);
    }
}

// The rows of plane i that a row of macroblocks has filled, as far as the picture has them.
static void push_rows(struct stream *s, int i)
{
    static const struct mask_grid grid = {SUB, SUB, 1, 0, 1};
    struct resize *r = &s->plane[i];
    for (int k = 0; k < rows_of(i) && r->rows_in < r->y.src_n; k++) {
        mask_paint_plane_row(&s->d->mask, &s->full, i, r->rows_in, resize_row(r), &grid);
        resize_push(r);
    }
}

int vp8_decode(struct decode *d)
{
    struct stream s;
    int rc = open_stream(&s, d);
    for (int y = 0; rc == 0 && y < s.v.down; y++) {
        struct vp8_rows rows;
        find_rows(&s, &rows);
        rc = vp8_next_row(&s.v, &rows);
        for (int i = 0; i < 3 && rc == 0; i++) {
            push_rows(&s, i);
        }
    }
    return rc;
}
