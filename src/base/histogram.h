// histogram.h -- how values are spread: counts in log-linear buckets, percentiles from them.
//
// Eight buckets to each doubling, so a percentile is at most an eighth off whatever its
// size; values from 1 to 16 are exact, 0 and less count as 1 but add nothing to the sum.  Any
// number of values takes the same memory.
// Thread: any may add at the same time; readers see each add sooner or later, whole.
// Source: G. Tene, HdrHistogram, 2012.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_HISTOGRAM_H
#define VLMD_BASE_HISTOGRAM_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

enum {
    HISTOGRAM_SUB_BITS = 3,
    HISTOGRAM_MAX_BITS = 41,  // larger values count as the largest: 25 days in us, 2 TiB
    HISTOGRAM_BUCKETS = (HISTOGRAM_MAX_BITS - HISTOGRAM_SUB_BITS + 1)
                        << HISTOGRAM_SUB_BITS,
};

// Zero-initialised is empty.
struct histogram {
    atomic_ullong counts[HISTOGRAM_BUCKETS];
    atomic_llong sum;
};

void histogram_add(struct histogram *h, int64_t value);
void histogram_clear(struct histogram *h);  // what is added meanwhile may be lost
void histogram_merge(struct histogram *to, const struct histogram *from);
uint64_t histogram_count(const struct histogram *h);
int64_t histogram_sum(const struct histogram *h);
// How many values were at most bound; exact for powers of two.
uint64_t histogram_up_to(const struct histogram *h, int64_t bound);
// The value that pct percent of all do not exceed; 0 when there is none.
int64_t histogram_percentile(const struct histogram *h, double pct);

// How many values are in a bucket (0 to HISTOGRAM_BUCKETS - 1), and the one in its middle.
uint64_t histogram_bucket(const struct histogram *h, int bucket);
int64_t histogram_bucket_value(int bucket);

// As few bytes as a handful of values needs.  unpack adds to what h holds.
// Errors: as buf_add; E_FORMAT, and h is as it was.
MUST_USE int histogram_pack(const struct histogram *h, struct buf *out);
MUST_USE int histogram_unpack(struct histogram *h, const uint8_t *data, size_t len);

#endif
