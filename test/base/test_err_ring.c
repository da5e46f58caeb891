// test_err_ring.c -- the last thousand errors, counts per kind, rates and spikes.
// SPDX-License-Identifier: MIT
#include "base/err_ring.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND };

static const int64_t wall = INT64_C(1700000000000);

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct err_ring));
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static bool add(struct err_ring *r, int code, const char *backend, int64_t now_ms)
{
    const struct err_note n = {.code = code,
                               .job = r->total + 1,
                               .cid = "c1",
                               .stage = "asking",
                               .backend = backend,
                               .words = "it broke"};
    return err_ring_add(r, &n, wall + now_ms, now_ms) != NULL;
}

static void the_newest_come_first(void **state)
{
    struct err_ring *r = *state;
    assert_null(err_ring_at(r, 0));
    for (int i = 0; i < 3; i++) {
        add(r, E_EMPTY, "box", i);
    }
    assert_int_equal(err_ring_at(r, 0)->seq, 3);
    assert_int_equal(err_ring_at(r, 2)->seq, 1);
    assert_int_equal(err_ring_at(r, 2)->at_ms, wall);
    assert_null(err_ring_at(r, 3));
    assert_null(err_ring_at(r, -1));
    assert_string_equal(err_ring_at(r, 0)->words, "it broke");
    assert_string_equal(err_ring_at(r, 0)->cid, "c1");
    assert_string_equal(err_ring_at(r, 0)->backend, "box");
}

static void a_thousand_are_kept_and_all_are_counted(void **state)
{
    struct err_ring *r = *state;
    for (int i = 0; i < 2500; i++) {
        add(r, i % 2 ? E_EMPTY : E_SCHEMA, "box", i);
    }
    assert_int_equal(r->total, 2500);
    assert_int_equal(err_ring_at(r, 0)->seq, 2500);
    assert_int_equal(err_ring_at(r, 999)->seq, 1501);
    assert_null(err_ring_at(r, 1000));
    assert_int_equal(r->n_groups, 2);
    assert_int_equal(r->groups[0].total, 1250);
    assert_int_equal(r->groups[1].total, 1250);
}

static void kinds_are_a_class_and_a_backend(void **state)
{
    struct err_ring *r = *state;
    add(r, E_EMPTY, "a", 0);
    add(r, E_EMPTY, "b", 0);
    add(r, E_EMPTY, NULL, 0);
    add(r, E_SCHEMA, "a", 0);
    add(r, E_EMPTY, "a", 5);
    assert_int_equal(r->n_groups, 4);
    assert_int_equal(r->groups[0].total, 2);
    assert_int_equal(r->groups[0].first_at_ms, wall);
    assert_int_equal(r->groups[0].last_at_ms, wall + 5);
    assert_string_equal(r->groups[2].backend, "");
}

static void the_kind_that_is_longest_past_makes_room(void **state)
{
    struct err_ring *r = *state;
    char name[32];
    for (int i = 0; i < ERR_RING_GROUPS; i++) {
        snprintf(name, sizeof(name), "b%d", i);
        add(r, E_NET, name, i);
    }
    add(r, E_NET, "b0", 1000);
    add(r, E_NET, "new", 1001);
    assert_int_equal(r->n_groups, ERR_RING_GROUPS);
    assert_string_equal(r->groups[0].backend, "b0");
    assert_string_equal(r->groups[1].backend, "new");
    assert_int_equal(r->groups[1].total, 1);
}

static void longer_words_are_cut(void **state)
{
    struct err_ring *r = *state;
    char words[1000];
    memset(words, 'x', sizeof(words) - 1);
    words[sizeof(words) - 1] = 0;
    const struct err_note n = {.code = E_IO, .backend = words, .words = words};
    err_ring_add(r, &n, wall, 0);
    err_ring_add(r, &n, wall, 0);
    assert_int_equal(strlen(err_ring_at(r, 0)->words), 255);
    assert_int_equal(r->n_groups, 1);
    assert_string_equal(err_ring_at(r, 0)->stage, "");
}

static void rates_rise_to_what_comes_and_fall_again(void **state)
{
    struct err_ring *r = *state;
    int64_t now = 0;
    for (int i = 0; i < 600; i++, now += 6 * SECOND) {  // ten a minute for an hour
        add(r, E_EMPTY, "box", now);
    }
    const struct err_group *g = &r->groups[0];
    assert_true(fabs(err_group_per_min(g, now) - 10) < 1);
    assert_true(fabs(err_group_usual(g, now) - 6.3) < 0.2);  // 1 - 1/e of it
    assert_true(err_group_per_min(g, now + 10 * MINUTE) < 0.01);
    assert_true(err_group_usual(g, now + 10 * MINUTE) > 5);
}

static void a_burst_is_a_spike_once(void **state)
{
    struct err_ring *r = *state;
    int begun = 0;
    for (int i = 0; i < 20; i++) {
        begun += add(r, E_SERVER, "box", i * SECOND);
        assert_int_equal(begun, i >= 5 || begun ? 1 : 0);
    }
    assert_int_equal(begun, 1);
    assert_true(err_group_has_spike(&r->groups[0], 20 * SECOND));
    assert_false(err_group_has_spike(&r->groups[0], 10 * MINUTE));
}

static void what_goes_on_is_no_spike_any_more(void **state)
{
    struct err_ring *r = *state;
    int64_t now = 0;
    int begun = 0;
    for (int i = 0; i < 1200; i++, now += 6 * SECOND) {
        begun += add(r, E_SERVER, "box", now);
    }
    assert_int_equal(begun, 1);
    assert_false(err_group_has_spike(&r->groups[0], now));
}

static void a_few_are_no_spike(void **state)
{
    struct err_ring *r = *state;
    for (int i = 0; i < 60; i++) {
        assert_false(add(r, E_SERVER, "box", (int64_t)i * 20 * SECOND));
    }
}

static void a_second_burst_is_a_second_spike(void **state)
{
    struct err_ring *r = *state;
    int begun = 0;
    for (int burst = 0; burst < 2; burst++) {
        for (int i = 0; i < 12; i++) {
            begun += add(r, E_NET_CUT, "", (int64_t)burst * 90 * MINUTE + i * SECOND);
        }
    }
    assert_int_equal(begun, 2);
}

static void a_clock_that_stands_does_no_harm(void **state)
{
    struct err_ring *r = *state;
    add(r, E_NET, "", 5000);
    add(r, E_NET, "", 5000);
    add(r, E_NET, "", 4000);
    assert_true(fabs(err_group_per_min(&r->groups[0], 4000) - 3) < 0.001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_newest_come_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_thousand_are_kept_and_all_are_counted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(kinds_are_a_class_and_a_backend, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_kind_that_is_longest_past_makes_room, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(longer_words_are_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rates_rise_to_what_comes_and_fall_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_burst_is_a_spike_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_goes_on_is_no_spike_any_more, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_few_are_no_spike, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_burst_is_a_second_spike, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_clock_that_stands_does_no_harm, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
