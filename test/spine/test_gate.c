// test_gate.c -- no way leads to a backend past the gate; what it wants is done first.
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

#define CARD "4111 1111 1111 1111"

static int setup(void **state)
{
    struct fake *f = test_calloc(1, sizeof(*f));
    fake_init(f);
    f->makes_luma = true;
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

static void expect_end(struct fake *f, enum store_outcome outcome)
{
    assert_int_equal(fake_state(f), JOB_SAVING);
    assert_int_equal(f->last_save.outcome, outcome);
    fake_end(f, FAKE_SAVE, 0);
    assert_int_equal(fake_state(f), JOB_GONE);
}

static void go_remote(struct fake *f)
{
    f->is_remote = true;
    f->policy.allow_remote = true;
}

static void deny_app(struct fake *f, const char *app)
{
    const struct privacy_pattern one = {.text = app, .where = "", .origin = ""};
    struct privacy_rules_config c = {.has_defaults = false};
    c.deny[PRIVACY_APP] = (struct privacy_list){&one, 1};
    fake_rules(f, &c);
}

// ---- every way to a backend

static void add_kind(struct fake *f, enum store_priority priority, bool is_degraded,
                     bool is_redo, const char *path)
{
    struct store_job row = {.path = path,
                            .is_url = strncmp(path, "http", 4) == 0,
                            .size_bytes = 100,
                            .mtime_ns = f->wall_ms * 1000000,
                            .claims = 1,
                            .priority = priority,
                            .is_degraded = is_degraded,
                            .is_redo = is_redo,
                            .meta = {.app = "Editor"}};
    fake_add_row(f, &row);
}

// Runs until the job waits for a backend that is busy.
static void run_to_waiting(struct fake *f)
{
    for (int i = 0; i < 20 && fake_state(f) != JOB_WAITING; i++) {
        fake_end(f, fake_waits_for(f), 0);
    }
    assert_int_equal(fake_state(f), JOB_WAITING);
}

static void first_ask(struct fake *f)
{
    run_to_waiting(f);
}

static void after_failure(struct fake *f)
{
    f->ask_rc = 0;
    fake_run_to(f, FAKE_ASK);
    fake_end(f, FAKE_ASK, E_SERVER);
    assert_int_equal(fake_state(f), JOB_BACKOFF);
    f->ask_rc = E_BUSY;
    fake_pass_ms(f, 3600000);
    run_to_waiting(f);
}

static void after_too_large_a_context(struct fake *f)
{
    f->ask_rc = 0;
    fake_run_to(f, FAKE_ASK);
    f->ask_rc = E_BUSY;
    fake_end(f, FAKE_ASK, E_CONTEXT);
    run_to_waiting(f);
}

static void for_the_stand_in(struct fake *f)
{
    f->uses_stand_in = true;
    run_to_waiting(f);
}

static void after_masking(struct fake *f)
{
    f->policy.read_text = PRIVACY_READ_ALWAYS;
    f->page_text = "card " CARD;
    run_to_waiting(f);
    assert_true(f->last_n_masks > 0);
}

static void after_recording(struct fake *f)
{
    go_remote(f);
    f->ask_rc = 0;
    fake_run_to(f, FAKE_RECORD);
    f->ask_rc = E_BUSY;
    fake_end(f, FAKE_RECORD, 0);
    run_to_waiting(f);
}

static void no_way_leads_past_the_gate(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum store_priority priority;
        bool is_degraded, is_redo;
        const char *path;
        void (*run)(struct fake *f);
    } ways[] = {
        {"watch", STORE_LIVE, false, false, "/shots/a.png", first_ask},
        {"backfill", STORE_BACKFILL, false, false, "/shots/a.png", first_ask},
        {"batch", STORE_BATCH, false, false, "/shots/a.png", first_ask},
        {"submit", STORE_INTERACTIVE, false, false, "/shots/a.png", first_ask},
        {"URL", STORE_BATCH, false, false, "http://h/a.png", first_ask},
        {"redo", STORE_LIVE, false, true, "/shots/a.png", first_ask},
        {"upgrade", STORE_LIVE, true, false, "/shots/a.png", first_ask},
        {"retry", STORE_LIVE, false, false, "/shots/a.png", after_failure},
        {"smaller", STORE_LIVE, false, false, "/shots/a.png", after_too_large_a_context},
        {"stand-in", STORE_LIVE, false, false, "/shots/a.png", for_the_stand_in},
        {"masked", STORE_LIVE, false, false, "/shots/a.png", after_masking},
        {"recorded", STORE_LIVE, false, false, "/shots/a.png", after_recording},
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct fake *f = test_calloc(1, sizeof(*f));
        fake_init(f);
        f->makes_luma = true;
        f->ask_rc = E_BUSY;
        add_kind(f, ways[i].priority, ways[i].is_degraded, ways[i].is_redo, ways[i].path);
        ways[i].run(f);
        // Everything is ready; the rules change; a backend has room.
        deny_app(f, "Editor");
        const int asked = f->calls[FAKE_ASK];
        f->ask_rc = 0;
        pipeline_pump(&f->p);
        if (f->calls[FAKE_ASK] != asked || fake_state(f) != JOB_SAVING) {
            fail_msg("%s: went past the gate", ways[i].name);
        }
        expect_end(f, STORE_BLOCKED);
        fake_fini(f);
        test_free(f);
    }
}

