// find_loose.c -- what stands beside a label, though it was read badly.
//
// In a text from a picture a digit too many or a wrong one fails every check.  A label that
// says what the number is counts for more there: so many digits beside it are enough.
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

enum {
    GAP_MAX = 28,     // bytes between label and number: "number:", a line break
    JOINT_MAX = 8,    // bytes between groups of digits; a dash may have three
    SPREAD_MAX = 48,  // of a number
    SCRAP_MAX = 3,    // bytes of a piece that may be anything
    PIECES_MAX = 4,   // of a torn password
    PASSWORD_LEAST = 5,
    BASIC_LEAST = 12,
    REST_MAX = 12,     // bytes between a label and the end of its line
    BELOW_LEAST = 24,  // bytes of a token in the next line
    BELOW_DIGITS = 4,
    USER_MAX = 64  // bytes of a name or a password in an address
};

// Also letters that find_number does not take for digits.
static bool is_digit_like(const struct scan *s, size_t i)
{
    const unsigned char c = byte_at(s, i);
    return digit_at(s, i) != NOT_DIGIT || c == '@' || c == 'Q' || c == 'D';
}

static size_t skip_to_digit(const struct scan *s, size_t i)
{
    int breaks = 0;
    for (size_t at = i; at < s->len && at - i < GAP_MAX; at++) {
        breaks += s->text[at] == '\n';
        if (breaks > 1) {
            return s->len;
        }
        const bool begins = !(class_before(s, at) & IS_ALNUM);
        if (class_at(s, at) & IS_DIGIT ||
            (begins && is_digit_like(s, at) && class_at(s, at + 1) & IS_DIGIT)) {
            return at;
        }
    }
    return s->len;
}

static bool is_joint(const struct scan *s, size_t i)
{
    const unsigned char c = byte_at(s, i);
    return c == ' ' || c == '-' || c == '.' || c == '\n' || c >= 0x80;
}

static void find_digits(struct scan *s, enum privacy_category c, size_t label_end,
                        int least, int most)
{
    const size_t begin = skip_to_digit(s, label_end);
    size_t end = begin, at = begin;
    int digits = 0, breaks = 0;
    while (at < s->len && at - begin < SPREAD_MAX && breaks < 2) {
        size_t joint = at;
        while (joint < s->len && joint - at < JOINT_MAX && is_joint(s, joint)) {
            breaks += s->text[joint] == '\n';
            joint++;
        }
        size_t group = joint;
        bool has_digit = false;
        while (is_digit_like(s, group)) {
            has_digit |= class_at(s, group) & IS_DIGIT;
            group++;
        }
        if (!has_digit || class_at(s, group) & IS_ALNUM || breaks > 1) {
            break;
        }
        digits += (int)(group - joint);
        at = end = group;
    }
    s->out->work += SPREAD_MAX;
    if (digits >= least && digits <= most) {
        find_add(s, c, begin, end, privacy_category_weight(c));
    }
}

// Not a word: a digit, a sign or a capital inside.
static bool is_odd_piece(const struct scan *s, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        const uint8_t k = class_at(s, i);
        if (k & IS_DIGIT || !(k & (IS_ALNUM | IS_HIGH)) || (k & IS_UPPER && i > begin)) {
            return true;
        }
    }
    return false;
}

// "xf J*+5kh?czF": the value ends at a blank that was none.
static void find_torn_password(struct scan *s, size_t label_end)
{
    const size_t name_end = find_name_end(s, label_end);
    const struct value v = name_end ? find_value(s, name_end) : (struct value){0};
    const bool is_named =
        v.gap == GAP_SIGN || (v.gap == GAP_SPACE && is_odd_piece(s, v.begin, v.end));
    if (!is_named || v.is_quoted) {
        return;
    }
    const size_t line_end = find_line_end(s, v.end);
    size_t end = v.end, at = v.end;
    for (int i = 0; i < PIECES_MAX; i++) {
        const size_t next = at + 1;
        size_t stop = next;
        while (stop < line_end && s->text[stop] != ' ') {
            stop++;
        }
        if (byte_at(s, at) != ' ' || stop == next) {
            break;
        }
        const bool is_odd = is_odd_piece(s, next, stop);
        if (!is_odd && stop - next > SCRAP_MAX) {
            break;
        }
        at = stop;
        end = is_odd ? stop : end;
    }
    if (end > v.end && end - v.begin >= PASSWORD_LEAST) {
        find_add(s, PRIVACY_PASSWORD, v.begin, end,
                 privacy_category_weight(PRIVACY_PASSWORD));
    }
}

