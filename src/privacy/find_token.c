// find_token.c -- random strings: beside a label, in a header, or alone.
//
// Alone only what is clearly random counts: capitals, small letters and digits in quick
// change.  Hashes, identifiers, paths and public keys are what screens are full of.
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

enum { STRETCH = 128 };  // of a run that is judged

struct look {
    int n, lower, upper, digits, hex, slashes, signs;
    int changes;  // between two kinds of characters
    int longest;  // run of small letters
    int distinct;
    struct {
        int n, lower, upper;
    } part;  // the longest one between - _ . and /
};

static bool is_token_char(const struct scan *s, size_t i)
{
    return class_at(s, i) & IS_KEY || byte_at(s, i) == '.' || byte_at(s, i) == '~';
}

static void look_at_part(struct look *l, int n, int lower, int upper)
{
    if (n > l->part.n) {
        l->part.n = n;
        l->part.lower = lower;
        l->part.upper = upper;
    }
}

static struct look look_at(const struct scan *s, size_t begin, size_t end)
{
    struct look l = {0}, part = {0};  // of the whole, at the last sign
    uint32_t seen[8] = {0};
    uint8_t before = 0;
    int run = 0;
    end = end - begin > STRETCH ? begin + STRETCH : end;
    for (size_t i = begin; i < end; i++) {
        unsigned char c = s->text[i];
        uint8_t k = s->f->class[c], kind = k & IS_ALNUM;
        if (kind == 0 && c != '+') {
            look_at_part(&l, l.n - part.n, l.lower - part.lower, l.upper - part.upper);
            part = l;
            part.n++;
        }
        l.n++;
        l.lower += kind == IS_LOWER;
        l.upper += kind == IS_UPPER;
        l.digits += kind == IS_DIGIT;
        l.hex += (k & IS_HEX) != 0;
        l.slashes += c == '/';
        l.signs += kind == 0;
        l.changes += i > begin && kind != before;
        run = kind == IS_LOWER ? run + 1 : 0;
        l.longest = run > l.longest ? run : l.longest;
        l.distinct += !(seen[c >> 5] >> (c & 31) & 1);
        seen[c >> 5] |= 1u << (c & 31);
        before = kind;
    }
    look_at_part(&l, l.n - part.n, l.lower - part.lower, l.upper - part.upper);
    l.changes -= 2 * l.signs;  // there are two at each
    s->out->work += (uint64_t)l.n;
    return l;
}

static bool is_random(const struct look *l)
{
    bool has_digits = l->digits >= 2 && l->lower + l->upper >= 3 && l->longest <= 9;
    bool has_cases = l->upper >= 3 && l->lower >= 3 && l->changes * 3 >= l->n;
    bool is_hex = l->hex == l->n && l->digits * 8 >= l->n && l->digits * 8 <= l->n * 7;
    return l->distinct >= 8 && (has_digits || has_cases || is_hex) &&
           l->slashes * 12 <= l->n + 12;
}

static bool is_clearly_random(const struct look *l)
{
    bool is_one = l->part.n >= 10 && l->part.lower >= 2 && l->part.upper >= 2;
    return is_one && l->upper >= 3 && l->lower >= 3 && l->digits >= 1 &&
           l->longest <= 7 + l->n / 24 && l->changes * 5 >= l->n * 2 &&
           l->slashes * 24 <= l->n + 24 && l->distinct >= 12;
}

static bool is_uuid(const struct scan *s, size_t i, size_t end)
{
    return end - i == 36 && byte_at(s, i + 8) == '-' && byte_at(s, i + 13) == '-' &&
           byte_at(s, i + 18) == '-' && byte_at(s, i + 23) == '-';
}

// The run of characters at i, measured once, without full stops at its end.
static size_t token_end(struct scan *s, size_t i)
{
    if (i < s->token.begin || i >= s->token.run_end) {
        size_t end = i;
        while (is_token_char(s, end)) {
            end++;
        }
        s->out->work += 2 * (end - i);
        s->token.begin = i;
        s->token.run_end = end;
        while (end > i && (s->text[end - 1] == '.' || s->text[end - 1] == '-')) {
            end--;
        }
        s->token.end = end;
    }
    return s->token.end > i ? s->token.end : i;
}

