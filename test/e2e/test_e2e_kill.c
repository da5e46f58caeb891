// test_e2e_kill.c -- kill -9 at ten random moments, and the same command again each time.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    N = 2000,
    SLOTS = 64,
    KILLS = 10,
    // Sent and not answered, and answered but not yet on the disk.
    MAX_LOST = 2 * SLOTS,
};

struct count {
    int asked, answered;
};

static struct proc *start(struct place *p, const struct fake *f)
{
    return VLMD_START(p, "batch", "--json", "--concurrency", "64", "--backend", f->url,
                      place_path(p, "in"));
}

static int answered_in_database(struct place *p)
{
    struct rows rows;
    rows_export(p, &rows);
    int n = rows_count(&rows, "outcome", "answered");
    rows_free(&rows);
    return n;
}

// What this run asked in vain is at most what it had under way.
static void check_after_kill(struct place *p, const struct fake *f, struct count *before)
{
    struct totals t;
    fake_await_quiet(f);
    fake_totals(f, &t);
    struct count now = {.asked = t.asked, .answered = answered_in_database(p)};
    int in_vain = (now.asked - before->asked) - (now.answered - before->answered);
    print_message("killed with %d of %d described, %d asked in vain\n", now.answered, N,
                  in_vain);
    assert_true(now.answered >= before->answered);
    assert_in_range(in_vain, 0, MAX_LOST);
    *before = now;
}

static void assert_nothing_is_lost_or_doubled(struct place *p)
{
    static char has[N];
    struct rows rows;
    rows_export(p, &rows);
    memset(has, 0, sizeof(has));
    assert_int_equal(rows.n, N);
    for (int i = 0; i < rows.n; i++) {
        const cJSON *row = rows.items[i];
        int n = picture_number(text_of(row, "path"));
        assert_in_range(n, 0, N - 1);
        assert_int_equal(has[n]++, 0);
        assert_string_equal(text_of(row, "outcome"), "answered");
        assert_true(picture_is_described(n, text_of(row, "fields.summary")));
    }
    rows_free(&rows);
}

static void nothing_is_lost_and_little_asked_again(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    struct count count = {0};
    int killed = 0;
    char flags[100];
    int scale = is_full_scale() ? 5 : 1;
    snprintf(flags, sizeof(flags), "--slots %d --latency-ms %d:0.3", SLOTS, 200 * scale);
    fake_start(p, &f, flags);
    for (int n = 0; n < N; n++) {
        picture_write(place_path(p, "in"), NULL, n);
    }
    while (killed < KILLS) {
        struct proc *run = start(p, &f);
        int moment_ms = (int)any_number((uint32_t)(900 * scale)) + 5;
        if (proc_ends_within(run, moment_ms)) {
            fail_msg("all done before it could be killed %d times", KILLS);
        }
        proc_kill(run);
        proc_free(p, run);
        killed++;
        check_after_kill(p, &f, &count);
    }
    proc_expect(start(p, &f), 0);
    assert_nothing_is_lost_or_doubled(p);
    fake_totals(&f, &t);
    print_message("%d pictures asked more than once\n", t.asked_twice);
    assert_int_equal(t.images, N);
    assert_in_range(t.asked_twice, 0, KILLS * SLOTS);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_lost_and_little_asked_again,
                                        place_setup, place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
