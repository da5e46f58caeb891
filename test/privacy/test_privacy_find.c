// test_privacy_find.c -- tables of texts: what is found in each, and what is not.
//
// In a row the secret stands between « and », which are taken out before the text is read;
// a row without them must yield nothing.
// SPDX-License-Identifier: MIT
#include "privacy/find.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct privacy_finder *finder;

struct row {
    enum privacy_category category;
    const char *text;
};

struct marked {
    char text[1200];
    size_t len, begin, end;  // of what is to be found
};

static void take_marks(const char *from, struct marked *m)
{
    static const char open[] = "«", close[] = "»";
    memset(m, 0, sizeof(*m));
    while (*from) {
        if (strncmp(from, open, 2) == 0) {
            m->begin = m->len;
            from += 2;
        } else if (strncmp(from, close, 2) == 0) {
            m->end = m->len;
            from += 2;
        } else {
            m->text[m->len++] = *from++;
        }
    }
}

static const char *name_of(const struct privacy_findings *found)
{
    return found->n ? privacy_category_name(found->items[0].category) : "nothing";
}

static void check_row(const struct row *row)
{
    struct privacy_findings found = {0};
    struct marked m;
    take_marks(row->text, &m);
    assert_int_equal(privacy_find(finder, m.text, m.len, &found), 0);
    if (m.end == 0) {
        if (found.n) {
            fail_msg("found %s '%.*s' in: %s", name_of(&found), (int)found.items[0].len,
                     m.text + found.items[0].offset, m.text);
        }
    } else if (found.n != 1 || found.items[0].category != row->category ||
               found.items[0].offset != m.begin ||
               found.items[0].len != m.end - m.begin) {
        fail_msg("found %d, first %s '%.*s' in: %s", found.n, name_of(&found),
                 found.n ? (int)found.items[0].len : 0,
                 found.n ? m.text + found.items[0].offset : "", m.text);
    }
    privacy_findings_fini(&found);
}

#define CHECK(rows)                                                                      \
    for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++) {                      \
        check_row(&(rows)[i]);                                                           \
    }

static void cards_by_issuer_length_and_check_digit(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {PRIVACY_CARD, "«4111111111111111»"},
        {PRIVACY_CARD, "«4111 1111 1111 1111»"},
        {PRIVACY_CARD, "«4111-1111-1111-1111»"},
        {PRIVACY_CARD, "«4111.1111.1111.1111»"},
        {PRIVACY_CARD, "«4111\u00a01111\u00a01111\u00a01111»"},
        {PRIVACY_CARD, "«4111\u20131111\u20131111\u20131111»"},
        {PRIVACY_CARD, "card «4111 1111\n1111 1111»\nThank you"},
        {PRIVACY_CARD, "«4111  1111  1111  1111»"},
        {PRIVACY_CARD, "«5555 5555 5555 4444» 08/29"},
        {PRIVACY_CARD, "«2223 0031 2200 3222»"},
        {PRIVACY_CARD, "«3782 822463 10005»"},
        {PRIVACY_CARD, "«371449635398431»"},
        {PRIVACY_CARD, "«6011 1111 1111 1117»"},
        {PRIVACY_CARD, "«3056 930902 5904»"},
        {PRIVACY_CARD, "Diners: «38520000023237»"},
        {PRIVACY_CARD, "«3530 1113 3330 0000»"},
        {PRIVACY_CARD, "«6200000000000005»"},
        {PRIVACY_CARD, "Maestro «6759 6498 2643 8453»"},
        {PRIVACY_CARD, "card number: «4222222222222»"},
        // as OCR reads them
        {PRIVACY_CARD, "«4lll llll 1111 1111»"},
        {PRIVACY_CARD, "«411I 1111 1111 1111»"},
        {PRIVACY_CARD, "«4OOO O566 5566 5556»"},
        {PRIVACY_CARD, "«41111111 11111111»"},
        {PRIVACY_CARD, "«4111 1111 11 11 1111»"},
        // beside other numbers
        {PRIVACY_CARD, "2024 «4111 1111 1111 1111» 09/26"},
        {PRIVACY_CARD, "Order 1001 «4012 8888 8888 1881» USD"},
        // names of files
        {PRIVACY_CARD, "/shots/«4111 1111 1111 1111».png"},
        {PRIVACY_CARD, "~/Pictures/2024/«5555-5555-5555-4444».png"},
        // none
        {PRIVACY_CARD, "DE12 4111 1111 1111 1111 00"},
        {PRIVACY_CARD, "7731 8802 4111 1111 1111 1111 5120"},
        {PRIVACY_CARD, "4111111111111112"},
        {PRIVACY_CARD, "4111 1111 1111 111"},
        {PRIVACY_CARD, "41111111111111111111111"},
        {PRIVACY_CARD, "a4111111111111111"},
        {PRIVACY_CARD, "4111111111111111b"},
        {PRIVACY_CARD, "4111111111111111_000"},
        {PRIVACY_CARD, "0.4111111111111111"},
        {PRIVACY_CARD, "/items/4111111111111111"},
        {PRIVACY_CARD, "0000 0000 0000 0000"},
        {PRIVACY_CARD, "9999 9999 9999 9995"},
        {PRIVACY_CARD, "Order number 6759649826438453"},
    };
    CHECK(rows)
}

