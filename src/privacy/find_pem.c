// find_pem.c -- private keys in PEM, OpenSSH and PuTTY form; JSON web tokens.
//
// A key counts also when the screen's edge has cut its first or its last lines off.
// Source: RFC 7468, RFC 4716, RFC 7519; PuTTY's manual, appendix C.
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

enum { BLOCK_MAX = 16384, HEADER_MAX = 64, JWT_MAX = 8192 };

// The line [begin, *end) of text at i; "\n" in the text of a program ends a line, too.
static size_t line_end_at(const struct scan *s, size_t i, size_t *next)
{
    size_t n = s->len - i < BLOCK_MAX ? s->len - i : BLOCK_MAX;
    const unsigned char *stop = n ? memchr(s->text + i, '\n', n) : NULL;
    n = stop ? (size_t)(stop - s->text) - i : n;
    stop = n ? memchr(s->text + i, '\\', n) : NULL;
    size_t end = stop ? (size_t)(stop - s->text) : i + n;
    s->out->work += end - i + 1;
    *next = byte_at(s, end) == '\\' ? end + 2 : end + 1;
    *next = *next > s->len ? s->len : *next;
    return end;
}

// A line of base64, and not just a word.
static bool is_body(const struct scan *s, size_t begin, size_t end)
{
    const uint8_t *class = s->f->class;
    size_t n = 0;
    uint8_t kinds = 0, k;
    int blanks = 0;
    bool has_sign = false;
    for (size_t i = begin; i < end; i++) {
        unsigned char c = s->text[i];
        if ((k = class[c]) & IS_KEY) {
            kinds |= k;
            has_sign |= !(k & IS_WORD) && c != '-';
            n++;
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '|' || c == '"') {
            blanks += n > 0;
        } else {
            return false;
        }
    }
    bool is_mixed =
        kinds & IS_UPPER && kinds & IS_LOWER && (kinds & IS_DIGIT || has_sign);
    bool is_long = n >= 24 && kinds & IS_UPPER && kinds & IS_LOWER;
    return blanks <= 6 && n >= 4 && (is_mixed || is_long || (has_sign && n >= 40));
}

// "Proc-Type: 4,ENCRYPTED", or nothing.
static bool is_header(const struct scan *s, size_t begin, size_t end)
{
    static const char *const names[] = {"Proc-Type:", "DEK-Info:", "Comment:", "Version:",
                                        "Subject:",   "Hash:",     "Charset:"};
    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
        if (has_at(s, begin, names[k])) {
            return true;
        }
    }
    return find_skip_blanks(s, begin) >= end ||
           (end - begin == 1 && s->text[begin] == '\r');
}

// The words after BEGIN or END, up to the dashes; true: of a private key.
static bool is_private(const struct scan *s, size_t i, size_t *end)
{
    bool has_private = false, has_key = false;
    size_t limit = i + HEADER_MAX;
    while (i < limit && i < s->len && s->text[i] != '\n' && !find_dash(s, i)) {
        has_private |= has_at(s, i, "PRIVATE");
        has_key |= has_private && has_at(s, i, "KEY");
        i++;
    }
    for (size_t n;
         i < limit && ((n = find_dash(s, i)) > 0 || (n = find_blank(s, i)) > 0);) {
        i += n;
    }
    *end = i;
    return has_key;
}

// The first of the dashes before BEGIN, i itself if there are none.
static size_t back_over_dashes(const struct scan *s, size_t i)
{
    size_t at = i;
    bool has_dash = false;
    for (int k = 0; k < 16 && at > s->from; k++) {
        unsigned char c = s->text[at - 1];
        if (c != '-' && c != ' ' && c < 0x80) {
            break;
        }
        has_dash |= c != ' ';
        at--;
    }
    return has_dash ? at : i;
}

// From the line after BEGIN to the end of the block, with the END line if there is one.
static size_t read_block(struct scan *s, size_t i)
{
    size_t begin = i, last = i;
    for (size_t next = i; i < s->len && i - begin < BLOCK_MAX; i = next) {
        size_t end = line_end_at(s, i, &next);
        size_t at = i;
        while (at < end && (find_dash(s, at) || s->text[at] == ' ')) {
            at += find_dash(s, at) + (s->text[at] == ' ');
        }
        if (at > i && has_at(s, at, "END ")) {
            size_t stop;
            is_private(s, at + 4, &stop);
            return stop;
        }
        if (is_body(s, i, end)) {
            last = end;
        } else if (!is_header(s, i, end)) {
            break;
        }
    }
    return last;
}

static void add_key(struct scan *s, size_t begin, size_t end)
{
    find_add(s, PRIVACY_PRIVATE_KEY, begin, end,
             privacy_category_weight(PRIVACY_PRIVATE_KEY));
    s->block_end = end > s->block_end ? end : s->block_end;
    s->known_end = end;
}

// Back over the lines above an END line whose BEGIN is out of sight.
static size_t back_over_body(const struct scan *s, size_t i)
{
    size_t floor = s->block_end > s->from ? s->block_end : s->from, first = i;
    floor = i - floor > BLOCK_MAX ? i - BLOCK_MAX : floor;
    while (i > floor) {
        size_t end = i - 1, begin = end;  // without the newline
        while (begin > floor && s->text[begin - 1] != '\n') {
            begin--;
        }
        s->out->work += i - begin;
        if (!is_body(s, begin, end)) {
            break;
        }
        first = i = begin;
    }
    return first;
}

