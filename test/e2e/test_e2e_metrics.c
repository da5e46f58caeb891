// test_e2e_metrics.c -- what a process counts equals what the backend and the database count.
//
// The worker runs in this process, through vlmd.h, so that its numbers can be read when all is
// done.
// SPDX-License-Identifier: MIT
#include "e2e_more.h"
#include "e2e_pictures.h"

#include "vlmd.h"
#include "vlmd_figures.h"
#include "vlmd_health.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PICTURES = 30, BUSY = 4 };

struct seen {
    char *text;  // owned
    struct vlmd_status status;
    struct vlmd_usage usage;
    char usage_backend[96];
    int n_usage;
    struct vlmd_point total;
    int n_points, n_top;
    int64_t statements, job_rows, job_bytes;
};

static vlmd *open_worker(struct place *p, const struct fake *f)
{
    char db[PATH_MAX];
    struct vlmd_error error = {0};
    vlmd *v;
    snprintf(db, sizeof(db), "%s/metrics.db", p->dir);
    const struct vlmd_setting settings[] = {{"db", db, "test"},
                                            {"backends", f->url, "test"},
                                            {"ocr.when", "never", "test"},
                                            {"retry.base", "1ms", "test"},
                                            {"budget.price_input", "1000", "test"},
                                            {"budget.requests_per_day", "1000", "test"}};
    const struct vlmd_options options = {.role = VLMD_WORKER,
                                         .config_file = "",
                                         .settings = settings,
                                         .n_settings = 6,
                                         .ignore_environment = true};
    if (vlmd_open(&options, &v, &error)) {
        fail_msg("%s", error.message);
    }
    return v;
}

static void describe(struct place *p, vlmd *v)
{
    const char *const inputs[] = {place_path(p, "in")};
    struct vlmd_error error = {0};
    if (vlmd_batch(v, inputs, 1, &error)) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(vlmd_run(v), 0);
}

static void on_text(void *arg, int err, const char *text, const char *message)
{
    struct seen *s = arg;
    assert_int_equal(err, 0);
    assert_string_equal(message, "");
    s->text = strdup(text);
}

static void on_status(void *arg, int err, const struct vlmd_status *status,
                      const char *message)
{
    struct seen *s = arg;
    (void)message;
    assert_int_equal(err, 0);
    s->status = *status;
}

static void on_usage(void *arg, const struct vlmd_usage *u)
{
    struct seen *s = arg;
    s->usage = *u;
    snprintf(s->usage_backend, sizeof(s->usage_backend), "%s", u->backend);
    s->n_usage++;
}

static void see(vlmd *v, struct seen *s)
{
    *s = (struct seen){0};
    assert_int_equal(vlmd_metrics(v, on_text, s), 0);
    assert_int_equal(vlmd_status(v, false, on_status, s), 0);
    assert_int_equal(vlmd_usage(v, 0, 0, on_usage, NULL, s), 0);
    vlmd_run(v);
    assert_non_null(s->text);
}

// The sum of all series of a metric whose labels hold a text ("" = any).
static double sum_of(const char *text, const char *name, const char *labels)
{
    double sum = 0;
    size_t len = strlen(name);
    for (const char *line = text; *line;) {
        const char *end = strchr(line, '\n');
        assert_non_null(end);
        char one[1000];
        snprintf(one, sizeof(one), "%.*s", (int)(end - line), line);
        bool is_it = strncmp(one, name, len) == 0 && (one[len] == '{' || one[len] == ' ');
        if (is_it && strstr(one, labels)) {
            sum += strtod(strrchr(one, ' '), NULL);
        }
        line = end + 1;
    }
    return sum;
}

#define SUM_IS(name, labels, value)                                                      \
    assert_int_equal((int64_t)sum_of(s.text, name, labels), (int64_t)(value))

static void draw(struct place *p)
{
    for (int n = 0; n < PICTURES; n++) {
        picture_write(place_path(p, "in"), NULL, n);
    }
    picture_write(place_path(p, "in"), "again.png", 3);  // the same bytes as another
    write_text(place_path(p, "in/no-picture.png"), "this is text");
}

