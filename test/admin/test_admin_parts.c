// test_admin_parts.c -- what the interface decides with, without a server.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "admin/auth.h"
#include "admin/health.h"
#include "admin/jwt.h"
#include "admin/limit.h"
#include "admin/multipart.h"
#include "admin/origin.h"
#include "admin/turns.h"
#include "base/base64.h"

#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

enum { NOW = 1800000000 };

static const uint8_t key[JWT_KEY_BYTES] = "0123456789abcdef0123456789abcde";

// ---- JWT

static struct jwt_claims good_claims(void)
{
    return (struct jwt_claims){.subject = "page",
                               .scope = "read submit",
                               .use = "api",
                               .id = "1",
                               .expires_s = NOW + 60};
}

static void a_token_comes_back_as_it_was_made(void **state)
{
    (void)state;
    char token[JWT_MAX];
    struct jwt_claims c = good_claims(), back;
    assert_int_equal(jwt_make(key, &c, token, sizeof(token)), 0);
    assert_int_equal(jwt_check(key, token, NOW, &back), 0);
    assert_string_equal(back.subject, "page");
    assert_string_equal(back.scope, "read submit");
    assert_string_equal(back.use, "api");
    assert_int_equal(back.expires_s, NOW + 60);
}

static void times_decide(void **state)
{
    (void)state;
    static const struct {
        int64_t expires, not_before;
        int expected;
    } rows[] = {
        {NOW + 1, 0, 0},
        {NOW, 0, E_DEADLINE},
        {NOW - 1, 0, E_DEADLINE},
        {NOW + 60, NOW, 0},
        {NOW + 60, NOW + JWT_LEEWAY_S, 0},
        {NOW + 60, NOW + JWT_LEEWAY_S + 1, E_DEADLINE},
        {0, 0, E_DEADLINE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char token[JWT_MAX];
        struct jwt_claims c = good_claims(), back;
        c.expires_s = rows[i].expires;
        c.not_before_s = rows[i].not_before;
        assert_int_equal(jwt_make(key, &c, token, sizeof(token)), 0);
        assert_int_equal(jwt_check(key, token, NOW, &back), rows[i].expected);
    }
}

static void any_changed_character_is_found(void **state)
{
    (void)state;
    char token[JWT_MAX];
    struct jwt_claims c = good_claims(), back;
    assert_int_equal(jwt_make(key, &c, token, sizeof(token)), 0);
    for (size_t i = 0; token[i]; i++) {
        char saved = token[i];
        token[i] = saved == 'A' ? 'B' : 'A';
        assert_int_not_equal(jwt_check(key, token, NOW, &back), 0);
        token[i] = saved;
    }
    assert_int_equal(jwt_check(key, token, NOW, &back), 0);
    uint8_t other[JWT_KEY_BYTES] = {0};
    assert_int_equal(jwt_check(other, token, NOW, &back), E_AUTH);
}

static void add_part(char *out, const char *text)
{
    char encoded[1024];
    size_t n = base64_encode((const uint8_t *)text, strlen(text), encoded);
    while (n && encoded[n - 1] == '=') {
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        encoded[i] = encoded[i] == '+' ? '-' : encoded[i] == '/' ? '_' : encoded[i];
    }
    encoded[n] = 0;
    strcat(out, encoded);
}

// Signed with our key, with another head or other claims than ours.
static void make_signed(const char *head, const char *claims, char *out)
{
    unsigned char mac[32];
    char text[64];
    unsigned n = sizeof(mac);
    out[0] = 0;
    add_part(out, head);
    strcat(out, ".");
    add_part(out, claims);
    HMAC(EVP_sha256(), key, sizeof(key), (unsigned char *)out, strlen(out), mac, &n);
    size_t len = base64_encode(mac, sizeof(mac), text);
    for (size_t i = 0; i < len; i++) {
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    }
    text[len - 1] = 0;  // one '='
    strcat(out, ".");
    strcat(out, text);
}

#define CLAIMS                                                                           \
    "{\"aud\":\"vlmd\",\"sub\":\"x\",\"scope\":\"admin\",\"use\":\"api\","               \
    "\"exp\":1900000000}"

static void only_our_algorithm_and_audience_count(void **state)
{
    (void)state;
    static const struct {
        const char *head, *claims;
        int expected;
    } rows[] = {
        {"{\"alg\":\"HS256\"}", CLAIMS, 0},
        {"{\"alg\":\"HS256\",\"typ\":\"JWT\"}", CLAIMS, 0},
        {"{\"alg\":\"none\"}", CLAIMS, E_FORMAT},
        {"{\"alg\":\"None\"}", CLAIMS, E_FORMAT},
        {"{\"alg\":\"hs256\"}", CLAIMS, E_FORMAT},
        {"{\"alg\":\"HS512\"}", CLAIMS, E_FORMAT},
        {"{\"alg\":\"RS256\"}", CLAIMS, E_FORMAT},
        {"{\"alg\":[\"HS256\"]}", CLAIMS, E_FORMAT},
        {"{\"alg\":\"HS256\",\"crit\":[\"b64\"]}", CLAIMS, E_FORMAT},
        {"{}", CLAIMS, E_FORMAT},
        {"[]", CLAIMS, E_FORMAT},
        {"nonsense", CLAIMS, E_FORMAT},
        {"{\"alg\":\"HS256\"}", "{\"aud\":\"other\",\"use\":\"api\",\"exp\":1900000000}",
         E_FORMAT},
        {"{\"alg\":\"HS256\"}", "{\"use\":\"api\",\"exp\":1900000000}", E_FORMAT},
        {"{\"alg\":\"HS256\"}", "{\"aud\":\"vlmd\",\"use\":\"api\"}", E_DEADLINE},
        {"{\"alg\":\"HS256\"}", "{\"aud\":\"vlmd\",\"exp\":\"1900000000\"}", E_DEADLINE},
        {"{\"alg\":\"HS256\"}", "no json", E_FORMAT},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char token[JWT_MAX];
        struct jwt_claims back;
        make_signed(rows[i].head, rows[i].claims, token);
        assert_int_equal(jwt_check(key, token, NOW, &back), rows[i].expected);
    }
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", ".", "..", "a.b", "a.b.c", "a.b.c.d", "eyJhbGciOiJub25lIn0.e30."};
    struct jwt_claims back;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(jwt_check(key, texts[i], NOW, &back), E_FORMAT);
    }
    char longest[JWT_MAX + 10];
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = 0;
    assert_int_equal(jwt_check(key, longest, NOW, &back), E_FORMAT);
}

