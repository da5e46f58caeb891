// alerts.c -- one sample after the other, as long as there is a reason.
//
//   timer -> monitor_look -> store_count -> judge -> timer
//                                       '-> a round of health, when it is due
//
// The timer is armed again only with work, an alert that is on, or a notice to be sent.
// SPDX-License-Identifier: MIT
#include "observe/alerts.h"

#include "api/call.h"
#include "base/log.h"
#include "observe/checkup.h"
#include "organs.h"
#include "store/stats.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MB      1e6
#define MINUTE  60000
#define SLOW_US INT64_C(1000000)  // a query that takes a second is slow

static void sample_later(struct alerter *r);

// ---- telling

static void host_name(char *out, size_t size)
{
    if (gethostname(out, size) != 0) {
        snprintf(out, size, "localhost");
    }
    out[size - 1] = 0;
}

static void send_notice(struct alerter *r, const struct alert_notice *n)
{
    const struct config *c = r->app->config;
    struct buf body;
    if (!c->alert_webhook || !*c->alert_webhook) {
        return;
    }
    buf_init(&body, 16 << 10);
    if (alert_body(c->alert_format, n, c->alert_key ? c->alert_key : "", &body) == 0) {
        webhook_post(&r->webhook, buf_str(&body));
    }
    buf_fini(&body);
}

static void tell(struct alerter *r, enum alert_rule rule, bool has_recovered)
{
    struct app *a = r->app;
    char host[256], summary[600];
    host_name(host, sizeof(host));
    const struct alert_notice n = {
        .rule = rule,
        .has_recovered = has_recovered,
        .value = r->alerts.rules[rule].value,
        .threshold = a->config->alerts.threshold[rule],
        .since_ms = r->since_ms[rule],
        .at_ms = loop_wall_ms(),
        .host = host,
        .more = rule == ALERT_HEALTH && !has_recovered ? r->unwell : "",
    };
    alert_summary(&n, summary, sizeof(summary));
    if (has_recovered) {
        log_info("alerts", "alert=%s state=recovered %s", alert_name(rule), summary);
    } else {
        log_warn("alerts", "alert=%s state=firing severity=%s %s", alert_name(rule),
                 alert_severity_name(alert_severity(rule)), summary);
    }
    send_notice(r, &n);
    event_say(&a->events, VLMD_EVENT_ALERT, NULL, alert_name(rule), summary,
              !has_recovered);
}

static void judge(struct alerter *r, const struct alert_sample *sample)
{
    struct app *a = r->app;
    int64_t now = loop_now_ms(&a->loop);
    for (int i = 0; i < ALERT_RULES; i++) {
        enum alert_rule rule = (enum alert_rule)i;
        enum alert_news news =
            alert_judge(&r->alerts, &a->config->alerts, sample, rule, now);
        if (news == ALERT_FIRED) {
            r->since_ms[i] = loop_wall_ms() - (now - r->alerts.rules[i].since_ms);
            tell(r, rule, false);
        } else if (news == ALERT_RECOVERED) {
            tell(r, rule, true);
        }
    }
}

// ---- the sample

static void know(struct alerter *r, enum alert_rule rule, double value)
{
    r->sample.value[rule] = value;
    r->sample.is_known[rule] = true;
}

// The longest of the queues before threads.
static int most_queued(const struct app *a)
{
    struct store_load load;
    store_load(a->store, &load);
    const int n[] = {pool_queued(a->reader), image_queued(a->images), load.read.queued,
                     load.write.queued};
    int most = 0;
    for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
        most = n[i] > most ? n[i] : most;
    }
    return most;
}

static void know_machine(struct alerter *r)
{
    const struct machine *m = &r->look.machine;
    if (m->mem_total) {
        know(r, ALERT_MEMORY, machine_memory_pct(m));
        know(r, ALERT_MEMORY_CRITICAL, machine_memory_pct(m));
    }
    know(r, ALERT_PROCESS_MEMORY, (double)m->rss / MB);
    know(r, ALERT_CPU, r->look.cpu_pct);
    know(r, ALERT_DESCRIPTORS, machine_fds_pct(m));
    if (r->look.disk_err == 0) {
        know(r, ALERT_DISK, (double)r->look.disk.available / MB);
    }
    know(r, ALERT_POOL, most_queued(r->app));
    know(r, ALERT_BUDGET, dispatch_budget_pct(r->app->dispatch));
}