static void numbers_are_those_of_backend_and_database(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct seen s;
    char flags[100], lab[120];
    snprintf(flags, sizeof(flags), "--kind llama-server --slots 4 --fault 500:%d", BUSY);
    draw(p);
    fake_start(p, &f, flags);
    vlmd *v = open_worker(p, &f);
    describe(p, v);
    see(v, &s);
    snprintf(lab, sizeof(lab), "backend=\"%s\"", s.usage_backend);

    // the backend
    SUM_IS("vlmd_requests_total", lab, stat_of(&f.b, "chat_requests"));
    SUM_IS("vlmd_requests_total", "result=\"ok\"", stat_of(&f.b, "totals.answered"));
    SUM_IS("vlmd_requests_total", "result=\"server\"", BUSY);
    SUM_IS("vlmd_request_duration_seconds_count", "", stat_of(&f.b, "chat_requests"));

    // the database
    SUM_IS("vlmd_jobs_total", "outcome=\"answered\"", s.status.answered);
    SUM_IS("vlmd_jobs_total", "outcome=\"cached\"", s.status.cached);
    SUM_IS("vlmd_jobs_total", "outcome=\"duplicate\"", s.status.duplicate);
    SUM_IS("vlmd_jobs_total", "outcome=\"failed\"", s.status.failed);
    SUM_IS("vlmd_jobs_total", "", s.status.ended);
    SUM_IS("vlmd_job_failures_total", "class=\"bad_format\"", 1);
    SUM_IS("vlmd_job_duration_seconds_count", "", s.status.ended);
    SUM_IS("vlmd_tokens_total", "kind=\"prompt\"", s.status.prompt_tokens);
    SUM_IS("vlmd_tokens_total", "kind=\"completion\"", s.status.completion_tokens);
    SUM_IS("vlmd_database_jobs", "state=\"ended\"", s.status.ended);
    SUM_IS("vlmd_database_outcomes", "outcome=\"answered\"", s.status.answered);
    SUM_IS("vlmd_database_up", "", 1);
    assert_int_equal((int64_t)(1000 * sum_of(s.text, "vlmd_budget_used_ratio", "") + 0.5),
                     stat_of(&f.b, "chat_requests"));
    SUM_IS("vlmd_backend_up", lab, 1);
    assert_non_null(strstr(s.text, "\nvlmd_memory_pressure "));
    assert_true(sum_of(s.text, "vlmd_cache_misses_total", "descriptions") > 0);
    assert_int_equal(s.status.ended, PICTURES + 2);
    assert_int_equal(s.status.answered, PICTURES);

    // the bill
    assert_int_equal(s.n_usage, 1);
    assert_non_null(strstr(f.url, s.usage_backend));
    assert_int_equal(s.usage.requests, (int64_t)stat_of(&f.b, "chat_requests"));
    assert_int_equal(s.usage.failed, BUSY);
    assert_int_equal(s.usage.prompt_tokens, s.status.prompt_tokens);
    assert_int_equal(s.usage.completion_tokens, s.status.completion_tokens);
    SUM_IS("vlmd_sent_bytes_total", "", s.usage.bytes_sent);
    // a thousandth for each
    double cost = (double)s.status.prompt_tokens / 1000;
    assert_true(s.usage.cost > cost - 1e-4 && s.usage.cost < cost + 1e-4);
    assert_int_equal((int64_t)(1000 * sum_of(s.text, "vlmd_cost_total", lab) + 0.5),
                     s.status.prompt_tokens);
    free(s.text);
    vlmd_close(v);
    fake_stop(&f);
}

static void on_series(void *arg, int err, const struct vlmd_series *s,
                      const char *message)
{
    struct seen *seen = arg;
    (void)message;
    assert_int_equal(err, 0);
    seen->total = s->total;
    seen->n_points = s->n_points;
}