// "abc...&password=x" may be in it: what stands before a sign may be a label.
static void add_token(struct scan *s, size_t begin, size_t end)
{
    find_add(s, PRIVACY_TOKEN, begin, end, privacy_category_weight(PRIVACY_TOKEN));
    const unsigned char *sign = memchr(s->text + begin, '=', end - begin);
    end = sign ? (size_t)(sign - s->text) : end;
    s->random_end = end > s->random_end ? end : s->random_end;
}

// Azure and AWS: the label says what it is.
static void find_service_key(struct scan *s, enum label kind, size_t begin, size_t end)
{
    struct look l = look_at(s, begin, end);
    bool is_key = kind == LABEL_AWS ? l.n >= 38 && l.n <= 42 : l.n >= 40 && l.n <= 120;
    if (is_key && l.upper >= 3 && l.lower >= 3 && l.distinct >= 12) {
        find_add(s, PRIVACY_API_KEY, begin, end,
                 privacy_category_weight(PRIVACY_API_KEY));
    }
}

void find_labelled_token(struct scan *s, enum label kind, size_t label, size_t label_end)
{
    static const char *const schemes[] = {"token", "bearer", "apikey", "key", NULL};
    size_t name_end = find_name_end(s, label_end);
    if (!name_end) {
        return;
    }
    struct value v = find_value(s, name_end);
    if (v.gap == GAP_NONE) {
        return;
    }
    size_t end = token_end(s, v.begin);
    if (v.gap == GAP_SIGN && find_in_list(s, v.begin, end, schemes)) {
        find_header(s, LABEL_BEARER, end);  // Authorization: Token x
        return;
    }
    if (end - v.begin < 16) {
        return;
    }
    if (kind == LABEL_AWS || kind == LABEL_ACCOUNT_KEY) {
        find_service_key(s, kind, v.begin, end);
        return;
    }
    struct look l = look_at(s, v.begin, end);
    bool is_option = label >= 2 && has_at(s, label - 2, "--");
    bool is_weak = kind == LABEL_KEY;
    bool is_hash = l.hex == l.n && (s->text[label] | 0x20) == 'k';  // "key: <hash>"
    bool is_loose = v.gap == GAP_SPACE && !is_option;
    if (l.n < (is_weak ? 20 : 16) || (is_weak && (is_hash || is_uuid(s, v.begin, end)))) {
        return;
    }
    if (is_loose || v.gap == GAP_LINE
            ? is_clearly_random(&l) || (!is_weak && is_random(&l))
            : is_random(&l)) {
        add_token(s, v.begin, end);
    }
}

// "user:password" in base64.
static bool is_basic(const struct scan *s, size_t i, size_t end)
{
    bool has_colon = false;
    uint32_t held = 0;
    int bits = 0;
    if ((end - i) % 4 != 0 || end - i < 8) {
        return false;
    }
    for (; i < end && s->text[i] != '='; i++) {
        unsigned c = s->text[i];
        uint8_t k = class_at(s, i);
        unsigned v = k & IS_UPPER   ? c - 'A'
                     : k & IS_LOWER ? c - 'a' + 26
                     : k & IS_DIGIT ? c - '0' + 52
                     : c == '+'     ? 62u
                                    : 63u;
        held = (held << 6 | v) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            unsigned byte = held >> bits & 0xff;
            has_colon |= byte == ':';
            if (byte < 0x20 || byte == 0x7f) {
                return false;
            }
        }
    }
    return has_colon;
}

