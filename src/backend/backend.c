// backend.c -- one server: its configuration, what is known of it, who waits for an answer.
// SPDX-License-Identifier: MIT
#include "backend/backend.h"

#include "backend/answer.h"
#include "backend/driver.h"
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_URL = 2048, MAX_SOCKET = 107, MAX_KEY = 8192 };

static const char unix_scheme[] = "http+unix://";

static const struct driver *const drivers[] = {
    &driver_ollama,     &driver_openai, &driver_lmstudio, &driver_llama_server,
    &driver_llama_swap, &driver_vllm,   &driver_sglang,
};

enum { N_DRIVERS = sizeof(drivers) / sizeof(drivers[0]) };

const struct driver *driver_of(enum backend_kind kind)
{
    for (int i = 0; i < N_DRIVERS; i++) {
        if (drivers[i]->kind == kind) {
            return drivers[i];
        }
    }
    return NULL;
}

const char *backend_kind_name(enum backend_kind k)
{
    const struct driver *d = driver_of(k);
    return d ? d->name : k == BACKEND_AUTO ? "auto" : "unknown";
}

const char *backend_residence_name(enum backend_residence r)
{
    switch (r) {
    case BACKEND_ABSENT: return "absent";
    case BACKEND_LOADING: return "loading";
    case BACKEND_RESIDENT: return "resident";
    case BACKEND_ASLEEP: return "asleep";
    }
    return "unknown";
}

int backend_kind_by_name(const char *name)
{
    for (int i = 0; i < N_DRIVERS; i++) {
        if (strcasecmp(drivers[i]->name, name) == 0) {
            return (int)drivers[i]->kind;
        }
    }
    return strcasecmp(name, "auto") == 0 ? (int)BACKEND_AUTO : -1;
}

void backend_config_default(struct backend_config *c)
{
    *c = (struct backend_config){
        .url = "http://127.0.0.1:11434",
        .name = "backend",
        .kind = BACKEND_AUTO,
        .service = "auto",
        .vision = "auto",
        .model = "",
        .api_key = "",
        .keep_alive_s = 600,
        .num_ctx = 8192,
        .max_tokens = 500,
        .temperature = 0.1,
        .is_streamed = true,
        .timeouts = {.connect_ms = 3000,
                     .probe_ms = 5000,
                     .load_ms = 600000,
                     .first_byte_ms = 300000,
                     .stall_ms = 60000,
                     .total_ms = 900000},
    };
}

// ---- the URL

static bool cut_end(char *s, const char *end)
{
    size_t len = strlen(s);
    size_t n = strlen(end);
    if (len <= n || strcasecmp(s + len - n, end) != 0) {
        return false;
    }
    s[len - n] = 0;
    return true;
}

// People write the address of the API they know.  "/api/v1" stays "/api" except for LM
// Studio: gateways such as OpenRouter have their OpenAI API there.
static void cut_api(char *s, enum backend_kind kind)
{
    bool is_native = kind == BACKEND_OLLAMA || kind == BACKEND_LMSTUDIO;
    while (cut_end(s, "/")) {
    }
    cut_end(s, "/chat/completions");
    bool is_v1 = cut_end(s, "/v1");
    while (cut_end(s, "/")) {
    }
    if (is_native || (kind == BACKEND_AUTO && !is_v1)) {
        cut_end(s, "/api/chat");
        cut_end(s, "/api/generate");
        cut_end(s, "/api");
    }
}

static bool is_web_url(const char *url)
{
    const char *host = strncasecmp(url, "http://", 7) == 0    ? url + 7
                       : strncasecmp(url, "https://", 8) == 0 ? url + 8
                                                              : NULL;
    return host && *host && *host != '/';
}

static int set_url(struct backend *b, const char *given, enum backend_kind kind)
{
    char url[MAX_URL];
    bool has_scheme = given && strstr(given, "://");
    int n = snprintf(url, sizeof(url), "%s%s", has_scheme ? "" : "http://",
                     given ? given : "");
    if (n < 0 || n >= MAX_URL) {
        return E_CONFIG;
    }
    cut_api(url, kind);
    b->is_local = http_is_loopback(url);
    size_t scheme_len = strlen(unix_scheme);
    if (strncasecmp(url, unix_scheme, scheme_len) == 0) {
        const char *path = url + scheme_len;
        if (path[0] != '/' || !path[1] || strlen(path) > MAX_SOCKET) {
            return E_CONFIG;
        }
        b->unix_socket = mem_dup(path);
        b->base = mem_dup("http://localhost");
        return 0;
    }
    if (!is_web_url(url)) {
        return E_CONFIG;
    }
    b->base = mem_dup(url);
    return 0;
}

