// metrics_text.c -- a registry as Prometheus reads it.
//
// Numbers are written digit by digit from whole ones: a host's locale must not change them,
// and seconds keep their microseconds.
// Source: Prometheus, "Exposition formats", text format 0.0.4.
// SPDX-License-Identifier: MIT
#include "base/metrics.h"

#include <inttypes.h>

#define MICROS INT64_C(1000000)

// Bounds of buckets that are shown: powers of two, where the counts are exact.  Durations
// from 1 ms to 17 minutes, sizes from 1 KiB to 1 GiB, numbers from 1 to a million.
static const struct {
    int first, last, step;
} bounds[] = {
    [METRIC_NUMBER] = {0, 20, 2},
    [METRIC_SECONDS] = {10, 30, 1},
    [METRIC_BYTES] = {10, 30, 2},
    [METRIC_MILLIONTHS] = {0, 30, 2},
};

int metrics_number(enum metric_unit unit, int64_t n, struct buf *out)
{
    if (unit != METRIC_SECONDS && unit != METRIC_MILLIONTHS) {
        return buf_printf(out, "%" PRId64, n);
    }
    uint64_t micros = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    char digits[8] = "";
    int len = 0;
    for (uint64_t rest = micros % MICROS, unit_of = MICROS / 10; rest; unit_of /= 10) {
        digits[len++] = (char)('0' + rest / unit_of);
        rest %= unit_of;
    }
    digits[len] = 0;
    return buf_printf(out, "%s%" PRIu64 "%s%s", n < 0 ? "-" : "", micros / MICROS,
                      len ? "." : "", digits);
}

static const char *const type_names[] = {"counter", "gauge", "histogram"};

struct writer_state {
    struct buf *out;
    const struct metric_row *row;  // whose head was written last
    int rc;
};

static void put(struct writer_state *w, const char *s)
{
    w->rc = w->rc ? w->rc : buf_add_str(w->out, s);
}

static void put_char(struct writer_state *w, char c)
{
    w->rc = w->rc ? w->rc : buf_add(w->out, &c, 1);
}

static void put_escaped(struct writer_state *w, const char *s, bool is_quoted)
{
    for (; *s; s++) {
        if (*s == '\\' || (is_quoted && *s == '"')) {
            put_char(w, '\\');
        }
        if (*s == '\n') {
            put(w, "\\n");
        } else {
            put_char(w, *s);
        }
    }
}

static void put_number(struct writer_state *w, enum metric_unit unit, int64_t n)
{
    w->rc = w->rc ? w->rc : metrics_number(unit, n, w->out);
}

// le: the bound of a bucket, below 0 = the last.
static void put_labels(struct writer_state *w, const struct metric_row *row,
                       const char *const *values, bool has_le, int64_t le)
{
    const char *before = "{";
    for (int i = 0; i < METRIC_MAX_LABELS && row->labels[i]; i++) {
        put(w, before);
        put(w, row->labels[i]);
        put(w, "=\"");
        put_escaped(w, values[i], true);
        put_char(w, '"');
        before = ",";
    }
    if (has_le) {
        put(w, before);
        put(w, "le=\"");
        if (le < 0) {
            put(w, "+Inf");
        } else {
            put_number(w, row->unit, le);
        }
        put_char(w, '"');
        before = ",";
    }
    if (*before == ',') {
        put_char(w, '}');
    }
}

static void put_sample(struct writer_state *w, const struct metric_row *row,
                       const char *suffix, const char *const *values, int64_t n)
{
    put(w, row->name);
    put(w, suffix);
    put_labels(w, row, values, false, 0);
    put_char(w, ' ');
    put_number(w, row->unit, n);
    put_char(w, '\n');
}

static void put_bucket(struct writer_state *w, const struct metric_row *row,
                       const char *const *values, int64_t le, uint64_t n)
{
    put(w, row->name);
    put(w, "_bucket");
    put_labels(w, row, values, true, le);
    put_char(w, ' ');
    put_number(w, METRIC_NUMBER, (int64_t)n);
    put_char(w, '\n');
}

// Others may add meanwhile: counts never shrink from one bound to the next, and the last one
// is the count of all.
static void put_histogram(struct writer_state *w, const struct metric_row *row,
                          const char *const *values, const struct histogram *h)
{
    uint64_t all = histogram_count(h), before = 0;
    for (int bit = bounds[row->unit].first; bit <= bounds[row->unit].last;
         bit += bounds[row->unit].step) {
        int64_t bound = INT64_C(1) << bit;
        uint64_t n = histogram_up_to(h, bound);
        before = n > before ? n : before;
        put_bucket(w, row, values, bound, before);
    }
    all = all > before ? all : before;
    put_bucket(w, row, values, -1, all);
    put_sample(w, row, "_sum", values, histogram_sum(h));
    put(w, row->name);
    put(w, "_count");
    put_labels(w, row, values, false, 0);
    put_char(w, ' ');
    put_number(w, METRIC_NUMBER, (int64_t)all);
    put_char(w, '\n');
}

static void put_head(struct writer_state *w, const struct metric_row *row)
{
    put(w, "# HELP ");
    put(w, row->name);
    put_char(w, ' ');
    put_escaped(w, row->help, false);
    put(w, "\n# TYPE ");
    put(w, row->name);
    put_char(w, ' ');
    put(w, type_names[row->type]);
    put_char(w, '\n');
}

static void on_series(void *arg, const struct metric_row *row, const char *const *values,
                      const struct metric_series *s)
{
    struct writer_state *w = arg;
    if (w->row != row) {
        put_head(w, row);
        w->row = row;
    }
    if (row->type == METRIC_HISTOGRAM) {
        put_histogram(w, row, values, metric_histogram(s));
    } else {
        put_sample(w, row, "", values, metric_value(s));
    }
}

int metrics_text(const struct metrics *m, struct buf *out)
{
    struct writer_state w = {.out = out};
    metrics_each(m, on_series, &w);
    return w.rc;
}
