// test_image_input.c -- what must be refused is refused, early, with the right words.
// SPDX-License-Identifier: MIT
#include "image/image.h"
#include "image/image_file.h"
#include "image/image_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include <jpeglib.h>

static char dir[] = "/tmp/vlmd_image_XXXXXX";
static char root[64];
static struct buf picture;  // a good PNG

static void write_file(const char *name, const void *bytes, size_t len)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void link_to(const char *target, const char *name)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(symlink(target, path), 0);
}

static void make_socket(const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", dir, name);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    close(fd);
}

// dir/root is the watched folder, dir/secret.png lies outside.
static int set_up(void **state)
{
    (void)state;
    char path[200];
    assert_non_null(mkdtemp(dir));
    snprintf(root, sizeof(root), "%s/root", dir);
    assert_int_equal(mkdir(root, 0700), 0);
    snprintf(path, sizeof(path), "%s/sub", root);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/fifo.png", root);
    assert_int_equal(mkfifo(path, 0600), 0);
    const struct scene s = scene_get(64, 48, scene_opaque);
    const struct png_spec spec = {.colour_type = 2, .depth = 8};
    make_png(&picture, &s, &spec, NULL);
    write_file("root/good.png", picture.data, picture.len);
    write_file("root/sub/good.jpg", picture.data, picture.len);
    write_file("secret.png", picture.data, picture.len);
    write_file("root/empty.png", "", 0);
    write_file("root/text.png", "This is not a picture at all.\n", 30);
    make_socket("root/socket.png");
    link_to("../secret.png", "root/out.png");
    link_to("/dev/zero", "root/zero.png");
    link_to("..", "root/up");
    link_to("loop2.png", "root/loop1.png");
    link_to("loop1.png", "root/loop2.png");
    link_to("good.png", "root/inside.png");
    link_to("nothing.png", "root/dangling.png");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[64];
    buf_fini(&picture);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

static int prepare_path(struct image_req *r, const char *below, const char *path)
{
    const struct image_config c = {0};
    *r = (struct image_req){.root = below, .path = path, .target_px = 32};
    return image_prepare_now(&c, r);
}

static void expect_path(const char *below, const char *path, int want)
{
    struct image_req r;
    const int rc = prepare_path(&r, below, path);
    if (rc != want) {
        fail_msg("%s: %s (%s), not %s", path, err_name(rc), r.err.msg, err_name(want));
    }
    assert_int_equal(r.err.code, want);
    assert_true(want == 0 || strlen(r.err.msg) > 10);
    assert_true(want == 0 || (!r.jpeg.data && !r.luma));
    image_req_fini(&r);
}

static void test_files_that_are_taken(void **state)
{
    (void)state;
    char absolute[100];
    snprintf(absolute, sizeof(absolute), "%s/sub/good.jpg", root);
    expect_path(root, "good.png", 0);
    expect_path(root, "sub/good.jpg", 0);  // PNG inside: the contents count
    expect_path(root, "sub/../good.png", 0);
    expect_path(root, "inside.png", 0);
    expect_path(root, absolute, 0);
    expect_path(NULL, absolute, 0);
    struct image_req r;
    assert_int_equal(prepare_path(&r, root, "sub/good.jpg"), 0);
    assert_int_equal(r.format, IMAGE_PNG);
    assert_int_equal(r.file_bytes, picture.len);
    assert_true(r.mtime_ns > 0);
    image_req_fini(&r);
}

static void test_files_that_are_refused(void **state)
{
    (void)state;
    char out[100], beside[100];
    snprintf(out, sizeof(out), "%s/out.png", root);
    snprintf(beside, sizeof(beside), "%sx/good.png", root);
    static const struct {
        const char *name;
        int want;
    } cases[] = {
        {"missing.png", E_NOT_FOUND}, {"dangling.png", E_NOT_FOUND},
        {"fifo.png", E_NOT_FILE},     {"socket.png", E_NOT_FILE},
        {"sub", E_NOT_FILE},          {".", E_NOT_FILE},
        {"loop1.png", E_OUTSIDE},     {"out.png", E_OUTSIDE},
        {"up/secret.png", E_OUTSIDE}, {"../secret.png", E_OUTSIDE},
        {"zero.png", E_OUTSIDE},      {"/etc/passwd", E_OUTSIDE},
        {"empty.png", E_CUT},         {"text.png", E_FORMAT},
        {"good.png/x", E_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_path(root, cases[i].name, cases[i].want);
    }
    expect_path(root, beside, E_OUTSIDE);
    expect_path(root, out, E_OUTSIDE);
    expect_path("/nonexistent/folder", "good.png", E_NOT_FOUND);
    // Without a root links are followed, but only to files.
    expect_path(NULL, out, 0);
    expect_path(NULL, "/dev/zero", E_NOT_FILE);
    expect_path(NULL, NULL, E_USAGE);
    char name[5000];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    expect_path(root, name, E_NOT_FOUND);
}

// Root may read everything, so it steps down for a moment.
static void test_no_permission(void **state)
{
    (void)state;
    enum { NOBODY = 65534 };
    char path[100];
    const bool is_root = geteuid() == 0;
    snprintf(path, sizeof(path), "%s/good.png", root);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(root, 0755) | chmod(dir, 0755), 0);
    assert_true(!is_root || seteuid(NOBODY) == 0);
    struct image_req r;
    const int rc = prepare_path(&r, root, "good.png");
    assert_true(!is_root || seteuid(0) == 0);
    assert_int_equal(rc, E_ACCESS);
    assert_int_equal(chmod(path, 0600), 0);
}

static void test_no_descriptor_is_left(void **state)
{
    (void)state;
    const int before = dup(0);
    close(before);
    test_files_that_are_refused(NULL);
    test_files_that_are_taken(NULL);
    const int after = dup(0);
    close(after);
    assert_int_equal(before, after);
}

static void test_change_while_reading(void **state)
{
    (void)state;
    struct image_file f;
    char bytes[8];
    size_t got;
    write_file("root/grows.png", picture.data, 100);
    assert_int_equal(image_file_open(&f, root, "grows.png", NULL), 0);
    assert_int_equal(image_file_read(&f, 0, bytes, 8, &got, NULL), 0);
    assert_int_equal(got, 8);
    assert_int_equal(image_file_check(&f, NULL), 0);
    write_file("root/grows.png", picture.data, picture.len);
    struct err e = {0};
    assert_int_equal(image_file_check(&f, &e), E_CUT);
    assert_non_null(strstr(e.msg, "changed"));
    // Same size, other time.
    image_file_close(&f);
    assert_int_equal(image_file_open(&f, root, "grows.png", NULL), 0);
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000}};
    assert_int_equal(futimens(f.fd, times), 0);
    assert_int_equal(image_file_check(&f, NULL), E_CUT);
    image_file_close(&f);
    assert_int_equal(image_file_read(&f, 0, bytes, 8, &got, &e), E_IO);
    assert_int_equal(image_file_check(&f, &e), E_IO);
}

