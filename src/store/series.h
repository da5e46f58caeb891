// series.h -- what was done, by minute, hour and day: sums that charts are drawn of.
//
// Every process adds what it did to the row of each span, at most once a minute and only when
// there is something to add.  Spreads of times add up exactly, so the percentiles of a day are
// those of all its answers.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_SERIES_H
#define VLMD_STORE_SERIES_H

#include "base/histogram.h"
#include "store/store.h"

enum store_span { STORE_MINUTE, STORE_HOUR, STORE_DAY, STORE_SPANS };
enum { STORE_MAX_POINTS = 1500 };  // a day of minutes, and some

struct store_point {
    int64_t at_ms;  // unix, when its span began; days begin at midnight, local time
    int64_t by_outcome[STORE_FAILED + 1];
    int64_t requests, request_errors;
    int64_t prompt_tokens, completion_tokens, bytes_sent, cost_micros;
    int64_t rss_bytes;  // largest of any process
    int64_t queued;     // most
    // Of answers, only read:
    int64_t answers, p50_us, p95_us;
};

struct store_series_add {
    // in
    struct store_point point;      // at_ms: any time in the minute; queued is filled in
    struct histogram latency;      // of answers, us
    int64_t keep_ms[STORE_SPANS];  // older rows of the span are removed
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_series_add *r, int err);
};
void store_series_add(struct store *s, struct store_series_add *r,
                      void (*done)(struct store_series_add *r, int err));

// In order of time; spans in which nothing was done have no point.
struct store_series_read {
    // in
    enum store_span span;
    int64_t since_ms, until_ms;  // when spans began; until is not included, 0 = no bound
    // out
    struct store_point *points;  // owned: free(); the newest STORE_MAX_POINTS
    int n;
    struct store_point total;  // of these; its at_ms is that of the first
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_series_read *r, int err);
};
void store_series_read(struct store *s, struct store_series_read *r,
                       void (*done)(struct store_series_read *r, int err));
// When the span that holds at_ms began.
int64_t store_span_began_ms(enum store_span span, int64_t at_ms);

#endif
