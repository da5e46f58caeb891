// admin.c -- opening and closing the interface; requests come in here.
//
//   httpd -> on_head: exchange_new, guards_pass -> on_request: the route's handler
//                                                   -> reply_* at once, or in a callback
//
// A handler never waits: it begins a call of vlmd.h and answers in its callback.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"
#include "events.h"

#include "base/log.h"
#include "base/mem.h"
#include "io/listen.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAILURES_PER_MIN = 10 };

// ---- requests

static size_t on_head(void *arg, struct httpd_request *r)
{
    struct exchange *x = exchange_new(arg, r);
    httpd_set_user(r, x);
    return guards_pass(x) ? route_max_body(x) : 0;
}

static void on_request(void *arg, struct httpd_request *r)
{
    struct admin *a = arg;
    struct exchange *x = httpd_user(r);
    struct buf *body = NULL;
    if (httpd_body(r, &body)) {
        reply_error(x, 413, NULL, "the body may have %zu bytes here", route_max_body(x));
        return;
    }
    x->is_change = request_is_change(x);
    a->changes += x->is_change;
    admission_enter(x);
}

static void on_end(void *arg, struct httpd_request *r)
{
    struct exchange *x = httpd_user(r);
    (void)arg;
    x->http = NULL;
    admission_leave(x);
    if (x->on_gone) {
        x->on_gone(x);
    }
    exchange_drop(x);
}

static void on_refused(void *arg, int status)
{
    guards_note_refused(arg, status);
}

// ---- places

static bool is_off(const char *text)
{
    return text && strcmp(text, "off") == 0;
}

struct telling {
    void (*note)(void *arg, const char *words);
    void *arg;
};

static void tell(const struct telling *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void tell(const struct telling *t, const char *fmt, ...)
{
    char words[900];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof(words), fmt, ap);
    va_end(ap);
    log_info("admin", "%s", words);
    if (t->note) {
        t->note(t->arg, words);
    }
}

// Beyond this machine only who has a key may ask.
static int serve(struct admin *a, int fd, const struct telling *t, struct err *e)
{
    char name[200];
    listen_name(fd, name, sizeof(name));
    bool is_local = listen_is_local(fd);
    if (!is_local && !a->config->needs_key) {
        close(fd);
        return err_set(e, E_USAGE,
                       "admin.listen: %s can be reached from other machines: that needs "
                       "admin.auth: yes (or listen on 127.0.0.1)",
                       name);
    }
    if (!is_local) {
        tell(t,
             "%s can be reached from other machines, and what is sent can be read on "
             "the way (put a proxy with TLS before it)",
             name);
    }
    int rc = httpd_listen(a->http, fd);
    if (rc) {
        return err_set(e, rc, "%s: %s", name, err_words(rc));
    }
    if (!listen_is_unix(fd) && !a->url[0]) {
        snprintf(a->url, sizeof(a->url), "http://%s/", name);
    }
    return 0;
}

static int serve_tcp(struct admin *a, const struct telling *t, struct err *e)
{
    char host[80];
    int port, fd;
    struct err why = {0};
    if (!listen_parse(a->config->listen, host, sizeof(host), &port)) {
        return err_set(
            e, E_USAGE,
            "admin.listen: \"%s\" is no address (127.0.0.1:8011, [::1]:8011, a "
            "port, or off)",
            a->config->listen);
    }
    int rc = listen_tcp(host, port, &fd, &why);
    if (rc) {
        tell(t,
             "no web page: %s (another vlmd? else choose another port with "
             "admin.listen)",
             why.msg);
        return 0;
    }
    return serve(a, fd, t, e);
}

// A folder of this user alone: that of the session, else beside the database.
static bool socket_place(struct admin *a, char *out, size_t size)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char folder[100], data[4096];
    if (a->config->socket) {
        return (size_t)snprintf(out, size, "%s", a->config->socket) < size;
    }
    if (runtime && runtime[0] == '/') {
        snprintf(folder, sizeof(folder), "%.90s/vlmd", runtime);
        if (mkdir(folder, 0700) == 0 || errno == EEXIST) {
            return (size_t)snprintf(out, size, "%s/http.sock", folder) < size;
        }
    }
    vlmd_data_dir(a->v, data, sizeof(data));
    return (size_t)snprintf(out, size, "%s/http.sock", data) < size;
}

