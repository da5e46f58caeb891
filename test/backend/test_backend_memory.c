// test_backend_memory.c -- where a model is, how its memory is given back, who waits.
// SPDX-License-Identifier: MIT
#include "backend_script.h"

#include <cjson/cJSON.h>

#include <stdio.h>

typedef void call_fn(struct backend *b, struct backend_call *c,
                     void (*done)(struct backend_call *c, int err));

static void on_called(struct backend_call *c, int err)
{
    struct waited *w = container_of(c, struct waited, call);
    assert_false(bn->is_inside);
    assert_int_equal(c->code, err);
    assert_int_equal(err != 0, c->err.msg[0] != 0);
    w->err = err;
    w->dones++;
    bn->dones++;
}

static void start_call(struct waited *w, call_fn *call)
{
    bn->is_inside = true;
    call(bn->backend, &w->call, on_called);
    bn->is_inside = false;
}

static struct waited called(call_fn *call)
{
    struct waited w = {0};
    start_call(&w, call);
    run_dones(1);
    return w;
}

#define V1_MODELS(instances)                                                             \
    "{\"models\":[{\"type\":\"llm\",\"key\":\"other\",\"loaded_instances\":"             \
    "[{\"id\":\"other\"}]},{\"type\":\"llm\",\"key\":\"m\","                             \
    "\"capabilities\":{\"vision\":true},\"loaded_instances\":[" instances "]}]}"
#define V0_MODELS(state)                                                                 \
    "{\"data\":[{\"id\":\"m\",\"type\":\"vlm\",\"state\":\"not-loaded\"},"               \
    "{\"id\":\"m:2\",\"type\":\"vlm\",\"state\":\"" state "\"}]}"
#define CHAT_OK                                                                          \
    "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"length\"}]}"
#define ROUTER "{\"role\":\"router\"}"
#define ROUTED(status)                                                                   \
    "{\"data\":[{\"id\":\"m\",\"status\":{" status "},"                                  \
    "\"architecture\":{\"input_modalities\":[\"text\",\"image\"]}}]}"
#define LOADING_503                                                                      \
    "503 {\"error\":{\"message\":\"Loading model\",\"type\":\"unavailable_error\","      \
    "\"code\":503}}"

// ---- verify

