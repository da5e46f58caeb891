// test_lesser.c -- a picture that fails for good: a smaller tier, OCR, program and title.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "spine/fake_organs.h"

#include <stdio.h>
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

static void configure(struct fake *f, enum tier_depth tier, enum fallback_reach reach)
{
    struct pipeline_config c;
    fake_config(f, &c);
    c.tier = tier;
    c.target_px = c.tiers[tier].target_px;
    c.fallback = reach;
    c.can_ocr = true;
    fake_again(f, &c);
    f->makes_luma = true;
    f->page_text = "words on the page";
}

// Fails until the tries of this tier are over.
static int fail_all(struct fake *f, int err)
{
    int n = 0;
    int px = f->last_target_px;
    while (n < 20 && fake_waits_for(f) == FAKE_ASK && f->last_target_px == px) {
        fake_end(f, FAKE_ASK, err);
        fake_pass_ms(f, 60000);
        n++;
    }
    return n;
}

static struct job *begin(struct fake *f)
{
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    return fake_job(f);
}

// Not as it was, not as PNG, not smaller.
static void can_not_decode(struct fake *f)
{
    for (int i = 0; i < 3; i++) {
        fake_run_to(f, FAKE_ASK);
        fake_end(f, FAKE_ASK, E_BAD_IMAGE);
    }
}

static void expect(struct fake *f, const char *tier, const char *fallback, int code,
                   bool is_degraded)
{
    assert_int_equal(fake_state(f), JOB_SAVING);
    assert_int_equal(f->last_save.outcome, STORE_ANSWERED);
    assert_string_equal(f->last_save.result->tier, tier);
    assert_string_equal(f->last_save.fallback, fallback);
    assert_int_equal(f->last_save.fallback_code, code);
    assert_int_equal(f->last_save.result->is_degraded, is_degraded);
    fake_end(f, FAKE_SAVE, 0);
}

static void an_answer_as_asked_is_no_fallback(void **state)
{
    struct fake *f = *state;
    configure(f, TIER_DEEP, FALLBACK_REACH_METADATA);
    struct job *j = begin(f);
    assert_int_equal(f->last_target_px, 1280);
    assert_string_equal(j->ask.tier, "deep");
    assert_string_equal(j->ask.tier_rule, "c");
    assert_int_equal(j->ask.max_tokens, 1000);
    fake_end(f, FAKE_ASK, 0);
    assert_string_equal(f->last_save.tier, "deep");
    expect(f, "deep", "", 0, false);
    assert_int_equal(f->p.totals.tier_answered[TIER_DEEP], 1);
}

static void a_smaller_tier_is_tried_as_often_as_the_first(void **state)
{
    struct fake *f = *state;
    configure(f, TIER_DEEP, FALLBACK_REACH_TIER);
    begin(f);
    assert_int_equal(fail_all(f, E_SCHEMA), 4);
    assert_int_equal(fake_waits_for(f), FAKE_PREPARE);
    fake_run_to(f, FAKE_ASK);
    assert_int_equal(f->last_target_px, 1024);
    assert_string_equal(fake_job(f)->ask.tier, "standard");
    assert_false(f->last_no_schema);
    assert_int_equal(fail_all(f, E_SCHEMA), 4);
    fake_run_to(f, FAKE_ASK);
    assert_int_equal(f->last_target_px, 768);
    assert_string_equal(fake_job(f)->ask.tier, "");
    fake_end(f, FAKE_ASK, 0);
    assert_string_equal(f->last_save.tier, "deep");
    expect(f, "quick", "tier", E_SCHEMA, false);
    assert_int_equal(f->p.totals.fallbacks[FALLBACK_TIER], 1);
}

static void without_a_smaller_one_it_fails_with_the_first_reason(void **state)
{
    struct fake *f = *state;
    configure(f, TIER_STANDARD, FALLBACK_REACH_TIER);
    begin(f);
    fail_all(f, E_EMPTY);
    fake_run_to(f, FAKE_ASK);
    fail_all(f, E_REPETITION);
    assert_int_equal(fake_state(f), JOB_SAVING);
    assert_int_equal(f->last_save.outcome, STORE_FAILED);
    assert_int_equal(f->last_save.code, E_EMPTY);
    fake_end(f, FAKE_SAVE, 0);
}

