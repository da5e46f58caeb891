// test_http_faults.c -- servers that are away, cut, reset, lie; and memory that runs out.
// SPDX-License-Identifier: MIT
#include "http_fixture.h"

#include <curl/curl.h>
#include <stdio.h>

// --- faults: the call number fail_at of a wrapped function fails ----------------------

enum fault {
    FAULT_NONE,
    FAULT_CALLOC,
    FAULT_EASY,
    FAULT_MULTI,
    FAULT_ADD,
    FAULT_POLL,
    FAULT_SLIST,
    FAULT_GLOBAL,
    FAULT_REALLOC,
    FAULT_URL
};

static enum fault fault;
static int fail_at;

static bool is_due(enum fault f)
{
    return fault == f && --fail_at == 0;
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
    return is_due(FAULT_CALLOC) ? NULL : __real_calloc(n, size);
}

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size)
{
    return is_due(FAULT_REALLOC) ? NULL : __real_realloc(p, size);
}

CURL *__real_curl_easy_init(void);
CURL *__wrap_curl_easy_init(void);
CURL *__wrap_curl_easy_init(void)
{
    return is_due(FAULT_EASY) ? NULL : __real_curl_easy_init();
}

CURLU *__real_curl_url(void);
CURLU *__wrap_curl_url(void);
CURLU *__wrap_curl_url(void)
{
    return is_due(FAULT_URL) ? NULL : __real_curl_url();
}

CURLM *__real_curl_multi_init(void);
CURLM *__wrap_curl_multi_init(void);
CURLM *__wrap_curl_multi_init(void)
{
    return is_due(FAULT_MULTI) ? NULL : __real_curl_multi_init();
}

CURLMcode __real_curl_multi_add_handle(CURLM *m, CURL *e);
CURLMcode __wrap_curl_multi_add_handle(CURLM *m, CURL *e);
CURLMcode __wrap_curl_multi_add_handle(CURLM *m, CURL *e)
{
    return is_due(FAULT_ADD) ? CURLM_OUT_OF_MEMORY : __real_curl_multi_add_handle(m, e);
}

struct curl_slist *__real_curl_slist_append(struct curl_slist *l, const char *s);
struct curl_slist *__wrap_curl_slist_append(struct curl_slist *l, const char *s);
struct curl_slist *__wrap_curl_slist_append(struct curl_slist *l, const char *s)
{
    return is_due(FAULT_SLIST) ? NULL : __real_curl_slist_append(l, s);
}

CURLcode __real_curl_global_init(long flags);
CURLcode __wrap_curl_global_init(long flags);
CURLcode __wrap_curl_global_init(long flags)
{
    return is_due(FAULT_GLOBAL) ? CURLE_FAILED_INIT : __real_curl_global_init(flags);
}

int __real_uv_poll_init_socket(uv_loop_t *l, uv_poll_t *p, uv_os_sock_t s);
int __wrap_uv_poll_init_socket(uv_loop_t *l, uv_poll_t *p, uv_os_sock_t s);
int __wrap_uv_poll_init_socket(uv_loop_t *l, uv_poll_t *p, uv_os_sock_t s)
{
    return is_due(FAULT_POLL) ? UV_ENOMEM : __real_uv_poll_init_socket(l, p, s);
}

// Between curl's reading and its writing: the server resets all kept connections.
static bool resets_before_write;

size_t __real_body_read(const struct http_body *b, size_t at, char *out, size_t room);
size_t __wrap_body_read(const struct http_body *b, size_t at, char *out, size_t room);
size_t __wrap_body_read(const struct http_body *b, size_t at, char *out, size_t room)
{
    if (resets_before_write) {
        struct list *node, *tmp;
        resets_before_write = false;
        list_each(node, tmp, &fx->web.conns)
        {
            web_reset(container_of(node, struct web_conn, node));
        }
    }
    return __real_body_read(b, at, out, room);
}

// --- stale connections ---------------------------------------------------------------

