// image_make.c -- PNG and JPEG for the tests; image_make_webp.c makes the WebP.
// SPDX-License-Identifier: MIT
#include "image/image_make.h"

#include <assert.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include <jpeglib.h>

enum { MAX_BYTES = 64 << 20 };

const struct rgba scene_opaque[4] = {
    {200, 40, 30, 255}, {30, 170, 60, 255}, {40, 60, 210, 255}, {240, 240, 235, 255}};
const struct rgba scene_clear[4] = {
    {200, 40, 30, 255}, {30, 170, 60, 128}, {40, 60, 210, 64}, {0, 0, 0, 0}};

struct scene scene_get(int width, int height, const struct rgba q[4])
{
    struct scene s = {.width = width, .height = height};
    memcpy(s.q, q, sizeof(s.q));
    return s;
}

static int quadrant(const struct scene *s, int x, int y)
{
    if (s->map) {
        return s->map[(size_t)y * (size_t)s->width + (size_t)x];
    }
    return (y >= s->height / 2 ? 2 : 0) + (x >= s->width / 2 ? 1 : 0);
}

struct rgba scene_at(const struct scene *s, int x, int y)
{
    return s->q[quadrant(s, x, y)];
}

static uint8_t blend(int c, int a)
{
    return (uint8_t)((c * a + 255 * (255 - a) + 127) / 255);
}

struct rgba on_white_rgba(struct rgba c)
{
    return (struct rgba){blend(c.r, c.a), blend(c.g, c.a), blend(c.b, c.a), 255};
}

static void must(int rc)
{
    if (rc) {
        abort();
    }
}

// ---- PNG

static void on_png_write(png_structp png, png_bytep data, size_t n)
{
    must(buf_add(png_get_io_ptr(png), data, n));
}

static void on_png_flush(png_structp png)
{
    (void)png;
}

// Grey levels of the quadrants at a depth: far apart, with both ends.
static unsigned grey_level(int q, int depth)
{
    const unsigned max = (1u << depth) - 1;
    const unsigned levels[4] = {0, max, max / 3, max - max / 3};
    return levels[q];
}

static void put_sample(uint8_t *row, int index, int depth, unsigned v)
{
    if (depth == 16) {
        row[2 * index] = (uint8_t)(v >> 8);
        row[2 * index + 1] = (uint8_t)v;
    } else {
        const int bit = index * depth;
        row[bit / 8] |= (uint8_t)(v << (8 - depth - bit % 8));
    }
}

static int channels_of(int colour_type)
{
    switch (colour_type) {
    case PNG_COLOR_TYPE_GRAY:
    case PNG_COLOR_TYPE_PALETTE: return 1;
    case PNG_COLOR_TYPE_GRAY_ALPHA: return 2;
    case PNG_COLOR_TYPE_RGB: return 3;
    default: return 4;
    }
}

static unsigned widen(unsigned v, int depth)
{
    return depth == 16 ? v * 257 : v;
}

static void png_pixel(const struct scene *s, const struct png_spec *spec, int q, int x,
                      uint8_t *row)
{
    const struct rgba c = s->q[q];
    const int n = channels_of(spec->colour_type);
    unsigned v[4] = {c.r, c.g, c.b, c.a};
    if (spec->colour_type == PNG_COLOR_TYPE_PALETTE) {
        v[0] = (unsigned)q % (1u << spec->depth);
    } else if (n <= 2) {
        v[0] = grey_level(q, spec->depth);
        v[1] = widen(c.a, spec->depth);
    } else {
        for (int i = 0; i < 4; i++) {
            v[i] = widen(v[i], spec->depth);
        }
    }
    for (int i = 0; i < n; i++) {
        put_sample(row, x * n + i, spec->depth, v[i]);
    }
}

