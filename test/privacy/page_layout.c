// page_layout.c -- windows as programs draw them: where a line goes, and what is around it.
// SPDX-License-Identifier: MIT
#include "page_draw.h"

#include <stdio.h>
#include <string.h>

enum { TITLE_H = 30, MARGIN = 16 };

static const char *const names[] = {"Alma",  "Bruno", "Carla", "Dario", "Edith", "Felix",
                                    "Greta", "Hugo",  "Irene", "Jonas", "Karin", "Liam"};
enum { NAMES = sizeof(names) / sizeof(names[0]) };

uint32_t page_filler_number(const struct page *p, int n)
{
    return page_mix(p->spec.filler, (uint32_t)n);
}

const char *page_filler_name(const struct page *p, int n)
{
    return names[page_filler_number(p, n) % NAMES];
}

// ---- form

static void form_begin(struct page *p)
{
    p->left = 40;
    p->width = p->spec.width - 80;
}

// "Label: value" in two columns; anything else is a sentence of help.
static bool form_add(struct page *p, const char *text)
{
    const char *colon = strstr(text, ": ");
    const size_t len = strlen(text), label = colon ? (size_t)(colon - text) + 1 : 0;
    const struct page_column left = {.x = p->left, .width = p->width * .3 - 12};
    const struct page_column right = {.x = p->left + p->width * .3 + 10,
                                      .width = p->width * .7 - 20};
    const struct page_column whole = {.x = p->left, .width = p->width};
    struct page_spans a = {.n = 0}, b;
    if (!page_break(p, text, label ? label + 1 : 0, len - (label ? label + 1 : 0),
                    label ? &right : &whole, &b) ||
        (label && !page_break(p, text, 0, label, &left, &a))) {
        return false;
    }
    const int rows = a.n > b.n ? a.n : b.n;
    const double h = rows * p->row_height + 8;
    if (p->next_y + h + 10 > p->end_y) {
        return false;
    }
    if (label) {
        page_fill(p, right.x - 10, p->next_y, p->width * .7, h, p->colours->panel);
        page_edge(p, right.x - 10, p->next_y, p->width * .7, h, p->colours->edge);
        page_put(p, text, &a, &left, p->next_y + 4, p->colours->ink);
    }
    page_put(p, text, &b, label ? &right : &whole, p->next_y + 4, p->colours->ink);
    p->next_y += h + 10;
    return true;
}

// ---- chat

static void chat_begin(struct page *p)
{
    p->left = 24;
    p->width = p->spec.width - 48;
    page_fill(p, 0, p->spec.height - 40, p->spec.width, 40, p->colours->panel);
    page_note(p, 24, p->spec.height - 15, "Write a message", p->colours->dim);
    p->end_y -= 40;
}

static double widest(struct page *p, const char *text, const struct page_spans *s)
{
    double w = 0;
    for (int i = 0; i < s->n; i++) {
        const double one = page_text_width(p, text + s->items[i].at, s->items[i].len);
        w = one > w ? one : w;
    }
    return w;
}

static bool chat_add(struct page *p, const char *text)
{
    const bool is_mine = page_filler_number(p, 100 + p->n_lines) % 3 == 0;
    struct page_column c = {.x = p->left + 12, .width = p->width * .72};
    struct page_spans s;
    char when[40];
    if (!page_break(p, text, 0, strlen(text), &c, &s)) {
        return false;
    }
    const double h = s.n * p->row_height + 10, w = widest(p, text, &s);
    if (p->next_y + h + 24 > p->end_y) {
        return false;
    }
    if (is_mine) {
        c.x = p->left + p->width - w - 12;
    }
    snprintf(when, sizeof(when), "%s  %02u:%02u", page_filler_name(p, p->n_lines),
             8 + (unsigned)p->n_lines / 8, page_filler_number(p, p->n_lines) % 60);
    page_note(p, is_mine ? p->left + p->width - 90 : p->left, p->next_y + 12, when,
              p->colours->dim);
    page_round(p, c.x - 12, p->next_y + 18, w + 24, h,
               is_mine ? p->colours->accent : p->colours->panel);
    page_put(p, text, &s, &c, p->next_y + 23,
             is_mine ? p->colours->accent_ink : p->colours->ink);
    p->next_y += h + 24;
    return true;
}

