// test_series.c -- what was done, by minute, hour and day.
// SPDX-License-Identifier: MIT
#include "store/storekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

// 2026-11-29 12:00 UTC
static const int64_t noon_ms = INT64_C(1795953600) * 1000;

static int set_up(void **state)
{
    struct kit *k = malloc(sizeof(*k));
    setenv("TZ", "UTC0", 1);
    tzset();
    kit_init(k);
    kit_must_open(k);
    *state = k;
    return 0;
}

static int tear_down(void **state)
{
    struct kit *k = *state;
    kit_fini(k);
    free(k);
    return 0;
}

static int try_add(struct kit *k, int64_t at_ms, int answered, int64_t latency_us)
{
    struct store_series_add *a = calloc(1, sizeof(*a));
    a->point = (struct store_point){.at_ms = at_ms,
                                    .requests = answered + 1,
                                    .request_errors = 1,
                                    .prompt_tokens = 100,
                                    .completion_tokens = 10,
                                    .bytes_sent = 1000,
                                    .cost_micros = 5,
                                    .rss_bytes = 1000 + answered};
    a->point.by_outcome[STORE_ANSWERED] = answered;
    a->point.by_outcome[STORE_FAILED] = 1;
    a->keep_ms[STORE_MINUTE] = 2 * HOUR_MS;
    a->keep_ms[STORE_HOUR] = 2 * DAY_MS;
    a->keep_ms[STORE_DAY] = 10 * DAY_MS;
    for (int i = 0; i < answered; i++) {
        histogram_add(&a->latency, latency_us);
    }
    int rc = kit_series_add(k, a);
    free(a);
    return rc;
}

static void add(struct kit *k, int64_t at_ms, int answered, int64_t latency_us)
{
    assert_int_equal(try_add(k, at_ms, answered, latency_us), 0);
}

static void read_span(struct kit *k, enum store_span span, struct store_series_read *r)
{
    *r = (struct store_series_read){.span = span};
    assert_int_equal(kit_series_read(k, r), 0);
}

static void a_minute_is_in_all_three_spans(void **state)
{
    struct kit *k = *state;
    struct store_series_read r;
    static const int64_t began[] = {noon_ms + 5 * MINUTE_MS, noon_ms,
                                    noon_ms - 12 * HOUR_MS};
    add(k, noon_ms + 5 * MINUTE_MS + 12345, 3, 1000);
    for (int span = STORE_MINUTE; span < STORE_SPANS; span++) {
        read_span(k, (enum store_span)span, &r);
        assert_int_equal(r.n, 1);
        assert_int_equal(r.points[0].at_ms, began[span]);
        assert_int_equal(r.points[0].by_outcome[STORE_ANSWERED], 3);
        assert_int_equal(r.points[0].by_outcome[STORE_FAILED], 1);
        assert_int_equal(r.points[0].requests, 4);
        assert_int_equal(r.points[0].request_errors, 1);
        assert_int_equal(r.points[0].prompt_tokens, 100);
        assert_int_equal(r.points[0].cost_micros, 5);
        assert_int_equal(r.points[0].answers, 3);
        free(r.points);
    }
}

// Ten answers of 1 ms and ninety of 1 s: neither the mean nor any mean of percentiles.
static void percentiles_of_a_day_are_of_all_its_answers(void **state)
{
    struct kit *k = *state;
    struct store_series_read r;
    add(k, noon_ms, 10, 1000);
    for (int i = 1; i <= 9; i++) {
        add(k, noon_ms + i * 10 * MINUTE_MS, 10, 1000000);
    }
    read_span(k, STORE_DAY, &r);
    assert_int_equal(r.n, 1);
    assert_int_equal(r.points[0].answers, 100);
    assert_true(r.points[0].p50_us > 900000 && r.points[0].p95_us < 1100000);
    free(r.points);
    read_span(k, STORE_MINUTE, &r);
    assert_int_equal(r.n, 10);
    assert_true(r.points[0].p95_us < 1200);
    assert_int_equal(r.total.answers, 100);
    assert_true(r.total.p50_us > 900000);
    assert_int_equal(r.total.by_outcome[STORE_ANSWERED], 100);
    assert_int_equal(r.total.at_ms, noon_ms);
    free(r.points);
}

