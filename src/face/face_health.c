// face_health.c -- errors, diagnostics, health and alerts as JSON.
// SPDX-License-Identifier: MIT
#include "face/face_health.h"

void face_error_row(struct json_writer *w, const struct vlmd_error_row *r)
{
    json_object(w, NULL);
    json_int(w, "seq", r->seq);
    face_time(w, "at", r->at_ms);
    json_str(w, "class", r->error_class);
    json_str(w, "category", r->category);
    json_str(w, "severity", r->severity);
    json_bool(w, "recoverable", r->is_recoverable);
    json_str(w, "stage", r->stage);
    face_text(w, "backend", r->backend);
    if (r->job) {
        json_int(w, "job", r->job);
    } else {
        json_null(w, "job");
    }
    face_text(w, "correlation_id", r->correlation_id);
    json_str(w, "words", r->words);
    json_str(w, "todo", r->todo);
    json_object_end(w);
}

void face_error_kind(struct json_writer *w, const struct vlmd_error_kind *k)
{
    json_object(w, NULL);
    json_str(w, "class", k->error_class);
    json_str(w, "category", k->category);
    json_str(w, "severity", k->severity);
    face_text(w, "backend", k->backend);
    json_int(w, "total", k->total);
    face_time(w, "first_at", k->first_at_ms);
    face_time(w, "last_at", k->last_at_ms);
    json_double(w, "per_min", k->per_min);
    json_double(w, "usual_per_min", k->usual_per_min);
    json_bool(w, "is_spike", k->is_spike);
    json_object_end(w);
}

void face_alert(struct json_writer *w, const struct vlmd_alert *a)
{
    json_object(w, NULL);
    json_str(w, "name", a->name);
    json_str(w, "words", a->words);
    json_str(w, "severity", a->severity);
    json_str(w, "state", a->state);
    json_double(w, "value", a->value);
    json_double(w, "threshold", a->threshold);
    json_str(w, "unit", a->unit);
    face_time(w, "since", a->since_ms);
    json_object_end(w);
}

// How it is, when that was found out, and how long it took.
static void write_head(struct json_writer *w, const char *state, int64_t at_ms,
                       double took_ms)
{
    json_str(w, "state", state);
    face_time(w, "at", at_ms);
    json_double(w, "took_ms", took_ms);
}

// What was not measured is null.
static void write_measure(struct json_writer *w, const char *key, double value)
{
    if (value < 0) {
        json_null(w, key);
    } else {
        json_double(w, key, value);
    }
}

// ---- diagnostics