// A table's row: what stands before the second one is no part of it.
static void cards_beside_each_other(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "4111 1111 1111 1111 5555 5555 5555 4444 4012 8888 8888 1881",
        "3782 822463 10005 3714 496353 98431 3787 344936 71000",
        "4111 1111 1111 1111 4111 1111 1111 1111 4111 1111 1111 1111 07/29",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct privacy_findings found = {0};
        assert_int_equal(privacy_find(finder, rows[i], strlen(rows[i]), &found), 0);
        assert_int_equal(found.n, 3);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(found.items[k].category, PRIVACY_CARD);
        }
        privacy_findings_fini(&found);
    }
}

static void accounts_by_structure_and_check_digits(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {PRIVACY_IBAN, "«DE89 3704 0044 0532 0130 00»"},
        {PRIVACY_IBAN, "«DE89370400440532013000»"},
        {PRIVACY_IBAN, "IBAN «GB82 WEST 1234 5698 7654 32», BIC"},
        {PRIVACY_IBAN, "«FR14 2004 1010 0505 0001 3M02 606»"},
        {PRIVACY_IBAN, "«NO93 8601 1117 947»"},
        {PRIVACY_IBAN, "«MT84 MALT 0110 0001 2345 MTLC AST0 01S»"},
        {PRIVACY_IBAN, "«nl91abna0417164300»"},
        {PRIVACY_IBAN, "iban«DE89370400440532013000»"},
        {PRIVACY_IBAN, "«DE89-3704-0044-0532-0130-00»"},
        {PRIVACY_IBAN, "«DE89 3704 0044\n0532 0130 00»"},
        {PRIVACY_IBAN, "«CH93 0076 2011 6238 5295 7»"},
        // as OCR reads them
        {PRIVACY_IBAN, "«DEB9 3704 0044 0532 0130 00»"},
        {PRIVACY_IBAN, "«DE89 37O4 OO44 0532 0130 00»"},
        {PRIVACY_IBAN, "«GB82 WE5T I234 5698 7654 32»"},
        {PRIVACY_IBAN, "«CH93 OO76 2011 6238 5295 7»"},
        // none
        {PRIVACY_IBAN, "DE88 3704 0044 0532 0130 00"},
        {PRIVACY_IBAN, "DE89 3704 0044 0532 0130 001"},
        {PRIVACY_IBAN, "DE89 3704 0044 0532 0130"},
        {PRIVACY_IBAN, "XX89 3704 0044 0532 0130 00"},
        {PRIVACY_IBAN, "ADE89370400440532013000"},
        {PRIVACY_IBAN, "ES12 and IT34 are models"},
    };
    CHECK(rows)
}

static void numbers_of_people(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {PRIVACY_SSN, "«123-45-6789»"},
        {PRIVACY_SSN, "SSN «123 45 6789»"},
        {PRIVACY_SSN, "Social Security: «123456789»"},
        {PRIVACY_SSN, "«123-45-6789» (SSN)"},
        {PRIVACY_SSN, "ssn: «l23-45-67B9»"},
        {PRIVACY_SSN, "000-45-6789"},
        {PRIVACY_SSN, "666-45-6789"},
        {PRIVACY_SSN, "900-45-6789"},
        {PRIVACY_SSN, "123-00-6789"},
        {PRIVACY_SSN, "123-45-0000"},
        {PRIVACY_SSN, "078-05-1120"},
        {PRIVACY_SSN, "123456789"},
        {PRIVACY_SSN, "123-45-6789-0"},
        {PRIVACY_SSN, "part number 123-45-6789"},
        {PRIVACY_NATIONAL_ID, "NI number «AB 12 34 56 C»"},
        {PRIVACY_NATIONAL_ID, "NINO: «AB123456C»"},
        {PRIVACY_NATIONAL_ID, "NHS number «943 476 5919»"},
        {PRIVACY_NATIONAL_ID, "Steuer-ID «86 095 742 719»"},
        {PRIVACY_NATIONAL_ID, "«86 095 742 719»"},
        {PRIVACY_NATIONAL_ID, "Personalausweis: «L01X00T471»"},
        {PRIVACY_NATIONAL_ID, "«2 55 08 14 168 025 38»"},
        {PRIVACY_NATIONAL_ID, "DNI «12345678Z»"},
        {PRIVACY_NATIONAL_ID, "NIE «X1234567L»"},
        {PRIVACY_NATIONAL_ID, "«RSSMRA85T10A562S»"},
        {PRIVACY_NATIONAL_ID, "BSN «111222333»"},
        {PRIVACY_NATIONAL_ID, "«85.07.30-033.28»"},
        {PRIVACY_NATIONAL_ID, "PESEL: «44051401359»"},
        {PRIVACY_NATIONAL_ID, "«811218-9876»"},
        {PRIVACY_NATIONAL_ID, "fødselsnummer «15076500565»"},
        {PRIVACY_NATIONAL_ID, "CPR «211062-5629»"},
        {PRIVACY_NATIONAL_ID, "«131052-308T»"},
        {PRIVACY_NATIONAL_ID, "«756.9217.0769.85»"},
        {PRIVACY_NATIONAL_ID, "«111.444.777-35»"},
        {PRIVACY_NATIONAL_ID, "Aadhaar «2341 2341 2346»"},
        {PRIVACY_NATIONAL_ID, "SIN «046 454 286»"},
        {PRIVACY_NATIONAL_ID, "«11010519491231002X»"},
        {PRIVACY_NATIONAL_ID, "«S1234567D»"},
        {PRIVACY_NATIONAL_ID, "P<UTOERIKSSON"},  // the first part alone is a name
        {PRIVACY_NATIONAL_ID, "«P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<»"},
        {PRIVACY_NATIONAL_ID, "NHS number 943 476 5918"},
        {PRIVACY_NATIONAL_ID, "943 476 5919"},
        {PRIVACY_NATIONAL_ID, "DNI 12345678A"},
        {PRIVACY_NATIONAL_ID, "111.444.777-34"},
        {PRIVACY_NATIONAL_ID, "131052-308S"},
        {PRIVACY_NATIONAL_ID, "RSSMRA85T10A562T"},
        {PRIVACY_NATIONAL_ID, "GB123456C is no number of insurance: AB12"},
    };
    CHECK(rows)
}

