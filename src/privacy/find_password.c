// find_password.c -- passwords beside their labels, in commands, and stored as hashes.
//
// The word "password" stands on every other screen; most of the work here is to see that
// nothing secret stands beside it: menus, rules for passwords, code, placeholders.
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

// What stands beside the label and is no password.
static const char *const plain_words[] = {
    "required", "optional",  "none",     "null",     "nil",       "true",      "false",
    "string",   "str",       "text",     "int",      "bool",      "bytes",     "char",
    "varchar",  "password",  "passwd",   "passwort", "hidden",    "masked",    "redacted",
    "empty",    "unset",     "disabled", "enabled",  "incorrect", "wrong",     "invalid",
    "weak",     "medium",    "strong",   "forgot",   "reset",     "change",    "changed",
    "show",     "hide",      "enter",    "type",     "confirm",   "new",       "old",
    "current",  "the",       "must",     "should",   "cannot",    "can",       "is",
    "not",      "and",       "or",       "your",     "a",         "an",        "for",
    "with",     "undefined", "yes",      "no",       "on",        "off",       "ok",
    "login",    "submit",    "cancel",   "save",     "username",  "user",      "email",
    "changeme", "example",   "value",    "secret",   "unknown",   "default",   "missing",
    "object",   "self",      "this",     "input",    "field",     "protected", "expired",
    "set",      "never",     "always",   "any",      "blank",     "missing",   NULL};

// Parts of a sentence about passwords.
static const char *const sentence_words[] = {
    "must", "should", "is",    "be",   "at",      "the",        "your", "a",
    "to",   "you",    "least", "has",  "contain", "characters", "for",  "and",
    "or",   "in",     "of",    "with", "not",     "muss",       "le",   NULL};

struct look {
    int lower, upper, digits, others, marks;
    size_t n;
};

static struct look look_at(const struct scan *s, size_t begin, size_t end)
{
    struct look l = {.n = end - begin};
    for (size_t i = begin; i < end; i++) {
        uint8_t k = class_at(s, i);
        l.lower += (k & (IS_LOWER | IS_HIGH)) != 0;
        l.upper += (k & IS_UPPER) != 0;
        l.digits += (k & IS_DIGIT) != 0;
        l.others += (k & (IS_ALNUM | IS_HIGH)) == 0;
        l.marks += strchr("*.xX-_#?", s->text[i]) != NULL || has_at(s, i, "•") ||
                   has_at(s, i, "●") || (k & IS_HIGH && s->text[i] < 0xc0);
    }
    s->out->work += l.n;
    return l;
}

// Not a word of a language: letters and digits, or signs, or capitals inside.
static bool is_strong(const struct scan *s, const struct value *v)
{
    struct look l = look_at(s, v->begin, v->end);
    bool has_letters = l.lower + l.upper > 0;
    bool has_inner_capital =
        l.lower > 0 && l.upper > (class_at(s, v->begin) & IS_UPPER ? 1 : 0);
    bool is_date = !has_letters && l.digits >= 4 && l.others >= 2 && l.n <= 10;
    if (l.n < 5 || is_date) {
        return false;
    }
    return (l.digits && (has_letters || l.others)) || (l.others && has_letters) ||
           has_inner_capital || l.digits >= 6;
}

// "your_password_here"
static bool names_itself(const struct scan *s, const struct value *v)
{
    static const char *const parts[] = {"your",      "password",   "passwort",
                                        "example",   "redacted",   "changeme",
                                        "change_me", "placeholder"};
    for (size_t i = v->begin; i + 4 <= v->end; i++) {
        if (!strchr("yYpPeErRcC", s->text[i])) {
            continue;
        }
        for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
            size_t n = strlen(parts[k]);
            if (i + n <= v->end && find_is_word(s, i, i + n, parts[k])) {
                return true;
            }
        }
    }
    s->out->work += 2 * (v->end - v->begin);
    return false;
}

// Dots, stars, <your password>, ${PASSWORD}, %s
static bool is_placeholder(const struct scan *s, const struct value *v)
{
    struct look l = look_at(s, v->begin, v->end);
    unsigned char first = s->text[v->begin], last = s->text[v->end - 1];
    bool is_reference = (first == '$' && strchr("{(A", byte_at(s, v->begin + 1))) ||
                        (first == '<' && !v->is_quoted) || has_at(s, v->begin, "{{") ||
                        first == '{' || first == '(' || (first == '%' && l.n <= 14) ||
                        first == '[' || (first == '&' && !v->is_quoted);
    bool is_environment =
        first == '$' && l.upper + l.digits + l.others == (int)l.n && l.n > 3;
    if (l.marks == (int)l.n || is_reference || is_environment ||
        (last == '(' && !v->is_quoted)) {
        return true;
    }
    return l.digits == 0 && names_itself(s, v);
}

