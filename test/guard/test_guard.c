// test_guard.c -- tables of (state, input, now) and the decision expected.
// SPDX-License-Identifier: MIT
#include "guard/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define HALF 0x80000000u
#define MOST 0xffffffffu

static void retry_waits_as_the_table_says(void **state)
{
    (void)state;
    static const struct {
        int attempt;
        int64_t retry_after_ms;
        uint32_t random;
        int64_t expected_ms;
    } rows[] = {
        {1, -1, 0, 0},
        {1, -1, HALF, 250},
        {1, -1, MOST, 500},
        {2, -1, HALF, 500},
        {2, -1, MOST, 1000},
        {3, -1, MOST, 2000},
        {7, -1, MOST, 32000},
        {8, -1, MOST, 60000},
        {8, -1, HALF, 30000},
        {1000000, -1, MOST, 60000},
        {0, -1, MOST, 500},
        {-5, -1, MOST, 500},
        {1, 0, 0, 0},
        {1, 700, MOST, 700},
        {1, 499, MOST, 500},
        {8, 30000, 0, 30000},
        {1, 3600000, MOST, 3600000},
    };
    struct retry_config c;
    retry_config_default(&c);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(
            retry_delay_ms(&c, rows[i].attempt, rows[i].retry_after_ms, rows[i].random),
            rows[i].expected_ms);
    }
}

static void retry_survives_any_configuration(void **state)
{
    (void)state;
    struct retry_config huge = {.base_ms = INT64_MAX, .cap_ms = INT64_MAX};
    assert_int_equal(retry_delay_ms(&huge, 60, -1, MOST), INT32_MAX);
    struct retry_config base_over_cap = {.base_ms = 900, .cap_ms = 100};
    assert_int_equal(retry_delay_ms(&base_over_cap, 3, -1, MOST), 100);
    struct retry_config none = {0};
    assert_int_equal(retry_delay_ms(&none, 3, -1, MOST), 0);
    struct retry_config negative = {.base_ms = -7, .cap_ms = -7};
    assert_int_equal(retry_delay_ms(&negative, 3, -1, MOST), 0);
}

static void retry_stops_after_the_last_attempt(void **state)
{
    (void)state;
    struct retry_config c;
    retry_config_default(&c);
    assert_int_equal(c.max_attempts, 4);
    assert_true(retry_may_again(&c, 0));
    assert_true(retry_may_again(&c, 3));
    assert_false(retry_may_again(&c, 4));
    assert_false(retry_may_again(&c, 5));
}

// ---- breaker: what happens, at what time, and what must be seen after it

enum act { ALLOW, REFUSE, OK, FAIL, TRIP, ABANDON };

struct move {
    int64_t now_ms;
    enum act act;
    int64_t min_ms;  // TRIP
    uint32_t random;
    enum breaker_state state;
    int64_t until_ms;  // OPEN only
};

static void play(const struct breaker_config *c, const struct move *moves, size_t n)
{
    struct breaker b = {0};
    for (size_t i = 0; i < n; i++) {
        const struct move *m = &moves[i];
        switch (m->act) {
        case ALLOW: assert_true(breaker_allow(&b, m->now_ms)); break;
        case REFUSE: assert_false(breaker_allow(&b, m->now_ms)); break;
        case OK: breaker_success(&b, m->now_ms); break;
        case FAIL: breaker_failure(&b, c, m->now_ms, m->random); break;
        case TRIP: breaker_trip(&b, c, m->now_ms, m->min_ms, m->random); break;
        case ABANDON: breaker_abandon(&b); break;
        }
        if (b.state != m->state) {
            fail_msg("move %zu: %s instead of %s", i, breaker_state_name(b.state),
                     breaker_state_name(m->state));
        }
        if (m->state == BREAKER_OPEN && b.until_ms != m->until_ms) {
            fail_msg("move %zu: until %lld instead of %lld", i, (long long)b.until_ms,
                     (long long)m->until_ms);
        }
    }
}