static void passwords_beside_their_labels(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {PRIVACY_PASSWORD, "Password: «hunter2»"},
        {PRIVACY_PASSWORD, "Password: «hunter»"},
        {PRIVACY_PASSWORD, "Password: «Password123»"},
        {PRIVACY_PASSWORD, "password = '«tr0ub4dor&3»'"},
        {PRIVACY_PASSWORD, "PASSWORD=«Summer2024!»"},
        {PRIVACY_PASSWORD, "DB_PASSWORD=«s3cr3t-pw»"},
        {PRIVACY_PASSWORD, "dbPassword: \"«s3cr3t pw»\","},
        {PRIVACY_PASSWORD, "\"password\":\"«pa55»\""},
        {PRIVACY_PASSWORD, "mypassword=«abc123xyz»"},
        {PRIVACY_PASSWORD, "Passwort: «Sonnenblume7»"},
        {PRIVACY_PASSWORD, "Benutzerpasswort «Sonnenblume7»"},
        {PRIVACY_PASSWORD, "Mot de passe : «soleil99»"},
        {PRIVACY_PASSWORD, "Contraseña «sol2024x»"},
        {PRIVACY_PASSWORD, "Пароль: «qwerty12»"},
        {PRIVACY_PASSWORD, "密码：«abc12345»"},
        {PRIVACY_PASSWORD, "您的密码是«abc12345»"},
        {PRIVACY_PASSWORD, "Password\n«Tr0ub4dor»\nSign in"},
        {PRIVACY_PASSWORD, "Password:\n  «Tr0ub4dor»\n"},
        {PRIVACY_PASSWORD, "Password: «correct horse battery staple»"},
        {PRIVACY_PASSWORD, "the password for the guest wifi is «gu3st-net»"},
        {PRIVACY_PASSWORD, "password was changed to «N3wPass!»"},
        {PRIVACY_PASSWORD, "<password>«x9!kk»</password>"},
        {PRIVACY_PASSWORD, "pwd:«aB3$xyz»"},
        {PRIVACY_PASSWORD, "| Password | «aB3$xyz» |"},
        {PRIVACY_PASSWORD, "https://u:«p4ss»@example.com/"},
        {PRIVACY_PASSWORD, "mysql -u root -p«S3cret» shop"},
        {PRIVACY_PASSWORD, "sshpass -p «S3cret» ssh me@host"},
        {PRIVACY_PASSWORD, "curl -u admin:«S3cret» x"},
        {PRIVACY_PASSWORD, "curl --user admin:«S3cret» x"},
        {PRIVACY_PASSWORD, "tool --password «hunter2»"},
        {PRIVACY_PASSWORD, "root:«$6$rounds5000$usesomesillystri$KqJWpanXZHKq2BOB43T»:1"},
        {PRIVACY_PASSWORD, "PIN: «1234»"},
        {PRIVACY_PASSWORD, "PIN «4711»"},
        {PRIVACY_PASSWORD, "PIN code is «004711»"},
        {PRIVACY_PASSWORD, "CVV: «123»"},
        {PRIVACY_PASSWORD, "Your code is «123456»"},
        {PRIVACY_PASSWORD, "«123456» is your Example verification code"},
        {PRIVACY_PASSWORD, "Verification code: «123 456»"},
        {PRIVACY_PASSWORD, "Use «123456» to sign in"},
        {PRIVACY_PASSWORD, "Code: «482913»"},
        {PRIVACY_PASSWORD, "user.setPassword(\"«hunter2!»\");"},
        {PRIVACY_PASSWORD, "Password \u2013 «Sunshine88»"},
        {PRIVACY_PASSWORD, "PGPASSWORD=«foo1» psql -h db"},
        {PRIVACY_PASSWORD, "Password (Wi-Fi): «Sunshine88»"},
        {PRIVACY_PASSWORD, "passwd=«secret123»&user=x"},
        {PRIVACY_PASSWORD, "login: root password: «toor»"},
        {PRIVACY_PASSWORD, "docker login -u bob -p «Hunter22»"},
        {PRIVACY_PASSWORD, "recovery code: «K7Q2-99XD-A1B2»"},
        // not
        {PRIVACY_PASSWORD, "Forgot password?"},
        {PRIVACY_PASSWORD, "Password"},
        {PRIVACY_PASSWORD, "Password:"},
        {PRIVACY_PASSWORD, "Password: required"},
        {PRIVACY_PASSWORD, "Password: ********"},
        {PRIVACY_PASSWORD, "Password: ••••••••"},
        {PRIVACY_PASSWORD, "Passwords: 12 saved"},
        {PRIVACY_PASSWORD, "Password must be 8 characters"},
        {PRIVACY_PASSWORD, "Password: must be at least 8 characters"},
        {PRIVACY_PASSWORD, "Password length: 12"},
        {PRIVACY_PASSWORD, "Password last changed: 2024-05-01"},
        {PRIVACY_PASSWORD, "password expires in 30 days"},
        {PRIVACY_PASSWORD, "the password is wrong"},
        {PRIVACY_PASSWORD, "Username\nPassword\nRemember me"},
        {PRIVACY_PASSWORD, "Username:\nPassword:\nLogin:"},
        {PRIVACY_PASSWORD, "password = getpass.getpass()"},
        {PRIVACY_PASSWORD, "password: config.db.password"},
        {PRIVACY_PASSWORD, "password := os.Getenv(\"PW\")"},
        {PRIVACY_PASSWORD, "password=$DB_PASSWORD"},
        {PRIVACY_PASSWORD, "password={{ vault_password }}"},
        {PRIVACY_PASSWORD, "if (password == \"\") return;"},
        {PRIVACY_PASSWORD, "char *password, size_t len"},
        {PRIVACY_PASSWORD, "passwordless login, PasswordAuthentication no"},
        {PRIVACY_PASSWORD, "compass: north, bypass: 12345678"},
        {PRIVACY_PASSWORD, "pin 4, GPIO pin 17"},
        {PRIVACY_PASSWORD, "spin 1234, pinned 5678"},
        {PRIVACY_PASSWORD, "error code 123456"},
        {PRIVACY_PASSWORD, "https://example.com:8080/a@b"},
        {PRIVACY_PASSWORD, "http://$USER:$PASS@example.com/"},
    };
    CHECK(rows)
}

