// test_screening.c -- texts of any length are searched and cleaned by a worker, and the job waits.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "base/mem.h"
#include "spine/fake_organs.h"

#include <stdio.h>
#include <string.h>

#define CARD "4111 1111 1111 1111"

static int setup(void **state)
{
    struct fake *f = test_calloc(1, sizeof(*f));
    fake_init(f);
    f->policy.read_text = PRIVACY_READ_ALWAYS;
    f->makes_luma = f->holds_work = true;
    f->page_text = "card " CARD;
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

static void go_to_page(struct fake *f)
{
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_WORK);
    assert_int_equal(fake_state(f), JOB_SCREENING);
    assert_int_equal(f->calls[FAKE_RECOGNISE], 1);
}

static void go_to_beside(struct fake *f)
{
    fake_add(f, "/shots/a.png");
    struct meta_req *r = fake_req(f, FAKE_INSPECT);
    r->beside = mem_dup("the card is " CARD "\n");
    fake_end(f, FAKE_INSPECT, 0);
    assert_int_equal(fake_state(f), JOB_SCREENING);
    assert_int_equal(f->calls[FAKE_PREPARE], 0);
}

static void go_to_answer(struct fake *f)
{
    f->answer = "a card, " CARD;
    f->policy.read_text = PRIVACY_READ_NEVER;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    fake_end(f, FAKE_ASK, 0);
    assert_int_equal(fake_state(f), JOB_SAVING);
    assert_int_equal(fake_waits_for(f), FAKE_WORK);
}

static void save_all(struct fake *f)
{
    f->holds_work = false;
    fake_do_work(f);
    fake_run_to(f, FAKE_SAVE);
    fake_end(f, FAKE_SAVE, 0);
    assert_int_equal(fake_state(f), JOB_GONE);
}

static void a_page_is_masked_when_the_worker_has_read_it(void **state)
{
    struct fake *f = *state;
    go_to_page(f);
    assert_false(fake_job(f)->gate.is_text_known);
    pipeline_pump(&f->p);
    assert_int_equal(f->calls[FAKE_ASK], 0);
    fake_end(f, FAKE_WORK, 0);
    assert_int_equal(fake_state(f), JOB_PREPARING);
    assert_true(fake_job(f)->gate.is_text_known);
    assert_int_equal(fake_job(f)->gate.found.inside[PRIVACY_CARD], 1);
    assert_true(f->last_n_masks > 0);
    save_all(f);
    assert_string_equal(f->last_save.verdict, "mask");
    assert_string_equal(f->last_ocr_text, "card [card]");
}

static void what_stands_beside_a_picture_is_known_before_it_is_opened(void **state)
{
    struct fake *f = *state;
    f->policy.read_text = PRIVACY_READ_NEVER;
    go_to_beside(f);
    fake_end(f, FAKE_WORK, 0);
    assert_int_equal(fake_state(f), JOB_PREPARING);
    assert_int_equal(fake_job(f)->gate.found.outside[PRIVACY_CARD], 1);
    save_all(f);
}

// Rules may take long for a title of 2 KB that was made for it.
static void a_long_title_is_read_by_the_worker(void **state)
{
    struct fake *f = *state;
    f->policy.read_text = PRIVACY_READ_NEVER;
    fake_add(f, "/shots/a.png");
    struct meta_req *r = fake_req(f, FAKE_INSPECT);
    memset(r->meta.window, '.', 1000);
    memcpy(r->meta.window, CARD " ", sizeof(CARD));
    fake_end(f, FAKE_INSPECT, 0);
    assert_int_equal(fake_state(f), JOB_SCREENING);
    assert_int_equal(f->calls[FAKE_PREPARE], 0);
    fake_end(f, FAKE_WORK, 0);
    assert_int_equal(fake_state(f), JOB_PREPARING);
    assert_int_equal(fake_job(f)->gate.found.outside[PRIVACY_CARD], 1);
    gate_forget_text(&fake_job(f)->gate);
    assert_int_equal(fake_job(f)->gate.found.outside[PRIVACY_CARD], 1);
    save_all(f);
}

// What nobody has judged goes to no other machine.
static void what_beside_it_was_not_searched_counts_as_more(void **state)
{
    struct fake *f = *state;
    f->policy.read_text = PRIVACY_READ_NEVER;
    f->policy.allow_remote = f->policy.remote_without_ocr = true;
    go_to_beside(f);
    fake_end(f, FAKE_WORK, E_CANCELED);
    assert_int_equal(fake_state(f), JOB_PREPARING);
    assert_int_equal(gate_judge(&fake_job(f)->gate, true).action, PRIVACY_DO_BLOCK);
    save_all(f);
}

