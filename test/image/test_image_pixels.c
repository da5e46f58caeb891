// test_image_pixels.c -- the shrink against exact arithmetic, sizes, thumbs, memory.
// SPDX-License-Identifier: MIT
#include "image/arena.h"
#include "image/fit.h"
#include "image/image_make.h"
#include "image/pixels.h"
#include "image/prepare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- float64 reference

static double lanczos3(double x)
{
    const double pi = acos(-1.0);
    if (fabs(x) < 1e-12) {
        return 1;
    }
    return fabs(x) >= 3 ? 0 : 3 * sin(pi * x) * sin(pi * x / 3) / (pi * pi * x * x);
}

// Shrinks along x; rows of in are in_stride apart, samples in_step.
static void reference_axis(const double *in, int n, int in_step, int lines, int in_stride,
                           double *out, int m, int out_step, int out_stride)
{
    const double ratio = (double)n / m;
    const double stretch = ratio > 1 ? ratio : 1;
    for (int line = 0; line < lines; line++) {
        for (int i = 0; i < m; i++) {
            const double centre = (i + 0.5) * ratio - 0.5;
            double sum = 0, weights = 0;
            for (int k = 0; k < n; k++) {
                const double w = lanczos3((k - centre) / stretch);
                sum += w * in[line * in_stride + k * in_step];
                weights += w;
            }
            out[line * out_stride + i * out_step] = sum / weights;
        }
    }
}

static double *reference(const double *in, int w, int h, int dw, int dh)
{
    double *half = malloc(sizeof(double) * (size_t)w * (size_t)dh);
    double *out = malloc(sizeof(double) * (size_t)dw * (size_t)dh);
    reference_axis(in, h, w, w, 1, half, dh, w, 1);
    reference_axis(half, w, 1, dh, w, out, dw, 1, dw);
    free(half);
    return out;
}

static double psnr(const double *want, const uint8_t *got, int stride, int w, int h)
{
    double sum = 0;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            double v = want[y * w + x];
            v = v < 0 ? 0 : v > 255 ? 255 : v;
            const double d = v - got[y * stride + x];
            sum += d * d;
        }
    }
    return 10 * log10(255.0 * 255.0 * w * h / (sum + 1e-9));
}

// Something like a page of text in colour: dark strokes one to three pixels wide on light
// ground, in lines; smooth areas between.
static uint8_t *text_page(int w, int h)
{
    uint8_t *rgb = malloc(3 * (size_t)w * (size_t)h);
    uint32_t seed = 12345;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            uint8_t *p = rgb + 3 * (y * w + x);
            const int ground = 250 - (x * 20 / w) - (y * 20 / h);
            p[0] = p[1] = p[2] = (uint8_t)ground;
            seed = seed * 1664525 + 1013904223;
            const bool is_line = y % 18 >= 4 && y % 18 < 14;
            const int cell = (x / 9 * 31 + y / 18 * 17) % 29;
            const bool is_stroke = x % 9 < 1 + cell % 3 || y % 18 == 4 + cell % 10;
            if (is_line && cell > 4 && is_stroke && x % 9 < 7) {
                p[0] = (uint8_t)(20 + cell * 3);
                p[1] = (uint8_t)(30 + (seed >> 28));
                p[2] = (uint8_t)(60 + cell);
            }
        }
    }
    return rgb;
}

static double *luma_of_page(const uint8_t *rgb, int n)
{
    double *out = malloc(sizeof(double) * (size_t)n);
    for (int i = 0; i < n; i++) {
        out[i] = 0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2];
    }
    return out;
}

// The chroma plane u of exact 2x2 means.
static double *chroma_of_page(const uint8_t *rgb, int w, int h)
{
    double *out = calloc((size_t)(w / 2) * (size_t)(h / 2), sizeof(double));
    for (int y = 0; y < h / 2 * 2; y++) {
        for (int x = 0; x < w / 2 * 2; x++) {
            const uint8_t *p = rgb + 3 * (y * w + x);
            const double u = -0.168736 * p[0] - 0.331264 * p[1] + 0.5 * p[2] + 128;
            out[y / 2 * (w / 2) + x / 2] += u / 4;
        }
    }
    return out;
}

