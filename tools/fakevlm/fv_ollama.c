// fv_ollama.c -- Ollama's native API, and its OpenAI-compatible one.
//
// From 0.30 on a llama-server does the work: its errors come through as a JSON string in
// "error", which is how most failures are written here.
// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "fv_dialect.h"

// --- failures --------------------------------------------------------------------------

static const struct fail_row rows[FAIL_COUNT] = {
    [FAIL_JSON] = {400, NULL, NULL,
                   "invalid character in request body: not a JSON object"},
    [FAIL_FIELD] = {400, NULL, NULL, NULL},
    [FAIL_FORMAT] = {400, NULL, NULL,
                     "invalid format: expected \"json\" or a valid JSON Schema object"},
    [FAIL_BASE64] = {400, NULL, NULL, "illegal base64 data at input byte {at}"},
    [FAIL_URL] = {400, NULL, NULL, NULL},
    [FAIL_NO_MODEL] = {404, NULL, NULL, "model '{model}' not found"},
    [FAIL_KEY] = {401, NULL, NULL, "unauthorized"},
    [FAIL_RATE] = {429, NULL, NULL, "too many concurrent requests"},
    [FAIL_QUOTA] = {429, NULL, NULL,
                    "you have reached your usage_limit_exceeded, upgrade"},
    [FAIL_BUSY] = {503, NULL, NULL,
                   "server busy, please try again.  maximum pending requests exceeded"},
    [FAIL_CRASH] =
        {500, NULL, NULL,
         "model runner has unexpectedly stopped, this may be due to resource "
         "limitations or an internal error, check ollama server logs for details"},
    [FAIL_OOM] =
        {500, NULL, NULL,
         "llama-server process has terminated: cudaMalloc failed: out of memory"},
    [FAIL_TOO_BIG] = {413, NULL, NULL, "http: request body too large"},
};

static bool comes_from_child(enum fail what)
{
    return what == FAIL_IMAGE || what == FAIL_NO_VISION || what == FAIL_CONTEXT ||
           what == FAIL_LOADING;
}

static int fail(const struct call *c, const struct failure *f, struct text *body)
{
    if (f->what == FAIL_PATH) {
        text_puts(body, "404 page not found");
        return 404;
    }
    const struct fail_row *row = fail_row_of(rows, f);
    int status = row->status;
    bool is_v1 = !strncmp(c->path, "/v1/", 4);
    text_puts(body, is_v1 ? "{\"error\":{\"message\":" : "{\"error\":");
    if (comes_from_child(f->what)) {
        struct text inner = {0};
        status = llama_fail(c, f, &inner);
        text_json(body, inner.data, inner.len);
        text_free(&inner);
    } else {
        fail_message(row, c, f, body);
    }
    text_puts(body,
              is_v1 ? ",\"type\":\"api_error\",\"param\":null,\"code\":null}}" : "}");
    return status;
}

// --- reading ---------------------------------------------------------------------------

// Go's time.ParseDuration, as far as people use it; false: no duration.
static bool parse_duration(const char *s, int64_t *out_ms)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"ms", 1},    {"us", 1e-3}, {"ns", 1e-6},
                 {"h", 3.6e6}, {"m", 6e4},   {"s", 1e3}};
    bool is_negative = *s == '-';
    double total = 0;
    s += *s == '-' || *s == '+';
    if (!*s)
        return false;
    while (*s) {
        char *end;
        if (!strchr("0123456789.", *s))
            return false;
        double n = strtod(s, &end);
        size_t i = 0, count = sizeof units / sizeof units[0];
        while (i < count && strncmp(end, units[i].unit, strlen(units[i].unit)) != 0)
            i++;
        if (end == s || i == count)
            return false;
        total += n * units[i].ms;
        s = end + strlen(units[i].unit);
    }
    *out_ms = is_negative ? -1 : (int64_t)total;
    return true;
}

