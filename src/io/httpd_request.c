// httpd_request.c -- what was asked, and answering it.
//
// An answer that comes later finds its connection suspended, and resumes it; the library
// then asks once more (on_access) and gets what is ready.
// SPDX-License-Identifier: MIT
#include "io/httpd_inside.h"

#include "base/mem.h"

#include <assert.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM_BLOCK = 16 << 10, FIELD_BYTES = 64 };  // of libmicrohttpd's record of one

// ---- what was asked

void httpd_set_user(struct httpd_request *r, void *user)
{
    r->user = user;
}

void *httpd_user(const struct httpd_request *r)
{
    return r->user;
}

const char *httpd_method(const struct httpd_request *r)
{
    return r->method;
}

const char *httpd_path(const struct httpd_request *r)
{
    return r->path;
}

const char *httpd_param(const struct httpd_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->mhd, MHD_GET_ARGUMENT_KIND, name);
}

const char *httpd_header(const struct httpd_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, name);
}

const char *httpd_cookie(const struct httpd_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->mhd, MHD_COOKIE_KIND, name);
}

struct walk {
    bool (*fn)(void *arg, const char *name, const char *value);
    void *arg;
};

static enum MHD_Result on_param(void *arg, enum MHD_ValueKind kind, const char *name,
                                const char *value)
{
    struct walk *w = arg;
    (void)kind;
    return w->fn(w->arg, name, value ? value : "") ? MHD_YES : MHD_NO;
}

void httpd_params(const struct httpd_request *r,
                  bool (*fn)(void *arg, const char *name, const char *value), void *arg)
{
    struct walk w = {fn, arg};
    MHD_get_connection_values(r->mhd, MHD_GET_ARGUMENT_KIND, on_param, &w);
}

// libmicrohttpd keeps all of it in the connection's memory, and what is left must hold the
// head of the answer: without room for that it only closes the connection.
bool httpd_is_head_too_big(const struct httpd_request *r)
{
    const size_t max = r->server->config.max_head_bytes;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (!info || info->header_size <= max / FIELD_BYTES) {
        return false;  // whatever is in it, and nearly all are
    }
    const char *cookies = httpd_header(r, "Cookie");
    const int fields = MHD_get_connection_values(
        r->mhd,
        (enum MHD_ValueKind)(MHD_HEADER_KIND | MHD_COOKIE_KIND | MHD_GET_ARGUMENT_KIND),
        NULL, NULL);
    return info->header_size + (cookies ? strlen(cookies) : 0) +
               (size_t)fields * FIELD_BYTES >
           max;
}

int64_t httpd_body_length(const struct httpd_request *r)
{
    const char *length = httpd_header(r, "Content-Length");
    if (!length) {
        return httpd_header(r, "Transfer-Encoding") ? HTTPD_NO_LENGTH : 0;
    }
    return strtoll(length, NULL, 10);
}

int httpd_body(struct httpd_request *r, struct buf **out)
{
    *out = &r->body;
    return r->is_body_too_big ? E_TOOBIG : 0;
}

const char *httpd_peer(const struct httpd_request *r)
{
    return r->connection->peer;
}

bool httpd_is_local(const struct httpd_request *r)
{
    return r->connection->is_local;
}

bool httpd_is_own_user(const struct httpd_request *r)
{
    return r->connection->is_own_user;
}

// ---- answering

void httpd_set_header(struct httpd_request *r, const char *name, const char *value)
{
    assert(!r->is_answered);
    size_t n = strlen(value) + 1;
    if (r->n_fields == HTTPD_MAX_FIELDS) {
        return;
    }
    struct field *f = &r->fields[r->n_fields++];
    f->name = name;
    f->is_apart = n > sizeof(r->values) - r->n_values;
    if (f->is_apart) {
        f->value = mem_dup(value);
        return;
    }
    f->value = memcpy(r->values + r->n_values, value, n);
    r->n_values += n;
}

static void resume(struct httpd_request *r)
{
    if (r->is_suspended) {
        r->is_suspended = false;
        MHD_resume_connection(r->mhd);
        httpd_must_run(r->server);
    }
}

