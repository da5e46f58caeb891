// schema.h -- opening a database file: whose it is, its version, how it is used.
// Private to store/.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_SCHEMA_H
#define VLMD_STORE_SCHEMA_H

#include "store/sql.h"

enum { SCHEMA_APPLICATION_ID = 0x766c6d64 };  // "vlmd"

// Entry i takes a database from version i to i + 1.  Only ever appended to.
struct migration {
    const char *sql;
};
extern const struct migration schema_migrations[];
extern const int schema_version;  // the number of them

// Makes the folders and the file when they are not there, refuses what is not ours,
// migrates forward.  Errors: E_STORE, E_ACCESS, E_FULL, with words.
MUST_USE int schema_open_writer(struct db *d, const char *path, struct err *e);
// The file must exist and be of this version.
MUST_USE int schema_open_reader(struct db *d, const char *path, struct err *e);
// Is the database of ours and not newer?  Brings it to version n of table.
MUST_USE int schema_migrate(struct db *d, const char *path, const struct migration *table,
                            int n, struct err *e);
bool schema_is_network(long fs_type);  // statfs f_type

#endif
