// test_rules.c -- which picture is excluded by which rule of the user's.
// SPDX-License-Identifier: MIT
#include "rules_kit.h"

#include "privacy/rules_hours.h"
#include "privacy/rules_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rules_kit kit;

static int close_kit(void **state)
{
    (void)state;
    rules_kit_close(&kit);
    return 0;
}

static void deny_all(enum privacy_field f, const char *const *texts)
{
    for (; *texts; texts++) {
        rules_kit_deny(&kit, f, *texts);
    }
}

static void deny_lists_match_as_the_table_says(void **state)
{
    (void)state;
    deny_all(PRIVACY_APP,
             (const char *const[]){"keepass", "1Password*", "org.gnome.seahorse?app",
                                   "Банк-Онлайн", "ÉTOILE", "/^vault( |$)/", NULL});
    deny_all(PRIVACY_WINDOW,
             (const char *const[]){"*- private browsing", "incognito", "pass[wW]ort *",
                                   "re:\\btop secret$", "x\\*y*", "[!a-c]?*Z", NULL});
    deny_all(PRIVACY_PATH, (const char *const[]){"/home/*/secret/*", ".gnupg",
                                                 "https://*.bank.example/*", "/private/",
                                                 "re:/mnt/[0-9]+/", NULL});
    deny_all(PRIVACY_URL, (const char *const[]){"mail.example", "/inbox/", NULL});
    deny_all(PRIVACY_SCREEN, (const char *const[]){"HDMI-?", NULL});
    assert_int_equal(rules_kit_open(&kit), 0);
    static const struct {
        struct privacy_subject s;
        const char *rule;
    } rows[] = {
        {{.app = "firefox", .window = "News", .path = "/home/u/a.png"}, ""},
        {{.app = "", .window = "", .path = ""}, ""},
        {{0}, ""},
        {{.app = "KeePassXC"}, "privacy.exclude_apps: keepass"},
        {{.app = "org.keepassxc.KeePassXC"}, "privacy.exclude_apps: keepass"},
        {{.app = "Kee\xe2\x80\x8bPass"}, "privacy.exclude_apps: keepass"},
        {{.app = "1password"}, "privacy.exclude_apps: 1Password*"},
        {{.app = "1PASSWORD 8"}, "privacy.exclude_apps: 1Password*"},
        {{.app = "my 1password"}, ""},  // a glob has to match the whole text
        {{.app = "org.gnome.seahorse.app"},
         "privacy.exclude_apps: org.gnome.seahorse?app"},
        {{.app = "org.gnome.seahorseéapp"},
         "privacy.exclude_apps: org.gnome.seahorse?app"},
        {{.app = "orgxgnome.seahorse.app"}, ""},  // a dot is a dot
        {{.app = "БАНК-ОНЛАЙН 2"}, "privacy.exclude_apps: Банк-Онлайн"},
        {{.app = "l'étoile"}, "privacy.exclude_apps: ÉTOILE"},
        {{.app = "Vault 2"}, "privacy.exclude_apps: /^vault( |$)/"},
        {{.app = "Vaults"}, ""},
        {{.app = "x", .window = "Mail - Private Browsing"},
         "privacy.exclude_windows: *- private browsing"},
        {{.app = "x", .window = "Private Browsing off"}, ""},
        {{.app = "x", .window = "New Incognito tab"},
         "privacy.exclude_windows: incognito"},
        {{.app = "x", .window = "PASSWORT Manager"},
         "privacy.exclude_windows: pass[wW]ort *"},
        {{.app = "x", .window = "not Top Secret"},
         "privacy.exclude_windows: re:\\btop secret$"},
        {{.app = "x", .window = "stop secret"}, ""},
        {{.app = "x", .window = "top secrets"}, ""},
        {{.app = "x", .window = "X*YZ"}, "privacy.exclude_windows: x\\*y*"},
        {{.app = "x", .window = "xay"}, ""},
        {{.app = "x", .window = "sxyz"}, "privacy.exclude_windows: [!a-c]?*Z"},
        {{.app = "x", .window = "bxyz"}, ""},
        {{.app = "x", .window = "y", .path = "/home/u/secret/a.png"},
         "privacy.exclude_paths: /home/*/secret/*"},
        {{.app = "x", .window = "y", .path = "/home/u/secret/d/a.png"},
         "privacy.exclude_paths: /home/*/secret/*"},
        {{.app = "x", .window = "y", .path = "/home/u/secretary/a.png"}, ""},
        {{.app = "x", .window = "y", .path = "/home/u/.GnuPG/k.png"},
         "privacy.exclude_paths: .gnupg"},
        {{.app = "x", .window = "y", .path = "https://www.bank.example/a.png"},
         "privacy.exclude_paths: https://*.bank.example/*"},
        {{.app = "x", .window = "y", .path = "/srv/private/a.png"},
         "privacy.exclude_paths: /private/"},
        {{.app = "x", .window = "y", .path = "/srv/privates.png"},
         ""},  // a text, not an expression
        {{.app = "x", .window = "y", .path = "/mnt/12/a.png"},
         "privacy.exclude_paths: re:/mnt/[0-9]+/"},
        {{.url = "https://mail.example/x"}, "privacy.exclude_urls: mail.example"},
        {{.url = "https://a.example/INBOX/x"}, "privacy.exclude_urls: /inbox/"},
        {{.url = "https://a.example/inboxes"}, ""},
        {{.screen = "hdmi-1"}, "privacy.exclude_screens: HDMI-?"},
        {{.screen = "hdmi-12"}, ""},
        // the lists do not look at each other's text
        {{.app = "incognito",
          .window = "keepass",
          .path = "/1password",
          .url = "/.gnupg/",
          .screen = "mail.example"},
         ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rules_kit_expect(&kit, &rows[i].s, rows[i].rule);
        struct privacy_reason why;
        assert_int_equal(privacy_is_denied(kit.rules, &rows[i].s, &why),
                         *rows[i].rule != 0);
    }
}

static void a_reason_never_holds_the_windows_text(void **state)
{
    (void)state;
    rules_kit_deny(&kit, PRIVACY_WINDOW, "incognito");
    assert_int_equal(rules_kit_open(&kit), 0);
    const struct privacy_subject s = {.window = "My account 4711 - incognito"};
    struct privacy_reason why;
    assert_true(privacy_is_excluded(kit.rules, &s, &why));
    assert_null(strstr(why.rule, "4711"));
    assert_string_equal(why.why, "excluded by privacy.exclude_windows: incognito");
}

static void nothing_is_excluded_without_rules(void **state)
{
    (void)state;
    assert_int_equal(rules_kit_open(&kit), 0);
    rules_kit_expect(&kit,
                     &(struct privacy_subject){
                         .app = "keepassxc", .window = "Incognito", .path = "/y"},
                     "");
}

static void metadata_can_be_demanded(void **state)
{
    (void)state;
    static const struct {
        struct privacy_subject s;
        bool is_excluded;
    } rows[] = {
        {{.app = "", .window = "", .path = "/a.png"}, true},
        {{.app = NULL, .window = NULL, .path = "/a.png"}, true},
        {{.app = " ", .window = "\xe2\x80\x8b", .path = "/a.png"}, true},
        {{.app = "app", .window = "", .path = "/a.png"}, false},
        {{.app = "", .window = "title", .path = "/a.png"}, false},
    };
    kit.config.need_metadata = true;
    assert_int_equal(rules_kit_open(&kit), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct privacy_reason why;
        rules_kit_expect(&kit, &rows[i].s,
                         rows[i].is_excluded ? "privacy.need_metadata" : "");
        assert_false(privacy_is_denied(kit.rules, &rows[i].s, &why));
    }
}

static void allow_lists_let_only_through_what_they_name(void **state)
{
    (void)state;
    rules_kit_allow(&kit, PRIVACY_APP, "code");
    rules_kit_allow(&kit, PRIVACY_APP, "Slack*");
    rules_kit_allow(&kit, PRIVACY_HOURS, "mon-fri 09:00-17:00");
    rules_kit_deny(&kit, PRIVACY_WINDOW, "salary");
    assert_int_equal(rules_kit_open(&kit), 0);
    static const struct {
        struct privacy_subject s;
        const char *rule;
    } rows[] = {
        {{.app = "VS Code", .has_minute = true, .minute_of_week = 600}, ""},
        {{.app = "slack", .has_minute = true, .minute_of_week = 600}, ""},
        {{.app = "VS Code", .has_minute = true, .minute_of_week = 60},
         "privacy.allow_hours"},
        {{.app = "VS Code"}, "privacy.allow_hours"},
        {{.app = "firefox", .has_minute = true, .minute_of_week = 600},
         "privacy.allow_apps"},
        {{.app = "", .has_minute = true, .minute_of_week = 600}, "privacy.allow_apps"},
        {{.app = "VS Code",
          .window = "Salary.xlsx",
          .has_minute = true,
          .minute_of_week = 600},
         "privacy.exclude_windows: salary"},
        {{.app = "VS Code", .has_minute = true, .minute_of_week = 600, .cut = 1},
         "privacy.allow_apps"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rules_kit_expect(&kit, &rows[i].s, rows[i].rule);
    }
    // before the file was opened nothing is missing yet
    struct privacy_reason why;
    assert_false(privacy_is_denied(kit.rules, &(struct privacy_subject){0}, &why));
    rules_kit_close(&kit);
    kit.config.only_allowed = true;
    assert_int_equal(rules_kit_open(&kit), 0);
    rules_kit_expect(&kit, &rows[0].s, "privacy.only_allowed");
}

// ---- hours

#define AT(day, hour, minute) ((day)*1440 + (hour)*60 + (minute))

static void hours_are_read_and_compared(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int at;
        int answer;  // -1 = it is no time
    } rows[] = {
        {"mon-fri 09:00-17:00", AT(0, 9, 0), 1},
        {"mon-fri 09:00-17:00", AT(0, 8, 59), 0},
        {"mon-fri 09:00-17:00", AT(4, 16, 59), 1},
        {"mon-fri 09:00-17:00", AT(4, 17, 0), 0},
        {"mon-fri 09:00-17:00", AT(5, 12, 0), 0},
        {"Sat,Sunday", AT(6, 23, 59), 1},
        {"sat,sun", AT(0, 0, 0), 0},
        {"sat-mon", AT(0, 0, 0), 1},
        {"sat-mon", AT(1, 0, 0), 0},
        {"sat-mon", AT(5, 12, 0), 1},
        {"22:00-06:00", AT(3, 23, 0), 1},
        {"22:00-06:00", AT(0, 5, 59), 1},
        {"22:00-06:00", AT(0, 6, 0), 0},
        {"fri 22:00-6:00", AT(5, 5, 0), 1},   // Saturday morning
        {"fri 22:00-06:00", AT(4, 5, 0), 0},  // Friday morning
        {"sun 22:00-06:00", AT(0, 5, 0), 1},  // over the week's end
        {" mon , wed-thu  0:00-24:00 ", AT(3, 23, 59), 1},
        {" mon , wed-thu  0:00-24:00 ", AT(1, 12, 0), 0},
        {"", 0, -1},
        {"mo", 0, -1},
        {"mond", 0, -1},
        {"mon-", 0, -1},
        {"mon,", 0, -1},
        {"mon 9-17", 0, -1},
        {"09:00", 0, -1},
        {"09:00-", 0, -1},
        {"09:00-09:00", 0, -1},
        {"09:60-10:00", 0, -1},
        {"24:00-10:00", 0, -1},
        {"09:00-24:01", 0, -1},
        {"09:00-10:00 mon", 0, -1},
        {"999:00-10:00", 0, -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rule_hours h;
        bool is_time = rule_hours_parse(rows[i].text, &h);
        int answer = is_time ? rule_hours_match(&h, rows[i].at) : -1;
        if (answer != rows[i].answer) {
            fail_msg("\"%s\" at %d: %d", rows[i].text, rows[i].at, answer);
        }
    }
}

static void a_time_that_is_not_known_is_a_doubt(void **state)
{
    (void)state;
    rules_kit_deny(&kit, PRIVACY_HOURS, "sat,sun");
    assert_int_equal(rules_kit_open(&kit), 0);
    struct privacy_subject s = {.app = "x"};
    struct privacy_reason why;
    assert_false(privacy_is_denied(kit.rules, &s, &why));
    rules_kit_expect(&kit, &s, "privacy.exclude_hours: sat,sun");
    assert_true(privacy_is_excluded(kit.rules, &s, &why));
    assert_non_null(strstr(why.why, "when it was taken is not known"));
    s.has_minute = true;
    rules_kit_expect(&kit, &s, "");
    s.minute_of_week = AT(6, 0, 0);
    rules_kit_expect(&kit, &s, "privacy.exclude_hours: sat,sun");
    assert_true(privacy_is_denied(kit.rules, &s, &why));
}

// ---- bad patterns

static void bad_patterns_are_named_with_their_place(void **state)
{
    (void)state;
    static const struct {
        enum privacy_field f;
        const char *text;
        const char *words;
    } rows[] = {
        {PRIVACY_WINDOW, "re:(foo",
         "/etc/vlmd.yaml:7: privacy.exclude_windows: \"re:(foo\" is no regular "
         "expression: "
         "missing closing parenthesis (at character 8)\n"},
        {PRIVACY_APP, "/é[/",
         "missing terminating ] for character class (at character 4)"},
        {PRIVACY_APP, "re:", "\"re:\" is an empty regular expression"},
        {PRIVACY_APP, "//", "\"//\" is an empty regular expression"},
        {PRIVACY_APP, "/foo/i", "letters behind the last / are not understood"},
        {PRIVACY_APP, "re:\\Ca", "using \\C is disabled"},
        {PRIVACY_APP, "re:a{99999}", "number too big in {} quantifier"},
        {PRIVACY_APP, "re:((((((a{1,200}){1,200}){1,200}){1,200}){1,200}){1,200})",
         "regular expression is too large"},
        {PRIVACY_URL, "*[z-a]*", "\"*[z-a]*\" is no pattern: range out of order"},
        {PRIVACY_SCREEN, " \xe2\x80\x8b ", "nothing but blanks"},
        {PRIVACY_HOURS, "9 to 5",
         "privacy.exclude_hours: \"9 to 5\" is no time of the week such as"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rules_kit_deny(&kit, rows[i].f, rows[i].text);
        assert_int_equal(rules_kit_open(&kit), E_CONFIG);
        assert_int_equal(kit.problems, 1);
        if (!strstr(kit.said, rows[i].words)) {
            fail_msg("row %zu says: %s", i, kit.said);
        }
        rules_kit_close(&kit);
    }
    // all at once
    rules_kit_deny(&kit, PRIVACY_APP, "re:(");
    rules_kit_deny(&kit, PRIVACY_APP, "fine");
    rules_kit_allow(&kit, PRIVACY_HOURS, "never");
    assert_int_equal(rules_kit_open(&kit), E_CONFIG);
    assert_int_equal(kit.problems, 2);
    assert_non_null(strstr(kit.said, "privacy.allow_hours: \"never\""));
}

// ---- hostile input

static void a_text_that_is_too_long_is_a_doubt(void **state)
{
    (void)state;
    enum { LONG = 10 << 20 };
    char *text = malloc(LONG + 1);
    assert_non_null(text);
    memset(text, 'a', LONG);
    text[LONG] = 0;
    struct privacy_subject s = {.app = "x", .window = text};
    struct privacy_reason why;
    rules_kit_deny(&kit, PRIVACY_WINDOW, "nothing like it");
    rules_kit_deny(&kit, PRIVACY_APP, "y");
    assert_int_equal(rules_kit_open(&kit), 0);
    rules_kit_expect(&kit, &s, "privacy.exclude_windows: nothing like it");
    assert_true(privacy_is_excluded(kit.rules, &s, &why));
    assert_non_null(strstr(why.why, "too long to tell"));
    text[RULE_TEXT_MAX - 1] = 0;
    rules_kit_expect(&kit, &s, "");
    // it was cut before
    s.cut = 1u << PRIVACY_WINDOW;
    rules_kit_expect(&kit, &s, "privacy.exclude_windows: nothing like it");
    // the other texts are not touched by it
    rules_kit_close(&kit);
    rules_kit_deny(&kit, PRIVACY_APP, "y");
    assert_int_equal(rules_kit_open(&kit), 0);
    rules_kit_expect(&kit, &s, "");
    // of what nobody sees only so much is read
    memset(text, 'a', LONG);
    for (int i = 0; i + 3 < LONG; i += 3) {
        memcpy(text + i, "\xe2\x80\x8b", 3);
    }
    s = (struct privacy_subject){.app = text};
    rules_kit_expect(&kit, &s, "privacy.exclude_apps: y");
    free(text);
}

static void an_expression_that_takes_too_long_is_a_doubt(void **state)
{
    (void)state;
    static const char *const bombs[] = {"re:^(a+)+$", "re:^(a|aa)+$",
                                        "re:(.*)*(.*)*(.*)*[xy]$", "re:(a?){40}a{40}$"};
    static char text[RULE_TEXT_MAX - 1];
    memset(text, 'a', sizeof(text) - 2);
    text[sizeof(text) - 2] = '!';
    const struct privacy_subject s = {.window = text};
    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
        struct privacy_reason why;
        rules_kit_deny(&kit, PRIVACY_WINDOW, bombs[i]);
        assert_int_equal(rules_kit_open(&kit), 0);
        assert_true(privacy_is_excluded(kit.rules, &s, &why));
        assert_non_null(strstr(why.why, "takes too long to tell"));
        rules_kit_close(&kit);
        rules_kit_allow(&kit, PRIVACY_WINDOW, bombs[i]);
        assert_int_equal(rules_kit_open(&kit), 0);
        rules_kit_expect(&kit, &s, "privacy.allow_windows");
        rules_kit_close(&kit);
    }
    // a glob is none of these
    text[0] = 'b';
    rules_kit_deny(&kit, PRIVACY_WINDOW, "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b*");
    assert_int_equal(rules_kit_open(&kit), 0);
    rules_kit_expect(&kit, &s, "");
}

static void texts_are_made_fit_to_compare(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", ""},
        {"plain ÀÉ 漢字 😀", "plain ÀÉ 漢字 😀"},
        {"a\tb\r\n\x01\x7f", "a b    "},
        {"a\xc2\xa0"
         "b\xe3\x80\x80"
         "c\xe2\x80\xaf"
         "d",
         "a b c d"},
        {"Microsoft\xe2\x80\x8b Edge", "Microsoft Edge"},
        {"\xe2\x80\xaaKee\xc2\xadPass\xe2\x80\xac\xef\xbb\xbf", "KeePass"},
        {"bad\xff\xc3", "bad??"},
        {"\xed\xa0\x80", "???"},  // a surrogate
        {"\xc0\xafx", "??x"},     // an overlong slash
        {"\xc2\x9b"
         "x",
         " x"},  // a C1 control
    };
    char out[64];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(rule_text(rows[i].in, out, sizeof(out)));
        assert_string_equal(out, rows[i].out);
    }
    char small[4];
    assert_false(rule_text("four", small, sizeof(small)));
    assert_string_equal(small, "fou");
    assert_false(rule_text("aéé", small, sizeof(small)));
    assert_string_equal(small, "aé");
    assert_true(rule_text("aé", small, sizeof(small)));
}

