// corpus_ids.c -- social security numbers and national identity numbers, with valid checks.
//
// Source: SSA POMS RM 10201 (SSN); the issuing offices' check rules for the others, each
// named at its function.
// SPDX-License-Identifier: MIT
#include "corpus_kit.h"

#include <stdio.h>
#include <string.h>

void corpus_ssn(struct corpus_item *item, struct chance *r, unsigned n)
{
    static const char *const labelled[] = {
        "SSN: ~S",
        "Social Security Number\n~S",
        "social security no. ~S",
        "{\"ssn\": \"~S\"}",
        "ssn=~S",
        "Employee ~N ~L, SSN ~S",
        "Enter your SSN: ~S",
        "Taxpayer SSN ~S   Filing status single",
        "Soc. Sec. No.: ~S",
        "patient.ssn = \"~S\";",
    };
    static const char *const bare[] = {
        "~S",
        "~N ~L, ~S, employed since 2014",
        "| ~N | ~S | active |",
        "hers is ~S I think",
        "('~L', '~S')",
        "~L, ~N    ~S    $ 4,200.00",
    };
    unsigned area = chance_in(r, 1, 899);
    area = area == 666 ? 667 : area;
    unsigned group = chance_in(r, 1, 99), serial = chance_in(r, 1, 9999);
    static const char *const forms[] = {"%03u-%02u-%04u", "%03u-%02u-%04u",
                                        "%03u %02u %04u", "%03u\u2013%02u\u2013%04u",
                                        "%03u%02u%04u"};
    unsigned form = n % COUNT(forms);
    item->kind = forms[form];
    switch (form) {
    case 0:
    case 1: snprintf(item->secret, 16, "%03u-%02u-%04u", area, group, serial); break;
    case 2: snprintf(item->secret, 16, "%03u %02u %04u", area, group, serial); break;
    case 3:
        snprintf(item->secret, 20, "%03u\u2013%02u\u2013%04u", area, group, serial);
        break;
    default: snprintf(item->secret, 16, "%03u%02u%04u", area, group, serial); break;
    }
    bool is_labelled = form != 0;
    if (is_labelled && chance_is(r, 10)) {
        item_misread(item, r, 0);
    }
    item_say(item, r, is_labelled ? PICK(r, labelled) : PICK(r, bare));
}

static unsigned at(const char *s, unsigned i)
{
    return (unsigned)(s[i] - '0');
}

static unsigned weighted(const char *s, const char *weights)
{
    unsigned sum = 0;
    for (unsigned i = 0; weights[i]; i++) {
        sum += at(s, i) * (weights[i] >= 'a' ? (unsigned)(weights[i] - 'a' + 10)
                                             : (unsigned)(weights[i] - '0'));
    }
    return sum;
}

static unsigned long long value_of(const char *s, unsigned n)
{
    unsigned long long v = 0;
    for (unsigned i = 0; i < n; i++) {
        v = v * 10 + at(s, i);
    }
    return v;
}

// A day that exists: day, month, year of two digits.
struct day {
    unsigned d, m, y;
};

static struct day some_day(struct chance *r)
{
    struct day day = {chance_in(r, 1, 28), chance_in(r, 1, 12), chance_in(r, 40, 99)};
    return day;
}

// GB National Insurance number: HMRC NIM39110.
static bool make_nino(struct chance *r, char *s)
{
    chance_chars(r, s, 1, "ABCEGHJKLMPRSTWXY");
    chance_chars(r, s + 1, 1, "ACEHJLMPRSWXY");
    chance_form(r, s + 2, 8, "######");
    chance_chars(r, s + 8, 1, "ABCD");
    return strncmp(s, "GB", 2) != 0 && strncmp(s, "NT", 2) != 0 &&
           strncmp(s, "TN", 2) != 0 && strncmp(s, "ZZ", 2) != 0 &&
           strncmp(s, "NK", 2) != 0 && strncmp(s, "KN", 2) != 0 &&
           strncmp(s, "BG", 2) != 0;
}

// GB NHS number: NHS Data Dictionary.
static bool make_nhs(struct chance *r, char *s)
{
    chance_form(r, s, 16, "9########");
    unsigned check = 11 - weighted(s, "a98765432") % 11;
    s[9] = (char)('0' + check % 11);
    s[10] = 0;
    return check != 10;
}