// ---- limits

static int prepare_bytes(struct image_req *r, const struct image_config *c,
                         const void *bytes, size_t len)
{
    *r = (struct image_req){.bytes = bytes, .bytes_len = len, .target_px = 32};
    return image_prepare_now(c, r);
}

static void expect_limit(const struct image_config *c, const char *key)
{
    struct image_req r;
    assert_int_equal(prepare_bytes(&r, c, picture.data, picture.len), E_TOOBIG);
    if (!strstr(r.err.msg, key)) {
        fail_msg("%s is not named: %s", key, r.err.msg);
    }
    image_req_fini(&r);
    r = (struct image_req){.root = root, .path = "good.png"};
    assert_int_equal(image_prepare_now(c, &r), E_TOOBIG);
    assert_non_null(strstr(r.err.msg, key));
    image_req_fini(&r);
}

static void test_limits(void **state)
{
    (void)state;
    struct image_config c = {.max_file_bytes = (int64_t)picture.len - 1};
    expect_limit(&c, "image.max_file_bytes");
    c = (struct image_config){.max_side_px = 63};
    expect_limit(&c, "image.max_side_px");
    c = (struct image_config){.max_pixels = 64 * 48 - 1};
    expect_limit(&c, "image.max_pixels");
    c = (struct image_config){.memory_bytes = 1000};
    expect_limit(&c, "image.memory_bytes");
    c = (struct image_config){
        .max_file_bytes = (int64_t)picture.len, .max_side_px = 64, .max_pixels = 64 * 48};
    struct image_req r;
    assert_int_equal(prepare_bytes(&r, &c, picture.data, picture.len), 0);
    image_req_fini(&r);
}

