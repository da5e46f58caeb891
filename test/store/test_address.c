// test_address.c -- an address that may not be kept: gone when its row has ended, known again
// when it comes again, and told without what it held.
// SPDX-License-Identifier: MIT
#include "store/address.h"
#include "store/inside.h"
#include "store/storekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PLANT  "qzxvkjw"
#define SECRET "/in/" PLANT ".png"
#define LABEL  "/in/[it].png"

static bool redact(void *arg, const char *address, struct buf *out)
{
    const char *at = strstr(address, PLANT);
    (void)arg;
    if (!at) {
        return false;
    }
    assert_int_equal(
        buf_printf(out, "%.*s[it]%s", (int)(at - address), address, at + strlen(PLANT)),
        0);
    return true;
}

static int set_up(void **state)
{
    struct kit *k = malloc(sizeof(*k));
    kit_init(k);
    k->config.redact = redact;
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

// ---- looking

static bool holds(const char *path, const char *text)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        return false;
    }
    fseek(f, 0, SEEK_END);
    const size_t len = (size_t)ftell(f);
    rewind(f);
    char *data = malloc(len + 1);
    assert_int_equal(fread(data, 1, len, f), len);
    fclose(f);
    const bool is_there = memmem(data, len, text, strlen(text)) != NULL;
    free(data);
    return is_there;
}

static void assert_no_trace(const struct kit *k)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-key"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s%s", k->path, suffixes[i]);
        if (holds(path, PLANT)) {
            fail_msg("%s holds it", path);
        }
    }
}

static void reopen(struct kit *k)
{
    kit_close(k);
    assert_no_trace(k);
    kit_must_open(k);
}

static void assert_told(struct kit *k, int64_t id, enum store_state state,
                        const char *path, bool is_removed)
{
    struct store_query q = {0};
    const struct store_row *row = kit_row(k, &q, id);
    assert_int_equal(row->state, state);
    assert_string_equal(row->path, path);
    assert_int_equal(row->is_address_removed, is_removed);
    store_query_fini(&q);
}

static int64_t find_path(struct kit *k, const char *path, bool is_exact)
{
    struct store_query q = {.filter = {.path = path, .is_path_exact = is_exact},
                            .limit = 10};
    assert_int_equal(kit_query(k, &q), 0);
    const int64_t id = q.n == 1 ? q.rows[0].id : -q.n;
    store_query_fini(&q);
    return id;
}

static struct store_change change(struct kit *k, enum store_action action, int64_t id,
                                  const char *path)
{
    struct store_change c = {.action = action, .filter = {.id = id, .path = path}};
    assert_int_equal(kit_change(k, &c), 0);
    return c;
}

static struct store_item offer(struct kit *k, const char *path)
{
    struct store_item i = {.path = path, .size_bytes = 10, .mtime_ns = 1000000};
    assert_int_equal(kit_offer_item(k, &i, 0), 0);
    return i;
}

// Offered, claimed, ended without a description.
static int64_t ended(struct kit *k, const char *path, enum store_outcome outcome)
{
    const int64_t id = offer(k, path).id;
    struct store_save s = {.id = id, .outcome = outcome, .code = E_CORRUPT};
    assert_int_equal(kit_claim_one(k), id);
    assert_int_equal(kit_save(k, &s), 0);
    assert_false(s.lost);
    return id;
}

// ---- tests

static void it_goes_however_the_row_ends(void **state)
{
    static const enum store_outcome outcomes[] = {STORE_BLOCKED, STORE_SKIPPED,
                                                  STORE_FAILED};
    struct kit *k = *state;
    int64_t ids[4];
    for (int i = 0; i < 3; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/in/%d-" PLANT ".png", i);
        ids[i] = ended(k, path, outcomes[i]);
    }
    ids[3] = kit_described(k, "/in/3-" PLANT ".png", 1, "a garden");
    reopen(k);
    for (int i = 0; i < 4; i++) {
        char label[64];
        snprintf(label, sizeof(label), "/in/%d-[it].png", i);
        assert_told(k, ids[i], STORE_ENDED, label, true);
    }
    kit_assert_consistent(k);
}

static void it_stays_while_it_is_needed(void **state)
{
    struct kit *k = *state;
    const int64_t id = offer(k, SECRET).id;
    struct store_claim c = {.max = 1};
    assert_told(k, id, STORE_QUEUED, SECRET, false);
    kit_close(k);
    kit_must_open(k);
    assert_int_equal(kit_claim(k, &c), 0);
    assert_int_equal(c.n, 1);
    assert_string_equal(c.jobs[0].path, SECRET);
    store_claim_fini(&c);
    struct store_release r = {.id = id};
    assert_int_equal(kit_release(k, &r), 0);
    assert_told(k, id, STORE_QUEUED, SECRET, false);
}

