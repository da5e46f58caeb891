// jpeg.c -- JPEG through TurboJPEG: planes where possible, else pixels into the row sink.
//
// Screen captures are YCbCr or grey: their planes are shrunk as they are, no RGB is made.
// CMYK, RGB-coded and oddly sampled files take the road over pixels; the plane call
// refuses the first and silently mislabels the second.
// SPDX-License-Identifier: MIT
#include "image/jpeg_parts.h"
#include "image/pixels.h"

#include <string.h>
#include <turbojpeg.h>

enum { SMOOTHED = 2 };

struct jpeg {
    struct decode *d;
    tjhandle tj;
    int colourspace;  // TJCS_*, -1 = TurboJPEG does not know the sampling
    int sampling;     // TJSAMP_*
    int width;        // after the decoder's own shrink
    int height;
    int scale;  // the decoder's: 1, 2, 4 or 8
};

int jpeg_error(const char *words, struct err *e)
{
    if (strstr(words, "extraneous bytes")) {
        return 0;
    }
    if (strstr(words, "remature end")) {
        return err_set(e, E_CUT, "the JPEG ends before its picture is complete");
    }
    if (strstr(words, "emory")) {
        return err_set(e, E_NOMEM, "not enough memory to decode the JPEG");
    }
    if (strstr(words, "Unsupported") || strstr(words, "not implemented")) {
        return err_set(e, E_FORMAT, "this kind of JPEG is not supported: %s", words);
    }
    return err_set(e, E_CORRUPT, "the JPEG is damaged: %s", words);
}

// A warning still gives a picture; its words decide.
static int check_result(struct jpeg *j, int result)
{
    if (result == 0) {
        return 0;
    }
    int rc = jpeg_error(tjGetErrorStr2(j->tj), j->d->err);
    if (!rc && tjGetErrorCode(j->tj) == TJERR_FATAL) {
        return err_set(j->d->err, E_CORRUPT, "the JPEG is damaged");
    }
    return rc;
}

// The decoder may shrink by 2, 4 or 8 while twice the wanted size is left: less than
// that costs readable words.
static void choose_scale(struct jpeg *j)
{
    const struct head *h = j->d->head;
    const int small =
        j->d->small.width > j->d->small.height ? j->d->small.width : j->d->small.height;
    const int side = h->width > h->height ? h->width : h->height;
    int by = h->file_len > JPEG_LARGE_BYTES ? 1 : 8;
    while (by > 1 && (j->d->luma || side / by < 2 * small)) {
        by /= 2;
    }
    const tjscalingfactor f = {1, by};
    j->scale = by;
    j->width = TJSCALED(h->width, f);
    j->height = TJSCALED(h->height, f);
}

int jpeg_no_memory(const struct decode *d)
{
    return err_set(d->err, E_NOMEM, "not enough memory to decode the JPEG");
}

// ---- planes

// Blocks on each side that have an effect on one.
static int smoothed(const struct head *h)
{
    return h->is_coarse ? SMOOTHED : 0;
}

