// test_backend_sight.c -- a model is shown a coloured square before any picture of a user's.
// SPDX-License-Identifier: MIT
#include "backend_script.h"

#include "backend/sight.h"
#include "base/json.h"

#include <cjson/cJSON.h>
#include <png.h>
#include <stdio.h>

#define CHAT "POST /v1/chat/completions"
#define TOLD(words, tokens)                                                              \
    "{\"choices\":[{\"message\":{\"content\":\"" words "\"}}],\"usage\":"                \
    "{\"prompt_tokens\":" tokens "}}"
#define UNTOLD(words) "{\"choices\":[{\"message\":{\"content\":\"" words "\"}}]}"

// libpng reads what was drawn, checksums and all.
static void the_square_is_a_good_png(void **state)
{
    (void)state;
    struct buf png;
    buf_init(&png, 1 << 16);
    assert_int_equal(sight_draw(&png), 0);
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_int_not_equal(png_image_begin_read_from_memory(&image, png.data, png.len), 0);
    assert_int_equal(image.width, SIGHT_SIDE_PX);
    assert_int_equal(image.height, SIGHT_SIDE_PX);
    image.format = PNG_FORMAT_RGB;
    unsigned char *pixels = malloc(PNG_IMAGE_SIZE(image));
    assert_non_null(pixels);
    assert_int_not_equal(png_image_finish_read(&image, NULL, pixels, 0, NULL), 0);
    assert_int_equal(image.warning_or_error, 0);
    for (size_t i = 0; i < PNG_IMAGE_SIZE(image); i += 3) {
        assert_int_equal(pixels[i], sight_colour.red);
        assert_int_equal(pixels[i + 1], sight_colour.green);
        assert_int_equal(pixels[i + 2], sight_colour.blue);
    }
    free(pixels);
    buf_fini(&png);
    buf_init(&png, 100);
    assert_int_equal(sight_draw(&png), E_TOOBIG);
    buf_fini(&png);
}

static void answers_prove_something(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        int64_t tokens, text_tokens;
        enum sight_proof proof;
    } rows[] = {
        {"Magenta", 0, 0, SIGHT_SEEN},
        {"It is **pink**.", 20, 20, SIGHT_SEEN},
        {"Pinkish", 0, 0, SIGHT_UNCLEAR},
        {"magentas", 0, 0, SIGHT_UNCLEAR},
        {"Purple", 40, 24, SIGHT_SEEN},
        {"Blue", 24, 24, SIGHT_BLIND},
        {"I can not see any picture.", 31, 24, SIGHT_BLIND},
        {"Blue", 32, 24, SIGHT_SEEN},
        {"Blue", 0, 0, SIGHT_UNCLEAR},
        {"Blue", 300, 0, SIGHT_UNCLEAR},
        {"", 300, 20, SIGHT_SEEN},
        {NULL, 0, 0, SIGHT_UNCLEAR},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum sight_proof got =
            sight_judge(rows[i].answer, rows[i].tokens, rows[i].text_tokens);
        if (got != rows[i].proof) {
            fail_msg("row %zu: %d", i, (int)got);
        }
    }
}

static void on_looked(struct backend_call *c, int err)
{
    struct waited *w = container_of(c, struct waited, call);
    assert_int_equal(c->code, err);
    w->err = err;
    bn->dones++;
}

static struct waited look(void)
{
    struct waited w = {0};
    backend_look(bn->backend, &w.call, on_looked);
    run_dones(1);
    return w;
}

