// test_backend_replies.c -- what servers answer: streams and their ends.
//
// Source: PROTOCOLS.md 1.3, 2.2, 2.4, 3.2, 4 to 6; 13 holds what real servers said.
// SPDX-License-Identifier: MIT
#include "backend_script.h"

#include <stdio.h>

#define J "{\\\"summary\\\":\\\"s\\\"}"
#define ROLE                                                                             \
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n"
#define TEXT(t) "data: {\"choices\":[{\"delta\":{\"content\":\"" t "\"}}]}\n\n"
#define FINISH(reason)                                                                   \
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"" reason "\"}]}\n\n"
#define USAGE(p, c)                                                                      \
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":" #p                             \
    ",\"completion_tokens\":" #c "}}\n\n"
#define DONE "data: [DONE]\n\n"
#define WHOLE(message, reason)                                                           \
    "{\"choices\":[{\"message\":" message ",\"finish_reason\":\"" reason "\"}],"         \
    "\"usage\":{\"prompt_tokens\":400,\"completion_tokens\":9}}"

struct row {
    const char *reply;
    int expected;
    int prompt, completion;  // 0 = -1 is expected
    const char *finish;      // NULL = do not look
};

static const struct row sse[] = {
    // whole answers
    {ROLE TEXT(J) FINISH("stop") USAGE(400, 9) DONE, 0, 400, 9, "stop"},
    {ROLE TEXT(J) FINISH("stop") DONE, 0, 0, 0, "stop"},
    {": OPENROUTER PROCESSING\n\n" TEXT(J) ": ping\n\n" FINISH("stop") DONE, 0, 0, 0,
     "stop"},
    {TEXT("{\\\"summary\\\"") TEXT(":") TEXT("\\\"s\\\"}") FINISH("stop") DONE, 0, 0, 0,
     NULL},
    {"data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"" J
     "\"}]}}]}\n\n" FINISH("stop") DONE,
     0, 0, 0, NULL},
    {"data: "
     "{\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\",\"reasoning\":\"hm\"}}]}"
     "\n\n" TEXT(J) FINISH("stop") DONE,
     0, 0, 0, NULL},
    {"data: {\"choices\":[{\"delta\":{\"content\":\"" J "\"},\"finish_reason\":null}],"
     "\"usage\":null,\"error\":null}\n\n" FINISH("stop") DONE,
     0, 0, 0, NULL},
    {TEXT(J) FINISH("stop") USAGE(4.0e2, 9.0) DONE, 0, 400, 9, NULL},
    {TEXT(J) FINISH("tool_calls") DONE, 0, 0, 0, "tool_calls"},
    {TEXT(J) FINISH("length") DONE, 0, 0, 0, "length"},  // valid as it stands
    // no [DONE], but the reason: finished
    {TEXT(J) FINISH("stop"), 0, 0, 0, "stop"},
    // [DONE] without a reason: only whole JSON counts
    {TEXT(J) DONE, 0, 0, 0, ""},
    {TEXT("plain words") DONE, E_UNFINISHED, 0, 0, ""},
    // an answer that was not streamed
    {WHOLE("{\"content\":\"" J "\"}", "stop"), 0, 400, 9, "stop"},
    {WHOLE("{\"content\":\" " J "\",\"tool_calls\":[],\"reasoning\":\"x\"}", "stop"), 0,
     400, 9, NULL},
    {WHOLE("{\"content\":\"{\\\"summary\\\":\\\"cu\"}", "length"), E_UNFINISHED, 400, 9,
     "length"},

    {"{\"choices\":[{\"message\":{\"content\":\"" J "\"}}]}", 0, 0, 0, ""},
    {"{\"choices\":[{\"message\":{\"content\":\"words\"}}]}", E_UNFINISHED, 0, 0, ""},

    // no end
    {TEXT(J), E_UNFINISHED, 0, 0, ""},
    {ROLE, E_UNFINISHED, 0, 0, ""},
    {TEXT(J) "data: {\"choices\":[{\"del", E_GARBAGE, 0, 0, ""},
    {TEXT(J) "\xff\xfe random bytes\n", E_GARBAGE, 0, 0, ""},
    {TEXT(J) FINISH("abort") DONE, E_UNFINISHED, 0, 0, "abort"},

    // nothing in it
    {DONE, E_GARBAGE, 0, 0, NULL},
    {ROLE FINISH("length") USAGE(400, 500) DONE, E_EMPTY, 400, 500, "length"},
    {FINISH("stop") DONE, E_EMPTY, 0, 0, NULL},
    {USAGE(400, 0) DONE, E_EMPTY, 400, 0, NULL},
    {"data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"thoughts\"}}]}\n\n" FINISH(
         "length") DONE,
     E_EMPTY, 0, 0, NULL},
    {TEXT("<think>thoughts") FINISH("length") DONE, E_EMPTY, 0, 0, NULL},
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", E_EMPTY, 0, 0, NULL},

    // errors inside a success
    {"data: {\"error\":{\"code\":500,\"message\":\"The model produced output that does "
     "not "
     "match\",\"type\":\"server_error\"}}\n\n",
     E_SERVER, 0, 0, NULL},
    {ROLE TEXT("half") "data: {\"error\":{\"message\":\"x\",\"type\":\"BadRequestError\","
                       "\"code\":400}}\n\n" DONE,
     E_BAD_REQUEST, 0, 0, NULL},
    {TEXT(J) FINISH("stop") "data: {\"error\":{\"message\":\"out of memory\"}}\n\n" DONE,
     E_MODEL_CRASH, 0, 0, NULL},
    {"data: "
     "{\"error\":{\"object\":\"error\",\"message\":\"queue\",\"code\":503}}\n\n" DONE,
     E_OVERLOAD, 0, 0, NULL},
    {"data: {\"object\":\"error\",\"message\":\"The model `x` does not "
     "exist.\",\"code\":404}"
     "\n\n",
     E_MODEL_MISSING, 0, 0, NULL},
    {"event: error\ndata: {\"error\":{\"message\":\"The number of tokens to keep from "
     "the "
     "initial prompt is greater than the context length\"}}\n\n",
     E_CONTEXT, 0, 0, NULL},
    {"event: error\ndata: {\"message\":\"Model is unloaded.\"}\n\n", E_SERVER, 0, 0,
     NULL},
    {"data: {\"choices\":[{\"error\":{\"code\":502,\"message\":\"Provider\"},"
     "\"finish_reason\":\"error\"}]}\n\n",
     E_SERVER, 0, 0, NULL},
    {"data: {\"detail\":\"Model does not support images\"}\n\n", E_NO_VISION, 0, 0, NULL},
    {"{\"error\":\"Unexpected endpoint or method. (POST /v1/chat/completions)\"}",
     E_GARBAGE, 0, 0, NULL},
    {"{\"error\":{\"message\":\"Model does not support images\"}}", E_NO_VISION, 0, 0,
     NULL},
    {TEXT(J) FINISH("content_filter") DONE, E_REFUSAL, 0, 0, NULL},
    {"data: {\"choices\":[{\"delta\":{\"refusal\":\"I can't.\"}}]}\n\n" FINISH("stop")
         DONE,
     E_REFUSAL, 0, 0, NULL},

    // not the protocol
    {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>hello</html>", E_GARBAGE, 0,
     0, NULL},
    {"HTTP/1.1 200 OK\r\n\r\nnull", E_GARBAGE, 0, 0, NULL},
    {"HTTP/1.1 200 OK\r\n\r\n[1,2]", E_GARBAGE, 0, 0, NULL},
    {"data: hello\n\n", E_GARBAGE, 0, 0, NULL},
    {"{\"hello\":1}", E_GARBAGE, 0, 0, NULL},
    {"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n",
     E_GARBAGE, 0, 0, NULL},
    // what came before the connection broke decides
    {"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" TEXT(J) FINISH("stop"), 0, 0, 0,
     NULL},
    {"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n", E_BAD_REQUEST, 0, 0, NULL},
};

