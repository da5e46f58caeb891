// unread.c -- ink that no word covers, gathered into lines.
//
// A reader of paper takes rows of dashes for ruled lines, and leaves out what stands between
// them: a private key between BEGIN and END.  What has ink is put into small cells; cells of
// words are taken away; what is left and lies close together is a part.
// SPDX-License-Identifier: MIT
#include "ocr/unread.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    CELL_X = 8,  // px
    CELL_Y = 2,
    INK = 128,           // darker is ink
    JOIN_CELLS = 3,      // gap of a blank between words, in cells
    LEAST_WIDTH = 60,    // px: shorter ones hold no secret
    LEAST_HEIGHT = 7,    // px; lower is a rule
    MOST_HEIGHT = 240,   // px; higher is a picture
    WORD_MARGIN = 2,     // px around a word: its letters' soft edges
    LEAST_INK_PCT = 30,  // of the cells of a part
    UNSEEN = 0,
    SEEN = 1
};

struct sheet {
    uint8_t *cells;  // owned; SEEN: ink that is not yet in a part
    int columns, rows;
    int *stack;  // owned: cells of a part whose neighbours are to be looked at
};

static void mark_ink(struct sheet *s, const uint8_t *luma, int width, int height)
{
    for (int y = 0; y < height; y++) {
        const uint8_t *row = luma + (size_t)y * (size_t)width;
        uint8_t *cells = s->cells + (size_t)(y / CELL_Y) * (size_t)s->columns;
        for (int x = 0; x < width; x++) {
            cells[x / CELL_X] |= row[x] < INK;
        }
    }
}

static int clip(int i, int max)
{
    return i < 0 ? 0 : i > max ? max : i;
}

static void take_word(struct sheet *s, const struct wire_word *w)
{
    const int left = clip((w->left - WORD_MARGIN) / CELL_X, s->columns);
    const int right = clip((w->left + w->width + WORD_MARGIN) / CELL_X + 1, s->columns);
    const int top = clip((w->top - WORD_MARGIN) / CELL_Y, s->rows);
    const int bottom = clip((w->top + w->height + WORD_MARGIN) / CELL_Y + 1, s->rows);
    for (int y = top; y < bottom && right > left; y++) {
        memset(s->cells + (size_t)y * (size_t)s->columns + left, UNSEEN,
               (size_t)(right - left));
    }
}

struct extent {
    int left, right, top, bottom;  // cells, the last ones included
    int n;                         // with ink
};

// All that is close to the cell, and close to that; each is taken once.
static struct extent gather(struct sheet *s, int from)
{
    struct extent e = {s->columns, 0, s->rows, 0, 0};
    int depth = 0;
    s->cells[from] = UNSEEN;
    s->stack[depth++] = from;
    while (depth > 0) {
        const int at = s->stack[--depth], x = at % s->columns, y = at / s->columns;
        e.left = x < e.left ? x : e.left;
        e.right = x > e.right ? x : e.right;
        e.top = y < e.top ? y : e.top;
        e.bottom = y > e.bottom ? y : e.bottom;
        e.n++;
        for (int j = clip(y - 1, s->rows); j <= y + 1 && j < s->rows; j++) {
            for (int i = clip(x - JOIN_CELLS, s->columns);
                 i <= x + JOIN_CELLS && i < s->columns; i++) {
                if (s->cells[j * s->columns + i] == SEEN) {
                    s->cells[j * s->columns + i] = UNSEEN;
                    s->stack[depth++] = j * s->columns + i;
                }
            }
        }
    }
    return e;
}

static bool is_text(const struct extent *e, struct unread_part *out, int width,
                    int height)
{
    out->left = e->left * CELL_X;
    out->top = e->top * CELL_Y;
    out->width = clip((e->right + 1) * CELL_X, width) - out->left;
    out->height = clip((e->bottom + 1) * CELL_Y, height) - out->top;
    const int cells = (e->right - e->left + 1) * (e->bottom - e->top + 1);
    return out->width >= LEAST_WIDTH && out->height >= LEAST_HEIGHT &&
           out->height <= MOST_HEIGHT && out->width > 2 * out->height &&
           100 * e->n >= LEAST_INK_PCT * cells;
}

static int find(struct sheet *s, int width, int height, struct unread_part *parts,
                int max)
{
    int n = 0;
    for (int i = 0; i < s->columns * s->rows && n < max; i++) {
        if (s->cells[i] == SEEN) {
            const struct extent e = gather(s, i);
            n += is_text(&e, &parts[n], width, height);
        }
    }
    return n;
}

int unread_find(const uint8_t *luma, int width, int height, const struct wire_word *words,
                size_t n_words, struct unread_part *parts, int max, int *n)
{
    struct sheet s = {.columns = (width + CELL_X - 1) / CELL_X,
                      .rows = (height + CELL_Y - 1) / CELL_Y};
    const size_t cells = (size_t)s.columns * (size_t)s.rows;
    s.cells = calloc(cells, 1);
    s.stack = malloc(cells * sizeof(*s.stack));
    const int rc = s.cells && s.stack ? 0 : E_NOMEM;
    *n = 0;
    if (rc == 0) {
        mark_ink(&s, luma, width, height);
        for (size_t i = 0; i < n_words; i++) {
            take_word(&s, &words[i]);
        }
        *n = find(&s, width, height, parts, max);
    }
    free(s.cells);
    free(s.stack);
    return rc;
}