static void a_model_is_shown_the_square(void **state)
{
    (void)state;
    static const struct {
        const char *words, *picture;
        int code;
        const char *why;
    } rows[] = {
        {TOLD("?", "24"), TOLD("Magenta", "90"), 0, ""},
        {TOLD("?", "24"), TOLD("Blue", "90"), 0, ""},
        {TOLD("?", "24"), TOLD("Blue", "24"), E_NO_VISION, "cost it nothing"},
        {UNTOLD("?"), UNTOLD("Pink."), 0, ""},
        {UNTOLD("?"), UNTOLD("Blue."), E_NO_VISION, "did not name the colour"},
        {TOLD("?", "24"), "400 {\"error\":{\"message\":\"m is not a multimodal model\"}}",
         E_NO_VISION, "not a multimodal model"},
        {TOLD("?", "24"), "422 {\"detail\":\"content must be a string\"}", E_NO_VISION,
         "content must be a string"},
        {TOLD("?", "24"), "500 {\"error\":{\"message\":\"unsupported content[].type\"}}",
         E_NO_VISION, "unsupported content"},
        {TOLD("?", "24"), "502 {}", E_SERVER, ""},
        {TOLD("?", "24"), "503 {\"error\":{\"message\":\"Loading model\"}}", E_LOADING,
         ""},
        {TOLD("?", "24"), "429 {\"error\":{\"message\":\"slow down\"}}", E_RATE, ""},
        {"401 {}", "", E_AUTH, ""},
        {"500 {\"error\":{\"message\":\"CUDA out of memory\"}}", "", E_MODEL_CRASH, ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct line lines[] = {
            {CHAT, rows[i].words}, {CHAT, rows[i].picture}, {NULL, NULL}};
        script_open(BACKEND_OPENAI, lines);
        assert_false(backend_facts(bn->backend)->is_vision_sure);
        struct waited w = look();
        if (w.err != rows[i].code || !strstr(w.call.err.msg, rows[i].why)) {
            fail_msg("row %zu: %s: %s", i, err_name(w.err), w.call.err.msg);
        }
        assert_int_equal(backend_facts(bn->backend)->is_vision_sure, w.err == 0);
    }
}

// The first question has no picture, the second has ours; both are of a few tokens.
static void nothing_of_the_users_is_sent(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {CHAT, TOLD("?", "24")}, {CHAT, TOLD("Magenta", "90")}, {NULL, NULL}};
    script_open(BACKEND_VLLM, lines);
    assert_code(look().err, 0);
    assert_int_equal(script_count(CHAT), 2);
    cJSON *body = script_body(CHAT);
    const cJSON *message = cJSON_GetArrayItem(json_get(body, "messages"), 0);
    const cJSON *parts = json_get(message, "content");
    assert_int_equal(cJSON_GetArraySize(json_get(body, "messages")), 1);
    assert_int_equal(cJSON_GetArraySize(parts), 2);
    const char *url =
        json_get_str(json_get(cJSON_GetArrayItem(parts, 0), "image_url"), "url");
    assert_non_null(url);
    assert_memory_equal(url, "data:image/png;base64,iVBORw0KGgo", 33);
    assert_string_equal(json_get_str(cJSON_GetArrayItem(parts, 1), "text"),
                        sight_question);
    assert_true(json_get_int(body, "max_tokens", 1000) <= 32);
    json_free(body);
}

static void what_is_known_is_not_asked(void **state)
{
    (void)state;
    static const struct line lines[] = {{NULL, NULL}};
    script_open(BACKEND_OPENAI, lines);
    backend_recall_sight(bn->backend, "m", "", true);
    assert_false(backend_facts(bn->backend)->is_vision_sure);
    assert_code(look().err, 0);
    assert_true(backend_facts(bn->backend)->is_vision_sure);  // else it is looked at for ever
    script_open(BACKEND_OPENAI, lines);
    backend_recall_sight(bn->backend, "m", "", false);
    assert_code(look().err, E_NO_VISION);
    script_open(BACKEND_OLLAMA, lines);  // it says so itself
    assert_code(look().err, 0);
    assert_int_equal(script_count(CHAT), 0);
    assert_int_equal(script_count("POST /api/chat"), 0);
}

