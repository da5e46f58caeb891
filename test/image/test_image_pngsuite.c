// test_image_pngsuite.c -- odd PNG files are decoded like libpng does, or refused as by it.
//
// Every colour type, depth and interlace; then each file with one chunk dropped, doubled,
// swapped, damaged, renamed, or with strange ones put in.  The reference is libpng with
// nothing of ours around it.
// SPDX-License-Identifier: MIT
#include "image/image.h"
#include "image/image_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <libdeflate.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CHUNKS = 64, SIGNATURE = 8 };

// ---- reference

struct stream {
    const uint8_t *at;
    size_t left;
};

static void on_read(png_structp png, png_bytep out, size_t n)
{
    struct stream *s = png_get_io_ptr(png);
    if (n > s->left) {
        png_error(png, "end");
    }
    memcpy(out, s->at, n);
    s->at += n;
    s->left -= n;
}

static void on_error(png_structp png, png_const_charp words)
{
    (void)words;
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp words)
{
    (void)png;
    (void)words;
}

struct picture {
    uint8_t *rgba;
    int width, height;
};

// RGBA, or NULL when libpng refuses.
static bool read_with_libpng(const struct buf *file, struct picture *out)
{
    png_structp png =
        png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, on_error, on_warning);
    png_infop info = png_create_info_struct(png);
    struct stream s = {file->data, file->len};
    *out = (struct picture){0};
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        free(out->rgba);
        out->rgba = NULL;
        return false;
    }
    png_set_read_fn(png, &s, on_read);
    png_read_info(png, info);
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    png_set_add_alpha(png, 255, PNG_FILLER_AFTER);
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    out->width = (int)png_get_image_width(png, info);
    out->height = (int)png_get_image_height(png, info);
    out->rgba = calloc((size_t)out->width * (size_t)out->height, 4);
    for (int p = 0; p < passes; p++) {
        for (int y = 0; y < out->height; y++) {
            png_read_row(png, out->rgba + 4 * (size_t)y * (size_t)out->width, NULL);
        }
    }
    png_read_end(png, NULL);
    png_destroy_read_struct(&png, &info, NULL);
    return true;
}

static int on_white_byte(int c, int a)
{
    const int v = c * a + 255 * (255 - a) + 128;
    return (v + (v >> 8)) >> 8;
}

static int luma_at(const uint8_t *p)
{
    const int r = on_white_byte(p[0], p[3]), g = on_white_byte(p[1], p[3]);
    return (9798 * r + 19235 * g + 3735 * on_white_byte(p[2], p[3]) + 16384) >> 15;
}

static int disagreements;

static void check(const char *what, const struct buf *file)
{
    const struct image_config c = {0};
    struct image_req r = {.bytes = file->data,
                          .bytes_len = file->len,
                          .want_luma = true,
                          .skip_encode = true};
    struct picture want;
    const bool is_fine = read_with_libpng(file, &want);
    const int rc = image_prepare_now(&c, &r);
    if (is_fine != (rc == 0)) {
        printf("%s: libpng %s, we say %s\n", what, is_fine ? "decodes" : "refuses",
               rc ? r.err.msg : "fine");
        disagreements++;
    } else if (is_fine) {
        assert_int_equal(r.width, want.width);
        assert_int_equal(r.height, want.height);
        for (int i = 0; i < want.width * want.height; i++) {
            if (r.luma[i] != luma_at(want.rgba + 4 * (size_t)i)) {
                printf("%s: pixel %d differs\n", what, i);
                disagreements++;
                break;
            }
        }
    }
    free(want.rgba);
    image_req_fini(&r);
}

// ---- files

static void make_kind(struct buf *out, int type, int depth, bool laced, int side)
{
    const struct scene s = scene_get(side, side * 2 / 3 + 1, scene_clear);
    const struct png_spec spec = {.colour_type = type,
                                  .depth = depth,
                                  .is_interlaced = laced,
                                  .has_profiles = true};
    make_png(out, &s, &spec, NULL);
}

