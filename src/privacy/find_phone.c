// find_phone.c -- telephone numbers.
//
// With a country code, or in the groups of North America, a number speaks for itself; any
// other needs a label beside it.
// Source: ITU-T E.164 (at most 15 digits), NANPA (area and exchange codes begin with 2..9).
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

enum { PHONE_DIGITS = 15 };

struct phone {
    unsigned char d[PHONE_DIGITS + 1];
    int n;
    size_t end;
    int groups;
    char sizes[8];   // of the groups, while they are few
    char joints[8];  // between them: one of " -./)"
    bool has_plus;
    bool has_bracket;
};

// What may stand between two groups; 0 if nothing does.
static size_t skip_joint(const struct scan *s, size_t i, char *joint)
{
    size_t end = i, n;
    *joint = 0;
    if (byte_at(s, end) == ')') {
        *joint = ')';
        end++;
    }
    if ((n = find_blank(s, end)) > 0 && byte_at(s, end) != '\t') {
        *joint = *joint ? *joint : ' ';
        end += n;
    }
    if ((n = find_dash(s, end)) > 0 && (end == i || *joint == ')')) {
        *joint = *joint ? *joint : '-';
        end += n;
    } else if ((byte_at(s, end) == '.' || byte_at(s, end) == '/') && end == i) {
        *joint = (char)s->text[end];
        end++;
    }
    if (byte_at(s, end) == '(') {
        *joint = *joint ? *joint : '(';
        end++;
    }
    return end - i;
}

static void close_group(struct phone *p, int size, char joint)
{
    if (p->groups < (int)sizeof(p->sizes)) {
        p->sizes[p->groups] = (char)('0' + size);
        p->joints[p->groups] = joint;
    }
    p->groups++;
}

static bool read_phone(const struct scan *s, size_t i, struct phone *p)
{
    *p = (struct phone){0};
    size_t begin = i;
    p->has_plus = byte_at(s, i) == '+';
    i += p->has_plus;
    p->has_bracket = byte_at(s, i) == '(';
    i += p->has_bracket;
    while (p->n <= PHONE_DIGITS) {
        int size = 0;
        for (; class_at(s, i) & IS_DIGIT && p->n <= PHONE_DIGITS; size++) {
            p->d[p->n++] = s->text[i++];
        }
        if (size == 0) {
            break;
        }
        char joint;
        p->end = i;
        size_t n = skip_joint(s, i, &joint);
        bool goes_on = n > 0 && class_at(s, i + n) & IS_DIGIT;
        close_group(p, size, goes_on ? joint : 0);
        if (!goes_on) {
            break;
        }
        i += n;
    }
    s->out->work += i - begin;
    uint8_t after = class_at(s, p->end);
    bool is_cut = after & IS_ALNUM || byte_at(s, p->end) == '_' || find_letter(s, p->end);
    return p->groups > 0 && p->n <= PHONE_DIGITS && !is_cut;
}

static bool has_sizes(const struct phone *p, int from, const char *sizes)
{
    int n = (int)strlen(sizes);
    return p->groups == from + n && p->groups <= (int)sizeof(p->sizes) &&
           memcmp(p->sizes + from, sizes, (size_t)n) == 0;
}

// NXX-NXX-XXXX with one kind of joint, or (NXX) NXX-XXXX, perhaps after a 1.
static bool is_american(const struct phone *p)
{
    int from = p->n == 11 && p->d[0] == '1' ? 1 : 0;
    if (!has_sizes(p, from, "334") || p->d[from] < '2' || p->d[from + 3] < '2') {
        return false;
    }
    char first = p->joints[from], second = p->joints[from + 1];
    return first == ')' || (first == second && (first == '-' || first == '.'));
}

// "2024-05-06" and its like; "52.520008", a fraction.
static bool is_date(const struct phone *p)
{
    bool is_fraction = p->groups == 2 && p->joints[0] == '.';
    bool is_years = has_sizes(p, 0, "44") && (p->d[0] == '1' || p->d[0] == '2') &&
                    (p->d[4] == '1' || p->d[4] == '2');
    return is_fraction || is_years || has_sizes(p, 0, "222") || has_sizes(p, 0, "422") ||
           has_sizes(p, 0, "224") || (p->groups > 3 && memcmp(p->sizes, "422", 3) == 0);
}

static bool is_international(const struct phone *p)
{
    if (p->has_plus) {
        return p->d[0] != '0' && p->n >= (p->groups > 1 ? 8 : 10);
    }
    return p->sizes[0] >= '2' && p->d[0] == '0' && p->d[1] == '0' && p->d[2] >= '1' &&
           p->groups >= 3 && p->n >= 11 && !p->has_bracket;
}

static bool is_labelled(const struct scan *s, size_t i, const struct phone *p)
{
    if (p->n < 6 || is_date(p) || !find_near(s, LABEL_PHONE, i, NEAR / 2)) {
        return false;
    }
    return p->n >= 9 || p->groups > 1 || i - s->label_end[LABEL_PHONE] <= 4;
}

void find_phone(struct scan *s, size_t i)
{
    struct phone p;
    unsigned char before = i > 0 ? s->text[i - 1] : 0;
    bool is_inside = class_before(s, i) & (IS_ALNUM | IS_HIGH) &&
                     !(before >= 0x80 && s->text[i] == '+');
    bool is_rest = (before == '.' || before == '-' || before == '/') &&
                   class_before(s, i - 1) & IS_ALNUM;
    if (i < s->number_end || is_inside || is_rest || before == '+' ||
        (before == '(' && class_at(s, i) & IS_DIGIT) || !read_phone(s, i, &p) ||
        p.n < 6) {
        return;
    }
    bool is_other = find_on_line(s, LABEL_NUMBER, i, NEAR / 2);
    bool is_row = !p.has_plus && find_follows_number(s, i);
    bool is_own = ((is_international(&p) && !is_row) || is_american(&p)) && !is_other;
    if (is_own || is_labelled(s, i, &p)) {
        find_add(s, PRIVACY_PHONE, i, p.end, privacy_category_weight(PRIVACY_PHONE));
        s->number_end = p.end;
    }
}
