// test_classify.c -- bodies that servers send, and the class each one belongs to.
//
// Source: PROTOCOLS.md 1.5, 2.4, 3.5, 4 to 7, 8.2; 13 holds what real servers said.
// SPDX-License-Identifier: MIT
#include "backend/backend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct row {
    int status;
    const char *body;
    int expected;
    const char *words;  // must be in the message; NULL = do not look
};

#define ERROR(message) "{\"error\":{\"message\":\"" message "\"}}"
#define TYPED(message, type)                                                             \
    "{\"error\":{\"message\":\"" message "\",\"type\":\"" type "\"}}"
#define CODED(message, code)                                                             \
    "{\"error\":{\"message\":\"" message "\",\"code\":\"" code "\"}}"
#define WORDS(message) "{\"error\":\"" message "\"}"
#define NESTED(inner)  "{\"error\":\"{\\\"error\\\":{" inner "}}\"}"

static const struct row rows[] = {
    // NO_VISION
    {400, WORDS("Model does not support images. Please use a model that does."),
     E_NO_VISION, "Please use a model"},
    {400, WORDS("this model does not support image input"), E_NO_VISION, NULL},
    {500,
     ERROR("image input is not supported - hint: if this is unexpected, you may need to "
           "provide the mmproj"),
     E_NO_VISION, "mmproj"},
    {500,
     NESTED("\\\"code\\\":500,\\\"message\\\":\\\"image input is not supported - hint: "
            "mmproj\\\",\\\"type\\\":\\\"server_error\\\""),
     E_NO_VISION, "mmproj"},
    {400, ERROR("text-model is not a multimodal model"), E_NO_VISION, NULL},
    {400,
     NESTED("\\\"message\\\":\\\"Multimodal data provided, but model does not support "
            "multimodal requests.\\\""),
     E_NO_VISION, "Multimodal data"},
    {500, WORDS("missing data required for image input"), E_NO_VISION, NULL},
    {404,
     "{\"error\":{\"code\":404,\"message\":\"No endpoints found that support image "
     "input\"}}",
     E_NO_VISION, NULL},
    {400, ERROR("Invalid content type. image_url is only supported by certain models."),
     E_NO_VISION, NULL},
    {200,
     "{\"error\":{\"message\":\"Model does not support images\"},\"message\":\"Model "
     "does not support images\"}",
     E_NO_VISION, NULL},

    // CONTEXT
    {400,
     "{\"error\":{\"code\":400,\"message\":\"request (43900 tokens) exceeds the "
     "available context size (8192 tokens), try increasing it\",\"type\":"
     "\"exceed_context_size_error\",\"n_prompt_tokens\":43900,\"n_ctx\":8192}}",
     E_CONTEXT, "43900"},
    {400,
     NESTED("\\\"code\\\":400,\\\"message\\\":\\\"request (4165 tokens) exceeds the "
            "available context size (4096 tokens)\\\",\\\"type\\\":"
            "\\\"exceed_context_size_error\\\""),
     E_CONTEXT, "4165"},
    {400,
     ERROR("This model's maximum context length is 4096 tokens. However, you requested "
           "500 output tokens and your prompt contains at least 5000 input tokens."),
     E_CONTEXT, NULL},
    {400, CODED("too long", "context_length_exceeded"), E_CONTEXT, NULL},
    {400, WORDS("the prompt is longer than the context length currently available"),
     E_CONTEXT, NULL},
    {400, WORDS("prompt too long; exceeded max context length by 9 tokens"), E_CONTEXT,
     NULL},
    {400,
     WORDS("The number of tokens to keep from the initial prompt is greater than the "
           "context length"),
     E_CONTEXT, NULL},
    {200, WORDS("The number of tokens to keep from the initial prompt is greater"),
     E_CONTEXT, NULL},
    {500, ERROR("Context size has been exceeded."), E_CONTEXT, NULL},
    {400, ERROR("litellm.ContextWindowExceededError: x"), E_CONTEXT, NULL},

    // BAD_IMAGE
    {400,
     "{\"error\":{\"code\":400,\"message\":\"Failed to load image or audio file\","
     "\"type\":\"invalid_request_error\"}}",
     E_BAD_IMAGE, "Failed to load image"},
    {500, ERROR("Failed to load image or audio file"), E_BAD_IMAGE, NULL},
    {400, WORDS("illegal base64 data at input byte 4"), E_BAD_IMAGE, NULL},
    {400, ERROR("cannot identify image file <_io.BytesIO object>"), E_BAD_IMAGE, NULL},
    {400, WORDS("invalid image input"), E_BAD_IMAGE, NULL},
    {400, CODED("x", "invalid_image"), E_BAD_IMAGE, NULL},
    {400, ERROR("Failed to decode image"), E_BAD_IMAGE, NULL},
    {400, CODED("x", "unsupported_image_format"), E_BAD_IMAGE, NULL},
    {400, CODED("x", "image_too_large"), E_BAD_IMAGE, NULL},
    {500, ERROR("Invalid url value"), E_BAD_IMAGE, NULL},
    {500, ERROR("Invalid uri format: image/png"), E_BAD_IMAGE, NULL},
    {500, ERROR("url must be base64 encoded"), E_BAD_IMAGE, NULL},
    {400, ERROR("failed to process image"), E_BAD_IMAGE, NULL},
    {500, ERROR("failed to process image"), E_SERVER, NULL},

    // MODEL_MISSING
    {404, WORDS("model 'x' not found"), E_MODEL_MISSING, NULL},
    {404, WORDS("model \\\"x\\\" not found, try pulling it first"), E_MODEL_MISSING,
     NULL},
    {400, CODED("no", "model_not_found"), E_MODEL_MISSING, NULL},
    {400, ERROR("model 'no-such' not found"), E_MODEL_MISSING, NULL},
    {404,
     "{\"object\":\"error\",\"message\":\"The model `x` does not exist.\",\"type\":"
     "\"NotFoundError\",\"param\":null,\"code\":404}",
     E_MODEL_MISSING, "`x`"},
    {404,
     "{\"src\":\"llama-swap\",\"error\":{\"message\":\"no router for requested model\","
     "\"code\":\"not_found\"}}",
     E_MODEL_MISSING, NULL},
    {400, ERROR("The model `gpt-9` does not exist or you do not have access to it."),
     E_MODEL_MISSING, NULL},

    // AUTH
    {401,
     "{\"error\":{\"message\":\"Invalid API Key\",\"type\":\"authentication_error\","
     "\"code\":401}}",
     E_AUTH, "Invalid API Key"},
    {401, WORDS("Unauthorized"), E_AUTH, NULL},
    {401, "{\"error\":\"unauthorized\",\"signin_url\":\"https://x\"}", E_AUTH, NULL},
    {403, "", E_AUTH, "no words"},
    {403, ERROR("no access to this project"), E_AUTH, NULL},
    {403, ERROR("moderation: your input was flagged"), E_BAD_REQUEST, NULL},

    // QUOTA
    {402, ERROR("Insufficient credits"), E_QUOTA, NULL},
    {429, CODED("You exceeded your current quota", "insufficient_quota"), E_QUOTA, NULL},
    {429, CODED("x", "credit_balance_exhausted"), E_QUOTA, NULL},
    {429, CODED("x", "organization_spend_limit_exceeded"), E_QUOTA, NULL},
    {429, CODED("x", "organization_usage_limit_exceeded"), E_QUOTA, NULL},
    {400, TYPED("Budget has been exceeded", "budget_exceeded"), E_QUOTA, NULL},

    // RATE
    {429, CODED("Rate limit reached", "rate_limit_exceeded"), E_RATE, "Rate limit"},
    {429,
     "{\"src\":\"llama-swap\",\"error\":{\"message\":\"Too many requests\",\"type\":"
     "\"rate_limit_error\",\"param\":null,\"code\":\"concurrency_limit\"}}",
     E_RATE, NULL},
    {429, "", E_RATE, NULL},
    {429,
     "{\"error\":{\"message\":\"x\",\"type\":\"throttling_error\",\"param\":null,"
     "\"code\":\"429\"}}",
     E_RATE, NULL},
    {200, "{\"error\":{\"message\":\"x\",\"code\":\"429\"}}", E_RATE, NULL},
    {200, "{\"error\":{\"message\":\"x\",\"code\":429,\"metadata\":{}}}", E_RATE, NULL},

    // OVERLOAD
    {503, WORDS("server busy, please try again.  maximum pending requests exceeded"),
     E_OVERLOAD, NULL},
    {503,
     "{\"object\":\"error\",\"message\":\"The request queue is full.\",\"code\":503}",
     E_OVERLOAD, NULL},
    {503, TYPED("no slot available", "unavailable_error"), E_OVERLOAD, NULL},
    {503, CODED("x", "server_is_overloaded"), E_OVERLOAD, NULL},
    {503, ERROR("The request is aborted by a higher priority request."), E_OVERLOAD,
     NULL},
    {503,
     "{\"detail\": {\"msg\": \"Server is busy; please try again later.\", \"type\": "
     "\"service_unavailable\"}}",
     E_OVERLOAD, "Server is busy"},
    {529, ERROR("x"), E_OVERLOAD, NULL},
    {503, "", E_OVERLOAD, NULL},
    {200, "{\"error\":{\"object\":\"error\",\"message\":\"x\",\"code\":503}}", E_OVERLOAD,
     NULL},

    // LOADING
    {503,
     "{\"error\":{\"message\":\"Loading model\",\"type\":\"unavailable_error\","
     "\"code\":503}}",
     E_LOADING, "Loading model"},
    {503, ERROR("The model is loading."), E_LOADING, NULL},
    {503, "{\"src\":\"llama-swap\",\"error\":{\"message\":\"[m] process is not ready\"}}",
     E_LOADING, NULL},
    {400, ERROR("model is not loaded"), E_LOADING, NULL},

    // MODEL_CRASH
    {500, WORDS("llama-server process has terminated: exit status 2"), E_MODEL_CRASH,
     NULL},
    {500,
     "{\"error\":\"{\\\"error\\\":{\\\"code\\\":500,\\\"message\\\":\\\"cudaMalloc "
     "failed: out of memory\\\"}}\\nlast line of the log\"}",
     E_MODEL_CRASH, "out of memory"},
    {500,
     WORDS("model runner has unexpectedly stopped, this may be due to resource "
           "limitations"),
     E_MODEL_CRASH, NULL},
    {500, WORDS("an error was encountered while running the model: x"), E_MODEL_CRASH,
     NULL},
    {500, WORDS("timed out waiting for llama-server to start"), E_MODEL_CRASH, NULL},
    {400,
     WORDS("The model has crashed without additional information. (Exit code: null)"),
     E_MODEL_CRASH, NULL},
    {500, WORDS("CUDA error: out of memory"), E_MODEL_CRASH, NULL},
    {500, WORDS("cudaMalloc failed"), E_MODEL_CRASH, NULL},
    {500, WORDS("GGML_ASSERT(a->ne[2]*4 == b->ne[0])"), E_MODEL_CRASH, NULL},
    {400, WORDS("Failed to load model \\\"x\\\""), E_MODEL_CRASH, NULL},
    {400, CODED("x", "model_load_failed"), E_MODEL_CRASH, NULL},
    {500, WORDS("insufficient system resources"), E_MODEL_CRASH, NULL},
    {500, WORDS("Not enough resources to load the model"), E_MODEL_CRASH, NULL},
    {500, ERROR("model name=x failed to load"), E_MODEL_CRASH, NULL},

    // BAD_REQUEST
    {400, ERROR("unsupported content[].type"), E_BAD_REQUEST, NULL},
    {400, WORDS("invalid format: 3; expected \\\"json\\\" or a valid JSON Schema object"),
     E_BAD_REQUEST, NULL},
    {400,
     "{\"detail\":[{\"loc\":[\"body\",\"chat_template_kwargs\"],\"msg\":\"Extra inputs "
     "are not permitted\",\"type\":\"extra_forbidden\"}]}",
     E_BAD_REQUEST, "body chat_template_kwargs Extra inputs"},
    {422, "{\"detail\":\"unprocessable\"}", E_BAD_REQUEST, "unprocessable"},
    {404, "404 page not found\n", E_BAD_REQUEST, "404 page not found"},
    {404, "", E_BAD_REQUEST, NULL},
    {404, ERROR("Invalid URL (POST /v1/v1/chat/completions)"), E_BAD_REQUEST, NULL},
    {405, "", E_BAD_REQUEST, NULL},
    {413, "", E_BAD_REQUEST, NULL},
    {415, "", E_BAD_REQUEST, NULL},
    {501, TYPED("x", "not_supported_error"), E_BAD_REQUEST, NULL},

    // SERVER
    {500,
     "{\"error\":{\"code\":500,\"message\":\"The model produced output that does not "
     "match the expected peg-native format\",\"type\":\"server_error\"}}",
     E_SERVER, NULL},
    {500, ERROR("[json.exception.type_error.316] invalid UTF-8 byte at index 545: 0xFA"),
     E_SERVER, "316"},
    {500, ERROR("Compute error."), E_SERVER, NULL},
    {502, "<html><head><title>502 Bad Gateway</title></head></html>", E_SERVER,
     "web page"},
    {504, "upstream timed out", E_SERVER, "upstream"},
    {408, "", E_SERVER, NULL},
    {409, "", E_SERVER, NULL},
    {425, "", E_SERVER, NULL},
    {499, WORDS("request canceled"), E_SERVER, NULL},
    {400, WORDS("Model is unloaded."), E_SERVER, NULL},
    {200, WORDS("something odd"), E_SERVER, "something odd"},
    {200,
     "{\"choices\":[{\"error\":{\"code\":502,\"message\":\"Provider returned error\"},"
     "\"finish_reason\":\"error\"}]}",
     E_SERVER, "Provider returned"},
    {200, "{\"message\":\"top level words\"}", E_SERVER, "top level"},

    // not what the protocol says
    {200, "{\"error\":\"Unexpected endpoint or method. (POST /v1/x)\"}", E_GARBAGE, NULL},
    {302, "", E_GARBAGE, "302"},
    {0, "", E_GARBAGE, NULL},
    {101, "", E_GARBAGE, NULL},
    {999, "x", E_GARBAGE, NULL},
};

