// near.c -- do two pictures of one screen show the same to a person?
//
// Two thumbs are compared block by block.  Blocks that differ by more than noise form
// spots (neighbours, also over a corner); the sizes of the spots decide, not their number
// alone: a pointer that moved, a caret, a digit of a clock are small spots, typed text is
// a wide one, a scrolled page a huge one.  A hash of the whole picture can not do this: it
// differs more between two encodings of one picture than by a typed line.
//
// Colour alone is not seen: the thumb is grey.
//
// Measured with tools/bench-duplicates (its README has all of it): blocks of 128 x 72 that
// differ by more than 3, least to most, and how many of 100 are duplicates (normal).
//   noise of JPEG q90, WebP q80    0           100
//   clock, minute or second        0           100   (without the clock's own: 0 to 5)
//   caret                          1 to 4      100
//   pointer went far               0 to 13      98
//   pointer went up to 60 px       0 to 13      90
//   4 letters typed                2 to 10      65
//   8 letters typed                3 to 16       3
//   12 letters typed               4 to 22       0
//   12 letters say something else  3 to 19       0
//   a line of a terminal           26            0
//   scrolled by one line           over 3000     0
// SPDX-License-Identifier: MIT
#include "image/image.h"

#include <stdlib.h>

enum {
    W = IMAGE_THUMB_W,
    H = IMAGE_THUMB_H,
    MANY_BLOCKS = 400,  // more need no closer look
    REACH = 12,         // blocks of one row that may belong to one word
    FINE_PX = 2048,     // wider sources have blocks as large as a pointer
    LOW_PX = 900,       // lower sources have blocks that a bar is four of
};

// All but the last without what the clock did.
struct limits {
    int noise;        // a block differs when its means are further apart
    int blocks;       // that differ
    int spots;        // groups of them
    int height;       // of a spot, in blocks
    int run;          // blocks within REACH of one row: more are text
    int fine_run;     // the same for sources wider than FINE_PX
    int clock_width;  // of a spot where clocks are
};

static const struct limits limits[] = {
    [IMAGE_NEAR_STRICT] = {3, 6, 1, 3, 2, 2, 7},
    [IMAGE_NEAR_NORMAL] = {3, 16, 4, 5, 3, 2, 7},
    [IMAGE_NEAR_LOOSE] = {5, 64, 8, 5, REACH, REACH, 24},
};

// ---- spots

enum mark { SAME, CHANGED, COUNTED };

struct field {
    uint8_t marks[W * H];     // enum mark; COUNTED: CHANGED and part of a spot
    uint16_t members[W * H];  // of the spot that was found last
    int n_members;
};

struct spot {
    int x0, x1, y0, y1;
};

static void take(struct field *f, struct spot *s, int x, int y)
{
    f->marks[y * W + x] = COUNTED;
    f->members[f->n_members++] = (uint16_t)(y * W + x);
    s->x0 = x < s->x0 ? x : s->x0;
    s->x1 = x > s->x1 ? x : s->x1;
    s->y0 = y < s->y0 ? y : s->y0;
    s->y1 = y > s->y1 ? y : s->y1;
}

static void grow(struct field *f, struct spot *s, int first)
{
    f->n_members = 0;
    *s = (struct spot){W, -1, H, -1};
    take(f, s, first % W, first / W);
    for (int i = 0; i < f->n_members; i++) {
        const int x = f->members[i] % W, y = f->members[i] / W;
        for (int k = 0; k < 9; k++) {
            const int nx = x + k % 3 - 1, ny = y + k / 3 - 1;
            const bool is_inside = nx >= 0 && ny >= 0 && nx < W && ny < H;
            if (is_inside && f->marks[ny * W + nx] == CHANGED) {
                take(f, s, nx, ny);
            }
        }
    }
}

