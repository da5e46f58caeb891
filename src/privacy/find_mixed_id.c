// find_mixed_id.c -- identity numbers with letters in them, documents, machine-readable zones.
//
// Each form is a string: # a digit (or what OCR makes of one), A a letter, * either, any other
// character itself; a blank is a separator that may be missing.
// Source: the issuing offices' check rules; ICAO 9303 (machine-readable zone).
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

enum { ID_MAX = 20 };

// The characters of an identity number without its separators, capitals, digits as digits.
struct id_text {
    unsigned char c[ID_MAX];
    int n;
    size_t end;
    bool is_grouped;
    int misread;
};

static unsigned char big(unsigned char c)
{
    return c >= 'a' && c <= 'z' ? (unsigned char)(c - ('a' - 'A')) : c;
}

static unsigned number_of(const unsigned char *c, int n)
{
    unsigned v = 0;
    for (int i = 0; i < n; i++) {
        v = v * 10 + (unsigned)(c[i] - '0');
    }
    return v;
}

// One character of the form; false: the text does not fit.
static bool read_one(const struct scan *s, char form, unsigned char c, struct id_text *t)
{
    uint8_t k = s->f->class[c], digit = s->f->as_digit[c];
    if (form == '#') {
        t->misread += !(k & IS_DIGIT);
        t->c[t->n++] = (unsigned char)('0' + digit);
        return digit != NOT_DIGIT;
    }
    t->c[t->n++] = big(c);
    return k & (form == 'A' ? IS_LETTER : IS_ALNUM);
}

// What may stand for a blank of the form.
static size_t read_joint(const struct scan *s, size_t i)
{
    unsigned char c = byte_at(s, i);
    if (c < 0x80) {
        return c == ' ' || c == '-' || c == '.' || c == '/';
    }
    size_t n = find_blank(s, i);
    return n ? n : find_dash(s, i);
}

static bool read_form(const struct scan *s, size_t i, const char *form, struct id_text *t)
{
    t->n = t->misread = 0;
    t->is_grouped = false;
    for (; *form; form++) {
        size_t n = 1;
        switch (*form) {
        case ' ':
            n = read_joint(s, i);
            t->is_grouped |= n > 0;
            break;
        case '#':
        case 'A':
        case '*':
            if (!read_one(s, *form, byte_at(s, i), t)) {
                return false;
            }
            break;
        default:
            if (byte_at(s, i) != (unsigned char)*form) {
                return false;
            }
            break;
        }
        i += n;
    }
    t->end = i;
    s->out->work += (uint64_t)t->n;
    return !(class_at(s, i) & IS_ALNUM) && !find_letter(s, i) && t->misread <= 3;
}

static bool is_dni(const struct id_text *t)
{
    return t->c[8] == (unsigned char)"TRWAGMYFPDXBNJZSQVHLCKE"[number_of(t->c, 8) % 23];
}

static bool is_nie(const struct id_text *t)
{
    unsigned v = number_of(t->c + 1, 7) + (unsigned)(t->c[0] - 'X') * 10000000u;
    return t->c[0] >= 'X' && t->c[0] <= 'Z' &&
           t->c[8] == (unsigned char)"TRWAGMYFPDXBNJZSQVHLCKE"[v % 23];
}

static bool is_nino(const struct id_text *t)
{
    static const char *const never[] = {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"};
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        if (memcmp(t->c, never[i], 2) == 0) {
            return false;
        }
    }
    return !strchr("DFIQUV", t->c[0]) && !strchr("DFIOQUV", t->c[1]) && t->c[8] <= 'D';
}

// As in the examples of the office, QQ123456C.
static bool is_nino_form(const struct id_text *t)
{
    return t->c[8] <= 'D';
}

