// test_queue.c -- offers, claims, leases, batches, counts of the queue.
// SPDX-License-Identifier: MIT
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
#include <unistd.h>

#include <cmocka.h>

static int set_up(void **state)
{
    struct kit *k = malloc(sizeof(*k));
    kit_init(k);
    k->config.lease_ms = 60000;
    k->config.max_claims = 5;
    kit_must_open(k);
    *state = k;
    return 0;
}

static int tear_down(void **state)
{
    struct kit *k = *state;
    if (k->store) {
        kit_assert_consistent(k);
    }
    kit_fini(k);
    free(k);
    return 0;
}

// What SQLite's machine did since the last look.
static int64_t vm_steps;

int __real_sqlite3_reset(sqlite3_stmt *st);
int __wrap_sqlite3_reset(sqlite3_stmt *st);
int __wrap_sqlite3_reset(sqlite3_stmt *st)
{
    vm_steps += sqlite3_stmt_status(st, SQLITE_STMTSTATUS_VM_STEP, 1);
    return __real_sqlite3_reset(st);
}

// ---- offers

static void the_same_version_is_one_row(void **state)
{
    struct kit *k = *state;
    struct store_item i = {.path = "/a/1.png", .size_bytes = 5, .mtime_ns = 7};
    assert_int_equal(kit_offer_item(k, &i, 0), 0);
    assert_true(i.is_new);
    assert_false(i.is_ended);
    int64_t id = i.id;
    assert_int_equal(kit_offer_item(k, &i, 0), 0);
    assert_false(i.is_new);
    assert_int_equal(i.id, id);
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM job"), 1);
}

static void a_newer_version_replaces_one_that_waits(void **state)
{
    struct kit *k = *state;
    int64_t id = kit_offer(k, "/a/1.png", 5, 7);
    struct store_item i = {.path = "/a/1.png", .size_bytes = 6, .mtime_ns = 8};
    assert_int_equal(kit_offer_item(k, &i, 0), 0);
    assert_int_equal(i.id, id);
    assert_true(i.is_new);
    struct store_claim c = {.max = 1};
    assert_int_equal(kit_claim(k, &c), 0);
    assert_int_equal(c.n, 1);
    assert_int_equal(c.jobs[0].size_bytes, 6);
    assert_int_equal(c.jobs[0].mtime_ns, 8);
    store_claim_fini(&c);
    // Leased: the next version is a row of its own.
    i.size_bytes = 7;
    assert_int_equal(kit_offer_item(k, &i, 0), 0);
    assert_int_not_equal(i.id, id);
}

static void a_higher_priority_and_more_knowledge_arrive_later(void **state)
{
    struct kit *k = *state;
    kit_offer(k, "/a/1.png", 5, 7);
    struct store_item i = {.path = "/a/1.png",
                           .size_bytes = 5,
                           .mtime_ns = 7,
                           .priority = STORE_INTERACTIVE,
                           .meta = {.app = "Firefox",
                                    .window = "News",
                                    .screen = "left",
                                    .url = "http://x/",
                                    .taken_at_ms = 123456}};
    assert_int_equal(kit_offer_item(k, &i, 0), 0);
    // Less is known the third time: nothing is lost, nothing sinks.
    struct store_item less = {.path = "/a/1.png", .size_bytes = 5, .mtime_ns = 7};
    assert_int_equal(kit_offer_item(k, &less, 0), 0);
    struct store_claim c = {.max = 1};
    assert_int_equal(kit_claim(k, &c), 0);
    const struct store_job *j = &c.jobs[0];
    assert_int_equal(j->priority, STORE_INTERACTIVE);
    assert_string_equal(j->meta.app, "Firefox");
    assert_string_equal(j->meta.window, "News");
    assert_string_equal(j->meta.screen, "left");
    assert_string_equal(j->meta.url, "http://x/");
    assert_int_equal(j->meta.taken_at_ms, 123456);
    store_claim_fini(&c);
}

static void paths_are_bytes(void **state)
{
    struct kit *k = *state;
    const char *const paths[] = {"/a/\xff\xfe.png", "/a/new\nline.png",
                                 "/a/\x01\x7f'\";--", "/A/\xff\xfe.png", "/a/\xff.png"};
    int64_t ids[5];
    for (int i = 0; i < 5; i++) {
        ids[i] = kit_offer(k, paths[i], 1, 1);
        for (int n = 0; n < i; n++) {
            assert_int_not_equal(ids[i], ids[n]);
        }
    }
    for (int i = 0; i < 5; i++) {
        struct store_query q = {.filter.path = paths[i], .limit = 10};
        assert_int_equal(kit_query(k, &q), 0);
        assert_int_equal(q.n, 1);
        assert_int_equal(q.rows[0].id, ids[i]);
        assert_string_equal(q.rows[0].path, paths[i]);
        store_query_fini(&q);
    }
}

