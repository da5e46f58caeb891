// fv_image.c -- decodes a picture and tells its size and colours.
//
// Runs in libuv's pool: everything here works on its arguments only.
// SPDX-License-Identifier: MIT
#include "fv_image.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>
#include <webp/decode.h>
#include <xxhash.h>

#define SIDE_MAX_PX 32768

struct sums {
    int width_px, height_px;
    uint64_t rgb[CORNER_COUNT][3];
    uint64_t count[CORNER_COUNT];
};

enum { LANES_PX = 16, MOST_RUNS = 257 };  // 257 * 255 fits 16 bits

// The same byte of each 16 pixels has a sum of its own, so that compilers find vectors.
static void add_runs(const uint8_t *rgb, int runs, uint32_t sum[3])
{
    uint16_t lanes[3 * LANES_PX] = {0};
    for (int i = 0; i < runs; i++) {
        for (int k = 0; k < 3 * LANES_PX; k++)
            lanes[k] = (uint16_t)(lanes[k] + rgb[k]);
        rgb += 3 * LANES_PX;
    }
    for (int k = 0; k < 3 * LANES_PX; k++)
        sum[k % 3] += lanes[k];
}

static void sums_add(struct sums *s, int corner, const uint8_t *rgb, int n)
{
    uint32_t sum[3] = {0};  // SIDE_MAX_PX * 255 fits
    int x = 0;
    while (n - x >= LANES_PX) {
        int runs = (n - x) / LANES_PX;
        runs = runs < MOST_RUNS ? runs : MOST_RUNS;
        add_runs(rgb + 3 * (size_t)x, runs, sum);
        x += runs * LANES_PX;
    }
    for (; x < n; x++) {
        for (int c = 0; c < 3; c++)
            sum[c] += rgb[3 * x + c];
    }
    for (int c = 0; c < 3; c++)
        s->rgb[corner][c] += sum[c];
    s->count[corner] += (uint64_t)n;
}

static void sums_add_row(struct sums *s, const uint8_t *rgb, int y)
{
    int half = (s->width_px + 1) / 2;
    int base = y < (s->height_px + 1) / 2 ? CORNER_TOP_LEFT : CORNER_BOTTOM_LEFT;
    sums_add(s, base, rgb, half);
    sums_add(s, base + 1, rgb + 3 * (size_t)half, s->width_px - half);
}

static uint32_t mean_of(const uint64_t rgb[3], uint64_t count)
{
    uint32_t packed = 0;
    for (int c = 0; c < 3; c++)
        packed = packed << 8 | (uint32_t)(count ? (rgb[c] + count / 2) / count : 0);
    return packed;
}

static void sums_finish(const struct sums *s, struct image_info *info)
{
    uint64_t all[3] = {0}, count = 0;
    for (int i = 0; i < CORNER_COUNT; i++) {
        info->corner_rgb[i] = mean_of(s->rgb[i], s->count[i]);
        for (int c = 0; c < 3; c++)
            all[c] += s->rgb[i][c];
        count += s->count[i];
    }
    info->mean_rgb = mean_of(all, count);
    info->width_px = s->width_px;
    info->height_px = s->height_px;
    info->is_decoded = true;
}

struct jpeg_trap {
    struct jpeg_error_mgr base;
    jmp_buf out;
};

static void on_jpeg_error(j_common_ptr jpeg)
{
    struct jpeg_trap *trap = (struct jpeg_trap *)jpeg->err;
    longjmp(trap->out, 1);
}

static void on_jpeg_message(j_common_ptr jpeg)
{
    (void)jpeg;
}

// stb_image, which llama.cpp uses, takes neither arithmetic coding nor 12 bits.
static bool is_usual_jpeg(const struct jpeg_decompress_struct *jpeg)
{
    return !jpeg->arith_code && jpeg->data_precision == 8 &&
           jpeg->image_width <= SIDE_MAX_PX && jpeg->image_height <= SIDE_MAX_PX;
}

static void read_jpeg_rows(struct jpeg_decompress_struct *jpeg, struct sums *sums)
{
    // Memory of the decoder's own pool: freed by jpeg_destroy, also after a longjmp.
    JSAMPARRAY row = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE,
                                             jpeg->output_width * 4, 1);
    sums->width_px = (int)jpeg->output_width;
    sums->height_px = (int)jpeg->output_height;
    while (jpeg->output_scanline < jpeg->output_height) {
        int y = (int)jpeg->output_scanline;
        jpeg_read_scanlines(jpeg, row, 1);
        if (jpeg->out_color_space == JCS_CMYK) {
            for (int x = 0; x < sums->width_px; x++) {
                for (int c = 0; c < 3; c++)
                    row[0][3 * x + c] =
                        (JSAMPLE)(row[0][4 * x + c] * row[0][4 * x + 3] / 255);
            }
        }
        sums_add_row(sums, row[0], y);
    }
}

