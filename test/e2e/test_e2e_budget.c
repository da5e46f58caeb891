// test_e2e_budget.c -- a budget that is used up pauses with its reason, and is remembered.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { N = 12, BUDGET = 5 };

static struct proc *begin(struct place *p, const struct fake *f)
{
    return VLMD_START(p, "batch", "--json", "--backend", f->url, "--concurrency", "2",
                      place_path(p, "in"));
}

static void what_was_spent_is_remembered(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    struct rows rows;
    for (int i = 0; i < N; i++) {
        picture_write(place_path(p, "in"), NULL, i);
    }
    fake_start(p, &f, "--slots 4");
    place_config(p,
                 "budget: {requests_per_month: 5, price_input: 2, price_output: 10}\n");
    for (int run = 0; run < 2; run++) {
        struct proc *r = begin(p, &f);
        proc_await(r, &r->err, "the budget of 5 requests a month is used up");
        fake_await_quiet(&f);
        proc_signal(r, SIGTERM);
        proc_expect(r, 130);  // interrupted: the rest is done another day
        fake_totals(&f, &t);
        assert_int_equal(t.answered, BUDGET);  // the second run asks for nothing
    }
    struct proc *r = VLMD_EXPECT(p, 0, "usage", "--json");
    rows_parse(&rows, r->out.text);
    assert_int_equal(rows.n, 1);
    assert_int_equal(number_at(rows.items[0], "requests"), BUDGET);
    assert_int_equal(number_at(rows.items[0], "failed"), 0);
    assert_true(number_at(rows.items[0], "prompt_tokens") > 0);
    assert_true(number_at(rows.items[0], "cost") > 0);
    rows_free(&rows);
    r = VLMD_EXPECT(p, 0, "usage");
    assert_non_null(strstr(r->out.text, "requests"));
    fake_stop(&f);
}

// A dollar a token: the first answer is dearer than the budget, the second one was under
// way by then.
static void money_that_was_spent_is_remembered(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    int answered = 0;
    for (int i = 0; i < N; i++) {
        picture_write(place_path(p, "in"), NULL, i);
    }
    fake_start(p, &f, "--slots 4");
    place_config(p, "budget: {money_per_day: 100, price_input: 1000000, "
                    "price_output: 1000000}\n");
    for (int run = 0; run < 2; run++) {
        struct proc *r = begin(p, &f);
        proc_await(r, &r->err, "the budget of 100.00 a day is used up");
        fake_await_quiet(&f);
        proc_signal(r, SIGTERM);
        proc_expect(r, 130);
        fake_totals(&f, &t);
        assert_in_range(t.answered, 1, 2);
        assert_int_equal(t.answered, run ? answered : t.answered);
        answered = t.answered;
    }
    fake_stop(&f);
}

static void without_a_budget_all_are_asked(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    for (int i = 0; i < N; i++) {
        picture_write(place_path(p, "in"), NULL, i);
    }
    fake_start(p, &f, "--slots 4");
    proc_expect(begin(p, &f), 0);
    fake_totals(&f, &t);
    assert_int_equal(t.answered, N);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_spent_is_remembered, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(money_that_was_spent_is_remembered, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(without_a_budget_all_are_asked, place_setup,
                                        place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
