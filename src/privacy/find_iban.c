// find_iban.c -- international bank account numbers.
//
// The structure of the country's account says where digits and where letters stand, so that
// what OCR mixed up can be put right before the check; where both may stand, one such
// character is tried the other way.
// Source: ISO 13616, SWIFT IBAN registry; ISO 7064 MOD 97-10.
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

#include <stdlib.h>

enum { IBAN_MAX = 34 };

// n digits, a letters, c either; after country and check digits.  By country.
static const struct country {
    char code[3];
    const char *form;
} countries[] = {
    {"AD", "8n12c"},    {"AE", "19n"},      {"AL", "8n16c"},    {"AT", "16n"},
    {"AZ", "4a20c"},    {"BA", "16n"},      {"BE", "12n"},      {"BG", "4a6n8c"},
    {"BH", "4a14c"},    {"BI", "23n"},      {"BR", "23n1a1c"},  {"BY", "4c4n16c"},
    {"CH", "5n12c"},    {"CR", "18n"},      {"CY", "8n16c"},    {"CZ", "20n"},
    {"DE", "18n"},      {"DJ", "23n"},      {"DK", "14n"},      {"DO", "4c20n"},
    {"EE", "16n"},      {"EG", "25n"},      {"ES", "20n"},      {"FI", "14n"},
    {"FK", "2a12n"},    {"FO", "14n"},      {"FR", "10n11c2n"}, {"GB", "4a14n"},
    {"GE", "2a16n"},    {"GI", "4a15c"},    {"GL", "14n"},      {"GR", "7n16c"},
    {"GT", "4c20c"},    {"HN", "4a20n"},    {"HR", "17n"},      {"HU", "24n"},
    {"IE", "4a14n"},    {"IL", "19n"},      {"IQ", "4a15n"},    {"IS", "22n"},
    {"IT", "1a10n12c"}, {"JO", "4a4n18c"},  {"KW", "4a22c"},    {"KZ", "3n13c"},
    {"LB", "4n20c"},    {"LC", "4a24c"},    {"LI", "5n12c"},    {"LT", "16n"},
    {"LU", "3n13c"},    {"LV", "4a13c"},    {"LY", "21n"},      {"MC", "10n11c2n"},
    {"MD", "2c18c"},    {"ME", "18n"},      {"MK", "3n10c2n"},  {"MN", "16n"},
    {"MR", "23n"},      {"MT", "4a5n18c"},  {"MU", "4a19n3a"},  {"NI", "4a20n"},
    {"NL", "4a10n"},    {"NO", "11n"},      {"OM", "3n16c"},    {"PK", "4a16c"},
    {"PL", "24n"},      {"PS", "4a21c"},    {"PT", "21n"},      {"QA", "4a21c"},
    {"RO", "4a16c"},    {"RS", "18n"},      {"RU", "14n15c"},   {"SA", "2n18c"},
    {"SC", "4a20n3a"},  {"SD", "14n"},      {"SE", "20n"},      {"SI", "15n"},
    {"SK", "20n"},      {"SM", "1a10n12c"}, {"SO", "19n"},      {"ST", "21n"},
    {"SV", "4a20n"},    {"TL", "19n"},      {"TN", "20n"},      {"TR", "6n16c"},
    {"UA", "6n19c"},    {"VA", "18n"},      {"VG", "4a16n"},    {"XK", "16n"},
    {"YE", "4a4n18c"},
};

struct iban {
    char kind[IBAN_MAX];  // of each character, country and check digits included
    unsigned char c[IBAN_MAX];
    int n;
    size_t end;
};

static unsigned char big(unsigned char c)
{
    return c >= 'a' && c <= 'z' ? (unsigned char)(c - ('a' - 'A')) : c;
}

static const struct country *country_at(const struct scan *s, size_t i)
{
    unsigned char a = big(byte_at(s, i)), b = big(byte_at(s, i + 1));
    size_t low = 0, high = sizeof(countries) / sizeof(countries[0]);
    while (low < high) {
        const struct country *at = &countries[low + (high - low) / 2];
        int order = a != (unsigned char)at->code[0] ? a - at->code[0] : b - at->code[1];
        if (order == 0) {
            return at;
        }
        if (order < 0) {
            high = (size_t)(at - countries);
        } else {
            low = (size_t)(at - countries) + 1;
        }
    }
    return NULL;
}

