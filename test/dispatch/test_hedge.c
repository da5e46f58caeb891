// test_hedge.c -- a second backend is asked when somebody waits and the first is late.
// SPDX-License-Identifier: MIT
#include "dispatch/dispatch_rig.h"

#include <stdio.h>
#include <string.h>

enum { USUAL_MS = 50, MANY = 120 };

static struct ask late;
static int ended;  // err + 1000; 0 = under way
static int gate_calls;
static const char *gate_refuses;

static void on_late(struct ask *a, int err)
{
    assert_ptr_equal(a, &late);
    assert_int_equal(ended, 0);
    ended = err + 1000;
}

static enum ask_pass gate(struct ask *a, const char *backend, bool is_remote, char *why,
                          size_t size)
{
    (void)is_remote;
    assert_ptr_equal(a, &late);  // judged for this picture
    gate_calls++;
    snprintf(why, size, "rule");
    return gate_refuses && strcmp(gate_refuses, backend) == 0 ? ASK_REFUSED : ASK_ALLOWED;
}

// Two backends that have answered often enough to be known.
static void begin(struct rig *r, int n)
{
    make_ready(r, n);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(ask(r), 0);
        for (int b = 0; b < n; b++) {
            if (fb[b].n_asks > 0) {
                fb_end_ask(b, 0);
            }
        }
        answer_fini(&r->asks[0].answer);
        r->n_asks = 0;
    }
    ended = gate_calls = 0;
    gate_refuses = NULL;
}

static int ask_late(struct rig *r, bool is_interactive)
{
    late = (struct ask){
        .may_send = gate, .app = "app", .window = "", .is_interactive = is_interactive};
    return dispatch_try(r->d, &late, on_late);
}

static int first_of(void)
{
    return fb[0].n_asks > 0 ? 0 : 1;
}

static void finish(struct rig *r)
{
    ask_fini(&late);
    close_rig(r);
}

static void the_first_answer_wins_and_the_other_is_cancelled(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, 2);
    assert_int_equal(ask_late(&r, true), 0);
    int first = first_of(), second = 1 - first;
    pass_ms(&r, USUAL_MS - 1);
    assert_int_equal(fb[second].n_asks, 0);
    int asked_gate = gate_calls;
    pass_ms(&r, 1000);
    assert_int_equal(fb[second].n_asks, 1);
    assert_true(gate_calls > asked_gate);  // the gate was asked for that one, too
    fb_end_ask(second, 0);
    assert_int_equal(ended, 0);  // not before both are over: they share the picture
    assert_int_equal(fb[first].cancels, 1);
    fb_end_ask(first, E_CANCELED);
    assert_int_equal(ended, 1000);
    char name[16];
    snprintf(name, sizeof(name), "b%d", second);
    assert_string_equal(late.backend, name);
    snprintf(name, sizeof(name), "b%d", first);
    assert_string_equal(late.also_backend, name);
    assert_non_null(late.answer.summary);
    finish(&r);
}

// Whoever answers, both are paid.
static void each_is_charged_for_what_it_was_asked(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++) {
        struct rig r;
        begin(&r, 2);
        r.terms[0].budget.prices.input = 1000;  // of 400 tokens: 0.4
        r.terms[1].budget.prices.input = 2000;
        assert_int_equal(ask_late(&r, true), 0);
        int first = first_of(), second = 1 - first;
        double price[] = {0.4, 0.8};
        pass_ms(&r, 1000);
        int loser = which == 0 ? second : first, winner = 1 - loser;
        if (which == 2) {  // it has failed before the other answers
            fb_end_ask(loser, E_SCHEMA);
            fb_end_ask(winner, 0);
        } else {
            fb_end_ask(winner, 0);
            fb_end_ask(loser, E_CANCELED);
        }
        assert_int_equal(ended, 1000);
        assert_string_equal(late.backend, winner ? "b1" : "b0");
        assert_string_equal(late.also_backend, loser ? "b1" : "b0");
        assert_true(late.cost > price[winner] - 0.01 && late.cost < price[winner] + 0.01);
        assert_true(late.also_cost > price[loser] - 0.01 &&
                    late.also_cost < price[loser] + 0.01);
        assert_int_equal(late.also_prompt_tokens, 400);
        finish(&r);
    }
}

