// test_yield.c -- which rule applies when, and for how long.
// SPDX-License-Identifier: MIT
#include "guard/yield.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static const struct yield_sample calm = {
    .on_battery = 0, .battery_pct = -1, .cpu_pct = 0, .gpu_pct = 0, .program = ""};

static struct yield_config all(enum yield_mode m)
{
    struct yield_config c;
    yield_config_default(&c);
    for (int i = 0; i < YIELD_CASES; i++) {
        c.rule[i] = m;
    }
    return c;
}

static void each_case_follows_its_rule(void **state)
{
    (void)state;
    struct yield_sample cases[YIELD_CASES];
    for (int i = 0; i < YIELD_CASES; i++) {
        cases[i] = calm;
    }
    cases[YIELD_BATTERY].on_battery = 1;
    cases[YIELD_CPU].cpu_pct = 50;
    cases[YIELD_GPU].gpu_pct = 50;
    cases[YIELD_PROGRAM].program = "blender";
    cases[YIELD_HOURS].is_outside = true;
    for (int k = 0; k < YIELD_CASES; k++) {
        for (int m = YIELD_NOT; m <= YIELD_PAUSE; m++) {
            struct yield_config c = all(YIELD_NOT);
            struct yield y = {0};
            c.rule[k] = (enum yield_mode)m;
            assert_int_equal(yield_is_on(&c), m != YIELD_NOT);
            assert_int_equal(yield_judge(&y, &c, &calm, 1), YIELD_NOT);
            assert_int_equal(yield_judge(&y, &c, &cases[k], 2), m);
            if (m != YIELD_NOT) {
                assert_int_equal(y.why, k);
            }
        }
    }
}

static void below_the_limit_is_no_case(void **state)
{
    (void)state;
    struct yield_config c = all(YIELD_PAUSE);
    struct yield y = {0};
    struct yield_sample s = calm;
    s.cpu_pct = s.gpu_pct = 49;
    assert_int_equal(yield_judge(&y, &c, &s, 1), YIELD_NOT);
}

static void what_is_not_known_is_no_case(void **state)
{
    (void)state;
    struct yield_config c = all(YIELD_PAUSE);
    struct yield y = {0};
    struct yield_sample s = {
        .on_battery = -1, .battery_pct = -1, .cpu_pct = -1, .gpu_pct = -1};
    assert_int_equal(yield_judge(&y, &c, &s, 1), YIELD_NOT);
}

static void the_strictest_rule_wins(void **state)
{
    (void)state;
    struct yield_config c = all(YIELD_SLOW);
    struct yield y = {0};
    struct yield_sample s = calm;
    c.rule[YIELD_PROGRAM] = YIELD_PAUSE;
    s.on_battery = 1;
    s.program = "game";
    assert_int_equal(yield_judge(&y, &c, &s, 1), YIELD_PAUSE);
    assert_int_equal(y.why, YIELD_PROGRAM);
}

static void a_short_gap_does_not_count(void **state)
{
    (void)state;
    struct yield_config c = all(YIELD_PAUSE);
    struct yield y = {0};
    struct yield_sample s = calm;
    char words[100];
    s.gpu_pct = 97;
    yield_judge(&y, &c, &s, 1000);
    assert_int_equal(yield_judge(&y, &c, &calm, 30999), YIELD_PAUSE);
    yield_words(&y, words, sizeof(words));
    assert_string_equal(words, "other programs use 97 % of the GPU");
    assert_int_equal(yield_judge(&y, &c, &calm, 31000), YIELD_NOT);
}

static void plugging_in_counts_at_once(void **state)
{
    (void)state;
    struct yield_config c = all(YIELD_SLOW);
    struct yield y = {0};
    struct yield_sample s = calm;
    s.on_battery = 1;
    s.battery_pct = 43;
    yield_judge(&y, &c, &s, 1000);
    char words[100];
    yield_words(&y, words, sizeof(words));
    assert_string_equal(words, "on battery (43 %)");
    assert_int_equal(yield_judge(&y, &c, &calm, 1001), YIELD_NOT);
    yield_words(&y, words, sizeof(words));
    assert_string_equal(words, "");
}

static void by_default_a_machine_at_rest_is_used(void **state)
{
    (void)state;
    struct yield_config c;
    struct yield y = {0};
    struct yield_sample s = calm;
    yield_config_default(&c);
    s.cpu_pct = s.gpu_pct = 100;  // it may well be the model
    assert_int_equal(yield_judge(&y, &c, &s, 1), YIELD_NOT);
    s.on_battery = 1;
    assert_int_equal(yield_judge(&y, &c, &s, 1), YIELD_SLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_follows_its_rule),
        cmocka_unit_test(below_the_limit_is_no_case),
        cmocka_unit_test(what_is_not_known_is_no_case),
        cmocka_unit_test(the_strictest_rule_wins),
        cmocka_unit_test(a_short_gap_does_not_count),
        cmocka_unit_test(plugging_in_counts_at_once),
        cmocka_unit_test(by_default_a_machine_at_rest_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
