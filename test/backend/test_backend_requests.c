// test_backend_requests.c -- what a server is sent: paths, headers, bodies, loads.
// SPDX-License-Identifier: MIT
#include "backend/answer.h"
#include "backend_script.h"
#include "base/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <unistd.h>

#define CHAT   "POST /v1/chat/completions"
#define OLLAMA "POST /api/chat"
#define GOOD                                                                             \
    "data: {\"choices\":[{\"delta\":{\"content\":\"{\\\"summary\\\":\\\"s\\\"}\"},"      \
    "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
#define GOOD_OLLAMA                                                                      \
    "{\"message\":{\"content\":\"{\\\"summary\\\":\\\"s\\\"}\"},\"done\":true,"          \
    "\"done_reason\":\"stop\"}"

static const struct line both[] = {{OLLAMA, GOOD_OLLAMA}, {CHAT, GOOD}, {NULL, NULL}};

static struct waited ask_now(struct backend_ask settings)
{
    struct waited w = {.ask = settings};
    start_ask(&w, tiny_jpeg, sizeof(tiny_jpeg), 768, 432);
    run_dones(1);
    assert_code(w.err, 0);
    assert_string_equal(w.ask.answer.summary, "s");
    waited_free(&w);
    return w;
}

static struct waited ask_once(enum backend_kind kind, struct backend_ask settings)
{
    script_open(kind, both);
    return ask_now(settings);
}

static const cJSON *at(const cJSON *root, const char *path)
{
    char key[64];
    while (*path) {
        size_t n = strcspn(path, ".");
        snprintf(key, sizeof(key), "%.*s", (int)n, path);
        root = key[0] >= '0' && key[0] <= '9' ? cJSON_GetArrayItem(root, atoi(key))
                                              : json_get(root, key);
        path += n + (path[n] == '.');
    }
    return root;
}

static void assert_text(const cJSON *root, const char *path, const char *expected)
{
    const char *got = cJSON_GetStringValue(at(root, path));
    if (!got || strcmp(got, expected) != 0) {
        fail_msg("%s: %s instead of %s", path, got, expected);
    }
}

static void assert_number(const cJSON *root, const char *path, double expected)
{
    const cJSON *v = at(root, path);
    if (!cJSON_IsNumber(v) || v->valuedouble != expected) {
        fail_msg("%s: %f", path, v ? v->valuedouble : -1);
    }
}

static void ollama_is_asked_natively(void **state)
{
    (void)state;
    bn->config.keep_alive_s = 321;
    bn->config.num_ctx = 9000;
    bn->config.temperature = 0.25;
    ask_once(BACKEND_OLLAMA, (struct backend_ask){.cid = "corr-7", .seed = 0xfffffff0});
    cJSON *body = script_body(OLLAMA);
    assert_text(body, "model", "m");
    assert_true(cJSON_IsTrue(at(body, "stream")));
    assert_true(cJSON_IsFalse(at(body, "think")));
    assert_number(body, "keep_alive", 321);
    assert_number(body, "options.num_ctx", 9000);
    assert_number(body, "options.num_predict", 500);
    assert_number(body, "options.temperature", 0.25);
    assert_number(body, "options.seed", 0x7ffffff0);
    assert_text(body, "format.properties.summary.type", "string");
    assert_text(body, "messages.0.role", "system");
    assert_text(body, "messages.0.content", bn->prompt.system);
    assert_text(body, "messages.1.role", "user");
    assert_text(body, "messages.1.images.0", "/9j/2Q==");
    assert_int_equal(cJSON_GetArraySize(at(body, "messages")), 2);
    assert_non_null(strstr(at(body, "messages.1.content")->valuestring, bn->prompt.user));
    assert_non_null(strstr(at(body, "messages.1.content")->valuestring, answer_form));
    json_free(body);
    assert_string_equal(script_header(OLLAMA, "X-Correlation-ID"), "corr-7");
    assert_string_equal(script_header(OLLAMA, "Content-Type"), "application/json");
    assert_null(script_header(OLLAMA, "Authorization"));
    script_play(NULL);
}