static const int kinds[][2] = {{0, 1}, {0, 2},  {0, 4},  {0, 8}, {0, 16},
                               {2, 8}, {2, 16}, {3, 1},  {3, 2}, {3, 4},
                               {3, 8}, {4, 8},  {4, 16}, {6, 8}, {6, 16}};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void test_all_kinds(void **state)
{
    (void)state;
    struct buf file = {0};
    char what[64];
    disagreements = 0;
    for (int i = 0; i < KINDS; i++) {
        for (int laced = 0; laced < 2; laced++) {
            for (int side = 1; side < 40; side = side * 2 + 1) {
                make_kind(&file, kinds[i][0], kinds[i][1], laced, side);
                snprintf(what, sizeof(what), "type %d depth %d laced %d side %d",
                         kinds[i][0], kinds[i][1], laced, side);
                check(what, &file);
            }
        }
    }
    assert_int_equal(disagreements, 0);
    buf_fini(&file);
}

// ---- chunks

struct chunks {
    const uint8_t *at[MAX_CHUNKS];
    size_t len[MAX_CHUNKS];  // head and checksum included
    int n;
};

static size_t be32(const uint8_t *b)
{
    return (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
}

static void split(const struct buf *file, struct chunks *c)
{
    c->n = 0;
    for (size_t at = SIGNATURE; at < file->len && c->n < MAX_CHUNKS; c->n++) {
        c->at[c->n] = file->data + at;
        c->len[c->n] = be32(file->data + at) + 12;
        at += c->len[c->n];
    }
}

static void put(struct buf *out, const void *bytes, size_t n)
{
    assert_int_equal(buf_add(out, bytes, n), 0);
}

static void put_chunk(struct buf *out, const char *type, const void *bytes, uint32_t n)
{
    uint8_t head[8] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                       (uint8_t)n};
    memcpy(head + 4, type, 4);
    put(out, head, 8);
    put(out, bytes, n);
    const uint32_t sum = libdeflate_crc32(libdeflate_crc32(0, head + 4, 4), bytes, n);
    const uint8_t tail[4] = {(uint8_t)(sum >> 24), (uint8_t)(sum >> 16),
                             (uint8_t)(sum >> 8), (uint8_t)sum};
    put(out, tail, 4);
}

enum change {
    DROP,
    DOUBLE,
    SWAP,
    SUM,
    RENAME,
    LOWER,
    BEFORE,
    CRITICAL,
    EMPTY_IDAT,
    HALVE,
    CHANGES
};

static const char *const change_names[CHANGES] = {"dropped",
                                                  "doubled",
                                                  "swapped with the next",
                                                  "with a wrong sum",
                                                  "renamed to abCd",
                                                  "made ancillary",
                                                  "after a tEXt",
                                                  "after an unknown critical chunk",
                                                  "after an empty IDAT",
                                                  "cut in two"};

// Chunk i as one or two of its kind, or in company.
static void put_changed(struct buf *out, const struct chunks *c, int i, enum change how)
{
    uint8_t type[5] = {0};
    memcpy(type, c->at[i] + 4, 4);
    const uint8_t *bytes = c->at[i] + 8;
    const uint32_t n = (uint32_t)(c->len[i] - 12);
    switch (how) {
    case DROP: return;
    case DOUBLE: put(out, c->at[i], c->len[i]); break;
    case SWAP: put(out, c->at[i + 1], c->len[i + 1]); break;
    case SUM:
        put(out, c->at[i], c->len[i] - 1);
        put(out, "x", 1);
        return;
    case RENAME: put_chunk(out, "abCd", bytes, n); return;
    case LOWER:
        type[0] |= 0x20;
        put_chunk(out, (const char *)type, bytes, n);
        return;
    case BEFORE: put_chunk(out, "tEXt", "a\0b", 3); break;
    case CRITICAL: put_chunk(out, "ABCD", "xyz", 3); break;
    case EMPTY_IDAT: put_chunk(out, "IDAT", "", 0); break;
    case HALVE:
        put_chunk(out, (const char *)type, bytes, n / 2);
        put_chunk(out, (const char *)type, bytes + n / 2, n - n / 2);
        return;
    case CHANGES: break;
    }
    put(out, c->at[i], c->len[i]);
}

