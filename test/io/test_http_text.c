// test_http_text.c -- whose machine a URL names, and when to ask again.
// SPDX-License-Identifier: MIT
#include "io/http.h"

#include "io/http_call.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

// The privacy gate hangs on this table: "true" means that a screenshot may be sent.
static void only_this_machine_is_loopback(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool is_loopback;
    } table[] = {
        {"http://127.0.0.1", true},
        {"http://127.0.0.1:11434/api", true},
        {"https://127.255.255.254/", true},
        {"http://127.1:8080/", true},
        {"http://2130706433/", true},
        {"http://0x7f000001/", true},
        {"http://localhost:1234", true},
        {"HTTP://LocalHost/", true},
        {"http://[::1]:8080/v1", true},
        {"http://[0:0:0:0:0:0:0:1]/", true},
        {"http://[::ffff:127.0.0.1]/", true},
        {"http://user:secret@127.0.0.1/", true},
        {"http+unix:///run/user/1000/llama.sock", true},
        // A browser would go to evil.com; curl takes it for a user name and does not.
        {"http://evil.com\\@127.0.0.1/", true},
        {"http://localhost.evil.com/", false},
        {"http://127.0.0.1.evil.com/", false},
        {"http://127.0.0.1@evil.com/", false},
        {"http://127.0.0.1:80@evil.com/", false},
        {"http://localhost:11434@evil.com:11434/", false},
        {"http://evil.com/127.0.0.1", false},
        {"http://evil.com?127.0.0.1", false},
        {"http://evil.com#@127.0.0.1/", false},
        {"http://127.0.0.1%2eevil.com/", false},
        {"http://evillocalhost/", false},
        {"http://localhost./", false},
        {"http://a.localhost/", false},
        {"http://128.0.0.1/", false},
        {"http://126.255.255.255/", false},
        {"http://0.0.0.0/", false},
        {"http://192.168.1.5:11434/", false},
        {"http://10.0.0.1/", false},
        {"http://[::2]/", false},
        {"http://[::]/", false},
        {"http://[fe80::1]/", false},
        {"http://[::ffff:8.8.8.8]/", false},
        {"http://[2001:db8::1]/", false},
        {"http://api.openai.com/", false},
        {"http+unix://evil.com/x", false},
        {"ftp://127.0.0.1/", false},
        {"file:///etc/passwd", false},
        {"127.0.0.1:11434", false},
        {"localhost", false},
        {"http://", false},
        {"http:///", false},
        {"", false},
        {"http://127.0.0.1 .evil.com/", false},
        {"http://127.0.0.1\n.evil.com/", false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (http_is_loopback(table[i].url) != table[i].is_loopback) {
            fail_msg("%s: expected %d", table[i].url, table[i].is_loopback);
        }
    }
}

// 2023-11-14T22:13:20.500Z, a Tuesday.
#define NOW_MS 1700000000500

static void retry_after_table(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t ms;
    } table[] = {
        {"0", 0},
        {"1", 1000},
        {"120", 120000},
        {"  7 ", 7000},
        {"7\r\n", 7000},
        {"0.25", 250},
        {"1.5", 1500},
        {"2.", 2000},
        {"1.23456", 1234},
        {"86400", 86400000},
        {"", -1},
        {" ", -1},
        {"-1", -1},
        {"+1", -1},
        {".5", -1},
        {"1s", -1},
        {"1 2", -1},
        {"1,5", -1},
        {"soon", -1},
        {"0x10", -1},
        {"Tue, 14 Nov 2023 22:13:30 GMT", 9500},
        {"  Tue, 14 Nov 2023 22:13:30 GMT", 9500},
        {"Tuesday, 14-Nov-23 22:13:30 GMT", 9500},
        {"Tue Nov 14 22:13:30 2023", 9500},
        {"Tue, 14 Nov 2023 22:13:20 GMT", 0},
        {"Mon, 13 Nov 2023 22:13:20 GMT", 0},
        {"Wed, 15 Nov 2023 22:13:20 GMT", 86399500},
        {"Tue, 99 Nov 2023 22:13:30 GMT", -1},
        {"Tue, 14 Foo 2023", -1},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        int64_t ms = http_retry_after_ms(table[i].value, NOW_MS);
        if (ms != table[i].ms) {
            fail_msg("'%s': %lld, expected %lld", table[i].value, (long long)ms,
                     (long long)table[i].ms);
        }
    }
}

static void duration_table(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t ms;
    } table[] = {
        {"6ms", 6},       {"1s", 1000},        {"8.64s", 8640},
        {"6m0s", 360000}, {"1h2m3s", 3723000}, {"1d", 86400000},
        {"7", 7000},      {"0.5", 500},        {"", -1},
        {"s", -1},        {"1x", -1},          {"1s2", -1},
        {"-1s", -1},      {"1 s", -1},         {"1sm", -1},
        {"..s", -1},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        int64_t ms = http_duration_ms(table[i].value);
        if (ms != table[i].ms) {
            fail_msg("'%s': %lld, expected %lld", table[i].value, (long long)ms,
                     (long long)table[i].ms);
        }
    }
    assert_true(http_duration_ms("99999999999999999999999s") > 86400000);
    assert_true(http_duration_ms("99999999999999999999d99999999999999999999d") >
                86400000);
    assert_int_equal(http_duration_ms("999999999999999999999999s"), -1);
}

static void absurd_numbers_stay_positive(void **state)
{
    (void)state;
    char digits[2000];
    memset(digits, '9', sizeof(digits) - 1);
    digits[sizeof(digits) - 1] = 0;
    assert_true(http_retry_after_ms(digits, NOW_MS) > 86400000);
    assert_true(http_retry_after_ms("9223372036854775807", NOW_MS) > 86400000);
    memcpy(digits, "0.", 2);
    assert_true(http_retry_after_ms(digits, NOW_MS) == 999);
    assert_true(text_decimal("9223372036854775807", 1) > 86400000);
}

static void the_time_zone_does_not_matter(void **state)
{
    (void)state;
    setenv("TZ", "America/New_York", 1);
    tzset();
    int64_t ms = http_retry_after_ms("Tue, 14 Nov 2023 22:13:30 GMT", NOW_MS);
    unsetenv("TZ");
    tzset();
    assert_true(ms == 9500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_this_machine_is_loopback),
        cmocka_unit_test(retry_after_table),
        cmocka_unit_test(duration_table),
        cmocka_unit_test(absurd_numbers_stay_positive),
        cmocka_unit_test(the_time_zone_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
