// test_metrics.c -- the registry of metrics, its bounds, and Prometheus' text of it.
// SPDX-License-Identifier: MIT
#include "base/metrics.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { JOBS, ROWS, BYTES, WAIT, SENT };

static const struct metric_row rows[] = {
    [JOBS] = {"t_jobs_total",
              "Jobs that ended.",
              METRIC_COUNTER,
              METRIC_NUMBER,
              {"outcome", "tier"},
              3},
    [ROWS] = {"t_rows", "Rows.", METRIC_GAUGE, METRIC_NUMBER, {NULL}, 0},
    [BYTES] =
        {"t_rss_bytes", "Memory.\nIn \\ all.", METRIC_GAUGE, METRIC_BYTES, {NULL}, 0},
    [WAIT] = {"t_wait_seconds", "Waits.", METRIC_HISTOGRAM, METRIC_SECONDS, {"stage"}, 0},
    [SENT] = {"t_sent_seconds_total", "Time.", METRIC_COUNTER, METRIC_SECONDS, {NULL}, 0},
};

static struct metrics *m;
static struct buf text;

static int set_up(void **state)
{
    (void)state;
    m = metrics_new(rows, sizeof(rows) / sizeof(rows[0]));
    buf_init(&text, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    metrics_free(m);
    buf_fini(&text);
    return 0;
}

static const char *shown(void)
{
    buf_clear(&text);
    assert_int_equal(metrics_text(m, &text), 0);
    return buf_str(&text);
}

static void shows(const char *line)
{
    char with_ends[512];
    snprintf(with_ends, sizeof(with_ends), "\n%s\n", line);
    if (!strstr(shown(), with_ends)) {
        fail_msg("%s\nis not in\n%s", line, shown());
    }
}

static struct metric_series *of(int row, const char *a, const char *b)
{
    const char *const values[] = {a, b, NULL};
    return metrics_series(m, row, values);
}

static void a_series_is_one_per_combination(void **state)
{
    (void)state;
    metric_add(of(JOBS, "answered", "quick"), 2);
    metric_add(of(JOBS, "answered", "deep"), 5);
    metric_add(of(JOBS, "answered", "quick"), 1);
    shows("t_jobs_total{outcome=\"answered\",tier=\"quick\"} 3");
    shows("t_jobs_total{outcome=\"answered\",tier=\"deep\"} 5");
    shows("t_rows 0");
}

// One head for a metric, and none for one that has no series yet.
static void heads_come_once(void **state)
{
    (void)state;
    assert_null(strstr(shown(), "t_jobs_total"));
    of(JOBS, "a", "b");
    of(JOBS, "a", "c");
    const char *first = strstr(shown(), "# TYPE t_jobs_total counter\n");
    assert_non_null(first);
    assert_null(strstr(first + 1, "# TYPE t_jobs_total"));
    shows("# HELP t_rss_bytes Memory.\\nIn \\\\ all.");
}

static void labels_have_an_end(void **state)
{
    (void)state;
    char name[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "model %d", i);
        metric_add(of(JOBS, name, "x"), 1);
    }
    shows("t_jobs_total{outcome=\"model 2\",tier=\"x\"} 1");
    shows("t_jobs_total{outcome=\"other\",tier=\"other\"} 997");
    assert_null(strstr(shown(), "model 3"));
}

static void strange_label_values_are_made_safe(void **state)
{
    (void)state;
    metric_add(of(JOBS, "a\"b\\c\nd", "\xff\xfe"), 1);
    metric_add(of(JOBS, "a\"b\\c\nd", "\xff\xfe"), 1);
    metric_add(of(JOBS, NULL, ""), 1);
    shows("t_jobs_total{outcome=\"a\\\"b\\\\c d\",tier=\"?"
          "?\"} 2");
    shows("t_jobs_total{outcome=\"\",tier=\"\"} 1");
    char large[1000];
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = 0;
    assert_ptr_equal(of(WAIT, large, NULL), of(WAIT, large, NULL));
}

