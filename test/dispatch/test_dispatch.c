// test_dispatch.c -- which backend is asked, when it is left alone, what a pause says.
// SPDX-License-Identifier: MIT
#include "dispatch/dispatch_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_limit_wanted(void *arg, const char *url, const char *model)
{
    assert_string_equal(url, "b0");
    assert_non_null(model);
    ((struct rig *)arg)->limits_wanted++;
}

static void on_limit_found(void *arg, const char *url, const char *model, int limit)
{
    assert_string_equal(url, "b0");
    assert_string_equal(model, "model0");
    ((struct rig *)arg)->limits_found++;
    ((struct rig *)arg)->limit_found = limit;
}

// ---- finding and loading

static void nothing_is_loaded_before_there_is_work(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 1, false, false);
    fb[0].facts.is_loaded = false;
    assert_string_equal(dispatch_paused_because(r.d), "looking for a backend");
    fb_end_probe(0, 0);
    assert_int_equal(fb[0].loads, 0);
    assert_int_equal(dispatch_capacity(r.d), 0);
    dispatch_serve(r.d, STAND_IN_NEVER);
    assert_int_equal(fb[0].loads, 1);
    assert_string_equal(status_of(&r, 0).state, "loading");
    assert_int_equal(ask(&r), E_BUSY);
    fb_end_load(0, 0);
    assert_string_equal(status_of(&r, 0).state, "ready");
    assert_int_equal(dispatch_capacity(r.d), 1);
    assert_string_equal(dispatch_paused_because(r.d), "");
    assert_int_equal(r.models, 1);
    close_rig(&r);
}

static void room_is_the_users_word_then_the_servers_then_the_kinds(void **state)
{
    static const struct row {
        int configured, slots;
        enum backend_kind kind;
        int expected;
    } rows[] = {
        {0, 0, BACKEND_OLLAMA, 1}, {0, 4, BACKEND_LLAMA_SERVER, 4},
        {0, 0, BACKEND_VLLM, 8},   {7, 4, BACKEND_VLLM, 7},
        {0, 0, BACKEND_OPENAI, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig r;
        open_with(&r, 1, false, false);
        close_rig(&r);
        fb_reset();
        r.config.concurrency = rows[i].configured;
        struct dispatch_events e = events_of(&r);
        assert_int_equal(dispatch_open(&r.d, NULL, NULL, NULL, &r.config, &e), 0);
        dispatch_tick(r.d, fb_now_ms);
        dispatch_serve(r.d, STAND_IN_NEVER);
        fb[0].facts.slots = rows[i].slots;
        fb[0].facts.kind = rows[i].kind;
        fb_end_probe(0, 0);
        assert_int_equal(dispatch_capacity(r.d), rows[i].expected);
        r.is_closed = false;
        close_rig(&r);
    }
}

static void one_still_loading_is_waited_for_and_looked_at_again(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 1, false, false);
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb_end_probe(0, E_LOADING);
    assert_int_equal(fb[0].loads, 1);
    assert_false(dispatch_never_ready(r.d));
    fb_end_load(0, 0);
    assert_int_equal(fb[0].probes, 2);  // its facts could not be had before
    fb_end_probe(0, 0);
    assert_int_equal(dispatch_capacity(r.d), 1);
    close_rig(&r);
}

static void of_guesses_the_one_with_a_resident_model_is_taken(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 3, true, false);
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb[0].facts.is_loaded = false;
    fb_end_probe(0, 0);
    assert_int_equal(fb[0].loads, 0);  // the others may be better
    fb_end_probe(2, 0);
    fb_end_probe(1, E_NET);
    assert_string_equal(status_of(&r, 2).state, "ready");
    assert_string_equal(status_of(&r, 0).state, "standby");
    assert_string_equal(status_of(&r, 1).state, "standby");
    pass_ms(&r, 600000);
    assert_int_equal(fb[0].probes + fb[1].probes, 2);  // not asked any more
    assert_int_equal(ask(&r), 0);
    fb_end_ask(2, E_NET);  // it went away: all are looked for again
    pass_ms(&r, 0);
    assert_int_equal(fb[0].probes, 2);
    assert_int_equal(fb[1].probes, 2);
    fb_end_probe(1, E_NET);
    fb_end_probe(0, 0);
    fb_end_load(0, 0);
    assert_string_equal(status_of(&r, 0).state, "ready");
    close_rig(&r);
}