// A way that does not lead through WAITING would not be in the table above.
static void only_waiting_leads_to_asking(void **state)
{
    (void)state;
    for (int from = 0; from < JOB_STATES; from++) {
        const bool may = job_may_move((enum job_state)from, JOB_ASKING);
        assert_int_equal(may, from == JOB_WAITING);
    }
}

// ---- text first

static void a_model_on_this_machine_needs_no_text(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    assert_int_equal(f->calls[FAKE_RECOGNISE], 0);
    assert_int_equal(f->calls[FAKE_RECORD], 0);
    fake_run_to(f, FAKE_SAVE);
    assert_string_equal(f->last_save.verdict, "allow");
    assert_int_equal(f->n_audit, 1);
    assert_string_equal(f->audit[0], "send allow  near local 1000");
    expect_end(f, STORE_ANSWERED);
}

// Of two that were asked because the first was late, both have the picture.
static void a_second_backend_stands_in_the_audit_as_well(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    struct ask *a = &fake_job(f)->ask;
    snprintf(a->also_backend, sizeof(a->also_backend), "second");
    a->also_bytes_sent = 700;
    fake_run_to(f, FAKE_SAVE);
    assert_int_equal(f->n_audit, 2);
    assert_string_equal(f->audit[0], "send allow  second local 700");
    assert_string_equal(f->audit[1], "send allow  near local 1000");
    expect_end(f, STORE_ANSWERED);
}

static void another_machine_gets_it_after_its_text_and_the_record(void **state)
{
    struct fake *f = *state;
    go_remote(f);
    f->page_text = "nothing special, bob@example.com";
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_RECOGNISE);
    assert_int_equal(f->calls[FAKE_ASK], 0);
    fake_end(f, FAKE_RECOGNISE, 0);
    assert_int_equal(fake_waits_for(f), FAKE_RECORD);
    assert_int_equal(fake_state(f), JOB_RECORDING);
    assert_string_equal(f->last_record_to, "far remote");
    assert_string_equal(f->last_record.stage, "intent");
    assert_string_equal(f->last_record.categories, "email=1");
    fake_end(f, FAKE_RECORD, 0);
    assert_int_equal(fake_waits_for(f), FAKE_ASK);
    assert_int_equal(f->last_pass, ASK_ALLOWED_SAFELY);
    fake_end(f, FAKE_ASK, 0);
    assert_string_equal(f->audit[0], "send safe email=1 far remote 1000");
    expect_end(f, STORE_ANSWERED);
}

// A smaller picture is another one: its hash is not the one that was written down.
static void another_form_is_written_down_anew(void **state)
{
    struct fake *f = *state;
    go_remote(f);
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    fake_job(f)->ask.bytes_sent = 0;
    fake_end(f, FAKE_ASK, E_CONTEXT);
    assert_int_equal(fake_waits_for(f), FAKE_PREPARE);
    fake_run_to(f, FAKE_ASK);
    assert_int_equal(f->calls[FAKE_RECORD], 2);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED);
}

