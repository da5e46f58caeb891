// test_watch.c -- the watcher on real folders: every complete file exactly once.
// SPDX-License-Identifier: MIT
#include "ingest/ingest_kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRACKER_JSON                                                                     \
    "{\"timestamp\": \"20261121-101112\", \"active_app\": \"Code\", "                    \
    "\"active_window\": \"watch.c\", \"screen_name\": \"eDP-1\", \"url\": null}"
#define TRACKER_NAME "screenshot-20261121-111112-of-edp-1.webp"

static void open_short(struct kit *k)
{
    struct ingest_config c;
    kit_config(&c);
    kit_open(k, &c);
}

static void finds_old_files_newest_first(void **state)
{
    (void)state;
    struct kit k;
    struct ingest_config c;
    kit_config(&c);
    c.settle_ms = 0;  // the files' ctime is now
    kit_open(&k, &c);
    struct bytes b;
    png(&b, NULL);
    mkdir(in(&k.folder, "20261120"), 0755);
    mkdir(in(&k.folder, "20261121"), 0755);
    static const char *const names[] = {"20261120/a.png", "20261121/b.png",
                                        "20261121/c.png"};
    for (int i = 0; i < 3; i++) {
        write_file(in(&k.folder, names[i]), &b);
        struct timespec old[2] = {{.tv_sec = 1700000000 + i}, {.tv_sec = 1700000000 + i}};
        utimensat(AT_FDCWD, in(&k.folder, names[i]), old, 0);
    }
    struct timespec older[2] = {{.tv_sec = 1600000000}, {.tv_sec = 1600000000}};
    utimensat(AT_FDCWD, in(&k.folder, "20261120"), older, 0);
    write_text(in(&k.folder, "20261121/notes.txt"), "no picture");
    write_file(in(&k.folder, ".hidden.png"), &b);
    write_file(in(&k.folder, "temp_shot.png"), &b);
    kit_add(&k);
    kit_until(&k, k.n_seen == 3);
    assert_int_equal(k.last_files, 3);
    assert_string_equal(k.seen[0].path, "20261121/c.png");
    assert_string_equal(k.seen[1].path, "20261121/b.png");
    assert_string_equal(k.seen[2].path, "20261120/a.png");
    assert_string_equal(k.seen[0].root, k.folder.path);
    assert_false(k.seen[0].is_live);
    assert_int_equal(k.seen[0].size_bytes, b.len);
    // Nothing is new: nothing is said.
    kit_rescan(&k);
    assert_int_equal(k.n_seen, 3);
    assert_int_equal(k.n_problems, 0);
    struct watcher_stats st;
    watcher_stats(k.w, &st);
    assert_int_equal(st.folders, 3);
    assert_int_equal(st.polled_folders, 0);
    assert_int_equal(st.sightings, 3);
    kit_close(&k);
}

static void takes_renamed_files_at_once(void **state)
{
    (void)state;
    struct kit k;
    struct ingest_config c;
    kit_config(&c);
    c.settle_ms = 60000;
    c.tracker_settle_ms = 60000;
    kit_open(&k, &c);
    kit_add(&k);
    struct bytes b;
    png(&b, NULL);
    move_in(&k.folder, "new.png", &b);
    webp(&b, NULL);
    move_in(&k.folder, TRACKER_NAME, &b);
    kit_until(&k, k.n_seen == 2);
    assert_true(k.seen[0].is_live);
    assert_int_equal(kit_count(&k, "new.png"), 1);
    assert_int_equal(kit_count(&k, TRACKER_NAME), 1);
    kit_close(&k);
}

static void waits_until_written_files_are_quiet(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    kit_add(&k);
    struct bytes b;
    jpeg(&b, NULL);
    int64_t begin = loop_now_ms(&k.loop);
    write_file(in(&k.folder, "a.jpg"), &b);
    kit_until(&k, k.n_seen == 1);
    assert_true(k.seen[0].at_ms - begin >= 40);
    kit_rescan(&k);
    assert_int_equal(k.n_seen, 1);
    kit_close(&k);
}

