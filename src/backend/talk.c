// talk.c -- a conversation with a server: request, reply, handler, next request.
//
//     talk_start --> send --> on_http_done --> handler --TALK_MORE--> (wait) --> send
//                     |                           |
//                     '--------- failed ----------+--TALK_DONE or E_*--> finish
//
// A talk owns everything its request borrows, so it may outlive its caller: a load that was
// cancelled goes on, because some servers would throw the half loaded model away.
// Suspension points: on_http_done, on_poll_due.
// SPDX-License-Identifier: MIT
#include "backend/caps.h"
#include "base/json.h"
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_BODY = 1 << 20,
    MAX_REPLY = 8 << 20,
    MAX_URL = 4096,
    FIRST_POLL_MS = 500,
    LAST_POLL_MS = 5000,
    FEEDBACK_MS = 2000,  // what it would say later is of no use any more
};

static void on_http_done(struct http_req *http, int err);
static void on_poll_due(struct timer *timer);

static void talk_free(struct talk *t)
{
    buf_fini(&t->body);
    buf_fini(&t->http.response);
    free(t->base);
    free(t->unix_socket);
    free(t->auth);
    free(t->url);
    free(t);
}

static void forget(struct talk *t)
{
    struct talk **mine = &t->b->talks[t->kind];
    *mine = *mine == t ? NULL : *mine;
}

// A load that is under way while a probe ends tells only what it is about.
static void settle_load(struct talk *t)
{
    struct backend_facts *f = &t->b->facts;
    f->at_ms = loop_wall_ms();
    f->is_loaded = true;
    f->slots = t->facts.slots ? t->facts.slots : f->slots;
    f->n_ctx = t->facts.n_ctx ? t->facts.n_ctx : f->n_ctx;
}

static void settle_probe(struct talk *t)
{
    struct backend *b = t->b;
    b->facts = t->facts;
    b->facts.at_ms = loop_wall_ms();
    b->driver = t->driver;
    b->service = t->service;
    char *base = b->base;
    b->base = t->base;
    t->base = base;
}

// What the talk found becomes the backend's.
static void settle(struct talk *t)
{
    struct backend *b = t->b;
    backend_clean(b, &t->err);
    if (t->err.code == E_LOADING && !b->driver) {
        b->driver = t->driver ? t->driver : &driver_openai;  // enough to wait for it
    }
    if (t->err.code) {
        return;
    }
    switch (t->kind) {
    case TALK_PROBE: settle_probe(t); break;
    case TALK_LOAD: settle_load(t); break;
    case TALK_VERIFY: b->facts.is_loaded = t->residence == BACKEND_RESIDENT; break;
    case TALK_UNLOAD: b->facts.is_loaded = false; break;
    case TALK_SIGHT: b->facts.has_vision = b->facts.is_vision_sure = true; break;
    case TALK_FEEDBACK:
    case TALK_KINDS: break;
    }
}

static void fill_call(struct talk *t)
{
    t->call->code = t->err.code;
    t->call->err = t->err;
    t->call->retry_after_ms = t->http.retry_after_ms;
    t->call->residence = t->residence;
    t->call->expires_at_ms = t->expires_at_ms;
    t->call->memory_bytes = t->memory_bytes;
    t->call->feedback = t->feedback;
    t->call->scratch = NULL;
}

// Inside a callback of the loop: done may be called at once.
static void finish(struct talk *t)
{
    struct backend_call *call = t->call;
    settle(t);
    forget(t);
    if (call) {
        fill_call(t);
    }
    talk_free(t);
    if (call) {
        call->done(call, call->code);
    }
}

// Inside a call of the owner: done has to wait.
static void finish_later(struct talk *t)
{
    settle(t);
    if (t->call) {
        fill_call(t);
        backend_later(t->b, t->call, NULL);
    }
    forget(t);
    talk_free(t);
}

static void fail(struct talk *t, int code, const char *words)
{
    err_set(&t->err, code, "%s: %s", err_words(code), words);
}

