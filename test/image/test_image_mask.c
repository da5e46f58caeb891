// test_image_mask.c -- two pictures that differ only below the boxes give the same bytes.
//
// That is the proof that nothing of what is covered is left: whatever could be read from
// the results of the one could be read from those of the other.  For lossless and JPEG
// sources the pictures differ below the boxes before they are encoded; for lossy WebP,
// whose coding carries differences on, the boxes cover where they differ when decoded.
// SPDX-License-Identifier: MIT
#include "image/image.h"
#include "image/image_make.h"
#include "image/mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <limits.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include <jpeglib.h>

enum { MOST_BOXES = 6 };

enum kind { PNG, JPEG, WEBP };

struct boxes {
    struct image_box at[MOST_BOXES];
    int n;
};

// A picture and its twin, upright; the scenes they are made of, and the files.
struct twins {
    int width, height;
    const struct rgba *colours;
    uint8_t *map[2];
    struct buf file[2];
};

static uint32_t seed = 1;

static int random_below(int n)
{
    seed = seed * 1664525 + 1013904223;
    return (int)((seed >> 8) % (uint32_t)n);
}

static bool is_covered(const struct boxes *b, int x, int y, int around)
{
    for (int i = 0; i < b->n; i++) {
        const struct image_box *o = &b->at[i];
        if (x >= o->x - around && y >= o->y - around && x - around < o->x + o->width &&
            y - around < o->y + o->height) {
            return true;
        }
    }
    return false;
}

// Strokes of a pixel or some; below the boxes every pixel is another one in the twin.
static void twins_open(struct twins *t, int width, int height, const struct rgba *colours,
                       const struct boxes *b)
{
    *t = (struct twins){.width = width, .height = height, .colours = colours};
    for (int i = 0; i < 2; i++) {
        t->map[i] = malloc((size_t)width * (size_t)height);
    }
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            const int at = y * width + x;
            const bool repeats = x > 0 && random_below(3) > 0;
            const int value = repeats ? t->map[0][at - 1] : random_below(4);
            t->map[0][at] = (uint8_t)value;
            const int other = is_covered(b, x, y, 0) ? 1 + random_below(3) : 0;
            t->map[1][at] = (uint8_t)((value + other) % 4);
        }
    }
}

static void twins_close(struct twins *t)
{
    for (int i = 0; i < 2; i++) {
        free(t->map[i]);
        buf_fini(&t->file[i]);
    }
}

// JPEGs are turned by their maker, the others are stored as they are given.
static struct scene scene_of(const struct twins *t, int i, int orientation,
                             uint8_t *stored)
{
    struct scene s = scene_get(t->width, t->height, t->colours);
    s.map = t->map[i];
    if (orientation <= 1) {
        return s;
    }
    s.width = orientation >= 5 ? t->height : t->width;
    s.height = orientation >= 5 ? t->width : t->height;
    for (int sy = 0; sy < s.height; sy++) {
        for (int sx = 0; sx < s.width; sx++) {
            int x, y;
            upright(orientation, t->width, t->height, sx, sy, &x, &y);
            stored[sy * s.width + sx] = t->map[i][y * t->width + x];
        }
    }
    s.map = stored;
    return s;
}

static void twins_encode(struct twins *t, enum kind kind, const void *spec)
{
    const struct png_spec *png = spec;
    const struct webp_spec *webp = spec;
    uint8_t *stored = malloc((size_t)t->width * (size_t)t->height);
    for (int i = 0; i < 2; i++) {
        const int o = kind == PNG    ? png->orientation
                      : kind == WEBP ? webp->orientation
                                     : 1;
        const struct scene s = scene_of(t, i, o, stored);
        switch (kind) {
        case PNG: make_png(&t->file[i], &s, png, NULL); break;
        case JPEG: make_jpeg(&t->file[i], &s, spec); break;
        case WEBP: make_webp(&t->file[i], &s, webp); break;
        }
    }
    free(stored);
}

