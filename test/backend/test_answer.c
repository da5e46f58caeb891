// test_answer.c -- what a model may write, and what is believed of it.
// SPDX-License-Identifier: MIT
#include "backend/answer.h"
#include "backend/backend.h"
#include "base/json.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#define FULL                                                                             \
    "{\"summary\":\"A page.\",\"activity\":\"reading\",\"app\":\"Firefox\","             \
    "\"details\":\"A long page.\",\"tags\":[\"News\",\"web\"],\"text\":\"Hello\"}"

static const struct row {
    const char *content;
    const char *reason;  // NULL = "stop"
    int expected;
    const char *summary;  // NULL = do not look, like the rest
    const char *details;
    const char *tags;
    const char *text;
    bool is_plain;
    bool is_free;  // no schema was asked for
} rows[] = {
    // whole answers
    {FULL, NULL, 0, "A page.", "A long page.", "[\"news\",\"web\"]", "Hello", 0, 0},
    {"  \n\t" FULL "\n\n", NULL, 0, "A page.", NULL, NULL, NULL, 0, 0},
    {FULL, "length", 0, "A page.", NULL, NULL, NULL, 0, 0},
    {FULL, "", 0, "A page.", NULL, NULL, NULL, 0, 0},
    {FULL, NULL, 0, "A page.", NULL, NULL, NULL, 0, true},
    {"{\"summary\" :\" leading blank\",\n \"tags\" : [ ]}", NULL, 0, "leading blank",
     NULL, "[]", NULL, 0, 0},

    // wrapped and half wrapped
    {"```json\n" FULL "\n```", NULL, 0, "A page.", NULL, NULL, NULL, 0, 0},
    {"```\n" FULL "\n```", NULL, 0, "A page.", NULL, NULL, NULL, 0, 0},
    {"```json\n" FULL, NULL, 0, "A page.", NULL, NULL, NULL, 0, 0},
    {"Here is the JSON you asked for:\n" FULL "\nI hope it helps!", NULL, 0, "A page.",
     NULL, NULL, NULL, 0, 0},
    {"[" FULL "]", NULL, 0, "A page.", NULL, NULL, NULL, 0, 0},
    {"{\"screenshot\":" FULL "}", NULL, 0, "A page.", NULL, NULL, NULL, 0, 0},
    {"{\"type\":\"object\",\"properties\":{\"summary\":\"In the schema\"}}", NULL, 0,
     "In the schema", NULL, NULL, NULL, 0, 0},
    {"\"{\\\"summary\\\":\\\"In a string\\\"}\"", NULL, 0, "In a string", NULL, NULL,
     NULL, 0, 0},
    {"\"summary\": \"No first bracket\", \"text\": \"t\"}", NULL, 0, "No first bracket",
     NULL, NULL, "t", 0, 0},
    {"\"Summary\": \"No bracket at all\"", NULL, 0, "No bracket at all", NULL, NULL, NULL,
     0, 0},
    {"{\"summary\":\"No last bracket\",\"tags\":[\"a\"", NULL, 0, "No last bracket", NULL,
     "[\"a\"]", NULL, 0, 0},
    {"{\"summary\":\"No last bracket\",", NULL, 0, "No last bracket", NULL, NULL, NULL, 0,
     0},
    {"{\"summary\":\"Trailing commas\",\"tags\":[\"a\",\"b\",],}", NULL, 0,
     "Trailing commas", NULL, "[\"a\",\"b\"]", NULL, 0, 0},
    {"{\"summary\":\"First\"} {\"summary\":\"Second\"}", NULL, 0, "First", NULL, NULL,
     NULL, 0, 0},
    {"{\"thought\":1} {\"summary\":\"Behind another\"}", NULL, 0, "Behind another", NULL,
     NULL, NULL, 0, 0},
    {"A program with { braces }.\n{\"summary\":\"Behind braces\"}", NULL, 0,
     "Behind braces", NULL, NULL, NULL, 0, 0},

    // characters
    {"{\"summary\":\"raw\nline\tand tab\"}", NULL, 0, "raw\nline\tand tab", NULL, NULL,
     NULL, 0, 0},
    {"{\"summary\":\"C:\\Users\\_me\"}", NULL, 0, "C:\\Users\\_me", NULL, NULL, NULL, 0,
     0},
    {"{\"summary\":\"nul \\u0000 gone\"}", NULL, 0, "nul  gone", NULL, NULL, NULL, 0, 0},
    {"{\"summary\":\"lone \\ud83d half\"}", NULL, 0, "lone \xef\xbf\xbd half", NULL, NULL,
     NULL, 0, 0},
    {"{\"summary\":\"lone \\udc00 half\"}", NULL, 0, "lone \xef\xbf\xbd half", NULL, NULL,
     NULL, 0, 0},
    {"{\"summary\":\"two \\ud83d\\ude00 halves\"}", NULL, 0,
     "two \xf0\x9f\x98\x80 halves", NULL, NULL, NULL, 0, 0},
    {"{\"summary\":\"\\u00e4 and \\u20ac\"}", NULL, 0, "\xc3\xa4 and \xe2\x82\xac", NULL,
     NULL, NULL, 0, 0},
    {"{\"summary\":\"wrong \\uZZ escape\"}", NULL, 0, "wrong \\uZZ escape", NULL, NULL,
     NULL, 0, 0},
    {"{\"summary\":\"bad \xff\xc3 bytes\"}", NULL, 0,
     "bad \xef\xbf\xbd\xef\xbf\xbd bytes", NULL, NULL, NULL, 0, 0},
    {"{\"summary\":\"bell \x07 gone\"}", NULL, 0, "bell  gone", NULL, NULL, NULL, 0, 0},

    // reasoning
    {"<think>\nLet me see {\"summary\":\"no\"}\n</think>\n" FULL, NULL, 0, "A page.",
     NULL, NULL, NULL, 0, 0},
    {"<THINK>x</THINK>" FULL, NULL, 0, "A page.", NULL, NULL, NULL, 0, 0},
    {"thoughts without a beginning</think>" FULL, NULL, 0, "A page.", NULL, NULL, NULL, 0,
     0},
    {"</think>\n\n" FULL, NULL, 0, "A page.", NULL, NULL, NULL, 0, 0},
    {"<think>only thoughts", "length", E_EMPTY, NULL, NULL, NULL, NULL, 0, 0},
    {"<think></think>", NULL, E_EMPTY, NULL, NULL, NULL, NULL, 0, 0},
    {"<|channel|>analysis<|message|>hm<|channel|>final<|message|>" FULL, NULL, 0,
     "A page.", NULL, NULL, NULL, 0, 0},
    {"{\"summary\":\"A chat with <think> and </think> in it\"}", NULL, 0,
     "A chat with <think> and </think> in it", NULL, NULL, NULL, 0, 0},

    // harmless wrong types
    {"{\"summary\":\"s\",\"tags\":\"One, two;three\"}", NULL, 0, "s", NULL,
     "[\"one\",\"two\",\"three\"]", NULL, 0, 0},
    {"{\"summary\":\"s\",\"tags\":[1,\"#Hash\",\"hash\",null,\" \",\"HASH\"]}", NULL, 0,
     "s", NULL, "[\"1\",\"hash\"]", NULL, 0, 0},
    {"{\"summary\":\"s\",\"tags\":{\"a\":1,\"b\":2}}", NULL, 0, "s", NULL,
     "[\"a\",\"b\"]", NULL, 0, 0},
    {"{\"summary\":42,\"details\":true,\"text\":[\"a\",\"b\",3]}", NULL, 0, "42", "true",
     NULL, "a\nb\n3", 0, 0},
    {"{\"summary\":\"s\",\"details\":{\"title\":\"T\",\"rows\":2}}", NULL, 0, "s",
     "title: T\nrows: 2", NULL, NULL, 0, 0},
    {"{\"SUMMARY\":\"Upper\",\"Text\":\"t\"}", NULL, 0, "Upper", NULL, NULL, "t", 0, 0},
    {"{\"description\":\"Only this. And more of it here.\"}", NULL, 0,
     "Only this. And more of it here.", NULL, NULL, NULL, 0, 0},
    {"{\"details\":\"A first sentence of some length. A second one.\"}", NULL, 0,
     "A first sentence of some length.", NULL, NULL, NULL, 0, 0},
    {"{\"activity\":\"coding\",\"tags\":[]}", NULL, 0, "coding", NULL, NULL, NULL, 0, 0},
    {"{\"summary\":\"\",\"text\":\"Line one\\nline two\"}", NULL, 0, "Line one", NULL,
     NULL, NULL, 0, 0},
    {"{\"summary\":\"string\",\"details\":\"N/A\",\"text\":\"real\"}", NULL, 0, "real",
     NULL, NULL, "real", 0, 0},

    // nothing in it
    {"", NULL, E_EMPTY, NULL, NULL, NULL, NULL, 0, 0},
    {" \n\t ", NULL, E_EMPTY, NULL, NULL, NULL, NULL, 0, 0},
    {"", "length", E_EMPTY, NULL, NULL, NULL, NULL, 0, 0},
    {"{\"summary\":\"\",\"details\":null,\"tags\":[]}", NULL, E_EMPTY, NULL, NULL, NULL,
     NULL, 0, 0},
    {"{\"summary\":\"...\",\"text\":\"none\"}", NULL, E_EMPTY, NULL, NULL, NULL, NULL, 0,
     0},

    // cut
    {"{\"summary\":\"A page.\",\"details\":\"and the", "length", E_UNFINISHED, NULL, NULL,
     NULL, NULL, 0, 0},
    {"{\"summary\":\"A page.\",\"details\":\"and the", NULL, E_UNFINISHED, NULL, NULL,
     NULL, NULL, 0, 0},
    {"{\"summary\":\"A page.\",\"tags\":[\"a\"", "length", E_UNFINISHED, NULL, NULL, NULL,
     NULL, 0, 0},
    {"{\"summary\":\"A page.\",\"details\":", NULL, E_UNFINISHED, NULL, NULL, NULL, NULL,
     0, 0},
    {"{\"summary\":\"A page.\",\"det\"", NULL, E_UNFINISHED, NULL, NULL, NULL, NULL, 0,
     0},
    {"{\"app\" :\" ci property", "length", E_UNFINISHED, NULL, NULL, NULL, NULL, 0, 0},
    {"{", NULL, E_UNFINISHED, NULL, NULL, NULL, NULL, 0, 0},
    {"{\"summary\":\"x\\", NULL, E_UNFINISHED, NULL, NULL, NULL, NULL, 0, 0},
    {"{\"summary\":\"x\\u00", NULL, E_UNFINISHED, NULL, NULL, NULL, NULL, 0, 0},
    {"A page about", "length", E_UNFINISHED, NULL, NULL, NULL, NULL, 0, 0},
    {"A page about", "max_tokens", E_UNFINISHED, NULL, NULL, NULL, NULL, 0, 0},
    {"A page about", "", E_UNFINISHED, NULL, NULL, NULL, NULL, 0, 0},
    {FULL, "abort", E_UNFINISHED, NULL, NULL, NULL, NULL, 0, 0},
    {FULL, "error", E_UNFINISHED, NULL, NULL, NULL, NULL, 0, 0},

    // another form
    {"{\"weather\":[1,2,{\"sunny\":null}]}", NULL, E_SCHEMA, NULL, NULL, NULL, NULL, 0,
     0},
    {"{\"type\":\"object\",\"properties\":{\"summary\":{\"type\":\"string\"}}}", NULL,
     E_SCHEMA, NULL, NULL, NULL, NULL, 0, 0},
    {"{}", NULL, E_SCHEMA, NULL, NULL, NULL, NULL, 0, 0},
    {"{\"summary\":\"a\" \"b\"}", NULL, E_SCHEMA, NULL, NULL, NULL, NULL, 0, 0},
    {"{\"summary\":\"x\",\"oops\":[1,2,,}", NULL, E_SCHEMA, NULL, NULL, NULL, NULL, 0, 0},
    {"{\"summary\":\"say \"hi\" there\"}", NULL, E_SCHEMA, NULL, NULL, NULL, NULL, 0, 0},
    {"{\"outer\" \"x\",\"in\":{\"summary\":\"not this one\"}}", NULL, E_SCHEMA, NULL,
     NULL, NULL, NULL, 0, 0},
    {"{\"weather\":\"sunny\"}", NULL, 0, "{\"weather\":\"sunny\"}", NULL, NULL, NULL,
     true, true},

    // plain words
    {"A screenshot of a terminal.", NULL, 0, "A screenshot of a terminal.", NULL, "[]",
     NULL, true, 0},
    {"A screenshot of code: int main() { return 0; }", NULL, 0, NULL, NULL, NULL, NULL,
     true, 0},
    {"\"A quoted answer.\"", NULL, 0, "\"A quoted answer.\"", NULL, NULL, NULL, true, 0},
    {"\xe7\x94\xbb\xe9\x9d\xa2\xe3\x81\xae\xe8\xaa\xac\xe6\x98\x8e", NULL, 0, NULL, NULL,
     NULL, NULL, true, 0},
    {"Line one.\nLine two.", NULL, 0, "Line one.\nLine two.", NULL, NULL, NULL, true,
     true},
    {"<!DOCTYPE html><html><body>Welcome to nginx</body></html>", NULL, E_GARBAGE, NULL,
     NULL, NULL, NULL, 0, 0},
    {"  <html>x</html>", NULL, E_GARBAGE, NULL, NULL, NULL, NULL, 0, 0},
    {"\x01\x02\x03\x04\x05\x06\x07\xff\xfe\xfd\xfc"
     "ab",
     NULL, E_GARBAGE, NULL, NULL, NULL, NULL, 0, 0},
    {"1234567890 !!! ---", NULL, E_GARBAGE, NULL, NULL, NULL, NULL, 0, 0},
    {"ok", NULL, E_GARBAGE, NULL, NULL, NULL, NULL, 0, 0},

    // refusals
    {"I'm sorry, but I can't assist with that.", NULL, E_REFUSAL, NULL, NULL, NULL, NULL,
     0, 0},
    {"I\xe2\x80\x99m sorry, but I can\xe2\x80\x99t help with that request.", NULL,
     E_REFUSAL, NULL, NULL, NULL, NULL, 0, 0},
    {"As an AI, I cannot view images.", NULL, E_REFUSAL, NULL, NULL, NULL, NULL, 0, 0},
    {"I am unable to describe the picture.", NULL, E_REFUSAL, NULL, NULL, NULL, NULL, 0,
     0},
    {"{\"summary\":\"I'm sorry, I cannot assist with this image.\",\"tags\":[]}", NULL,
     E_REFUSAL, NULL, NULL, NULL, NULL, 0, 0},
    {"{\"summary\":\"I cannot help.\",\"details\":\"I'm sorry, but I am unable to "
     "provide "
     "that.\"}",
     NULL, E_REFUSAL, NULL, NULL, NULL, NULL, 0, 0},
    {FULL, "content_filter", E_REFUSAL, NULL, NULL, NULL, NULL, 0, 0},
    {"{\"summary\":\"Sorry, this page is not available: an error page.\"}", NULL, 0, NULL,
     NULL, NULL, NULL, 0, 0},
    {"{\"summary\":\"A mail that says: I'm sorry, I can't help you.\"}", NULL, 0, NULL,
     NULL, NULL, NULL, 0, 0},
    {"{\"summary\":\"I can't view this\",\"text\":\"File not found: report.pdf\"}", NULL,
     0, NULL, NULL, NULL, NULL, 0, 0},
};

