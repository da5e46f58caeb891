// test_routing.c -- groups of priority, budgets, repetitions, models that share a server.
// SPDX-License-Identifier: MIT
#include "dispatch/dispatch_rig.h"

#include <stdio.h>
#include <string.h>

static void open_groups(struct rig *r, int n, const int *priorities)
{
    open_with(r, n, false, false);
    for (int i = 0; i < n; i++) {
        r->terms[i].priority = priorities[i];
    }
    open_again(r, false);
    dispatch_serve(r->d, STAND_IN_NEVER);
    for (int i = 0; i < n; i++) {
        fb[i].facts.slots = 2;
        fb_end_probe(i, 0);
    }
}

static int asked(int i)
{
    return fb[i].asked;
}

// ---- groups

static void the_first_group_serves_alone_while_it_is_awake(void **state)
{
    (void)state;
    struct rig r;
    open_groups(&r, 2, (const int[]){0, 1});
    assert_int_equal(dispatch_capacity(r.d), 2);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(ask(&r), E_BUSY);  // it is waited for, though the other is idle
    assert_int_equal(asked(0), 2);
    assert_int_equal(asked(1), 0);
    fb_end_ask(0, 0);
    fb_end_ask(0, 0);
    close_rig(&r);
}

static void no_model_is_loaded_for_a_group_that_is_not_needed(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 2, false, false);
    r.terms[0].priority = 1;
    open_again(&r, false);
    fb[0].facts.is_loaded = fb[1].facts.is_loaded = false;
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb_end_probe(0, 0);
    assert_int_equal(fb[0].loads, 0);  // the other was not looked for yet
    fb_end_probe(1, 0);
    assert_int_equal(fb[1].loads, 1);
    assert_int_equal(fb[0].loads, 0);
    assert_string_equal(status_of(&r, 0).state, "standby");
    assert_string_equal(status_of(&r, 0).reason, "an earlier group serves");
    fb_end_load(1, E_MODEL_CRASH);
    assert_int_equal(fb[0].loads, 1);  // now it is
    fb_end_load(0, 0);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(asked(0), 1);
    fb_end_ask(0, 0);
    close_rig(&r);
}

static void no_model_is_woken_for_a_group_that_is_not_needed(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 2, false, false);
    r.terms[1].priority = 1;
    for (int i = 0; i < 2; i++) {
        r.backends[i].keep_alive_s = 600;
    }
    open_again(&r, false);
    fb[0].facts.slots = 1;
    fb[1].facts.is_loaded = false;
    fb[1].facts.unload = BACKEND_UNLOAD_NOW;
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb_end_probe(0, E_NET);
    fb_end_probe(1, 0);
    fb_end_load(1, 0);  // it serves while the first is away
    pass_ms(&r, 5000);
    fb_end_probe(0, 0);
    assert_int_equal(ask(&r), 0);  // its trial
    fb_end_ask(0, 0);
    pass_ms(&r, 700000);
    fb_end_unload(1, 0);
    assert_string_equal(status_of(&r, 1).state, "idle");
    int looked = fb[1].verifies;
    assert_int_equal(ask(&r), 0);
    assert_int_equal(ask(&r), E_BUSY);  // the first is busy, and it is enough
    assert_int_equal(fb[1].verifies, looked);
    assert_int_equal(fb[1].loads, 1);
    fb_end_ask(0, E_NET);
    assert_int_equal(ask(&r), E_BUSY);
    assert_int_equal(fb[1].verifies, looked + 1);  // now it is needed
    fb_end_verify(1, 0, BACKEND_RESIDENT);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(1, 0);
    close_rig(&r);
}

static void the_next_group_serves_while_the_first_is_away(void **state)
{
    (void)state;
    struct rig r;
    open_groups(&r, 3, (const int[]){0, 1, 2});
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, E_NET);
    assert_string_equal(status_of(&r, 0).state, "away");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(&r), 0);
    }
    assert_int_equal(asked(1), 2);
    assert_int_equal(asked(2), 0);
    pass_ms(&r, 2000);  // it is looked for again, and answers
    fb_end_probe(0, 0);
    assert_int_equal(ask(&r), 0);  // the one that shows whether it is well
    assert_int_equal(asked(0), 2);
    fb_end_ask(0, 0);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(asked(0), 3);
    assert_int_equal(asked(1), 2);  // and it serves alone again
    fb_end_ask(0, 0);
    fb_end_ask(1, 0);
    fb_end_ask(1, 0);
    close_rig(&r);
}

static void with_nobody_awake_work_waits(void **state)
{
    (void)state;
    struct rig r;
    open_groups(&r, 2, (const int[]){0, 1});
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(&r), 0);
        fb_end_ask(i, E_NET);
    }
    assert_int_equal(ask(&r), E_BUSY);
    assert_int_equal(dispatch_capacity(r.d), 0);
    assert_non_null(strstr(dispatch_paused_because(r.d), "away"));
    close_rig(&r);
}

