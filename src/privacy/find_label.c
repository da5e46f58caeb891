// find_label.c -- words and phrases that name what stands beside them, in many languages.
//
// Phrases are found by their first word in a hash table; then the phrase is compared whole.
// A blank of the table matches blanks, an underscore, a dash, a dot or nothing, so that "api
// key" is also api_key, API-KEY and apiKey.
// SPDX-License-Identifier: MIT
#include "privacy/find_label.h"

#include "privacy/find_scan.h"
#include "privacy/fold.h"

#include <assert.h>
#include <stdlib.h>

// FNV-1a.
static uint32_t hash_of(const char *word, size_t n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ (unsigned char)word[i]) * 16777619u;
    }
    return h ? h : 1;
}

// Scripts without blanks between words: the first two characters are the "word".
static bool is_dense(unsigned char lead)
{
    return lead >= 0xe3 && lead < 0xee;
}

static size_t first_word(const char *phrase)
{
    return is_dense((unsigned char)phrase[0]) ? 6 : strcspn(phrase, " |0123456789");
}

static struct label_slot *slot_of(struct label_slot *slots, uint32_t hash)
{
    uint32_t i = hash;
    while (slots[i % LABEL_SLOTS].first && slots[i % LABEL_SLOTS].hash != hash) {
        i++;
    }
    return &slots[i % LABEL_SLOTS];
}

static void add_phrase(struct privacy_finder *f, uint16_t index)
{
    struct phrase *p = &f->phrases[index];
    uint32_t hash = hash_of(p->words, first_word(p->words));
    struct label_slot *slot = slot_of(f->labels, hash);
    assert(first_word(p->words) > 0);
    uint16_t *link = &slot->first;
    while (*link && f->phrases[*link].len >= p->len) {
        link = &f->phrases[*link].next;
    }
    f->hints[hint_slot_of_word((const unsigned char *)p->words, first_word(p->words))] |=
        HINT_LABEL;
    slot->hash = hash;
    p->next = *link;
    *link = index;
}

int find_label_open(struct privacy_finder *f)
{
    size_t n = 1;
    for (int row = 0; row < find_phrases_count; row++) {
        n++;
        for (const char *c = find_phrases[row].words; *c; c++) {
            n += *c == '|';
        }
    }
    assert(n < LABEL_SLOTS * 3 / 4);
    f->phrases = calloc(n, sizeof(*f->phrases));
    if (!f->phrases) {
        return E_NOMEM;
    }
    uint16_t index = 1;
    for (int row = 0; row < find_phrases_count; row++) {
        const char *words = find_phrases[row].words;
        for (size_t len; *words; words += len + (words[len] == '|')) {
            len = strcspn(words, "|");
            f->phrases[index] = (struct phrase){
                .words = words, .len = (uint16_t)len, .label = find_phrases[row].label};
            add_phrase(f, index++);
        }
    }
    return 0;
}

// What a blank of a phrase may be in the text.
static size_t skip_joint(const struct scan *s, size_t i)
{
    unsigned char c = byte_at(s, i);
    if (c == '_' || c == '-' || c == '.' || c == '\'' || c == '(' || c == ')') {
        size_t n = find_blank(s, i + 1);
        return i + 1 + n;
    }
    size_t n = find_blank(s, i);
    return n ? i + n + find_blank(s, i + n) : i;
}

// The end of the phrase if the text at i holds it, else 0.
static size_t match_phrase(const struct scan *s, size_t i, const struct phrase *p)
{
    const char *phrase = p->words, *stop = p->words + p->len;
    while (phrase < stop) {
        char folded[4];
        size_t n;
        if (*phrase == ' ') {
            i = skip_joint(s, i);
            phrase++;
            continue;
        }
        unsigned char c = byte_at(s, i);
        if (c < 0x80) {
            c = c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
            if (c != (unsigned char)*phrase) {
                return 0;
            }
            i++;
            phrase++;
            continue;
        }
        n = fold_char((const char *)s->text + i, s->len - i, folded);
        if (strncmp(phrase, folded, n) != 0) {
            return 0;
        }
        phrase += n;
        i += n;
    }
    return i;
}

// A label ends where a word ends: not "pin" in "pinned", but in "pinCode" and "pin_code".
static bool is_end(const struct scan *s, size_t end)
{
    uint8_t before = class_before(s, end), after = class_at(s, end);
    if (before & IS_HIGH && end >= 3 && is_dense(s->text[end - 3])) {
        return true;
    }
    if (after & IS_UPPER) {
        return !(before & IS_UPPER);
    }
    return find_letter(s, end) == 0;
}

// Letters beyond ASCII are in the word, or it is long.
static size_t any_word_end(const struct scan *s, size_t i)
{
    size_t begin = i, limit = i + WORD_MAX;
    uint8_t before = 0;
    for (uint8_t k; i <= limit; i++, before = k) {
        k = class_at(s, i);
        if (k & IS_UPPER && i > begin) {
            bool begins_word = before & IS_UPPER && class_at(s, i + 1) & IS_LOWER;
            if (before & IS_LOWER || begins_word) {
                break;
            }
        } else if (!(k & IS_LETTER)) {
            size_t n = k & IS_HIGH ? find_high_letter(s, i) : 0;
            if (n == 0) {
                break;
            }
            i += n - 1;
        }
    }
    return i;
}

