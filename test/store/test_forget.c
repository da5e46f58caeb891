// test_forget.c -- what is forgotten, blocked or redacted is in none of the files any more.
//
// Secrets are planted in every text that the store is given, and searched for in the bytes
// of the database, its write-ahead log and its shared memory: after closing, and after a
// process that was killed.
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

// The index keeps a word without the letters it shares with the one before it: no other word
// here begins with q.
#define PLANT "qzxvkjw"
#define FOUND "zxvkjw"

enum { ITEMS = 240, CRASH_ITEMS = 300, BLOCKED = 300, WORDS = 400 };

// ---- searching the files

static size_t read_file(const char *path, uint8_t **out)
{
    FILE *f = fopen(path, "rb");
    *out = NULL;
    if (!f) {
        return 0;
    }
    fseek(f, 0, SEEK_END);
    size_t len = (size_t)ftell(f);
    rewind(f);
    *out = malloc(len + 1);
    assert_non_null(*out);
    assert_int_equal(fread(*out, 1, len, f), len);
    fclose(f);
    return len;
}

static int count_in(const char *path, const char *text)
{
    uint8_t *data;
    size_t len = read_file(path, &data), n = strlen(text);
    int found = 0;
    for (size_t i = 0; i + n <= len; i++) {
        found += memcmp(data + i, text, n) == 0;
    }
    free(data);
    return found;
}

static int count_traces(const struct kit *k, const char *text)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    int found = 0;
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s%s", k->path, suffixes[i]);
        found += count_in(path, text);
    }
    return found;
}

// ---- making items

static uint32_t seed;

