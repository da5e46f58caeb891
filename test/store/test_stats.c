// test_stats.c -- what the database's profiler tells: times, slow and failed statements, pools,
// sizes.
// SPDX-License-Identifier: MIT
#include "store/inside.h"
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

static void read_stats(struct kit *k, struct store_stats *r, bool wants_sizes)
{
    *r = (struct store_stats){.wants_sizes = wants_sizes};
    if (kit_stats(k, r)) {
        fail_msg("%s", k->err.msg);
    }
}

static const struct store_table *table(const struct store_stats *r, const char *name)
{
    for (int i = 0; i < r->n_tables; i++) {
        if (strcmp(r->tables[i].name, name) == 0) {
            return &r->tables[i];
        }
    }
    fail_msg("no table %s", name);
    return NULL;
}

static void every_statement_is_timed(void **state)
{
    struct kit *k = *state;
    struct store_stats before, after;
    read_stats(k, &before, false);
    kit_described(k, "/a.png", 1, "a cat");
    kit_described(k, "/b.png", 2, "a dog");
    kit_search(k, "cat");
    read_stats(k, &after, false);
    static const enum store_statement_kind kinds[] = {STORE_SELECT, STORE_INSERT,
                                                      STORE_UPDATE, STORE_COMMIT};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct store_kind_stats *a = &after.kinds[kinds[i]];
        assert_true(a->n > before.kinds[kinds[i]].n);
        assert_true(a->p50_us > 0 && a->p50_us <= a->p99_us);
        assert_true(a->max_us > 0 && a->total_us >= a->max_us);
    }
    assert_true(after.commits >= before.commits + 4);
    assert_true(after.n_top > 5);
    for (int i = 1; i < after.n_top; i++) {
        assert_true(after.top[i - 1].total_us >= after.top[i].total_us);
    }
    store_stats_fini(&before);
    store_stats_fini(&after);
}

// What a person looked for, or what stands in a row, is in no text that is kept.
static void texts_have_no_values(void **state)
{
    struct kit *k = *state;
    kit_close(k);
    k->config.slow_ms = -1;
    kit_must_open(k);
    k->store->statements.slow_us = 0;  // all that took a microsecond
    struct store_stats r;
    kit_described(k, "/secret-path.png", 1, "secret-summary");
    kit_search(k, "secret-word \"unclosed");
    kit_search(k, "secret-word");
    read_stats(k, &r, false);
    assert_true(r.n_slow > 3);
    for (int i = 0; i < r.n_slow; i++) {
        assert_null(strstr(r.slow[i].sql, "secret"));
        assert_null(strstr(r.slow[i].words, "secret"));
        assert_null(strchr(r.slow[i].sql, '\n'));
    }
    for (int i = 0; i < r.n_top; i++) {
        assert_null(strstr(r.top[i].sql, "secret"));
    }
    store_stats_fini(&r);
}

static void slow_ones_are_kept_with_their_job(void **state)
{
    struct kit *k = *state;
    k->store->statements.slow_us = 0;
    struct store_stats r;
    int64_t id = kit_described(k, "/a.png", 1, "a cat");
    read_stats(k, &r, false);
    int found = 0;
    for (int i = 0; i < r.n_slow; i++) {
        const struct store_slow *s = &r.slow[i];
        assert_int_equal(s->code, 0);
        if (s->job == id && strstr(s->sql, "UPDATE OR FAIL job")) {
            assert_int_equal(strlen(s->cid), 16);
            assert_string_equal(s->thread, "write");
            assert_true(s->at_ms > 1600000000000);
            found++;
        }
    }
    assert_true(found > 0);
    store_stats_fini(&r);
}

static void slow_ones_are_kept_with_who_asked(void **state)
{
    struct kit *k = *state;
    struct store_stats r;
    struct store_query q = {.limit = 5};
    struct store_profile p = {.key = "k", .value = "v"};
    kit_described(k, "/a.png", 1, "a cat");
    k->store->statements.slow_us = 0;
    loop_ask_as(k->store->loop, "asker-7");
    assert_int_equal(kit_query(k, &q), 0);
    loop_ask_as(k->store->loop, "asker-8");
    assert_int_equal(kit_profile_keep(k, &p), 0);
    loop_ask_as(k->store->loop, NULL);
    store_query_fini(&q);
    read_stats(k, &r, false);
    int read = 0, written = 0, committed = 0;
    for (int i = 0; i < r.n_slow; i++) {
        const char *sql = r.slow[i].sql, *cid = r.slow[i].cid;
        bool is_search = strstr(sql, "SELECT cid, ") != NULL;
        read += is_search && strcmp(cid, "asker-7") == 0;
        written += strstr(sql, "INSERT INTO profile") && strcmp(cid, "asker-8") == 0;
        committed += strcmp(sql, "COMMIT") == 0 && strcmp(cid, "asker-8") == 0;
        assert_true(!is_search || strcmp(cid, "asker-7") == 0);
    }
    assert_true(read > 0 && written == 1 && committed == 1);
    store_stats_fini(&r);
}

