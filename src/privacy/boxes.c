// boxes.c -- where in the picture the findings of its text stand, to be painted over.
//
// The words are put into lines first (a line ends where the text has a newline).  Each
// finding then covers a run of words per line; a second pass with one box per line is made
// when the boxes do not fit.
// SPDX-License-Identifier: MIT
#include "privacy/boxes.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_SIDE_PX = 1 << 24,  // sums of two fit into an int
    MARGIN_PART = 4,        // of a line's height
    MARGIN_LEAST_PX = 2,    // letters have soft edges
    TOKEN_LEAST = 20,       // shorter ones are not broken over lines
    TAIL_LEAST = 6,         // what goes on with one in the next line
    NEAR_END_BYTES = 2,     // behind the last word: a bracket, an ellipsis, a wrap mark
};

struct line {
    int first, last;  // words
    int left, right;  // px, of its words
    int top, bottom;
    int paragraph;
};

struct sheet {
    const struct privacy_page *page;
    struct line *lines;  // owned
    int n_lines;
    int *line_of;  // owned; per word
    struct privacy_boxes *out;
    bool is_full;
    bool is_per_line;
};

// ---- lines

static int newlines_between(const struct privacy_page *p, int word)
{
    uint32_t from = p->words[word - 1].offset + p->words[word - 1].len;
    int n = 0;
    for (uint32_t i = from; i < p->words[word].offset; i++) {
        n += p->text[i] == '\n';
    }
    return n;
}

// Words in the order of the text, all inside it: everything below relies on it.
bool privacy_page_is_sound(const struct privacy_page *p)
{
    uint64_t end = 0;
    if (p->width <= 0 || p->height <= 0 || p->width > MAX_SIDE_PX ||
        p->height > MAX_SIDE_PX) {
        return false;
    }
    for (int i = 0; i < p->n_words; i++) {
        const struct privacy_word *w = &p->words[i];
        if (w->offset < end || w->len == 0) {
            return false;
        }
        end = (uint64_t)w->offset + w->len;
    }
    return end <= p->text_len;
}

static int at_least(int a, int b)
{
    return a > b ? a : b;
}

static int at_most(int a, int b)
{
    return a < b ? a : b;
}

// Right or lower edge; what comes from outside may be any number.
static int far_edge(int from, int size, int max)
{
    int64_t edge = (int64_t)from + size;
    return edge > max ? max : edge < 0 ? 0 : (int)edge;
}

static void grow(const struct privacy_page *p, struct line *l,
                 const struct privacy_word *w)
{
    l->left = at_most(l->left, at_least(w->left, 0));
    l->top = at_most(l->top, at_least(w->top, 0));
    l->right = at_least(l->right, far_edge(w->left, w->width, p->width));
    l->bottom = at_least(l->bottom, far_edge(w->top, w->height, p->height));
}

static int make_lines(struct sheet *s)
{
    const struct privacy_page *p = s->page;
    size_t n = (size_t)at_least(p->n_words, 1);
    s->lines = calloc(n, sizeof(*s->lines));
    s->line_of = calloc(n, sizeof(*s->line_of));
    if (!s->lines || !s->line_of) {
        return E_NOMEM;
    }
    for (int i = 0; i < p->n_words; i++) {
        int breaks = i ? newlines_between(p, i) : 1;
        if (breaks) {
            const struct line *before = s->n_lines ? &s->lines[s->n_lines - 1] : NULL;
            int paragraph = before ? before->paragraph + (breaks > 1) : 0;
            s->lines[s->n_lines++] = (struct line){
                .first = i, .left = p->width, .top = p->height, .paragraph = paragraph};
        }
        struct line *l = &s->lines[s->n_lines - 1];
        l->last = i;
        s->line_of[i] = s->n_lines - 1;
        grow(p, l, &p->words[i]);
    }
    return 0;
}

// How far to the right the lines around go: where a long token is broken.
static int right_of_paragraph(const struct sheet *s, int line)
{
    int paragraph = s->lines[line].paragraph;
    int right = 0;
    for (int i = line; i >= 0 && s->lines[i].paragraph == paragraph; i--) {
        right = at_least(right, s->lines[i].right);
    }
    for (int i = line; i < s->n_lines && s->lines[i].paragraph == paragraph; i++) {
        right = at_least(right, s->lines[i].right);
    }
    return right;
}

// ---- covering

static struct privacy_box clip(const struct privacy_page *p, int left, int top, int right,
                               int bottom)
{
    left = at_least(left, 0);
    top = at_least(top, 0);
    return (struct privacy_box){left, top, at_most(right, p->width) - left,
                                at_most(bottom, p->height) - top};
}