static void many_items_come_in_one_request(void **state)
{
    struct kit *k = *state;
    static struct store_item items[STORE_MAX_OFFER];
    static char paths[STORE_MAX_OFFER][32];
    for (int i = 0; i < STORE_MAX_OFFER; i++) {
        snprintf(paths[i], sizeof(paths[i]), "/m/%d.png", i / 2);
        items[i] = (struct store_item){.root = "/m", .path = paths[i], .size_bytes = 1};
    }
    struct store_offer o = {.items = items, .n = STORE_MAX_OFFER};
    assert_int_equal(kit_offer_all(k, &o), 0);
    assert_int_equal(o.n_new, STORE_MAX_OFFER / 2);
    assert_int_equal(items[0].id, items[1].id);
    struct store_claim c = {.max = 1};
    assert_int_equal(kit_claim(k, &c), 0);
    assert_string_equal(c.jobs[0].root, "/m");
    assert_int_equal(strlen(c.jobs[0].cid), 16);
    store_claim_fini(&c);
}

// ---- order

static int64_t offer_at(struct kit *k, const char *path, enum store_priority p,
                        int64_t taken_at_ms)
{
    struct store_item i = {.path = path,
                           .size_bytes = 1,
                           .mtime_ns = 1,
                           .priority = p,
                           .meta.taken_at_ms = taken_at_ms};
    assert_int_equal(kit_offer_item(k, &i, 0), 0);
    return i.id;
}

static void priority_comes_first_and_then_the_newest(void **state)
{
    struct kit *k = *state;
    int64_t old_live = offer_at(k, "/1", STORE_LIVE, 1000);
    int64_t backfill = offer_at(k, "/2", STORE_BACKFILL, 9000);
    int64_t new_live = offer_at(k, "/3", STORE_LIVE, 2000);
    int64_t asked = offer_at(k, "/4", STORE_INTERACTIVE, 1);
    struct store_claim c = {.max = 4};
    assert_int_equal(kit_claim(k, &c), 0);
    assert_int_equal(c.n, 4);
    assert_int_equal(c.jobs[0].id, asked);
    assert_int_equal(c.jobs[1].id, new_live);
    assert_int_equal(c.jobs[2].id, old_live);
    assert_int_equal(c.jobs[3].id, backfill);
    assert_int_equal(c.jobs[0].claims, 1);
    store_claim_fini(&c);
    assert_int_equal(kit_claim_one(k), 0);
}

static void every_eighth_claim_takes_the_longest_waiting(void **state)
{
    struct kit *k = *state;
    char path[32];
    int64_t oldest = offer_at(k, "/old", STORE_BACKFILL, 1);
    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof(path), "/new%d", i);
        offer_at(k, path, STORE_LIVE, 1000 + i);
    }
    int at = 0;
    for (int i = 1; i <= 8 && !at; i++) {
        at = kit_claim_one(k) == oldest ? i : 0;
    }
    assert_int_equal(at, 8);
    // Empty claims do not count: the next eight again hold one.
    int64_t next = kit_sql_int(k, "SELECT id FROM job WHERE state = 0"
                                  " ORDER BY queued_at, id LIMIT 1");
    struct store_claim c = {.max = 8};
    assert_int_equal(kit_claim(k, &c), 0);
    bool is_there = false;
    for (int i = 0; i < c.n; i++) {
        is_there |= c.jobs[i].id == next;
    }
    assert_int_equal(c.n, 8);
    assert_true(is_there);
    store_claim_fini(&c);
}

static void a_row_waits_until_its_time(void **state)
{
    struct kit *k = *state;
    int64_t id = kit_offer(k, "/1", 1, 1), now_ms = loop_wall_ms();
    assert_int_equal(kit_claim_one(k), id);
    struct store_release r = {.id = id,
                              .run_at_ms = now_ms + 50000,
                              .counts_as_claim = true,
                              .code = E_STALL,
                              .words = "stalled"};
    assert_int_equal(kit_release(k, &r), 0);
    assert_false(r.lost);
    struct store_claim c = {.max = 1};
    assert_int_equal(kit_claim(k, &c), 0);
    assert_int_equal(c.n, 0);
    assert_int_equal(c.next_at_ms, now_ms + 50000);
    struct store_counts n = {0};
    assert_int_equal(kit_count(k, &n), 0);
    assert_int_equal(n.queued, 1);
    assert_int_equal(n.due, 0);
    kit_sql(k, "UPDATE job SET run_at = run_at - 60000");
    assert_int_equal(kit_claim(k, &c), 0);
    assert_int_equal(c.n, 1);
    assert_int_equal(c.next_at_ms, 0);
    assert_int_equal(c.jobs[0].claims, 2);
    store_claim_fini(&c);
}