static void a_remote_one_is_refused_unless_allowed(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 1, false, false);
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb[0].facts.is_remote = true;
    fb_end_probe(0, 0);
    assert_string_equal(status_of(&r, 0).state, "misconfigured");
    assert_int_equal(ask(&r), E_BUSY);
    assert_int_equal(fb[0].asked, 0);
    close_rig(&r);
}

static void the_gate_is_asked_before_anything_is_sent(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r, 2);
    fb[0].facts.is_remote = true;
    r.refuses_remote = true;
    assert_int_equal(ask(&r), 0);
    assert_int_equal(fb[0].asked, 0);
    assert_int_equal(fb[1].asked, 1);
    assert_int_equal(ask(&r), E_BUSY);  // the allowed one is busy: wait, do not block
    fb_end_ask(1, 0);
    r.refuses_all = true;
    assert_int_equal(ask(&r), E_REMOTE);
    assert_int_equal(fb[0].asked + fb[1].asked, 1);
    close_rig(&r);
}

// ---- choosing

static void the_least_used_pulls_the_next(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 2, false, false);
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb[0].facts.slots = 1;
    fb[1].facts.slots = 4;
    fb_end_probe(0, 0);
    fb_end_probe(1, 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(ask(&r), 0);
    }
    assert_int_equal(fb[0].asked, 1);
    assert_int_equal(fb[1].asked, 4);
    assert_int_equal(ask(&r), E_BUSY);
    int before = r.capacities;
    fb_end_ask(1, 0);
    assert_true(r.capacities > before);
    assert_int_equal(ask(&r), 0);
    for (int i = 0; i < 4; i++) {
        fb_end_ask(1, 0);
    }
    fb_end_ask(0, 0);
    assert_int_equal(status_of(&r, 1).answered, 5);
    assert_true(status_of(&r, 1).latency_ms > 0);
    close_rig(&r);
}

// ---- room

// A server that batches and does not say how many: eight to begin with.
static void make_batching(struct rig *r, int concurrency)
{
    open_with(r, 1, false, false);
    close_rig(r);
    fb_reset();
    r->is_closed = false;
    r->config.concurrency = concurrency;
    struct dispatch_events e = events_of(r);
    e.on_limit_wanted = on_limit_wanted;
    e.on_limit_found = on_limit_found;
    assert_int_equal(dispatch_open(&r->d, NULL, NULL, NULL, &r->config, &e), 0);
    dispatch_tick(r->d, fb_now_ms);
    dispatch_serve(r->d, STAND_IN_NEVER);
    fb[0].facts.kind = BACKEND_VLLM;
    fb_end_probe(0, 0);
}

// Keeps it as full as it may be for so many answers.
static void keep_full(struct rig *r, int answers)
{
    for (int i = 0; i < answers; i++) {
        while (ask(r) == 0) {
        }
        fb_end_ask(0, 0);
    }
}

static void end_all(struct rig *r, int err)
{
    while (status_of(r, 0).in_flight > 0) {
        fb_end_ask(0, err);
    }
}

static void more_are_sent_when_that_is_faster(void **state)
{
    (void)state;
    struct rig r;
    make_batching(&r, 0);
    assert_int_equal(dispatch_capacity(r.d), 8);
    keep_full(&r, 16);  // eight to settle, eight measured; latency stays the same
    assert_int_equal(dispatch_capacity(r.d), 16);
    assert_int_equal(status_of(&r, 0).limit, 16);
    int before = r.capacities;
    while (ask(&r) == 0) {
    }
    assert_int_equal(status_of(&r, 0).in_flight, 16);
    end_all(&r, 0);
    assert_true(r.capacities > before);
    close_rig(&r);
}