#define FOLDER "/in/\xc3\xa9 " PLANT

static struct store_item offer_in(struct kit *k, const char *root, const char *path)
{
    struct store_item i = {
        .root = root, .path = path, .size_bytes = 10, .mtime_ns = 1000000};
    assert_int_equal(kit_offer_item(k, &i, 0), 0);
    return i;
}

static void assert_claimed_in(struct kit *k, int64_t id, const char *root)
{
    struct store_claim c = {.max = 1};
    struct store_save s = {.id = id, .outcome = STORE_BLOCKED};
    assert_int_equal(kit_claim(k, &c), 0);
    assert_int_equal(c.n, 1);
    assert_int_equal(c.jobs[0].id, id);
    assert_string_equal(c.jobs[0].root, root);
    store_claim_fini(&c);
    assert_int_equal(kit_save(k, &s), 0);
}

// The folder is watched on and on; what is kept is how long its name is.
static void a_folder_is_never_kept_by_its_name(void **state)
{
    struct kit *k = *state;
    static const char *const given[] = {FOLDER, FOLDER "/", FOLDER};
    for (int i = 0; i < 3; i++) {
        char path[64];
        struct store_query q = {0};
        snprintf(path, sizeof(path), FOLDER "/below/%d.png", i);
        const int64_t id = offer_in(k, given[i], path).id;
        assert_string_equal(kit_row(k, &q, id)->root, FOLDER);
        store_query_fini(&q);
        assert_claimed_in(k, id, FOLDER);
        assert_string_equal(kit_row(k, &q, id)->root, "");
        store_query_fini(&q);
        reopen(k);
    }
    // "/" at its end: another name, as ever
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM word WHERE text GLOB '#*'"), 2);
    const int64_t plain = offer_in(k, "/in/plain", "/in/plain/a.png").id;
    assert_claimed_in(k, plain, "/in/plain");
}

static void a_folder_that_was_kept_goes_when_it_is_seen_again(void **state)
{
    struct kit *k = *state;
    kit_close(k);
    k->config.redact = NULL;
    kit_must_open(k);
    const int64_t before = offer_in(k, FOLDER, FOLDER "/a.png").id;
    kit_close(k);
    k->config.redact = redact;
    kit_must_open(k);
    const int64_t after = offer_in(k, FOLDER, FOLDER "/b.png").id;
    assert_int_equal(
        kit_sql_int(k, "SELECT count(DISTINCT root) FROM job WHERE root > 0"), 1);
    assert_claimed_in(k, after, FOLDER);
    assert_claimed_in(k, before, FOLDER);
    reopen(k);
}

static void what_may_be_kept_is_kept(void **state)
{
    struct kit *k = *state;
    const int64_t id = kit_described(k, "/in/plain.png", 1, "a garden");
    assert_told(k, id, STORE_ENDED, "/in/plain.png", false);
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM job WHERE label <> ''"), 0);
}

static void it_is_known_when_it_comes_again(void **state)
{
    struct kit *k = *state;
    const int64_t id = kit_described(k, SECRET, 1, "a garden");
    reopen(k);
    const struct store_item i = {.path = SECRET, .size_bytes = 10, .mtime_ns = 1000000};
    struct store_item again = i, newer = i;
    assert_int_equal(kit_offer_item(k, &again, 0), 0);
    assert_int_equal(again.id, id);
    assert_true(again.is_ended);
    assert_false(again.is_new);
    assert_int_equal(kit_claim_one(k), 0);
    assert_told(k, id, STORE_ENDED, LABEL, true);
    newer.mtime_ns++;
    assert_int_equal(kit_offer_item(k, &newer, 0), 0);
    assert_true(newer.is_new);
    assert_int_not_equal(newer.id, id);
}

static void it_is_found_by_all_its_names(void **state)
{
    struct kit *k = *state;
    const int64_t id = kit_described(k, SECRET, 1, "a garden");
    kit_described(k, "/other/x.png", 2, "a street");
    assert_int_equal(find_path(k, SECRET, false), id);
    assert_int_equal(find_path(k, SECRET, true), id);
    assert_int_equal(find_path(k, LABEL, true), id);
    assert_int_equal(find_path(k, "/in", false), id);
    assert_int_equal(find_path(k, "/in/*.png", false), id);
    assert_int_equal(find_path(k, "*png", false), -2);
    assert_int_equal(find_path(k, "/in", true), 0);
    assert_int_equal(find_path(k, "/in/*.png", true), 0);
    assert_int_equal(find_path(k, "/in/" PLANT, false), 0);
}