#define LINE(t) "{\"message\":{\"content\":\"" t "\"},\"done\":false}\n"
#define LAST(reason)                                                                     \
    "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"" reason "\","      \
    "\"total_duration\":5123456789123,\"prompt_eval_count\":400,\"eval_count\":9}\n"
#define NDJSON "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"

static const struct row ndjson[] = {
    {NDJSON LINE(J) LAST("stop"), 0, 400, 9, "stop"},
    {NDJSON LINE("{\\\"summary") LINE("\\\":\\\"s\\\"}") LAST("stop"), 0, 400, 9, NULL},
    {NDJSON LINE(J) "{\"message\":{\"content\":\"\"},\"done\":true}", 0, 0, 0, ""},
    {NDJSON "{\"response\":\"" J "\",\"done\":true,\"done_reason\":\"stop\"}\n", 0, 0, 0,
     "stop"},
    {NDJSON "{\"message\":{\"content\":\"" J "\",\"thinking\":\"hm\"},\"done\":true,"
            "\"done_reason\":\"stop\"}",
     0, 0, 0, NULL},
    {"{\n  \"message\": {\"content\": \"" J "\"},\n  \"done\": true,\n  \"done_reason\": "
     "\"stop\"\n}\n",
     0, 0, 0, "stop"},
    // the token-repeat guard stops without a word
    {NDJSON LINE(J), E_UNFINISHED, 0, 0, ""},
    {NDJSON "{\"message\":{\"content\":\"" J "\"},\"done\":false}", E_UNFINISHED, 0, 0,
     NULL},
    {NDJSON LINE("half") "{\"error\":\"llama-server process has terminated\"}\n",
     E_MODEL_CRASH, 0, 0, NULL},
    {NDJSON
     "{\"error\":\"{\\\"error\\\":{\\\"code\\\":500,\\\"message\\\":\\\"image input is "
     "not supported\\\"}}\"}\n",
     E_NO_VISION, 0, 0, NULL},
    {NDJSON "{\"error\":{\"message\":\"odd\"}}\n", E_SERVER, 0, 0, NULL},
    {NDJSON LAST("length"), E_EMPTY, 400, 9, "length"},
    {NDJSON LAST("load"), E_EMPTY, 400, 9, "load"},
    {NDJSON LINE(J) "{\"message\":{\"con", E_GARBAGE, 0, 0, NULL},
    {NDJSON LINE(J) "\xff\xfe\x00\n" LAST("stop"), E_GARBAGE, 0, 0, NULL},
    {NDJSON, E_EMPTY, 0, 0, NULL},
    {NDJSON "\n\n", E_GARBAGE, 0, 0, NULL},
    {NDJSON "hello\n", E_GARBAGE, 0, 0, NULL},
    {NDJSON LINE(J) LINE("{}") "not json\n" LAST("stop"), 0, 400, 9, NULL},
    {"404 {\"error\":\"model 'm' not found\"}", E_MODEL_MISSING, 0, 0, NULL},
    {"403", E_AUTH, 0, 0, NULL},
};

