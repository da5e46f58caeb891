// vp8_tokens.c -- the coefficients of a macroblock: where the time of a lossy WebP goes.
//
// Source: RFC 6386, 13 and 14.3.
// SPDX-License-Identifier: MIT
#include "image/vp8.h"

#include <stdlib.h>

enum { LUMA_REST, MEANS, CHROMA, LUMA };  // types of blocks

// No encoder's coefficient is larger than VP8_MOST_COEFF: an eight bit difference times the
// transform's gain is 2040.  Sums of smaller ones fit into sixteen bits at every step of the
// transform, so that all ways to compute it give the same.
enum { MOST_COEFF = VP8_MOST_COEFF, MOST_MEANS = INT16_MAX };

static const uint8_t zigzag[VP8_BLOCK_COEFFS] = {0, 1,  4,  8,  5, 2,  3,  6,
                                                 9, 12, 13, 10, 7, 11, 14, 15};

// The value's lower bits, the probability of each.
static const uint8_t extra[4][12] = {
    {173, 148, 140},
    {176, 155, 140, 135},
    {180, 157, 141, 134, 130},
    {254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129},
};

VP8_INLINE int read_more(struct vp8_bool *b, const uint8_t *probs)
{
    int v = 0;
    for (; *probs; probs++) {
        vp8_fill(b);
        v = 2 * v + vp8_read_digit(b, *probs);
    }
    return v;
}

// Two and more; p is where the tree goes on.  There must be room for four reads.
VP8_INLINE int read_large(struct vp8_bool *b, const uint8_t *p)
{
    if (!vp8_read(b, p[3])) {
        return !vp8_read(b, p[4]) ? 2 : 3 + vp8_read_digit(b, p[5]);
    }
    if (!vp8_read(b, p[6])) {
        if (!vp8_read(b, p[7])) {
            return 5 + vp8_read_digit(b, 159);
        }
        vp8_fill(b);
        const int high = vp8_read_digit(b, 165);
        return 7 + 2 * high + vp8_read_digit(b, 145);
    }
    const int high = vp8_read(b, p[8]);
    const int kind = 2 * high + vp8_read(b, p[9 + high]);
    return 3 + (8 << kind) + read_more(b, extra[kind]);
}

struct block_reader {
    struct vp8_bool b;
    bool is_wild;  // a coefficient was too large
};

// From place n on.  Returns the place behind the last coefficient that is not 0 (or 16,
// when only zeros were left to say so).  Most blocks have none: they cost one read.
VP8_INLINE int read_block(struct block_reader *r,
                          const uint8_t (*probs)[VP8_CONTEXTS][VP8_PROB_STRIDE],
                          int context, const int q[2], int n, int most, int16_t *out)
{
    struct vp8_bool *b = &r->b;
    const uint8_t *p = probs[n][context];
    vp8_fill_for_one(b);
    while (vp8_read(b, p[0])) {
        vp8_fill(b);
        while (!vp8_read(b, p[1])) {
            if (++n == VP8_BLOCK_COEFFS) {
                return n;
            }
            p = probs[n][0];
            vp8_fill(b);
        }
        int v = 1;
        if (!vp8_read(b, p[2])) {
            p = probs[n + 1][1];
        } else {
            v = read_large(b, p);
            vp8_fill(b);
            p = probs[n + 1][2];
            r->is_wild |= v * q[n > 0] > most;
        }
        out[zigzag[n]] = (int16_t)(vp8_read_sign(b, v) * q[n > 0]);
        if (++n == VP8_BLOCK_COEFFS) {
            return n;
        }
    }
    return n;
}

