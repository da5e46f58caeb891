// test_blame.c -- whose fault is it: what each failure does to the backend it came from.
//
// As PROTOCOLS.md 8.2 has it: what is wrong with a picture never counts against a backend;
// a key, a model or money that is missing is a matter for a person; a refusal for want of
// room is no failure; the rest opens the breaker.
// SPDX-License-Identifier: MIT
#include "dispatch/dispatch_rig.h"

#include <stdio.h>
#include <string.h>

enum { TIMES = 12 };

struct row {
    int err;
    int after;          // this often in a row ...
    const char *state;  // ... the backend is
};

static const struct row rows[] = {
    // the picture's fault, or the question's: for ever ready
    {E_BAD_REQUEST, TIMES, "ready"},
    {E_BAD_IMAGE, TIMES, "ready"},
    {E_CONTEXT, TIMES, "ready"},
    {E_EMPTY, TIMES, "ready"},
    {E_UNFINISHED, TIMES, "ready"},
    {E_REPETITION, TIMES, "ready"},
    {E_SCHEMA, TIMES, "ready"},
    {E_REFUSAL, TIMES, "ready"},
    {E_IMAGE_DROPPED, TIMES, "ready"},
    {E_CANCELED, TIMES, "ready"},
    // a person has to act
    {E_AUTH, 1, "misconfigured"},
    {E_QUOTA, 1, "misconfigured"},
    {E_MODEL_MISSING, 1, "misconfigured"},
    {E_NO_VISION, 1, "misconfigured"},
    // no room
    {E_RATE, 1, "limited"},
    {E_OVERLOAD, 1, "limited"},
    // it is not well
    {E_NET, 1, "away"},
    {E_NET_CUT, 3, "away"},
    {E_FIRST_BYTE, 3, "away"},
    {E_STALL, 3, "away"},
    {E_TOTAL, 3, "away"},
    {E_DEADLINE, 3, "ready"},  // the user's, not the server's
    {E_SERVER, 3, "away"},
    {E_GARBAGE, 3, "away"},
};

static void each_failure_is_blamed_on_whom_it_belongs_to(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig r;
        make_ready(&r, 1);
        for (int n = 1; n <= rows[i].after; n++) {
            if (strcmp(status_of(&r, 0).state, "ready") != 0) {
                fail_msg("%s: %s after %d", err_name(rows[i].err), status_of(&r, 0).state,
                         n - 1);
            }
            assert_int_equal(ask(&r), 0);
            fb_end_ask(0, rows[i].err);
        }
        if (strcmp(status_of(&r, 0).state, rows[i].state) != 0) {
            fail_msg("%s: %s and not %s", err_name(rows[i].err), status_of(&r, 0).state,
                     rows[i].state);
        }
        close_rig(&r);
    }
}

// Once more than half of what it is asked for goes wrong it is left alone, though it answers
// now and then.
static void one_that_fails_often_is_left_alone(void **state)
{
    (void)state;
    struct rig r;
    int asked = 0;
    make_ready(&r, 1);
    while (asked < 20 && strcmp(status_of(&r, 0).state, "ready") == 0) {
        assert_int_equal(ask(&r), 0);
        fb_end_ask(0, asked % 3 == 2 ? 0 : E_SERVER);  // never three in a row
        asked++;
    }
    assert_in_range(asked, 5, 6);
    assert_string_equal(status_of(&r, 0).state, "away");
    close_rig(&r);
}

// Of the many that were under way when it broke each tells the same: one pause, not doubled.
static void many_failures_at_once_are_one(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 1, false, false);
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb[0].facts.slots = 32;
    fb_end_probe(0, 0);
    for (int i = 0; i < 32; i++) {
        assert_int_equal(ask(&r), 0);
    }
    for (int i = 0; i < 32; i++) {
        fb_end_ask(0, E_NET_CUT);
    }
    assert_string_equal(status_of(&r, 0).state, "away");
    int64_t wait = pass_ms(&r, 0) - fb_now_ms;
    assert_in_range(wait, 800, 1200);  // the first pause
    close_rig(&r);
}

static void many_refusals_at_once_are_one_hold(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 1, false, false);
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb[0].facts.slots = 32;
    fb_end_probe(0, 0);
    for (int i = 0; i < 32; i++) {
        assert_int_equal(ask(&r), 0);
    }
    for (int i = 0; i < 32; i++) {
        fb_end_ask(0, E_OVERLOAD);
    }
    assert_string_equal(status_of(&r, 0).state, "limited");
    int64_t wait = pass_ms(&r, 0) - fb_now_ms;
    assert_in_range(wait, 500, 1000);
    pass_ms(&r, wait);
    assert_string_equal(status_of(&r, 0).state, "ready");
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    close_rig(&r);
}

static void a_word_from_the_server_goes_before_the_usual_pause(void **state)
{
    (void)state;
    static const int64_t waits[] = {0, 250, 2000, 90000};
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        struct rig r;
        make_ready(&r, 1);
        assert_int_equal(ask(&r), 0);
        fb_end_ask_with(0, E_RATE, waits[i]);
        if (waits[i] > 0) {
            assert_int_equal(ask(&r), E_BUSY);
            pass_ms(&r, waits[i] - 1);
            assert_int_equal(ask(&r), E_BUSY);
            pass_ms(&r, 1);
        }
        assert_int_equal(ask(&r), 0);
        fb_end_ask(0, 0);
        close_rig(&r);
    }
}

// A server that refuses for ever with "again at once" is asked about once a second.
static void again_at_once_is_believed_once(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r, 1);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(ask(&r), 0);
        fb_end_ask_with(0, E_RATE, 0);
        if (i > 0) {
            int64_t wait = pass_ms(&r, 0) - fb_now_ms;
            assert_in_range(wait, 500, 1000);
            assert_int_equal(ask(&r), E_BUSY);
            pass_ms(&r, wait);
        }
    }
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    assert_int_equal(ask(&r), 0);
    fb_end_ask_with(0, E_RATE, 0);  // after an answer it may be meant again
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_is_blamed_on_whom_it_belongs_to),
        cmocka_unit_test(one_that_fails_often_is_left_alone),
        cmocka_unit_test(many_failures_at_once_are_one),
        cmocka_unit_test(many_refusals_at_once_are_one_hold),
        cmocka_unit_test(a_word_from_the_server_goes_before_the_usual_pause),
        cmocka_unit_test(again_at_once_is_believed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
