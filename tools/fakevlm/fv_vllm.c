// fv_vllm.c -- vLLM and SGLang: near relatives that differ in how they say no.
// SPDX-License-Identifier: MIT
#include <string.h>
#include <strings.h>

#include "fv_dialect.h"

static int running_now(const struct call *c)
{
    return (int)c->fake->stats.running;
}

// --- vLLM ------------------------------------------------------------------------------

#define BAD "BadRequestError"

static const struct fail_row vllm_rows[FAIL_COUNT] = {
    [FAIL_JSON] = {400, BAD, NULL, "Invalid JSON in the request body"},
    [FAIL_FIELD] = {400, BAD, NULL, NULL},
    [FAIL_FORMAT] = {400, BAD, NULL, NULL},
    [FAIL_BASE64] = {400, BAD, NULL,
                     "Invalid base64-encoded string: only base64 data is allowed"},
    [FAIL_URL] = {400, BAD, NULL, NULL},
    [FAIL_IMAGE] = {400, BAD, NULL, "Failed to load image: cannot identify image file"},
    [FAIL_NO_VISION] = {400, BAD, NULL, "{model} is not a multimodal model"},
    [FAIL_CONTEXT] =
        {400, BAD, NULL,
         "This model's maximum context length is {have} tokens. However, you "
         "requested 1 output tokens and your prompt contains at least {need} "
         "input tokens, for a total of at least {need} tokens."},
    [FAIL_NO_MODEL] = {404, "NotFoundError", NULL, "The model `{model}` does not exist."},
    [FAIL_RATE] = {429, "RateLimitError", NULL, "Too many requests."},
    [FAIL_QUOTA] = {429, "insufficient_quota", NULL, "You exceeded your current quota."},
    [FAIL_BUSY] =
        {503, "ServiceUnavailableError", NULL,
         "The request queue is full: maximum number of queued requests reached."},
    [FAIL_LOADING] = {503, "ServiceUnavailableError", NULL, "The engine is starting."},
    [FAIL_CRASH] =
        {500, "InternalServerError", NULL,
         "EngineCore encountered an issue. See stack trace for the root cause."},
    [FAIL_OOM] = {500, "InternalServerError", NULL, "CUDA out of memory."},
    [FAIL_TOO_BIG] = {413, "RequestEntityTooLarge", NULL, "Request body too large"},
};

static int vllm_fail(const struct call *c, const struct failure *f, struct text *body)
{
    if (f->what == FAIL_PATH) {
        text_puts(body, "{\"detail\":\"Not Found\"}");
        return 404;
    }
    if (f->what == FAIL_KEY) {
        text_puts(body, "{\"error\":\"Unauthorized\"}");
        return 401;
    }
    const struct fail_row *row = fail_row_of(vllm_rows, f);
    text_puts(body, "{\"error\":{\"message\":");
    fail_message(row, c, f, body);
    text_printf(body, ",\"type\":\"%s\",\"param\":null,\"code\":%d}}", row->type,
                row->status);
    return row->status;
}

static void add_vllm_model(const struct call *c, const struct model *m, struct text *out)
{
    text_puts(out, ",\"root\":");
    text_json(out, m->name, strlen(m->name));
    text_printf(out, ",\"parent\":null,\"max_model_len\":%d,\"permission\":[]",
                c->fake->opt.ctx_tokens);
}

static void chat(struct call *c)
{
    if (call_parse(c) && call_find_model(c, json_string(c->json, "model")) &&
        openai_parse(c))
        call_chat(c, &writer_openai);
}

static void reply_vllm_metrics(struct call *c)
{
    struct text body = {0};
    const char *name = c->fake->queue.models[0].name;
    text_printf(&body,
                "# TYPE vllm:num_requests_running gauge\n"
                "vllm:num_requests_running{engine=\"0\",model_name=\"%s\"} %d.0\n"
                "# TYPE vllm:num_requests_waiting gauge\n"
                "vllm:num_requests_waiting{engine=\"0\",model_name=\"%s\"} %d.0\n"
                "# TYPE vllm:kv_cache_usage_perc gauge\n"
                "vllm:kv_cache_usage_perc{engine=\"0\",model_name=\"%s\"} 0.1\n",
                name, running_now(c), name, c->fake->queue.waiting, name);
    call_reply(c, 200, "text/plain; version=0.0.4; charset=utf-8", body.data, body.len);
    text_free(&body);
}

static bool vllm_route(struct call *c)
{
    static const char version[] = "{\"version\":\"0.28.0\"}";
    if (call_is(c, HTTP_GET, "/health"))
        call_reply(c, 200, NULL, NULL, 0);
    else if (call_is(c, HTTP_GET, "/version"))
        call_reply(c, 200, "application/json", version, sizeof version - 1);
    else if (call_is(c, HTTP_GET, "/metrics"))
        reply_vllm_metrics(c);
    else if (strncmp(c->path, "/v1/", 4) != 0)
        return false;
    else if (!call_has_key(c))
        return true;
    else if (call_is(c, HTTP_GET, "/v1/models"))
        openai_models(c, "vllm", add_vllm_model);
    else if (call_is(c, HTTP_POST, "/v1/chat/completions"))
        chat(c);
    else
        return false;
    return true;
}

const struct dialect dialect_vllm = {
    .headers = "server: uvicorn\r\n", .route = vllm_route, .fail = vllm_fail};

// --- SGLang ----------------------------------------------------------------------------

#define SG_BAD "BadRequest"

