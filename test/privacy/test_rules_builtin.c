// test_rules_builtin.c -- what the built-in deny rules catch, and what they must not.
//
// Also a bench: what the whole gate costs with them and fifty rules of the user's.
// SPDX-License-Identifier: MIT
#include "rules_kit.h"

#include "privacy/rules_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct rules_kit kit;

static int open_defaults(void **state)
{
    (void)state;
    kit.config.has_defaults = true;
    return rules_kit_open(&kit);
}

static int close_kit(void **state)
{
    (void)state;
    rules_kit_close(&kit);
    return 0;
}

#define MANAGERS "built in: password managers"
#define DIALOGS  "built in: key and credential dialogs"
#define PRIVATE  "built in: private windows"
#define BANKING  "built in: banking"

struct row {
    const char *text;
    const char *rule;  // "" = allowed
};

#define CHECK(rows, field) check(rows, sizeof(rows) / sizeof((rows)[0]), field)

static void check(const struct row *rows, size_t n, enum privacy_field f)
{
    for (size_t i = 0; i < n; i++) {
        struct privacy_subject s = {.app = "someprogram", .window = "some window"};
        s.app = f == PRIVACY_APP ? rows[i].text : s.app;
        s.window = f == PRIVACY_WINDOW ? rows[i].text : s.window;
        s.url = f == PRIVACY_URL ? rows[i].text : NULL;
        rules_kit_expect(&kit, &s, rows[i].rule);
    }
}

static void programs(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"KeePassXC", MANAGERS},
        {"org.keepassxc.KeePassXC", MANAGERS},
        {"KeePass.exe", MANAGERS},
        {"keepassxc-proxy", MANAGERS},
        {"1Password 7", MANAGERS},
        {"com.1password.1password", MANAGERS},
        {"Bitwarden", MANAGERS},
        {"com.bitwarden.desktop", MANAGERS},
        {"LastPass", MANAGERS},
        {"com.lastpass.LastPass", MANAGERS},
        {"Dashlane", MANAGERS},
        {"Enpass", MANAGERS},
        {"NordPass", MANAGERS},
        {"Proton Pass", MANAGERS},
        {"ProtonPass", MANAGERS},
        {"Passwords", MANAGERS},
        {"com.apple.Passwords", MANAGERS},
        {"Keychain Access", MANAGERS},
        {"com.apple.keychainaccess", MANAGERS},
        {"seahorse", MANAGERS},
        {"org.gnome.seahorse.Application", MANAGERS},
        {"Passwords and Keys", MANAGERS},
        {"kwalletmanager5", MANAGERS},
        {"kwalletd6", MANAGERS},
        {"gnome-keyring-daemon", MANAGERS},
        {"org.gnome.World.Secrets", MANAGERS},
        {"Keeper Password Manager", MANAGERS},
        {"Authy Desktop", MANAGERS},
        {"pinentry-gnome3", DIALOGS},
        {"pinentry", DIALOGS},
        {"polkit-gnome-authentication-agent-1", DIALOGS},
        {"polkit-kde-authentication-agent-1", DIALOGS},
        {"lxpolkit", DIALOGS},
        {"lxqt-policykit-agent", DIALOGS},
        {"x11-ssh-askpass", DIALOGS},
        {"ksshaskpass", DIALOGS},
        {"gcr-prompter", DIALOGS},
        {"consent.exe", DIALOGS},
        {"CredentialUIBroker.exe", DIALOGS},
        {"SecurityAgent", DIALOGS},
        {"Tor Browser", PRIVATE},
        {"torbrowser", PRIVATE},
        {"StarMoney", BANKING},
        {"Terminal", ""},
        {"gnome-terminal-server", ""},
        {"firefox", ""},
        {"Google Chrome", ""},
        {"code", ""},
        {"Slack", ""},
        {"Keynote", ""},
        {"Gatekeeper", ""},
        {"openpass", ""},
        {"consentmanager", ""},
        {"Motor Browser", ""},
        {"Banktivity", ""},
        {"Finder", ""},
    };
    CHECK(rows, PRIVACY_APP);
}