static bool read_keep(struct call *c)
{
    const cJSON *keep = cJSON_GetObjectItemCaseSensitive(c->json, "keep_alive");
    bool is_fine = true;
    c->ask.has_keep = keep && !cJSON_IsNull(keep);
    if (!c->ask.has_keep)
        return true;
    if (cJSON_IsNumber(keep))
        c->ask.keep_ms = keep->valuedouble < 0 ? -1 : (int64_t)(keep->valuedouble * 1000);
    else if (cJSON_IsString(keep))
        is_fine = parse_duration(keep->valuestring, &c->ask.keep_ms);
    else
        is_fine = false;
    if (!is_fine)
        fail_field(c, "time: invalid duration in keep_alive");
    return is_fine;
}

static bool read_options(struct call *c)
{
    static const struct {
        const char *name, *complaint;
    } integers[] = {
        {"num_ctx", "option \"num_ctx\" must be of type integer"},
        {"num_predict", "option \"num_predict\" must be of type integer"},
        {"seed", "option \"seed\" must be of type integer"},
        {"top_k", "option \"top_k\" must be of type integer"},
        {"temperature", "option \"temperature\" must be of type float32"},
        {"top_p", "option \"top_p\" must be of type float32"},
    };
    const cJSON *options = cJSON_GetObjectItemCaseSensitive(c->json, "options");
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        const cJSON *n = cJSON_GetObjectItemCaseSensitive(options, integers[i].name);
        if (n && !cJSON_IsNumber(n)) {
            fail_field(c, integers[i].complaint);
            return false;
        }
    }
    const cJSON *ctx = cJSON_GetObjectItemCaseSensitive(options, "num_ctx");
    c->ask.ctx_tokens = ctx && ctx->valueint > 0 ? ctx->valueint : 0;
    c->ask.max_tokens =
        token_limit(cJSON_GetObjectItemCaseSensitive(options, "num_predict"));
    return true;
}

static bool read_format(struct call *c)
{
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(c->json, "format");
    const char *s = cJSON_GetStringValue(format);
    if (!format || cJSON_IsNull(format) || (s && !*s))
        return true;
    c->ask.wants_json = s && !strcmp(s, "json");
    c->ask.schema = cJSON_IsObject(format) ? format : NULL;
    if (c->ask.wants_json || c->ask.schema)
        return true;
    call_fail(c, &(struct failure){.what = FAIL_FORMAT});
    return false;
}

static bool read_think(struct call *c)
{
    const cJSON *think = cJSON_GetObjectItemCaseSensitive(c->json, "think");
    bool can_think = c->fake->opt.is_thinking;
    bool is_asked = cJSON_IsTrue(think) || cJSON_IsString(think);
    c->ask.wants_thinking = can_think && !cJSON_IsFalse(think);
    if (!is_asked || can_think)
        return true;
    struct text why = {0};
    text_printf(&why, "\"%s\" does not support thinking", c->ticket.model->name);
    fail_field(c, why.data);
    text_free(&why);
    return false;
}

static bool read_images(struct call *c, const cJSON *owner)
{
    const cJSON *images = cJSON_GetObjectItemCaseSensitive(owner, "images"), *image;
    cJSON_ArrayForEach(image, images)
    {
        const char *s = cJSON_GetStringValue(image);
        if (!s || !ask_picture(&c->ask, s, strlen(s), BASE64_STRICT)) {
            fail_field(c, "json: cannot unmarshal images into Go value of type []uint8");
            return false;
        }
    }
    return true;
}

static bool read_messages(struct call *c)
{
    const cJSON *messages = cJSON_GetObjectItemCaseSensitive(c->json, "messages"),
                *message;
    cJSON_ArrayForEach(message, messages)
    {
        const char *content = json_string(message, "content");
        c->ask.prompt_words += content ? count_words(content) : 0;
        if (!read_images(c, message))
            return false;
    }
    c->ask.is_load_only = cJSON_GetArraySize(messages) == 0;
    return true;
}

static bool read_prompt(struct call *c)
{
    const char *prompt = json_string(c->json, "prompt");
    const char *system = json_string(c->json, "system");
    c->ask.prompt_words =
        (prompt ? count_words(prompt) : 0) + (system ? count_words(system) : 0);
    c->ask.is_load_only = !prompt || !*prompt;
    return read_images(c, c->json);
}

// --- writing ---------------------------------------------------------------------------