static void a_number_of_the_users_stays(void **state)
{
    (void)state;
    struct rig r;
    make_batching(&r, 8);
    keep_full(&r, 40);
    assert_int_equal(dispatch_capacity(r.d), 8);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(ask(&r), E_BUSY);
    end_all(&r, E_OVERLOAD);
    assert_int_equal(dispatch_capacity(r.d), 8);
    close_rig(&r);
}

static void an_overload_takes_room_away(void **state)
{
    static const struct row {
        int err, limit;
    } rows[] = {
        {E_OVERLOAD, 8}, {E_RATE, 8},      {E_FIRST_BYTE, 8},
        {E_STALL, 8},    {E_TOTAL, 8},     {E_SERVER, 16},
        {E_EMPTY, 16},   {E_CANCELED, 16}, {E_BAD_IMAGE, 16},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig r;
        make_batching(&r, 0);
        keep_full(&r, 16);
        fb_end_ask(0, rows[i].err);
        assert_int_equal(status_of(&r, 0).limit, rows[i].limit);
        end_all(&r, 0);
        close_rig(&r);
    }
}

static void many_refused_at_once_are_one_request_to_slow_down(void **state)
{
    (void)state;
    struct rig r;
    make_batching(&r, 0);
    while (ask(&r) == 0) {
    }
    end_all(&r, E_OVERLOAD);
    assert_int_equal(ask(&r), E_BUSY);
    pass_ms(&r, 1000);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(status_of(&r, 0).limit, 2);  // nothing was known of it yet
    end_all(&r, 0);
    close_rig(&r);
}

static void one_that_comes_back_is_given_half(void **state)
{
    (void)state;
    struct rig r;
    make_batching(&r, 0);
    keep_full(&r, 16 + 32);  // 16, then 32
    assert_int_equal(status_of(&r, 0).limit, 32);
    end_all(&r, E_NET);
    assert_string_equal(status_of(&r, 0).state, "away");
    pass_ms(&r, 2000);
    fb_end_probe(0, 0);
    assert_int_equal(status_of(&r, 0).limit, 8);  // 16 is what was measured
    close_rig(&r);
}

static void what_was_found_is_told_once_and_recalled(void **state)
{
    (void)state;
    struct rig r;
    make_batching(&r, 0);
    assert_int_equal(r.limits_wanted, 1);
    dispatch_recall(r.d, "b0", "another", 100);  // not of this model
    dispatch_recall(r.d, "b9", "model0", 100);
    dispatch_recall(r.d, "b0", "model0", 12);  // half of it is less than the first guess
    assert_int_equal(status_of(&r, 0).limit, 8);
    dispatch_recall(r.d, "b0", "model0", 40);
    assert_int_equal(status_of(&r, 0).limit, 20);
    fb_latency_per_ask = 50;  // one slot: every one more only waits
    keep_full(&r, 20 + 20);
    assert_int_equal(status_of(&r, 0).limit, 40);
    assert_int_equal(r.limits_found, 0);
    keep_full(&r, 40 + 40);
    assert_int_equal(status_of(&r, 0).limit, 20);
    assert_int_equal(r.limits_found, 1);
    assert_int_equal(r.limit_found, 20);
    keep_full(&r, 20);
    assert_int_equal(r.limits_found, 1);
    dispatch_recall(r.d, "b0", "model0", 500);  // too late: it knows by itself
    assert_int_equal(status_of(&r, 0).limit, 20);
    end_all(&r, 0);
    close_rig(&r);
}

static void another_model_begins_anew(void **state)
{
    (void)state;
    struct rig r;
    make_batching(&r, 0);
    keep_full(&r, 16);
    assert_int_equal(status_of(&r, 0).limit, 16);
    end_all(&r, E_NET);
    pass_ms(&r, 2000);
    snprintf(fb[0].facts.model, sizeof(fb[0].facts.model), "another");
    fb_end_probe(0, 0);
    assert_int_equal(status_of(&r, 0).limit, 8);
    close_rig(&r);
}

// ---- rate

