// concur.c -- how many requests one server is given at once, found by trying.
//
//             U grows: L * 2                 2 epochs
//              .-----.                   .-------------> UP    L * 1.25 --.
//              v     |    no longer: L   |                                | better: stay,
//     init --> START ---------------> CRUISE --> DOWN  L / 1.25 ----------+ go on that way
//                ^     where it ended    | ^                              | not: back
//                |                       | '------------------------------'
//                |<-- U falls far: L / 4-'
//                '--- four steps UP, or one that gained as if all new slots were free
//     any --overload--> CRUISE at L * 0.7, under a ceiling that recovers; before anything
//                       was measured, START at L / 4
//     any --the server says that it has a queue--> CRUISE at what it runs
//
// An epoch is a number of ends under one limit.  Only requests count that began under it
// and ended while the limit was what held the client back; after a change of the limit the
// first ends are passed over, because the server still has the old load.  Latency per work
// is a ratio of sums: long and short answers cancel, so that few samples will do.
// A try down that clearly cost throughput shows that nothing waits at the server: the next
// one is smaller, and comes after two tries up instead of one.  A try up that cost as much
// shows a cliff (a full KV cache): the next one goes down.
// SPDX-License-Identifier: MIT
#include "guard/guard.h"

#include <assert.h>
#include <math.h>

// Source of all numbers: measured (tools/simulate, 1,000 seeds of 10 scenarios).
enum {
    START_MIN = 4,  // samples of an epoch in START: one per slot, within these
    START_MAX = 64,
    CRUISE_MIN = 16,  // in CRUISE too: short, so that a shock is seen soon
    CRUISE_MAX = 80,
    TRY_MIN = 16,  // of a try: two per slot
    TRY_MAX = 160,
    EPOCHS_PER_TRY = 2,   // spent in CRUISE between tries
    UPS_PER_DOWN = 2,     // tries up for one down, below the knee
    UPS_AT_SLOTS = 8,     // the same where the server said that it runs so many
    BASE_EPOCHS = 4,      // what the base is the mean of, roughly, when they are many
    WINS_TO_START = 4,    // steps up in a row: far below what it can take
    CUT_EVERY_MS = 5000,  // refusals of one wave are one overload
    IDLE_MS = 2000,       // after so long nothing before is compared with what comes
    UNTOLD_TOKENS = 150   // of an answer whose server does not count
};

static const double work_offset = 64;    // tokens that prefill and picture cost, roughly
static const double start_share = 0.5;   // of the gain there is while slots are free
static const double sure_sigmas = 2;     // of the noise, to be a gain without doubt
static const double knee_margin = 0.01;  // a limit that is so little too low is not
static const double stride_max = 0.25;   // of a try
static const double stride_min = 0.125;  // after tries that failed
static const double up_sigmas = 0.7;     // of the noise, to be better
static const double down_sigmas = -0.25;
static const double loss_sigmas = -1;  // to have lost without doubt
static const double cliff = 0.03;      // loss that no queue explains
static const double cliff_sigmas = 2;
static const double free_sigmas = 0.25;  // to have gained as if all new slots were free
static const double shock = 0.25;        // change of U that no try explains
static const double shock_sigmas = 3;
static const double cut_limit = 0.7;    // at an overload
static const double cut_ceiling = 0.8;  // of what was refused
static const double recovery = 1.05;    // of the ceiling, per epoch

void concur_config_default(struct concur_config *c)
{
    *c = (struct concur_config){.elasticity = 0.05, .start = 2, .max = 512};
}

