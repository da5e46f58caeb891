// test_image_kernels.c -- every set of inner loops gives the bytes of the scalar one, and
// touches nothing beyond its rows.
//
// Inputs are blocks of the exact length, so that a sanitizer sees each byte too much;
// outputs have a guard behind them.
// SPDX-License-Identifier: MIT
#include "image/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 64, GUARD_BYTE = 0xa5, MAX_N = 211 };

static uint32_t seed = 1;

static uint32_t next_random(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

// Noise, runs as in text on plain ground, or only the ends of the range.
static uint8_t *random_bytes(size_t n, int kind)
{
    uint8_t *p = malloc(n ? n : 1);
    for (size_t i = 0; i < n; i++) {
        const uint8_t noise = (uint8_t)next_random();
        const bool is_run = (i / 120) % 3 != 1;
        p[i] = kind == 0   ? noise
               : kind == 1 ? (uint8_t)(is_run ? 0 : noise % 5)
                           : (uint8_t)(noise & 1 ? 255 : 0);
    }
    return p;
}

static void *guarded(size_t n)
{
    uint8_t *p = malloc(n + GUARD);
    memset(p, GUARD_BYTE, n + GUARD);
    return p;
}

static void assert_same(const void *want, const void *got, size_t n)
{
    const uint8_t *guard = (const uint8_t *)got + n;
    assert_memory_equal(want, got, n);
    for (int i = 0; i < GUARD; i++) {
        assert_int_equal(guard[i], GUARD_BYTE);
    }
}

// ---- colour

static void check_luma(const struct kernels *k, const uint8_t *px, int n, int step)
{
    uint8_t *want = guarded((size_t)n), *got = guarded((size_t)n);
    kernels_scalar.luma(px, n, step, want);
    k->luma(px, n, step, got);
    assert_same(want, got, (size_t)n);
    free(want);
    free(got);
}

// Two rows into chroma and means.
static void check_pairs(const struct kernels *k, const uint8_t *px, const uint8_t *below,
                        int n, int step)
{
    const size_t half = ((size_t)n + 1) / 2;
    uint8_t *a = guarded(4 * half), *b = guarded(4 * half);
    kernels_scalar.boxes(px, below, n, step, a);
    k->boxes(px, below, n, step, b);
    assert_same(a, b, 4 * half);
    uint8_t *cb = guarded(half), *cr = guarded(half);
    kernels_scalar.chroma(px, below, n, step, a, a + half);
    k->chroma(px, below, n, step, cb, cr);
    assert_same(a, cb, half);
    assert_same(a + half, cr, half);
    free(a);
    free(b);
    free(cb);
    free(cr);
}

static void test_colour(void **state)
{
    (void)state;
    const struct kernels *k;
    for (int i = 0; (k = kernels_at(i)); i++) {
        for (int n = 1; n < MAX_N; n++) {
            for (int step = 3; step <= 4; step++) {
                const size_t len = (size_t)n * (size_t)step;
                uint8_t *px = random_bytes(len, n % 3), *below = random_bytes(len, 0);
                check_luma(k, px, n, step);
                check_pairs(k, px, below, n, step);
                free(px);
                free(below);
            }
        }
    }
}

// Grey has no colour and keeps its value, in every set.
static void test_grey_is_exact(void **state)
{
    (void)state;
    const struct kernels *k;
    for (int i = 0; (k = kernels_at(i)); i++) {
        for (int v = 0; v < 256; v++) {
            uint8_t px[40 * 3], luma[40], cb[20], cr[20];
            memset(px, v, sizeof(px));
            k->luma(px, 40, 3, luma);
            k->chroma(px, px, 40, 3, cb, cr);
            for (int x = 0; x < 20; x++) {
                assert_int_equal(luma[2 * x], v);
                assert_int_equal(cb[x], 128);
                assert_int_equal(cr[x], 128);
            }
        }
    }
}

static void test_is_opaque(void **state)
{
    (void)state;
    const struct kernels *k;
    for (int i = 0; (k = kernels_at(i)); i++) {
        for (int n = 1; n < 40; n++) {
            uint8_t *px = random_bytes(4 * (size_t)n, 0);
            for (int x = 0; x < n; x++) {
                px[4 * x + 3] = 255;
            }
            assert_true(k->is_opaque(px, n));
            for (int x = 0; x < n; x++) {
                px[4 * x + 3] = 254;
                assert_false(k->is_opaque(px, n));
                px[4 * x + 3] = 255;
            }
            free(px);
        }
    }
}

// ---- filter

static void check_columns(const struct kernels *k, int n, int count)
{
    const uint8_t *rows[80];
    int16_t weights[80] = {0};
    for (int r = 0; r < count; r++) {
        rows[r] = random_bytes((size_t)n, r % 3 == 2 ? 2 : 0);
        weights[r] = (int16_t)(next_random() % 9000) - 2000;
    }
    int16_t *want = guarded(2 * (size_t)n), *got = guarded(2 * (size_t)n);
    kernels_scalar.columns(rows, weights, count, 0, n, want);
    k->columns(rows, weights, count, 0, n, got);
    assert_same(want, got, 2 * (size_t)n);
    for (int r = 0; r < count; r++) {
        free((void *)rows[r]);
    }
    free(want);
    free(got);
}

static void check_lines(const struct kernels *k, int src_n, int dst_n)
{
    const struct resize_range video = {255.0 / 219, -16 * 255.0 / 219};
    const struct resize_range *range = (src_n + dst_n) % 2 ? &video : NULL;
    struct arena arena = {0};
    struct resize_axis x;
    struct resize_lines l;
    assert_int_equal(
        resize_axis_init(&x, &arena, src_n, src_n, dst_n, dst_n, true, range), 0);
    assert_int_equal(resize_lines_init(&l, &arena, &x), 0);
    l.n = 1 + (src_n + dst_n) % RESIZE_LINES;
    for (int i = 0; i < l.n * l.stride; i++) {
        const bool is_behind = i % l.stride >= src_n;
        l.v[i] = is_behind ? l.v[i] : (int16_t)(next_random() % 22000 - 3000);
    }
    const size_t bytes = (size_t)l.n * (size_t)dst_n;
    uint8_t *want = guarded(bytes), *got = guarded(bytes);
    kernels_scalar.lines(&x, &l, want, dst_n);
    k->lines(&x, &l, got, dst_n);
    assert_same(want, got, bytes);
    free(want);
    free(got);
    arena_fini(&arena);
}

static void test_filter(void **state)
{
    (void)state;
    const struct kernels *k;
    for (int i = 0; (k = kernels_at(i)); i++) {
        for (int n = 1; n < MAX_N; n++) {
            check_columns(k, n, 1 + n % 79);
            check_lines(k, n, 1 + (int)(next_random() % (unsigned)n));
        }
        for (int dst = 1; dst < 300; dst += 7) {
            check_lines(k, 311, dst);  // 8 to some thousand taps
        }
    }
}

// ---- PNG

static void check_unfilter(const struct kernels *k, int filter, size_t n, size_t step)
{
    uint8_t *in = random_bytes(n, filter % 2 ? 0 : 1);
    uint8_t *up = random_bytes(n, (int)(n % 3));
    if (n % 5 == 0) {
        memset(in, 0, n);  // one long run
    }
    uint8_t *want = guarded(n), *got = guarded(n);
    kernels_scalar.unfilter(filter, in, up, n, step, want);
    k->unfilter(filter, in, up, n, step, got);
    assert_same(want, got, n);
    free(in);
    free(up);
    free(want);
    free(got);
}

static void test_unfilter(void **state)
{
    (void)state;
    const struct kernels *k;
    for (int i = 0; (k = kernels_at(i)); i++) {
        for (int filter = 0; filter <= 4; filter++) {
            for (size_t px = 1; px < MAX_N; px++) {
                check_unfilter(k, filter, 3 * px, 3);
                check_unfilter(k, filter, 4 * px, 4);
            }
            check_unfilter(k, filter, 3 * 1920, 3);
            check_unfilter(k, filter, 4 * 1921, 4);
        }
    }
}

// All neighbours and a residual, against the words of the specification.
static void test_paeth_as_specified(void **state)
{
    (void)state;
    const struct kernels *k;
    for (int i = 0; (k = kernels_at(i)); i++) {
        for (int a = 0; a < 256; a += 3) {
            for (int b = 0; b < 256; b++) {
                // c runs along a row of pixels; left is set anew by each pixel's residual
                uint8_t in[8] = {(uint8_t)a, 0, 0, 0, 7, 0, 0, 0}, out[8];
                for (int c = 0; c < 256; c += 5) {
                    uint8_t up[8] = {(uint8_t)c, 0, 0, 0, (uint8_t)b, 0, 0, 0};
                    in[0] = (uint8_t)(a - c);
                    const int p = a + b - c;
                    const int pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
                    const int guess = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
                    k->unfilter(4, in, up, 8, 4, out);
                    assert_int_equal(out[0], a);
                    assert_int_equal(out[4], (uint8_t)(guess + 7));
                }
            }
        }
    }
}

// Coefficients up to the largest that are let through, and samples up to both ends.
static void test_vp8(void **state)
{
    (void)state;
    const struct kernels *k;
    enum { STRIDE = 7, N = 3 * STRIDE + 4, MOST = VP8_MOST_COEFF };
    for (int i = 0; (k = kernels_at(i)); i++) {
        for (int round = 0; round < 20000; round++) {
            int16_t coeffs[16];
            uint8_t *want = random_bytes(N, round % 3 == 1 ? 2 : 0), *got = guarded(N);
            memcpy(got, want, N);
            for (int c = 0; c < 16; c++) {
                const int wide = (int)(next_random() % (2 * MOST + 1)) - MOST;
                coeffs[c] = (int16_t)(round % 4 == 0   ? wide
                                      : round % 4 == 1 ? wide / 40
                                      : wide < 0       ? -MOST
                                                       : MOST);
            }
            kernels_scalar_add_block(coeffs, want, STRIDE);
            k->add_block(coeffs, got, STRIDE);
            assert_same(want, got, N);
            kernels_scalar_add_mean(coeffs[0], want, STRIDE);
            k->add_mean(coeffs[0], got, STRIDE);
            assert_same(want, got, N);
            free(want);
            free(got);
        }
    }
}

// By hand: a mean alone, and one with half a wave each way.
static void test_vp8_as_specified(void **state)
{
    (void)state;
    const int16_t coeffs[16] = {80, 160, 0, 0, -160};
    const int16_t mean[16] = {84};
    const uint8_t want[16] = {110, 95,  73,  58, 125, 110, 88,  73,
                              147, 132, 110, 95, 162, 147, 126, 110};
    uint8_t at[16], flat[16];
    memset(at, 100, sizeof(at));
    memset(flat, 100, sizeof(flat));
    kernels_scalar_add_block(coeffs, at, 4);
    assert_memory_equal(at, want, sizeof(want));
    kernels_scalar_add_block(mean, flat, 4);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(flat[i], 111);
    }
}

