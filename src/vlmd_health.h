// vlmd_health.h -- the public interface to how vlmd itself is: errors, diagnostics, health,
// alerts.
//
// Thread, ownership and strings: as in vlmd.h.
// SPDX-License-Identifier: MIT
#ifndef VLMD_HEALTH_H
#define VLMD_HEALTH_H

#include "vlmd.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- what went wrong

// One error of this process; the last 1,000 are kept in memory.  A failed request that was
// tried again is one, too: the failure list of the database has what failed for good.
struct vlmd_error_row {
    int64_t seq;  // 1, 2, ...
    int64_t at_ms;
    const char *error_class;
    // "validation", "image", "model", "network", "protocol", "store", "privacy", "internal"
    const char *category;
    const char *severity;  // "low", "medium", "high", "critical"
    bool is_recoverable;   // the same work can succeed later, here or elsewhere
    const char *stage;     // "asking", "preparing", "saving", "backend", ...
    const char *backend;   // "" = none
    int64_t job;           // 0 = none
    const char *correlation_id;
    const char *words, *todo;
};
// NULL, "" and 0 = any.
struct vlmd_error_query {
    const char *error_class, *category;
    const char *severity;  // at least
    const char *backend;
    const char *correlation_id;
    int64_t job;
    int64_t after_seq;
    int64_t limit;
};
// Return false to stop.
typedef bool vlmd_error_row_fn(void *arg, const struct vlmd_error_row *row);
// Calls fn for each, newest first, before it returns; q may be NULL.
// Errors: VLMD_ERR_USAGE for a class, category or severity that there is not.
VLMD_API int vlmd_errors(vlmd *v, const struct vlmd_error_query *q, vlmd_error_row_fn *fn,
                         void *arg);

// Errors of one class from one backend, since this process began.
struct vlmd_error_kind {
    const char *error_class, *category, *severity;
    const char *backend;  // "" = none
    int64_t total;
    int64_t first_at_ms, last_at_ms;
    double per_min;        // in the last minute
    double usual_per_min;  // in the last hour
    bool is_spike;         // at least five, and four times as many as usual
};
typedef bool vlmd_error_kind_fn(void *arg, const struct vlmd_error_kind *kind);
// Calls fn for each before it returns; false stops.
VLMD_API void vlmd_error_kinds(vlmd *v, vlmd_error_kind_fn *fn, void *arg);

// ---- how the process and its machine are

// A share of something that runs out.
struct vlmd_indicator {
    const char *name;   // "memory", "processor", "descriptors", "disk"
    const char *state;  // "healthy", "warning" (over 80 %), "error" (over 90 %)
    double pct;         // used
    const char *words;  // "12.1 GB of 16.0 GB"
};
enum { VLMD_MAX_INDICATORS = 8, VLMD_LAG_BUCKETS = 12 };

// Of this process unless it says otherwise; what the system does not tell is 0.
struct vlmd_diagnostics {
    const char *state;  // the worst of the indicators
    struct vlmd_indicator indicators[VLMD_MAX_INDICATORS];
    int n_indicators;
    int64_t at_ms;
    double took_ms;
    // memory
    int64_t rss_bytes, rss_peak_bytes, vms_bytes, swapped_bytes;
    int64_t memory_total_bytes, memory_available_bytes;  // of the machine
    int64_t swap_total_bytes, swap_free_bytes;
    int64_t cgroup_limit_bytes, cgroup_used_bytes;  // limit 0 = none
    double memory_pressure_pct;  // share of the last 10 s that something waited; -1 = not told
    // processor
    double cpu_process_pct;  // of one core, since the question before
    double cpu_system_pct;   // of the machine, likewise
    int64_t cpu_user_ms, cpu_system_ms;
    double load[3];          // of the machine, over 1, 5 and 15 minutes
    int cores, threads;
    // descriptors, connections
    int descriptors;
    int64_t descriptors_soft, descriptors_hard;  // limits
    int tcp_established, tcp_opening, tcp_closing, tcp_listening;
    int unix_sockets;
    // where the database is
    const char *disk_path;
    int64_t disk_total_bytes, disk_available_bytes;
    // the loop: how long it was busy at a time
    int64_t lag_turns[VLMD_LAG_BUCKETS];     // that took at most
    int64_t lag_bound_ms[VLMD_LAG_BUCKETS];  //   this; the last has no bound: -1
    int64_t lag_n;
    double lag_mean_ms, lag_max_ms;
    int64_t lag_p50_ms, lag_p99_ms;          // bounds that so many turns kept
    int handles, handles_active;             // of the loop
    int requests_active;                     // of the loop, and
    int http_in_flight;                      //   of HTTP
    int reader_queued, reader_running;       // works of the reader's thread
    int image_queued, store_queued;          // waiting for a thread of theirs
    int jobs;                                // in memory
    // the process
    int64_t pid, parent_pid, started_at_ms;
    const char *name, *version;
};
typedef void vlmd_diagnostics_fn(void *arg, int err, const struct vlmd_diagnostics *d,
                                 const char *message);
