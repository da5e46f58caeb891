// test_life.c -- when a model is loaded, verified and unloaded; fails where one of the rules
// of life.h is broken.
// SPDX-License-Identifier: MIT
#include "guard/life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static const struct life_config usual = {
    .ttl_ms = 600000, .preloads = true, .unloads_at_exit = true};
static const struct life_server manual = {.can_unload = true, .is_local = true};
static const struct life_server clocked = {
    .can_unload = true, .has_ttl = true, .is_local = true};
static const struct life_server fixed = {.is_local = true};

static enum life_deed go(struct life *l, const struct life_server *s, enum life_event e,
                         int64_t now_ms)
{
    return life_next(l, &usual, s, e, now_ms);
}

// Loaded by us, one request answered at 1000.
static struct life loaded(const struct life_server *s)
{
    struct life l = {0};
    assert_int_equal(go(&l, s, LIFE_TAKEN_ABSENT, 10), LIFE_LOAD);
    assert_int_equal(go(&l, s, LIFE_LOADED, 20), LIFE_VERIFY);
    assert_int_equal(go(&l, s, LIFE_VERIFIED, 30), LIFE_NOTHING);
    go(&l, s, LIFE_BEGAN, 40);
    go(&l, s, LIFE_ENDED, 1000);
    assert_int_equal(l.state, LIFE_READY);
    return l;
}

// One step of the state machine from each state, by each event.
static void every_state_knows_every_event(void **state)
{
    (void)state;
    enum {
        A = LIFE_ABSENT,
        L = LIFE_LOADING,
        R = LIFE_READY,
        B = LIFE_BUSY,
        U = LIFE_UNLOADING,
        F = LIFE_FAILED
    };
    static const struct {
        enum life_event event;
        int to[6];  // from ABSENT, LOADING, READY, BUSY, UNLOADING, FAILED
    } rows[] = {
        {LIFE_TAKEN_RESIDENT, {R, L, R, B, U, R}},
        {LIFE_TAKEN_ABSENT, {L, L, R, B, U, L}},
        {LIFE_WANTED, {L, L, R, B, U, L}},
        {LIFE_LOADED, {A, L, R, B, U, F}},
        {LIFE_LOAD_FAILED, {A, F, R, B, U, F}},
        {LIFE_VERIFIED, {A, R, R, B, U, F}},
        {LIFE_MISSING, {A, L, L, L, U, F}},
        {LIFE_DROPPED, {A, L, L, L, U, F}},
        {LIFE_UNLOADED, {A, L, R, B, A, F}},
        {LIFE_UNLOAD_FAILED, {A, L, R, B, R, F}},
        {LIFE_TICK, {A, L, U, B, U, F}},
        {LIFE_SHORT_OF_MEMORY, {A, L, U, B, U, F}},
        {LIFE_LET_GO, {A, L, U, B, U, F}},
        {LIFE_EXIT, {A, L, U, B, U, F}},
        {LIFE_SERVER_GONE, {A, A, A, A, A, F}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int from = A; from <= F; from++) {
            struct life l = {.state = (enum life_state)from,
                             .is_ours = true,
                             .in_flight = from == B ? 1 : 0};
            go(&l, &manual, rows[i].event, 10000000);
            if ((int)l.state != rows[i].to[from]) {
                fail_msg("event %d from %s: %s", (int)rows[i].event,
                         life_state_name((enum life_state)from),
                         life_state_name(l.state));
            }
        }
    }
}

static void a_load_is_verified_before_it_is_believed(void **state)
{
    (void)state;
    struct life l = {0};
    go(&l, &manual, LIFE_TAKEN_ABSENT, 1);
    assert_int_equal(go(&l, &manual, LIFE_LOADED, 2), LIFE_VERIFY);
    assert_int_equal(l.state, LIFE_LOADING);
    assert_int_equal(go(&l, &manual, LIFE_MISSING, 3), LIFE_NOTHING);
    assert_int_equal(l.state, LIFE_FAILED);
    assert_false(l.is_ours);
}

static void what_is_wanted_is_looked_for_before_it_is_loaded(void **state)
{
    (void)state;
    struct life l = {0};
    assert_int_equal(go(&l, &manual, LIFE_WANTED, 1), LIFE_VERIFY);
    assert_int_equal(go(&l, &manual, LIFE_VERIFIED, 2), LIFE_NOTHING);
    assert_int_equal(l.state, LIFE_READY);
    assert_false(l.is_ours);
    l = (struct life){0};
    go(&l, &manual, LIFE_WANTED, 1);
    assert_int_equal(go(&l, &manual, LIFE_MISSING, 2), LIFE_LOAD);
    assert_int_equal(l.state, LIFE_LOADING);
}

