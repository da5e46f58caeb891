// find_id.c -- national identity numbers that are digits only, one row per country.
//
// Source: the issuing offices' check rules as collected in the OECD's TIN sheets and the
// countries' own publications; ISO 7064; Verhoeff, "Error detecting decimal codes" (1969).
// SPDX-License-Identifier: MIT
#include "privacy/find_number.h"

static int at(const uint8_t *d, int i)
{
    return d[i] * 10 + d[i + 1];
}

static bool is_day(int day, int month)
{
    return day >= 1 && day <= 31 && month >= 1 && month <= 12;
}

static int weigh(const uint8_t *d, const char *weights)
{
    int sum = 0;
    for (int i = 0; weights[i]; i++) {
        sum += d[i] * (weights[i] - (weights[i] >= 'a' ? 'a' - 10 : '0'));
    }
    return sum;
}

static uint64_t value(const uint8_t *d, int n)
{
    uint64_t v = 0;
    for (int i = 0; i < n; i++) {
        v = v * 10 + d[i];
    }
    return v;
}

static bool mod_11_10(const uint8_t *d, int n)
{
    int p = 10;
    for (int i = 0; i < n - 1; i++) {
        p = (p + d[i]) % 10;
        p = (p ? p : 10) * 2 % 11;
    }
    return (p + d[n - 1]) % 10 == 1;
}

static bool is_ca_il(const uint8_t *d)  // CA SIN, IL teudat zehut
{
    return value(d, 9) != 0 && find_luhn(d, 9);
}

static bool is_nl(const uint8_t *d)
{
    int sum = weigh(d, "98765432") - d[8];
    return sum > 0 && sum % 11 == 0;
}

static bool is_pt(const uint8_t *d)
{
    int rest = weigh(d, "98765432") % 11;
    return d[0] != 0 && d[8] == (rest < 2 ? 0 : 11 - rest);
}

static bool is_au(const uint8_t *d)
{
    return value(d, 9) != 0 && weigh(d, "14375869a") % 11 == 0;
}

static bool is_hu(const uint8_t *d)
{
    return value(d, 9) != 0 && weigh(d, "37373737") % 10 == d[8];
}

static bool is_gr(const uint8_t *d)  // AFM
{
    int sum = 0;
    for (int i = 0; i < 8; i++) {
        sum += d[i] << (8 - i);
    }
    return sum > 0 && sum % 11 % 10 == d[8];
}

static bool is_itin(const uint8_t *d)
{
    int group = at(d, 3);
    return d[0] == 9 && group >= 50 && group != 89 && group != 93 && group != 66 &&
           group <= 99;
}

static bool is_nhs(const uint8_t *d)
{
    int check = (11 - weigh(d, "a98765432") % 11) % 11;
    return d[0] != 0 && check == d[9];
}

static bool is_se(const uint8_t *d)
{
    int day = at(d, 4);
    return is_day(day > 60 ? day - 60 : day, at(d, 2)) && find_luhn(d, 10);
}

static bool is_se_long(const uint8_t *d)
{
    int century = at(d, 0);
    return (century == 18 || century == 19 || century == 20) && is_se(d + 2);
}

static bool is_dk_new(const uint8_t *d)  // since 2007 without a check
{
    return is_day(at(d, 0), at(d, 2));
}

static bool is_dk(const uint8_t *d)
{
    return is_dk_new(d) && weigh(d, "4327654321") % 11 == 0;
}

static bool is_cz(const uint8_t *d)
{
    int month = at(d, 2) % 50;
    return is_day(at(d, 4), month > 20 ? month - 20 : month) && value(d, 10) % 11 == 0;
}

static bool is_bg(const uint8_t *d)
{
    int month = at(d, 2) % 20;
    return is_day(at(d, 4), month) && weigh(d, "2485a9736") % 11 % 10 == d[9];
}

static bool is_at(const uint8_t *d)
{
    return is_day(at(d, 4), at(d, 6)) && weigh(d, "3790584216") % 11 == d[3];
}

// DE Steuer-ID: of ten digits one is twice or three times there.
static bool is_de(const uint8_t *d)
{
    uint8_t count[10] = {0};
    int twice = 0, missing = 0;
    for (int i = 0; i < 10; i++) {
        count[d[i]]++;
    }
    for (int i = 0; i < 10; i++) {
        twice += count[i] == 2 || count[i] == 3;
        missing += count[i] == 0;
    }
    return d[0] != 0 && twice == 1 && missing <= 2 && mod_11_10(d, 11);
}

static bool is_pl(const uint8_t *d)
{
    return is_day(at(d, 4), at(d, 2) % 20) && weigh(d, "13791379131") % 10 == 0;
}

