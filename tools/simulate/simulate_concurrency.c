// simulate_concurrency.c -- the concurrency policy against models of servers, in virtual time.
//
// For each scenario: the best fixed limit is found by trying all, then the policy of guard/
// runs against the same server with the same draws.  Exit code 1 when it gets less than 95 %
// of the best fixed throughput, or keeps a longer queue at the server than 15 % of its slots
// and three.
//
// usage: simulate_concurrency [--seeds N] [--first SEED] [--elasticity E] [--only NAME] [--verbose]
// SPDX-License-Identifier: MIT
#include "batch_server.h"
#include "guard/guard.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_SHARE 0.95
#define QUEUE_SHARE 0.15
#define QUEUE_EXTRA 3
#define MEAN_TOKENS 150.0
#define SIGMA       0.5     // of the lognormal length of answers
#define TRIP_MS     8.0     // there, and back again
#define REFUSED_MS  1000.0  // nothing is sent for so long after a refusal
#define WARM_MS     120e3   // until here the policy may search
#define FULL_MS     1800e3
#define CHANGING_MS 2700e3  // of a server that changes: three times 15 minutes
#define SWEEP_MS    600e3
#define WINDOW_MS   20e3  // of the time to full speed

enum { WINDOWS = 90 };  // FULL_MS of them

struct scenario {
    const char *name;
    struct server_config server;
    int slots_between;  // in the middle third; 0 = as always
    int told_slots;     // what the server says of itself
    int start;
    bool tells;  // what runs, waits and fills its memory, when it is asked
};

static const struct scenario scenarios[] = {
    {"1 slot", {1, 0, 0, 20, 2, 300, 0}, 0, 0, 1, false},
    {"4 slots", {4, 0, 0, 20, 2, 200, 0}, 0, 0, 1, false},
    {"4 slots, told", {4, 0, 0, 20, 2, 200, 0}, 0, 4, 4, false},
    {"64 slots", {64, 0, 0, 25, 0.25, 15, 0}, 0, 0, 2, false},
    {"64 slots, from 8", {64, 0, 0, 25, 0.25, 15, 0}, 0, 0, 8, false},
    {"256 slots, KV for 96", {256, 0, 96, 20, 0.5, 30, 0.83}, 0, 0, 8, false},
    {"16 slots, 503 beyond 32", {16, 32, 0, 25, 0.5, 20, 0}, 0, 0, 8, false},
    {"16 slots, 503, from 256", {16, 32, 0, 25, 0.5, 20, 0}, 0, 0, 256, false},
    {"slots 64-16-64", {64, 0, 0, 25, 0.25, 15, 0}, 16, 0, 8, false},
    {"48 slots", {48, 0, 0, 30, 0.4, 20, 0}, 0, 0, 8, false},
    {"4 slots, metrics", {4, 0, 0, 20, 2, 200, 0}, 0, 0, 1, true},
    {"64 slots, metrics", {64, 0, 0, 25, 0.25, 15, 0}, 0, 0, 8, true},
    {"256, KV 96, metrics", {256, 0, 96, 20, 0.5, 30, 0.83}, 0, 0, 8, true},
    {"16, 503, metrics, from 256", {16, 32, 0, 25, 0.5, 20, 0}, 0, 0, 256, true},
    {"8, metrics, from 128", {8, 0, 0, 20, 2, 100, 0}, 0, 0, 128, true},
    {"slots 64-16-64, metrics", {64, 0, 0, 25, 0.25, 15, 0}, 16, 0, 8, true},
};

enum { SCENARIOS = sizeof(scenarios) / sizeof(scenarios[0]) };

// A constant delay, so first in, first out.
struct line {
    struct {
        double at_ms;
        struct server_request r;
        bool is_refused;
    } items[SERVER_MAX];
    int first, n;
};

struct run {
    const struct scenario *scenario;
    struct batch_server server;
    struct line there, back;
    struct concur_config config;
    struct concur policy;
    struct backlog backlog;
    double look_ms;  // when the server is asked next
    int fixed;       // 0 = the policy decides
    int in_flight;
    double now_ms, end_ms, hold_ms;
    double warm_ms;
    uint64_t random;
    // out
    double tokens, all_tokens, waited, limit_ms;
    int64_t refused;
    double *windows;  // tokens per WINDOW_MS; owned
    int n_windows;
};

// ---- draws

