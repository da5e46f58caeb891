// test_backend_detect.c -- who listens on a URL, and what it says of its models.
//
// Source: PROTOCOLS.md 1 to 8.4.
// SPDX-License-Identifier: MIT
#include "backend_script.h"

#include <stdio.h>

#define GOOD                                                                             \
    "data: {\"choices\":[{\"delta\":{\"content\":\"{\\\"summary\\\":\\\"s\\\"}\"},"      \
    "\"finish_reason\":\"stop\"}]}\n\n"
#define OLLAMA_TAGS                                                                      \
    "{\"models\":[{\"name\":\"llava:7b\",\"size\":5,\"capabilities\":[\"vision\"]},"     \
    "{\"name\":\"llama3\",\"capabilities\":[\"completion\"]}]}"
#define LIST(owner) "{\"data\":[{\"id\":\"m\",\"owned_by\":\"" owner "\"}]}"
#define LMS_ERROR   "{\"error\":\"Unexpected endpoint or method. (GET /x)\"}"
#define LLAMA(status, body)                                                              \
    "HTTP/1.1 " status                                                                   \
    " X\r\nServer: llama.cpp\r\nContent-Type: application/json\r\n\r\n" body

struct found {
    const char *name;
    struct line lines[12];
    int expected;
    enum backend_kind kind;
    const char *model;
    const char *version;
    bool is_sure;
    bool is_loaded;
    int slots;
    int n_ctx;
};

