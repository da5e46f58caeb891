// test_loop.c -- the loop tells about forgotten handles; the closer counts.
// SPDX-License-Identifier: MIT
#include "base/list.h"
#include "io/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void a_forgotten_handle_is_reported(void **state)
{
    (void)state;
    struct loop l;
    uv_timer_t timer;
    assert_int_equal(loop_init(&l), 0);
    assert_int_equal(uv_timer_init(&l.uv, &timer), 0);
    assert_int_equal(loop_fini(&l), E_BUSY);
    uv_close((uv_handle_t *)&timer, NULL);
    assert_int_equal(loop_fini(&l), E_BUSY);
    uv_run(&l.uv, UV_RUN_DEFAULT);
    assert_int_equal(loop_fini(&l), 0);
}

static void clocks_have_the_right_unit(void **state)
{
    (void)state;
    struct loop l;
    assert_int_equal(loop_init(&l), 0);
    assert_true(loop_now_ms(&l) == (int64_t)uv_now(&l.uv));
    time_t before = time(NULL);
    int64_t wall_ms = loop_wall_ms();
    time_t after = time(NULL);
    assert_true(wall_ms / 1000 >= before - 1 && wall_ms / 1000 <= after);
    assert_int_equal(loop_fini(&l), 0);
}

struct owner {
    struct closer closer;
    int closed;
};

static void on_closed(struct closer *c)
{
    container_of(c, struct owner, closer)->closed++;
}

static void the_last_drop_closes_once(void **state)
{
    (void)state;
    struct owner o = {.closer.on_closed = on_closed};
    closer_hold(&o.closer);
    closer_hold(&o.closer);
    closer_drop(&o.closer);
    assert_int_equal(o.closed, 0);
    closer_hold(&o.closer);
    closer_drop(&o.closer);
    assert_int_equal(o.closed, 0);
    closer_drop(&o.closer);
    assert_int_equal(o.closed, 1);
    assert_int_equal(o.closer.holds, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forgotten_handle_is_reported),
        cmocka_unit_test(clocks_have_the_right_unit),
        cmocka_unit_test(the_last_drop_closes_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