static bool differs(const char *got, const char *wanted)
{
    return wanted && (!got || strcmp(got, wanted) != 0);
}

static int check(const char *content, size_t len, const char *reason, bool wants_schema,
                 struct answer *out, struct err *e)
{
    struct answer_input in = {.content = content,
                              .content_len = len,
                              .finish_reason = reason,
                              .prompt_tokens = -1,
                              .completion_tokens = -1,
                              .max_tokens = 500,
                              .wants_schema = wants_schema};
    // a copy of its own, so that a sanitizer sees a read past the end
    char *copy = malloc(len ? len : 1);
    memcpy(copy, content, len);
    in.content = copy;
    int rc = answer_check(&in, out, e);
    free(copy);
    return rc;
}

static void answers_are_as_in_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        struct answer a;
        struct err e = {0};
        int rc = check(r->content, strlen(r->content), r->reason ? r->reason : "stop",
                       !r->is_free, &a, &e);
        if (rc != r->expected || e.code != rc) {
            fail_msg("%s: %s instead of %s: %s", r->content, err_name(rc),
                     err_name(r->expected), e.msg);
        }
        if (differs(a.summary, r->summary) || differs(a.details, r->details) ||
            differs(a.tags, r->tags) || differs(a.text, r->text)) {
            fail_msg("%s: %s / %s / %s / %s", r->content, a.summary, a.details, a.tags,
                     a.text);
        }
        assert_int_equal(a.is_plain, r->is_plain && rc == 0);
        assert_int_equal(a.summary != NULL, rc == 0);
        assert_int_equal(a.tags != NULL, rc == 0);
        assert_int_equal(a.raw != NULL, rc == 0);
        answer_fini(&a);
        assert_null(a.summary);
    }
}