static const struct found servers[] = {
    {"ollama",
     {{"GET /api/version", "{\"version\":\"0.33.0\"}"},
      {"GET /", "HTTP/1.1 200 OK\r\n\r\nOllama is running"},
      {"GET /api/tags", OLLAMA_TAGS},
      {"GET /api/ps", "{\"models\":[{\"name\":\"LLAVA:7b\",\"context_length\":8192}]}"}},
     0,
     BACKEND_OLLAMA,
     "llava:7b",
     "0.33.0",
     true,
     true,
     0,
     8192},
    {"old ollama without capabilities, model seen by its projector",
     {{"GET /api/version", "{\"version\":\"0.5.1\"}"},
      {"GET /", "HTTP/1.1 200 OK\r\n\r\nOllama is running"},
      {"GET /api/tags", "{\"models\":[{\"name\":\"llama3\"},{\"name\":\"llava\"}]}"},
      {"POST /api/show", "{\"details\":{\"families\":[\"llama\"]}}"},
      {"POST /api/show", "{\"projector_info\":{\"x\":1}}"},
      {"GET /api/ps", "{\"models\":[]}"}},
     0,
     BACKEND_OLLAMA,
     "llava",
     "0.5.1",
     true,
     false,
     0,
     0},
    {"old ollama, by families",
     {{"GET /api/version", "{\"version\":\"0.5.1\"}"},
      {"GET /", "HTTP/1.1 200 OK\r\n\r\nOllama is running"},
      {"GET /api/tags",
       "{\"models\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}]}"},
      {"POST /api/show", "{\"details\":{\"families\":[\"llama\",\"clip\"]}}"},
      {"POST /api/show", "404 {\"error\":\"model 'b' not found\"}"},
      {"POST /api/show", "{\"details\":{\"families\":null}}"},
      {"GET /api/ps", "404 x"}},
     0,
     BACKEND_OLLAMA,
     "a",
     "0.5.1",
     true,
     false,
     0,
     0},
    {"ollama with cloud models only",
     {{"GET /api/version", "{\"version\":\"0.33.0\"}"},
      {"GET /", "HTTP/1.1 200 OK\r\n\r\nOllama is running"},
      {"GET /api/tags",
       "{\"models\":[{\"name\":\"x\",\"remote_host\":\"https://ollama.com\","
       "\"capabilities\":[\"vision\"]},{\"name\":\"gemma4:31b-cloud\","
       "\"capabilities\":[\"vision\"]}]}"},
      {"GET /api/ps", "{\"models\":[]}"}},
     E_NO_VISION,
     BACKEND_AUTO,
     "",
     "",
     false,
     false,
     0,
     0},
    {"ollama without models",
     {{"GET /api/version", "{\"version\":\"0.33.0\"}"},
      {"GET /", "HTTP/1.1 200 OK\r\n\r\nOllama is running"},
      {"GET /api/tags", "{\"models\":null}"},
      {"GET /api/ps", "{\"models\":[]}"}},
     E_MODEL_MISSING,
     BACKEND_AUTO,
     "",
     "",
     false,
     false,
     0,
     0},
    {"ollama behind a proxy that hides its root",
     {{"GET /api/version", "404 x"},
      {"GET /v1/models", LIST("library")},
      {"GET /api/version", "404 x"}},
     E_BAD_REQUEST,
     BACKEND_AUTO,
     "",
     "",
     false,
     false,
     0,
     0},
    {"koboldcpp emulates ollama",
     {{"GET /api/version", "{\"version\":\"0.7.0\"}"},
      {"GET /", "HTTP/1.1 200 OK\r\n\r\n<html>KoboldAI Lite</html>"},
      {"GET /v1/models", LIST("koboldcpp")}},
     0,
     BACKEND_OPENAI,
     "m",
     "",
     false,
     false,
     0,
     0},
    {"llama-server by its header",
     {{"GET /v1/models", LLAMA("200", "{\"data\":[{\"id\":\"/m/qwen.gguf\"}]}")},
      {"GET /props", "{\"total_slots\":4,\"modalities\":{\"vision\":true},\"build_info\":"
                     "\"b1234-abc\",\"default_generation_settings\":{\"n_ctx\":4096}}"}},
     0,
     BACKEND_LLAMA_SERVER,
     "/m/qwen.gguf",
     "b1234-abc",
     true,
     true,
     4,
     4096},
    {"llama-server asleep",
     {{"GET /v1/models", LLAMA("200", LIST("llamacpp"))},
      {"GET /props", "{\"modalities\":{\"vision\":true},\"is_sleeping\":true}"}},
     0,
     BACKEND_LLAMA_SERVER,
     "m",
     "",
     true,
     false,
     0,
     0},
    {"llama-server without eyes",
     {{"GET /v1/models", LIST("llamacpp")},
      {"GET /props", "{\"modalities\":{\"vision\":false}}"}},
     E_NO_VISION,
     BACKEND_AUTO,
     "",
     "",
     false,
     false,
     0,
     0},
    {"llama-server that hides its props",
     {{"GET /v1/models", "{\"models\":[{\"name\":\"m\",\"capabilities\":[\"completion\","
                         "\"multimodal\"]}],\"data\":[{\"id\":\"m\",\"owned_by\":"
                         "\"llamacpp\"}]}"}},
     0,
     BACKEND_LLAMA_SERVER,
     "m",
     "",
     true,
     true,
     0,
     0},
    {"llama-server loading",
     {{"GET /v1/models",
       LLAMA("503", "{\"error\":{\"message\":\"Loading model\",\"code\":503"
                    "}}")}},
     E_LOADING,
     BACKEND_AUTO,
     "",
     "",
     false,
     false,
     0,
     0},
    {"llama-server with a key",
     {{"GET /v1/models", LLAMA("401", "{\"error\":{\"message\":\"Invalid API Key\"}}")}},
     E_AUTH,
     BACKEND_AUTO,
     "",
     "",
     false,
     false,
     0,
     0},
    {"llama router, a model is loaded",
     {{"GET /v1/models",
       LLAMA("200",
             "{\"data\":[{\"id\":\"a\",\"status\":{\"value\":\"unloaded\"},"
             "\"architecture\":{\"input_modalities\":[\"text\",\"image\"]}},{\"id\":"
             "\"b\",\"status\":{\"value\":\"loaded\"},\"architecture\":{"
             "\"input_modalities\":[\"text\",\"image\"]}}]}")},
      {"GET /props", "{\"role\":\"router\",\"build_info\":\"b9\"}"},
      {"GET /props?model=b", "{\"total_slots\":2,\"modalities\":{\"vision\":true}}"}},
     0,
     BACKEND_LLAMA_SERVER,
     "b",
     "b9",
     true,
     true,
     2,
     0},
    {"vllm",
     {{"GET /v1/models", "{\"data\":[{\"id\":\"Qwen/Qwen3-VL\",\"owned_by\":\"vllm\","
                         "\"max_model_len\":32768}]}"},
      {"GET /version", "{\"version\":\"0.28.0\"}"}},
     0,
     BACKEND_VLLM,
     "Qwen/Qwen3-VL",
     "0.28.0",
     false,
     true,
     0,
     32768},
    {"sglang tells",
     {{"GET /v1/models", LIST("sglang")},
      {"GET /get_model_info", "{\"has_image_understanding\":true}"}},
     0,
     BACKEND_SGLANG,
     "m",
     "",
     true,
     true,
     0,
     0},
    {"newer sglang has another path",
     {{"GET /v1/models", LIST("sglang")},
      {"GET /model_info", "{\"has_image_understanding\":false}"}},
     E_NO_VISION,
     BACKEND_AUTO,
     "",
     "",
     false,
     false,
     0,
     0},
    {"older sglang does not",
     {{"GET /v1/models", LIST("sglang")},
      {"GET /get_model_info", "{\"model_path\":\"x\"}"}},
     0,
     BACKEND_SGLANG,
     "m",
     "",
     false,
     true,
     0,
     0},
    {"llama-swap",
     {{"GET /v1/models", "{\"data\":[{\"id\":\"a\",\"owned_by\":\"llama-swap\"},{\"id\":"
                         "\"b/c\",\"capabilities\":{\"vision\":true}}]}"},
      {"GET /running", "{\"running\":[{\"model\":\"b/c\",\"state\":\"ready\"}]}"},
      {"GET /upstream/b/c/props",
       "{\"total_slots\":3,\"modalities\":{\"vision\":true}}"}},
     0,
     BACKEND_LLAMA_SWAP,
     "b/c",
     "",
     true,
     true,
     3,
     0},
    {"llama-swap, nothing runs",
     {{"GET /v1/models", "{\"data\":[{\"id\":\"a\",\"status\":{\"value\":\"unloaded\"},"
                         "\"capabilities\":{\"vision\":true}},{\"id\":\"blind\","
                         "\"capabilities\":{\"vision\":false}}]}"},
      {"GET /running", "{\"running\":[]}"}},
     0,
     BACKEND_LLAMA_SWAP,
     "a",
     "",
     true,
     false,
     0,
     0},
    {"a gateway with the same field, but not llama-swap",
     {{"GET /v1/models", "{\"data\":[{\"id\":\"a\",\"status\":{\"value\":\"loaded\"}}]}"},
      {"GET /running", "{\"error\":\"what?\"}"}},
     0,
     BACKEND_OPENAI,
     "a",
     "",
     false,
     true,
     0,
     0},
    {"lm studio, which answers 200 to everything",
     {{"GET /api/version", LMS_ERROR},
      {"GET /v1/models", LIST("organization_owner")},
      {"GET /api/v1/models",
       "{\"models\":[{\"type\":\"embedding\",\"key\":\"e\",\"loaded_instances\":[]},{"
       "\"type\":"
       "\"llm\",\"key\":\"blind\",\"capabilities\":{\"vision\":false},\"loaded_"
       "instances\":[{}]"
       "},{\"type\":\"llm\",\"key\":\"eye\",\"capabilities\":{\"vision\":true},"
       "\"loaded_instances\":[{\"id\":\"eye\",\"config\":{\"context_length\":4096,"
       "\"parallel\":4}}]}]}"}},
     0,
     BACKEND_LMSTUDIO,
     "eye",
     "",
     true,
     true,
     4,
     4096},
    {"lm studio before 0.4",
     {{"GET /api/version", LMS_ERROR},
      {"GET /v1/models", LIST("organization_owner")},
      {"GET /api/v1/models", LMS_ERROR},
      {"GET /api/v0/models",
       "{\"data\":[{\"id\":\"t\",\"type\":\"llm\",\"state\":\"loaded\"},"
       "{\"id\":\"v\",\"type\":\"vlm\",\"state\":\"not-loaded\"}]}"}},
     0,
     BACKEND_LMSTUDIO,
     "v",
     "",
     true,
     false,
     0,
     0},
    {"lm studio with nothing but errors",
     {{"GET /api/version", LMS_ERROR},
      {"GET /v1/models", LMS_ERROR},
      {"GET /api/v1/models", LMS_ERROR},
      {"GET /api/v0/models", LMS_ERROR},
      {"GET /model/info", LMS_ERROR}},
     E_GARBAGE,
     BACKEND_AUTO,
     "",
     "",
     false,
     false,
     0,
     0},
    {"litellm",
     {{"GET /v1/models", "{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}"},
      {"GET /model/info",
       "{\"data\":[{\"model_name\":\"a\",\"litellm_params\":{},"
       "\"model_info\":{\"supports_vision\":false}},{\"model_name\":\"b\","
       "\"litellm_params\":{},\"model_info\":{\"supports_vision\":true,"
       "\"max_input_tokens\":9000}},{\"model_name\":\"c\"}]}"}},
     0,
     BACKEND_OPENAI,
     "b",
     "",
     true,
     false,
     0,
     9000},
    {"openrouter",
     {{"GET /v1/models",
       "{\"data\":[{\"id\":\"t\",\"architecture\":{\"input_modalities\":["
       "\"text\"]}},{\"id\":\"v\",\"context_length\":5000,\"architecture\":{"
       "\"input_modalities\":[\"text\",\"image\"]}}]}"}},
     0,
     BACKEND_OPENAI,
     "v",
     "",
     true,
     false,
     0,
     5000},
    {"any other",
     {{"GET /v1/models", "{\"data\":[{\"id\":\"gpt-4o\",\"owned_by\":\"system\"}]}"}},
     0,
     BACKEND_OPENAI,
     "gpt-4o",
     "",
     false,
     false,
     0,
     0},
    {"any other without models",
     {{"GET /v1/models", "{\"data\":[]}"}},
     E_MODEL_MISSING,
     BACKEND_AUTO,
     "",
     "",
     false,
     false,
     0,
     0},
    {"a key is missing",
     {{"GET /v1/models", "401 {}"}},
     E_AUTH,
     BACKEND_AUTO,
     "",
     "",
     false,
     false,
     0,
     0},
    {"busy",
     {{"GET /v1/models", "503 {}"}},
     E_OVERLOAD,
     BACKEND_AUTO,
     "",
     "",
     false,
     false,
     0,
     0},
    {"slow down",
     {{"GET /v1/models", "429 {}"}},
     E_RATE,
     BACKEND_AUTO,
     "",
     "",
     false,
     false,
     0,
     0},
    {"a web server",
     {{"GET /api/version", "HTTP/1.1 200 OK\r\n\r\n<html>hi</html>"},
      {"GET /v1/models", "HTTP/1.1 200 OK\r\n\r\n<html>hi</html>"}},
     E_GARBAGE,
     BACKEND_AUTO,
     "",
     "",
     false,
     false,
     0,
     0},
    {"a web server that knows nothing",
     {{NULL, NULL}},
     E_GARBAGE,
     BACKEND_AUTO,
     "",
     "",
     false,
     false,
     0,
     0},
    {"shapes of the wrong type",
     {{"GET /api/version", "{\"version\":7}"},
      {"GET /v1/models", "{\"data\":[1,{\"id\":5},{\"id\":\"m\",\"owned_by\":[]},null]}"},
      {"GET /api/v1/models", "{\"models\":[5]}"},
      {"GET /api/v0/models", "{\"data\":{\"state\":1}}"},
      {"GET /model/info", "[]"}},
     0,
     BACKEND_OPENAI,
     "m",
     "",
     false,
     false,
     0,
     0},
    {"cut off while it is asked",
     {{"GET /api/version", "HTTP/1.1 200 OK\r\nContent-Length: 9"
                           "\r\n\r\n"},
      {"GET /v1/models", ""}},
     E_NET,
     BACKEND_AUTO,
     "",
     "",
     false,
     false,
     0,
     0},
};

