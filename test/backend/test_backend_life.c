// test_backend_life.c -- calls that are cancelled, time out, outlive their caller or meet the
// end of the program.
// SPDX-License-Identifier: MIT
#include "backend_script.h"

#define J    "{\\\"summary\\\":\\\"s\\\"}"
#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"
#define SAID_ALL                                                                         \
    HEAD "data: {\"choices\":[{\"delta\":{\"content\":\"" J                              \
         "\"},\"finish_reason\":\"stop\"}]}"                                             \
         "\n\n"

static bool has_silent(void)
{
    return script_silent() != NULL;
}

static bool has_lost(void)
{
    return bn->web.lost > 0;
}

static void ask_scripted(struct waited *w, const char *reply)
{
    static struct line lines[2];
    lines[0] = (struct line){"POST /v1/chat/completions", reply};
    script_open(BACKEND_OPENAI, lines);
    start_ask(w, tiny_jpeg, sizeof(tiny_jpeg), 768, 432);
}

// PROTOCOLS.md 13.11: the finish chunk comes, then neither [DONE] nor the end.
static void a_server_that_said_all_need_not_close(void **state)
{
    (void)state;
    struct waited w = {0};
    ask_scripted(&w, SAID_ALL);
    run_dones(1);
    assert_code(w.err, 0);
    assert_string_equal(w.ask.answer.summary, "s");
    // well before the stall time of a minute
    assert_in_range(w.ask.request_ms, 1500, 4000);
    waited_free(&w);
}

static void a_stall_after_the_reason_is_an_answer(void **state)
{
    (void)state;
    struct waited w = {0};
    bn->config.timeouts.stall_ms = 50;
    ask_scripted(&w, SAID_ALL);
    run_dones(1);
    assert_code(w.err, 0);
    waited_free(&w);
}

static void cut_json_after_the_reason_is_not(void **state)
{
    (void)state;
    struct waited w = {0};
    bn->config.timeouts.stall_ms = 50;
    ask_scripted(&w,
                 HEAD "data: {\"choices\":[{\"delta\":{\"content\":\"{\\\"summary\\\":"
                      "\\\"cu\"},\"finish_reason\":\"stop\"}]}\n\n");
    run_dones(1);
    assert_code(w.err, E_UNFINISHED);
    waited_free(&w);
}

// An error in the stream ends the question, even when the server stays.
static void an_error_is_not_waited_out(void **state)
{
    (void)state;
    struct waited w = {0};
    ask_scripted(&w, HEAD "data: {\"error\":{\"message\":\"out of memory\"}}\n\n");
    run_dones(1);
    assert_code(w.err, E_MODEL_CRASH);
    assert_true(w.ask.request_ms < 1500);
    waited_free(&w);
}

static void timeouts_have_their_names(void **state)
{
    (void)state;
    struct waited w = {0};
    bn->config.timeouts.first_byte_ms = 40;
    ask_scripted(&w, "");
    run_dones(1);
    assert_code(w.err, E_FIRST_BYTE);
    waited_free(&w);
    bn->config.timeouts.first_byte_ms = 5000;
    bn->config.timeouts.stall_ms = 40;
    ask_scripted(&w, HEAD "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n");
    run_dones(1);
    assert_code(w.err, E_STALL);
    waited_free(&w);
    bn->config.timeouts.stall_ms = 5000;
    bn->config.timeouts.total_ms = 60;
    ask_scripted(&w, HEAD "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n");
    run_dones(1);
    assert_code(w.err, E_TOTAL);
    waited_free(&w);
}

// The question's own deadline counts where it is the nearer one, and has its own name.
static void a_question_may_have_a_deadline(void **state)
{
    (void)state;
    static const struct {
        int total_ms, deadline_ms, err;
    } rows[] = {{5000, 60, E_DEADLINE}, {60, 5000, E_TOTAL}, {60, 0, E_TOTAL}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct waited w = {.ask.deadline_ms = rows[i].deadline_ms};
        bn->config.timeouts.total_ms = rows[i].total_ms;
        ask_scripted(&w,
                     HEAD "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n");
        run_dones(1);
        assert_code(w.err, rows[i].err);
        waited_free(&w);
    }
}

// ---- cancelling a question

static void cancel(struct waited *w)
{
    bn->is_inside = true;
    backend_ask_cancel(bn->backend, &w->ask);
    bn->is_inside = false;
}

static void a_question_can_be_cancelled(void **state)
{
    (void)state;
    struct waited w = {0};
    ask_scripted(&w, "");
    cancel(&w);  // before anything was sent
    run_dones(1);
    assert_code(w.err, E_CANCELED);
    waited_free(&w);
    ask_scripted(&w, "");
    run_until(has_silent);
    cancel(&w);
    cancel(&w);
    run_dones(1);
    assert_code(w.err, E_CANCELED);
    assert_int_equal(w.dones, 2);
    waited_free(&w);
}