static void set_response(struct httpd_request *r, int status, struct MHD_Response *made)
{
    assert(!r->is_answered);
    r->is_answered = true;
    r->status = status;
    r->response = made;
    for (int i = 0; i < r->n_fields; i++) {
        MHD_add_response_header(made, r->fields[i].name, r->fields[i].value);
    }
    resume(r);
}

void httpd_answer(struct httpd_request *r, int status, struct buf *body)
{
    struct MHD_Response *made =
        body && body->len
            ? MHD_create_response_from_buffer(body->len, body->data,
                                              MHD_RESPMEM_MUST_FREE)
            : MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
    if (body && body->len) {
        body->data = NULL;
        body->len = body->cap = 0;
    }
    set_response(r, status, made);
}

void httpd_answer_static(struct httpd_request *r, int status, const void *bytes,
                         size_t len)
{
    set_response(r, status,
                 MHD_create_response_from_buffer(len, (void *)(uintptr_t)bytes,
                                                 MHD_RESPMEM_PERSISTENT));
}

struct httpd_body {
    struct buf bytes;
    int holds;
};

struct httpd_body *httpd_body_make(struct buf *from)
{
    struct httpd_body *b = mem_new(struct httpd_body);
    b->holds = 1;
    buf_take(&b->bytes, from);
    return b;
}

struct httpd_body *httpd_body_hold(struct httpd_body *b)
{
    b->holds++;
    return b;
}

static void drop_body(void *body)
{
    struct httpd_body *b = body;
    if (--b->holds == 0) {
        buf_fini(&b->bytes);
        free(b);
    }
}

void httpd_body_drop(struct httpd_body *b)
{
    if (b) {
        drop_body(b);
    }
}

// With nothing in it the library would not say when it is done.
void httpd_answer_shared(struct httpd_request *r, int status, struct httpd_body *b)
{
    if (b->bytes.len == 0) {
        httpd_answer(r, status, NULL);
        return;
    }
    httpd_body_hold(b);
    set_response(r, status,
                 MHD_create_response_from_buffer_with_free_callback_cls(
                     b->bytes.len, b->bytes.data, drop_body, b));
}

bool httpd_is_answered(const struct httpd_request *r)
{
    return r->is_answered;
}

// ---- streams

void httpd_set_behind(struct httpd_request *r, bool is_behind)
{
    r->server->moving += is_behind - r->is_behind;
    r->is_behind = is_behind;
}

// The library asks whenever the socket has room; with nothing to send the connection rests
// until httpd_send.
static ssize_t on_room(void *arg, uint64_t at, char *out, size_t max)
{
    struct httpd_request *r = arg;
    size_t left = r->waiting.len - r->sent;
    (void)at;
    if (left == 0) {
        httpd_set_behind(r, false);  // and the last block is gone
    }
    if (left == 0 && r->is_ending) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (left == 0) {
        r->is_suspended = true;
        MHD_suspend_connection(r->mhd);
        return 0;
    }
    size_t n = left < max ? left : max;
    memcpy(out, r->waiting.data + r->sent, n);
    r->sent += n;
    if (r->sent == r->waiting.len) {
        buf_clear(&r->waiting);
        r->sent = 0;
    } else {
        httpd_set_behind(r, true);
    }
    return (ssize_t)n;
}

void httpd_stream(struct httpd_request *r, int status, size_t max_bytes)
{
    r->is_stream = true;
    r->sent = 0;
    buf_init(&r->waiting, max_bytes);
    set_response(r, status,
                 MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK,
                                                   on_room, r, NULL));
}

int httpd_send(struct httpd_request *r, const void *data, size_t len)
{
    assert(r->is_stream && !r->is_ending);
    if (r->sent) {
        memmove(r->waiting.data, r->waiting.data + r->sent, r->waiting.len - r->sent);
        r->waiting.len -= r->sent;
        r->sent = 0;
    }
    int rc = buf_add(&r->waiting, data, len);
    if (rc == 0) {
        resume(r);
    }
    return rc;
}

void httpd_stream_end(struct httpd_request *r)
{
    r->is_ending = true;
    resume(r);
}

void httpd_drop(struct httpd_request *r)
{
    httpd_cut(r->connection);
    if (!r->is_answered) {
        httpd_answer(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL);
        return;
    }
    r->is_ending = true;
    buf_clear(&r->waiting);
    r->sent = 0;
    resume(r);
}
