// test_audit.c -- the chain of the audit: written, tampered with, pruned, by several
// processes at a time.
// SPDX-License-Identifier: MIT
#include "store/audit_chain.h"
#include "store/inside.h"
#include "store/storekit.h"

#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { RACERS = 3, RACE_ROWS = 300, MANY_ROWS = 20000 };

#define DAY_MS (24ll * 3600 * 1000)

static void add(struct kit *k, const char *verdict, const char *app, int64_t at_ms)
{
    struct store_audit_append a = {.row = {.verdict = verdict,
                                           .stage = "send",
                                           .categories = "card=2 email=1",
                                           .rules = "builtin",
                                           .app = app,
                                           .destination = "lab local",
                                           .cid = "0123456789abcdef",
                                           .bytes_sent = 1000,
                                           .at_ms = at_ms}};
    if (kit_audit_append(k, &a)) {
        fail_msg("%s", k->err.msg);
    }
}

static void add_some(struct kit *k, int n)
{
    for (int i = 0; i < n; i++) {
        add(k, "allow", "Editor", 1000000 + i);
    }
}

static void assert_fault(struct kit *k, enum store_audit_fault fault, int64_t seq)
{
    struct store_audit_verify v = {0};
    if (kit_audit_verify(k, &v)) {
        fail_msg("%s", k->err.msg);
    }
    if (v.fault != fault || v.bad_seq != seq) {
        fail_msg("%s at %lld, not %s at %lld", store_audit_fault_name(v.fault),
                 (long long)v.bad_seq, store_audit_fault_name(fault), (long long)seq);
    }
}

static void assert_sound(struct kit *k, int64_t rows)
{
    struct store_audit_verify v = {0};
    assert_int_equal(kit_audit_verify(k, &v), 0);
    if (v.fault) {
        fail_msg("%s at %lld", store_audit_fault_name(v.fault), (long long)v.bad_seq);
    }
    assert_int_equal(v.rows, rows);
}

// ---- rows and their hashes

// Computed by hand (in another language) from what audit_chain.h says.
static void a_hash_is_what_the_header_says(void **state)
{
    (void)state;
    static const char expected[] =
        "ac9b75b9840937477eb7036d09aa2c0cb511bb6c0c4bc196b0349fa9c14b73ed";
    struct audit_chain c;
    uint8_t before[STORE_CHAIN_BYTES], hash[STORE_CHAIN_BYTES];
    char hex[65];
    struct store_audit_row row = {.seq = 7,
                                  .at_ms = 1700000000123,
                                  .job = 42,
                                  .cid = "00000000000000ff",
                                  .verdict = "mask",
                                  .stage = "send",
                                  .categories = "card=2 email=1",
                                  .rules = "remote",
                                  .app = "Firefox",
                                  .destination = "lab remote",
                                  .bytes_sent = 45000};
    memset(before, 0xab, sizeof(before));
    memset(row.content, 0x11, sizeof(row.content));
    assert_int_equal(audit_chain_init(&c), 0);
    assert_int_equal(audit_chain_hash(&c, &row, before, hash), 0);
    for (int i = 0; i < STORE_CHAIN_BYTES; i++) {
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    }
    assert_string_equal(hex, expected);
    // Every field counts, and where one ends.
    uint8_t other[STORE_CHAIN_BYTES];
    struct store_audit_row moved = row;
    moved.verdict = "masks";
    moved.stage = "end";
    assert_int_equal(audit_chain_hash(&c, &moved, before, other), 0);
    assert_memory_not_equal(hash, other, sizeof(hash));
    audit_chain_fini(&c);
}