static void every_body_has_its_class(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        struct err e = {0};
        int code = backend_classify(r->status, r->body, strlen(r->body), &e);
        if (code != r->expected || e.code != code) {
            fail_msg("%d %s: %s instead of %s", r->status, r->body, err_name(code),
                     err_name(r->expected));
        }
        if (r->words && !strstr(e.msg, r->words)) {
            fail_msg("%s: no \"%s\" in \"%s\"", r->body, r->words, e.msg);
        }
        assert_non_null(strstr(e.msg, err_words(code)));
    }
}

static void a_missing_body_is_harmless(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(backend_classify(500, NULL, 0, &e), E_SERVER);
    assert_int_equal(backend_classify(500, NULL, 77, NULL), E_SERVER);
}

static void odd_shapes_are_read_as_far_as_they_go(void **state)
{
    (void)state;
    static const struct row odd[] = {
        {400, "{\"error\":null}", E_BAD_REQUEST, NULL},
        {400, "{\"error\":[1,2]}", E_BAD_REQUEST, NULL},
        {400, "{\"error\":{\"message\":17,\"type\":[],\"code\":{}}}", E_BAD_REQUEST,
         NULL},
        {400, "{\"detail\":[1,{\"loc\":\"x\",\"msg\":\"m1\"},null]}", E_BAD_REQUEST,
         "m1"},
        {400, "{\"detail\":5}", E_BAD_REQUEST, NULL},
        {400, "[]", E_BAD_REQUEST, "[]"},
        {400, "null", E_BAD_REQUEST, NULL},
        {400, "{", E_BAD_REQUEST, NULL},
        {400, "}}}}", E_BAD_REQUEST, NULL},
        {200, "{\"error\":{\"code\":99999999999999999999}}", E_SERVER, NULL},
        {200, "{\"error\":{\"code\":\"-1\"}}", E_SERVER, NULL},
        // four deep: the innermost is no longer opened, its words are still found
        {500,
         "{\"error\":\"{\\\"error\\\":\\\"{\\\\\\\"error\\\\\\\":\\\\\\\"{"
         "\\\\\\\\\\\\\\\"error\\\\\\\\\\\\\\\":\\\\\\\\\\\\\\\"out of "
         "memory\\\\\\\\\\\\\\\"}\\\\\\\"}\\\"}\"}",
         E_MODEL_CRASH, "out of memory"},
    };
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct err e = {0};
        int code = backend_classify(odd[i].status, odd[i].body, strlen(odd[i].body), &e);
        if (code != odd[i].expected || (odd[i].words && !strstr(e.msg, odd[i].words))) {
            fail_msg("%s: %s, %s", odd[i].body, err_name(code), e.msg);
        }
    }
}

static void words_are_clean_and_bounded(void **state)
{
    (void)state;
    char body[5000];
    struct err e;
    memset(body, 'x', sizeof(body));
    memcpy(body, "a\xff\x01\n", 4);
    assert_int_equal(backend_classify(500, body, sizeof(body), &e), E_SERVER);
    assert_non_null(strstr(e.msg, "a?  xxx"));
    assert_true(strlen(e.msg) < 400);
    // words far behind the beginning still decide
    memcpy(body + 1000, "OUT OF MEMORY", 13);
    assert_int_equal(backend_classify(500, body, sizeof(body), &e), E_MODEL_CRASH);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_body_has_its_class),
        cmocka_unit_test(a_missing_body_is_harmless),
        cmocka_unit_test(odd_shapes_are_read_as_far_as_they_go),
        cmocka_unit_test(words_are_clean_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