// A helper that places a word beside the picture leaves nothing to paint over.
static void what_has_no_place_in_the_picture_is_not_sent(void **state)
{
    struct fake *f = *state;
    f->page_left = 100000;
    go_to_page(f);
    fake_end(f, FAKE_WORK, 0);
    assert_int_equal(fake_job(f)->gate.found.inside[PRIVACY_CARD], 1);
    assert_int_equal(gate_judge(&fake_job(f)->gate, false).action, PRIVACY_DO_BLOCK);
    save_all(f);
    assert_int_equal(f->calls[FAKE_ASK], 0);
    assert_string_equal(f->last_save.verdict, "block");
}

static void an_answer_is_saved_when_it_is_clean(void **state)
{
    struct fake *f = *state;
    go_to_answer(f);
    fake_pass_ms(f, 60000);
    pipeline_stop(&f->p, true);
    fake_pass_ms(f, 60000);
    assert_int_equal(f->calls[FAKE_SAVE], 0);
    assert_int_equal(f->cancels, 0);
    fake_end(f, FAKE_WORK, 0);
    assert_int_equal(f->calls[FAKE_SAVE], 1);
    assert_string_equal(f->last_summary, "a card, [card]");
    assert_string_equal(f->last_save.result->raw, "");  // may hold it in other letters
    save_all(f);
    assert_int_equal(f->p.totals.cleaned[PRIVACY_CARD], 1);
}

// They are looked at by the loop meanwhile: is another picture of the same program?
static void a_worker_leaves_the_names_of_program_and_screen_alone(void **state)
{
    struct fake *f = *state;
    f->policy.read_text = PRIVACY_READ_NEVER;
    fake_add(f, "/shots/a.png");
    struct meta_req *r = fake_req(f, FAKE_INSPECT);
    snprintf(r->meta.app, sizeof(r->meta.app), CARD);
    snprintf(r->meta.screen, sizeof(r->meta.screen), CARD);
    fake_run_to(f, FAKE_ASK);
    fake_end(f, FAKE_ASK, 0);
    struct gate_work *w = fake_req(f, FAKE_WORK);
    w->run(w);
    assert_string_equal(fake_job(f)->meta.app, CARD);
    assert_string_equal(fake_job(f)->meta.screen, CARD);
    fake_end(f, FAKE_WORK, 0);
    assert_string_equal(f->last_save.meta.app, "[card]");
    assert_string_equal(f->last_save.meta.screen, "[card]");
    assert_true(f->last_save.is_redacted);
    save_all(f);
}

static void what_was_not_cleaned_is_not_kept(void **state)
{
    struct fake *f = *state;
    go_to_answer(f);
    fake_end(f, FAKE_WORK, E_CANCELED);
    assert_int_equal(f->calls[FAKE_SAVE], 1);
    assert_string_equal(f->last_summary, "");
    save_all(f);
}

// The worker may have begun: then it ends, and what it found is of no use any more.
static void a_stop_gives_back_what_is_screened(void **state)
{
    static void (*const ways[])(struct fake *) = {go_to_page, go_to_beside};
    static const int ends[] = {0, E_CANCELED};
    struct fake *f = *state;
    for (int i = 0; i < 4; i++) {
        ways[i / 2](f);
        const int had = f->cancels;
        pipeline_stop(&f->p, false);
        assert_int_equal(f->cancels, had + 1);
        fake_end(f, FAKE_WORK, ends[i % 2]);
        assert_int_equal(fake_waits_for(f), FAKE_RELEASE);
        fake_end(f, FAKE_RELEASE, 0);
        struct pipeline_config c;
        fake_config(f, &c);
        fake_again(f, &c);
        memset(f->calls, 0, sizeof(f->calls));
    }
}

static void a_lost_lease_ends_the_screening(void **state)
{
    struct fake *f = *state;
    go_to_page(f);
    pipeline_lose(&f->p, fake_job(f)->row.id);
    fake_end(f, FAKE_WORK, E_CANCELED);
    assert_int_equal(f->calls[FAKE_RELEASE], 0);
    assert_int_equal(fake_state(f), JOB_GONE);
}

// Nobody wants to know any more what stands there.
static void a_stop_does_not_wait_for_the_text_to_be_read(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_RECOGNISE);
    pipeline_stop(&f->p, false);
    fake_end(f, FAKE_RECOGNISE, 0);
    assert_int_equal(f->calls[FAKE_WORK], 0);
    fake_end(f, FAKE_RELEASE, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(a_page_is_masked_when_the_worker_has_read_it),
        CASE(what_stands_beside_a_picture_is_known_before_it_is_opened),
        CASE(a_long_title_is_read_by_the_worker),
        CASE(what_beside_it_was_not_searched_counts_as_more),
        CASE(what_has_no_place_in_the_picture_is_not_sent),
        CASE(an_answer_is_saved_when_it_is_clean),
        CASE(a_worker_leaves_the_names_of_program_and_screen_alone),
        CASE(what_was_not_cleaned_is_not_kept),
        CASE(a_stop_gives_back_what_is_screened),
        CASE(a_lost_lease_ends_the_screening),
        CASE(a_stop_does_not_wait_for_the_text_to_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
