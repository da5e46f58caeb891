// find_value.c -- where the value of a label is: "Password: x", PASSWORD="x", "the password
// for the site is x", <password>x</password>, or x on the next line.
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

enum { VALUE_MAX = 128 };

// Closes what the label itself opened: "password", [password], `password`, password*
static size_t skip_closing(const struct scan *s, size_t i)
{
    for (int k = 0; k < 3; k++) {
        size_t n = find_quote(s, i);
        unsigned char c = byte_at(s, i);
        n = n ? n : c && (c == ']' || c == '*');
        i += n;
    }
    return i;
}

// : = := => -> ＝ ： and arrows; == compares and is none.
static size_t read_sign(const struct scan *s, size_t i, unsigned char *sign)
{
    static const struct {
        const char *text;
        unsigned char sign;
    } signs[] = {{"=>", '='}, {":=", '='}, {"->", '='}, {"==", 0},  {"::", 0}, {"=", '='},
                 {":", ':'},  {"：", ':'}, {"＝", '='}, {"→", '='}, {"⇒", '='}};
    if (class_at(s, i) & IS_ALNUM) {
        return i;
    }
    for (size_t k = 0; k < sizeof(signs) / sizeof(signs[0]); k++) {
        if (has_at(s, i, signs[k].text)) {
            *sign = signs[k].sign;
            return signs[k].sign ? i + strlen(signs[k].text) : i;
        }
    }
    return i;
}

// "is", in the languages of the labels.
static size_t read_is(const struct scan *s, size_t i)
{
    static const char *const words[] = {"is", "was", "ist",  "lautet", "est",
                                        "es", "on",  "jest", "be",     "becomes",
                                        "zu", "now", NULL};
    static const char *const others[] = {"è", "é", "är", "er", "это", "は", "是", "为"};
    static const char *const before_to[] = {"set", "changed", "reset", "now", NULL};
    size_t end = find_word_end(s, i);
    if (end == i) {
        return has_at(s, i, "'s ") ? i + 2 : i;
    }
    if (find_in_list(s, i, end, words)) {
        return end;
    }
    if (find_in_list(s, i, end, before_to) && has_at(s, end, " to ")) {
        return end + 3;
    }
    for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++) {
        if (!has_at(s, i, others[k])) {
            continue;
        }
        size_t n = strlen(others[k]);
        bool is_dense = (unsigned char)others[k][0] >= 0xe3;
        if (is_dense || !find_letter(s, i + n)) {
            return i + n;
        }
    }
    return i;
}

// "for the wifi", "(root)": up to five words that say whose password it is, on the same line.
static size_t skip_owner(const struct scan *s, size_t i)
{
    static const char *const joints[] = {"for", "of",   "pour", "para", "per",
                                         "del", "de",   "to",   "von",  "til",
                                         "dla", "voor", NULL};
    size_t at = i, end;
    if (byte_at(s, at) == '(' && class_before(s, at) == 0) {
        size_t line_end = find_line_end(s, at);
        size_t limit = line_end - at > 32 ? at + 32 : line_end;
        const unsigned char *close = memchr(s->text + at, ')', limit - at);
        return close ? find_skip_blanks(s, (size_t)(close - s->text) + 1) : i;
    }
    end = find_word_end(s, at);
    bool is_joint = find_in_list(s, at, end, joints) || has_at(s, at, "für");
    for (int words = 0; is_joint && words < 6 && end > at; words++) {
        at = find_skip_blanks(s, end);
        unsigned char sign;
        if (read_sign(s, at, &sign) > at || read_is(s, at) > at) {
            return at;
        }
        for (end = at; class_at(s, end) & IS_WORD || byte_at(s, end) == '-'; end++) {
        }
    }
    return i;
}

static bool ends_value(const struct scan *s, size_t i, const struct value *v)
{
    unsigned char c = byte_at(s, i);
    if (i >= s->len || c < ' ' || c == 0x7f || find_blank(s, i)) {
        return true;
    }
    if (c == '&') {
        static const char *const entities[] = {"&quot;", "&lt;", "&gt;", "&#39;",
                                               "&nbsp;"};
        for (size_t k = 0; k < sizeof(entities) / sizeof(entities[0]); k++) {
            if (has_at(s, i, entities[k])) {
                return true;
            }
        }
    }
    if (c == '<') {
        return byte_at(s, i + 1) == '/' || class_at(s, i + 1) & IS_LETTER;
    }
    if (c == ',') {
        return find_quote(s, i + 1) || find_blank(s, i + 1) || class_at(s, i + 1) == 0;
    }
    return v->sign == '=' && (c == ';' || c == '&');
}