static void nothing_at_all_is_empty(void **state)
{
    (void)state;
    struct answer_input in = {.content = NULL, .content_len = 5};
    struct answer a;
    struct err e;
    assert_int_equal(answer_check(&in, &a, &e), E_EMPTY);
    in.finish_reason = NULL;
    assert_int_equal(answer_check(&in, &a, NULL), E_EMPTY);
    answer_fini(&a);
    answer_fini(&a);
}

static void bytes_behind_a_nul_count(void **state)
{
    (void)state;
    static const char text[] = "{\"summary\":\"a\0b\"}";
    struct answer a;
    struct err e;
    assert_int_equal(check(text, sizeof(text) - 1, "stop", true, &a, &e), 0);
    assert_string_equal(a.summary, "ab");
    answer_fini(&a);
}

static void raw_keeps_the_words_without_reasoning(void **state)
{
    (void)state;
    static const char text[] = "<think>secret</think> ```json\n{\"summary\":\"s\"}\n``` ";
    struct answer a;
    struct err e;
    assert_int_equal(check(text, sizeof(text) - 1, "stop", true, &a, &e), 0);
    assert_string_equal(a.raw, "```json\n{\"summary\":\"s\"}\n```");
    answer_fini(&a);
}

// Servers that say "stop" when they cut: PROTOCOLS.md 13.20.
static void the_cap_counts_as_a_cut(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        int64_t completion_tokens;
        int expected;
    } cut[] = {
        {"A page about", 500, E_UNFINISHED},
        {"A page about.", 499, 0},
        {"A page about.", -1, 0},
        {FULL, 500, 0},
        {"{\"summary\":\"x\"", 500, E_UNFINISHED},
        {"{\"summary\":\"x\"", 499, 0},
        {"{\"summary\":\"x", 499, E_UNFINISHED},
    };
    for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
        struct answer_input in = {.content = cut[i].content,
                                  .content_len = strlen(cut[i].content),
                                  .finish_reason = "stop",
                                  .prompt_tokens = -1,
                                  .completion_tokens = cut[i].completion_tokens,
                                  .max_tokens = 500,
                                  .wants_schema = true};
        struct answer a;
        assert_int_equal(answer_check(&in, &a, NULL), cut[i].expected);
        answer_fini(&a);
    }
}

