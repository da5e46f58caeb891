// test_look.c -- which described pictures a new one is compared with, and what is kept of it.
// SPDX-License-Identifier: MIT
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

struct shot {
    const char *root, *screen, *app;
    int64_t at_ms;
    uint64_t look;
    bool is_degraded, is_no_frame;
};

static int64_t claim_shot(struct kit *k, const struct shot *shot)
{
    static int n;
    char path[64];
    snprintf(path, sizeof(path), "%s/%d.png", shot->root ? shot->root : "", ++n);
    struct store_item i = {
        .root = shot->root,
        .path = path,
        .size_bytes = 10,
        .mtime_ns = n,
        .meta = {.screen = shot->screen, .app = shot->app, .taken_at_ms = shot->at_ms}};
    assert_int_equal(kit_offer_item(k, &i, 0), 0);
    assert_int_equal(kit_claim_one(k), i.id);
    return i.id;
}

static int64_t describe(struct kit *k, const struct shot *shot)
{
    static uint8_t content;
    struct store_result result = kit_result("m", "seen");
    result.is_degraded = shot->is_degraded;
    struct store_save s = kit_answer(claim_shot(k, shot), ++content, &result);
    s.is_frame = !shot->is_no_frame;
    s.look = shot->look;
    s.width = 640;
    s.height = 480;
    memset(s.thumb, content, sizeof(s.thumb));
    assert_int_equal(kit_save(k, &s), 0);
    return s.id;
}

// The ids of the frames for a new shot, as "3 1".
static const char *frames(struct kit *k, const struct shot *shot)
{
    static char out[100];
    struct store_similar r = {.id = claim_shot(k, shot),
                              .wants_frames = true,
                              .look = shot->look,
                              .screen = shot->screen,
                              .app = shot->app,
                              .taken_at_ms = shot->at_ms};
    memset(r.content, 0xee, sizeof(r.content));
    assert_int_equal(kit_similar(k, &r), 0);
    out[0] = 0;
    for (int i = 0; i < r.n_frames; i++) {
        size_t n = strlen(out);
        snprintf(out + n, sizeof(out) - n, "%s%lld", n ? " " : "",
                 (long long)r.frames[i].job);
        assert_int_equal(r.frames[i].width, 640);
        assert_int_equal(r.frames[i].height, 480);
        assert_memory_equal(r.frames[i].thumb, r.frames[i].thumb + 1,
                            STORE_THUMB_BYTES - 1);
    }
    free(r.frames);
    struct store_save s = {.id = r.id, .outcome = STORE_SKIPPED, .reason = "enough"};
    assert_int_equal(kit_save(k, &s), 0);
    return out;
}

static void the_nearest_in_time_come_first(void **state)
{
    struct kit *k = *state;
    struct shot s = {.root = "/r", .at_ms = 1000};
    assert_string_equal(frames(k, &s), "");
    for (int i = 1; i <= 3; i++) {
        s.at_ms = i * 1000;
        s.look = ~UINT64_C(0);  // far from the question's
        describe(k, &s);        // 2, 3, 4
    }
    s.look = 0;
    s.at_ms = 2500;
    assert_string_equal(frames(k, &s), "3 4");
    s.at_ms = 2000;
    assert_string_equal(frames(k, &s), "3 4");
    s.at_ms = 9000;
    assert_string_equal(frames(k, &s), "4");
    s.at_ms = 10;
    assert_string_equal(frames(k, &s), "2");
}

static void then_those_that_look_alike(void **state)
{
    struct kit *k = *state;
    const uint64_t looks[] = {0x0f, 0x3, 0xffff, 0x1ff, 0xffffff00};
    struct shot s = {.root = "/r"};
    for (int i = 0; i < 5; i++) {
        s.at_ms = 1000 * (i + 1);
        s.look = looks[i];
        describe(k, &s);
    }
    s.at_ms = 9000;
    s.look = 0;
    assert_string_equal(frames(k, &s), "5 2 1");  // 4 has a bit too many
    s.look = 0x1;
    assert_string_equal(frames(k, &s), "5 2 1 4");
}

static void only_of_the_same_source(void **state)
{
    struct kit *k = *state;
    const struct shot shots[] = {
        {.root = "/r", .screen = "left", .at_ms = 1},
        {.root = "/r", .screen = "right", .at_ms = 2},
        {.root = "/q", .screen = "left", .at_ms = 3},
        {.root = "/r", .at_ms = 4},
    };
    for (int i = 0; i < 4; i++) {
        describe(k, &shots[i]);
    }
    const char *const found[] = {"1", "2", "3", "4"};
    for (int i = 0; i < 4; i++) {
        assert_string_equal(frames(k, &shots[i]), found[i]);
    }
    const struct shot unknown = {.root = "/r", .screen = "never seen"};
    assert_string_equal(frames(k, &unknown), "");
}

static void only_of_the_same_app_as_far_as_known(void **state)
{
    struct kit *k = *state;
    struct shot s = {.root = "/r", .app = "Mail", .at_ms = 1};
    describe(k, &s);
    s.app = NULL;
    s.at_ms = 2;
    describe(k, &s);
    s.at_ms = 3;
    s.app = "mail";
    assert_string_equal(frames(k, &s), "2 1");
    s.app = "Maps";
    assert_string_equal(frames(k, &s), "2");
    s.app = "";
    assert_string_equal(frames(k, &s), "2 1");
}

