// meters.c -- the metrics of this process: what happened is counted here.
//
// What just is, is read in meters_read.c when somebody asks.
// SPDX-License-Identifier: MIT
#include "observe/meters.h"

#include "base/log.h"
#include "base/mem.h"
#include "observe/meters_inside.h"

#include <stdlib.h>
#include <string.h>

#define LABELS(...)                                                                      \
    {                                                                                    \
        __VA_ARGS__                                                                      \
    }

static const struct metric_row rows[] = {
#define X(id, name, type, unit, labels, help) {name, help, type, unit, LABELS labels, 0},
    METER_TABLE(X)
#undef X
};

static const char *const stage_names[] = {
#define X(id, name, target_ms) name,
    STAGE_TABLE(X)
#undef X
};

static const int64_t stage_targets_ms[] = {
#define X(id, name, target_ms) target_ms,
    STAGE_TABLE(X)
#undef X
};

enum { WARN_EVERY_MS = 60000 };

struct meters *meters_new(void)
{
    struct meters *m = mem_new(struct meters);
    m->registry = metrics_new(rows, METERS);
    for (int i = 0; i < STAGES; i++) {
        m->stages[i] = meters_of(m, METER_STAGE, stage_names[i], NULL, NULL);
    }
    m->turns = meters_of(m, METER_LOOP, NULL, NULL, NULL);
    metric_set(meters_of(m, METER_BUILD, vlmd_version(), NULL, NULL), 1);
    return m;
}

void meters_free(struct meters *m)
{
    if (m) {
        metrics_free(m->registry);
        free(m);
    }
}

struct metrics *meters_registry(struct meters *m)
{
    return m->registry;
}

struct metric_series *meters_of(struct meters *m, enum meter id, const char *a,
                                const char *b, const char *c)
{
    const char *const values[METRIC_MAX_LABELS] = {a, b, c};
    return metrics_series(m->registry, (int)id, values);
}

static void count(struct meters *m, enum meter id, const char *a, const char *b,
                  const char *c, int64_t n)
{
    metric_add(meters_of(m, id, a, b, c), n);
}

static const char *result_name(int err)
{
    return err ? err_name(err) : "ok";
}

// ---- stages

// What a tier promises, for the answer alone.  Source: DESIGN.md 9.
static int64_t tier_target_ms(const char *tier)
{
    return strcmp(tier, "quick") == 0      ? 2000
           : strcmp(tier, "standard") == 0 ? 5000
                                           : 15000;
}

// Slow ones are counted each time and told once a minute.
static void note_slow(struct meters *m, enum stage stage, const struct job *j,
                      int64_t took_us, int64_t target_ms)
{
    int64_t now_ms = j->pipeline->organs.now_ms(j->pipeline->organs.ctx);
    count(m, METER_SLOW, stage_names[stage], NULL, NULL, 1);
    bool is_told = m->warned_ms[stage] && now_ms - m->warned_ms[stage] < WARN_EVERY_MS;
    log_write(is_told ? LOG_DEBUG : LOG_INFO, "meters",
              "job=%lld cid=%s stage=%s took_ms=%lld target_ms=%lld slow",
              (long long)j->row.id, j->row.cid, stage_names[stage],
              (long long)(took_us / 1000), (long long)target_ms);
    m->warned_ms[stage] = is_told ? m->warned_ms[stage] : now_ms;
}

static void passed(struct meters *m, enum stage stage, const struct job *j,
                   int64_t took_us)
{
    metric_observe(m->stages[stage], took_us);
    int64_t target_ms = stage_targets_ms[stage];
    if (target_ms && took_us > target_ms * 1000) {
        note_slow(m, stage, j, took_us, target_ms);
    }
}

// A stage that a picture never was in says nothing about how long it takes.
static void passed_state(struct meters *m, enum stage stage, const struct job *j,
                         enum job_state state)
{
    if (j->entered_ms[state]) {
        passed(m, stage, j, j->spent_ms[state] * 1000);
    }
}

static void passed_ask(struct meters *m, enum stage stage, const struct job *j,
                       int64_t took_ms)
{
    if (took_ms >= 0) {
        passed(m, stage, j, took_ms * 1000);
    }
}

// ---- requests

static void count_tokens(struct meters *m, const struct ask *a)
{
    if (a->prompt_tokens > 0) {
        count(m, METER_TOKENS, a->backend, a->model, "prompt", a->prompt_tokens);
    }
    if (a->completion_tokens > 0) {
        count(m, METER_TOKENS, a->backend, a->model, "completion", a->completion_tokens);
    }
}

static void measure(struct meters *m, enum meter id, const struct ask *a, int64_t took_ms)
{
    if (took_ms >= 0) {
        bool by_model = id != METER_CONNECT;
        metric_observe(meters_of(m, id, a->backend, by_model ? a->model : NULL, NULL),
                       took_ms * 1000);
    }
}

// A second backend that was asked and not needed.
static void count_also(struct meters *m, const struct ask *a)
{
    if (a->also_bytes_sent > 0) {
        count(m, METER_REQUESTS, a->also_backend, a->also_model, result_name(E_CANCELED),
              1);
        count(m, METER_SENT, a->also_backend, NULL, NULL, a->also_bytes_sent);
        count(m, METER_COST, a->also_backend, NULL, NULL,
              (int64_t)(a->also_cost * 1e6 + 0.5));
    }
}

