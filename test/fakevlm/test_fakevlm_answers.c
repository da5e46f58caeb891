// test_fakevlm_answers.c -- each kind's good answers, whole and streamed, and its shape.
// SPDX-License-Identifier: MIT
#include "fake_client.h"
#include "fake_pictures.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL "qwen2.5vl:7b"

static const uint32_t four[4] = {0xff0000, 0x00ff00, 0x0000ff, 0x808080};
static const char four_said[] = "corners #ff0000 #00ff00 #0000ff #808080";

static const char schema[] =
    "{\"type\":\"object\",\"properties\":{\"summary\":{\"type\":\"string\"},\"tags\":"
    "{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"text\":{\"type\":\"array\","
    "\"items\":{\"type\":\"string\"}},\"sure\":{\"type\":\"boolean\"},\"n\":{\"type\":"
    "\"integer\",\"minimum\":3},\"mood\":{\"enum\":[\"calm\",\"busy\"]}}}";

// Joins what a stream said; *end_seen: the terminator came.
static char *join_sse(const char *body, const char *path, bool *end_seen)
{
    char *all = calloc(1, strlen(body) + 1), *copy = strdup(body), *rest = NULL;
    *end_seen = false;
    for (char *line = strtok_r(copy, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *json = strncmp(line, "data: ", 6) == 0 ? line + 6 : line;
        cJSON *event = cJSON_Parse(json);
        const char *s = cJSON_GetStringValue(json_at(event, path));
        if (s)
            strcat(all, s);
        *end_seen = *end_seen || !strcmp(json, "[DONE]") || json_at(event, "result") ||
                    cJSON_IsTrue(json_at(event, "done"));
        cJSON_Delete(event);
    }
    free(copy);
    return all;
}

static const struct {
    const char *flags, *path, *whole_text, *stream_text, *prompt_tokens;
    bool is_ollama;
} speakers[] = {
    {"--kind ollama", "/api/chat", "message.content", "message.content",
     "prompt_eval_count", true},
    {"--kind ollama", "/v1/chat/completions", "choices.0.message.content",
     "choices.0.delta.content", "usage.prompt_tokens", false},
    {"--kind openai", "/v1/chat/completions", "choices.0.message.content",
     "choices.0.delta.content", "usage.prompt_tokens", false},
    {"--kind vllm", "/v1/chat/completions", "choices.0.message.content",
     "choices.0.delta.content", "usage.prompt_tokens", false},
    {"--kind sglang", "/v1/chat/completions", "choices.0.message.content",
     "choices.0.delta.content", "usage.prompt_tokens", false},
    {"--kind lmstudio", "/v1/chat/completions", "choices.0.message.content",
     "choices.0.delta.content", "usage.prompt_tokens", false},
    {"--kind lmstudio", "/api/v0/chat/completions", "choices.0.message.content",
     "choices.0.delta.content", "usage.prompt_tokens", false},
    {"--kind llama-server", "/v1/chat/completions", "choices.0.message.content",
     "choices.0.delta.content", "usage.prompt_tokens", false},
    {"--kind llama-router", "/v1/chat/completions", "choices.0.message.content",
     "choices.0.delta.content", "usage.prompt_tokens", false},
    {"--kind llama-swap", "/v1/chat/completions", "choices.0.message.content",
     "choices.0.delta.content", "usage.prompt_tokens", false},
};
#define SPEAKERS (sizeof speakers / sizeof speakers[0])

static char *chat_body(bool is_ollama, const struct sent_picture *p, bool is_stream,
                       const char *more)
{
    char *data = is_ollama ? picture_base64(p, 0) : data_url(p);
    char *body = is_ollama ? chat_ollama(MODEL, data, is_stream, more)
                           : chat_openai(MODEL, data, is_stream, more);
    free(data);
    return body;
}

static void every_kind_answers_from_the_picture(void **state)
{
    (void)state;
    struct sent_picture p;
    picture_make(&p, PICTURE_PNG, 280, 140, four);
    for (size_t i = 0; i < SPEAKERS; i++) {
        struct backend b;
        struct reply r;
        char *body = chat_body(speakers[i].is_ollama, &p, false, "");
        backend_start(&b, speakers[i].flags);
        ask(&b, "POST", speakers[i].path, body, &r);
        assert_int_equal(r.status, 200);
        assert_int_equal(r.end, END_WHOLE);
        cJSON *json = cJSON_Parse(r.body);
        const char *said = text_at(json, speakers[i].whole_text);
        assert_non_null(strstr(said, "A 280x140 picture"));
        assert_non_null(strstr(said, four_said));
        // 10 x 5 tokens of picture, 3 words, 12 of template.
        assert_true(number_at(json, speakers[i].prompt_tokens) == 65);
        cJSON_Delete(json);
        reply_free(&r);
        free(body);
        backend_stop(&b);
    }
    picture_free(&p);
}

static void a_stream_says_the_same_and_ends(void **state)
{
    (void)state;
    struct sent_picture p;
    picture_make(&p, PICTURE_JPEG, 320, 160, four);
    for (size_t i = 0; i < SPEAKERS; i++) {
        struct backend b;
        struct reply r;
        char *whole = chat_body(speakers[i].is_ollama, &p, false, "");
        char *streamed = chat_body(speakers[i].is_ollama, &p, true, "");
        bool end_seen;
        backend_start(&b, speakers[i].flags);
        ask(&b, "POST", speakers[i].path, whole, &r);
        cJSON *json = cJSON_Parse(r.body);
        char *said = strdup(text_at(json, speakers[i].whole_text));
        cJSON_Delete(json);
        reply_free(&r);
        ask(&b, "POST", speakers[i].path, streamed, &r);
        assert_int_equal(r.status, 200);
        assert_int_equal(r.end, END_WHOLE);
        char *joined = join_sse(r.body, speakers[i].stream_text, &end_seen);
        assert_string_equal(joined, said);
        assert_true(end_seen);
        free(joined);
        free(said);
        reply_free(&r);
        free(whole);
        free(streamed);
        backend_stop(&b);
    }
    picture_free(&p);
}

static void lmstudio_v1_chat_has_named_events(void **state)
{
    (void)state;
    struct sent_picture p;
    struct backend b;
    struct reply r;
    bool end_seen;
    char *body = NULL;
    picture_make(&p, PICTURE_PNG, 56, 56, four);
    char *url = data_url(&p);
    backend_start(&b, "--kind lmstudio");
    assert_true(asprintf(&body,
                         "{\"model\":\"" MODEL
                         "\",\"stream\":true,\"store\":false,\"input\":"
                         "[{\"type\":\"text\",\"content\":\"Say.\"},{\"type\":\"image\","
                         "\"data_url\":\"%s\"}]}",
                         url) > 0);
    ask(&b, "POST", "/api/v1/chat", body, &r);
    char *said = join_sse(r.body, "content", &end_seen);
    assert_non_null(strstr(said, "A 56x56 picture"));
    assert_true(end_seen);
    assert_true(strstr(r.body, "event: chat.start") == r.body);
    assert_non_null(strstr(r.body, "event: model_load.end"));
    assert_non_null(strstr(r.body, "event: chat.end"));
    free(said);
    free(body);
    free(url);
    reply_free(&r);
    backend_stop(&b);
    picture_free(&p);
}

static void check_filled_schema(const char *text)
{
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    assert_non_null(strstr(text_at(json, "summary"), "A 56x56 picture"));
    assert_true(cJSON_GetArraySize(json_at(json, "tags")) > 0);
    assert_true(cJSON_IsString(json_at(json, "text.0")));
    assert_true(cJSON_IsTrue(json_at(json, "sure")));
    assert_true(number_at(json, "n") == 3);
    const char *mood = text_at(json, "mood");
    assert_true(!strcmp(mood, "calm") || !strcmp(mood, "busy"));
    cJSON_Delete(json);
}

static void a_schema_is_followed(void **state)
{
    (void)state;
    struct sent_picture p;
    picture_make(&p, PICTURE_PNG, 56, 56, four);
    for (size_t i = 0; i < SPEAKERS; i++) {
        struct backend b;
        struct reply r;
        char *more = NULL;
        const char *form = speakers[i].is_ollama
                               ? ",\"format\":%s"
                               : ",\"response_format\":{\"type\":\"json_schema\","
                                 "\"json_schema\":{\"name\":\"shot\",\"schema\":%s}}";
        char fixed[2048];
        const char *mark = strstr(form, "%s");
        snprintf(fixed, sizeof fixed, "%.*s%s%s", (int)(mark - form), form, schema,
                 mark + 2);
        more = chat_body(speakers[i].is_ollama, &p, false, fixed);
        backend_start(&b, speakers[i].flags);
        ask(&b, "POST", speakers[i].path, more, &r);
        cJSON *json = cJSON_Parse(r.body);
        check_filled_schema(text_at(json, speakers[i].whole_text));
        cJSON_Delete(json);
        reply_free(&r);
        free(more);
        backend_stop(&b);
    }
    picture_free(&p);
}

// Asks for one picture and returns what was said of it.
static char *describe(const struct backend *b, enum picture_type type, int w, int h,
                      const uint32_t corners[4])
{
    struct sent_picture p;
    struct reply r;
    picture_make(&p, type, w, h, corners);
    char *body = chat_body(true, &p, false, "");
    ask(b, "POST", "/api/chat", body, &r);
    cJSON *json = cJSON_Parse(r.body);
    char *said = strdup(text_at(json, "message.content"));
    cJSON_Delete(json);
    reply_free(&r);
    free(body);
    picture_free(&p);
    return said;
}

static void another_picture_gets_another_answer(void **state)
{
    (void)state;
    static const uint32_t swapped[4] = {0x00ff00, 0xff0000, 0x0000ff, 0x808080};
    struct backend b;
    backend_start(&b, "");
    char *first = describe(&b, PICTURE_PNG, 64, 64, four);
    char *again = describe(&b, PICTURE_PNG, 64, 64, four);
    char *other = describe(&b, PICTURE_PNG, 64, 64, swapped);
    char *webp = describe(&b, PICTURE_WEBP, 64, 64, four);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    // The same pixels in another file: the same colours, another hash.
    assert_non_null(strstr(webp, four_said));
    assert_string_not_equal(first, webp);
    free(first);
    free(again);
    free(other);
    free(webp);
    backend_stop(&b);
}

static void the_limit_of_tokens_cuts(void **state)
{
    (void)state;
    struct backend b;
    struct reply r;
    backend_start(&b, "--kind llama-server");
    ask(&b, "POST", "/v1/chat/completions",
        "{\"max_tokens\":4,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}",
        &r);
    cJSON *json = cJSON_Parse(r.body);
    assert_string_equal(text_at(json, "choices.0.finish_reason"), "length");
    assert_true(number_at(json, "usage.completion_tokens") == 4);
    assert_true(number_at(json, "timings.predicted_n") == 4);
    cJSON_Delete(json);
    reply_free(&r);
    backend_stop(&b);
}

static void a_thinking_model_thinks_unless_told(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *path, *body, *thinking;
        bool thinks;
    } rows[] = {
        {"ollama", "/api/chat", "", "message.thinking", true},
        {"ollama", "/api/chat", ",\"think\":false", "message.thinking", false},
        {"vllm", "/v1/chat/completions", "", "choices.0.message.reasoning", true},
        {"vllm", "/v1/chat/completions",
         ",\"chat_template_kwargs\":{\"enable_thinking\":false}",
         "choices.0.message.reasoning", false},
        {"sglang", "/v1/chat/completions", "", "choices.0.message.reasoning_content",
         true},
        {"llama-server", "/v1/chat/completions", ",\"reasoning_effort\":\"none\"",
         "choices.0.message.reasoning_content", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct backend b;
        struct reply r;
        char flags[64], body[512];
        snprintf(flags, sizeof flags, "--thinking --kind %s", rows[i].kind);
        snprintf(body, sizeof body,
                 "{\"model\":\"" MODEL "\",\"stream\":false%s,\"messages\":[{\"role\":"
                 "\"user\",\"content\":\"Hi\"}]}",
                 rows[i].body);
        backend_start(&b, flags);
        ask(&b, "POST", rows[i].path, body, &r);
        cJSON *json = cJSON_Parse(r.body);
        assert_int_equal(cJSON_IsString(json_at(json, rows[i].thinking)), rows[i].thinks);
        cJSON_Delete(json);
        reply_free(&r);
        backend_stop(&b);
    }
}

static void each_kind_can_be_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *path, *expected;  // found in the head or the body
    } shapes[] = {
        {"ollama", "/", "Ollama is running"},
        {"ollama", "/api/version", "{\"version\":\"0.33.0\"}"},
        {"ollama", "/api/tags", "\"capabilities\":[\"completion\",\"vision\"]"},
        {"ollama", "/api/ps", "{\"models\":[]}"},
        {"ollama", "/v1/models", "\"owned_by\":\"library\""},
        {"openai", "/v1/models", "\"owned_by\":\"fakevlm\""},
        {"vllm", "/v1/models", "\"owned_by\":\"vllm\""},
        {"vllm", "/v1/models", "\"max_model_len\":8192"},
        {"vllm", "/metrics", "vllm:num_requests_waiting{"},
        {"sglang", "/v1/models", "\"owned_by\":\"sglang\""},
        {"sglang", "/get_model_info", "\"has_image_understanding\":true"},
        {"lmstudio", "/v1/models", "\"owned_by\":\"organization_owner\""},
        {"lmstudio", "/api/v1/models", "\"loaded_instances\":[]"},
        {"lmstudio", "/api/v0/models", "\"state\":\"not-loaded\""},
        {"lmstudio", "/api/v0/models", "\"type\":\"vlm\""},
        {"llama-server", "/v1/models", "Server: llama.cpp"},
        {"llama-server", "/v1/models", "[\"text\",\"image\"]"},
        {"llama-server", "/props", "\"modalities\":{\"vision\":true"},
        {"llama-server", "/slots", "\"is_processing\":false"},
        {"llama-router", "/props", "\"role\":\"router\""},
        {"llama-router", "/models", "\"status\":{\"value\":\"unloaded\""},
        {"llama-swap", "/health", "OK"},
        {"llama-swap", "/running", "{\"running\":[]}"},
        {"llama-swap", "/v1/models", "\"status\":{\"value\":\"unloaded\"}"},
        {"llama-swap", "/upstream/" MODEL "/props", "\"total_slots\":4"},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct backend b;
        struct reply r;
        char flags[64];
        snprintf(flags, sizeof flags, "--kind %s --load-ms 0", shapes[i].kind);
        if (!strcmp(shapes[i].kind, "vllm") || !strcmp(shapes[i].kind, "sglang") ||
            !strcmp(shapes[i].kind, "llama-server"))
            snprintf(flags, sizeof flags, "--kind %s", shapes[i].kind);
        backend_start(&b, flags);
        ask(&b, "GET", shapes[i].path, NULL, &r);
        assert_int_equal(r.status, 200);
        if (!strstr(r.head, shapes[i].expected) && !strstr(r.body, shapes[i].expected))
            fail_msg("%s %s says\n%s%s", shapes[i].kind, shapes[i].path, r.head, r.body);
        reply_free(&r);
        backend_stop(&b);
    }
}

