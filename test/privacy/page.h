// page.h -- renders a page of text as a screen would show it, and knows where every
// letter stands.
//
// A page follows from its struct page_spec and the lines added, nothing else: no kerning,
// no font but those named here, no setting of the machine.  A font that is missing ends the
// program and says so.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_PAGE_H
#define VLMD_TEST_PAGE_H

#include <stddef.h>
#include <stdint.h>

enum page_layout {
    PAGE_FORM,      // label left, value in a field beside it
    PAGE_CHAT,      // bubbles, left and right
    PAGE_TERMINAL,  // prompt, breaks anywhere
    PAGE_EDITOR,    // line numbers, a bar of files, coloured strings
    PAGE_TABLE,     // cells with edges
    PAGE_MAIL,      // folders, a head, a text in paragraphs
    PAGE_LAYOUTS
};

enum page_theme {
    PAGE_LIGHT,
    PAGE_DARK,
    PAGE_CREAM,       // solarized, light
    PAGE_SEA,         // solarized, dark
    PAGE_GREY,        // off-white panels
    PAGE_NIGHT,       // white on black
    PAGE_PALE,        // dark grey on white, 4.5 : 1, the least that WCAG 2.1 allows
    PAGE_PALE_NIGHT,  // grey on blue-grey
    PAGE_THEMES
};

enum { PAGE_FONTS = 9 };

struct page_spec {
    int width, height;  // of the window at scale 1
    int scale;          // 2: a screen with twice the dots
    enum page_layout layout;
    enum page_theme theme;
    int font;         // row of the table of fonts
    double size_px;   // of the letters at scale 1
    int smoothing;    // 0 grey, 1 along the red, green and blue stripes of a panel
    int hinting;      // 0 none, 1 slight, 2 full
    uint32_t filler;  // chooses names, numbers and titles around the lines
};

// Pixels of the picture.
struct page_box {
    int left, top, width, height;
};

struct page;

// One of endlessly many; neighbours differ in all respects.
struct page_spec page_spec_of(uint32_t seed);
// "editor, dark, Fira Code 13 px"; one static buffer.
const char *page_spec_text(const struct page_spec *s);
const char *page_layout_name(enum page_layout l);
const char *page_theme_name(enum page_theme t);
const char *page_font_name(int font);

struct page *page_new(const struct page_spec *s);
void page_free(struct page *p);  // NULL is fine
void page_end(void);             // after the last page: forgets the fonts
// Draws the line below the ones before; '\n' begins a new row of it.  Returns its number,
// or -1 when there is no room: nothing was drawn then.
int page_add(struct page *p, const char *text);
// Where the ink of len bytes of a line is, one box for each row it is broken into.
// Returns how many, at most max.
int page_find(struct page *p, int line, size_t at, size_t len, struct page_box *boxes,
              int max);
int page_width(const struct page *p);  // of the picture
int page_height(const struct page *p);
// 8-bit RGB PNG; the caller frees.
uint8_t *page_png(struct page *p, size_t *len);

#endif
