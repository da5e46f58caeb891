// fv_llamaswap.c -- llama-swap: starts one llama-server per model, one at a time.
//
// What goes wrong in llama-swap itself carries "src"; failures of the llama-server behind
// it pass unchanged.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "fv_dialect.h"

static const struct fail_row rows[FAIL_COUNT] = {
    [FAIL_NO_MODEL] = {404, "invalid_request_error", "not_found",
                       "no router for requested model"},
    [FAIL_KEY] = {401, "authentication_error", "unauthorized", "unauthorized"},
    [FAIL_RATE] = {429, "rate_limit_error", "concurrency_limit", "Too many requests"},
    [FAIL_BUSY] = {429, "rate_limit_error", "concurrency_limit", "Too many requests"},
    [FAIL_LOADING] = {503, "server_error", "not_ready", "[{model}] process is not ready"},
    [FAIL_OOM] = {502, "server_error", "bad_gateway",
                  "[{model}] process exited while starting: out of memory"},
    [FAIL_PATH] = {404, "invalid_request_error", "not_found", "page not found"},
};

static int fail(const struct call *c, const struct failure *f, struct text *body)
{
    const struct fail_row *row = &rows[f->what];
    if (!row->status)
        return llama_fail(c, f, body);
    text_puts(body, "{\"src\":\"llama-swap\",\"error\":{\"message\":");
    fail_message(row, c, f, body);
    text_printf(body, ",\"type\":\"%s\",\"param\":null,\"code\":\"%s\"}}", row->type,
                row->code);
    return row->status;
}

static const char *state_name(const struct model *m)
{
    static const char *const names[] = {"stopped", "starting", "ready"};
    return names[m->state];
}

static void add_model(const struct call *c, const struct model *m, struct text *out)
{
    text_printf(
        out,
        ",\"name\":\"%s\",\"status\":{\"value\":\"%s\"},\"capabilities\":{\"vision\":"
        "%s},\"context_length\":%d",
        m->name, m->state == MODEL_LOADED ? "loaded" : "unloaded",
        m->has_vision ? "true" : "false", c->fake->opt.ctx_tokens);
}

static void reply_running(struct call *c)
{
    const struct queue *q = &c->fake->queue;
    struct text body = {0};
    const char *comma = "";
    text_puts(&body, "{\"running\":[");
    for (int i = 0; i < q->models_n; i++) {
        const struct model *m = &q->models[i];
        if (m->state == MODEL_ABSENT)
            continue;
        text_printf(&body,
                    "%s{\"model\":\"%s\",\"state\":\"%s\",\"cmd\":\"llama-server\","
                    "\"proxy\":\"http://127.0.0.1:5800\",\"ttl\":0,\"name\":\"\","
                    "\"description\":\"\"}",
                    comma, m->name, state_name(m));
        comma = ",";
    }
    text_puts(&body, "]}");
    call_reply_json(c, 200, &body);
}

static void reply_ok(struct call *c)
{
    call_reply(c, 200, "text/plain", "OK", 2);
}

// Does not wait: whoever is being answered by that process loses the connection.
static void stop_model(struct call *c, struct model *m)
{
    struct conn *conn = c->fake->server.first;
    c->fake->queue.is_held = true;
    while (conn) {
        struct conn *next = conn->next;
        struct call *other = conn->call;
        if (other && other != c && other->ticket.model == m &&
            other->ticket.state == TICKET_RUNNING)
            conn_reset(conn);
        conn = next;
    }
    model_unload(&c->fake->queue, m);
    c->fake->queue.is_held = false;
}

static void unload_all(struct call *c)
{
    struct queue *q = &c->fake->queue;
    for (int i = 0; i < q->models_n; i++)
        stop_model(c, &q->models[i]);
    fake_tick(c->fake);
    reply_ok(c);
}

static void unload_one(struct call *c, const char *name)
{
    if (!call_find_model(c, name))
        return;
    stop_model(c, c->ticket.model);
    fake_tick(c->fake);
    reply_ok(c);
}

static void on_loaded(struct call *c)
{
    const char *path = strchr(c->path + strlen("/upstream/"), '/');
    if (!llama_route_child(c, c->ticket.model, path))
        call_fail(c, &(struct failure){.what = FAIL_PATH});
}

// Starts the model, waits for it, and hands the rest of the path to it.
static void pass_upstream(struct call *c)
{
    const char *name = c->path + strlen("/upstream/");
    const char *end = strchr(name, '/');
    if (!end) {
        call_fail(c, &(struct failure){.what = FAIL_PATH});
        return;
    }
    char model[128] = {0};
    size_t len = (size_t)(end - name);
    memcpy(model, name, len < sizeof model ? len : sizeof model - 1);
    if (call_find_model(c, model))
        call_load(c, c->ticket.model, on_loaded);
}

static void chat(struct call *c)
{
    if (call_parse(c) && call_find_model(c, json_string(c->json, "model")) &&
        openai_parse(c))
        call_chat(c, &writer_openai);
}

static bool route_with_key(struct call *c)
{
    static const char unload[] = "/api/models/unload/";
    if (call_is(c, HTTP_GET, "/v1/models"))
        openai_models(c, "llama-swap", add_model);
    else if (call_is(c, HTTP_POST, "/v1/chat/completions"))
        chat(c);
    else if (call_is(c, HTTP_GET, "/running"))
        reply_running(c);
    else if (call_is(c, HTTP_GET, "/unload") ||
             call_is(c, HTTP_POST, "/api/models/unload"))
        unload_all(c);
    else if (c->method == HTTP_POST && !strncmp(c->path, unload, sizeof unload - 1))
        unload_one(c, c->path + sizeof unload - 1);
    else if (!strncmp(c->path, "/upstream/", 10))
        pass_upstream(c);
    else
        return false;
    return true;
}

static bool route(struct call *c)
{
    if (call_is(c, HTTP_GET, "/health"))
        reply_ok(c);
    else if (call_has_key(c))
        return route_with_key(c);
    return true;
}

const struct dialect dialect_llama_swap = {.headers = "", .route = route, .fail = fail};