static struct image_req prepare(const struct buf *file, const struct boxes *b, int target,
                                bool want_luma)
{
    static const struct image_config c = {0};
    struct image_req r = {.bytes = file->data,
                          .bytes_len = file->len,
                          .target_px = target,
                          .want_luma = want_luma,
                          .masks = b ? b->at : NULL,
                          .n_masks = b ? b->n : 0};
    const int rc = image_prepare_now(&c, &r);
    if (rc) {
        fail_msg("%s: %s", err_name(rc), r.err.msg);
    }
    return r;
}

static bool is_same(const struct image_req *a, const struct image_req *b)
{
    const size_t area = (size_t)a->width * (size_t)a->height;
    return a->jpeg.len == b->jpeg.len &&
           memcmp(a->jpeg.data, b->jpeg.data, a->jpeg.len) == 0 &&
           memcmp(a->sent_hash, b->sent_hash, sizeof(a->sent_hash)) == 0 &&
           memcmp(a->thumb, b->thumb, sizeof(a->thumb)) == 0 &&
           (!a->luma || memcmp(a->luma, b->luma, area) == 0);
}

// Same bytes with the boxes, others without: the second half shows that there was
// something to hide.
static void check_twins(const char *what, const struct twins *t, const struct boxes *b,
                        int target, bool want_luma)
{
    struct image_req r[4];
    for (int i = 0; i < 4; i++) {
        r[i] = prepare(&t->file[i & 1], i < 2 ? b : NULL, target, want_luma);
        assert_int_equal(r[i].width, t->width);
        assert_int_equal(r[i].height, t->height);
    }
    if (!is_same(&r[0], &r[1])) {
        fail_msg("%s to %d: something is left of what is covered", what, target);
    }
    if (is_same(&r[2], &r[3])) {
        fail_msg("%s to %d: there was nothing to cover", what, target);
    }
    assert_memory_not_equal(r[0].content, r[1].content, IMAGE_HASH_BYTES);
    assert_memory_equal(r[0].content, r[2].content, IMAGE_HASH_BYTES);
    for (int i = 0; i < 4; i++) {
        image_req_fini(&r[i]);
    }
}

// Shrunk by an odd ratio, by more than four, and not at all; each with and without luma,
// which forbids some short cuts.
static void check_targets(const char *what, const struct twins *t, const struct boxes *b)
{
    static const int targets[] = {100, 40, 5000};
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        check_twins(what, t, b, targets[i], false);
        check_twins(what, t, b, targets[i], true);
    }
}

// Odd places, an edge that is reached over, two that overlap, a line.
static const struct boxes usual = {
    .at = {{31, 17, 45, 13},
           {60, 25, 33, 21},
           {-20, 90, 50, 1000},
           {150, -5, 7, 30},
           {101, 70, 1, 1},
           {120, 81, 80, 2}},
    .n = 6,
};

enum { WIDTH = 211, HEIGHT = 133 };

static void check_kind(const char *what, enum kind kind, const void *spec, bool is_clear,
                       const struct boxes *b)
{
    struct twins t;
    twins_open(&t, WIDTH, HEIGHT, is_clear ? scene_clear : scene_opaque, b);
    twins_encode(&t, kind, spec);
    check_targets(what, &t, b);
    twins_close(&t);
}

// ---- PNG

static void png_case(const struct png_spec *spec)
{
    char what[96];
    const bool is_clear = spec->colour_type & PNG_COLOR_MASK_ALPHA || spec->has_trns;
    snprintf(what, sizeof(what), "png type %d depth %d%s%s orientation %d",
             spec->colour_type, spec->depth, spec->is_interlaced ? " interlaced" : "",
             spec->has_trns ? " tRNS" : "", spec->orientation);
    check_kind(what, PNG, spec, is_clear, &usual);
}

static void test_png_kinds(void **state)
{
    (void)state;
    static const struct {
        int type, depth;
    } kinds[] = {{0, 1}, {0, 2}, {0, 4}, {0, 8}, {0, 16}, {2, 8}, {2, 16}, {3, 1},
                 {3, 2}, {3, 4}, {3, 8}, {4, 8}, {4, 16}, {6, 8}, {6, 16}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        for (int flags = 0; flags < 4; flags++) {
            const struct png_spec spec = {.colour_type = kinds[i].type,
                                          .depth = kinds[i].depth,
                                          .is_interlaced = flags & 1,
                                          .has_trns = flags & 2};
            // Two of four colours look alike with one bit, so the twins could, too.
            if (!(spec.has_trns && spec.colour_type >= 4)) {
                png_case(&spec);
            }
        }
    }
}

