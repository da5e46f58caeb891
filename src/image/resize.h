// resize.h -- shrinks one 8-bit plane with a Lanczos3 filter, row by row or whole.
//
// Vertical first (Q14 weights, from a ring of source rows into lines of 16-bit Q6 values),
// then horizontal, several lines at a time; the inner loops of both stand in kernels*.c.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_RESIZE_H
#define VLMD_IMAGE_RESIZE_H

#include "base/err.h"
#include "image/arena.h"

enum {
    RESIZE_WEIGHT_BITS = 14,
    RESIZE_LINE_BITS = 6,
    RESIZE_LINES = 8,
};

struct kernels;

// The filter of one direction.  Output i is the sum over k < count[i] of
// weights[i * taps + k] * input[first[i] + k], plus bias; the weights of an output sum to
// 1 << RESIZE_WEIGHT_BITS (times the gain of a change of range); those from count[i] to
// taps are 0.
struct resize_axis {
    int src_n;
    int dst_n;
    int taps;  // a multiple of 8
    int max_count;
    const int *first;  // borrowed: until the arena's reset, as all below
    const int *count;
    const int16_t *weights;
    int32_t bias;  // half a unit and the range's offset; of the horizontal filter
};

// Results of the vertical filter.
struct resize_lines {
    int16_t *v;        // borrowed: until the arena's reset; RESIZE_LINES lines
    int16_t *scratch;  // as much, for the horizontal filter
    int stride;        // a multiple of 16; at least taps values behind a line's end
    int n;             // filled, 1 to RESIZE_LINES
};

// A change of range that comes with the filter: value * gain + offset.
struct resize_range {
    double gain;
    double offset;
};

// pairs: every first is even, as kernels that take inputs in pairs want it; there are more
// weights then, which are 0.  src_len and dst_len are the lengths in units of samples; for a chroma plane of an odd
// picture they are half a sample shorter than src_n and dst_n.  range: NULL for none.
// Errors: E_NOMEM.
MUST_USE int resize_axis_init(struct resize_axis *a, struct arena *arena, int src_n,
                              double src_len, int dst_n, double dst_len, bool pairs,
                              const struct resize_range *range);

// Errors: E_NOMEM.
MUST_USE int resize_lines_init(struct resize_lines *l, struct arena *arena,
                               const struct resize_axis *x);

// One plane on its way through.
struct resize {
    const struct kernels *kernels;  // borrowed: constant
    struct resize_axis x;
    struct resize_axis y;
    struct resize_lines lines;
    const uint8_t **rows;  // max_count pointers, and the weight of each
    int16_t *row_weights;
    uint8_t *out;
    int out_stride;
    int next_out;
    // row by row only
    uint8_t *ring;
    int ring_rows;
    int ring_stride;
    int next_slot;  // of the ring, to be filled
    // The last ring_rows rows, twice; those that look alike are one.
    const uint8_t **pushed;  // borrowed: until the arena's reset
    int at;                  // in pushed, of the next one
    int rows_in;
};

struct resize_plane {
    const struct kernels *kernels;
    double src_width;  // see resize_axis_init; sample counts are these rounded up
    double src_height;
    double dst_width;
    double dst_height;
    const struct resize_range *range;  // or NULL
    uint8_t *out;
    int out_stride;
};

// Errors: E_NOMEM.
MUST_USE int resize_init(struct resize *r, struct arena *arena,
                         const struct resize_plane *p);
// For a plane of the same sizes, with its own output of the same stride.
// Errors: E_NOMEM.
MUST_USE int resize_init_like(struct resize *r, struct arena *arena,
                              const struct resize *other, uint8_t *out);
// Row by row: resize_stream once after init, then for each source row fill what
// resize_row points to (src_n bytes) and push it.  Up to ahead rows, at least 1, may be
// filled before they are pushed: resize_row_ahead(r, k) is row k of them, and has memory for
// src_n rounded up to ARENA_ALIGN.
MUST_USE int resize_stream(struct resize *r, struct arena *arena, int ahead);
uint8_t *resize_row(struct resize *r);
uint8_t *resize_row_ahead(struct resize *r, int k);
void resize_push(struct resize *r);
// Instead: the row before once more.
void resize_repeat(struct resize *r);
// All at once, from memory.
void resize_whole(struct resize *r, const uint8_t *src, int stride);

#endif
