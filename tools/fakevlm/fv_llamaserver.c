// fv_llamaserver.c -- llama.cpp's llama-server with one model, and as a router of many.
//
// Client mistakes are often 500 here, as in the real one, and every 4xx and 5xx ends the
// connection.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "fv_dialect.h"

#define BAD   "invalid_request_error"
#define CRASH "server_error"

static const struct fail_row rows[FAIL_COUNT] = {
    [FAIL_JSON] =
        {500, CRASH, NULL,
         "[json.exception.parse_error.101] parse error at line 1, column 1: syntax "
         "error while parsing value"},
    [FAIL_FIELD] = {400, BAD, NULL, NULL},
    [FAIL_FORMAT] = {400, BAD, NULL, NULL},
    [FAIL_BASE64] = {400, BAD, NULL, "Failed to load image or audio file"},
    [FAIL_URL] = {500, CRASH, NULL, NULL},
    [FAIL_IMAGE] = {400, BAD, NULL, "Failed to load image or audio file"},
    [FAIL_NO_VISION] =
        {500, CRASH, NULL,
         "image input is not supported - hint: if this is unexpected, you may "
         "need to provide the mmproj"},
    [FAIL_CONTEXT] =
        {400, "exceed_context_size_error", NULL,
         "request ({need} tokens) exceeds the available context size ({have} "
         "tokens), try increasing it"},
    [FAIL_NO_MODEL] = {400, BAD, NULL, "model '{model}' not found"},
    [FAIL_KEY] = {401, "authentication_error", NULL, "Invalid API Key"},
    [FAIL_RATE] = {429, "rate_limit_error", NULL, "Too many requests"},
    [FAIL_QUOTA] = {429, "insufficient_quota", NULL, "You exceeded your current quota"},
    [FAIL_BUSY] = {503, "unavailable_error", NULL, "no slot available"},
    [FAIL_LOADING] = {503, "unavailable_error", NULL, "Loading model"},
    [FAIL_CRASH] = {500, CRASH, NULL, "Compute error."},
    [FAIL_OOM] = {500, CRASH, NULL,
                  "failed to process image: cudaMalloc failed: out of memory"},
    [FAIL_PATH] = {404, "not_found_error", NULL, "File Not Found"},
};

int llama_fail(const struct call *c, const struct failure *f, struct text *body)
{
    if (f->what == FAIL_TOO_BIG)
        return 413;
    if (f->what == FAIL_CONTENT_TYPE)
        return 415;
    const struct fail_row *row = fail_row_of(rows, f);
    text_printf(body, "{\"error\":{\"code\":%d,\"message\":", row->status);
    fail_message(row, c, f, body);
    text_printf(body, ",\"type\":\"%s\"", row->type);
    if (f->what == FAIL_CONTEXT)
        text_printf(body, ",\"n_prompt_tokens\":%d,\"n_ctx\":%d", f->need, f->have);
    text_puts(body, "}}");
    return row->status;
}

// --- one model -------------------------------------------------------------------------

static void reply_ok(struct call *c)
{
    static const char ok[] = "{\"status\":\"ok\"}";
    call_reply(c, 200, "application/json; charset=utf-8", ok, sizeof ok - 1);
}

static void reply_props(struct call *c, const struct model *m)
{
    const struct options *o = &c->fake->opt;
    struct text body = {0};
    text_printf(
        &body,
        "{\"default_generation_settings\":{\"n_ctx\":%d},\"total_slots\":%d,"
        "\"model_alias\":\"%s\",\"model_path\":\"/models/%s.gguf\",\"modalities\":"
        "{\"vision\":%s,\"audio\":false},\"media_marker\":\"<__media_fake__>\","
        "\"is_sleeping\":false,\"build_info\":\"b9000-fakevlm\"}",
        o->ctx_tokens, o->slots, m->name, m->name, m->has_vision ? "true" : "false");
    call_reply_json(c, 200, &body);
}