static const struct verify_row {
    enum backend_kind kind;
    struct line lines[4];
    int code;
    enum backend_residence residence;
} verify_rows[] = {
    {BACKEND_OLLAMA,
     {{"GET /api/ps", "{\"models\":[{\"name\":\"m\"}]}"}},
     0,
     BACKEND_RESIDENT},
    {BACKEND_OLLAMA,
     {{"GET /api/ps", "{\"models\":[{\"name\":\"m:latest\"}]}"}},
     0,
     BACKEND_RESIDENT},
    {BACKEND_OLLAMA,
     {{"GET /api/ps", "{\"models\":[{\"name\":\"n\"}]}"}},
     0,
     BACKEND_ABSENT},
    {BACKEND_OLLAMA, {{"GET /api/ps", "{\"models\":[]}"}}, 0, BACKEND_ABSENT},
    {BACKEND_OLLAMA, {{"GET /api/ps", "401 {\"error\":\"unauthorized\"}"}}, E_AUTH, 0},
    {BACKEND_OLLAMA, {{"GET /api/ps", ""}}, 0, BACKEND_LOADING},  // held back: it loads
    {BACKEND_LMSTUDIO, {{"GET /api/v1/models", V1_MODELS("")}}, 0, BACKEND_ABSENT},
    {BACKEND_LMSTUDIO,
     {{"GET /api/v1/models", V1_MODELS("{\"id\":\"m\"}")}},
     0,
     BACKEND_RESIDENT},
    {BACKEND_LMSTUDIO,
     {{"GET /api/v0/models", V0_MODELS("loaded")}},
     0,
     BACKEND_RESIDENT},
    {BACKEND_LMSTUDIO,
     {{"GET /api/v0/models", V0_MODELS("not-loaded")}},
     0,
     BACKEND_ABSENT},
    {BACKEND_LMSTUDIO, {{"POST /v1/chat/completions", CHAT_OK}}, 0, BACKEND_RESIDENT},
    {BACKEND_LMSTUDIO,
     {{"POST /v1/chat/completions", "{\"error\":\"Failed to load model \\\"m\\\". Error: "
                                    "insufficient system resources.\"}"}},
     E_MODEL_CRASH,
     0},
    {BACKEND_LLAMA_SERVER, {{"GET /health", LOADING_503}}, 0, BACKEND_LOADING},
    {BACKEND_LLAMA_SERVER, {{"GET /health", "{\"status\":\"ok\"}"}}, 0, BACKEND_RESIDENT},
    {BACKEND_LLAMA_SERVER,
     {{"GET /health", "{}"}, {"GET /props", "{\"is_sleeping\":true}"}},
     0,
     BACKEND_ASLEEP},
    {BACKEND_LLAMA_SERVER,
     {{"GET /health", "{}"}, {"GET /props", "{\"is_sleeping\":false}"}},
     0,
     BACKEND_RESIDENT},
    {BACKEND_LLAMA_SERVER,
     {{"GET /health", "{}"},
      {"GET /props", ROUTER},
      {"GET /models", ROUTED("\"value\":\"loaded\"")}},
     0,
     BACKEND_RESIDENT},
    {BACKEND_LLAMA_SERVER,
     {{"GET /health", "{}"},
      {"GET /props", ROUTER},
      {"GET /models", ROUTED("\"value\":\"loading\"")}},
     0,
     BACKEND_LOADING},
    {BACKEND_LLAMA_SERVER,
     {{"GET /health", "{}"},
      {"GET /props", ROUTER},
      {"GET /models", ROUTED("\"value\":\"sleeping\"")}},
     0,
     BACKEND_ASLEEP},
    {BACKEND_LLAMA_SERVER,
     {{"GET /health", "{}"},
      {"GET /props", ROUTER},
      {"GET /models", ROUTED("\"value\":\"unloaded\",\"failed\":true")}},
     0,
     BACKEND_ABSENT},
    {BACKEND_LLAMA_SWAP,
     {{"GET /running", "{\"running\":[{\"model\":\"m\",\"state\":\"ready\"}]}"}},
     0,
     BACKEND_RESIDENT},
    {BACKEND_LLAMA_SWAP,
     {{"GET /running", "{\"running\":[{\"model\":\"m\",\"state\":\"starting\"}]}"}},
     0,
     BACKEND_LOADING},
    {BACKEND_LLAMA_SWAP,
     {{"GET /running", "{\"running\":[{\"model\":\"n\",\"state\":\"ready\"}]}"}},
     0,
     BACKEND_ABSENT},
    {BACKEND_VLLM, {{"GET /health", "200"}}, 0, BACKEND_RESIDENT},
    {BACKEND_VLLM, {{"GET /health", "503"}}, E_MODEL_CRASH, 0},
    {BACKEND_SGLANG, {{"GET /health", "200"}}, 0, BACKEND_RESIDENT},
    {BACKEND_SGLANG, {{"GET /health", "503"}}, 0, BACKEND_LOADING},
    {BACKEND_OPENAI, {{"POST /v1/chat/completions", CHAT_OK}}, 0, BACKEND_RESIDENT},
    {BACKEND_OPENAI, {{"POST /v1/chat/completions", LOADING_503}}, 0, BACKEND_LOADING},
    {BACKEND_OPENAI,
     {{"POST /v1/chat/completions",
       "404 {\"error\":{\"message\":\"The model `m` does not "
       "exist.\"}}"}},
     E_MODEL_MISSING,
     0},
};

static void a_model_is_found_where_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(verify_rows) / sizeof(verify_rows[0]); i++) {
        const struct verify_row *row = &verify_rows[i];
        bn->config.timeouts.probe_ms = 5000;
        script_open(row->kind, row->lines);
        if (!*row->lines[0].reply) {
            bn->config.timeouts.probe_ms = 50;
            script_open(row->kind, row->lines);
        }
        struct waited w = called(backend_verify);
        if (w.err != row->code || (!w.err && w.call.residence != row->residence)) {
            fail_msg("row %zu: %s %s instead of %s %s: %s", i, err_name(w.err),
                     backend_residence_name(w.call.residence), err_name(row->code),
                     backend_residence_name(row->residence), w.call.err.msg);
        }
        if (w.err == 0) {
            assert_int_equal(backend_facts(bn->backend)->is_loaded,
                             row->residence == BACKEND_RESIDENT);
        }
    }
}

