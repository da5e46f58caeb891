// test_guard.c -- tables of (state, input, now) and the decision expected.
// SPDX-License-Identifier: MIT
#include "guard/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

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
        case OK: breaker_success(&b); break;
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