static void a_load_is_never_doubled(void **state)
{
    (void)state;
    struct life l = {0};
    assert_int_equal(go(&l, &manual, LIFE_TAKEN_ABSENT, 1), LIFE_LOAD);
    assert_int_equal(go(&l, &manual, LIFE_WANTED, 2), LIFE_NOTHING);
    assert_int_equal(go(&l, &manual, LIFE_TAKEN_ABSENT, 3), LIFE_NOTHING);
    assert_int_equal(go(&l, &manual, LIFE_TICK, 99999999), LIFE_NOTHING);
}

static void a_load_under_way_is_never_ended(void **state)
{
    (void)state;
    static const enum life_event events[] = {LIFE_SHORT_OF_MEMORY, LIFE_LET_GO, LIFE_EXIT,
                                             LIFE_TICK};
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        struct life l = {0};
        go(&l, &manual, LIFE_TAKEN_ABSENT, 1);
        assert_int_equal(go(&l, &manual, events[i], 99999999), LIFE_NOTHING);
        assert_int_equal(l.state, LIFE_LOADING);
    }
}

static void without_preload_it_waits_for_work(void **state)
{
    (void)state;
    struct life_config c = usual;
    c.preloads = false;
    struct life l = {0};
    assert_int_equal(life_next(&l, &c, &manual, LIFE_TAKEN_ABSENT, 1), LIFE_NOTHING);
    assert_int_equal(l.state, LIFE_ABSENT);
    l.n_waiting = 1;
    assert_int_equal(life_next(&l, &c, &manual, LIFE_TAKEN_ABSENT, 1), LIFE_LOAD);
}

static void time_to_live_counts_from_the_end_of_the_last_request(void **state)
{
    (void)state;
    struct life l = loaded(&manual);
    assert_int_equal(life_due_ms(&l, &usual, &manual), 601000);
    go(&l, &manual, LIFE_BEGAN, 500000);
    assert_int_equal(life_due_ms(&l, &usual, &manual), INT64_MAX);
    go(&l, &manual, LIFE_ENDED, 590000);
    assert_int_equal(life_due_ms(&l, &usual, &manual), 1190000);
    assert_int_equal(go(&l, &manual, LIFE_TICK, 1189999), LIFE_NOTHING);
    assert_int_equal(go(&l, &manual, LIFE_TICK, 1190000), LIFE_UNLOAD);
    assert_int_equal(l.reason, LIFE_BY_TTL);
}

static void the_last_of_several_requests_counts(void **state)
{
    (void)state;
    struct life l = loaded(&manual);
    go(&l, &manual, LIFE_BEGAN, 2000);
    go(&l, &manual, LIFE_BEGAN, 3000);
    go(&l, &manual, LIFE_ENDED, 4000);
    assert_int_equal(l.state, LIFE_BUSY);
    assert_int_equal(go(&l, &manual, LIFE_TICK, 9999999), LIFE_NOTHING);
    go(&l, &manual, LIFE_ENDED, 5000);
    assert_int_equal(life_due_ms(&l, &usual, &manual), 605000);
}

static void nothing_is_unloaded_that_pictures_wait_for(void **state)
{
    (void)state;
    static const enum life_event events[] = {LIFE_TICK, LIFE_SHORT_OF_MEMORY,
                                             LIFE_LET_GO};
    struct life l = loaded(&manual);
    l.n_waiting = 1;
    assert_int_equal(life_due_ms(&l, &usual, &manual), INT64_MAX);
    assert_false(life_may_let_go(&l));
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        assert_int_equal(go(&l, &manual, events[i], 99999999), LIFE_NOTHING);
        assert_int_equal(l.state, LIFE_READY);
    }
    l.n_waiting = 0;
    assert_int_equal(go(&l, &manual, LIFE_TICK, 99999999), LIFE_UNLOAD);
}

static void a_picture_that_comes_during_the_unload_is_not_forgotten(void **state)
{
    (void)state;
    struct life l = loaded(&manual);
    go(&l, &manual, LIFE_LET_GO, 2000);
    assert_int_equal(go(&l, &manual, LIFE_WANTED, 2001), LIFE_NOTHING);
    assert_int_equal(go(&l, &manual, LIFE_UNLOADED, 2002), LIFE_LOAD);
    assert_int_equal(l.state, LIFE_LOADING);
    // The same when it was only counted.
    l = loaded(&manual);
    go(&l, &manual, LIFE_LET_GO, 2000);
    l.n_waiting = 3;
    assert_int_equal(go(&l, &manual, LIFE_UNLOADED, 2002), LIFE_LOAD);
}

