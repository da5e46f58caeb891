// backend_script.c -- see backend_script.h.
// SPDX-License-Identifier: MIT
#include "backend_script.h"

#include "base/json.h"

#include <stdio.h>

enum { MAX_ASKED = 400, MAX_LINES = 32 };

const uint8_t tiny_jpeg[4] = {0xff, 0xd8, 0xff, 0xd9};

static struct {
    const struct line *lines;
    bool was_used[MAX_LINES];
    struct asked {
        char request[300];
        char head[2048];
        char *body;
    } asked[MAX_ASKED];
    int n;
    struct web_conn *silent;
} script;

static const char *choose(const char *request)
{
    const char *reply = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    for (int i = 0; script.lines && script.lines[i].request; i++) {
        if (strcmp(script.lines[i].request, request) == 0) {
            reply = script.lines[i].reply;
            if (!script.was_used[i]) {
                script.was_used[i] = true;
                break;
            }
        }
    }
    return reply;
}

static void send_body(struct web_conn *c, int status, const char *body)
{
    char head[200];
    snprintf(
        head, sizeof(head),
        "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
        status, strlen(body));
    web_send(c, head);
    web_send(c, body);
}

static void send_stream(struct web_conn *c, const char *body)
{
    web_send(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    web_send(c, body);
    web_cut(c);
}

static void answer(struct web_conn *c, const char *reply)
{
    int status = atoi(reply);
    if (!*reply) {
        script.silent = c;
    } else if (strncmp(reply, "HTTP/", 5) == 0) {
        web_send(c, reply);
        if (!strstr(reply, "Content-Length")) {
            web_cut(c);
        }
    } else if (status >= 100) {
        send_body(c, status, reply + (reply[3] ? 4 : 3));
    } else if (strchr("dei:", *reply)) {
        send_stream(c, reply);
    } else {
        send_body(c, 200, reply);
    }
}

static void on_request(struct web_conn *c)
{
    assert_true(script.n < MAX_ASKED);
    struct asked *a = &script.asked[script.n++];
    const char *bytes = buf_str(&c->in);
    snprintf(a->request, sizeof(a->request), "%s %s", c->method, c->path);
    snprintf(a->head, sizeof(a->head), "%.*s", (int)c->head_len, bytes);
    a->body = strndup(bytes + c->head_len, c->body_len);
    answer(c, choose(a->request));
}

void script_play(const struct line *lines)
{
    for (int i = 0; i < script.n; i++) {
        free(script.asked[i].body);
    }
    memset(&script, 0, sizeof(script));
    script.lines = lines;
    bn->web.on_request = on_request;
}

const char *script_asked(int i)
{
    return i < script.n ? script.asked[i].request : "";
}

int script_count(const char *request)
{
    int n = 0;
    for (int i = 0; i < script.n; i++) {
        n += strcmp(script.asked[i].request, request) == 0;
    }
    return n;
}

static const struct asked *find(const char *request)
{
    for (int i = script.n - 1; i >= 0; i--) {
        if (strcmp(script.asked[i].request, request) == 0) {
            return &script.asked[i];
        }
    }
    fail_msg("%s was not asked", request);
    return NULL;
}

struct cJSON *script_body(const char *request)
{
    const struct asked *a = find(request);
    struct cJSON *json = json_parse(a->body, strlen(a->body));
    assert_non_null(json);
    return json;
}

const char *script_header(const char *request, const char *name)
{
    static char value[1024];
    const struct asked *a = find(request);
    size_t n = strlen(name);
    for (const char *p = strstr(a->head, "\r\n"); p && p[2]; p = strstr(p, "\r\n")) {
        p += 2;
        if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
            p += n + 1 + (p[n + 1] == ' ');
            snprintf(value, sizeof(value), "%.*s", (int)strcspn(p, "\r"), p);
            return value;
        }
    }
    return NULL;
}

struct web_conn *script_silent(void)
{
    return script.silent;
}

#define MODELS "{\"object\":\"list\",\"data\":[{\"id\":\"m\",\"object\":\"model\"}]}"

static const struct line facts[] = {
    {"GET /api/version", "{\"version\":\"0.33.0\"}"},
    {"GET /api/tags", "{\"models\":[{\"name\":\"m\",\"capabilities\":[\"vision\"]}]}"},
    {"GET /api/ps", "{\"models\":[{\"name\":\"m\"}]}"},
    {"GET /v1/models", MODELS},
    {"GET /props", "{\"modalities\":{\"vision\":true}}"},
    {"GET /running", "{\"running\":[{\"model\":\"m\",\"state\":\"ready\"}]}"},
    {NULL, NULL},
};

void script_open(enum backend_kind kind, const struct line *lines)
{
    script_play(facts);
    bn->config.kind = kind;
    bench_open(bn->web.port);
    assert_code(probe(), 0);
    script_play(lines);
}

int script_ask(struct waited *w, enum backend_kind kind, const char *reply)
{
    const struct line lines[] = {
        {"POST /api/chat", reply}, {"POST /v1/chat/completions", reply}, {NULL, NULL}};
    script_open(kind, lines);
    start_ask(w, tiny_jpeg, sizeof(tiny_jpeg), 768, 432);
    run_dones(1);
    script_play(NULL);
    return w->err;
}
