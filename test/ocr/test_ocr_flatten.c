// test_ocr_flatten.c -- ground becomes white, ink black, whatever their colours were.
// SPDX-License-Identifier: MIT
#include "ocr/flatten.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 200, HEIGHT = 120 };

static uint8_t picture[WIDTH * HEIGHT];

static void fill(int left, int top, int width, int height, uint8_t shade)
{
    for (int y = top; y < top + height; y++) {
        memset(picture + y * WIDTH + left, shade, (size_t)width);
    }
}

// Strokes two pixels wide and six apart: a line of letters, more or less.
static void write_strokes(int left, int top, int n, uint8_t shade)
{
    for (int i = 0; i < n; i++) {
        fill(left + 6 * i, top, 2, 10, shade);
    }
}

static int at(int x, int y)
{
    return picture[y * WIDTH + x];
}

static void assert_strokes(int left, int top, int n)
{
    for (int i = 0; i < n; i++) {
        assert_in_range(at(left + 6 * i, top + 5), 0, 10);
        assert_in_range(at(left + 6 * i + 4, top + 5), 245, 255);
    }
}

static void ink_is_black_on_white_paper(void **state)
{
    (void)state;
    static const uint8_t colours[][2] = {
        {255, 0}, {0, 255}, {30, 212}, {255, 118}, {44, 178}};
    for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++) {
        fill(0, 0, WIDTH, HEIGHT, colours[i][0]);
        write_strokes(20, 50, 20, colours[i][1]);
        assert_int_equal(flatten(picture, WIDTH, HEIGHT), 0);
        assert_strokes(20, 50, 20);
        assert_in_range(at(5, 5), 250, 255);
    }
}

// Black on white, and beside it white on a middle shade.
static void a_bubble_is_like_the_paper_around_it(void **state)
{
    (void)state;
    fill(0, 0, WIDTH, HEIGHT, 255);
    write_strokes(10, 20, 25, 0);
    fill(40, 60, 150, 30, 90);
    write_strokes(60, 70, 18, 255);
    assert_int_equal(flatten(picture, WIDTH, HEIGHT), 0);
    assert_strokes(10, 20, 25);
    assert_strokes(60, 70, 18);
}

static void noise_stays_faint(void **state)
{
    (void)state;
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        picture[i] =
            (uint8_t)(126 + (i * 7919 >> 3) % 5);  // on both sides of a shade's end
    }
    assert_int_equal(flatten(picture, WIDTH, HEIGHT), 0);
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        assert_in_range(picture[i], 220, 255);
    }
}

static void any_size_will_do(void **state)
{
    (void)state;
    static const int sides[][2] = {{1, 1}, {1, 200}, {200, 1}, {17, 33}, {49, 25}};
    for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
        const int w = sides[i][0], h = sides[i][1];
        uint8_t *own = malloc((size_t)(w * h));
        assert_non_null(own);
        memset(own, 77, (size_t)(w * h));
        assert_int_equal(flatten(own, w, h), 0);
        for (int k = 0; k < w * h; k++) {
            assert_int_equal(own[k], 255);
        }
        free(own);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ink_is_black_on_white_paper),
        cmocka_unit_test(a_bubble_is_like_the_paper_around_it),
        cmocka_unit_test(noise_stays_faint),
        cmocka_unit_test(any_size_will_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