static void read_bare(const struct scan *s, size_t i, struct value *v)
{
    v->begin = v->end = i;
    while (!ends_value(s, v->end, v) && v->end - i < VALUE_MAX) {
        v->end++;
    }
    while (v->end > i && strchr(".,;:)]}\"'`", byte_at(s, v->end - 1))) {
        v->end--;
    }
}

static bool read_quoted(const struct scan *s, size_t i, struct value *v)
{
    size_t n = find_quote(s, i);
    if (n == 0) {
        return false;
    }
    unsigned char open = s->text[i];
    size_t at = i + n, line_end = find_line_end(s, at);
    line_end = line_end - at > VALUE_MAX ? at + VALUE_MAX : line_end;
    for (size_t k = at; k < line_end; k++) {
        if (s->text[k] == open && (open < 0x80 || find_quote(s, k))) {
            *v = (struct value){v->gap, at, k, true, v->sign};
            return k > at;
        }
    }
    return false;
}

// [i, ...) is where the value begins, blanks before it; the gap is known.
static void read_value(const struct scan *s, size_t i, struct value *v)
{
    size_t at = find_skip_blanks(s, i);
    // f"...", r'...', b"...": a letter of the language before the quote
    if (class_at(s, at) & IS_LETTER &&
        (byte_at(s, at + 1) == '"' || byte_at(s, at + 1) == '\'')) {
        at++;
    }
    if (!read_quoted(s, at, v)) {
        size_t n = find_quote(s, at);
        read_bare(s, at + n, v);
    }
    s->out->work += v->end > i ? v->end - i : 1;
    if (v->end <= v->begin) {
        v->gap = GAP_NONE;
    }
}

// The line goes on behind the label with nothing of weight.
static bool is_line_over(const struct scan *s, size_t i)
{
    unsigned char c = byte_at(s, find_skip_blanks(s, i));
    return c == '\n' || c == '\r';
}

struct value find_value(const struct scan *s, size_t label_end)
{
    struct value v = {.gap = GAP_NONE};
    size_t closed = skip_closing(s, label_end), at = find_skip_blanks(s, closed);
    if (byte_at(s, closed) == '>' && closed == label_end) {  // <password>x
        v.gap = GAP_SIGN;
        v.sign = ':';
        read_bare(s, closed + 1, &v);
        v.gap = v.end > v.begin && !strchr("@:/", s->text[v.begin]) ? GAP_SIGN : GAP_NONE;
        return v;
    }
    if (byte_at(s, label_end) == '(' &&
        find_quote(s, label_end + 1)) {  // setPassword("x")
        v.gap = GAP_IS;
        read_value(s, label_end + 1, &v);
        return v;
    }
    at = skip_owner(s, at);
    size_t after_is = at;
    for (int words = 0; words < 2; words++) {  // "was changed to"
        size_t word = read_is(s, after_is);
        after_is = word > after_is ? find_skip_blanks(s, word) : after_is;
    }
    size_t after = read_sign(s, after_is, &v.sign);
    if (byte_at(s, at) == '|' && after == at) {  // the next cell of a table
        v.gap = GAP_IS;
        after = at + 1;
    } else if (at > closed && find_dash(s, at) && find_blank(s, at + find_dash(s, at))) {
        v.gap = GAP_IS;  // Password - x
        after = at + find_dash(s, at);
    } else if (after > after_is) {
        v.gap = is_line_over(s, after) ? GAP_LINE : GAP_SIGN;
        after = v.gap == GAP_LINE ? find_skip_break(s, after) : after;
    } else if (after_is > at) {
        v.gap = is_line_over(s, after_is) ? GAP_LINE : GAP_IS;
        after = v.gap == GAP_LINE ? find_skip_break(s, after_is) : after_is;
    } else if (is_line_over(s, at)) {
        v.gap = GAP_LINE;
        after = find_skip_break(s, at);
    } else if (at > label_end) {
        v.gap = GAP_SPACE;
        after = at;
    } else {
        return v;
    }
    read_value(s, after, &v);
    return v;
}

size_t find_name_end(const struct scan *s, size_t label_end)
{
    static const char *const endings[] = {"prod",  "dev",   "test",   "staging", "live",
                                          "local", "main",  "root",   "admin",   "db",
                                          "base",  "value", "string", NULL};
    size_t i = label_end;
    while (class_at(s, i) & IS_DIGIT) {
        i++;
    }
    if (byte_at(s, i) != '_') {
        return class_at(s, i) & IS_WORD && byte_at(s, i) < 0x80 ? 0 : i;
    }
    size_t end = i + 1;
    while (class_at(s, end) & IS_ALNUM && end - i < 16) {
        end++;
    }
    return find_in_list(s, i + 1, end, endings) ? end : 0;
}
