// test_pause.c -- a pause stands in the database, for whoever claims.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "store/storekit.h"

#include <string.h>

static struct kit kit;

static int setup(void **state)
{
    (void)state;
    kit_init(&kit);
    kit_must_open(&kit);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kit_fini(&kit);
    return 0;
}

static void set(struct kit *k, int64_t until_ms)
{
    struct store_pause p = {.until_ms = until_ms};
    assert_int_equal(kit_pause(k, &p), 0);
}

static struct store_claim claim(struct kit *k, bool only_interactive)
{
    struct store_claim c = {.max = 4, .only_interactive = only_interactive};
    assert_int_equal(kit_claim(k, &c), 0);
    return c;
}

static int64_t paused_until(struct kit *k)
{
    struct store_counts c = {0};
    assert_int_equal(kit_count(k, &c), 0);
    return c.paused_until_ms;
}

static void nothing_is_given_while_it_holds(void **state)
{
    (void)state;
    kit_offer(&kit, "/a.png", 1, 1);
    set(&kit, STORE_PAUSED_FOR_GOOD);
    struct store_claim c = claim(&kit, false);
    assert_int_equal(c.n, 0);
    assert_int_equal(c.paused_until_ms, STORE_PAUSED_FOR_GOOD);
    assert_true(c.has_held_back);
    assert_int_equal(paused_until(&kit), STORE_PAUSED_FOR_GOOD);
    store_claim_fini(&c);
    set(&kit, 0);
    c = claim(&kit, false);
    assert_int_equal(c.n, 1);
    assert_int_equal(c.paused_until_ms, 0);
    assert_false(c.has_held_back);
    assert_int_equal(paused_until(&kit), 0);
    store_claim_fini(&c);
}

static void with_an_empty_queue_nothing_is_held_back(void **state)
{
    (void)state;
    set(&kit, STORE_PAUSED_FOR_GOOD);
    struct store_claim c = claim(&kit, false);
    assert_false(c.has_held_back);
    store_claim_fini(&c);
}

static void a_time_that_has_passed_is_no_pause(void **state)
{
    (void)state;
    kit_offer(&kit, "/a.png", 1, 1);
    set(&kit, loop_wall_ms() + 3600000);
    struct store_claim c = claim(&kit, false);
    assert_int_equal(c.n, 0);
    store_claim_fini(&c);
    set(&kit, loop_wall_ms() - 1);
    c = claim(&kit, false);
    assert_int_equal(c.n, 1);
    store_claim_fini(&c);
    assert_int_equal(paused_until(&kit), 0);
}

static void it_survives_a_restart(void **state)
{
    (void)state;
    int64_t until = loop_wall_ms() + 3600000;
    kit_offer(&kit, "/a.png", 1, 1);
    set(&kit, until);
    kit_close(&kit);
    kit_must_open(&kit);
    struct store_claim c = claim(&kit, false);
    assert_int_equal(c.n, 0);
    assert_int_equal(c.paused_until_ms, until);
    store_claim_fini(&c);
}

static void a_damaged_word_is_no_pause(void **state)
{
    (void)state;
    kit_offer(&kit, "/a.png", 1, 1);
    kit_sql(&kit, "INSERT INTO profile VALUES ('pause', 'soon', 1)");
    struct store_claim c = claim(&kit, false);
    assert_int_equal(c.n, 1);
    store_claim_fini(&c);
}

static void only_what_a_person_waits_for(void **state)
{
    (void)state;
    struct store_item item = {.path = "/now.png",
                              .size_bytes = 1,
                              .mtime_ns = 1,
                              .priority = STORE_INTERACTIVE};
    kit_offer(&kit, "/a.png", 1, 1);
    kit_offer(&kit, "/b.png", 1, 1);
    assert_int_equal(kit_offer_item(&kit, &item, 0), 0);
    struct store_claim c = claim(&kit, true);
    assert_int_equal(c.n, 1);
    assert_string_equal(c.jobs[0].path, "/now.png");
    assert_true(c.has_held_back);
    store_claim_fini(&c);
    c = claim(&kit, true);
    assert_int_equal(c.n, 0);
    store_claim_fini(&c);
    c = claim(&kit, false);
    assert_int_equal(c.n, 2);
    store_claim_fini(&c);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(nothing_is_given_while_it_holds),
        T(with_an_empty_queue_nothing_is_held_back),
        T(a_time_that_has_passed_is_no_pause),
        T(it_survives_a_restart),
        T(a_damaged_word_is_no_pause),
        T(only_what_a_person_waits_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
