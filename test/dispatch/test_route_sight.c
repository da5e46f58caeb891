// test_route_sight.c -- no picture goes to a model of which it is not known that it sees.
// SPDX-License-Identifier: MIT
#include "dispatch/dispatch_rig.h"

#include <stdio.h>
#include <string.h>

static struct seen {
    int wanted, found, sees;
    char model[192];
} seen;

static void on_wanted(void *arg, const char *url, const struct backend_facts *f)
{
    (void)arg;
    assert_string_equal(url, "b0");
    snprintf(seen.model, sizeof(seen.model), "%s", f->model);
    seen.wanted++;
}

static void on_found(void *arg, const char *url, const struct backend_facts *f)
{
    (void)arg;
    assert_string_equal(url, "b0");
    seen.found++;
    seen.sees = f->has_vision;
}

// A backend that does not say whether its model sees, found.
static void open_unsure(struct rig *r, bool remembers)
{
    open_with(r, 1, false, false);
    dispatch_close(r->d, rig_on_closed, r);
    fb_end_probe(0, E_CANCELED);
    assert_true(r->is_closed);
    memset(&seen, 0, sizeof(seen));
    struct dispatch_events e = events_of(r);
    e.on_sight_wanted = remembers ? on_wanted : NULL;
    e.on_sight_found = on_found;
    fb_reset();
    r->is_closed = false;
    assert_int_equal(dispatch_open(&r->d, NULL, NULL, NULL, &r->config, &e), 0);
    fb[0].facts.is_vision_sure = false;
    dispatch_tick(r->d, fb_now_ms);
}

static void a_model_is_looked_at_before_it_is_taken(void **state)
{
    (void)state;
    struct rig r;
    open_unsure(&r, false);
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb_end_probe(0, 0);
    assert_int_equal(fb[0].looks, 1);
    assert_int_equal(fb[0].loads, 0);
    assert_int_equal(ask(&r), E_BUSY);
    fb_end_look(0, 0);
    assert_int_equal(seen.found, 1);
    assert_int_equal(seen.sees, 1);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    close_rig(&r);
}

static void a_blind_model_is_never_asked(void **state)
{
    (void)state;
    struct rig r;
    open_unsure(&r, false);
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb_end_probe(0, 0);
    err_set(&fb[0].look->err, E_NO_VISION, "the model can not see pictures: tested");
    fb_end_look(0, E_NO_VISION);
    assert_int_equal(seen.found, 1);
    assert_int_equal(seen.sees, 0);
    assert_string_equal(status_of(&r, 0).state, "misconfigured");
    assert_non_null(strstr(status_of(&r, 0).reason, "tested"));
    assert_non_null(strstr(dispatch_paused_because(r.d), "tested"));
    assert_int_equal(ask(&r), E_BUSY);
    assert_int_equal(fb[0].asked, 0);
    close_rig(&r);
}

static void a_failed_look_proves_nothing(void **state)
{
    (void)state;
    static const int codes[] = {E_NET, E_SERVER, E_MODEL_CRASH, E_AUTH};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct rig r;
        open_unsure(&r, false);
        dispatch_serve(r.d, STAND_IN_NEVER);
        fb_end_probe(0, 0);
        fb_end_look(0, codes[i]);
        assert_int_equal(seen.found, 0);
        assert_int_equal(ask(&r), E_BUSY);
        pass_ms(&r, 120000);
        fb_end_probe(0, 0);
        fb_end_look(0, 0);
        assert_int_equal(ask(&r), 0);
        fb_end_ask(0, 0);
        close_rig(&r);
    }
}

// What was found earlier is waited for, whatever it is.
static void memory_is_asked_first(void **state)
{
    (void)state;
    static const struct {
        enum dispatch_sight known;
        int recalled;
    } rows[] = {{DISPATCH_SIGHT_SEES, 1},
                {DISPATCH_SIGHT_BLIND, -1},
                {DISPATCH_SIGHT_UNKNOWN, 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig r;
        open_unsure(&r, true);
        dispatch_serve(r.d, STAND_IN_NEVER);
        fb_end_probe(0, 0);
        assert_int_equal(seen.wanted, 1);
        assert_string_equal(seen.model, "model0");
        assert_int_equal(fb[0].looks, 0);
        dispatch_recall_sight(r.d, "other", "model0", "", rows[i].known);
        dispatch_recall_sight(r.d, "b0", "other", "", rows[i].known);
        assert_int_equal(fb[0].looks, 0);
        dispatch_recall_sight(r.d, "b0", "model0", "", rows[i].known);
        assert_int_equal(fb[0].recalled, rows[i].recalled);
        assert_int_equal(fb[0].looks, 1);  // which asks nobody when it is known
        dispatch_recall_sight(r.d, "b0", "model0", "", rows[i].known);  // too late
        assert_int_equal(fb[0].looks, 1);
        fb_end_look(0, 0);
        assert_int_equal(ask(&r), 0);
        fb_end_ask(0, 0);
        close_rig(&r);
    }
}

static void a_sure_model_is_not_looked_at(void **state)
{
    (void)state;
    struct rig r;
    open_unsure(&r, true);
    fb[0].facts.is_vision_sure = true;
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb_end_probe(0, 0);
    assert_int_equal(fb[0].looks + seen.wanted, 0);
    assert_int_equal(ask(&r), 0);
    fb_end_ask(0, 0);
    close_rig(&r);
}

// Who only lists models is told, too, when he asks for it; nothing is loaded.
static void a_close_look_serves_nothing(void **state)
{
    (void)state;
    struct rig r;
    open_unsure(&r, false);
    fb_end_probe(0, 0);
    assert_int_equal(fb[0].looks, 0);
    assert_true(dispatch_has_looked(r.d));
    dispatch_look_closely(r.d);
    assert_int_equal(fb[0].looks, 1);
    assert_false(dispatch_has_looked(r.d));
    fb_end_look(0, 0);
    assert_true(dispatch_has_looked(r.d));
    assert_int_equal(fb[0].loads, 0);
    assert_int_equal(ask(&r), E_BUSY);
    close_rig(&r);
}

static void a_look_can_be_stopped(void **state)
{
    (void)state;
    struct rig r;
    open_unsure(&r, false);
    dispatch_serve(r.d, STAND_IN_NEVER);
    fb_end_probe(0, 0);
    dispatch_close(r.d, rig_on_closed, &r);
    assert_int_equal(fb[0].cancels, 1);
    assert_false(r.is_closed);
    fb_end_look(0, E_CANCELED);
    assert_true(r.is_closed);
    assert_int_equal(seen.found, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_looked_at_before_it_is_taken),
        cmocka_unit_test(a_blind_model_is_never_asked),
        cmocka_unit_test(a_failed_look_proves_nothing),
        cmocka_unit_test(memory_is_asked_first),
        cmocka_unit_test(a_sure_model_is_not_looked_at),
        cmocka_unit_test(a_close_look_serves_nothing),
        cmocka_unit_test(a_look_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
