// screen.h -- draws made-up screens: windows with text, a clock, a caret, a pointer, a video.
//
// Every picture follows from a struct scene alone, so that what differs between two of them
// is known.  Letters are drawn from segments: their ink, not their beauty, is what counts.
// SPDX-License-Identifier: MIT
#ifndef VLMD_SCREEN_H
#define VLMD_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scene_app {
    APP_EDITOR,
    APP_TERMINAL,
    APP_PAGE,
    APP_CHAT,
    APP_SHEET,
    APP_VIDEO,
    APPS
};
enum scene_pointer { POINTER_NONE, POINTER_ARROW, POINTER_HAND, POINTER_BEAM };

struct scene {
    int width, height;
    double
        scale;  // of everything drawn; 1 = 14 px letters, 2 = a screen of twice the dots
    bool is_dark;
    bool is_bar_below;  // clock below right instead of above in the middle
    bool has_seconds;   // in the clock
    enum scene_app app;
    int document;  // which text is shown: another tab is another document
    int scrolled;  // pixels, at scale 1
    int typed;     // letters typed into the document
    int replaced;  // letters that say something else than before
    bool has_dialog;
    int badge;     // number on an icon in the bar; 0 = none
    int contrast;  // of the text, percent; 0 = 100
    int at_s;      // of the day, for the clock
    bool has_caret;
    enum scene_pointer pointer;
    int pointer_x, pointer_y;  // pixels of the picture
    int frame;                 // of the video
};

const char *scene_app_name(enum scene_app a);
// Draws into rgb, width * height * 3 bytes.
void scene_draw(const struct scene *s, uint8_t *rgb);
// An 8-bit RGB PNG of it, free()d by the caller.
uint8_t *scene_png(const struct scene *s, size_t *len);
// Shows the same to a person who reads: all but clock, caret and pointer.
bool scene_says_the_same(const struct scene *a, const struct scene *b);

#endif