static void openai_gets_the_picture_first_as_a_data_url(void **state)
{
    (void)state;
    bn->config.api_key = "sk-1";
    ask_once(BACKEND_OPENAI, (struct backend_ask){.seed = 5, .max_tokens = 77});
    cJSON *body = script_body(CHAT);
    assert_text(body, "model", "m");
    assert_true(cJSON_IsTrue(at(body, "stream")));
    assert_true(cJSON_IsTrue(at(body, "stream_options.include_usage")));
    assert_number(body, "max_tokens", 77);
    assert_number(body, "seed", 5);
    assert_number(body, "temperature", 0.1);
    assert_text(body, "response_format.type", "json_schema");
    assert_text(body, "response_format.json_schema.name", "screenshot");
    assert_true(cJSON_IsTrue(at(body, "response_format.json_schema.strict")));
    assert_text(body, "response_format.json_schema.schema.type", "object");
    assert_text(body, "messages.0.role", "system");
    assert_text(body, "messages.1.content.0.type", "image_url");
    assert_text(body, "messages.1.content.0.image_url.url",
                "data:image/jpeg;base64,/9j/2Q==");
    assert_text(body, "messages.1.content.1.type", "text");
    assert_non_null(
        strstr(at(body, "messages.1.content.1.text")->valuestring, bn->prompt.user));
    assert_null(at(body, "chat_template_kwargs"));
    assert_null(at(body, "ttl"));
    json_free(body);
    assert_string_equal(script_header(CHAT, "Authorization"), "Bearer sk-1");
    assert_null(script_header(CHAT, "X-Correlation-ID"));
    script_play(NULL);
}

static void kinds_differ_by_a_field(void **state)
{
    (void)state;
    static const struct {
        enum backend_kind kind;
        bool has_kwargs, has_ttl;
    } kinds[] = {
        {BACKEND_OPENAI, false, false},    {BACKEND_VLLM, true, false},
        {BACKEND_SGLANG, true, false},     {BACKEND_LLAMA_SERVER, true, false},
        {BACKEND_LLAMA_SWAP, true, false}, {BACKEND_LMSTUDIO, false, true},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        ask_once(kinds[i].kind, (struct backend_ask){.no_schema = i == 0});
        cJSON *body = script_body(CHAT);
        const cJSON *thinking = at(body, "chat_template_kwargs.enable_thinking");
        assert_int_equal(cJSON_IsFalse(thinking), kinds[i].has_kwargs);
        assert_int_equal(at(body, "ttl") != NULL, kinds[i].has_ttl);
        assert_int_equal(at(body, "response_format") != NULL, i != 0);
        const char *text = at(body, "messages.1.content.1.text")->valuestring;
        assert_non_null(strstr(text, i == 0 ? answer_plain_form : answer_form));
        json_free(body);
    }
    script_play(NULL);
}

// Said once more, and in the question where no field does it.
static void a_model_that_thinks_is_told_by_all_means(void **state)
{
    (void)state;
    static const struct {
        enum backend_kind kind;
        const char *model, *word;
        bool has_kwargs;
    } rows[] = {
        {BACKEND_VLLM, "Qwen/Qwen3-VL-8B", "\n\n/no_think", true},
        {BACKEND_LMSTUDIO, "qwen/qwen3-vl-4b", "\n\n/no_think", false},
        {BACKEND_LMSTUDIO, "zai-org/glm-4.6v-flash", "\n\n/nothink", false},
        {BACKEND_LMSTUDIO, "gemma-3", NULL, false},
    };
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        bool is_firm = i % 2 == 1;
        char models[200];
        snprintf(models, sizeof(models),
                 "{\"object\":\"list\",\"data\":[{\"id\":\"%s\"}]}", rows[i / 2].model);
        const struct line lines[] = {{"GET /v1/models", models}, {NULL, NULL}};
        script_play(lines);
        bn->config.kind = rows[i / 2].kind;
        bench_open(bn->web.port);
        assert_code(probe(), 0);
        script_play(both);
        ask_now((struct backend_ask){.no_thinking = is_firm});
        cJSON *body = script_body(CHAT);
        const char *text = at(body, "messages.1.content.1.text")->valuestring;
        const char *word = rows[i / 2].word;
        size_t n = word ? strlen(word) : 0, len = strlen(text);
        bool is_said = word && len > n && strcmp(text + len - n, word) == 0;
        assert_int_equal(is_said, is_firm && word);
        assert_int_equal(cJSON_IsFalse(at(body, "chat_template_kwargs.thinking")),
                         is_firm && rows[i / 2].has_kwargs);
        assert_int_equal(cJSON_IsFalse(at(body, "chat_template_kwargs.enable_thinking")),
                         rows[i / 2].has_kwargs);
        json_free(body);
    }
    script_play(NULL);
}

