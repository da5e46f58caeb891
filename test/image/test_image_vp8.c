// test_image_vp8.c -- our decoder of lossy WebP against libwebp, byte for byte.
//
// What it does not refuse must be what libwebp makes of it without the loop filter; what it
// refuses goes to libwebp, so that every damaged file ends as libwebp says.
// SPDX-License-Identifier: MIT
#include "image/image_make.h"
#include "image/picture.h"
#include "image/pixels.h"
#include "image/vp8.h"
#include "image/vp8_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static uint32_t seed = 7;

static int random_to(int most)
{
    seed = seed * 1664525 + 1013904223;
    return (int)((seed >> 8) % (uint32_t)(most + 1));
}

// ---- the same planes

static void check_planes(const struct buf *file, const struct lossy_spec *l)
{
    struct vp8_planes theirs;
    const struct kernels *k;
    assert_int_equal(vp8_kit_theirs(&theirs, file->data, file->len), 0);
    for (int i = 0; (k = kernels_at(i)); i++) {
        struct vp8_planes ours;
        const int rc = vp8_kit_ours(&ours, file->data, file->len, k);
        if (rc || vp8_kit_compare(&ours, &theirs) >= 0) {
            fail_msg("%s: %d for %d x %d, look %d, quality %d, method %d, seed %u",
                     k->name, rc, l->width, l->height, l->look, l->quality, l->method,
                     l->seed);
        }
        vp8_kit_free(&ours);
    }
    vp8_kit_free(&theirs);
}

static void check_spec(struct buf *file, const struct lossy_spec *l)
{
    make_webp_lossy(file, l);
    check_planes(file, l);
}

static void test_all_settings(void **state)
{
    (void)state;
    static const int qualities[] = {0, 5, 20, 50, 75, 80, 90, 98, 100};
    struct buf file = {0};
    for (int n = 0; n < 9 * 7 * 5; n++) {
        const struct lossy_spec l = {.width = 1 + random_to(120),
                                     .height = 1 + random_to(90),
                                     .look = n / 63,
                                     .quality = qualities[n % 9],
                                     .method = n / 9 % 7,
                                     .segments = 1 + random_to(3),
                                     .partitions = random_to(3),
                                     .sns = random_to(100),
                                     .sharpness = random_to(7),
                                     .seed = (uint32_t)n * 977};
        check_spec(&file, &l);
    }
    buf_fini(&file);
}

// Every number of pixels in the last macroblock, and one macroblock only.
static void test_all_sizes(void **state)
{
    (void)state;
    struct buf file = {0};
    for (int width = 1; width <= 35; width++) {
        for (int height = 1 + width % 3; height <= 35; height += 3) {
            const struct lossy_spec l = {width, height, width % 5, 60, 3, 4, 0, 50, 0, 9};
            check_spec(&file, &l);
        }
    }
    buf_fini(&file);
}

static void test_wide_and_high(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1500, 3}, {2, 1300}, {129, 260}, {640, 400}};
    struct buf file = {0};
    for (int i = 0; i < 4; i++) {
        for (int look = 0; look < 5; look++) {
            const struct lossy_spec l = {sizes[i][0], sizes[i][1], look, 80, 4,
                                         4,           look % 4,    50,   0,  3};
            check_spec(&file, &l);
        }
    }
    buf_fini(&file);
}

static void test_with_metadata(void **state)
{
    (void)state;
    const struct scene s = scene_get(150, 99, scene_opaque);
    const struct webp_spec spec = {.orientation = 6};
    const struct lossy_spec none = {150, 99, -1, 95, 0, 1, 0, 0, 0, 0};
    struct buf file = {0};
    make_webp(&file, &s, &spec);
    check_planes(&file, &none);
    buf_fini(&file);
}

// ---- damage

static void put_le32(uint8_t *b, size_t v)
{
    for (int i = 0; i < 4; i++) {
        b[i] = (uint8_t)(v >> 8 * i);
    }
}