static void another_model_or_version_is_asked_again(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {CHAT, TOLD("?", "24")}, {CHAT, TOLD("Magenta", "90")}, {NULL, NULL}};
    script_open(BACKEND_OPENAI, lines);
    backend_recall_sight(bn->backend, "m2", "", false);
    assert_code(look().err, 0);
    assert_int_equal(script_count(CHAT), 2);
    script_open(BACKEND_OPENAI, lines);
    backend_recall_sight(bn->backend, "m", "1.2", false);
    assert_code(look().err, 0);
    assert_int_equal(script_count(CHAT), 2);
    assert_code(look().err, 0);  // and now it is known
    assert_int_equal(script_count(CHAT), 2);
}

static void the_user_has_the_last_word(void **state)
{
    (void)state;
    static const struct line found[] = {{"GET /v1/models", "{\"data\":[{\"id\":\"m\"}]}"},
                                        {NULL, NULL}};
    bn->config.kind = BACKEND_OPENAI;
    bn->config.vision = "yes";
    script_play(found);
    bench_open(bn->web.port);
    assert_code(probe(), 0);
    assert_true(backend_facts(bn->backend)->is_vision_sure);
    assert_code(look().err, 0);
    bn->config.vision = "no";
    bench_open(bn->web.port);
    assert_code(probe(), E_NO_VISION);
    assert_int_equal(script_count(CHAT), 0);
}

// What is kept of a model can be read again, odd words of a server included.
static void what_is_known_is_kept_as_one_line(void **state)
{
    (void)state;
    static const struct {
        bool is_sure, sees;
        const char *vision;
    } rows[] = {{true, true, "yes"}, {true, false, "no"}, {false, true, "unknown"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct backend_facts f = {
            .at_ms = 1796006779000,
            .is_vision_sure = rows[i].is_sure,
            .has_vision = rows[i].sees,
            .version = "b9000 \n(odd)",
            .formats = "jpeg,png,webp",
            .max_image_px = 26214400,
            .slots = 4,
            .n_ctx = 8192,
            .patch_px = 28,
            .unload = BACKEND_UNLOAD_SLEEP,
            .thinking = "chat_template_kwargs",
        };
        struct backend_known k;
        char text[320];
        bool sees;
        backend_facts_text(&f, text, sizeof(text));
        assert_true(backend_facts_read(text, &k));
        assert_true(k.at_ms == f.at_ms);
        assert_string_equal(k.vision, rows[i].vision);
        assert_string_equal(k.version, "b9000__(odd)");
        assert_string_equal(k.formats, f.formats);
        assert_true(k.max_image_px == f.max_image_px);
        assert_int_equal(k.slots, 4);
        assert_int_equal(k.n_ctx, 8192);
        assert_int_equal(k.patch_px, 28);
        assert_string_equal(k.unload, "sleep");
        assert_string_equal(k.thinking, f.thinking);
        // Remembered only where somebody found it out, on the same version, not long ago.
        bool is_of_use = backend_facts_recall(text, f.at_ms + 5, 10, f.version, &sees);
        assert_int_equal(is_of_use, rows[i].is_sure);
        assert_true(!is_of_use || sees == rows[i].sees);
        assert_false(backend_facts_recall(text, f.at_ms + 11, 10, f.version, &sees));
        assert_false(backend_facts_recall(text, f.at_ms, 10, "b9001", &sees));
    }
    struct backend_known k;
    assert_false(backend_facts_read("", &k));
    assert_false(backend_facts_read("vision=yes at=1", &k));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_square_is_a_good_png),
        cmocka_unit_test(answers_prove_something),
        BENCH_TEST(a_model_is_shown_the_square),
        BENCH_TEST(nothing_of_the_users_is_sent),
        BENCH_TEST(what_is_known_is_not_asked),
        BENCH_TEST(another_model_or_version_is_asked_again),
        BENCH_TEST(the_user_has_the_last_word),
        cmocka_unit_test(what_is_known_is_kept_as_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