void find_pem(struct scan *s, enum label kind, size_t label, size_t label_end)
{
    size_t end, begin = back_over_dashes(s, label);
    bool is_big = class_at(s, label) & IS_UPPER && class_at(s, label + 1) & IS_UPPER;
    if (!is_big || label < s->block_end) {
        return;
    }
    bool is_key = is_private(s, label_end, &end);
    if (!is_key && begin == label) {
        return;
    }
    if (kind == LABEL_END) {
        size_t body = is_key && begin > s->from && s->text[begin - 1] == '\n'
                          ? back_over_body(s, begin)
                          : begin;
        if (body < begin) {
            add_key(s, body, end);
        }
        return;
    }
    size_t stop = end;
    unsigned char after = byte_at(s, end);
    if (after == '\\') {
        stop = read_block(s, end + 2 < s->len ? end + 2 : s->len);
    } else if (after == '\r' || after == '\n') {
        stop = read_block(s, find_skip_break(s, end));
    }
    stop = stop > end ? stop : end;
    if (is_key) {
        add_key(s, begin, stop);
    } else {
        s->block_end = stop;
    }
}

// The first line of a key without its BEGIN.
void find_pem_body(struct scan *s, size_t i)
{
    if (i < s->block_end || class_before(s, i) & IS_KEY) {
        return;
    }
    find_key_run(s, i);
    bool is_rsa = true;
    if (has_at(s, i, "MII")) {  // certificates and public keys begin so, too
        size_t stop = s->key_end - i > 40 ? i + 40 : s->key_end;
        is_rsa = false;
        for (size_t k = i; k + 5 <= stop && !is_rsa; k++) {
            is_rsa = has_at(s, k, "IBAAK") || has_at(s, k, "CAQAwD") ||
                     has_at(s, k, "ADANBg") || has_at(s, k, "AgEAMB") ||
                     has_at(s, k, "BgkqhkiG9w0BBQ");
        }
        is_rsa |= has_at(s, i, "MIGHAgEA") || has_at(s, i, "MIIBuwIBAA");
    }
    if (is_rsa && s->key_end - i >= 32) {
        unsigned char after = byte_at(s, s->key_end);
        bool is_line = after == 0 || strchr("\r\n\\\"", after);
        size_t stop = is_line ? read_block(s, i) : s->key_end;
        add_key(s, i, stop > s->key_end ? stop : s->key_end);
    }
}

void find_putty(struct scan *s, size_t label)
{
    if (label < s->block_end) {
        return;
    }
    size_t i = label, last = label;
    bool is_key = false;
    for (size_t next = i; i < s->len && i - label < BLOCK_MAX; i = next) {
        size_t end = line_end_at(s, i, &next);
        is_key |= has_at(s, i, "Private-Lines");
        last = end;
        if (has_at(s, i, "Private-MAC")) {
            break;
        }
    }
    if (is_key) {
        add_key(s, label, last);
    }
    s->block_end = last > s->block_end ? last : s->block_end;
}

static size_t url_run(const struct scan *s, size_t i)
{
    size_t end = i;
    while ((class_at(s, end) & IS_ALNUM || byte_at(s, end) == '-' ||
            byte_at(s, end) == '_') &&
           end - i < JWT_MAX) {
        end++;
    }
    s->out->work += end - i;
    return end;
}

// One part of a token, over broken lines.
static size_t read_part(const struct scan *s, size_t i)
{
    size_t end = url_run(s, i);
    for (int lines = 0; lines < 24 && end - i >= 10; lines++) {
        size_t next = byte_at(s, end) == '\n' || byte_at(s, end) == '\r'
                          ? find_skip_break(s, end)
                          : end;
        size_t stop = next > end ? url_run(s, next) : end;
        bool goes_on = stop - next >= 24 ||
                       (stop > next && byte_at(s, stop) == '.' && stop - next >= 10);
        if (stop == end || !goes_on) {
            break;
        }
        end = stop;
    }
    return end;
}

// Past a dot with stray blanks around; i if there is none.
static size_t skip_dot(const struct scan *s, size_t i)
{
    size_t at = i + find_blank(s, i);
    return byte_at(s, at) == '.' ? at + 1 + find_blank(s, at + 1) : i;
}

void find_jwt(struct scan *s, size_t i)
{
    if (i < s->block_end) {
        return;
    }
    size_t head = read_part(s, i), claims = skip_dot(s, head), end;
    if (head - i < 10 || claims == head) {
        return;
    }
    end = read_part(s, claims);
    if (end - claims < 10) {
        return;
    }
    bool has_claims = has_at(s, claims, "eyJ");
    size_t part = skip_dot(s, end), stop = part > end ? read_part(s, part) : end;
    bool is_signed = stop - part >= 10;
    if (has_claims || is_signed) {
        end = is_signed ? stop : end;
        for (size_t more;
             (more = skip_dot(s, end)) > end && read_part(s, more) - more >= 10;) {
            end = read_part(s, more);  // encrypted ones have five parts
        }
        find_add(s, PRIVACY_JWT, i, end, privacy_category_weight(PRIVACY_JWT));
        s->block_end = s->known_end = end;
    }
}