static bool is_no(const uint8_t *d)
{
    int day = at(d, 0), month = at(d, 2);
    return is_day(day > 40 ? day - 40 : day, month > 40 ? month - 40 : month) &&
           weigh(d, "3761894521") % 11 == 0 && weigh(d, "54327654321") % 11 == 0;
}

static bool is_be(const uint8_t *d)
{
    int check = at(d, 9);
    uint64_t v = value(d, 9);
    int month = at(d, 2) % 20;
    return month <= 12 && at(d, 4) <= 31 && v != 0 &&
           (97 - (int)(v % 97) == check || 97 - (int)((v + 2000000000u) % 97) == check);
}

static bool is_br(const uint8_t *d)
{
    bool is_same = true;
    for (int i = 1; i < 11; i++) {
        is_same = is_same && d[i] == d[0];
    }
    return !is_same && weigh(d, "a98765432") * 10 % 11 % 10 == d[9] &&
           weigh(d, "ba98765432") * 10 % 11 % 10 == d[10];
}

static bool is_tr(const uint8_t *d)
{
    int odd = d[0] + d[2] + d[4] + d[6] + d[8], even = d[1] + d[3] + d[5] + d[7];
    return d[0] != 0 && (odd * 7 - even + 100) % 10 == d[9] &&
           (odd + even + d[9]) % 10 == d[10];
}

static bool is_hr(const uint8_t *d)
{
    return mod_11_10(d, 11);
}

static bool is_ee_lt(const uint8_t *d)
{
    int check = weigh(d, "1234567891") % 11;
    check = check == 10 ? weigh(d, "3456789123") % 11 % 10 : check;
    return d[0] >= 1 && d[0] <= 8 && is_day(at(d, 5), at(d, 3)) && check == d[10];
}

static bool is_ru_snils(const uint8_t *d)
{
    return weigh(d, "987654321") % 101 % 100 == at(d, 9);
}

static bool is_ar(const uint8_t *d)
{
    int check = (11 - weigh(d, "5432765432") % 11) % 11;
    return (d[0] == 2 || d[0] == 3) && check == d[10];
}

// Verhoeff: the products of the dihedral group of order ten.
static bool is_in(const uint8_t *d)
{
    static const uint8_t step[] = {1, 5, 7, 6, 2, 8, 3, 0, 9, 4};
    int c = 0;
    for (int i = 0; i < 12; i++) {
        int v = d[11 - i];
        for (int k = 0; k < i % 8; k++) {
            v = step[v];
        }
        int turn = c < 5 ? c + v : c - v;
        c = (turn + 10) % 5 + (c < 5 ? v / 5 * 5 : 5 - v / 5 * 5);
    }
    return d[0] >= 2 && c == 0;
}

static bool is_jp(const uint8_t *d)
{
    int rest = weigh(d, "65432765432") % 11;
    return value(d, 12) != 0 && d[11] == (rest < 2 ? 0 : 11 - rest);
}

static bool is_ru_inn(const uint8_t *d)
{
    return value(d, 12) != 0 && weigh(d, "724a359468") % 11 % 10 == d[10] &&
           weigh(d, "3724a359468") % 11 % 10 == d[11];
}

static bool is_za(const uint8_t *d)
{
    return is_day(at(d, 4), at(d, 2)) && d[10] < 2 && find_luhn(d, 13);
}

static bool is_ro(const uint8_t *d)
{
    int check = weigh(d, "279146358279") % 11;
    return d[0] >= 1 && is_day(at(d, 5), at(d, 3)) && (check == 10 ? 1 : check) == d[12];
}

static bool is_ch(const uint8_t *d)
{
    return value(d, 3) == 756 && weigh(d, "1313131313131") % 10 == 0;
}

static bool is_kr(const uint8_t *d)
{
    return is_day(at(d, 4), at(d, 2)) && d[6] >= 1 && d[6] <= 8 &&
           (11 - weigh(d, "234567892345") % 11) % 10 == d[12];
}

static bool is_th(const uint8_t *d)
{
    return d[0] != 0 && (11 - weigh(d, "dcba98765432") % 11) % 10 == d[12];
}

static bool is_yu(const uint8_t *d)  // JMBG of the successor states
{
    int check = (11 - weigh(d, "765432765432") % 11) % 11;
    return is_day(at(d, 0), at(d, 2)) && check == d[12];
}

static bool is_fr(const uint8_t *d)
{
    int month = at(d, 3);
    return (d[0] == 1 || d[0] == 2) && month >= 1 && (month <= 12 || month >= 20) &&
           97 - (int)(value(d, 13) % 97) == at(d, 13);
}

