// http_fixture.h -- a loop, a client, a server and recorded requests for test_http*.c.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_HTTP_FIXTURE_H
#define VLMD_TEST_HTTP_FIXTURE_H

#include "io/http.h"
#include "web_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct ask {
    struct http_req r;
    char url[256];
    int dones;
    int err;
    int data_calls;
    size_t data_len;                 // response.len at the last on_data
    void (*then)(struct ask *a);     // at the end of done
    void (*on_data)(struct ask *a);  // in on_data
};

struct fixture {
    struct loop loop;
    struct http *http;
    struct web web;
    bool has_http;
    bool is_inside;  // a call of http is on the stack: no done may come
    bool is_closed;
    int dones;
    // of run_until
    uv_prepare_t prepare;
    bool (*is_so)(void);
    int wanted_dones;
};

extern struct fixture *fx;

int fixture_setup(void **state);     // client with default configuration, TCP server
int fixture_teardown(void **state);  // closes everything; fails when a handle is left

void fixture_reopen(const struct http_config *c);  // another client
void ask_init(struct ask *a, const char *path);    // GET from the fixture's server
void ask_post(struct ask *a, const char *path, const void *image, size_t image_len);
int ask_try(struct ask *a);    // http_send's result
void ask_send(struct ask *a);  // must be accepted
void ask_cancel(struct ask *a);
void ask_run(struct ask *a);  // send and wait for done
void ask_free(struct ask *a);
void close_http(void);  // not waited for
void run_until_done(int dones);
void run_until(bool (*is_so)(void));

#define HTTP_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

#endif
