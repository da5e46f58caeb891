// vlmd_figures.h -- the public interface's numbers: usage, history, the database.
//
// Part of vlmd.h's interface, with its rules, in a header of its own.
// SPDX-License-Identifier: MIT
#ifndef VLMD_FIGURES_H
#define VLMD_FIGURES_H

#include "vlmd.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- usage: what is paid for

// What a backend was asked for on one day, by all processes that share the database.
struct vlmd_usage {
    int day;              // of the calendar, local time: 20261129
    const char *backend;  // name
    int64_t requests, failed;
    int64_t prompt_tokens, completion_tokens;
    int64_t bytes_sent;
    double cost;  // in the currency that prices are in; 0 = no prices
};
typedef void vlmd_usage_fn(void *arg, const struct vlmd_usage *u);
// By day, then by backend.  since_day, until_day: both included; 0 = no bound.
VLMD_API int vlmd_usage(vlmd *v, int since_day, int until_day, vlmd_usage_fn *on_usage,
                        vlmd_end_fn *on_end, void *arg);

// ---- history

enum vlmd_span { VLMD_MINUTES, VLMD_HOURS, VLMD_DAYS };
// What was done in one span, by all processes that share the database.
struct vlmd_point {
    int64_t at_ms;  // unix, when it began; days begin at midnight, local time
    int64_t answered, cached, duplicate, blocked, skipped, failed;  // pictures that ended
    int64_t requests, request_errors;
    int64_t prompt_tokens, completion_tokens, bytes_sent;
    double cost;         // in the currency that prices are in
    int64_t rss_bytes;   // largest
    int64_t queued;      // most pictures in the queue
    int64_t answers;     // that the next ones are of
    double p50_ms, p95_ms;  // how long an answer took
};
struct vlmd_series {
    const struct vlmd_point *points;  // by time; a span in which nothing was done has none
    int n_points;
    struct vlmd_point total;  // of all points; its percentiles are of all answers
};
typedef void vlmd_series_fn(void *arg, int err, const struct vlmd_series *s,
                            const char *message);
// Spans that began since (0 = no bound) and before until (0 = no bound); the newest 1500.
// How long each kind of span is kept: history.* of the configuration.
VLMD_API int vlmd_series(vlmd *v, enum vlmd_span span, int64_t since_ms, int64_t until_ms,
                         vlmd_series_fn *fn, void *arg);

// ---- the database

struct vlmd_statement_kind {
    const char *name;  // "select", "insert", "update", "delete", "commit", "other"
    int64_t n, failed, slow;
    double total_ms, max_ms;
    double p50_ms, p90_ms, p95_ms, p99_ms;
};
enum { VLMD_STATEMENT_KINDS = 6 };
struct vlmd_statement {
    const char *sql;  // with ? for values
    int64_t n;
    double total_ms, max_ms;
};
struct vlmd_slow_statement {
    int64_t at_ms;
    const char *sql;
    double took_ms;
    const char *error;   // "" = it was only slow
    const char *thread;  // "read", "write"
    int64_t job;         // it was about; 0 = none
    const char *correlation_id;
};
struct vlmd_pool_load {
    int threads, queued, running;
    int64_t n;  // works begun
    double wait_p50_ms, wait_p95_ms, wait_p99_ms, wait_max_ms;
};
struct vlmd_table {
    const char *name;
    const char *index_of;  // table; "" = it is one itself
    int64_t rows;          // -1 = not known
    int64_t bytes;         // -1 = not measured
};
// What this handle's connections did since since_ms, and how large things are.
struct vlmd_database_stats {
    const char *path;
    int64_t since_ms;
    int64_t slow_ms;  // what takes longer is slow
    struct vlmd_statement_kind kinds[VLMD_STATEMENT_KINDS];
    const struct vlmd_statement *top;  // most time first
    int n_top;
    const struct vlmd_slow_statement *slow;  // slow or failed, newest first; at most 100
    int n_slow;
    int64_t n_slow_ever;
    struct vlmd_pool_load read, write;
    int64_t commits, checkpoints;
    double checkpoint_ms;  // in all
    int64_t file_bytes, wal_bytes, page_bytes, pages, free_pages;
    bool are_rows_estimated;
    const struct vlmd_table *tables;  // and indexes; by size, then by name
    int n_tables;
};
typedef void vlmd_database_fn(void *arg, int err, const struct vlmd_database_stats *s,
                              const char *message);
// wants_sizes: also bytes of tables and indexes, which reads the whole file.
VLMD_API int vlmd_database_stats(vlmd *v, bool wants_sizes, vlmd_database_fn *fn,
                                 void *arg);
// Counts anew from now on.  Reads nothing.
VLMD_API void vlmd_database_reset_stats(vlmd *v);

#ifdef __cplusplus
}
#endif

#endif
