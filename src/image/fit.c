// fit.c -- sizes to send, pure.
// SPDX-License-Identifier: MIT
#include "image/fit.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>

// Of the natural logarithm of the sides' ratio.
static const double most_bend = 0.04;
// What a larger picture must bring to be worth being bent.
static const double bend_cost = 2;

void fit_side(int width, int height, int side, int *out_width, int *out_height)
{
    const int64_t longer = width > height ? width : height;
    const int64_t shorter = width > height ? height : width;
    if (longer <= side) {
        *out_width = width;
        *out_height = height;
        return;
    }
    int64_t other = (2 * shorter * side + longer) / (2 * longer);
    other = other < 1 ? 1 : other;
    *out_width = width > height ? side : (int)other;
    *out_height = width > height ? (int)other : side;
}

// Columns and rows of patches, and how good they are.
struct grid {
    int columns;
    int rows;
    double score;
};

static void try_grid(struct grid *best, int columns, int rows, double shape, int patches)
{
    if (columns < 1 || (int64_t)columns * rows > patches) {
        return;
    }
    const double bend = fabs(log((double)columns / rows / shape));
    const double score = (double)columns * rows * (1 - bend_cost * bend);
    if (bend <= most_bend && score > best->score) {
        *best = (struct grid){columns, rows, score};
    }
}

// Every number of rows, with the columns on both sides of the exact one.
void fit_patches(int width, int height, int patch, int patches, int *out_width,
                 int *out_height)
{
    assert(patch > 0 && patches > 0);
    const double shape = (double)width / height;
    const int most_columns = width / patch;
    const int most_rows = height / patch < patches ? height / patch : patches;
    struct grid best = {0};
    for (int rows = 1; rows <= most_rows; rows++) {
        for (int more = 0; more < 2; more++) {
            const int columns = (int)(shape * rows) + more;
            if (columns <= most_columns) {
                try_grid(&best, columns, rows, shape, patches);
            }
        }
    }
    if (best.score > 0) {
        *out_width = best.columns * patch;
        *out_height = best.rows * patch;
        return;
    }
    // As long as it would be with square patches that may be cut.
    const double longer = shape > 1 ? shape : 1 / shape;
    const double side = patch * sqrt(patches * longer);
    fit_side(width, height, side < 1 ? 1 : (int)side, out_width, out_height);
}
