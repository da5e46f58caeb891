// test_pipeline.c -- one job through fake organs: every row of the transition table.
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

static void expect_end(struct fake *f, enum store_outcome outcome, int code)
{
    assert_int_equal(fake_state(f), JOB_SAVING);
    assert_int_equal(f->last_save.outcome, outcome);
    assert_int_equal(f->last_save.code, code);
    fake_end(f, FAKE_SAVE, 0);
    assert_int_equal(fake_state(f), JOB_GONE);
    assert_int_equal(f->ended[f->n_ended - 1], outcome);
}

static void a_good_picture_is_answered(void **state)
{
    struct fake *f = *state;
    int64_t id = fake_add(f, "/shots/a.png");
    assert_int_equal(fake_waits_for(f), FAKE_INSPECT);
    fake_end(f, FAKE_INSPECT, 0);
    assert_int_equal(fake_waits_for(f), FAKE_PREPARE);
    assert_int_equal(f->last_target_px, 768);
    assert_false(f->last_want_luma);
    fake_end(f, FAKE_PREPARE, 0);
    assert_int_equal(fake_waits_for(f), FAKE_COMPARE);
    assert_string_equal(((struct store_similar *)fake_req(f, FAKE_COMPARE))->model,
                        "model");
    fake_end(f, FAKE_COMPARE, 0);
    assert_int_equal(fake_waits_for(f), FAKE_ASK);
    assert_int_equal(fake_state(f), JOB_ASKING);
    fake_end(f, FAKE_ASK, 0);
    assert_string_equal(f->last_summary, "what is seen");
    assert_int_equal(f->last_save.sent_bytes, 4);
    assert_int_equal(f->last_save.n_attempts, 1);
    assert_int_equal(f->last_save.result->prompt_tokens, 300);
    expect_end(f, STORE_ANSWERED, 0);
    assert_int_equal(f->ended_id[0], id);
    assert_int_equal(f->rooms, 1);
    assert_int_equal(f->p.totals.prompt_tokens, 300);
}

// So that what it costs elsewhere is found again by the job's id.
static void each_call_is_made_for_the_job(void **state)
{
    struct fake *f = *state;
    char cid[24];
    fake_add(f, "/shots/a.png");
    snprintf(cid, sizeof(cid), "%s", fake_job(f)->row.cid);
    assert_true(cid[0]);
    fake_run_to(f, FAKE_SAVE);
    fake_end(f, FAKE_SAVE, E_IO);
    fake_pass_ms(f, 3000);
    static const enum fake_call calls[] = {FAKE_INSPECT, FAKE_PREPARE, FAKE_COMPARE,
                                           FAKE_ASK, FAKE_SAVE};
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        assert_string_equal(f->called_for[calls[i]], cid);
    }
    assert_int_equal(f->calls[FAKE_SAVE], 2);
    assert_null(f->acts_for);
    expect_end(f, STORE_ANSWERED, 0);
}

static void a_url_is_fetched_first(void **state)
{
    struct fake *f = *state;
    fake_add(f, "http://host/a.png");
    assert_int_equal(fake_state(f), JOB_FETCHING);
    struct http_req *r = fake_req(f, FAKE_FETCH);
    buf_init(&r->response, 100);
    assert_int_equal(buf_add_str(&r->response, "bytes"), 0);
    fake_end(f, FAKE_FETCH, 0);
    struct meta_req *m = fake_req(f, FAKE_INSPECT);
    assert_int_equal(m->bytes_len, 5);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED, 0);
}

static void a_url_that_is_gone_fails_in_words(void **state)
{
    struct fake *f = *state;
    fake_add(f, "http://host/a.png");
    ((struct http_req *)fake_req(f, FAKE_FETCH))->status = 404;
    fake_end(f, FAKE_FETCH, 0);
    assert_string_equal(f->last_reason, "the server answered 404");
    expect_end(f, STORE_FAILED, E_NOT_FOUND);
}

static void a_url_that_stumbles_is_fetched_again(void **state)
{
    struct fake *f = *state;
    fake_add(f, "http://host/a.png");
    ((struct http_req *)fake_req(f, FAKE_FETCH))->status = 503;
    fake_end(f, FAKE_FETCH, 0);
    assert_int_equal(fake_state(f), JOB_BACKOFF);
    fake_pass_ms(f, 500);
    assert_int_equal(fake_state(f), JOB_FETCHING);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED, 0);
}

static void a_url_that_never_comes_fails_after_its_tries(void **state)
{
    struct fake *f = *state;
    fake_add(f, "http://host/a.png");
    int tries = 0;
    while (fake_state(f) != JOB_SAVING && tries < 20) {
        fake_end(f, FAKE_FETCH, E_NET);
        tries++;
        fake_pass_ms(f, 60000);
    }
    assert_int_equal(tries, 6);
    expect_end(f, STORE_FAILED, E_NET);
}

static void a_url_of_another_kind_is_refused(void **state)
{
    struct fake *f = *state;
    f->fetch_rc = E_USAGE;
    fake_add(f, "http://host/a.png");
    expect_end(f, STORE_FAILED, E_USAGE);
}

