// test_e2e_sleep.c -- the machine sleeps for a night in the middle of a batch.
//
// The wall clock is eight hours ahead at once and all connections are gone, as after a sleep;
// see tools/soak/soak_clock.c.  What was under way is asked once more, nothing else is.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <stdio.h>
#include <string.h>

enum { N = 160, SLOTS = 8, NIGHT_MS = 8 * 3600 * 1000 };

static void set_clock(const char *path, const char *mode, int64_t ahead_ms)
{
    FILE *f = fopen(path, mode);
    assert_non_null(f);
    assert_int_equal(fwrite(&ahead_ms, sizeof(ahead_ms), 1, f), 1);
    assert_int_equal(fclose(f), 0);
}

static struct proc *begin(struct place *p, struct fake *f, const char *clock)
{
    char preload[320], env_clock[320];
    fake_start(p, f, "--slots 8 --latency-ms 100:0.3");
    for (int i = 0; i < N; i++) {
        picture_write(place_path(p, "in"), NULL, i);
    }
    set_clock(clock, "w", 0);
    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", SOAK_WORLD);
    snprintf(env_clock, sizeof(env_clock), "SOAK_CLOCK=%s", clock);
    const char *const env[] = {preload, env_clock, NULL};
    const struct spawn how = {.env = env};
    struct proc *run = VLMD_START_WITH(p, &how, "batch", "--json", "--concurrency", "8",
                                       "--backend", f->url, place_path(p, "in"));
    fake_await_asked(f, N / 4);
    return run;
}

static void assert_all_described(struct place *p)
{
    struct rows rows;
    const char *first = "9", *last = "";
    rows_export(p, &rows);
    assert_int_equal(rows.n, N);
    for (int i = 0; i < rows.n; i++) {
        const char *at = text_of(rows.items[i], "created_at");
        assert_string_equal(text_of(rows.items[i], "outcome"), "answered");
        first = strcmp(at, first) < 0 ? at : first;
        last = strcmp(at, last) > 0 ? at : last;
    }
    // It did sleep: 2026-01-31T02 and 2026-01-31T10.
    assert_int_not_equal(strncmp(first, last, strlen("2026-01-31T02")), 0);
    rows_free(&rows);
}

static void a_night_costs_what_was_under_way(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    char clock[300];
    snprintf(clock, sizeof(clock), "%s", place_path(p, "clock"));
    struct proc *run = begin(p, &f, clock);
    fake_control(&f, "{\"kill\":true}");
    set_clock(clock, "r+", NIGHT_MS);
    proc_expect(run, 0);
    assert_all_described(p);
    fake_totals(&f, &t);
    assert_int_equal(t.images, N);
    assert_in_range(t.asked - N, 0, 2 * SLOTS);  // cut off, and sent again at once
    assert_int_equal(t.answered_twice, 0);
    assert_in_range(t.max_concurrency, 1, SLOTS);  // nobody stampedes
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_night_costs_what_was_under_way, place_setup,
                                        place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
