// mask.c -- where the boxes lie on stored pixels and planes, and painting them black.
//
// Black, because a model takes it for what it is, a redaction, and because an opaque plain
// colour costs hardly a byte in the JPEG.
// SPDX-License-Identifier: MIT
#include "image/mask.h"

#include "image/picture.h"
#include "image/pixels.h"

#include <assert.h>
#include <string.h>

enum { NO_COLOUR = 128, VIDEO_BLACK = 16 };

int mask_check(const struct image_box *boxes, int n, struct err *e)
{
    if (n < 0 || n > IMAGE_MOST_MASKS || (n > 0 && !boxes)) {
        return err_set(e, E_USAGE, "%d boxes to mask, 0 to %d are possible", n,
                       IMAGE_MOST_MASKS);
    }
    for (int i = 0; i < n; i++) {
        if (boxes[i].width <= 0 || boxes[i].height <= 0) {
            return err_set(e, E_USAGE, "box %d to mask has %d x %d pixels", i,
                           boxes[i].width, boxes[i].height);
        }
    }
    return 0;
}

// ---- boxes

// Half open; may reach outside and beyond what an int holds.
struct span {
    int64_t from;
    int64_t to;
};

static struct span clip(struct span s, int side)
{
    return (struct span){s.from < 0 ? 0 : s.from, s.to > side ? side : s.to};
}

static struct span mirror(struct span s, int side)
{
    return (struct span){side - s.to, side - s.from};
}

static bool is_empty(struct span s)
{
    return s.from >= s.to;
}

static struct span span_x(const struct image_box *b)
{
    return (struct span){b->x, (int64_t)b->x + b->width};
}

static struct span span_y(const struct image_box *b)
{
    return (struct span){b->y, (int64_t)b->y + b->height};
}

// Both clipped, neither empty.
static struct image_box box_of(struct span x, struct span y)
{
    return (struct image_box){(int)x.from, (int)y.from, (int)(x.to - x.from),
                              (int)(y.to - y.from)};
}

int mask_init(struct mask *m, const struct image_box *boxes, int n, int width, int height,
              int orientation, struct arena *arena)
{
    const struct turn t = orientation_turn(orientation);
    *m = (struct mask){.width = width, .height = height};
    if (n == 0) {
        return 0;
    }
    m->boxes = arena_get_array(arena, (size_t)n, sizeof(*m->boxes));
    if (!m->boxes) {
        return E_NOMEM;
    }
    for (int i = 0; i < n; i++) {
        struct span x = t.swaps ? span_y(&boxes[i]) : span_x(&boxes[i]);
        struct span y = t.swaps ? span_x(&boxes[i]) : span_y(&boxes[i]);
        x = clip(t.from_right ? mirror(x, width) : x, width);
        y = clip(t.from_bottom ? mirror(y, height) : y, height);
        if (!is_empty(x) && !is_empty(y)) {
            m->boxes[m->n++] = box_of(x, y);
        }
    }
    return 0;
}

// from and to are not negative.
static struct span to_units(struct span s, int unit)
{
    return (struct span){s.from / unit * unit, (s.to + unit - 1) / unit * unit};
}

static struct span widen(struct span s, int unit, int around, int side)
{
    s = to_units(s, unit);
    return clip((struct span){s.from - around, s.to + around}, side);
}

void mask_widen(struct mask *m, int unit_x, int unit_y, int around)
{
    for (int i = 0; i < m->n; i++) {
        const struct span x = widen(span_x(&m->boxes[i]), unit_x, around, m->width);
        const struct span y = widen(span_y(&m->boxes[i]), unit_y, around, m->height);
        m->boxes[i] = box_of(x, y);
    }
}

// ---- rows

static bool has_row(const struct image_box *b, int y)
{
    return y >= b->y && y - b->y < b->height;
}

bool mask_has_row(const struct mask *m, int y)
{
    for (int i = 0; i < m->n; i++) {
        if (has_row(&m->boxes[i], y)) {
            return true;
        }
    }
    return false;
}

void mask_paint_row(const struct mask *m, int y, uint8_t *row, int channels)
{
    for (int i = 0; i < m->n; i++) {
        const struct image_box *b = &m->boxes[i];
        if (!has_row(b, y)) {
            continue;
        }
        uint8_t *at = row + (size_t)b->x * (size_t)channels;
        memset(at, 0, (size_t)b->width * (size_t)channels);
        for (int x = 0; channels == 4 && x < b->width; x++) {
            at[4 * x + 3] = 255;
        }
    }
}

// ---- planes

// Pixels of the picture to samples of a plane: all that have a part of them.
static struct span on_plane(struct span s, int sub, const struct mask_grid *g, int side)
{
    const int more = g->around * g->block / g->scale;
    s = to_units((struct span){s.from / sub, (s.to + sub - 1) / sub}, g->block);
    return clip((struct span){s.from / g->scale - more, s.to / g->scale + more}, side);
}

// What box k covers of plane i.
struct cover {
    struct span x, y;
    int black;
};

static struct cover cover_of(const struct mask *m, int k, const struct planes *p, int i,
                             const struct mask_grid *g)
{
    const int sub_x = i ? g->sub_x : 1, sub_y = i ? g->sub_y : 1;
    const int width = (p->width + sub_x - 1) / sub_x;
    const int height = (p->height + sub_y - 1) / sub_y;
    return (struct cover){.x = on_plane(span_x(&m->boxes[k]), sub_x, g, width),
                          .y = on_plane(span_y(&m->boxes[k]), sub_y, g, height),
                          .black = i                   ? NO_COLOUR
                                   : p->is_video_range ? VIDEO_BLACK
                                                       : 0};
}

static void paint_row(const struct cover *c, uint8_t *row)
{
    if (!is_empty(c->x)) {
        memset(row + c->x.from, c->black, (size_t)(c->x.to - c->x.from));
    }
}

void mask_paint_plane_row(const struct mask *m, const struct planes *p, int i, int y,
                          uint8_t *row, const struct mask_grid *g)
{
    for (int k = 0; k < m->n; k++) {
        const struct cover c = cover_of(m, k, p, i, g);
        if (y >= c.y.from && y < c.y.to) {
            paint_row(&c, row);
        }
    }
}

static void paint_plane(const struct mask *m, const struct planes *p, int i,
                        const struct mask_grid *g)
{
    for (int k = 0; k < m->n; k++) {
        const struct cover c = cover_of(m, k, p, i, g);
        for (int64_t y = c.y.from; y < c.y.to; y++) {
            paint_row(&c, p->p[i] + y * p->stride[i]);
        }
    }
}

void mask_paint_planes(const struct mask *m, const struct planes *p,
                       const struct mask_grid *g)
{
    assert(g->block % g->scale == 0);
    for (int i = 0; i < 3; i++) {
        if (p->p[i]) {
            paint_plane(m, p, i, g);
        }
    }
}
