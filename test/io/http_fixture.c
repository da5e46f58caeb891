// http_fixture.c -- see http_fixture.h.
// SPDX-License-Identifier: MIT
#include "http_fixture.h"

#include <stdio.h>

struct fixture *fx;

// The client is gone inside on_closed.
static void on_closed(void *arg)
{
    assert_ptr_equal(arg, fx);
    assert_false(fx->is_inside);
    assert_false(fx->is_closed);
    fx->is_closed = true;
}

// What a timer made true must end the turn before the loop waits for sockets.
static void on_prepare(uv_prepare_t *prepare)
{
    if (fx->is_so()) {
        uv_stop(prepare->loop);
    }
}

void run_until(bool (*is_so)(void))
{
    fx->is_so = is_so;
    if (!is_so()) {
        uv_prepare_start(&fx->prepare, on_prepare);
        uv_run(&fx->loop.uv, UV_RUN_DEFAULT);
        uv_prepare_stop(&fx->prepare);
    }
    assert_true(is_so());
}

static bool has_enough_dones(void)
{
    return fx->dones >= fx->wanted_dones;
}

void run_until_done(int dones)
{
    fx->wanted_dones = dones;
    run_until(has_enough_dones);
}

static bool has_closed_http(void)
{
    return fx->is_closed;
}

int fixture_setup(void **state)
{
    fx = calloc(1, sizeof(*fx));
    *state = fx;
    if (loop_init(&fx->loop) ||
        http_open(&fx->http, &fx->loop, &(struct http_config){.proxy = ""})) {
        return -1;
    }
    fx->has_http = true;
    uv_prepare_init(&fx->loop.uv, &fx->prepare);
    uv_unref((uv_handle_t *)&fx->prepare);
    web_open(&fx->web, &fx->loop, NULL);
    return 0;
}

void close_http(void)
{
    fx->is_inside = true;
    http_close(fx->http, on_closed, fx);
    fx->is_inside = false;
    fx->has_http = false;
}

int fixture_teardown(void **state)
{
    (void)state;
    if (fx->has_http) {
        close_http();
    }
    web_close(&fx->web);
    uv_close((uv_handle_t *)&fx->prepare, NULL);
    while (!fx->is_closed || !fx->web.is_closed) {
        uv_run(&fx->loop.uv, UV_RUN_ONCE);
    }
    int rc = loop_fini(&fx->loop);
    free(fx);
    return rc;
}

void fixture_reopen(const struct http_config *c)
{
    close_http();
    run_until(has_closed_http);
    fx->is_closed = false;
    assert_int_equal(http_open(&fx->http, &fx->loop, c), 0);
    fx->has_http = true;
}

static void on_done(struct http_req *r, int err)
{
    struct ask *a = container_of(r, struct ask, r);
    assert_false(fx->is_inside);
    assert_ptr_equal(r->arg, a);
    a->dones++;
    a->err = err;
    fx->dones++;
    assert_int_equal(err != 0, r->error[0] != 0);
    if (a->then) {
        a->then(a);
    }
}

static void on_data(struct http_req *r)
{
    struct ask *a = container_of(r, struct ask, r);
    assert_false(fx->is_inside);
    assert_int_equal(a->dones, 0);
    assert_true(r->response.len > a->data_len);
    a->data_calls++;
    a->data_len = r->response.len;
    if (a->on_data) {
        a->on_data(a);
    }
}

void ask_init(struct ask *a, const char *path)
{
    memset(a, 0, sizeof(*a));
    snprintf(a->url, sizeof(a->url), "http://127.0.0.1:%d%s", fx->web.port, path);
    a->r.method = "GET";
    a->r.url = a->url;
    a->r.on_data = on_data;
    a->r.arg = a;
}

void ask_post(struct ask *a, const char *path, const void *image, size_t image_len)
{
    ask_init(a, path);
    a->r.method = "POST";
    a->r.headers[0] = "Content-Type: application/json";
    a->r.body = (struct http_body){"{\"image\":\"", 10, image, image_len, "\"}", 2};
}

int ask_try(struct ask *a)
{
    fx->is_inside = true;
    int rc = http_send(fx->http, &a->r, on_done);
    fx->is_inside = false;
    return rc;
}

void ask_send(struct ask *a)
{
    assert_int_equal(ask_try(a), 0);
}

void ask_cancel(struct ask *a)
{
    fx->is_inside = true;
    http_cancel(fx->http, &a->r);
    fx->is_inside = false;
}

void ask_run(struct ask *a)
{
    ask_send(a);
    run_until_done(fx->dones + 1);
    assert_int_equal(a->dones, 1);
}

void ask_free(struct ask *a)
{
    buf_fini(&a->r.response);
}