static void keys_by_their_beginnings(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {PRIVACY_API_KEY, "«AKIAIOSFODNN7EXAMPLE»"},
        {PRIVACY_API_KEY, "«AKlAIOSFODNN7EXAMPLE»"},
        {PRIVACY_API_KEY, "\\n«AKIAIOSFODNN7EXAMPLE»\\n"},
        {PRIVACY_API_KEY,
         "aws_secret_access_key=«wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»"},
        {PRIVACY_API_KEY, "«ghp_16C7e42F292c6912E7710c838347Ae178B4a»"},
        {PRIVACY_API_KEY, "«ghp_16C7e42F292c6912E7710c 838347Ae178B4a»"},
        {PRIVACY_API_KEY, "«ghp_16C7e42F292c6912E771\n0c838347Ae178B4a»"},
        {PRIVACY_API_KEY, "«ghp 16C7e42F292c6912E7710c838347Ae178B4a»"},
        {PRIVACY_API_KEY, "«glpat-aBcDeFgHiJ1234567890»"},
        {PRIVACY_API_KEY, "«xoxb-123456789012-123456789012-aBcDeFgHiJkLmNoPqRsTuVwX»"},
        {PRIVACY_API_KEY, "«AIzaSyA1234567890abcdefghijklmnopqrstuv»"},
        {PRIVACY_API_KEY, "«AlzaSyA1234567890abcdefghijklmnopqrstuv»"},
        {PRIVACY_API_KEY, "«sk-ant-api03-aB3dE5gH7jK9mN1pQ3sT5vW7yZ9»"},
        {PRIVACY_API_KEY, "«sk_live_4eC39HqLyjWDarjtT1zdp7dc»"},
        {PRIVACY_API_KEY, "key=«SK0123456789abcdef0123456789abcdef»"},
        {PRIVACY_API_KEY,
         "«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»"},
        {PRIVACY_API_KEY, "«123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1»"},
        {PRIVACY_API_KEY, "«hf_aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH»"},
        {PRIVACY_API_KEY, "«https://hooks.slack.com/services/T00000000/B00000000/"
                          "a1B2c3D4e5F6g7H8i9J0k1L2»"},
        {PRIVACY_API_KEY, "AKIA and more"},
        {PRIVACY_API_KEY, "AKIAXXXXXXXXXXXXXXXX"},
        {PRIVACY_API_KEY, "ghp_short"},
        {PRIVACY_API_KEY, "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
        {PRIVACY_API_KEY, "sk-learn-pipelines-are-easy-to-use-and-to-read"},
        {PRIVACY_API_KEY, "keyboard-layout-configuration-of-the-desktop"},
        {PRIVACY_API_KEY, "hf_transformers_and_other_long_names_of_modules"},
        {PRIVACY_JWT, "«eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dBjftJeZ4CVP-"
                      "mB92K27uhbUJU1p1r»"},
        {PRIVACY_JWT, "«eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0»"},
        {PRIVACY_JWT, "«eyJhbGciOiJIUzI1NiJ9. eyJzdWIiOiIxMjM0NTY3ODkwIn0 "
                      ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r»"},
        {PRIVACY_JWT, "eyJunior.filter(eyJmore)"},
        {PRIVACY_TOKEN, "api_key = \"«0f8fad5bd9cb469fa16570867728950e»\""},
        {PRIVACY_TOKEN, "client_secret: «7Fjfp0ZBr1KtDRbnfVdmIw»"},
        {PRIVACY_TOKEN, "X-Api-Key: «7Fjfp0ZBr1KtDRbnfVdmIwQx»"},
        {PRIVACY_TOKEN, "Authorization: Bearer «7Fjfp0ZBr1KtDRbnfVdmIw»"},
        {PRIVACY_TOKEN, "Authorization: Basic «QWxhZGRpbjpvcGVuIHNlc2FtZQ==»"},
        {PRIVACY_TOKEN, "«q8Zr4Tn2Wx7Lk9Pv3Ms6Bd1Gf5Hj0Yc8Qe2Ra4Ui»"},
        {PRIVACY_TOKEN, "Basic functionality is there, Basic QWxhZGRpbg== is not"},
        {PRIVACY_TOKEN, "Bearer of good news"},
        {PRIVACY_TOKEN,
         "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
        {PRIVACY_TOKEN, "commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"},
        {PRIVACY_TOKEN, "550e8400-e29b-41d4-a716-446655440000"},
        {PRIVACY_TOKEN, "secretaryOfTheBoardOfDirectors = true"},
        {PRIVACY_TOKEN, "token_count: 12345, next_token = tokens[i]"},
        {PRIVACY_TOKEN, "kCGImagePropertyExifDateTimeOriginal2Digitized"},
        {PRIVACY_TOKEN, "key: 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"},
    };
    CHECK(rows)
}

#define BODY "MIIEpAIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun"

static void private_keys_whole_and_cut(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {PRIVACY_PRIVATE_KEY,
         "a\n«-----BEGIN RSA PRIVATE KEY-----\n" BODY "\nq1w2E3r4T5==\n"
         "-----END RSA PRIVATE KEY-----»\nb"},
        {PRIVACY_PRIVATE_KEY, "«-----BEGIN PRIVATE KEY-----\n" BODY "»"},
        {PRIVACY_PRIVATE_KEY, "«-----BEGIN PRIVATE KEY-----»"},
        {PRIVACY_PRIVATE_KEY, "«" BODY "\nq1w2E3r4T5==\n-----END RSA PRIVATE KEY-----»"},
        {PRIVACY_PRIVATE_KEY, "«" BODY "\n" BODY "»"},
        {PRIVACY_PRIVATE_KEY,
         "\"«-----BEGIN PRIVATE KEY-----\\n" BODY "\\n-----END PRIVATE KEY-----»\\n\""},
        {PRIVACY_PRIVATE_KEY,
         "«-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
         "DEK-Info: AES-128-CBC,0A1B\n\n" BODY "\n-----END RSA PRIVATE KEY-----»"},
        {PRIVACY_PRIVATE_KEY,
         "«---—BEGIN OPENSSH PRIVATE KEY—---\n"
         "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW»\n"
         "$ ls"},
        {PRIVACY_PRIVATE_KEY,
         "«AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFQ4EG8N2A»"},
        {PRIVACY_PRIVATE_KEY,
         "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0B\n"
         "q8Zr4Tn2Wx7Lk9Pv3Ms6Bd1Gf5Hj0Yc8Qe2Ra4Ui\n-----END CERTIFICATE-----"},
        {PRIVACY_PRIVATE_KEY, "BEGIN WORK; SELECT 1; END; private keys are private"},
        {PRIVACY_PRIVATE_KEY, "private static final String KEY_NAME;"},
    };
    CHECK(rows)
}

static void seeds_by_words_and_check(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {PRIVACY_SEED,
         "«legal winner thank year wave sausage worth useful legal winner thank yellow»"},
        {PRIVACY_SEED, "«letter advice cage absurd amount doctor acoustic avoid letter "
                       "advice cage above»"},
        {PRIVACY_SEED,
         "Words:\n«1. ozone  2. drill  3. grab\n4. fiber  5. curtain  6. grace\n"
         "7. pudding  8. thank  9. cruise\n10. elder  11. eight  12. picnic»\nok"},
        {PRIVACY_SEED,
         "«ozone drill grab fiber curtain grace pudding thank cruise elder eight»"},
        {PRIVACY_SEED,
         "«Ozone, drill, grab, fiber, curtain, grace, puddimg, thank, cruise, elder, "
         "eight, picnic»"},
        {PRIVACY_SEED, "ozone drill grab fiber curtain grace pudding thank cruise elder"},
        {PRIVACY_SEED, "the ozone of the drill and a grab, fiber or curtain with grace"},
    };
    CHECK(rows)
}

