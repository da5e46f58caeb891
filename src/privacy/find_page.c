// find_page.c -- lays the words of a page out in rows, and looks at the text and at the rows.
//
// A row is what stands side by side: words whose middles are at the same height.  Cells of a
// table, a label and its field, a side bar and the text beside it make one row.
// SPDX-License-Identifier: MIT
#include "privacy/find_page.h"

#include "privacy/find_scan.h"

#include <stdbool.h>
#include <stdlib.h>

enum {
    COLUMN_GAP = 5,  // quarters of a letter's height between two columns
    NEXT_ROW = 5,    // half letters' heights from a row to the next that belongs to it
    COLUMN_ROWS = 8  // of a pair of columns that are read one after the other
};

// A word of a row: index of the page's word, and where it begins in the text of rows.
struct place {
    int word;
    int middle;  // px from the top
    int left;
    int row;
    int part;  // of what several rows became: lines of its left column, of its right one
    uint32_t offset;
};

struct rows {
    const struct privacy_page *page;
    struct place *places;  // owned
    int n;
    char *text;  // owned
    size_t len;
    bool has_columns;  // pairs of them were put one after the other
};

// ---- laying out

static int by_middle(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return x->middle != y->middle ? x->middle - y->middle : x->word - y->word;
}

static int by_row(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return x->row != y->row     ? x->row - y->row
           : x->part != y->part ? x->part - y->part
           : x->left != y->left ? x->left - y->left
                                : x->word - y->word;
}

// Text recognition gives most of them in order.
static void sort(struct place *places, int n, int (*order)(const void *, const void *))
{
    for (int i = 1; i < n; i++) {
        if (order(&places[i - 1], &places[i]) > 0) {
            qsort(places, (size_t)n, sizeof(*places), order);
            return;
        }
    }
}

// A word belongs to the row above it when its middle is less than half a letter below the
// row's first one.
static void number_rows(struct rows *r)
{
    int row = 0, top = 0;
    for (int i = 0; i < r->n; i++) {
        const int half = r->page->words[r->places[i].word].height / 2;
        if (i == 0 || r->places[i].middle - top > half) {
            row += i > 0;
            top = r->places[i].middle;
        }
        r->places[i].row = row;
    }
}

// One row of places, from one index to another.
struct span {
    int from, to;
};

static struct span row_at(const struct rows *r, int from)
{
    struct span row = {from, from};
    while (row.to < r->n && r->places[row.to].row == r->places[from].row) {
        row.to++;
    }
    return row;
}

static const struct privacy_word *word_of(const struct rows *r, int i)
{
    return &r->page->words[r->places[i].word];
}

static int right_of(const struct privacy_word *w)
{
    return w->left + w->width;
}

// Where the row's second column begins, behind its widest gap; row.to if it has none.
static int second_column(const struct rows *r, struct span row)
{
    int widest = 0, at = row.to;
    for (int i = row.from + 1; i < row.to; i++) {
        const int gap = r->places[i].left - right_of(word_of(r, i - 1));
        if (gap > widest && 4 * gap >= COLUMN_GAP * word_of(r, i)->height) {
            widest = gap;
            at = i;
        }
    }
    return at;
}

// A row close below y whose words lie all on one of the two sides of x.
static bool goes_on(const struct rows *r, struct span row, int x, int y)
{
    int height = 0;
    for (int i = row.from; i < row.to; i++) {
        const struct privacy_word *w = word_of(r, i);
        if (w->left < x && right_of(w) >= x) {
            return false;
        }
        height = w->height > height ? w->height : height;
    }
    return row.from < row.to && 2 * (r->places[row.from].middle - y) < NEXT_ROW * height;
}

static void put_in_columns(struct rows *r, struct span row, int first, int x, int part)
{
    r->has_columns = true;
    for (int i = row.from; i < row.to; i++) {
        const bool is_right = r->places[i].left >= x;
        r->places[i].row = first;
        r->places[i].part = is_right ? COLUMN_ROWS + part : part;
    }
}

// A label that is broken over lines stands left of its value, which is beside one of them:
// "One-time / code:  123456".  The left column of such rows comes whole, then the right one.
static void put_columns(struct rows *r)
{
    for (struct span row = row_at(r, 0); row.from < r->n; row = row_at(r, row.to)) {
        const int column = second_column(r, row), first = r->places[row.from].row;
        const int x = column < row.to ? r->places[column].left : 0;
        struct span next = row_at(r, row.to);
        for (int part = 1; column < row.to && part < COLUMN_ROWS; part++) {
            const int y = r->places[row.to - 1].middle;
            if (!goes_on(r, next, x, y)) {
                break;
            }
            if (part == 1) {
                put_in_columns(r, row, first, x, 0);
            }
            put_in_columns(r, next, first, x, part);
            row.to = next.to;
            next = row_at(r, row.to);
        }
    }
}

// Below each other in the right column: lines of their own.
static bool is_line_break(const struct place *p)
{
    return p->row != p[-1].row || (p->part != p[-1].part && p[-1].part >= COLUMN_ROWS);
}

static void write_text(struct rows *r)
{
    r->len = 0;
    for (int i = 0; i < r->n; i++) {
        struct place *p = &r->places[i];
        const struct privacy_word *w = &r->page->words[p->word];
        if (i > 0) {
            r->text[r->len++] = is_line_break(p) ? '\n' : ' ';
        }
        p->offset = (uint32_t)r->len;
        memcpy(r->text + r->len, r->page->text + w->offset, w->len);
        r->len += w->len;
    }
}