static void takes_a_file_written_twice_once(void **state)
{
    (void)state;
    struct kit k;
    struct ingest_config c;
    kit_config(&c);
    c.tracker_settle_ms = 3000;
    kit_open(&k, &c);
    kit_add(&k);
    struct bytes plain, tagged;
    webp(&plain, NULL);
    webp(&tagged, TRACKER_JSON);
    const char *path = in(&k.folder, TRACKER_NAME);
    write_file(path, &plain);
    // The first version was looked at and is waiting.
    kit_until(&k, k.w->n_looked >= 1 && !k.w->look.is_busy);
    assert_int_equal(k.n_seen, 0);
    int64_t begin = loop_now_ms(&k.loop);
    write_file(path, &tagged);
    kit_until(&k, k.n_seen == 1);
    assert_int_equal(k.seen[0].size_bytes, tagged.len);
    assert_true(k.seen[0].at_ms - begin < 2000);  // its metadata says that it is final
    kit_settle(&k);
    kit_rescan(&k);
    assert_int_equal(k.n_seen, 1);
    kit_close(&k);
}

static void takes_a_tracker_file_without_metadata_later(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    kit_add(&k);
    struct bytes b;
    webp(&b, NULL);
    int64_t begin = loop_now_ms(&k.loop);
    write_file(in(&k.folder, TRACKER_NAME), &b);
    kit_until(&k, k.n_seen == 1);
    assert_true(k.seen[0].at_ms - begin >= 250);
    kit_close(&k);
}

static void waits_for_slow_writers(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    kit_add(&k);
    struct bytes b;
    png(&b, NULL);
    int fd = open(in(&k.folder, "slow.png"), O_WRONLY | O_CREAT, 0644);
    int64_t looked = k.w->n_looked;
    for (size_t i = 0; i < b.len; i++) {
        assert_int_equal(write(fd, b.data + i, 1), 1);
        if (i % 16 == 0) {
            // It was looked at while incomplete, and not taken.
            kit_until(&k, k.w->n_looked > looked && !k.w->look.is_busy);
            looked = k.w->n_looked;
            assert_int_equal(k.n_seen, 0);
        }
    }
    close(fd);
    kit_until(&k, k.n_seen == 1);
    assert_int_equal(k.seen[0].size_bytes, b.len);
    assert_int_equal(k.n_problems, 0);
    kit_close(&k);
}

static void takes_a_file_that_is_never_closed(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    kit_add(&k);
    struct bytes b;
    png(&b, NULL);
    int fd = open(in(&k.folder, "open.png"), O_WRONLY | O_CREAT, 0644);
    int64_t begin = loop_now_ms(&k.loop);
    assert_int_equal(write(fd, b.data, b.len), b.len);
    kit_until(&k, k.n_seen == 1);
    assert_true(k.seen[0].at_ms - begin >= 250);
    close(fd);
    kit_rescan(&k);
    assert_int_equal(k.n_seen, 1);  // closing changed nothing
    kit_close(&k);
}

static void sees_a_new_version_again(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    kit_add(&k);
    struct bytes b;
    png(&b, NULL);
    write_file(in(&k.folder, "a.png"), &b);
    kit_until(&k, k.n_seen == 1);
    png(&b, "{\"active_app\":\"x\"}");
    write_file(in(&k.folder, "a.png"), &b);
    kit_until(&k, k.n_seen == 2);
    assert_int_equal(k.seen[1].size_bytes, b.len);
    kit_close(&k);
}

static void forgets_what_is_deleted_at_once(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    kit_add(&k);
    struct bytes b;
    png(&b, NULL);
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof(name), "gone%d.png", i);
        write_file(in(&k.folder, name), &b);
        unlink(in(&k.folder, name));
    }
    write_file(in(&k.folder, "stays.png"), &b);
    kit_until(&k, k.n_seen >= 1);
    kit_settle(&k);
    kit_rescan(&k);
    assert_int_equal(k.n_seen, 1);
    assert_string_equal(k.seen[0].path, "stays.png");
    assert_int_equal(k.n_problems, 0);
    kit_close(&k);
}

