// test_route_model.c -- models loaded, verified and given back, with time and server of the
// test: no load doubled, no queue starved, nothing left behind at the end.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "dispatch/fake_backends.h"

#include <stdio.h>
#include <string.h>

enum { MINUTE = 60000, TTL = 10 * MINUTE, MAX_ASKS = 32 };

struct rig {
    struct dispatch *d;
    struct dispatch_config config;
    struct backend_config backends[2];
    struct ask asks[MAX_ASKS];
    int n_asks;
    int answered;
    bool is_closed;
    int told;  // err + 1000 of a wish, 0 = not yet
};

static struct rig *the_rig;

static void on_asked(struct ask *a, int err)
{
    (void)a;
    the_rig->answered += err == 0;
}

static enum ask_pass may_send(struct ask *a, const char *backend, bool is_remote,
                              char *why, size_t size)
{
    (void)a;
    (void)backend;
    (void)is_remote;
    snprintf(why, size, "rule");
    return ASK_ALLOWED;
}

static int ask(struct rig *r)
{
    struct ask *a = &r->asks[r->n_asks];
    memset(a, 0, sizeof(*a));
    a->may_send = may_send;
    a->app = a->window = "";
    int rc = dispatch_try(r->d, a, on_asked);
    r->n_asks += rc == 0;
    return rc;
}

static int64_t pass_ms(struct rig *r, int64_t ms)
{
    fb_now_ms += ms;
    return dispatch_tick(r->d, fb_now_ms);
}

static void open_one(struct rig *r)
{
    fb_reset();
    memset(r, 0, sizeof(*r));
    the_rig = r;
    r->backends[0] = (struct backend_config){.name = "b0",
                                             .url = "b0",
                                             .keep_alive_s = TTL / 1000,
                                             .timeouts = {.load_ms = 5 * MINUTE}};
    r->config = (struct dispatch_config){.backends = r->backends, .n_backends = 1};
    breaker_config_default(&r->config.breaker);
    life_config_default(&r->config.life);
    fb[0].facts.is_loaded = false;
    fb[0].facts.unload = BACKEND_UNLOAD_NOW;
}

static void serve(struct rig *r)
{
    struct dispatch_events none = {0};
    assert_int_equal(dispatch_open(&r->d, NULL, NULL, NULL, &r->config, &none), 0);
    dispatch_tick(r->d, fb_now_ms);
    dispatch_serve(r->d, STAND_IN_NEVER);
    fb_end_probe(0, 0);
}

// Loaded by us, verified, idle.
static void make_ready(struct rig *r)
{
    open_one(r);
    serve(r);
    fb_end_load(0, 0);
}

static struct vlmd_backend_status status(struct rig *r)
{
    struct vlmd_backend_status s[VLMD_MAX_BACKENDS];
    assert_int_equal(dispatch_status(r->d, s, VLMD_MAX_BACKENDS), 1);
    return s[0];
}

#define is_state(r, word) assert_string_equal(status(r).state, word)
#define is_model(r, word) assert_string_equal(status(r).model_state, word)

static void on_closed(void *arg)
{
    ((struct rig *)arg)->is_closed = true;
}

// Whatever is under way ends as it would when it is cancelled.
static void close_rig(struct rig *r)
{
    dispatch_close(r->d, on_closed, r);
    if (fb[0].probe) {
        fb_end_probe(0, E_CANCELED);
    }
    if (fb[0].load) {
        fb_end_load(0, E_CANCELED);
    }
    if (fb[0].verify) {
        fb_end_verify(0, E_CANCELED, BACKEND_ABSENT);
    }
    if (fb[0].unload) {
        fb_end_unload(0, 0);
    }
    assert_true(r->is_closed);
    for (int i = 0; i < r->n_asks; i++) {
        ask_fini(&r->asks[i]);
    }
}

static void on_told(void *arg, int err, const char *words)
{
    assert_non_null(words);
    ((struct rig *)arg)->told = err + 1000;
}

// ---- loading

static void a_load_is_believed_only_when_seen(void **state)
{
    (void)state;
    struct rig r;
    open_one(&r);
    fb[0].holds_verify = true;
    serve(&r);
    is_model(&r, "loading");
    fb_end_load(0, 0);
    assert_int_equal(fb[0].verifies, 1);
    is_state(&r, "loading");
    assert_int_equal(ask(&r), E_BUSY);
    fb_end_verify(0, 0, BACKEND_RESIDENT);
    is_state(&r, "ready");
    is_model(&r, "ready");
    assert_int_equal(ask(&r), 0);
    is_model(&r, "busy");
    fb_end_ask(0, 0);
    close_rig(&r);
}

