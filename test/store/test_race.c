// test_race.c -- several processes on one database, and processes that are killed.
//
// The program starts itself again as a worker: claims, says "asked N" (from here on the
// answer is paid for), saves, says "saved N".
// SPDX-License-Identifier: MIT
#include "store/storekit.h"

#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { RACE_ROWS = 20000, RACERS = 4, KILL_ROWS = 400, KILLS = 24, IN_FLIGHT = 8 };

// ---- the worker

struct worker {
    struct kit kit;
    struct store_claim claim;
    struct slot {
        struct store_save save;
        struct store_result result;
        struct worker *worker;
        char summary[32];
    } slots[64];
    int max, under_way;
    bool is_done, saves_answers;
};

static void next_claim(struct worker *w);

static void say(const char *what, int64_t id)
{
    char line[32];
    int n = snprintf(line, sizeof(line), "%s %lld\n", what, (long long)id);
    if (write(STDOUT_FILENO, line, (size_t)n) != n) {
        _exit(9);
    }
}

static void on_saved(struct store_save *r, int err)
{
    struct slot *s = container_of(r, struct slot, save);
    if (err || r->lost) {
        _exit(8);
    }
    say("saved", r->id);
    if (--s->worker->under_way == 0) {
        next_claim(s->worker);
    }
}

static void on_claimed(struct store_claim *r, int err)
{
    struct worker *w = container_of(r, struct worker, claim);
    if (err) {
        _exit(7);
    }
    w->is_done = r->n == 0;
    w->under_way = r->n;
    for (int i = 0; i < r->n; i++) {
        struct slot *s = &w->slots[i];
        int64_t id = r->jobs[i].id;
        say("asked", id);
        snprintf(s->summary, sizeof(s->summary), "answer to %lld", (long long)id);
        s->worker = w;
        s->result = kit_result("m", s->summary);
        s->save = kit_answer(id, 0, &s->result);
        s->save.claims = r->jobs[i].claims;
        memcpy(s->save.content, &id, sizeof(id));
        if (!w->saves_answers) {
            s->save.outcome = STORE_SKIPPED;
            s->save.result = NULL;
            s->save.has_image = false;
        }
        store_save(w->kit.store, &s->save, on_saved);
    }
    store_claim_fini(r);
}

static void next_claim(struct worker *w)
{
    memset(&w->claim, 0, sizeof(w->claim));
    w->claim.max = w->max;
    store_claim(w->kit.store, &w->claim, on_claimed);
}