static int top_of(const struct concur *l, const struct concur_config *c)
{
    int top = c->max;
    if (c->slots > 0 && c->slots + 1 < top) {
        top = c->slots + 1;  // one on its way while one is answered
    }
    if (l->ceiling >= 1 && l->ceiling < top) {
        top = (int)l->ceiling;
    }
    if (l->bound > 0 && l->bound < top) {
        top = l->bound;
    }
    return top > 1 ? top : 1;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int clamp(int n, int low, int high)
{
    return n < low ? low : n > high ? high : n;
}

static void begin_epoch(struct concur *l)
{
    l->sums = (struct concur_sums){0};
}

// Requests under way belong to the old limit from now on.
static void set_limit(struct concur *l, int limit)
{
    l->limit = limit;
    l->mark++;
    l->settling = limit;
    begin_epoch(l);
}

static void forget_base(struct concur *l)
{
    l->best = 0;
    l->wins = 0;
    l->epochs = 0;
    l->stride = stride_max;
    l->losses = 0;
}

static void start_at(struct concur *l, const struct concur_config *c, int limit)
{
    l->phase = CONCUR_START;
    forget_base(l);
    set_limit(l, clamp(limit, 1, top_of(l, c)));
}

void concur_init(struct concur *l, const struct concur_config *c)
{
    assert(c->start >= 1 && c->max >= 1 && c->elasticity >= 0 && c->elasticity < 1);
    *l = (struct concur){0};
    start_at(l, c, c->start);
}

void concur_restart(struct concur *l, const struct concur_config *c)
{
    l->ceiling = 0;
    l->bound = 0;
    start_at(l, c, c->start);
}

void concur_resume(struct concur *l, const struct concur_config *c)
{
    l->bound = 0;
    start_at(l, c, (l->best ? l->best : l->limit) / 2);
}

// What the server did before it was idle says little about it now: measures again, from the
// best limit known.
static void wake(struct concur *l)
{
    l->bound = 0;
    int limit = l->best ? l->best : l->limit;
    if (l->phase == CONCUR_START) {
        forget_base(l);
    } else {
        l->phase = CONCUR_CRUISE;
        l->epochs = 0;
        l->rest = EPOCHS_PER_TRY;
        l->wins = 0;
    }
    set_limit(l, limit);
}

unsigned concur_began(struct concur *l, int64_t now_ms)
{
    if (l->in_flight++ == 0 && now_ms - l->idle_ms > IDLE_MS) {
        wake(l);
    }
    return l->mark;
}

// ---- measuring

static void add_sample(struct concur_sums *s, double latency, double work)
{
    s->n++;
    s->latency += latency;
    s->work += work;
    s->latency2 += latency * latency;
    s->cross += latency * work;
    s->work2 += work * work;
}

static double utility(const struct concur *l, const struct concur_config *c)
{
    return (1 - c->elasticity) * log(l->limit) - log(l->sums.latency / l->sums.work);
}

// Of ln r, by the delta method: sum((R - r w)^2) / (n (n - 1)) / mean(R)^2.
// Source: W. Cochran, Sampling Techniques, 1977, ratio estimators.
static double variance(const struct concur_sums *s)
{
    double r = s->latency / s->work;
    double squares = s->latency2 - 2 * r * s->cross + r * r * s->work2;
    if (s->n < 2 || squares <= 0) {
        return 0;
    }
    return squares * s->n / (s->n - 1) / (s->latency * s->latency);
}

static int epoch_length(const struct concur *l)
{
    switch (l->phase) {
    case CONCUR_START: return clamp(l->limit, START_MIN, START_MAX);
    case CONCUR_CRUISE: return clamp(l->limit, CRUISE_MIN, CRUISE_MAX);
    case CONCUR_UP:
    case CONCUR_DOWN: return clamp(2 * l->limit, TRY_MIN, TRY_MAX);
    }
    return TRY_MAX;
}

// ---- deciding

static void take_base(struct concur *l, double u, double var)
{
    l->best = l->limit;
    l->base_u = u;
    l->base_variance = var;
    l->epochs = 0;
}

static void cruise_at(struct concur *l, int limit)
{
    l->phase = CONCUR_CRUISE;
    l->rest = EPOCHS_PER_TRY;
    l->wins = 0;
    if (limit != l->limit) {
        set_limit(l, limit);
    }
}

// Where throughput stopped growing, if it grew as L did up to there: X(L) / X(best) is
// L / best then.  Some batches grow less and less instead; a gain without doubt is worth
// the way half up to where it was had.
static int knee_of(const struct concur *l, const struct concur_config *c, double gain,
                   double sigma)
{
    double growth = gain + c->elasticity * log((double)l->limit / l->best);
    double knee = fmax(l->best * exp(growth), l->best);
    if (gain > sure_sigmas * sigma) {
        knee = sqrt(knee * l->limit);
    }
    return clamp((int)ceil(knee - knee_margin), l->best, l->limit);
}

// While slots are free, twice the limit gives nearly twice the throughput.  Half of that
// gain means that the knee was passed: more would overrun a server that refuses.
static void end_start(struct concur *l, const struct concur_config *c, double u,
                      double var)
{
    double gain = l->best ? u - l->base_u : HUGE_VAL;
    double full = l->best ? (1 - c->elasticity) * log((double)l->limit / l->best) : 0;
    int next = least(l->limit * 2, top_of(l, c));
    l->ups = 0;
    if (gain <= start_share * full) {
        l->epochs = 0;
        cruise_at(l, knee_of(l, c, gain, sqrt(var + l->base_variance)));
        return;
    }
    take_base(l, u, var);
    if (next > l->limit) {
        set_limit(l, next);
    } else {
        cruise_at(l, l->limit);
    }
}

// Sets the limit one step on in a direction; false when there is no room.
static bool step(struct concur *l, const struct concur_config *c, bool is_down)
{
    bool is_careful = is_down && l->is_below && l->wins < 2;
    double factor = 1 + (is_careful ? l->stride / 2 : l->stride);
    int to = is_down ? (int)floor(l->limit / factor) : (int)ceil(l->limit * factor);
    to = clamp(to, 1, top_of(l, c));
    bool is_move = is_down ? to < l->limit : to > l->limit;
    if (is_move) {
        l->phase = is_down ? CONCUR_DOWN : CONCUR_UP;
        set_limit(l, to);
    }
    return is_move;
}

static void try_another(struct concur *l, const struct concur_config *c)
{
    bool is_told = c->slots > 0 && l->limit <= c->slots;
    bool is_down = l->ups >= (is_told ? UPS_AT_SLOTS : UPS_PER_DOWN);
    l->ups = is_down ? 0 : l->ups + 1;
    l->rest = EPOCHS_PER_TRY;
    if (!step(l, c, is_down)) {
        step(l, c, !is_down);
    }
}

// The base is the mean of what was measured in CRUISE, the last epochs above all: what a
// try was won with is the luckier half of its noise.
static void add_to_base(struct concur *l, double u, double var)
{
    l->epochs = least(l->epochs, BASE_EPOCHS) + 1;
    double weight = 1.0 / l->epochs, other = 1 - weight;
    l->best = l->limit;
    l->base_u = other * l->base_u + weight * u;
    l->base_variance = other * other * l->base_variance + weight * weight * var;
}

static void end_cruise(struct concur *l, const struct concur_config *c, double u,
                       double var)
{
    double sigma = sqrt(var + l->base_variance);
    double change = l->best == l->limit ? u - l->base_u : 0;
    bool is_shock = fabs(change) > shock + shock_sigmas * sigma;
    if (is_shock && change < 0) {
        start_at(l, c, l->limit / 4);
        return;
    }
    if (is_shock) {
        l->epochs = 0;
        l->ups = 0;
    }
    add_to_base(l, u, var);
    if (--l->rest <= 0 || is_shock) {
        try_another(l, c);
    }
}

static void lose(struct concur *l)
{
    bool is_overshot = l->wins > 0, is_between = ++l->losses % 2 == 0;
    if (is_overshot || is_between) {
        l->stride = l->stride / 2 > stride_min ? l->stride / 2 : stride_min;
    }
    cruise_at(l, l->best);
}

static void win(struct concur *l)
{
    l->losses = 0;
    if (++l->wins > 1) {
        l->stride = stride_max;
    }
}

static void end_try(struct concur *l, const struct concur_config *c, double u, double var)
{
    bool is_down = l->phase == CONCUR_DOWN;
    double sigma = sqrt(var + l->base_variance);
    double gain = u - l->base_u;
    double full = (1 - c->elasticity) * log((double)l->limit / l->best);
    if (gain < (is_down ? full : 0) - shock - shock_sigmas * sigma) {
        start_at(l, c, l->limit / 4);
        return;
    }
    if (is_down) {
        l->is_below = gain < loss_sigmas * sigma;
        l->ups = l->is_below ? 0 : 1;
    } else if (gain < -cliff - cliff_sigmas * sigma) {
        l->ups = UPS_AT_SLOTS;
    }
    if (gain <= (is_down ? down_sigmas : up_sigmas) * sigma) {
        lose(l);
        return;
    }
    take_base(l, u, var);
    l->is_below = l->is_below && is_down;  // of a higher one nothing is known
    win(l);
    bool has_room = !is_down && (l->wins >= WINS_TO_START ||
                                 gain > start_share * full + free_sigmas * sigma);
    int twice = least(l->limit * 2, top_of(l, c));
    if (has_room && twice > l->limit) {
        l->phase = CONCUR_START;
        set_limit(l, twice);
    } else if (!step(l, c, is_down)) {
        cruise_at(l, l->limit);
    }
}

static void end_epoch(struct concur *l, const struct concur_config *c)
{
    double u = utility(l, c), var = variance(&l->sums);
    begin_epoch(l);
    if (l->ceiling > 0) {
        l->ceiling = l->ceiling * recovery < c->max ? l->ceiling * recovery : 0;
    }
    switch (l->phase) {
    case CONCUR_START: end_start(l, c, u, var); break;
    case CONCUR_CRUISE: end_cruise(l, c, u, var); break;
    case CONCUR_UP:
    case CONCUR_DOWN: end_try(l, c, u, var); break;
    }
}

// ---- overload

static void cut(struct concur *l, const struct concur_config *c, int64_t now_ms)
{
    if (l->has_cut && now_ms - l->cut_ms < CUT_EVERY_MS) {
        return;
    }
    l->has_cut = true;
    l->cut_ms = now_ms;
    l->ceiling = l->limit * cut_ceiling > 1 ? l->limit * cut_ceiling : 1;
    if (l->phase == CONCUR_START && !l->best) {  // the first guess was far off
        start_at(l, c, l->limit / 4);
        return;
    }
    int limit = (int)(l->limit * cut_limit);
    limit = l->best ? least(limit, l->best) : limit;
    l->phase = CONCUR_CRUISE;
    forget_base(l);
    l->ups = UPS_AT_SLOTS;
    l->rest = EPOCHS_PER_TRY;
    set_limit(l, clamp(limit, 1, top_of(l, c)));
}

// ---- the server's own words

// What was measured above the bound was measured with a queue: it is no base any more.
void concur_bind(struct concur *l, const struct concur_config *c, int bound)
{
    l->bound = bound;
    int top = top_of(l, c);
    if (l->limit > top || l->best > top) {
        l->phase = CONCUR_CRUISE;
        forget_base(l);
        l->ups = UPS_AT_SLOTS;
        l->rest = EPOCHS_PER_TRY;
        set_limit(l, top);
    }
}

void concur_ended(struct concur *l, const struct concur_config *c,
                  const struct concur_end *e, int64_t now_ms)
{
    assert(l->in_flight > 0);
    // One may be missing: the next is sent only after this call.
    bool is_saturated = l->in_flight >= l->limit - (l->limit > 2);
    if (--l->in_flight == 0) {
        l->idle_ms = now_ms;
    }
    switch (e->outcome) {
    case CONCUR_NOTHING: return;
    case CONCUR_OVERLOAD: cut(l, c, now_ms); return;
    case CONCUR_OK: break;
    }
    if (!is_saturated || e->latency_ms <= 0) {
        return;
    }
    if (l->settling > 0) {
        l->settling--;
        return;
    }
    if (e->mark != l->mark) {
        return;
    }
    int64_t tokens = e->tokens >= 0 ? e->tokens : UNTOLD_TOKENS;
    add_sample(&l->sums, (double)e->latency_ms, (double)tokens + work_offset);
    if (l->sums.n >= epoch_length(l)) {
        end_epoch(l, c);
    }
}

int concur_learned(const struct concur *l)
{
    return l->best;
}

const char *concur_phase_name(enum concur_phase p)
{
    switch (p) {
    case CONCUR_START: return "start";
    case CONCUR_CRUISE: return "cruise";
    case CONCUR_UP: return "up";
    case CONCUR_DOWN: return "down";
    }
    return "unknown";
}