static const struct fail_row sglang_rows[FAIL_COUNT] = {
    [FAIL_JSON] = {400, SG_BAD, NULL, "Invalid JSON in the request body"},
    [FAIL_FIELD] = {400, SG_BAD, NULL, NULL},
    [FAIL_FORMAT] = {400, SG_BAD, NULL, NULL},
    [FAIL_BASE64] = {400, SG_BAD, NULL,
                     "Incorrect padding or non-base64 character in image"},
    [FAIL_URL] = {400, SG_BAD, NULL, NULL},
    [FAIL_IMAGE] = {400, SG_BAD, NULL, "cannot identify image file"},
    [FAIL_NO_VISION] = {400, SG_BAD, NULL, "{model} is not a multimodal model"},
    [FAIL_CONTEXT] =
        {400, SG_BAD, NULL,
         "The input ({need} tokens) is longer than the model's maximum context "
         "length ({have} tokens)."},
    [FAIL_NO_MODEL] = {404, "NotFound", NULL, "The model `{model}` does not exist."},
    [FAIL_RATE] = {429, "RateLimit", NULL, "Too many requests."},
    [FAIL_QUOTA] = {429, "insufficient_quota", NULL, "You exceeded your current quota."},
    [FAIL_BUSY] = {503, "ServiceUnavailable", NULL, "The request queue is full."},
    [FAIL_LOADING] = {503, "ServiceUnavailable", NULL, "The server is starting."},
    [FAIL_CRASH] = {500, "InternalServerError", NULL, "Internal server error"},
    [FAIL_OOM] = {500, "InternalServerError", NULL, "CUDA out of memory."},
    [FAIL_TOO_BIG] = {413, SG_BAD, NULL, "Request body too large"},
    [FAIL_CONTENT_TYPE] = {400, SG_BAD, NULL,
                           "Unsupported Media Type: Only 'application/json' is allowed"},
};

static int sglang_fail(const struct call *c, const struct failure *f, struct text *body)
{
    if (f->what == FAIL_PATH) {
        text_puts(body, "{\"detail\":\"Not Found\"}");
        return 404;
    }
    if (f->what == FAIL_KEY) {
        text_puts(body, "{\"error\":\"Unauthorized\"}");
        return 401;
    }
    const struct fail_row *row = fail_row_of(sglang_rows, f);
    text_puts(body, "{\"object\":\"error\",\"message\":");
    fail_message(row, c, f, body);
    text_printf(body, ",\"type\":\"%s\",\"param\":null,\"code\":%d}", row->type,
                row->status);
    return row->status;
}

static void add_sglang_model(const struct call *c, const struct model *m,
                             struct text *out)
{
    text_puts(out, ",\"root\":");
    text_json(out, m->name, strlen(m->name));
    text_printf(out, ",\"max_model_len\":%d", c->fake->opt.ctx_tokens);
}

static void reply_sglang_metrics(struct call *c)
{
    struct text body = {0};
    const char *name = c->fake->queue.models[0].name;
    text_printf(&body,
                "sglang:num_running_reqs{model_name=\"%s\"} %d.0\n"
                "sglang:num_queue_reqs{model_name=\"%s\"} %d.0\n"
                "sglang:token_usage{model_name=\"%s\"} 0.1\n",
                name, running_now(c), name, c->fake->queue.waiting, name);
    call_reply(c, 200, "text/plain; version=0.0.4; charset=utf-8", body.data, body.len);
    text_free(&body);
}

static void reply_model_info(struct call *c)
{
    const struct model *m = &c->fake->queue.models[0];
    struct text body = {0};
    text_puts(&body, "{\"model_path\":");
    text_json(&body, m->name, strlen(m->name));
    text_printf(&body, ",\"is_generation\":true,\"has_image_understanding\":%s}",
                m->has_vision ? "true" : "false");
    call_reply_json(c, 200, &body);
}

static bool is_json_type(const struct call *c)
{
    const struct text *type = &c->headers.content_type;
    return type->len >= 16 && !strncasecmp(type->data, "application/json", 16);
}

static void reply_health(struct call *c)
{
    bool is_ready = c->fake->queue.models[0].state == MODEL_LOADED;
    call_reply(c, is_ready ? 200 : 503, NULL, NULL, 0);
}

static bool sglang_route(struct call *c)
{
    bool is_chat = call_is(c, HTTP_POST, "/v1/chat/completions");
    if (call_is(c, HTTP_GET, "/health") || call_is(c, HTTP_GET, "/health_generate"))
        reply_health(c);
    else if (call_is(c, HTTP_GET, "/get_model_info") ||
             call_is(c, HTTP_GET, "/model_info"))
        reply_model_info(c);
    else if (call_is(c, HTTP_GET, "/metrics"))
        reply_sglang_metrics(c);
    else if (!is_chat && !call_is(c, HTTP_GET, "/v1/models"))
        return false;
    else if (!call_has_key(c))
        return true;
    else if (!is_chat)
        openai_models(c, "sglang", add_sglang_model);
    else if (!is_json_type(c))
        call_fail(c, &(struct failure){.what = FAIL_CONTENT_TYPE});
    else if (c->fake->queue.models[0].state != MODEL_LOADED)
        call_fail(c, &(struct failure){.what = FAIL_LOADING});
    else
        chat(c);
    return true;
}

const struct dialect dialect_sglang = {
    .headers = "server: uvicorn\r\n", .route = sglang_route, .fail = sglang_fail};
