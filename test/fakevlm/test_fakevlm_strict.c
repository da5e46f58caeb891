// test_fakevlm_strict.c -- what each kind refuses, with which status and words.
// SPDX-License-Identifier: MIT
#include "fake_client.h"
#include "fake_pictures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL "qwen2.5vl:7b"
#define V1    "/v1/chat/completions"

static const uint32_t grey[4] = {0x707070, 0x808080, 0x909090, 0xa0a0a0};

static struct {
    struct sent_picture png, jpeg, webp, half_png, half_jpeg, noise;
} pictures;

static struct sent_picture cut_copy(const struct sent_picture *p, size_t len)
{
    struct sent_picture copy = *p;
    copy.bytes = malloc(len);
    memcpy(copy.bytes, p->bytes, len);
    copy.len = len;
    return copy;
}

static int make_pictures(void **state)
{
    (void)state;
    picture_make(&pictures.png, PICTURE_PNG, 112, 84, grey);
    picture_make(&pictures.jpeg, PICTURE_JPEG, 112, 84, grey);
    picture_make(&pictures.webp, PICTURE_WEBP, 112, 84, grey);
    pictures.half_png = cut_copy(&pictures.png, pictures.png.len / 2);
    pictures.half_jpeg = cut_copy(&pictures.jpeg, pictures.jpeg.len - 40);
    pictures.noise = cut_copy(&pictures.png, pictures.png.len);
    memset(pictures.noise.bytes, 'x', pictures.noise.len);
    return 0;
}

static int free_pictures(void **state)
{
    (void)state;
    picture_free(&pictures.png);
    picture_free(&pictures.jpeg);
    picture_free(&pictures.webp);
    picture_free(&pictures.half_png);
    picture_free(&pictures.half_jpeg);
    picture_free(&pictures.noise);
    return 0;
}

static bool is_ollama(const char *flags)
{
    return strstr(flags, "ollama") != NULL;
}

static void expect(const char *flags, const char *path, const char *body, int status,
                   const char *words)
{
    struct backend b;
    struct reply r;
    backend_start(&b, flags);
    ask(&b, body ? "POST" : "GET", path, body, &r);
    if (r.status != status || (words && !strstr(r.body, words)))
        fail_msg("%s: %s: expected %d %s, got %d %s", flags, path, status,
                 words ? words : "", r.status, r.body);
    reply_free(&r);
    backend_stop(&b);
}

