// find_read.c -- secrets in a text that was read from a picture.
//
// Text recognition tears long random strings at every second digit, loses letters' cases, and
// puts brackets where it saw a j.  So the text is mended first: pieces that look random are
// put together again, over a window's edge, too, and stray signs in them made letters.  The
// mended text is scanned like any other; what is found there is said of the bytes it was
// made from.  The text as it was read is scanned as well.
//
// A string that is random enough counts without a known beginning, as that may be misread:
// an exact rule would ask too much, and what is painted over in vain costs little.
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

#include <assert.h>
#include <stdlib.h>

enum {
    LEAST_RANDOM = 6,  // bytes of a piece that says that a group is one string
    LEAST_GROUP = 16,  // bytes of a group that is put together
    LEAST_TOKEN = 20,
    LEAST_CAPITALS = 28,
    LEAST_LONG = 48,
    LEAST_PADDED = 16,    // with = at the end
    LEAST_SCRAPPED = 12,  // random bytes before a scrap
    SCRAP_BYTES = 5,
    REST_BYTES = 12,  // a line that is nothing but the rest of the one before
    LOOK_BACK = 60,   // for words that say it is public
    MOST_LOOKED_AT = 256,
    MOST_PIECES = 32,  // of a group; a longer line is several
};

// A word of the text.
enum piece_kind {
    PIECE_PLAIN,  // of a language, or signs
    PIECE_WEAK,   // short, a number, an acronym: part of a string if its neighbours are
    PIECE_RANDOM
};

struct piece {
    size_t begin, end;
    enum piece_kind kind;
    bool is_last;  // on its line
};

// What a piece, or a string, is made of.
struct mixture {
    int n, lower, upper, digits, hex, odd;
    int changes;  // of kind, from one letter or digit to the next
    int longest;  // run of small letters
};

struct mender {
    const struct scan *s;
    char *text;     // owned
    uint32_t *map;  // owned: where each byte was
    size_t len;
};

// ---- letters

// A letter that text recognition takes for such a sign, 0 if none; n: its bytes.
static char letter_for(const struct scan *s, size_t i, size_t *n)
{
    static const struct {
        const char *sign;
        char letter;
    } signs[] = {{"|", 'l'}, {"!", 'l'}, {")", 'J'}, {"]", 'J'}, {"(", 'C'},
                 {"[", 'I'}, {"@", '0'}, {"¢", 'c'}, {"€", 'E'}, {"é", 'e'},
                 {"®", '0'}, {"©", 'C'}, {"°", '0'}, {"£", 'E'}, {"¥", 'Y'}};
    for (size_t k = 0; k < sizeof(signs) / sizeof(signs[0]); k++) {
        if (has_at(s, i, signs[k].sign)) {
            *n = strlen(signs[k].sign);
            return signs[k].letter;
        }
    }
    return 0;
}

