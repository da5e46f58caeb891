// test_watch_faults.c -- the watcher where things go wrong: bad files, missing rights, full
// queues, folders that vanish or can not be watched.
// SPDX-License-Identifier: MIT
#include "ingest/ingest_kit.h"

#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void open_short(struct kit *k)
{
    struct ingest_config c;
    kit_config(&c);
    kit_open(k, &c);
}

// ---- bad files

static void make_socket(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
    close(s);
}

static void make_bad_files(const struct folder *f)
{
    struct bytes b;
    png(&b, NULL);
    b.len -= 12;
    write_file(in(f, "truncated.png"), &b);
    write_text(in(f, "empty.png"), "");
    write_text(in(f, "text.png"), "this is only text");
    assert_int_equal(mkfifo(in(f, "pipe.png"), 0644), 0);
    make_socket(in(f, "socket.png"));
    assert_int_equal(symlink("/dev/zero", in(f, "zero.png")), 0);
    mkdir(in(f, "folder.png"), 0755);
    assert_int_equal(symlink("folder.png", in(f, "linked.png")), 0);
    webp(&b, NULL);  // a picture, of another kind than its name says: fine
    write_file(in(f, "new\nline.png"), &b);
    write_file(in(f, "bad\xff\xc3utf8.png"), &b);
}

static void check_bad_files(struct kit *k)
{
    static const struct {
        const char *path;
        int code;
        const char *words;
    } rows[] = {
        {"truncated.png", E_CUT, "ends before the picture is complete"},
        {"empty.png", E_CUT, "is empty (0 bytes)"},
        {"text.png", E_FORMAT, "is not a PNG, JPEG or WebP picture"},
        {"pipe.png", E_NOT_FILE, "is a named pipe, not a regular file"},
        {"socket.png", E_NOT_FILE, "is a socket, not a regular file"},
        {"zero.png", E_OUTSIDE, "leads out of the watched folder"},
        {"linked.png", E_NOT_FILE, "is a folder, not a regular file"},
    };
    int n = (int)(sizeof(rows) / sizeof(rows[0]));
    kit_until(k, k->n_problems >= n && k->n_seen >= 2);
    kit_settle(k);
    kit_rescan(k);
    kit_settle(k);
    assert_int_equal(k->n_problems, n);  // each once, whatever is scanned again
    assert_int_equal(k->n_seen, 2);
    for (int i = 0; i < n; i++) {
        const struct record *r = kit_problem(k, rows[i].path);
        assert_non_null(r);
        assert_int_equal(r->code, rows[i].code);
        assert_non_null(strstr(r->words, rows[i].words));
        assert_string_equal(r->root, k->folder.path);
    }
    assert_int_equal(kit_count(k, "new\nline.png"), 1);
    assert_int_equal(kit_count(k, "bad\xff\xc3utf8.png"), 1);
}

static void reports_bad_files_that_a_scan_finds(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    make_bad_files(&k.folder);
    kit_add(&k);
    check_bad_files(&k);
    kit_close(&k);
}

static void reports_bad_files_that_appear(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    kit_add(&k);
    make_bad_files(&k.folder);
    check_bad_files(&k);
    kit_close(&k);
}

static void takes_a_file_that_was_repaired(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    kit_add(&k);
    struct bytes b;
    png(&b, NULL);
    b.len -= 4;
    write_file(in(&k.folder, "a.png"), &b);
    kit_until(&k, k.n_problems == 1);
    b.len += 4;
    write_file(in(&k.folder, "a.png"), &b);
    kit_until(&k, k.n_seen == 1);
    kit_close(&k);
}

// ---- rights: as another user, in a child

static void as_nobody(void (*test)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (geteuid() == 0) {
            const struct passwd *nobody = getpwnam("nobody");
            if (!nobody || setgroups(0, NULL) < 0 || setgid(nobody->pw_gid) < 0 ||
                setuid(nobody->pw_uid) < 0) {
                _exit(77);
            }
        }
        test();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

// cmocka's asserts jump back into the parent's frames: in the child they must end it.
#define must(condition)                                                                  \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                      \
            _exit(1);                                                                    \
        }                                                                                \
    } while (0)