static void a_load_that_was_confirmed_but_did_not_happen_fails(void **state)
{
    (void)state;
    struct rig r;
    open_one(&r);
    fb[0].holds_verify = true;
    serve(&r);
    fb_end_load(0, 0);
    fb_end_verify(0, 0, BACKEND_ABSENT);
    is_state(&r, "away");
    is_model(&r, "failed");
    assert_non_null(strstr(status(&r).reason, "not there"));
    assert_int_equal(status(&r).verify_failures, 1);
    close_rig(&r);
}

static void out_of_memory_waits_minutes(void **state)
{
    (void)state;
    struct rig r;
    open_one(&r);
    serve(&r);
    fb_end_load(0, E_MODEL_CRASH);
    is_model(&r, "failed");
    assert_true(pass_ms(&r, 1) >= fb_now_ms + MINUTE);
    pass_ms(&r, 90000);
    assert_int_equal(fb[0].probes, 1);
    pass_ms(&r, 60000);
    assert_int_equal(fb[0].probes, 2);
    fb_end_probe(0, 0);
    fb_end_load(0, E_MODEL_CRASH);
    pass_ms(&r, 150000);
    assert_int_equal(fb[0].probes, 2);  // twice as long
    pass_ms(&r, 100000);
    assert_int_equal(fb[0].probes, 3);
    assert_int_equal(status(&r).load_failures, 2);
    close_rig(&r);
}

static void another_failure_waits_a_moment(void **state)
{
    (void)state;
    struct rig r;
    open_one(&r);
    serve(&r);
    fb_end_load(0, E_NET_CUT);
    pass_ms(&r, 2000);
    assert_int_equal(fb[0].probes, 2);
    close_rig(&r);
}

static void a_load_is_not_doubled_by_waiting_pictures(void **state)
{
    (void)state;
    struct rig r;
    open_one(&r);
    serve(&r);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(ask(&r), E_BUSY);
        pass_ms(&r, 1000);
    }
    assert_int_equal(fb[0].loads, 1);
    fb_end_load(0, 0);
    close_rig(&r);
}

static void without_preload_the_first_picture_loads(void **state)
{
    (void)state;
    struct rig r;
    open_one(&r);
    r.config.life.preloads = false;
    serve(&r);
    assert_int_equal(fb[0].loads, 0);
    is_state(&r, "idle");
    assert_int_equal(dispatch_capacity(r.d), 1);  // so that one is claimed
    assert_string_equal(dispatch_paused_because(r.d), "");
    assert_int_equal(ask(&r), E_BUSY);
    fb_end_verify(0, 0, BACKEND_ABSENT);
    assert_int_equal(fb[0].loads, 1);
    fb_end_load(0, 0);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    close_rig(&r);
}

static void one_that_another_process_loads_is_waited_for(void **state)
{
    (void)state;
    struct rig r;
    open_one(&r);
    r.config.life.preloads = false;
    serve(&r);
    ask(&r);
    fb_end_verify(0, 0, BACKEND_LOADING);
    assert_int_equal(fb[0].loads, 0);
    is_state(&r, "loading");
    pass_ms(&r, 3000);
    fb_end_verify(0, 0, BACKEND_LOADING);
    pass_ms(&r, 3000);
    fb_end_verify(0, 0, BACKEND_RESIDENT);
    is_state(&r, "ready");
    assert_int_equal(fb[0].loads, 0);
    close_rig(&r);
    assert_int_equal(fb[0].unloads, 0);  // it is theirs
}

static void another_ones_load_is_not_waited_for_without_end(void **state)
{
    (void)state;
    struct rig r;
    open_one(&r);
    r.config.life.preloads = false;
    serve(&r);
    ask(&r);
    for (int i = 0; i < 1000 && fb[0].verify; i++) {
        fb_end_verify(0, 0, BACKEND_LOADING);
        pass_ms(&r, 2000);
    }
    assert_int_equal(fb[0].probes, 2);  // it was given up, and is looked for again
    assert_int_equal(status(&r).load_failures + fb[0].loads, 0);
    assert_true(fb_now_ms < 100000 + 6 * MINUTE);
    close_rig(&r);
}

static void one_that_sleeps_is_woken_by_a_load(void **state)
{
    (void)state;
    struct rig r;
    open_one(&r);
    r.config.life.preloads = false;
    serve(&r);
    ask(&r);
    fb_end_verify(0, 0, BACKEND_ASLEEP);
    assert_int_equal(fb[0].loads, 1);
    fb_end_load(0, 0);
    is_state(&r, "ready");
    close_rig(&r);
}

