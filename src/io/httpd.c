// httpd.c -- libmicrohttpd on the loop.
//
// The library keeps its sockets in an epoll set of its own, which is watched like one
// socket.  Two things have to be added.  It is edge-triggered inside, so before each wait
// of the loop it is asked whether it has something to do although nothing will arrive
// (on_prepare); an idle server costs that question and no timer.  And its own time-out
// counts from the last byte, so that a client may send one byte a second for ever: every
// connection has a deadline for what it is at (enum phase), and one timer, armed only
// while there is such a deadline, closes those that are over it (on_sweep).
//
//   HEAD -> BODY -> ANSWER -> SEND -> HEAD (the next request, after at most idle_ms)
//                         \-> STREAM
//
// A connection is closed by shutting its socket down; the library finds that by itself.
// SPDX-License-Identifier: MIT
#include "io/httpd_inside.h"

#include "base/log.h"
#include "base/mem.h"
#include "io/listen.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    ACCEPTS_A_TURN = 32,
    RUNS_A_TURN = 16,
    ACCEPT_PAUSE_MS = 500,  // when the process has no descriptor left
    STREAM_BLOCK = 16 << 10
};

struct listener {
    struct httpd *server;
    uv_poll_t poll;
    int fd;
};

struct httpd {
    struct loop *loop;
    struct httpd_config config;
    struct httpd_events events;
    struct MHD_Daemon *daemon;
    struct listener listeners[HTTPD_MAX_LISTENERS];
    int n_listeners;
    bool is_accepting;
    uv_poll_t poll;
    uv_prepare_t prepare;
    uv_timer_t due;    // what the library waits for
    uv_timer_t sweep;  // the earliest deadline of a connection
    int64_t sweep_at_ms;
    struct list connections;
    struct list requests;
    struct httpd_stats stats;
    bool must_run;
    bool is_closing;
    struct closer closer;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

// ---- deadlines

static void on_sweep(uv_timer_t *t);

static void arm_sweep(struct httpd *h, int64_t at_ms)
{
    if (at_ms >= h->sweep_at_ms || h->is_closing) {
        return;
    }
    int64_t wait = at_ms - loop_now_ms(h->loop);
    h->sweep_at_ms = at_ms;
    uv_timer_start(&h->sweep, on_sweep, wait > 1 ? (uint64_t)wait : 1, 0);
}

static void enter(struct httpd *h, struct connection *c, enum phase phase, int64_t ms)
{
    c->phase = phase;
    c->deadline_ms = ms > 0 ? loop_now_ms(h->loop) + ms : INT64_MAX;
    if (ms > 0) {
        arm_sweep(h, c->deadline_ms);
    }
}

void httpd_cut(struct connection *c)
{
    shutdown(c->fd, SHUT_RDWR);
    c->deadline_ms = INT64_MAX;
}

static void accept_again(struct httpd *h);

static void on_sweep(uv_timer_t *t)
{
    struct httpd *h = t->data;
    int64_t now = loop_now_ms(h->loop), next = INT64_MAX;
    struct list *node, *tmp;
    list_each(node, tmp, &h->connections)
    {
        struct connection *c = container_of(node, struct connection, node);
        if (c->deadline_ms <= now) {
            h->stats.swept += !(c->phase == PHASE_HEAD && c->has_asked);
            log_debug("httpd", "peer=%s phase=%d too slow: closed", c->peer, c->phase);
            httpd_cut(c);
        } else if (c->deadline_ms < next) {
            next = c->deadline_ms;
        }
    }
    h->sweep_at_ms = INT64_MAX;
    if (next != INT64_MAX) {
        arm_sweep(h, next);
    }
    accept_again(h);
}

// ---- turning the library

void httpd_must_run(struct httpd *h)
{
    h->must_run = true;
}

static void on_due(uv_timer_t *t)
{
    (void)t;  // on_prepare does the work
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
        MHD_run(h->daemon);
    }
    enum MHD_Result has_due = MHD_get_timeout(h->daemon, &ms);
    for (int i = 0; i < RUNS_A_TURN && has_due == MHD_YES && ms == 0; i++) {
        MHD_run(h->daemon);
        has_due = MHD_get_timeout(h->daemon, &ms);
    }
    if (has_due == MHD_YES) {
        uv_update_time(&h->loop->uv);
        uv_timer_start(&h->due, on_due, ms > 1 ? (uint64_t)ms : 1, 0);
    } else {
        uv_timer_stop(&h->due);
    }
}

