// test_live.c -- a streamed answer never shows what redaction would remove.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "base/err.h"
#include "privacy/redact.h"
#include "spine/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct heard {
    struct buf all;  // told, all fields
    char field[32];  // of the last
    int n;           // tellings
    bool refuses;
    int redactions;
    size_t longest;  // that was redacted
    struct privacy_finder *finder;
} heard;

static int redact(void *arg, const char *text, struct buf *out)
{
    int counts[PRIVACY_CATEGORIES] = {0};
    (void)arg;
    heard.redactions++;
    heard.longest = strlen(text) > heard.longest ? strlen(text) : heard.longest;
    return heard.refuses ? -1
                         : privacy_redact(heard.finder, text, PRIVACY_ALL, out, counts);
}

static void tell(void *arg, const char *field, const char *text, size_t len)
{
    (void)arg;
    assert_true(len > 0);
    snprintf(heard.field, sizeof(heard.field), "%s", field);
    assert_int_equal(buf_add(&heard.all, text, len), 0);
    heard.n++;
}

static const struct live_ends ends = {NULL, redact, tell};

static int setup(void **state)
{
    (void)state;
    memset(&heard, 0, sizeof(heard));
    buf_init(&heard.all, 1 << 20);
    struct err e = {0};
    return privacy_finder_open(&heard.finder, &e);
}

static int teardown(void **state)
{
    (void)state;
    buf_fini(&heard.all);
    privacy_finder_free(heard.finder);
    return 0;
}

static const char filler[] =
    "The window shows a list of invoices with their dates and amounts, and a side bar. ";

// Pieces of n bytes; what was told before the end comes back.
static size_t stream(const char *text, size_t n)
{
    struct live l;
    live_init(&l);
    size_t len = strlen(text);
    for (size_t at = 0; at < len; at += n) {
        live_feed(&l, &ends, "summary", text + at, len - at < n ? len - at : n,
                  (int64_t)at * LIVE_PAUSE_MS);
    }
    size_t early = heard.all.len;
    live_end(&l, &ends);
    live_fini(&l);
    return early;
}

static void assert_whole(const char *text)
{
    struct buf clean;
    buf_init(&clean, 1 << 20);
    assert_int_equal(redact(NULL, text, &clean), 0);
    assert_string_equal(buf_str(&heard.all), buf_str(&clean));
    buf_fini(&clean);
}

static void plain_words_come_early_and_whole(void **state)
{
    (void)state;
    char text[2000] = "";
    for (int i = 0; i < 12; i++) {
        strcat(text, filler);
    }
    for (size_t n = 1; n < 200; n += 33) {
        buf_clear(&heard.all);
        heard.n = 0;
        size_t early = stream(text, n);
        assert_true(early > strlen(text) / 2);
        assert_true(heard.n > 3);
        assert_whole(text);
    }
    assert_string_equal(heard.field, "summary");
}

static void short_texts_come_at_the_end(void **state)
{
    (void)state;
    assert_int_equal(stream("A terminal.", 3), 0);
    assert_string_equal(buf_str(&heard.all), "A terminal.");
    assert_int_equal(heard.n, 1);
}

// Wherever the text is cut, the secret is never among what was told.
static void secrets_are_never_told(void **state)
{
    (void)state;
    static const struct {
        const char *before, *secret, *part;
    } rows[] = {
        {"The card number is ", "4111 1111 1111 1111", "4111"},
        {"Contact ", "jane.doe@example.com", "jane.doe"},
        {"The password is: ", "hunter2-Xk9!", "hunter2"},
        {"api key ", "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH", "abcdefgh"},
        {"IBAN ", "DE89 3704 0044 0532 0130 00", "3704"},
        {"token ",
         "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6Ikpva"
         "G4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
         "eyJzdWIi"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t n = 1; n < 120; n += 7) {
            char text[4000] = "";
            for (int k = 0; k < 7; k++) {
                strcat(text, filler);
            }
            strcat(text, rows[i].before);
            strcat(text, rows[i].secret);
            strcat(text, ". ");
            for (int k = 0; k < 7; k++) {
                strcat(text, filler);
            }
            buf_clear(&heard.all);
            stream(text, n);
            if (strstr(buf_str(&heard.all), rows[i].part)) {
                fail_msg("row %zu, pieces of %zu: %s", i, n, buf_str(&heard.all));
            }
            assert_whole(text);
        }
    }
}