static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

// A large file with a header that says 30000 x 30000: only the header may be looked at.
static void test_bomb_is_refused_from_its_header(void **state)
{
    (void)state;
    char path[100];
    struct buf lie = {0};
    make_png_lie(&lie, 30000, 30000);
    write_file("root/bomb.png", lie.data, lie.len);
    snprintf(path, sizeof(path), "%s/bomb.png", root);
    assert_int_equal(truncate(path, 60 << 20), 0);
    int64_t best = INT64_MAX;
    for (int i = 0; i < 20; i++) {
        struct image_req r;
        const int64_t from = cpu_us();
        assert_int_equal(prepare_path(&r, root, "bomb.png"), E_TOOBIG);
        const int64_t us = cpu_us() - from;
        best = us < best ? us : best;
        assert_non_null(strstr(r.err.msg, "30000 x 30000"));
        image_req_fini(&r);
    }
    assert_true(best < 1000);
    buf_fini(&lie);
}

static void test_header_that_promises_too_much(void **state)
{
    (void)state;
    const struct image_config c = {0};
    struct buf lie = {0};
    struct image_req r;
    make_png_lie(&lie, 5000, 5000);
    assert_int_equal(prepare_bytes(&r, &c, lie.data, lie.len), E_CORRUPT);
    assert_non_null(strstr(r.err.msg, "5000 x 5000"));
    make_png_lie(&lie, 0, 5);
    assert_int_equal(prepare_bytes(&r, &c, lie.data, lie.len), E_CORRUPT);
    make_png_lie(&lie, 0x80000000u, 5);
    assert_int_equal(prepare_bytes(&r, &c, lie.data, lie.len), E_CORRUPT);
    // A pixel that deflate could hold, but does not.
    make_png_lie(&lie, 2, 2);
    assert_int_equal(prepare_bytes(&r, &c, lie.data, lie.len), E_CORRUPT);
    buf_fini(&lie);
}

// ---- what is there, and what came out

static void test_probe(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        enum image_format want;
    } cases[] = {
        {"\x89PNG\r\n\x1a\n....", 12, IMAGE_PNG},
        {"\xff\xd8\xff\xe0........", 12, IMAGE_JPEG},
        {"RIFF....WEBPVP8 ", 16, IMAGE_WEBP},
        {"RIFF....WAVEfmt ", 16, IMAGE_NONE},
        {"GIF89a......", 12, IMAGE_NONE},
        {"\x89PNG", 4, IMAGE_NONE},
        {"RIFF....WEB", 11, IMAGE_NONE},
        {"", 0, IMAGE_NONE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(image_probe((const uint8_t *)cases[i].bytes, cases[i].len),
                         cases[i].want);
    }
    assert_string_equal(image_format_name(IMAGE_PNG), "png");
    assert_string_equal(image_format_name(IMAGE_JPEG), "jpeg");
    assert_string_equal(image_format_name(IMAGE_WEBP), "webp");
    assert_string_equal(image_format_name(IMAGE_NONE), "none");
}