static void people_and_machines(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {PRIVACY_EMAIL, "<«anna.b+c@mail.example.org»>,"},
        {PRIVACY_EMAIL, "user=«o'brien@example.co.uk»;"},
        {PRIVACY_EMAIL, "mail «zoë@bücher.example» now"},
        {PRIVACY_EMAIL, "logo@2x.png, lodash@4.17.21, git@github.com:a/b.git, @media"},
        {PRIVACY_EMAIL, "getty@tty1.service, root@localhost, a@b"},
        {PRIVACY_PHONE, "«+49 30 1234567»"},
        {PRIVACY_PHONE, "(«+1 (415) 555-0132»)"},
        {PRIVACY_PHONE, "«(415) 555-0132»"},
        {PRIVACY_PHONE, "«415-555-0132»"},
        {PRIVACY_PHONE, "ours («415-555-0132»)"},
        {PRIVACY_PHONE, "Tel. «030 1234567»"},
        {PRIVACY_PHONE, "«0049 30 1234567»"},
        {PRIVACY_PHONE, "Téléphone : «01 99 00 12 34»"},
        {PRIVACY_PHONE, "030 1234567"},
        {PRIVACY_PHONE, "part no 415-555-0132"},
        {PRIVACY_PHONE, "+1234 -567, 2024-05-06, 1.234.567"},
        {PRIVACY_PHONE, "115-555-0132"},
        {PRIVACY_PHONE, "phone rang at 12:30 on 2024-05-06"},
        {PRIVACY_BIRTH, "DOB: «12/31/1980»"},
        {PRIVACY_BIRTH, "born on «31 December 1980»"},
        {PRIVACY_BIRTH, "Geburtsdatum\n«31.12.1980»"},
        {PRIVACY_BIRTH, "Née le «2 août 1971»"},
        {PRIVACY_BIRTH, "生年月日 «1985年3月12日»"},
        {PRIVACY_BIRTH, "fecha de nacimiento «3 de marzo de 1990»"},
        {PRIVACY_BIRTH, "born in 1980, in May"},
        {PRIVACY_BIRTH, "DOB: 45/31/1980"},
        {PRIVACY_IP, "«192.168.1.17»"},
        {PRIVACY_IP, "http://«10.0.0.5»:80/"},
        {PRIVACY_IP, "ping «8.8.8.8»"},
        {PRIVACY_IP, "«2001:db8:85a3::8a2e:370:7334»"},
        {PRIVACY_IP, "inet6 «fe80::1ff:fe23:4567:890a»%eth2"},
        {PRIVACY_IP, "127.0.0.1, 0.0.0.0, 255.255.255.0, ::1"},
        {PRIVACY_IP, "1.2.3.4, version 12.34.56.78, 256.1.1.1, 1.2.3.4.5, v1.2.3.4"},
        {PRIVACY_IP, "libfoo-21.34.56.78.tar.gz, Chrome/120.34.56.78"},
        {PRIVACY_IP, "std::string, a::b, 12:34:56"},
        {PRIVACY_MAC, "«00:1B:44:11:3A:B7»"},
        {PRIVACY_MAC, "«00-1b-44-11-3a-b7»"},
        {PRIVACY_MAC, "«001b.4411.3ab7»"},
        {PRIVACY_MAC, "«0O:1B:44:11:3A:B7»"},
        {PRIVACY_MAC, "00:1B:44:11:3A:B7:00:11, 12:34:56, ff:ff:ff:ff:ff:ff"},
    };
    CHECK(rows)
}