// ---- scopes

static void scopes_have_those_below_them(void **state)
{
    (void)state;
    unsigned bits;
    char text[64];
    assert_true(auth_parse_scopes("admin", &bits));
    assert_int_equal(bits, AUTH_READ | AUTH_SUBMIT | AUTH_ADMIN);
    assert_string_equal(auth_scopes_text(bits, text, sizeof(text)), "read submit admin");
    assert_true(auth_parse_scopes("submit", &bits));
    assert_int_equal(bits, AUTH_READ | AUTH_SUBMIT);
    assert_true(auth_parse_scopes("read,submit", &bits));
    assert_false(auth_parse_scopes("", &bits));
    assert_false(auth_parse_scopes("root", &bits));
    assert_false(auth_parse_scopes("read root", &bits));
}

// ---- limits

static void a_bucket_empties_and_fills(void **state)
{
    (void)state;
    struct limit l = {.per_min = 60};
    for (int i = 0; i < 60; i++) {
        struct limit_state s = limit_take(&l, "a", 1000);
        assert_true(s.is_allowed);
        assert_int_equal(s.remaining, 59 - i);
    }
    struct limit_state s = limit_take(&l, "a", 1000);
    assert_false(s.is_allowed);
    assert_int_equal(s.retry_ms, 1000);
    assert_int_equal(s.reset_ms, 60000);
    assert_true(limit_take(&l, "b", 1000).is_allowed);
    assert_false(limit_take(&l, "a", 1999).is_allowed);
    assert_true(limit_look(&l, "a", 2000).is_allowed);
    assert_true(limit_take(&l, "a", 2000).is_allowed);
    assert_false(limit_take(&l, "a", 2000).is_allowed);
    assert_int_equal(limit_take(&l, "a", 1000000).remaining, 59);
}

