// helper_again.c -- reads once more what may be a secret, and what was not read at all.
//
// A random string has no language that would mend a letter read wrong, and a wrong letter
// hides it from its rule.  Read alone and larger, a line goes wrong elsewhere, if at all: the
// two readings are right together far oftener than each.  Lines of plain words read well are
// left alone, so a page of prose costs nothing more.
// SPDX-License-Identifier: MIT
#include "ocr/helper.h"
#include "ocr/unread.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    AGAIN_SCALE = 3,
    AGAIN_MOST = 48,         // parts of a page
    AGAIN_MAX_SIDE = 32000,  // px when enlarged
    UNSURE = 70,             // confidence, %
    LEAST_ODD = 4,           // bytes of a word that is no word of a language
    BLOCK_PX = 40,           // higher parts are several lines
};

// Parts of the page to be read, from the top down.
struct again {
    const struct wire_page *page;
    struct view parts[AGAIN_MOST];
    int n;
};

// ---- lines

static bool is_letter(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

// Digits, signs between letters, a capital behind a small letter.
static bool is_odd(const char *text, const struct wire_word *w)
{
    const unsigned char *c = (const unsigned char *)text + w->offset;
    bool is_strange = false;
    for (uint32_t i = 0; i < w->len; i++) {
        const bool is_inside = i > 0 && i + 1 < w->len;
        const bool is_capital =
            i > 0 && c[i] >= 'A' && c[i] <= 'Z' && c[i - 1] >= 'a' && c[i - 1] <= 'z';
        is_strange |=
            (c[i] >= '0' && c[i] <= '9') || is_capital || (is_inside && !is_letter(c[i]));
    }
    return w->len >= LEAST_ODD && is_strange;
}

static bool is_doubtful(const char *text, const struct wire_word *w)
{
    return w->confidence < UNSURE || is_odd(text, w);
}

static bool ends_line(const struct helper *h, const struct wire_word *w)
{
    const size_t end = w->offset + w->len;
    return end >= h->text.len || h->text.data[end] == '\n';
}

// With some paper around it.
static struct view view_of(const struct again *a, int left, int top, int right,
                           int bottom)
{
    const int height = bottom - top, width = (int)a->page->width;
    const int beside = height, above = height > BLOCK_PX ? 6 : height / 4 + 1;
    left = left > beside ? left - beside : 0;
    top = top > above ? top - above : 0;
    right = right + beside < width ? right + beside : width;
    bottom =
        bottom + above < (int)a->page->height ? bottom + above : (int)a->page->height;
    return (struct view){left,         top,
                         right - left, bottom - top,
                         AGAIN_SCALE,  height > BLOCK_PX ? VIEW_BLOCK : VIEW_LINE};
}

static void add(struct again *a, const struct view *v)
{
    const bool fits = v->width * v->scale <= AGAIN_MAX_SIDE && v->width > 0 &&
                      v->height * v->scale <= AGAIN_MAX_SIDE && v->height > 0;
    if (fits && a->n < AGAIN_MOST) {
        a->parts[a->n++] = *v;
    }
}

static void add_lines(const struct helper *h, struct again *a)
{
    const struct wire_word *words = (const struct wire_word *)(const void *)h->words.data;
    const size_t n = h->words.len / sizeof(*words);
    const char *text = buf_str(&h->text);
    int left = INT32_MAX, top = INT32_MAX, right = 0, bottom = 0;
    bool is_wanted = false;
    for (size_t i = 0; i < n; i++) {
        const struct wire_word *w = &words[i];
        left = w->left < left ? w->left : left;
        top = w->top < top ? w->top : top;
        right = w->left + w->width > right ? w->left + w->width : right;
        bottom = w->top + w->height > bottom ? w->top + w->height : bottom;
        is_wanted |= is_doubtful(text, w);
        if (ends_line(h, w)) {
            if (is_wanted) {
                const struct view v = view_of(a, left, top, right, bottom);
                add(a, &v);
            }
            left = top = INT32_MAX;
            right = bottom = 0;
            is_wanted = false;
        }
    }
}

// ---- ink without words

static void add_unread(const struct helper *h, struct again *a, const uint8_t *luma)
{
    struct unread_part parts[AGAIN_MOST];
    int n;
    if (unread_find(luma, (int)a->page->width, (int)a->page->height,
                    (const struct wire_word *)(const void *)h->words.data,
                    h->words.len / sizeof(struct wire_word), parts, AGAIN_MOST, &n)) {
        return;
    }
    for (int i = 0; i < n; i++) {
        const struct unread_part *p = &parts[i];
        const struct view v =
            view_of(a, p->left, p->top, p->left + p->width, p->top + p->height);
        add(a, &v);
    }
}

// ---- reading

static int by_place(const void *a, const void *b)
{
    const struct view *v = a, *w = b;
    return v->top != w->top ? v->top - w->top : v->left - w->left;
}

// The line below, of the same column.
static bool follows(const struct view *v, const struct view *next)
{
    return next->top < v->top + v->height + v->height / 2 &&
           next->left < v->left + v->width && v->left < next->left + next->width;
}

// An empty line ends each part; what follows below belongs to it.
static void join_lines(struct helper *h)
{
    const size_t n = h->text.len;
    if (n >= 2 && memcmp(h->text.data + n - 2, "\n\n", 2) == 0) {
        h->text.data[--h->text.len] = 0;
    }
}

// What can not be read a second time leaves the page as it is.
void helper_again(struct helper *h, const struct wire_page *p, const uint8_t *luma)
{
    struct again a = {.page = p};
    add_unread(h, &a, luma);
    add_lines(h, &a);
    qsort(a.parts, (size_t)a.n, sizeof(a.parts[0]), by_place);
    for (int i = 0; i < a.n; i++) {
        if (i > 0 && follows(&a.parts[i - 1], &a.parts[i])) {
            join_lines(h);
        }
        const size_t text_len = h->text.len, words_len = h->words.len;
        if (helper_read(h, p, luma, &a.parts[i]) != WIRE_OK) {
            h->text.len = text_len;
            h->words.len = words_len;
            return;
        }
    }
}
