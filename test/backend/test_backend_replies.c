// test_backend_replies.c -- what servers answer: streams and their ends, and who they are.
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

// ---- who listens

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
        {"POST /v1/chat/completions", TEXT(J) FINISH("stop") DONE},
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
        BENCH_TEST(servers_are_known_by_what_they_say),
        BENCH_TEST(lmstudio_is_found_behind_its_native_base),
        BENCH_TEST(a_remote_model_on_a_local_server_is_remote),
        BENCH_TEST(a_busy_list_of_loaded_models_is_not_waited_for),
        BENCH_TEST(a_failed_probe_keeps_the_last_facts),
        BENCH_TEST(a_loading_server_can_be_waited_for),
        BENCH_TEST(keys_never_stand_in_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
