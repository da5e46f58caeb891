// test_e2e_batch.c -- two thousand pictures, each described exactly once.
//
// 100 ms per answer instead of the second of the promise; VLMD_E2E_FULL=1 takes the second.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 2000, SLOTS = 64 };

static struct place shared;  // the pictures, drawn once

static int draw_all(void **state)
{
    (void)state;
    place_make(&shared);
    for (int n = 0; n < N; n++) {
        picture_write(place_path(&shared, "in"), NULL, n);
    }
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    place_remove(&shared);
    return 0;
}

static int latency_ms(void)
{
    return is_full_scale() ? 1000 : 100;
}

static void start_fake(struct place *p, struct fake *f, const char *kind)
{
    char flags[200];
    snprintf(flags, sizeof(flags), "--kind %s --slots %d --latency-ms %d:0.3", kind,
             SLOTS, latency_ms());
    fake_start(p, f, flags);
}

static void assert_each_was_asked_once(const struct fake *f)
{
    struct totals t;
    fake_totals(f, &t);
    assert_int_equal(t.images, N);
    assert_int_equal(t.asked, N);
    assert_int_equal(t.answered, N);
    assert_int_equal(t.asked_twice, 0);
    assert_int_equal(t.never_answered, 0);
}

static void assert_row_is_right(const cJSON *row, int n)
{
    assert_row_is_whole(row);
    assert_string_equal(text_of(row, "outcome"), "answered");
    if (!picture_is_described(n, text_of(row, "fields.summary"))) {
        fail_msg("picture %d is described as: %s", n, text_of(row, "fields.summary"));
    }
    assert_non_null(strstr(text_of(row, "description"), text_of(row, "fields.summary")));
    assert_int_equal((int)number_at(row, "width"), PICTURE_W);
    assert_int_equal((int)number_at(row, "height"), PICTURE_H);
    assert_int_equal((int)number_at(row, "sent_width"), PICTURE_W);
    assert_int_equal((int)number_at(row, "sent_height"), PICTURE_H);
    assert_true(number_at(row, "sent_bytes") > 0);
    assert_true(number_at(row, "prompt_tokens") > 0);
    assert_true(number_at(row, "completion_tokens") > 0);
    assert_true(number_at(row, "request_ms") > 0);
    assert_int_equal((int)number_at(row, "attempts"), 1);
    assert_string_equal(text_of(row, "model"), "qwen2.5vl:7b");
    assert_true(cJSON_IsFalse(json_at(row, "degraded")));
    assert_true(cJSON_IsNull(json_at(row, "error")));
    assert_int_equal(strlen(text_of(row, "hash")), 32);
}

// One row per picture, and on each what that picture looks like.
static void assert_all_are_described(struct place *p)
{
    static char has[N];
    struct rows rows;
    rows_export(p, &rows);
    memset(has, 0, sizeof(has));
    assert_int_equal(rows.n, N);
    for (int i = 0; i < rows.n; i++) {
        int n = picture_number(text_of(rows.items[i], "path"));
        assert_in_range(n, 0, N - 1);
        assert_int_equal(has[n]++, 0);
        assert_row_is_right(rows.items[i], n);
    }
    rows_free(&rows);
}

static void assert_summary(const struct proc *run)
{
    const char *at = strstr(run->out.text, "\n{\"summary\":{\"total\"");
    assert_non_null(at);
    cJSON *summary = cJSON_Parse(at);
    assert_int_equal((int)number_at(summary, "summary.total"), N);
    assert_int_equal((int)number_at(summary, "summary.answered"), N);
    assert_int_equal((int)number_at(summary, "summary.failed"), 0);
    assert_true(cJSON_IsTrue(json_at(summary, "summary.finished")));
    cJSON_Delete(summary);
}

static void print_time(const char *what, int64_t began_ms)
{
    double s = (double)(now_ms() - began_ms) / 1000;
    print_message("%s: %.1f s, %.0f pictures/s (the backend alone: %.0f)\n", what, s,
                  N / s, SLOTS * 1000.0 / latency_ms());
}

static void ollama_describes_each_exactly_once(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    start_fake(p, &f, "ollama");
    int64_t began = now_ms();
    struct proc *run = VLMD_EXPECT(p, 0, "batch", "--json", "--concurrency", "64",
                                   "--backend", f.url, place_path(&shared, "in"));
    print_time("ollama", began);
    assert_summary(run);
    assert_each_was_asked_once(&f);
    fake_totals(&f, &t);
    assert_in_range(t.max_concurrency, SLOTS / 2, SLOTS);
    assert_all_are_described(p);
    // The same command once more has nothing to do.
    VLMD_EXPECT(p, 0, "batch", "--json", "--concurrency", "64", "--backend", f.url,
                place_path(&shared, "in"));
    assert_each_was_asked_once(&f);
    fake_stop(&f);
}

static void llama_server_is_asked_as_many_at_once_as_it_has_slots(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    start_fake(p, &f, "llama-server");
    int64_t began = now_ms();
    VLMD_EXPECT(p, 0, "batch", "--json", "--backend", f.url, place_path(&shared, "in"));
    print_time("llama-server", began);
    assert_each_was_asked_once(&f);
    fake_totals(&f, &t);
    assert_in_range(t.max_concurrency, SLOTS / 2, SLOTS);
    assert_all_are_described(p);
    fake_stop(&f);
}

static void two_processes_share_one_database(void **state)
{
    struct place *p = *state;
    struct fake f;
    start_fake(p, &f, "ollama");
    int64_t began = now_ms();
    struct proc *run[2];
    for (int i = 0; i < 2; i++) {
        run[i] = VLMD_START(p, "batch", "--json", "--concurrency", "32", "--backend",
                            f.url, place_path(&shared, "in"));
    }
    proc_expect(run[0], 0);
    proc_expect(run[1], 0);
    print_time("two processes", began);
    assert_each_was_asked_once(&f);
    assert_all_are_described(p);
    // Both did a fair part of the work: one line per picture, and the summary.
    int lines[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        for (const char *c = run[i]->out.text; *c; c++) {
            lines[i] += *c == '\n';
        }
    }
    assert_int_equal(lines[0] + lines[1], N + 2);
    assert_true(lines[0] > N / 10 && lines[1] > N / 10);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ollama_describes_each_exactly_once, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(
            llama_server_is_asked_as_many_at_once_as_it_has_slots, place_setup,
            place_teardown),
        cmocka_unit_test_setup_teardown(two_processes_share_one_database, place_setup,
                                        place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, draw_all, remove_all);
}