static int send_request(struct talk *t)
{
    const struct backend_timeouts *limits = &t->b->config.timeouts;
    int n = 0;
    buf_fini(&t->http.response);
    t->http = (struct http_req){.method = t->body.len > 0 ? "POST" : "GET",
                                .url = t->url,
                                .unix_socket = t->unix_socket,
                                .max_response_bytes = MAX_REPLY,
                                .retry_after_ms = -1};
    t->http.timeouts.connect_ms = limits->connect_ms;
    t->http.timeouts.total_ms = t->timeout_ms;
    t->http.headers[n++] = "Accept: application/json";
    if (t->body.len > 0) {
        t->http.headers[n++] = "Content-Type: application/json";
        t->http.body.head = buf_str(&t->body);
        t->http.body.head_len = t->body.len;
    }
    t->http.headers[n++] = t->auth;
    return http_send(t->b->http, &t->http, on_http_done);
}

// Goes on after a handler, or fails; true: the talk has ended with t->err.
static bool has_ended(struct talk *t, int result)
{
    if (result == TALK_MORE && !t->call) {
        result = E_CANCELED;  // what was begun has come to its end, nothing new begins
    }
    if (result == TALK_MORE && t->wait_ms > 0) {
        timer_start(&t->b->poll_timer, t->wait_ms, on_poll_due);
        return false;
    }
    if (result == TALK_MORE) {
        result = send_request(t);
        if (result == 0) {
            return false;
        }
        fail(t, result, t->url);
    }
    if (result >= 0) {
        t->err = (struct err){0};  // of a step that was not needed
    } else if (t->err.code != result) {
        fail(t, result, t->base);
    }
    return true;
}

static void on_poll_due(struct timer *timer)
{
    struct talk *t = container_of(timer, struct backend, poll_timer)->talks[TALK_LOAD];
    t->wait_ms = 0;
    if (has_ended(t, TALK_MORE)) {
        finish(t);
    }
}

static int handle(struct talk *t, int err)
{
    struct reply r = {.err = err,
                      .status = t->http.status,
                      .body = buf_str(&t->http.response),
                      .len = t->http.response.len,
                      .server = t->http.server,
                      .words = t->http.error};
    struct cJSON *json = err == 0 ? json_parse(r.body, r.len) : NULL;
    talk_fn *next = t->next;
    r.json = json;
    t->wait_ms = 0;
    buf_clear(&t->body);
    int result = next(t, &r);
    json_free(json);
    return result;
}

static void on_http_done(struct http_req *http, int err)
{
    struct talk *t = container_of(http, struct talk, http);
    if (!t->b) {
        talk_free(t);
        return;
    }
    if (err == E_CANCELED) {
        fail(t, err, t->base);
        finish(t);
        return;
    }
    if (has_ended(t, handle(t, err))) {
        finish(t);
    }
}

void talk_start(struct backend *b, struct backend_call *call, enum talk_kind kind,
                talk_fn *first)
{
    struct talk *t = mem_new(struct talk);
    t->b = b;
    t->call = call;
    t->kind = kind;
    t->driver = b->driver;
    t->service = b->service;
    t->base = mem_dup(b->base);
    t->unix_socket = mem_dup(b->unix_socket);
    t->auth = mem_dup(b->auth);
    t->http.retry_after_ms = -1;
    t->began_ms = loop_now_ms(b->loop);
    t->poll_ms = FIRST_POLL_MS;
    buf_init(&t->body, MAX_BODY);
    t->expires_at_ms = -1;
    t->memory_bytes = -1;
    t->feedback = (struct backend_feedback){-1, -1, -1, -1};
    if (kind != TALK_PROBE) {
        t->facts = b->facts;
    }
    assert(!b->talks[kind]);
    b->talks[kind] = t;
    call->scratch = t;
    if (has_ended(t, first(t, NULL))) {
        finish_later(t);
    }
}