static void a_clock_that_went_back_strands_nothing(void **state)
{
    struct kit *k = *state;
    int64_t id = kit_offer(k, "/1", 1, 1),
            far = loop_wall_ms() + 400ll * 24 * 3600 * 1000;
    assert_int_equal(kit_claim_one(k), id);
    struct store_release r = {.id = id, .run_at_ms = far};
    assert_int_equal(kit_release(k, &r), 0);
    // A day at most, whatever was asked for; and what stands there from before the jump
    // is due.
    assert_true(kit_sql_int(k, "SELECT run_at FROM job") <=
                loop_wall_ms() + 24 * 3600000);
    char sql[128];
    snprintf(sql, sizeof(sql), "UPDATE job SET run_at = %lld", (long long)far);
    kit_sql(k, sql);
    assert_int_equal(kit_claim_one(k), id);
    snprintf(sql, sizeof(sql), "UPDATE job SET owner = 99, lease_until = %lld",
             (long long)far);
    kit_sql(k, sql);
    assert_int_equal(kit_claim_one(k), id);
}

// A laptop that slept: the lease of who is still asking does not pass to another.
static void after_a_suspend_leases_begin_anew(void **state)
{
    struct kit *k = *state;
    int64_t id = kit_offer(k, "/1", 1, 1);
    assert_int_equal(kit_claim_one(k), id);
    kit_sql(k, "UPDATE job SET lease_until = lease_until - 3600000");
    k->store->writer.carried.wall_ms -= 3600000;
    assert_int_equal(kit_claim_one(k), 0);
    assert_true(kit_sql_int(k, "SELECT lease_until FROM job") > loop_wall_ms());
    // Set back by a year it does not last for one.
    kit_sql(k, "UPDATE job SET lease_until = lease_until + 31536000000");
    k->store->writer.carried.wall_ms += 31536000000;
    assert_int_equal(kit_claim_one(k), 0);
    assert_in_range(kit_sql_int(k, "SELECT lease_until FROM job"), loop_wall_ms(),
                    loop_wall_ms() + 60000);
}

// ---- leases

static void a_lease_is_renewed_lost_and_fenced(void **state)
{
    struct kit *k = *state;
    int64_t id = kit_offer(k, "/1", 1, 1), ids[2] = {id, 4711};
    assert_int_equal(kit_claim_one(k), id);
    int64_t until = kit_sql_int(k, "SELECT lease_until FROM job");
    assert_in_range(until, loop_wall_ms() + 50000, loop_wall_ms() + 60000);
    bool lost[2] = {true, false};
    struct store_renew r = {.ids = ids, .lost = lost, .n = 2};
    assert_int_equal(kit_renew(k, &r), 0);
    assert_false(lost[0]);
    assert_true(lost[1]);
    // It runs out and another process has it.
    kit_sql(k, "UPDATE job SET owner = 99, claims = 2");
    assert_int_equal(kit_renew(k, &r), 0);
    assert_true(lost[0]);
    struct store_release rel = {.id = id};
    assert_int_equal(kit_release(k, &rel), 0);
    assert_true(rel.lost);
    struct store_save s = {.id = id, .outcome = STORE_SKIPPED, .reason = "x"};
    assert_int_equal(kit_save(k, &s), 0);
    assert_true(s.lost);
    assert_int_equal(kit_sql_int(k, "SELECT state = 1 AND owner = 99 FROM job"), 1);
}

static void an_older_claim_of_the_same_process_is_fenced(void **state)
{
    struct kit *k = *state;
    int64_t id = kit_offer(k, "/1", 1, 1);
    assert_int_equal(kit_claim_one(k), id);
    kit_sql(k, "UPDATE job SET lease_until = 1");
    assert_int_equal(kit_claim_one(k), id);
    struct store_save s = {
        .id = id, .claims = 1, .outcome = STORE_SKIPPED, .reason = "x"};
    assert_int_equal(kit_save(k, &s), 0);
    assert_true(s.lost);
    struct store_release r = {.id = id, .claims = 1};
    assert_int_equal(kit_release(k, &r), 0);
    assert_true(r.lost);
    s.claims = 2;
    assert_int_equal(kit_save(k, &s), 0);
    assert_false(s.lost);
}