static void an_incomplete_new_file_is_looked_at_again(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_end(f, FAKE_INSPECT, 0);
    fake_end(f, FAKE_PREPARE, E_CUT);
    assert_int_equal(fake_state(f), JOB_BACKOFF);
    fake_pass_ms(f, 499);
    assert_int_equal(fake_state(f), JOB_BACKOFF);
    fake_pass_ms(f, 1);
    assert_int_equal(fake_state(f), JOB_INSPECTING);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED, 0);
}

static void an_incomplete_old_file_fails(void **state)
{
    struct fake *f = *state;
    struct store_job row = {.path = "/shots/a.png",
                            .mtime_ns = (f->wall_ms - 61000) * 1000000};
    fake_add_row(f, &row);
    fake_end(f, FAKE_INSPECT, E_CUT);
    expect_end(f, STORE_FAILED, E_CUT);
}

static void a_deleted_file_is_skipped(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_end(f, FAKE_INSPECT, E_NOT_FOUND);
    expect_end(f, STORE_SKIPPED, E_NOT_FOUND);
}

static void a_bad_picture_fails_with_the_organs_words(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_PREPARE);
    struct image_req *r = fake_req(f, FAKE_PREPARE);
    err_set(&r->err, E_CORRUPT, "chunk 3 is broken");
    fake_end(f, FAKE_PREPARE, E_CORRUPT);
    assert_string_equal(f->last_reason, "chunk 3 is broken");
    expect_end(f, STORE_FAILED, E_CORRUPT);
    assert_int_equal(f->calls[FAKE_ASK], 0);
}

static void a_thumbnail_is_skipped(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    ((struct meta_req *)fake_req(f, FAKE_INSPECT))->meta.is_thumbnail = true;
    fake_end(f, FAKE_INSPECT, 0);
    expect_end(f, STORE_SKIPPED, 0);
}

static void deny(struct fake *f, enum privacy_field field, const char *text)
{
    const struct privacy_pattern one = {.text = text, .where = "", .origin = ""};
    struct privacy_rules_config c = {.has_defaults = false};
    c.deny[field] = (struct privacy_list){&one, 1};
    fake_rules(f, &c);
}

static void an_excluded_path_is_not_opened(void **state)
{
    struct fake *f = *state;
    deny(f, PRIVACY_PATH, "*/secret/*");
    fake_add(f, "/home/secret/a.png");
    assert_int_equal(f->calls[FAKE_INSPECT], 0);
    expect_end(f, STORE_BLOCKED, E_BLOCKED);
}

static void an_excluded_app_in_the_file_is_not_decoded(void **state)
{
    struct fake *f = *state;
    deny(f, PRIVACY_APP, "KeePass*");
    fake_add(f, "/shots/a.png");
    struct meta_req *r = fake_req(f, FAKE_INSPECT);
    snprintf(r->meta.app, sizeof(r->meta.app), "keepassxc");
    fake_end(f, FAKE_INSPECT, 0);
    assert_int_equal(f->calls[FAKE_PREPARE], 0);
    expect_end(f, STORE_BLOCKED, E_BLOCKED);
}

// All that is known about a picture reaches the rules.
static void what_the_file_says_is_judged(void **state)
{
    struct fake *f = *state;
    static const struct {
        enum privacy_field field;
        const char *text;
    } rows[] = {
        {PRIVACY_WINDOW, "salary"},
        {PRIVACY_URL, "mail.example"},
        {PRIVACY_SCREEN, "HDMI-1"},
        {PRIVACY_HOURS, "tue-thu"},  // a Wednesday, wherever this runs
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        deny(f, rows[i].field, rows[i].text);
        fake_add(f, "/shots/a.png");
        struct ingest_meta *m = &((struct meta_req *)fake_req(f, FAKE_INSPECT))->meta;
        snprintf(m->window, sizeof(m->window), "Salary.xlsx");
        snprintf(m->url, sizeof(m->url), "https://mail.example/x");
        snprintf(m->screen, sizeof(m->screen), "HDMI-1");
        m->taken_at_ms = 1700049600000;
        fake_end(f, FAKE_INSPECT, 0);
        assert_int_equal(f->calls[FAKE_PREPARE], 0);
        expect_end(f, STORE_BLOCKED, E_BLOCKED);
    }
}

// A title that fills its field was longer: what is missing may be what a rule is about.
static void a_title_that_was_cut_is_a_doubt(void **state)
{
    struct fake *f = *state;
    deny(f, PRIVACY_WINDOW, "*private browsing");
    for (int i = 0; i < 2; i++) {
        fake_add(f, "/shots/a.png");
        struct ingest_meta *m = &((struct meta_req *)fake_req(f, FAKE_INSPECT))->meta;
        memset(m->window, 'a', sizeof(m->window) - 1);
        m->window[i ? 400 : sizeof(m->window) - 3] = 0;
        fake_end(f, FAKE_INSPECT, 0);
        if (i) {
            assert_int_equal(fake_state(f), JOB_PREPARING);
            fake_run_to(f, FAKE_SAVE);
            expect_end(f, STORE_ANSWERED, 0);
        } else {
            expect_end(f, STORE_BLOCKED, E_BLOCKED);
        }
    }
}

