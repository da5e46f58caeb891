// mem.h -- memory for small fixed things, and checked sizes for the rest.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_MEM_H
#define VLMD_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

// Zeroed memory for a small fixed struct.  Running out of it calls the hook, which must
// not return.  Free with free().
#define mem_new(type) ((type *)mem_zero(sizeof(type)))

void *mem_zero(size_t bytes);
char *mem_dup(const char *s);  // NULL stays NULL
void mem_set_hook(void (*on_out_of_memory)(size_t bytes));

// *out = a * b; false on overflow.
static inline bool mem_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

#endif
