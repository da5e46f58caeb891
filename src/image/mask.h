// mask.h -- boxes painted over pixels before anything is made of them.
//
// Boxes are painted into the full-size pixels as they are decoded, before alpha, range,
// shrinking and luma, so that no filter ever mixes a covered pixel into a visible one.
// What must be hidden is covered; how far the source's own coding has spread it is known
// by the decoders, which widen the boxes accordingly:
//
//   PNG, lossless WebP   nothing is spread
//   JPEG                 whole 8 x 8 blocks of each component: one block's samples come
//                        from its own coefficients only, at any of the decoder's scales
//   JPEG over pixels     whole MCUs and a pixel around (chroma is interpolated)
//   coarse JPEG          two blocks more: where a progressive file lacks its last scans,
//                        libjpeg smooths a block by the means of 5 x 5
//   lossy WebP           whole chroma samples, and where chroma is interpolated a pixel
//                        around.  VP8 predicts blocks from their neighbours, so traces as
//                        faint as its coding noise may lie outside of any box; that is
//                        what the margin of the caller's boxes is for.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_MASK_H
#define VLMD_IMAGE_MASK_H

#include "image/arena.h"
#include "image/image.h"

// Boxes in the orientation of the decoder's pixels, clipped, none empty.  Zero-initialised
// covers nothing.
struct mask {
    struct image_box *boxes;  // borrowed: of the arena
    int n;
    int width;  // of the picture, as stored
    int height;
};

struct planes;

// Are the boxes such as image_req wants them?  Errors: E_USAGE.
MUST_USE int mask_check(const struct image_box *boxes, int n, struct err *e);
// boxes: checked, in upright coordinates; width and height: as stored.
// Errors: E_NOMEM.
MUST_USE int mask_init(struct mask *m, const struct image_box *boxes, int n, int width,
                       int height, int orientation, struct arena *arena);
// Grows every box to whole units of unit_x x unit_y pixels, and by around pixels more.
void mask_widen(struct mask *m, int unit_x, int unit_y, int around);
bool mask_has_row(const struct mask *m, int y);
// channels 3: R G B; 4: R G B A, opaque afterwards.
void mask_paint_row(const struct mask *m, int y, uint8_t *row, int channels);

// How planes lie on the picture.
struct mask_grid {
    int sub_x;  // luma samples per chroma sample, before scaling
    int sub_y;
    int block;   // samples of any plane that are coded together, each way
    int around;  // blocks more on each side
    int scale;   // the planes are that many times smaller; divides block
};

// Row y of plane i, in row; of p only size and range count.
void mask_paint_plane_row(const struct mask *m, const struct planes *p, int i, int y,
                          uint8_t *row, const struct mask_grid *g);
// NULL planes are left out.
void mask_paint_planes(const struct mask *m, const struct planes *p,
                       const struct mask_grid *g);

#endif
