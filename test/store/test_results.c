// test_results.c -- answers, duplicates, the cache, redo, upgrade, drop: who shows what.
// SPDX-License-Identifier: MIT
#include "store/pack.h"
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
    kit_assert_consistent(k);
    kit_fini(k);
    free(k);
    return 0;
}

static int64_t claim(struct kit *k, bool with_degraded)
{
    struct store_claim c = {.max = 1, .with_degraded = with_degraded};
    assert_int_equal(kit_claim(k, &c), 0);
    int64_t id = c.n ? c.jobs[0].id : 0;
    store_claim_fini(&c);
    return id;
}

static int64_t offer_and_claim(struct kit *k, const char *path)
{
    int64_t id = kit_offer(k, path, 10, 1000000);
    assert_int_equal(claim(k, true), id);
    return id;
}

static struct store_similar similar(struct kit *k, int64_t id, uint8_t byte,
                                    const char *model)
{
    struct store_similar r = {.id = id, .model = model, .prompt = "p/1", .params = ""};
    memset(r.content, byte, sizeof(r.content));
    assert_int_equal(kit_similar(k, &r), 0);
    return r;
}

static void save(struct kit *k, struct store_save *s)
{
    if (kit_save(k, s)) {
        fail_msg("%s", k->err.msg);
    }
}

static void save_duplicate(struct kit *k, int64_t id, int64_t of, uint8_t byte)
{
    struct store_save s = kit_answer(id, byte, NULL);
    s.outcome = STORE_DUPLICATE;
    s.duplicate_of = of;
    save(k, &s);
    assert_false(s.lost);
    assert_int_equal(s.merged_into, 0);
}

static void change(struct kit *k, enum store_action action, int64_t id, int64_t n)
{
    struct store_change c = {.action = action, .filter.id = id};
    if (kit_change(k, &c)) {
        fail_msg("%s", k->err.msg);
    }
    assert_int_equal(c.n, n);
}

static void assert_row(struct kit *k, int64_t id, enum store_outcome outcome,
                       const char *summary, int64_t duplicate_of, int n_duplicates)
{
    struct store_query q;
    struct store_row *r = kit_row(k, &q, id);
    assert_non_null(r);
    assert_string_equal(store_outcome_name(r->outcome), store_outcome_name(outcome));
    assert_string_equal(r->summary, summary);
    assert_int_equal(r->duplicate_of, duplicate_of);
    assert_int_equal(r->n_duplicates, n_duplicates);
    store_query_fini(&q);
}

// ---- what is kept

static void assert_words_found(struct kit *k)
{
    const char *const words[] = {"summary", "details", "main", "coding", "ocr",
                                 "Read",    "title",   "seen", "a"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_string_equal(kit_search(k, words[i]), "1");
    }
    assert_string_equal(kit_search(k, "Offered"), "");
    assert_int_equal(kit_sql_int(k, "SELECT length(luma) * (job = 1) FROM frame"),
                     STORE_THUMB_BYTES);
}