static bool is_separator(unsigned char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static void count_kind(struct mixture *m, uint8_t kind, uint8_t *before, int *run)
{
    m->n++;
    m->lower += kind == IS_LOWER;
    m->upper += kind == IS_UPPER;
    m->digits += kind == IS_DIGIT;
    m->changes += *before && kind != *before;
    *run = kind == IS_LOWER ? *run + 1 : 0;
    m->longest = *run > m->longest ? *run : m->longest;
    *before = kind;
}

static struct mixture mix_of(const struct scan *s, size_t begin, size_t end)
{
    struct mixture m = {0};
    uint8_t before = 0;
    int run = 0;
    end = end - begin > MOST_LOOKED_AT ? begin + MOST_LOOKED_AT : end;
    for (size_t i = begin; i < end; i++) {
        const uint8_t kind = class_at(s, i) & IS_ALNUM;
        const unsigned char c = s->text[i];
        if (kind) {
            count_kind(&m, kind, &before, &run);
            m.hex += (class_at(s, i) & IS_HEX) != 0;
        } else if (!(class_at(s, i) & IS_KEY) && c != '.') {
            m.odd += (c & 0xc0) != 0x80;  // characters, not bytes
        }
    }
    s->out->work += end - begin;
    return m;
}

// ---- pieces

static enum piece_kind kind_of(const struct scan *s, size_t begin, size_t end)
{
    const struct mixture m = mix_of(s, begin, end);
    // A capital at the beginning is no change of a word.
    const bool is_capital =
        class_at(s, begin) & IS_UPPER && class_at(s, begin + 1) & IS_LOWER;
    const int changes = m.changes - is_capital;
    if (m.n == 0) {
        return end - begin == 1 && class_at(s, begin) & IS_KEY ? PIECE_WEAK : PIECE_PLAIN;
    }
    // The name before a public key is no part of it.
    if (m.odd * 3 > m.n + 6 || has_at(s, begin, "ssh-") || has_at(s, begin, "sha")) {
        return PIECE_PLAIN;
    }
    if (m.n >= LEAST_RANDOM && ((m.digits && changes >= 2) || changes >= 3)) {
        return PIECE_RANDOM;
    }
    const bool is_word = m.digits == 0 && m.upper <= 1 && m.n >= 4 && m.hex < m.n;
    const bool is_small = m.lower == m.n && m.hex < m.n && !has_at(s, begin, "ey");
    const bool is_name = memchr(s->text + begin, '_', end - begin) != NULL;
    return (is_word || is_small) && !is_name ? PIECE_PLAIN : PIECE_WEAK;
}

static bool next_piece(const struct scan *s, size_t i, struct piece *out)
{
    while (i < s->len && is_separator(s->text[i])) {
        i++;
    }
    if (i == s->len) {
        return false;
    }
    out->begin = i;
    while (i < s->len && !is_separator(s->text[i])) {
        i++;
    }
    out->end = i;
    while (i < s->len &&
           (s->text[i] == ' ' || s->text[i] == '\t' || s->text[i] == '\r')) {
        i++;
    }
    out->is_last = i == s->len || s->text[i] == '\n';
    out->kind = kind_of(s, out->begin, out->end);
    return true;
}

// ---- mending

static void put(struct mender *m, char c, size_t from)
{
    m->text[m->len] = c;
    m->map[m->len++] = (uint32_t)from;
}

// With letters for the signs between its letters.
static void put_mended(struct mender *m, const struct piece *p)
{
    const struct scan *s = m->s;
    for (size_t i = p->begin, n = 1; i < p->end; i += n) {
        const bool is_inside =
            i == p->begin ? s->text[i] >= 0x40 : class_before(s, i) & IS_KEY;
        const char letter = is_inside ? letter_for(s, i, &n) : 0;
        if (letter && i + n < p->end && class_at(s, i + n) & IS_KEY) {
            put(m, letter, i);
            continue;
        }
        n = 1;
        put(m, (char)s->text[i], i);
    }
}

// "219-@9-9999": between digits it was one; "Qeq|jo": between letters an l.
static void put_plain(struct mender *m, const struct piece *p)
{
    const struct scan *s = m->s;
    const struct mixture mix = mix_of(s, p->begin, p->end);
    const bool is_number = mix.digits > 0 && mix.digits == mix.n;
    for (size_t i = p->begin; i < p->end; i++) {
        char c = (char)s->text[i];
        const bool is_inside = i > p->begin && class_before(s, i) & IS_LETTER &&
                               i + 1 < p->end && class_at(s, i + 1) & IS_LETTER;
        c = c == '@' && is_number ? '0' : c == '|' && is_inside ? 'l' : c;
        put(m, c, i);
    }
}

// A number with dashes or full stops between its groups.
static bool is_grouped_number(const struct scan *s, const struct piece *p)
{
    bool has_joint = false;
    for (size_t i = p->begin; i < p->end; i++) {
        const unsigned char c = s->text[i];
        const bool is_joint = c == '-' || c == '.';
        has_joint |= is_joint;
        if (!is_joint && !(class_at(s, i) & IS_DIGIT) && c != '@') {
            return false;
        }
    }
    return has_joint;
}

// Returns where to go on.  "6493-1 734-2127-1855": no blank is in a number with dashes.
static size_t put_number(struct mender *m, const struct piece *first)
{
    struct piece p = *first, next;
    const bool is_grouped = is_grouped_number(m->s, &p);
    put_plain(m, &p);
    while (is_grouped && !p.is_last && next_piece(m->s, p.end, &next) &&
           next.begin == p.end + 1 && is_grouped_number(m->s, &next)) {
        p = next;
        put_plain(m, &p);
    }
    return p.end;
}

// Pieces that follow each other, from the first that is not plain on.
struct group {
    struct piece first, last;
    size_t bytes, random_bytes;
    int pieces;
};

// A scrap that looks like a word, between two pieces that look random.
static bool is_scrap(const struct scan *s, const struct group *g, const struct piece *p)
{
    struct piece next;
    const size_t n = p->end - p->begin;
    const size_t least = n <= 2 ? LEAST_RANDOM : LEAST_SCRAPPED;
    return g->random_bytes >= least && n <= SCRAP_BYTES && !p->is_last &&
           next_piece(s, p->end, &next) && next.kind == PIECE_RANDOM;
}

static void measure_group(const struct scan *s, const struct piece *first,
                          struct group *out)
{
    struct piece p = *first;
    *out = (struct group){.first = *first, .last = *first};
    do {
        const size_t n = p.end - p.begin;
        out->bytes += n;
        out->random_bytes += p.kind == PIECE_RANDOM ? n : 0;
        out->pieces++;
        out->last = p;
    } while (out->pieces < MOST_PIECES && !p.is_last && next_piece(s, p.end, &p) &&
             (p.kind != PIECE_PLAIN || is_scrap(s, out, &p)));
}

static bool is_one_string(const struct group *g)
{
    return g->bytes >= LEAST_GROUP && 3 * g->random_bytes >= g->bytes;
}

static bool is_rest_of_line(const struct scan *s, const struct group *g)
{
    return g->last.is_last && g->bytes <= REST_BYTES && g->first.begin > 0 &&
           s->text[g->first.begin - 1] == '\n';
}

static void put_group(struct mender *m, const struct group *g)
{
    struct piece p = g->first;
    for (int i = 0; i < g->pieces; i++) {
        if (i) {
            next_piece(m->s, p.end, &p);
        }
        put_mended(m, &p);
    }
}

// From one piece on; returns where to go on.  A string that fills its line goes on in the
// next one, or in one a paragraph below.
static size_t mend_from(struct mender *m, const struct piece *first)
{
    struct group g;
    measure_group(m->s, first, &g);
    if (!is_one_string(&g)) {
        return put_number(m, first);
    }
    for (;;) {
        struct piece next;
        struct group rest;
        put_group(m, &g);
        if (!g.last.is_last || !next_piece(m->s, g.last.end, &next) ||
            next.kind == PIECE_PLAIN) {
            return g.last.end;
        }
        measure_group(m->s, &next, &rest);
        if (3 * rest.random_bytes < rest.bytes && !is_rest_of_line(m->s, &rest)) {
            return g.last.end;
        }
        g = rest;
    }
}

// Without empty lines: a label and its value may be paragraphs to who reads a picture.
static void mend(struct mender *m)
{
    struct piece p;
    size_t i = 0;
    while (next_piece(m->s, i, &p)) {
        for (; i < p.begin; i++) {
            const char c = (char)m->s->text[i];
            if (c != '\n' || m->len == 0 || m->text[m->len - 1] != '\n') {
                put(m, c, i);
            }
        }
        if (p.kind == PIECE_PLAIN) {
            put_plain(m, &p);
            i = p.end;
        } else {
            i = mend_from(m, &p);
        }
    }
}

// ---- strings that are random enough

// Capitals and small letters in quick change; or capitals and digits, as of some services; or
// so long and with so many digits as only a key is (a hash is of hexadecimal digits only).
static bool is_random(const struct mixture *m)
{
    const bool is_mixed = m->n >= LEAST_TOKEN && m->upper >= 3 && m->lower >= 3 &&
                          m->digits >= 1 && m->changes * 10 >= m->n * 3;
    const bool is_capitals = m->n >= LEAST_CAPITALS && m->lower == 0 && m->upper >= 8 &&
                             m->digits >= 4 && m->hex < m->n;
    const bool is_long = m->n >= LEAST_LONG && m->digits >= 8 &&
                         m->upper + m->lower >= 6 && m->hex < m->n &&
                         m->changes * 10 >= m->n;
    const bool has_run =
        m->longest > 9 + m->n / 32 && (m->digits < 3 || m->longest > 9 + m->n / 8);
    return (is_mixed || is_capitals || is_long) && !has_run;
}

// "YWRtaW46Y1JaMTdjdWk=" ends as only base64 does.
static bool is_padded(const struct scan *s, const struct piece *p,
                      const struct mixture *m)
{
    return byte_at(s, p->end - 1) == '=' && m->n >= LEAST_PADDED && m->upper >= 3 &&
           m->lower >= 3 && m->digits >= 1 && m->changes * 10 >= m->n * 3 &&
           m->longest <= 9;
}

// Behind the label in the same word: TOKEN="x, {"token":"x, user:x
static size_t behind_label(const struct scan *s, size_t begin, size_t end)
{
    size_t at = begin;
    for (size_t i = begin; i + LEAST_TOKEN < end && i - begin < LOOK_BACK; i++) {
        at = memchr("=:\"'(>", s->text[i], 6) ? i + 1 : at;
    }
    return at;
}

// Words on this line or the one before that say that everybody may see it.
static bool is_public(const struct scan *s, size_t begin)
{
    static const char *const words[] = {
        "sha1",     "sha2",        "sha3",    "sha5",   "SHA",    "md5",         "AAAAB3",
        "AAAAC3",   "AAAAE2",      "ssh-rsa", "ssh-ed", "ssh-ds", "integrity",   "base64",
        "checksum", "fingerprint", "PUBLIC",  "_ZN",    "UUID",   "CERTIFICATE", "iVBOR"};
    const size_t from = begin > LOOK_BACK ? begin - LOOK_BACK : 0;
    s->out->work += LOOK_BACK;
    for (size_t i = from; i <= begin; i++) {
        for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
            if (has_at(s, i, words[k])) {
                return true;
            }
        }
    }
    return false;
}

