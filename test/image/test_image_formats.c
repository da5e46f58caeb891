// test_image_formats.c -- every kind of PNG, JPEG and WebP shows the scene it was made of.
// SPDX-License-Identifier: MIT
#include "image/image.h"
#include "image/image_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

enum { TOLERANCE = 8 };  // of a JPEG at quality 100, and of 4:2:0

static const struct image_config config = {.quality = 100};

static int luma_of(struct rgba c)
{
    return (299 * c.r + 587 * c.g + 114 * c.b + 500) / 1000;
}

static void check_near(const char *what, int q, int got, int want)
{
    if (abs(got - want) > TOLERANCE) {
        fail_msg("%s: quadrant %d has %d, not %d", what, q, got, want);
    }
}

// The middle of each quadrant of the sent JPEG and of the luma.
static void check_seen(const char *what, const struct image_req *r,
                       const struct rgba seen[4])
{
    int width, height;
    uint8_t *rgb = read_jpeg_rgb(&r->jpeg, &width, &height);
    assert_int_equal(width, r->sent_width);
    assert_int_equal(height, r->sent_height);
    for (int q = 0; q < 4; q++) {
        const int fx = q & 1 ? 3 : 1;
        const int fy = q & 2 ? 3 : 1;
        const uint8_t *p = rgb + 3 * (height * fy / 4 * width + width * fx / 4);
        check_near(what, q, p[0], seen[q].r);
        check_near(what, q, p[1], seen[q].g);
        check_near(what, q, p[2], seen[q].b);
        const int luma = luma_of(seen[q]);
        check_near(what, q, r->luma[r->height * fy / 4 * r->width + r->width * fx / 4],
                   luma);
        const int block = IMAGE_THUMB_H * fy / 4 * IMAGE_THUMB_W + IMAGE_THUMB_W * fx / 4;
        check_near(what, q, r->thumb[block], luma);
    }
    free(rgb);
}

static void check_picture(const char *what, const struct buf *file, const struct scene *s,
                          const struct rgba seen[4], int target)
{
    struct image_req r = {.bytes = file->data,
                          .bytes_len = file->len,
                          .target_px = target,
                          .want_luma = true};
    const int rc = image_prepare_now(&config, &r);
    if (rc) {
        fail_msg("%s: %s: %s", what, err_name(rc), r.err.msg);
    }
    assert_int_equal(r.width, s->width);
    assert_int_equal(r.height, s->height);
    check_seen(what, &r, seen);
    image_req_fini(&r);
}

// Shrunk by an odd ratio, by more than four (boxes first), and not at all.
static void check_targets(const char *what, const struct buf *file, const struct scene *s,
                          const struct rgba seen[4])
{
    check_picture(what, file, s, seen, 100);
    check_picture(what, file, s, seen, 40);
    check_picture(what, file, s, seen, 5000);
}

static void png_case(const struct png_spec *spec)
{
    char what[96];
    struct buf file = {0};
    struct rgba seen[4];
    const bool has_alpha = spec->colour_type & PNG_COLOR_MASK_ALPHA || spec->has_trns;
    const struct scene s = scene_get(211, 133, has_alpha ? scene_clear : scene_opaque);
    snprintf(what, sizeof(what), "png type %d depth %d%s%s", spec->colour_type,
             spec->depth, spec->is_interlaced ? " interlaced" : "",
             spec->has_trns ? " tRNS" : "");
    make_png(&file, &s, spec, seen);
    check_targets(what, &file, &s, seen);
    buf_fini(&file);
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
            struct png_spec spec = {.colour_type = kinds[i].type,
                                    .depth = kinds[i].depth,
                                    .is_interlaced = flags & 1,
                                    .has_trns = flags & 2};
            if (spec.has_trns && spec.colour_type >= 4) {
                continue;
            }
            png_case(&spec);
        }
    }
}