static void words_that_can_be_read_come_next(void **state)
{
    struct fake *f = *state;
    configure(f, TIER_QUICK, FALLBACK_REACH_METADATA);
    begin(f);
    can_not_decode(f);
    assert_int_equal(fake_waits_for(f), FAKE_PREPARE);
    assert_true(f->last_want_luma);
    fake_end(f, FAKE_PREPARE, 0);
    assert_int_equal(fake_waits_for(f), FAKE_RECOGNISE);
    fake_end(f, FAKE_RECOGNISE, 0);
    assert_non_null(strstr(f->last_summary, "words on the page"));
    assert_string_equal(f->last_save.result->model, "tesseract");
    expect(f, "ocr", "ocr", E_BAD_IMAGE, true);  // degraded: asked again some day
}

static void program_and_title_are_the_last(void **state)
{
    struct fake *f = *state;
    configure(f, TIER_QUICK, FALLBACK_REACH_METADATA);
    struct job *j = begin(f);
    snprintf(j->meta.app, sizeof(j->meta.app), "Editor");
    snprintf(j->meta.window, sizeof(j->meta.window), "main.c");
    fake_end(f, FAKE_ASK, E_BAD_REQUEST);
    fake_end(f, FAKE_PREPARE, 0);
    fake_end(f, FAKE_RECOGNISE, E_OCR);
    assert_string_equal(f->last_summary,
                        "Editor: main.c (the picture was not looked at)");
    expect(f, "metadata", "metadata", E_BAD_REQUEST, true);
}

static void with_nothing_known_it_fails_with_the_model_s_words(void **state)
{
    struct fake *f = *state;
    configure(f, TIER_QUICK, FALLBACK_REACH_METADATA);
    struct job *j = begin(f);
    j->meta.app[0] = j->meta.window[0] = 0;
    can_not_decode(f);
    fake_end(f, FAKE_PREPARE, 0);
    fake_end(f, FAKE_RECOGNISE, E_OCR);
    assert_int_equal(f->last_save.outcome, STORE_FAILED);
    assert_int_equal(f->last_save.code, E_BAD_IMAGE);
    fake_end(f, FAKE_SAVE, 0);
}

static void a_picture_too_large_for_ocr_is_named_only(void **state)
{
    struct fake *f = *state;
    configure(f, TIER_QUICK, FALLBACK_REACH_METADATA);
    struct job *j = begin(f);
    snprintf(j->meta.window, sizeof(j->meta.window), "Map");
    f->makes_luma = false;
    can_not_decode(f);
    fake_end(f, FAKE_PREPARE, 0);
    expect(f, "metadata", "metadata", E_BAD_IMAGE, true);
}

static void a_stop_in_the_middle_of_it_loses_nothing(void **state)
{
    struct fake *f = *state;
    configure(f, TIER_QUICK, FALLBACK_REACH_METADATA);
    begin(f);
    can_not_decode(f);
    fake_end(f, FAKE_PREPARE, 0);
    pipeline_stop(&f->p, true);
    fake_end(f, FAKE_RECOGNISE, E_CANCELED);
    assert_int_equal(fake_waits_for(f), FAKE_RELEASE);
    fake_end(f, FAKE_RELEASE, 0);
}

static void failing_over_is_recorded(void **state)
{
    struct fake *f = *state;
    configure(f, TIER_QUICK, FALLBACK_REACH_TIER);
    struct job *j = begin(f);
    snprintf(j->ask.backend, sizeof(j->ask.backend), "first");
    fake_end(f, FAKE_ASK, E_SCHEMA);
    fake_pass_ms(f, 60000);
    assert_string_equal(j->ask.avoid, "first");
    assert_true(j->ask.is_retry);
    snprintf(j->ask.backend, sizeof(j->ask.backend), "second");
    fake_end(f, FAKE_ASK, 0);
    expect(f, "quick", "backend", E_SCHEMA, false);
}