static void another_model_s_times_are_not_this_one_s(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, 2);
    double latency_ms = status_of(&r, 0).latency_ms;
    assert_true(latency_ms > 0 && status_of(&r, 1).latency_ms > 0);
    for (int i = 0; i < 2; i++) {  // both go away, and come back: one with another model
        fb[0].facts.slots = fb[1].facts.slots = 1;
        assert_int_equal(ask_late(&r, false), 0);
        fb_end_ask(first_of(), E_NET);
        assert_int_equal(ended, 1000 + E_NET);
        ended = 0;
        ask_fini(&late);
    }
    snprintf(fb[1].facts.model, sizeof(fb[1].facts.model), "another");
    pass_ms(&r, 600000);
    fb_end_probe(0, 0);
    fb_end_probe(1, 0);
    assert_true(status_of(&r, 0).latency_ms == latency_ms);
    assert_true(status_of(&r, 1).latency_ms == 0);
    close_rig(&r);
}

static void the_first_one_may_win_as_well(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, 2);
    assert_int_equal(ask_late(&r, true), 0);
    int first = first_of(), second = 1 - first;
    pass_ms(&r, 1000);
    fb_end_ask(first, 0);
    assert_int_equal(ended, 0);
    assert_int_equal(fb[second].cancels, 1);
    fb_end_ask(second, E_CANCELED);
    assert_int_equal(ended, 1000);
    finish(&r);
}

static void one_failure_is_made_up_for_by_the_other(void **state)
{
    (void)state;
    for (int which = 0; which < 2; which++) {
        struct rig r;
        begin(&r, 2);
        assert_int_equal(ask_late(&r, true), 0);
        int first = first_of(), second = 1 - first;
        pass_ms(&r, 1000);
        int fails = which ? first : second, answers = which ? second : first;
        fb_end_ask(fails, E_SCHEMA);
        assert_int_equal(ended, 0);
        fb_end_ask(answers, 0);
        assert_int_equal(ended, 1000);
        finish(&r);
    }
}

static void two_failures_are_the_first_one_s(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, 2);
    assert_int_equal(ask_late(&r, true), 0);
    int first = first_of(), second = 1 - first;
    pass_ms(&r, 1000);
    fb_end_ask(first, E_SCHEMA);
    fb_end_ask(second, E_EMPTY);
    assert_int_equal(ended, 1000 + E_SCHEMA);
    finish(&r);
}

static void a_cancel_ends_both(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, 2);
    assert_int_equal(ask_late(&r, true), 0);
    int first = first_of(), second = 1 - first;
    pass_ms(&r, 1000);
    dispatch_cancel(r.d, &late);
    assert_int_equal(fb[first].cancels, 1);
    assert_int_equal(fb[second].cancels, 1);
    fb_end_ask(first, E_CANCELED);
    assert_int_equal(ended, 0);
    fb_end_ask(second, E_CANCELED);
    assert_int_equal(ended, 1000 + E_CANCELED);
    finish(&r);
}

static void what_the_gate_refuses_is_not_asked(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, 2);
    assert_int_equal(ask_late(&r, true), 0);
    int first = first_of();
    gate_refuses = first ? "b0" : "b1";
    pass_ms(&r, 1000);
    assert_int_equal(fb[1 - first].n_asks, 0);
    fb_end_ask(first, 0);
    assert_int_equal(ended, 1000);
    finish(&r);
}

static void nobody_waits_for_a_batch(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, 2);
    assert_int_equal(ask_late(&r, false), 0);
    int first = first_of();
    pass_ms(&r, 100000);
    assert_int_equal(fb[1 - first].n_asks, 0);
    fb_end_ask(first, 0);
    finish(&r);
}

static void two_of_a_hundred_at_most(void **state)
{
    (void)state;
    struct rig r;
    int hedged = 0;
    begin(&r, 2);
    for (int i = 0; i < 100; i++) {
        ended = 0;
        assert_int_equal(ask_late(&r, true), 0);
        int first = first_of(), second = 1 - first;
        pass_ms(&r, 1000);
        hedged += fb[second].n_asks > 0;
        fb_end_ask(first, 0);
        if (fb[second].n_asks > 0) {
            fb_end_ask(second, E_CANCELED);
        }
        assert_int_equal(ended, 1000);
        ask_fini(&late);
    }
    assert_in_range(hedged, 3, (MANY + 100) * 2 / 100);
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_answer_wins_and_the_other_is_cancelled),
        cmocka_unit_test(each_is_charged_for_what_it_was_asked),
        cmocka_unit_test(another_model_s_times_are_not_this_one_s),
        cmocka_unit_test(the_first_one_may_win_as_well),
        cmocka_unit_test(one_failure_is_made_up_for_by_the_other),
        cmocka_unit_test(two_failures_are_the_first_one_s),
        cmocka_unit_test(a_cancel_ends_both),
        cmocka_unit_test(what_the_gate_refuses_is_not_asked),
        cmocka_unit_test(nobody_waits_for_a_batch),
        cmocka_unit_test(two_of_a_hundred_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
