// test_cli_changes.c -- jobs retry, redo, drop: what is asked of the library and said.
// SPDX-License-Identifier: MIT
#include "cli_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_filters(void **state)
{
    (void)state;
    struct ran *r = RUN("{'change':{'n':1234}}", "jobs", "retry", "--class", "corrupt");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out, "1,234 jobs queued once more\n");
    assert_string_equal(r->err, "");
    assert_has(cli_log(), "retry text=- app=- tag=- path=- id=0 since=0 until=0 state=- "
                          "outcome=- class=corrupt degraded=0 order=0 limit=0\n");
    cli_free(r);
    r = RUN("{'change':{'n':1}}", "jobs", "redo", "--app", "x", "--degraded");
    assert_string_equal(r->out, "1 job queued to be described anew\n");
    assert_has(cli_log(), "redo text=- app=x ");
    cli_free(r);
    r = RUN("{}", "jobs", "drop", "--all");
    assert_string_equal(r->out, "0 jobs forgotten (files were not touched)\n");
    assert_has(cli_log(), "drop all text=-");
    cli_free(r);
    r = RUN("{'change':{'n':3}}", "jobs", "drop", "--all", "--quiet");
    assert_string_equal(r->out, "");
    cli_free(r);
    r = RUN("{'change':{'n':3}}", "jobs", "drop", "--all", "--json");
    assert_string_equal(r->out, "{\"action\":\"drop\",\"changed\":3}\n");
    cli_free(r);
}

static void test_operands(void **state)
{
    (void)state;
    char expected[600];
    cli_write("a.png", "x");
    struct ran *r = RUN("{'change':{'n':2}}", "jobs", "redo", "12", "#13", "a.png");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out, "6 jobs queued to be described anew\n");
    assert_has(cli_log(), "redo text=- app=- tag=- path=- id=12 ");
    assert_has(cli_log(), "redo text=- app=- tag=- path=- id=13 ");
    snprintf(expected, sizeof(expected), "redo text=- app=- tag=- path=%s/a.png id=0 ",
             cli_dir());
    assert_has(cli_log(), expected);
    cli_free(r);
}

static void test_errors(void **state)
{
    (void)state;
    struct ran *r = RUN("{'change':{'err':-14,'message':'the disk is full'}}", "jobs",
                        "drop", "1", "2");
    assert_int_equal(r->code, 4);
    assert_string_equal(r->out, "");
    assert_string_equal(r->err, "vlmd: jobs: the disk is full\n");
    assert_has_not(cli_log(), "id=2 ");
    cli_free(r);
}

#define CASE(f)                                                                          \
    cmocka_unit_test_setup_teardown(f, cli_fixture_setup, cli_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(test_filters), CASE(test_operands),
                                       CASE(test_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
