// test_log.c -- levels, the sink, and the two line formats.
// SPDX-License-Identifier: MIT
#include "base/log.h"

#include "base/json.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    int lines;
    enum log_level level;
    int64_t at_ms;
    char module[32];
    char message[4096];
};

static void keep(void *arg, const struct log_line *line)
{
    struct seen *s = arg;
    s->lines++;
    s->level = line->level;
    s->at_ms = line->at_ms;
    strncpy(s->module, line->module, sizeof(s->module) - 1);
    strncpy(s->message, line->message, sizeof(s->message) - 1);
}

static void level_names_go_both_ways(void **state)
{
    (void)state;
    for (int i = LOG_ERROR; i <= LOG_DEBUG; i++) {
        assert_int_equal(log_level_by_name(log_level_name((enum log_level)i)), i);
    }
    assert_string_equal(log_level_name(LOG_WARN), "warn");
    assert_int_equal(log_level_by_name("loud"), -1);
    assert_int_equal(log_level_by_name(""), -1);
}

static void only_lines_up_to_the_level_pass(void **state)
{
    (void)state;
    struct seen s = {0};
    log_set_sink(keep, &s);
    log_set_level(LOG_WARN);
    assert_int_equal(log_get_level(), LOG_WARN);
    log_error("a", "x");
    log_warn("a", "x");
    log_info("a", "x");
    log_debug("a", "x");
    assert_int_equal(s.lines, 2);
    log_set_level(LOG_DEBUG);
    log_debug("store", "rows=%d path=\"%s\"", 3, "a b");
    assert_int_equal(s.lines, 3);
    assert_int_equal(s.level, LOG_DEBUG);
    assert_string_equal(s.module, "store");
    assert_string_equal(s.message, "rows=3 path=\"a b\"");
    assert_true(s.at_ms > 1600000000000);
    log_set_level(LOG_INFO);
    log_clear_sink(keep, &s);
}

// A file name must not be able to draw on the terminal or forge a line.
static void control_characters_never_get_out(void **state)
{
    (void)state;
    struct seen s = {0};
    log_set_sink(keep, &s);
    log_info("a", "name=%s", "x\n2026 error\x1b[31m\x7f\t");
    log_clear_sink(keep, &s);
    assert_string_equal(s.message, "name=x?2026 error?[31m??");
}

static void overlong_lines_are_cut(void **state)
{
    (void)state;
    struct seen s = {0};
    char big[5000];
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = 0;
    log_set_sink(keep, &s);
    log_info("a", "%s", big);
    log_clear_sink(keep, &s);
    assert_int_equal(s.lines, 1);
    assert_in_range(strlen(s.message), 1000, 2047);
}

static void a_sink_is_cleared_only_by_its_owner(void **state)
{
    (void)state;
    struct seen first = {0}, second = {0};
    log_set_sink(keep, &first);
    log_set_sink(keep, &second);
    log_clear_sink(keep, &first);
    log_info("a", "x");
    assert_int_equal(first.lines, 0);
    assert_int_equal(second.lines, 1);
    log_clear_sink(keep, &second);
    log_info("a", "x");
    assert_int_equal(second.lines, 1);
    log_set_sink(NULL, NULL);
    log_info("a", "x");
}

static void text_and_json_lines(void **state)
{
    (void)state;
    struct log_line line = {.level = LOG_WARN,
                            .at_ms = 1700000000123,
                            .module = "http",
                            .message = "a \"b\\c\""};
    char out[512];
    int n = log_format(&line, 0, out, sizeof(out));
    assert_string_equal(out, "2023-11-14T22:13:20.123Z warn  http     a \"b\\c\"");
    assert_int_equal(n, strlen(out));
    n = log_format(&line, 1, out, sizeof(out));
    assert_int_equal(n, strlen(out));
    struct cJSON *root = json_parse(out, (size_t)n);
    assert_non_null(root);
    assert_string_equal(json_get_str(root, "time"), "2023-11-14T22:13:20.123Z");
    assert_string_equal(json_get_str(root, "level"), "warn");
    assert_string_equal(json_get_str(root, "module"), "http");
    assert_string_equal(json_get_str(root, "message"), "a \"b\\c\"");
    json_free(root);
}

static void short_buffers_are_not_overrun(void **state)
{
    (void)state;
    struct log_line line = {
        .level = LOG_INFO, .at_ms = 1, .module = "m", .message = "hello"};
    for (int size = 1; size < 60; size++) {
        for (int as_json = 0; as_json < 2; as_json++) {
            char *out = malloc((size_t)size);
            assert_non_null(out);
            int n = log_format(&line, as_json, out, size);
            assert_true(n >= 0 && n < size);
            assert_int_equal(strlen(out), n);
            free(out);
        }
    }
}

static void *write_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++) {
        log_info("t", "i=%d", i);
    }
    return NULL;
}

static void threads_take_turns(void **state)
{
    (void)state;
    struct seen s = {0};
    pthread_t threads[4];
    log_set_sink(keep, &s);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    log_clear_sink(keep, &s);
    assert_int_equal(s.lines, 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(level_names_go_both_ways),
        cmocka_unit_test(only_lines_up_to_the_level_pass),
        cmocka_unit_test(control_characters_never_get_out),
        cmocka_unit_test(overlong_lines_are_cut),
        cmocka_unit_test(a_sink_is_cleared_only_by_its_owner),
        cmocka_unit_test(text_and_json_lines),
        cmocka_unit_test(short_buffers_are_not_overrun),
        cmocka_unit_test(threads_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
