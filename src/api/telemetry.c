// telemetry.c -- the public interface's numbers: metrics, usage, those of the host program.
// SPDX-License-Identifier: MIT
#include "api/call.h"
#include "base/mem.h"
#include "observe/meters.h"
#include "observe/monitor.h"
#include "vlmd_figures.h"
#include "vlmd_health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT_BYTES = 16 << 20 };

// ---- the text

struct text_call {
    struct vlmd *v;
    struct monitor_look look;
    struct store_counts counts;
    bool is_counted;
    vlmd_metrics_fn *fn;
    void *arg;
};

static void tell_text(struct text_call *c)
{
    struct vlmd *v = c->v;
    struct buf text;
    buf_init(&text, MAX_TEXT_BYTES);
    meters_read(&v->app, c->is_counted ? &c->counts : NULL, &c->look.machine);
    int rc = metrics_text(meters_registry(v->app.meters), &text);
    c->fn(c->arg, rc, rc ? "" : buf_str(&text), rc ? err_words(rc) : "");
    buf_fini(&text);
    free(c);
    call_end(v);
}

static void on_looked(struct monitor_look *l, int err)
{
    (void)err;  // closing: what was not read is 0
    tell_text(container_of(l, struct text_call, look));
}

// A client does not watch itself.
static void on_counted(struct store_counts *r, int err)
{
    struct text_call *c = container_of(r, struct text_call, counts);
    c->is_counted = err == 0;
    if (c->v->app.monitor && !c->v->is_closing) {
        monitor_look(&c->v->app, &c->look, on_looked);
        return;
    }
    machine_read(NULL, &c->look.machine);
    tell_text(c);
}

int vlmd_metrics(vlmd *v, vlmd_metrics_fn *fn, void *arg)
{
    int rc = call_check(v);
    if (rc) {
        return rc;
    }
    struct text_call *c = mem_new(struct text_call);
    *c = (struct text_call){.v = v, .fn = fn, .arg = arg};
    call_begin(v);
    store_count(v->app.store, &c->counts, on_counted);
    return 0;
}

// ---- usage

struct usage_call {
    struct vlmd *v;
    struct store_usage_read read;
    vlmd_usage_fn *on_usage;
    vlmd_end_fn *on_end;
    void *arg;
};

static void on_usage_read(struct store_usage_read *r, int err)
{
    struct usage_call *c = container_of(r, struct usage_call, read);
    struct vlmd *v = c->v;
    for (int i = 0; i < r->n; i++) {
        const struct store_usage *u = &r->rows[i];
        const struct vlmd_usage out = {
            .day = u->day,
            .backend = u->backend,
            .requests = u->requests,
            .failed = u->failed,
            .prompt_tokens = u->prompt_tokens,
            .completion_tokens = u->completion_tokens,
            .bytes_sent = u->bytes_sent,
            .cost = (double)u->cost_micros / 1e6,
        };
        c->on_usage(c->arg, &out);
    }
    free(r->rows);
    if (c->on_end) {
        c->on_end(c->arg, err, call_words(&r->err, err));
    }
    free(c);
    call_end(v);
}

int vlmd_usage(vlmd *v, int since_day, int until_day, vlmd_usage_fn *on_usage,
               vlmd_end_fn *on_end, void *arg)
{
    int rc = call_check(v);
    if (rc) {
        return rc;
    }
    struct usage_call *c = mem_new(struct usage_call);
    *c = (struct usage_call){.v = v, .on_usage = on_usage, .on_end = on_end, .arg = arg};
    c->read.since_day = since_day;
    c->read.until_day = until_day;
    call_begin(v);
    store_usage_read(v->app.store, &c->read, on_usage_read);
    return 0;
}

// ---- the host's own

static struct metric_row row_of(const struct vlmd_metric *d)
{
    static const enum metric_type types[] = {
        [VLMD_COUNTER] = METRIC_COUNTER,
        [VLMD_GAUGE] = METRIC_GAUGE,
        [VLMD_HISTOGRAM] = METRIC_HISTOGRAM,
    };
    static const enum metric_unit units[] = {
        [VLMD_NUMBER] = METRIC_NUMBER,
        [VLMD_MICROSECONDS] = METRIC_SECONDS,
        [VLMD_BYTES] = METRIC_BYTES,
    };
    _Static_assert((int)VLMD_METRIC_LABELS == (int)METRIC_MAX_LABELS, "as many");
    struct metric_row row = {
        .name = d->name,
        .help = d->help,
        .type = types[d->type],
        .unit = units[d->unit],
        .max_series = d->max_series,
    };
    memcpy(row.labels, d->labels, sizeof(row.labels));
    return row;
}

int vlmd_metric_define(vlmd *v, const struct vlmd_metric *d, struct vlmd_error *error)
{
    struct vlmd_error ignored;
    error = error ? error : &ignored;
    *error = (struct vlmd_error){0};
    bool is_known = d->type >= VLMD_COUNTER && d->type <= VLMD_HISTOGRAM &&
                    d->unit >= VLMD_NUMBER && d->unit <= VLMD_BYTES;
    const struct metric_row row = is_known ? row_of(d) : (struct metric_row){0};
    int id = metrics_define(meters_registry(v->app.meters), &row);
    if (id < 0) {
        error->code = id;
        snprintf(error->message, sizeof(error->message), "metric %.100s: %s",
                 d->name ? d->name : "(without a name)",
                 id == E_TOOBIG
                     ? "there are too many"
                     : "names are letters, digits and _, and new; only counters "
                       "end with _total");
    }
    return id;
}

static struct metric_series *series_of(vlmd *v, int id, const char *const *values)
{
    static const char *const none[VLMD_METRIC_LABELS];
    return metrics_series(meters_registry(v->app.meters), id, values ? values : none);
}

static bool is_own(vlmd *v, int id)
{
    return id >= METERS && id < metrics_count(meters_registry(v->app.meters));
}

int vlmd_metric_add(vlmd *v, int id, const char *const *values, int64_t n)
{
    if (!is_own(v, id)) {
        return E_USAGE;
    }
    struct metric_series *s = series_of(v, id, values);
    monitor_changed(&v->app);
    switch (metrics_type(meters_registry(v->app.meters), id)) {
    case METRIC_COUNTER:
        if (n < 0) {
            return E_USAGE;
        }
        metric_add(s, n);
        return 0;
    case METRIC_GAUGE: metric_add(s, n); return 0;
    case METRIC_HISTOGRAM: metric_observe(s, n); return 0;
    }
    return E_USAGE;
}

int vlmd_metric_set(vlmd *v, int id, const char *const *values, int64_t n)
{
    if (!is_own(v, id) ||
        metrics_type(meters_registry(v->app.meters), id) != METRIC_GAUGE) {
        return E_USAGE;
    }
    metric_set(series_of(v, id, values), n);
    monitor_changed(&v->app);
    return 0;
}