static void a_group_whose_server_asks_for_a_pause_lets_the_next_serve(void **state)
{
    (void)state;
    struct rig r;
    open_groups(&r, 2, (const int[]){0, 1});
    assert_int_equal(ask(&r), 0);
    fb_end_ask_with(0, E_RATE, 20000);
    assert_string_equal(status_of(&r, 0).state, "limited");
    assert_true(status_of(&r, 0).next_probe_at_ms > 0);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(asked(1), 1);
    pass_ms(&r, 20000);
    assert_string_equal(status_of(&r, 0).state, "ready");
    assert_int_equal(ask(&r), 0);
    assert_int_equal(asked(0), 2);
    fb_end_ask(0, 0);
    fb_end_ask(1, 0);
    close_rig(&r);
}

static void what_may_not_leave_this_machine_goes_to_a_later_group(void **state)
{
    (void)state;
    struct rig r;
    open_groups(&r, 2, (const int[]){0, 1});
    fb[0].facts.is_remote = r.refuses_remote = true;
    assert_int_equal(ask(&r), 0);
    assert_int_equal(asked(0), 0);
    assert_int_equal(asked(1), 1);
    fb_end_ask(1, 0);
    close_rig(&r);
}

static void a_model_of_a_later_group_is_loaded_for_what_can_go_nowhere_else(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 2, false, false);
    r.terms[1].priority = 1;
    r.refuses_remote = r.config.allow_remote = true;
    open_again(&r, false);
    fb[0].facts.is_remote = true;
    fb[1].facts.is_loaded = false;
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb_end_probe(0, 0);
    fb_end_probe(1, 0);
    assert_int_equal(fb[1].loads, 0);
    assert_int_equal(ask(&r), E_BUSY);
    assert_int_equal(fb[1].loads, 1);
    assert_int_equal(ask(&r), E_BUSY);
    fb_end_load(1, 0);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(asked(1), 1);
    fb_end_ask(1, 0);
    r.refuses_all = true;
    assert_int_equal(ask(&r), E_REMOTE);
    close_rig(&r);
}

// ---- budgets

static void open_with_budget(struct rig *r, struct budget_limits day)
{
    open_with(r, 1, false, false);
    r->terms[0].budget.limits[BUDGET_DAY] = day;
    r->terms[0].budget.prices = (struct budget_prices){2, 10};
    open_again(r, false);
    dispatch_serve(r->d, STAND_IN_NEVER);
    fb[0].facts.slots = 4;
    fb_end_probe(0, 0);
}

static void a_budget_of_requests_ends_at_its_number_and_says_so(void **state)
{
    (void)state;
    struct rig r;
    open_with_budget(&r, (struct budget_limits){.requests = 3});
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(&r), 0);  // all under way at once
    }
    assert_int_equal(ask(&r), E_BUSY);
    for (int i = 0; i < 3; i++) {
        fb_end_ask(0, 0);
    }
    assert_string_equal(status_of(&r, 0).state, "limited");
    assert_int_equal(dispatch_capacity(r.d), 0);
    assert_non_null(strstr(dispatch_paused_because(r.d), "3 requests a day"));
    for (int i = 0; i < 30; i++) {  // more than a day, look after look
        pass_ms(&r, 3600000);
    }
    assert_string_equal(dispatch_paused_because(r.d), "");
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    close_rig(&r);
}

// Before the backend is even there, as at the start of a run.
static void what_was_spent_before_counts(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 1, false, false);
    r.terms[0].budget.limits[BUDGET_MONTH].tokens = 1000;
    open_again(&r, false);
    dispatch_serve(r.d, STAND_IN_NEVER);
    dispatch_recall_spent(r.d, "b0", BUDGET_MONTH,
                          &(struct budget_spent){.tokens = 1000});
    fb_end_probe(0, 0);
    assert_int_equal(ask(&r), E_BUSY);
    assert_non_null(strstr(dispatch_paused_because(r.d), "1000 tokens a month"));
    close_rig(&r);
}

static void a_budget_of_money_counts_what_was_told(void **state)
{
    (void)state;
    struct rig r;
    // 400 tokens of prompt each: 0.0008
    open_with_budget(&r, (struct budget_limits){.money = 0.0015});
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    assert_string_equal(dispatch_paused_because(r.d), "");
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    assert_int_equal(ask(&r), E_BUSY);
    assert_non_null(strstr(dispatch_paused_because(r.d), "budget"));
    close_rig(&r);
}

// ---- other terms, while it works