static void an_outage_does_not_count_and_history_is_kept(void **state)
{
    struct kit *k = *state;
    int64_t id = kit_offer(k, "/1", 1, 1);
    struct store_attempt a[10] = {0};
    for (int i = 0; i < 10; i++) {
        a[i] = (struct store_attempt){.at_ms = i,
                                      .backend = "b",
                                      .model = "m",
                                      .code = E_NET,
                                      .words = i == 9 ? "last" : "earlier",
                                      .remedy = i == 9 ? "as PNG" : NULL,
                                      .request_ms = 10 * i};
    }
    for (int i = 0; i < 7; i++) {
        struct store_claim c = {.max = 1};
        assert_int_equal(kit_claim(k, &c), 0);
        assert_int_equal(c.n, 1);
        assert_int_equal(c.jobs[0].claims, 1);
        store_claim_fini(&c);
        struct store_release r = {.id = id,
                                  .code = E_NET,
                                  .words = "away",
                                  .attempts = a,
                                  .n_attempts = i ? 0 : 10};
        assert_int_equal(kit_release(k, &r), 0);
    }
    struct store_history h = {.id = id};
    assert_int_equal(kit_history(k, &h), 0);
    assert_int_equal(h.n, STORE_MAX_ATTEMPTS);
    assert_int_equal(h.attempts[0].at_ms, 2);
    assert_string_equal(h.attempts[7].words, "last");
    assert_string_equal(h.attempts[7].remedy, "as PNG");
    assert_string_equal(h.attempts[6].remedy, "");
    assert_string_equal(h.attempts[7].backend, "b");
    assert_int_equal(h.attempts[7].code, E_NET);
    assert_int_equal(h.attempts[7].request_ms, 90);
    store_history_fini(&h);
    struct store_query q;
    struct store_row *row = kit_row(k, &q, id);
    assert_int_equal(row->attempts, 10);
    assert_string_equal(row->reason, "away");
    assert_int_equal(row->code, E_NET);
    store_query_fini(&q);
    h = (struct store_history){.id = 4711};
    assert_int_equal(kit_history(k, &h), 0);
    assert_int_equal(h.n, 0);
    store_history_fini(&h);
}

static void a_poisoned_row_fails_and_blocks_nobody(void **state)
{
    struct kit *k = *state;
    int64_t bad = offer_at(k, "/bad", STORE_INTERACTIVE, 1);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(kit_claim_one(k), bad);
        kit_sql(k, "UPDATE job SET lease_until = 1 WHERE state = 1");
    }
    int64_t good = offer_at(k, "/good", STORE_LIVE, 1);
    assert_int_equal(kit_claim_one(k), good);
    struct store_query q;
    struct store_row *r = kit_row(k, &q, bad);
    assert_int_equal(r->state, STORE_ENDED);
    assert_int_equal(r->outcome, STORE_FAILED);
    assert_int_equal(r->code, E_BUG);
    assert_string_equal(r->reason, "it took its process down 5 times");
    store_query_fini(&q);
    // A person may try again.
    struct store_change c = {.action = STORE_RETRY, .filter.code = E_BUG};
    assert_int_equal(kit_change(k, &c), 0);
    assert_int_equal(c.n, 1);
    assert_int_equal(kit_claim_one(k), bad);
}

static void leases_of_the_dead_come_back_at_once(void **state)
{
    struct kit *k = *state;
    char host[128], sql[512];
    kit_offer(k, "/1", 1, 1);
    kit_offer(k, "/2", 1, 1);
    kit_offer(k, "/3", 1, 1);
    const char *me = store_owner(k->store);
    const char *end = me;
    for (int i = 0; i < 3; i++) {
        end = strchr(end, '/') + 1;
    }
    snprintf(host, sizeof(host), "%.*s", (int)(end - me), me);
    // 10 a process that is not there, 11 this very process under another store's name,
    // 12 one of another container.
    snprintf(sql, sizeof(sql),
             "INSERT INTO owner(id, name, started_at, seen_at) VALUES"
             " (10, '%s99999999/77/0000', 1, 1), (11, '%s0000', 1, 1),"
             " (12, 'elsewhere/0000/1/2/3/4', 1, 1);"
             "UPDATE job SET state = 1, owner = 9 + id, claims = 1,"
             " lease_until = %lld",
             host, me, (long long)loop_wall_ms() + 50000);
    kit_sql(k, sql);
    kit_close(k);
    kit_must_open(k);
    assert_int_equal(kit_sql_int(k, "SELECT group_concat(id) FROM job WHERE state = 0"),
                     1);
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM job WHERE state = 1"), 2);
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM owner WHERE id = 10"), 0);
    kit_sql(k, "UPDATE job SET state = 0, owner = 0");
}

