// test_patience.c -- how long a first byte is waited for.
// SPDX-License-Identifier: MIT
#include "guard/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { CONFIGURED_MS = 300000 };

static void what_was_seen_shortens_the_wait_within_bounds(void **state)
{
    (void)state;
    static const struct {
        int n;  // answers that took so long
        int64_t ms, slowest_ms, configured_ms, wait_ms;
    } rows[] = {
        {0, 0, -1, CONFIGURED_MS, CONFIGURED_MS},
        {19, 100, -1, CONFIGURED_MS, CONFIGURED_MS},  // too few
        {20, 100, -1, CONFIGURED_MS, 60000},          // the least
        {40, 100, 20000, CONFIGURED_MS, 80000},       // four times the slowest
        {40, 30000, -1, CONFIGURED_MS, 120000},
        {40, 90000, -1, CONFIGURED_MS, CONFIGURED_MS},  // never more than was configured
        {40, 100, -1, 5000, 5000},
        {40, INT64_MAX, -1, CONFIGURED_MS, CONFIGURED_MS},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct patience p = {0};
        for (int k = 0; k < rows[i].n; k++) {
            patience_note(&p, rows[i].ms);
        }
        patience_note(&p, rows[i].slowest_ms);  // -1: an answer without one
        assert_true(patience_ms(&p, rows[i].configured_ms) == rows[i].wait_ms);
    }
}

static void what_is_long_ago_is_forgotten(void **state)
{
    (void)state;
    struct patience p = {0};
    patience_note(&p, 50000);
    for (int i = 0; i < PATIENCE_RING - 1; i++) {
        patience_note(&p, 10);
    }
    assert_true(patience_ms(&p, CONFIGURED_MS) == 200000);
    patience_note(&p, 10);
    assert_true(patience_ms(&p, CONFIGURED_MS) == 60000);
    patience_forget(&p);
    assert_true(patience_ms(&p, CONFIGURED_MS) == CONFIGURED_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_seen_shortens_the_wait_within_bounds),
        cmocka_unit_test(what_is_long_ago_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