static void takes_a_thousand_files_once_each(void **state)
{
    (void)state;
    struct kit k;
    struct ingest_config c;
    ingest_config_default(&c);  // the real times
    kit_open(&k, &c);
    kit_add(&k);
    struct bytes b;
    png(&b, NULL);
    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "shot%d.png", i);
        write_file(in(&k.folder, name), &b);
    }
    uv_update_time(&k.loop.uv);
    int64_t begin = loop_now_ms(&k.loop);
    kit_until(&k, k.n_seen >= 1000);
    assert_true(loop_now_ms(&k.loop) - begin < 1000);
    kit_rescan(&k);
    assert_int_equal(k.n_seen, 1000);
    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "shot%d.png", i);
        assert_int_equal(kit_count(&k, name), 1);
    }
    kit_close(&k);
}

static void watches_folders_made_this_moment(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    kit_add(&k);
    struct bytes b;
    png(&b, NULL);
    char dir[64];
    char name[96];
    for (int i = 0; i < 40; i++) {
        snprintf(dir, sizeof(dir), "day%d", i);
        mkdir(in(&k.folder, dir), 0755);
        snprintf(name, sizeof(name), "%s/a.png", dir);
        write_file(in(&k.folder, name), &b);
        snprintf(dir, sizeof(dir), "day%d/sub/deep", i);
        snprintf(name, sizeof(name), "day%d/sub", i);
        mkdir(in(&k.folder, name), 0755);
        mkdir(in(&k.folder, dir), 0755);
        snprintf(name, sizeof(name), "%s/b.png", dir);
        write_file(in(&k.folder, name), &b);
        uv_run(&k.loop.uv, UV_RUN_NOWAIT);  // so that folders are registered in between
        snprintf(name, sizeof(name), "%s/c.png", dir);
        write_file(in(&k.folder, name), &b);
    }
    kit_until(&k, k.n_seen >= 120);
    kit_settle(&k);
    kit_rescan(&k);
    assert_int_equal(k.n_seen, 120);
    assert_true(k.seen[0].is_live);
    struct watcher_stats st;
    watcher_stats(k.w, &st);
    assert_int_equal(st.folders, 1 + 3 * 40);
    // And they stay watched.
    write_file(in(&k.folder, "day7/sub/deep/later.png"), &b);
    kit_until(&k, k.n_seen == 121);
    kit_close(&k);
}

static void reports_a_renamed_file_under_its_new_name(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    kit_add(&k);
    struct bytes b;
    png(&b, NULL);
    write_file(in(&k.folder, "a.png"), &b);
    kit_until(&k, k.n_seen == 1);
    assert_int_equal(rename(in(&k.folder, "a.png"), in(&k.folder, "b.png")), 0);
    kit_until(&k, k.n_seen == 2);
    assert_string_equal(k.seen[1].path, "b.png");
    kit_rescan(&k);
    kit_settle(&k);
    assert_int_equal(k.n_seen, 2);
    kit_close(&k);
}

static void follows_renamed_folders(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    struct bytes b;
    png(&b, NULL);
    mkdir(in(&k.folder, "a"), 0755);
    mkdir(in(&k.folder, "a/sub"), 0755);
    write_file(in(&k.folder, "a/sub/one.png"), &b);
    kit_add(&k);
    kit_until(&k, k.n_seen == 1);
    assert_int_equal(rename(in(&k.folder, "a"), in(&k.folder, "b")), 0);
    write_file(in(&k.folder, "b/sub/two.png"), &b);
    // The old file is reported again: it has another path now.
    kit_until(&k, k.n_seen == 3);
    assert_int_equal(kit_count(&k, "b/sub/one.png"), 1);
    assert_int_equal(kit_count(&k, "b/sub/two.png"), 1);
    struct watcher_stats st;
    kit_until(&k, (watcher_stats(k.w, &st), st.folders == 3));
    write_file(in(&k.folder, "b/sub/three.png"), &b);
    kit_until(&k, k.n_seen == 4);
    assert_string_equal(k.seen[3].path, "b/sub/three.png");
    // Out of the root and away: the watches go too.
    struct folder other;
    folder_make(&other);
    assert_int_equal(rename(in(&k.folder, "b"), in(&other, "b")), 0);
    kit_until(&k, (watcher_stats(k.w, &st), st.folders == 1));
    write_file(in(&other, "b/sub/four.png"), &b);
    kit_rescan(&k);
    assert_int_equal(k.n_seen, 4);
    folder_remove(&other);
    kit_close(&k);
}