// Of a worker.  Reading is done in a thread.  Errors: VLMD_ERR_USAGE for a client.
VLMD_API int vlmd_diagnostics(vlmd *v, vlmd_diagnostics_fn *fn, void *arg);

// ---- how everything that vlmd depends on is

struct vlmd_health_check {
    const char *name;   // "backend box", "database", "folder /home/me/shots", ...
    const char *kind;   // "backend", "store", "folder", "disk", "ocr", "tracker", "webhook",
                        // "url"
    const char *state;  // "healthy", "degraded", "unhealthy", "disabled"
    double response_ms; // -1 = nothing was asked
    const char *words;
    const char *todo;   // "" = nothing
};
struct vlmd_health {
    const char *state;  // the worst of what is not disabled
    const struct vlmd_health_check *checks;
    int n_checks;
    int n_healthy, n_degraded, n_unhealthy, n_disabled;
    int64_t at_ms;
    double took_ms;
};
typedef void vlmd_health_fn(void *arg, int err, const struct vlmd_health *h,
                            const char *message);
// Asks all of them at once, each with its own time limit (`health.timeout`); one that does
// not answer costs none of the others its result.  Of a worker.  Errors: VLMD_ERR_USAGE for a
// client.
VLMD_API int vlmd_health(vlmd *v, vlmd_health_fn *fn, void *arg);

// ---- alerts

struct vlmd_alert {
    const char *name;      // "memory", as in the key alerts.memory
    const char *words;
    const char *severity;  // "warning", "critical"
    const char *unit;      // "%", "MB", ...
    const char *state;     // "off", "quiet", "pending", "firing"
    double value;          // last measured
    double threshold;      // 0 = off
    int64_t since_ms;      // firing since; 0 = it is not
};
typedef bool vlmd_alert_fn(void *arg, const struct vlmd_alert *alert);
// Calls fn for each rule before it returns; false stops.
VLMD_API void vlmd_alerts(vlmd *v, vlmd_alert_fn *fn, void *arg);
// ---- metrics

// Every metric of this process in Prometheus' text format 0.0.4, and what the database
// counts.  text is borrowed: during the callback.
typedef void vlmd_metrics_fn(void *arg, int err, const char *text, const char *message);
VLMD_API int vlmd_metrics(vlmd *v, vlmd_metrics_fn *fn, void *arg);

enum vlmd_metric_type { VLMD_COUNTER, VLMD_GAUGE, VLMD_HISTOGRAM };
enum vlmd_metric_unit { VLMD_NUMBER, VLMD_MICROSECONDS, VLMD_BYTES };
enum { VLMD_METRIC_LABELS = 3 };
// One of the host program's own.  Names as Prometheus wants them: "myapp_uploads_total",
// "myapp_upload_duration_seconds" (given in microseconds, shown in seconds).
struct vlmd_metric {
    const char *name;
    const char *help;
    enum vlmd_metric_type type;
    enum vlmd_metric_unit unit;
    const char *labels[VLMD_METRIC_LABELS];  // names; NULL after the last
    int max_series;  // combinations of label values; later ones count as "other"; 0 = 64
};
// Returns its number, for the calls below, or a negative code: VLMD_ERR_USAGE (not a name, or
// there is one already).
VLMD_API int vlmd_metric_define(vlmd *v, const struct vlmd_metric *metric,
                                struct vlmd_error *error);
// values: of its labels, in their order; NULL = "".  add: counts n more, or is one value of a
// histogram.  Errors: VLMD_ERR_USAGE (no such number, a counter that would fall, set for
// something that is not a gauge).
VLMD_API int vlmd_metric_add(vlmd *v, int metric, const char *const *values, int64_t n);
VLMD_API int vlmd_metric_set(vlmd *v, int metric, const char *const *values, int64_t n);

#ifdef __cplusplus
}
#endif

#endif