static void test_png_orientations(void **state)
{
    (void)state;
    for (int o = 1; o <= 8; o++) {
        png_case(&(struct png_spec){.colour_type = 2, .depth = 8, .orientation = o});
        png_case(&(struct png_spec){.colour_type = 3, .depth = 2, .orientation = o});
    }
}

// ---- JPEG

static void test_jpeg_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct jpeg_spec spec;
    } cases[] = {
        {"4:2:0", {.colourspace = JCS_YCbCr, .h = 2, .v = 2}},
        {"4:2:0 coarse", {.colourspace = JCS_YCbCr, .h = 2, .v = 2, .quality = 20}},
        {"4:2:0 progressive",
         {.colourspace = JCS_YCbCr, .h = 2, .v = 2, .is_progressive = true}},
        {"4:2:0 coarse progressive",
         {.colourspace = JCS_YCbCr, .h = 2, .v = 2, .is_coarse = true}},
        {"4:4:4 coarse progressive", {.colourspace = JCS_YCbCr, .is_coarse = true}},
        {"CMYK coarse progressive", {.colourspace = JCS_CMYK, .is_coarse = true}},
        {"YCCK coarse progressive",
         {.colourspace = JCS_YCCK, .h = 2, .v = 2, .is_coarse = true}},
        {"4:2:0 restart", {.colourspace = JCS_YCbCr, .h = 2, .v = 2, .restart = 1}},
        {"4:4:4", {.colourspace = JCS_YCbCr, .h = 1, .v = 1}},
        {"4:2:2", {.colourspace = JCS_YCbCr, .h = 2, .v = 1}},
        {"4:4:0", {.colourspace = JCS_YCbCr, .h = 1, .v = 2}},
        {"4:1:1", {.colourspace = JCS_YCbCr, .h = 4, .v = 1}},
        {"odd sampling", {.colourspace = JCS_YCbCr, .h = 4, .v = 2}},
        {"grey", {.colourspace = JCS_GRAYSCALE, .h = 1, .v = 1}},
        {"grey 2x2", {.colourspace = JCS_GRAYSCALE, .h = 2, .v = 2}},
        {"RGB", {.colourspace = JCS_RGB}},
        {"RGB progressive", {.colourspace = JCS_RGB, .is_progressive = true}},
        {"CMYK", {.colourspace = JCS_CMYK}},
        {"CMYK plain", {.colourspace = JCS_CMYK, .has_no_adobe = true}},
        {"YCCK", {.colourspace = JCS_YCCK, .h = 2, .v = 2}},
        {"YCCK 4:2:2", {.colourspace = JCS_YCCK, .h = 2, .v = 1}},
        {"YCCK 4:4:0", {.colourspace = JCS_YCCK, .h = 1, .v = 2}},
        {"YCCK progressive", {.colourspace = JCS_YCCK, .is_progressive = true}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_kind(cases[i].what, JPEG, &cases[i].spec, false, &usual);
    }
}

static void test_jpeg_orientations(void **state)
{
    (void)state;
    for (int o = 1; o <= 8; o++) {
        const struct jpeg_spec planes = {
            .colourspace = JCS_YCbCr, .h = 2, .v = 2, .orientation = o};
        const struct jpeg_spec pixels = {.colourspace = JCS_CMYK, .orientation = o};
        check_kind("planes, turned", JPEG, &planes, false, &usual);
        check_kind("pixels, turned", JPEG, &pixels, false, &usual);
    }
}

