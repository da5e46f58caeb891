// test_backend_services.c -- what known services want otherwise, and what they say it cost.
// SPDX-License-Identifier: MIT
#include "backend_script.h"

#include "backend/service.h"
#include "base/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#define CHAT   "POST /v1/chat/completions"
#define MODELS "{\"data\":[{\"id\":\"%s\"}]}"
#define DELTA                                                                            \
    "data: {\"choices\":[{\"delta\":{\"content\":\"{\\\"summary\\\":\\\"s\\\"}\"},"      \
    "\"finish_reason\":\"stop\"}]}\n\n"
#define GOOD DELTA "data: [DONE]\n\n"
#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"

static void services_are_known_by_their_address(void **state)
{
    (void)state;
    static const struct {
        const char *name, *url, *expected;
    } rows[] = {
        {"auto", "https://api.openai.com/v1", "openai"},
        {"auto", "https://API.OpenAI.com:443", "openai"},
        {"auto", "https://eu.api.openai.com", "openai"},
        {"auto", "https://openrouter.ai/api", "openrouter"},
        {"auto", "http://127.0.0.1:8000", "none"},
        {"auto", "https://notopenrouter.ai", "none"},
        {"auto", "https://openrouter.ai.example.com", "none"},
        {"auto", "https://example.com/openrouter.ai", "none"},
        {"", "https://openrouter.ai/api", "openrouter"},
        {"none", "https://openrouter.ai/api", "none"},
        {"litellm", "https://llm.example.com", "litellm"},
        {"openai", "https://llm.example.com", "openai"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(service_of(rows[i].name, rows[i].url)->name,
                            rows[i].expected);
    }
}

static void thinking_models_are_known_by_their_names(void **state)
{
    (void)state;
    assert_true(service_model_thinks("o3"));
    assert_true(service_model_thinks("o4-mini"));
    assert_true(service_model_thinks("gpt-5-mini"));
    assert_true(service_model_thinks("openai/gpt-5.1"));
    assert_false(service_model_thinks("gpt-5-chat-latest"));
    assert_false(service_model_thinks("gpt-4o"));
    assert_false(service_model_thinks("qwen/qwen3-vl"));
    assert_false(service_model_thinks("omni"));
    assert_false(service_model_thinks(""));
}

static void open_service(const char *service, const char *model, const char *reply)
{
    static char models[200];
    static struct line lines[3];
    snprintf(models, sizeof(models), MODELS, model);
    lines[0] = (struct line){"GET /v1/models", models};
    lines[1] = (struct line){CHAT, reply};
    script_play(lines);
    bn->config.kind = BACKEND_OPENAI;
    bn->config.service = service;
    bench_open(bn->web.port);
    assert_code(probe(), 0);
    assert_string_equal(backend_facts(bn->backend)->service, service);
}

static void ask(struct waited *w)
{
    start_ask(w, tiny_jpeg, sizeof(tiny_jpeg), 768, 432);
    run_dones(1);
}

static void each_is_sent_what_it_knows(void **state)
{
    (void)state;
    static const struct {
        const char *service, *model;
        const char *has[6], *lacks[8];
    } rows[] = {
        {"none",
         "m",
         {"max_tokens", "temperature", "seed", "stream_options"},
         {"max_completion_tokens", "reasoning", "reasoning_effort", "usage",
          "chat_template_kwargs", "ttl"}},
        {"openai",
         "gpt-4o",
         {"max_completion_tokens", "temperature", "seed", "stream_options"},
         {"max_tokens", "reasoning_effort", "reasoning", "usage",
          "chat_template_kwargs"}},
        {"openai",
         "gpt-5-mini",
         {"max_completion_tokens", "reasoning_effort", "seed"},
         {"max_tokens", "temperature", "reasoning", "usage"}},
        {"openrouter",
         "qwen/qwen3-vl",
         {"max_tokens", "temperature", "reasoning", "usage"},
         {"max_completion_tokens", "reasoning_effort", "chat_template_kwargs"}},
        {"litellm",
         "m",
         {"max_tokens", "temperature", "stream_options"},
         {"chat_template_kwargs", "reasoning", "usage", "reasoning_effort"}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct waited w = {0};
        open_service(rows[i].service, rows[i].model, GOOD);
        ask(&w);
        assert_code(w.err, 0);
        cJSON *body = script_body(CHAT);
        for (int k = 0; k < 6 && rows[i].has[k]; k++) {
            if (!json_get(body, rows[i].has[k])) {
                fail_msg("row %zu: no %s", i, rows[i].has[k]);
            }
        }
        for (int k = 0; k < 8 && rows[i].lacks[k]; k++) {
            if (json_get(body, rows[i].lacks[k])) {
                fail_msg("row %zu: %s", i, rows[i].lacks[k]);
            }
        }
        const cJSON *user = cJSON_GetArrayItem(json_get(body, "messages"), 1);
        const cJSON *part = cJSON_GetArrayItem(json_get(user, "content"), 0);
        const char *detail = json_get_str(json_get(part, "image_url"), "detail");
        assert_int_equal(detail != NULL, strcmp(rows[i].service, "openai") == 0);
        json_free(body);
        waited_free(&w);
    }
}

// A service that refuses what its row says is believed, too.
static void a_row_may_be_wrong(void **state)
{
    (void)state;
    struct waited w = {0};
    open_service("openai", "o9",
                 "400 {\"error\":{\"message\":\"Unsupported value: "
                 "'reasoning_effort' does not support 'low'\"}}");
    ask(&w);
    assert_code(w.err, E_SERVER);
    static const struct line lines[] = {{CHAT, GOOD}, {NULL, NULL}};
    script_play(lines);
    ask(&w);
    assert_code(w.err, 0);
    cJSON *body = script_body(CHAT);
    assert_null(json_get(body, "reasoning_effort"));
    json_free(body);
    waited_free(&w);
}

static void on_verified(struct backend_call *c, int err)
{
    assert_code(err, 0);
    assert_int_equal(c->code, 0);
    bn->dones++;
}

static void a_paid_model_is_not_asked_whether_it_is_there(void **state)
{
    (void)state;
    static const char *const names[] = {"openai", "openrouter", "litellm"};
    for (size_t i = 0; i < 3; i++) {
        open_service(names[i], "m", GOOD);
        assert_code(load(), 0);
        struct waited w = {0};
        backend_verify(bn->backend, &w.call, on_verified);
        run_dones(1);
        assert_int_equal(w.call.residence, BACKEND_RESIDENT);
        assert_int_equal(script_count(CHAT), 0);
    }
}

static void money_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        int64_t nano;
    } rows[] = {
        {GOOD, -1},
        {DELTA
         "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":500,\"completion_tokens\":9,"
         "\"cost\":0.00014}}\n\ndata: [DONE]\n\n",
         140000},
        {DELTA "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":500,\"cost\":0}}\n\n"
               "data: [DONE]\n\n",
         0},
        {DELTA
         "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":500,\"cost\":\"1\"}}\n\n"
         "data: [DONE]\n\n",
         -1},
        {HEAD "x-litellm-response-cost: 1.25e-05\r\n\r\n" GOOD, 12500},
        {HEAD "x-litellm-response-cost: None\r\n\r\n" GOOD, -1},
        {HEAD "x-litellm-response-cost: -3\r\n\r\n" GOOD, -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct waited w = {0};
        open_service("litellm", "m", rows[i].reply);
        ask(&w);
        assert_code(w.err, 0);
        if (w.ask.cost_nano != rows[i].nano) {
            fail_msg("row %zu: %lld", i, (long long)w.ask.cost_nano);
        }
        waited_free(&w);
    }
}

#define USED                                                                             \
    DELTA                                                                                \
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":700,\"completion_tokens\":"  \
        "100}}\n\ndata: [DONE]\n\n"

static void the_nearer_limit_counts(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int64_t remaining, reset_ms;
    } rows[] = {
        {"", -1, -1},
        {"x-ratelimit-remaining-requests: 9\r\nx-ratelimit-reset-requests: 2s\r\n", 9,
         2000},
        {"x-ratelimit-remaining-requests: 9\r\nx-ratelimit-reset-requests: 2s\r\n"
         "x-ratelimit-remaining-tokens: 800\r\nx-ratelimit-reset-tokens: 6m0s\r\n",
         9, 2000},
        {"x-ratelimit-remaining-requests: 9\r\nx-ratelimit-reset-requests: 2s\r\n"
         "x-ratelimit-remaining-tokens: 799\r\nx-ratelimit-reset-tokens: 6m0s\r\n",
         0, 360000},
        {"x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 9s\r\n"
         "x-ratelimit-remaining-tokens: 1\r\nx-ratelimit-reset-tokens: 3s\r\n",
         0, 9000},
        {"x-ratelimit-remaining-tokens: 5\r\nx-ratelimit-reset-tokens: 20ms\r\n", 0, 20},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char reply[900];
        snprintf(reply, sizeof(reply), HEAD "%s\r\n%s", rows[i].headers, USED);
        struct waited w = {0};
        open_service("openai", "gpt-4o", reply);
        ask(&w);
        assert_code(w.err, 0);
        if (w.ask.rate_remaining != rows[i].remaining ||
            w.ask.rate_reset_ms != rows[i].reset_ms) {
            fail_msg("row %zu: %lld in %lld ms", i, (long long)w.ask.rate_remaining,
                     (long long)w.ask.rate_reset_ms);
        }
        waited_free(&w);
    }
}

