// test_ocr_wire.c -- the limits of the helper's protocol.
// SPDX-License-Identifier: MIT
#include "ocr/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void pages_have_limits(void **state)
{
    (void)state;
    static const struct {
        uint32_t width, height;
        int rc;
    } rows[] = {
        {1, 1, 0},
        {32767, 1, 0},
        {1, 32767, 0},
        {8000, 5000, 0},
        {8000, 5001, E_TOOBIG},
        {0, 1, E_TOOBIG},
        {1, 0, E_TOOBIG},
        {32768, 1, E_TOOBIG},
        {1, 32768, E_TOOBIG},
        {32767, 32767, E_TOOBIG},
        {UINT32_MAX, UINT32_MAX, E_TOOBIG},
        {0x10000, 0x10000, E_TOOBIG},  // the product is 0 in 32 bits
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire_page p = {.width = rows[i].width, .height = rows[i].height};
        assert_int_equal(wire_page_check(&p), rows[i].rc);
    }
}

static void languages_are_names_not_paths(void **state)
{
    (void)state;
    static const char *const good[] = {"eng", "eng+deu", "chi_sim", "aze_cyrl+eng", "L2"};
    static const char *const bad[] = {"",     "../eng", "eng/deu", "eng deu", "+eng",
                                      "eng+", "e.g",    "deu;ls",  "\xc3\xa9"};
    char longest[WIRE_LANGUAGE_BYTES + 1] = {0};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(wire_is_language(good[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(wire_is_language(bad[i]));
    }
    memset(longest, 'e', WIRE_LANGUAGE_BYTES - 1);
    assert_true(wire_is_language(longest));
    longest[WIRE_LANGUAGE_BYTES - 1] = 'e';
    assert_false(wire_is_language(longest));
}

static void answers_have_limits(void **state)
{
    (void)state;
    static const struct {
        struct wire_answer a;
        int rc;
    } rows[] = {
        {{WIRE_ANSWER_MAGIC, WIRE_OK, 0, 0, 0, 0}, 0},
        {{WIRE_ANSWER_MAGIC, WIRE_OK, 5, 5, 0, 0}, 0},
        {{WIRE_ANSWER_MAGIC, WIRE_OK, 5, 6, 0, 0}, E_GARBAGE},
        {{WIRE_ANSWER_MAGIC, WIRE_FAILED, WIRE_MAX_TEXT_BYTES, 0, WIRE_MAX_WORDS, 100},
         0},
        {{WIRE_ANSWER_MAGIC, WIRE_STATUSES, 0, 0, 0, 0}, E_GARBAGE},
        {{WIRE_PAGE_MAGIC, WIRE_OK, 0, 0, 0, 0}, E_GARBAGE},
        {{WIRE_ANSWER_MAGIC, WIRE_OK, WIRE_MAX_TEXT_BYTES + 1, 0, 0, 0}, E_GARBAGE},
        {{WIRE_ANSWER_MAGIC, WIRE_OK, 0, 0, WIRE_MAX_WORDS + 1, 0}, E_GARBAGE},
        {{WIRE_ANSWER_MAGIC, WIRE_OK, 0, 0, 0, 101}, E_GARBAGE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(wire_answer_check(&rows[i].a), rows[i].rc);
    }
    assert_int_equal(wire_body_bytes(&rows[3].a), (4 << 20) + 100000 * 28);
}

static void words_lie_inside_text_and_page(void **state)
{
    (void)state;
    static const char text[] = "hello w\xc3\xb6rld";
    static const struct wire_page page = {.width = 100, .height = 50};
    static const struct {
        struct wire_word w;
        int rc;
    } rows[] = {
        {{0, 0, 100, 50, 100, 0, 12}, 0},
        {{100, 50, 0, 0, 0, 12, 0}, 0},
        {{-1, 0, 2, 2, 0, 0, 1}, E_GARBAGE},
        {{0, -1, 2, 2, 0, 0, 1}, E_GARBAGE},
        {{0, 0, -2, 2, 0, 0, 1}, E_GARBAGE},
        {{99, 0, 2, 2, 0, 0, 1}, E_GARBAGE},
        {{0, 49, 2, 2, 0, 0, 1}, E_GARBAGE},
        {{INT32_MAX, 0, INT32_MAX, 2, 0, 0, 1}, E_GARBAGE},
        {{0, 0, 2, 2, 101, 0, 1}, E_GARBAGE},
        {{0, 0, 2, 2, 0, 13, 0}, E_GARBAGE},
        {{0, 0, 2, 2, 0, 12, 1}, E_GARBAGE},
        {{0, 0, 2, 2, 0, 1, UINT32_MAX}, E_GARBAGE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire_answer a = {.text_len = 12, .words = 1};
        assert_int_equal(wire_body_check(&a, &page, &rows[i].w, text), rows[i].rc);
    }
}

static void text_is_utf8_without_nul(void **state)
{
    (void)state;
    static const struct wire_page page = {.width = 1, .height = 1};
    struct wire_answer a = {.text_len = 3};
    assert_int_equal(wire_body_check(&a, &page, NULL, "\xe2\x82\xac"), 0);
    assert_int_equal(wire_body_check(&a, &page, NULL, "a\xe9z"), E_GARBAGE);
    assert_int_equal(wire_body_check(&a, &page, NULL, "a\0z"), E_GARBAGE);
    a.text_len = 2;  // cut inside the character
    assert_int_equal(wire_body_check(&a, &page, NULL, "\xe2\x82\xac"), E_GARBAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_have_limits),
        cmocka_unit_test(languages_are_names_not_paths),
        cmocka_unit_test(answers_have_limits),
        cmocka_unit_test(words_lie_inside_text_and_page),
        cmocka_unit_test(text_is_utf8_without_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
