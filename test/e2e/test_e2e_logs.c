// test_e2e_logs.c -- what a person or a service sees: steps of the start, logs, doctor, top.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void assert_in_order(const char *text, const char *const *parts, int n)
{
    const char *at = text;
    for (int i = 0; i < n; i++) {
        const char *found = strstr(at, parts[i]);
        if (!found) {
            fail_msg("\"%s\" does not stand in its place in:\n%s", parts[i], text);
        }
        at = found + strlen(parts[i]);
    }
}

#define IN_ORDER(text, ...)                                                              \
    do {                                                                                 \
        static const char *const parts[] = {__VA_ARGS__};                                \
        assert_in_order(text, parts, (int)(sizeof(parts) / sizeof(parts[0])));           \
    } while (0)

// ---- one picture's story

static void logs_tell_the_story_of_a_picture(void **state)
{
    struct place *p = *state;
    struct fake f;
    char cid[40], log[200];
    fake_start(p, &f, "--kind llama-server --fault 500:1");
    picture_write(place_path(p, "in"), NULL, 1);
    snprintf(log, sizeof(log), "log.file=%s", place_path(p, "vlmd.log"));
    proc_expect(VLMD_START(p, "batch", "--backend", f.url, "--set", log, "--log-level",
                           "info,pipeline=debug", "--log-format", "json",
                           place_path(p, "in")),
                0);
    struct rows rows;
    rows_export(p, &rows);
    assert_int_equal(rows.n, 1);
    struct proc *show = VLMD_EXPECT(p, 0, "show", "1", "--json");
    cJSON *item = json_of(show);
    snprintf(cid, sizeof(cid), "%s", text_of(item, "correlation_id"));
    cJSON_Delete(item);
    assert_int_equal(strlen(cid), 16);

    struct proc *by_id = VLMD_EXPECT(p, 0, "logs", "1", "--set", log);
    IN_ORDER(by_id->out.text, "job      queued as #1", "log      {\"time\"", "request",
             "job      ended: answered");
    assert_non_null(strstr(by_id->out.text, cid));
    assert_non_null(strstr(by_id->out.text, "ms: server: "));  // the first request
    assert_non_null(strstr(by_id->out.text, "described by"));
    assert_non_null(strstr(by_id->out.text, "privacy  allow at"));
    struct proc *by_cid = VLMD_EXPECT(p, 0, "logs", cid, "--set", log);
    assert_string_equal(by_cid->out.text, by_id->out.text);
    struct proc *by_path =
        VLMD_EXPECT(p, 0, "logs", place_path(p, "in/pic-00001.png"), "--json");
    assert_non_null(strstr(by_path->out.text, "\"source\":\"request\""));
    assert_null(strstr(by_path->out.text, "\"source\":\"log\""));  // no log.file there
    VLMD_EXPECT(p, 1, "logs", "0123456789abcdef");
    rows_free(&rows);
    fake_stop(&f);
}

static void a_log_that_is_moved_away_goes_on(void **state)
{
    struct place *p = *state;
    struct fake f;
    char log[300], path[200], old[300];
    fake_start(p, &f, "");
    make_folder(place_path(p, "in"));
    snprintf(path, sizeof(path), "%s", place_path(p, "vlmd.log"));
    snprintf(old, sizeof(old), "%s.1", path);
    snprintf(log, sizeof(log), "log.file=%s", path);
    struct proc *run = VLMD_START(p, "watch", "--json", "--backend", f.url, "--log-level",
                                  "debug", "--set", log, place_path(p, "in"));
    picture_write(place_path(p, "in"), NULL, 1);
    proc_await(run, &run->out, "\"answered\"");
    assert_int_equal(rename(path, old), 0);
    proc_signal(run, SIGHUP);
    picture_write(place_path(p, "in"), NULL, 2);
    proc_await(run, &run->out, "\"answered\"");
    proc_signal(run, SIGTERM);
    proc_expect(run, 0);
    char *before = read_text(old), *after = read_text(path);
    assert_non_null(strstr(before, "job=1 "));
    assert_non_null(strstr(after, "job=2 "));
    assert_null(strstr(before, "job=2 "));
    free(before);
    free(after);
    fake_stop(&f);
}

