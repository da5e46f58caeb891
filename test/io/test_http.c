// test_http.c -- what the client sends and what it takes in, against a scripted server.
// SPDX-License-Identifier: MIT
#include "http_fixture.h"
#include "base/base64.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void reply_hello(struct web_conn *c)
{
    web_reply(c, "{\"hello\":1}");
}

static void a_get_brings_everything_back(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = reply_hello;
    ask_init(&a, "/api/tags");
    ask_run(&a);
    assert_int_equal(a.err, 0);
    assert_int_equal(a.r.status, 200);
    assert_string_equal(buf_str(&a.r.response), "{\"hello\":1}");
    assert_string_equal(a.r.content_type, "application/json");
    assert_string_equal(a.r.server, "");
    assert_string_equal(a.r.error, "");
    assert_int_equal(a.r.retry_after_ms, -1);
    assert_false(a.r.is_reused);
    assert_true(a.r.connect_ms >= 0);
    assert_true(a.r.first_byte_ms >= a.r.connect_ms);
    assert_true(a.r.total_ms >= a.r.first_byte_ms);
    assert_int_equal(a.r.bytes_sent, 0);
    assert_true(a.data_calls >= 1);
    assert_int_equal(a.data_len, 11);
    assert_int_equal(http_in_flight(fx->http), 0);
    ask_free(&a);
}

static void kept_connections_are_used_again(void **state)
{
    (void)state;
    fx->web.on_request = reply_hello;
    for (int i = 0; i < 5; i++) {
        struct ask a;
        ask_init(&a, "/x");
        ask_run(&a);
        assert_int_equal(a.err, 0);
        assert_int_equal(a.r.is_reused, i > 0);
        ask_free(&a);
    }
    assert_int_equal(fx->web.accepted, 1);
    assert_int_equal(fx->web.requests, 5);
}

static char seen_value[256];

static void look_at_headers(struct web_conn *c)
{
    char v[256];
    assert_string_equal(c->method, "POST");
    assert_string_equal(c->path, "/v1/chat/completions?a=b");
    assert_null(web_header(c, "Expect", v, sizeof(v)));
    assert_null(web_header(c, "Transfer-Encoding", v, sizeof(v)));
    assert_null(web_header(c, "Accept-Encoding", v, sizeof(v)));
    assert_null(web_header(c, "Upgrade", v, sizeof(v)));
    assert_string_equal(web_header(c, "User-Agent", v, sizeof(v)), "vlmd");
    assert_string_equal(web_header(c, "Authorization", v, sizeof(v)), "Bearer k");
    assert_string_equal(web_header(c, "Accept", v, sizeof(v)), "text/event-stream");
    assert_string_equal(web_header(c, "Content-Type", v, sizeof(v)), "application/json");
    assert_non_null(web_header(c, "Content-Length", seen_value, sizeof(seen_value)));
    web_reply(c, "{}");
}

// Over a megabyte, where curl would wait a second for "100 Continue".
static void a_post_has_our_headers_and_no_others(void **state)
{
    (void)state;
    struct ask a;
    size_t len = 1500000;
    char *image = calloc(1, len);
    fx->web.on_request = look_at_headers;
    ask_post(&a, "/v1/chat/completions?a=b", image, len);
    a.r.headers[1] = "Authorization: Bearer k";
    a.r.headers[2] = "Accept: text/event-stream";
    ask_run(&a);
    assert_int_equal(a.err, 0);
    assert_int_equal(a.r.bytes_sent, 2000012);
    assert_string_equal(seen_value, "2000012");
    assert_true(a.r.total_ms < 900);
    ask_free(&a);
    free(image);
}