static void missing_metadata_blocks_only_after_the_file_was_read(void **state)
{
    struct fake *f = *state;
    fake_rules(f, &(struct privacy_rules_config){.need_metadata = true});
    fake_add(f, "/shots/a.png");
    assert_int_equal(fake_state(f), JOB_INSPECTING);
    fake_end(f, FAKE_INSPECT, 0);
    expect_end(f, STORE_BLOCKED, E_BLOCKED);
}

static void the_gate_is_asked_for_each_destination(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    assert_int_equal(f->last_may_send_local, ASK_ALLOWED);
    assert_int_equal(f->last_may_send_remote, ASK_REFUSED);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED, 0);
}

static void a_gate_that_refuses_every_backend_blocks(void **state)
{
    struct fake *f = *state;
    f->ask_rc = E_REMOTE;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_BLOCKED, E_REMOTE);
}

static void an_equal_picture_inherits(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_COMPARE);
    ((struct store_similar *)fake_req(f, FAKE_COMPARE))->duplicate_of = 99;
    fake_end(f, FAKE_COMPARE, 0);
    assert_int_equal(f->last_save.duplicate_of, 99);
    expect_end(f, STORE_DUPLICATE, 0);
    assert_int_equal(f->calls[FAKE_ASK], 0);
}

static void a_cached_result_is_taken(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_COMPARE);
    ((struct store_similar *)fake_req(f, FAKE_COMPARE))->result = 5;
    fake_end(f, FAKE_COMPARE, 0);
    assert_int_equal(f->last_save.cached_result, 5);
    expect_end(f, STORE_CACHED, 0);
}

static void a_redo_is_not_compared(void **state)
{
    struct fake *f = *state;
    struct store_job row = {.path = "/shots/a.png", .is_redo = true};
    fake_add_row(f, &row);
    fake_run_to(f, FAKE_ASK);
    assert_int_equal(f->calls[FAKE_COMPARE], 0);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED, 0);
}

static void a_refused_comparison_does_not_stop_the_job(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_COMPARE);
    fake_end(f, FAKE_COMPARE, E_STORE);
    assert_int_equal(fake_waits_for(f), FAKE_ASK);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED, 0);
}

static void an_equal_picture_under_way_is_waited_for(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    fake_add(f, "/shots/b.png");
    fake_end(f, FAKE_INSPECT, 0);
    fake_end(f, FAKE_PREPARE, 0);
    ((struct store_similar *)fake_req(f, FAKE_COMPARE))->in_progress = 1;
    fake_end(f, FAKE_COMPARE, 0);
    assert_int_equal(f->p.jobs.count[JOB_BACKOFF], 1);
    fake_end(f, FAKE_ASK, 0);
    fake_end(f, FAKE_SAVE, 0);
    fake_pass_ms(f, 0);  // woken by the first one's end, not by its own time
    assert_int_equal(fake_waits_for(f), FAKE_COMPARE);
    ((struct store_similar *)fake_req(f, FAKE_COMPARE))->duplicate_of = 1;
    fake_end(f, FAKE_COMPARE, 0);
    expect_end(f, STORE_DUPLICATE, 0);
    assert_int_equal(f->calls[FAKE_ASK], 1);
}

static void text_is_read_when_always_asked_for(void **state)
{
    struct fake *f = *state;
    struct pipeline_config c;
    fake_config(f, &c);
    c.reads_text_always = true;
    fake_again(f, &c);
    f->makes_luma = true;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_RECOGNISE);
    assert_true(f->last_want_luma);
    struct ocr_req *r = fake_req(f, FAKE_RECOGNISE);
    assert_int_equal(buf_add_str(&r->text, "words on the screen"), 0);
    r->page_len = r->text.len;
    assert_int_equal(buf_add_str(&r->text, "\nwords read twice"), 0);
    fake_end(f, FAKE_RECOGNISE, 0);
    assert_null(fake_job(f)->image.luma);
    fake_run_to(f, FAKE_SAVE);
    assert_string_equal(f->last_save.ocr_text, "words on the screen");
    expect_end(f, STORE_ANSWERED, 0);
}

static void text_that_can_not_be_read_does_not_stop_the_job(void **state)
{
    struct fake *f = *state;
    struct pipeline_config c;
    fake_config(f, &c);
    c.reads_text_always = true;
    fake_again(f, &c);
    f->makes_luma = true;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_RECOGNISE);
    fake_end(f, FAKE_RECOGNISE, E_OCR);
    fake_run_to(f, FAKE_SAVE);
    assert_null(f->last_save.ocr_text);
    expect_end(f, STORE_ANSWERED, 0);
}

static void it_waits_while_no_backend_has_room(void **state)
{
    struct fake *f = *state;
    f->ask_rc = E_BUSY;
    fake_add(f, "/shots/a.png");
    fake_end(f, FAKE_INSPECT, 0);
    fake_end(f, FAKE_PREPARE, 0);
    fake_end(f, FAKE_COMPARE, 0);
    assert_int_equal(fake_state(f), JOB_WAITING);
    pipeline_pump(&f->p);
    assert_int_equal(fake_state(f), JOB_WAITING);
    f->ask_rc = 0;
    pipeline_pump(&f->p);
    assert_int_equal(fake_state(f), JOB_ASKING);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED, 0);
}

