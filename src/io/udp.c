// udp.c -- see udp.h.
// SPDX-License-Identifier: MIT
#include "io/udp.h"

#include "base/mem.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Shared by who asked and the thread that asks; the last to drop it frees it.
struct udp_lookup {
    atomic_int refs;
    atomic_bool is_done;
    char host[UDP_HOST_BYTES];
    char port[UDP_PORT_BYTES];
    struct addrinfo *found;  // owned; set before is_done, NULL = nothing
};

static bool split(const char *text, struct udp *out)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : 0;
    bool has_brackets = len >= 2 && text[0] == '[' && colon[-1] == ']';
    char *end = NULL;
    long port =
        colon && colon[1] >= '0' && colon[1] <= '9' ? strtol(colon + 1, &end, 10) : 0;
    if (has_brackets) {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof(out->host) || port < 1 || port > 65535 || *end ||
        (!has_brackets && memchr(text, ':', len)) || strcspn(text, " \t/@[]") < len) {
        return false;
    }
    snprintf(out->host, sizeof(out->host), "%.*s", (int)len, text);
    snprintf(out->port, sizeof(out->port), "%ld", port);
    return true;
}

bool udp_is_address(const char *text)
{
    struct udp ignored;
    return split(text, &ignored);
}

int udp_open(struct udp *u, const char *address)
{
    *u = (struct udp){.fd = -1};
    return split(address, u) ? 0 : E_USAGE;
}

// ---- looking up

static struct addrinfo *ask(const char *host, const char *port, int flags)
{
    const struct addrinfo hints = {.ai_flags = flags | AI_NUMERICSERV,
                                   .ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    return getaddrinfo(host, port, &hints, &found) == 0 ? found : NULL;
}

static void connect_to(struct udp *u, const struct addrinfo *found)
{
    for (const struct addrinfo *a = found; a && u->fd < 0; a = a->ai_next) {
        u->fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                       a->ai_protocol);
        if (u->fd >= 0 && connect(u->fd, a->ai_addr, a->ai_addrlen) != 0) {
            close(u->fd);
            u->fd = -1;
        }
    }
}

static void drop(struct udp_lookup *l)
{
    if (atomic_fetch_sub(&l->refs, 1) == 1) {
        if (l->found) {
            freeaddrinfo(l->found);
        }
        free(l);
    }
}

static void *look_up(void *arg)
{
    struct udp_lookup *l = arg;
    l->found = ask(l->host, l->port, 0);
    atomic_store(&l->is_done, true);
    drop(l);
    return NULL;
}

static void start_lookup(struct udp *u)
{
    struct udp_lookup *l = mem_new(struct udp_lookup);
    pthread_t thread;
    pthread_attr_t attr;
    l->refs = 2;
    memcpy(l->host, u->host, sizeof(l->host));
    memcpy(l->port, u->port, sizeof(l->port));
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attr, look_up, l) == 0) {
        u->lookup = l;
    } else {
        free(l);
    }
    pthread_attr_destroy(&attr);
}

static void end_lookup(struct udp *u)
{
    if (u->lookup) {
        drop(u->lookup);
        u->lookup = NULL;
    }
}

bool udp_is_ready(struct udp *u)
{
    if (u->fd >= 0) {
        return true;
    }
    if (u->lookup && atomic_load(&u->lookup->is_done)) {
        connect_to(u, u->lookup->found);
        end_lookup(u);
        return u->fd >= 0;
    }
    if (!u->lookup) {
        struct addrinfo *found = ask(u->host, u->port, AI_NUMERICHOST);
        if (found) {
            connect_to(u, found);
            freeaddrinfo(found);
        } else {
            start_lookup(u);
        }
    }
    return u->fd >= 0;
}

// ---- sending

// A refusal that is told now was that of a packet before: it is heard by the next.
int udp_send(struct udp *u, const char *packet, size_t len)
{
    ssize_t n;
    do {
        n = send(u->fd, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n >= 0) {
        return 0;
    }
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? E_BUSY : E_NET;
}

void udp_forget(struct udp *u)
{
    if (u->fd >= 0) {
        close(u->fd);
        u->fd = -1;
    }
}

void udp_close(struct udp *u)
{
    if (u->port[0]) {
        udp_forget(u);
        end_lookup(u);
    }
}
