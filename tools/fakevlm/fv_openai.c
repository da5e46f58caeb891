// fv_openai.c -- the OpenAI chat as all servers speak it, and a plain OpenAI-like server.
//
// The servers differ in what they refuse and with which words; that stands in their own
// files and in the few switches here.
// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "fv_dialect.h"

// --- reading: data URLs ----------------------------------------------------------------

// llama.cpp splits at commas and wants two parts; the subtype may be anything.
static const char *llama_url_fault(const char *url, const char *comma)
{
    if (!comma || strchr(comma + 1, ','))
        return "Invalid url value";
    if (strncmp(url, "data:image/", 11) != 0)
        return "Invalid url format: it must start with data:image/";
    if (comma - url < 6 || strncmp(comma - 6, "base64", 6) != 0)
        return "url must be base64 encoded";
    return NULL;
}

static const char *ollama_url_fault(const char *url)
{
    static const char *const starts[] = {
        "data:image/jpeg;base64,", "data:image/jpg;base64,", "data:image/png;base64,",
        "data:image/webp;base64,", "data:;base64,"};
    if (!strncmp(url, "http", 4))
        return "image URLs are not currently supported, please use base64 encoded data "
               "instead";
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        if (!strncmp(url, starts[i], strlen(starts[i])))
            return NULL;
    }
    return "invalid image input";
}

static const char *plain_url_fault(const char *url, const char *comma)
{
    if (!strncmp(url, "http", 4))
        return "Failed to fetch the image: this server has no network";
    if (!comma || strncmp(url, "data:image/", 11) != 0 || comma - url < 7 ||
        strncmp(comma - 7, ";base64", 7) != 0)
        return "Invalid image url: expected data:image/TYPE;base64,DATA";
    return NULL;
}

static bool read_url(struct call *c, const char *url)
{
    enum kind kind = c->fake->opt.kind;
    const char *comma = strchr(url, ',');
    const char *fault;
    if (kind_is_llama(kind))
        fault = llama_url_fault(url, comma);
    else if (kind == KIND_OLLAMA)
        fault = ollama_url_fault(url);
    else
        fault = plain_url_fault(url, comma);
    if (fault) {
        call_fail(c, &(struct failure){.what = FAIL_URL, .text = fault});
        return false;
    }
    enum base64_rule rule = kind_is_llama(kind) ? BASE64_STOP_EARLY : BASE64_STRICT;
    if (ask_picture(&c->ask, comma + 1, strlen(comma + 1), rule))
        return true;
    fail_field(c, "At most 16 image(s) may be provided in one prompt.");
    return false;
}

// --- reading: messages -----------------------------------------------------------------

static bool read_part(struct call *c, const cJSON *part)
{
    const char *type = json_string(part, "type");
    const char *text = json_string(part, "text");
    const cJSON *image = cJSON_GetObjectItemCaseSensitive(part, "image_url");
    if (type && !strcmp(type, "text") && text) {
        c->ask.prompt_words += count_words(text);
        return true;
    }
    if (!type || strcmp(type, "image_url") != 0) {
        fail_field(c, "unsupported content[].type");
        return false;
    }
    const char *url = json_string(image, "url");
    if (url)
        return read_url(c, url);
    call_fail(c, &(struct failure){.what = FAIL_URL,
                                   .text = "image_url must be an object with a url"});
    return false;
}

static bool read_message(struct call *c, const cJSON *message)
{
    const cJSON *content = cJSON_GetObjectItemCaseSensitive(message, "content");
    const cJSON *part;
    if (!json_string(message, "role")) {
        // llama.cpp throws here, as it does at a bad URL: 500.
        bool is_llama = kind_is_llama(c->fake->opt.kind);
        call_fail(c, &(struct failure){.what = is_llama ? FAIL_URL : FAIL_FIELD,
                                       .text = "Missing 'role' in message"});
        return false;
    }
    if (cJSON_IsString(content)) {
        c->ask.prompt_words += count_words(content->valuestring);
        return true;
    }
    if (!cJSON_IsArray(content)) {
        fail_field(c, "'content' must be a string or an array");
        return false;
    }
    cJSON_ArrayForEach(part, content)
    {
        if (!read_part(c, part))
            return false;
    }
    return true;
}

