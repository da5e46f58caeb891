// bill.h -- what backends were asked for, on its way into the database's sums.
//
// Kept in memory only as long as the writer is busy with the ones before; what it refuses
// (the disk is full) is added with the next ones.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BILL_H
#define VLMD_BILL_H

#include "store/usage.h"

struct ask;

struct bill {
    struct store *store;  // borrowed
    struct store_usage waiting[STORE_MAX_USAGE];
    int n;
    bool is_under_way;
    struct store_usage_add add;
};

void bill_init(struct bill *b, struct store *s);
// An ask ended with err at at_ms (unix).
void bill_asked(struct bill *b, const struct ask *a, int err, int64_t at_ms);

#endif