static void zero_is_no_limit(void **state)
{
    (void)state;
    struct limit l = {0};
    for (int i = 0; i < 1000; i++) {
        assert_true(limit_take(&l, "a", 1).is_allowed);
    }
}

static void many_names_find_room(void **state)
{
    (void)state;
    struct limit l = {.per_min = 1};
    char name[32];
    for (int i = 0; i < 10 * LIMIT_NAMES; i++) {
        snprintf(name, sizeof(name), "peer %d", i);
        assert_true(limit_take(&l, name, 1000 + i).is_allowed);
        assert_false(limit_take(&l, name, 1000 + i).is_allowed);
    }
}

// ---- host and origin

// ---- whose turn it is

// Of two processors, 5 percent: 1 ms is paid off in 10.
static const struct turns_config two = {
    .share_pct = 5, .processors = 2, .ahead_us = 2000, .max_wait_us = 40000};

static void requests_wait_until_they_are_paid_off(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int64_t owed_us, passed_us, spent_us, wait_us;
    } rows[] = {
        {"nothing was spent", 0, 1000, 0, 0},
        {"what was saved up is spent first", -2000, 0, 1500, 0},
        {"and the rest waits", -2000, 0, 2500, 5000},
        {"time pays off", 1000, 4000, 0, 6000},
        {"and more time pays for more", 1000, 10000, 0, 0},
        {"quiet times save up so much and no more", 0, 1000000000, 2100, 1000},
        {"nobody waits longer than that", 0, 0, 900000, 40000},
        {"what is over it is forgiven", 0, 0, 4000, 40000},
        {"a clock that steps back pays nothing", 1000, -5000, 0, 10000},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const int64_t now_us = 5000000000;
        struct turns t = {rows[i].owed_us, now_us - rows[i].passed_us};
        int64_t wait = turns_wait_us(&t, &two, rows[i].spent_us, now_us);
        if (wait != rows[i].wait_us) {
            fail_msg("%s: %d us", rows[i].what, (int)wait);
        }
    }
}

static void whoever_asks_without_end_gets_the_share(void **state)
{
    (void)state;
    struct turns t = {0};
    int64_t now_us = 1, spent_us = 0;
    while (now_us < 10000000) {
        now_us += turns_wait_us(&t, &two, 1500, now_us) + 1500;
        spent_us += 1500;
    }
    assert_in_range(spent_us, 900000, 1050000);  // a tenth of 10 s
}

static void turns_are_as_far_apart_as_they_are_prompt(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int64_t excess_us, took_us;  // of before
        int64_t late_us, takes_us, apart_us;
    } rows[] = {
        {"a turn in time", 0, 2000, 0, 2000, 42000},
        {"a clock that is early", 0, 2000, -900, 2000, 42000},
        {"what is late a little changes nothing", 0, 2000, 5000, 2000, 42000},
        {"late", 0, 2000, 16000, 2000, 39000},
        {"later than usual", 6000, 2000, 10000, 2000, 39000},
        {"longer than the last", 6000, 2000, 3000, 9000, 39000},
        {"shorter than the last", 0, 8000, 12000, 2000, 41000},
        {"never less than that", 0, 2000, 90000, 2000, 35000},
        {"what was late is remembered", 9600, 2000, 0, 2000, 37425},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct turns_pace p = {.most_us = 42000,
                               .least_us = 35000,
                               .within_us = 47000,
                               .excess_us = rows[i].excess_us,
                               .took_us = rows[i].took_us,
                               .busy = TURNS_ALL};
        int64_t apart = turns_pace_us(&p, rows[i].late_us, rows[i].takes_us, true);
        if (apart != rows[i].apart_us) {
            fail_msg("%s: %d us", rows[i].what, (int)apart);
        }
    }
}

// Every so many turns one is 12 ms late; what share of turns is later than 50 ms, in percent?
static int late_pct(int every, int64_t *apart_ms)
{
    struct turns_pace p = {
        .most_us = 42000, .least_us = 35000, .within_us = 47000, .busy = TURNS_ALL};
    enum { TURNS = 20000 };
    int64_t apart_us = 42000, sum_us = 0;
    int n = 0;
    for (int i = 0; i < TURNS; i++) {
        int64_t late_us = i % every == 0 ? 12000 : 0;
        n += apart_us + late_us > 50000;
        apart_us = turns_pace_us(&p, late_us, 1000, true);
        sum_us += apart_us;
    }
    *apart_ms = sum_us / TURNS / 1000;
    return (100 * n + TURNS - 1) / TURNS;
}

