// test_prompt.c -- which prompt a window gets, and how prompts are versioned.
// SPDX-License-Identifier: MIT
#include "backend/backend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct row {
    const char *app, *window;
    enum prompt_kind kind;
} rows[] = {
    // IDE
    {"Code", "main.c - vlmd - Visual Studio Code", PROMPT_IDE},
    {"code-oss", "", PROMPT_IDE},
    {"Code - Insiders", "", PROMPT_IDE},
    {"jetbrains-idea", "", PROMPT_IDE},
    {"idea64.exe", "", PROMPT_IDE},
    {"PyCharm", "", PROMPT_IDE},
    {"Xcode", "", PROMPT_IDE},
    {"gvim", "", PROMPT_IDE},
    {"Emacs", "", PROMPT_IDE},
    {"sublime_text", "", PROMPT_IDE},
    {"Android Studio", "", PROMPT_IDE},
    {"Cursor", "", PROMPT_IDE},
    // terminals
    {"gnome-terminal-server", "user@host: ~", PROMPT_TERMINAL},
    {"org.gnome.Terminal", "", PROMPT_TERMINAL},
    {"Terminal", "", PROMPT_TERMINAL},
    {"kitty", "", PROMPT_TERMINAL},
    {"Alacritty", "", PROMPT_TERMINAL},
    {"iTerm2", "", PROMPT_TERMINAL},
    {"konsole", "", PROMPT_TERMINAL},
    {"WindowsTerminal.exe", "", PROMPT_TERMINAL},
    {"kitty", "nvim main.c", PROMPT_IDE},
    {"xterm", "vim", PROMPT_IDE},
    {"xterm", "vimeo download", PROMPT_TERMINAL},
    // browsers and what runs in them
    {"firefox", "News - Mozilla Firefox", PROMPT_BROWSER},
    {"Google Chrome", "Weather", PROMPT_BROWSER},
    {"org.mozilla.firefox", "", PROMPT_BROWSER},
    {"msedge.exe", "", PROMPT_BROWSER},
    {"Safari", "", PROMPT_BROWSER},
    {"Navigator", "", PROMPT_BROWSER},
    {"chromium", "Plan - Google Docs", PROMPT_DOCUMENT},
    {"chrome", "Budget - Google Sheets - Google Chrome", PROMPT_DOCUMENT},
    {"firefox", "paper.pdf", PROMPT_DOCUMENT},
    {"firefox", "Meet - abc-defg-hij", PROMPT_MEETING},
    {"chrome", "Slack | general | Team", PROMPT_CHAT},
    {"chrome", "WhatsApp", PROMPT_CHAT},
    {"chrome", "Inbox (3) - Gmail", PROMPT_CHAT},
    {"brave", "main.c - repo - Visual Studio Code - vscode.dev", PROMPT_IDE},
    {"firefox", "Meeting minutes wiki", PROMPT_BROWSER},
    {"firefox", "Meet the team", PROMPT_BROWSER},
    {"firefox", "Economic outlook 2027", PROMPT_BROWSER},
    {"firefox", "Mail - Ann - Outlook", PROMPT_CHAT},
    {"chrome", "Letter.docx", PROMPT_DOCUMENT},
    // meetings
    {"zoom", "Zoom Meeting", PROMPT_MEETING},
    {"us.zoom.xos", "", PROMPT_MEETING},
    {"Microsoft Teams", "Weekly | Microsoft Teams", PROMPT_MEETING},
    {"ms-teams.exe", "Chat | Ann | Microsoft Teams", PROMPT_CHAT},
    {"Webex", "", PROMPT_MEETING},
    // chat
    {"Slack", "general", PROMPT_CHAT},
    {"slack", "Huddle: general", PROMPT_MEETING},
    {"discord", "#help", PROMPT_CHAT},
    {"discord", "Voice Connected - lobby", PROMPT_MEETING},
    {"TelegramDesktop", "", PROMPT_CHAT},
    {"org.signal.Signal", "", PROMPT_CHAT},
    {"WhatsApp", "", PROMPT_CHAT},
    // documents
    {"Microsoft Word", "Letter.docx", PROMPT_DOCUMENT},
    {"libreoffice-writer", "", PROMPT_DOCUMENT},
    {"soffice.bin", "", PROMPT_DOCUMENT},
    {"AcroRd32.exe", "", PROMPT_DOCUMENT},
    {"evince", "", PROMPT_DOCUMENT},
    {"Notion", "", PROMPT_DOCUMENT},
    {"obsidian", "", PROMPT_DOCUMENT},
    // the window alone: its last part names the program
    {"", "main.c - vlmd - Visual Studio Code", PROMPT_IDE},
    {"", "Private mail \xe2\x80\x94 Mozilla Firefox", PROMPT_BROWSER},
    {"", "Slack talk \xe2\x80\x93 Konsole", PROMPT_TERMINAL},
    {"", "Inbox - Gmail - Google Chrome", PROMPT_CHAT},
    {NULL, "Terminal", PROMPT_TERMINAL},
    {"", "Zoom Meeting", PROMPT_MEETING},
    {"", "Our code of conduct", PROMPT_DEFAULT},
    {"", "Blog - how we write our code", PROMPT_DEFAULT},
    // words inside words do not count
    {"passwordsafe", "", PROMPT_DEFAULT},
    {"decoder", "", PROMPT_DEFAULT},
    {"Steam", "Some Game", PROMPT_DEFAULT},
    {"gimp", "Slack.png - GIMP", PROMPT_DEFAULT},
    {"", "", PROMPT_DEFAULT},
    {NULL, NULL, PROMPT_DEFAULT},
};