// What a process did is in the history once it has ended, however short it lived.
static void the_history_is_that_of_the_database(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct seen s, later = {0};
    draw(p);
    fake_start(p, &f, "--kind llama-server --slots 4 --fault 500:2");
    vlmd *v = open_worker(p, &f);
    describe(p, v);
    see(v, &s);
    vlmd_close(v);
    v = open_worker(p, &f);
    for (int span = VLMD_MINUTES; span <= VLMD_DAYS; span++) {
        assert_int_equal(vlmd_series(v, (enum vlmd_span)span, 0, 0, on_series, &later),
                         0);
        vlmd_run(v);
        assert_true(later.n_points >= 1);
        assert_int_equal(later.total.answered, s.status.answered);
        assert_int_equal(later.total.failed, s.status.failed);
        assert_int_equal(later.total.cached + later.total.duplicate,
                         s.status.cached + s.status.duplicate);
        assert_int_equal(later.total.requests, (int64_t)stat_of(&f.b, "chat_requests"));
        assert_int_equal(later.total.request_errors, 2);
        assert_int_equal(later.total.prompt_tokens, s.status.prompt_tokens);
        assert_int_equal(later.total.bytes_sent, s.usage.bytes_sent);
        assert_int_equal(later.total.answers, s.status.answered);
        assert_true(later.total.p50_ms > 0 && later.total.p95_ms >= later.total.p50_ms);
        assert_true(later.total.rss_bytes > 1 << 20);
    }
    // A process that did nothing adds nothing.
    vlmd_close(v);
    v = open_worker(p, &f);
    int had = later.n_points;
    assert_int_equal(vlmd_series(v, VLMD_DAYS, 0, 0, on_series, &later), 0);
    vlmd_run(v);
    assert_int_equal(later.n_points, had);
    free(s.text);
    vlmd_close(v);
    fake_stop(&f);
}

static void on_database(void *arg, int err, const struct vlmd_database_stats *d,
                        const char *message)
{
    struct seen *s = arg;
    (void)message;
    assert_int_equal(err, 0);
    s->statements = s->job_rows = 0;
    for (int i = 0; i < VLMD_STATEMENT_KINDS; i++) {
        s->statements += d->kinds[i].n;
    }
    for (int i = 0; i < d->n_tables; i++) {
        if (strcmp(d->tables[i].name, "job") == 0) {
            s->job_rows = d->tables[i].rows;
            s->job_bytes = d->tables[i].bytes;
        }
    }
    s->n_top = d->n_top;
}

static void the_database_tells_its_figures(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct seen s;
    draw(p);
    fake_start(p, &f, "--kind ollama");
    vlmd *v = open_worker(p, &f);
    describe(p, v);
    see(v, &s);
    assert_true(sum_of(s.text, "vlmd_database_statement_seconds_count", "insert") > 10);
    assert_true(sum_of(s.text, "vlmd_pool_wait_seconds_count", "database writes") > 3);
    assert_int_equal(vlmd_database_stats(v, true, on_database, &s), 0);
    vlmd_run(v);
    assert_true(s.statements > 500);
    assert_true(s.n_top > 10);
    assert_int_equal(s.job_rows, PICTURES + 2);
    assert_true(s.job_bytes > 0);
    vlmd_database_reset_stats(v);
    assert_int_equal(vlmd_database_stats(v, false, on_database, &s), 0);
    vlmd_run(v);
    assert_true(s.statements < 50);
    assert_int_equal(s.job_bytes, -1);
    free(s.text);
    vlmd_close(v);
    fake_stop(&f);
}

// Each picture passes each stage once, but for those of a request.
static void every_stage_is_measured(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct seen s;
    struct vlmd_stats stats;
    picture_write(place_path(p, "in"), NULL, 1);
    picture_write(place_path(p, "in"), NULL, 2);
    fake_start(p, &f, "--kind ollama --latency-ms 30");
    vlmd *v = open_worker(p, &f);
    describe(p, v);
    see(v, &s);
    static const char *const stages[] = {"queued",  "inspect", "read",       "decode",
                                         "encode",  "compare", "privacy",    "wait",
                                         "connect", "request", "first_byte", "save"};
    vlmd_stats(v, &stats);
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        char label[64];
        snprintf(label, sizeof(label), "stage=\"%s\"", stages[i]);
        if ((int)sum_of(s.text, "vlmd_job_stage_seconds_count", label) != 2) {
            fail_msg("stage %s was not passed twice", stages[i]);
        }
        int at = 0;
        while (at < stats.n_latencies &&
               strcmp(stats.latencies[at].stage, stages[i]) != 0) {
            at++;
        }
        assert_true(at < stats.n_latencies);
        assert_int_equal(stats.latencies[at].n, 2);
        assert_true(stats.latencies[at].p50_ms <= stats.latencies[at].p99_ms);
    }
    SUM_IS("vlmd_model_load_attempts_total", "result=\"ok\"", stat_of(&f.b, "loads"));
    assert_true(sum_of(s.text, "vlmd_job_stage_seconds_sum", "stage=\"request\"") >=
                0.06);
    assert_true(sum_of(s.text, "vlmd_loop_busy_seconds_count", "") > 0);
    assert_true(sum_of(s.text, "process_resident_memory_bytes", "") > 1 << 20);
    assert_true(sum_of(s.text, "process_open_fds", "") > 5);
    free(s.text);
    vlmd_close(v);
    fake_stop(&f);
}