static void reply_slots(struct call *c, const struct model *m)
{
    const struct options *o = &c->fake->opt;
    struct text body = {0};
    if (strstr(c->query, "fail_on_no_slot=1") && m->running >= o->slots) {
        call_fail(c, &(struct failure){.what = FAIL_BUSY});
        return;
    }
    text_puts(&body, "[");
    for (int i = 0; i < o->slots; i++)
        text_printf(&body, "%s{\"id\":%d,\"n_ctx\":%d,\"is_processing\":%s}",
                    i ? "," : "", i, o->ctx_tokens, i < m->running ? "true" : "false");
    text_puts(&body, "]");
    call_reply_json(c, 200, &body);
}

static void reply_metrics(struct call *c, const struct model *m)
{
    struct text body = {0};
    text_printf(&body,
                "# TYPE llamacpp:requests_processing gauge\n"
                "llamacpp:requests_processing %d\n"
                "# TYPE llamacpp:requests_deferred gauge\n"
                "llamacpp:requests_deferred %d\n",
                m->running, queue_waiting_for(&c->fake->queue, m));
    call_reply(c, 200, "text/plain; version=0.0.4", body.data, body.len);
    text_free(&body);
}

static void chat(struct call *c)
{
    if (c->headers.content_encoding.len)
        call_fail(c, &(struct failure){.what = FAIL_CONTENT_TYPE});
    else if (call_parse(c) && openai_parse(c))
        call_chat(c, &writer_openai);
}

static bool is_chat_path(const struct call *c, const char *path)
{
    return c->method == HTTP_POST &&
           (!strcmp(path, "/v1/chat/completions") || !strcmp(path, "/chat/completions"));
}

bool llama_route_child(struct call *c, struct model *m, const char *path)
{
    bool is_get = c->method == HTTP_GET;
    c->ticket.model = m;
    if (is_get && (!strcmp(path, "/health") || !strcmp(path, "/v1/health")))
        reply_ok(c);
    else if (is_get && !strcmp(path, "/props"))
        reply_props(c, m);
    else if (is_get && !strcmp(path, "/slots"))
        reply_slots(c, m);
    else if (is_get && !strcmp(path, "/metrics"))
        reply_metrics(c, m);
    else if (is_chat_path(c, path))
        chat(c);
    else
        return false;
    return true;
}

static bool is_models_path(const struct call *c)
{
    return call_is(c, HTTP_GET, "/v1/models") || call_is(c, HTTP_GET, "/models");
}

static void reply_one_model(struct call *c, const struct model *m)
{
    struct text body = {0};
    text_printf(&body,
                "{\"models\":[{\"name\":\"%s\",\"capabilities\":[\"completion\"%s]}],"
                "\"object\":\"list\",\"data\":[{\"id\":\"%s\",\"object\":\"model\","
                "\"created\":1760000000,\"owned_by\":\"llamacpp\",\"architecture\":"
                "{\"input_modalities\":[\"text\"%s]},\"meta\":{\"n_ctx_train\":128000,"
                "\"n_params\":8292166656,\"size\":5969245856}}]}",
                m->name, m->has_vision ? ",\"multimodal\"" : "", m->name,
                m->has_vision ? ",\"image\"" : "");
    call_reply_json(c, 200, &body);
}

static bool is_health(const struct call *c)
{
    return call_is(c, HTTP_GET, "/health") || call_is(c, HTTP_GET, "/v1/health");
}

static bool route(struct call *c)
{
    struct model *m = &c->fake->queue.models[0];
    c->ticket.model = m;
    if (m->state != MODEL_LOADED) {
        call_fail(c, &(struct failure){.what = FAIL_LOADING});
        return true;
    }
    if (!is_health(c) && !is_models_path(c) && !call_has_key(c))
        return true;
    if (!is_models_path(c))
        return llama_route_child(c, m, c->path);
    reply_one_model(c, m);
    return true;
}

const struct dialect dialect_llama_server = {
    .headers = "Server: llama.cpp\r\n",
    .closes_on_error = true,
    .requests_max = 100,
    .route = route,
    .fail = llama_fail,
};

// --- router ----------------------------------------------------------------------------

static void add_router_model(const struct call *c, const struct model *m,
                             struct text *out)
{
    static const char *const states[] = {"unloaded", "loading", "loaded"};
    (void)c;
    text_printf(out,
                ",\"aliases\":[],\"tags\":[],\"status\":{\"value\":\"%s\",\"args\":[]},"
                "\"architecture\":{\"input_modalities\":[\"text\"%s]}",
                states[m->state], m->has_vision ? ",\"image\"" : "");
}