// splitmix64.  Source: G. Steele, D. Lea, C. Flood, 2014.
static double draw(struct run *r)
{
    uint64_t z = (r->random += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

// Box-Muller; the mean of exp(mu + sigma z) is exp(mu + sigma^2 / 2).
static int draw_tokens(struct run *r)
{
    double z = sqrt(-2 * log(draw(r))) * cos(6.283185307179586 * draw(r));
    double n = exp(log(MEAN_TOKENS) - SIGMA * SIGMA / 2 + SIGMA * z);
    return n < 4 ? 4 : n > 2000 ? 2000 : (int)n;
}

// ---- the client

static void put(struct line *l, double at_ms, const struct server_request *r,
                bool is_refused)
{
    int i = (l->first + l->n++) % SERVER_MAX;
    l->items[i].at_ms = at_ms;
    l->items[i].r = *r;
    l->items[i].is_refused = is_refused;
}

static int limit_of(const struct run *r)
{
    return r->fixed > 0 ? r->fixed : r->policy.limit;
}

static void send_all(struct run *r)
{
    while (r->now_ms >= r->hold_ms && r->in_flight < limit_of(r)) {
        struct server_request q = {.sent_ms = r->now_ms, .tokens = draw_tokens(r)};
        q.left = q.tokens;
        q.mark = concur_began(&r->policy, (int64_t)r->now_ms);
        put(&r->there, r->now_ms + TRIP_MS, &q, false);
        r->in_flight++;
    }
}

static void arrive(struct run *r)
{
    struct line *l = &r->there;
    struct server_request *q = &l->items[l->first].r;
    if (!server_take(&r->server, q, r->now_ms)) {
        put(&r->back, r->now_ms + TRIP_MS, q, true);
    }
    l->first = (l->first + 1) % SERVER_MAX;
    l->n--;
}

static void count(struct run *r, const struct server_request *q)
{
    r->all_tokens += q->tokens;
    r->tokens += r->now_ms >= r->warm_ms ? q->tokens : 0;
    int w = (int)(r->now_ms / WINDOW_MS);
    if (r->windows && w < r->n_windows) {
        r->windows[w] += q->tokens;
    }
}

static void answered(struct run *r)
{
    struct line *l = &r->back;
    struct server_request q = l->items[l->first].r;
    bool is_refused = l->items[l->first].is_refused;
    l->first = (l->first + 1) % SERVER_MAX;
    l->n--;
    r->in_flight--;
    struct concur_end e = {
        .mark = q.mark,
        .outcome = is_refused ? CONCUR_OVERLOAD : CONCUR_OK,
        .latency_ms = (int64_t)(r->now_ms - q.sent_ms),
        .tokens = q.tokens,
    };
    concur_ended(&r->policy, &r->config, &e, (int64_t)r->now_ms);
    if (is_refused) {
        r->refused++;
        r->hold_ms = r->now_ms + REFUSED_MS;
    } else {
        count(r, &q);
    }
}

// As the client does: only while the limit is what holds it back.
static void look(struct run *r)
{
    const struct batch_server *s = &r->server;
    r->look_ms = r->now_ms + (double)backlog_wait_ms(&r->backlog);
    if (r->in_flight < r->policy.limit - (r->policy.limit > 2)) {
        return;
    }
    int kv_max = s->config.kv_max;
    const struct backlog_told told = {
        .running = s->n_running,
        .waiting = s->n_waiting,
        .kv_share = kv_max > 0 ? fmin(1, (double)s->n_running / kv_max) : -1,
    };
    int bound = backlog_hear(&r->backlog, &told, r->in_flight, r->policy.limit);
    concur_bind(&r->policy, &r->config, bound);
    r->look_ms = r->now_ms + (double)backlog_wait_ms(&r->backlog);
}

static void on_done(void *arg, struct server_request *q)
{
    struct run *r = arg;
    put(&r->back, r->server.now_ms + TRIP_MS, q, false);
}

// ---- one run

static double first_of(const struct line *l)
{
    return l->n > 0 ? l->items[l->first].at_ms : HUGE_VAL;
}

static void change_slots(struct run *r)
{
    bool is_middle = r->now_ms >= r->end_ms / 3 && r->now_ms < r->end_ms * 2 / 3;
    int other = r->scenario->slots_between;
    r->server.config.slots = is_middle && other ? other : r->scenario->server.slots;
}

static void advance(struct run *r)
{
    double step = server_due_ms(&r->server), there = first_of(&r->there),
           back = first_of(&r->back);
    double hold = r->now_ms < r->hold_ms ? r->hold_ms : HUGE_VAL;
    double looks = r->scenario->tells && !r->fixed ? r->look_ms : HUGE_VAL;
    double next = fmin(fmin(fmin(step, there), fmin(back, hold)), looks);
    r->limit_ms += limit_of(r) * (next - r->now_ms);
    bool was_warm = r->now_ms >= r->warm_ms;
    r->now_ms = next;
    change_slots(r);
    if (next == step) {
        server_step(&r->server, on_done, r);
    } else if (next == there) {
        arrive(r);
    } else if (next == back) {
        answered(r);
    } else if (next == looks) {
        look(r);
    }
    if (!was_warm && next >= r->warm_ms) {
        r->server.waited = 0;
    }
    send_all(r);
}

static void run_one(struct run *r, const struct scenario *s, int fixed, double end_ms,
                    uint64_t seed, double elasticity)
{
    memset(r, 0, sizeof(*r));
    r->scenario = s;
    r->fixed = fixed;
    r->end_ms = end_ms;
    r->warm_ms = fixed ? 60e3 : WARM_MS;
    r->random = seed * 7919 + 1;
    r->look_ms = BACKLOG_FIRST_MS;
    server_init(&r->server, &s->server);
    concur_config_default(&r->config);
    r->config.start = s->start;
    r->config.slots = s->told_slots;
    if (elasticity >= 0) {
        r->config.elasticity = elasticity;
    }
    concur_init(&r->policy, &r->config);
}

static void play(struct run *r, bool is_verbose)
{
    int last = 0;
    send_all(r);
    while (r->now_ms < r->end_ms) {
        advance(r);
        if (is_verbose && r->policy.limit != last && !r->fixed) {
            printf("    %8.1f s  %-6s %3d  (%d waiting)\n", r->now_ms / 1000,
                   concur_phase_name(r->policy.phase), r->policy.limit,
                   r->server.n_waiting);
            last = r->policy.limit;
        }
    }
}

static double per_s(const struct run *r)
{
    return r->tokens / (r->end_ms - r->warm_ms) * 1000;
}

// ---- one scenario

struct best {
    int limit;
    double per_s;
};

static struct best sweep(const struct scenario *s, uint64_t seed)
{
    static struct run r;
    struct best best = {0};
    double end_ms = s->slots_between ? CHANGING_MS : SWEEP_MS;
    for (int limit = 1; limit <= 512; limit = (int)ceil(limit * 1.15)) {
        run_one(&r, s, limit, end_ms, seed, -1);
        play(&r, false);
        if (per_s(&r) > best.per_s) {
            best = (struct best){limit, per_s(&r)};
        }
    }
    return best;
}

// Seconds until the first window as good as the best; -1 = never.
static double ramp_s(const struct run *r, double best_per_s)
{
    for (int i = 0; i < r->n_windows; i++) {
        if (r->windows[i] >= LEAST_SHARE * best_per_s * WINDOW_MS / 1000) {
            return (i + 1) * WINDOW_MS / 1000;
        }
    }
    return -1;
}

static double mean_slots(const struct scenario *s)
{
    int other = s->slots_between ? s->slots_between : s->server.slots;
    return (2.0 * s->server.slots + other) / 3;
}

static bool judge(const struct scenario *s, uint64_t seed, double elasticity,
                  bool is_verbose)
{
    static struct run r;
    static double windows[WINDOWS];
    struct best best = sweep(s, seed);
    memset(windows, 0, sizeof(windows));
    run_one(&r, s, 0, s->slots_between ? CHANGING_MS : FULL_MS, seed, elasticity);
    r.windows = windows;
    r.n_windows = WINDOWS;
    play(&r, is_verbose);
    double share = per_s(&r) / best.per_s;
    double whole = r.all_tokens / r.end_ms * 1000 / best.per_s;
    double queue = r.server.waited / (r.end_ms - r.warm_ms);
    double most = QUEUE_SHARE * mean_slots(s) + QUEUE_EXTRA;
    bool is_good = share >= LEAST_SHARE && queue < most;
    printf("%-26s %4llu  %3d %7.1f  %5.1f %% %5.1f %%  %5.0f s  %5.1f (< %4.1f)  %6lld  "
           "%5.1f %3d  %s\n",
           s->name, (unsigned long long)seed, best.limit, best.per_s, share * 100,
           whole * 100, ramp_s(&r, best.per_s), queue, most, (long long)r.refused,
           r.limit_ms / r.end_ms, r.policy.limit, is_good ? "ok" : "BAD");
    return is_good;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"seeds", required_argument, NULL, 's'},
        {"first", required_argument, NULL, 'f'},
        {"elasticity", required_argument, NULL, 'e'},
        {"only", required_argument, NULL, 'o'},
        {"verbose", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int seeds = 1, first = 1, flag, bad = 0;
    double elasticity = -1;
    bool is_verbose = false;
    const char *only = "";
    while ((flag = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (flag) {
        case 's': seeds = atoi(optarg); break;
        case 'f': first = atoi(optarg); break;
        case 'e': elasticity = atof(optarg); break;
        case 'o': only = optarg; break;
        case 'v': is_verbose = true; break;
        default: return 2;
        }
    }
    printf(
        "%-26s seed  best tokens/s  steady   whole     ramp   mean queue      refused  "
        "limit\n",
        "scenario");
    for (int i = 0; i < SCENARIOS; i++) {
        for (int k = 0; k < seeds && strstr(scenarios[i].name, only); k++) {
            bad += !judge(&scenarios[i], (uint64_t)(first + k), elasticity, is_verbose);
        }
    }
    return bad > 0;
}
