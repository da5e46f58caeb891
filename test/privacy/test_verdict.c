// test_verdict.c -- what was found, and what is done with it.
// SPDX-License-Identifier: MIT
#include "privacy/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ALLOW PRIVACY_DO_ALLOW
#define SAFE  PRIVACY_DO_SAFE_PROMPT
#define MASK  PRIVACY_DO_MASK
#define BLOCK PRIVACY_DO_BLOCK

// "card*2 email" -> findings; "card:60" weighs 60.
static void parse(const char *text, struct privacy_findings *out)
{
    static struct privacy_finding items[2][128];
    static int which;
    which = !which;
    *out = (struct privacy_findings){.items = items[which], .cap = 128};
    while (*text) {
        char name[32] = "";
        size_t len = strcspn(text, "*: ");
        memcpy(name, text, len);
        text += len;
        int category = privacy_category_by_name(name);
        assert_true(category >= 0);
        int weight = privacy_category_weight((enum privacy_category)category);
        int n = 1;
        weight = *text == ':' ? (int)strtol(text + 1, (char **)&text, 10) : weight;
        n = *text == '*' ? (int)strtol(text + 1, (char **)&text, 10) : n;
        assert_true(out->n + n <= out->cap);
        while (n--) {
            out->items[out->n++] = (struct privacy_finding){
                .category = (enum privacy_category)category, .weight = weight};
        }
        text += *text == ' ';
    }
}

static struct privacy_counts counts_of(const char *inside, const char *outside)
{
    struct privacy_counts c = {.is_cut = false};
    struct privacy_findings f;
    parse(inside, &f);
    privacy_count_inside(&c, &f);
    parse(outside, &f);
    privacy_count_outside(&c, &f);
    return c;
}

static void the_defaults_judge_as_the_table_says(void **state)
{
    (void)state;
    static const struct {
        const char *inside, *outside;
        enum privacy_action local, remote;
    } rows[] = {
        {"", "", ALLOW, ALLOW},
        // one strong finding is enough
        {"card", "", MASK, MASK},
        {"iban", "", MASK, MASK},
        {"ssn", "", MASK, MASK},
        {"national_id", "", MASK, MASK},
        {"password", "", MASK, MASK},
        {"api_key", "", MASK, MASK},
        {"token", "", MASK, MASK},
        {"jwt", "", MASK, MASK},
        {"private_key", "", MASK, BLOCK},
        {"seed", "", MASK, BLOCK},
        {"card email*9 seed", "", MASK, BLOCK},
        // weak ones alone
        {"email", "", ALLOW, SAFE},
        {"phone", "", ALLOW, SAFE},
        {"ip", "", ALLOW, SAFE},
        {"mac", "", ALLOW, SAFE},
        {"birth", "", SAFE, MASK},
        // and together
        {"email*2", "", ALLOW, SAFE},
        {"email*3", "", SAFE, MASK},
        {"email*50", "", SAFE, MASK},  // an inbox is no person's file
        {"ip*3", "", ALLOW, SAFE},
        {"ip*4", "", SAFE, MASK},
        {"ip*60 mac*60", "", SAFE, MASK},
        {"email phone birth", "", SAFE, MASK},
        {"email*2 phone birth", "", SAFE, MASK},
        {"email*3 phone birth", "", MASK, MASK},
        {"email*9 phone*9 birth*9", "", MASK, BLOCK},
        {"email", "phone birth ip*2", MASK, MASK},
        // what is only probably a card adds up
        {"card:30", "", ALLOW, SAFE},
        {"card:30*2", "", SAFE, MASK},
        {"card:60 phone birth", "", MASK, MASK},
        // in the title and nowhere in the picture: nobody knows where to paint
        {"", "card", SAFE, BLOCK},
        {"card", "card", MASK, BLOCK},
        {"card", "card*2", MASK, BLOCK},
        {"iban", "card", MASK, BLOCK},
        {"", "email", ALLOW, SAFE},
        {"", "email*4", SAFE, MASK},  // adds up, is masked where it is found
        {"card", "email", MASK, MASK},
    };
    struct privacy_policy p;
    privacy_policy_default(&p);
    p.allow_remote = true;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct privacy_counts c = counts_of(rows[i].inside, rows[i].outside);
        struct privacy_verdict local = privacy_judge(&p, &c, true, false);
        struct privacy_verdict remote = privacy_judge(&p, &c, true, true);
        if (local.action != rows[i].local || remote.action != rows[i].remote) {
            fail_msg("\"%s\" + \"%s\": local %s (%s), remote %s (%s)", rows[i].inside,
                     rows[i].outside, privacy_action_name(local.action), local.why,
                     privacy_action_name(remote.action), remote.why);
        }
        assert_true(remote.action >= local.action);
        bool is_found = rows[i].inside[0] || rows[i].outside[0];
        assert_int_equal(local.why[0] != 0, is_found);
        assert_int_equal(local.masked != 0, local.action == MASK);
    }
}

