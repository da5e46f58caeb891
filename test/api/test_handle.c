// test_handle.c -- handles of the public interface: closed at any moment, driven from outside.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "store/storekit.h"
#include "vlmd.h"
#include "vlmd_loop.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MANY = 3000 };

struct rig {
    struct kit k;  // the folder, and a look at the database from beside
    vlmd *v;
    int answers, last_err;
    int64_t last_id;
    int posts;
};

static struct rig *open_rig(struct rig *r, enum vlmd_role role, const char *backend)
{
    struct vlmd_setting settings[] = {
        {"db", r->k.path, "test"},
        {"backends", backend, "test"},
        {"backend_wait", "20ms", "test"},
    };
    struct vlmd_options o = {
        .role = role,
        .config_file = "",
        .settings = settings,
        .n_settings = 3,
        .ignore_environment = true,
    };
    struct vlmd_error e;
    if (vlmd_open(&o, &r->v, &e)) {
        fail_msg("%s", e.message);
    }
    return r;
}

static int setup(void **state)
{
    struct rig *r = test_calloc(1, sizeof(*r));
    kit_init(&r->k);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    vlmd_close(r->v);
    kit_fini(&r->k);
    test_free(r);
    return 0;
}

// Nobody listens there.
static const char nobody[] = "http://127.0.0.1:9";

static void on_checked(void *arg, const struct vlmd_check *c)
{
    (void)arg;
    (void)c;
}

static void on_end(void *arg, int err, const char *message)
{
    struct rig *r = arg;
    assert_non_null(message);
    r->answers++;
    r->last_err = err;
}

static void on_changed(void *arg, int err, int64_t n, const char *message)
{
    (void)n;
    on_end(arg, err, message);
}

static void on_submitted(void *arg, int err, int64_t id, bool is_new, const char *message)
{
    struct rig *r = arg;
    assert_true(err || is_new);
    r->last_id = id;
    on_end(arg, err, message);
}

// Work for the database's writer, so that what is asked for next takes its time.
static void submit_many(struct rig *r)
{
    for (int i = 0; i < MANY; i++) {
        char url[64];
        snprintf(url, sizeof(url), "http://host/%d.png", i);
        struct vlmd_input in = {.url = url};
        assert_int_equal(vlmd_submit(r->v, &in, on_submitted, r), 0);
    }
}

// ---- closing while something is under way

static void a_handle_that_was_never_run_closes(void **state)
{
    open_rig(*state, VLMD_WORKER, nobody);
}

static void checks_under_way_are_answered_when_it_closes(void **state)
{
    struct rig *r = open_rig(*state, VLMD_WORKER, nobody);
    assert_int_equal(vlmd_doctor(r->v, on_checked, on_end, r), 0);
    vlmd_close(r->v);
    r->v = NULL;
    assert_int_equal(r->answers, 1);
}

static void a_change_under_way_is_answered_when_it_closes(void **state)
{
    struct rig *r = open_rig(*state, VLMD_WORKER, nobody);
    struct vlmd_query q = {0};
    submit_many(r);
    assert_int_equal(vlmd_change(r->v, VLMD_RETRY, &q, true, on_changed, r), 0);
    vlmd_close(r->v);
    r->v = NULL;
    assert_int_equal(r->answers, MANY + 1);
}

static void a_submission_under_way_is_kept_when_it_closes(void **state)
{
    struct rig *r = open_rig(*state, VLMD_WORKER, nobody);
    struct vlmd_input in = {.url = "http://host/a.png"};
    assert_int_equal(vlmd_submit(r->v, &in, on_submitted, r), 0);
    vlmd_close(r->v);
    r->v = NULL;
    assert_int_equal(r->answers, 1);
    assert_true(r->last_id > 0);
    assert_int_equal(kit_sql_int(&r->k, "SELECT count(*) FROM job WHERE state = 0"), 1);
}