static void png_seen(const struct scene *s, const struct png_spec *spec,
                     struct rgba seen[4])
{
    for (int q = 0; q < 4; q++) {
        struct rgba c = s->q[q];
        if (spec->colour_type == PNG_COLOR_TYPE_PALETTE) {
            c = s->q[q % (1 << spec->depth)];
            c.a = spec->has_trns ? c.a : 255;
        } else if (!(spec->colour_type & PNG_COLOR_MASK_COLOR)) {
            const unsigned max = (1u << spec->depth) - 1;
            const uint8_t v =
                (uint8_t)((grey_level(q, spec->depth) * 255 + max / 2) / max);
            c = (struct rgba){v, v, v, c.a};
        }
        if (!(spec->colour_type & (PNG_COLOR_MASK_ALPHA | PNG_COLOR_MASK_PALETTE))) {
            c.a = spec->has_trns && q == 3 ? 0 : 255;
        }
        seen[q] = on_white_rgba(c);
    }
}

static void png_transparency(png_structp png, png_infop info, const struct scene *s,
                             const struct png_spec *spec)
{
    png_byte alpha[4];
    png_color_16 key = {0};
    if (spec->colour_type == PNG_COLOR_TYPE_PALETTE) {
        for (int q = 0; q < 4; q++) {
            alpha[q] = s->q[q].a;
        }
        png_set_tRNS(png, info, alpha, 1 << (spec->depth < 2 ? spec->depth : 2), NULL);
        return;
    }
    key.red = (png_uint_16)widen(s->q[3].r, spec->depth);
    key.green = (png_uint_16)widen(s->q[3].g, spec->depth);
    key.blue = (png_uint_16)widen(s->q[3].b, spec->depth);
    key.gray = (png_uint_16)grey_level(3, spec->depth);
    png_set_tRNS(png, info, NULL, 0, &key);
}

static void png_profiles(png_structp png, png_infop info)
{
    char words[4000];
    memset(words, 'x', sizeof(words));
    words[sizeof(words) - 1] = '\0';
    png_text text = {.compression = PNG_TEXT_COMPRESSION_zTXt,
                     .key = (char *)"Comment",
                     .text = words,
                     .text_length = sizeof(words) - 1};
    png_set_text(png, info, &text, 1);
    png_set_gAMA(png, info, 1.0);
}

// "II*\0", one entry: the orientation.
static size_t exif_block(uint8_t out[26], int orientation)
{
    const uint8_t b[26] = {'I',
                           'I',
                           42,
                           0,
                           8,
                           0,
                           0,
                           0,
                           1,
                           0,
                           0x12,
                           0x01,
                           3,
                           0,
                           1,
                           0,
                           0,
                           0,
                           (uint8_t)orientation,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0};
    memcpy(out, b, sizeof(b));
    return sizeof(b);
}

static void png_head(png_structp png, png_infop info, const struct scene *s,
                     const struct png_spec *spec)
{
    png_set_IHDR(png, info, (png_uint_32)s->width, (png_uint_32)s->height, spec->depth,
                 spec->colour_type,
                 spec->is_interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    if (spec->colour_type == PNG_COLOR_TYPE_PALETTE) {
        png_color palette[4];
        for (int q = 0; q < 4; q++) {
            palette[q] = (png_color){s->q[q].r, s->q[q].g, s->q[q].b};
        }
        png_set_PLTE(png, info, palette, 1 << (spec->depth < 2 ? spec->depth : 2));
    }
    if (spec->has_trns) {
        png_transparency(png, info, s, spec);
    }
    if (spec->has_profiles) {
        png_profiles(png, info);
    }
    uint8_t exif[26];
    if (spec->orientation) {
        png_set_eXIf_1(png, info, (png_uint_32)exif_block(exif, spec->orientation), exif);
    }
    png_write_info(png, info);
}

void make_png(struct buf *out, const struct scene *s, const struct png_spec *spec,
              struct rgba seen[4])
{
    buf_fini(out);
    buf_init(out, MAX_BYTES);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, out, on_png_write, on_png_flush);
    png_head(png, info, s, spec);
    const size_t stride = (size_t)s->width * 8;
    uint8_t *row = malloc(stride);
    const int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++) {
        for (int y = 0; y < s->height; y++) {
            memset(row, 0, stride);
            for (int x = 0; x < s->width; x++) {
                png_pixel(s, spec, quadrant(s, x, y), x, row);
            }
            png_write_row(png, row);
        }
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    free(row);
    if (seen) {
        png_seen(s, spec, seen);
    }
}