static int reset_count;  // connections that are reset at their second request
static bool with_fin;

static void serve_once_then_die(struct web_conn *c)
{
    if (c->served == 1) {
        web_reply(c, "first");
    } else if (with_fin) {
        web_cut(c);
    } else {
        reset_count++;
        web_reset(c);
    }
}

static void warm_up(void)
{
    struct ask a;
    ask_init(&a, "/warm");
    ask_run(&a);
    assert_int_equal(a.err, 0);
    ask_free(&a);
}

static void expect_unseen_resend(size_t image_len)
{
    struct ask a;
    uint8_t *image = calloc(1, image_len);
    assert_non_null(image);
    warm_up();
    int requests = fx->web.requests;
    ask_post(&a, "/p", image, image_len);
    ask_run(&a);
    assert_int_equal(a.err, 0);
    assert_int_equal(a.r.status, 200);
    assert_string_equal(buf_str(&a.r.response), "first");
    assert_string_equal(a.r.error, "");
    assert_false(a.r.is_reused);
    assert_int_equal(a.dones, 1);
    assert_int_equal(fx->web.requests, requests + 2);
    assert_int_equal(fx->web.accepted, 2);
    // The second attempt carries the whole body again.
    const char *body = strstr(buf_str(&fx->web.last), "\r\n\r\n") + 4;
    assert_int_equal(strlen(body), 12 + (image_len + 2) / 3 * 4);
    assert_memory_equal(body, "{\"image\":\"AAAA", 14);
    ask_free(&a);
    free(image);
}

static void a_reset_kept_connection_is_unseen(void **state)
{
    (void)state;
    fx->web.on_request = serve_once_then_die;
    with_fin = false;
    reset_count = 0;
    expect_unseen_resend(100);
    assert_int_equal(reset_count, 1);
}

static void a_closed_kept_connection_is_unseen(void **state)
{
    (void)state;
    fx->web.on_request = serve_once_then_die;
    with_fin = true;
    expect_unseen_resend(200000);
}

static void reset_kept_at_head(struct web_conn *c)
{
    if (c->served == 1 && fx->web.accepted == 1) {
        fx->web.requests++;
        web_reset(c);
    }
}

static void reply_first(struct web_conn *c)
{
    web_reply(c, "first");
}

// In the middle of a large upload.
static void a_reset_while_sending_is_unseen(void **state)
{
    (void)state;
    fx->web.on_request = reply_first;
    fx->web.on_head = reset_kept_at_head;
    expect_unseen_resend(3000000);
}

// The write itself fails: curl reports that one and does not try again.
static void a_reset_before_writing_is_unseen(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = reply_first;
    warm_up();
    resets_before_write = true;
    ask_post(&a, "/p", "abcdef", 6);
    a.r.timeouts.connect_ms = 10000;
    ask_run(&a);
    assert_false(resets_before_write);
    assert_int_equal(a.err, 0);
    assert_int_equal(a.dones, 1);
    assert_int_equal(a.r.status, 200);
    assert_true(a.r.connect_ms >= 0);
    assert_false(a.r.is_reused);
    assert_int_equal(fx->web.accepted, 2);
    const char *body = strstr(buf_str(&fx->web.last), "\r\n\r\n") + 4;
    assert_string_equal(body, "{\"image\":\"YWJjZGVm\"}");
    ask_free(&a);
}

// Another kept connection may be as stale as the first.
static void the_second_attempt_is_on_a_fresh_connection(void **state)
{
    (void)state;
    struct ask a, b, c;
    fx->web.on_request = reply_first;
    ask_init(&a, "/");
    ask_init(&b, "/");
    ask_send(&a);
    ask_send(&b);
    run_until_done(2);
    assert_int_equal(fx->web.accepted, 2);
    ask_post(&c, "/p", "abc", 3);
    resets_before_write = true;
    ask_run(&c);
    assert_int_equal(c.err, 0);
    assert_int_equal(fx->web.accepted, 3);
    ask_free(&a);
    ask_free(&b);
    ask_free(&c);
}

