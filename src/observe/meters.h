// meters.h -- what this process counts and measures, one row per metric.
//
// Things that happen are counted where the spine tells of them (meters_asked and its kin);
// what just is (queues, limits, memory) is read when somebody asks, by meters_read.  An idle
// process therefore does nothing for its metrics.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_METERS_H
#define VLMD_METERS_H

#include "app.h"
#include "base/machine.h"
#include "base/metrics.h"

#define METER_C METRIC_COUNTER
#define METER_G METRIC_GAUGE
#define METER_H METRIC_HISTOGRAM
#define METER_N METRIC_NUMBER
#define METER_S METRIC_SECONDS
#define METER_B METRIC_BYTES
#define METER_M METRIC_MILLIONTHS

// X(id, name, type, unit, {labels}, help)
#define METER_TABLE(X)                                                                   \
    /* pictures */                                                                       \
    X(METER_JOBS, "vlmd_jobs_total", METER_C, METER_N, ("outcome", "tier"),              \
      "Pictures that ended.")                                                            \
    X(METER_FAILURES, "vlmd_job_failures_total", METER_C, METER_N, ("class"),            \
      "Pictures that failed for good, by class of the error.")                           \
    X(METER_JOB_TIME, "vlmd_job_duration_seconds", METER_H, METER_S, ("outcome"),        \
      "From when a picture was taken out of the queue until its end was saved.")         \
    X(METER_STAGE, "vlmd_job_stage_seconds", METER_H, METER_S, ("stage"),                \
      "Time a picture spent in each stage; read, decode and encode are processor time.") \
    X(METER_ATTEMPTS, "vlmd_job_attempts", METER_H, METER_N, (NULL),                     \
      "Requests made for one picture.")                                                  \
    X(METER_SLOW, "vlmd_stage_slow_total", METER_C, METER_N, ("stage"),                  \
      "Times a stage took longer than its target.")                                      \
    X(METER_BREACHES, "vlmd_tier_target_breaches_total", METER_C, METER_N, ("tier"),     \
      "Answers that took longer than the tier's target: quick 2 s, standard 5 s, deep "  \
      "15 s.")                                                                           \
    X(METER_STATES, "vlmd_jobs_under_way", METER_G, METER_N, ("state"),                  \
      "Pictures in memory, by state.")                                                   \
    X(METER_PAUSED, "vlmd_paused", METER_G, METER_N, (NULL),                             \
      "1 while work is paused, for example because no backend is there.")                \
    /* backends */                                                                       \
    X(METER_REQUESTS, "vlmd_requests_total", METER_C, METER_N,                           \
      ("backend", "model", "result"),                                                    \
      "Requests that ended; result is ok or the class of the error.")                    \
    X(METER_REQUEST_TIME, "vlmd_request_duration_seconds", METER_H, METER_S,             \
      ("backend", "model"), "From sending a request until its answer was complete.")     \
    X(METER_FIRST_BYTE, "vlmd_request_first_byte_seconds", METER_H, METER_S,             \
      ("backend", "model"), "Until the first byte of an answer came.")                   \
    X(METER_CONNECT, "vlmd_request_connect_seconds", METER_H, METER_S, ("backend"),      \
      "Until there was a connection.")                                                   \
    X(METER_TOKENS, "vlmd_tokens_total", METER_C, METER_N, ("backend", "model", "kind"), \
      "Tokens, as far as backends tell; kind is prompt or completion.")                  \
    X(METER_SENT, "vlmd_sent_bytes_total", METER_C, METER_B, ("backend"),                \
      "Bytes sent to backends.")                                                         \
    X(METER_COST, "vlmd_cost_total", METER_C, METER_M, ("backend"),                      \
      "Money spent, in the currency of the prices that are configured.")                 \
    X(METER_UP, "vlmd_backend_up", METER_G, METER_N, ("backend"),                        \
      "1 while the backend can be asked.")                                               \
    X(METER_BREAKER, "vlmd_breaker_state", METER_G, METER_N, ("backend"),                \
      "0 closed, 1 half-open, 2 open: the backend is left alone.")                       \
    X(METER_IN_FLIGHT, "vlmd_backend_in_flight", METER_G, METER_N, ("backend"),          \
      "Requests under way.")                                                             \
    X(METER_LIMIT, "vlmd_backend_concurrency_limit", METER_G, METER_N, ("backend"),      \
      "Requests at a time that suit the backend.")                                       \
    X(METER_RATE_USED, "vlmd_backend_rate_used", METER_G, METER_N, ("backend", "kind"),  \
      "Requests and tokens of the last minute.")                                         \
    X(METER_RATE_LIMIT, "vlmd_backend_rate_limit", METER_G, METER_N,                     \
      ("backend", "kind"), "Requests and tokens allowed in a minute; 0 is no limit.")    \
    X(METER_BUDGET, "vlmd_budget_used_ratio", METER_G, METER_M, (NULL),                  \
      "Of the budget of a day or a month that is used up most, of all backends.")        \
    /* models */                                                                         \
    X(METER_LOADS, "vlmd_model_load_attempts_total", METER_C, METER_N,                   \
      ("backend", "model", "result"), "Loads of a model; result is ok or a class.")      \
    X(METER_LOAD_TIME, "vlmd_model_load_seconds", METER_H, METER_S,                      \
      ("backend", "model"), "How long loads took.")                                      \
    X(METER_VERIFIES, "vlmd_model_verify_attempts_total", METER_C, METER_N,              \
      ("backend", "model", "result"),                                                    \
      "Checks that a model answers; result is ok or a class.")                           \
    X(METER_VERIFY_TIME, "vlmd_model_verify_seconds", METER_H, METER_S,                  \
      ("backend", "model"), "How long checks took.")                                     \
    X(METER_MODELS, "vlmd_models_active", METER_G, METER_N, (NULL),                      \
      "Vision models that can be asked now.")                                            \
    /* privacy */                                                                        \
    X(METER_VERDICTS, "vlmd_privacy_verdicts_total", METER_C, METER_N, ("verdict"),      \
      "Pictures by the strictest verdict about them.")                                   \
    X(METER_FOUND, "vlmd_privacy_found_total", METER_C, METER_N, ("category"),           \
      "Pictures something of this kind stood on.")                                       \
    X(METER_CLEANED, "vlmd_privacy_replaced_total", METER_C, METER_N, ("category"),      \
      "Times something of this kind was replaced in what is kept.")                      \
    X(METER_MASKED, "vlmd_privacy_masked_total", METER_C, METER_N, (NULL),               \
      "Pictures something was painted over on.")                                         \
    X(METER_AUDIT, "vlmd_audit_rows_total", METER_C, METER_N, ("verdict"),               \
      "Rows written into the audit with the end of a picture.")                          \
    /* database */                                                                       \
    X(METER_DB_UP, "vlmd_database_up", METER_G, METER_N, (NULL),                         \
      "1 when the database answered; the next ones are then current.")                   \
    X(METER_DB_STATES, "vlmd_database_jobs", METER_G, METER_N, ("state"),                \
      "Pictures in the database: queued, leased, ended.")                                \
    X(METER_DB_OUTCOMES, "vlmd_database_outcomes", METER_G, METER_N, ("outcome"),        \
      "Pictures in the database that ended.")                                            \
    X(METER_DB_DUE, "vlmd_database_due_jobs", METER_G, METER_N, (NULL),                  \
      "Queued pictures that need not wait.")                                             \
    X(METER_DB_OLDEST, "vlmd_queue_oldest_seconds", METER_G, METER_S, (NULL),            \
      "How long the longest waiting picture has been queued.")                           \
    X(METER_DB_BYTES, "vlmd_database_bytes", METER_G, METER_B, (NULL),                   \
      "Size of the database's file.")                                                    \
    X(METER_WAL, "vlmd_database_wal_bytes", METER_G, METER_B, (NULL),                    \
      "Size of the write-ahead log.")                                                    \
    X(METER_STATEMENTS, "vlmd_database_statement_seconds", METER_H, METER_S, ("kind"),   \
      "Time of statements in the database.")                                             \
    X(METER_DB_SLOW, "vlmd_database_slow_statements_total", METER_C, METER_N, (NULL),    \
      "Statements that took longer than store.slow.")                                    \
    X(METER_DB_FAILED, "vlmd_database_failed_statements_total", METER_C, METER_N,        \
      (NULL), "Statements that failed.")                                                 \
    X(METER_CHECKPOINTS, "vlmd_database_checkpoints_total", METER_C, METER_N, (NULL),    \
      "Times the write-ahead log was moved into the file.")                              \
    /* the machine room */                                                               \
    X(METER_POOL_QUEUED, "vlmd_pool_queued", METER_G, METER_N, ("pool"),                 \
      "Works that wait for a thread.")                                                   \
    X(METER_POOL_WAIT, "vlmd_pool_wait_seconds", METER_H, METER_S, ("pool"),             \
      "How long works waited for a thread of the database.")                             \
    X(METER_POOL_RUNNING, "vlmd_pool_running", METER_G, METER_N, ("pool"),               \
      "Works begun and not yet handed back.")                                            \
    X(METER_LOOP, "vlmd_loop_busy_seconds", METER_H, METER_S, (NULL),                    \
      "How long one turn of the event loop was busy: nothing else was served then.")     \
    X(METER_SPANS, "vlmd_trace_spans_total", METER_C, METER_N, (NULL),                   \
      "Spans made for the collector of traces.")                                         \
    X(METER_SPANS_LOST, "vlmd_trace_spans_dropped_total", METER_C, METER_N, (NULL),      \
      "Spans that did not fit.")                                                         \
    X(METER_BATCHES_LOST, "vlmd_trace_batches_dropped_total", METER_C, METER_N, (NULL),  \
      "Batches of spans that the collector did not take.")                               \
    X(METER_STATSD, "vlmd_statsd_packets_total", METER_C, METER_N, (NULL),               \
      "Packets sent to the StatsD server.")                                              \
    X(METER_STATSD_LOST, "vlmd_statsd_lost_rounds_total", METER_C, METER_N, (NULL),      \
      "Rounds of figures that did not reach it.")                                        \
    X(METER_CACHE_HITS, "vlmd_cache_hits_total", METER_C, METER_N, ("cache"),            \
      "Questions to a cache that it could answer.")                                      \
    X(METER_CACHE_MISSES, "vlmd_cache_misses_total", METER_C, METER_N, ("cache"),        \
      "Questions to a cache that it could not answer.")                                  \
    X(METER_CACHE_BYTES, "vlmd_cache_bytes", METER_G, METER_B, ("cache"),                \
      "What a cache holds.")                                                             \
    X(METER_PRESSURE, "vlmd_memory_pressure", METER_G, METER_N, (NULL),                  \
      "0 normal, 1 warning, 2 critical.")                                                \
    X(METER_FOLDERS, "vlmd_watched_folders", METER_G, METER_N, (NULL),                   \
      "Folders that are watched.")                                                       \
    X(METER_SETTLING, "vlmd_settling_files", METER_G, METER_N, (NULL),                   \
      "Files that wait to be complete.")                                                 \
    X(METER_BUILD, "vlmd_build_info", METER_G, METER_N, ("version"), "Always 1.")        \
    X(METER_CPU, "process_cpu_seconds_total", METER_C, METER_S, (NULL),                  \
      "Processor time used.")                                                            \
    X(METER_RSS, "process_resident_memory_bytes", METER_G, METER_B, (NULL),              \
      "Memory in use.")                                                                  \
    X(METER_VIRTUAL, "process_virtual_memory_bytes", METER_G, METER_B, (NULL),           \
      "Address space in use.")                                                           \
    X(METER_FDS, "process_open_fds", METER_G, METER_N, (NULL), "Open descriptors.")      \
    X(METER_MAX_FDS, "process_max_fds", METER_G, METER_N, (NULL),                        \
      "Most descriptors that may be open.")                                              \
    X(METER_START, "process_start_time_seconds", METER_G, METER_S, (NULL),               \
      "When this process began, in unix time.")