static void a_question_is_asked_only_where_nothing_else_tells(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(verify_rows) / sizeof(verify_rows[0]); i++) {
        const struct verify_row *row = &verify_rows[i];
        bool asks = strncmp(row->lines[0].request, "POST", 4) == 0;
        if (*row->lines[0].reply) {
            script_open(row->kind, row->lines);
            called(backend_verify);
            assert_int_equal(script_count("POST /v1/chat/completions"), asks);
            assert_int_equal(script_count("POST /api/generate"), 0);
        }
    }
}

static void ollama_says_until_when(void **state)
{
    (void)state;
    static const struct {
        const char *at;
        int64_t ms;
    } rows[] = {
        {"2026-11-29T10:00:00Z", 1795946400000},
        {"2026-11-29T10:00:00.123456789+01:00", 1795942800000},
        {"2026-11-29T10:00:00-00:30", 1795948200000},
        {"2318-01-01T00:00:00Z", INT64_MAX},
        {"soon", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char reply[200];
        snprintf(
            reply, sizeof(reply),
            "{\"models\":[{\"name\":\"m\",\"size\":7000000000,\"expires_at\":\"%s\"}]}",
            rows[i].at);
        const struct line lines[] = {{"GET /api/ps", reply}, {NULL, NULL}};
        script_open(BACKEND_OLLAMA, lines);
        struct waited w = called(backend_verify);
        assert_code(w.err, 0);
        assert_int_equal(w.call.expires_at_ms, rows[i].ms);
        assert_int_equal(w.call.memory_bytes, 7000000000);
    }
}

// ---- unload

static void ollama_gives_it_back(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {"POST /api/generate", "{\"done\":true,\"done_reason\":\"unload\"}"},
        {NULL, NULL}};
    script_open(BACKEND_OLLAMA, lines);
    assert_int_equal(backend_facts(bn->backend)->unload, BACKEND_UNLOAD_NOW);
    assert_true(backend_facts(bn->backend)->is_loaded);
    assert_code(called(backend_unload).err, 0);
    assert_false(backend_facts(bn->backend)->is_loaded);
    struct cJSON *body = script_body("POST /api/generate");
    char *text = cJSON_PrintUnformatted(body);
    assert_string_equal(text, "{\"model\":\"m\",\"stream\":false,\"keep_alive\":0}");
    cJSON_free(text);
    cJSON_Delete(body);
}

// Both instances of the model, and no other model.
static void lmstudio_gives_back_every_instance(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {"GET /api/v1/models", V1_MODELS("{\"id\":\"m\"},{\"id\":\"m:2\"}")},
        {"POST /api/v1/models/unload", "404 {\"error\":{\"code\":\"model_not_found\"}}"},
        {"POST /api/v1/models/unload", "{\"instance_id\":\"m:2\"}"},
        {NULL, NULL}};
    script_open(BACKEND_LMSTUDIO, lines);
    assert_code(called(backend_unload).err, 0);
    assert_int_equal(script_count("POST /api/v1/models/unload"), 2);
    struct cJSON *body = script_body("POST /api/v1/models/unload");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(body, "instance_id")),
                        "m:2");
    cJSON_Delete(body);
}

