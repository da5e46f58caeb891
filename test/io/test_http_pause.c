// test_http_pause.c -- an answer that is read no further for a while.
// SPDX-License-Identifier: MIT
#include "http_fixture.h"

#include <stdio.h>
#include <stdlib.h>

enum { MUCH = 8 << 20 };

static struct ask one;
static uv_timer_t timer;
static int data_while_paused;
static bool is_paused;
static bool goes_on; // the timer ends the pause
static size_t len_at_pause;

static void send_much(struct web_conn *c)
{
    char head[100];
    char *body = malloc(MUCH);
    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", MUCH);
    memset(body, 'x', MUCH);
    web_send(c, head);
    web_send_bytes(c, body, MUCH);
    free(body);
}

static void on_late(uv_timer_t *t)
{
    uv_close((uv_handle_t *)t, NULL);
    is_paused = false;
    http_resume(fx->http, &one.r);
}

static void pause_once(struct ask *a)
{
    data_while_paused += is_paused;
    if (len_at_pause == 0) {
        http_pause(fx->http, &a->r);
        is_paused = true;
        len_at_pause = a->r.response.len;
        if (goes_on) {
            uv_timer_init(&fx->loop.uv, &timer);
            uv_timer_start(&timer, on_late, 200, 0);
        }
    }
}

static void begin(int64_t stall_ms)
{
    goes_on = false;
    data_while_paused = 0;
    is_paused = false;
    len_at_pause = 0;
    fx->web.on_request = send_much;
    ask_init(&one, "/");
    one.r.max_response_bytes = MUCH + 1;
    one.r.timeouts.stall_ms = stall_ms;
    one.on_data = pause_once;
}

// Nothing comes while it is paused, everything afterwards; the stall does not run.
static void a_paused_answer_stands_still(void **state)
{
    (void)state;
    begin(80);
    goes_on = true;
    ask_run(&one);
    assert_int_equal(one.err, 0);
    assert_int_equal(data_while_paused, 0);
    assert_true(len_at_pause > 0 && len_at_pause < MUCH / 2);
    assert_int_equal(one.r.response.len, MUCH);
    assert_true(one.r.total_ms >= 190);
    ask_free(&one);
}

static void a_paused_answer_can_be_cancelled(void **state)
{
    (void)state;
    begin(0);
    ask_send(&one);
    while (!is_paused) {
        uv_run(&fx->loop.uv, UV_RUN_ONCE);
    }
    ask_cancel(&one);
    run_until_done(1);
    assert_int_equal(one.err, E_CANCELED);
    ask_free(&one);
}

// Nobody ends this pause: only the total time can.
static void its_total_time_runs_on(void **state)
{
    (void)state;
    begin(0);
    one.r.timeouts.total_ms = 400;
    ask_run(&one);
    assert_int_equal(one.err, E_TOTAL);
    assert_true(is_paused);
    ask_free(&one);
}

// What ended, or never began, can not be paused; that is no mistake.
static void pausing_nothing_is_nothing(void **state)
{
    (void)state;
    begin(0);
    http_pause(fx->http, &one.r);
    http_resume(fx->http, &one.r);
    one.on_data = NULL;
    ask_run(&one);
    assert_int_equal(one.err, 0);
    http_pause(fx->http, &one.r);
    http_resume(fx->http, &one.r);
    assert_int_equal(http_in_flight(fx->http), 0);
    ask_free(&one);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        HTTP_TEST(a_paused_answer_stands_still),
        HTTP_TEST(a_paused_answer_can_be_cancelled),
        HTTP_TEST(its_total_time_runs_on),
        HTTP_TEST(pausing_nothing_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