static void check_rows(enum backend_kind kind, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct row *r = &rows[i];
        struct waited w = {0};
        int code = script_ask(&w, kind, r->reply);
        if (code != r->expected) {
            fail_msg("%s: %s instead of %s: %s", r->reply, err_name(code),
                     err_name(r->expected), w.ask.call.err.msg);
        }
        assert_int_equal(w.ask.prompt_tokens, r->prompt ? r->prompt : -1);
        assert_int_equal(w.ask.completion_tokens, r->completion ? r->completion : -1);
        if (r->finish) {
            assert_string_equal(w.ask.finish_reason, r->finish);
        }
        if (code == 0) {
            assert_string_equal(w.ask.answer.summary, "s");
        }
        waited_free(&w);
    }
}

static void event_streams_end_as_in_the_table(void **state)
{
    (void)state;
    check_rows(BACKEND_OPENAI, sse, sizeof(sse) / sizeof(sse[0]));
}

static void line_streams_end_as_in_the_table(void **state)
{
    (void)state;
    check_rows(BACKEND_OLLAMA, ndjson, sizeof(ndjson) / sizeof(ndjson[0]));
}

static void waiting_times_of_the_server_are_passed_on(void **state)
{
    (void)state;
    struct waited w = {0};
    assert_code(
        script_ask(&w, BACKEND_OPENAI,
                   "HTTP/1.1 429 X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"),
        E_RATE);
    assert_int_equal(w.ask.call.retry_after_ms, 7000);
    waited_free(&w);
}