static void expect_body(const struct http_body *b)
{
    struct buf expected;
    buf_init(&expected, (size_t)16 << 20);
    assert_int_equal(buf_add(&expected, b->head, b->head_len), 0);
    assert_int_equal(buf_reserve(&expected, b->image_len * 2 + 8), 0);
    expected.len +=
        base64_encode(b->image, b->image_len, (char *)expected.data + expected.len);
    assert_int_equal(buf_add(&expected, b->tail, b->tail_len), 0);
    const struct buf *got = &fx->web.last;
    assert_true(got->len > expected.len);
    const char *body = strstr(buf_str(got), "\r\n\r\n") + 4;
    size_t body_len = got->len - (size_t)(body - (char *)got->data);
    assert_int_equal(body_len, expected.len);
    assert_memory_equal(body, expected.data, expected.len);
    buf_fini(&expected);
}

static void bodies_arrive_exactly(void **state)
{
    (void)state;
    size_t biggest = 1 << 20;
    uint8_t *image = malloc(biggest);
    assert_non_null(image);
    for (size_t i = 0; i < biggest; i++) {
        image[i] = (uint8_t)(i * 2654435761u >> 13);
    }
    fx->web.on_request = reply_hello;
    for (size_t len = 0; len <= 300; len++) {
        struct ask a;
        ask_post(&a, "/p", image + len, len);
        ask_run(&a);
        assert_int_equal(a.err, 0);
        expect_body(&a.r.body);
        ask_free(&a);
    }
    for (size_t len = biggest - 2; len <= biggest; len++) {
        struct ask a;
        ask_post(&a, "/p", image, len);
        ask_run(&a);
        assert_int_equal(a.err, 0);
        expect_body(&a.r.body);
        ask_free(&a);
    }
    assert_int_equal(fx->web.accepted, 1);
    free(image);
}

static void remember_method(struct web_conn *c)
{
    snprintf(seen_value, sizeof(seen_value), "%s", c->method);
    if (strcmp(c->method, "HEAD") == 0) {
        web_send(c, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
    } else {
        reply_hello(c);
    }
}

static void other_methods_work(void **state)
{
    (void)state;
    static const char *const methods[] = {"DELETE", "HEAD", "POST", "GET"};
    fx->web.on_request = remember_method;
    for (size_t i = 0; i < 4; i++) {
        struct ask a;
        ask_init(&a, "/m");
        a.r.method = methods[i];
        ask_run(&a);
        assert_int_equal(a.err, 0);
        assert_int_equal(a.r.status, 200);
        assert_string_equal(seen_value, methods[i]);
        ask_free(&a);
    }
}


static void reply_by_path(struct web_conn *c)
{
    if (strcmp(c->path, "/seconds") == 0) {
        web_send(c, "HTTP/1.1 429 Slow\r\nServer: uvicorn\r\nRetry-After: 7\r\n"
                    "X-RateLimit-Remaining-Requests: 12\r\n"
                    "x-ratelimit-reset-requests: 1m0.5s\r\n"
                    "Content-Length: 0\r\n\r\n");
    } else if (strcmp(c->path, "/ms-first") == 0) {
        web_send(c, "HTTP/1.1 429 Slow\r\nretry-after-ms: 250\r\nRetry-After: 7\r\n"
                    "Content-Length: 0\r\n\r\n");
    } else if (strcmp(c->path, "/ms-last") == 0) {
        web_send(c, "HTTP/1.1 503 Busy\r\nRETRY-AFTER:7\r\nRetry-After-Ms:  250.7 \r\n"
                    "Content-Length: 0\r\n\r\n");
    } else if (strcmp(c->path, "/nonsense") == 0) {
        web_send(c, "HTTP/1.1 503 Busy\r\nRetry-After: soon\r\nretry-after-ms: x\r\n"
                    "Content-Length: 0\r\n\r\n");
    } else if (strcmp(c->path, "/interim") == 0) {
        web_send(c, "HTTP/1.1 100 Continue\r\nRetry-After: 9\r\nServer: early\r\n\r\n");
        web_send(
            c, "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 2\r\n\r\nok");
    } else {
        web_send(c, "HTTP/1.1 200 OK\r\nServer: ");
        for (int i = 0; i < 300; i++) {
            web_send(c, "longname\x1b");
        }
        web_send(c, "\r\nContent-Type:\r\nContent-Length: 2\r\n\r\nok");
    }
}

static void headers_are_taken_in(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int status;
        int64_t retry_ms;
        const char *server;
        const char *type;
    } table[] = {
        {"/seconds", 429, 7000, "uvicorn", ""}, {"/ms-first", 429, 250, "", ""},
        {"/ms-last", 503, 250, "", ""},         {"/nonsense", 503, -1, "", ""},
        {"/interim", 200, -1, "", "text/x"},
    };
    fx->web.on_request = reply_by_path;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ask a;
        ask_init(&a, table[i].path);
        ask_run(&a);
        assert_int_equal(a.err, 0);
        assert_int_equal(a.r.status, table[i].status);
        assert_int_equal(a.r.retry_after_ms, table[i].retry_ms);
        assert_int_equal(a.r.rate_remaining, i == 0 ? 12 : -1);
        assert_int_equal(a.r.rate_reset_ms, i == 0 ? 60500 : -1);
        assert_string_equal(a.r.server, table[i].server);
        assert_string_equal(a.r.content_type, table[i].type);
        ask_free(&a);
    }
}

