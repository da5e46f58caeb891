// test_image_feed.c -- PNG and JPEG read in windows: the same pictures, little memory, and no
// change of the file goes unseen.
// SPDX-License-Identifier: MIT
#include "image/feed.h"
#include "image/image_make.h"
#include "image/memory_kit.h"
#include "image/picture.h"
#include "image/pixels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <png.h>
#include <stdio.h>
// jpeglib.h wants stdio.h first.
#include <jpeglib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define READ_AS_A_WHOLE ((int64_t)50 << 20)  // at most, see prepare.c
#define MIB             ((int64_t)1 << 20)

static char dir[] = "/tmp/vlmd_feed_XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t len)
{
    FILE *f = fopen(path_of(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

// ---- one picture through a feed

struct picture {
    struct image_file file;
    struct feed feed;
    struct arena arena;
    struct head head;
    struct err err;
    struct decode decode;
    uint8_t content[IMAGE_HASH_BYTES];
};

static void picture_close(struct picture *p)
{
    free(p->decode.luma);
    image_file_close(&p->file);
    arena_fini(&p->arena);
}

static int picture_check(struct picture *p)
{
    uint8_t prefix[64];
    int rc = feed_read(&p->feed, 0, prefix, sizeof(prefix));
    if (!rc) {
        rc = head_sizes(&p->head, prefix, sizeof(prefix), &p->err);
    }
    if (rc && !(rc == E_CUT && p->head.format == IMAGE_JPEG)) {  // its sizes come later
        return rc;
    }
    return p->head.format == IMAGE_JPEG ? jpeg_check(&p->head, &p->feed, &p->err)
                                        : png_check(&p->head, &p->feed, &p->err);
}

static int picture_decode(struct picture *p)
{
    p->decode = (struct decode){
        .feed = &p->feed, .head = &p->head, .arena = &p->arena, .err = &p->err};
    p->decode.luma = malloc((size_t)p->head.width * (size_t)p->head.height);
    assert_int_equal(planes_get(&p->decode.small, 100, 63, &p->arena), 0);
    p->decode.bytes = p->feed.bytes;
    return p->head.format == IMAGE_JPEG ? jpeg_decode(&p->decode)
                                        : png_decode(&p->decode);
}

static int picture_open(struct picture *p, const char *name, size_t window)
{
    *p = (struct picture){0};
    assert_int_equal(image_file_open(&p->file, dir, name, &p->err), 0);
    return feed_open_file(&p->feed, &p->file, window, &p->arena, p->content, &p->err);
}

static void picture_open_bytes(struct picture *p, const struct buf *file)
{
    *p = (struct picture){.file = {.fd = -1}};
    p->feed = feed_of_bytes(file->data, file->len);
}

static void check_same(const struct picture *p, const struct picture *q)
{
    assert_int_equal(p->head.orientation, q->head.orientation);
    assert_int_equal(p->head.file_len, q->head.file_len);
    assert_memory_equal(p->decode.luma, q->decode.luma,
                        (size_t)p->head.width * (size_t)p->head.height);
    for (int i = 0; i < 3; i++) {
        const struct planes *a = &p->decode.small, *b = &q->decode.small;
        for (int y = 0; y < (i ? 32 : 63); y++) {
            assert_memory_equal(a->p[i] + y * a->stride[i], b->p[i] + y * b->stride[i],
                                i ? 50 : 100);
        }
    }
}

// ---- any window

static void check_windows(const struct buf *file)
{
    static const size_t windows[] = {1, 7, 64, 1000, FEED_WINDOW};
    struct picture whole, p;
    XXH128_canonical_t hash;
    XXH128_canonicalFromHash(&hash, XXH3_128bits(file->data, file->len));
    write_file("some.png", file->data, file->len);
    picture_open_bytes(&whole, file);
    assert_int_equal(picture_check(&whole), 0);
    assert_int_equal(picture_decode(&whole), 0);
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        assert_int_equal(picture_open(&p, "some.png", windows[i]), 0);
        assert_memory_equal(p.content, hash.digest, IMAGE_HASH_BYTES);
        assert_int_equal(picture_check(&p), 0);
        assert_int_equal(picture_decode(&p), 0);
        check_same(&p, &whole);
        picture_close(&p);
    }
    picture_close(&whole);
}

static void test_any_window(void **state)
{
    (void)state;
    static const struct png_spec specs[] = {
        {.colour_type = 2, .depth = 8, .has_profiles = true},
        {.colour_type = 6, .depth = 8, .orientation = 6},
        {.colour_type = 2, .depth = 8, .has_trns = true},
        {.colour_type = 6, .depth = 16, .is_interlaced = true},
        {.colour_type = 3, .depth = 4, .has_trns = true, .has_profiles = true},
        {.colour_type = 0, .depth = 1},
    };
    struct buf file = {0};
    const struct scene s = scene_get(211, 133, scene_clear);
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        make_png(&file, &s, &specs[i], NULL);
        check_windows(&file);
    }
    buf_fini(&file);
}

static void test_any_window_of_jpeg(void **state)
{
    (void)state;
    static const struct jpeg_spec specs[] = {
        {.colourspace = JCS_YCbCr, .h = 2, .v = 2},
        {.colourspace = JCS_YCbCr, .h = 1, .v = 1, .orientation = 6},
        {.colourspace = JCS_YCbCr, .h = 2, .v = 1, .restart = 3},
        {.colourspace = JCS_YCbCr, .h = 1, .v = 2},
        {.colourspace = JCS_YCbCr, .h = 4, .v = 1},
        {.colourspace = JCS_YCbCr, .h = 2, .v = 2, .is_progressive = true},
        {.colourspace = JCS_YCbCr,
         .h = 2,
         .v = 2,
         .is_progressive = true,
         .is_coarse = true},
        {.colourspace = JCS_GRAYSCALE, .h = 1, .v = 1},
        {.colourspace = JCS_RGB, .h = 1, .v = 1},
        {.colourspace = JCS_CMYK, .h = 1, .v = 1},
        {.colourspace = JCS_YCCK, .h = 2, .v = 2},
    };
    struct buf file = {0};
    const struct scene s = scene_get(211, 133, scene_opaque);
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        make_jpeg(&file, &s, &specs[i]);
        check_windows(&file);
    }
    buf_fini(&file);
}