static void a_dropped_picture_shows_in_the_tokens(void **state)
{
    (void)state;
    static const struct {
        int64_t prompt_tokens, text_tokens, image_tokens;
        int expected;
    } seen[] = {
        {130, 100, 60, E_IMAGE_DROPPED},  // words only
        {159, 100, 60, E_IMAGE_DROPPED},
        {160, 100, 60, 0},
        {100 + 256, 100, 60, 0},  // Gemma 3
        {100 + 66, 100, 60, 0},   // Gemma 4 with its smallest budget
        {100 + 192, 100, 60, 0},  // MiniCPM-V
        {100 + 729, 100, 60, 0},  // Moondream
        {20, 0, 60, 0},           // not checked
        {0, 100, 60, 0},          // not told
        {-1, 100, 60, 0},
    };
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
        struct answer_input in = {.content = FULL,
                                  .content_len = strlen(FULL),
                                  .finish_reason = "stop",
                                  .prompt_tokens = seen[i].prompt_tokens,
                                  .completion_tokens = -1,
                                  .text_tokens = seen[i].text_tokens,
                                  .image_tokens = seen[i].image_tokens};
        struct answer a;
        assert_int_equal(answer_check(&in, &a, NULL), seen[i].expected);
        answer_fini(&a);
    }
}

