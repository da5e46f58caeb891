// monitor.c -- the part that is there as long as the worker, and its readings.
// SPDX-License-Identifier: MIT
#include "observe/monitor.h"

#include "base/mem.h"
#include "observe/alerts.h"
#include "observe/errors.h"
#include "observe/meters.h"
#include "observe/statsd.h"

#include <stdlib.h>
#include <sys/resource.h>

enum { LEAST_MS = 1000 };  // a shorter time between readings tells no share

// ---- readings

static void look_run(struct pool_work *w, void *thread)
{
    struct monitor_look *l = container_of(w, struct monitor_look, work);
    (void)thread;
    machine_read(NULL, &l->machine);
    l->disk_err = machine_read_disk(store_path(l->app->store), &l->disk);
}

// In the first second the share since the process began is all there is.
static void look_done(struct pool_work *w, int err)
{
    struct monitor_look *l = container_of(w, struct monitor_look, work);
    struct monitor *m = l->app->monitor;
    if (err == 0) {
        static const struct machine begin;
        int64_t now = loop_now_ms(&l->app->loop), passed = now - m->base_ms;
        bool is_first = passed < LEAST_MS;
        l->process_cpu_pct =
            is_first ? machine_process_cpu_pct(&begin, &l->machine,
                                               loop_wall_ms() - l->machine.started_at_ms)
                     : machine_process_cpu_pct(&m->base, &l->machine, passed);
        l->cpu_pct = machine_cpu_pct(&m->base, &l->machine);
        if (!is_first) {
            m->base = l->machine;
            m->base_ms = now;
        }
    }
    l->done(l, err);
    closer_drop(&m->closer);
}

void monitor_look(struct app *a, struct monitor_look *l,
                  void (*done)(struct monitor_look *l, int err))
{
    l->app = a;
    l->done = done;
    l->work = (struct pool_work){.run = look_run, .done = look_done};
    closer_hold(&a->monitor->closer);
    pool_submit(a->reader, &l->work);
}

// ---- usage, for whoever shows it all the time

static int64_t cpu_ms(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static void measure_usage(struct monitor *m, int64_t now_ms)
{
    int64_t used = cpu_ms();
    if (m->used_ms && now_ms - m->used_ms < LEAST_MS) {
        return;
    }
    m->cpu_pct =
        m->used_ms ? (double)(used - m->used_cpu_ms) * 100 / (double)(now_ms - m->used_ms)
                   : 0;
    m->used_ms = now_ms;
    m->used_cpu_ms = used;
    m->rss = machine_own_rss();
}

static int count_firing(const struct alerter *r)
{
    int n = 0;
    for (int i = 0; i < ALERT_RULES; i++) {
        n += r->alerts.rules[i].phase == ALERT_FIRING;
    }
    return n;
}

void monitor_usage(struct app *a, struct vlmd_stats *out)
{
    struct monitor *m = a->monitor;
    if (!m) {
        return;
    }
    measure_usage(m, loop_now_ms(&a->loop));
    out->rss_bytes = m->rss;
    out->cpu_pct = m->cpu_pct;
    int64_t p99 = lag_percentile_ms(&m->lag, 99);
    out->lag_p99_ms = p99 == INT64_MAX ? (int64_t)m->lag.max_ms : p99;
    out->errors_per_min = errors_per_min(a);
    out->error_spikes = errors_spikes(a);
    out->alerts_firing = count_firing(m->alerter);
}

void monitor_changed(struct app *a)
{
    if (a->monitor) {
        statsd_wake(a->monitor->statsd);
    }
}

// ---- the part

int monitor_open(struct app *a, struct err *e)
{
    (void)e;
    struct monitor *m = mem_new(struct monitor);
    m->app = a;
    machine_read(NULL, &m->base);
    m->base_ms = loop_now_ms(&a->loop);
    lag_open(&m->lag, &a->loop);
    m->lag.on_turn = meters_on_turn;
    m->lag.turn_arg = a;
    closer_hold(&m->closer);
    m->alerter = mem_new(struct alerter);
    alerts_open(m->alerter, a);
    closer_hold(&m->closer);
    m->statsd = mem_new(struct statsd);
    statsd_open(m->statsd, a);
    closer_hold(&m->closer);
    a->monitor = m;
    return 0;
}

static void on_all_closed(struct closer *c)
{
    struct monitor *m = container_of(c, struct monitor, closer);
    void (*on_closed)(void *) = m->on_closed;
    void *arg = m->arg;
    m->app->monitor = NULL;
    free(m->alerter);
    free(m->statsd);
    free(m);
    on_closed(arg);
}

static void on_one_closed(void *arg)
{
    struct monitor *m = arg;
    closer_drop(&m->closer);
}

void monitor_close(struct app *a, void (*on_closed)(void *arg), void *arg)
{
    struct monitor *m = a->monitor;
    m->on_closed = on_closed;
    m->arg = arg;
    m->closer.on_closed = on_all_closed;
    alerts_close(m->alerter, on_one_closed, m);
    statsd_close(m->statsd, on_one_closed, m);
    lag_close(&m->lag, on_one_closed, m);
}