static void the_tick_gives_expired_leases_back_and_sleeps_else(void **state)
{
    struct kit *k = *state;
    int64_t now_ms = loop_now_ms(k->loop);
    int64_t idle = store_tick(k->store, now_ms);
    assert_true(idle >= now_ms + 3000000);
    int64_t id = kit_offer(k, "/1", 1, 1);
    assert_int_equal(kit_claim_one(k), id);
    int64_t due = store_tick(k->store, now_ms);
    assert_in_range(due, now_ms + 50000, now_ms + 70000);
    assert_int_equal(store_tick(k->store, due - 1), due);
    kit_sql(k, "UPDATE job SET lease_until = 1");
    store_tick(k->store, due);
    struct store_counts c = {0};
    do {
        uv_run(&k->loop->uv, UV_RUN_ONCE);
        assert_int_equal(kit_count(k, &c), 0);
    } while (c.leased);
    assert_int_equal(c.queued, 1);
    assert_true(store_tick(k->store, now_ms) >= now_ms + 3000000);
}

static void closing_gives_its_leases_back_uncounted(void **state)
{
    struct kit *k = *state;
    int64_t id = kit_offer(k, "/1", 1, 1);
    assert_int_equal(kit_claim_one(k), id);
    kit_close(k);
    assert_int_equal(kit_sql_int(k, "SELECT state = 0 AND claims = 0 FROM job"), 1);
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM owner"), 0);
    kit_must_open(k);
    assert_int_equal(kit_claim_one(k), id);
}

static void two_stores_share_the_work(void **state)
{
    struct kit *k = *state;
    struct kit two = *k;
    two.store = NULL;
    kit_must_open(&two);
    assert_string_not_equal(store_owner(k->store), store_owner(two.store));
    char path[32];
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), "/%d", i);
        kit_offer(i % 2 ? k : &two, path, 1, 1);
    }
    int n = 0;
    bool seen[101] = {false};
    for (int i = 0; i < 100; i++) {
        int64_t id = kit_claim_one(i % 3 ? k : &two);
        assert_in_range(id, 1, 100);
        assert_false(seen[id]);
        seen[id] = true;
        n++;
    }
    assert_int_equal(n, 100);
    int64_t mine =
        kit_sql_int(k, "SELECT min(job.id) FROM job JOIN owner o ON o.id = owner"
                       " WHERE o.id = (SELECT min(id) FROM owner)");
    struct store_release r = {.id = mine};
    assert_int_equal(kit_release(&two, &r), 0);
    assert_true(r.lost);
    kit_close(&two);
}

static void processes_say_what_they_do(void **state)
{
    struct kit *k = *state;
    struct kit two = *k;
    two.store = NULL;
    kit_must_open(&two);
    struct store_publish p = {.status = "{\"asking\": 1}"};
    assert_int_equal(kit_publish(k, &p), 0);
    p.status = "{\"asking\": 2}";
    assert_int_equal(kit_publish(&two, &p), 0);
    char *large = calloc(1, 70000);
    memset(large, ' ', 69999);
    p.status = large;
    assert_int_equal(kit_publish(&two, &p), E_TOOBIG);
    free(large);
    // One of a process that is not there any more.
    kit_sql(k, "INSERT INTO owner(name, started_at, seen_at, status) SELECT"
               " replace(name, '/' || substr(name, -16), '1/x'), 1, 1, 'dead' FROM owner"
               " ORDER BY id LIMIT 1");
    struct store_workers w = {0};
    assert_int_equal(kit_workers(k, &w), 0);
    assert_int_equal(w.n, 2);
    assert_string_equal(w.workers[0].status, "{\"asking\": 2}");
    assert_string_equal(w.workers[1].status, "{\"asking\": 1}");
    assert_string_equal(w.workers[1].owner, store_owner(k->store));
    assert_int_equal(w.workers[1].pid, getpid());
    assert_true(w.workers[1].started_at_ms > 0 && w.workers[1].seen_at_ms > 0);
    store_workers_fini(&w);
    kit_close(&two);
    assert_int_equal(kit_workers(k, &w), 0);
    assert_int_equal(w.n, 1);
    store_workers_fini(&w);
}

