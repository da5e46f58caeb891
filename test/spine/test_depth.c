// test_depth.c -- the tier that a picture was offered with governs all that is done with it.
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

static void configure(struct fake *f, enum tier_depth tier, int own_px)
{
    struct pipeline_config c;
    fake_config(f, &c);
    c.tier = tier;
    c.target_px = own_px ? own_px : c.tiers[tier].target_px;
    c.has_own_px = own_px != 0;
    c.tiers[TIER_DEEP].deadline_ms = 60000;
    c.fallback = FALLBACK_REACH_TIER;
    c.duplicates = IMAGE_NEAR_NORMAL;
    fake_again(f, &c);
}

static int setup(void **state)
{
    struct fake *f = test_calloc(1, sizeof(*f));
    fake_init(f);
    configure(f, TIER_QUICK, 0);
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

static void add(struct fake *f, const char *tier)
{
    const struct store_job row = {.path = "/shots/a.png",
                                  .root = "/shots",
                                  .priority = STORE_LIVE,
                                  .claims = 1,
                                  .tier = tier};
    fake_add_row(f, &row);
}

static void looks_for(const struct store_similar *r, const char *prompt, const char *tier)
{
    assert_string_equal(r->prompt, prompt);
    assert_string_equal(r->tier, tier);
}

static void asks_with(struct fake *f, int px, const char *tier, int cap,
                      int64_t deadline_ms)
{
    fake_run_to(f, FAKE_ASK);
    const struct ask *a = &fake_job(f)->ask;
    assert_int_equal(f->last_target_px, px);
    assert_string_equal(a->tier, tier);
    assert_int_equal(a->max_tokens, cap);
    assert_int_equal(a->deadline_ms, deadline_ms);
}

static void ends_as(struct fake *f, const char *asked, const char *used)
{
    fake_end(f, FAKE_ASK, 0);
    assert_int_equal(f->last_save.outcome, STORE_ANSWERED);
    assert_string_equal(f->last_save.tier, asked);
    assert_string_equal(f->last_save.result->tier, used);
    fake_end(f, FAKE_SAVE, 0);
}

static void its_own_tier_governs(void **state)
{
    struct fake *f = *state;
    add(f, "deep");
    fake_run_to(f, FAKE_COMPARE);
    looks_for(fake_req(f, FAKE_COMPARE), "default/1+deep", "deep");
    asks_with(f, 1280, "deep", 1000, 60000);
    assert_string_equal(fake_job(f)->ask.tier_rule, "c");
    ends_as(f, "deep", "deep");
    assert_int_equal(f->p.totals.tier_answered[TIER_DEEP], 1);
    assert_int_equal(f->p.totals.tier_answered[TIER_QUICK], 0);
}

static void without_one_it_is_as_configured(void **state)
{
    struct fake *f = *state;
    static const char *const none[] = {NULL, "", "profound"};  // of a later version
    configure(f, TIER_STANDARD, 0);
    for (int i = 0; i < 3; i++) {
        add(f, none[i]);
        fake_run_to(f, FAKE_COMPARE);
        const struct store_similar *r = fake_req(f, FAKE_COMPARE);
        assert_string_equal(r->prompt, "default/1+standard");
        assert_string_equal(r->tier, "");  // any description will do
        asks_with(f, 1024, "standard", 750, 0);
        ends_as(f, "standard", "standard");
    }
}

static void a_tier_below_the_configured_one_is_as_good(void **state)
{
    struct fake *f = *state;
    configure(f, TIER_DEEP, 0);
    add(f, "quick");
    fake_run_to(f, FAKE_COMPARE);
    looks_for(fake_req(f, FAKE_COMPARE), "default/1", "quick");
    asks_with(f, 768, "", 0, 0);
    ends_as(f, "quick", "quick");
}

static void the_users_size_holds_for_every_tier(void **state)
{
    struct fake *f = *state;
    configure(f, TIER_QUICK, 500);
    add(f, "deep");
    asks_with(f, 500, "deep", 1000, 60000);
    ends_as(f, "deep", "deep");
}

// From its own tier, one at a time.
static void a_smaller_tier_begins_from_its_own(void **state)
{
    struct fake *f = *state;
    add(f, "standard");
    fake_run_to(f, FAKE_ASK);
    for (int i = 0; i < 20 && f->last_target_px == 1024; i++) {
        fake_end(f, FAKE_ASK, E_SCHEMA);
        fake_pass_ms(f, 60000);
        fake_run_to(f, FAKE_ASK);
    }
    asks_with(f, 768, "", 0, 0);
    ends_as(f, "standard", "quick");
    assert_string_equal(f->last_save.fallback, "tier");
}

static void compare(struct fake *f, const char *tier)
{
    add(f, tier);
    fake_end(f, FAKE_INSPECT, 0);
    struct image_req *r = fake_req(f, FAKE_PREPARE);
    memset(r->thumb, 100, sizeof(r->thumb));
    fake_end(f, FAKE_PREPARE, 0);
    fake_end(f, FAKE_COMPARE, 0);
}

// They all show the same.
static void only_an_answer_of_its_tier_is_waited_for(void **state)
{
    struct fake *f = *state;
    compare(f, "quick");
    assert_int_equal(f->calls[FAKE_ASK], 1);
    compare(f, "deep");
    assert_int_equal(f->calls[FAKE_ASK], 2);
    compare(f, "quick");
    compare(f, "deep");
    compare(f, NULL);
    assert_int_equal(f->calls[FAKE_ASK], 2);
    pipeline_stop(&f->p, true);
    while (f->n_pending > 0) {
        enum fake_call what = f->pending[0].what;
        fake_end(f, what, what == FAKE_ASK ? E_CANCELED : 0);
    }
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(its_own_tier_governs),
        CASE(without_one_it_is_as_configured),
        CASE(a_tier_below_the_configured_one_is_as_good),
        CASE(the_users_size_holds_for_every_tier),
        CASE(a_smaller_tier_begins_from_its_own),
        CASE(only_an_answer_of_its_tier_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
