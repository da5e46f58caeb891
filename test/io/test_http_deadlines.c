// test_http_deadlines.c -- every wait has its limit, and nothing but waiting counts.
// SPDX-License-Identifier: MIT
#include "http_fixture.h"

#include <stdio.h>
#include <time.h>

static void reply_first(struct web_conn *c)
{
    web_reply(c, "first");
}

static void say_nothing(struct web_conn *c)
{
    (void)c;
}

static void say_head_only(struct web_conn *c)
{
    web_send(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
}

static void say_a_byte(struct web_conn *c)
{
    say_head_only(c);
    web_send(c, ":");
}

static void expect_timeout(struct ask *a, int err, int64_t at_least_ms)
{
    ask_run(a);
    assert_int_equal(a->err, err);
    assert_true(a->r.total_ms >= at_least_ms);
    assert_true(a->r.error[0]);
    assert_int_equal(http_in_flight(fx->http), 0);
    ask_free(a);
}

// TLS towards a server that never says a word: connected, yet no connection.
static void the_connect_deadline(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = say_nothing;
    ask_init(&a, "/");
    snprintf(a.url, sizeof(a.url), "https://127.0.0.1:%d/", fx->web.port);
    a.r.timeouts.connect_ms = 40;
    ask_run(&a);
    assert_int_equal(a.err, E_NET);
    assert_int_equal(a.r.connect_ms, -1);
    assert_true(a.r.total_ms >= 39);
    ask_free(&a);
}

static void the_first_byte_deadline(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = say_nothing;
    ask_post(&a, "/", "abc", 3);
    a.r.timeouts.first_byte_ms = 40;
    a.r.timeouts.stall_ms = 1;
    expect_timeout(&a, E_FIRST_BYTE, 39);
    fx->web.on_request = say_head_only;
    ask_init(&a, "/");
    a.r.timeouts.first_byte_ms = 40;
    expect_timeout(&a, E_FIRST_BYTE, 39);
    assert_int_equal(a.data_calls, 0);
}

static void a_server_that_does_not_read(void **state)
{
    (void)state;
    size_t len = 16 << 20;
    uint8_t *image = calloc(1, len);
    struct ask a;
    assert_non_null(image);
    fx->web.is_deaf = true;
    ask_post(&a, "/", image, len);
    a.r.timeouts.first_byte_ms = 60;
    ask_send(&a);
    run_until_done(1);
    assert_int_equal(a.err, E_FIRST_BYTE);
    assert_true(a.r.bytes_sent > 0 && a.r.bytes_sent < (int64_t)len);
    ask_free(&a);
    free(image);
}

static void read_on(struct web_conn *c)
{
    c->web->pause_at += 7000000;
    web_resume(c);
}

static void start_pausing(struct web_conn *c)
{
    web_every(c, 150, read_on);
}

// Sending takes longer than the limit, but no pause does.
static void a_slow_reader_has_time(void **state)
{
    (void)state;
    size_t len = 16 << 20;
    uint8_t *image = calloc(1, len);
    struct ask a;
    assert_non_null(image);
    fx->web.on_request = reply_first;
    fx->web.on_head = start_pausing;
    fx->web.pause_at = 1;
    ask_post(&a, "/", image, len);
    a.r.timeouts.first_byte_ms = 400;
    ask_run(&a);
    assert_int_equal(a.err, 0);
    assert_true(a.r.total_ms > 400);
    ask_free(&a);
    free(image);
}

static void the_stall_deadline(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = say_a_byte;
    ask_init(&a, "/");
    a.r.timeouts.first_byte_ms = 10000;
    a.r.timeouts.stall_ms = 40;
    expect_timeout(&a, E_STALL, 39);
    assert_int_equal(a.data_calls, 1);
}

static void comment_tick(struct web_conn *c)
{
    web_send(c, ": keep-alive\n\n");
    if (c->ticks == 10) {
        web_cut(c);
    }
}

static void say_comments(struct web_conn *c)
{
    say_head_only(c);
    web_every(c, 40, comment_tick);
}

// 400 ms in pieces of 40 with a stall limit of 250: only the pauses count.
static void comments_put_the_stall_off(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = say_comments;
    ask_init(&a, "/");
    a.r.timeouts.stall_ms = 250;
    ask_run(&a);
    assert_int_equal(a.err, 0);
    assert_int_equal(a.r.response.len, 140);
    assert_true(a.r.total_ms > 300);
    ask_free(&a);
}

static void the_total_deadline(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = say_comments;
    ask_init(&a, "/");
    a.r.timeouts = (struct http_timeouts){10000, 10000, 10000, 100};
    expect_timeout(&a, E_TOTAL, 99);
}

// Each ends at its own time although one timer serves all.
static void many_deadlines_share_a_timer(void **state)
{
    (void)state;
    enum { MANY = 60 };
    static struct ask asks[MANY];
    fx->web.on_request = say_nothing;
    for (int i = 0; i < MANY; i++) {
        ask_init(&asks[i], "/");
        asks[i].r.timeouts.total_ms = 20 + 5 * ((i * 37) % MANY);
        ask_send(&asks[i]);
    }
    run_until_done(MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(asks[i].err, E_TOTAL);
        assert_true(asks[i].r.total_ms >= asks[i].r.timeouts.total_ms);
        assert_true(asks[i].r.total_ms < asks[i].r.timeouts.total_ms + 200);
        ask_free(&asks[i]);
    }
}

static void reply_and_hold_up(struct web_conn *c)
{
    struct timespec t = {.tv_nsec = 120 * 1000000};
    web_reply(c, "in time");
    nanosleep(&t, NULL);
}

// The host blocks our loop (that is what the sleep stands for): the answer lies in the
// socket when the timer is looked at first, and must win.
static void a_held_up_loop_kills_nobody(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = reply_and_hold_up;
    ask_init(&a, "/");
    a.r.timeouts.first_byte_ms = 50;
    ask_run(&a);
    assert_int_equal(a.err, 0);
    assert_string_equal(buf_str(&a.r.response), "in time");
    ask_free(&a);
}

static void limits_beyond_reason_are_no_limits(void **state)
{
    (void)state;
    struct ask a;
    fx->web.on_request = reply_first;
    ask_init(&a, "/");
    a.r.timeouts = (struct http_timeouts){INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
    ask_run(&a);
    assert_int_equal(a.err, 0);
    ask_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(the_connect_deadline),
        HTTP_TEST(the_first_byte_deadline),
        HTTP_TEST(a_server_that_does_not_read),
        HTTP_TEST(a_slow_reader_has_time),
        HTTP_TEST(the_stall_deadline),
        HTTP_TEST(comments_put_the_stall_off),
        HTTP_TEST(the_total_deadline),
        HTTP_TEST(many_deadlines_share_a_timer),
        HTTP_TEST(a_held_up_loop_kills_nobody),
        HTTP_TEST(limits_beyond_reason_are_no_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
