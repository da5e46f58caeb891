// fv_lmstudio.c -- LM Studio with its three APIs, and its 200 for what it does not know.
// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <string.h>

#include "fv_dialect.h"

// --- failures --------------------------------------------------------------------------

#define BAD "invalid_request_error"

// A NULL type: the error is a plain string.
static const struct fail_row rows[FAIL_COUNT] = {
    [FAIL_JSON] = {400, NULL, NULL, "Invalid JSON in the request body"},
    [FAIL_FIELD] = {400, BAD, NULL, NULL},
    [FAIL_FORMAT] = {400, NULL, NULL,
                     "'response_format.type' must be 'json_schema' or 'text'"},
    [FAIL_BASE64] = {400, NULL, NULL, "Invalid image: the base64 data cannot be read"},
    [FAIL_URL] = {400, NULL, NULL, NULL},
    [FAIL_IMAGE] = {400, NULL, NULL, "Invalid image: failed to decode"},
    [FAIL_NO_VISION] = {400, NULL, NULL,
                        "Model does not support images. Please use a model that does."},
    [FAIL_CONTEXT] =
        {400, NULL, NULL,
         "The number of tokens to keep from the initial prompt is greater than "
         "the context length ({need} > {have}). Try to load the model with a "
         "larger context length, or provide a shorter input."},
    [FAIL_NO_MODEL] = {404, BAD, "model_not_found", "Model '{model}' not found"},
    [FAIL_KEY] = {401, BAD, "invalid_api_key", "Invalid API token"},
    [FAIL_RATE] = {429, "rate_limit_error", "rate_limit_exceeded", "Too many requests"},
    [FAIL_QUOTA] = {429, "insufficient_quota", "insufficient_quota", "Quota exceeded"},
    [FAIL_BUSY] = {503, "server_error", NULL, "The server is busy"},
    [FAIL_LOADING] = {503, "server_error", NULL, "The model is loading"},
    [FAIL_CRASH] =
        {400, NULL, NULL,
         "The model has crashed without additional information. (Exit code: 6)"},
    [FAIL_OOM] =
        {400, NULL, NULL,
         "Failed to load model \"{model}\". Error: insufficient system resources."},
    [FAIL_PATH] = {200, NULL, NULL, "Unexpected endpoint or method. ({verb} {path})"},
    [FAIL_TOO_BIG] = {413, NULL, NULL, "request entity too large"},
};

static int fail(const struct call *c, const struct failure *f, struct text *body)
{
    const struct fail_row *row = fail_row_of(rows, f);
    bool is_500 = f->what == FAIL_CRASH && c->fault.fault == FAULT_CRASH;
    if (row->type)
        return openai_fail_body(rows, c, f, body);
    text_puts(body, "{\"error\":");
    fail_message(row, c, f, body);
    text_puts(body, "}");
    return is_500 ? 500 : row->status;
}

// --- lists -----------------------------------------------------------------------------

static void add_v1_model(const struct call *c, const struct model *m, struct text *out)
{
    const struct options *o = &c->fake->opt;
    text_printf(
        out,
        "{\"type\":\"llm\",\"publisher\":\"fakevlm\",\"key\":\"%s\",\"display_name\":"
        "\"%s\",\"architecture\":\"qwen2_5_vl\",\"quantization\":{\"name\":\"Q4_K_M\","
        "\"bits_per_weight\":4},\"size_bytes\":5969245856,\"params_string\":\"7B\","
        "\"format\":\"gguf\",\"max_context_length\":128000,\"capabilities\":"
        "{\"vision\":%s,\"trained_for_tool_use\":false%s},\"loaded_instances\":[",
        m->name, m->name, m->has_vision ? "true" : "false",
        o->is_thinking ? ",\"reasoning\":{\"allowed_options\":[\"off\",\"on\"],"
                         "\"default\":\"on\"}"
                       : "");
    if (m->state == MODEL_LOADED)
        text_printf(out,
                    "{\"id\":\"%s\",\"config\":{\"context_length\":%d,\"parallel\":%d}}",
                    m->name, o->ctx_tokens, o->slots);
    text_puts(out, "]}");
}

static void list_v1(struct call *c)
{
    const struct queue *q = &c->fake->queue;
    struct text body = {0};
    text_puts(&body, "{\"models\":[");
    for (int i = 0; i < q->models_n; i++) {
        text_puts(&body, i ? "," : "");
        add_v1_model(c, &q->models[i], &body);
    }
    text_puts(&body, "]}");
    call_reply_json(c, 200, &body);
}

