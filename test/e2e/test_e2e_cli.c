// test_e2e_cli.c -- exit codes, signals, configuration, the database, other processes.
// SPDX-License-Identifier: MIT
#include "e2e_more.h"
#include "e2e_pictures.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 40, AT_ONCE = 2 };

#define FOREVER      "{\"latency_ms\":600000}"
#define AT_ONCE_TEXT "2"

static void write_pictures(struct place *p, int n)
{
    for (int i = 0; i < n; i++) {
        picture_write(place_path(p, "in"), NULL, i);
    }
}

static struct proc *batch(struct place *p, const struct fake *f)
{
    return VLMD_START(p, "batch", "--json", "--concurrency", AT_ONCE_TEXT, "--backend",
                      f->url, "--set", "grace=10m", "--set", "ingest.give_up=1s",
                      place_path(p, "in"));
}

// ---- exit codes

static void some_failed_is_1(void **state)
{
    struct place *p = *state;
    struct fake f;
    fake_start(p, &f, "");
    write_pictures(p, 2);
    write_text(place_path(p, "in/broken.png"), "\x89PNG\r\n\x1a\nand that is all");
    struct proc *run = batch(p, &f);
    proc_expect(run, 1);
    assert_non_null(strstr(run->err.text, "/in/broken.png: "));
    assert_non_null(strstr(run->out.text, "\"failed\":1"));
    assert_non_null(strstr(run->out.text, "\"answered\":2"));
    fake_stop(&f);
}

static void usage_is_2(void **state)
{
    struct place *p = *state;
    VLMD_REFUSES(p, 2, "--bakend", "batch", "--bakend", "x", "in");
    VLMD_REFUSES(p, 2, "sarch", "sarch", "words");
    VLMD_REFUSES(p, 2, "name pictures", "batch");
    VLMD_REFUSES(p, 2, "--limit", "search", "--limit", "many", "word");
    VLMD_REFUSES(p, 2, "image.quality", "batch", "--set", "image.quality=900", "in");
    VLMD_REFUSES(p, 2, "say which", "jobs", "drop");
    assert_false(is_there(place_path(p, "data/vlmd")));  // nothing was opened
}

static void no_backend_is_3_and_all_waits(void **state)
{
    struct place *p = *state;
    int port_fd;
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", reserve_port(&port_fd));
    write_pictures(p, 3);
    VLMD_REFUSES(p, 3, "no backend can be asked", "batch", "--backend", url, "--set",
                 "ocr.when=never", "--set", "backend_wait=200ms", place_path(p, "in"));
    cJSON *status = VLMD_JSON(p, "status", "--json");
    assert_int_equal((int)number_at(status, "queued"), 3);
    assert_int_equal((int)number_at(status, "failed"), 0);
    cJSON_Delete(status);
    close(port_fd);
}

// ---- signals

static int64_t summary_number(const struct proc *run, const char *member)
{
    const char *at = strstr(run->out.text, "{\"summary\":{\"total\"");
    assert_non_null(at);
    cJSON *json = cJSON_Parse(at);
    int64_t n = (int64_t)number_at(json, member);
    assert_true(cJSON_IsFalse(json_at(json, "summary.finished")));
    cJSON_Delete(json);
    return n;
}

static void assert_all_described(struct place *p)
{
    struct rows rows;
    rows_export(p, &rows);
    assert_int_equal(rows.n, N);
    for (int i = 0; i < rows.n; i++) {
        int n = picture_number(text_of(rows.items[i], "path"));
        assert_true(picture_is_described(n, text_of(rows.items[i], "fields.summary")));
    }
    rows_free(&rows);
}

static void the_first_interrupt_finishes_what_is_asked(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    fake_start(p, &f, "--slots 2 --latency-ms 150");
    write_pictures(p, N);
    struct proc *run = batch(p, &f);
    fake_await_asked(&f, AT_ONCE);
    proc_signal(run, SIGINT);
    proc_expect(run, 130);
    assert_non_null(strstr(run->err.text, "finishing what is under way"));
    assert_non_null(strstr(run->err.text, "the same command continues"));
    fake_totals(&f, &t);
    assert_in_range(t.asked, AT_ONCE, N - 1);
    assert_int_equal(t.answered, t.asked);
    assert_int_equal(summary_number(run, "summary.answered"), t.asked);
    assert_int_equal(summary_number(run, "summary.queued"), N - t.asked);
    fake_control(&f, "{\"latency_ms\":1}");
    proc_expect(batch(p, &f), 0);
    fake_totals(&f, &t);
    assert_int_equal(t.asked, N);
    assert_all_described(p);
    fake_stop(&f);
}

static void the_second_interrupt_stops_at_once(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    fake_start(p, &f, "--slots 2");
    fake_control(&f, FOREVER);
    write_pictures(p, N);
    struct proc *run = batch(p, &f);
    fake_await_asked(&f, AT_ONCE);
    proc_signal(run, SIGINT);
    proc_await(run, &run->err, "once more stops at once");
    assert_false(run->has_ended);
    proc_signal(run, SIGINT);
    proc_expect(run, 130);
    assert_int_equal(summary_number(run, "summary.queued"), N);
    fake_await_quiet(&f);
    fake_control(&f, "{\"latency_ms\":1}");
    proc_expect(batch(p, &f), 0);
    fake_totals(&f, &t);
    assert_int_equal(t.asked, N + AT_ONCE);
    assert_all_described(p);
    fake_stop(&f);
}

