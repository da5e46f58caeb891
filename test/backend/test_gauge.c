// test_gauge.c -- numbers out of Prometheus texts.
// SPDX-License-Identifier: MIT
#include "backend/gauge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void texts_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *model;
        int n;
        double sum, max;
    } rows[] = {
        {"", "a", "m", 0, 0, 0},
        {"a 3\n", "a", "m", 1, 3, 3},
        {"a 3", "a", "m", 1, 3, 3},
        {"# HELP a b\n# TYPE a gauge\na 3\n", "a", "m", 1, 3, 3},
        {"ab 3\na_total 4\n", "a", "m", 0, 0, 0},
        {"a{model_name=\"m\"} 2.5\n", "a", "m", 1, 2.5, 2.5},
        {"a{model_name=\"other\"} 2\n", "a", "m", 0, 0, 0},
        {"a{model_name=\"mm\"} 2\n", "a", "m", 0, 0, 0},
        {"a{model_name=\"m", "a", "m", 0, 0, 0},
        {"a{x=\"1\",model_name=\"m\"} 2\na{x=\"2\",model_name=\"m\"} 5\n", "a", "m", 2, 7,
         5},
        {"a{my_model_name=\"o\"} 2\n", "a", "m", 1, 2, 2},
        {"a NaN\na +Inf\na 1\n", "a", "m", 1, 1, 1},
        {"a -1\na -2\n", "a", "m", 2, -3, -1},
        {"a 1.5e+01\na 2e-1\n", "a", "m", 2, 15.2, 15},
        {"a 1e999\n", "a", "m", 0, 0, 0},
        {"a\t7\r\n", "a", "m", 1, 7, 7},
        {"a \n", "a", "m", 0, 0, 0},
        {"a{x=\"}\"} 3\n", "a", "m", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gauge g = gauge_read(rows[i].text, rows[i].name, rows[i].model);
        if (g.n != rows[i].n) {
            fail_msg("row %zu: %d series instead of %d", i, g.n, rows[i].n);
        }
        assert_float_equal(g.sum, rows[i].sum, 1e-9);
        assert_float_equal(g.max, rows[i].max, 1e-9);
    }
}

static void counts_are_numbers_whatever_a_server_says(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int count;
    } rows[] = {{"", -1},     {"a 3.0\na 4.9\n", 7},     {"a -5\n", 0},
                {"a 0\n", 0}, {"a 1e300\n", 2147483647}, {"a 2147483648\n", 2147483647}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gauge g = gauge_read(rows[i].text, "a", "m");
        assert_int_equal(gauge_count(&g), rows[i].count);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read),
        cmocka_unit_test(counts_are_numbers_whatever_a_server_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
