// page.c -- text in rows on a cairo surface.
//
// Letters are placed by their own advances, one after the other, so that a part of a row is
// where the advances before it end.
// SPDX-License-Identifier: MIT
#include "page_draw.h"
#include "page_font.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct theme {
    const char *name;
    struct page_colours colours;
} themes[PAGE_THEMES] = {
    [PAGE_LIGHT] = {"light",
                    {0xffffff, 0x1f1f1f, 0x6f6f6f, 0xf3f3f3, 0xd0d0d0, 0x0a58ca,
                     0xffffff}},
    [PAGE_DARK] = {"dark",
                   {0x1e1e1e, 0xd4d4d4, 0x858585, 0x252526, 0x3c3c3c, 0x264f78,
                    0xffffff}},
    [PAGE_CREAM] = {"cream",
                    {0xfdf6e3, 0x586e75, 0x93a1a1, 0xeee8d5, 0xd3cbb7, 0x268bd2,
                     0xfdf6e3}},
    [PAGE_SEA] = {"sea",
                  {0x002b36, 0x93a1a1, 0x586e75, 0x073642, 0x0f4a58, 0x2aa198, 0x002b36}},
    [PAGE_GREY] = {"grey",
                   {0xf0f2f5, 0x242a30, 0x6a737d, 0xffffff, 0xd8dde3, 0x1b7f4b,
                    0xffffff}},
    [PAGE_NIGHT] = {"night",
                    {0x000000, 0xf0f0f0, 0x909090, 0x161616, 0x404040, 0x1f6feb,
                     0xffffff}},
    [PAGE_PALE] = {"pale",
                   {0xffffff, 0x767676, 0xa0a0a0, 0xfafafa, 0xe4e4e4, 0x4a76c9,
                    0xffffff}},
    [PAGE_PALE_NIGHT] = {"pale night",
                         {0x282c34, 0xabb2bf, 0x6b7280, 0x21252b, 0x3a404b, 0x3e5f8a,
                          0xe6e6e6}},
};

const char *page_theme_name(enum page_theme t)
{
    return themes[t].name;
}

uint32_t page_mix(uint32_t a, uint32_t b)
{
    uint32_t h = a * 0x9e3779b1u ^ (b + 0x7f4a7c15u) * 0x85ebca6bu;
    h ^= h >> 15;
    h *= 0xc2b2ae35u;
    h ^= h >> 13;
    return h * 0x27d4eb2fu ^ h >> 16;
}

// Every layout meets every theme after 48 pages; one of six has twice the dots.
struct page_spec page_spec_of(uint32_t seed)
{
    static const int sizes[] = {13, 14, 12, 16, 15, 13, 14, 11, 18, 20};
    const enum page_layout layout = seed % PAGE_LAYOUTS;
    const bool is_mono = layout == PAGE_TERMINAL || layout == PAGE_EDITOR ||
                         (layout == PAGE_TABLE && page_mix(seed, 1) % 3 == 0);
    const bool is_fine = page_mix(seed, 2) % 6 == 0;
    return (struct page_spec){
        .width = is_fine ? 600 : 760,
        .height = is_fine ? 400 : 480,
        .scale = is_fine ? 2 : 1,
        .layout = layout,
        .theme = seed / PAGE_LAYOUTS % PAGE_THEMES,
        .font = page_font_pick(is_mono, page_mix(seed, 3)),
        .size_px = sizes[page_mix(seed, 4) % (sizeof(sizes) / sizeof(sizes[0]))],
        .smoothing = !is_fine && page_mix(seed, 5) % 3 == 0,
        .hinting = is_fine ? 0 : (int)(page_mix(seed, 6) % 3),
        .filler = page_mix(seed, 7),
    };
}

const char *page_spec_text(const struct page_spec *s)
{
    static char text[120];
    snprintf(text, sizeof(text), "%s, %s, %s %g px%s", page_layout_name(s->layout),
             page_theme_name(s->theme), page_font_name(s->font), s->size_px,
             s->scale == 2 ? " twice" : "");
    return text;
}

// ---- shapes

static void set_colour(struct page *p, uint32_t colour)
{
    cairo_set_source_rgb(p->cairo, (colour >> 16 & 255) / 255.0,
                         (colour >> 8 & 255) / 255.0, (colour & 255) / 255.0);
}

void page_fill(struct page *p, double x, double y, double w, double h, uint32_t colour)
{
    set_colour(p, colour);
    cairo_rectangle(p->cairo, x, y, w, h);
    cairo_fill(p->cairo);
}