// Said all and waiting for the end: the caller's word counts.
static void a_question_can_be_cancelled_at_its_end(void **state)
{
    (void)state;
    struct waited w = {0};
    ask_scripted(&w, SAID_ALL);
    int before = bn->web.requests;
    while (bn->web.requests == before) {
        uv_run(&bn->loop.uv, UV_RUN_ONCE);
    }
    for (int i = 0; i < 5; i++) {
        uv_run(&bn->loop.uv, UV_RUN_NOWAIT);
    }
    assert_int_equal(w.dones, 0);  // in its grace
    cancel(&w);
    run_dones(1);
    assert_code(w.err, E_CANCELED);
    waited_free(&w);
}

static void a_question_before_any_probe_has_no_model(void **state)
{
    (void)state;
    struct waited w = {0};
    bench_open(bn->web.port);
    start_ask(&w, tiny_jpeg, sizeof(tiny_jpeg), 768, 432);
    assert_int_equal(w.dones, 0);
    cancel(&w);  // too late, harmless
    run_dones(1);
    assert_code(w.err, E_MODEL_MISSING);
    waited_free(&w);
}

static struct waited again;

static void ask_again(struct waited *w)
{
    waited_free(w);
    start_ask(&again, tiny_jpeg, sizeof(tiny_jpeg), 768, 432);
}

static void done_may_ask_again(void **state)
{
    (void)state;
    struct waited w = {.then = ask_again};
    again = (struct waited){0};
    ask_scripted(&w, "400 {\"error\":\"bad\"}");
    run_dones(2);
    assert_code(again.err, E_BAD_REQUEST);
    waited_free(&again);
}

// ---- cancelling probes and loads

static void cancel_call(struct waited *w)
{
    bn->is_inside = true;
    backend_cancel(bn->backend, &w->call);
    bn->is_inside = false;
}

static void a_probe_can_be_cancelled(void **state)
{
    (void)state;
    static const struct line lines[] = {{"GET /api/version", ""}, {NULL, NULL}};
    struct waited w = {0};
    script_play(lines);
    bench_open(bn->web.port);
    start_probe(&w);
    run_until(has_silent);
    cancel_call(&w);
    run_dones(1);
    assert_code(w.err, E_CANCELED);
    script_play(NULL);
    assert_code(probe(), E_GARBAGE);  // and another one begun
}

static const struct line slow_load[] = {{"POST /api/generate", ""}, {NULL, NULL}};

static void a_cancelled_load_goes_on_and_can_be_joined(void **state)
{
    (void)state;
    struct waited w = {0};
    struct waited second = {0};
    script_open(BACKEND_OLLAMA, slow_load);
    start_load(&w);
    run_until(has_silent);
    cancel_call(&w);
    assert_int_equal(w.dones, 0);
    run_dones(1);
    assert_code(w.err, E_CANCELED);
    assert_int_equal(bn->web.lost, 0);  // the server still loads
    start_load(&second);
    assert_int_equal(script_count("POST /api/generate"), 1);
    web_reply(script_silent(), "{\"done\":true,\"done_reason\":\"load\"}");
    run_dones(1);
    assert_code(second.err, 0);
    assert_true(backend_facts(bn->backend)->is_loaded);
    script_play(NULL);
}

static bool has_loaded(void)
{
    return backend_facts(bn->backend)->is_loaded;
}

static void a_cancelled_load_that_nobody_joins_counts_too(void **state)
{
    (void)state;
    static const struct line facts[] = {
        {"GET /api/version", "{\"version\":\"0.33.0\"}"},
        {"GET /api/tags",
         "{\"models\":[{\"name\":\"m\",\"capabilities\":[\"vision\"]}]}"},
        {"GET /api/ps", "{}"},
        {"POST /api/generate", ""},
        {NULL, NULL}};
    struct waited w = {0};
    script_play(facts);
    bn->config.kind = BACKEND_OLLAMA;
    bench_open(bn->web.port);
    assert_code(probe(), 0);
    assert_false(has_loaded());
    start_load(&w);
    run_until(has_silent);
    cancel_call(&w);
    run_dones(1);
    web_reply(script_silent(), "{\"done\":true,\"done_reason\":\"load\"}");
    run_until(has_loaded);
    script_play(NULL);
}

static bool has_asked_list(void)
{
    return script_count("GET /api/v1/models") > 0;
}

// Cancelled before the loading itself began: it must not begin afterwards.
static void a_cancelled_load_begins_nothing_new(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {"GET /api/v1/models", ""}, {"GET /api/v1/models", "404"}, {NULL, NULL}};
    struct waited w = {0};
    struct waited next = {0};
    script_open(BACKEND_LMSTUDIO, lines);
    start_load(&w);
    run_until(has_asked_list);
    cancel_call(&w);
    run_dones(1);
    assert_code(w.err, E_CANCELED);
    web_reply(script_silent(),
              "{\"models\":[{\"type\":\"llm\",\"key\":\"m\",\"loaded_instances\":[]}]}");
    start_probe(&next);  // gives the reply its turn
    run_dones(1);
    assert_int_equal(script_count("POST /v1/chat/completions"), 0);
    script_play(NULL);
}