static bool read_messages(struct call *c)
{
    const cJSON *messages = cJSON_GetObjectItemCaseSensitive(c->json, "messages"),
                *message;
    if (!cJSON_IsArray(messages) || !messages->child) {
        fail_field(c, "'messages' is required");
        return false;
    }
    cJSON_ArrayForEach(message, messages)
    {
        if (!read_message(c, message))
            return false;
    }
    return true;
}

// --- reading: the rest -----------------------------------------------------------------

static bool read_format(struct call *c)
{
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(c->json, "response_format");
    const cJSON *named = cJSON_GetObjectItemCaseSensitive(format, "json_schema");
    const char *type = json_string(format, "type");
    enum kind kind = c->fake->opt.kind;
    bool is_llama = kind_is_llama(kind);
    c->ask.schema = cJSON_GetObjectItemCaseSensitive(named, "schema");
    if (is_llama && !c->ask.schema)
        c->ask.schema = cJSON_GetObjectItemCaseSensitive(format, "schema");
    if (is_llama && !c->ask.schema)
        c->ask.schema = cJSON_GetObjectItemCaseSensitive(c->json, "json_schema");
    if (!cJSON_IsObject(c->ask.schema))
        c->ask.schema = NULL;
    if (!format || cJSON_IsNull(format) || (type && !strcmp(type, "text")) ||
        (type && !strcmp(type, "json_schema")))
        return true;
    if (type && !strcmp(type, "json_object") && kind != KIND_LMSTUDIO) {
        // llama-server takes it and constrains nothing.
        c->ask.wants_json = !is_llama;
        return true;
    }
    call_fail(c,
              &(struct failure){.what = FAIL_FORMAT,
                                .text = "response_format type must be one of \"text\", "
                                        "\"json_object\" or \"json_schema\""});
    return false;
}

static bool read_limits(struct call *c)
{
    static const char *const names[] = {"n_predict", "max_completion_tokens",
                                        "max_tokens"};
    enum kind kind = c->fake->opt.kind;
    // Ollama knows only max_tokens here; n_predict is llama.cpp's.
    size_t first = kind == KIND_OLLAMA ? 2 : kind_is_llama(kind) ? 0 : 1;
    for (size_t i = first; i < 3; i++) {
        const cJSON *n = cJSON_GetObjectItemCaseSensitive(c->json, names[i]);
        if (!n || cJSON_IsNull(n))
            continue;
        if (!cJSON_IsNumber(n)) {
            fail_field(c, "the limit of tokens must be a number");
            return false;
        }
        c->ask.max_tokens = token_limit(n);
        break;
    }
    return true;
}

// What the chat templates of Qwen3 and GLM look for at the end of the question.
static bool has_soft_switch(const struct call *c)
{
    static const char *const words[] = {"/no_think\"", "/nothink\""};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (memmem(c->body.data, c->body.len, words[i], strlen(words[i])))
            return true;
    }
    return false;
}

static bool read_thinking(struct call *c)
{
    const cJSON *kwargs =
        cJSON_GetObjectItemCaseSensitive(c->json, "chat_template_kwargs");
    const cJSON *enable = cJSON_GetObjectItemCaseSensitive(kwargs, "enable_thinking");
    const char *effort = json_string(c->json, "reasoning_effort");
    bool is_off = cJSON_IsFalse(enable) || (effort && !strcmp(effort, "none")) ||
                  has_soft_switch(c);
    c->ask.wants_thinking = c->fake->opt.is_thinking && !is_off;
    if (!enable || cJSON_IsBool(enable))
        return true;
    fail_field(c, "invalid type for \"enable_thinking\" (expected boolean)");
    return false;
}

