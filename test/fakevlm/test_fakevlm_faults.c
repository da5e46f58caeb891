// test_fakevlm_faults.c -- every fault, on every kind, whole and streamed.
// SPDX-License-Identifier: MIT
#include "fake_client.h"
#include "fake_pictures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MODEL "qwen2.5vl:7b"

static const uint32_t grey[4] = {0x707070, 0x808080, 0x909090, 0xa0a0a0};

// What came back, read as far as it can be.
struct seen {
    const char *kind;
    bool is_stream;
    struct reply r;
    char *content, *thinking;  // never NULL
    char finish[16];
    bool is_ended;   // the terminator of the protocol was there
    bool has_error;  // an error object was anywhere
    double prompt_tokens;
    int64_t took_ms;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void append(char **to, const cJSON *piece)
{
    const char *s = cJSON_GetStringValue(piece);
    if (!s)
        return;
    *to = realloc(*to, strlen(*to) + strlen(s) + 1);
    strcat(*to, s);
}

static void take_number(const cJSON *json, const char *path, double *out)
{
    const cJSON *n = json_at(json, path);
    if (cJSON_IsNumber(n))
        *out = n->valuedouble;
}

static void take_event(struct seen *s, const cJSON *json)
{
    static const char *const finishes[] = {"choices.0.finish_reason", "done_reason"};
    append(&s->content, json_at(json, "message.content"));
    append(&s->content, json_at(json, "choices.0.message.content"));
    append(&s->content, json_at(json, "choices.0.delta.content"));
    append(&s->thinking, json_at(json, "message.thinking"));
    append(&s->thinking, json_at(json, "choices.0.message.reasoning_content"));
    append(&s->thinking, json_at(json, "choices.0.message.reasoning"));
    append(&s->thinking, json_at(json, "choices.0.delta.reasoning_content"));
    append(&s->thinking, json_at(json, "choices.0.delta.reasoning"));
    take_number(json, "usage.prompt_tokens", &s->prompt_tokens);
    take_number(json, "prompt_eval_count", &s->prompt_tokens);
    for (size_t i = 0; i < 2; i++) {
        const char *finish = cJSON_GetStringValue(json_at(json, finishes[i]));
        if (finish)
            snprintf(s->finish, sizeof s->finish, "%s", finish);
    }
    s->has_error = s->has_error || json_at(json, "error");
    s->is_ended = s->is_ended || cJSON_IsTrue(json_at(json, "done"));
    // A whole OpenAI answer is its own end.
    s->is_ended = s->is_ended || (!s->is_stream && json_at(json, "choices") != NULL);
}

static void read_events(struct seen *s)
{
    char *copy = strdup(s->r.body), *rest = NULL;
    for (char *line = strtok_r(copy, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *text = strncmp(line, "data: ", 6) == 0 ? line + 6 : line;
        cJSON *json = cJSON_Parse(text);
        if (json)
            take_event(s, json);
        s->is_ended = s->is_ended || !strcmp(text, "[DONE]");
        cJSON_Delete(json);
    }
    free(copy);
}

static void look(const struct backend *b, const char *kind, bool is_stream,
                 int patience_ms, struct seen *s)
{
    struct sent_picture p;
    bool native = !strcmp(kind, "ollama");
    *s = (struct seen){.kind = kind, .is_stream = is_stream, .prompt_tokens = -1};
    s->content = calloc(1, 1);
    s->thinking = calloc(1, 1);
    picture_make(&p, PICTURE_PNG, 112, 84, grey);
    char *data = native ? picture_base64(&p, 0) : data_url(&p);
    char *body =
        native ? chat_ollama(MODEL, data, is_stream, ",\"format\":\"json\"")
               : chat_openai(
                     MODEL, data, is_stream,
                     ",\"stream_options\":{\"include_usage\":true},"
                     "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
                     "{\"name\":\"s\",\"schema\":{\"type\":\"object\",\"properties\":"
                     "{\"summary\":{\"type\":\"string\"}}}}}");
    int fd = client_connect(b);
    int64_t began_ms = now_ms();
    client_send(fd, "POST", native ? "/api/chat" : "/v1/chat/completions",
                "Content-Type: application/json\r\n", body, strlen(body));
    client_read_patiently(fd, patience_ms, &s->r);
    s->took_ms = now_ms() - began_ms;
    close(fd);
    read_events(s);
    free(body);
    free(data);
    picture_free(&p);
}

static void is_good(const struct seen *s)
{
    assert_int_equal(s->r.status, 200);
    assert_int_equal(s->r.end, END_WHOLE);
    assert_true(s->is_ended);
    assert_false(s->has_error);
    assert_string_equal(s->finish, "stop");
    assert_true(s->prompt_tokens == 27);
    cJSON *json = cJSON_Parse(s->content);
    assert_non_null(strstr(text_at(json, "summary"), "A 112x84 picture"));
    cJSON_Delete(json);
}

static void is_429(const struct seen *s)
{
    assert_int_equal(s->r.status, 429);
    assert_non_null(strstr(s->r.head, "Retry-After: 7\r\n"));
    assert_non_null(strstr(s->r.body, "error"));
}

static void is_429_with_date(const struct seen *s)
{
    assert_int_equal(s->r.status, 429);
    assert_non_null(strstr(s->r.head, " GMT\r\n"));
}

static void is_429_quota(const struct seen *s)
{
    assert_int_equal(s->r.status, 429);
    assert_null(strstr(s->r.head, "Retry-After"));
    assert_true(strstr(s->r.body, "quota") || strstr(s->r.body, "usage_limit"));
}

static void is_busy(const struct seen *s)
{
    assert_int_equal(s->r.status, strcmp(s->kind, "llama-swap") ? 503 : 429);
    assert_true(s->has_error || !strcmp(s->kind, "sglang"));
}

static void is_loading(const struct seen *s)
{
    assert_int_equal(s->r.status, 503);
}

static void is_ok_error(const struct seen *s)
{
    assert_int_equal(s->r.status, 200);
    assert_int_equal(s->r.end, END_WHOLE);
    assert_string_equal(s->content, "");
    assert_true(s->has_error || strstr(s->r.body, "\"object\":\"error\""));
}

static void is_empty_length(const struct seen *s)
{
    assert_int_equal(s->r.status, 200);
    assert_true(s->is_ended);
    assert_string_equal(s->content, "");
    assert_string_equal(s->finish, "length");
}

static void is_truncated(const struct seen *s)
{
    assert_int_equal(s->r.status, 200);
    assert_int_equal(s->r.end, END_WHOLE);
    assert_false(s->is_ended);
    assert_false(s->has_error);
}

static void is_stream_error(const struct seen *s)
{
    if (!s->is_stream) {
        assert_true(s->r.status >= 400);
        return;
    }
    assert_int_equal(s->r.status, 200);
    assert_true(s->has_error);
    assert_true(strlen(s->content) > 0);
    assert_string_equal(s->finish, "");
}

static void is_cut(const struct seen *s)
{
    assert_int_equal(s->r.status, 0);
    assert_int_equal(s->r.end, END_RESET);
}

static void is_cut_in_the_middle(const struct seen *s)
{
    assert_int_equal(s->r.status, 200);
    assert_int_equal(s->r.end, END_RESET);
    assert_true(s->r.body_len > 0);
    assert_false(s->is_ended);
}

static void is_slow_but_good(const struct seen *s)
{
    assert_true(s->took_ms >= 40);
    is_good(s);
}

static void is_dripping_but_good(const struct seen *s)
{
    assert_true(s->took_ms >= 8);  // at least four drops after the first, 2 ms apart
    is_good(s);
}

static void is_stalled(const struct seen *s)
{
    assert_int_equal(s->r.status, 200);
    assert_int_equal(s->r.end, END_SILENT);
    assert_false(s->is_ended);
}

static void is_garbage(const struct seen *s)
{
    assert_int_equal(s->r.status, 200);
    assert_false(s->is_ended);
    assert_non_null(memmem(s->r.body, s->r.body_len, "\xff\xfe\n", 3));
}

static void is_wrong_json(const struct seen *s)
{
    assert_int_equal(s->r.status, 200);
    assert_true(s->is_ended);
    assert_non_null(strstr(s->content, "A 112x84"));
    cJSON *json = cJSON_Parse(s->content);
    assert_null(json);
}

static void is_wrong_schema(const struct seen *s)
{
    assert_true(s->is_ended);
    cJSON *json = cJSON_Parse(s->content);
    assert_non_null(json);
    assert_null(json_at(json, "summary"));
    cJSON_Delete(json);
}

static void has_no_picture(const struct seen *s)
{
    assert_true(s->is_ended);
    assert_true(s->prompt_tokens == 15);
    assert_null(strstr(s->content, "112x84"));
    assert_string_equal(s->finish, "stop");
}

static void has_thinking(const struct seen *s)
{
    assert_true(strlen(s->thinking) > 0);
    is_good(s);
}

static void has_inline_thinking(const struct seen *s)
{
    assert_true(strncmp(s->content, "<think>", 7) == 0);
    assert_non_null(strstr(s->content, "</think>\n\n{"));
}

static void is_repeating(const struct seen *s)
{
    assert_non_null(strstr(s->content, "the same again the same again the same again"));
    assert_string_equal(s->finish, "length");
}

static void is_crash(const struct seen *s)
{
    assert_int_equal(s->r.status, 500);
}

static void is_oom(const struct seen *s)
{
    assert_true(s->r.status >= 400);
    assert_true(strstr(s->r.body, "memory") || strstr(s->r.body, "resources"));
}

static void is_html(const struct seen *s)
{
    assert_int_equal(s->r.status, 502);
    assert_non_null(strstr(s->r.head, "Content-Type: text/html"));
    assert_non_null(strstr(s->r.body, "<html>"));
}

static const struct {
    const char *spec, *name;
    void (*check)(const struct seen *s);
} faults[] = {
    {"none", "none", is_good},
    {"429=7", "429", is_429},
    {"429=date", "429", is_429_with_date},
    {"429=quota", "429", is_429_quota},
    {"503-busy", "503-busy", is_busy},
    {"503-loading", "503-loading", is_loading},
    {"200-error", "200-error", is_ok_error},
    {"empty-length", "empty-length", is_empty_length},
    {"truncate", "truncate", is_truncated},
    {"stream-error", "stream-error", is_stream_error},
    {"cut", "cut", is_cut},
    {"cut-mid", "cut-mid", is_cut_in_the_middle},
    {"slow-first-byte=40", "slow-first-byte", is_slow_but_good},
    {"drip=2/64:1", "drip", is_dripping_but_good},
    {"stall", "stall", is_stalled},
    {"garbage", "garbage", is_garbage},
    {"wrong-json", "wrong-json", is_wrong_json},
    {"wrong-schema", "wrong-schema", is_wrong_schema},
    {"drop-image", "drop-image", has_no_picture},
    {"thinking", "thinking", has_thinking},
    {"thinking=inline", "thinking", has_inline_thinking},
    {"repeat", "repeat", is_repeating},
    {"500", "500", is_crash},
    {"oom", "oom", is_oom},
    {"html", "html", is_html},
};

static void check_fault(const struct backend *b, const char *kind, bool is_stream,
                        size_t i)
{
    char json[96];
    struct seen s;
    control(b, "/__fake/reset", NULL);
    snprintf(json, sizeof json, "{\"faults\":[\"%s\"]}", faults[i].spec);
    control(b, "/__fake/faults", json);
    look(b, kind, is_stream, faults[i].check == is_stalled ? 60 : 10000, &s);
    faults[i].check(&s);
    snprintf(json, sizeof json, "faults.%s", faults[i].name);
    assert_true(stat_of(b, json) == 1);
    assert_true(stat_of(b, "totals.asked") == 1);
    bool is_answer = faults[i].check == is_good || faults[i].check == is_slow_but_good ||
                     faults[i].check == is_dripping_but_good ||
                     faults[i].check == has_thinking ||
                     faults[i].check == has_inline_thinking;
    if (!is_answer)
        assert_true(stat_of(b, "totals.answered") == 0);
    else
        await_stat(b, "totals.answered", 1);
    reply_free(&s.r);
    free(s.content);
    free(s.thinking);
}

static void run_kind(const char *kind)
{
    struct backend b;
    char flags[64];
    snprintf(flags, sizeof flags, "--kind %s --latency-ms 2 --load-ms 0", kind);
    if (strcmp(kind, "ollama") != 0)
        snprintf(flags, sizeof flags, "--kind %s --latency-ms 2", kind);
    backend_start(&b, flags);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        check_fault(&b, kind, false, i);
        check_fault(&b, kind, true, i);
    }
    // Whoever stalled or was cut has given its slot back.
    await_stat(&b, "running", 0);
    backend_stop(&b);
}

static void ollama(void **state)
{
    (void)state;
    run_kind("ollama");
}

static void openai(void **state)
{
    (void)state;
    run_kind("openai");
}

static void vllm(void **state)
{
    (void)state;
    run_kind("vllm");
}

static void sglang(void **state)
{
    (void)state;
    run_kind("sglang");
}

static void lmstudio(void **state)
{
    (void)state;
    run_kind("lmstudio");
}

static void llama_server(void **state)
{
    (void)state;
    run_kind("llama-server");
}

static void llama_swap(void **state)
{
    (void)state;
    run_kind("llama-swap");
}

// --- when a fault strikes --------------------------------------------------------------

static int status_of_chat(const struct backend *b)
{
    struct reply r;
    ask(b, "POST", "/v1/chat/completions",
        "{\"model\":\"" MODEL "\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
        &r);
    int status = r.status;
    reply_free(&r);
    return status;
}

static void a_count_strikes_the_first_ones(void **state)
{
    (void)state;
    struct backend b;
    backend_start(&b, "--kind openai --latency-ms 0 --fault 500:2 --fault 429:1");
    assert_int_equal(status_of_chat(&b), 500);
    assert_int_equal(status_of_chat(&b), 500);
    assert_int_equal(status_of_chat(&b), 429);
    assert_int_equal(status_of_chat(&b), 200);
    backend_stop(&b);
}

static void the_seed_decides(void **state)
{
    (void)state;
    char said[3][61] = {{0}};
    for (int run = 0; run < 3; run++) {
        struct backend b;
        char flags[96];
        snprintf(flags, sizeof flags,
                 "--kind openai --latency-ms 0 --fault 500:30%% --seed %d",
                 run < 2 ? 7 : 8);
        backend_start(&b, flags);
        for (int i = 0; i < 60; i++)
            said[run][i] = status_of_chat(&b) == 500 ? 'x' : '.';
        assert_true(stat_of(&b, "faults.500") >= 6);
        assert_true(stat_of(&b, "faults.500") <= 34);
        backend_stop(&b);
    }
    assert_string_equal(said[0], said[1]);
    assert_string_not_equal(said[0], said[2]);
}

static void any_takes_them_all(void **state)
{
    (void)state;
    struct backend b;
    struct reply r;
    backend_start(&b, "--kind openai --latency-ms 0 --fault any:100%");
    for (int i = 0; i < 150; i++) {
        static const char body[] =
            "{\"model\":\"" MODEL "\",\"messages\":[{\"role\":\"user\","
            "\"content\":\"Hi\"}]}";
        int fd = client_connect(&b);
        client_send(fd, "POST", "/v1/chat/completions", "", body, sizeof body - 1);
        client_read_patiently(fd, 5, &r);
        close(fd);
        reply_free(&r);
    }
    assert_true(stat_of(&b, "faults.none") == 0);
    for (size_t i = 1; i < sizeof faults / sizeof faults[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "faults.%s", faults[i].name);
        assert_true(stat_of(&b, path) > 0);
    }
    backend_stop(&b);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"{\"faults\":[\"nope\"]}",
                                      "{\"faults\":[\"500:x\"]}", "{\"faults\":3}", "{",
                                      "{\"faults\":[\"500:20%\",7]}"};
    struct backend b;
    backend_start(&b, "--kind openai --fault 500");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct reply r;
        ask(&b, "POST", "/__fake/faults", bad[i], &r);
        assert_int_equal(r.status, 400);
        reply_free(&r);
    }
    assert_int_equal(status_of_chat(&b), 500);  // the old ones still stand
    control(&b, "/__fake/faults", "{\"faults\":[]}");
    assert_int_equal(status_of_chat(&b), 200);
    backend_stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ollama),
        cmocka_unit_test(openai),
        cmocka_unit_test(vllm),
        cmocka_unit_test(sglang),
        cmocka_unit_test(lmstudio),
        cmocka_unit_test(llama_server),
        cmocka_unit_test(llama_swap),
        cmocka_unit_test(a_count_strikes_the_first_ones),
        cmocka_unit_test(the_seed_decides),
        cmocka_unit_test(any_takes_them_all),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