static void check_rights(void)
{
    struct kit k;
    struct bytes b;
    open_short(&k);
    png(&b, NULL);
    write_file(in(&k.folder, "good.png"), &b);
    write_file(in(&k.folder, "locked.png"), &b);
    chmod(in(&k.folder, "locked.png"), 0);
    mkdir(in(&k.folder, "closed"), 0755);
    write_file(in(&k.folder, "closed/a.png"), &b);
    chmod(in(&k.folder, "closed"), 0);
    kit_add(&k);
    kit_until(&k, k.n_seen == 1 && k.n_problems == 2);
    must(kit_problem(&k, "locked.png")->code == E_ACCESS);
    must(strstr(kit_problem(&k, "locked.png")->words, "may not be read"));
    must(kit_problem(&k, "closed")->code == E_ACCESS);
    must(strstr(kit_problem(&k, "closed")->words, "the folder may not be read"));
    kit_rescan(&k);
    kit_settle(&k);
    must(k.n_problems == 2);
    // After a chmod the next scan finds them.
    chmod(in(&k.folder, "locked.png"), 0600);
    chmod(in(&k.folder, "closed"), 0700);
    kit_rescan(&k);
    kit_until(&k, k.n_seen == 3);
    struct err e = {0};
    mkdir(in(&k.folder, "private"), 0);
    must(watcher_add(k.w, in(&k.folder, "private/x"), &e) == E_ACCESS);
    must(strstr(e.msg, "may not be read"));
    kit_close(&k);
}

static void survives_missing_rights(void **state)
{
    (void)state;
    as_nobody(check_rights);
}

// ---- events that get lost

static void scans_after_an_overflow(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    kit_add(&k);
    // Nobody tells about this file: the folder's watch is gone.
    struct dir *d = NULL;
    for (int wd = 1; !d; wd++) {
        d = dirs_find(k.w, wd);
    }
    inotify_rm_watch(k.w->watch.inotify_fd, d->wd);
    dirs_drop(k.w, d);
    struct bytes b;
    png(&b, NULL);
    write_file(in(&k.folder, "missed.png"), &b);
    struct inotify_event ev = {.wd = -1, .mask = IN_Q_OVERFLOW};
    watch_feed(k.w, &ev, sizeof(ev));
    kit_until(&k, k.n_seen == 1);
    struct watcher_stats st;
    watcher_stats(k.w, &st);
    assert_int_equal(st.overflows, 1);
    assert_int_equal(st.folders, 1);  // watched again
    // A second one while the scan for the first is under way: one more scan follows.
    kit_settle(&k);
    int before = k.n_scanned;
    watch_feed(k.w, &ev, sizeof(ev));
    watch_feed(k.w, &ev, sizeof(ev));
    watch_feed(k.w, &ev, sizeof(ev));
    kit_until(&k, k.n_scanned == before + 2);
    kit_close(&k);
}

static void overflows_for_real(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    kit_add(&k);
    int limit = 16384;
    FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
    if (f) {
        assert_int_equal(fscanf(f, "%d", &limit), 1);
        fclose(f);
    }
    if (limit > 50000) {
        kit_close(&k);
        skip();
    }
    struct bytes b;
    png(&b, NULL);
    // The loop does not run meanwhile.
    for (int i = 0; i < limit + 10; i++) {
        write_text(in(&k.folder, i & 1 ? "x.txt" : "y.txt"), "");
    }
    write_file(in(&k.folder, "after.png"), &b);
    kit_until(&k, k.n_seen == 1);
    struct watcher_stats st;
    watcher_stats(k.w, &st);
    assert_true(st.overflows >= 1);
    kit_close(&k);
}

static void scans_on_a_schedule(void **state)
{
    (void)state;
    struct kit k;
    struct ingest_config c;
    kit_config(&c);
    c.rescan_ms = 50;
    kit_open(&k, &c);
    kit_add(&k);
    kit_until(&k, k.n_scanned >= 4);
    kit_close(&k);
}

static void goes_on_when_too_many_files_wait(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    kit_add(&k);
    struct bytes b;
    png(&b, NULL);
    k.w->n_waiting += MAX_WAITING;  // as if
    write_file(in(&k.folder, "a.png"), &b);
    kit_until(&k, k.w->is_short);
    assert_int_equal(k.n_seen, 0);
    k.w->n_waiting -= MAX_WAITING;
    watch_go_on(k.w);
    kit_until(&k, k.n_seen == 1);
    kit_close(&k);
}

