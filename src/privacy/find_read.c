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
    uint32_t begin, end;
    uint8_t kind;        // enum piece_kind
    bool is_last;        // on its line
    bool is_number;      // of its letters and digits all are digits
    bool is_odd;         // has signs that no key is made of
    uint32_t to_random;  // how many pieces on the next random one of the line is
};

// What a piece, or a string, is made of.
struct mixture {
    int n, lower, upper, digits, hex, odd;
    int changes;  // of kind, from one letter or digit to the next
};

struct mender {
    const struct scan *s;
    struct piece *pieces;  // owned
    size_t n_pieces;
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

static struct mixture mix_of(const struct scan *s, size_t begin, size_t end)
{
    uint64_t counts = 0;
    uint8_t before = 0;
    int changes = 0;
    end = end - begin > MOST_LOOKED_AT ? begin + MOST_LOOKED_AT : end;
    for (size_t i = begin; i < end; i++) {
        const uint8_t kind = s->f->class[s->text[i]] & IS_ALNUM;
        counts += s->f->counts[s->text[i]];
        changes += kind && kind != before;
        before = kind ? kind : before;
    }
    s->out->work += end - begin;
    struct mixture m = {.lower = count_in(counts, COUNT_LOWER),
                        .upper = count_in(counts, COUNT_UPPER),
                        .digits = count_in(counts, COUNT_DIGITS),
                        .hex = count_in(counts, COUNT_HEX),
                        .odd = count_in(counts, COUNT_ODD)};
    m.n = m.lower + m.upper + m.digits;
    m.changes = changes - (changes > 0);  // the first one is none
    return m;
}

// The longest run of small letters; signs do not break it.
static int longest_run(const struct scan *s, size_t begin, size_t end)
{
    int run = 0, longest = 0;
    end = end - begin > MOST_LOOKED_AT ? begin + MOST_LOOKED_AT : end;
    for (size_t i = begin; i < end; i++) {
        const uint8_t kind = class_at(s, i) & IS_ALNUM;
        run = kind == IS_LOWER ? run + 1 : kind ? 0 : run;
        longest = run > longest ? run : longest;
    }
    return longest;
}

// ---- pieces

static enum piece_kind kind_of(const struct scan *s, size_t begin, size_t end,
                               struct mixture m)
{
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

// What stands between blanks, from i on.
static bool next_piece(const struct scan *s, size_t i, struct piece *out)
{
    while (i < s->len && is_separator(s->text[i])) {
        i++;
    }
    if (i == s->len) {
        return false;
    }
    *out = (struct piece){.begin = (uint32_t)i};
    while (i < s->len && !is_separator(s->text[i])) {
        i++;
    }
    out->end = (uint32_t)i;
    while (i < s->len &&
           (s->text[i] == ' ' || s->text[i] == '\t' || s->text[i] == '\r')) {
        i++;
    }
    out->is_last = i == s->len || s->text[i] == '\n';
    return true;
}

static void read_pieces(struct mender *m)
{
    const struct scan *s = m->s;
    struct piece p = {0};
    while (next_piece(s, p.end, &p)) {
        const struct mixture mix = mix_of(s, p.begin, p.end);
        p.kind = (uint8_t)kind_of(s, p.begin, p.end, mix);
        p.is_number = mix.digits > 0 && mix.digits == mix.n;
        p.is_odd = mix.odd > 0 || p.end - p.begin > MOST_LOOKED_AT;
        m->pieces[m->n_pieces++] = p;
    }
    uint32_t to_random = UINT32_MAX;
    for (size_t i = m->n_pieces; i-- > 0;) {
        struct piece *at = &m->pieces[i];
        to_random = at->kind == PIECE_RANDOM                 ? 0
                    : at->is_last || to_random == UINT32_MAX ? UINT32_MAX
                                                             : to_random + 1;
        at->to_random = to_random;
    }
}

// ---- mending

static void put(struct mender *m, char c, size_t from)
{
    m->text[m->len] = c;
    m->map[m->len++] = (uint32_t)from;
}

static void put_as_it_is(struct mender *m, const struct piece *p)
{
    memcpy(m->text + m->len, m->s->text + p->begin, p->end - p->begin);
    for (uint32_t i = p->begin; i < p->end; i++) {
        m->map[m->len++] = i;
    }
}

// With letters for the signs between its letters.
static void put_mended(struct mender *m, const struct piece *p)
{
    const struct scan *s = m->s;
    if (!p->is_odd) {
        put_as_it_is(m, p);
        return;
    }
    for (size_t i = p->begin, n = 1; i < p->end; i += n) {
        const bool is_inside =
            i == p->begin ? s->text[i] >= 0x40 : class_before(s, i) & IS_KEY;
        const char letter =
            is_inside && !(class_at(s, i) & IS_KEY) ? letter_for(s, i, &n) : 0;
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
    if (!p->is_odd) {
        put_as_it_is(m, p);
        return;
    }
    for (size_t i = p->begin; i < p->end; i++) {
        char c = (char)s->text[i];
        const bool is_inside = i > p->begin && class_before(s, i) & IS_LETTER &&
                               i + 1 < p->end && class_at(s, i + 1) & IS_LETTER;
        c = c == '@' && p->is_number ? '0' : c == '|' && is_inside ? 'l' : c;
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

// Returns the piece to go on with.  "6493-1 734-2127-1855": no blank is in a number with
// dashes.
static size_t put_number(struct mender *m, size_t first)
{
    const struct piece *p = &m->pieces[first], *end = m->pieces + m->n_pieces;
    const bool is_grouped = is_grouped_number(m->s, p);
    put_plain(m, p);
    while (is_grouped && !p->is_last && p + 1 < end && p[1].begin == p->end + 1 &&
           is_grouped_number(m->s, p + 1)) {
        p++;
        put_plain(m, p);
    }
    return (size_t)(p - m->pieces) + 1;
}

// Pieces that follow each other, from the first that is not plain on.
struct group {
    size_t first, last;  // pieces
    size_t bytes, random_bytes;
};

// A scrap that looks like a word, between two pieces that look random.
static bool is_scrap(const struct mender *m, const struct group *g, size_t i)
{
    const struct piece *p = &m->pieces[i];
    const size_t n = p->end - p->begin;
    const size_t least = n <= 2 ? LEAST_RANDOM : LEAST_SCRAPPED;
    return g->random_bytes >= least && n <= SCRAP_BYTES && !p->is_last &&
           i + 1 < m->n_pieces && p[1].kind == PIECE_RANDOM;
}

static void measure_group(const struct mender *m, size_t first, struct group *out)
{
    *out = (struct group){.first = first};
    for (size_t i = first; i < m->n_pieces && i - first < MOST_PIECES; i++) {
        const struct piece *p = &m->pieces[i];
        if (i > first &&
            (p[-1].is_last || (p->kind == PIECE_PLAIN && !is_scrap(m, out, i)))) {
            break;
        }
        out->bytes += p->end - p->begin;
        out->random_bytes += p->kind == PIECE_RANDOM ? p->end - p->begin : 0;
        out->last = i;
    }
}

static bool is_one_string(const struct group *g)
{
    return g->bytes >= LEAST_GROUP && 3 * g->random_bytes >= g->bytes;
}

static bool is_rest_of_line(const struct mender *m, const struct group *g)
{
    const uint32_t begin = m->pieces[g->first].begin;
    return m->pieces[g->last].is_last && g->bytes <= REST_BYTES && begin > 0 &&
           m->s->text[begin - 1] == '\n';
}

// From one piece on; returns the one to go on with.  A string that fills its line goes on in
// the next one, or in one a paragraph below.
static size_t mend_from(struct mender *m, size_t first)
{
    struct group g;
    if (m->pieces[first].to_random >= MOST_PIECES) {
        return put_number(m, first);
    }
    measure_group(m, first, &g);
    if (!is_one_string(&g)) {
        return put_number(m, first);
    }
    for (;;) {
        const size_t next = g.last + 1;
        struct group rest;
        for (size_t i = g.first; i < next; i++) {
            put_mended(m, &m->pieces[i]);
        }
        if (!m->pieces[g.last].is_last || next == m->n_pieces ||
            m->pieces[next].kind == PIECE_PLAIN) {
            return next;
        }
        measure_group(m, next, &rest);
        if (3 * rest.random_bytes < rest.bytes && !is_rest_of_line(m, &rest)) {
            return next;
        }
        g = rest;
    }
}

// Without empty lines: a label and its value may be paragraphs to who reads a picture.
static void mend(struct mender *m)
{
    size_t at = 0;  // in the text
    read_pieces(m);
    for (size_t i = 0; i < m->n_pieces; at = m->pieces[i - 1].end) {
        const struct piece *p = &m->pieces[i];
        for (; at < p->begin; at++) {
            const char c = (char)m->s->text[at];
            if (c != '\n' || m->len == 0 || m->text[m->len - 1] != '\n') {
                put(m, c, at);
            }
        }
        if (p->kind == PIECE_PLAIN) {
            put_plain(m, p);
            i++;
        } else {
            i = mend_from(m, i);
        }
    }
}

// ---- strings that are random enough

// Capitals and small letters in quick change; or capitals and digits, as of some services; or
// so long and with so many digits as only a key is (a hash is of hexadecimal digits only).
static bool is_random(const struct scan *s, size_t begin, size_t end,
                      const struct mixture *m)
{
    const bool is_mixed = m->n >= LEAST_TOKEN && m->upper >= 3 && m->lower >= 3 &&
                          m->digits >= 1 && m->changes * 10 >= m->n * 3;
    const bool is_capitals = m->n >= LEAST_CAPITALS && m->lower == 0 && m->upper >= 8 &&
                             m->digits >= 4 && m->hex < m->n;
    const bool is_long = m->n >= LEAST_LONG && m->digits >= 8 &&
                         m->upper + m->lower >= 6 && m->hex < m->n &&
                         m->changes * 10 >= m->n;
    if (!is_mixed && !is_capitals && !is_long) {
        return false;
    }
    const int longest = longest_run(s, begin, end);
    return longest <= 9 + m->n / 32 || (m->digits >= 3 && longest <= 9 + m->n / 8);
}

// "YWRtaW46Y1JaMTdjdWk=" ends as only base64 does.
static bool is_padded(const struct scan *s, size_t begin, const struct piece *p,
                      const struct mixture *m)
{
    return byte_at(s, p->end - 1) == '=' && m->n >= LEAST_PADDED && m->upper >= 3 &&
           m->lower >= 3 && m->digits >= 1 && m->changes * 10 >= m->n * 3 &&
           longest_run(s, begin, p->end) <= 9;
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
    size_t others = 0;
    for (size_t k = 0; k < n && others * 5 <= n; k++) {
        others += (byte_at(s, i + k) | 0x20) != ((unsigned char)text[k] | 0x20);
    }
    s->out->work += n;
    return others * 5 <= n;
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
        if (p.end - p.begin < LEAST_TOKEN && s->text[p.end - 1] != '=') {
            continue;
        }
        const size_t begin = behind_label(s, p.begin, p.end);
        const struct mixture m = mix_of(s, begin, p.end);
        const bool is_basic = is_padded(s, begin, &p, &m);
        if ((p.end - begin < LEAST_TOKEN && !is_basic) || m.odd * 8 > m.n) {
            continue;
        }
        if (begins_private_key(s, begin)) {
            find_add(s, PRIVACY_PRIVATE_KEY, begin, p.end,
                     privacy_category_weight(PRIVACY_PRIVATE_KEY));
        } else if ((is_random(s, begin, p.end, &m) || is_basic) && !is_public(s, begin)) {
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
    struct mender m = {.s = &s,
                       .pieces = malloc((len / 2 + 1) * sizeof(*m.pieces)),
                       .text = malloc(len),
                       .map = malloc(len * sizeof(*m.map))};
    struct privacy_findings found = {0};
    rc = m.pieces && m.text && m.map ? 0 : E_NOMEM;
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
    free(m.pieces);
    free(m.text);
    free(m.map);
    return rc;
}
