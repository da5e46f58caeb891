// test_log_file.c -- a log that is moved away while it is written, and levels of parts.
// SPDX-License-Identifier: MIT
#include "base/log.h"
#include "base/log_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct rig {
    char dir[40], path[60], old[60];
};

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    snprintf(r->dir, sizeof(r->dir), "log-file.XXXXXX");
    if (!mkdtemp(r->dir)) {
        return -1;
    }
    snprintf(r->path, sizeof(r->path), "%s/vlmd.log", r->dir);
    snprintf(r->old, sizeof(r->old), "%s/vlmd.log.1", r->dir);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    log_file_close();
    log_set_level(LOG_INFO);
    unlink(r->path);
    unlink(r->old);
    int rc = rmdir(r->dir);
    free(r);
    return rc;
}

static void read_file(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(out, 1, size - 1, f) : 0;
    out[n] = 0;
    if (f) {
        fclose(f);
    }
}

static void open_log(const struct rig *r, bool as_json)
{
    struct err e = {0};
    if (log_file_open(r->path, as_json, &e)) {
        fail_msg("%s", e.msg);
    }
}

static void lines_are_appended_for_the_owner_only(void **state)
{
    struct rig *r = *state;
    char text[1000];
    struct stat st;
    open_log(r, false);
    log_info("a", "one");
    log_file_close();
    log_info("a", "not there");
    open_log(r, false);
    log_info("a", "two");
    read_file(r->path, text, sizeof(text));
    assert_non_null(strstr(text, " a        one\n"));
    assert_non_null(strstr(text, " a        two\n"));
    assert_null(strstr(text, "not there"));
    assert_int_equal(stat(r->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_file_that_was_moved_is_begun_anew(void **state)
{
    struct rig *r = *state;
    char text[1000];
    open_log(r, false);
    log_info("a", "before");
    assert_int_equal(rename(r->path, r->old), 0);
    log_file_reopen();
    log_info("a", "after");
    read_file(r->old, text, sizeof(text));
    assert_non_null(strstr(text, "before"));
    assert_null(strstr(text, "after"));
    read_file(r->path, text, sizeof(text));
    assert_non_null(strstr(text, "after"));
}

static void one_that_can_not_be_made_is_refused_in_words(void **state)
{
    struct err e = {0};
    (void)state;
    assert_int_equal(log_file_open("/no/such/folder/x.log", false, &e), E_NOT_FOUND);
    assert_non_null(strstr(e.msg, "/no/such/folder/x.log"));
}

static void json_lines_have_members_to_search_for(void **state)
{
    struct rig *r = *state;
    char text[1000];
    open_log(r, true);
    log_warn("pipeline", "job=12 cid=00ff class=net_cut jobless=1 \"cid=no\"");
    read_file(r->path, text, sizeof(text));
    assert_non_null(strstr(text, ",\"job\":\"12\",\"cid\":\"00ff\",\"class\":\"net_cut\","
                                 "\"message\":\"job=12 "));
    assert_null(strstr(text, "\"backend\""));
}

static void parts_have_levels_of_their_own(void **state)
{
    struct rig *r = *state;
    char text[2000];
    struct log_levels l;
    assert_true(log_parse_levels("warn,http=debug,store=error", &l));
    log_set_levels(&l);
    assert_int_equal(log_get_level(), LOG_DEBUG);
    open_log(r, false);
    log_debug("http", "h-debug");
    log_info("a", "a-info");
    log_warn("a", "a-warn");
    log_warn("store", "s-warn");
    log_error("store", "s-error");
    read_file(r->path, text, sizeof(text));
    assert_non_null(strstr(text, "h-debug"));
    assert_null(strstr(text, "a-info"));
    assert_non_null(strstr(text, "a-warn"));
    assert_null(strstr(text, "s-warn"));
    assert_non_null(strstr(text, "s-error"));
}

static void levels_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "loud",
                                      "info,",
                                      "info,,http=debug",
                                      "info,debug",
                                      "http=loud",
                                      "info,=debug",
                                      "http=debug,info",
                                      "a_module_with_a_name_that_is_too_long=debug"};
    struct log_levels l = {.n = 7};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (log_parse_levels(bad[i], &l)) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
    assert_int_equal(l.n, 7);
    assert_true(log_parse_levels("http=debug", &l));
    assert_int_equal(l.base, LOG_INFO);
    assert_int_equal(l.n, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(lines_are_appended_for_the_owner_only),
        T(a_file_that_was_moved_is_begun_anew),
        cmocka_unit_test(one_that_can_not_be_made_is_refused_in_words),
        T(json_lines_have_members_to_search_for),
        T(parts_have_levels_of_their_own),
        cmocka_unit_test(levels_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
