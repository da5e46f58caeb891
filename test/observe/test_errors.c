// test_errors.c -- which errors are told, with what words, and how they are asked for.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "base/err_ring.h"
#include "spine/fake_organs.h"
#include "store/storekit.h"
#include "vlmd_health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct err_ring ring;  // the fakes' argument is their own

static void on_error(void *arg, const struct err_note *note)
{
    const struct fake *f = arg;
    err_ring_add(&ring, note, f->wall_ms, f->now_ms);
}

static int setup(void **state)
{
    struct fake *f = test_calloc(1, sizeof(*f));
    ring = (struct err_ring){0};
    fake_init(f);
    f->p.events.on_error = on_error;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fake_fini(*state);
    test_free(*state);
    return 0;
}

static const struct err_row *newest(void)
{
    const struct err_row *r = err_ring_at(&ring, 0);
    assert_non_null(r);
    return r;
}

static void a_failed_request_is_told_although_the_next_succeeds(void **state)
{
    struct fake *f = *state;
    int64_t id = fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    snprintf(((struct ask *)fake_req(f, FAKE_ASK))->err.msg, 100, "it said nothing");
    fake_end(f, FAKE_ASK, E_EMPTY);
    assert_int_equal(ring.total, 1);
    assert_int_equal(newest()->code, E_EMPTY);
    assert_int_equal(newest()->job, id);
    assert_string_equal(newest()->stage, "asking");
    assert_string_equal(newest()->words, "it said nothing");
    assert_string_equal(newest()->cid, fake_job(f)->row.cid);
    fake_pass_ms(f, 60000);
    fake_run_to(f, FAKE_SAVE);
    fake_end(f, FAKE_SAVE, 0);
    assert_int_equal(ring.total, 1);
}

static void a_request_that_fails_for_good_is_told_once(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    fake_end(f, FAKE_ASK, E_BAD_REQUEST);
    assert_int_equal(fake_state(f), JOB_SAVING);
    assert_int_equal(ring.total, 1);
    fake_end(f, FAKE_SAVE, 0);
}

static void words_are_cleaned_and_not_counted_as_kept(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    snprintf(((struct ask *)fake_req(f, FAKE_ASK))->err.msg, 100,
             "no grammar for: card 4111 1111 1111 1111");
    fake_end(f, FAKE_ASK, E_BAD_REQUEST);
    assert_null(strstr(newest()->words, "4111 1111"));
    assert_non_null(strstr(newest()->words, "no grammar for"));
    fake_end(f, FAKE_SAVE, 0);
    assert_null(strstr(f->last_reason, "4111 1111"));
    int n = 0;
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        n += (int)f->p.totals.cleaned[i];
    }
    assert_int_equal(n, 2);  // in the reason and in the history, not in what was told
}

static void a_picture_that_can_not_be_read_is_told(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_PREPARE);
    fake_end(f, FAKE_PREPARE, E_CORRUPT);
    assert_int_equal(newest()->code, E_CORRUPT);
    assert_string_equal(newest()->stage, "preparing");
    assert_string_equal(newest()->backend, "");
    fake_end(f, FAKE_SAVE, 0);
}

static void a_result_that_can_not_be_saved_is_told_once(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_SAVE);
    fake_end(f, FAKE_SAVE, E_FULL);
    fake_pass_ms(f, 2000);
    fake_end(f, FAKE_SAVE, E_FULL);
    assert_int_equal(ring.total, 1);
    assert_int_equal(newest()->code, E_FULL);
    assert_string_equal(newest()->stage, "saving");
    fake_pass_ms(f, 2000);
    fake_end(f, FAKE_SAVE, 0);
}

static void what_is_stopped_or_blocked_is_no_error(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    pipeline_stop(&f->p, true);
    fake_end(f, FAKE_ASK, E_CANCELED);
    fake_end(f, FAKE_RELEASE, 0);
    assert_int_equal(ring.total, 0);
}

// ---- through the public interface

