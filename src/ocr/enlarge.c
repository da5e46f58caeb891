// enlarge.c -- doubles a grey picture.
//
// A new pixel lies a quarter of an old one beside an old middle: three parts of the nearest,
// one of the next, across and down.
// SPDX-License-Identifier: MIT
#include "ocr/enlarge.h"

#include <stddef.h>

static uint8_t blend(int near_near, int near_far, int far_near, int far_far)
{
    return (uint8_t)((9 * near_near + 3 * (near_far + far_near) + far_far + 8) >> 4);
}

// near: the row that the new one lies in; far: the next to it.
static void put_row(const uint8_t *near, const uint8_t *far, int width, uint8_t *out)
{
    const int last = width - 1;
    out[0] = blend(near[0], near[0], far[0], far[0]);
    for (int x = 0; x < last; x++) {
        out[2 * x + 1] = blend(near[x], near[x + 1], far[x], far[x + 1]);
        out[2 * x + 2] = blend(near[x + 1], near[x], far[x + 1], far[x]);
    }
    out[2 * last + 1] = blend(near[last], near[last], far[last], far[last]);
}

void enlarge_twice(const uint8_t *in, int width, int height, uint8_t *out)
{
    const size_t stride = (size_t)width;
    for (int y = 0; y < height; y++) {
        const uint8_t *row = in + (size_t)y * stride;
        put_row(row, y > 0 ? row - stride : row, width, out);
        put_row(row, y < height - 1 ? row + stride : row, width, out + 2 * stride);
        out += 4 * stride;
    }
}