static void open_paced(struct rig *r, int requests, int tokens)
{
    open_with(r, 1, false, false);
    r->terms[0].rate = (struct rate_config){requests, tokens};
    open_again(r, false);
    dispatch_serve(r->d, STAND_IN_NEVER);
    fb_end_probe(0, 0);
}

static void no_more_than_so_many_requests_a_minute(void **state)
{
    (void)state;
    struct rig r;
    open_paced(&r, 3, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(&r), 0);
        fb_end_ask(0, i == 1 ? E_SERVER : 0);  // failed ones count as well
    }
    assert_int_equal(ask(&r), E_BUSY);
    assert_string_equal(dispatch_paused_because(r.d), "");  // a matter of seconds
    int64_t next = pass_ms(&r, 1000);
    assert_in_range(next - fb_now_ms, 58000, 60000);
    assert_int_equal(ask(&r), E_BUSY);
    int before = r.capacities;
    pass_ms(&r, next - fb_now_ms);
    assert_true(r.capacities > before);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    close_rig(&r);
}

static void no_more_than_so_many_tokens_a_minute(void **state)
{
    (void)state;
    struct rig r;
    open_paced(&r, 0, 1000);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(&r), 0);
        fb_end_ask(0, 0);  // 400 each
    }
    assert_int_equal(ask(&r), E_BUSY);
    pass_ms(&r, 61000);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    close_rig(&r);
}

static void what_the_headers_say_is_left_is_obeyed(void **state)
{
    (void)state;
    struct rig r;
    open_paced(&r, 0, 0);
    fb_told = (struct rate_told){1, 4000};
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    fb_told = (struct rate_told){0, 4000};
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    assert_int_equal(ask(&r), E_BUSY);
    pass_ms(&r, 3999);
    assert_int_equal(ask(&r), E_BUSY);
    pass_ms(&r, 1);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    close_rig(&r);
}

// ---- outages

static void an_absent_backend_is_looked_for_with_patience(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 1, false, true);  // a stand-in that may not serve is no backend
    dispatch_serve(r.d, STAND_IN_NEVER);
    dispatch_tick(r.d, fb_now_ms);
    assert_false(dispatch_never_ready(r.d));
    fb_end_probe(0, E_NET);
    assert_true(dispatch_never_ready(r.d));
    assert_non_null(strstr(dispatch_paused_because(r.d), "b0 is away"));
    int64_t end = fb_now_ms + 60000;
    while (fb_now_ms < end) {
        pass_ms(&r, 100);
        if (fb[0].probe) {
            fb_end_probe(0, E_NET);
        }
    }
    assert_in_range(fb[0].probes, 4, 19);
    close_rig(&r);
}

static void one_refused_connection_pauses_and_one_ask_tries_again(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 1, false, false);
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb[0].facts.slots = 8;
    fb_end_probe(0, 0);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(ask(&r), 0);
    }
    for (int i = 0; i < 8; i++) {
        fb_end_ask(0, E_NET);  // all at once: the pause must not grow with each
        assert_true(r.asks[i].is_backend_sick);
    }
    assert_int_equal(ask(&r), E_BUSY);
    pass_ms(&r, 1500);
    fb_end_probe(0, 0);
    assert_int_equal(dispatch_capacity(r.d), 1);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(ask(&r), E_BUSY);  // one only
    fb_end_ask(0, 0);
    assert_int_equal(dispatch_capacity(r.d), 8);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    fb_end_ask(0, 0);
    close_rig(&r);
}

static void failures_in_a_row_open_the_breaker(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(&r), 0);
        fb_end_ask(0, E_SERVER);
        assert_int_equal(r.asks[i].is_backend_sick, i == 2);
    }
    assert_int_equal(ask(&r), E_BUSY);
    assert_non_null(strstr(dispatch_paused_because(r.d), "away"));
    pass_ms(&r, 1500);
    fb_end_probe(0, 0);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, E_SERVER);  // the one that tried: still sick
    assert_true(r.asks[3].is_backend_sick);
    assert_int_equal(ask(&r), E_BUSY);
    pass_ms(&r, 1000);
    assert_null(fb[0].probe);  // and twice as patient
    pass_ms(&r, 2000);
    fb_end_probe(0, 0);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    assert_string_equal(dispatch_paused_because(r.d), "");
    close_rig(&r);
}