static void titles_that_are_denied(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"KeePassXC", MANAGERS},
        {"Passwords.kdbx [Locked] - KeePassXC", MANAGERS},
        {"work.kdbx - KeePass", MANAGERS},
        {"1Password \xe2\x80\x94 Lock Screen", MANAGERS},
        {"All Vaults - 1Password", MANAGERS},
        {"Vaults | Bitwarden Web Vault - Mozilla Firefox", MANAGERS},
        {"Passwords and Keys", MANAGERS},
        {"Google Password Manager - Google Chrome", MANAGERS},
        {"Passwords - Settings - Google Chrome", MANAGERS},
        {"Passwörter — Mozilla Firefox", MANAGERS},
        {"密码 - 设置 - Google Chrome", MANAGERS},
        {"Enter passphrase", DIALOGS},
        {"Enter passphrase for key '/home/u/.ssh/id_ed25519'", DIALOGS},
        {"Please enter your PIN", DIALOGS},
        {"OpenSSH Authentication", DIALOGS},
        {"ssh-askpass", DIALOGS},
        {"pinentry-qt", DIALOGS},
        {"Unlock Keyring", DIALOGS},
        {"Unlock Login Keyring", DIALOGS},
        {"Authentication Required", DIALOGS},
        {"Authentication Required \xe2\x80\x94 PolicyKit1 KDE Agent", DIALOGS},
        {"Authentication Required - Mozilla Firefox", DIALOGS},
        {"Authenticate", DIALOGS},
        {"User Account Control", DIALOGS},
        {"Windows Security", DIALOGS},
        {"KDE Wallet Service", DIALOGS},
        {"Authentifizierung erforderlich", DIALOGS},
        {"Legitimierung erforderlich", DIALOGS},
        {"Benutzerkontensteuerung", DIALOGS},
        {"Contrôle de compte d\xe2\x80\x99utilisateur", DIALOGS},
        {"Control de cuentas de usuario", DIALOGS},
        {"ユーザー アカウント制御", DIALOGS},
        {"用户帐户控制", DIALOGS},
    };
    CHECK(rows, PRIVACY_WINDOW);
}

static void titles_of_private_windows_and_banks_are_denied(void **state)
{
    (void)state;
    static const struct row rows[] = {
        // Firefox
        {"News \xe2\x80\x94 Mozilla Firefox Private Browsing", PRIVATE},
        {"Mozilla Firefox Private Browsing", PRIVATE},
        {"News - Mozilla Firefox (Private Browsing)", PRIVATE},
        {"News \xe2\x80\x94 Private Browsing", PRIVATE},
        {"News \xe2\x80\x94 (Private Browsing)", PRIVATE},
        {"Nachrichten \xe2\x80\x94 Mozilla Firefox Privater Modus", PRIVATE},
        {"Nouvelles \xe2\x80\x94 Navigation privée de Mozilla Firefox", PRIVATE},
        {"Nouvelles - Mozilla Firefox (Navigation privée)", PRIVATE},
        {"Noticias \xe2\x80\x94 Navegación privada de Mozilla Firefox", PRIVATE},
        {"Notizie - Mozilla Firefox (Navigazione anonima)", PRIVATE},
        {"Notícias \xe2\x80\x94 Navegação privativa do Mozilla Firefox", PRIVATE},
        {"Nieuws - Mozilla Firefox (Privénavigatie)", PRIVATE},
        {"Wiadomości \xe2\x80\x94 Mozilla Firefox \xe2\x80\x94 (tryb prywatny)", PRIVATE},
        {"ニュース — Mozilla Firefox プライベートブラウジング", PRIVATE},
        {"ニュース - Mozilla Firefox (プライベート ブラウジング)", PRIVATE},
        {"新闻 — Mozilla Firefox 隐私浏览", PRIVATE},
        {"Zprávy — Mozilla Firefox — anonymní prohlížení", PRIVATE},
        // Chrome
        {"New Incognito Tab - Google Chrome", PRIVATE},
        {"New Tab - Google Chrome (Incognito)", PRIVATE},
        {"News - Google Chrome - Work (Incognito)", PRIVATE},
        {"News (Incognito)", PRIVATE},
        {"Neuer Inkognito-Tab - Google Chrome", PRIVATE},
        {"Nachrichten - Google Chrome (Inkognito)", PRIVATE},
        {"Nouvelles - Google Chrome (Navigation privée)", PRIVATE},
        {"Noticias - Google Chrome (Incógnito)", PRIVATE},
        {"Notizie - Google Chrome (In incognito)", PRIVATE},
        {"Notícias - Google Chrome (Modo anônimo)", PRIVATE},
        {"ニュース - Google Chrome（シークレット モード）", PRIVATE},
        {"新闻 - Google Chrome（无痕）", PRIVATE},
        {"新聞 - Google Chrome (無痕模式)", PRIVATE},
        // Edge with its zero-width space, Brave, Tor, Safari
        {"News - [InPrivate] - Microsoft\xe2\x80\x8b Edge", PRIVATE},
        {"News - InPrivate - Microsoft Edge", PRIVATE},
        {"News - Brave (Private)", PRIVATE},
        {"New Private Tab - Brave", PRIVATE},
        {"News - Brave (Private window with Tor)", PRIVATE},
        {"About Tor - Tor Browser", PRIVATE},
        {"Start \xe2\x80\x94 Private Browsing", PRIVATE},
        // banks
        {"Online Banking - Mozilla Firefox", BANKING},
        {"Onlinebanking | Sparkasse Musterstadt", BANKING},
        {"My Bank - Internet Banking", BANKING},
        {"Mein ELBA E-Banking - Chrome", BANKING},
        {"Sign In | Wells Fargo - Google Chrome", BANKING},
        {"Chase Bank: Account Summary", BANKING},
        {"Anmelden - Volksbank - Firefox", BANKING},
        {"Finanzübersicht - Deutsche Bank", BANKING},
        {"Mes comptes - Crédit Agricole", BANKING},
        {"Log in to Online-Banking | HSBC", BANKING},
        {"个人网上银行 - 首页", BANKING},
    };
    CHECK(rows, PRIVACY_WINDOW);
}

