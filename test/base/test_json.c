// test_json.c -- the writer's text byte for byte, and what the reader refuses.
// SPDX-License-Identifier: MIT
#include "base/json.h"

#include "base/utf8.h"

#include <cjson/cJSON.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct page {
    struct buf text;
    struct json_writer w;
};

static void open_page(struct page *p, size_t max_bytes)
{
    buf_init(&p->text, max_bytes);
    json_init(&p->w, &p->text);
}

static void writer_puts_the_commas(void **state)
{
    (void)state;
    struct page p;
    open_page(&p, 4096);
    json_object(&p.w, NULL);
    json_str(&p.w, "model", "llava:7b");
    json_array(&p.w, "messages");
    json_object(&p.w, NULL);
    json_object_end(&p.w);
    json_object(&p.w, NULL);
    json_str(&p.w, "role", "user");
    json_object_end(&p.w);
    json_array(&p.w, NULL);
    json_int(&p.w, NULL, -1);
    json_int(&p.w, NULL, INT64_MIN);
    json_array_end(&p.w);
    json_array_end(&p.w);
    json_bool(&p.w, "stream", true);
    json_bool(&p.w, "raw", false);
    json_null(&p.w, "none");
    json_str(&p.w, "missing", NULL);
    json_raw(&p.w, "schema", "{\"a\":[1]}");
    json_strn(&p.w, "part", "abcdef", 3);
    json_object(&p.w, "options");
    json_int(&p.w, "n", 5);
    json_object_end(&p.w);
    json_object_end(&p.w);
    assert_int_equal(p.w.rc, 0);
    assert_int_equal(p.w.depth, 0);
    assert_string_equal(
        buf_str(&p.text),
        "{\"model\":\"llava:7b\",\"messages\":[{},{\"role\":\"user\"},"
        "[-1,-9223372036854775808]],\"stream\":true,\"raw\":false,\"none\":null,"
        "\"missing\":null,\"schema\":{\"a\":[1]},\"part\":\"abc\",\"options\":{\"n\":5}"
        "}");
    buf_fini(&p.text);
}

static void check_string(const char *in, size_t len, const char *expected)
{
    struct page p;
    open_page(&p, 4096);
    json_strn(&p.w, NULL, in, len);
    assert_int_equal(p.w.rc, 0);
    assert_string_equal(buf_str(&p.text), expected);
    assert_true(utf8_is_valid(buf_str(&p.text), p.text.len));
    buf_fini(&p.text);
}

