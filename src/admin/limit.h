// limit.h -- how much each of many names may do in a minute, pure.
//
// A bucket per name that holds a minute's worth and fills steadily.  There is room for a
// fixed number of names; a new one takes the place of who was quiet for longest.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ADMIN_LIMIT_H
#define VLMD_ADMIN_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum { LIMIT_NAMES = 64, LIMIT_NAME = 64 };

struct limit {
    int per_min;  // 0 = no limit
    struct limit_bucket {
        char name[LIMIT_NAME];
        double tokens;
        int64_t at_ms;  // 0 = free
    } buckets[LIMIT_NAMES];
};

struct limit_state {
    bool is_allowed;
    int limit, remaining;
    int64_t retry_ms;  // until one is allowed
    int64_t reset_ms;  // until all are
};

// Takes one of name's.
struct limit_state limit_take(struct limit *l, const char *name, int64_t now_ms);
// What it would be, without taking.
struct limit_state limit_look(const struct limit *l, const char *name, int64_t now_ms);

#endif