static void rows_are_kept_with_what_they_are_about(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    assert_sound(&k, 0);
    // Beside the end of a job, in one transaction.
    int64_t id = kit_offer(&k, "/a", 10, 1000000);
    assert_int_equal(kit_claim_one(&k), id);
    const struct store_audit_row rows[] = {
        {.verdict = "mask", .stage = "send", .categories = "card=1", .bytes_sent = 5},
        {.verdict = "redact", .stage = "answer", .app = "App", .job = 99}};
    struct store_result r = kit_result("m", "words");
    struct store_save s = kit_answer(id, 1, &r);
    s.audit = rows;
    s.n_audit = 2;
    s.verdict = "mask";
    s.masks = "1,2,3,4;5,6,7,8";
    assert_int_equal(kit_save(&k, &s), 0);
    // And when the lease is lost, or goes back.
    assert_int_equal(kit_save(&k, &s), 0);
    assert_true(s.lost);
    struct store_release release = {.id = id, .audit = rows, .n_audit = 1};
    assert_int_equal(kit_release(&k, &release), 0);
    assert_true(release.lost);
    struct store_audit_list l = {.limit = 100};
    assert_int_equal(kit_audit_list(&k, &l), 0);
    assert_int_equal(l.n, 5);
    assert_false(l.has_more);
    const struct store_audit_row *first = &l.rows[4];
    assert_int_equal(first->seq, 1);
    assert_int_equal(first->job, id);
    assert_string_equal(first->verdict, "mask");
    assert_string_equal(first->categories, "card=1");
    assert_string_equal(first->app, "");
    assert_int_equal(first->bytes_sent, 5);
    assert_true(first->at_ms > 1700000000000);
    assert_int_equal(l.rows[3].job, 99);
    store_audit_list_fini(&l);
    struct store_query q;
    struct store_row *row = kit_row(&k, &q, id);
    assert_string_equal(row->verdict, "mask");
    assert_string_equal(row->masks, "1,2,3,4;5,6,7,8");
    store_query_fini(&q);
    assert_sound(&k, 5);
    kit_assert_consistent(&k);
    kit_fini(&k);
}

static void texts_have_a_bound(void **state)
{
    (void)state;
    struct kit k;
    static char long_name[1 << 20];
    kit_init(&k);
    kit_must_open(&k);
    memset(long_name, 'n', sizeof(long_name) - 1);
    add(&k, "allow", long_name, 1);
    add(&k, "allow", "bad \xff byte", 2);
    add(&k, "allow", "line\nfeed", 3);
    struct store_audit_list l = {.limit = 10, .is_oldest_first = true};
    assert_int_equal(kit_audit_list(&k, &l), 0);
    assert_int_equal(strlen(l.rows[0].app), STORE_AUDIT_TEXT);
    assert_string_equal(l.rows[1].app, "bad ? byte");
    assert_string_equal(l.rows[2].app, "line\nfeed");
    store_audit_list_fini(&l);
    assert_sound(&k, 3);
    kit_fini(&k);
}

static void lists_go_by_time(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    // The clock was set back in between.
    const int64_t times[] = {100, 300, 200, 200, 400};
    for (int i = 0; i < 5; i++) {
        add(&k, "allow", "a", times[i]);
    }
    static const int forward[] = {1, 3, 4, 2, 5};
    struct store_audit_list l = {.limit = 2, .is_oldest_first = true};
    for (int i = 0; i < 5; i += 2) {
        assert_int_equal(kit_audit_list(&k, &l), 0);
        assert_int_equal(l.n, i < 4 ? 2 : 1);
        assert_int_equal(l.has_more, i < 4);
        for (int j = 0; j < l.n; j++) {
            assert_int_equal(l.rows[j].seq, forward[i + j]);
        }
        l.after_ms = l.rows[l.n - 1].at_ms;
        l.after_seq = l.rows[l.n - 1].seq;
        store_audit_list_fini(&l);
    }
    l = (struct store_audit_list){.limit = 10, .since_ms = 200, .until_ms = 400};
    assert_int_equal(kit_audit_list(&k, &l), 0);
    assert_int_equal(l.n, 3);
    assert_int_equal(l.rows[0].seq, 2);
    assert_int_equal(l.rows[1].seq, 4);
    assert_int_equal(l.rows[2].seq, 3);
    store_audit_list_fini(&l);
    kit_fini(&k);
}

// ---- totals

static const struct store_audit_total *total(const struct store_audit_totals *t,
                                             enum store_audit_by by, const char *name)
{
    for (int i = 0; i < t->n; i++) {
        if (t->totals[i].by == by && strcmp(t->totals[i].name, name) == 0) {
            return &t->totals[i];
        }
    }
    fail_msg("there is no total of %s", name);
    return NULL;
}