static void a_server_with_its_own_clock_is_told_nothing(void **state)
{
    (void)state;
    struct life l = loaded(&clocked);
    int64_t due = life_due_ms(&l, &usual, &clocked);
    assert_true(due > 601000);  // its answer left before ours came
    assert_int_equal(go(&l, &clocked, LIFE_TICK, due), LIFE_NOTHING);
    assert_int_equal(l.state, LIFE_ABSENT);
    assert_int_equal(go(&l, &clocked, LIFE_WANTED, due + 1), LIFE_VERIFY);
}

static void a_server_that_can_not_unload_keeps_its_model(void **state)
{
    (void)state;
    struct life l = loaded(&fixed);
    assert_int_equal(life_due_ms(&l, &usual, &fixed), INT64_MAX);
    assert_int_equal(go(&l, &fixed, LIFE_TICK, 99999999), LIFE_NOTHING);
    assert_int_equal(go(&l, &fixed, LIFE_EXIT, 99999999), LIFE_NOTHING);
    assert_int_equal(l.state, LIFE_READY);
}

static void what_others_loaded_is_left_to_them(void **state)
{
    (void)state;
    struct life l = {0};
    go(&l, &manual, LIFE_TAKEN_RESIDENT, 1);
    assert_int_equal(life_due_ms(&l, &usual, &manual), INT64_MAX);
    assert_int_equal(go(&l, &manual, LIFE_SHORT_OF_MEMORY, 2), LIFE_NOTHING);
    assert_int_equal(go(&l, &manual, LIFE_EXIT, 3), LIFE_NOTHING);
    // But a person may.
    assert_int_equal(go(&l, &manual, LIFE_LET_GO, 4), LIFE_UNLOAD);
}

static void exit_unloads_what_we_loaded(void **state)
{
    (void)state;
    struct life l = loaded(&clocked);
    l.n_waiting = 7;  // they stay queued; nobody is here to ask them
    assert_int_equal(go(&l, &clocked, LIFE_EXIT, 2000), LIFE_UNLOAD);
    assert_int_equal(go(&l, &clocked, LIFE_UNLOADED, 2001), LIFE_NOTHING);
    assert_int_equal(l.state, LIFE_ABSENT);
    struct life_config c = usual;
    c.unloads_at_exit = false;
    l = loaded(&clocked);
    assert_int_equal(life_next(&l, &c, &clocked, LIFE_EXIT, 2000), LIFE_NOTHING);
}

static void pressure_here_does_not_unload_a_model_elsewhere(void **state)
{
    (void)state;
    struct life_server away = manual;
    away.is_local = false;
    struct life l = loaded(&away);
    assert_int_equal(go(&l, &away, LIFE_SHORT_OF_MEMORY, 2000), LIFE_NOTHING);
    l = loaded(&manual);
    assert_int_equal(go(&l, &manual, LIFE_SHORT_OF_MEMORY, 2000), LIFE_UNLOAD);
    assert_int_equal(l.reason, LIFE_BY_PRESSURE);
}

static void an_unload_that_fails_is_tried_again_later(void **state)
{
    (void)state;
    struct life l = loaded(&manual);
    go(&l, &manual, LIFE_TICK, 601000);
    go(&l, &manual, LIFE_UNLOAD_FAILED, 602000);
    assert_int_equal(l.state, LIFE_READY);
    assert_int_equal(go(&l, &manual, LIFE_TICK, 602001), LIFE_NOTHING);
    assert_int_equal(go(&l, &manual, LIFE_TICK, 602000 + 600000), LIFE_UNLOAD);
}

static void an_own_time_to_live_goes_before_the_configured_one(void **state)
{
    (void)state;
    struct life l = loaded(&manual);
    l.ttl_ms = life_temporary_ttl_ms();
    assert_int_equal(life_due_ms(&l, &usual, &manual), 301000);
}

static void a_time_to_live_of_zero_keeps_it(void **state)
{
    (void)state;
    struct life_config c = usual;
    struct life l = loaded(&manual);
    c.ttl_ms = 0;
    assert_int_equal(life_due_ms(&l, &c, &manual), INT64_MAX);
    assert_int_equal(life_next(&l, &c, &manual, LIFE_TICK, 99999999), LIFE_NOTHING);
}