static bool is_cn(const uint8_t *d)
{
    int year = at(d, 6);
    return d[0] >= 1 && d[0] <= 8 && (year == 19 || year == 20) &&
           is_day(at(d, 12), at(d, 10)) && weigh(d, "79a584216379a58421") % 11 == 1;
}

// What is needed beside the check: nothing, the customary groups, or a label.
enum need { NEED_NOTHING, NEED_GROUPS, NEED_LABEL };

static const struct id_rule {
    uint8_t digits;
    enum need need;
    const char *sizes;
    const char *joints;
    bool (*is_valid)(const uint8_t *d);
} rules[] = {
    // by digits
    {9, NEED_LABEL, "333", " |-", is_ca_il},
    {9, NEED_LABEL, "423", ".| ", is_nl},
    {9, NEED_LABEL, "333", " ", is_pt},
    {9, NEED_LABEL, "333", " ", is_au},
    {9, NEED_LABEL, "333", " |-", is_hu},
    {9, NEED_LABEL, "", "", is_gr},
    {9, NEED_LABEL, "324", "-", is_itin},
    {10, NEED_LABEL, "334", " |-", is_nhs},
    {10, NEED_GROUPS, "64", "-", is_se},
    {10, NEED_GROUPS, "64", "-", is_dk},
    {10, NEED_LABEL, "64", "-", is_dk_new},
    {10, NEED_GROUPS, "64", "/", is_cz},
    {10, NEED_LABEL, "", "", is_bg},
    {10, NEED_LABEL, "46", " ", is_at},
    {11, NEED_GROUPS, "2333", " ", is_de},
    {11, NEED_LABEL, "", "", is_pl},
    {11, NEED_NOTHING, "65", " ", is_no},
    {11, NEED_NOTHING, "22232", "..-.| |.", is_be},
    {11, NEED_GROUPS, "3332", "..-", is_br},
    {11, NEED_LABEL, "", "", is_tr},
    {11, NEED_LABEL, "", "", is_hr},
    {11, NEED_LABEL, "", "", is_ee_lt},
    {11, NEED_GROUPS, "3332", "-- |---| ", is_ru_snils},
    {11, NEED_GROUPS, "281", "-", is_ar},
    {12, NEED_GROUPS, "444", " |-", is_in},
    {12, NEED_GROUPS, "84", "-", is_se_long},
    {12, NEED_LABEL, "444", " |-", is_jp},
    {12, NEED_LABEL, "", "", is_ru_inn},
    {13, NEED_LABEL, "6412", " ", is_za},
    {13, NEED_LABEL, "", "", is_ro},
    {13, NEED_NOTHING, "3442", ".| ", is_ch},
    {13, NEED_GROUPS, "67", "-", is_kr},
    {13, NEED_LABEL, "14521", "-| ", is_th},
    {13, NEED_LABEL, "", "", is_yu},
    {15, NEED_NOTHING, "1222332", " |.", is_fr},
    {18, NEED_NOTHING, "684", " ", is_cn},
};

bool find_id(struct scan *s, const struct part *p)
{
    const size_t begin = p->num->begin;
    bool is_labelled = find_near(s, LABEL_ID, begin, NEAR);
    bool is_other = !is_labelled && find_on_line(s, LABEL_NUMBER, begin, NEAR / 2);
    // a letter at the end is a check letter, of a number of another kind
    bool ends_in_letter = !(class_before(s, p->end) & IS_DIGIT);
    if (p->misread > (is_labelled ? 3 : 2) || (ends_in_letter && !is_labelled)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const struct id_rule *r = &rules[i];
        if (r->digits > p->n) {
            break;  // in order
        }
        if (r->digits != p->n || !r->is_valid(p->num->digits)) {
            continue;
        }
        bool is_grouped = strcmp(p->sizes, r->sizes) == 0 && find_joined_as(p, r->joints);
        bool is_whole = p->groups == 1 || is_grouped;
        if (!is_whole) {
            continue;
        }
        bool is_enough = r->need == NEED_NOTHING ||
                         (r->need == NEED_GROUPS && is_grouped && p->is_isolated) ||
                         is_labelled || find_follows(s, LABEL_ID, p->end);
        bool is_vetoed = is_other && !(r->need == NEED_NOTHING && is_grouped);
        if (is_enough && !is_vetoed) {
            find_add(s, PRIVACY_NATIONAL_ID, begin, p->end,
                     privacy_category_weight(PRIVACY_NATIONAL_ID));
            return true;
        }
    }
    return false;
}
