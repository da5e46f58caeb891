// page_draw.h -- inside a page: text in rows, and the layouts that place it.
//
// Sizes and places are pixels at scale 1.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_PAGE_DRAW_H
#define VLMD_TEST_PAGE_DRAW_H

#include "page.h"

#include <cairo.h>
#include <stdbool.h>

enum { PAGE_MAX_ROWS = 300, PAGE_MAX_SPANS = 60 };

// What stands in one row.
struct page_row {
    int line;
    size_t at, len;
    double x, y;  // of the base line
};

struct page_colours {
    uint32_t paper, ink, dim, panel, edge, accent, accent_ink;
};

struct page {
    struct page_spec spec;
    const struct page_colours *colours;
    cairo_surface_t *surface;  // owned
    cairo_t *cairo;            // owned
    char *lines[PAGE_MAX_ROWS];
    int n_lines;
    struct page_row rows[PAGE_MAX_ROWS];
    int n_rows;
    double row_height;
    double ascent;         // of the first row below the top of a text
    double left, width;    // where lines may stand
    double next_y, end_y;  // free below and above
};

// One row of a broken text.
struct page_span {
    size_t at, len;
};

struct page_spans {
    struct page_span items[PAGE_MAX_SPANS];
    int n;
};

// Words stay whole if they fit into a row, unless the layout breaks anywhere.
struct page_column {
    double x, width;
    bool breaks_anywhere;
    bool has_strings;  // what is between quotes has another colour
};

void page_fill(struct page *p, double x, double y, double w, double h, uint32_t colour);
void page_round(struct page *p, double x, double y, double w, double h, uint32_t colour);
void page_edge(struct page *p, double x, double y, double w, double h, uint32_t colour);
// Text that is not a line of the page.
void page_note(struct page *p, double x, double y, const char *text, uint32_t colour);
double page_text_width(struct page *p, const char *text, size_t len);
// Breaks text[at..at + len) for a column; false: more rows than a page has.
bool page_break(struct page *p, const char *text, size_t at, size_t len,
                const struct page_column *c, struct page_spans *out);
// The rows of line p->n_lines, the first with its top at y.
void page_put(struct page *p, const char *text, const struct page_spans *spans,
              const struct page_column *c, double y, uint32_t colour);

// Draws what is around the lines, and sets left, width, next_y, end_y.
void page_layout_begin(struct page *p);
// false: there is no room.
bool page_layout_add(struct page *p, const char *text);

// Of the page's filler.
const char *page_filler_name(const struct page *p, int n);
uint32_t page_filler_number(const struct page *p, int n);
uint32_t page_mix(uint32_t a, uint32_t b);

#endif
