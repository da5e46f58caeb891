// backend_fixture.h -- a loop, an HTTP client, a backend, and calls that are waited for.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_BACKEND_FIXTURE_H
#define VLMD_TEST_BACKEND_FIXTURE_H

#include "backend/backend.h"
#include "io/web_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// One call or ask and how it ended.
struct waited {
    struct backend_call call;
    struct backend_ask ask;
    int dones;
    int err;
    void (*then)(struct waited *w);  // at the end of done
};

struct bench {
    struct loop loop;
    struct http *http;
    struct web web;  // of tests that script the server
    struct backend_config config;
    struct backend *backend;
    struct prompt prompt;
    char url[256];
    bool is_inside;  // a call of the backend is on the stack: no done may come
    bool is_http_closed;
    int dones;
    int wanted_dones;
    bool (*is_so)(void);
    uv_prepare_t prepare;
};

extern struct bench *bn;

int bench_setup(void **state);
int bench_teardown(void **state);  // fails when a handle is left

// A backend at 127.0.0.1:port; config may be changed before.  Replaces the last one.
void bench_open(int port);
void bench_close_backend(void);
void bench_close_http(void);

void start_probe(struct waited *w);
void start_load(struct waited *w);
void start_ask(struct waited *w, const void *jpeg, size_t len, int width, int height);
int probe(void);  // runs it to its end; returns err
int load(void);
void run_dones(int n);  // until so many more have come
void run_until(bool (*is_so)(void));
void waited_free(struct waited *w);

#define BENCH_TEST(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)
#define assert_code(code, expected)                                                      \
    assert_string_equal(err_name(code), err_name(expected))

#endif