// The decoder's own shrink by 2, 4 and 8 mixes the pixels of a block.
static void test_jpeg_shrunk_while_decoding(void **state)
{
    (void)state;
    static const int samplings[][2] = {{1, 1}, {2, 1}, {2, 2}, {1, 2}};
    static const int targets[] = {400, 200, 100, 50};
    const struct boxes b = {
        .at = {{203, 117, 310, 23}, {900, 600, 5, 5}, {1595, 0, 100, 803}}, .n = 3};
    for (size_t i = 0; i < sizeof(samplings) / sizeof(samplings[0]); i++) {
        const struct jpeg_spec spec = {
            .colourspace = JCS_YCbCr, .h = samplings[i][0], .v = samplings[i][1]};
        struct twins t;
        twins_open(&t, 1601, 803, scene_opaque, &b);
        twins_encode(&t, JPEG, &spec);
        for (size_t k = 0; k < sizeof(targets) / sizeof(targets[0]); k++) {
            check_twins("scaled", &t, &b, targets[k], false);
        }
        twins_close(&t);
    }
}

static void test_4k(void **state)
{
    (void)state;
    const struct boxes b = {.at = {{1111, 777, 513, 41}, {3001, 2101, 700, 50}}, .n = 2};
    const struct jpeg_spec jpeg = {.colourspace = JCS_YCbCr, .h = 2, .v = 2};
    const struct png_spec png = {.colour_type = 2, .depth = 8};
    struct twins t;
    twins_open(&t, 3840, 2160, scene_opaque, &b);
    twins_encode(&t, JPEG, &jpeg);
    check_twins("4K jpeg", &t, &b, 768, false);
    twins_encode(&t, PNG, &png);
    check_twins("4K png", &t, &b, 768, false);
    twins_close(&t);
}

// ---- WebP

static void test_webp_lossless(void **state)
{
    (void)state;
    for (int flags = 0; flags < 4; flags++) {
        const struct webp_spec spec = {
            .is_lossless = true, .has_alpha = flags & 1, .is_animated = flags & 2};
        check_kind("lossless webp", WEBP, &spec, spec.has_alpha, &usual);
    }
    for (int o = 2; o <= 8; o++) {
        const struct webp_spec spec = {.is_lossless = true, .orientation = o};
        check_kind("turned webp", WEBP, &spec, false, &usual);
    }
}

static void add_point(struct image_box *b, int x, int y)
{
    const int right = b->x + b->width, bottom = b->y + b->height;
    if (b->width == 0) {
        *b = (struct image_box){x, y, 1, 1};
        return;
    }
    b->x = x < b->x ? x : b->x;
    b->y = y < b->y ? y : b->y;
    b->width = (x >= right ? x + 1 : right) - b->x;
    b->height = (y >= bottom ? y + 1 : bottom) - b->y;
}

// Adds the places where two planes differ, in pixels of the picture.
static void add_difference(struct image_box *b, const uint8_t *one, const uint8_t *two,
                           int width, int height, int stride, int step, int sub)
{
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            const size_t at = (size_t)y * (size_t)stride + (size_t)(x * step);
            if (memcmp(one + at, two + at, (size_t)step) != 0) {
                add_point(b, x * sub, y * sub);
                add_point(b, x * sub + sub - 1, y * sub + sub - 1);
            }
        }
    }
}

static void decode_yuv(WebPDecoderConfig *c, const struct buf *file, bool bypass)
{
    assert_true(WebPInitDecoderConfig(c));
    c->output.colorspace = MODE_YUV;
    c->options.bypass_filtering = bypass;
    assert_int_equal(WebPDecode(file->data, file->len, c), VP8_STATUS_OK);
}

static void add_yuv_difference(struct image_box *b, const struct twins *t, bool bypass)
{
    WebPDecoderConfig c[2];
    decode_yuv(&c[0], &t->file[0], bypass);
    decode_yuv(&c[1], &t->file[1], bypass);
    const WebPYUVABuffer *p = &c[0].output.u.YUVA, *q = &c[1].output.u.YUVA;
    const int w = t->width, h = t->height;
    add_difference(b, p->y, q->y, w, h, p->y_stride, 1, 1);
    add_difference(b, p->u, q->u, (w + 1) / 2, (h + 1) / 2, p->u_stride, 1, 2);
    add_difference(b, p->v, q->v, (w + 1) / 2, (h + 1) / 2, p->v_stride, 1, 2);
    WebPFreeDecBuffer(&c[0].output);
    WebPFreeDecBuffer(&c[1].output);
}