static void a_png_says_so(void **state)
{
    (void)state;
    struct waited w = {0};
    script_open(BACKEND_OPENAI, both);
    start_ask(&w, "\x89PNG\r\n", 6, 64, 64);
    run_dones(1);
    cJSON *body = script_body(CHAT);
    assert_memory_equal(at(body, "messages.1.content.0.image_url.url")->valuestring,
                        "data:image/png;base64,", 22);
    json_free(body);
    waited_free(&w);
    script_play(NULL);
}

// Prompts of the configuration may hold anything.
static void odd_prompts_stay_valid_json(void **state)
{
    (void)state;
    static const enum backend_kind kinds[] = {BACKEND_OLLAMA, BACKEND_VLLM};
    bn->prompt.system = "quote \" backslash \\ line\nend \x01 \xff";
    bn->prompt.user = "\"]}]}";
    for (int i = 0; i < 2; i++) {
        ask_once(kinds[i], (struct backend_ask){0});
        cJSON *body = script_body(i ? CHAT : OLLAMA);
        assert_text(body, "messages.0.content",
                    "quote \" backslash \\ line\nend \x01 \xef\xbf\xbd");
        json_free(body);
    }
    script_play(NULL);
}

static void a_rule_is_the_last_word(void **state)
{
    (void)state;
    static const enum backend_kind kinds[] = {BACKEND_OLLAMA, BACKEND_VLLM};
    for (int i = 0; i < 4; i++) {
        bn->prompt.rule = i < 2 ? "Name nobody." : "";
        ask_once(kinds[i % 2], (struct backend_ask){0});
        cJSON *body = script_body(i % 2 ? CHAT : OLLAMA);
        const char *text =
            at(body, i % 2 ? "messages.1.content.1.text" : "messages.1.content")
                ->valuestring;
        const char *expected = i < 2 ? "\n\nName nobody." : answer_form;
        assert_true(strlen(text) > strlen(expected));
        assert_string_equal(text + strlen(text) - strlen(expected), expected);
        json_free(body);
    }
    script_play(NULL);
}

static void a_prompt_over_the_limit_is_not_sent(void **state)
{
    (void)state;
    static const enum backend_kind kinds[] = {BACKEND_OLLAMA, BACKEND_VLLM};
    char *text = malloc(2 << 20);
    memset(text, 'x', 2 << 20);
    text[(2 << 20) - 1] = 0;
    for (int i = 0; i < 4; i++) {
        struct waited w = {0};
        script_open(kinds[i % 2], both);
        bn->prompt.system = i < 2 ? text : "s";
        bn->prompt.user = i < 2 ? "u" : text;
        start_ask(&w, tiny_jpeg, sizeof(tiny_jpeg), 768, 432);
        run_dones(1);
        assert_code(w.err, E_TOOBIG);
        assert_string_equal(script_asked(0), "");
        waited_free(&w);
    }
    free(text);
    script_play(NULL);
}

// ---- the base URL

static void urls_are_taken_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *end;
        enum backend_kind kind;
        const char *first;
    } urls[] = {
        {"", BACKEND_AUTO, "GET /api/version"},
        {"/", BACKEND_AUTO, "GET /api/version"},
        {"///", BACKEND_AUTO, "GET /api/version"},
        {"/v1", BACKEND_AUTO, "GET /api/version"},
        {"/v1/", BACKEND_AUTO, "GET /api/version"},
        {"/v1/chat/completions", BACKEND_AUTO, "GET /api/version"},
        {"/api", BACKEND_AUTO, "GET /api/version"},
        {"/api/", BACKEND_OLLAMA, "GET /api/version"},
        {"/api/chat", BACKEND_OLLAMA, "GET /api/version"},
        {"/proxy/api/generate", BACKEND_AUTO, "GET /proxy/api/version"},
        {"/v1", BACKEND_OPENAI, "GET /v1/models"},
        {"/api/v1", BACKEND_OPENAI, "GET /api/v1/models"},
        {"/api/v1", BACKEND_AUTO, "GET /api/api/version"},
        {"/api/v1", BACKEND_LMSTUDIO, "GET /api/v1/models"},
        {"/api/v0", BACKEND_OPENAI, "GET /api/v0/v1/models"},
        {"/prefix/v1", BACKEND_VLLM, "GET /prefix/v1/models"},
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct waited w = {0};
        struct backend *b;
        char url[200];
        script_play(NULL);
        snprintf(url, sizeof(url), "%s127.0.0.1:%d%s", i % 2 ? "" : "http://",
                 bn->web.port, urls[i].end);
        bn->config.url = url;
        bn->config.kind = urls[i].kind;
        bench_close_backend();
        assert_int_equal(backend_new(&b, &bn->loop, bn->http, &bn->config), 0);
        bn->backend = b;
        assert_false(backend_facts(b)->is_remote);
        start_probe(&w);
        run_dones(1);
        assert_true(w.err < 0);
        assert_string_equal(script_asked(0), urls[i].first);
    }
    script_play(NULL);
}