static void other_terms_hold_at_once(void **state)
{
    (void)state;
    struct rig r;
    open_with_budget(&r, (struct budget_limits){.requests = 2});
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(&r), 0);
    }
    assert_int_equal(ask(&r), E_BUSY);
    int before = r.states;
    r.terms[0].budget.limits[BUDGET_DAY].requests = 6;
    r.config.concurrency = 3;
    r.backends[0].keep_alive_s = 77;
    dispatch_configure(r.d, &r.config);
    assert_true(r.states > before);
    assert_int_equal(status_of(&r, 0).limit, 3);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(ask(&r), E_BUSY);  // three at a time
    for (int i = 0; i < 3; i++) {
        fb_end_ask(0, 0);
    }
    r.config.concurrency = 0;  // found by trying again, from what the server says
    dispatch_configure(r.d, &r.config);
    assert_int_equal(status_of(&r, 0).limit, 4);
    r.terms[0].budget.limits[BUDGET_DAY].requests = 3;  // less than was spent
    dispatch_configure(r.d, &r.config);
    assert_int_equal(ask(&r), E_BUSY);
    assert_non_null(strstr(dispatch_paused_because(r.d), "3 requests a day"));
    close_rig(&r);
}

static void the_pause_of_a_server_outlasts_other_terms(void **state)
{
    (void)state;
    struct rig r;
    open_with_budget(&r, (struct budget_limits){0});
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, E_OVERLOAD);
    assert_int_equal(ask(&r), E_BUSY);
    dispatch_configure(r.d, &r.config);
    assert_int_equal(ask(&r), E_BUSY);
    close_rig(&r);
}

// ---- repetitions

static void repetitions_wait_when_they_are_most_of_the_work(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 1, false, false);
    r.config.retry_pct = 20;
    open_again(&r, false);
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb[0].facts.slots = 50;
    fb_end_probe(0, 0);
    assert_int_equal(ask(&r), 0);
    r.is_retry = true;
    int n = 0;
    while (n < 40 && ask(&r) == 0) {
        n++;
    }
    assert_in_range(n, 10, 13);  // one a second over ten, and a fifth of all
    r.is_retry = false;
    assert_int_equal(ask(&r), 0);  // new work goes on
    r.is_retry = true;
    int before = r.capacities;
    pass_ms(&r, 11000);
    assert_true(r.capacities > before);
    assert_int_equal(ask(&r), 0);
    for (int i = 0; i < n + 3; i++) {
        fb_end_ask(0, 0);
    }
    close_rig(&r);
}

static void an_idle_backend_takes_any_repetition(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 1, false, false);
    r.config.retry_pct = 0;
    open_again(&r, false);
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb_end_probe(0, 0);
    r.is_retry = true;
    for (int i = 0; i < 40; i++) {
        assert_int_equal(ask(&r), 0);
        fb_end_ask(0, 0);
    }
    close_rig(&r);
}

// ---- another backend for what failed

static int ask_elsewhere(struct rig *r, const char *avoid)
{
    struct ask *a = &r->asks[r->n_asks];
    *a = (struct ask){
        .may_send = rig_may_send, .app = "app", .window = "", .avoid = avoid};
    int rc = dispatch_try(r->d, a, rig_on_asked);
    r->n_asks += rc == 0;
    return rc;
}

static void what_failed_with_one_goes_to_another(void **state)
{
    (void)state;
    struct rig r;
    open_groups(&r, 3, (const int[]){0, 0, 1});
    assert_int_equal(ask_elsewhere(&r, "b0"), 0);
    assert_int_equal(ask_elsewhere(&r, "b0"), 0);
    assert_int_equal(asked(1), 2);
    assert_int_equal(ask_elsewhere(&r, "b0"), E_BUSY);  // worth waiting for
    fb_end_ask(1, 0);
    fb_end_ask(1, E_NET);
    assert_int_equal(ask_elsewhere(&r, "b0"), 0);
    assert_int_equal(asked(2), 1);  // a later group knows nothing of it either
    fb_end_ask(2, E_NET);
    assert_int_equal(ask_elsewhere(&r, "b0"), 0);
    assert_int_equal(asked(0), 1);  // it is the only one left
    fb_end_ask(0, 0);
    close_rig(&r);
}

// ---- several models of one server

static void models_of_one_server_do_not_take_turns(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 2, false, false);
    r.backends[1].url = r.backends[0].url;
    open_again(&r, false);
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb_end_probe(0, 0);
    fb_end_probe(1, 0);
    fb[0].facts.slots = fb[1].facts.slots = 1;
    assert_int_equal(ask(&r), 0);
    assert_int_equal(ask(&r), E_BUSY);  // the other model would push this one out
    int first = asked(0) ? 0 : 1;
    fb_end_ask(first, 0);
    for (int i = 0; i < 5; i++) {
        fb_now_ms += 10;
        assert_int_equal(ask(&r), 0);
        fb_end_ask(first, 0);
    }
    assert_int_equal(asked(first), 6);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(first, E_MODEL_MISSING);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(asked(1 - first), 1);  // now there is a reason
    fb_end_ask(1 - first, 0);
    close_rig(&r);
}