static void pictures_are_really_decoded(void **state)
{
    (void)state;
    const struct {
        const char *flags;
        const struct sent_picture *picture;
        int status;
        const char *words;
    } rows[] = {
        {"--kind ollama", &pictures.jpeg, 200, "A 112x84 picture"},
        {"--kind ollama", &pictures.half_jpeg, 200, "A 112x84 picture"},
        {"--kind ollama", &pictures.half_png, 400, "Failed to load image or audio file"},
        {"--kind ollama", &pictures.noise, 400, "{\"error\":\"{\\\"error\\\":"},
        {"--kind ollama --version-string 0.32.13", &pictures.webp, 400, "Failed to load"},
        {"--kind ollama --version-string 0.30.0", &pictures.webp, 400, "Failed to load"},
        {"--kind ollama --version-string 0.32.14", &pictures.webp, 200, "112x84"},
        {"--kind ollama --version-string 0.24.0", &pictures.webp, 200, "112x84"},
        {"--kind llama-server", &pictures.webp, 400,
         "Failed to load image or audio file"},
        {"--kind llama-server", &pictures.half_jpeg, 200, "112x84"},
        {"--kind llama-server", &pictures.half_png, 400, "Failed to load"},
        {"--kind llama-router", &pictures.webp, 400, "Failed to load"},
        {"--kind llama-swap", &pictures.webp, 400, "Failed to load"},
        {"--kind openai", &pictures.webp, 200, "112x84"},
        {"--kind openai", &pictures.noise, 400, "unsupported_image_format"},
        {"--kind vllm", &pictures.webp, 200, "112x84"},
        {"--kind vllm", &pictures.half_jpeg, 400, "cannot identify image file"},
        {"--kind vllm", &pictures.noise, 400, "\"code\":400"},
        {"--kind sglang", &pictures.noise, 400, "{\"object\":\"error\""},
        {"--kind sglang", &pictures.half_jpeg, 400, "cannot identify"},
        {"--kind lmstudio", &pictures.webp, 200, "112x84"},
        {"--kind lmstudio", &pictures.noise, 400, "failed to decode"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool native = is_ollama(rows[i].flags);
        char *data =
            native ? picture_base64(rows[i].picture, 0) : data_url(rows[i].picture);
        char *body = native ? chat_ollama(MODEL, data, false, "")
                            : chat_openai(MODEL, data, false, "");
        expect(rows[i].flags, native ? "/api/chat" : V1, body, rows[i].status,
               rows[i].words);
        free(data);
        free(body);
    }
}

static void base64_and_urls_are_strict(void **state)
{
    (void)state;
    char *good = picture_base64(&pictures.png, 0),
         *lines = picture_base64(&pictures.png, 76);
    // Decoders stop at IEND, so bytes behind it only make the padding needed.
    struct sent_picture longer = pictures.png;
    longer.len = pictures.png.len / 3 * 3 + 1;
    longer.bytes = calloc(1, longer.len + 3);
    longer.len += longer.len < pictures.png.len ? 3 : 0;
    memcpy(longer.bytes, pictures.png.bytes, pictures.png.len);
    char *unpadded = picture_base64(&longer, 0);
    assert_non_null(strchr(unpadded, '='));
    unpadded[strcspn(unpadded, "=")] = 0;
    char *foreign = strdup(good);
    foreign[21] = '-';
    const struct {
        const char *flags, *prefix, *base64;
        int status;
        const char *words;
    } rows[] = {
        {"--kind ollama", "data:image/png;base64,", good, 400,
         "illegal base64 data at input byte 4"},
        {"--kind ollama", "", foreign, 400, "illegal base64 data at input byte 21"},
        {"--kind ollama", "", lines, 400, "illegal base64 data at input byte 76"},
        {"--kind ollama", "", unpadded, 400, "illegal base64 data"},
        {"--kind ollama", "", good, 200, NULL},
        {"--kind llama-server", "data:image/png;base64,", lines, 400,
         "Failed to load image"},
        {"--kind llama-server", "data:image/png;base64,", foreign, 400, "Failed to load"},
        {"--kind llama-server", "data:image/png;base64,", unpadded, 200, NULL},
        {"--kind llama-server", "data:image/whatever;base64,", good, 200, NULL},
        {"--kind llama-server", "", good, 500, "Invalid url value"},
        {"--kind llama-server", "data:text/png;base64,", good, 500, "Invalid url format"},
        {"--kind llama-server", "data:image/png,", good, 500,
         "url must be base64 encoded"},
        {"--kind vllm", "data:image/png;base64,", lines, 400, "base64"},
        {"--kind vllm", "data:image/png;base64,", foreign, 400, "base64"},
        {"--kind vllm", "", good, 400, "BadRequestError"},
        {"--kind sglang", "data:image/png;base64,", foreign, 400, "\"object\":\"error\""},
        {"--kind openai", "data:image/png;base64,", foreign, 400, "invalid_base64"},
        {"--kind openai", "data:image/png,", good, 400, "invalid_image_url"},
        {"--kind lmstudio", "data:image/png;base64,", foreign, 400,
         "{\"error\":\"Invalid"},
        {"--kind lmstudio", "http://example.com/a.png?", good, 400, "{\"error\":\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool native = is_ollama(rows[i].flags);
        char *data = NULL;
        assert_true(asprintf(&data, "%s%s", rows[i].prefix, rows[i].base64) > 0);
        char *body = native ? chat_ollama(MODEL, data, false, "")
                            : chat_openai(MODEL, data, false, "");
        expect(rows[i].flags, native ? "/api/chat" : V1, body, rows[i].status,
               rows[i].words);
        free(data);
        free(body);
    }
    free(good);
    free(lines);
    free(unpadded);
    free(longer.bytes);
    free(foreign);
}

static void a_model_without_eyes_says_so(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        int status;
        const char *words;
    } rows[] = {
        {"ollama", 500, "image input is not supported - hint"},
        {"llama-server", 500, "\"type\":\"server_error\""},
        {"vllm", 400, "is not a multimodal model"},
        {"sglang", 400, "is not a multimodal model"},
        {"openai", 400, "image_url is only supported by certain models"},
        {"lmstudio", 400, "{\"error\":\"Model does not support images."},
        {"llama-swap", 500, "image input is not supported"},
    };
    char *base64 = picture_base64(&pictures.png, 0), *url = data_url(&pictures.png);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool native = is_ollama(rows[i].kind);
        char flags[80];
        snprintf(flags, sizeof flags, "--kind %s --model blind/novision", rows[i].kind);
        char *body = native ? chat_ollama("blind", base64, false, "")
                            : chat_openai("blind", url, false, "");
        expect(flags, native ? "/api/chat" : V1, body, rows[i].status, rows[i].words);
        free(body);
    }
    free(base64);
    free(url);
}