static uint8_t *decode_first_frame(const struct buf *file, WebPAnimDecoder **d)
{
    const WebPData data = {file->data, file->len};
    uint8_t *rgba = NULL;
    int at_ms = 0;
    *d = WebPAnimDecoderNew(&data, NULL);
    assert_true(*d && WebPAnimDecoderGetNext(*d, &rgba, &at_ms));
    return rgba;
}

static void add_rgba_difference(struct image_box *b, const struct twins *t)
{
    WebPAnimDecoder *d[2];
    const uint8_t *one = decode_first_frame(&t->file[0], &d[0]);
    const uint8_t *two = decode_first_frame(&t->file[1], &d[1]);
    add_difference(b, one, two, t->width, t->height, 4 * t->width, 4, 1);
    WebPAnimDecoderDelete(d[0]);
    WebPAnimDecoderDelete(d[1]);
}

static void test_webp_lossy(void **state)
{
    (void)state;
    const struct boxes secret = {.at = {{161, 101, 30, 11}}, .n = 1};
    for (int flags = 0; flags < 4; flags++) {
        const struct webp_spec spec = {.has_alpha = flags & 1, .is_animated = flags & 2};
        struct twins t;
        struct boxes b = {.n = 1};
        twins_open(&t, WIDTH, HEIGHT, spec.has_alpha ? scene_clear : scene_opaque,
                   &secret);
        twins_encode(&t, WEBP, &spec);
        if (flags == 0) {
            add_yuv_difference(&b.at[0], &t, false);
            add_yuv_difference(&b.at[0], &t, true);
        } else {
            add_rgba_difference(&b.at[0], &t);
        }
        // Most of the picture is the same in both, or this shows nothing.
        assert_true(b.at[0].width * b.at[0].height * 2 < WIDTH * HEIGHT);
        check_targets("lossy webp", &t, &b);
        twins_close(&t);
    }
}

// ---- boxes anywhere

static struct boxes random_boxes(void)
{
    struct boxes b = {.n = 1 + random_below(MOST_BOXES)};
    for (int i = 0; i < b.n; i++) {
        b.at[i] = (struct image_box){random_below(WIDTH), random_below(HEIGHT),
                                     2 + random_below(60), 2 + random_below(40)};
    }
    return b;
}

static void test_random_boxes(void **state)
{
    (void)state;
    static const struct png_spec png = {.colour_type = 6, .depth = 8};
    static const struct jpeg_spec jpegs[] = {
        {.colourspace = JCS_YCbCr, .h = 2, .v = 2, .orientation = 6},
        {.colourspace = JCS_YCbCr, .h = 4, .v = 2},
        {.colourspace = JCS_YCCK, .h = 2, .v = 2, .orientation = 7},
    };
    for (int round = 0; round < 40; round++) {
        const struct boxes b = random_boxes();
        check_kind("random png", PNG, &png, true, &b);
        check_kind("random jpeg", JPEG, &jpegs[round % 3], false, &b);
    }
}

// ---- what is not covered stays

// Compares a pixel of two sent JPEGs where no filter and no block reaches a box.
static void check_sent_outside(const struct image_req *masked,
                               const struct image_req *plain, const struct boxes *b)
{
    int w, h;
    uint8_t *got = read_jpeg_rgb(&masked->jpeg, &w, &h);
    uint8_t *want = read_jpeg_rgb(&plain->jpeg, &w, &h);
    const double ratio = (double)masked->width / w;
    const int around = (int)(ratio * (6 + 18)) + 20;
    int compared = 0, dark = 0;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            const int sx = (int)((x + 0.5) * ratio), sy = (int)((y + 0.5) * ratio);
            const uint8_t *p = got + 3 * (y * w + x);
            if (!is_covered(b, sx, sy, around)) {
                assert_memory_equal(p, want + 3 * (y * w + x), 3);
                compared++;
            } else if (is_covered(b, sx, sy, (int)(-18 * ratio))) {
                assert_true(p[0] < 24 && p[1] < 24 && p[2] < 24);
                dark++;
            }
        }
    }
    assert_true(compared > w * h / 8);
    assert_true(dark > 0);
    free(got);
    free(want);
}