// ---- loops

static void repeat(struct buf *b, const char *piece, int times)
{
    for (int i = 0; i < times; i++) {
        assert_int_equal(buf_add_str(b, piece), 0);
    }
}

static int check_built(struct buf *b, const char *reason)
{
    struct answer a;
    struct err e;
    int rc = check(buf_str(b), b->len, reason, true, &a, &e);
    answer_fini(&a);
    buf_clear(b);
    return rc;
}

static void loops_are_no_answers(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    repeat(&b, "the same again ", 200);
    assert_int_equal(check_built(&b, "length"), E_REPETITION);
    repeat(&b, "{\"summary\":\"", 1);
    repeat(&b, "no no no no ", 50);
    assert_int_equal(check_built(&b, "length"), E_REPETITION);
    repeat(&b, "{\"summary\":\"", 1);
    repeat(&b, "no no no no ", 50);
    repeat(&b, "\"}", 1);
    assert_int_equal(check_built(&b, "stop"), E_REPETITION);
    // sentences with something else between them
    repeat(&b, "{\"summary\":\"ok\",\"details\":\"", 1);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(
            buf_printf(&b, "The window shows a list. Item %d is here. ", i / 3), 0);
    }
    repeat(&b, "The end of it all.\"}", 1);
    assert_int_equal(check_built(&b, "stop"), E_REPETITION);
    // words without sentences
    repeat(&b, "{\"summary\":\"ok\",\"details\":\"", 1);
    repeat(&b, "list of items in the list of things in the ", 20);
    repeat(&b, "and an end\"}", 1);
    assert_int_equal(check_built(&b, "stop"), E_REPETITION);
    // a text that is nothing else
    repeat(&b, "{\"summary\":\"ok\",\"text\":\"", 1);
    repeat(&b, "hello world ", 400);
    repeat(&b, "\"}", 1);
    assert_int_equal(check_built(&b, "stop"), E_REPETITION);
    buf_fini(&b);
}