static void on_ready(uv_poll_t *p, int status, int events)
{
    struct httpd *h = p->data;
    (void)status;
    (void)events;
    MHD_run(h->daemon);
}

// ---- connections

static int from_peer(const struct httpd *h, const char *peer)
{
    int n = 0;
    for (struct list *node = h->connections.next; node != &h->connections;
         node = node->next) {
        n += strcmp(container_of(node, struct connection, node)->peer, peer) == 0;
    }
    return n;
}

// The longest at a head, first those that were served already.
static void make_room(struct httpd *h)
{
    struct connection *best = NULL;
    for (struct list *node = h->connections.next; node != &h->connections;
         node = node->next) {
        struct connection *c = container_of(node, struct connection, node);
        bool is_at_head = c->phase == PHASE_HEAD && c->deadline_ms != INT64_MAX;
        if (is_at_head && (!best || c->has_asked > best->has_asked)) {
            best = c;
        }
    }
    if (best) {
        h->stats.displaced++;
        httpd_cut(best);
    }
}

static void watch_listeners(struct httpd *h);

static void stop_accepting(struct httpd *h, int64_t for_ms)
{
    for (int i = 0; i < h->n_listeners; i++) {
        uv_poll_stop(&h->listeners[i].poll);
    }
    h->is_accepting = false;
    if (for_ms) {
        arm_sweep(h, loop_now_ms(h->loop) + for_ms);
    }
}

static void accept_again(struct httpd *h)
{
    bool has_room = h->stats.connections < h->config.max_connections;
    if (!h->is_accepting && !h->is_closing && has_room) {
        watch_listeners(h);
    }
}

union peer {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

static void describe(struct connection *c, const union peer *p)
{
    struct ucred who;
    socklen_t len = sizeof(who);
    if (p->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &p->in.sin_addr, c->peer, sizeof(c->peer));
        c->is_local = ntohl(p->in.sin_addr.s_addr) >> 24 == 127;
    } else if (p->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &p->in6.sin6_addr, c->peer, sizeof(c->peer));
        c->is_local = IN6_IS_ADDR_LOOPBACK(&p->in6.sin6_addr);
    } else {
        snprintf(c->peer, sizeof(c->peer), "unix");
        c->is_local = true;
        c->is_own_user = getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
                         (who.uid == geteuid() || who.uid == 0);
    }
}

static struct connection *find_connection(struct httpd *h, int fd)
{
    // The newest are at the end, and it is the newest that are looked for.
    for (struct list *node = h->connections.prev; node != &h->connections;
         node = node->prev) {
        struct connection *c = container_of(node, struct connection, node);
        if (c->fd == fd) {
            return c;
        }
    }
    return NULL;
}