static void strings_are_escaped_and_repaired(void **state)
{
    (void)state;
    check_string("", 0, "\"\"");
    check_string("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
    check_string("\n\r\t\b\x1f\x7f", 6, "\"\\n\\r\\t\\u0008\\u001f\\u007f\"");
    check_string("a\0b", 3, "\"a\\u0000b\"");
    check_string("gr\xc3\xbc\xc3\x9f", 6, "\"gr\xc3\xbc\xc3\x9f\"");
    check_string("\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\"");
    check_string("\xff", 1, "\"\xef\xbf\xbd\"");
    check_string("a\xc3", 2, "\"a\xef\xbf\xbd\"");
    check_string("\xc0\x80", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    check_string("\xed\xa0\x80z", 4, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
    check_string("\xf0\x9f\x98", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

// The writer looks at eight bytes at a time: every byte is tried at every place of a word.
static void every_byte_is_found_at_every_place(void **state)
{
    (void)state;
    for (int c = 1; c < 0x80; c++) {
        for (size_t at = 0; at < 17; at++) {
            char in[18], expected[40], escape[8];
            memset(in, 'a', 17);
            in[17] = 0;
            in[at] = (char)c;
            if (c == '\n' || c == '\r' || c == '\t') {
                snprintf(escape, sizeof(escape), "\\%c",
                         c == '\n'   ? 'n'
                         : c == '\r' ? 'r'
                                     : 't');
            } else {
                bool is_bare = c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
                snprintf(escape, sizeof(escape),
                         is_bare                 ? "%c"
                         : c == '"' || c == '\\' ? "\\%c"
                                                 : "\\u%04x",
                         c);
            }
            snprintf(expected, sizeof(expected), "\"%.*s%s%s\"", (int)at, in, escape,
                     in + at + 1);
            check_string(in, 17, expected);
        }
    }
}

static void keys_are_escaped_too(void **state)
{
    (void)state;
    struct page p;
    open_page(&p, 4096);
    json_object(&p.w, NULL);
    json_int(&p.w, "a\"\n", 1);
    json_object_end(&p.w);
    assert_string_equal(buf_str(&p.text), "{\"a\\\"\\n\":1}");
    buf_fini(&p.text);
}

// A host's locale must not put its comma into numbers.
static void doubles_are_json_in_every_locale(void **state)
{
    (void)state;
    struct page p;
    setlocale(LC_NUMERIC, "de_DE.UTF-8");
    open_page(&p, 4096);
    json_array(&p.w, NULL);
    json_double(&p.w, NULL, 0.25);
    json_double(&p.w, NULL, -1e300);
    json_double(&p.w, NULL, 3);
    json_double(&p.w, NULL, NAN);
    json_double(&p.w, NULL, INFINITY);
    json_array_end(&p.w);
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(buf_str(&p.text), "[0.25,-1e+300,3,null,null]");
    buf_fini(&p.text);
}

static void the_first_error_stays(void **state)
{
    (void)state;
    struct page p;
    open_page(&p, 8);
    json_object(&p.w, NULL);
    json_str(&p.w, "key", "much too long");
    assert_int_equal(p.w.rc, E_TOOBIG);
    size_t len = p.text.len;
    json_int(&p.w, "a", 1);
    json_object_end(&p.w);
    assert_int_equal(p.w.rc, E_TOOBIG);
    assert_int_equal(p.text.len, len);
    buf_fini(&p.text);
}

static void deep_nesting_is_written_right(void **state)
{
    (void)state;
    struct page p;
    open_page(&p, 4096);
    for (int i = 0; i < 31; i++) {
        json_array(&p.w, NULL);
        json_int(&p.w, NULL, i);
    }
    for (int i = 0; i < 31; i++) {
        json_array_end(&p.w);
    }
    struct cJSON *root = json_parse(buf_str(&p.text), p.text.len);
    assert_non_null(root);
    assert_int_equal(cJSON_GetArraySize(root), 2);
    json_free(root);
    buf_fini(&p.text);
}

static bool parses(const char *text, size_t len)
{
    // A copy of exact size, so that a sanitizer sees a read past the end.
    char *exact = malloc(len ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    struct cJSON *root = json_parse(exact, len);
    json_free(root);
    free(exact);
    return root != NULL;
}

static void reader_takes_whole_values_only(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_valid;
    } table[] = {
        {"{}", true},       {"[1,2]", true},
        {"\"x\"", true},    {"{\"a\":1} \r\n\t", true},
        {" null", true},    {"", false},
        {"   ", false},     {"{\"a\":1}x", false},
        {"{}{}", false},    {"{\"a\":1}]", false},
        {"{\"a\":", false}, {"[1,]", false},
        {"{'a':1}", false}, {"\"open", false},
        {"nul", false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_int_equal(parses(table[i].text, strlen(table[i].text)), table[i].is_valid);
    }
    assert_false(parses("{}\0", 3));
    assert_false(parses("{}\0x", 4));
}

static void reader_limits_depth(void **state)
{
    (void)state;
    static char text[400000];
    for (int depth = 1; depth <= 70; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        assert_int_equal(parses(text, (size_t)depth * 2), depth <= 64);
    }
    memset(text, '[', sizeof(text));
    assert_false(parses(text, sizeof(text)));
    memset(text, '{', sizeof(text));
    assert_false(parses(text, sizeof(text)));
    // Brackets inside strings are no depth.
    memset(text, '[', 200);
    text[0] = '"';
    text[1] = '\\';
    text[2] = '"';
    text[199] = '"';
    assert_true(parses(text, 200));
}

static void lookups_accept_what_is_not_there(void **state)
{
    (void)state;
    static const char text[] = "{\"s\":\"x\",\"n\":42,\"f\":1.9,\"big\":1e300,\"b\":true,"
                               "\"neg\":-7,\"o\":{\"in\":5},\"a\":[1],\"no\":null}";
    struct cJSON *root = json_parse(text, sizeof(text) - 1);
    assert_non_null(root);
    assert_string_equal(json_get_str(root, "s"), "x");
    assert_null(json_get_str(root, "n"));
    assert_null(json_get_str(root, "S"));
    assert_null(json_get_str(NULL, "s"));
    assert_int_equal(json_get_int(root, "n", -1), 42);
    assert_int_equal(json_get_int(root, "neg", -1), -7);
    assert_int_equal(json_get_int(root, "f", -1), 1);
    assert_int_equal(json_get_int(root, "big", -1), -1);
    assert_int_equal(json_get_int(root, "s", -1), -1);
    assert_int_equal(json_get_int(root, "no", 3), 3);
    assert_int_equal(json_get_int(json_get(root, "o"), "in", 0), 5);
    assert_null(json_get(json_get(root, "a"), "in"));
    assert_true(json_get_bool(root, "b", false));
    assert_true(json_get_bool(root, "n", true));
    assert_false(json_get_bool(NULL, "b", false));
    json_free(root);
    json_free(NULL);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    char every[256];
    for (int i = 0; i < 128; i++) {
        every[i] = (char)(i + 1);
    }
    every[127] = 0;
    struct page p;
    open_page(&p, 4096);
    json_object(&p.w, NULL);
    json_str(&p.w, "v", every);
    json_object_end(&p.w);
    struct cJSON *root = json_parse(buf_str(&p.text), p.text.len);
    assert_non_null(root);
    assert_string_equal(json_get_str(root, "v"), every);
    json_free(root);
    buf_fini(&p.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writer_puts_the_commas),
        cmocka_unit_test(strings_are_escaped_and_repaired),
        cmocka_unit_test(every_byte_is_found_at_every_place),
        cmocka_unit_test(keys_are_escaped_too),
        cmocka_unit_test(doubles_are_json_in_every_locale),
        cmocka_unit_test(the_first_error_stays),
        cmocka_unit_test(deep_nesting_is_written_right),
        cmocka_unit_test(reader_takes_whole_values_only),
        cmocka_unit_test(reader_limits_depth),
        cmocka_unit_test(lookups_accept_what_is_not_there),
        cmocka_unit_test(what_is_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
