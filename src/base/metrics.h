// metrics.h -- counters, gauges and histograms with labels, and Prometheus' text of them.
//
// A registry belongs to its owner, there is no global one.  A metric is one row of a table;
// it has a series per combination of label values, up to a bound: what comes after that is
// counted in a series whose labels all say "other", so that memory has an end whatever the
// labels are made of.
//
// Values are whole numbers: durations are held in microseconds and shown in seconds, money in
// millionths and shown as it is.
// Thread: metrics_* the one that owns the registry; metric_* any.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_METRICS_H
#define VLMD_BASE_METRICS_H

#include "base/buf.h"
#include "base/histogram.h"

#include <stdbool.h>
#include <stdint.h>

enum { METRIC_MAX_LABELS = 3, METRIC_MAX_VALUE = 127, METRIC_DEFAULT_SERIES = 64 };
enum { METRICS_MAX = 512 };

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
enum metric_unit { METRIC_NUMBER, METRIC_SECONDS, METRIC_BYTES, METRIC_MILLIONTHS };

// Names as Prometheus wants them: the unit last, _total at the end of counters.
struct metric_row {
    const char *name;
    const char *help;
    enum metric_type type;
    enum metric_unit unit;
    const char *labels[METRIC_MAX_LABELS];  // names; NULL after the last
    int max_series;                         // 0 = METRIC_DEFAULT_SERIES
};

struct metrics;
struct metric_series;

// The rows' numbers are their places in the table.  The table must outlive the registry.
struct metrics *metrics_new(const struct metric_row *rows, int n);
void metrics_free(struct metrics *m);
// One more row, copied; returns its number.
// Errors: E_USAGE (not a name that Prometheus takes, a name that is there, wrong suffix),
// E_TOOBIG (METRICS_MAX).
MUST_USE int metrics_define(struct metrics *m, const struct metric_row *row);
int metrics_count(const struct metrics *m);
enum metric_type metrics_type(const struct metrics *m, int row);
// The series of these label values (as many as the row has labels; NULL = "").  Never NULL;
// it stays as long as the registry.  One without labels is there from the beginning.
struct metric_series *metrics_series(struct metrics *m, int row,
                                     const char *const *values);

void metric_add(struct metric_series *s, int64_t n);          // counter, gauge
void metric_set(struct metric_series *s, int64_t n);          // gauge
void metric_observe(struct metric_series *s, int64_t value);  // histogram
// Shows what was measured elsewhere.
void metric_copy(struct metric_series *s, const struct histogram *from);
int64_t metric_value(const struct metric_series *s);
const struct histogram *metric_histogram(const struct metric_series *s);  // or NULL

typedef void metrics_series_fn(void *arg, const struct metric_row *row,
                               const char *const *values, const struct metric_series *s);
// Row after row; a row without series is left out.
void metrics_each(const struct metrics *m, metrics_series_fn *fn, void *arg);

// Prometheus' text format 0.0.4.  Errors: E_TOOBIG, E_NOMEM of out.
MUST_USE int metrics_text(const struct metrics *m, struct buf *out);
// A value as both the text and others write it: "1.5" for 1500000 microseconds.
MUST_USE int metrics_number(enum metric_unit unit, int64_t n, struct buf *out);

#endif