struct page {
    int w, h, dw, dh;
    uint8_t *rgb;
    struct arena arena;
    struct head head;
    struct decode d;
};

static void page_open(struct page *p, int w, int h, int target)
{
    *p = (struct page){.w = w, .h = h, .rgb = text_page(w, h)};
    fit_side(w, h, target, &p->dw, &p->dh);
    p->head = (struct head){.width = w, .height = h, .orientation = 1};
    p->d = (struct decode){.head = &p->head, .arena = &p->arena};
    assert_int_equal(planes_get(&p->d.small, p->dw, p->dh, &p->arena), 0);
    struct rows rows;
    assert_int_equal(rows_open(&rows, &p->d), 0);
    for (int y = 0; y < h; y++) {
        rows_put(&rows, p->rgb + 3 * (size_t)y * (size_t)w, 3);
    }
}

static void page_close(struct page *p)
{
    free(p->rgb);
    arena_fini(&p->arena);
}

static double page_luma_psnr(const struct page *p)
{
    double *luma = luma_of_page(p->rgb, p->w * p->h);
    double *want = reference(luma, p->w, p->h, p->dw, p->dh);
    const double db = psnr(want, p->d.small.p[0], p->d.small.stride[0], p->dw, p->dh);
    free(luma);
    free(want);
    return db;
}

static void test_luma_is_exact_lanczos(void **state)
{
    (void)state;
    static const struct {
        int w, h, target;
        double db;
    } cases[] = {{640, 360, 256, 52}, {640, 360, 400, 52}, {320, 180, 300, 52},
                 {301, 201, 97, 52},  {200, 100, 200, 55}, {799, 601, 201, 52},
                 {1200, 100, 240, 38}};  // the last one through boxes
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct page p;
        page_open(&p, cases[i].w, cases[i].h, cases[i].target);
        const double db = page_luma_psnr(&p);
        if (db < cases[i].db) {
            fail_msg("%d -> %d: %.1f dB", cases[i].w, cases[i].target, db);
        }
        page_close(&p);
    }
}

static void test_chroma_is_exact_lanczos(void **state)
{
    (void)state;
    struct page p;
    page_open(&p, 640, 360, 256);
    double *u = chroma_of_page(p.rgb, p.w, p.h);
    double *want = reference(u, p.w / 2, p.h / 2, p.dw / 2, p.dh / 2);
    const double db = psnr(want, p.d.small.p[1], p.d.small.stride[1], p.dw / 2, p.dh / 2);
    assert_true(db > 50);
    free(u);
    free(want);
    page_close(&p);
}

// Planes that are in memory take the same way as rows that come one by one.
static void test_whole_planes_equal_rows(void **state)
{
    (void)state;
    struct page whole, rows;
    page_open(&whole, 401, 303, 401);  // not shrunk: source planes
    page_open(&rows, 401, 303, 177);
    struct planes small;
    assert_int_equal(planes_get(&small, rows.dw, rows.dh, &rows.arena), 0);
    assert_int_equal(planes_shrink(&small, &whole.d.small, 2, 2, NULL, &rows.arena), 0);
    for (int i = 0; i < 3; i++) {
        const int w = i ? (rows.dw + 1) / 2 : rows.dw;
        const int h = i ? (rows.dh + 1) / 2 : rows.dh;
        for (int y = 0; y < h; y++) {
            assert_memory_equal(small.p[i] + y * small.stride[i],
                                rows.d.small.p[i] + y * rows.d.small.stride[i], w);
        }
    }
    page_close(&whole);
    page_close(&rows);
}