static void everything_that_is_known_comes_back(void **state)
{
    struct kit *k = *state;
    struct store_item item = {.root = "/shots",
                              .path = "/shots/1.png",
                              .size_bytes = 10,
                              .mtime_ns = 1000000,
                              .meta.app = "Offered"};
    assert_int_equal(kit_offer_item(k, &item, 0), 0);
    assert_int_equal(claim(k, false), item.id);
    struct store_result r = {
        .backend = "local",
        .model = "m:7b",
        .prompt = "ide/1",
        .params = "t=0",
        .tier = "deep",
        .summary = "the summary",
        .activity = "coding",
        .app = "Seen app",
        .details = "the details",
        .tags = "[\"a\"]",
        .text = "int main",
        .raw = "{\"summary\": \"the summary\", \"details\": \"the details\","
               " \"text\": \"int main\", \"more\": \"unparsed\"}",
        .finish_reason = "stop",
        .prompt_tokens = 7,
        .completion_tokens = -1};
    struct store_attempt a = {
        .at_ms = 5, .backend = "local", .model = "m:7b", .words = "", .request_ms = 900};
    struct store_save s = kit_answer(item.id, 3, &r);
    s.meta = (struct store_meta){.app = "Read",
                                 .window = "Window \xff title",
                                 .screen = "DP-1",
                                 .url = "http://page/",
                                 .taken_at_ms = 1234567};
    s.is_frame = true;
    s.ocr_text = "text by ocr";
    s.queued_ms = 1;
    s.prepare_ms = 2;
    s.request_ms = 3;
    s.first_byte_ms = 4;
    s.attempts = &a;
    s.n_attempts = 1;
    save(k, &s);
    struct store_query q;
    struct store_row *w = kit_row(k, &q, item.id);
    assert_int_equal(w->state, STORE_ENDED);
    assert_int_equal(w->outcome, STORE_ANSWERED);
    assert_string_equal(w->root, "/shots");
    assert_string_equal(w->path, "/shots/1.png");
    assert_string_equal(w->app, "Read");
    assert_string_equal(w->window, "Window \xff title");
    assert_string_equal(w->screen, "DP-1");
    assert_string_equal(w->page_url, "http://page/");
    assert_int_equal(w->taken_at_ms, 1234567);
    assert_true(w->has_content && w->has_result && !w->is_degraded && !w->is_url);
    assert_memory_equal(w->content, s.content, sizeof(s.content));
    assert_memory_equal(w->sent_hash, s.sent_hash, sizeof(s.sent_hash));
    assert_int_equal(w->width * 10000 + w->height, 19201080);
    assert_int_equal(w->sent_width * 10000 + w->sent_height, 7680432);
    assert_int_equal(w->sent_bytes, 40000);
    assert_int_equal(w->queued_ms + w->prepare_ms * 10 + w->request_ms * 100 +
                         w->first_byte_ms * 1000,
                     4321);
    assert_string_equal(w->backend, "local");
    assert_string_equal(w->model, "m:7b");
    assert_string_equal(w->prompt, "ide/1");
    assert_string_equal(w->params, "t=0");
    assert_string_equal(w->tier, "deep");
    assert_string_equal(w->activity, "coding");
    assert_string_equal(w->seen_app, "Seen app");
    assert_string_equal(w->details, "the details");
    assert_string_equal(w->tags, "[\"a\"]");
    assert_string_equal(w->text, "int main");
    assert_string_equal(w->raw, r.raw);
    assert_string_equal(w->finish_reason, "stop");
    assert_string_equal(w->ocr_text, "text by ocr");
    assert_int_equal(w->prompt_tokens, 7);
    assert_int_equal(w->completion_tokens, -1);
    assert_int_equal(w->attempts, 1);
    assert_true(w->created_at_ms > 0 && w->ended_at_ms > 0);
    assert_string_equal(w->lease_owner, "");
    store_query_fini(&q);
    assert_words_found(k);
}

static void other_endings_are_kept_with_their_reason(void **state)
{
    struct kit *k = *state;
    const struct {
        enum store_outcome outcome;
        int code;
        const char *reason;
    } cases[] = {
        {STORE_BLOCKED, E_BLOCKED, "a password manager"},
        {STORE_SKIPPED, 0, "deleted"},
        {STORE_FAILED, E_CORRUPT, "cut at 5 bytes"},
        {STORE_FAILED, E_CORRUPT, "cut at 6 bytes"},
        {STORE_FAILED, E_EMPTY, "no words"},
    };
    char path[16];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(path, sizeof(path), "/%zu", i);
        struct store_save s = {.id = offer_and_claim(k, path),
                               .outcome = cases[i].outcome,
                               .code = cases[i].code,
                               .reason = cases[i].reason};
        save(k, &s);
        struct store_query q;
        struct store_row *r = kit_row(k, &q, s.id);
        assert_int_equal(r->outcome, cases[i].outcome);
        assert_int_equal(r->code, cases[i].code);
        assert_string_equal(r->reason, cases[i].reason);
        assert_false(r->has_result);
        assert_string_equal(r->summary, "");
        store_query_fini(&q);
    }
    struct store_counts c = {0};
    assert_int_equal(kit_count(k, &c), 0);
    assert_int_equal(c.by_outcome[STORE_FAILED], 3);
    assert_int_equal(c.by_outcome[STORE_BLOCKED], 1);
    assert_int_equal(c.failures[0].code, E_CORRUPT);
    assert_int_equal(c.failures[0].n, 2);
    assert_int_equal(c.failures[1].code, E_EMPTY);
    assert_int_equal(c.failures[2].code, 0);
    assert_int_equal(c.day_total, 5);
    assert_int_equal(c.day_described, 0);
    struct store_change retry = {.action = STORE_RETRY, .filter.code = E_CORRUPT};
    assert_int_equal(kit_change(k, &retry), 0);
    assert_int_equal(retry.n, 2);
    assert_int_equal(kit_sql_int(k,
                                 "SELECT count(*) FROM job WHERE state = 0 AND code = 0"
                                 " AND attempts = 0"),
                     2);
}