static uint32_t any(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

// Text of very different lengths, so that pages fill and split.
static const char *filler(char *room, size_t most)
{
    size_t len = 0, want = 10 + any((uint32_t)most - 40);
    room[0] = 0;
    while (len < want) {
        len += (size_t)snprintf(room + len, most - len, "word%u ", any(WORDS));
    }
    return room;
}

struct planted {
    char path[128], window[128], url[128], summary[600], details[900], text[600];
    char raw[2600], ocr[3000], words[200], mark[64];
};

// mark: "" = nothing is planted.
static void make_texts(struct planted *p, const char *folder, const char *mark, int i)
{
    char room[2000];
    snprintf(p->mark, sizeof(p->mark), "%s", mark);
    snprintf(p->path, sizeof(p->path), "%s/%s%d.png", folder, mark, i);
    snprintf(p->window, sizeof(p->window), "%swindow%d %.60s", mark, i,
             filler(room, 100));
    snprintf(p->url, sizeof(p->url), "https://%surl%d.test/", mark, i);
    snprintf(p->summary, sizeof(p->summary), "%ssummary%d %s", mark, i,
             filler(room, 500));
    snprintf(p->details, sizeof(p->details), "%sdetails%d %s", mark, i,
             filler(room, 800));
    snprintf(p->text, sizeof(p->text), "%stext%d %s", mark, i, filler(room, 500));
    snprintf(p->ocr, sizeof(p->ocr), "%socr%d %s", mark, i, filler(room, 1900));
    snprintf(p->words, sizeof(p->words), "%sattempt%d", mark, i);
    snprintf(p->raw, sizeof(p->raw), "{\"%sraw%d\": \"%s\"}", mark, i, p->summary);
}

static int64_t offer(struct kit *k, const char *root, const struct planted *p,
                     const char *app)
{
    struct store_item item = {.root = root,
                              .path = p->path,
                              .size_bytes = 10,
                              .mtime_ns = 1000000,
                              .priority = STORE_LIVE,
                              .meta = {.app = app, .window = p->window, .url = p->url}};
    if (kit_offer_item(k, &item, 0)) {
        fail_msg("%s", k->err.msg);
    }
    return item.id;
}

static void fill_answer(struct store_save *s, struct store_result *r,
                        struct store_attempt *a, int64_t id, const struct planted *p)
{
    *r = kit_result("model", p->summary);
    r->details = p->details;
    r->text = p->text;
    r->raw = p->raw;
    *a = (struct store_attempt){.at_ms = 1, .backend = "b", .words = p->words};
    *s = kit_answer(id, 0, r);
    memcpy(s->content, &id, sizeof(id));
    s->ocr_text = p->ocr;
    s->attempts = a;
    s->n_attempts = 1;
    s->is_frame = true;
    s->look = (uint64_t)id;
}

static void answer(struct kit *k, int64_t id, const struct planted *p)
{
    struct store_result r;
    struct store_attempt a;
    struct store_save s;
    fill_answer(&s, &r, &a, id, p);
    if (kit_save(k, &s) || s.lost) {
        fail_msg("%s", k->err.msg);
    }
}

static void claim_all(struct kit *k)
{
    struct store_claim c = {.max = 64};
    int n;
    do {
        assert_int_equal(kit_claim(k, &c), 0);
        n = c.n;
        store_claim_fini(&c);
    } while (n);
}

#define SECRET_FOLDER "/pictures/" PLANT "folder"

// Secret and other ones in turn, offered, then claimed, then answered in another order.
static void make_items(struct kit *k, int n, int64_t *ids)
{
    static struct planted p[CRASH_ITEMS];
    assert_true(n <= CRASH_ITEMS);
    for (int i = 0; i < n; i++) {
        bool is_secret = i % 2;
        const char *folder = is_secret ? SECRET_FOLDER : "/pictures/plain";
        make_texts(&p[i], folder, is_secret ? PLANT : "", i);
        ids[i] = offer(k, folder, &p[i], is_secret ? "Secret App" : "Editor");
    }
    claim_all(k);
    for (int i = 0; i < n; i++) {
        int at = (int)((unsigned)i * 7u % (unsigned)n);
        answer(k, ids[at], &p[at]);
    }
}

static void forget(struct kit *k, struct store_forget *f)
{
    if (kit_forget(k, f)) {
        fail_msg("%s", k->err.msg);
    }
}

// ---- forgetting

static void what_is_forgotten_is_in_no_file(void **state)
{
    (void)state;
    struct kit k;
    int64_t ids[ITEMS];
    seed = 1;
    kit_init(&k);
    kit_must_open(&k);
    make_items(&k, ITEMS, ids);
    assert_true(count_traces(&k, FOUND) > ITEMS);
    assert_string_not_equal(kit_search(&k, PLANT "summary*"), "");
    struct store_forget f = {.filter.path = SECRET_FOLDER, .is_trial = true};
    forget(&k, &f);
    assert_int_equal(f.n, ITEMS / 2);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM job"), ITEMS);
    f.is_trial = false;
    forget(&k, &f);
    assert_int_equal(f.n, ITEMS / 2);
    assert_int_equal(f.n_requeued, 0);
    assert_true(f.is_clean);
    // Even before it is closed.
    assert_int_equal(count_traces(&k, FOUND), 0);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM job"), ITEMS / 2);
    assert_int_equal(kit_sql_int(&k, "PRAGMA freelist_count"), 0);
    assert_string_equal(kit_search(&k, PLANT "summary*"), "");
    assert_string_not_equal(kit_search(&k, "summary0"), "");
    kit_assert_consistent(&k);
    struct store_audit_list l = {.limit = 10};
    assert_int_equal(kit_audit_list(&k, &l), 0);
    assert_int_equal(l.n, 1);
    assert_string_equal(l.rows[0].verdict, "forget");
    assert_int_equal(l.rows[0].n, ITEMS / 2);
    store_audit_list_fini(&l);
    // Nothing found, nothing said.
    forget(&k, &f);
    assert_int_equal(f.n, 0);
    assert_true(f.is_clean);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM audit"), 1);
    kit_close(&k);
    assert_int_equal(count_traces(&k, FOUND), 0);
    kit_must_open(&k);
    struct store_audit_verify v = {0};
    assert_int_equal(kit_audit_verify(&k, &v), 0);
    assert_int_equal(v.fault, STORE_AUDIT_SOUND);
    kit_fini(&k);
}

static void items_are_named_by_program_time_and_id(void **state)
{
    (void)state;
    struct kit k;
    int64_t ids[20];
    seed = 2;
    kit_init(&k);
    kit_must_open(&k);
    make_items(&k, 20, ids);
    struct store_forget f = {.filter.id = ids[0]};
    forget(&k, &f);
    assert_int_equal(f.n, 1);
    f = (struct store_forget){.filter.app = "secret app"};
    forget(&k, &f);
    assert_int_equal(f.n, 10);
    f = (struct store_forget){.filter.until_ms = 1000};
    forget(&k, &f);
    assert_int_equal(f.n, 0);
    f = (struct store_forget){.filter.since_ms = 1000};
    forget(&k, &f);
    assert_int_equal(f.n, 9);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM job"), 0);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM result"), 0);
    assert_int_equal(kit_sql_int(&k, "SELECT sum(n) FROM audit"), 20);
    kit_assert_consistent(&k);
    // What does not say which, or says it by a description.
    struct store_filter refused[] = {{0},
                                     {.text = "words", .path = "/p"},
                                     {.tag = "t"},
                                     {.outcomes = 2},
                                     {.states = 1},
                                     {.batch = 1},
                                     {.code = E_IO},
                                     {.only_degraded = true}};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        f = (struct store_forget){.filter = refused[i]};
        assert_int_equal(kit_forget(&k, &f), E_USAGE);
    }
    kit_fini(&k);
}

