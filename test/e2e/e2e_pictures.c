// e2e_pictures.c -- draws them.  Palette PNGs: two thousand cost a second.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"

#include "e2e_place.h"

#include <leptonica/allheaders.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <webp/encode.h>
#include <webp/mux.h>

enum {
    LEVELS = 12,
    STEP = 20,     // between two levels of a channel
    TOLERANCE = 9  // of what a JPEG leaves of a plain colour; under half a step
};

static uint32_t mix(uint32_t x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

static uint32_t colour_of(uint32_t digits)
{
    uint32_t r = digits % LEVELS, g = digits / LEVELS % LEVELS,
             b = digits / LEVELS / LEVELS % LEVELS;
    return (10 + r * STEP) << 16 | (10 + g * STEP) << 8 | (10 + b * STEP);
}

// The first two corners alone tell n; the others make the pictures look less alike.
static void corners_of(int n, uint32_t corners[4])
{
    uint32_t u = (uint32_t)n;
    assert_in_range(n, 0, PICTURE_MAX - 1);
    corners[0] = colour_of(u);
    corners[1] = colour_of(u / (LEVELS * LEVELS * LEVELS) + 7 * LEVELS);
    corners[2] = colour_of(mix(u));
    corners[3] = colour_of(mix(u + 0x10000));
}

// ---- PNG

struct growing {
    uint8_t *bytes;
    size_t len, cap;
};

static void on_write(png_structp png, png_bytep data, png_size_t len)
{
    struct growing *g = png_get_io_ptr(png);
    if (g->len + len > g->cap) {
        g->cap = (g->len + len) * 2;
        g->bytes = realloc(g->bytes, g->cap);
        assert_non_null(g->bytes);
    }
    memcpy(g->bytes + g->len, data, len);
    g->len += len;
}

static void on_flush(png_structp png)
{
    (void)png;
}

uint8_t *picture_bytes(int n, size_t *len)
{
    struct growing g = {.cap = 1024, .bytes = malloc(1024)};
    uint32_t corners[4];
    png_color palette[4];
    uint8_t top[PICTURE_W / 4], bottom[PICTURE_W / 4];
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    corners_of(n, corners);
    for (int i = 0; i < 4; i++) {
        palette[i] = (png_color){(png_byte)(corners[i] >> 16),
                                 (png_byte)(corners[i] >> 8), (png_byte)corners[i]};
    }
    for (size_t x = 0; x < sizeof(top); x++) {  // four points of two bits per byte
        bool is_right = x >= sizeof(top) / 2;
        top[x] = is_right ? 0x55 : 0x00;
        bottom[x] = is_right ? 0xff : 0xaa;
    }
    png_set_write_fn(png, &g, on_write, on_flush);
    png_set_compression_level(png, 1);
    png_set_IHDR(png, info, PICTURE_W, PICTURE_H, 2, PNG_COLOR_TYPE_PALETTE,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    png_set_PLTE(png, info, palette, 4);
    png_write_info(png, info);
    for (int y = 0; y < PICTURE_H; y++) {
        png_write_row(png, y < PICTURE_H / 2 ? top : bottom);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    *len = g.len;
    return g.bytes;
}

void picture_write(const char *folder, const char *name, int n)
{
    char path[4300];
    size_t len;
    uint8_t *bytes = picture_bytes(n, &len);
    if (name) {
        snprintf(path, sizeof(path), "%s/%s", folder, name);
    } else {
        snprintf(path, sizeof(path), "%s/pic-%05d.png", folder, n);
    }
    write_bytes(path, bytes, len);
    free(bytes);
}

int picture_number(const char *path)
{
    const char *slash = strrchr(path, '/');
    int n, end = 0;
    if (sscanf(slash ? slash + 1 : path, "pic-%5d.png%n", &n, &end) != 1 || end == 0) {
        return -1;
    }
    return n;
}

static uint8_t *rgb_png(const uint8_t *rgb, int w, int h, size_t *len)
{
    png_image image = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB};
    png_alloc_size_t size = 0;
    image.width = (png_uint_32)w;
    image.height = (png_uint_32)h;
    assert_true(png_image_write_get_memory_size(image, size, 0, rgb, 0, NULL));
    uint8_t *bytes = malloc(size);
    assert_true(png_image_write_to_memory(&image, bytes, &size, 0, rgb, 0, NULL));
    *len = size;
    return bytes;
}

uint8_t *picture_noise(int width, int height, uint32_t seed, size_t *len)
{
    size_t n = (size_t)width * (size_t)height * 3;
    uint8_t *rgb = malloc(n);
    assert_non_null(rgb);
    for (size_t i = 0; i < n; i++) {
        rgb[i] = (uint8_t)mix((uint32_t)i ^ mix(seed));
    }
    uint8_t *bytes = rgb_png(rgb, width, height, len);
    free(rgb);
    return bytes;
}

uint8_t *picture_words(const char *words, size_t *len)
{
    PIX *pix = pixCreate(900, 160, 8), *large;
    L_BMF *font = bmfCreate(NULL, 12);
    l_int32 width = 0, overflow = 0;
    l_uint8 *data = NULL;
    size_t size = 0;
    assert_non_null(font);
    pixSetAllGray(pix, 255);
    assert_int_equal(pixSetTextline(pix, font, words, 0, 40, 80, &width, &overflow), 0);
    assert_int_equal(overflow, 0);
    large = pixScale(pix, 1.5f, 1.5f);
    assert_int_equal(pixWriteMem(&data, &size, large, IFF_PNG), 0);
    uint8_t *bytes = malloc(size);
    memcpy(bytes, data, size);
    *len = size;
    lept_free(data);
    bmfDestroy(&font);
    pixDestroy(&pix);
    pixDestroy(&large);
    return bytes;
}

// ---- WebP as trackers write it

// A big-endian TIFF with nothing but ImageDescription; the NUL is not counted.
static uint8_t *exif_of(const char *json, size_t *len)
{
    uint32_t n = (uint32_t)strlen(json);
    const uint8_t head[26] = {
        'M',
        'M',
        0,
        42,
        0,
        0,
        0,
        8,
        0,
        1,  // one entry
        0x01,
        0x0e,
        0,
        2,  // ImageDescription, text
        (uint8_t)(n >> 24),
        (uint8_t)(n >> 16),
        (uint8_t)(n >> 8),
        (uint8_t)n,
        0,
        0,
        0,
        26,  // where it is
        0,
        0,
        0,
        0,  // no more directories
    };
    uint8_t *bytes = malloc(sizeof(head) + n);
    assert_non_null(bytes);
    memcpy(bytes, head, sizeof(head));
    memcpy(bytes + sizeof(head), json, n);
    *len = sizeof(head) + n;
    return bytes;
}

static uint8_t *with_exif(const uint8_t *webp, size_t webp_len, const char *json,
                          size_t *len)
{
    WebPData picture = {webp, webp_len}, whole, exif;
    uint8_t *payload = exif_of(json, &exif.size);
    exif.bytes = payload;
    WebPMux *mux = WebPMuxCreate(&picture, 1);
    assert_int_equal(WebPMuxSetChunk(mux, "EXIF", &exif, 1), WEBP_MUX_OK);
    assert_int_equal(WebPMuxAssemble(mux, &whole), WEBP_MUX_OK);
    uint8_t *bytes = malloc(whole.size);
    memcpy(bytes, whole.bytes, whole.size);
    *len = whole.size;
    WebPDataClear(&whole);
    WebPMuxDelete(mux);
    free(payload);
    return bytes;
}

uint8_t *picture_webp(int n, int quality, const char *json, size_t *len)
{
    static uint8_t rgb[PICTURE_H][PICTURE_W][3];
    uint32_t corners[4];
    uint8_t *out = NULL;
    corners_of(n, corners);
    for (int y = 0; y < PICTURE_H; y++) {
        for (int x = 0; x < PICTURE_W; x++) {
            uint32_t c = corners[2 * (y >= PICTURE_H / 2) + (x >= PICTURE_W / 2)];
            rgb[y][x][0] = (uint8_t)(c >> 16);
            rgb[y][x][1] = (uint8_t)(c >> 8);
            rgb[y][x][2] = (uint8_t)c;
        }
    }
    size_t size = WebPEncodeRGB(&rgb[0][0][0], PICTURE_W, PICTURE_H, PICTURE_W * 3,
                                (float)quality, &out);
    assert_true(size > 0);
    uint8_t *bytes;
    if (json) {
        bytes = with_exif(out, size, json, len);
    } else {
        bytes = malloc(size);
        memcpy(bytes, out, size);
        *len = size;
    }
    WebPFree(out);
    return bytes;
}

// ---- the answer

static bool is_near(uint32_t a, uint32_t b)
{
    for (int shift = 0; shift < 24; shift += 8) {
        int d = (int)(a >> shift & 255) - (int)(b >> shift & 255);
        if (d < -TOLERANCE || d > TOLERANCE) {
            return false;
        }
    }
    return true;
}

static uint32_t mean_of(const uint32_t corners[4])
{
    uint32_t mean = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        uint32_t sum = 0;
        for (int i = 0; i < 4; i++) {
            sum += corners[i] >> shift & 255;
        }
        mean |= sum / 4 << shift;
    }
    return mean;
}

bool picture_is_described(int n, const char *summary)
{
    uint32_t corners[4], mean, said[4];
    int w, h;
    corners_of(n, corners);
    if (sscanf(summary, "A %dx%d picture, mean #%x, corners #%x #%x #%x #%x,", &w, &h,
               &mean, &said[0], &said[1], &said[2], &said[3]) != 7) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        if (!is_near(said[i], corners[i])) {
            return false;
        }
    }
    return w == PICTURE_W && h == PICTURE_H && is_near(mean, mean_of(corners));
}