static void a_backend_may_go_while_the_server_loads(void **state)
{
    (void)state;
    struct waited w = {0};
    script_open(BACKEND_OLLAMA, slow_load);
    start_load(&w);
    run_until(has_silent);
    cancel_call(&w);
    run_dones(1);
    bench_close_backend();
    run_until(has_lost);  // now it is really cancelled
    script_play(NULL);
}

static void a_poll_is_cancelled_at_once(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {"GET /health", "503 {\"error\":{\"message\":\"Loading model\"}}"}, {NULL, NULL}};
    struct waited w = {0};
    script_open(BACKEND_LLAMA_SERVER, lines);
    start_load(&w);
    while (script_count("GET /health") == 0) {
        uv_run(&bn->loop.uv, UV_RUN_ONCE);
    }
    for (int i = 0; i < 5; i++) {
        uv_run(&bn->loop.uv, UV_RUN_NOWAIT);  // the reply is read, the poll timer runs
    }
    cancel_call(&w);
    run_dones(1);
    assert_code(w.err, E_CANCELED);
    assert_int_equal(script_count("GET /health"), 1);
    script_play(NULL);
}

static void a_load_of_a_server_that_minds_nothing_is_cut(void **state)
{
    (void)state;
    static const struct line lines[] = {{"GET /v1/models", ""}, {NULL, NULL}};
    struct waited w = {0};
    script_open(BACKEND_VLLM, lines);
    start_load(&w);
    run_until(has_silent);
    cancel_call(&w);
    run_dones(1);
    assert_code(w.err, E_CANCELED);
    run_until(has_lost);
    script_play(NULL);
}

static void a_call_that_has_ended_can_be_cancelled(void **state)
{
    (void)state;
    struct waited w = {0};
    bench_open(bn->web.port);
    start_load(&w);  // nothing is known: ends at once
    cancel_call(&w);
    run_dones(1);
    assert_code(w.err, E_MODEL_MISSING);
    cancel_call(&w);
    assert_int_equal(w.dones, 1);
}

// ---- the end of the HTTP client

static void closing_http_ends_everything(void **state)
{
    (void)state;
    static const struct line lines[] = {{"POST /api/chat", ""},
                                        {"POST /api/generate", ""},
                                        {"GET /api/version", ""},
                                        {NULL, NULL}};
    struct waited w[3];
    memset(w, 0, sizeof(w));
    script_open(BACKEND_OLLAMA, lines);
    start_ask(&w[0], tiny_jpeg, sizeof(tiny_jpeg), 768, 432);
    start_load(&w[1]);
    start_probe(&w[2]);
    run_until(has_silent);
    bench_close_http();
    run_dones(3);
    for (int i = 0; i < 3; i++) {
        assert_code(w[i].err, E_CANCELED);
        waited_free(&w[i]);
    }
    script_play(NULL);
}

static void nothing_can_be_sent_when_http_closes(void **state)
{
    (void)state;
    struct waited w[3];
    memset(w, 0, sizeof(w));
    script_open(BACKEND_OLLAMA, NULL);
    bench_close_http();
    start_ask(&w[0], tiny_jpeg, sizeof(tiny_jpeg), 768, 432);
    start_load(&w[1]);
    start_probe(&w[2]);
    run_dones(3);
    for (int i = 0; i < 3; i++) {
        assert_code(w[i].err, E_CANCELED);
        waited_free(&w[i]);
    }
    script_play(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        BENCH_TEST(a_server_that_said_all_need_not_close),
        BENCH_TEST(a_stall_after_the_reason_is_an_answer),
        BENCH_TEST(cut_json_after_the_reason_is_not),
        BENCH_TEST(an_error_is_not_waited_out),
        BENCH_TEST(timeouts_have_their_names),
        BENCH_TEST(a_question_may_have_a_deadline),
        BENCH_TEST(a_question_can_be_cancelled),
        BENCH_TEST(a_question_can_be_cancelled_at_its_end),
        BENCH_TEST(a_question_before_any_probe_has_no_model),
        BENCH_TEST(done_may_ask_again),
        BENCH_TEST(a_probe_can_be_cancelled),
        BENCH_TEST(a_cancelled_load_goes_on_and_can_be_joined),
        BENCH_TEST(a_cancelled_load_that_nobody_joins_counts_too),
        BENCH_TEST(a_cancelled_load_begins_nothing_new),
        BENCH_TEST(a_backend_may_go_while_the_server_loads),
        BENCH_TEST(a_poll_is_cancelled_at_once),
        BENCH_TEST(a_load_of_a_server_that_minds_nothing_is_cut),
        BENCH_TEST(a_call_that_has_ended_can_be_cancelled),
        BENCH_TEST(closing_http_ends_everything),
        BENCH_TEST(nothing_can_be_sent_when_http_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