// A plain picture stays plain, bit by bit, at any ratio.
static void test_flat_stays_flat(void **state)
{
    (void)state;
    for (int value = 0; value <= 255; value += 5) {
        for (int w = 100; w < 2000; w = w * 3 / 2) {
            struct arena arena = {0};
            struct planes full, small;
            assert_int_equal(planes_get(&full, w, 64, &arena), 0);
            assert_int_equal(planes_get(&small, 97, 31, &arena), 0);
            for (int i = 0; i < 3; i++) {
                memset(full.p[i], value, (size_t)full.stride[i] * (i ? 32 : 64));
            }
            assert_int_equal(planes_shrink(&small, &full, 2, 2, NULL, &arena), 0);
            for (int i = 0; i < 3; i++) {
                for (int x = 0; x < (i ? 49 : 97); x++) {
                    assert_int_equal(small.p[i][x], value);
                }
            }
            arena_fini(&arena);
        }
    }
}

// Between once and four times the wanted size all of the JPEG's detail is used; the
// decoder's own shrink would lose it.  The reference starts at the decoded luma.
static void test_jpeg_is_decoded_in_full(void **state)
{
    (void)state;
    struct buf file = {0};
    uint8_t *rgb = text_page(640, 360);
    make_jpeg_pixels(&file, rgb, 640, 360);
    int w, h;
    uint8_t *grey = read_jpeg_grey(&file, &w, &h);
    double *luma = malloc(sizeof(double) * (size_t)w * (size_t)h);
    for (int i = 0; i < w * h; i++) {
        luma[i] = grey[i];
    }
    double *want = reference(luma, w, h, 200, 113);
    struct arena arena = {0};
    struct head head = {.format = IMAGE_JPEG, .orientation = 1};
    assert_int_equal(head_check(&head, file.data, file.len, NULL), 0);
    struct decode d = {.bytes = file.data, .head = &head, .arena = &arena};
    assert_int_equal(planes_get(&d.small, 200, 113, &arena), 0);
    assert_int_equal(jpeg_decode(&d), 0);
    const double db = psnr(want, d.small.p[0], d.small.stride[0], 200, 113);
    if (db < 50) {
        fail_msg("%.1f dB", db);
    }
    free(rgb);
    free(grey);
    free(luma);
    free(want);
    buf_fini(&file);
    arena_fini(&arena);
}

// What pads the last blocks must not shine through at the right and lower edge.
static void test_jpeg_edges_are_clean(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct planes p;
    struct buf jpeg = {0};
    assert_int_equal(planes_get(&p, 35, 19, &arena), 0);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < p.stride[i] * (i ? 10 : 19); k++) {
            p.p[i][k] = k % p.stride[i] < (i ? 18 : 35) ? 200 : 0;
        }
    }
    assert_int_equal(jpeg_encode(&p, 30, &arena, &jpeg, NULL), 0);
    int w, h;
    uint8_t *grey = read_jpeg_grey(&jpeg, &w, &h);
    for (int i = 0; i < w * h; i++) {
        assert_in_range(grey[i], 196, 204);
    }
    free(grey);
    buf_fini(&jpeg);
    arena_fini(&arena);
}

static void test_jpeg_keeps_the_picture(void **state)
{
    (void)state;
    struct page p;
    struct buf jpeg = {0};
    page_open(&p, 640, 360, 256);
    const double least[2] = {30, 45};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(jpeg_encode(&p.d.small, i ? 98 : 75, &p.arena, &jpeg, NULL), 0);
        int w, h;
        uint8_t *grey = read_jpeg_grey(&jpeg, &w, &h);
        assert_int_equal(w, p.dw);
        assert_int_equal(h, p.dh);
        double *want = malloc(sizeof(double) * (size_t)w * (size_t)h);
        for (int y = 0; y < h; y++) {
            for (int x = 0; x < w; x++) {
                want[y * w + x] = p.d.small.p[0][y * p.d.small.stride[0] + x];
            }
        }
        const double db = psnr(want, grey, w, w, h);
        if (db < least[i]) {
            fail_msg("%.1f dB", db);
        }
        free(want);
        free(grey);
    }
    buf_fini(&jpeg);
    page_close(&p);
}

