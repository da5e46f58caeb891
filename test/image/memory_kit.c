// memory_kit.c -- see memory_kit.h.
// SPDX-License-Identifier: MIT
#include "image/memory_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long kb_in(const char *path, const char *name)
{
    char line[256];
    long kb = -1;
    const size_t len = strlen(name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (kb < 0 && fgets(line, sizeof(line), file)) {
        if (strncmp(line, name, len) == 0) {
            kb = strtol(line + len, NULL, 10);
        }
    }
    fclose(file);
    assert_true(kb >= 0);
    return kb;
}

long memory_resident_kb(void)
{
    return kb_in("/proc/self/smaps_rollup", "Rss:");
}

long memory_peak_kb(void)
{
    return kb_in("/proc/self/status", "VmHWM:");
}

bool memory_reset_peak(void)
{
    FILE *refs = fopen("/proc/self/clear_refs", "w");
    return refs && fputs("5", refs) >= 0 && fclose(refs) == 0;
}

bool memory_is_glibc(void)
{
#if defined(__GLIBC__) && !defined(VLMD_SANITIZED)
    return true;
#else
    return false;
#endif
}
