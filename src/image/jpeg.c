// jpeg.c -- JPEG through TurboJPEG: planes where possible, else pixels into the row sink.
//
// Screen captures are YCbCr or grey: their planes are shrunk as they are, no RGB is made.
// CMYK, RGB-coded and oddly sampled files take the road over pixels; the plane call
// refuses the first and silently mislabels the second.
// SPDX-License-Identifier: MIT
#include "image/picture.h"
#include "image/pixels.h"

#include <string.h>
#include <turbojpeg.h>

enum { DCTSIZE = 8, SMOOTHED = 2 };

struct jpeg {
    struct decode *d;
    tjhandle tj;
    int colourspace;  // TJCS_*, -1 = TurboJPEG does not know the sampling
    int sampling;     // TJSAMP_*
    int width;        // after the decoder's own shrink
    int height;
    int scale;  // the decoder's: 1, 2, 4 or 8
};

// Half a picture, a damaged one, or none at all?
static int from_tj(struct jpeg *j)
{
    const char *words = tjGetErrorStr2(j->tj);
    struct err *e = j->d->err;
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
    int rc = from_tj(j);
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
    int by = 8;
    while (by > 1 && (j->d->luma || side / by < 2 * small)) {
        by /= 2;
    }
    const tjscalingfactor f = {1, by};
    j->scale = by;
    j->width = TJSCALED(h->width, f);
    j->height = TJSCALED(h->height, f);
}

static int no_memory(const struct jpeg *j)
{
    return err_set(j->d->err, E_NOMEM, "not enough memory to decode the JPEG");
}

// ---- planes

// Blocks on each side that have an effect on one.
static int smoothed(const struct head *h)
{
    return h->is_coarse ? SMOOTHED : 0;
}

static int get_planes(struct jpeg *j, struct planes *full)
{
    *full = (struct planes){.width = j->width, .height = j->height};
    const int n = j->sampling == TJSAMP_GRAY ? 1 : 3;
    for (int i = 0; i < n; i++) {
        const int w = tjPlaneWidth(i, j->width, j->sampling);
        const int h = tjPlaneHeight(i, j->height, j->sampling);
        full->stride[i] = (w + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
        full->p[i] = arena_get_array(j->d->arena, (size_t)full->stride[i], (size_t)h);
        if (w <= 0 || h <= 0 || !full->p[i]) {
            return no_memory(j);
        }
    }
    return 0;
}

static int decode_planes(struct jpeg *j)
{
    struct decode *d = j->d;
    struct planes full;
    int rc = get_planes(j, &full);
    if (rc) {
        return rc;
    }
    int result = tjDecompressToYUVPlanes(j->tj, d->bytes, d->head->file_len, full.p,
                                         j->width, full.stride, j->height,
                                         TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT);
    rc = check_result(j, result);
    if (rc) {
        return rc;
    }
    const int sub_x = j->sampling == TJSAMP_GRAY ? 1 : tjMCUWidth[j->sampling] / 8;
    const int sub_y = j->sampling == TJSAMP_GRAY ? 1 : tjMCUHeight[j->sampling] / 8;
    const struct mask_grid grid = {sub_x, sub_y, DCTSIZE, smoothed(d->head), j->scale};
    mask_paint_planes(&d->mask, &full, &grid);
    if (planes_shrink(&d->small, &full, sub_x, sub_y, d->kernels, d->arena)) {
        return no_memory(j);
    }
    if (d->luma) {
        luma_copy(d->luma, full.p[0], full.stride[0], full.width, full.height);
    }
    return 0;
}

// ---- pixels

// Ink to light.  Adobe's files hold the light that is left, all others the ink.
static void cmyk_to_rgb(const uint8_t *cmyk, int n, bool is_inverted, uint8_t *rgb)
{
    const int flip = is_inverted ? 0 : 255;
    for (int x = 0; x < n; x++) {
        const int k = cmyk[4 * x + 3] ^ flip;
        for (int c = 0; c < 3; c++) {
            rgb[3 * x + c] = (uint8_t)(((cmyk[4 * x + c] ^ flip) * k + 127) / 255);
        }
    }
}

static void mask_widen_mcus(struct decode *d)
{
    const struct head *h = d->head;
    const int side = h->mcu_width > h->mcu_height ? h->mcu_width : h->mcu_height;
    mask_widen(&d->mask, h->mcu_width, h->mcu_height, 1 + smoothed(h) * side);
}

static int put_rows(struct jpeg *j, uint8_t *pixels, int channels)
{
    struct decode *d = j->d;
    struct rows rows;
    mask_widen_mcus(d);
    if (rows_open(&rows, d)) {
        return no_memory(j);
    }
    for (int y = 0; y < d->head->height; y++) {
        uint8_t *row = pixels + (size_t)y * (size_t)d->head->width * (size_t)channels;
        if (channels == 4) {
            cmyk_to_rgb(row, d->head->width, d->head->has_adobe, row);
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
        return no_memory(j);
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
    struct jpeg j = {.d = d, .tj = tjInitDecompress()};
    if (!j.tj) {
        return no_memory(&j);
    }
    int rc = decode(&j);
    tjDestroy(j.tj);
    return rc;
}