static void what_is_masked_is_named(void **state)
{
    (void)state;
    struct privacy_policy p;
    privacy_policy_default(&p);
    p.allow_remote = true;
    struct privacy_counts c = counts_of("card*2 email", "");
    struct privacy_verdict v = privacy_judge(&p, &c, true, false);
    assert_int_equal(v.masked, 1u << PRIVACY_CARD);
    assert_string_equal(v.why, "2 card, 1 email");
    c = counts_of("email*3 phone birth", "");
    v = privacy_judge(&p, &c, true, false);
    assert_int_equal(v.masked,
                     1u << PRIVACY_EMAIL | 1u << PRIVACY_PHONE | 1u << PRIVACY_BIRTH);
    c = counts_of("private_key", "");
    v = privacy_judge(&p, &c, true, true);
    assert_int_equal(v.action, BLOCK);
    assert_int_equal(v.masked, 0);
}

static void actions_of_categories_can_be_set(void **state)
{
    (void)state;
    struct privacy_policy p;
    privacy_policy_default(&p);
    p.local.action[PRIVACY_EMAIL] = MASK;
    p.local.action[PRIVACY_CARD] = BLOCK;
    p.local.action[PRIVACY_JWT] = ALLOW;
    p.local.action[PRIVACY_IBAN] = SAFE;
    static const struct {
        const char *inside, *outside;
        enum privacy_action local;
    } rows[] = {
        {"email", "", MASK}, {"", "email", SAFE}, {"card", "", BLOCK},
        {"jwt", "", ALLOW},  {"iban", "", SAFE},  {"", "jwt iban", SAFE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct privacy_counts c = counts_of(rows[i].inside, rows[i].outside);
        assert_int_equal(privacy_judge(&p, &c, true, false).action, rows[i].local);
    }
}

static void thresholds_can_be_set(void **state)
{
    (void)state;
    static const struct {
        int safe, mask, block;
        enum privacy_action action;
    } rows[] = {
        {0, 0, 0, ALLOW}, {31, 0, 0, ALLOW}, {30, 0, 0, SAFE},    {30, 31, 0, SAFE},
        {0, 30, 0, MASK}, {0, 0, 30, BLOCK}, {10, 20, 30, BLOCK}, {10, 20, 31, MASK},
    };
    struct privacy_counts c = counts_of("email*2", "");
    assert_int_equal(privacy_weak_sum(&c), 30);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct privacy_policy p;
        privacy_policy_default(&p);
        p.local.safe_from = rows[i].safe;
        p.local.mask_from = rows[i].mask;
        p.local.block_from = rows[i].block;
        assert_int_equal(privacy_judge(&p, &c, true, false).action, rows[i].action);
    }
}

