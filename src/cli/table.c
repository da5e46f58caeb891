// table.c -- see table.h.
// SPDX-License-Identifier: MIT
#include "table.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "out.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_BYTES = 1024, MAX_ROWS = 1000000, GAP = 2 };

void table_init(struct table *t, const char *const *heads, int n_columns)
{
    assert(n_columns >= 1 && n_columns <= TABLE_MAX_COLUMNS);
    *t = (struct table){.n_columns = n_columns, .heads = heads};
}

void table_fini(struct table *t)
{
    for (int i = 0; i < t->n_rows * t->n_columns; i++) {
        free(t->cells[i]);
    }
    free(t->cells);
    t->cells = NULL;
    t->n_rows = 0;
}

void table_row(struct table *t, const char *const *cells)
{
    if (t->n_rows == t->cap) {
        int cap = t->cap ? t->cap * 2 : 32;
        char **grown =
            cap > MAX_ROWS
                ? NULL
                : realloc(t->cells, sizeof(char *) * (size_t)cap * (size_t)t->n_columns);
        if (!grown) {
            return;
        }
        t->cells = grown;
        t->cap = cap;
    }
    for (int i = 0; i < t->n_columns; i++) {
        char safe[CELL_BYTES];
        text_safe(cells[i], safe, sizeof(safe));
        t->cells[t->n_rows * t->n_columns + i] = mem_dup(safe);
    }
    t->n_rows++;
}

static int width_of(const struct table *t, int column)
{
    int width = utf8_columns(t->heads[column]);
    for (int r = 0; r < t->n_rows; r++) {
        int w = utf8_columns(t->cells[r * t->n_columns + column]);
        width = w > width ? w : width;
    }
    return width;
}

static void blanks(int n)
{
    for (; n > 0; n--) {
        out_text(" ");
    }
}

static void print_row(const struct table *t, const int *widths, const char *const *cells,
                      int columns)
{
    int used = 0;
    for (int i = 0; i < t->n_columns; i++) {
        int gap = widths[i] - utf8_columns(cells[i]);
        if (i == t->n_columns - 1) {
            char cut[CELL_BYTES];
            text_clip(cells[i], columns ? columns - used : 100000, cut, sizeof(cut));
            out_text(cut);
            break;
        }
        blanks(t->is_right[i] ? gap : 0);
        out_text(cells[i]);
        blanks((t->is_right[i] ? 0 : gap) + GAP);
        used += widths[i] + GAP;
    }
    out_text("\n");
}

void table_print(const struct table *t, int columns, bool has_colour)
{
    int widths[TABLE_MAX_COLUMNS];
    int sum = 0;
    for (int i = 0; i < t->n_columns; i++) {
        widths[i] = width_of(t, i);
        sum += i < t->n_columns - 1 ? widths[i] + GAP : 0;
    }
    // Too narrow for anything: lines wrap, nothing is lost.
    columns = columns && columns > sum + 8 ? columns : 0;
    out_text(has_colour ? "\x1b[1m" : "");
    print_row(t, widths, t->heads, columns);
    out_text(has_colour ? "\x1b[0m" : "");
    for (int r = 0; r < t->n_rows; r++) {
        print_row(t, widths, (const char *const *)&t->cells[r * t->n_columns], columns);
    }
}
