// pause.h -- work that a person has stopped, for every process on the database.
//
// The word stands in the database: a claim that finds it gives nothing, so it holds whoever
// is running and survives a restart.  A time that has passed counts as no pause.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_PAUSE_H
#define VLMD_STORE_PAUSE_H

#include "store/store.h"

struct db;

// Until somebody says otherwise.
#define STORE_PAUSED_FOR_GOOD INT64_MAX

struct store_pause {
    int64_t until_ms;  // in: unix, or STORE_PAUSED_FOR_GOOD; 0 = work goes on
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_pause *r, int err);
};
void store_pause(struct store *s, struct store_pause *r,
                 void (*done)(struct store_pause *r, int err));

// Private to store/: 0 = not paused.
MUST_USE int pause_find(struct db *d, int64_t now_ms, int64_t *until_ms);

#endif