// The lease was lost while a model had the picture.
static void what_was_sent_is_written_down_though_the_row_is_another_s(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    pipeline_lose(&f->p, fake_job(f)->row.id);
    fake_end(f, FAKE_ASK, E_CANCELED);
    assert_int_equal(fake_waits_for(f), FAKE_RELEASE);
    assert_int_equal(f->n_audit, 1);
    assert_string_equal(f->audit[0], "send allow  near local 1000");
    fake_end(f, FAKE_RELEASE, 0);
}

static void what_stands_on_it_is_painted_over_first(void **state)
{
    struct fake *f = *state;
    go_remote(f);
    f->page_text = "pay with " CARD " today";
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_RECOGNISE);
    assert_int_equal(f->last_n_masks, 0);
    fake_end(f, FAKE_RECOGNISE, 0);
    assert_int_equal(fake_state(f), JOB_PREPARING);
    assert_int_equal(f->last_n_masks, 1);
    fake_run_to(f, FAKE_ASK);
    assert_int_equal(f->calls[FAKE_COMPARE], 1);
    assert_int_equal(f->calls[FAKE_RECOGNISE], 1);
    fake_run_to(f, FAKE_SAVE);
    assert_string_equal(f->last_save.verdict, "mask");
    assert_true(strlen(f->last_masks) > 4);
    assert_string_equal(f->last_ocr_text, "pay with [card] today");
    expect_end(f, STORE_ANSWERED);
    assert_int_equal(f->p.totals.masked, 1);
    assert_int_equal(f->p.totals.found[PRIVACY_CARD], 1);
    assert_int_equal(f->p.totals.cleaned[PRIVACY_CARD], 1);
    assert_int_equal(f->p.totals.found[PRIVACY_IBAN], 0);
}

static void a_picture_that_is_only_for_others_is_blocked(void **state)
{
    struct fake *f = *state;
    go_remote(f);
    f->page_text = "-----BEGIN OPENSSH PRIVATE KEY----- b3BlbnNzaC1rZXktdjEAAAAABG5vbmU";
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_SAVE);
    assert_int_equal(f->calls[FAKE_ASK], 0);
    assert_non_null(strstr(f->audit[0], "send block private_key=1"));
    expect_end(f, STORE_BLOCKED);
}

static void without_its_text_no_other_machine_gets_it(void **state)
{
    struct fake *f = *state;
    go_remote(f);
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_RECOGNISE);
    fake_end(f, FAKE_RECOGNISE, E_OCR);
    assert_int_equal(f->calls[FAKE_ASK], 0);
    expect_end(f, STORE_BLOCKED);
    assert_non_null(strstr(f->last_reason, "text"));
    // Unless a person says so.
    f->policy.remote_without_ocr = true;
    f->policy.read_text = PRIVACY_READ_NEVER;
    fake_add(f, "/shots/b.png");
    fake_run_to(f, FAKE_ASK);
    assert_int_equal(f->last_pass, ASK_ALLOWED_SAFELY);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED);
}

static void a_picture_that_can_not_be_read_is_not_read_for_ever(void **state)
{
    struct fake *f = *state;
    go_remote(f);
    f->makes_luma = false;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_BLOCKED);
}

static void text_can_be_wanted_for_every_picture(void **state)
{
    struct fake *f = *state;
    f->policy.read_text = PRIVACY_READ_ALWAYS;
    f->page_text = "password: hunter22x";
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_RECOGNISE);
    fake_run_to(f, FAKE_ASK);
    assert_int_equal(f->last_n_masks, 1);
    fake_run_to(f, FAKE_SAVE);
    assert_null(strstr(f->last_ocr_text, "hunter22x"));
    expect_end(f, STORE_ANSWERED);
}

// What was found is true of the bytes that were read, not of those that are there now.
static void a_picture_that_changes_is_looked_at_anew(void **state)
{
    struct fake *f = *state;
    go_remote(f);
    f->page_text = "pay with " CARD;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_RECOGNISE);
    fake_end(f, FAKE_RECOGNISE, 0);
    assert_int_equal(fake_waits_for(f), FAKE_PREPARE);
    f->content = 0xcd;
    fake_end(f, FAKE_PREPARE, 0);
    assert_int_equal(fake_state(f), JOB_BACKOFF);
    f->page_text = "nothing";
    fake_pass_ms(f, 60000);
    assert_int_equal(fake_waits_for(f), FAKE_INSPECT);
    fake_run_to(f, FAKE_ASK);
    assert_int_equal(f->calls[FAKE_RECOGNISE], 2);
    assert_int_equal(f->last_n_masks, 0);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED);
}