// ---- folders that can not be watched

static bool is_always_network(int dir_fd)
{
    (void)dir_fd;
    return true;
}

static int n_adds_left;

static int add_few(int fd, const char *path, uint32_t mask)
{
    if (n_adds_left == 0) {
        errno = ENOSPC;
        return -1;
    }
    n_adds_left--;
    return inotify_add_watch(fd, path, mask);
}

static void polls_network_folders(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    k.w->watch.is_network = is_always_network;
    struct bytes b;
    png(&b, NULL);
    mkdir(in(&k.folder, "sub"), 0755);
    write_file(in(&k.folder, "sub/a.png"), &b);
    kit_add(&k);
    kit_until(&k, k.n_seen == 1);
    write_file(in(&k.folder, "sub/b.png"), &b);
    mkdir(in(&k.folder, "new"), 0755);
    write_file(in(&k.folder, "new/c.png"), &b);
    kit_until(&k, k.n_seen == 3);
    assert_true(k.seen[2].is_live);
    kit_settle(&k);
    kit_rescan(&k);
    assert_int_equal(k.n_seen, 3);
    assert_int_equal(k.n_notices, 1);
    assert_non_null(strstr(k.notices[0], "network file system"));
    struct watcher_stats st;
    watcher_stats(k.w, &st);
    assert_int_equal(st.folders, 0);
    kit_until(&k, (watcher_stats(k.w, &st), st.polled_folders == 3));
    // A file that is still being written is not taken between two looks.
    int fd = open(in(&k.folder, "sub/slow.png"), O_WRONLY | O_CREAT, 0644);
    assert_int_equal(write(fd, b.data, 20), 20);
    kit_until(&k, k.w->n_waiting == 1);
    assert_int_equal(write(fd, b.data + 20, b.len - 20), b.len - 20);
    close(fd);
    kit_until(&k, k.n_seen == 4);
    assert_int_equal(k.seen[3].size_bytes, b.len);
    assert_int_equal(k.n_problems, 0);
    kit_close(&k);
}

static void polls_what_is_over_the_limit(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    k.w->watch.add_watch = add_few;
    n_adds_left = 1;
    struct bytes b;
    png(&b, NULL);
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof(name), "d%d", i);
        mkdir(in(&k.folder, name), 0755);
        snprintf(name, sizeof(name), "d%d/sub", i);
        mkdir(in(&k.folder, name), 0755);
    }
    kit_add(&k);
    struct watcher_stats st;
    watcher_stats(k.w, &st);
    assert_int_equal(st.folders, 1);
    assert_int_equal(st.polled_folders, 6);
    assert_int_equal(k.n_notices, 1);
    assert_non_null(strstr(k.notices[0], "max_user_watches"));
    write_file(in(&k.folder, "d1/sub/a.png"), &b);
    write_file(in(&k.folder, "b.png"), &b);
    kit_until(&k, k.n_seen == 2);
    // A polled folder that goes away is no longer polled.
    rmdir(in(&k.folder, "d0/sub"));
    rmdir(in(&k.folder, "d0"));
    kit_until(&k, (watcher_stats(k.w, &st), st.polled_folders == 4));
    // The limit was raised: the next scan watches.
    n_adds_left = 1000;
    kit_rescan(&k);
    watcher_stats(k.w, &st);
    assert_int_equal(st.folders, 5);
    assert_int_equal(st.polled_folders, 0);
    assert_int_equal(k.n_notices, 1);
    kit_close(&k);
}

static void polls_the_root_when_much_is_over_the_limit(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    k.w->watch.add_watch = add_few;
    n_adds_left = 1;
    for (int i = 0; i < MAX_POLLED + 5; i++) {
        char name[32];
        snprintf(name, sizeof(name), "d%d", i);
        mkdir(in(&k.folder, name), 0755);
    }
    kit_add(&k);
    assert_int_equal(k.n_notices, 1);
    assert_string_equal(list_first(&k.w->polled, struct polled, node)->path, "");
    assert_true(k.w->polled.next == k.w->polled.prev);
    struct bytes b;
    png(&b, NULL);
    write_file(in(&k.folder, "d3/a.png"), &b);
    kit_until(&k, k.n_seen == 1);
    kit_close(&k);
}

// ---- roots that go away