static void others_give_back_what_they_can(void **state)
{
    (void)state;
    static const struct {
        enum backend_kind kind;
        struct line lines[3];
        int code;
        const char *asked;  // NULL = nothing
    } rows[] = {
        {BACKEND_LMSTUDIO,
         {{"GET /api/v0/models", V0_MODELS("loaded")}},
         E_UNSUPPORTED,
         NULL},
        {BACKEND_LMSTUDIO,
         {{"GET /api/v1/models", "{\"error\":\"Unexpected endpoint or method.\"}"}},
         E_UNSUPPORTED,
         NULL},
        {BACKEND_LMSTUDIO, {{"GET /api/v1/models", V1_MODELS("")}}, 0, NULL},
        {BACKEND_LLAMA_SERVER, {{NULL, NULL}}, E_UNSUPPORTED, NULL},
        {BACKEND_LLAMA_SWAP,
         {{"POST /api/models/unload/m", "OK"}},
         0,
         "POST /api/models/unload/m"},
        {BACKEND_LLAMA_SWAP, {{NULL, NULL}}, E_UNSUPPORTED, "POST /api/models/unload/m"},
        {BACKEND_VLLM, {{NULL, NULL}}, E_UNSUPPORTED, NULL},
        {BACKEND_SGLANG, {{NULL, NULL}}, E_UNSUPPORTED, NULL},
        {BACKEND_OPENAI, {{NULL, NULL}}, E_UNSUPPORTED, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        script_open(rows[i].kind, rows[i].lines);
        struct waited w = called(backend_unload);
        if (w.err != rows[i].code) {
            fail_msg("row %zu: %s instead of %s: %s", i, err_name(w.err),
                     err_name(rows[i].code), w.call.err.msg);
        }
        assert_int_equal(script_count("GET /unload"), 0);
        assert_true(!rows[i].asked || script_count(rows[i].asked) == 1);
    }
}

static void open_found(enum backend_kind kind, const struct line *found,
                       const struct line *lines)
{
    script_play(found);
    bn->config.kind = kind;
    bench_open(bn->web.port);
    assert_code(probe(), 0);
    script_play(lines);
}

#define MODELS "{\"data\":[{\"id\":\"m\"}]}"

static const struct line found_router[] = {
    {"GET /v1/models", ROUTED("\"value\":\"unloaded\"")},
    {"GET /props", ROUTER},
    {NULL, NULL}};

static void a_router_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        int code;
    } rows[] = {
        {"{\"success\":true}", 0},
        {"400 {\"error\":{\"code\":400,\"message\":\"model is not running\"}}", 0},
        {"500 {\"error\":{\"code\":500,\"message\":\"proxy error: x\"}}", E_SERVER},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct line lines[] = {{"POST /models/unload", rows[i].reply},
                                     {NULL, NULL}};
        open_found(BACKEND_LLAMA_SERVER, found_router, lines);
        assert_int_equal(backend_facts(bn->backend)->unload, BACKEND_UNLOAD_NOW);
        assert_code(called(backend_unload).err, rows[i].code);
        assert_int_equal(script_count("POST /models/unload"), 1);
    }
}

static const struct line found_sleeper[] = {
    {"GET /v1/models", MODELS},
    {"GET /is_sleeping", "{\"is_sleeping\":false}"},
    {NULL, NULL}};

#define BUSY(n)                                                                          \
    "200 vllm:num_requests_running{model_name=\"m\"} " n                                 \
    "\nvllm:num_requests_waiting{model_name=\"m\"} 0\n"

static void vllm_sleeps_when_nobody_is_answered(void **state)
{
    (void)state;
    static const struct line idle[] = {
        {"GET /metrics", BUSY("0.0")}, {"POST /sleep?level=1", "200"}, {NULL, NULL}};
    static const struct line busy[] = {{"GET /metrics", BUSY("2.0")}, {NULL, NULL}};
    open_found(BACKEND_VLLM, found_sleeper, idle);
    assert_int_equal(backend_facts(bn->backend)->unload, BACKEND_UNLOAD_SLEEP);
    assert_code(called(backend_unload).err, 0);
    assert_int_equal(script_count("POST /sleep?level=1"), 1);
    open_found(BACKEND_VLLM, found_sleeper, busy);
    assert_code(called(backend_unload).err, E_BUSY);
    assert_int_equal(script_count("POST /sleep?level=1"), 0);
    assert_true(backend_facts(bn->backend)->is_loaded);
}