void meters_asked(struct meters *m, const struct job *j, int err)
{
    const struct ask *a = &j->ask;
    const char *tier = tier_name(j->tier);
    count(m, METER_REQUESTS, a->backend, a->model, result_name(err), 1);
    count(m, METER_SENT, a->backend, NULL, NULL, a->bytes_sent);
    count(m, METER_COST, a->backend, NULL, NULL, (int64_t)(a->cost * 1e6 + 0.5));
    count_tokens(m, a);
    count_also(m, a);
    measure(m, METER_REQUEST_TIME, a, a->request_ms);
    measure(m, METER_FIRST_BYTE, a, a->first_byte_ms);
    measure(m, METER_CONNECT, a, a->connect_ms);
    passed_ask(m, STAGE_CONNECT, j, a->connect_ms);
    passed_ask(m, STAGE_FIRST_BYTE, j, a->first_byte_ms);
    passed_ask(m, STAGE_REQUEST, j, a->request_ms);
    int64_t target_ms = tier_target_ms(tier);
    if (a->request_ms > target_ms) {
        count(m, METER_BREACHES, tier, NULL, NULL, 1);
        note_slow(m, STAGE_REQUEST, j, a->request_ms * 1000, target_ms);
    }
}

// ---- pictures

static void count_stages(struct meters *m, const struct job *j, int64_t now_ms)
{
    passed(m, STAGE_QUEUED, j, j->save.queued_ms * 1000);
    passed_state(m, STAGE_FETCH, j, JOB_FETCHING);
    passed_state(m, STAGE_INSPECT, j, JOB_INSPECTING);
    passed_state(m, STAGE_COMPARE, j, JOB_COMPARING);
    passed_state(m, STAGE_RECOGNISE, j, JOB_RECOGNISING);
    passed_state(m, STAGE_WAIT, j, JOB_WAITING);
    passed_state(m, STAGE_RECORD, j, JOB_RECORDING);
    passed(m, STAGE_PRIVACY, j, j->privacy_us);
    passed(m, STAGE_SAVE, j, (now_ms - j->entered_ms[JOB_SAVING]) * 1000);
    if (j->has_image) {
        passed(m, STAGE_READ, j, j->image.read_us);
        passed(m, STAGE_DECODE, j, j->image.decode_us);
        passed(m, STAGE_ENCODE, j, j->image.encode_us);
    }
}

static void count_privacy(struct meters *m, const struct job *j)
{
    const struct gate *g = &j->gate;
    const char *verdict = gate_verdict(g);
    if (verdict[0]) {
        count(m, METER_VERDICTS, verdict, NULL, NULL, 1);
    }
    count(m, METER_MASKED, NULL, NULL, NULL, g->is_masked);
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        const char *name = privacy_category_name((enum privacy_category)i);
        if (g->found.inside[i] + g->found.outside[i] > 0) {
            count(m, METER_FOUND, name, NULL, NULL, 1);
        }
        if (g->cleaned[i]) {
            count(m, METER_CLEANED, name, NULL, NULL, g->cleaned[i]);
        }
    }
    for (int i = 0; i < j->save.n_audit; i++) {
        const char *said = j->save.audit[i].verdict;
        count(m, METER_AUDIT, said ? said : "", NULL, NULL, 1);
    }
}

void meters_saved(struct meters *m, const struct job *j)
{
    const char *outcome = store_outcome_name(j->outcome);
    int64_t now_ms = j->pipeline->organs.now_ms(j->pipeline->organs.ctx);
    count(m, METER_JOBS, outcome, tier_name(j->tier_asked), NULL, 1);
    if (j->outcome == STORE_FAILED) {
        count(m, METER_FAILURES, err_name(j->code), NULL, NULL, 1);
    }
    metric_observe(meters_of(m, METER_JOB_TIME, outcome, NULL, NULL),
                   (now_ms - j->entered_ms[JOB_CLAIMED]) * 1000);
    if (j->n_attempts > 0) {
        metric_observe(meters_of(m, METER_ATTEMPTS, NULL, NULL, NULL),
                       j->row.attempts + j->n_attempts);
    }
    count_stages(m, j, now_ms);
    count_privacy(m, j);
}

// ---- models

void meters_loaded(struct meters *m, const char *backend, const char *model, int err,
                   int64_t took_ms)
{
    count(m, METER_LOADS, backend, model, result_name(err), 1);
    metric_observe(meters_of(m, METER_LOAD_TIME, backend, model, NULL), took_ms * 1000);
}

void meters_verified(struct meters *m, const char *backend, const char *model, int err,
                     int64_t took_ms)
{
    count(m, METER_VERIFIES, backend, model, result_name(err), 1);
    metric_observe(meters_of(m, METER_VERIFY_TIME, backend, model, NULL), took_ms * 1000);
}

// ---- percentiles

int meters_latencies(const struct meters *m, struct vlmd_latency *out, int max)
{
    int n = 0;
    for (int i = 0; i < STAGES && n < max; i++) {
        const struct histogram *h = metric_histogram(m->stages[i]);
        int64_t passes = (int64_t)histogram_count(h);
        if (passes > 0) {
            out[n++] = (struct vlmd_latency){
                .stage = stage_names[i],
                .n = passes,
                .p50_ms = (double)histogram_percentile(h, 50) / 1000,
                .p90_ms = (double)histogram_percentile(h, 90) / 1000,
                .p95_ms = (double)histogram_percentile(h, 95) / 1000,
                .p99_ms = (double)histogram_percentile(h, 99) / 1000,
            };
        }
    }
    return n;
}
