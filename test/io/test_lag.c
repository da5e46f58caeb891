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

#include <unistd.h>

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

static void on_next(uv_timer_t *t)
{
    uv_close((uv_handle_t *)t, NULL);
}

static uv_timer_t next;  // one turn more

static void on_readable(uv_poll_t *p, int status, int events)
{
    (void)status;
    (void)events;
    on_due(NULL);
    uv_timer_start(&next, on_next, 0, 0);
    uv_close((uv_handle_t *)p, NULL);
}

static void note_turn(void *arg, int64_t busy_us)
{
    int64_t *longest_us = arg;
    *longest_us = busy_us > *longest_us ? busy_us : *longest_us;
}

// libuv runs these inside of its poll.
static void work_of_a_descriptor_is_seen(void **state)
{
    (void)state;
    struct rig r = {0};
    uv_poll_t poll;
    int ends[2];
    int64_t longest_us = 0;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(loop_init(&r.loop), 0);
    lag_open(&r.lag, &r.loop);
    r.lag.on_turn = note_turn;
    r.lag.turn_arg = &longest_us;
    uv_timer_init(&r.loop.uv, &next);
    uv_poll_init(&r.loop.uv, &poll, ends[0]);
    uv_poll_start(&poll, UV_READABLE, on_readable);
    assert_int_equal(write(ends[1], "x", 1), 1);
    uv_run(&r.loop.uv, UV_RUN_DEFAULT);
    assert_true(r.lag.max_ms >= 30);
    assert_true(longest_us >= 30000);
    lag_close(&r.lag, on_closed, &r);
    uv_run(&r.loop.uv, UV_RUN_DEFAULT);
    assert_int_equal(loop_fini(&r.loop), 0);
    close(ends[0]);
    close(ends[1]);
}

static void what_a_host_does_between_turns_does_not_count(void **state)
{
    (void)state;
    struct rig r = {0};
    assert_int_equal(loop_init(&r.loop), 0);
    lag_open(&r.lag, &r.loop);
    uv_run(&r.loop.uv, UV_RUN_NOWAIT);
    on_due(NULL);
    lag_resume(&r.lag);
    uv_run(&r.loop.uv, UV_RUN_NOWAIT);
    assert_true(r.lag.max_ms < 30);
    lag_close(&r.lag, on_closed, &r);
    uv_run(&r.loop.uv, UV_RUN_DEFAULT);
    assert_int_equal(loop_fini(&r.loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_are_counted_by_their_length),
        cmocka_unit_test(nothing_measured_has_no_percentile),
        cmocka_unit_test(a_busy_callback_is_seen),
        cmocka_unit_test(work_of_a_descriptor_is_seen),
        cmocka_unit_test(what_a_host_does_between_turns_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