static void a_picture_too_big_for_the_context_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *words;
    } rows[] = {
        {"ollama", "\\\"n_ctx\\\":20"},
        {"llama-server", "\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":27"},
        {"llama-router", "exceeds the available context size (20 tokens)"},
        {"vllm", "maximum context length is 20 tokens"},
        {"sglang", "maximum context length (20 tokens)"},
        {"openai", "context_length_exceeded"},
    };
    char *base64 = picture_base64(&pictures.png, 0), *url = data_url(&pictures.png);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool native = is_ollama(rows[i].kind);
        char flags[80];
        snprintf(flags, sizeof flags, "--kind %s --ctx 20", rows[i].kind);
        char *body = native ? chat_ollama(MODEL, base64, true, "")
                            : chat_openai(MODEL, url, true, "");
        expect(flags, native ? "/api/chat" : V1, body, 400, rows[i].words);
        free(body);
    }
    // Ollama's num_ctx makes room, or takes it away.
    char *wide = chat_ollama(MODEL, base64, false, ",\"options\":{\"num_ctx\":100}");
    expect("--kind ollama --ctx 20", "/api/chat", wide, 200, "112x84");
    free(wide);
    free(base64);
    free(url);
}

static void lmstudio_says_200_first_when_it_streams(void **state)
{
    (void)state;
    static const struct {
        const char *flags, *model, *words;
    } rows[] = {
        {"--kind lmstudio --ctx 20", MODEL, "The number of tokens to keep"},
        {"--kind lmstudio --model blind/novision", "blind", "does not support images"},
    };
    char *url = data_url(&pictures.png);
    for (size_t i = 0; i < 2; i++) {
        char *whole = chat_openai(rows[i].model, url, false, "");
        char *streamed = chat_openai(rows[i].model, url, true, "");
        expect(rows[i].flags, V1, whole, 400, rows[i].words);
        expect(rows[i].flags, V1, streamed, 200, "event: error\ndata: {\"error\":");
        free(whole);
        free(streamed);
    }
    free(url);
}

