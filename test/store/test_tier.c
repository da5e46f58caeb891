// test_tier.c -- the tier that a picture was offered with: kept, claimed, told apart.
// SPDX-License-Identifier: MIT
#include "store/storekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
    struct kit *k = malloc(sizeof(*k));
    kit_init(k);
    kit_must_open(k);
    *state = k;
    return 0;
}

static int tear_down(void **state)
{
    struct kit *k = *state;
    kit_assert_consistent(k);
    kit_fini(k);
    free(k);
    return 0;
}

static struct store_item offer(struct kit *k, const char *path, const char *tier,
                               bool is_due)
{
    struct store_item i = {.path = path,
                           .size_bytes = 10,
                           .mtime_ns = 1000000,
                           .tier = tier,
                           .is_tier_due = is_due};
    assert_int_equal(kit_offer_item(k, &i, 0), 0);
    return i;
}

// The next one has to be this, with that tier.
static void claims(struct kit *k, int64_t id, const char *tier, bool is_redo)
{
    struct store_claim c = {.max = 1};
    assert_int_equal(kit_claim(k, &c), 0);
    assert_int_equal(c.n, 1);
    assert_int_equal(c.jobs[0].id, id);
    assert_string_equal(c.jobs[0].tier, tier);
    assert_int_equal(c.jobs[0].is_redo, is_redo);
    store_claim_fini(&c);
}

static void describe(struct kit *k, int64_t id, uint8_t byte, const char *tier)
{
    struct store_result r = kit_result("m", "a picture");
    r.prompt = tier;
    r.tier = tier;
    struct store_save s = kit_answer(id, byte, &r);
    s.tier = tier;
    assert_int_equal(kit_save(k, &s), 0);
    assert_false(s.lost);
}

static void shows(struct kit *k, int64_t id, const char *asked, const char *used)
{
    struct store_query q;
    struct store_row *row = kit_row(k, &q, id);
    assert_string_equal(row->tier_asked, asked);
    assert_string_equal(row->tier, used);
    store_query_fini(&q);
}

static void a_tier_comes_with_the_claim(void **state)
{
    struct kit *k = *state;
    int64_t deep = offer(k, "/1", "deep", true).id;
    claims(k, deep, "deep", false);
    shows(k, deep, "deep", "");
    int64_t none = offer(k, "/2", NULL, true).id;
    claims(k, none, "", false);
    shows(k, none, "", "");
    describe(k, deep, 1, "deep");
    describe(k, none, 2, "quick");
    shows(k, deep, "deep", "deep");
    shows(k, none, "quick", "quick");
}

static void the_last_tier_counts_while_it_waits(void **state)
{
    struct kit *k = *state;
    int64_t id = offer(k, "/1", NULL, false).id;
    assert_false(offer(k, "/1", "deep", false).is_new);
    shows(k, id, "deep", "");
    assert_false(offer(k, "/1", "quick", true).is_new);
    assert_false(offer(k, "/1", NULL, false).is_new);  // nothing said, nothing lost
    claims(k, id, "quick", false);
    // Leased: it goes on as it was asked for.
    assert_false(offer(k, "/1", "deep", true).is_new);
    struct store_release r = {.id = id};
    assert_int_equal(kit_release(k, &r), 0);
    claims(k, id, "quick", false);
}

static void another_tier_describes_anew_if_it_is_due(void **state)
{
    struct kit *k = *state;
    int64_t id = offer(k, "/1", NULL, false).id;
    claims(k, id, "", false);
    describe(k, id, 1, "quick");
    assert_true(offer(k, "/1", "quick", true).is_ended);
    assert_true(offer(k, "/1", "deep", false).is_ended);
    assert_true(offer(k, "/1", NULL, true).is_ended);
    struct store_item i = offer(k, "/1", "deep", true);
    assert_int_equal(i.id, id);
    assert_true(i.is_new);
    assert_false(i.is_ended);
    shows(k, id, "deep", "quick");  // its description stays meanwhile
    claims(k, id, "deep", true);
    describe(k, id, 1, "deep");
    shows(k, id, "deep", "deep");
    assert_true(offer(k, "/1", "deep", true).is_ended);
}

// What failed is not described: that is for a retry, which may name a tier as well.
static void a_failed_one_is_left_to_a_retry(void **state)
{
    struct kit *k = *state;
    int64_t id = offer(k, "/1", "quick", true).id;
    claims(k, id, "quick", false);
    struct store_save s = {
        .id = id, .outcome = STORE_FAILED, .code = E_CORRUPT, .tier = "quick"};
    assert_int_equal(kit_save(k, &s), 0);
    assert_true(offer(k, "/1", "deep", true).is_ended);
    struct store_change c = {.action = STORE_RETRY, .filter.id = id};
    assert_int_equal(kit_change(k, &c), 0);
    assert_int_equal(c.n, 1);
    claims(k, id, "quick", false);
    assert_int_equal(kit_save(k, &s), 0);
    c.tier = "standard";
    assert_int_equal(kit_change(k, &c), 0);
    assert_int_equal(c.n, 1);
    claims(k, id, "standard", false);
}

static struct store_similar similar(struct kit *k, int64_t id, const char *tier)
{
    struct store_similar r = {.id = id, .model = "", .tier = tier};
    memset(r.content, 1, sizeof(r.content));
    assert_int_equal(kit_similar(k, &r), 0);
    return r;
}

static void only_the_same_tier_is_inherited(void **state)
{
    struct kit *k = *state;
    int64_t quick = offer(k, "/1", "quick", true).id;
    claims(k, quick, "quick", false);
    describe(k, quick, 1, "quick");
    int64_t deep = offer(k, "/2", "deep", true).id;
    claims(k, deep, "deep", false);
    struct store_similar r = similar(k, deep, "deep");
    assert_int_equal(r.duplicate_of, 0);
    assert_int_equal(r.result, 0);
    assert_int_equal(similar(k, deep, "").duplicate_of, quick);
    r = similar(k, deep, "quick");
    assert_int_equal(r.duplicate_of, quick);
    assert_true(r.result > 0);
}

static void only_the_same_tier_is_waited_for(void **state)
{
    struct kit *k = *state;
    int64_t quick = offer(k, "/1", "quick", true).id;
    claims(k, quick, "quick", false);
    assert_int_equal(similar(k, quick, "quick").in_progress, 0);
    int64_t deep = offer(k, "/2", "deep", true).id;
    claims(k, deep, "deep", false);
    assert_int_equal(similar(k, deep, "deep").in_progress, 0);
    int64_t other = offer(k, "/3", "deep", true).id;
    claims(k, other, "deep", false);
    assert_int_equal(similar(k, other, "deep").in_progress, deep);
    int64_t any = offer(k, "/4", NULL, true).id;
    claims(k, any, "", false);
    assert_int_equal(similar(k, any, "").in_progress, quick);
    int64_t last = offer(k, "/5", "standard", true).id;
    claims(k, last, "standard", false);
    assert_int_equal(similar(k, last, "standard").in_progress, any);  // who knows
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_tier_comes_with_the_claim),
        CASE(the_last_tier_counts_while_it_waits),
        CASE(another_tier_describes_anew_if_it_is_due),
        CASE(a_failed_one_is_left_to_a_retry),
        CASE(only_the_same_tier_is_inherited),
        CASE(only_the_same_tier_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