// ---- the record

static void what_can_not_be_written_down_is_not_sent(void **state)
{
    struct fake *f = *state;
    go_remote(f);
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_RECORD);
    fake_end(f, FAKE_RECORD, E_FULL);
    assert_int_equal(fake_state(f), JOB_BACKOFF);
    assert_int_equal(f->calls[FAKE_ASK], 0);
    fake_pass_ms(f, 10000);
    assert_int_equal(fake_waits_for(f), FAKE_RECORD);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED);
}

static void a_retry_at_the_same_place_is_in_the_same_record(void **state)
{
    struct fake *f = *state;
    go_remote(f);
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    fake_end(f, FAKE_ASK, E_SERVER);
    fake_pass_ms(f, 3600000);
    assert_int_equal(fake_waits_for(f), FAKE_ASK);
    assert_int_equal(f->calls[FAKE_RECORD], 1);
    fake_run_to(f, FAKE_SAVE);
    assert_int_equal(f->n_audit, 2);  // both sendings
    expect_end(f, STORE_ANSWERED);
}

static void a_stop_while_recording_sends_nothing(void **state)
{
    struct fake *f = *state;
    go_remote(f);
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_RECORD);
    pipeline_stop(&f->p, true);
    fake_end(f, FAKE_RECORD, 0);
    assert_int_equal(fake_state(f), JOB_RELEASING);
    fake_end(f, FAKE_RELEASE, 0);
    assert_int_equal(f->calls[FAKE_ASK], 0);
}

static void what_was_sent_in_vain_is_in_the_release(void **state)
{
    struct fake *f = *state;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_ASK);
    pipeline_stop(&f->p, true);
    fake_end(f, FAKE_ASK, E_CANCELED);
    assert_int_equal(fake_state(f), JOB_RELEASING);
    assert_int_equal(f->n_audit, 1);
    assert_string_equal(f->audit[0], "send allow  near local 1000");
    fake_end(f, FAKE_RELEASE, 0);
}

// A tracker wrote beside the picture what it had read from the screen.
static void text_in_a_file_beside_counts_as_a_title_does(void **state)
{
    struct fake *f = *state;
    go_remote(f);
    fake_add(f, "/shots/a.png");
    struct meta_req *r = fake_req(f, FAKE_INSPECT);
    r->beside = strdup("pay with " CARD " today");
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_BLOCKED);
    f->is_remote = false;
    fake_add(f, "/shots/b.png");
    r = fake_req(f, FAKE_INSPECT);
    r->beside = strdup("pay with " CARD " today");
    fake_run_to(f, FAKE_ASK);
    assert_int_equal(f->last_pass, ASK_ALLOWED_SAFELY);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED);
}

// ---- after the answer

static void what_the_model_quotes_is_cleaned(void **state)
{
    struct fake *f = *state;
    f->answer = "Somebody pays with card " CARD " in a shop";
    fake_add(f, "/shots/a.png");
    struct meta_req *r = fake_req(f, FAKE_INSPECT);
    snprintf(r->meta.window, sizeof(r->meta.window), "Order " CARD " - Shop");
    fake_run_to(f, FAKE_SAVE);
    assert_string_equal(f->last_summary, "Somebody pays with card [card] in a shop");
    assert_string_equal(f->last_window, "Order [card] - Shop");
    assert_true(f->last_save.is_redacted);
    assert_string_equal(f->last_save.result->raw, "");
    assert_string_equal(f->audit[f->n_audit - 1], "answer redact card=2  0");
    expect_end(f, STORE_ANSWERED);
}

// The queue does not keep what stood in the title, but that something did.
static void on_error(void *arg, const struct err_note *note)
{
    snprintf(arg, 600, "%s", note->words);
}