static void a_batch_that_is_being_opened_closes(void **state)
{
    struct rig *r = open_rig(*state, VLMD_WORKER, nobody);
    const char *inputs[] = {"/"};
    struct vlmd_query q = {0};
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(vlmd_change(r->v, VLMD_RETRY, &q, true, on_changed, r), 0);
    }
    assert_int_equal(vlmd_batch(r->v, inputs, 1, NULL), 0);
}

static void on_post(void *arg)
{
    ((struct rig *)arg)->posts++;
}

// A callback of what was under way asks for more.
static void on_changed_while_closing(void *arg, int err, int64_t n, const char *message)
{
    struct rig *r = arg;
    struct vlmd_query q = {0};
    struct vlmd_input in = {.url = "http://host/late.png"};
    struct vlmd_stats stats;
    on_changed(r, err, n, message);
    assert_int_equal(vlmd_search(r->v, &q, NULL, on_end, r), VLMD_ERR_CANCELED);
    assert_int_equal(vlmd_submit(r->v, &in, on_submitted, r), VLMD_ERR_CANCELED);
    assert_int_equal(vlmd_doctor(r->v, on_checked, on_end, r), VLMD_ERR_CANCELED);
    assert_int_equal(vlmd_post(r->v, on_post, r), VLMD_ERR_CANCELED);
    vlmd_stats(r->v, &stats);
}

static void nothing_new_begins_while_it_closes(void **state)
{
    struct rig *r = open_rig(*state, VLMD_WORKER, nobody);
    struct vlmd_query q = {0};
    submit_many(r);
    assert_int_equal(vlmd_change(r->v, VLMD_RETRY, &q, true, on_changed_while_closing, r),
                     0);
    assert_int_equal(vlmd_post(r->v, on_post, r), 0);
    vlmd_close(r->v);
    r->v = NULL;
    assert_int_equal(r->answers, MANY + 1);
    assert_int_equal(r->posts, 1);
}

static void a_stop_ends_checks(void **state)
{
    struct rig *r = open_rig(*state, VLMD_WORKER, nobody);
    assert_int_equal(vlmd_doctor(r->v, on_checked, on_end, r), 0);
    vlmd_stop(r->v, VLMD_STOP_NOW);
    vlmd_run(r->v);
    assert_int_equal(r->answers, 1);
    assert_int_equal(r->last_err, VLMD_ERR_CANCELED);
}

// ---- one handle, one kind of work

static void on_counted(void *arg, int err, const struct vlmd_status *st,
                       const char *message)
{
    struct rig *r = arg;
    r->last_id = st ? st->total : -1;
    on_end(arg, err, message);
}

static void a_batch_that_is_not_open_yet_has_no_members(void **state)
{
    struct rig *r = open_rig(*state, VLMD_WORKER, nobody);
    const char *inputs[] = {"/nothing-is-here"};
    submit_many(r);
    vlmd_stop(r->v, VLMD_STOP_DRAIN);
    vlmd_run(r->v);
    vlmd_close(r->v);
    open_rig(r, VLMD_WORKER, nobody);
    r->answers = 0;
    assert_int_equal(vlmd_batch(r->v, inputs, 1, NULL), 0);
    assert_int_equal(vlmd_status(r->v, true, on_counted, r), 0);
    while (r->answers == 0 && vlmd_step(r->v)) {
    }
    assert_int_equal(r->answers, 1);
    assert_int_equal(r->last_id, 0);  // not all that is in the database
}

static void a_batch_is_the_only_work_of_its_handle(void **state)
{
    struct rig *r = open_rig(*state, VLMD_WORKER, nobody);
    const char *inputs[] = {"/nothing-is-here"};
    struct vlmd_input in = {.url = "http://host/a.png"};
    struct vlmd_error e;
    assert_int_equal(vlmd_batch(r->v, inputs, 1, &e), 0);
    assert_int_equal(vlmd_watch(r->v, r->k.folder, NULL, 0, &e), VLMD_ERR_USAGE);
    assert_non_null(strstr(e.message, "batch"));
    assert_int_equal(vlmd_submit(r->v, &in, on_submitted, r), VLMD_ERR_USAGE);
    vlmd_close(r->v);
    open_rig(r, VLMD_WORKER, nobody);
    assert_int_equal(vlmd_watch(r->v, r->k.folder, NULL, 0, &e), 0);
    assert_int_equal(vlmd_batch(r->v, inputs, 1, &e), VLMD_ERR_USAGE);
}