static void unite(struct privacy_box *a, const struct privacy_box *b)
{
    int right = at_least(a->x + a->width, b->x + b->width);
    int bottom = at_least(a->y + a->height, b->y + b->height);
    a->x = at_most(a->x, b->x);
    a->y = at_most(a->y, b->y);
    a->width = right - a->x;
    a->height = bottom - a->y;
}

// They share more than half of the lower one's height: margins of lines do not count.
static bool is_same_line(const struct privacy_box *a, const struct privacy_box *b)
{
    int shared = at_most(a->y + a->height, b->y + b->height) - at_least(a->y, b->y);
    return 2 * shared > at_most(a->height, b->height);
}

static bool is_touching(const struct privacy_box *a, const struct privacy_box *b)
{
    return a->x <= b->x + b->width && b->x <= a->x + a->width;
}

// Two parts of one finding, or, per line, all that is on it.
static bool join(const struct sheet *s, const struct privacy_box *b)
{
    int n = s->out->n;
    for (int i = s->is_per_line || n == 0 ? 0 : n - 1; i < n; i++) {
        struct privacy_box *a = &s->out->items[i];
        if (is_same_line(a, b) && (s->is_per_line || is_touching(a, b))) {
            unite(a, b);
            return true;
        }
    }
    return false;
}

static void put(struct sheet *s, const struct privacy_box *b)
{
    if (join(s, b)) {
        return;
    }
    if (s->out->n == PRIVACY_MAX_BOXES) {
        s->is_full = true;
        return;
    }
    s->out->items[s->out->n++] = *b;
}

// Words first..last of one line, to at least right.  E_NOT_FOUND: one of them is nowhere.
static int cover_run(struct sheet *s, int first, int last, int right)
{
    const struct privacy_page *p = s->page;
    struct line run = {.left = p->width, .top = p->height};
    for (int i = first; i <= last; i++) {
        const struct privacy_word *w = &p->words[i];
        struct line one = {.left = p->width, .top = p->height};
        grow(p, &one, w);
        if (w->width <= 0 || w->height <= 0 || one.right <= one.left ||
            one.bottom <= one.top) {
            return E_NOT_FOUND;
        }
        grow(p, &run, w);
    }
    int margin = at_least((run.bottom - run.top) / MARGIN_PART, MARGIN_LEAST_PX);
    struct privacy_box box =
        clip(p, run.left - margin, run.top - margin, at_least(run.right, right) + margin,
             run.bottom + margin);
    put(s, &box);
    return 0;
}

// Words first..last, which may be on several lines.
static int cover(struct sheet *s, int first, int last)
{
    int rc = 0;
    for (int l = s->line_of[first]; l <= s->line_of[last] && rc == 0; l++) {
        rc = cover_run(s, at_least(first, s->lines[l].first),
                       at_most(last, s->lines[l].last), 0);
    }
    return rc;
}

// ---- what goes on behind the finding

static bool is_token_letter(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("+/=_-.~%", c));
}

// Could this word be a piece of a token?
static bool is_tail(const struct sheet *s, int word)
{
    const struct privacy_word *w = &s->page->words[word];
    const char *text = s->page->text + w->offset;
    for (uint32_t i = 0; i < w->len; i++) {
        if (!is_token_letter((unsigned char)text[i])) {
            return false;
        }
    }
    return w->len >= TAIL_LEAST;
}

// Nothing but a mark stands behind it on its line.
static bool is_at_line_end(const struct sheet *s, int word)
{
    int last = s->lines[s->line_of[word]].last;
    uint32_t bytes = 0;
    for (int i = word + 1; i <= last; i++) {
        bytes += s->page->words[i].len;
    }
    return bytes <= NEAR_END_BYTES;
}

// The words of the lines below that go on with a token which filled its line.
static int cover_tails(struct sheet *s, int word)
{
    int line = s->line_of[word];
    int right = right_of_paragraph(s, line);
    int height = s->lines[line].bottom - s->lines[line].top;
    int rc = cover_run(s, word, s->lines[line].last, right);
    bool fills = s->lines[line].right >= right - 2 * height;
    while (rc == 0 && fills && ++line < s->n_lines) {
        int first = s->lines[line].first;
        if (!is_tail(s, first)) {
            break;
        }
        fills = is_at_line_end(s, first) && s->lines[line].right >= right - 2 * height;
        rc = cover_run(s, first, fills ? s->lines[line].last : first, 0);
    }
    return rc;
}

