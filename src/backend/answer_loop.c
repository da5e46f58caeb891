// answer_loop.c -- has the model fallen into a loop?
//
// Three signs: the end is one piece repeated; most sentences are the same; most groups of
// three words came before.  What a screenshot shows may repeat too (a table, a log), so
// copied text is held to the first sign only, and only when there is a lot of it.
// SPDX-License-Identifier: MIT
#include "backend/answer.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

enum {
    MAX_PIECE = 300,   // bytes of the piece that repeats
    LOOK_BACK = 8192,  // bytes from the end that are looked at
    MIN_REPEATS = 6,
    MIN_LOOP_BYTES = 120,
    MIN_COPY_REPEATS = 40,
    MIN_COPY_BYTES = 2000,
    MAX_PARTS = 256,
};

// How many bytes at the end belong to a loop with a piece of that length.
static size_t loop_bytes(const char *text, size_t len, size_t piece)
{
    size_t same = 0;
    while (same + piece < len && text[len - 1 - same] == text[len - 1 - same - piece]) {
        same++;
    }
    return same < piece ? 0 : same + piece;
}

// The longest loop at the end that repeats its piece at least so often.
static size_t longest_loop(const char *text, size_t len, size_t min_repeats)
{
    size_t best = 0;
    for (size_t piece = 1; piece <= MAX_PIECE && piece <= len / min_repeats; piece++) {
        size_t n = loop_bytes(text, len, piece);
        best = n >= piece * min_repeats && n > best ? n : best;
    }
    return best;
}

bool loop_at_end(const char *text, size_t len)
{
    size_t seen = len < LOOK_BACK ? len : LOOK_BACK;
    return longest_loop(text + len - seen, seen, MIN_REPEATS) >= MIN_LOOP_BYTES;
}

bool loop_in_copy(const char *text)
{
    size_t len = strlen(text);
    size_t seen = len < LOOK_BACK ? len : LOOK_BACK;
    size_t n = longest_loop(text + len - seen, seen, MIN_COPY_REPEATS);
    return n >= MIN_COPY_BYTES && n >= seen / 5 * 4;
}

struct part {
    const char *at;
    size_t len;
};

static uint32_t hash_part(const struct part *p, uint32_t hash)
{
    for (size_t i = 0; i < p->len; i++) {
        hash = (hash ^ (unsigned char)tolower((unsigned char)p->at[i])) * 16777619u;
    }
    return (hash ^ 0xff) * 16777619u;
}

// Cuts text at any of the characters in ends; parts of fewer than min_len bytes are left
// out.  Returns how many.
static size_t cut(const char *text, const char *ends, size_t min_len, struct part *parts)
{
    size_t n = 0;
    while (*text && n < MAX_PARTS) {
        text += strspn(text, ends);
        size_t len = strcspn(text, ends);
        if (len >= min_len) {
            parts[n++] = (struct part){text, len};
        }
        text += len;
    }
    return n;
}

// How many of the n hashes came before.
static size_t count_repeats(const uint32_t *hashes, size_t n)
{
    size_t repeats = 0;
    for (size_t i = 1; i < n; i++) {
        size_t j = 0;
        while (j < i && hashes[j] != hashes[i]) {
            j++;
        }
        repeats += j < i;
    }
    return repeats;
}

static bool has_same_sentences(const char *text)
{
    struct part parts[MAX_PARTS];
    uint32_t hashes[MAX_PARTS];
    size_t n = cut(text, ".!?\n", 12, parts);
    for (size_t i = 0; i < n; i++) {
        while (parts[i].len > 0 && isspace((unsigned char)*parts[i].at)) {
            parts[i].at++;
            parts[i].len--;
        }
        hashes[i] = hash_part(&parts[i], 2166136261u);
    }
    return n >= 6 && count_repeats(hashes, n) * 2 > n;
}

static bool has_same_words(const char *text)
{
    struct part parts[MAX_PARTS];
    uint32_t hashes[MAX_PARTS];
    size_t n = cut(text, " \t\r\n.,;:!?", 1, parts);
    if (n < 42) {
        return false;
    }
    for (size_t i = 0; i + 2 < n; i++) {
        hashes[i] = hash_part(
            &parts[i + 2], hash_part(&parts[i + 1], hash_part(&parts[i], 2166136261u)));
    }
    return count_repeats(hashes, n - 2) * 4 > (n - 2) * 3;
}

bool loop_in_prose(const char *text)
{
    return loop_at_end(text, strlen(text)) || has_same_sentences(text) ||
           has_same_words(text);
}
