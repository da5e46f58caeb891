// sql.c -- prepared statements kept by the address of their text; sticky errors.
// SPDX-License-Identifier: MIT
#include "store/sql.h"

#include "store/statements.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void forget_last(struct db *d)
{
    sqlite3_finalize(d->last.st);
    free(d->last.text);
    d->last.st = NULL;
    d->last.text = NULL;
}

void db_close(struct db *d)
{
    for (int i = 0; i < SQL_CACHE; i++) {
        sqlite3_finalize(d->cache[i].st);
        d->cache[i].st = NULL;
        d->cache[i].text = NULL;
    }
    forget_last(d);
    sqlite3_close(d->h);
    d->h = NULL;
}

static int code_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL: return E_FULL;
    case SQLITE_NOMEM: return E_NOMEM;
    case SQLITE_INTERRUPT: return E_DEADLINE;
    case SQLITE_TOOBIG: return E_TOOBIG;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY: return E_STORE;
    default: return E_STORE;
    }
}

static const char *hint_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_BUSY: return " (another program holds it for too long)";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return " (the file is damaged: see `vlmd doctor`)";
    case SQLITE_FULL: return " (free some space)";
    default: return "";
    }
}

int db_fail(struct db *d, int rc)
{
    const char *said = d->h ? sqlite3_errmsg(d->h) : sqlite3_errstr(rc);
    d->code = code_of(rc);
    d->sqlite_code = rc;
    snprintf(d->words, sizeof(d->words), "%.180s%s", said, hint_of(rc));
    return d->code;
}

bool db_is_broken(const struct db *d)
{
    switch (d->sqlite_code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_BUSY:
    case SQLITE_PROTOCOL: return true;
    default: return d->h && sqlite3_get_autocommit(d->h);
    }
}

int db_exec(struct db *d, const char *text)
{
    int rc = sqlite3_exec(d->h, text, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : db_fail(d, rc);
}

// Two looks at the clock per row, of some 30 ns each.
static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

struct sql sql_begin(struct db *d, const char *literal)
{
    struct sql q = {.db = d, .text = literal, .is_cached = true};
    size_t at = ((uintptr_t)literal >> 3) * 0x9e3779b1u;
    for (int i = 0;; i++, at++) {
        assert(i < SQL_CACHE);
        at &= SQL_CACHE - 1;
        if (!d->cache[at].text || d->cache[at].text == literal) {
            break;
        }
    }
    if (!d->cache[at].st) {
        int rc = sqlite3_prepare_v3(d->h, literal, -1, SQLITE_PREPARE_PERSISTENT,
                                    &d->cache[at].st, NULL);
        if (rc != SQLITE_OK) {
            q.rc = db_fail(d, rc);
            return q;
        }
        d->cache[at].text = literal;
    }
    q.st = d->cache[at].st;
    assert(!sqlite3_stmt_busy(q.st));
    return q;
}

struct sql sql_begin_once(struct db *d, const char *text)
{
    struct sql q = {.db = d, .text = text};
    int rc = sqlite3_prepare_v2(d->h, text, -1, &q.st, NULL);
    if (rc != SQLITE_OK) {
        q.rc = db_fail(d, rc);
    }
    return q;
}

struct sql sql_begin_again(struct db *d, const char *text)
{
    struct sql q = {.db = d, .text = text};
    if (d->last.text && strcmp(d->last.text, text) == 0) {
        q.st = d->last.st;
        d->last.st = NULL;
    } else {
        q = sql_begin_once(d, text);
    }
    forget_last(d);
    q.is_kept = true;
    return q;
}

static void bound(struct sql *q, int rc)
{
    if (rc != SQLITE_OK && !q->rc) {
        q->rc = db_fail(q->db, rc);
    }
}

void sql_int(struct sql *q, int64_t value)
{
    q->bound++;
    if (!q->rc) {
        bound(q, sqlite3_bind_int64(q->st, q->bound, value));
    }
}

void sql_text(struct sql *q, const char *value)
{
    q->bound++;
    if (!q->rc) {
        bound(q,
              sqlite3_bind_text(q->st, q->bound, value ? value : "", -1, SQLITE_STATIC));
    }
}

void sql_blob(struct sql *q, const void *data, size_t len)
{
    q->bound++;
    if (!q->rc) {
        bound(q, sqlite3_bind_blob64(q->st, q->bound, data, len, SQLITE_STATIC));
    }
}

void sql_null(struct sql *q)
{
    q->bound++;
    if (!q->rc) {
        bound(q, sqlite3_bind_null(q->st, q->bound));
    }
}

bool sql_row(struct sql *q)
{
    if (q->rc) {
        return false;
    }
    assert(q->bound == sqlite3_bind_parameter_count(q->st));
    q->col = 0;
    const bool is_timed = q->db->statements != NULL;
    const int64_t began_ns = is_timed ? now_ns() : 0;
    int rc = sqlite3_step(q->st);
    q->took_ns += is_timed ? now_ns() - began_ns : 0;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        q->rc = db_fail(q->db, rc);
    }
    return rc == SQLITE_ROW;
}

int64_t sql_get_int(struct sql *q)
{
    return sqlite3_column_int64(q->st, q->col++);
}

const char *sql_get_text(struct sql *q)
{
    const unsigned char *s = sqlite3_column_text(q->st, q->col++);
    return s ? (const char *)s : "";
}

bool sql_get_blob(struct sql *q, void *out, size_t len)
{
    size_t have;
    const void *data = sql_get_bytes(q, &have);
    if (!data || have != len) {
        memset(out, 0, len);
        return false;
    }
    memcpy(out, data, len);
    return true;
}

const void *sql_get_bytes(struct sql *q, size_t *len)
{
    const void *data = sqlite3_column_blob(q->st, q->col);
    *len = (size_t)sqlite3_column_bytes(q->st, q->col);
    q->col++;
    return data;
}

// Not what SQLite says in words, which may quote what a person looked for.
static void tell(const struct sql *q)
{
    const int code = q->rc ? q->db->sqlite_code : 0;
    const struct statements_end e = {
        .text = q->text,
        .is_literal = q->is_cached,
        .took_us = q->took_ns / 1000,
        .code = code,
        .words = sqlite3_errstr(code),
        .thread = q->db->thread,
        .job = q->db->job,
        .asker = q->db->asker,
    };
    statements_ended(q->db->statements, &e);
}

static void keep_as_last(struct sql *q)
{
    struct db *d = q->db;
    forget_last(d);
    sqlite3_reset(q->st);
    sqlite3_clear_bindings(q->st);  // what they point to is going
    d->last.st = q->st;
    d->last.text = strdup(q->text);
}

int sql_end(struct sql *q)
{
    if (q->db->statements) {
        tell(q);
    }
    if (q->is_cached) {
        sqlite3_reset(q->st);
    } else if (q->is_kept && !q->rc) {
        keep_as_last(q);
    } else {
        sqlite3_finalize(q->st);
    }
    q->st = NULL;
    return q->rc;
}

int sql_run(struct sql *q)
{
    while (sql_row(q)) {
    }
    return sql_end(q);
}

int sql_one(struct sql *q, int64_t fallback, int64_t *out)
{
    *out = sql_row(q) ? sql_get_int(q) : fallback;
    return sql_end(q);
}

int64_t sql_changes(const struct db *d)
{
    return sqlite3_changes64(d->h);
}
