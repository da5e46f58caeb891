// httpd.c -- libmicrohttpd on the loop.
//
// The library keeps its sockets in an epoll set of its own, which is watched like one
// socket.  Two things have to be added.  It is edge-triggered inside, so before each wait
// of the loop it is asked whether it has something to do although nothing will arrive
// (on_prepare); an idle server costs that question and no timer.  And its own time-out
// counts from the last byte, so that a client may send one byte a second for ever: every
// connection has a deadline of its own (httpd_connection.c).
// SPDX-License-Identifier: MIT
#include "io/httpd_inside.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_A_TURN = 16, BESIDE_HEAD = 6 << 10 };

// ---- turning the library

static void run_library(struct httpd *h)
{
    int64_t began_us = clock_thread_us();
    MHD_run(h->daemon);
    h->stats.spent_us += clock_thread_us() - began_us;
}

static void on_due(uv_timer_t *t)
{
    (void)t;  // on_prepare does the work
}

// The timer tells a host that waits for the loop by itself (vlmd_timeout_ms) not to.
void httpd_must_run(struct httpd *h)
{
    h->must_run = true;
    uv_timer_start(&h->due, on_due, 0, 0);
}

static bool is_at_rest(const struct httpd *h)
{
    return h->is_resting && h->moving == 0;
}

void httpd_rest(struct httpd *h)
{
    h->is_resting = true;
}

void httpd_go_on(struct httpd *h)
{
    h->is_resting = false;
    h->must_run = false;
    run_library(h);
}

static void on_ready(uv_poll_t *p, int status, int events)
{
    (void)status;
    (void)events;
    run_library(p->data);
}

// Before each wait.  The library has work at once after a resume, a new connection, or data
// it has read already; a time-out of its own only for connections that are idle.
static void on_prepare(uv_prepare_t *p)
{
    struct httpd *h = p->data;
    MHD_UNSIGNED_LONG_LONG ms = 0;
    // It says nothing of what was resumed.
    if (h->must_run) {
        h->must_run = false;
        run_library(h);
    }
    enum MHD_Result has_due = MHD_get_timeout(h->daemon, &ms);
    for (int i = 0; i < RUNS_A_TURN && has_due == MHD_YES && ms == 0; i++) {
        if (is_at_rest(h)) {
            break;
        }
        run_library(h);
        has_due = MHD_get_timeout(h->daemon, &ms);
    }
    if (is_at_rest(h)) {
        uv_poll_stop(&h->poll);
        uv_timer_stop(&h->due);
        return;
    }
    if (!uv_is_active((uv_handle_t *)&h->poll)) {
        uv_poll_start(&h->poll, UV_READABLE, on_ready);
    }
    if (has_due == MHD_YES) {
        uv_update_time(&h->loop->uv);
        uv_timer_start(&h->due, on_due, ms > 1 ? (uint64_t)ms : 1, 0);
    } else {
        uv_timer_stop(&h->due);
    }
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct httpd *h = arg;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        *context = httpd_find_connection(h, info->connect_fd);
        return;
    }
    struct connection *c = *context;
    if (c) {
        httpd_enter(h, c, PHASE_HEAD, 0);
        list_remove(&c->node);
        h->stats.connections--;
        free(c);
    }
    httpd_accept_again(h);
}

// ---- requests

static void free_request(struct httpd_request *r)
{
    if (r->response) {
        MHD_destroy_response(r->response);
    }
    for (int i = 0; i < r->n_fields; i++) {
        if (r->fields[i].is_apart) {
            free(r->fields[i].value);
        }
    }
    httpd_set_behind(r, false);
    list_remove(&r->node);
    buf_fini(&r->body);
    buf_fini(&r->waiting);
    free(r);
}

static enum MHD_Result queue_answer(struct httpd_request *r)
{
    struct httpd *h = r->server;
    r->is_queued = true;
    httpd_enter(h, r->connection, r->is_stream ? PHASE_STREAM : PHASE_SEND,
                r->is_stream ? 0 : h->config.send_ms);
    return MHD_queue_response(r->mhd, (unsigned)r->status, r->response);
}

static void begin_request(struct httpd *h, struct httpd_request *r)
{
    size_t max = h->events.on_head(h->events.arg, r);
    r->max_body = max;
    buf_init(&r->body, max + 1);
    httpd_enter(h, r->connection, PHASE_BODY, h->config.body_ms);
}

// Nobody can be answered half way through a body: what is too much is taken and thrown
// away, but not for ever.
static enum MHD_Result take_body(struct httpd_request *r, const char *data, size_t *len)
{
    size_t n = *len;
    *len = 0;
    if (r->is_body_too_big || n > r->max_body - r->body.len) {
        r->is_body_too_big = true;
        r->sent += n;
        buf_fini(&r->body);
        return r->sent > r->max_body + (1 << 20) ? MHD_NO : MHD_YES;
    }
    return buf_add(&r->body, data, n) ? MHD_NO : MHD_YES;
}

static enum MHD_Result finish_request(struct httpd_request *r)
{
    struct httpd *h = r->server;
    if (!r->is_asked && !r->is_answered) {
        r->is_asked = true;
        r->sent = 0;
        httpd_enter(h, r->connection, PHASE_ANSWER, 0);
        h->events.on_request(h->events.arg, r);
    }
    if (r->is_answered) {
        return queue_answer(r);
    }
    r->is_suspended = true;
    MHD_suspend_connection(r->mhd);
    return MHD_YES;
}

