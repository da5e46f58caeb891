// test_pressure.c -- levels of memory pressure, up at once and down slowly.
// SPDX-License-Identifier: MIT
#include "guard/pressure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct pressure_config usual = {
    .warning_pct = 80, .critical_pct = 90, .rss_bytes = 400};

static struct pressure_sample machine(int pct, double some, double full)
{
    return (struct pressure_sample){
        .used_bytes = pct, .total_bytes = 100, .some_pct = some, .full_pct = full};
}

static enum pressure_level once(struct pressure_sample s)
{
    struct pressure p = {0};
    return pressure_judge(&p, &usual, &s, 1000);
}

static void levels_begin_at_their_marks(void **state)
{
    (void)state;
    static const struct {
        int pct;
        double some, full;
        enum pressure_level level;
    } rows[] = {
        {0, -1, -1, PRESSURE_NORMAL},    {79, -1, -1, PRESSURE_NORMAL},
        {80, -1, -1, PRESSURE_WARNING},  {89, -1, -1, PRESSURE_WARNING},
        {90, -1, -1, PRESSURE_CRITICAL}, {100, -1, -1, PRESSURE_CRITICAL},
        {95, 0, 0, PRESSURE_WARNING},   // a model fills it, nobody waits
        {95, 1, 0, PRESSURE_CRITICAL},  // somebody does
        {10, 10, 0, PRESSURE_WARNING},   {10, 9.9, 9.9, PRESSURE_NORMAL},
        {10, 30, 10, PRESSURE_CRITICAL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pressure_sample s = machine(rows[i].pct, rows[i].some, rows[i].full);
        assert_int_equal(once(s), rows[i].level);
    }
}

static void a_full_control_group_is_critical_whoever_waits(void **state)
{
    (void)state;
    struct pressure_sample s = machine(10, 0, 0);
    s.group_max_bytes = 200;
    s.group_bytes = 159;
    assert_int_equal(once(s), PRESSURE_NORMAL);
    s.group_bytes = 160;
    assert_int_equal(once(s), PRESSURE_WARNING);
    s.group_bytes = 180;
    assert_int_equal(once(s), PRESSURE_CRITICAL);
    assert_int_equal(pressure_used_pct(&s), 90);
}

static void our_own_size_counts_from_its_budget(void **state)
{
    (void)state;
    struct pressure_sample s = machine(10, 0, 0);
    s.rss_bytes = 399;
    assert_int_equal(once(s), PRESSURE_NORMAL);
    s.rss_bytes = 400;
    assert_int_equal(once(s), PRESSURE_WARNING);
    s.rss_bytes = 450;
    assert_int_equal(once(s), PRESSURE_CRITICAL);
    struct pressure_config none = usual;
    none.rss_bytes = 0;
    struct pressure p = {0};
    assert_int_equal(pressure_judge(&p, &none, &s, 1), PRESSURE_NORMAL);
}

static void nothing_known_is_normal(void **state)
{
    (void)state;
    struct pressure_sample s = {.some_pct = -1, .full_pct = -1};
    assert_int_equal(once(s), PRESSURE_NORMAL);
    assert_int_equal(pressure_used_pct(&s), 0);
}

static void a_level_falls_only_when_clear_for_a_while(void **state)
{
    (void)state;
    struct pressure p = {0};
    struct pressure_sample high = machine(92, 2, 0), edge = machine(86, 2, 0),
                           low = machine(70, 0, 0);
    assert_int_equal(pressure_judge(&p, &usual, &high, 1000), PRESSURE_CRITICAL);
    // Below 90 but not by 5: stays, for ever.
    assert_int_equal(pressure_judge(&p, &usual, &edge, 60000), PRESSURE_CRITICAL);
    assert_int_equal(pressure_judge(&p, &usual, &edge, 120000), PRESSURE_CRITICAL);
    assert_int_equal(pressure_judge(&p, &usual, &low, 121000), PRESSURE_CRITICAL);
    assert_int_equal(pressure_due_ms(&p), 131000);
    assert_int_equal(pressure_judge(&p, &usual, &low, 130999), PRESSURE_CRITICAL);
    assert_int_equal(pressure_judge(&p, &usual, &low, 131000), PRESSURE_NORMAL);
    assert_int_equal(pressure_due_ms(&p), INT64_MAX);
}

static void a_relapse_begins_the_wait_anew(void **state)
{
    (void)state;
    struct pressure p = {0};
    struct pressure_sample high = machine(85, 0, 0), low = machine(50, 0, 0);
    pressure_judge(&p, &usual, &high, 1000);
    pressure_judge(&p, &usual, &low, 2000);
    pressure_judge(&p, &usual, &high, 11000);
    assert_int_equal(pressure_judge(&p, &usual, &low, 12500), PRESSURE_WARNING);
    assert_int_equal(pressure_judge(&p, &usual, &low, 22499), PRESSURE_WARNING);
    assert_int_equal(pressure_judge(&p, &usual, &low, 22500), PRESSURE_NORMAL);
    assert_int_equal(p.raised, 1);
}

// 81, 79, 81, 79 ... is one warning, not a hundred.
static void a_share_that_swings_about_a_mark_raises_once(void **state)
{
    (void)state;
    struct pressure p = {0};
    for (int i = 0; i < 1000; i++) {
        struct pressure_sample s = machine(i % 2 ? 79 : 81, 0, 0);
        pressure_judge(&p, &usual, &s, 1000 + i * 1000);
    }
    assert_int_equal(p.raised, 1);
    assert_int_equal(p.level, PRESSURE_WARNING);
}

static void what_each_level_means(void **state)
{
    (void)state;
    struct pressure_effects e;
    struct pressure p = {.level = PRESSURE_NORMAL};
    pressure_effects(&p, &e);
    assert_true(e.may_decode && !e.unloads_idle);
    assert_int_equal(e.cache_pct, 100);
    assert_int_equal(e.concurrency_pct, 100);
    p.level = PRESSURE_WARNING;
    pressure_effects(&p, &e);
    assert_true(e.may_decode && !e.unloads_idle);
    assert_int_equal(e.cache_pct, 50);
    assert_int_equal(e.concurrency_pct, 50);
    p.level = PRESSURE_CRITICAL;
    pressure_effects(&p, &e);
    assert_false(e.may_decode);
    assert_true(e.unloads_idle);
    assert_int_equal(e.cache_pct, 0);
}

static void our_own_size_costs_neither_the_model_nor_the_work(void **state)
{
    (void)state;
    struct pressure p = {0};
    struct pressure_effects e;
    struct pressure_sample s = machine(10, 0, 0);
    s.rss_bytes = 1000;
    assert_int_equal(pressure_judge(&p, &usual, &s, 1), PRESSURE_CRITICAL);
    pressure_effects(&p, &e);
    assert_true(e.may_decode && !e.unloads_idle);
    assert_int_equal(e.cache_pct, 0);
    assert_int_equal(e.concurrency_pct, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_begin_at_their_marks),
        cmocka_unit_test(a_full_control_group_is_critical_whoever_waits),
        cmocka_unit_test(our_own_size_counts_from_its_budget),
        cmocka_unit_test(nothing_known_is_normal),
        cmocka_unit_test(a_level_falls_only_when_clear_for_a_while),
        cmocka_unit_test(a_relapse_begins_the_wait_anew),
        cmocka_unit_test(a_share_that_swings_about_a_mark_raises_once),
        cmocka_unit_test(what_each_level_means),
        cmocka_unit_test(our_own_size_costs_neither_the_model_nor_the_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