static void bad_configuration_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *url, *key;
    } bad[] = {
        {"ftp://host", ""},
        {"http://", ""},
        {"", ""},
        {NULL, ""},
        {"http+unix://relative", ""},
        {"http+unix:///", ""},
        {"http://127.0.0.1", "two\r\nlines"},
        {"http://127.0.0.1", "a blank"},
        {"http://127.0.0.1", "\x7f"},
    };
    char longer[4000];
    struct backend *b;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        bn->config.url = bad[i].url;
        bn->config.api_key = bad[i].key;
        assert_int_equal(backend_new(&b, &bn->loop, bn->http, &bn->config), E_CONFIG);
        assert_null(b);
    }
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = 0;
    bn->config.api_key = "";
    bn->config.url = longer;
    assert_int_equal(backend_new(&b, &bn->loop, bn->http, &bn->config), E_CONFIG);
    memcpy(longer, "http+unix:///", 13);
    longer[200] = 0;
    assert_int_equal(backend_new(&b, &bn->loop, bn->http, &bn->config), E_CONFIG);
    backend_free(NULL);
}

static void other_machines_are_remote(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool is_remote;
    } urls[] = {
        {"http://127.0.0.1:1", false},
        {"http://localhost:1/v1", false},
        {"localhost:1", false},
        {"http://[::1]:1", false},
        {"http+unix:///run/x", false},
        {"https://api.openai.com/v1", true},
        {"http://192.168.1.5:11434", true},
        {"http://127.0.0.1.evil.example", true},
        {"box:11434", true},
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct backend *b;
        bn->config.url = urls[i].url;
        assert_int_equal(backend_new(&b, &bn->loop, bn->http, &bn->config), 0);
        assert_int_equal(backend_facts(b)->is_remote, urls[i].is_remote);
        assert_ptr_equal(backend_config(b)->url, urls[i].url);
        backend_free(b);
    }
}

static void sockets_of_the_file_system_work(void **state)
{
    (void)state;
    char dir[] = "/tmp/vlmd-backend-XXXXXX";
    char path[64];
    char url[100];
    struct web web;
    struct waited w = {0};
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/sock", dir);
    snprintf(url, sizeof(url), "http+unix://%s/v1", path);
    script_play(both);
    web_open(&web, &bn->loop, path);
    web.on_request = bn->web.on_request;
    bn->config.url = url;
    bn->config.kind = BACKEND_OPENAI;
    bn->config.model = "m";
    assert_int_equal(backend_new(&bn->backend, &bn->loop, bn->http, &bn->config), 0);
    assert_code(probe(), 0);  // no list of models, but the model is named
    assert_false(backend_facts(bn->backend)->is_remote);
    start_ask(&w, tiny_jpeg, sizeof(tiny_jpeg), 768, 432);
    run_dones(1);
    assert_code(w.err, 0);
    waited_free(&w);
    web_close(&web);
    bench_close_backend();
    bench_close_http();
    while (!web.is_closed || !bn->is_http_closed) {
        uv_run(&bn->loop.uv, UV_RUN_ONCE);
    }
    unlink(path);
    assert_int_equal(rmdir(dir), 0);
    script_play(NULL);
}

// ---- what a server refuses to be told

