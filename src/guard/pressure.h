// pressure.h -- how short memory is, and what is done about it.
//
// Three shares are looked at: of the machine or of the control group that binds, whichever is
// nearer to its end, and of this process's own budget.  Pure: (state, sample, now) -> level.
// A level rises at once and falls when its mark was kept clear for a while.
// SPDX-License-Identifier: MIT
#ifndef VLMD_GUARD_PRESSURE_H
#define VLMD_GUARD_PRESSURE_H

#include <stdbool.h>
#include <stdint.h>

enum pressure_level { PRESSURE_NORMAL, PRESSURE_WARNING, PRESSURE_CRITICAL };

struct pressure_config {
    int warning_pct;    // of memory in use, default 80
    int critical_pct;   // default 90
    int64_t rss_bytes;  // of this process, default 400 MB; 0 = no budget
};

// What was read; 0 bytes and -1 percent: not known.
struct pressure_sample {
    int64_t used_bytes, total_bytes;       // of the machine, without what can be dropped
    int64_t group_bytes, group_max_bytes;  // of the control group; max 0 = none
    int64_t rss_bytes;                     // of this process
    double some_pct, full_pct;  // time that some or all tasks stood still for memory
};

struct pressure {
    enum pressure_level level;
    enum pressure_level
        own;          // the part of level that this process's size is to blame for
    int64_t calm_ms;  // since when it could be lower, monotonic; 0 = it could not
    int64_t raised;   // times that level rose
};

// What a level means for the rest.
struct pressure_effects {
    int cache_pct;        // of each cache's budget
    int concurrency_pct;  // of each backend's limit, at least one
    bool may_decode;      // may new pictures be opened?
    bool unloads_idle;    // models nobody waits for
};

void pressure_config_default(struct pressure_config *c);
enum pressure_level pressure_judge(struct pressure *p, const struct pressure_config *c,
                                   const struct pressure_sample *s, int64_t now_ms);
// When the level may fall at the earliest, if nothing changes: monotonic, INT64_MAX = normal.
int64_t pressure_due_ms(const struct pressure *p);
void pressure_effects(const struct pressure *p, struct pressure_effects *out);
// The largest share in percent; 0 = nothing is known.
int pressure_used_pct(const struct pressure_sample *s);
const char *pressure_name(enum pressure_level l);  // "normal", "warning", "critical"

#endif