static void overlong_headers_are_cut_and_cleaned(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = reply_by_path;
    ask_init(&a, "/long");
    ask_run(&a);
    assert_int_equal(a.err, 0);
    assert_int_equal(strlen(a.r.server), sizeof(a.r.server) - 1);
    assert_null(strchr(a.r.server, 0x1b));
    assert_string_equal(buf_str(&a.r.response), "ok");
    ask_free(&a);
}

static void redirect(struct web_conn *c)
{
    web_send(c, "HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\n"
                "Content-Length: 0\r\n\r\n");
}

static void redirects_are_not_followed(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = redirect;
    ask_post(&a, "/x", "abc", 3);
    ask_run(&a);
    assert_int_equal(a.err, 0);
    assert_int_equal(a.r.status, 307);
    assert_int_equal(fx->web.requests, 1);
    ask_free(&a);
}

static void bad_requests_are_refused_at_once(void **state)
{
    (void)state;
    static const char *const urls[] = {"",
                                       "http://",
                                       "127.0.0.1:1/x",
                                       "ftp://127.0.0.1/x",
                                       "file:///etc/passwd",
                                       "gopher://127.0.0.1/",
                                       "http+unix:///x",
                                       "javascript:alert(1)",
                                       "http://127.0.0.1:99999/",
                                       "http://a b/",
                                       "http://127.0.0.1/\nX: y"};
    static const char *const headers[] = {"Authorization: Bearer k\n",
                                          "X: a\r\nEvil: b",
                                          "no colon",
                                          ": no name",
                                          "X: \x7f",
                                          ""};
    struct ask a;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        ask_init(&a, "/");
        a.r.url = urls[i];
        assert_int_equal(ask_try(&a), E_USAGE);
    }
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        ask_init(&a, "/");
        a.r.headers[0] = "Good: one";
        a.r.headers[1] = headers[i];
        assert_int_equal(ask_try(&a), E_USAGE);
    }
    ask_post(&a, "/", "x", SIZE_MAX / 2);
    assert_int_equal(ask_try(&a), E_TOOBIG);
    assert_int_equal(http_in_flight(fx->http), 0);
    uv_run(&fx->loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(fx->dones, 0);
}

static void all_eight_headers_may_be_used(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = reply_hello;
    ask_init(&a, "/x");
    for (int i = 0; i < HTTP_MAX_HEADERS; i++) {
        a.r.headers[i] = "X-Same: value";
    }
    ask_run(&a);
    assert_int_equal(a.err, 0);
    int n = 0;
    for (const char *s = buf_str(&fx->web.last); (s = strstr(s, "X-Same: value")); s++) {
        n++;
    }
    assert_int_equal(n, HTTP_MAX_HEADERS);
    ask_free(&a);
}

