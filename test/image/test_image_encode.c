// test_image_encode.c -- our JPEG encoder writes what libjpeg does, byte by byte.
// SPDX-License-Identifier: MIT
#include "image/codes.h"
#include "image/encode.h"
#include "image/kernels.h"
#include "image/pixels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static uint32_t seed = 1;

static uint32_t next_random(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

enum kind {
    NOISE,
    ENDS,    // only 0 and 255
    FAINT,   // a few levels: few values are not zero, and far between
    TEXT,    // plain blocks, and some with strokes
    SLOPES,  // every block a ramp of its own
    WAVES,   // blocks of one frequency at full height: the largest values
    KINDS
};

static uint8_t text_at(int x, int y, uint32_t block)
{
    const bool is_stroke = block % 3 == 0 && (x * 7 + y * 3) % 5 < 2;
    return is_stroke ? 20 : (uint8_t)(240 - block % 2);
}

// A sign per pixel, as the signs of cosines go.
static uint8_t wave_at(int x, int y, uint32_t block)
{
    const int u = (int)(block & 7), v = (int)(block >> 3 & 7);
    const int down = (2 * x + 1) * u / 16 + (2 * y + 1) * v / 16;
    return down & 1 ? 0 : 255;
}

static uint8_t pixel_at(enum kind kind, int x, int y, uint32_t block)
{
    switch (kind) {
    case NOISE: return (uint8_t)next_random();
    case ENDS: return next_random() & 1 ? 255 : 0;
    case FAINT: return (uint8_t)(120 + next_random() % 6 + (block % 7 ? 0 : 40));
    case TEXT: return text_at(x, y, block);
    case SLOPES: return (uint8_t)(x * (int)(block & 31) + y * (int)(block >> 5 & 31));
    case WAVES: return wave_at(x, y, block);
    case KINDS: break;
    }
    return 0;
}

// Also what lies behind the rows, up to whole blocks.
static void fill(const struct planes *p, enum kind kind)
{
    for (int i = 0; i < 3; i++) {
        const int h = i ? (p->height + 1) / 2 : p->height;
        for (int y = 0; y < h; y++) {
            uint8_t *row = p->p[i] + (ptrdiff_t)y * p->stride[i];
            for (int x = 0; x < p->stride[i]; x++) {
                const uint32_t block =
                    (uint32_t)(x / 8 * 31 + y / 8 * 17 + i) * 2654435761u;
                row[x] = pixel_at(kind, x % 8, y % 8, block >> 16);
            }
        }
    }
}

static void check(int width, int height, enum kind kind, int quality)
{
    struct arena arena = {0};
    struct planes p;
    struct buf want = {0}, got = {0};
    const struct kernels *k;
    assert_int_equal(planes_get(&p, width, height, &arena), 0);
    fill(&p, kind);
    assert_int_equal(encode_planes_lib(&p, quality, &arena, &want), 0);
    for (int i = 0; (k = kernels_at(i)); i++) {
        if (!k->blocks) {
            continue;
        }
        assert_int_equal(encode_planes(&p, quality, k, &arena, &got), 0);
        if (got.len != want.len || memcmp(got.data, want.data, got.len) != 0) {
            fail_msg("%s: %d x %d of kind %d, quality %d", k->name, width, height, kind,
                     quality);
        }
    }
    buf_fini(&want);
    buf_fini(&got);
    arena_fini(&arena);
}

// Up to three blocks each way: MCUs that reach beyond the edge in every way.
static void test_every_small_size(void **state)
{
    (void)state;
    for (int height = 1; height <= 33; height++) {
        for (int width = 1; width <= 33; width++) {
            check(width, height, (enum kind)(next_random() % KINDS), 75);
        }
    }
}

static void test_every_quality(void **state)
{
    (void)state;
    for (int quality = 1; quality <= 100; quality++) {
        for (int kind = 0; kind < KINDS; kind++) {
            check(131, 77, (enum kind)kind, quality);
        }
    }
}

static void test_large(void **state)
{
    (void)state;
    static const int sides[][2] = {{768, 432}, {431, 768}, {4000, 3}, {5, 3000}};
    for (int i = 0; i < 4; i++) {
        for (int kind = 0; kind < KINDS; kind++) {
            check(sides[i][0], sides[i][1], (enum kind)kind, 75);
            check(sides[i][0], sides[i][1], (enum kind)kind, 100);
        }
    }
}

// Every quotient that the reciprocals stand for.
static void test_quantiser_divides(void **state)
{
    (void)state;
    for (unsigned step = 1; step <= 255; step++) {
        uint8_t steps[BLOCK_SIZE];
        struct quantiser q;
        memset(steps, (int)step, sizeof(steps));
        quantiser_init(&q, steps);
        for (uint32_t v = 0; v <= 16384; v++) {
            const uint32_t n = v + q.half[63];
            const uint32_t got = ((n * q.reciprocal[63]) >> 16) * q.scale[63] >> 16;
            if (got != (v + step * 4) / (step * 8)) {
                fail_msg("%u / %u: %u", v, step * 8, got);
            }
        }
    }
}

static void test_escapes(void **state)
{
    (void)state;
    uint8_t in[64], want[128], out[2 * 64 + 8];
    for (size_t n = 0; n <= sizeof(in); n++) {
        for (int round = 0; round < 50; round++) {
            size_t len = 0;
            for (size_t i = 0; i < n; i++) {
                in[i] = next_random() % 5 == 0 ? 0xff : (uint8_t)next_random();
                want[len++] = in[i];
                if (in[i] == 0xff) {
                    want[len++] = 0;
                }
            }
            assert_int_equal(codes_escape(in, n, out) - out, len);
            assert_memory_equal(out, want, len);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_small_size),
        cmocka_unit_test(test_every_quality),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_quantiser_divides),
        cmocka_unit_test(test_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