// What is decoded at all is as libwebp has it.  Returns whether it is.
static bool check_damaged(const uint8_t *file, size_t len)
{
    struct vp8_planes ours, theirs;
    // A copy of that length, so that a sanitizer sees what is read behind it.
    uint8_t *copy = malloc(len);
    memcpy(copy, file, len);
    const int status = vp8_kit_theirs(&theirs, copy, len);
    const int rc = vp8_kit_ours(&ours, copy, len, kernels_best());
    assert_true(rc == 0 || rc == E_FORMAT);
    if (rc == 0) {
        assert_int_equal(status, 0);
        assert_int_equal(vp8_kit_compare(&ours, &theirs), -1);
    }
    vp8_kit_free(&ours);
    vp8_kit_free(&theirs);
    free(copy);
    return rc == 0;
}

static void make_some(struct buf *file, int partitions)
{
    // Only the lower methods make several partitions.
    const struct lossy_spec l = {70, 50, 2, 70, 2, 3, partitions, 60, 0, 5};
    make_webp_lossy(file, &l);
}

// As a file, and as a container that says it is whole.
static void test_cut(void **state)
{
    (void)state;
    enum { RIFF = 8, HEADS = 20 };
    struct buf file = {0};
    make_some(&file, 2);
    for (size_t n = HEADS; n < file.len; n++) {
        assert_false(check_damaged(file.data, n));
    }
    int n_cut = 0;
    for (size_t n = file.len - 1; n > HEADS; n--) {
        uint8_t *b = file.data;
        put_le32(b + 4, n - RIFF);
        put_le32(b + 16, n - HEADS);
        n_cut += !check_damaged(b, n);
    }
    assert_true(n_cut > (int)file.len / 2);
    buf_fini(&file);
}

static void test_damaged(void **state)
{
    (void)state;
    struct buf file = {0};
    int n_decoded = 0;
    for (int round = 0; round < 4000; round++) {
        if (round % 500 == 0) {
            make_some(&file, round / 500 % 4);
        }
        const size_t at =
            round % 2 ? (size_t)random_to((int)file.len - 1) : 20 + (size_t)random_to(60);
        const uint8_t was = file.data[at];
        file.data[at] = (uint8_t)random_to(255);
        n_decoded += check_damaged(file.data, file.len);
        file.data[at] = was;
    }
    assert_true(n_decoded > 400 && n_decoded < 4000);
    buf_fini(&file);
}

// The first byte of the coefficients, behind the first partition, is beyond the range that
// the reader begins with.
static void test_beyond_the_range(void **state)
{
    (void)state;
    enum { FRAME = 20, HEAD = 10 };
    struct buf file = {0};
    make_some(&file, 0);
    const uint8_t *b = file.data + FRAME;
    const size_t first = (size_t)(b[0] | b[1] << 8 | b[2] << 16) >> 5;
    assert_true(check_damaged(file.data, file.len));
    file.data[FRAME + HEAD + first] = 254;
    check_damaged(file.data, file.len);
    file.data[FRAME + HEAD + first] = 255;
    assert_false(check_damaged(file.data, file.len));
    make_some(&file, 0);
    file.data[FRAME + HEAD] = 255;
    assert_false(check_damaged(file.data, file.len));
    buf_fini(&file);
}

// A row whose macroblocks have no coefficients would not ask its partition for any: libwebp
// refuses an empty one all the same.
static void test_empty_partition(void **state)
{
    (void)state;
    enum { FRAME = 20, HEAD = 10, SIZE = 3 };
    struct buf file = {0};
    struct arena arena = {0};
    struct vp8 v;
    make_some(&file, 2);
    const uint8_t *b = file.data + FRAME;
    const size_t first = (size_t)(b[0] | b[1] << 8 | b[2] << 16) >> 5;
    assert_int_equal(vp8_open(&v, file.data, file.len, &arena, kernels_best()), 0);
    assert_int_equal(v.head.n_tokens, 4);
    memset(file.data + FRAME + HEAD + first + SIZE, 0, SIZE);
    assert_int_equal(vp8_open(&v, file.data, file.len, &arena, kernels_best()), E_FORMAT);
    arena_fini(&arena);
    buf_fini(&file);
}

// ---- the same small planes

struct result {
    struct arena arena;
    struct head head;
    struct err err;
    struct decode d;
};