static void vllm_is_woken_by_a_load(void **state)
{
    (void)state;
    static const struct line lines[] = {{"GET /is_sleeping", "{\"is_sleeping\":true}"},
                                        {"POST /wake_up", "200"},
                                        {"GET /health", "200"},
                                        {"GET /v1/models", MODELS},
                                        {NULL, NULL}};
    open_found(BACKEND_VLLM, found_sleeper, lines);
    struct waited w = called(backend_verify);
    assert_code(w.err, 0);
    assert_int_equal(w.call.residence, BACKEND_ASLEEP);
    assert_code(load(), 0);
    assert_int_equal(script_count("POST /wake_up"), 1);
}

// ---- feedback

static const struct feedback_row {
    enum backend_kind kind;
    struct line lines[4];
    int code;
    struct backend_feedback told;
} feedback_rows[] = {
    {BACKEND_LLAMA_SERVER,
     {{"GET /metrics",
       "200 llamacpp:requests_processing 3\nllamacpp:requests_deferred 2\n"}},
     0,
     {3, 2, -1, -1}},
    {BACKEND_LLAMA_SERVER,
     {{"GET /metrics", "501 {\"error\":{\"code\":501,\"type\":\"not_supported_error\"}}"},
      {"GET /slots",
       "[{\"id\":0,\"is_processing\":true},{\"id\":1,\"is_processing\":false}]"}},
     0,
     {1, -1, 2, -1}},
    {BACKEND_LLAMA_SERVER,
     {{"GET /metrics", "501 {}"}, {"GET /slots", "501 {}"}},
     E_UNSUPPORTED,
     {-1, -1, -1, -1}},
    {BACKEND_LLAMA_SWAP,
     {{"GET /running", "{\"running\":[]}"}, {"GET /upstream/m/metrics", "200 x"}},
     0,
     {0, -1, -1, -1}},
    {BACKEND_LLAMA_SWAP,
     {{"GET /running", "{\"running\":[{\"model\":\"m\",\"state\":\"ready\"}]}"},
      {"GET /upstream/m/metrics", "200 llamacpp:requests_processing 1\n"}},
     0,
     {1, -1, -1, -1}},
    {BACKEND_VLLM,
     {{"GET /metrics",
       "200 vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 5.0\n"
       "vllm:num_requests_running{engine=\"1\",model_name=\"m\"} 4.0\n"
       "vllm:num_requests_waiting{engine=\"0\",model_name=\"m\"} 7.0\n"
       "vllm:kv_cache_usage_perc{engine=\"0\",model_name=\"m\"} 0.25\n"
       "vllm:kv_cache_usage_perc{engine=\"1\",model_name=\"m\"} 0.5\n"}},
     0,
     {9, 7, -1, 0.5}},
    {BACKEND_VLLM,
     {{"GET /metrics",
       "200 vllm:num_requests_running 1.0\nvllm:gpu_cache_usage_perc 0.1\n"}},
     0,
     {1, -1, -1, 0.1}},
    {BACKEND_VLLM, {{NULL, NULL}}, E_UNSUPPORTED, {-1, -1, -1, -1}},
    {BACKEND_SGLANG,
     {{"GET /metrics", "200 sglang:num_running_reqs 2.0\nsglang:num_queue_reqs 1.0\n"
                       "sglang:token_usage 0.75\n"}},
     0,
     {2, 1, -1, 0.75}},
    {BACKEND_SGLANG,
     {{"GET /get_load", "[{\"dp_rank\":0,\"num_reqs\":5,\"num_waiting_reqs\":2},"
                        "{\"dp_rank\":1,\"num_reqs\":1,\"num_waiting_reqs\":0}]"}},
     0,
     {4, 2, -1, -1}},
    {BACKEND_SGLANG, {{NULL, NULL}}, E_UNSUPPORTED, {-1, -1, -1, -1}},
    {BACKEND_OLLAMA, {{NULL, NULL}}, E_UNSUPPORTED, {-1, -1, -1, -1}},
    {BACKEND_LMSTUDIO, {{NULL, NULL}}, E_UNSUPPORTED, {-1, -1, -1, -1}},
    {BACKEND_OPENAI, {{NULL, NULL}}, E_UNSUPPORTED, {-1, -1, -1, -1}},
};

