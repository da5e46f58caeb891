// err_ring.h -- the last errors of a process, and how often each kind came.
//
// Kinds are (code, backend).  A spike: at least five of a kind in the last minute, and four
// times as many as is usual for it; what goes on for about an hour is usual.
// Pure: times are arguments.  Thread: that of the owner.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_ERR_RING_H
#define VLMD_BASE_ERR_RING_H

#include "base/err.h"

#include <stdint.h>

enum { ERR_RING_ROWS = 1000, ERR_RING_GROUPS = 128 };

// What went wrong; strings may be NULL, and are copied (longer ones are cut).
struct err_note {
    int code;           // E_*
    int64_t job;        // 0 = none
    const char *cid;    // correlation id
    const char *stage;  // "asking", "saving", ...
    const char *backend;
    const char *words;  // nothing of the picture's text
};

struct err_row {
    int64_t seq;    // 1, 2, ...
    int64_t at_ms;  // unix
    int code;
    int64_t job;
    char cid[24];
    char stage[16];
    char backend[96];
    char words[256];
};

struct err_group {
    int code;
    char backend[96];
    int64_t total;
    int64_t first_at_ms, last_at_ms;  // unix
    bool is_spike;
    double recent, usual;  // private: counts that decay in a minute, and in an hour
    int64_t counted_ms;    // private: monotonic, of both
};

struct err_ring {
    struct err_row rows[ERR_RING_ROWS];
    int64_t total;  // rows ever added
    struct err_group groups[ERR_RING_GROUPS];
    int n_groups;
};

// A zeroed ring is an empty one.  Returns the group in which a spike begins with this error,
// else NULL; borrowed: until the next add.
const struct err_group *err_ring_add(struct err_ring *r, const struct err_note *n,
                                     int64_t at_ms, int64_t now_ms);
// i = 0 is the newest; NULL beyond the oldest that is kept.
const struct err_row *err_ring_at(const struct err_ring *r, int i);

double err_group_per_min(const struct err_group *g, int64_t now_ms);  // last minute
double err_group_usual(const struct err_group *g, int64_t now_ms);    // last hour
bool err_group_has_spike(const struct err_group *g, int64_t now_ms);  // still

#endif
