// fv_http.c -- listens, parses requests, plays scripts.
//
// Closing: conn_close detaches the call (which may live on in the pool) and closes both
// handles; the struct goes when the second one has.  A write's callback may run before.
// SPDX-License-Identifier: MIT
#include "fv_http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fv_call.h"
#include "fv_dialect.h"
#include "fv_fake.h"
#include "fv_keep.h"

#define PENDING_MAX ((size_t)1 << 20)
#define BACKLOG     1024

struct write_op {
    uv_write_t req;
    struct conn *conn;  // borrowed: its handles close after this is called back
    struct text bytes;  // owned
    bool is_last;
};

static void feed(struct conn *c, const char *bytes, size_t len);
static void conn_close(struct conn *c);

// --- closing ---------------------------------------------------------------------------

static void on_conn_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;
    if (--c->open_handles > 0)
        return;
    struct server *s = &c->fake->server;
    *(c->prev ? &c->prev->next : &s->first) = c->next;
    if (c->next)
        c->next->prev = c->prev;
    if (!c->is_counted && !c->is_control)
        c->fake->stats.connections++;
    if (!c->is_control)
        c->fake->stats.bytes_in += c->bytes_in;  // of a request that never became whole
    c->fake->stats.open_connections -= c->is_counted;
    text_free(&c->pending);
    script_clear(&c->script);
    free(c);
}

static void detach_call(struct conn *c, bool is_sent)
{
    struct call *call = c->call;
    c->call = NULL;
    c->is_answering = false;
    if (call) {
        call->conn = NULL;
        call_finish(call, is_sent);
    }
}

static void close_handles(struct conn *c, bool is_reset)
{
    if (c->is_closing)
        return;
    c->is_closing = true;
    batch_leave(&c->fake->batch, &c->seat);
    if (!is_reset || uv_tcp_close_reset(&c->tcp, on_conn_closed))
        uv_close((uv_handle_t *)&c->tcp, on_conn_closed);
    uv_close((uv_handle_t *)&c->timer, on_conn_closed);
    detach_call(c, false);
}

static void conn_close(struct conn *c)
{
    close_handles(c, false);
}

void conn_reset(struct conn *c)
{
    close_handles(c, true);
}

static void on_idle(uv_timer_t *timer)
{
    conn_close(timer->data);
}

static bool is_down(const struct server *s)
{
    return s->is_deaf || !s->is_open || uv_is_closing((const uv_handle_t *)&s->listener);
}

// A connection that took the server down must stay, or nobody could bring it up again.
static void arm_idle(struct conn *c)
{
    if (c->is_control && is_down(&c->fake->server))
        uv_timer_stop(&c->timer);
    else
        uv_timer_start(&c->timer, on_idle, (uint64_t)c->fake->opt.idle_close_ms, 0);
}

// --- writing ---------------------------------------------------------------------------

static void next_request(struct conn *c)
{
    detach_call(c, true);
    script_clear(&c->script);
    http_parser_pause(&c->parser, 0);
    arm_idle(c);
    struct text pending = text_take(&c->pending);
    if (pending.len)
        feed(c, pending.data, pending.len);
    text_free(&pending);
}

static void on_last_written(struct conn *c)
{
    switch (c->script.ending) {
    case ENDING_KEEP: next_request(c); break;
    case ENDING_CLOSE:
        detach_call(c, true);
        conn_close(c);
        break;
    case ENDING_RESET: conn_reset(c); break;
    case ENDING_STALL: break;
    }
}

static void on_written(uv_write_t *req, int status)
{
    struct write_op *op = req->data;
    struct conn *c = op->conn;
    if (!c->is_closing) {
        if (status < 0)
            conn_close(c);
        else if (op->is_last)
            on_last_written(c);
    }
    text_free(&op->bytes);
    free(op);
}