static void test_best_is_the_last(void **state)
{
    (void)state;
    int n = 0;
    while (kernels_at(n)) {
        printf("%s%s", n ? ", " : "sets: ", kernels_at(n)->name);
        n++;
    }
    printf("\n");
    assert_ptr_equal(kernels_at(0), &kernels_scalar);
    assert_ptr_equal(kernels_best(), kernels_at(n - 1));
}

// Without this, all tests here pass where vectors are left out by mistake: the scalar set
// is then compared with itself.
static void test_vectors_are_picked(void **state)
{
    (void)state;
#if defined(__aarch64__)
    assert_string_equal(kernels_best()->name, "neon");
    assert_non_null(kernels_best()->blocks);
#elif defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        assert_string_equal(kernels_best()->name, "avx2");
        assert_non_null(kernels_best()->blocks);
    }
#endif
    const struct kernels *s = &kernels_scalar, *k;
    for (int i = 1; (k = kernels_at(i)); i++) {
        assert_true(k->luma != s->luma && k->chroma != s->chroma && k->boxes != s->boxes);
        assert_true(k->is_opaque != s->is_opaque && k->columns != s->columns);
        assert_true(k->lines != s->lines && k->unfilter != s->unfilter);
        assert_true(k->blocks != s->blocks && k->add_block != s->add_block);
        assert_true(k->add_mean != s->add_mean);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_colour),
        cmocka_unit_test(test_grey_is_exact),
        cmocka_unit_test(test_is_opaque),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_unfilter),
        cmocka_unit_test(test_paeth_as_specified),
        cmocka_unit_test(test_vp8),
        cmocka_unit_test(test_vp8_as_specified),
        cmocka_unit_test(test_best_is_the_last),
        cmocka_unit_test(test_vectors_are_picked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
