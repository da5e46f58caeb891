// vp8.c -- macroblocks, one after the other: modes, coefficients, samples.
//
// They are made, some at a time, in a block of memory that stays in the first cache, with
// the samples around; then they are copied to where they belong.  Rows above are kept
// apart from the output, which may be painted over.
// Source: RFC 6386; what is outside of the picture (127, 129) as libwebp has it.
// SPDX-License-Identifier: MIT
#include "image/vp8.h"

enum { OUTSIDE_ABOVE = 127, OUTSIDE_LEFT = 129, MB = VP8_MB, HALF = VP8_MB / 2 };

// ---- opening

static int get_above(struct vp8 *v, struct arena *arena)
{
    const size_t n = (size_t)v->across;
    struct vp8_above *a = &v->above;
    a->luma = arena_get_array(arena, n + 1, MB);
    a->cb = arena_get_array(arena, n, HALF);
    a->cr = arena_get_array(arena, n, HALF);
    a->modes = arena_get_array(arena, n, 4);
    a->near = arena_get_array(arena, n, sizeof(*a->near));
    if (!a->luma || !a->cb || !a->cr || !a->modes || !a->near) {
        return E_NOMEM;
    }
    memset(a->luma, OUTSIDE_ABOVE, (n + 1) * MB);
    memset(a->cb, OUTSIDE_ABOVE, n * HALF);
    memset(a->cr, OUTSIDE_ABOVE, n * HALF);
    memset(a->modes, VP8_DC, n * 4);
    memset(a->near, 0, n * sizeof(*a->near));
    return 0;
}

int vp8_open(struct vp8 *v, const uint8_t *file, size_t len, struct arena *arena,
             const struct kernels *kernels)
{
    *v = (struct vp8){.kernels = kernels,
                      .read_tokens = vp8_tokens_best(),
                      .read_modes = vp8_modes_best()};
    int rc = vp8_head_read(&v->head, &v->probs, file, len);
    if (rc) {
        return rc;
    }
    v->across = (v->head.width + MB - 1) / MB;
    v->down = (v->head.height + MB - 1) / MB;
    return get_above(v, arena);
}

// ---- samples around

static void set_column(uint8_t *at, int rows, int value)
{
    for (int y = 0; y < rows; y++) {
        at[y * VP8_LINE] = (uint8_t)value;
    }
}

// Left of a row's first macroblock.
static void begin_left(struct vp8 *v)
{
    const int corner = v->y > 0 ? OUTSIDE_LEFT : OUTSIDE_ABOVE;
    uint8_t *luma = v->work.luma + VP8_LUMA_AT - 1;
    uint8_t *cb = v->work.chroma + VP8_CB_AT - 1, *cr = v->work.chroma + VP8_CR_AT - 1;
    set_column(luma, MB, OUTSIDE_LEFT);
    set_column(cb, HALF, OUTSIDE_LEFT);
    set_column(cr, HALF, OUTSIDE_LEFT);
    luma[-VP8_LINE] = cb[-VP8_LINE] = cr[-VP8_LINE] = (uint8_t)corner;
    memset(v->left_modes, VP8_DC, sizeof(v->left_modes));
    v->left = (struct vp8_near){0};
}

static void move_column(uint8_t *at, int rows, int width)
{
    for (int y = 0; y < rows; y++) {
        at[y * VP8_LINE - 1] = at[y * VP8_LINE + width - 1];
    }
}

// The last macroblock of a group becomes the left side of the next one.
static void move_left(struct vp8_work *w)
{
    move_column(w->luma + VP8_LUMA_AT - VP8_LINE, MB + 1, VP8_GROUP * MB);
    move_column(w->chroma + VP8_CB_AT - VP8_LINE, HALF + 1, VP8_GROUP * HALF);
    move_column(w->chroma + VP8_CR_AT - VP8_LINE, HALF + 1, VP8_GROUP * HALF);
}

// What is above the n macroblocks from x on, with the four samples to the right.
static void get_above_row(struct vp8 *v, int x, int n)
{
    const struct vp8_above *a = &v->above;
    uint8_t *luma = v->work.luma + VP8_LUMA_AT - VP8_LINE;
    memcpy(luma, a->luma + x * MB, (size_t)(n * MB + 4));
    memcpy(v->work.chroma + VP8_CB_AT - VP8_LINE, a->cb + x * HALF, (size_t)(n * HALF));
    memcpy(v->work.chroma + VP8_CR_AT - VP8_LINE, a->cr + x * HALF, (size_t)(n * HALF));
    if (v->y > 0 && x + n == v->across) {
        memset(luma + n * MB, luma[n * MB - 1], 4);
    }
}

// The four samples above to the right serve all four rows of blocks.
static void spread_right(uint8_t *luma)
{
    for (int y = 1; y < 4; y++) {
        memcpy(luma + MB + (4 * y - 1) * VP8_LINE, luma + MB - VP8_LINE, 4);
    }
}

// ---- one macroblock