// Four of five letters are enough: the others are misread.
static bool is_like(const struct scan *s, size_t i, const char *text)
{
    const size_t n = strlen(text);
    size_t same = 0;
    for (size_t k = 0; k < n; k++) {
        same += (byte_at(s, i + k) | 0x20) == ((unsigned char)text[k] | 0x20);
    }
    s->out->work += n;
    return same * 5 >= n * 4;
}

// In base64, the DER of version and algorithm of an Ed25519, PKCS #8, EC and RSA key
// (RFC 8410, RFC 5958, RFC 5915, RFC 8017), and "openssh-key-v1".
static bool begins_private_key(const struct scan *s, size_t i)
{
    static const char *const begins[] = {
        "MC4CAQAwBQYDK2Vw",     "MIGHAgEAMBMGByqGSM49",         "MHcCAQEE",
        "b3BlbnNzaC1rZXktdjEA", "MIIEvQIBADANBgkqhkiG9w0BAQEF", "MIIEpAIBAAKCAQ",
        "MIIEowIBAAKCAQ"};
    for (size_t k = 0; k < sizeof(begins) / sizeof(begins[0]); k++) {
        if (is_like(s, i, begins[k])) {
            return true;
        }
    }
    return false;
}

static void find_random(struct scan *s)
{
    struct piece p = {0};
    while (!s->is_over && next_piece(s, p.end, &p)) {
        const size_t begin = behind_label(s, p.begin, p.end);
        const struct mixture m = mix_of(s, begin, p.end);
        const bool is_basic = is_padded(s, &p, &m);
        if ((p.end - begin < LEAST_TOKEN && !is_basic) || m.odd * 8 > m.n) {
            continue;
        }
        if (begins_private_key(s, begin)) {
            find_add(s, PRIVACY_PRIVATE_KEY, begin, p.end,
                     privacy_category_weight(PRIVACY_PRIVATE_KEY));
        } else if ((is_random(&m) || is_basic) && !is_public(s, begin)) {
            find_add(s, PRIVACY_TOKEN, begin, p.end,
                     privacy_category_weight(PRIVACY_TOKEN));
        }
    }
}