// Something for every branch of every filter: noise, ramps, long runs of one colour.
static void fill_pixels(uint8_t *p, int width, int height, int channels)
{
    uint32_t seed = 7;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++, p += channels) {
            seed = seed * 1664525 + 1013904223;
            const int part = x * 3 / width + y / 16 % 3;
            for (int c = 0; c < 3; c++) {
                const int noise = (int)(seed >> (24 - 8 * c) & 255);
                const int ramp = c * x + (2 - c) * y;
                p[c] = (uint8_t)(part == 0 ? noise : part == 1 ? 200 + c : ramp);
            }
            if (channels == 4) {
                p[3] = 255;
            }
        }
    }
}

static void check_exact(const struct buf *file, const uint8_t *p, int width, int height,
                        int channels)
{
    struct image_req r = {.bytes = file->data,
                          .bytes_len = file->len,
                          .skip_encode = true,
                          .want_luma = true};
    assert_int_equal(image_prepare_now(&config, &r), 0);
    for (int i = 0; i < width * height; i++, p += channels) {
        const int want = (9798 * p[0] + 19235 * p[1] + 3735 * p[2] + 16384) >> 15;
        assert_int_equal(r.luma[i], want);
    }
    image_req_fini(&r);
}

static void test_png_filters_are_exact(void **state)
{
    (void)state;
    enum { WIDTH = 331, HEIGHT = 97 };
    static const int filters[] = {PNG_FILTER_NONE, PNG_FILTER_SUB,   PNG_FILTER_UP,
                                  PNG_FILTER_AVG,  PNG_FILTER_PAETH, PNG_ALL_FILTERS};
    uint8_t *pixels = malloc((size_t)WIDTH * HEIGHT * 4);
    struct buf file = {0};
    for (int channels = 3; channels <= 4; channels++) {
        fill_pixels(pixels, WIDTH, HEIGHT, channels);
        for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
            // Many chunks, and one.
            make_png_pixels(&file, pixels, WIDTH, HEIGHT, channels, filters[i], 500);
            check_exact(&file, pixels, WIDTH, HEIGHT, channels);
            make_png_pixels(&file, pixels, WIDTH, HEIGHT, channels, filters[i], 1 << 20);
            check_exact(&file, pixels, WIDTH, HEIGHT, channels);
        }
    }
    free(pixels);
    buf_fini(&file);
}

static void test_png_profiles_are_ignored(void **state)
{
    (void)state;
    struct png_spec spec = {.colour_type = 2, .depth = 8, .has_profiles = true};
    png_case(&spec);
}

static void test_jpeg_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct jpeg_spec spec;
    } cases[] = {
        {"4:2:0", {.colourspace = JCS_YCbCr, .h = 2, .v = 2}},
        {"4:2:0 progressive",
         {.colourspace = JCS_YCbCr, .h = 2, .v = 2, .is_progressive = true}},
        {"4:2:0 restart", {.colourspace = JCS_YCbCr, .h = 2, .v = 2, .restart = 1}},
        {"4:4:4", {.colourspace = JCS_YCbCr, .h = 1, .v = 1}},
        {"4:2:2", {.colourspace = JCS_YCbCr, .h = 2, .v = 1}},
        {"4:4:0", {.colourspace = JCS_YCbCr, .h = 1, .v = 2}},
        {"4:1:1", {.colourspace = JCS_YCbCr, .h = 4, .v = 1}},
        {"odd sampling", {.colourspace = JCS_YCbCr, .h = 4, .v = 2}},
        {"RGB", {.colourspace = JCS_RGB}},
        {"RGB progressive", {.colourspace = JCS_RGB, .is_progressive = true}},
        {"CMYK", {.colourspace = JCS_CMYK}},
        {"CMYK plain", {.colourspace = JCS_CMYK, .has_no_adobe = true}},
        {"YCCK", {.colourspace = JCS_YCCK, .h = 2, .v = 2}},
        {"YCCK progressive", {.colourspace = JCS_YCCK, .is_progressive = true}},
    };
    struct buf file = {0};
    const struct scene s = scene_get(211, 133, scene_opaque);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        make_jpeg(&file, &s, &cases[i].spec);
        check_targets(cases[i].what, &file, &s, scene_opaque);
    }
    buf_fini(&file);
}