static void drops_removed_folders(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    mkdir(in(&k.folder, "a"), 0755);
    mkdir(in(&k.folder, "a/b"), 0755);
    kit_add(&k);
    struct watcher_stats st;
    watcher_stats(k.w, &st);
    assert_int_equal(st.folders, 3);
    rmdir(in(&k.folder, "a/b"));
    rmdir(in(&k.folder, "a"));
    kit_until(&k, (watcher_stats(k.w, &st), st.folders == 1));
    mkdir(in(&k.folder, "a"), 0755);
    struct bytes b;
    png(&b, NULL);
    write_file(in(&k.folder, "a/new.png"), &b);
    kit_until(&k, k.n_seen == 1);
    kit_close(&k);
}

static void survives_links(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    struct folder other;
    folder_make(&other);
    struct bytes b;
    png(&b, NULL);
    write_file(in(&other, "secret.png"), &b);
    mkdir(in(&k.folder, "sub"), 0755);
    write_file(in(&k.folder, "sub/real.png"), &b);
    assert_int_equal(symlink("..", in(&k.folder, "sub/loop")), 0);
    assert_int_equal(symlink(k.folder.path, in(&k.folder, "again")), 0);
    assert_int_equal(symlink(other.path, in(&k.folder, "out")), 0);
    assert_int_equal(symlink(in(&other, "secret.png"), in(&k.folder, "link.png")), 0);
    assert_int_equal(symlink("../../etc/passwd", in(&k.folder, "up.png")), 0);
    assert_int_equal(symlink("sub/real.png", in(&k.folder, "inside.png")), 0);
    assert_int_equal(symlink("nowhere.png", in(&k.folder, "dangling.png")), 0);
    assert_int_equal(symlink("self.png", in(&k.folder, "self.png")), 0);
    kit_add(&k);
    kit_settle(&k);
    kit_rescan(&k);
    // The link and what it leads to are one picture.
    assert_int_equal(k.n_seen, 1);
    assert_int_equal(kit_problem(&k, "link.png")->code, E_OUTSIDE);
    assert_int_equal(kit_problem(&k, "up.png")->code, E_OUTSIDE);
    assert_null(kit_problem(&k, "dangling.png"));
    struct watcher_stats st;
    watcher_stats(k.w, &st);
    assert_int_equal(st.folders, 2);
    folder_remove(&other);
    kit_close(&k);
}

static void takes_linked_names(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    struct folder other;
    folder_make(&other);
    struct bytes b;
    png(&b, NULL);
    write_file(in(&other, "a.png"), &b);
    kit_add(&k);
    assert_int_equal(link(in(&other, "a.png"), in(&k.folder, "hard.png")), 0);
    kit_until(&k, k.n_seen == 1);
    assert_string_equal(k.seen[0].path, "hard.png");
    folder_remove(&other);
    kit_close(&k);
}

static void refuses_bad_folders_in_words(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    struct err e = {0};
    assert_int_equal(watcher_add(k.w, in(&k.folder, "none"), &e), E_NOT_FOUND);
    assert_non_null(strstr(e.msg, "none: does not exist"));
    write_text(in(&k.folder, "file"), "x");
    assert_int_equal(watcher_add(k.w, in(&k.folder, "file"), &e), E_NOT_FILE);
    assert_non_null(strstr(e.msg, "is not a folder"));
    kit_add(&k);
    // The same folder, or one below it, is watched already.
    mkdir(in(&k.folder, "sub"), 0755);
    mkdir(in(&k.folder, ".hidden"), 0755);
    assert_int_equal(watcher_add(k.w, k.folder.path, &e), 0);
    assert_int_equal(watcher_add(k.w, in(&k.folder, "sub"), &e), 0);
    kit_rescan(&k);
    assert_int_equal(k.n_scanned, 2);
    // A hidden one is not.
    struct bytes b;
    png(&b, NULL);
    write_file(in(&k.folder, ".hidden/a.png"), &b);
    assert_int_equal(watcher_add(k.w, in(&k.folder, ".hidden"), &e), 0);
    kit_until(&k, k.n_seen == 1);
    assert_string_equal(k.seen[0].root, in(&k.folder, ".hidden"));
    kit_close(&k);
}

