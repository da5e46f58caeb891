// slow_server.c -- a server that takes every post and answers it after a fixed time.
//
// All answers take equally long, so that those that wait stand in one queue in the order
// they are due.  Speaks as much HTTP/1.1 as its three clients need: Content-Length bodies,
// kept connections, one request at a time.
// SPDX-License-Identifier: MIT
#include "slow_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FD = 8192, MAX_HEAD = 8192, CHUNK = 256 * 1024, EVENTS = 256 };

#define CONTENT                                                                          \
    "{\\\"summary\\\":\\\"A page of text beside a picture\\\",\\\"activity\\\":"         \
    "\\\"reading\\\",\\\"app\\\":\\\"viewer\\\",\\\"details\\\":\\\"Two columns, a "     \
    "toolbar on "                                                                        \
    "top\\\",\\\"tags\\\":[\\\"page\\\"],\\\"text\\\":\\\"\\\"}"

static const char answer[] =
    "{\"id\":\"1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"bench\","
    "\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"role\":"
    "\"assistant\",\"content\":\"" CONTENT "\"}}],"
    "\"usage\":{\"prompt_tokens\":1500,\"completion_tokens\":60,\"total_tokens\":1560}}";

// As OpenRouter has it: nobody need find out whether the model sees.
static const char models[] =
    "{\"object\":\"list\",\"data\":[{\"id\":\"bench\",\"object\":\"model\",\"owned_by\":"
    "\"bench\",\"architecture\":{\"input_modalities\":[\"text\",\"image\"]}}]}";

struct conn {
    char head[MAX_HEAD];
    size_t head_len;
    bool has_head, is_post;
    int64_t body_left;
    unsigned serial;  // tells a later connection with the same number
};

struct due {
    int64_t at_ms;
    int fd;
    unsigned serial;
};

static struct conn *conns[MAX_FD];
static struct due queue[MAX_FD];
static unsigned q_first, q_n, serials;
static int latency;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void drop(int fd)
{
    free(conns[fd]);
    conns[fd] = NULL;
    close(fd);
}

// An answer fits the socket's empty buffer.
static void reply(int fd, const char *body)
{
    char text[2048];
    int n = snprintf(text, sizeof(text),
                     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\n\r\n%s",
                     strlen(body), body);
    if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n) {
        drop(fd);
    }
}

static void end_request(int fd)
{
    struct conn *c = conns[fd];
    bool is_post = c->is_post;
    c->has_head = false;
    c->head_len = 0;
    if (!is_post) {
        reply(fd, models);
        return;
    }
    queue[(q_first + q_n++) % MAX_FD] = (struct due){now_ms() + latency, fd, c->serial};
}

static bool begin_body(struct conn *c, size_t len)
{
    const char *length = strcasestr(c->head, "\r\ncontent-length:");
    c->has_head = true;
    c->is_post = strncmp(c->head, "POST", 4) == 0;
    c->body_left = (length ? atoll(length + 17) : 0) - (int64_t)len;
    return c->body_left >= 0;
}

static const char ask_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

// false: not HTTP as it is spoken here.
static bool take(int fd, const char *data, size_t len)
{
    struct conn *c = conns[fd];
    if (c->has_head) {
        c->body_left -= (int64_t)len;
        return c->body_left >= 0;
    }
    size_t fits = sizeof(c->head) - 1 - c->head_len;
    size_t n = len < fits ? len : fits;
    memcpy(c->head + c->head_len, data, n);
    c->head[c->head_len + n] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end) {
        c->head_len += n;
        return n == len;
    }
    size_t used = (size_t)(end + 4 - c->head) - c->head_len;
    end[2] = 0;
    if (strcasestr(c->head, "\r\nexpect:")) {
        (void)!send(fd, ask_on, sizeof(ask_on) - 1, MSG_NOSIGNAL);
    }
    return begin_body(c, len - used);
}

static void on_readable(int fd)
{
    static char chunk[CHUNK];
    for (;;) {
        ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n <= 0 || !take(fd, chunk, (size_t)n)) {
            drop(fd);
            return;
        }
        if (conns[fd]->has_head && conns[fd]->body_left == 0) {
            end_request(fd);
            return;
        }
    }
}

static void on_connect(int ep, int listener)
{
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= MAX_FD) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        conns[fd] = calloc(1, sizeof(struct conn));
        conns[fd]->serial = ++serials;
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
    }
}

static int answer_due(void)
{
    int64_t now = now_ms();
    while (q_n > 0 && queue[q_first].at_ms <= now) {
        struct due d = queue[q_first];
        q_first = (q_first + 1) % MAX_FD;
        q_n--;
        if (conns[d.fd] && conns[d.fd]->serial == d.serial) {
            reply(d.fd, answer);
        }
    }
    return q_n > 0 ? (int)(queue[q_first].at_ms - now) : -1;
}

static void serve(int listener)
{
    struct epoll_event events[EVENTS], e = {.events = EPOLLIN, .data.fd = listener};
    int ep = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int n = epoll_wait(ep, events, EVENTS, answer_due());
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener) {
                on_connect(ep, listener);
            } else {
                on_readable(events[i].data.fd);
            }
        }
    }
}

static int listen_somewhere(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 4096) ||
        getsockname(fd, (struct sockaddr *)&a, &len)) {
        return -1;
    }
    *port = ntohs(a.sin_port);
    return fd;
}

pid_t slow_server_start(int latency_ms, int *port)
{
    int fd = listen_somewhere(port);
    pid_t parent = getpid();
    pid_t pid = fd < 0 ? -1 : fork();
    if (pid != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
    latency = latency_ms;
    serve(fd);
    _exit(0);
}
