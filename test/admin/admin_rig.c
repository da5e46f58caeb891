// admin_rig.c -- see admin_rig.h.
// SPDX-License-Identifier: MIT
#include "admin/admin_rig.h"

#include "base/json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

// ---- the rig

int rig_setup(void **state)
{
    struct rig *r = test_calloc(1, sizeof(*r));
    kit_init(&r->k);
    rig_set(r, "db", r->k.path);
    rig_set(r, "backends", "http://127.0.0.1:9");  // nobody listens there
    rig_set(r, "ocr.when", "never");
    rig_set(r, "admin.listen", "127.0.0.1:0");
    rig_set(r, "admin.socket", "off");
    *state = r;
    return 0;
}

int rig_teardown(void **state)
{
    struct rig *r = *state;
    rig_close(r);
    kit_fini(&r->k);
    test_free(r);
    return 0;
}

void rig_set(struct rig *r, const char *key, const char *value)
{
    assert_true(r->n_settings < RIG_MAX_SETTINGS);
    r->settings[r->n_settings++] = (struct vlmd_setting){key, value, "test"};
}

static void on_note(void *arg, const char *words)
{
    struct rig *r = arg;
    size_t n = strlen(r->notes);
    snprintf(r->notes + n, sizeof(r->notes) - n, "%s\n", words);
}

void rig_folder(const struct rig *r, char *out, size_t size)
{
    snprintf(out, size, "%s", r->k.path);
    *strrchr(out, '/') = 0;
}

static void read_token(struct rig *r)
{
    char path[4200];
    rig_folder(r, path, sizeof(path) - 20);
    strcat(path, "/api-token");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fread(r->token, 1, AUTH_TOKEN_CHARS, f), AUTH_TOKEN_CHARS);
    fclose(f);
}

int rig_try(struct rig *r, struct err *e)
{
    struct vlmd_options o = {
        .role = VLMD_WORKER,
        .config_file = r->config_file ? r->config_file : "",
        .settings = r->settings,
        .n_settings = r->n_settings,
        .ignore_environment = true,
    };
    struct vlmd_error why;
    if (vlmd_open(&o, &r->v, &why)) {
        fail_msg("%s", why.message);
    }
    assert_int_equal(vlmd_work(r->v), 0);
    int rc = admin_open(&r->admin, r->v, on_note, r, e);
    if (rc == 0 && *admin_url(r->admin)) {
        read_token(r);
        r->port = atoi(strrchr(admin_url(r->admin), ':') + 1);
        snprintf(r->host, sizeof(r->host), "127.0.0.1:%d", r->port);
    }
    return rc;
}

void rig_open(struct rig *r)
{
    struct err e = {0};
    if (rig_try(r, &e)) {
        fail_msg("%s", e.msg);
    }
}

void rig_close(struct rig *r)
{
    admin_close(r->admin);
    r->admin = NULL;
    vlmd_close(r->v);
    r->v = NULL;
}

void rig_turn(struct rig *r)
{
    int wait = vlmd_timeout_ms(r->v);
    struct pollfd p = {.fd = vlmd_fd(r->v), .events = POLLIN};
    poll(&p, 1, wait < 0 || wait > 5 ? 5 : wait);
    vlmd_step(r->v);
}

static void on_added(void *arg, int err, int64_t id, bool is_new, const char *message)
{
    (void)id;
    (void)is_new;
    if (err) {
        fail_msg("%s", message);
    }
    --*(int *)arg;
}

void rig_add_files(struct rig *r, int n)
{
    int left = n;
    for (int i = 0; i < n; i++) {
        char path[4300];
        snprintf(path, sizeof(path), "%s.%05d.png", r->k.path, i);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        close(fd);
        struct vlmd_input in = {.path = path, .app = i % 3 ? "Editor" : "Browser"};
        in.taken_at_ms = INT64_C(1767225600000) + (int64_t)(i * 37 % n) * 3600000;
        assert_int_equal(vlmd_submit(r->v, &in, on_added, &left), 0);
    }
    while (left > 0) {
        rig_turn(r);
    }
}

// ---- the client

int rig_connect(struct rig *r)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)r->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