static void test_jpeg_grey(void **state)
{
    (void)state;
    struct buf file = {0};
    struct rgba seen[4];
    const struct scene s = scene_get(211, 133, scene_opaque);
    for (int q = 0; q < 4; q++) {
        const uint8_t v = (uint8_t)luma_of(scene_opaque[q]);
        seen[q] = (struct rgba){v, v, v, 255};
    }
    for (int sampling = 1; sampling <= 2; sampling++) {
        const struct jpeg_spec spec = {
            .colourspace = JCS_GRAYSCALE, .h = sampling, .v = sampling};
        make_jpeg(&file, &s, &spec);
        check_targets("grey", &file, &s, seen);
    }
    buf_fini(&file);
}

static void test_jpeg_orientations(void **state)
{
    (void)state;
    struct buf file = {0};
    const struct scene s = scene_get(211, 133, scene_opaque);
    for (int o = 1; o <= 8; o++) {
        char what[32];
        snprintf(what, sizeof(what), "orientation %d", o);
        const struct jpeg_spec spec = {.colourspace = JCS_YCbCr, .orientation = o};
        make_jpeg(&file, &s, &spec);
        check_targets(what, &file, &s, scene_opaque);
    }
    buf_fini(&file);
}

// The other two formats carry the same block; stored as it is, it turns by 180 degrees.
static void test_other_orientations(void **state)
{
    (void)state;
    struct buf file = {0};
    const struct scene s = scene_get(210, 132, scene_opaque);
    const struct rgba turned[4] = {scene_opaque[3], scene_opaque[2], scene_opaque[1],
                                   scene_opaque[0]};
    const struct png_spec png = {.colour_type = 2, .depth = 8, .orientation = 3};
    make_png(&file, &s, &png, NULL);
    check_targets("png eXIf", &file, &s, turned);
    const struct webp_spec webp = {.is_lossless = true, .orientation = 3};
    make_webp(&file, &s, &webp);
    check_targets("webp EXIF", &file, &s, turned);
    buf_fini(&file);
}

// Patches are for what has to be shrunk anyway.
static void test_small_pictures_stay_as_they_are(void **state)
{
    (void)state;
    static const struct {
        int side, width, height;
    } rows[] = {{400, 320, 200}, {320, 320, 200}, {319, 224, 140}};
    struct buf file = {0};
    const struct scene s = scene_get(320, 200, scene_opaque);
    const struct jpeg_spec spec = {.colourspace = JCS_YCbCr, .h = 1, .v = 1};
    make_jpeg(&file, &s, &spec);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct image_req r = {.bytes = file.data,
                              .bytes_len = file.len,
                              .target_px = rows[i].side,
                              .target_patches = 40,
                              .patch_px = 28,
                              .keeps_small = true};
        assert_int_equal(image_prepare_now(&config, &r), 0);
        assert_int_equal(r.sent_width, rows[i].width);
        assert_int_equal(r.sent_height, rows[i].height);
        image_req_fini(&r);
    }
    buf_fini(&file);
}

// The decoder's own shrink starts at four times the wanted size.
static void test_large_jpeg_is_shrunk_while_decoding(void **state)
{
    (void)state;
    struct buf file = {0};
    const struct scene s = scene_get(1601, 803, scene_opaque);
    const struct jpeg_spec spec = {.colourspace = JCS_YCbCr, .h = 2, .v = 2};
    make_jpeg(&file, &s, &spec);
    const int targets[] = {400, 200, 100, 50, 20};
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct image_req r = {
            .bytes = file.data, .bytes_len = file.len, .target_px = targets[i]};
        assert_int_equal(image_prepare_now(&config, &r), 0);
        assert_int_equal(r.sent_width, targets[i]);
        assert_null(r.luma);
        for (int q = 0; q < 4; q++) {
            const int at = (q & 2 ? 54 : 18) * IMAGE_THUMB_W + (q & 1 ? 96 : 32);
            check_near("scaled", q, r.thumb[at], luma_of(scene_opaque[q]));
        }
        image_req_fini(&r);
    }
    buf_fini(&file);
}