// ISO 7064 MOD 11,10.
static unsigned mod_11_10(const char *s, unsigned n)
{
    unsigned p = 10;
    for (unsigned i = 0; i < n; i++) {
        unsigned sum = (at(s, i) + p) % 10;
        p = (sum ? sum : 10) * 2 % 11;
    }
    return (11 - p) % 10;
}

// DE identification number (Steuer-ID): BZSt, Pruefziffernberechnung.
static bool make_steuer(struct chance *r, char *s)
{
    char pool[] = "0123456789";
    for (unsigned i = 0; i < 10; i++) {
        unsigned j = chance_in(r, i, 9);
        char c = pool[i];
        pool[i] = pool[j];
        pool[j] = c;
    }
    pool[chance_in(r, 2, 9)] = pool[0];  // one digit twice, the others once, one missing
    memcpy(s, pool, 10);
    s[10] = (char)('0' + mod_11_10(s, 10));
    s[11] = 0;
    return s[0] != '0';
}

// DE identity card: ICAO 9303, weights 7 3 1.
static bool make_ausweis(struct chance *r, char *s)
{
    static const char set[] = "0123456789CFGHJKLMNPRTVWXYZ";
    unsigned sum = 0;
    chance_chars(r, s, 1, "LMNPRTVWXY");
    chance_chars(r, s + 1, 8, set);
    for (unsigned i = 0; i < 9; i++) {
        unsigned v = s[i] <= '9' ? at(s, i) : (unsigned)(s[i] - 'A' + 10);
        sum += v * (i % 3 == 0 ? 7 : i % 3 == 1 ? 3 : 1);
    }
    snprintf(s + 9, 2, "%u", sum % 10);
    return strpbrk(s + 1, DIGIT) != NULL;
}

// FR NIR: INSEE, key 97 - n mod 97.
static bool make_nir(struct chance *r, char *s)
{
    struct day day = some_day(r);
    snprintf(s, 16, "%u%02u%02u%02u%03u%03u", chance_in(r, 1, 2), day.y, day.m,
             chance_in(r, 1, 95), chance_in(r, 1, 600), chance_in(r, 1, 900));
    unsigned key = 97 - (unsigned)(value_of(s, 13) % 97);
    snprintf(s + 13, 3, "%02u", key);
    return s[5] != '2' || s[6] != '0';
}

// ES DNI and NIE: Ministerio del Interior.
static bool make_dni(struct chance *r, char *s)
{
    chance_form(r, s, 10, "########");
    s[8] = "TRWAGMYFPDXBNJZSQVHLCKE"[value_of(s, 8) % 23];
    s[9] = 0;
    return true;
}

static bool make_nie(struct chance *r, char *s)
{
    chance_form(r, s, 10, "########");
    s[0] = (char)('0' + chance_below(r, 3));
    char check = "TRWAGMYFPDXBNJZSQVHLCKE"[value_of(s, 8) % 23];
    s[0] = (char)(s[0] - '0' + 'X');
    s[8] = check;
    s[9] = 0;
    return true;
}