static void tables_and_logs_are_answers(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    // a log in the text: the same line thirty times
    repeat(&b, "{\"summary\":\"A log.\",\"text\":\"", 1);
    repeat(&b, "ERROR connection refused\\n", 30);
    repeat(&b, "\"}", 1);
    assert_int_equal(check_built(&b, "stop"), 0);
    // a spreadsheet of zeros and a rule
    repeat(&b, "{\"summary\":\"A sheet.\",\"text\":\"", 1);
    repeat(&b, "0 0 0 0 0 0 0 0\\n", 60);
    repeat(&b, "----------------------------------------------------------------", 4);
    repeat(&b, "\"}", 1);
    assert_int_equal(check_built(&b, "stop"), 0);
    // a listing in the details: alike, but not the same
    repeat(&b, "{\"summary\":\"A folder.\",\"details\":\"", 1);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(
            buf_printf(&b, "File report_%d.pdf has %d pages. ", i, i * 7 % 31), 0);
    }
    repeat(&b, "\"}", 1);
    assert_int_equal(check_built(&b, "stop"), 0);
    // a short repetition is a way of speaking
    repeat(&b, "{\"summary\":\"Knock, knock, knock, knock: a door.\"}", 1);
    assert_int_equal(check_built(&b, "stop"), 0);
    buf_fini(&b);
}