static int serve_socket(struct admin *a, const struct telling *t, struct err *e)
{
    struct err why = {0};
    int fd;
    if (!socket_place(a, a->socket_path, sizeof(a->socket_path))) {
        a->socket_path[0] = 0;
        return 0;  // a path too long for a socket: nobody asked for this one
    }
    int rc = listen_unix(a->socket_path, &fd, &why);
    if (rc) {
        a->socket_path[0] = 0;
        if (a->config->socket || rc != E_BUSY) {
            tell(t, "no Unix socket: %s", why.msg);
        }
        return 0;
    }
    return serve(a, fd, t, e);
}

static int serve_all(struct admin *a, const struct telling *t, struct err *e)
{
    int fds[LISTEN_MAX_INHERITED];
    int n = listen_inherited(fds, LISTEN_MAX_INHERITED), rc = 0;
    for (int i = 0; i < n && rc == 0; i++) {
        rc = serve(a, fds[i], t, e);
    }
    if (rc == 0 && n == 0 && !is_off(a->config->listen)) {
        rc = serve_tcp(a, t, e);
    }
    if (rc == 0 && !is_off(a->config->socket)) {
        rc = serve_socket(a, t, e);
    }
    if (rc == 0 && a->url[0]) {
        tell(t, "page at %s -- `vlmd open` opens it; the key for programs is in %s",
             a->url, a->auth.token_path);
    }
    return rc;
}

// ---- opening and closing

static int open_http(struct admin *a, struct err *e)
{
    struct httpd_config c = {.max_connections = a->config->max_connections};
    struct httpd_events events = {a, on_head, on_request, on_end, on_refused};
    int rc = httpd_open(&a->http, vlmd_loop(a->v), &c, &events);
    return rc ? err_set(e, rc, "the HTTP server can not be started: %s", err_words(rc))
              : 0;
}

int admin_open(struct admin **out, vlmd *v, void (*note)(void *arg, const char *words),
               void *arg, struct err *e)
{
    const struct vlmd_admin_config *c = vlmd_admin_config(v);
    const struct telling t = {note, arg};
    char dir[4096];
    *out = NULL;
    if (is_off(c->listen) && is_off(c->socket)) {
        return 0;
    }
    struct admin *a = mem_new(struct admin);
    a->v = v;
    a->config = c;
    a->failures.per_min = FAILURES_PER_MIN;
    a->started_ms = loop_wall_ms();
    list_init(&a->exchanges);
    list_init(&a->shares);
    auth_random(&a->next_correlation, sizeof(a->next_correlation));
    vlmd_data_dir(v, dir, sizeof(dir));
    int rc = auth_open(&a->auth, dir, c->keys_file, e);
    rc = rc ? rc : open_http(a, e);
    if (rc) {
        auth_close(&a->auth);
        free(a);
        return rc;
    }
    a->events = events_open(a);
    admission_open(a);
    a->parts_open = 3;
    rc = serve_all(a, &t, e);
    if (rc) {
        admin_close(a);
        return rc;
    }
    *out = a;
    return 0;
}

static void on_part_closed(void *arg)
{
    struct admin *a = arg;
    a->parts_open--;
    admin_free_if_done(a);
}

static void on_admission_closed(struct timer *t)
{
    on_part_closed(container_of(t, struct admin, admission.timer));
}

static void on_http_closed(void *arg)
{
    struct admin *a = arg;
    admission_close(a, on_admission_closed);
    events_close(a->events, on_part_closed, a);
    on_part_closed(a);
}

void admin_close(struct admin *a)
{
    if (!a) {
        return;
    }
    a->is_closing = true;
    if (a->socket_path[0]) {
        unlink(a->socket_path);
    }
    vlmd_unsubscribe(a->subscription);
    httpd_close(a->http, on_http_closed, a);
}

const char *admin_url(const struct admin *a)
{
    return a ? a->url : "";
}