static void a_bad_picture_says_nothing_about_the_backend(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r, 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(ask(&r), 0);
        fb_end_ask(0, i % 2 ? E_BAD_IMAGE : E_BAD_REQUEST);
        assert_false(r.asks[i].is_backend_sick);
    }
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    close_rig(&r);
}

static void a_request_to_slow_down_is_obeyed(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r, 1);
    assert_int_equal(ask(&r), 0);
    fb_end_ask_with(0, E_RATE, 5000);
    assert_int_equal(ask(&r), E_BUSY);
    int64_t next = pass_ms(&r, 4999);
    assert_int_equal(next, fb_now_ms + 1);
    assert_int_equal(ask(&r), E_BUSY);
    pass_ms(&r, 1);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, E_OVERLOAD);  // no time said: its own patience
    assert_int_equal(ask(&r), E_BUSY);
    pass_ms(&r, 2000);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    close_rig(&r);
}

static void a_backend_that_needs_a_person_says_so(void **state)
{
    static const int codes[] = {E_AUTH, E_QUOTA, E_MODEL_MISSING, E_NO_VISION};
    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct rig r;
        make_ready(&r, 1);
        assert_int_equal(ask(&r), 0);
        fb_end_ask(0, codes[i]);
        assert_string_equal(status_of(&r, 0).state, "misconfigured");
        assert_int_equal(ask(&r), E_BUSY);
        // an account is not topped up by the minute
        pass_ms(&r, codes[i] == E_QUOTA ? 899000 : 59000);
        assert_null(fb[0].probe);
        pass_ms(&r, 1000);
        fb_end_probe(0, 0);
        assert_int_equal(ask(&r), 0);
        fb_end_ask(0, 0);
        close_rig(&r);
    }
}

static void a_model_that_vanished_is_loaded_again(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r, 1);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, E_LOADING);
    assert_int_equal(fb[0].loads, 1);
    fb_end_load(0, 0);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    close_rig(&r);
}

static void a_model_that_only_talks_nonsense_pauses_the_queue(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r, 1);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(ask(&r), 0);
        fb_end_ask(0, E_EMPTY);
        assert_int_equal(r.asks[i].is_backend_sick, i == 15);
    }
    assert_int_equal(ask(&r), E_BUSY);
    assert_non_null(strstr(dispatch_paused_because(r.d), "of no use"));
    close_rig(&r);
}

static void a_failed_load_waits(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 1, false, false);
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb[0].facts.is_loaded = false;
    fb_end_probe(0, 0);
    fb_end_load(0, E_MODEL_CRASH);
    assert_string_equal(status_of(&r, 0).state, "away");
    assert_int_equal(fb[0].loads, 1);
    close_rig(&r);
}

// ---- the stand-in

static void ocr_serves_from_the_start_when_no_model_is_there(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 2, true, true);
    dispatch_serve(r.d, STAND_IN_OUTAGE);
    assert_false(dispatch_uses_stand_in(r.d));
    fb_end_probe(0, E_NET);
    assert_false(dispatch_uses_stand_in(r.d));  // not all were looked for yet
    fb_end_probe(1, E_NET);
    assert_true(dispatch_uses_stand_in(r.d));
    assert_int_equal(r.notices, 1);
    assert_int_equal(ask(&r), 0);
    assert_int_equal(buf_add_str(&fb_page->text, "Totals\n for  March"), 0);
    fb_end_page(0);
    assert_string_equal(r.asks[0].answer.summary, "app: Totals for March");
    assert_string_equal(r.asks[0].answer.text, "Totals\n for  March");
    assert_true(r.asks[0].is_degraded);
    assert_int_equal(r.models, 0);
    pass_ms(&r, 120000);
    fb_end_probe(0, 0);
    fb_end_probe(1, E_NET);
    assert_false(dispatch_uses_stand_in(r.d));
    assert_int_equal(r.models, 1);
    assert_int_equal(r.notices, 1);
    close_rig(&r);
}