// Many small chunks, and rows that do not compress; larger than what is inflated at once.
static void fill_noise(uint8_t *p, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint8_t)(seed >> 56);
    }
}

static void make_noise(struct buf *file, int width, int height, int idat_bytes)
{
    const size_t n = (size_t)width * (size_t)height * 3;
    uint8_t *pixels = malloc(n);
    fill_noise(pixels, n, 1);
    make_png_pixels(file, pixels, width, height, 3, PNG_FILTER_NONE, idat_bytes);
    free(pixels);
}

static void test_many_chunks(void **state)
{
    (void)state;
    struct buf file = {0};
    make_noise(&file, 300, 200, 1000);
    check_windows(&file);
    make_noise(&file, 2000, 1700, 8192);
    write_file("some.png", file.data, file.len);
    struct picture whole, p;
    picture_open_bytes(&whole, &file);
    assert_int_equal(picture_check(&whole) | picture_decode(&whole), 0);
    assert_int_equal(picture_open(&p, "some.png", FEED_WINDOW), 0);
    assert_int_equal(picture_check(&p) | picture_decode(&p), 0);
    check_same(&p, &whole);
    picture_close(&p);
    picture_close(&whole);
    buf_fini(&file);
}

// ---- the file changes

enum change { CUT, LAST_BYTE, SWAPPED, TOUCHED };

// other: a picture as long as file.
static void change_file(const struct buf *file, const struct buf *other,
                        enum change change)
{
    const char *path = path_of("some.png");
    switch (change) {
    case CUT: assert_int_equal(truncate(path, 100), 0); break;
    case LAST_BYTE: assert_int_equal(truncate(path, (off_t)file->len - 1), 0); break;
    case SWAPPED: write_file("some.png", other->data, other->len); break;
    case TOUCHED: write_file("some.png", file->data, file->len); break;
    }
}

// when 0: before the chunks are checked, 1: before the pixels are read.
static void check_change(const struct buf *file, const struct buf *other,
                         enum change change, int when, int want)
{
    struct picture p;
    write_file("some.png", file->data, file->len);
    assert_int_equal(picture_open(&p, "some.png", 64), 0);
    if (when == 0) {
        change_file(file, other, change);
    }
    int rc = picture_check(&p);
    if (!rc) {
        if (when == 1) {
            change_file(file, other, change);
        }
        rc = picture_decode(&p);
    }
    if (rc != want) {
        fail_msg("change %d at %d: %s (%s)", (int)change, when, err_name(rc), p.err.msg);
    }
    assert_true(rc == 0 || strstr(p.err.msg, "while it was read"));
    picture_close(&p);
}