static void conn_write(struct conn *c, const char *bytes, size_t len, bool is_last)
{
    struct write_op *op = fv_alloc(sizeof *op);
    op->conn = c;
    op->is_last = is_last;
    op->req.data = op;
    text_add(&op->bytes, bytes, len);
    if (!c->is_control)
        c->fake->stats.bytes_out += (int64_t)len;
    if (c->is_answering && !c->call->bytes_out)
        c->call->first_byte_ms = (int64_t)uv_now(c->fake->loop);
    if (c->is_answering)
        c->call->bytes_out += len;
    uv_buf_t buf = uv_buf_init(op->bytes.data, (unsigned)len);
    if (uv_write(&op->req, (uv_stream_t *)&c->tcp, &buf, 1, on_written)) {
        text_free(&op->bytes);
        free(op);
        conn_close(c);
    }
}

static void await_step(struct conn *c);

// Offset behind the bytes that are due at once.
static size_t due_end(struct script *s)
{
    if (s->drip_ms > 0) {
        size_t left = s->bytes.len - s->sent;
        size_t end = s->sent + (s->drip_bytes < left ? s->drip_bytes : left);
        while (s->played_n < s->steps_n && s->steps[s->played_n].end <= end)
            s->played_n++;
        return end;
    }
    do {
        s->played_n++;
    } while (s->played_n < s->steps_n && s->steps[s->played_n].wait_ms == 0 &&
             s->steps[s->played_n].wait_steps == 0);
    return s->steps[s->played_n - 1].end;
}

static void play_due(struct conn *c)
{
    struct script *s = &c->script;
    size_t from = s->sent;
    if (s->played_n < s->steps_n)
        s->sent = due_end(s);
    bool is_last = s->played_n == s->steps_n;
    if (is_last)
        call_played(c->call);
    else
        await_step(c);
    if (s->sent > from)
        conn_write(c, s->bytes.data + from, s->sent - from, is_last);
    else if (is_last)
        on_last_written(c);
}

static void on_decoded(struct seat *seat)
{
    play_due((struct conn *)((char *)seat - offsetof(struct conn, seat)));
}

static void on_step(uv_timer_t *timer)
{
    struct conn *c = timer->data;
    struct script *s = &c->script;
    int steps = s->drip_ms ? 0 : s->steps[s->played_n].wait_steps;
    if (steps == 0) {
        play_due(c);
        return;
    }
    c->seat.on_done = on_decoded;
    batch_join(&c->fake->batch, &c->seat, steps, !s->is_prefilled);
    s->is_prefilled = true;
}

static void await_step(struct conn *c)
{
    const struct script *s = &c->script;
    int64_t wait_ms = s->drip_ms ? s->drip_ms : s->steps[s->played_n].wait_ms;
    if (wait_ms == 0)
        on_step(&c->timer);
    else
        uv_timer_start(&c->timer, on_step, (uint64_t)wait_ms, 0);
}

void conn_play(struct conn *c)
{
    const struct script *s = &c->script;
    uv_timer_stop(&c->timer);
    if (s->steps_n && (s->steps[0].wait_ms > 0 || s->steps[0].wait_steps > 0))
        await_step(c);
    else
        play_due(c);
}

// --- reading ---------------------------------------------------------------------------

static int on_message_begin(http_parser *p)
{
    struct conn *c = p->data;
    assert(!c->call);
    c->call = call_new(c);
    return 0;
}

static int on_url(http_parser *p, const char *s, size_t len)
{
    struct conn *c = p->data;
    text_add(&c->call->url, s, len);
    return c->call->url.len > 8192;
}

static struct text *find_header(struct header_text *h, const char *name)
{
    const struct {
        const char *name;
        struct text *value;
    } rows[] = {
        {"content-type", &h->content_type},
        {"authorization", &h->authorization},
        {"x-api-key", &h->api_key},
        {"content-encoding", &h->content_encoding},
        {"expect", &h->expect},
        {"host", &h->host},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!strcasecmp(rows[i].name, name))
            return rows[i].value;
    }
    return NULL;
}

