// corpus_bank.c -- payment cards of all brands and IBANs of all countries, with valid checks.
//
// Source: ISO/IEC 7812 (check digit, issuer ranges as the brands publish them); ISO 13616,
// SWIFT IBAN registry (structures).
// SPDX-License-Identifier: MIT
#include "corpus_kit.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// first..last: the leading digits, both with the same number of them.
static const struct brand {
    const char *name;
    unsigned first, last;
    unsigned digits;
    const char *sizes;   // how it stands on the card
    bool needs_context;  // without grouping or label nobody could tell it from a number
} brands[] = {
    {"visa", 4, 4, 16, "4444", false},
    {"mastercard", 51, 55, 16, "4444", false},
    {"amex", 34, 34, 15, "465", false},
    {"discover", 6011, 6011, 16, "4444", false},
    {"mastercard 2", 2221, 2720, 16, "4444", false},
    {"amex", 37, 37, 15, "465", false},
    {"jcb", 3528, 3589, 16, "4444", false},
    {"diners", 300, 305, 14, "464", true},
    {"unionpay", 62, 62, 16, "4444", false},
    {"diners", 36, 36, 14, "464", true},
    {"discover", 644, 649, 16, "4444", false},
    {"maestro", 6759, 6759, 18, "44442", true},
    {"maestro", 5018, 5018, 16, "4444", true},
    {"unionpay", 62, 62, 19, "44443", true},
    {"discover", 65, 65, 16, "4444", false},
    {"diners", 38, 39, 14, "464", true},
    {"maestro", 6304, 6304, 19, "44443", true},
    {"mir", 2200, 2204, 16, "4444", false},
    {"maestro", 6761, 6763, 12, "444", true},
    {"visa", 4, 4, 13, "4333", true},
    {"maestro", 5020, 5020, 13, "4441", true},
    {"visa", 4, 4, 19, "44443", true},
    {"troy", 9792, 9792, 16, "4444", true},
    {"rupay", 6521, 6522, 16, "4444", false},
    {"maestro", 5893, 5893, 17, "44441", true},
    {"unionpay", 62, 62, 17, "44441", true},
    {"hipercard", 606282, 606282, 16, "4444", true},
};

static const char *const card_labelled[] = {
    "Card number: ~S",
    "Card number\n~S\nExpiry date\n08/29",
    "Cardholder ~N ~L\nCard no. ~S\nValid thru 11/28",
    "Kreditkartennummer: ~S",
    "Numéro de carte : ~S",
    "Número de tarjeta: ~S  Caduca 04/30",
    "Numero della carta ~S",
    "Numer karty: ~S",
    "Número do cartão: ~S",
    "Номер карты: ~S",
    "{\"card_number\": \"~S\", \"exp\": \"08/29\"}",
    "card_number=~S",
    "<input name=\"cardnumber\" value=\"~S\">",
    "please book it on my credit card, ~S, thanks ~N",
    "Pay with debit card\n~S",
};

static const char *const card_bare[] = {
    "~S",
    "~N ~L  ~S  08/29",
    "here: ~S exp 04/27",
    "[~T] ~N: ~S is the company one",
    "('~N', '~S', 3),",
    "amount 49.00 EUR from ~S on ~D",
    "> ~S",
    "VISA ~S",
    "Zahlung mit ~S bestätigt",
};

static unsigned luhn_digit(const char *digits, unsigned n)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned d = (unsigned)(digits[n - 1 - i] - '0');
        sum += i % 2 ? d : d * 2 / 10 + d * 2 % 10;
    }
    return (10 - sum % 10) % 10;
}

void corpus_card(struct corpus_item *item, struct chance *r, unsigned n)
{
    static const char *const separators[] = {" ",      "-",  " ", ".",
                                             "\u00a0", "  ", " ", "\n"};
    const struct brand *b = &brands[n % COUNT(brands)];
    char digits[24];
    item->kind = b->name;
    snprintf(digits, sizeof(digits), "%u", chance_in(r, b->first, b->last));
    unsigned have = (unsigned)strlen(digits);
    chance_chars(r, digits + have, b->digits - 1 - have, DIGIT);
    digits[b->digits - 1] = (char)('0' + luhn_digit(digits, b->digits - 1));
    digits[b->digits] = 0;
    bool is_grouped = chance_below(r, 3) > 0;
    if (is_grouped) {
        item_group(item->secret, sizeof(item->secret), digits, b->sizes,
                   PICK(r, separators));
    } else {
        snprintf(item->secret, sizeof(item->secret), "%s", digits);
    }
    if (chance_is(r, 8)) {
        item_misread(item, r, 1);
    }
    bool is_labelled = chance_is(r, 2) || (b->needs_context && !is_grouped) ||
                       (b->needs_context && chance_below(r, 4) > 0);
    item_say(item, r, is_labelled ? PICK(r, card_labelled) : PICK(r, card_bare));
}