static void add_v0_model(const struct call *c, const struct model *m, struct text *out)
{
    text_printf(
        out,
        "{\"id\":\"%s\",\"object\":\"model\",\"type\":\"%s\",\"publisher\":\"fakevlm\","
        "\"arch\":\"qwen2_5_vl\",\"compatibility_type\":\"gguf\",\"quantization\":"
        "\"Q4_K_M\",\"state\":\"%s\",\"max_context_length\":128000",
        m->name, m->has_vision ? "vlm" : "llm",
        m->state == MODEL_LOADED ? "loaded" : "not-loaded");
    if (m->state == MODEL_LOADED)
        text_printf(out, ",\"loaded_context_length\":%d", c->fake->opt.ctx_tokens);
    text_puts(out, "}");
}

static void list_v0(struct call *c)
{
    const struct queue *q = &c->fake->queue;
    struct text body = {0};
    text_puts(&body, "{\"data\":[");
    for (int i = 0; i < q->models_n; i++) {
        text_puts(&body, i ? "," : "");
        add_v0_model(c, &q->models[i], &body);
    }
    text_puts(&body, "],\"object\":\"list\"}");
    call_reply_json(c, 200, &body);
}

static void list_openai(struct call *c)
{
    openai_models(c, "organization_owner", NULL);
}

// --- load, unload ----------------------------------------------------------------------

static void on_loaded(struct call *c)
{
    struct text body = {0};
    // Loaded by hand: neither TTL nor eviction applies.
    model_keep(&c->fake->queue, c->ticket.model, -1, fake_now_ms(c->fake));
    text_printf(&body,
                "{\"type\":\"llm\",\"instance_id\":\"%s\",\"load_time_seconds\":%.3f,"
                "\"status\":\"loaded\"}",
                c->ticket.model->name, (double)c->answer.load_ms / 1000);
    call_reply_json(c, 200, &body);
}

static void load(struct call *c)
{
    if (call_parse(c) && call_find_model(c, json_string(c->json, "model")))
        call_load(c, c->ticket.model, on_loaded);
}

static void unload(struct call *c)
{
    if (!call_parse(c) || !call_find_model(c, json_string(c->json, "instance_id")))
        return;
    struct text body = {0};
    model_unload(&c->fake->queue, c->ticket.model);
    fake_tick(c->fake);
    text_printf(&body, "{\"instance_id\":\"%s\"}", c->ticket.model->name);
    call_reply_json(c, 200, &body);
}

// --- /v1 and /api/v0 chat --------------------------------------------------------------

// ttl applies when this request's model is loaded just in time, not by hand.
static void read_ttl(struct call *c)
{
    const cJSON *ttl = cJSON_GetObjectItemCaseSensitive(c->json, "ttl");
    const struct model *m = c->ticket.model;
    if (!cJSON_IsNumber(ttl) || (m->state == MODEL_LOADED && m->keep_ms < 0))
        return;
    c->ask.has_keep = true;
    c->ask.keep_ms = (int64_t)(ttl->valuedouble * 1000);
}

static void chat(struct call *c)
{
    if (!call_parse(c) || !call_find_model(c, json_string(c->json, "model")))
        return;
    read_ttl(c);
    if (openai_parse(c))
        call_chat(c, &writer_openai);
}

// --- /api/v1/chat: writing -------------------------------------------------------------

static void add_stats(const struct call *c, struct text *out)
{
    const struct answer *a = &c->answer;
    text_printf(out,
                "\"stats\":{\"input_tokens\":%d,\"total_output_tokens\":%d,"
                "\"reasoning_output_tokens\":%d,\"tokens_per_second\":50.0,"
                "\"time_to_first_token_seconds\":%.3f",
                a->prompt_tokens, a->completion_tokens + a->thinking_tokens,
                a->thinking_tokens, (double)a->prompt_ms / 1000);
    if (a->load_ms > 0)
        text_printf(out, ",\"model_load_time_seconds\":%.3f", (double)a->load_ms / 1000);
    text_puts(out, "}");
}

static void write_whole(const struct call *c, struct text *out)
{
    const struct answer *a = &c->answer;
    text_printf(out, "{\"model_instance_id\":\"%s\",\"output\":[", c->ticket.model->name);
    if (a->thinking.len) {
        text_puts(out, "{\"type\":\"reasoning\",\"content\":");
        text_json(out, a->thinking.data, a->thinking.len);
        text_puts(out, "},");
    }
    text_puts(out, "{\"type\":\"message\",\"content\":");
    text_json(out, a->content.data, a->content.len);
    text_puts(out, "}],");
    add_stats(c, out);
    text_puts(out, "}");
}

static void add_event(const char *type, struct text *out)
{
    text_printf(out, "event: %s\ndata: {\"type\":\"%s\"}\n\n", type, type);
}