// With log.file the log is in no pipe that could be waited for.
static void reload(struct place *p, struct proc *run, const char *words)
{
    int64_t until = now_ms() + E2E_PATIENCE_MS;
    bool is_there = false;
    proc_signal(run, SIGHUP);
    while (!is_there && now_ms() < until) {
        place_read(p);
        char *log = read_text(place_path(p, "vlmd.log"));
        is_there = log && strstr(log, words);
        free(log);
    }
    assert_true(is_there);
}

static void a_service_reads_its_configuration_again(void **state)
{
    struct place *p = *state;
    struct fake f;
    char log[300], config[200];
    fake_start(p, &f, "");
    make_folder(place_path(p, "in"));
    snprintf(config, sizeof(config), "%s", place_path(p, "own.yaml"));
    snprintf(log, sizeof(log), "log.file=%s", place_path(p, "vlmd.log"));
    write_text(config, "log:\n  level: info\nadmin:\n  rate: 100\n");
    struct proc *run = VLMD_START(p, "watch", "--json", "--config", config, "--backend",
                                  f.url, "--set", log, place_path(p, "in"));
    picture_write(place_path(p, "in"), NULL, 1);
    proc_await(run, &run->out, "\"answered\"");
    write_text(config, "log:\n  level: info,pipeline=debug\nadmin:\n  rate: 200\n");
    reload(p, run, "admin.rate: 200, was 100");
    write_text(config, "log:\n  level: loud\n");
    reload(p, run, "nothing was changed");
    write_text(config,
               "admin:\n  rate: 300\ningest:\n  rescan: 20m\nlog:\n  level: debug\n");
    reload(p, run, "ingest.rescan: 20m, was 5m (after a restart)");
    picture_write(place_path(p, "in"), NULL, 2);
    proc_await(run, &run->out, "\"answered\"");
    proc_signal(run, SIGTERM);
    proc_expect(run, 0);
    fake_stop(&f);
}

// ---- the start

static void a_service_logs_the_steps_of_its_start(void **state)
{
    struct place *p = *state;
    struct fake f;
    fake_start(p, &f, "");
    make_folder(place_path(p, "in"));
    struct proc *run = VLMD_START(p, "watch", "--backend", f.url, place_path(p, "in"));
    proc_await(run, &run->err, "step=admin");
    proc_signal(run, SIGTERM);
    proc_expect(run, 0);
    IN_ORDER(run->err.text, "step=config state=ok", "step=store state=ok",
             "step=image state=ok", "step=backends state=ok", "step=privacy state=ok",
             "step=watch state=ok", "step=admin state=ok");
    fake_stop(&f);
}

