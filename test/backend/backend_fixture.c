// backend_fixture.c -- see backend_fixture.h.
// SPDX-License-Identifier: MIT
#include "backend_fixture.h"

#include <stdio.h>

struct bench *bn;

static void on_prepare(uv_prepare_t *prepare)
{
    if (bn->is_so()) {
        uv_stop(prepare->loop);
    }
}

// Never sleeps: the loop waits for what the test waits for.
void run_until(bool (*is_so)(void))
{
    bn->is_so = is_so;
    if (!is_so()) {
        uv_prepare_start(&bn->prepare, on_prepare);
        uv_run(&bn->loop.uv, UV_RUN_DEFAULT);
        uv_prepare_stop(&bn->prepare);
    }
    assert_true(is_so());
}

static bool has_enough_dones(void)
{
    return bn->dones >= bn->wanted_dones;
}

void run_dones(int n)
{
    bn->wanted_dones = bn->dones + n;
    run_until(has_enough_dones);
}

int bench_setup(void **state)
{
    bn = calloc(1, sizeof(*bn));
    *state = bn;
    if (loop_init(&bn->loop) ||
        http_open(&bn->http, &bn->loop, &(struct http_config){.proxy = ""})) {
        return -1;
    }
    uv_prepare_init(&bn->loop.uv, &bn->prepare);
    web_open(&bn->web, &bn->loop, NULL);
    backend_config_default(&bn->config);
    prompt_pick(NULL, "firefox", "News", &bn->prompt);
    return 0;
}

void bench_close_backend(void)
{
    backend_free(bn->backend);
    bn->backend = NULL;
}

static void on_http_closed(void *arg)
{
    bn->is_http_closed = arg == bn;
}

void bench_close_http(void)
{
    http_close(bn->http, on_http_closed, bn);
    bn->http = NULL;
}

int bench_teardown(void **state)
{
    (void)state;
    bench_close_backend();
    if (bn->http) {
        bench_close_http();
    }
    web_close(&bn->web);
    uv_close((uv_handle_t *)&bn->prepare, NULL);
    while (uv_run(&bn->loop.uv, UV_RUN_ONCE)) {
    }
    int rc = bn->is_http_closed ? loop_fini(&bn->loop) : -1;
    free(bn);
    bn = NULL;
    return rc;
}

void bench_open(int port)
{
    bench_close_backend();
    snprintf(bn->url, sizeof(bn->url), "http://127.0.0.1:%d", port);
    bn->config.url = bn->url;
    bn->config.name = "test";
    assert_int_equal(backend_new(&bn->backend, &bn->loop, bn->http, &bn->config), 0);
}

static void note(struct waited *w, int err)
{
    assert_false(bn->is_inside);
    w->dones++;
    w->err = err;
    bn->dones++;
    if (w->then) {
        w->then(w);
    }
}

static void on_call_done(struct backend_call *c, int err)
{
    assert_int_equal(c->code, err);
    assert_int_equal(c->err.code, err);
    assert_int_equal(err != 0, c->err.msg[0] != 0);
    note(container_of(c, struct waited, call), err);
}

static void on_ask_done(struct backend_ask *a, int err)
{
    assert_int_equal(a->call.code, err);
    assert_int_equal(a->call.err.code, err);
    assert_int_equal(err != 0, a->call.err.msg[0] != 0);
    assert_int_equal(err == 0, a->answer.summary != NULL);
    note(container_of(a, struct waited, ask), err);
}

void start_probe(struct waited *w)
{
    bn->is_inside = true;
    backend_probe(bn->backend, &w->call, on_call_done);
    bn->is_inside = false;
}

void start_load(struct waited *w)
{
    bn->is_inside = true;
    backend_load(bn->backend, &w->call, on_call_done);
    bn->is_inside = false;
}

void start_ask(struct waited *w, const void *jpeg, size_t len, int width, int height)
{
    w->ask.jpeg = jpeg;
    w->ask.jpeg_len = len;
    w->ask.width = width;
    w->ask.height = height;
    w->ask.prompt = &bn->prompt;
    bn->is_inside = true;
    backend_ask(bn->backend, &w->ask, on_ask_done);
    bn->is_inside = false;
}

int probe(void)
{
    struct waited w = {0};
    start_probe(&w);
    run_dones(1);
    if (w.err) {
        print_message("probe: %s\n", w.call.err.msg);
    }
    return w.err;
}

int load(void)
{
    struct waited w = {0};
    start_load(&w);
    run_dones(1);
    if (w.err) {
        print_message("load: %s\n", w.call.err.msg);
    }
    return w.err;
}

void waited_free(struct waited *w)
{
    answer_fini(&w->ask.answer);
    backend_ask_fini(&w->ask);
}