static void always_reset(struct web_conn *c)
{
    if (c->served == 1 && fx->web.accepted == 1) {
        web_reply(c, "first");
    } else {
        web_reset(c);
    }
}

static void it_is_sent_again_only_once(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = always_reset;
    warm_up();
    ask_post(&a, "/p", "abc", 3);
    ask_run(&a);
    assert_int_equal(a.err, E_NET_CUT);
    assert_int_equal(a.r.status, 0);
    assert_int_equal(fx->web.requests, 3);
    assert_int_equal(fx->web.accepted, 2);
    ask_free(&a);
}

static void a_fresh_connection_is_not_tried_again(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = web_reset;
    ask_post(&a, "/p", "abc", 3);
    ask_run(&a);
    assert_int_equal(a.err, E_NET_CUT);
    assert_true(a.r.connect_ms >= 0);
    assert_int_equal(a.r.first_byte_ms, -1);
    assert_int_equal(fx->web.requests, 1);
    ask_free(&a);
}

static void begin_second_then_reset(struct web_conn *c)
{
    if (c->served == 1) {
        web_reply(c, "first");
    } else {
        web_send(c, "HTTP/1.1 200 OK\r\n");
        web_reset(c);
    }
}

// The server has begun to work: a second request would cost twice.
static void a_begun_answer_is_not_asked_for_again(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = begin_second_then_reset;
    warm_up();
    ask_post(&a, "/p", "abc", 3);
    ask_run(&a);
    assert_int_equal(a.err, E_NET_CUT);
    assert_true(a.r.is_reused);
    assert_int_equal(fx->web.requests, 2);
    ask_free(&a);
}

static void no_memory_for_the_resend(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = reply_first;
    warm_up();
    resets_before_write = true;
    ask_post(&a, "/p", "abc", 3);
    ask_send(&a);
    fault = FAULT_ADD;
    fail_at = 1;
    run_until_done(2);
    fault = FAULT_NONE;
    assert_int_equal(a.err, E_NOMEM);
    ask_free(&a);
}

// --- away, cut, lying ----------------------------------------------------------------

static void nobody_listens(void **state)
{
    (void)state;
    struct ask a;
    struct web gone;
    web_open(&gone, &fx->loop, NULL);
    int port = gone.port;
    web_close(&gone);
    while (!gone.is_closed) {
        uv_run(&fx->loop.uv, UV_RUN_NOWAIT);
    }
    ask_init(&a, "/");
    snprintf(a.url, sizeof(a.url), "http://127.0.0.1:%d/", port);
    ask_run(&a);
    assert_int_equal(a.err, E_NET);
    assert_int_equal(a.r.status, 0);
    assert_int_equal(a.r.connect_ms, -1);
    assert_int_equal(a.r.first_byte_ms, -1);
    assert_non_null(strstr(a.r.error, "127.0.0.1"));
    ask_free(&a);
}

static const char *script;  // what the server says before it cuts

static void say_and_cut(struct web_conn *c)
{
    web_send(c, script);
    web_cut(c);
}

static void broken_answers(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        int err;
        int status;
        const char *response;
    } table[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes!", E_NET_CUT, 200,
         "ten bytes!"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", E_NET_CUT,
         200, "abc"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", E_NET_CUT, 200,
         ""},
        {"", E_NET_CUT, 0, ""},
        {"HTTP/1.1 200 OK\r\nContent-Le", E_NET_CUT, 200, ""},
        {"HTTP/1.1 102 Processing\r\n\r\n", E_NET_CUT, 102, ""},
        {"SSH-2.0-OpenSSH_9.2\r\n", E_GARBAGE, 0, ""},
        {"<html>not http at all</html>", E_GARBAGE, 0, ""},
        {"HTTP/1.1 200 OK\r\n\r\nuntil the end", 0, 200, "until the end"},
        {"HTTP/1.1 204 No Content\r\n\r\n", 0, 204, ""},
        {"HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nbad", 0, 500, "bad"},
    };
    fx->web.on_request = say_and_cut;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ask a;
        script = table[i].script;
        ask_post(&a, "/x", "abc", 3);
        a.r.timeouts.total_ms = 20000;
        ask_run(&a);
        if (a.err != table[i].err || a.r.status != table[i].status) {
            fail_msg("%s: err %d status %d %s", script, a.err, a.r.status, a.r.error);
        }
        assert_string_equal(buf_str(&a.r.response), table[i].response);
        ask_free(&a);
    }
}