// Dispatch tells of room while it takes a job: the job is not offered again meanwhile, and
// whoever else waits is.
static void room_told_from_inside_an_ask_is_for_the_others(void **state)
{
    struct fake *f = *state;
    f->ask_rc = E_BUSY;
    fake_add(f, "/shots/a.png");
    fake_end(f, FAKE_INSPECT, 0);
    fake_end(f, FAKE_PREPARE, 0);
    fake_end(f, FAKE_COMPARE, 0);
    assert_int_equal(fake_state(f), JOB_WAITING);
    int before = f->calls[FAKE_ASK];
    f->ask_rc = 0;
    f->tells_room = true;
    fake_add(f, "/shots/b.png");
    fake_end(f, FAKE_INSPECT, 0);
    fake_end(f, FAKE_PREPARE, 0);
    fake_end(f, FAKE_COMPARE, 0);
    assert_int_equal(f->calls[FAKE_ASK], before + 2);
    assert_int_equal(f->p.jobs.count[JOB_ASKING], 2);
    f->tells_room = false;
    for (int i = 0; i < 2; i++) {
        fake_end(f, FAKE_ASK, 0);
        fake_end(f, FAKE_SAVE, 0);
    }
}

static void the_stand_in_gets_the_grey_picture(void **state)
{
    struct fake *f = *state;
    f->ask_rc = E_BUSY;
    f->makes_luma = true;
    fake_add(f, "/shots/a.png");
    fake_end(f, FAKE_INSPECT, 0);
    fake_end(f, FAKE_PREPARE, 0);
    fake_end(f, FAKE_COMPARE, 0);
    f->ask_rc = 0;
    f->uses_stand_in = true;  // the model went away meanwhile
    pipeline_pump(&f->p);
    assert_int_equal(fake_state(f), JOB_PREPARING);
    assert_true(f->last_want_luma);
    fake_end(f, FAKE_PREPARE, 0);
    assert_int_equal(fake_waits_for(f), FAKE_ASK);
    assert_int_equal(f->calls[FAKE_COMPARE], 1);
    struct ask *a = fake_req(f, FAKE_ASK);
    assert_non_null(a->luma);
    a->is_degraded = true;
    a->bytes_sent = 0;
    fake_end(f, FAKE_ASK, 0);
    assert_true(f->last_save.result->is_degraded);
    assert_int_equal(f->last_save.sent_bytes, 0);  // nothing left the process
    expect_end(f, STORE_ANSWERED, 0);
}

static void one_that_has_a_stand_in_waits_for_a_model(void **state)
{
    struct fake *f = *state;
    struct store_job row = {.path = "/shots/a.png", .is_degraded = true};
    f->uses_stand_in = true;
    fake_add_row(f, &row);
    fake_run_to(f, FAKE_ASK);
    assert_true(((struct ask *)fake_req(f, FAKE_ASK))->needs_model);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED, 0);
}

// ---- failures of an ask

static void failures_have_their_remedy(void **state)
{
    static const struct row {
        int err;
        bool is_sick;
        enum job_state then;
    } rows[] = {
        {E_NET, true, JOB_WAITING},           {E_RATE, true, JOB_WAITING},
        {E_OVERLOAD, true, JOB_WAITING},      {E_LOADING, true, JOB_WAITING},
        {E_AUTH, true, JOB_WAITING},          {E_NO_VISION, true, JOB_WAITING},
        {E_MODEL_MISSING, true, JOB_WAITING}, {E_QUOTA, true, JOB_WAITING},
        {E_NET_CUT, false, JOB_BACKOFF},      {E_NET_CUT, true, JOB_WAITING},
        {E_SERVER, false, JOB_BACKOFF},       {E_SERVER, true, JOB_WAITING},
        {E_STALL, false, JOB_BACKOFF},        {E_TOTAL, false, JOB_BACKOFF},
        {E_FIRST_BYTE, false, JOB_BACKOFF},   {E_MODEL_CRASH, false, JOB_BACKOFF},
        {E_EMPTY, false, JOB_BACKOFF},        {E_UNFINISHED, false, JOB_BACKOFF},
        {E_REPETITION, false, JOB_BACKOFF},   {E_SCHEMA, false, JOB_BACKOFF},
        {E_REFUSAL, false, JOB_BACKOFF},      {E_IMAGE_DROPPED, false, JOB_BACKOFF},
        {E_GARBAGE, false, JOB_BACKOFF},      {E_OCR, false, JOB_BACKOFF},
        {E_CONTEXT, false, JOB_PREPARING},    {E_BAD_IMAGE, false, JOB_PREPARING},
        {E_BAD_REQUEST, false, JOB_SAVING},   {E_BUG, false, JOB_SAVING},
    };
    struct fake *f = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_add(f, "/shots/a.png");
        fake_run_to(f, FAKE_ASK);
        struct ask *a = fake_req(f, FAKE_ASK);
        a->is_backend_sick = rows[i].is_sick;
        f->ask_rc = E_BUSY;  // so that WAITING can be seen
        fake_end(f, FAKE_ASK, rows[i].err);
        if (fake_state(f) != rows[i].then) {
            fail_msg("%s: %s", err_name(rows[i].err), job_state_name(fake_state(f)));
        }
        f->ask_rc = 0;
        fake_pass_ms(f, 120000);
        pipeline_pump(&f->p);
        fake_run_to(f, FAKE_SAVE);
        fake_end(f, FAKE_SAVE, 0);
    }
}

