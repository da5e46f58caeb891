// test_statsd_text.c -- what changed in a registry, as packets of StatsD.
// SPDX-License-Identifier: MIT
#include "base/statsd_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { JOBS, HEAT, WAIT, SIZE, NEXT };

static const struct metric_row rows[] = {
    [JOBS] =
        {"t_jobs_total", "Jobs.", METRIC_COUNTER, METRIC_NUMBER, {"outcome", "model"}, 0},
    [HEAT] = {"t_heat", "Heat.", METRIC_GAUGE, METRIC_NUMBER, {NULL}, 0},
    [WAIT] = {"t_wait_seconds", "Waits.", METRIC_HISTOGRAM, METRIC_SECONDS, {NULL}, 0},
    [SIZE] = {"t_tries", "Tries.", METRIC_HISTOGRAM, METRIC_NUMBER, {NULL}, 0},
    [NEXT] =
        {"t_spent_seconds_total", "Spent.", METRIC_COUNTER, METRIC_SECONDS, {NULL}, 0},
};

static struct metrics *m;
static struct statsd_memory *memory;
static struct buf got;  // all packets, one line break behind each
static int n_packets, fail_at;
static const struct statsd_style plain = {"", false}, tags = {"", true};

static int set_up(void **state)
{
    (void)state;
    m = metrics_new(rows, sizeof(rows) / sizeof(rows[0]));
    memory = statsd_memory_new();
    buf_init(&got, 4 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    statsd_memory_free(memory);
    metrics_free(m);
    buf_fini(&got);
    return 0;
}

static int take(void *arg, const char *packet, size_t len)
{
    (void)arg;
    assert_in_range(len, 1, STATSD_PACKET_BYTES);
    assert_int_equal(strlen(packet), len);
    if (++n_packets == fail_at) {
        return E_NET;
    }
    assert_int_equal(buf_printf(&got, "%s\n", packet), 0);
    return 0;
}

static int tell(const struct statsd_style *style, int max_packets)
{
    buf_clear(&got);
    n_packets = 0;
    return statsd_tell(memory, m, style, max_packets, take, NULL);
}

static void tells(const struct statsd_style *style, const char *lines)
{
    assert_int_equal(tell(style, 100), 0);
    assert_string_equal(buf_str(&got), lines);
}

static struct metric_series *job(const char *outcome, const char *model)
{
    const char *const values[] = {outcome, model, NULL};
    return metrics_series(m, JOBS, values);
}

static struct metric_series *only(int row)
{
    return metrics_series(m, row, (const char *const[]){NULL, NULL, NULL});
}

static void counters_are_told_by_how_much_they_grew(void **state)
{
    (void)state;
    metric_add(job("ok", "qwen2.5-vl:7b"), 3);
    tells(&plain, "t_jobs_total.ok.qwen2_5-vl_7b:3|c\nt_heat:0|g\n");
    tells(&plain, "");
    metric_add(job("ok", "qwen2.5-vl:7b"), 2);
    metric_add(job("bad", ""), 1);
    metric_add(only(NEXT), 1500000);
    tells(&plain, "t_jobs_total.ok.qwen2_5-vl_7b:2|c\nt_jobs_total.bad.none:1|c\n"
                  "t_spent_seconds_total:1.5|c\n");
    metric_set(job("bad", ""), 0);  // statistics were set back
    metric_set(job("ok", "qwen2.5-vl:7b"), 1);
    tells(&plain, "t_jobs_total.ok.qwen2_5-vl_7b:1|c\nt_jobs_total.bad.none:0|c\n");
}

static void gauges_are_told_as_they_are(void **state)
{
    (void)state;
    metric_set(only(HEAT), 70);
    tells(&plain, "t_heat:70|g\n");
    tells(&plain, "");
    metric_set(only(HEAT), -5);  // a sign alone would change it by 5
    tells(&plain, "t_heat:0|g\nt_heat:-5|g\n");
    tells(&plain, "");
}

static void labels_can_be_tags_and_names_have_a_prefix(void **state)
{
    (void)state;
    static const struct statsd_style both = {"lap|top.", true},
                                     named = {"lap:top.", false};
    metric_add(job("o,k|#", "qwen2.5-vl:7b"), 1);
    metric_set(only(HEAT), 1);
    tells(&both, "lap_top.t_jobs_total:1|c|#outcome:o_k__,model:qwen2.5-vl:7b\n"
                 "lap_top.t_heat:1|g\n");
    metric_set(only(HEAT), 2);
    tells(&named, "lap_top.t_heat:2|g\n");
}

// How many values a server makes of a line: those of Telegraf and of Etsy's StatsD.
static void counts(const char *line, int whole)
{
    const char *at = strchr(line, '@');
    double share = at ? strtod(at + 1, NULL) : 1;
    assert_int_equal((int)(1 / share), whole);
    assert_true(1 / share - whole < 1e-3);
}

static void each_value_of_a_histogram_is_told(void **state)
{
    (void)state;
    metric_observe(only(WAIT), 2000);
    metric_set(only(HEAT), 1);
    tells(&plain, "t_heat:1|g\nt_wait_seconds:1.984|ms\n");
    static const int many[] = {2, 3, 6, 7, 9, 49, 98, 1000, 99999};
    for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
        for (int k = 0; k < many[i]; k++) {
            metric_observe(only(WAIT), 2000);
        }
        assert_int_equal(tell(&plain, 100), 0);
        assert_int_equal(strncmp(buf_str(&got), "t_wait_seconds:1.984|ms|@0.", 27), 0);
        counts(buf_str(&got), many[i]);
    }
    metric_observe(only(SIZE), 4);
    tells(&plain, "t_tries:4|ms\n");
    metric_observe(only(SIZE), 4);
    metric_observe(only(WAIT), 1);
    tells(&tags, "t_wait_seconds:0.001|ms\nt_tries:4|h\n");
    tells(&plain, "");
}