static void totals_add_up(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    add(&k, "allow", "Editor", 100);
    add(&k, "mask", "Editor", 200);
    add(&k, "block", "Bank", 300);
    add(&k, "allow", "", 400);
    struct store_audit_append a = {.row = {.verdict = "forget", .n = 3, .at_ms = 500}};
    assert_int_equal(kit_audit_append(&k, &a), 0);
    struct store_audit_totals t = {0};
    assert_int_equal(kit_audit_totals(&k, &t), 0);
    assert_int_equal(t.rows, 5);
    assert_int_equal(t.bytes_sent, 4000);
    assert_int_equal(t.first_ms, 100);
    assert_int_equal(t.last_ms, 500);
    assert_string_equal(t.totals[0].name, "allow");
    assert_int_equal(total(&t, STORE_BY_VERDICT, "allow")->rows, 2);
    assert_int_equal(total(&t, STORE_BY_VERDICT, "forget")->rows, 1);
    assert_int_equal(total(&t, STORE_BY_CATEGORY, "card")->findings, 8);
    assert_int_equal(total(&t, STORE_BY_CATEGORY, "email")->rows, 4);
    assert_int_equal(total(&t, STORE_BY_APP, "Editor")->rows, 2);
    assert_int_equal(total(&t, STORE_BY_APP, "Editor")->masked, 1);
    assert_int_equal(total(&t, STORE_BY_APP, "Bank")->blocked, 1);
    assert_int_equal(total(&t, STORE_BY_APP, "")->rows, 1);
    assert_int_equal(total(&t, STORE_BY_DESTINATION, "lab local")->bytes_sent, 4000);
    // What was done to the database is of no program and went nowhere.
    for (int i = 0; i < t.n; i++) {
        assert_true(t.totals[i].by != STORE_BY_DESTINATION || *t.totals[i].name);
    }
    store_audit_totals_fini(&t);
    t = (struct store_audit_totals){.since_ms = 200, .until_ms = 400};
    assert_int_equal(kit_audit_totals(&k, &t), 0);
    assert_int_equal(t.rows, 2);
    store_audit_totals_fini(&t);
    t = (struct store_audit_totals){.since_ms = 9000};
    assert_int_equal(kit_audit_totals(&k, &t), 0);
    assert_int_equal(t.rows, 0);
    assert_int_equal(t.n, 0);
    store_audit_totals_fini(&t);
    kit_fini(&k);
}

// ---- tampering

#define UNLOCK "DROP TRIGGER audit_stays; DROP TRIGGER audit_kept;"

static void rows_are_not_changed_by_mistake(void **state)
{
    (void)state;
    struct kit k;
    sqlite3 *db;
    kit_init(&k);
    kit_must_open(&k);
    add_some(&k, 3);
    assert_int_equal(sqlite3_open(k.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE audit SET app = ''", NULL, NULL, NULL),
                     SQLITE_CONSTRAINT);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM audit", NULL, NULL, NULL),
                     SQLITE_CONSTRAINT);
    sqlite3_close(db);
    assert_sound(&k, 3);
    kit_fini(&k);
}

