// fv_stats.h -- what was asked and answered, so that tests can prove "exactly once".
// SPDX-License-Identifier: MIT
#ifndef FV_STATS_H
#define FV_STATS_H

#include "fv_text.h"

struct image_count {
    char hash[33];     // "" marks a free place
    int64_t asked;     // chat requests that carried it, refused ones too
    int64_t answered;  // whole, right answers that were written out
};

// Owns: images (open addressing, capacity a power of two).
struct stats {
    int64_t requests, chat_requests, answered;
    int64_t bytes_in, bytes_out;
    int64_t connections, open_connections, open_connections_max;
    int64_t running, running_max, waiting_max;
    int64_t cancelled, loads, unloads, refused;
    int64_t steps;  // of the batch
    struct image_count *images;
    size_t images_n, images_cap;
};

// Never NULL; a new hash begins with zeroes.  The pointer is good until the next call.
struct image_count *stats_image(struct stats *s, const char hash[33]);
void stats_running(struct stats *s, int change);

// Forgets everything but what is open and running right now.
void stats_reset(struct stats *s);
void stats_free(struct stats *s);

// Adds {"<hash>":{"asked":..,"answered":..},...}.
void stats_add_images(const struct stats *s, struct text *out);
// Adds the counters as members of a JSON object, without braces.
void stats_add_counters(const struct stats *s, struct text *out);

#endif
