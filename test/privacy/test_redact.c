// test_redact.c -- what becomes of a text with secrets in it.
// SPDX-License-Identifier: MIT
#include "privacy/redact.h"

#include "base/utf8.h"
#include "privacy/corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct privacy_finder *finder;

static void redact(const char *text, uint32_t categories, struct buf *out, int *counts)
{
    memset(counts, 0, PRIVACY_CATEGORIES * sizeof(*counts));
    assert_int_equal(privacy_redact(finder, text, categories, out, counts), 0);
}

static void findings_become_their_names(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"", ""},
        {"nothing here", "nothing here"},
        {"4111 1111 1111 1111", "[card]"},
        {"pay 4111 1111 1111 1111 now", "pay [card] now"},
        {"IBAN DE89 3704 0044 0532 0130 00, 123-45-6789", "IBAN [iban], [ssn]"},
        {"password: hunter2\nemail: a@example.com",
         "password: [password]\nemail: [email]"},
        {"größe 4111111111111111 größe", "größe [card] größe"},
        {"{\"password\":\"x9!kk2\"}", "{\"password\":\"[password]\"}"},
        {"[card] and [password]", "[card] and [password]"},
        {"Password: [password]", "Password: [password]"},
        {"[api_key] [token] [national_id] 12345678Z",
         "[api_key] [token] [national_id] [national_id]"},
        {"a\xff 4111111111111111 \xc3", "a\xff [card] \xc3"},
    };
    struct buf out;
    int counts[PRIVACY_CATEGORIES];
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        redact(rows[i].text, PRIVACY_ALL, &out, counts);
        assert_string_equal(buf_str(&out), rows[i].expected);
    }
    buf_fini(&out);
}

static void only_the_categories_asked_for(void **state)
{
    (void)state;
    static const char text[] = "a@example.com, b@example.com: 4111 1111 1111 1111";
    struct buf out;
    int counts[PRIVACY_CATEGORIES];
    buf_init(&out, 1000);
    redact(text, privacy_bit(PRIVACY_CARD), &out, counts);
    assert_string_equal(buf_str(&out), "a@example.com, b@example.com: [card]");
    assert_int_equal(counts[PRIVACY_CARD], 1);
    assert_int_equal(counts[PRIVACY_EMAIL], 0);
    redact(text, privacy_bit(PRIVACY_EMAIL), &out, counts);
    assert_string_equal(buf_str(&out), "[email], [email]: 4111 1111 1111 1111");
    assert_int_equal(counts[PRIVACY_EMAIL], 2);
    redact(text, 0, &out, counts);
    assert_string_equal(buf_str(&out), text);
    // counts are added to
    assert_int_equal(privacy_redact(finder, text, PRIVACY_ALL, &out, counts), 0);
    assert_int_equal(privacy_redact(finder, text, PRIVACY_ALL, &out, counts), 0);
    assert_int_equal(counts[PRIVACY_EMAIL], 4);
    assert_int_equal(counts[PRIVACY_CARD], 2);
    buf_fini(&out);
}

static void more_findings_than_fit_are_all_replaced(void **state)
{
    (void)state;
    enum { N = 2 * PRIVACY_FINDINGS_MAX + 77 };
    static const char one[] = "x9@example.com 4111111111111111\n";
    char *text = malloc(N * sizeof(one));
    size_t len = 0;
    for (int i = 0; i < N; i++) {
        memcpy(text + len, one, sizeof(one));
        len += sizeof(one) - 1;
    }
    struct buf out;
    int counts[PRIVACY_CATEGORIES];
    buf_init(&out, 1 << 20);
    redact(text, PRIVACY_ALL, &out, counts);
    assert_null(strstr(buf_str(&out), "@"));
    assert_null(strstr(buf_str(&out), "4111"));
    assert_int_equal(counts[PRIVACY_EMAIL], N);
    assert_int_equal(counts[PRIVACY_CARD], N);
    buf_fini(&out);
    free(text);
}

// Half a redacted text is none: it might end in the middle of what was to be hidden.
static void nothing_is_left_when_it_does_not_fit(void **state)
{
    (void)state;
    struct buf out;
    int counts[PRIVACY_CATEGORIES] = {0};
    buf_init(&out, 20);
    assert_int_equal(privacy_redact(finder, "short", PRIVACY_ALL, &out, counts), 0);
    assert_int_equal(privacy_redact(finder, "this text is a little too long for it",
                                    PRIVACY_ALL, &out, counts),
                     E_TOOBIG);
    assert_int_equal(out.len, 0);
    buf_fini(&out);
}

static void no_secret_of_the_corpus_stays(void **state)
{
    (void)state;
    enum { N = 4000 };
    static struct corpus_item items[N];
    struct buf once, twice;
    int counts[PRIVACY_CATEGORIES], again[PRIVACY_CATEGORIES];
    int left = 0, secrets = 0;
    buf_init(&once, 1 << 16);
    buf_init(&twice, 1 << 16);
    corpus_fill(items, N, 99);
    for (int i = 0; i < N; i++) {
        redact(items[i].text, PRIVACY_ALL, &once, counts);
        redact(buf_str(&once), PRIVACY_ALL, &twice, again);
        assert_string_equal(buf_str(&twice), buf_str(&once));
        assert_true(utf8_is_valid(buf_str(&once), once.len));
        secrets += items[i].is_secret;
        left += items[i].is_secret && strstr(buf_str(&once), items[i].secret) != NULL;
    }
    print_message("%d of %d secrets left\n", left, secrets);
    assert_true(left * 200 <= secrets);
    buf_fini(&once);
    buf_fini(&twice);
}

static int open_finder(void **state)
{
    (void)state;
    return privacy_finder_open(&finder, NULL);
}

static int close_finder(void **state)
{
    (void)state;
    privacy_finder_free(finder);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_become_their_names),
        cmocka_unit_test(only_the_categories_asked_for),
        cmocka_unit_test(more_findings_than_fit_are_all_replaced),
        cmocka_unit_test(nothing_is_left_when_it_does_not_fit),
        cmocka_unit_test(no_secret_of_the_corpus_stays),
    };
    return cmocka_run_group_tests(tests, open_finder, close_finder);
}