static void test_webp_kinds(void **state)
{
    (void)state;
    struct buf file = {0};
    for (int flags = 0; flags < 8; flags++) {
        char what[64];
        const struct webp_spec spec = {
            .is_lossless = flags & 1, .has_alpha = flags & 2, .is_animated = flags & 4};
        const struct scene s =
            scene_get(211, 133, spec.has_alpha ? scene_clear : scene_opaque);
        struct rgba seen[4];
        for (int q = 0; q < 4; q++) {
            seen[q] = on_white_rgba(s.q[q]);
        }
        snprintf(what, sizeof(what), "webp%s%s%s", spec.is_lossless ? " lossless" : "",
                 spec.has_alpha ? " alpha" : "", spec.is_animated ? " animated" : "");
        make_webp(&file, &s, &spec);
        check_targets(what, &file, &s, seen);
    }
    buf_fini(&file);
}

// A first frame that covers only part of the canvas: the rest is white.
static void test_webp_small_first_frame(void **state)
{
    (void)state;
    struct buf file = {0};
    const struct scene s = scene_get(210, 132, scene_clear);
    // Everything but the upper left quadrant is clear, so the encoder crops the frame.
    struct scene corner = s;
    for (int q = 1; q < 4; q++) {
        corner.q[q] = (struct rgba){0, 0, 0, 0};
    }
    const struct webp_spec spec = {
        .is_lossless = true, .has_alpha = true, .is_animated = true};
    struct rgba seen[4];
    for (int q = 0; q < 4; q++) {
        seen[q] = on_white_rgba(corner.q[q]);
    }
    make_webp(&file, &corner, &spec);
    check_targets("webp frame", &file, &corner, seen);
    buf_fini(&file);
}

static void test_tiny_pictures(void **state)
{
    (void)state;
    struct buf file = {0};
    const struct rgba one[4] = {
        {90, 90, 90, 255}, {90, 90, 90, 255}, {90, 90, 90, 255}, {90, 90, 90, 255}};
    static const int sides[][2] = {{1, 1}, {2, 1}, {1, 2}, {3, 3}, {1, 3000}, {3000, 1}};
    for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
        const struct scene s = scene_get(sides[i][0], sides[i][1], one);
        const struct png_spec png = {.colour_type = 6, .depth = 8};
        make_png(&file, &s, &png, NULL);
        check_targets("tiny png", &file, &s, one);
        const struct jpeg_spec jpeg = {.colourspace = JCS_YCbCr, .h = 2, .v = 2};
        make_jpeg(&file, &s, &jpeg);
        check_targets("tiny jpeg", &file, &s, one);
        for (int lossless = 0; lossless < 2; lossless++) {
            const struct webp_spec webp = {.is_lossless = lossless};
            make_webp(&file, &s, &webp);
            check_targets("tiny webp", &file, &s, one);
        }
    }
    buf_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_kinds),
        cmocka_unit_test(test_png_filters_are_exact),
        cmocka_unit_test(test_png_profiles_are_ignored),
        cmocka_unit_test(test_jpeg_kinds),
        cmocka_unit_test(test_jpeg_grey),
        cmocka_unit_test(test_jpeg_orientations),
        cmocka_unit_test(test_other_orientations),
        cmocka_unit_test(test_large_jpeg_is_shrunk_while_decoding),
        cmocka_unit_test(test_small_pictures_stay_as_they_are),
        cmocka_unit_test(test_webp_kinds),
        cmocka_unit_test(test_webp_small_first_frame),
        cmocka_unit_test(test_tiny_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