static void a_picture_that_keeps_failing_ends_in_the_list(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    for (int i = 0; fake_state(f) == JOB_ASKING && i < 10; i++) {
        err_set(&((struct ask *)fake_req(f, FAKE_ASK))->err, E_SERVER, "it broke");
        fake_end(f, FAKE_ASK, E_SERVER);
        fake_pass_ms(f, 120000);
    }
    assert_int_equal(f->calls[FAKE_ASK], 4);
    assert_string_equal(f->last_reason, "it broke");
    assert_int_equal(f->last_save.n_attempts, 4);
    assert_int_equal(f->last_save.attempts[3].code, E_SERVER);
    expect_end(f, STORE_FAILED, E_SERVER);
}

static void a_sick_backend_is_not_held_against_the_picture(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    for (int i = 0; i < 10; i++) {
        ((struct ask *)fake_req(f, FAKE_ASK))->is_backend_sick = true;
        fake_end(f, FAKE_ASK, E_SERVER);
        assert_int_equal(fake_state(f), JOB_ASKING);
    }
    ((struct ask *)fake_req(f, FAKE_ASK))->is_backend_sick = true;
    fake_end(f, FAKE_ASK, E_SERVER);  // but not for ever: it may be what brings it down
    assert_int_equal(f->last_save.n_attempts, STORE_MAX_ATTEMPTS);
    expect_end(f, STORE_FAILED, E_SERVER);
}

static void an_absent_backend_never_fails_a_picture(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    for (int i = 0; i < 100; i++) {
        fake_end(f, FAKE_ASK, E_NET);
        assert_int_equal(fake_state(f), JOB_ASKING);
    }
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED, 0);
}

static void too_large_a_context_makes_it_smaller(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    fake_end(f, FAKE_ASK, E_CONTEXT);
    assert_int_equal(f->last_target_px, 576);
    assert_int_equal(fake_state(f), JOB_PREPARING);
    fake_run_to(f, FAKE_ASK);
    assert_int_equal(f->calls[FAKE_COMPARE], 1);
    fake_end(f, FAKE_ASK, E_CONTEXT);
    assert_int_equal(f->last_target_px, 432);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED, 0);
}

static void a_size_in_tokens_is_whole_patches_of_the_model(void **state)
{
    struct fake *f = *state;
    f->p.config.target_tokens = 400;
    f->expects = true;
    f->expected_model = "qwen2.5vl:7b";
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    assert_int_equal(f->last_patches, 400);
    assert_int_equal(f->last_patch_px, 28);
    fake_end(f, FAKE_ASK, E_CONTEXT);
    assert_int_equal(f->last_patches, 225);
    fake_run_to(f, FAKE_ASK);
    f->p.config.patch_px = 14;
    fake_end(f, FAKE_ASK, E_CONTEXT);
    assert_int_equal(f->last_patches, 126);
    assert_int_equal(f->last_patch_px, 14);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED, 0);
}

static void a_tier_is_fitted_to_the_models_grid(void **state)
{
    struct fake *f = *state;
    f->grid_patch_px = 28;
    fake_add(f, "/shots/a.png");  // the user said a size
    assert_int_equal(f->last_patches, 0);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED, 0);
    f->p.config.fits_grid = true;
    fake_add(f, "/shots/b.png");
    fake_run_to(f, FAKE_ASK);
    assert_int_equal(f->last_patches, 384);
    assert_int_equal(f->last_patch_px, 28);
    assert_true(f->last_keeps_small);
    fake_end(f, FAKE_ASK, E_CONTEXT);  // smaller, still on the grid
    assert_int_equal(f->last_target_px, 576);
    assert_int_equal(f->last_patches, 288);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED, 0);
}

static void a_cut_answer_gets_a_larger_cap_and_then_no_schema(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    assert_int_equal(f->last_cap_doublings, 0);
    unsigned first_seed = f->last_seed;
    assert_false(f->last_no_thinking);
    fake_end(f, FAKE_ASK, E_EMPTY);
    fake_pass_ms(f, 60000);
    assert_true(f->last_no_thinking);
    assert_int_equal(f->last_cap_doublings, 1);
    assert_false(f->last_no_schema);
    assert_int_not_equal(f->last_seed, first_seed);
    fake_end(f, FAKE_ASK, E_EMPTY);
    fake_pass_ms(f, 60000);
    assert_int_equal(f->last_cap_doublings, 2);
    assert_true(f->last_no_schema);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED, 0);
}

static const char *remedy_of(struct fake *f, int i)
{
    const struct store_save *s = fake_req(f, FAKE_SAVE);
    assert_true(i < s->n_attempts);
    return s->attempts[i].remedy;
}