// LiteLLM is known by what only it says.
static void litellm_is_found_by_its_shape(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {"GET /v1/models", "{\"data\":[{\"id\":\"m\"}]}"},
        {"GET /model/info", "{\"data\":[{\"model_name\":\"m\",\"litellm_params\":{},"
                            "\"model_info\":{\"supports_vision\":true}}]}"},
        {NULL, NULL}};
    script_play(lines);
    bn->config.kind = BACKEND_AUTO;
    bench_open(bn->web.port);
    assert_code(probe(), 0);
    assert_string_equal(backend_facts(bn->backend)->service, "litellm");
    assert_true(backend_facts(bn->backend)->is_vision_sure);
    // its /health sends real questions to every model: never asked
    assert_int_equal(script_count("GET /health"), 0);
    bn->config.service = "none";
    bench_open(bn->web.port);
    assert_code(probe(), 0);
    assert_string_equal(backend_facts(bn->backend)->service, "none");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_are_known_by_their_address),
        cmocka_unit_test(thinking_models_are_known_by_their_names),
        BENCH_TEST(each_is_sent_what_it_knows),
        BENCH_TEST(a_row_may_be_wrong),
        BENCH_TEST(a_paid_model_is_not_asked_whether_it_is_there),
        BENCH_TEST(money_is_told),
        BENCH_TEST(the_nearer_limit_counts),
        BENCH_TEST(litellm_is_found_by_its_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