static void what_waits_for_a_model_is_not_given_to_ocr(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 0, false, true);
    dispatch_serve(r.d, STAND_IN_AT_ONCE);
    dispatch_tick(r.d, fb_now_ms);
    assert_true(dispatch_uses_stand_in(r.d));
    struct ask *a = &r.asks[0];
    a->may_send = rig_may_send;
    a->needs_model = true;
    assert_int_equal(dispatch_try(r.d, a, rig_on_asked), E_BUSY);
    a->needs_model = false;
    assert_int_equal(dispatch_try(r.d, a, rig_on_asked), E_USAGE);  // no grey picture
    close_rig(&r);
}

static void the_stand_in_serves_when_its_mode_says(void **state)
{
    static const struct row {
        enum dispatch_stand_in mode;
        bool at_start, at_once, after_30_s;
    } rows[] = {
        {STAND_IN_NEVER, false, false, false},
        {STAND_IN_AT_START, true, false, false},
        {STAND_IN_OUTAGE, true, false, true},
        {STAND_IN_AT_ONCE, true, true, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig r;
        open_with(&r, 1, false, true);
        dispatch_serve(r.d, rows[i].mode);
        fb_end_probe(0, E_NET);
        assert_int_equal(dispatch_uses_stand_in(r.d), rows[i].at_start);
        pass_ms(&r, 60000);
        fb_end_probe(0, 0);
        struct ask a = {.may_send = rig_may_send, .app = "", .window = ""};
        r.asks[0] = a;
        assert_int_equal(dispatch_try(r.d, &r.asks[0], rig_on_asked), 0);
        fb_end_ask(0, E_NET);
        assert_int_equal(dispatch_uses_stand_in(r.d), rows[i].at_once);
        for (int k = 0; k < 40; k++) {
            pass_ms(&r, 1000);
            if (fb[0].probe) {
                fb_end_probe(0, E_NET);
            }
        }
        assert_int_equal(dispatch_uses_stand_in(r.d), rows[i].after_30_s);
        close_rig(&r);
    }
}

static void a_failed_page_is_an_error(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 0, false, true);
    dispatch_serve(r.d, STAND_IN_AT_ONCE);
    dispatch_tick(r.d, fb_now_ms);
    assert_int_equal(ask(&r), 0);
    fb_end_page(E_OCR);
    assert_int_equal(r.ended[0], 1000 + E_OCR);
    close_rig(&r);
}

// Asks that were under way may end badly while the model is loaded again; nobody would look
// at the breaker's pause once the backend is ready.
static void one_that_is_up_again_is_tried_whatever_failed_before(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 1, false, false);
    fb[0].facts.slots = 4;
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb_end_probe(0, 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ask(&r), 0);
    }
    fb_end_ask(0, E_LOADING);
    for (int i = 0; i < 3; i++) {
        fb_end_ask(0, E_SERVER);
    }
    fb_end_load(0, 0);
    assert_string_equal(dispatch_paused_because(r.d), "");
    assert_int_equal(ask(&r), 0);
    assert_int_equal(ask(&r), E_BUSY);  // one at first
    fb_end_ask(0, 0);
    assert_int_equal(dispatch_capacity(r.d), 4);
    close_rig(&r);
}

// Servers that load by themselves answer a load at once; asks tell otherwise.
static void one_that_says_loading_for_ever_is_asked_with_patience(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r, 1);
    int asked = 0;
    for (int i = 0; i < 600; i++) {  // one minute
        while (asked < 60 && ask(&r) == 0) {
            asked++;
            fb_end_ask(0, E_LOADING);
            assert_true(r.asks[r.n_asks - 1].is_backend_sick);
            if (fb[0].load) {
                fb_end_load(0, 0);
            }
            assert_true(asked == 1 || ask(&r) == E_BUSY);
        }
        pass_ms(&r, 100);
        if (fb[0].probe) {
            fb_end_probe(0, 0);
        }
    }
    assert_non_null(strstr(dispatch_paused_because(r.d), "is away"));
    assert_in_range(asked, 3, 12);
    assert_in_range(fb[0].loads, 1, 3);
    while (ask(&r) != 0) {
        pass_ms(&r, 1000);
        if (fb[0].probe) {
            fb_end_probe(0, 0);
        }
    }
    fb_end_ask(0, 0);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, E_LOADING);
    assert_non_null(fb[0].load);  // after a success it is loaded at once again
    close_rig(&r);
}

