// test_queue.c -- offers, claims, leases.
// SPDX-License-Identifier: MIT
#include "store/storekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void describes_and_finds(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    int64_t id = kit_described(&k, "/a/1.png", 1, "a terminal with a compiler error");
    assert_string_equal(kit_search(&k, "compiler"), "1");
    struct store_query q;
    struct store_row *r = kit_row(&k, &q, id);
    assert_non_null(r);
    assert_string_equal(r->summary, "a terminal with a compiler error");
    assert_string_equal(r->raw, "{\"summary\": \"...\"}");
    store_query_fini(&q);
    struct store_counts c = {0};
    assert_int_equal(kit_count(&k, &c), 0);
    assert_int_equal(c.ended, 1);
    assert_int_equal(c.by_outcome[STORE_ANSWERED], 1);
    kit_assert_consistent(&k);
    kit_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(describes_and_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