static void mistakes_are_answered_as_the_real_ones_do(void **state)
{
    (void)state;
#define USER ",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}"
    static const struct {
        const char *flags, *path, *body;
        int status;
        const char *words;
    } rows[] = {
        {"--kind ollama", "/api/chat", "", 400, "missing request body"},
        {"--kind ollama", "/api/chat", "{", 400, "{\"error\":\""},
        {"--kind ollama", "/api/chat", "{\"a\":1" USER, 400, "model is required"},
        {"--kind ollama", "/api/chat", "{\"model\":\"x\"" USER, 404,
         "model 'x' not found"},
        {"--kind ollama", "/api/chat", "{\"model\":\"" MODEL "\",\"format\":\"xml\"" USER,
         400, "invalid format"},
        {"--kind ollama", "/api/chat", "{\"model\":\"" MODEL "\",\"think\":true" USER,
         400, "does not support thinking"},
        {"--kind ollama", "/api/chat",
         "{\"model\":\"" MODEL "\",\"options\":{\"num_ctx\":\"8\"}" USER, 400,
         "option \\\"num_ctx\\\" must be of type"},
        {"--kind ollama", "/api/chat",
         "{\"model\":\"" MODEL "\",\"keep_alive\":\"300\"" USER, 400, "invalid duration"},
        {"--kind ollama", "/api/show", "{\"model\":\"x\"}", 404, "not found"},
        {"--kind ollama", "/nowhere", NULL, 404, "404 page not found"},
        {"--kind llama-server", V1, "{", 500, "server_error"},
        {"--kind llama-server", V1, "", 500, "server_error"},
        {"--kind llama-server", V1, "{\"model\":\"other\"" USER, 200, MODEL},
        {"--kind llama-server", V1, "{\"max_tokens\":\"24\"" USER, 400,
         "invalid_request"},
        {"--kind llama-server", V1,
         "{\"chat_template_kwargs\":{\"enable_thinking\":\"no\"}" USER, 400, "boolean"},
        {"--kind llama-server", V1,
         "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\"}]}]}", 400,
         "unsupported content[].type"},
        {"--kind llama-server", V1, "{\"messages\":[{\"content\":\"Hi\"}]}", 500, "role"},
        {"--kind llama-server", V1,
         "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
         "\"image_url\":\"data:image/png;base64,AAAA\"}]}]}",
         500, "server_error"},
        {"--kind llama-server", "/nowhere", NULL, 404, "File Not Found"},
        {"--kind llama-server", V1, NULL, 404, "File Not Found"},
        {"--kind llama-server --api-key k", V1, "{\"a\":1" USER, 401, "Invalid API Key"},
        {"--kind llama-server --api-key k", "/health", NULL, 200, "ok"},
        {"--kind llama-server --load-ms 60000", "/health", NULL, 503, "Loading model"},
        {"--kind llama-server --load-ms 60000", V1, "{\"a\":1" USER, 503,
         "unavailable_error"},
        {"--kind llama-router", V1, "{\"model\":\"x\"" USER, 400, "model 'x' not found"},
        {"--kind llama-router", V1 "?autoload=false", "{\"model\":\"" MODEL "\"" USER,
         400, "model is not loaded"},
        {"--kind llama-router", "/slots", NULL, 400, "model name is missing"},
        {"--kind llama-router", "/models/load", "{\"model\":\"x\"}", 404,
         "model is not found"},
        {"--kind llama-router", "/models/unload", "{\"model\":\"" MODEL "\"}", 400,
         "model is not running"},
        {"--kind vllm", V1, "{\"model\":\"x\"" USER, 404,
         "The model `x` does not exist."},
        {"--kind vllm --api-key k", V1, "{\"model\":\"x\"" USER, 401,
         "{\"error\":\"Unauthorized\"}"},
        {"--kind vllm --api-key k", "/health", NULL, 200, NULL},
        {"--kind sglang --load-ms 60000", "/health", NULL, 503, NULL},
        {"--kind openai --api-key k", V1, "{\"model\":\"x\"" USER, 401,
         "invalid_api_key"},
        {"--kind openai", V1, "{\"model\":\"x\"" USER, 404, "model_not_found"},
        {"--kind lmstudio", "/xyz", NULL, 200,
         "{\"error\":\"Unexpected endpoint or method. (GET /xyz)\"}"},
        {"--kind lmstudio", "/health", NULL, 200, "Unexpected endpoint"},
        {"--kind lmstudio", V1,
         "{\"model\":\"" MODEL "\",\"response_format\":{\"type\":\"json_object\"}" USER,
         400, "{\"error\":\"'response_format.type' must be 'json_schema' or 'text'\"}"},
        {"--kind lmstudio", V1, "{\"model\":\"x\"" USER, 404, "model_not_found"},
        {"--kind lmstudio", "/api/v1/chat",
         "{\"model\":\"" MODEL "\",\"reasoning\":\"off\",\"input\":\"Hi\"}", 400,
         "does not support reasoning"},
        {"--kind llama-swap", V1, "{\"model\":\"x\"" USER, 404,
         "{\"src\":\"llama-swap\",\"error\":{\"message\":\"no router for requested "
         "model\""},
    };
#undef USER
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(rows[i].flags, rows[i].path, rows[i].body, rows[i].status, rows[i].words);
}