// Noise at full quality is more than the encoder first has room for.
static void test_encode_grows(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct planes p;
    struct buf jpeg = {0};
    uint32_t seed = 1;
    assert_int_equal(planes_get(&p, 250, 170, &arena), 0);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < p.stride[i] * (i ? 85 : 170); k++) {
            seed = seed * 1664525 + 1013904223;
            p.p[i][k] = (uint8_t)(seed >> 24);
        }
    }
    assert_int_equal(jpeg_encode(&p, 100, &arena, &jpeg, NULL), 0);
    assert_true(jpeg.len > 250 * 170 / 2 + 4096);
    int w, h;
    uint8_t *grey = read_jpeg_grey(&jpeg, &w, &h);
    int worst = 0;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            const int d = abs(grey[y * w + x] - p.p[0][y * p.stride[0] + x]);
            worst = d > worst ? d : worst;
        }
    }
    assert_true(worst <= 3);
    // One is the lowest quality, and still a picture.
    assert_int_equal(jpeg_encode(&p, 1, &arena, &jpeg, NULL), 0);
    assert_true(jpeg.len < 20000);
    free(grey);
    buf_fini(&jpeg);
    arena_fini(&arena);
}

static void test_sent_size(void **state)
{
    (void)state;
    static const int cases[][5] = {
        {1920, 1080, 768, 768, 432}, {1080, 1920, 768, 432, 768},
        {768, 10, 768, 768, 10},     {700, 500, 768, 700, 500},
        {1, 1, 768, 1, 1},           {16384, 1, 768, 768, 1},
        {1, 16384, 768, 1, 768},     {1000, 999, 768, 768, 767},
        {1366, 768, 768, 768, 432},  {3840, 1600, 768, 768, 320},
        {1000, 1000, 1, 1, 1},       {1536, 3, 768, 768, 2},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int w, h;
        fit_side(cases[i][0], cases[i][1], cases[i][2], &w, &h);
        assert_int_equal(w, cases[i][3]);
        assert_int_equal(h, cases[i][4]);
    }
}

// PROTOCOLS 9.2: the sizes for common screens.
static void test_patches(void **state)
{
    (void)state;
    static const int cases[][6] = {
        {1920, 1080, 28, 400, 728, 420},
        {1920, 1080, 28, 576, 896, 504},
        {1920, 1080, 28, 1024, 1176, 672},
        {1920, 1080, 28, 1296, 1344, 756},
        {2560, 1440, 32, 1024, 1344, 768},
        {3840, 2160, 32, 1296, 1536, 864},
        {1920, 1200, 28, 400, 700, 448},
        {2560, 1600, 32, 1024, 1280, 800},
        {3440, 1440, 28, 1024, 1344, 560},
        {3024, 1964, 32, 1296, 1408, 928},
        {1964, 3024, 32, 1296, 928, 1408},
        {1080, 1920, 28, 400, 420, 728},
        {3840, 2160, 48, 280, 1056, 576},
        {640, 480, 32, 4000, 640, 480},  // not enlarged
        {20, 20, 32, 400, 20, 20},       // smaller than a patch
        {1, 1, 32, 1, 1, 1},
        {16000, 16, 32, 1000, 16000, 16},
        {16000, 40, 32, 100, 6400, 16},  // no whole patches of that shape
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int w, h;
        fit_patches(cases[i][0], cases[i][1], cases[i][2], cases[i][3], &w, &h);
        assert_int_equal(w, cases[i][4]);
        assert_int_equal(h, cases[i][5]);
    }
    for (int i = 0; i < 20000; i++) {
        const int width = 1 + rand() % 5000, height = 1 + rand() % 5000;
        int w, h;
        fit_patches(width, height, 28, 1 + i % 2000, &w, &h);
        assert_in_range(w, 1, width);
        assert_in_range(h, 1, height);
    }
}

