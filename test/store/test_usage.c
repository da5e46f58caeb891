// test_usage.c -- what backends were asked for, by day: sums that outlive the process.
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

static int set_up(void **state)
{
    struct kit *k = malloc(sizeof(*k));
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

static void add(struct kit *k, int day, const char *backend, int64_t requests)
{
    struct store_usage_add a = {.n = 1};
    a.rows[0] = (struct store_usage){
        .day = day,
        .requests = requests,
        .failed = 1,
        .prompt_tokens = 100 * requests,
        .completion_tokens = 10 * requests,
        .bytes_sent = 1000 * requests,
        .cost_micros = 7 * requests,
    };
    snprintf(a.rows[0].backend, sizeof(a.rows[0].backend), "%s", backend);
    assert_int_equal(kit_usage_add(k, &a), 0);
}

static void sums_grow_and_outlive_the_process(void **state)
{
    struct kit *k = *state;
    add(k, 20261129, "lab", 3);
    add(k, 20261129, "lab", 4);
    kit_close(k);
    kit_must_open(k);
    add(k, 20261129, "lab", 1);
    struct store_usage_read r = {0};
    assert_int_equal(kit_usage_read(k, &r), 0);
    assert_int_equal(r.n, 1);
    assert_int_equal(r.rows[0].day, 20261129);
    assert_string_equal(r.rows[0].backend, "lab");
    assert_int_equal(r.rows[0].requests, 8);
    assert_int_equal(r.rows[0].failed, 3);
    assert_int_equal(r.rows[0].prompt_tokens, 800);
    assert_int_equal(r.rows[0].completion_tokens, 80);
    assert_int_equal(r.rows[0].bytes_sent, 8000);
    assert_int_equal(r.rows[0].cost_micros, 56);
    free(r.rows);
}

static void several_processes_add_to_the_same_row(void **state)
{
    struct kit *k = *state;
    struct kit two = *k;
    two.loop = k->loop;
    two.store = NULL;
    kit_must_open(&two);
    add(k, 20261129, "lab", 3);
    add(&two, 20261129, "lab", 4);
    kit_close(&two);
    assert_int_equal(kit_sql_int(k, "SELECT requests FROM usage"), 7);
}

static void a_request_of_several_rows_is_kept_whole(void **state)
{
    struct kit *k = *state;
    struct store_usage_add a = {.n = STORE_MAX_USAGE};
    for (int i = 0; i < a.n; i++) {
        a.rows[i].day = 20261129;
        a.rows[i].requests = i;
        snprintf(a.rows[i].backend, sizeof(a.rows[i].backend), "b%02d", i);
    }
    assert_int_equal(kit_usage_add(k, &a), 0);
    struct store_usage_read r = {.backend = "b07"};
    assert_int_equal(kit_usage_read(k, &r), 0);
    assert_int_equal(r.n, 1);
    assert_int_equal(r.rows[0].requests, 7);
    free(r.rows);
    r = (struct store_usage_read){.backend = "b7"};
    assert_int_equal(kit_usage_read(k, &r), 0);
    assert_int_equal(r.n, 0);
    assert_null(r.rows);
}

static void days_are_a_range_with_both_ends(void **state)
{
    struct kit *k = *state;
    static const int days[] = {20261031, 20261101, 20261115, 20261130, 20261201};
    for (int i = 0; i < 5; i++) {
        add(k, days[i], "b", 1);
        add(k, days[i], "a", 1);
    }
    struct store_usage_read r = {.since_day = 20261101, .until_day = 20261131};
    assert_int_equal(kit_usage_read(k, &r), 0);
    assert_int_equal(r.n, 6);
    assert_int_equal(r.rows[0].day, 20261101);
    assert_string_equal(r.rows[0].backend, "a");
    assert_string_equal(r.rows[1].backend, "b");
    assert_int_equal(r.rows[5].day, 20261130);
    free(r.rows);
}

static void the_newest_days_come_when_there_are_too_many(void **state)
{
    struct kit *k = *state;
    kit_sql(k,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
            " WHERE i < 5000) INSERT INTO usage SELECT i, 'a', i, 0, 0, 0, 0, 0 FROM n");
    struct store_usage_read r = {0};
    assert_int_equal(kit_usage_read(k, &r), 0);
    assert_int_equal(r.n, STORE_MAX_USAGE_ROWS);
    assert_int_equal(r.rows[0].day, 5000 - STORE_MAX_USAGE_ROWS + 1);
    assert_int_equal(r.rows[r.n - 1].day, 5000);
    free(r.rows);
}

static void a_store_for_reading_refuses(void **state)
{
    struct kit *k = *state;
    add(k, 20261129, "lab", 3);
    kit_close(k);
    k->config.is_read_only = true;
    kit_must_open(k);
    struct store_usage_add a = {.n = 1};
    a.rows[0] = (struct store_usage){.day = 20261129, .backend = "lab", .requests = 1};
    assert_int_equal(kit_usage_add(k, &a), E_STORE);
    struct store_usage_read r = {0};
    assert_int_equal(kit_usage_read(k, &r), 0);
    assert_int_equal(r.rows[0].requests, 3);
    free(r.rows);
}

// 2026-11-29 23:30 in UTC is the next day in Berlin and the same one in New York.
static void days_are_local(void **state)
{
    (void)state;
    const int64_t at_ms = INT64_C(1795995000) * 1000;
    static const struct {
        const char *zone;
        int day;
    } rows[] = {{"UTC0", 20261129}, {"CET-1", 20261130}, {"EST5", 20261129}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setenv("TZ", rows[i].zone, 1);
        tzset();
        assert_int_equal(store_usage_day(at_ms), rows[i].day);
    }
    unsetenv("TZ");
    tzset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sums_grow_and_outlive_the_process, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(several_processes_add_to_the_same_row, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_request_of_several_rows_is_kept_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(days_are_a_range_with_both_ends, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_newest_days_come_when_there_are_too_many,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_for_reading_refuses, set_up, tear_down),
        cmocka_unit_test(days_are_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
