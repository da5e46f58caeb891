// test_alert.c -- alerts: when one fires, when it has recovered, when it stays quiet.
// SPDX-License-Identifier: MIT
#include "guard/alert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { S = 1000, MIN = 60 * S };

struct step {
    int64_t at_ms;
    double value;
    enum alert_news news;
};

static void run(enum alert_rule r, const struct step *steps, size_t n)
{
    struct alert_config c;
    struct alerts a = {0};
    alert_config_default(&c);
    for (size_t i = 0; i < n; i++) {
        struct alert_sample s = {0};
        s.value[r] = steps[i].value;
        s.is_known[r] = true;
        enum alert_news news = alert_judge(&a, &c, &s, r, steps[i].at_ms);
        if (news != steps[i].news) {
            fail_msg("%s: step %zu: %d, not %d", alert_name(r), i, (int)news,
                     (int)steps[i].news);
        }
    }
}

#define RUN(rule, ...)                                                                   \
    do {                                                                                 \
        static const struct step steps[] = {__VA_ARGS__};                                \
        run(rule, steps, sizeof(steps) / sizeof(steps[0]));                              \
    } while (0)

static void it_fires_once_after_its_time(void **state)
{
    (void)state;
    RUN(ALERT_MEMORY, {1 * S, 79.9, ALERT_NOTHING}, {30 * S, 80, ALERT_NOTHING},
        {89 * S, 95, ALERT_NOTHING}, {90 * S, 81, ALERT_FIRED},
        {120 * S, 99, ALERT_NOTHING});
}

static void a_dip_begins_the_time_anew(void **state)
{
    (void)state;
    RUN(ALERT_CPU, {1 * MIN, 90, ALERT_NOTHING}, {5 * MIN, 50, ALERT_NOTHING},
        {6 * MIN, 90, ALERT_NOTHING}, {7 * MIN, 90, ALERT_NOTHING},
        {11 * MIN, 90, ALERT_FIRED});
}

static void recovery_is_told_once_and_not_at_the_first_dip(void **state)
{
    (void)state;
    RUN(ALERT_MEMORY_CRITICAL, {1 * S, 95, ALERT_NOTHING}, {31 * S, 95, ALERT_FIRED},
        {40 * S, 60, ALERT_NOTHING}, {70 * S, 95, ALERT_NOTHING},
        {80 * S, 60, ALERT_NOTHING}, {139 * S, 60, ALERT_NOTHING},
        {140 * S, 60, ALERT_RECOVERED}, {200 * S, 60, ALERT_NOTHING});
}

static void after_a_recovery_it_is_quiet_for_the_cooldown(void **state)
{
    (void)state;
    RUN(ALERT_STALLED, {1 * S, 20, ALERT_FIRED}, {2 * S, 0, ALERT_NOTHING},
        {62 * S, 0, ALERT_RECOVERED}, {63 * S, 20, ALERT_NOTHING},
        {62 * S + 15 * MIN - 1, 20, ALERT_NOTHING}, {62 * S + 15 * MIN, 20, ALERT_FIRED});
}

static void a_disk_fires_below(void **state)
{
    (void)state;
    RUN(ALERT_DISK, {1 * S, 512, ALERT_NOTHING}, {2 * S, 511, ALERT_FIRED},
        {3 * S, 400, ALERT_NOTHING}, {4 * S, 9000, ALERT_NOTHING},
        {64 * S, 9000, ALERT_RECOVERED});
}

static void health_needs_two_failures(void **state)
{
    (void)state;
    RUN(ALERT_HEALTH, {1 * S, 1, ALERT_NOTHING}, {2 * S, 0, ALERT_NOTHING},
        {3 * S, 1, ALERT_NOTHING}, {4 * S, 2, ALERT_FIRED});
}

static void a_rule_without_threshold_is_off(void **state)
{
    (void)state;
    RUN(ALERT_PROCESS_MEMORY, {1 * S, 1e9, ALERT_NOTHING},
        {1000 * S, 1e9, ALERT_NOTHING});
}