static void begin(struct result *r, const struct buf *file, int width, int height,
                  const struct image_box *boxes, int n_boxes)
{
    *r = (struct result){0};
    assert_int_equal(head_sizes(&r->head, file->data, file->len, &r->err), 0);
    assert_int_equal(head_check(&r->head, file->data, file->len, &r->err), 0);
    r->d = (struct decode){
        .bytes = file->data, .head = &r->head, .arena = &r->arena, .err = &r->err};
    assert_int_equal(planes_get(&r->d.small, width, height, &r->arena), 0);
    assert_int_equal(mask_init(&r->d.mask, boxes, n_boxes, r->head.width, r->head.height,
                               1, &r->arena),
                     0);
}

// From libwebp's whole planes.
static void shrink_theirs(struct result *r, const struct buf *file)
{
    const struct mask_grid grid = {2, 2, 1, 0, 1};
    struct vp8_planes theirs;
    assert_int_equal(vp8_kit_theirs(&theirs, file->data, file->len), 0);
    const int half = (theirs.width + 1) / 2;
    const struct planes full = {.p = {theirs.p[0], theirs.p[1], theirs.p[2]},
                                .stride = {theirs.width, half, half},
                                .width = theirs.width,
                                .height = theirs.height,
                                .is_video_range = true};
    mask_paint_planes(&r->d.mask, &full, &grid);
    assert_int_equal(planes_shrink(&r->d.small, &full, 2, 2, NULL, &r->arena), 0);
    vp8_kit_free(&theirs);
}

static void check_small(const struct buf *file, int width, int height,
                        const struct image_box *boxes, int n_boxes)
{
    struct result ours, theirs;
    begin(&ours, file, width, height, boxes, n_boxes);
    begin(&theirs, file, width, height, boxes, n_boxes);
    assert_int_equal(vp8_decode(&ours.d), 0);
    shrink_theirs(&theirs, file);
    for (int i = 0; i < 3; i++) {
        const struct planes *a = &ours.d.small, *b = &theirs.d.small;
        for (int y = 0; y < (i ? (height + 1) / 2 : height); y++) {
            assert_memory_equal(a->p[i] + y * a->stride[i], b->p[i] + y * b->stride[i],
                                (size_t)(i ? (width + 1) / 2 : width));
        }
    }
    arena_fini(&ours.arena);
    arena_fini(&theirs.arena);
}

static void test_shrunk_alike(void **state)
{
    (void)state;
    static const struct image_box boxes[] = {
        {10, 15, 30, 17}, {-5, 60, 300, 3}, {150, -9, 33, 30}, {60, 100, 50, 500}};
    static const int sizes[][2] = {{1, 1}, {9, 6}, {80, 50}, {151, 97}, {201, 131}};
    struct buf file = {0};
    for (int look = 0; look < 5; look++) {
        const struct lossy_spec l = {201, 131, look, 80, 4, 4, 0, 50, 0, 11};
        make_webp_lossy(&file, &l);
        for (int i = 0; i < 5; i++) {
            check_small(&file, sizes[i][0], sizes[i][1], NULL, 0);
            check_small(&file, sizes[i][0], sizes[i][1], boxes, 4);
        }
    }
    buf_fini(&file);
}

// Both ends of the whole road: a picture is prepared although its container is odd, and
// what is wrong has libwebp's class.
static void test_judged_by_libwebp(void **state)
{
    (void)state;
    struct buf file = {0};
    struct result r;
    make_some(&file, 0);
    file.len -= 40;
    put_le32(file.data + 4, file.len - 8);
    put_le32(file.data + 16, file.len - 20);
    begin(&r, &file, 20, 14, NULL, 0);
    assert_int_equal(vp8_decode(&r.d), E_FORMAT);
    assert_int_equal(webp_decode(&r.d), E_CUT);
    arena_fini(&r.arena);
    buf_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_settings),
        cmocka_unit_test(test_all_sizes),
        cmocka_unit_test(test_wide_and_high),
        cmocka_unit_test(test_with_metadata),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_beyond_the_range),
        cmocka_unit_test(test_empty_partition),
        cmocka_unit_test(test_shrunk_alike),
        cmocka_unit_test(test_judged_by_libwebp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