// Two kinds: one of those that are decoded here, and one that libpng decodes.
static void test_changes_are_seen(void **state)
{
    (void)state;
    static uint8_t pixels[300 * 200 * 3];
    struct buf file = {0}, other = {0};
    for (int kind = 0; kind < 2; kind++) {
        const struct scene s = scene_get(211, 133, scene_clear);
        struct scene turned = s;
        turned.q[0] = s.q[1];
        turned.q[1] = s.q[0];
        const struct png_spec odd = {.colour_type = 6, .depth = 16};
        fill_noise(pixels, sizeof(pixels), 1);
        make_png_pixels(&file, pixels, 300, 200, 3, PNG_FILTER_NONE, 1000);
        fill_noise(pixels, sizeof(pixels), 2);
        make_png_pixels(&other, pixels, 300, 200, 3, PNG_FILTER_NONE, 1000);
        if (kind == 1) {
            make_png(&file, &s, &odd, NULL);
            make_png(&other, &turned, &odd, NULL);
        }
        // What is behind the end does not count.
        while (file.len != other.len) {
            struct buf *shorter = file.len < other.len ? &file : &other;
            assert_int_equal(buf_add(shorter, ".", 1), 0);
        }
        for (int when = 0; when < 2; when++) {
            check_change(&file, &other, CUT, when, E_CUT);
            check_change(&file, &other, LAST_BYTE, when, E_CUT);
            check_change(&file, &other, SWAPPED, when, E_CUT);
            check_change(&file, &other, TOUCHED, when, 0);
        }
    }
    buf_fini(&file);
    buf_fini(&other);
}

static void test_cut_while_hashing(void **state)
{
    (void)state;
    struct picture p = {0};
    write_file("some.png", "0123456789", 10);
    assert_int_equal(image_file_open(&p.file, dir, "some.png", &p.err), 0);
    assert_int_equal(truncate(path_of("some.png"), 9), 0);
    assert_int_equal(feed_open_file(&p.feed, &p.file, 4, &p.arena, p.content, &p.err),
                     E_CUT);
    size_t n;
    assert_null(feed_run(&p.feed, 0, &n));  // it stays broken
    picture_close(&p);
}

// ---- a file over 50 MB

static void write_rows(png_structp png, png_infop info, int width, int height)
{
    const size_t stride = (size_t)width * 3;
    uint8_t *row = malloc(stride);
    png_set_compression_level(png, 1);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, 8,
                 PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE,
                 PNG_FILTER_TYPE_BASE);
    png_write_info(png, info);
    for (int y = 0; y < height; y++) {
        fill_noise(row, stride, (uint64_t)y);
        png_write_row(png, row);
    }
    png_write_end(png, info);
    free(row);
}

static int64_t make_large(const char *name)
{
    FILE *f = fopen(path_of(name), "wb");
    assert_non_null(f);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, f);
    write_rows(png, info, 4500, 4000);
    png_destroy_write_struct(&png, &info);
    const int64_t len = ftell(f);
    assert_int_equal(fclose(f), 0);
    return len;
}

static uint8_t *read_all(const char *name, size_t len)
{
    uint8_t *bytes = malloc(len);
    FILE *f = fopen(path_of(name), "rb");
    assert_non_null(f);
    assert_int_equal(fread(bytes, 1, len, f), len);
    fclose(f);
    return bytes;
}

// Also: it fits a budget that is smaller than the file.
static void test_large_png(void **state)
{
    (void)state;
    const struct image_config c = {.memory_bytes = 16 * MIB};
    const int64_t len = make_large("large.png");
    assert_true(len > READ_AS_A_WHOLE);
    struct image_req r = {.root = dir, .path = "large.png"};
    assert_true(memory_reset_peak());
    const int64_t before = 1024 * (int64_t)memory_peak_kb();
    assert_int_equal(image_prepare_now(&c, &r), 0);
    const int64_t more = 1024 * (int64_t)memory_peak_kb() - before;
    printf("%lld bytes in %lld KB\n", (long long)len, (long long)more / 1024);
    assert_in_range(more, 0, 12 * MIB);
    assert_int_equal(r.file_bytes, len);
    uint8_t *bytes = read_all("large.png", (size_t)len);
    struct image_req in_memory = {.bytes = bytes, .bytes_len = (size_t)len};
    assert_int_equal(image_prepare_now(&c, &in_memory), 0);
    assert_int_equal(r.jpeg.len, in_memory.jpeg.len);
    assert_memory_equal(r.jpeg.data, in_memory.jpeg.data, r.jpeg.len);
    assert_memory_equal(r.content, in_memory.content, IMAGE_HASH_BYTES);
    assert_memory_equal(r.thumb, in_memory.thumb, sizeof(r.thumb));
    image_req_fini(&r);
    image_req_fini(&in_memory);
    free(bytes);
    // Half of it is not written yet.
    assert_int_equal(truncate(path_of("large.png"), READ_AS_A_WHOLE + 1), 0);
    assert_int_equal(image_prepare_now(&c, &r), E_CUT);
    image_req_fini(&r);
}