static void stream_tick(struct web_conn *c)
{
    char line[64];
    snprintf(line, sizeof(line), "8\r\ndata: %d\n\r\n", c->ticks % 10);
    web_send(c, c->ticks < 8 ? line : "0\r\n\r\n");
    if (c->ticks >= 8) {
        uv_timer_stop(&c->timer);
    }
}

static void stream(struct web_conn *c)
{
    web_send(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                "Transfer-Encoding: chunked\r\n\r\n");
    web_every(c, 5, stream_tick);
}

static void on_stream_data(struct ask *a)
{
    assert_int_equal(a->r.status, 200);
    assert_string_equal(a->r.content_type, "text/event-stream");
}

static void a_stream_is_told_piece_by_piece(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = stream;
    ask_init(&a, "/s");
    a.on_data = on_stream_data;
    ask_run(&a);
    assert_int_equal(a.err, 0);
    assert_in_range(a.data_calls, 5, 7);
    assert_string_equal(
        buf_str(&a.r.response),
        "data: 1\ndata: 2\ndata: 3\ndata: 4\ndata: 5\ndata: 6\ndata: 7\n");
    ask_free(&a);
}

static void two_hundred_at_once(void **state)
{
    (void)state;
    enum { MANY = 200 };
    static struct ask asks[MANY];
    static uint8_t image[20000];
    fx->web.on_request = reply_hello;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            ask_post(&asks[i], "/p", image, sizeof(image));
            asks[i].r.timeouts = (struct http_timeouts){20000, 20000, 20000, 30000};
            ask_send(&asks[i]);
        }
        assert_int_equal(http_in_flight(fx->http), MANY);
        run_until_done(MANY * (round + 1));
        for (int i = 0; i < MANY; i++) {
            assert_int_equal(asks[i].err, 0);
            assert_int_equal(asks[i].dones, 1);
            assert_int_equal(asks[i].r.is_reused, round > 0);
            ask_free(&asks[i]);
        }
    }
    assert_int_equal(fx->web.accepted, MANY);
    assert_int_equal(http_in_flight(fx->http), 0);
}

static bool has_three_connections(void)
{
    return web_connections(&fx->web) == 3;
}

static void kept_connections_have_a_maximum(void **state)
{
    (void)state;
    struct ask asks[20];
    fixture_reopen(&(struct http_config){.max_connections = 3});
    fx->web.on_request = reply_hello;
    for (int i = 0; i < 20; i++) {
        ask_init(&asks[i], "/x");
        ask_send(&asks[i]);
    }
    run_until_done(20);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(asks[i].err, 0);
        ask_free(&asks[i]);
    }
    run_until(has_three_connections);
}

static int chain_left;

static void send_next(struct ask *a)
{
    assert_int_equal(a->err, 0);
    assert_null(a->r.call);
    ask_free(a);
    if (chain_left-- > 0) {
        a->dones = 0;
        a->data_len = 0;
        ask_send(a);
    }
}

static void done_may_send_the_same_request_again(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = reply_hello;
    chain_left = 50;
    ask_init(&a, "/x");
    a.then = send_next;
    ask_send(&a);
    run_until_done(51);
    assert_int_equal(fx->web.requests, 51);
    assert_int_equal(fx->web.accepted, 1);
}

static void count_sockets_without_cloexec(int *sockets, int *without)
{
    DIR *dir = opendir("/proc/self/fd");
    *sockets = 0;
    *without = 0;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        struct stat st;
        int fd = atoi(e->d_name);
        if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode)) {
            (*sockets)++;
            *without += !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        }
    }
    closedir(dir);
}

static int open_sockets, loose_sockets;

static void count_sockets(struct ask *a)
{
    (void)a;
    count_sockets_without_cloexec(&open_sockets, &loose_sockets);
}