void make_png_pixels(struct buf *out, const uint8_t *pixels, int width, int height,
                     int channels, int filters, int idat_bytes)
{
    buf_fini(out);
    buf_init(out, MAX_BYTES);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, out, on_png_write, on_png_flush);
    png_set_compression_buffer_size(png, (size_t)idat_bytes);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, 8,
                 channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGB_ALPHA,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    if (filters) {
        png_set_filter(png, PNG_FILTER_TYPE_BASE, filters);
    }
    png_write_info(png, info);
    for (int y = 0; y < height; y++) {
        png_write_row(png, pixels + (size_t)y * (size_t)width * (size_t)channels);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
}

static uint32_t crc_of(const uint8_t *b, size_t n)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n * 8; i++) {
        crc ^= i % 8 ? 0 : b[i / 8];
        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void add_chunk(struct buf *out, const char *type, const uint8_t *data, uint32_t n)
{
    uint8_t body[64];
    const uint8_t len[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                            (uint8_t)n};
    assert(n + 4 <= sizeof(body));
    memcpy(body, type, 4);
    memcpy(body + 4, data, n);
    const uint32_t crc = crc_of(body, n + 4);
    const uint8_t sum[4] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16),
                            (uint8_t)(crc >> 8), (uint8_t)crc};
    must(buf_add(out, len, 4));
    must(buf_add(out, body, n + 4));
    must(buf_add(out, sum, 4));
}

void make_png_lie(struct buf *out, uint32_t width, uint32_t height)
{
    const uint8_t ihdr[13] = {(uint8_t)(width >> 24),
                              (uint8_t)(width >> 16),
                              (uint8_t)(width >> 8),
                              (uint8_t)width,
                              (uint8_t)(height >> 24),
                              (uint8_t)(height >> 16),
                              (uint8_t)(height >> 8),
                              (uint8_t)height,
                              8,
                              2,
                              0,
                              0,
                              0};
    const uint8_t idat[12] = {0x78, 0x9c, 0x63, 0, 0, 0, 0, 1, 0, 1};
    buf_fini(out);
    buf_init(out, MAX_BYTES);
    must(buf_add(out, "\x89PNG\r\n\x1a\n", 8));
    add_chunk(out, "IHDR", ihdr, sizeof(ihdr));
    add_chunk(out, "IDAT", idat, sizeof(idat));
    add_chunk(out, "IEND", idat, 0);
}

// ---- JPEG

// Source: Exif 2.32, tag 0x112: where row 0 and column 0 are.
void upright(int orientation, int w, int h, int sx, int sy, int *x, int *y)
{
    static const char *const row0 = " TTBBLRRL";
    static const char *const col0 = " LRRLTTBB";
    *x = 0;
    *y = 0;
    switch (row0[orientation]) {
    case 'T': *y = sy; break;
    case 'B': *y = h - 1 - sy; break;
    case 'L': *x = sy; break;
    case 'R': *x = w - 1 - sy; break;
    }
    switch (col0[orientation]) {
    case 'T': *y = sx; break;
    case 'B': *y = h - 1 - sx; break;
    case 'L': *x = sx; break;
    case 'R': *x = w - 1 - sx; break;
    }
}

static void jpeg_exif(j_compress_ptr c, int orientation)
{
    uint8_t app[32] = "Exif\0";
    const size_t n = exif_block(app + 6, orientation);
    jpeg_write_marker(c, JPEG_APP0 + 1, app, (unsigned)(n + 6));
}

static J_COLOR_SPACE input_space(int colourspace)
{
    return colourspace == JCS_CMYK || colourspace == JCS_YCCK ? JCS_CMYK : JCS_RGB;
}

// Adobe's way: what is stored is the light that is left.
static void jpeg_pixel(const struct jpeg_spec *spec, struct rgba c, uint8_t *out, int x)
{
    const uint8_t flip = spec->has_no_adobe ? 255 : 0;
    if (input_space(spec->colourspace) == JCS_CMYK) {
        const uint8_t v[4] = {c.r ^ flip, c.g ^ flip, c.b ^ flip, 255 ^ flip};
        memcpy(out + 4 * x, v, 4);
    } else {
        const uint8_t v[3] = {c.r, c.g, c.b};
        memcpy(out + 3 * x, v, 3);
    }
}

