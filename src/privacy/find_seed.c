// find_seed.c -- the words of a wallet: eleven or more of BIP-39 in a row.
//
// Ordinary sentences don't have so many of them, for the list leaves out the small words.
// Where a run holds 12, 15, 18, 21 or 24 words with a valid check it is a seed beyond doubt.
// Source: BIP-39; its English words are told apart by their first four letters.
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

#include <bip39_words.h>
#include <openssl/sha.h>

enum { RUN_MIN = 11, ODD_MAX = 2, GAP_MAX = 12, WORDS = 2048 };

// A word as a number: eight letters fill it.
static uint64_t pack(const unsigned char *word, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        v = v << 8 | (word[i] | 0x20u);
    }
    return v;
}

// The same of a word of the text: eight bytes at once where there are so many.
static uint64_t pack_at(const struct scan *s, size_t i, size_t n)
{
    const unsigned char *at = s->text + i;
    if (s->len - i < 8 || n == 0 || n > 8) {
        return pack(at, n);
    }
    uint64_t v = (uint64_t)at[0] << 56 | (uint64_t)at[1] << 48 | (uint64_t)at[2] << 40 |
                 (uint64_t)at[3] << 32 | (uint64_t)at[4] << 24 | (uint64_t)at[5] << 16 |
                 (uint64_t)at[6] << 8 | at[7];
    return (v | 0x2020202020202020u) >> (64 - 8 * n);
}

static size_t slot_of(uint64_t packed)
{
    return (size_t)(packed * 0x9e3779b97f4a7c15u >> 51);  // 13 bits: SEED_SLOTS
}

static void put(uint16_t *slots, size_t at, int word)
{
    while (slots[at % SEED_SLOTS]) {
        at++;
    }
    slots[at % SEED_SLOTS] = (uint16_t)(word + 1);
}

void find_seed_open(struct privacy_finder *f)
{
    for (int i = 0; i < WORDS; i++) {
        const unsigned char *word = (const unsigned char *)bip39_words[i];
        size_t n = strlen(bip39_words[i]);
        f->seed_words[i] = pack(word, n);
        f->hints[hint_slot_of_word(word, n)] |= HINT_SEED;
        put(f->seeds, slot_of(f->seed_words[i]), i);
        if (n >= 4) {
            put(f->seed_starts, slot_of(pack(word, 4)), i);
        }
    }
}

// -1 if it is none of them.
static int find_word(const struct privacy_finder *f, uint64_t packed)
{
    for (size_t at = slot_of(packed); f->seeds[at % SEED_SLOTS]; at++) {
        int i = f->seeds[at % SEED_SLOTS] - 1;
        if (f->seed_words[i] == packed) {
            return i;
        }
    }
    return -1;
}

// The one with the same first four letters.
static int find_similar(const struct privacy_finder *f, const unsigned char *word)
{
    uint64_t packed = pack(word, 4);
    for (size_t at = slot_of(packed); f->seed_starts[at % SEED_SLOTS]; at++) {
        int i = f->seed_starts[at % SEED_SLOTS] - 1;
        if (pack((const unsigned char *)bip39_words[i], 4) == packed) {
            return i;
        }
    }
    return -1;
}

// words are those of a seed: their last bits are the beginning of the hash of the others.
static bool is_checked(const uint16_t *words, int n)
{
    unsigned char bits[36] = {0}, sum[SHA256_DIGEST_LENGTH];
    uint32_t held = 0;
    int n_held = 0, bytes = 0;
    for (int i = 0; i < n; i++) {
        held = held << 11 | words[i];
        for (n_held += 11; n_held >= 8; n_held -= 8) {
            bits[bytes++] = (unsigned char)(held >> (n_held - 8));
        }
    }
    bits[bytes] = (unsigned char)(held << (8 - n_held));
    int entropy = n * 11 * 32 / 33, check = n * 11 - entropy;
    unsigned char last = bits[entropy / 8];
    SHA256(bits, (size_t)entropy / 8, sum);
    return (last ^ sum[0]) >> (8 - check) == 0;
}

