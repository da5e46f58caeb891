// usage.h -- what each backend was asked for, by day: requests, tokens, bytes, money.
//
// Sums only, added as requests end, so that budgets and bills survive the process; several
// processes add to the same rows.  Days are the calendar's, in local time: a budget begins
// anew at midnight where the person is.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_USAGE_H
#define VLMD_STORE_USAGE_H

#include "store/store.h"

enum { STORE_MAX_USAGE = 32, STORE_MAX_USAGE_ROWS = 4096 };

// The day as a number that sorts and can be read: 20261129.  The first of a month is the
// day with 01, its last is at most the one with 31.
int store_usage_day(int64_t at_ms);

struct store_usage {
    char backend[96];  // name
    int day;           // of store_usage_day
    int64_t requests;
    int64_t failed;  // of these
    int64_t prompt_tokens, completion_tokens;
    int64_t bytes_sent;
    int64_t cost_micros;  // millionths of the currency that prices are in; 0 = no price
};

// Adds rows to what is there, all or none.
// Errors: as every write; E_FULL is possible: keep the numbers and add them again later.
struct store_usage_add {
    struct store_usage rows[STORE_MAX_USAGE];  // in
    int n;
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_usage_add *r, int err);
};
void store_usage_add(struct store *s, struct store_usage_add *r,
                     void (*done)(struct store_usage_add *r, int err));

// By day, then by name of the backend; the newest days when there are too many.
struct store_usage_read {
    // in
    int since_day, until_day;  // both included; 0 = no bound
    char backend[96];          // "" = all
    // out
    struct store_usage *rows;  // owned by the caller after done: free()
    int n;
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_usage_read *r, int err);
};
void store_usage_read(struct store *s, struct store_usage_read *r,
                      void (*done)(struct store_usage_read *r, int err));

#endif