// ---- duplicates

static void equal_pictures_inherit(void **state)
{
    struct kit *k = *state;
    int64_t first = kit_described(k, "/1.png", 1, "a red house");
    int64_t second = offer_and_claim(k, "/2.png");
    struct store_similar r = similar(k, second, 1, "other-model");
    assert_int_equal(r.duplicate_of, first);
    assert_int_equal(r.result, 0);
    assert_int_equal(r.in_progress, 0);
    save_duplicate(k, second, first, 1);
    assert_row(k, second, STORE_DUPLICATE, "a red house", first, 0);
    assert_row(k, first, STORE_ANSWERED, "a red house", 0, 1);
    assert_string_equal(kit_search(k, "house"), "1");
    // The duplicate of a duplicate goes to the one that holds the description.
    int64_t third = offer_and_claim(k, "/3.png");
    save_duplicate(k, third, second, 1);
    assert_row(k, third, STORE_DUPLICATE, "a red house", first, 0);
    assert_row(k, first, STORE_ANSWERED, "a red house", 0, 2);
}

static void of_equal_pictures_under_way_one_is_asked(void **state)
{
    struct kit *k = *state;
    int64_t a = offer_and_claim(k, "/1.png"), b = offer_and_claim(k, "/2.png");
    assert_int_equal(similar(k, b, 9, "").in_progress, 0);
    assert_int_equal(similar(k, a, 9, "").in_progress, b);
    // Asking again changes nothing: the two never wait for each other.
    assert_int_equal(similar(k, b, 9, "").in_progress, 0);
    assert_int_equal(similar(k, a, 9, "").in_progress, b);
    assert_int_equal(similar(k, a, 8, "").in_progress, 0);
    assert_int_equal(similar(k, a, 9, "").in_progress, b);
    // The first gives up for now: it is a's turn, and b comes behind it next time.
    struct store_release r = {.id = b};
    assert_int_equal(kit_release(k, &r), 0);
    assert_int_equal(similar(k, a, 9, "").in_progress, 0);
    assert_int_equal(claim(k, false), b);
    assert_int_equal(similar(k, b, 9, "").in_progress, a);
    struct store_result res = kit_result("m", "both");
    struct store_save s = kit_answer(a, 9, &res);
    save(k, &s);
    struct store_similar found = similar(k, b, 9, "");
    assert_int_equal(found.in_progress, 0);
    assert_int_equal(found.duplicate_of, a);
}

static void a_description_that_is_too_old_does_not_count(void **state)
{
    struct kit *k = *state;
    kit_described(k, "/1.png", 5, "long ago");
    kit_sql(k, "UPDATE result SET created_at = 5000");
    int64_t b = offer_and_claim(k, "/2.png");
    for (int i = 0; i < 2; i++) {
        struct store_similar s = {.id = b, .model = i ? "vlm" : "", .since_ms = 5001};
        s.prompt = s.params = "";
        memset(s.content, 5, sizeof(s.content));
        assert_int_equal(kit_similar(k, &s), 0);
        assert_int_equal(s.duplicate_of + s.result, 0);
        s.since_ms = 5000;
        assert_int_equal(kit_similar(k, &s), 0);
        assert_int_not_equal(s.duplicate_of, 0);
        free(s.frames);
    }
}