static void refused_fields_are_left_out_from_then_on(void **state)
{
    (void)state;
    static const struct {
        const char *refusal;
        const char *field;
        const char *instead;  // or NULL
    } fields[] = {
        {"400 {\"error\":{\"message\":\"Unsupported parameter: 'max_tokens' is not "
         "supported "
         "with this model. Use 'max_completion_tokens' instead.\"}}",
         "max_tokens", "max_completion_tokens"},
        {"400 {\"error\":\"'response_format.type' must be 'text'\"}", "response_format",
         NULL},
        {"400 {\"error\":{\"message\":\"Failed to initialize samplers: failed to parse "
         "grammar\"}}",
         "response_format", NULL},
        {"500 {\"error\":{\"message\":\"unknown response_format\"}}", "response_format",
         NULL},
        {"422 {\"detail\":[{\"loc\":[\"body\",\"stream_options\"],\"msg\":\"Extra inputs "
         "are "
         "not permitted\"}]}",
         "stream_options", NULL},
        {"400 {\"error\":{\"message\":\"Unsupported value: 'temperature' does not "
         "support "
         "0.1\"}}",
         "temperature", NULL},
        {"400 {\"error\":{\"message\":\"seed is not supported\"}}", "seed", NULL},
        {"400 {\"error\":{\"message\":\"unknown field chat_template_kwargs\"}}",
         "chat_template_kwargs", NULL},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const struct line lines[] = {
            {CHAT, fields[i].refusal}, {CHAT, GOOD}, {NULL, NULL}};
        struct waited w = {0};
        script_open(BACKEND_VLLM, lines);
        start_ask(&w, tiny_jpeg, sizeof(tiny_jpeg), 768, 432);
        run_dones(1);
        assert_code(w.err, E_SERVER);  // to be tried again
        cJSON *body = script_body(CHAT);
        assert_non_null(at(body, fields[i].field));
        json_free(body);
        start_ask(&w, tiny_jpeg, sizeof(tiny_jpeg), 768, 432);
        run_dones(1);
        assert_code(w.err, 0);
        body = script_body(CHAT);
        assert_null(at(body, fields[i].field));
        assert_int_equal(fields[i].instead && at(body, fields[i].instead),
                         fields[i].instead != NULL);
        json_free(body);
        waited_free(&w);
    }
    script_play(NULL);
}

static void a_refusal_that_stays_is_permanent(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {CHAT, "400 {\"error\":{\"message\":\"max_tokens is too large\"}}"},
        {NULL, NULL}};
    struct waited w = {0};
    script_open(BACKEND_OPENAI, lines);
    start_ask(&w, tiny_jpeg, sizeof(tiny_jpeg), 768, 432);
    run_dones(1);
    assert_code(w.err, E_SERVER);
    start_ask(&w, tiny_jpeg, sizeof(tiny_jpeg), 768, 432);
    run_dones(1);
    assert_code(w.err, E_BAD_REQUEST);
    waited_free(&w);
    script_play(NULL);
}

static void words_that_only_look_like_fields_are_not(void **state)
{
    (void)state;
    static const struct {
        enum backend_kind kind;
        const char *reply;
    } others[] = {
        {BACKEND_LMSTUDIO, "400 {\"error\":\"throttled by the seeder\"}"},
        {BACKEND_OPENAI,
         "400 {\"error\":\"unknown field enable_thinking\"}"},  // never sent
        {BACKEND_OLLAMA,
         "400 {\"error\":\"option \\\"temperature\\\" must be of type\"}"},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct waited w = {0};
        assert_code(script_ask(&w, others[i].kind, others[i].reply), E_BAD_REQUEST);
        waited_free(&w);
    }
}

// ---- loads

static void ollama_loads_with_the_options_of_the_questions(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        int expected;
    } replies[] = {
        {"{\"model\":\"m\",\"done\":true,\"done_reason\":\"load\"}", 0},
        {"{\"model\":\"m\",\"done\":true}", 0},
        {"{\"model\":\"m\",\"done\":true,\"done_reason\":\"unload\"}", E_GARBAGE},
        {"{\"model\":\"m\",\"done\":false}", E_GARBAGE},
        {"{}", E_GARBAGE},
        {"[]", E_GARBAGE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", E_GARBAGE},
        {"404 {\"error\":\"model 'm' not found\"}", E_MODEL_MISSING},
        {"500 {\"error\":\"llama-server process has terminated: exit status 1\"}",
         E_MODEL_CRASH},
        {"503 {\"error\":\"server busy, please try again.\"}", E_OVERLOAD},
        {"HTTP/1.1 200 OK\r\n\r\n{\"done", E_GARBAGE},
    };
    bn->config.num_ctx = 12345;
    bn->config.keep_alive_s = 99;
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        const struct line lines[] = {{"POST /api/generate", replies[i].reply},
                                     {NULL, NULL}};
        script_open(BACKEND_OLLAMA, lines);
        assert_code(load(), replies[i].expected);
        cJSON *body = script_body("POST /api/generate");
        assert_text(body, "model", "m");
        assert_number(body, "keep_alive", 99);
        assert_number(body, "options.num_ctx", 12345);
        assert_int_equal(cJSON_GetArraySize(at(body, "options")), 1);
        assert_null(at(body, "prompt"));
        json_free(body);
    }
    script_play(NULL);
}

#define LMS(loaded)                                                                      \
    "{\"models\":[{\"type\":\"llm\",\"key\":\"m\",\"capabilities\":{\"vision\":true},"   \
    "\"loaded_instances\":[" loaded "]}]}"
