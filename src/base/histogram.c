// histogram.c -- see histogram.h.
//
// Packed: a version, the sum, then for each bucket that holds something how many empty ones
// lie before it, and its count; all as variable-length numbers of 7 bits per byte, lowest
// first.
// SPDX-License-Identifier: MIT
#include "base/histogram.h"

enum { SUB = 1 << HISTOGRAM_SUB_BITS, PACKED_VERSION = 1, MAX_VARINT = 10 };

// By value - 1: a bucket ends with its bound, as Prometheus' do.
static int bucket_of(int64_t value)
{
    value = value > 1 ? value - 1 : 0;
    if (value < SUB) {
        return (int)value;
    }
    int top = 63 - __builtin_clzll((unsigned long long)value);
    if (top >= HISTOGRAM_MAX_BITS) {
        return HISTOGRAM_BUCKETS - 1;
    }
    int shift = top - HISTOGRAM_SUB_BITS;
    return ((shift + 1) << HISTOGRAM_SUB_BITS) + (int)(value >> shift & (SUB - 1));
}

// Bucket i holds the values above this, up to the start of the next one.
static int64_t start_of(int i)
{
    if (i < SUB) {
        return i;
    }
    int shift = (i >> HISTOGRAM_SUB_BITS) - 1;
    return (int64_t)(SUB + (i & (SUB - 1))) << shift;
}

static uint64_t load(const struct histogram *h, int i)
{
    return atomic_load_explicit(&h->counts[i], memory_order_relaxed);
}

void histogram_add(struct histogram *h, int64_t value)
{
    atomic_fetch_add_explicit(&h->counts[bucket_of(value)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum, value > 0 ? value : 0, memory_order_relaxed);
}

void histogram_clear(struct histogram *h)
{
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        atomic_store_explicit(&h->counts[i], 0, memory_order_relaxed);
    }
    atomic_store_explicit(&h->sum, 0, memory_order_relaxed);
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        atomic_fetch_add_explicit(&to->counts[i], load(from, i), memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&to->sum, histogram_sum(from), memory_order_relaxed);
}

uint64_t histogram_count(const struct histogram *h)
{
    uint64_t n = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        n += load(h, i);
    }
    return n;
}

int64_t histogram_sum(const struct histogram *h)
{
    return atomic_load_explicit(&h->sum, memory_order_relaxed);
}

uint64_t histogram_up_to(const struct histogram *h, int64_t bound)
{
    uint64_t n = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS && start_of(i + 1) <= bound; i++) {
        n += load(h, i);
    }
    return n;
}

// Inside a bucket values are taken as evenly spread.
int64_t histogram_percentile(const struct histogram *h, double pct)
{
    uint64_t counts[HISTOGRAM_BUCKETS], all = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        counts[i] = load(h, i);
        all += counts[i];
    }
    double rank = (double)all * pct / 100, before = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        double n = (double)counts[i];
        if (n > 0 && before + n >= rank) {
            double width = (double)(start_of(i + 1) - start_of(i));
            int64_t part = (int64_t)(width * (rank - before) / n);
            return start_of(i) + (part > 1 ? part : 1);
        }
        before += n;
    }
    return 0;
}

uint64_t histogram_bucket(const struct histogram *h, int bucket)
{
    return load(h, bucket);
}

int64_t histogram_bucket_value(int bucket)
{
    return (start_of(bucket) + 1 + start_of(bucket + 1)) / 2;
}

// ---- packed

static int put_number(struct buf *out, uint64_t n)
{
    uint8_t bytes[MAX_VARINT];
    size_t len = 0;
    do {
        bytes[len++] = (uint8_t)((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
        n >>= 7;
    } while (n);
    return buf_add(out, bytes, len);
}

int histogram_pack(const struct histogram *h, struct buf *out)
{
    uint64_t gap = 0;
    int rc = put_number(out, PACKED_VERSION);
    rc = rc ? rc : put_number(out, (uint64_t)histogram_sum(h));
    for (int i = 0; !rc && i < HISTOGRAM_BUCKETS; i++) {
        uint64_t n = load(h, i);
        if (n) {
            rc = put_number(out, gap);
            rc = rc ? rc : put_number(out, n);
            gap = 0;
        } else {
            gap++;
        }
    }
    return rc;
}

struct packed {
    const uint8_t *at, *end;
    bool is_bad;
};

static uint64_t take_number(struct packed *p)
{
    uint64_t n = 0;
    for (int shift = 0; shift < 63 && p->at < p->end; shift += 7) {
        uint8_t byte = *p->at++;
        n |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            return n;
        }
    }
    p->is_bad = true;
    return 0;
}

int histogram_unpack(struct histogram *h, const uint8_t *data, size_t len)
{
    struct packed p = {data, data + len, false};
    uint64_t counts[HISTOGRAM_BUCKETS] = {0};
    uint64_t at = 0;
    p.is_bad = take_number(&p) != PACKED_VERSION;
    uint64_t sum = take_number(&p);
    while (!p.is_bad && p.at < p.end) {
        uint64_t gap = take_number(&p);
        uint64_t n = take_number(&p);
        if (p.is_bad || gap >= HISTOGRAM_BUCKETS - at) {
            return E_FORMAT;
        }
        at += gap;
        counts[at++] = n;
    }
    if (p.is_bad) {
        return E_FORMAT;
    }
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        atomic_fetch_add_explicit(&h->counts[i], counts[i], memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&h->sum, (long long)sum, memory_order_relaxed);
    return 0;
}
