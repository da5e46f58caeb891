// test_privacy.c -- which subject is blocked by which rule.
// SPDX-License-Identifier: MIT
#include "privacy/fold.h"
#include "privacy/privacy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *const apps[] = {
    "keepass", "1Password*", "org.gnome.seahorse?app", "", "Банк-Онлайн", "ÉTOILE", NULL};
static const char *const windows[] = {"*- private browsing", "incognito", "pass[wW]ort *",
                                      NULL};
static const char *const paths[] = {"/home/*/secret/*", ".gnupg",
                                    "https://*.bank.example/*", NULL};
static const struct privacy_config rules = {
    .exclude_apps = apps, .exclude_windows = windows, .exclude_paths = paths};

static void rules_match_as_the_table_says(void **state)
{
    (void)state;
    static const struct {
        const char *app, *window, *path;
        const char *rule;  // NULL = allowed
    } rows[] = {
        {"firefox", "News", "/home/u/a.png", NULL},
        {"", "", "", NULL},
        {NULL, NULL, NULL, NULL},
        {"KeePassXC", "", "", "privacy.exclude_apps: keepass"},
        {"org.keepassxc.KeePassXC", "", "", "privacy.exclude_apps: keepass"},
        {"1password", "", "", "privacy.exclude_apps: 1Password*"},
        {"1PASSWORD 8", "", "", "privacy.exclude_apps: 1Password*"},
        {"my 1password", "", "", NULL},  // a glob has to match the whole text
        {"org.gnome.seahorse.app", "", "", "privacy.exclude_apps"},
        {"БАНК-ОНЛАЙН 2", "", "", "privacy.exclude_apps"},
        {"l'étoile", "", "", "privacy.exclude_apps"},
        {"firefox", "Mail - Private Browsing", "", "privacy.exclude_windows"},
        {"firefox", "Private Browsing off", "", NULL},
        {"chrome", "New Incognito tab", "", "privacy.exclude_windows: incognito"},
        {"x", "PASSWORT Manager", "", "privacy.exclude_windows"},
        {"x", "y", "/home/u/secret/a.png", "privacy.exclude_paths"},
        {"x", "y", "/home/u/secret/deep/a.png", "privacy.exclude_paths"},
        {"x", "y", "/home/u/secretary/a.png", NULL},
        {"x", "y", "/home/u/.GnuPG/k.png", "privacy.exclude_paths: .gnupg"},
        {"x", "y", "https://www.bank.example/a.png", "privacy.exclude_paths"},
        // the lists do not look at each other's text
        {"incognito", "keepass", "/1password", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct privacy_subject s = {rows[i].app, rows[i].window, rows[i].path};
        char why[200] = "untouched";
        enum privacy_verdict v = privacy_check_meta(&rules, &s, why, sizeof(why));
        if ((v == PRIVACY_BLOCK) != (rows[i].rule != NULL)) {
            fail_msg("row %zu: %d, %s", i, v, why);
        }
        if (rows[i].rule) {
            assert_non_null(strstr(why, rows[i].rule));
        } else {
            assert_string_equal(why, "");
        }
    }
}

static void why_never_holds_the_windows_text(void **state)
{
    (void)state;
    struct privacy_subject s = {.app = "chrome", .window = "My account 4711 - incognito"};
    char why[200];
    assert_int_equal(privacy_check_meta(&rules, &s, why, sizeof(why)), PRIVACY_BLOCK);
    assert_null(strstr(why, "4711"));
    char little[8];
    assert_int_equal(privacy_check_meta(&rules, &s, little, sizeof(little)),
                     PRIVACY_BLOCK);
    assert_int_equal(strlen(little), 7);
}

static void nothing_is_blocked_without_rules(void **state)
{
    (void)state;
    struct privacy_config none = {0};
    struct privacy_subject s = {.app = "keepassxc", .window = "x", .path = "/y"};
    char why[100];
    assert_int_equal(privacy_check_meta(&none, &s, why, sizeof(why)), PRIVACY_ALLOW);
}

static void metadata_can_be_demanded(void **state)
{
    (void)state;
    struct privacy_config c = {.need_metadata = true};
    static const struct {
        struct privacy_subject s;
        enum privacy_verdict expected;
    } rows[] = {
        {{"", "", "/a.png"}, PRIVACY_BLOCK},
        {{NULL, NULL, "/a.png"}, PRIVACY_BLOCK},
        {{"app", "", "/a.png"}, PRIVACY_ALLOW},
        {{"", "title", "/a.png"}, PRIVACY_ALLOW},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char why[100];
        assert_int_equal(privacy_check_meta(&c, &rows[i].s, why, sizeof(why)),
                         rows[i].expected);
        assert_int_equal(strstr(why, "need_metadata") != NULL,
                         rows[i].expected == PRIVACY_BLOCK);
    }
}

static void doubt_blocks(void **state)
{
    (void)state;
    static char text[9000];
    memset(text, 'a', sizeof(text) - 1);
    struct privacy_subject s = {.app = "x", .window = text};
    char why[100];
    assert_int_equal(privacy_check_meta(&rules, &s, why, sizeof(why)), PRIVACY_BLOCK);
    // ... but only where there is a rule for it
    struct privacy_config only_apps = {.exclude_apps = apps};
    assert_int_equal(privacy_check_meta(&only_apps, &s, why, sizeof(why)), PRIVACY_ALLOW);
    const char *const too_long[] = {text, NULL};
    struct privacy_config c = {.exclude_apps = too_long};
    assert_int_equal(privacy_check_meta(&c, &s, why, sizeof(why)), PRIVACY_BLOCK);
}

static void remote_needs_leave(void **state)
{
    (void)state;
    char why[100];
    struct privacy_config no = {0};
    struct privacy_config yes = {.allow_remote = true};
    assert_int_equal(privacy_check_destination(&no, true, why, sizeof(why)),
                     PRIVACY_BLOCK);
    assert_non_null(strstr(why, "allow_remote"));
    assert_int_equal(privacy_check_destination(&no, false, why, sizeof(why)),
                     PRIVACY_ALLOW);
    assert_string_equal(why, "");
    assert_int_equal(privacy_check_destination(&yes, true, why, sizeof(why)),
                     PRIVACY_ALLOW);
    assert_int_equal(privacy_check_destination(&yes, false, why, sizeof(why)),
                     PRIVACY_ALLOW);
}

static void folding_keeps_what_has_no_case(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", ""},
        {"ABCxyz019[]", "abcxyz019[]"},
        {"ÀÖ×ØÞßÿ", "àö×øþßÿ"},
        {"ŁódźŽ", "łódźž"},
        {"ΑΡΣΩ", "αρσω"},
        {"ЁЖЯ ж", "ёжя ж"},
        {"ԱՖ", "աֆ"},
        {"漢字😀", "漢字😀"},
        {"bad\xff\xc3", "bad\xff\xc3"},
        {"\xc3"
         "A",
         "\xc3"
         "a"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[64];
        assert_true(fold_case(rows[i].in, out, sizeof(out)));
        assert_string_equal(out, rows[i].out);
    }
    char small[4];
    assert_false(fold_case("four", small, sizeof(small)));
    assert_true(fold_case("Two", small, sizeof(small)));
    assert_string_equal(small, "two");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_match_as_the_table_says),
        cmocka_unit_test(why_never_holds_the_windows_text),
        cmocka_unit_test(nothing_is_blocked_without_rules),
        cmocka_unit_test(metadata_can_be_demanded),
        cmocka_unit_test(doubt_blocks),
        cmocka_unit_test(remote_needs_leave),
        cmocka_unit_test(folding_keeps_what_has_no_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