static void every_change_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        enum store_audit_fault fault;
        int64_t seq;
    } cases[] = {
        {"UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 4", STORE_AUDIT_ALTERED, 4},
        {"UPDATE audit SET job = 5 WHERE seq = 4", STORE_AUDIT_ALTERED, 4},
        {"UPDATE audit SET cid = '' WHERE seq = 4", STORE_AUDIT_ALTERED, 4},
        {"UPDATE audit SET content = x'01010101010101010101010101010101' WHERE seq = 4",
         STORE_AUDIT_ALTERED, 4},
        {"UPDATE audit SET sent_hash = x'01010101010101010101010101010101'"
         " WHERE seq = 4",
         STORE_AUDIT_ALTERED, 4},
        {"UPDATE audit SET verdict = 'block' WHERE seq = 4", STORE_AUDIT_ALTERED, 4},
        {"UPDATE audit SET stage = 'meta' WHERE seq = 4", STORE_AUDIT_ALTERED, 4},
        {"UPDATE audit SET categories = 'card=1 email=1' WHERE seq = 4",
         STORE_AUDIT_ALTERED, 4},
        {"UPDATE audit SET rules = '' WHERE seq = 4", STORE_AUDIT_ALTERED, 4},
        {"UPDATE audit SET app = 'editor' WHERE seq = 4", STORE_AUDIT_ALTERED, 4},
        {"UPDATE audit SET destination = 'lab remote' WHERE seq = 4", STORE_AUDIT_ALTERED,
         4},
        {"UPDATE audit SET bytes_sent = 0 WHERE seq = 4", STORE_AUDIT_ALTERED, 4},
        {"UPDATE audit SET n = 1 WHERE seq = 4", STORE_AUDIT_ALTERED, 4},
        {"UPDATE audit SET until_seq = 1 WHERE seq = 4", STORE_AUDIT_ALTERED, 4},
        {"UPDATE audit SET until_ms = 1 WHERE seq = 4", STORE_AUDIT_ALTERED, 4},
        {"UPDATE audit SET hash = zeroblob(32) WHERE seq = 4", STORE_AUDIT_ALTERED, 4},
        {"UPDATE audit SET before = zeroblob(32) WHERE seq = 4", STORE_AUDIT_ALTERED, 4},
        {"UPDATE audit SET before = x'01' || zeroblob(31) WHERE seq = 1",
         STORE_AUDIT_ALTERED, 1},
        // In the middle; with the gap closed.
        {"DELETE FROM audit WHERE seq = 4", STORE_AUDIT_REMOVED, 5},
        {"DELETE FROM audit WHERE seq = 4; UPDATE audit SET seq = -seq WHERE seq > 4;"
         "UPDATE audit SET seq = -seq - 1 WHERE seq < 0;"
         "UPDATE audit_head SET count = 9",
         STORE_AUDIT_ALTERED, 4},
        // Two of them changed places.
        {"UPDATE audit SET seq = 0 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5;"
         "UPDATE audit SET seq = 5 WHERE seq = 0",
         STORE_AUDIT_ALTERED, 4},
        // The beginning, without a row that says so.
        {"DELETE FROM audit WHERE seq < 4", STORE_AUDIT_REMOVED, 4},
        {"DELETE FROM audit WHERE seq < 4; UPDATE audit_head SET first = 4, count = 7",
         STORE_AUDIT_REMOVED, 4},
        // The end, also with a head that agrees.
        {"DELETE FROM audit WHERE seq > 8", STORE_AUDIT_CUT, 9},
        {"DELETE FROM audit", STORE_AUDIT_CUT, 1},
        {"DELETE FROM audit WHERE seq > 8; UPDATE audit_head SET count = 8",
         STORE_AUDIT_CUT, 9},
        {"DELETE FROM audit_head", STORE_AUDIT_ADDED, 1},
        // One more.
        {"INSERT INTO audit SELECT 11, at_ms, job, cid, content, sent_hash, verdict,"
         " stage, categories, rules, app, destination, bytes_sent, n, until_seq,"
         " until_ms, hash, hash FROM audit WHERE seq = 10",
         STORE_AUDIT_ADDED, 11},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct kit k;
        kit_init(&k);
        kit_must_open(&k);
        add_some(&k, 10);
        kit_sql(&k, UNLOCK);
        kit_sql(&k, cases[i].sql);
        assert_fault(&k, cases[i].fault, cases[i].seq);
        // Work goes on, and what comes later does not hide it.
        add(&k, "allow", "later", 0);
        struct store_audit_verify v = {0};
        assert_int_equal(kit_audit_verify(&k, &v), 0);
        assert_int_not_equal(v.fault, STORE_AUDIT_SOUND);
        kit_fini(&k);
    }
}

// The head counts too few: nothing was lost, and the next row puts it right.
static void a_wrong_count_is_found(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    add_some(&k, 10);
    kit_sql(&k, "UPDATE audit_head SET count = 9");
    assert_fault(&k, STORE_AUDIT_ADDED, 10);
    add(&k, "allow", "later", 0);
    assert_sound(&k, 11);
    kit_fini(&k);
}