static void add_time(int64_t wall_ms, struct text *out)
{
    char date[64];
    time_t at = (time_t)(wall_ms / 1000);
    struct tm tm;
    gmtime_r(&at, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    text_printf(out, "%s.%03dZ", date, (int)(wall_ms % 1000));
}

static void begin_line(const struct call *c, struct text *out)
{
    text_puts(out, "{\"model\":");
    text_json(out, c->ticket.model->name, strlen(c->ticket.model->name));
    text_puts(out, ",\"created_at\":\"");
    add_time(fake_wall_ms(c->fake), out);
    text_puts(out, "\",");
}

static bool is_generate(const struct call *c)
{
    return !strcmp(c->path, "/api/generate");
}

static void add_message(const struct call *c, const char *s, size_t len,
                        const char *thinking, size_t thinking_len, struct text *out)
{
    bool is_chat = !is_generate(c);
    text_puts(out, is_chat ? "\"message\":{\"role\":\"assistant\",\"content\":"
                           : "\"response\":");
    text_json(out, s, len);
    if (thinking_len) {
        text_puts(out, ",\"thinking\":");
        text_json(out, thinking, thinking_len);
    }
    text_puts(out, is_chat ? "}," : ",");
}

// Nanoseconds; a field that is 0 is left out, as Go's omitempty does.
static void add_duration(const char *name, int64_t ms, struct text *out)
{
    if (ms > 0)
        text_printf(out, ",\"%s\":%" PRId64, name, ms * 1000000 + 1234);
}

static void add_metrics(const struct call *c, struct text *out)
{
    const struct answer *a = &c->answer;
    text_printf(out, "\"done\":true,\"done_reason\":\"%s\"", a->finish);
    add_duration("total_duration", a->load_ms + a->prompt_ms + a->eval_ms, out);
    add_duration("load_duration", a->load_ms, out);
    text_printf(out, ",\"prompt_eval_count\":%d", a->prompt_tokens);
    add_duration("prompt_eval_duration", a->prompt_ms, out);
    text_printf(out, ",\"eval_count\":%d", a->completion_tokens + a->thinking_tokens);
    add_duration("eval_duration", a->eval_ms, out);
    text_puts(out, "}");
}

static void write_whole(const struct call *c, struct text *out)
{
    const struct answer *a = &c->answer;
    begin_line(c, out);
    if (c->fault.fault == FAULT_TRUNCATE) {
        add_message(c, a->content.data, a->content.len / 2, NULL, 0, out);
        text_puts(out, "\"done\":false}");
        return;
    }
    add_message(c, a->content.data, a->content.len, a->thinking.data, a->thinking.len,
                out);
    add_metrics(c, out);
}

static void write_delta(const struct call *c, const char *s, size_t len, bool is_thinking,
                        struct text *out)
{
    begin_line(c, out);
    if (is_thinking)
        add_message(c, "", 0, s, len, out);
    else
        add_message(c, s, len, NULL, 0, out);
    text_puts(out, "\"done\":false}\n");
}

static void write_tail(const struct call *c, struct text *out)
{
    begin_line(c, out);
    add_message(c, "", 0, NULL, 0, out);
    add_metrics(c, out);
    text_puts(out, "\n");
}

static void write_error(const struct call *c, const struct failure *f, struct text *out)
{
    fail(c, f, out);
    text_puts(out, "\n");
}

static const struct writer writer_ollama = {
    .stream_type = "application/x-ndjson",
    .marks_truncation = true,
    .whole = write_whole,
    .delta = write_delta,
    .tail = write_tail,
    .error = write_error,
};

// --- load, unload ----------------------------------------------------------------------

static void reply_done(struct call *c, const char *reason)
{
    struct text body = {0};
    begin_line(c, &body);
    add_message(c, "", 0, NULL, 0, &body);
    text_printf(&body, "\"done\":true,\"done_reason\":\"%s\"", reason);
    add_duration("total_duration", c->answer.load_ms, &body);
    add_duration("load_duration", c->answer.load_ms, &body);
    text_puts(&body, "}");
    call_reply_json(c, 200, &body);
}

static void on_loaded(struct call *c)
{
    reply_done(c, "load");
}

static void load_or_unload(struct call *c)
{
    if (c->ask.has_keep && c->ask.keep_ms == 0) {
        model_unload(&c->fake->queue, c->ticket.model);
        fake_tick(c->fake);
        reply_done(c, "unload");
    } else {
        call_load(c, c->ticket.model, on_loaded);
    }
}

static void answer_or_load(struct call *c)
{
    const cJSON *stream;
    if (!c->body.len) {
        fail_field(c, "missing request body");
        return;
    }
    if (!call_parse(c))
        return;
    const char *name = json_string(c->json, "model");
    if (!name || !*name) {
        fail_field(c, "model is required");
        return;
    }
    if (!call_find_model(c, name) || !read_keep(c) || !read_options(c) ||
        !read_format(c) || !read_think(c) ||
        !(is_generate(c) ? read_prompt(c) : read_messages(c)))
        return;
    stream = cJSON_GetObjectItemCaseSensitive(c->json, "stream");
    c->ask.wants_stream = !cJSON_IsFalse(stream);
    if (c->ask.is_load_only)
        load_or_unload(c);
    else
        call_chat(c, &writer_ollama);
}

// --- lists -----------------------------------------------------------------------------

#define DIGEST "5ced39dfa4bac325dc183dd1e4febaa1c46b3ea28bce48896c8e69c1e79611cc"
#define SIZE   "5969245856"

static void add_model(const struct model *m, struct text *out)
{
    text_puts(out, "{\"name\":");
    text_json(out, m->name, strlen(m->name));
    text_puts(out, ",\"model\":");
    text_json(out, m->name, strlen(m->name));
    text_printf(out, ",\"size\":" SIZE ",\"digest\":\"" DIGEST
                     "\",\"details\":{\"parent_model\":"
                     "\"\",\"format\":\"gguf\",\"family\":\"qwen25vl\",\"families\":"
                     "[\"qwen25vl\"],\"parameter_size\":\"8.3B\",\"quantization_level\":"
                     "\"Q4_K_M\"}");
}

static void reply_tags(struct call *c)
{
    const struct queue *q = &c->fake->queue;
    struct text body = {0};
    text_puts(&body, "{\"models\":[");
    for (int i = 0; i < q->models_n; i++) {
        text_puts(&body, i ? "," : "");
        add_model(&q->models[i], &body);
        text_printf(&body,
                    ",\"modified_at\":\"2026-08-14T10:00:00Z\",\"capabilities\":"
                    "[\"completion\"%s%s]}",
                    q->models[i].has_vision ? ",\"vision\"" : "",
                    c->fake->opt.is_thinking ? ",\"thinking\"" : "");
    }
    text_puts(&body, "]}");
    call_reply_json(c, 200, &body);
}

static int64_t expiry_wall_ms(const struct call *c, const struct model *m)
{
    static const int64_t years_292_ms = INT64_C(292) * 365 * 86400 * 1000;
    int64_t wall_ms = fake_wall_ms(c->fake);
    if (m->keep_ms < 0)
        return wall_ms + years_292_ms;
    if (m->running > 0)
        return wall_ms + m->keep_ms;
    return wall_ms + m->expires_at_ms - fake_now_ms(c->fake);
}

static void reply_ps(struct call *c)
{
    const struct queue *q = &c->fake->queue;
    struct text body = {0};
    const char *comma = "";
    text_puts(&body, "{\"models\":[");
    for (int i = 0; i < q->models_n; i++) {
        const struct model *m = &q->models[i];
        if (m->state != MODEL_LOADED)
            continue;
        text_puts(&body, comma);
        add_model(m, &body);
        text_puts(&body, ",\"expires_at\":\"");
        add_time(expiry_wall_ms(c, m), &body);
        text_printf(&body, "\",\"size_vram\":" SIZE ",\"context_length\":%d}",
                    m->ctx_tokens ? m->ctx_tokens : c->fake->opt.ctx_tokens);
        comma = ",";
    }
    text_puts(&body, "]}");
    call_reply_json(c, 200, &body);
}

static void reply_show(struct call *c)
{
    if (!call_parse(c))
        return;
    const char *name = json_string(c->json, "model");
    name = name ? name : json_string(c->json, "name");
    if (!name || !*name) {
        fail_field(c, "model is required");
        return;
    }
    if (!call_find_model(c, name))
        return;
    bool has_vision = c->ticket.model->has_vision;
    struct text body = {0};
    text_printf(&body,
                "{\"modelfile\":\"# fakevlm\",\"parameters\":\"\",\"template\":\"\","
                "\"details\":{\"format\":\"gguf\",\"family\":\"qwen25vl\",\"families\":"
                "[\"qwen25vl\"],\"parameter_size\":\"8.3B\",\"quantization_level\":"
                "\"Q4_K_M\"},\"model_info\":{\"general.architecture\":\"%s\","
                "\"%s.context_length\":128000%s},\"capabilities\":[\"completion\"%s%s]}",
                has_vision ? "qwen25vl" : "qwen2", has_vision ? "qwen25vl" : "qwen2",
                has_vision ? ",\"qwen25vl.vision.patch_size\":14,"
                             "\"qwen25vl.vision.spatial_merge_size\":2"
                           : "",
                has_vision ? ",\"vision\"" : "",
                c->fake->opt.is_thinking ? ",\"thinking\"" : "");
    call_reply_json(c, 200, &body);
}

static void reply_version(struct call *c)
{
    struct text body = {0};
    text_puts(&body, "{\"version\":");
    text_json(&body, c->fake->opt.version, strlen(c->fake->opt.version));
    text_puts(&body, "}");
    call_reply_json(c, 200, &body);
}

// --- routes ----------------------------------------------------------------------------

static bool ends_with(const char *s, size_t len, const char *end)
{
    size_t end_len = strlen(end);
    return len >= end_len && !strncasecmp(s + len - end_len, end, end_len);
}

// Behind a reverse proxy that passes on its own host name, Ollama answers 403.
static bool is_host_fine(const struct call *c)
{
    const struct text *h = &c->headers.host;
    const char *bound = c->fake->opt.host;
    bool is_loopback = !strncmp(bound, "127.", 4) || !strcmp(bound, "::1");
    if (!h->len || !is_loopback)
        return true;
    const char *colon = strrchr(h->data, ':');
    size_t len = colon && h->data[0] != '[' ? (size_t)(colon - h->data) : h->len;
    bool is_address = h->data[0] == '[' || strspn(h->data, "0123456789.") == len;
    return is_address || ends_with(h->data, len, "localhost") ||
           ends_with(h->data, len, ".local") || ends_with(h->data, len, ".internal");
}

static void reply_root(struct call *c)
{
    static const char text[] = "Ollama is running";
    call_reply(c, 200, "text/plain; charset=utf-8", text, sizeof text - 1);
}

static void chat_openai(struct call *c)
{
    if (call_parse(c) && call_find_model(c, json_string(c->json, "model")) &&
        openai_parse(c))
        call_chat(c, &writer_openai);
}

static void list_openai(struct call *c)
{
    openai_models(c, "library", NULL);
}

static bool route(struct call *c)
{
    static const struct {
        enum http_method method;
        const char *path;
        void (*handle)(struct call *c);
    } paths[] = {
        {HTTP_GET, "/", reply_root},
        {HTTP_HEAD, "/", reply_root},
        {HTTP_GET, "/api/version", reply_version},
        {HTTP_HEAD, "/api/version", reply_version},
        {HTTP_GET, "/api/tags", reply_tags},
        {HTTP_GET, "/api/ps", reply_ps},
        {HTTP_POST, "/api/show", reply_show},
        {HTTP_POST, "/api/generate", answer_or_load},
        {HTTP_POST, "/api/chat", answer_or_load},
        {HTTP_GET, "/v1/models", list_openai},
        {HTTP_POST, "/v1/chat/completions", chat_openai},
    };
    if (!is_host_fine(c)) {
        call_reply(c, 403, NULL, NULL, 0);
        return true;
    }
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (call_is(c, paths[i].method, paths[i].path)) {
            // A proxy before it may ask for a key; Ollama itself has none.
            if (call_has_key(c))
                paths[i].handle(c);
            return true;
        }
    }
    return false;
}

const struct dialect dialect_ollama = {.headers = "", .route = route, .fail = fail};
