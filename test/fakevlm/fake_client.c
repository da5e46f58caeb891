// fake_client.c -- starts the fake backend and talks HTTP to it.
// SPDX-License-Identifier: MIT
#include "fake_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 10000

// --- the process -----------------------------------------------------------------------

static void exec_fake(const char *flags, int out_fd)
{
    char *line = strdup(flags), *argv[64], *rest = NULL;  // gone with the exec
    int argc = 0;
    argv[argc++] = "fakevlm";
    argv[argc++] = "--listen";
    argv[argc++] = "127.0.0.1:0";
    for (char *s = strtok_r(line, " ", &rest); s && argc < 63;
         s = strtok_r(NULL, " ", &rest))
        argv[argc++] = s;
    argv[argc] = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a failed test leaves nothing behind
    dup2(out_fd, STDOUT_FILENO);
    execv(FAKEVLM, argv);
    _exit(127);
}

// The banner is printed once the port is known.
static int read_port(int fd)
{
    char banner[4096] = {0};
    size_t len = 0;
    while (len < sizeof banner - 1) {
        ssize_t n = read(fd, banner + len, sizeof banner - 1 - len);
        assert_true(n > 0);
        len += (size_t)n;
        const char *at = strstr(banner, "http://127.0.0.1:");
        if (at && strchr(at, '\n'))
            return atoi(at + strlen("http://127.0.0.1:"));
    }
    fail_msg("no port in the banner");
    return 0;
}

void backend_start(struct backend *b, const char *flags)
{
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    b->pid = fork();
    assert_true(b->pid >= 0);
    if (b->pid == 0)
        exec_fake(flags, pipe_fds[1]);
    close(pipe_fds[1]);
    b->out_fd = pipe_fds[0];
    b->port = read_port(b->out_fd);
}

void backend_stop(struct backend *b)
{
    int status;
    assert_int_equal(kill(b->pid, SIGTERM), 0);
    assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
    close(b->out_fd);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

// --- the wire --------------------------------------------------------------------------

int client_connect(const struct backend *b)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)b->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0)
        return fd;
    close(fd);
    return -1;
}

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;  // the reply, or its absence, tells why
        bytes += n;
        len -= (size_t)n;
    }
}

void client_send(int fd, const char *method, const char *path, const char *headers,
                 const char *body, size_t len)
{
    char head[2048];
    int n = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s", method,
                     path, headers);
    if (body)
        n += snprintf(head + n, sizeof head - (size_t)n, "Content-Length: %zu\r\n", len);
    n += snprintf(head + n, sizeof head - (size_t)n, "\r\n");
    assert_true((size_t)n < sizeof head);
    send_all(fd, head, (size_t)n);
    if (body)
        send_all(fd, body, len);
}

// All that came in, and how it ended.
struct inflow {
    char *data;
    size_t len, cap;
    enum reply_end end;
    int patience_ms;
};

static bool fill(int fd, struct inflow *in)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (in->cap - in->len < 65536) {
        in->cap = in->cap * 2 + 131072;
        in->data = realloc(in->data, in->cap);
        assert_non_null(in->data);
    }
    if (poll(&p, 1, in->patience_ms) == 0) {
        in->end = END_SILENT;
        return false;
    }
    ssize_t n = recv(fd, in->data + in->len, in->cap - in->len - 1, 0);
    if (n > 0) {
        in->len += (size_t)n;
        in->data[in->len] = 0;
        return true;
    }
    in->end = n == 0 ? END_CLOSED : END_RESET;
    return false;
}

static const char *find_header(const char *head, const char *name)
{
    const char *at = strcasestr(head, name);
    return at ? at + strlen(name) : NULL;
}

static void read_chunks(int fd, struct inflow *in, size_t at, struct reply *r)
{
    r->body = calloc(1, 1);
    for (;;) {
        char *line_end;
        while (!(line_end = in->len > at ? strstr(in->data + at, "\r\n") : NULL)) {
            if (!fill(fd, in))
                return;
        }
        size_t len = strtoul(in->data + at, NULL, 16);
        at = (size_t)(line_end - in->data) + 2;
        while (in->len < at + len + 2) {
            if (!fill(fd, in))
                return;
        }
        if (len == 0)
            break;
        r->body = realloc(r->body, r->body_len + len + 1);
        assert_non_null(r->body);
        memcpy(r->body + r->body_len, in->data + at, len);
        r->body_len += len;
        r->body[r->body_len] = 0;
        at += len + 2;
    }
    in->end = END_WHOLE;
}