static void a_service_is_not_asked_where_its_model_is(void **state)
{
    (void)state;
    struct rig r;
    open_one(&r);
    r.config.allow_remote = true;
    fb[0].facts.kind = BACKEND_OPENAI;
    fb[0].facts.is_remote = true;
    fb[0].facts.unload = BACKEND_UNLOAD_NEVER;
    serve(&r);
    fb_end_load(0, 0);
    assert_int_equal(fb[0].verifies, 0);
    is_state(&r, "ready");
    assert_int_equal(pass_ms(&r, 100 * MINUTE), INT64_MAX);
    is_state(&r, "ready");
    close_rig(&r);
}

// ---- time to live

static void idle_for_its_time_to_live_it_is_unloaded(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r);
    assert_int_equal(ask(&r), 0);
    pass_ms(&r, 20 * MINUTE);  // a long answer
    assert_int_equal(fb[0].unloads, 0);
    fb_end_ask(0, 0);
    assert_int_equal(pass_ms(&r, 0), fb_now_ms + TTL);
    assert_int_equal(status(&r).unloads_at_ms, loop_wall_ms() + TTL);
    pass_ms(&r, TTL - 1);
    assert_int_equal(fb[0].unloads, 0);
    pass_ms(&r, 1);
    assert_int_equal(fb[0].unloads, 1);
    is_model(&r, "unloading");
    fb_end_unload(0, 0);
    is_model(&r, "absent");
    is_state(&r, "idle");
    assert_int_equal(pass_ms(&r, 0), INT64_MAX);  // and now it sleeps
    close_rig(&r);
    assert_int_equal(fb[0].unloads, 1);
}

static void it_is_loaded_again_for_the_next_picture(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r);
    pass_ms(&r, TTL);
    fb_end_unload(0, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(&r), E_BUSY);
        fb_end_verify(0, 0, BACKEND_ABSENT);
        fb_end_load(0, 0);
        assert_int_equal(ask(&r), 0);
        fb_end_ask(0, 0);
        pass_ms(&r, TTL);
        fb_end_unload(0, 0);
    }
    assert_int_equal(r.answered, 3);
    assert_int_equal(fb[0].loads, 4);
    close_rig(&r);
}

static void with_pictures_waiting_it_is_never_unloaded(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r);
    dispatch_note_waiting(r.d, 1);
    pass_ms(&r, 10 * TTL);
    dispatch_press(r.d);
    assert_int_equal(fb[0].unloads, 0);
    struct err e = {0};
    assert_int_equal(dispatch_unload(r.d, NULL, on_told, &r, &e), E_BUSY);
    assert_non_null(strstr(e.msg, "vlmd pause"));
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    dispatch_note_waiting(r.d, 0);
    pass_ms(&r, TTL);
    assert_int_equal(fb[0].unloads, 1);
    fb_end_unload(0, 0);
    close_rig(&r);
}

static void a_picture_that_comes_during_the_unload_is_asked_about(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r);
    pass_ms(&r, TTL);
    is_model(&r, "unloading");
    dispatch_note_waiting(r.d, 1);
    assert_int_equal(ask(&r), E_BUSY);
    fb_end_unload(0, 0);
    assert_int_equal(fb[0].loads, 2);
    fb_end_load(0, 0);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    assert_int_equal(r.answered, 1);
    close_rig(&r);
}

static void a_server_with_its_own_clock_is_left_alone(void **state)
{
    (void)state;
    struct rig r;
    open_one(&r);
    fb[0].expires_at_ms = 1800000000000;
    serve(&r);
    fb_end_load(0, 0);
    pass_ms(&r, TTL + MINUTE);
    is_state(&r, "idle");
    assert_int_equal(fb[0].unloads, 0);
    ask(&r);
    fb_end_verify(0, 0, BACKEND_RESIDENT);  // somebody else is using it
    assert_int_equal(fb[0].loads, 1);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    close_rig(&r);
}

static void an_unload_that_fails_leaves_it_in_use(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r);
    pass_ms(&r, TTL);
    fb_end_unload(0, E_BUSY);  // others are being answered by it
    is_state(&r, "ready");
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    pass_ms(&r, TTL);
    assert_int_equal(fb[0].unloads, 2);
    fb_end_unload(0, 0);
    close_rig(&r);
}

static void one_that_can_not_unload_is_not_asked_again(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r);
    pass_ms(&r, TTL);
    fb_end_unload(0, E_UNSUPPORTED);
    assert_int_equal(pass_ms(&r, 100 * TTL), INT64_MAX);
    is_state(&r, "ready");
    close_rig(&r);
    assert_int_equal(fb[0].unloads, 1);
}

