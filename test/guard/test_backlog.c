// test_backlog.c -- what servers say of their queues, and the bound that follows from it.
// SPDX-License-Identifier: MIT
#include "guard/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void one_look_only_stops_growth_the_second_takes_away(void **state)
{
    (void)state;
    static const struct {
        struct backlog_told told;
        int in_flight, limit;
        int first, second;  // bound after one such look, and after two; 0 = none
    } rows[] = {
        {{64, 0, 0.5}, 64, 64, 0, 0},       // it takes all
        {{64, 7, 0.5}, 71, 71, 0, 0},       // some wait, so that no slot is ever empty
        {{64, 64, -1}, 128, 128, 128, 71},  // what it runs, and those
        {{64, 0, 0.96}, 64, 64, 64, 64},    // nearly full: no more
        {{90, 0, 1}, 96, 96, 96, 84},       // full
        {{4, 0, 1}, 4, 4, 4, 3},
        {{1, 0, 1}, 1, 1, 1, 1},           // never nothing
        {{1, 60, -1}, 61, 61, 61, 30},     // half at most
        {{0, 40, -1}, 40, 40, 40, 20},     // it runs nothing of anybody yet
        {{16, 16, -1}, 16, 16, 16, 9},     // half of it others'
        {{8, 3, -1}, 1, 1, 1, 1},          // all of it others'
        {{-1, 20, -1}, 20, 20, 20, 10},    // it tells only who waits
        {{4, -1, -1}, 5, 5, 0, 0},         // it tells only who runs
        {{-1, -1, 0.99}, 24, 24, 24, 21},  // it tells only its memory
        {{-1, -1, -1}, 24, 24, 0, 0},      // nothing
        {{INT32_MAX, INT32_MAX, -1}, 512, 512, 512, 282},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct backlog b = {0};
        int first = backlog_hear(&b, &rows[i].told, rows[i].in_flight, rows[i].limit);
        int second = backlog_hear(&b, &rows[i].told, rows[i].in_flight, rows[i].limit);
        if (first != rows[i].first || second != rows[i].second) {
            fail_msg("row %zu: %d, then %d", i, first, second);
        }
    }
}

static const struct backlog_told crowded = {64, 64, -1}, spare = {64, 3, -1},
                                 clear = {60, 0, 0.4}, silent = {-1, -1, -1};

static void a_bound_stays_while_some_wait_and_goes_when_none_does(void **state)
{
    (void)state;
    struct backlog b = {0};
    backlog_hear(&b, &crowded, 128, 128);
    assert_int_equal(backlog_hear(&b, &crowded, 128, 128), 71);
    assert_int_equal(backlog_hear(&b, &spare, 67, 71), 71);
    assert_int_equal(backlog_hear(&b, &clear, 60, 71), 0);
}

static void looks_count_only_in_a_row(void **state)
{
    (void)state;
    struct backlog b = {0};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(backlog_hear(&b, &crowded, 128, 128), 128);
        assert_int_equal(backlog_hear(&b, &clear, 60, 128), 0);
    }
}

static void a_server_that_falls_silent_binds_no_longer(void **state)
{
    (void)state;
    struct backlog b = {0};
    backlog_hear(&b, &crowded, 128, 128);
    backlog_hear(&b, &crowded, 128, 128);
    assert_int_equal(backlog_hear(&b, &silent, 71, 71), 0);
    assert_int_equal(backlog_hear(&b, &crowded, 128, 128), 128);  // counted anew
}

static void a_bound_never_rises_while_the_queue_is_there(void **state)
{
    (void)state;
    struct backlog b = {0};
    int limit = 400;
    for (int i = 0; i < 10; i++) {
        int bound = backlog_hear(&b, &(struct backlog_told){16, 90, -1}, limit, limit);
        assert_true(bound <= limit);
        limit = bound;
    }
    assert_true(limit >= 1 && limit <= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_look_only_stops_growth_the_second_takes_away),
        cmocka_unit_test(a_bound_stays_while_some_wait_and_goes_when_none_does),
        cmocka_unit_test(looks_count_only_in_a_row),
        cmocka_unit_test(a_server_that_falls_silent_binds_no_longer),
        cmocka_unit_test(a_bound_never_rises_while_the_queue_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