static void a_stand_in_is_no_full_description(void **state)
{
    struct kit *k = *state;
    struct store_result r = kit_result("ocr", "words on a screen");
    r.is_degraded = true;
    int64_t a = offer_and_claim(k, "/1.png");
    struct store_save s = kit_answer(a, 5, &r);
    save(k, &s);
    int64_t b = offer_and_claim(k, "/2.png");
    struct store_similar found = similar(k, b, 5, "vlm");
    assert_int_equal(found.duplicate_of, 0);
    assert_int_equal(found.result, 0);
    assert_int_equal(similar(k, b, 5, "").result, 0);
    // The stand-in itself finds its own answer.
    found = similar(k, b, 5, "ocr");
    assert_int_equal(found.duplicate_of, 0);
    assert_int_not_equal(found.result, 0);
    s = kit_answer(b, 5, NULL);
    s.outcome = STORE_CACHED;
    s.cached_result = found.result;
    save(k, &s);
    assert_row(k, b, STORE_CACHED, "words on a screen", 0, 0);
    assert_string_equal(kit_search(k, "screen"), "2 1");
    struct store_counts c = {0};
    assert_int_equal(kit_count(k, &c), 0);
    assert_int_equal(c.degraded, 2);
    assert_int_equal(c.by_outcome[STORE_CACHED], 1);
}

static void a_touched_file_keeps_its_row(void **state)
{
    struct kit *k = *state;
    int64_t old = kit_described(k, "/1.png", 1, "a red house");
    int64_t copy = offer_and_claim(k, "/2.png");
    save_duplicate(k, copy, old, 1);
    struct store_batch batch = {.key = "b"};
    assert_int_equal(kit_batch(k, &batch), 0);
    const char *const paths[] = {"/1.png", "/2.png"};
    const int64_t rows[] = {old, copy};
    for (int i = 0; i < 2; i++) {
        struct store_item item = {
            .path = paths[i], .size_bytes = 10, .mtime_ns = 2000000};
        assert_int_equal(kit_offer_item(k, &item, batch.id), 0);
        assert_true(item.is_new);
        assert_int_equal(claim(k, false), item.id);
        assert_int_equal(similar(k, item.id, 1, "").duplicate_of, old);
        struct store_save s = kit_answer(item.id, 1, NULL);
        s.outcome = STORE_DUPLICATE;
        s.duplicate_of = old;
        s.mtime_ns = 2000000;
        save(k, &s);
        assert_false(s.lost);
        assert_int_equal(s.merged_into, rows[i]);
        struct store_query q;
        assert_null(kit_row(k, &q, item.id));
        store_query_fini(&q);
        assert_int_equal(kit_row(k, &q, rows[i])->mtime_ns, 2000000);
        store_query_fini(&q);
    }
    struct store_counts c = {.batch = batch.id};
    assert_int_equal(kit_count(k, &c), 0);
    assert_int_equal(c.total, 2);
    assert_int_equal(c.ended, 2);
}

static void inheriting_from_what_is_gone_starts_over(void **state)
{
    struct kit *k = *state;
    int64_t old = kit_described(k, "/1.png", 1, "a red house");
    int64_t id = offer_and_claim(k, "/2.png");
    struct store_similar found = similar(k, id, 1, "model-a");
    assert_int_equal(found.duplicate_of, old);
    assert_int_not_equal(found.result, 0);
    change(k, STORE_DROP, old, 1);
    struct store_save s = kit_answer(id, 1, NULL);
    s.outcome = STORE_DUPLICATE;
    s.duplicate_of = old;
    save(k, &s);
    assert_true(s.lost);
    assert_int_equal(claim(k, false), id);
    s.outcome = STORE_CACHED;
    s.cached_result = found.result;
    save(k, &s);
    assert_true(s.lost);
    assert_int_equal(claim(k, false), id);
    assert_int_equal(similar(k, id, 1, "").duplicate_of, 0);
}

// ---- versions

static void the_version_that_was_read_is_the_version_of_the_row(void **state)
{
    struct kit *k = *state;
    struct store_result r = kit_result("m", "moved");
    int64_t id = offer_and_claim(k, "/1.png");
    struct store_save s = kit_answer(id, 1, &r);
    s.size_bytes = 11;
    s.mtime_ns = 5;
    save(k, &s);
    struct store_item item = {.path = "/1.png", .size_bytes = 11, .mtime_ns = 5};
    assert_int_equal(kit_offer_item(k, &item, 0), 0);
    assert_int_equal(item.id, id);
    assert_true(item.is_ended);
    // URLs stay what they were called, whatever was fetched.
    struct store_item url = {.path = "http://x/1.png", .is_url = true};
    assert_int_equal(kit_offer_item(k, &url, 0), 0);
    assert_int_equal(claim(k, false), url.id);
    s = kit_answer(url.id, 2, &r);
    save(k, &s);
    assert_int_equal(kit_offer_item(k, &url, 0), 0);
    assert_true(url.is_ended);
    assert_false(url.is_new);
}