// The parser may hand over names and values in pieces; a name after a value begins anew.
static int on_header_field(http_parser *p, const char *s, size_t len)
{
    struct conn *c = p->data;
    struct call *call = c->call;
    if (call->is_in_value)
        text_clear(&call->header_name);
    call->is_in_value = false;
    text_add(&call->header_name, s, len);
    return 0;
}

static int on_header_value(http_parser *p, const char *s, size_t len)
{
    struct conn *c = p->data;
    struct call *call = c->call;
    call->is_in_value = true;
    struct text *value = find_header(&call->headers, call->header_name.data);
    if (value)
        text_add(value, s, len);
    return 0;
}

static int on_headers_complete(http_parser *p)
{
    struct conn *c = p->data;
    struct call *call = c->call;
    bool has_length = p->content_length != UINT64_MAX;
    call->method = (enum http_method)p->method;
    call->is_http10 = p->http_major == 1 && p->http_minor == 0;
    if (has_length && p->content_length > HTTP_BODY_MAX) {
        call->is_too_big = true;
    } else if (call->headers.expect.len) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        conn_write(c, go_on, sizeof go_on - 1, false);
    }
    return c->is_closing ? -1 : 0;
}

static int on_body(http_parser *p, const char *s, size_t len)
{
    struct conn *c = p->data;
    if (c->call->body.len + len > HTTP_BODY_MAX)
        c->call->is_too_big = true;
    if (!c->call->is_too_big)
        text_add(&c->call->body, s, len);
    return 0;
}

static int on_message_complete(http_parser *p)
{
    http_parser_pause(p, 1);
    return 0;
}

static const http_parser_settings parser_settings = {
    .on_message_begin = on_message_begin,
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

// A connection counts from its first request on, so that control connections do not.
void conn_classify(struct conn *c, bool is_control)
{
    struct stats *s = &c->fake->stats;
    if (!is_control) {
        s->bytes_in += c->bytes_in;
        if (!c->is_counted) {
            s->connections++;
            if (++s->open_connections > s->open_connections_max)
                s->open_connections_max = s->open_connections;
        }
        c->is_counted = true;
    }
    c->bytes_in = 0;
    if (is_control)
        keep_nothing(c->fake->opt.keep_folder, c->number);
    c->is_control = is_control;
}

static void begin_answer(struct conn *c)
{
    c->is_answering = true;
    c->requests_n++;
    uv_timer_stop(&c->timer);
    call_start(c->call);
}

static void feed(struct conn *c, const char *bytes, size_t len)
{
    size_t used = http_parser_execute(&c->parser, &parser_settings, bytes, len);
    enum http_errno err = HTTP_PARSER_ERRNO(&c->parser);
    if (c->is_closing)
        return;
    if (err == HPE_OK && c->call && c->call->is_too_big) {
        c->call->must_close = true;
        begin_answer(c);
    } else if (err == HPE_PAUSED) {
        if (used < len)
            text_add(&c->pending, bytes + used, len - used);
        begin_answer(c);
    } else if (err != HPE_OK || c->parser.upgrade) {
        conn_close(c);
    }
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    (void)size;
    struct conn *c = handle->data;
    struct server *s = &c->fake->server;
    *buf = uv_buf_init(s->read_buf, sizeof s->read_buf);
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
    struct conn *c = stream->data;
    if (nread == 0)
        return;
    if (nread < 0) {
        conn_close(c);
        return;
    }
    c->bytes_in += nread;
    keep_bytes(c->fake->opt.keep_folder, c->number, buf->base, (size_t)nread);
    if (!c->is_answering) {
        arm_idle(c);
        feed(c, buf->base, (size_t)nread);
    } else if (c->call->is_too_big) {
        return;  // the rest of a body nobody wants
    } else if (c->pending.len + (size_t)nread <= PENDING_MAX) {
        text_add(&c->pending, buf->base, (size_t)nread);
    } else {
        conn_close(c);
    }
}

// --- listening -------------------------------------------------------------------------

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *s = listener->data;
    if (status < 0)
        return;
    struct conn *c = fv_alloc(sizeof *c);
    c->fake = s->fake;
    c->number = ++s->conns_n;
    c->open_handles = 2;
    c->tcp.data = c->timer.data = c->parser.data = c;
    http_parser_init(&c->parser, HTTP_REQUEST);
    c->parser.data = c;
    c->next = s->first;
    if (c->next)
        c->next->prev = c;
    s->first = c;
    uv_tcp_init(s->fake->loop, &c->tcp);
    uv_timer_init(s->fake->loop, &c->timer);
    if (uv_accept(listener, (uv_stream_t *)&c->tcp) ||
        uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read)) {
        conn_close(c);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    arm_idle(c);
}

