// test_buf.c -- growth, the maximum, and that a refused append changes nothing.
// SPDX-License-Identifier: MIT
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_zeroed_buffer_is_empty_and_harmless(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_string_equal(buf_str(&b), "");
    assert_int_equal(buf_add(&b, "", 0), 0);
    assert_int_equal(buf_add(&b, "x", 1), E_TOOBIG);
    assert_int_equal(b.len, 0);
    buf_clear(&b);
    buf_fini(&b);
    buf_fini(&b);
}

static void appends_keep_order_and_the_closing_nul(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    size_t expected = 0;
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(buf_printf(&b, "%d,", i % 10), 0);
        expected += 2;
        assert_int_equal(b.len, expected);
        assert_int_equal(b.data[b.len], 0);
        assert_true(b.cap > b.len && b.cap <= b.max_bytes + 1);
    }
    assert_memory_equal(b.data + 9990, "5,6,7,8,9,", 10);
    buf_fini(&b);
    assert_null(b.data);
    assert_int_equal(b.max_bytes, 1 << 20);
}

static void the_maximum_is_exact(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    char block[1000];
    memset(block, 'a', sizeof(block));
    assert_int_equal(buf_add(&b, block, 999), 0);
    assert_int_equal(buf_add(&b, "yz", 2), E_TOOBIG);
    assert_int_equal(buf_printf(&b, "%s", "yz"), E_TOOBIG);
    assert_int_equal(b.len, 999);
    assert_int_equal(buf_add_str(&b, "z"), 0);
    assert_int_equal(buf_add_str(&b, "z"), E_TOOBIG);
    assert_int_equal(b.len, 1000);
    assert_int_equal(b.data[999], 'z');
    assert_int_equal(b.data[1000], 0);
    assert_true(b.cap <= 1001);
    buf_fini(&b);
}

static void absurd_sizes_are_refused(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 64);
    assert_int_equal(buf_add_str(&b, "abc"), 0);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), E_TOOBIG);
    assert_int_equal(buf_reserve(&b, SIZE_MAX - 2), E_TOOBIG);
    assert_int_equal(buf_reserve(&b, 61), 0);
    assert_int_equal(buf_reserve(&b, 62), E_TOOBIG);
    assert_string_equal(buf_str(&b), "abc");
    buf_fini(&b);
}

static void clear_keeps_the_memory(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(buf_add_str(&b, "something"), 0);
    uint8_t *data = b.data;
    buf_clear(&b);
    assert_ptr_equal(b.data, data);
    assert_string_equal(buf_str(&b), "");
    assert_int_equal(buf_add_str(&b, "else"), 0);
    assert_ptr_equal(b.data, data);
    assert_string_equal(buf_str(&b), "else");
    buf_fini(&b);
}

static void take_moves_and_frees_what_was_there(void **state)
{
    (void)state;
    struct buf from, to;
    buf_init(&from, 100);
    buf_init(&to, 10);
    assert_int_equal(buf_add_str(&from, "picture"), 0);
    assert_int_equal(buf_add_str(&to, "old"), 0);
    buf_take(&to, &from);
    assert_string_equal(buf_str(&to), "picture");
    assert_string_equal(buf_str(&from), "");
    assert_int_equal(from.max_bytes, 100);
    assert_int_equal(buf_add_str(&from, "again"), 0);
    buf_fini(&from);
    buf_fini(&to);
}

static void binary_bytes_pass_unchanged(void **state)
{
    (void)state;
    struct buf b;
    uint8_t all[256];
    for (int i = 0; i < 256; i++) {
        all[i] = (uint8_t)i;
    }
    buf_init(&b, 1024);
    assert_int_equal(buf_add(&b, all, sizeof(all)), 0);
    assert_int_equal(buf_add(&b, all, sizeof(all)), 0);
    assert_memory_equal(b.data, all, 256);
    assert_memory_equal(b.data + 256, all, 256);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_buffer_is_empty_and_harmless),
        cmocka_unit_test(appends_keep_order_and_the_closing_nul),
        cmocka_unit_test(the_maximum_is_exact),
        cmocka_unit_test(absurd_sizes_are_refused),
        cmocka_unit_test(clear_keeps_the_memory),
        cmocka_unit_test(take_moves_and_frees_what_was_there),
        cmocka_unit_test(binary_bytes_pass_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
