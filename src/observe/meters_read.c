// meters_read.c -- what just is, read when somebody asks: queues, limits, memory.
// SPDX-License-Identifier: MIT
#include "base/mem.h"
#include "observe/meters_inside.h"
#include "observe/monitor.h"
#include "observe/statsd.h"
#include "observe/status.h"
#include "observe/trace.h"
#include "store/stats.h"

#include <stdlib.h>
#include <string.h>

static void set(struct meters *m, enum meter id, const char *a, const char *b, int64_t n)
{
    metric_set(meters_of(m, id, a, b, NULL), n);
}

static int64_t breaker_number(const char *name)
{
    return strcmp(name, "open") == 0 ? 2 : strcmp(name, "half-open") == 0;
}

static void read_backend(struct meters *m, const struct vlmd_backend_status *b)
{
    set(m, METER_UP, b->name, NULL, strcmp(b->state, "ready") == 0);
    set(m, METER_BREAKER, b->name, NULL, breaker_number(b->breaker));
    set(m, METER_IN_FLIGHT, b->name, NULL, b->in_flight);
    set(m, METER_LIMIT, b->name, NULL, b->limit);
    set(m, METER_RATE_USED, b->name, "requests", b->minute_requests);
    set(m, METER_RATE_USED, b->name, "tokens", b->minute_tokens);
    set(m, METER_RATE_LIMIT, b->name, "requests", b->minute_requests_limit);
    set(m, METER_RATE_LIMIT, b->name, "tokens", b->minute_tokens_limit);
}

static void read_work(struct app *a, struct meters *m)
{
    struct vlmd_backend_status backends[VLMD_MAX_BACKENDS];
    int n = dispatch_status(a->dispatch, backends, VLMD_MAX_BACKENDS), models = 0;
    for (int i = 0; i < n; i++) {
        read_backend(m, &backends[i]);
        models += strcmp(backends[i].state, "ready") == 0 &&
                  strcmp(backends[i].kind, "ocr") != 0;
    }
    set(m, METER_MODELS, NULL, NULL, models);
    for (int s = JOB_CLAIMED; s < JOB_GONE; s++) {
        set(m, METER_STATES, job_state_name((enum job_state)s), NULL,
            a->pipeline.jobs.count[s]);
    }
    set(m, METER_PAUSED, NULL, NULL, schedule_paused_because(a->schedule)[0] != 0);
}

static void read_input(struct app *a, struct meters *m)
{
    struct watcher_stats w = {0};
    if (a->watcher) {
        watcher_stats(a->watcher, &w);
    }
    set(m, METER_FOLDERS, NULL, NULL, w.folders);
    set(m, METER_SETTLING, NULL, NULL, w.settling);
}

static void read_pools(struct app *a, struct meters *m)
{
    int queued, running;
    image_load(a->images, &queued, &running);
    set(m, METER_POOL_QUEUED, "image", NULL, queued);
    set(m, METER_POOL_RUNNING, "image", NULL, running);
    set(m, METER_POOL_QUEUED, "metadata", NULL, pool_queued(a->reader));
    set(m, METER_POOL_RUNNING, "metadata", NULL, pool_running(a->reader));
}

static void read_database(struct meters *m, const struct store_counts *c)
{
    int64_t now_ms = loop_wall_ms();
    set(m, METER_DB_UP, NULL, NULL, c != NULL);
    if (!c) {
        return;
    }
    set(m, METER_DB_STATES, "queued", NULL, c->queued);
    set(m, METER_DB_STATES, "leased", NULL, c->leased);
    set(m, METER_DB_STATES, "ended", NULL, c->ended);
    for (int i = STORE_ANSWERED; i <= STORE_FAILED; i++) {
        set(m, METER_DB_OUTCOMES, store_outcome_name((enum store_outcome)i), NULL,
            c->by_outcome[i]);
    }
    int64_t waits_ms = c->oldest_queued_ms ? now_ms - c->oldest_queued_ms : 0;
    set(m, METER_DB_DUE, NULL, NULL, c->due);
    set(m, METER_DB_OLDEST, NULL, NULL, waits_ms > 0 ? waits_ms * 1000 : 0);
    set(m, METER_DB_BYTES, NULL, NULL, c->database_bytes);
}