static void what_others_loaded_stays(void **state)
{
    (void)state;
    struct rig r;
    open_one(&r);
    fb[0].facts.is_loaded = true;
    serve(&r);
    assert_int_equal(fb[0].loads, 0);
    pass_ms(&r, 100 * TTL);
    dispatch_press(r.d);
    is_state(&r, "ready");
    close_rig(&r);
    assert_int_equal(fb[0].unloads, 0);
}

// ---- pressure, wishes, the end

static void pressure_unloads_what_is_idle(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r);
    assert_int_equal(ask(&r), 0);
    dispatch_press(r.d);
    assert_int_equal(fb[0].unloads, 0);
    fb_end_ask(0, 0);
    dispatch_press(r.d);
    assert_int_equal(fb[0].unloads, 1);
    fb_end_unload(0, 0);
    assert_non_null(strstr(status(&r).reason, "memory"));
    close_rig(&r);
}

static void exit_unloads_what_was_loaded_here(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r);
    close_rig(&r);
    assert_int_equal(fb[0].unloads, 1);
}

static void exit_leaves_it_when_told_to(void **state)
{
    (void)state;
    struct rig r;
    open_one(&r);
    r.config.life.unloads_at_exit = false;
    serve(&r);
    fb_end_load(0, 0);
    close_rig(&r);
    assert_int_equal(fb[0].unloads, 0);
}

static void exit_does_not_end_a_load(void **state)
{
    (void)state;
    struct rig r;
    open_one(&r);
    serve(&r);
    close_rig(&r);  // cancelled here, the server goes on
    assert_int_equal(fb[0].cancels, 1);
    assert_int_equal(fb[0].unloads, 0);
}

static void exit_waits_for_an_unload_under_way(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r);
    pass_ms(&r, TTL);
    dispatch_close(r.d, on_closed, &r);
    assert_false(r.is_closed);
    fb_end_unload(0, 0);
    assert_true(r.is_closed);
    assert_int_equal(fb[0].unloads, 1);
}

static void a_person_can_unload_and_load(void **state)
{
    (void)state;
    struct rig r;
    struct err e = {0};
    make_ready(&r);
    assert_int_equal(dispatch_unload(r.d, "b0", on_told, &r, &e), 0);
    assert_int_equal(r.told, 0);
    fb_end_unload(0, 0);
    assert_int_equal(r.told, 1000);
    assert_int_equal(dispatch_unload(r.d, "b0", on_told, &r, &e), 1);  // nothing to do
    r.told = 0;
    assert_int_equal(dispatch_load(r.d, NULL, on_told, &r, &e), 0);
    fb_end_verify(0, 0, BACKEND_ABSENT);
    fb_end_load(0, 0);
    assert_int_equal(r.told, 1000);
    assert_int_equal(dispatch_load(r.d, NULL, on_told, &r, &e), 1);
    int before = fb[0].unloads;
    close_rig(&r);
    assert_int_equal(fb[0].unloads, before);  // wanted by a person: it stays
}

static void a_model_loaded_by_hand_has_a_shorter_life(void **state)
{
    (void)state;
    struct rig r;
    struct err e = {0};
    open_one(&r);
    r.config.life.preloads = false;
    serve(&r);
    assert_int_equal(dispatch_load(r.d, NULL, on_told, &r, &e), 0);
    fb_end_verify(0, 0, BACKEND_ABSENT);
    fb_end_load(0, 0);
    assert_int_equal(pass_ms(&r, 0), fb_now_ms + 5 * MINUTE);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    assert_int_equal(pass_ms(&r, 0), fb_now_ms + TTL);  // now it is of use
    close_rig(&r);
}

static void a_wish_that_fails_is_told_why(void **state)
{
    (void)state;
    struct rig r;
    struct err e = {0};
    open_one(&r);
    r.config.life.preloads = false;
    serve(&r);
    assert_int_equal(dispatch_load(r.d, "nobody", on_told, &r, &e), E_NOT_FOUND);
    assert_int_equal(dispatch_load(r.d, NULL, on_told, &r, &e), 0);
    assert_int_equal(dispatch_load(r.d, NULL, on_told, &r, &e), E_BUSY);
    fb_end_verify(0, E_NET, BACKEND_ABSENT);
    assert_int_equal(r.told, 1000 + E_NET);
    assert_int_equal(dispatch_load(r.d, NULL, on_told, &r, &e), E_NET);
    close_rig(&r);
}

