// test_near.c -- which jobs are spared by a described picture that is alike, and which wait.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "spine/fake_organs.h"

#include <stdlib.h>
#include <string.h>

static void use_mode(struct fake *f, enum image_near mode)
{
    struct pipeline_config c;
    fake_config(f, &c);
    c.duplicates = mode;
    fake_again(f, &c);
}

static int setup(void **state)
{
    struct fake *f = test_calloc(1, sizeof(*f));
    fake_init(f);
    use_mode(f, IMAGE_NEAR_NORMAL);
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

static const struct store_job live = {
    .path = "/shots/a.png", .root = "/shots", .priority = STORE_LIVE};

// Leads a new job to COMPARE; its thumb is all of grey.
static struct store_similar *compare(struct fake *f, const struct store_job *row,
                                     uint8_t grey)
{
    fake_add_row(f, row);
    fake_end(f, FAKE_INSPECT, 0);
    struct image_req *r = fake_req(f, FAKE_PREPARE);
    memset(r->thumb, grey, sizeof(r->thumb));
    fake_end(f, FAKE_PREPARE, 0);
    return fake_req(f, FAKE_COMPARE);
}

static void put_frame(struct store_similar *r, int64_t job, uint8_t grey)
{
    r->frames = realloc(r->frames, (size_t)(r->n_frames + 1) * sizeof(*r->frames));
    assert_non_null(r->frames);
    struct store_frame *f = &r->frames[r->n_frames++];
    *f = (struct store_frame){.job = job, .width = 2000, .height = 400};
    memset(f->thumb, grey, sizeof(f->thumb));
}

static void end_saved(struct fake *f, enum store_outcome outcome)
{
    assert_int_equal(f->last_save.outcome, outcome);
    fake_end(f, FAKE_SAVE, 0);
}

static void one_that_is_alike_inherits(void **state)
{
    struct fake *f = *state;
    struct store_similar *r = compare(f, &live, 100);
    assert_true(r->wants_frames);
    put_frame(r, 7, 200);
    put_frame(r, 8, 102);
    r->frames[1].thumb[5000] = 180;  // a caret
    fake_end(f, FAKE_COMPARE, 0);
    assert_int_equal(f->last_save.duplicate_of, 8);
    assert_true(f->last_save.is_near);
    assert_int_equal(f->last_save.near_blocks, 1);
    assert_int_equal(f->last_save.near_diff, 80);
    end_saved(f, STORE_DUPLICATE);
    assert_int_equal(f->calls[FAKE_ASK], 0);
}

static void one_that_differs_is_asked_and_kept(void **state)
{
    struct fake *f = *state;
    put_frame(compare(f, &live, 100), 7, 104);
    fake_end(f, FAKE_COMPARE, 0);
    fake_run_to(f, FAKE_SAVE);
    assert_true(f->last_save.is_frame);
    assert_false(f->last_save.is_near);
    end_saved(f, STORE_ANSWERED);
}

static void other_sizes_are_not_alike(void **state)
{
    struct fake *f = *state;
    struct store_similar *r = compare(f, &live, 100);
    put_frame(r, 7, 100);
    r->frames[0].width = 1999;
    fake_end(f, FAKE_COMPARE, 0);
    fake_run_to(f, FAKE_SAVE);
    end_saved(f, STORE_ANSWERED);
}

static void only_watched_ones_are_compared(void **state)
{
    struct fake *f = *state;
    const struct {
        struct store_job row;
        enum image_near mode;
        bool is_compared;
    } cases[] = {
        {{.path = "/a", .priority = STORE_LIVE}, IMAGE_NEAR_NORMAL, true},
        {{.path = "/a", .priority = STORE_BACKFILL}, IMAGE_NEAR_STRICT, true},
        {{.path = "/a", .priority = STORE_BATCH}, IMAGE_NEAR_LOOSE, false},
        {{.path = "/a", .priority = STORE_INTERACTIVE}, IMAGE_NEAR_LOOSE, false},
        {{.path = "/a", .priority = STORE_LIVE}, IMAGE_NEAR_OFF, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        use_mode(f, cases[i].mode);
        assert_int_equal(compare(f, &cases[i].row, 9)->wants_frames,
                         cases[i].is_compared);
        fake_end(f, FAKE_COMPARE, 0);
        fake_run_to(f, FAKE_SAVE);
        assert_int_equal(f->last_save.is_frame, cases[i].is_compared);
        end_saved(f, STORE_ANSWERED);
    }
}

static void a_redo_becomes_a_frame_again(void **state)
{
    struct fake *f = *state;
    struct store_job row = live;
    row.is_redo = true;
    fake_add_row(f, &row);
    fake_run_to(f, FAKE_SAVE);
    assert_int_equal(f->calls[FAKE_COMPARE], 0);
    assert_true(f->last_save.is_frame);
    end_saved(f, STORE_ANSWERED);
}

static void frames_are_freed_at_a_stop(void **state)
{
    struct fake *f = *state;
    put_frame(compare(f, &live, 100), 7, 100);  // a leak is the sanitizer's to find
    pipeline_stop(&f->p, true);
    fake_end(f, FAKE_COMPARE, E_CANCELED);
    fake_end(f, FAKE_RELEASE, 0);
}

// ---- several under way

static void of_a_burst_one_is_asked(void **state)
{
    struct fake *f = *state;
    for (int i = 0; i < 3; i++) {
        compare(f, &live, 100);
    }
    for (int i = 0; i < 3; i++) {
        fake_end(f, FAKE_COMPARE, 0);
    }
    assert_int_equal(f->calls[FAKE_ASK], 1);
    assert_int_equal(f->p.jobs.count[JOB_BACKOFF], 2);
    fake_end(f, FAKE_ASK, 0);
    end_saved(f, STORE_ANSWERED);
    fake_pass_ms(f, 0);  // woken by its end
    for (int i = 0; i < 2; i++) {
        put_frame(fake_req(f, FAKE_COMPARE), 1, 100);
        fake_end(f, FAKE_COMPARE, 0);
        end_saved(f, STORE_DUPLICATE);
    }
    assert_int_equal(f->calls[FAKE_ASK], 1);
}

static void when_the_first_fails_the_next_is_asked(void **state)
{
    struct fake *f = *state;
    compare(f, &live, 100);
    compare(f, &live, 100);
    fake_end(f, FAKE_COMPARE, 0);
    fake_end(f, FAKE_COMPARE, 0);
    fake_end(f, FAKE_ASK, E_BAD_REQUEST);
    end_saved(f, STORE_FAILED);
    fake_pass_ms(f, 0);
    fake_end(f, FAKE_COMPARE, 0);
    fake_end(f, FAKE_ASK, 0);
    end_saved(f, STORE_ANSWERED);
}

static void what_differs_does_not_wait(void **state)
{
    struct fake *f = *state;
    const struct store_job others[] = {
        {.path = "/shots/b.png", .root = "/shots", .priority = STORE_LIVE},
        {.path = "/other/b.png", .root = "/other", .priority = STORE_LIVE},
        {.path = "/shots/c.png", .root = "/shots", .priority = STORE_BATCH},
    };
    const uint8_t greys[] = {200, 100, 100};
    compare(f, &live, 100);
    fake_end(f, FAKE_COMPARE, 0);
    for (int i = 0; i < 3; i++) {
        compare(f, &others[i], greys[i]);
        fake_end(f, FAKE_COMPARE, 0);
    }
    assert_int_equal(f->calls[FAKE_ASK], 4);
    for (int i = 0; i < 4; i++) {
        fake_end(f, FAKE_ASK, 0);
        end_saved(f, STORE_ANSWERED);
    }
}

// The one that is waited for is given back: nobody's end wakes, time does.
static void waiting_has_an_end(void **state)
{
    struct fake *f = *state;
    f->ask_rc = E_BUSY;
    compare(f, &live, 100);
    compare(f, &live, 100);
    fake_end(f, FAKE_COMPARE, 0);
    fake_end(f, FAKE_COMPARE, 0);
    assert_int_equal(f->p.jobs.count[JOB_WAITING], 1);
    assert_int_equal(f->p.jobs.count[JOB_BACKOFF], 1);
    pipeline_shed(&f->p);
    fake_end(f, FAKE_RELEASE, 0);
    f->ask_rc = 0;
    fake_pass_ms(f, 10000);
    fake_end(f, FAKE_COMPARE, 0);
    fake_end(f, FAKE_ASK, 0);
    end_saved(f, STORE_ANSWERED);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(one_that_is_alike_inherits),   T(one_that_differs_is_asked_and_kept),
        T(other_sizes_are_not_alike),    T(only_watched_ones_are_compared),
        T(a_redo_becomes_a_frame_again), T(frames_are_freed_at_a_stop),
        T(of_a_burst_one_is_asked),      T(when_the_first_fails_the_next_is_asked),
        T(what_differs_does_not_wait),   T(waiting_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