static int64_t duplicate(struct kit *k, const char *path, int64_t of, uint8_t byte)
{
    int64_t id = kit_offer(k, path, 10, 1000000);
    assert_int_equal(kit_claim_one(k), id);
    struct store_save s = kit_answer(id, byte, NULL);
    s.outcome = STORE_DUPLICATE;
    s.duplicate_of = of;
    if (kit_save(k, &s) || s.lost) {
        fail_msg("%s", k->err.msg);
    }
    return id;
}

// A description goes with the picture it was made of, and the others are asked on their own.
static void those_that_inherit_are_queued_again(void **state)
{
    (void)state;
    struct kit k;
    struct store_query q;
    kit_init(&k);
    kit_must_open(&k);
    int64_t made = kit_described(&k, "/a/made", 1, PLANT "summary");
    int64_t same = duplicate(&k, "/b/same", made, 1);
    int64_t meant_too = duplicate(&k, "/a/too", made, 1);
    int64_t other = kit_described(&k, "/b/other", 2, "kept");
    // One that took it from the cache, and is being asked once more.
    int64_t cached = kit_offer(&k, "/b/cached", 10, 1000000);
    assert_int_equal(kit_claim_one(&k), cached);
    struct store_save s = kit_answer(cached, 1, NULL);
    s.outcome = STORE_CACHED;
    s.cached_result = kit_sql_int(&k, "SELECT id FROM result WHERE content = "
                                      "x'01010101010101010101010101010101'");
    assert_int_equal(kit_save(&k, &s), 0);
    struct store_change redo = {.action = STORE_REDO, .filter.id = cached};
    assert_int_equal(kit_change(&k, &redo), 0);
    assert_int_equal(kit_claim_one(&k), cached);
    // A later answer for the same picture that no row shows.
    kit_sql(&k, "INSERT INTO result SELECT 1000, content, model + 1, prompt, params,"
                " backend, tier, finish_reason, is_degraded, created_at, prompt_tokens,"
                " completion_tokens, summary, activity, app, details, tags, text,"
                " raw_len, raw FROM result WHERE id = 1");
    struct store_forget f = {.filter.path = "/a"};
    forget(&k, &f);
    assert_int_equal(f.n, 2);
    assert_int_equal(f.n_requeued, 2);
    assert_int_equal(count_traces(&k, FOUND), 0);
    assert_null(kit_row(&k, &q, made));
    store_query_fini(&q);
    assert_null(kit_row(&k, &q, meant_too));
    store_query_fini(&q);
    struct store_row *row = kit_row(&k, &q, same);
    assert_int_equal(row->state, STORE_QUEUED);
    assert_false(row->has_result);
    assert_false(row->has_content);
    assert_int_equal(row->duplicate_of, 0);
    store_query_fini(&q);
    row = kit_row(&k, &q, cached);
    assert_int_equal(row->state, STORE_LEASED);
    assert_false(row->has_result);
    store_query_fini(&q);
    assert_int_equal(kit_sql_int(&k, "SELECT count(*) FROM result"), 1);
    kit_assert_consistent(&k);
    // Both can be described now.
    struct store_result r = kit_result("m", "anew");
    s = kit_answer(cached, 1, &r);
    s.is_frame = true;
    assert_int_equal(kit_save(&k, &s), 0);
    assert_false(s.lost);
    assert_int_equal(kit_claim_one(&k), same);
    s = kit_answer(same, 1, NULL);
    s.outcome = STORE_DUPLICATE;
    s.duplicate_of = cached;
    assert_int_equal(kit_save(&k, &s), 0);
    row = kit_row(&k, &q, same);
    assert_string_equal(row->summary, "anew");
    store_query_fini(&q);
    row = kit_row(&k, &q, other);
    assert_string_equal(row->summary, "kept");
    store_query_fini(&q);
    kit_assert_consistent(&k);
    kit_fini(&k);
}