static bool may_be_broken(const struct privacy_finding *f)
{
    switch (f->category) {
    case PRIVACY_API_KEY:
    case PRIVACY_TOKEN:
    case PRIVACY_JWT:
    case PRIVACY_PASSWORD: return f->len >= TOKEN_LEAST;
    case PRIVACY_CARD:
    case PRIVACY_IBAN:
    case PRIVACY_SSN:
    case PRIVACY_NATIONAL_ID:
    case PRIVACY_PRIVATE_KEY:
    case PRIVACY_SEED:
    case PRIVACY_EMAIL:
    case PRIVACY_PHONE:
    case PRIVACY_BIRTH:
    case PRIVACY_IP:
    case PRIVACY_MAC:
    case PRIVACY_CATEGORIES: break;
    }
    return false;
}

static bool line_has(const struct sheet *s, int line, const char *word)
{
    const struct privacy_word *first = &s->page->words[s->lines[line].first];
    const struct privacy_word *last = &s->page->words[s->lines[line].last];
    const char *text = s->page->text + first->offset;
    size_t len = (size_t)last->offset + last->len - first->offset;
    return memmem(text, len, word, strlen(word)) != NULL;
}

// "-----END RSA PRIVATE KEY-----"; dashes are often read as something else.
static bool is_end_marker(const struct sheet *s, int line)
{
    return line_has(s, line, "END") && line_has(s, line, "KEY");
}

// The last line of the private key that is on line: its END, unless another one begins
// before; else the end of the paragraph, and paragraphs of one such word a line.
static int last_of_key(const struct sheet *s, int line)
{
    for (int i = line; i < s->n_lines; i++) {
        if (i > line && line_has(s, i, "BEGIN")) {
            break;
        }
        if (is_end_marker(s, i)) {
            return i;
        }
    }
    int last = line;
    while (last + 1 < s->n_lines) {
        const struct line *next = &s->lines[last + 1];
        bool goes_on = next->paragraph == s->lines[last].paragraph ||
                       (next->first == next->last && is_tail(s, next->first));
        if (!goes_on) {
            break;
        }
        last++;
    }
    return last;
}

static int cover_key(struct sheet *s, int first, int last)
{
    int from = s->line_of[first];
    int to = at_least(last_of_key(s, from), s->line_of[last]);
    int right = 0;
    int rc = 0;
    for (int l = from; l <= to; l++) {
        right = at_least(right, s->lines[l].right);
    }
    for (int l = from; l <= to && rc == 0; l++) {
        rc = cover_run(s, l == from ? first : s->lines[l].first, s->lines[l].last, right);
    }
    return rc;
}

// ---- findings

// The first word that ends behind offset, or n_words.
static int word_at(const struct privacy_page *p, uint64_t offset)
{
    int low = 0;
    int high = p->n_words;
    while (low < high) {
        int middle = low + (high - low) / 2;
        const struct privacy_word *w = &p->words[middle];
        if ((uint64_t)w->offset + w->len > offset) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static int cover_finding(struct sheet *s, const struct privacy_finding *f)
{
    const struct privacy_page *p = s->page;
    uint64_t end = (uint64_t)f->offset + f->len;
    int first = word_at(p, f->offset);
    int last = first;
    if (first == p->n_words || p->words[first].offset >= end) {
        return E_NOT_FOUND;
    }
    while (last + 1 < p->n_words && p->words[last + 1].offset < end) {
        last++;
    }
    if (f->category == PRIVACY_PRIVATE_KEY) {
        return cover_key(s, first, last);
    }
    int rc = cover(s, first, last);
    if (rc == 0 && may_be_broken(f) && is_at_line_end(s, last)) {
        rc = cover_tails(s, last);
    }
    return rc;
}

static int cover_all(struct sheet *s, const struct privacy_findings *findings,
                     unsigned masked)
{
    int rc = 0;
    s->out->n = 0;
    s->is_full = false;
    for (int i = 0; i < findings->n && rc == 0; i++) {
        const struct privacy_finding *f = &findings->items[i];
        assert(f->category < PRIVACY_CATEGORIES);
        if (masked & 1u << f->category) {
            rc = cover_finding(s, f);
        }
    }
    return rc;
}

int privacy_boxes_make(const struct privacy_page *page,
                       const struct privacy_findings *findings, unsigned masked,
                       struct privacy_boxes *out)
{
    struct sheet s = {.page = page, .out = out};
    out->n = 0;
    if (!privacy_page_is_sound(page)) {
        return E_NOT_FOUND;
    }
    int rc = make_lines(&s);
    rc = rc ? rc : cover_all(&s, findings, masked);
    if (rc == 0 && s.is_full) {
        s.is_per_line = true;
        rc = cover_all(&s, findings, masked);
    }
    if (rc == 0 && s.is_full) {
        out->items[0] = (struct privacy_box){0, 0, page->width, page->height};
        out->n = 1;
    }
    out->n = rc ? 0 : out->n;
    free(s.lines);
    free(s.line_of);
    return rc;
}