static void a_wish_under_way_at_the_end_is_answered(void **state)
{
    (void)state;
    struct rig r;
    struct err e = {0};
    open_one(&r);
    r.config.life.preloads = false;
    serve(&r);
    assert_int_equal(dispatch_load(r.d, NULL, on_told, &r, &e), 0);
    close_rig(&r);
    assert_int_equal(r.told, 1000 + E_CANCELED);
}

// ---- the server's whims

static void one_the_server_dropped_is_loaded_again(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, E_LOADING);
    is_state(&r, "loading");
    assert_int_equal(fb[0].loads, 2);
    fb_end_load(0, 0);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    assert_int_equal(r.answered, 1);
    close_rig(&r);
}

static void a_server_that_goes_away_idle_is_found_again(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r);
    pass_ms(&r, TTL);
    fb_end_unload(0, 0);
    assert_int_equal(ask(&r), E_BUSY);
    fb_end_verify(0, E_NET, BACKEND_ABSENT);
    is_state(&r, "away");
    pass_ms(&r, 2000);
    fb_end_probe(0, 0);
    fb_end_load(0, 0);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    close_rig(&r);
}

static void a_cut_line_does_not_lose_whose_it_is(void **state)
{
    (void)state;
    struct rig r;
    make_ready(&r);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, E_NET);
    is_state(&r, "away");
    fb[0].facts.is_loaded = true;  // the server had not gone
    pass_ms(&r, 2000);
    fb_end_probe(0, 0);
    is_state(&r, "ready");
    assert_int_equal(fb[0].loads, 1);
    close_rig(&r);
    assert_int_equal(fb[0].unloads, 1);
}

static void totals_say_what_happened(void **state)
{
    (void)state;
    struct rig r;
    open_one(&r);
    fb[0].holds_verify = true;
    serve(&r);
    fb_now_ms += 7000;
    fb_end_load(0, 0);
    fb_now_ms += 300;
    fb_end_verify(0, 0, BACKEND_RESIDENT);
    struct vlmd_backend_status s = status(&r);
    assert_int_equal(s.loads, 1);
    assert_int_equal(s.load_ms, 7000);
    assert_int_equal(s.verifies, 1);
    assert_int_equal(s.verify_ms, 300);
    assert_int_equal(s.load_failures + s.verify_failures + s.unloads, 0);
    pass_ms(&r, TTL);
    fb_end_unload(0, 0);
    assert_int_equal(status(&r).unloads, 1);
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_is_believed_only_when_seen),
        cmocka_unit_test(a_load_that_was_confirmed_but_did_not_happen_fails),
        cmocka_unit_test(out_of_memory_waits_minutes),
        cmocka_unit_test(another_failure_waits_a_moment),
        cmocka_unit_test(a_load_is_not_doubled_by_waiting_pictures),
        cmocka_unit_test(without_preload_the_first_picture_loads),
        cmocka_unit_test(one_that_another_process_loads_is_waited_for),
        cmocka_unit_test(another_ones_load_is_not_waited_for_without_end),
        cmocka_unit_test(one_that_sleeps_is_woken_by_a_load),
        cmocka_unit_test(a_service_is_not_asked_where_its_model_is),
        cmocka_unit_test(idle_for_its_time_to_live_it_is_unloaded),
        cmocka_unit_test(it_is_loaded_again_for_the_next_picture),
        cmocka_unit_test(with_pictures_waiting_it_is_never_unloaded),
        cmocka_unit_test(a_picture_that_comes_during_the_unload_is_asked_about),
        cmocka_unit_test(a_server_with_its_own_clock_is_left_alone),
        cmocka_unit_test(an_unload_that_fails_leaves_it_in_use),
        cmocka_unit_test(one_that_can_not_unload_is_not_asked_again),
        cmocka_unit_test(what_others_loaded_stays),
        cmocka_unit_test(pressure_unloads_what_is_idle),
        cmocka_unit_test(exit_unloads_what_was_loaded_here),
        cmocka_unit_test(exit_leaves_it_when_told_to),
        cmocka_unit_test(exit_does_not_end_a_load),
        cmocka_unit_test(exit_waits_for_an_unload_under_way),
        cmocka_unit_test(a_person_can_unload_and_load),
        cmocka_unit_test(a_model_loaded_by_hand_has_a_shorter_life),
        cmocka_unit_test(a_wish_that_fails_is_told_why),
        cmocka_unit_test(a_wish_under_way_at_the_end_is_answered),
        cmocka_unit_test(one_the_server_dropped_is_loaded_again),
        cmocka_unit_test(a_server_that_goes_away_idle_is_found_again),
        cmocka_unit_test(a_cut_line_does_not_lose_whose_it_is),
        cmocka_unit_test(totals_say_what_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
