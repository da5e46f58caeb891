// test_rate.c -- what may be sent when, by the user's limits and the server's words.
// SPDX-License-Identifier: MIT
#include "guard/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void without_limits_nothing_waits(void **state)
{
    (void)state;
    struct rate r = {0};
    struct rate_config c = {0};
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(rate_wait_ms(&r, &c, 5000), 0);
        rate_ended(&r, rate_began(&r, 5000), 1000, 5000);
    }
}

static void no_minute_has_more_requests_than_allowed(void **state)
{
    (void)state;
    struct rate r = {0};
    struct rate_config c = {.requests_per_min = 5};
    int64_t sent[200];
    int n = 0;
    // Idle first, then as fast as it may: a bucket would let ten through in a minute.
    for (int64_t now = 300000; n < 200; now += 37) {
        if (rate_wait_ms(&r, &c, now) == 0) {
            rate_began(&r, now);
            sent[n++] = now;
        }
    }
    for (int i = 5; i < n; i++) {
        assert_true(sent[i] - sent[i - 5] >= 60000);
        assert_true(sent[i] - sent[i - 5] < 61100);
    }
}

static void the_wait_told_is_enough(void **state)
{
    (void)state;
    struct rate r = {0};
    struct rate_config c = {.requests_per_min = 3};
    rate_began(&r, 10500);
    rate_began(&r, 20000);
    assert_int_equal(rate_wait_ms(&r, &c, 30250), 0);
    rate_began(&r, 30250);
    int64_t wait = rate_wait_ms(&r, &c, 30250);
    assert_int_equal(wait, 71000 - 30250);
    assert_true(rate_wait_ms(&r, &c, 30250 + wait - 1) > 0);
    assert_int_equal(rate_wait_ms(&r, &c, 30250 + wait), 0);
    assert_int_equal(rate_wait_ms(&r, &c, 30250 + 1000000), 0);  // long after
}

static void tokens_are_charged_as_expected_and_corrected(void **state)
{
    (void)state;
    struct rate r = {0};
    struct rate_config c = {.tokens_per_min = 1000};
    int64_t expected = rate_began(&r, 1000);
    assert_int_equal(expected, 0);  // nothing is known yet
    rate_ended(&r, expected, 400, 2000);
    expected = rate_began(&r, 3000);
    assert_int_equal(expected, 400);
    assert_true(rate_wait_ms(&r, &c, 3000) > 0);  // 800, and 400 more would be too many
    rate_ended(&r, expected, 100, 4000);
    assert_int_equal(rate_wait_ms(&r, &c, 4000), 0);  // it was 500
    expected = rate_began(&r, 5000);
    rate_ended(&r, expected, -1, 6000);  // not told: stays as expected
    assert_true(r.n_tokens == 500 + expected);
}

static void one_larger_than_the_limit_goes_alone(void **state)
{
    (void)state;
    struct rate r = {0};
    struct rate_config c = {.tokens_per_min = 1000};
    rate_ended(&r, rate_began(&r, 1000), 5000, 2000);
    int64_t wait = rate_wait_ms(&r, &c, 3000);
    assert_int_equal(wait, 63000 - 3000);
    assert_int_equal(rate_wait_ms(&r, &c, 63000), 0);
}

static void what_the_server_says_is_left_is_obeyed(void **state)
{
    (void)state;
    static const struct {
        struct rate_told told;
        int in_flight, then_sent;
        int64_t wait_ms;
    } rows[] = {
        {{-1, 5000}, 0, 9, 0},  // told nothing
        {{3, 0}, 0, 9, 0},      // not until when
        {{3, 5000}, 0, 2, 0},
        {{3, 5000}, 0, 3, 5000},
        {{3, 5000}, 2, 1, 5000},  // two are on their way
        {{0, 5000}, 0, 0, 5000},
        {{0, 86400000}, 0, 0, 60000},  // a day: asked again after a minute
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rate r = {0};
        struct rate_config c = {0};
        rate_hear(&r, &rows[i].told, rows[i].in_flight, 100000);
        for (int k = 0; k < rows[i].then_sent; k++) {
            rate_began(&r, 100000);
        }
        assert_int_equal(rate_wait_ms(&r, &c, 100000), rows[i].wait_ms);
        assert_int_equal(rate_wait_ms(&r, &c, 100000 + rows[i].wait_ms), 0);
    }
}

static void a_clock_that_jumps_does_no_harm(void **state)
{
    (void)state;
    struct rate r = {0};
    struct rate_config c = {.requests_per_min = 2};
    rate_began(&r, 1000000);
    rate_began(&r, 999000);  // back
    assert_true(rate_wait_ms(&r, &c, 999000) > 0);
    assert_int_equal(rate_wait_ms(&r, &c, INT64_C(1) << 50), 0);
    assert_int_equal(r.n_requests, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_limits_nothing_waits),
        cmocka_unit_test(no_minute_has_more_requests_than_allowed),
        cmocka_unit_test(the_wait_told_is_enough),
        cmocka_unit_test(tokens_are_charged_as_expected_and_corrected),
        cmocka_unit_test(one_larger_than_the_limit_goes_alone),
        cmocka_unit_test(what_the_server_says_is_left_is_obeyed),
        cmocka_unit_test(a_clock_that_jumps_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