// What was not taken is told the next time, and nothing is told twice.
static void a_lost_packet_is_told_again(void **state)
{
    (void)state;
    char model[32];
    int64_t sum = 0, lines = 0;
    for (int i = 0; i < 60; i++) {
        snprintf(model, sizeof(model), "a-model-with-a-name-%02d", i);
        metric_add(job("described", model), i + 1);
    }
    struct buf all;
    buf_init(&all, 1 << 20);
    fail_at = 2;
    assert_int_equal(tell(&plain, 100), E_NET);
    fail_at = 0;
    assert_int_equal(n_packets, 2);  // the first error ends it
    assert_int_equal(buf_add(&all, got.data, got.len), 0);
    int rc = E_TOOBIG;
    while (rc == E_TOOBIG) {
        rc = tell(&plain, 1);
        assert_int_equal(buf_add(&all, got.data, got.len), 0);
    }
    assert_int_equal(rc, 0);
    for (const char *at = buf_str(&all); (at = strstr(at, "t_jobs_total")); at++) {
        sum += atoi(strchr(at, ':') + 1);
        lines++;
    }
    assert_int_equal(lines, 60);
    assert_int_equal(sum, 60 * 61 / 2);
    buf_fini(&all);
}

// A series that is born between two others has a memory of its own.
static void new_series_do_not_disturb_the_old(void **state)
{
    (void)state;
    metric_add(job("a", "1"), 1);
    metric_add(only(NEXT), 1000000);
    assert_int_equal(tell(&plain, 100), 0);
    metric_add(job("b", "1"), 5);
    metric_add(only(NEXT), 2000000);
    tells(&plain, "t_jobs_total.b.1:5|c\nt_spent_seconds_total:2|c\n");
    const struct metric_row own = {"host_total",  "Of the host.", METRIC_COUNTER,
                                   METRIC_NUMBER, {NULL},         0};
    int row = metrics_define(m, &own);
    metric_add(only(row), 4);
    metric_add(job("b", "1"), 1);
    tells(&plain, "t_jobs_total.b.1:1|c\nhost_total:4|c\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counters_are_told_by_how_much_they_grew, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(gauges_are_told_as_they_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(labels_can_be_tags_and_names_have_a_prefix,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_value_of_a_histogram_is_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_lost_packet_is_told_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(new_series_do_not_disturb_the_old, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