static void an_answer_for_a_superseded_row_is_not_paid_again(void **state)
{
    struct kit *k = *state;
    struct store_result r = kit_result("model-a", "paid for");
    int64_t old = offer_and_claim(k, "/1.png");
    struct store_item item = {.path = "/1.png", .size_bytes = 11, .mtime_ns = 5};
    assert_int_equal(kit_offer_item(k, &item, 0), 0);
    struct store_save s = kit_answer(old, 1, &r);
    s.size_bytes = 11;
    s.mtime_ns = 5;
    save(k, &s);
    struct store_query q;
    struct store_row *row = kit_row(k, &q, old);
    assert_int_equal(row->outcome, STORE_SKIPPED);
    assert_string_equal(row->reason, "superseded by job 2");
    store_query_fini(&q);
    assert_int_equal(claim(k, false), item.id);
    struct store_similar found = similar(k, item.id, 1, "model-a");
    assert_int_not_equal(found.result, 0);
    s = kit_answer(item.id, 1, NULL);
    s.outcome = STORE_CACHED;
    s.cached_result = found.result;
    s.size_bytes = 11;
    s.mtime_ns = 5;
    save(k, &s);
    assert_row(k, item.id, STORE_CACHED, "paid for", 0, 0);
}

// ---- redo and upgrade

static void a_redo_keeps_the_old_description_until_the_new_one(void **state)
{
    struct kit *k = *state;
    int64_t a = kit_described(k, "/1.png", 1, "old words");
    int64_t b = offer_and_claim(k, "/2.png");
    save_duplicate(k, b, a, 1);
    change(k, STORE_REDO, a, 1);
    assert_row(k, a, STORE_NONE, "old words", 0, 1);
    assert_string_equal(kit_search(k, "old"), "1");
    struct store_claim c = {.max = 1};
    assert_int_equal(kit_claim(k, &c), 0);
    assert_true(c.jobs[0].is_redo);
    store_claim_fini(&c);
    // It fails: back to what it was, with the reason.
    struct store_save s = {
        .id = a, .outcome = STORE_FAILED, .code = E_STALL, .reason = "stalled"};
    save(k, &s);
    assert_row(k, a, STORE_ANSWERED, "old words", 0, 1);
    struct store_query q;
    assert_string_equal(kit_row(k, &q, a)->reason, "stalled");
    store_query_fini(&q);
    // It succeeds with another model: the duplicate follows, the old result stays as
    // cache.
    change(k, STORE_REDO, a, 1);
    assert_int_equal(claim(k, false), a);
    struct store_result r = kit_result("model-b", "new phrase");
    s = kit_answer(a, 1, &r);
    save(k, &s);
    assert_row(k, a, STORE_ANSWERED, "new phrase", 0, 1);
    assert_row(k, b, STORE_DUPLICATE, "new phrase", a, 0);
    assert_string_equal(kit_search(k, "old"), "");
    assert_string_equal(kit_search(k, "phrase"), "1");
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM result"), 2);
    // With the same model: replaced in place.
    change(k, STORE_REDO, a, 1);
    assert_int_equal(claim(k, false), a);
    r.summary = "newest term";
    s = kit_answer(a, 1, &r);
    save(k, &s);
    assert_row(k, b, STORE_DUPLICATE, "newest term", a, 0);
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM result"), 2);
    assert_string_equal(kit_search(k, "phrase"), "");
}

static void a_redone_duplicate_stands_for_itself(void **state)
{
    struct kit *k = *state;
    int64_t a = kit_described(k, "/1.png", 1, "old words");
    int64_t b = offer_and_claim(k, "/2.png");
    save_duplicate(k, b, a, 1);
    change(k, STORE_REDO, b, 1);
    assert_int_equal(claim(k, false), b);
    struct store_result r = kit_result("model-b", "own words");
    struct store_save s = kit_answer(b, 1, &r);
    save(k, &s);
    assert_row(k, b, STORE_ANSWERED, "own words", 0, 0);
    assert_row(k, a, STORE_ANSWERED, "old words", 0, 0);
    // Same content, model and prompt as a's: one result, both documents follow it.
    change(k, STORE_REDO, b, 1);
    assert_int_equal(claim(k, false), b);
    r = kit_result("model-a", "shared words");
    s = kit_answer(b, 1, &r);
    save(k, &s);
    assert_row(k, a, STORE_ANSWERED, "shared words", 0, 0);
    assert_string_equal(kit_search(k, "shared"), "2 1");
    assert_string_equal(kit_search(k, "old"), "");
}