static void a_noted_hash_finds_a_chain_made_anew(void **state)
{
    (void)state;
    struct kit k;
    char noted[65];
    kit_init(&k);
    kit_must_open(&k);
    struct store_audit_verify v = {0};
    assert_int_equal(kit_audit_verify(&k, &v), 0);
    char empty[65];
    memcpy(empty, v.head, sizeof(empty));
    add_some(&k, 5);
    assert_int_equal(kit_audit_verify(&k, &v), 0);
    memcpy(noted, v.head, sizeof(noted));
    assert_int_equal(strlen(noted), 64);
    add_some(&k, 5);
    v = (struct store_audit_verify){.expected = noted};
    assert_int_equal(kit_audit_verify(&k, &v), 0);
    assert_int_equal(v.fault, STORE_AUDIT_SOUND);
    assert_true(v.has_expected);
    assert_int_equal(v.expected_seq, 5);
    assert_int_equal(v.last_seq, 10);
    v = (struct store_audit_verify){.expected = empty};
    assert_int_equal(kit_audit_verify(&k, &v), 0);
    assert_int_equal(v.fault, STORE_AUDIT_SOUND);
    // Everything is gone, and begins anew as if nothing had been.
    kit_sql(&k, UNLOCK "DELETE FROM audit;"
                       "UPDATE audit_head SET first = 1, count = 0, hash = zeroblob(32)");
    add_some(&k, 10);
    assert_sound(&k, 10);
    noted[0] = noted[0] == '0' ? '1' : '0';
    v = (struct store_audit_verify){.expected = noted};
    assert_int_equal(kit_audit_verify(&k, &v), 0);
    assert_int_equal(v.fault, STORE_AUDIT_UNKNOWN);
    assert_int_equal(v.bad_seq, 0);
    static const char not_hex[] = "zz34567890123456789012345678901234567890123456789"
                                  "0123456789012345";
    static const char *const bad[] = {"", "12", "xyz", not_hex};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        v = (struct store_audit_verify){.expected = bad[i]};
        assert_int_equal(kit_audit_verify(&k, &v), E_USAGE);
    }
    kit_fini(&k);
}

// ---- retention

static void prune(struct kit *k)
{
    // What comes once an hour, until nothing is left to do.
    k->store->upkeep.full_due_ms = k->store->upkeep.due_ms = 0;
    for (int i = 0; i < 200; i++) {
        store_tick(k->store, INT64_MAX / 2);
        while (k->store->upkeep.is_under_way) {
            uv_run(&k->loop->uv, UV_RUN_ONCE);
        }
        if (!k->store->upkeep.has_more) {
            return;
        }
        k->store->upkeep.due_ms = 0;
    }
    fail_msg("it does not come to an end");
}

static void old_rows_are_pruned_and_the_chain_stays_whole(void **state)
{
    (void)state;
    struct kit k;
    char noted[65];
    kit_init(&k);
    k.config.audit_keep_ms = 10 * DAY_MS;
    kit_must_open(&k);
    int64_t now_ms = loop_wall_ms();
    for (int i = 0; i < 2500; i++) {
        add(&k, "allow", "Old", now_ms - 20 * DAY_MS + i);
    }
    struct store_audit_verify v = {0};
    assert_int_equal(kit_audit_verify(&k, &v), 0);
    memcpy(noted, v.head, sizeof(noted));
    add(&k, "allow", "New", now_ms - 9 * DAY_MS);
    prune(&k);
    assert_int_equal(kit_sql_int(&k, "SELECT min(seq) FROM audit"), 2501);
    v = (struct store_audit_verify){.expected = noted};
    assert_int_equal(kit_audit_verify(&k, &v), 0);
    assert_int_equal(v.fault, STORE_AUDIT_SOUND);
    assert_int_equal(v.rows, 2);
    assert_int_equal(v.first_seq, 2501);
    assert_int_equal(v.pruned, 2500);
    assert_int_equal(v.pruned_until_ms, now_ms - 20 * DAY_MS + 2499);
    assert_int_equal(v.expected_seq, 2500);
    struct store_audit_list l = {.limit = 10};
    assert_int_equal(kit_audit_list(&k, &l), 0);
    assert_int_equal(l.n, 2);
    assert_string_equal(l.rows[0].verdict, "prune");
    assert_int_equal(l.rows[0].n, 2500);
    assert_int_equal(l.rows[0].until_seq, 2500);
    store_audit_list_fini(&l);
    // Nothing more to do: no row that says so.
    prune(&k);
    assert_sound(&k, 2);
    // One more time, the row of the first time goes too.
    k.store->writer.audit_keep_ms = 1;
    for (int i = 0; i < 5; i++) {
        add(&k, "allow", "Old", now_ms - 8 * DAY_MS);
    }
    prune(&k);
    v = (struct store_audit_verify){0};
    assert_int_equal(kit_audit_verify(&k, &v), 0);
    assert_int_equal(v.fault, STORE_AUDIT_SOUND);
    assert_int_equal(v.pruned, 2507);
    assert_int_equal(v.rows, 1);
    kit_assert_consistent(&k);
    // Who takes away more than that is found.
    add_some(&k, 3);
    kit_sql(&k, UNLOCK "DELETE FROM audit WHERE seq = 2508;"
                       "UPDATE audit_head SET first = 2509, count = count - 1");
    assert_fault(&k, STORE_AUDIT_REMOVED, 2509);
    kit_fini(&k);
}