void page_round(struct page *p, double x, double y, double w, double h, uint32_t colour)
{
    const double r = 8, quarter = acos(0);
    cairo_new_path(p->cairo);
    cairo_arc(p->cairo, x + w - r, y + r, r, -quarter, 0);
    cairo_arc(p->cairo, x + w - r, y + h - r, r, 0, quarter);
    cairo_arc(p->cairo, x + r, y + h - r, r, quarter, 2 * quarter);
    cairo_arc(p->cairo, x + r, y + r, r, 2 * quarter, 3 * quarter);
    cairo_close_path(p->cairo);
    set_colour(p, colour);
    cairo_fill(p->cairo);
}

void page_edge(struct page *p, double x, double y, double w, double h, uint32_t colour)
{
    set_colour(p, colour);
    cairo_set_line_width(p->cairo, 1);
    cairo_rectangle(p->cairo, x + .5, y + .5, w - 1, h - 1);
    cairo_stroke(p->cairo);
}

// ---- text

static void set_font(struct page *p, int font, double size_px)
{
    static const cairo_hint_style_t hinting[] = {
        CAIRO_HINT_STYLE_NONE, CAIRO_HINT_STYLE_SLIGHT, CAIRO_HINT_STYLE_FULL};
    cairo_font_options_t *o = cairo_font_options_create();
    cairo_font_options_set_antialias(o, p->spec.smoothing ? CAIRO_ANTIALIAS_SUBPIXEL
                                                          : CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_subpixel_order(o, CAIRO_SUBPIXEL_ORDER_RGB);
    cairo_font_options_set_hint_style(o, hinting[p->spec.hinting]);
    cairo_font_options_set_hint_metrics(o, p->spec.hinting ? CAIRO_HINT_METRICS_ON
                                                           : CAIRO_HINT_METRICS_OFF);
    cairo_set_font_face(p->cairo, page_font_face(font));
    cairo_set_font_size(p->cairo, size_px);
    cairo_set_font_options(p->cairo, o);
    cairo_font_options_destroy(o);
}

static void extents_of(struct page *p, const char *text, size_t len,
                       cairo_text_extents_t *e)
{
    char part[1024];
    if (len >= sizeof(part)) {
        fprintf(stderr, "a row of %zu bytes\n", len);
        abort();
    }
    memcpy(part, text, len);
    part[len] = 0;
    cairo_text_extents(p->cairo, part, e);
}

double page_text_width(struct page *p, const char *text, size_t len)
{
    cairo_text_extents_t e;
    extents_of(p, text, len, &e);
    return e.x_advance;
}

static void show(struct page *p, double x, double y, const char *text, size_t len)
{
    char part[1024];
    snprintf(part, sizeof(part), "%.*s", (int)len, text);
    cairo_move_to(p->cairo, x, y);
    cairo_show_text(p->cairo, part);
}

void page_note(struct page *p, double x, double y, const char *text, uint32_t colour)
{
    set_font(p, PAGE_CHROME_FONT, 12);
    set_colour(p, colour);
    show(p, x, y, text, strlen(text));
    set_font(p, p->spec.font, p->spec.size_px);
}

static size_t letter_bytes(const char *text)
{
    size_t n = 1;
    while (((unsigned char)text[n] & 0xc0) == 0x80) {
        n++;
    }
    return n;
}

// How much of the text fits into one row.
static size_t fit(struct page *p, const char *text, size_t len,
                  const struct page_column *c)
{
    size_t at = 0, blank = 0;
    double x = 0;
    while (at < len && text[at] != '\n') {
        const size_t n = letter_bytes(text + at);
        x += page_text_width(p, text + at, n);
        if (x > c->width && at) {
            return blank && !c->breaks_anywhere ? blank : at;
        }
        at += n;
        if (text[at - 1] == ' ') {
            blank = at;
        }
    }
    return at;
}

bool page_break(struct page *p, const char *text, size_t at, size_t len,
                const struct page_column *c, struct page_spans *out)
{
    const size_t end = at + len;
    out->n = 0;
    do {
        const size_t n = fit(p, text + at, end - at, c);
        if (out->n == PAGE_MAX_SPANS) {
            return false;
        }
        out->items[out->n++] = (struct page_span){at, n};
        at += n;
        if (at < end && text[at] == '\n') {
            at++;
        }
    } while (at < end);
    return true;
}

static uint32_t string_colour(const struct page *p)
{
    return p->spec.theme == PAGE_LIGHT || p->spec.theme == PAGE_GREY ? 0xa31515
           : p->spec.theme == PAGE_PALE                              ? 0x9a5b5b
           : p->spec.theme == PAGE_CREAM                             ? 0xb8451a
                                                                     : 0xce9178;
}

static void show_coloured(struct page *p, const struct page_row *r, const char *text,
                          uint32_t colour)
{
    double x = r->x;
    bool is_string = false;
    for (size_t at = 0, n; at < r->len; at += n) {
        const char *from = text + r->at + at;
        const size_t left = r->len - at;
        if (is_string) {
            const char *end = memchr(from + 1, '"', left - 1);
            n = end ? (size_t)(end - from) + 1 : left;
        } else {
            const char *quote = memchr(from, '"', left);
            n = quote ? (size_t)(quote - from) : left;
        }
        set_colour(p, is_string ? string_colour(p) : colour);
        show(p, x, r->y, from, n);
        x += page_text_width(p, from, n);
        is_string = !is_string;
    }
}

void page_put(struct page *p, const char *text, const struct page_spans *spans,
              const struct page_column *c, double y, uint32_t colour)
{
    for (int i = 0; i < spans->n; i++) {
        struct page_row *r = &p->rows[p->n_rows];
        if (p->n_rows == PAGE_MAX_ROWS) {
            abort();
        }
        *r = (struct page_row){
            .line = p->n_lines,
            .at = spans->items[i].at,
            .len = spans->items[i].len,
            .x = c->x,
            .y = floor(y + i * p->row_height + p->ascent),
        };
        if (c->has_strings) {
            show_coloured(p, r, text, colour);
        } else {
            set_colour(p, colour);
            show(p, r->x, r->y, text + r->at, r->len);
        }
        p->n_rows++;
    }
}

// ---- pages

struct page *page_new(const struct page_spec *s)
{
    struct page *p = calloc(1, sizeof(*p));
    if (!p) {
        abort();
    }
    p->spec = *s;
    p->colours = &themes[s->theme].colours;
    p->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, s->width * s->scale,
                                            s->height * s->scale);
    p->cairo = cairo_create(p->surface);
    cairo_scale(p->cairo, s->scale, s->scale);
    set_font(p, s->font, s->size_px);
    p->row_height = floor(s->size_px * 1.5);
    p->ascent = floor(s->size_px * 1.1);
    page_layout_begin(p);
    return p;
}

