// diagnostics.c -- the public interface's look at the process, its loop and its machine.
// SPDX-License-Identifier: MIT
#include "api/call.h"
#include "base/mem.h"
#include "observe/monitor.h"
#include "store/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARNING_PCT 80.0
#define ERROR_PCT   90.0
#define GB          1e9

enum { WORDS_BYTES = 80 };

struct diagnosing {
    struct vlmd *v;
    struct monitor_look look;
    uint64_t began_ns;
    vlmd_diagnostics_fn *fn;
    void *arg;
    char words[VLMD_MAX_INDICATORS][WORDS_BYTES];
};

// ---- indicators

static const char *const states[] = {"healthy", "warning", "error"};

static void indicate(struct diagnosing *g, struct vlmd_diagnostics *d, const char *name,
                     double pct)
{
    int state = pct > ERROR_PCT ? 2 : pct > WARNING_PCT ? 1 : 0;
    int i = d->n_indicators++;
    d->indicators[i] = (struct vlmd_indicator){name, states[state], pct, g->words[i]};
    bool is_worse = state == 2 || (state == 1 && strcmp(d->state, states[2]) != 0);
    if (is_worse) {
        d->state = states[state];
    }
}

static char *next_words(struct diagnosing *g, const struct vlmd_diagnostics *d)
{
    return g->words[d->n_indicators];
}

static void indicate_all(struct diagnosing *g, struct vlmd_diagnostics *d)
{
    const struct machine *m = &g->look.machine;
    const struct machine_disk *k = &g->look.disk;
    int64_t used = m->mem_total - m->mem_available;
    snprintf(next_words(g, d), WORDS_BYTES, "%.1f GB of %.1f GB", (double)used / GB,
             (double)m->mem_total / GB);
    if (m->group_limit) {
        snprintf(next_words(g, d), WORDS_BYTES,
                 "%.1f GB of %.1f GB, control group %.1f "
                 "of %.1f GB",
                 (double)used / GB, (double)m->mem_total / GB, (double)m->group_used / GB,
                 (double)m->group_limit / GB);
    }
    indicate(g, d, "memory", machine_memory_pct(m));
    snprintf(next_words(g, d), WORDS_BYTES, "load %.2f on %d cores", m->load[0],
             m->cores);
    indicate(g, d, "processor", g->look.cpu_pct);
    snprintf(next_words(g, d), WORDS_BYTES, "%d of %lld", m->fds, (long long)m->fds_soft);
    indicate(g, d, "descriptors", machine_fds_pct(m));
    if (g->look.disk_err == 0) {
        snprintf(next_words(g, d), WORDS_BYTES, "%.1f GB free of %.1f GB",
                 (double)k->available / GB, (double)k->total / GB);
        indicate(g, d, "disk", machine_disk_pct(k));
    }
}

// ---- what was read

static void fill_machine(const struct monitor_look *l, struct vlmd_diagnostics *d)
{
    const struct machine *m = &l->machine;
    d->rss_bytes = m->rss;
    d->rss_peak_bytes = m->rss_peak;
    d->vms_bytes = m->vms;
    d->swapped_bytes = m->swapped;
    d->memory_total_bytes = m->mem_total;
    d->memory_available_bytes = m->mem_available;
    d->swap_total_bytes = m->swap_total;
    d->swap_free_bytes = m->swap_free;
    d->cgroup_limit_bytes = m->group_limit;
    d->cgroup_used_bytes = m->group_used;
    d->memory_pressure_pct = m->mem_pressure_pct;
    d->cpu_process_pct = l->process_cpu_pct;
    d->cpu_system_pct = l->cpu_pct;
    d->cpu_user_ms = m->cpu_user_ms;
    d->cpu_system_ms = m->cpu_system_ms;
    memcpy(d->load, m->load, sizeof(d->load));
    d->cores = m->cores;
    d->threads = m->threads;
    d->descriptors = m->fds;
    d->descriptors_soft = m->fds_soft;
    d->descriptors_hard = m->fds_hard;
    d->tcp_established = m->tcp[MACHINE_TCP_ESTABLISHED];
    d->tcp_opening = m->tcp[MACHINE_TCP_OPENING];
    d->tcp_closing = m->tcp[MACHINE_TCP_CLOSING];
    d->tcp_listening = m->tcp[MACHINE_TCP_LISTENING];
    d->unix_sockets = m->unix_sockets;
    d->disk_total_bytes = l->disk.total;
    d->disk_available_bytes = l->disk.available;
    d->pid = m->pid;
    d->parent_pid = m->parent_pid;
    d->started_at_ms = m->started_at_ms;
    d->name = m->name;
}

static int64_t bound_or_none(int64_t ms)
{
    return ms == INT64_MAX ? -1 : ms;
}

static void fill_lag(const struct lag *g, struct vlmd_diagnostics *d)
{
    _Static_assert((int)LAG_BUCKETS == (int)VLMD_LAG_BUCKETS, "all have room");
    for (int i = 0; i < LAG_BUCKETS; i++) {
        d->lag_turns[i] = g->turns[i];
        d->lag_bound_ms[i] = bound_or_none(lag_bound_ms(i));
    }
    d->lag_n = g->n;
    d->lag_mean_ms = g->n ? g->sum_ms / (double)g->n : 0;
    d->lag_max_ms = g->max_ms;
    d->lag_p50_ms = bound_or_none(lag_percentile_ms(g, 50));
    d->lag_p99_ms = bound_or_none(lag_percentile_ms(g, 99));
}

static void count_handle(uv_handle_t *h, void *arg)
{
    struct vlmd_diagnostics *d = arg;
    d->handles++;
    d->handles_active += uv_is_active(h) != 0;
}

static void fill_loop(struct app *a, struct vlmd_diagnostics *d)
{
    uv_walk(&a->loop.uv, count_handle, d);
    d->requests_active = (int)a->loop.uv.active_reqs.count;
    d->http_in_flight = http_in_flight(a->http);
    d->reader_queued = pool_queued(a->reader);
    d->reader_running = pool_running(a->reader);
    d->image_queued = image_queued(a->images);
    struct store_load load;
    store_load(a->store, &load);
    d->store_queued = load.read.queued + load.write.queued;
    d->jobs = a->pipeline.jobs.total;
}

// ---- asking

static void on_looked(struct monitor_look *l, int err)
{
    struct diagnosing *g = container_of(l, struct diagnosing, look);
    struct vlmd *v = g->v;
    struct app *a = &v->app;
    struct vlmd_diagnostics d = {
        .state = states[0], .version = vlmd_version(), .disk_path = "", .name = ""};
    if (err == 0) {
        d.at_ms = loop_wall_ms();
        d.disk_path = store_path(a->store);
        fill_machine(l, &d);
        fill_lag(&a->monitor->lag, &d);
        fill_loop(a, &d);
        indicate_all(g, &d);
        d.took_ms = (double)(uv_hrtime() - g->began_ns) / 1e6;
    }
    g->fn(g->arg, err, &d, err ? err_words(err) : "");
    free(g);
    call_end(v);
}

int vlmd_diagnostics(vlmd *v, vlmd_diagnostics_fn *fn, void *arg)
{
    int rc = v->app.role == VLMD_WORKER ? call_check(v) : E_USAGE;
    if (rc) {
        return rc;
    }
    struct diagnosing *g = mem_new(struct diagnosing);
    g->v = v;
    g->fn = fn;
    g->arg = arg;
    g->began_ns = uv_hrtime();
    call_begin(v);
    monitor_look(&v->app, &g->look, on_looked);
    return 0;
}