static void what_is_being_asked_is_forgotten_too(void **state)
{
    (void)state;
    struct kit k;
    struct planted p;
    seed = 3;
    kit_init(&k);
    kit_must_open(&k);
    make_texts(&p, "/f", PLANT, 1);
    int64_t leased = offer(&k, "/f", &p, "App");
    assert_int_equal(kit_claim_one(&k), leased);
    struct store_forget f = {.filter.path = "/f"};
    forget(&k, &f);
    assert_int_equal(f.n, 1);
    // Its answer comes too late, and so does one that would inherit from it.
    struct store_result r = kit_result("m", p.summary);
    struct store_save s = kit_answer(leased, 1, &r);
    assert_int_equal(kit_save(&k, &s), 0);
    assert_true(s.lost);
    assert_int_equal(count_traces(&k, FOUND), 0);
    int64_t alike = kit_offer(&k, "/g", 10, 1000000);
    assert_int_equal(kit_claim_one(&k), alike);
    s = kit_answer(alike, 1, NULL);
    s.outcome = STORE_DUPLICATE;
    s.duplicate_of = leased;
    assert_int_equal(kit_save(&k, &s), 0);
    assert_true(s.lost);
    kit_assert_consistent(&k);
    kit_fini(&k);
}

// ---- folders

static void a_folder_is_forgotten_with_its_last_item(void **state)
{
    (void)state;
    struct kit a, b;
    kit_init(&a);
    kit_must_open(&a);
    b = a;
    b.store = NULL;
    b.loop = &a.own_loop;
    kit_must_open(&b);
    struct store_item item = {.root = "/" PLANT, .path = "/" PLANT "/1"};
    assert_int_equal(kit_offer_item(&a, &item, 0), 0);
    struct store_item second = {.root = "/" PLANT, .path = "/" PLANT "/2"};
    assert_int_equal(kit_offer_item(&b, &second, 0), 0);
    struct store_forget f = {.filter.id = item.id};
    forget(&a, &f);
    assert_int_equal(f.n, 1);
    assert_true(count_traces(&a, "/" PLANT) > 0);
    f.filter.id = second.id;
    forget(&a, &f);
    assert_int_equal(count_traces(&a, FOUND), 0);
    // The other process had the word in mind.
    struct store_item other = {.root = "/elsewhere", .path = "/elsewhere/1"};
    assert_int_equal(kit_offer_item(&a, &other, 0), 0);
    struct store_item again = {.root = "/" PLANT, .path = "/" PLANT "/3"};
    assert_int_equal(kit_offer_item(&b, &again, 0), 0);
    struct store_query q;
    assert_string_equal(kit_row(&a, &q, again.id)->root, "/" PLANT);
    store_query_fini(&q);
    assert_string_equal(kit_row(&a, &q, other.id)->root, "/elsewhere");
    store_query_fini(&q);
    kit_close(&b);
    kit_fini(&a);
}

// ---- blocked and redacted