static void waits_for_a_lost_root(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    struct err e = {0};
    struct bytes b;
    png(&b, NULL);
    mkdir(in(&k.folder, "root"), 0755);
    mkdir(in(&k.folder, "root/sub"), 0755);
    assert_int_equal(watcher_add(k.w, in(&k.folder, "root"), &e), 0);
    kit_until(&k, k.n_scanned == 1);
    for (int round = 0; round < 2; round++) {
        if (round == 0) {
            rmdir(in(&k.folder, "root/sub"));
            rmdir(in(&k.folder, "root"));
        } else {
            rename(in(&k.folder, "root"), in(&k.folder, "away"));
        }
        kit_until(&k, k.n_notices == 1 + 2 * round);
        assert_non_null(strstr(k.notices[2 * round], "the folder does not exist"));
        struct watcher_stats st;
        watcher_stats(k.w, &st);
        assert_int_equal(st.folders, 0);
        mkdir(in(&k.folder, "root"), 0755);
        kit_until(&k, k.n_notices == 2 + 2 * round);
        assert_non_null(strstr(k.notices[1 + 2 * round], "back"));
        write_file(in(&k.folder, "root/a.png"), &b);
        kit_until(&k, k.n_seen == 1 + round);
        assert_string_equal(k.seen[round].path, "a.png");
        unlink(in(&k.folder, "root/a.png"));
    }
    assert_int_equal(k.n_problems, 0);
    kit_close(&k);
}

static void loses_a_root_in_the_middle_of_its_scan(void **state)
{
    (void)state;
    struct bytes b;
    png(&b, NULL);
    for (int turns = 0; turns < 12; turns++) {
        struct kit k;
        open_short(&k);
        struct err e = {0};
        mkdir(in(&k.folder, "root"), 0755);
        for (int i = 0; i < 60; i++) {
            char name[32];
            snprintf(name, sizeof(name), "root/d%d", i);
            mkdir(in(&k.folder, name), 0755);
            snprintf(name, sizeof(name), "root/d%d/a.png", i);
            write_file(in(&k.folder, name), &b);
        }
        assert_int_equal(watcher_add(k.w, in(&k.folder, "root"), &e), 0);
        for (int i = 0; i < turns; i++) {
            uv_run(&k.loop.uv, UV_RUN_NOWAIT);
        }
        assert_int_equal(rename(in(&k.folder, "root"), in(&k.folder, "away")), 0);
        kit_until(&k, k.n_notices == 1);
        kit_settle(&k);
        assert_int_equal(rename(in(&k.folder, "away"), in(&k.folder, "root")), 0);
        kit_until(&k, k.n_notices == 2 && k.n_seen >= 60);
        kit_settle(&k);
        for (int i = 0; i < 60; i++) {
            char name[32];
            snprintf(name, sizeof(name), "d%d/a.png", i);
            assert_int_equal(kit_count(&k, name), 1);
        }
        kit_close(&k);
    }
}

// As another user, whose inotify instances nobody else needs.
static void check_no_inotify(void)
{
    int fds[4096];
    int n = 0;
    while (n < 4096 && (fds[n] = inotify_init1(IN_CLOEXEC)) >= 0) {
        n++;
    }
    must(n < 4096);
    // Descriptors may be what has run out: the pool needs some.
    for (int i = 0; i < 20 && errno == EMFILE && n > 200; i++) {
        close(fds[--n]);
    }
    struct kit k;
    struct bytes b;
    open_short(&k);
    if (k.w->watch.inotify_fd >= 0) {
        folder_remove(&k.folder);
        _exit(0);  // no limit here that could be reached
    }
    png(&b, NULL);
    kit_add(&k);
    write_file(in(&k.folder, "a.png"), &b);
    kit_until(&k, k.n_seen == 1);
    must(k.n_notices == 1);
    must(strstr(k.notices[0], "can not be watched"));
    kit_close(&k);
    for (int i = 0; i < n; i++) {
        close(fds[i]);
    }
}

static void polls_without_inotify(void **state)
{
    (void)state;
    as_nobody(check_no_inotify);
}