#define PLAY(moves) play(&config, moves, sizeof(moves) / sizeof((moves)[0]))
#define CLOSED      BREAKER_CLOSED, 0
#define HALF_OPEN   BREAKER_HALF_OPEN, 0

static void breaker_opens_after_failures_in_a_row(void **state)
{
    (void)state;
    struct breaker_config config;
    breaker_config_default(&config);
    config.ratio_pct = 0;
    static const struct move moves[] = {
        {0, ALLOW, 0, 0, CLOSED},
        {0, FAIL, 0, 0, CLOSED},
        {0, FAIL, 0, 0, CLOSED},
        {0, OK, 0, 0, CLOSED},  // counts in a row only
        {10, FAIL, 0, 0, CLOSED},
        {20, FAIL, 0, 0, CLOSED},
        {30, ALLOW, 0, 0, CLOSED},
        {40, FAIL, 0, HALF, BREAKER_OPEN, 1040},
        {40, REFUSE, 0, 0, BREAKER_OPEN, 1040},
        {1039, REFUSE, 0, 0, BREAKER_OPEN, 1040},
        {1040, ALLOW, 0, 0, HALF_OPEN},
        {1040, REFUSE, 0, 0, HALF_OPEN},
        {99999, REFUSE, 0, 0, HALF_OPEN},
        {99999, OK, 0, 0, CLOSED},
        {99999, ALLOW, 0, 0, CLOSED},
        {99999, ALLOW, 0, 0, CLOSED},
    };
    PLAY(moves);
}

static void breaker_doubles_the_pause_up_to_its_cap(void **state)
{
    (void)state;
    static const struct breaker_config config = {
        .failures = 1, .open_ms = 1000, .cap_ms = 5000};
    static const struct move moves[] = {
        {0, FAIL, 0, HALF, BREAKER_OPEN, 1000},
        {1000, ALLOW, 0, 0, HALF_OPEN},
        {1000, FAIL, 0, HALF, BREAKER_OPEN, 3000},
        {3000, ALLOW, 0, 0, HALF_OPEN},
        {3000, FAIL, 0, HALF, BREAKER_OPEN, 7000},
        {7000, ALLOW, 0, 0, HALF_OPEN},
        {7000, FAIL, 0, HALF, BREAKER_OPEN, 12000},
        {12000, ALLOW, 0, 0, HALF_OPEN},
        {12000, FAIL, 0, 0, BREAKER_OPEN, 16000},  // 20 % less
        {16000, ALLOW, 0, 0, HALF_OPEN},
        {16000, FAIL, 0, MOST, BREAKER_OPEN, 22000},  // 20 % more
        {22000, ALLOW, 0, 0, HALF_OPEN},
        {22000, OK, 0, 0, CLOSED},
        {22000, FAIL, 0, HALF, BREAKER_OPEN, 23000},  // a success forgets the doubling
    };
    PLAY(moves);
}

static void breaker_ignores_stragglers_while_open(void **state)
{
    (void)state;
    static const struct breaker_config config = {
        .failures = 2, .open_ms = 1000, .cap_ms = 60000};
    static const struct move moves[] = {
        {0, FAIL, 0, HALF, CLOSED},
        {0, FAIL, 0, HALF, BREAKER_OPEN, 1000},
        {500, FAIL, 0, HALF, BREAKER_OPEN, 1000},
        {600, FAIL, 0, HALF, BREAKER_OPEN, 1000},
        {1000, ALLOW, 0, 0, HALF_OPEN},
        {1000, FAIL, 0, HALF, BREAKER_OPEN, 3000},
        {1500, OK, 0, 0, CLOSED},
    };
    PLAY(moves);
}

