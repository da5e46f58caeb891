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

static uint32_t hash_letters(const char *word, size_t n)
{
    uint32_t h = 0;
    for (size_t i = 0; i < n; i++) {
        h = h * 31 + (unsigned char)word[i];
    }
    return h * 2654435761u >> 19;  // 13 bits: SEED_SLOTS
}

static void put(uint16_t *slots, uint32_t at, int word)
{
    while (slots[at % SEED_SLOTS]) {
        at++;
    }
    slots[at % SEED_SLOTS] = (uint16_t)(word + 1);
}

void find_seed_open(struct privacy_finder *f)
{
    for (int i = 0; i < WORDS; i++) {
        size_t n = strlen(bip39_words[i]);
        f->hints[hint_slot_of_word((const unsigned char *)bip39_words[i], n)] |=
            HINT_SEED;
        put(f->seeds, hash_letters(bip39_words[i], n), i);
        if (n >= 4) {
            put(f->seed_starts, hash_letters(bip39_words[i], 4), i);
        }
    }
}

// The word with this text, or the one whose first four letters it has; -1 if none.
static int look_up(const uint16_t *slots, const char *word, size_t n, bool is_whole)
{
    for (uint32_t at = hash_letters(word, n); slots[at % SEED_SLOTS]; at++) {
        int i = slots[at % SEED_SLOTS] - 1;
        if (bip39_words[i][0] == word[0] && memcmp(bip39_words[i], word, n) == 0 &&
            (!is_whole || bip39_words[i][n] == 0)) {
            return i;
        }
    }
    return -1;
}

// words are those of a seed: their last bits are the beginning of the hash of the others.
static bool is_checked(const uint16_t *words, int n)
{
    unsigned char bits[36] = {0}, sum[SHA256_DIGEST_LENGTH];
    for (int i = 0; i < n * 11; i++) {
        unsigned bit = words[i / 11] >> (10 - i % 11) & 1u;
        bits[i / 8] |= (unsigned char)(bit << (7 - i % 8));
    }
    int entropy = n * 11 * 32 / 33, check = n * 11 - entropy;
    unsigned char last = bits[entropy / 8];
    SHA256(bits, (size_t)entropy / 8, sum);
    return (last ^ sum[0]) >> (8 - check) == 0;
}

// How many words of the run are a seed with its check.
static int longest_seed(const struct scan *s)
{
    for (int n = 24; n >= 12; n -= 3) {
        for (int first = 0; first + n <= s->seed.n; first++) {
            if (is_checked(s->seed.words + first, n)) {
                return n;
            }
        }
    }
    return 0;
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
        int sure = longest_seed(s);
        s->out->work += (uint64_t)n * 24;
        if (sure == n || count_again(s) <= (sure ? 2 : 1) + n / 24) {
            find_add(s, PRIVACY_SEED, with_number(s, s->seed.begin), s->seed.end,
                     sure ? privacy_category_weight(PRIVACY_SEED) : WEAKER);
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
    char word[8];
    size_t n = end - i;
    int found = -1;
    if (s->seed.n > 0 && !is_next(s, i)) {
        find_seed_end(s);
    }
    if (n >= 3 && n <= 9) {
        for (size_t k = 0; k < n && k < sizeof(word); k++) {
            word[k] = (char)(s->text[i + k] | 0x20);
        }
        found = n <= 8 ? look_up(s->f->seeds, word, n, true) : -1;
        if (found < 0 && n >= 4 && s->seed.n >= 2 && s->seed.odd < ODD_MAX) {
            found = look_up(s->f->seed_starts, word, 4, false);
            s->seed.odd += found >= 0;
        }
    }
    if (s->seed.n > 0 && (found < 0 || s->seed.n == SEED_RUN_MAX)) {
        find_seed_end(s);
    }
    if (found >= 0) {
        add_word(s, i, end, found);
    }
}