static void titles_that_are_allowed(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"Terminal", ""},
        {"user@host: ~/src/terminal", ""},
        {"private static void main - Main.java - IntelliJ IDEA", ""},
        {"Incognito mode explained - Docs", ""},
        {"Incognito mode explained - Docs - Google Chrome", ""},
        {"Incognito (2009 film) - Wikipedia - Mozilla Firefox", ""},
        {"Private Browsing - Use Firefox without saving history | Mozilla Support", ""},
        {"Private Browsing off", ""},
        {"Private browsing in Safari - Apple Support - Google Chrome", ""},
        {"Navigation privée — Wikipédia — Mozilla Firefox", ""},
        {"InPrivate - Microsoft Support - Google Chrome", ""},
        {"Download Tor Browser - Mozilla Firefox", ""},
        {"Saving Private Ryan - IMDb", ""},
        {"private (C# Reference) - Microsoft Learn - Microsoft Edge", ""},
        {"repo (private) | Settings - GitHub", ""},
        {"Anonymous function - Wikipedia", ""},
        {"How to use KeePassXC - YouTube - Mozilla Firefox", ""},
        {"1Password - Wikipedia", ""},
        {"Bitwarden Open Source Password Manager - Mozilla Firefox", ""},
        {"feature/enpass-import - git log", ""},
        {"Password hashing in C - Stack Overflow - Mozilla Firefox", ""},
        {"passwords.c - project - Visual Studio Code", ""},
        {"test_password_reset.py - vim", ""},
        {"Forgot password? - Shop - Chromium", ""},
        {"polkit - ArchWiki - Mozilla Firefox", ""},
        {"pinentry(1) man page - Chromium", ""},
        {"Authentication - Stripe API Reference - Google Chrome", ""},
        {"Authentication | Docs - Mozilla Firefox", ""},
        {"Enter passphrase for key: stop ssh from asking - Ask Ubuntu - Mozilla Firefox",
         ""},
        {"Unlock Keyring without password - Ask Ubuntu - Google Chrome", ""},
        {"User Account Control - Wikipedia - Mozilla Firefox", ""},
        {"Keyboard - Settings", ""},
        {"Deutsche Bank shares fall - Reuters - Mozilla Firefox", ""},
        {"Chase the dragon - YouTube", ""},
        {"bank.c - login - Visual Studio Code", ""},
        {"Anmelden - Datenbank - Chromium", ""},
        {"Entrar - Banco de dados", ""},
        {"Power bank 20000 mAh - Shop", ""},
        {"West Bank - Wikipedia", ""},
        {"Sign in to GitHub", ""},
        {"Log in - MDN Web Docs", ""},
        {"logging in banking.py - PyCharm", ""},
        {"Bank holidays 2027 - GOV.UK - Google Chrome", ""},
        {"Inbox - me@example.com - Thunderbird", ""},
        {"UAC bypass writeup - notes.md - Obsidian", ""},
        {"", ""},
    };
    CHECK(rows, PRIVACY_WINDOW);
}

