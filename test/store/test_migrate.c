// test_migrate.c -- a database of version 1 is brought forward with all that is in it.
//
// The tables stand here as version 1 made them, so that a change of the program's own text of
// them is noticed too.
// SPDX-License-Identifier: MIT
#include "store/schema.h"
#include "store/storekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const char version_1[] =
    "CREATE TABLE word("
    " id INTEGER PRIMARY KEY,"
    " text TEXT NOT NULL UNIQUE);"

    "CREATE TABLE owner("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL UNIQUE,"
    " started_at INTEGER NOT NULL,"
    " seen_at INTEGER NOT NULL,"
    " status TEXT NOT NULL DEFAULT '');"
    "CREATE TABLE batch("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " key TEXT NOT NULL UNIQUE,"
    " made_at INTEGER NOT NULL);"
    "CREATE TABLE job("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " cid INTEGER NOT NULL,"
    " path TEXT NOT NULL,"
    " size INTEGER NOT NULL,"
    " mtime INTEGER NOT NULL,"
    " is_url INTEGER NOT NULL,"
    " root INTEGER NOT NULL DEFAULT 0,"
    " state INTEGER NOT NULL DEFAULT 0,"
    " outcome INTEGER NOT NULL DEFAULT 0,"
    " prior INTEGER NOT NULL DEFAULT 0,"
    " priority INTEGER NOT NULL DEFAULT 0,"
    " is_degraded INTEGER NOT NULL DEFAULT 0,"
    " is_redo INTEGER NOT NULL DEFAULT 0,"
    " is_member INTEGER NOT NULL DEFAULT 0,"
    " has_doc INTEGER NOT NULL DEFAULT 0,"
    " run_at INTEGER NOT NULL DEFAULT 0,"
    " queued_at INTEGER NOT NULL,"
    " seen_at INTEGER NOT NULL,"
    " ended_at INTEGER NOT NULL DEFAULT 0,"
    " owner INTEGER NOT NULL DEFAULT 0,"
    " lease_until INTEGER NOT NULL DEFAULT 0,"
    " claims INTEGER NOT NULL DEFAULT 0,"
    " attempts INTEGER NOT NULL DEFAULT 0,"
    " asking BLOB,"
    " asking_at INTEGER NOT NULL DEFAULT 0,"
    " code INTEGER NOT NULL DEFAULT 0,"
    " reason TEXT NOT NULL DEFAULT '',"
    " taken_at INTEGER NOT NULL DEFAULT 0,"
    " app TEXT NOT NULL DEFAULT '',"
    " window TEXT NOT NULL DEFAULT '',"
    " screen INTEGER NOT NULL DEFAULT 0,"
    " url TEXT NOT NULL DEFAULT '',"
    " content BLOB,"
    " sent_hash BLOB,"
    " width INTEGER NOT NULL DEFAULT 0,"
    " height INTEGER NOT NULL DEFAULT 0,"
    " sent_width INTEGER NOT NULL DEFAULT 0,"
    " sent_height INTEGER NOT NULL DEFAULT 0,"
    " sent_bytes INTEGER NOT NULL DEFAULT 0,"
    " duplicate_of INTEGER,"
    " near_blocks INTEGER NOT NULL DEFAULT -1,"
    " near_diff INTEGER NOT NULL DEFAULT -1,"
    " result INTEGER,"
    " ocr_text TEXT NOT NULL DEFAULT '',"
    " queued_ms INTEGER NOT NULL DEFAULT 0,"
    " prepare_ms INTEGER NOT NULL DEFAULT 0,"
    " request_ms INTEGER NOT NULL DEFAULT 0,"
    " first_byte_ms INTEGER NOT NULL DEFAULT 0,"

    " room BLOB,"

    " at_ms INTEGER NOT NULL DEFAULT 0,"
    " newest_ms INTEGER AS (CASE WHEN taken_at > 0 THEN taken_at"
    "  WHEN mtime > 0 THEN mtime / 1000000 ELSE seen_at END) VIRTUAL,"
    " tally INTEGER AS (state + 4 * outcome + 32 * is_degraded"
    "  + CASE outcome WHEN 6 THEN -64 * code ELSE 0 END) VIRTUAL,"
    " UNIQUE (path, size, mtime));"
    "CREATE INDEX job_ready ON job(is_degraded, priority DESC, newest_ms DESC, id DESC)"
    " WHERE state = 0 AND run_at = 0;"
    "CREATE INDEX job_aged ON job(is_degraded, run_at, queued_at) WHERE state = 0;"
    "CREATE INDEX job_lease ON job(lease_until) WHERE state = 1;"
    "CREATE INDEX job_asking ON job(asking) WHERE asking IS NOT NULL;"
    "CREATE INDEX job_at ON job(at_ms, outcome);"
    "CREATE INDEX job_app ON job(app COLLATE NOCASE) WHERE app <> '';"
    "CREATE INDEX job_odd ON job(id, outcome, code) WHERE outcome >= 4;"
    "CREATE INDEX job_degraded ON job(id) WHERE is_degraded = 1;"
    "CREATE INDEX job_copy ON job(duplicate_of, at_ms) WHERE duplicate_of IS NOT NULL;"
    "CREATE INDEX job_result ON job(result) WHERE result IS NOT NULL;"
    "CREATE TABLE member("
    " batch INTEGER NOT NULL,"
    " job INTEGER NOT NULL,"
    " is_open INTEGER NOT NULL,"
    " PRIMARY KEY (batch, job)) WITHOUT ROWID;"
    "CREATE INDEX member_open ON member(batch, job) WHERE is_open = 1;"
    "CREATE INDEX member_job ON member(job);"
    "CREATE TABLE result("
    " id INTEGER PRIMARY KEY,"
    " content BLOB,"
    " model INTEGER NOT NULL,"
    " prompt INTEGER NOT NULL,"
    " params INTEGER NOT NULL,"
    " backend INTEGER NOT NULL,"
    " tier INTEGER NOT NULL,"
    " finish_reason INTEGER NOT NULL,"
    " is_degraded INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL,"
    " prompt_tokens INTEGER NOT NULL,"
    " completion_tokens INTEGER NOT NULL,"
    " summary TEXT NOT NULL,"
    " activity TEXT NOT NULL,"
    " app TEXT NOT NULL,"
    " details TEXT NOT NULL,"
    " tags TEXT NOT NULL,"
    " text TEXT NOT NULL,"
    " raw_len INTEGER NOT NULL,"
    " raw BLOB,"
    " UNIQUE (content, model, prompt, params));"
    "CREATE TABLE attempt("
    " job INTEGER NOT NULL,"
    " n INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL,"
    " backend INTEGER NOT NULL,"
    " model INTEGER NOT NULL,"
    " code INTEGER NOT NULL,"
    " request_ms INTEGER NOT NULL,"
    " words TEXT NOT NULL,"
    " PRIMARY KEY (job, n)) WITHOUT ROWID;"

    "CREATE TABLE frame("
    " id INTEGER PRIMARY KEY,"
    " root INTEGER NOT NULL,"
    " screen INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL,"
    " look INTEGER NOT NULL,"
    " job INTEGER NOT NULL UNIQUE,"
    " luma BLOB NOT NULL);"
    "CREATE INDEX frame_source ON frame(root, screen, at_ms, look, job);"

    "CREATE TABLE tally("
    " batch INTEGER NOT NULL,"
    " key INTEGER NOT NULL,"
    " n INTEGER,"
    " PRIMARY KEY (batch, key)) WITHOUT ROWID;"
    "CREATE TRIGGER job_born AFTER INSERT ON job BEGIN"
    " INSERT INTO tally VALUES (0, new.tally, 1)"
    "  ON CONFLICT DO UPDATE SET n = n + 1;"
    "END;"
    "CREATE TRIGGER job_moved AFTER UPDATE OF state, outcome, code, is_degraded ON job"
    " WHEN old.tally <> new.tally BEGIN"
    " UPDATE tally SET n = n - 1 WHERE batch = 0 AND key = old.tally;"
    " INSERT INTO tally VALUES (0, new.tally, 1)"
    "  ON CONFLICT DO UPDATE SET n = n + 1;"
    "END;"
    "CREATE TRIGGER job_moved_member AFTER UPDATE OF state, outcome, code, is_degraded "
    "ON job"
    " WHEN new.is_member AND old.tally <> new.tally BEGIN"
    " UPDATE tally SET n = n - 1"
    "  WHERE key = old.tally AND batch IN (SELECT batch FROM member WHERE job = new.id);"
    " INSERT INTO tally SELECT batch, new.tally, 1 FROM member WHERE job = new.id"
    "  ON CONFLICT DO UPDATE SET n = n + 1;"
    " UPDATE member SET is_open = (new.state < 2) WHERE job = new.id;"
    "END;"
    "CREATE TRIGGER job_gone BEFORE DELETE ON job BEGIN"
    " UPDATE tally SET n = n - 1 WHERE batch = 0 AND key = old.tally;"
    " DELETE FROM member WHERE job = old.id;"
    " DELETE FROM attempt WHERE job = old.id;"
    " DELETE FROM frame WHERE job = old.id;"
    "END;"
    "CREATE TRIGGER member_born AFTER INSERT ON member BEGIN"
    " INSERT INTO tally SELECT new.batch, tally, 1 FROM job WHERE id = new.job"
    "  ON CONFLICT DO UPDATE SET n = n + 1;"
    "END;"
    "CREATE TRIGGER member_gone AFTER DELETE ON member BEGIN"
    " UPDATE tally SET n = n - 1 WHERE batch = old.batch"
    "  AND key = (SELECT tally FROM job WHERE id = old.job);"
    "END;"

    "CREATE VIEW doc AS SELECT j.id AS id, r.summary || char(10) || r.activity || "
    "char(10)"
    " || r.details || char(10) || r.text || char(10) || j.ocr_text AS body,"
    " j.app || char(10) || r.app AS app, j.window AS window, r.tags AS tags"
    " FROM job j JOIN result r ON r.id = j.result WHERE j.has_doc = 1;"
    "CREATE VIRTUAL TABLE search USING fts5(body, app, window, tags,"
    " content='doc', content_rowid='id', tokenize='unicode61 remove_diacritics 2');"

    "INSERT INTO search(search, rank) VALUES ('automerge', 16), ('crisismerge', 64);";