static void one_server_is_not_made_to_load_one_model_after_the_other(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 3, false, false);
    r.backends[1].url = r.backends[2].url = r.backends[0].url;
    open_again(&r, false);
    for (int i = 0; i < 3; i++) {
        fb[i].facts.slots = 1;
        fb[i].facts.is_loaded = false;
    }
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb_end_probe(0, 0);
    assert_int_equal(fb[0].loads, 0);  // the server may hold one of the others
    fb_end_probe(1, 0);
    fb_end_probe(2, 0);
    assert_int_equal(fb[0].loads, 1);
    assert_int_equal(fb[1].loads + fb[2].loads, 0);
    assert_string_equal(status_of(&r, 1).state, "standby");
    assert_string_equal(status_of(&r, 1).reason, "another model of its server is in use");
    assert_string_equal(dispatch_paused_because(r.d),
                        "b0 is loading: the model is being loaded");
    fb_end_load(0, 0);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(ask(&r), E_BUSY);
    fb_end_ask(0, 0);
    pass_ms(&r, 600000);
    assert_int_equal(fb[1].loads + fb[2].loads, 0);
    close_rig(&r);
}

static void the_next_model_of_a_server_is_loaded_when_the_first_may_not_be_asked(
    void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 2, false, false);
    r.backends[1].url = r.backends[0].url;
    r.terms[0].budget.limits[BUDGET_DAY].requests = 2;
    open_again(&r, false);
    for (int i = 0; i < 2; i++) {
        fb[i].facts.slots = 2;
        fb[i].facts.is_loaded = i == 0;
    }
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb_end_probe(1, 0);
    fb_end_probe(0, 0);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(ask(&r), E_BUSY);
    fb_end_ask(0, 0);
    assert_int_equal(fb[1].loads, 0);  // it would take the room of the one that works
    fb_end_ask(0, 0);
    assert_int_equal(fb[1].loads, 1);
    fb_end_load(1, 0);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(asked(1), 1);
    fb_end_ask(1, 0);
    close_rig(&r);
}

// ---- one bad one of four

static void a_bad_backend_does_not_slow_the_others(void **state)
{
    (void)state;
    struct rig r;
    open_groups(&r, 4, (const int[]){0, 0, 0, 0});
    int wasted = 0;
    for (int round = 0; round < 50; round++) {
        fb_now_ms += 100;
        dispatch_tick(r.d, fb_now_ms);
        int n = 0;
        while (n < 8 && ask(&r) == 0) {
            n++;
        }
        assert_true(n >= 6);  // the three always have all they can take
        for (int i = 0; i < 4; i++) {
            while (fb[i].n_asks > 0) {
                wasted += i == 0;
                fb_end_ask(i, i == 0 ? E_SERVER : 0);
            }
        }
        if (fb[0].probe) {
            fb_end_probe(0, 0);  // it looks well, and is not
        }
        while (r.n_asks > 0) {
            ask_fini(&r.asks[--r.n_asks]);
        }
    }
    assert_in_range(wasted, 3, 12);
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_group_serves_alone_while_it_is_awake),
        cmocka_unit_test(no_model_is_loaded_for_a_group_that_is_not_needed),
        cmocka_unit_test(no_model_is_woken_for_a_group_that_is_not_needed),
        cmocka_unit_test(the_next_group_serves_while_the_first_is_away),
        cmocka_unit_test(with_nobody_awake_work_waits),
        cmocka_unit_test(a_group_whose_server_asks_for_a_pause_lets_the_next_serve),
        cmocka_unit_test(what_may_not_leave_this_machine_goes_to_a_later_group),
        cmocka_unit_test(a_model_of_a_later_group_is_loaded_for_what_can_go_nowhere_else),
        cmocka_unit_test(a_budget_of_requests_ends_at_its_number_and_says_so),
        cmocka_unit_test(what_was_spent_before_counts),
        cmocka_unit_test(a_budget_of_money_counts_what_was_told),
        cmocka_unit_test(other_terms_hold_at_once),
        cmocka_unit_test(the_pause_of_a_server_outlasts_other_terms),
        cmocka_unit_test(repetitions_wait_when_they_are_most_of_the_work),
        cmocka_unit_test(an_idle_backend_takes_any_repetition),
        cmocka_unit_test(what_failed_with_one_goes_to_another),
        cmocka_unit_test(models_of_one_server_do_not_take_turns),
        cmocka_unit_test(one_server_is_not_made_to_load_one_model_after_the_other),
        cmocka_unit_test(
            the_next_model_of_a_server_is_loaded_when_the_first_may_not_be_asked),
        cmocka_unit_test(a_bad_backend_does_not_slow_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