static void what_was_learned_outlives_the_process(void **state)
{
    struct kit *k = *state;
    struct store_profile p = {.key = "limit http://a m", .value = "64"}, q = {0};
    assert_int_equal(kit_profile_keep(k, &p), 0);
    snprintf(q.key, sizeof(q.key), "limit http://a other");
    snprintf(q.value, sizeof(q.value), "stale");
    assert_int_equal(kit_profile_find(k, &q), 0);
    assert_string_equal(q.value, "");
    snprintf(p.value, sizeof(p.value), "12");
    assert_int_equal(kit_profile_keep(k, &p), 0);
    kit_close(k);
    kit_must_open(k);
    snprintf(q.key, sizeof(q.key), "%s", p.key);
    assert_int_equal(kit_profile_find(k, &q), 0);
    assert_string_equal(q.value, "12");
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM profile"), 1);
    assert_true(kit_sql_int(k, "SELECT updated_at FROM profile") > 1600000000000);
}

static void what_was_learned_is_listed_by_the_beginning_of_its_key(void **state)
{
    struct kit *k = *state;
    static const char *const keys[] = {"facts http://a m", "facts http://b_ m",
                                       "facts http://bx m", "limit http://a m"};
    for (int i = 0; i < 4; i++) {
        struct store_profile p = {.value = "v"};
        snprintf(p.key, sizeof(p.key), "%s", keys[i]);
        assert_int_equal(kit_profile_keep(k, &p), 0);
    }
    struct store_profiles all = {.prefix = "facts "},
                          one = {.prefix = "facts http://b_ "},
                          none = {.prefix = "other "};
    assert_int_equal(kit_profiles(k, &all), 0);
    assert_int_equal(all.n, 3);
    assert_string_equal(all.rows[0].value, "v");
    assert_int_equal(kit_profiles(k, &one), 0);
    assert_int_equal(one.n, 1);  // as it stands: no character matches any other
    assert_string_equal(one.rows[0].key, keys[1]);
    assert_int_equal(kit_profiles(k, &none), 0);
    assert_int_equal(none.n, 0);
    free(all.rows);
    free(one.rows);
    free(none.rows);
    for (int i = 0; i < STORE_MOST_PROFILES + 5; i++) {
        struct store_profile p = {.value = "v"};
        snprintf(p.key, sizeof(p.key), "many %d", i);
        assert_int_equal(kit_profile_keep(k, &p), 0);
    }
    struct store_profiles many = {.prefix = "many "};
    assert_int_equal(kit_profiles(k, &many), 0);
    assert_int_equal(many.n, STORE_MOST_PROFILES);
    free(many.rows);
}

// ---- batches

static void batches_count_and_claim_their_members(void **state)
{
    struct kit *k = *state;
    struct store_batch b = {.key = "abc"}, again = {.key = "abc"}, other = {.key = "x"};
    assert_int_equal(kit_batch(k, &b), 0);
    assert_int_equal(kit_batch(k, &again), 0);
    assert_int_equal(kit_batch(k, &other), 0);
    assert_false(b.is_old);
    assert_true(again.is_old);
    assert_int_equal(again.id, b.id);
    assert_int_not_equal(other.id, b.id);
    char path[32];
    for (int i = 0; i < 30; i++) {
        snprintf(path, sizeof(path), "/%d", i);
        struct store_item item = {.path = path, .size_bytes = 1, .priority = STORE_LIVE};
        assert_int_equal(kit_offer_item(k, &item, i < 10 ? b.id : 0), 0);
        assert_int_equal(kit_offer_item(k, &item, i < 10 ? b.id : 0), 0);
    }
    struct store_counts n = {.batch = b.id};
    assert_int_equal(kit_count(k, &n), 0);
    assert_int_equal(n.total, 10);
    assert_int_equal(n.due, 10);
    assert_int_equal(n.day_total, 10);
    struct store_claim c = {.max = 64, .batch = b.id};
    assert_int_equal(kit_claim(k, &c), 0);
    assert_int_equal(c.n, 10);
    for (int i = 0; i < c.n; i++) {
        assert_in_range(c.jobs[i].id, 1, 10);
        struct store_result r = kit_result("m", "words");
        struct store_save s = kit_answer(c.jobs[i].id, (uint8_t)i, &r);
        s.size_bytes = 1;
        s.mtime_ns = 0;
        assert_int_equal(kit_save(k, &s), 0);
    }
    store_claim_fini(&c);
    assert_int_equal(kit_count(k, &n), 0);
    assert_int_equal(n.ended, 10);
    assert_int_equal(n.by_outcome[STORE_ANSWERED], 10);
    assert_int_equal(n.prompt_tokens, 1000);
    assert_int_equal(n.completion_tokens, 100);
    assert_int_equal(n.oldest_queued_ms, 0);
    n.batch = 0;
    assert_int_equal(kit_count(k, &n), 0);
    assert_int_equal(n.total, 30);
    assert_int_equal(n.queued, 20);
    assert_int_equal(n.prompt_tokens, 1000);
    assert_int_equal(kit_claim(k, &c), 0);
    assert_int_equal(c.n, 0);
    // A known and described file counts in a new batch as done.
    struct store_item known = {.path = "/3", .size_bytes = 1};
    assert_int_equal(kit_offer_item(k, &known, other.id), 0);
    assert_true(known.is_ended);
    n.batch = other.id;
    assert_int_equal(kit_count(k, &n), 0);
    assert_int_equal(n.total, 1);
    assert_int_equal(n.ended, 1);
}