// Some words of the run are a seed with its check.
static bool has_seed(const struct scan *s)
{
    for (int n = 24; n >= 12; n -= 3) {
        for (int first = 0; first + n <= s->seed.n; first++) {
            if (is_checked(s->seed.words + first, n)) {
                return true;
            }
        }
    }
    return false;
}

// "1. word": from the number on.
static size_t with_number(const struct scan *s, size_t i)
{
    size_t at = i;
    while (at > s->from && i - at < 4 && strchr(" .):", s->text[at - 1])) {
        at--;
    }
    size_t digits = at;
    while (digits > s->from && at - digits < 2 && class_before(s, digits) & IS_DIGIT) {
        digits--;
    }
    return digits < at && !(class_before(s, digits) & IS_ALNUM) ? digits : i;
}

// A sentence uses its words again, a seed hardly ever.
static int count_again(const struct scan *s)
{
    int again = 0;
    for (int i = 1; i < s->seed.n; i++) {
        int k = 0;
        while (k < i && s->seed.words[k] != s->seed.words[i]) {
            k++;
        }
        again += k < i;
    }
    return again;
}

void find_seed_end(struct scan *s)
{
    int n = s->seed.n;
    if (n >= RUN_MIN) {
        bool is_seed = n % 3 == 0 && n >= 12 && n <= 24 && is_checked(s->seed.words, n);
        int again = count_again(s);
        bool is_sure = is_seed || (again <= 2 + n / 24 && has_seed(s));
        s->out->work += (uint64_t)n * 24;
        if (is_seed || again <= 1 + is_sure + n / 24) {
            find_add(s, PRIVACY_SEED, with_number(s, s->seed.begin), s->seed.end,
                     is_sure ? privacy_category_weight(PRIVACY_SEED) : WEAKER);
        }
    }
    s->seed.n = s->seed.odd = 0;
}

// Between two words stand blanks, line breaks, numbers and dots, and nothing else.
static bool is_next(const struct scan *s, size_t i)
{
    if (i - s->seed.end > GAP_MAX || i == s->seed.end) {
        return false;
    }
    if (i == s->seed.end + 1 && s->text[i - 1] == ' ') {
        return true;
    }
    bool has_blank = false;
    for (size_t k = s->seed.end; k < i; k++) {
        unsigned char c = s->text[k];
        bool is_blank = c == ' ' || c == '\n' || c == ',' || c == '\t';
        has_blank |= is_blank;
        if (!is_blank && !(class_at(s, k) & IS_DIGIT) &&
            !(c && strchr("\r.:)#|-\"'", c))) {
            return false;
        }
    }
    return has_blank;
}

static void add_word(struct scan *s, size_t i, size_t end, int word)
{
    if (s->seed.n == 0) {
        s->seed.begin = i;
    }
    s->seed.words[s->seed.n++] = (uint16_t)word;
    s->seed.end = end;
}

void find_seed_word(struct scan *s, size_t i, size_t end)
{
    const unsigned char *word = s->text + i;
    size_t n = end - i;
    if (s->seed.n > 0 && !is_next(s, i)) {
        find_seed_end(s);
    }
    int found = n >= 3 && n <= 8 ? find_word(s->f, pack_at(s, i, n)) : -1;
    bool is_run = s->seed.n >= SEED_RUN_FUZZY && s->seed.odd < ODD_MAX;
    if (found < 0 && is_run && n >= 4 && n <= 9) {
        found = find_similar(s->f, word);
        s->seed.odd += found >= 0;
    }
    if (s->seed.n > 0 && (found < 0 || s->seed.n == SEED_RUN_MAX)) {
        find_seed_end(s);
    }
    if (found >= 0) {
        add_word(s, i, end, found);
    }
}
