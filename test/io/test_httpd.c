// test_httpd.c -- the HTTP server, with clients that are slow, greedy, many and gone.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "io/httpd.h"

#include "base/list.h"
#include "base/mem.h"
#include "io/listen.h"
#include "io/timer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAD_MS = 300,
    BODY_MS = 400,
    IDLE_MS = 1000,
    BODY_MAX = 1000,
    PATIENCE_MS = 20000
};

struct rig {
    struct loop loop;
    struct httpd *server;
    struct timer later;
    struct httpd_request *waiting;  // /later, /stream
    int port;
    int requests, ends, heads;
    bool is_closed, is_timer_closed;
    int turns;
};

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

// ---- what is served

static size_t on_head(void *arg, struct httpd_request *r)
{
    struct rig *rig = arg;
    rig->heads++;
    if (strcmp(httpd_path(r), "/refused") == 0) {
        httpd_answer_static(r, 403, "no", 2);
        return 0;
    }
    if (httpd_body_length(r) > BODY_MAX) {
        httpd_answer_static(r, 413, "too much", 8);
    }
    return BODY_MAX;
}

static void on_later(struct timer *t)
{
    struct rig *rig = container_of(t, struct rig, later);
    struct httpd_request *r = rig->waiting;
    rig->waiting = NULL;
    if (r) {
        httpd_answer_static(r, 200, "later", 5);
    }
}

static void on_request(void *arg, struct httpd_request *r)
{
    struct rig *rig = arg;
    const char *path = httpd_path(r);
    struct buf *body, out;
    rig->requests++;
    if (httpd_body(r, &body)) {
        httpd_answer_static(r, 413, "too much", 8);
    } else if (strcmp(path, "/later") == 0) {
        rig->waiting = r;
        timer_start(&rig->later, 50, on_later);
    } else if (strcmp(path, "/never") == 0) {
        rig->waiting = r;
    } else if (strcmp(path, "/stream") == 0) {
        rig->waiting = r;
        httpd_stream(r, 200, 64 << 10);
        assert_int_equal(httpd_send(r, "one\n", 4), 0);
    } else if (strcmp(path, "/large") == 0) {
        buf_init(&out, 8 << 20);
        assert_int_equal(buf_reserve(&out, 4 << 20), 0);
        memset(out.data, 'x', 4 << 20);
        out.len = 4 << 20;
        httpd_answer(r, 200, &out);
    } else {
        const char *q = httpd_param(r, "q");
        buf_init(&out, 1 << 16);
        assert_int_equal(buf_printf(&out, "%s %s %s %.*s", httpd_method(r), path,
                                    q ? q : "-", (int)body->len, buf_str(body)),
                         0);
        httpd_set_header(r, "X-Peer", httpd_peer(r));
        httpd_answer(r, 200, &out);
    }
}

static void on_end(void *arg, struct httpd_request *r)
{
    struct rig *rig = arg;
    rig->ends++;
    if (rig->waiting == r) {
        rig->waiting = NULL;
    }
}

// ---- the rig

static void open_rig(struct rig *r, int max_connections)
{
    struct httpd_config c = {.head_ms = HEAD_MS,
                             .body_ms = BODY_MS,
                             .idle_ms = IDLE_MS,
                             .max_connections = max_connections};
    struct httpd_events events = {r, on_head, on_request, on_end, NULL};
    int fd;
    struct err e;
    assert_int_equal(loop_init(&r->loop), 0);
    assert_int_equal(httpd_open(&r->server, &r->loop, &c, &events), 0);
    assert_int_equal(listen_tcp("127.0.0.1", 0, &fd, &e), 0);
    r->port = listen_port(fd);
    assert_int_equal(httpd_listen(r->server, fd), 0);
    timer_open(&r->later, &r->loop);
}

static int setup(void **state)
{
    struct rig *r = test_calloc(1, sizeof(*r));
    open_rig(r, 300);
    *state = r;
    return 0;
}

static void on_closed(void *arg)
{
    ((struct rig *)arg)->is_closed = true;
}