static void usage_comes_in_a_stream_only_when_asked_for(void **state)
{
    (void)state;
    static const char plain[] = "{\"model\":\"" MODEL "\",\"stream\":true%s,\"messages\":"
                                "[{\"role\":\"user\",\"content\":\"Hi\"}]}";
    struct backend b;
    backend_start(&b, "--kind sglang");
    for (int asks = 0; asks < 2; asks++) {
        struct reply r;
        char body[256];
        const char *mark = strstr(plain, "%s");
        snprintf(body, sizeof body, "%.*s%s%s", (int)(mark - plain), plain,
                 asks ? ",\"stream_options\":{\"include_usage\":true}" : "", mark + 2);
        ask(&b, "POST", "/v1/chat/completions", body, &r);
        assert_int_equal(strstr(r.body, "\"usage\":{") != NULL, asks);
        reply_free(&r);
    }
    backend_stop(&b);
}

static void what_it_is_told_to_say_stands_in_every_answer(void **state)
{
    (void)state;
    struct sent_picture p;
    picture_make(&p, PICTURE_PNG, 56, 56, four);
    for (size_t i = 0; i < SPEAKERS; i++) {
        struct backend b;
        struct reply r;
        char *body = chat_body(speakers[i].is_ollama, &p, false, "");
        backend_start(&b, speakers[i].flags);
        control(&b, "/__fake/config", "{\"say\":\"card 4111 1111 1111 1111\"}");
        ask(&b, "POST", speakers[i].path, body, &r);
        assert_non_null(strstr(r.body, "It reads: card 4111 1111 1111 1111"));
        reply_free(&r);
        control(&b, "/__fake/config", "{\"say\":\"\"}");
        ask(&b, "POST", speakers[i].path, body, &r);
        assert_null(strstr(r.body, "It reads"));
        reply_free(&r);
        free(body);
        backend_stop(&b);
    }
    picture_free(&p);
}