// A load that only polls has nothing at stake; one whose request is under way is left to
// finish when the server would drop the model otherwise.
void talk_cancel(struct talk *t)
{
    struct backend *b = t->b;
    err_set(&t->err, E_CANCELED, "%s", err_words(E_CANCELED));
    bool is_load = t->kind == TALK_LOAD;
    if (is_load && timer_is_started(&b->poll_timer)) {
        timer_stop(&b->poll_timer);
        finish_later(t);
    } else if (is_load && t->driver->is_load_fragile) {
        fill_call(t);
        backend_later(b, t->call, NULL);
        t->call = NULL;
        t->err = (struct err){0};
    } else {
        http_cancel(b->http, &t->http);
    }
}

void talk_orphan(struct talk *t)
{
    struct http *http = t->b->http;
    t->b = NULL;
    http_cancel(http, &t->http);
}

// ---- for handlers

// Loading and giving back take their time.
static bool has_patience(const struct talk *t)
{
    return t->kind == TALK_LOAD || t->kind == TALK_UNLOAD || t->kind == TALK_SIGHT;
}

static int set_request(struct talk *t, talk_fn *next, const char *path)
{
    struct buf url;
    buf_init(&url, MAX_URL);
    int rc = buf_printf(&url, "%s%s", t->base, path);
    free(t->url);
    t->url = rc == 0 ? mem_dup(buf_str(&url)) : NULL;
    buf_fini(&url);
    const struct backend_timeouts *limits = &t->b->config.timeouts;
    t->timeout_ms = has_patience(t) ? limits->load_ms : limits->probe_ms;
    if (t->kind == TALK_FEEDBACK && t->timeout_ms > FEEDBACK_MS) {
        t->timeout_ms = FEEDBACK_MS;
    }
    t->next = next;
    return rc == 0 ? TALK_MORE : rc;
}

int talk_get(struct talk *t, talk_fn *next, const char *path)
{
    buf_clear(&t->body);
    return set_request(t, next, path);
}

int talk_post(struct talk *t, talk_fn *next, const char *path)
{
    return set_request(t, next, path);
}

// What RFC 3986 allows in a path and in a query; llama-swap wants the slash as it is.
static int escape(struct buf *out, const char *s)
{
    int rc = 0;
    for (; rc == 0 && *s; s++) {
        unsigned char c = (unsigned char)*s;
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || strchr("-._~/:@", c);
        rc = is_plain ? buf_add(out, s, 1) : buf_printf(out, "%%%02X", c);
    }
    return rc;
}

typedef int talk_verb(struct talk *t, talk_fn *next, const char *path);

static int with_model(struct talk *t, talk_verb *verb, talk_fn *next,
                      const char *const parts[3])
{
    struct buf path;
    buf_init(&path, MAX_URL);
    int rc = buf_add_str(&path, parts[0]);
    rc = rc == 0 ? escape(&path, parts[1]) : rc;
    rc = rc == 0 ? buf_add_str(&path, parts[2]) : rc;
    rc = rc == 0 ? verb(t, next, buf_str(&path)) : rc;
    buf_fini(&path);
    return rc;
}

int talk_get_model(struct talk *t, talk_fn *next, const char *before, const char *model,
                   const char *behind)
{
    return with_model(t, talk_get, next, (const char *const[]){before, model, behind});
}

int talk_post_empty(struct talk *t, talk_fn *next, const char *path)
{
    buf_clear(&t->body);
    int rc = buf_add_str(&t->body, "{}");
    return rc < 0 ? rc : talk_post(t, next, path);
}

int talk_post_model(struct talk *t, talk_fn *next, const char *before, const char *model,
                    const char *behind)
{
    return with_model(t, talk_post_empty, next,
                      (const char *const[]){before, model, behind});
}