// Lines of real screens and sources with nothing in them, of other hands than the corpus.
// clang-format off
static const char *const harmless[] = {
    "Password reset",
    "Reset your password",
    "Show password",
    "Your password has been changed.",
    "Password (8+ characters)",
    "Password hint: the usual",
    "Password manager: Bitwarden",
    "Wrong password, 3 attempts left",
    "password_hash VARCHAR(60)",
    "passwordField.setText(\"\")",
    "public void setPassword(String password) {",
    "self.password = password",
    "const { password } = req.body;",
    "password: z.string().min(8)",
    "if password != confirm_password:",
    "Password: <hidden>",
    "Password: [redacted]",
    "password: \"********\"",
    "export default function PasswordInput() {",
    "PIN entry: 4 digits",
    "Pin to taskbar",
    "PIN required",
    "The code is in src/main.c",
    "Code review: 12 comments",
    "Code: 200 OK",
    "Error code: 0x80070005",
    "status code 500",
    "Country code +49",
    "ZIP Code: 94103",
    "Promo code: SUMMER25",
    "Order ID: 113-7795123-4567890",
    "Amazon order 302-1234567-1234567",
    "Tracking: 1Z999AA10123456784",
    "FedEx 123456789012",
    "DHL 00340434161094015902",
    "Invoice 2024-000123",
    "Ref: 4111-2222",
    "ISBN 978-0-13-468599-1",
    "ISBN 0134685997",
    "EAN 4006381333931",
    "UPC 036000291452",
    "Serial: C02XG2JHJG5J",
    "S/N 1234-5678-9012-3456",
    "IMEI 356938035643809",
    "Model A1234-567-8901",
    "Unix time 1700000000",
    "1700000000000",
    "2024-01-15T10:30:00Z",
    "2024-01-15 10:30:00.123456+00:00",
    "20240115103000",
    "$1,234.56",
    "EUR 1.234.567,89",
    "1234567890",
    "(12) 34 56",
    "Page 123-456-7890",
    "Lot 415-555-2671-A",
    "1920x1080@60Hz",
    "v1.2.3.4",
    "Version 10.0.19041.1",
    "1.2.3.4.5",
    "2.16.840.1.113883",
    "OS X 10.15.7",
    "Python 3.11.2 (main, Mar 13 2023, 12:18:29)",
    "#ff00aa",
    "rgba(255, 255, 255, 0.5)",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "d41d8cd98f00b204e9800998ecf8427e",
    "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "\"resolved\": \"https://registry.npmjs.org/lodash/-/lodash-4.17.21.tgz#679591c564c3bffaae8454cf0b3df370c3d6911c\",",
    "\"integrity\": \"sha512-v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg==\"",
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7vbqajDhA+17MKz7WpoY7iW1LKYpdB0aBOEVRmEn2Ul user@host",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "src=\"data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7\"",
    "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    "https://docs.google.com/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
    "https://drive.google.com/file/d/0B1x2y3z4w5v6u7t8s9r/view",
    "private static final long serialVersionUID = 1234567890123456789L;",
    "public static void main(String[] args)",
    "Terminal — bash — 80×24",
    "user@host:~$ ",
    "root@localhost:/# ",
    "const API_KEY = process.env.API_KEY;",
    "token = get_token()",
    "csrf_token: {{ csrf_token() }}",
    "access_token=<token>",
    "Get your API key at https://example.com",
    "max_tokens: 4096",
    "JWT authentication",
    "eyJ is how a token begins",
    "-----BEGIN PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE REQUEST-----",
    "-----BEGIN PGP MESSAGE-----",
    "BEGIN;",
    "std::chrono::system_clock",
    "a:b:c:d",
    "12:34:56:78",
    "10:20:30",
    "aa:bb",
    "00:11:22",
    "getty@tty1.service",
    "user@1000.service",
    "foo@2x.png",
    "@angular/core@15.0.0",
    "git@github.com:user/repo.git",
    "actions/checkout@v4",
    "uses: docker/login-action@343f7c4344506bcbf9b4de18042ae17996df046d",
    "127.0.0.1:3000",
    "0.0.0.0",
    "255.255.255.0",
    "localhost:8080",
    "born to be wild",
    "Birthday party on Saturday",
    "DOB",
    "date of birth must be in the past",
    "The quick brown fox jumps over the lazy dog and then runs away again",
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor",
    "+1 for this idea",
    "+1234",
    "-1234 +5678",
    "1-800-FLOWERS",
    "100-200-3000",
    "lines 100-200, 300-4000",
    "Call 911",
    "Phone: n/a",
    "tel: ext. 42",
    "Sales 2023: 4500 4600 4700 4800",
    "4000 4100 4200 4300",
    "0123456789012345",
    "1111 1111 1111 1111",
    "1234 5678 9012 3456",
    "4242 4242 4242 4241",
    "DE00 1234",
    "FR76",
    "AB12CD34",
    "Build 20231115.4",
    "pid 123456 ppid 1",
    "uid=1000(user) gid=1000(user) groups=1000(user),27(sudo)",
    "00000000: 7f45 4c46 0201 0100 0000 0000 0000 0000",
    "0x00007ffff7a52083",
    "_ZN4core3fmt9Formatter9write_str17h5b5a5f4e0a1b2c3dE",
    "AbstractBeanFactoryAwareAspectInstanceFactory",
    "NSWindowCollectionBehaviorFullScreenAuxiliary",
    "kubectl get pods my-app-7d4b9c6f5d-x2x8z",
    "arn:aws:s3:::my-bucket/key",
    "s3://bucket/path/to/object",
    "C:\\Users\\Public\\Documents\\Report_2024_final_v2.docx",
    "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36",
    "CVE-2024-12345678",
    "RFC 2822",
    "doi:10.1000/182",
    "arXiv:2301.12345",
    "GTIN 00012345600012",
    "SKU 123-45-6789",
    "Flight LH 1234 seat 12A",
    "Locker 123 45 6789",
};
// clang-format on

