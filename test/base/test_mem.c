// test_mem.c -- zeroed memory, the hook for running out of it, checked products.
// SPDX-License-Identifier: MIT
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Lets the allocation fail instead of ending the program when a sanitizer is built in.
#define EXPORTED __attribute__((visibility("default")))

EXPORTED const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

EXPORTED const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static jmp_buf way_out;
static size_t asked_bytes;

static void out_of_memory(size_t bytes)
{
    asked_bytes = bytes;
    longjmp(way_out, 1);
}

static void new_memory_is_zero(void **state)
{
    (void)state;
    struct big {
        char bytes[4096];
    };
    static const struct big zero;
    struct big *b = mem_new(struct big);
    assert_memory_equal(b, &zero, sizeof(zero));
    memset(b, 0xff, sizeof(*b));
    free(b);
    b = mem_new(struct big);
    assert_memory_equal(b, &zero, sizeof(zero));
    free(b);
}

static void dup_copies_and_keeps_null(void **state)
{
    (void)state;
    assert_null(mem_dup(NULL));
    const char text[] = "words";
    char *copy = mem_dup(text);
    assert_ptr_not_equal(copy, text);
    assert_string_equal(copy, text);
    free(copy);
}

static void running_out_calls_the_hook(void **state)
{
    (void)state;
    volatile size_t absurd = SIZE_MAX / 4;
    mem_set_hook(out_of_memory);
    if (setjmp(way_out) == 0) {
        free(mem_zero(absurd));
        fail_msg("%s", "the hook was not called");
    }
    mem_set_hook(NULL);
    assert_int_equal(asked_bytes, SIZE_MAX / 4);
}

static void products_are_checked(void **state)
{
    (void)state;
    size_t out = 7;
    assert_true(mem_mul(1920, 1080 * 4, &out));
    assert_int_equal(out, 8294400);
    assert_true(mem_mul(0, SIZE_MAX, &out));
    assert_int_equal(out, 0);
    assert_true(mem_mul(SIZE_MAX, 1, &out));
    assert_false(mem_mul(SIZE_MAX, 2, &out));
    assert_false(mem_mul(SIZE_MAX / 2 + 1, 2, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_memory_is_zero),
        cmocka_unit_test(dup_copies_and_keeps_null),
        cmocka_unit_test(running_out_calls_the_hook),
        cmocka_unit_test(products_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
