// image_make.h -- pictures for the tests, made with the reference libraries.
//
// All show the same scene: four quadrants of plain colour, so that a wrong channel, a
// wrong turn or a lost alpha shows in one sample each.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_IMAGE_MAKE_H
#define VLMD_TEST_IMAGE_MAKE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct rgba {
    uint8_t r, g, b, a;
};

// Quadrants: upper left, upper right, lower left, lower right.
struct scene {
    int width;
    int height;
    struct rgba q[4];
    const uint8_t *map;  // borrowed; which of the four colours each pixel has instead
};

extern const struct rgba scene_opaque[4];
extern const struct rgba scene_clear[4];  // with alpha
struct scene scene_get(int width, int height, const struct rgba q[4]);
struct rgba scene_at(const struct scene *s, int x, int y);
struct rgba on_white_rgba(struct rgba c);

struct png_spec {
    int colour_type;  // PNG_COLOR_TYPE_*
    int depth;
    bool is_interlaced;
    bool has_trns;      // palette: alpha per entry; else: quadrant 3's colour is clear
    int orientation;    // 0 = no eXIf
    bool has_profiles;  // iCCP, gAMA, zTXt in front of the pixels
};

struct jpeg_spec {
    int colourspace;  // JCS_* of the file
    int h;            // luma sampling
    int v;
    bool is_progressive;
    bool is_coarse;  // progressive without the scans that make it exact
    bool has_no_adobe;
    int restart;
    int orientation;  // 0 = no EXIF; stored so that it is upright when obeyed
    int quality;      // 0 = 95
};

struct webp_spec {
    bool is_lossless;
    bool has_alpha;
    bool is_animated;  // two frames, the second one blank
    int orientation;
};

// out is replaced.  What the quadrants look like on white is written to seen when not
// NULL; the formats that can't hold a colour say so there.
void make_png(struct buf *out, const struct scene *s, const struct png_spec *spec,
              struct rgba seen[4]);
void make_jpeg(struct buf *out, const struct scene *s, const struct jpeg_spec *spec);
void make_webp(struct buf *out, const struct scene *s, const struct webp_spec *spec);
// 8 bits from memory, 3 or 4 channels, with libpng's filters (PNG_FILTER_*, 0 = its own
// choice) and IDAT chunks of at most idat_bytes.
void make_png_pixels(struct buf *out, const uint8_t *pixels, int width, int height,
                     int channels, int filters, int idat_bytes);
// Lossy, with libwebp's own settings (WebPConfig); what it shows comes of the seed.
struct lossy_spec {
    int width;
    int height;
    int look;  // 0 noise, 1 plain, 2 letters, 3 gradient, 4 black and white
    int quality;
    int method;
    int segments;
    int partitions;  // 0 to 3: two to the power of that
    int sns;
    int sharpness;
    uint32_t seed;
};
void make_webp_lossy(struct buf *out, const struct lossy_spec *spec);
void make_webp_pixels(struct buf *out, const uint8_t *rgb, int width, int height);
void make_jpeg_pixels(struct buf *out, const uint8_t *rgb, int width, int height);
// A PNG header with these sizes, some bytes of pixels, and an end.
void make_png_lie(struct buf *out, uint32_t width, uint32_t height);

// Where stored row sy and column sx lie in the upright picture of w x h pixels.
void upright(int orientation, int w, int h, int sx, int sy, int *x, int *y);

// Decodes a JPEG; free() the result.
uint8_t *read_jpeg_rgb(const struct buf *jpeg, int *width, int *height);
uint8_t *read_jpeg_grey(const struct buf *jpeg, int *width, int *height);

#endif