static void keys_are_accepted_in_their_forms(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *header;
        int status;
    } rows[] = {
        {"openai", "Authorization: Bearer k\r\n", 200},
        {"openai", "Authorization: Bearer kk\r\n", 401},
        {"openai", "X-Api-Key: k\r\n", 401},
        {"llama-swap", "X-Api-Key: k\r\n", 200},
        {"lmstudio", "Authorization: Bearer k\r\n", 200},
        {"lmstudio", "", 401},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct backend b;
        struct reply r;
        char flags[64];
        snprintf(flags, sizeof flags, "--kind %s --api-key k", rows[i].kind);
        backend_start(&b, flags);
        ask_with(&b, "GET", "/v1/models", rows[i].header, NULL, &r);
        assert_int_equal(r.status, rows[i].status);
        reply_free(&r);
        ask_with(&b, "GET", "/__fake/stats", "", NULL, &r);
        assert_int_equal(r.status, 200);
        reply_free(&r);
        backend_stop(&b);
    }
}

static void headers_matter_where_they_do(void **state)
{
    (void)state;
    static const char body[] =
        "{\"model\":\"" MODEL "\",\"messages\":[{\"role\":\"user\","
        "\"content\":\"Hi\"}]}";
    static const struct {
        const char *flags, *path, *headers;
        int status;
    } rows[] = {
        {"--kind sglang", V1, "", 400},
        {"--kind sglang", V1, "Content-Type: text/plain\r\n", 400},
        {"--kind sglang", V1, "Content-Type: application/json; charset=utf-8\r\n", 200},
        {"--kind vllm", V1, "", 200},
        {"--kind llama-server", V1, "Content-Encoding: gzip\r\n", 415},
        {"--kind ollama", "/api/chat", "", 200},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct backend b;
        struct reply r;
        backend_start(&b, rows[i].flags);
        ask_with(&b, "POST", rows[i].path, rows[i].headers, body, &r);
        assert_int_equal(r.status, rows[i].status);
        reply_free(&r);
        backend_stop(&b);
    }
}

static void a_foreign_host_is_forbidden_by_ollama(void **state)
{
    (void)state;
    static const char request[] =
        "GET /api/version HTTP/1.1\r\nHost: example.com\r\n\r\n";
    struct backend b;
    struct reply r;
    backend_start(&b, "--kind ollama");
    int fd = client_connect(&b);
    assert_int_equal(write(fd, request, sizeof request - 1), sizeof request - 1);
    client_read(fd, &r);
    assert_int_equal(r.status, 403);
    assert_int_equal(r.body_len, 0);
    close(fd);
    reply_free(&r);
    backend_stop(&b);
}

static void a_body_over_100_mib_is_refused_unread(void **state)
{
    (void)state;
    static const char head[] = "POST " V1 " HTTP/1.1\r\nHost: x\r\n"
                               "Content-Length: 104857601\r\n\r\n";
    struct backend b;
    struct reply r;
    backend_start(&b, "--kind llama-server");
    int fd = client_connect(&b);
    assert_int_equal(write(fd, head, sizeof head - 1), sizeof head - 1);
    client_read(fd, &r);
    assert_int_equal(r.status, 413);
    assert_true(r.will_close);
    close(fd);
    reply_free(&r);
    backend_stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_really_decoded),
        cmocka_unit_test(base64_and_urls_are_strict),
        cmocka_unit_test(a_model_without_eyes_says_so),
        cmocka_unit_test(a_picture_too_big_for_the_context_is_refused),
        cmocka_unit_test(lmstudio_says_200_first_when_it_streams),
        cmocka_unit_test(mistakes_are_answered_as_the_real_ones_do),
        cmocka_unit_test(keys_are_accepted_in_their_forms),
        cmocka_unit_test(headers_matter_where_they_do),
        cmocka_unit_test(a_foreign_host_is_forbidden_by_ollama),
        cmocka_unit_test(a_body_over_100_mib_is_refused_unread),
    };
    return cmocka_run_group_tests(tests, make_pictures, free_pictures);
}
