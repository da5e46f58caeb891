// test_cli_examine.c -- privacy test, preview and rules: what is printed and written.
// SPDX-License-Identifier: MIT
#include "cli_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *file_in(const char *name)
{
    static char path[512];
    cli_write(name, "not looked at by the fake");
    snprintf(path, sizeof(path), "%s/%s", cli_dir(), name);
    return path;
}

static void a_text_is_judged(void **state)
{
    (void)state;
    struct ran *r = RUN("{}", "privacy", "test", "--text", "pay with 4111", "--window",
                        "Sh\x07op");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out,
                        "window       Sh op\n"
                        "\n"
                        "kind   in the picture  elsewhere  \n"
                        "card                1          0  payment card number\n"
                        "email               0          2  e-mail address\n"
                        "\n"
                        "this machine mask: sent with what was found painted over (1 card)\n"
                        "others       block: not sent (excluded by privacy.allow_remote)\n"
                        "kept as      pay with [card]\n");
    cli_free(r);
}

static void a_rule_is_named(void **state)
{
    (void)state;
    struct ran *r = RUN("{}", "privacy", "test", "--app", "KeePassXC");
    assert_int_equal(r->code, 0);
    assert_has(r->out, "rule         built in: password managers\n");
    assert_has(r->out, "verdict      block: ");
    assert_has_not(r->out, "others");
    cli_free(r);
}

static void a_picture_is_judged_and_previewed(void **state)
{
    (void)state;
    const char *path = file_in("a.png");
    struct ran *r = RUN("{}", "privacy", "test", path);
    assert_int_equal(r->code, 0);
    assert_has(r->out, "masked       300 x 40 at 10, 20\n");
    assert_has(r->out, "sent         768 x 432, 4 bytes\n");
    cli_free(r);
    char out[512];
    snprintf(out, sizeof(out), "%s/out.png", cli_dir());
    r = RUN("{}", "privacy", "preview", path, "-o", out);
    assert_int_equal(r->code, 0);
    assert_string_equal(cli_read("out.png"), "PNG");
    cli_free(r);
    // Anything but .png gets the bytes that would be sent.
    snprintf(out, sizeof(out), "%s/out.jpg", cli_dir());
    r = RUN("{}", "privacy", "preview", path, "-o", out);
    assert_int_equal(r->code, 0);
    assert_string_equal(cli_read("out.jpg"), "JPEG");
    cli_free(r);
}

static void nothing_is_written_when_nothing_would_be_sent(void **state)
{
    (void)state;
    char out[512];
    const char *path = file_in("a.png");
    snprintf(out, sizeof(out), "%s/out.png", cli_dir());
    struct ran *r =
        RUN("{}", "privacy", "preview", path, "-o", out, "--app", "KeePassXC");
    assert_int_equal(r->code, 1);
    assert_has(r->err, "nothing would be sent");
    assert_false(cli_exists("out.png"));
    cli_free(r);
}

static void json_has_it_all(void **state)
{
    (void)state;
    struct ran *r = RUN("{}", "privacy", "test", file_in("a.png"), "--json");
    assert_int_equal(r->code, 0);
    assert_has(r->out, "\"masks\":[[10,20,300,40]]");
    assert_has(r->out, "\"local\":{\"action\":\"mask\",\"reason\":\"1 card\"}");
    assert_has(r->out, "{\"category\":\"card\",\"inside\":1,\"outside\":0}");
    assert_has(r->out, "\"is_excluded\":false");
    cli_free(r);
}

static void rules_are_listed(void **state)
{
    (void)state;
    struct ran *r = RUN("{}", "privacy", "rules");
    assert_int_equal(r->code, 0);
    assert_has(r->out, "Signal");
    assert_has(r->out, "vlmd.yaml:12");
    assert_has(r->out, "KeePass, 1Password");
    cli_free(r);
    r = RUN("{}", "privacy", "rules", "--json");
    assert_has(r->out, "\"pattern\":\"Signal\",\"field\":\"program\",\"is_allow\":false");
    cli_free(r);
}

static void wrong_use_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *args[6];
        int code;
        const char *words;
    } rows[] = {
        {{"privacy", "test"}, 2, "needs a picture, --text"},
        {{"privacy", "test", "a.png", "b.png"}, 2, "one picture"},
        {{"privacy", "test", "/does/not/exist.png"}, 1, "No such file"},
        {{"privacy", "preview", "a.png"}, 2, "-o FILE.png"},
        {{"privacy", "rules", "x"}, 2, "no operands"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ran *r = cli_run("{}", rows[i].args);
        assert_int_equal(r->code, rows[i].code);
        assert_has(r->err, rows[i].words);
        cli_free(r);
    }
    struct ran *r = RUN("{}", "privacy", "test", file_in("broken.png"));
    assert_int_equal(r->code, 1);
    assert_has(r->err, "it is broken");
    cli_free(r);
}

#define CASE(f)                                                                          \
    cmocka_unit_test_setup_teardown(f, cli_fixture_setup, cli_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_text_is_judged),
        CASE(a_rule_is_named),
        CASE(a_picture_is_judged_and_previewed),
        CASE(nothing_is_written_when_nothing_would_be_sent),
        CASE(json_has_it_all),
        CASE(rules_are_listed),
        CASE(wrong_use_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