static void on_timer_closed(struct timer *t)
{
    container_of(t, struct rig, later)->is_timer_closed = true;
}

static void close_rig(struct rig *r)
{
    httpd_close(r->server, on_closed, r);
    timer_close(&r->later, on_timer_closed);
    uv_run(&r->loop.uv, UV_RUN_DEFAULT);
    assert_true(r->is_closed);
    assert_int_equal(r->heads, r->ends);
    assert_int_equal(loop_fini(&r->loop), 0);
}

static int teardown(void **state)
{
    struct rig *r = *state;
    close_rig(r);
    test_free(r);
    return 0;
}

static void turn(struct rig *r)
{
    uv_run(&r->loop.uv, UV_RUN_NOWAIT);
    struct timespec ts = {.tv_nsec = 200000};
    nanosleep(&ts, NULL);
}

static int connect_to(struct rig *r)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)r->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void write_to(struct rig *r, int fd, const char *text)
{
    size_t len = strlen(text);
    int64_t end = now_ms() + PATIENCE_MS;
    while (len) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) {
            return;
        }
        text += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
        assert_true(now_ms() < end);
        turn(r);
    }
}

// Reads until the text came, or (NULL) the end.  Returns all, in one static buffer.
static const char *read_until(struct rig *r, int fd, const char *text)
{
    static char all[1 << 16];
    size_t len = 0;
    int64_t end = now_ms() + PATIENCE_MS;
    all[0] = 0;
    for (;;) {
        ssize_t n = recv(fd, all + len, sizeof(all) - 1 - len, 0);
        len += n > 0 ? (size_t)n : 0;
        all[len] = 0;
        if (text && strstr(all, text)) {
            return all;
        }
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            if (text) {
                fail_msg("\"%s\" never came: %s", text, all);
            }
            return all;
        }
        if (now_ms() > end) {
            fail_msg("nothing more came: %s", all);
        }
        turn(r);
    }
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

// ---- good clients