// Each step that can fail: what went before is well, and nothing comes after.
static void a_start_stops_at_the_first_failure(void **state)
{
    struct place *p = *state;
    struct fake f;
    char used[60];
    static const struct {
        const char *setting, *before, *failed, *after;
        int exit_code;
    } cases[] = {
        {"tier=enormous", "vlmd: ", "tier: \"enormous\"", "step=store", 2},
        {"log.file=/proc/no/log", "step=log state=fail", "vlmd: log.file: ", "step=store",
         1},
        {"db=/proc/no/vlmd.db", "step=config state=ok", "step=store state=fail",
         "step=image", 4},
    };
    fake_start(p, &f, "");
    make_folder(place_path(p, "in"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proc *run =
            VLMD_START(p, "watch", "--log-level", "info", "--backend", f.url, "--set",
                       cases[i].setting, place_path(p, "in"));
        proc_expect(run, cases[i].exit_code);
        const char *failed = strstr(run->err.text, cases[i].failed);
        const char *before = strstr(run->err.text, cases[i].before);
        if (!failed || !before || before > failed) {
            fail_msg("%s: %s", cases[i].setting, run->err.text);
        }
        assert_null(strstr(run->err.text, cases[i].after));
    }
    struct proc *run = VLMD_START(p, "watch", "--log-level", "info", "--backend", f.url,
                                  place_path(p, "nowhere"));
    proc_expect(run, 2);
    IN_ORDER(run->err.text, "step=privacy state=ok", "step=watch state=fail");
    assert_null(strstr(run->err.text, "step=admin"));
    // Pictures are described without a page, too.
    snprintf(used, sizeof(used), "admin.listen=127.0.0.1:%d", f.b.port);
    run = VLMD_START(p, "watch", "--log-level", "info", "--backend", f.url, "--set", used,
                     place_path(p, "in"));
    proc_await(run, &run->err, "step=admin state=warn");
    proc_signal(run, SIGTERM);
    proc_expect(run, 0);
    fake_stop(&f);
}

static void a_terminal_shows_the_steps(void **state)
{
    struct place *p = *state;
    struct fake f;
    char command[700];
    fake_start(p, &f, "");
    make_folder(place_path(p, "in"));
    snprintf(command, sizeof(command), "%s watch --backend %s %s", VLMD_BINARY, f.url,
             place_path(p, "in"));
    const char *const argv[] = {"/usr/bin/script", "-qec", command, "/dev/null", NULL};
    const struct spawn how = {.has_input = true};
    struct proc *run = proc_start(p, argv, &how);
    proc_await(run, &run->out, "ok    admin");
    IN_ORDER(run->out.text, "ok    config", "ok    store", "ok    image",
             "ok    backends", "ok    privacy", "ok    watch", "ok    admin");
    assert_null(strstr(run->out.text, "step="));
    proc_kill(run);
    fake_stop(&f);
}

// ---- doctor, status, top

static void doctor_asks_the_backend(void **state)
{
    struct place *p = *state;
    struct fake f;
    fake_start(p, &f, "");
    make_folder(place_path(p, "in"));
    char dirs[200];
    snprintf(dirs, sizeof(dirs), "watch.dirs=%s", place_path(p, "in"));
    struct proc *good = VLMD_START(p, "doctor", "--backend", f.url, "--set", dirs);
    proc_expect(good, 0);
    IN_ORDER(good->out.text, "ok    configuration", "ok    database", "ok    disk",
             "ok    folder", "ok    backend http://", "ok    integrity", "checks passed");
    fake_stop(&f);
    struct proc *bad =
        VLMD_START(p, "doctor", "--backend", "http://127.0.0.1:9", "--set", dirs);
    proc_expect(bad, 1);
    assert_non_null(strstr(bad->out.text, "fail  backend http://127.0.0.1:9"));
    assert_non_null(strstr(bad->out.text, "-> start it"));
}

static void status_and_top_show_a_worker(void **state)
{
    struct place *p = *state;
    struct fake f;
    fake_start(p, &f, "");
    fake_control(&f, "{\"latency_ms\":600000}");
    picture_write(place_path(p, "in"), NULL, 1);
    struct proc *run = VLMD_START(p, "watch", "--backend", f.url, place_path(p, "in"));
    fake_await_asked(&f, 1);
    struct proc *lines = VLMD_START(p, "status", "--watch", "--interval", "0.1");
    proc_await(lines, &lines->out, "1 running, 0 described");
    // Until what the worker says of itself has come.
    struct proc *top = VLMD_EXPECT(p, 0, "top");
    while (!strstr(top->out.text, "1 asking")) {
        proc_free(p, top);
        top = VLMD_EXPECT(p, 0, "top");
    }
    assert_non_null(strstr(top->out.text, "% of a core"));
    assert_non_null(strstr(top->out.text, "qwen"));
    fake_control(&f, "{\"latency_ms\":0}");
    proc_signal(run, SIGTERM);
    proc_signal(run, SIGTERM);
    proc_end(run);
    proc_signal(lines, SIGINT);
    proc_expect(lines, 0);
    int n = 0;
    for (const char *at = lines->out.text; (at = strchr(at, '\n')); at++) {
        n++;
    }
    assert_true(n < 8);  // only what changed, not ten a second
    fake_stop(&f);
}

#define T(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(logs_tell_the_story_of_a_picture),
        T(a_log_that_is_moved_away_goes_on),
        T(a_service_reads_its_configuration_again),
        T(a_service_logs_the_steps_of_its_start),
        T(a_start_stops_at_the_first_failure),
        T(a_terminal_shows_the_steps),
        T(doctor_asks_the_backend),
        T(status_and_top_show_a_worker),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