static void add_block(const struct vp8 *v, struct vp8_block *m, int i, uint8_t *at)
{
    if (m->n[i] > 1) {
        v->kernels->add_block(m->coeffs[i], at, VP8_LINE);
        memset(m->coeffs[i], 0, sizeof(m->coeffs[i]));
    } else if (m->n[i] == 1) {
        v->kernels->add_mean(m->coeffs[i][0], at, VP8_LINE);
        m->coeffs[i][0] = 0;
    }
}

static void make_split(const struct vp8 *v, struct vp8_block *m, uint8_t *luma)
{
    spread_right(luma);
    for (int i = 0; i < 16; i++) {
        uint8_t *at = luma + i / 4 * 4 * VP8_LINE + i % 4 * 4;
        vp8_predict_block(at, m->modes[i]);
        add_block(v, m, i, at);
    }
}

// Blocks first to first + across * across.
static void add_blocks(const struct vp8 *v, struct vp8_block *m, int first, int across,
                       uint8_t *at)
{
    for (int y = 0; y < across; y++) {
        for (int x = 0; x < across; x++) {
            add_block(v, m, first + y * across + x, at + 4 * y * VP8_LINE + 4 * x);
        }
    }
}

// Number g of the group that begins at x.
static void make_block(struct vp8 *v, int x, int g)
{
    struct vp8_block *m = &v->block;
    const bool has_above = v->y > 0, has_left = x + g > 0;
    uint8_t *luma = v->work.luma + VP8_LUMA_AT + g * MB;
    uint8_t *cb = v->work.chroma + VP8_CB_AT + g * HALF;
    uint8_t *cr = v->work.chroma + VP8_CR_AT + g * HALF;
    if (m->is_split) {
        make_split(v, m, luma);
    } else {
        vp8_predict_luma(luma, m->modes[0], has_above, has_left);
    }
    vp8_predict_chroma(cb, m->chroma_mode, has_above, has_left);
    vp8_predict_chroma(cr, m->chroma_mode, has_above, has_left);
    if (m->is_skipped) {
        return;
    }
    if (!m->is_split) {
        add_blocks(v, m, 0, 4, luma);
    }
    add_blocks(v, m, 16, 2, cb);
    add_blocks(v, m, 20, 2, cr);
}

VP8_INLINE void put_out(struct vp8 *v, int x, size_t n, const struct vp8_rows *out)
{
    const uint8_t *luma = v->work.luma + VP8_LUMA_AT;
    const uint8_t *cb = v->work.chroma + VP8_CB_AT, *cr = v->work.chroma + VP8_CR_AT;
    for (int y = 0; y < MB; y++) {
        memcpy(out->luma[y] + x * MB, luma + y * VP8_LINE, n * MB);
    }
    for (int y = 0; y < HALF; y++) {
        memcpy(out->cb[y] + x * HALF, cb + y * VP8_LINE, n * HALF);
        memcpy(out->cr[y] + x * HALF, cr + y * VP8_LINE, n * HALF);
    }
    memcpy(v->above.luma + x * MB, luma + (MB - 1) * VP8_LINE, n * MB);
    memcpy(v->above.cb + x * HALF, cb + (HALF - 1) * VP8_LINE, n * HALF);
    memcpy(v->above.cr + x * HALF, cr + (HALF - 1) * VP8_LINE, n * HALF);
}

static bool read_block(struct vp8 *v, int x)
{
    struct vp8_block *m = &v->block;
    struct vp8_bool *tokens = &v->head.tokens[v->y & (v->head.n_tokens - 1)];
    struct vp8_near *above = &v->above.near[x], *left = &v->left;
    v->read_modes(m, &v->head, &v->head.modes, v->above.modes + 4 * x, v->left_modes);
    if (m->is_skipped) {
        memset(m->n, 0, sizeof(m->n));
        // The means of a split one are as those of the one before it.
        const uint8_t up = m->is_split ? above->means : 0;
        const uint8_t before = m->is_split ? left->means : 0;
        *above = (struct vp8_near){.means = up};
        *left = (struct vp8_near){.means = before};
        return !vp8_bool_is_past(&v->head.modes);
    }
    return v->read_tokens(m, tokens, &v->probs, &v->head.quant[m->segment], above,
                          left) &&
           !vp8_bool_is_past(tokens) && !vp8_bool_is_past(&v->head.modes);
}

// n macroblocks from x on.
static int make_group(struct vp8 *v, int x, int n)
{
    if (x > 0) {
        move_left(&v->work);
    }
    get_above_row(v, x, n);
    for (int g = 0; g < n; g++) {
        if (!read_block(v, x + g)) {
            return E_FORMAT;
        }
        make_block(v, x, g);
    }
    return 0;
}

int vp8_next_row(struct vp8 *v, const struct vp8_rows *out)
{
    begin_left(v);
    for (int x = 0; x < v->across; x += VP8_GROUP) {
        const int left = v->across - x, n = left < VP8_GROUP ? left : VP8_GROUP;
        if (make_group(v, x, n)) {
            return E_FORMAT;
        }
        if (n == VP8_GROUP) {
            put_out(v, x, VP8_GROUP, out);  // copies of a known length are fast
        } else {
            put_out(v, x, (size_t)n, out);
        }
    }
    v->y++;
    return 0;
}
