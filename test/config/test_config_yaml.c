// test_config_yaml.c -- hostile and odd YAML: every text ends with words and a line number.
// SPDX-License-Identifier: MIT
#include "config_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } rows[] = {
        {"a: &x [b]\n", "error vlmd.yaml:1: anchors (&name) are not allowed here"},
        {"model: *x\n", "error vlmd.yaml:1: aliases (*name) are not allowed here"},
        {"model: !!python/object:os.system x\n", "error vlmd.yaml:1: tags (!name)"},
        {"model: !secret x\n", "tags (!name) are not allowed here"},
        {"- a\n- b\n", "a configuration is \"key: value\", not a list"},
        {"just words\n", "a configuration is lines of \"key: value\""},
        {"model: a\n---\nmodel: b\n", "error vlmd.yaml:2: only one document"},
        {"%TAG ! tag:x,2000:\n---\nmodel: a\n", "%TAG is not allowed here"},
        {"model: a\n  tier: b\n", "error vlmd.yaml:2: mapping values are not allowed"},
        {"model: \"a\n", "error vlmd.yaml:"},
        {"model: a\n\ttier: b\n", "error vlmd.yaml:2: "},
        {"? [a, b]\n: c\n", "a list or section can not be a key"},
        {"? {a: b}\n: c\n", "a list or section can not be a key"},
        {"\"\": c\n", "this is not the name of a key"},
        {"\"a[0]\": c\n", "this is not the name of a key"},
        {"{{{{{{{{a}}}}}}}}\n", "a list or section can not be a key"},
        {"a: {b: {c: {d: {e: {f: {g: 1}}}}}}\n", "this is nested too deeply"},
        {"a: [[[[[[[1]]]]]]]\n", "this is nested too deeply"},
        {"model: \"a\\0b\"\n", "there is a zero byte in this text"},
        {"<<: {model: a}\n", "<<.model: is no key"},
        {"model: \xff\xfe\n", "error vlmd.yaml:1: "},
        {"a: 1\nb: \x01\n", "error vlmd.yaml:2: control characters are not allowed"},
        {"}\n", "error vlmd.yaml:1: "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct loaded l;
        load_text(&l, rows[i].text);
        if (l.rc != E_CONFIG || !strstr(l.said, rows[i].words)) {
            fail_msg("%s -> %s", rows[i].text, l.said);
        }
        unload(&l);
    }
}

static void test_accepted(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\n# only a comment\n",
        "---\n...\n",
        "{}\n",
        "null\n",
        "\xef\xbb\xbfmodel: \"no\"\n",  // byte order mark
        "model: no\n",                  // Norway stays a text
        "model: 'no'\ndb: \"/tmp/\\u00e9.db\"\n",
        "%YAML 1.1\n---\nmodel: no\n",
        ("{\"model\":\"no\",\"backends\":[\"http:\\/\\/h:1\",{\"url\":\"h:2\"}],"
         "\"image\":{\"quality\":80},\"privacy\":{\"allow_remote\":true}}"),
        "{\r\n\t\"model\" : \"no\" ,\r\n\t\"tier\":\t\"deep\"\r\n}\r\n",
        "model: >-\n  no\n",
        "image:\nbackends:\nwatch: {}\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct loaded l;
        load_text(&l, texts[i]);
        if (l.errors || l.warnings) {
            fail_msg("%s -> %s", texts[i], l.said);
        }
        assert_string_equal(value_of(&l, "model"), strstr(texts[i], "no\"") ||
                                                           strstr(texts[i], "no\n") ||
                                                           strstr(texts[i], "'no'")
                                                       ? "no"
                                                       : "");
        unload(&l);
    }
}

static void test_json_values(void **state)
{
    (void)state;
    struct loaded l;
    load_text(&l, "{\"backends\":[\"http:\\/\\/h:1\",{\"url\":\"h:2\"}],"
                  "\"concurrency\": 3, \"privacy\":{\"allow_remote\":true}}");
    assert_string_equal(value_of(&l, "backends"), "http://h:1, http://h:2");
    assert_int_equal(l.c->concurrency, 3);
    assert_true(l.c->privacy.policy.allow_remote);
    unload(&l);
}

static void test_empty_values(void **state)
{
    (void)state;
    struct loaded l;
    load_text(&l, "model:\ntier: ~\nbackend:\n  api_key:\n");
    assert_int_equal(l.rc, 0);
    assert_string_equal(
        l.said, "warn vlmd.yaml:1: model: has no value; the default is kept\n"
                "warn vlmd.yaml:2: tier: has no value; the default is kept\n"
                "warn vlmd.yaml:4: backend.api_key: has no value; the default is kept\n");
    unload(&l);
}

static void test_size_limits(void **state)
{
    (void)state;
    size_t size = (1 << 20) + 1;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, '#', size);
    struct loaded l;
    load_bytes(&l, text, size);
    assert_string_equal(
        l.said, "error vlmd.yaml: is over 1 MiB long, which is no configuration\n");
    unload(&l);
    load_bytes(&l, text, size - 1);
    assert_int_equal(l.rc, 0);
    unload(&l);
    memcpy(text, "model: ", 7);
    memset(text + 7, 'x', 70000);
    load_bytes(&l, text, 70007);
    assert_true(strstr(l.said, "this text is over 64 KiB long") != NULL);
    unload(&l);
    size_t n = 0;
    for (int i = 0; i < 1100; i++) {
        n += (size_t)sprintf(text + n, "prompts%d: 1\n", i);
    }
    load_bytes(&l, text, n);
    assert_true(strstr(l.said, "there are over 1000 values") || strlen(l.said) > 16000);
    assert_int_equal(l.errors, 1001);
    unload(&l);
    // One million nested brackets must end early, not late.
    memset(text, '[', size - 1);
    memcpy(text, "a: ", 3);
    load_bytes(&l, text, size - 1);
    assert_true(strstr(l.said, "nested too deeply") != NULL);
    unload(&l);
    free(text);
}

// Every prefix of a valid file, and every byte replaced, ends without a crash.
static void test_mutations(void **state)
{
    (void)state;
    static const char good[] =
        "model: \"a\\tb\"\nbackends:\n- {url: 'h:1', model: \"x\"}\n"
        "- ocr\nimage: {quality: 80}\nwatch: {dirs: [a, ~]}\n";
    static const char bytes[] = {0,   '\n', '"', '\'', '[',  '{', '&',
                                 '*', '!',  '%', ':',  '\t', -1};
    char text[sizeof(good)];
    int refused = 0;
    for (size_t i = 0; i < sizeof(good); i++) {
        struct loaded l;
        load_bytes(&l, good, i);
        refused += l.rc != 0;
        unload(&l);
        for (size_t b = 0; b < sizeof(bytes) && i < sizeof(good) - 1; b++) {
            memcpy(text, good, sizeof(good));
            text[i] = bytes[b];
            load_bytes(&l, text, sizeof(good) - 1);
            refused += l.rc != 0;
            unload(&l);
        }
    }
    assert_true(refused > 300);
}

#define CASE(f)                                                                          \
    cmocka_unit_test_setup_teardown(f, config_fixture_setup, config_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_refused),      CASE(test_accepted),    CASE(test_json_values),
        CASE(test_empty_values), CASE(test_size_limits), CASE(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
