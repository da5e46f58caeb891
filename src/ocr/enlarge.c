// enlarge.c -- enlarges a grey picture by a whole number.
//
// The middle of a new pixel lies beside the middle of an old one, towards the next: of n new
// pixels number k is |2k + 1 - n| parts of 2n away.
// SPDX-License-Identifier: MIT
#include "ocr/enlarge.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

// What a new pixel or row is made of: the old one it lies in, and the next to it.
struct place {
    int near, far;
    int far_parts;  // of 2 * times
};

static struct place place_of(int i, int times, int count)
{
    const int at = i / times, beside = 2 * (i % times) + 1 - times;
    const int next = at + (beside > 0) - (beside < 0);
    return (struct place){at, next < 0 || next == count ? at : next, abs(beside)};
}

static void put_row(const uint8_t *near, const uint8_t *far, int far_parts, int width,
                    int times, uint8_t *out)
{
    const int all = 2 * times, near_parts = all - far_parts;
    for (int x = 0; x < times * width; x++) {
        const struct place p = place_of(x, times, width);
        const int a = near_parts * near[p.near] + far_parts * far[p.near];
        const int b = near_parts * near[p.far] + far_parts * far[p.far];
        out[x] = (uint8_t)(((all - p.far_parts) * a + p.far_parts * b + all * all / 2) /
                           (all * all));
    }
}

void enlarge(const uint8_t *in, int stride, int width, int height, int times,
             uint8_t *out)
{
    assert(times >= 1 && times <= 4 && width > 0 && height > 0);
    for (int y = 0; y < times * height; y++) {
        const struct place p = place_of(y, times, height);
        put_row(in + (ptrdiff_t)p.near * stride, in + (ptrdiff_t)p.far * stride,
                p.far_parts, width, times, out + (ptrdiff_t)y * times * width);
    }
}
