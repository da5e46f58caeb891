// statsd.c -- see statsd.h.
//
//   wake -> timer -> monitor_look -> store_count -> meters_read -> packets -> timer
//
// The timer is armed again only when something was done meanwhile or is under way.
// SPDX-License-Identifier: MIT
#include "observe/statsd.h"

#include "base/log.h"
#include "observe/meters.h"

static void on_due(struct timer *t);

static void send_later(struct statsd *s)
{
    if (s->memory && !s->is_closing && !s->is_reading && !timer_is_started(&s->timer)) {
        timer_start(&s->timer, s->app->config->statsd_every_ms, on_due);
    }
}

// ---- packets

static int send_one(void *arg, const char *packet, size_t len)
{
    struct statsd *s = arg;
    int rc = udp_send(&s->udp, packet, len);
    s->packets += rc == 0;
    return rc;
}

static void on_pause_over(struct timer *t);

static int tell(struct statsd *s)
{
    const struct config *c = s->app->config;
    const struct statsd_style style = {c->statsd_prefix ? c->statsd_prefix : "",
                                       c->statsd_labels == CONFIG_STATSD_TAGS};
    return udp_is_ready(&s->udp) ? statsd_tell(s->memory, meters_registry(s->app->meters),
                                               &style, STATSD_ROUND_PACKETS, send_one, s)
                                 : E_NET;
}

// UDP says little: that nobody listens is heard only from machines that say so, and one packet
// late.  It is told once, until a round is well again.
static void note_end(struct statsd *s, int rc)
{
    bool is_waiting = s->udp.lookup != NULL;
    if (rc && !is_waiting && !s->is_failing) {
        log_warn("statsd", "figures do not reach %s:%s: %s", s->udp.host, s->udp.port,
                 err_words(rc));
    }
    s->lost += rc && !is_waiting;
    s->is_failing = rc && !is_waiting;
    if (rc == E_NET) {
        udp_forget(&s->udp);
    }
}

static void send_changes(struct statsd *s)
{
    int rc = tell(s);
    if (rc == E_TOOBIG && !s->is_closing) {
        timer_start(&s->timer, STATSD_PAUSE_MS, on_pause_over);
        return;
    }
    note_end(s, rc);
    if (s->has_worked || s->app->pipeline.jobs.total > 0 || s->udp.lookup) {
        send_later(s);
    }
}

static void on_pause_over(struct timer *t)
{
    send_changes(container_of(t, struct statsd, timer));
}

// ---- a round

static void end_round(struct statsd *s, const struct store_counts *counts)
{
    s->is_reading = false;
    meters_read(s->app, counts, &s->look.machine);
    send_changes(s);
    closer_drop(&s->closer);
}

static void on_counted(struct store_counts *c, int err)
{
    end_round(container_of(c, struct statsd, counts), err ? NULL : c);
}

static void on_looked(struct monitor_look *l, int err)
{
    struct statsd *s = container_of(l, struct statsd, look);
    (void)err;  // never canceled: the pool closes after the monitor
    s->counts = (struct store_counts){0};
    store_count(s->app->store, &s->counts, on_counted);
}

static void start_round(struct statsd *s)
{
    s->is_reading = true;
    s->has_worked = false;
    closer_hold(&s->closer);
    monitor_look(s->app, &s->look, on_looked);
}

static void on_due(struct timer *t)
{
    start_round(container_of(t, struct statsd, timer));
}

void statsd_wake(struct statsd *s)
{
    s->has_worked = true;
    send_later(s);
}

// ---- the part

void statsd_open(struct statsd *s, struct app *a)
{
    const char *address = a->config->statsd_address;
    *s = (struct statsd){.app = a};
    if (address && *address && udp_open(&s->udp, address) == 0) {
        s->memory = statsd_memory_new();
        (void)udp_is_ready(&s->udp);  // a name is looked up until the first round
    }
    timer_open(&s->timer, &a->loop);
    closer_hold(&s->closer);
}

static void on_all_closed(struct closer *c)
{
    struct statsd *s = container_of(c, struct statsd, closer);
    udp_close(&s->udp);
    statsd_memory_free(s->memory);
    s->on_closed(s->arg);
}

static void on_timer_closed(struct timer *t)
{
    closer_drop(&container_of(t, struct statsd, timer)->closer);
}

// What was done since the last round is told by one more.
void statsd_close(struct statsd *s, void (*on_closed)(void *arg), void *arg)
{
    s->is_closing = true;
    s->on_closed = on_closed;
    s->arg = arg;
    s->closer.on_closed = on_all_closed;
    timer_stop(&s->timer);
    if (s->memory && s->has_worked && !s->is_reading) {
        start_round(s);
    }
    timer_close(&s->timer, on_timer_closed);
}
