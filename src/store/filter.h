// filter.h -- a store_filter as SQL: where to look (the narrowest index) and what to
// check. Private to store/. Thread: the one of the connection.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_FILTER_H
#define VLMD_STORE_FILTER_H

#include "store/sql.h"
#include "store/store.h"
#include "store/words.h"

enum { FILTER_BINDS = 32, FILTER_FROM_BINDS = 8 };

struct filter_value {
    const char *text;  // borrowed; NULL = the number
    int64_t number;
};

// "<from> WHERE <conditions>", the column of ids to order by, and the values to bind.
struct filter {
    struct words words;
    struct buf from;
    struct buf where;
    const char *id;   // column of ids
    bool has_match;   // the table search is part of from
    bool is_by_time;  // rows are wanted by the time they were taken
    struct filter_value from_values[FILTER_FROM_BINDS], values[FILTER_BINDS];
    int n_from_values, n_values;
    // Owned texts that values borrow.
    struct buf path, path_above, path_end;
};

bool filter_is_empty(const struct store_filter *f);
// Looks into d where the answer decides which index is best.  Errors: E_USAGE with words.
MUST_USE int filter_build(struct filter *out, struct db *d, const struct store_filter *f,
                          enum store_order order, struct err *e);
// More conditions; each ? in condition is bound to value.
MUST_USE int filter_and(struct filter *f, const char *condition, int64_t value);
// As the other side of the condition before.
MUST_USE int filter_or(struct filter *f, const char *condition, int64_t value);
void filter_bind(const struct filter *f, struct sql *q);
void filter_fini(struct filter *f);
// The next ids after after_id, ascending, at most so many.  condition: NULL, or one more.
MUST_USE int filter_ids(struct db *d, const struct store_filter *f, const char *condition,
                        int64_t after_id, int64_t *ids, int most, int *n, struct err *e);

#endif