enum meter {
#define X(id, name, type, unit, labels, help) id,
    METER_TABLE(X)
#undef X
        METERS
};

struct meters;

// The part of an app.
void meters_open(struct app *a);
void meters_close(struct app *a);

struct meters *meters_new(void);
void meters_free(struct meters *m);
struct metrics *meters_registry(struct meters *m);
// Of this id and these label values; NULL for those it does not have.
struct metric_series *meters_of(struct meters *m, enum meter id, const char *a,
                                const char *b, const char *c);

// ---- what happened

void meters_asked(struct meters *m, const struct job *j, int err);
void meters_saved(struct meters *m, const struct job *j);
// A model was made resident, or checked by asking it; err is 0 or why not.
void meters_loaded(struct meters *m, const char *backend, const char *model, int err,
                   int64_t took_ms);
void meters_verified(struct meters *m, const char *backend, const char *model, int err,
                     int64_t took_ms);

// The same as events of an app, which is their arg; they also go into its bill and history.
void meters_on_asked(void *app, const struct job *j, int err);
void meters_on_saved(void *app, const struct job *j);
void meters_on_loaded(void *app, const char *backend, const char *model, int err,
                      int64_t took_ms);
void meters_on_turn(void *app, int64_t busy_us);
void meters_on_verified(void *app, const char *backend, const char *model, int err,
                        int64_t took_ms);

// ---- what is

// Brings every gauge up to date; counts: of the database, NULL = it did not answer.
void meters_read(struct app *a, const struct store_counts *counts,
                 const struct machine *machine);
// p50, p90, p95, p99 of the stages that were passed at least once.
int meters_latencies(const struct meters *m, struct vlmd_latency *out, int max);

#endif
