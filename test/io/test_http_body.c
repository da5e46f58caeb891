// test_http_body.c -- the body read in pieces of any size.
// SPDX-License-Identifier: MIT
#include "io/http.h"

#include "base/base64.h"
#include "io/http_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

static char *whole_body(const struct http_body *b, size_t *len)
{
    assert_int_equal(body_length(b, len), 0);
    char *all = malloc(*len + 1);
    assert_non_null(all);
    size_t n = 0;
    if (b->head_len) {
        memcpy(all, b->head, b->head_len);
        n = b->head_len;
    }
    n += base64_encode(b->image, b->image_len, all + n);
    if (b->tail_len) {
        memcpy(all + n, b->tail, b->tail_len);
        n += b->tail_len;
    }
    assert_int_equal(n, *len);
    return all;
}

static void read_in_pieces(const struct http_body *b, size_t piece, const char *all,
                           size_t len)
{
    char *out = malloc(piece);
    assert_non_null(out);
    size_t at = 0;
    for (size_t n; (n = body_read(b, at, out, piece)) > 0; at += n) {
        assert_int_equal(n, len - at < piece ? len - at : piece);
        assert_memory_equal(out, all + at, n);
    }
    assert_int_equal(at, len);
    free(out);
}

static void bodies_are_exact_in_every_piece_size(void **state)
{
    (void)state;
    uint8_t *image = random_bytes(301);
    static const char head[] = "{\"image\":\"data:image/jpeg;base64,";
    static const char tail[] = "\"}";
    for (size_t image_len = 0; image_len <= 300; image_len += image_len < 10 ? 1 : 29) {
        for (size_t head_len = 0; head_len <= sizeof(head) - 1; head_len += 8) {
            for (size_t tail_len = 0; tail_len <= 2; tail_len++) {
                struct http_body b = {head_len ? head : NULL,   head_len,
                                      image_len ? image : NULL, image_len,
                                      tail_len ? tail : NULL,   tail_len};
                size_t len;
                char *all = whole_body(&b, &len);
                for (size_t piece = 1; piece <= 70; piece += piece < 9 ? 1 : 20) {
                    read_in_pieces(&b, piece, all, len);
                }
                free(all);
            }
        }
    }
    free(image);
}

static void a_large_body_is_exact(void **state)
{
    (void)state;
    size_t image_len = 1000003;
    uint8_t *image = random_bytes(image_len);
    struct http_body b = {"12345", 5, image, image_len, "end", 3};
    size_t len;
    char *all = whole_body(&b, &len);
    read_in_pieces(&b, 65536, all, len);
    read_in_pieces(&b, 65524, all, len);
    read_in_pieces(&b, 4093, all, len);
    // From anywhere, as after a rewind.
    char out[100];
    for (size_t at = 0; at < len; at += 9973) {
        size_t n = body_read(&b, at, out, sizeof(out));
        assert_memory_equal(out, all + at, n);
    }
    assert_int_equal(body_read(&b, len, out, sizeof(out)), 0);
    free(all);
    free(image);
}

static void absurd_lengths_are_refused(void **state)
{
    (void)state;
    size_t len = 7;
    struct http_body b = {.image_len = SIZE_MAX};
    assert_int_equal(body_length(&b, &len), E_TOOBIG);
    b = (struct http_body){.head_len = SIZE_MAX - 3};
    assert_int_equal(body_length(&b, &len), E_TOOBIG);
    b = (struct http_body){.tail_len = (size_t)300 << 20};
    assert_int_equal(body_length(&b, &len), E_TOOBIG);
    assert_int_equal(len, 7);
    b = (struct http_body){.image_len = (size_t)256 << 20};
    assert_int_equal(body_length(&b, &len), 0);
    assert_int_equal(len, (((size_t)256 << 20) + 2) / 3 * 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_exact_in_every_piece_size),
        cmocka_unit_test(a_large_body_is_exact),
        cmocka_unit_test(absurd_lengths_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