// ---- for people

struct listing {
    char text[2000];
    int n;
};

static void on_rule(void *arg, const struct privacy_rule *r)
{
    struct listing *l = arg;
    size_t n = strlen(l->text);
    snprintf(l->text + n, sizeof(l->text) - n, "%s %s %s %s%s\n", r->list, r->pattern,
             r->origin, privacy_field_name(r->field), r->is_match ? " match" : "");
    assert_true(r->is_allow == (strstr(r->list, "allow") != NULL));
    assert_true((*r->words != 0) == (strcmp(r->list, "built in") == 0));
    l->n++;
}

static void rules_are_listed_with_their_origin(void **state)
{
    (void)state;
    rules_kit_deny(&kit, PRIVACY_APP, "KeePass*");
    rules_kit_allow(&kit, PRIVACY_HOURS, "mon-fri");
    assert_int_equal(rules_kit_open(&kit), 0);
    struct listing l = {.n = 0};
    privacy_rules_each(kit.rules, NULL, on_rule, &l);
    assert_string_equal(l.text, "privacy.exclude_apps KeePass* vlmd.yaml:7 apps\n"
                                "privacy.allow_hours mon-fri vlmd.yaml:7 hours\n");
    const struct privacy_subject s = {.app = "keepassxc"};
    l = (struct listing){.n = 0};
    privacy_rules_each(kit.rules, &s, on_rule, &l);
    assert_string_equal(l.text, "privacy.exclude_apps KeePass* vlmd.yaml:7 apps match\n"
                                "privacy.allow_hours mon-fri vlmd.yaml:7 hours\n");
    rules_kit_close(&kit);
    kit.config.has_defaults = true;
    assert_int_equal(rules_kit_open(&kit), 0);
    l = (struct listing){.n = 0};
    privacy_rules_each(kit.rules, &s, on_rule, &l);
    assert_true(l.n >= 8);
    assert_non_null(strstr(l.text, "built in password managers built in apps match\n"));
}

#define TEST(name) cmocka_unit_test_teardown(name, close_kit)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(deny_lists_match_as_the_table_says),
        TEST(a_reason_never_holds_the_windows_text),
        TEST(nothing_is_excluded_without_rules),
        TEST(metadata_can_be_demanded),
        TEST(allow_lists_let_only_through_what_they_name),
        TEST(hours_are_read_and_compared),
        TEST(a_time_that_is_not_known_is_a_doubt),
        TEST(bad_patterns_are_named_with_their_place),
        TEST(a_text_that_is_too_long_is_a_doubt),
        TEST(an_expression_that_takes_too_long_is_a_doubt),
        TEST(texts_are_made_fit_to_compare),
        TEST(rules_are_listed_with_their_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