static void of_a_blocked_picture_nothing_stays(void **state)
{
    (void)state;
    static struct planted p[BLOCKED];
    struct kit k;
    struct store_query q;
    int64_t ids[BLOCKED];
    seed = 4;
    kit_init(&k);
    kit_must_open(&k);
    for (int i = 0; i < BLOCKED; i++) {
        make_texts(&p[i], "/f", PLANT, i);
        snprintf(p[i].path, sizeof(p[i].path), "/f/%d.png", i);
        ids[i] = offer(&k, "/f", &p[i], "Secret App");
    }
    assert_true(count_traces(&k, FOUND) > BLOCKED);
    claim_all(&k);
    for (int i = 0; i < BLOCKED; i++) {
        int at = i * 7 % BLOCKED;
        struct store_save s = {.id = ids[at],
                               .outcome = STORE_BLOCKED,
                               .code = E_BLOCKED,
                               .reason = "a rule",
                               .meta = {.app = "Read App", .window = p[at].window},
                               .ocr_text = p[at].ocr,
                               .verdict = "block"};
        assert_int_equal(kit_save(&k, &s), 0);
        assert_false(s.lost);
    }
    struct store_row *row = kit_row(&k, &q, ids[7]);
    assert_string_equal(row->app, "Read App");
    assert_string_equal(row->window, "");
    assert_string_equal(row->page_url, "");
    assert_string_equal(row->ocr_text, "");
    assert_string_equal(row->verdict, "block");
    store_query_fini(&q);
    kit_assert_consistent(&k);
    kit_close(&k);
    assert_int_equal(count_traces(&k, FOUND), 0);
    // Asked for once more, its titles are not there to be judged: the claim says so.
    kit_must_open(&k);
    struct store_change redo = {.action = STORE_REDO, .filter.id = ids[0]};
    assert_int_equal(kit_change(&k, &redo), 0);
    struct store_claim c = {.max = 1};
    assert_int_equal(kit_claim(&k, &c), 0);
    assert_int_equal(c.n, 1);
    assert_true(c.jobs[0].is_meta_erased);
    store_claim_fini(&c);
    // Until somebody says them again.
    struct store_release back = {.id = ids[0]};
    assert_int_equal(kit_release(&k, &back), 0);
    struct store_item item = {.path = "/f/0.png",
                              .size_bytes = 10,
                              .mtime_ns = 1000000,
                              .meta = {.window = "harmless"}};
    assert_int_equal(kit_offer_item(&k, &item, 0), 0);
    assert_int_equal(item.id, ids[0]);
    assert_int_equal(kit_claim(&k, &c), 0);
    assert_false(c.jobs[0].is_meta_erased);
    assert_string_equal(c.jobs[0].meta.window, "harmless");
    store_claim_fini(&c);
    kit_fini(&k);
}

static void blocked_without_titles_loses_nothing(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    int64_t id = kit_offer(&k, "/a", 10, 1000000);
    assert_int_equal(kit_claim_one(&k), id);
    struct store_save s = {.id = id, .outcome = STORE_BLOCKED, .reason = "a rule"};
    assert_int_equal(kit_save(&k, &s), 0);
    assert_int_equal(kit_sql_int(&k, "SELECT is_erased FROM job"), 0);
    kit_fini(&k);
}

static void redacted_titles_replace_what_was_offered(void **state)
{
    (void)state;
    struct kit k;
    struct store_query q;
    struct planted p;
    struct store_result r;
    struct store_attempt a;
    struct store_save s;
    seed = 5;
    kit_init(&k);
    kit_must_open(&k);
    make_texts(&p, "/f", PLANT, 1);
    snprintf(p.path, sizeof(p.path), "/f/1.png");
    int64_t id = offer(&k, "/f", &p, "App");
    assert_int_equal(kit_claim_one(&k), id);
    // Described with everything, and searchable by it; then asked again with better rules.
    answer(&k, id, &p);
    assert_string_not_equal(kit_search(&k, PLANT "window1"), "");
    struct store_change redo = {.action = STORE_REDO, .filter.id = id};
    assert_int_equal(kit_change(&k, &redo), 0);
    assert_int_equal(kit_claim_one(&k), id);
    struct planted clean = p;
    make_texts(&clean, "/f", "", 1);
    fill_answer(&s, &r, &a, id, &clean);
    s.is_redacted = true;
    s.meta.window = "[card] - Bank";
    assert_int_equal(kit_save(&k, &s), 0);
    struct store_row *row = kit_row(&k, &q, id);
    assert_string_equal(row->window, "[card] - Bank");
    assert_string_equal(row->page_url, "");
    store_query_fini(&q);
    assert_string_equal(kit_search(&k, PLANT "window1"), "");
    assert_string_equal(kit_search(&k, "bank"), "1");
    kit_assert_consistent(&k);
    kit_close(&k);
    // The history of its first request stays: the caller redacts that.
    assert_int_equal(count_traces(&k, FOUND "attempt"), count_traces(&k, FOUND));
    // Every way to end.
    kit_must_open(&k);
    static const enum store_outcome outcomes[] = {STORE_SKIPPED, STORE_FAILED};
    for (int i = 0; i < 2; i++) {
        make_texts(&p, "/f", PLANT, 10 + i);
        snprintf(p.path, sizeof(p.path), "/f/%d.png", 10 + i);
        id = offer(&k, "/f", &p, "App");
        assert_int_equal(kit_claim_one(&k), id);
        s = (struct store_save){
            .id = id, .outcome = outcomes[i], .is_redacted = true, .meta.window = "[x]"};
        assert_int_equal(kit_save(&k, &s), 0);
        row = kit_row(&k, &q, id);
        assert_string_equal(row->window, "[x]");
        assert_string_equal(row->page_url, "");
        store_query_fini(&q);
    }
    kit_close(&k);
    assert_int_equal(count_traces(&k, FOUND "attempt"), count_traces(&k, FOUND));
    kit_must_open(&k);
    kit_fini(&k);
}

