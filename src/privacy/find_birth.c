// find_birth.c -- a date beside a label that says it is one of birth.
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

// The first three letters of a month in the languages of the labels; where they are shared,
// once.
static const char *const months[] = {
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    "jän", "mär", "mai", "okt", "dez", "fév", "fev", "avr", "jui", "aoû", "aou", "déc",
    "ene", "abr", "ago", "dic", "gen", "mag", "giu", "lug", "set", "ott", "out", "maj",
    "mei", "maa", "sty", "lut", "kwi", "cze", "lip", "sie", "wrz", "paź", "lis", "gru",
    "янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек",
};

static bool is_month(const struct scan *s, size_t i, size_t end)
{
    const unsigned char first =
        class_at(s, i) & IS_UPPER ? s->text[i] | 0x20 : byte_at(s, i);
    for (size_t k = 0; k < sizeof(months) / sizeof(months[0]); k++) {
        if ((unsigned char)months[k][0] != first) {
            continue;
        }
        size_t n = strlen(months[k]);
        if (end - i >= n && (find_is_word(s, i, i + n, months[k]) ||
                             memcmp(s->text + i, months[k], n) == 0)) {
            return true;
        }
    }
    return false;
}

struct date {
    int numbers[3];
    int n;  // numbers read
    bool has_month;
    size_t end;
};

static size_t read_part(const struct scan *s, size_t i, struct date *d)
{
    int v = 0;
    size_t begin = i;
    for (; class_at(s, i) & IS_DIGIT && i - begin < 4; i++) {
        v = v * 10 + (s->text[i] - '0');
    }
    if (i > begin && d->n < 3) {
        d->numbers[d->n++] = v;
        return i;
    }
    size_t end = find_word_end(s, i);
    if (end > i && !d->has_month && is_month(s, i, end)) {
        d->has_month = true;
        return end;
    }
    return i;
}

// Between the parts: blanks, one of . / - , and small words and endings: "5th", "de".
static size_t skip_between(const struct scan *s, size_t i)
{
    static const char *const small[] = {"st", "nd", "rd", "th", "de", "of", "er", NULL};
    size_t end = i, n;
    for (int k = 0; k < 4; k++) {
        if ((n = find_blank(s, end)) > 0 || (n = find_dash(s, end)) > 0) {
            end += n;
        } else if (byte_at(s, end) && strchr("./,", byte_at(s, end))) {
            end++;
        }
        if (find_in_list(s, end, end + 2, small) && !find_letter(s, end + 2)) {
            end += 2;
        }
    }
    return end;
}

// CJK: 1985年3月12日
static size_t skip_unit(const struct scan *s, size_t i)
{
    bool is_unit = has_at(s, i, "年") || has_at(s, i, "月") || has_at(s, i, "日");
    return is_unit ? i + 3 : i;
}

static bool is_date(const struct date *d)
{
    int days = 0, years = 0;
    if (d->n + d->has_month != 3) {
        return false;
    }
    for (int i = 0; i < d->n; i++) {
        days += d->numbers[i] >= 1 && d->numbers[i] <= 31;
        years += d->numbers[i] >= 1890 && d->numbers[i] <= 2035;
    }
    bool has_short_year = years == 0 && d->n == 3 && days >= 2;
    bool has_year = years == 1 && days == d->n - 1;
    return has_year || has_short_year || (years == 0 && d->has_month && days >= 1);
}

void find_birth(struct scan *s, size_t label_end)
{
    size_t i = label_end;
    for (int k = 0; k < 12 && !(class_at(s, i) & IS_DIGIT); k++) {
        size_t end = find_word_end(s, i);
        if (end > i) {
            if (is_month(s, i, end)) {
                break;
            }
            i = end;
            continue;
        }
        i = byte_at(s, i) == '\n' ? find_skip_break(s, i) : i + 1;
    }
    struct date d = {.end = i};
    for (int parts = 0; parts < 3; parts++) {
        size_t end = read_part(s, i, &d);
        if (end == i) {
            break;
        }
        d.end = skip_unit(s, end);
        i = skip_between(s, d.end);
    }
    s->out->work += d.end - label_end;
    if (is_date(&d) && !(class_at(s, d.end) & IS_ALNUM) && d.end - label_end < NEAR * 2) {
        size_t begin = label_end;
        while (!(class_at(s, begin) & IS_DIGIT) &&
               !is_month(s, begin, find_word_end(s, begin))) {
            begin++;
        }
        find_add(s, PRIVACY_BIRTH, begin, d.end, privacy_category_weight(PRIVACY_BIRTH));
        s->number_end = d.end;
    }
}
