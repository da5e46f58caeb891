// storekit.c -- what the tests of the store share.
// SPDX-License-Identifier: MIT
#include "store/storekit.h"

#include <ftw.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void kit_init(struct kit *k)
{
    memset(k, 0, sizeof(*k));
    // In memory where there is such a place: what is tested is order, not the disk.
    snprintf(k->folder, sizeof(k->folder), "%s/vlmd-store-XXXXXX",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    assert_non_null(mkdtemp(k->folder));
    snprintf(k->path, sizeof(k->path), "%s/db/vlmd.db", k->folder);
    assert_int_equal(loop_init(&k->own_loop), 0);
    k->loop = &k->own_loop;
    k->config.path = k->path;
    k->config.min_free_bytes = 1;
    // A sanitizer is slow; tests of deadlines set their own.
    k->config.read_deadline_ms = 60000;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void kit_fini(struct kit *k)
{
    if (k->store) {
        kit_close(k);
    }
    assert_int_equal(loop_fini(&k->own_loop), 0);
    nftw(k->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int kit_open(struct kit *k)
{
    memset(&k->err, 0, sizeof(k->err));
    return store_open(&k->store, k->loop, &k->config, &k->err);
}

void kit_must_open(struct kit *k)
{
    if (kit_open(k)) {
        fail_msg("%s", k->err.msg);
    }
}

static void on_closed(void *arg)
{
    *(int *)arg = 1;
}

void kit_close(struct kit *k)
{
    int is_closed = 0;
    store_close(k->store, on_closed, &is_closed);
    kit_spin(k, &is_closed);
    k->store = NULL;
}

void kit_spin(struct kit *k, const int *is_done)
{
    while (!*is_done) {
        uv_run(&k->loop->uv, UV_RUN_ONCE);
    }
}

static int is_answered, answered_with;

static void take(int err, const struct err *e, struct kit *k)
{
    is_answered = 1;
    answered_with = err;
    (void)e;
    (void)k;
}

static struct kit *current;

#define CALL(type, verb, name)                                                           \
    static void on_##name(struct type *r, int err)                                       \
    {                                                                                    \
        current->err = r->err;                                                           \
        take(err, &r->err, current);                                                     \
    }                                                                                    \
    int kit_##name(struct kit *k, struct type *r)                                        \
    {                                                                                    \
        current = k;                                                                     \
        is_answered = 0;                                                                 \
        verb(k->store, r, on_##name);                                                    \
        assert_int_equal(is_answered, 0);                                                \
        kit_spin(k, &is_answered);                                                       \
        return answered_with;                                                            \
    }

CALL(store_claim, store_claim, claim)
CALL(store_save, store_save, save)
CALL(store_release, store_release, release)
CALL(store_pause, store_pause, pause)
CALL(store_renew, store_renew, renew)
CALL(store_similar, store_similar, similar)
CALL(store_query, store_query, query)
CALL(store_history, store_history, history)
CALL(store_counts, store_count, count)
CALL(store_change, store_change, change)
CALL(store_check, store_check, check)
CALL(store_batch, store_batch_open, batch)
CALL(store_offer, store_offer, offer_all)
CALL(store_publish, store_publish, publish)
CALL(store_workers, store_workers, workers)
CALL(store_forget, store_forget, forget)
CALL(store_audit_append, store_audit_append, audit_append)
CALL(store_audit_list, store_audit_list, audit_list)
CALL(store_audit_totals, store_audit_totals, audit_totals)
CALL(store_audit_verify, store_audit_verify, audit_verify)
CALL(store_profile, store_profile_keep, profile_keep)
CALL(store_profile, store_profile_find, profile_find)
CALL(store_profiles, store_profiles, profiles)
CALL(store_usage_add, store_usage_add, usage_add)
CALL(store_usage_read, store_usage_read, usage_read)
CALL(store_stats, store_stats, stats)
CALL(store_series_add, store_series_add, series_add)
CALL(store_series_read, store_series_read, series_read)

int kit_offer_item(struct kit *k, struct store_item *i, int64_t batch)
{
    struct store_offer o = {.items = i, .n = 1, .batch = batch};
    return kit_offer_all(k, &o);
}

int64_t kit_offer(struct kit *k, const char *path, int64_t size, int64_t mtime)
{
    struct store_item i = {
        .path = path, .size_bytes = size, .mtime_ns = mtime, .priority = STORE_LIVE};
    if (kit_offer_item(k, &i, 0)) {
        fail_msg("%s", k->err.msg);
    }
    return i.id;
}

int64_t kit_claim_one(struct kit *k)
{
    struct store_claim c = {.max = 1};
    if (kit_claim(k, &c)) {
        fail_msg("%s", k->err.msg);
    }
    int64_t id = c.n ? c.jobs[0].id : 0;
    store_claim_fini(&c);
    return id;
}

struct store_row *kit_row(struct kit *k, struct store_query *q, int64_t id)
{
    *q = (struct store_query){.filter.id = id, .limit = 1};
    if (kit_query(k, q)) {
        fail_msg("%s", k->err.msg);
    }
    return q->n ? &q->rows[0] : NULL;
}

struct store_result kit_result(const char *model, const char *summary)
{
    return (struct store_result){
        .backend = "local",
        .model = model,
        .prompt = "p/1",
        .params = "",
        .tier = "standard",
        .summary = summary,
        .activity = "testing",
        .app = "Seen",
        .details = "",
        .tags = "[\"one\", \"two\"]",
        .text = "",
        .raw = "{\"summary\": \"...\"}",
        .finish_reason = "stop",
        .prompt_tokens = 100,
        .completion_tokens = 10,
    };
}

struct store_save kit_answer(int64_t id, uint8_t byte, const struct store_result *r)
{
    struct store_save s = {.id = id, .outcome = STORE_ANSWERED, .result = r};
    s.has_image = true;
    memset(s.content, byte, sizeof(s.content));
    memset(s.sent_hash, byte ^ 0xff, sizeof(s.sent_hash));
    s.width = 1920;
    s.height = 1080;
    s.sent_width = 768;
    s.sent_height = 432;
    s.sent_bytes = 40000;
    s.size_bytes = 10;
    s.mtime_ns = 1000000;
    return s;
}

int64_t kit_described(struct kit *k, const char *path, uint8_t byte, const char *summary)
{
    struct store_result r = kit_result("model-a", summary);
    int64_t id = kit_offer(k, path, 10, 1000000);
    assert_int_equal(kit_claim_one(k), id);
    struct store_save s = kit_answer(id, byte, &r);
    if (kit_save(k, &s) || s.lost) {
        fail_msg("%s", k->err.msg);
    }
    return id;
}

const char *kit_search(struct kit *k, const char *text)
{
    static char found[512];
    struct store_query q = {.filter.text = text, .limit = 50};
    if (kit_query(k, &q)) {
        return "error";
    }
    found[0] = 0;
    for (int i = 0; i < q.n; i++) {
        size_t len = strlen(found);
        snprintf(found + len, sizeof(found) - len, "%s%lld", len ? " " : "",
                 (long long)q.rows[i].id);
    }
    store_query_fini(&q);
    return found;
}

static sqlite3 *beside(struct kit *k)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(k->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    return db;
}

static int64_t int_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    int64_t value = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
    sqlite3_finalize(st);
    return value;
}

int64_t kit_sql_int(struct kit *k, const char *sql)
{
    sqlite3 *db = beside(k);
    int64_t value = int_of(db, sql);
    sqlite3_close(db);
    return value;
}

void kit_sql(struct kit *k, const char *sql)
{
    sqlite3 *db = beside(k);
    char *words = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &words) != SQLITE_OK) {
        fail_msg("%s: %s", sql, words);
    }
    sqlite3_close(db);
}

void kit_assert_consistent(struct kit *k)
{
    static const char *const none[] = {
        "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
        // Tallies, of the whole and of batches, both ways.
        "SELECT count(*) FROM (SELECT tally, count(*) AS n FROM job GROUP BY 1"
        " EXCEPT SELECT key, n FROM tally WHERE batch = 0)",
        "SELECT count(*) FROM (SELECT key, n FROM tally WHERE batch = 0 AND key >= 0"
        " AND n <> 0 EXCEPT SELECT tally, count(*) FROM job GROUP BY 1)",
        "SELECT count(*) FROM (SELECT batch, tally, count(*) AS n FROM job JOIN member"
        " ON job = id GROUP BY 1, 2 EXCEPT SELECT batch, key, n FROM tally)",
        "SELECT count(*) FROM (SELECT batch, key, n FROM tally WHERE batch > 0"
        " AND key >= 0 AND n <> 0 EXCEPT SELECT batch, tally, count(*) FROM job"
        " JOIN member ON job = id GROUP BY 1, 2)",
        "SELECT count(*) FROM member LEFT JOIN job ON job = id"
        " WHERE is_open IS NOT (state < 2) OR NOT is_member",
        // Duplicates show what their holder shows, holders stand in the index.
        "SELECT count(*) FROM job c LEFT JOIN job h ON h.id = c.duplicate_of"
        " WHERE c.duplicate_of IS NOT NULL AND (h.id IS NULL OR h.duplicate_of IS NOT "
        "NULL"
        " OR h.result IS NOT c.result OR c.has_doc)",
        "SELECT count(*) FROM job WHERE has_doc <> (result IS NOT NULL"
        " AND duplicate_of IS NULL)",
        "SELECT count(*) FROM job WHERE result IS NOT NULL"
        " AND result NOT IN (SELECT id FROM result)",
        "SELECT count(*) FROM job JOIN result r ON r.id = result"
        " WHERE job.is_degraded <> r.is_degraded",
        "SELECT count(*) FROM job WHERE (state = 1) <> (owner > 0)"
        " OR (state = 2) <> (outcome > 0) OR (state <> 1 AND asking IS NOT NULL)",
        "SELECT count(*) FROM attempt WHERE job NOT IN (SELECT id FROM job)",
        "SELECT count(*) FROM frame WHERE job NOT IN (SELECT id FROM job)",
        "SELECT count(*) FROM frame WHERE job IN (SELECT id FROM job WHERE result IS "
        "NULL)",
        "SELECT count(*) FROM audit_head WHERE first + count - 1 <>"
        " (SELECT ifnull(max(seq), 0) FROM audit)",
        "SELECT count(*) FROM job WHERE at_ms <>"
        " CASE WHEN taken_at > 0 THEN taken_at ELSE seen_at END",
    };
    kit_sql(k, "INSERT INTO search(search, rank) VALUES ('integrity-check', 1)");
    sqlite3 *db = beside(k);
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        if (int_of(db, none[i]) != 0) {
            fail_msg("not consistent: %s", none[i]);
        }
    }
    sqlite3_close(db);
}
