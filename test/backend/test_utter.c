// test_utter.c -- the texts in an answer that is still coming, however it is cut.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "backend/utter.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

static char told[4000], last_field[32];

static void tell(void *arg, const char *field, const char *text, size_t len)
{
    (void)arg;
    size_t n = strlen(told);
    assert_true(len > 0 && utf8_is_valid(text, len));
    if (strcmp(field, last_field) != 0) {
        n += (size_t)snprintf(told + n, sizeof(told) - n, "|%s=", field);
        snprintf(last_field, sizeof(last_field), "%s", field);
    }
    snprintf(told + n, sizeof(told) - n, "%.*s", (int)len, text);
}

static const char *utter(const char *bytes, size_t piece)
{
    struct words w = {.state = WORDS_BEGIN};
    size_t len = strlen(bytes);
    told[0] = 0;
    snprintf(last_field, sizeof(last_field), "-");
    for (size_t at = 0; at < len; at += piece) {
        words_feed(&w, bytes + at, len - at < piece ? len - at : piece, tell, NULL);
    }
    return told;
}

static void texts_are_the_same_however_they_are_cut(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *told;
    } rows[] = {
        {"{\"summary\":\"One thing.\"}", "|summary=One thing."},
        {" {\n \"summary\" : \"A\" ,\n\"activity\":\"B\" } ", "|summary=A|activity=B"},
        {"{\"summary\":\"q \\\"x\\\" \\\\ \\/ a\\nb\\tc\"}",
         "|summary=q \"x\" \\ / a\nb\tc"},
        {"{\"s\":\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"}",
         "|s=A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"{\"s\":\"\\ude00x\"}", "|s=\xef\xbf\xbdx"},
        {"{\"s\":\"\\u0000\"}", "|s=\xef\xbf\xbd"},
        {"{\"s\":\"\\uZZZZ\",\"t\":\"x\"}", ""},
        {"{\"s\":\"\xc3\xa9\xe2\x82\xac\"}", "|s=\xc3\xa9\xe2\x82\xac"},
        {"{\"tags\":[\"a\",\"b\"],\"s\":\"c\"}", "|tags=a b|s=c"},
        {"{\"n\":12,\"b\":true,\"s\":\"c\"}", "|s=c"},
        {"Just words.", "|=Just words."},
        {"```json\n{\"s\":\"c\"}\n```", "|s=c"},
        {"<think>secret {\"s\":\"no\"} </thin </think>{\"s\":\"c\"}", "|s=c"},
        {"<think>never ends", ""},
        {"{\"s\":\"c\"} and more", "|s=c"},
        {"{\"s\":\"it is cut", "|s=it is cut"},
        {"{\"s\":\"x\\", "|s=x"},
        {"}", "|=}"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t piece = 1; piece < 30; piece++) {
            if (strcmp(utter(rows[i].bytes, piece), rows[i].told) != 0) {
                fail_msg("row %zu, pieces of %zu: %s", i, piece, told);
            }
        }
    }
}

// What is no character is told as the sign for that, and nothing of it leaks into the next.
static void bad_bytes_are_replaced(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 9; piece++) {
        assert_string_equal(utter("{\"s\":\"a\xe2\x82z\"}", piece), "|s=a\xef\xbf\xbdz");
    }
    utter("{\"s\":\"\x80\x80\x80\x80\x80 b\"}", 3);
    assert_non_null(strstr(told, " b"));
}

static void long_texts_come_in_parts(void **state)
{
    (void)state;
    char bytes[3000] = "{\"s\":\"";
    memset(bytes + 6, 'x', 2000);
    strcpy(bytes + 2006, "\"}");
    utter(bytes, sizeof(bytes));
    assert_int_equal(strlen(told), 2003);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_the_same_however_they_are_cut),
        cmocka_unit_test(bad_bytes_are_replaced),
        cmocka_unit_test(long_texts_come_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
