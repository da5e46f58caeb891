// test_cost.c -- what pictures should cost, and servers that shrink them.
// SPDX-License-Identifier: MIT
#include "backend_script.h"

#include "backend/cost.h"

#include <stdio.h>

static void pictures_have_their_price(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int width, height;
        int64_t tokens;
    } rows[] = {
        {"qwen2.5vl:7b", 1920, 1080, 2691}, {"qwen2.5vl:7b", 1280, 720, 1196},
        {"qwen2.5vl:7b", 768, 432, 405},    {"qwen3-vl:8b", 1920, 1080, 2040},
        {"qwen3-vl:8b", 768, 432, 336},     {"gemma3:4b", 768, 432, 256},
        {"gemma-3-12b", 1920, 1080, 256},   {"gemma4:12b", 1056, 576, 264},
        {"gemma4:12b", 768, 432, 264},      {"mistral-small3.1", 1288, 728, 1222},
        {"llava:7b", 768, 432, 0},          {"unknown", 768, 432, 0},
        {"qwen2.5vl:7b", 1, 1, 1},          {"qwen2.5vl:7b", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t got = cost_of_picture(rows[i].model, rows[i].width, rows[i].height);
        if (got != rows[i].tokens) {
            fail_msg("row %zu: %lld", i, (long long)got);
        }
    }
}

static void prices_are_judged_with_care(void **state)
{
    (void)state;
    static const struct {
        int64_t expected, prompt, least, most;
        enum cost_verdict v;
    } rows[] = {
        {0, 500, 10, 100, COST_UNKNOWN},       {400, -1, 10, 100, COST_UNKNOWN},
        {400, 500, 60, 200, COST_AS_EXPECTED}, {400, 300, 60, 200, COST_AS_EXPECTED},
        {400, 299, 60, 200, COST_SHRUNK},      {1296, 150, 60, 200, COST_SHRUNK},
        {400, 840, 60, 200, COST_AS_EXPECTED}, {400, 841, 60, 200, COST_ENLARGED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(
            cost_judge(rows[i].expected, rows[i].prompt, rows[i].least, rows[i].most),
            rows[i].v);
    }
}

static void a_word_is_said_once(void **state)
{
    (void)state;
    struct cost_watch w = {0};
    assert_false(cost_note(&w, COST_SHRUNK));
    assert_false(cost_note(&w, COST_SHRUNK));
    assert_false(cost_note(&w, COST_AS_EXPECTED));
    assert_false(cost_note(&w, COST_SHRUNK));
    assert_false(cost_note(&w, COST_UNKNOWN));
    assert_false(cost_note(&w, COST_SHRUNK));
    assert_true(cost_note(&w, COST_SHRUNK));
    assert_false(cost_note(&w, COST_SHRUNK));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(cost_note(&w, COST_ENLARGED), i == 2);
    }
}

#define ANSWER(tokens)                                                                   \
    "data: {\"choices\":[{\"delta\":{\"content\":\"{\\\"summary\\\":\\\"s\\\"}\"},"      \
    "\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"usage\":{"                 \
    "\"prompt_tokens\":" tokens ",\"completion_tokens\":5}}\n\ndata: [DONE]\n\n"

static bool ask_and_hear(const char *reply, char *note, size_t size)
{
    const struct line lines[] = {{"POST /v1/chat/completions", reply}, {NULL, NULL}};
    struct waited w = {0};
    script_play(lines);
    start_ask(&w, tiny_jpeg, sizeof(tiny_jpeg), 1344, 756);
    run_dones(1);
    assert_code(w.err, 0);
    waited_free(&w);
    return backend_take_note(bn->backend, note, size);
}

static void a_server_that_shrinks_pictures_is_told_of(void **state)
{
    (void)state;
    static const struct line found[] = {
        {"GET /api/v1/models",
         "{\"models\":[{\"type\":\"llm\",\"key\":\"qwen2.5-vl-7b\",\"capabilities\":"
         "{\"vision\":true},\"loaded_instances\":[{\"id\":\"x\"}]}]}"},
        {NULL, NULL}};
    char note[320];
    script_play(found);
    bn->config.kind = BACKEND_LMSTUDIO;
    bench_open(bn->web.port);
    assert_code(probe(), 0);
    assert_false(ask_and_hear(ANSWER("420"), note, sizeof(note)));
    assert_false(ask_and_hear(ANSWER("420"), note, sizeof(note)));
    assert_true(ask_and_hear(ANSWER("420"), note, sizeof(note)));
    assert_non_null(strstr(note, "test shrinks pictures for qwen2.5-vl-7b: 1344x756"));
    assert_non_null(strstr(note, "420 tokens"));
    assert_non_null(strstr(note, "1296"));
    assert_non_null(strstr(note, "image resize bounds"));
    assert_false(ask_and_hear(ANSWER("420"), note, sizeof(note)));
    for (int i = 0; i < 4; i++) {
        assert_false(ask_and_hear(ANSWER("1500"), note, sizeof(note)));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_have_their_price),
        cmocka_unit_test(prices_are_judged_with_care),
        cmocka_unit_test(a_word_is_said_once),
        BENCH_TEST(a_server_that_shrinks_pictures_is_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