// The inverse Walsh-Hadamard transform: one sum of the luma blocks' means each.
static bool spread_means(const int16_t in[16], struct vp8_block *m)
{
    int t[16];
    int worst = 0;
    for (int i = 0; i < 4; i++) {
        const int a = in[i] + in[12 + i], b = in[4 + i] + in[8 + i];
        const int c = in[4 + i] - in[8 + i], d = in[i] - in[12 + i];
        t[i] = a + b;
        t[4 + i] = c + d;
        t[8 + i] = a - b;
        t[12 + i] = d - c;
    }
    for (int i = 0; i < 4; i++) {
        const int *row = t + 4 * i;
        const int a = row[0] + row[3] + 3, b = row[1] + row[2];
        const int c = row[1] - row[2], d = row[0] - row[3] + 3;
        const int out[4] = {(a + b) >> 3, (c + d) >> 3, (a - b) >> 3, (d - c) >> 3};
        for (int k = 0; k < 4; k++) {
            m->coeffs[4 * i + k][0] = (int16_t)out[k];
            worst |= abs(out[k]) > MOST_COEFF;
        }
    }
    return !worst;
}

VP8_INLINE bool read_means(struct vp8_block *m, struct block_reader *r,
                           const struct vp8_probs *probs, const struct vp8_quant *q,
                           struct vp8_near *above, struct vp8_near *left)
{
    int16_t means[16] = {0};
    const int n = read_block(r, probs->at[MEANS], above->means + left->means, q->means, 0,
                             MOST_MEANS, means);
    above->means = left->means = n > 0;
    return n == 0 || spread_means(means, m);
}

static uint8_t kind_of(int n, int16_t first)
{
    return n > 1 ? 2 : first != 0;
}

// A square of blocks from number i on.  above and left: whether those there have
// coefficients.
VP8_INLINE void read_square(struct vp8_block *m, struct block_reader *r, int i, int side,
                            int type, const struct vp8_probs *probs, const int q[2],
                            uint8_t *above, uint8_t *left)
{
    const int first = type == LUMA_REST;
    for (int y = 0; y < side; y++) {
        uint8_t before = left[y];
        for (int x = 0; x < side; x++, i++) {
            const int n = read_block(r, probs->at[type], above[x] + before, q, first,
                                     MOST_COEFF, m->coeffs[i]);
            above[x] = before = n > first;
            m->n[i] = kind_of(n, m->coeffs[i][0]);
        }
        left[y] = before;
    }
}

VP8_INLINE bool read_all(struct vp8_block *m, struct vp8_bool *in,
                         const struct vp8_probs *probs, const struct vp8_quant *q,
                         struct vp8_near *above, struct vp8_near *left)
{
    struct block_reader r = {.b = *in};
    bool is_sane = true;
    if (m->is_split) {
        read_square(m, &r, 0, 4, LUMA, probs, q->luma, above->luma, left->luma);
    } else {
        is_sane = read_means(m, &r, probs, q, above, left);
        read_square(m, &r, 0, 4, LUMA_REST, probs, q->luma, above->luma, left->luma);
    }
    for (int p = 0; p < 2; p++) {
        read_square(m, &r, 16 + 4 * p, 2, CHROMA, probs, q->chroma, above->chroma[p],
                    left->chroma[p]);
    }
    *in = r.b;
    return is_sane && !r.is_wild;
}

bool vp8_tokens_plain(struct vp8_block *m, struct vp8_bool *in,
                      const struct vp8_probs *probs, const struct vp8_quant *q,
                      struct vp8_near *above, struct vp8_near *left)
{
    return read_all(m, in, probs, q, above, left);
}

#if defined(__x86_64__)
VP8_BMI2 static bool read_bmi2(struct vp8_block *m, struct vp8_bool *in,
                               const struct vp8_probs *probs, const struct vp8_quant *q,
                               struct vp8_near *above, struct vp8_near *left)
{
    return read_all(m, in, probs, q, above, left);
}
#else
#define read_bmi2 vp8_tokens_plain
#endif

vp8_read_tokens_fn *vp8_tokens_best(void)
{
    return vp8_has_bmi2() ? read_bmi2 : vp8_tokens_plain;
}