static int set_key(struct backend *b, const char *key)
{
    struct buf header;
    if (!key || !*key) {
        return 0;
    }
    for (const char *p = key; *p; p++) {
        if ((unsigned char)*p <= ' ' || *p == 0x7f) {
            return E_CONFIG;
        }
    }
    buf_init(&header, MAX_KEY);
    int rc = buf_printf(&header, "Authorization: Bearer %s", key);
    b->auth = rc == 0 ? mem_dup(buf_str(&header)) : NULL;
    buf_fini(&header);
    return rc == 0 ? 0 : E_CONFIG;
}

// ---- opening and closing

static void free_now(struct backend *b)
{
    free(b->base);
    free(b->unix_socket);
    free(b->auth);
    free(b);
}

static void on_all_closed(struct closer *c)
{
    free_now(container_of(c, struct backend, closer));
}

int backend_new(struct backend **out, struct loop *l, struct http *h,
                const struct backend_config *c)
{
    struct backend *b = mem_new(struct backend);
    *out = NULL;
    int rc = set_url(b, c->url, c->kind);
    rc = rc == 0 ? set_key(b, c->api_key) : rc;
    if (rc < 0) {
        free_now(b);
        return rc;
    }
    b->loop = l;
    b->http = h;
    b->config = *c;
    b->config.model = c->model ? c->model : "";
    b->config.name = c->name ? c->name : "";
    b->driver = driver_of(c->kind);
    b->service = service_of(c->service, b->base);
    b->facts.service = b->service->name;
    b->facts.kind = c->kind;
    b->facts.is_remote = !b->is_local;
    list_init(&b->later);
    list_init(&b->graces);
    timer_open(&b->later_timer, l);
    timer_open(&b->grace_timer, l);
    timer_open(&b->poll_timer, l);
    b->closer.on_closed = on_all_closed;
    *out = b;
    return 0;
}

static void on_later_closed(struct timer *t)
{
    closer_drop(&container_of(t, struct backend, later_timer)->closer);
}

static void on_grace_closed(struct timer *t)
{
    closer_drop(&container_of(t, struct backend, grace_timer)->closer);
}

static void on_poll_closed(struct timer *t)
{
    closer_drop(&container_of(t, struct backend, poll_timer)->closer);
}

// The memory goes when the loop has closed the timers.
void backend_free(struct backend *b)
{
    if (!b) {
        return;
    }
    struct talk **load = &b->talks[TALK_LOAD];
    assert(list_is_empty(&b->later) && list_is_empty(&b->graces));
    for (int i = 0; i < TALK_KINDS; i++) {
        assert(!b->talks[i] || (i == TALK_LOAD && !b->talks[i]->call));
    }
    if (*load) {
        talk_orphan(*load);
        *load = NULL;
    }
    for (int i = 0; i < 3; i++) {
        closer_hold(&b->closer);
    }
    timer_close(&b->later_timer, on_later_closed);
    timer_close(&b->grace_timer, on_grace_closed);
    timer_close(&b->poll_timer, on_poll_closed);
}

void backend_clean(const struct backend *b, struct err *e)
{
    if (b->config.clean && e->code) {
        b->config.clean(b->config.clean_arg, e->msg, sizeof(e->msg));
    }
}

void backend_set_keep_alive(struct backend *b, int keep_alive_s)
{
    b->config.keep_alive_s = keep_alive_s;
}

const struct backend_config *backend_config(const struct backend *b)
{
    return &b->config;
}

const struct backend_facts *backend_facts(const struct backend *b)
{
    return &b->facts;
}

const char *backend_model(const struct backend *b)
{
    return b->facts.model[0] ? b->facts.model : b->config.model;
}

// Decimals by hand: the host's locale may write a comma.
void backend_params(const struct backend *b, char *out, size_t size)
{
    const struct backend_config *c = &b->config;
    int milli = (int)(c->temperature * 1000 + 0.5);
    int n = snprintf(out, size, "form=%s;max_tokens=%d;temperature=%d.%03d",
                     ANSWER_FORM_VERSION, c->max_tokens, milli / 1000, milli % 1000);
    if (b->facts.kind == BACKEND_OLLAMA && n > 0 && (size_t)n < size) {
        snprintf(out + n, size - (size_t)n, ";num_ctx=%d", c->num_ctx);
    }
}