// The value of ?model=, into a buffer of 128; "" when it is not there.
static void query_model(const struct call *c, char *name)
{
    const char *s = strstr(c->query, "model=");
    name[0] = 0;
    if (!s)
        return;
    size_t n = 0;
    for (s += 6; *s && *s != '&' && n < 127; s++) {
        bool is_colon = !strncmp(s, "%3A", 3) || !strncmp(s, "%3a", 3);
        name[n++] = is_colon ? ':' : *s;
        s += is_colon ? 2 : 0;
    }
    name[n] = 0;
}

static void load_model(struct call *c)
{
    static const char done[] = "{\"success\":true}";
    if (!call_parse(c) || !call_find_model(c, json_string(c->json, "model")))
        return;
    if (c->ticket.model->state != MODEL_ABSENT) {
        fail_field(c, "model is already running");
        return;
    }
    model_load(&c->fake->queue, c->ticket.model);
    fake_tick(c->fake);
    call_reply(c, 200, "application/json", done, sizeof done - 1);
}

static void unload_model(struct call *c)
{
    static const char done[] = "{\"success\":true}";
    if (!call_parse(c) || !call_find_model(c, json_string(c->json, "model")))
        return;
    if (c->ticket.model->state == MODEL_ABSENT) {
        fail_field(c, "model is not running");
        return;
    }
    model_unload(&c->fake->queue, c->ticket.model);
    fake_tick(c->fake);
    call_reply(c, 200, "application/json", done, sizeof done - 1);
}

static void reply_router_props(struct call *c)
{
    char name[128];
    query_model(c, name);
    if (name[0]) {
        if (call_find_model(c, name))
            reply_props(c, c->ticket.model);
        return;
    }
    struct text body = {0};
    text_printf(&body,
                "{\"role\":\"router\",\"max_instances\":%d,\"models_autoload\":true}",
                c->fake->opt.max_loaded);
    call_reply_json(c, 200, &body);
}

static bool route_to_child(struct call *c)
{
    char name[128];
    query_model(c, name);
    if (!name[0]) {
        fail_field(c, "model name is missing from the request");
        return true;
    }
    if (!call_find_model(c, name))
        return true;
    return llama_route_child(c, c->ticket.model, c->path);
}

static void route_chat(struct call *c)
{
    bool is_autoload = !strstr(c->query, "autoload=false");
    if (!call_parse(c) || !call_find_model(c, json_string(c->json, "model")))
        return;
    if (!is_autoload && c->ticket.model->state != MODEL_LOADED)
        fail_field(c, "model is not loaded");
    else if (openai_parse(c))
        call_chat(c, &writer_openai);
}

static bool router_route(struct call *c)
{
    if (is_health(c))
        reply_ok(c);
    else if (is_models_path(c))
        openai_models(c, "llamacpp", add_router_model);
    else if (!call_has_key(c))
        return true;
    else if (call_is(c, HTTP_POST, "/models/load"))
        load_model(c);
    else if (call_is(c, HTTP_POST, "/models/unload"))
        unload_model(c);
    else if (call_is(c, HTTP_GET, "/props"))
        reply_router_props(c);
    else if (call_is(c, HTTP_GET, "/slots") || call_is(c, HTTP_GET, "/metrics"))
        return route_to_child(c);
    else if (is_chat_path(c, c->path))
        route_chat(c);
    else
        return false;
    return true;
}

// The router says 404 where a load or unload names a stranger.
static int router_fail(const struct call *c, const struct failure *f, struct text *body)
{
    bool is_life = !strncmp(c->path, "/models/", 8);
    if (f->what != FAIL_NO_MODEL || !is_life)
        return llama_fail(c, f, body);
    text_puts(body, "{\"error\":{\"code\":404,\"message\":\"model is not found\","
                    "\"type\":\"not_found_error\"}}");
    return 404;
}

const struct dialect dialect_llama_router = {
    .headers = "Server: llama.cpp\r\n",
    .closes_on_error = true,
    .requests_max = 100,
    .route = router_route,
    .fail = router_fail,
};
