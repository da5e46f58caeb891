// find_number.c -- reads groups of digits; payment cards and social security numbers.
//
// Source: ISO/IEC 7812 and the brands' published issuer ranges; SSA POMS RM 10201.035.
// SPDX-License-Identifier: MIT
#include "privacy/find_number.h"

// What joins two groups at i: its length and its kind.  One line break, blanks around it,
// up to three blanks, or one of - . / alone.
static size_t read_joint(const struct scan *s, size_t i, char *kind)
{
    size_t end = i, n;
    unsigned char c = byte_at(s, i);
    if ((n = find_dash(s, i)) > 0) {
        *kind = '-';
        return i + n;
    }
    if (c == '.' || c == '/') {
        *kind = (char)c;
        return i + 1;
    }
    for (int blanks = 0;
         blanks < 3 && byte_at(s, end) != '\t' && (n = find_blank(s, end)); blanks++) {
        end += n;
    }
    *kind = ' ';
    if (byte_at(s, end) == '\n' || byte_at(s, end) == '\r') {
        *kind = '\n';
        return find_skip_break(s, end);
    }
    return end;
}

// The end of the group of digits at i; i if there is none.
static size_t read_group(const struct scan *s, size_t i, struct number *num)
{
    size_t end = i;
    int letters = 0, n = num->n;
    for (uint8_t d; (d = digit_at(s, end)) != NOT_DIGIT && n < NUMBER_DIGITS; end++) {
        num->digits[n++] = d;
        letters += !(class_at(s, end) & IS_DIGIT);
    }
    bool goes_on =
        class_at(s, end) & IS_WORD &&
        (byte_at(s, end) == '_' || find_letter(s, end) || class_at(s, end) & IS_ALNUM);
    int size = n - num->n;
    bool is_word = num->groups == 0 ? letters == size : letters == size && size < 3;
    if (goes_on || n == NUMBER_DIGITS || is_word) {
        return i;
    }
    num->size[num->groups] = (uint8_t)size;
    num->misread[num->groups] = (uint8_t)letters;
    num->n = n;
    return end;
}

// A number that is only the rest of something longer: "3.14", "a-12", "/12".
static bool is_rest(const struct scan *s, size_t i)
{
    unsigned char c = i > s->from ? byte_at(s, i - 1) : 0;
    return (c == '.' || c == '-' || c == '/' || c == ',') && i > 1 &&
           (class_before(s, i - 1) & IS_ALNUM) && !(c == ',' && byte_at(s, i - 2) > '9');
}

// "12 4111": two digits or more stand before, a blank or two away.
bool find_follows_number(const struct scan *s, size_t i)
{
    size_t at = i;
    while (at > s->from && i - at < 3 && s->text[at - 1] == ' ') {
        at--;
    }
    return at < i && at > 1 && class_before(s, at) & IS_DIGIT &&
           class_before(s, at - 1) & IS_DIGIT;
}

bool find_read_number(const struct scan *s, size_t i, struct number *num)
{
    num->begin = i;
    num->follows_number = find_follows_number(s, i);
    num->groups = num->n = 0;
    // One group more than a part can have, for what follows it.
    while (num->groups < NUMBER_GROUPS && num->n <= PART_DIGITS) {
        size_t end = read_group(s, i, num);
        if (end == i) {
            break;
        }
        num->end[num->groups] = end;
        i = read_joint(s, end, &num->joint[num->groups]);
        num->groups++;
        if (i == end) {
            break;
        }
    }
    if (num->groups) {
        s->out->work += num->end[num->groups - 1] - num->begin;
        num->joint[num->groups - 1] = 0;
    }
    return num->groups > 0;
}

bool find_part(const struct number *num, int groups, struct part *part)
{
    *part = (struct part){.num = num, .groups = groups, .end = num->end[groups - 1]};
    for (int i = 0; i < groups; i++) {
        part->n += num->size[i];
        part->misread += num->misread[i];
        part->sizes[i] = (char)(num->size[i] < 10 ? '0' + num->size[i] : '+');
    }
    char next = num->joint[groups - 1];
    bool is_broken =
        groups > 1 && num->joint[groups - 2] == '\n' && num->size[groups - 1] < 3;
    bool goes_on = next == ' ' && num->size[groups] >= 3;
    part->is_isolated = !goes_on && !num->follows_number;
    return !is_broken && next != '-' && next != '.' && next != '/';
}

bool find_joined_by(const struct part *part, const char *joints)
{
    for (int i = 0; i + 1 < part->groups; i++) {
        if (!strchr(joints, part->num->joint[i])) {
            return false;
        }
    }
    return true;
}