static void only_full_descriptions_of_frames_count(void **state)
{
    struct kit *k = *state;
    struct shot s = {.root = "/r", .at_ms = 1, .is_degraded = true};
    describe(k, &s);
    s.is_degraded = false;
    s.is_no_frame = true;
    describe(k, &s);
    assert_string_equal(frames(k, &s), "");
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM frame"), 0);
}

static void a_dropped_one_is_gone(void **state)
{
    struct kit *k = *state;
    const struct shot s = {.root = "/r", .at_ms = 1};
    struct store_change drop = {.action = STORE_DROP, .filter.id = describe(k, &s)};
    assert_int_equal(kit_change(k, &drop), 0);
    assert_string_equal(frames(k, &s), "");
}

static void old_ones_make_room(void **state)
{
    struct kit *k = *state;
    struct shot s = {.root = "/r"}, other = {.root = "/q"};
    describe(k, &other);
    for (int i = 0; i < STORE_KEPT_FRAMES + 3; i++) {
        s.at_ms = 1000 - i;
        describe(k, &s);
    }
    assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM frame"), STORE_KEPT_FRAMES + 1);
    assert_int_equal(kit_sql_int(k, "SELECT max(at_ms) FROM frame"
                                    " WHERE root = (SELECT id FROM word"
                                    " WHERE text = '/r')"),
                     997);  // those described first went, not the oldest
}

static void a_new_description_replaces_the_frame(void **state)
{
    struct kit *k = *state;
    const struct shot shot = {.root = "/r", .at_ms = 1};
    int64_t id = describe(k, &shot);
    for (int is_frame = 1; is_frame >= 0; is_frame--) {
        struct store_change redo = {.action = STORE_REDO, .filter.id = id};
        assert_int_equal(kit_change(k, &redo), 0);
        assert_int_equal(kit_claim_one(k), id);
        struct store_result result = kit_result("m", "again");
        struct store_save s = kit_answer(id, 99, &result);
        s.is_frame = is_frame;
        s.look = 5;
        assert_int_equal(kit_save(k, &s), 0);
        assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM frame WHERE look = 5"),
                         is_frame);
        assert_int_equal(kit_sql_int(k, "SELECT count(*) FROM frame"), is_frame);
    }
}

static void equal_ones_need_no_frames(void **state)
{
    struct kit *k = *state;
    const struct shot shot = {.root = "/r", .at_ms = 1};
    int64_t first = describe(k, &shot);
    struct store_similar r = {.id = claim_shot(k, &shot), .wants_frames = true};
    struct store_query q;
    memcpy(r.content, kit_row(k, &q, first)->content, sizeof(r.content));
    store_query_fini(&q);
    assert_int_equal(kit_similar(k, &r), 0);
    assert_int_equal(r.duplicate_of, first);
    assert_null(r.frames);
    struct store_similar without = {.id = r.id};
    assert_int_equal(kit_similar(k, &without), 0);
    assert_null(without.frames);
    struct store_save s = {.id = r.id, .outcome = STORE_SKIPPED, .reason = "enough"};
    assert_int_equal(kit_save(k, &s), 0);
}

static void save_copy(struct kit *k, int64_t of, int64_t at_ms, bool is_near)
{
    const struct shot shot = {.root = "/r", .at_ms = at_ms};
    struct store_save s = kit_answer(claim_shot(k, &shot), (uint8_t)(at_ms / 1000), NULL);
    s.outcome = STORE_DUPLICATE;
    s.duplicate_of = of;
    s.is_near = is_near;
    s.near_blocks = 5;
    s.near_diff = 70;
    assert_int_equal(kit_save(k, &s), 0);
    struct store_query q;
    const struct store_row *r = kit_row(k, &q, s.id);
    assert_int_equal(r->near_blocks, is_near ? 5 : -1);
    assert_int_equal(r->near_diff, is_near ? 70 : -1);
    assert_string_equal(r->summary, "seen");
    store_query_fini(&q);
}

static void the_holder_knows_the_span(void **state)
{
    struct kit *k = *state;
    const struct shot shot = {.root = "/r", .at_ms = 20000};
    struct store_query q;
    int64_t id = describe(k, &shot);
    const struct store_row *r = kit_row(k, &q, id);
    assert_int_equal(r->n_duplicates, 0);
    assert_int_equal(r->first_duplicate_ms, 0);
    assert_int_equal(r->last_duplicate_ms, 0);
    assert_int_equal(r->near_blocks, -1);
    store_query_fini(&q);
    save_copy(k, id, 30000, true);
    save_copy(k, id, 10000, true);
    save_copy(k, id, 25000, false);
    r = kit_row(k, &q, id);
    assert_int_equal(r->n_duplicates, 3);
    assert_int_equal(r->first_duplicate_ms, 10000);
    assert_int_equal(r->last_duplicate_ms, 30000);
    store_query_fini(&q);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(the_nearest_in_time_come_first),
        T(then_those_that_look_alike),
        T(only_of_the_same_source),
        T(only_of_the_same_app_as_far_as_known),
        T(only_full_descriptions_of_frames_count),
        T(a_dropped_one_is_gone),
        T(old_ones_make_room),
        T(a_new_description_replaces_the_frame),
        T(equal_ones_need_no_frames),
        T(the_holder_knows_the_span),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
