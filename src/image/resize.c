// resize.c -- Lanczos3 in fixed point.
//
// Called by the decoders, one struct resize per plane.  Why Lanczos3: a box or bilinear
// filter loses a third to nine tenths of the small words a model could otherwise read;
// the filter's cost hardly shows in the total.  Why vertical first: the horizontal pass
// then runs on few rows, and the vertical one is plain multiply-add over whole rows.
// Source: Duchon 1979 (the window); edge taps outside the picture are dropped and the
// rest renormalised.
// SPDX-License-Identifier: MIT
#include "image/resize.h"

#include "image/kernels.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define LOBES 3.0

static const double pi = 3.14159265358979323846;

// From one tap to the next.  sin at equal steps is a rotation: two multiplications per
// tap instead of two calls of sin.
struct turn {
    double step;
    double ds1, dc1;  // of the sine
    double ds3, dc3;  // of the window
};

static struct turn turn_by(double step)
{
    return (struct turn){step, sin(pi * step), cos(pi * step), sin(pi * step / LOBES),
                         cos(pi * step / LOBES)};
}

// Raw weights of one output.
static double raw_weights(double *w, int count, double t0, const struct turn *turn)
{
    double s1 = sin(pi * t0), c1 = cos(pi * t0);
    double s3 = sin(pi * t0 / LOBES), c3 = cos(pi * t0 / LOBES);
    const double ds1 = turn->ds1, dc1 = turn->dc1, ds3 = turn->ds3, dc3 = turn->dc3;
    double sum = 0;
    for (int k = 0; k < count; k++) {
        double t = t0 + k * turn->step;
        double v = 0;
        if (fabs(t) < 1e-9) {
            v = 1;
        } else if (fabs(t) < LOBES) {
            v = LOBES * s1 * s3 / (pi * pi * t * t);
        }
        w[k] = v;
        sum += v;
        double next = s1 * dc1 + c1 * ds1;
        c1 = c1 * dc1 - s1 * ds1;
        s1 = next;
        next = s3 * dc3 + c3 * ds3;
        c3 = c3 * dc3 - s3 * ds3;
        s3 = next;
    }
    return sum;
}

// To Q14 with sum one, the rounding error put where it is relatively smallest.
static void quantise(int16_t *q, const double *w, int count, double sum, int one)
{
    int total = 0;
    int peak = 0;
    for (int k = 0; k < count; k++) {
        q[k] = (int16_t)lrint(w[k] / sum * one);
        total += q[k];
        if (q[k] > q[peak]) {
            peak = k;
        }
    }
    q[peak] = (int16_t)(q[peak] + one - total);
}

// What the weights of one axis are made from.
struct plan {
    int src_n;
    int most;  // inputs of one output
    bool pairs;
    double ratio;    // inputs from one output to the next
    double stretch;  // of the filter
    int one;         // sum of an output's weights
    double *raw;     // most of them
    struct turn turn;
};

// Without SSE4.1, which not all machines have, ceil and floor are calls.
static int round_up(double v)
{
    const int n = (int)v;
    return n + (n < v);
}

static int round_down(double v)
{
    const int n = (int)v;
    return n - (n > v);
}

// The inputs output i is made of: first and count, cut off at the picture's edges.
static void find_inputs(const struct plan *p, int i, int *first, int *count)
{
    const double reach = LOBES * p->stretch;
    const double centre = (i + 0.5) * p->ratio;
    int lo = round_up(centre - reach - 0.5);
    int hi = round_down(centre + reach - 0.5) + 1;
    lo = lo < 0 ? 0 : lo;
    hi = hi > p->src_n ? p->src_n : hi;
    lo = lo >= hi ? hi - 1 : lo;
    lo -= p->pairs ? lo & 1 : 0;
    hi = hi - lo > p->most ? lo + p->most : hi;
    *first = lo;
    *count = hi - lo;
}

static void find_weights(struct plan *p, const struct resize_axis *a, int i,
                         int16_t *weights)
{
    const double centre = (i + 0.5) * p->ratio;
    const double t0 = (a->first[i] + 0.5 - centre) / p->stretch;
    const double sum = raw_weights(p->raw, a->count[i], t0, &p->turn);
    quantise(weights, p->raw, a->count[i], sum, p->one);
}

// After so many outputs the same weights come again, a whole number of inputs further:
// 2 from 1920 to 768, 1 from 3840.  Lengths are whole or half numbers of samples.
// Saves most of the sines: they were one part in thirty of a picture.
static int find_period(double src_len, double dst_len)
{
    long a = lrint(2 * src_len), b = lrint(2 * dst_len);
    const long dst = b;
    while (a) {
        const long rest = b % a;
        b = a;
        a = rest;
    }
    return (int)(dst / b);
}