// Structure of the account part: a number, then n digits, a capitals, c both.
static const struct {
    const char *country;
    const char *structure;
} ibans[] = {
    {"DE", "18n"},      {"GB", "4a14n"},   {"FR", "10n11c2n"}, {"ES", "20n"},
    {"IT", "1a10n12c"}, {"NL", "4a10n"},   {"BE", "12n"},      {"AT", "16n"},
    {"CH", "5n12c"},    {"PL", "24n"},     {"PT", "21n"},      {"SE", "20n"},
    {"NO", "11n"},      {"DK", "14n"},     {"FI", "14n"},      {"IE", "4a14n"},
    {"LU", "3n13c"},    {"CZ", "20n"},     {"SK", "20n"},      {"HU", "24n"},
    {"RO", "4a16c"},    {"BG", "4a6n8c"},  {"GR", "7n16c"},    {"HR", "17n"},
    {"SI", "15n"},      {"EE", "16n"},     {"LV", "4a13c"},    {"LT", "16n"},
    {"MT", "4a5n18c"},  {"CY", "8n16c"},   {"TR", "5n1z16c"},  {"SA", "2n18c"},
    {"AE", "19n"},      {"IL", "19n"},     {"BR", "23n1a1c"},  {"UA", "6n19c"},
    {"AD", "8n12c"},    {"AL", "8n16c"},   {"AZ", "4a20c"},    {"BA", "16n"},
    {"BH", "4a14c"},    {"BI", "23n"},     {"BY", "4c4n16c"},  {"CR", "18n"},
    {"DJ", "23n"},      {"DO", "4c20n"},   {"EG", "25n"},      {"FK", "2a12n"},
    {"FO", "14n"},      {"GE", "2a16n"},   {"GI", "4a15c"},    {"GL", "14n"},
    {"GT", "4c20c"},    {"IQ", "4a15n"},   {"IS", "22n"},      {"JO", "4a4n18c"},
    {"KW", "4a22c"},    {"KZ", "3n13c"},   {"LB", "4n20c"},    {"LC", "4a24c"},
    {"LI", "5n12c"},    {"LY", "21n"},     {"MC", "10n11c2n"}, {"MD", "2c18c"},
    {"ME", "18n"},      {"MK", "3n10c2n"}, {"MN", "16n"},      {"MR", "23n"},
    {"MU", "4a19n3a"},  {"NI", "4a20n"},   {"OM", "3n16c"},    {"PK", "4a16c"},
    {"PS", "4a21c"},    {"QA", "4a21c"},   {"RS", "18n"},      {"RU", "14n15c"},
    {"SC", "4a20n3a"},  {"SD", "14n"},     {"SM", "1a10n12c"}, {"SO", "19n"},
    {"ST", "21n"},      {"SV", "4a20n"},   {"TL", "19n"},      {"TN", "20n"},
    {"VA", "18n"},      {"VG", "4a16n"},   {"XK", "16n"},
};

static const char *const iban_contexts[] = {
    "IBAN: ~S",
    "IBAN ~S BIC EXAMDEFF",
    "~S",
    "Kontoinhaber: ~N ~L\nIBAN\n~S",
    "Bitte überweisen Sie den Betrag auf ~S bis zum Monatsende.",
    "Virement à effectuer sur le compte ~S au nom de ~N ~L",
    "Cuenta: ~S",
    "my account is ~S, send it whenever you like",
    "{\"iban\":\"~S\",\"holder\":\"~N ~L\"}",
    "transfer_to(\"~S\", 120.50)",
    "Bankverbindung ~S, ~N ~L",
    "Beneficiary account ~S\nAmount EUR 420.00",
    "iban = '~S'",
    "Rekening: ~S t.n.v. ~L",
    "~D  ~S  SEPA  -35,90 EUR",
};

// What is left when the account, then the country and "00", are read as one number.
static unsigned iban_rest(const char *account, const char *country)
{
    unsigned rest = 0;
    char all[48];
    snprintf(all, sizeof(all), "%s%s00", account, country);
    for (const char *c = all; *c; c++) {
        bool is_digit = *c <= '9';
        unsigned v = (unsigned)(is_digit ? *c - '0' : *c - 'A' + 10);
        rest = (rest * (is_digit ? 10 : 100) + v) % 97;
    }
    return rest;
}

static void iban_account(struct chance *r, char *out, const char *structure)
{
    while (*structure) {
        char *end;
        unsigned n = (unsigned)strtoul(structure, &end, 10);
        const char *set = *end == 'n'   ? DIGIT
                          : *end == 'a' ? UPPER
                          : *end == 'z' ? "0"
                                        : UPPER DIGIT;
        chance_chars(r, out, n, set);
        out += n;
        structure = end + 1;
    }
}

void corpus_iban(struct corpus_item *item, struct chance *r, unsigned n)
{
    n %= COUNT(ibans);
    char account[40], whole[48];
    item->kind = ibans[n].country;
    iban_account(r, account, ibans[n].structure);
    snprintf(whole, sizeof(whole), "%s%02u%s", ibans[n].country,
             98 - iban_rest(account, ibans[n].country), account);
    static const char *const separators[] = {" ", " ", " ", "-", "\u00a0", "\n"};
    if (chance_below(r, 3) > 0) {
        item_group(item->secret, sizeof(item->secret), whole, "444444444",
                   PICK(r, separators));
    } else {
        snprintf(item->secret, sizeof(item->secret), "%s", whole);
    }
    if (chance_is(r, 8)) {
        item_misread(item, r, 2);
    }
    item_say(item, r, PICK(r, iban_contexts));
}
