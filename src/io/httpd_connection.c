// httpd_connection.c -- who may connect, and how long each may take for what it is at.
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
#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    ACCEPTS_A_TURN = 32,
    ACCEPT_PAUSE_MS = 500  // when the process has no descriptor left
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

static bool is_half_way(enum phase phase)
{
    return phase == PHASE_BODY || phase == PHASE_SEND;
}

void httpd_enter(struct httpd *h, struct connection *c, enum phase phase, int64_t ms)
{
    h->moving += is_half_way(phase) - is_half_way(c->phase);
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
    httpd_accept_again(h);
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

void httpd_accept_again(struct httpd *h)
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

struct connection *httpd_find_connection(struct httpd *h, int fd)
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
    httpd_enter(h, c, PHASE_HEAD, h->config.head_ms);
    // When it fails on_connection may have come, or not.
    if (MHD_add_connection(h->daemon, fd, &p->any, len) != MHD_YES &&
        httpd_find_connection(h, fd) == c) {
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

void httpd_close_listeners(struct httpd *h)
{
    for (int i = 0; i < h->n_listeners; i++) {
        uv_close((uv_handle_t *)&h->listeners[i].poll, on_listener_closed);
    }
}