static int run_worker(const char *path, const char *mode)
{
    static struct worker w;
    struct err e = {0};
    w.saves_answers = strcmp(mode, "answer") == 0;
    w.max = w.saves_answers ? IN_FLIGHT : 64;
    if (loop_init(&w.kit.own_loop)) {
        return 5;
    }
    w.kit.loop = &w.kit.own_loop;
    w.kit.config =
        (struct store_config){.path = path, .max_claims = 1000, .min_free_bytes = 1};
    if (store_open(&w.kit.store, w.kit.loop, &w.kit.config, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        return 6;
    }
    next_claim(&w);
    while (!w.is_done) {
        uv_run(&w.kit.loop->uv, UV_RUN_ONCE);
    }
    kit_close(&w.kit);
    return loop_fini(&w.kit.own_loop) ? 4 : 0;
}

// ---- the parent

struct child {
    pid_t pid;
    FILE *out;
};

static void start(struct child *c, const char *path, const char *mode)
{
    extern char **environ;
    int fds[2];
    posix_spawn_file_actions_t actions;
    char *argv[] = {"test_race", "worker", (char *)(uintptr_t)path,
                    (char *)(uintptr_t)mode, NULL};
    assert_int_equal(pipe2(fds, 0), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, fds[0]);
    posix_spawn_file_actions_addclose(&actions, fds[1]);
    assert_int_equal(
        posix_spawn(&c->pid, "/proc/self/exe", &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    c->out = fdopen(fds[0], "r");
}

static int stop(struct child *c)
{
    int status;
    fclose(c->out);
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    return status;
}

// The next line of the child, counted per row; false at the end.
static bool read_line(struct child *c, int *asked, int *saved, int rows)
{
    char what[16];
    long long id;
    char line[64];
    if (!fgets(line, sizeof(line), c->out) || !strchr(line, '\n')) {
        return false;
    }
    assert_int_equal(sscanf(line, "%15s %lld", what, &id), 2);
    assert_in_range(id, 1, rows);
    (strcmp(what, "asked") == 0 ? asked : saved)[id]++;
    return true;
}

static void fill(struct kit *k, int rows)
{
    char sql[512];
    kit_must_open(k);
    kit_close(k);
    snprintf(
        sql, sizeof(sql),
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO job(cid, path, size, mtime, is_url, queued_at, seen_at, at_ms)"
        " SELECT i, '/f/' || i, 10, 1000000, 0, i, i, i FROM n",
        rows);
    kit_sql(k, sql);
}

static void four_processes_never_take_the_same_row(void **state)
{
    (void)state;
    static int asked[RACE_ROWS + 1], saved[RACE_ROWS + 1];
    struct child c[RACERS];
    struct kit k;
    kit_init(&k);
    fill(&k, RACE_ROWS);
    for (int i = 0; i < RACERS; i++) {
        start(&c[i], k.path, "skip");
    }
    // Each by a buffer of its own: a reader for each child in turn.
    bool is_open[RACERS] = {true, true, true, true};
    int worked = 0, lines[RACERS] = {0};
    for (int left = RACERS; left;) {
        for (int i = 0; i < RACERS; i++) {
            if (is_open[i] && !read_line(&c[i], asked, saved, RACE_ROWS)) {
                is_open[i] = false;
                left--;
            } else if (is_open[i]) {
                lines[i]++;
            }
        }
    }
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(stop(&c[i]), 0);
        worked += lines[i] > 0;
    }
    for (int i = 1; i <= RACE_ROWS; i++) {
        assert_int_equal(asked[i], 1);
        assert_int_equal(saved[i], 1);
    }
    assert_true(worked >= 2);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM job WHERE state = 2"),
                     RACE_ROWS);
    kit_assert_consistent(&k);
    kit_fini(&k);
}

static void killed_at_any_moment_nothing_is_lost_or_doubled(void **state)
{
    (void)state;
    static int asked[KILL_ROWS + 1], saved[KILL_ROWS + 1];
    struct kit k;
    uint32_t seed = 7;
    kit_init(&k);
    fill(&k, KILL_ROWS);
    for (int i = 0; i < KILLS; i += 2) {
        struct child c[2];
        for (int n = 0; n < 2; n++) {
            start(&c[n], k.path, "answer");
        }
        for (int n = 0; n < 2; n++) {
            seed = seed * 1664525 + 1013904223;
            for (unsigned lines = seed >> 16 & 31; lines; lines--) {
                if (!read_line(&c[n], asked, saved, KILL_ROWS)) {
                    break;
                }
            }
            kill(c[n].pid, SIGKILL);
            while (read_line(&c[n], asked, saved, KILL_ROWS)) {
            }
            stop(&c[n]);
        }
    }
    struct child last;
    start(&last, k.path, "answer");
    while (read_line(&last, asked, saved, KILL_ROWS)) {
    }
    assert_int_equal(stop(&last), 0);
    int paid = 0;
    for (int i = 1; i <= KILL_ROWS; i++) {
        assert_true(asked[i] >= 1);
        // What was said to be saved was saved for good: nobody saved it again.
        assert_in_range(saved[i], 0, 1);
        paid += asked[i];
    }
    assert_in_range(paid, KILL_ROWS, KILL_ROWS + KILLS * IN_FLIGHT);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM job WHERE outcome = 1"),
                     KILL_ROWS);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM result"), KILL_ROWS);
    assert_int_equal(kit_sql_int(&k,
                                 "SELECT count(*) FROM job JOIN result r ON r.id = result"
                                 " WHERE summary <> 'answer to ' || job.id"),
                     0);
    kit_assert_consistent(&k);
    kit_fini(&k);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "worker") == 0) {
        return run_worker(argv[2], argv[3]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_processes_never_take_the_same_row),
        cmocka_unit_test(killed_at_any_moment_nothing_is_lost_or_doubled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
