// e2e_more.c -- see e2e_more.h.
// SPDX-License-Identifier: MIT
#include "e2e_more.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_MAX = 8 << 20, ASK_EVERY_MS = 50 };

// ---- questions

cJSON *vlmd_json(struct place *p, const char *const *args)
{
    struct proc *run = vlmd_run_with(p, NULL, 0, args);
    cJSON *json = json_of(run);
    proc_free(p, run);
    return json;
}

void vlmd_rows(struct place *p, struct rows *rows, const char *const *args)
{
    struct proc *run = vlmd_run_with(p, NULL, 0, args);
    rows_parse(rows, run->out.text);
    proc_free(p, run);
}

void vlmd_refuses(struct place *p, int exit_code, const char *words,
                  const char *const *args)
{
    struct proc *run = vlmd_run_with(p, NULL, exit_code, args);
    if (!strstr(run->err.text, words)) {
        fail_msg("\"%s\" is not in: %s", words, run->err.text);
    }
    proc_free(p, run);
}

bool member_is(const cJSON *row, const char *member, const char *text)
{
    const cJSON *value = json_at(row, member);
    if (cJSON_IsBool(value)) {
        return strcmp(cJSON_IsTrue(value) ? "true" : "false", text) == 0;
    }
    return cJSON_IsString(value) && strstr(value->valuestring, text);
}

// Between two questions the others may go on; nothing depends on how long it is.
static void await_member(struct place *p, const char *const *args, const char *member,
                         const char *text)
{
    int64_t until = now_ms() + E2E_PATIENCE_MS;
    for (;;) {
        struct proc *run = vlmd_start_with(p, NULL, args);
        int code = proc_end(run);
        cJSON *json = code == 0 ? json_of(run) : NULL;
        bool is_so = json && member_is(json, member, text);
        cJSON_Delete(json);
        if (is_so) {
            proc_free(p, run);
            return;
        }
        if (now_ms() >= until) {
            fail_msg("%s never became %s: %s%s", member, text, run->out.text,
                     run->err.text);
        }
        proc_free(p, run);
        poll(NULL, 0, ASK_EVERY_MS);
    }
}

void await_status(struct place *p, const char *member, const char *text)
{
    await_member(p, (const char *const[]){"status", "--json", NULL}, member, text);
}

void await_shown(struct place *p, const char *path, const char *member, const char *text)
{
    await_member(p, (const char *const[]){"show", "--json", path, NULL}, member, text);
}

int times_said(const struct said *said, const char *words)
{
    int n = 0;
    for (const char *at = said->text; (at = strstr(at, words)); at += strlen(words)) {
        n++;
    }
    return n;
}

// ---- backends in unusual places

static int bound_socket(const char *address, int *port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t len = sizeof(addr);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(inet_pton(AF_INET, address, &addr.sin_addr), 1);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
        getsockname(fd, (struct sockaddr *)&addr, &len)) {
        fail_msg("%s: %s", address, strerror(errno));
    }
    *port = ntohs(addr.sin_port);
    return fd;
}

int reserve_port(int *fd)
{
    int port;
    *fd = bound_socket("127.0.0.1", &port);
    return port;
}

// ---- a web site

struct visit {
    struct site *site;
    int fd;
};

void site_send(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return;  // the visitor has gone
        }
        at += n;
        len -= (size_t)n;
    }
}

void site_reply(int fd, const char *status, const char *headers, const void *body,
                size_t len)
{
    char head[600];
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n",
                     status, len, headers);
    site_send(fd, head, (size_t)n);
    site_send(fd, body, len);
}

// The whole request, as text; its body begins at *body.  NULL: it broke off.
static char *read_request(int fd, char **body, size_t *body_len)
{
    char *text = calloc(1, REQUEST_MAX + 1);
    size_t len = 0, want = REQUEST_MAX;
    *body = NULL;
    while (text && len < want) {
        ssize_t n = recv(fd, text + len, REQUEST_MAX - len, 0);
        if (n <= 0) {
            free(text);
            return NULL;
        }
        len += (size_t)n;
        char *end = *body ? NULL : strstr(text, "\r\n\r\n");
        if (end) {
            const char *length = strcasestr(text, "\r\nContent-Length:");
            *body = end + 4;
            *body_len = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
            want = (size_t)(*body - text) + *body_len;
        }
    }
    return text;
}

static void *receive(void *arg)
{
    struct visit *v = arg;
    struct site *s = v->site;
    char *body;
    size_t body_len = 0;
    char *head = read_request(v->fd, &body, &body_len);
    if (head) {
        pthread_mutex_lock(&s->lock);
        s->visits++;
        s->largest_body = body_len > s->largest_body ? body_len : s->largest_body;
        pthread_mutex_unlock(&s->lock);
        s->on_visit(s, v->fd, head, body, body_len);
    }
    free(head);
    shutdown(v->fd, SHUT_WR);
    close(v->fd);
    free(v);
    pthread_mutex_lock(&s->lock);
    s->served += head != NULL;
    pthread_cond_broadcast(&s->news);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

// Until the listening socket is shut down.
static void *admit(void *arg)
{
    struct site *s = arg;
    pthread_t visitors[256];
    int n = 0;
    for (int fd; n < 256 && (fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0; n++) {
        struct visit *v = malloc(sizeof(*v));
        *v = (struct visit){s, fd};
        pthread_create(&visitors[n], NULL, receive, v);
    }
    for (int i = 0; i < n; i++) {
        pthread_join(visitors[i], NULL);
    }
    return NULL;
}

void site_open(struct site *s, const char *address, site_fn *on_visit, void *arg)
{
    *s = (struct site){.on_visit = on_visit, .arg = arg};
    s->fd = bound_socket(address, &s->port);
    assert_int_equal(listen(s->fd, 64), 0);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->news, NULL);
    assert_int_equal(pthread_create(&s->thread, NULL, admit, s), 0);
}

void site_close(struct site *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->news);
}

bool site_await_served(struct site *s, int at_least)
{
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += E2E_PATIENCE_MS / 1000;
    pthread_mutex_lock(&s->lock);
    while (s->served < at_least && rc == 0) {
        rc = pthread_cond_timedwait(&s->news, &s->lock, &until);
    }
    bool is_so = s->served >= at_least;
    pthread_mutex_unlock(&s->lock);
    return is_so;
}