// ---- terminal

static void terminal_begin(struct page *p)
{
    p->left = 6;
    p->width = p->spec.width - 12;
    p->next_y -= 10;
    p->end_y += 10;
}

// Some lines were typed, the others are what the program said.
static bool terminal_add(struct page *p, const char *text)
{
    struct page_column c = {.x = p->left, .width = p->width, .breaks_anywhere = true};
    struct page_spans s;
    if (!page_break(p, text, 0, strlen(text), &c, &s)) {
        return false;
    }
    const bool is_typed = s.n == 1 && page_filler_number(p, p->n_lines) % 4 == 0;
    const double w = page_text_width(p, "~/src$ ", 7);
    if (p->next_y + s.n * p->row_height > p->end_y) {
        return false;
    }
    if (is_typed && page_text_width(p, text, strlen(text)) + w < p->width) {
        static const struct page_spans prompt = {.items = {{0, 6}}, .n = 1};
        const int n = p->n_rows;
        page_put(p, "~/src$", &prompt, &c, p->next_y, p->colours->dim);
        p->n_rows = n;  // no part of the line
        c.x += w;
    }
    page_put(p, text, &s, &c, p->next_y, p->colours->ink);
    p->next_y += s.n * p->row_height;
    return true;
}

// ---- editor

static void editor_begin(struct page *p)
{
    static const char *const files[] = {"README.md", "config.yaml", "main.c",
                                        "deploy.sh", "notes.txt",   "settings.ini"};
    const double w = 130;
    page_fill(p, 0, TITLE_H, w, p->spec.height - TITLE_H, p->colours->panel);
    for (int i = 0; i < 6; i++) {
        page_note(p, 14, TITLE_H + 24 + i * 22, files[i], p->colours->dim);
    }
    p->left = w + 60;
    p->width = p->spec.width - p->left - 10;
}

static bool editor_add(struct page *p, const char *text)
{
    const struct page_column c = {
        .x = p->left, .width = p->width, .breaks_anywhere = true, .has_strings = true};
    struct page_spans s;
    char number[16];
    if (!page_break(p, text, 0, strlen(text), &c, &s) ||
        p->next_y + s.n * p->row_height > p->end_y) {
        return false;
    }
    if (p->n_lines == 2) {
        page_fill(p, p->left - 50, p->next_y, p->width + 60, s.n * p->row_height,
                  p->colours->panel);
    }
    snprintf(number, sizeof(number), "%4d", p->n_lines + 1);
    page_note(p, p->left - 44, p->next_y + p->ascent, number, p->colours->dim);
    page_put(p, text, &s, &c, p->next_y, p->colours->ink);
    p->next_y += s.n * p->row_height;
    return true;
}

// ---- table

static void table_begin(struct page *p)
{
    p->left = 20;
    p->width = p->spec.width - 40;
    page_fill(p, p->left, p->next_y, p->width, 26, p->colours->edge);
    page_note(p, p->left + 8, p->next_y + 17, "Name", p->colours->ink);
    page_note(p, p->left + 108, p->next_y + 17, "Entry", p->colours->ink);
    page_note(p, p->left + p->width - 72, p->next_y + 17, "Count", p->colours->ink);
    p->next_y += 26;
}