static void write_head(const struct call *c, struct text *out)
{
    text_printf(out,
                "event: chat.start\ndata: {\"type\":\"chat.start\","
                "\"model_instance_id\":\"%s\"}\n\n",
                c->ticket.model->name);
    if (c->answer.load_ms > 0) {
        add_event("model_load.start", out);
        text_puts(out, "event: model_load.progress\n"
                       "data: {\"type\":\"model_load.progress\",\"progress\":1}\n\n");
        add_event("model_load.end", out);
    }
    add_event("prompt_processing.start", out);
    add_event("prompt_processing.end", out);
}

static void write_delta(const struct call *c, const char *s, size_t len, bool is_thinking,
                        struct text *out)
{
    const char *type = is_thinking ? "reasoning.delta" : "message.delta";
    (void)c;
    text_printf(out, "event: %s\ndata: {\"type\":\"%s\",\"content\":", type, type);
    text_json(out, s, len);
    text_puts(out, "}\n\n");
}

static void write_tail(const struct call *c, struct text *out)
{
    add_event("message.end", out);
    text_puts(out, "event: chat.end\ndata: {\"type\":\"chat.end\",\"result\":");
    write_whole(c, out);
    text_puts(out, "}\n\n");
}

static void write_error(const struct call *c, const struct failure *f, struct text *out)
{
    const struct fail_row *row = fail_row_of(rows, f);
    text_puts(out, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
                   "\"internal_error\",\"message\":");
    fail_message(row, c, f, out);
    text_puts(out, "}}\n\n");
}

static const struct writer writer_v1 = {
    .stream_type = "text/event-stream",
    .whole = write_whole,
    .head = write_head,
    .delta = write_delta,
    .tail = write_tail,
    .error = write_error,
};

// --- /api/v1/chat: reading -------------------------------------------------------------

static bool read_input(struct call *c, const cJSON *item)
{
    const char *type = json_string(item, "type"), *content = json_string(item, "content");
    const char *url = json_string(item, "data_url");
    if (type && (!strcmp(type, "text") || !strcmp(type, "message")) && content) {
        c->ask.prompt_words += count_words(content);
        return true;
    }
    const char *comma = url ? strchr(url, ',') : NULL;
    if (!type || strcmp(type, "image") != 0 || !comma ||
        strncmp(url, "data:image/", 11) != 0) {
        fail_field(c, "Invalid 'input': expected text, message or image with a data_url");
        return false;
    }
    return ask_picture(&c->ask, comma + 1, strlen(comma + 1), BASE64_STRICT);
}

static bool read_inputs(struct call *c)
{
    const cJSON *input = cJSON_GetObjectItemCaseSensitive(c->json, "input"), *item;
    const char *system = json_string(c->json, "system_prompt");
    c->ask.prompt_words = system ? count_words(system) : 0;
    if (cJSON_IsString(input)) {
        c->ask.prompt_words += count_words(input->valuestring);
        return true;
    }
    if (!cJSON_IsArray(input)) {
        fail_field(c, "'input' is required");
        return false;
    }
    cJSON_ArrayForEach(item, input)
    {
        if (!read_input(c, item))
            return false;
    }
    return true;
}

static bool read_reasoning(struct call *c)
{
    const char *reasoning = json_string(c->json, "reasoning");
    bool can_think = c->fake->opt.is_thinking;
    c->ask.wants_thinking = can_think && !(reasoning && !strcmp(reasoning, "off"));
    if (!reasoning || can_think)
        return true;
    fail_field(c, "Model does not support reasoning configuration");
    return false;
}

static void chat_v1(struct call *c)
{
    if (!call_parse(c) || !call_find_model(c, json_string(c->json, "model")))
        return;
    c->ask.wants_stream =
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(c->json, "stream"));
    c->ask.max_tokens =
        token_limit(cJSON_GetObjectItemCaseSensitive(c->json, "max_output_tokens"));
    if (read_inputs(c) && read_reasoning(c))
        call_chat(c, &writer_v1);
}

// --- routes ----------------------------------------------------------------------------

static bool route(struct call *c)
{
    static const struct {
        enum http_method method;
        const char *path;
        void (*handle)(struct call *c);
    } paths[] = {
        {HTTP_GET, "/v1/models", list_openai},
        {HTTP_GET, "/api/v0/models", list_v0},
        {HTTP_GET, "/api/v1/models", list_v1},
        {HTTP_POST, "/api/v1/models/load", load},
        {HTTP_POST, "/api/v1/models/unload", unload},
        {HTTP_POST, "/v1/chat/completions", chat},
        {HTTP_POST, "/api/v0/chat/completions", chat},
        {HTTP_POST, "/api/v1/chat", chat_v1},
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (call_is(c, paths[i].method, paths[i].path)) {
            if (call_has_key(c))
                paths[i].handle(c);
            return true;
        }
    }
    return false;
}

const struct dialect dialect_lmstudio = {
    .headers = "X-Powered-By: Express\r\n", .route = route, .fail = fail};