static int listen_at(struct server *s, int port)
{
    struct sockaddr_storage addr;
    struct fake *f = s->fake;
    int rc = uv_ip4_addr(f->opt.host, port, (struct sockaddr_in *)&addr);
    if (rc)
        rc = uv_ip6_addr(f->opt.host, port, (struct sockaddr_in6 *)&addr);
    if (rc)
        return rc;
    uv_tcp_init(f->loop, &s->listener);
    s->listener.data = s;
    s->is_open = true;
    rc = uv_tcp_bind(&s->listener, (const struct sockaddr *)&addr, 0);
    s->is_bound_only = !fake_is_ready(f);
    if (!rc && !s->is_bound_only)
        rc = uv_listen((uv_stream_t *)&s->listener, BACKLOG, on_connection);
    int len = sizeof addr;
    if (!rc)
        rc = uv_tcp_getsockname(&s->listener, (struct sockaddr *)&addr, &len);
    s->port = ntohs(((struct sockaddr_in *)&addr)->sin_port);  // same place in v6
    return rc;
}

void server_check_ready(struct server *s)
{
    if (!s->is_bound_only || !s->is_open || !fake_is_ready(s->fake) ||
        uv_is_closing((uv_handle_t *)&s->listener))
        return;
    s->is_bound_only = false;
    int rc = uv_listen((uv_stream_t *)&s->listener, BACKLOG, on_connection);
    if (rc)
        fprintf(stderr, "fakevlm: cannot listen: %s\n", uv_strerror(rc));
}

int server_open(struct server *s, struct fake *f)
{
    s->fake = f;
    uv_timer_init(f->loop, &s->timer);
    s->timer.data = s;
    int rc = listen_at(s, f->opt.port);
    if (rc)
        server_close(s);
    return rc;
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct server *s = handle->data;
    s->is_open = false;
    if (s->wants_listen && !s->is_closing) {
        s->wants_listen = false;
        server_up(s);
    }
}

void server_reset_all(struct server *s)
{
    for (struct conn *c = s->first, *next; c; c = next) {
        next = c->next;
        if (!c->is_control)
            conn_reset(c);
    }
}

static void on_down_over(uv_timer_t *timer)
{
    server_up(timer->data);
}

void server_down(struct server *s, int64_t down_ms)
{
    if (s->is_open && !uv_is_closing((uv_handle_t *)&s->listener))
        uv_close((uv_handle_t *)&s->listener, on_listener_closed);
    s->wants_listen = false;
    server_reset_all(s);
    if (down_ms > 0)
        uv_timer_start(&s->timer, on_down_over, (uint64_t)down_ms, 0);
}

void server_up(struct server *s)
{
    uv_timer_stop(&s->timer);
    s->is_deaf = false;
    if (s->is_open) {
        s->wants_listen = uv_is_closing((uv_handle_t *)&s->listener);
        return;
    }
    int rc = listen_at(s, s->port);
    if (rc) {
        fprintf(stderr, "fakevlm: cannot listen again: %s\n", uv_strerror(rc));
        server_down(s, 0);
    }
}

void server_close(struct server *s)
{
    s->is_closing = true;
    uv_close((uv_handle_t *)&s->timer, NULL);
    if (s->is_open && !uv_is_closing((uv_handle_t *)&s->listener))
        uv_close((uv_handle_t *)&s->listener, on_listener_closed);
    for (struct conn *c = s->first, *next; c; c = next) {
        next = c->next;
        conn_close(c);
    }
}