static void what_can_not_be_decoded_is_sent_as_png_then_smaller(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    assert_false(f->last_as_png);
    fake_end(f, FAKE_ASK, E_BAD_IMAGE);
    fake_run_to(f, FAKE_ASK);
    assert_true(f->last_as_png);
    assert_int_equal(f->last_target_px, 768);
    fake_end(f, FAKE_ASK, E_BAD_IMAGE);
    fake_run_to(f, FAKE_ASK);
    assert_true(f->last_as_png);
    assert_int_equal(f->last_target_px, 576);
    fake_end(f, FAKE_ASK, E_BAD_IMAGE);
    fake_run_to(f, FAKE_SAVE);
    assert_int_equal(f->calls[FAKE_ASK], 3);
    assert_string_equal(remedy_of(f, 0), "sent as PNG");
    assert_string_equal(remedy_of(f, 1), "a smaller picture (576 px)");
    assert_string_equal(remedy_of(f, 2), "");
    expect_end(f, STORE_FAILED, E_BAD_IMAGE);
}

// The backend is well otherwise: it may be this picture, and memory.
static void a_model_that_crashes_twice_is_given_half_a_minute_and_less(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    fake_end(f, FAKE_ASK, E_MODEL_CRASH);
    fake_pass_ms(f, 1000);
    assert_int_equal(f->calls[FAKE_ASK], 2);  // once may be chance
    assert_int_equal(f->last_target_px, 768);
    fake_end(f, FAKE_ASK, E_MODEL_CRASH);
    assert_int_equal(fake_state(f), JOB_BACKOFF);
    fake_pass_ms(f, 29000);
    assert_int_equal(fake_state(f), JOB_BACKOFF);
    fake_pass_ms(f, 1000);
    assert_int_equal(fake_state(f), JOB_PREPARING);
    assert_int_equal(f->last_target_px, 576);
    fake_run_to(f, FAKE_SAVE);
    assert_string_equal(remedy_of(f, 1), "a smaller picture (576 px)");
    expect_end(f, STORE_ANSWERED, 0);
}

static void what_was_changed_stands_in_the_history(void **state)
{
    static const struct {
        int err;
        const char *first, *second;
    } rows[] = {
        {E_UNFINISHED, "twice the length allowed, thinking off",
         "twice the length allowed"},
        {E_EMPTY, "twice the length allowed, thinking off",
         "twice the length allowed, words instead of a form"},
        {E_CONTEXT, "a smaller picture (576 px)", "a smaller picture (432 px)"},
        {E_SCHEMA, "", "words instead of a form"},
        {E_REFUSAL, "", ""},
        {E_SERVER, "", ""},
    };
    struct fake *f = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_add(f, "/shots/a.png");
        fake_run_to(f, FAKE_ASK);
        fake_end(f, FAKE_ASK, rows[i].err);
        fake_pass_ms(f, 60000);
        fake_run_to(f, FAKE_ASK);
        fake_end(f, FAKE_ASK, rows[i].err);
        fake_pass_ms(f, 60000);
        fake_run_to(f, FAKE_SAVE);
        assert_string_equal(remedy_of(f, 0), rows[i].first);
        assert_string_equal(remedy_of(f, 1), rows[i].second);
        expect_end(f, STORE_ANSWERED, 0);
    }
}

// ---- saving

static void a_result_waits_until_it_can_be_saved(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_SAVE);
    fake_end(f, FAKE_SAVE, E_FULL);
    assert_int_equal(fake_state(f), JOB_SAVING);
    assert_string_not_equal(f->p.trouble, "");
    assert_int_equal(f->n_ended, 0);
    fake_pass_ms(f, 2000);
    assert_int_equal(fake_waits_for(f), FAKE_SAVE);
    assert_int_equal(f->last_save.sent_bytes, 4);
    assert_string_equal(f->last_summary, "what is seen");
    expect_end(f, STORE_ANSWERED, 0);
    assert_string_equal(f->p.trouble, "");
}

static void a_lost_lease_is_not_an_end_of_ours(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_SAVE);
    ((struct store_save *)fake_req(f, FAKE_SAVE))->lost = true;
    fake_end(f, FAKE_SAVE, 0);
    assert_int_equal(f->n_ended, 0);
    assert_int_equal(fake_state(f), JOB_GONE);
}

// ---- stop, shed, lose: at every point

static const enum fake_call points[] = {FAKE_FETCH,   FAKE_INSPECT,   FAKE_PREPARE,
                                        FAKE_COMPARE, FAKE_RECOGNISE, FAKE_ASK,
                                        FAKE_SAVE};
enum { N_POINTS = sizeof(points) / sizeof(points[0]) };

static void start_at(struct fake *f, enum fake_call point)
{
    struct pipeline_config c;
    fake_fini(f);
    fake_init(f);
    fake_config(f, &c);
    c.reads_text_always = true;
    fake_again(f, &c);
    f->makes_luma = true;
    fake_add(f, "http://host/a.png");
    fake_run_to(f, point);
}

static void a_stop_gives_back_what_is_not_asked(void **state)
{
    struct fake *f = *state;
    for (int i = 0; i < N_POINTS; i++) {
        start_at(f, points[i]);
        pipeline_stop(&f->p, false);
        bool finishes = points[i] == FAKE_ASK || points[i] == FAKE_SAVE;
        assert_int_equal(f->cancels, finishes ? 0 : 1);
        fake_end(f, points[i], finishes ? 0 : E_CANCELED);
        fake_run_to(f, points[i] == FAKE_SAVE ? FAKE_NOTHING
                       : finishes             ? FAKE_SAVE
                                              : FAKE_RELEASE);
        if (!finishes) {
            assert_false(f->last_release.counts_as_claim);
            fake_end(f, FAKE_RELEASE, 0);
        } else if (points[i] == FAKE_ASK) {
            fake_end(f, FAKE_SAVE, 0);
        }
        assert_int_equal(f->n_ended, finishes ? 1 : 0);
        fake_fini(f);
    }
}