// A server that answers at once and then hangs need not be waited for as long as a slow one.
static void a_first_byte_is_waited_for_by_what_it_took_lately(void **state)
{
    (void)state;
    enum { CONFIGURED_MS = 300000 };
    struct rig r;
    open_with(&r, 1, false, false);
    r.backends[0].timeouts.first_byte_ms = CONFIGURED_MS;
    open_again(&r, false);
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb_end_probe(0, 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(ask(&r), 0);
        assert_int_equal(fb[0].asks[0]->first_byte_most_ms, CONFIGURED_MS);
        fb_end_ask(0, 0);
    }
    assert_int_equal(ask(&r), 0);
    assert_int_equal(fb[0].asks[0]->first_byte_most_ms, 60000);
    fb_end_ask(0, 0);
    fb[0].facts.unload = BACKEND_UNLOAD_NOW;  // any request may have to load the model
    assert_int_equal(ask(&r), 0);
    assert_int_equal(fb[0].asks[0]->first_byte_most_ms, CONFIGURED_MS);
    fb[0].facts.unload = BACKEND_UNLOAD_NEVER;
    fb_end_ask(0, E_FIRST_BYTE);  // slower than it was: the whole time again
    assert_int_equal(ask(&r), 0);
    assert_int_equal(fb[0].asks[0]->first_byte_most_ms, CONFIGURED_MS);
    fb_end_ask(0, 0);
    close_rig(&r);
}

static void a_raised_cap_is_never_below_the_users(void **state)
{
    static const struct row {
        int own, doublings, expected;
    } rows[] = {{500, 0, 500},   {500, 1, 1000},  {500, 3, 4000},  {500, 9, 4096},
                {2000, 1, 4000}, {2000, 2, 4096}, {8000, 0, 8000}, {8000, 2, 8000}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig r;
        fb_max_tokens = rows[i].own;
        make_ready(&r, 1);
        r.cap_doublings = rows[i].doublings;
        assert_int_equal(ask(&r), 0);
        assert_int_equal(fb[0].asks[0]->max_tokens, rows[i].expected);
        fb_end_ask(0, 0);
        close_rig(&r);
    }
    fb_max_tokens = 500;
}

static void no_picture_fails_for_want_of_the_ocr_helper(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 0, false, true);
    fb_has_no_helper = true;
    dispatch_serve(r.d, STAND_IN_AT_ONCE);
    pass_ms(&r, 0);
    assert_int_equal(ask(&r), 0);  // it was there a moment ago
    fb_end_page(E_OCR);
    assert_false(r.asks[0].is_backend_sick);
    assert_int_equal(ask(&r), 0);
    fb_end_page(E_OCR);
    assert_int_equal(ask(&r), 0);
    fb_end_page(E_OCR);
    assert_true(r.asks[2].is_backend_sick);
    assert_int_equal(ask(&r), E_BUSY);
    assert_int_equal(dispatch_capacity(r.d), 0);
    pass_ms(&r, 60001);
    assert_int_equal(ask(&r), E_BUSY);
    assert_non_null(strstr(dispatch_paused_because(r.d), "no helper in the test"));
    fb_has_no_helper = false;
    assert_int_equal(pass_ms(&r, 60001), INT64_MAX);
    assert_string_equal(dispatch_paused_because(r.d), "");
    assert_int_equal(ask(&r), 0);
    fb_end_page(0);
    close_rig(&r);
}

// ---- closing, telling