static void the_ring_keeps_the_last_hundred(void **state)
{
    struct kit *k = *state;
    struct store_stats r;
    struct statements *s = &k->store->statements;
    for (int i = 1; i <= 250; i++) {
        const struct statements_end e = {.text = "SELECT 1",
                                         .is_literal = true,
                                         .took_us = 1000000 + i,
                                         .thread = "x"};
        statements_ended(s, &e);
    }
    read_stats(k, &r, false);
    assert_int_equal(r.n_slow, STORE_MAX_SLOW);
    assert_int_equal(r.n_slow_ever, 250);
    assert_int_equal(r.slow[0].took_us, 1000250);
    assert_int_equal(r.slow[99].took_us, 1000151);
    assert_int_equal(r.kinds[STORE_SELECT].slow, 250);
    assert_true(sizeof(s->ring) < 80 * 1024);
    store_stats_fini(&r);
}

static void failures_are_kept(void **state)
{
    struct kit *k = *state;
    struct store_stats r;
    kit_sql(k, "DROP TABLE profile");
    struct store_profile p = {.key = "k", .value = "v"};
    assert_int_equal(kit_profile_keep(k, &p), E_STORE);
    read_stats(k, &r, false);
    assert_true(r.n_slow >= 1);
    assert_int_equal(r.slow[0].code & 0xff, SQLITE_ERROR);
    assert_true(r.slow[0].words[0] != 0);
    assert_non_null(strstr(r.slow[0].sql, "INSERT INTO profile"));
    assert_true(r.kinds[STORE_INSERT].failed >= 1);
    store_stats_fini(&r);
}

static void sizes_are_those_of_the_file(void **state)
{
    struct kit *k = *state;
    struct store_stats r;
    char path[32];
    for (int i = 0; i < 50; i++) {
        snprintf(path, sizeof(path), "/%d.png", i);
        kit_described(k, path, (uint8_t)(i + 1), "a cat on a mat");
    }
    kit_sql(k, "PRAGMA wal_checkpoint(TRUNCATE)");
    read_stats(k, &r, true);
    int64_t sum = 0;
    for (int i = 0; i < r.n_tables; i++) {
        sum += r.tables[i].bytes;
        assert_true(r.tables[i].bytes > 0);
        assert_true(i == 0 || r.tables[i - 1].bytes >= r.tables[i].bytes);
    }
    assert_false(r.are_rows_estimated);
    assert_int_equal(table(&r, "job")->rows, 50);
    assert_int_equal(table(&r, "result")->rows, 50);
    assert_string_equal(table(&r, "job")->table, "");
    assert_string_equal(table(&r, "job_ready")->table, "job");
    assert_int_equal(r.pages * r.page_bytes, r.file_bytes);
    assert_true(sum <= r.file_bytes && sum > r.file_bytes / 2);
    store_stats_fini(&r);
    read_stats(k, &r, false);
    assert_int_equal(table(&r, "job")->bytes, -1);
    store_stats_fini(&r);
}

static void pools_tell_how_long_works_waited(void **state)
{
    struct kit *k = *state;
    struct store_stats r;
    kit_described(k, "/a.png", 1, "a cat");
    read_stats(k, &r, false);
    assert_int_equal(r.read.threads, 2);
    assert_int_equal(r.write.threads, 1);
    assert_true(r.read.n > 0 && r.write.n > 2);
    assert_true(r.write.wait_max_us > 0 && r.write.wait_max_us < 5000000);
    assert_int_equal(r.write.queued, 0);
    store_stats_fini(&r);
}

static void checkpoints_are_counted(void **state)
{
    struct kit *k = *state;
    struct store_stats r;
    // More than a thousand pages.
    struct store_item items[STORE_MAX_OFFER];
    char paths[STORE_MAX_OFFER][200];
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < STORE_MAX_OFFER; i++) {
            snprintf(paths[i], sizeof(paths[i]), "/%0150d/%d", i, round);
            items[i] = (struct store_item){
                .path = paths[i], .size_bytes = 1, .priority = STORE_BATCH};
        }
        struct store_offer o = {.items = items, .n = STORE_MAX_OFFER};
        assert_int_equal(kit_offer_all(k, &o), 0);
    }
    read_stats(k, &r, false);
    assert_true(r.checkpoints > 0);
    assert_true(r.checkpoint_us > 0);
    assert_true(r.wal_bytes > 0 && r.wal_bytes < 64 << 20);
    store_stats_fini(&r);
}

static void a_reset_begins_anew(void **state)
{
    struct kit *k = *state;
    struct store_stats r;
    struct store_load load;
    k->store->statements.slow_us = 0;
    kit_described(k, "/a.png", 1, "a cat");
    store_load(k->store, &load);
    assert_true(load.statements > 10 && load.slow > 0 && load.p99_us >= load.p50_us);
    k->store->statements.slow_us = 100000;
    store_stats_reset(k->store);
    store_load(k->store, &load);
    assert_int_equal(load.statements, 0);
    assert_int_equal(load.slow, 0);
    assert_int_equal(load.write.n, 0);
    read_stats(k, &r, false);
    assert_int_equal(r.kinds[STORE_UPDATE].n, 0);
    assert_int_equal(r.n_slow, 0);
    assert_int_equal(r.commits, 0);
    store_stats_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_statement_is_timed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_have_no_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(slow_ones_are_kept_with_who_asked, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(slow_ones_are_kept_with_their_job, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_ring_keeps_the_last_hundred, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(failures_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sizes_are_those_of_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pools_tell_how_long_works_waited, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(checkpoints_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reset_begins_anew, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