static void servers_are_known_by_what_they_say(void **state)
{
    (void)state;
    bn->config.timeouts.probe_ms = 400;
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        const struct found *s = &servers[i];
        print_message("  %s\n", s->name);
        script_play(s->lines);
        bench_open(bn->web.port);
        assert_code(probe(), s->expected);
        const struct backend_facts *f = backend_facts(bn->backend);
        assert_string_equal(backend_kind_name(f->kind), backend_kind_name(s->kind));
        assert_string_equal(f->model, s->model);
        assert_string_equal(f->version, s->version);
        assert_int_equal(f->is_vision_sure, s->is_sure);
        assert_int_equal(f->is_loaded, s->is_loaded);
        assert_int_equal(f->slots, s->slots);
        assert_int_equal(f->n_ctx, s->n_ctx);
    }
    script_play(NULL);
}

static void lmstudio_is_found_behind_its_native_base(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {"GET /api/v1/models",
         "{\"models\":[{\"type\":\"llm\",\"key\":\"eye\","
         "\"capabilities\":{\"vision\":true},\"loaded_instances\":[]}]}"},
        {"POST /v1/chat/completions", GOOD},
        {NULL, NULL}};
    char url[100];
    struct waited w = {0};
    script_play(lines);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/api/v1", bn->web.port);
    bn->config.url = url;
    assert_int_equal(backend_new(&bn->backend, &bn->loop, bn->http, &bn->config), 0);
    assert_code(probe(), 0);
    assert_int_equal(backend_facts(bn->backend)->kind, BACKEND_LMSTUDIO);
    start_ask(&w, tiny_jpeg, sizeof(tiny_jpeg), 768, 432);
    run_dones(1);
    assert_code(w.err, 0);
    waited_free(&w);
    script_play(NULL);
}