static void every_window_has_its_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum prompt_kind k = prompt_kind_of(rows[i].app, rows[i].window);
        if (k != rows[i].kind) {
            fail_msg("%s / %s: %s instead of %s", rows[i].app, rows[i].window,
                     prompt_kind_name(k), prompt_kind_name(rows[i].kind));
        }
    }
}

static void long_names_are_cut(void **state)
{
    (void)state;
    static char name[5000];
    memset(name, 'x', sizeof(name) - 1);
    memcpy(name + 4000, " firefox ", 9);
    assert_int_equal(prompt_kind_of(name, name), PROMPT_DEFAULT);
}

static int words_of(const char *s)
{
    int n = 0;
    for (; *s; s++) {
        n += *s == ' ';
    }
    return n + 1;
}

static void every_kind_has_a_short_text_and_a_version(void **state)
{
    (void)state;
    static const char *const apps[PROMPT_KINDS] = {"",     "code",   "kitty", "firefox",
                                                   "zoom", "evince", "slack"};
    for (int i = 0; i < PROMPT_KINDS; i++) {
        struct prompt p;
        char version[64];
        prompt_pick(NULL, apps[i], "", &p);
        assert_int_equal(p.kind, i);
        snprintf(version, sizeof(version), "%s/1", prompt_kind_name(p.kind));
        assert_string_equal(p.version, version);
        // a long text would hide that the picture was dropped (ask.c)
        assert_in_range(words_of(p.user) + words_of(p.system), 30, 85);
    }
    assert_string_equal(prompt_kind_name(PROMPT_KINDS), "unknown");
}

static void a_safe_question_quotes_nothing(void **state)
{
    (void)state;
    static const char *const apps[PROMPT_KINDS] = {"",     "code",   "kitty", "firefox",
                                                   "zoom", "evince", "slack"};
    for (int i = 0; i < PROMPT_KINDS; i++) {
        struct prompt p, usual;
        char version[64];
        prompt_pick(NULL, apps[i], "", &usual);
        assert_string_equal(usual.rule, "");
        prompt_pick_safe(NULL, apps[i], "", &p);
        assert_int_equal(p.kind, i);
        snprintf(version, sizeof(version), "%s/1s", prompt_kind_name(p.kind));
        assert_string_equal(p.version, version);
        assert_string_equal(p.system, usual.system);
        assert_string_not_equal(p.user, usual.user);
        // The usual ones ask for what stands there.
        assert_null(strstr(p.user, "uote"));
        assert_null(strstr(p.user, "names"));
        assert_non_null(strstr(p.rule, "Quote nothing word for word"));
        assert_in_range(words_of(p.user) + words_of(p.system) + words_of(p.rule), 60,
                        130);
    }
}

static void a_text_of_the_users_own_gets_the_rule_behind_it(void **state)
{
    (void)state;
    struct prompt_config c = {.system = "", .user = {[PROMPT_IDE] = "What code is it?"}};
    struct prompt usual, p, browser;
    prompt_pick(&c, "code", "", &usual);
    prompt_pick_safe(&c, "code", "", &p);
    assert_string_equal(p.user, "What code is it?");
    assert_true(strlen(p.rule) > 0);
    assert_int_equal(strlen(p.version), strlen("ide/custom-12345678s"));
    assert_string_not_equal(p.version, usual.version);
    prompt_pick_safe(&c, "firefox", "", &browser);
    assert_string_equal(browser.version, "browser/1s");
}

static void configuration_replaces_texts_and_versions(void **state)
{
    (void)state;
    struct prompt_config c = {.system = "", .user = {[PROMPT_IDE] = "What code is it?"}};
    struct prompt built_in, p, again;
    prompt_pick(NULL, "code", "", &built_in);
    prompt_pick(&c, "code", "", &p);
    assert_string_equal(p.user, "What code is it?");
    assert_string_equal(p.system, built_in.system);
    assert_int_equal(strlen(p.version), strlen("ide/custom-12345678"));
    assert_memory_equal(p.version, "ide/custom-", 11);
    prompt_pick(&c, "code", "other window", &again);
    assert_string_equal(again.version, p.version);
    // another kind keeps its own
    prompt_pick(&c, "firefox", "", &again);
    assert_string_equal(again.version, "browser/1");
    // another text is another version
    c.user[PROMPT_IDE] = "What code is it!";
    prompt_pick(&c, "code", "", &again);
    assert_string_not_equal(again.version, p.version);
    // so is another system text, for every kind
    c.system = "Be brief.";
    prompt_pick(&c, "code", "", &p);
    assert_string_equal(p.system, "Be brief.");
    assert_string_not_equal(again.version, p.version);
    prompt_pick(&c, "firefox", "", &p);
    assert_memory_equal(p.version, "browser/custom-", 15);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_window_has_its_kind),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(every_kind_has_a_short_text_and_a_version),
        cmocka_unit_test(a_safe_question_quotes_nothing),
        cmocka_unit_test(a_text_of_the_users_own_gets_the_rule_behind_it),
        cmocka_unit_test(configuration_replaces_texts_and_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