// ---- limits

static void fields_are_limited_between_characters(void **state)
{
    (void)state;
    static const char *const names[] = {"summary", "activity", "app", "details", "text"};
    struct buf b;
    struct answer a;
    struct err e;
    buf_init(&b, 1 << 20);
    repeat(&b, "{", 1);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(buf_printf(&b, "\"%s\":\"x", names[i]), 0);
        for (int k = 0; k < 6000; k++) {
            // three bytes each, and none like the one before
            assert_int_equal(buf_printf(&b, "\xe4\xb8%c%s",
                                        0x80 + k * k % 61 * (k / 61 + 3) % 61,
                                        k % 5 ? "" : " "),
                             0);
        }
        repeat(&b, "\",", 1);
    }
    repeat(&b, "\"tags\":[\"t0\"", 1);
    for (int i = 1; i < 50; i++) {
        assert_int_equal(buf_printf(&b, ",\"t%d%0100d\"", i, i), 0);
    }
    repeat(&b, "]}", 1);
    int rc = check(buf_str(&b), b.len, "stop", true, &a, &e);
    assert_int_equal(rc, 0);
    assert_in_range(strlen(a.summary), 990, 1000);
    assert_in_range(strlen(a.activity), 190, 200);
    assert_in_range(strlen(a.app), 190, 200);
    assert_in_range(strlen(a.details), 7990, 8000);
    assert_in_range(strlen(a.text), 15990, 16000);
    assert_in_range(strlen(a.raw), 65000, 65536);
    assert_true(utf8_is_valid(a.summary, strlen(a.summary)));
    assert_true(utf8_is_valid(a.text, strlen(a.text)));
    assert_true(utf8_is_valid(a.raw, strlen(a.raw)));
    struct cJSON *tags = json_parse(a.tags, strlen(a.tags));
    assert_int_equal(cJSON_GetArraySize(tags), 20);
    assert_int_equal(strlen(cJSON_GetArrayItem(tags, 5)->valuestring), 63);
    json_free(tags);
    answer_fini(&a);
    buf_fini(&b);
}

static void long_plain_words_become_summary_and_details(void **state)
{
    (void)state;
    struct buf b;
    struct answer a;
    struct err e;
    buf_init(&b, 1 << 20);
    repeat(&b, "The picture shows a window with a mail. ", 1);
    for (int i = 0; i < 60; i++) {
        assert_int_equal(buf_printf(&b, "Line %d of the mail has the word w%d. ", i, i),
                         0);
    }
    assert_int_equal(check(buf_str(&b), b.len, "stop", true, &a, &e), 0);
    assert_true(a.is_plain);
    assert_string_equal(a.summary, "The picture shows a window with a mail.");
    assert_memory_equal(a.details, a.summary, 39);
    assert_true(strlen(a.details) > 1000);
    answer_fini(&a);
    buf_fini(&b);
}