// Small letters, a capital and small ones, or capitals but for the one before small letters.
size_t find_word_end(const struct scan *s, size_t i)
{
    if (i >= s->len) {
        return i;
    }
    const uint8_t *class = s->f->class;
    const unsigned char *begin = s->text + i, *at = begin;
    const unsigned char *stop = s->text + (s->len - i > WORD_MAX ? i + WORD_MAX : s->len);
    while (at < stop && class[*at] & IS_UPPER) {
        at++;
    }
    if (at < stop && class[*at] & IS_LOWER) {
        if (at - begin > 1) {
            return (size_t)(at - s->text) - 1;
        }
        do {
            at++;
        } while (at < stop && class[*at] & IS_LOWER);
    }
    bool is_over = at == s->text + s->len || (at < stop && !(class[*at] & IS_HIGH));
    return is_over ? (size_t)(at - s->text) : any_word_end(s, i);
}

static enum label look_up(const struct scan *s, size_t i, const char *word, size_t n,
                          size_t *end)
{
    uint32_t hash = hash_of(word, n);
    uint32_t at = hash % LABEL_SLOTS;
    const struct label_slot *slots = s->f->labels;
    while (slots[at].first && slots[at].hash != hash) {
        at = (at + 1) % LABEL_SLOTS;
    }
    for (uint16_t k = slots[at].first; k; k = s->f->phrases[k].next) {
        size_t stop = match_phrase(s, i, &s->f->phrases[k]);
        if (stop && is_end(s, stop)) {
            *end = stop;
            return s->f->phrases[k].label;
        }
    }
    return LABEL_NONE;
}

bool find_may_end_label(const struct scan *s, size_t i, size_t end)
{
    if (end - i < 6) {
        return false;
    }
    unsigned char c = s->text[end - 2] | 0x20;
    switch (s->text[end - 1] | 0x20) {
    case 'd': return c == 'r' || c == 'w';
    case 't': return c == 'r' || c == 'e';
    case 'e': return c == 'd';
    case 'y':
    case 'n': return c == 'e';
    default: return false;
    }
}

// "dbpassword", "Benutzerpasswort": the last part decides.
static enum label by_ending(const struct scan *s, size_t i, size_t end)
{
    static const struct {
        const char *ending;
        size_t n;
        enum label label;
    } endings[] = {
        {"password", 8, LABEL_PASSWORD}, {"passwd", 6, LABEL_PASSWORD},
        {"passwort", 8, LABEL_PASSWORD}, {"kennwort", 8, LABEL_PASSWORD},
        {"passcode", 8, LABEL_PASSWORD}, {"apikey", 6, LABEL_SECRET},
        {"secret", 6, LABEL_SECRET},     {"token", 5, LABEL_KEY},
    };
    for (size_t k = 0; k < sizeof(endings) / sizeof(endings[0]); k++) {
        size_t n = endings[k].n;
        if (end - i > n && find_is_word(s, end - n, end, endings[k].ending)) {
            return endings[k].label;
        }
    }
    return LABEL_NONE;
}

enum label find_label_at(const struct scan *s, size_t i, size_t word_end, size_t *end)
{
    char word[WORD_MAX + 8];
    size_t n = word_end - i;
    if (n < 1 || n > WORD_MAX + 4) {
        return LABEL_NONE;
    }
    bool is_high = (s->text[i] | s->text[word_end - 1]) & 0x80, is_ascii = true;
    n = is_dense(s->text[i]) && n > 6 ? 6 : n;
    s->out->work += n;
    enum label found = LABEL_NONE;
    if (is_high || s->f->hints[hint_slot_of_word(s->text + i, n)] & HINT_LABEL) {
        for (size_t k = 0; k < n;) {
            unsigned char c = s->text[i + k];
            if (c < 0x80) {
                word[k++] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
            } else {
                is_ascii = false;
                k += fold_char((const char *)s->text + i + k, n - k, word + k);
            }
        }
        found = look_up(s, i, word, n, end);
    }
    if (found == LABEL_NONE && is_ascii && find_may_end_label(s, i, word_end)) {
        found = by_ending(s, i, word_end);
        *end = word_end;
    }
    return found;
}

bool find_near(const struct scan *s, enum label kind, size_t i, size_t max)
{
    size_t end = s->label_end[kind];
    if (!end || end > i || i - end > max) {
        return false;
    }
    s->out->work += i - end;
    const unsigned char *at = s->text + end, *stop = s->text + i;
    for (int breaks = 0; (at = memchr(at, '\n', (size_t)(stop - at))) != NULL; at++) {
        if (++breaks > 1) {
            return false;
        }
    }
    return true;
}

bool find_on_line(const struct scan *s, enum label kind, size_t i, size_t max)
{
    return find_near(s, kind, i, max) && !find_is_break(s, s->label_end[kind], i);
}

bool find_follows(const struct scan *s, enum label kind, size_t end)
{
    for (size_t i = end; i < end + NEAR / 2 && i < s->len && s->text[i] != '\n';) {
        size_t word_end = find_word_end(s, i), phrase_end;
        s->out->work++;
        if (word_end == i) {
            i++;
            continue;
        }
        if (may_be_label(s, i, word_end) &&
            find_label_at(s, i, word_end, &phrase_end) == kind) {
            return true;
        }
        i = word_end;
    }
    return false;
}