static int turns;

static void count_turn(uv_prepare_t *p)
{
    (void)p;
    turns++;
}

static void on_stop(uv_timer_t *t)
{
    *(bool *)t->data = true;
}

static void sleeps_when_nothing_happens(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    struct bytes b;
    png(&b, NULL);
    write_file(in(&k.folder, "a.png"), &b);
    kit_add(&k);
    kit_until(&k, k.n_seen == 1);
    kit_settle(&k);
    uv_prepare_t prepare;
    uv_timer_t stop;
    bool is_over = false;
    uv_prepare_init(&k.loop.uv, &prepare);
    uv_timer_init(&k.loop.uv, &stop);
    stop.data = &is_over;
    while (uv_run(&k.loop.uv, UV_RUN_NOWAIT) && k.w->look.is_busy) {
    }
    uv_prepare_start(&prepare, count_turn);
    uv_timer_start(&stop, on_stop, 700, 0);
    turns = 0;
    while (!is_over) {
        uv_run(&k.loop.uv, UV_RUN_ONCE);
    }
    // One turn sleeps until the stop timer; one more for a wake-up left from before.
    assert_true(turns <= 2);
    uv_close((uv_handle_t *)&prepare, NULL);
    uv_close((uv_handle_t *)&stop, NULL);
    kit_close(&k);
}

static void wait_for_settling(struct kit *k, int64_t n)
{
    struct watcher_stats st = {0};
    while (st.settling < n) {
        uv_run(&k->loop.uv, UV_RUN_ONCE);
        watcher_stats(k->w, &st);
    }
}

// A consumer that can take no more for a while.  The scan stops once 512 wait, what happens
// in the folder is noted all the same.
static void holds_back_while_paused_and_loses_nothing(void **state)
{
    (void)state;
    struct kit k;
    struct bytes b;
    open_short(&k);
    png(&b, NULL);
    for (int i = 0; i < 700; i++) {
        char name[32];
        snprintf(name, sizeof(name), "old-%d.png", i);
        write_file(in(&k.folder, name), &b);
    }
    watcher_pause(k.w, true);
    struct err e;
    assert_int_equal(watcher_add(k.w, k.folder.path, &e), 0);
    wait_for_settling(&k, 512);  // before anything new comes, which would count, too
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof(name), "new-%d.png", i);
        move_in(&k.folder, name, &b);
    }
    wait_for_settling(&k, 800);
    assert_int_equal(k.n_seen, 0);
    watcher_pause(k.w, false);
    kit_until(&k, k.n_seen == 1000);
    kit_rescan(&k);
    assert_int_equal(k.n_seen, 1000);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_old_files_newest_first),
        cmocka_unit_test(takes_renamed_files_at_once),
        cmocka_unit_test(waits_until_written_files_are_quiet),
        cmocka_unit_test(takes_a_file_written_twice_once),
        cmocka_unit_test(takes_a_tracker_file_without_metadata_later),
        cmocka_unit_test(waits_for_slow_writers),
        cmocka_unit_test(takes_a_file_that_is_never_closed),
        cmocka_unit_test(sees_a_new_version_again),
        cmocka_unit_test(forgets_what_is_deleted_at_once),
        cmocka_unit_test(takes_a_thousand_files_once_each),
        cmocka_unit_test(watches_folders_made_this_moment),
        cmocka_unit_test(reports_a_renamed_file_under_its_new_name),
        cmocka_unit_test(follows_renamed_folders),
        cmocka_unit_test(drops_removed_folders),
        cmocka_unit_test(survives_links),
        cmocka_unit_test(takes_linked_names),
        cmocka_unit_test(refuses_bad_folders_in_words),
        cmocka_unit_test(sleeps_when_nothing_happens),
        cmocka_unit_test(holds_back_while_paused_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
