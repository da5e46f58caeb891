// test_base64.c -- against a reference that takes one bit group at a time.
// SPDX-License-Identifier: MIT
#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// RFC 4648, one bit group at a time.
static size_t slow_base64(const uint8_t *in, size_t len, char *out)
{
    static const char set[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;
    for (size_t bit = 0; bit < len * 8; bit += 6) {
        unsigned value = 0;
        for (size_t i = bit; i < bit + 6; i++) {
            unsigned one = i < len * 8 ? in[i / 8] >> (7 - i % 8) & 1 : 0;
            value = value << 1 | one;
        }
        out[n++] = set[value];
    }
    while (n % 4) {
        out[n++] = '=';
    }
    return n;
}

static uint8_t *random_bytes(size_t len)
{
    uint8_t *bytes = malloc(len + 1);
    uint32_t x = 2463534242u;
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        bytes[i] = (uint8_t)x;
    }
    return bytes;
}

static void check_base64(const uint8_t *in, size_t len)
{
    size_t room = (len + 2) / 3 * 4;
    uint8_t *exact = malloc(len ? len : 1);
    char *expected = malloc(room + 1);
    char *got = malloc(room ? room : 1);
    assert_true(exact && expected && got);
    memcpy(exact, in, len);
    assert_int_equal(slow_base64(in, len, expected), room);
    assert_int_equal(base64_encode(exact, len, got), room);
    assert_memory_equal(got, expected, room);
    free(exact);
    free(expected);
    free(got);
}

static void base64_equals_the_reference(void **state)
{
    (void)state;
    uint8_t *bytes = random_bytes(1 << 20);
    for (size_t len = 0; len <= 300; len++) {
        check_base64(bytes + len, len);
    }
    check_base64(bytes, 1 << 20);
    check_base64(bytes, (1 << 20) - 1);
    memset(bytes, 0xff, 300);
    check_base64(bytes, 300);
    free(bytes);
}

static void base64_has_the_rfc_vectors(void **state)
{
    (void)state;
    static const char *const table[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char out[16] = {0};
        size_t n = base64_encode((const uint8_t *)table[i][0], strlen(table[i][0]), out);
        assert_int_equal(n, strlen(table[i][1]));
        assert_memory_equal(out, table[i][1], n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_equals_the_reference),
        cmocka_unit_test(base64_has_the_rfc_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
