// test_e2e_bad_input.c -- a folder of bad input: each file is reported in words, nothing
// hangs or grows, and the good pictures beside are described.
// SPDX-License-Identifier: MIT
#include "e2e_bad.h"
#include "e2e_pictures.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { MAX_RSS_KIB = 200 * 1024, MAX_MS = 30000 };

// Is there a line with both?
static bool is_told(const char *text, const char *name, const char *words)
{
    for (const char *at = text; (at = strstr(at, name)); at++) {
        const char *line_end = strchr(at, '\n');
        const char *found = strstr(at, words);
        if (found && (!line_end || found < line_end)) {
            return true;
        }
    }
    return false;
}

static void check_told(const struct place *p, const struct proc *run)
{
    for (int i = 0; i < n_bad_files; i++) {
        const struct bad_file *b = &bad_files[i];
        if (bad_is_there(p, b) &&
            !is_told(run->err.text, shown_name(b->name), b->words)) {
            fputs(run->err.text, stderr);
            fail_msg("not told of %s: %s", shown_name(b->name), b->words);
        }
    }
    // A name can not write to the terminal what it likes.
    assert_null(strchr(run->err.text, '\x1b'));
}

static void check_good(const struct rows *rows)
{
    for (int i = 0; i < n_good_names; i++) {
        char shown[64], end[80];
        // Broken UTF-8 is replaced in JSON; the part before it is enough to find it.
        snprintf(end, sizeof(end), "/%s", good_names[i]);
        const cJSON *row = rows_find(rows, end);
        for (int k = 0; !row && k < rows->n; k++) {
            snprintf(shown, sizeof(shown), "/in/%.*s",
                     (int)strcspn(good_names[i], "\xff"), good_names[i]);
            row = strstr(text_of(rows->items[k], "path"), shown) ? rows->items[k] : NULL;
        }
        assert_non_null(row);
        assert_string_equal(text_of(row, "outcome"), "answered");
        assert_true(picture_is_described(i, text_of(row, "fields.summary")));
    }
    assert_string_equal(text_of(rows_find(rows, "/one.png"), "outcome"), "answered");
}

static void check_size(const struct proc *run)
{
    print_message("at most %ld MiB\n", run->usage.ru_maxrss / 1024);
    if (!E2E_SANITIZED) {
        assert_in_range(run->usage.ru_maxrss, 1, MAX_RSS_KIB);
    }
}

static void export_as(struct place *p, const struct spawn *how, struct rows *rows)
{
    static const char *const args[] = {"export", "jsonl", NULL};
    struct proc *run = vlmd_run_with(p, how, 0, args);
    rows_parse(rows, run->out.text);
}

static void batch_reports_each_and_goes_on(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct spawn how;
    struct rows rows;
    fake_start(p, &f, "--slots 4 --latency-ms 10");
    bool has_unreadable = bad_user(p, &how);
    bad_folder(p, has_unreadable);
    int64_t began = now_ms();
    struct proc *run = VLMD_START_WITH(p, &how, "batch", "--concurrency", "4",
                                       "--backend", f.url, place_path(p, "in"));
    proc_expect(run, 1);
    print_message("%d ms\n", (int)(now_ms() - began));
    assert_in_range(now_ms() - began, 0, MAX_MS);
    check_size(run);
    check_told(p, run);
    export_as(p, &how, &rows);
    check_good(&rows);
    for (int i = 0; i < rows.n; i++) {
        assert_string_equal(text_of(rows.items[i], "state"), "ended");
    }
    assert_int_equal(rows_count(&rows, "outcome", "answered"), n_good_names + 1);
    assert_int_equal(rows_count(&rows, "outcome", "failed"), 5 + has_unreadable);
    rows_free(&rows);
    fake_stop(&f);
}

static void watch_reports_each_and_goes_on(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct spawn how;
    struct rows rows;
    fake_start(p, &f, "--slots 4 --latency-ms 10");
    bool has_unreadable = bad_user(p, &how);
    struct proc *run =
        VLMD_START_WITH(p, &how, "watch", "--set", "ingest.give_up=1s", "--concurrency",
                        "4", "--backend", f.url, place_path(p, "in"));
    proc_await(run, &run->err, "pictures found");
    bad_folder(p, has_unreadable);
    for (int i = 0; i < n_bad_files; i++) {
        const struct bad_file *b = &bad_files[i];
        run->err.mark = 0;
        if (bad_is_there(p, b)) {
            proc_await(run, &run->err, shown_name(b->name));
        }
    }
    fake_await_asked(&f, n_good_names + 1);
    fake_await_quiet(&f);
    // It still works.
    picture_write(place_path(p, "in"), "later.png", 77);
    fake_await_asked(&f, n_good_names + 2);
    fake_await_quiet(&f);
    proc_signal(run, SIGINT);
    proc_expect(run, 130);
    check_size(run);
    check_told(p, run);
    export_as(p, &how, &rows);
    check_good(&rows);
    assert_string_equal(text_of(rows_find(&rows, "/later.png"), "outcome"), "answered");
    rows_free(&rows);
    fake_stop(&f);
}

// Named one by one: what a scan of a folder passes over is an error then.
static void files_named_on_the_command_line_are_reported_too(void **state)
{
    struct place *p = *state;
    struct fake f;
    fake_start(p, &f, "--slots 4 --latency-ms 10");
    bad_folder(p, false);
    struct proc *run = VLMD_EXPECT(
        p, 1, "batch", "--backend", f.url, place_path(p, "in/fifo.png"),
        place_path(p, "in/sock.png"), place_path(p, "in/text.png"),
        place_path(p, "in/missing.png"), place_path(p, "in/good.png"), "/dev/zero");
    assert_true(is_told(run->err.text, "fifo.png", "is not a regular file"));
    assert_true(is_told(run->err.text, "sock.png", "is not a regular file"));
    assert_true(is_told(run->err.text, "text.png", "is not a PNG, JPEG or WebP"));
    assert_true(is_told(run->err.text, "missing.png", "does not exist"));
    assert_true(is_told(run->err.text, "/dev/zero", "is not a regular file"));
    assert_non_null(strstr(run->out.text, "1 described"));
    check_size(run);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(batch_reports_each_and_goes_on, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(watch_reports_each_and_goes_on, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(files_named_on_the_command_line_are_reported_too,
                                        place_setup, place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