static void a_redo_of_changed_content_leaves_the_duplicates_alone(void **state)
{
    struct kit *k = *state;
    int64_t a = kit_described(k, "/1.png", 1, "first picture");
    int64_t b = offer_and_claim(k, "/2.png"), c;
    save_duplicate(k, b, a, 1);
    c = offer_and_claim(k, "/3.png");
    save_duplicate(k, c, a, 1);
    change(k, STORE_REDO, a, 1);
    assert_int_equal(claim(k, false), a);
    struct store_result r = kit_result("model-a", "second picture");
    struct store_save s = kit_answer(a, 2, &r);
    s.mtime_ns = 77;
    save(k, &s);
    assert_row(k, a, STORE_ANSWERED, "second picture", 0, 0);
    assert_row(k, b, STORE_ANSWERED, "first picture", 0, 1);
    assert_row(k, c, STORE_DUPLICATE, "first picture", b, 0);
    assert_string_equal(kit_search(k, "first"), "2");
}

static void a_stand_in_is_replaced_when_a_model_is_there(void **state)
{
    struct kit *k = *state;
    struct store_result r = kit_result("ocr", "letters");
    r.is_degraded = true;
    int64_t id = offer_and_claim(k, "/1.png");
    struct store_save s = kit_answer(id, 1, &r);
    save(k, &s);
    struct store_change c = {.action = STORE_UPGRADE};
    assert_int_equal(kit_change(k, &c), 0);
    assert_int_equal(c.n, 1);
    assert_int_equal(kit_change(k, &c), 0);
    assert_int_equal(c.n, 0);
    // Without a model nobody takes it, and it does not block the others.
    int64_t other = kit_offer(k, "/2.png", 1, 1);
    assert_int_equal(claim(k, false), other);
    assert_int_equal(claim(k, false), 0);
    struct store_claim cl = {.max = 1, .with_degraded = true};
    assert_int_equal(kit_claim(k, &cl), 0);
    assert_int_equal(cl.n, 1);
    assert_true(cl.jobs[0].is_degraded);
    assert_false(cl.jobs[0].is_redo);
    store_claim_fini(&cl);
    assert_string_equal(kit_search(k, "letters"), "1");
    // A refusal leaves the stand-in.
    struct store_save fail = {
        .id = id, .outcome = STORE_BLOCKED, .code = E_REFUSAL, .reason = "no"};
    save(k, &fail);
    assert_row(k, id, STORE_ANSWERED, "letters", 0, 0);
    assert_int_equal(kit_change(k, &c), 0);
    assert_int_equal(c.n, 1);
    assert_int_equal(claim(k, true), id);
    r = kit_result("vlm", "a letter to the editor");
    s = kit_answer(id, 1, &r);
    save(k, &s);
    assert_row(k, id, STORE_ANSWERED, "a letter to the editor", 0, 0);
    assert_string_equal(kit_search(k, "letters"), "");
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM result"), 1);
    struct store_counts n = {0};
    assert_int_equal(kit_count(k, &n), 0);
    assert_int_equal(n.degraded, 0);
}

static void a_waiting_upgrade_is_not_overwritten_by_a_new_version(void **state)
{
    struct kit *k = *state;
    int64_t id = kit_described(k, "/1.png", 1, "version one");
    change(k, STORE_REDO, id, 1);
    int64_t next = kit_offer(k, "/1.png", 20, 5);
    assert_int_not_equal(next, id);
    assert_string_equal(kit_search(k, "version"), "1");
}

// ---- drop

