// test_ocr_unread.c -- ink that no word covers, and what is no text.
// SPDX-License-Identifier: MIT
#include "ocr/unread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 400, HEIGHT = 300, MOST = 8 };

static uint8_t page[WIDTH * HEIGHT];

static void clear(void)
{
    memset(page, 255, sizeof(page));
}

static void fill(int left, int top, int width, int height)
{
    for (int y = top; y < top + height; y++) {
        memset(page + y * WIDTH + left, 0, (size_t)width);
    }
}

// Strokes 2 px wide every 6 px, a blank of 12 px after each fifth: about as letters are.
static void write_line(int left, int top, int width)
{
    for (int x = left, n = 0; x < left + width; x += n % 5 ? 6 : 14, n++) {
        fill(x, top, 2, 10);
    }
}

static int find(const struct wire_word *words, size_t n_words, struct unread_part *parts)
{
    int n = -1;
    assert_int_equal(unread_find(page, WIDTH, HEIGHT, words, n_words, parts, MOST, &n),
                     0);
    return n;
}

static void assert_is_at(const struct unread_part *p, int left, int top, int width,
                         int height)
{
    assert_in_range(left - p->left, 0, 8);
    assert_in_range(top - p->top, 0, 2);
    assert_in_range(p->left + p->width, left + width - 16, left + width + 16);
    assert_in_range(p->top + p->height - (top + height), 0, 2);
}

static void lines_without_words_are_found(void **state)
{
    (void)state;
    struct unread_part parts[MOST];
    clear();
    assert_int_equal(find(NULL, 0, parts), 0);
    write_line(40, 30, 200);
    write_line(40, 50, 320);
    write_line(10, 200, 100);
    assert_int_equal(find(NULL, 0, parts), 3);
    assert_is_at(&parts[0], 40, 30, 200, 10);
    assert_is_at(&parts[1], 40, 50, 320, 10);
    assert_is_at(&parts[2], 10, 200, 100, 10);
}

static void what_was_read_is_left_out(void **state)
{
    (void)state;
    static const struct wire_word words[] = {
        {.left = 38, .top = 29, .width = 210, .height = 12},
        // Words of which nothing can be relied on.
        {.left = -50, .top = 390, .width = 1000, .height = 1000},
        {.left = 500, .top = 0, .width = 0, .height = 0},
    };
    struct unread_part parts[MOST];
    clear();
    write_line(40, 30, 200);
    write_line(40, 50, 200);
    assert_int_equal(find(words, 3, parts), 1);
    assert_is_at(&parts[0], 40, 50, 200, 10);
}

static void rules_specks_and_pictures_are_no_text(void **state)
{
    (void)state;
    struct unread_part parts[MOST];
    clear();
    fill(0, 10, WIDTH, 1);    // a rule
    fill(20, 30, 20, 14);     // a button
    fill(200, 30, 150, 260);  // a picture
    write_line(100, 30, 40);  // a short word
    assert_int_equal(find(NULL, 0, parts), 0);
}

static void no_more_than_there_is_room_for(void **state)
{
    (void)state;
    struct unread_part parts[MOST];
    clear();
    for (int i = 0; i < MOST + 4; i++) {
        write_line(40, 10 + 20 * i, 200);
    }
    assert_int_equal(find(NULL, 0, parts), MOST);
    for (int i = 0; i < MOST; i++) {
        assert_is_at(&parts[i], 40, 10 + 20 * i, 200, 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_without_words_are_found),
        cmocka_unit_test(what_was_read_is_left_out),
        cmocka_unit_test(rules_specks_and_pictures_are_no_text),
        cmocka_unit_test(no_more_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