void find_header(struct scan *s, enum label kind, size_t label_end)
{
    size_t begin = find_skip_blanks(s, label_end);
    if (begin == label_end) {
        return;
    }
    size_t end = token_end(s, begin);
    struct look l = look_at(s, begin, end);
    bool is_token = kind == LABEL_BASIC ? is_basic(s, begin, end)
                                        : l.n >= 12 && l.digits >= 2 && is_random(&l);
    if (is_token) {
        add_token(s, begin, end);
    }
}

// Public by nature: keys of SSH, hashes with their name, addresses of a block chain, names
// that a compiler made.
static bool is_public(const struct scan *s, size_t i, const struct look *l)
{
    static const char *const starts[] = {
        "AAAAB3NzaC1", "AAAAC3NzaC1", "AAAAE2VjZHNh", "sha",  "_Z",
        "_R",          "iVBOR",       "R0lGOD",       "/9j/", "MII"};
    for (size_t k = 0; k < sizeof(starts) / sizeof(starts[0]); k++) {
        if (has_at(s, i, starts[k])) {
            return true;
        }
    }
    bool is_address =
        (s->text[i] == '1' || s->text[i] == '3') && l->n <= 35 && l->signs == 0;
    return is_address || find_near(s, LABEL_PUBLIC, i, 16);
}

void find_telegram(struct scan *s, size_t i)
{
    size_t colon = i, end;
    while (class_at(s, colon) & IS_DIGIT && colon - i < 11) {
        colon++;
    }
    if (colon - i < 8 || colon - i > 10 || byte_at(s, colon) != ':') {
        return;
    }
    for (end = colon + 1; class_at(s, end) & (IS_ALNUM) || byte_at(s, end) == '-' ||
                          byte_at(s, end) == '_';
         end++) {
        if (end - colon > 36) {
            return;
        }
    }
    if (end - colon == 36 && byte_at(s, colon + 1) == 'A') {
        find_add(s, PRIVACY_API_KEY, i, end, privacy_category_weight(PRIVACY_API_KEY));
    }
}

// Three parts with dots, the first one an account's number in base64.
static void find_discord(struct scan *s, size_t i, size_t end)
{
    size_t n = end - i, second = end + 1, third;
    if (n < 23 || n > 28 || !strchr("MNO", s->text[i]) || byte_at(s, end) != '.') {
        return;
    }
    find_key_run(s, second);
    third = s->key_end + 1;
    bool is_second = s->key_begin == second && s->key_end - second == 6;
    if (!is_second || byte_at(s, s->key_end) != '.') {
        return;
    }
    find_key_run(s, third);
    size_t stop = s->key_end;
    if (s->key_begin == third && stop - third >= 25 && stop - third <= 40) {
        find_add(s, PRIVACY_API_KEY, i, stop, privacy_category_weight(PRIVACY_API_KEY));
    }
}

// Capitals, small letters and a digit: whatever is random has them.
static bool is_mixed(const struct scan *s, size_t begin, size_t end)
{
    uint8_t kinds = 0;
    end = end - begin > STRETCH ? begin + STRETCH : end;
    for (size_t i = begin; i < end; i++) {
        kinds |= s->f->class[s->text[i]];
        if ((kinds & IS_ALNUM) == IS_ALNUM) {
            return true;
        }
    }
    return false;
}

void find_bare_token(struct scan *s, size_t i)
{
    uint8_t before = class_before(s, i);
    unsigned char sign = i > 0 ? s->text[i - 1] : 0;
    if ((before & IS_KEY && sign != '=') || i < s->block_end) {
        return;
    }
    find_key_run(s, i);
    size_t end = s->key_end;
    for (size_t k = i; k < end && k - i < STRETCH; k++) {
        if (s->text[k] == '=' && class_at(s, k + 1) & IS_ALNUM) {
            end = k;  // NAME=value
        }
    }
    find_discord(s, i, end);
    if (end - i < 32 || end <= s->random_end || (sign && strchr("@#.", sign)) ||
        !is_mixed(s, i, end)) {
        return;
    }
    struct look l = look_at(s, i, end);
    if (is_clearly_random(&l) && !is_public(s, i, &l)) {
        add_token(s, i, end);
    }
}