// Rounding may go either way when it is as good as half.
static void check_rounded(double want, int got)
{
    want = want < 0 ? 0 : want > 255 ? 255 : want;
    assert_true(fabs(want - got) < 0.55);
}

static void test_range(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct planes p, same;
    assert_int_equal(planes_get(&p, 256, 2, &arena), 0);
    for (int i = 0; i < 256; i++) {
        p.p[0][i] = p.p[0][p.stride[0] + i] = (uint8_t)i;
        p.p[1][i / 2] = p.p[2][i / 2] = (uint8_t)i;
    }
    uint8_t luma[512];
    luma_copy_full_range(luma, p.p[0], p.stride[0], 256, 2);
    p.is_video_range = true;
    assert_int_equal(planes_get(&same, 256, 2, &arena), 0);
    assert_int_equal(planes_shrink(&same, &p, 2, 2, NULL, &arena), 0);
    p = same;
    for (int i = 0; i < 256; i++) {
        const double y = (i - 16) * 255.0 / 219;
        check_rounded(y, p.p[0][i]);
        check_rounded(y, luma[256 + i]);
    }
    for (int i = 1; i < 256; i += 2) {
        check_rounded(128 + (i - 128) * 255.0 / 224, p.p[1][i / 2]);
    }
    arena_fini(&arena);
}

// Every orientation and its opposite give the picture back.
static void test_turns_undo_each_other(void **state)
{
    (void)state;
    static const int opposite[9] = {0, 1, 2, 3, 4, 5, 8, 7, 6};
    uint8_t in[6 * 4], out[24], back[24];
    for (int i = 0; i < 24; i++) {
        in[i] = (uint8_t)i;
    }
    for (int o = 1; o <= 8; o++) {
        const int w = o >= 5 ? 4 : 6;
        plane_turn(out, w, in, 6, 6, 4, o);
        plane_turn(back, 6, out, w, w, 24 / w, opposite[o]);
        assert_memory_equal(back, in, sizeof(in));
        assert_true(o == 1 || memcmp(out, in, sizeof(in)) != 0);
    }
}

static void test_thumb(void **state)
{
    (void)state;
    uint8_t thumb[IMAGE_THUMB_W * IMAGE_THUMB_H];
    struct arena arena = {0};
    struct planes p;
    assert_int_equal(planes_get(&p, 256, 144, &arena), 0);
    for (int y = 0; y < 144; y++) {
        for (int x = 0; x < 256; x++) {
            p.p[0][y * p.stride[0] + x] = (uint8_t)(x / 2 + y / 2 + (x & 1) * 2);
        }
    }
    planes_thumb(&p, thumb);
    for (int y = 0; y < IMAGE_THUMB_H; y++) {
        for (int x = 0; x < IMAGE_THUMB_W; x++) {
            assert_int_equal(thumb[y * IMAGE_THUMB_W + x], x + y + 1);
        }
    }
    // Smaller than the thumb: samples repeat.
    assert_int_equal(planes_get(&p, 2, 1, &arena), 0);
    p.p[0][0] = 10;
    p.p[0][1] = 20;
    planes_thumb(&p, thumb);
    assert_int_equal(thumb[0], 10);
    assert_int_equal(thumb[IMAGE_THUMB_W / 2 - 1], 10);
    assert_int_equal(thumb[IMAGE_THUMB_W / 2], 20);
    assert_int_equal(thumb[sizeof(thumb) - 1], 20);
    arena_fini(&arena);
}

