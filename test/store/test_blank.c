// test_blank.c -- the layer that blanks the unused parts of pages: which bytes, which pages,
// and that databases of any make stay sound under it.
// SPDX-License-Identifier: MIT
#include "store/blank.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGE = 8192, CELLS = 3, CONTENT = 8000 };

// Every byte of it is 0xee, but for the header.
static void make_page(uint8_t *page, size_t at, uint8_t type, size_t content)
{
    memset(page, 0xee, PAGE);
    page[at] = type;
    page[at + 3] = 0;
    page[at + 4] = CELLS;
    page[at + 5] = (uint8_t)(content >> 8);
    page[at + 6] = (uint8_t)content;
}

static bool is_whole(const uint8_t *page, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (page[i] != 0xee) {
            return false;
        }
    }
    return true;
}

static bool is_blank(const uint8_t *page, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (page[i] != 0) {
            return false;
        }
    }
    return true;
}

static void the_middle_of_a_tree_page_is_blanked(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        size_t header;
    } types[] = {{2, 12}, {5, 12}, {10, 8}, {13, 8}};
    uint8_t page[PAGE];
    for (size_t i = 0; i < 4; i++) {
        for (uint64_t number = 1; number <= 3; number += 2) {
            size_t at = number == 1 ? 100 : 0;
            size_t from = at + types[i].header + 2 * CELLS;
            make_page(page, at, types[i].type, CONTENT);
            assert_int_equal(blank_page(page, PAGE, number), CONTENT - from);
            assert_true(is_whole(page, 0, at));
            assert_true(is_whole(page, at + 7, from));
            assert_true(is_blank(page, from, CONTENT));
            assert_true(is_whole(page, CONTENT, PAGE));
        }
    }
}

static void everything_else_stays_as_it_is(void **state)
{
    (void)state;
    uint8_t page[PAGE];
    // Other kinds of pages begin with the number of a page.
    for (int type = 0; type < 256; type++) {
        make_page(page, 0, (uint8_t)type, CONTENT);
        bool is_tree = type == 2 || type == 5 || type == 10 || type == 13;
        assert_int_equal(blank_page(page, PAGE, 3) > 0, is_tree);
    }
    // Headers that make no sense.
    make_page(page, 0, 13, 8);
    assert_int_equal(blank_page(page, PAGE, 3), 0);
    make_page(page, 0, 13, PAGE + 1);
    assert_int_equal(blank_page(page, PAGE, 3), 0);
    make_page(page, 0, 13, 0);
    assert_int_equal(blank_page(page, PAGE, 3), 0);
    make_page(page, 0, 13, CONTENT);
    page[3] = 0xff;
    assert_int_equal(blank_page(page, PAGE, 3), 0);
    assert_true(is_whole(page, 7, PAGE));
    // An empty page: all but the header.
    make_page(page, 0, 13, PAGE);
    page[4] = 0;
    assert_int_equal(blank_page(page, PAGE, 3), PAGE - 8);
    // So far behind that the number of a page may begin with its type.
    make_page(page, 0, 13, CONTENT);
    assert_int_equal(blank_page(page, PAGE, 1u << 24), 0);
}

// Their first byte is what page follows, which looks like the type of a tree.
static void pointer_maps_stay_as_they_are(void **state)
{
    (void)state;
    uint8_t page[PAGE];
    for (int k = 0; k < 5; k++) {
        uint64_t map = 2 + (uint64_t)k * (PAGE / 5 + 1);
        for (uint64_t number = map - 1; number <= map + 1; number++) {
            make_page(page, 0, 5, CONTENT);
            if (number > 1) {
                assert_int_equal(blank_page(page, PAGE, number) > 0, number != map);
            }
        }
    }
    // The one that would be at the lock byte is one later; only pages of 1024 bytes have it.
    uint64_t lock = 0x40000000 / 1024 + 1;
    make_page(page, 0, 5, 1000);
    assert_int_equal(blank_page(page, 1024, lock + 1), 0);
    assert_true(blank_page(page, 1024, lock + 2) > 0);
}

// ---- databases

struct base {
    char folder[64], path[96];
    sqlite3 *db;
};

static void must(sqlite3 *db, const char *sql)
{
    char *words = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &words) != SQLITE_OK) {
        fail_msg("%s: %s", sql, words);
    }
}