static void read_stream(struct call *c)
{
    const cJSON *options = cJSON_GetObjectItemCaseSensitive(c->json, "stream_options");
    c->ask.wants_stream =
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(c->json, "stream"));
    c->ask.wants_usage =
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(options, "include_usage"));
}

bool openai_parse(struct call *c)
{
    read_stream(c);
    return read_messages(c) && read_format(c) && read_limits(c) && read_thinking(c);
}

// --- writing ---------------------------------------------------------------------------

static const char *thinking_key(const struct call *c)
{
    enum kind kind = c->fake->opt.kind;
    return kind == KIND_VLLM || kind == KIND_OLLAMA ? "reasoning" : "reasoning_content";
}

static void add_id(const struct call *c, const char *object, struct text *out)
{
    const char *name = c->ticket.model->name;
    text_printf(out,
                "{\"id\":\"chatcmpl-%016" PRIx64
                "\",\"object\":\"%s\",\"created\":%" PRId64 ",\"model\":",
                c->seq, object, c->wall_ms / 1000);
    text_json(out, name, strlen(name));
    if (kind_is_llama(c->fake->opt.kind))
        text_puts(out, ",\"system_fingerprint\":\"b9000-fakevlm\"");
}

static void add_usage(const struct call *c, struct text *out)
{
    const struct answer *a = &c->answer;
    int completion = a->completion_tokens + a->thinking_tokens;
    text_printf(out,
                "\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d,"
                "\"total_tokens\":%d",
                a->prompt_tokens, completion, a->prompt_tokens + completion);
    if (kind_is_llama(c->fake->opt.kind))
        text_puts(out, ",\"prompt_tokens_details\":{\"cached_tokens\":0}");
    text_puts(out, "}");
}

static void add_timings(const struct call *c, struct text *out)
{
    const struct answer *a = &c->answer;
    double prompt_ms = (double)a->prompt_ms + 0.5, eval_ms = (double)a->eval_ms + 0.5;
    int predicted = a->completion_tokens + a->thinking_tokens;
    text_printf(out,
                ",\"timings\":{\"cache_n\":0,\"prompt_n\":%d,\"prompt_ms\":%.1f,"
                "\"prompt_per_second\":%.3f,\"predicted_n\":%d,\"predicted_ms\":%.1f,"
                "\"predicted_per_second\":%.3f}",
                a->prompt_tokens, prompt_ms, a->prompt_tokens * 1000 / prompt_ms,
                predicted, eval_ms, predicted * 1000 / eval_ms);
}

// What LM Studio's /api/v0 adds.
static void add_v0_stats(const struct call *c, struct text *out)
{
    const struct answer *a = &c->answer;
    text_printf(
        out,
        ",\"stats\":{\"tokens_per_second\":50.0,\"time_to_first_token\":%.3f,"
        "\"generation_time\":%.3f,\"stop_reason\":\"%s\"},\"model_info\":{\"arch\":"
        "\"qwen2_5_vl\",\"quant\":\"Q4_K_M\",\"format\":\"gguf\","
        "\"context_length\":%d},\"runtime\":{\"name\":\"fakevlm\"}",
        (double)a->prompt_ms / 1000, (double)a->eval_ms / 1000,
        a->finish[0] == 's' ? "eosFound" : "maxPredictedTokensReached",
        c->fake->opt.ctx_tokens);
}

static void write_whole(const struct call *c, struct text *out)
{
    const struct answer *a = &c->answer;
    enum kind kind = c->fake->opt.kind;
    add_id(c, "chat.completion", out);
    text_puts(
        out,
        ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":");
    text_json(out, a->content.data, a->content.len);
    if (a->thinking.len) {
        text_printf(out, ",\"%s\":", thinking_key(c));
        text_json(out, a->thinking.data, a->thinking.len);
    }
    text_printf(out, "},\"logprobs\":null,\"finish_reason\":\"%s\"", a->finish);
    if (kind == KIND_VLLM)
        text_puts(out, ",\"stop_reason\":null");
    if (kind == KIND_SGLANG)
        text_puts(out, ",\"matched_stop\":151645");
    text_puts(out, "}],");
    add_usage(c, out);
    if (kind_is_llama(kind))
        add_timings(c, out);
    if (kind == KIND_LMSTUDIO && !strncmp(c->path, "/api/v0/", 8))
        add_v0_stats(c, out);
    text_puts(out, "}");
}

