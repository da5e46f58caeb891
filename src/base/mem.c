// mem.c -- aborts through a hook when small things can not be had.
// SPDX-License-Identifier: MIT
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void (*out_of_memory)(size_t bytes);

void mem_set_hook(void (*on_out_of_memory)(size_t bytes))
{
    out_of_memory = on_out_of_memory;
}

static void *checked(void *p, size_t bytes)
{
    if (!p) {
        if (out_of_memory) {
            out_of_memory(bytes);
        }
        abort();
    }
    return p;
}

void *mem_zero(size_t bytes)
{
    return checked(calloc(1, bytes), bytes);
}

char *mem_dup(const char *s)
{
    return s ? checked(strdup(s), strlen(s) + 1) : NULL;
}