// request.form["x"], getPassword(), process.env.X, std::string, user->name, oldPassword
static bool is_code(const struct scan *s, const struct value *v)
{
    size_t i = v->begin, end = v->end;
    if (v->is_quoted || !(class_at(s, i) & IS_LETTER || strchr("_*&@", byte_at(s, i)))) {
        return false;
    }
    for (i++; i < end && (class_at(s, i) & IS_ALNUM || byte_at(s, i) == '_');) {
        i++;
    }
    struct look l = look_at(s, v->begin, i);
    unsigned char c = byte_at(s, i), before = byte_at(s, v->begin - 1);
    bool is_call = c == '(' && memchr(s->text + i, ')', find_line_end(s, i) - i);
    bool is_member = ((c == '.' && class_at(s, i + 1) & IS_WORD) || has_at(s, i, "->") ||
                      has_at(s, i, "::") || c == '[') &&
                     l.digits == 0;
    bool is_choice = c == '|' && l.digits == 0;
    bool is_name = i == end && l.digits == 0 && (l.others > 0 || l.upper > 1) &&
                   v->sign == '=' && before == ' ' && byte_at(s, i) != '!';
    return is_call || is_member || is_choice || is_name;
}

// "must be 8 characters": the value begins a sentence.
static bool is_sentence(const struct scan *s, const struct value *v)
{
    size_t i = v->begin, line_end = find_line_end(s, i);
    for (int words = 0; words < 6 && i < line_end; words++) {
        size_t end = i;
        while (end < line_end && !find_blank(s, end)) {
            end++;
        }
        if (words > 0 && find_in_list(s, i, end, sentence_words)) {
            return true;
        }
        i = find_skip_blanks(s, end);
    }
    return false;
}

// The words of a pass phrase: three to eight in small letters to the end of the line.
static size_t phrase_end(const struct scan *s, const struct value *v)
{
    size_t i = v->begin, line_end = find_line_end(s, i), end = v->end;
    int words = 0;
    while (i < line_end) {
        size_t begin = i;
        while (class_at(s, i) & IS_LOWER) {
            i++;
        }
        bool is_word = i > begin + 1 && (i == line_end || find_blank(s, i));
        if (!is_word) {
            return v->end;
        }
        words++;
        end = i;
        i = find_skip_blanks(s, i);
    }
    return words >= 3 && words <= 8 ? end : v->end;
}

// A single word is a password only if nothing but the end follows it.
static bool stands_alone(const struct scan *s, size_t end)
{
    size_t at = find_skip_blanks(s, end);
    unsigned char c = byte_at(s, at);
    return at >= s->len || c == '\n' || c == '\r' || at >= end + 2 ||
           (c && strchr(",;|<}'\"", c));
}

static bool is_next_line_password(const struct scan *s, const struct value *v)
{
    size_t end = find_skip_blanks(s, v->end);
    unsigned char c = byte_at(s, end);
    bool is_whole_line = end >= s->len || c == '\n' || c == '\r';
    bool is_other = memchr(s->text + v->begin, '@', v->end - v->begin) != NULL ||
                    byte_at(s, v->end - 1) == ':' || byte_at(s, v->end) == ':';
    return is_whole_line && !is_other && v->end - v->begin >= 6 && is_strong(s, v);
}

static bool is_password(const struct scan *s, size_t label, const struct value *v)
{
    size_t n = v->end - v->begin;
    bool is_option = label >= 2 && has_at(s, label - 2, "--");
    bool is_verb =
        find_is_word(s, label, label + 4, "pass") && !find_letter(s, label + 4);
    bool is_path =
        find_is_word(s, label, label + 3, "pwd") && byte_at(s, v->begin) == '/';
    bool is_tuple = v->sign == '=' && !v->is_quoted && byte_at(s, v->begin - 1) == ' ' &&
                    label >= 2 && has_at(s, label - 2, ", ");
    if (n < 3 || is_path || is_tuple || (is_verb && v->gap != GAP_SIGN) ||
        is_placeholder(s, v) || is_code(s, v) ||
        find_in_list(s, v->begin, v->end, plain_words)) {
        return false;
    }
    switch (v->gap) {
    case GAP_SIGN:
        if (v->is_quoted) {
            return n >= 4;
        }
        return is_strong(s, v) ||
               (n >= 4 && !is_sentence(s, v) &&
                (stands_alone(s, v->end) || phrase_end(s, v) > v->end));
    case GAP_LINE: return is_next_line_password(s, v);
    case GAP_IS: return v->is_quoted || is_strong(s, v);
    case GAP_SPACE:
        if (is_option) {
            return s->text[v->begin] != '-' && n >= 4;
        }
        return n >= 6 && is_strong(s, v) && look_at(s, v->begin, v->end).digits > 0 &&
               look_at(s, v->begin, v->end).lower > 0 && byte_at(s, v->end) != '(';
    case GAP_NONE: return false;
    }
    return false;
}