int jpeg_get_planes(struct decode *d, int width, int height, int sampling,
                    struct planes *full)
{
    *full = (struct planes){.width = width, .height = height};
    const int n = sampling == TJSAMP_GRAY ? 1 : 3;
    for (int i = 0; i < n; i++) {
        const int w = tjPlaneWidth(i, width, sampling);
        const int h = tjPlaneHeight(i, height, sampling);
        full->stride[i] = (w + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
        full->p[i] = arena_get_array(d->arena, (size_t)full->stride[i], (size_t)h);
        if (w <= 0 || h <= 0 || !full->p[i]) {
            return jpeg_no_memory(d);
        }
    }
    return 0;
}

int jpeg_use_planes(struct decode *d, struct planes *full, int sampling, int scale)
{
    const int sub_x = sampling == TJSAMP_GRAY ? 1 : tjMCUWidth[sampling] / 8;
    const int sub_y = sampling == TJSAMP_GRAY ? 1 : tjMCUHeight[sampling] / 8;
    const struct mask_grid grid = {sub_x, sub_y, JPEG_BLOCK, smoothed(d->head), scale};
    mask_paint_planes(&d->mask, full, &grid);
    if (planes_shrink(&d->small, full, sub_x, sub_y, d->kernels, d->arena)) {
        return jpeg_no_memory(d);
    }
    if (d->luma) {
        luma_copy(d->luma, full->p[0], full->stride[0], full->width, full->height);
    }
    return 0;
}

static int decode_planes(struct jpeg *j)
{
    struct decode *d = j->d;
    struct planes full;
    int rc = jpeg_get_planes(d, j->width, j->height, j->sampling, &full);
    if (rc) {
        return rc;
    }
    int result = tjDecompressToYUVPlanes(j->tj, d->bytes, d->head->file_len, full.p,
                                         j->width, full.stride, j->height,
                                         TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT);
    rc = check_result(j, result);
    return rc ? rc : jpeg_use_planes(d, &full, j->sampling, j->scale);
}

// ---- pixels

// Ink to light.  Adobe's files hold the light that is left, all others the ink.
void jpeg_cmyk_to_rgb(uint8_t *row, int n, bool is_inverted)
{
    const int flip = is_inverted ? 0 : 255;
    for (int x = 0; x < n; x++) {
        const int k = row[4 * x + 3] ^ flip;
        for (int c = 0; c < 3; c++) {
            row[3 * x + c] = (uint8_t)(((row[4 * x + c] ^ flip) * k + 127) / 255);
        }
    }
}

void jpeg_widen_mask(struct decode *d)
{
    const struct head *h = d->head;
    const int side = h->mcu_width > h->mcu_height ? h->mcu_width : h->mcu_height;
    mask_widen(&d->mask, h->mcu_width, h->mcu_height, 1 + smoothed(h) * side);
}

static int put_rows(struct jpeg *j, uint8_t *pixels, int channels)
{
    struct decode *d = j->d;
    struct rows rows;
    jpeg_widen_mask(d);
    if (rows_open(&rows, d)) {
        return jpeg_no_memory(j->d);
    }
    for (int y = 0; y < d->head->height; y++) {
        uint8_t *row = pixels + (size_t)y * (size_t)d->head->width * (size_t)channels;
        if (channels == 4) {
            jpeg_cmyk_to_rgb(row, d->head->width, d->head->has_adobe);
        }
        rows_put(&rows, row, 3);
    }
    return 0;
}

static int decode_pixels(struct jpeg *j)
{
    struct decode *d = j->d;
    const struct head *h = d->head;
    const int channels = h->components == 4 ? 4 : 3;
    const size_t stride = (size_t)h->width * (size_t)channels;
    uint8_t *pixels = arena_get_array(d->arena, (size_t)h->height, stride);
    if (!pixels) {
        return jpeg_no_memory(j->d);
    }
    int result = tjDecompress2(
        j->tj, d->bytes, h->file_len, pixels, h->width, (int)stride, h->height,
        channels == 4 ? TJPF_CMYK : TJPF_RGB, TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT);
    int rc = check_result(j, result);
    return rc ? rc : put_rows(j, pixels, channels);
}

// ---- both

// A sampling TurboJPEG has no name for is no error: the road over pixels knows it.
static int read_header(struct jpeg *j)
{
    int width, height;
    const struct head *h = j->d->head;
    if (tjDecompressHeader3(j->tj, j->d->bytes, h->file_len, &width, &height,
                            &j->sampling, &j->colourspace) != 0) {
        if (strstr(tjGetErrorStr2(j->tj), "subsampling")) {
            j->colourspace = -1;
            return 0;
        }
        return check_result(j, -1);
    }
    if (width != h->width || height != h->height) {
        return err_set(j->d->err, E_CORRUPT, "the JPEG has two different sizes");
    }
    return 0;
}

static int decode(struct jpeg *j)
{
    int rc = read_header(j);
    if (rc) {
        return rc;
    }
    if (j->colourspace == TJCS_YCbCr || j->colourspace == TJCS_GRAY) {
        choose_scale(j);
        return decode_planes(j);
    }
    return decode_pixels(j);
}

int jpeg_decode(struct decode *d)
{
    if (!d->bytes) {
        return jpeg_feed_decode(d);
    }
    struct jpeg j = {.d = d, .tj = tjInitDecompress()};
    if (!j.tj) {
        return jpeg_no_memory(d);
    }
    int rc = decode(&j);
    tjDestroy(j.tj);
    return rc;
}