// A box grows by least to most pixels on each side.
static void check_outside(enum kind kind, const void *spec, int least, int most,
                          int target)
{
    const struct boxes b = {.at = {{301, 151, 170, 140}}, .n = 1};
    struct twins t;
    const bool is_clear = kind == WEBP && ((const struct webp_spec *)spec)->has_alpha;
    twins_open(&t, 641, 403, is_clear ? scene_clear : scene_opaque, &b);
    twins_encode(&t, kind, spec);
    struct image_req masked = prepare(&t.file[0], &b, target, true);
    struct image_req plain = prepare(&t.file[0], NULL, target, true);
    for (int y = 0; y < t.height; y++) {
        for (int x = 0; x < t.width; x++) {
            const int at = y * t.width + x;
            if (is_covered(&b, x, y, least)) {
                assert_int_equal(masked.luma[at], 0);
            } else if (!is_covered(&b, x, y, most)) {
                assert_int_equal(masked.luma[at], plain.luma[at]);
            }
        }
    }
    check_sent_outside(&masked, &plain, &b);
    image_req_fini(&masked);
    image_req_fini(&plain);
    twins_close(&t);
}

static void test_outside_is_unchanged(void **state)
{
    (void)state;
    const struct png_spec rgb = {.colour_type = 2, .depth = 8};
    const struct png_spec odd = {.colour_type = 6, .depth = 16, .is_interlaced = true};
    const struct jpeg_spec planes = {.colourspace = JCS_YCbCr, .h = 2, .v = 2};
    const struct jpeg_spec progressive = {
        .colourspace = JCS_YCbCr, .h = 2, .v = 2, .is_progressive = true};
    const struct jpeg_spec pixels = {.colourspace = JCS_YCCK, .h = 2, .v = 2};
    const struct webp_spec lossy = {0}, lossless = {.is_lossless = true};
    const struct webp_spec clear = {.has_alpha = true};
    for (int target = 300; target <= 5000; target += 4700) {
        check_outside(PNG, &rgb, 0, 0, target);
        check_outside(PNG, &odd, 0, 0, target);
        check_outside(JPEG, &planes, 1, 7, target);
        check_outside(JPEG, &progressive, 1, 7, target);
        check_outside(JPEG, &pixels, 6, 16, target);
        check_outside(WEBP, &lossy, 0, 0, target);
        check_outside(WEBP, &lossless, 0, 0, target);
        check_outside(WEBP, &clear, 2, 2, target);
    }
}

// Nothing but the picture is in what is sent: no comment, no EXIF with its thumbnail.
static void test_no_metadata_is_sent(void **state)
{
    (void)state;
    struct twins t;
    const struct jpeg_spec spec = {.colourspace = JCS_YCbCr, .orientation = 3};
    twins_open(&t, WIDTH, HEIGHT, scene_opaque, &usual);
    twins_encode(&t, JPEG, &spec);
    struct image_req r = prepare(&t.file[0], &usual, 100, false);
    const uint8_t *b = r.jpeg.data;
    size_t at = 2;
    while (b[at + 1] != 0xda) {
        const int marker = b[at + 1];
        const size_t n = (size_t)b[at + 2] << 8 | b[at + 3];
        assert_int_equal(b[at], 0xff);
        // Tables, frame, and the JFIF header without a thumbnail.
        assert_true(marker == 0xdb || marker == 0xc0 || marker == 0xc4 ||
                    (marker == 0xe0 && n == 16));
        at += 2 + n;
    }
    assert_memory_equal(b + r.jpeg.len - 2, "\xff\xd9", 2);
    image_req_fini(&r);
    twins_close(&t);
}

// ---- boxes that are none

static int prepare_boxes(const struct buf *file, const struct image_box *b, int n)
{
    static const struct image_config c = {0};
    struct image_req r = {
        .bytes = file->data, .bytes_len = file->len, .masks = b, .n_masks = n};
    const int rc = image_prepare_now(&c, &r);
    assert_true(rc == 0 || (strstr(r.err.msg, "mask") && !r.jpeg.data));
    image_req_fini(&r);
    return rc;
}