static void breaker_trips_at_once(void **state)
{
    (void)state;
    struct breaker_config config;
    breaker_config_default(&config);
    static const struct move moves[] = {
        {0, TRIP, 0, HALF, BREAKER_OPEN, 1000},
        {10, TRIP, 300, HALF, BREAKER_OPEN, 1000},  // shorter than what is left
        {20, TRIP, 5000, HALF, BREAKER_OPEN, 5020},
        {5020, ALLOW, 0, 0, HALF_OPEN},
        {5020, TRIP, 0, HALF, BREAKER_OPEN, 7020},  // a probe that failed: doubled
        {7020, ALLOW, 0, 0, HALF_OPEN},
        {7020, OK, 0, 0, CLOSED},
        {7020, TRIP, 30000, HALF, BREAKER_OPEN, 37020},
    };
    PLAY(moves);
}

static void breaker_lets_another_probe_go_when_one_is_abandoned(void **state)
{
    (void)state;
    static const struct breaker_config config = {
        .failures = 1, .open_ms = 100, .cap_ms = 100};
    static const struct move moves[] = {
        {0, FAIL, 0, HALF, BREAKER_OPEN, 100}, {100, ALLOW, 0, 0, HALF_OPEN},
        {100, REFUSE, 0, 0, HALF_OPEN},        {100, ABANDON, 0, 0, HALF_OPEN},
        {100, ALLOW, 0, 0, HALF_OPEN},         {100, REFUSE, 0, 0, HALF_OPEN},
    };
    PLAY(moves);
}

static void breaker_survives_any_configuration(void **state)
{
    (void)state;
    struct breaker_config c = {.failures = 1, .open_ms = INT64_MAX, .cap_ms = INT64_MAX};
    struct breaker b = {.failures = INT32_MAX, .opens = INT32_MAX};
    breaker_failure(&b, &c, 0, MOST);
    assert_int_equal(b.state, BREAKER_OPEN);
    assert_true(b.until_ms > INT32_MAX && b.until_ms <= (int64_t)INT32_MAX * 6 / 5);
    assert_int_equal(b.opens, INT32_MAX);
    assert_int_equal(b.failures, INT32_MAX);
}

static void breaker_opens_when_half_of_the_last_ones_failed(void **state)
{
    (void)state;
    struct breaker_config config;
    breaker_config_default(&config);
    static const struct move moves[] = {
        {0, FAIL, 0, 0, CLOSED},
        {1, OK, 0, 0, CLOSED},
        {2, FAIL, 0, 0, CLOSED},
        {3, OK, 0, 0, CLOSED},  // never two in a row, but half of them
        {4, FAIL, 0, HALF, BREAKER_OPEN, 1004},
        {1004, ALLOW, 0, 0, HALF_OPEN},
        {1004, OK, 0, 0, CLOSED},
        {1005, FAIL, 0, 0, CLOSED},  // what was before is forgotten
        {1006, FAIL, 0, 0, CLOSED},
        {1007, FAIL, 0, HALF, BREAKER_OPEN, 2007},
    };
    PLAY(moves);
}

static void breaker_forgets_failures_of_long_ago(void **state)
{
    (void)state;
    struct breaker_config config;
    breaker_config_default(&config);
    static const struct move moves[] = {
        {0, FAIL, 0, 0, CLOSED},
        {1, OK, 0, 0, CLOSED},
        {2, FAIL, 0, 0, CLOSED},
        {3, OK, 0, 0, CLOSED},
        {30003, FAIL, 0, 0, CLOSED},  // the first of its window
        {30004, OK, 0, 0, CLOSED},
        {30005, OK, 0, 0, CLOSED},
        {30006, OK, 0, 0, CLOSED},
        {30007, FAIL, 0, 0, CLOSED},                  // 2 of 5
        {30008, FAIL, 0, HALF, BREAKER_OPEN, 31008},  // 3 of 6
    };
    PLAY(moves);
}