#define LMS_UP LMS("{\"id\":\"m\",\"config\":{\"context_length\":4096,\"parallel\":3}}")

static void lmstudio_is_warmed_just_in_time(void **state)
{
    (void)state;
    static const struct line cold[] = {
        {"GET /api/v1/models", LMS("")},
        {CHAT, "{\"choices\":[{\"message\":{\"content\":\"x\"}}]}"},
        {"GET /api/v1/models", LMS_UP},
        {NULL, NULL}};
    static const struct line warm[] = {{"GET /api/v1/models", LMS_UP}, {NULL, NULL}};
    static const struct line broken[] = {
        {"GET /api/v1/models", LMS("")},
        {CHAT, "400 {\"error\":\"Failed to load model\"}"},
        {NULL, NULL}};
    static const struct line liar[] = {
        {"GET /api/v1/models", LMS("")}, {CHAT, "{}"}, {NULL, NULL}};
    static const struct line old[] = {
        {"GET /api/v1/models", "{\"error\":\"Unexpected endpoint or method.\"}"},
        {"GET /api/v0/models",
         "{\"data\":[{\"id\":\"m\",\"type\":\"vlm\",\"state\":\"not-loaded\"}]}"},
        {CHAT, "{}"},
        {"GET /api/v0/models", "{\"data\":[{\"id\":\"m\",\"type\":\"vlm\",\"state\":"
                               "\"loaded\",\"loaded_context_length\":2048}]}"},
        {NULL, NULL}};
    static const struct line oldest[] = {{CHAT, "{}"}, {NULL, NULL}};
    static const struct line gone[] = {{"GET /api/v1/models", "{\"models\":[]}"},
                                       {NULL, NULL}};
    static const struct line locked[] = {{"GET /api/v1/models", "401 {}"}, {NULL, NULL}};
    static const struct {
        const struct line *lines;
        int expected, warmed, slots, n_ctx;
    } loads[] = {
        {cold, 0, 1, 3, 4096},
        {warm, 0, 0, 3, 4096},
        {broken, E_MODEL_CRASH, 1, 0, 0},
        {liar, E_MODEL_CRASH, 1, 0, 0},
        {old, 0, 1, 0, 2048},
        {oldest, 0, 1, 0, 0},
        {gone, E_MODEL_MISSING, 0, 0, 0},
        {locked, E_AUTH, 0, 0, 0},
    };
    bn->config.keep_alive_s = 55;
    for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        script_open(BACKEND_LMSTUDIO, loads[i].lines);
        assert_code(load(), loads[i].expected);
        assert_int_equal(script_count(CHAT), loads[i].warmed);
        assert_int_equal(backend_facts(bn->backend)->slots, loads[i].slots);
        assert_int_equal(backend_facts(bn->backend)->n_ctx, loads[i].n_ctx);
        if (loads[i].warmed) {
            cJSON *body = script_body(CHAT);
            assert_number(body, "ttl", 55);
            assert_number(body, "max_tokens", 1);
            json_free(body);
        }
    }
    script_play(NULL);
}

static void llama_server_is_waited_for(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {"GET /health", "503 {\"error\":{\"message\":\"Loading model\"}}"},
        {"GET /health", "{\"status\":\"ok\"}"},
        {"GET /props",
         "{\"total_slots\":6,\"default_generation_settings\":{\"n_ctx\":777}}"},
        {NULL, NULL}};
    static const struct line shy[] = {{"GET /health", "{\"status\":\"ok\"}"},
                                      {NULL, NULL}};
    static const struct line sick[] = {{"GET /health", "500 {}"}, {NULL, NULL}};
    script_open(BACKEND_LLAMA_SERVER, lines);
    assert_code(load(), 0);
    assert_int_equal(script_count("GET /health"), 2);
    assert_int_equal(backend_facts(bn->backend)->slots, 6);
    assert_int_equal(backend_facts(bn->backend)->n_ctx, 777);
    script_open(BACKEND_LLAMA_SERVER, shy);
    assert_code(load(), 0);
    script_open(BACKEND_LLAMA_SERVER, sick);
    assert_code(load(), E_SERVER);
    script_play(NULL);
}