static void text_that_was_not_read_is_a_doubt(void **state)
{
    (void)state;
    static const struct {
        bool allow_remote, without_ocr;
        enum privacy_read_text read;
        bool is_known, is_remote;
        enum privacy_action action;
        bool needs_text;
    } rows[] = {
        {false, false, PRIVACY_READ_REMOTE, true, true, BLOCK, true},
        {false, true, PRIVACY_READ_REMOTE, true, true, BLOCK, true},
        {true, false, PRIVACY_READ_REMOTE, true, true, ALLOW, true},
        {true, false, PRIVACY_READ_REMOTE, false, true, BLOCK, true},
        {true, false, PRIVACY_READ_NEVER, false, true, BLOCK, false},
        {true, true, PRIVACY_READ_REMOTE, false, true, SAFE, true},
        {true, true, PRIVACY_READ_NEVER, false, true, SAFE, false},
        {false, false, PRIVACY_READ_REMOTE, false, false, ALLOW, false},
        {false, false, PRIVACY_READ_NEVER, false, false, ALLOW, false},
        {false, false, PRIVACY_READ_ALWAYS, true, false, ALLOW, true},
        {false, false, PRIVACY_READ_ALWAYS, false, false, BLOCK, true},
        {true, true, PRIVACY_READ_ALWAYS, false, true, SAFE, true},
    };
    const struct privacy_counts none = {.is_cut = false};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct privacy_policy p;
        privacy_policy_default(&p);
        p.allow_remote = rows[i].allow_remote;
        p.remote_without_ocr = rows[i].without_ocr;
        p.read_text = rows[i].read;
        struct privacy_verdict v =
            privacy_judge(&p, &none, rows[i].is_known, rows[i].is_remote);
        if (v.action != rows[i].action) {
            fail_msg("row %zu: %s (%s)", i, privacy_action_name(v.action), v.why);
        }
        assert_int_equal(v.action == BLOCK, v.why[0] != 0);
        assert_int_equal(privacy_needs_text(&p, rows[i].is_remote), rows[i].needs_text);
        char why[200];
        assert_int_equal(privacy_may_go(&p, rows[i].is_remote, why, sizeof(why)),
                         rows[i].allow_remote || !rows[i].is_remote);
        assert_int_equal(strstr(why, "allow_remote") != NULL,
                         rows[i].is_remote && !rows[i].allow_remote);
    }
}

static void more_than_fits_is_not_masked(void **state)
{
    (void)state;
    struct privacy_policy p;
    privacy_policy_default(&p);
    struct privacy_counts c = counts_of("card", "");
    c.is_cut = true;
    struct privacy_verdict v = privacy_judge(&p, &c, true, false);
    assert_int_equal(v.action, BLOCK);
    assert_non_null(strstr(v.why, "too many to mask"));
    c = counts_of("email", "");
    c.is_cut = true;
    assert_int_equal(privacy_judge(&p, &c, true, false).action, ALLOW);
    p.allow_remote = true;
    v = privacy_judge(&p, &c, true, true);
    assert_int_equal(v.action, BLOCK);
    assert_non_null(strstr(v.why, "more than can be judged"));
    struct privacy_findings f = {.is_cut = true};
    c = (struct privacy_counts){.is_cut = false};
    privacy_count_outside(&c, &f);
    assert_true(c.is_cut);
}

static void words_never_overflow(void **state)
{
    (void)state;
    struct privacy_policy p;
    privacy_policy_default(&p);
    struct privacy_counts c = {.is_cut = true};
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        c.inside[i] = c.outside[i] = 1000000000;
        c.sure_inside[i] = 1;
        c.sure_outside[i] = 2;
    }
    struct privacy_verdict v = privacy_judge(&p, &c, true, false);
    assert_int_equal(v.action, BLOCK);
    assert_true(strlen(v.why) < sizeof(v.why));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_judge_as_the_table_says),
        cmocka_unit_test(what_is_masked_is_named),
        cmocka_unit_test(actions_of_categories_can_be_set),
        cmocka_unit_test(thresholds_can_be_set),
        cmocka_unit_test(text_that_was_not_read_is_a_doubt),
        cmocka_unit_test(more_than_fits_is_not_masked),
        cmocka_unit_test(words_never_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