static void copy(struct meters *m, enum meter id, const char *label,
                 const struct histogram *h)
{
    metric_copy(meters_of(m, id, label, NULL, NULL), h);
}

static void read_store(struct store *s, struct meters *m)
{
    struct store_load load;
    store_load(s, &load);
    for (int i = 0; i < STORE_STATEMENT_KINDS; i++) {
        enum store_statement_kind kind = (enum store_statement_kind)i;
        copy(m, METER_STATEMENTS, store_statement_kind_name(kind),
             store_statement_times(s, kind));
    }
    set(m, METER_WAL, NULL, NULL, load.wal_bytes);
    set(m, METER_DB_SLOW, NULL, NULL, load.slow);
    set(m, METER_DB_FAILED, NULL, NULL, load.failed);
    set(m, METER_CHECKPOINTS, NULL, NULL, load.checkpoints);
    set(m, METER_POOL_QUEUED, "database reads", NULL, load.read.queued);
    set(m, METER_POOL_QUEUED, "database writes", NULL, load.write.queued);
    set(m, METER_POOL_RUNNING, "database reads", NULL, load.read.running);
    set(m, METER_POOL_RUNNING, "database writes", NULL, load.write.running);
    copy(m, METER_POOL_WAIT, "database reads", store_read_waits(s));
    copy(m, METER_POOL_WAIT, "database writes", store_write_waits(s));
}

static void read_trace(const struct trace *t, struct meters *m)
{
    if (t) {
        set(m, METER_SPANS, NULL, NULL, t->spans_made);
        set(m, METER_SPANS_LOST, NULL, NULL, t->spans_dropped);
        set(m, METER_BATCHES_LOST, NULL, NULL, t->sender.failed + t->sender.dropped);
    }
}

static void read_statsd(const struct monitor *x, struct meters *m)
{
    if (x) {
        set(m, METER_STATSD, NULL, NULL, x->statsd->packets);
        set(m, METER_STATSD_LOST, NULL, NULL, x->statsd->lost);
    }
}

static void read_cache(struct meters *m, const char *name,
                       const struct vlmd_cache_stats *c)
{
    set(m, METER_CACHE_HITS, name, NULL, c->hits);
    set(m, METER_CACHE_MISSES, name, NULL, c->misses);
    set(m, METER_CACHE_BYTES, name, NULL, c->bytes);
}

static void read_room(struct app *a, struct meters *m)
{
    struct vlmd_stats *s = mem_new(struct vlmd_stats);
    status_snapshot(a, s);
    read_cache(m, "prepared pictures", &s->payload_cache);
    read_cache(m, "descriptions", &s->result_cache);
    set(m, METER_PRESSURE, NULL, NULL,
        strcmp(s->memory_pressure, "critical") == 0
            ? 2
            : strcmp(s->memory_pressure, "warning") == 0);
    free(s);
}

static void read_process(struct meters *m, const struct machine *x)
{
    set(m, METER_CPU, NULL, NULL, (x->cpu_user_ms + x->cpu_system_ms) * 1000);
    set(m, METER_RSS, NULL, NULL, x->rss);
    set(m, METER_VIRTUAL, NULL, NULL, x->vms);
    set(m, METER_FDS, NULL, NULL, x->fds);
    set(m, METER_MAX_FDS, NULL, NULL, x->fds_soft);
    set(m, METER_START, NULL, NULL, x->started_at_ms * 1000);
}

void meters_read(struct app *a, const struct store_counts *counts,
                 const struct machine *machine)
{
    struct meters *m = a->meters;
    if (a->schedule) {  // a worker, and not being closed
        set(m, METER_BUDGET, NULL, NULL,
            (int64_t)(dispatch_budget_pct(a->dispatch) * 1e4 + 0.5));
        read_work(a, m);
        read_input(a, m);
        read_pools(a, m);
        read_room(a, m);
    }
    read_database(m, counts);
    read_store(a->store, m);
    read_trace(a->trace, m);
    read_statsd(a->monitor, m);
    read_process(m, machine);
}
