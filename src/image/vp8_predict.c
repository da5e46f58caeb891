// vp8_predict.c -- what a macroblock, or a block of it, looks like by its neighbours.
//
// All work inside of struct vp8_work, where the samples around have been put.
// Source: RFC 6386, 12.
// SPDX-License-Identifier: MIT
#include "image/vp8.h"

enum { LINE = VP8_LINE };

static void fill(uint8_t *at, int side, int value)
{
    for (int y = 0; y < side; y++) {
        memset(at + y * LINE, value, (size_t)side);
    }
}

// The mean of the samples around, as far as there are any.
VP8_INLINE void predict_mean(uint8_t *at, int side, bool has_above, bool has_left)
{
    int sum = 0;
    for (int i = 0; i < side && has_above; i++) {
        sum += at[i - LINE];
    }
    for (int i = 0; i < side && has_left; i++) {
        sum += at[i * LINE - 1];
    }
    const int n = side * (has_above + has_left);
    fill(at, side, n ? (sum + n / 2) / n : 128);
}

static uint8_t clamp_byte(int v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

// Above, plus how the left side changes.
VP8_INLINE void predict_motion(uint8_t *at, int side)
{
    uint8_t above[VP8_MB];
    const int corner = at[-LINE - 1];
    memcpy(above, at - LINE, (size_t)side);
    for (int y = 0; y < side; y++) {
        uint8_t *row = at + y * LINE;
        const int change = row[-1] - corner;
        for (int x = 0; x < side; x++) {
            row[x] = clamp_byte(above[x] + change);
        }
    }
}

VP8_INLINE void predict_rows(uint8_t *at, int side)
{
    for (int y = 0; y < side; y++) {
        memset(at + y * LINE, at[y * LINE - 1], (size_t)side);
    }
}

VP8_INLINE void predict_columns(uint8_t *at, int side)
{
    for (int y = 0; y < side; y++) {
        memcpy(at + y * LINE, at - LINE, (size_t)side);
    }
}

VP8_INLINE void predict(uint8_t *at, enum vp8_mode mode, int side, bool has_above,
                        bool has_left)
{
    if (mode == VP8_DC) {
        predict_mean(at, side, has_above, has_left);
    } else if (mode == VP8_TM) {
        predict_motion(at, side);
    } else if (mode == VP8_VERTICAL) {
        predict_columns(at, side);
    } else {
        predict_rows(at, side);
    }
}

void vp8_predict_luma(uint8_t *at, enum vp8_mode mode, bool has_above, bool has_left)
{
    predict(at, mode, VP8_MB, has_above, has_left);
}

void vp8_predict_chroma(uint8_t *at, enum vp8_mode mode, bool has_above, bool has_left)
{
    predict(at, mode, VP8_MB / 2, has_above, has_left);
}

// ---- blocks of 4 x 4

// The samples around a block, from the lower left corner up, then to the right.  Slopes
// are cut out of it, or of its means of two and of three.
enum { CORNER = 4, AROUND = 13 };

static void get_around(uint8_t around[AROUND], const uint8_t *at)
{
    for (int i = 0; i < 4; i++) {
        around[i] = at[(3 - i) * LINE - 1];
    }
    memcpy(around + CORNER, at - LINE - 1, AROUND - CORNER);
}

static uint8_t mean2(int a, int b)
{
    return (uint8_t)((a + b + 1) >> 1);
}

static uint8_t mean3(int a, int b, int c)
{
    return (uint8_t)((a + 2 * b + c + 2) >> 2);
}

// out[i] is about the sample i of those around, from from to to.
static void smooth(uint8_t *out, const uint8_t *around, int from, int to)
{
    for (int i = from; i <= to; i++) {
        out[i] = mean3(around[i - 1], around[i], around[i + 1]);
    }
}

static void put(uint8_t *at, int y, const uint8_t *four)
{
    memcpy(at + y * LINE, four, 4);
}

static void put_steps(uint8_t *at, const uint8_t *first, int step)
{
    for (int y = 0; y < 4; y++) {
        put(at, y, first + y * step);
    }
}

static void block_mean(uint8_t *at)
{
    int sum = 4;
    for (int i = 0; i < 4; i++) {
        sum += at[i - LINE] + at[i * LINE - 1];
    }
    fill(at, 4, sum >> 3);
}

static void block_horizontal(uint8_t *at, const uint8_t e[AROUND])
{
    memset(at, mean3(e[4], e[3], e[2]), 4);
    memset(at + LINE, mean3(e[3], e[2], e[1]), 4);
    memset(at + 2 * LINE, mean3(e[2], e[1], e[0]), 4);
    memset(at + 3 * LINE, mean3(e[1], e[0], e[0]), 4);
}

static void block_left_down(uint8_t *at, const uint8_t e[AROUND])
{
    uint8_t s[AROUND];
    smooth(s, e, CORNER + 2, AROUND - 2);
    s[AROUND - 1] = mean3(e[11], e[12], e[12]);
    put_steps(at, s + CORNER + 2, 1);
}

static void block_right_down(uint8_t *at, const uint8_t e[AROUND])
{
    uint8_t s[AROUND];
    smooth(s, e, 1, CORNER + 3);
    put_steps(at, s + CORNER, -1);
}

static void block_vertical_right(uint8_t *at, const uint8_t e[AROUND])
{
    uint8_t two[5], three[5];  // of rows 0 and 1, with what comes in from the left below
    for (int i = 1; i < 5; i++) {
        two[i] = mean2(e[CORNER + i - 1], e[CORNER + i]);
        three[i] = mean3(e[CORNER + i - 2], e[CORNER + i - 1], e[CORNER + i]);
    }
    two[0] = mean3(e[CORNER - 2], e[CORNER - 1], e[CORNER]);
    three[0] = mean3(e[CORNER - 3], e[CORNER - 2], e[CORNER - 1]);
    put(at, 0, two + 1);
    put(at, 1, three + 1);
    put(at, 2, two);
    put(at, 3, three);
}

static void block_vertical_left(uint8_t *at, const uint8_t e[AROUND])
{
    const uint8_t *above = e + CORNER + 1;
    uint8_t two[4], three[6];
    for (int i = 0; i < 4; i++) {
        two[i] = mean2(above[i], above[i + 1]);
    }
    for (int i = 0; i < 6; i++) {
        three[i] = mean3(above[i], above[i + 1], above[i + 2]);
    }
    const uint8_t third[4] = {two[1], two[2], two[3], three[4]};
    const uint8_t fourth[4] = {three[1], three[2], three[3], three[5]};
    put(at, 0, two);
    put(at, 1, three);
    put(at, 2, third);
    put(at, 3, fourth);
}

static void block_horizontal_down(uint8_t *at, const uint8_t e[AROUND])
{
    // Of row 3, then two further to the left for each row above it.
    const uint8_t all[10] = {mean2(e[0], e[1]),       mean3(e[0], e[1], e[2]),
                             mean2(e[1], e[2]),       mean3(e[1], e[2], e[3]),
                             mean2(e[2], e[3]),       mean3(e[2], e[3], e[4]),
                             mean2(e[3], e[4]),       mean3(e[3], e[4], e[5]),
                             mean3(e[4], e[5], e[6]), mean3(e[5], e[6], e[7])};
    put_steps(at, all + 6, -2);
}

static void block_horizontal_up(uint8_t *at, const uint8_t e[AROUND])
{
    const uint8_t all[10] = {mean2(e[3], e[2]),
                             mean3(e[3], e[2], e[1]),
                             mean2(e[2], e[1]),
                             mean3(e[2], e[1], e[0]),
                             mean2(e[1], e[0]),
                             mean3(e[1], e[0], e[0]),
                             e[0],
                             e[0],
                             e[0],
                             e[0]};
    put_steps(at, all, 2);
}

void vp8_predict_block(uint8_t *at, enum vp8_mode mode)
{
    uint8_t e[AROUND], s[AROUND];
    if (mode == VP8_DC) {
        block_mean(at);
        return;
    }
    if (mode == VP8_TM) {
        predict_motion(at, 4);
        return;
    }
    get_around(e, at);
    switch (mode) {
    case VP8_VERTICAL:
        smooth(s, e, CORNER + 1, CORNER + 4);
        put_steps(at, s + CORNER + 1, 0);
        return;
    case VP8_HORIZONTAL: block_horizontal(at, e); return;
    case VP8_LEFT_DOWN: block_left_down(at, e); return;
    case VP8_RIGHT_DOWN: block_right_down(at, e); return;
    case VP8_VERTICAL_RIGHT: block_vertical_right(at, e); return;
    case VP8_VERTICAL_LEFT: block_vertical_left(at, e); return;
    case VP8_HORIZONTAL_DOWN: block_horizontal_down(at, e); return;
    case VP8_HORIZONTAL_UP: block_horizontal_up(at, e); return;
    case VP8_DC:
    case VP8_TM:
    case VP8_N_MODES: return;
    }
}
