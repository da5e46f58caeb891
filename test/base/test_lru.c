// test_lru.c -- what stays, what goes, and that the numbers are true.
// SPDX-License-Identifier: MIT
#include "base/lru.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

struct thing {
    struct lru_entry entry;
    int n;
};

static struct thing things[256];
static int evicted[4096];
static int n_evicted;

static void on_evict(struct lru_entry *e)
{
    evicted[n_evicted++ % 4096] = container_of(e, struct thing, entry)->n;
}

static const uint8_t *key(int n)
{
    static uint8_t k[LRU_KEY_BYTES];
    memset(k, 0, sizeof(k));
    k[0] = (uint8_t)(n % 4);  // long chains
    k[31] = (uint8_t)n;
    return k;
}

static bool put(struct lru *c, int n, size_t bytes)
{
    things[n].n = n;
    return lru_put(c, &things[n].entry, key(n), bytes);
}

static bool has(struct lru *c, int n)
{
    struct lru_entry *e = lru_find(c, key(n));
    assert_true(!e || container_of(e, struct thing, entry)->n == n);
    return e != NULL;
}

static void begin(struct lru *c, size_t bytes, size_t items)
{
    memset(things, 0, sizeof(things));
    n_evicted = 0;
    assert_int_equal(lru_init(c, bytes, items, on_evict), 0);
}

static void the_one_used_longest_ago_goes(void **state)
{
    (void)state;
    struct lru c;
    begin(&c, 1000, 3);
    assert_true(put(&c, 1, 10) && put(&c, 2, 10) && put(&c, 3, 10));
    assert_true(has(&c, 1));
    assert_true(put(&c, 4, 10));
    assert_int_equal(n_evicted, 1);
    assert_int_equal(evicted[0], 2);
    assert_true(has(&c, 1) && has(&c, 3) && has(&c, 4) && !has(&c, 2));
    lru_fini(&c);
}

static void bytes_are_bounded(void **state)
{
    (void)state;
    struct lru c;
    begin(&c, 100, 50);
    put(&c, 1, 40);
    put(&c, 2, 40);
    put(&c, 3, 90);
    assert_int_equal(n_evicted, 2);
    assert_int_equal(c.bytes, 90);
    assert_true(put(&c, 4, 10));
    assert_int_equal(c.bytes, 100);
    lru_fini(&c);
}

static void what_is_too_large_goes_past_and_costs_nothing(void **state)
{
    (void)state;
    struct lru c;
    begin(&c, 100, 50);
    put(&c, 1, 60);
    assert_false(put(&c, 2, 101));
    assert_true(has(&c, 1));
    assert_false(has(&c, 2));
    struct lru_stats s;
    lru_stats(&c, &s);
    assert_int_equal(s.bypasses, 1);
    assert_int_equal(s.evictions, 0);
    lru_fini(&c);
}

static void the_same_key_is_kept_once(void **state)
{
    (void)state;
    struct lru c;
    begin(&c, 100, 50);
    assert_true(put(&c, 1, 10));
    things[2].n = 2;
    assert_false(lru_put(&c, &things[2].entry, key(1), 10));
    assert_int_equal(c.items, 1);
    lru_fini(&c);
}

static void budgets_shrink_and_come_back(void **state)
{
    (void)state;
    struct lru c;
    begin(&c, 100, 10);
    for (int i = 0; i < 10; i++) {
        assert_true(put(&c, i, 10));
    }
    lru_resize(&c, 50);
    assert_int_equal(c.items, 5);
    assert_true(has(&c, 9) && !has(&c, 4));
    lru_resize(&c, 0);
    assert_int_equal(c.items, 0);
    assert_int_equal(c.bytes, 0);
    assert_false(put(&c, 20, 1));
    lru_resize(&c, 100);
    assert_true(put(&c, 21, 100));
    struct lru_stats s;
    lru_stats(&c, &s);
    assert_int_equal(s.evictions, 10);
    assert_int_equal(s.max_bytes, 100);
    lru_fini(&c);
}

static void a_cache_of_nothing_takes_nothing(void **state)
{
    (void)state;
    struct lru c;
    begin(&c, 0, 0);
    assert_false(put(&c, 1, 0));
    assert_false(has(&c, 1));
    lru_fini(&c);
}

static void removing_does_not_evict(void **state)
{
    (void)state;
    struct lru c;
    begin(&c, 100, 10);
    put(&c, 4, 10);
    put(&c, 8, 10);
    lru_remove(&c, &things[4].entry);
    assert_int_equal(n_evicted, 0);
    assert_true(has(&c, 8) && !has(&c, 4));
    assert_true(put(&c, 4, 10));
    lru_fini(&c);
    assert_int_equal(n_evicted, 2);
}

static void a_table_without_end_is_refused(void **state)
{
    (void)state;
    struct lru c;
    assert_int_equal(lru_init(&c, 1, (size_t)1 << 40, on_evict), E_TOOBIG);
    lru_fini(&c);
}

// Against a model that is too slow to be wrong: an array sorted by use.
static void it_agrees_with_a_simple_model(void **state)
{
    (void)state;
    enum { N = 64 };
    struct lru c;
    begin(&c, 500, 12);
    int order[N];
    size_t sizes[N];
    int n = 0;
    int64_t hits = 0, misses = 0;
    uint64_t x = 2463534242u;
    for (int i = 0; i < 50000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        int k = (int)(x % N);
        size_t bytes = (size_t)(x >> 20) % 120;
        int at = 0;
        while (at < n && order[at] != k) {
            at++;
        }
        bool is_there = at < n;
        assert_int_equal(has(&c, k), is_there);
        hits += is_there;
        misses += !is_there;
        if (is_there) {
            memmove(&order[1], &order[0], sizeof(int) * (size_t)at);
            order[0] = k;
            continue;
        }
        size_t total = bytes;
        for (int j = 0; j < n; j++) {
            total += sizes[order[j]];
        }
        while (n > 0 && (total > 500 || n + 1 > 12)) {
            total -= sizes[order[--n]];
        }
        memmove(&order[1], &order[0], sizeof(int) * (size_t)n);
        order[0] = k;
        sizes[k] = bytes;
        n++;
        assert_true(put(&c, k, bytes));
        assert_int_equal(c.items, n);
        assert_int_equal(c.bytes, total);
    }
    assert_int_equal(c.hits, hits);
    assert_int_equal(c.misses, misses);
    lru_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_one_used_longest_ago_goes),
        cmocka_unit_test(bytes_are_bounded),
        cmocka_unit_test(what_is_too_large_goes_past_and_costs_nothing),
        cmocka_unit_test(the_same_key_is_kept_once),
        cmocka_unit_test(budgets_shrink_and_come_back),
        cmocka_unit_test(a_cache_of_nothing_takes_nothing),
        cmocka_unit_test(removing_does_not_evict),
        cmocka_unit_test(a_table_without_end_is_refused),
        cmocka_unit_test(it_agrees_with_a_simple_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
