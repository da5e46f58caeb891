// test_ocr_enlarge.c -- a larger size: what each new pixel is made of.
// SPDX-License-Identifier: MIT
#include "ocr/enlarge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void one_colour_stays(void **state)
{
    (void)state;
    static const int sides[][2] = {{1, 1}, {1, 5}, {5, 1}, {7, 3}};
    for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
        const int w = sides[i][0], h = sides[i][1];
        uint8_t in[32], out[128], expected[128];
        memset(in, 201, sizeof(in));
        memset(out, 7, sizeof(out));
        memset(expected, 7, sizeof(expected));
        memset(expected, 201, (size_t)(4 * w * h));
        enlarge(in, w, w, h, 2, out);
        assert_memory_equal(out, expected, sizeof(out));
    }
}

static void an_edge_is_four_steps(void **state)
{
    (void)state;
    static const uint8_t across[] = {0, 0, 160, 160};
    static const uint8_t expected[] = {0, 0, 0, 40, 120, 160, 160, 160};
    uint8_t out[16];
    enlarge(across, 4, 4, 1, 2, out);
    assert_memory_equal(out, expected, 8);
    assert_memory_equal(out + 8, expected, 8);
    enlarge(across, 1, 1, 4, 2, out);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(out[2 * i], expected[i]);
        assert_int_equal(out[2 * i + 1], expected[i]);
    }
}

static void a_dot_weighs_as_much_as_before(void **state)
{
    (void)state;
    const uint8_t in[9] = {0, 0, 0, 0, 160, 0, 0, 0, 0};
    static const uint8_t row[2][6] = {{0, 10, 30, 30, 10, 0}, {0, 30, 90, 90, 30, 0}};
    uint8_t out[36];
    enlarge(in, 3, 3, 3, 2, out);
    assert_memory_equal(out + 6, row[0], 6);
    assert_memory_equal(out + 12, row[1], 6);
    assert_memory_equal(out + 18, row[1], 6);
    assert_memory_equal(out + 24, row[0], 6);
    int sum = 0;
    for (int i = 0; i < 36; i++) {
        sum += out[i];
    }
    assert_int_equal(sum, 4 * 160);
}

// In the middle of three new pixels is the old one.
static void a_part_is_enlarged_three_times(void **state)
{
    (void)state;
    static const uint8_t in[] = {9, 9, 9, 9, 0, 90, 9, 9, 90, 0};
    static const uint8_t expected[] = {0, 0, 30, 60, 90, 90};
    uint8_t out[36];
    enlarge(in + 4, 4, 2, 2, 3, out);
    assert_memory_equal(out, expected, 6);
    for (int x = 0; x < 6; x++) {
        assert_int_equal(out[6 + x], expected[x]);
        assert_int_equal(out[24 + x], expected[5 - x]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_colour_stays),
        cmocka_unit_test(an_edge_is_four_steps),
        cmocka_unit_test(a_dot_weighs_as_much_as_before),
        cmocka_unit_test(a_part_is_enlarged_three_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
