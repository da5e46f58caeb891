// test_e2e_groups.c -- "the GPU box when it is awake, else the small box, else wait".
//
// The first group serves alone; when it goes away in the middle the second takes over, what
// was cut off is asked there, and its row says so; when it is back the second rests again.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { N = 96, SLOTS = 4 };

static struct proc *begin(struct place *p, struct fake *big, struct fake *small)
{
    char yaml[400];
    fake_start(p, big, "--kind llama-server --slots 4 --latency-ms 100");
    fake_start(p, small, "--kind llama-server --slots 4 --latency-ms 100");
    for (int i = 0; i < N; i++) {
        picture_write(place_path(p, "in"), NULL, i);
    }
    snprintf(yaml, sizeof(yaml),
             "backends: [{url: \"%s\", priority: 1}, {url: \"%s\", priority: 2}]\n",
             big->url, small->url);
    place_config(p, yaml);
    return VLMD_START(p, "batch", "--json", "--concurrency", "4", place_path(p, "in"));
}

static int asked(const struct fake *f)
{
    struct totals t;
    fake_totals(f, &t);
    return t.asked;
}

static void the_next_group_serves_while_the_first_is_away(void **state)
{
    struct place *p = *state;
    struct fake big, small;
    struct rows rows;
    struct proc *run = begin(p, &big, &small);
    fake_await_asked(&big, N / 8);
    assert_int_equal(asked(&small), 0);
    fake_kill(&big);
    fake_await_asked(&small, N / 8);
    fake_again(&big);
    fake_await_asked(&big, 2 * SLOTS);
    fake_await_quiet(&small);
    int by_small = asked(&small);
    fake_await_asked(&big, 6 * SLOTS);
    assert_int_equal(asked(&small), by_small);  // it rests again
    proc_expect(run, 0);
    rows_export(p, &rows);
    assert_int_equal(rows.n, N);
    assert_int_equal(rows_count(&rows, "outcome", "answered"), N);
    assert_in_range(rows_count(&rows, "fallback", "backend"), 1, 2 * SLOTS);
    rows_free(&rows);
    fake_stop(&big);
    fake_stop(&small);
}

static void with_no_group_awake_work_waits(void **state)
{
    struct place *p = *state;
    struct fake big, small;
    struct proc *run = begin(p, &big, &small);
    fake_await_asked(&big, SLOTS);
    fake_kill(&big);
    fake_kill(&small);
    proc_await(run, &run->err, "paused: ");
    fake_again(&small);
    proc_expect(run, 0);
    assert_in_range(asked(&small), N / 2, N + SLOTS);
    fake_stop(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_next_group_serves_while_the_first_is_away,
                                        place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(with_no_group_awake_work_waits, place_setup,
                                        place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