// Requests and the queue are judged by what changed since the oldest sample that is kept.
static void know_work(struct alerter *r)
{
    const struct pipeline_totals *t = &r->app->pipeline.totals;
    if (r->n_history == ALERTS_HISTORY) {
        memmove(&r->history[0], &r->history[1],
                sizeof(r->history[0]) * (ALERTS_HISTORY - 1));
        r->n_history--;
    }
    int newest = r->n_history++;
    r->history[newest].requests = t->requests;
    r->history[newest].failed = t->failed_requests;
    r->history[newest].queued = r->counts.queued;
    double pct;
    if (alert_error_pct(t->requests - r->history[0].requests,
                        t->failed_requests - r->history[0].failed, &pct)) {
        know(r, ALERT_ERRORS, pct);
    } else {
        know(r, ALERT_ERRORS, 0);  // too few to tell
    }
    if (r->n_history == ALERTS_HISTORY) {
        know(r, ALERT_QUEUE, (double)(r->counts.queued - r->history[0].queued));
    }
}

// Statements, of all threads, since the sample before.  The check of the whole file, which
// doctor asks for, is none of these kinds.
static void know_queries(struct alerter *r)
{
    int64_t slow = 0;
    for (int k = 0; k < STORE_OTHER; k++) {
        const struct histogram *h =
            store_statement_times(r->app->store, (enum store_statement_kind)k);
        slow += (int64_t)(histogram_count(h) - histogram_up_to(h, SLOW_US));
    }
    know(r, ALERT_SLOW_QUERIES, (double)(slow - r->slow_queries));
    r->slow_queries = slow;
}

// Work that makes way for something else, or that a person paused, is not stuck.
static bool is_held_back(const struct app *a)
{
    return a->schedule && (schedule_paused_until_ms(a->schedule) != 0 ||
                           schedule_eased(a->schedule) != YIELD_NOT);
}

static void know_progress(struct alerter *r)
{
    int64_t now = loop_now_ms(&r->app->loop);
    bool waits = r->counts.due > 0 || r->app->pipeline.jobs.total > 0;
    if (!waits || is_held_back(r->app)) {
        r->progress_ms = now;
    }
    know(r, ALERT_STALLED, (double)(now - r->progress_ms) / MINUTE);
}

// ---- health

static void on_health(struct health_round *h)
{
    struct alerter *r = h->arg;
    bool is_unwell = health_worst(h) == HEALTH_UNHEALTHY;
    r->unhealthy = is_unwell ? r->unhealthy + 1 : 0;
    r->unwell[0] = 0;
    for (int i = 0; i < h->n && !r->unwell[0]; i++) {
        const struct checkup *c = &h->checkups[i];
        if (c->state == HEALTH_UNHEALTHY && !c->is_hidden) {
            snprintf(r->unwell, sizeof(r->unwell), "%s", c->kind);  // names hold paths
        }
    }
    if (!r->is_closing && r->app->stop_seen == 0) {
        struct alert_sample sample = {0};  // another may be half taken
        sample.value[ALERT_HEALTH] = r->unhealthy;
        sample.is_known[ALERT_HEALTH] = true;
        judge(r, &sample);
        sample_later(r);
    }
}

static void on_health_ended(struct health_round *h)
{
    struct alerter *r = h->arg;
    r->is_checking = false;
    closer_drop(&r->closer);
}

static void maybe_check(struct alerter *r)
{
    struct app *a = r->app;
    int64_t now = loop_now_ms(&a->loop);
    if (r->is_checking || now < r->check_due_ms) {
        return;
    }
    r->check_due_ms = now + a->config->health_every_ms;
    closer_hold(&r->closer);
    r->is_checking = health_start(a, on_health, on_health_ended, r) == 0;
    if (!r->is_checking) {
        closer_drop(&r->closer);
    }
}

// ---- one sample

static bool is_over(const struct alerter *r)
{
    return r->is_closing || r->app->stop_seen != 0;
}

static void end_sample(struct alerter *r)
{
    r->is_sampling = false;
    if (!is_over(r)) {
        bool goes_on = r->has_worked || r->counts.due > 0 ||
                       r->app->pipeline.jobs.total > 0 || alert_is_open(&r->alerts);
        judge(r, &r->sample);
        maybe_check(r);
        r->has_worked = false;
        if (goes_on || alert_is_open(&r->alerts)) {
            sample_later(r);
        }
    }
    closer_drop(&r->closer);
}

