// test_route_backlog.c -- a server that tells its queue: when it is asked, what follows.
// SPDX-License-Identifier: MIT
#include "dispatch/dispatch_rig.h"

enum { LOOK_MS = 5000, SLOTS = 8 };

// One that batches, whose limit is found by trying, with as many asks as it may have.
static void open_busy(struct rig *r)
{
    open_with(r, 1, false, false);
    fb[0].facts.kind = BACKEND_VLLM;
    fb[0].facts.has_feedback = true;
    dispatch_serve(r->d, STAND_IN_NEVER);
    fb_end_probe(0, 0);
    assert_int_equal(status_of(r, 0).limit, SLOTS);
}

static void fill(struct rig *r)
{
    while (ask(r) == 0) {
    }
}

static void end_all(struct rig *r)
{
    while (fb[0].n_asks > 0) {
        fb_end_ask(0, 0);
    }
    close_rig(r);
}

static void nothing_is_asked_of_an_idle_server(void **state)
{
    (void)state;
    struct rig r;
    open_busy(&r);
    for (int i = 0; i < 10; i++) {
        pass_ms(&r, LOOK_MS);
    }
    assert_int_equal(fb[0].feedbacks, 0);
    fb[0].facts.unload = BACKEND_UNLOAD_NEVER;
    assert_true(pass_ms(&r, 0) == INT64_MAX);  // nor does it wake anybody
    close_rig(&r);
}

static void nothing_is_asked_while_the_limit_holds_nobody_back(void **state)
{
    (void)state;
    struct rig r;
    open_busy(&r);
    for (int i = 0; i < SLOTS / 2; i++) {
        assert_int_equal(ask(&r), 0);
    }
    pass_ms(&r, 10 * LOOK_MS);
    assert_int_equal(fb[0].feedbacks, 0);
    fill(&r);
    pass_ms(&r, 0);
    assert_int_equal(fb[0].feedbacks, 1);
    end_all(&r);
}

static void it_is_asked_every_five_seconds_at_most(void **state)
{
    (void)state;
    struct rig r;
    open_busy(&r);
    fill(&r);
    assert_int_equal(pass_ms(&r, 0) - fb_now_ms, BACKLOG_FIRST_MS);
    for (int i = 0; i < 61; i++) {
        pass_ms(&r, 1000);
        if (fb[0].feedback) {
            fb_end_feedback(0, 0, SLOTS, 0, 0.2);
        }
    }
    assert_int_equal(fb[0].feedbacks, 13);
    end_all(&r);
}

static void a_queue_that_stays_takes_the_limit_down(void **state)
{
    (void)state;
    struct rig r;
    open_busy(&r);
    fill(&r);
    pass_ms(&r, LOOK_MS);
    fb_end_feedback(0, 0, 4, 4, 0.2);
    struct vlmd_backend_status s = status_of(&r, 0);
    assert_int_equal(s.limit, SLOTS);
    assert_int_equal(s.server_running, 4);
    assert_int_equal(s.server_waiting, 4);
    assert_float_equal(s.server_kv_pct, 20, 1e-9);
    assert_int_equal(pass_ms(&r, 0) - fb_now_ms, 2000);  // does it stay?
    pass_ms(&r, 2000);
    fb_end_feedback(0, 0, 4, 4, 0.2);
    assert_int_equal(status_of(&r, 0).limit, 5);
    fb_end_ask(0, 0);
    fb_end_ask(0, 0);
    fb_end_ask(0, 0);
    assert_int_equal(ask(&r), E_BUSY);  // five are there
    fb_end_ask(0, 0);
    assert_int_equal(ask(&r), 0);
    end_all(&r);
}

