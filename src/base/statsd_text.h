// statsd_text.h -- what changed in a registry, as the packets that StatsD reads.
//
// Counters are sent as how much they grew, gauges as what they are.  A histogram is sent as
// one line per bucket that grew: its middle value, and the share that stands for so many.  The
// server then sees every value, to within an eighth, and works out its own percentiles.
// What was not taken is not noted as told, and is sent the next time.
// Thread: the registry's.
// Source: Etsy, StatsD, "Metric types" and "Multi-metric packets"; Datadog, "DogStatsD
// datagram format" for the tags.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_STATSD_TEXT_H
#define VLMD_BASE_STATSD_TEXT_H

#include "base/metrics.h"

// What fits one frame of Ethernet with the heads of IPv6 and UDP.
enum { STATSD_PACKET_BYTES = 1432, STATSD_MAX_PREFIX = 100 };

struct statsd_style {
    const char *prefix;  // before each name, at most STATSD_MAX_PREFIX bytes; "" = none
    bool has_tags;       // labels as |#name:value; else they become parts of the name
};

// What the server was told of each series.
struct statsd_memory;

struct statsd_memory *statsd_memory_new(void);
void statsd_memory_free(struct statsd_memory *m);

// 0, or why the packet was not taken.
typedef int statsd_send_fn(void *arg, const char *packet, size_t len);

// Hands over what changed since it was told, in at most max_packets.
// Errors: E_TOOBIG (there is more: call again); what send returned, which ends it.
MUST_USE int statsd_tell(struct statsd_memory *m, const struct metrics *all,
                         const struct statsd_style *style, int max_packets,
                         statsd_send_fn *send, void *arg);

#endif