// Words are longer than what is kept of them: half of a number is none that is known.
static void words_of_a_failure_are_cleaned_before_they_are_cut(void **state)
{
    struct fake *f = *state;
    char noted[600] = "";
    struct pipeline_events e = f->p.events;
    f->p.events.arg = noted;
    f->p.events.on_error = on_error;
    f->p.events.on_ended = NULL;
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_PREPARE);
    struct image_req *r = fake_req(f, FAKE_PREPARE);
    memset(r->err.msg, '.', sizeof(r->err.msg));
    snprintf(r->err.msg + 243, sizeof(r->err.msg) - 243, " " CARD " is no picture");
    fake_end(f, FAKE_PREPARE, E_FORMAT);
    f->p.events = e;
    assert_null(strstr(noted, "4111"));
    assert_non_null(strstr(noted, "[card] is no picture"));
    expect_end(f, STORE_FAILED);
}

// Of the program's name the audit would keep everything.
static void a_program_s_name_is_cleaned_as_well(void **state)
{
    struct fake *f = *state;
    go_remote(f);
    f->policy.remote_without_ocr = true;
    fake_add(f, "/shots/a.png");
    struct meta_req *r = fake_req(f, FAKE_INSPECT);
    snprintf(r->meta.app, sizeof(r->meta.app), "Shop " CARD);
    snprintf(r->meta.screen, sizeof(r->meta.screen), CARD);
    fake_run_to(f, FAKE_RECORD);
    assert_string_equal(f->last_record.app, "Shop [card]");
    fake_run_to(f, FAKE_SAVE);
    assert_string_equal(f->last_save.meta.app, "Shop [card]");
    assert_string_equal(f->last_save.meta.screen, "[card]");
    assert_string_equal(f->last_save.audit[0].app, "Shop [card]");
    assert_true(f->last_save.is_redacted);
    expect_end(f, STORE_ANSWERED);
}

// As browsers write it: a search for it, a page that leads to another.
static void an_address_is_read_as_people_read_it(void **state)
{
    static const struct {
        const char *address, *clean;
    } rows[] = {
        {"https://x/?n=4111+1111+1111+1111&l=de", "https://x/?n=[card]&l=de"},
        {"https://x/?q=password%3A+hunter2xK9", "https://x/?q=password: [password]"},
        {"https://x/?next=https%3A%2F%2Fy%2F%3Fn%3D4111%2B1111%2B1111%2B1111",
         "https://x/?next=https://y/?n=[card]"},
        {"/in/card%204111%201111%201111%201111.png", "/in/card [card].png"},
        {"https://x/?a=b+c&d=50%25", NULL},
        {"/in/1+1.png", NULL},
    };
    struct fake *f = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ingest_meta *m = test_calloc(1, sizeof(*m));
        struct gate g;
        struct buf out;
        snprintf(m->url, sizeof(m->url), "%s", rows[i].address);
        gate_init(&g, &f->p.config.gate, "", m, 0);
        gate_learn_meta(&g);
        const int n = g.found.outside[PRIVACY_CARD] + g.found.outside[PRIVACY_PASSWORD];
        assert_int_equal(n, rows[i].clean != NULL);
        gate_clean_meta(&f->p.config.gate, m);
        assert_string_equal(m->url, rows[i].clean ? rows[i].clean : rows[i].address);
        buf_init(&out, 1000);
        assert_int_equal(gate_redact_address(&f->p.config.gate, rows[i].address, &out),
                         rows[i].clean != NULL);
        if (rows[i].clean) {
            assert_string_equal(buf_str(&out), rows[i].clean);
        }
        buf_fini(&out);
        gate_fini(&g);
        test_free(m);
    }
}

// Threads beside the loop never look into the policy, which a reload writes.
static void what_is_kept_back_may_be_said_apart_from_the_policy(void **state)
{
    struct fake *f = *state;
    atomic_uint none = 0, cards = gate_kept_back(&f->policy);
    struct gate_config config = {.finder = f->finder, .kept_back = &none};
    struct ingest_meta *m = test_calloc(1, sizeof(*m));
    assert_true(cards & 1u << PRIVACY_CARD);
    memcpy(m->window, CARD, sizeof(CARD));
    gate_clean_meta(&config, m);
    assert_string_equal(m->window, CARD);
    config.kept_back = &cards;
    gate_clean_meta(&config, m);
    assert_string_equal(m->window, "[card]");
    test_free(m);
}