static void on_counted(struct store_counts *c, int err)
{
    struct alerter *r = container_of(c, struct alerter, counts);
    if (err == 0 && !is_over(r)) {
        know_queries(r);
        know_work(r);
        know_progress(r);
    }
    end_sample(r);
}

static void on_looked(struct monitor_look *l, int err)
{
    struct alerter *r = container_of(l, struct alerter, look);
    if (err || is_over(r)) {
        end_sample(r);
        return;
    }
    know_machine(r);
    r->counts = (struct store_counts){0};
    store_count(r->app->store, &r->counts, on_counted);
}

static void on_due(struct timer *t)
{
    struct alerter *r = container_of(t, struct alerter, timer);
    if (r->is_sampling || is_over(r)) {
        return;
    }
    r->is_sampling = true;
    r->sample = (struct alert_sample){0};
    closer_hold(&r->closer);
    monitor_look(r->app, &r->look, on_looked);
}

static void sample_later(struct alerter *r)
{
    if (!timer_is_started(&r->timer)) {
        timer_start(&r->timer, r->app->config->alert_every_ms, on_due);
    }
}

void alerts_wake(struct app *a, bool has_ended)
{
    struct alerter *r = a->monitor ? a->monitor->alerter : NULL;
    if (!r || is_over(r) || !a->is_working) {
        return;
    }
    r->has_worked = true;
    if (has_ended || r->progress_ms == 0) {
        r->progress_ms = loop_now_ms(&a->loop);
    }
    sample_later(r);
}

// ---- the part

void alerts_open(struct alerter *r, struct app *a)
{
    *r = (struct alerter){.app = a};
    r->check_due_ms = loop_now_ms(&a->loop) + a->config->health_every_ms;
    timer_open(&r->timer, &a->loop);
    closer_hold(&r->closer);
    webhook_open(&r->webhook, &a->loop, a->http, a->config->alert_webhook,
                 &a->config->retry, organs_random, a);
    closer_hold(&r->closer);
}

static void on_webhook_closed(void *arg)
{
    struct alerter *r = arg;
    closer_drop(&r->closer);
}

static void on_timer_closed(struct timer *t)
{
    closer_drop(&container_of(t, struct alerter, timer)->closer);
}

static void on_all_closed(struct closer *c)
{
    struct alerter *r = container_of(c, struct alerter, closer);
    r->on_closed(r->arg);
}

void alerts_configure(struct alerter *r)
{
    int64_t due_ms = loop_now_ms(&r->app->loop) + r->app->config->health_every_ms;
    r->check_due_ms = r->check_due_ms < due_ms ? r->check_due_ms : due_ms;
    webhook_aim(&r->webhook, r->app->config->alert_webhook);
    if (alert_is_open(&r->alerts)) {
        timer_stop(&r->timer);
        sample_later(r);
    }
}

void alerts_close(struct alerter *r, void (*on_closed)(void *arg), void *arg)
{
    r->is_closing = true;
    r->on_closed = on_closed;
    r->arg = arg;
    r->closer.on_closed = on_all_closed;
    webhook_close(&r->webhook, on_webhook_closed, r);
    timer_close(&r->timer, on_timer_closed);
}

// ---- the public interface

static const char *phase_name(enum alert_phase p)
{
    switch (p) {
    case ALERT_QUIET: return "quiet";
    case ALERT_PENDING: return "pending";
    case ALERT_FIRING: return "firing";
    }
    return "";
}

void vlmd_alerts(vlmd *v, vlmd_alert_fn *fn, void *arg)
{
    const struct alerter *r = v->app.monitor ? v->app.monitor->alerter : NULL;
    for (int i = 0; i < ALERT_RULES; i++) {
        enum alert_rule rule = (enum alert_rule)i;
        const struct alert_state *s = r ? &r->alerts.rules[i] : NULL;
        const double threshold = v->app.config->alerts.threshold[i];
        const struct vlmd_alert out = {
            .name = alert_name(rule),
            .words = alert_words(rule),
            .severity = alert_severity_name(alert_severity(rule)),
            .unit = alert_unit(rule),
            .state = threshold <= 0 ? "off" : phase_name(s ? s->phase : ALERT_QUIET),
            .threshold = threshold,
            .value = s ? s->value : 0,
            .since_ms = s && s->phase == ALERT_FIRING ? r->since_ms[i] : 0,
        };
        if (!fn(arg, &out)) {
            return;
        }
    }
}