// Neither one is cut off at an edge, nor rounded differently.
static bool is_repeated(const struct resize_axis *a, int i, int before, long shift)
{
    return before > 0 && a->first[before] > 0 && a->count[i] == a->count[before] &&
           a->first[i] - a->first[before] == shift &&
           a->first[i] + a->count[i] < a->src_n;
}

static void find_all_inputs(struct resize_axis *a, const struct plan *p, int *first,
                            int *count)
{
    int most = 1;
    for (int i = 0; i < a->dst_n; i++) {
        find_inputs(p, i, &first[i], &count[i]);
        most = count[i] > most ? count[i] : most;
    }
    a->first = first;
    a->count = count;
    a->max_count = most;
    a->taps = (most + 7) & ~7;
}

static void find_all_weights(struct resize_axis *a, struct plan *p, int period,
                             int16_t *weights)
{
    const size_t taps = (size_t)a->taps;
    const long shift = lrint(period * p->ratio);
    for (int i = 0; i < a->dst_n; i++) {
        int16_t *own = weights + (size_t)i * taps;
        if (is_repeated(a, i, i - period, shift)) {
            memcpy(own, own - (size_t)period * taps, taps * sizeof(*own));
        } else {
            find_weights(p, a, i, own);
            memset(own + a->count[i], 0, (taps - (size_t)a->count[i]) * sizeof(*own));
        }
    }
    a->weights = weights;
}

static int32_t bias_of(const struct resize_range *range)
{
    const int shift = RESIZE_WEIGHT_BITS + RESIZE_LINE_BITS;
    return (int32_t)lrint(((range ? range->offset : 0) + 0.5) * (1 << shift));
}

int resize_axis_init(struct resize_axis *a, struct arena *arena, int src_n,
                     double src_len, int dst_n, double dst_len, bool pairs,
                     const struct resize_range *range)
{
    struct plan p = {.src_n = src_n, .ratio = src_len / dst_len, .pairs = pairs};
    p.one = (int)lrint((range ? range->gain : 1) * (1 << RESIZE_WEIGHT_BITS));
    p.stretch = p.ratio > 1 ? p.ratio : 1;
    p.turn = turn_by(1 / p.stretch);
    p.most = (int)(2 * LOBES * p.stretch) + 1 + pairs;
    p.most = p.most > src_n ? src_n : p.most;
    int *first = arena_get_array(arena, (size_t)dst_n, 2 * sizeof(*first));
    p.raw = arena_get_array(arena, (size_t)p.most, sizeof(*p.raw));
    if (!first || !p.raw) {
        return E_NOMEM;
    }
    *a = (struct resize_axis){.src_n = src_n, .dst_n = dst_n, .bias = bias_of(range)};
    find_all_inputs(a, &p, first, first + dst_n);
    int16_t *weights =
        arena_get_array(arena, (size_t)dst_n * (size_t)a->taps, sizeof(*weights));
    if (!weights) {
        return E_NOMEM;
    }
    int period = find_period(src_len, dst_len);
    if (pairs && lrint(period * p.ratio) % 2 != 0) {
        period *= 2;  // inputs come in pairs again
    }
    find_all_weights(a, &p, period, weights);
    return 0;
}

int resize_lines_init(struct resize_lines *l, struct arena *arena,
                      const struct resize_axis *x)
{
    l->stride = (x->src_n + x->taps + 15) & ~15;
    l->n = 0;
    const size_t n = RESIZE_LINES * (size_t)l->stride;
    l->v = arena_get_array(arena, n, sizeof(*l->v));
    l->scratch = arena_get_array(arena, n, sizeof(*l->scratch));
    if (!l->v || !l->scratch) {
        return E_NOMEM;
    }
    for (int k = 0; k < RESIZE_LINES; k++) {
        int16_t *end = l->v + (size_t)k * (size_t)l->stride + x->src_n;
        memset(end, 0, (size_t)(l->stride - x->src_n) * sizeof(*end));
    }
    return 0;
}

static int get_buffers(struct resize *r, struct arena *arena)
{
    const size_t most = (size_t)r->y.max_count;
    r->rows = arena_get_array(arena, most, sizeof(*r->rows));
    r->row_weights = arena_get_array(arena, most, sizeof(*r->row_weights));
    return r->rows && r->row_weights ? resize_lines_init(&r->lines, arena, &r->x)
                                     : E_NOMEM;
}