static void a_request_is_answered(void **state)
{
    struct rig *r = *state;
    int fd = connect_to(r);
    write_to(r, fd, GET("/a%20b?q=x%26y"));
    const char *all = read_until(r, fd, "GET /a b x&y ");
    assert_non_null(strstr(all, "HTTP/1.1 200 OK"));
    assert_non_null(strstr(all, "X-Peer: 127.0.0.1"));
    // The connection is used again.
    write_to(r, fd, "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    read_until(r, fd, "POST /b - hello");
    write_to(r, fd,
             "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
             "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    read_until(r, fd, "POST /c - abcde");
    close(fd);
}

static void an_answer_may_come_later(void **state)
{
    struct rig *r = *state;
    int fd = connect_to(r), other = connect_to(r);
    write_to(r, fd, GET("/later"));
    write_to(r, other, GET("/now"));
    read_until(r, other, "GET /now");
    read_until(r, fd, "later");
    close(fd);
    close(other);
}

// Longer than any deadline: it is we who are slow.
static void who_waits_for_us_is_not_swept(void **state)
{
    struct rig *r = *state;
    int fd = connect_to(r);
    write_to(r, fd, GET("/never"));
    int64_t end = now_ms() + HEAD_MS + BODY_MS + IDLE_MS + 300;
    while (now_ms() < end) {
        turn(r);
    }
    assert_non_null(r->waiting);
    httpd_answer_static(r->waiting, 200, "at last", 7);
    read_until(r, fd, "at last");
    close(fd);
}

static void a_stream_goes_on_until_it_ends(void **state)
{
    struct rig *r = *state;
    int fd = connect_to(r);
    write_to(r, fd, GET("/stream"));
    read_until(r, fd, "one\n");
    assert_int_equal(httpd_send(r->waiting, "two\n", 4), 0);
    read_until(r, fd, "two\n");
    assert_int_equal(httpd_send(r->waiting, "three\n", 6), 0);
    httpd_stream_end(r->waiting);
    read_until(r, fd, "three\n");
    close(fd);
    while (r->ends < 1) {
        turn(r);
    }
}

static void a_large_answer_comes_whole(void **state)
{
    struct rig *r = *state;
    int fd = connect_to(r);
    size_t total = 0;
    char bytes[65536];
    write_to(r, fd, "GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    int64_t end = now_ms() + PATIENCE_MS;
    for (;;) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
        if (n == 0) {
            break;
        }
        total += n > 0 ? (size_t)n : 0;
        assert_true(now_ms() < end);
        turn(r);
    }
    assert_true(total > 4 << 20);
    close(fd);
}

// ---- resting

// Turns of the loop in which what came is read, if ever.
static void wait_a_while(struct rig *r)
{
    for (int i = 0; i < 50; i++) {
        turn(r);
    }
}

static void what_comes_in_a_rest_is_read_after_it(void **state)
{
    struct rig *r = *state;
    int fds[3] = {connect_to(r), connect_to(r), connect_to(r)};
    write_to(r, fds[0], GET("/first"));
    read_until(r, fds[0], "GET /first");
    httpd_rest(r->server);
    for (int i = 0; i < 3; i++) {
        write_to(r, fds[i], GET("/now"));
    }
    wait_a_while(r);
    assert_int_equal(r->requests, 1);
    httpd_go_on(r->server);
    assert_int_equal(r->requests, 4);
    for (int i = 0; i < 3; i++) {
        read_until(r, fds[i], "GET /now");
        close(fds[i]);
    }
}

static void a_rest_holds_no_answer_back(void **state)
{
    struct rig *r = *state;
    int fd = connect_to(r), other = connect_to(r);
    write_to(r, fd, GET("/never"));
    write_to(r, other, GET("/stream"));
    read_until(r, other, "one\n");
    struct httpd_request *stream = r->waiting;
    httpd_rest(r->server);
    assert_int_equal(httpd_send(stream, "two\n", 4), 0);
    read_until(r, other, "two\n");
    httpd_stream_end(stream);
    close(fd);
    close(other);
}

// Of several blocks the later ones go without another push.
static void a_rest_holds_no_part_of_a_stream_back(void **state)
{
    struct rig *r = *state;
    static char block[60 << 10];
    int fd = connect_to(r), other = connect_to(r);
    write_to(r, fd, GET("/stream"));
    read_until(r, fd, "one\n");
    httpd_rest(r->server);
    memset(block, 'x', sizeof(block));
    memcpy(block + sizeof(block) - 4, "end\n", 4);
    assert_int_equal(httpd_send(r->waiting, block, sizeof(block)), 0);
    read_until(r, fd, "end\n");
    // And then it is a rest again.
    write_to(r, other, GET("/now"));
    wait_a_while(r);
    assert_int_equal(r->heads, 1);
    httpd_go_on(r->server);
    read_until(r, other, "GET /now");
    httpd_stream_end(r->waiting);
    close(fd);
    close(other);
}

static void a_rest_interrupts_no_body(void **state)
{
    struct rig *r = *state;
    int fd = connect_to(r);
    write_to(r, fd, "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    while (r->heads < 1) {
        turn(r);
    }
    httpd_rest(r->server);
    write_to(r, fd, "llo");
    read_until(r, fd, "POST /b - hello");
    close(fd);
}

// The client leaves half way: the rest is one again.
static void who_left_half_way_keeps_nobody_from_resting(void **state)
{
    struct rig *r = *state;
    int fd = connect_to(r), other = connect_to(r);
    write_to(r, fd, "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    while (r->heads < 1) {
        turn(r);
    }
    close(fd);
    while (r->ends < 1) {
        turn(r);
    }
    httpd_rest(r->server);
    write_to(r, other, GET("/now"));
    wait_a_while(r);
    assert_int_equal(r->heads, 1);
    httpd_go_on(r->server);
    read_until(r, other, "GET /now");
    close(other);
}

// ---- bad ones

static void a_stream_that_is_not_read_is_bounded(void **state)
{
    struct rig *r = *state;
    int fd = connect_to(r);
    char block[4096] = {0};
    int taken = 0, rc = 0;
    write_to(r, fd, GET("/stream"));
    read_until(r, fd, "one\n");
    // The kernel's buffers take some megabytes, ours 64 KiB, then it is said to be too much.
    for (; taken < 10000 && rc == 0; taken++) {
        rc = httpd_send(r->waiting, block, sizeof(block));
        turn(r);
    }
    assert_int_equal(rc, E_TOOBIG);
    httpd_drop(r->waiting);
    while (r->ends < 1) {
        turn(r);
    }
    close(fd);
}

static void early_refusals_cost_no_body(void **state)
{
    struct rig *r = *state;
    int fd = connect_to(r);
    write_to(r, fd, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
    read_until(r, fd, "too much");
    close(fd);
    fd = connect_to(r);
    write_to(r, fd, "POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    read_until(r, fd, "403 Forbidden");
    close(fd);
    assert_int_equal(r->requests, 0);
}

static void a_body_beyond_its_bound_is_said(void **state)
{
    struct rig *r = *state;
    char text[3000];
    int fd = connect_to(r);
    int n =
        sprintf(text, "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "7d0\r\n");
    memset(text + n, 'a', 2000);
    strcpy(text + n + 2000, "\r\n0\r\n\r\n");
    write_to(r, fd, text);
    read_until(r, fd, "413");
    close(fd);
}

static void a_head_beyond_its_bound_is_refused(void **state)
{
    struct rig *r = *state;
    char *text = calloc(1, 70000);
    int fd = connect_to(r);
    strcpy(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    memset(text + strlen(text), 'a', 60000);
    strcat(text, "\r\n\r\n");
    write_to(r, fd, text);
    const char *all = read_until(r, fd, NULL);
    assert_true(!*all || strstr(all, "HTTP/1.1 4"));
    assert_int_equal(r->heads, 0);
    close(fd);
    free(text);
}

// A byte now and then keeps the library's own time-out from ever coming.
static void slow_senders_are_swept(void **state)
{
    struct rig *r = *state;
    enum { SLOW = 200 };
    static const char head[] =
        "GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    int fds[SLOW], sent[SLOW] = {0}, open = SLOW;
    int64_t begin = now_ms(), next = begin;
    for (int i = 0; i < SLOW; i++) {
        fds[i] = connect_to(r);
        if (i % 16 == 0) {
            turn(r);
        }
    }
    while (open > 0) {
        for (int i = 0; i < SLOW && now_ms() >= next; i++) {
            char c;
            if (fds[i] >= 0 && recv(fds[i], &c, 1, 0) == 0) {
                close(fds[i]);
                fds[i] = -1;
                open--;
            } else if (fds[i] >= 0) {
                send(fds[i], head + sent[i], 1, MSG_NOSIGNAL);
                sent[i] = (sent[i] + 1) % (int)(sizeof(head) - 4);
            }
        }
        next = now_ms() >= next ? now_ms() + 20 : next;
        if (now_ms() - begin > PATIENCE_MS) {
            fail_msg("%d of %d slow connections are still there", open, SLOW);
        }
        turn(r);
    }
    struct httpd_stats s;
    httpd_stats(r->server, &s);
    assert_int_equal(s.swept, SLOW);
    assert_int_equal(s.connections, 0);
    // A good client is served meanwhile and after.
    int fd = connect_to(r);
    write_to(r, fd, GET("/now"));
    read_until(r, fd, "GET /now");
    close(fd);
}

static void slow_bodies_are_swept(void **state)
{
    struct rig *r = *state;
    int fd = connect_to(r);
    write_to(r, fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
    int64_t begin = now_ms();
    read_until(r, fd, NULL);
    assert_in_range(now_ms() - begin, BODY_MS / 2, BODY_MS + 5000);
    close(fd);
    assert_int_equal(r->requests, 0);
}

static void idle_connections_end(void **state)
{
    struct rig *r = *state;
    int fd = connect_to(r);
    write_to(r, fd, GET("/now"));
    read_until(r, fd, "GET /now");
    read_until(r, fd, NULL);
    close(fd);
    struct httpd_stats s;
    httpd_stats(r->server, &s);
    assert_int_equal(s.swept, 0);  // that is no offence
}

static void when_full_the_slowest_make_room(void **state)
{
    struct rig *r = *state;
    enum { MOST = 20 };
    int fds[MOST];
    close_rig(r);
    *r = (struct rig){0};
    open_rig(r, MOST);
    for (int i = 0; i < MOST; i++) {
        fds[i] = connect_to(r);
        turn(r);
    }
    int fd = connect_to(r);
    write_to(r, fd, GET("/now"));
    read_until(r, fd, "GET /now");
    close(fd);
    struct httpd_stats s;
    httpd_stats(r->server, &s);
    assert_true(s.displaced >= 1 || s.swept >= 1);
    assert_true(s.connections <= MOST);
    for (int i = 0; i < MOST; i++) {
        close(fds[i]);
    }
}

static void clients_may_vanish_at_any_moment(void **state)
{
    struct rig *r = *state;
    static const char *const texts[] = {
        "",
        "G",
        "GET / HT",
        GET("/now"),
        GET("/later"),
        GET("/stream"),
        GET("/large"),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhalf"};
    for (int i = 0; i < 160; i++) {
        int fd = connect_to(r);
        struct linger l = {.l_onoff = i % 2};  // with a reset
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
        write_to(r, fd, texts[i % 8]);
        for (int k = 0; k < i % 5; k++) {
            turn(r);
        }
        if (r->waiting && i % 8 == 5) {
            httpd_stream_end(r->waiting);
            r->waiting = NULL;
        }
        close(fd);
        for (int k = 0; k < 3; k++) {
            turn(r);
        }
    }
    int fd = connect_to(r);
    write_to(r, fd, GET("/now"));
    read_until(r, fd, "GET /now");
    close(fd);
}

static void garbage_is_refused(void **state)
{
    struct rig *r = *state;
    static const char *const texts[] = {
        "\r\n\r\n\r\n\r\n",
        "nonsense\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: abc\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",                        // no host
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  // TLS
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int fd = connect_to(r);
        write_to(r, fd, texts[i]);
        shutdown(fd, SHUT_WR);
        const char *all = read_until(r, fd, NULL);
        assert_null(strstr(all, "HTTP/1.1 200"));
        close(fd);
    }
}

static void many_clients_at_once_are_served(void **state)
{
    struct rig *r = *state;
    enum { MANY = 250 };
    int fds[MANY];
    for (int i = 0; i < MANY; i++) {
        fds[i] = connect_to(r);
        write_to(r, fds[i], GET("/now"));
    }
    for (int i = 0; i < MANY; i++) {
        read_until(r, fds[i], "GET /now");
        close(fds[i]);
    }
    assert_int_equal(r->requests, MANY);
}

// ---- idle

static void on_turn(uv_check_t *c)
{
    ((struct rig *)c->data)->turns++;
}

// With nobody connected, and with a stream that has nothing to say, the loop sleeps.
static void an_idle_server_does_not_wake_up(void **state)
{
    struct rig *r = *state;
    static uv_check_t check;
    int fd = connect_to(r);
    write_to(r, fd, GET("/stream"));
    read_until(r, fd, "one\n");
    int64_t end = now_ms() + HEAD_MS + IDLE_MS + 1500;
    while (now_ms() < end) {
        turn(r);  // until deadlines of before are over
    }
    uv_check_init(&r->loop.uv, &check);
    check.data = r;
    uv_check_start(&check, on_turn);
    assert_true(uv_backend_timeout(&r->loop.uv) == -1 ||
                uv_backend_timeout(&r->loop.uv) > 10000);
    uv_run(&r->loop.uv, UV_RUN_NOWAIT);
    uv_run(&r->loop.uv, UV_RUN_NOWAIT);
    assert_true(uv_backend_timeout(&r->loop.uv) == -1 ||
                uv_backend_timeout(&r->loop.uv) > 10000);
    uv_close((uv_handle_t *)&check, NULL);
    httpd_drop(r->waiting);
    while (r->ends < 1) {
        turn(r);
    }
    close(fd);
}

// ---- sockets

static void a_unix_socket_knows_its_user(void **state)
{
    struct rig *r = *state;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct err e;
    struct stat st;
    int fd, again;
    snprintf(a.sun_path, sizeof(a.sun_path), "/tmp/vlmd-httpd-%ld.sock", (long)getpid());
    assert_int_equal(listen_unix(a.sun_path, &fd, &e), 0);
    assert_int_equal(stat(a.sun_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(listen_is_unix(fd));
    assert_int_equal(listen_unix(a.sun_path, &again, &e), E_BUSY);
    assert_int_equal(httpd_listen(r->server, fd), 0);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&a, sizeof(a)), 0);
    fcntl(client, F_SETFL, O_NONBLOCK);
    write_to(r, client, GET("/now"));
    read_until(r, client, "X-Peer: unix");
    close(client);
    close_rig(r);
    // Its file is left by who was killed: it is replaced.  What is no socket is not.
    assert_int_equal(access(a.sun_path, F_OK), 0);
    assert_int_equal(listen_unix(a.sun_path, &fd, &e), 0);
    close(fd);
    unlink(a.sun_path);
    FILE *f = fopen(a.sun_path, "w");
    fclose(f);
    assert_int_equal(listen_unix(a.sun_path, &fd, &e), E_NOT_FILE);
    unlink(a.sun_path);
    *r = (struct rig){0};
    open_rig(r, 300);
}

static void addresses_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        int port;
    } rows[] = {
        {"127.0.0.1:8011", "127.0.0.1", 8011},
        {"8011", "127.0.0.1", 8011},
        {":8011", "127.0.0.1", 8011},
        {"localhost:80", "127.0.0.1", 80},
        {"[::1]:8011", "::1", 8011},
        {"0.0.0.0:0", "0.0.0.0", 0},
        {"::1:8011", NULL, 0},
        {"host:80", NULL, 0},
        {"127.0.0.1:", NULL, 0},
        {"127.0.0.1:99999", NULL, 0},
        {"127.0.0.1:-1", NULL, 0},
        {"", NULL, 0},
        {"[::1:80", NULL, 0},
        {"127.0.0.1:80x", NULL, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char host[80];
        int port = -1;
        bool is_good = listen_parse(rows[i].text, host, sizeof(host), &port);
        assert_int_equal(is_good, rows[i].host != NULL);
        if (is_good) {
            assert_string_equal(host, rows[i].host);
            assert_int_equal(port, rows[i].port);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_answered),
        TEST(an_answer_may_come_later),
        TEST(who_waits_for_us_is_not_swept),
        TEST(a_stream_goes_on_until_it_ends),
        TEST(a_large_answer_comes_whole),
        TEST(what_comes_in_a_rest_is_read_after_it),
        TEST(a_rest_holds_no_answer_back),
        TEST(a_rest_holds_no_part_of_a_stream_back),
        TEST(a_rest_interrupts_no_body),
        TEST(who_left_half_way_keeps_nobody_from_resting),
        TEST(a_stream_that_is_not_read_is_bounded),
        TEST(early_refusals_cost_no_body),
        TEST(a_body_beyond_its_bound_is_said),
        TEST(a_head_beyond_its_bound_is_refused),
        TEST(slow_senders_are_swept),
        TEST(slow_bodies_are_swept),
        TEST(idle_connections_end),
        TEST(when_full_the_slowest_make_room),
        TEST(clients_may_vanish_at_any_moment),
        TEST(garbage_is_refused),
        TEST(many_clients_at_once_are_served),
        TEST(an_idle_server_does_not_wake_up),
        TEST(a_unix_socket_knows_its_user),
        cmocka_unit_test(addresses_are_parsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