static void begin_chunk(const struct call *c, struct text *out)
{
    text_puts(out, "data: ");
    add_id(c, "chat.completion.chunk", out);
    text_puts(out, ",\"choices\":[");
}

static void end_chunk(const struct call *c, struct text *out)
{
    bool says_null = c->ask.wants_usage && c->fake->opt.kind == KIND_OPENAI;
    text_puts(out, says_null ? "],\"usage\":null}\n\n" : "]}\n\n");
}

static void write_head(const struct call *c, struct text *out)
{
    bool is_null = kind_is_llama(c->fake->opt.kind);
    begin_chunk(c, out);
    text_printf(out,
                "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":%s},"
                "\"finish_reason\":null}",
                is_null ? "null" : "\"\"");
    end_chunk(c, out);
}

static void write_delta(const struct call *c, const char *s, size_t len, bool is_thinking,
                        struct text *out)
{
    begin_chunk(c, out);
    text_printf(out, "{\"index\":0,\"delta\":{\"%s\":",
                is_thinking ? thinking_key(c) : "content");
    text_json(out, s, len);
    text_puts(out, "},\"finish_reason\":null}");
    end_chunk(c, out);
}

static void write_tail(const struct call *c, struct text *out)
{
    bool is_llama = kind_is_llama(c->fake->opt.kind);
    begin_chunk(c, out);
    text_printf(out, "{\"index\":0,\"delta\":{},\"finish_reason\":\"%s\"}",
                c->answer.finish);
    if (is_llama && !c->ask.wants_usage) {
        text_puts(out, "]");
        add_timings(c, out);
        text_puts(out, "}\n\n");
    } else {
        end_chunk(c, out);
    }
    if (c->ask.wants_usage) {
        begin_chunk(c, out);
        text_puts(out, "],");
        add_usage(c, out);
        if (is_llama)
            add_timings(c, out);
        text_puts(out, "}\n\n");
    }
    text_puts(out, "data: [DONE]\n\n");
}

static void write_error(const struct call *c, const struct failure *f, struct text *out)
{
    struct text body = {0};
    enum kind kind = c->fake->opt.kind;
    c->fake->dialect->fail(c, f, &body);
    if (kind == KIND_LMSTUDIO)
        text_puts(out, "event: error\n");
    // SGLang's flat body stands inside an object here; Ollama swallows it altogether.
    if (kind == KIND_SGLANG)
        text_printf(out, "data: {\"error\":%s}\n\n", body.data);
    else if (kind != KIND_OLLAMA)
        text_printf(out, "data: %s\n\n", body.data);
    if (kind == KIND_VLLM || kind == KIND_SGLANG)
        text_puts(out, "data: [DONE]\n\n");
    text_free(&body);
}

const struct writer writer_openai = {
    .stream_type = "text/event-stream",
    .whole = write_whole,
    .head = write_head,
    .delta = write_delta,
    .tail = write_tail,
    .error = write_error,
};

// --- shared with the others ------------------------------------------------------------

void openai_models(struct call *c, const char *owner,
                   void (*more)(const struct call *c, const struct model *m,
                                struct text *out))
{
    const struct queue *q = &c->fake->queue;
    struct text body = {0};
    text_puts(&body, "{\"object\":\"list\",\"data\":[");
    for (int i = 0; i < q->models_n; i++) {
        text_puts(&body, i ? ",{\"id\":" : "{\"id\":");
        text_json(&body, q->models[i].name, strlen(q->models[i].name));
        text_printf(&body,
                    ",\"object\":\"model\",\"created\":1760000000,\"owned_by\":\"%s\"",
                    owner);
        if (more)
            more(c, &q->models[i], &body);
        text_puts(&body, "}");
    }
    text_puts(&body, "]}");
    call_reply_json(c, 200, &body);
}

