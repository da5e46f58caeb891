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

enum { WORD_MAX = 48 };

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
    uint16_t *link = &slot->first;
    while (*link && f->phrases[*link].len >= p->len) {
        link = &f->phrases[*link].next;
    }
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
    if (c == '_' || c == '-' || c == '.' || c == '\'') {
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
        if (i >= s->len) {
            return 0;
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

size_t find_word_end(const struct scan *s, size_t i)
{
    size_t begin = i;
    for (size_t n; (n = find_letter(s, i)) > 0 && i - begin <= WORD_MAX;) {
        if (class_at(s, i) & IS_UPPER && i > begin) {
            bool after_small = class_before(s, i) & IS_LOWER;
            bool begins_word =
                class_before(s, i) & IS_UPPER && class_at(s, i + 1) & IS_LOWER;
            if (after_small || begins_word) {
                break;
            }
        }
        i += n;
    }
    return i;
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

// "dbpassword", "Benutzerpasswort": the last part decides.
static enum label by_ending(const char *word, size_t n)
{
    static const struct {
        const char *ending;
        enum label label;
    } endings[] = {
        {"password", LABEL_PASSWORD}, {"passwd", LABEL_PASSWORD},
        {"passwort", LABEL_PASSWORD}, {"kennwort", LABEL_PASSWORD},
        {"apikey", LABEL_SECRET},     {"secret", LABEL_SECRET},
        {"token", LABEL_KEY},         {"passcode", LABEL_PASSWORD},
    };
    if (n < 7 || !strchr("dtyne", word[n - 1])) {
        return LABEL_NONE;
    }
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t m = strlen(endings[i].ending);
        if (n > m && memcmp(word + n - m, endings[i].ending, m) == 0) {
            return endings[i].label;
        }
    }
    return LABEL_NONE;
}

enum label find_label_at(const struct scan *s, size_t i, size_t word_end, size_t *end)
{
    char word[WORD_MAX + 8];
    size_t n = word_end - i;
    bool dense = is_dense(s->text[i]);
    if (n < 1 || n > WORD_MAX + 4) {
        return LABEL_NONE;
    }
    n = dense ? (n < 6 ? n : 6) : n;
    for (size_t k = 0; k < n;) {
        unsigned char c = s->text[i + k];
        if (c < 0x80) {
            word[k] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
            k++;
        } else {
            k += fold_char((const char *)s->text + i + k, n - k, word + k);
        }
    }
    s->out->work += n;
    enum label found = look_up(s, i, word, n, end);
    if (found == LABEL_NONE && !dense) {
        found = by_ending(word, n);
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
    size_t stop = find_line_end(s, end);
    stop = stop > end + NEAR / 2 ? end + NEAR / 2 : stop;
    for (size_t i = end; i < stop;) {
        size_t word_end = find_word_end(s, i), phrase_end;
        if (word_end == i) {
            i++;
            continue;
        }
        if (find_label_at(s, i, word_end, &phrase_end) == kind) {
            return true;
        }
        i = word_end;
    }
    return false;
}