int resize_init(struct resize *r, struct arena *arena, const struct resize_plane *p)
{
    *r = (struct resize){
        .kernels = p->kernels, .out = p->out, .out_stride = p->out_stride};
    int rc = resize_axis_init(&r->x, arena, (int)ceil(p->src_width), p->src_width,
                              (int)ceil(p->dst_width), p->dst_width, true, p->range);
    if (!rc) {
        rc = resize_axis_init(&r->y, arena, (int)ceil(p->src_height), p->src_height,
                              (int)ceil(p->dst_height), p->dst_height, false, NULL);
    }
    return rc ? rc : get_buffers(r, arena);
}

int resize_init_like(struct resize *r, struct arena *arena, const struct resize *other,
                     uint8_t *out)
{
    *r = (struct resize){.kernels = other->kernels,
                         .x = other->x,
                         .y = other->y,
                         .out = out,
                         .out_stride = other->out_stride};
    return get_buffers(r, arena);
}

int resize_stream(struct resize *r, struct arena *arena, int ahead)
{
    r->ring_rows = (r->y.max_count > 2 ? r->y.max_count : 2) + ahead - 1;
    r->ring_stride = (r->x.src_n + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
    r->ring = arena_get_array(arena, (size_t)r->ring_rows, (size_t)r->ring_stride);
    r->pushed = arena_get_array(arena, (size_t)r->ring_rows, 2 * sizeof(const uint8_t *));
    return r->ring && r->pushed ? 0 : E_NOMEM;
}

uint8_t *resize_row_ahead(struct resize *r, int k)
{
    int slot = r->next_slot + k;
    slot -= slot >= r->ring_rows ? r->ring_rows : 0;
    return r->ring + (size_t)slot * (size_t)r->ring_stride;
}

uint8_t *resize_row(struct resize *r)
{
    return resize_row_ahead(r, 0);
}

// The next output, from count rows in r->rows.
static void emit(struct resize *r, const int16_t *weights, int count)
{
    struct resize_lines *l = &r->lines;
    r->kernels->columns(r->rows, weights, count, 0, r->x.src_n,
                        l->v + (size_t)l->n++ * (size_t)l->stride);
    r->next_out++;
    if (l->n == RESIZE_LINES || r->next_out == r->y.dst_n) {
        const size_t first = (size_t)(r->next_out - l->n);
        r->kernels->lines(&r->x, l, r->out + first * (size_t)r->out_stride,
                          r->out_stride);
        l->n = 0;
    }
}

static const int16_t *weights_of(const struct resize *r, int i)
{
    return r->y.weights + (size_t)i * (size_t)r->y.taps;
}

// Rows that look alike count as one, with all their weights.  Which ones do follows no
// pattern, so there is no branch on it.
static int gather_rows(struct resize *r, int first, int count)
{
    const int16_t *weights = weights_of(r, r->next_out);
    const uint8_t *const *pushed = r->pushed + first % r->ring_rows;
    const uint8_t *last = pushed[0];
    int n = 0, sum = 0;
    for (int k = 0; k < count; k++) {
        const bool is_other = pushed[k] != last;
        n += is_other;
        sum = (is_other ? 0 : sum) + weights[k];
        last = pushed[k];
        r->rows[n] = last;
        r->row_weights[n] = (int16_t)sum;
    }
    return n + 1;
}

// Each is noted twice, so that any ring_rows of them follow each other.
static void note_row(struct resize *r, const uint8_t *row)
{
    r->pushed[r->at] = r->pushed[r->at + r->ring_rows] = row;
    r->at = r->at + 1 == r->ring_rows ? 0 : r->at + 1;
    r->rows_in++;
}

static void push(struct resize *r, const uint8_t *row)
{
    note_row(r, row);
    while (r->next_out < r->y.dst_n) {
        const int first = r->y.first[r->next_out];
        const int count = r->y.count[r->next_out];
        if (first + count > r->rows_in) {
            return;
        }
        const int n = gather_rows(r, first, count);
        emit(r, r->row_weights, n);
    }
}

void resize_push(struct resize *r)
{
    const uint8_t *row = resize_row(r);
    r->next_slot = r->next_slot + 1 == r->ring_rows ? 0 : r->next_slot + 1;
    push(r, row);
}

void resize_repeat(struct resize *r)
{
    assert(r->rows_in > 0);
    push(r, r->pushed[r->at + r->ring_rows - 1]);
}

void resize_whole(struct resize *r, const uint8_t *src, int stride)
{
    while (r->next_out < r->y.dst_n) {
        const int first = r->y.first[r->next_out], count = r->y.count[r->next_out];
        for (int k = 0; k < count; k++) {
            r->rows[k] = src + (size_t)(first + k) * (size_t)stride;
        }
        emit(r, weights_of(r, r->next_out), count);
    }
}