int openai_fail_body(const struct fail_row table[FAIL_COUNT], const struct call *c,
                     const struct failure *f, struct text *body)
{
    const struct fail_row *row = fail_row_of(table, f);
    text_puts(body, "{\"error\":{\"message\":");
    fail_message(row, c, f, body);
    text_printf(body, ",\"type\":\"%s\",\"param\":null,\"code\":", row->type);
    if (row->code)
        text_printf(body, "\"%s\"}}", row->code);
    else
        text_puts(body, "null}}");
    return row->status;
}

// --- a plain OpenAI-like server --------------------------------------------------------

#define BAD "invalid_request_error"

static const struct fail_row rows[FAIL_COUNT] = {
    [FAIL_JSON] = {400, BAD, NULL, "We could not parse the JSON body of your request."},
    [FAIL_FIELD] = {400, BAD, NULL, NULL},
    [FAIL_FORMAT] = {400, BAD, NULL, NULL},
    [FAIL_BASE64] = {400, BAD, "invalid_base64", "Invalid base64 image_url."},
    [FAIL_URL] = {400, BAD, "invalid_image_url", NULL},
    [FAIL_IMAGE] =
        {400, BAD, "unsupported_image_format",
         "You uploaded an unsupported image. Please make sure your image has one "
         "of the following formats: ['png', 'jpeg', 'gif', 'webp']."},
    [FAIL_NO_VISION] =
        {400, BAD, NULL,
         "Invalid content type. image_url is only supported by certain models."},
    [FAIL_CONTEXT] =
        {400, BAD, "context_length_exceeded",
         "This model's maximum context length is {have} tokens. However, your "
         "messages resulted in {need} tokens."},
    [FAIL_NO_MODEL] = {404, BAD, "model_not_found",
                       "The model `{model}` does not exist."},
    [FAIL_KEY] = {401, BAD, "invalid_api_key", "Incorrect API key provided."},
    [FAIL_RATE] = {429, "requests", "rate_limit_exceeded",
                   "Rate limit reached for {model} on requests per min."},
    [FAIL_QUOTA] =
        {429, "insufficient_quota", "insufficient_quota",
         "You exceeded your current quota, please check your plan and billing."},
    [FAIL_BUSY] = {503, "server_error", "server_is_overloaded",
                   "The server is overloaded, please try again later."},
    [FAIL_LOADING] = {503, "server_error", NULL, "The model is loading."},
    [FAIL_CRASH] = {500, "server_error", NULL,
                    "The server had an error while processing your request."},
    [FAIL_OOM] = {500, "server_error", NULL, "CUDA out of memory."},
    [FAIL_PATH] = {404, BAD, "unknown_url", "Unknown request URL: {verb} {path}."},
    [FAIL_TOO_BIG] = {413, BAD, NULL, "Request body too large."},
};

static int fail(const struct call *c, const struct failure *f, struct text *body)
{
    return openai_fail_body(rows, c, f, body);
}

static bool route(struct call *c)
{
    if (call_is(c, HTTP_GET, "/v1/models")) {
        if (call_has_key(c))
            openai_models(c, "fakevlm", NULL);
    } else if (call_is(c, HTTP_POST, "/v1/chat/completions")) {
        if (call_has_key(c) && call_parse(c) &&
            call_find_model(c, json_string(c->json, "model")) && openai_parse(c))
            call_chat(c, &writer_openai);
    } else {
        return false;
    }
    return true;
}

const struct dialect dialect_openai = {
    .headers = "x-request-id: req_fakevlm\r\nx-ratelimit-limit-requests: 10000\r\n"
               "x-ratelimit-remaining-requests: 9999\r\n"
               "x-ratelimit-reset-requests: 6ms\r\n",
    .route = route,
    .fail = fail,
};