static void test_refused_boxes(void **state)
{
    (void)state;
    struct buf file = {0};
    static struct image_box many[IMAGE_MOST_MASKS + 1];
    const struct scene s = scene_get(64, 48, scene_opaque);
    make_png(&file, &s, &(struct png_spec){.colour_type = 2, .depth = 8}, NULL);
    for (int i = 0; i <= IMAGE_MOST_MASKS; i++) {
        many[i] = (struct image_box){i % 60, i / 60, 3, 3};
    }
    assert_int_equal(prepare_boxes(&file, many, IMAGE_MOST_MASKS), 0);
    assert_int_equal(prepare_boxes(&file, many, IMAGE_MOST_MASKS + 1), E_USAGE);
    assert_int_equal(prepare_boxes(&file, many, -1), E_USAGE);
    assert_int_equal(prepare_boxes(&file, NULL, 1), E_USAGE);
    // A box that covers nothing is a mistake of who made it: nothing may go out then.
    const struct image_box flat[] = {{1, 1, 5, 0}, {1, 1, 0, 5}, {1, 1, -5, 5}};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(prepare_boxes(&file, &flat[i], 1), E_USAGE);
    }
    buf_fini(&file);
}

static void test_boxes_at_the_ends_of_int(void **state)
{
    (void)state;
    static const struct {
        struct image_box in;
        struct image_box want;  // of 100 x 50; width 0: nothing
    } cases[] = {
        {{INT_MIN, INT_MIN, INT_MAX, INT_MAX}, {0, 0, 0, 0}},
        {{-1, -1, INT_MAX, INT_MAX}, {0, 0, 100, 50}},
        {{99, 49, INT_MAX, INT_MAX}, {99, 49, 1, 1}},
        {{INT_MAX, 0, INT_MAX, 1}, {0, 0, 0, 0}},
        {{100, 0, 5, 5}, {0, 0, 0, 0}},
        {{0, -5, 5, 5}, {0, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena = {0};
        struct mask m;
        assert_int_equal(mask_check(&cases[i].in, 1, NULL), 0);
        assert_int_equal(mask_init(&m, &cases[i].in, 1, 100, 50, 1, &arena), 0);
        assert_int_equal(m.n, cases[i].want.width > 0);
        if (m.n) {
            assert_memory_equal(m.boxes, &cases[i].want, sizeof(*m.boxes));
        }
        mask_widen(&m, 16, 16, 1);
        assert_true(!m.n || (m.boxes[0].x >= 0 && m.boxes[0].width <= 100));
        arena_fini(&arena);
    }
}

// A box somewhere else changes nothing.
static void test_box_outside(void **state)
{
    (void)state;
    const struct boxes b = {.at = {{WIDTH, 0, 10, 10}, {0, -10, 10, 10}}, .n = 2};
    const struct jpeg_spec spec = {.colourspace = JCS_YCbCr, .h = 2, .v = 2};
    struct twins t;
    twins_open(&t, WIDTH, HEIGHT, scene_opaque, &b);
    twins_encode(&t, JPEG, &spec);
    struct image_req masked = prepare(&t.file[0], &b, 100, true);
    struct image_req plain = prepare(&t.file[0], NULL, 100, true);
    assert_true(is_same(&masked, &plain));
    image_req_fini(&masked);
    image_req_fini(&plain);
    twins_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_kinds),
        cmocka_unit_test(test_png_orientations),
        cmocka_unit_test(test_jpeg_kinds),
        cmocka_unit_test(test_jpeg_orientations),
        cmocka_unit_test(test_jpeg_shrunk_while_decoding),
        cmocka_unit_test(test_4k),
        cmocka_unit_test(test_webp_lossless),
        cmocka_unit_test(test_webp_lossy),
        cmocka_unit_test(test_random_boxes),
        cmocka_unit_test(test_outside_is_unchanged),
        cmocka_unit_test(test_no_metadata_is_sent),
        cmocka_unit_test(test_refused_boxes),
        cmocka_unit_test(test_boxes_at_the_ends_of_int),
        cmocka_unit_test(test_box_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