static void write_indicators(struct json_writer *w, const struct vlmd_diagnostics *d)
{
    json_array(w, "indicators");
    for (int i = 0; i < d->n_indicators; i++) {
        const struct vlmd_indicator *n = &d->indicators[i];
        json_object(w, NULL);
        json_str(w, "name", n->name);
        json_str(w, "state", n->state);
        json_double(w, "pct", n->pct);
        json_str(w, "words", n->words);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_memory(struct json_writer *w, const struct vlmd_diagnostics *d)
{
    json_object(w, "memory");
    json_int(w, "rss_bytes", d->rss_bytes);
    json_int(w, "rss_peak_bytes", d->rss_peak_bytes);
    json_int(w, "vms_bytes", d->vms_bytes);
    json_int(w, "swapped_bytes", d->swapped_bytes);
    json_int(w, "total_bytes", d->memory_total_bytes);
    json_int(w, "available_bytes", d->memory_available_bytes);
    json_int(w, "swap_total_bytes", d->swap_total_bytes);
    json_int(w, "swap_free_bytes", d->swap_free_bytes);
    json_int(w, "cgroup_limit_bytes", d->cgroup_limit_bytes);
    json_int(w, "cgroup_used_bytes", d->cgroup_used_bytes);
    write_measure(w, "pressure_pct", d->memory_pressure_pct);
    json_object_end(w);
}

static void write_processor(struct json_writer *w, const struct vlmd_diagnostics *d)
{
    json_object(w, "processor");
    json_double(w, "process_pct", d->cpu_process_pct);
    json_double(w, "system_pct", d->cpu_system_pct);
    json_int(w, "user_ms", d->cpu_user_ms);
    json_int(w, "system_ms", d->cpu_system_ms);
    json_array(w, "load");
    for (int i = 0; i < 3; i++) {
        json_double(w, NULL, d->load[i]);
    }
    json_array_end(w);
    json_int(w, "cores", d->cores);
    json_int(w, "threads", d->threads);
    json_object_end(w);
}

static void write_descriptors(struct json_writer *w, const struct vlmd_diagnostics *d)
{
    json_object(w, "descriptors");
    json_int(w, "open", d->descriptors);
    json_int(w, "soft_limit", d->descriptors_soft);
    json_int(w, "hard_limit", d->descriptors_hard);
    json_object_end(w);
    json_object(w, "connections");
    json_int(w, "established", d->tcp_established);
    json_int(w, "opening", d->tcp_opening);
    json_int(w, "closing", d->tcp_closing);
    json_int(w, "listening", d->tcp_listening);
    json_int(w, "unix", d->unix_sockets);
    json_object_end(w);
    json_object(w, "disk");
    json_str(w, "path", d->disk_path);
    json_int(w, "total_bytes", d->disk_total_bytes);
    json_int(w, "available_bytes", d->disk_available_bytes);
    json_object_end(w);
}

// A bound that there is not is null.
static void write_bound(struct json_writer *w, const char *key, int64_t ms)
{
    if (ms < 0) {
        json_null(w, key);
    } else {
        json_int(w, key, ms);
    }
}

static void write_loop(struct json_writer *w, const struct vlmd_diagnostics *d)
{
    json_object(w, "loop");
    json_int(w, "turns", d->lag_n);
    json_double(w, "busy_mean_ms", d->lag_mean_ms);
    json_double(w, "busy_max_ms", d->lag_max_ms);
    write_bound(w, "busy_p50_ms", d->lag_p50_ms);
    write_bound(w, "busy_p99_ms", d->lag_p99_ms);
    json_array(w, "histogram");
    for (int i = 0; i < VLMD_LAG_BUCKETS; i++) {
        json_object(w, NULL);
        write_bound(w, "at_most_ms", d->lag_bound_ms[i]);
        json_int(w, "turns", d->lag_turns[i]);
        json_object_end(w);
    }
    json_array_end(w);
    json_int(w, "handles", d->handles);
    json_int(w, "handles_active", d->handles_active);
    json_int(w, "requests_active", d->requests_active);
    json_int(w, "http_in_flight", d->http_in_flight);
    json_int(w, "reader_queued", d->reader_queued);
    json_int(w, "reader_running", d->reader_running);
    json_int(w, "image_queued", d->image_queued);
    json_int(w, "store_queued", d->store_queued);
    json_int(w, "jobs", d->jobs);
    json_object_end(w);
}

static void write_process(struct json_writer *w, const struct vlmd_diagnostics *d)
{
    json_object(w, "process");
    json_int(w, "pid", d->pid);
    json_int(w, "parent_pid", d->parent_pid);
    json_str(w, "name", d->name);
    json_str(w, "version", d->version);
    face_time(w, "started_at", d->started_at_ms);
    json_object_end(w);
}

static void write_summary(struct json_writer *w, const struct vlmd_diagnostics *d)
{
    write_head(w, d->state, d->at_ms, d->took_ms);
    write_indicators(w, d);
}

void face_health_summary(struct json_writer *w, const struct vlmd_diagnostics *d)
{
    json_object(w, NULL);
    write_summary(w, d);
    json_object_end(w);
}

void face_diagnostics(struct json_writer *w, const struct vlmd_diagnostics *d)
{
    json_object(w, NULL);
    write_summary(w, d);
    write_process(w, d);
    write_memory(w, d);
    write_processor(w, d);
    write_descriptors(w, d);
    write_loop(w, d);
    json_object_end(w);
}

// ---- health

static void write_check(struct json_writer *w, const struct vlmd_health_check *c)
{
    json_object(w, NULL);
    json_str(w, "name", c->name);
    json_str(w, "kind", c->kind);
    json_str(w, "state", c->state);
    write_measure(w, "response_ms", c->response_ms);
    json_str(w, "words", c->words);
    face_text(w, "todo", c->todo);
    json_object_end(w);
}

void face_health(struct json_writer *w, const struct vlmd_health *h)
{
    json_object(w, NULL);
    write_head(w, h->state, h->at_ms, h->took_ms);
    json_int(w, "healthy", h->n_healthy);
    json_int(w, "degraded", h->n_degraded);
    json_int(w, "unhealthy", h->n_unhealthy);
    json_int(w, "disabled", h->n_disabled);
    json_array(w, "checks");
    for (int i = 0; i < h->n_checks; i++) {
        write_check(w, &h->checks[i]);
    }
    json_array_end(w);
    json_object_end(w);
}