// "Authorization: Basic YWRta...", which decodes to nothing sensible any more.
static void find_basic(struct scan *s, size_t label_end)
{
    const size_t begin = find_skip_blanks(s, label_end);
    find_key_run(s, begin);
    const size_t end = begin < s->len ? s->key_end : begin;
    if (end >= begin + BASIC_LEAST && is_odd_piece(s, begin, end)) {
        find_add(s, PRIVACY_TOKEN, begin, end, privacy_category_weight(PRIVACY_TOKEN));
    }
}

// "-u admin: IfljVS2CWkf": the blank behind the colon was none.
static void find_user_option(struct scan *s, size_t label_end)
{
    const size_t line_end = find_line_end(s, label_end);
    for (size_t i = label_end; i + 4 < line_end; i++) {
        if (!has_at(s, i, " -u ")) {
            continue;
        }
        size_t name = i + 4;
        while (class_at(s, name) & IS_WORD) {
            name++;
        }
        size_t begin = name + 2, end = begin;
        while (end < line_end && s->text[end] != ' ') {
            end++;
        }
        if (has_at(s, name, ": ") && end >= begin + PASSWORD_LEAST &&
            is_odd_piece(s, begin, end)) {
            find_add(s, PRIVACY_PASSWORD, begin, end,
                     privacy_category_weight(PRIVACY_PASSWORD));
        }
        return;
    }
}

// "consumerSecret": 27 | / 478ef2de...: in a cell below, behind the end of the label's row.
static void find_below(struct scan *s, size_t label_end)
{
    const size_t line_end = find_line_end(s, label_end);
    size_t begin = find_skip_break(s, line_end);
    if (line_end - label_end > REST_MAX || begin == line_end) {
        return;
    }
    while (begin < s->len && strchr("\"'| ", s->text[begin])) {
        begin++;
    }
    find_key_run(s, begin);
    size_t end = begin < s->len && s->key_begin == begin ? s->key_end : begin;
    int digits = 0;
    for (size_t i = begin; i < end; i++) {
        digits += (class_at(s, i) & IS_DIGIT) != 0;
    }
    if (end - begin >= BELOW_LEAST && digits >= BELOW_DIGITS) {
        find_add(s, PRIVACY_TOKEN, begin, end, privacy_category_weight(PRIVACY_TOKEN));
    }
}

static void read_label(struct scan *s, enum label kind, size_t end)
{
    if (kind == LABEL_SSN) {
        find_digits(s, PRIVACY_SSN, end, 8, 10);
    } else if (kind == LABEL_CARD) {
        find_digits(s, PRIVACY_CARD, end, 12, 20);
    } else if (kind == LABEL_PIN || kind == LABEL_CODE) {
        find_digits(s, PRIVACY_PASSWORD, end, 4, 8);
    } else if (kind == LABEL_PASSWORD) {
        find_torn_password(s, end);
    } else if (kind == LABEL_COMMAND) {
        find_user_option(s, end);
    } else if (kind == LABEL_SECRET) {
        find_below(s, end);
    } else if (kind == LABEL_BASIC) {
        find_basic(s, end);
    }
}

// "//root:b4Drn!V8Gr®cluster": the @ behind the password was not read.  A number there is a
// port.
static void find_url_user(struct scan *s, size_t slashes)
{
    size_t i = slashes + 2, end;
    while (class_at(s, i) & IS_WORD && i - slashes < USER_MAX) {
        i++;
    }
    if (byte_at(s, i) != ':' || s->text[i - 1] == '/') {
        return;
    }
    bool is_port = true;
    for (end = ++i; end < s->len && end - i < USER_MAX; end++) {
        if (strchr(" \n\t/?\"'", s->text[end])) {
            break;
        }
        is_port &= is_digit_like(s, end);
    }
    if (!is_port && end - i >= PASSWORD_LEAST && !memchr("$<{[", s->text[i], 4)) {
        find_add(s, PRIVACY_PASSWORD, i, end, privacy_category_weight(PRIVACY_PASSWORD));
    }
}

void find_loose(struct scan *s)
{
    for (size_t i = 0; i < s->len && !s->is_over;) {
        const bool is_letter = s->f->class[s->text[i]] & (IS_LETTER | IS_HIGH);
        const size_t word_end = is_letter ? find_word_end(s, i) : i;
        if (word_end == i) {
            if (has_at(s, i, "//") && i > 0 && s->text[i - 1] == ':') {
                find_url_user(s, i);
            }
            i++;
            continue;
        }
        if (!(class_before(s, i) & IS_WORD) && may_be_key(s, i)) {
            find_key_loose(s, i);
        }
        size_t end = word_end;
        const enum label kind = may_be_label(s, i, word_end)
                                    ? find_label_at(s, i, word_end, &end)
                                    : LABEL_NONE;
        read_label(s, kind, end);
        i = kind != LABEL_NONE && end > word_end ? end : word_end;
    }
}
