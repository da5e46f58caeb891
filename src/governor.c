// governor.c -- looks, judges, tells.
//
//   tick, or the kernel says that tasks wait --> look (pool) --> judge --> on_change
//
// One look at a time.  The kernel's word comes without anybody looking, so memory that gets
// short while vlmd is idle is noticed, too.
// SPDX-License-Identifier: MIT
#include "governor.h"

#include "base/log.h"
#include "base/mem.h"
#include "io/psi.h"
#include "privacy/rules_hours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BUSY_EVERY_MS = 5000,
    IDLE_EVERY_MS = 30000,
    FRESH_MS = 15000,
    MAX_HOURS = 64,
    MINUTE_MS = 60000,
};

// What the servers we know are called, and our own helper.  A model runs in one of these, or
// in a Python that can not be told from others.
static const char *const servers[] = {"vlmd",
                                      "vlmd-ocr",
                                      "ollama",
                                      "ollama_llama_server",
                                      "llama-server",
                                      "llama-swap",
                                      "llama-cpp",
                                      "LM Studio",
                                      "lm-studio",
                                      "lms",
                                      "llmster",
                                      "vllm",
                                      "VLLM::EngineCore",
                                      "VLLM::Worker",
                                      "sglang",
                                      "sglang::scheduler",
                                      "koboldcpp",
                                      NULL};