static void test_broken_contents(void **state)
{
    (void)state;
    const struct image_config c = {0};
    static const struct {
        const char *bytes;
        size_t len;
        int want;
    } cases[] = {
        {"", 0, E_CUT},
        {"\x89PNG", 4, E_CUT},
        {"RIFF", 4, E_CUT},
        {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, E_CUT},
        {"GIF89a.............", 19, E_FORMAT},
        {"hello", 5, E_FORMAT},
        {"\x89PNG\r\n\x1a\n\0\0\0\x0dIDAT12345678901234567890", 36, E_CORRUPT},
        {"\xff\xd8\xff\xd9", 4, E_CORRUPT},
        {"\xff\xd8\xff\xe0\0\x01", 6, E_CORRUPT},
        {"\xff\xd8\xff\xe0\x10\0", 6, E_CUT},
        // Frame headers: twelve bits, lossless, five components, no size, too short.
        {"\xff\xd8\xff\xc0\0\x0b\x0c\0\1\0\1\1\1\x11\0", 15, E_FORMAT},
        {"\xff\xd8\xff\xc3\0\x0b\x08\0\1\0\1\1\1\x11\0", 15, E_FORMAT},
        {"\xff\xd8\xff\xc0\0\x17\x08\0\1\0\1\5...............", 27, E_FORMAT},
        {"\xff\xd8\xff\xc0\0\x0b\x08\0\0\0\1\1\1\x11\0", 15, E_CORRUPT},
        {"\xff\xd8\xff\xc0\0\x05\x08\0\0", 9, E_CORRUPT},
        {"RIFF\x20\0\0\0WEBPjunk12345678901234567890", 40, E_CORRUPT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct image_req r;
        const int rc = prepare_bytes(&r, &c, cases[i].bytes, cases[i].len);
        if (rc != cases[i].want) {
            fail_msg("case %zu: %s (%s)", i, err_name(rc), r.err.msg);
        }
        assert_true(strlen(r.err.msg) > 10);
    }
}

// A byte of the pixels is wrong: the checksum tells.
static void test_damaged_png(void **state)
{
    (void)state;
    const struct image_config c = {0};
    uint8_t *copy = malloc(picture.len);
    memcpy(copy, picture.data, picture.len);
    copy[picture.len - 30] ^= 0x55;
    struct image_req r;
    assert_int_equal(prepare_bytes(&r, &c, copy, picture.len), E_CORRUPT);
    // The pixels are right, their checksum is not.
    memcpy(copy, picture.data, picture.len);
    copy[picture.len - 14] ^= 0x55;
    assert_int_equal(prepare_bytes(&r, &c, copy, picture.len), E_CORRUPT);
    assert_non_null(strstr(r.err.msg, "CRC"));
    // A chunk without a name.
    memcpy(copy, picture.data, picture.len);
    copy[37] = 1;
    assert_int_equal(prepare_bytes(&r, &c, copy, picture.len), E_CORRUPT);
    // Room was made for the rest, which is not written yet.
    memcpy(copy, picture.data, picture.len);
    memset(copy + 33, 0, picture.len - 33);
    assert_int_equal(prepare_bytes(&r, &c, copy, picture.len), E_CUT);
    free(copy);
}

static void test_half_jpeg(void **state)
{
    (void)state;
    const struct image_config c = {0};
    struct buf file = {0};
    const struct scene s = scene_get(320, 240, scene_opaque);
    for (int progressive = 0; progressive < 2; progressive++) {
        const struct jpeg_spec spec = {
            .colourspace = JCS_YCbCr, .is_progressive = progressive, .quality = 90};
        make_jpeg(&file, &s, &spec);
        struct image_req r;
        assert_int_equal(prepare_bytes(&r, &c, file.data, file.len), 0);
        image_req_fini(&r);
        // Only the end marker is missing.
        assert_int_equal(prepare_bytes(&r, &c, file.data, file.len - 2), E_CUT);
        assert_int_equal(prepare_bytes(&r, &c, file.data, file.len / 2), E_CUT);
        // It is there, but half of the picture is not.
        const size_t half = file.len * 9 / 10;
        memcpy(file.data + half, "\xff\xd9", 2);
        assert_int_equal(prepare_bytes(&r, &c, file.data, half + 2), E_CUT);
    }
    buf_fini(&file);
}

static void test_trailing_bytes_are_no_error(void **state)
{
    (void)state;
    const struct image_config c = {0};
    struct buf file = {0};
    const struct scene s = scene_get(32, 24, scene_opaque);
    for (int format = 0; format < 3; format++) {
        const struct png_spec png = {.colour_type = 2, .depth = 8};
        const struct jpeg_spec jpeg = {.colourspace = JCS_YCbCr};
        const struct webp_spec webp = {.is_lossless = true};
        switch (format) {
        case 0: make_png(&file, &s, &png, NULL); break;
        case 1: make_jpeg(&file, &s, &jpeg); break;
        case 2: make_webp(&file, &s, &webp); break;
        }
        assert_int_equal(buf_add(&file, "trailing bytes", 14), 0);
        struct image_req r;
        assert_int_equal(prepare_bytes(&r, &c, file.data, file.len), 0);
        image_req_fini(&r);
    }
    buf_fini(&file);
}

static void test_scan_bomb(void **state)
{
    (void)state;
    const struct image_config c = {0};
    struct buf file = {0};
    const struct scene s = scene_get(64, 64, scene_opaque);
    const struct jpeg_spec spec = {.colourspace = JCS_YCbCr, .is_progressive = true};
    make_jpeg(&file, &s, &spec);
    file.len -= 2;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(buf_add(&file, "\xff\xda\0\x08\1\1\0\0\x3f\0\x55\x55", 12), 0);
    }
    assert_int_equal(buf_add(&file, "\xff\xd9", 2), 0);
    struct image_req r;
    assert_int_equal(prepare_bytes(&r, &c, file.data, file.len), E_CORRUPT);
    assert_non_null(strstr(r.err.msg, "scans"));
    buf_fini(&file);
}