static void dropping_leaves_no_word_behind(void **state)
{
    struct kit *k = *state;
    int64_t a = kit_described(k, "/1.png", 1, "secretword house");
    kit_described(k, "/2.png", 2, "another house");
    change(k, STORE_DROP, a, 1);
    assert_string_equal(kit_search(k, "secretword"), "");
    assert_string_equal(kit_search(k, "house"), "2");
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM result"), 1);
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM attempt WHERE job = 1"), 0);
    assert_true(kit_sql_int(k, "SELECT n FROM tally WHERE key = -3") > 0);
    // The upkeep merges the index until nothing of the word is in the file.
    for (int i = 0; i < 200 && kit_sql_int(k, "SELECT n FROM tally WHERE key = -3");
         i++) {
        store_tick(k->store, INT64_MAX / 2);
        struct store_counts c = {0};
        uv_run(&k->loop->uv, UV_RUN_ONCE);
        assert_int_equal(kit_count(k, &c), 0);
    }
    assert_int_equal(kit_sql_int(k, "SELECT n FROM tally WHERE key = -3"), 0);
    kit_close(k);
    FILE *f = fopen(k->path, "rb");
    assert_non_null(f);
    static char bytes[4 << 20];
    size_t len = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    assert_true(len > 10000 && len < sizeof(bytes));
    assert_null(memmem(bytes, len, "secretword", 10));
    assert_non_null(memmem(bytes, len, "another", 7));
    kit_must_open(k);
}

static void space_of_dropped_rows_goes_back_to_the_disk(void **state)
{
    struct kit *k = *state;
    static char big[1 << 20];
    memset(big, '-', sizeof(big) - 1);
    char path[16];
    for (int i = 0; i < 16; i++) {
        snprintf(path, sizeof(path), "/%d", i);
        struct store_result r = kit_result("m", "words");
        r.text = big;
        struct store_save s = kit_answer(offer_and_claim(k, path), (uint8_t)i, &r);
        save(k, &s);
    }
    int64_t pages = kit_sql_int(k, "PRAGMA page_count");
    struct store_change c = {.action = STORE_DROP, .all = true};
    assert_int_equal(kit_change(k, &c), 0);
    assert_int_equal(c.n, 16);
    int64_t due = 0;
    for (int i = 0; i < 200 && kit_sql_int(k, "PRAGMA page_count") > pages / 2; i++) {
        due = store_tick(k->store, INT64_MAX / 2);
        struct store_counts n = {0};
        uv_run(&k->loop->uv, UV_RUN_ONCE);
        assert_int_equal(kit_count(k, &n), 0);
    }
    assert_true(due > 0);
    assert_true(kit_sql_int(k, "PRAGMA page_count") <= pages / 2);
}

static void dropping_a_holder_promotes_a_duplicate(void **state)
{
    struct kit *k = *state;
    int64_t ids[4] = {kit_described(k, "/0", 1, "a red house")};
    char path[16];
    for (int i = 1; i < 4; i++) {
        snprintf(path, sizeof(path), "/%d", i);
        ids[i] = offer_and_claim(k, path);
        save_duplicate(k, ids[i], ids[0], 1);
    }
    // Even one that is being asked again at the moment.
    change(k, STORE_REDO, ids[1], 1);
    change(k, STORE_DROP, ids[0], 1);
    assert_row(k, ids[1], STORE_NONE, "a red house", 0, 2);
    assert_row(k, ids[2], STORE_DUPLICATE, "a red house", ids[1], 0);
    assert_string_equal(kit_search(k, "house"), "2");
    assert_int_equal(claim(k, false), ids[1]);
    struct store_save s = {.id = ids[1], .outcome = STORE_SKIPPED, .reason = "gone"};
    save(k, &s);
    assert_row(k, ids[1], STORE_ANSWERED, "a red house", 0, 2);
    // A leased one is not dropped.
    change(k, STORE_REDO, ids[1], 1);
    assert_int_equal(claim(k, false), ids[1]);
    change(k, STORE_DROP, ids[1], 0);
    struct store_release r = {.id = ids[1]};
    assert_int_equal(kit_release(k, &r), 0);
    change(k, STORE_DROP, ids[1], 1);
    change(k, STORE_DROP, ids[2], 1);
    assert_row(k, ids[3], STORE_ANSWERED, "a red house", 0, 0);
    change(k, STORE_DROP, ids[3], 1);
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM result"), 0);
    assert_string_equal(kit_search(k, "house"), "");
}

