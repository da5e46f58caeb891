// route_health.c -- is it alive, and how is it?
// SPDX-License-Identifier: MIT
#include "admin_inside.h"
#include "events.h"
#include "health.h"
#include "share.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void route_healthz(struct exchange *x)
{
    reply_begin(x);
    if (buf_add_str(&x->out, "ok\n")) {
        reply_error(x, 500, NULL, "out of memory");
        return;
    }
    reply_header(x, "Cache-Control", "no-store");
    reply_bytes(x, 200, "text/plain; charset=utf-8", &x->out);
}

// Of this process, from the kernel.  Not blocking: a file without a disk.
static int64_t rss_bytes(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f || fscanf(f, "%*s %ld", &pages) != 1) {
        pages = 0;
    }
    if (f) {
        fclose(f);
    }
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static void write_http(struct json_writer *w, const struct admin *a)
{
    struct httpd_stats h;
    httpd_stats(a->http, &h);
    json_object(w, "http");
    json_int(w, "connections", h.connections);
    json_int(w, "max_connections", h.max_connections);
    json_int(w, "requests", a->requests);
    json_int(w, "client_errors", a->client_errors);
    json_int(w, "server_errors", a->server_errors);
    json_double(w, "error_rate",
                a->requests ? (double)a->server_errors / (double)a->requests : 0);
    json_int(w, "event_clients", events_clients(a->events));
    json_int(w, "max_event_clients", a->config->max_event_clients);
    json_int(w, "swept", h.swept);
    json_int(w, "denied", a->denied);
    json_int(w, "malformed", h.malformed);
    json_object_end(w);
}

static void write_memory(struct json_writer *w, const struct vlmd_stats *s)
{
    json_object(w, "memory");
    json_int(w, "rss_bytes", rss_bytes());
    json_int(w, "most_rss_bytes", s->most_rss_bytes);
    json_int(w, "budget_bytes", s->rss_budget_bytes);
    json_str(w, "pressure", s->memory_pressure);
    json_int(w, "machine_used_pct", s->memory_used_pct);
    if (s->memory_stall_pct < 0) {
        json_null(w, "stall_pct");
    } else {
        json_double(w, "stall_pct", s->memory_stall_pct);
    }
    json_object_end(w);
}

static void write_queue(struct json_writer *w, const struct vlmd_status *s)
{
    if (!s) {
        json_null(w, "queue");
        return;
    }
    json_object(w, "queue");
    json_int(w, "total", s->total);
    json_int(w, "queued", s->queued);
    json_int(w, "due", s->due);
    json_int(w, "running", s->leased);
    json_int(w, "failed", s->failed);
    json_int(w, "degraded", s->degraded);
    face_time(w, "oldest_queued_at", s->oldest_queued_ms);
    json_object_end(w);
}

static void on_status(void *arg, int err, const struct vlmd_status *s,
                      const char *message)
{
    struct exchange *x = arg;
    struct admin *a = x->admin;
    struct vlmd_stats stats;
    struct health h;
    struct json_writer *w = &x->w;
    (void)message;
    if (!share_is_wanted(x)) {
        exchange_drop(x);  // nor may the server be there any more
        return;
    }
    vlmd_stats(a->v, &stats);
    health_judge(&stats, err ? NULL : s, &h);
    reply_begin(x);
    json_object(w, NULL);
    json_str(w, "status", h.status);
    json_str(w, "version", vlmd_version());
    json_int(w, "pid", getpid());
    json_double(w, "uptime_s", (double)(loop_wall_ms() - a->started_ms) / 1000);
    json_str(w, "paused_because", *stats.paused_because ? stats.paused_because : NULL);
    json_array(w, "problems");
    for (int i = 0; i < h.n_problems; i++) {
        json_str(w, NULL, h.problems[i]);
    }
    json_array_end(w);
    face_stats(w, "stats", &stats);
    write_http(w, a);
    write_memory(w, &stats);
    write_queue(w, err ? NULL : s);
    json_object_end(w);
    reply_json(x, strcmp(h.status, "unhealthy") == 0 ? 503 : 200);
    exchange_drop(x);
}

void route_health(struct exchange *x)
{
    exchange_hold(x);
    int rc = vlmd_status(x->admin->v, false, on_status, x);
    if (rc) {
        on_status(x, rc, NULL, "");
    }
}