struct governor {
    struct loop *loop;
    struct pool *pool;
    struct governor_config config;
    struct governor_events events;
    struct rule_hours hours[MAX_HOURS];
    int n_hours;
    struct psi psi;
    bool has_psi;
    struct host_req look;  // a thread's while is_looking
    struct host_req seen;  // what the last look that ended found
    bool is_looking;
    bool wants_look;   // something happened that can not wait
    bool may_be_ours;  // a request was at a model here when the look began
    int asked_here;
    int64_t looked_ms;  // monotonic; 0 = never
    struct pressure pressure;
    struct yield yield;
    struct governor_state state;
    bool is_closing;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

static bool needs_looks(const struct governor *g)
{
    return yield_is_on(&g->config.yield) || g->config.pressure.warning_pct < 100 ||
           g->config.pressure.rss_bytes > 0;
}

// ---- judging

// Local time; a week has no summer time worth a rule of its own.
static int minute_of_week(int64_t wall_ms)
{
    time_t s = (time_t)(wall_ms / 1000);
    struct tm tm;
    if (!localtime_r(&s, &tm)) {
        return 0;
    }
    return ((tm.tm_wday + 6) % 7 * 24 + tm.tm_hour) * 60 + tm.tm_min;
}

static bool is_inside(const struct governor *g, int minute)
{
    for (int i = 0; i < g->n_hours; i++) {
        if (rule_hours_match(&g->hours[i], minute)) {
            return true;
        }
    }
    return g->n_hours == 0;
}

// Unix ms of the next minute that is inside; 0 = there is none.
static int64_t opens_at(const struct governor *g, int64_t wall_ms)
{
    int64_t begun_ms = wall_ms / MINUTE_MS * MINUTE_MS;
    int now = minute_of_week(wall_ms);
    for (int i = 1; i <= RULE_WEEK_MINUTES; i++) {
        if (is_inside(g, (now + i) % RULE_WEEK_MINUTES)) {
            return begun_ms + (int64_t)i * MINUTE_MS;
        }
    }
    return 0;
}

static void judge_yield(struct governor *g, int64_t now_ms)
{
    const struct host_req *r = &g->seen;
    int64_t wall_ms = loop_wall_ms();
    bool was_ours = g->may_be_ours || g->asked_here > 0;
    struct yield_sample s = {
        .on_battery = r->on_battery,
        .battery_pct = r->battery_pct,
        .cpu_pct = r->cpu_pct,
        .gpu_pct = was_ours ? -1 : r->gpu_pct,
        .program = r->program,
        .is_outside = !is_inside(g, minute_of_week(wall_ms)),
    };
    s.opens_at_ms = s.is_outside ? opens_at(g, wall_ms) : 0;
    yield_judge(&g->yield, &g->config.yield, &s, now_ms);
}

static void judge_pressure(struct governor *g, int64_t now_ms)
{
    const struct host_req *r = &g->seen;
    struct pressure_sample s = {
        .used_bytes = r->used_bytes,
        .total_bytes = r->total_bytes,
        .group_bytes = r->group_bytes,
        .group_max_bytes = r->group_max_bytes,
        .rss_bytes = r->rss_bytes,
        .some_pct = r->some_pct,
        .full_pct = r->full_pct,
    };
    enum pressure_level before = g->pressure.level;
    enum pressure_level level =
        pressure_judge(&g->pressure, &g->config.pressure, &s, now_ms);
    g->state.used_pct = pressure_used_pct(&s);
    if (level != before) {
        log_info("governor", "memory=%s used_pct=%d rss_mb=%lld", pressure_name(level),
                 g->state.used_pct, (long long)(r->rss_bytes >> 20));
    }
}

// Work stops for memory like for anything else; a warning only makes it smaller.
static void decide(struct governor *g, struct governor_state *out)
{
    struct pressure_effects e;
    pressure_effects(&g->pressure, &e);
    out->mode = e.may_decode ? g->yield.mode : YIELD_PAUSE;
    out->concurrency_pct = out->mode == YIELD_SLOW ? 0 : e.concurrency_pct;
    out->cache_pct = e.cache_pct;
    out->unloads_idle = e.unloads_idle;
    out->pressure = g->pressure.level;
    out->pressure_raised = g->pressure.raised;
    out->rss_bytes = g->seen.rss_bytes;
    out->some_pct = g->seen.some_pct;
    out->why[0] = 0;
    out->until_ms = 0;
    if (out->rss_bytes > out->most_rss_bytes) {
        out->most_rss_bytes = out->rss_bytes;
    }
    if (!e.may_decode) {
        snprintf(out->why, sizeof(out->why), "memory is short (%d %% in use)",
                 out->used_pct);
    } else if (g->yield.mode != YIELD_NOT) {
        yield_words(&g->yield, out->why, sizeof(out->why));
        out->until_ms = g->yield.why == YIELD_HOURS ? g->yield.opens_at_ms : 0;
    }
}

static bool is_news(const struct governor_state *a, const struct governor_state *b)
{
    return a->mode != b->mode || a->concurrency_pct != b->concurrency_pct ||
           a->cache_pct != b->cache_pct || a->unloads_idle != b->unloads_idle ||
           a->until_ms != b->until_ms || strcmp(a->why, b->why) != 0;
}

static void judge(struct governor *g)
{
    int64_t now = loop_now_ms(g->loop);
    struct governor_state before = g->state;
    judge_pressure(g, now);
    judge_yield(g, now);
    decide(g, &g->state);
    if (before.mode != g->state.mode) {
        log_info("governor", "work=%s %s",
                 g->state.mode == YIELD_NOT ? "normal" : yield_mode_name(g->state.mode),
                 g->state.why);
    }
    if (is_news(&before, &g->state)) {
        g->events.on_change(g->events.arg, &g->state);
    }
}

// ---- looking

static void finish_close(void *arg)
{
    struct governor *g = arg;
    void (*on_closed)(void *) = g->on_closed;
    void *closed_arg = g->closed_arg;
    free(g);
    on_closed(closed_arg);
}

static void on_looked(struct host_req *r, int err)
{
    struct governor *g = container_of(r, struct governor, look);
    g->is_looking = false;
    if (err || g->is_closing) {
        return;
    }
    g->looked_ms = loop_now_ms(g->loop);
    g->seen = g->look;
    judge(g);
    g->events.on_look(g->events.arg);
}

static void look(struct governor *g)
{
    const struct yield_config *c = &g->config.yield;
    g->is_looking = true;
    g->wants_look = false;
    g->may_be_ours = g->asked_here > 0;
    g->look.proc = g->config.proc;
    g->look.sys = g->config.sys;
    g->look.nvml = HOST_NVML;
    g->look.programs = g->config.programs;
    g->look.servers = servers;
    g->look.wants_power = c->rule[YIELD_BATTERY] != YIELD_NOT;
    g->look.wants_cpu = c->rule[YIELD_CPU] != YIELD_NOT;
    g->look.wants_gpu = c->rule[YIELD_GPU] != YIELD_NOT;
    g->look.wants_programs = c->rule[YIELD_PROGRAM] != YIELD_NOT && g->config.programs &&
                             g->config.programs[0];
    host_sample(g->pool, &g->look, on_looked);
}

static void on_stall(struct psi *p)
{
    struct governor *g = container_of(p, struct governor, psi);
    g->wants_look = true;  // the tick before the loop sleeps follows
}

static int64_t every_ms(const struct governor *g, const struct governor_work *w)
{
    bool must_look = w->holds_model && !g->has_psi;  // else the kernel says it
    bool is_tense = g->pressure.level != PRESSURE_NORMAL || must_look;
    return w->has_work ? BUSY_EVERY_MS : is_tense ? IDLE_EVERY_MS : INT64_MAX;
}

int64_t governor_tick(struct governor *g, const struct governor_work *w, int64_t now_ms)
{
    g->asked_here = w->asked_here;
    int64_t every = every_ms(g, w);
    if (!needs_looks(g) || g->is_looking || g->is_closing) {
        return INT64_MAX;
    }
    if (every == INT64_MAX && !g->wants_look) {
        return INT64_MAX;
    }
    int64_t due = g->looked_ms == 0 || g->wants_look ? now_ms : g->looked_ms + every;
    if (due > now_ms) {
        return due;
    }
    look(g);
    return INT64_MAX;
}

bool governor_is_known(const struct governor *g, int64_t now_ms)
{
    return !needs_looks(g) || (g->looked_ms > 0 && now_ms - g->looked_ms <= FRESH_MS);
}

const struct governor_state *governor_state(const struct governor *g)
{
    return &g->state;
}

// ---- opening and closing

static void parse_hours(struct governor *g)
{
    const char *const *h = g->config.hours;
    g->n_hours = 0;
    for (int i = 0; h && h[i] && g->n_hours < MAX_HOURS; i++) {
        g->n_hours += rule_hours_parse(h[i], &g->hours[g->n_hours]);
    }
}

int governor_open(struct governor **out, struct loop *l, const struct governor_config *c,
                  const struct governor_events *e)
{
    struct pool_config p = {.name = "vlmd-host", .threads = 1};
    struct governor *g = mem_new(struct governor);
    char path[512];
    g->loop = l;
    g->config = *c;
    g->events = *e;
    g->state =
        (struct governor_state){.concurrency_pct = 100, .cache_pct = 100, .some_pct = -1};
    parse_hours(g);
    int rc = pool_open(&g->pool, l, &p);
    if (rc) {
        free(g);
        return rc;
    }
    int n = snprintf(path, sizeof(path), "%s/pressure/memory", c->proc);
    g->has_psi = n > 0 && n < (int)sizeof(path) && c->pressure.warning_pct < 100 &&
                 psi_open(&g->psi, l, path, on_stall) == 0;
    *out = g;
    return 0;
}

// What no rule asks for any more is let go at once, without a look.
void governor_configure(struct governor *g, const struct governor_config *c)
{
    g->config = *c;
    parse_hours(g);
    g->wants_look = g->looked_ms > 0;
    if (g->looked_ms > 0 || !needs_looks(g)) {
        judge(g);
    }
}

static void close_pool(struct governor *g)
{
    pool_close(g->pool, finish_close, g);
}

static void on_psi_closed(struct psi *p)
{
    close_pool(container_of(p, struct governor, psi));
}

void governor_close(struct governor *g, void (*on_closed)(void *arg), void *arg)
{
    g->is_closing = true;
    g->on_closed = on_closed;
    g->closed_arg = arg;
    if (g->has_psi) {
        psi_close(&g->psi, on_psi_closed);
    } else {
        close_pool(g);
    }
}
