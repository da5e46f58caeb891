// test_find_read.c -- what text recognition made of secrets, and of what is none.
//
// The texts are what Tesseract really read on rendered pages.
// SPDX-License-Identifier: MIT
#include "privacy/find.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct privacy_finder *finder;

static int open_finder(void **state)
{
    struct err e = {0};
    (void)state;
    return privacy_finder_open(&finder, &e);
}

static int close_finder(void **state)
{
    (void)state;
    privacy_finder_free(finder);
    return 0;
}

// In bytes of the text; those of several findings together.
static size_t covered(const char *text, const char *secret)
{
    struct privacy_findings f = {0};
    const size_t len = strlen(text);
    const char *at = strstr(text, secret);
    size_t n = 0;
    assert_non_null(at);
    assert_int_equal(privacy_find_read(finder, text, len, &f), 0);
    const size_t begin = (size_t)(at - text), end = begin + strlen(secret);
    for (int i = 0; i < f.n; i++) {
        const size_t from = f.items[i].offset, to = from + f.items[i].len;
        assert_true(f.items[i].len > 0 && to <= len);
        assert_true(i == 0 || from >= f.items[i - 1].offset + f.items[i - 1].len);
        const size_t first = from > begin ? from : begin, last = to < end ? to : end;
        n += last > first ? last - first : 0;
    }
    privacy_findings_fini(&f);
    return n;
}