int talk_wait(struct talk *t)
{
    int64_t spent_ms = loop_now_ms(t->b->loop) - t->began_ms;
    int64_t left_ms = t->b->config.timeouts.load_ms - spent_ms;
    if (left_ms <= 0) {
        return err_set(&t->err, E_LOADING, "%s after %lld s", err_words(E_LOADING),
                       (long long)(spent_ms / 1000));
    }
    t->wait_ms = t->poll_ms < left_ms ? t->poll_ms : left_ms;
    t->poll_ms = t->poll_ms * 3 / 2 < LAST_POLL_MS ? t->poll_ms * 3 / 2 : LAST_POLL_MS;
    return TALK_MORE;
}

// A load that answers too late is still loading; a probe that does is not there.
static int transport_code(const struct talk *t, int err)
{
    bool is_late = err == E_FIRST_BYTE || err == E_STALL || err == E_TOTAL;
    if (is_late) {
        return t->kind == TALK_LOAD ? E_LOADING : E_NET;
    }
    if (err == E_TOOBIG) {
        return E_GARBAGE;
    }
    return err == E_NET_CUT && t->kind == TALK_PROBE ? E_NET : err;
}

int talk_check_status(struct talk *t, const struct reply *r)
{
    if (r->err) {
        int code = transport_code(t, r->err);
        return err_set(&t->err, code, "%s: %.200s: %s", err_words(code), t->url,
                       r->words);
    }
    if (r->status < 200 || r->status > 299) {
        return backend_classify(r->status, r->body, r->len, &t->err);
    }
    return 0;
}

int talk_check(struct talk *t, const struct reply *r)
{
    int rc = talk_check_status(t, r);
    if (rc < 0) {
        return rc;
    }
    if (!r->json) {
        return err_set(&t->err, E_GARBAGE, "%s: %.200s: no JSON", err_words(E_GARBAGE),
                       t->url);
    }
    if (json_get(r->json, "error")) {
        return backend_classify(r->status, r->body, r->len, &t->err);
    }
    return 0;
}

int talk_resident(struct talk *t, enum backend_residence r)
{
    t->residence = r;
    return TALK_DONE;
}

int talk_unsupported(struct talk *t)
{
    return err_set(&t->err, E_UNSUPPORTED, "%s: %s", t->base, err_words(E_UNSUPPORTED));
}

bool talk_is_missing(const struct reply *r)
{
    const char *words = json_get_str(r->json, "error");
    return r->err == 0 && (r->status == 404 || r->status == 405 || r->status == 501 ||
                           (words && strstr(words, "Unexpected endpoint")));
}

// What was configured or found out fills in for what the server does not say.
static void add_known_sight(struct talk *t)
{
    const struct backend *b = t->b;
    bool is_configured = strcmp(b->config.vision, "auto") != 0;
    for (int i = 0; i < t->list.n; i++) {
        struct model_row *m = &t->list.rows[i];
        enum vision known = look_known(b, m->name, t->facts.version);
        if (known != VISION_UNKNOWN && (is_configured || m->vision == VISION_UNKNOWN)) {
            m->vision = known;
        }
    }
}

int talk_choose(struct talk *t)
{
    struct backend *b = t->b;
    add_known_sight(t);
    int rc = models_choose(&t->list, b->config.model, &t->chosen, &t->err);
    if (rc < 0) {
        return rc;
    }
    struct model_row *m = t->chosen;
    struct backend_facts *f = &t->facts;
    f->kind = t->driver->kind;
    snprintf(f->model, sizeof(f->model), "%s", m->name);
    f->has_vision = m->vision != VISION_NO;
    f->is_vision_sure = m->vision != VISION_UNKNOWN;
    f->is_loaded = m->is_loaded;
    f->is_remote = !b->is_local || m->is_remote;
    f->slots = m->slots;
    f->n_ctx = m->n_ctx;
    f->service = t->service->name;
    caps_fill(t->service, f);
    f->has_feedback = t->driver->feedback != NULL;
    models_report(&t->list, m, f);
    return TALK_DONE;
}