// It works at what the server runs, and goes on rising when nobody waits any more.
static void the_limit_follows_the_server_both_ways(void **state)
{
    (void)state;
    struct rig r;
    open_busy(&r);
    fill(&r);
    for (int i = 0; i < 2; i++) {
        pass_ms(&r, LOOK_MS);
        fb_end_feedback(0, 0, 2, 6, -1);
    }
    assert_int_equal(status_of(&r, 0).limit, 4);  // half at most
    for (int i = 0; i < 4; i++) {
        fb_end_ask(0, 0);
    }
    while (r.n_asks < MAX_ASKS - 64 && status_of(&r, 0).limit <= SLOTS) {
        fill(&r);
        pass_ms(&r, 1000);
        if (fb[0].feedback) {
            fb_end_feedback(0, 0, 4, 0, -1);
        }
        fb_end_ask(0, 0);
    }
    assert_true(status_of(&r, 0).limit > SLOTS);
    end_all(&r);
}

static void a_server_that_has_nothing_to_tell_is_asked_once(void **state)
{
    (void)state;
    struct rig r;
    open_busy(&r);
    fill(&r);
    pass_ms(&r, LOOK_MS);
    fb_end_feedback(0, E_UNSUPPORTED, -1, -1, -1);
    pass_ms(&r, 100 * LOOK_MS);
    assert_int_equal(fb[0].feedbacks, 1);
    assert_int_equal(status_of(&r, 0).server_waiting, -1);
    end_all(&r);
}

// No failure of the server: what it is given, it answers.
static void one_that_does_not_answer_is_asked_less_and_not_blamed(void **state)
{
    (void)state;
    struct rig r;
    open_busy(&r);
    fill(&r);
    for (int i = 0; i < 2; i++) {
        pass_ms(&r, LOOK_MS);
        fb_end_feedback(0, 0, 4, 4, -1);
    }
    assert_int_equal(status_of(&r, 0).limit, 5);
    for (int i = 0; i < 120; i++) {
        pass_ms(&r, 1000);
        if (fb[0].feedback) {
            fb_end_feedback(0, E_TOTAL, -1, -1, -1);
        }
    }
    assert_in_range(fb[0].feedbacks - 2, 4, 6);  // 5, 10, 20, 40, 60 s apart
    assert_string_equal(status_of(&r, 0).state, "ready");
    assert_string_equal(status_of(&r, 0).breaker, "closed");
    assert_int_equal(status_of(&r, 0).server_waiting, -1);
    end_all(&r);
}

static void a_number_that_the_user_gave_stays(void **state)
{
    (void)state;
    struct rig r;
    open_busy(&r);
    r.config.concurrency = 3;
    open_again(&r, false);
    fb[0].facts.has_feedback = true;
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb_end_probe(0, 0);
    fill(&r);
    pass_ms(&r, 10 * LOOK_MS);
    assert_int_equal(fb[0].feedbacks, 0);
    assert_int_equal(status_of(&r, 0).limit, 3);
    end_all(&r);
}

static void closing_waits_for_the_look(void **state)
{
    (void)state;
    struct rig r;
    open_busy(&r);
    fill(&r);
    pass_ms(&r, LOOK_MS);
    assert_non_null(fb[0].feedback);
    while (fb[0].n_asks > 0) {
        fb_end_ask(0, 0);
    }
    dispatch_close(r.d, rig_on_closed, &r);
    assert_false(r.is_closed);
    assert_int_equal(fb[0].cancels, 1);
    fb_end_feedback(0, E_CANCELED, -1, -1, -1);
    assert_true(r.is_closed);
    for (int i = 0; i < r.n_asks; i++) {
        ask_fini(&r.asks[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_asked_of_an_idle_server),
        cmocka_unit_test(nothing_is_asked_while_the_limit_holds_nobody_back),
        cmocka_unit_test(it_is_asked_every_five_seconds_at_most),
        cmocka_unit_test(a_queue_that_stays_takes_the_limit_down),
        cmocka_unit_test(the_limit_follows_the_server_both_ways),
        cmocka_unit_test(a_server_that_has_nothing_to_tell_is_asked_once),
        cmocka_unit_test(one_that_does_not_answer_is_asked_less_and_not_blamed),
        cmocka_unit_test(a_number_that_the_user_gave_stays),
        cmocka_unit_test(closing_waits_for_the_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