// Killed between the decision and the removal: those before the head are not there.
static void pruned_rows_that_still_stand_do_not_count(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    k.config.audit_keep_ms = 10 * DAY_MS;
    kit_must_open(&k);
    int64_t now_ms = loop_wall_ms();
    for (int i = 0; i < 30; i++) {
        add(&k, "allow", "Old", now_ms - 20 * DAY_MS + i);
    }
    kit_sql(&k, "CREATE TRIGGER stop BEFORE DELETE ON audit BEGIN"
                " SELECT RAISE(IGNORE); END");
    prune(&k);
    kit_sql(&k, "DROP TRIGGER stop");
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM audit"), 31);
    assert_sound(&k, 1);
    struct store_audit_list l = {.limit = 100};
    assert_int_equal(kit_audit_list(&k, &l), 0);
    assert_int_equal(l.n, 1);
    store_audit_list_fini(&l);
    struct store_audit_totals t = {0};
    assert_int_equal(kit_audit_totals(&k, &t), 0);
    assert_int_equal(t.rows, 1);
    store_audit_totals_fini(&t);
    // The end of a short process does it too.
    kit_close(&k);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM audit"), 1);
    kit_must_open(&k);
    assert_sound(&k, 1);
    kit_fini(&k);
}

static void without_retention_nothing_is_pruned(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    add_some(&k, 3);
    prune(&k);
    assert_sound(&k, 3);
    kit_fini(&k);
}

// ---- faults and other processes

static void on_append(struct store_audit_append *r, int err)
{
    (void)r;
    (void)err;
}

static void on_verified(struct store_audit_verify *r, int err)
{
    (void)r;
    (void)err;
}

// The requests of a group are done once more when one of them is at fault.
static void a_group_that_starts_over_writes_each_row_once(void **state)
{
    (void)state;
    enum { N = 40 };
    static struct store_audit_append a[N];
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    kit_sql(&k, "CREATE TRIGGER trap BEFORE INSERT ON audit WHEN new.app = 'bad' BEGIN"
                " SELECT RAISE(FAIL, 'trap'); END");
    for (int i = 0; i < N; i++) {
        memset(&a[i], 0, sizeof(a[i]));
        a[i].row.verdict = "allow";
        a[i].row.app = i == 20 ? "bad" : "good";
    }
    for (int i = 0; i < N; i++) {
        store_audit_append(k.store, &a[i], on_append);
    }
    kit_close(&k);
    kit_must_open(&k);
    assert_int_equal(a[20].err.code, E_STORE);
    assert_sound(&k, N - 1);
    kit_fini(&k);
}

static int run_racer(const char *path)
{
    struct kit k = {0};
    if (loop_init(&k.own_loop)) {
        return 5;
    }
    k.loop = &k.own_loop;
    k.config = (struct store_config){.path = path, .min_free_bytes = 1};
    if (kit_open(&k)) {
        return 6;
    }
    for (int i = 0; i < RACE_ROWS; i++) {
        struct store_audit_append a = {.row = {.verdict = "allow", .stage = "send"}};
        if (kit_audit_append(&k, &a)) {
            return 7;
        }
    }
    kit_close(&k);
    return loop_fini(&k.own_loop) ? 4 : 0;
}