static void read_jpeg(const void *bytes, size_t len, struct image_info *info)
{
    struct jpeg_decompress_struct jpeg = {0};
    struct jpeg_trap trap = {0};
    struct sums sums = {0};
    jpeg.err = jpeg_std_error(&trap.base);
    trap.base.error_exit = on_jpeg_error;
    trap.base.output_message = on_jpeg_message;
    if (setjmp(trap.out)) {
        jpeg_destroy_decompress(&jpeg);
        return;
    }
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, bytes, (unsigned long)len);
    jpeg_read_header(&jpeg, TRUE);
    if (is_usual_jpeg(&jpeg)) {
        bool is_cmyk = jpeg.num_components == 4;
        jpeg.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
        jpeg_start_decompress(&jpeg);
        read_jpeg_rows(&jpeg, &sums);
        jpeg_finish_decompress(&jpeg);
        info->is_incomplete = trap.base.num_warnings > 0;
        sums_finish(&sums, info);
    }
    jpeg_destroy_decompress(&jpeg);
}

// The simplified libpng interface ends with an error on a truncated file, as stb_image
// does.  Alpha is laid on white, as Pillow users do; opaque pictures do not care.
static void read_png(const void *bytes, size_t len, struct image_info *info)
{
    png_image png = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_memory(&png, bytes, len))
        return;
    png.format = PNG_FORMAT_RGB;
    if (png.width > SIDE_MAX_PX || png.height > SIDE_MAX_PX) {
        png_image_free(&png);
        return;
    }
    uint8_t *rgb = malloc(PNG_IMAGE_SIZE(png));
    png_color white = {255, 255, 255};
    if (rgb && png_image_finish_read(&png, &white, rgb, 0, NULL)) {
        struct sums sums = {.width_px = (int)png.width, .height_px = (int)png.height};
        for (int y = 0; y < sums.height_px; y++)
            sums_add_row(&sums, rgb + (size_t)y * PNG_IMAGE_ROW_STRIDE(png), y);
        sums_finish(&sums, info);
    }
    png_image_free(&png);
    free(rgb);
}

static void read_webp(const void *bytes, size_t len, struct image_info *info)
{
    struct sums sums = {0};
    uint8_t *rgb = WebPDecodeRGB(bytes, len, &sums.width_px, &sums.height_px);
    if (!rgb)
        return;
    for (int y = 0; y < sums.height_px; y++)
        sums_add_row(&sums, rgb + (size_t)y * (size_t)sums.width_px * 3, y);
    sums_finish(&sums, info);
    WebPFree(rgb);
}

static enum image_type sniff(const uint8_t *b, size_t len)
{
    if (len >= 3 && !memcmp(b, "\xff\xd8\xff", 3))
        return IMAGE_JPEG;
    if (len >= 8 && !memcmp(b, "\x89PNG\r\n\x1a\n", 8))
        return IMAGE_PNG;
    if (len >= 12 && !memcmp(b, "RIFF", 4) && !memcmp(b + 8, "WEBP", 4))
        return IMAGE_WEBP;
    return IMAGE_UNKNOWN;
}

void image_read(const void *bytes, size_t len, struct image_info *info)
{
    *info = (struct image_info){.type = sniff(bytes, len)};
    switch (info->type) {
    case IMAGE_UNKNOWN: break;
    case IMAGE_JPEG: read_jpeg(bytes, len, info); break;
    case IMAGE_PNG: read_png(bytes, len, info); break;
    case IMAGE_WEBP: read_webp(bytes, len, info); break;
    }
}

int image_tokens(const struct image_info *info, int min_tokens)
{
    double w = info->width_px / 28.0, h = info->height_px / 28.0;
    int tokens = (int)(fmax(1, round(w)) * fmax(1, round(h)));
    double grow = 1;
    if (tokens > 4096)
        grow = sqrt(4096 / (w * h));
    else if (tokens < min_tokens)
        grow = sqrt(min_tokens / (w * h));
    if (tokens > 4096)
        return (int)(fmax(1, floor(w * grow)) * fmax(1, floor(h * grow)));
    if (tokens < min_tokens)
        return (int)(ceil(w * grow) * ceil(h * grow));
    return tokens;
}

void image_hash(const void *bytes, size_t len, char hex[33])
{
    XXH128_hash_t hash = XXH3_128bits(bytes, len);
    snprintf(hex, 33, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
}