// ---- all

static int scan_mended(const struct mender *m, struct privacy_findings *found)
{
    int rc = privacy_find(m->s->f, m->text, m->len, found);
    if (rc) {
        return rc;
    }
    struct scan s = {.f = m->s->f,
                     .text = (const unsigned char *)m->text,
                     .len = m->len,
                     .out = found};
    find_random(&s);
    find_loose(&s);
    return s.rc;
}

// What was found in the mended text, said of the one that was read.
static void take_over(struct scan *s, const struct mender *m,
                      const struct privacy_findings *found)
{
    for (int i = 0; i < found->n; i++) {
        const struct privacy_finding *one = &found->items[i];
        const size_t end = one->offset + one->len;
        find_add(s, one->category, m->map[one->offset], (size_t)m->map[end - 1] + 1,
                 one->weight);
    }
}

// ---- the whole

int privacy_find_read(const struct privacy_finder *f, const char *text, size_t len,
                      struct privacy_findings *out)
{
    int rc = privacy_find(f, text, len, out);
    if (rc || len == 0) {
        return rc;
    }
    struct scan s = {.f = f, .text = (const unsigned char *)text, .len = len, .out = out};
    struct mender m = {.s = &s, .text = malloc(len), .map = malloc(len * sizeof(*m.map))};
    struct privacy_findings found = {0};
    rc = m.text && m.map ? 0 : E_NOMEM;
    if (rc == 0) {
        mend(&m);
        assert(m.len <= len);
        rc = scan_mended(&m, &found);
    }
    if (rc == 0) {
        take_over(&s, &m, &found);
        find_list_ends(&s);
        find_resolve(&s);
        out->is_cut |= s.is_over || found.is_cut;
        rc = s.rc;
    }
    out->n = rc ? 0 : out->n;
    privacy_findings_fini(&found);
    free(m.text);
    free(m.map);
    return rc;
}