// Longer than what is held back: known by its first line, over only at its last.
static void a_key_in_lines_is_held_to_its_end(void **state)
{
    (void)state;
    char text[6000] = "";
    for (int k = 0; k < 5; k++) {
        strcat(text, filler);
    }
    strcat(text, "\n-----BEGIN PRIVATE KEY-----\n");
    for (int k = 0; k < 26; k++) {
        strcat(text,
               "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n");
    }
    strcat(text, "-----END PRIVATE KEY-----\n");
    for (int k = 0; k < 5; k++) {
        strcat(text, filler);
    }
    for (size_t n = 1; n < 90; n += 11) {
        buf_clear(&heard.all);
        stream(text, n);
        assert_null(strstr(buf_str(&heard.all), "MIIEvQ"));
    }
}

static void each_field_is_told_for_itself(void **state)
{
    (void)state;
    struct live l;
    live_init(&l);
    live_feed(&l, &ends, "summary", "One thing.", 10, 0);
    assert_int_equal(heard.n, 0);
    live_feed(&l, &ends, "activity", "Another.", 8, 0);
    assert_int_equal(heard.n, 1);
    assert_string_equal(heard.field, "summary");
    live_end(&l, &ends);
    assert_string_equal(heard.field, "activity");
    assert_string_equal(buf_str(&heard.all), "One thing.Another.");
    live_fini(&l);
}

static void what_can_not_be_redacted_is_not_told(void **state)
{
    (void)state;
    char text[2000] = "";
    for (int i = 0; i < 12; i++) {
        strcat(text, filler);
    }
    heard.refuses = true;
    stream(text, 10);
    assert_int_equal(heard.all.len, 0);
}

static void endless_text_ends_quietly(void **state)
{
    (void)state;
    struct live l;
    live_init(&l);
    for (int i = 0; i < 1000; i++) {
        live_feed(&l, &ends, "details", filler, sizeof(filler) - 1, i * 100);
    }
    assert_true(heard.all.len <= LIVE_MOST);
    live_fini(&l);
}

enum { LONG = 24 << 10 };

static void fill_long(char *text)
{
    *text = 0;
    while (strlen(text) < LONG) {
        strcat(text, filler);
        strcat(text,
               strlen(text) % 5 ? "" : "The card is 4111 1111 1111 1111, so far.\n");
    }
}

// What was told long ago is not looked at again.
static void a_long_text_is_told_whole_from_a_small_window(void **state)
{
    (void)state;
    static char text[LONG + 200];
    fill_long(text);
    assert_non_null(strstr(text, "4111"));
    for (size_t n = 3; n < 3000; n *= 7) {
        buf_clear(&heard.all);
        heard.longest = 0;
        stream(text, n);
        assert_in_range(heard.longest, 1, LIVE_WINDOW);
        assert_whole(text);
    }
}

// As when a server holds all of an answer back: no look for every few letters.
static void what_comes_at_once_is_looked_at_seldom(void **state)
{
    (void)state;
    static char text[LONG + 200];
    struct live l;
    live_init(&l);
    fill_long(text);
    for (size_t at = 0; at < strlen(text); at += 5) {
        const size_t left = strlen(text) - at;
        live_feed(&l, &ends, "summary", text + at, left < 5 ? left : 5, 1000);
    }
    assert_in_range(heard.redactions, 1, 4 * LONG / LIVE_KEEP);
    live_end(&l, &ends);
    live_fini(&l);
    assert_whole(text);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(plain_words_come_early_and_whole),
        CASE(short_texts_come_at_the_end),
        CASE(secrets_are_never_told),
        CASE(a_key_in_lines_is_held_to_its_end),
        CASE(each_field_is_told_for_itself),
        CASE(what_can_not_be_redacted_is_not_told),
        CASE(endless_text_ends_quietly),
        CASE(a_long_text_is_told_whole_from_a_small_window),
        CASE(what_comes_at_once_is_looked_at_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