// ---- tiers

static void on_refused(void *arg, int err, int64_t id, bool is_new, const char *message)
{
    struct rig *r = arg;
    (void)id;
    (void)is_new;
    assert_int_equal(err, VLMD_ERR_USAGE);
    assert_non_null(strstr(message, "\"huge\" is none of quick, standard, deep"));
    r->answers++;
}

static void a_tier_that_there_is_not_is_refused_in_words(void **state)
{
    struct rig *r = open_rig(*state, VLMD_WORKER, nobody);
    struct vlmd_input in = {.url = "http://host/a.png", .tier = "huge"};
    assert_int_equal(vlmd_submit(r->v, &in, on_refused, r), 0);
    in.tier = "deep";
    assert_int_equal(vlmd_submit(r->v, &in, on_submitted, r), 0);
    vlmd_close(r->v);
    r->v = NULL;
    assert_int_equal(r->answers, 2);
    assert_int_equal(kit_sql_int(&r->k, "SELECT count(*) FROM job"), 1);
    assert_int_equal(
        kit_sql_int(&r->k, "SELECT count(*) FROM job WHERE own_tier = 'deep'"), 1);
}

// ---- the configuration, read again

// Close to the longest there may be.
static void write_long_config(const char *path)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("privacy:\n  exclude_apps:\n", f);
    for (int i = 0; i < 60; i++) {
        fprintf(f, "    - program %d *\n", i);
    }
    for (int i = 0; i < 12000; i++) {
        fprintf(f, "# %078d\n", i);
    }
    assert_int_equal(fclose(f), 0);
}

static int64_t spent_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void open_with_file(struct rig *r, const char *path)
{
    const struct vlmd_setting settings[] = {{"db", r->k.path, "test"},
                                            {"backends", nobody, "test"}};
    const struct vlmd_options o = {.role = VLMD_WORKER,
                                   .config_file = path,
                                   .settings = settings,
                                   .n_settings = 2,
                                   .ignore_environment = true};
    struct vlmd_error e;
    if (vlmd_open(&o, &r->v, &e)) {
        fail_msg("%s", e.message);
    }
}

static void await_answers(struct rig *r, int n)
{
    while (r->answers < n) {
        struct pollfd p = {.fd = vlmd_fd(r->v), .events = POLLIN};
        poll(&p, 1, vlmd_timeout_ms(r->v));
        vlmd_step(r->v);
    }
}

static void reading_the_configuration_is_not_the_loops_work(void **state)
{
    struct rig *r = *state;
    char path[200];
    snprintf(path, sizeof(path), "%s/vlmd.yaml", r->k.folder);
    write_long_config(path);
    open_with_file(r, path);
    int64_t own_us = -spent_us(CLOCK_THREAD_CPUTIME_ID);
    int64_t all_us = -spent_us(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(vlmd_config_reload(r->v, NULL, NULL, on_end, r), 0);
    }
    assert_int_equal(r->answers, 0);
    await_answers(r, 4);
    assert_int_equal(r->last_err, 0);
    own_us += spent_us(CLOCK_THREAD_CPUTIME_ID);
    all_us += spent_us(CLOCK_PROCESS_CPUTIME_ID);
    assert_true(own_us < all_us / 2);
}

static void what_is_wrong_in_it_is_told_by_its_end(void **state)
{
    struct rig *r = *state;
    char path[200];
    snprintf(path, sizeof(path), "%s/vlmd.yaml", r->k.folder);
    write_long_config(path);
    open_with_file(r, path);
    FILE *f = fopen(path, "w");
    fputs("nonsense: 1\n", f);
    fclose(f);
    assert_int_equal(vlmd_config_reload(r->v, NULL, NULL, on_end, r), 0);
    await_answers(r, 1);
    assert_int_equal(r->last_err, VLMD_ERR_CONFIG);
}