// The middle of each block roughly, and what comes next to it more roughly.
static void jpeg_coarse_scans(struct jpeg_compress_struct *c)
{
    static jpeg_scan_info scans[5];
    const int n = c->num_components;
    scans[0] = (jpeg_scan_info){.comps_in_scan = n, .component_index = {0, 1, 2, 3}};
    for (int i = 0; i < n; i++) {
        scans[1 + i] = (jpeg_scan_info){
            .comps_in_scan = 1, .component_index = {i}, .Ss = 1, .Se = 2, .Al = 3};
    }
    c->scan_info = scans;
    c->num_scans = 1 + n;
}

static void jpeg_set_up(struct jpeg_compress_struct *c, const struct jpeg_spec *spec)
{
    c->in_color_space = input_space(spec->colourspace);
    c->input_components = c->in_color_space == JCS_CMYK ? 4 : 3;
    jpeg_set_defaults(c);
    jpeg_set_colorspace(c, (J_COLOR_SPACE)spec->colourspace);
    jpeg_set_quality(c, spec->quality ? spec->quality : 95, TRUE);
    c->comp_info[0].h_samp_factor = spec->h ? spec->h : 1;
    c->comp_info[0].v_samp_factor = spec->v ? spec->v : 1;
    c->restart_in_rows = spec->restart;
    if (spec->is_progressive) {
        jpeg_simple_progression(c);
    }
    if (spec->is_coarse) {
        jpeg_coarse_scans(c);
    }
    if (spec->has_no_adobe) {
        c->write_Adobe_marker = FALSE;
    }
}

void make_jpeg(struct buf *out, const struct scene *s, const struct jpeg_spec *spec)
{
    const int o = spec->orientation ? spec->orientation : 1;
    const int w = o >= 5 ? s->height : s->width;
    const int h = o >= 5 ? s->width : s->height;
    struct jpeg_compress_struct c = {0};
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long len = 0;
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &bytes, &len);
    c.image_width = (JDIMENSION)w;
    c.image_height = (JDIMENSION)h;
    jpeg_set_up(&c, spec);
    jpeg_start_compress(&c, TRUE);
    if (spec->orientation) {
        jpeg_exif(&c, spec->orientation);
    }
    uint8_t *row = malloc((size_t)w * 4);
    for (int sy = 0; sy < h; sy++) {
        for (int sx = 0; sx < w; sx++) {
            int x, y;
            upright(o, s->width, s->height, sx, sy, &x, &y);
            jpeg_pixel(spec, scene_at(s, x, y), row, sx);
        }
        JSAMPROW one = row;
        jpeg_write_scanlines(&c, &one, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    free(row);
    buf_fini(out);
    buf_init(out, MAX_BYTES);
    must(buf_add(out, bytes, len));
    free(bytes);
}

void make_jpeg_pixels(struct buf *out, const uint8_t *rgb, int width, int height)
{
    tjhandle tj = tjInitCompress();
    unsigned char *bytes = NULL;
    unsigned long len = 0;
    must(tjCompress2(tj, rgb, width, 0, height, TJPF_RGB, &bytes, &len, TJSAMP_420, 95,
                     TJFLAG_ACCURATEDCT));
    buf_fini(out);
    buf_init(out, MAX_BYTES);
    must(buf_add(out, bytes, len));
    tjFree(bytes);
    tjDestroy(tj);
}

static uint8_t *read_jpeg(const struct buf *jpeg, int *width, int *height, int format)
{
    tjhandle tj = tjInitDecompress();
    int sampling, space;
    must(
        tjDecompressHeader3(tj, jpeg->data, jpeg->len, width, height, &sampling, &space));
    uint8_t *out = malloc((size_t)*width * (size_t)*height * (size_t)tjPixelSize[format]);
    must(tjDecompress2(tj, jpeg->data, jpeg->len, out, *width, 0, *height, format,
                       TJFLAG_ACCURATEDCT));
    tjDestroy(tj);
    return out;
}

uint8_t *read_jpeg_rgb(const struct buf *jpeg, int *width, int *height)
{
    return read_jpeg(jpeg, width, height, TJPF_RGB);
}

uint8_t *read_jpeg_grey(const struct buf *jpeg, int *width, int *height)
{
    return read_jpeg(jpeg, width, height, TJPF_GRAY);
}