// Another row has the version that was read: the verdict of the picture holds for this one.
static void a_superseded_row_loses_its_titles_too(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    struct store_item item = {.path = "/a",
                              .size_bytes = 10,
                              .mtime_ns = 1,
                              .meta = {.window = PLANT "window"}};
    assert_int_equal(kit_offer_item(&k, &item, 0), 0);
    assert_int_equal(kit_claim_one(&k), item.id);
    kit_offer(&k, "/a", 20, 2);
    struct store_save s = {.id = item.id,
                           .outcome = STORE_BLOCKED,
                           .reason = "a rule",
                           .has_image = true,
                           .size_bytes = 20,
                           .mtime_ns = 2};
    assert_int_equal(kit_save(&k, &s), 0);
    kit_close(&k);
    assert_int_equal(count_traces(&k, FOUND), 0);
    kit_must_open(&k);
    kit_fini(&k);
}

// ---- other processes

static void tick_until_clean(struct kit *k)
{
    k->store->upkeep.due_ms = k->store->upkeep.full_due_ms = 0;
    for (int i = 0; i < 1000; i++) {
        store_tick(k->store, INT64_MAX / 2 + i);
        while (k->store->upkeep.is_under_way) {
            uv_run(&k->loop->uv, UV_RUN_ONCE);
        }
        if (!k->store->upkeep.has_more && !k->store->upkeep.looks_again) {
            return;
        }
        k->store->upkeep.due_ms = 0;
    }
    fail_msg("upkeep does not come to an end");
}

// Somebody reads an old state of the database, which stands in the log.
static void a_reader_delays_it(void **state)
{
    (void)state;
    struct kit k;
    sqlite3 *other;
    kit_init(&k);
    kit_must_open(&k);
    kit_described(&k, "/a", 1, PLANT "summary");
    assert_int_equal(sqlite3_open(k.path, &other), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(other, "BEGIN; SELECT count(*) FROM job", NULL, NULL, NULL),
        SQLITE_OK);
    struct store_forget f = {.filter.path = "/a"};
    forget(&k, &f);
    assert_int_equal(f.n, 1);
    assert_false(f.is_clean);
    assert_true(count_traces(&k, FOUND) > 0);
    // Others are served meanwhile, and it is done when the reader is.
    assert_int_equal(kit_described(&k, "/b", 2, "other"), 2);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    tick_until_clean(&k);
    assert_int_equal(count_traces(&k, FOUND), 0);
    assert_string_equal(kit_search(&k, "other"), "2");
    kit_assert_consistent(&k);
    kit_fini(&k);
}