static void nothing_is_found_in_harmless_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
        struct row row = {.text = harmless[i]};
        check_row(&row);
    }
}

static void findings_are_in_order_and_apart(void **state)
{
    (void)state;
    static const char text[] =
        "a@example.com pays with 4111 1111 1111 1111, password: x9!kk2";
    static const enum privacy_category expected[] = {PRIVACY_EMAIL, PRIVACY_CARD,
                                                     PRIVACY_PASSWORD};
    struct privacy_findings found = {0};
    assert_int_equal(privacy_find(finder, text, strlen(text), &found), 0);
    assert_int_equal(found.n, 3);
    assert_false(found.is_cut);
    assert_int_equal(found.seen_bytes, strlen(text));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(found.items[i].category, expected[i]);
        assert_int_equal(found.items[i].weight, privacy_category_weight(expected[i]));
        assert_true(i == 0 || found.items[i].offset >=
                                  found.items[i - 1].offset + found.items[i - 1].len);
    }
    // where a key stands in a password's place the key's name stays, and the whole of both
    static const char both[] = "password: ghp_16C7e42F292c6912E7710c838347Ae178B4a!!";
    assert_int_equal(privacy_find(finder, both, strlen(both), &found), 0);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.items[0].category, PRIVACY_API_KEY);
    assert_int_equal(found.items[0].len, strlen(both) - strlen("password: "));
    privacy_findings_fini(&found);
    privacy_findings_fini(&found);
}

static void a_seed_without_its_check_weighs_less(void **state)
{
    (void)state;
    static const char text[] =
        "ozone drill grab fiber curtain grace pudding thank cruise elder eight";
    struct privacy_findings found = {0};
    assert_int_equal(privacy_find(finder, text, strlen(text), &found), 0);
    assert_int_equal(found.n, 1);
    assert_true(found.items[0].weight < PRIVACY_STRONG);
    privacy_findings_fini(&found);
}

static void too_many_findings_are_cut_and_said_so(void **state)
{
    (void)state;
    enum { N = PRIVACY_FINDINGS_MAX + 10 };
    static const char one[] = "x9@example.com, ";
    size_t len = N * strlen(one);
    char *text = malloc(len + 1);
    struct privacy_findings found = {0};
    for (size_t i = 0; i < N; i++) {
        memcpy(text + i * strlen(one), one, strlen(one) + 1);
    }
    assert_int_equal(privacy_find(finder, text, len, &found), 0);
    assert_int_equal(found.n, PRIVACY_FINDINGS_MAX);
    assert_true(found.is_cut);
    assert_true(found.seen_bytes < len);
    assert_int_equal(privacy_find_from(finder, text, len, found.seen_bytes, &found), 0);
    assert_false(found.is_cut);
    assert_in_range(found.n, 9, 11);
    free(text);
    privacy_findings_fini(&found);
}

static void a_text_may_be_empty_or_anything(void **state)
{
    (void)state;
    struct privacy_findings found = {0};
    assert_int_equal(privacy_find(finder, "", 0, &found), 0);
    assert_int_equal(found.n, 0);
    assert_int_equal(privacy_find(finder, NULL, 0, &found), 0);
    static const char nul[] = "a\0b 4111111111111111\0";
    assert_int_equal(privacy_find(finder, nul, sizeof(nul), &found), 0);
    assert_int_equal(found.n, 1);
    assert_int_equal(privacy_find(finder, nul, (size_t)INT32_MAX + 1, &found), E_TOOBIG);
    assert_int_equal(found.n, 0);
    privacy_findings_fini(&found);
}