static void a_load_has_a_deadline(void **state)
{
    (void)state;
    static const struct line up[] = {
        {"GET /health", "503 {\"error\":{\"message\":\"Loading model\"}}"},
        {"GET /v1/models", "503 {\"error\":{\"message\":\"Loading model\"}}"},
        {"POST /api/generate", ""},
        {NULL, NULL}};
    static const enum backend_kind kinds[] = {BACKEND_LLAMA_SERVER, BACKEND_VLLM,
                                              BACKEND_OLLAMA};
    bn->config.timeouts.load_ms = 60;
    for (int i = 0; i < 3; i++) {
        script_open(kinds[i], up);
        assert_code(load(), E_LOADING);
    }
    script_play(NULL);
}

#define ROUTER(status)                                                                   \
    "{\"data\":[{\"id\":\"m\",\"status\":{" status "},"                                  \
    "\"architecture\":{\"input_modalities\":[\"text\",\"image\"]}}]}"

static void a_router_is_told_and_polled(void **state)
{
    (void)state;
    static const struct line slow[] = {{"GET /health", "{}"},
                                       {"GET /props", "{\"role\":\"router\"}"},
                                       {"POST /models/load", "{\"success\":true}"},
                                       {"GET /models", ROUTER("\"value\":\"loading\"")},
                                       {"GET /models", ROUTER("\"value\":\"loaded\"")},
                                       {NULL, NULL}};
    static const struct line there[] = {
        {"GET /health", "{}"},
        {"GET /props", "{\"role\":\"router\"}"},
        {"POST /models/load",
         "400 {\"error\":{\"message\":\"model is already running\"}}"},
        {"GET /models", ROUTER("\"value\":\"loaded\"")},
        {NULL, NULL}};
    static const struct line failed[] = {
        {"GET /health", "{}"},
        {"GET /props", "{\"role\":\"router\"}"},
        {"POST /models/load", "{\"success\":true}"},
        {"GET /models", ROUTER("\"value\":\"unloaded\",\"failed\":true,\"exit_code\":1")},
        {NULL, NULL}};
    static const struct line unknown[] = {
        {"GET /health", "{}"},
        {"GET /props", "{\"role\":\"router\"}"},
        {"POST /models/load", "404 {\"error\":{\"message\":\"model is not found\"}}"},
        {NULL, NULL}};
    static const struct line vanished[] = {{"GET /health", "{}"},
                                           {"GET /props", "{\"role\":\"router\"}"},
                                           {"POST /models/load", "{\"success\":true}"},
                                           {"GET /models", "{\"data\":[]}"},
                                           {NULL, NULL}};
    static const struct {
        const struct line *lines;
        int expected;
    } loads[] = {{slow, 0},
                 {there, 0},
                 {failed, E_MODEL_CRASH},
                 {unknown, E_MODEL_MISSING},
                 {vanished, E_MODEL_CRASH}};
    for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        script_open(BACKEND_LLAMA_SERVER, loads[i].lines);
        assert_code(load(), loads[i].expected);
        cJSON *body = script_body("POST /models/load");
        assert_text(body, "model", "m");
        json_free(body);
    }
    script_play(NULL);
}

static void llama_swap_is_started_by_its_health(void **state)
{
    (void)state;
    static const char ready[] = "{\"running\":[{\"model\":\"m\",\"state\":\"ready\"}]}";
    static const struct line good[] = {
        {"GET /upstream/m/health", "{}"}, {"GET /running", ready}, {NULL, NULL}};
    static const struct line no_path[] = {{"GET /upstream/m/health", "404 not here"},
                                          {"GET /running", ready},
                                          {NULL, NULL}};
    static const struct line starting[] = {
        {"GET /upstream/m/health",
         "503 {\"src\":\"llama-swap\",\"error\":{\"message\":\"[m] process is not "
         "ready\"}}"},
        {"GET /upstream/m/health", "{}"},
        {"GET /running", ready},
        {NULL, NULL}};
    static const struct line unknown[] = {
        {"GET /upstream/m/health",
         "404 {\"src\":\"llama-swap\",\"error\":{\"message\":\"no "
         "router for requested model\"}}"},
        {NULL, NULL}};
    static const struct line stopped[] = {
        {"GET /upstream/m/health", "{}"},
        {"GET /running", "{\"running\":[{\"model\":\"m\",\"state\":\"stopping\"}]}"},
        {NULL, NULL}};
    static const struct line silent[] = {{"GET /upstream/m/health", "{}"}, {NULL, NULL}};
    static const struct {
        const struct line *lines;
        int expected;
    } loads[] = {{good, 0},
                 {no_path, 0},
                 {starting, 0},
                 {unknown, E_MODEL_MISSING},
                 {stopped, E_MODEL_CRASH},
                 {silent, E_BAD_REQUEST}};
    for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        script_open(BACKEND_LLAMA_SWAP, loads[i].lines);
        assert_code(load(), loads[i].expected);
    }
    script_play(NULL);
}