void find_password(struct scan *s, size_t label, size_t label_end)
{
    size_t name_end = find_name_end(s, label_end);
    if (!name_end) {
        return;
    }
    struct value v = find_value(s, name_end);
    if (v.gap == GAP_NONE || v.begin >= v.end || !is_password(s, label, &v)) {
        return;
    }
    size_t end = v.gap == GAP_SIGN && !v.is_quoted ? phrase_end(s, &v) : v.end;
    find_add(s, PRIVACY_PASSWORD, v.begin, end,
             privacy_category_weight(PRIVACY_PASSWORD));
}

// A bare argument at i: up to a blank, quotes removed.
static void add_argument(struct scan *s, size_t i)
{
    size_t quote = find_quote(s, i);
    size_t end = i + quote, line_end = find_line_end(s, i);
    unsigned char close = quote ? s->text[i] : 0;
    while (end < line_end && (close ? s->text[end] != close : !find_blank(s, end))) {
        end++;
    }
    struct value v = {GAP_SIGN, i + quote, end, quote > 0, '='};
    if (end >= v.begin + 3 && !is_placeholder(s, &v) && s->text[v.begin] != '-') {
        find_add(s, PRIVACY_PASSWORD, v.begin, end,
                 privacy_category_weight(PRIVACY_PASSWORD));
    }
}

void find_command(struct scan *s, size_t label, size_t label_end)
{
    static const char *const by_user[] = {"curl", "wget", "smbclient", NULL};
    bool has_user = find_in_list(s, label, label_end, by_user);
    bool is_glued = byte_at(s, label) != 's' && byte_at(s, label) != 'd';
    size_t line_end = find_line_end(s, label_end);
    for (size_t i = label_end; i + 3 < line_end; i++) {
        if (!has_at(s, i, " -")) {
            continue;
        }
        unsigned char flag = byte_at(s, i + 2), next = byte_at(s, i + 3);
        if (has_user && (flag == 'u' || flag == 'U' || has_at(s, i, " --user "))) {
            size_t word = find_skip_blanks(s, i + (flag == '-' ? 8 : 3));
            size_t end = line_end;
            const unsigned char *sign = memchr(s->text + word, flag == 'U' ? '%' : ':',
                                               end > word ? end - word : 0);
            const unsigned char *stop =
                memchr(s->text + word, ' ', end > word ? end - word : 0);
            if (sign && (!stop || sign < stop)) {
                add_argument(s, (size_t)(sign - s->text) + 1);
            }
        } else if (!has_user && (flag == 'p' || flag == 'a' || flag == 'w')) {
            bool is_next = next == ' ';
            if (is_next != (is_glued && flag == 'p')) {
                add_argument(s, i + 3 + is_next);
            }
        }
    }
    s->out->work += line_end - label_end;
}

// $1$, $2b$, $5$, $6$, $y$, $argon2id$...: what crypt(3) makes of a password.
void find_crypt(struct scan *s, size_t dollar)
{
    static const char *const kinds[] = {"1$",    "2a$",       "2b$",     "2y$",
                                        "5$",    "6$",        "y$",      "7$",
                                        "apr1$", "argon2id$", "argon2i$"};
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        if (!has_at(s, dollar + 1, kinds[k])) {
            continue;
        }
        size_t end = dollar + 1 + strlen(kinds[k]);
        while (end - dollar < 128 &&
               (class_at(s, end) & IS_KEY ||
                (byte_at(s, end) && strchr("$.,", byte_at(s, end))))) {
            end++;
        }
        s->out->work += end - dollar;
        if (end - dollar >= 30) {
            find_add(s, PRIVACY_PASSWORD, dollar, end,
                     privacy_category_weight(PRIVACY_PASSWORD));
        }
        return;
    }
}