// One of each: described, a duplicate of it, failed with its history, blocked, queued and a
// member of a batch, leased by a process that is gone.
static const char rows[] =
    "INSERT INTO word VALUES (1, '/pictures'), (2, 'model-a'), (3, 'p/1'), (4, 'local'),"
    " (5, 'standard'), (6, 'stop'), (7, 'DP-1');"
    "INSERT INTO owner VALUES (1, 'gone/?/0/1/0/00', 1, 1, '');"
    "INSERT INTO batch VALUES (1, 'key', 1);"
    "INSERT INTO result VALUES (1, x'01010101010101010101010101010101', 2, 3, 0, 4, 5, 6,"
    " 0, 500, 100, 10, 'a spreadsheet with sums', 'counting', 'Seen', '', '[\"one\"]', "
    "'',"
    " 0, '{}');"
    "INSERT INTO job(id, cid, path, size, mtime, is_url, root, state, outcome, has_doc,"
    " queued_at, seen_at, ended_at, app, window, screen, url, content, result, at_ms, "
    "code,"
    " reason, duplicate_of, owner, lease_until, claims, is_member) VALUES"
    " (1, 11, '/pictures/1', 10, 1, 0, 1, 2, 1, 1, 1, 1, 2, 'Calc', 'Budget', 7, '',"
    "  x'01010101010101010101010101010101', 1, 1, 0, '', NULL, 0, 0, 0, 0),"
    " (2, 12, '/pictures/2', 10, 1, 0, 1, 2, 3, 0, 1, 1, 2, '', '', 0, '',"
    "  x'01010101010101010101010101010101', 1, 1, 0, '', 1, 0, 0, 0, 0),"
    " (3, 13, '/pictures/3', 10, 1, 0, 1, 2, 6, 0, 1, 1, 2, '', '', 0, '', NULL, NULL, 1,"
    "  -8, 'damaged', NULL, 0, 0, 0, 0),"
    " (4, 14, '/pictures/4', 10, 1, 0, 1, 2, 4, 0, 1, 1, 2, 'Bank', 'Account 1', 0, 'u',"
    "  NULL, NULL, 1, -61, 'a rule', NULL, 0, 0, 0, 0),"
    " (5, 15, '/pictures/5', 10, 1, 0, 1, 0, 0, 0, 1, 1, 0, '', '', 0, '', NULL, NULL, 1,"
    "  0, '', NULL, 0, 0, 0, 1),"
    " (6, 16, '/pictures/6', 10, 1, 0, 1, 1, 0, 0, 1, 1, 0, '', '', 0, '', NULL, NULL, 1,"
    "  0, '', NULL, 1, 1, 1, 0);"
    "INSERT INTO member VALUES (1, 5, 1);"
    "INSERT INTO attempt VALUES (3, 1, 7, 4, 2, -8, 30, 'words');"
    "INSERT INTO frame VALUES (1, 1, 7, 1, 0, 1, zeroblob(9216));"
    "INSERT INTO search(rowid, body, app, window, tags) SELECT id, body, app, window, "
    "tags"
    " FROM doc;"
    "PRAGMA user_version = 1; PRAGMA application_id = 1986817380;";