// Second readings stand where words stand already.
static int make_rows(struct rows *r, const struct privacy_page *page)
{
    *r = (struct rows){.page = page};
    r->places = calloc((size_t)page->n_words + 1, sizeof(*r->places));
    r->text = malloc(page->text_len + (size_t)page->n_words + 1);
    if (!r->places || !r->text) {
        return E_NOMEM;
    }
    for (int i = 0; i < page->n_words; i++) {
        const struct privacy_word *w = &page->words[i];
        if (w->offset < page->plain_len && w->width > 0 && w->height > 0) {
            r->places[r->n++] = (struct place){
                .word = i, .middle = w->top + w->height / 2, .left = w->left};
        }
    }
    sort(r->places, r->n, by_middle);
    number_rows(r);
    for (struct span row = row_at(r, 0); row.from < r->n; row = row_at(r, row.to)) {
        sort(r->places + row.from, row.to - row.from, by_row);
    }
    write_text(r);
    return 0;
}

static void make_columns(struct rows *r)
{
    put_columns(r);
    if (r->has_columns) {
        sort(r->places, r->n, by_row);
        write_text(r);
    }
}

static void rows_fini(struct rows *r)
{
    free(r->places);
    free(r->text);
}

// ---- what is found in rows, said of the text

// The first word that ends behind offset, or n.
static int place_at(const struct rows *r, uint32_t offset)
{
    int low = 0, high = r->n;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        const struct place *p = &r->places[middle];
        if (p->offset + r->page->words[p->word].len > offset) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

// Words that follow each other in the text, too, stay one finding.
static void take_finding(struct scan *s, const struct rows *r,
                         const struct privacy_finding *f)
{
    const uint32_t end = f->offset + f->len;
    size_t from = 0, to = 0;
    int last = -1;
    for (int i = place_at(r, f->offset); i < r->n && r->places[i].offset < end; i++) {
        const struct place *p = &r->places[i];
        const struct privacy_word *w = &r->page->words[p->word];
        const uint32_t skip = f->offset > p->offset ? f->offset - p->offset : 0;
        const uint32_t stop = end - p->offset < w->len ? end - p->offset : w->len;
        if (last >= 0 && p->word != last + 1) {
            find_add(s, f->category, from, to, f->weight);
            last = -1;
        }
        from = last < 0 ? w->offset + skip : from;
        to = w->offset + stop;
        last = p->word;
    }
    if (last >= 0) {
        find_add(s, f->category, from, to, f->weight);
    }
}

// The rows are the lines of the text: there is nothing to find that was not found there.
static bool is_text(const struct rows *r)
{
    for (int i = 1; i < r->n; i++) {
        const struct privacy_word *w = word_of(r, i), *before = word_of(r, i - 1);
        if (r->places[i].word != r->places[i - 1].word + 1) {
            return false;
        }
        const size_t end = (size_t)before->offset + before->len;  // not behind w: sound
        const bool breaks = memchr(r->page->text + end, '\n', w->offset - end) != NULL;
        if (breaks != is_line_break(&r->places[i])) {
            return false;
        }
    }
    return true;
}

static int find_in_rows(const struct privacy_finder *f, const struct rows *r,
                        struct privacy_findings *out)
{
    struct scan s = {.f = f,
                     .text = (const unsigned char *)r->page->text,
                     .len = r->page->text_len,
                     .out = out};
    struct privacy_findings found = {0};
    int rc = privacy_find_read(f, r->text, r->len, &found);
    for (int i = 0; rc == 0 && i < found.n; i++) {
        take_finding(&s, r, &found.items[i]);
    }
    if (rc == 0) {
        find_resolve(&s);
        out->is_cut |= s.is_over || found.is_cut;
        rc = s.rc;
    }
    privacy_findings_fini(&found);
    return rc;
}

static int find_beside(const struct privacy_finder *f, const struct privacy_page *page,
                       struct privacy_findings *out)
{
    struct rows r;
    int rc = make_rows(&r, page);
    if (rc == 0 && !is_text(&r)) {
        rc = find_in_rows(f, &r, out);
    }
    if (rc == 0) {
        make_columns(&r);
        rc = r.has_columns ? find_in_rows(f, &r, out) : 0;
    }
    rows_fini(&r);
    return rc;
}

// ---- second readings

static int first_word_at(const struct privacy_page *p, uint32_t offset)
{
    int low = 0, high = p->n_words;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (p->words[middle].offset + p->words[middle].len > offset) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

// The middle of the word's left half lies in one of the finding's words.
static bool stands_in(const struct privacy_page *p, const struct privacy_word *w,
                      const struct privacy_finding *f)
{
    const int x = w->left + w->width / 4, y = w->top + w->height / 2;
    for (int i = first_word_at(p, f->offset);
         i < p->n_words && p->words[i].offset < f->offset + f->len; i++) {
        const struct privacy_word *v = &p->words[i];
        if (x >= v->left && x < v->left + v->width && y >= v->top &&
            y < v->top + v->height) {
            return true;
        }
    }
    return false;
}

static void mark_repeats(const struct privacy_page *p, struct privacy_findings *out)
{
    for (int i = 0; i < out->n; i++) {
        struct privacy_finding *f = &out->items[i];
        const int word = first_word_at(p, f->offset);
        if (f->offset < p->plain_len || word == p->n_words) {
            continue;
        }
        for (int k = 0; k < i && !f->is_repeat; k++) {
            f->is_repeat = out->items[k].category == f->category &&
                           stands_in(p, &p->words[word], &out->items[k]);
        }
    }
}

int privacy_find_page(const struct privacy_finder *f, const struct privacy_page *page,
                      struct privacy_findings *out)
{
    int rc = privacy_find_read(f, page->text, page->text_len, out);
    if (rc == 0 && privacy_page_is_sound(page)) {
        rc = find_beside(f, page, out);
        mark_repeats(page, out);
    }
    out->n = rc ? 0 : out->n;
    return rc;
}
