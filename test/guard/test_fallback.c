// test_fallback.c -- what comes after a failure, as a table.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "base/err.h"
#include "guard/guard.h"

static void the_chain_is_as_the_table_says(void **state)
{
    (void)state;
    static const struct {
        struct fallback_state s;
        int code;
        enum fallback_step expected;
    } rows[] = {
        // reach, step, tier, can_ocr, has_metadata, was_degraded
        {{FALLBACK_REACH_METADATA, FALLBACK_NONE, 2, true, true, false},
         E_SCHEMA,
         FALLBACK_TIER},
        {{FALLBACK_REACH_METADATA, FALLBACK_TIER, 1, true, true, false},
         E_CONTEXT,
         FALLBACK_TIER},
        {{FALLBACK_REACH_METADATA, FALLBACK_TIER, 0, true, true, false},
         E_SCHEMA,
         FALLBACK_OCR},
        {{FALLBACK_REACH_METADATA, FALLBACK_OCR, 0, true, true, false},
         E_OCR,
         FALLBACK_METADATA},
        {{FALLBACK_REACH_METADATA, FALLBACK_METADATA, 0, true, true, false},
         E_OCR,
         FALLBACK_NONE},
        // what less can not help
        {{FALLBACK_REACH_METADATA, FALLBACK_NONE, 2, true, true, false},
         E_BAD_IMAGE,
         FALLBACK_OCR},
        {{FALLBACK_REACH_METADATA, FALLBACK_NONE, 2, false, true, false},
         E_REFUSAL,
         FALLBACK_METADATA},
        {{FALLBACK_REACH_METADATA, FALLBACK_NONE, 2, false, false, false},
         E_REFUSAL,
         FALLBACK_NONE},
        // after OCR no model is asked any more
        {{FALLBACK_REACH_METADATA, FALLBACK_OCR, 2, true, false, false},
         E_OCR,
         FALLBACK_NONE},
        // how far
        {{FALLBACK_REACH_OFF, FALLBACK_NONE, 2, true, true, false},
         E_SCHEMA,
         FALLBACK_NONE},
        {{FALLBACK_REACH_TIER, FALLBACK_NONE, 1, true, true, false},
         E_SCHEMA,
         FALLBACK_TIER},
        {{FALLBACK_REACH_TIER, FALLBACK_TIER, 0, true, true, false},
         E_SCHEMA,
         FALLBACK_NONE},
        {{FALLBACK_REACH_OCR, FALLBACK_NONE, 0, true, true, false},
         E_SCHEMA,
         FALLBACK_OCR},
        {{FALLBACK_REACH_OCR, FALLBACK_NONE, 0, false, true, false},
         E_SCHEMA,
         FALLBACK_NONE},
        // what has words already keeps them
        {{FALLBACK_REACH_METADATA, FALLBACK_NONE, 1, true, true, true},
         E_SCHEMA,
         FALLBACK_TIER},
        {{FALLBACK_REACH_METADATA, FALLBACK_TIER, 0, true, true, true},
         E_SCHEMA,
         FALLBACK_NONE},
        {{FALLBACK_REACH_METADATA, FALLBACK_NONE, 2, true, true, false},
         E_BUG,
         FALLBACK_NONE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum fallback_step step = fallback_next(&rows[i].s, rows[i].code);
        if (step != rows[i].expected) {
            fail_msg("row %zu: %s instead of %s", i, fallback_name(step),
                     fallback_name(rows[i].expected));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chain_is_as_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