// A picture that was dropped costs words only; PROTOCOLS.md 13.4.
static void tokens_tell_whether_the_picture_was_seen(void **state)
{
    (void)state;
    static const struct {
        const char *tokens;
        int width, height;
        int expected;
    } seen[] = {
        {"14", 768, 432, E_IMAGE_DROPPED},
        {"100", 768, 432, E_IMAGE_DROPPED},
        {"400", 768, 432, 0},
        {"0", 768, 432, 0},
        {"190", 1344, 756, 0},  // the thriftiest model: words, template and 66
        {"128", 32, 32, 0},     // a tiny picture may cost next to nothing
    };
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
        struct waited w = {0};
        char reply[600];
        snprintf(reply, sizeof(reply),
                 TEXT(J) FINISH("stop") "data: {\"choices\":[],\"usage\":{"
                                        "\"prompt_tokens\":%s}}\n\n" DONE,
                 seen[i].tokens);
        const struct line lines[] = {{"POST /v1/chat/completions", reply}, {NULL, NULL}};
        script_open(BACKEND_VLLM, lines);
        start_ask(&w, tiny_jpeg, sizeof(tiny_jpeg), seen[i].width, seen[i].height);
        run_dones(1);
        if (w.err != seen[i].expected) {
            fail_msg("%s: %s %s", seen[i].tokens, err_name(w.err), w.ask.call.err.msg);
        }
        waited_free(&w);
    }
    script_play(NULL);
}

static void an_endless_stream_is_garbage(void **state)
{
    (void)state;
    struct waited w = {0};
    size_t len = 3 << 20;
    char *reply = malloc(len + 100);
    memcpy(reply, "data: {\"choices\":[{\"delta\":{\"content\":\"", 39);
    memset(reply + 39, 'x', len);
    strcpy(reply + 39 + len, "\"}}]}\n\n");
    assert_code(script_ask(&w, BACKEND_OPENAI, reply), E_GARBAGE);
    waited_free(&w);
    free(reply);
}

// LM Studio answers for a model that it does not have with the one that is loaded.
static void another_model_s_answer_is_not_taken(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int expected;
    } rows[] = {{"m", 0}, {"m:2", 0}, {"publisher/m", 0}, {"n", E_MODEL_MISSING}};
    char reply[1000], url[100];
    const struct line lines[] = {
        {"GET /api/v1/models",
         "{\"models\":[{\"type\":\"llm\",\"key\":\"m\",\"capabilities\":{\"vision\":true}"
         ","
         "\"loaded_instances\":[{\"id\":\"m\"}]},{\"type\":\"llm\",\"key\":\"n\","
         "\"capabilities\":{\"vision\":true},\"loaded_instances\":[]}]}"},
        {"POST /v1/chat/completions", reply},
        {NULL, NULL}};
    script_play(lines);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", bn->web.port);
    bn->config.url = url;
    bn->config.kind = BACKEND_LMSTUDIO;
    assert_int_equal(backend_new(&bn->backend, &bn->loop, bn->http, &bn->config), 0);
    assert_code(probe(), 0);
    assert_string_equal(backend_facts(bn->backend)->model, "m");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct waited w = {0};
        snprintf(reply, sizeof(reply),
                 "data: {\"model\":\"%s\",\"choices\":[{\"delta\":{\"content\":\"" J
                 "\"}}]}\n\n" FINISH("stop") DONE,
                 rows[i].model);
        script_play(lines);
        start_ask(&w, tiny_jpeg, sizeof(tiny_jpeg), 768, 432);
        run_dones(1);
        assert_code(w.err, rows[i].expected);
        waited_free(&w);
    }
    script_play(NULL);
}

static void keys_never_stand_in_messages(void **state)
{
    (void)state;
    static const char *const replies[] = {"401 {\"error\":\"bad key\"}", "500 x",
                                          "HTTP/1.1 200 OK\r\n\r\nx"};
    bn->config.api_key = "very-secret-key";
    for (int i = 0; i < 3; i++) {
        struct waited w = {0};
        script_ask(&w, BACKEND_OPENAI, replies[i]);
        assert_null(strstr(w.ask.call.err.msg, "secret"));
        waited_free(&w);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        BENCH_TEST(event_streams_end_as_in_the_table),
        BENCH_TEST(line_streams_end_as_in_the_table),
        BENCH_TEST(waiting_times_of_the_server_are_passed_on),
        BENCH_TEST(tokens_tell_whether_the_picture_was_seen),
        BENCH_TEST(an_endless_stream_is_garbage),
        BENCH_TEST(another_model_s_answer_is_not_taken),
        BENCH_TEST(keys_never_stand_in_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