bool find_joined_as(const struct part *part, const char *joints)
{
    size_t n = (size_t)part->groups - 1;
    for (const char *p = joints; *p; p += strcspn(p, "|") + (p[strcspn(p, "|")] == '|')) {
        size_t len = strcspn(p, "|");
        bool is_same = true;
        for (size_t i = 0; i < n; i++) {
            is_same = is_same && part->num->joint[i] == p[len == n ? i : 0];
        }
        if (is_same) {
            return true;
        }
    }
    return n == 0;
}

bool find_luhn(const uint8_t *d, int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++) {
        int twice = d[n - 1 - i] * (i % 2 + 1);
        sum += twice > 9 ? twice - 9 : twice;
    }
    return sum % 10 == 0;
}

// Issuers.  The common length of a big brand is proof enough, with the check digit; the
// others stand in groups or beside a label, or they are any number.
enum issuer { ISSUER_NONE, ISSUER_RARE, ISSUER_COMMON };

static enum issuer issuer_of(const uint8_t *d, int n)
{
    static const struct {
        uint16_t first, last;
        uint8_t digits;  // of first and last
        uint8_t shortest, longest, common;
    } ranges[] = {
        {4, 4, 1, 16, 16, 16},       {51, 55, 2, 16, 16, 16},
        {2221, 2720, 4, 16, 16, 16}, {34, 34, 2, 15, 15, 15},
        {37, 37, 2, 15, 15, 15},     {6011, 6011, 4, 16, 19, 16},
        {644, 659, 3, 16, 19, 16},   {3528, 3589, 4, 16, 19, 16},
        {62, 62, 2, 16, 19, 16},     {2200, 2204, 4, 16, 19, 16},
        {4, 4, 1, 13, 19, 0},        {300, 305, 3, 14, 19, 0},
        {3095, 3095, 4, 14, 19, 0},  {36, 36, 2, 14, 19, 0},
        {38, 39, 2, 14, 19, 0},      {50, 50, 2, 12, 19, 0},
        {56, 58, 2, 12, 19, 0},      {60, 69, 2, 12, 19, 0},
        {81, 82, 2, 16, 16, 0},      {9792, 9792, 4, 16, 16, 0},
        {9860, 9860, 4, 16, 16, 0},  {8600, 8600, 4, 16, 16, 0},
        {1, 1, 1, 15, 15, 0},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        int prefix = 0;
        for (int k = 0; k < ranges[i].digits; k++) {
            prefix = prefix * 10 + d[k];
        }
        if (prefix >= ranges[i].first && prefix <= ranges[i].last &&
            n >= ranges[i].shortest && n <= ranges[i].longest) {
            return n == ranges[i].common ? ISSUER_COMMON : ISSUER_RARE;
        }
    }
    return ISSUER_NONE;
}

static bool is_card_grouping(const char *sizes)
{
    static const char *const known[] = {"4444",  "465",   "464",   "444",  "4442", "4443",
                                        "44441", "44442", "44443", "4333", "4441", "88",
                                        "447",   "6+",    "445",   "4434", NULL};
    for (const char *const *k = known; *k; k++) {
        if (strcmp(*k, sizes) == 0) {
            return true;
        }
    }
    return false;
}

// Blanks that OCR put into a number: no group is a single digit, no other number beside it.
static bool is_torn(const struct part *p)
{
    for (int i = 0; i < p->groups; i++) {
        if (p->num->size[i] < 2) {
            return false;
        }
    }
    return p->groups <= 6 && p->groups == p->num->groups && find_joined_by(p, " ");
}

static bool is_blank_after_digit(const struct scan *s, size_t i)
{
    return i > s->from + 1 && s->text[i - 1] == ' ' && class_before(s, i - 1) & IS_DIGIT;
}

// "2024 4111 1111 ...": four digits before it that are a number of their own, and no other
// number behind it.
static bool has_one_before(const struct scan *s, const struct part *p)
{
    const size_t i = p->num->begin;
    const char next = p->num->joint[p->groups - 1];
    bool are_digits = true;
    for (size_t k = i - 5; k < i - 1; k++) {
        are_digits = are_digits && class_at(s, k) & IS_DIGIT;
    }
    return are_digits && !is_blank_after_digit(s, i - 5) &&
           !(next == ' ' && p->num->size[p->groups] >= 3);
}

// "DE12 4111 1111 ...": a group of four before it, letters and digits, is part of the same,
// unless it is the end of another card.
static bool is_in_row(const struct scan *s, const struct part *p)
{
    const size_t i = p->num->begin;
    if (i < s->from + 5 || !is_blank_after_digit(s, i) || s->card_end == i - 1) {
        return false;
    }
    for (size_t k = i - 5; k < i - 1; k++) {
        if (!(class_at(s, k) & IS_ALNUM)) {
            return false;
        }
    }
    return !has_one_before(s, p);
}