static int64_t make_large_jpeg(const char *name, int width, int height)
{
    FILE *f = fopen(path_of(name), "wb");
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    assert_non_null(f);
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_stdio_dest(&c, f);
    c.image_width = (JDIMENSION)width;
    c.image_height = (JDIMENSION)height;
    c.input_components = 3;
    c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, 100, TRUE);
    c.comp_info[0].h_samp_factor = c.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&c, TRUE);
    uint8_t *row = malloc((size_t)width * 3);
    for (int y = 0; y < height; y++) {
        fill_noise(row, (size_t)width * 3, (uint64_t)y);
        jpeg_write_scanlines(&c, &row, 1);
    }
    free(row);
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    const int64_t len = ftell(f);
    assert_int_equal(fclose(f), 0);
    return len;
}

// What is held is the picture, three bytes a pixel, not the file.
static void test_large_jpeg(void **state)
{
    (void)state;
    enum { WIDTH = 4200, HEIGHT = 4000 };
    const int64_t planes = (int64_t)3 * WIDTH * HEIGHT;
    const struct image_config c = {.memory_bytes = planes + 20 * MIB,
                                   .max_file_bytes = 200 * MIB};
    const int64_t len = make_large_jpeg("large.jpg", WIDTH, HEIGHT);
    assert_true(len > READ_AS_A_WHOLE);
    struct image_req r = {.root = dir, .path = "large.jpg"};
    assert_true(memory_reset_peak());
    const int64_t before = 1024 * (int64_t)memory_peak_kb();
    assert_int_equal(image_prepare_now(&c, &r), 0);
    const int64_t more = 1024 * (int64_t)memory_peak_kb() - before;
    printf("%lld bytes in %lld KB, planes %lld KB\n", (long long)len,
           (long long)more / 1024, (long long)planes / 1024);
    assert_in_range(more, 0, planes + 12 * MIB);
    uint8_t *bytes = read_all("large.jpg", (size_t)len);
    struct image_req in_memory = {.bytes = bytes, .bytes_len = (size_t)len};
    assert_int_equal(image_prepare_now(&c, &in_memory), 0);
    assert_int_equal(r.jpeg.len, in_memory.jpeg.len);
    assert_memory_equal(r.jpeg.data, in_memory.jpeg.data, r.jpeg.len);
    assert_memory_equal(r.content, in_memory.content, IMAGE_HASH_BYTES);
    assert_memory_equal(r.thumb, in_memory.thumb, sizeof(r.thumb));
    image_req_fini(&r);
    image_req_fini(&in_memory);
    free(bytes);
    assert_int_equal(truncate(path_of("large.jpg"), READ_AS_A_WHOLE + 1), 0);
    assert_int_equal(image_prepare_now(&c, &r), E_CUT);
    image_req_fini(&r);
}

// A small picture before much else does not take the memory of its file.
static void test_long_jpeg(void **state)
{
    (void)state;
    struct buf file = {0};
    const struct scene s = scene_get(64, 48, scene_opaque);
    uint8_t *noise = malloc(64 * 48 * 3);
    fill_noise(noise, 64 * 48 * 3, 3);
    make_jpeg_pixels(&file, noise, s.width, s.height);
    write_file("long.jpg", file.data, file.len);
    assert_int_equal(truncate(path_of("long.jpg"), READ_AS_A_WHOLE + 1), 0);
    const struct image_config c = {.memory_bytes = 16 * MIB};
    struct image_req r = {.root = dir, .path = "long.jpg"};
    assert_int_equal(image_prepare_now(&c, &r), 0);
    assert_int_equal(r.width, 64);
    image_req_fini(&r);
    buf_fini(&file);
    free(noise);
}

// Without a folder for its copy, WebP of that size is held, and counted before it is read.
static void test_long_webp(void **state)
{
    (void)state;
    struct buf file = {0};
    const struct scene s = scene_get(64, 48, scene_opaque);
    make_webp(&file, &s, &(struct webp_spec){0});
    write_file("long.webp", file.data, file.len);
    assert_int_equal(truncate(path_of("long.webp"), READ_AS_A_WHOLE + 1), 0);
    struct image_config c = {.memory_bytes = 16 * MIB};
    struct image_req r = {.root = dir, .path = "long.webp"};
    assert_int_equal(image_prepare_now(&c, &r), E_TOOBIG);
    assert_non_null(strstr(r.err.msg, "image.memory_bytes"));
    c.memory_bytes = 64 * MIB;
    assert_int_equal(image_prepare_now(&c, &r), 0);
    image_req_fini(&r);
    buf_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_png),  // first: memory is still cold
        cmocka_unit_test(test_large_jpeg),
        cmocka_unit_test(test_long_jpeg),
        cmocka_unit_test(test_long_webp),
        cmocka_unit_test(test_any_window_of_jpeg),
        cmocka_unit_test(test_any_window),
        cmocka_unit_test(test_many_chunks),
        cmocka_unit_test(test_changes_are_seen),
        cmocka_unit_test(test_cut_while_hashing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