static void notices_a_root_that_was_replaced(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    struct err e = {0};
    struct bytes b;
    png(&b, NULL);
    mkdir(in(&k.folder, "root"), 0755);
    assert_int_equal(watcher_add(k.w, in(&k.folder, "root"), &e), 0);
    kit_until(&k, k.n_scanned == 1);
    // Before the loop runs again there is another folder of that name.
    rmdir(in(&k.folder, "root"));
    mkdir(in(&k.folder, "root"), 0755);
    write_file(in(&k.folder, "root/a.png"), &b);
    kit_until(&k, k.n_seen == 1);
    kit_close(&k);
}

// ---- closing

static void closes_at_any_moment(void **state)
{
    (void)state;
    struct bytes b;
    png(&b, NULL);
    for (int turns = 0; turns < 30; turns++) {
        struct kit k;
        open_short(&k);
        struct err e = {0};
        for (int i = 0; i < 50; i++) {
            char name[32];
            snprintf(name, sizeof(name), "d%d", i);
            mkdir(in(&k.folder, name), 0755);
            snprintf(name, sizeof(name), "d%d/a.png", i);
            write_file(in(&k.folder, name), &b);
        }
        assert_int_equal(watcher_add(k.w, k.folder.path, &e), 0);
        for (int i = 0; i < turns; i++) {
            uv_run(&k.loop.uv, UV_RUN_NOWAIT);
        }
        kit_close(&k);
    }
}

static void close_from_callback(void *arg, const struct sighting *s)
{
    struct kit *k = arg;
    (void)s;
    k->n_seen++;
    watcher_close(k->w, NULL, NULL);
    k->w = NULL;
}

static void closes_inside_a_callback(void **state)
{
    (void)state;
    struct kit k;
    open_short(&k);
    struct bytes b;
    png(&b, NULL);
    for (int i = 0; i < 10; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%d.png", i);
        write_file(in(&k.folder, name), &b);
    }
    struct err e = {0};
    k.w->events.on_sighting = close_from_callback;
    assert_int_equal(watcher_add(k.w, k.folder.path, &e), 0);
    kit_until(&k, !k.w);
    uv_run(&k.loop.uv, UV_RUN_DEFAULT);
    assert_int_equal(k.n_seen, 1);
    uv_close((uv_handle_t *)&k.guard, NULL);
    uv_run(&k.loop.uv, UV_RUN_DEFAULT);
    assert_int_equal(loop_fini(&k.loop), 0);
    folder_remove(&k.folder);
    free(k.seen);
    free(k.problems);
}

static void refuses_folders_too_deep(void **state)
{
    (void)state;
    struct kit k;
    struct ingest_config c;
    kit_config(&c);
    c.max_depth = 2;
    kit_open(&k, &c);
    struct bytes b;
    png(&b, NULL);
    mkdir(in(&k.folder, "a"), 0755);
    mkdir(in(&k.folder, "a/b"), 0755);
    mkdir(in(&k.folder, "a/b/c"), 0755);
    write_file(in(&k.folder, "a/b/in.png"), &b);
    write_file(in(&k.folder, "a/b/c/out.png"), &b);
    kit_add(&k);
    kit_until(&k, k.n_seen == 1 && k.n_problems == 1);
    assert_string_equal(k.seen[0].path, "a/b/in.png");
    assert_int_equal(kit_problem(&k, "a/b/c")->code, E_TOOBIG);
    mkdir(in(&k.folder, "a/b/d"), 0755);
    kit_until(&k, k.n_problems == 2);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_bad_files_that_a_scan_finds),
        cmocka_unit_test(reports_bad_files_that_appear),
        cmocka_unit_test(takes_a_file_that_was_repaired),
        cmocka_unit_test(survives_missing_rights),
        cmocka_unit_test(scans_after_an_overflow),
        cmocka_unit_test(overflows_for_real),
        cmocka_unit_test(scans_on_a_schedule),
        cmocka_unit_test(goes_on_when_too_many_files_wait),
        cmocka_unit_test(polls_network_folders),
        cmocka_unit_test(polls_what_is_over_the_limit),
        cmocka_unit_test(polls_the_root_when_much_is_over_the_limit),
        cmocka_unit_test(waits_for_a_lost_root),
        cmocka_unit_test(loses_a_root_in_the_middle_of_its_scan),
        cmocka_unit_test(polls_without_inotify),
        cmocka_unit_test(notices_a_root_that_was_replaced),
        cmocka_unit_test(closes_at_any_moment),
        cmocka_unit_test(closes_inside_a_callback),
        cmocka_unit_test(refuses_folders_too_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