static void addresses(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"https://vault.bitwarden.com/#/vault", MANAGERS},
        {"https://passwords.google.com/", MANAGERS},
        {"https://my.1password.com/vaults/all", MANAGERS},
        {"chrome://password-manager/passwords", MANAGERS},
        {"about:logins", MANAGERS},
        {"https://banking.sparkasse.example/login", BANKING},
        {"https://onlinebanking.example.de", BANKING},
        {"https://www.ebanking.example.ch/x", BANKING},
        {"banking.example.org/x", BANKING},
        {"https://www.first.bank/accounts", BANKING},
        {"https://en.wikipedia.org/wiki/Online_banking", ""},
        {"https://example.org/?next=https://banking.example.org/", ""},
        {"https://openbanking.example.org/", ""},
        {"https://databank.example.org/", ""},
        {"https://www.bank.example/", ""},
        {"https://bitwarden.com/blog/", ""},
        {"https://github.com/bitwarden/clients", ""},
        {"about:config", ""},
        {"", ""},
    };
    CHECK(rows, PRIVACY_URL);
    // an address may be cut, its host is there
    struct privacy_subject s = {.url = "https://www.example.org/?q=a",
                                .cut = 1u << PRIVACY_URL};
    rules_kit_expect(&kit, &s, "");
    s.url = "https://banking.example.org/?q=a";
    rules_kit_expect(&kit, &s, BANKING);
    s = (struct privacy_subject){.window = "News", .cut = 1u << PRIVACY_WINDOW};
    rules_kit_expect(&kit, &s, MANAGERS);
}

static void long_titles_are_no_doubt(void **state)
{
    (void)state;
    static const char *const words[] = {"a",        " ",        "word ",    "bank ",
                                        "- brave ", " - ",      "firefox ", "log in ",
                                        "漢字",     "(private "};
    static char text[RULE_TEXT_MAX];
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t n = strlen(words[i]);
        text[0] = 0;
        for (size_t at = 0; at + n < 500; at += n) {
            memcpy(text + at, words[i], n + 1);
        }
        rules_kit_expect(&kit, &(struct privacy_subject){.window = text}, "");
    }
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void fifty_rules_cost_little(void **state)
{
    (void)state;
    static char texts[50][32];
    static const char *const forms[] = {"secret-%d", "*internal %d*",
                                        "re:\\bproject[ -]?%d\\b", "client ?%d*",
                                        "/^draft %d( |$)/"};
    rules_kit_close(&kit);
    kit.config.has_defaults = true;
    for (int i = 0; i < 50; i++) {
        snprintf(texts[i], sizeof(texts[i]), forms[i % 5], i);
        rules_kit_deny(&kit, i % 2 ? PRIVACY_WINDOW : PRIVACY_APP, texts[i]);
    }
    double begin = now_us();
    assert_int_equal(rules_kit_open(&kit), 0);
    double opened = now_us();
    const struct privacy_subject s = {
        .app = "org.mozilla.firefox",
        .window =
            "A title of a usual length, as pages have them - A Newspaper \xe2\x80\x94 "
            "Mozilla Firefox",
        .path = "/home/user/Pictures/Screenshots/Screenshot from 2026-11-21 10-11-12.png",
        .url =
            "https://www.newspaper.example/politics/2026/11/21/a-title-of-usual-length",
        .screen = "DP-1",
        .has_minute = true,
    };
    rules_kit_expect(&kit, &s, "");
    double first = now_us();
    enum { TIMES = 2000 };
    for (int i = 0; i < TIMES; i++) {
        struct privacy_reason why;
        assert_false(privacy_is_excluded(kit.rules, &s, &why));
    }
    double each = (now_us() - first) / TIMES;
    print_message("open %.0f us, first picture %.0f us, each %.1f us\n", opened - begin,
                  first - opened, each);
    assert_true(each < 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_defaults, close_kit)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(programs),
        TEST(titles_that_are_denied),
        TEST(titles_of_private_windows_and_banks_are_denied),
        TEST(titles_that_are_allowed),
        TEST(addresses),
        TEST(long_titles_are_no_doubt),
        TEST(fifty_rules_cost_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