bool find_card(struct scan *s, const struct part *p)
{
    const uint8_t *d = p->num->digits;
    if (p->n < 12 || p->n > 19 || p->misread > p->n / 2 || !find_luhn(d, p->n)) {
        return false;
    }
    enum issuer issuer = issuer_of(d, p->n);
    size_t begin = p->num->begin;
    bool is_labelled = find_near(s, LABEL_CARD, begin, NEAR * 2);
    bool is_other = !is_labelled && (find_on_line(s, LABEL_NUMBER, begin, NEAR / 2) ||
                                     find_near(s, LABEL_ID, begin, NEAR / 2));
    bool is_usual = is_card_grouping(p->sizes) && find_joined_by(p, " \n-.");
    if (issuer == ISSUER_NONE || (is_other && !is_usual) ||
        (is_other && issuer == ISSUER_RARE)) {
        return false;
    }
    bool is_alone = p->groups == 1 || is_torn(p);
    is_usual = is_usual && (is_labelled || !is_in_row(s, p)) &&
               (is_labelled || issuer == ISSUER_COMMON || p->is_isolated);
    bool is_proven = is_usual || (is_alone && (is_labelled || issuer == ISSUER_COMMON));
    if (!is_proven) {
        return false;
    }
    find_add(s, PRIVACY_CARD, begin, p->end, privacy_category_weight(PRIVACY_CARD));
    s->card_end = p->end;
    return true;
}

// Of 1936 to 1965, printed by the million in wallets and brochures: nobody's.
static bool is_void_ssn(const uint8_t *d)
{
    static const uint8_t woolworth[] = {0, 7, 8, 0, 5, 1, 1, 2, 0};
    static const uint8_t pamphlet[] = {2, 1, 9, 0, 9, 9, 9, 9, 9};
    return memcmp(d, woolworth, 9) == 0 || memcmp(d, pamphlet, 9) == 0;
}

bool find_ssn(struct scan *s, const struct part *p)
{
    const uint8_t *d = p->num->digits;
    bool is_grouped = strcmp(p->sizes, "324") == 0;
    if (p->n != 9 || !(is_grouped || p->groups == 1)) {
        return false;
    }
    int area = d[0] * 100 + d[1] * 10 + d[2];
    bool is_given = area != 0 && area != 666 && area < 900 && (d[3] || d[4]) &&
                    (d[5] || d[6] || d[7] || d[8]) && !is_void_ssn(d);
    if (!is_given) {
        return false;
    }
    size_t begin = p->num->begin;
    bool is_labelled =
        find_near(s, LABEL_SSN, begin, NEAR) || find_follows(s, LABEL_SSN, p->end);
    bool is_plain = is_grouped && find_joined_by(p, "-") && p->misread == 0 &&
                    !find_on_line(s, LABEL_NUMBER, begin, NEAR / 2);
    if (!is_labelled && !is_plain) {
        return false;
    }
    find_add(s, PRIVACY_SSN, begin, p->end, privacy_category_weight(PRIVACY_SSN));
    return true;
}

static bool try_part(struct scan *s, const struct part *p)
{
    bool is_id_first = find_near(s, LABEL_ID, p->num->begin, NEAR) &&
                       s->label_end[LABEL_ID] >= s->label_end[LABEL_CARD];
    if (is_id_first && find_id(s, p)) {
        return true;
    }
    return find_card(s, p) || find_ssn(s, p) || (!is_id_first && find_id(s, p));
}

// "/shots/4111 1111 1111 1111.png": of what follows a slash only the form of a card is proof.
static bool try_named(struct scan *s, const struct part *p)
{
    return p->groups > 1 && is_card_grouping(p->sizes) && find_card(s, p);
}

void find_number(struct scan *s, size_t i)
{
    struct number num;
    const bool is_named = is_rest(s, i) && s->text[i - 1] == '/';
    if ((is_rest(s, i) && !is_named) || !find_read_number(s, i, &num) || num.n < 8) {
        return;
    }
    int n = num.n;  // digits of that many groups
    for (int groups = num.groups; n >= 8; n -= num.size[--groups]) {
        struct part part;
        if (n <= PART_DIGITS && n >= 2 * groups && find_part(&num, groups, &part) &&
            (is_named ? try_named(s, &part) : try_part(s, &part))) {
            s->number_end = part.end;
            return;
        }
    }
}