// In a bar above or below, to the right or (above) in the middle.
static bool is_clock(const struct spot *s, int source_height)
{
    const int bar = source_height < LOW_PX ? 4 : 3;
    const bool is_above = s->y1 < bar, is_below = s->y0 >= H - bar;
    const bool is_right = s->x0 >= W * 3 / 4;
    const bool is_middle = s->x0 >= W * 3 / 8 && s->x1 < W * 5 / 8;
    return (is_above && (is_right || is_middle)) || (is_below && is_right);
}

static void forget_spot(struct field *f, struct image_change *c)
{
    c->blocks -= f->n_members;
    for (int i = 0; i < f->n_members; i++) {
        f->marks[f->members[i]] = SAME;
    }
}

static void find_spots(struct field *f, struct image_change *c, const struct limits *l,
                       int source_height)
{
    for (int i = 0; i < W * H; i++) {
        struct spot s;
        if (f->marks[i] != CHANGED) {
            continue;
        }
        grow(f, &s, i);
        const int wide = s.x1 - s.x0 + 1, high = s.y1 - s.y0 + 1;
        if (is_clock(&s, source_height) && wide <= l->clock_width) {
            forget_spot(f, c);
            continue;
        }
        c->spots++;
        c->widest = wide > c->widest ? wide : c->widest;
        c->highest = high > c->highest ? high : c->highest;
    }
}

// The pieces of a line of text stand in one row, with gaps where old and new letters have
// the same ink; two places of a pointer seldom do.
static int longest_run(const struct field *f)
{
    int most = 0;
    for (int y = 0; y < H; y++) {
        const uint8_t *row = f->marks + y * W;
        int in_reach = 0;
        for (int x = 0; x < W; x++) {
            in_reach += row[x] != SAME;
            in_reach -= x >= REACH && row[x - REACH] != SAME;
            most = in_reach > most ? in_reach : most;
        }
    }
    return most;
}

static void mark(struct field *f, struct image_change *c, const uint8_t *a,
                 const uint8_t *b, int noise)
{
    for (int i = 0; i < W * H; i++) {
        const int d = abs(a[i] - b[i]);
        f->marks[i] = d > noise ? CHANGED : SAME;
        c->blocks += d > noise;
        c->max_diff = d > c->max_diff ? d : c->max_diff;
    }
}

struct image_change image_compare(const struct image_look *a, const struct image_look *b,
                                  enum image_near mode)
{
    struct image_change c = {0};
    if (mode == IMAGE_NEAR_OFF || a->width != b->width || a->height != b->height) {
        return c;
    }
    const struct limits *l = &limits[mode];
    struct field f;
    mark(&f, &c, a->thumb, b->thumb, l->noise);
    if (c.blocks > MANY_BLOCKS) {
        return c;
    }
    find_spots(&f, &c, l, a->height);
    c.run = longest_run(&f);
    c.is_duplicate = c.blocks <= l->blocks && c.spots <= l->spots &&
                     c.highest <= l->height &&
                     c.run <= (a->width > FINE_PX ? l->fine_run : l->run);
    return c;
}

// ---- candidates

static int mean(const uint8_t *thumb, int x0, int x1, int y0, int y1)
{
    int sum = 0;
    for (int y = y0; y < y1; y++) {
        for (int x = x0; x < x1; x++) {
            sum += thumb[y * W + x];
        }
    }
    return sum / ((x1 - x0) * (y1 - y0));
}

// Which of two neighbours is brighter, 8 x 8 times.  Flat areas are all 0, so that noise
// does not turn bits over.
uint64_t image_hash_look(const uint8_t *thumb)
{
    uint64_t hash = 0;
    for (int y = 0; y < 8; y++) {
        int left = 0;
        for (int x = 0; x < 9; x++) {
            const int right =
                mean(thumb, x * W / 9, (x + 1) * W / 9, y * H / 8, (y + 1) * H / 8);
            if (x > 0) {
                hash = hash << 1 | (right > left + 1);
            }
            left = right;
        }
    }
    return hash;
}