static void change_all(const struct buf *file, const char *name)
{
    struct chunks c;
    char what[128];
    split(file, &c);
    for (int how = 0; how < CHANGES; how++) {
        for (int i = 0; i < c.n - (how == SWAP); i++) {
            struct buf out;
            buf_init(&out, 1 << 24);
            put(&out, file->data, SIGNATURE);
            for (int k = 0; k < c.n; k++) {
                if (k == i) {
                    put_changed(&out, &c, i, (enum change)how);
                    k += how == SWAP;
                } else {
                    put(&out, c.at[k], c.len[k]);
                }
            }
            snprintf(what, sizeof(what), "%s: chunk %d (%.4s) %s", name, i, c.at[i] + 4,
                     change_names[how]);
            check(what, &out);
            buf_fini(&out);
        }
    }
}

static void test_changed_chunks(void **state)
{
    (void)state;
    struct buf file = {0};
    char name[32];
    disagreements = 0;
    for (int i = 0; i < KINDS; i++) {
        make_kind(&file, kinds[i][0], kinds[i][1], i % 2, 30);
        snprintf(name, sizeof(name), "type %d depth %d", kinds[i][0], kinds[i][1]);
        change_all(&file, name);
    }
    uint8_t pixels[40 * 30 * 4];
    for (size_t i = 0; i < sizeof(pixels); i++) {
        pixels[i] = (uint8_t)(i * i >> 7);
    }
    make_png_pixels(&file, pixels, 40, 30, 4, PNG_ALL_FILTERS, 200);
    change_all(&file, "many parts");
    assert_int_equal(disagreements, 0);
    buf_fini(&file);
}

// Every byte of a small file, changed; the checksums of its chunks made right again.
static void test_changed_bytes(void **state)
{
    (void)state;
    struct buf file = {0};
    char what[64];
    disagreements = 0;
    for (int type = 2; type <= 6; type += 4) {
        make_kind(&file, type, 8, false, 20);
        struct chunks c;
        split(&file, &c);
        for (int i = 0; i < c.n; i++) {
            if (memcmp(c.at[i] + 4, "IDAT", 4) != 0) {
                continue;
            }
            for (size_t at = 8; at < c.len[i] - 4; at++) {
                uint8_t *chunk = file.data + (c.at[i] - file.data);
                chunk[at] ^= (uint8_t)(1 << at % 8);
                struct buf out;
                buf_init(&out, 1 << 20);
                put(&out, file.data, (size_t)(chunk - file.data));
                put_chunk(&out, "IDAT", chunk + 8, (uint32_t)(c.len[i] - 12));
                put_chunk(&out, "IEND", "", 0);
                snprintf(what, sizeof(what), "type %d byte %zu", type, at);
                check(what, &out);
                buf_fini(&out);
                chunk[at] ^= (uint8_t)(1 << at % 8);
            }
        }
    }
    assert_int_equal(disagreements, 0);
    buf_fini(&file);
}

// Large enough to be inflated a stretch at a time; with alpha, and with a damaged byte.
static void test_large(void **state)
{
    (void)state;
    enum { WIDTH = 2111, HEIGHT = 1531 };
    uint8_t *pixels = malloc((size_t)WIDTH * HEIGHT * 4);
    struct buf file = {0};
    disagreements = 0;
    for (int channels = 3; channels <= 4; channels++) {
        uint32_t seed = 5;
        for (size_t i = 0; i < (size_t)WIDTH * HEIGHT * (size_t)channels; i++) {
            seed = seed * 1664525 + 1013904223;
            pixels[i] = (uint8_t)(i / 5000 % 3 ? i / 700 : seed >> 29);
        }
        make_png_pixels(&file, pixels, WIDTH, HEIGHT, channels, PNG_ALL_FILTERS, 3000);
        check("large", &file);
        file.data[file.len / 2] ^= 1;
        check("large, damaged", &file);
    }
    assert_int_equal(disagreements, 0);
    free(pixels);
    buf_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_kinds),
        cmocka_unit_test(test_changed_chunks),
        cmocka_unit_test(test_changed_bytes),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