static void closing_waits_for_what_is_under_way(void **state)
{
    (void)state;
    struct rig r;
    open_with(&r, 2, false, false);
    dispatch_close(r.d, rig_on_closed, &r);
    assert_false(r.is_closed);
    assert_int_equal(fb[0].cancels, 1);
    fb_end_probe(0, E_CANCELED);
    assert_false(r.is_closed);
    fb_end_probe(1, 0);  // it was faster
    assert_true(r.is_closed);
}

static void what_an_ask_would_be_made_with_is_told(void **state)
{
    (void)state;
    struct rig r;
    struct ask a = {.app = "", .window = "", .tier = "", .tier_rule = ""};
    struct ask_expected e;
    open_with(&r, 1, false, false);
    assert_false(dispatch_expect(r.d, &a, &e));
    fb_end_probe(0, 0);
    assert_true(dispatch_expect(r.d, &a, &e));
    assert_string_equal(e.model, "model0");
    assert_string_equal(e.prompt, "default/1");
    assert_string_equal(e.params, "p0");
    a.tier = "deep";
    a.tier_rule = "everything";
    assert_true(dispatch_expect(r.d, &a, &e));
    assert_string_equal(e.prompt, "default/1+deep");
    assert_non_null(dispatch_facts(r.d, 0));
    assert_null(dispatch_facts(r.d, 1));
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_loaded_before_there_is_work),
        cmocka_unit_test(room_is_the_users_word_then_the_servers_then_the_kinds),
        cmocka_unit_test(one_still_loading_is_waited_for_and_looked_at_again),
        cmocka_unit_test(of_guesses_the_one_with_a_resident_model_is_taken),
        cmocka_unit_test(a_remote_one_is_refused_unless_allowed),
        cmocka_unit_test(the_gate_is_asked_before_anything_is_sent),
        cmocka_unit_test(the_least_used_pulls_the_next),
        cmocka_unit_test(no_more_than_so_many_requests_a_minute),
        cmocka_unit_test(no_more_than_so_many_tokens_a_minute),
        cmocka_unit_test(what_the_headers_say_is_left_is_obeyed),
        cmocka_unit_test(more_are_sent_when_that_is_faster),
        cmocka_unit_test(a_number_of_the_users_stays),
        cmocka_unit_test(an_overload_takes_room_away),
        cmocka_unit_test(many_refused_at_once_are_one_request_to_slow_down),
        cmocka_unit_test(one_that_comes_back_is_given_half),
        cmocka_unit_test(another_model_begins_anew),
        cmocka_unit_test(what_was_found_is_told_once_and_recalled),
        cmocka_unit_test(an_absent_backend_is_looked_for_with_patience),
        cmocka_unit_test(one_refused_connection_pauses_and_one_ask_tries_again),
        cmocka_unit_test(failures_in_a_row_open_the_breaker),
        cmocka_unit_test(a_bad_picture_says_nothing_about_the_backend),
        cmocka_unit_test(a_request_to_slow_down_is_obeyed),
        cmocka_unit_test(a_backend_that_needs_a_person_says_so),
        cmocka_unit_test(a_model_that_vanished_is_loaded_again),
        cmocka_unit_test(a_model_that_only_talks_nonsense_pauses_the_queue),
        cmocka_unit_test(a_failed_load_waits),
        cmocka_unit_test(ocr_serves_from_the_start_when_no_model_is_there),
        cmocka_unit_test(what_waits_for_a_model_is_not_given_to_ocr),
        cmocka_unit_test(the_stand_in_serves_when_its_mode_says),
        cmocka_unit_test(a_failed_page_is_an_error),
        cmocka_unit_test(closing_waits_for_what_is_under_way),
        cmocka_unit_test(what_an_ask_would_be_made_with_is_told),
        cmocka_unit_test(one_that_is_up_again_is_tried_whatever_failed_before),
        cmocka_unit_test(one_that_says_loading_for_ever_is_asked_with_patience),
        cmocka_unit_test(a_first_byte_is_waited_for_by_what_it_took_lately),
        cmocka_unit_test(a_raised_cap_is_never_below_the_users),
        cmocka_unit_test(no_picture_fails_for_want_of_the_ocr_helper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