static void named_whole_it_is_described_anew(void **state)
{
    struct kit *k = *state;
    const int64_t id = kit_described(k, SECRET, 1, "a garden");
    const struct store_change c = change(k, STORE_REDO, 0, SECRET);
    assert_int_equal(c.n, 1);
    assert_int_equal(c.n_wanted, 0);
    assert_told(k, id, STORE_QUEUED, SECRET, false);
    struct store_claim claim = {.max = 1};
    assert_int_equal(kit_claim(k, &claim), 0);
    assert_int_equal(claim.n, 1);
    assert_true(claim.jobs[0].is_redo);
    assert_string_equal(claim.jobs[0].path, SECRET);
    store_claim_fini(&claim);
    const struct store_result r = kit_result("m", "another garden");
    struct store_save s = kit_answer(id, 1, &r);
    assert_int_equal(kit_save(k, &s), 0);
    assert_told(k, id, STORE_ENDED, LABEL, true);
    reopen(k);
    kit_assert_consistent(k);
}

static void named_otherwise_it_waits_to_be_offered(void **state)
{
    struct kit *k = *state;
    const int64_t id = ended(k, SECRET, STORE_FAILED);
    struct store_change c = change(k, STORE_RETRY, id, NULL);
    assert_int_equal(c.n, 1);
    assert_int_equal(c.n_wanted, 1);
    assert_told(k, id, STORE_ENDED, LABEL, true);
    assert_int_equal(kit_claim_one(k), 0);
    reopen(k);
    const struct store_item i = offer(k, SECRET);
    assert_int_equal(i.id, id);
    assert_true(i.is_new);
    assert_false(i.is_ended);
    assert_told(k, id, STORE_QUEUED, SECRET, false);
    assert_int_equal(kit_claim_one(k), id);
    kit_assert_consistent(k);
}

static void a_stand_in_waits_for_it(void **state)
{
    struct kit *k = *state;
    const int64_t id = offer(k, SECRET).id;
    struct store_result r = kit_result("ocr", "words");
    r.is_degraded = true;
    struct store_save s = kit_answer(id, 1, &r);
    assert_int_equal(kit_claim_one(k), id);
    assert_int_equal(kit_save(k, &s), 0);
    for (int i = 0; i < 2; i++) {
        struct store_change c = {.action = STORE_UPGRADE, .filter.only_degraded = true};
        assert_int_equal(kit_change(k, &c), 0);
        assert_int_equal(c.n, i == 0);
        assert_int_equal(c.n_wanted, i == 0);
    }
    assert_int_equal(offer(k, SECRET).id, id);
    assert_told(k, id, STORE_QUEUED, SECRET, false);
}

static void one_that_brings_its_process_down_ends_so_too(void **state)
{
    struct kit *k = *state;
    kit_close(k);
    k->config.max_claims = 1;
    kit_must_open(k);
    const int64_t id = offer(k, SECRET).id;
    assert_int_equal(kit_claim_one(k), id);
    kit_sql(k, "UPDATE job SET state = 0, owner = 0, lease_until = 0");
    assert_int_equal(kit_claim_one(k), 0);
    assert_told(k, id, STORE_ENDED, LABEL, true);
    reopen(k);
}

static void a_file_that_was_only_touched_is_the_same_row(void **state)
{
    struct kit *k = *state;
    const int64_t id = kit_described(k, SECRET, 1, "a garden");
    struct store_item i = {.path = SECRET, .size_bytes = 10, .mtime_ns = 2000000};
    assert_int_equal(kit_offer_item(k, &i, 0), 0);
    assert_int_equal(kit_claim_one(k), i.id);
    struct store_save s = kit_answer(i.id, 1, NULL);
    s.outcome = STORE_DUPLICATE;
    s.result = NULL;
    s.duplicate_of = id;
    s.mtime_ns = 2000000;
    assert_int_equal(kit_save(k, &s), 0);
    assert_int_equal(s.merged_into, id);
    assert_told(k, id, STORE_ENDED, LABEL, true);
    reopen(k);
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM job"), 1);
    kit_assert_consistent(k);
}

static void it_is_forgotten_by_its_whole_name(void **state)
{
    struct kit *k = *state;
    kit_described(k, SECRET, 1, "a garden");
    struct store_forget f = {.filter = {.path = SECRET}};
    assert_int_equal(kit_forget(k, &f), 0);
    assert_int_equal(f.n, 1);
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM job"), 0);
}

