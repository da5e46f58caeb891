// test_err.c -- the error table: unique, complete, and its classes as promised.
// SPDX-License-Identifier: MIT
#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    int code;
    const char *name;
    enum err_class class;
    enum err_category category;
    enum err_severity severity;
    const char *words;
    const char *todo;
} rows[] = {
#define X(code, number, name, class, category, severity, words, todo)                    \
    {code, name, class, category, severity, words, todo},
    ERR_TABLE(X)
#undef X
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void codes_and_names_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(rows[i].code < 0);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(rows[i].code, rows[j].code);
            assert_string_not_equal(rows[i].name, rows[j].name);
        }
    }
}

// Names stand in the database, in JSON and on the command line.
static void names_are_lower_case_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(rows[i].name[0] != 0);
        assert_int_equal(strspn(rows[i].name, "abcdefghijklmnopqrstuvwxyz_"),
                         strlen(rows[i].name));
    }
}

static void every_row_is_found_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        assert_string_equal(err_name(rows[i].code), rows[i].name);
        assert_string_equal(err_words(rows[i].code), rows[i].words);
        assert_string_equal(err_todo(rows[i].code), rows[i].todo);
        assert_int_equal(err_class(rows[i].code), rows[i].class);
        assert_int_equal(err_category(rows[i].code), rows[i].category);
        assert_int_equal(err_severity(rows[i].code), rows[i].severity);
        assert_int_equal(err_by_name(rows[i].name), rows[i].code);
        assert_true(strlen(rows[i].words) > 0 && strlen(rows[i].todo) > 0);
    }
}

static void unknown_codes_have_an_answer(void **state)
{
    (void)state;
    assert_string_equal(err_name(0), "ok");
    assert_string_equal(err_words(0), "ok");
    assert_string_equal(err_todo(0), "");
    assert_string_equal(err_name(-9999), "unknown");
    assert_string_equal(err_words(12), "unknown error");
    assert_string_equal(err_todo(-9999), "");
    assert_int_equal(err_class(-9999), ERR_BUG);
    assert_int_equal(err_category(-9999), ERR_IN_INTERNAL);
    assert_int_equal(err_severity(-9999), ERR_CRITICAL);
    assert_int_equal(err_category_by_name("no such thing"), -1);
    assert_int_equal(err_severity_by_name(""), -1);
    assert_int_equal(err_by_name("no such thing"), 0);
    assert_int_equal(err_by_name(""), 0);
}

// What a job costs hangs on these: a backend that is away must never use up an attempt,
// and a broken picture must never be sent twice.
static void classes_are_sane(void **state)
{
    (void)state;
    static const int reroute[] = {E_NET,  E_NO_VISION, E_MODEL_MISSING, E_AUTH, E_QUOTA,
                                  E_RATE, E_OVERLOAD,  E_LOADING,       E_FULL, E_REMOTE};
    static const int give_up[] = {E_FORMAT,  E_CORRUPT, E_TOOBIG,    E_NOT_FILE,
                                  E_OUTSIDE, E_BLOCKED, E_BAD_IMAGE, E_NOT_FOUND};
    static const int retry[] = {E_NOMEM, E_IO,    E_CUT,   E_NET_CUT, E_FIRST_BYTE,
                                E_STALL, E_TOTAL, E_EMPTY, E_SERVER,  E_REPETITION};
    static const int bug[] = {E_CANCELED, E_USAGE, E_CONFIG, E_LOST, E_BUG};
    for (size_t i = 0; i < sizeof(reroute) / sizeof(int); i++) {
        assert_int_equal(err_class(reroute[i]), ERR_REROUTE);
    }
    for (size_t i = 0; i < sizeof(give_up) / sizeof(int); i++) {
        assert_int_equal(err_class(give_up[i]), ERR_GIVE_UP);
    }
    for (size_t i = 0; i < sizeof(retry) / sizeof(int); i++) {
        assert_int_equal(err_class(retry[i]), ERR_RETRY);
    }
    for (size_t i = 0; i < sizeof(bug) / sizeof(int); i++) {
        assert_int_equal(err_class(bug[i]), ERR_BUG);
    }
}

// Who may be woken by it hangs on these.
static void the_taxonomy_is_sane(void **state)
{
    (void)state;
    static const struct {
        int code;
        enum err_category category;
        enum err_severity severity;
        bool is_recoverable;
    } want[] = {
        {E_FORMAT, ERR_IN_VALIDATION, ERR_LOW, false},
        {E_CORRUPT, ERR_IN_IMAGE, ERR_MEDIUM, false},
        {E_EMPTY, ERR_IN_MODEL, ERR_MEDIUM, true},
        {E_NET, ERR_IN_NETWORK, ERR_HIGH, true},
        {E_AUTH, ERR_IN_PROTOCOL, ERR_HIGH, true},
        {E_RATE, ERR_IN_PROTOCOL, ERR_LOW, true},
        {E_FULL, ERR_IN_STORE, ERR_CRITICAL, true},
        {E_BLOCKED, ERR_IN_PRIVACY, ERR_LOW, false},
        {E_BUG, ERR_IN_INTERNAL, ERR_CRITICAL, false},
    };
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        assert_int_equal(err_category(want[i].code), want[i].category);
        assert_int_equal(err_severity(want[i].code), want[i].severity);
        assert_int_equal(err_is_recoverable(want[i].code), want[i].is_recoverable);
    }
    for (int c = 0; c < ERR_CATEGORIES; c++) {
        const char *name = err_category_name((enum err_category)c);
        assert_int_equal(err_category_by_name(name), c);
    }
    for (int s = ERR_LOW; s <= ERR_CRITICAL; s++) {
        assert_int_equal(err_severity_by_name(err_severity_name((enum err_severity)s)),
                         s);
    }
}

static void set_formats_and_returns_the_code(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(err_set(&e, E_CONFIG, "%s:%d: bad", "f.yaml", 7), E_CONFIG);
    assert_int_equal(e.code, E_CONFIG);
    assert_string_equal(e.msg, "f.yaml:7: bad");
    assert_int_equal(err_set(NULL, E_IO, "nobody listens"), E_IO);
    char longer[2000];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = 0;
    assert_int_equal(err_set(&e, E_IO, "%s", longer), E_IO);
    assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
}

static void errno_values_map(void **state)
{
    (void)state;
    static const struct {
        int errnum;
        int code;
    } map[] = {
        {0, 0},
        {ENOENT, E_NOT_FOUND},
        {ENOTDIR, E_NOT_FOUND},
        {EACCES, E_ACCESS},
        {EPERM, E_ACCESS},
        {ELOOP, E_OUTSIDE},
        {EXDEV, E_OUTSIDE},
        {ENOMEM, E_NOMEM},
        {ENOSPC, E_FULL},
        {EDQUOT, E_FULL},
        {EISDIR, E_NOT_FILE},
        {EIO, E_IO},
        {EMFILE, E_IO},
        {99999, E_IO},
    };
    for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
        assert_int_equal(err_from_errno(map[i].errnum), map[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_and_names_are_unique),
        cmocka_unit_test(names_are_lower_case_words),
        cmocka_unit_test(every_row_is_found_both_ways),
        cmocka_unit_test(unknown_codes_have_an_answer),
        cmocka_unit_test(classes_are_sane),
        cmocka_unit_test(the_taxonomy_is_sane),
        cmocka_unit_test(set_formats_and_returns_the_code),
        cmocka_unit_test(errno_values_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
