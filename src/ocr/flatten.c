// flatten.c -- takes the ground away from under the letters.
//
// The ground is what most pixels around are like: a letter covers less than half of its
// surroundings.  Shades are counted in a window that slides over the picture, by columns, so
// that a pixel costs the same whatever the window's size is.  Then contrast is made alike,
// for grey letters beside black ones.
//
// A text reader that compares with one shade for the whole page does not see what stands
// white on blue between black on white: the coloured bubbles of a chat, a selected line.
// SPDX-License-Identifier: MIT
#include "ocr/flatten.h"

#include <stdlib.h>
#include <string.h>

enum {
    SHADES = 16,
    SHADE_SHIFT = 4,     // of 256 levels
    REACH_X = 24,        // of the window to each side, px: two or three letters
    REACH_Y = 12,        // up and down: a line
    BLOCK = 16,          // px; contrast is measured in these, and their neighbours
    LEAST_CONTRAST = 40  // what differs less is noise
};

// Of one column, or of the whole window.
struct shades {
    int32_t count[SHADES];
    int32_t sum[SHADES];
};

struct field {
    const uint8_t *luma;
    int width, height;
    struct shades *columns;  // owned; width of them
    uint8_t *distance;       // owned; from the ground
    uint8_t *contrast;       // owned; per block
    int blocks_x, blocks_y;
};

static void add_row(struct field *f, int y, int times)
{
    if (y < 0 || y >= f->height) {
        return;
    }
    const uint8_t *row = f->luma + (size_t)y * (size_t)f->width;
    for (int x = 0; x < f->width; x++) {
        const int shade = row[x] >> SHADE_SHIFT;
        f->columns[x].count[shade] += times;
        f->columns[x].sum[shade] += times * row[x];
    }
}

static void add_column(const struct field *f, int x, struct shades *window, int times)
{
    if (x < 0 || x >= f->width) {
        return;
    }
    const struct shades *c = &f->columns[x];
    for (int i = 0; i < SHADES; i++) {
        window->count[i] += times * c->count[i];
        window->sum[i] += times * c->sum[i];
    }
}

// Two neighbouring shades count as one: a ground may lie between them.
static int ground_of(const struct shades *w)
{
    int best = 0, most = 0;
    for (int i = 0; i + 1 < SHADES; i++) {
        const int n = w->count[i] + w->count[i + 1];
        if (n > most) {
            most = n;
            best = i;
        }
    }
    return (w->sum[best] + w->sum[best + 1] + most / 2) / most;
}

static void measure_row(struct field *f, int y)
{
    const uint8_t *row = f->luma + (size_t)y * (size_t)f->width;
    uint8_t *out = f->distance + (size_t)y * (size_t)f->width;
    uint8_t *contrast = f->contrast + (size_t)(y / BLOCK) * (size_t)f->blocks_x;
    struct shades window = {0};
    for (int x = 0; x < REACH_X; x++) {
        add_column(f, x, &window, 1);
    }
    for (int x = 0; x < f->width; x++) {
        add_column(f, x + REACH_X, &window, 1);
        add_column(f, x - REACH_X - 1, &window, -1);
        out[x] = (uint8_t)abs(row[x] - ground_of(&window));
        contrast[x / BLOCK] = out[x] > contrast[x / BLOCK] ? out[x] : contrast[x / BLOCK];
    }
}

static void measure(struct field *f)
{
    for (int y = 0; y < REACH_Y; y++) {
        add_row(f, y, 1);
    }
    for (int y = 0; y < f->height; y++) {
        add_row(f, y + REACH_Y, 1);
        add_row(f, y - REACH_Y - 1, -1);
        measure_row(f, y);
    }
}

static int contrast_around(const struct field *f, int block_x, int block_y)
{
    int most = LEAST_CONTRAST;
    for (int y = block_y - 1; y <= block_y + 1; y++) {
        for (int x = block_x - 1; x <= block_x + 1; x++) {
            const bool is_inside = x >= 0 && x < f->blocks_x && y >= 0 && y < f->blocks_y;
            const int one = is_inside ? f->contrast[y * f->blocks_x + x] : 0;
            most = one > most ? one : most;
        }
    }
    return most;
}

static void write_row(const struct field *f, int y, uint8_t *out)
{
    const uint8_t *distance = f->distance + (size_t)y * (size_t)f->width;
    for (int block = 0; block < f->blocks_x; block++) {
        const int most = contrast_around(f, block, y / BLOCK);
        const int end = (block + 1) * BLOCK < f->width ? (block + 1) * BLOCK : f->width;
        for (int x = block * BLOCK; x < end; x++) {
            out[x] = (uint8_t)(255 - distance[x] * 255 / most);
        }
    }
}

int flatten(uint8_t *luma, int width, int height)
{
    struct field f = {.luma = luma,
                      .width = width,
                      .height = height,
                      .blocks_x = (width + BLOCK - 1) / BLOCK,
                      .blocks_y = (height + BLOCK - 1) / BLOCK};
    f.columns = calloc((size_t)width, sizeof(*f.columns));
    f.distance = malloc((size_t)width * (size_t)height);
    f.contrast = calloc((size_t)f.blocks_x * (size_t)f.blocks_y, 1);
    const int rc = f.columns && f.distance && f.contrast ? 0 : E_NOMEM;
    if (rc == 0) {
        measure(&f);
        for (int y = 0; y < height; y++) {
            write_row(&f, y, luma + (size_t)y * (size_t)width);
        }
    }
    free(f.columns);
    free(f.distance);
    free(f.contrast);
    return rc;
}