// The mean of block i of n over each side, rounded.
static int block_mean(const struct planes *p, int bx, int by)
{
    const int x0 = bx * p->width / IMAGE_THUMB_W, y0 = by * p->height / IMAGE_THUMB_H;
    int x1 = (bx + 1) * p->width / IMAGE_THUMB_W;
    int y1 = (by + 1) * p->height / IMAGE_THUMB_H;
    int sum = 0;
    x1 = x1 > x0 ? x1 : x0 + 1;
    y1 = y1 > y0 ? y1 : y0 + 1;
    for (int y = y0; y < y1; y++) {
        for (int x = x0; x < x1; x++) {
            sum += p->p[0][y * p->stride[0] + x];
        }
    }
    const int area = (x1 - x0) * (y1 - y0);
    return (sum + area / 2) / area;
}

// Widths of one column, of whole and of uneven blocks, and over what is summed at a time.
static void test_thumb_of_every_width(void **state)
{
    (void)state;
    static const int sides[][2] = {{1, 1},     {127, 73},   {128, 72},
                                   {333, 500}, {768, 432},  {1000, 720},
                                   {1030, 80}, {3840, 300}, {300, 20000}};
    uint8_t thumb[IMAGE_THUMB_W * IMAGE_THUMB_H];
    for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
        struct arena arena = {0};
        struct planes p;
        uint32_t noise = 1;
        assert_int_equal(planes_get(&p, sides[i][0], sides[i][1], &arena), 0);
        for (int k = 0; k < p.stride[0] * p.height; k++) {
            noise = noise * 1664525 + 1013904223;
            p.p[0][k] = (uint8_t)(k / 50 % 7 ? noise >> 24 : 255);
        }
        planes_thumb(&p, thumb);
        for (int k = 0; k < IMAGE_THUMB_W * IMAGE_THUMB_H; k++) {
            assert_int_equal(thumb[k],
                             block_mean(&p, k % IMAGE_THUMB_W, k / IMAGE_THUMB_W));
        }
        arena_fini(&arena);
    }
}

static void test_exif(void **state)
{
    (void)state;
    uint8_t b[40] = {'M', 'M', 0, 42, 0, 0, 0,    8,    0, 2, 1, 0, 0, 3, 0, 0,
                     0,   1,   0, 9,  0, 0, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6};
    assert_int_equal(exif_orientation(b, sizeof(b)), 6);
    for (size_t n = 0; n < 34; n++) {
        assert_int_equal(exif_orientation(b, n), 1);  // cut anywhere
    }
    b[31] = 9;
    assert_int_equal(exif_orientation(b, sizeof(b)), 1);
    b[31] = 6;
    b[25] = 4;  // not a short
    assert_int_equal(exif_orientation(b, sizeof(b)), 1);
    b[25] = 3;
    memset(b + 4, 0xff, 4);  // the directory is far away
    assert_int_equal(exif_orientation(b, sizeof(b)), 1);
    assert_int_equal(exif_orientation((const uint8_t *)"XX*\0....", 8), 1);
}

static void test_arena(void **state)
{
    (void)state;
    struct arena a = {0};
    assert_null(arena_get(&a, SIZE_MAX));
    assert_null(arena_get_array(&a, SIZE_MAX / 2, 3));
    for (int i = 0; i < 10; i++) {
        uint8_t *p = arena_get(&a, 100000);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % ARENA_ALIGN, 0);
        memset(p, i, 100000 + ARENA_ALIGN);
    }
    assert_true(a.total >= 1000000);
    // Several blocks become one of the same size, which then stays.
    arena_reset(&a, 4 << 20);
    assert_int_equal(a.total, 0);
    void *first = arena_get(&a, 10);
    assert_true(a.total >= 1000000);
    arena_reset(&a, 4 << 20);
    assert_ptr_equal(arena_get(&a, 900000), first);
    // More than may stay is given back.
    arena_reset(&a, 1000);
    assert_int_equal(a.total, 0);
    arena_fini(&a);
}

// ---- rows that look like the one before

