// test_utf8.c -- validation against every sequence there is, cleaning, columns.
// SPDX-License-Identifier: MIT
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// The encoder of RFC 3629, as the reference.
static size_t encode(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

static void every_code_point_is_judged_right(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x1fffff; c += c < 0x11000 ? 1 : 37) {
        char s[4];
        size_t n = encode(c, s);
        bool is_valid = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
        assert_int_equal(utf8_char(s, n), is_valid ? n : 0);
        assert_int_equal(utf8_is_valid(s, n), is_valid);
        for (size_t cut = 1; cut < n; cut++) {
            assert_int_equal(utf8_char(s, cut), 0);
        }
    }
    assert_int_equal(utf8_char("", 0), 0);
    assert_true(utf8_is_valid("", 0));
}

static void broken_sequences_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x80\x80",
                                      "\xfe",
                                      "\xff",
                                      "\xf0\x80\x80\x80",
                                      "\xc3(",
                                      "\xe2\x28\xa1",
                                      "ok\xe2\x82",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xed\xb0\x80"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(utf8_is_valid(bad[i], strlen(bad[i])));
    }
}

static void check_clean(const char *in, size_t len, size_t size, const char *expected)
{
    char *out = malloc(size);
    assert_non_null(out);
    utf8_clean(in, len, out, size);
    assert_string_equal(out, expected);
    assert_true(utf8_is_valid(out, strlen(out)));
    free(out);
}

static void clean_repairs_and_cuts_between_characters(void **state)
{
    (void)state;
    check_clean("plain", 5, 32, "plain");
    check_clean("plain", 3, 32, "pla");
    check_clean("a\nb\tc\x7f", 6, 32, "a b c ");
    check_clean("a\xff\xc3", 3, 32, "a??");
    check_clean("\xc3\xa4\xc3\xb6", 4, 5, "\xc3\xa4\xc3\xb6");
    check_clean("\xc3\xa4\xc3\xb6", 4, 4, "\xc3\xa4");
    check_clean("\xc3\xa4\xc3\xb6", 4, 2, "");
    check_clean("abc", 3, 1, "");
    check_clean("ab\0cd", 5, 32, "ab");
    char untouched = 'u';
    utf8_clean("abc", 3, &untouched, 0);
    assert_int_equal(untouched, 'u');
}

static void columns_of_wide_and_combining(void **state)
{
    (void)state;
    assert_int_equal(utf8_columns(""), 0);
    assert_int_equal(utf8_columns("abc"), 3);
    assert_int_equal(utf8_columns("gr\xc3\xbc\xc3\x9f"), 4);
    assert_int_equal(utf8_columns("\xe4\xb8\xad\xe6\x96\x87"), 4);
    assert_int_equal(utf8_columns("\xf0\x9f\x98\x80!"), 3);
    assert_int_equal(utf8_columns("e\xcc\x81"), 1);
    assert_int_equal(utf8_columns("\xff"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_is_judged_right),
        cmocka_unit_test(broken_sequences_are_refused),
        cmocka_unit_test(clean_repairs_and_cuts_between_characters),
        cmocka_unit_test(columns_of_wide_and_combining),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