// What upkeep notices by itself, soon.
static void upkeep_comes_soon_after_a_block(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    int64_t now_ms = 1000;
    assert_true(store_tick(k.store, now_ms) > now_ms + 60000);
    struct store_item item = {.path = "/a", .meta = {.window = PLANT "window"}};
    assert_int_equal(kit_offer_item(&k, &item, 0), 0);
    assert_int_equal(kit_claim_one(&k), item.id);
    struct store_save s = {.id = item.id, .outcome = STORE_BLOCKED, .reason = "r"};
    assert_int_equal(kit_save(&k, &s), 0);
    int64_t due_ms = store_tick(k.store, now_ms);
    assert_in_range(due_ms, now_ms, now_ms + 10000);
    tick_until_clean(&k);
    assert_int_equal(count_traces(&k, FOUND), 0);
    assert_int_equal(kit_sql_int(&k, "SELECT (SELECT n FROM tally WHERE key = -4)"
                                     " - (SELECT n FROM tally WHERE key = -5)"),
                     0);
    kit_fini(&k);
}

static struct store_forget child_forget;

static void on_child_forgot(struct store_forget *r, int err)
{
    (void)r;
    _exit(err ? 9 : 0);
}

// Dies without closing: after so many commits of forgetting, or after a block.
static int run_child(const char *path, int commits)
{
    static struct kit k;
    if (loop_init(&k.own_loop)) {
        return 5;
    }
    k.loop = &k.own_loop;
    k.config = (struct store_config){.path = path, .min_free_bytes = 1};
    if (kit_open(&k)) {
        return 6;
    }
    if (commits < 0) {
        int64_t id = kit_claim_one(&k);
        struct store_save s = {.id = id, .outcome = STORE_BLOCKED, .reason = "r"};
        _exit(kit_save(&k, &s) ? 7 : 0);
    }
    int64_t before = atomic_load(&k.store->writer.commits);
    child_forget.filter.path = SECRET_FOLDER;
    store_forget(k.store, &child_forget, on_child_forgot);
    while (atomic_load(&k.store->writer.commits) < before + commits) {
        uv_run(&k.loop->uv, UV_RUN_ONCE);
    }
    _exit(0);
}

static void run_and_die(const char *path, int commits)
{
    extern char **environ;
    char number[16];
    pid_t pid;
    int status;
    snprintf(number, sizeof(number), "%d", commits);
    char *argv[] = {"test_forget", "child", (char *)(uintptr_t)path, number, NULL};
    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void what_a_killed_process_left_is_cleared_away(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_must_open(&k);
    struct store_item item = {.path = "/a", .meta = {.window = PLANT "window"}};
    assert_int_equal(kit_offer_item(&k, &item, 0), 0);
    kit_close(&k);
    run_and_die(k.path, -1);
    assert_true(count_traces(&k, FOUND) > 0);
    kit_must_open(&k);
    tick_until_clean(&k);
    assert_int_equal(count_traces(&k, FOUND), 0);
    kit_fini(&k);
}

static void forgetting_survives_its_process_at_any_step(void **state)
{
    (void)state;
    for (int commits = 1; commits <= 9; commits += 2) {
        struct kit k;
        int64_t ids[CRASH_ITEMS];
        seed = 6;
        kit_init(&k);
        kit_must_open(&k);
        make_items(&k, CRASH_ITEMS, ids);
        kit_close(&k);
        run_and_die(k.path, commits);
        kit_must_open(&k);
        kit_assert_consistent(&k);
        // What was removed so far is in the audit, though nobody had come to write it.
        int64_t left = kit_sql_int(&k, "SELECT count(*) FROM job");
        assert_in_range(left, CRASH_ITEMS / 2, CRASH_ITEMS);
        assert_int_equal(kit_sql_int(&k, "SELECT ifnull(sum(n), 0) FROM audit"),
                         CRASH_ITEMS - left);
        // Upkeep clears away what is gone; asked again, the rest goes too.
        tick_until_clean(&k);
        struct store_forget f = {.filter.path = SECRET_FOLDER};
        forget(&k, &f);
        assert_int_equal(f.n, left - CRASH_ITEMS / 2);
        assert_int_equal(count_traces(&k, FOUND), 0);
        assert_int_equal(kit_sql_int(&k, "SELECT sum(n) FROM audit"), CRASH_ITEMS / 2);
        kit_assert_consistent(&k);
        kit_fini(&k);
    }
}

// Any order of saving, redoing, dropping and forgetting, with merges of the index going on.
static void in_any_order_nothing_stays(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 6; round++) {
        struct kit k;
        seed = 100 + round;
        kit_init(&k);
        kit_must_open(&k);
        for (int i = 0; i < 150; i++) {
            struct planted p;
            make_texts(&p, "/f", i % 3 ? "" : PLANT, i);
            int64_t id = offer(&k, "/f", &p, i % 3 ? "Editor" : "Secret App");
            assert_int_equal(kit_claim_one(&k), id);
            answer(&k, id, &p);
            if (any(4) == 0) {
                struct store_change drop = {.action = STORE_DROP,
                                            .filter.id = 1 + any((uint32_t)i + 1)};
                assert_int_equal(kit_change(&k, &drop), 0);
            }
            if (any(20) == 0) {
                struct store_forget f = {.filter.app = "Secret App"};
                forget(&k, &f);
                assert_int_equal(count_traces(&k, FOUND), 0);
            }
        }
        struct store_forget f = {.filter.app = "Secret App"};
        forget(&k, &f);
        assert_true(f.is_clean);
        assert_int_equal(count_traces(&k, FOUND), 0);
        kit_assert_consistent(&k);
        kit_fini(&k);
    }
}