static void a_model_the_server_dropped_is_loaded_again(void **state)
{
    (void)state;
    struct life l = loaded(&manual);
    go(&l, &manual, LIFE_BEGAN, 2000);
    assert_int_equal(go(&l, &manual, LIFE_DROPPED, 2001), LIFE_LOAD);
    assert_int_equal(go(&l, &manual, LIFE_ENDED, 2002), LIFE_NOTHING);
    assert_int_equal(l.state, LIFE_LOADING);
    assert_false(l.is_ours);
}

static void out_of_memory_waits_minutes_and_longer_each_time(void **state)
{
    (void)state;
    struct life l = {0};
    assert_int_equal(life_load_wait_ms(&l, false), 0);
    int64_t last = life_load_wait_ms(&l, true);
    assert_true(last >= 120000);
    for (int i = 0; i < 20; i++) {
        int64_t wait = life_load_wait_ms(&l, true);
        assert_true(wait >= last && wait <= 1800000);
        last = wait;
    }
    assert_int_equal(last, 1800000);
    go(&l, &manual, LIFE_TAKEN_RESIDENT, 1);
    assert_int_equal(life_load_wait_ms(&l, true), 120000);
}

// Random events: what must never happen does not.
static void no_order_of_events_breaks_the_rules(void **state)
{
    (void)state;
    uint64_t x = 88172645463325252u;
    struct life l = {0};
    int loads = 0;    // under way
    int unloads = 0;  // under way
    for (int i = 0; i < 200000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        enum life_event e = (enum life_event)(x % (LIFE_SERVER_GONE + 1));
        bool is_answer = e == LIFE_LOADED || e == LIFE_LOAD_FAILED;
        bool is_end = e == LIFE_UNLOADED || e == LIFE_UNLOAD_FAILED;
        bool is_look = e == LIFE_VERIFIED || e == LIFE_MISSING;
        bool is_odd =
            (is_answer && loads == 0) || (is_end && unloads == 0) ||
            (is_look && (loads > 0 || unloads > 0)) ||
            (e == LIFE_ENDED && l.in_flight == 0) ||
            (e == LIFE_BEGAN && l.state != LIFE_READY && l.state != LIFE_BUSY) ||
            ((e == LIFE_SERVER_GONE || e == LIFE_DROPPED) && (loads > 0 || unloads > 0));
        if (is_odd) {
            continue;
        }
        l.n_waiting = (int)(x >> 40) % 3;
        bool was_idle = l.in_flight == 0 && (l.n_waiting == 0 || e == LIFE_EXIT);
        loads -= is_answer;
        unloads -= is_end;
        enum life_deed d = go(&l, &manual, e, i * 1000);
        loads += d == LIFE_LOAD;
        unloads += d == LIFE_UNLOAD;
        assert_true(loads >= 0 && loads <= 1);
        assert_true(unloads >= 0 && unloads <= 1);
        assert_false(loads && unloads);
        assert_true(d != LIFE_UNLOAD || was_idle);
        assert_int_equal(l.state == LIFE_BUSY, l.state == LIFE_BUSY && l.in_flight > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_knows_every_event),
        cmocka_unit_test(a_load_is_verified_before_it_is_believed),
        cmocka_unit_test(what_is_wanted_is_looked_for_before_it_is_loaded),
        cmocka_unit_test(a_load_is_never_doubled),
        cmocka_unit_test(a_load_under_way_is_never_ended),
        cmocka_unit_test(without_preload_it_waits_for_work),
        cmocka_unit_test(time_to_live_counts_from_the_end_of_the_last_request),
        cmocka_unit_test(the_last_of_several_requests_counts),
        cmocka_unit_test(nothing_is_unloaded_that_pictures_wait_for),
        cmocka_unit_test(a_picture_that_comes_during_the_unload_is_not_forgotten),
        cmocka_unit_test(a_server_with_its_own_clock_is_told_nothing),
        cmocka_unit_test(a_server_that_can_not_unload_keeps_its_model),
        cmocka_unit_test(what_others_loaded_is_left_to_them),
        cmocka_unit_test(exit_unloads_what_we_loaded),
        cmocka_unit_test(pressure_here_does_not_unload_a_model_elsewhere),
        cmocka_unit_test(an_unload_that_fails_is_tried_again_later),
        cmocka_unit_test(an_own_time_to_live_goes_before_the_configured_one),
        cmocka_unit_test(a_time_to_live_of_zero_keeps_it),
        cmocka_unit_test(a_model_the_server_dropped_is_loaded_again),
        cmocka_unit_test(out_of_memory_waits_minutes_and_longer_each_time),
        cmocka_unit_test(no_order_of_events_breaks_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