// Members far behind others in the queue are found all the same.
static void a_buried_batch_is_claimed(void **state)
{
    struct kit *k = *state;
    struct store_batch b = {.key = "abc"};
    assert_int_equal(kit_batch(k, &b), 0);
    struct store_item item = {
        .path = "/member", .size_bytes = 1, .priority = STORE_BACKFILL};
    assert_int_equal(kit_offer_item(k, &item, b.id), 0);
    kit_sql(
        k,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
        " INSERT INTO job(cid, path, size, mtime, is_url, priority, queued_at, seen_at,"
        " at_ms) SELECT i, \'/other\' || i, 1, 1, 0, 2, 1, 1, 1 FROM n");
    for (int degraded = 0; degraded < 2; degraded++) {
        struct store_claim c = {.max = 3, .batch = b.id, .with_degraded = degraded};
        assert_int_equal(kit_claim(k, &c), 0);
        assert_int_equal(c.n, 1);
        assert_int_equal(c.jobs[0].id, item.id);
        store_claim_fini(&c);
        struct store_release r = {.id = item.id, .run_at_ms = loop_wall_ms() + 100000};
        assert_int_equal(kit_release(k, &r), 0);
        assert_int_equal(kit_claim(k, &c), 0);
        assert_int_equal(c.n, 0);
        assert_int_equal(c.next_at_ms, r.run_at_ms);
        kit_sql(k, "UPDATE job SET run_at = 0");
    }
}

static void claim_in_few_steps(struct kit *k, int64_t batch, int n)
{
    enum { MOST_STEPS = 100000 };
    struct store_claim c = {.max = 2, .batch = batch, .with_degraded = true};
    vm_steps = 0;
    assert_int_equal(kit_claim(k, &c), 0);
    assert_int_equal(c.n, n);
    assert_true(c.next_at_ms > 0);
    assert_true(vm_steps < MOST_STEPS);
    store_claim_fini(&c);
}

// Whatever lies in front, and however many members wait, one claim does not read them all.
static void a_large_batch_is_claimed_in_few_steps(void **state)
{
    struct kit *k = *state;
    struct store_batch b = {.key = "abc"};
    assert_int_equal(kit_batch(k, &b), 0);
    kit_sql(k, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <"
               " 20000) INSERT INTO job(cid, path, size, mtime, is_url, queued_at,"
               " seen_at, at_ms, is_member, run_at) SELECT i, '/member' || i, 1, 1, 0, 1,"
               " 1, 1, 1, i % 2 * 1000 * (strftime('%s', 'now') + 3600) FROM n");
    kit_sql(k, "INSERT INTO member SELECT 1, id, 1 FROM job");
    claim_in_few_steps(k, b.id, 2);
    kit_sql(k, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <"
               " 2000) INSERT INTO job(cid, path, size, mtime, is_url, priority,"
               " queued_at, seen_at, at_ms) SELECT i, '/other' || i, 1, 1, 0, 2, 0, 1, 1"
               " FROM n");
    claim_in_few_steps(k, b.id, 2);
    kit_sql(k, "DELETE FROM job WHERE priority = 2 AND id % 3");
    kit_sql(k, "UPDATE job SET run_at = 1000 * (strftime('%s', 'now') + 3600)"
               " WHERE is_member AND state = 0");
    claim_in_few_steps(k, b.id, 0);
}

// ---- opening

