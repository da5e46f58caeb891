// find_code.c -- PINs and one-time codes.
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

struct digits {
    size_t begin, end;
    int n;
    int groups;
};

// Digits at i, in one group or in two or three joined by a blank or dash.
static bool read_digits(const struct scan *s, size_t i, struct digits *d)
{
    *d = (struct digits){.begin = i, .end = i};
    while (d->groups < 3) {
        size_t end = i;
        while (class_at(s, end) & IS_DIGIT && end - i < 13) {
            end++;
        }
        size_t size = end - i;
        if (size == 0 || (d->groups > 0 && (size < 3 || class_at(s, end) & IS_ALNUM))) {
            break;
        }
        d->n += (int)size;
        d->end = end;
        d->groups++;
        size_t n = find_dash(s, end);
        n = n ? n : find_blank(s, end);
        if (n == 0 || size < 3 || size > 4) {
            break;
        }
        i = end + n;
    }
    uint8_t after = class_at(s, d->end);
    unsigned char c = byte_at(s, d->end);
    bool goes_on = after & IS_ALNUM || c == '_' || find_letter(s, d->end) ||
                   ((c == '.' || c == ',' || c == ':' || c == '/') &&
                    class_at(s, d->end + 1) & IS_DIGIT);
    s->out->work += d->end - d->begin;
    return d->groups > 0 && !goes_on;
}

// "G-123456", "X7K9-Q2": capitals and digits.
static bool read_mixed(const struct scan *s, const struct value *v)
{
    int digits = 0, capitals = 0;
    for (size_t i = v->begin; i < v->end; i++) {
        uint8_t k = class_at(s, i);
        digits += (k & IS_DIGIT) != 0;
        capitals += (k & IS_UPPER) != 0;
        if (!(k & (IS_DIGIT | IS_UPPER)) && s->text[i] != '-') {
            return false;
        }
    }
    return digits >= 2 && v->end - v->begin >= 5 && v->end - v->begin <= 24 &&
           digits + capitals >= 5;
}

// "... to sign in", "... to continue"
static bool is_for_login(const struct scan *s, size_t i)
{
    static const char *const words[] = {"to",  "as",  "um",     "zum",  "pour", "para",
                                        "per", "for", "within", "when", "om",   NULL};
    i = find_skip_blanks(s, i);
    return find_in_list(s, i, find_word_end(s, i), words);
}

static void add_code(struct scan *s, size_t begin, size_t end)
{
    find_add(s, PRIVACY_PASSWORD, begin, end, privacy_category_weight(PRIVACY_PASSWORD));
}

static void find_use(struct scan *s, size_t label_end)
{
    struct digits d;
    size_t i = find_skip_blanks(s, label_end);
    if (class_at(s, i) & IS_DIGIT && read_digits(s, i, &d) && d.n >= 4 && d.n <= 8 &&
        is_for_login(s, d.end)) {
        add_code(s, d.begin, d.end);
    }
}

// A pin of a circuit or of a plan has no four digits; "pin 2024" might be one, is none alone.
static bool is_pin(const struct scan *s, size_t label, const struct value *v,
                   const struct digits *d)
{
    bool is_number = d->n >= 3 && d->n <= 12 && d->groups == 1;
    bool is_big = class_at(s, label) & IS_UPPER || class_at(s, label) & IS_HIGH;
    return is_number && (v->gap != GAP_SPACE || (is_big && d->n >= 4));
}

// "passcode", "one-time password": words as well as numbers.
static bool is_pass(const struct scan *s, size_t label, size_t label_end)
{
    for (size_t i = label; i + 4 <= label_end; i++) {
        if (find_is_word(s, i, i + 4, "pass")) {
            return true;
        }
    }
    return false;
}

void find_code(struct scan *s, enum label kind, size_t label, size_t label_end)
{
    struct digits d;
    if (kind == LABEL_USE) {
        find_use(s, label_end);
        return;
    }
    if (class_at(s, label_end) & IS_WORD && !(class_at(s, label_end) & IS_HIGH)) {
        return;
    }
    struct value v = find_value(s, label_end);
    if (v.gap == GAP_NONE) {
        return;
    }
    bool is_digits = class_at(s, v.begin) & IS_DIGIT && read_digits(s, v.begin, &d);
    if (kind == LABEL_PIN) {
        if (is_digits && is_pin(s, label, &v, &d)) {
            add_code(s, d.begin, d.end);
        }
        return;
    }
    if (is_digits && d.n >= 4 && d.n <= 10) {
        add_code(s, d.begin, d.end);
    } else if (v.gap != GAP_SPACE && read_mixed(s, &v)) {
        add_code(s, v.begin, v.end);
    } else if (is_pass(s, label, label_end)) {
        find_password(s, label, label_end);
    }
}

void find_code_before(struct scan *s, size_t label, size_t label_end)
{
    static const char *const names[] = {"code",
                                        "codes",
                                        "otp",
                                        "pin",
                                        "passcode",
                                        "codice",
                                        "kode",
                                        "tan",
                                        "kod",
                                        "password",
                                        "token",
                                        "bestätigungscode",
                                        "sicherheitscode",
                                        "verificatiecode",
                                        NULL};
    size_t end = label, begin;
    while (end > s->from && label - end < 4 && !(class_before(s, end) & IS_DIGIT)) {
        end--;
    }
    begin = end;
    while (begin > s->from && end - begin < 12 &&
           (class_before(s, begin) & IS_DIGIT ||
            ((byte_at(s, begin - 1) == ' ' || byte_at(s, begin - 1) == '-') &&
             class_before(s, begin - 1) & IS_DIGIT))) {
        begin--;
    }
    struct digits d;
    bool is_code = begin < end && !(class_before(s, begin) & IS_ALNUM) &&
                   read_digits(s, begin, &d) && d.end == end && d.n >= 4 && d.n <= 8;
    size_t line_end = find_line_end(s, label_end);
    line_end = line_end > label_end + NEAR ? label_end + NEAR : line_end;
    for (size_t i = label_end - 4; is_code && i < line_end;) {
        size_t word_end = i;
        while (class_at(s, word_end) & IS_WORD) {
            word_end++;
        }
        bool is_name = find_in_list(s, i, word_end, names) || has_at(s, i, "código") ||
                       has_at(s, i, "Bestätigungscode");
        if (is_name) {
            add_code(s, d.begin, d.end);
            return;
        }
        i = word_end > i ? word_end : i + 1;
    }
}
