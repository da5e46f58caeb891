// test_http_cancel.c -- cancel and close at every point of a request's life.
// SPDX-License-Identifier: MIT
#include "http_fixture.h"

#include <stdio.h>

static void say_nothing(struct web_conn *c)
{
    (void)c;
}

static void say_a_piece(struct web_conn *c)
{
    web_send(c, "HTTP/1.1 200 OK\r\n\r\ndata: 1\n");
}

static void reply(struct web_conn *c)
{
    web_reply(c, "whole");
}

static bool has_request(void)
{
    return fx->web.requests > 0;
}

static bool has_connection(void)
{
    return fx->web.accepted > 0;
}

static bool has_lost_all(void)
{
    return fx->web.accepted > 0 && web_connections(&fx->web) == 0;
}

static void expect_canceled(struct ask *a)
{
    ask_cancel(a);
    assert_int_equal(a->dones, 0);
    assert_int_equal(http_in_flight(fx->http), 1);
    ask_cancel(a);
    run_until_done(1);
    assert_int_equal(a->err, E_CANCELED);
    assert_int_equal(a->dones, 1);
    assert_int_equal(http_in_flight(fx->http), 0);
    assert_null(a->r.call);
    ask_cancel(a);
    uv_run(&fx->loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(a->dones, 1);
    ask_free(a);
}

static void right_after_send(void **state)
{
    (void)state;
    struct ask a;
    ask_post(&a, "/", "abc", 3);
    ask_send(&a);
    expect_canceled(&a);
    assert_int_equal(a.r.connect_ms, -1);
    assert_int_equal(fx->web.accepted, 0);
}

static void while_connecting(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = say_nothing;
    ask_init(&a, "/");
    snprintf(a.url, sizeof(a.url), "https://127.0.0.1:%d/", fx->web.port);
    ask_send(&a);
    run_until(has_connection);
    expect_canceled(&a);
    run_until(has_lost_all);
}

static void while_resolving(void **state)
{
    (void)state;
    struct ask a;
    ask_init(&a, "/");
    a.r.url = "http://vlm.invalid/";
    ask_send(&a);
    uv_run(&fx->loop.uv, UV_RUN_NOWAIT);
    if (a.dones == 0) {
        expect_canceled(&a);
    } else {
        assert_int_equal(a.err, E_NET);
        ask_free(&a);
    }
}

static void while_sending(void **state)
{
    (void)state;
    size_t len = 16 << 20;
    uint8_t *image = calloc(1, len);
    struct ask a;
    assert_non_null(image);
    fx->web.is_deaf = true;
    ask_post(&a, "/", image, len);
    ask_send(&a);
    run_until(has_connection);
    expect_canceled(&a);
    assert_true(a.r.bytes_sent < (int64_t)len);
    free(image);
}

// The server must see it, or it computes an answer nobody reads.
static void while_waiting(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = say_nothing;
    ask_post(&a, "/", "abc", 3);
    ask_send(&a);
    run_until(has_request);
    expect_canceled(&a);
    run_until(has_lost_all);
    assert_int_equal(fx->web.lost, 1);
}

static void cancel_self(struct ask *a)
{
    ask_cancel(a);
}

static void from_on_data(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = say_a_piece;
    ask_init(&a, "/");
    a.on_data = cancel_self;
    ask_run(&a);
    assert_int_equal(a.err, E_CANCELED);
    assert_int_equal(a.data_calls, 1);
    assert_int_equal(a.r.status, 200);
    assert_string_equal(buf_str(&a.r.response), "data: 1\n");
    assert_true(a.r.first_byte_ms >= 0);
    run_until(has_lost_all);
    ask_free(&a);
}

// The whole answer is there, only its done is not told yet: canceled is canceled.
static void from_the_last_on_data(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = reply;
    ask_init(&a, "/");
    a.on_data = cancel_self;
    ask_run(&a);
    assert_int_equal(a.err, E_CANCELED);
    assert_string_equal(buf_str(&a.r.response), "whole");
    ask_free(&a);
}

enum { PEERS = 10 };
static struct ask peers[PEERS];

static void cancel_all(struct ask *a)
{
    (void)a;
    for (int i = 0; i < PEERS; i++) {
        ask_cancel(&peers[i]);
    }
}

static void send_peers(const char *path)
{
    for (int i = 0; i < PEERS; i++) {
        ask_init(&peers[i], path);
        ask_send(&peers[i]);
    }
}

static void expect_each_done_once(void)
{
    for (int i = 0; i < PEERS; i++) {
        assert_int_equal(peers[i].dones, 1);
        assert_true(peers[i].err == 0 || peers[i].err == E_CANCELED);
        ask_free(&peers[i]);
    }
}

static void others_from_done(void **state)
{
    (void)state;
    fx->web.on_request = reply;
    send_peers("/");
    peers[0].then = cancel_all;
    peers[5].then = cancel_all;
    run_until_done(PEERS);
    expect_each_done_once();
}

static void others_from_on_data(void **state)
{
    (void)state;
    fx->web.on_request = reply;
    send_peers("/");
    for (int i = 0; i < PEERS; i++) {
        peers[i].on_data = cancel_all;
    }
    run_until_done(PEERS);
    expect_each_done_once();
}

// All have run out of time in the same tick; the first done cancels the rest.
static void others_that_are_overdue(void **state)
{
    (void)state;
    fx->web.on_request = say_nothing;
    for (int i = 0; i < PEERS; i++) {
        ask_init(&peers[i], "/");
        peers[i].r.timeouts.total_ms = 30;
        peers[i].then = cancel_all;
        ask_send(&peers[i]);
    }
    run_until_done(PEERS);
    for (int i = 0; i < PEERS; i++) {
        assert_int_equal(peers[i].dones, 1);
        assert_true(peers[i].err == E_TOTAL || peers[i].err == E_CANCELED);
        ask_free(&peers[i]);
    }
    assert_int_equal(peers[0].err, E_TOTAL);
}

static struct ask *follow_up;

static void send_follow_up(struct ask *a)
{
    (void)a;
    if (follow_up) {
        struct ask *next = follow_up;
        follow_up = NULL;
        ask_send(next);
    }
}

static void a_new_request_from_a_canceled_done(void **state)
{
    (void)state;
    struct ask a, next;
    fx->web.on_request = reply;
    ask_init(&a, "/");
    ask_init(&next, "/");
    follow_up = &next;
    a.then = send_follow_up;
    ask_send(&a);
    ask_cancel(&a);
    run_until_done(2);
    assert_int_equal(a.err, E_CANCELED);
    assert_int_equal(next.err, 0);
    ask_free(&a);
    ask_free(&next);
}

// --- close ---------------------------------------------------------------------------

static bool has_closed(void)
{
    return fx->is_closed;
}

static void an_idle_client(void **state)
{
    (void)state;
    close_http();
    assert_false(fx->is_closed);
    run_until(has_closed);
}

static void with_kept_connections(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = reply;
    ask_init(&a, "/");
    ask_run(&a);
    ask_free(&a);
    close_http();
    run_until(has_closed);
    run_until(has_lost_all);
}

static bool has_forty_requests(void)
{
    return fx->web.requests >= 40;
}

static void with_fifty_in_flight(void **state)
{
    (void)state;
    enum { MANY = 50 };
    static struct ask asks[MANY];
    static uint8_t image[100000];
    fx->web.on_request = say_a_piece;
    for (int i = 0; i < MANY; i++) {
        ask_post(&asks[i], "/", image, sizeof(image));
        ask_send(&asks[i]);
    }
    run_until(has_forty_requests);
    close_http();
    assert_int_equal(fx->dones, 0);
    assert_int_equal(ask_try(&asks[0]), E_CANCELED);
    run_until(has_closed);
    assert_int_equal(fx->dones, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(asks[i].dones, 1);
        assert_int_equal(asks[i].err, E_CANCELED);
        ask_free(&asks[i]);
    }
    run_until(has_lost_all);
}

static void close_now(struct ask *a)
{
    (void)a;
    if (fx->has_http) {
        close_http();
    }
}

static void from_inside_done(void **state)
{
    (void)state;
    fx->web.on_request = reply;
    send_peers("/");
    for (int i = 0; i < PEERS; i++) {
        peers[i].then = close_now;
    }
    run_until(has_closed);
    assert_int_equal(fx->dones, PEERS);
    expect_each_done_once();
}

static void from_inside_on_data(void **state)
{
    (void)state;
    fx->web.on_request = say_a_piece;
    send_peers("/");
    peers[3].on_data = close_now;
    run_until(has_closed);
    assert_int_equal(fx->dones, PEERS);
    expect_each_done_once();
}

static void from_inside_a_canceled_done(void **state)
{
    (void)state;
    fx->web.on_request = say_nothing;
    send_peers("/");
    peers[3].then = close_now;
    ask_cancel(&peers[3]);
    run_until(has_closed);
    assert_int_equal(fx->dones, PEERS);
    expect_each_done_once();
}

// A stale timer must not keep the host's loop alive when there is nothing to do.
static void an_idle_client_does_not_hold_the_loop(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = reply;
    ask_init(&a, "/");
    a.r.timeouts = (struct http_timeouts){60000, 60000, 60000, 60000};
    ask_run(&a);
    ask_free(&a);
    web_close(&fx->web);
    uv_run(&fx->loop.uv, UV_RUN_DEFAULT);
    assert_true(fx->web.is_closed);
    assert_false(uv_loop_alive(&fx->loop.uv));
    web_open(&fx->web, &fx->loop, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(right_after_send),
        HTTP_TEST(while_connecting),
        HTTP_TEST(while_resolving),
        HTTP_TEST(while_sending),
        HTTP_TEST(while_waiting),
        HTTP_TEST(from_on_data),
        HTTP_TEST(from_the_last_on_data),
        HTTP_TEST(others_from_done),
        HTTP_TEST(others_from_on_data),
        HTTP_TEST(others_that_are_overdue),
        HTTP_TEST(a_new_request_from_a_canceled_done),
        HTTP_TEST(an_idle_client),
        HTTP_TEST(with_kept_connections),
        HTTP_TEST(with_fifty_in_flight),
        HTTP_TEST(from_inside_done),
        HTTP_TEST(from_inside_on_data),
        HTTP_TEST(from_inside_a_canceled_done),
        HTTP_TEST(an_idle_client_does_not_hold_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
