// test_traceparent.c -- the header that ties spans to a trace.
// SPDX-License-Identifier: MIT
#include "base/traceparent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

static void it_comes_back_as_it_was(void **state)
{
    (void)state;
    static const char *const good[] = {"00-" TRACE "-" SPAN "-01",
                                       "00-" TRACE "-" SPAN "-00"};
    for (int i = 0; i < 2; i++) {
        struct traceparent t;
        char text[TRACEPARENT_BYTES];
        assert_true(traceparent_parse(good[i], &t));
        assert_int_equal(t.is_sampled, i == 0);
        assert_int_equal(t.trace[0], 0x4b);
        assert_int_equal(t.span[7], 0xb7);
        traceparent_format(&t, text);
        assert_string_equal(text, good[i]);
    }
}

static void later_versions_may_be_longer(void **state)
{
    (void)state;
    struct traceparent t;
    assert_true(traceparent_parse("01-" TRACE "-" SPAN "-03-more", &t));
    assert_true(t.is_sampled);
}

static void others_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "00",
        "00-",
        "00-" TRACE,
        "00-" TRACE "-" SPAN,
        "00-" TRACE "-" SPAN "-",
        "00-" TRACE "-" SPAN "-0",
        "00-" TRACE "-" SPAN "-01x",
        "00-" TRACE "-" SPAN "-01-more",
        "00_" TRACE "-" SPAN "-01",
        "ff-" TRACE "-" SPAN "-01",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
        "00-" TRACE "0-" SPAN "-01",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct traceparent t;
        if (traceparent_parse(bad[i], &t)) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_back_as_it_was),
        cmocka_unit_test(later_versions_may_be_longer),
        cmocka_unit_test(others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
