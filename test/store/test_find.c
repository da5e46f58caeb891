// test_find.c -- what a person types, filters, pages, plans, deadlines.
// SPDX-License-Identifier: MIT
#include "store/address.h"
#include "store/filter.h"
#include "store/storekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
    struct kit *k = malloc(sizeof(*k));
    kit_init(k);
    kit_must_open(k);
    *state = k;
    return 0;
}

static int tear_down(void **state)
{
    struct kit *k = *state;
    kit_fini(k);
    free(k);
    return 0;
}

// Ids of an answer as "3 2 1".
static const char *found(struct kit *k, struct store_query *q)
{
    static char out[256];
    q->limit = q->limit ? q->limit : 100;
    if (kit_query(k, q)) {
        return err_name(k->err.code);
    }
    out[0] = 0;
    for (int i = 0; i < q->n; i++) {
        size_t len = strlen(out);
        snprintf(out + len, sizeof(out) - len, "%s%lld", len ? " " : "",
                 (long long)q->rows[i].id);
    }
    store_query_fini(q);
    return out;
}

static const char *find(struct kit *k, struct store_filter filter)
{
    struct store_query q = {.filter = filter};
    return found(k, &q);
}

// ---- words

static void words_become_expressions(void **state)
{
    (void)state;
    const struct {
        const char *typed, *with, *without;
    } cases[] = {
        {"", "", ""},
        {"  \t\n ", "", ""},
        {"one", "\"one\"*", ""},
        {"one two", "\"one\" \"two\"*", ""},
        {"one two ", "\"one\" \"two\"*", ""},
        {"ab", "\"ab\"", ""},
        {"ab*", "\"ab\"*", ""},
        {"one* two", "\"one\"* \"two\"*", ""},
        {"*", "\"*\"", ""},
        {"\"one two\"", "\"one two\"", ""},
        {"\"one two", "\"one two\"", ""},
        {"one -two", "\"one\"", "\"two\""},
        {"-one -\"two three\" four", "\"four\"*", "\"one\" OR \"two three\""},
        {"-", "\"-\"", ""},
        {"- one", "\"-\" \"one\"*", ""},
        {"--one", "", "\"-one\""},
        {"foo\"bar baz\"qux", "\"foo\" \"bar baz\" \"qux\"*", ""},
        {"\"", "\"\"", ""},
        {"AND OR NOT NEAR(a b)", "\"AND\" \"OR\" \"NOT\" \"NEAR(a\" \"b)\"", ""},
        {"summary:x ^y {z}", "\"summary:x\" \"^y\" \"{z}\"*", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct words w;
        struct err e = {0};
        assert_int_equal(words_parse(cases[i].typed, &w, &e), 0);
        assert_string_equal(buf_str(&w.with), cases[i].with);
        assert_string_equal(buf_str(&w.without), cases[i].without);
        bool was_open = w.ends_open;
        words_close(&w);
        assert_int_equal(was_open, w.with.len < strlen(cases[i].with));
        words_close(&w);
        assert_int_equal(was_open, w.with.len < strlen(cases[i].with));
        words_fini(&w);
    }
    struct words w;
    struct err e = {0};
    char many[400];
    for (size_t i = 0; i < sizeof(many); i += 4) {
        memcpy(many + i, "abc ", 4);
    }
    many[sizeof(many) - 1] = 0;
    assert_int_equal(words_parse(many, &w, &e), E_USAGE);
    assert_non_null(strstr(e.msg, "64 words"));
    words_fini(&w);
    char *large = malloc(5000);
    memset(large, 'x', 4999);
    large[4999] = 0;
    assert_int_equal(words_parse(large, &w, &e), E_USAGE);
    words_fini(&w);
    free(large);
    assert_true(words_is_indexed("C++"));
    assert_false(words_is_indexed("+-*"));
}

// A list's statement is kept for the next one: with other values, and other rows by now.
static void the_same_list_again_shows_what_is_there_now(void **state)
{
    struct kit *k = *state;
    struct store_query one = {.limit = 1}, two = {.limit = 2};
    kit_described(k, "/1", 1, "a red house by the sea");
    for (int i = 0; i < 2; i++) {
        assert_string_equal(find(k, (struct store_filter){.path = "/1"}), "1");
        assert_string_equal(find(k, (struct store_filter){.path = "/2"}), "");
    }
    kit_described(k, "/2", 2, "a red car");
    assert_string_equal(find(k, (struct store_filter){.path = "/2"}), "2");
    assert_string_equal(found(k, &one), "2");
    assert_string_equal(found(k, &two), "2 1");
    assert_string_equal(find(k, (struct store_filter){.path = "/1"}), "1");
}

static void text_finds_what_it_says(void **state)
{
    struct kit *k = *state;
    kit_described(k, "/1", 1, "a red house by the sea");
    kit_described(k, "/2", 2, "a red car, caf\xc3\xa9 in front");
    kit_described(k, "/3", 3, "the sea and a house");
    const struct {
        const char *typed, *ids;
    } cases[] = {
        {"house", "3 1"},
        {"HOUSE", "3 1"},
        {"hou", "3 1"},   // the last word as a beginning
        {"hou sea", ""},  // not the others
        {"hou* sea", "3 1"},
        {"red house", "1"},
        {"\"red house\"", "1"},
        {"\"house red\"", ""},
        {"house -red", "3"},
        {"house -\"the sea\"", ""},
        {"-red", "3"},
        {"-red -house", ""},
        {"cafe", "2"},
        {"house +++", "3 1"},  // nothing to look for in a word: as if not typed
        {"+++", ""},
        {"\"", ""},
        {"", "3 2 1"},
        {"nosuchword", ""},
        {"testing", "3 2 1"},  // activity
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(kit_search(k, cases[i].typed), cases[i].ids);
    }
}

// Enough hits of its own: a word is not a beginning any more.
static void a_frequent_word_is_meant_as_it_stands(void **state)
{
    struct kit *k = *state;
    kit_described(k, "/1", 1, "carpet");
    kit_described(k, "/2", 2, "car");
    assert_string_equal(kit_search(k, "car"), "2 1");
    kit_sql(
        k, "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
           " INSERT INTO job(cid, path, size, mtime, is_url, queued_at, seen_at, state,"
           " outcome, has_doc, result) SELECT i, '/' || i, 1, 1, 0, i, i, 2, 1, 1, 2"
           " FROM n;"
           "INSERT INTO search(rowid, body, app, window, tags)"
           " SELECT id, body, app, window, tags FROM doc WHERE id > 2");
    for (int i = 0; i < 2; i++) {
        struct store_query q = {.limit = 400, .filter.text = i ? "car*" : "car"};
        assert_int_equal(kit_query(k, &q), 0);
        assert_int_equal(q.n, i ? 300 : 299);
        store_query_fini(&q);
    }
}

static void anything_may_be_typed(void **state)
{
    struct kit *k = *state;
    kit_described(k, "/1", 1, "a red house by the sea");
    static const char pieces[][8] = {
        "\"",  "'",  "*",   "-",    "(", ")",   "{",    "}",        ":",    "^",  "+",
        "AND", "OR", "NOT", "NEAR", "a", "red", " ",    "\t",       "\xff", "\\", "%",
        ";",   "--", "/*",  "\"\"", ",", ".",   "\x02", "\xe2\x82", "[",    "]"};
    uint32_t seed = 12345;
    for (int i = 0; i < 1200; i++) {
        char typed[128] = "";
        size_t len = 0;
        for (int n = (int)(seed >> 8) % 12; n >= 0; n--) {
            seed = seed * 1664525 + 1013904223;
            len += (size_t)snprintf(typed + len, sizeof(typed) - len, "%s",
                                    pieces[(seed >> 16) % 32]);
        }
        struct store_query q = {.limit = 5, .filter.text = typed, .order = i % 3};
        if (i % 4 == 0) {
            q.filter.tag = typed;
        }
        if (i % 5 == 0) {
            q.filter.app = typed;
        }
        if (i % 7 == 0) {
            q.filter.path = typed;
        }
        if (kit_query(k, &q)) {
            fail_msg("<%s>: %s", typed, k->err.msg);
        }
        store_query_fini(&q);
    }
}

static void hits_are_marked(void **state)
{
    struct kit *k = *state;
    kit_described(k, "/1", 1, "a red house by the sea");
    struct store_query q = {.filter.text = "house", .limit = 1};
    assert_int_equal(kit_query(k, &q), 0);
    assert_non_null(strstr(q.rows[0].snippet, "red \x02house\x03 by"));
    store_query_fini(&q);
    q = (struct store_query){.limit = 1};
    assert_int_equal(kit_query(k, &q), 0);
    assert_string_equal(q.rows[0].snippet, "");
    store_query_fini(&q);
    q = (struct store_query){.filter.text = "house", .limit = 1, .order = STORE_RANK};
    assert_int_equal(kit_query(k, &q), 0);
    assert_non_null(strstr(q.rows[0].snippet, "\x02house\x03"));
    store_query_fini(&q);
}

static void the_best_come_first_when_asked(void **state)
{
    struct kit *k = *state;
    kit_described(k, "/1", 1, "house house house");
    kit_described(k, "/2", 2,
                  "a house among many other things that are not it at all, far");
    struct store_query q = {.filter.text = "house", .order = STORE_RANK};
    assert_string_equal(found(k, &q), "1 2");
    q.order = STORE_NEWEST;
    assert_string_equal(found(k, &q), "2 1");
    q.order = STORE_OLDEST;
    assert_string_equal(found(k, &q), "1 2");
    q = (struct store_query){.order = STORE_RANK};
    assert_string_equal(found(k, &q), "2 1");
}

// ---- filters

static int64_t describe(struct kit *k, const char *path, const char *app,
                        int64_t taken_at_ms, const char *tags)
{
    struct store_item i = {.path = path,
                           .size_bytes = 10,
                           .mtime_ns = 1000000,
                           .meta = {.app = app, .taken_at_ms = taken_at_ms}};
    assert_int_equal(kit_offer_item(k, &i, 0), 0);
    assert_int_equal(kit_claim_one(k), i.id);
    struct store_result r = kit_result("m", "words");
    r.tags = tags;
    struct store_save s = kit_answer(i.id, (uint8_t)i.id, &r);
    assert_int_equal(kit_save(k, &s), 0);
    return i.id;
}

static void filters_say_what_they_mean(void **state)
{
    struct kit *k = *state;
    struct store_batch b = {.key = "b"};
    assert_int_equal(kit_batch(k, &b), 0);
    describe(k, "/a/1.png", "Firefox", 1000, "[\"code\", \"C++\"]");     // 1
    describe(k, "/a/2.png", "firefox", 2000, "[\"mail\"]");              // 2
    describe(k, "/a/b/3.png", "Code", 3000, "not json");                 // 3
    describe(k, "/ab/4.jpg", "Code editor", 4000, "[\"source code\"]");  // 4
    struct store_item item = {.path = "/a[1]/5.png", .size_bytes = 1};   // 5, queued
    assert_int_equal(kit_offer_item(k, &item, b.id), 0);
    kit_offer(k, "/z/6.png", 1, 1);  // 6, failed
    assert_int_equal(kit_claim_one(k), 6);
    struct store_save s = {
        .id = 6, .outcome = STORE_FAILED, .code = E_CORRUPT, .reason = "x"};
    assert_int_equal(kit_save(k, &s), 0);
    kit_offer(k, "/z/7.png", 1, 1);  // 7, leased
    assert_int_equal(kit_claim_one(k), 7);
    const struct {
        struct store_filter filter;
        const char *ids;
    } cases[] = {
        {{0}, "7 6 5 4 3 2 1"},
        {{.app = "FIREFOX"}, "2 1"},
        {{.app = "code"}, "3"},
        {{.app = "code", .text = "words"}, "3"},
        {{.app = "+"}, ""},
        {{.tag = "code"}, "1"},
        {{.tag = "CODE"}, "1"},
        {{.tag = "c++"}, "1"},
        {{.tag = "source code"}, "4"},
        {{.tag = "++"}, ""},
        {{.tag = "mail", .text = "words"}, "2"},
        {{.path = "/a"}, "3 2 1"},
        {{.path = "/a/"}, "3 2 1"},
        {{.path = "/"}, "7 6 5 4 3 2 1"},
        {{.path = "/a/1.png"}, "1"},
        {{.path = "/a/*.png"}, "3 2 1"},
        {{.path = "*.jpg"}, "4"},
        {{.path = "/a/?.png"}, "2 1"},
        {{.path = "/a[1]"}, ""},
        {{.path = "/a[1]/5.png"}, "5"},
        {{.path = "/a", .app = "code"}, "3"},
        {{.path = "/nowhere"}, ""},
        {{.id = 3}, "3"},
        {{.id = 3, .text = "words"}, "3"},
        {{.id = 3, .text = "absent"}, ""},
        {{.id = 99}, ""},
        {{.since_ms = 2000, .until_ms = 4000}, "3 2"},
        {{.since_ms = 5000}, "7 6 5"},
        {{.until_ms = 1001}, "1"},
        {{.until_ms = 1001, .text = "words"}, "1"},
        {{.states = 1u << STORE_QUEUED}, "5"},
        {{.states = 1u << STORE_QUEUED | 1u << STORE_LEASED}, "7 5"},
        {{.states = 1u << STORE_ENDED}, "6 4 3 2 1"},
        {{.states = 7}, "7 6 5 4 3 2 1"},
        {{.outcomes = 1u << STORE_FAILED}, "6"},
        {{.outcomes = 1u << STORE_FAILED | 1u << STORE_BLOCKED}, "6"},
        {{.outcomes = 1u << STORE_ANSWERED}, "4 3 2 1"},
        {{.outcomes = 1u << STORE_ANSWERED | 1u << STORE_FAILED}, "6 4 3 2 1"},
        {{.code = E_CORRUPT}, "6"},
        {{.code = E_NET}, ""},
        {{.code = E_CORRUPT, .outcomes = 1u << STORE_SKIPPED}, ""},
        {{.batch = b.id}, "5"},
        {{.batch = b.id, .text = "words"}, ""},
        {{.batch = b.id, .path = "/a[1]/5.png"}, "5"},
        {{.batch = 99}, ""},
        {{.only_degraded = true}, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *ids = find(k, cases[i].filter);
        if (strcmp(ids, cases[i].ids) != 0) {
            fail_msg("case %zu: <%s>, not <%s>: %s", i, ids, cases[i].ids, k->err.msg);
        }
    }
    kit_sql(k, "UPDATE job SET is_degraded = 1 WHERE id IN (2, 4)");
    assert_string_equal(find(k, (struct store_filter){.only_degraded = true}), "4 2");
}

static void pages_follow_each_other(void **state)
{
    struct kit *k = *state;
    char path[16];
    for (int i = 1; i <= 25; i++) {
        snprintf(path, sizeof(path), "/d/%d", i);
        kit_described(k, path, (uint8_t)i, i % 2 ? "odd words" : "even words");
    }
    const struct {
        struct store_filter filter;
        enum store_order order;
        int n;
    } cases[] = {
        {{0}, STORE_NEWEST, 25},
        {{0}, STORE_OLDEST, 25},
        {{.text = "odd"}, STORE_NEWEST, 13},
        {{.text = "even"}, STORE_OLDEST, 12},
        {{.path = "/d"}, STORE_NEWEST, 25},
        {{.since_ms = 1}, STORE_OLDEST, 25},
        {{.states = 4}, STORE_NEWEST, 25},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t after = 0;
        int n = 0;
        bool has_more = true;
        while (has_more) {
            struct store_query q = {.filter = cases[i].filter,
                                    .order = cases[i].order,
                                    .limit = 4,
                                    .after_id = after};
            assert_int_equal(kit_query(k, &q), 0);
            for (int r = 0; r < q.n; r++) {
                int64_t id = q.rows[r].id;
                assert_true(!after ||
                            (cases[i].order == STORE_OLDEST ? id > after : id < after));
                after = id;
                n++;
            }
            has_more = q.has_more;
            store_query_fini(&q);
        }
        assert_int_equal(n, cases[i].n);
    }
}

// ---- plans

// What SQLite does for a statement, one line per step.
static const char *plan_of(struct kit *k, const char *text)
{
    static char plan[4096];
    char explain[16384];
    sqlite3 *db;
    sqlite3_stmt *st;
    size_t len = 0;
    snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", text);
    const struct address_key key = {0};
    assert_int_equal(sqlite3_open(k->path, &db), SQLITE_OK);
    struct db d = {.h = db};
    assert_int_equal(address_teach(&d, &key), 0);
    if (sqlite3_prepare_v2(db, explain, -1, &st, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", text, sqlite3_errmsg(db));
    }
    plan[0] = 0;
    while (sqlite3_step(st) == SQLITE_ROW) {
        len += (size_t)snprintf(plan + len, sizeof(plan) - len, "%s\n",
                                sqlite3_column_text(st, 3));
    }
    sqlite3_finalize(st);
    sqlite3_close(db);
    return plan;
}

static void lists_use_their_indexes(void **state)
{
    struct kit *k = *state;
    const struct {
        struct store_filter filter;
        const char *index;
    } cases[] = {
        {{0}, "SCAN j"},
        {{.cid = 7}, "job_cid (cid=?)"},
        {{.text = "house"}, "SCAN search VIRTUAL TABLE"},
        {{.tag = "house"}, "SCAN search VIRTUAL TABLE"},
        {{.path = "/a"}, "sqlite_autoindex_job_1 (path>? AND path<?)"},
        {{.path = "/a/*.png"}, "sqlite_autoindex_job_1 (path>? AND path<?)"},
        {{.since_ms = 5}, "job_at (at_ms>? AND at_ms<?)"},
        {{.app = "x"}, "job_app (app=?)"},
        {{.code = E_NET}, "job_odd"},
        {{.outcomes = 1u << STORE_FAILED}, "job_odd"},
        {{.only_degraded = true}, "job_degraded"},
        {{.states = 1u << STORE_QUEUED}, "job_aged"},
        {{.batch = 1}, "SEARCH m USING PRIMARY KEY (batch=?)"},
        {{.id = 1}, "SEARCH j USING INTEGER PRIMARY KEY (rowid=?)"},
    };
    struct db d = {0};
    struct err e = {0};
    assert_int_equal(sqlite3_open(k->path, &d.h), SQLITE_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct filter f;
        char text[8192];
        if (filter_build(&f, &d, &cases[i].filter, STORE_NEWEST, &e)) {
            fail_msg("%s %s", e.msg, d.words);
        }
        snprintf(text, sizeof(text),
                 "SELECT %s FROM %s WHERE %s ORDER BY %s DESC LIMIT 9", f.id,
                 buf_str(&f.from), buf_str(&f.where), f.id);
        const char *plan = plan_of(k, text);
        if (!strstr(plan, cases[i].index)) {
            fail_msg("%s\n%s", text, plan);
        }
        // Only small ranges are sorted; everything else comes in order.
        bool is_range = strstr(f.id, "one") != NULL;
        if (!is_range && strstr(plan, "TEMP B-TREE")) {
            fail_msg("%s\n%s", text, plan);
        }
        filter_fini(&f);
    }
    db_close(&d);
}

static void look_ups_use_their_indexes(void **state)
{
    struct kit *k = *state;
    const struct {
        const char *text, *index;
    } cases[] = {
        {"SELECT id FROM job WHERE path = ? AND size = ? AND mtime = ?",
         "sqlite_autoindex_job_1 (path=? AND size=? AND mtime=?)"},
        {"SELECT id, priority FROM job WHERE path = ? AND +state = 0 AND +result IS NULL "
         "LIMIT 1",
         "sqlite_autoindex_job_1 (path=?)"},
        {"SELECT j.id FROM result r CROSS JOIN job j ON j.result = r.id WHERE r.content "
         "= ?"
         " AND r.is_degraded = 0 AND j.id <> ? AND j.duplicate_of IS NULL LIMIT 1",
         "job_result (result=?)"},
        {"SELECT id FROM result WHERE content = ? AND model = 1 AND prompt = 1 AND "
         "params = 0",
         "sqlite_autoindex_result_1 (content=?"},
        {"SELECT id FROM job INDEXED BY job_asking WHERE asking = ? AND id <> ?",
         "job_asking (asking=?"},
        {"UPDATE job SET duplicate_of = ?2 WHERE duplicate_of = ?1", "job_copy"},
        {"SELECT id FROM (SELECT id, priority, newest_ms, queued_at FROM job INDEXED BY"
         " job_ready WHERE state = 0 AND run_at = 0 AND is_degraded = 0 ORDER BY priority"
         " DESC, newest_ms DESC, id DESC LIMIT 5)",
         "job_ready (is_degraded=?)"},
        {"SELECT id FROM job INDEXED BY job_aged WHERE state = 0 AND run_at = 0 AND"
         " is_degraded = 0 ORDER BY queued_at, id LIMIT 5",
         "job_aged (is_degraded=? AND run_at=?)"},
        {"UPDATE job SET state = 0 WHERE state = 1 AND lease_until <= ?", "job_lease"},
        {"SELECT count(*), count(*) FILTER (WHERE outcome BETWEEN 1 AND 3) FROM job "
         "INDEXED"
         " BY job_at WHERE at_ms >= ?1",
         "COVERING INDEX job_at (at_ms>?)"},
    };
    // Statistics must not change the mind of the planner.
    for (int analyzed = 0; analyzed < 2; analyzed++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            const char *plan = plan_of(k, cases[i].text);
            if (!strstr(plan, cases[i].index) || strstr(plan, "TEMP B-TREE")) {
                fail_msg("%s\n%s", cases[i].text, plan);
            }
        }
        kit_described(k, analyzed ? "/2" : "/1", (uint8_t)analyzed, "words");
        kit_sql(k, "ANALYZE");
    }
}

// ---- deadlines

static void fill(struct kit *k, int n)
{
    char sql[512];
    snprintf(
        sql, sizeof(sql),
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO job(cid, path, size, mtime, is_url, queued_at, seen_at, state,"
        " outcome, app) SELECT i, '/some/folder/' || i, 1, 1, 0, i, i, 2, 5, 'x' FROM n",
        n);
    kit_sql(k, sql);
}

static void a_question_that_is_too_much_work_ends(void **state)
{
    struct kit *k = *state;
    fill(k, 100000);
    kit_close(k);
    k->config.read_deadline_ms = 1;
    kit_must_open(k);
    struct store_query q = {.filter.path = "*[a-z]*[0-9]*[0-9]*[0-9]*q*", .limit = 10};
    assert_int_equal(kit_query(k, &q), E_DEADLINE);
    assert_non_null(strstr(k->err.msg, "narrow"));
    assert_null(q.rows);
    // The next one is not harmed, and nothing was held up.
    int64_t id = kit_offer(k, "/after", 1, 1);
    q = (struct store_query){.filter.id = id, .limit = 1};
    assert_int_equal(kit_query(k, &q), 0);
    assert_int_equal(q.n, 1);
    store_query_fini(&q);
}

struct two {
    struct store_query q[4];
    int results[4];
    int n;
};

static struct two two;

static void on_two(struct store_query *r, int err)
{
    two.results[r - two.q] = err;
    two.n++;
}

static void questions_are_canceled_running_or_not(void **state)
{
    struct kit *k = *state;
    fill(k, 100000);
    kit_close(k);
    k->config.read_deadline_ms = 600000;
    k->config.readers = 1;
    kit_must_open(k);
    memset(&two, 0, sizeof(two));
    for (int i = 0; i < 4; i++) {
        // Hours of work, were it not for the cancel.
        two.q[i] = (struct store_query){.limit = 10};
        two.q[i].filter.path = "*0*1*2*3*4*5*6*7*8*9*0*1*2*3*4*5*6*7*8*9*0*q";
        if (i == 3) {
            two.q[i].filter.path = "/some/folder/77";
        }
        store_query(k->store, &two.q[i], on_two);
    }
    store_cancel(k->store, &two.q[1].work);
    store_cancel(k->store, &two.q[0].work);
    store_cancel(k->store, &two.q[2].work);
    while (two.n < 4) {
        store_cancel(k->store, &two.q[0].work);
        uv_run(&k->loop->uv, UV_RUN_ONCE);
    }
    assert_int_equal(two.results[1], E_CANCELED);
    assert_int_equal(two.results[2], E_CANCELED);
    assert_int_equal(two.results[3], 0);
    assert_int_equal(two.q[3].n, 1);
    assert_true(two.results[0] == E_CANCELED || two.results[0] == 0);
    for (int i = 0; i < 4; i++) {
        store_query_fini(&two.q[i]);
    }
}

static void large_answers_are_bounded(void **state)
{
    struct kit *k = *state;
    static char big[9 << 20];
    memset(big, 'x', sizeof(big) - 1);
    char path[16];
    for (int i = 0; i < 10; i++) {
        snprintf(path, sizeof(path), "/%d", i);
        int64_t id = kit_offer(k, path, 10, 1000000);
        assert_int_equal(kit_claim_one(k), id);
        struct store_result r = kit_result("m", "words");
        r.text = big;
        struct store_save s = kit_answer(id, (uint8_t)i, &r);
        assert_int_equal(kit_save(k, &s), 0);
    }
    struct store_query q = {.limit = 10};
    assert_int_equal(kit_query(k, &q), 0);
    assert_in_range(q.n, 1, 9);
    assert_true(q.has_more);
    int64_t last = q.rows[q.n - 1].id;
    int n = q.n;
    assert_int_equal(strlen(q.rows[0].text), sizeof(big) - 1);
    store_query_fini(&q);
    q = (struct store_query){.limit = 10, .after_id = last};
    assert_int_equal(kit_query(k, &q), 0);
    assert_int_equal(n + q.n, 10);
    assert_false(q.has_more);
    store_query_fini(&q);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_become_expressions),
        TEST(text_finds_what_it_says),
        TEST(the_same_list_again_shows_what_is_there_now),
        TEST(a_frequent_word_is_meant_as_it_stands),
        TEST(anything_may_be_typed),
        TEST(hits_are_marked),
        TEST(the_best_come_first_when_asked),
        TEST(filters_say_what_they_mean),
        TEST(pages_follow_each_other),
        TEST(lists_use_their_indexes),
        TEST(look_ups_use_their_indexes),
        TEST(a_question_that_is_too_much_work_ends),
        TEST(questions_are_canceled_running_or_not),
        TEST(large_answers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