// The contents of DIR/NAME, where NAME begins and ends so; *n: how many there are.
static char *kept(const char *dir, const char *begin, const char *end, int *n,
                  size_t *len)
{
    char pattern[300], *bytes = NULL;
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/%s*%s", dir, begin, end);
    *n = glob(pattern, 0, NULL, &found) ? 0 : (int)found.gl_pathc;
    if (*n) {
        FILE *f = fopen(found.gl_pathv[0], "re");
        bytes = calloc(1, 1 << 20);
        assert_true(f && bytes);
        *len = fread(bytes, 1, (1 << 20) - 1, f);
        fclose(f);
        globfree(&found);
    }
    return bytes;
}

static void remove_folder(const char *dir)
{
    char pattern[300];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/*", dir);
    if (!glob(pattern, 0, NULL, &found)) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            remove(found.gl_pathv[i]);
        globfree(&found);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void every_byte_that_came_is_kept_when_asked(void **state)
{
    (void)state;
    char dir[] = "/tmp/fakevlm-XXXXXX", flags[100];
    struct sent_picture p;
    struct backend b;
    struct reply r;
    int n;
    size_t len;
    assert_non_null(mkdtemp(dir));
    snprintf(flags, sizeof flags, "--keep %s", dir);
    picture_make(&p, PICTURE_JPEG, 56, 56, four);
    char *body = chat_body(true, &p, false, "");
    backend_start(&b, flags);
    control(&b, "/__fake/config", "{\"say\":\"told by the test itself\"}");
    ask_with(&b, "POST", "/api/chat?unusual", "X-Own: header\r\n", body, &r);
    assert_int_equal(r.status, 200);
    backend_stop(&b);
    char *raw = kept(dir, "conn-", ".raw", &n, &len);
    assert_int_equal(n, 1);  // not the control connection
    assert_non_null(strstr(raw, "?unusual"));
    assert_non_null(strstr(raw, "X-Own: header"));
    assert_non_null(strstr(raw, body));
    char *json = kept(dir, "body-", ".json", &n, &len);
    assert_int_equal(n, 1);
    assert_string_equal(json, body);
    char *picture = kept(dir, p.hash, ".jpg", &n, &len);
    assert_int_equal(n, 1);
    assert_int_equal(len, p.len);
    assert_memory_equal(picture, p.bytes, p.len);
    free(raw);
    free(json);
    free(picture);
    free(body);
    reply_free(&r);
    picture_free(&p);
    remove_folder(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_answers_from_the_picture),
        cmocka_unit_test(a_stream_says_the_same_and_ends),
        cmocka_unit_test(lmstudio_v1_chat_has_named_events),
        cmocka_unit_test(a_schema_is_followed),
        cmocka_unit_test(every_byte_that_came_is_kept_when_asked),
        cmocka_unit_test(what_it_is_told_to_say_stands_in_every_answer),
        cmocka_unit_test(another_picture_gets_another_answer),
        cmocka_unit_test(the_limit_of_tokens_cuts),
        cmocka_unit_test(a_thinking_model_thinks_unless_told),
        cmocka_unit_test(each_kind_can_be_told_apart),
        cmocka_unit_test(usage_comes_in_a_stream_only_when_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