// IT codice fiscale: DM 12/3/1974.
static bool make_fiscale(struct chance *r, char *s)
{
    static const unsigned odd[] = {1,  0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,  18,
                                   20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
    struct day day = some_day(r);
    char name[8], place[8];
    chance_chars(r, name, 6, "BCDFGLMNPRSTVZ");
    chance_form(r, place, sizeof(place), "###");
    snprintf(s, 24, "%s%02u%c%02u%c%s", name, day.y, "ABCDEHLMPRST"[day.m - 1],
             day.d + (chance_is(r, 2) ? 40 : 0), "ABCDEFGHIL"[chance_below(r, 10)],
             place);
    unsigned sum = 0;
    for (unsigned i = 0; i < 15; i++) {
        unsigned v = s[i] <= '9' ? at(s, i) : (unsigned)(s[i] - 'A');
        sum += i % 2 ? v : odd[v];
    }
    s[15] = (char)('A' + sum % 26);
    s[16] = 0;
    return true;
}

// NL burgerservicenummer: the eleven test.
static bool make_bsn(struct chance *r, char *s)
{
    chance_form(r, s, 10, "########");
    unsigned check = weighted(s, "98765432") % 11;
    snprintf(s + 8, 3, "%u", check);
    return check < 10 && s[0] != '0';
}

// BE rijksregisternummer: 97 - n mod 97.
static bool make_rijksregister(struct chance *r, char *s)
{
    struct day day = some_day(r);
    snprintf(s, 12, "%02u%02u%02u%03u", day.y, day.m, day.d, chance_in(r, 1, 997));
    unsigned check = 97 - (unsigned)(value_of(s, 9) % 97);
    s[9] = (char)('0' + check / 10);
    s[10] = (char)('0' + check % 10);
    s[11] = 0;
    return true;
}

static bool make_pesel(struct chance *r, char *s)
{
    struct day day = some_day(r);
    snprintf(s, 12, "%02u%02u%02u%04u", day.y, day.m, day.d, chance_in(r, 0, 9999));
    snprintf(s + 10, 2, "%u", (10 - weighted(s, "1379137913") % 10) % 10);
    return true;
}

static unsigned luhn_of(const char *s, unsigned n)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned d = at(s, n - 1 - i) * (i % 2 ? 1 : 2);
        sum += d > 9 ? d - 9 : d;
    }
    return (10 - sum % 10) % 10;
}

static bool make_personnummer(struct chance *r, char *s)
{
    struct day day = some_day(r);
    snprintf(s, 12, "%02u%02u%02u%03u", day.y, day.m, day.d, chance_in(r, 0, 999));
    snprintf(s + 9, 2, "%u", luhn_of(s, 9));
    return true;
}

// NO fødselsnummer: Skatteetaten, two checks of modulus 11.
static bool make_fodsel(struct chance *r, char *s)
{
    struct day day = some_day(r);
    snprintf(s, 12, "%02u%02u%02u%03u", day.d, day.m, day.y, chance_in(r, 0, 499));
    unsigned k1 = (11 - weighted(s, "376189452") % 11) % 11;
    snprintf(s + 9, 3, "%u", k1);
    unsigned k2 = k1 < 10 ? (11 - weighted(s, "5432765432") % 11) % 11 : 10;
    snprintf(s + 10, 3, "%u", k2);
    return k1 < 10 && k2 < 10;
}

// DK CPR number, of those before 2007 with the check of modulus 11.
static bool make_cpr(struct chance *r, char *s)
{
    struct day day = some_day(r);
    snprintf(s, 12, "%02u%02u%02u%03u", day.d, day.m, day.y, chance_in(r, 0, 399));
    unsigned check = (11 - weighted(s, "432765432") % 11) % 11;
    snprintf(s + 9, 3, "%u", check);
    return check < 10;
}

// FI henkilötunnus.
static bool make_hetu(struct chance *r, char *s)
{
    struct day day = some_day(r);
    char all[16];
    unsigned number = chance_in(r, 2, 899);
    snprintf(all, sizeof(all), "%02u%02u%02u%03u", day.d, day.m, day.y, number);
    snprintf(s, 12, "%.6s-%03u%c", all, number,
             "0123456789ABCDEFHJKLMNPRSTUVWXY"[value_of(all, 9) % 31]);
    return true;
}

// CH AHV-Nummer: an EAN-13 that begins with 756.
static bool make_ahv(struct chance *r, char *s)
{
    chance_form(r, s, 14, "756#########");
    snprintf(s + 12, 2, "%u", (10 - weighted(s, "131313131313") % 10) % 10);
    return true;
}

// BR CPF: Receita Federal.
static bool make_cpf(struct chance *r, char *s)
{
    chance_form(r, s, 12, "#########");
    unsigned one = weighted(s, "a98765432") * 10 % 11 % 10;
    snprintf(s + 9, 2, "%u", one);
    snprintf(s + 10, 2, "%u", weighted(s, "ba98765432") * 10 % 11 % 10);
    return true;
}