static void what_cannot_be_is_refused(void **state)
{
    struct kit *k = *state;
    struct store_item i = {.path = "/1"};
    kit_close(k);
    k->config.is_read_only = true;
    kit_must_open(k);
    assert_int_equal(kit_offer_item(k, &i, 0), E_STORE);
    assert_non_null(strstr(k->err.msg, "reading only"));
    struct store_counts c = {0};
    assert_int_equal(kit_count(k, &c), 0);
    assert_true(store_tick(k->store, 5) > 1000);
    assert_string_equal(store_path(k->store), k->path);
    kit_close(k);
    k->config.is_read_only = false;
    kit_must_open(k);
}

static void names_go_both_ways(void **state)
{
    (void)state;
    assert_string_equal(store_state_name(STORE_LEASED), "leased");
    assert_string_equal(store_state_name((enum store_state)7), "");
    assert_string_equal(store_outcome_name((enum store_outcome)9), "");
    for (int o = STORE_ANSWERED; o <= STORE_FAILED; o++) {
        assert_int_equal(store_outcome_by_name(store_outcome_name((enum store_outcome)o)),
                         o);
    }
    assert_int_equal(store_outcome_by_name("nonsense"), -1);
}

static void owners_are_dead_only_when_it_is_certain(void **state)
{
    (void)state;
    char me[OWNER_BYTES], other[OWNER_BYTES * 2];
    owner_name(me);
    assert_false(owner_is_dead(me));
    char host[65] = "", boot[40] = "", rest[160] = "";
    assert_int_equal(sscanf(me, "%64[^/]/%39[^/]/%159s", host, boot, rest), 3);
    const struct {
        const char *host, *boot, *rest;
        bool is_dead;
    } cases[] = {
        {host, "00000000-0000-0000-0000-000000000000", rest, true},
        {"elsewhere", "00000000-0000-0000-0000-000000000000", rest, false},
        {host, boot, "1/1/1/x", false},  // another pid namespace
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(other, sizeof(other), "%s/%s/%s", cases[i].host, cases[i].boot,
                 cases[i].rest);
        assert_int_equal(owner_is_dead(other), cases[i].is_dead);
    }
    unsigned long long space, start;
    long pid;
    assert_int_equal(sscanf(rest, "%llu/%ld/%llu/", &space, &pid, &start), 3);
    snprintf(other, sizeof(other), "%s/%s/%llu/%ld/%llu/x", host, boot, space, pid,
             start + 1);
    assert_true(owner_is_dead(other));  // the number was used again
    snprintf(other, sizeof(other), "%s/%s/%llu/99999999/5/x", host, boot, space);
    assert_true(owner_is_dead(other));
    pid_t zombie = -1;
    char *argv[] = {"true", NULL};
    assert_int_equal(posix_spawnp(&zombie, "true", NULL, NULL, argv, argv + 1), 0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT), 0);
    snprintf(other, sizeof(other), "%s/%s/%llu/%ld/0/x", host, boot, space, (long)zombie);
    assert_true(owner_is_dead(other));
    assert_int_equal(waitpid(zombie, NULL, 0), zombie);
    assert_false(owner_is_dead("not a name"));
    assert_false(owner_is_dead(""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_version_is_one_row),
        TEST(a_newer_version_replaces_one_that_waits),
        TEST(a_higher_priority_and_more_knowledge_arrive_later),
        TEST(paths_are_bytes),
        TEST(many_items_come_in_one_request),
        TEST(priority_comes_first_and_then_the_newest),
        TEST(every_eighth_claim_takes_the_longest_waiting),
        TEST(a_row_waits_until_its_time),
        TEST(a_clock_that_went_back_strands_nothing),
        TEST(after_a_suspend_leases_begin_anew),
        TEST(a_lease_is_renewed_lost_and_fenced),
        TEST(an_older_claim_of_the_same_process_is_fenced),
        TEST(an_outage_does_not_count_and_history_is_kept),
        TEST(a_poisoned_row_fails_and_blocks_nobody),
        TEST(leases_of_the_dead_come_back_at_once),
        TEST(the_tick_gives_expired_leases_back_and_sleeps_else),
        TEST(closing_gives_its_leases_back_uncounted),
        TEST(two_stores_share_the_work),
        TEST(processes_say_what_they_do),
        TEST(what_was_learned_outlives_the_process),
        TEST(what_was_learned_is_listed_by_the_beginning_of_its_key),
        TEST(batches_count_and_claim_their_members),
        TEST(a_buried_batch_is_claimed),
        TEST(a_large_batch_is_claimed_in_few_steps),
        TEST(what_cannot_be_is_refused),
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(owners_are_dead_only_when_it_is_certain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