static void refuse_at_head(struct web_conn *c)
{
    web_send(c, "HTTP/1.1 413 Too Large\r\nConnection: close\r\n"
                "Content-Length: 5\r\n\r\nlarge");
    web_cut(c);
}

// The body is still on its way when the server says no and hangs up.
static void an_early_refusal_is_an_answer(void **state)
{
    (void)state;
    size_t len = 20 << 20;
    uint8_t *image = calloc(1, len);
    assert_non_null(image);
    fx->web.on_request = reply_first;
    fx->web.on_head = refuse_at_head;
    struct ask a;
    ask_post(&a, "/p", image, len);
    ask_run(&a);
    assert_int_equal(a.err, 0);
    assert_int_equal(a.r.status, 413);
    assert_int_equal(fx->web.requests, 0);
    assert_true(a.r.bytes_sent < (int64_t)len);
    ask_free(&a);
    free(image);
}

static void refuse_and_reset(struct web_conn *c)
{
    web_send(c, "HTTP/1.1 401 Who\r\nContent-Length: 5000\r\n\r\nwho are");
    web_reset(c);
}

static void half_a_refusal_is_an_answer_too(void **state)
{
    (void)state;
    static uint8_t image[8 << 20];
    struct ask a;
    fx->web.on_request = reply_first;
    fx->web.on_head = refuse_and_reset;
    ask_post(&a, "/p", image, sizeof(image));
    ask_run(&a);
    assert_int_equal(a.err, 0);
    assert_int_equal(a.r.status, 401);
    assert_string_equal(buf_str(&a.r.response), "who are");
    ask_free(&a);
}

static void reply_much_and_reset(struct web_conn *c)
{
    static char body[60000];
    memset(body, 'b', sizeof(body));
    web_send(c, strcmp(c->path, "/whole") == 0
                    ? "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"
                    : "HTTP/1.1 200 OK\r\nContent-Length: 60001\r\n\r\n");
    web_send_bytes(c, body, sizeof(body));
    web_reset(c);
}

// More than curl reads at once, and the reset is seen before any of it.
static void what_lies_before_a_reset_is_read(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = reply_much_and_reset;
    ask_post(&a, "/whole", "abc", 3);
    ask_run(&a);
    assert_int_equal(a.err, 0);
    assert_int_equal(a.r.response.len, 60000);
    ask_free(&a);
    ask_post(&a, "/cut", "abc", 3);
    ask_run(&a);
    assert_int_equal(a.err, E_NET_CUT);
    assert_int_equal(a.r.response.len, 60000);
    ask_free(&a);
}

static void send_much(struct web_conn *c)
{
    char line[1024];
    memset(line, 'x', sizeof(line));
    if (strcmp(c->path, "/declared") == 0) {
        web_send(c, "HTTP/1.1 200 OK\r\nContent-Length: 102400\r\n\r\n");
    } else {
        web_send(c, "HTTP/1.1 200 OK\r\n\r\n");
    }
    for (int i = 0; i < 100; i++) {
        web_send_bytes(c, line, sizeof(line));
    }
    if (strcmp(c->path, "/declared") != 0) {
        web_cut(c);
    }
}

