// web_server.c -- reads requests, knows Content-Length, obeys the test.
// SPDX-License-Identifier: MIT
#include "web_server.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_REQUEST ((size_t)64 << 20)

static void must(int rc)
{
    if (rc) {
        fprintf(stderr, "web_server: %s\n", uv_strerror(rc));
        abort();
    }
}

static void on_conn_closed(uv_handle_t *handle)
{
    struct web_conn *c = handle->data;
    if (--c->open_handles == 0) {
        buf_fini(&c->in);
        free(c);
    }
}

static void forget(struct web_conn *c)
{
    list_remove(&c->node);
    uv_close((uv_handle_t *)&c->timer, on_conn_closed);
}

void web_cut(struct web_conn *c)
{
    forget(c);
    uv_close(&c->handle, on_conn_closed);
}

void web_reset(struct web_conn *c)
{
    forget(c);
    must(uv_tcp_close_reset(&c->tcp, on_conn_closed));
}

struct web_write {
    uv_write_t req;
    char bytes[];
};

static void on_written(uv_write_t *req, int status)
{
    (void)status;
    free(req);
}

// What fits goes out at once, so that a test may block the loop afterwards.
void web_send_bytes(struct web_conn *c, const char *bytes, size_t len)
{
    uv_buf_t now = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)len);
    int n = uv_try_write(&c->stream, &now, 1);
    size_t sent = n > 0 ? (size_t)n : 0;
    if (sent == len) {
        return;
    }
    struct web_write *w = malloc(sizeof(*w) + len - sent);
    assert(w);
    memcpy(w->bytes, bytes + sent, len - sent);
    uv_buf_t rest = uv_buf_init(w->bytes, (unsigned)(len - sent));
    if (uv_write(&w->req, &c->stream, &rest, 1, on_written)) {
        free(w);
    }
}

void web_send(struct web_conn *c, const char *text)
{
    web_send_bytes(c, text, strlen(text));
}

void web_reply(struct web_conn *c, const char *body)
{
    char head[128];
    snprintf(head, sizeof(head),
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n",
             strlen(body));
    web_send(c, head);
    web_send(c, body);
}

static void on_tick(uv_timer_t *timer)
{
    struct web_conn *c = timer->data;
    c->ticks++;
    c->on_tick(c);
}

void web_every(struct web_conn *c, int ms, void (*tick)(struct web_conn *c))
{
    c->on_tick = tick;
    uv_timer_start(&c->timer, on_tick, (uint64_t)ms, (uint64_t)ms);
}

const char *web_header(struct web_conn *c, const char *name, char *out, size_t size)
{
    const char *line = strstr(buf_str(&c->in), "\r\n");
    size_t n = strlen(name);
    for (; line && line < (char *)c->in.data + c->head_len; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
            const char *value = line + n + 1 + strspn(line + n + 1, " ");
            snprintf(out, size, "%.*s", (int)strcspn(value, "\r"), value);
            return out;
        }
    }
    return NULL;
}

static bool take_head(struct web_conn *c)
{
    const char *text = buf_str(&c->in);
    const char *end = strstr(text, "\r\n\r\n");
    char value[32];
    if (c->head_len || !end) {
        return c->head_len > 0;
    }
    c->head_len = (size_t)(end - text) + 4;
    sscanf(text, "%15s %255s", c->method, c->path);
    c->body_len = web_header(c, "content-length", value, sizeof(value))
                      ? (size_t)strtoull(value, NULL, 10)
                      : 0;
    return true;
}

static void serve(struct web_conn *c)
{
    struct web *w = c->web;
    buf_clear(&w->last);
    must(buf_add(&w->last, c->in.data, c->in.len));
    w->requests++;
    c->served++;
    int served = c->served;
    w->on_request(c);
    // A handler that cut the connection has unlinked it; its memory lives until the loop
    // turns.
    if (list_is_linked(&c->node) && c->served == served) {
        buf_clear(&c->in);
        c->head_len = 0;
    }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct web_conn *c = stream->data;
    if (n < 0) {
        c->web->lost++;
        web_cut(c);
    } else if (n > 0) {
        bool had_head = c->head_len > 0;
        must(buf_add(&c->in, buf->base, (size_t)n));
        bool has_head = take_head(c);
        if (has_head && !had_head && c->web->on_head) {
            c->web->on_head(c);
        }
        if (has_head && list_is_linked(&c->node) &&
            c->in.len >= c->head_len + c->body_len) {
            serve(c);
        } else if (c->web->pause_at && c->in.len >= c->web->pause_at) {
            uv_read_stop(stream);
        }
    }
    free(buf->base);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    *buf = uv_buf_init(malloc(suggested), (unsigned)suggested);
}

void web_resume(struct web_conn *c)
{
    int rc = uv_read_start(&c->stream, on_alloc, on_read);
    must(rc == UV_EALREADY ? 0 : rc);
}

static void init_stream(struct web *w, uv_tcp_t *tcp, uv_pipe_t *pipe)
{
    must(w->is_pipe ? uv_pipe_init(&w->loop->uv, pipe, 0)
                    : uv_tcp_init(&w->loop->uv, tcp));
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct web *w = stream->data;
    must(status);
    struct web_conn *c = calloc(1, sizeof(*c));
    assert(c);
    c->web = w;
    buf_init(&c->in, MAX_REQUEST);
    init_stream(w, &c->tcp, &c->pipe);
    must(uv_timer_init(&w->loop->uv, &c->timer));
    c->open_handles = 2;
    c->handle.data = c;
    c->timer.data = c;
    must(uv_accept(stream, &c->stream));
    if (!w->is_pipe) {
        must(uv_tcp_nodelay(&c->tcp, 1));
    }
    list_push_back(&w->conns, &c->node);
    w->accepted++;
    if (!w->is_deaf) {
        must(uv_read_start(&c->stream, on_alloc, on_read));
    }
}

void web_open(struct web *w, struct loop *l, const char *unix_path)
{
    memset(w, 0, sizeof(*w));
    w->loop = l;
    w->is_pipe = unix_path != NULL;
    list_init(&w->conns);
    buf_init(&w->last, MAX_REQUEST);
    init_stream(w, &w->tcp, &w->pipe);
    w->handle.data = w;
    struct sockaddr_in addr;
    int len = sizeof(addr);
    if (unix_path) {
        must(uv_pipe_bind(&w->pipe, unix_path));
    } else {
        must(uv_ip4_addr("127.0.0.1", 0, &addr));
        must(uv_tcp_bind(&w->tcp, (const struct sockaddr *)&addr, 0));
    }
    must(uv_listen(&w->stream, 1024, on_connection));
    if (!unix_path) {
        must(uv_tcp_getsockname(&w->tcp, (struct sockaddr *)&addr, &len));
        w->port = (addr.sin_port & 0xff) << 8 | addr.sin_port >> 8;
    }
}

static void on_web_closed(uv_handle_t *handle)
{
    struct web *w = handle->data;
    buf_fini(&w->last);
    w->is_closed = true;
}

void web_close(struct web *w)
{
    struct list *node, *tmp;
    list_each(node, tmp, &w->conns)
    {
        web_cut(container_of(node, struct web_conn, node));
    }
    uv_close(&w->handle, on_web_closed);
}

int web_connections(const struct web *w)
{
    int n = 0;
    for (const struct list *node = w->conns.next; node != &w->conns; node = node->next) {
        n++;
    }
    return n;
}