static void what_is_not_known_changes_nothing(void **state)
{
    (void)state;
    struct alert_config c;
    struct alerts a = {0};
    struct alert_sample s = {0}, none = {0};
    alert_config_default(&c);
    s.value[ALERT_DISK] = 10;
    s.is_known[ALERT_DISK] = true;
    assert_int_equal(alert_judge(&a, &c, &none, ALERT_DISK, 1), ALERT_NOTHING);
    assert_false(alert_is_open(&a));
    assert_int_equal(alert_judge(&a, &c, &s, ALERT_DISK, 2), ALERT_FIRED);
    assert_true(alert_is_open(&a));
    assert_int_equal(alert_judge(&a, &c, &none, ALERT_DISK, 10 * MIN), ALERT_NOTHING);
    assert_true(alert_is_open(&a));
}

// The numbers that the documentation gives.
static void the_defaults_are_those_that_are_told(void **state)
{
    (void)state;
    static const struct {
        enum alert_rule rule;
        double threshold;
        int64_t for_ms;
    } want[] = {
        {ALERT_MEMORY, 80, 60 * S},      {ALERT_MEMORY_CRITICAL, 90, 30 * S},
        {ALERT_ERRORS, 5, 60 * S},       {ALERT_CPU, 80, 300 * S},
        {ALERT_DESCRIPTORS, 80, 60 * S}, {ALERT_HEALTH, 2, 0},
        {ALERT_SLOW_QUERIES, 1, 0},      {ALERT_BUDGET, 80, 0},
    };
    struct alert_config c;
    alert_config_default(&c);
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        assert_true(c.threshold[want[i].rule] == want[i].threshold);
        assert_int_equal(c.for_ms[want[i].rule], want[i].for_ms);
    }
    for (int r = 0; r < ALERT_RULES; r++) {
        assert_non_null(alert_name((enum alert_rule)r));
        assert_true(strlen(alert_words((enum alert_rule)r)) > 0);
        assert_true(strlen(alert_unit((enum alert_rule)r)) > 0);
    }
    assert_string_equal(alert_severity_name(alert_severity(ALERT_HEALTH)), "critical");
    assert_string_equal(alert_severity_name(alert_severity(ALERT_CPU)), "warning");
}

static void few_requests_tell_no_rate(void **state)
{
    (void)state;
    double pct = -1;
    assert_false(alert_error_pct(19, 19, &pct));
    assert_true(alert_error_pct(20, 1, &pct));
    assert_true(pct == 5);
    assert_true(alert_error_pct(200, 0, &pct));
    assert_true(pct == 0);
}

// Else it would be looked at for ever.
static void a_rule_that_is_switched_off_recovers(void **state)
{
    (void)state;
    struct alerts a = {0};
    struct alert_config c;
    struct alert_sample s = {0};
    alert_config_default(&c);
    s.value[ALERT_DISK] = 1;
    s.is_known[ALERT_DISK] = true;
    assert_int_equal(alert_judge(&a, &c, &s, ALERT_DISK, 1000), ALERT_FIRED);
    assert_true(alert_is_open(&a));
    c.threshold[ALERT_DISK] = 0;
    s.is_known[ALERT_DISK] = false;
    assert_int_equal(alert_judge(&a, &c, &s, ALERT_DISK, 2000), ALERT_RECOVERED);
    assert_int_equal(alert_judge(&a, &c, &s, ALERT_DISK, 3000), ALERT_NOTHING);
    assert_false(alert_is_open(&a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_fires_once_after_its_time),
        cmocka_unit_test(a_dip_begins_the_time_anew),
        cmocka_unit_test(recovery_is_told_once_and_not_at_the_first_dip),
        cmocka_unit_test(after_a_recovery_it_is_quiet_for_the_cooldown),
        cmocka_unit_test(a_disk_fires_below),
        cmocka_unit_test(health_needs_two_failures),
        cmocka_unit_test(a_rule_without_threshold_is_off),
        cmocka_unit_test(what_is_not_known_changes_nothing),
        cmocka_unit_test(the_defaults_are_those_that_are_told),
        cmocka_unit_test(few_requests_tell_no_rate),
        cmocka_unit_test(a_rule_that_is_switched_off_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
