// test_merged.c -- which jobs went into others.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "merged.h"

static void who_went_into_another_is_found_there(void **state)
{
    struct merged m = {0};
    (void)state;
    merged_note(&m, 7, 3);
    merged_note(&m, 9, 2);
    assert_int_equal(merged_now(&m, 7), 3);
    assert_int_equal(merged_now(&m, 9), 2);
    assert_int_equal(merged_now(&m, 3), 3);
    assert_int_equal(merged_now(&m, 8), 8);
}

static void the_last_ones_are_kept(void **state)
{
    struct merged m = {0};
    (void)state;
    for (int i = 0; i <= MERGED_KEPT; i++) {
        merged_note(&m, 1000 + i, 1 + i);
    }
    assert_int_equal(merged_now(&m, 1000), 1000);  // forgotten
    assert_int_equal(merged_now(&m, 1001), 2);
    assert_int_equal(merged_now(&m, 1000 + MERGED_KEPT), 1 + MERGED_KEPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_went_into_another_is_found_there),
        cmocka_unit_test(the_last_ones_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
