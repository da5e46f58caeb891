// test_fold.c -- capital letters made small, without the locale.
// SPDX-License-Identifier: MIT
#include "privacy/fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void folding_keeps_what_has_no_case(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", ""},
        {"ABCxyz019[]", "abcxyz019[]"},
        {"ÀÖ×ØÞßÿ", "àö×øþßÿ"},
        {"ŁódźŽ", "łódźž"},
        {"ΑΡΣΩ", "αρσω"},
        {"ЁЖЯ ж", "ёжя ж"},
        {"ԱՖ", "աֆ"},
        {"漢字😀", "漢字😀"},
        {"bad\xff\xc3", "bad\xff\xc3"},
        {"\xc3"
         "A",
         "\xc3"
         "a"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[64];
        assert_true(fold_case(rows[i].in, out, sizeof(out)));
        assert_string_equal(out, rows[i].out);
    }
    char small[4];
    assert_false(fold_case("four", small, sizeof(small)));
    assert_true(fold_case("Two", small, sizeof(small)));
    assert_string_equal(small, "two");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(folding_keeps_what_has_no_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