static void queues_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(feedback_rows) / sizeof(feedback_rows[0]); i++) {
        const struct feedback_row *row = &feedback_rows[i];
        script_open(row->kind, row->lines);
        struct waited w = called(backend_feedback_ask);
        const struct backend_feedback *f = &w.call.feedback;
        if (w.err != row->code || f->running != row->told.running ||
            f->waiting != row->told.waiting || f->slots != row->told.slots) {
            fail_msg("row %zu: %s %d %d %d: %s", i, err_name(w.err), f->running,
                     f->waiting, f->slots, w.call.err.msg);
        }
        assert_float_equal(f->kv_share, row->told.kv_share, 1e-9);
    }
}

// A question to a model that does not run would start it.
static void llama_swap_is_not_made_to_start_a_model(void **state)
{
    (void)state;
    static const struct line lines[] = {{"GET /running", "{\"running\":[]}"},
                                        {NULL, NULL}};
    script_open(BACKEND_LLAMA_SWAP, lines);
    assert_code(called(backend_verify).err, 0);
    assert_code(called(backend_feedback_ask).err, 0);
    assert_int_equal(script_count("GET /upstream/m/metrics"), 0);
    assert_int_equal(script_count("GET /upstream/m/health"), 0);
}

static void a_router_is_asked_about_the_model(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {"GET /metrics?model=m", "200 llamacpp:requests_processing 3\n"}, {NULL, NULL}};
    open_found(BACKEND_LLAMA_SERVER, found_router, lines);
    struct waited w = called(backend_feedback_ask);
    assert_code(w.err, 0);
    assert_int_equal(w.call.feedback.running, 3);
}

// ---- calls

static void calls_of_different_kinds_run_together(void **state)
{
    (void)state;
    static const struct line lines[] = {{"GET /health", "200"},
                                        {"GET /metrics", BUSY("1")},
                                        {"GET /v1/models", MODELS},
                                        {NULL, NULL}};
    struct waited w[4];
    memset(w, 0, sizeof(w));
    script_open(BACKEND_VLLM, lines);
    start_call(&w[0], backend_verify);
    start_call(&w[1], backend_feedback_ask);
    start_probe(&w[2]);
    start_load(&w[3]);
    run_dones(4);
    for (int i = 0; i < 4; i++) {
        assert_code(w[i].err, 0);
    }
}

static void calls_can_be_cancelled(void **state)
{
    (void)state;
    static call_fn *const calls[] = {backend_verify, backend_unload,
                                     backend_feedback_ask};
    static const struct line lines[] = {
        {"GET /health", ""}, {"GET /metrics", ""}, {NULL, NULL}};
    for (size_t i = 0; i < 3; i++) {
        struct waited w = {0};
        open_found(BACKEND_VLLM, found_sleeper, lines);
        start_call(&w, calls[i]);
        backend_cancel(bn->backend, &w.call);
        run_dones(1);
        assert_code(w.err, E_CANCELED);
    }
}

static void nothing_is_known_of_a_server_that_was_not_found(void **state)
{
    (void)state;
    bn->config.kind = BACKEND_AUTO;
    bench_open(1);
    assert_code(called(backend_verify).err, E_MODEL_MISSING);
    assert_code(called(backend_unload).err, E_MODEL_MISSING);
    assert_code(called(backend_feedback_ask).err, E_MODEL_MISSING);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        BENCH_TEST(a_model_is_found_where_it_is),
        BENCH_TEST(a_question_is_asked_only_where_nothing_else_tells),
        BENCH_TEST(ollama_says_until_when),
        BENCH_TEST(ollama_gives_it_back),
        BENCH_TEST(lmstudio_gives_back_every_instance),
        BENCH_TEST(others_give_back_what_they_can),
        BENCH_TEST(a_router_is_told),
        BENCH_TEST(vllm_sleeps_when_nobody_is_answered),
        BENCH_TEST(vllm_is_woken_by_a_load),
        BENCH_TEST(queues_are_told),
        BENCH_TEST(llama_swap_is_not_made_to_start_a_model),
        BENCH_TEST(a_router_is_asked_about_the_model),
        BENCH_TEST(calls_of_different_kinds_run_together),
        BENCH_TEST(calls_can_be_cancelled),
        BENCH_TEST(nothing_is_known_of_a_server_that_was_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
