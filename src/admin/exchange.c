// exchange.c -- the life of one exchange, and the ways to answer it.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"
#include "share.h"

#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- life

// What the client may choose, so that it finds itself in the log.
static bool is_correlation(const char *s)
{
    size_t n = strlen(s);
    return n > 0 && n < ADMIN_CORRELATION &&
           strspn(s,
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               n;
}

// Of no use to who guesses it: it only has to be another one each time, in each process.
// Source: G. Steele, D. Lea, C. Flood, Fast Splittable Pseudorandom Number Generators, 2014.
static uint64_t next_correlation(struct admin *a)
{
    uint64_t z = a->next_correlation += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static struct exchange *make(struct admin *a)
{
    struct exchange *x = mem_new(struct exchange);
    x->admin = a;
    x->holds = 1;
    buf_init(&x->out, ADMIN_ANSWER_MAX);
    list_push_back(&a->exchanges, &x->node);
    return x;
}

static void make_correlation(struct exchange *x)
{
    snprintf(x->correlation, sizeof(x->correlation), "%016" PRIx64,
             next_correlation(x->admin));
}

struct exchange *exchange_new(struct admin *a, struct httpd_request *r)
{
    struct exchange *x = make(a);
    const char *given = httpd_header(r, "X-Correlation-ID");
    x->http = r;
    if (given && is_correlation(given)) {
        snprintf(x->correlation, sizeof(x->correlation), "%s", given);
    } else {
        make_correlation(x);
    }
    return x;
}

struct exchange *exchange_new_ahead(struct admin *a, const struct route *route)
{
    struct exchange *x = make(a);
    x->is_ahead = true;
    x->route = route;
    make_correlation(x);
    return x;
}

void exchange_hold(struct exchange *x)
{
    x->holds++;
}

void exchange_drop(struct exchange *x)
{
    struct admin *a = x->admin;
    assert(x->holds > 0);
    if (--x->holds > 0) {
        return;
    }
    assert(!x->http);
    list_remove(&x->node);
    share_leave(x);
    if (x->free_state) {
        x->free_state(x->state);
    }
    buf_fini(&x->out);
    free(x);
    admin_free_if_done(a);
}

void exchange_run(struct exchange *x, void (*fn)(struct exchange *x))
{
    struct loop *l = vlmd_loop(x->admin->v);
    char id[ADMIN_CORRELATION];  // fn may free x
    memcpy(id, x->correlation, sizeof(id));
    const char *before = loop_ask_as(l, id);
    fn(x);
    loop_ask_as(l, before);
}

// The last one closes the door: calls of vlmd.h may come back after admin_close.
void admin_free_if_done(struct admin *a)
{
    if (a->is_closing && a->parts_open == 0 && list_is_empty(&a->exchanges)) {
        share_free_all(a);
        auth_close(&a->auth);
        free(a);
    }
}

// ---- answers of calls that come back later

void exchange_asked(struct exchange *x, int rc)
{
    if (rc) {
        reply_failed(x, rc, "");
        exchange_drop(x);
    }
}

bool answer_begin(struct exchange *x, int err, const char *message)
{
    if (err) {
        reply_failed(x, err, message);
        exchange_drop(x);
        return false;
    }
    reply_begin(x);
    return true;
}

void answer_end(struct exchange *x)
{
    reply_json(x, 200);
    exchange_drop(x);
}

void list_end(struct exchange *x, int err, const char *message)
{
    if (err) {
        reply_failed(x, err, message);
    } else {
        json_array_end(&x->w);
        json_object_end(&x->w);
        reply_json(x, 200);
    }
    exchange_drop(x);
}

// ---- answers

static const struct status {
    int status;
    const char *code;
    const char *severity;
    bool is_recoverable;  // the same request may succeed later
} statuses[] = {
    {400, "bad_request", "error", false},
    {401, "unauthorized", "error", false},
    {403, "forbidden", "error", false},
    {404, "not_found", "warning", false},
    {405, "method_not_allowed", "error", false},
    {409, "conflict", "warning", true},
    {410, "gone", "warning", false},
    {413, "too_large", "error", false},
    {415, "unsupported_type", "error", false},
    {422, "mismatch", "error", false},
    {429, "too_many_requests", "warning", true},
    {431, "headers_too_large", "error", false},
    {500, "internal", "critical", false},
    {503, "unavailable", "error", true},
};

static const struct status *describe(int status)
{
    enum { N = sizeof(statuses) / sizeof(statuses[0]), INTERNAL = N - 2 };
    for (int i = 0; i < N; i++) {
        if (statuses[i].status == status) {
            return &statuses[i];
        }
    }
    return &statuses[INTERNAL];
}

void reply_header(struct exchange *x, const char *name, const char *value)
{
    if (x->http && !x->is_answered) {
        httpd_set_header(x->http, name, value);
    }
}

void reply_headers(struct exchange *x)
{
    reply_header(x, "X-Correlation-ID", x->correlation);
    reply_header(x, "X-Content-Type-Options", "nosniff");
    reply_header(x, "X-Frame-Options", "DENY");
    reply_header(x, "Referrer-Policy", "no-referrer");
    reply_header(x, "Cross-Origin-Resource-Policy", "same-origin");
    reply_header(x, "Cross-Origin-Opener-Policy", "same-origin");
}

static void begin_answer(struct exchange *x, int status, const char *type)
{
    struct admin *a = x->admin;
    reply_headers(x);
    reply_header(x, "Content-Type", type);
    a->requests++;
    a->client_errors += status >= 400 && status < 500;
    a->server_errors += status >= 500;
    a->changes += x->is_change;  // who reads the answer may know of it
    a->told += !x->is_copy;
    x->is_answered = true;
}

void reply_bytes(struct exchange *x, int status, const char *type, struct buf *body)
{
    if (x->is_answered || !x->http) {
        buf_clear(body);
        return;
    }
    begin_answer(x, status, type);
    httpd_answer(x->http, status, body);
}

static void api_headers(struct exchange *x)
{
    reply_header(x, "Cache-Control", "no-store");
    reply_header(x, "Content-Security-Policy",
                 "default-src 'none'; frame-ancestors 'none'");
}

void reply_shared(struct exchange *x, int status, const char *type,
                  struct httpd_body *body)
{
    if (x->is_answered || !x->http) {
        return;
    }
    api_headers(x);
    begin_answer(x, status, type);
    httpd_answer_shared(x->http, status, body);
}

static void reply_api(struct exchange *x, int status, const char *type)
{
    api_headers(x);
    reply_bytes(x, status, type, &x->out);
}

void reply_begin(struct exchange *x)
{
    buf_clear(&x->out);
    json_init(&x->w, &x->out);
}

void reply_json(struct exchange *x, int status)
{
    if (x->w.rc) {
        reply_error(x, 500, NULL, "the answer is too large");
        return;
    }
    static const char type[] = "application/json";
    if (!x->makes) {
        reply_api(x, status, type);
        return;
    }
    struct httpd_body *body = httpd_body_make(&x->out);
    reply_shared(x, status, type, body);
    share_made(x, status, type, body);
    httpd_body_drop(body);
}

void reply_empty(struct exchange *x, int status)
{
    buf_clear(&x->out);
    reply_api(x, status, "text/plain; charset=utf-8");
}

static void say_error(struct exchange *x, int status, const char *field,
                      const char *message)
{
    const struct status *s = describe(status);
    // 503 is what the limits are for.
    if (status == 500) {
        log_error("admin", "correlation=%s status=%d %s", x->correlation, status,
                  message);
    } else {
        log_debug("admin", "correlation=%s status=%d %s", x->correlation, status,
                  message);
    }
    reply_begin(x);
    json_object(&x->w, NULL);
    json_object(&x->w, "error");
    json_str(&x->w, "code", s->code);
    json_str(&x->w, "message", message);
    json_str(&x->w, "field", field);
    json_str(&x->w, "severity", s->severity);
    json_bool(&x->w, "recoverable", s->is_recoverable);
    json_str(&x->w, "correlation_id", x->correlation);
    json_object_end(&x->w);
    json_object_end(&x->w);
    reply_api(x, status, "application/json");
}

void reply_error(struct exchange *x, int status, const char *field, const char *fmt, ...)
{
    char message[700];
    struct exchange *other;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    while ((other = share_next(x))) {
        say_error(other, status, field, message);
    }
    share_leave(x);
    say_error(x, status, field, message);
}

static void fail_one(struct exchange *x, int status, const char *message)
{
    if (status == 503) {
        reply_header(x, "Retry-After", "2");
    }
    say_error(x, status, NULL, message);
}

// What is away now may be there later; only what is nobody's doing is an internal error.
static int status_of(int code)
{
    switch (code) {
    case VLMD_ERR_USAGE: return 400;
    case VLMD_ERR_ACCESS:
    case E_OUTSIDE: return 403;
    case VLMD_ERR_NOT_FOUND: return 404;
    case E_UNSUPPORTED: return 409;
    case E_CORRUPT:
    case E_CUT: return 410;
    case E_TOOBIG: return 413;
    case E_NOT_FILE:
    case E_FORMAT: return 415;
    case VLMD_ERR_CANCELED: return 503;
    default: break;
    }
    enum err_class class = err_class(code);
    return class == ERR_RETRY || class == ERR_REROUTE ? 503 : 500;
}

void reply_failed(struct exchange *x, int code, const char *message)
{
    int status = status_of(code);
    const char *words = message && *message ? message : err_words(code);
    struct exchange *other;
    while ((other = share_next(x))) {
        fail_one(other, status, words);
    }
    share_leave(x);
    fail_one(x, status, words);
}