// Letters L M N P Q R S T U V stand for digits where two people would have the same code.
static bool is_fiscale(const struct id_text *t)
{
    static const uint8_t odd[] = {1,  0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,  18,
                                  20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
    static const uint8_t places[] = {6, 7, 9, 10, 12, 13, 14};  // of digits
    unsigned sum = 0;
    for (int i = 0; i < 15; i++) {
        bool is_digit = t->c[i] <= '9';
        unsigned v = (unsigned)(is_digit ? t->c[i] - '0' : t->c[i] - 'A');
        sum += i % 2 == 0 ? odd[v] : v;
    }
    for (size_t i = 0; i < sizeof(places); i++) {
        unsigned char c = t->c[places[i]];
        if (c > '9' && !strchr("LMNPQRSTUV", c)) {
            return false;
        }
    }
    return strchr("ABCDEHLMPRST", t->c[8]) && t->c[15] == 'A' + sum % 26;
}

static bool is_hetu(const struct id_text *t)
{
    unsigned v = number_of(t->c, 6) * 1000 + number_of(t->c + 6, 3);
    unsigned day = number_of(t->c, 2), month = number_of(t->c + 2, 2);
    return day >= 1 && day <= 31 && month >= 1 && month <= 12 &&
           t->c[9] == (unsigned char)"0123456789ABCDEFHJKLMNPRSTUVWXY"[v % 31];
}

static bool is_cn(const struct id_text *t)
{
    static const uint8_t weights[] = {7, 9, 10, 5,  8, 4, 2, 1, 6,
                                      3, 7, 9,  10, 5, 8, 4, 2};
    unsigned sum = 0, century = number_of(t->c + 6, 2);
    for (int i = 0; i < 17; i++) {
        sum += weights[i] * (unsigned)(t->c[i] - '0');
    }
    return (century == 19 || century == 20) &&
           t->c[17] == (unsigned char)"10X98765432"[sum % 11];
}

static bool is_nric(const struct id_text *t)
{
    static const uint8_t weights[] = {2, 7, 6, 5, 4, 3, 2};
    unsigned sum = t->c[0] == 'T' || t->c[0] == 'G' ? 4 : t->c[0] == 'M' ? 3 : 0;
    for (int i = 0; i < 7; i++) {
        sum += weights[i] * (unsigned)(t->c[i + 1] - '0');
    }
    unsigned rest = sum % 11;
    const char *checks = strchr("ST", t->c[0])   ? "JZIHGFEDCBA"
                         : strchr("FG", t->c[0]) ? "XWUTRQPNMLK"
                         : t->c[0] == 'M'        ? "KLJNPQRTUWX"
                                                 : NULL;
    unsigned at = t->c[0] == 'M' ? 10 - rest : rest;
    return checks && t->c[8] == (unsigned char)checks[at];
}

static bool is_pan(const struct id_text *t)
{
    return strchr("ABCFGHLJPT", t->c[3]) != NULL;
}

static bool is_curp(const struct id_text *t)
{
    unsigned sum = 0;
    for (int i = 0; i < 17; i++) {
        unsigned c = t->c[i];
        unsigned v = c <= '9' ? c - '0' : c - 'A' + 10 + (c > 'N');
        sum += v * (unsigned)(18 - i);
    }
    return strchr("HMX", t->c[10]) && t->c[17] == '0' + (10 - sum % 10) % 10;
}

static bool is_rut(const struct id_text *t)
{
    unsigned v = number_of(t->c, 8), sum = 0;
    for (unsigned w = 2; v; v /= 10, w = w == 7 ? 2 : w + 1) {
        sum += v % 10 * w;
    }
    unsigned check = 11 - sum % 11;
    return t->c[8] == (check == 11 ? '0' : check == 10 ? 'K' : '0' + check);
}

static bool is_hkid(const struct id_text *t)
{
    unsigned sum = 36 * 9 + (unsigned)(t->c[0] - 'A' + 10) * 8;
    for (int i = 1; i < 7; i++) {
        sum += (unsigned)(t->c[i] - '0') * (unsigned)(8 - i);
    }
    unsigned check = (11 - sum % 11) % 11;
    return t->c[7] == (check == 10 ? 'A' : '0' + check);
}

static bool is_pps(const struct id_text *t)
{
    unsigned sum = 0;
    for (int i = 0; i < 7; i++) {
        sum += (unsigned)(t->c[i] - '0') * (unsigned)(8 - i);
    }
    sum += t->n > 8 ? 9 * (unsigned)(t->c[8] - 'A' + 1) : 0;
    return t->c[7] == (unsigned char)"WABCDEFGHIJKLMNOPQRSTUV"[sum % 23];
}

enum need { NEED_NOTHING, NEED_GROUPS, NEED_LABEL };

// How many digits, or what OCR takes for them, begin the text of a form; bit n for n.
#define LEAD(n) (1u << (n))

static const struct mixed_rule {
    const char *form;
    uint8_t letters;  // that it begins with
    uint32_t leads;
    enum need need;
    bool (*is_valid)(const struct id_text *t);
} rules[] = {
    {"######## A", 0, LEAD(8) | LEAD(9), NEED_NOTHING, is_dni},
    {"## ### ### A", 0, LEAD(2) | LEAD(8) | LEAD(9), NEED_NOTHING, is_dni},
    {"A ####### A", 1, LEAD(0), NEED_NOTHING, is_nie},
    {"AA ## ## ## A", 2, LEAD(0), NEED_GROUPS, is_nino},
    {"AA ## ## ## A", 2, LEAD(0), NEED_LABEL, is_nino_form},
    {"AAAAAA **A** A***A", 6, LEAD(0), NEED_NOTHING, is_fiscale},
    {"######-###*", 0, LEAD(6), NEED_NOTHING, is_hetu},
    {"######+###*", 0, LEAD(6), NEED_NOTHING, is_hetu},
    {"######A###*", 0, LEAD(6), NEED_LABEL, NULL},  // of people born in this century
    {"#################*", 0, LEAD(17) | LEAD(18), NEED_NOTHING, is_cn},
    {"A#######A", 1, LEAD(0), NEED_NOTHING, is_nric},
    {"AAAAA####A", 5, LEAD(0), NEED_LABEL, is_pan},
    {"AAAA######AAAAAA*#", 4, LEAD(0), NEED_NOTHING, is_curp},
    {"##.###.###-*", 0, LEAD(2), NEED_NOTHING, is_rut},
    {"A######(*)", 1, LEAD(0), NEED_NOTHING, is_hkid},
    {"#######A", 0, LEAD(7) | LEAD(8), NEED_LABEL, is_pps},
    {"#######AA", 0, LEAD(7) | LEAD(8) | LEAD(9), NEED_LABEL, is_pps},
};

// Of the first n bytes those that are digits, eight at once.
static int count_eight(const unsigned char *at, size_t n)
{
    uint64_t v = 0;
    memcpy(&v, at, n);
    v ^= 0x3030303030303030u;
    uint64_t above = (v & 0x7f7f7f7f7f7f7f7fu) + 0x7676767676767676u;  // ten and more
    uint64_t ones = ~(v | above) >> 7 & 0x0101010101010101u;
    return (int)(ones * 0x0101010101010101u >> 56);
}

// Digits in the twelve bytes at i.
static int count_digits(const struct scan *s, size_t i)
{
    if (s->len - i >= 12) {
        return count_eight(s->text + i, 8) + count_eight(s->text + i + 8, 4);
    }
    int n = 0;
    for (; i < s->len; i++) {
        n += class_at(s, i) & IS_DIGIT;
    }
    return n;
}

void find_mixed_id(struct scan *s, size_t i, size_t end)
{
    if (i < s->number_end || end - i > ID_MAX) {
        return;
    }
    unsigned char before = i > 0 ? s->text[i - 1] : 0;
    if ((before == '-' || before == '.' || before == '/') &&
        class_before(s, i - 1) & IS_ALNUM) {
        return;
    }
    if (count_digits(s, i) < 3) {
        return;
    }
    size_t lead = 0;
    while (class_at(s, i) & IS_DIGIT && lead < 20 && digit_at(s, i + lead) != NOT_DIGIT) {
        lead++;
    }
    size_t letters = 0;
    while (letters < 6 && class_at(s, i + letters) & IS_LETTER) {
        letters++;
    }
    bool is_labelled = find_near(s, LABEL_ID, i, NEAR);
    bool is_other = !is_labelled && find_on_line(s, LABEL_NUMBER, i, NEAR / 2);
    for (size_t k = 0; !is_other && k < sizeof(rules) / sizeof(rules[0]); k++) {
        const struct mixed_rule *r = &rules[k];
        struct id_text t;
        if (!(r->leads & LEAD(lead)) || letters < r->letters ||
            !read_form(s, i, r->form, &t) || (r->is_valid && !r->is_valid(&t))) {
            continue;
        }
        bool is_enough = r->need == NEED_NOTHING ||
                         (r->need == NEED_GROUPS && t.is_grouped) || is_labelled ||
                         find_follows(s, LABEL_ID, t.end);
        if (is_enough) {
            find_add(s, PRIVACY_NATIONAL_ID, i, t.end,
                     privacy_category_weight(PRIVACY_NATIONAL_ID));
            s->number_end = t.end;
            return;
        }
    }
}

void find_document(struct scan *s, size_t label_end)
{
    struct value v = find_value(s, label_end);
    int digits = 0;
    size_t i = v.begin;
    if (v.gap == GAP_NONE) {
        return;
    }
    for (; i < v.end && class_at(s, i) & (IS_DIGIT | IS_UPPER); i++) {
        digits += class_at(s, i) & IS_DIGIT;
    }
    size_t n = i - v.begin;
    bool is_usual = n >= 8 && n <= 11 && digits >= 1;
    bool is_number = i == v.end && (is_usual || (n >= 6 && n <= 14 && digits >= 3));
    if (is_number) {
        find_add(s, PRIVACY_NATIONAL_ID, v.begin, i,
                 privacy_category_weight(PRIVACY_NATIONAL_ID));
    }
}

// A line of a passport or card: 30, 36 or 44 characters, fillers among them.
void find_machine_zone(struct scan *s, size_t i)
{
    size_t begin = i, end = i;
    int fillers = 0;
    if (byte_at(s, i + 1) != '<' || (i > 0 && s->text[i - 1] == '<')) {
        return;
    }
    while (begin > s->from && i - begin < 44 &&
           (class_before(s, begin) & (IS_UPPER | IS_DIGIT) ||
            byte_at(s, begin - 1) == '<')) {
        begin--;
    }
    for (; end - begin < 46 &&
           (class_at(s, end) & (IS_UPPER | IS_DIGIT) || byte_at(s, end) == '<');
         end++) {
        fillers += byte_at(s, end) == '<';
    }
    s->out->work += end - begin;
    size_t n = end - begin;
    bool is_line = (n >= 29 && n <= 31) || (n >= 35 && n <= 37) || (n >= 43 && n <= 45);
    if (is_line && fillers >= 2 && fillers < 30) {
        find_add(s, PRIVACY_NATIONAL_ID, begin, end,
                 privacy_category_weight(PRIVACY_NATIONAL_ID));
    }
}