static void changes_go_through_many_rows_in_steps(void **state)
{
    struct kit *k = *state;
    kit_sql(
        k,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
        " INSERT INTO job(cid, path, size, mtime, is_url, queued_at, seen_at, state,"
        " outcome, code, reason) SELECT i, '/f/' || i, 1, 1, 0, 1, 1, 2,"
        " CASE WHEN i % 2 THEN 6 ELSE 5 END, CASE WHEN i % 2 THEN -8 ELSE 0 END, ''"
        " FROM n");
    struct store_change c = {.action = STORE_RETRY};
    assert_int_equal(kit_change(k, &c), E_USAGE);
    assert_non_null(strstr(k->err.msg, "all"));
    c.all = true;
    assert_int_equal(kit_change(k, &c), 0);
    assert_int_equal(c.n, 500);
    c = (struct store_change){.action = STORE_DROP,
                              .filter.outcomes = 1u << STORE_SKIPPED};
    assert_int_equal(kit_change(k, &c), 0);
    assert_int_equal(c.n, 500);
    c = (struct store_change){.action = STORE_DROP, .filter.path = "/f"};
    assert_int_equal(kit_change(k, &c), 0);
    assert_int_equal(c.n, 500);
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM job"), 0);
}

// ---- packing

static void raw_answers_are_packed_and_come_back(void **state)
{
    (void)state;
    static char text[3000], raw[9000], big[200000];
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        text[i] = "abcdefgh ijklmno pqrst"[(i * 7 + i / 13) % 22];
    }
    snprintf(raw, sizeof(raw), "{\"summary\": \"%s\", \"text\": \"%s\"}", text, text);
    memset(big, 'x', sizeof(big) - 1);
    const char *const cases[] = {"", "short", text, raw, big};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct store_result r = {.summary = text, .text = big, .raw = cases[i]};
        struct buf packed, out;
        int64_t raw_len;
        assert_int_equal(pack_raw(&r, &packed, &raw_len), 0);
        assert_true(packed.len <= strlen(cases[i]));
        if (i >= 2) {
            assert_true(packed.len < strlen(cases[i]) / 10);
        }
        buf_init(&out, 1 << 20);
        assert_int_equal(unpack_raw(&r, packed.data, packed.len, raw_len, &out), 0);
        assert_string_equal(buf_str(&out), cases[i]);
        // Damage is found, not followed.
        if (raw_len) {
            assert_int_equal(unpack_raw(&r, packed.data, packed.len - 1, raw_len, &out),
                             E_STORE);
            assert_int_equal(unpack_raw(&r, packed.data, packed.len, -5, &out), E_STORE);
            assert_int_equal(unpack_raw(&r, packed.data, packed.len, 1ll << 40, &out),
                             E_STORE);
        }
        buf_fini(&out);
        buf_fini(&packed);
    }
    struct store_result none = {0};
    struct buf packed;
    int64_t raw_len;
    assert_int_equal(pack_raw(&none, &packed, &raw_len), 0);
    assert_int_equal(packed.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_that_is_known_comes_back),
        TEST(other_endings_are_kept_with_their_reason),
        TEST(equal_pictures_inherit),
        TEST(of_equal_pictures_under_way_one_is_asked),
        TEST(a_description_that_is_too_old_does_not_count),
        TEST(a_stand_in_is_no_full_description),
        TEST(a_touched_file_keeps_its_row),
        TEST(inheriting_from_what_is_gone_starts_over),
        TEST(the_version_that_was_read_is_the_version_of_the_row),
        TEST(an_answer_for_a_superseded_row_is_not_paid_again),
        TEST(a_redo_keeps_the_old_description_until_the_new_one),
        TEST(a_redone_duplicate_stands_for_itself),
        TEST(a_redo_of_changed_content_leaves_the_duplicates_alone),
        TEST(a_stand_in_is_replaced_when_a_model_is_there),
        TEST(a_waiting_upgrade_is_not_overwritten_by_a_new_version),
        TEST(dropping_leaves_no_word_behind),
        TEST(space_of_dropped_rows_goes_back_to_the_disk),
        TEST(dropping_a_holder_promotes_a_duplicate),
        TEST(changes_go_through_many_rows_in_steps),
        cmocka_unit_test(raw_answers_are_packed_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