static void test_hashes(void **state)
{
    (void)state;
    struct image_req r;
    XXH128_canonical_t want;
    assert_int_equal(prepare_path(&r, root, "good.png"), 0);
    XXH128_canonicalFromHash(&want, XXH3_128bits(picture.data, picture.len));
    assert_memory_equal(r.content, want.digest, IMAGE_HASH_BYTES);
    XXH128_canonicalFromHash(&want, XXH3_128bits(r.jpeg.data, r.jpeg.len));
    assert_memory_equal(r.sent_hash, want.digest, IMAGE_HASH_BYTES);
    image_req_fini(&r);
}

static void test_sent_as_png(void **state)
{
    (void)state;
    const struct image_config c = {0};
    struct image_req r = {
        .bytes = picture.data, .bytes_len = picture.len, .as_png = true};
    XXH128_canonical_t want;
    assert_int_equal(image_prepare_now(&c, &r), 0);
    assert_int_equal(image_probe(r.jpeg.data, r.jpeg.len), IMAGE_PNG);
    assert_null(r.png.data);
    XXH128_canonicalFromHash(&want, XXH3_128bits(r.jpeg.data, r.jpeg.len));
    assert_memory_equal(r.sent_hash, want.digest, IMAGE_HASH_BYTES);
    // It is the picture that it says.
    struct image_req again = {.bytes = r.jpeg.data, .bytes_len = r.jpeg.len};
    assert_int_equal(image_prepare_now(&c, &again), 0);
    assert_int_equal(again.width, r.sent_width);
    assert_int_equal(again.height, r.sent_height);
    assert_in_range(abs(again.thumb[0] - r.thumb[0]), 0, 4);
    image_req_fini(&again);
    image_req_fini(&r);
}

static void test_skip_encode(void **state)
{
    (void)state;
    const struct image_config c = {0};
    struct image_req r = {.bytes = picture.data,
                          .bytes_len = picture.len,
                          .skip_encode = true,
                          .want_luma = true};
    assert_int_equal(image_prepare_now(&c, &r), 0);
    assert_null(r.jpeg.data);
    assert_non_null(r.luma);
    assert_int_equal(r.width, 64);
    assert_true(r.thumb[0] > 0);
    static const uint8_t none[IMAGE_HASH_BYTES];
    assert_memory_not_equal(r.content, none, IMAGE_HASH_BYTES);
    assert_memory_equal(r.sent_hash, none, IMAGE_HASH_BYTES);
    image_req_fini(&r);
    image_req_fini(&r);  // twice is harmless
}

// A request can be used again; nothing of the first picture is left.
static void test_reuse(void **state)
{
    (void)state;
    const struct image_config c = {0};
    struct image_req r;
    assert_int_equal(prepare_path(&r, root, "good.png"), 0);
    r.path = "text.png";
    assert_int_equal(image_prepare_now(&c, &r), E_FORMAT);
    assert_null(r.jpeg.data);
    assert_int_equal(r.width, 0);
    r.path = "good.png";
    assert_int_equal(image_prepare_now(&c, &r), 0);
    assert_int_equal(r.err.code, 0);
    assert_int_equal(r.sent_width, 32);
    image_req_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_that_are_taken),
        cmocka_unit_test(test_files_that_are_refused),
        cmocka_unit_test(test_no_permission),
        cmocka_unit_test(test_no_descriptor_is_left),
        cmocka_unit_test(test_change_while_reading),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_bomb_is_refused_from_its_header),
        cmocka_unit_test(test_header_that_promises_too_much),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_broken_contents),
        cmocka_unit_test(test_damaged_png),
        cmocka_unit_test(test_half_jpeg),
        cmocka_unit_test(test_trailing_bytes_are_no_error),
        cmocka_unit_test(test_scan_bomb),
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_sent_as_png),
        cmocka_unit_test(test_skip_encode),
        cmocka_unit_test(test_reuse),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
