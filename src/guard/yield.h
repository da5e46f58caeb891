// yield.h -- when the machine is wanted for something else: work slowly, or not at all.
//
// Each rule says what its case means.  Pure: (state, sample, now) -> mode.  A case that has
// passed holds on for a while, so that short gaps in it do not start the GPU.
// SPDX-License-Identifier: MIT
#ifndef VLMD_GUARD_YIELD_H
#define VLMD_GUARD_YIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// slow: one request at a time, and only what a person waits for.
enum yield_mode { YIELD_NOT, YIELD_SLOW, YIELD_PAUSE };

enum yield_case {
    YIELD_BATTERY,
    YIELD_CPU,
    YIELD_GPU,
    YIELD_PROGRAM,
    YIELD_HOURS,
    YIELD_CASES
};

struct yield_config {
    enum yield_mode rule[YIELD_CASES];
    int cpu_pct;      // of all cores, by others, default 50
    int gpu_pct;      // while nothing of ours is asked, default 50
    int64_t hold_ms;  // a case must be over for this long, default 30000
};

// What was seen.  -1 = not known: such a rule does nothing.
struct yield_sample {
    int on_battery;  // 1, 0, -1
    int battery_pct;
    int cpu_pct;          // used by others
    int gpu_pct;          // all of it; -1 also while a model of ours may be using it
    const char *program;  // one of those named that runs; "" = none; borrowed
    bool is_outside;      // of the hours that were named
    int64_t opens_at_ms;  // unix: when the hours begin again; 0 = not known
};

struct yield {
    enum yield_mode mode;
    enum yield_case why;           // meaningful unless YIELD_NOT
    int64_t seen_ms[YIELD_CASES];  // last time, monotonic; 0 = never
    int value;                     // that was over its limit; percent
    char program[32];
    int64_t opens_at_ms;
};

void yield_config_default(struct yield_config *c);
// Is there any rule that needs looking?
bool yield_is_on(const struct yield_config *c);
enum yield_mode yield_judge(struct yield *y, const struct yield_config *c,
                            const struct yield_sample *s, int64_t now_ms);
// "on battery (43 %)", "blender is running", ...
void yield_words(const struct yield *y, char *out, size_t size);
const char *yield_mode_name(enum yield_mode m);  // "off", "slow", "pause"

#endif
