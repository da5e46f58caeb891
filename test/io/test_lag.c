// test_lag.c -- how long the loop was busy: the histogram, and that it costs no wake-up.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "io/lag.h"

#include "io/timer.h"

struct rig {
    struct loop loop;
    struct lag lag;
    struct timer timer;
    bool is_closed;
};

static void on_closed(void *arg)
{
    ((struct rig *)arg)->is_closed = true;
}

static void turns_are_counted_by_their_length(void **state)
{
    (void)state;
    struct lag g = {0};
    static const double ms[] = {0.2, 1, 1.5, 40, 6000};
    for (size_t i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
        lag_note(&g, ms[i]);
    }
    assert_int_equal(g.turns[0], 2);
    assert_int_equal(g.turns[1], 1);
    assert_int_equal(g.turns[5], 1);
    assert_int_equal(g.turns[LAG_BUCKETS - 1], 1);
    assert_int_equal(g.n, 5);
    assert_true(g.max_ms == 6000);
    assert_int_equal(lag_percentile_ms(&g, 40), 1);
    assert_int_equal(lag_percentile_ms(&g, 60), 2);
    assert_int_equal(lag_percentile_ms(&g, 80), 50);
    assert_int_equal(lag_percentile_ms(&g, 100), INT64_MAX);
}

static void nothing_measured_has_no_percentile(void **state)
{
    (void)state;
    struct lag g = {0};
    assert_int_equal(lag_percentile_ms(&g, 99), 0);
}

// Busy for 30 ms of its own time, whatever else the machine does.
static void on_due(struct timer *t)
{
    (void)t;
    uint64_t end = uv_hrtime() + UINT64_C(30000000);
    while (uv_hrtime() < end) {
    }
}

static void on_timer_closed(struct timer *t)
{
    (void)t;
}

static void a_busy_callback_is_seen(void **state)
{
    (void)state;
    struct rig r = {0};
    assert_int_equal(loop_init(&r.loop), 0);
    lag_open(&r.lag, &r.loop);
    timer_open(&r.timer, &r.loop);
    for (int i = 0; i < 2; i++) {  // the second turn ends the measuring of the first
        timer_start(&r.timer, 1, on_due);
        uv_run(&r.loop.uv, UV_RUN_DEFAULT);
    }
    timer_close(&r.timer, on_timer_closed);
    uv_run(&r.loop.uv, UV_RUN_DEFAULT);
    assert_true(r.lag.max_ms >= 30);
    assert_int_equal(uv_backend_timeout(&r.loop.uv), 0);  // nothing to wait for
    lag_close(&r.lag, on_closed, &r);
    uv_run(&r.loop.uv, UV_RUN_DEFAULT);
    assert_true(r.is_closed);
    assert_int_equal(loop_fini(&r.loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_are_counted_by_their_length),
        cmocka_unit_test(nothing_measured_has_no_percentile),
        cmocka_unit_test(a_busy_callback_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