void page_free(struct page *p)
{
    if (!p) {
        return;
    }
    for (int i = 0; i < p->n_lines; i++) {
        free(p->lines[i]);
    }
    cairo_destroy(p->cairo);
    cairo_surface_destroy(p->surface);
    free(p);
}

void page_end(void)
{
    page_font_end();
}

int page_add(struct page *p, const char *text)
{
    if (p->n_lines == PAGE_MAX_ROWS || !page_layout_add(p, text)) {
        return -1;
    }
    p->lines[p->n_lines] = strdup(text);
    return p->n_lines++;
}

// Whole pixels around the ink.
static struct page_box box_of(struct page *p, const struct page_row *r, size_t at,
                              size_t end)
{
    const char *text = p->lines[r->line];
    const double scale = p->spec.scale;
    const double before = page_text_width(p, text + r->at, at - r->at);
    cairo_text_extents_t e;
    extents_of(p, text + at, end - at, &e);
    const double x = r->x + before + e.x_bearing, y = r->y + e.y_bearing;
    struct page_box b = {(int)floor(x * scale), (int)floor(y * scale), 0, 0};
    b.width = (int)ceil((x + e.width) * scale) - b.left;
    b.height = (int)ceil((y + e.height) * scale) - b.top;
    return b;
}

int page_find(struct page *p, int line, size_t at, size_t len, struct page_box *boxes,
              int max)
{
    int n = 0;
    for (int i = 0; i < p->n_rows && n < max; i++) {
        const struct page_row *r = &p->rows[i];
        size_t from = at > r->at ? at : r->at;
        size_t end = at + len < r->at + r->len ? at + len : r->at + r->len;
        if (r->line != line || from >= end) {
            continue;
        }
        while (from < end && p->lines[line][from] == ' ') {
            from++;
        }
        while (end > from && p->lines[line][end - 1] == ' ') {
            end--;
        }
        if (from < end) {
            boxes[n++] = box_of(p, r, from, end);
        }
    }
    return n;
}

int page_width(const struct page *p)
{
    return p->spec.width * p->spec.scale;
}

int page_height(const struct page *p)
{
    return p->spec.height * p->spec.scale;
}

struct growing {
    uint8_t *data;
    size_t len, cap;
};

static cairo_status_t on_bytes(void *arg, const unsigned char *data, unsigned int len)
{
    struct growing *g = arg;
    if (g->len + len > g->cap) {
        g->cap = 2 * (g->len + len);
        g->data = realloc(g->data, g->cap);
        if (!g->data) {
            abort();
        }
    }
    memcpy(g->data + g->len, data, len);
    g->len += len;
    return CAIRO_STATUS_SUCCESS;
}

uint8_t *page_png(struct page *p, size_t *len)
{
    struct growing g = {0};
    cairo_surface_flush(p->surface);
    if (cairo_surface_write_to_png_stream(p->surface, on_bytes, &g)) {
        abort();
    }
    *len = g.len;
    return g.data;
}
