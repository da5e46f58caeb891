// table.h -- rows in columns, as wide as their contents, for people.
// SPDX-License-Identifier: MIT
#ifndef VLMD_CLI_TABLE_H
#define VLMD_CLI_TABLE_H

#include <stdbool.h>
#include <stdint.h>

enum { TABLE_MAX_COLUMNS = 16 };

// The last column is not padded; it is cut when the table is wider than columns.
struct table {
    int n_columns;
    const char *const *heads;
    bool is_right[TABLE_MAX_COLUMNS];
    char **cells;  // owned; n_rows * n_columns
    int n_rows;
    int cap;
};

// heads are borrowed; at most TABLE_MAX_COLUMNS.
void table_init(struct table *t, const char *const *heads, int n_columns);
void table_fini(struct table *t);
// n_columns texts; cleaned and copied.
void table_row(struct table *t, const char *const *cells);
// To standard output.  columns 0 = never cut.
void table_print(const struct table *t, int columns, bool has_colour);

#endif