static void read_form(struct iban *b, const char *form)
{
    memcpy(b->kind, "aann", 4);
    b->n = 4;
    while (*form) {
        char *end;
        long n = strtol(form, &end, 10);
        memset(b->kind + b->n, *end, (size_t)n);
        b->n += (int)n;
        form = end + 1;
    }
}

// The letter that OCR takes for this digit.
static unsigned char as_letter(unsigned char c)
{
    static const char letters[] = "OIZ??SG?B?";
    unsigned char letter = c >= '0' && c <= '9' ? (unsigned char)letters[c - '0'] : c;
    return letter == '?' ? c : letter;
}

static unsigned char as_digit(const struct scan *s, unsigned char c)
{
    uint8_t d = s->f->as_digit[c];
    return d == NOT_DIGIT ? c : (unsigned char)('0' + d);
}

// A small letter among capitals is a digit if it may be one: l, o, s.
static unsigned char mended(const struct scan *s, unsigned char c)
{
    return s->f->class[c] & IS_UPPER ? c : big(as_digit(s, c));
}

// Collects the characters over blanks, dashes and line breaks between them.
static bool read_iban(const struct scan *s, size_t i, struct iban *b)
{
    bool is_capital = class_at(s, i) & IS_UPPER;
    for (int k = 0; k < b->n; k++) {
        size_t n = find_dash(s, i);
        i = k == 0 ? i : n ? i + n : find_skip_break(s, i);
        unsigned char c = byte_at(s, i++);
        if (!(s->f->class[c] & IS_ALNUM) && c != '|') {
            return false;
        }
        switch (b->kind[k]) {
        case 'n': c = as_digit(s, c); break;
        case 'a': c = as_letter(big(c)); break;
        default: c = is_capital ? mended(s, c) : big(c); break;
        }
        bool is_digit = c >= '0' && c <= '9';
        if ((b->kind[k] == 'n' && !is_digit) || (b->kind[k] == 'a' && is_digit)) {
            return false;
        }
        b->c[k] = c;
    }
    b->end = i;
    s->out->work += (uint64_t)b->n;
    bool is_possible = memcmp(b->c + 2, "00", 2) != 0 && memcmp(b->c + 2, "01", 2) != 0 &&
                       memcmp(b->c + 2, "99", 2) != 0;
    return is_possible && !(class_at(s, i) & IS_ALNUM);
}

static bool is_valid(const struct iban *b)
{
    unsigned rest = 0;
    for (int k = 0; k < b->n; k++) {
        unsigned char c = b->c[(k + 4) % b->n];
        rest = c <= '9' ? rest * 10 + (c - '0') : rest * 100 + (c - 'A' + 10u);
        rest %= 97;
    }
    return rest == 1;
}

// One character of those that may be both is read the other way.
static bool is_valid_once_mended(const struct scan *s, struct iban *b)
{
    bool is_fixed = false;
    for (int k = 4; k < b->n && !is_fixed; k++) {
        unsigned char was = b->c[k];
        unsigned char other = was <= '9' ? as_letter(was) : as_digit(s, was);
        if (b->kind[k] == 'c' && other != was) {
            b->c[k] = other;
            is_fixed = is_valid(b);
            b->c[k] = was;
        }
    }
    s->out->work += (uint64_t)b->n;
    return is_fixed;
}

// Two check digits, one of them read well.
static bool has_check(const struct scan *s, size_t i)
{
    return (class_at(s, i) | class_at(s, i + 1)) & IS_DIGIT &&
           digit_at(s, i) != NOT_DIGIT && digit_at(s, i + 1) != NOT_DIGIT;
}

void find_iban(struct scan *s, size_t i)
{
    if (!(class_at(s, i) & IS_LETTER) || !(class_at(s, i + 1) & IS_LETTER)) {
        return;
    }
    if (!has_check(s, i + 2)) {
        if (!has_check(s, i + 6) || !find_is_word(s, i, i + 4, "iban")) {
            return;
        }
        i += 4;  // "IBANDE89..."
    }
    const struct country *country = country_at(s, i);
    struct iban b;
    if (!country) {
        return;
    }
    read_form(&b, country->form);
    if (!read_iban(s, i, &b) || !(is_valid(&b) || is_valid_once_mended(s, &b))) {
        return;
    }
    find_add(s, PRIVACY_IBAN, i, b.end, privacy_category_weight(PRIVACY_IBAN));
    s->number_end = b.end;
}