// IN Aadhaar: Verhoeff's dihedral check.
static bool make_aadhaar(struct chance *r, char *s)
{
    // D5 as rotations and reflections: i < 5 is a rotation.
    chance_form(r, s, 13, "###########");
    s[0] = (char)('2' + chance_below(r, 8));
    static const unsigned step[] = {1, 5, 7, 6, 2, 8, 3, 0, 9, 4};
    unsigned c = 0;
    for (unsigned i = 0; i < 12; i++) {
        unsigned v = i == 0 ? 0 : at(s, 11 - i);
        for (unsigned k = 0; k < i % 8; k++) {
            v = step[v];
        }
        unsigned turn = c < 5 ? v % 5 : 5 - v % 5;
        c = (c % 5 + turn) % 5 + (c / 5 != v / 5 ? 5 : 0);
    }
    unsigned check = c < 5 ? (5 - c) % 5 : c;
    snprintf(s + 11, 2, "%u", check);
    return true;
}

static bool make_sin(struct chance *r, char *s)
{
    chance_form(r, s, 10, "########");
    s[0] = (char)('1' + chance_below(r, 7));
    snprintf(s + 8, 2, "%u", luhn_of(s, 8));
    return true;
}

// CN resident identity card: GB 11643, MOD 11-2.
static bool make_resident(struct chance *r, char *s)
{
    struct day day = some_day(r);
    snprintf(s, 19, "%u%04u19%02u%02u%02u%03u", chance_in(r, 11, 65),
             chance_in(r, 100, 9999), day.y, day.m, day.d, chance_in(r, 1, 999));
    s[17] = "10X98765432"[weighted(s, "79a584216379a5842") % 11];
    s[18] = 0;
    return true;
}

// CZ and SK rodné číslo: divisible by eleven.
static bool make_rodne(struct chance *r, char *s)
{
    struct day day = some_day(r);
    snprintf(s, 12, "%02u%02u%02u%03u", day.y, day.m + (chance_is(r, 2) ? 50 : 0), day.d,
             chance_in(r, 1, 999));
    unsigned rest = (unsigned)(value_of(s, 9) * 10 % 11);
    snprintf(s + 9, 3, "%u", (11 - rest) % 11);
    return rest != 1;
}

// TR kimlik numarası.
static bool make_kimlik(struct chance *r, char *s)
{
    chance_form(r, s, 12, "#########");
    s[0] = (char)('1' + chance_below(r, 9));
    unsigned odd = at(s, 0) + at(s, 2) + at(s, 4) + at(s, 6) + at(s, 8);
    unsigned even = at(s, 1) + at(s, 3) + at(s, 5) + at(s, 7);
    snprintf(s + 9, 2, "%u", (odd * 7 + 100 - even) % 10);
    snprintf(s + 10, 2, "%u", (odd + even + at(s, 9)) % 10);
    return true;
}

// PT NIF.
static bool make_nif(struct chance *r, char *s)
{
    chance_form(r, s, 10, "2#######");
    unsigned rest = weighted(s, "98765432") % 11;
    snprintf(s + 8, 2, "%u", rest < 2 ? 0 : 11 - rest);
    return true;
}

