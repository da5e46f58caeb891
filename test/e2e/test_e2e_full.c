// test_e2e_full.c -- the disk is full in the middle: work waits with a reason, goes on when
// there is room again, and what was answered meanwhile is not asked again.
//
// On a small tmpfs in a mount namespace of the test's own; without the right to make one
// it is skipped and says so.
// SPDX-License-Identifier: MIT
#include "e2e_more.h"
#include "e2e_pictures.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { N = 120, SLOTS = 4, LOW_MIB = 6 };

// Its own namespace: neither seen by others nor left behind.
static int make_small_disk(void **state)
{
    place_setup(state);
    struct place *p = *state;
    bool may =
        unshare(CLONE_NEWNS) == 0 &&
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("vlmd-test", place_path(p, "data"), "tmpfs", MS_NOSUID, "size=16m") == 0;
    if (!may) {
        print_message("skipped: a small file system can not be mounted: %s\n",
                      strerror(errno));
        place_teardown(state);
        *state = NULL;
    }
    return 0;
}

static int drop_small_disk(void **state)
{
    struct place *p = *state;
    if (p) {
        while (p->procs) {
            struct proc *first = p->procs;
            proc_kill(first);
            proc_free(p, first);
        }
        umount2(place_path(p, "data"), MNT_DETACH);
        place_teardown(state);
    }
    return 0;
}

// Until so many bytes are left.
static void fill_disk(struct place *p, size_t leave)
{
    static char chunk[4096];
    struct statvfs fs;
    int fd = open(place_path(p, "data/ballast"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    do {
        assert_int_equal(fstatvfs(fd, &fs), 0);
    } while (fs.f_bavail * fs.f_bsize > leave &&
             write(fd, chunk, sizeof(chunk)) == (ssize_t)sizeof(chunk));
    close(fd);
}

static struct proc *begin(struct place *p, struct fake *f, const char *min_free)
{
    char setting[64];
    snprintf(setting, sizeof(setting), "store.min_free_bytes=%s", min_free);
    fake_start(p, f, "--slots 4 --latency-ms 40");
    for (int i = 0; i < N; i++) {
        picture_write(place_path(p, "in"), NULL, i);
    }
    struct proc *run = VLMD_START(p, "batch", "--json", "--concurrency", "4", "--backend",
                                  f->url, "--set", setting, place_path(p, "in"));
    fake_await_asked(f, N / 4);
    proc_read(run);
    run->err.mark = run->err.len;  // what it said before the disk was full
    return run;
}

static void assert_all_described_once(struct place *p, const struct fake *f)
{
    struct rows rows;
    struct totals t;
    rows_export(p, &rows);
    assert_int_equal(rows.n, N);
    for (int i = 0; i < rows.n; i++) {
        int n = picture_number(text_of(rows.items[i], "path"));
        assert_string_equal(text_of(rows.items[i], "outcome"), "answered");
        assert_true(picture_is_described(n, text_of(rows.items[i], "fields.summary")));
    }
    rows_free(&rows);
    fake_totals(f, &t);
    assert_int_equal(t.images, N);
    assert_int_equal(t.asked, N);
    assert_int_equal(t.answered, N);
}

static void wait_and_go_on(struct place *p, struct fake *f, struct proc *run)
{
    struct totals before, after;
    proc_await(run, &run->err, "vlmd: paused: ");
    size_t told_at = run->err.mark;
    proc_await(run, &run->err, "\n");
    const char *told = run->err.text + told_at;
    if (!memmem(told, run->err.len - told_at, "full", 4)) {
        fail_msg("no word of a full disk: %s", told);
    }
    fake_await_quiet(f);
    fake_totals(f, &before);
    assert_in_range(before.asked, N / 4, N - 1);
    // Long enough for all the others, had it gone on.
    assert_false(proc_ends_within(run, 1500));
    fake_totals(f, &after);
    assert_in_range(after.asked - before.asked, 0, 2 * SLOTS);  // those made ready before
    assert_int_equal(unlink(place_path(p, "data/ballast")), 0);
    proc_await(run, &run->err, "going on");
    proc_expect(run, 0);
    assert_all_described_once(p, f);
}

static void nothing_is_lost_on_a_full_disk(void **state)
{
    struct place *p = *state;
    struct fake f;
    if (!p) {
        skip();
    }
    struct proc *run = begin(p, &f, "1");
    fill_disk(p, 0);
    wait_and_go_on(p, &f, run);
    fake_stop(&f);
}

static void the_last_megabytes_are_left_to_others(void **state)
{
    struct place *p = *state;
    struct fake f;
    if (!p) {
        skip();
    }
    struct proc *run = begin(p, &f, "6MiB");
    fill_disk(p, (LOW_MIB - 1) << 20);
    wait_and_go_on(p, &f, run);
    assert_non_null(strstr(run->err.text, "almost full"));
    fake_stop(&f);
}

// Killed while nothing could be written: at most what was not written is asked again.
static void killed_on_a_full_disk_it_continues(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    struct rows rows;
    if (!p) {
        skip();
    }
    struct proc *run = begin(p, &f, "1");
    fill_disk(p, 0);
    proc_await(run, &run->err, "vlmd: paused: ");
    fake_await_quiet(&f);
    proc_kill(run);
    assert_int_equal(unlink(place_path(p, "data/ballast")), 0);
    rows_export(p, &rows);
    int saved = rows_count(&rows, "outcome", "answered");
    rows_free(&rows);
    fake_totals(&f, &t);
    int unsaved = t.answered - saved;
    assert_in_range(unsaved, 1, 100);
    VLMD_EXPECT(p, 0, "batch", "--concurrency", "4", "--backend", f.url,
                place_path(p, "in"), "--set", "store.min_free_bytes=1");
    fake_totals(&f, &t);
    assert_int_equal(t.images, N);
    assert_int_equal(t.asked, N + unsaved);
    fake_stop(&f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_small_disk, drop_small_disk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_lost_on_a_full_disk),
        TEST(the_last_megabytes_are_left_to_others),
        TEST(killed_on_a_full_disk_it_continues),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