static void make_version_1(struct kit *k)
{
    char folder[96];
    snprintf(folder, sizeof(folder), "%s/db", k->folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    kit_sql(k, "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL;"
               "PRAGMA journal_mode = WAL;");
    kit_sql(k, version_1);
    kit_sql(k, rows);
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM job"), 6);
}

static void everything_is_still_there(struct kit *k)
{
    struct store_query q;
    struct store_row *row = kit_row(k, &q, 1);
    assert_string_equal(row->summary, "a spreadsheet with sums");
    assert_string_equal(row->window, "Budget");
    assert_string_equal(row->screen, "DP-1");
    assert_string_equal(row->verdict, "");
    assert_string_equal(row->masks, "");
    assert_int_equal(row->n_duplicates, 1);
    store_query_fini(&q);
    row = kit_row(k, &q, 2);
    assert_int_equal(row->outcome, STORE_DUPLICATE);
    assert_string_equal(row->summary, "a spreadsheet with sums");
    store_query_fini(&q);
    row = kit_row(k, &q, 3);
    assert_int_equal(row->code, E_CORRUPT);
    store_query_fini(&q);
    struct store_history h = {.id = 3};
    assert_int_equal(kit_history(k, &h), 0);
    assert_int_equal(h.n, 1);
    assert_string_equal(h.attempts[0].model, "model-a");
    assert_string_equal(h.attempts[0].remedy, "");
    store_history_fini(&h);
    assert_string_equal(kit_search(k, "spreadsheet"), "1");
    assert_string_equal(kit_search(k, "budget"), "1");
}

static void a_database_of_version_1_is_brought_forward(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    make_version_1(&k);
    // Who may only read does not change it, and says what to do.
    k.config.is_read_only = true;
    assert_int_equal(kit_open(&k), E_STORE);
    assert_non_null(strstr(k.err.msg, "older vlmd"));
    assert_int_equal(kit_sql_int(&k, "PRAGMA user_version"), 1);
    k.config.is_read_only = false;
    kit_must_open(&k);
    assert_int_equal(kit_sql_int(&k, "PRAGMA user_version"), schema_version);
    // Their addresses are still to be looked at, by whoever knows what may not be kept.
    assert_int_equal(kit_sql_int(&k, "SELECT n FROM tally WHERE batch = 0 AND key = -7"),
                     1);
    everything_is_still_there(&k);
    kit_assert_consistent(&k);
    // And it works: what was queued, leased and ended goes on, with an audit.
    const struct store_audit_row audit = {.verdict = "allow", .stage = "send"};
    for (int i = 0; i < 2; i++) {
        struct store_claim c = {.max = 1};
        assert_int_equal(kit_claim(&k, &c), 0);
        assert_int_equal(c.n, 1);
        int64_t id = c.jobs[0].id;
        assert_in_range(id, 5, 6);
        assert_string_equal(c.jobs[0].tier, "");  // as whoever claims it
        store_claim_fini(&c);
        struct store_result r = kit_result("model-b", "described after the update");
        struct store_save s = kit_answer(id, (uint8_t)id, &r);
        s.verdict = "allow";
        s.audit = &audit;
        s.n_audit = 1;
        assert_int_equal(kit_save(&k, &s), 0);
        assert_false(s.lost);
    }
    struct store_audit_verify v = {0};
    assert_int_equal(kit_audit_verify(&k, &v), 0);
    assert_int_equal(v.fault, STORE_AUDIT_SOUND);
    assert_int_equal(v.rows, 2);
    struct store_forget f = {.filter.id = 1};
    assert_int_equal(kit_forget(&k, &f), 0);
    assert_int_equal(f.n, 1);
    assert_int_equal(f.n_requeued, 1);
    kit_close(&k);
    kit_must_open(&k);
    assert_string_equal(kit_search(&k, "update"), "6 5");
    kit_assert_consistent(&k);
    kit_fini(&k);
}

// Both ways to the newest version make the same tables.
static void a_new_database_is_the_same(void **state)
{
    (void)state;
    struct kit old, new;
    char sql[512];
    kit_init(&old);
    make_version_1(&old);
    kit_must_open(&old);
    kit_init(&new);
    kit_must_open(&new);
    snprintf(sql, sizeof(sql),
             "ATTACH '%s' AS other; CREATE TEMP TABLE difference AS"
             " SELECT name, sql FROM main.sqlite_schema EXCEPT"
             " SELECT name, sql FROM other.sqlite_schema;"
             " CREATE TEMP TABLE none(x CHECK (x = 0));"
             " INSERT INTO none SELECT count(*) FROM difference",
             new.path);
    kit_sql(&old, sql);
    static const char count[] = "SELECT count(*) FROM sqlite_schema";
    assert_int_equal(kit_sql_int(&old, count), kit_sql_int(&new, count));
    assert_int_equal(
        kit_sql_int(&old, "SELECT v FROM search_config WHERE k = 'usermerge'"), 2);
    kit_fini(&new);
    kit_fini(&old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_database_of_version_1_is_brought_forward),
        cmocka_unit_test(a_new_database_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
