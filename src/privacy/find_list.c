// find_list.c -- numbered lists of seed words, whole though some of them were misread.
//
// A word that is none of BIP-39 ends a run of seed words; the numbers before the words tell
// that the list goes on.
// SPDX-License-Identifier: MIT
#include "privacy/find_scan.h"

enum {
    LIST_GAP = 6,   // bytes between items of a list
    ITEM_MAX = 24,  // bytes of one
    LIST_BACK = 96  // bytes to the item before, of a torn row
};

// "22. pupil": where such an item at i ends, i if there is none.
static size_t list_item(const struct scan *s, size_t i)
{
    size_t at = i, digits = 0, letters = 0;
    while (class_at(s, at) & IS_DIGIT) {
        at++;
        digits++;
    }
    while (at < s->len && memchr(".):, ", s->text[at], 5)) {
        at++;
    }
    while (class_at(s, at) & (letters ? IS_LOWER | IS_DIGIT : IS_LOWER)) {
        at++;
        letters++;
    }
    s->out->work += at - i + 1;
    return digits >= 1 && digits <= 2 && letters >= 3 && letters <= 8 ? at : i;
}

static size_t after_list(const struct scan *s, size_t end)
{
    for (int items = 0; items < SEED_RUN_MAX; items++) {
        size_t i = end;
        while (i < s->len && i - end < LIST_GAP && memchr(" \n\t|,", s->text[i], 5)) {
            i++;
        }
        const size_t next = list_item(s, i);
        if (next == i) {
            break;
        }
        end = next;
    }
    return end;
}

// The number of the list's item at i, 0 if none.
static int item_number(const struct scan *s, size_t i)
{
    const bool has_two = class_at(s, i + 1) & IS_DIGIT;
    const size_t end = i + 1 + has_two;
    if (!(class_at(s, i) & IS_DIGIT) || class_before(s, i) & IS_ALNUM ||
        (byte_at(s, end) != '.' && byte_at(s, end) != ')')) {
        return 0;
    }
    const int first = s->text[i] - '0';
    return has_two ? 10 * first + s->text[i + 1] - '0' : first;
}

// The item before the one at begin, when something stands between: a row that was torn.
static size_t torn_item(const struct scan *s, size_t begin)
{
    const int number = item_number(s, begin);
    const size_t floor = begin > LIST_BACK ? begin - LIST_BACK : 0;
    s->out->work += begin - floor;
    for (size_t i = begin; number > 1 && i > floor; i--) {
        if (item_number(s, i - 1) == number - 1) {
            return i - 1;
        }
    }
    return begin;
}

// Where the items before begin, back to the first of the list.
static size_t before_list(const struct scan *s, size_t begin)
{
    for (int items = 0; items < SEED_RUN_MAX; items++) {
        const size_t floor = begin > ITEM_MAX ? begin - ITEM_MAX : 0;
        size_t at = begin;
        for (size_t i = begin; i > floor && at == begin; i--) {
            const bool is_first =
                class_at(s, i - 1) & IS_DIGIT && !(class_before(s, i - 1) & IS_ALNUM);
            const size_t end = is_first ? list_item(s, i - 1) : i - 1;
            at = end > i - 1 && end <= begin && begin - end < LIST_GAP ? i - 1 : begin;
        }
        at = at == begin ? torn_item(s, begin) : at;
        if (at == begin) {
            break;
        }
        begin = at;
    }
    return begin;
}

// Words of a numbered list belong to it, though they were misread.
void find_list_ends(struct scan *s)
{
    const int n = s->out->n;
    for (int i = 0; i < n && !s->is_over; i++) {
        const struct privacy_finding one = s->out->items[i];
        if (one.category == PRIVACY_SEED) {
            find_add(s, PRIVACY_SEED, before_list(s, one.offset),
                     after_list(s, (size_t)one.offset + one.len), one.weight);
        }
    }
}
