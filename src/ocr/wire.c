// wire.c -- the limits of the helper's protocol, checked the same way at both ends.
// SPDX-License-Identifier: MIT
#include "ocr/wire.h"

#include "base/utf8.h"

#include <string.h>

int wire_page_check(const struct wire_page *p)
{
    bool has_sides = p->width >= 1 && p->width <= WIRE_MAX_SIDE && p->height >= 1 &&
                     p->height <= WIRE_MAX_SIDE;
    // Two 15-bit sides: the product fits.
    return has_sides && p->width * p->height <= WIRE_MAX_PIXELS ? 0 : E_TOOBIG;
}

static bool is_language_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '+';
}

bool wire_is_language(const char *language)
{
    size_t len = strnlen(language, WIRE_LANGUAGE_BYTES);
    for (size_t i = 0; i < len; i++) {
        if (!is_language_char(language[i])) {
            return false;
        }
    }
    return len > 0 && len < WIRE_LANGUAGE_BYTES && language[0] != '+' &&
           language[len - 1] != '+';
}

size_t wire_body_bytes(const struct wire_answer *a)
{
    return a->text_len + (size_t)a->words * sizeof(struct wire_word);
}

int wire_answer_check(const struct wire_answer *a)
{
    bool is_ours = a->magic == WIRE_ANSWER_MAGIC && a->status < WIRE_STATUSES;
    bool is_small = a->text_len <= WIRE_MAX_TEXT_BYTES && a->words <= WIRE_MAX_WORDS &&
                    a->page_len <= a->text_len && a->mean_confidence <= 100;
    return is_ours && is_small ? 0 : E_GARBAGE;
}

static bool is_inside(int32_t start, int32_t len, uint32_t limit)
{
    return start >= 0 && len >= 0 && (int64_t)start + len <= (int64_t)limit;
}

int wire_body_check(const struct wire_answer *a, const struct wire_page *p,
                    const struct wire_word *words, const char *text)
{
    if (!utf8_is_valid(text, a->text_len) || memchr(text, 0, a->text_len)) {
        return E_GARBAGE;
    }
    for (uint32_t i = 0; i < a->words; i++) {
        const struct wire_word *w = &words[i];
        if (w->offset > a->text_len || w->len > a->text_len - w->offset ||
            w->confidence > 100 || !is_inside(w->left, w->width, p->width) ||
            !is_inside(w->top, w->height, p->height)) {
            return E_GARBAGE;
        }
    }
    return 0;
}
