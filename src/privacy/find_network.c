// find_network.c -- IP and hardware addresses.
//
// Versions and sections look like addresses too; what stands around decides.
// Source: RFC 4291 (text form of IPv6).
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

// Four numbers below 256 joined by dots; the end, or i.
static size_t read_v4(const struct scan *s, size_t i, unsigned *part)
{
    size_t at = i;
    for (int k = 0; k < 4; k++) {
        unsigned v = 0, digits = 0;
        for (; class_at(s, at) & IS_DIGIT && digits < 4; at++, digits++) {
            v = v * 10 + (s->text[at] - '0');
        }
        bool is_part = digits > 0 && digits < 4 && v < 256;
        if (!is_part || (k < 3 && byte_at(s, at) != '.')) {
            return i;
        }
        part[k] = v;
        at += k < 3;
    }
    return at;
}

// Around an address stands no more of a longer number, name or version.
static bool is_version_around(const struct scan *s, size_t begin, size_t end)
{
    unsigned char before = begin > 0 ? s->text[begin - 1] : 0, after = byte_at(s, end);
    bool in_name =
        before && strchr("-._~^", before) && class_before(s, begin - 1) & IS_ALNUM;
    bool in_product = before == '/' && class_before(s, begin - 1) & IS_LETTER;
    bool goes_on = ((after == '.' || after == '-') && class_at(s, end + 1) & IS_ALNUM) ||
                   (after == '-' && class_at(s, end + 1) & IS_LETTER) || after == '_' ||
                   (after == '+' && class_at(s, end + 1) & IS_ALNUM);
    bool is_compared = before == '=' && begin > 1 && strchr("=<>~^!", s->text[begin - 2]);
    return in_name || in_product || goes_on || is_compared || before == '~' ||
           before == '^' || find_on_line(s, LABEL_VERSION, begin, 12);
}

static bool is_nobody(const unsigned *p)
{
    return p[0] == 127 || p[0] == 0 || p[0] == 255;  // this machine, any, a mask
}

static void find_v4(struct scan *s, size_t i)
{
    unsigned p[4];
    size_t end = read_v4(s, i, p);
    s->out->work += 16;
    if (end == i || class_at(s, end) & IS_ALNUM || find_letter(s, end) || is_nobody(p) ||
        is_version_around(s, i, end)) {
        return;
    }
    bool is_small = p[0] < 20 && p[1] < 20 && p[2] < 20 && p[3] < 20;
    bool has_port = byte_at(s, end) == ':' && class_at(s, end + 1) & IS_DIGIT;
    bool has_mask = byte_at(s, end) == '/' && class_at(s, end + 1) & IS_DIGIT;
    bool is_host = i >= 3 && has_at(s, i - 3, "://");
    bool is_named = find_on_line(s, LABEL_IP, i, NEAR / 3) || has_port || has_mask ||
                    is_host || (i > 0 && s->text[i - 1] == '@') || p[0] == 10;
    if (!is_small || is_named) {
        find_add(s, PRIVACY_IP, i, end, privacy_category_weight(PRIVACY_IP));
        s->number_end = s->number_end > end ? s->number_end : end;
    }
}

struct v6 {
    int groups;  // with something in them
    int colons;
    bool has_gap;  // "::"
    bool has_digit;
    bool has_long;   // a group of more than two
    unsigned first;  // value of the first group
    size_t end;
};

static bool read_v6(const struct scan *s, size_t i, struct v6 *a)
{
    size_t at = i;
    *a = (struct v6){0};
    while (at - i < 48) {
        unsigned v = 0, digits = 0;
        for (; class_at(s, at) & IS_HEX && digits < 5; at++, digits++) {
            unsigned c = s->text[at];
            a->has_digit |= c <= '9';
            v = v * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        }
        if (digits > 4) {
            return false;
        }
        a->has_long |= digits > 2;
        a->first = a->groups == 0 && a->colons == 0 ? v : a->first;
        a->groups += digits > 0;
        a->end = at;
        if (byte_at(s, at) != ':') {
            break;
        }
        bool is_gap = byte_at(s, at + 1) == ':';
        if (is_gap ? a->has_gap : !(class_at(s, at + 1) & IS_HEX)) {
            break;  // a colon of the sentence
        }
        a->has_gap |= is_gap;
        a->colons += 1 + is_gap;
        at += 1 + is_gap;
        a->end = at;
    }
    s->out->work += at - i;
    return true;
}