// Compared with before: the test's own standard streams may be sockets.
static void helper_processes_inherit_no_connection(void **state)
{
    (void)state;
    struct ask a;
    int sockets, loose;
    count_sockets_without_cloexec(&sockets, &loose);
    fx->web.on_request = stream;
    ask_init(&a, "/s");
    a.on_data = count_sockets;
    ask_run(&a);
    assert_int_equal(open_sockets, sockets + 2);
    assert_int_equal(loose_sockets, loose);
    ask_free(&a);
}

static void a_unix_socket_works(void **state)
{
    (void)state;
    char dir[] = "/tmp/vlmd-test-XXXXXX";
    char path[64];
    struct web local;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/s", dir);
    web_open(&local, &fx->loop, path);
    local.on_request = reply_hello;
    fx->web.on_request = reply_hello;
    for (int i = 0; i < 4; i++) {
        struct ask a;
        ask_post(&a, "/x", "abcd", 4);
        a.r.unix_socket = i < 3 ? path : NULL;
        ask_run(&a);
        assert_int_equal(a.err, 0);
        assert_int_equal(a.r.is_reused, i == 1 || i == 2);
        ask_free(&a);
    }
    assert_int_equal(local.requests, 3);
    assert_int_equal(fx->web.requests, 1);
    web_close(&local);
    while (!local.is_closed) {
        uv_run(&fx->loop.uv, UV_RUN_NOWAIT);
    }
    struct ask gone;
    ask_init(&gone, "/x");
    gone.r.unix_socket = path;
    ask_run(&gone);
    assert_int_equal(gone.err, E_NET);
    ask_free(&gone);
    rmdir(dir);
}

// A proxy in the environment is somebody else's business; ours is never used for this
// machine, and used for any other.
static void the_proxy_is_ours_alone(void **state)
{
    (void)state;
    char proxy[64];
    struct ask a;
    setenv("http_proxy", "http://127.0.0.1:1/", 1);
    setenv("all_proxy", "http://127.0.0.1:1/", 1);
    fx->web.on_request = reply_hello;
    ask_init(&a, "/direct");
    ask_run(&a);
    assert_int_equal(a.err, 0);
    ask_free(&a);
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", fx->web.port);
    fixture_reopen(&(struct http_config){.proxy = proxy});
    setenv("no_proxy", "*", 1);
    memset(proxy, 'x', sizeof(proxy) - 1);
    ask_init(&a, "/direct");
    ask_run(&a);
    assert_int_equal(a.err, 0);
    assert_non_null(strstr(buf_str(&fx->web.last), "GET /direct HTTP/1.1"));
    ask_free(&a);
    ask_init(&a, "/");
    a.r.url = "http://vlm.invalid/models";
    ask_run(&a);
    assert_int_equal(a.err, 0);
    assert_non_null(
        strstr(buf_str(&fx->web.last), "GET http://vlm.invalid/models HTTP/1.1"));
    ask_free(&a);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("no_proxy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(a_get_brings_everything_back),
        HTTP_TEST(kept_connections_are_used_again),
        HTTP_TEST(a_post_has_our_headers_and_no_others),
        HTTP_TEST(bodies_arrive_exactly),
        HTTP_TEST(other_methods_work),
        HTTP_TEST(headers_are_taken_in),
        HTTP_TEST(overlong_headers_are_cut_and_cleaned),
        HTTP_TEST(redirects_are_not_followed),
        HTTP_TEST(bad_requests_are_refused_at_once),
        HTTP_TEST(all_eight_headers_may_be_used),
        HTTP_TEST(a_stream_is_told_piece_by_piece),
        HTTP_TEST(two_hundred_at_once),
        HTTP_TEST(kept_connections_have_a_maximum),
        HTTP_TEST(done_may_send_the_same_request_again),
        HTTP_TEST(helper_processes_inherit_no_connection),
        HTTP_TEST(a_unix_socket_works),
        HTTP_TEST(the_proxy_is_ours_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