static void answers_have_a_maximum(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t max;
        int err;
    } table[] = {{"/declared", 102399, E_TOOBIG},
                 {"/open", 102399, E_TOOBIG},
                 {"/declared", 102400, 0},
                 {"/open", 102400, 0},
                 {"/declared", 10, E_TOOBIG},
                 {"/open", 10, E_TOOBIG},
                 {"/open", 0, 0}};
    fx->web.on_request = send_much;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ask a;
        ask_init(&a, table[i].path);
        a.r.max_response_bytes = table[i].max;
        ask_run(&a);
        assert_int_equal(a.err, table[i].err);
        assert_int_equal(a.r.status, 200);
        assert_true(a.r.response.len <= (table[i].max ? table[i].max : 8 << 20));
        assert_true(a.err || a.r.response.len == 102400);
        ask_free(&a);
    }
}

// --- no memory -----------------------------------------------------------------------

static void a_client_that_can_not_open_leaves_nothing(void **state)
{
    (void)state;
    static const enum fault faults[] = {FAULT_GLOBAL, FAULT_MULTI};
    for (size_t i = 0; i < 2; i++) {
        struct http *h = NULL;
        fault = faults[i];
        fail_at = 1;
        int rc = http_open(&h, &fx->loop, &(struct http_config){0});
        fault = FAULT_NONE;
        assert_int_equal(rc, E_NOMEM);
        assert_null(h);
    }
}

static void a_request_that_can_not_start_leaves_nothing(void **state)
{
    (void)state;
    static const struct {
        enum fault fault;
        int at;
    } table[] = {{FAULT_CALLOC, 1}, {FAULT_EASY, 1},  {FAULT_URL, 1},
                 {FAULT_SLIST, 1},  {FAULT_SLIST, 2}, {FAULT_ADD, 1}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ask a;
        ask_post(&a, "/", "abc", 3);
        fault = table[i].fault;
        fail_at = table[i].at;
        int rc = ask_try(&a);
        fault = FAULT_NONE;
        assert_int_equal(rc, E_NOMEM);
        assert_null(a.r.call);
        assert_int_equal(http_in_flight(fx->http), 0);
    }
    assert_int_equal(fx->dones, 0);
}

// One request ends, the client lives on.
static void no_watch_for_a_socket(void **state)
{
    (void)state;
    struct ask a, b;
    fx->web.on_request = reply_first;
    ask_init(&a, "/");
    ask_send(&a);
    fault = FAULT_POLL;
    fail_at = 1;
    run_until_done(1);
    fault = FAULT_NONE;
    assert_int_equal(a.err, E_NOMEM);
    ask_free(&a);
    ask_init(&b, "/");
    ask_run(&b);
    assert_int_equal(b.err, 0);
    ask_free(&b);
}

static void no_memory_for_the_answer(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = send_much;
    ask_init(&a, "/declared");
    fault = FAULT_REALLOC;
    fail_at = 3;
    ask_run(&a);
    fault = FAULT_NONE;
    assert_int_equal(a.err, E_NOMEM);
    ask_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(a_reset_kept_connection_is_unseen),
        HTTP_TEST(a_closed_kept_connection_is_unseen),
        HTTP_TEST(a_reset_while_sending_is_unseen),
        HTTP_TEST(a_reset_before_writing_is_unseen),
        HTTP_TEST(the_second_attempt_is_on_a_fresh_connection),
        HTTP_TEST(it_is_sent_again_only_once),
        HTTP_TEST(a_fresh_connection_is_not_tried_again),
        HTTP_TEST(a_begun_answer_is_not_asked_for_again),
        HTTP_TEST(no_memory_for_the_resend),
        HTTP_TEST(nobody_listens),
        HTTP_TEST(broken_answers),
        HTTP_TEST(an_early_refusal_is_an_answer),
        HTTP_TEST(half_a_refusal_is_an_answer_too),
        HTTP_TEST(what_lies_before_a_reset_is_read),
        HTTP_TEST(answers_have_a_maximum),
        HTTP_TEST(a_client_that_can_not_open_leaves_nothing),
        HTTP_TEST(a_request_that_can_not_start_leaves_nothing),
        HTTP_TEST(no_watch_for_a_socket),
        HTTP_TEST(no_memory_for_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