static void find_v6(struct scan *s, size_t i)
{
    struct v6 a;
    if (!read_v6(s, i, &a) || class_at(s, a.end) & IS_WORD || a.groups > 8 ||
        !a.has_digit || (i > 0 && s->text[i - 1] == ':')) {
        return;
    }
    unsigned f = a.first;
    bool is_known = (f >= 0x2000 && f <= 0x3fff) || (f >= 0xfe80 && f <= 0xfebf) ||
                    (f >= 0xfc00 && f <= 0xfdff) || f >= 0xff00 || f == 0x64;
    bool is_whole = a.groups == 8 && !a.has_gap && a.has_long;
    if (is_whole ||
        (a.has_gap && a.groups >= 2 && a.groups < 8 && (is_known || a.groups >= 4))) {
        find_add(s, PRIVACY_IP, i, a.end, privacy_category_weight(PRIVACY_IP));
        s->number_end = a.end;
    }
}

static bool is_pair(const struct scan *s, size_t i)
{
    uint8_t a = digit_at(s, i), b = digit_at(s, i + 1);
    bool ok = (class_at(s, i) & IS_HEX || a != NOT_DIGIT) &&
              (class_at(s, i + 1) & IS_HEX || b != NOT_DIGIT);
    return ok && (class_at(s, i) & IS_HEX || class_at(s, i + 1) & IS_HEX);
}

// Six pairs with the same sign between them, and no seventh.
static void find_mac(struct scan *s, size_t i)
{
    unsigned char sign = byte_at(s, i + 2);
    size_t at = i;
    int ones = 0, zeros = 0;
    for (int k = 0; k < 6; k++, at += 3) {
        if (!is_pair(s, at) || (k < 5 && byte_at(s, at + 2) != sign)) {
            return;
        }
        ones += (s->text[at] | 0x20) == 'f' && (s->text[at + 1] | 0x20) == 'f';
        zeros += digit_at(s, at) == 0 && digit_at(s, at + 1) == 0;
    }
    size_t end = at - 1;
    bool goes_on = byte_at(s, end) == sign && class_at(s, end + 1) & IS_HEX;
    bool begins_before = i > 0 && s->text[i - 1] == sign;
    s->out->work += 17;
    if (class_at(s, end) & IS_WORD || goes_on || begins_before || ones == 6 ||
        zeros == 6) {
        return;
    }
    find_add(s, PRIVACY_MAC, i, end, privacy_category_weight(PRIVACY_MAC));
    s->number_end = end;
}

// Three groups of four with dots, as switches print it.
static void find_dotted_mac(struct scan *s, size_t i)
{
    bool has_letter = false;
    for (size_t k = 0; k < 14; k++) {
        bool is_dot = k == 4 || k == 9;
        if (is_dot ? byte_at(s, i + k) != '.' : !(class_at(s, i + k) & IS_HEX)) {
            return;
        }
        has_letter |= !is_dot && class_at(s, i + k) & IS_LETTER;
    }
    bool goes_on = class_at(s, i + 14) & IS_WORD ||
                   (byte_at(s, i + 14) == '.' && class_at(s, i + 15) & IS_ALNUM);
    if (has_letter && !goes_on && !(i > 0 && s->text[i - 1] == '.')) {
        find_add(s, PRIVACY_MAC, i, i + 14, privacy_category_weight(PRIVACY_MAC));
    }
}

void find_network(struct scan *s, size_t i, size_t end)
{
    size_t n = end - i;
    unsigned char next = byte_at(s, end);
    if (n == 0) {  // a colon: "::1" has no word before it
        if (byte_at(s, i + 1) == ':' && !(class_before(s, i) & (IS_WORD | IS_MARK))) {
            find_v6(s, i);
        }
        return;
    }
    if (n <= 3 && next == '.') {
        find_v4(s, i);
    } else if (n == 2 && (next == ':' || next == '-')) {
        find_mac(s, i);
    } else if (n == 4 && next == '.') {
        find_dotted_mac(s, i);
    }
    if (n <= 4 && next == ':' && i >= s->number_end) {
        find_v6(s, i);
    }
}
