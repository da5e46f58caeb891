// test_telling.c -- an answer that is listened to is judged by a worker, and the job waits.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "spine/fake_organs.h"
#include "spine/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CARD "4111 1111 1111 1111"

static const char filler[] =
    "The window shows a list of invoices with their dates and amounts, and a side bar. ";

static struct heard {
    char text[8192];
    char address[128];
    int begun;
    bool has_enough;
} heard;

static bool on_words(void *arg, const struct job *j, const char *address,
                     const char *field, const char *text)
{
    (void)arg;
    (void)j;
    (void)field;
    heard.begun += !*text;
    strncat(heard.text, text, sizeof(heard.text) - strlen(heard.text) - 1);
    snprintf(heard.address, sizeof(heard.address), "%s", address);
    return !heard.has_enough;
}

static int setup(void **state)
{
    struct fake *f = test_calloc(1, sizeof(*f));
    fake_init(f);
    memset(&heard, 0, sizeof(heard));
    f->holds_work = true;
    f->p.events.on_words = on_words;
    fake_add(f, "/shots/" CARD ".png");
    fake_run_to(f, FAKE_ASK);
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

static void comes(struct fake *f, const char *text)
{
    struct ask *a = fake_req(f, FAKE_ASK);
    a->on_words(a, "summary", text, strlen(text));
}

static void comes_much(struct fake *f, int times)
{
    for (int i = 0; i < times; i++) {
        comes(f, filler);
    }
}

// The text is saved, and the job gone.
static void end_well(struct fake *f)
{
    fake_end(f, FAKE_WORK, 0);  // what is kept is clean
    fake_end(f, FAKE_SAVE, 0);
    assert_int_equal(fake_state(f), JOB_GONE);
}

static void nothing_is_told_before_a_worker_has_looked(void **state)
{
    struct fake *f = *state;
    comes_much(f, 12);
    comes(f, "The card is " CARD ". ");
    comes_much(f, 30);
    assert_int_equal(f->calls[FAKE_WORK], 1);  // one at a time
    assert_string_equal(heard.text, "");
    fake_pass_ms(f, LIVE_PAUSE_MS);
    fake_end(f, FAKE_WORK, 0);
    assert_int_equal(heard.begun, 1);
    assert_int_equal(f->calls[FAKE_WORK], 2);  // what came meanwhile
    fake_end(f, FAKE_WORK, 0);
    assert_non_null(strstr(heard.text, filler));
    assert_string_equal(heard.address, "/shots/[card].png");
    fake_end(f, FAKE_ASK, 0);
    assert_int_equal(fake_state(f), JOB_ASKING);
    fake_end(f, FAKE_WORK, 0);
    assert_int_equal(fake_state(f), JOB_SAVING);
    assert_non_null(strstr(heard.text, "The card is [card]. The window"));
    assert_null(strstr(heard.text, "1111"));
    assert_int_equal(strlen(heard.text),
                     42 * strlen(filler) + strlen("The card is [card]. "));
    end_well(f);
}

static void the_job_waits_for_a_look_that_is_under_way(void **state)
{
    struct fake *f = *state;
    comes(f, "A terminal.");
    fake_end(f, FAKE_ASK, 0);
    assert_int_equal(fake_state(f), JOB_ASKING);
    assert_int_equal(f->calls[FAKE_SAVE], 0);
    fake_end(f, FAKE_WORK, 0);
    assert_int_equal(fake_state(f), JOB_ASKING);
    fake_end(f, FAKE_WORK, 0);  // the last one
    assert_string_equal(heard.text, "A terminal.");
    assert_int_equal(fake_state(f), JOB_SAVING);
    end_well(f);
}

static void of_an_answer_that_failed_no_more_is_told(void **state)
{
    struct fake *f = *state;
    comes_much(f, 12);
    fake_end(f, FAKE_ASK, E_NET);
    assert_int_equal(f->calls[FAKE_ASK], 1);
    fake_end(f, FAKE_WORK, 0);
    assert_true(strlen(heard.text) <= 12 * strlen(filler) - LIVE_HOLD);
    assert_int_equal(fake_pending_of(f, FAKE_WORK), 0);
    assert_int_equal(f->calls[FAKE_ASK], 2);  // elsewhere
    fake_end(f, FAKE_ASK, 0);
    end_well(f);
}

static void a_look_that_was_not_taken_tells_nothing(void **state)
{
    struct fake *f = *state;
    comes_much(f, 12);
    fake_end(f, FAKE_WORK, E_CANCELED);
    comes_much(f, 12);
    assert_int_equal(f->calls[FAKE_WORK], 1);
    fake_end(f, FAKE_ASK, 0);
    assert_string_equal(heard.text, "");
    assert_int_equal(fake_state(f), JOB_SAVING);
    end_well(f);
}

// A request that is over is not cancelled, nor paused.
static void a_stop_waits_for_the_look(void **state)
{
    struct fake *f = *state;
    comes_much(f, 12);
    heard.has_enough = true;
    fake_end(f, FAKE_ASK, 0);
    pipeline_stop(&f->p, true);
    pipeline_resume_answer(&f->p, fake_job(f)->row.id);
    assert_int_equal(f->cancels, 0);
    fake_end(f, FAKE_WORK, 0);
    fake_end(f, FAKE_WORK, 0);
    assert_int_equal(f->pauses, 0);
    assert_int_equal(fake_state(f), JOB_SAVING);  // it was answered
    end_well(f);
}

static void who_has_enough_pauses_the_request(void **state)
{
    struct fake *f = *state;
    comes_much(f, 12);
    heard.has_enough = true;
    fake_end(f, FAKE_WORK, 0);
    assert_true(f->pauses > 0);
    heard.has_enough = false;
    fake_end(f, FAKE_ASK, 0);
    fake_end(f, FAKE_WORK, 0);
    end_well(f);
}

// Much more than a listener gets: a hole in the text could hide where a secret begins.
static void what_does_not_fit_ends_it(void **state)
{
    struct fake *f = *state;
    comes_much(f, 4000);
    fake_end(f, FAKE_WORK, 0);
    const size_t told = strlen(heard.text);
    comes_much(f, 12);
    fake_end(f, FAKE_ASK, 0);
    assert_int_equal(strlen(heard.text), told);
    end_well(f);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(nothing_is_told_before_a_worker_has_looked),
        CASE(the_job_waits_for_a_look_that_is_under_way),
        CASE(of_an_answer_that_failed_no_more_is_told),
        CASE(a_look_that_was_not_taken_tells_nothing),
        CASE(a_stop_waits_for_the_look),
        CASE(who_has_enough_pauses_the_request),
        CASE(what_does_not_fit_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
