// test_image_broken.c -- files cut anywhere and bits flipped anywhere: never a crash, and
// never a picture where half of it is missing.
// SPDX-License-Identifier: MIT
#include "image/fuzz_kit.h"
#include "image/image.h"
#include "image/image_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

enum { KINDS = 14 };

static struct buf files[KINDS];

static int set_up(void **state)
{
    (void)state;
    static const struct png_spec pngs[] = {
        {.colour_type = 2, .depth = 8},
        {.colour_type = 6, .depth = 8, .is_interlaced = true},
        {.colour_type = 3, .depth = 4, .has_trns = true, .has_profiles = true},
        {.colour_type = 0, .depth = 16, .orientation = 6},
    };
    static const struct jpeg_spec jpegs[] = {
        {.colourspace = JCS_YCbCr, .h = 2, .v = 2, .orientation = 5},
        {.colourspace = JCS_YCbCr, .is_progressive = true},
        {.colourspace = JCS_GRAYSCALE, .restart = 1},
        {.colourspace = JCS_CMYK},
        {.colourspace = JCS_RGB, .is_progressive = true},
    };
    static const struct webp_spec webps[] = {
        {.orientation = 3},
        {.is_lossless = true},
        {.has_alpha = true},
        {.is_lossless = true, .has_alpha = true, .is_animated = true},
        {.is_animated = true},
    };
    const struct scene s = scene_get(93, 61, scene_clear);
    int n = 0;
    for (size_t i = 0; i < sizeof(pngs) / sizeof(pngs[0]); i++) {
        make_png(&files[n++], &s, &pngs[i], NULL);
    }
    for (size_t i = 0; i < sizeof(jpegs) / sizeof(jpegs[0]); i++) {
        make_jpeg(&files[n++], &s, &jpegs[i]);
    }
    for (size_t i = 0; i < sizeof(webps) / sizeof(webps[0]); i++) {
        make_webp(&files[n++], &s, &webps[i]);
    }
    assert_int_equal(n, KINDS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        buf_fini(&files[i]);
    }
    return 0;
}

// An own block of exactly len bytes, so that the sanitizer sees every byte read behind it.
static int prepare_copy(const uint8_t *bytes, size_t len, struct image_req *r)
{
    static const struct image_config c = {.max_pixels = 1000000,
                                          .memory_bytes = 64 << 20};
    static const struct image_box box = {30, 20, 31, 300};
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    *r = (struct image_req){.bytes = copy,
                            .bytes_len = len,
                            .target_px = 40,
                            .want_luma = true,
                            .masks = &box,
                            .n_masks = 1};
    const int rc = image_prepare_now(&c, r);
    free(copy);
    return rc;
}

static void test_cut_every_twentieth(void **state)
{
    (void)state;
    struct image_req r;
    for (int i = 0; i < KINDS; i++) {
        assert_int_equal(prepare_copy(files[i].data, files[i].len, &r), 0);
        image_req_fini(&r);
        for (int part = 0; part < 20; part++) {
            const size_t len = files[i].len * (size_t)part / 20;
            const int rc = prepare_copy(files[i].data, len, &r);
            if (rc != E_CUT) {
                fail_msg("kind %d cut at %d %%: %s (%s)", i, 5 * part, err_name(rc),
                         r.err.msg);
            }
            assert_true(strlen(r.err.msg) > 10);
        }
    }
}

static void test_cut_at_every_byte_of_the_head(void **state)
{
    (void)state;
    struct image_req r;
    for (int i = 0; i < KINDS; i++) {
        for (size_t len = 0; len < 400 && len < files[i].len; len++) {
            assert_int_not_equal(prepare_copy(files[i].data, len, &r), 0);
            assert_null(r.jpeg.data);
            assert_null(r.luma);
        }
    }
}

// The rest of the file is there, but empty: space was reserved for it.
static void test_tail_of_zeros(void **state)
{
    (void)state;
    struct image_req r;
    for (int i = 0; i < KINDS; i++) {
        uint8_t *copy = malloc(files[i].len);
        memcpy(copy, files[i].data, files[i].len);
        memset(copy + files[i].len / 2, 0, files[i].len - files[i].len / 2);
        const int rc = prepare_copy(copy, files[i].len, &r);
        // libwebp can not tell all zeros from data.
        if (i < 9 && rc == 0) {
            fail_msg("kind %d is taken half empty", i);
        }
        image_req_fini(&r);
        free(copy);
    }
}

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static bool is_honest(int rc)
{
    return rc == 0 || rc == E_CUT || rc == E_CORRUPT || rc == E_FORMAT || rc == E_TOOBIG;
}

static void test_flipped_bits(void **state)
{
    (void)state;
    uint32_t seed = 20240601;
    int refused = 0;
    for (int round = 0; round < 4200; round++) {
        const struct buf *file = &files[round % KINDS];
        uint8_t *copy = malloc(file->len);
        memcpy(copy, file->data, file->len);
        const int flips = 1 + (int)(next(&seed) % 8);
        // Half of the rounds work on the head, where the sizes are.
        const size_t range = round & 1 && file->len > 128 ? 128 : file->len;
        for (int i = 0; i < flips; i++) {
            copy[next(&seed) % range] ^= (uint8_t)(1u << next(&seed) % 8);
        }
        struct image_req r;
        const int rc = prepare_copy(copy, file->len, &r);
        if (!is_honest(rc)) {
            fail_msg("round %d: %s (%s)", round, err_name(rc), r.err.msg);
        }
        refused += rc != 0;
        assert_true(rc == 0 || strlen(r.err.msg) > 10);
        image_req_fini(&r);
        free(copy);
    }
    assert_true(refused > 1000);
}

// What a decoder leaves out of a damaged picture must not be filled by the picture before
// it.  Aborts where it is.
static void test_old_memory_never_shows(void **state)
{
    (void)state;
    uint32_t seed = 20240602;
    for (int round = 0; round < 1400; round++) {
        const struct buf *file = &files[round % KINDS];
        const struct fuzz_params p = {.target_px = round % 3 ? 93 : 20,
                                      .want_luma = round % 2,
                                      .boxes = {{30, 20, 31, 300}},
                                      .n_boxes = 1};
        uint8_t *copy = fuzz_copy(file->data, file->len);
        for (uint32_t flips = 1 + next(&seed) % 4; flips > 0; flips--) {
            copy[next(&seed) % file->len] ^= (uint8_t)(1u << next(&seed) % 8);
        }
        fuzz_prepare(copy, file->len, &p);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_every_twentieth),
        cmocka_unit_test(test_cut_at_every_byte_of_the_head),
        cmocka_unit_test(test_tail_of_zeros),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_old_memory_never_shows),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