static void processes_share_one_chain(void **state)
{
    (void)state;
    extern char **environ;
    struct kit k;
    pid_t pids[RACERS];
    kit_init(&k);
    kit_must_open(&k);
    char *argv[] = {"test_audit", "racer", k.path, NULL};
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(
            posix_spawn(&pids[i], "/proc/self/exe", NULL, NULL, argv, environ), 0);
    }
    add_some(&k, RACE_ROWS);
    for (int i = 0; i < RACERS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_sound(&k, (RACERS + 1) * RACE_ROWS);
    kit_fini(&k);
}

static void fill(struct kit *k)
{
    static struct store_audit_row rows[100];
    for (int i = 0; i < 100; i++) {
        rows[i] = (struct store_audit_row){.verdict = i % 10 ? "allow" : "mask",
                                           .stage = "send",
                                           .categories = "card=1",
                                           .app = "Editor",
                                           .at_ms = 1000 + i};
    }
    for (int i = 0; i < MANY_ROWS / 100; i++) {
        struct store_release r = {.id = 1, .audit = rows, .n_audit = 100};
        assert_int_equal(kit_release(k, &r), 0);
    }
}

// Larger than a part, so that it goes through several; a new row comes meanwhile.
static void many_rows_are_verified_in_parts(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    fill(&k);
    assert_sound(&k, MANY_ROWS);
    struct store_audit_totals t = {0};
    assert_int_equal(kit_audit_totals(&k, &t), 0);
    assert_int_equal(t.rows, MANY_ROWS);
    assert_int_equal(total(&t, STORE_BY_CATEGORY, "card")->findings, MANY_ROWS);
    store_audit_totals_fini(&t);
    kit_sql(&k, UNLOCK "UPDATE audit SET app = 'x' WHERE seq = 17001");
    assert_fault(&k, STORE_AUDIT_ALTERED, 17001);
    // Rows that are pruned while it goes on: what stays is verified.
    kit_sql(&k, "UPDATE audit SET app = 'Editor' WHERE seq = 17001");
    struct store_audit_verify v = {0};
    store_audit_verify(k.store, &v, on_verified);
    k.store->writer.audit_keep_ms = 1;
    prune(&k);
    while (v.walk) {
        uv_run(&k.loop->uv, UV_RUN_ONCE);
    }
    assert_int_equal(v.err.code, 0);
    if (v.fault != STORE_AUDIT_SOUND) {
        fail_msg("%s at %lld", store_audit_fault_name(v.fault), (long long)v.bad_seq);
    }
    kit_fini(&k);
}

static void closing_ends_a_verification(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    fill(&k);
    struct store_audit_verify v = {0};
    store_audit_verify(k.store, &v, on_verified);
    kit_close(&k);
    assert_null(v.walk);
    assert_int_equal(v.err.code, E_CANCELED);
    kit_fini(&k);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "racer") == 0) {
        return run_racer(argv[2]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_is_what_the_header_says),
        cmocka_unit_test(rows_are_kept_with_what_they_are_about),
        cmocka_unit_test(texts_have_a_bound),
        cmocka_unit_test(lists_go_by_time),
        cmocka_unit_test(totals_add_up),
        cmocka_unit_test(rows_are_not_changed_by_mistake),
        cmocka_unit_test(every_change_is_found),
        cmocka_unit_test(a_wrong_count_is_found),
        cmocka_unit_test(a_noted_hash_finds_a_chain_made_anew),
        cmocka_unit_test(old_rows_are_pruned_and_the_chain_stays_whole),
        cmocka_unit_test(pruned_rows_that_still_stand_do_not_count),
        cmocka_unit_test(without_retention_nothing_is_pruned),
        cmocka_unit_test(a_group_that_starts_over_writes_each_row_once),
        cmocka_unit_test(processes_share_one_chain),
        cmocka_unit_test(many_rows_are_verified_in_parts),
        cmocka_unit_test(closing_ends_a_verification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