static void servers_with_their_model_are_verified(void **state)
{
    (void)state;
    static const struct line here[] = {{"GET /v1/models", "{\"data\":[{\"id\":\"m\"}]}"},
                                       {NULL, NULL}};
    static const struct line other[] = {{"GET /v1/models", "{\"data\":[{\"id\":\"n\"}]}"},
                                        {NULL, NULL}};
    static const struct line later[] = {
        {"GET /v1/models", "503 {\"error\":\"loading model\"}"},
        {"GET /v1/models", "{\"data\":[{\"id\":\"m\"}]}"},
        {NULL, NULL}};
    static const struct line no_list[] = {{NULL, NULL}};
    static const struct line broken[] = {{"GET /v1/models", "500 x"}, {NULL, NULL}};
    static const struct {
        const struct line *lines;
        int expected;
    } loads[] = {{here, 0},
                 {other, E_MODEL_MISSING},
                 {later, 0},
                 {no_list, 0},
                 {broken, E_SERVER}};
    for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        script_open(BACKEND_VLLM, loads[i].lines);
        assert_code(load(), loads[i].expected);
    }
    script_play(NULL);
}

// ---- small things

static void parameters_name_what_shapes_an_answer(void **state)
{
    (void)state;
    char a[200];
    char b[200];
    char tiny[10];
    bn->config.temperature = 0.1;
    script_open(BACKEND_OLLAMA, both);
    backend_params(bn->backend, a, sizeof(a));
    assert_string_equal(a, "form=1;max_tokens=500;temperature=0.100;num_ctx=8192");
    bn->config.timeouts.stall_ms = 1;
    bn->config.keep_alive_s = 1;
    script_open(BACKEND_OLLAMA, both);
    backend_params(bn->backend, b, sizeof(b));
    assert_string_equal(a, b);
    script_open(BACKEND_VLLM, both);
    backend_params(bn->backend, b, sizeof(b));
    assert_string_equal(b, "form=1;max_tokens=500;temperature=0.100");
    backend_params(bn->backend, tiny, sizeof(tiny));
    assert_string_equal(tiny, "form=1;ma");
    script_play(NULL);
}

static void kinds_have_names(void **state)
{
    (void)state;
    static const char *const names[] = {"auto",     "ollama",       "openai",
                                        "lmstudio", "llama-server", "llama-swap",
                                        "vllm",     "sglang"};
    for (int i = 0; i < 8; i++) {
        assert_int_equal(backend_kind_by_name(names[i]), i);
        assert_string_equal(backend_kind_name((enum backend_kind)i), names[i]);
    }
    assert_int_equal(backend_kind_by_name("VLLM"), BACKEND_VLLM);
    assert_int_equal(backend_kind_by_name("nosuch"), -1);
    assert_string_equal(backend_kind_name((enum backend_kind)99), "unknown");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        BENCH_TEST(ollama_is_asked_natively),
        BENCH_TEST(openai_gets_the_picture_first_as_a_data_url),
        BENCH_TEST(kinds_differ_by_a_field),
        BENCH_TEST(a_model_that_thinks_is_told_by_all_means),
        BENCH_TEST(a_png_says_so),
        BENCH_TEST(odd_prompts_stay_valid_json),
        BENCH_TEST(a_rule_is_the_last_word),
        BENCH_TEST(a_prompt_over_the_limit_is_not_sent),
        BENCH_TEST(urls_are_taken_as_people_write_them),
        BENCH_TEST(bad_configuration_is_refused),
        BENCH_TEST(other_machines_are_remote),
        BENCH_TEST(sockets_of_the_file_system_work),
        BENCH_TEST(refused_fields_are_left_out_from_then_on),
        BENCH_TEST(a_refusal_that_stays_is_permanent),
        BENCH_TEST(words_that_only_look_like_fields_are_not),
        BENCH_TEST(ollama_loads_with_the_options_of_the_questions),
        BENCH_TEST(lmstudio_is_warmed_just_in_time),
        BENCH_TEST(llama_server_is_waited_for),
        BENCH_TEST(a_load_has_a_deadline),
        BENCH_TEST(a_router_is_told_and_polled),
        BENCH_TEST(llama_swap_is_started_by_its_health),
        BENCH_TEST(servers_with_their_model_are_verified),
        BENCH_TEST(parameters_name_what_shapes_an_answer),
        BENCH_TEST(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