static void seconds_keep_their_microseconds(void **state)
{
    (void)state;
    struct metric_series *s = of(SENT, NULL, NULL);
    shows("t_sent_seconds_total 0");
    metric_add(s, 1500000);
    shows("t_sent_seconds_total 1.5");
    metric_add(s, 7);
    shows("t_sent_seconds_total 1.500007");
    setlocale(LC_ALL, "de_DE.UTF-8");
    shows("t_sent_seconds_total 1.500007");
    setlocale(LC_ALL, "C");
    metric_set(of(BYTES, NULL, NULL), -12);
    shows("t_rss_bytes -12");
}

static void histograms_show_their_bounds(void **state)
{
    (void)state;
    struct metric_series *s = of(WAIT, "read", NULL);
    metric_observe(s, 1024);
    metric_observe(s, 1025);
    metric_observe(s, 3000000);
    shows("t_wait_seconds_bucket{stage=\"read\",le=\"0.001024\"} 1");
    shows("t_wait_seconds_bucket{stage=\"read\",le=\"0.002048\"} 2");
    shows("t_wait_seconds_bucket{stage=\"read\",le=\"2.097152\"} 2");
    shows("t_wait_seconds_bucket{stage=\"read\",le=\"4.194304\"} 3");
    shows("t_wait_seconds_bucket{stage=\"read\",le=\"+Inf\"} 3");
    shows("t_wait_seconds_sum{stage=\"read\"} 3.002049");
    shows("t_wait_seconds_count{stage=\"read\"} 3");
}

static void others_add_their_own(void **state)
{
    (void)state;
    struct metric_row own = {"app_uploads_total", "Uploads.", METRIC_COUNTER,
                             METRIC_NUMBER,       {"to"},     0};
    char name[] = "app_uploads_total";
    own.name = name;
    int row = metrics_define(m, &own);
    assert_true(row > SENT);
    memset(name, 'x', sizeof(name) - 1);
    metric_add(of(row, "disk", NULL), 4);
    shows("app_uploads_total{to=\"disk\"} 4");
}

static void bad_rows_are_refused(void **state)
{
    (void)state;
    static const struct metric_row bad[] = {
        {NULL, "x", METRIC_GAUGE, METRIC_NUMBER, {NULL}, 0},
        {"", "x", METRIC_GAUGE, METRIC_NUMBER, {NULL}, 0},
        {"1a", "x", METRIC_GAUGE, METRIC_NUMBER, {NULL}, 0},
        {"a b", "x", METRIC_GAUGE, METRIC_NUMBER, {NULL}, 0},
        {"a", NULL, METRIC_GAUGE, METRIC_NUMBER, {NULL}, 0},
        {"a", "x", METRIC_COUNTER, METRIC_NUMBER, {NULL}, 0},
        {"a_total", "x", METRIC_GAUGE, METRIC_NUMBER, {NULL}, 0},
        {"a", "x", METRIC_GAUGE, METRIC_NUMBER, {"le"}, 0},
        {"a", "x", METRIC_GAUGE, METRIC_NUMBER, {"__x"}, 0},
        {"a", "x", METRIC_GAUGE, METRIC_NUMBER, {"x", "x"}, 0},
        {"a", "x", METRIC_GAUGE, METRIC_NUMBER, {"x:y"}, 0},
        {"t_rows", "x", METRIC_GAUGE, METRIC_NUMBER, {NULL}, 0},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(metrics_define(m, &bad[i]), E_USAGE);
    }
    char name[32];
    int n = 0, rc = 0;
    for (; rc >= 0; n++) {
        snprintf(name, sizeof(name), "many_%d", n);
        struct metric_row row = {name, "x", METRIC_GAUGE, METRIC_NUMBER, {NULL}, 0};
        rc = metrics_define(m, &row);
    }
    assert_int_equal(rc, E_TOOBIG);
    assert_int_equal(n - 1, METRICS_MAX - (SENT + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_series_is_one_per_combination, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(heads_come_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(labels_have_an_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strange_label_values_are_made_safe, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(seconds_keep_their_microseconds, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(histograms_show_their_bounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(others_add_their_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_rows_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