static void a_remote_model_on_a_local_server_is_remote(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {"GET /api/version", "{\"version\":\"0.33.0\"}"},
        {"GET /api/tags", "{\"models\":[{\"name\":\"x\"}]}"},
        {"POST /api/show",
         "{\"capabilities\":[\"vision\"],\"remote_host\":\"https://o\"}"},
        {"GET /api/ps", "{}"},
        {NULL, NULL}};
    script_play(lines);
    bn->config.kind = BACKEND_OLLAMA;
    bn->config.model = "x";
    bench_open(bn->web.port);
    assert_code(probe(), 0);
    assert_true(backend_facts(bn->backend)->is_remote);
    script_play(NULL);
}

// Some versions of Ollama answer /api/ps only when a load is done.
static void a_busy_list_of_loaded_models_is_not_waited_for(void **state)
{
    (void)state;
    static const struct line lines[] = {{"GET /api/version", "{\"version\":\"0.33.0\"}"},
                                        {"GET /api/tags", OLLAMA_TAGS},
                                        {"GET /api/ps", ""},
                                        {NULL, NULL}};
    script_play(lines);
    bn->config.kind = BACKEND_OLLAMA;
    bn->config.timeouts.probe_ms = 50;
    bench_open(bn->web.port);
    assert_code(probe(), 0);
    assert_false(backend_facts(bn->backend)->is_loaded);
    script_play(NULL);
}