void rig_write(struct rig *r, int fd, const char *bytes, size_t len)
{
    int64_t end = now_ms() + RIG_PATIENCE_MS;
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) {
            return;  // the other side has said enough: its answer is read
        }
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
        assert_true(now_ms() < end);
        rig_turn(r);
    }
}

// The head is there, and as much body as it promises.
static bool is_whole(struct answer *a, size_t len)
{
    char *end = strstr(a->text, "\r\n\r\n");
    if (!end) {
        return false;
    }
    a->body = end + 4;
    a->body_len = len - (size_t)(a->body - a->text);
    const char *length = answer_header(a, "Content-Length");
    bool is_bare =
        strncmp(a->text + 9, "204", 3) == 0 || strncmp(a->text + 9, "304", 3) == 0;
    return is_bare || (length ? a->body_len >= (size_t)atol(length) : a->is_closed);
}

struct answer rig_read(struct rig *r, int fd)
{
    struct answer a = {0};
    size_t len = 0, cap = 1 << 16;
    int64_t end = now_ms() + RIG_PATIENCE_MS;
    a.text = calloc(1, cap + 1);
    while (!is_whole(&a, len) && !a.is_closed) {
        if (len == cap) {
            cap *= 2;
            a.text = realloc(a.text, cap + 1);
            assert_non_null(a.text);
        }
        ssize_t n = recv(fd, a.text + len, cap - len, 0);
        a.is_closed = n == 0 || (n < 0 && errno != EAGAIN);
        len += n > 0 ? (size_t)n : 0;
        a.text[len] = 0;
        if (now_ms() > end) {
            fail_msg("no answer in %d ms; so far: %s", RIG_PATIENCE_MS, a.text);
        }
        rig_turn(r);
    }
    is_whole(&a, len);
    if (strncmp(a.text, "HTTP/1.1 ", 9) == 0) {
        a.status = atoi(a.text + 9);
    }
    a.json = a.body ? json_parse(a.body, a.body_len) : NULL;
    return a;
}

void rig_await_close(struct rig *r, int fd)
{
    char bytes[4096];
    int64_t end = now_ms() + RIG_PATIENCE_MS;
    for (;;) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            break;
        }
        assert_true(now_ms() < end);
        rig_turn(r);
    }
    close(fd);
}

void answer_free(struct answer *a)
{
    json_free(a->json);
    free(a->text);
    *a = (struct answer){0};
}

const char *answer_header(const struct answer *a, const char *name)
{
    static char value[2048];
    size_t n = strlen(name);
    const char *end = a->body ? a->body : a->text + strlen(a->text);
    for (const char *line = strstr(a->text, "\r\n"); line && line < end - 2;
         line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, n) == 0 && line[2 + n] == ':') {
            const char *at = line + 3 + n + strspn(line + 3 + n, " ");
            snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
            return value;
        }
    }
    return NULL;
}

const char *answer_error(const struct answer *a, const char *member)
{
    const char *s = json_get_str(json_get(a->json, "error"), member);
    return s ? s : "";
}

struct answer rig_send(struct rig *r, const char *bytes, size_t len)
{
    int fd = rig_connect(r);
    rig_write(r, fd, bytes, len);
    struct answer a = rig_read(r, fd);
    close(fd);
    return a;
}

struct answer rig_ask_bare(struct rig *r, const char *method, const char *target,
                           const char *head, const char *body)
{
    char *text = NULL;
    size_t len = body ? strlen(body) : 0;
    assert_true(asprintf(&text, "%s %s HTTP/1.1\r\n%sContent-Length: %zu\r\n\r\n%s",
                         method, target, head ? head : "", len, body ? body : "") > 0);
    struct answer a = rig_send(r, text, strlen(text));
    free(text);
    return a;
}

struct answer rig_ask(struct rig *r, const char *method, const char *target,
                      const char *head, const char *body)
{
    char lines[4096];
    snprintf(lines, sizeof(lines), "Host: %s\r\nAuthorization: Bearer %s\r\n%s", r->host,
             r->token, head ? head : "");
    return rig_ask_bare(r, method, target, lines, body);
}