static bool table_add(struct page *p, const char *text)
{
    const struct page_column c = {.x = p->left + 108, .width = p->width - 196};
    struct page_spans s;
    char count[16];
    if (!page_break(p, text, 0, strlen(text), &c, &s)) {
        return false;
    }
    const double h = s.n * p->row_height + 8, y = p->next_y;
    if (y + h > p->end_y) {
        return false;
    }
    if (p->n_lines % 2) {
        page_fill(p, p->left, y, p->width, h, p->colours->panel);
    }
    page_edge(p, p->left, y, p->width, h + 1, p->colours->edge);
    page_fill(p, p->left + 98, y, 1, h, p->colours->edge);
    page_fill(p, p->left + p->width - 80, y, 1, h, p->colours->edge);
    snprintf(count, sizeof(count), "%u", page_filler_number(p, p->n_lines) % 900);
    page_note(p, p->left + 8, y + 4 + p->ascent, page_filler_name(p, p->n_lines),
              p->colours->ink);
    page_note(p, p->left + p->width - 72, y + 4 + p->ascent, count, p->colours->ink);
    page_put(p, text, &s, &c, y + 4, p->colours->ink);
    p->next_y += h;
    return true;
}

// ---- mail

static void mail_begin(struct page *p)
{
    static const char *const folders[] = {"Inbox (12)", "Drafts", "Sent", "Archive",
                                          "Spam"};
    char from[60];
    page_fill(p, 0, TITLE_H, 120, p->spec.height - TITLE_H, p->colours->panel);
    for (int i = 0; i < 5; i++) {
        page_note(p, 16, TITLE_H + 26 + i * 24, folders[i], p->colours->ink);
    }
    p->left = 144;
    p->width = p->spec.width - p->left - 24;
    snprintf(from, sizeof(from), "From: %s    To: %s", page_filler_name(p, 500),
             page_filler_name(p, 501));
    page_note(p, p->left, p->next_y + 10, from, p->colours->dim);
    page_note(p, p->left, p->next_y + 30, "Subject: As we said yesterday",
              p->colours->ink);
    page_fill(p, p->left, p->next_y + 40, p->width, 1, p->colours->edge);
    p->next_y += 52;
}

static bool mail_add(struct page *p, const char *text)
{
    const struct page_column c = {.x = p->left, .width = p->width};
    struct page_spans s;
    if (!page_break(p, text, 0, strlen(text), &c, &s) ||
        p->next_y + s.n * p->row_height > p->end_y) {
        return false;
    }
    page_put(p, text, &s, &c, p->next_y, p->colours->ink);
    p->next_y += s.n * p->row_height + (int)(p->row_height / 2);
    return true;
}

// ---- all

static const struct layout {
    const char *name, *title;
    void (*begin)(struct page *p);
    bool (*add)(struct page *p, const char *text);
} layouts[PAGE_LAYOUTS] = {
    [PAGE_FORM] = {"form", "Settings", form_begin, form_add},
    [PAGE_CHAT] = {"chat", "Team", chat_begin, chat_add},
    [PAGE_TERMINAL] = {"terminal", "bash", terminal_begin, terminal_add},
    [PAGE_EDITOR] = {"editor", "config.yaml", editor_begin, editor_add},
    [PAGE_TABLE] = {"table", "Sheet 1", table_begin, table_add},
    [PAGE_MAIL] = {"mail", "Inbox", mail_begin, mail_add},
};

const char *page_layout_name(enum page_layout l)
{
    return layouts[l].name;
}

void page_layout_begin(struct page *p)
{
    page_fill(p, 0, 0, p->spec.width, p->spec.height, p->colours->paper);
    page_fill(p, 0, 0, p->spec.width, TITLE_H, p->colours->panel);
    page_fill(p, 0, TITLE_H, p->spec.width, 1, p->colours->edge);
    page_note(p, 14, 20, layouts[p->spec.layout].title, p->colours->ink);
    p->next_y = TITLE_H + MARGIN;
    p->end_y = p->spec.height - MARGIN;
    layouts[p->spec.layout].begin(p);
}

bool page_layout_add(struct page *p, const char *text)
{
    return layouts[p->spec.layout].add(p, text);
}