// Other privacy rules: what no backend has yet is given back, and what comes next is not.
static void what_is_not_asked_begins_anew(void **state)
{
    struct fake *f = *state;
    for (int i = 0; i < N_POINTS; i++) {
        start_at(f, points[i]);
        pipeline_begin_anew(&f->p);
        bool finishes = points[i] == FAKE_ASK || points[i] == FAKE_SAVE;
        assert_int_equal(f->cancels, finishes ? 0 : 1);
        fake_end(f, points[i], finishes ? 0 : E_CANCELED);
        if (finishes) {
            fake_run_to(f, FAKE_NOTHING);
        } else {
            fake_run_to(f, FAKE_RELEASE);
            assert_false(f->last_release.counts_as_claim);
            fake_end(f, FAKE_RELEASE, 0);
        }
        assert_int_equal(f->n_ended, finishes ? 1 : 0);
        fake_add(f, "/shots/next.png");
        assert_int_equal(fake_waits_for(f), FAKE_INSPECT);
        fake_run_to(f, FAKE_NOTHING);
        fake_fini(f);
    }
}

// The picture is with one backend by the old rules: no other one gets it by them.
static void what_is_asked_is_asked_nobody_else(void **state)
{
    struct fake *f = *state;
    start_at(f, FAKE_ASK);
    struct ask *a = f->pending[0].req;
    char why[100];
    assert_int_equal(a->may_send(a, "other", false, why, sizeof(why)), ASK_ALLOWED);
    pipeline_begin_anew(&f->p);
    assert_int_equal(a->may_send(a, "other", false, why, sizeof(why)), ASK_REFUSED);
    fake_end(f, FAKE_ASK, E_SERVER);
    assert_int_equal(fake_waits_for(f), FAKE_RELEASE);
    fake_end(f, FAKE_RELEASE, 0);
}

static void a_stop_now_cancels_the_ask(void **state)
{
    struct fake *f = *state;
    start_at(f, FAKE_ASK);
    pipeline_stop(&f->p, true);
    assert_int_equal(f->cancels, 1);
    fake_end(f, FAKE_ASK, E_CANCELED);
    assert_int_equal(fake_waits_for(f), FAKE_RELEASE);
    assert_int_equal(f->last_release.n_attempts, 0);
    fake_end(f, FAKE_RELEASE, E_STORE);  // then the lease runs out by itself
}

static void an_answer_that_outruns_the_cancel_is_kept(void **state)
{
    struct fake *f = *state;
    start_at(f, FAKE_ASK);
    pipeline_stop(&f->p, true);
    fake_end(f, FAKE_ASK, 0);
    expect_end(f, STORE_ANSWERED, 0);
}

static void an_ask_that_fails_while_stopping_is_given_back(void **state)
{
    struct fake *f = *state;
    start_at(f, FAKE_ASK);
    pipeline_stop(&f->p, false);
    fake_end(f, FAKE_ASK, E_SERVER);
    assert_int_equal(fake_waits_for(f), FAKE_RELEASE);
    assert_int_equal(f->last_release.n_attempts, 1);
    fake_end(f, FAKE_RELEASE, 0);
}

static void a_stop_ends_waiting_and_back_off(void **state)
{
    struct fake *f = *state;
    f->ask_rc = E_BUSY;
    fake_add(f, "/shots/a.png");
    fake_end(f, FAKE_INSPECT, 0);
    fake_end(f, FAKE_PREPARE, 0);
    fake_end(f, FAKE_COMPARE, 0);
    fake_add(f, "/shots/b.png");
    fake_end(f, FAKE_INSPECT, E_CUT);
    assert_int_equal(f->p.jobs.count[JOB_WAITING], 1);
    assert_int_equal(f->p.jobs.count[JOB_BACKOFF], 1);
    pipeline_stop(&f->p, false);
    assert_int_equal(fake_pending_of(f, FAKE_RELEASE), 2);
    fake_end(f, FAKE_RELEASE, 0);
    fake_end(f, FAKE_RELEASE, 0);
}

static void a_claim_that_arrives_after_the_stop_is_given_back(void **state)
{
    struct fake *f = *state;
    pipeline_stop(&f->p, false);
    fake_add(f, "/shots/a.png");
    assert_int_equal(fake_waits_for(f), FAKE_RELEASE);
    fake_end(f, FAKE_RELEASE, 0);
}

static void a_stop_does_not_wait_for_a_full_disk(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_SAVE);
    fake_end(f, FAKE_SAVE, E_FULL);
    pipeline_stop(&f->p, false);
    fake_pass_ms(f, 0);
    fake_end(f, FAKE_SAVE, E_FULL);
    assert_int_equal(fake_state(f), JOB_GONE);
    assert_int_equal(f->n_ended, 0);
}