static void what_was_torn_is_found_whole(void **state)
{
    (void)state;
    static const struct {
        const char *text, *secret;
    } rows[] = {
        {"export TOKEN=\"xoxb-246855284237 -4212995723491-RY7t\nvPC2Y3ibeI90Eb0GqSvs\"",
         "xoxb-246855284237 -4212995723491-RY7t\nvPC2Y3ibeI90Eb0GqSvs"},
        {"token: eyJhbGci0iJIUZUxMiJ9 .eyJzdWIi0iIOMTUxMzciLCJuYW111joidTcwMCIsImlhd\n\n"
         "CI6MTUyMDAyNTE2MnO . oELyTEeFEcwydATalKg8UHm_pX8jm50iHen2Z4vLMPq\nBye",
         "eyJhbGci0iJIUZUxMiJ9 .eyJzdWIi0iIOMTUxMzciLCJuYW111joidTcwMCIsImlhd\n\n"
         "CI6MTUyMDAyNTE2MnO . oELyTEeFEcwydATalKg8UHm_pX8jm50iHen2Z4vLMPq"},
        {"Luca: here you go xKhchDRY3405dUgTz7hWioqyNf yRpIdg\nok",
         "xKhchDRY3405dUgTz7hWioqyNf yRpIdg"},
        {"SECRET_KEY='d671 f5aec56d58731f600bfd30b6abacb3 "
         "3f47036e04a2adaf0fe59a5233243a'",
         "d671 f5aec56d58731f600bfd30b6abacb3 3f47036e04a2adaf0fe59a5233243a"},
        {"(O7uUuKP8a1lCxp90aVilave6JOHR XajlAOIE8 1)",
         "O7uUuKP8a1lCxp90aVilave6JOHR XajlAOIE8"},
        // A private key without its first and its last line.
        {"ssh-key\n\nMIGHAgEAMBMGByqGSM4 9AgEGCCGGSM4 9AWEHBGOweQv3B9YA4 f "
         "7wZgcbZH64ZzDv\n"
         "YFVAxn10fCiQ+/4NdHKdiBwX7F8H4u0zd3UmHmL/nZzlo+p27KLUTGKZY6MyF9KC\n"
         "iUNLtgQeGiT+EjQ/bXCMrVCxoBQoYrgX\nZoom 100 %",
         "MIGHAgEAMBMGByqGSM4 9AgEGCCGGSM4 9AWEHBGOweQv3B9YA4 f 7wZgcbZH64ZzDv\n"
         "YFVAxn10fCiQ+/4NdHKdiBwX7F8H4u0zd3UmHmL/nZzlo+p27KLUTGKZY6MyF9KC\n"
         "iUNLtgQeGiT+EjQ/bXCMrVCxoBQoYrgX"},
        // Signs that were letters.
        {"key: b3B1bnNzaC1rZXktdjEAAAAABGSvbmU@R4waE)SEGxqoPBTVQ1¢D9s5Rmr+Pk5V",
         "b3B1bnNzaC1rZXktdjEAAAAABGSvbmU@R4waE)SEGxqoPBTVQ1¢D9s5Rmr+Pk5V"},
        {"proxy-authorization: Basic YWRtaW46aEdBSzZuawQ=", "YWRtaW46aEdBSzZuawQ="},
        {"Mot de passe: xf J*+5kh?czF", "xf J*+5kh?czF"},
        {"<password>Qvzy Lj -5373-wah</password>", "Qvzy Lj -5373-wah"},
        {"Passwort\n\nBerlin468!\n\nZoom 100 %", "Berlin468!"},
        {"Password: Qeq|jo-8188-laq", "Qeq|jo-8188-laq"},
        {"machine example.com login me password s6F3k! TQ@Ak", "s6F3k! TQ@Ak"},
        {"Authorization: Bearer NRAK-U701DJOLMTTKDZLIJIQGEIBU7Q5ZN",
         "NRAK-U701DJOLMTTKDZLIJIQGEIBU7Q5ZN"},
        {"xoOxp-469235020295-431 194752985-2d0cff3bbbce5056d40d820d2e151ebe |",
         "469235020295-431 194752985-2d0cff3bbbce5056d40d820d2e151ebe"},
        {"vVSbBx1N1bCaBQWmoP2YnQN2VVMKHPzrvSW8m\nBZYtlYQH\nInbox",
         "vVSbBx1N1bCaBQWmoP2YnQN2VVMKHPzrvSW8m\nBZYtlYQH"},
        {"here: 6493-1 734-2127-1855 exp 04/27", "6493-1 734-2127-1855"},
        {"pin=2492 427", "2492"},
        {"ntn_al fs@1PIUCC2cpyOxVx3D1 yOD2rm2d43q4ZmYa34PQP2x7",
         "ntn_al fs@1PIUCC2cpyOxVx3D1 yOD2rm2d43q4ZmYa34PQP2x7"},
        {"qtL5Uz8 j TuMv6utKAH 1 SwvEBwPUZCmy Spor xp7AEi jrYQAF jh6ofbLhiZ66M39f ak "
         "35cFo3R",
         "qtL5Uz8 j TuMv6utKAH 1 SwvEBwPUZCmy Spor xp7AEi jrYQAF jh6ofbLhiZ66M39f ak "
         "35cFo3R"},
        {"export TOKEN=\"AKITASHNRNWYPFNSGHNMM\"", "AKITASHNRNWYPFNSGHNMM"},
        {"\"consumerSecret\" :\n\"478ef2de22447141ff38efb4ed18ed4d6b5cc4f716\n"
         "287¢2855262e42ae4e0f61\"",
         "478ef2de22447141ff38efb4ed18ed4d6b5cc4f716\n287¢2855262e42ae4e0f61"},
        {"Spam YWRtaW46Y1JaMTdjdWk= more", "YWRtaW46Y1JaMTdjdWk="},
        {"(9qpbimUnXppajgmrofofle2eYnvYqJIDAc3AxWThe )",
         "9qpbimUnXppajgmrofofle2eYnvYqJIDAc3AxWThe"},
        {"mongodb+srv://root:b4Drn!V8Gracluster®.example.net/test", "b4Drn!V8Gr"},
        {"curl -u admin: IfljVS2CWkf https://web-3/api", "IfljVS2CWkf"},
        {"$ echo key-10b7b0b41979d76576d3f1fO26bccOf7 | login --stdin",
         "key-10b7b0b41979d76576d3f1fO26bccOf7"},
        {"1. uniform 2. artefact 3. gift 4. dizzy\n5. glare 6. head 7. belt 8. text\n"
         "9. mango 10. popular 11. warm 12. siren\n13. stoo1 14. hqst 15. repaet\nSaved",
         "13. stoo1 14. hqst 15. repaet"},
        {"Backup\n1. unlform 2. artefoct 3. gift 4. dizzy\n5. glare 6. head 7. belt 8. "
         "text\n"
         "9. mango 10. popular 11. warm 12. siren\n13. stool 14. host 15. repeat\nSaved",
         "1. unlform 2. artefoct 3. gift 4. dizzy"},
        {"down: 1. unicorn 2. ar\nnotes.txt\nsettings. ini tefact 3. gift\n\n4. dizzy\n"
         "5. glare 6. head 7. belt 8. text\n9. mango 10. popular 11. warm 12. siren\n"
         "13. stool 14. host 15. repeat",
         "1. unicorn 2. ar\nnotes.txt\nsettings. ini tefact 3. gift"},
        {"Il tuo codice di verifica @ 722127", "722127"},
        {"API-Schlussel: 87219812285c3a987736604973fbfb78",
         "87219812285c3a987736604973fbfb78"},
        {"\"consumerSecret\" : 27\n\"478ef2de22447141ff38efb4ed18ed4d6b5cc4f716",
         "478ef2de22447141ff38efb4ed18ed4d6b5cc4f716"},
        {"shpat_179251b24618c0f174662267242896 FQ",
         "shpat_179251b24618c0f174662267242896"},
        {"git clone\nhttps://oauth2:MTMTblekLIkxM2xLTKrhe7Vzwy.GFk801.80WS1v\n"
         "d4sl1RmRYR4obr4clE45mM-E9rAzJkbEB@git.example.com/a.git\nSaved",
         "MTMTblekLIkxM2xLTKrhe7Vzwy.GFk801.80WS1v\nd4sl1RmRYR4obr4clE45mM-E9rAzJkbEB"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const size_t n = covered(rows[i].text, rows[i].secret);
        if (n < strlen(rows[i].secret)) {
            fail_msg("%zu of %zu bytes: %s", n, strlen(rows[i].secret), rows[i].text);
        }
    }
}

static void a_label_is_worth_more_than_a_check(void **state)
{
    (void)state;
    static const struct {
        const char *text, *secret;
    } rows[] = {
        {"Enter your SSN: 518-003-8302", "518-003-8302"},
        {"social security no. 264 541719", "264 541719"},
        {"Employee Bjorn Walsh, SSN Q35 28 6875", "Q35 28 6875"},
        {"ssn=061\xe2\x80\x94"
         "13-\xe2\x80\x94"
         "7522",
         "061"},
        {"219-@9-9998 is my SSN, SSN: 219-@9-9998", "219-@9-9998"},
        {"2 Card number : 2383 0387 4873 2493", "2383 0387 4873 2493"},
        {"Card no. 6763 8358\n\n5731", "6763 8358\n\n5731"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (covered(rows[i].text, rows[i].secret) < strlen(rows[i].secret)) {
            fail_msg("%s", rows[i].text);
        }
    }
}

static void the_rest_of_a_screen_is_left_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "commit 9a516f6087b095f2f4d19eab161d7e4ec5515837\nAuthor: x",
        "OpenSSH and JavaScript on GitHub, iPhone 15 Pro with USB-C 3.2",
        "integrity sha512-Hmrgq6kW89VFWFpT0EvN5TCNmhkDb2mRbf6 cVbA9BlT6x2Rc7jcYWT5fnk",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIidZMbsaPMOpLK0cCnKk FMYtswT",
        "The meeting is at 10:30 in room B12, see you there",
        "Card of 12 items, SSN is a number of nine digits",
        "Password must have 8 characters and 1 number",
        "",
        "\n\n\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct privacy_findings f = {0};
        assert_int_equal(privacy_find_read(finder, texts[i], strlen(texts[i]), &f), 0);
        if (f.n) {
            fail_msg("%s: %.*s", texts[i], (int)f.items[0].len,
                     texts[i] + f.items[0].offset);
        }
        privacy_findings_fini(&f);
    }
}