static enum MHD_Result on_access(void *arg, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version,
                                 const char *data, size_t *len, void **context)
{
    struct httpd *h = arg;
    struct httpd_request *r = *context;
    (void)version;
    if (!r) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        if (!info || !info->socket_context || h->is_closing) {
            return MHD_NO;
        }
        r = mem_new(struct httpd_request);
        r->server = h;
        r->mhd = mhd;
        r->connection = info->socket_context;
        r->method = method;
        r->path = url;
        *context = r;
        list_push_back(&h->requests, &r->node);
        begin_request(h, r);
        return r->is_answered ? queue_answer(r) : MHD_YES;
    }
    if (*len) {
        return take_body(r, data, len);
    }
    return r->is_queued ? MHD_YES : finish_request(r);
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct httpd *h = arg;
    struct httpd_request *r = *context;
    (void)mhd;
    (void)code;
    if (!r) {
        return;
    }
    *context = NULL;
    r->connection->has_asked = true;
    httpd_enter(h, r->connection, PHASE_HEAD, h->config.idle_ms + h->config.head_ms);
    h->events.on_end(h->events.arg, r);
    free_request(r);
}

// ---- opening and closing

static void set_defaults(struct httpd_config *c)
{
    c->max_connections = c->max_connections ? c->max_connections : 256;
    c->max_per_peer = c->max_per_peer ? c->max_per_peer : 64;
    c->max_head_bytes = c->max_head_bytes ? c->max_head_bytes : 16 << 10;
    c->head_ms = c->head_ms ? c->head_ms : 10000;
    c->body_ms = c->body_ms ? c->body_ms : 30000;
    c->idle_ms = c->idle_ms ? c->idle_ms : 30000;
    c->send_ms = c->send_ms ? c->send_ms : 120000;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct httpd *h = handle->data;
    closer_drop(&h->closer);
}

static void on_all_closed(struct closer *c)
{
    struct httpd *h = container_of(c, struct httpd, closer);
    void (*on_closed)(void *arg) = h->on_closed;
    void *arg = h->closed_arg;
    free(h);
    on_closed(arg);
}

// The only way to learn that it refused something itself; whose it was it does not say.
static void on_library_says(void *arg, const char *fmt, va_list ap)
{
    struct httpd *h = arg;
    static const char refusal[] = "Error processing request (HTTP response code is %u";
    if (strncmp(fmt, refusal, sizeof(refusal) - 1) != 0) {
        return;
    }
    h->stats.malformed++;
    if (h->events.on_refused) {
        h->events.on_refused(h->events.arg, (int)va_arg(ap, unsigned));
    }
}

// A connection's memory is for a head, what is known of its fields, and the head of an answer.
// The library clears all of it for every request, and half of it twice: it is most of what an
// answer touches.
static struct MHD_Daemon *start_daemon(struct httpd *h)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET |
            MHD_USE_ERROR_LOG,
        0, NULL, NULL, on_access, h, MHD_OPTION_EXTERNAL_LOGGER, on_library_says, h,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, h, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)h->config.max_connections + 8u, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        h->config.max_head_bytes + BESIDE_HEAD, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)(h->config.idle_ms / 1000 + 1), MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_END);
}

int httpd_open(struct httpd **out, struct loop *l, const struct httpd_config *c,
               const struct httpd_events *events)
{
    struct httpd *h = mem_new(struct httpd);
    h->loop = l;
    h->config = *c;
    h->events = *events;
    h->sweep_at_ms = INT64_MAX;
    h->is_accepting = true;
    set_defaults(&h->config);
    h->stats.max_connections = h->config.max_connections;
    list_init(&h->connections);
    list_init(&h->requests);
    h->daemon = start_daemon(h);
    const union MHD_DaemonInfo *info =
        h->daemon ? MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info || uv_poll_init(&l->uv, &h->poll, info->epoll_fd)) {
        if (h->daemon) {
            MHD_stop_daemon(h->daemon);
        }
        free(h);
        return E_IO;
    }
    uv_prepare_init(&l->uv, &h->prepare);
    uv_timer_init(&l->uv, &h->due);
    uv_timer_init(&l->uv, &h->sweep);
    h->poll.data = h->prepare.data = h->due.data = h->sweep.data = h;
    for (int i = 0; i < 4; i++) {
        closer_hold(&h->closer);
    }
    uv_poll_start(&h->poll, UV_READABLE, on_ready);
    uv_prepare_start(&h->prepare, on_prepare);
    *out = h;
    return 0;
}

// The daemon may go only when nothing is suspended, and what waits is to be sent: each
// request is ended, then the sockets are.
void httpd_close(struct httpd *h, void (*on_closed)(void *arg), void *arg)
{
    struct list *node, *tmp;
    h->is_closing = true;
    h->on_closed = on_closed;
    h->closed_arg = arg;
    h->closer.on_closed = on_all_closed;
    httpd_close_listeners(h);
    list_each(node, tmp, &h->requests)
    {
        struct httpd_request *r = container_of(node, struct httpd_request, node);
        if (r->is_stream) {
            httpd_stream_end(r);
        } else if (!r->is_answered) {
            httpd_answer(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL);
        }
    }
    for (int i = 0; i < RUNS_A_TURN; i++) {
        MHD_run(h->daemon);
    }
    uv_poll_stop(&h->poll);
    MHD_stop_daemon(h->daemon);
    assert(list_is_empty(&h->requests) && list_is_empty(&h->connections));
    uv_close((uv_handle_t *)&h->poll, on_handle_closed);
    uv_close((uv_handle_t *)&h->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&h->due, on_handle_closed);
    uv_close((uv_handle_t *)&h->sweep, on_handle_closed);
}

void httpd_stats(const struct httpd *h, struct httpd_stats *out)
{
    *out = h->stats;
}