static void breaker_looks_at_no_more_than_its_window_holds(void **state)
{
    (void)state;
    struct breaker_config c;
    struct breaker b = {0};
    breaker_config_default(&c);
    for (int i = 0; i < 1000; i++) {  // one of three fails, for ever
        if (i % 3) {
            breaker_success(&b, i);
        } else {
            breaker_failure(&b, &c, i, HALF);
        }
        assert_int_equal(b.state, BREAKER_CLOSED);
    }
}

static void breaker_presets_pause_a_minute_each_time(void **state)
{
    (void)state;
    struct breaker_config config;
    breaker_config_preset(&config, BREAKER_3_60);
    static const struct move three[] = {
        {0, FAIL, 0, 0, CLOSED},
        {0, FAIL, 0, 0, CLOSED},
        {0, FAIL, 0, HALF, BREAKER_OPEN, 60000},
        {59999, REFUSE, 0, 0, BREAKER_OPEN, 60000},
        {60000, ALLOW, 0, 0, HALF_OPEN},
        {60000, REFUSE, 0, 0, HALF_OPEN},  // one probe
        {60000, FAIL, 0, HALF, BREAKER_OPEN, 120000},
    };
    PLAY(three);
    breaker_config_preset(&config, BREAKER_5_60);
    static const struct move five[] = {
        {0, FAIL, 0, 0, CLOSED},
        {0, FAIL, 0, 0, CLOSED},
        {0, FAIL, 0, 0, CLOSED},
        {0, OK, 0, 0, CLOSED},
        {0, FAIL, 0, 0, CLOSED},
        {0, FAIL, 0, 0, CLOSED},
        {0, FAIL, 0, 0, CLOSED},
        {0, FAIL, 0, 0, CLOSED},
        {0, FAIL, 0, HALF, BREAKER_OPEN, 60000},
    };
    PLAY(five);
}

// ---- retry budget

static void repetitions_are_a_fifth_and_one_a_second(void **state)
{
    (void)state;
    struct retry_budget b = {0};
    for (int i = 0; i < 100; i++) {
        retry_budget_began(&b, false, 1000);
    }
    int n = 0;
    while (retry_budget_wait_ms(&b, 20, 1500) == 0) {
        retry_budget_began(&b, true, 1500);
        n++;
    }
    // n < (100 + n + 1) / 5 + 10 for the last one
    assert_in_range(n, 36, 38);
    assert_int_equal(retry_budget_wait_ms(&b, 20, 1500), 500);
    assert_int_equal(retry_budget_wait_ms(&b, 100, 1500), 0);
    assert_true(retry_budget_wait_ms(&b, 20, 10999) > 0);
    assert_int_equal(retry_budget_wait_ms(&b, 20, 11000), 0);  // ten seconds are over
}

static void repetitions_of_a_quiet_backend_are_few_a_second(void **state)
{
    (void)state;
    struct retry_budget b = {0};
    int n = 0;
    for (int64_t ms = 0; ms < 60000; ms += 50) {
        if (retry_budget_wait_ms(&b, 20, ms) == 0) {
            retry_budget_began(&b, true, ms);
            n++;
        }
    }
    assert_in_range(n, 60, 90);
    struct retry_budget back = {.second = 50};  // a clock that went back is waited for
    retry_budget_began(&back, true, 1000);
    assert_int_equal(back.second, 50);
    assert_int_equal(back.n_again, 1);
}

// ---- budgets

static void budgets_hold_until_the_span_is_over(void **state)
{
    (void)state;
    struct budget_config c = {.limits = {{.requests = 2}, {.tokens = 1000}}};
    struct budget_calendar cal = {{1000, 9000}};
    struct budget b = {0};
    char words[160] = "";
    budget_turn(&b, &cal, 10);
    budget_began(&b);
    assert_int_equal(budget_blocks_until_ms(&b, &c, words, sizeof(words)), 0);
    budget_began(&b);
    assert_int_equal(budget_blocks_until_ms(&b, &c, words, sizeof(words)), 1000);
    assert_string_equal(words, "the budget of 2 requests a day is used up");
    budget_ended(&b, 600, 300, 0);
    cal = (struct budget_calendar){{2000, 9000}};
    budget_turn(&b, &cal, 1000);
    assert_int_equal(budget_blocks_until_ms(&b, &c, words, sizeof(words)), 0);
    budget_ended(&b, 50, 50, 0);  // the month goes on
    assert_int_equal(budget_blocks_until_ms(&b, &c, words, sizeof(words)), 9000);
    assert_string_equal(words, "the budget of 1000 tokens a month is used up");
    budget_ended(&b, -1, -1, 0);  // not told: nothing to add
    assert_int_equal(b.spent[BUDGET_MONTH].tokens, 1000);
}