static void an_endless_answer_is_garbage(void **state)
{
    (void)state;
    size_t len = (2u << 20);
    char *text = malloc(len);
    struct answer a;
    struct err e;
    memset(text, 'x', len);
    assert_int_equal(check(text, len, "stop", true, &a, &e), E_GARBAGE);
    free(text);
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    repeat(&b, "{\"summary\":", 1);
    repeat(&b, "[", 1000);
    repeat(&b, "1", 1);
    repeat(&b, "]", 1000);
    repeat(&b, "}", 1);
    assert_int_equal(check_built(&b, "stop"), E_SCHEMA);
    // deep, but allowed: only the first levels are words
    repeat(&b, "{\"summary\":\"s\",\"details\":", 1);
    repeat(&b, "[", 50);
    repeat(&b, "1", 1);
    repeat(&b, "]", 50);
    repeat(&b, "}", 1);
    assert_int_equal(check_built(&b, "stop"), 0);
    buf_fini(&b);
}

// The schema that is sent is what strict servers ask for, and what is read.
static void the_schema_is_strict(void **state)
{
    (void)state;
    struct cJSON *schema = json_parse(answer_schema, strlen(answer_schema));
    assert_non_null(schema);
    cJSON *properties = json_get(schema, "properties");
    cJSON *required = json_get(schema, "required");
    cJSON *item = NULL;
    assert_int_equal(cJSON_GetArraySize(properties), cJSON_GetArraySize(required));
    cJSON_ArrayForEach(item, required)
    {
        assert_non_null(json_get(properties, item->valuestring));
        assert_non_null(strstr(answer_form, item->valuestring));
    }
    assert_false(json_get_bool(schema, "additionalProperties", true));
    json_free(schema);
}

// Answers with bytes changed, cut and doubled: any result is fine, a crash is not.
static void damaged_answers_are_harmless(void **state)
{
    (void)state;
    uint64_t x = 88172645463325252u;
    char text[512];
    for (int i = 0; i < 40000; i++) {
        const struct row *r = &rows[(size_t)i % (sizeof(rows) / sizeof(rows[0]))];
        size_t len = strlen(r->content);
        len = len < sizeof(text) ? len : sizeof(text);
        memcpy(text, r->content, len);
        for (int k = 0; k < 3 && len > 0; k++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            size_t at = (size_t)(x >> 20) % len;
            text[at] = "{}[]\",:\\u0\xff\x00<>a"[(x >> 8) % 16];
            len = (x & 7) == 0 ? at : len;
        }
        struct answer a;
        struct err e;
        int rc = check(text, len, x & 8 ? "stop" : "length", x & 16, &a, &e);
        assert_int_equal(rc == 0, a.summary != NULL);
        if (rc == 0) {
            assert_true(utf8_is_valid(a.summary, strlen(a.summary)));
            struct cJSON *tags = json_parse(a.tags, strlen(a.tags));
            assert_true(cJSON_IsArray(tags));
            json_free(tags);
        }
        answer_fini(&a);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_as_in_the_table),
        cmocka_unit_test(nothing_at_all_is_empty),
        cmocka_unit_test(bytes_behind_a_nul_count),
        cmocka_unit_test(raw_keeps_the_words_without_reasoning),
        cmocka_unit_test(the_cap_counts_as_a_cut),
        cmocka_unit_test(a_dropped_picture_shows_in_the_tokens),
        cmocka_unit_test(loops_are_no_answers),
        cmocka_unit_test(tables_and_logs_are_answers),
        cmocka_unit_test(fields_are_limited_between_characters),
        cmocka_unit_test(long_plain_words_become_summary_and_details),
        cmocka_unit_test(an_endless_answer_is_garbage),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(the_schema_is_strict),
        cmocka_unit_test(damaged_answers_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
