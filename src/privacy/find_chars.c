// find_chars.c -- characters, blanks, lines and runs of a scanned text.
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

// Two bytes after a lead byte of three: U+2000..2FFF are 0xe2 0x80.. and so on.
static bool is_three(const struct scan *s, size_t i, unsigned char lead,
                     unsigned char mid)
{
    return byte_at(s, i) == lead && byte_at(s, i + 1) == mid && byte_at(s, i + 2) >= 0x80;
}

size_t find_high_blank(const struct scan *s, size_t i)
{
    if (byte_at(s, i) == 0xc2) {
        return byte_at(s, i + 1) == 0xa0 ? 2 : 0;  // U+00A0
    }
    unsigned char last = byte_at(s, i + 2);
    if (is_three(s, i, 0xe2, 0x80)) {
        return last <= 0x8b || last == 0xaf ? 3 : 0;  // U+2000..200B, U+202F
    }
    return is_three(s, i, 0xe3, 0x80) && last == 0x80 ? 3 : 0;  // U+3000
}

size_t find_high_dash(const struct scan *s, size_t i)
{
    unsigned char last = byte_at(s, i + 2);
    if (is_three(s, i, 0xe2, 0x80)) {
        return last >= 0x90 && last <= 0x95 ? 3 : 0;  // U+2010..2015
    }
    return is_three(s, i, 0xe2, 0x88) && last == 0x92 ? 3 : 0;  // U+2212
}

size_t find_quote(const struct scan *s, size_t i)
{
    unsigned char c = byte_at(s, i);
    if (c == '"' || c == '\'' || c == '`') {
        return 1;
    }
    if (c == '\\' && (byte_at(s, i + 1) == '"' || byte_at(s, i + 1) == '\'')) {
        return 2;
    }
    if (c == 0xc2) {
        return byte_at(s, i + 1) == 0xab || byte_at(s, i + 1) == 0xbb ? 2
                                                                      : 0;  // guillemets
    }
    unsigned char last = byte_at(s, i + 2);
    return is_three(s, i, 0xe2, 0x80) && last >= 0x98 && last <= 0x9f ? 3 : 0;
}

// Of characters beyond ASCII everything is a letter but: Latin-1 signs (U+0080..00BF),
// punctuation, arrows and symbols (U+2000..2BFF), CJK punctuation (U+3000..303F), full-width
// punctuation (U+FF00..FF20) and what takes four bytes, mostly emoji.
size_t find_high_letter(const struct scan *s, size_t i)
{
    unsigned char c = byte_at(s, i), next = byte_at(s, i + 1);
    if (c < 0xc3 || c >= 0xf0 || next < 0x80) {
        return 0;
    }
    if (c < 0xe0) {
        return 2;
    }
    bool is_sign = (c == 0xe2 && next < 0xb0) || (c == 0xe3 && next == 0x80) ||
                   (c == 0xef && next == 0xbc && byte_at(s, i + 2) < 0xa1);
    return is_sign || byte_at(s, i + 2) < 0x80 ? 0 : 3;
}

size_t find_skip_blanks(const struct scan *s, size_t i)
{
    size_t limit = i + LOOK_AHEAD;
    for (size_t n; i < limit && (n = find_blank(s, i)) > 0;) {
        i += n;
    }
    return i;
}

size_t find_skip_break(const struct scan *s, size_t i)
{
    i = find_skip_blanks(s, i);
    if (byte_at(s, i) == '\r') {
        i++;
    }
    if (byte_at(s, i) != '\n') {
        return i;
    }
    return find_skip_blanks(s, i + 1);
}

size_t find_line_end(const struct scan *s, size_t i)
{
    size_t n = s->len - i < LOOK_AHEAD ? s->len - i : LOOK_AHEAD;
    const unsigned char *end = n ? memchr(s->text + i, '\n', n) : NULL;
    s->out->work += n;
    return end ? (size_t)(end - s->text) : i + n;
}

bool find_is_break(const struct scan *s, size_t begin, size_t end)
{
    return begin < end && memchr(s->text + begin, '\n', end - begin) != NULL;
}

void find_key_run(struct scan *s, size_t i)
{
    if (i >= s->key_begin && i < s->key_end) {
        return;
    }
    size_t begin = i, end = i;
    size_t limit = i > LOOK_AHEAD ? i - LOOK_AHEAD : 0;
    while (begin > limit && begin > s->key_end && (class_before(s, begin) & IS_KEY)) {
        begin--;
    }
    while (class_at(s, end) & IS_KEY) {
        end++;
    }
    s->out->work += end - begin;
    s->key_begin = begin;
    s->key_end = end;
}

static unsigned char small(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

bool find_is_word(const struct scan *s, size_t begin, size_t end, const char *words)
{
    if (end > s->len || end - begin != strlen(words)) {
        return false;
    }
    for (; begin < end; begin++, words++) {
        if (small(s->text[begin]) != (unsigned char)*words) {
            return false;
        }
    }
    return true;
}

bool find_in_list(const struct scan *s, size_t begin, size_t end, const char *const *list)
{
    unsigned char first = begin < end ? small(byte_at(s, begin)) : 0;
    for (; *list; list++) {
        if ((unsigned char)**list == first && find_is_word(s, begin, end, *list)) {
            return true;
        }
    }
    return false;
}