struct asked {
    int n;
    char class[32], category[32], severity[32], stage[32], backend[64];
    bool is_recoverable, is_spike;
    int64_t total;
    int most;
};

static bool on_row(void *arg, const struct vlmd_error_row *r)
{
    struct asked *k = arg;
    k->n++;
    snprintf(k->class, sizeof(k->class), "%s", r->error_class);
    snprintf(k->category, sizeof(k->category), "%s", r->category);
    snprintf(k->severity, sizeof(k->severity), "%s", r->severity);
    snprintf(k->stage, sizeof(k->stage), "%s", r->stage);
    snprintf(k->backend, sizeof(k->backend), "%s", r->backend);
    k->is_recoverable = r->is_recoverable;
    assert_true(r->at_ms > 0 && *r->words && *r->todo);
    return k->most == 0 || k->n < k->most;
}

static bool on_kind(void *arg, const struct vlmd_error_kind *e)
{
    struct asked *k = arg;
    k->n++;
    k->total = e->total;
    k->is_spike = e->is_spike;
    assert_true(e->per_min > 0 && e->last_at_ms >= e->first_at_ms);
    return true;
}

static void on_end(void *arg, int err, const char *message)
{
    (void)err;
    (void)message;
    *(bool *)arg = true;
}

static void on_model(void *arg, const struct vlmd_model *m)
{
    (void)arg;
    (void)m;
}

// Nobody listens there: asking for its models looks for it, in vain.
static void a_backend_that_is_away_is_asked_for_by_name(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    const struct vlmd_setting settings[] = {{"db", k.path, "test"},
                                            {"backends", "http://127.0.0.1:9", "test"}};
    const struct vlmd_options o = {.role = VLMD_WORKER,
                                   .config_file = "",
                                   .settings = settings,
                                   .n_settings = 2,
                                   .ignore_environment = true};
    vlmd *v;
    assert_int_equal(vlmd_open(&o, &v, NULL), 0);
    bool is_done = false;
    assert_int_equal(vlmd_models(v, on_model, on_end, &is_done), 0);
    vlmd_run(v);
    assert_true(is_done);

    struct asked all = {0}, none = {0}, kinds = {0};
    assert_int_equal(vlmd_errors(v, NULL, on_row, &all), 0);
    assert_int_equal(all.n, 1);
    assert_string_equal(all.class, "net");
    assert_string_equal(all.category, "network");
    assert_string_equal(all.severity, "high");
    assert_string_equal(all.stage, "backend");
    assert_true(all.is_recoverable);
    const struct vlmd_error_query others[] = {
        {.error_class = "empty"},
        {.category = "store"},
        {.severity = "critical"},
        {.backend = "other"},
        {.job = 7},
        {.after_seq = 1},
        {.correlation_id = "x"},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(vlmd_errors(v, &others[i], on_row, &none), 0);
    }
    assert_int_equal(none.n, 0);
    const struct vlmd_error_query same = {
        .error_class = "net", .category = "network", .severity = "medium"};
    assert_int_equal(vlmd_errors(v, &same, on_row, &none), 0);
    assert_int_equal(none.n, 1);
    const struct vlmd_error_query wrong = {.severity = "dire"};
    assert_int_equal(vlmd_errors(v, &wrong, on_row, &none), VLMD_ERR_USAGE);
    vlmd_error_kinds(v, on_kind, &kinds);
    assert_int_equal(kinds.n, 1);
    assert_int_equal(kinds.total, 1);
    assert_false(kinds.is_spike);
    vlmd_close(v);
    kit_fini(&k);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_failed_request_is_told_although_the_next_succeeds),
        T(a_request_that_fails_for_good_is_told_once),
        T(words_are_cleaned_and_not_counted_as_kept),
        T(a_picture_that_can_not_be_read_is_told),
        T(a_result_that_can_not_be_saved_is_told_once),
        T(what_is_stopped_or_blocked_is_no_error),
        cmocka_unit_test(a_backend_that_is_away_is_asked_for_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