static void few_turns_are_too_late(void **state)
{
    (void)state;
    static const struct {
        int every;
        int64_t least_ms, most_ms;  // apart, in the middle
    } rows[] = {{100, 38, 42}, {150, 39, 42}, {1000, 41, 42},
                {50, 36, 39},  {25, 35, 38},  {10, 35, 37}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t apart_ms;
        int late = late_pct(rows[i].every, &apart_ms);
        if (late > 1 || apart_ms < rows[i].least_ms || apart_ms > rows[i].most_ms) {
            fail_msg("one of %d: %d %% too late, %d ms apart", rows[i].every, late,
                     (int)apart_ms);
        }
    }
}

static void without_a_limit_nobody_waits(void **state)
{
    (void)state;
    const struct turns_config all = {
        .share_pct = 100, .processors = 2, .ahead_us = 2000, .max_wait_us = 40000};
    struct turns t = {0};
    assert_int_equal(turns_wait_us(&t, &all, 5000000, 1), 0);
}

static void names_of_this_machine_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *host, *hosts;
        bool expected;
    } rows[] = {
        {"127.0.0.1:8011", NULL, true},
        {"127.0.0.1", NULL, true},
        {"[::1]:8011", NULL, true},
        {"192.168.1.5:80", NULL, true},
        {"localhost:8011", NULL, true},
        {"LOCALHOST", NULL, true},
        {"a.localhost", NULL, true},
        {"notlocalhost", NULL, false},
        {"localhost.evil.example", NULL, false},
        {"evil.example:8011", NULL, false},
        {"evil.example", "box.lan other.lan", false},
        {"box.lan:8011", "box.lan other.lan", true},
        {"OTHER.lan", "box.lan, other.lan", true},
        {"box.la", "box.lan", false},
        {"127.0.0.1.evil.example", NULL, false},
        {"", NULL, false},
        {":80", NULL, false},
        {"[::1", NULL, false},
        {NULL, NULL, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(origin_is_host(rows[i].host, rows[i].hosts), rows[i].expected);
    }
}