// Once more, rather elsewhere; then a smaller tier, which has a deadline of its own; then OCR.
static void a_late_answer_is_not_waited_for(void **state)
{
    struct fake *f = *state;
    configure(f, TIER_STANDARD, FALLBACK_REACH_OCR);
    f->p.config.tiers[TIER_STANDARD].deadline_ms = 5000;
    f->p.config.tiers[TIER_QUICK].deadline_ms = 2000;
    struct job *j = begin(f);
    assert_int_equal(j->ask.deadline_ms, 5000);
    j->ask.request_ms = 5001;
    fake_end(f, FAKE_ASK, E_DEADLINE);
    assert_int_equal(fake_waits_for(f), FAKE_ASK);  // without a pause
    assert_string_equal(j->ask.avoid, j->ask.backend);
    assert_true(j->ask.is_retry);
    fake_end(f, FAKE_ASK, E_DEADLINE);
    fake_run_to(f, FAKE_ASK);
    assert_string_equal(j->ask.tier, "");  // quick
    assert_int_equal(j->ask.deadline_ms, 2000);
    assert_false(j->ask.is_retry);
    fake_end(f, FAKE_ASK, E_DEADLINE);
    fake_end(f, FAKE_ASK, E_DEADLINE);
    fake_run_to(f, FAKE_RECOGNISE);
    fake_end(f, FAKE_RECOGNISE, 0);
    expect(f, "ocr", "ocr", E_DEADLINE, true);
    assert_int_equal(f->p.totals.tier_breached[TIER_STANDARD], 1);
    assert_int_equal(f->p.totals.tier_answered[TIER_STANDARD], 2);
}

static void without_a_fallback_a_late_one_fails_with_its_reason(void **state)
{
    struct fake *f = *state;
    configure(f, TIER_QUICK, FALLBACK_REACH_OFF);
    begin(f);
    fake_end(f, FAKE_ASK, E_DEADLINE);
    fake_end(f, FAKE_ASK, E_DEADLINE);
    assert_int_equal(f->last_save.outcome, STORE_FAILED);
    assert_int_equal(f->last_save.code, E_DEADLINE);
    fake_end(f, FAKE_SAVE, 0);
}

static void a_slow_answer_is_counted_as_a_breach(void **state)
{
    struct fake *f = *state;
    configure(f, TIER_QUICK, FALLBACK_REACH_TIER);
    struct job *j = begin(f);
    j->ask.request_ms = 2001;
    fake_end(f, FAKE_ASK, 0);
    fake_end(f, FAKE_SAVE, 0);
    begin(f)->ask.request_ms = 2000;
    fake_end(f, FAKE_ASK, 0);
    fake_end(f, FAKE_SAVE, 0);
    assert_int_equal(f->p.totals.tier_answered[TIER_QUICK], 2);
    assert_int_equal(f->p.totals.tier_breached[TIER_QUICK], 1);
}

static void a_crash_makes_the_picture_smaller_the_second_time(void **state)
{
    struct fake *f = *state;
    configure(f, TIER_QUICK, FALLBACK_REACH_OFF);
    struct job *j = begin(f);
    for (int i = 0; i < 2; i++) {
        j->ask.is_backend_sick = true;
        fake_end(f, FAKE_ASK, E_MODEL_CRASH);
    }
    assert_int_equal(fake_waits_for(f), FAKE_PREPARE);
    assert_int_equal(f->last_target_px, 576);
    fake_run_to(f, FAKE_SAVE);
    fake_end(f, FAKE_SAVE, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(an_answer_as_asked_is_no_fallback),
        CASE(a_smaller_tier_is_tried_as_often_as_the_first),
        CASE(without_a_smaller_one_it_fails_with_the_first_reason),
        CASE(words_that_can_be_read_come_next),
        CASE(program_and_title_are_the_last),
        CASE(with_nothing_known_it_fails_with_the_model_s_words),
        CASE(a_picture_too_large_for_ocr_is_named_only),
        CASE(a_stop_in_the_middle_of_it_loses_nothing),
        CASE(failing_over_is_recorded),
        CASE(a_slow_answer_is_counted_as_a_breach),
        CASE(a_late_answer_is_not_waited_for),
        CASE(without_a_fallback_a_late_one_fails_with_its_reason),
        CASE(a_crash_makes_the_picture_smaller_the_second_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