// Large enough for a merge of several steps, between which new documents come.
static void words_go_while_others_come(void **state)
{
    (void)state;
    struct kit k;
    char path[32], summary[2000];
    seed = 7;
    kit_init(&k);
    kit_must_open(&k);
    kit_described(&k, "/secret", 255, PLANT "summary");
    for (int i = 0; i < 2000; i++) {
        struct store_result r = kit_result("model", summary);
        struct store_save s;
        size_t len = 0;
        while (len < 1900) {
            len += (size_t)snprintf(summary + len, sizeof(summary) - len, "w%xz%x ",
                                    any(1u << 20), any(1u << 20));
        }
        snprintf(path, sizeof(path), "/large/%d", i);
        int64_t id = kit_offer(&k, path, 10, 1000000);
        assert_int_equal(kit_claim_one(&k), id);
        s = kit_answer(id, 0, &r);
        memcpy(s.content, &id, sizeof(id));
        assert_int_equal(kit_save(&k, &s), 0);
    }
    assert_true(kit_sql_int(&k, "SELECT count(*) FROM search_data") > 600);
    struct store_change drop = {.action = STORE_DROP, .filter.path = "/secret"};
    assert_int_equal(kit_change(&k, &drop), 0);
    k.store->upkeep.due_ms = 0;
    int steps = 0;
    for (bool goes_on = true; goes_on; steps++) {
        store_tick(k.store, INT64_MAX / 2 + steps);
        while (k.store->upkeep.is_under_way) {
            uv_run(&k.loop->uv, UV_RUN_ONCE);
        }
        goes_on = k.store->upkeep.has_more || k.store->upkeep.looks_again;
        k.store->upkeep.due_ms = 0;
        for (int i = 0; i < 3; i++) {
            snprintf(path, sizeof(path), "/new/%d.%d", steps, i);
            kit_described(&k, path, (uint8_t)(3 * steps + i), "new words");
        }
    }
    assert_in_range(steps, 4, 60);
    kit_close(&k);
    assert_int_equal(count_traces(&k, FOUND), 0);
    kit_must_open(&k);
    kit_assert_consistent(&k);
    kit_fini(&k);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "child") == 0) {
        return run_child(argv[2], atoi(argv[3]));
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_forgotten_is_in_no_file),
        cmocka_unit_test(items_are_named_by_program_time_and_id),
        cmocka_unit_test(those_that_inherit_are_queued_again),
        cmocka_unit_test(what_is_being_asked_is_forgotten_too),
        cmocka_unit_test(a_folder_is_forgotten_with_its_last_item),
        cmocka_unit_test(of_a_blocked_picture_nothing_stays),
        cmocka_unit_test(blocked_without_titles_loses_nothing),
        cmocka_unit_test(redacted_titles_replace_what_was_offered),
        cmocka_unit_test(a_superseded_row_loses_its_titles_too),
        cmocka_unit_test(a_reader_delays_it),
        cmocka_unit_test(upkeep_comes_soon_after_a_block),
        cmocka_unit_test(what_a_killed_process_left_is_cleared_away),
        cmocka_unit_test(forgetting_survives_its_process_at_any_step),
        cmocka_unit_test(in_any_order_nothing_stays),
        cmocka_unit_test(words_go_while_others_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
