// pixels.h -- operations on planes, and the road from RGB rows to planes.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_PIXELS_H
#define VLMD_IMAGE_PIXELS_H

#include "image/picture.h"
#include "image/resize.h"

// Strides are padded so that whole 16 x 16 blocks are readable in each row.
// Errors: E_NOMEM.
MUST_USE int planes_get(struct planes *p, int width, int height, struct arena *arena);
// Shrinks full to small's size, and to full range.  full's chroma planes are sub_x and
// sub_y times smaller than its luma; a NULL chroma plane is grey.
// Errors: E_NOMEM.
MUST_USE int planes_shrink(struct planes *small, const struct planes *full, int sub_x,
                           int sub_y, const struct kernels *kernels, struct arena *arena);
// The same for plane i, which is there, through r: of full only size and range count.
MUST_USE int plane_shrink_init(struct resize *r, int i, const struct planes *small,
                               const struct planes *full, int sub_x, int sub_y,
                               const struct kernels *kernels, struct arena *arena);
// To full range from 16..235.
void luma_copy_full_range(uint8_t *out, const uint8_t *in, int stride, int width,
                          int height);
void luma_copy(uint8_t *out, const uint8_t *in, int stride, int width, int height);

// Where output (0,0) is read, and whether output columns are input rows.
struct turn {
    bool from_right, from_bottom, swaps;
};
struct turn orientation_turn(int orientation);
// Upright by EXIF orientation.  plane_turn writes tightly or with out_stride; sides are
// those of the input.
void plane_turn(uint8_t *out, int out_stride, const uint8_t *in, int stride, int width,
                int height, int orientation);
// Errors: E_NOMEM.
MUST_USE int planes_turn(struct planes *p, int orientation, struct arena *arena);
static inline bool orientation_swaps_sides(int orientation)
{
    return orientation >= 5;
}

// Mean luma of IMAGE_THUMB_W x IMAGE_THUMB_H blocks.
void planes_thumb(const struct planes *p, uint8_t *out);

// ---- RGB rows -> small planes (and full-size luma)

// Rows of one size.
struct rows_level {
    int width;
    int height;
    int y;                 // of the next row
    int n_alike;           // rows above that look like the one above them
    const uint8_t *above;  // borrowed: until the next row is done
};

// One picture on its way from rows to planes.  Rows come from top to bottom.
struct rows {
    const struct kernels *kernels;  // borrowed: constant
    struct rows_level full;
    bool is_halved;           // 2x2 boxes before everything else
    struct rows_level half;   // of the boxes
    const uint8_t *before;    // borrowed: the row that was put before
    uint8_t *kept[2];         // rows with painted boxes or their alpha gone, in turn
    uint8_t *boxes[2];        // RGBX, in turn
    uint8_t *luma;            // borrowed: full size, or NULL
    const struct mask *mask;  // borrowed: as long as the rows
    struct resize plane[3];
};

// Sizes, output and luma are taken from d.  Errors: E_NOMEM.
MUST_USE int rows_open(struct rows *r, const struct decode *d);
// channels 3: R G B; 4: R G B A, not premultiplied, laid on white; the same for all rows.
// row must stay as it is until the next one was put, and is not painted over: the decoder
// may predict the next row from it.  A row that looks like the one before is best put by
// the same pointer: then it is not converted again.
void rows_put(struct rows *r, const uint8_t *row, int channels);

#endif
