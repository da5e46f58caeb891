// find.c -- one walk through the text; which finder is asked where.
//
// At a word: is it a label, the beginning of a known key, a number, a seed word?  At a mark:
// is it the middle of an e-mail address, the beginning of a telephone number?  Everything
// else is passed over, a byte at a time.
// SPDX-License-Identifier: MIT
#include "privacy/find.h"

#include "privacy/find_scan.h"

#include <assert.h>
#include <stdlib.h>

static void open_classes(struct privacy_finder *f)
{
    static const struct {
        char letter;
        uint8_t digit;
    } misread[] = {{'O', 0}, {'o', 0}, {'l', 1}, {'I', 1}, {'|', 1}, {'i', 1},
                   {'S', 5}, {'s', 5}, {'B', 8}, {'Z', 2}, {'z', 2}, {'G', 6}};
    memset(f->as_digit, NOT_DIGIT, sizeof(f->as_digit));
    for (int c = 0; c < 256; c++) {
        uint8_t k = 0;
        bool is_digit = c >= '0' && c <= '9';
        bool is_upper = c >= 'A' && c <= 'Z', is_lower = c >= 'a' && c <= 'z';
        k |= is_digit ? IS_DIGIT | IS_HEX : 0;
        k |= is_upper ? IS_UPPER : 0;
        k |= is_lower ? IS_LOWER : 0;
        k |= c >= 0x80 ? IS_HIGH | IS_WORD : 0;
        k |= (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f') ? IS_HEX : 0;
        k |= is_digit || is_upper || is_lower ? IS_KEY | IS_WORD : 0;
        k |= c && strchr("+/-_=", c) ? IS_KEY : 0;
        k |= c == '_' ? IS_WORD | IS_MARK : 0;  // the mark shows it in a token's classes
        k |= c && strchr("@+($<:|[", c) ? IS_MARK : 0;
        f->class[c] = k;
        f->counts[c] =
            (uint64_t)is_lower << COUNT_LOWER | (uint64_t)is_upper << COUNT_UPPER |
            (uint64_t)is_digit << COUNT_DIGITS |
            (uint64_t)((k & IS_HEX) != 0) << COUNT_HEX |
            (uint64_t)(!(k & IS_KEY) && c != '.' && (c & 0xc0) != 0x80) << COUNT_ODD;
        if (is_digit) {
            f->as_digit[c] = (uint8_t)(c - '0');
        }
    }
    for (size_t i = 0; i < sizeof(misread) / sizeof(misread[0]); i++) {
        f->as_digit[(unsigned char)misread[i].letter] = misread[i].digit;
    }
}

int privacy_finder_open(struct privacy_finder **out, struct err *e)
{
    struct privacy_finder *f = calloc(1, sizeof(*f));
    *out = NULL;
    if (!f || find_label_open(f) != 0) {
        privacy_finder_free(f);
        return err_set(e, E_NOMEM, "privacy rules: %s", err_words(E_NOMEM));
    }
    open_classes(f);
    find_key_open(f);
    find_seed_open(f);
    *out = f;
    return 0;
}

void privacy_finder_free(struct privacy_finder *f)
{
    if (f) {
        free(f->phrases);
        free(f);
    }
}

void find_add(struct scan *s, enum privacy_category c, size_t begin, size_t end,
              int weight)
{
    struct privacy_findings *out = s->out;
    assert(begin < end && end <= s->len);
    if (end <= s->from || s->is_over) {
        return;
    }
    if (out->n == out->cap) {
        int cap = out->cap ? out->cap * 2 : 16;
        void *items = realloc(out->items, (size_t)cap * sizeof(*out->items));
        if (!items) {
            s->rc = E_NOMEM;
            s->is_over = true;
            return;
        }
        out->items = items;
        out->cap = cap;
    }
    begin = begin < s->from ? s->from : begin;
    out->items[out->n++] = (struct privacy_finding){.category = c,
                                                    .offset = (uint32_t)begin,
                                                    .len = (uint32_t)(end - begin),
                                                    .weight = weight};
    s->is_over = out->n >= PRIVACY_FINDINGS_MAX;
}

// What a label leads to at once; the others are only remembered.
static void read_label(struct scan *s, enum label kind, size_t begin, size_t end)
{
    s->label_end[kind] = end;
    switch (kind) {
    case LABEL_PASSWORD: find_password(s, begin, end); break;
    case LABEL_PIN:
    case LABEL_CODE:
    case LABEL_PLAIN_CODE:
    case LABEL_USE: find_code(s, kind, begin, end); break;
    case LABEL_IS_YOUR: find_code_before(s, begin, end); break;
    case LABEL_COMMAND: find_command(s, begin, end); break;
    case LABEL_SECRET:
    case LABEL_KEY:
    case LABEL_AWS:
    case LABEL_ACCOUNT_KEY: find_labelled_token(s, kind, begin, end); break;
    case LABEL_BEARER:
    case LABEL_BASIC: find_header(s, kind, end); break;
    case LABEL_BEGIN:
    case LABEL_END: find_pem(s, kind, begin, end); break;
    case LABEL_PUTTY: find_putty(s, begin); break;
    case LABEL_DOCUMENT: find_document(s, end); break;
    case LABEL_BIRTH: find_birth(s, end); break;
    case LABEL_NONE:
    case LABEL_CARD:
    case LABEL_SSN:
    case LABEL_ID:
    case LABEL_PHONE:
    case LABEL_IP:
    case LABEL_VERSION:
    case LABEL_NUMBER:
    case LABEL_PUBLIC:
    case LABELS: break;
    }
}

static void read_word(struct scan *s, size_t i, size_t end)
{
    size_t label_end = 0;
    enum label kind = find_label_at(s, i, end, &label_end);
    if (kind != LABEL_NONE) {
        read_label(s, kind, i, label_end);
    }
}

// A label, unless it stands inside of something random: at its end it may be one.
static void try_word(struct scan *s, size_t i, size_t end)
{
    if (end >= s->random_end && may_be_label(s, i, end)) {
        read_word(s, i, end);
    }
}

// The words of the token [i, end): parts between underscores, digits and humps.
static void read_words(struct scan *s, size_t i, size_t end)
{
    while (i < end) {
        size_t word_end = find_word_end(s, i);
        if (word_end == i) {
            i++;
            continue;
        }
        try_word(s, i, word_end);
        bool is_dense = s->text[i] >= 0xe3 && s->text[i] < 0xee;
        i += is_dense ? 3 : word_end - i;
    }
}

// The same where all letters are of ASCII.
static void read_plain_words(struct scan *s, size_t i, size_t end)
{
    const uint8_t *class = s->f->class;
    while (i < end) {
        const size_t begin = i, limit = end - i > WORD_MAX + 1 ? i + WORD_MAX + 1 : end;
        while (i < limit && class[s->text[i]] & IS_UPPER) {
            i++;
        }
        if (i < limit && class[s->text[i]] & IS_LOWER && i > begin + 1) {
            i--;  // XMLHttp
        } else {
            while (i < limit && class[s->text[i]] & IS_LOWER) {
                i++;
            }
        }
        if (i == begin) {
            i++;
            continue;
        }
        try_word(s, begin, i);
    }
}

// Probes of a run long enough for a token alone; its first word ends at end.
static bool may_be_token(const struct scan *s, size_t i, size_t end)
{
    static const uint8_t probes[] = {22, 5, 8, 11, 14, 17, 20, 3};
    if (i + 22 >= s->len || (end - i <= 22 && !(class_at(s, end) & IS_KEY))) {
        return false;
    }
    for (size_t k = 0; k < sizeof(probes); k++) {
        if (!(s->f->class[s->text[i + probes[k]]] & IS_KEY)) {
            return false;
        }
    }
    return true;
}

// The token is digits, or letters taken for them, to its end: a group of a number.
static bool is_group(const struct scan *s, size_t i, size_t end)
{
    while (i < end && s->f->as_digit[s->text[i]] != NOT_DIGIT) {
        i++;
    }
    return i == end || s->f->class[s->text[i]] & IS_HIGH;
}

// Digits are in the token.
static void read_number(struct scan *s, size_t i, size_t end)
{
    if (i >= s->number_end && is_group(s, i, end)) {
        find_number(s, i);
        find_phone(s, i);
    }
    if (byte_at(s, end) == ':' && class_at(s, i) & IS_DIGIT) {
        find_telegram(s, i);
    }
    find_mixed_id(s, i, end);
    if (class_at(s, i) & IS_LETTER) {
        find_iban(s, i);
    }
}

// Of an address of a machine.
static bool is_joint(unsigned char c)
{
    return c == ':' || c == '-' || c == '.';
}

// A token begins at i: letters, digits, underscores.  Returns its end.
static size_t read_token(struct scan *s, size_t i)
{
    const uint8_t *class = s->f->class;
    const unsigned char *at = s->text + i + 1, *stop = s->text + s->len;
    uint8_t first = class[s->text[i]], rest = 0;
    for (uint8_t k; at < stop && (k = class[*at]) & IS_WORD; at++) {
        rest |= k;
    }
    size_t end = (size_t)(at - s->text);
    uint8_t kinds = first | rest;
    s->out->work += end - i;
    if (may_be_key(s, i)) {
        find_key(s, i);
        if (s->known_end > end) {
            return s->known_end;
        }
    }
    if (i < s->random_end) {
        // a number in it is part of it
    } else if (kinds & IS_DIGIT) {
        read_number(s, i, end);
    } else if (end - i <= 6 && class_at(s, end + 1) & IS_DIGIT) {
        find_mixed_id(s, i, end);
    }
    if (end - i <= 4 && (first & IS_HEX) && is_joint(byte_at(s, end))) {
        find_network(s, i, end);
    }
    if (may_be_token(s, i, end)) {
        find_bare_token(s, i);
    }
    bool is_plain = !(kinds & (IS_DIGIT | IS_HIGH | IS_MARK));
    uint8_t hint = is_plain ? s->f->hints[hint_slot_of_word(s->text + i, end - i)] : 0;
    if (is_plain && end - i < 10 && (hint & HINT_SEED || s->seed.n >= SEED_RUN_FUZZY)) {
        find_seed_word(s, i, end);
    } else if (kinds & (IS_LETTER | IS_HIGH) && s->seed.n) {
        find_seed_end(s);
    }
    bool is_single = is_plain && (rest & IS_LETTER) != IS_LETTER &&
                     (rest & IS_UPPER ? first & IS_UPPER : true);
    if (is_single) {
        try_word(s, i, end);
    } else if (kinds & IS_HIGH) {
        read_words(s, i, end);
    } else if (kinds & IS_LETTER) {
        read_plain_words(s, i, end);
    }
    return end;
}

// "[card]": what privacy_redact left.  The byte behind it; of any other bracket the next.
static size_t skip_placeholder(const struct scan *s, size_t i)
{
    for (int c = 0; c < PRIVACY_CATEGORIES; c++) {
        const char *name = privacy_category_name((enum privacy_category)c);
        size_t n = strlen(name);
        if (has_at(s, i + 1, name) && byte_at(s, i + 1 + n) == ']') {
            return i + n + 2;
        }
    }
    return i + 1;
}

// Returns where to go on.
static size_t read_mark(struct scan *s, size_t i)
{
    switch (s->text[i]) {
    case '@':
        if (!find_url_password(s, i)) {
            find_email(s, i);
        }
        break;
    case '+':
    case '(': find_phone(s, i); break;
    case '$': find_crypt(s, i); break;
    case '<': find_machine_zone(s, i); break;
    case ':': find_network(s, i, i); break;
    case '|':
        if (class_at(s, i + 1) & IS_DIGIT && !(class_before(s, i) & IS_WORD)) {
            find_number(s, i);
        }
        break;
    case '[': return skip_placeholder(s, i);
    default: break;
    }
    return i + 1;
}

static size_t walk(struct scan *s, size_t i)
{
    const uint8_t *class = s->f->class;
    while (i < s->len && !s->is_over) {
        uint8_t k = class[s->text[i]];
        if (k & IS_WORD) {
            // "\nAKIA...": the letter belongs to the backslash
            bool is_escape = i > 0 && s->text[i - 1] == '\\' && strchr("nrt", s->text[i]);
            i = is_escape ? i + 1 : read_token(s, i);
            i = i < s->known_end ? s->known_end : i;
        } else if (k & IS_MARK) {
            i = read_mark(s, i);
        } else {
            do {
                i++;
            } while (i < s->len && !(class[s->text[i]] & (IS_WORD | IS_MARK)));
        }
    }
    find_seed_end(s);
    return i;
}

// Which kind stays where two findings of the same weight overlap: the more particular one.
static int rank_of(enum privacy_category c)
{
    static const uint8_t ranks[PRIVACY_CATEGORIES] = {
        [PRIVACY_PRIVATE_KEY] = 9, [PRIVACY_JWT] = 8,         [PRIVACY_API_KEY] = 7,
        [PRIVACY_IBAN] = 6,        [PRIVACY_SEED] = 6,        [PRIVACY_CARD] = 5,
        [PRIVACY_SSN] = 4,         [PRIVACY_NATIONAL_ID] = 3, [PRIVACY_PASSWORD] = 2,
        [PRIVACY_TOKEN] = 1};
    return ranks[c];
}

static bool is_stronger(const struct privacy_finding *a, const struct privacy_finding *b)
{
    if (a->weight != b->weight) {
        return a->weight > b->weight;
    }
    int ra = rank_of(a->category), rb = rank_of(b->category);
    return ra != rb ? ra > rb : a->len > b->len;
}

static int by_offset(const void *a, const void *b)
{
    const struct privacy_finding *x = a, *y = b;
    if (x->offset != y->offset) {
        return x->offset < y->offset ? -1 : 1;
    }
    return x->len == y->len ? 0 : x->len > y->len ? -1 : 1;
}

// They come nearly in order: few of them move, and not far.
static void sort(struct privacy_finding *items, int n)
{
    enum { MOVES_MAX = 8 };  // per finding, on average
    int left = MOVES_MAX * n;
    for (int i = 1; i < n; i++) {
        const struct privacy_finding one = items[i];
        int k = i;
        for (; k > 0 && by_offset(&items[k - 1], &one) > 0; k--) {
            items[k] = items[k - 1];
        }
        items[k] = one;
        left -= i - k;
        if (left < 0) {
            qsort(items, (size_t)n, sizeof(*items), by_offset);
            return;
        }
    }
}

// A finding never cuts a character in two.
static void widen(const struct scan *s, struct privacy_finding *p)
{
    uint32_t end = p->offset + p->len;
    for (int i = 0;
         i < 3 && p->offset > s->from && (byte_at(s, p->offset) & 0xc0) == 0x80; i++) {
        p->offset--;
    }
    for (int i = 0; i < 3 && end < s->len && (byte_at(s, end) & 0xc0) == 0x80; i++) {
        end++;
    }
    p->len = end - p->offset;
}

void find_resolve(const struct scan *s)
{
    struct privacy_findings *out = s->out;
    int n = 0;
    for (int i = 0; i < out->n; i++) {
        widen(s, &out->items[i]);
    }
    sort(out->items, out->n);
    for (int i = 0; i < out->n; i++) {
        struct privacy_finding next = out->items[i];
        struct privacy_finding *last = n ? &out->items[n - 1] : NULL;
        if (!last || next.offset >= last->offset + last->len) {
            out->items[n++] = next;
            continue;
        }
        uint32_t begin = last->offset, end = last->offset + last->len;
        end = next.offset + next.len > end ? next.offset + next.len : end;
        *last = is_stronger(&next, last) ? next : *last;
        last->offset = begin;
        last->len = end - begin;
    }
    out->n = n;
}

int privacy_find_from(const struct privacy_finder *f, const char *text, size_t len,
                      size_t from, struct privacy_findings *out)
{
    struct scan s = {.f = f,
                     .text = (const unsigned char *)text,
                     .len = len,
                     .from = from,
                     .out = out};
    out->n = 0;
    out->is_cut = false;
    out->work = 0;
    out->seen_bytes = 0;
    if (len > INT32_MAX) {
        return E_TOOBIG;
    }
    assert(from <= len);
    size_t seen = walk(&s, from);
    if (s.rc) {
        out->n = 0;
        return s.rc;
    }
    find_resolve(&s);
    out->is_cut = s.is_over && seen < len;
    out->seen_bytes = seen;
    return 0;
}

int privacy_find(const struct privacy_finder *f, const char *text, size_t len,
                 struct privacy_findings *out)
{
    return privacy_find_from(f, text, len, 0, out);
}

void privacy_findings_fini(struct privacy_findings *out)
{
    free(out->items);
    *out = (struct privacy_findings){0};
}