// Runs of 1 to 9 rows of one look, of noise: nothing is smooth by itself.
static const uint8_t *row_of_runs(const uint8_t *noise, int w, int y)
{
    const int in_run[] = {0, 1, 1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, 7, 7};
    const int n = (int)(sizeof(in_run) / sizeof(*in_run));
    return noise + 4 * (size_t)w * (size_t)(in_run[y % n] + 8 * (y / n));
}

// by_pointer: as the fast PNG decoder does; else every row is a row of its own.
static void put_runs(struct page *p, const uint8_t *noise, int channels, bool by_pointer)
{
    struct rows rows;
    uint8_t *two = malloc(8 * (size_t)p->w);
    const uint8_t *before = NULL;
    assert_int_equal(rows_open(&rows, &p->d), 0);
    for (int y = 0; y < p->h; y++) {
        const uint8_t *row = row_of_runs(noise, p->w, y);
        uint8_t *own = two + (before == two ? 4 * (size_t)p->w : 0);
        if (!by_pointer || y == 0 || row != row_of_runs(noise, p->w, y - 1)) {
            memcpy(own, row, 4 * (size_t)p->w);
            before = own;
        }
        rows_put(&rows, before, channels);
    }
    free(two);
}

static void runs_open(struct page *p, int w, int h, int target)
{
    *p = (struct page){.w = w, .h = h};
    fit_side(w, h, target, &p->dw, &p->dh);
    p->head = (struct head){.width = w, .height = h, .orientation = 1};
    p->d = (struct decode){.head = &p->head, .arena = &p->arena};
    assert_int_equal(planes_get(&p->d.small, p->dw, p->dh, &p->arena), 0);
}

// They are filtered as one, which is rounded once: other by one at most.
static void check_runs(int w, int h, int target, int channels)
{
    struct page a, b;
    const size_t n = 4 * (size_t)w * (size_t)(8 * (h / 21 + 1));
    uint8_t *noise = malloc(n);
    for (size_t i = 0; i < n; i++) {
        noise[i] = channels == 4 && i % 4 == 3 ? 255 : (uint8_t)(rand() >> 7);
    }
    runs_open(&a, w, h, target);
    runs_open(&b, w, h, target);
    put_runs(&a, noise, channels, false);
    put_runs(&b, noise, channels, true);
    for (int i = 0; i < 3; i++) {
        const int pw = i ? (a.dw + 1) / 2 : a.dw, ph = i ? (a.dh + 1) / 2 : a.dh;
        for (int k = 0; k < pw * ph; k++) {
            const int at = k / pw * a.d.small.stride[i] + k % pw;
            assert_in_range(a.d.small.p[i][at] - b.d.small.p[i][at] + 1, 0, 2);
        }
    }
    free(noise);
    page_close(&a);
    page_close(&b);
}

static void test_rows_alike(void **state)
{
    (void)state;
    for (int channels = 3; channels <= 4; channels++) {
        check_runs(320, 200, 320, channels);  // as large as it is
        check_runs(320, 200, 193, channels);
        check_runs(301, 211, 100, channels);  // odd
        check_runs(403, 207, 60, channels);   // halved first
        check_runs(97, 1, 40, channels);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_luma_is_exact_lanczos),
        cmocka_unit_test(test_chroma_is_exact_lanczos),
        cmocka_unit_test(test_whole_planes_equal_rows),
        cmocka_unit_test(test_flat_stays_flat),
        cmocka_unit_test(test_jpeg_is_decoded_in_full),
        cmocka_unit_test(test_jpeg_edges_are_clean),
        cmocka_unit_test(test_jpeg_keeps_the_picture),
        cmocka_unit_test(test_encode_grows),
        cmocka_unit_test(test_sent_size),
        cmocka_unit_test(test_patches),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_turns_undo_each_other),
        cmocka_unit_test(test_thumb),
        cmocka_unit_test(test_thumb_of_every_width),
        cmocka_unit_test(test_exif),
        cmocka_unit_test(test_rows_alike),
        cmocka_unit_test(test_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