// A finding begins and ends between characters.
static void characters_stay_whole(void **state)
{
    (void)state;
    static const char text[] = "Passwort: größe7ß\u00e9\u20ac";
    struct privacy_findings found = {0};
    assert_int_equal(privacy_find(finder, text, strlen(text), &found), 0);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.items[0].offset + found.items[0].len, strlen(text));
    privacy_findings_fini(&found);
}

// What is repeated to fill a hostile text.
// clang-format off
static const char *const pieces[] = {
    "1", "a", "A", "@", " ", "\n", "\t", ".", ":", "-", "_", "/", "=", "+", "<", "$",
    "(", "[", "{", "\"", "\\", "|", "\x80", "\xff", "\xc3", "\xe2\x80", "\xf0\x9f",
    "\x01", "\x7f", "1 ", "1-", "11 ", "1111 ", "4111 ", "4111111111111111",
    "4111 1111 1111 1111 ", "l1", "aA", "a1", "a_", "_a", "aB1", "a@", "a@a", "a@a.",
    "a.", "@a.a", ":a@", "://", "a:b@", "password", "password=", "password:",
    "password ", "password\n", "passwordPassword", "Password: a ", "password for ",
    "password is ", "PIN ", "PIN 1", "code ", "your code is ", "is your ", "use ",
    "token=", "token ", "api_key=a1B2", "key", "secret=", "Bearer ", "Basic ",
    "Authorization: ", "AKIA", "AKIA A", "ghp_", "ghp_ a", "sk-", "xoxb-1-", "eyJ",
    "eyJa.eyJa.", "eyJhbGciOiJIUzI1NiJ9.", "eyJhbGciOiJIUzI1NiJ9\n", "BEGIN ",
    "-----BEGIN ", "-----BEGIN PRIVATE KEY-----\n", "-----END PRIVATE KEY-----\n",
    "END PRIVATE KEY-", "MII", "MIIEpAIBAAKCAQEAu1SU1LfVLPHCozMx\n",
    "b3BlbnNzaC1rZXktdjE", "PuTTY-User-Key-File", "Private-MAC", "DE89", "DE89 3704 ",
    "GB82WEST", "abandon ", "abandon, ", "zoo zone ", "mysql ", "curl -u ", "mysql -p",
    "$6$", "$2b$", "<<", "P<", "1.1.1.", "1.", "a:", "::", "aa:", "aa:aa:", "aa-",
    "2001:", "+1", "+1 ", "(1", "+49 30 ", "born ", "born 1.", "DOB: 1 ", "密码", "密",
    "É", "é ", "ü1", "\u00a0", "“", "”a", "№1", "123-45-6789", "12345678Z",
    "AB 12 34 56 C ", "RSSMRA85T10A562S", "131052-308T ",
    "q8Zr4Tn2Wx7Lk9Pv3Ms6Bd1Gf5Hj0Yc8", "q8Zr4Tn2 ", "MTa1.", "123456789:AA",
    "sshpass -p ", "{\"password\":\"", "passport ", "passport no: A1", "[card]",
    "[card", "AGE-SECRET-KEY-1", "hooks.slack.com/services/T", "SSN ", "SSN 1", "tel ",
    "tel 1", "card 4", "IBAN ", "iban1",
};
// clang-format on

// Ten megabytes of one thing, again and again; work is counted, not time.
static void hostile_texts_take_linear_work(void **state)
{
    (void)state;
#if defined(VLMD_SANITIZED) || !defined(__OPTIMIZE__)
    enum {
        BYTES = 1 << 20,
        FEWER = 1 << 20
    };  // ten times as slow, and counted all the same
#else
    enum { BYTES = 10 << 20, FEWER = 1 << 20 };
#endif
    char *text = malloc(BYTES);
    struct privacy_findings found = {0};
    for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
        // the whole ten megabytes for the short ones, a tenth for the others
        size_t n = strlen(pieces[k]), len = k < 32 ? BYTES : FEWER;
        for (size_t i = 0; i < len; i++) {
            text[i] = pieces[k][i % n];
        }
        assert_int_equal(privacy_find(finder, text, len, &found), 0);
        if (found.work > 96 * (uint64_t)len + 100000) {
            fail_msg("'%s': %.1f looks a byte", pieces[k],
                     (double)found.work / (double)len);
        }
    }
    free(text);
    privacy_findings_fini(&found);
}

static int open_finder(void **state)
{
    (void)state;
    struct err e;
    return privacy_finder_open(&finder, &e);
}

static int close_finder(void **state)
{
    (void)state;
    privacy_finder_free(finder);
    privacy_finder_free(NULL);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(cards_by_issuer_length_and_check_digit),
        cmocka_unit_test(cards_beside_each_other),
        cmocka_unit_test(accounts_by_structure_and_check_digits),
        cmocka_unit_test(numbers_of_people),
        cmocka_unit_test(passwords_beside_their_labels),
        cmocka_unit_test(keys_by_their_beginnings),
        cmocka_unit_test(private_keys_whole_and_cut),
        cmocka_unit_test(seeds_by_words_and_check),
        cmocka_unit_test(people_and_machines),
        cmocka_unit_test(nothing_is_found_in_harmless_lines),
        cmocka_unit_test(findings_are_in_order_and_apart),
        cmocka_unit_test(a_seed_without_its_check_weighs_less),
        cmocka_unit_test(too_many_findings_are_cut_and_said_so),
        cmocka_unit_test(a_text_may_be_empty_or_anything),
        cmocka_unit_test(characters_stay_whole),
        cmocka_unit_test(hostile_texts_take_linear_work),
    };
    return cmocka_run_group_tests(tests, open_finder, close_finder);
}
