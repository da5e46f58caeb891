// test_timer.c -- due once, never early, never within start, gone after close.
// SPDX-License-Identifier: MIT
#include "io/timer.h"

#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct owner {
    struct loop loop;
    struct timer timer;
    int dues;
    int others;
    int closes;
    int restarts;
    uint64_t due_ns;
};

static void on_closed(struct timer *t)
{
    container_of(t, struct owner, timer)->closes++;
}

static void on_due(struct timer *t)
{
    struct owner *o = container_of(t, struct owner, timer);
    o->dues++;
    o->due_ns = uv_hrtime();
    assert_false(timer_is_started(t));
    if (o->restarts-- > 0) {
        timer_start(t, 0, on_due);
        assert_true(timer_is_started(t));
    }
}

static void on_other(struct timer *t)
{
    container_of(t, struct owner, timer)->others++;
}

static int setup(void **state)
{
    struct owner *o = calloc(1, sizeof(*o));
    *state = o;
    if (loop_init(&o->loop)) {
        return -1;
    }
    timer_open(&o->timer, &o->loop);
    return 0;
}

static int teardown(void **state)
{
    struct owner *o = *state;
    timer_close(&o->timer, on_closed);
    int was_inside = o->closes;
    uv_run(&o->loop.uv, UV_RUN_DEFAULT);
    int rc = loop_fini(&o->loop) || o->closes != 1 || was_inside;
    free(o);
    return rc;
}

static void due_once_and_not_early(void **state)
{
    struct owner *o = *state;
    uint64_t start_ns = uv_hrtime();
    assert_false(timer_is_started(&o->timer));
    timer_start(&o->timer, 20, on_due);
    assert_true(timer_is_started(&o->timer));
    assert_int_equal(o->dues, 0);
    uv_run(&o->loop.uv, UV_RUN_DEFAULT);
    assert_int_equal(o->dues, 1);
    assert_true(o->due_ns - start_ns >= 19 * 1000000);
}

static void a_later_start_replaces_an_earlier_one(void **state)
{
    struct owner *o = *state;
    timer_start(&o->timer, 1, on_other);
    timer_start(&o->timer, 5, on_due);
    uv_run(&o->loop.uv, UV_RUN_DEFAULT);
    assert_int_equal(o->dues, 1);
    assert_int_equal(o->others, 0);
}

static void stopped_is_never_due(void **state)
{
    struct owner *o = *state;
    timer_start(&o->timer, 1, on_due);
    timer_stop(&o->timer);
    timer_stop(&o->timer);
    assert_false(timer_is_started(&o->timer));
    uv_run(&o->loop.uv, UV_RUN_DEFAULT);
    assert_int_equal(o->dues, 0);
}

static void closed_is_never_due(void **state)
{
    struct owner *o = *state;
    timer_start(&o->timer, 1, on_due);
}

// One due per turn: a timer that starts itself with 0 must let the loop poll between.
static void zero_waits_for_the_next_turn(void **state)
{
    struct owner *o = *state;
    o->restarts = 3;
    timer_start(&o->timer, -5, on_due);
    int turns = 0;
    while (o->dues < 4) {
        int before = o->dues;
        uv_run(&o->loop.uv, UV_RUN_NOWAIT);
        assert_true(o->dues <= before + 1);
        turns++;
    }
    assert_true(turns >= 4);
}

#define TIMER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TIMER_TEST(due_once_and_not_early),
        TIMER_TEST(a_later_start_replaces_an_earlier_one),
        TIMER_TEST(stopped_is_never_due),
        TIMER_TEST(closed_is_never_due),
        TIMER_TEST(zero_waits_for_the_next_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