static void only_the_page_itself_changes_things(void **state)
{
    (void)state;
    static const struct {
        const char *origin, *site;
        bool changes, expected;
    } rows[] = {
        {NULL, NULL, false, true},
        {NULL, NULL, true, false},
        {NULL, "same-origin", true, true},
        {NULL, "none", true, true},
        {NULL, "same-site", true, false},
        {NULL, "cross-site", false, false},
        {"http://127.0.0.1:8011", NULL, true, true},
        {"https://127.0.0.1:8011", NULL, true, true},
        {"http://127.0.0.1:8012", NULL, false, false},
        {"http://127.0.0.1", NULL, true, false},
        {"http://evil.example", "same-origin", false, false},
        {"null", NULL, false, false},
        {"file://", NULL, false, false},
        {"", NULL, false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(origin_is_own(rows[i].origin, rows[i].site, "127.0.0.1:8011",
                                       rows[i].changes),
                         rows[i].expected);
    }
}

// ---- forms

#define TYPE "multipart/form-data; boundary=xyz"

static int count_parts(const char *type, const char *body, struct multipart_part *last)
{
    struct multipart m;
    int n = 0, rc = multipart_begin(&m, type, body, strlen(body));
    while (rc == 0) {
        rc = multipart_next(&m, last);
        if (rc != 1) {
            return rc ? rc : n;
        }
        n++;
        rc = 0;
    }
    return rc;
}

static void a_form_has_its_parts(void **state)
{
    (void)state;
    struct multipart_part p;
    const char *body =
        "--xyz\r\nContent-Disposition: form-data; name=\"app\"\r\n\r\nEditor"
        "\r\n--xyz\r\nContent-Type: image/png\r\ncontent-disposition: "
        "form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n\x89PNG\r\n--x"
        "\r\n--xyz--\r\n";
    assert_int_equal(count_parts(TYPE, body, &p), 2);
    assert_int_equal(count_parts("multipart/form-data; boundary=\"xyz\"", body, &p), 2);
    struct multipart m;
    assert_int_equal(multipart_begin(&m, TYPE, body, strlen(body)), 0);
    assert_int_equal(multipart_next(&m, &p), 1);
    assert_string_equal(p.name, "app");
    assert_false(p.is_file);
    assert_memory_equal(p.data, "Editor", p.len);
    assert_int_equal(multipart_next(&m, &p), 1);
    assert_string_equal(p.name, "file");
    assert_true(p.is_file);
    assert_int_equal(p.len, 9);
    assert_int_equal(multipart_next(&m, &p), 0);
}

static void a_damaged_form_is_refused(void **state)
{
    (void)state;
    struct multipart_part p;
    static const char *const bodies[] = {
        "",
        "--xyz",
        "--xyz\r\n",
        "--xyz\r\n\r\n",
        "xx--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nnever ends",
        "--xyz\r\nContent-Disposition: form-data; name=\"a\r\n\r\nb\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data\r\n\r\nb\r\n--xyz--",
        "--abc\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--abc--",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(count_parts(TYPE, bodies[i], &p), E_FORMAT);
    }
    assert_int_equal(count_parts("multipart/form-data", "--\r\n", &p), E_FORMAT);
    assert_int_equal(count_parts("multipart/form-data; boundary=", "--\r\n", &p),
                     E_FORMAT);
}

// Every beginning of a good one: whatever is said, nothing beyond its end is read.
static void beginnings_of_a_form_do_no_harm(void **state)
{
    (void)state;
    struct multipart_part p;
    const char *body = "--xyz\r\nContent-Disposition: form-data; name=\"file\"; "
                       "filename=\"a\"\r\n\r\n12345\r\n--xyz--\r\n";
    for (size_t n = 0; n < strlen(body); n++) {
        char *part = test_malloc(n + 1);
        memcpy(part, body, n);
        part[n] = 0;
        count_parts(TYPE, part, &p);
        test_free(part);
    }
}

// ---- health

static void health_says_what_is_wrong(void **state)
{
    (void)state;
    struct vlmd_status s = {.total = 5};
    struct vlmd_stats stats = {.paused_because = "", .n_backends = 1};
    struct health h;
    stats.backends[0] = (struct vlmd_backend_status){
        .url = "http://a", .kind = "ollama", .state = "ready", .reason = ""};
    health_judge(&stats, &s, &h);
    assert_string_equal(h.status, "healthy");
    assert_int_equal(h.n_problems, 0);
    stats.backends[0].state = "away";
    health_judge(&stats, &s, &h);
    assert_string_equal(h.status, "degraded");
    stats.is_paused = true;
    stats.paused_because = "nobody answers";
    health_judge(&stats, &s, &h);
    assert_string_equal(h.status, "unhealthy");
    assert_int_equal(h.n_problems, 3);
    health_judge(&stats, NULL, &h);
    assert_string_equal(h.status, "unhealthy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_comes_back_as_it_was_made),
        cmocka_unit_test(times_decide),
        cmocka_unit_test(any_changed_character_is_found),
        cmocka_unit_test(only_our_algorithm_and_audience_count),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(scopes_have_those_below_them),
        cmocka_unit_test(a_bucket_empties_and_fills),
        cmocka_unit_test(zero_is_no_limit),
        cmocka_unit_test(many_names_find_room),
        cmocka_unit_test(requests_wait_until_they_are_paid_off),
        cmocka_unit_test(whoever_asks_without_end_gets_the_share),
        cmocka_unit_test(turns_are_as_far_apart_as_they_are_prompt),
        cmocka_unit_test(few_turns_are_too_late),
        cmocka_unit_test(without_a_limit_nobody_waits),
        cmocka_unit_test(names_of_this_machine_are_known),
        cmocka_unit_test(only_the_page_itself_changes_things),
        cmocka_unit_test(a_form_has_its_parts),
        cmocka_unit_test(a_damaged_form_is_refused),
        cmocka_unit_test(beginnings_of_a_form_do_no_harm),
        cmocka_unit_test(health_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
