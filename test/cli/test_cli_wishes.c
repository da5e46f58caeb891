// test_cli_wishes.c -- pause, resume, models load and unload: what is asked and said.
// SPDX-License-Identifier: MIT
#include "cli_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_pause(void **state)
{
    (void)state;
    struct ran *r = RUN("{}", "pause");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->err, "vlmd: paused until `vlmd resume`\n");
    assert_has(cli_log(), "pause -1 minutes");
    cli_free(r);
    r = RUN("{}", "pause", "--for", "2h");
    assert_int_equal(r->code, 0);
    assert_has(r->err, "vlmd: paused until 2");
    assert_has(cli_log(), "pause 120 minutes");
    cli_free(r);
    r = RUN("{}", "pause", "--json");
    assert_string_equal(r->out, "{\"paused_until_ms\":-1}\n");
    cli_free(r);
    r = RUN("{}", "resume");
    assert_int_equal(r->code, 0);
    assert_has(cli_log(), "resume");
    cli_free(r);
}

static void test_spans(void **state)
{
    (void)state;
    static const char *const bad[] = {"",           "1",   "soon", "yesterday",
                                      "2026-11-21", "-2h", "0m",   "1h30"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct ran *r = RUN("{}", "pause", "--for", bad[i]);
        assert_int_equal(r->code, 2);
        assert_has(r->err, "is not a duration");
        assert_has_not(cli_log(), "pause ");
        cli_free(r);
    }
}

static void test_refused(void **state)
{
    (void)state;
    struct ran *r = RUN("{'wish':{'err':-14,'message':'the disk is full'}}", "pause");
    assert_int_equal(r->code, 4);
    assert_string_equal(r->err, "vlmd: pause: the disk is full\n");
    cli_free(r);
    r = RUN("{'wish':{'err':-30,'message':'it is not there'}}", "models", "load");
    assert_int_equal(r->code, 3);
    assert_string_equal(r->err, "vlmd: models load: it is not there\n");
    cli_free(r);
}

static void test_models(void **state)
{
    (void)state;
    struct ran *r = RUN("{}", "models", "load");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->err, "vlmd: the model is loaded\n");
    assert_has(cli_log(), "worker");
    assert_has(cli_log(), "backend.keep_alive=300s(--for)");
    cli_free(r);
    r = RUN("{}", "models", "load", "qwen2.5vl:7b", "--for", "1h");
    assert_has(cli_log(), "backend.keep_alive=3600s(--for)");
    assert_has(cli_log(), "model=qwen2.5vl:7b(MODEL)");
    cli_free(r);
    r = RUN("{}", "models", "unload", "--quiet");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->err, "");
    assert_has(cli_log(), "unload");
    cli_free(r);
    r = RUN("{}", "models", "load", "a", "b");
    assert_int_equal(r->code, 2);
    cli_free(r);
    r = RUN("{}", "models", "load", "--for", "3d");
    assert_int_equal(r->code, 2);
    cli_free(r);
}

#define CASE(f)                                                                          \
    cmocka_unit_test_setup_teardown(f, cli_fixture_setup, cli_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(test_pause), CASE(test_spans),
                                       CASE(test_refused), CASE(test_models)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
