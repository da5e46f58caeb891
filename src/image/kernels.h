// kernels.h -- the inner loops of the picture path, one set per instruction set.
//
// All sets give the same bytes; kernels_scalar.c says in plain C what they do.  Outputs
// never overlap inputs.  No set reads or writes beyond the lengths it is told.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_KERNELS_H
#define VLMD_IMAGE_KERNELS_H

#include "image/blocks.h"
#include "image/resize.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// BT.601, full range, Q15.
enum {
    LUMA_R = 9798,
    LUMA_G = 19235,
    LUMA_B = 3735,
    CB_R = -5529,
    CB_G = -10855,
    CB_B = 16384,
    CR_R = 16384,
    CR_G = -13720,
    CR_B = -2664,
};

enum { MOST_SHORT = 64 };  // rows

// The transform's sqrt(2) * cos(pi / 8), less one, and sqrt(2) * sin(pi / 8), in Q16.
enum { VP8_COS = 20091, VP8_SIN = 35468, VP8_MOST_COEFF = 2200 };

struct kernels {
    const char *name;
    // n pixels of step bytes (3: RGB, 4: RGBX) -> n bytes of luma.
    void (*luma)(const uint8_t *px, int n, int step, uint8_t *out);
    // The means of 2 x 2 pixels of two rows, as chroma or as RGBX; the last column of an
    // odd n counts twice.
    void (*chroma)(const uint8_t *px, const uint8_t *below, int n, int step, uint8_t *cb,
                   uint8_t *cr);
    void (*boxes)(const uint8_t *px, const uint8_t *below, int n, int step,
                  uint8_t *rgbx);
    bool (*is_opaque)(const uint8_t *rgba, int n);
    // Vertical filter: columns from..n of count rows -> Q6 values.
    void (*columns)(const uint8_t *const *rows, const int16_t *weights, int count,
                    int from, int n, int16_t *out);
    // Horizontal filter of the rows in lines.
    void (*lines)(const struct resize_axis *x, const struct resize_lines *lines,
                  uint8_t *out, int out_stride);
    // PNG filter 0 to 4 of a row of n bytes, pixels of step (3 or 4) bytes; up is the
    // finished row above.
    void (*unfilter)(int filter, const uint8_t *in, const uint8_t *up, size_t n,
                     size_t step, uint8_t *out);
    // As blocks_scalar; NULL: libjpeg is faster.
    void (*blocks)(const uint8_t *const left[BLOCK_SIDE],
                   const uint8_t *const right[BLOCK_SIDE], int x,
                   const struct quantiser *q, struct block_pair *out);
    // VP8: adds the inverse transform of 4 x 4 coefficients, none over VP8_MOST_COEFF, to
    // as many samples (RFC 6386, 14.3); and the same where only the first is not 0.
    void (*add_block)(const int16_t coeffs[16], uint8_t *at, int stride);
    void (*add_mean)(int coeff, uint8_t *at, int stride);
};

extern const struct kernels kernels_scalar;
// One row of lines: outputs from..dst_n.
void kernels_scalar_line(const struct resize_axis *x, const int16_t *line, int from,
                         uint8_t *out);
// Bytes i..n of a row, filter 1 to 4, where the ones before are done.
void kernels_unfilter_rest(int filter, const uint8_t *in, const uint8_t *up, size_t i,
                           size_t n, size_t step, uint8_t *out);
void kernels_scalar_add_block(const int16_t coeffs[16], uint8_t *at, int stride);
void kernels_scalar_add_mean(int coeff, uint8_t *at, int stride);
// What columns does in every set when there are more than MOST_SHORT rows.
void kernels_long_columns(const uint8_t *const *rows, const int16_t *weights, int count,
                          int from, int n, int16_t *out);

// The fastest set for this machine.
const struct kernels *kernels_best(void);
// Set i of those that this machine can run, 0 is scalar; NULL behind the last one.
const struct kernels *kernels_at(int i);

#endif
