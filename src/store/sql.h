// sql.h -- one SQLite connection with its prepared statements, and a cursor over one of
// them.
//
//   struct sql q = sql_begin(d, "SELECT id, path FROM job WHERE size = ?");
//   sql_int(&q, size);                       binds the next parameter
//   while (sql_row(&q)) {
//       id = sql_get_int(&q);                reads the next column
//   }
//   rc = sql_end(&q);                        0 or the first error of all of the above
//
// Private to store/.
// Thread: the one that uses the connection.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_SQL_H
#define VLMD_STORE_SQL_H

#include "base/buf.h"
#include "base/err.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum { SQL_CACHE = 256 };  // a power of two, well over the number of statements

struct db {
    sqlite3 *h;  // owned; NULL = closed
    struct {
        const char *text;  // the literal: found again by its address
        sqlite3_stmt *st;  // owned
    } cache[SQL_CACHE];
    // Of sql_begin_again, while it is not in use.
    struct {
        char *text;        // owned
        sqlite3_stmt *st;  // owned
    } last;
    struct statements
        *statements;     // borrowed: as long as the connection; NULL = not timed
    const char *thread;  // for them: "write", "read"
    int64_t job;         // what is done is about this one; 0 = none
    const char *asker;   // correlation id of whom it is done for; NULL = nobody; borrowed
    // Of the last failure.
    int code;         // E_*
    int sqlite_code;  // extended
    char words[256];
};

struct sql {
    struct db *db;
    const char *text;
    int64_t took_ns;  // in SQLite
    sqlite3_stmt *st;
    bool is_cached;  // reset at the end
    bool is_kept;    // and the next sql_begin_again may have it
    int rc;
    int bound;
    int col;
};

void db_close(struct db *d);  // finalizes, closes; accepts a closed one
// Remembers what SQLite said about rc; returns the E_* for it.
int db_fail(struct db *d, int rc);
// Is the connection or its transaction of no use after this failure?
bool db_is_broken(const struct db *d);
MUST_USE int db_exec(struct db *d, const char *text);  // one or more statements, no rows

struct sql sql_begin(struct db *d, const char *literal);    // kept prepared
struct sql sql_begin_once(struct db *d, const char *text);  // text from a buffer
// The same, for one that is likely to be asked for next, too: the last is kept prepared.
// Not for pragmas, which do their work when they are prepared.
struct sql sql_begin_again(struct db *d, const char *text);
void sql_int(struct sql *q, int64_t value);
void sql_text(struct sql *q, const char *value);  // NULL is ''; borrowed until sql_end
void sql_blob(struct sql *q, const void *data, size_t len);  // NULL is NULL; borrowed too
void sql_null(struct sql *q);
bool sql_row(struct sql *q);  // false at the end and after an error
int64_t sql_get_int(struct sql *q);
const char *sql_get_text(struct sql *q);  // "" for NULL; borrowed until the next row
bool sql_get_blob(struct sql *q, void *out,
                  size_t len);  // true = there, with this length
const void *sql_get_bytes(struct sql *q, size_t *len);
MUST_USE int sql_end(struct sql *q);
MUST_USE int sql_run(struct sql *q);  // steps to the end, then sql_end
// The first column of the first row, or fallback when there is none.
MUST_USE int sql_one(struct sql *q, int64_t fallback, int64_t *out);
int64_t sql_changes(const struct db *d);  // of the last statement, without triggers

#endif