static void read_length(int fd, struct inflow *in, size_t at, size_t len, struct reply *r)
{
    bool is_alive = true;
    while (in->len < at + len && is_alive)
        is_alive = fill(fd, in);
    r->body_len = in->len < at + len ? in->len - at : len;
    r->body = calloc(1, r->body_len + 1);
    assert_non_null(r->body);
    memcpy(r->body, in->data + at, r->body_len);
    if (r->body_len == len)
        in->end = END_WHOLE;
}

static void read_body(int fd, struct inflow *in, size_t at, struct reply *r)
{
    const char *length = find_header(r->head, "\r\nContent-Length:");
    if (strcasestr(r->head, "\r\nTransfer-Encoding: chunked"))
        read_chunks(fd, in, at, r);
    else
        read_length(fd, in, at, length ? strtoul(length, NULL, 10) : 0, r);
}

void client_read_patiently(int fd, int patience_ms, struct reply *r)
{
    struct inflow in = {.end = END_WHOLE, .patience_ms = patience_ms};
    char *head_end = NULL;
    *r = (struct reply){0};
    while (!head_end && fill(fd, &in))
        head_end = strstr(in.data, "\r\n\r\n");
    if (head_end) {
        size_t at = (size_t)(head_end - in.data) + 4;
        r->head = strndup(in.data, at);
        r->status = atoi(in.data + strlen("HTTP/1.1 "));
        r->will_close = strcasestr(r->head, "\r\nConnection: close") != NULL;
        read_body(fd, &in, at, r);
    }
    r->end = in.end;
    free(in.data);
    if (!r->head)
        r->head = strdup("");
    if (!r->body)
        r->body = strdup("");
}

void client_read(int fd, struct reply *r)
{
    client_read_patiently(fd, PATIENCE_MS, r);
    assert_int_not_equal(r->end, END_SILENT);
}

void reply_free(struct reply *r)
{
    free(r->head);
    free(r->body);
    *r = (struct reply){0};
}

void ask_with(const struct backend *b, const char *method, const char *path,
              const char *headers, const char *body, struct reply *r)
{
    int fd = client_connect(b);
    assert_true(fd >= 0);
    client_send(fd, method, path, headers, body, body ? strlen(body) : 0);
    client_read(fd, r);
    close(fd);
}

void ask(const struct backend *b, const char *method, const char *path, const char *body,
         struct reply *r)
{
    ask_with(b, method, path, "Content-Type: application/json\r\n", body, r);
}

// --- JSON and control ------------------------------------------------------------------

const cJSON *json_at(const cJSON *root, const char *path)
{
    while (root && *path) {
        char key[128] = {0};
        size_t len = strcspn(path, ".");
        assert_true(len < sizeof key);
        memcpy(key, path, len);
        root = cJSON_IsArray(root) ? cJSON_GetArrayItem(root, atoi(key))
                                   : cJSON_GetObjectItemCaseSensitive(root, key);
        path += len + (path[len] == '.');
    }
    return root;
}

const char *text_at(const cJSON *root, const char *path)
{
    const char *s = cJSON_GetStringValue(json_at(root, path));
    if (!s)
        fail_msg("no text at %s", path);
    return s;
}

double number_at(const cJSON *root, const char *path)
{
    const cJSON *n = json_at(root, path);
    if (!cJSON_IsNumber(n))
        fail_msg("no number at %s", path);
    return n->valuedouble;
}

void control(const struct backend *b, const char *path, const char *json)
{
    struct reply r;
    ask(b, "POST", path, json, &r);
    if (r.status != 200)
        fail_msg("%s %s: %s", path, json, r.body);
    reply_free(&r);
}

double stat_of(const struct backend *b, const char *path)
{
    struct reply r;
    ask(b, "GET", "/__fake/stats", NULL, &r);
    cJSON *stats = cJSON_Parse(r.body);
    const cJSON *n = json_at(stats, path);
    double value = cJSON_IsNumber(n) ? n->valuedouble : 0;
    cJSON_Delete(stats);
    reply_free(&r);
    return value;
}

void await_stat(const struct backend *b, const char *path, double value)
{
    // Each round is a whole request; ten thousand of them are many seconds.
    for (int i = 0; i < 10000; i++) {
        if (stat_of(b, path) == value)
            return;
    }
    fail_msg("%s never became %g, it is %g", path, value, stat_of(b, path));
}