// Bytes of all kinds, cut anywhere: nothing outside is looked at, and the work stays linear.
static void any_bytes_will_do(void **state)
{
    (void)state;
    static const char bits[][12] = {"SSN: ", "\xe2\x80\x94", "\n",          " ",
                                    "eyJ",   "aB3",          "@9",          "=",
                                    "\xc2",  "Card ",        "-----BEGIN ", "pwd: "};
    uint32_t x = 12345;
    for (int round = 0; round < 2000; round++) {
        char *text = malloc(400);
        size_t len = 0;
        assert_non_null(text);
        while (len < 360) {
            x = x * 1664525u + 1013904223u;
            const char *bit = bits[(x >> 16) % (sizeof(bits) / sizeof(bits[0]))];
            memcpy(text + len, bit, strlen(bit));
            len += strlen(bit);
        }
        len -= x >> 8 & 255;
        char *exact = malloc(len + !len);  // a byte beyond it is seen by the sanitizer
        memcpy(exact, text, len);
        struct privacy_findings f = {0};
        assert_int_equal(privacy_find_read(finder, exact, len, &f), 0);
        assert_true(f.work < 400 * 400);
        privacy_findings_fini(&f);
        free(exact);
        free(text);
    }
}

// Texts of which each piece could begin the mending of all that follow.
static void hostile_texts_take_linear_work(void **state)
{
    (void)state;
    enum { LEN = 1 << 20 };
    static const char *const units[] = {
        "aB3 ",    "aB3dE6gH1\n", "a|",      "= ",
        "1@",      "A1b2C3d4E5 ", "SSN: ",   "SSN: 1 ",
        "pwd: a ", "pwd: aB3 ",   "Card 4 ", "Basic aB3dE6gH1jK2mN5pQ8rS0t ",
        "key=\n\n"};
    char *text = malloc(LEN);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct privacy_findings f = {0};
        const size_t n = strlen(units[i]);
        for (size_t k = 0; k < LEN; k++) {
            text[k] = units[i][k % n];
        }
        assert_int_equal(privacy_find_read(finder, text, LEN, &f), 0);
        assert_true(f.work < (uint64_t)200 * LEN);
        privacy_findings_fini(&f);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_torn_is_found_whole),
        cmocka_unit_test(a_label_is_worth_more_than_a_check),
        cmocka_unit_test(the_rest_of_a_screen_is_left_alone),
        cmocka_unit_test(any_bytes_will_do),
        cmocka_unit_test(hostile_texts_take_linear_work),
    };
    return cmocka_run_group_tests(tests, open_finder, close_finder);
}