static void open_base(struct base *b, const char *vfs)
{
    assert_int_equal(
        sqlite3_open_v2(b->path, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs),
        SQLITE_OK);
}

static void make_base(struct base *b)
{
    snprintf(b->folder, sizeof(b->folder), "%s/vlmd-blank-XXXXXX",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    assert_non_null(mkdtemp(b->folder));
    snprintf(b->path, sizeof(b->path), "%s/b.db", b->folder);
}

static void remove_base(struct base *b)
{
    unlink(b->path);
    rmdir(b->folder);
}

static void assert_ok(sqlite3 *db)
{
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &st, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(st, 0), "ok");
    sqlite3_finalize(st);
}

// Rows of all sizes, in an index too, put in, made larger and taken out in no order; long
// ones in pages of their own.
static void work(sqlite3 *db)
{
    must(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT);"
             "CREATE UNIQUE INDEX t_a ON t(a);"
             "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 3000)"
             " INSERT INTO t SELECT i * 7919 % 3001, 'a' || (i * 31 % 3001),"
             " CASE WHEN i % 97 = 0 THEN hex(zeroblob(3000))"
             "  ELSE substr('QZXVKJW' || hex(zeroblob(200)), 1, 7 + i % 300) END FROM n;"
             "UPDATE t SET b = b || hex(zeroblob(id % 90)) WHERE id % 3 = 0;"
             "DELETE FROM t WHERE id % 5 = 0;"
             "CREATE TABLE keep AS SELECT count(*) AS n, sum(length(b)) AS m FROM t;");
}

static int64_t int_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return n;
}

static void databases_of_any_make_stay_sound(void **state)
{
    (void)state;
    static const int sizes[] = {512, 1024, 4096, 8192, 65536};
    static const char *const vacuums[] = {"NONE", "FULL", "INCREMENTAL"};
    static const char *const journals[] = {"DELETE", "WAL"};
    for (size_t i = 0; i < 5 * 3 * 2; i++) {
        struct base b;
        char sql[200];
        make_base(&b);
        open_base(&b, blank_vfs());
        snprintf(sql, sizeof(sql),
                 "PRAGMA page_size=%d; PRAGMA auto_vacuum=%s; PRAGMA journal_mode=%s;"
                 "PRAGMA secure_delete=ON; PRAGMA synchronous=OFF",
                 sizes[i % 5], vacuums[i / 5 % 3], journals[i / 15]);
        must(b.db, sql);
        work(b.db);
        must(b.db, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA incremental_vacuum;"
                   "DELETE FROM t WHERE b GLOB 'QZXVKJW*';"
                   "PRAGMA wal_checkpoint(TRUNCATE)");
        sqlite3_close(b.db);
        open_base(&b, NULL);
        assert_ok(b.db);
        assert_true(int_of(b.db, "SELECT n FROM keep") > 2000);
        sqlite3_close(b.db);
        remove_base(&b);
    }
}

// Bytes at the end of each page move the pointer maps: such a file is left as it is.
static void reserved_bytes_are_respected(void **state)
{
    (void)state;
    struct base b;
    int reserved = 32;
    make_base(&b);
    open_base(&b, NULL);
    must(b.db, "PRAGMA page_size=4096; PRAGMA auto_vacuum=FULL");
    assert_int_equal(
        sqlite3_file_control(b.db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved),
        SQLITE_OK);
    must(b.db, "CREATE TABLE first(x)");
    sqlite3_close(b.db);
    open_base(&b, blank_vfs());
    work(b.db);
    must(b.db, "INSERT INTO t SELECT id + 10000, 'b' || id, hex(zeroblob(900)) FROM t;"
               "INSERT INTO t SELECT id + 20000, 'c' || id, hex(zeroblob(900)) FROM t");
    sqlite3_close(b.db);
    open_base(&b, NULL);
    assert_true(int_of(b.db, "PRAGMA page_count") > 2000);
    assert_ok(b.db);
    sqlite3_close(b.db);
    remove_base(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_middle_of_a_tree_page_is_blanked),
        cmocka_unit_test(everything_else_stays_as_it_is),
        cmocka_unit_test(pointer_maps_stay_as_they_are),
        cmocka_unit_test(databases_of_any_make_stay_sound),
        cmocka_unit_test(reserved_bytes_are_respected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