static void budgets_know_what_was_spent_before(void **state)
{
    (void)state;
    struct budget_config c = {.limits = {{.money = 1.0}, {0}}, .prices = {2.5, 10}};
    struct budget_calendar cal = {{1000, 9000}};
    struct budget b = {0};
    char words[160];
    budget_turn(&b, &cal, 10);
    budget_recall(&b, BUDGET_DAY, &(struct budget_spent){.requests = 7, .money = 0.99});
    assert_int_equal(budget_blocks_until_ms(&b, &c, words, sizeof(words)), 0);
    budget_ended(&b, 4000, 0, budget_price(&c.prices, 4000, 0));
    assert_int_equal(budget_blocks_until_ms(&b, &c, words, sizeof(words)), 1000);
    assert_true(budget_price(&c.prices, 1000000, 100000) == 3.5);
}

static void days_and_months_end_at_midnight(void **state)
{
    (void)state;
    struct budget_calendar cal;
    setenv("TZ", "UTC0", 1);
    tzset();
    budget_calendar_at(1709164800000, &cal);  // 2024-02-29 00:00
    assert_int_equal(cal.until_ms[BUDGET_DAY], 1709251200000);
    assert_int_equal(cal.until_ms[BUDGET_MONTH], 1709251200000);
    budget_calendar_at(1735603200000 - 1, &cal);  // 2024-12-30 23:59:59.999
    assert_int_equal(cal.until_ms[BUDGET_DAY], 1735603200000);
    assert_int_equal(cal.until_ms[BUDGET_MONTH], 1735689600000);  // 2025-01-01
}

static void breaker_states_have_names(void **state)
{
    (void)state;
    assert_string_equal(breaker_state_name(BREAKER_CLOSED), "closed");
    assert_string_equal(breaker_state_name(BREAKER_OPEN), "open");
    assert_string_equal(breaker_state_name(BREAKER_HALF_OPEN), "half-open");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_waits_as_the_table_says),
        cmocka_unit_test(retry_survives_any_configuration),
        cmocka_unit_test(retry_stops_after_the_last_attempt),
        cmocka_unit_test(breaker_opens_after_failures_in_a_row),
        cmocka_unit_test(breaker_doubles_the_pause_up_to_its_cap),
        cmocka_unit_test(breaker_ignores_stragglers_while_open),
        cmocka_unit_test(breaker_trips_at_once),
        cmocka_unit_test(breaker_lets_another_probe_go_when_one_is_abandoned),
        cmocka_unit_test(breaker_survives_any_configuration),
        cmocka_unit_test(breaker_states_have_names),
        cmocka_unit_test(breaker_opens_when_half_of_the_last_ones_failed),
        cmocka_unit_test(breaker_forgets_failures_of_long_ago),
        cmocka_unit_test(breaker_looks_at_no_more_than_its_window_holds),
        cmocka_unit_test(breaker_presets_pause_a_minute_each_time),
        cmocka_unit_test(repetitions_are_a_fifth_and_one_a_second),
        cmocka_unit_test(repetitions_of_a_quiet_backend_are_few_a_second),
        cmocka_unit_test(budgets_hold_until_the_span_is_over),
        cmocka_unit_test(budgets_know_what_was_spent_before),
        cmocka_unit_test(days_and_months_end_at_midnight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