// The tier promises two seconds.
static void answers_over_the_target_are_counted(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct seen s;
    picture_write(place_path(p, "in"), NULL, 1);
    fake_start(p, &f, "--kind ollama --latency-ms 2300");
    vlmd *v = open_worker(p, &f);
    describe(p, v);
    see(v, &s);
    SUM_IS("vlmd_tier_target_breaches_total", "tier=\"quick\"", 1);
    SUM_IS("vlmd_stage_slow_total", "stage=\"request\"", 1);
    SUM_IS("vlmd_stage_slow_total", "stage=\"wait\"", 0);
    SUM_IS("vlmd_job_attempts_count", "", 1);
    assert_true(sum_of(s.text, "vlmd_request_duration_seconds_sum", "") >= 2.3);
    free(s.text);
    vlmd_close(v);
    fake_stop(&f);
}

static void a_host_counts_its_own(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct seen s;
    struct vlmd_error error = {0};
    const struct vlmd_metric uploads = {.name = "app_uploads_total",
                                        .help = "Uploads.",
                                        .type = VLMD_COUNTER,
                                        .labels = {"to"}};
    const struct vlmd_metric took = {.name = "app_upload_duration_seconds",
                                     .help = "How long.",
                                     .type = VLMD_HISTOGRAM,
                                     .unit = VLMD_MICROSECONDS};
    const char *const disk[VLMD_METRIC_LABELS] = {"disk"};
    fake_start(p, &f, "--kind ollama");
    vlmd *v = open_worker(p, &f), *other = open_worker(p, &f);
    int id = vlmd_metric_define(v, &uploads, &error);
    int time = vlmd_metric_define(v, &took, &error);
    assert_true(id > 0 && time > id);
    assert_int_equal(vlmd_metric_define(v, &uploads, &error), VLMD_ERR_USAGE);
    assert_non_null(strstr(error.message, "app_uploads_total"));
    assert_int_equal(vlmd_metric_add(v, id, disk, 3), 0);
    assert_int_equal(vlmd_metric_add(v, id, disk, -1), VLMD_ERR_USAGE);
    assert_int_equal(vlmd_metric_set(v, id, disk, 1), VLMD_ERR_USAGE);
    assert_int_equal(vlmd_metric_add(v, 0, disk, 1), VLMD_ERR_USAGE);
    assert_int_equal(vlmd_metric_add(v, time + 1, disk, 1), VLMD_ERR_USAGE);
    assert_int_equal(vlmd_metric_add(v, time, NULL, 250000), 0);
    see(v, &s);
    SUM_IS("app_uploads_total", "to=\"disk\"", 3);
    SUM_IS("app_upload_duration_seconds_count", "", 1);
    free(s.text);
    see(other, &s);  // counts apart
    assert_null(strstr(s.text, "app_uploads"));
    free(s.text);
    vlmd_close(other);
    vlmd_close(v);
    fake_stop(&f);
}

static bool has_promtool(void)
{
    if (access("/usr/bin/promtool", X_OK) == 0) {
        return true;
    }
    print_message("promtool is not there (Debian: prometheus): not checked with it\n");
    return false;
}

// With every kind of metric that a run can have.
static void promtool_accepts_the_text(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct seen s;
    if (!has_promtool()) {
        skip();
    }
    draw(p);
    fake_start(p, &f, "--kind ollama --fault 500:1");
    vlmd *v = open_worker(p, &f);
    describe(p, v);
    see(v, &s);
    write_text(place_path(p, "metrics.txt"), s.text);
    char command[300];
    snprintf(command, sizeof(command), "promtool check metrics <%s",
             place_path(p, "metrics.txt"));
    struct proc *check =
        proc_start(p, (const char *const[]){"/bin/sh", "-c", command, NULL}, NULL);
    proc_expect(check, 0);
    assert_string_equal(check->err.text, "");
    assert_string_equal(check->out.text, "");
    free(s.text);
    vlmd_close(v);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_are_those_of_backend_and_database,
                                        place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(the_history_is_that_of_the_database, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(the_database_tells_its_figures, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(every_stage_is_measured, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(answers_over_the_target_are_counted, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(a_host_counts_its_own, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(promtool_accepts_the_text, place_setup,
                                        place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