static void admit(struct httpd *h, int fd, const union peer *p, socklen_t len)
{
    int one = 1;
    struct connection *c = mem_new(struct connection);
    c->fd = fd;
    describe(c, p);
    if (!c->is_local && from_peer(h, c->peer) >= h->config.max_per_peer) {
        h->stats.refused++;
        close(fd);
        free(c);
        return;
    }
    if (p->any.sa_family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    h->stats.accepted++;
    h->stats.connections++;
    list_push_back(&h->connections, &c->node);
    enter(h, c, PHASE_HEAD, h->config.head_ms);
    // When it fails on_connection may have come, or not.
    if (MHD_add_connection(h->daemon, fd, &p->any, len) != MHD_YES &&
        find_connection(h, fd) == c) {
        h->stats.connections--;
        list_remove(&c->node);
        free(c);
    }
}

static void on_knock(uv_poll_t *poll, int status, int events)
{
    struct listener *l = poll->data;
    struct httpd *h = l->server;
    (void)events;
    for (int i = 0; status == 0 && i < ACCEPTS_A_TURN; i++) {
        if (h->stats.connections >= h->config.max_connections) {
            make_room(h);
            stop_accepting(h, 0);
            return;
        }
        union peer p;
        socklen_t len = sizeof(p);
        memset(&p, 0, sizeof(p));
        int fd = accept4(l->fd, &p.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(h, fd, &p, len);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
            log_warn("httpd", "a connection can not be taken: %s", strerror(errno));
            stop_accepting(h, ACCEPT_PAUSE_MS);
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

static void watch_listeners(struct httpd *h)
{
    for (int i = 0; i < h->n_listeners; i++) {
        uv_poll_start(&h->listeners[i].poll, UV_READABLE, on_knock);
    }
    h->is_accepting = true;
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct httpd *h = arg;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        *context = find_connection(h, info->connect_fd);
        return;
    }
    struct connection *c = *context;
    if (c) {
        list_remove(&c->node);
        h->stats.connections--;
        free(c);
    }
    accept_again(h);
}

// ---- requests

static void free_request(struct httpd_request *r)
{
    if (r->response) {
        MHD_destroy_response(r->response);
    }
    for (int i = 0; i < r->n_fields; i++) {
        free(r->fields[i].name);
        free(r->fields[i].value);
    }
    list_remove(&r->node);
    buf_fini(&r->body);
    buf_fini(&r->waiting);
    free(r);
}

static enum MHD_Result queue_answer(struct httpd_request *r)
{
    struct httpd *h = r->server;
    r->is_queued = true;
    enter(h, r->connection, r->is_stream ? PHASE_STREAM : PHASE_SEND,
          r->is_stream ? 0 : h->config.send_ms);
    return MHD_queue_response(r->mhd, (unsigned)r->status, r->response);
}

static void begin_request(struct httpd *h, struct httpd_request *r)
{
    size_t max = h->events.on_head(h->events.arg, r);
    r->max_body = max;
    buf_init(&r->body, max + 1);
    enter(h, r->connection, PHASE_BODY, h->config.body_ms);
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
        enter(h, r->connection, PHASE_ANSWER, 0);
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
        *r = (struct httpd_request){.server = h,
                                    .mhd = mhd,
                                    .connection = info->socket_context,
                                    .method = method,
                                    .path = url};
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
    enter(h, r->connection, PHASE_HEAD, h->config.idle_ms + h->config.head_ms);
    h->events.on_end(h->events.arg, r);
    free_request(r);
}

// ---- opening and closing

static void set_defaults(struct httpd_config *c)
{
    c->max_connections = c->max_connections ? c->max_connections : 256;
    c->max_per_peer = c->max_per_peer ? c->max_per_peer : 64;
    c->max_head_bytes = c->max_head_bytes ? c->max_head_bytes : 32 << 10;
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

static struct MHD_Daemon *start_daemon(struct httpd *h)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0, NULL,
        NULL, on_access, h, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)h->config.max_connections + 8u, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        h->config.max_head_bytes, MHD_OPTION_CONNECTION_TIMEOUT,
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

int httpd_listen(struct httpd *h, int fd)
{
    struct listener *l = &h->listeners[h->n_listeners];
    if (h->n_listeners == HTTPD_MAX_LISTENERS) {
        close(fd);
        return E_BUSY;
    }
    *l = (struct listener){.server = h, .fd = fd};
    if (uv_poll_init(&h->loop->uv, &l->poll, fd)) {
        close(fd);
        return E_IO;
    }
    closer_hold(&h->closer);
    l->poll.data = l;
    h->n_listeners++;
    uv_poll_start(&l->poll, UV_READABLE, on_knock);
    return 0;
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    close(l->fd);
    closer_drop(&l->server->closer);
}

static void close_listeners(struct httpd *h)
{
    for (int i = 0; i < h->n_listeners; i++) {
        uv_close((uv_handle_t *)&h->listeners[i].poll, on_listener_closed);
    }
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
    close_listeners(h);
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