// ---- what is delivered on the next turn

struct later {
    struct list node;
    struct backend_call *call;  // borrowed: until done
    struct backend_ask *ask;    // borrowed: until done
};

// Takes what is there now; what a done adds waits for the next turn.
static void on_later_due(struct timer *timer)
{
    struct backend *b = container_of(timer, struct backend, later_timer);
    struct list due;
    list_init(&due);
    list_splice_back(&due, &b->later);
    struct list *node;
    while ((node = list_pop_front(&due))) {
        struct later l = *container_of(node, struct later, node);
        free(container_of(node, struct later, node));
        if (l.ask) {
            l.ask->done(l.ask, l.ask->call.code);
        } else {
            l.call->done(l.call, l.call->code);
        }
    }
}

void backend_later(struct backend *b, struct backend_call *call, struct backend_ask *ask)
{
    struct later *l = mem_new(struct later);
    l->call = call;
    l->ask = ask;
    list_push_back(&b->later, &l->node);
    timer_start(&b->later_timer, 1, on_later_due);
}

// ---- calls

static void begin_call(struct backend *b, struct backend_call *c,
                       void (*done)(struct backend_call *c, int err))
{
    *c = (struct backend_call){.retry_after_ms = -1,
                               .expires_at_ms = -1,
                               .memory_bytes = -1,
                               .feedback = {-1, -1, -1, -1},
                               .owner = b,
                               .done = done};
}

static void fail_call(struct backend *b, struct backend_call *c, int code)
{
    c->code = err_set(&c->err, code, "%s: %s", err_words(code), b->config.url);
    backend_later(b, c, NULL);
}

void backend_probe(struct backend *b, struct backend_call *c,
                   void (*done)(struct backend_call *c, int err))
{
    const struct driver *fixed = driver_of(b->config.kind);
    begin_call(b, c, done);
    talk_start(b, c, TALK_PROBE, fixed ? fixed->survey : detect_first);
}

// A load that its first caller has left is joined, not begun again.
void backend_load(struct backend *b, struct backend_call *c,
                  void (*done)(struct backend_call *c, int err))
{
    struct talk *load = b->talks[TALK_LOAD];
    begin_call(b, c, done);
    if (load) {
        assert(!load->call);
        load->call = c;
        c->scratch = load;
        return;
    }
    if (!b->driver) {
        fail_call(b, c, E_MODEL_MISSING);
        return;
    }
    talk_start(b, c, TALK_LOAD, b->driver->load);
}

// What is asked of a server that was found; NULL: it has no such thing.
static void start_call(struct backend *b, struct backend_call *c, enum talk_kind kind,
                       talk_fn *first, void (*done)(struct backend_call *c, int err))
{
    begin_call(b, c, done);
    if (!b->driver) {
        fail_call(b, c, E_MODEL_MISSING);
    } else if (!first) {
        fail_call(b, c, E_UNSUPPORTED);
    } else {
        talk_start(b, c, kind, first);
    }
}

void backend_verify(struct backend *b, struct backend_call *c,
                    void (*done)(struct backend_call *c, int err))
{
    start_call(b, c, TALK_VERIFY, b->driver ? b->driver->verify : NULL, done);
}

void backend_unload(struct backend *b, struct backend_call *c,
                    void (*done)(struct backend_call *c, int err))
{
    start_call(b, c, TALK_UNLOAD, b->driver ? b->driver->unload : NULL, done);
}

void backend_look(struct backend *b, struct backend_call *c,
                  void (*done)(struct backend_call *c, int err))
{
    start_call(b, c, TALK_SIGHT, b->driver ? look_first : NULL, done);
}

void backend_feedback_ask(struct backend *b, struct backend_call *c,
                          void (*done)(struct backend_call *c, int err))
{
    start_call(b, c, TALK_FEEDBACK, b->driver ? b->driver->feedback : NULL, done);
}

void backend_cancel(struct backend *b, struct backend_call *c)
{
    struct talk *t = c->scratch;
    (void)b;  // for the assert
    assert(c->owner == b);
    if (t) {
        talk_cancel(t);
    }
}
