// pressure.c -- see pressure.h.
// SPDX-License-Identifier: MIT
#include "guard/pressure.h"

enum {
    SLACK_PCT = 5,    // below its mark before a level may fall
    CALM_MS = 10000,  // and for so long
};

// Tasks that stand still a tenth of the time are noticed by a person.
// Source: systemd's MemoryPressureThresholdSec= (200 ms in 2 s).
#define STALL_PCT 10.0
#define STALL_ANY 1.0

void pressure_config_default(struct pressure_config *c)
{
    *c = (struct pressure_config){
        .warning_pct = 80, .critical_pct = 90, .rss_bytes = INT64_C(400) << 20};
}

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part * 100 / (double)whole : 0;
}

static enum pressure_level level_of(double pct, double warning, double critical)
{
    return pct >= critical  ? PRESSURE_CRITICAL
           : pct >= warning ? PRESSURE_WARNING
                            : PRESSURE_NORMAL;
}

static enum pressure_level most(enum pressure_level a, enum pressure_level b)
{
    return a > b ? a : b;
}

// A machine that is full but where nobody waits for memory (a model fills it, say) is not in
// trouble: work goes on, carefully.  A full control group is: its next step is a kill.
static enum pressure_level of_machine(const struct pressure_config *c,
                                      const struct pressure_sample *s, double slack)
{
    enum pressure_level l = level_of(share(s->used_bytes, s->total_bytes),
                                     c->warning_pct - slack, c->critical_pct - slack);
    bool nobody_waits = s->some_pct >= 0 && s->some_pct < STALL_ANY;
    return l == PRESSURE_CRITICAL && nobody_waits ? PRESSURE_WARNING : l;
}

static enum pressure_level of_stalls(const struct pressure_sample *s)
{
    return s->full_pct >= STALL_PCT   ? PRESSURE_CRITICAL
           : s->some_pct >= STALL_PCT ? PRESSURE_WARNING
                                      : PRESSURE_NORMAL;
}

// The budget is the warning mark.
static enum pressure_level of_process(const struct pressure_config *c,
                                      const struct pressure_sample *s, double slack)
{
    double pct = share(s->rss_bytes, c->rss_bytes) * c->warning_pct / 100;
    return level_of(pct, c->warning_pct - slack, c->critical_pct - slack);
}

static enum pressure_level judge(const struct pressure_config *c,
                                 const struct pressure_sample *s, double slack,
                                 enum pressure_level *own)
{
    enum pressure_level group = level_of(share(s->group_bytes, s->group_max_bytes),
                                         c->warning_pct - slack, c->critical_pct - slack);
    *own = of_process(c, s, slack);
    return most(most(of_machine(c, s, slack), group), most(of_stalls(s), *own));
}

enum pressure_level pressure_judge(struct pressure *p, const struct pressure_config *c,
                                   const struct pressure_sample *s, int64_t now_ms)
{
    enum pressure_level own, own_low;
    enum pressure_level high = judge(c, s, 0, &own);
    enum pressure_level low = judge(c, s, SLACK_PCT, &own_low);
    p->own = own_low;
    if (high > p->level) {
        p->level = high;
        p->raised++;
        p->calm_ms = 0;
    } else if (low >= p->level) {
        p->calm_ms = 0;
    } else if (p->calm_ms == 0) {
        p->calm_ms = now_ms;
    } else if (now_ms - p->calm_ms >= CALM_MS) {
        p->level = low;
        p->calm_ms = 0;
    }
    return p->level;
}

int64_t pressure_due_ms(const struct pressure *p)
{
    return p->level == PRESSURE_NORMAL ? INT64_MAX
           : p->calm_ms > 0            ? p->calm_ms + CALM_MS
                                       : 0;
}

// Our own size is no reason to take the model from the GPU, nor to stop for good: a process
// that does nothing gets no smaller.  It goes on with one picture at a time.
void pressure_effects(const struct pressure *p, struct pressure_effects *out)
{
    static const struct pressure_effects by_level[] = {
        [PRESSURE_NORMAL] = {100, 100, true, false},
        [PRESSURE_WARNING] = {50, 50, true, false},
        [PRESSURE_CRITICAL] = {0, 0, false, true},
    };
    *out = by_level[p->level];
    if (p->own == p->level) {
        out->may_decode = true;
        out->unloads_idle = false;
    }
}

int pressure_used_pct(const struct pressure_sample *s)
{
    double machine = share(s->used_bytes, s->total_bytes);
    double group = share(s->group_bytes, s->group_max_bytes);
    return (int)(machine > group ? machine : group);
}

const char *pressure_name(enum pressure_level l)
{
    switch (l) {
    case PRESSURE_NORMAL: return "normal";
    case PRESSURE_WARNING: return "warning";
    case PRESSURE_CRITICAL: return "critical";
    }
    return "";
}