// Its description goes with the other picture; it is not queued with a mark for an address.
static void one_whose_description_is_forgotten_waits(void **state)
{
    struct kit *k = *state;
    const int64_t first = kit_described(k, "/in/first.png", 1, "a garden");
    const int64_t id = offer(k, SECRET).id;
    assert_int_equal(kit_claim_one(k), id);
    struct store_save s = kit_answer(id, 1, NULL);
    s.outcome = STORE_DUPLICATE;
    s.result = NULL;
    s.duplicate_of = first;
    assert_int_equal(kit_save(k, &s), 0);
    struct store_forget f = {.filter = {.id = first}};
    assert_int_equal(kit_forget(k, &f), 0);
    assert_told(k, id, STORE_ENDED, LABEL, true);
    assert_int_equal(kit_claim_one(k), 0);
    assert_int_equal(offer(k, SECRET).id, id);
    assert_int_equal(kit_claim_one(k), id);
}

static void spin_until_clean(struct kit *k)
{
    for (int i = 0; i < 200 && kit_sql_int(k, "SELECT count(*) FROM job WHERE path"
                                              " LIKE '%" PLANT "%'") > 0;
         i++) {
        k->store->upkeep.due_ms = 0;
        store_tick(k->store, loop_now_ms(k->loop));
        while (k->store->upkeep.is_under_way) {
            uv_run(&k->loop->uv, UV_RUN_ONCE);
        }
    }
}

static void rows_of_an_older_version_are_looked_through(void **state)
{
    struct kit *k = *state;
    kit_close(k);
    k->config.redact = NULL;
    kit_must_open(k);
    for (int i = 0; i < 600; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/in/%d-" PLANT ".png", i);
        ended(k, path, STORE_FAILED);
    }
    offer(k, SECRET);
    kit_close(k);
    kit_sql(k, "INSERT INTO tally VALUES (0, -7, 1)");  // as the migration does
    k->config.redact = redact;
    kit_must_open(k);
    kit_sql(k, "DELETE FROM job WHERE state = 0");
    spin_until_clean(k);
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM job WHERE label <> ''"), 600);
    reopen(k);
}

static void a_batch_is_known_by_a_mark_too(void **state)
{
    struct kit *k = *state;
    struct store_batch first = {.key = "key of " SECRET}, again = {.key = first.key};
    assert_int_equal(kit_batch(k, &first), 0);
    assert_false(first.is_old);
    reopen(k);
    assert_int_equal(kit_batch(k, &again), 0);
    assert_true(again.is_old);
    assert_int_equal(again.id, first.id);
}

static void the_key_is_private_and_made_once(void **state)
{
    struct kit *k = *state;
    char path[128];
    struct stat before, after;
    snprintf(path, sizeof(path), "%s-key", k->path);
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(before.st_mode & 07777, 0600);
    assert_int_equal(before.st_size, ADDRESS_KEY_BYTES);
    assert_int_equal(chmod(path, 0644), 0);
    reopen(k);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_mode & 07777, 0600);
    assert_int_equal(after.st_ino, before.st_ino);
}

static void without_its_key_it_is_only_not_known_again(void **state)
{
    struct kit *k = *state;
    char path[128];
    const int64_t id = kit_described(k, SECRET, 1, "a garden");
    snprintf(path, sizeof(path), "%s-key", k->path);
    kit_close(k);
    assert_int_equal(truncate(path, 5), 0);
    assert_int_equal(kit_open(k), E_STORE);
    assert_non_null(strstr(k->err.msg, "-key: is damaged"));
    assert_int_equal(unlink(path), 0);
    kit_must_open(k);
    assert_told(k, id, STORE_ENDED, LABEL, true);
    assert_int_not_equal(offer(k, SECRET).id, id);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_goes_however_the_row_ends),
        TEST(it_stays_while_it_is_needed),
        TEST(a_folder_is_never_kept_by_its_name),
        TEST(a_folder_that_was_kept_goes_when_it_is_seen_again),
        TEST(what_may_be_kept_is_kept),
        TEST(it_is_known_when_it_comes_again),
        TEST(it_is_found_by_all_its_names),
        TEST(named_whole_it_is_described_anew),
        TEST(named_otherwise_it_waits_to_be_offered),
        TEST(a_stand_in_waits_for_it),
        TEST(one_that_brings_its_process_down_ends_so_too),
        TEST(a_file_that_was_only_touched_is_the_same_row),
        TEST(it_is_forgotten_by_its_whole_name),
        TEST(one_whose_description_is_forgotten_waits),
        TEST(rows_of_an_older_version_are_looked_through),
        TEST(a_batch_is_known_by_a_mark_too),
        TEST(the_key_is_private_and_made_once),
        TEST(without_its_key_it_is_only_not_known_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