static const struct id_kind {
    const char *name;
    bool (*make)(struct chance *r, char *s);
    const char *sizes;  // grouping people write, "" = none
    const char *separators[3];
    const char *labels[4];
    bool needs_label;  // when written without groups
    bool always_label;
    bool can_misread;
} id_kinds[] = {
    {"gb nino",
     make_nino,
     "22221",
     {" "},
     {"National Insurance number", "NINO", "NI number"},
     true,
     false,
     false},
    {"de steuer-id",
     make_steuer,
     "2333",
     {" "},
     {"Steuer-ID", "Steueridentifikationsnummer", "IdNr.",
      "Steuerliche Identifikationsnummer"},
     true,
     false,
     true},
    {"fr nir",
     make_nir,
     "1222332",
     {" "},
     {"Numéro de sécurité sociale", "N° de sécurité sociale", "NIR", "Sécu"},
     false,
     false,
     true},
    {"es dni",
     make_dni,
     "81",
     {"-"},
     {"DNI", "NIF", "Documento de identidad"},
     false,
     false,
     true},
    {"it codice fiscale",
     make_fiscale,
     "",
     {""},
     {"Codice fiscale", "C.F.", "CF"},
     false,
     false,
     false},
    {"nl bsn", make_bsn, "423", {"."}, {"BSN", "Burgerservicenummer"}, true, true, true},
    {"pl pesel",
     make_pesel,
     "",
     {""},
     {"PESEL", "Numer PESEL", "nr PESEL"},
     true,
     true,
     true},
    {"in aadhaar",
     make_aadhaar,
     "444",
     {" ", "-"},
     {"Aadhaar", "Aadhaar number", "UIDAI"},
     true,
     false,
     true},
    {"se personnummer",
     make_personnummer,
     "64",
     {"-"},
     {"Personnummer", "Pers.nr"},
     true,
     false,
     true},
    {"br cpf", make_cpf, "", {""}, {"CPF", "CPF do titular"}, true, true, true},
    {"gb nhs",
     make_nhs,
     "334",
     {" "},
     {"NHS number", "NHS No.", "NHS"},
     true,
     true,
     true},
    {"no fodselsnummer",
     make_fodsel,
     "65",
     {" "},
     {"Fødselsnummer", "Fnr", "Personnummer"},
     false,
     false,
     true},
    {"ca sin",
     make_sin,
     "333",
     {" ", "-"},
     {"SIN", "Social Insurance Number", "NAS"},
     true,
     true,
     true},
    {"fi hetu",
     make_hetu,
     "",
     {""},
     {"Henkilötunnus", "HETU", "Hetu"},
     false,
     false,
     false},
    {"ch ahv",
     make_ahv,
     "3442",
     {"."},
     {"AHV-Nummer", "AHV", "No AVS"},
     false,
     false,
     true},
    {"be rijksregister",
     make_rijksregister,
     "",
     {""},
     {"Rijksregisternummer", "Numéro national", "INSZ"},
     false,
     false,
     true},
    {"dk cpr",
     make_cpr,
     "64",
     {"-"},
     {"CPR-nummer", "CPR", "CPR-nr."},
     true,
     false,
     true},
    {"es nie",
     make_nie,
     "171",
     {"-"},
     {"NIE", "Número de identidad de extranjero"},
     false,
     false,
     true},
    {"cn resident",
     make_resident,
     "",
     {""},
     {"身份证号", "身份证号码", "ID card"},
     false,
     false,
     true},
    {"de ausweis",
     make_ausweis,
     "",
     {""},
     {"Personalausweis", "Ausweisnummer", "Personalausweisnummer"},
     true,
     true,
     false},
    {"cz rodne cislo",
     make_rodne,
     "64",
     {"/"},
     {"Rodné číslo", "RČ", "Rodné číslo"},
     true,
     false,
     true},
    {"tr kimlik",
     make_kimlik,
     "",
     {""},
     {"T.C. Kimlik No", "TC Kimlik", "Kimlik No"},
     true,
     true,
     true},
    {"pt nif",
     make_nif,
     "333",
     {" "},
     {"NIF", "Contribuinte", "Número de contribuinte"},
     true,
     true,
     true},
};

void corpus_national_id(struct corpus_item *item, struct chance *r, unsigned n)
{
    static const char *const after[] = {
        ": ~S", " ~S", ":\n~S", " : ~S", "\n~S", ": ~S, ~N ~L", " = \"~S\"", " | ~S |",
    };
    static const char *const bare[] = {
        "~S", "~N ~L  ~S  active", "for ~N it is ~S", "(~S)", "['~S', '~L'],", "> ~S <",
    };
    const struct id_kind *k = &id_kinds[n % COUNT(id_kinds)];
    char plain[24], context[128];
    while (!k->make(r, plain)) {
    }
    item->kind = k->name;
    bool is_grouped = k->sizes[0] && chance_is(r, 2);
    const char *separator = k->separators[k->separators[1] ? chance_below(r, 2) : 0];
    item_group(item->secret, sizeof(item->secret), plain, is_grouped ? k->sizes : "99",
               is_grouped ? separator : "");
    if (k->can_misread && chance_is(r, 12)) {
        item_misread(item, r, 1);
    }
    bool is_labelled =
        k->always_label || (k->needs_label && !is_grouped) || chance_is(r, 2);
    if (!is_labelled) {
        item_say(item, r, PICK(r, bare));
        return;
    }
    const char *label;
    do {
        label = PICK(r, k->labels);
    } while (!label);
    snprintf(context, sizeof(context), "%s%s", label, PICK(r, after));
    item_say(item, r, context);
}