static void sums_add_up_and_peaks_stay(void **state)
{
    struct kit *k = *state;
    struct store_series_read r;
    kit_offer(k, "/a.png", 1, 1);
    kit_offer(k, "/b.png", 1, 1);
    add(k, noon_ms, 5, 1000);
    kit_claim_one(k);
    kit_claim_one(k);
    add(k, noon_ms + 30000, 2, 1000);
    read_span(k, STORE_MINUTE, &r);
    assert_int_equal(r.n, 1);
    assert_int_equal(r.points[0].requests, 9);
    assert_int_equal(r.points[0].bytes_sent, 2000);
    assert_int_equal(r.points[0].rss_bytes, 1005);
    assert_int_equal(r.points[0].queued, 2);
    free(r.points);
}

static void a_range_has_a_beginning_and_an_end(void **state)
{
    struct kit *k = *state;
    for (int i = 0; i < 10; i++) {
        add(k, noon_ms + i * MINUTE_MS, 1, 1000);
    }
    struct store_series_read r = {.span = STORE_MINUTE,
                                  .since_ms = noon_ms + 2 * MINUTE_MS,
                                  .until_ms = noon_ms + 5 * MINUTE_MS};
    assert_int_equal(kit_series_read(k, &r), 0);
    assert_int_equal(r.n, 3);
    assert_int_equal(r.points[0].at_ms, noon_ms + 2 * MINUTE_MS);
    assert_int_equal(r.points[2].at_ms, noon_ms + 4 * MINUTE_MS);
    free(r.points);
}

static void old_rows_go_by_span(void **state)
{
    struct kit *k = *state;
    struct store_series_read r;
    add(k, noon_ms - 12 * DAY_MS, 1, 1000);
    add(k, noon_ms - 3 * DAY_MS, 1, 1000);
    add(k, noon_ms - 3 * HOUR_MS, 1, 1000);
    add(k, noon_ms, 1, 1000);
    static const int left[] = {1, 2, 2};
    for (int span = STORE_MINUTE; span < STORE_SPANS; span++) {
        read_span(k, (enum store_span)span, &r);
        assert_int_equal(r.n, left[span]);
        free(r.points);
    }
}

static void a_damaged_spread_costs_only_itself(void **state)
{
    struct kit *k = *state;
    struct store_series_read r;
    add(k, noon_ms, 4, 1000);
    kit_sql(k, "UPDATE series SET latency = x'ff0011'");
    add(k, noon_ms + 1000, 2, 1000);
    read_span(k, STORE_MINUTE, &r);
    assert_int_equal(r.points[0].by_outcome[STORE_ANSWERED], 6);
    assert_int_equal(r.points[0].answers, 2);
    free(r.points);
}

static void days_begin_at_midnight_here(void **state)
{
    (void)state;
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    assert_int_equal(store_span_began_ms(STORE_DAY, noon_ms), noon_ms - 13 * HOUR_MS);
    // The day of 25 hours.
    int64_t late_ms = INT64_C(1792967400) * 1000;  // 2026-10-25 22:30 UTC
    assert_int_equal(late_ms - store_span_began_ms(STORE_DAY, late_ms),
                     24 * HOUR_MS + 30 * MINUTE_MS);
    setenv("TZ", "UTC0", 1);
    tzset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_minute_is_in_all_three_spans, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(percentiles_of_a_day_are_of_all_its_answers,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(sums_add_up_and_peaks_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_range_has_a_beginning_and_an_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(old_rows_go_by_span, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_spread_costs_only_itself, set_up,
                                        tear_down),
        cmocka_unit_test(days_begin_at_midnight_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
