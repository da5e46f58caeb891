// test_pipeline_rough.c -- jobs when the database, the disk or the backends misbehave.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "spine/fake_organs.h"

#include <string.h>

static int setup(void **state)
{
    struct fake *f = test_calloc(1, sizeof(*f));
    fake_init(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fake *f = *state;
    fake_fini(f);
    test_free(f);
    return 0;
}

// A job whose save is under way.
static void add_saving(struct fake *f, const char *path)
{
    fake_add(f, path);
    fake_end(f, FAKE_INSPECT, 0);
    fake_end(f, FAKE_PREPARE, 0);
    fake_end(f, FAKE_COMPARE, 0);
    fake_end(f, FAKE_ASK, 0);
}

// ---- results that can not be saved

static void each_refused_save_is_sent_again(void **state)
{
    struct fake *f = *state;
    add_saving(f, "/shots/a.png");
    add_saving(f, "/shots/b.png");
    fake_end(f, FAKE_SAVE, E_FULL);
    assert_int_equal(f->troubles, 1);
    fake_pass_ms(f, 1500);
    fake_end(f, FAKE_SAVE, E_FULL);
    assert_int_equal(f->troubles, 1);
    fake_pass_ms(f, 500);  // the first is sent again, and goes well
    assert_int_equal(fake_pending_of(f, FAKE_SAVE), 1);
    fake_end(f, FAKE_SAVE, 0);
    assert_int_equal(f->troubles, 2);
    fake_pass_ms(f, 1500);
    assert_int_equal(fake_pending_of(f, FAKE_SAVE), 1);
    fake_end(f, FAKE_SAVE, 0);
    assert_int_equal(f->n_ended, 2);
}

static void a_save_that_finds_its_lease_gone_ends_the_trouble(void **state)
{
    struct fake *f = *state;
    add_saving(f, "/shots/a.png");
    fake_end(f, FAKE_SAVE, E_FULL);
    assert_string_not_equal(f->p.trouble, "");
    fake_pass_ms(f, 2000);
    ((struct store_save *)fake_req(f, FAKE_SAVE))->lost = true;
    fake_end(f, FAKE_SAVE, 0);
    assert_string_equal(f->p.trouble, "");  // or nothing would be claimed any more
}

// ---- pictures that change their minds

static void a_picture_gone_before_its_second_preparation_keeps_its_version(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    fake_end(f, FAKE_ASK, E_CONTEXT);
    assert_int_equal(fake_state(f), JOB_PREPARING);
    fake_end(f, FAKE_PREPARE, E_NOT_FOUND);
    assert_int_equal(f->last_save.outcome, STORE_SKIPPED);
    // The facts of the first preparation are gone: zeros would become the row's version.
    assert_false(f->last_save.has_image);
    fake_end(f, FAKE_SAVE, 0);
}

// The same process may get a row a second time (its lease ran out while it was suspended):
// what is left of the first time must not end the second.
static void writes_name_the_claim_they_belong_to(void **state)
{
    struct fake *f = *state;
    struct store_job row = {.path = "/shots/a.png", .claims = 3};
    fake_add_row(f, &row);
    fake_run_to(f, FAKE_SAVE);
    assert_int_equal(f->last_save.claims, 3);
    fake_end(f, FAKE_SAVE, 0);
    fake_add_row(f, &row);
    pipeline_stop(&f->p, true);
    fake_end(f, FAKE_INSPECT, E_CANCELED);
    assert_int_equal(f->last_release.claims, 3);
    fake_end(f, FAKE_RELEASE, 0);
}

static void the_end_of_a_merged_row_is_told_of_the_one_that_stays(void **state)
{
    struct fake *f = *state;
    const int64_t id = fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_COMPARE);
    ((struct store_similar *)fake_req(f, FAKE_COMPARE))->duplicate_of = 4711;
    fake_end(f, FAKE_COMPARE, 0);
    ((struct store_save *)fake_req(f, FAKE_SAVE))->merged_into = 4711;
    fake_end(f, FAKE_SAVE, 0);
    assert_int_equal(f->n_ended, 1);
    assert_int_equal(f->ended_id[0], 4711);  // the other row is no more
    assert_int_equal(f->ended_was[0], id);   // whoever waits knows only this one
}

// ---- models that come and go

static void add_waiting(struct fake *f, const char *path, bool is_degraded)
{
    struct store_job row = {.path = path, .is_degraded = is_degraded};
    f->ask_rc = E_BUSY;
    fake_add_row(f, &row);
    fake_end(f, FAKE_INSPECT, 0);
    fake_end(f, FAKE_PREPARE, 0);
    fake_end(f, FAKE_COMPARE, 0);
}

static void one_that_needs_a_model_holds_up_no_other(void **state)
{
    struct fake *f = *state;
    add_waiting(f, "/shots/old.png", true);
    add_waiting(f, "/shots/new.png", false);
    f->ask_rc = 0;
    f->has_only_stand_in = true;
    pipeline_pump(&f->p);
    assert_int_equal(f->p.jobs.count[JOB_ASKING], 1);
    assert_int_equal(f->p.jobs.count[JOB_WAITING], 1);
    fake_end(f, FAKE_ASK, 0);
    fake_end(f, FAKE_SAVE, 0);
    f->has_only_stand_in = false;
    pipeline_pump(&f->p);
    fake_end(f, FAKE_ASK, 0);
    fake_end(f, FAKE_SAVE, 0);
}

static void a_stand_in_that_ends_when_a_model_is_there_is_not_kept(void **state)
{
    struct fake *f = *state;
    f->makes_luma = true;
    f->uses_stand_in = true;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    f->uses_stand_in = false;  // what is saved by now is asked again, this one is not
    ((struct ask *)fake_req(f, FAKE_ASK))->is_degraded = true;
    fake_end(f, FAKE_ASK, 0);
    assert_int_equal(fake_state(f), JOB_ASKING);
    ((struct ask *)fake_req(f, FAKE_ASK))->is_degraded = false;
    fake_end(f, FAKE_ASK, 0);
    assert_false(f->last_save.result->is_degraded);
    fake_end(f, FAKE_SAVE, 0);
}

static void a_stand_in_that_ends_while_stopping_is_kept(void **state)
{
    struct fake *f = *state;
    f->makes_luma = true;
    f->uses_stand_in = true;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    f->uses_stand_in = false;
    pipeline_stop(&f->p, false);
    ((struct ask *)fake_req(f, FAKE_ASK))->is_degraded = true;
    fake_end(f, FAKE_ASK, 0);
    assert_true(f->last_save.result->is_degraded);
    fake_end(f, FAKE_SAVE, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_refused_save_is_sent_again),
        T(a_save_that_finds_its_lease_gone_ends_the_trouble),
        T(a_picture_gone_before_its_second_preparation_keeps_its_version),
        T(writes_name_the_claim_they_belong_to),
        T(the_end_of_a_merged_row_is_told_of_the_one_that_stays),
        T(one_that_needs_a_model_holds_up_no_other),
        T(a_stand_in_that_ends_when_a_model_is_there_is_not_kept),
        T(a_stand_in_that_ends_while_stopping_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