static void a_failed_probe_keeps_the_last_facts(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {"GET /v1/models", LIST("vllm")}, {"GET /v1/models", "503 {}"}, {NULL, NULL}};
    script_play(lines);
    bench_open(bn->web.port);
    assert_code(probe(), 0);
    assert_code(probe(), E_OVERLOAD);
    assert_int_equal(backend_facts(bn->backend)->kind, BACKEND_VLLM);
    assert_string_equal(backend_facts(bn->backend)->model, "m");
    script_play(NULL);
}

// A server that is still loading can be waited for before anything else is known of it.
static void a_loading_server_can_be_waited_for(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {"GET /v1/models", LLAMA("503", "{\"error\":{\"message\":\"Loading model\"}}")},
        {"GET /health", "503 {\"error\":{\"message\":\"Loading model\"}}"},
        {"GET /health", "{\"status\":\"ok\"}"},
        {"GET /v1/models", LLAMA("200", LIST("llamacpp"))},
        {"GET /props", "{\"modalities\":{\"vision\":true}}"},
        {NULL, NULL}};
    static const struct line generic[] = {
        {"GET /v1/models", "503 {\"error\":\"loading model\"}"},
        {"GET /v1/models", "{\"data\":[{\"id\":\"m\"}]}"},
        {NULL, NULL}};
    script_play(lines);
    bench_open(bn->web.port);
    assert_code(probe(), E_LOADING);
    assert_code(load(), 0);
    assert_code(probe(), 0);
    assert_int_equal(backend_facts(bn->backend)->kind, BACKEND_LLAMA_SERVER);
    script_play(generic);
    bench_open(bn->web.port);
    assert_code(probe(), E_LOADING);
    assert_code(load(), 0);
    assert_code(probe(), 0);
    assert_int_equal(backend_facts(bn->backend)->kind, BACKEND_OPENAI);
    script_play(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        BENCH_TEST(servers_are_known_by_what_they_say),
        BENCH_TEST(lmstudio_is_found_behind_its_native_base),
        BENCH_TEST(a_remote_model_on_a_local_server_is_remote),
        BENCH_TEST(a_busy_list_of_loaded_models_is_not_waited_for),
        BENCH_TEST(a_failed_probe_keeps_the_last_facts),
        BENCH_TEST(a_loading_server_can_be_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
