// facets.h -- how many rows there are, by day and by program.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_FACETS_H
#define VLMD_STORE_FACETS_H

#include "store/store.h"

enum store_facets_by { STORE_FACETS_DAYS, STORE_FACETS_APPS };

struct store_facet {
    const char *name;           // app; "" = not known; of a day NULL
    int64_t from_ms, until_ms;  // of the day, in the process's time zone
    int64_t n, described, failed;
    int64_t last_ms;  // taken_at, else first seen, of the last one
};

struct store_facets {
    // in
    enum store_facets_by by;
    struct store_filter filter;
    int limit;  // of facets, 1 to 4000: the newest days, the programs with most
    // out
    struct store_facet *facets;
    int n;
    char *block;  // owned, the names
    struct err err;
    struct pool_work work;
    struct store *owner;
    void (*done)(struct store_facets *r, int err);
};
void store_facets(struct store *s, struct store_facets *r,
                  void (*done)(struct store_facets *r, int err));
void store_facets_fini(struct store_facets *r);

#endif