static void a_long_pause_gives_back_what_waits(void **state)
{
    struct fake *f = *state;
    f->ask_rc = E_BUSY;
    fake_add(f, "/shots/a.png");
    fake_end(f, FAKE_INSPECT, 0);
    fake_end(f, FAKE_PREPARE, 0);
    fake_end(f, FAKE_COMPARE, 0);
    pipeline_shed(&f->p);
    assert_int_equal(fake_waits_for(f), FAKE_RELEASE);
    fake_end(f, FAKE_RELEASE, 0);
    f->ask_rc = 0;
    fake_add(f, "/shots/b.png");  // the pipeline goes on
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED, 0);
}

// But for what was sent, which is written down whoever has the row now.
static void a_lost_lease_ends_the_job_without_a_release(void **state)
{
    struct fake *f = *state;
    for (int i = 0; i < N_POINTS; i++) {
        if (points[i] == FAKE_SAVE) {
            continue;  // the save itself is fenced
        }
        start_at(f, points[i]);
        pipeline_lose(&f->p, fake_job(f)->row.id);
        assert_int_equal(f->cancels, 1);
        fake_end(f, points[i], E_CANCELED);
        if (points[i] == FAKE_ASK) {
            assert_int_equal(f->last_release.n_audit, 1);
            fake_end(f, FAKE_RELEASE, 0);
        } else {
            assert_int_equal(f->calls[FAKE_RELEASE], 0);
        }
        assert_int_equal(fake_state(f), JOB_GONE);
        fake_fini(f);
    }
}

static void ids_are_those_of_all_jobs(void **state)
{
    struct fake *f = *state;
    int64_t ids[4];
    int64_t a = fake_add(f, "/shots/a.png");
    fake_end(f, FAKE_INSPECT, 0);
    int64_t b = fake_add(f, "/shots/b.png");
    assert_int_equal(pipeline_ids(&f->p, ids, 4), 2);
    assert_int_equal(ids[0] + ids[1], a + b);
    assert_int_equal(pipeline_ids(&f->p, ids, 1), 1);
    while (fake_waits_for(f) != FAKE_NOTHING) {
        fake_end(f, fake_waits_for(f), 0);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_good_picture_is_answered),
        T(each_call_is_made_for_the_job),
        T(a_url_is_fetched_first),
        T(a_url_that_is_gone_fails_in_words),
        T(a_url_that_stumbles_is_fetched_again),
        T(a_url_that_never_comes_fails_after_its_tries),
        T(a_url_of_another_kind_is_refused),
        T(an_incomplete_new_file_is_looked_at_again),
        T(an_incomplete_old_file_fails),
        T(a_deleted_file_is_skipped),
        T(a_bad_picture_fails_with_the_organs_words),
        T(a_thumbnail_is_skipped),
        T(an_excluded_path_is_not_opened),
        T(an_excluded_app_in_the_file_is_not_decoded),
        T(what_the_file_says_is_judged),
        T(a_title_that_was_cut_is_a_doubt),
        T(missing_metadata_blocks_only_after_the_file_was_read),
        T(the_gate_is_asked_for_each_destination),
        T(a_gate_that_refuses_every_backend_blocks),
        T(an_equal_picture_inherits),
        T(a_cached_result_is_taken),
        T(a_redo_is_not_compared),
        T(a_refused_comparison_does_not_stop_the_job),
        T(an_equal_picture_under_way_is_waited_for),
        T(text_is_read_when_always_asked_for),
        T(text_that_can_not_be_read_does_not_stop_the_job),
        T(it_waits_while_no_backend_has_room),
        T(room_told_from_inside_an_ask_is_for_the_others),
        T(the_stand_in_gets_the_grey_picture),
        T(one_that_has_a_stand_in_waits_for_a_model),
        T(failures_have_their_remedy),
        T(a_picture_that_keeps_failing_ends_in_the_list),
        T(a_sick_backend_is_not_held_against_the_picture),
        T(an_absent_backend_never_fails_a_picture),
        T(too_large_a_context_makes_it_smaller),
        T(a_size_in_tokens_is_whole_patches_of_the_model),
        T(a_tier_is_fitted_to_the_models_grid),
        T(a_cut_answer_gets_a_larger_cap_and_then_no_schema),
        T(what_can_not_be_decoded_is_sent_as_png_then_smaller),
        T(a_model_that_crashes_twice_is_given_half_a_minute_and_less),
        T(what_was_changed_stands_in_the_history),
        T(a_result_waits_until_it_can_be_saved),
        T(a_lost_lease_is_not_an_end_of_ours),
        T(a_stop_gives_back_what_is_not_asked),
        T(what_is_not_asked_begins_anew),
        T(what_is_asked_is_asked_nobody_else),
        T(a_stop_now_cancels_the_ask),
        T(an_answer_that_outruns_the_cancel_is_kept),
        T(an_ask_that_fails_while_stopping_is_given_back),
        T(a_stop_ends_waiting_and_back_off),
        T(a_claim_that_arrives_after_the_stop_is_given_back),
        T(a_stop_does_not_wait_for_a_full_disk),
        T(a_long_pause_gives_back_what_waits),
        T(a_lost_lease_ends_the_job_without_a_release),
        T(ids_are_those_of_all_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