// Rules can not tell what stands behind the end of a title that was cut.
static void a_cut_title_that_was_cleaned_is_still_cut(void **state)
{
    struct fake *f = *state;
    struct ingest_meta *m = test_calloc(1, sizeof(*m));
    memset(m->window, 'x', sizeof(m->window) - 1);
    memcpy(m->window, CARD " ", sizeof(CARD));
    gate_clean_meta(&f->p.config.gate, m);
    assert_memory_equal(m->window, "[card] xxx", 10);
    assert_int_equal(strlen(m->window), sizeof(m->window) - 1);
    test_free(m);
}

static void a_title_that_was_cleaned_still_counts(void **state)
{
    struct fake *f = *state;
    go_remote(f);
    struct store_job row = {.path = "/shots/a.png",
                            .size_bytes = 100,
                            .mtime_ns = f->wall_ms * 1000000,
                            .claims = 1,
                            .meta = {.window = "Order [card] - Shop"}};
    fake_add_row(f, &row);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_BLOCKED);
    f->is_remote = false;
    fake_add_row(f, &row);
    fake_run_to(f, FAKE_ASK);
    assert_int_equal(f->last_pass, ASK_ALLOWED_SAFELY);
    fake_run_to(f, FAKE_SAVE);
    expect_end(f, STORE_ANSWERED);
}

// Its title was the reason, perhaps, and is gone; the file may tell it again.
static void what_was_blocked_is_not_sent_without_its_title(void **state)
{
    struct fake *f = *state;
    for (int i = 0; i < 2; i++) {
        struct store_job row = {.path = "/shots/a.png",
                                .size_bytes = 100,
                                .mtime_ns = f->wall_ms * 1000000,
                                .claims = 1,
                                .is_redo = true,
                                .is_meta_erased = true};
        fake_add_row(f, &row);
        struct meta_req *r = fake_req(f, FAKE_INSPECT);
        snprintf(r->meta.window, sizeof(r->meta.window), "%s", i ? "Harmless" : "");
        fake_run_to(f, FAKE_SAVE);
        expect_end(f, i ? STORE_ANSWERED : STORE_BLOCKED);
    }
}

static void a_clean_answer_is_kept_as_it_came(void **state)
{
    struct fake *f = *state;
    f->answer = "A commit 9fceb02d0ae598e95dc970b74767f19372d61af8 is shown";
    fake_add(f, "/shots/a.png");
    fake_run_to(f, FAKE_SAVE);
    assert_string_equal(f->last_summary, f->answer);
    assert_string_equal(f->last_save.result->raw, f->answer);
    assert_int_equal(f->n_audit, 1);
    expect_end(f, STORE_ANSWERED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_way_leads_past_the_gate),
        cmocka_unit_test(only_waiting_leads_to_asking),
        T(a_model_on_this_machine_needs_no_text),
        T(a_second_backend_stands_in_the_audit_as_well),
        T(another_machine_gets_it_after_its_text_and_the_record),
        T(another_form_is_written_down_anew),
        T(what_was_sent_is_written_down_though_the_row_is_another_s),
        T(what_stands_on_it_is_painted_over_first),
        T(a_program_s_name_is_cleaned_as_well),
        T(words_of_a_failure_are_cleaned_before_they_are_cut),
        T(an_address_is_read_as_people_read_it),
        T(what_is_kept_back_may_be_said_apart_from_the_policy),
        T(a_cut_title_that_was_cleaned_is_still_cut),
        T(a_picture_that_is_only_for_others_is_blocked),
        T(without_its_text_no_other_machine_gets_it),
        T(a_picture_that_can_not_be_read_is_not_read_for_ever),
        T(text_can_be_wanted_for_every_picture),
        T(a_picture_that_changes_is_looked_at_anew),
        T(what_can_not_be_written_down_is_not_sent),
        T(a_retry_at_the_same_place_is_in_the_same_record),
        T(a_stop_while_recording_sends_nothing),
        T(what_was_sent_in_vain_is_in_the_release),
        T(text_in_a_file_beside_counts_as_a_title_does),
        T(what_the_model_quotes_is_cleaned),
        T(what_was_blocked_is_not_sent_without_its_title),
        T(a_title_that_was_cleaned_still_counts),
        T(a_clean_answer_is_kept_as_it_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