// ---- configuration

static void errors_of_the_configuration_have_file_and_line(void **state)
{
    struct place *p = *state;
    place_config(p, "# mine\nimage:\n  quality: 900\ntier: fancy\nmodle: x\n");
    VLMD_REFUSES(p, 2, "vlmd.yaml:3: ", "status");
    VLMD_REFUSES(p, 2, "vlmd.yaml:4: ", "batch", place_path(p, "in"));
    struct proc *run = VLMD_EXPECT(p, 2, "config", "check");
    assert_non_null(strstr(run->out.text, "vlmd.yaml:3: "));
    assert_non_null(strstr(run->out.text, "vlmd.yaml:4: "));
    assert_non_null(strstr(run->out.text, "vlmd.yaml:5: "));
    assert_non_null(strstr(run->out.text, "model"));  // what was meant
    assert_false(is_there(place_path(p, "data/vlmd")));
    place_config(p, "tier: [unfinished\n");
    VLMD_REFUSES(p, 2, "vlmd.yaml:", "status");
    VLMD_REFUSES(p, 2, "missing.yaml", "status", "--config",
                 place_path(p, "missing.yaml"));
}

static void the_sample_configuration_is_right(void **state)
{
    struct place *p = *state;
    VLMD_EXPECT(p, 0, "config", "init");
    assert_true(is_there(place_path(p, "config/vlmd/vlmd.yaml")));
    struct proc *run = VLMD_EXPECT(p, 0, "config", "check");
    assert_non_null(strstr(run->out.text, "0 errors, 0 warnings"));
    run = VLMD_EXPECT(p, 2, "config", "init");  // never replaced unasked
    assert_non_null(strstr(run->err.text, "vlmd.yaml"));
    VLMD_EXPECT(p, 0, "config", "init", "--force");
}

// ---- the database

enum { USER_VERSION_AT = 60, DATABASE_MAX = 4 << 20 };

static size_t read_database(const char *path, unsigned char *bytes)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t n = fread(bytes, 1, DATABASE_MAX, file);
    fclose(file);
    return n;
}

static void a_newer_database_is_refused(void **state)
{
    struct place *p = *state;
    unsigned char *before = malloc(DATABASE_MAX), *after = malloc(DATABASE_MAX);
    VLMD_EXPECT(p, 0, "status");
    char *path = strdup(place_path(p, "data/vlmd/vlmd.db"));
    size_t n = read_database(path, before);
    assert_memory_equal(before, "SQLite format 3", 16);
    before[USER_VERSION_AT + 2] = 0x7f;  // big-endian: some 32,000 versions newer
    write_bytes(path, before, n);
    VLMD_REFUSES(p, 4, "newer vlmd", "status");
    VLMD_REFUSES(p, 4, "newer vlmd", "batch", "--backend", "ocr", place_path(p, "in"));
    VLMD_REFUSES(p, 4, "newer vlmd", "watch", "--backend", "ocr", place_path(p, "in"));
    assert_int_equal(read_database(path, after), n);
    assert_memory_equal(before, after, n);
    free(before);
    free(after);
    free(path);
}

static void what_is_no_database_is_refused(void **state)
{
    struct place *p = *state;
    char *path = strdup(place_path(p, "notes.txt"));
    char text[4000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    write_text(path, text);
    VLMD_REFUSES(p, 4, "notes.txt", "status", "--db", path);
    char *after = read_text(path);
    assert_string_equal(after, text);
    free(after);
    free(path);
}

// ---- another process

static void status_tells_what_another_process_does(void **state)
{
    struct place *p = *state;
    int port_fd, port = reserve_port(&port_fd);
    char url[64], pid[32];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
    write_pictures(p, 1);
    struct proc *run = VLMD_START(p, "watch", "--backend", url, "--set", "ocr.when=never",
                                  place_path(p, "in"));
    await_status(p, "workers.0.stats.is_paused", "true");
    await_status(p, "workers.0.stats.paused_because", url + strlen("http://"));
    await_status(p, "workers.0.stats.backends.0.state", "away");
    struct proc *status = VLMD_EXPECT(p, 0, "status");
    snprintf(pid, sizeof(pid), "process %d", (int)run->pid);
    assert_non_null(strstr(status->out.text, pid));
    assert_non_null(strstr(status->out.text, "paused: "));
    assert_non_null(strstr(status->out.text, url));
    cJSON *json = VLMD_JSON(p, "status", "--json");
    assert_int_equal(cJSON_GetArraySize(json_at(json, "workers")), 1);
    assert_int_equal((int)number_at(json, "workers.0.pid"), (int)run->pid);
    cJSON_Delete(json);
    proc_signal(run, SIGTERM);
    proc_expect(run, 0);
    status = VLMD_EXPECT(p, 0, "status");
    assert_non_null(strstr(status->out.text, "none runs"));
    close(port_fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(some_failed_is_1),
        TEST(usage_is_2),
        TEST(no_backend_is_3_and_all_waits),
        TEST(the_first_interrupt_finishes_what_is_asked),
        TEST(the_second_interrupt_stops_at_once),
        TEST(errors_of_the_configuration_have_file_and_line),
        TEST(the_sample_configuration_is_right),
        TEST(a_newer_database_is_refused),
        TEST(what_is_no_database_is_refused),
        TEST(status_tells_what_another_process_does),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