static void one_that_is_being_read_is_answered_when_it_closes(void **state)
{
    struct rig *r = *state;
    char path[200];
    snprintf(path, sizeof(path), "%s/vlmd.yaml", r->k.folder);
    write_long_config(path);
    open_with_file(r, path);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(vlmd_config_reload(r->v, NULL, NULL, on_end, r), 0);
    }
    vlmd_close(r->v);
    r->v = NULL;
    assert_int_equal(r->answers, 3);
    assert_int_equal(r->last_err, VLMD_ERR_CANCELED);
}

// ---- driven by another loop

static void a_host_that_was_busy_is_not_told_to_wait_longer(void **state)
{
    struct rig *r = open_rig(*state, VLMD_WORKER, nobody);
    assert_int_equal(vlmd_watch(r->v, r->k.folder, NULL, 0, NULL), 0);
    int wait;
    do {
        struct pollfd p = {.fd = vlmd_fd(r->v), .events = POLLIN};
        wait = vlmd_timeout_ms(r->v);
        if (wait > 400 || wait < 0) {
            break;  // nothing to do but the next look for a backend
        }
        poll(&p, 1, wait);
    } while (vlmd_step(r->v));
    assert_true(wait > 400);
    poll(NULL, 0, 100);  // the host does something else meanwhile
    assert_true(vlmd_timeout_ms(r->v) <= wait - 90);
}

// ---- driven by a face in the same program

static int64_t turn_us(vlmd *v, int64_t max_ms)
{
    int64_t from_us = spent_us(CLOCK_MONOTONIC);
    vlmd_turn(v, max_ms);
    return spent_us(CLOCK_MONOTONIC) - from_us;
}

// A client that asks nothing has no work: without the wake its last turn would be for ever.
static void a_turn_ends_with_its_time_or_a_wake(void **state)
{
    struct rig *r = open_rig(*state, VLMD_CLIENT, nobody);
    while (turn_us(r->v, 50) < 50000) {
    }
    vlmd_wake(r->v);
    vlmd_turn(r->v, -1);
    assert_true(turn_us(r->v, 20) >= 20000);  // it is over with that one
}

static void turns_go_on_until_all_is_answered(void **state)
{
    struct rig *r = open_rig(*state, VLMD_CLIENT, nobody);
    assert_false(vlmd_turn(r->v, 0));
    assert_int_equal(vlmd_status(r->v, true, on_counted, r), 0);
    assert_int_equal(r->answers, 0);
    while (vlmd_turn(r->v, -1)) {
        assert_int_equal(r->answers, 0);
    }
    assert_int_equal(r->answers, 1);
}

// ---- models

static void nothing_that_could_be_unloaded_is_told(void **state)
{
    struct rig *r = open_rig(*state, VLMD_WORKER, "ocr");
    assert_int_equal(vlmd_model_unload(r->v, NULL, on_end, r), 0);
    await_answers(r, 1);
    assert_int_equal(r->last_err, VLMD_ERR_NO_BACKEND);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_handle_that_was_never_run_closes),
        T(checks_under_way_are_answered_when_it_closes),
        T(a_change_under_way_is_answered_when_it_closes),
        T(a_submission_under_way_is_kept_when_it_closes),
        T(a_batch_that_is_being_opened_closes),
        T(nothing_new_begins_while_it_closes),
        T(a_stop_ends_checks),
        T(a_batch_that_is_not_open_yet_has_no_members),
        T(a_batch_is_the_only_work_of_its_handle),
        T(a_tier_that_there_is_not_is_refused_in_words),
        T(reading_the_configuration_is_not_the_loops_work),
        T(what_is_wrong_in_it_is_told_by_its_end),
        T(one_that_is_being_read_is_answered_when_it_closes),
        T(a_host_that_was_busy_is_not_told_to_wait_longer),
        T(a_turn_ends_with_its_time_or_a_wake),
        T(turns_go_on_until_all_is_answered),
        T(nothing_that_could_be_unloaded_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
