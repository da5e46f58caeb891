// stats.h -- what the database's connections did, how long it took, how large things are.
//
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_STATS_H
#define VLMD_STORE_STATS_H

#include "base/histogram.h"
#include "store/store.h"

enum { STORE_MAX_SLOW = 100, STORE_MAX_TOP = 20, STORE_MAX_TABLES = 64 };
enum { STORE_SQL_TEXT = 400 };

enum store_statement_kind {
    STORE_SELECT,
    STORE_INSERT,
    STORE_UPDATE,
    STORE_DELETE,
    STORE_COMMIT,
    STORE_OTHER,  // BEGIN, PRAGMA, ...
    STORE_STATEMENT_KINDS
};
const char *store_statement_kind_name(enum store_statement_kind k);  // "select", ...

// Time in the database only; what the caller did between two rows does not count.
struct store_kind_stats {
    int64_t n, failed, slow;
    int64_t total_us, max_us;
    int64_t p50_us, p90_us, p95_us, p99_us;
};

struct store_top {
    char sql[STORE_SQL_TEXT];
    int64_t n, total_us, max_us;
};

// A statement that was slow, or failed.
struct store_slow {
    int64_t at_ms;  // unix
    int64_t took_us;
    int64_t job;  // 0 = of none
    // Correlation id of the request it was for, else of the job; "" = none, or it is gone.
    char cid[LOOP_ASKER];
    char thread[8];  // "write", "read"
    char sql[STORE_SQL_TEXT];
    int code;  // of SQLite; 0 = only slow
    char words[80];
};

struct store_pool_stats {
    int threads, queued, running;
    int64_t n;  // works begun
    int64_t wait_p50_us, wait_p95_us, wait_p99_us, wait_max_us;
};

// A table, or an index of it.
struct store_table {
    char name[64];
    char table[64];  // of an index; "" = it is a table
    int64_t rows;    // -1 = not known
    int64_t bytes;   // -1 = not measured
};

struct store_stats {
    // in
    bool wants_sizes;  // also bytes of tables and indexes: reads the whole file
    // out
    int64_t since_ms;  // unix: counted from then
    int64_t slow_ms;   // what takes longer is slow
    struct store_kind_stats kinds[STORE_STATEMENT_KINDS];
    struct store_top *top;  // owned; most time first
    int n_top;
    struct store_slow *slow;  // owned; newest first
    int n_slow;
    int64_t n_slow_ever;  // also those that no longer are in slow
    struct store_pool_stats read, write;
    int64_t commits;                     // groups of writes
    int64_t checkpoints, checkpoint_us;  // asked for by us, and the time they took
    int64_t file_bytes, wal_bytes, page_bytes, pages, free_pages;
    bool are_rows_estimated;
    struct store_table *tables;  // owned; by size, then by name
    int n_tables;
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_stats *r, int err);
};
void store_stats(struct store *s, struct store_stats *r,
                 void (*done)(struct store_stats *r, int err));
void store_stats_fini(struct store_stats *r);
// Begins to count anew.  Fast: nothing is read.
void store_stats_reset(struct store *s);

// A few of these numbers at once, without a look into the file.
struct store_load {
    int64_t statements, slow, failed;
    int64_t p50_us, p95_us, p99_us;
    struct store_pool_stats read, write;
    int64_t wal_bytes, checkpoints;
};
void store_load(struct store *s, struct store_load *out);
// Processor time of all questions so far.
int64_t store_read_us(const struct store *s);
// Times of statements, and how long requests waited for a thread, us.  Borrowed: as long as
// the store; others add meanwhile.
const struct histogram *store_statement_times(const struct store *s,
                                              enum store_statement_kind k);
const struct histogram *store_read_waits(const struct store *s);
const struct histogram *store_write_waits(const struct store *s);

#endif
