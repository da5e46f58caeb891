// test_find_corpus.c -- how many planted secrets are found, and how many decoys are.
//
// Printed by category.  Found is a secret whose every letter and digit lies in findings, one
// of them of its category; a decoy must yield no finding at all.  VLMD_CORPUS_SHOW=1 in the
// environment prints what went wrong, VLMD_CORPUS_SEED=N tries another corpus.
// SPDX-License-Identifier: MIT
#include "privacy/corpus.h"
#include "privacy/find.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ITEMS = 6000, SEEDS = 5 };

static struct corpus_item items[ITEMS];

struct tally {
    int planted, found;
    int decoys, taken;
};

static const struct {
    enum privacy_category category;
    int recall_pct;  // at least
} limits[PRIVACY_CATEGORIES] = {
    {PRIVACY_CARD, 99},        {PRIVACY_IBAN, 99},     {PRIVACY_SSN, 99},
    {PRIVACY_NATIONAL_ID, 99}, {PRIVACY_PASSWORD, 95}, {PRIVACY_API_KEY, 99},
    {PRIVACY_TOKEN, 95},       {PRIVACY_JWT, 99},      {PRIVACY_PRIVATE_KEY, 99},
    {PRIVACY_SEED, 99},        {PRIVACY_EMAIL, 95},    {PRIVACY_PHONE, 95},
    {PRIVACY_BIRTH, 95},       {PRIVACY_IP, 95},       {PRIVACY_MAC, 95},
};

static bool is_sign(char c)
{
    return strchr(" \t\r\n-.,;:/()=+\"'", c) != NULL;
}

static bool is_found(const struct corpus_item *item, const struct privacy_findings *f)
{
    size_t begin = (size_t)(strstr(item->text, item->secret) - item->text);
    size_t end = begin + strlen(item->secret);
    bool has_category = false;
    for (size_t i = begin; i < end; i++) {
        bool is_covered = is_sign(item->text[i]);
        for (int k = 0; k < f->n; k++) {
            const struct privacy_finding *p = &f->items[k];
            bool is_here = i >= p->offset && i < p->offset + p->len;
            is_covered |= is_here;
            has_category |= is_here && p->category == item->category;
        }
        if (!is_covered) {
            return false;
        }
    }
    return has_category;
}

static void show(const struct corpus_item *item, const struct privacy_findings *f)
{
    if (!getenv("VLMD_CORPUS_SHOW")) {
        return;
    }
    print_message("--- %s %s [%s]%s\n%s\n", item->is_secret ? "missed" : "taken",
                  privacy_category_name(item->category), item->kind,
                  item->is_misread ? " misread" : "", item->text);
    for (int k = 0; k < f->n; k++) {
        const struct privacy_finding *p = &f->items[k];
        print_message("    %s: %.*s\n", privacy_category_name(p->category), (int)p->len,
                      item->text + p->offset);
    }
}

static void count(const struct privacy_finder *finder, uint64_t seed, struct tally *tally)
{
    struct privacy_findings found = {0};
    int n = corpus_fill(items, ITEMS, seed);
    for (int i = 0; i < n; i++) {
        const struct corpus_item *item = &items[i];
        struct tally *t = &tally[item->category];
        assert_int_equal(privacy_find(finder, item->text, strlen(item->text), &found), 0);
        bool is_right = item->is_secret ? is_found(item, &found) : found.n == 0;
        if (item->is_secret) {
            t->planted++;
            t->found += is_right;
        } else {
            t->decoys++;
            t->taken += !is_right;
        }
        if (!is_right) {
            show(item, &found);
        }
    }
    privacy_findings_fini(&found);
}

// false if a limit is missed.
static bool report(uint64_t seed, const struct tally *tally)
{
    int planted = 0, found = 0, decoys = 0, taken = 0;
    bool is_good = true;
    print_message("seed %llu        planted   found  recall   decoys  taken\n",
                  (unsigned long long)seed);
    for (int c = 0; c < PRIVACY_CATEGORIES; c++) {
        const struct tally *t = &tally[c];
        bool is_enough = t->found * 100 >= t->planted * limits[c].recall_pct;
        print_message("  %-15s %7d %7d %6.2f%%  %7d %6d%s\n",
                      privacy_category_name((enum privacy_category)c), t->planted,
                      t->found, 100.0 * t->found / t->planted, t->decoys, t->taken,
                      is_enough ? "" : "  too few");
        is_good = is_good && is_enough;
        planted += t->planted;
        found += t->found;
        decoys += t->decoys;
        taken += t->taken;
    }
    bool is_quiet = taken * 100 <= decoys;
    print_message("  %-15s %7d %7d %6.2f%%  %7d %6d (%.2f%%)%s\n", "all", planted, found,
                  100.0 * found / planted, decoys, taken, 100.0 * taken / decoys,
                  is_quiet ? "" : "  too many");
    assert_true(planted >= 1500 && decoys >= 1500);
    return is_good && is_quiet;
}

static void the_corpus_is_found_and_nothing_else(void **state)
{
    (void)state;
    struct privacy_finder *finder;
    const char *wanted = getenv("VLMD_CORPUS_SEED");
    uint64_t first = wanted ? strtoull(wanted, NULL, 10) : 1;
    bool is_good = true;
    assert_int_equal(privacy_finder_open(&finder, NULL), 0);
    for (uint64_t seed = first; seed < first + SEEDS; seed++) {
        struct tally tally[PRIVACY_CATEGORIES] = {0};
        count(finder, seed, tally);
        is_good = report(seed, tally) && is_good;
    }
    privacy_finder_free(finder);
    assert_true(is_good);
}

static void the_same_seed_makes_the_same_corpus(void **state)
{
    (void)state;
    static struct corpus_item one[64], two[64];
    corpus_fill(one, 64, 7);
    corpus_fill(two, 64, 7);
    assert_memory_equal(one, two, sizeof(one));
    corpus_fill(two, 64, 8);
    assert_memory_not_equal(one, two, sizeof(one));
    for (int i = 0; i < 64; i++) {
        assert_int_equal(one[i].is_secret, i % 2 == 0);
        assert_true(!one[i].is_secret || strstr(one[i].text, one[i].secret));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_corpus_is_found_and_nothing_else),
        cmocka_unit_test(the_same_seed_makes_the_same_corpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
